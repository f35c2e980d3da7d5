#include "ops/drift.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 2048
#define HOUR_MS 3600000
#define NO_HOUR INT64_MIN

/* Chosen rows of one transaction. */
struct pending {
    int count;
    int64_t hour[PENDING_MAX];
    uint8_t bins[PENDING_MAX][HEC_DRIFT_CHANNELS_MAX];
};

struct hec_drift {
    const struct hec_model *model; /* NULL: none, or it has no reference */
    int channels;
    struct pending pending[2];
    int open; /* which of them is open; the other one is being committed */

    _Atomic uint64_t id;                   /* of the model that is counted by; 0: none now */
    _Atomic int64_t hour[HEC_DRIFT_HOURS]; /* what a slot counts; NO_HOUR: nothing */
    _Atomic uint32_t count[HEC_DRIFT_HOURS][HEC_DRIFT_CHANNELS_MAX][HEC_DRIFT_BINS];
};

static void empty(struct hec_drift *drift)
{
    for (int slot = 0; slot < HEC_DRIFT_HOURS; slot++) {
        atomic_store_explicit(&drift->hour[slot], NO_HOUR, memory_order_relaxed);
    }
}

struct hec_drift *hec_drift_new(void)
{
    struct hec_drift *drift = calloc(1, sizeof(*drift));
    if (drift != NULL) {
        empty(drift);
    }
    return drift;
}

void hec_drift_free(struct hec_drift *drift)
{
    free(drift);
}

uint64_t hec_drift_id(const char *sha256)
{
    char digits[17];
    size_t length = strnlen(sha256, sizeof(digits) - 1);
    memcpy(digits, sha256, length);
    digits[length] = '\0';
    return strtoull(digits, NULL, 16) | 1;
}

void hec_drift_follow(struct hec_drift *drift, const struct hec_model *model, const char *sha256)
{
    uint64_t id = hec_drift_id(sha256);
    drift->model = hec_drift_is_known(model) ? model : NULL;
    drift->channels = hec_drift_channels(model);
    if (atomic_load_explicit(&drift->id, memory_order_relaxed) == id) {
        return;
    }
    atomic_store_explicit(&drift->id, 0, memory_order_relaxed);
    hec_drift_forget(drift);
    empty(drift);
    atomic_store_explicit(&drift->id, id, memory_order_release);
}

void hec_drift_note(struct hec_drift *drift, int64_t event_ms, const float *numerics,
                    const uint32_t *categories, const float *scores)
{
    struct pending *pending = &drift->pending[drift->open];
    if (drift->model != NULL && pending->count < PENDING_MAX) {
        pending->hour[pending->count] = event_ms / HOUR_MS;
        hec_drift_bins(drift->model, numerics, categories, scores, pending->bins[pending->count]);
        pending->count++;
    }
}

void hec_drift_send(struct hec_drift *drift)
{
    drift->open = !drift->open;
    drift->pending[drift->open].count = 0;
}

/* The hour's slot, emptied when it held an older one; -1: it holds a newer one, and this row is
 * more than a day older than others. */
static int slot_of(struct hec_drift *drift, int64_t hour)
{
    int slot = (int)(hour % HEC_DRIFT_HOURS);
    int64_t held = atomic_load_explicit(&drift->hour[slot], memory_order_relaxed);
    if (held < hour) {
        atomic_store_explicit(&drift->hour[slot], NO_HOUR, memory_order_relaxed);
        for (int i = 0; i < drift->channels; i++) {
            for (int k = 0; k < HEC_DRIFT_BINS; k++) {
                atomic_store_explicit(&drift->count[slot][i][k], 0, memory_order_relaxed);
            }
        }
        atomic_store_explicit(&drift->hour[slot], hour, memory_order_release);
    }
    return held > hour ? -1 : slot;
}

void hec_drift_settle(struct hec_drift *drift)
{
    struct pending *pending = &drift->pending[!drift->open];
    for (int row = 0; row < pending->count; row++) {
        int slot = slot_of(drift, pending->hour[row]);
        for (int i = 0; i < drift->channels && slot >= 0; i++) {
            uint8_t bin = pending->bins[row][i];
            if (bin < HEC_DRIFT_BINS) {
                _Atomic uint32_t *at = &drift->count[slot][i][bin];
                uint32_t now = atomic_load_explicit(at, memory_order_relaxed);
                atomic_store_explicit(at, now + (now < UINT32_MAX), memory_order_relaxed);
            }
        }
    }
    pending->count = 0;
}

void hec_drift_forget(struct hec_drift *drift)
{
    drift->pending[0].count = 0;
    drift->pending[1].count = 0;
}

static bool counts_by(const struct hec_drift *drift, uint64_t id)
{
    return atomic_load_explicit(&drift->id, memory_order_acquire) == id;
}

void hec_drift_fold(struct hec_drift *const *each, int engines, uint64_t id, int channels,
                    uint64_t (*count)[HEC_DRIFT_BINS])
{
    int64_t newest = NO_HOUR + HEC_DRIFT_HOURS;
    memset(count, 0, (size_t)channels * sizeof(*count));
    for (int e = 0; e < engines; e++) {
        for (int slot = 0; slot < HEC_DRIFT_HOURS && counts_by(each[e], id); slot++) {
            int64_t hour = atomic_load_explicit(&each[e]->hour[slot], memory_order_acquire);
            newest = hour > newest ? hour : newest;
        }
    }
    for (int e = 0; e < engines; e++) {
        for (int slot = 0; slot < HEC_DRIFT_HOURS && counts_by(each[e], id); slot++) {
            int64_t hour = atomic_load_explicit(&each[e]->hour[slot], memory_order_acquire);
            for (int i = 0; i < channels && hour > newest - HEC_DRIFT_HOURS; i++) {
                for (int k = 0; k < HEC_DRIFT_BINS; k++) {
                    count[i][k] +=
                        atomic_load_explicit(&each[e]->count[slot][i][k], memory_order_relaxed);
                }
            }
        }
    }
}

double hec_drift_told(const float *share, const uint64_t *count)
{
    uint64_t rows = 0;
    for (int k = 0; k < HEC_DRIFT_BINS; k++) {
        rows += count[k];
    }
    return rows < HEC_DRIFT_ROWS_MIN ? (double)NAN : hec_drift_psi(share, count);
}
