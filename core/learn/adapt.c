/* Priors, Platt's line, drift, and a model that carries them. */
#include "hecate/adapt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

#define EM_ROUNDS 1000
#define NEWTON_ROUNDS 100

double hec_adapt_prior(const float *probability, size_t n, double prior)
{
    double now = prior;
    if (n == 0) {
        return (double)NAN;
    }
    for (int round = 0; round < EM_ROUNDS; round++) {
        double more = now / prior, less = (1 - now) / (1 - prior), sum = 0;
        for (size_t i = 0; i < n; i++) {
            double p = (double)probability[i];
            sum += p * more / (p * more + (1 - p) * less);
        }
        double next = sum / (double)n;
        bool settled = fabs(next - now) < 1e-9 + 1e-6 * now;
        now = next;
        if (settled || !(now > 0) || !(now < 1)) {
            break;
        }
    }
    return now;
}

static double loss_of(const float *logit, const uint8_t *label, size_t n, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double z = a * (double)logit[i] + b;
        z = label[i] ? -z : z;
        sum += z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    }
    return sum;
}

struct hec_recalibration hec_adapt_fit(const float *logit, const uint8_t *label, size_t n)
{
    double a = 1, b = 0;
    size_t positives = 0;
    for (size_t i = 0; i < n; i++) {
        positives += label[i];
    }
    if (positives == 0 || positives == n) {
        return (struct hec_recalibration){ 1, 0 };
    }
    double best = loss_of(logit, label, n, a, b);
    for (int round = 0; round < NEWTON_ROUNDS; round++) {
        double ga = 0, gb = 0, haa = 1e-9, hab = 0, hbb = 1e-9;
        for (size_t i = 0; i < n; i++) {
            double x = (double)logit[i], p = 1 / (1 + exp(-(a * x + b))), w = p * (1 - p);
            ga += (p - label[i]) * x;
            gb += p - label[i];
            haa += w * x * x;
            hab += w * x;
            hbb += w;
        }
        double det = haa * hbb - hab * hab, step = 1, loss = INFINITY;
        double da = -(hbb * ga - hab * gb) / det, db = -(haa * gb - hab * ga) / det;
        for (; step > 1e-8; step /= 2) {
            loss = loss_of(logit, label, n, a + step * da, b + step * db);
            if (loss < best) {
                break;
            }
        }
        if (!(loss < best)) {
            break;
        }
        a += step * da;
        b += step * db;
        bool settled = best - loss < 1e-10 * best;
        best = loss;
        if (settled) {
            break;
        }
    }
    return a > 0 ? (struct hec_recalibration){ a, b } : (struct hec_recalibration){ 1, 0 };
}

double hec_adapt_psi(const float *a, size_t a_count, const float *b, size_t b_count, float *scratch)
{
    float edge[HEC_REFERENCE_EDGES], share[HEC_DRIFT_BINS];
    uint64_t before[HEC_DRIFT_BINS] = { 0 }, now[HEC_DRIFT_BINS] = { 0 };
    hec_reference_cut(edge, a, a_count, scratch);
    hec_reference_count(before, edge, a, a_count);
    hec_reference_count(now, edge, b, b_count);
    hec_reference_shares(share, before);
    return hec_drift_psi(share, now);
}

/* A threshold, or an edge of the reference, in the new probabilities: the same rows are above. */
static float moved(float threshold, struct hec_recalibration line)
{
    if (!(threshold > 0) || !(threshold < 1)) {
        return threshold;
    }
    double logit = log((double)threshold / (1 - (double)threshold));
    return (float)(1 / (1 + exp(-(line.slope * logit + line.offset))));
}

enum hec_status hec_model_recalibrate(void **bytes, size_t *size, const struct hec_model *model,
                                      const struct hec_recalibration *each)
{
    struct hec_model *copy = NULL;
    void *same = NULL;
    size_t same_size = 0;
    enum hec_status status = hec_model_write(model, &same, &same_size);
    if (status == HEC_OK) {
        status = hec_model_load(&copy, same, same_size, NULL, NULL);
    }
    free(same);
    if (status != HEC_OK) {
        return status;
    }
    const struct hec_tensor_place *weight = &copy->layout.place[HEC_T_HEADS_1_WEIGHT];
    float *bias = copy->parameters + copy->layout.place[HEC_T_HEADS_1_BIAS].offset;
    for (int k = 0; k < copy->info.heads_count; k++) {
        int z = copy->logit_of[k];
        if (copy->heads[k].kind != HEC_HEAD_BINARY) {
            continue;
        }
        float slope = (float)each[k].slope;
        for (int i = 0; i < weight->cols; i++) {
            copy->parameters[weight->offset + (size_t)(z * weight->cols + i)] *= slope;
        }
        bias[z] *= slope;
        copy->shifts[k] = slope * copy->shifts[k] + (float)each[k].offset;
        copy->thresholds[k] = moved(copy->thresholds[k], each[k]);
        float *edge = hec_reference_head_edge(&copy->reference, k);
        for (int i = 0; i < HEC_REFERENCE_EDGES; i++) {
            edge[i] = moved(edge[i], each[k]);
        }
    }
    status = hec_model_rewrite(copy, bytes, size);
    hec_model_free(copy);
    return status;
}
