// AES-GCM does without AVX-512 here: the firmware answers as OpenSSL does on a processor that lacks it. Defined in the
// program, these keep libcrypto's own versions out of the static binary: 0.7 MB of code unrolled for servers. The
// signatures are those of OpenSSL 3.5, providers/implementations/ciphers/cipher_aes_gcm_hw_vaes_avx512.inc.
#if defined(GATEWARDEN_FIRMWARE) && defined(__x86_64__)

#include <stdlib.h>

int ossl_vaes_vpclmulqdq_capable(void);
void ossl_aes_gcm_init_avx512(const void *key, void *context);
void ossl_aes_gcm_setiv_avx512(const void *key, void *context, const unsigned char *iv, size_t length);
void ossl_aes_gcm_update_aad_avx512(void *context, const unsigned char *aad, size_t length);
void ossl_aes_gcm_encrypt_avx512(
    const void *key, void *context, unsigned int *partial, const unsigned char *in, size_t length, unsigned char *out);
void ossl_aes_gcm_decrypt_avx512(
    const void *key, void *context, unsigned int *partial, const unsigned char *in, size_t length, unsigned char *out);
void ossl_aes_gcm_finalize_avx512(void *context, unsigned int partial);
void ossl_gcm_gmult_avx512(unsigned long long x[2], const void *context);

int ossl_vaes_vpclmulqdq_capable(void) { return 0; }

// Not called, because of the answer above.
void ossl_aes_gcm_init_avx512(const void *key, void *context) { (void)key, (void)context, abort(); }
void ossl_aes_gcm_setiv_avx512(const void *key, void *context, const unsigned char *iv, size_t length) {
    (void)key, (void)context, (void)iv, (void)length, abort();
}
void ossl_aes_gcm_update_aad_avx512(void *context, const unsigned char *aad, size_t length) {
    (void)context, (void)aad, (void)length, abort();
}
void ossl_aes_gcm_encrypt_avx512(
    const void *key, void *context, unsigned int *partial, const unsigned char *in, size_t length, unsigned char *out) {
    (void)key, (void)context, (void)partial, (void)in, (void)length, (void)out, abort();
}
void ossl_aes_gcm_decrypt_avx512(
    const void *key, void *context, unsigned int *partial, const unsigned char *in, size_t length, unsigned char *out) {
    (void)key, (void)context, (void)partial, (void)in, (void)length, (void)out, abort();
}
void ossl_aes_gcm_finalize_avx512(void *context, unsigned int partial) { (void)context, (void)partial, abort(); }
void ossl_gcm_gmult_avx512(unsigned long long x[2], const void *context) { (void)x, (void)context, abort(); }

#endif
