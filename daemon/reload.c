/*
 * A reload in three steps: read and check, make the new beside the old, offer it to the engines.
 * Only the last one can be seen from outside, and it cannot fail.
 */
#include "reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/shadow.h"
#include "file/model_file.h"
#include "ops/clock.h"
#include "ops/log.h"

/* What the engines work with: one model and what is made of its scores. Never changed once offered;
 * freed when no engine uses it any more. */
struct edition {
    struct hec_model *model; /* NULL: the one before is kept */
    char model_sha256[HEC_SHA256_HEX];
    bool swaps_shadow;
    struct hec_model *shadow_model; /* with swaps_shadow; NULL: none watches any more */
    char shadow_sha256[HEC_SHA256_HEX];
    struct hec_policy policy;
    struct hec_rules *rules; /* NULL: none */
    uint8_t rule_slots[HEC_RULES_MAX];
    struct hec_engine_change changes[HEC_ENGINES_MAX];
};

struct hec_reload {
    struct hec_config_source source;
    struct hec_config *config;
    struct hec_parts *parts;
    struct hec_engine *const *engines;
    struct edition *edition; /* the last offered; NULL: what the engines were made with */
};

enum hec_status hec_reload_new(struct hec_reload **ret, const struct hec_config_source *source,
                               struct hec_config *config, struct hec_parts *parts,
                               struct hec_engine *const *engines, struct hec_error *error)
{
    struct hec_reload *reload = calloc(1, sizeof(*reload));
    if (reload == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for reloads");
    }
    *reload = (struct hec_reload){ *source, config, parts, engines, NULL };
    *ret = reload;
    return HEC_OK;
}

/* Scorers that came back from the engines, or never got there. */
static void free_edition(struct edition *edition, int engines)
{
    for (int i = 0; edition != NULL && i < engines; i++) {
        hec_scorer_free(edition->changes[i].scorer);
        hec_shadow_free(edition->changes[i].shadow);
    }
    if (edition != NULL) {
        hec_rules_free(edition->rules);
    }
    free(edition);
}

void hec_reload_free(struct hec_reload *reload)
{
    if (reload != NULL) {
        free_edition(reload->edition, reload->parts->engines_count);
        free(reload);
    }
}

/* ---- Read and check ---- */

static enum hec_status read_settings(const struct hec_reload *reload, struct hec_config *fresh,
                                     struct hec_problems *problems)
{
    enum hec_status status = hec_config_load(fresh, reload->source.path, problems);
    for (int i = 0; i < reload->source.sets_count && status == HEC_OK; i++) {
        status = hec_config_set(fresh, reload->source.sets[i], problems);
    }
    if (status == HEC_OK) {
        status = hec_config_check(fresh, problems);
    }
    return status == HEC_OK ? hec_config_check_files(fresh, problems) : status;
}

static void note_change(void *context, const struct hec_config_change *change)
{
    struct hec_reload_report *report = context;
    if (report->rows_count == HEC_RELOAD_KEYS_MAX) {
        report->dropped++;
        return;
    }
    int row = report->rows_count++;
    snprintf(report->rows[row].key, sizeof(report->rows[row].key), "%s", change->key);
    snprintf(report->rows[row].before, sizeof(report->rows[row].before), "%s", change->before);
    snprintf(report->rows[row].after, sizeof(report->rows[row].after), "%s", change->after);
    report->rows[row].taken = change->reloadable;
}

/* ---- Make the new beside the old ---- */

/* The model's file is opened every time: it may have been replaced under the same name. It has to
 * fit the features in use, whatever the file of features says by now. */
static enum hec_status make_model(const struct hec_reload *reload, const struct hec_config *fresh,
                                  struct edition *edition, struct hec_error *error)
{
    struct hec_parts *parts = reload->parts;
    struct hec_model *model = NULL;
    enum hec_status status = hec_model_file_load(&model, edition->model_sha256, fresh->model.file,
                                                 hec_plan_digest(parts->plan), error);
    if (status != HEC_OK) {
        hec_meter_add(hec_metrics_service(parts->metrics), HEC_S_MODEL_LOADS + HEC_LOADED_REFUSED,
                      1);
        return status;
    }
    if (strcmp(edition->model_sha256, parts->model_sha256) == 0) {
        hec_model_free(model);
        return HEC_OK;
    }
    edition->model = model;
    for (int i = 0; i < parts->engines_count && status == HEC_OK; i++) {
        status = hec_scorer_new(&edition->changes[i].scorer, parts->plan, model,
                                (int)reload->config->model.max_batch_records, error);
    }
    return status;
}

/* The one that watches, as its file is now. */
static enum hec_status make_shadow(const struct hec_reload *reload, const struct hec_config *fresh,
                                   struct edition *edition, struct hec_error *error)
{
    struct hec_parts *parts = reload->parts;
    if (fresh->model.shadow_file[0] != '\0' && reload->config->output.shadow_topic[0] == '\0') {
        return hec_fail(error, HEC_INVALID,
                        "model.shadow_file needs output.shadow_topic, which takes a restart");
    }
    enum hec_status status =
        hec_parts_shadow(&edition->shadow_model, edition->shadow_sha256, fresh, parts->plan, error);
    if (status != HEC_OK) {
        return status;
    }
    edition->swaps_shadow = strcmp(edition->shadow_sha256, parts->shadow_sha256) != 0;
    if (!edition->swaps_shadow) {
        hec_model_free(edition->shadow_model);
        edition->shadow_model = NULL;
    }
    for (int i = 0; i < parts->engines_count && edition->shadow_model != NULL; i++) {
        if (hec_shadow_new(&edition->changes[i].shadow, edition->shadow_model,
                           edition->shadow_sha256,
                           (int)reload->config->model.max_batch_records) != HEC_OK) {
            return hec_fail(error, HEC_NO_MEMORY, "no memory for the shadow model");
        }
    }
    return HEC_OK;
}

static enum hec_status make_edition(const struct hec_reload *reload, const struct hec_config *fresh,
                                    struct edition **ret, struct hec_error *error)
{
    struct edition *edition = calloc(1, sizeof(*edition));
    if (edition == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the new settings");
    }
    enum hec_status status = make_model(reload, fresh, edition, error);
    status = status == HEC_OK ? make_shadow(reload, fresh, edition, error) : status;
    const struct hec_model *model = edition->model == NULL ? reload->parts->model : edition->model;
    if (status == HEC_OK) {
        status = hec_parts_policy(&edition->policy, fresh, model, error);
    }
    if (status == HEC_OK) {
        status = hec_parts_rules(&edition->rules, fresh, reload->parts->plan, model, error);
    }
    if (status != HEC_OK) {
        struct hec_model *unused = edition->model, *unused_shadow = edition->shadow_model;
        free_edition(edition, reload->parts->engines_count);
        hec_model_free(unused);
        hec_model_free(unused_shadow);
        return status;
    }
    *ret = edition;
    return HEC_OK;
}

/* ---- Offer it ---- */

/* Engines of the edition that have not come to their next batch within the time. */
static int wait_taken(struct edition *edition, int engines, int wait_ms)
{
    int64_t until_ms = hec_now_ms() + wait_ms;
    for (;;) {
        int pending = 0;
        for (int i = 0; i < engines; i++) {
            pending += !atomic_load_explicit(&edition->changes[i].taken, memory_order_acquire);
        }
        if (pending == 0 || hec_now_ms() >= until_ms) {
            return pending;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

static void offer(struct hec_reload *reload, const struct hec_config *fresh,
                  struct edition *edition)
{
    struct hec_parts *parts = reload->parts;
    hec_parts_rule_slots(parts, edition->rules, edition->rule_slots);
    for (int i = 0; i < parts->engines_count; i++) {
        struct hec_engine_change *change = &edition->changes[i];
        change->model = edition->model == NULL ? parts->model : edition->model;
        change->model_sha256 = edition->model_sha256;
        change->policy = &edition->policy;
        change->rules = edition->rules;
        change->rule_slots = edition->rule_slots;
        change->swaps_shadow = edition->swaps_shadow;
        change->score_sample_ratio = fresh->output.score_sample_ratio;
        hec_engine_offer(reload->engines[i], change);
    }
}

/* What the rest of the process sees of it. */
static void publish(struct hec_reload *reload, const struct hec_config *fresh,
                    const struct edition *edition)
{
    struct hec_parts *parts = reload->parts;
    struct hec_meter *meter = hec_metrics_service(parts->metrics);
    if (edition->model != NULL) {
        const struct hec_model_info *info = hec_model_info(edition->model);
        parts->model = edition->model;
        pthread_mutex_lock(&parts->lock);
        memcpy(parts->model_sha256, edition->model_sha256, HEC_SHA256_HEX);
        pthread_mutex_unlock(&parts->lock);
        hec_metrics_set_model(parts->metrics, "primary", info->name, info->version,
                              edition->model_sha256);
        hec_metrics_set_reference(parts->metrics, edition->model, edition->model_sha256);
        hec_meter_set(meter, HEC_S_MODEL_LOADED, hec_wall_ms());
        hec_meter_add(meter, HEC_S_MODEL_LOADS + HEC_LOADED_OK, 1);
    }
    if (edition->swaps_shadow) {
        const struct hec_model_info *info =
            edition->shadow_model == NULL ? NULL : hec_model_info(edition->shadow_model);
        parts->shadow_model = edition->shadow_model;
        memcpy(parts->shadow_sha256, edition->shadow_sha256, HEC_SHA256_HEX);
        hec_metrics_set_model(parts->metrics, "shadow", info == NULL ? "" : info->name,
                              info == NULL ? "" : info->version, edition->shadow_sha256);
    }
    parts->policy = edition->policy;
    bool log_changed = fresh->log.level != reload->config->log.level ||
                       fresh->log.format != reload->config->log.format ||
                       fresh->log.rate_limit_per_s != reload->config->log.rate_limit_per_s;
    hec_config_take_reloadable(reload->config, fresh);
    if (log_changed) {
        hec_log_setup(&(struct hec_log_options){ .level = (enum hec_log_level)fresh->log.level,
                                                 .json = fresh->log.format == HEC_LOG_JSON,
                                                 .lines_per_s = (int)fresh->log.rate_limit_per_s });
    }
    hec_meter_set(meter, HEC_S_RELOADED, hec_wall_ms());
}

/* The engines that still use the edition before have to be waited for: it is about to be freed. */
static enum hec_status meet_last(struct hec_reload *reload, int wait_ms,
                                 struct hec_problems *problems)
{
    if (reload->edition == NULL ||
        wait_taken(reload->edition, reload->parts->engines_count, wait_ms) == 0) {
        return HEC_OK;
    }
    hec_problems_add(problems, HEC_UNAVAILABLE,
                     "the engines have not begun with the settings before yet: is Kafka or Redis "
                     "away? Try again when they move");
    return HEC_UNAVAILABLE;
}

static enum hec_status take(struct hec_reload *reload, const struct hec_config *fresh, int wait_ms,
                            struct hec_reload_report *report, struct hec_problems *problems)
{
    struct edition *edition = NULL;
    struct hec_error error = { 0 };
    enum hec_status status = meet_last(reload, wait_ms, problems);
    if (status != HEC_OK) {
        return status;
    }
    status = make_edition(reload, fresh, &edition, &error);
    if (status != HEC_OK) {
        hec_problems_add(problems, status, "%s", error.text);
        return status;
    }
    hec_config_compare(reload->config, fresh, note_change, report);
    struct hec_model *model_before = edition->model == NULL ? NULL : reload->parts->model;
    struct hec_model *shadow_before = edition->swaps_shadow ? reload->parts->shadow_model : NULL;
    report->model_changed = edition->model != NULL;
    memcpy(report->model_sha256, edition->model_sha256, HEC_SHA256_HEX);
    offer(reload, fresh, edition);
    publish(reload, fresh, edition);
    report->pending = wait_taken(edition, reload->parts->engines_count, wait_ms);
    /* An engine that is late still reads the ones before: they stay until the end of the process,
     * which is rare and small. */
    if (report->pending == 0) {
        for (int i = 0; i < reload->parts->engines_count; i++) {
            hec_scorer_free(edition->changes[i].scorer); /* the one before */
            edition->changes[i].scorer = NULL;
            hec_shadow_free(edition->changes[i].shadow);
            edition->changes[i].shadow = NULL;
        }
        free_edition(reload->edition, reload->parts->engines_count);
        hec_model_free(model_before);
        hec_model_free(shadow_before);
    }
    reload->edition = edition;
    return HEC_OK;
}

enum hec_status hec_reload_run(struct hec_reload *reload, int wait_ms,
                               struct hec_reload_report *report, struct hec_problems *problems)
{
    *report = (struct hec_reload_report){ 0 };
    struct hec_config *fresh = hec_config_new();
    enum hec_status status = HEC_NO_MEMORY;
    if (fresh == NULL) {
        hec_problems_add(problems, status, "no memory for the settings");
    } else {
        status = read_settings(reload, fresh, problems);
    }
    if (status == HEC_OK) {
        status = take(reload, fresh, wait_ms, report, problems);
    }
    hec_config_free(fresh);
    hec_meter_set(hec_metrics_service(reload->parts->metrics), HEC_S_RELOAD_GOOD, status == HEC_OK);
    if (status != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "service", "reload_refused",
                "the changed settings are refused, those before stay", "why=%s more=%d",
                problems->rows[0].text, problems->count + problems->dropped - 1);
        return status;
    }
    int taken = 0;
    for (int i = 0; i < report->rows_count; i++) {
        taken += report->rows[i].taken;
    }
    hec_log(HEC_LOG_INFO, "service", "reloaded", "the settings were read again",
            "taken=%d want_restart=%d model=%s model_changed=%d pending=%d", taken,
            report->rows_count - taken + report->dropped, report->model_sha256,
            report->model_changed, report->pending);
    return HEC_OK;
}
