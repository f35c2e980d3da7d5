/*
 * Errands in the simulated world: a coroutine of the same process, so that what the engine does
 * meanwhile meets it in every order, and both are shot or frozen together.
 */
#include "engine/errand.h"

#include <assert.h>
#include <stdlib.h>

#include "sim.h"

#define LOOK_US 200

struct hec_errand {
    void (*run)(void *context);
    void *context;
    bool under_way;
};

enum hec_status hec_errand_new(struct hec_errand **ret)
{
    *ret = calloc(1, sizeof(struct hec_errand));
    return *ret == NULL ? HEC_NO_MEMORY : HEC_OK;
}

void hec_errand_free(struct hec_errand *errand)
{
    if (errand != NULL) {
        hec_errand_wait(errand);
        free(errand);
    }
}

static void body(void *argument)
{
    struct hec_errand *errand = argument;
    errand->run(errand->context);
    errand->run = NULL;
}

void hec_errand_start(struct hec_errand *errand, void (*run)(void *context), void *context)
{
    assert(!errand->under_way);
    errand->run = run;
    errand->context = context;
    errand->under_way = true;
    sim_fiber_start(body, errand);
}

bool hec_errand_is_under_way(const struct hec_errand *errand)
{
    return errand->under_way;
}

bool hec_errand_is_done(struct hec_errand *errand)
{
    return errand->run == NULL;
}

void hec_errand_look(struct hec_errand *errand, int wait_ms)
{
    (void)wait_ms;
    if (errand->run != NULL) {
        sim_wait(LOOK_US);
    }
}

void hec_errand_wait(struct hec_errand *errand)
{
    while (errand->run != NULL) {
        sim_wait(LOOK_US);
    }
    errand->under_way = false;
}
