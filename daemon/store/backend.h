/*
 * What a backend must be able to do: a handful of operations over byte keys and byte values. All
 * meaning (watermarks, epochs, records) is in store.c, so both backends behave alike.
 */
#ifndef HECATE_STORE_BACKEND_H
#define HECATE_STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "store/store.h"

/* Bytes that somebody else owns; bytes == NULL: absent. */
struct hec_view {
    const void *bytes;
    size_t length;
};

struct hec_pair {
    struct hec_view key;
    struct hec_view value;
};

/* Told once per key asked for, in order. value.bytes == NULL: absent. */
typedef void hec_store_visit(void *context, size_t index, struct hec_view value);

/*
 * info  one value of Redis' INFO; "" where it is not told
 *
 * Every call but close may return HEC_UNAVAILABLE; the connection is then gone until connect.
 *
 * get   one round trip for all keys
 * put   all pairs or none, and only if guard.key holds guard.value at that instant (value absent:
 *       only if there is no such key). A pair without a value deletes. HEC_MISMATCH: it does not,
 * nothing was written, and visit was told what stands there (index 0) scan  keys that begin with
 * prefix, some at a time; cursor "" begins. HEC_OK: call again, HEC_END del   deletes keys; absent
 * ones are no error
 */
struct hec_backend_ops {
    enum hec_status (*connect)(void *self, struct hec_error *error);
    enum hec_status (*check)(void *self, struct hec_error *error);
    enum hec_status (*info)(void *self, const char *section, const char *name, char *value,
                            size_t size, struct hec_error *error);
    bool (*is_connected)(const void *self);
    enum hec_status (*get)(void *self, const struct hec_view *keys, size_t count,
                           hec_store_visit *visit, void *context, struct hec_error *error);
    enum hec_status (*put)(void *self, const struct hec_pair *guard, const struct hec_pair *pairs,
                           size_t count, hec_store_visit *visit, void *context,
                           struct hec_error *error);
    enum hec_status (*scan)(void *self, struct hec_view prefix, char *cursor,
                            hec_store_visit *visit, void *context, struct hec_error *error);
    enum hec_status (*del)(void *self, const struct hec_view *keys, size_t count,
                           struct hec_error *error);
    void (*close)(void *self);
};

struct hec_backend {
    const struct hec_backend_ops *ops;
    void *self;
};

/* Where a server is: a Unix socket's path, or host and port. */
struct hec_address {
    char *path; /* NULL: TCP */
    char *host;
    int port;
    char *text; /* as an operator knows it: the path, or "host:port" */
};

#define HEC_ADDRESSES_MAX 16
struct hec_addresses {
    struct hec_address list[HEC_ADDRESSES_MAX];
    int count;
};

/** Reads "unix:/path", "tcp:host:port" or "tcp:[v6]:port" and refuses plain TCP to another host
 * unless allow_plain. @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_address_read(struct hec_address *ret, const char *text,
                                             bool allow_plain, struct hec_error *error);

/** The same of host and port, as other servers tell them. */
HEC_CHECKED enum hec_status hec_address_make(struct hec_address *ret, const char *host, int port,
                                             bool allow_plain, struct hec_error *error);
void hec_address_free(struct hec_address *address);

/** Reads the options' list. @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_addresses_read(struct hec_addresses *ret,
                                               const struct hec_store_options *options,
                                               struct hec_error *error);
void hec_addresses_free(struct hec_addresses *addresses);

/** In this process, ordered by nothing, gone with it. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_memory_new(struct hec_backend *ret);

/** A Redis (or what speaks like it). Does not connect yet. stats outlives the backend.
 * @return HEC_OK, HEC_INVALID (address), HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_redis_new(struct hec_backend *ret,
                                          const struct hec_store_options *options,
                                          struct hec_store_stats *stats, struct hec_error *error);

#endif
