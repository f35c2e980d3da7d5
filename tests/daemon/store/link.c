/* One connection that cannot be made: told once and counted once, whatever step of it fails. */
#include <criterion/criterion.h>
#include <signal.h>

#include "redis_fixture.h"
#include "store/redis_link.h"

static struct redis_fixture server;

static void end(void)
{
    redis_fixture_end(&server);
}

TestSuite(link, .fini = end);

/* Opens a connection over TCP, with TLS, to a server that knows none. */
static enum hec_status open_secured(int connect_ms, struct hec_store_stats *stats,
                                    struct hec_error *error)
{
    char port[8];
    int at = redis_fixture_port();
    snprintf(port, sizeof(port), "%d", at);
    const char *const arguments[] = { "--bind", "127.0.0.1", "--port", port, NULL };
    signal(SIGPIPE, SIG_IGN);
    if (!redis_fixture_start(&server, arguments)) {
        cr_skip("there is no redis-server");
    }
    struct hec_tls *tls = NULL;
    const char *why_not;
    struct hec_store_options options = { .tls = true };
    if (hec_store_has_tls(&why_not)) {
        cr_assert_eq(hec_tls_new(&tls, &options, error), HEC_OK, "%s", error->text);
    }
    struct hec_address address;
    cr_assert_eq(hec_address_make(&address, "127.0.0.1", at, false, error), HEC_OK);
    /* Without TLS in this build any pointer asks for it, and is not looked at. */
    struct hec_link_terms terms = { .connect_ms = connect_ms,
                                    .command_ms = 500,
                                    .tls = tls == NULL ? (const struct hec_tls *)&address : tls };
    struct hec_link link = { .terms = &terms, .address = &address, .stats = stats };
    enum hec_status status = hec_link_open(&link, error);
    cr_expect_null(link.context);
    hec_link_free(&link);
    hec_address_free(&address);
    hec_tls_free(tls);
    return status;
}

Test(link, counts_a_handshake_that_fails_once)
{
    struct hec_store_stats stats = { 0 };
    struct hec_error error = { 0 };
    cr_expect_eq(open_secured(500, &stats, &error), HEC_UNAVAILABLE, "%s", error.text);
    cr_expect_eq(stats.errors, 1u);
    cr_expect_not_null(strstr(error.text, "TLS"), "%s", error.text);
}

/* The system refuses a time below zero. */
Test(link, counts_a_time_that_cannot_be_set_once)
{
    struct hec_store_stats stats = { 0 };
    struct hec_error error = { 0 };
    cr_expect_eq(open_secured(-1, &stats, &error), HEC_UNAVAILABLE, "%s", error.text);
    cr_expect_eq(stats.errors, 1u);
    cr_expect_not_null(strstr(error.text, "timeout could not be set"), "%s", error.text);
}
