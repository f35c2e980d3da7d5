/*
 * A reader in no group: every partition of one topic, from its start or from now on.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/entity.h" /* HEC_PARTITIONS_MAX */
#include "kafka/admin.h"
#include "kafka/feed.h"
#include "kafka/handle.h"

#define ANSWER_MS 10000

struct hec_tap {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    rd_kafka_t *client;
    int32_t partitions;
    int32_t ended; /* how many partitions are at their end */
    bool at_end[HEC_PARTITIONS_MAX];
};

/* "From now on" is made a number here, so that it means the moment of this call and not that of a
 * later fetch. */
static enum hec_status assign(struct hec_tap *tap, const char *topic, hec_tap_first *first,
                              void *context, struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(tap->partitions);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int32_t p = 0; p < tap->partitions && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        int64_t low = 0;
        int64_t high = 0;
        code = rd_kafka_query_watermark_offsets(tap->client, topic, p, &low, &high, ANSWER_MS);
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = first(context, p, low, high);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = rd_kafka_assign(tap->client, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? HEC_OK
               : hec_fail(error, hec_kafka_status(code), "kafka: reading topic %s: %s", topic,
                          rd_kafka_err2str(code));
}

static int64_t at_start(void *context, int32_t partition, int64_t low, int64_t high)
{
    (void)context;
    (void)partition;
    (void)high;
    return low;
}

static int64_t at_end(void *context, int32_t partition, int64_t low, int64_t high)
{
    (void)context;
    (void)partition;
    (void)low;
    return high;
}

enum hec_status hec_tap_new(struct hec_tap **ret, const struct hec_kafka_options *options,
                            const char *topic, enum hec_tap_from from, struct hec_error *error)
{
    return hec_tap_new_from(ret, options, topic, from == HEC_TAP_START ? at_start : at_end, NULL,
                            error);
}

enum hec_status hec_tap_new_from(struct hec_tap **ret, const struct hec_kafka_options *options,
                                 const char *topic, hec_tap_first *first, void *context,
                                 struct hec_error *error)
{
    static const struct hec_kafka_property OURS[] = {
        { "group.id", "hecate-tap" }, /* needed by the library, never joined */
        { "enable.auto.commit", "false" },  { "isolation.level", "read_committed" },
        { "enable.partition.eof", "true" }, { "auto.offset.reset", "earliest" },
        { "fetch.wait.max.ms", "20" },      { "socket.nagle.disable", "true" },
    };
    struct hec_topic found = { .name = topic };
    enum hec_status status = hec_kafka_survey(options, NULL, &found, 1, ANSWER_MS, error);
    if (status != HEC_OK) {
        return status;
    }
    assert(found.partitions <= HEC_PARTITIONS_MAX);
    struct hec_tap *tap = calloc(1, sizeof(*tap));
    if (tap == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for the reader");
    }
    tap->partitions = found.partitions;
    rd_kafka_conf_t *conf = NULL;
    status = hec_kafka_conf_new(&conf, options, OURS, sizeof(OURS) / sizeof(*OURS), false,
                                &tap->voice, error);
    if (status == HEC_OK) {
        status = hec_kafka_client_new(&tap->client, RD_KAFKA_CONSUMER, conf, error);
    }
    if (status == HEC_OK) {
        rd_kafka_poll_set_consumer(tap->client);
        status = assign(tap, topic, first, context, error);
    }
    if (status != HEC_OK) {
        hec_tap_close(tap);
        return status;
    }
    *ret = tap;
    return HEC_OK;
}

static void note_end(struct hec_tap *tap, int32_t partition, bool at_end)
{
    tap->ended += at_end - tap->at_end[partition];
    tap->at_end[partition] = at_end;
}

enum hec_status hec_tap_next(struct hec_tap *tap, struct hec_record *record, int wait_ms,
                             struct hec_error *error)
{
    int64_t until_us = hec_kafka_now_us() + (int64_t)wait_ms * 1000;
    for (;;) {
        int64_t left_us = until_us - hec_kafka_now_us();
        rd_kafka_message_t *message =
            rd_kafka_consumer_poll(tap->client, left_us > 0 ? (int)(left_us / 1000) : 0);
        if (message == NULL) {
            return tap->ended == tap->partitions
                       ? HEC_END
                       : hec_fail(error, HEC_UNAVAILABLE, "kafka: nothing came within %d ms%s%s",
                                  wait_ms, tap->voice.last_error[0] == '\0' ? "" : ": ",
                                  tap->voice.last_error);
        }
        rd_kafka_resp_err_t code = message->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_end(tap, message->partition, false);
            hec_record_of(record, message);
            return HEC_OK;
        }
        if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            note_end(tap, message->partition, true);
        }
        rd_kafka_message_destroy(message);
        if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF && tap->ended == tap->partitions) {
            return HEC_END;
        }
        if (code == RD_KAFKA_RESP_ERR__FATAL) {
            return hec_fail(error, HEC_FATAL, "kafka: the reader cannot go on");
        }
    }
}

void hec_tap_close(struct hec_tap *tap)
{
    if (tap != NULL && (tap->client == NULL || hec_kafka_destroy(tap->client, 3000))) {
        free(tap);
    }
}
