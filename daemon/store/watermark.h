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

/** An epoch is plain digits; absent counts as 0. False: something else stands there. */
bool hec_epoch_parse(uint64_t *epoch, struct hec_view value);

#endif
