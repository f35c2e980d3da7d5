/*
 * Quantiles of durations: a log-linear histogram, after Gil Tene's HdrHistogram.
 *
 * 64 buckets an octave: a value is known to 1 part in 64 (exactly below 128). One record is an
 * index computation and an addition; 30 KiB, whatever the count. All zero is an empty one.
 *
 * One writer; merge the ones of several threads after they stopped.
 */
#ifndef HECATE_OPS_HISTOGRAM_H
#define HECATE_OPS_HISTOGRAM_H

#include <stdint.h>

#define HEC_HISTOGRAM_BUCKETS 3776

struct hec_histogram {
    uint64_t count, sum; /* the sum wraps beyond 2^64 */
    uint64_t smallest, greatest;
    uint64_t buckets[HEC_HISTOGRAM_BUCKETS];
};

void hec_histogram_add(struct hec_histogram *histogram, uint64_t value);
void hec_histogram_merge(struct hec_histogram *into, const struct hec_histogram *from);

/** The smallest bucket's upper end at or below which at least share (0 .. 1) of all values lie,
 * never more than the greatest value; 0 when empty. */
uint64_t hec_histogram_quantile(const struct hec_histogram *histogram, double share);

/** 0 when empty. */
double hec_histogram_mean(const struct hec_histogram *histogram);

#endif
