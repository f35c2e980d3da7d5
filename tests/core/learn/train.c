/* Training: it learns what is there, nothing where nothing is, and the same every time. */
#include "hecate/train.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "hecate/metrics.h"
#include "hecate/random.h"
#include "planted.h"

/* What a training said on its way. */
struct heard {
    int epochs, messages, best_epoch, refit_epochs, stop_after;
    double first_loss, last_loss, best_ap;
    char last_message[256];
    bool finite;
};

static bool hear(void *user, const struct hec_train_progress *progress)
{
    struct heard *heard = user;
    if (progress->message != NULL) {
        heard->messages++;
        snprintf(heard->last_message, sizeof(heard->last_message), "%s", progress->message);
        return true;
    }
    heard->epochs++;
    if (progress->refit) {
        heard->refit_epochs++;
        return true;
    }
    heard->last_loss = progress->loss[0];
    heard->first_loss = heard->epochs == 1 ? progress->loss[0] : heard->first_loss;
    heard->best_epoch = progress->best ? progress->epoch : heard->best_epoch;
    heard->best_ap = progress->best ? progress->valid_ap[0] : heard->best_ap;
    for (int k = 0; k < progress->heads_count; k++) {
        heard->finite = heard->finite && !isinf(progress->loss[k]);
    }
    return heard->stop_after == 0 || heard->epochs < heard->stop_after;
}

/* Scores of one head on the rows of one split that it can be judged on. */
static size_t judge(const struct planted *planted, const struct hec_model *model, int head,
                    enum hec_split split, float *score, uint8_t *label)
{
    struct hec_predictor *predictor;
    size_t n = 0;
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < planted->data.rows; row++) {
        int8_t target = planted->targets[row * HEC_DEFAULT_HEADS + (uint32_t)head];
        if (planted->split[row] != split || target < 0) {
            continue;
        }
        float scores[HEC_HEADS_MAX];
        hec_predictor_run(predictor, planted->numerics + row * PLANTED_NUMERICS,
                          planted->categories + row * PLANTED_CATEGORIES, planted->event_type + row,
                          1, scores, HEC_HEADS_MAX);
        score[n] = scores[head];
        label[n++] = target == HEC_TARGET_POSITIVE;
    }
    hec_predictor_free(predictor);
    return n;
}

enum { ROWS = 12000 };
static float score[ROWS];
static uint8_t label[ROWS];

static double mean_score(size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)score[i] / (double)n;
    }
    return sum;
}

static double prevalence(size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)label[i] / (double)n;
    }
    return sum;
}

Test(train, finds_the_planted_crimes_and_is_calibrated)
{
    struct planted planted;
    planted_make(&planted, ROWS, 1);
    struct hec_model *model = planted_model(&planted, 20, NULL, NULL);
    for (int head = 0; head < 2; head++) {
        size_t n = judge(&planted, model, head, HEC_SPLIT_VALID, score, label);
        double ap = hec_metric_average_precision(score, label, n);
        cr_expect_gt(ap, 0.8, "head %d: AP %f", head, ap);
        double ratio = mean_score(n) / prevalence(n);
        cr_expect(ratio > 0.75 && ratio < 1.3, "head %d: mean probability is %f of prevalence",
                  head, ratio);

        struct hec_metric_at at =
            hec_metric_at(score, label, n, (double)hec_model_info(model)->thresholds[head]);
        double alerts = (double)(at.true_positives + at.false_positives) / (double)n;
        double meant = fmin(fmax(prevalence(n), 1e-4), 1e-2);
        cr_expect_float_eq(alerts, meant, 0.002, "head %d: %f alerts a row", head, alerts);
    }
    size_t n = judge(&planted, model, 2, HEC_SPLIT_VALID, score, label);
    cr_expect_gt(hec_metric_roc_auc(score, label, n), 0.7, "novelty");
    hec_model_free(model);
    planted_free(&planted);
}

/* With few negatives kept the raw probabilities would be many times too high. */
Test(train, corrects_the_sampling_exactly)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_model *model;
    void *bytes;
    size_t size;
    planted_make(&planted, ROWS, 2);
    hec_train_defaults(&options);
    options.epochs_max = 12;
    options.negatives = 2;
    options.negatives_min = 0;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    cr_expect_lt(hec_model_info(model)->shifts[0], -1.5f);
    for (int head = 0; head < 2; head++) {
        size_t n = judge(&planted, model, head, HEC_SPLIT_VALID, score, label);
        double ratio = mean_score(n) / prevalence(n);
        cr_expect(ratio > 0.7 && ratio < 1.4, "head %d: ratio %f", head, ratio);
    }
    free(bytes);
    hec_model_free(model);
    planted_free(&planted);
}

/* Crimes of the other head, at random, all kept by the sampling while few others are. Where they
 * are this head's negatives they must weigh as if they had been drawn like the rest. */
Test(train, stays_calibrated_when_other_heads_crimes_are_negatives)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_model *model;
    struct hec_random random = hec_random_at(12, 0);
    void *bytes;
    size_t size;
    planted_make(&planted, ROWS, 12);
    planted.data.fraud_kind = NULL;
    for (uint32_t row = 0; row < ROWS; row++) {
        uint64_t draw = hec_random_below(&random, 100);
        planted.event_type[row] = HEC_CARD_AUTH;
        planted.targets[row * HEC_DEFAULT_HEADS] = draw < 5;
        planted.targets[row * HEC_DEFAULT_HEADS + 1] = draw >= 5 && draw < 25;
    }
    hec_train_defaults(&options);
    options.epochs_max = 3;
    options.negatives = 0.5;
    options.negatives_min = 0;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    size_t n = judge(&planted, model, 0, HEC_SPLIT_VALID, score, label);
    cr_expect_float_eq(mean_score(n), 0.05, 0.012, "mean probability %f", mean_score(n));
    free(bytes);
    hec_model_free(model);
    planted_free(&planted);
}

Test(train, gives_the_same_bytes_for_the_same_seed_and_others_for_another)
{
    struct planted planted;
    struct hec_train_options options;
    void *bytes[3];
    size_t size[3];
    planted_make(&planted, 3000, 3);
    hec_train_defaults(&options);
    options.epochs_max = 3;
    for (int i = 0; i < 3; i++) {
        options.seed = i == 2 ? 9 : 5;
        cr_assert_eq(hec_train(&bytes[i], &size[i], &planted.data, &options, NULL, NULL, NULL),
                     HEC_OK);
    }
    cr_expect_eq(size[0], size[1]);
    cr_expect_eq(memcmp(bytes[0], bytes[1], size[0]), 0);
    cr_expect(size[2] != size[0] || memcmp(bytes[0], bytes[2], size[0]) != 0);
    for (int i = 0; i < 3; i++) {
        free(bytes[i]);
    }
    planted_free(&planted);
}

Test(train, learns_nothing_from_shuffled_labels)
{
    struct planted planted;
    uint32_t order[ROWS];
    static int8_t shuffled[ROWS * HEC_DEFAULT_HEADS];
    planted_make(&planted, ROWS, 4);
    struct hec_random random = hec_random_at(4, 4);
    uint32_t train = ROWS / 4 * 3;
    for (uint32_t i = 0; i < ROWS; i++) {
        order[i] = i;
        planted.event_type[i] = HEC_CARD_AUTH;
        int8_t *target = planted.targets + i * HEC_DEFAULT_HEADS;
        target[0] = target[0] == HEC_TARGET_POSITIVE; /* every head judges every row */
        target[1] = target[1] == HEC_TARGET_POSITIVE;
    }
    hec_random_shuffle(&random, order, train);
    hec_random_shuffle(&random, order + train, ROWS - train);
    for (uint32_t i = 0; i < ROWS; i++) {
        memcpy(shuffled + i * HEC_DEFAULT_HEADS, planted.targets + order[i] * HEC_DEFAULT_HEADS,
               HEC_DEFAULT_HEADS);
    }
    memcpy(planted.targets, shuffled, sizeof(shuffled));
    planted.data.fraud_kind = NULL;
    struct hec_model *model = planted_model(&planted, 8, NULL, NULL);
    size_t n = judge(&planted, model, 0, HEC_SPLIT_VALID, score, label);
    double ap = hec_metric_average_precision(score, label, n);
    cr_expect_lt(ap, 3 * prevalence(n), "AP %f at prevalence %f", ap, prevalence(n));
    hec_model_free(model);
    planted_free(&planted);
}

Test(train, can_learn_64_rows_by_heart)
{
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { .finite = true };
    void *bytes;
    size_t size;
    planted_make(&planted, 64, 5);
    for (uint32_t row = 0; row < 64; row++) {
        planted.split[row] = HEC_SPLIT_TRAIN;
        planted.event_type[row] = HEC_CARD_AUTH;
        planted.targets[row * HEC_DEFAULT_HEADS] = row % 5 == 0;
        planted.targets[row * HEC_DEFAULT_HEADS + 1] = row % 7 == 0;
    }
    hec_train_defaults(&options);
    options.epochs_max = 1500;
    options.dropout = 0;
    options.learning_rate = 3e-3f;
    planted.data.fraud_kind = NULL;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, hear, &heard, NULL), HEC_OK);
    cr_expect_lt(heard.last_loss, 1e-3, "loss %g", heard.last_loss);
    cr_expect_eq(heard.epochs, 1500, "no validation rows: the schedule is fixed");
    free(bytes);
    planted_free(&planted);
}

Test(train, stops_when_validation_does_not_get_better_and_when_told)
{
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { .finite = true };
    void *bytes;
    size_t size;
    planted_make(&planted, 4000, 6);
    hec_train_defaults(&options);
    options.epochs_max = 200;
    options.patience = 3;
    options.refit = HEC_REFIT_NO;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, hear, &heard, NULL), HEC_OK);
    cr_expect_lt(heard.epochs, 200);
    cr_expect_eq(heard.epochs, heard.best_epoch + 3);
    cr_expect(strstr(heard.last_message, "no better validation for 3 epochs") != NULL);
    cr_expect_gt(heard.best_epoch, 1);
    struct hec_model *model;
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    size_t n = judge(&planted, model, 0, HEC_SPLIT_VALID, score, label);
    cr_expect_float_eq(hec_metric_average_precision(score, label, n), heard.best_ap, 1e-3,
                       "the file holds the best epoch");
    hec_model_free(model);
    free(bytes);

    heard = (struct heard){ .stop_after = 2 };
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, hear, &heard, NULL), HEC_OK);
    cr_expect_eq(heard.epochs, 2);
    cr_expect(strstr(heard.last_message, "stopped on request") != NULL);
    free(bytes);
    planted_free(&planted);
}

/* A head that never saw a crime: told, its prior for every row, no alert, and never a NaN. */
Test(train, gives_a_head_without_positives_its_prior)
{
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { .finite = true };
    struct hec_model *model;
    void *bytes;
    size_t size;
    planted_make(&planted, 4000, 7);
    for (uint32_t row = 0; row < 4000; row++) {
        int8_t *target = &planted.targets[row * HEC_DEFAULT_HEADS + 1];
        *target = *target == HEC_TARGET_POSITIVE ? HEC_TARGET_NEGATIVE : *target;
    }
    hec_train_defaults(&options);
    options.epochs_max = 3;
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, hear, &heard, NULL), HEC_OK);
    cr_expect_geq(heard.messages, 1);
    cr_expect(strstr(heard.last_message, "head 'ato' has 0 positive") != NULL, "%s",
              heard.last_message);
    cr_expect(heard.finite);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    const struct hec_model_info *info = hec_model_info(model);
    cr_expect(info->trained[0] && !info->trained[1]);
    cr_expect_gt(info->thresholds[1], 1.0f);
    size_t n = judge(&planted, model, 1, HEC_SPLIT_VALID, score, label);
    for (size_t i = 0; i < n; i++) {
        cr_assert(score[i] > 0 && score[i] < 0.001f, "%f", (double)score[i]);
        cr_assert_eq(score[i], score[0]);
    }
    free(bytes);
    hec_model_free(model);
    planted_free(&planted);
}

static void expect_refusal(const struct planted *planted, const char *word)
{
    struct hec_train_options options;
    struct hec_error error = { 0 };
    void *bytes = NULL;
    size_t size = 0;
    hec_train_defaults(&options);
    cr_expect_eq(hec_train(&bytes, &size, &planted->data, &options, NULL, NULL, &error),
                 HEC_INVALID);
    cr_expect(strstr(error.text, word) != NULL, "'%s' says nothing of '%s'", error.text, word);
    cr_expect_null(bytes);
}

Test(train, refuses_what_it_cannot_learn_from_with_a_sentence)
{
    struct planted planted;
    planted_make(&planted, 100, 8);

    planted.targets[5] = 3;
    expect_refusal(&planted, "target 3");
    planted.targets[5] = -3;
    expect_refusal(&planted, "target -3");
    planted.targets[5] = 0;

    planted.data.rows = 0;
    expect_refusal(&planted, "training window");
    planted.data.rows = 100;
    memset(planted.split, HEC_SPLIT_VALID, 100);
    expect_refusal(&planted, "training window");
    memset(planted.split, HEC_SPLIT_TRAIN, 100);
    memset(planted.targets, HEC_TARGET_UNKNOWN, 100 * HEC_DEFAULT_HEADS);
    expect_refusal(&planted, "old enough");

    planted.data.columns.numerics = planted.data.columns.categories = 0;
    expect_refusal(&planted, "columns");
    planted.data.columns.numerics = PLANTED_NUMERICS;
    planted.data.heads_count = 0;
    expect_refusal(&planted, "heads");
    planted_free(&planted);
}

Test(train, works_without_categories_and_with_a_handful_of_rows)
{
    struct planted planted;
    planted_make(&planted, 40, 9);
    planted.data.columns.categories = 0;
    planted.data.categories = NULL;
    planted.data.fraud_kind = NULL;
    struct hec_model *model = planted_model(&planted, 2, NULL, NULL);
    cr_expect_eq(hec_model_info(model)->columns.categories, 0);
    hec_model_free(model);
    planted_free(&planted);
}

Test(train, writes_down_what_it_was_told)
{
    struct planted planted;
    struct hec_train_options options;
    struct hec_model *model;
    void *bytes;
    size_t size;
    planted_make(&planted, 400, 10);
    hec_train_defaults(&options);
    options.epochs_max = 1;
    options.seed = UINT64_C(1) << 40;
    options.facts = (struct hec_train_facts){ "night shift", "2.1", 1000, 2000, -5 };
    cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, "0123456789abcdef", NULL), HEC_OK);
    const struct hec_model_info *info = hec_model_info(model);
    cr_expect_str_eq(info->name, "night shift");
    cr_expect_str_eq(info->version, "2.1");
    cr_expect_eq(info->seed, UINT64_C(1) << 40);
    cr_expect(info->train_from_ms == 1000 && info->train_to_ms == 2000 && info->known_at_ms == -5);
    cr_expect_eq(info->train_rows, 300u);
    cr_expect_str_eq(info->columns.schema_text, "the schema");
    cr_expect_str_eq(info->columns.numeric_names[PLANTED_RISK], "risk");
    cr_expect_str_eq(info->columns.category_names[1], "device");
    cr_expect_float_eq(hec_model_usual(model, PLANTED_CONSTANT), 42, 1e-6);
    free(bytes);
    hec_model_free(model);
    planted_free(&planted);
}

static struct hec_model *learned(const struct planted *planted,
                                 const struct hec_train_options *options, struct heard *heard)
{
    struct hec_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(hec_train(&bytes, &size, &planted->data, options, hear, heard, NULL), HEC_OK);
    cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
    free(bytes);
    return model;
}

/* The refit is the training that there would be without validation rows; only the thresholds are
 * those that validation found. */
Test(train, learns_once_more_with_all_rows_and_keeps_the_thresholds)
{
    static float again[ROWS];
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { 0 };
    planted_make(&planted, 3000, 11);
    hec_train_defaults(&options);
    options.epochs_max = 4;
    options.refit = HEC_REFIT_NO;
    struct hec_model *first = learned(&planted, &options, &heard);
    options.refit = HEC_REFIT_WHOLE;
    struct hec_model *second = learned(&planted, &options, &heard);
    cr_expect_not_null(strstr(heard.last_message, "once more"));
    cr_expect_eq(hec_model_info(first)->train_rows, 2250u);
    cr_expect_eq(hec_model_info(second)->train_rows, 3000u);
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        cr_expect_eq(hec_model_info(second)->thresholds[head],
                     hec_model_info(first)->thresholds[head]);
    }
    memset(planted.split, HEC_SPLIT_TRAIN, 3000);
    struct hec_model *whole = learned(&planted, &options, &heard);
    size_t n = judge(&planted, second, 0, HEC_SPLIT_TRAIN, again, label);
    cr_assert_eq(judge(&planted, whole, 0, HEC_SPLIT_TRAIN, score, label), n);
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(again[i], score[i], "row %zu", i);
    }
    cr_expect_neq(judge(&planted, first, 0, HEC_SPLIT_TRAIN, score, label), 0u);
    cr_expect(memcmp(again, score, n * sizeof(*score)) != 0);
    hec_model_free(first);
    hec_model_free(second);
    hec_model_free(whole);
    planted_free(&planted);
}

/* Labels by chance can only be learned by heart: validation falls. What is learned with all rows
 * then is what a schedule of as many epochs as validation rose for would have learned; where it
 * levelled off, it is the whole schedule. */
Test(train, learns_once_more_for_as_long_as_validation_rose)
{
    static float again[ROWS];
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { 0 }, first = { 0 };
    planted_make(&planted, 6000, 12);
    hec_train_defaults(&options);
    options.epochs_max = 24;
    options.dropout = 0;
    hec_model_free(learned(&planted, &options, &heard));
    cr_expect_eq(heard.refit_epochs, 24, "it levelled off");

    struct hec_random random = hec_random_at(12, 1);
    for (size_t i = 0; i < 6000 * HEC_DEFAULT_HEADS; i++) {
        planted.targets[i] =
            hec_random_uniform(&random) < 0.03 ? HEC_TARGET_POSITIVE : HEC_TARGET_NEGATIVE;
    }
    heard = (struct heard){ 0 };
    struct hec_model *model = learned(&planted, &options, &heard);
    cr_expect_eq(hec_model_info(model)->train_rows, 6000u, "%s", heard.last_message);
    options.refit = HEC_REFIT_NO;
    hec_model_free(learned(&planted, &options, &first));
    cr_expect_lt(first.best_epoch, 12);
    cr_expect_eq(heard.refit_epochs, first.best_epoch);

    options.epochs_max = first.best_epoch;
    memset(planted.split, HEC_SPLIT_TRAIN, 6000);
    struct hec_model *whole = learned(&planted, &options, &heard);
    size_t n = judge(&planted, model, 0, HEC_SPLIT_TRAIN, again, label);
    cr_assert_eq(judge(&planted, whole, 0, HEC_SPLIT_TRAIN, score, label), n);
    cr_expect_eq(memcmp(again, score, n * sizeof(*score)), 0);
    hec_model_free(model);
    hec_model_free(whole);
    planted_free(&planted);
}

static double takeover_ap(const struct planted *planted, const struct hec_model *model)
{
    size_t n = judge(planted, model, 1, HEC_SPLIT_VALID, score, label);
    return hec_metric_average_precision(score, label, n);
}

/* A takeover shows twice, by its channel and by failed log-ins. Who has learnt with features left
 * out still knows it when one of the two is gone. */
Test(train, leans_on_no_single_feature_when_features_were_left_out)
{
    struct planted planted;
    struct hec_train_options options;
    struct heard heard = { 0 };
    planted_make(&planted, ROWS, 13);
    hec_train_defaults(&options);
    options.epochs_max = 12;
    options.feature_dropout = 0;
    struct hec_model *usual = learned(&planted, &options, &heard);
    options.feature_dropout = 0.3f;
    struct hec_model *apart = learned(&planted, &options, &heard);
    cr_expect_gt(takeover_ap(&planted, usual), 0.95);
    cr_expect_gt(takeover_ap(&planted, apart), 0.95);
    for (uint32_t row = 0; row < ROWS; row++) {
        if (planted.split[row] == HEC_SPLIT_VALID) {
            planted.numerics[row * PLANTED_NUMERICS + PLANTED_FAILED] = 1;
        }
    }
    double before = takeover_ap(&planted, usual), after = takeover_ap(&planted, apart);
    cr_expect_gt(after, before + 0.02, "AP %f with features left out, %f without", after, before);
    hec_model_free(usual);
    hec_model_free(apart);
    planted_free(&planted);
}

struct path {
    int epochs;
    double last, way; /* of the validation loss */
};

static bool follow(void *user, const struct hec_train_progress *progress)
{
    struct path *path = user;
    if (progress->message == NULL) {
        double loss = progress->valid_loss[0] + progress->valid_loss[1];
        path->way += path->epochs > 2 ? fabs(loss - path->last) : 0;
        path->last = loss;
        path->epochs++;
    }
    return true;
}

/* At a rate that is too high, weights stagger; their average goes straight. */
Test(train, averaged_weights_stagger_less)
{
    struct planted planted;
    struct hec_train_options options;
    struct path path[2] = { 0 };
    planted_make(&planted, ROWS, 14);
    for (int averages = 0; averages < 2; averages++) {
        void *bytes = NULL;
        size_t size = 0;
        hec_train_defaults(&options);
        options.epochs_max = 100;
        options.patience = 12;
        options.refit = HEC_REFIT_NO;
        options.learning_rate = 0.01f;
        options.averaging = (float)averages;
        cr_assert_eq(
            hec_train(&bytes, &size, &planted.data, &options, follow, &path[averages], NULL),
            HEC_OK);
        free(bytes);
    }
    double each = path[0].way / path[0].epochs, averaged = path[1].way / path[1].epochs;
    cr_expect_lt(averaged, 0.6 * each, "%g an epoch, averaged %g", each, averaged);
    planted_free(&planted);
}
