/* The API's side of HTTP: who may come in, what a request becomes, and that an answer may come
 * late, or for nobody any more. */
#include "http/exchange.h"

#include <criterion/criterion.h>

#include "server.h"

#define OPERATOR "operator-token-0123456789"
#define VIEWER "viewer-token-0123456789"
#define AUTH "Authorization: Bearer "

static struct hec_tokens *tokens_of(const char *lines)
{
    char path[] = "/tmp/hecate-exchange-XXXXXX";
    int fd = mkstemp(path);
    struct hec_tokens *tokens = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
    close(fd);
    cr_assert_eq(hec_tokens_load(&tokens, path, &error), HEC_OK, "%s", error.text);
    unlink(path);
    return tokens;
}

static void start_with_tokens(struct server *server, struct hec_tokens **tokens)
{
    *tokens = tokens_of("operator:" OPERATOR " ops\nviewer:" VIEWER "\n");
    start(server, (struct hec_http_options){ .tokens = *tokens });
}

#define GET(path, headers)                                                                         \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" headers "\r\n"
#define POST(path, headers, length, body)                                                          \
    "POST " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" headers "Content-Length: " length \
    "\r\n\r\n" body

Test(exchange, wants_a_token_and_knows_whose_it_is)
{
    struct server server;
    struct hec_tokens *tokens;
    start_with_tokens(&server, &tokens);
    static const char *const NO[] = {
        GET("/api/v1/x", ""),
        GET("/api/v1/x", AUTH "operator-token-012345678\r\n"),
        GET("/api/v1/x", AUTH "\r\n"),
        GET("/api/v1/x", "Authorization: Basic " OPERATOR "\r\n"),
        GET("/api/v1/x?token=" OPERATOR, ""),
    };
    for (size_t i = 0; i < sizeof(NO) / sizeof(NO[0]); i++) {
        const char *text = ask(&server, NO[i]);
        cr_expect(has(text, "HTTP/1.1 401 ") && has(text, "application/problem+json"), "%s", text);
        cr_expect(has(text, "WWW-Authenticate: Bearer"), "%s", text);
        cr_expect(!has(text, "operator-token"), "%s", text);
    }
    cr_expect(has(ask(&server, GET("/api/v1/x", AUTH OPERATOR "\r\n")),
                  "GET [api] [v1] [x] role=operator actor=ops body=\n"));
    cr_expect(has(ask(&server, GET("/api/v1/x", "authorization: bearer " VIEWER "\r\n")),
                  "role=viewer actor=viewer"));
    end(&server);
    hec_tokens_free(tokens);
}

Test(exchange, has_no_api_on_tcp_without_tokens)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, GET("/api/v1/x", AUTH OPERATOR "\r\n"));
    cr_expect(has(text, " 401 ") && has(text, "admin.tokens_file"), "%s", text);
    end(&server);
}

Test(exchange, is_split_before_it_is_decoded)
{
    struct server server;
    struct hec_tokens *tokens;
    start_with_tokens(&server, &tokens);
    cr_expect(has(ask(&server, GET("/api/v1/a%2Fb/c%20d?q=%26x&e=", AUTH VIEWER "\r\n")),
                  "GET [api] [v1] [a/b] [c d] q=&x e= role"));
    cr_expect(has(ask(&server, GET("/api/v1/a%00b", AUTH VIEWER "\r\n")), " 400 "));
    cr_expect(has(ask(&server, GET("/api/v1//b", AUTH VIEWER "\r\n")), " 400 "));
    cr_expect(has(ask(&server, GET("/api/1/2/3/4/5/6/7/8", AUTH VIEWER "\r\n")), " 400 "));
    end(&server);
    hec_tokens_free(tokens);
}

Test(exchange, takes_a_body_only_as_json_and_with_one_length)
{
    struct server server;
    struct hec_tokens *tokens;
    start_with_tokens(&server, &tokens);
    cr_expect(has(ask(&server, POST("/api/v1/x",
                                    AUTH OPERATOR "\r\nContent-Type: "
                                                  "application/json\r\n",
                                    "7", "{\"a\":1}")),
                  "POST [api] [v1] [x] role=operator actor=ops body={\"a\":1}\n"));
    static const char *const FORMS[] = {
        POST("/api/v1/x", AUTH OPERATOR "\r\n", "2", "{}"),
        POST("/api/v1/x", AUTH OPERATOR "\r\nContent-Type: text/plain\r\n", "2", "{}"),
        POST("/api/v1/x", AUTH OPERATOR "\r\nContent-Type: application/jsonp\r\n", "2", "{}"),
        POST("/api/v1/x", AUTH OPERATOR "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
             "3", "a=b"),
    };
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        cr_expect(has(ask(&server, FORMS[i]), " 415 "), "%s", answer);
    }
    static const char *const SMUGGLED[] = {
        POST("/api/v1/x",
             AUTH OPERATOR "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", "30",
             "{}GET /api/v1/x HTTP/1.1\r\n\r\n"),
        POST("/api/v1/x",
             AUTH OPERATOR "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
             "4", "2\r\n{}\r\n0\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof(SMUGGLED) / sizeof(SMUGGLED[0]); i++) {
        const char *text = ask(&server, SMUGGLED[i]);
        cr_expect(has(text, "HTTP/1.1 400 "), "%s", text);
        cr_expect(!has(strstr(text, "HTTP/1.1 ") + 1, "HTTP/1.1 2"), "%s", text);
    }
    end(&server);
    hec_tokens_free(tokens);
}

/* The peer of a Unix socket is known by the kernel; the file's mode says who may come. */
Test(exchange, knows_the_peer_of_the_unix_socket)
{
    char directory[] = "/tmp/hecate-exchange-XXXXXX", path[80], expected[64];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/admin.sock", directory);
    struct server server;
    start(&server, (struct hec_http_options){ .listen = "", .socket = path, .socket_mode = 0660 });
    struct stat status;
    cr_expect(stat(path, &status) == 0 && (status.st_mode & 0777) == 0660);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    static const char request[] = GET("/api/v1/x", "");
    cr_assert_eq(write(fd, request, sizeof(request) - 1), (ssize_t)sizeof(request) - 1);
    cr_expect(drain(fd, answer, sizeof(answer), 20000));
    close(fd);
    snprintf(expected, sizeof(expected), "role=operator actor=uid %u ", (unsigned)getuid());
    cr_expect(has(answer, expected), "%s", answer);
    end(&server);
    cr_expect_neq(access(path, F_OK), 0);
    rmdir(directory);
}

/* The answer comes 200 ms later; by then the client has gone, and the next one is answered. */
Test(exchange, outlives_its_client)
{
    struct server server;
    struct hec_tokens *tokens;
    start_with_tokens(&server, &tokens);
    for (int i = 0; i < 5; i++) {
        int fd = dial(&server);
        static const char request[] = GET("/api/v1/x?slow=1", AUTH VIEWER "\r\n");
        cr_assert_eq(write(fd, request, sizeof(request) - 1), (ssize_t)sizeof(request) - 1);
        usleep(20000);
        close(fd);
    }
    usleep(400000);
    cr_expect(has(ask(&server, GET("/api/v1/x?slow=1", AUTH VIEWER "\r\n")), " 200 "));
    end(&server);
    hec_tokens_free(tokens);
}

/* A connection is used again after a good answer, and not after a refusal. */
Test(exchange, keeps_the_connection_of_a_good_client)
{
    struct server server;
    struct hec_tokens *tokens;
    start_with_tokens(&server, &tokens);
    static const char good[] = "GET /api/v1/x HTTP/1.1\r\nHost: x\r\n" AUTH VIEWER "\r\n\r\n";
    static const char bad[] = "GET /api/v1/x HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = dial(&server);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(write(fd, good, sizeof(good) - 1), (ssize_t)sizeof(good) - 1);
        cr_expect(hear(fd, " 200 "), "%s", answer);
        cr_expect(!drain(fd, answer, sizeof(answer), 200), "it is closed");
    }
    cr_assert_eq(write(fd, bad, sizeof(bad) - 1), (ssize_t)sizeof(bad) - 1);
    cr_expect(drain(fd, answer, sizeof(answer), 20000), "it stays open");
    cr_expect(has(answer, " 401 "), "%s", answer);
    close(fd);
    end(&server);
    hec_tokens_free(tokens);
}
