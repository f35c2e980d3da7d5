/*
 * Which member of a consumer group has a partition, as the group itself tells.
 *
 * Asked for when somebody was sent to the wrong door; the answer is kept for some seconds, so that
 * many who are wrong cost one question. One thread.
 */
#ifndef HECATE_KAFKA_OWNERS_H
#define HECATE_KAFKA_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/status.h"
#include "kafka/client.h"

struct hec_owners;
struct rd_kafka_group_info;

#define HEC_OWNER_BYTES_MAX 128

struct hec_owner {
    char instance[HEC_OWNER_BYTES_MAX]; /* its group.instance.id, else its member id */
    char host[HEC_OWNER_BYTES_MAX];     /* as the broker sees it */
};

/** Makes a client that never joins. @return HEC_OK, HEC_INVALID, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_owners_new(struct hec_owners **ret,
                                           const struct hec_kafka_options *options,
                                           const char *group, const char *topic,
                                           struct hec_error *error);
/** Accepts NULL. */
void hec_owners_free(struct hec_owners *owners);

/** Who has the partition. Waits for a broker, at most about two seconds.
 *
 * @return HEC_OK, HEC_NOT_FOUND (nobody), HEC_UNAVAILABLE (nobody says: a broker is away, or the
 *         group is in the middle of a rebalance), HEC_DENIED */
HEC_CHECKED enum hec_status hec_owners_of(struct hec_owners *owners, int32_t partition,
                                          struct hec_owner *owner, struct hec_error *error);

/** The same of a group that was described. @return HEC_OK, HEC_NOT_FOUND, HEC_UNAVAILABLE */
HEC_CHECKED enum hec_status hec_owners_among(const struct rd_kafka_group_info *group,
                                             const char *topic, int32_t partition,
                                             struct hec_owner *owner);

/**
 * Whether an assignment of the consumer protocol (version, topics with partitions, user data; big
 * endian) has the partition. Damaged bytes have none.
 */
bool hec_owners_has(const void *assignment, size_t length, const char *topic, int32_t partition);

#endif
