#include "kafka/client.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka/handle.h"
#include "ops/problems.h"

/* Set by us because exactly-once, or the promise that nothing is skipped, rests on them. */
static const struct {
    const char *name;
    const char *why;
} RESERVED[] = {
    { "group.id", "it is set by input { group = ... }" },
    { "group.instance.id", "it is made from the instance name and the engine's number" },
    { "group.protocol", "only the classic group protocol is supported" },
    { "partition.assignment.strategy", "only range assignment is safe here" },
    { "enable.auto.commit", "offsets are committed with the output" },
    { "auto.commit.enable", "offsets are committed with the output" },
    { "enable.auto.offset.store", "offsets are committed with the output" },
    { "isolation.level", "stable offsets need read_committed" },
    { "auto.offset.reset", "a missing offset is never skipped silently; see start_from" },
    { "enable.partition.eof", "the lag is computed from it" },
    { "transactional.id", "it is made from the instance name and the engine's number" },
    { "transaction.timeout.ms", "it has its own setting" },
    { "enable.idempotence", "exactly-once needs it" },
    { "enable.gapless.guarantee", "exactly-once has its own way of failing" },
    { "acks", "exactly-once needs all replicas to acknowledge" },
    { "request.required.acks", "exactly-once needs all replicas to acknowledge" },
    { "partitioner", "all producers of a topic must place a key alike (murmur2_random)" },
    { "dr_msg_cb", "it cannot be set by text" },
};

/* Good to have, but not in every version: fetch.queue.backoff.ms came with 2.2. */
static const char *const OPTIONAL[] = { "fetch.queue.backoff.ms" };

const char *hec_kafka_version(void)
{
    return rd_kafka_version_str();
}

int64_t hec_kafka_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    const struct hec_kafka_voice *voice = rd_kafka_opaque(client);
    (void)facility;
    if (voice != NULL && voice->log != NULL) {
        voice->log(voice->log_context, level, text);
    }
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct hec_kafka_voice *voice = opaque;
    (void)client;
    voice->errors++;
    switch ((rd_kafka_resp_err_t)code) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        voice->brokers_down = true;
        voice->lost++;
        return; /* the text of what went before says why */
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: voice->lost++; break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED: voice->denied = true; break;
    default: break;
    }
    strncpy(voice->last_error, reason, sizeof(voice->last_error) - 1);
}

static enum hec_status refuse_reserved(const struct hec_kafka_property *property,
                                       struct hec_error *error)
{
    for (size_t i = 0; i < sizeof(RESERVED) / sizeof(*RESERVED); i++) {
        if (strcmp(property->name, RESERVED[i].name) == 0) {
            return hec_fail(error, HEC_INVALID, "kafka: property %s cannot be set: %s",
                            RESERVED[i].name, RESERVED[i].why);
        }
    }
    return HEC_OK;
}

static bool is_optional(const char *name)
{
    for (size_t i = 0; i < sizeof(OPTIONAL) / sizeof(*OPTIONAL); i++) {
        if (strcmp(name, OPTIONAL[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum hec_status set(rd_kafka_conf_t *conf, const struct hec_kafka_property *property,
                           struct hec_error *error)
{
    char why[256];
    rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, property->name, property->value, why, sizeof(why));
    if (result == RD_KAFKA_CONF_OK ||
        (result == RD_KAFKA_CONF_UNKNOWN && is_optional(property->name))) {
        return HEC_OK;
    }
    return hec_fail(error, HEC_INVALID, "kafka: property %s: %s (librdkafka %s)", property->name,
                    why, rd_kafka_version_str());
}

#define NAMES_MAX 512

/* Cuts the names out of the library's own table, "name | C/P | range | default ...", in place;
 * those that are not set have no other list. */
static void names_of(const char *names[NAMES_MAX], char *table)
{
    size_t count = 0;
    for (char *line = table, *next; line != NULL && count < NAMES_MAX - 1; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        size_t length = strcspn(line, " |");
        if (length > 0 && strchr(line, '|') != NULL) {
            line[length] = '\0';
            names[count++] = line;
        }
    }
    names[count] = NULL;
}

/* What the library does not know by that name, and what it knows by one like it. */
static enum hec_status unknown_property(const char *name, struct hec_error *error)
{
    const char *names[NAMES_MAX] = { NULL };
    char *table = NULL;
    size_t length;
    FILE *file = open_memstream(&table, &length);
    if (file != NULL) {
        rd_kafka_conf_properties_show(file);
        fclose(file);
        names_of(names, table);
    }
    const char *near = hec_nearest(name, names);
    hec_fail(error, HEC_INVALID, "librdkafka %s has no property \"%s\"%s%s%s",
             rd_kafka_version_str(), name, near ? " (did you mean \"" : "", near ? near : "",
             near ? "\"?)" : "");
    free(table);
    return HEC_INVALID;
}

enum hec_status hec_kafka_property_check(const struct hec_kafka_property *property, bool secret,
                                         struct hec_error *error)
{
    if (refuse_reserved(property, error) != HEC_OK) {
        return HEC_INVALID;
    }
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, property->name, property->value, why, sizeof(why));
    enum hec_status status = HEC_OK;
    if (result == RD_KAFKA_CONF_UNKNOWN && !is_optional(property->name)) {
        status = unknown_property(property->name, error);
    } else if (result == RD_KAFKA_CONF_INVALID) {
        status = hec_fail(error, HEC_INVALID, "%s: %s (librdkafka %s)", property->name,
                          secret ? "the value is refused" : why, rd_kafka_version_str());
    }
    rd_kafka_conf_destroy(conf);
    return status;
}

enum hec_status hec_kafka_conf_new(rd_kafka_conf_t **ret, const struct hec_kafka_options *options,
                                   const struct hec_kafka_property *ours, size_t ours_count,
                                   bool reserved, struct hec_kafka_voice *voice,
                                   struct hec_error *error)
{
    if (hec_kafka_brokers(options)[0] == '\0') {
        return hec_fail(error, HEC_INVALID,
                        "kafka: no broker is named: set the property bootstrap.servers");
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum hec_status status = HEC_OK;
    for (size_t i = 0; status == HEC_OK && i < ours_count; i++) {
        status = set(conf, &ours[i], error);
    }
    for (size_t i = 0; status == HEC_OK && i < options->properties_count; i++) {
        status = reserved ? refuse_reserved(&options->properties[i], error) : HEC_OK;
        if (status == HEC_OK) {
            status = set(conf, &options->properties[i], error);
        }
    }
    if (status != HEC_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    voice->log = options->log;
    voice->log_context = options->log_context;
    rd_kafka_conf_set_opaque(conf, voice);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    *ret = conf;
    return HEC_OK;
}

enum hec_status hec_kafka_client_new(rd_kafka_t **ret, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                     struct hec_error *error)
{
    char why[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        return hec_fail(error, HEC_INVALID, "kafka: the properties do not go together: %s", why);
    }
    *ret = client;
    return HEC_OK;
}

/* Shared by the thread that destroys and the one that waits; the later of the two frees it. */
struct farewell {
    pthread_mutex_t lock;
    pthread_cond_t done_or_given_up;
    rd_kafka_t *client;
    bool done;
    bool given_up;
};

static void *destroy(void *argument)
{
    struct farewell *farewell = argument;
    /* The consumer was closed before, or is given up: closing again could hang. */
    rd_kafka_destroy_flags(farewell->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    pthread_mutex_lock(&farewell->lock);
    farewell->done = true;
    bool given_up = farewell->given_up;
    pthread_cond_signal(&farewell->done_or_given_up);
    pthread_mutex_unlock(&farewell->lock);
    if (given_up) {
        free(farewell);
    }
    return NULL;
}

bool hec_kafka_destroy(rd_kafka_t *client, int wait_ms)
{
    struct farewell *farewell = calloc(1, sizeof(*farewell));
    pthread_t thread;
    if (farewell == NULL) {
        return false;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&farewell->lock, NULL);
    pthread_cond_init(&farewell->done_or_given_up, &attributes);
    pthread_condattr_destroy(&attributes);
    farewell->client = client;
    if (pthread_create(&thread, NULL, destroy, farewell) != 0) {
        free(farewell);
        return false;
    }

    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };
    pthread_mutex_lock(&farewell->lock);
    while (!farewell->done && pthread_cond_timedwait(&farewell->done_or_given_up, &farewell->lock,
                                                     &until) != ETIMEDOUT) {
    }
    bool done = farewell->done;
    farewell->given_up = !done;
    pthread_mutex_unlock(&farewell->lock);
    if (done) {
        pthread_join(thread, NULL);
        free(farewell);
    } else {
        pthread_detach(thread);
    }
    return done;
}

rd_kafka_headers_t *hec_kafka_headers(const struct hec_kafka_header *list, int count)
{
    rd_kafka_headers_t *headers = count == 0 ? NULL : rd_kafka_headers_new((size_t)count);
    for (int i = 0; i < count; i++) {
        rd_kafka_header_add(headers, list[i].name, -1, list[i].value, (ssize_t)list[i].length);
    }
    return headers;
}

enum hec_status hec_kafka_status(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return HEC_OK;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return HEC_NOT_FOUND;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return HEC_DENIED;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return HEC_FENCED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: return HEC_TOO_LARGE;
    case RD_KAFKA_RESP_ERR__FATAL: return HEC_FATAL;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS: return HEC_ABORTED;
    default: return HEC_UNAVAILABLE;
    }
}

/* Before 2.6.1 the library sends its nonce twice, which Kafka 4 takes for wrong credentials. */
static const char *scram_hint(const struct hec_kafka_options *options)
{
    for (size_t i = 0; i < options->properties_count; i++) {
        const struct hec_kafka_property *property = &options->properties[i];
        if (strncmp(property->name, "sasl.mechanism", 14) == 0 &&
            strncmp(property->value, "SCRAM", 5) == 0 && rd_kafka_version() < 0x02060100) {
            return " (SCRAM of this librdkafka does not work with Kafka 4: use client "
                   "certificates or PLAIN over TLS, or librdkafka 2.6.1 and newer)";
        }
    }
    return "";
}

enum hec_status hec_kafka_no_answer(const struct hec_kafka_voice *voice,
                                    const struct hec_kafka_options *options,
                                    struct hec_error *error)
{
    const char *brokers = hec_kafka_brokers(options);
    if (voice->denied) {
        return hec_fail(error, HEC_DENIED,
                        "kafka: broker %s refuses this client: %s: check security.protocol, the "
                        "credentials and the certificates%s",
                        brokers, voice->last_error, scram_hint(options));
    }
    return hec_fail(error, HEC_UNAVAILABLE,
                    "kafka: no broker answers at %s%s%s: start it or correct bootstrap.servers",
                    brokers, voice->last_error[0] == '\0' ? "" : ": ", voice->last_error);
}

const char *hec_kafka_brokers(const struct hec_kafka_options *options)
{
    const char *found = "";
    for (size_t i = 0; i < options->properties_count; i++) {
        const char *name = options->properties[i].name;
        if (strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0) {
            found = options->properties[i].value;
        }
    }
    return found;
}

/* 2.0.2 takes the milliseconds of this one call for microseconds, and gives up on a machine that is
 * busy for a moment. To ask again is to seek to the same place again. */
rd_kafka_resp_err_t hec_kafka_seek(rd_kafka_t *client, const char *topic, int32_t partition,
                                   int64_t offset, int wait_ms)
{
    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    rd_kafka_resp_err_t code;
    do {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
        rd_kafka_error_t *problem = rd_kafka_seek_partitions(client, list, wait_ms);
        code = problem != NULL ? rd_kafka_error_code(problem) : list->elems[0].err;
        if (problem != NULL) {
            rd_kafka_error_destroy(problem);
        }
        rd_kafka_topic_partition_list_destroy(list);
    } while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && hec_kafka_now_us() < until_us);
    return code;
}

enum hec_status hec_kafka_options_copy(struct hec_kafka_options *to,
                                       const struct hec_kafka_options *from)
{
    struct hec_kafka_property *rows = calloc(from->properties_count + 1, sizeof(*rows));
    *to = *from;
    to->properties = rows;
    if (rows == NULL) {
        to->properties_count = 0;
        return HEC_NO_MEMORY;
    }
    for (size_t i = 0; i < from->properties_count; i++) {
        rows[i].name = strdup(from->properties[i].name);
        rows[i].value = strdup(from->properties[i].value);
        if (rows[i].name == NULL || rows[i].value == NULL) {
            hec_kafka_options_free(to);
            return HEC_NO_MEMORY;
        }
    }
    return HEC_OK;
}

void hec_kafka_options_free(struct hec_kafka_options *options)
{
    for (size_t i = 0; i < options->properties_count && options->properties != NULL; i++) {
        char *value = (char *)options->properties[i].value;
        free((char *)options->properties[i].name);
        if (value != NULL) {
            explicit_bzero(value, strlen(value)); /* it may be a password */
        }
        free(value);
    }
    free((struct hec_kafka_property *)options->properties);
    options->properties = NULL;
    options->properties_count = 0;
}

rd_kafka_topic_partition_list_t *hec_kafka_offsets(const char *topic, const struct hec_offset *rows,
                                                   int count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *place =
            rd_kafka_topic_partition_list_add(list, topic, rows[i].partition);
        place->offset = rows[i].offset;
        size_t length = strnlen(rows[i].metadata, sizeof(rows[i].metadata) - 1);
        if (length > 0) { /* freed by the list, so from the same allocator: malloc */
            char *copy = malloc(length + 1);
            if (copy != NULL) {
                memcpy(copy, rows[i].metadata, length);
                copy[length] = '\0';
                place->metadata = copy;
                place->metadata_size = length;
            }
        }
    }
    return list;
}
