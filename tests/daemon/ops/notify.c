/* What systemd receives: datagrams on a path or an abstract socket. */
#include "ops/notify.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Binds a datagram socket and names it in the environment. */
static int listen_on(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, name);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    } else {
        length++;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *received(int fd)
{
    static char text[2048];
    ssize_t length = recv(fd, text, sizeof(text) - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

static void speak(const char *name)
{
    int fd = listen_on(name);
    cr_expect(hec_notify_ready("scoring, 3 partitions"));
    cr_expect_str_eq(received(fd), "READY=1\nSTATUS=scoring, 3 partitions\n");
    cr_expect(hec_notify_status("a\nREADY=1"));
    cr_expect_str_eq(received(fd), "STATUS=a READY=1\n");
    cr_expect(hec_notify_watchdog());
    cr_expect_str_eq(received(fd), "WATCHDOG=1\n");
    cr_expect(hec_notify_extend_timeout(30000));
    cr_expect_str_eq(received(fd), "EXTEND_TIMEOUT_USEC=30000000\n");
    cr_expect(hec_notify_stopping());
    cr_expect_str_eq(received(fd), "STOPPING=1\n");
    cr_expect(hec_notify("X=%d", 5));
    cr_expect_str_eq(received(fd), "X=5");
    char longest[4096];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    cr_expect(hec_notify_status(longest));
    cr_expect_lt(strlen(received(fd)), 1024u);
    close(fd);
}

Test(notify, speaks_to_a_path)
{
    char folder[] = "/tmp/hecate-notify-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof(path), "%s/notify", folder);
    speak(path);
    unlink(path);
    rmdir(folder);
}

Test(notify, speaks_to_an_abstract_socket)
{
    char name[64];
    snprintf(name, sizeof(name), "@hecate-notify-%d", (int)getpid());
    speak(name);
}

Test(notify, is_silent_when_nobody_listens)
{
    unsetenv("NOTIFY_SOCKET");
    cr_expect_not(hec_notify_ready("x"));
    static const char *const BAD[] = { "", "/", "@", "relative", "/nowhere/at/all" };
    for (int i = 0; i < 5; i++) {
        setenv("NOTIFY_SOCKET", BAD[i], 1);
        cr_expect_not(hec_notify_ready("x"), "%s", BAD[i]);
    }
    char longest[300];
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    cr_expect_not(hec_notify_ready("x"));
}

Test(notify, never_waits_for_a_reader)
{
    char name[64];
    snprintf(name, sizeof(name), "@hecate-full-%d", (int)getpid());
    int fd = listen_on(name);
    bool sent = true;
    for (int i = 0; i < 100000 && sent; i++) {
        sent = hec_notify_watchdog();
    }
    cr_expect_not(sent, "the queue is full and the call came back");
    close(fd);
}

Test(notify, kicks_at_half_the_interval_of_its_own_watchdog)
{
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 0);
    setenv("WATCHDOG_USEC", "20000000", 1);
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 10000);
    setenv("WATCHDOG_USEC", "1000", 1);
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 1);
    setenv("WATCHDOG_USEC", "soon", 1);
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 0);
    setenv("WATCHDOG_USEC", "20000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 0);
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    cr_expect_eq(hec_notify_watchdog_interval_ms(), 10000);
}
