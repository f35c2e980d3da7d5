/* The loop: take what is due, do it, until the last day is over. */
#include "cli/gen.h"

#include <math.h>
#include <stdlib.h>

#include "file/when.h"

#define INCIDENTS_USER_DAY 0.0013
#define NOVELTY_SHARE 0.8 /* of the stream passes before the novelty begins */

/* Incidents come as a Poisson process, but so that a short stream still has every kind. */
static void plan_incidents(struct hec_gen *gen)
{
    double days = gen->options.days, users = gen->options.users;
    int count = (int)(days * users * INCIDENTS_USER_DAY);
    count = count < 2 * HEC_GEN_USUAL_PATTERNS ? 2 * HEC_GEN_USUAL_PATTERNS : count;
    double quiet = fmin(5, days * 0.08);
    for (int i = 0; i < count; i++) {
        double day = hec_gen_between(&gen->random, quiet, days - 0.6);
        hec_gen_add(gen, gen->options.start_ms + (int64_t)(day * (double)HEC_DAY_MS),
                    HEC_GEN_INCIDENT, 0, 0);
    }
    int novel = count / 20 < 3 ? 3 : count / 20;
    for (int i = 0; i < novel; i++) {
        double day = hec_gen_between(&gen->random, days * NOVELTY_SHARE, days - 1.1);
        hec_gen_add(gen, gen->options.start_ms + (int64_t)(fmax(day, 0) * (double)HEC_DAY_MS),
                    HEC_GEN_INCIDENT, 1, 0);
    }
}

static void plan_people(struct hec_gen *gen)
{
    for (uint32_t i = 0; i < gen->options.users; i++) {
        hec_gen_add(gen, gen->options.start_ms, HEC_GEN_DAY, i, 0);
        if (gen->users[i].subscription != 0) {
            double day = hec_gen_between(&gen->users[i].random, 0, 30);
            hec_gen_add(gen, gen->options.start_ms + (int64_t)(day * (double)HEC_DAY_MS),
                        HEC_GEN_FEE, i, 0);
        }
    }
}

static void do_due(struct hec_gen *gen, const struct hec_due *due)
{
    switch ((enum hec_gen_due)due->kind) {
    case HEC_GEN_INCIDENT: hec_gen_do_incident(gen, due); break;
    case HEC_GEN_STEP: hec_gen_do_step(gen, due); break;
    case HEC_GEN_LABEL: hec_gen_do_label(gen, due); break;
    default: hec_gen_do_habit(gen, due); break;
    }
}

enum hec_status hec_gen_run(struct hec_gen *gen,
                            void (*tell)(void *user, uint64_t events, double part), void *user)
{
    double span_ms = (double)gen->options.days * (double)HEC_DAY_MS;
    gen->end_ms = gen->options.start_ms + (int64_t)gen->options.days * HEC_DAY_MS;
    if (!hec_gen_people(gen)) {
        return HEC_NO_MEMORY;
    }
    if (gen->truth != NULL) {
        hec_output_print(gen->truth,
                         "event_id,head,pattern,is_fraud,event_type,event_time_ms,user_token\n");
    }
    plan_people(gen);
    plan_incidents(gen);
    for (uint64_t i = 0; hec_schedule_first(&gen->due) != NULL; i++) {
        if (hec_schedule_first(&gen->due)->at_ms >= gen->end_ms || gen->failed) {
            break;
        }
        struct hec_due due = hec_schedule_take(&gen->due);
        do_due(gen, &due);
        if (i % 16384 == 0) {
            tell(user, gen->events, (double)(due.at_ms - gen->options.start_ms) / span_ms);
            if (hec_output_failed(gen->out)) {
                break; /* told when it is closed */
            }
        }
    }
    return gen->failed ? HEC_NO_MEMORY : HEC_OK;
}

void hec_gen_free(struct hec_gen *gen)
{
    while (hec_schedule_first(&gen->due) != NULL) {
        struct hec_due due = hec_schedule_take(&gen->due);
        if (due.kind == HEC_GEN_STEP || due.kind == HEC_GEN_LABEL) {
            free((void *)(uintptr_t)due.what);
        }
    }
    hec_schedule_free(&gen->due);
    free(gen->users);
    free(gen->merchants);
}
