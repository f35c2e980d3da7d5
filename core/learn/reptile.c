/* Each round is a training of its own over the few rows of one kind, from the start as it is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/pretrain.h"
#include "hecate/random.h"
#include "learn/pretext.h"
#include "learn/sample.h"
#include "model/model.h"

#define REPTILE_STREAM 42
#define OTHERS 30 /* for each fraud */

void hec_reptile_defaults(struct hec_reptile_options *options)
{
    *options = (struct hec_reptile_options){
        .rounds = 200, .shots = 20, .inner_epochs = 4, .outer_rate = 0.2, .inner_rate = 1e-3
    };
}

/* One round's rows, and all rows sorted by kind. Owned. */
struct rounds {
    const struct hec_dataset *data;
    uint32_t *order; /* rows by kind, genuine ones first */
    uint32_t first[257], count[256];
    int kinds[255], kinds_count;
    uint32_t *pick; /* (room) */
    float *numerics;
    uint32_t *categories;
    uint8_t *event_type, *split;
    int8_t *targets;
    uint32_t room;
};

static bool sort_rows(struct rounds *rounds, const uint8_t *genuine, int shots)
{
    const struct hec_dataset *data = rounds->data;
    uint32_t filled[256] = { 0 };
    rounds->order = malloc(((size_t)data->rows + 1) * sizeof(*rounds->order));
    if (rounds->order == NULL) {
        return false;
    }
    for (int round = 0; round < 2; round++) {
        for (uint32_t row = 0; row < data->rows; row++) {
            int kind = data->fraud_kind[row];
            if (data->split[row] != HEC_SPLIT_TRAIN || (kind == 0 && !genuine[row])) {
                continue;
            }
            if (round == 0) {
                rounds->count[kind]++;
            } else {
                rounds->order[rounds->first[kind] + filled[kind]++] = row;
            }
        }
        for (int kind = 0; kind < 256 && round == 0; kind++) {
            rounds->first[kind + 1] = rounds->first[kind] + rounds->count[kind];
        }
    }
    for (int kind = 1; kind < 256; kind++) {
        if (rounds->count[kind] >= (uint32_t)shots) {
            rounds->kinds[rounds->kinds_count++] = kind;
        }
    }
    return true;
}

static bool make_room(struct rounds *rounds, int shots)
{
    const struct hec_columns *columns = &rounds->data->columns;
    size_t room = (size_t)shots * (1 + OTHERS);
    rounds->room = (uint32_t)room;
    rounds->pick = malloc(room * sizeof(*rounds->pick));
    rounds->numerics = malloc(room * (size_t)(columns->numerics + 1) * sizeof(float));
    rounds->categories = malloc(room * (size_t)(columns->categories + 1) * sizeof(uint32_t));
    rounds->event_type = calloc(room, 1);
    rounds->split = malloc(room);
    rounds->targets = malloc(room);
    return rounds->pick != NULL && rounds->numerics != NULL && rounds->categories != NULL &&
           rounds->event_type != NULL && rounds->split != NULL && rounds->targets != NULL;
}

/* Draws the rows of one round: shots frauds of the kind, then others. */
static struct hec_dataset draw(struct rounds *rounds, int kind, int shots,
                               struct hec_random *random)
{
    const struct hec_dataset *data = rounds->data;
    for (uint32_t i = 0; i < rounds->room; i++) {
        int of = i < (uint32_t)shots ? kind : 0;
        uint32_t at = rounds->first[of];
        rounds->pick[i] = rounds->order[at + (uint32_t)hec_random_below(random, rounds->count[of])];
        rounds->split[i] = HEC_SPLIT_TRAIN;
        rounds->targets[i] = of != 0;
    }
    hec_take_rows(data, rounds->pick, (int)rounds->room, rounds->numerics, rounds->categories);
    struct hec_dataset few = *data;
    few.rows = rounds->room;
    few.fetch = NULL; /* the copies are in memory, wherever the rows lie */
    few.numerics = rounds->numerics;
    few.categories = rounds->categories;
    few.event_type = rounds->event_type;
    few.split = rounds->split;
    few.heads = hec_pretext_heads;
    few.heads_count = 1;
    few.targets = rounds->targets;
    few.fraud_kind = NULL;
    return few;
}

static enum hec_status learn(struct hec_model **ret, const struct hec_dataset *data,
                             const struct hec_train_options *options, struct hec_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    enum hec_status status = hec_train(&bytes, &size, data, options, NULL, NULL, error);
    if (status == HEC_OK) {
        status = hec_model_load(ret, bytes, size, NULL, error);
    }
    free(bytes);
    return status;
}

/* A model with the scaler of all rows and weights as drawn, or as the warm start has them. */
static enum hec_status begin(struct hec_model **start, struct rounds *rounds,
                             const struct hec_train_options *options, struct hec_error *error)
{
    struct hec_dataset all = *rounds->data;
    struct hec_train_options own = *options;
    int8_t *targets = malloc((size_t)all.rows + 1);
    if (targets == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "train: no memory");
    }
    memset(targets, HEC_TARGET_UNKNOWN, all.rows);
    for (int kind = 0; kind < 256; kind++) {
        for (uint32_t i = 0; i < rounds->count[kind]; i++) {
            targets[rounds->order[rounds->first[kind] + i]] = kind > 0;
        }
    }
    all.heads = hec_pretext_heads;
    all.heads_count = 1;
    all.targets = targets;
    all.fraud_kind = NULL;
    own.epochs_max = 1;
    own.learning_rate = 0;
    own.refit = HEC_REFIT_NO;
    enum hec_status status = learn(start, &all, &own, error);
    free(targets);
    return status;
}

static void move(struct hec_model *start, const struct hec_model *to, double rate)
{
    for (size_t i = 0; i < start->layout.numbers; i++) {
        start->parameters[i] += (float)rate * (to->parameters[i] - start->parameters[i]);
    }
}

static enum hec_status go_round(struct hec_model *start, struct rounds *rounds,
                                const struct hec_train_options *options,
                                const struct hec_reptile_options *reptile, struct hec_error *error)
{
    struct hec_random random = hec_random_at(options->seed, REPTILE_STREAM);
    struct hec_train_options own = *options;
    enum hec_status status = HEC_OK;
    own.warm_start = start;
    own.trunk_rate = 1;
    own.epochs_max = reptile->inner_epochs;
    own.learning_rate = (float)reptile->inner_rate;
    own.refit = HEC_REFIT_NO;
    for (int i = 0; i < reptile->rounds && status == HEC_OK; i++) {
        int kind = rounds->kinds[hec_random_below(&random, (uint64_t)rounds->kinds_count)];
        struct hec_dataset few = draw(rounds, kind, reptile->shots, &random);
        struct hec_model *learned = NULL;
        own.seed = options->seed + (uint64_t)i;
        status = learn(&learned, &few, &own, error);
        if (status == HEC_OK) {
            move(start, learned, reptile->outer_rate * (1 - (double)i / reptile->rounds));
            hec_model_free(learned);
        }
    }
    return status;
}

enum hec_status hec_reptile(void **bytes, size_t *size, const struct hec_dataset *data,
                            const uint8_t *genuine, const struct hec_train_options *options,
                            const struct hec_reptile_options *reptile, struct hec_error *error)
{
    struct rounds rounds = { .data = data };
    struct hec_model *start = NULL;
    enum hec_status status =
        sort_rows(&rounds, genuine, reptile->shots) && make_room(&rounds, reptile->shots)
            ? HEC_OK
            : hec_fail(error, HEC_NO_MEMORY, "train: no memory");
    if (status == HEC_OK && (rounds.kinds_count == 0 || rounds.count[0] == 0)) {
        status = hec_fail(error, HEC_INVALID,
                          "train: no kind of fraud has %d examples in the window, or no row is "
                          "genuine",
                          reptile->shots);
    }
    if (status == HEC_OK) {
        status = begin(&start, &rounds, options, error);
    }
    if (status == HEC_OK) {
        status = go_round(start, &rounds, options, reptile, error);
    }
    if (status == HEC_OK) {
        start->reference.known = false; /* a start that scores as nothing did that was counted */
        status = hec_model_rewrite(start, bytes, size);
    }
    hec_model_free(start);
    free(rounds.order);
    free(rounds.pick);
    free(rounds.numerics);
    free(rounds.categories);
    free(rounds.event_type);
    free(rounds.split);
    free(rounds.targets);
    return status;
}
