/*
 * The watermark and the epoch as texts that an operator can read with redis-cli.
 */
#ifndef HECATE_STORE_WATERMARK_H
#define HECATE_STORE_WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "store/backend.h"

#define HEC_WATERMARK_BYTES_MAX 512

/** Writes the line, terminated; returns its length. Equal watermarks give equal lines. It ends in a
 * checksum, because one digit that turned over would move the state to another place of the log. */
int hec_watermark_print(char text[HEC_WATERMARK_BYTES_MAX], const struct hec_watermark *watermark);

/** False: not a line that hec_watermark_print writes. */
bool hec_watermark_parse(struct hec_watermark *watermark, struct hec_view value);

/** Equal but for the epoch: that own holds our epoch proves that nobody else wrote since we
 * claimed, so the watermark of a former epoch is as good as our own. NULL equals nothing. */
bool hec_watermark_same(const struct hec_watermark *watermark, const struct hec_watermark *stored);

#define HEC_EPOCH_BYTES_MAX 48

/** Writes "<epoch>:<owner>", terminated; returns its length. owner is a number that no other
 * process has: in a store that was emptied two may claim the same epoch, one of them long ago. */
int hec_epoch_print(char text[HEC_EPOCH_BYTES_MAX], uint64_t epoch, uint64_t owner);

/** Absent counts as epoch 0 of owner 0. False: something else stands there. */
bool hec_epoch_parse(uint64_t *epoch, uint64_t *owner, struct hec_view value);

/**
 * Who owns a partition now, against who we think does.
 *
 * @param owner  0: whoever, if the epoch is ours
 *
 * @return HEC_OK, HEC_FENCED (a higher epoch, or ours by another owner), HEC_MISMATCH (a lower one
 *         or none: the store was emptied or rolled back; or no epoch at all)
 */
HEC_CHECKED enum hec_status hec_epoch_compare(int32_t partition, uint64_t epoch, uint64_t owner,
                                              struct hec_view stored, struct hec_error *error);

#endif
