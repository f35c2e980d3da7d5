/* One thread, one mutex, one condition: a place for one errand. */
#include "engine/errand.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct hec_errand {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*run)(void *context); /* set by start, taken away when it is done */
    void *context;
    bool end;
    bool under_way; /* the engine's thread only */
};

static void *live(void *context)
{
    struct hec_errand *errand = context;
    pthread_mutex_lock(&errand->lock);
    while (!errand->end) {
        if (errand->run == NULL) {
            pthread_cond_wait(&errand->changed, &errand->lock);
            continue;
        }
        pthread_mutex_unlock(&errand->lock);
        errand->run(errand->context);
        pthread_mutex_lock(&errand->lock);
        errand->run = NULL;
        pthread_cond_broadcast(&errand->changed);
    }
    pthread_mutex_unlock(&errand->lock);
    return NULL;
}

enum hec_status hec_errand_new(struct hec_errand **ret)
{
    struct hec_errand *errand = calloc(1, sizeof(*errand));
    if (errand == NULL) {
        return HEC_NO_MEMORY;
    }
    pthread_mutex_init(&errand->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&errand->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&errand->thread, NULL, live, errand);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        pthread_cond_destroy(&errand->changed);
        pthread_mutex_destroy(&errand->lock);
        free(errand);
        return HEC_NO_MEMORY;
    }
    *ret = errand;
    return HEC_OK;
}

void hec_errand_free(struct hec_errand *errand)
{
    if (errand == NULL) {
        return;
    }
    hec_errand_wait(errand);
    pthread_mutex_lock(&errand->lock);
    errand->end = true;
    pthread_cond_broadcast(&errand->changed);
    pthread_mutex_unlock(&errand->lock);
    pthread_join(errand->thread, NULL);
    pthread_cond_destroy(&errand->changed);
    pthread_mutex_destroy(&errand->lock);
    free(errand);
}

void hec_errand_start(struct hec_errand *errand, void (*run)(void *context), void *context)
{
    assert(!errand->under_way);
    pthread_mutex_lock(&errand->lock);
    errand->run = run;
    errand->context = context;
    pthread_cond_broadcast(&errand->changed);
    pthread_mutex_unlock(&errand->lock);
    errand->under_way = true;
}

bool hec_errand_is_under_way(const struct hec_errand *errand)
{
    return errand->under_way;
}

bool hec_errand_is_done(struct hec_errand *errand)
{
    pthread_mutex_lock(&errand->lock);
    bool done = errand->run == NULL;
    pthread_mutex_unlock(&errand->lock);
    return done;
}

void hec_errand_look(struct hec_errand *errand, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int code = 0;
    pthread_mutex_lock(&errand->lock);
    while (errand->run != NULL && code == 0) {
        code = pthread_cond_timedwait(&errand->changed, &errand->lock, &until);
    }
    pthread_mutex_unlock(&errand->lock);
}

void hec_errand_wait(struct hec_errand *errand)
{
    pthread_mutex_lock(&errand->lock);
    while (errand->run != NULL) {
        pthread_cond_wait(&errand->changed, &errand->lock);
    }
    pthread_mutex_unlock(&errand->lock);
    errand->under_way = false;
}
