/*
 * What became of alerts, at the desk: verdicts that the engines read are remembered, and now and
 * then all is counted anew into metrics and status.
 */
#include <math.h>
#include <stdlib.h>

#include "desk/api.h"
#include "desk/inside.h"
#include "ops/clock.h"
#include "ops/log.h"

#define TURN_NOTES 512
#define COUNT_MS 2000 /* after a change */
/* Without one: time itself makes alerts mature, and partitions come and go. */
#define AT_LEAST_MS 60000
#define IDLE_PARTS 50 /* a count that takes long is made seldom: one part of so many is spent */

static bool is_read(const void *context, int32_t partition)
{
    const struct hec_parts *parts = context;
    int64_t records, ms;
    return partition >= 0 && partition < parts->partitions &&
           hec_metrics_lag_of(parts->metrics, partition, &records, &ms) >= 0;
}

static int64_t scaled(double ratio)
{
    return isnan(ratio) ? HEC_METRIC_NONE : llround(ratio * 1e6);
}

static void show_head(struct hec_meter *meter, int h, const struct hec_head_outcomes *head)
{
    double share = (double)NAN, low = (double)NAN, high = (double)NAN;
    (void)hec_control_estimate(&head->control, &share, &low, &high);
    hec_meter_set(meter, HEC_S_IMMATURE + h, head->immature);
    hec_meter_set(meter, HEC_S_CONTROL_MATURE + h, head->control_mature);
    int bound = (int)HEC_S_CONTROL_PRECISION + h * (int)HEC_BOUNDS;
    hec_meter_set(meter, bound + (int)HEC_BOUND_ESTIMATE, scaled(share));
    hec_meter_set(meter, bound + (int)HEC_BOUND_LOW, scaled(low));
    hec_meter_set(meter, bound + (int)HEC_BOUND_HIGH, scaled(high));
    for (int w = 0; w < HEC_OUTCOME_WINDOWS; w++) {
        const struct hec_live_window *outcome = &head->windows[w];
        int window = h * HEC_OUTCOME_WINDOWS + w;
        int first = (int)HEC_S_OUTCOMES + window * (int)HEC_OUTCOME_KINDS;
        hec_meter_set(meter, first + (int)HEC_OUTCOME_FRAUD, outcome->fraud);
        hec_meter_set(meter, first + (int)HEC_OUTCOME_GENUINE, outcome->genuine);
        hec_meter_set(meter, first + (int)HEC_OUTCOME_UNLABELLED, outcome->unlabelled);
        hec_meter_set(meter, first + (int)HEC_OUTCOME_MISSED, outcome->missed);
        hec_meter_set(meter, (int)HEC_S_PRECISION + window, scaled(hec_live_precision(outcome)));
        hec_meter_set(meter, (int)HEC_S_RECALL + window, scaled(hec_live_recall(outcome)));
    }
}

static void show(struct hec_desk *desk)
{
    struct hec_meter *meter = hec_metrics_service(desk->options.parts->metrics);
    for (int h = 0; h < (int)HEC_HEAD_LABELS; h++) {
        show_head(meter, h, &desk->outcomes.heads[h]);
    }
    hec_meter_set(meter, HEC_S_VERDICTS_DROPPED,
                  hec_verdicts_dropped(desk->options.parts->verdicts));
}

/* Takes what the engines read; without an inbox it is forgotten. False: there was nothing, or it
 * could not be kept. */
static bool take_notes(struct hec_desk *desk)
{
    struct hec_error error = { 0 };
    if (desk->notes_count == 0) {
        desk->notes_count =
            hec_verdicts_take(desk->options.parts->verdicts, desk->notes, TURN_NOTES);
    }
    if (desk->notes_count == 0) {
        return false;
    }
    if (desk->inbox != NULL &&
        hec_outcomes_note(desk->inbox, desk->notes, desk->notes_count, &error) != HEC_OK) {
        /* They stay in hand and are tried again next time. */
        hec_log(HEC_LOG_ERROR, "desk", "inbox_failed", "verdicts could not be kept, trying again",
                "why=%s", error.text);
        return false;
    }
    desk->outcomes_stale = true;
    desk->notes_count = 0;
    return true;
}

void hec_desk_take_last_notes(struct hec_desk *desk)
{
    while (take_notes(desk)) {
    }
}

enum hec_status hec_desk_open_outcomes(struct hec_desk *desk)
{
    desk->notes = calloc(TURN_NOTES, sizeof(*desk->notes));
    show(desk);
    return desk->notes == NULL ? HEC_NO_MEMORY : HEC_OK;
}

bool hec_desk_follow_outcomes(struct hec_desk *desk)
{
    bool more = take_notes(desk);
    int64_t now_ms = hec_now_ms();
    int64_t age_ms = now_ms - desk->outcomes_ms;
    if (desk->inbox == NULL || age_ms < desk->outcomes_pause_ms ||
        (!desk->outcomes_stale && age_ms < AT_LEAST_MS)) {
        return more;
    }
    const struct hec_parts *parts = desk->options.parts;
    const struct hec_model_info *info = hec_model_info(parts->model);
    struct hec_outcomes_by by = {
        .heads = info->heads,
        .heads_count = info->heads_count,
        .wall_ms = hec_wall_ms(),
        .is_read = is_read,
        .context = parts,
    };
    for (int h = 0; h < info->heads_count; h++) {
        by.alerting |= (unsigned)(parts->policy.heads[h].mode == HEC_DECIDE_ON) << h;
    }
    struct hec_error error = { 0 };
    if (hec_outcomes_count(&desk->outcomes, desk->inbox, &by, &error) != HEC_OK) {
        hec_log(HEC_LOG_ERROR, "desk", "inbox_failed",
                "what became of alerts could not be counted, the last count stands", "why=%s",
                error.text);
    }
    show(desk);
    desk->outcomes_stale = false;
    desk->outcomes_ms = hec_now_ms();
    int64_t took_ms = desk->outcomes_ms - now_ms;
    desk->outcomes_pause_ms = took_ms * IDLE_PARTS > COUNT_MS ? took_ms * IDLE_PARTS : COUNT_MS;
    return more;
}

void hec_desk_close_outcomes(struct hec_desk *desk)
{
    free(desk->notes);
}

/* ---- For status ------------------------------------------------------------------------------ */

static void put_ratio(yyjson_mut_doc *doc, yyjson_mut_val *to, const char *name, double ratio)
{
    if (!isnan(ratio)) {
        yyjson_mut_obj_add_real(doc, to, name, ratio);
    }
}

void hec_desk_put_outcomes(const struct hec_desk *desk, int h, yyjson_mut_doc *doc,
                           yyjson_mut_val *to)
{
    const struct hec_head_outcomes *head = &desk->outcomes.heads[h];
    yyjson_mut_val *windows = yyjson_mut_obj_add_arr(doc, to, "live");
    for (int w = 0; w < HEC_OUTCOME_WINDOWS; w++) {
        const struct hec_live_window *outcome = &head->windows[w];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, windows);
        yyjson_mut_obj_add_int(doc, one, "days", hec_outcome_days[w]);
        yyjson_mut_obj_add_int(doc, one, "fraud", outcome->fraud);
        yyjson_mut_obj_add_int(doc, one, "genuine", outcome->genuine);
        yyjson_mut_obj_add_int(doc, one, "unlabelled", outcome->unlabelled);
        yyjson_mut_obj_add_int(doc, one, "missed", outcome->missed);
        put_ratio(doc, one, "precision", hec_live_precision(outcome));
        put_ratio(doc, one, "recall", hec_live_recall(outcome));
    }
    yyjson_mut_obj_add_int(doc, to, "not_yet_mature", head->immature);
    double share, low, high;
    if (head->control_mature + head->control_immature > 0) {
        yyjson_mut_val *control = yyjson_mut_obj_add_obj(doc, to, "control");
        yyjson_mut_obj_add_int(doc, control, "mature", head->control_mature);
        yyjson_mut_obj_add_int(doc, control, "not_yet_mature", head->control_immature);
        if (hec_control_estimate(&head->control, &share, &low, &high)) {
            yyjson_mut_obj_add_real(doc, control, "precision", share);
            yyjson_mut_obj_add_real(doc, control, "low", low);
            yyjson_mut_obj_add_real(doc, control, "high", high);
        }
    }
}
