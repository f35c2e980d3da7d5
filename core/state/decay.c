#include "state/decay.h"

#include <assert.h>
#include <math.h>

#define HALVINGS_MAX 1000
#define LN2 0.693147180559945309417232121458
#define TERMS 16 /* ln(2)^16 / 16! is 1e-16 */

double hec_decay_left(double halvings)
{
    assert(halvings >= 0);
    if (halvings >= HALVINGS_MAX) {
        return 0;
    }
    double whole = floor(halvings);
    double x = (whole - halvings) * LN2;
    double power = 1;
    for (int i = TERMS; i > 0; i--) {
        power = 1 + power * x / i;
    }
    return ldexp(power, -(int)whole);
}

static double left_after(int64_t half_life_ms, int64_t from_ms, int64_t to_ms)
{
    return hec_decay_left(((double)to_ms - (double)from_ms) / (double)half_life_ms);
}

void hec_decay_add(struct hec_decay *decay, int64_t half_life_ms, int64_t event_ms, double value)
{
    assert(half_life_ms > 0);
    if (decay->at_ms == 0) {
        decay->at_ms = event_ms;
    }
    double weight = 1;
    if (event_ms >= decay->at_ms) {
        double left = left_after(half_life_ms, decay->at_ms, event_ms);
        decay->weight *= left;
        decay->sum *= left;
        decay->at_ms = event_ms;
    } else {
        weight = left_after(half_life_ms, event_ms, decay->at_ms);
    }
    decay->weight += weight;
    decay->sum += weight * value;
}

double hec_decay_weight(const struct hec_decay *decay, int64_t half_life_ms, int64_t now_ms)
{
    return now_ms > decay->at_ms ? decay->weight * left_after(half_life_ms, decay->at_ms, now_ms)
                                 : decay->weight;
}
