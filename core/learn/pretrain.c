/* The masked task is a training whose one labelled head has nothing to learn: what is left is the
 * decoder, whose gradient is let through. */
#include "hecate/pretrain.h"

#include <stdlib.h>
#include <string.h>

#include "hecate/event.h"
#include "learn/pretext.h"

const struct hec_head hec_pretext_heads[2] = {
    { .name = HEC_PRETEXT,
      .kind = HEC_HEAD_BINARY,
      .event_types = (1u << HEC_SCORED_TYPES) - 1,
      .loss_weight = 1 },
    { .name = "restored",
      .kind = HEC_HEAD_NOVELTY,
      .event_types = (1u << HEC_SCORED_TYPES) - 1,
      .loss_weight = 1 },
};

enum hec_status hec_pretrain(void **bytes, size_t *size, const struct hec_dataset *data,
                             const struct hec_train_options *options, hec_train_report *report,
                             void *user, struct hec_error *error)
{
    struct hec_dataset unlabelled = *data;
    struct hec_train_options own = *options;
    if (!(options->mask_share > 0) || !(options->mask_share <= 1)) {
        return hec_fail(error, HEC_INVALID,
                        "train: a share of %g of the numbers cannot be hidden; above 0 (0.3 is "
                        "usual) and up to 1",
                        options->mask_share);
    }
    uint8_t *split = malloc((size_t)data->rows + 1);
    int8_t *targets = calloc((size_t)data->rows + 1, 2);
    if (split == NULL || targets == NULL) {
        free(split);
        free(targets);
        return hec_fail(error, HEC_NO_MEMORY, "train: no memory");
    }
    /* With a fixed schedule: there is nothing yet that validation could be of. */
    for (uint32_t row = 0; row < data->rows; row++) {
        split[row] = data->split[row] == HEC_SPLIT_TRAIN ? HEC_SPLIT_TRAIN : HEC_SPLIT_NONE;
    }
    unlabelled.split = split;
    unlabelled.targets = targets;
    unlabelled.heads = hec_pretext_heads;
    unlabelled.heads_count = 2;
    unlabelled.fraud_kind = NULL;
    own.anomaly_shares = true;
    own.weighting = HEC_WEIGHTING_EQUAL;
    own.refit = HEC_REFIT_NO;
    enum hec_status status = hec_train(bytes, size, &unlabelled, &own, report, user, error);
    free(split);
    free(targets);
    return status;
}
