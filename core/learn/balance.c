/* Balance: the rules, each as its paper has it. */
#include "learn/balance.h"

#include <math.h>

#define TEMPERATURE 2.0 /* DWA */
#define SMOOTHING 0.7   /* performance: share of what is new */
#define FAMO_RATE 0.025
#define FAMO_DECAY 1e-3
#define LEAST_LOSS 1e-8
#define RANDOM_STREAM 17

static int active_count(const struct hec_balance *balance)
{
    int count = 0;
    for (int k = 0; k < balance->K; k++) {
        count += balance->active[k];
    }
    return count;
}

/* Scaled so that the active ones add up to their number. */
static void normalise(struct hec_balance *balance, const double *raw)
{
    double sum = 0;
    for (int k = 0; k < balance->K; k++) {
        sum += balance->active[k] ? raw[k] : 0;
    }
    for (int k = 0; k < balance->K && sum > 0; k++) {
        balance->weight[k] = balance->active[k] ? raw[k] * active_count(balance) / sum : 1;
    }
}

static void softmax(const struct hec_balance *balance, const double *logits, double *out)
{
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < balance->K; k++) {
        most = balance->active[k] ? fmax(most, logits[k]) : most;
    }
    for (int k = 0; k < balance->K; k++) {
        out[k] = balance->active[k] ? exp(logits[k] - most) : 0;
        sum += out[k];
    }
    for (int k = 0; k < balance->K && sum > 0; k++) {
        out[k] /= sum;
    }
}

void hec_balance_begin(struct hec_balance *balance, enum hec_weighting way, int K,
                       const uint64_t *positives, const double *fixed, const bool *active,
                       uint64_t seed)
{
    *balance = (struct hec_balance){ .way = way, .K = K };
    balance->random = hec_random_at(seed, RANDOM_STREAM);
    double raw[HEC_HEADS_MAX];
    for (int k = 0; k < K; k++) {
        double n = (double)positives[k];
        balance->active[k] = active[k];
        balance->weight[k] = way == HEC_WEIGHTING_FIXED ? fixed[k] : 1;
        balance->kappa[k] = balance->before[0][k] = balance->before[1][k] = NAN;
        raw[k] = way == HEC_WEIGHTING_DATA ? n : 1 / fmax(n, 1);
    }
    if (way == HEC_WEIGHTING_DATA || way == HEC_WEIGHTING_INVERSE_DATA) {
        normalise(balance, raw);
    }
    if (way == HEC_WEIGHTING_UNCERTAINTY) {
        for (int k = 0; k < K; k++) {
            balance->weight[k] = active[k] ? 0.5 : 1;
        }
    }
}

bool hec_balance_wants_losses(const struct hec_balance *balance)
{
    return balance->way == HEC_WEIGHTING_UNCERTAINTY || balance->way == HEC_WEIGHTING_FAMO;
}

bool hec_balance_wants_both(const struct hec_balance *balance)
{
    return balance->way == HEC_WEIGHTING_FAMO;
}

/* One step of Adam on s, for heads that have a gradient. */
static void move(struct hec_balance *balance, const double *gradient, double rate)
{
    balance->steps++;
    double n = (double)balance->steps;
    for (int k = 0; k < balance->K; k++) {
        if (!balance->active[k] || isnan(gradient[k])) {
            continue;
        }
        double *m = &balance->mean[k], *v = &balance->square[k];
        *m += 0.1 * (gradient[k] - *m);
        *v += 0.001 * (gradient[k] * gradient[k] - *v);
        double size = sqrt(*v / (1 - pow(0.999, n))) + 1e-8;
        balance->s[k] -= rate * (*m / (1 - pow(0.9, n))) / size;
    }
}

/* Sum of (L e^-s + s)/2: the weight is e^-s / 2, and s goes to log L. */
static void uncertainty(struct hec_balance *balance, const double *losses, double rate)
{
    double gradient[HEC_HEADS_MAX];
    for (int k = 0; k < balance->K; k++) {
        balance->weight[k] = balance->active[k] ? 0.5 * exp(-balance->s[k]) : 1;
        gradient[k] = 0.5 * (1 - losses[k] * exp(-balance->s[k]));
    }
    move(balance, gradient, rate);
}

/* Sum of z_k log L_k, z = softmax(s): the weights are z_k / L_k, scaled to add up to K. */
static void famo(struct hec_balance *balance, const double *losses)
{
    double z[HEC_HEADS_MAX], raw[HEC_HEADS_MAX];
    softmax(balance, balance->s, z);
    for (int k = 0; k < balance->K; k++) {
        raw[k] = isnan(losses[k]) ? 0 : z[k] / fmax(losses[k], LEAST_LOSS);
    }
    normalise(balance, raw);
}

void hec_balance_step(struct hec_balance *balance, const double *losses, double rate)
{
    if (balance->way == HEC_WEIGHTING_RANDOM) {
        double logits[HEC_HEADS_MAX], raw[HEC_HEADS_MAX];
        for (int k = 0; k < balance->K; k++) {
            logits[k] = hec_random_normal(&balance->random);
        }
        softmax(balance, logits, raw);
        normalise(balance, raw);
    } else if (balance->way == HEC_WEIGHTING_UNCERTAINTY) {
        uncertainty(balance, losses, rate);
    } else if (balance->way == HEC_WEIGHTING_FAMO) {
        famo(balance, losses);
    }
}

/* The logits follow the fall of the logs: d/ds of sum_k z_k (log before_k - log after_k), so that
 * what fell less gets more. */
void hec_balance_moved(struct hec_balance *balance, const double *before, const double *after)
{
    double z[HEC_HEADS_MAX], fall[HEC_HEADS_MAX], gradient[HEC_HEADS_MAX], mean = 0;
    softmax(balance, balance->s, z);
    for (int k = 0; k < balance->K; k++) {
        bool known = balance->active[k] && !isnan(before[k]) && !isnan(after[k]);
        fall[k] = known ? log(fmax(before[k], LEAST_LOSS)) - log(fmax(after[k], LEAST_LOSS)) : 0;
        mean += z[k] * fall[k];
    }
    for (int k = 0; k < balance->K; k++) {
        gradient[k] = z[k] * (fall[k] - mean) + FAMO_DECAY * balance->s[k];
    }
    move(balance, gradient, FAMO_RATE);
}

static void dwa(struct hec_balance *balance)
{
    double logits[HEC_HEADS_MAX], raw[HEC_HEADS_MAX];
    for (int k = 0; k < balance->K; k++) {
        double ratio = balance->before[0][k] / balance->before[1][k];
        logits[k] = (isfinite(ratio) ? ratio : 1) / TEMPERATURE;
    }
    softmax(balance, logits, raw);
    normalise(balance, raw);
}

/* w = -(1-kappa) log kappa: nothing for a head that is perfect, most for one that is poor. */
static void performance(struct hec_balance *balance, const double *valid_ap)
{
    double raw[HEC_HEADS_MAX];
    for (int k = 0; k < balance->K; k++) {
        double *kappa = &balance->kappa[k], ap = valid_ap[k];
        if (!isnan(ap)) {
            *kappa = isnan(*kappa) ? ap : SMOOTHING * ap + (1 - SMOOTHING) * *kappa;
        }
        double at = isnan(*kappa) ? 0.5 : fmin(fmax(*kappa, 1e-4), 1 - 1e-4);
        raw[k] = -(1 - at) * log(at);
    }
    normalise(balance, raw);
}

void hec_balance_epoch(struct hec_balance *balance, const double *losses, const double *valid_ap)
{
    balance->epochs++;
    for (int k = 0; k < balance->K; k++) {
        balance->before[1][k] = balance->before[0][k];
        balance->before[0][k] = losses[k];
    }
    if (balance->way == HEC_WEIGHTING_DWA && balance->epochs >= 2) {
        dwa(balance);
    } else if (balance->way == HEC_WEIGHTING_PERFORMANCE) {
        performance(balance, valid_ap);
    }
}
