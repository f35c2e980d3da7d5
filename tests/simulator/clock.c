/*
 * The clock, the random numbers and the threads of the simulated world. Linked with --wrap: what
 * the product calls as clock_gettime arrives here.
 *
 * The one thread that the product starts inside an engine takes a Kafka client down while the
 * engine waits for it: here it is run to its end at once.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include "sim.h"

#define EPOCH_US (INT64_C(1735689600) * 1000000) /* 2025-01-01 */

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_nanosleep(const struct timespec *wait, struct timespec *left);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_detach(pthread_t thread);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    int64_t us = sim.now_us + (id == CLOCK_REALTIME ? EPOCH_US : 0);
    now->tv_sec = us / 1000000;
    now->tv_nsec = us % 1000000 * 1000;
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < length; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)sim_between(0, 255);
    }
    return (ssize_t)length;
}

int __wrap_nanosleep(const struct timespec *wait, struct timespec *left)
{
    (void)left;
    sim_wait(wait->tv_sec * 1000000 + wait->tv_nsec / 1000);
    return 0;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    (void)attributes;
    *thread = pthread_self();
    (void)run(argument);
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    (void)thread;
    if (result != NULL) {
        *result = NULL;
    }
    return 0;
}

int __wrap_pthread_detach(pthread_t thread)
{
    (void)thread;
    return 0;
}
