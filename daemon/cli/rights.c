/* The daemon's own group, and a transaction of the daemon's own sink under an id beside its own. */
#include "cli/rights.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "kafka/group.h"
#include "kafka/sink.h"
#include "parts.h"

#define ACKNOWLEDGED_TRIES 250
#define TRY_US 20000

enum hec_status hec_rights_group(const struct hec_config *config, char text[HEC_RIGHTS_BYTES])
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    struct hec_group *group = NULL;
    int64_t lag = 0;
    int members = 0;
    hec_parts_kafka(config, HEC_KAFKA_CONSUMER, list, &options);
    options.log = NULL;
    enum hec_status status =
        hec_group_open(&group, &options, config->input.group, config->input.topic, &error);
    if (status == HEC_OK) {
        status = hec_group_members(group, &members, &error);
    }
    if (status != HEC_OK) {
        snprintf(text, HEC_RIGHTS_BYTES,
                 "%s. It needs Read and Describe on group %s and on topic %s", error.text,
                 config->input.group, config->input.topic);
        hec_group_close(group);
        return status;
    }
    for (int32_t p = 0; p < hec_group_partitions(group); p++) {
        const struct hec_group_place *place = hec_group_place(group, p);
        int64_t from = place->committed.offset < 0 ? place->low : place->committed.offset;
        lag += place->high > from ? place->high - from : 0;
    }
    snprintf(text, HEC_RIGHTS_BYTES, "%s has %d members and is %" PRId64 " offsets behind",
             config->input.group, members, lag);
    hec_group_close(group);
    return HEC_OK;
}

static enum hec_status write_each(struct hec_sink *sink, int topics, struct hec_error *error)
{
    struct hec_sink_stats stats = { 0 };
    enum hec_status status = hec_sink_begin(sink, error);
    for (int i = 0; i < topics && status == HEC_OK; i++) {
        struct hec_sink_record record = {
            .topic = i, .value = "hecate doctor", .value_length = 13, .partition = -1
        };
        status = hec_sink_produce(sink, &record, error);
    }
    for (int i = 0; i < ACKNOWLEDGED_TRIES && status == HEC_OK; i++) {
        hec_sink_poll(sink);
        hec_sink_stats(sink, &stats);
        if (stats.delivered == stats.records) {
            return HEC_OK;
        }
        status = stats.failed > 0 ? hec_fail(error, HEC_DENIED, "%s", stats.last_error) : HEC_OK;
        usleep(TRY_US);
    }
    return status == HEC_OK ? hec_fail(error, HEC_UNAVAILABLE, "no acknowledgement within 5 s: %s",
                                       stats.last_error)
                            : status;
}

enum hec_status hec_rights_outputs(const struct hec_config *config, char text[HEC_RIGHTS_BYTES])
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    char id[HEC_CONFIG_TEXT_MAX + 16];
    struct hec_sink_options options = {
        .transactional_id = id,
        .topics = { config->output.alert_topic, config->output.dead_letter_topic,
                    config->output.score_topic },
        .topics_count = config->output.score_topic[0] == '\0' ? 2 : 3,
    };
    struct hec_error error = { 0 };
    struct hec_sink *sink = NULL;
    hec_parts_kafka(config, HEC_KAFKA_PRODUCER, list, &options.kafka);
    options.kafka.log = NULL;
    snprintf(id, sizeof(id), "%s-doctor", config->hecate.instance);
    enum hec_status status = hec_sink_new(&sink, &options, &error);
    if (status == HEC_OK) {
        status = write_each(sink, options.topics_count, &error);
        (void)!hec_sink_abort(sink, NULL);
        (void)hec_sink_close(sink, 3000);
    }
    if (status == HEC_OK) {
        snprintf(text, HEC_RIGHTS_BYTES, "a record for each output was taken, and rolled back");
    } else {
        snprintf(text, HEC_RIGHTS_BYTES,
                 "%s. It needs Write and Describe on the outputs and on transactional ids %s-*",
                 error.text, config->hecate.instance);
    }
    return status;
}
