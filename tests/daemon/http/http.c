/* The HTTP face: what it answers, and that no client, however slow or large, gets more than its
 * share. A server runs on a thread of its own; clients are plain sockets. */
#include "http/http.h"

#include <criterion/criterion.h>

#include "server.h"

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(http, tells_liveness_without_asking_a_dependency)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    server.ready = 0;
    const char *text = ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "HTTP/1.1 200 OK\r\n"), "%s", text);
    cr_expect(has(text, "Content-Type: text/plain; charset=utf-8\r\n"), "%s", text);
    cr_expect(has(text, "Connection: close\r\n"), "%s", text);
    cr_expect(has(text, "\r\n\r\nok\n"), "%s", text);
    server.live = 0;
    text = ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "HTTP/1.1 503 "), "%s", text);
    end(&server);
}

Test(http, lists_the_checks_when_asked_or_when_one_fails)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, " 200 ") && has(text, "\r\n\r\nready\n"), "%s", text);
    text = ask(&server, "GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "[ok] kafka: group joined\n[ok] redis: "), "%s", text);
    server.ready = 0;
    text = ask(&server, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, " 503 "), "%s", text);
    cr_expect(has(text, "[no] redis: does not answer; start it\nnot ready\n"), "%s", text);
    end(&server);
}

Test(http, negotiates_the_form_of_the_metrics)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    cr_expect(has(text, "hecate_events_processed_total{result=\"scored\"} 0\n"));
    cr_expect(!has(text, "# EOF"));
    text = ask(&server, "GET /metrics HTTP/1.1\r\nHost: x\r\n"
                        "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
                        "\r\n\r\n");
    cr_expect(has(text, "Content-Type: application/openmetrics-text; version=1.0.0"));
    cr_expect(has(text, "# EOF\n"));
    /* Requests count, this one's predecessor among them. */
    cr_expect(has(text, "hecate_http_requests_total{handler=\"metrics\",code=\"200\"} 1\n"));
    end(&server);
}

Test(http, answers_problems_as_json_and_never_repeats_the_request)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "HTTP/1.1 4"), "%s", text);
    cr_expect(!has(text, "alert(1)"), "%s", text);
    text = ask(&server, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "HTTP/1.1 404 Not Found\r\n"), "%s", text);
    cr_expect(has(text, "Content-Type: application/problem+json\r\n"), "%s", text);
    cr_expect(has(text, "\"status\":404"), "%s", text);
    end(&server);
}

Test(http, refuses_every_other_method)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    static const char *const METHODS[] = { "POST", "PUT", "DELETE", "OPTIONS", "PATCH" };
    for (int i = 0; i < 5; i++) {
        char request[128];
        snprintf(request, sizeof(request),
                 "%s /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", METHODS[i]);
        const char *text = ask(&server, request);
        cr_expect(has(text, "HTTP/1.1 405 ") && has(text, "Allow: GET, HEAD\r\n"), "%s: %s",
                  METHODS[i], text);
    }
    const char *text = ask(&server, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, " 200 ") && !has(text, "\r\n\r\nok"), "%s", text);
    cr_expect(has(text, "Content-Length: 3\r\n"), "%s", text);
    text = ask(&server, "BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(!has(text, " 200 "), "%s", text);
    end(&server);
}

Test(http, refuses_headers_and_bodies_that_are_too_large)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    static char request[200000];
    int used = snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: x\r\nX: ");
    memset(request + used, 'a', 20000);
    strcpy(request + used + 20000, "\r\n\r\n");
    int fd = dial(&server);
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    cr_expect(drain(fd, answer, sizeof(answer), 20000));
    cr_expect(!has(answer, " 200 "), "%s", answer);
    close(fd);

    used = snprintf(request, sizeof(request),
                    "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    memset(request + used, 'a', 100000);
    request[used + 100000] = '\0';
    fd = dial(&server);
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    cr_expect(drain(fd, answer, sizeof(answer), 20000));
    cr_expect(!has(answer, " 200 ") && !has(answer, " 405 "), "%s", answer);
    close(fd);
    end(&server);
}

Test(http, closes_after_one_answer)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(has(text, "ok\n") && !has(text, "hecate_"), "%s", text);
    end(&server);
}

/* One byte every 50 ms would keep evhttp's own timeout away for ever. */
Test(http, ends_a_connection_that_takes_too_long_however_busy_it_is)
{
    struct server server;
    start(&server, (struct hec_http_options){ .connection_ms_max = 600 });
    int fd = dial(&server);
    int64_t begun_ms = now_ms();
    bool open = true;
    while (open && now_ms() - begun_ms < 4000) {
        open = send(fd, "a", 1, MSG_NOSIGNAL) == 1;
        struct pollfd one = { .fd = fd, .events = POLLIN };
        char byte;
        if (open && poll(&one, 1, 50) == 1) {
            open = read(fd, &byte, 1) > 0;
        }
    }
    int64_t took_ms = now_ms() - begun_ms;
    cr_expect(!open && took_ms >= 500 && took_ms < 2000, "after %lld ms", (long long)took_ms);
    close(fd);
    cr_expect(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));
    end(&server);
}

/* A hundred silent clients: at most eight are served at once, memory is bounded, and when the
 * slow ones are cut a good one gets its answer. */
Test(http, serves_only_so_many_at_once_and_recovers)
{
    enum { SLOW = 100 };
    struct server server;
    start(&server, (struct hec_http_options){ .connections_max = 8, .connection_ms_max = 300 });
    static int slow[SLOW];
    for (int i = 0; i < SLOW; i++) {
        slow[i] = dial(&server);
        send(slow[i], "GET /liv", 8, MSG_NOSIGNAL);
    }
    usleep(100000);
    int served = 0;
    for (int fd = 3; fd < 1024; fd++) {
        struct stat status;
        served += fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
    }
    /* Ours are 100; the listener and the loop's own pair are three more. */
    cr_expect(served - 100 <= 8 + 3, "%d sockets beside the clients' own", served - 100);
    for (int i = 0; i < SLOW; i++) {
        close(slow[i]);
    }
    cr_expect(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));
    end(&server);
}

/* Whoever comes while the table is full waits for a place; nobody is turned away. */
Test(http, lets_a_client_wait_for_a_place)
{
    struct server server;
    start(&server, (struct hec_http_options){ .connections_max = 4, .connection_ms_max = 400 });
    int slow[4];
    for (int i = 0; i < 4; i++) {
        slow[i] = dial(&server);
        send(slow[i], "GET /liv", 8, MSG_NOSIGNAL);
    }
    usleep(50000);
    int64_t begun_ms = now_ms();
    cr_expect(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));
    cr_expect_geq(now_ms() - begun_ms, 200, "it did not have to wait");
    for (int i = 0; i < 4; i++) {
        close(slow[i]);
    }
    end(&server);
}

Test(http, survives_many_clients_one_after_the_other)
{
    struct server server;
    start(&server, (struct hec_http_options){ .connections_max = 4 });
    for (int i = 0; i < 300; i++) {
        cr_assert(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "), "%d", i);
    }
    end(&server);
}

Test(http, listens_on_a_unix_socket_and_takes_over_one_that_was_left)
{
    char path[] = "/tmp/hecate-http-XXXXXX";
    cr_assert_not_null(mkdtemp(path));
    char listen[64];
    char file[64];
    snprintf(listen, sizeof(listen), "unix:%s/admin.sock", path);
    snprintf(file, sizeof(file), "%s/admin.sock", path);
    struct sockaddr_un left = { .sun_family = AF_UNIX };
    strcpy(left.sun_path, file);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&left, sizeof(left)), 0);
    close(fd);

    struct server server;
    start(&server, (struct hec_http_options){ .listen = listen });
    cr_expect_str_eq(hec_http_address(server.http), listen);
    cr_expect(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));

    /* A second one must not take it away from the first. */
    struct server second;
    struct hec_error error = { 0 };
    cr_expect_eq(make(&second, (struct hec_http_options){ .listen = listen }, &error),
                 HEC_UNAVAILABLE);
    end(&second);
    cr_expect(has(ask(&server, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));
    end(&server);
    cr_expect_neq(access(file, F_OK), 0);
    rmdir(path);
}

Test(http, says_what_to_do_about_an_address)
{
    struct server server;
    struct server other;
    struct hec_error error = { 0 };
    start(&server, (struct hec_http_options){ 0 });
    cr_expect_eq(
        make(&other, (struct hec_http_options){ .listen = hec_http_address(server.http) }, &error),
        HEC_UNAVAILABLE);
    cr_expect(has(error.text, "another process has it"), "%s", error.text);
    end(&other);
    static const char *const BAD[] = { "0.0.0.0:9677",    "10.1.2.3:80",   "nonsense", "127.0.0.1",
                                       "127.0.0.1:70000", "unix:relative", "[::]:1" };
    for (int i = 0; i < 7; i++) {
        cr_expect_eq(make(&other, (struct hec_http_options){ .listen = BAD[i] }, &error),
                     HEC_INVALID, "%s", BAD[i]);
        end(&other);
    }
    end(&server);
}
