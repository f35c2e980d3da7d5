#include "store/redis_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 1000
#define COMMAND_MS 200

static bool copied(char **to, const char *text)
{
    *to = text == NULL ? NULL : strdup(text);
    return text == NULL || *to != NULL;
}

enum hec_status hec_route_init(struct hec_route *route, const struct hec_store_options *options,
                               struct hec_store_stats *stats, struct hec_error *error)
{
    *route = (struct hec_route){
        .mode = options->mode,
        .terms = { .database = options->database,
                   .connect_ms = options->connect_ms == 0 ? CONNECT_MS : options->connect_ms,
                   .command_ms = options->command_ms == 0 ? COMMAND_MS : options->command_ms },
        .allow_plain = options->tls || options->allow_remote_plain,
        .allow_evicting = options->allow_evicting,
        .stats = stats,
        .shunned = -1,
    };
    struct hec_link_terms *terms = &route->terms, *sentinel = &route->sentinel_terms;
    sentinel->connect_ms = terms->connect_ms;
    sentinel->command_ms = terms->connect_ms; /* a Sentinel that is busy with a failover is slow */
    enum hec_status status = hec_addresses_read(&route->seeds, options, error);
    if (status == HEC_OK && options->mode == HEC_STORE_SENTINEL &&
        (options->master_name == NULL || options->master_name[0] == '\0')) {
        return hec_fail(error, HEC_INVALID,
                        "redis: Sentinels are asked for a master by its name: "
                        "set redis_master_name");
    }
    if (status == HEC_OK && options->tls) {
        status = hec_tls_new(&route->tls, options, error);
        terms->tls = route->tls;
        sentinel->tls = route->tls;
    }
    if (status != HEC_OK) {
        return status;
    }
    bool done = copied(&terms->username, options->username) &&
                copied(&terms->password, options->password) &&
                copied(&sentinel->username, options->sentinel_username) &&
                copied(&sentinel->password, options->sentinel_password) &&
                copied(&route->master_name, options->master_name);
    if (done && options->mode == HEC_STORE_CLUSTER) {
        route->owners = malloc(HEC_SLOTS * sizeof(*route->owners));
        done = route->owners != NULL;
    }
    return done ? HEC_OK : hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
}

static void free_terms(struct hec_link_terms *terms)
{
    if (terms->password != NULL) {
        explicit_bzero(terms->password, strlen(terms->password));
    }
    free(terms->password);
    free(terms->username);
}

static void forget_nodes(struct hec_route *route)
{
    for (int n = 0; n < route->nodes_count; n++) {
        hec_link_free(&route->nodes[n]->link);
        hec_address_free(&route->nodes[n]->address);
        free(route->nodes[n]);
    }
    route->nodes_count = 0;
    route->connected = false;
}

void hec_route_free(struct hec_route *route)
{
    forget_nodes(route);
    free_terms(&route->terms);
    free_terms(&route->sentinel_terms);
    hec_tls_free(route->tls);
    hec_addresses_free(&route->seeds);
    free(route->master_name);
    free(route->owners);
}

void hec_route_close(struct hec_route *route)
{
    for (int n = 0; n < route->nodes_count; n++) {
        hec_link_close(&route->nodes[n]->link);
    }
    route->connected = false;
}

bool hec_route_is_connected(const struct hec_route *route)
{
    bool connected = route->connected;
    for (int n = 0; n < route->nodes_count; n++) {
        connected &= !route->nodes[n]->opened || route->nodes[n]->link.context != NULL;
    }
    return connected;
}

void hec_route_hush(struct hec_route *route)
{
    for (int n = 0; n < route->nodes_count; n++) {
        route->nodes[n]->link.out_length = 0;
    }
}

static struct hec_node *add_at(struct hec_route *route, const struct hec_address *address)
{
    struct hec_node *node = calloc(1, sizeof(*node));
    if (node != NULL) {
        node->address = *address;
        node->link = (struct hec_link){ .terms = &route->terms,
                                        .address = &node->address,
                                        .stats = route->stats };
        route->nodes[route->nodes_count++] = node;
    }
    return node;
}

enum hec_status hec_route_add(struct hec_route *route, const char *host, int port,
                              struct hec_error *error)
{
    struct hec_address address;
    if (route->nodes_count == HEC_NODES_MAX) {
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: %s:%d is one node too many, %d are known already: let fewer "
                        "masters own slots",
                        host, port, HEC_NODES_MAX);
    }
    enum hec_status status = hec_address_make(&address, host, port, route->allow_plain, error);
    if (status == HEC_OK && add_at(route, &address) == NULL) {
        hec_address_free(&address);
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    return status;
}

/* INFO is silent for users who may not: then there is nothing to judge, and the operator is
 * trusted. */
static enum hec_status check_link(const struct hec_route *route, struct hec_link *link,
                                  struct hec_error *error)
{
    char role[16], policy[64];
    enum hec_status status = hec_link_info(link, "replication", "role", role, sizeof(role), error);
    if (status == HEC_OK && strcmp(role, "slave") == 0) {
        hec_link_close(link);
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: %s is a replica, not the master: is a failover under way?",
                        hec_link_where(link));
    }
    if (status == HEC_OK) {
        status = hec_link_info(link, "memory", "maxmemory_policy", policy, sizeof(policy), error);
    }
    if (status == HEC_OK && !route->allow_evicting && policy[0] != '\0' &&
        strcmp(policy, "noeviction") != 0) {
        return hec_fail(error, HEC_MISMATCH,
                        "redis: %s has maxmemory-policy %s, which deletes customers' histories "
                        "under memory pressure: set it to noeviction, or allow_evicting if it is "
                        "only a cache",
                        hec_link_where(link), policy);
    }
    return status;
}

enum hec_status hec_route_open(struct hec_route *route, struct hec_node *node,
                               struct hec_error *error)
{
    if (node->link.context != NULL) {
        return HEC_OK;
    }
    enum hec_status status = hec_link_open(&node->link, error);
    status = status == HEC_OK ? check_link(route, &node->link, error) : status;
    node->opened = status == HEC_OK;
    if (status != HEC_OK) {
        hec_link_close(&node->link);
    }
    return status;
}

/* What is told of several servers that all failed: a refusal says more than silence. */
static void keep_worst(enum hec_status *worst, enum hec_status status, struct hec_error *error,
                       const struct hec_error *why)
{
    if (*worst == HEC_OK || *worst == HEC_UNAVAILABLE) {
        *worst = status;
        if (error != NULL) {
            *error = *why;
        }
    }
}

/* Connects to this one alone. */
static enum hec_status take(struct hec_route *route, const struct hec_address *address,
                            struct hec_error *error)
{
    forget_nodes(route);
    struct hec_address copy = { .port = address->port };
    if (!copied(&copy.path, address->path) || !copied(&copy.host, address->host) ||
        !copied(&copy.text, address->text) || add_at(route, &copy) == NULL) {
        hec_address_free(&copy);
        return hec_fail(error, HEC_NO_MEMORY, "redis: no memory");
    }
    return hec_route_open(route, route->nodes[0], error);
}

/* One of the list, in its order, but who turned out to be a replica comes last. */
static int seed_at(const struct hec_route *route, int turn)
{
    if (route->shunned < 0) {
        return turn;
    }
    return turn == route->seeds.count - 1 ? route->shunned : turn + (turn >= route->shunned);
}

/* Asks one Sentinel who is the master. */
static enum hec_status ask_sentinel(struct hec_route *route, const struct hec_address *address,
                                    char host[256], int *port, struct hec_error *error)
{
    struct hec_link link = { .terms = &route->sentinel_terms,
                             .address = address,
                             .stats = route->stats };
    struct hec_view words[3] = { hec_word("SENTINEL"), hec_word("get-master-addr-by-name"),
                                 hec_word(route->master_name) };
    redisReply *answer = NULL;
    enum hec_status status = hec_link_open(&link, error);
    status = status == HEC_OK ? hec_link_ask(&link, words, 3, &answer, error) : status;
    if (status == HEC_OK) {
        if (answer->type == REDIS_REPLY_ARRAY && answer->elements == 2 &&
            answer->element[0]->type == REDIS_REPLY_STRING &&
            answer->element[1]->type == REDIS_REPLY_STRING) {
            snprintf(host, 256, "%s", answer->element[0]->str);
            *port = atoi(answer->element[1]->str);
        } else {
            status = hec_fail(error, HEC_UNAVAILABLE,
                              "redis: the Sentinel at %s knows no master %s: correct "
                              "redis_master_name",
                              address->text, route->master_name);
        }
        freeReplyObject(answer);
    }
    hec_link_free(&link);
    return status;
}

/* The seed may be a replica: it is only asked. A master that is away may have nothing that we want;
 * one that refuses us, or evicts, is found out now and not in the middle of a batch. */
static enum hec_status learn_cluster(struct hec_route *route, const struct hec_address *seed,
                                     struct hec_error *error)
{
    struct hec_link link = { .terms = &route->terms, .address = seed, .stats = route->stats };
    forget_nodes(route);
    enum hec_status status = hec_link_open(&link, error);
    status = status == HEC_OK ? hec_cluster_learn(route, &link, error) : status;
    hec_link_free(&link);
    for (int n = 0; status == HEC_OK && n < route->nodes_count; n++) {
        status = hec_route_open(route, route->nodes[n], error);
        status = status == HEC_UNAVAILABLE ? HEC_OK : status;
    }
    return status;
}

/* Through one seed, in the way of the mode. */
static enum hec_status connect_through(struct hec_route *route, const struct hec_address *seed,
                                       struct hec_error *error)
{
    char host[256];
    int port = 0;
    if (route->mode == HEC_STORE_SINGLE) {
        return take(route, seed, error);
    }
    if (route->mode == HEC_STORE_CLUSTER) {
        return learn_cluster(route, seed, error);
    }
    enum hec_status status = ask_sentinel(route, seed, host, &port, error);
    struct hec_address master;
    if (status == HEC_OK) {
        status = hec_address_make(&master, host, port, route->allow_plain, error);
    }
    if (status == HEC_OK) {
        status = take(route, &master, error);
        hec_address_free(&master);
    }
    return status;
}

enum hec_status hec_route_connect(struct hec_route *route, struct hec_error *error)
{
    enum hec_status worst = HEC_OK;
    for (int turn = 0; turn < route->seeds.count; turn++) {
        struct hec_error why = { 0 };
        int seed = seed_at(route, turn);
        enum hec_status status = connect_through(route, &route->seeds.list[seed], &why);
        if (status == HEC_OK) {
            route->connected = true;
            route->stats->connects++;
            if (seed != route->shunned) {
                route->shunned = -1;
            }
            return HEC_OK;
        }
        keep_worst(&worst, status, error, &why);
    }
    forget_nodes(route);
    return worst;
}

enum hec_status hec_route_find(struct hec_route *route, struct hec_view key, struct hec_link **ret,
                               struct hec_error *error)
{
    int owner = 0, slot = 0;
    if (route->owners != NULL) {
        slot = hec_slot(key);
        owner = route->owners[slot];
    }
    if (owner < 0 || owner >= route->nodes_count) {
        route->connected = false;
        route->stats->errors++;
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: no node of the Cluster owns slot %d: see redis-cli cluster info",
                        slot);
    }
    *ret = &route->nodes[owner]->link;
    enum hec_status status = hec_route_open(route, route->nodes[owner], error);
    route->connected &= status == HEC_OK;
    return status;
}

void hec_route_shun(struct hec_route *route)
{
    for (int n = 0; n < route->seeds.count && route->nodes_count > 0; n++) {
        if (strcmp(route->seeds.list[n].text, route->nodes[0]->address.text) == 0) {
            route->shunned = n;
        }
    }
}

/* A master that was cut off does not know that there is another one; the Sentinels do. */
static enum hec_status check_master(struct hec_route *route, struct hec_error *error)
{
    char host[256];
    for (int n = 0; n < route->seeds.count; n++) {
        int port = 0;
        if (ask_sentinel(route, &route->seeds.list[n], host, &port, NULL) != HEC_OK) {
            continue;
        }
        const struct hec_address *address = &route->nodes[0]->address;
        if (strcmp(host, address->host) == 0 && port == address->port) {
            return HEC_OK;
        }
        hec_fail(error, HEC_UNAVAILABLE, "redis: %s is not the master any more, %s:%d is",
                 address->text, host, port);
        hec_route_close(route);
        return HEC_UNAVAILABLE;
    }
    return HEC_OK; /* nobody knows better */
}

enum hec_status hec_route_check(struct hec_route *route, struct hec_error *error)
{
    enum hec_status status = HEC_OK;
    for (int n = 0; n < route->nodes_count && status == HEC_OK; n++) {
        if (route->nodes[n]->link.context != NULL) {
            status = check_link(route, &route->nodes[n]->link, error);
        }
    }
    return status == HEC_OK && route->mode == HEC_STORE_SENTINEL ? check_master(route, error)
                                                                 : status;
}
