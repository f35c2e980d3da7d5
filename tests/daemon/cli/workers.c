/* Jobs on threads: each once, whatever the number of workers. */
#include "cli/workers.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

enum { JOBS = 500 };

static void count(void *user, int number)
{
    atomic_int *done = user;
    atomic_fetch_add(&done[number], 1);
}

Test(workers, do_each_job_once)
{
    for (int workers = 1; workers <= 9; workers += 4) {
        atomic_int done[JOBS] = { 0 };
        hec_workers_run(workers, JOBS, count, done);
        for (int i = 0; i < JOBS; i++) {
            cr_assert_eq(done[i], 1);
        }
    }
    hec_workers_run(4, 0, count, NULL);
    cr_expect_geq(hec_workers_default(), 1);
}
