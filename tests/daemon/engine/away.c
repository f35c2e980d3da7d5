/* Without the store: what goes on, what stands still, when the input is paused, and how an engine
 * and a store that was away, full, locked, damaged or put back find together again. */
#include "world.h"

#include "engine/inside.h"

static struct hec_engine *engine;
static struct redis_fixture nodes[2];

static void end(void)
{
    char path[100];
    hec_engine_free(engine, 3000);
    for (int n = 0; n < 2 && nodes[n].dir[0] != '\0'; n++) {
        snprintf(path, sizeof(path), "%.63s/nodes.conf", nodes[n].dir);
        unlink(path);
        redis_fixture_end(&nodes[n]);
    }
    snprintf(path, sizeof(path), "%s/dump.rdb", world.redis.dir);
    unlink(path);
    world_end();
}

TestSuite(away, .fini = end);

static const char *redis(const char *command)
{
    static char out[4096];
    redis_fixture_cli(&world.redis, command, out, sizeof(out));
    return out;
}

/* Runs until the condition holds, at most a minute. */
#define RUN_UNTIL(condition)                                                                       \
    do {                                                                                           \
        int64_t until_ms = hec_now_ms() + 60000;                                                   \
        while (!(condition) && hec_now_ms() < until_ms) {                                          \
            enum hec_status status = step(engine);                                                 \
            cr_assert_eq(status, HEC_OK, "%s: %s", hec_status_name(status), world.error.text);     \
        }                                                                                          \
        cr_assert(condition);                                                                      \
    } while (0)

static struct hec_position *first(void)
{
    return &engine->positions[0];
}

/* An engine with 20 events behind it, all of them stored. */
static void begin(const struct hec_engine_options *options)
{
    engine = engine_of(options);
    pay_all(0, 20);
    run_rows(engine, 20);
    RUN_UNTIL(first()->stored == 20);
}

/* Another process in its place. */
static void restart(const struct hec_engine_options *options)
{
    cr_assert_eq(hec_engine_drain(engine, &world.error), HEC_OK, "%s", world.error.text);
    hec_engine_free(engine, 3000);
    engine = engine_of(options);
    RUN_UNTIL(view_of(engine).partitions == 1);
}

/* The stored bytes of the one user, whatever generation they are of. */
static void read_record(char record[4096])
{
    char command[200], key[100];
    snprintf(key, sizeof(key), "%.90s", redis("--scan --pattern 'hec:{0}:*:user:u0'"));
    key[strcspn(key, "\n")] = '\0';
    snprintf(command, sizeof(command), "--no-raw get '%s'", key);
    snprintf(record, 4096, "%s", redis(command));
    cr_assert_gt(strlen(record), 20, "%s", record);
}

Test(away, scores_on_what_is_in_memory_and_stores_it_on_return)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    redis_fixture_pause(&world.redis, true);
    pay_all(20, 20);
    run_rows(engine, 40);
    run_ms(engine, 500);
    cr_expect_not(view_of(engine).store_connected);
    cr_expect_eq(first()->committed, 40, "C goes on: %" PRId64, first()->committed);
    cr_expect_eq(first()->stored, 20, "W stands still");
    cr_expect_not(first()->holes, "nothing was missing");
    redis_fixture_pause(&world.redis, false);
    RUN_UNTIL(first()->stored == 40);
    cr_expect(view_of(engine).store_connected);
    cr_expect_eq(view_of(engine).rows, 40, "nothing was replayed");
    cr_expect_eq(stored_offset(0), 40);
}

Test(away, marks_what_misses_a_state_and_replays_it_on_return)
{
    char straight[4096], after[4096];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    pay_all(20, 10);
    RUN_UNTIL(first()->stored == 30);
    restart(&options); /* what is stored is not in memory now */
    redis_fixture_pause(&world.redis, true);
    pay_all(30, 10);
    run_rows(engine, 10);
    cr_expect(first()->holes);
    RUN_UNTIL(first()->committed == 40);
    cr_expect_eq(first()->stored, 30);
    redis_fixture_pause(&world.redis, false);
    RUN_UNTIL(first()->stored == 40);
    cr_expect_not(first()->holes);
    read_record(after);

    /* The same events without the gap. */
    redis("flushall");
    restart(&options);
    RUN_UNTIL(stored_offset(0) == 40);
    read_record(straight);
    cr_expect_str_eq(after, straight);
}

Test(away, for_too_long_pauses_the_input_until_it_is_back)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    options.away_max_ms = 600;
    begin(&options);
    redis_fixture_pause(&world.redis, true);
    pay_all(20, 20);
    run_rows(engine, 40);
    RUN_UNTIL(view_of(engine).store_paused);
    RUN_UNTIL(first()->committed == 40);
    run_ms(engine, 200);
    uint64_t rows = view_of(engine).rows;
    pay_all(40, 20);
    run_ms(engine, 1000);
    cr_expect_eq(view_of(engine).rows, rows, "nothing is read");
    redis_fixture_pause(&world.redis, false);
    RUN_UNTIL(first()->stored == 60);
    cr_expect_eq(view_of(engine).rows, 60, "and nothing was dropped or doubled");
    cr_expect_not(view_of(engine).store_paused);
}

Test(away, with_too_much_unsaved_pauses_the_input_though_redis_answers)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    options.replay_records_max = 30;
    begin(&options);
    redis("config set maxmemory 1mb"); /* full: reads go on */
    pay_all(20, 20);
    run_rows(engine, 40);
    run_ms(engine, 400);
    cr_expect_not(view_of(engine).store_paused);
    cr_expect(view_of(engine).store_connected);
    cr_expect_eq(first()->stored, 20);
    pay_all(40, 20);
    RUN_UNTIL(view_of(engine).store_paused);
    run_ms(engine, 300);
    uint64_t rows = view_of(engine).rows;
    pay_all(60, 20);
    run_ms(engine, 500);
    cr_expect_eq(view_of(engine).rows, rows, "nothing is read");
    redis("config set maxmemory 0");
    RUN_UNTIL(first()->stored == 80);
    cr_expect_eq(view_of(engine).rows, 80);
    cr_expect_not(view_of(engine).store_paused);
}

Test(away, and_back_as_an_older_copy_is_taken_up_by_replay)
{
    char after[4096], straight[4096];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    cr_assert_not_null(strstr(redis("save"), "OK"));
    pay_all(20, 20);
    RUN_UNTIL(first()->stored == 40);
    uint32_t generation = first()->generation;
    redis_fixture_kill(&world.redis);
    cr_assert(redis_fixture_start(&world.redis, NULL));
    cr_assert_eq(stored_offset(0), 20, "the copy is older");
    pay_all(40, 1);
    RUN_UNTIL(first()->stored == 41);
    cr_expect_eq(first()->generation, generation, "nothing was built anew");
    cr_expect_eq(first()->history_from, 0);
    cr_expect_eq(view_of(engine).rows, 41, "what was replayed was silent");
    read_record(after);

    redis("flushall");
    restart(&options);
    RUN_UNTIL(stored_offset(0) == 41);
    cr_expect_neq(first()->generation, generation);
    read_record(straight);
    cr_expect_str_eq(after, straight);
}

/* Copies every key of ours to another name, and back in place of what stands there then. */
#define TO(from, to, before)                                                                       \
    "eval \"" before "for _, k in ipairs(redis.call('keys', '" from ":*')) do "                    \
    "redis.call('copy', k, '" to "' .. string.sub(k, 4), 'REPLACE') end return 'done'\" 0"
#define REMEMBER TO("hec", "bak", "")
#define PUT_BACK                                                                                   \
    TO("bak", "hec", "for _, k in ipairs(redis.call('keys', 'hec:*')) do redis.call('del', k) end ")

/* The same under the connection, as a replica that is promoted behind an address does it. */
Test(away, is_noticed_to_be_older_without_a_break)
{
    char before[4096], after[4096];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    cr_assert_str_eq(redis(REMEMBER), "done\n");
    pay_all(20, 20);
    RUN_UNTIL(first()->stored == 40);
    read_record(before);
    uint32_t generation = first()->generation;
    uint64_t epoch = first()->epoch;
    cr_assert_str_eq(redis(PUT_BACK), "done\n");
    cr_assert_eq(stored_offset(0), 20);
    /* The mark alone does not say so while own is ours: the next checkpoint would pass. But then it
     * covers what is missing, because it is written by who has it in memory. */
    pay_all(40, 1);
    RUN_UNTIL(first()->stored == 41);
    cr_expect_eq(first()->generation, generation);
    cr_expect_eq(first()->epoch, epoch);

    /* A process that holds nothing in memory takes up from there. */
    cr_assert_str_eq(redis(PUT_BACK), "done\n");
    hec_engine_free(engine, 3000);
    engine = engine_of(&options);
    RUN_UNTIL(first()->stored == 41);
    cr_expect_eq(first()->generation, generation);
    pay_all(41, 1);
    RUN_UNTIL(first()->stored == 42);
    read_record(after);
    cr_expect_str_neq(before, after);
}

Test(away, does_not_end_an_engine_by_refusing_it)
{
    static const char *const LOCKED[] = { "--requirepass", "secret", NULL };
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    redis("save");
    redis_fixture_kill(&world.redis);
    cr_assert(redis_fixture_start(&world.redis, LOCKED));
    pay_all(20, 20);
    run_rows(engine, 40);
    run_ms(engine, 500);
    cr_expect_not(view_of(engine).store_connected);
    cr_expect_eq(first()->stored, 20);
    redis("--no-auth-warning -a secret config set requirepass ''");
    RUN_UNTIL(first()->stored == 40);
}

Test(away, does_not_end_an_engine_by_taking_its_rights)
{
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    redis("acl setuser default -set"); /* under the connection */
    pay_all(20, 20);
    run_rows(engine, 40);
    run_ms(engine, 500);
    cr_expect_not(view_of(engine).store_connected);
    cr_expect_eq(first()->stored, 20);
    redis("acl setuser default +set");
    RUN_UNTIL(first()->stored == 40);
}

Test(away, is_a_redis_that_came_back_evicting)
{
    static const char *const EVICTING[] = { "--maxmemory", "100mb", "--maxmemory-policy",
                                            "allkeys-lru", NULL };
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    redis("save");
    redis_fixture_kill(&world.redis);
    cr_assert(redis_fixture_start(&world.redis, EVICTING));
    pay_all(20, 20);
    run_rows(engine, 40);
    run_ms(engine, 500);
    cr_expect_not(view_of(engine).store_connected);
    redis("config set maxmemory-policy noeviction");
    RUN_UNTIL(first()->stored == 40);
}

/* Keys of another type, as a program that shares the database by mistake leaves them. */
Test(away, rebuilds_what_has_become_something_else)
{
    char before[4096], after[4096], command[200], key[100];
    world_begin(1);
    struct hec_engine_options options = options_of(NULL, 0);
    begin(&options);
    read_record(before);
    snprintf(key, sizeof(key), "%.90s", redis("--scan --pattern 'hec:{0}:*:user:u0'"));
    key[strcspn(key, "\n")] = '\0';
    restart(&options);
    snprintf(command, sizeof(command), "del '%s'", key);
    redis(command);
    snprintf(command, sizeof(command), "rpush '%s' x", key);
    redis(command);
    pay_all(20, 1);
    RUN_UNTIL(first()->stored == 21);
    cr_expect_eq(stored_offset(0), 21);

    redis("del 'hec:own:{0}' 'hec:wm:{0}'");
    redis("rpush 'hec:own:{0}' x");
    redis("rpush 'hec:wm:{0}' x");
    pay_all(21, 1);
    RUN_UNTIL(first()->stored == 22);
    cr_expect_eq(stored_offset(0), 22);
    read_record(after);
    cr_expect_str_neq(before, after);
}

static const char *node(int n, const char *command)
{
    static char out[4096];
    redis_fixture_cli(&nodes[n], command, out, sizeof(out));
    return out;
}

/* A Cluster of two: the first has every slot. */
static void begin_cluster(char address[32])
{
    static const char *const WORDS[] = { "cluster_known_nodes:2", "cluster_state:ok" };
    char ports[2][8], meet[64];
    for (int n = 0; n < 2; n++) {
        snprintf(ports[n], sizeof(ports[n]), "%d", redis_fixture_port());
        const char *const arguments[] = { "--port", ports[n], "--cluster-enabled", "yes", NULL };
        cr_assert(redis_fixture_start(&nodes[n], arguments));
    }
    node(0, "cluster addslotsrange 0 16383");
    snprintf(meet, sizeof(meet), "cluster meet 127.0.0.1 %s", ports[0]);
    node(1, meet);
    int64_t until_ms = hec_now_ms() + 60000;
    for (int at = 0; at < 4 && hec_now_ms() < until_ms;) {
        at += strstr(node(at % 2, "cluster info"), WORDS[at / 2]) != NULL;
        usleep(20000);
    }
    snprintf(address, 32, "tcp:127.0.0.1:%s", ports[0]);
}

/* As while its keys go to the other node one by one; the user's is not here any more. */
static void slot_begins_to_move(int slot)
{
    char command[200], id[64], key[100];
    snprintf(id, sizeof(id), "%.40s", node(0, "cluster myid"));
    snprintf(command, sizeof(command), "cluster setslot %d importing %s", slot, id);
    cr_assert(strstr(node(1, command), "OK"));
    snprintf(id, sizeof(id), "%.40s", node(1, "cluster myid"));
    snprintf(command, sizeof(command), "cluster setslot %d migrating %s", slot, id);
    cr_assert(strstr(node(0, command), "OK"), "%s", node(0, command));
    snprintf(key, sizeof(key), "%.90s", node(0, "keys 'hec:{0}:*:user:u0'"));
    key[strcspn(key, "\n")] = '\0';
    snprintf(command, sizeof(command), "del '%s'", key);
    cr_assert(strstr(node(0, command), "1"), "%s", key);
}

/* One partition's slot is on the move: the store refuses that one alone, over a connection that is
 * as good as before. The others are stored; that must not make it look as if it were stored too. */
Test(away, for_one_partition_alone_is_away_for_that_one)
{
    char address[32], command[64];
    world_begin(2);
    struct hec_engine_options options = options_of(NULL, 0);
    begin_cluster(address);
    options.store = (struct hec_store_options){ .address = address, .mode = HEC_STORE_CLUSTER };
    options.away_max_ms = 1500;
    engine = engine_of(&options);
    pay_all(0, 20);
    RUN_UNTIL(first()->stored == 20 && engine->positions[1].stored == 20);
    int slot = atoi(node(0, "cluster keyslot 'hec:own:{0}'"));
    slot_begins_to_move(slot);

    pay_all(20, 20);
    RUN_UNTIL(engine->positions[1].stored == 40);
    cr_expect_eq(first()->stored, 20);
    int64_t since_ms = engine->frozen_since_ms;
    cr_expect_neq(since_ms, 0);
    pay(1, 40);
    RUN_UNTIL(engine->positions[1].stored == 41);
    cr_expect_eq(engine->frozen_since_ms, since_ms, "what became of the other is not its end");
    cr_expect(hec_store_is_connected(engine->store));
    RUN_UNTIL(view_of(engine).store_paused);

    snprintf(command, sizeof(command), "cluster setslot %d stable", slot);
    node(0, command);
    RUN_UNTIL(first()->stored == 40);
    RUN_UNTIL(!view_of(engine).store_paused);
}

/* What the store does not take is another engine's now: nothing is left to wait for. */
Test(away, ends_with_the_partition_that_was_not_taken)
{
    static const int32_t FIRST[] = { 0 };
    world_begin(2);
    struct hec_engine_options options = options_of(NULL, 0);
    engine = engine_of(&options);
    pay_all(0, 20);
    RUN_UNTIL(first()->stored == 20 && engine->positions[1].stored == 20);
    redis("config set maxmemory 1mb");
    pay(0, 20);
    RUN_UNTIL(engine->frozen_since_ms != 0);
    run_ms(engine, 200);
    cr_expect_neq(engine->frozen_since_ms, 0);
    hec_partitions_revoked(engine, FIRST, 1, true);
    run_ms(engine, 200);
    cr_expect_eq(engine->frozen_since_ms, 0);
}
