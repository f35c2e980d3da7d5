#include "store/redis_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HEC_REDIS_TLS

#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct hec_tls {
    SSL_CTX *context;
    char *server_name; /* NULL: the address' host */
};

bool hec_store_has_tls(const char **why_not)
{
    *why_not = "";
    return true;
}

/* What OpenSSL has to say of its last failure. */
static const char *last_words(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == NULL ? "cannot be read" : reason;
}

static enum hec_status unusable(const char *what, const char *file, struct hec_error *error)
{
    return hec_fail(error, HEC_INVALID, "redis: %s %s: %s", what, file, last_words());
}

static enum hec_status read_files(SSL_CTX *context, const struct hec_store_options *options,
                                  struct hec_error *error)
{
    if (options->tls_ca_file == NULL) {
        if (SSL_CTX_set_default_verify_paths(context) != 1) {
            return unusable("redis_tls_ca_file", "(this machine's)", error);
        }
    } else if (SSL_CTX_load_verify_locations(context, options->tls_ca_file, NULL) != 1) {
        return unusable("redis_tls_ca_file", options->tls_ca_file, error);
    }
    if (options->tls_certificate_file == NULL && options->tls_key_file == NULL) {
        return HEC_OK;
    }
    if (options->tls_certificate_file == NULL || options->tls_key_file == NULL) {
        return hec_fail(error, HEC_INVALID,
                        "redis: redis_tls_certificate_file and redis_tls_key_file go together");
    }
    if (SSL_CTX_use_certificate_chain_file(context, options->tls_certificate_file) != 1) {
        return unusable("redis_tls_certificate_file", options->tls_certificate_file, error);
    }
    if (SSL_CTX_use_PrivateKey_file(context, options->tls_key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return unusable("redis_tls_key_file", options->tls_key_file, error);
    }
    return HEC_OK;
}

enum hec_status hec_tls_new(struct hec_tls **ret, const struct hec_store_options *options,
                            struct hec_error *error)
{
    struct hec_tls *tls = calloc(1, sizeof(*tls));
    enum hec_status status = tls == NULL ? HEC_NO_MEMORY : HEC_OK;
    if (status == HEC_OK) {
        tls->context = SSL_CTX_new(TLS_client_method());
        status = tls->context == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status == HEC_OK && options->tls_server_name != NULL) {
        tls->server_name = strdup(options->tls_server_name);
        status = tls->server_name == NULL ? HEC_NO_MEMORY : HEC_OK;
    }
    if (status == HEC_OK) {
        SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
        status = read_files(tls->context, options, error);
    } else {
        hec_fail(error, status, "redis: no memory for TLS");
    }
    if (status != HEC_OK) {
        hec_tls_free(tls);
        return status;
    }
    *ret = tls;
    return HEC_OK;
}

void hec_tls_free(struct hec_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls->server_name);
        free(tls);
    }
}

/* A name is asked for (SNI) and compared; a number can only be compared. */
static bool expect(SSL *ssl, const char *name)
{
    unsigned char number[16];
    if (inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

bool hec_tls_secure(const struct hec_tls *tls, redisContext *context, const char *host, char *why,
                    size_t size)
{
    const char *name = tls->server_name == NULL ? host : tls->server_name;
    SSL *ssl = SSL_new(tls->context);
    if (ssl == NULL || !expect(ssl, name)) {
        SSL_free(ssl);
        snprintf(why, size, "no memory for TLS");
        return false;
    }
    SSL_up_ref(ssl); /* so that it can be asked what it did not like */
    bool done = redisInitiateSSL(context, ssl) == REDIS_OK;
    long verdict = SSL_get_verify_result(ssl);
    if (!done && verdict != X509_V_OK) {
        snprintf(why, size, "its certificate is refused: %s (expected: %s)",
                 X509_verify_cert_error_string(verdict), name);
    } else if (!done) {
        snprintf(why, size, "TLS: %s", context->errstr);
    }
    if (!done) {
        SSL_free(ssl); /* hiredis takes it only when it succeeds */
    }
    SSL_free(ssl);
    ERR_clear_error();
    return done;
}

#else

bool hec_store_has_tls(const char **why_not)
{
    *why_not = "this build has no TLS to Redis, because hiredis before 1.0 (Debian 12) has none: "
               "use a Unix socket, a TLS tunnel on this machine (stunnel), or Debian 13";
    return false;
}

enum hec_status hec_tls_new(struct hec_tls **ret, const struct hec_store_options *options,
                            struct hec_error *error)
{
    const char *why_not;
    (void)options;
    *ret = NULL;
    hec_store_has_tls(&why_not);
    return hec_fail(error, HEC_INVALID, "redis: redis_tls: %s", why_not);
}

void hec_tls_free(struct hec_tls *tls)
{
    (void)tls;
}

bool hec_tls_secure(const struct hec_tls *tls, redisContext *context, const char *host, char *why,
                    size_t size)
{
    (void)tls;
    (void)context;
    (void)host;
    snprintf(why, size, "no TLS");
    return false;
}

#endif
