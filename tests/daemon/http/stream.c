/* Server-sent events: everybody who listens is told, who comes back is told what he missed, and who
 * does not read costs little. */
#include <criterion/criterion.h>

#include "server.h"

static int dial_socket(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static int listen_to(const char *path, const char *headers)
{
    char request[256];
    int fd = dial_socket(path);
    int length = snprintf(request, sizeof(request),
                          "GET /api/v1/stream HTTP/1.0\r\nHost: x\r\n%s\r\n", headers);
    cr_assert_eq(write(fd, request, (size_t)length), length);
    return fd;
}

static void start_on(struct server *server, char *directory, char *path, size_t bytes)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, bytes, "%s/s", directory);
    start(server, (struct hec_http_options){ .listen = "", .socket = path });
}

Test(stream, tells_all_who_listen_and_what_was_missed)
{
    char directory[] = "/tmp/hecate-stream-XXXXXX", path[80];
    struct server server;
    start_on(&server, directory, path, sizeof(path));
    int one = listen_to(path, ""), two = listen_to(path, "");
    cr_expect(hear(one, "retry: 3000\n\n") && has(answer, "Content-Type: text/event-stream"), "%s",
              answer);
    cr_expect(hear(two, "retry: 3000\n\n"));
    hec_http_publish(server.http, "alert", 7, "{\"a\":1}");
    hec_http_publish(server.http, "stats", 0, "{}");
    hec_http_publish(server.http, "alert", 8, "{\"a\":2}");
    cr_expect(hear(one, "data: {\"a\":2}\n\n"));
    cr_expect_str_eq(answer, "id: 7\nevent: alert\ndata: {\"a\":1}\n\nevent: stats\ndata: {}\n\n"
                             "id: 8\nevent: alert\ndata: {\"a\":2}\n\n");
    cr_expect(hear(two, "id: 8\n"));

    int back = listen_to(path, "Last-Event-ID: 7\r\n");
    cr_expect(hear(back, "id: 8\n") && !has(answer, "id: 7\n") && !has(answer, "stats"), "%s",
              answer);
    close(one);
    close(two);
    close(back);
    end(&server);
    rmdir(directory);
}

static int64_t resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert_eq(fscanf(file, "%ld %ld", &pages, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* 40 MB are told to a client that reads nothing: it is held for a megabyte or two, then cut. */
Test(stream, lets_go_of_a_client_that_does_not_read)
{
    char directory[] = "/tmp/hecate-stream-XXXXXX", path[80];
    static char message[10001];
    struct server server;
    start_on(&server, directory, path, sizeof(path));
    memset(message, 'x', sizeof(message) - 1);
    int slow = listen_to(path, ""), good = listen_to(path, "");
    cr_expect(hear(slow, "retry: 3000\n\n") && hear(good, "retry: 3000\n\n"));
    static const size_t FRAMED = sizeof("event: stats\ndata: ") - 1 + sizeof(message) - 1 + 2;
    int64_t before_kib = resident_kib();
    for (int i = 0; i < 4000; i++) {
        hec_http_publish(server.http, "stats", 0, message);
        if (i % 20 == 19) {
            cr_assert(take(good, 20 * FRAMED), "the good one was cut");
        }
    }
    int64_t more_kib = resident_kib() - before_kib;
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed, to notice its use */
    cr_expect(more_kib < 16 * 1024, "%lld KiB more", (long long)more_kib);
#endif
    (void)more_kib;
    size_t read_bytes = 0;
    bool lagged = false;
    for (ssize_t got = 1; got > 0;) {
        struct pollfd one = { .fd = slow, .events = POLLIN };
        got = poll(&one, 1, 3000) == 1 ? read(slow, answer, sizeof(answer) - 1) : -1;
        answer[got > 0 ? got : 0] = '\0';
        lagged |= has(answer, "event: lagged\n");
        read_bytes += got > 0 ? (size_t)got : 0;
    }
    cr_expect(lagged, "it was not told");
    cr_expect(read_bytes < 4 * 1024 * 1024, "%zu bytes were kept for it", read_bytes);
    close(slow);
    close(good);
    end(&server);
    rmdir(directory);
}
