#include "store/watermark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int hec_watermark_print(char text[HEC_WATERMARK_BYTES_MAX], const struct hec_watermark *watermark)
{
    int length =
        snprintf(text, HEC_WATERMARK_BYTES_MAX,
                 "offset=%" PRId64 " epoch=%" PRIu64 " generation=%" PRIu32 " partitions=%" PRId32
                 " state=%016" PRIx64 " history_from=%" PRId64 " cluster=%s",
                 watermark->offset, watermark->epoch, watermark->generation, watermark->partitions,
                 watermark->state_digest, watermark->history_from,
                 watermark->cluster_id[0] == '\0' ? "-" : watermark->cluster_id);
    return length + snprintf(text + length, HEC_WATERMARK_BYTES_MAX - (size_t)length,
                             " check=%016" PRIx64, (uint64_t)XXH3_64bits(text, (size_t)length));
}

bool hec_watermark_parse(struct hec_watermark *watermark, struct hec_view value)
{
    char text[HEC_WATERMARK_BYTES_MAX];
    char again[HEC_WATERMARK_BYTES_MAX];
    if (value.bytes == NULL || value.length >= sizeof(text)) {
        return false;
    }
    memcpy(text, value.bytes, value.length);
    text[value.length] = '\0';
    memset(watermark, 0, sizeof(*watermark));
    if (sscanf(text,
               "offset=%" SCNd64 " epoch=%" SCNu64 " generation=%" SCNu32 " partitions=%" SCNd32
               " state=%" SCNx64 " history_from=%" SCNd64 " cluster=%63s",
               &watermark->offset, &watermark->epoch, &watermark->generation,
               &watermark->partitions, &watermark->state_digest, &watermark->history_from,
               watermark->cluster_id) != 7) {
        return false;
    }
    if (strcmp(watermark->cluster_id, "-") == 0) {
        watermark->cluster_id[0] = '\0';
    }
    /* Whatever does not print as it was read is not one of ours. */
    return hec_watermark_print(again, watermark) == (int)value.length &&
           memcmp(text, again, value.length) == 0 && watermark->offset >= 0;
}

bool hec_watermark_same(const struct hec_watermark *watermark, const struct hec_watermark *stored)
{
    return watermark != NULL && watermark->offset == stored->offset &&
           watermark->generation == stored->generation &&
           watermark->partitions == stored->partitions &&
           watermark->state_digest == stored->state_digest &&
           watermark->history_from == stored->history_from &&
           strcmp(watermark->cluster_id, stored->cluster_id) == 0;
}

int hec_epoch_print(char text[HEC_EPOCH_BYTES_MAX], uint64_t epoch, uint64_t owner)
{
    return snprintf(text, HEC_EPOCH_BYTES_MAX, "%" PRIu64 ":%016" PRIx64, epoch, owner);
}

bool hec_epoch_parse(uint64_t *epoch, uint64_t *owner, struct hec_view value)
{
    char text[HEC_EPOCH_BYTES_MAX];
    char again[HEC_EPOCH_BYTES_MAX];
    *epoch = 0;
    *owner = 0;
    if (value.bytes == NULL) {
        return true;
    }
    if (value.length >= sizeof(text)) {
        return false;
    }
    memcpy(text, value.bytes, value.length);
    text[value.length] = '\0';
    if (sscanf(text, "%" SCNu64 ":%" SCNx64, epoch, owner) != 2) {
        return false;
    }
    return hec_epoch_print(again, *epoch, *owner) == (int)value.length &&
           memcmp(text, again, value.length) == 0;
}

enum hec_status hec_epoch_compare(int32_t partition, uint64_t epoch, uint64_t owner,
                                  struct hec_view stored, struct hec_error *error)
{
    uint64_t found, by;
    if (!hec_epoch_parse(&found, &by, stored)) {
        return hec_fail(error, HEC_MISMATCH, "store: own:{%d} is no epoch", (int)partition);
    }
    if (found == epoch && (by == owner || owner == 0)) {
        return HEC_OK;
    }
    return found >= epoch ? hec_fail(error, HEC_FENCED,
                                     "store: partition %d belongs to epoch %" PRIu64
                                     " of %016" PRIx64 " now, ours is %" PRIu64 " of %016" PRIx64,
                                     (int)partition, found, by, epoch, owner)
                          : hec_fail(error, HEC_MISMATCH,
                                     "store: partition %d is at epoch %" PRIu64 ", ours is %" PRIu64
                                     ": the store was emptied or rolled back",
                                     (int)partition, found, epoch);
}
