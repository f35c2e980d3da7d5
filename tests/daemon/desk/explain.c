/* An alert explained again: the same from its own row, not the same from another, and nothing but a
 * sentence where that cannot be asked. */
#include "desk/explain.h"

#include <math.h>

#include "../engine/world.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The alert's JSON as the engine would write it, of a row that nobody has to make; NULL when
 * nothing speaks for it. */
static yyjson_mut_doc *alert_of(struct hec_explain *explain, const float *numerics,
                                const uint32_t *categories)
{
    static const char *const EVENT =
        "{\"event_id\":\"e1\",\"event_type\":\"card_auth\",\"schema_version\":1,"
        "\"event_time_ms\":1735689600000,\"user_token\":\"u1\",\"card_token\":\"c1\","
        "\"channel\":\"app\",\"amount_minor\":100,\"currency\":\"EUR\"}";
    static char buffer[HEC_ALERT_BYTES_MAX], texts[1024];
    static struct hec_event event;
    struct hec_decoder *decoder;
    struct hec_decode_limits limits = { 65536, 60000 };
    enum hec_field blame;
    cr_assert_eq(hec_decoder_new(&decoder, &limits), HEC_OK);
    cr_assert_eq(hec_decode(decoder, &event, EVENT, strlen(EVENT), -1, texts, &blame), HEC_OK);
    hec_decoder_free(decoder);

    struct hec_predictor *predictor;
    const struct hec_model_info *info = hec_model_info(explain->model);
    uint8_t type = HEC_CARD_AUTH;
    float scores[HEC_HEADS_MAX], contributions[8];
    static struct hec_reason_columns columns;
    struct hec_reason reasons[HEC_REASONS_MAX];
    cr_assert_eq(hec_predictor_new(&predictor, explain->model, 1), HEC_OK);
    hec_predictor_run(predictor, numerics, categories, &type, 1, scores, HEC_HEADS_MAX);
    hec_predictor_explain(predictor, numerics, categories, 0, contributions, NULL, NULL);
    hec_predictor_free(predictor);
    hec_reason_columns_of(&columns, explain->plan, explain->model);
    struct hec_alert alert = {
        .event = &event,
        .origin = { "in", 0, 1 },
        .heads = info->heads,
        .scores = scores,
        .heads_count = info->heads_count,
        .policy = explain->policy,
        .reason = "threshold",
        .reasons = reasons,
        .reasons_count =
            hec_reasons(reasons, explain->policy, &columns, 0, &event, contributions, numerics),
        .model = { info->name, info->version, SHA },
        .schema_digest = hec_plan_digest(explain->plan),
        .numerics = numerics,
        .categories = categories,
        .numerics_count = 3,
        .categories_count = 1,
    };
    if (alert.reasons_count == 0) {
        return NULL;
    }
    size_t length = hec_alert_write(buffer, sizeof(buffer), &alert);
    yyjson_doc *doc = yyjson_read(buffer, length, YYJSON_READ_NOFLAG);
    yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
    yyjson_doc_free(doc);
    return copy;
}

/* Explains; same tells what came of it. */
static enum hec_status explained(struct hec_explain *explain, yyjson_mut_doc *alert, bool *same)
{
    yyjson_doc *doc = yyjson_mut_doc_imut_copy(alert, NULL);
    yyjson_mut_doc *reply = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(reply);
    world.error.text[0] = '\0';
    enum hec_status status =
        hec_explain_alert(explain, yyjson_doc_get_root(doc), reply, root, &world.error);
    *same = yyjson_mut_get_bool(yyjson_mut_obj_get(root, "same"));
    if (status == HEC_OK) {
        cr_expect_eq(yyjson_mut_get_real(yyjson_mut_obj_get(root, "score_difference_max")) <= 1e-5,
                     *same);
        cr_expect_gt(yyjson_mut_arr_size(yyjson_mut_obj_get(root, "reasons")), 0u);
    }
    yyjson_mut_doc_free(reply);
    yyjson_doc_free(doc);
    return status;
}

static void put(yyjson_mut_doc *alert, const char *where, const char *name, const char *text)
{
    yyjson_mut_val *object = yyjson_mut_obj_get(yyjson_mut_doc_get_root(alert), where);
    yyjson_mut_obj_put(object, yyjson_mut_str(alert, name), yyjson_mut_str(alert, text));
}

Test(explain, says_the_same_of_the_same_row_and_notices_another)
{
    struct hec_plan *plan = plan_of(SCHEMA);
    struct hec_model *model = model_of(plan);
    struct hec_policy policy;
    hec_policy_default(&policy, hec_model_info(model));
    struct hec_explain explain = { plan, model, SHA, &policy };
    bool same;

    float numerics[] = { 451.5f, NAN, 3 };
    uint32_t categories[] = { 0xdeadbeef };
    yyjson_mut_doc *alert = NULL;
    for (int i = 0; i < 64 && alert == NULL; i++) {
        numerics[0] = 451.5f * (float)(i % 8);
        numerics[2] = (float)(i / 8); /* what little the model learned speaks for one of these */
        alert = alert_of(&explain, numerics, categories);
    }
    cr_assert_not_null(alert);
    cr_expect_eq(explained(&explain, alert, &same), HEC_OK, "%s", world.error.text);
    cr_expect(same);
    put(alert, "row", "numerics", "AAAAPwAAwH8AAEBA"); /* 0.5, NaN, 3: none of the above */
    cr_expect_eq(explained(&explain, alert, &same), HEC_OK, "%s", world.error.text);
    cr_expect_not(same);

    static const char *const DAMAGED[] = { "", "AAAAPwAAwH8AAEB",
                                           "AAAAPwAAwH8AAEB=", "AAAAPwAAwH8AA!BA",
                                           "AAAAPwAAwH8AAEBAAAAA" };
    for (size_t i = 0; i < sizeof(DAMAGED) / sizeof(DAMAGED[0]); i++) {
        put(alert, "row", "numerics", DAMAGED[i]);
        cr_expect_eq(explained(&explain, alert, &same), HEC_INVALID, "%s", DAMAGED[i]);
    }
    put(alert, "model", "sha256", "ffff");
    cr_expect_eq(explained(&explain, alert, &same), HEC_MISMATCH);
    cr_expect_not_null(strstr(world.error.text, "--model"), "%s", world.error.text);
    yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(alert), "row");
    cr_expect_eq(explained(&explain, alert, &same), HEC_NOT_FOUND);
    yyjson_mut_doc_free(alert);
    hec_model_free(model);
    hec_plan_free(plan);
}
