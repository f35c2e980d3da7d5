/*
 * The slots of a Redis Cluster: which node owns which, and where a node sends us that owns one no
 * more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis_route.h"

/* CRC-16/XMODEM, which the Cluster specification names; the keys are short. */
static unsigned crc16(const unsigned char *bytes, size_t length)
{
    unsigned crc = 0;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        }
        crc &= 0xffff;
    }
    return crc;
}

int hec_slot(struct hec_view key)
{
    const unsigned char *bytes = key.bytes;
    const unsigned char *open = memchr(bytes, '{', key.length);
    if (open != NULL) {
        size_t left = key.length - (size_t)(open + 1 - bytes);
        const unsigned char *end = memchr(open + 1, '}', left);
        if (end != NULL && end > open + 1) {
            return (int)(crc16(open + 1, (size_t)(end - open - 1)) % HEC_SLOTS);
        }
    }
    return (int)(crc16(bytes, key.length) % HEC_SLOTS);
}

static int node_at(const struct hec_route *route, const char *host, int port)
{
    for (int n = 0; n < route->nodes_count; n++) {
        const struct hec_address *address = &route->nodes[n]->address;
        if (address->host != NULL && address->port == port && strcmp(address->host, host) == 0) {
            return n;
        }
    }
    return -1;
}

/* The node there, known or new. Statuses of hec_route_add. */
static enum hec_status node_of(struct hec_route *route, const char *host, int port, int *ret,
                               struct hec_error *error)
{
    *ret = node_at(route, host, port);
    if (*ret >= 0) {
        return HEC_OK;
    }
    *ret = route->nodes_count;
    return hec_route_add(route, host, port, error);
}

/* A node that does not know its own address tells none: then it is the one that was asked. */
static const char *host_of(const redisReply *host, const struct hec_link *link)
{
    bool told = host->type == REDIS_REPLY_STRING && host->len > 0 && strcmp(host->str, "?") != 0;
    return told ? host->str : link->address->host == NULL ? "127.0.0.1" : link->address->host;
}

/* One row: first slot, last slot, the master's [host, port, ...], its replicas'. */
static enum hec_status learn_row(struct hec_route *route, const redisReply *row,
                                 const struct hec_link *link, struct hec_error *error)
{
    if (row->type != REDIS_REPLY_ARRAY || row->elements < 3 ||
        row->element[0]->type != REDIS_REPLY_INTEGER ||
        row->element[1]->type != REDIS_REPLY_INTEGER ||
        row->element[2]->type != REDIS_REPLY_ARRAY || row->element[2]->elements < 2 ||
        row->element[2]->element[1]->type != REDIS_REPLY_INTEGER || row->element[0]->integer < 0 ||
        row->element[1]->integer >= HEC_SLOTS) {
        return hec_fail(error, HEC_UNAVAILABLE,
                        "redis: %s answers CLUSTER SLOTS with a row that is none: see redis-cli "
                        "cluster slots, and that it is a Redis and no proxy",
                        hec_link_where(link));
    }
    const redisReply *master = row->element[2];
    int n;
    enum hec_status status = node_of(route, host_of(master->element[0], link),
                                     (int)master->element[1]->integer, &n, error);
    if (status != HEC_OK) {
        return status;
    }
    for (long long slot = row->element[0]->integer; slot <= row->element[1]->integer; slot++) {
        route->owners[slot] = (int16_t)n;
    }
    return HEC_OK;
}

enum hec_status hec_cluster_learn(struct hec_route *route, struct hec_link *link,
                                  struct hec_error *error)
{
    struct hec_view words[2] = { hec_word("CLUSTER"), hec_word("SLOTS") };
    redisReply *answer = NULL;
    memset(route->owners, 0xff, HEC_SLOTS * sizeof(*route->owners)); /* -1 */
    enum hec_status status = hec_link_ask(link, words, 2, &answer, error);
    if (status != HEC_OK) {
        return status;
    }
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements == 0) {
        status = hec_fail(error, HEC_UNAVAILABLE,
                          "redis: %s knows no slot of a Cluster: see redis-cli cluster info",
                          hec_link_where(link));
    }
    for (size_t i = 0; status == HEC_OK && i < answer->elements; i++) {
        status = learn_row(route, answer->element[i], link, error);
    }
    freeReplyObject(answer);
    return status;
}

bool hec_cluster_is_elsewhere(const char *answer)
{
    return strncmp(answer, "MOVED ", 6) == 0 || strncmp(answer, "ASK ", 4) == 0 ||
           strncmp(answer, "TRYAGAIN", 8) == 0;
}

/* MOVED 3999 127.0.0.1:6381, and an address of version 6 without brackets. */
enum hec_status hec_cluster_follow(struct hec_route *route, const char *answer,
                                   struct hec_link *from, struct hec_link **ret, bool *asking,
                                   struct hec_error *error)
{
    char host[256];
    int slot = -1, start = 0;
    *asking = strncmp(answer, "ASK", 3) == 0;
    if (strncmp(answer, "TRYAGAIN", 8) == 0) {
        return HEC_END;
    }
    const char *colon = strrchr(answer, ':');
    if (sscanf(answer, "%*s %d %n", &slot, &start) != 1 || colon == NULL || slot < 0 ||
        slot >= HEC_SLOTS || route->owners == NULL || answer + start > colon ||
        (size_t)(colon - answer - start) >= sizeof(host)) {
        return hec_link_refused(from, answer, error);
    }
    const char *own = from->address->host == NULL ? "127.0.0.1" : from->address->host;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - answer - start), answer + start);
    int n;
    enum hec_status status =
        node_of(route, host[0] == '\0' ? own : host, atoi(colon + 1), &n, error);
    if (status != HEC_OK) {
        route->connected = false;
        return status == HEC_NO_MEMORY ? status : HEC_UNAVAILABLE;
    }
    if (!*asking) {
        route->owners[slot] = (int16_t)n;
    }
    *ret = &route->nodes[n]->link;
    status = hec_route_open(route, route->nodes[n], error);
    route->connected &= status == HEC_OK;
    return status;
}
