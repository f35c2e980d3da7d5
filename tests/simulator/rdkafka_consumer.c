/*
 * The made-up librdkafka: the consumer in its group. Read rd_kafka_consumer_poll first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdkafka.h"

struct rd_kafka_queue_s {
    rd_kafka_t *client;
    rd_kafka_resp_err_t committed; /* of rd_kafka_commit_queue */
    bool told;
};

struct rd_kafka_op_s { /* an event */
    rd_kafka_resp_err_t code;
    rd_kafka_topic_partition_list_t *list;
};

/* ---- Assignment ---- */

static rd_kafka_topic_partition_list_t *assigned_of(const rd_kafka_t *client)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        if (client->places[p].assigned) {
            rd_kafka_topic_partition_list_add(list, "in", p);
        }
    }
    return list;
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list)
{
    memset(client->places, 0, sizeof(client->places));
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        client->places[list->elems[i].partition] =
            (struct sim_place){ .assigned = true, .next = list->elems[i].offset };
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_assignment(rd_kafka_t *client, rd_kafka_topic_partition_list_t **ret)
{
    *ret = assigned_of(client);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int rd_kafka_assignment_lost(rd_kafka_t *client)
{
    return client->lost;
}

static rd_kafka_resp_err_t set_paused(rd_kafka_t *client,
                                      const rd_kafka_topic_partition_list_t *list, bool paused)
{
    for (int i = 0; i < list->cnt; i++) {
        client->places[list->elems[i].partition].paused = paused;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_pause_partitions(rd_kafka_t *client,
                                              rd_kafka_topic_partition_list_t *list)
{
    return set_paused(client, list, true);
}

rd_kafka_resp_err_t rd_kafka_resume_partitions(rd_kafka_t *client,
                                               rd_kafka_topic_partition_list_t *list)
{
    return set_paused(client, list, false);
}

rd_kafka_error_t *rd_kafka_seek_partitions(rd_kafka_t *client,
                                           rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    if (sim_is_silent(timeout_ms)) {
        return sim_error_retriable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    for (int i = 0; i < list->cnt; i++) {
        struct sim_place *place = &client->places[list->elems[i].partition];
        place->next = list->elems[i].offset;
        place->end_told = false;
        list->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    sim_travel();
    return NULL;
}

/* ---- The group ---- */

static void take_away(rd_kafka_t *client, bool lost)
{
    rd_kafka_topic_partition_list_t *list = assigned_of(client);
    client->lost = lost;
    sim_note("%s: %s", client->conf.group_instance, lost ? "lost" : "revoked");
    client->conf.on_rebalance(client, RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, list,
                              client->conf.opaque);
    client->lost = false;
    rd_kafka_topic_partition_list_destroy(list);
}

static void give(rd_kafka_t *client, const struct sim_member *member)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        if (member->assigned[p]) {
            rd_kafka_topic_partition_list_add(list, "in", p);
        }
    }
    client->joined = SIM_JOINED;
    client->generation = sim_cluster.generation;
    sim_note("%s: assigned %d, generation %d", client->conf.group_instance, list->cnt,
             client->generation);
    client->conf.on_rebalance(client, RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, list,
                              client->conf.opaque);
    rd_kafka_topic_partition_list_destroy(list);
}

static bool is_supplanted(const rd_kafka_t *client)
{
    for (int i = 0; i < sim_cluster.members_count; i++) {
        const struct sim_member *member = &sim_cluster.members[i];
        if (strcmp(member->instance, client->conf.group_instance) == 0 &&
            strcmp(member->id, client->member) != 0) {
            return true;
        }
    }
    return false;
}

static void serve_group(rd_kafka_t *client)
{
    struct sim_member *member = sim_member_find(client->member);
    if (client->joined == SIM_OUT) {
        if (sim_member_join(client->member, client->conf.group_instance, client->process)) {
            client->joined = SIM_JOINING;
        }
    } else if (member == NULL && is_supplanted(client)) {
        client->fatal = RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    } else if (member == NULL) {
        if (client->joined == SIM_JOINED) {
            take_away(client, true);
        }
        client->joined = SIM_OUT;
        client->member[0] = '\0';
    } else if (client->joined == SIM_JOINED &&
               (sim_cluster.rebalancing || client->generation != sim_cluster.generation)) {
        take_away(client, false);
        client->joined = SIM_JOINING;
        (void)sim_member_join(client->member, client->conf.group_instance, client->process);
    } else if (client->joined == SIM_JOINING && sim_cluster.rebalancing && !member->joined) {
        (void)sim_member_join(client->member, client->conf.group_instance, client->process);
    } else if (client->joined == SIM_JOINING && !sim_cluster.rebalancing) {
        give(client, member);
    }
}

rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *client,
                                       const rd_kafka_topic_partition_list_t *list)
{
    (void)list;
    client->subscribed = true;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *client)
{
    (void)client;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A member that was thrown out learns it by its heartbeat, and is nobody from then on. */
static void hear_heartbeat(rd_kafka_t *client)
{
    if (client->member[0] != '\0' && sim_member_find(client->member) == NULL &&
        sim_between(0, 1) == 0) {
        sim_note("%s: %s hears that it was thrown out", client->conf.group_instance,
                 client->member);
        client->member[0] = '\0';
        client->generation = -1;
    }
}

char *rd_kafka_memberid(const rd_kafka_t *client)
{
    hear_heartbeat((rd_kafka_t *)client);
    return strdup(client->member);
}

void rd_kafka_mem_free(rd_kafka_t *client, void *memory)
{
    (void)client;
    free(memory);
}

/* The group metadata is the member itself: read anew by every transaction. */
rd_kafka_consumer_group_metadata_t *rd_kafka_consumer_group_metadata(rd_kafka_t *client)
{
    hear_heartbeat(client);
    rd_kafka_t *copy = malloc(sizeof(*copy));
    *copy = *client;
    return (rd_kafka_consumer_group_metadata_t *)(void *)copy;
}

void rd_kafka_consumer_group_metadata_destroy(rd_kafka_consumer_group_metadata_t *group)
{
    free((void *)group);
}

/* ---- Records ---- */

static rd_kafka_message_t *message_of(int32_t partition, int64_t offset)
{
    const struct sim_record *record = &sim_input[partition].records[offset];
    rd_kafka_message_t *message = calloc(1, sizeof(*message));
    message->partition = partition;
    message->offset = offset;
    message->payload = record->value;
    message->len = record->value_length;
    message->key = record->key;
    message->key_len = record->key_length;
    return message;
}

static rd_kafka_message_t *next_message(rd_kafka_t *client)
{
    int first = (int)sim_between(0, sim.profile.partitions - 1);
    for (int i = 0; i < sim.profile.partitions; i++) {
        int32_t p = (int32_t)((first + i) % sim.profile.partitions);
        struct sim_place *place = &client->places[p];
        if (!place->assigned || place->paused) {
            continue;
        }
        const struct sim_log *log = &sim_input[p];
        while (place->next < log->end && log->records[place->next].marker) {
            place->next++;
            place->end_told = false;
        }
        if (place->next < log->end) {
            place->end_told = false;
            return message_of(p, place->next++);
        }
        if (!place->end_told) {
            place->end_told = true;
            rd_kafka_message_t *message = calloc(1, sizeof(*message));
            message->err = RD_KAFKA_RESP_ERR__PARTITION_EOF;
            message->partition = p;
            message->offset = place->next;
            return message;
        }
    }
    return NULL;
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = sim.now_us + (int64_t)timeout_ms * 1000;
    for (;;) {
        if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
            sim_wait(timeout_ms * 1000 + 1);
            return NULL;
        }
        if (sim_between(0, 3) == 0) {
            serve_group(client);
        }
        rd_kafka_message_t *message = next_message(client);
        if (message != NULL) {
            return message;
        }
        if (sim.now_us >= until_us) {
            return NULL;
        }
        int64_t nap_us = sim_between(1000, 20000);
        sim_wait(nap_us < until_us - sim.now_us ? nap_us : until_us - sim.now_us);
    }
}

void rd_kafka_message_destroy(rd_kafka_message_t *message)
{
    free(message);
}

const char *rd_kafka_message_errstr(const rd_kafka_message_t *message)
{
    return rd_kafka_err2str(message->err);
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message,
                                   rd_kafka_timestamp_type_t *type)
{
    *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
    return sim_input[message->partition].records[message->offset].record_ms;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message,
                                             rd_kafka_headers_t **headers)
{
    (void)message;
    (void)headers;
    return RD_KAFKA_RESP_ERR__NOENT;
}

/* ---- Questions ---- */

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list,
                                       int timeout_ms)
{
    int64_t until_us = sim.now_us + (int64_t)timeout_ms * 1000;
    (void)client;
    if (sim_is_silent(timeout_ms)) {
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    sim_travel();
    for (int i = 0; i < list->cnt; i++) {
        while (sim_offsets_pending(list->elems[i].partition)) { /* a stable fetch */
            if (sim.now_us >= until_us) {
                return RD_KAFKA_RESP_ERR__TIMED_OUT;
            }
            sim_wait(100000);
        }
    }
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *place = &list->elems[i];
        int64_t committed = sim_cluster.committed[place->partition];
        place->offset = committed < 0 ? RD_KAFKA_OFFSET_INVALID : committed;
        place->metadata = strdup(sim_cluster.metadata[place->partition]);
        place->metadata_size = strlen(place->metadata);
        place->err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    sim_travel();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_query_watermark_offsets(rd_kafka_t *client, const char *topic,
                                                     int32_t partition, int64_t *low, int64_t *high,
                                                     int timeout_ms)
{
    (void)client;
    (void)topic;
    if (sim_is_silent(timeout_ms)) {
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    sim_travel();
    *low = 0;
    *high = sim_input[partition].end;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *client, const char *topic,
                                                   int32_t partition, int64_t *low, int64_t *high)
{
    (void)client;
    (void)topic;
    *low = 0;
    *high = sim_input[partition].end;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- Queues: leaving, and commits outside of transactions ---- */

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *client)
{
    rd_kafka_queue_t *queue = calloc(1, sizeof(*queue));
    queue->client = client;
    return queue;
}

void rd_kafka_queue_destroy(rd_kafka_queue_t *queue)
{
    free(queue);
}

static rd_kafka_event_t *event_new(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_event_t *event = calloc(1, sizeof(*event));
    event->code = code;
    event->list = list;
    return event;
}

rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue, int timeout_ms)
{
    rd_kafka_t *client = queue->client;
    sim_travel();
    if (!client->closing) {
        (void)timeout_ms;
        return event_new(queue->committed, NULL);
    }
    rd_kafka_topic_partition_list_t *list = assigned_of(client);
    if (list->cnt > 0 && !queue->told) {
        struct sim_member *member = sim_member_find(client->member);
        queue->told = true;
        client->lost = member == NULL;
        return event_new(RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    client->closed = true;
    return NULL;
}

rd_kafka_error_t *rd_kafka_consumer_close_queue(rd_kafka_t *client, rd_kafka_queue_t *queue)
{
    (void)queue;
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_fatal(client, client->fatal);
    }
    client->closing = true;
    return NULL;
}

int rd_kafka_consumer_closed(rd_kafka_t *client)
{
    return client->closed;
}

rd_kafka_event_type_t rd_kafka_event_type(const rd_kafka_event_t *event)
{
    return event == NULL         ? RD_KAFKA_EVENT_NONE
           : event->list == NULL ? RD_KAFKA_EVENT_OFFSET_COMMIT
                                 : RD_KAFKA_EVENT_REBALANCE;
}

rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *event)
{
    return event->code;
}

rd_kafka_topic_partition_list_t *rd_kafka_event_topic_partition_list(rd_kafka_event_t *event)
{
    return event->list;
}

void rd_kafka_event_destroy(rd_kafka_event_t *event)
{
    free(event);
}

rd_kafka_resp_err_t rd_kafka_commit_queue(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets, rd_kafka_queue_t *queue,
    void (*callback)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *),
    void *opaque)
{
    (void)callback;
    (void)opaque;
    const struct sim_member *member = sim_member_find(client->member);
    if (member == NULL) {
        queue->committed = is_supplanted(client) ? RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                                                 : RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    } else if (client->generation != sim_cluster.generation) {
        queue->committed = RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    } else if (sim_strikes(sim.profile.offsets_lost)) {
        queue->committed = RD_KAFKA_RESP_ERR__TIMED_OUT;
    } else {
        int64_t next[SIM_PARTITIONS_MAX] = { 0 };
        for (int i = 0; i < offsets->cnt; i++) {
            next[offsets->elems[i].partition] = offsets->elems[i].offset;
        }
        sim_check_at_least_once(next);
        for (int i = 0; i < offsets->cnt; i++) {
            const rd_kafka_topic_partition_t *place = &offsets->elems[i];
            sim_cluster.committed[place->partition] = place->offset;
            snprintf(sim_cluster.metadata[place->partition], HEC_METADATA_BYTES_MAX, "%.*s",
                     (int)place->metadata_size, (const char *)place->metadata);
        }
        queue->committed = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Waking is for questions, and nobody asks here. */
rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *client)
{
    (void)client;
    return NULL;
}

void rd_kafka_queue_yield(rd_kafka_queue_t *queue)
{
    (void)queue;
}
