/*
 * The meters, and how they fold. What the text looks like stands in metrics_text.c.
 */
#include "ops/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/metrics_inside.h"

/* Upper bounds in the shown unit. */
static const double END_TO_END[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1,    0.25,  0.5,    1,     2.5,  10 };
static const double STAGE[] = { 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                0.0025,  0.005,    0.01,    0.025,  0.05,    0.1 };
static const double BATCH[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };
static const double SCORE[] = { 0.01, 0.05, 0.1, 0.2, 0.3,  0.4,  0.5,
                                0.6,  0.7,  0.8, 0.9, 0.95, 0.98, 0.99 };

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))
_Static_assert(COUNT(END_TO_END) <= HEC_BOUNDS_MAX && COUNT(STAGE) <= HEC_BOUNDS_MAX &&
                   COUNT(BATCH) <= HEC_BOUNDS_MAX && COUNT(SCORE) <= HEC_BOUNDS_MAX,
               "a meter has room for the buckets");

static const struct hec_distribution_family DISTRIBUTIONS[] = {
#define DISTRIBUTION_ROW(enumerator, name, bounds, scale, a, help)                                 \
    { name, help, bounds, COUNT(bounds), scale, HEC_LABELS_##a, (int)HEC_D_##enumerator },
    HEC_DISTRIBUTION_TABLE(DISTRIBUTION_ROW)
#undef DISTRIBUTION_ROW
};

static const struct hec_series_family FAMILIES[] = {
#define FAMILY_ROW(enumerator, name, type, fold, scale, a, b, c, help)                             \
    { name,                                                                                        \
      help,                                                                                        \
      HEC_TYPE_##type,                                                                             \
      HEC_FOLD_##fold,                                                                             \
      scale,                                                                                       \
      { HEC_LABELS_##a, HEC_LABELS_##b, HEC_LABELS_##c },                                          \
      (int)HEC_S_##enumerator,                                                                     \
      (int)HEC_S_##enumerator##_LAST },
    HEC_SERIES_TABLE(FAMILY_ROW)
#undef FAMILY_ROW
};

const struct hec_series_family *hec_series_families(int *count)
{
    *count = COUNT(FAMILIES);
    return FAMILIES;
}

const struct hec_distribution_family *hec_distribution_families(int *count)
{
    *count = COUNT(DISTRIBUTIONS);
    return DISTRIBUTIONS;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void add(_Atomic int64_t *value, int64_t n)
{
    int64_t now = atomic_load_explicit(value, memory_order_relaxed);
    atomic_store_explicit(value, now + n, memory_order_relaxed);
}

static const struct hec_distribution_family *family_of(int distribution)
{
    int i = 0;
    while (i + 1 < COUNT(DISTRIBUTIONS) && DISTRIBUTIONS[i + 1].first <= distribution) {
        i++;
    }
    return &DISTRIBUTIONS[i];
}

/* The bounds in ticks, made once: comparing integers is all that an observation costs. */
static int64_t bounds_ticks[HEC_DISTRIBUTIONS][HEC_BOUNDS_MAX + 1];
static pthread_once_t bounds_once = PTHREAD_ONCE_INIT;

static void make_bounds(void)
{
    for (int d = 0; d < HEC_DISTRIBUTIONS; d++) {
        const struct hec_distribution_family *family = family_of(d);
        for (int i = 0; i < family->bounds_count; i++) {
            bounds_ticks[d][i] = llround(family->bounds[i] * (double)family->scale);
        }
        for (int i = family->bounds_count; i <= HEC_BOUNDS_MAX; i++) {
            bounds_ticks[d][i] = INT64_MAX;
        }
    }
}

void hec_meter_observe_n(struct hec_meter *meter, int distribution, int64_t ticks, int64_t n)
{
    assert((unsigned)distribution < HEC_DISTRIBUTIONS);
    if (ticks < 0) {
        ticks = 0;
    }
    const int64_t *bounds = bounds_ticks[distribution];
    int bucket = 0;
    while (ticks > bounds[bucket]) {
        bucket++;
    }
    add(&meter->distributions[distribution].buckets[bucket], n);
    add(&meter->distributions[distribution].sum, ticks * n);
}

void hec_tally_count(struct hec_tally *tally, struct hec_meter *meter)
{
    for (int i = 0; i < HEC_SERIES_COUNT; i++) {
        if (tally->values[i] != 0) {
            hec_meter_add(meter, i, tally->values[i]);
        }
    }
    for (int i = 0; i < HEC_RULE_SLOTS; i++) {
        if (tally->rules[i] != 0) {
            add(&meter->rules[i], tally->rules[i]);
        }
    }
    memset(tally, 0, sizeof(*tally));
}

void hec_meter_observe(struct hec_meter *meter, int distribution, int64_t ticks)
{
    hec_meter_observe_n(meter, distribution, ticks, 1);
}

void hec_meter_lag(struct hec_meter *meter, int32_t partition, int64_t records, int64_t ms)
{
    if (partition < 0 || partition >= HEC_PARTITIONS_MAX) {
        return;
    }
    atomic_store_explicit(&meter->lags[partition].ms, ms < 0 ? 0 : ms, memory_order_relaxed);
    atomic_store_explicit(&meter->lags[partition].records, records < 0 ? 0 : records,
                          memory_order_relaxed);
}

void hec_meter_lag_end(struct hec_meter *meter, int32_t partition)
{
    if (partition >= 0 && partition < HEC_PARTITIONS_MAX) {
        atomic_store_explicit(&meter->lags[partition].records, -1, memory_order_relaxed);
    }
}

/* ---- The set --------------------------------------------------------------------------------- */

static struct hec_meter *new_meter(void)
{
    /* Whole cache lines, so that two engines never write to one. */
    size_t bytes = (sizeof(struct hec_meter) + 63) / 64 * 64;
    struct hec_meter *meter = aligned_alloc(64, bytes);
    if (meter == NULL) {
        return NULL;
    }
    memset(meter, 0, bytes);
    for (int i = 0; i < HEC_PARTITIONS_MAX; i++) {
        atomic_init(&meter->lags[i].records, -1);
    }
    return meter;
}

static void copy_text(char *to, size_t to_bytes, const char *from)
{
    snprintf(to, to_bytes, "%s", from == NULL ? "" : from);
}

enum hec_status hec_metrics_new(struct hec_metrics **ret, const struct hec_metrics_options *options)
{
    assert(options->engines >= 1);
    pthread_once(&bounds_once, make_bounds);
    struct hec_metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL) {
        return HEC_NO_MEMORY;
    }
    pthread_mutex_init(&metrics->lock, NULL);
    metrics->engines = options->engines;
    metrics->meters = calloc((size_t)options->engines + 1, sizeof(struct hec_meter *));
    for (int i = 0; metrics->meters != NULL && i <= options->engines; i++) {
        metrics->meters[i] = new_meter();
        bool counts = metrics->meters[i] != NULL && i < options->engines;
        if (counts) {
            metrics->meters[i]->drift = hec_drift_new();
        }
        if (metrics->meters[i] == NULL || (counts && metrics->meters[i]->drift == NULL)) {
            hec_metrics_free(metrics);
            return HEC_NO_MEMORY;
        }
    }
    if (metrics->meters == NULL) {
        hec_metrics_free(metrics);
        return HEC_NO_MEMORY;
    }
    copy_text(metrics->input_topic, sizeof(metrics->input_topic), options->input_topic);
    const char *builds[HEC_BUILD_TEXTS] = { options->version, options->revision,
                                            options->librdkafka, options->openblas,
                                            options->libevent };
    for (int i = 0; i < HEC_BUILD_TEXTS; i++) {
        copy_text(metrics->build[i], sizeof(metrics->build[i]), builds[i]);
    }
    hec_metrics_set_run_state(metrics, HEC_RUN_STARTING);
    *ret = metrics;
    return HEC_OK;
}

static void free_told(struct hec_reference_told *told)
{
    for (int i = 0; told->names != NULL && i < told->channels; i++) {
        free(told->names[i]);
    }
    free(told->names);
    free(told->share);
    free(told->count);
    free(told->each);
    *told = (struct hec_reference_told){ 0 };
}

void hec_metrics_free(struct hec_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    free_told(&metrics->told);
    for (int i = 0; metrics->meters != NULL && i <= metrics->engines; i++) {
        if (metrics->meters[i] != NULL) {
            hec_drift_free(metrics->meters[i]->drift);
        }
        free(metrics->meters[i]);
    }
    free(metrics->meters);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

struct hec_meter *hec_metrics_engine(struct hec_metrics *metrics, int engine)
{
    assert(engine >= 0 && engine < metrics->engines);
    return metrics->meters[engine];
}

struct hec_meter *hec_metrics_service(struct hec_metrics *metrics)
{
    return metrics->meters[metrics->engines];
}

void hec_metrics_set_model(struct hec_metrics *metrics, const char *role, const char *name,
                           const char *version, const char *sha256)
{
    pthread_mutex_lock(&metrics->lock);
    int slot = strcmp(role, "shadow") == 0 ? 1 : 0;
    struct hec_model_label *model = &metrics->models[slot];
    copy_text(model->role, sizeof(model->role), sha256[0] == '\0' ? "" : role);
    copy_text(model->name, sizeof(model->name), name);
    copy_text(model->version, sizeof(model->version), version);
    copy_text(model->sha256, sizeof(model->sha256), sha256);
    pthread_mutex_unlock(&metrics->lock);
}

static bool fill_told(struct hec_reference_told *told, const struct hec_metrics *metrics,
                      const struct hec_model *model)
{
    const struct hec_model_info *info = hec_model_info(model);
    int numerics = info->columns.numerics;
    told->channels = hec_drift_channels(model);
    told->features = numerics + info->columns.categories;
    size_t channels = (size_t)told->channels;
    told->names = calloc(channels, sizeof(*told->names));
    told->share = calloc(channels, sizeof(*told->share));
    told->count = calloc(channels, sizeof(*told->count));
    told->each = calloc((size_t)metrics->engines, sizeof(struct hec_drift *));
    bool room =
        told->names != NULL && told->share != NULL && told->count != NULL && told->each != NULL;
    for (int i = 0; i < told->channels && room; i++) {
        told->names[i] = strdup(i < numerics         ? info->columns.numeric_names[i]
                                : i < told->features ? info->columns.category_names[i - numerics]
                                                     : info->heads[i - told->features].name);
        memcpy(told->share[i], hec_drift_share(model, i), sizeof(told->share[i]));
        room = told->names[i] != NULL;
    }
    for (int e = 0; e < metrics->engines && room; e++) {
        told->each[e] = metrics->meters[e]->drift;
    }
    return room;
}

void hec_metrics_set_reference(struct hec_metrics *metrics, const struct hec_model *model,
                               const char *sha256)
{
    struct hec_reference_told fresh = { 0 };
    if (hec_drift_is_known(model) && fill_told(&fresh, metrics, model)) {
        fresh.id = hec_drift_id(sha256);
    }
    pthread_mutex_lock(&metrics->lock);
    free_told(&metrics->told);
    metrics->told = fresh;
    pthread_mutex_unlock(&metrics->lock);
}

int hec_metrics_rule_slot(struct hec_metrics *metrics, const char *name)
{
    pthread_mutex_lock(&metrics->lock);
    int slot = 0;
    while (slot < HEC_RULE_SLOTS - 1 && metrics->rules[slot][0] != '\0' &&
           strcmp(metrics->rules[slot], name) != 0) {
        slot++;
    }
    copy_text(metrics->rules[slot], sizeof(metrics->rules[slot]),
              slot == HEC_RULE_SLOTS - 1 ? "other" : name);
    pthread_mutex_unlock(&metrics->lock);
    return slot;
}

void hec_metrics_set_run_state(struct hec_metrics *metrics, enum hec_run_state state)
{
    for (int i = 0; i < (int)HEC_RUN_STATES; i++) {
        hec_meter_set(hec_metrics_service(metrics), (int)HEC_S_RUN_STATE + i, i == (int)state);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int64_t value_of(const struct hec_metrics *metrics, int meter, int series)
{
    return atomic_load_explicit(&metrics->meters[meter]->values[series], memory_order_relaxed);
}

int64_t hec_metrics_value(const struct hec_metrics *metrics, int series)
{
    assert((unsigned)series < HEC_SERIES_COUNT);
    int i = 0;
    while (FAMILIES[i].last < series) {
        i++;
    }
    enum hec_fold fold = FAMILIES[i].fold;
    if (fold == HEC_FOLD_SERVICE) {
        return value_of(metrics, metrics->engines, series);
    }
    int64_t folded = value_of(metrics, 0, series);
    for (int meter = 1; meter < metrics->engines; meter++) {
        int64_t value = value_of(metrics, meter, series);
        folded = fold == HEC_FOLD_SUM                         ? folded + value
                 : (fold == HEC_FOLD_MAX) == (value > folded) ? value
                                                              : folded;
    }
    /* What the service counts itself is part of a sum; it has no part in a worst or best. */
    return fold == HEC_FOLD_SUM ? folded + value_of(metrics, metrics->engines, series) : folded;
}

void hec_metrics_lag(const struct hec_metrics *metrics, int64_t *records, int64_t *ms)
{
    *records = 0;
    *ms = 0;
    for (int meter = 0; meter < metrics->engines; meter++) {
        for (int p = 0; p < HEC_PARTITIONS_MAX; p++) {
            int64_t behind = atomic_load_explicit(&metrics->meters[meter]->lags[p].records,
                                                  memory_order_relaxed);
            int64_t age =
                atomic_load_explicit(&metrics->meters[meter]->lags[p].ms, memory_order_relaxed);
            if (behind >= 0) {
                *records += behind;
                *ms = age > *ms ? age : *ms;
            }
        }
    }
}

int hec_metrics_lag_of(const struct hec_metrics *metrics, int32_t partition, int64_t *records,
                       int64_t *ms)
{
    for (int meter = 0; meter < metrics->engines; meter++) {
        *records = atomic_load_explicit(&metrics->meters[meter]->lags[partition].records,
                                        memory_order_relaxed);
        *ms =
            atomic_load_explicit(&metrics->meters[meter]->lags[partition].ms, memory_order_relaxed);
        if (*records >= 0) {
            return meter;
        }
    }
    return -1;
}

int hec_metrics_buckets(const struct hec_metrics *metrics, int distribution,
                        int64_t counts[HEC_BOUNDS_MAX + 1], const double **bounds)
{
    const struct hec_distribution_family *family = family_of(distribution);
    for (int b = 0; b <= family->bounds_count; b++) {
        counts[b] = 0;
        for (int meter = 0; meter <= metrics->engines; meter++) {
            counts[b] += atomic_load_explicit(
                &metrics->meters[meter]->distributions[distribution].buckets[b],
                memory_order_relaxed);
        }
    }
    *bounds = family->bounds;
    return family->bounds_count + 1;
}

double hec_metrics_quantile(const struct hec_metrics *metrics, int distribution, double quantile)
{
    int64_t counts[HEC_BOUNDS_MAX + 1], total = 0;
    const double *bounds;
    int count = hec_metrics_buckets(metrics, distribution, counts, &bounds);
    for (int b = 0; b < count; b++) {
        total += counts[b];
    }
    double rank = quantile * (double)total, below = 0;
    for (int b = 0; b + 1 < count && total > 0; b++) {
        double lower = b == 0 ? 0 : bounds[b - 1], upper = bounds[b];
        if (counts[b] > 0 && below + (double)counts[b] >= rank) {
            return lower + (upper - lower) * (rank - below) / (double)counts[b];
        }
        below += (double)counts[b];
    }
    return total > 0 ? bounds[count - 2] : 0;
}
