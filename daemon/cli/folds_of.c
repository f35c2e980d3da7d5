#include "cli/folds_of.h"

#include <string.h>

#include "cli/training.h"
#include "file/when.h"

static int by_user(struct hec_fold *folds, int count, const struct hec_arguments *arguments,
                   const struct hec_head *heads, int heads_count)
{
    if (strcmp(hec_text_or(arguments, "kfold-by", ""), "user") != 0) {
        return hec_cli_misused(arguments, "--kfold-by knows user only, not \"%.40s\"",
                               hec_text_or(arguments, "kfold-by", ""));
    }
    if (!hec_given(arguments, "train-to")) {
        return hec_cli_misused(arguments, "--kfold-by needs --train-from and --train-to");
    }
    if (count < 2) {
        return hec_cli_misused(arguments, "--kfold-by needs two --folds or more");
    }
    int64_t delay_ms = hec_integer_or(arguments, "delay-days", 7) * HEC_DAY_MS;
    struct hec_fold fold = { .train_from_ms = hec_integer_or(arguments, "train-from", 0),
                             .train_to_ms = hec_integer_or(arguments, "train-to", 0),
                             .parts = count,
                             .seed = (uint64_t)hec_integer_or(arguments, "seed", 1) };
    fold.known_at_ms = fold.train_to_ms + delay_ms;
    fold.test_from_ms = fold.train_from_ms;
    fold.test_to_ms = fold.train_to_ms;
    int status = hec_training_window(&fold, arguments, heads, heads_count);
    for (int i = 0; i < count; i++) {
        folds[i] = fold;
        folds[i].part = i;
    }
    return status;
}

int hec_folds_of(struct hec_fold folds[HEC_FOLDS_MAX], int *count,
                 const struct hec_arguments *arguments, const struct hec_head *heads,
                 int heads_count)
{
    *count = (int)hec_integer_or(arguments, "folds", 4);
    if (!hec_given(arguments, "train-from")) {
        return hec_cli_misused(arguments, "folds need --train-from, the first one's first day");
    }
    if (hec_given(arguments, "kfold-by")) {
        return by_user(folds, *count, arguments, heads, heads_count);
    }
    int64_t train_ms = hec_integer_or(arguments, "train-days", 7) * HEC_DAY_MS;
    int64_t delay_ms = hec_integer_or(arguments, "delay-days", 7) * HEC_DAY_MS;
    int64_t test_ms = hec_integer_or(arguments, "test-days", 7) * HEC_DAY_MS;
    int status = HEC_EXIT_OK;
    for (int i = 0; i < *count && status == HEC_EXIT_OK; i++) {
        int64_t from_ms = hec_integer_or(arguments, "train-from", 0) + i * test_ms;
        folds[i] = (struct hec_fold){ .train_from_ms = from_ms,
                                      .train_to_ms = from_ms + train_ms,
                                      .known_at_ms = from_ms + train_ms + delay_ms,
                                      .test_from_ms = from_ms + train_ms + delay_ms,
                                      .test_to_ms = from_ms + train_ms + delay_ms + test_ms };
        status = hec_training_window(&folds[i], arguments, heads, heads_count);
    }
    return status;
}

void hec_judge_options_of(struct hec_judge_options *options, const struct hec_arguments *arguments)
{
    hec_judge_defaults(options);
    options->card_k = (int)hec_integer_or(arguments, "card-k", options->card_k);
    options->samples = (int)hec_integer_or(arguments, "bootstrap", options->samples);
    options->seed = (uint64_t)hec_integer_or(arguments, "seed", (int64_t)options->seed);
}

static enum hec_status types_of(const char *text, uint32_t *mask, struct hec_error *error)
{
    *mask = 0;
    for (size_t length; *text != '\0'; text += length + (text[length] == ',')) {
        length = strcspn(text, ",");
        int type = 0;
        while (type < HEC_SCORED_TYPES &&
               (strlen(hec_event_type_name((enum hec_event_type)type)) != length ||
                memcmp(hec_event_type_name((enum hec_event_type)type), text, length) != 0)) {
            type++;
        }
        if (type == HEC_SCORED_TYPES) {
            return hec_fail(error, HEC_INVALID, "--rows: \"%.*s\" is no scored event type",
                            (int)length, text);
        }
        *mask |= 1u << type;
    }
    return HEC_OK;
}

enum hec_status hec_mask_types(const struct hec_arguments *arguments, const struct hec_rows *rows,
                               const struct hec_head *head, uint8_t *mask, struct hec_error *error)
{
    size_t count = 0, name = strlen(head->name);
    const char *const *texts = hec_texts_of(arguments, "rows", &count);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(texts[i], '=');
        uint32_t types;
        if (equals == NULL) {
            return hec_fail(error, HEC_INVALID, "--rows must be HEAD=TYPE[,TYPE], not \"%.80s\"",
                            texts[i]);
        }
        if ((size_t)(equals - texts[i]) != name || memcmp(texts[i], head->name, name) != 0) {
            continue;
        }
        enum hec_status status = types_of(equals + 1, &types, error);
        if (status != HEC_OK) {
            return status;
        }
        for (uint32_t row = 0; row < rows->count; row++) {
            mask[row] &= (uint8_t)((types >> rows->event_type[row]) & 1);
        }
    }
    return HEC_OK;
}
