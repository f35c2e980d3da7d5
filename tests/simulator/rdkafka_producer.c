/*
 * The made-up librdkafka: the transactional producer, with the errors of the real one and the three
 * classes that they come in. Read rd_kafka_commit_transaction first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdkafka.h"

/* ---- Records ---- */

static void place_of(struct sim_output *output, const rd_kafka_headers_t *headers)
{
    long long partition = -1, offset = -1;
    const char *source = output->value == NULL || output->topic == HEC_TO_DEAD_LETTERS
                             ? NULL
                             : strstr(output->value, "\"source\":");
    if (source != NULL) {
        const char *at = strstr(source, "\"partition\":");
        sscanf(at == NULL ? "" : at, "\"partition\":%lld,\"offset\":%lld", &partition, &offset);
    }
    for (int i = 0; headers != NULL && i < headers->count; i++) {
        if (strcmp(headers->list[i].name, "__hecate.errors.partition") == 0) {
            partition = atoll(headers->list[i].value);
        } else if (strcmp(headers->list[i].name, "__hecate.errors.offset") == 0) {
            offset = atoll(headers->list[i].value);
        }
    }
    output->partition = (int32_t)partition;
    output->offset = offset;
}

static int topic_of(const char *name)
{
    return strcmp(name, "alerts") == 0 ? HEC_TO_ALERTS
           : strcmp(name, "dead") == 0 ? HEC_TO_DEAD_LETTERS
                                       : HEC_TO_SCORES;
}

static void *copy_of(const void *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

static bool is_poison(const struct sim_output *output)
{
    bool known = output->partition >= 0 && output->partition < sim.profile.partitions &&
                 output->offset >= 0 && output->offset < sim_input[output->partition].count;
    int poison = known ? sim_input[output->partition].records[output->offset].poison : 0;
    bool digest = output->value != NULL && strncmp(output->value, "sha256:", 7) == 0;
    return output->topic == HEC_TO_DEAD_LETTERS ? poison == 2 && !digest : poison > 0;
}

/* A broker takes a batch of records or refuses it. */
static bool is_refused(rd_kafka_t *client, int count)
{
    bool refused = false;
    for (int i = 0; i < count; i++) {
        refused |= is_poison(&client->queue[i]);
    }
    for (int i = 0; i < count && refused && client->refused_count < 256; i++) {
        client->refused[client->refused_count++] = client->queue[i].opaque;
    }
    return refused;
}

/* Hands the queue's first count records to the broker. */
static rd_kafka_resp_err_t send_queue(rd_kafka_t *client, int count)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (is_refused(client, count)) {
        sim_note("a batch of %d records is refused", count);
        client->queue_count -= count;
        memmove(client->queue, client->queue + count,
                (size_t)client->queue_count * sizeof(struct sim_output));
        return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    }
    for (int i = 0; i < count; i++) {
        struct sim_output *output = &client->queue[i];
        if (sim_strikes(sim.profile.refused)) {
            sim_note("a record is refused");
            code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
            client->failed++;
            continue;
        }
        if (client->producer == NULL) {
            sim_check_output(output);
        } else if (sim_producer_add(client->producer, client->epoch, output) != SIM_OK) {
            code = RD_KAFKA_RESP_ERR__FENCED;
            client->failed++;
            continue;
        }
        client->delivered++;
    }
    client->queue_count -= count;
    memmove(client->queue, client->queue + count,
            (size_t)client->queue_count * sizeof(struct sim_output));
    return code;
}

static void report_refused(rd_kafka_t *client)
{
    for (int i = 0; i < client->refused_count; i++) {
        rd_kafka_message_t message = { .err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                       ._private = client->refused[i] };
        client->conf.on_delivery(client, &message, client->conf.opaque);
    }
    client->refused_count = 0;
}

static void report(rd_kafka_t *client, int *count, rd_kafka_resp_err_t code)
{
    report_refused(client);
    for (; *count > 0; (*count)--) {
        rd_kafka_message_t message = { .err = code };
        client->conf.on_delivery(client, &message, client->conf.opaque);
    }
}

/* The library's own thread sends on, whether or not somebody asks. */
static void send_some(rd_kafka_t *client)
{
    if (client->queue_count > 0 && !client->must_abort) {
        rd_kafka_resp_err_t code = send_queue(client, (int)sim_between(0, client->queue_count));
        client->must_abort |= code != RD_KAFKA_RESP_ERR_NO_ERROR;
    }
}

int rd_kafka_poll(rd_kafka_t *client, int timeout_ms)
{
    if (timeout_ms > 0) {
        sim_wait(timeout_ms * 1000);
    }
    send_some(client);
    report(client, &client->delivered, RD_KAFKA_RESP_ERR_NO_ERROR);
    report(client, &client->failed, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
    return 0;
}

rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *client, const rd_kafka_vu_t *parts, size_t count)
{
    struct sim_output output = { 0 };
    const rd_kafka_headers_t *headers = NULL;
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_fatal(client, RD_KAFKA_RESP_ERR__FATAL);
    }
    if (client->producer != NULL && (!client->in_transaction || client->must_abort)) {
        return sim_error_abortable(client, RD_KAFKA_RESP_ERR__STATE);
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].vtype == RD_KAFKA_VTYPE_RKT) {
            output.topic = topic_of((const char *)(const void *)parts[i].u.rkt);
        } else if (parts[i].vtype == RD_KAFKA_VTYPE_VALUE && parts[i].u.mem.ptr != NULL) {
            output.value_length = parts[i].u.mem.size;
            output.value = copy_of(parts[i].u.mem.ptr, output.value_length);
        } else if (parts[i].vtype == RD_KAFKA_VTYPE_OPAQUE) {
            output.opaque = parts[i].u.ptr;
        } else if (parts[i].vtype == RD_KAFKA_VTYPE_HEADERS) {
            headers = parts[i].u.headers;
        }
    }
    place_of(&output, headers);
    size_t size = (size_t)(client->queue_count + 1) * sizeof(output);
    client->queue = realloc(client->queue, size);
    client->queue[client->queue_count++] = output;
    if (sim_between(0, 1) == 0) {
        send_some(client);
    }
    return NULL;
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *client, int timeout_ms)
{
    (void)timeout_ms;
    sim_travel();
    send_queue(client, client->queue_count);
    report(client, &client->delivered, RD_KAFKA_RESP_ERR_NO_ERROR);
    report(client, &client->failed, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *client, int flags)
{
    (void)flags;
    for (; client->queue_count > 0; client->queue_count--) {
        rd_kafka_message_t message = { .err = RD_KAFKA_RESP_ERR__PURGE_QUEUE };
        client->conf.on_delivery(client, &message, client->conf.opaque);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- Transactions ---- */

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *client, int timeout_ms)
{
    sim_travel();
    if (sim_strikes(sim.profile.commit_lost)) {
        sim_wait((int64_t)timeout_ms * 1000);
        return sim_error_retriable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    sim_producer_init(client->producer);
    client->epoch = client->producer->epoch;
    sim_travel();
    return NULL;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *client)
{
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_fatal(client, client->fatal);
    }
    client->in_transaction = true;
    client->must_abort = false;
    return NULL;
}

static rd_kafka_error_t *fenced(rd_kafka_t *client)
{
    return sim_error_fatal(client, RD_KAFKA_RESP_ERR__FENCED);
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
    const rd_kafka_consumer_group_metadata_t *group, int timeout_ms)
{
    (void)timeout_ms;
    const rd_kafka_t *member_of = (const rd_kafka_t *)(const void *)group;
    sim_travel();
    if (client->must_abort) {
        return sim_error_abortable(client, RD_KAFKA_RESP_ERR__STATE);
    }
    if (sim_producer_add(client->producer, client->epoch, NULL) != SIM_OK) {
        return fenced(client);
    }
    /* A nameless one is taken for somebody who manages a group by hand: nothing fences him. */
    bool named = member_of->member[0] != '\0';
    if (named && sim_member_find(member_of->member) == NULL) {
        return sim_error_abortable(client, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    }
    if (named && member_of->generation != sim_cluster.generation) {
        return sim_error_abortable(client, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    }
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *place = &offsets->elems[i];
        client->producer->offsets[place->partition] = place->offset;
        snprintf(client->producer->metadata[place->partition], HEC_METADATA_BYTES_MAX, "%.*s",
                 (int)place->metadata_size, (const char *)place->metadata);
    }
    if (sim_strikes(sim.profile.offsets_lost)) {
        sim_wait(sim_between(100000, 3000000));
        return sim_error_retriable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    sim_travel();
    return NULL;
}

static void tell_timeout(rd_kafka_t *client)
{
    client->conf.on_error(client, RD_KAFKA_RESP_ERR__TIMED_OUT, "a request timed out",
                          client->conf.opaque);
}

/* One EndTxn, with what can happen to it. */
static rd_kafka_error_t *end(rd_kafka_t *client, bool commit, int timeout_ms)
{
    struct sim_producer *producer = client->producer;
    bool again = sim_strikes(sim.profile.commit_again);
    if (sim_strikes(sim.profile.producer_dead)) {
        if (sim_between(0, 1) == 0) {
            (void)sim_producer_end(producer, client->epoch, commit);
        }
        return sim_error_fatal(client, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
    }
    if (sim_strikes(sim.profile.commit_lost)) {
        int64_t fate = sim_between(0, 2);
        if (fate == 0) {
            (void)sim_producer_end(producer, client->epoch, commit);
        } else if (fate == 1) {
            sim_producer_end_late(producer, client->epoch, commit,
                                  sim.now_us + sim_between(1000, 9000000));
        }
        int64_t wait_ms = sim_between(1, timeout_ms + 1);
        sim_wait(wait_ms * 1000);
        return sim_error_retriable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    if (again) { /* sent again by the library, which waits and tells of it */
        int64_t wait_us = sim_between(500000, 1500000);
        int64_t later_us = sim_between(0, 3000) * sim.profile.commit_interval_ms;
        sim_producer_end_late(producer, client->epoch, commit, sim.now_us + wait_us + later_us);
        sim_wait(wait_us);
        tell_timeout(client);
    }
    enum sim_answer answer = sim_producer_end(producer, client->epoch, commit);
    sim_travel();
    return answer == SIM_OK       ? NULL
           : answer == SIM_FENCED ? fenced(client)
                                  : sim_error_fatal(client, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
}

static void transaction_over(rd_kafka_t *client)
{
    client->in_transaction = false;
    client->must_abort = false;
    report(client, &client->delivered, RD_KAFKA_RESP_ERR_NO_ERROR);
    report(client, &client->failed, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *client, int timeout_ms)
{
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_fatal(client, client->fatal);
    }
    sim_travel();
    rd_kafka_resp_err_t sent = send_queue(client, client->queue_count);
    report(client, &client->delivered, RD_KAFKA_RESP_ERR_NO_ERROR);
    report(client, &client->failed, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
    if (sent == RD_KAFKA_RESP_ERR__FENCED) {
        return fenced(client);
    }
    if (client->must_abort || sent != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_abortable(client, RD_KAFKA_RESP_ERR__INCONSISTENT);
    }
    rd_kafka_error_t *problem = end(client, true, timeout_ms);
    if (problem == NULL) {
        transaction_over(client);
    }
    return problem;
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *client, int timeout_ms)
{
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return sim_error_fatal(client, client->fatal);
    }
    sim_travel();
    rd_kafka_purge(client, 0);
    rd_kafka_error_t *problem = NULL;
    if (client->producer->open || client->epoch != client->producer->epoch) {
        problem = end(client, false, timeout_ms);
    }
    if (problem == NULL) {
        transaction_over(client);
    }
    return problem;
}
