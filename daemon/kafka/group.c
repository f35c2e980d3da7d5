/* A consumer that never joins: it asks and commits in the group's name. */
#include "kafka/group.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/admin.h"
#include "kafka/handle.h"

#define ANSWER_MS 10000

struct hec_group {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    rd_kafka_t *client;
    char *name, *topic;
    int32_t partitions;
    struct hec_group_place *places;
};

static enum hec_status failed(const struct hec_group *group, rd_kafka_resp_err_t code,
                              const char *what, struct hec_error *error)
{
    return hec_fail(error, hec_kafka_status(code), "kafka: group %s, topic %s: %s: %s", group->name,
                    group->topic, what, rd_kafka_err2str(code));
}

static rd_kafka_topic_partition_list_t *all_of(const struct hec_group *group, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(group->partitions);
    for (int32_t p = 0; p < group->partitions; p++) {
        rd_kafka_topic_partition_list_add(list, group->topic, p)->offset = offset;
    }
    return list;
}

static enum hec_status look(struct hec_group *group, struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = all_of(group, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_committed(group->client, list, ANSWER_MS);
    for (int32_t p = 0; p < group->partitions && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        struct hec_group_place *place = &group->places[p];
        const rd_kafka_topic_partition_t *found = &list->elems[p];
        code = found->err;
        place->committed.partition = p;
        place->committed.offset = found->offset >= 0 ? found->offset : -1;
        if (found->metadata_size > 0 && found->metadata_size < HEC_METADATA_BYTES_MAX) {
            memcpy(place->committed.metadata, found->metadata, found->metadata_size);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return failed(group, code, "reading committed offsets", error);
    }
    for (int32_t p = 0; p < group->partitions; p++) {
        struct hec_group_place *place = &group->places[p];
        code = rd_kafka_query_watermark_offsets(group->client, group->topic, p, &place->low,
                                                &place->high, ANSWER_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return failed(group, code, "reading the log's bounds", error);
        }
    }
    return HEC_OK;
}

static enum hec_status open_client(struct hec_group *group, const struct hec_kafka_options *options,
                                   struct hec_error *error)
{
    const struct hec_kafka_property ours[] = {
        { "group.id", group->name },        { "enable.auto.commit", "false" },
        { "auto.offset.reset", "error" },   { "isolation.level", "read_committed" },
        { "socket.nagle.disable", "true" },
    };
    rd_kafka_conf_t *conf = NULL;
    enum hec_status status = hec_kafka_conf_new(&conf, options, ours, sizeof(ours) / sizeof(*ours),
                                                false, &group->voice, error);
    return status == HEC_OK ? hec_kafka_client_new(&group->client, RD_KAFKA_CONSUMER, conf, error)
                            : status;
}

enum hec_status hec_group_open(struct hec_group **ret, const struct hec_kafka_options *options,
                               const char *name, const char *topic, struct hec_error *error)
{
    struct hec_topic found = { .name = topic };
    enum hec_status status = hec_kafka_survey(options, NULL, &found, 1, ANSWER_MS, error);
    if (status != HEC_OK) {
        return status;
    }
    struct hec_group *group = calloc(1, sizeof(*group));
    if (group == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for a group");
    }
    group->partitions = found.partitions;
    group->name = strdup(name);
    group->topic = strdup(topic);
    group->places = calloc((size_t)found.partitions, sizeof(*group->places));
    status = group->name == NULL || group->topic == NULL || group->places == NULL
                 ? hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for a group")
                 : open_client(group, options, error);
    if (status == HEC_OK) {
        status = look(group, error);
    }
    if (status != HEC_OK) {
        hec_group_close(group);
        return status;
    }
    *ret = group;
    return HEC_OK;
}

void hec_group_close(struct hec_group *group)
{
    if (group == NULL) {
        return;
    }
    if (group->client != NULL) {
        rd_kafka_destroy_flags(group->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(group->name);
    free(group->topic);
    free(group->places);
    free(group);
}

int32_t hec_group_partitions(const struct hec_group *group)
{
    return group->partitions;
}

const struct hec_group_place *hec_group_place(const struct hec_group *group, int32_t partition)
{
    return &group->places[partition];
}

enum hec_status hec_kafka_group_of(const struct rd_kafka_group_info **ret,
                                   const struct rd_kafka_group_list *list,
                                   rd_kafka_resp_err_t *code)
{
    bool told = *code == RD_KAFKA_RESP_ERR_NO_ERROR || *code == RD_KAFKA_RESP_ERR__PARTIAL;
    *ret = told && list->group_cnt > 0 ? &list->groups[0] : NULL;
    *code = *ret == NULL ? *code : (*ret)->err;
    return *code != RD_KAFKA_RESP_ERR_NO_ERROR ? hec_kafka_status(*code)
           : *ret == NULL                      ? HEC_NOT_FOUND
                                               : HEC_OK;
}

enum hec_status hec_group_members(struct hec_group *group, int *members, struct hec_error *error)
{
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(group->client, group->name, &list, ANSWER_MS);
    const struct rd_kafka_group_info *found;
    enum hec_status status = hec_kafka_group_of(&found, list, &code);
    *members = status == HEC_OK ? found->member_cnt : 0;
    if (list != NULL) {
        rd_kafka_group_list_destroy(list);
    }
    return status == HEC_OK || status == HEC_NOT_FOUND
               ? HEC_OK
               : failed(group, code, "listing its members", error);
}

enum hec_status hec_group_at_time(struct hec_group *group, int64_t time_ms, int64_t *offsets,
                                  struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = all_of(group, time_ms);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(group->client, list, ANSWER_MS);
    for (int32_t p = 0; p < group->partitions && code == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        code = list->elems[p].err;
        offsets[p] = list->elems[p].offset >= 0 ? list->elems[p].offset : group->places[p].high;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? HEC_OK
               : failed(group, code, "looking for offsets by time", error);
}

enum hec_status hec_group_commit(struct hec_group *group, const struct hec_offset *offsets,
                                 int count, struct hec_error *error)
{
    rd_kafka_topic_partition_list_t *list = hec_kafka_offsets(group->topic, offsets, count);
    rd_kafka_resp_err_t code = rd_kafka_commit(group->client, list, 0);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
        code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION) {
        return hec_fail(error, HEC_FENCED, "kafka: group %s has members: stop them first",
                        group->name);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? HEC_OK
                                              : failed(group, code, "setting its offsets", error);
}
