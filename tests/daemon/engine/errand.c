/* An errand: done by another thread, once, and seen whole by who waits for it. */
#include "engine/errand.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <time.h>

struct work {
    pthread_t thread;
    pthread_mutex_t gate; /* held: the errand cannot end */
    int done;
};

static void run(void *context)
{
    struct work *work = context;
    pthread_mutex_lock(&work->gate);
    work->thread = pthread_self();
    work->done++;
    pthread_mutex_unlock(&work->gate);
}

Test(errand, goes_on_beside_its_master_and_can_be_waited_for)
{
    struct work work = { .gate = PTHREAD_MUTEX_INITIALIZER };
    struct hec_errand *errand = NULL;
    cr_assert_eq(hec_errand_new(&errand), HEC_OK);
    cr_expect_not(hec_errand_is_under_way(errand));
    cr_expect(hec_errand_is_done(errand));
    hec_errand_wait(errand);
    for (int i = 1; i <= 1000; i++) {
        pthread_mutex_lock(&work.gate);
        hec_errand_start(errand, run, &work);
        cr_assert(hec_errand_is_under_way(errand));
        cr_assert_not(hec_errand_is_done(errand));
        pthread_mutex_unlock(&work.gate);
        hec_errand_wait(errand);
        cr_assert_not(hec_errand_is_under_way(errand));
        cr_assert_eq(work.done, i);
        cr_assert_not(pthread_equal(work.thread, pthread_self()));
    }
    pthread_mutex_lock(&work.gate);
    hec_errand_start(errand, run, &work);
    hec_errand_look(errand, 5); /* not done, and not waited for longer than that */
    cr_expect_not(hec_errand_is_done(errand));
    pthread_mutex_unlock(&work.gate);
    hec_errand_look(errand, 20000);
    cr_expect(hec_errand_is_done(errand));
    hec_errand_wait(errand);
    work.done--;
    hec_errand_start(errand, run, &work);
    hec_errand_free(errand); /* not before it is done */
    cr_expect_eq(work.done, 1001);
}
