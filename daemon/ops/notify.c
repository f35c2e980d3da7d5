#include "ops/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_MAX 1024

/* The address of NOTIFY_SOCKET, and its length; 0 when there is none that we can use. */
static socklen_t address_of(struct sockaddr_un *address)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || (path[0] != '/' && path[0] != '@')) {
        return 0;
    }
    size_t length = strlen(path);
    if (length < 2 || length >= sizeof(address->sun_path)) {
        return 0;
    }
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@') {
        /* An abstract name begins with NUL and its length counts exactly. */
        address->sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static bool send_text(const char *text, size_t length)
{
    struct sockaddr_un address;
    socklen_t address_length = address_of(&address);
    if (address_length == 0) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    ssize_t sent =
        sendto(fd, text, length, MSG_NOSIGNAL, (const struct sockaddr *)&address, address_length);
    close(fd);
    return sent == (ssize_t)length;
}

bool hec_notify(const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length <= 0) {
        return false;
    }
    return send_text(text, length < TEXT_MAX ? (size_t)length : TEXT_MAX - 1);
}

/* One line: a line break would begin another assignment. */
static void flatten(char *line, size_t line_bytes, const char *text)
{
    snprintf(line, line_bytes, "%s", text);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            *c = ' ';
        }
    }
}

bool hec_notify_ready(const char *status)
{
    char line[TEXT_MAX - 64];
    flatten(line, sizeof(line), status);
    return hec_notify("READY=1\nSTATUS=%s\n", line);
}

bool hec_notify_status(const char *status)
{
    char line[TEXT_MAX - 64];
    flatten(line, sizeof(line), status);
    return hec_notify("STATUS=%s\n", line);
}

bool hec_notify_stopping(void)
{
    return hec_notify("STOPPING=1\n");
}

bool hec_notify_extend_timeout(int64_t extend_ms)
{
    return hec_notify("EXTEND_TIMEOUT_USEC=%lld\n", (long long)extend_ms * 1000);
}

bool hec_notify_watchdog(void)
{
    return hec_notify("WATCHDOG=1\n");
}

static bool number_of(const char *name, long long *number)
{
    const char *text = getenv(name);
    char *end;
    errno = 0;
    *number = text == NULL ? 0 : strtoll(text, &end, 10);
    return text != NULL && errno == 0 && end != text && *end == '\0' && *number > 0;
}

int64_t hec_notify_watchdog_interval_ms(void)
{
    long long interval_us;
    long long pid;
    if (!number_of("WATCHDOG_USEC", &interval_us)) {
        return 0;
    }
    if (getenv("WATCHDOG_PID") != NULL &&
        (!number_of("WATCHDOG_PID", &pid) || pid != (long long)getpid())) {
        return 0;
    }
    int64_t half_ms = interval_us / 2000;
    return half_ms < 1 ? 1 : half_ms;
}
