// TLS certificates are not compressed here: the firmware answers as an OpenSSL that was built without zlib and zstd
// does. Defined in the program, these keep libcrypto's own versions, and with them the two libraries, out of the
// static binary (half a megabyte, and code that parses a stranger's bytes). The signatures are those of OpenSSL 3.5,
// include/internal/comp.h and include/openssl/comp.h.
#ifdef GATEWARDEN_FIRMWARE

#include <stddef.h>

typedef struct comp_method_st COMP_METHOD;
typedef struct bio_method_st BIO_METHOD;

COMP_METHOD *COMP_zlib(void);
COMP_METHOD *COMP_zlib_oneshot(void);
const BIO_METHOD *BIO_f_zlib(void);
void ossl_comp_zlib_cleanup(void);
COMP_METHOD *COMP_zstd(void);
COMP_METHOD *COMP_zstd_oneshot(void);
const BIO_METHOD *BIO_f_zstd(void);
void ossl_comp_zstd_cleanup(void);

COMP_METHOD *COMP_zlib(void) { return NULL; }
COMP_METHOD *COMP_zlib_oneshot(void) { return NULL; }
const BIO_METHOD *BIO_f_zlib(void) { return NULL; }
void ossl_comp_zlib_cleanup(void) {}
COMP_METHOD *COMP_zstd(void) { return NULL; }
COMP_METHOD *COMP_zstd_oneshot(void) { return NULL; }
const BIO_METHOD *BIO_f_zstd(void) { return NULL; }
void ossl_comp_zstd_cleanup(void) {}

#endif
