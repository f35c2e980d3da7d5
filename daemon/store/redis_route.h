/*
 * Which Redis to speak to: the first master of a list, the one that the Sentinels name, or in a
 * Cluster the owner of a key's slot. The inside of redis*.c.
 */
#ifndef HECATE_STORE_REDIS_ROUTE_H
#define HECATE_STORE_REDIS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/redis_link.h"

#define HEC_SLOTS 16384
#define HEC_NODES_MAX 256

struct hec_node {
    struct hec_address address;
    struct hec_link link; /* address points to the one above */
    bool opened;          /* and if it is closed now, the connection was lost */
};

struct hec_route {
    enum hec_store_mode mode;
    struct hec_addresses seeds; /* servers, Sentinels, or nodes to begin with */
    struct hec_link_terms terms;
    struct hec_link_terms sentinel_terms;
    struct hec_tls *tls;
    char *master_name;
    bool allow_plain, allow_evicting;
    struct hec_store_stats *stats;
    int shunned; /* the seed that turned out to be a replica: the last one to be tried; -1: none */

    bool connected;
    struct hec_node *nodes[HEC_NODES_MAX]; /* but in a Cluster: one, the master */
    int nodes_count;
    int16_t *owners; /* of each slot: the node; -1: none. NULL: no Cluster */
};

/* ---- redis_route.c --------------------------------------------------------------------------- */

/** Reads the options; connects to nobody.
 * @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_route_init(struct hec_route *route,
                                           const struct hec_store_options *options,
                                           struct hec_store_stats *stats, struct hec_error *error);

/** Also of one that hec_route_init refused. */
void hec_route_free(struct hec_route *route);

/** Drops all connections and finds out anew whom to speak to.
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED, HEC_MISMATCH (it evicts), HEC_INVALID, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_route_connect(struct hec_route *route, struct hec_error *error);
void hec_route_close(struct hec_route *route);

/** False from the first lost connection on. */
bool hec_route_is_connected(const struct hec_route *route);

/** The open connection to whoever has the key.
 * @return those of hec_route_connect; HEC_UNAVAILABLE also for a slot without owner */
HEC_CHECKED enum hec_status hec_route_find(struct hec_route *route, struct hec_view key,
                                           struct hec_link **ret, struct hec_error *error);

/** Is what answers here a master that may be trusted with state, and still the one that the
 * Sentinels name? Statuses of hec_route_connect. */
HEC_CHECKED enum hec_status hec_route_check(struct hec_route *route, struct hec_error *error);

/** Forgets what was said and not sent. */
void hec_route_hush(struct hec_route *route);

/** Whoever said "READONLY" is no master: others are tried before it. */
void hec_route_shun(struct hec_route *route);

/** A new node, the last one then.
 * @return HEC_OK, HEC_UNAVAILABLE (too many), HEC_INVALID (another host without TLS),
 *         HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_route_add(struct hec_route *route, const char *host, int port,
                                          struct hec_error *error);

/** Connects to a node, if that is not done yet, and checks it. Statuses of hec_route_connect. */
HEC_CHECKED enum hec_status hec_route_open(struct hec_route *route, struct hec_node *node,
                                           struct hec_error *error);

/* ---- redis_cluster.c ------------------------------------------------------------------------- */

/** The slot of a key: of what stands between its first braces, if that is something. */
int hec_slot(struct hec_view key);

/** Asks this node which nodes there are and which slots they own. Statuses of hec_route_connect. */
HEC_CHECKED enum hec_status hec_cluster_learn(struct hec_route *route, struct hec_link *link,
                                              struct hec_error *error);

/** "MOVED ..." and "ASK ...", "TRYAGAIN ...": not here. */
bool hec_cluster_is_elsewhere(const char *answer);

/** Where an answer of that kind sends us; a MOVED is remembered. HEC_END: the slot is on the move,
 * what was asked for lies half here, half there. Statuses of hec_route_connect. */
HEC_CHECKED enum hec_status hec_cluster_follow(struct hec_route *route, const char *answer,
                                               struct hec_link *from, struct hec_link **ret,
                                               bool *asking, struct hec_error *error);

#endif
