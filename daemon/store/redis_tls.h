/*
 * TLS to a Redis: who we are and whom we trust, made once; then put around each connection.
 *
 * hiredis has it from 1.0 on (Debian 13). A build without it refuses the setting, with a sentence
 * that says what to do instead.
 */
#ifndef HECATE_STORE_REDIS_TLS_H
#define HECATE_STORE_REDIS_TLS_H

#include <hiredis/hiredis.h>

#include "hecate/status.h"
#include "store/store.h"

struct hec_tls;

/** Reads the certificates. @return HEC_OK, HEC_INVALID (with which file, and why), HEC_NO_MEMORY */
HEC_CHECKED enum hec_status
hec_tls_new(struct hec_tls **ret, const struct hec_store_options *options, struct hec_error *error);

/** Accepts NULL. */
void hec_tls_free(struct hec_tls *tls);

/** Shakes hands over a fresh connection, whose timeout is set, and checks that the server is host,
 * or tls_server_name if that was given. why receives what went wrong. */
HEC_CHECKED bool hec_tls_secure(const struct hec_tls *tls, redisContext *context, const char *host,
                                char *why, size_t size);

#endif
