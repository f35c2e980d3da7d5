#include "cli/warm.h"

#include <string.h>

#include "cli/arms.h"

#define OURS_START 2 /* of HEC_FLAGS_START; the rest is of HEC_FLAGS_WARM */
static const char *const OURS[] = { "freeze-trunk", "trunk-rate", "new-head", "shots" };

static int alone(const struct hec_arguments *arguments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (hec_given(arguments, OURS[i])) {
            return hec_cli_misused(arguments, "--%s is for a training with --warm-start", OURS[i]);
        }
    }
    return HEC_EXIT_OK;
}

int hec_warm_network(const struct hec_arguments *arguments)
{
    static const char *const ITS[] = { "arch",    "fusion", "num-embed", "trunk-0",
                                       "trunk-1", "tower",  "experts",   "one-gate" };
    for (size_t i = 0; i < sizeof(ITS) / sizeof(ITS[0]); i++) {
        if (hec_given(arguments, ITS[i])) {
            return hec_cli_misused(
                arguments, "--%s is the model's own where --warm-start goes on from it", ITS[i]);
        }
    }
    return HEC_EXIT_OK;
}

int hec_warm_start_flags(const struct hec_arguments *arguments)
{
    if (!hec_given(arguments, "warm-start")) {
        return alone(arguments, OURS_START);
    }
    int status = hec_warm_network(arguments);
    if (status == HEC_EXIT_OK && hec_given(arguments, "freeze-trunk") &&
        hec_given(arguments, "trunk-rate")) {
        status = hec_cli_misused(arguments, "a frozen trunk has no --trunk-rate");
    }
    return status;
}

static int fitting(const struct hec_arguments *arguments)
{
    int status = hec_warm_start_flags(arguments);
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (hec_given(arguments, "shots") && !hec_given(arguments, "new-head")) {
        return hec_cli_misused(arguments, "--shots are of a --new-head");
    }
    return HEC_EXIT_OK;
}

/* Those of the model, and behind them the new one of those asked for. */
static int add_head(struct hec_warm *warm, const struct hec_arguments *arguments,
                    struct hec_head *heads, int *heads_count)
{
    const struct hec_model_info *info = hec_model_info(warm->model);
    const char *name = hec_text_or(arguments, "new-head", NULL);
    int of = hec_head_named(heads, *heads_count, name, strlen(name));
    if (of < 0) {
        return hec_cli_misused(arguments,
                               "there is no head \"%.48s\" in %.200s: describe it in a file "
                               "like conf/heads.conf and name that by --heads",
                               name, hec_text_or(arguments, "heads", "the default heads"));
    }
    if (hec_head_named(info->heads, info->heads_count, name, strlen(name)) >= 0) {
        return hec_cli_misused(arguments,
                               "the model has a head \"%.48s\" already: to teach it further leave "
                               "--new-head out, to learn it anew beside the old one name it "
                               "otherwise in --heads",
                               name);
    }
    if (info->heads_count == HEC_HEADS_MAX) {
        return hec_cli_misused(arguments,
                               "the model has %d heads, and no model can have more: train one of "
                               "its own without --warm-start",
                               HEC_HEADS_MAX);
    }
    if (heads[of].kind != HEC_HEAD_BINARY) {
        return hec_cli_misused(arguments,
                               "head \"%.48s\" is not binary: a new head learns from labels, so "
                               "give it positive or positive_except in --heads",
                               name);
    }
    struct hec_head added = heads[of];
    warm->new_head = info->heads_count;
    memcpy(heads, info->heads, sizeof(*heads) * (size_t)info->heads_count);
    heads[warm->new_head] = added;
    *heads_count = warm->new_head + 1;
    return HEC_EXIT_OK;
}

int hec_warm_read(struct hec_warm *warm, struct hec_luggage *luggage,
                  const struct hec_arguments *arguments, struct hec_head heads[HEC_HEADS_MAX],
                  int *heads_count)
{
    const char *path = hec_text_or(arguments, "warm-start", NULL);
    struct hec_luggage carried = { 0 };
    *warm = (struct hec_warm){ .new_head = -1 };
    if (path == NULL) {
        int status = alone(arguments, sizeof(OURS) / sizeof(OURS[0]));
        return status == HEC_EXIT_OK ? hec_luggage_features(luggage, arguments) : status;
    }
    int status = fitting(arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_luggage_model(&carried, arguments, path);
    }
    if (status != HEC_EXIT_OK) {
        return status;
    }
    warm->model = carried.model;
    carried.model = NULL;
    const struct hec_model_info *info = hec_model_info(warm->model);
    warm->shots = (uint32_t)hec_integer_or(arguments, "shots", 0);
    if (hec_given(arguments, "features")) {
        status = hec_luggage_features(luggage, arguments);
    } else {
        luggage->plan = carried.plan;
        carried.plan = NULL;
    }
    hec_luggage_free(&carried);
    if (status == HEC_EXIT_OK && hec_given(arguments, "new-head")) {
        status = add_head(warm, arguments, heads, heads_count);
    }
    if (!hec_given(arguments, "heads") && !hec_given(arguments, "new-head")) {
        *heads_count = info->heads_count;
        memcpy(heads, info->heads, sizeof(*heads) * (size_t)info->heads_count);
    }
    return status;
}

void hec_warm_free(struct hec_warm *warm)
{
    hec_model_free(warm->model);
    *warm = (struct hec_warm){ 0 };
}

void hec_warm_options(const struct hec_warm *warm, struct hec_train_options *options,
                      const struct hec_arguments *arguments)
{
    options->warm_start = warm->model;
    options->freeze_trunk = hec_given(arguments, "freeze-trunk");
    options->trunk_rate = hec_number_or(arguments, "trunk-rate", options->trunk_rate);
    options->only_head = options->freeze_trunk ? warm->new_head : -1;
}
