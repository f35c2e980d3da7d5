#include "desk/explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "hecate/base64.h"
#include "hecate/event.h"

#define COLUMNS_MAX (HEC_MODEL_NUMERICS_MAX + HEC_MODEL_CATEGORIES_MAX)

/* One alert on its way. */
struct again {
    const struct hec_explain *explain;
    const struct hec_model_info *info;
    yyjson_val *alert;
    int head;
    float numerics[HEC_MODEL_NUMERICS_MAX];
    uint32_t categories[HEC_MODEL_CATEGORIES_MAX];
    float scores[HEC_HEADS_MAX], contributions[COLUMNS_MAX];
    struct hec_reason_columns columns;
    struct hec_reason reasons[HEC_REASONS_MAX];
    int reasons_count;
};

/* ---- What the alert says --------------------------------------------------------------------- */

static bool read_base64(void *bytes, size_t length, yyjson_val *text)
{
    return yyjson_is_str(text) &&
           hec_base64_decode(bytes, length, yyjson_get_str(text), yyjson_get_len(text));
}

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text == NULL ? "" : text;
}

static enum hec_status read_alert(struct again *again, struct hec_error *error)
{
    const struct hec_columns *columns = &again->info->columns;
    yyjson_val *row = yyjson_obj_get(again->alert, "row");
    const char *sha256 = text_of(yyjson_obj_get(again->alert, "model"), "sha256");
    if (row == NULL) {
        return hec_fail(error, HEC_NOT_FOUND,
                        "The alert carries no feature row: it was made by an older version.");
    }
    if (strcmp(sha256, again->explain->model_sha256) != 0) {
        return hec_fail(error, HEC_MISMATCH,
                        "Model %.12s made this alert, %.12s is in use: ask with the model's file "
                        "(--model).",
                        sha256, again->explain->model_sha256);
    }
    const char *head = text_of(again->alert, "head");
    again->head = hec_head_named(again->info->heads, again->info->heads_count, head, strlen(head));
    if (again->head < 0 ||
        !read_base64(again->numerics, (size_t)columns->numerics * sizeof(float),
                     yyjson_obj_get(row, "numerics")) ||
        !read_base64(again->categories, (size_t)columns->categories * sizeof(uint32_t),
                     yyjson_obj_get(row, "categories"))) {
        return hec_fail(error, HEC_INVALID, "The alert's feature row cannot be read.");
    }
    return HEC_OK;
}

/* ---- The same once more ---------------------------------------------------------------------- */

static enum hec_status score_again(struct again *again)
{
    struct hec_predictor *predictor;
    enum hec_status status = hec_predictor_new(&predictor, again->explain->model, 1);
    if (status != HEC_OK) {
        return status;
    }
    yyjson_val *type = yyjson_obj_get(yyjson_obj_get(again->alert, "event"), "event_type");
    uint8_t event_type = (uint8_t)(yyjson_is_str(type) ? hec_event_type_named(yyjson_get_str(type),
                                                                              yyjson_get_len(type))
                                                       : HEC_CARD_AUTH);
    hec_predictor_run(predictor, again->numerics, again->categories, &event_type, 1, again->scores,
                      HEC_HEADS_MAX);
    hec_predictor_explain(predictor, again->numerics, again->categories, again->head,
                          again->contributions, NULL, NULL);
    hec_predictor_free(predictor);
    /* Without the event's texts: which reasons and how much they weigh does not hang on them. */
    static const struct hec_event NOTHING = { 0 };
    hec_reason_columns_of(&again->columns, again->explain->plan, again->explain->model);
    again->reasons_count =
        hec_reasons(again->reasons, again->explain->policy, &again->columns, again->head, &NOTHING,
                    again->contributions, again->numerics);
    return HEC_OK;
}

/* ---- Held against each other ----------------------------------------------------------------- */

static double put_scores(struct again *again, yyjson_mut_doc *doc, yyjson_mut_val *into)
{
    yyjson_val *recorded = yyjson_obj_get(again->alert, "scores");
    yyjson_mut_val *heads = yyjson_mut_obj_add_obj(doc, into, "heads");
    double worst = 0;
    for (int head = 0; head < again->info->heads_count; head++) {
        const char *name = again->info->heads[head].name;
        yyjson_val *was = yyjson_obj_get(yyjson_obj_get(recorded, name), "probability");
        if (isnan(again->scores[head]) && was == NULL) {
            continue;
        }
        double now = (double)again->scores[head];
        double difference = was == NULL || isnan(now) ? 1 : fabs(now - yyjson_get_num(was));
        worst = difference > worst ? difference : worst;
        yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, heads, name);
        if (was != NULL) {
            yyjson_mut_obj_add_real(doc, one, "recorded", yyjson_get_num(was));
        }
        if (!isnan(now)) {
            yyjson_mut_obj_add_real(doc, one, "again", now);
        }
    }
    return worst;
}

/* The alert's reason of that code; NULL: it has none. */
static yyjson_val *recorded_reason(yyjson_val *reasons, const char *code)
{
    yyjson_val *reason;
    size_t i, count;
    yyjson_arr_foreach(reasons, i, count, reason)
    {
        if (strcmp(text_of(reason, "code"), code) == 0) {
            return reason;
        }
    }
    return NULL;
}

static bool is_tie(double a, double b)
{
    return fabs(a - b) <= HEC_EXPLAIN_TIE * fmax(1, fmax(fabs(a), fabs(b)));
}

/* Place by place the same code, or one that weighs the same. */
static bool same_reasons(const struct again *again, yyjson_val *recorded, int *ties)
{
    size_t count = yyjson_arr_size(recorded);
    bool same = true;
    *ties = 0;
    for (size_t i = 0; i < count || i < (size_t)again->reasons_count; i++) {
        yyjson_val *was = yyjson_arr_get(recorded, i);
        if (was == NULL || i >= (size_t)again->reasons_count) {
            same = false;
            continue;
        }
        const struct hec_reason *now = &again->reasons[i];
        double weight = yyjson_get_num(yyjson_obj_get(was, "contribution"));
        bool near = is_tie(weight, (double)now->contribution);
        bool other = strcmp(text_of(was, "code"), now->code) != 0;
        *ties += other && near;
        same &= near;
    }
    return same;
}

static void put_reasons(const struct again *again, yyjson_val *recorded, yyjson_mut_doc *doc,
                        yyjson_mut_val *into)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, into, "reasons");
    for (int i = 0; i < again->reasons_count; i++) {
        const struct hec_reason *now = &again->reasons[i];
        yyjson_val *was = recorded_reason(recorded, now->code);
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_strcpy(doc, one, "code", now->code);
        yyjson_mut_obj_add_strcpy(doc, one, "feature", now->feature);
        yyjson_mut_obj_add_strcpy(doc, one, "text", was == NULL ? now->text : text_of(was, "text"));
        yyjson_mut_obj_add_real(doc, one, "again", (double)now->contribution);
        if (was != NULL) {
            yyjson_mut_obj_add_real(doc, one, "recorded",
                                    yyjson_get_num(yyjson_obj_get(was, "contribution")));
        }
    }
}

enum hec_status hec_explain_alert(const struct hec_explain *explain, yyjson_val *alert,
                                  yyjson_mut_doc *doc, yyjson_mut_val *into,
                                  struct hec_error *error)
{
    struct again *again = calloc(1, sizeof(*again));
    if (again == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "Memory is exhausted.");
    }
    again->explain = explain;
    again->info = hec_model_info(explain->model);
    again->alert = alert;
    enum hec_status status = read_alert(again, error);
    if (status == HEC_OK && score_again(again) != HEC_OK) {
        status = hec_fail(error, HEC_NO_MEMORY, "Memory is exhausted.");
    }
    if (status == HEC_OK) {
        yyjson_val *recorded = yyjson_obj_get(alert, "reasons");
        int ties;
        double worst = put_scores(again, doc, into);
        bool same = same_reasons(again, recorded, &ties);
        put_reasons(again, recorded, doc, into);
        yyjson_mut_obj_add_real(doc, into, "score_difference_max", worst);
        yyjson_mut_obj_add_bool(doc, into, "same_reasons", same);
        yyjson_mut_obj_add_int(doc, into, "ties", ties);
        yyjson_mut_obj_add_bool(doc, into, "same", same && worst <= HEC_EXPLAIN_SCORE_TOLERANCE);
    }
    free(again);
    return status;
}
