/* The group's members and what the leader gave each of them. */
#include "kafka/owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/handle.h"

#define ANSWER_MS 2000
#define KEPT_US (5 * INT64_C(1000000))
#define UUID_BYTES 36

struct hec_owners {
    struct hec_kafka_voice voice; /* first: the library's opaque pointer */
    rd_kafka_t *client;
    char *group, *topic;
    /* The last answer and the group in it; NULL: none that is whole. */
    const struct rd_kafka_group_list *list;
    const struct rd_kafka_group_info *found;
    int64_t asked_us;
};

/* A cursor over big-endian bytes; once it ran over the end it gives zeros. */
struct bytes {
    const unsigned char *at;
    size_t left;
};

static uint32_t take(struct bytes *bytes, size_t count)
{
    uint32_t value = 0;
    if (bytes->left < count) {
        bytes->left = 0;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes->at[i];
    }
    bytes->at += count;
    bytes->left -= count;
    return value;
}

bool hec_owners_has(const void *assignment, size_t length, const char *topic, int32_t partition)
{
    struct bytes bytes = { assignment, length };
    take(&bytes, 2); /* the version */
    for (uint32_t topics = take(&bytes, 4); topics > 0 && bytes.left > 0; topics--) {
        size_t name = take(&bytes, 2);
        if (name > bytes.left) {
            return false;
        }
        bool ours = name == strlen(topic) && memcmp(bytes.at, topic, name) == 0;
        bytes.at += name;
        bytes.left -= name;
        for (uint32_t count = take(&bytes, 4); count > 0 && bytes.left >= 4; count--) {
            if ((int32_t)take(&bytes, 4) == partition && ours) {
                return true;
            }
        }
    }
    return false;
}

enum hec_status hec_owners_new(struct hec_owners **ret, const struct hec_kafka_options *options,
                               const char *group, const char *topic, struct hec_error *error)
{
    struct hec_owners *owners = calloc(1, sizeof(*owners));
    if (owners == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for a group's members");
    }
    const struct hec_kafka_property ours[] = {
        { "group.id", group },
        { "enable.auto.commit", "false" },
    };
    rd_kafka_conf_t *conf = NULL;
    owners->group = strdup(group);
    owners->topic = strdup(topic);
    enum hec_status status =
        owners->group == NULL || owners->topic == NULL
            ? hec_fail(error, HEC_NO_MEMORY, "kafka: no memory for a group's members")
            : hec_kafka_conf_new(&conf, options, ours, sizeof(ours) / sizeof(*ours), false,
                                 &owners->voice, error);
    if (status == HEC_OK) {
        status = hec_kafka_client_new(&owners->client, RD_KAFKA_CONSUMER, conf, error);
    }
    if (status != HEC_OK) {
        hec_owners_free(owners);
        return status;
    }
    *ret = owners;
    return HEC_OK;
}

void hec_owners_free(struct hec_owners *owners)
{
    if (owners == NULL) {
        return;
    }
    if (owners->list != NULL) {
        rd_kafka_group_list_destroy(owners->list);
    }
    if (owners->client != NULL) {
        rd_kafka_destroy_flags(owners->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(owners->group);
    free(owners->topic);
    free(owners);
}

static enum hec_status ask(struct hec_owners *owners, struct hec_error *error)
{
    int64_t now_us = hec_kafka_now_us();
    if (owners->found != NULL && now_us - owners->asked_us < KEPT_US) {
        return HEC_OK;
    }
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_list_groups(owners->client, owners->group, &list, ANSWER_MS);
    enum hec_status status = hec_kafka_group_of(&owners->found, list, &code);
    if (owners->list != NULL) {
        rd_kafka_group_list_destroy(owners->list);
    }
    owners->list = list;
    owners->asked_us = now_us;
    if (status == HEC_OK) {
        return HEC_OK;
    }
    owners->found = NULL;
    return status == HEC_NOT_FOUND
               ? hec_fail(error, status, "kafka: there is no group %s", owners->group)
               : hec_fail(error, status, "kafka: group %s: listing its members: %s", owners->group,
                          rd_kafka_err2str(code));
}

/* A static member's id is its instance's name, a hyphen and a UUID. */
static void name_member(struct hec_owner *owner, const struct rd_kafka_group_member_info *member)
{
    size_t length = strlen(member->member_id);
    if (length > UUID_BYTES + 1 && member->member_id[length - UUID_BYTES - 1] == '-') {
        length -= UUID_BYTES + 1;
    }
    snprintf(owner->instance, sizeof(owner->instance), "%.*s", (int)length, member->member_id);
    const char *host = member->client_host == NULL ? "" : member->client_host;
    snprintf(owner->host, sizeof(owner->host), "%s", host + (host[0] == '/'));
}

/* While the members come together nobody has anything, or only some have. */
enum hec_status hec_owners_among(const struct rd_kafka_group_info *group, const char *topic,
                                 int32_t partition, struct hec_owner *owner)
{
    for (int m = 0; m < group->member_cnt; m++) {
        const struct rd_kafka_group_member_info *member = &group->members[m];
        if (hec_owners_has(member->member_assignment, (size_t)member->member_assignment_size, topic,
                           partition)) {
            name_member(owner, member);
            return HEC_OK;
        }
    }
    bool whole = group->member_cnt == 0 || strcmp(group->state, "Stable") == 0;
    return whole ? HEC_NOT_FOUND : HEC_UNAVAILABLE;
}

enum hec_status hec_owners_of(struct hec_owners *owners, int32_t partition, struct hec_owner *owner,
                              struct hec_error *error)
{
    enum hec_status status = ask(owners, error);
    if (status != HEC_OK) {
        return status;
    }
    status = hec_owners_among(owners->found, owners->topic, partition, owner);
    if (status == HEC_OK) {
        return HEC_OK;
    }
    const char *state = owners->found->state;
    owners->found = NULL; /* ask anew next time */
    return hec_fail(error, status, "kafka: group %s (%s): nobody has partition %d of %s",
                    owners->group, state, (int)partition, owners->topic);
}
