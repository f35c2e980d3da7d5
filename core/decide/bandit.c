/* Thompson sampling over threshold policies; see the header. */
#include "hecate/bandit.h"

#include <assert.h>
#include <math.h>

#include "hecate/random.h"

#define STREAM_DRAWS 0x74686f6du

int hec_bandit_arms(struct hec_bandit_arm arms[HEC_BANDIT_ARMS_MAX], const float *levels, int count,
                    bool step_up)
{
    int made = 0;
    assert(count >= 0 && count <= HEC_BANDIT_LEVELS_MAX);
    for (int alert = 0; alert < count; alert++) {
        for (int block = alert; block <= count; block++) {
            for (int step = step_up ? 0 : alert; step <= alert; step++) {
                arms[made++] = (struct hec_bandit_arm){
                    .policy = { .mode = HEC_DECIDE_ON,
                                .alert_at = levels[alert],
                                .step_up_at = step < alert ? levels[step] : HEC_NEVER,
                                .hold_at = HEC_NEVER,
                                .block_at = block < count ? levels[block] : HEC_NEVER },
                };
            }
        }
    }
    return made;
}

static bool has_support(const struct hec_bandit_arm *arm, const struct hec_logged_head *log)
{
    struct hec_offpolicy_term term;
    if (fminf(arm->policy.alert_at, arm->policy.step_up_at) < log->floor) {
        return false;
    }
    for (size_t i = 0; i < log->n; i++) {
        if (!(log->rows[i].propensity > 0) &&
            !hec_offpolicy_term(&term, &log->rows[i], &arm->policy, HEC_AGAINST_LOG,
                                &log->earnings)) {
            return false;
        }
    }
    return true;
}

/* Before anything is known every arm is as good as any other. */
static int draw(const struct hec_bandit_arm *arms, int count, size_t known,
                struct hec_random *random)
{
    double greatest = -INFINITY;
    int chosen = -1;
    for (int a = 0; a < count; a++) {
        if (!arms[a].supported) {
            continue;
        }
        double n = (double)known;
        double deviation = known < 2 ? 1 : sqrt(arms[a].spread / (n - 1) / n);
        double value = (known < 2 ? 0 : arms[a].mean) + deviation * hec_random_normal(random);
        if (value > greatest) {
            greatest = value;
            chosen = a;
        }
    }
    return chosen;
}

/* Welford's running mean and sum of squares. known: decisions before. */
static void learn(struct hec_bandit_arm *arm, const struct hec_logged_head *log, size_t known,
                  size_t end)
{
    for (size_t i = known; i < end; i++) {
        struct hec_offpolicy_term term;
        bool supported =
            hec_offpolicy_term(&term, &log->rows[i], &arm->policy, HEC_AGAINST_LOG, &log->earnings);
        assert(supported);
        (void)supported;
        double earned = term.model + term.weight * (term.reward - term.model);
        double apart = earned - arm->mean;
        arm->mean += apart / (double)(i + 1);
        arm->spread += apart * (earned - arm->mean);
    }
}

void hec_bandit_replay(struct hec_bandit_arm *arms, int count, const struct hec_logged_head *log,
                       size_t rounds, uint64_t seed, int *played)
{
    struct hec_random random = hec_random_at(seed, STREAM_DRAWS);
    assert(rounds <= log->n);
    for (int a = 0; a < count; a++) {
        arms[a].supported = has_support(&arms[a], log);
    }
    for (size_t round = 0; round < rounds; round++) {
        size_t known = log->n * round / rounds, end = log->n * (round + 1) / rounds;
        int chosen = draw(arms, count, known, &random);
        if (played != NULL) {
            played[round] = chosen;
        }
        for (int a = 0; a < count; a++) {
            arms[a].plays += a == chosen;
            if (arms[a].supported) {
                learn(&arms[a], log, known, end);
            }
        }
    }
}

int hec_bandit_best(const struct hec_bandit_arm *arms, int count)
{
    int best = -1;
    for (int a = 0; a < count; a++) {
        if (arms[a].supported && (best < 0 || arms[a].mean > arms[best].mean)) {
            best = a;
        }
    }
    return best;
}
