/*
 * Jobs on threads: job 0 .. count-1, each done once, by whoever is free. A job may depend on its
 * number alone, so that the result does not depend on how many work.
 */
#ifndef HECATE_CLI_WORKERS_H
#define HECATE_CLI_WORKERS_H

/** Does all jobs and returns. With one worker, or where no thread can be had, in this thread. */
void hec_workers_run(int workers, int count, void (*job)(void *user, int number), void *user);

/** How many processors this process may use. */
int hec_workers_default(void);

#endif
