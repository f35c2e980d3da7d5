/* Few shots: what is left of a head's labels when only so many frauds of its kind are known. */
#include <stdlib.h>

#include "hecate/random.h"
#include "hecate/train.h"

#define SHOTS_STREAM 41

int64_t hec_train_shots(int8_t *targets, uint8_t *split, uint32_t rows, int heads, int head,
                        uint32_t shots, uint64_t seed)
{
    uint32_t *positives = malloc(((size_t)rows + 1) * sizeof(*positives)), count = 0;
    struct hec_random random = hec_random_at(seed, SHOTS_STREAM);
    if (positives == NULL) {
        return -1;
    }
    for (uint32_t row = 0; row < rows; row++) {
        int8_t target = targets[(size_t)row * (size_t)heads + (size_t)head];
        if (split[row] == HEC_SPLIT_TRAIN && target == HEC_TARGET_POSITIVE) {
            positives[count++] = row;
        }
        split[row] = split[row] == HEC_SPLIT_VALID ? HEC_SPLIT_NONE : split[row];
    }
    hec_random_shuffle(&random, positives, count);
    for (uint32_t i = shots; i < count; i++) {
        targets[(size_t)positives[i] * (size_t)heads + (size_t)head] = HEC_TARGET_UNKNOWN;
    }
    free(positives);
    return count < shots ? count : shots;
}
