/*
 * The clocks, in the units that their names tell. Monotonic ones measure and wait; the wall clock
 * only stamps what people and other systems read, and never decides anything.
 */
#ifndef HECATE_OPS_CLOCK_H
#define HECATE_OPS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t hec_clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t hec_now_us(void)
{
    return hec_clock_us(CLOCK_MONOTONIC);
}

static inline int64_t hec_now_ms(void)
{
    return hec_now_us() / 1000;
}

static inline int64_t hec_wall_ms(void)
{
    return hec_clock_us(CLOCK_REALTIME) / 1000;
}

#endif
