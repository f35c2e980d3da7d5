#include "ops/histogram.h"

#include <math.h>

/* Values below 128 have a bucket each. Above, an octave [2^k, 2^(k+1)) has 64: its index is
 * 64 (k - 5) plus the six bits below the leading one. The last octave begins at 2^63. */
static int bucket_of(uint64_t value)
{
    if (value < 128) {
        return (int)value;
    }
    int octave = 63 - __builtin_clzll(value);
    return 64 * (octave - 5) + (int)(value >> (octave - 6)) - 64;
}

/* The greatest value of a bucket. */
static uint64_t end_of(int bucket)
{
    if (bucket < 128) {
        return (uint64_t)bucket;
    }
    int octave = bucket / 64 + 5;
    uint64_t first = (uint64_t)(bucket % 64 + 64) << (octave - 6);
    return first + ((UINT64_C(1) << (octave - 6)) - 1);
}

void hec_histogram_add(struct hec_histogram *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->smallest) {
        histogram->smallest = value;
    }
    if (value > histogram->greatest) {
        histogram->greatest = value;
    }
    histogram->count++;
    histogram->sum += value;
    histogram->buckets[bucket_of(value)]++;
}

void hec_histogram_merge(struct hec_histogram *into, const struct hec_histogram *from)
{
    if (from->count == 0) {
        return;
    }
    if (into->count == 0 || from->smallest < into->smallest) {
        into->smallest = from->smallest;
    }
    if (from->greatest > into->greatest) {
        into->greatest = from->greatest;
    }
    into->count += from->count;
    into->sum += from->sum;
    for (int i = 0; i < HEC_HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
}

uint64_t hec_histogram_quantile(const struct hec_histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count);
    uint64_t seen = 0;
    for (int i = 0; i < HEC_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && seen >= wanted) {
            uint64_t end = end_of(i);
            return end < histogram->greatest ? end : histogram->greatest;
        }
    }
    return histogram->greatest;
}

double hec_histogram_mean(const struct hec_histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
