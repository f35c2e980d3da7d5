/*
 * A redis-server of the test's own; see redis_fixture.h.
 */
#include "redis_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

static bool answers(const struct redis_fixture *fixture)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->address + 5);
    int handle = socket(AF_UNIX, SOCK_STREAM, 0);
    char answer[8] = "";
    bool up = connect(handle, (struct sockaddr *)&address, sizeof(address)) == 0 &&
              write(handle, "PING\r\n", 6) == 6 && read(handle, answer, 5) == 5;
    close(handle);
    return up && (strncmp(answer, "+PONG", 5) == 0 || strncmp(answer, "-NOAU", 5) == 0);
}

static void become_server(const struct redis_fixture *fixture, const char *const *extra)
{
    const char *arguments[ARGUMENTS_MAX] = {
        "redis-server", "--port", "0",     "--unixsocket", fixture->address + 5, "--save", "",
        "--appendonly", "no",     "--dir", fixture->dir
    };
    int count = 11;
    for (; extra != NULL && *extra != NULL && count < ARGUMENTS_MAX - 1; extra++) {
        arguments[count++] = *extra;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 0);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    const char *server = getenv("REDIS_SERVER");
    execvp(server == NULL ? "redis-server" : server, (char *const *)arguments);
    _exit(127);
}

bool redis_fixture_start(struct redis_fixture *fixture, const char *const *extra)
{
    if (fixture->dir[0] == '\0') {
        strcpy(fixture->dir, "/tmp/hec-redis.XXXXXX");
        if (mkdtemp(fixture->dir) == NULL) {
            return false;
        }
        snprintf(fixture->address, sizeof(fixture->address), "unix:%s/redis.sock", fixture->dir);
    }
    fixture->pid = fork();
    if (fixture->pid == 0) {
        become_server(fixture, extra);
    }
    for (int i = 0; i < 500; i++) {
        if (answers(fixture)) {
            return true;
        }
        if (waitpid(fixture->pid, NULL, WNOHANG) != 0) {
            fixture->pid = 0;
            return false;
        }
        usleep(10000);
    }
    return false;
}

static bool is_free(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    bool bound = bind(handle, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(handle);
    return bound;
}

/* The bus of a Cluster's node listens at its port and 10 000 more; both lie below the ports that
 * the system gives to connections of its own choice (32 768). */
int redis_fixture_port(void)
{
    static int tried;
    while (tried < 1000) {
        int port = 12000 + (getpid() * 31 + tried++) % 10000;
        if (is_free(port) && is_free(port + 10000)) {
            return port;
        }
    }
    return 0;
}

void redis_fixture_kill(struct redis_fixture *fixture)
{
    if (fixture->pid > 0) {
        kill(fixture->pid, SIGKILL);
        waitpid(fixture->pid, NULL, 0);
        unlink(fixture->address + 5);
        fixture->pid = 0;
    }
}

void redis_fixture_pause(struct redis_fixture *fixture, bool paused)
{
    kill(fixture->pid, paused ? SIGSTOP : SIGCONT);
}

void redis_fixture_cli(const struct redis_fixture *fixture, const char *arguments, char *out,
                       size_t size)
{
    char command[512];
    snprintf(command, sizeof(command), "redis-cli -s %s %s 2>&1", fixture->address + 5, arguments);
    FILE *pipe = popen(command, "r");
    size_t length = pipe == NULL ? 0 : fread(out, 1, size - 1, pipe);
    out[length] = '\0';
    if (pipe != NULL) {
        pclose(pipe);
    }
}

void redis_fixture_end(struct redis_fixture *fixture)
{
    redis_fixture_kill(fixture);
    if (fixture->dir[0] != '\0') {
        rmdir(fixture->dir);
    }
}
