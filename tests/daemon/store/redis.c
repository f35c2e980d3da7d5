/* Redis as the world has it: locked, evicting, full, hanging, killed, emptied. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "entities_double.h"
#include "redis_fixture.h"
#include "store/store.h"

static struct redis_fixture redis;
static struct hec_error error;

static void start(const char *const *extra)
{
    signal(SIGPIPE, SIG_IGN);
    if (!redis_fixture_start(&redis, extra)) {
        cr_skip("there is no redis-server");
    }
}

static void end(void)
{
    redis_fixture_end(&redis);
}

TestSuite(redis, .fini = end);

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum hec_status open_as(struct hec_store **store, const char *username, const char *password,
                               bool allow_evicting)
{
    struct hec_store_options options = { .address = redis.address,
                                         .username = username,
                                         .password = password,
                                         .allow_evicting = allow_evicting };
    memset(&error, 0, sizeof(error));
    return hec_store_open(store, &options, &error);
}

static struct hec_store *open_plain(void)
{
    struct hec_store *store = NULL;
    cr_assert_eq(open_as(&store, NULL, NULL, false), HEC_OK, "%s", error.text);
    return store;
}

static struct hec_watermark watermark_of(int64_t offset, uint64_t epoch)
{
    return (
        struct hec_watermark){ .offset = offset, .epoch = epoch, .generation = 1, .partitions = 1 };
}

static enum hec_status write_user(struct hec_store *store, const char *bytes, int64_t offset,
                                  uint64_t epoch)
{
    struct hec_image_record record = record_of(0, HEC_USER, "u", bytes);
    struct hec_image image = { .records = &record, .count = 1 };
    struct hec_watermark watermark = watermark_of(offset, epoch);
    return hec_store_checkpoint(store, 0, &image, &watermark, &error);
}

static enum hec_status read_user(struct hec_store *store, struct hec_entity *entity)
{
    static const uint32_t GENERATIONS[1] = { 1 };
    struct hec_entity *missing[1] = { entity };
    *entity = entity_of(0, HEC_USER, "u");
    return hec_store_load(store, NULL, missing, 1, GENERATIONS, NULL, &error);
}

static uint64_t claim(struct hec_store *store)
{
    uint64_t epoch = 0;
    cr_assert_eq(hec_store_claim(store, 0, 0, &epoch, &error), HEC_OK, "%s", error.text);
    return epoch;
}

static void reconnect(struct hec_store *store)
{
    int64_t until_ms = now_ms() + 5000;
    while (hec_store_connect(store, now_ms(), &error) != HEC_OK && now_ms() < until_ms) {
        usleep(10000);
    }
    cr_assert(hec_store_is_connected(store), "%s", error.text);
}

Test(redis, refuses_a_wrong_password_with_a_sentence)
{
    static const char *const LOCKED[] = { "--requirepass", "secret", NULL };
    struct hec_store *store = NULL;
    start(LOCKED);
    cr_expect_eq(open_as(&store, NULL, NULL, false), HEC_DENIED, "%s", error.text);
    cr_expect_eq(open_as(&store, NULL, "guess", false), HEC_DENIED);
    cr_expect_not_null(strstr(error.text, "password"));
    cr_expect_null(strstr(error.text, "guess"), "a secret is never told");
    cr_assert_eq(open_as(&store, NULL, "secret", false), HEC_OK, "%s", error.text);
    hec_store_close(store);
}

Test(redis, works_for_a_user_who_may_do_no_more_than_is_needed)
{
    static const char *const USER[] = { "--user", "hecate", "on",       ">secret", "~hec:*",
                                        "+auth",  "+ping",  "+info",    "+get",    "+set",
                                        "+del",   "+watch", "+unwatch", "+multi",  "+exec",
                                        "+scan",  NULL };
    struct hec_store *store = NULL;
    start(USER);
    cr_expect_eq(open_as(&store, "hecate", "guess", false), HEC_DENIED);
    cr_assert_eq(open_as(&store, "hecate", "secret", false), HEC_OK, "%s", error.text);
    struct hec_entity user;
    char cursor[HEC_STORE_CURSOR_BYTES] = "";
    uint64_t epoch = claim(store);
    cr_assert_eq(write_user(store, "state", 1, epoch), HEC_OK, "%s", error.text);
    cr_assert_eq(read_user(store, &user), HEC_OK, "%s", error.text);
    cr_expect_eq((int)user.fate, ADOPTED);
    cr_expect_eq(hec_store_sweep(store, 0, 2, cursor, &error), HEC_END, "%s", error.text);
    cr_assert_eq(read_user(store, &user), HEC_OK);
    cr_expect_eq((int)user.fate, ABSENT);
    hec_store_close(store);
}

Test(redis, refuses_a_server_that_deletes_histories)
{
    static const char *const EVICTING[] = { "--maxmemory", "10mb", "--maxmemory-policy",
                                            "allkeys-lru", NULL };
    char out[64];
    struct hec_store *store = NULL;
    start(EVICTING);
    cr_expect_eq(open_as(&store, NULL, NULL, false), HEC_MISMATCH);
    cr_expect_not_null(strstr(error.text, "noeviction"));
    cr_assert_eq(open_as(&store, NULL, NULL, true), HEC_OK, "%s", error.text);
    cr_expect_eq(hec_store_check(store, &error), HEC_OK);
    hec_store_close(store);

    redis_fixture_cli(&redis, "config set maxmemory-policy noeviction", out, sizeof(out));
    store = open_plain();
    cr_expect_eq(hec_store_check(store, &error), HEC_OK);
    redis_fixture_cli(&redis, "config set maxmemory-policy allkeys-lru", out, sizeof(out));
    cr_expect_eq(hec_store_check(store, &error), HEC_MISMATCH, "switched at run time");
    hec_store_close(store);
}

Test(redis, says_that_nobody_answers)
{
    struct hec_store *store = NULL;
    snprintf(redis.address, sizeof(redis.address), "unix:/tmp/no-redis-here.sock");
    cr_expect_eq(open_as(&store, NULL, NULL, false), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "/tmp/no-redis-here.sock"));
    cr_expect_not_null(strstr(error.text, "start it"));
    cr_expect_null(store);
}

Test(redis, that_was_killed_comes_back_empty_and_is_found_out)
{
    start(NULL);
    struct hec_store *store = open_plain();
    struct hec_entity user;
    uint64_t epoch = claim(store);
    struct hec_watermark expected = watermark_of(10, epoch);
    cr_assert_eq(write_user(store, "state", 10, epoch), HEC_OK);

    redis_fixture_kill(&redis);
    cr_expect_eq(write_user(store, "later", 20, epoch), HEC_UNAVAILABLE);
    cr_expect_not(hec_store_is_connected(store));
    cr_expect_eq(read_user(store, &user), HEC_UNAVAILABLE);
    cr_expect_eq((int)user.fate, MISSING, "not answered is not absent");
    cr_expect_eq(hec_store_verify(store, 0, &expected, NULL, NULL, &error), HEC_UNAVAILABLE);

    int64_t at_ms = now_ms();
    cr_expect_eq(hec_store_connect(store, at_ms, &error), HEC_UNAVAILABLE, "still away");
    cr_assert(redis_fixture_start(&redis, NULL));
    cr_expect_eq(hec_store_connect(store, at_ms, &error), HEC_UNAVAILABLE, "too early");
    reconnect(store);
    cr_expect_eq(hec_store_verify(store, 0, &expected, NULL, NULL, &error), HEC_MISMATCH);
    cr_expect_eq(read_user(store, &user), HEC_MISMATCH);
    cr_expect_eq((int)user.fate, MISSING, "an emptied store must not say: never seen");
    cr_expect_eq(write_user(store, "later", 20, epoch), HEC_MISMATCH);
    struct hec_watermark found;
    cr_expect_eq(hec_store_watermark_read(store, 0, &found, &error), HEC_NOT_FOUND);
    hec_store_close(store);
}

Test(redis, that_was_emptied_under_the_connection_is_found_out)
{
    char out[64];
    start(NULL);
    struct hec_store *store = open_plain();
    struct hec_entity user;
    uint64_t epoch = claim(store);
    struct hec_watermark expected = watermark_of(10, epoch);
    cr_assert_eq(write_user(store, "state", 10, epoch), HEC_OK);
    redis_fixture_cli(&redis, "flushall", out, sizeof(out));
    cr_expect_eq(read_user(store, &user), HEC_MISMATCH);
    cr_expect_eq((int)user.fate, MISSING);
    cr_expect_eq(write_user(store, "later", 20, epoch), HEC_MISMATCH);
    cr_expect_eq(hec_store_verify(store, 0, &expected, NULL, NULL, &error), HEC_MISMATCH);
    cr_expect(hec_store_is_connected(store));
    hec_store_close(store);
}

Test(redis, that_belongs_to_somebody_else_now_answers_no_load)
{
    start(NULL);
    struct hec_store *zombie = open_plain();
    struct hec_store *owner = open_plain();
    struct hec_entity user;
    uint64_t old = claim(zombie);
    cr_assert_eq(write_user(zombie, "state", 10, old), HEC_OK);
    (void)claim(owner);
    cr_expect_eq(read_user(zombie, &user), HEC_FENCED);
    cr_expect_eq(write_user(zombie, "late", 20, old), HEC_FENCED);
    cr_expect_eq(hec_store_verify(zombie, 0, NULL, NULL, NULL, &error), HEC_FENCED);
    cr_expect_eq(read_user(owner, &user), HEC_OK);
    cr_expect_str_eq(user.bytes, "state");
    hec_store_close(zombie);
    hec_store_close(owner);
}

Test(redis, that_hangs_costs_one_timeout_and_never_a_wrong_answer)
{
    start(NULL);
    struct hec_store *store = open_plain();
    struct hec_entity user;
    uint64_t epoch = claim(store);
    cr_assert_eq(write_user(store, "state", 10, epoch), HEC_OK);
    redis_fixture_pause(&redis, true);
    int64_t begun_ms = now_ms();
    cr_expect_eq(read_user(store, &user), HEC_UNAVAILABLE);
    cr_expect_lt(now_ms() - begun_ms, 1000);
    cr_expect_eq(read_user(store, &user), HEC_UNAVAILABLE);
    cr_expect_eq(write_user(store, "other", 20, epoch), HEC_UNAVAILABLE);
    cr_expect_lt(now_ms() - begun_ms, 1500, "the second and third failed at once");
    redis_fixture_pause(&redis, false);
    reconnect(store);
    struct hec_watermark first = watermark_of(10, epoch);
    struct hec_watermark found = { 0 };
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, &found, &error), HEC_OK, "%s",
                 error.text);
    cr_expect_eq(read_user(store, &user), HEC_OK);
    cr_expect_str_eq(user.bytes, "state");
    hec_store_close(store);
}

Test(redis, that_is_full_writes_nothing_and_still_reads)
{
    static char big[400000];
    char out[64];
    start(NULL);
    struct hec_store *store = open_plain();
    struct hec_entity user;
    uint64_t epoch = claim(store);
    cr_assert_eq(write_user(store, "state", 10, epoch), HEC_OK);
    redis_fixture_cli(&redis, "config set maxmemory 1mb", out, sizeof(out));
    memset(big, 'x', sizeof(big) - 1);
    cr_expect_eq(write_user(store, big, 20, epoch), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "maxmemory"), "%s", error.text);
    cr_assert(hec_store_is_connected(store));
    cr_expect_eq(read_user(store, &user), HEC_OK);
    cr_expect_str_eq(user.bytes, "state");
    struct hec_watermark found;
    cr_assert_eq(hec_store_watermark_read(store, 0, &found, &error), HEC_OK);
    cr_expect_eq(found.offset, 10);
    redis_fixture_cli(&redis, "config set maxmemory 0", out, sizeof(out));
    cr_expect_eq(write_user(store, big, 20, epoch), HEC_OK, "%s", error.text);
    hec_store_close(store);
}

/* Four processes claim at once, so that WATCH is broken under some of them: no epoch may be given
 * twice. Each writes its epochs to a pipe. */
Test(redis, gives_no_epoch_twice)
{
    enum { CLAIMERS = 4, CLAIMS = 60 };
    static bool given[CLAIMERS * CLAIMS * 5 + 1];
    int ends[2];
    start(NULL);
    cr_assert_eq(pipe(ends), 0);
    for (int n = 0; n < CLAIMERS; n++) {
        if (fork() == 0) {
            struct hec_store *store = NULL;
            uint64_t epoch = 0;
            bool fine = open_as(&store, NULL, NULL, false) == HEC_OK;
            for (int i = 0; fine && i < CLAIMS; i++) {
                enum hec_status status = hec_store_claim(store, 0, 0, &epoch, &error);
                if (status == HEC_OK) {
                    fine = write(ends[1], &epoch, sizeof(epoch)) == sizeof(epoch);
                } else {
                    fine = status == HEC_FENCED;
                }
            }
            _exit(fine ? 0 : 1);
        }
    }
    close(ends[1]);
    uint64_t epoch;
    int count = 0;
    while (read(ends[0], &epoch, sizeof(epoch)) == sizeof(epoch)) {
        cr_assert_lt(epoch, sizeof(given));
        cr_expect_not(given[epoch], "epoch %d", (int)epoch);
        given[epoch] = true;
        count++;
    }
    cr_expect_gt(count, CLAIMERS * CLAIMS / 2);
    for (int n = 0; n < CLAIMERS; n++) {
        int status = 0;
        wait(&status);
        cr_expect_eq(status, 0);
    }
}
