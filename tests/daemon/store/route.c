/* Which Redis is spoken to: the first master of a list, the one that Sentinels name, the owner of a
 * slot; also while that changes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "entities_double.h"
#include "redis_fixture.h"
#include "store/redis_route.h"
#include "store/store.h"

enum { SERVERS = 3 };
static struct redis_fixture servers[SERVERS], sentinel;
static int ports[SERVERS];
static struct hec_error error;

/* Starts one on its port; up to four more arguments. */
static void start(int n, const char *const *extra)
{
    static char port[8];
    const char *arguments[16] = {
        "--bind", "127.0.0.1", "--port", port, "--repl-diskless-sync-delay", "0"
    };
    int count = 6;
    signal(SIGPIPE, SIG_IGN);
    while (extra != NULL && *extra != NULL && count < 15) {
        arguments[count++] = *extra++;
    }
    ports[n] = ports[n] == 0 ? redis_fixture_port() : ports[n];
    snprintf(port, sizeof(port), "%d", ports[n]);
    if (!redis_fixture_start(&servers[n], arguments)) {
        cr_skip("there is no redis-server");
    }
}

static void end(void)
{
    char out[64], command[128];
    for (int n = 0; n < SERVERS; n++) {
        redis_fixture_kill(&servers[n]);
    }
    redis_fixture_kill(&sentinel);
    for (int n = 0; n <= SERVERS; n++) {
        struct redis_fixture *one = n == SERVERS ? &sentinel : &servers[n];
        if (one->dir[0] != '\0') {
            snprintf(command, sizeof(command), "rm -rf %.63s", one->dir);
            FILE *pipe = popen(command, "r");
            (void)!fread(out, 1, sizeof(out), pipe);
            pclose(pipe);
        }
    }
}

TestSuite(route, .fini = end);

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *tell(int n, const char *command)
{
    static char out[4096];
    redis_fixture_cli(&servers[n], command, out, sizeof(out));
    return out;
}

static bool says(int n, const char *command, const char *word)
{
    return strstr(tell(n, command), word) != NULL;
}

static void wait_until(int n, const char *command, const char *word)
{
    int64_t until_ms = now_ms() + 60000;
    while (!says(n, command, word) && now_ms() < until_ms) {
        usleep(20000);
    }
    cr_assert(says(n, command, word), "server %d never says %s: %s", n, word, tell(n, command));
}

static enum hec_status open_at(struct hec_store **store, const char *address,
                               enum hec_store_mode mode)
{
    bool cluster = mode == HEC_STORE_CLUSTER; /* as the user that the manual makes */
    struct hec_store_options options = { .address = address,
                                         .mode = mode,
                                         .master_name = "bank",
                                         .username = cluster ? "hecate" : NULL,
                                         .password = cluster ? "any" : NULL,
                                         .connect_ms = 500 };
    *store = NULL;
    memset(&error, 0, sizeof(error));
    return hec_store_open(store, &options, &error);
}

static void reconnect(struct hec_store *store)
{
    int64_t until_ms = now_ms() + 60000;
    while (hec_store_connect(store, now_ms(), &error) != HEC_OK && now_ms() < until_ms) {
        usleep(10000);
    }
    cr_assert(hec_store_is_connected(store), "%s", error.text);
}

static struct hec_watermark watermark_of(int64_t offset, uint64_t epoch)
{
    return (
        struct hec_watermark){ .offset = offset, .epoch = epoch, .generation = 1, .partitions = 9 };
}

static uint64_t claim(struct hec_store *store, int32_t partition)
{
    uint64_t epoch = 0;
    cr_assert_eq(hec_store_claim(store, partition, 0, &epoch, &error), HEC_OK, "%s", error.text);
    return epoch;
}

static enum hec_status write_user(struct hec_store *store, int32_t partition, const char *token,
                                  const char *bytes, int64_t offset, uint64_t epoch)
{
    struct hec_image_record record = record_of(partition, HEC_USER, token, bytes);
    struct hec_image image = { .records = &record, .count = 1 };
    struct hec_watermark watermark = watermark_of(offset, epoch);
    return hec_store_checkpoint(store, partition, &image, &watermark, &error);
}

static const uint32_t GENERATIONS[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static void expect_user(struct hec_store *store, int32_t partition, const char *token,
                        const char *bytes)
{
    struct hec_entity entity = entity_of(partition, HEC_USER, token);
    struct hec_entity *missing[1] = { &entity };
    cr_assert_eq(hec_store_load(store, NULL, missing, 1, GENERATIONS, NULL, &error), HEC_OK, "%s",
                 error.text);
    if (bytes == NULL) {
        cr_expect_eq((int)entity.fate, ABSENT);
    } else {
        cr_assert_eq((int)entity.fate, ADOPTED);
        cr_expect_str_eq(entity.bytes, bytes);
    }
}

Test(route, tries_a_list_in_its_order)
{
    char list[256];
    struct hec_store *store;
    start(0, NULL);
    start(1, NULL);
    snprintf(list, sizeof(list), "unix:/tmp/no-redis-here.sock, tcp:127.0.0.1:%d,%s", ports[0],
             servers[1].address);
    cr_assert_eq(open_at(&store, list, HEC_STORE_SINGLE), HEC_OK, "%s", error.text);
    (void)claim(store, 0);
    cr_expect(says(0, "exists 'hec:own:{0}'", "1"));
    cr_expect(says(1, "exists 'hec:own:{0}'", "0"));
    hec_store_close(store);
    cr_expect_eq(
        open_at(&store, "unix:/tmp/no-redis-here.sock,unix:/tmp/nor-here.sock", HEC_STORE_SINGLE),
        HEC_UNAVAILABLE);
}

Test(route, passes_over_a_replica_and_leaves_a_master_that_becomes_one)
{
    char list[256], command[64];
    struct hec_store *store;
    start(0, NULL);
    start(1, NULL);
    snprintf(command, sizeof(command), "replicaof 127.0.0.1 %d", ports[1]);
    tell(0, command);
    wait_until(0, "info replication", "master_link_status:up");
    snprintf(list, sizeof(list), "%s,%s", servers[0].address, servers[1].address);
    cr_assert_eq(open_at(&store, list, HEC_STORE_SINGLE), HEC_OK, "%s", error.text);
    uint64_t epoch = claim(store, 0);
    cr_assert_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);
    wait_until(0, "get 'hec:wm:{0}'", "offset=10");

    tell(0, "replicaof no one");
    snprintf(command, sizeof(command), "replicaof 127.0.0.1 %d", ports[0]);
    tell(1, command);
    wait_until(1, "info replication", "master_link_status:up");
    cr_expect_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "READONLY"), "%s", error.text);
    cr_expect_not(hec_store_is_connected(store), "a replica is no use");
    reconnect(store);
    struct hec_watermark first = watermark_of(10, epoch);
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, NULL, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_OK, "%s", error.text);
    cr_expect(says(0, "get 'hec:wm:{0}'", "offset=20"), "the new master has it");
    hec_store_close(store);
}

/* Without INFO a replica is found out by its READONLY alone. */
Test(route, finds_the_master_also_without_the_right_to_ask)
{
    static const char *const BLIND[] = { "--user", "default", "on",    "nopass",
                                         "~*",     "+@all",   "-info", NULL };
    char list[256], command[64];
    struct hec_store *store;
    start(0, BLIND);
    start(1, BLIND);
    snprintf(command, sizeof(command), "replicaof 127.0.0.1 %d", ports[1]);
    tell(0, command);
    wait_until(0, "role", "connected");
    snprintf(list, sizeof(list), "%s,%s", servers[0].address, servers[1].address);
    cr_assert_eq(open_at(&store, list, HEC_STORE_SINGLE), HEC_OK, "%s", error.text);
    uint64_t epoch = 0;
    cr_expect_eq(hec_store_claim(store, 0, 0, &epoch, &error), HEC_UNAVAILABLE);
    reconnect(store);
    epoch = claim(store, 0);
    cr_expect_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);
    hec_store_close(store);
}

static void start_sentinel(char *address, size_t size)
{
    char path[256], port[8];
    int at = redis_fixture_port();
    snprintf(port, sizeof(port), "%d", at);
    snprintf(address, size, "tcp:127.0.0.1:%d", at);
    /* A Sentinel writes into its own file. */
    strcpy(sentinel.dir, "/tmp/hec-redis.XXXXXX");
    cr_assert_not_null(mkdtemp(sentinel.dir));
    snprintf(sentinel.address, sizeof(sentinel.address), "unix:%s/redis.sock", sentinel.dir);
    snprintf(path, sizeof(path), "%s/sentinel.conf", sentinel.dir);
    FILE *file = fopen(path, "w");
    fprintf(file,
            "sentinel monitor bank 127.0.0.1 %d 1\n"
            "sentinel down-after-milliseconds bank 2000\n"
            "sentinel failover-timeout bank 8000\n",
            ports[0]);
    fclose(file);
    sentinel.pid = fork();
    if (sentinel.pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 1);
        const char *server = getenv("REDIS_SERVER");
        execlp(server == NULL ? "redis-server" : server, "redis-server", path, "--sentinel",
               "--bind", "127.0.0.1", "--port", port, "--dir", sentinel.dir, NULL);
        _exit(127);
    }
}

/* Asked more often than every ten seconds, a Sentinel knows sooner who is whose replica. */
static void ask_sentinel(const char *address, const char *words, char *out, size_t size)
{
    char line[300];
    snprintf(line, sizeof(line), "redis-cli -p %s sentinel %s 2>&1", strrchr(address, ':') + 1,
             words);
    FILE *pipe = popen(line, "r");
    size_t length = fread(out, 1, size - 1, pipe);
    out[length] = '\0';
    pclose(pipe);
}

Test(route, follows_the_sentinels_after_a_failover)
{
    char address[64], command[64], out[2000];
    struct hec_store *store;
    start(0, NULL);
    start(1, NULL);
    snprintf(command, sizeof(command), "replicaof 127.0.0.1 %d", ports[0]);
    tell(1, command);
    wait_until(1, "info replication", "master_link_status:up");
    start_sentinel(address, sizeof(address));
    int64_t until_ms = now_ms() + 10000;
    while (open_at(&store, address, HEC_STORE_SENTINEL) != HEC_OK && now_ms() < until_ms) {
        usleep(50000);
    }
    cr_assert_not_null(store, "%s", error.text);
    uint64_t epoch = claim(store, 0);
    cr_assert_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);
    wait_until(1, "get 'hec:wm:{0}'", "offset=10");
    cr_expect_eq(hec_store_check(store, &error), HEC_OK, "%s", error.text);
    ask_sentinel(address, "debug info-period 200 publish-period 200", out, sizeof(out));
    while (ask_sentinel(address, "replicas bank", out, sizeof(out)), strstr(out, "slave") == NULL) {
        usleep(50000);
        cr_assert_lt(now_ms(), until_ms + 15000, "the Sentinel knows no replica: %s", out);
    }

    redis_fixture_kill(&servers[0]);
    cr_expect_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_UNAVAILABLE);
    wait_until(1, "info replication", "role:master");
    reconnect(store);
    struct hec_watermark first = watermark_of(10, epoch);
    cr_expect_eq(hec_store_verify(store, 0, &first, NULL, NULL, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_OK, "%s", error.text);

    /* The old master comes back and is made a replica; nobody goes back to it. */
    start(0, NULL);
    wait_until(0, "info replication", "role:slave");
    cr_expect_eq(hec_store_check(store, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(write_user(store, 0, "u", "three", 30, epoch), HEC_OK, "%s", error.text);
    cr_expect(says(1, "get 'hec:wm:{0}'", "offset=30"));
    hec_store_close(store);
}

Test(route, notices_that_the_sentinels_name_another_master)
{
    char address[64], command[64], out[200];
    struct hec_store *store;
    start(0, NULL);
    start(1, NULL);
    start_sentinel(address, sizeof(address));
    int64_t until_ms = now_ms() + 10000;
    while (open_at(&store, address, HEC_STORE_SENTINEL) != HEC_OK && now_ms() < until_ms) {
        usleep(50000);
    }
    cr_assert_not_null(store, "%s", error.text);
    (void)claim(store, 0);
    /* As after a failover on the far side of a cut: the old master still takes writes. */
    ask_sentinel(address, "remove bank", out, sizeof(out));
    snprintf(command, sizeof(command), "monitor bank 127.0.0.1 %d 1", ports[1]);
    ask_sentinel(address, command, out, sizeof(out));
    cr_expect_eq(hec_store_check(store, &error), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "not the master any more"), "%s", error.text);
    reconnect(store);
    cr_expect_eq(hec_store_verify(store, 0, NULL, NULL, NULL, &error), HEC_MISMATCH,
                 "the other one knows nothing of us");
    hec_store_close(store);
}

/* Three nodes with a third of the slots each. */
static void start_cluster(void)
{
    static const char *const NODE[] = { "--cluster-enabled",
                                        "yes",
                                        "--cluster-node-timeout",
                                        "2000",
                                        "--cluster-require-full-coverage",
                                        "no",
                                        NULL };
    char command[64];
    for (int n = 0; n < SERVERS; n++) {
        start(n, NODE);
        snprintf(command, sizeof(command), "cluster addslotsrange %d %d", n * HEC_SLOTS / SERVERS,
                 (n + 1) * HEC_SLOTS / SERVERS - 1);
        tell(n, command);
        tell(n, "acl setuser hecate on nopass '~hec:*' +ping +info +get +set +del +watch +unwatch "
                "+multi +exec +scan '+cluster|slots' +asking");
    }
    for (int n = 1; n < SERVERS; n++) {
        snprintf(command, sizeof(command), "cluster meet 127.0.0.1 %d", ports[n]);
        tell(0, command);
    }
    for (int n = 0; n < SERVERS; n++) {
        wait_until(n, "cluster info", "cluster_known_nodes:3");
        wait_until(n, "cluster info", "cluster_slots_assigned:16384");
        wait_until(n, "cluster info", "cluster_state:ok");
    }
}

static int slot_of(int32_t partition)
{
    char key[32];
    int length = snprintf(key, sizeof(key), "hec:wm:{%d}", (int)partition);
    return hec_slot((struct hec_view){ key, (size_t)length });
}

static int node_of_slot(int slot)
{
    int n = 0;
    while (slot >= (n + 1) * HEC_SLOTS / SERVERS) {
        n++;
    }
    return n;
}

Test(route, knows_the_slot_of_a_key)
{
    cr_expect_eq(hec_slot((struct hec_view){ "123456789", 9 }), 0x31c3);
    cr_expect_eq(hec_slot((struct hec_view){ "foo", 3 }), 12182);
    cr_expect_eq(hec_slot((struct hec_view){ "{user1000}.following", 20 }),
                 hec_slot((struct hec_view){ "user1000", 8 }));
    cr_expect_eq(hec_slot((struct hec_view){ "foo{}{bar}", 10 }), 8363);
    cr_expect_eq(hec_slot((struct hec_view){ "foo{bar}{zap}", 13 }),
                 hec_slot((struct hec_view){ "bar", 3 }));
    cr_expect_eq(hec_slot((struct hec_view){ "hec:{7}:3:user:abc", 18 }), slot_of(7));
}

static struct hec_store *open_cluster(void)
{
    char list[128];
    struct hec_store *store;
    snprintf(list, sizeof(list), "tcp:127.0.0.1:1,tcp:127.0.0.1:%d", ports[2]);
    cr_assert_eq(open_at(&store, list, HEC_STORE_CLUSTER), HEC_OK, "%s", error.text);
    return store;
}

Test(route, keeps_each_partition_of_a_cluster_where_its_slot_is)
{
    enum { PARTITIONS = 9 };
    uint64_t epochs[PARTITIONS];
    struct hec_entity entities[PARTITIONS];
    struct hec_entity *missing[PARTITIONS];
    bool used[SERVERS] = { false };
    char command[64];
    start_cluster();
    struct hec_store *store = open_cluster();
    for (int32_t p = 0; p < PARTITIONS; p++) {
        epochs[p] = claim(store, p);
        cr_assert_eq(write_user(store, p, "u", "state", 10 + p, epochs[p]), HEC_OK, "%s",
                     error.text);
        int n = node_of_slot(slot_of(p));
        used[n] = true;
        snprintf(command, sizeof(command), "get 'hec:wm:{%d}'", (int)p);
        cr_expect(says(n, command, "offset="), "partition %d", (int)p);
    }
    cr_assert(used[0] && used[1] && used[2], "otherwise nothing is shown");
    /* One load over all of them, in one go. */
    for (int32_t p = 0; p < PARTITIONS; p++) {
        entities[p] = entity_of(p, HEC_USER, p == 4 ? "nobody" : "u");
        missing[p] = &entities[p];
    }
    cr_assert_eq(hec_store_load(store, NULL, missing, PARTITIONS, GENERATIONS, NULL, &error),
                 HEC_OK, "%s", error.text);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        cr_expect_eq((int)entities[p].fate, p == 4 ? ABSENT : ADOPTED);
    }
    char cursor[HEC_STORE_CURSOR_BYTES] = "";
    cr_expect_eq(hec_store_sweep(store, 3, 2, cursor, &error), HEC_END, "%s", error.text);
    expect_user(store, 3, "u", NULL);
    hec_store_close(store);
}

/* The steps of a slot's way from one node to another, as redis-cli --cluster reshard takes them. */
static void slot_begins_to_move(int slot, int from, int to)
{
    char id[2][64], command[128];
    snprintf(id[0], sizeof(id[0]), "%.40s", tell(from, "cluster myid"));
    snprintf(id[1], sizeof(id[1]), "%.40s", tell(to, "cluster myid"));
    snprintf(command, sizeof(command), "cluster setslot %d importing %s", slot, id[0]);
    cr_assert(says(to, command, "OK"));
    snprintf(command, sizeof(command), "cluster setslot %d migrating %s", slot, id[1]);
    cr_assert(says(from, command, "OK"));
}

static void key_moves(const char *key, int from, int to)
{
    char command[128];
    snprintf(command, sizeof(command), "migrate 127.0.0.1 %d '%s' 0 1000", ports[to], key);
    cr_assert(says(from, command, "OK"), "%s", tell(from, command));
}

static void slot_has_moved(int slot, int to)
{
    char id[64], command[128];
    snprintf(id, sizeof(id), "%.40s", tell(to, "cluster myid"));
    snprintf(command, sizeof(command), "cluster setslot %d node %s", slot, id);
    for (int n = 0; n < SERVERS; n++) {
        int at = (to + n) % SERVERS; /* the new owner first */
        cr_assert(says(at, command, "OK"));
    }
}

Test(route, follows_a_slot_of_a_cluster_that_moves_while_it_is_used)
{
    start_cluster();
    struct hec_store *store = open_cluster();
    int slot = slot_of(0), from = node_of_slot(slot), to = (from + 1) % SERVERS;
    uint64_t epoch = claim(store, 0);
    cr_assert_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);
    cr_assert_eq(write_user(store, 0, "v", "other", 11, epoch), HEC_OK, "%s", error.text);

    slot_begins_to_move(slot, from, to);
    key_moves("hec:{0}:1:user:u", from, to);
    expect_user(store, 0, "u", "one");   /* moved already */
    expect_user(store, 0, "v", "other"); /* not yet */
    expect_user(store, 0, "w", NULL);
    cr_expect_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "moving the slot"), "%s", error.text);
    cr_assert(hec_store_is_connected(store), "nothing is wrong with the connection");
    struct hec_watermark found;
    cr_assert_eq(hec_store_watermark_read(store, 0, &found, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(found.offset, 11, "nothing of it was written");
    expect_user(store, 0, "u", "one");

    key_moves("hec:own:{0}", from, to);
    cr_expect_eq(write_user(store, 0, "v", "two", 20, epoch), HEC_UNAVAILABLE);
    cr_assert(hec_store_is_connected(store));
    key_moves("hec:wm:{0}", from, to);
    key_moves("hec:{0}:1:user:v", from, to);
    slot_has_moved(slot, to);
    cr_assert_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_OK, "%s", error.text);
    expect_user(store, 0, "u", "two");
    expect_user(store, 0, "v", "other");
    cr_expect(says(to, "get 'hec:wm:{0}'", "offset=20"));
    hec_store_close(store);
}

/* The old owner was told that the slot is the new one's, and the new one was not told yet. */
Test(route, takes_nodes_that_send_to_each_other_for_a_redis_that_is_away)
{
    start_cluster();
    struct hec_store *store = open_cluster();
    int slot = slot_of(0), from = node_of_slot(slot), to = (from + 1) % SERVERS;
    char id[64], command[128];
    uint64_t epoch = claim(store, 0);
    cr_assert_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);
    slot_begins_to_move(slot, from, to);
    key_moves("hec:own:{0}", from, to);
    key_moves("hec:wm:{0}", from, to);
    key_moves("hec:{0}:1:user:u", from, to);
    snprintf(id, sizeof(id), "%.40s", tell(to, "cluster myid"));
    snprintf(command, sizeof(command), "cluster setslot %d node %s", slot, id);
    cr_assert(says(from, command, "OK"));

    cr_expect_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_UNAVAILABLE, "not the end of us");
    cr_expect_not_null(strstr(error.text, "sends to the other"), "%s", error.text);
    cr_expect(hec_store_is_connected(store), "nothing is wrong with the connections");
    slot_has_moved(slot, to);
    cr_assert_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_OK, "%s", error.text);
    expect_user(store, 0, "u", "two");
    hec_store_close(store);
}

Test(route, takes_a_slot_without_owner_for_a_redis_that_is_away)
{
    char command[64];
    start_cluster();
    struct hec_store *store = open_cluster();
    int slot = slot_of(0), owner = node_of_slot(slot);
    uint64_t epoch = claim(store, 0);
    cr_assert_eq(write_user(store, 0, "u", "one", 10, epoch), HEC_OK, "%s", error.text);

    redis_fixture_pause(&servers[owner], true);
    cr_expect_eq(write_user(store, 0, "u", "two", 20, epoch), HEC_UNAVAILABLE);
    cr_expect_not(hec_store_is_connected(store));
    redis_fixture_pause(&servers[owner], false);
    reconnect(store);
    struct hec_watermark first = watermark_of(10, epoch);
    struct hec_watermark second = watermark_of(20, epoch);
    cr_expect_eq(hec_store_verify(store, 0, &first, &second, NULL, &error), HEC_OK, "%s",
                 error.text);

    snprintf(command, sizeof(command), "cluster delslots %d", slot);
    for (int n = 0; n < SERVERS; n++) {
        cr_assert(says(n, command, "OK"));
    }
    cr_expect_eq(write_user(store, 0, "u", "three", 30, epoch), HEC_UNAVAILABLE);
    cr_expect_not(hec_store_is_connected(store));
    /* The other slots are as good as before; this one is nobody's until somebody gives it away. */
    cr_expect_eq(hec_store_connect(store, now_ms() + 5000, &error), HEC_OK, "%s", error.text);
    cr_expect_eq(hec_store_verify(store, 0, &first, &second, NULL, &error), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "owns slot"), "%s", error.text);
    cr_expect_not(hec_store_is_connected(store));
    snprintf(command, sizeof(command), "cluster addslots %d", slot);
    cr_assert(says(owner, command, "OK"));
    reconnect(store);
    cr_expect_eq(hec_store_verify(store, 0, &first, &second, NULL, &error), HEC_OK, "%s",
                 error.text);
    hec_store_close(store);
}
