#include "cli/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct crew {
    void (*job)(void *user, int number);
    void *user;
    int count;
    atomic_int next;
};

static void *work(void *context)
{
    struct crew *crew = context;
    for (int number; (number = atomic_fetch_add(&crew->next, 1)) < crew->count;) {
        crew->job(crew->user, number);
    }
    return NULL;
}

void hec_workers_run(int workers, int count, void (*job)(void *user, int number), void *user)
{
    struct crew crew = { .job = job, .user = user, .count = count };
    int helpers = (workers < count ? workers : count) - 1, started = 0;
    pthread_t *threads = helpers > 0 ? calloc((size_t)helpers, sizeof(*threads)) : NULL;
    while (threads != NULL && started < helpers &&
           pthread_create(&threads[started], NULL, work, &crew) == 0) {
        started++;
    }
    work(&crew);
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
}

int hec_workers_default(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 256 ? 256 : (int)count;
}
