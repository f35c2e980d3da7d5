/* The stage: a directory of the demo's own, its processes, and an end that leaves nothing behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/conf.h"
#include "cli/demo.h"

extern char **environ;

volatile sig_atomic_t hec_demo_stopped;

static void on_signal(int number)
{
    (void)number;
    hec_demo_stopped = 1;
}

int64_t hec_demo_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void hec_demo_wait_ms(int ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
    nanosleep(&span, NULL);
}

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "hecate demo: %s: %s\n", what, why);
    return false;
}

const char *hec_demo_path(const struct hec_demo *demo, const char *name)
{
    static char paths[32][PATH_MAX];
    static int next;
    char *path = paths[next++ % 32];
    snprintf(path, PATH_MAX, "%s/%s", demo->directory, name);
    return path;
}

bool hec_demo_stage_open(struct hec_demo *demo)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    ssize_t length = readlink("/proc/self/exe", demo->program, sizeof(demo->program) - 1);
    if (length <= 0) {
        return fail("/proc/self/exe", strerror(errno));
    }
    demo->program[length] = '\0';
    snprintf(demo->daemon, sizeof(demo->daemon), "%.*sd", (int)length, demo->program);
    if (access(demo->daemon, X_OK) != 0) {
        return fail(demo->daemon, "hecated should stand beside hecate; build it first");
    }
    /* A Unix socket's path may have 107 bytes only: not under a long TMPDIR. */
    const char *place = getenv("TMPDIR");
    place = place == NULL || place[0] == '\0' || strlen(place) > 60 ? "/tmp" : place;
    snprintf(demo->directory, sizeof(demo->directory), "%s/hecate-demo-XXXXXX", place);
    if (mkdtemp(demo->directory) == NULL) {
        int number = errno;
        demo->directory[0] = '\0';
        return fail(place, strerror(number));
    }
    return true;
}

/* Starts a program in its own process group, so that Ctrl-C reaches us alone, its words to a log.
 */
static pid_t start(const struct hec_demo *demo, const char *program, const char *const *arguments,
                   const char *log)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, hec_demo_path(demo, log),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    int number =
        posix_spawnp(&pid, program, &actions, &attributes, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (number != 0) {
        fail(program, strerror(number));
        return 0;
    }
    return pid;
}

static void print_log(const struct hec_demo *demo, const char *name)
{
    FILE *file = fopen(hec_demo_path(demo, name), "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        fprintf(stderr, "  %s", line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

bool hec_demo_run(struct hec_demo *demo, const char *const *arguments)
{
    const char *line[32] = { demo->program };
    for (int i = 0; i < 30 && arguments[i] != NULL; i++) {
        line[i + 1] = arguments[i];
    }
    pid_t pid = start(demo, demo->program, line, "log");
    int status = 0;
    if (pid == 0) {
        return false;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        if (hec_demo_stopped) {
            kill(pid, SIGTERM);
        }
    }
    if (hec_demo_stopped) {
        return false;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "hecate demo: hecate %s failed:\n", arguments[0]);
        print_log(demo, "log");
        return false;
    }
    return true;
}

/* Asks a server at a Unix socket and looks for what a good answer begins with. */
static bool answers(const char *path, const char *question, const char *answer)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char text[256] = { 0 };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = { .tv_sec = 1 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                send(fd, question, strlen(question), MSG_NOSIGNAL) > 0 &&
                recv(fd, text, sizeof(text) - 1, 0) > 0 && strstr(text, answer) != NULL;
    close(fd);
    return good;
}

/* Waits until the child answers; tells its last words if it dies first. */
static bool wait_until(struct hec_demo *demo, pid_t *pid, const char *name, const char *socket,
                       const char *question, const char *answer)
{
    char log[64];
    snprintf(log, sizeof(log), "%s.log", name);
    for (int i = 0; i < 600 && !hec_demo_stopped; i++) {
        int status;
        if (answers(hec_demo_path(demo, socket), question, answer)) {
            return true;
        }
        if (waitpid(*pid, &status, WNOHANG) == *pid) {
            *pid = 0;
            break;
        }
        hec_demo_wait_ms(50);
    }
    if (!hec_demo_stopped) {
        fprintf(stderr, "hecate demo: %s does not get ready:\n", name);
        print_log(demo, log);
    }
    return false;
}

static bool write_config(const struct hec_demo *demo)
{
    char features[PATH_MAX];
    FILE *file = fopen(hec_demo_path(demo, "hecate.conf"), "w");
    hec_conf_find("features.conf", features, sizeof(features));
    if (file == NULL) {
        return fail("hecate.conf", strerror(errno));
    }
    /* At least once: the embedded brokers keep no offsets of transactions. They answer an empty
     * fetch only after fetch.wait.max.ms, which is therefore short. */
    fprintf(file,
            "hecate { instance = demo\n engines = 1 }\n"
            "kafka { bootstrap.servers = \"%s\" }\n"
            "kafka_consumer { fetch.wait.max.ms = 10 }\n"
            "input { topic = " HEC_DEMO_EVENTS " }\n"
            "output { alert_topic = " HEC_DEMO_ALERTS "\n score_topic = " HEC_DEMO_SCORES "\n"
            " dead_letter_topic = " HEC_DEMO_DEAD "\n delivery = at_least_once }\n"
            "state { redis_address = \"unix:%s\" }\n"
            "features { schema_file = \"%s\" }\n"
            "model { file = \"%s\" }\n"
            "admin { listen = \"unix:%s\" }\n",
            hec_mock_brokers(demo->mock), hec_demo_path(demo, "redis.sock"), features,
            hec_demo_path(demo, "model.safetensors"), hec_demo_path(demo, "admin.sock"));
    return fclose(file) == 0;
}

static bool start_brokers(struct hec_demo *demo)
{
    static const struct {
        const char *name;
        int32_t partitions;
    } TOPICS[] = {
        { HEC_DEMO_EVENTS, 4 }, { HEC_DEMO_ALERTS, 1 }, { HEC_DEMO_SCORES, 4 }, { HEC_DEMO_DEAD, 1 }
    };
    struct hec_error error = { 0 };
    if (hec_mock_new(&demo->mock, 1, &error) != HEC_OK) {
        return fail("embedded brokers", error.text);
    }
    for (size_t i = 0; i < sizeof(TOPICS) / sizeof(TOPICS[0]); i++) {
        if (hec_mock_topic(demo->mock, TOPICS[i].name, TOPICS[i].partitions) != HEC_OK) {
            return fail(TOPICS[i].name, "the embedded brokers refuse this topic");
        }
    }
    return true;
}

static bool connect_clients(struct hec_demo *demo)
{
    const struct hec_kafka_property properties[] = {
        { "bootstrap.servers", hec_mock_brokers(demo->mock) }, { "fetch.wait.max.ms", "10" }
    };
    struct hec_kafka_options reader = { .properties = properties, .properties_count = 2 };
    struct hec_kafka_options writer = { .properties = properties, .properties_count = 1 };
    struct hec_error error = { 0 };
    if (hec_feed_new(&demo->feed, &writer, &error) != HEC_OK ||
        hec_tap_new(&demo->alerts, &reader, HEC_DEMO_ALERTS, HEC_TAP_START, &error) != HEC_OK ||
        hec_tap_new(&demo->scores, &reader, HEC_DEMO_SCORES, HEC_TAP_START, &error) != HEC_OK) {
        return fail("embedded brokers", error.text);
    }
    return true;
}

bool hec_demo_start(struct hec_demo *demo)
{
    const char *socket = hec_demo_path(demo, "redis.sock");
    const char *redis[] = { "redis-server",  "--port", "0", "--unixsocket", socket, "--dir",
                            demo->directory, "--save", "",  "--appendonly", "no",   NULL };
    if (!start_brokers(demo) || !write_config(demo)) {
        return false;
    }
    demo->redis = start(demo, "redis-server", redis, "redis-server.log");
    if (demo->redis == 0 ||
        !wait_until(demo, &demo->redis, "redis-server", "redis.sock", "PING\r\n", "+PONG")) {
        return false;
    }
    const char *hecated[] = { demo->daemon, "-c", hec_demo_path(demo, "hecate.conf"), NULL };
    demo->hecated = start(demo, demo->daemon, hecated, "hecated.log");
    return demo->hecated != 0 && connect_clients(demo) &&
           wait_until(demo, &demo->hecated, "hecated", "admin.sock", "GET /readyz HTTP/1.0\r\n\r\n",
                      " 200 ");
}

/* Asks it to leave, and after five seconds does not ask. */
static void end(pid_t *pid)
{
    if (*pid == 0) {
        return;
    }
    kill(*pid, SIGTERM);
    for (int i = 0; i < 500; i++) {
        if (waitpid(*pid, NULL, WNOHANG) != 0) {
            *pid = 0;
            return;
        }
        hec_demo_wait_ms(10);
    }
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    if (directory == NULL) {
        return;
    }
    for (entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    closedir(directory);
    rmdir(path);
}

void hec_demo_stage_close(struct hec_demo *demo)
{
    end(&demo->hecated);
    end(&demo->redis);
    hec_tap_close(demo->alerts);
    hec_tap_close(demo->scores);
    hec_feed_close(demo->feed, 500);
    hec_mock_free(demo->mock);
    if (demo->directory[0] != '\0') {
        remove_directory(demo->directory);
    }
}
