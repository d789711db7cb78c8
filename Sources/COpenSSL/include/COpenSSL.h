// OpenSSL 3 for Swift, with functions for the macros that Swift cannot import.
#ifndef GW_COPENSSL_H
#define GW_COPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/opensslv.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/// version: TLS1_2_VERSION or TLS1_3_VERSION. 1 on success.
long gw_ssl_ctx_set_min_version(SSL_CTX *context, int version);
long gw_ssl_ctx_set_max_version(SSL_CTX *context, int version);
/// mode: SSL_MODE_… bits.
long gw_ssl_ctx_set_mode(SSL_CTX *context, long mode);
/// mode: SSL_SESS_CACHE_… bits.
long gw_ssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode);
/// Server name indication. 1 on success.
long gw_ssl_set_server_name(SSL *ssl, const char *name);
/// The bytes held by a memory BIO, valid until it is written or freed.
long gw_bio_mem_data(BIO *bio, const unsigned char **bytes);
/// A new key on the named curve, for example "P-256". NULL on failure.
EVP_PKEY *gw_evp_ec_generate(const char *curve);
int gw_err_reason(unsigned long code);
int gw_err_library(unsigned long code);
/// The words of an error code, errno's words for a system error; "" when it has none.
const char *gw_err_text(unsigned long code);
/// No tickets, no session cache, no compression, no renegotiation: each connection is verified from the start.
void gw_ssl_ctx_set_plain_sessions(SSL_CTX *context);

#endif
