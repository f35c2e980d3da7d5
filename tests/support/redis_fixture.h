/*
 * A private redis-server for one test: on a Unix socket in a folder of its own, nothing on disk.
 * It dies with the test's process, also when that crashes.
 */
#ifndef HECATE_TESTS_REDIS_FIXTURE_H
#define HECATE_TESTS_REDIS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct redis_fixture {
    char dir[64];
    char address[96]; /* "unix:<dir>/redis.sock" */
    pid_t pid;
};

/** Starts it and waits until it answers; extra are more arguments of redis-server, NULL at the end,
 * or NULL. False: there is no redis-server, or it does not come up. A fixture that was killed may
 * be started again: same socket, empty. */
bool redis_fixture_start(struct redis_fixture *fixture, const char *const *extra);

/** A port on which nobody listens now, below those that the system gives away by itself: a node of
 * a Cluster also listens 10 000 higher. Another one each time; 0: none. */
int redis_fixture_port(void);

/** kill -9; the folder stays. */
void redis_fixture_kill(struct redis_fixture *fixture);

/** SIGSTOP (true) and SIGCONT. */
void redis_fixture_pause(struct redis_fixture *fixture, bool paused);

/** Runs redis-cli with these arguments (shell syntax); out receives what it prints, cut to size. */
void redis_fixture_cli(const struct redis_fixture *fixture, const char *arguments, char *out,
                       size_t size);

/** Kills it and removes the folder. */
void redis_fixture_end(struct redis_fixture *fixture);

#endif
