/* ONNX: a plain interpreter of the written file gives the predictor's scores, for every
 * architecture. onnx's own checker and onnxruntime are asked by tests/proof/onnx.sh. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "hecate/train.h"
#include "onnx_run.h"
#include "planted.h"

static void expect_scores(const struct planted *planted, const struct hec_model *model,
                          const char *what)
{
    struct hec_predictor *predictor;
    void *bytes;
    size_t size;
    cr_assert_eq(hec_model_onnx(&bytes, &size, model), HEC_OK);
    cr_assert_eq(hec_predictor_new(&predictor, model, 1), HEC_OK);
    for (uint32_t row = 0; row < 25; row++) {
        const float *x = planted->numerics + row * PLANTED_NUMERICS;
        const uint32_t *c = planted->categories + row * PLANTED_CATEGORIES;
        double numeric[PLANTED_NUMERICS], category[PLANTED_CATEGORIES];
        float scores[HEC_HEADS_MAX];
        struct onnx_graph graph;
        for (int j = 0; j < PLANTED_NUMERICS; j++) {
            numeric[j] = (double)x[j];
        }
        for (int k = 0; k < PLANTED_CATEGORIES; k++) {
            category[k] = c[k];
        }
        onnx_run(&graph, bytes, size, numeric, PLANTED_NUMERICS, category, PLANTED_CATEGORIES);
        hec_predictor_run(predictor, x, c, NULL, 1, scores, HEC_HEADS_MAX);
        const struct onnx_value *score = onnx_value(&graph, "score");
        cr_assert(score->dims == 2 && score->dim[1] == HEC_DEFAULT_HEADS);
        for (int k = 0; k < HEC_DEFAULT_HEADS; k++) {
            cr_assert_float_eq(score->data[k], (double)scores[k], 1e-5,
                               "%s: row %u head %d: %g, %g", what, row, k, score->data[k],
                               (double)scores[k]);
        }
        cr_assert(isfinite(onnx_value(&graph, "representation")->data[0]));
        onnx_free(&graph);
    }
    hec_predictor_free(predictor);
    free(bytes);
}

Test(onnx, means_what_the_model_means_for_every_architecture)
{
    struct planted planted;
    planted_make(&planted, 3000, 81);
    for (int i = 0; i < HEC_ARCHS * 2; i++) {
        struct hec_train_options options;
        struct hec_model *model;
        void *bytes;
        size_t size;
        hec_train_defaults(&options);
        options.epochs_max = 2;
        options.network.arch = (enum hec_arch)(i % HEC_ARCHS);
        options.network.fusion = (enum hec_fusion)((i + i / HEC_ARCHS) % HEC_FUSIONS);
        options.network.embed = (enum hec_embed)(i % HEC_EMBEDS);
        cr_assert_eq(hec_train(&bytes, &size, &planted.data, &options, NULL, NULL, NULL), HEC_OK);
        cr_assert_eq(hec_model_load(&model, bytes, size, NULL, NULL), HEC_OK);
        free(bytes);
        expect_scores(&planted, model, hec_arch_names[options.network.arch]);
        hec_model_free(model);
    }
    planted_free(&planted);
}
