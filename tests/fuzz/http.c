/*
 * A fuzzer's way in by HTTP: any bytes from a client, through libevent's parser, our doors, the
 * exchange and every route of the API, down to the inbox. Whoever presents no token gets nothing;
 * who is answered is answered in HTTP.
 *
 * The first byte says which door (the one that wants a token, or the Unix socket), whether the
 * client hangs up as soon as it has asked, and whether it is answered only when it has gone; the
 * rest is what it sends. Both ends live in this
 * process, one turn of the loop after the other, so that a finding repeats. Kafka is not there.
 */
#define _GNU_SOURCE /* memmem */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "desk/api.h"
#include "desk/desk.h"
#include "desk/inside.h"
#include "hecate/model.h"
#include "http/http.h"
#include "ops/log.h"
#include "schema.h"
#include "tiny_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUIET_TURNS 8 /* turns of the loop without a byte: all is said */
enum { OTHER_DOOR = 1, HANG_UP = 2, TOO_LATE = 4, WAITING_MAX = 64 };

static const char *const TOKENS[HEC_ROLES] = { [HEC_ROLE_VIEWER] = "viewer-token-0123",
                                               [HEC_ROLE_ANALYST] = "analyst-token-012",
                                               [HEC_ROLE_OPERATOR] = "operator-token-01" };

static struct {
    char folder[64], paths[2][96];
    struct event_base *base;
    struct hec_tokens *tokens;
    struct hec_config *config;
    struct hec_parts parts;
    struct hec_http *http;
    struct hec_desk *desk;
    const uint8_t *said;
    size_t said_length;
    bool other_door, too_late;
    struct hec_exchange *waiting[WAITING_MAX];
    int waiting_count;
} house;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- What the service would say of itself ---------------------------------------------------- */

static int checks(void *context, struct hec_http_check *list)
{
    (void)context;
    list[0] = (struct hec_http_check){ "kafka", false, "no broker answers" };
    return 1;
}

static void state(void *context, struct hec_desk_state *ret)
{
    (void)context;
    *ret = (struct hec_desk_state){ .run_state = HEC_RUN_RUNNING, .paused_ms = 1, .engines = 1 };
}

static void do_pause(void *context, const char *reason, const char *actor)
{
    (void)context;
    must(actor[0] != '\0' && (reason == NULL || strlen(reason) < 200));
}

/* No engine has the question's partition. */
static enum hec_status score(void *context, struct hec_question *question)
{
    (void)context;
    must(question->partition >= 0 && question->partition < house.parts.partitions);
    return HEC_FENCED;
}

static void drain(void *context)
{
    (void)context;
}

static enum hec_status reload(void *context, int wait_ms, struct hec_reload_report *report,
                              struct hec_problems *problems)
{
    (void)context;
    *report = (struct hec_reload_report){ .pending = wait_ms };
    if (wait_ms % 2 == 0) {
        return HEC_OK;
    }
    hec_problems_add(problems, HEC_INVALID, "hecate.conf:1: nothing is right");
    return HEC_INVALID;
}

/* Nobody gets this far without having said who he is. */
static void ask(void *context, struct hec_exchange *exchange)
{
    (void)context;
    must(exchange->role > HEC_ROLE_NONE && exchange->role < HEC_ROLES);
    const char *token = TOKENS[exchange->role];
    must(!house.other_door || memmem(house.said, house.said_length, token, strlen(token)) != NULL);
    must(exchange->body[exchange->body_length] == '\0');
    if (house.too_late) {
        must(house.waiting_count < WAITING_MAX);
        house.waiting[house.waiting_count++] = exchange;
    } else {
        hec_api_answer(house.desk, exchange);
    }
}

/* ---- The house ------------------------------------------------------------------------------- */

static void clean_up(void)
{
    char path[96];
    hec_http_free(house.http); /* takes its sockets along */
    snprintf(path, sizeof(path), "%s/tokens", house.folder);
    unlink(path);
    rmdir(house.folder);
}

static void write_tokens(const char *path)
{
    FILE *file = fopen(path, "w");
    must(file != NULL && chmod(path, 0600) == 0);
    for (int role = HEC_ROLE_VIEWER; role < (int)HEC_ROLES; role++) {
        fprintf(file, "%s:%s\n", hec_role_name((enum hec_role)role), TOKENS[role]);
    }
    fclose(file);
}

static void make_parts(void)
{
    /* A property that librdkafka does not know: a label cannot be sent, and nobody waits. */
    static const char SETTINGS[] = "kafka { bootstrap.servers = x no.such.property = x }\n"
                                   "input { topic = events group = g }\n"
                                   "alerts { inbox_file = \":memory:\" }\n";
    struct hec_problems problems = { 0 };
    struct hec_error error = { 0 };
    house.config = hec_config_new();
    must(house.config != NULL &&
         hec_config_parse(house.config, "fuzz", SETTINGS, &problems) == HEC_OK);
    house.parts.config = house.config;
    house.parts.plan = plan_of(TINY_SCHEMA);
    size_t size;
    void *bytes = small_model(&TINY_MODEL, house.parts.plan, &size);
    must(hec_model_load(&house.parts.model, bytes, size, NULL, &error) == HEC_OK);
    free(bytes);
    hec_policy_default(&house.parts.policy, hec_model_info(house.parts.model));
    house.parts.partitions = 2;
    house.parts.engines_count = 1;
    struct hec_metrics_options metrics = { .engines = 1, .input_topic = "events" };
    must(hec_metrics_new(&house.parts.metrics, &metrics) == HEC_OK);
    must(hec_verdicts_new(&house.parts.verdicts) == HEC_OK);
}

static void begin(void)
{
    struct hec_error error = { 0 };
    char path[96];
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    hec_log_setup(&(struct hec_log_options){ .level = HEC_LOG_DEBUG, .fd = nowhere });
    snprintf(house.folder, sizeof(house.folder), "/tmp/fuzz-http-XXXXXX");
    must(nowhere > 0 && mkdtemp(house.folder) != NULL);
    snprintf(path, sizeof(path), "%s/tokens", house.folder);
    write_tokens(path);
    must(hec_tokens_load(&house.tokens, path, &error) == HEC_OK);
    make_parts();
    house.base = event_base_new();
    char listen[112];
    snprintf(house.paths[0], sizeof(house.paths[0]), "%s/socket", house.folder);
    snprintf(house.paths[1], sizeof(house.paths[1]), "%s/door", house.folder);
    snprintf(listen, sizeof(listen), "unix:%s", house.paths[1]);
    struct hec_http_options options = { .listen = listen,
                                        .socket = house.paths[0],
                                        .tokens = house.tokens,
                                        .metrics = house.parts.metrics,
                                        .checks = checks,
                                        .ask = ask };
    must(house.base != NULL && hec_http_new(&house.http, house.base, &options, &error) == HEC_OK);
    atexit(clean_up);
}

/* An inbox with two alerts, one of nobody: the same for every input. */
static void open_desk(void)
{
    static const char *const ALERTS[] = {
        "{\"alert_id\":\"00000001-0000-8000-8000-000000000000\",\"created_at_ms\":1735689600000,"
        "\"event\":{\"event_id\":\"e1\",\"event_type\":\"card_auth\","
        "\"event_time_ms\":1735689600000,\"amount_minor\":1250,\"currency\":\"EUR\"},"
        "\"entities\":[{\"kind\":\"card\",\"token\":\"c1\",\"primary\":true},"
        "{\"kind\":\"user\",\"token\":\"u1\"}],\"head\":\"ato\",\"severity\":\"high\","
        "\"scores\":{\"ato\":{\"probability\":0.9,\"score\":900,\"threshold\":850}},"
        "\"decision\":{\"outcome\":\"review\"},\"reasons\":[{\"text\":\"because\"}]}",
        "{\"alert_id\":\"00000002-0000-8000-8000-000000000000\",\"created_at_ms\":1735689600000,"
        "\"event\":{\"event_id\":\"e2\",\"event_type\":\"login\","
        "\"event_time_ms\":1735689600000},\"entities\":[{\"kind\":\"device\",\"token\":\"d1\","
        "\"primary\":true}],\"head\":\"anomaly\",\"severity\":\"low\","
        "\"scores\":{\"anomaly\":{\"probability\":0.9,\"score\":900,\"threshold\":850}},"
        "\"decision\":{\"outcome\":\"allow\"},\"reasons\":[]}",
    };
    struct hec_desk_options options = {
        .config = house.config,
        .parts = &house.parts,
        .hooks = { .state = state,
                   .checks = checks,
                   .pause = do_pause,
                   .drain = drain,
                   .score = score,
                   .reload = reload },
    };
    struct hec_error error = { 0 };
    must(hec_desk_new(&house.desk, &options, &error) == HEC_OK && house.desk->inbox != NULL);
    for (size_t i = 0; i < sizeof(ALERTS) / sizeof(*ALERTS); i++) {
        enum hec_filed filed;
        int64_t seq;
        must(hec_inbox_file(house.desk->inbox, ALERTS[i], strlen(ALERTS[i]), 1735689600000, &filed,
                            &seq, &error) == HEC_OK);
    }
}

/* ---- A client -------------------------------------------------------------------------------- */

static int dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* True as long as there is something to hear. */
static bool hear(int fd, bool *begun)
{
    static char heard[65536];
    ssize_t got = recv(fd, heard, sizeof(heard), 0);
    must(got <= 0 || *begun || (got >= 5 && memcmp(heard, "HTTP/", 5) == 0));
    *begun |= got > 0;
    return got > 0;
}

static void turn_loop(void)
{
    for (int turn = 0; turn < QUIET_TURNS; turn++) {
        event_base_loop(house.base, EVLOOP_NONBLOCK);
    }
}

static void talk(int fd, const uint8_t *data, size_t size, bool hang_up)
{
    size_t sent = 0;
    bool begun = false;
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        ssize_t now = sent < size ? send(fd, data + sent, size - sent, MSG_NOSIGNAL) : 0;
        sent += now > 0 ? (size_t)now : 0;
        if (sent == size && hang_up) {
            return;
        }
        event_base_loop(house.base, EVLOOP_NONBLOCK);
        quiet = now > 0 || hear(fd, &begun) ? 0 : quiet;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (house.base == NULL) {
        begin();
    }
    if (size == 0) {
        return 0;
    }
    open_desk();
    house.said = data + 1;
    house.said_length = size - 1;
    house.other_door = data[0] & OTHER_DOOR;
    house.too_late = data[0] & TOO_LATE;
    int fd = dial(house.paths[house.other_door]);
    talk(fd, house.said, house.said_length, data[0] & HANG_UP);
    close(fd);
    turn_loop();
    for (int i = 0; i < house.waiting_count; i++) {
        hec_api_answer(house.desk, house.waiting[i]);
    }
    house.waiting_count = 0;
    turn_loop();
    hec_desk_free(house.desk);
    hec_log_set_level(HEC_LOG_DEBUG);
    return 0;
}
