/*
 * A consumer group seen from outside: where it stands in one topic, who is in it, and setting it
 * elsewhere while nobody is.
 */
#ifndef HECATE_KAFKA_GROUP_H
#define HECATE_KAFKA_GROUP_H

#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"

struct hec_group;

/* One partition: what the group has committed and what the log holds. */
struct hec_group_place {
    struct hec_offset committed; /* .offset -1: nothing */
    int64_t low, high;           /* first retained, and the end for a committed reader */
};

/** Finds the topic and asks for every partition. The places are the group's.
 *
 * @return HEC_OK, HEC_NOT_FOUND (no such topic), HEC_UNAVAILABLE, HEC_DENIED, HEC_INVALID */
HEC_CHECKED enum hec_status hec_group_open(struct hec_group **ret,
                                           const struct hec_kafka_options *options,
                                           const char *name, const char *topic,
                                           struct hec_error *error);
/** Accepts NULL. */
void hec_group_close(struct hec_group *group);

int32_t hec_group_partitions(const struct hec_group *group);
const struct hec_group_place *hec_group_place(const struct hec_group *group, int32_t partition);

/** How many members it has. @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED */
HEC_CHECKED enum hec_status hec_group_members(struct hec_group *group, int *members,
                                              struct hec_error *error);

/** The first offset of each partition whose record is not older than time_ms; the end where there
 * is none. offsets has a place for every partition. @return HEC_OK, HEC_UNAVAILABLE, HEC_DENIED */
HEC_CHECKED enum hec_status hec_group_at_time(struct hec_group *group, int64_t time_ms,
                                              int64_t *offsets, struct hec_error *error);

/** Commits these offsets in the group's name. The broker refuses while it has members.
 * @return HEC_OK, HEC_FENCED (it has), HEC_UNAVAILABLE, HEC_DENIED */
HEC_CHECKED enum hec_status hec_group_commit(struct hec_group *group,
                                             const struct hec_offset *offsets, int count,
                                             struct hec_error *error);

#endif
