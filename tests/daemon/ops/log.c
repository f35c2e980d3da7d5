/* Log lines: one line a record whatever the values hold, and never a card number. */
#include "ops/log.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static int fd;
static int64_t now_ms;

static int64_t clock_ms(void)
{
    return now_ms;
}

static void begin(struct hec_log_options options)
{
    strcpy(path, "/tmp/hecate-log-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    now_ms = INT64_C(1795429535123);
    options.fd = fd;
    options.clock_ms = clock_ms;
    hec_log_setup(&options);
}

/* What was written since the beginning. */
static const char *lines(void)
{
    static char text[1 << 20];
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    unlink(path);
    return text;
}

Test(log, writes_one_logfmt_line_with_every_fact)
{
    begin((struct hec_log_options){ .level = HEC_LOG_INFO });
    hec_log(HEC_LOG_WARN, "state", "redis_away", "redis does not answer",
            "took_ms=%d big=%lld size=%zu share=%.2f name=%s c=%c mode=fast l=%lu", 21, 1LL << 40,
            sizeof(char), 0.126, "two words", 'x', 7ul);
    cr_expect_str_eq(lines(),
                     "ts=2026-11-23T10:25:35.123Z level=warn mod=state event=redis_away "
                     "msg=\"redis does not answer\" took_ms=21 big=1099511627776 size=1 share=0.13 "
                     "name=\"two words\" c=x mode=fast l=7\n");
}

Test(log, writes_the_same_as_json)
{
    begin((struct hec_log_options){ .level = HEC_LOG_INFO, .json = true });
    hec_log(HEC_LOG_INFO, "service", "ready", "ready", "n=%d name=%s bad=%f", -3, "a\"b", NAN);
    hec_log(HEC_LOG_INFO, "service", "ready", "ready", NULL);
    cr_expect_str_eq(
        lines(),
        "{\"ts\":\"2026-11-23T10:25:35.123Z\",\"level\":\"info\",\"mod\":\"service\","
        "\"event\":\"ready\",\"msg\":\"ready\",\"n\":-3,\"name\":\"a\\\"b\",\"bad\":\"nan\"}\n"
        "{\"ts\":\"2026-11-23T10:25:35.123Z\",\"level\":\"info\",\"mod\":\"service\","
        "\"event\":\"ready\",\"msg\":\"ready\"}\n");
}

Test(log, escapes_whatever_a_value_holds)
{
    static const struct {
        const char *value, *written;
    } CASES[] = {
        { "plain-1.2:3", "v=plain-1.2:3" },
        { "", "v=\"\"" },
        { NULL, "v=\"\"" },
        { "a=b", "v=\"a=b\"" },
        { "a\"b\\c", "v=\"a\\\"b\\\\c\"" },
        { "a\nlevel=error msg=forged", "v=\"a\\nlevel=error msg=forged\"" },
        { "\r\t", "v=\"\\r\\t\"" },
        { "\033[31m", "v=\"\\u001b[31m\"" },
        { "\177", "v=\"\\u007f\"" },
        { "gr\xc3\xbc\xc3\x9f", "v=\"gr\xc3\xbc\xc3\x9f\"" },
        { "\xe2\x82\xac \xf0\x9f\x98\x80", "v=\"\xe2\x82\xac \xf0\x9f\x98\x80\"" },
        { "\xc2\x9b", "v=\"\\u009b\"" },
        { "\xff\xfe", "v=\"\\ufffd\\ufffd\"" },
        { "\xc3", "v=\"\\ufffd\"" },
        { "\xc0\xaf", "v=\"\\ufffd\\ufffd\"" },
        { "\xed\xa0\x80", "v=\"\\ufffd\\ufffd\\ufffd\"" },
        { "\xf4\x90\x80\x80", "v=\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { "card 4111 1111 1111 1111", "v=\"[card number]\"" },
        { "4111111111111111", "v=\"[card number]\"" },
        { "4111111111111112", "v=4111111111111112" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        begin((struct hec_log_options){ .level = HEC_LOG_INFO });
        hec_log(HEC_LOG_INFO, "m", "e", "s", "v=%s after=%d", CASES[i].value, 1);
        const char *text = lines();
        char expected[256];
        snprintf(expected, sizeof(expected), "msg=s %s after=1\n", CASES[i].written);
        const char *found = strstr(text, "msg=s ");
        cr_expect_str_eq(found == NULL ? text : found, expected, "case %zu", i);
        cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "case %zu", i);
        close(fd);
    }
}

Test(log, cuts_a_long_line_and_keeps_it_whole)
{
    static char value[5000];
    memset(value, 'x', sizeof(value) - 1);
    for (int json = 0; json < 2; json++) {
        begin((struct hec_log_options){ .level = HEC_LOG_INFO, .json = json });
        hec_log(HEC_LOG_INFO, "m", "e", "s", "a=%s b=%s c=%s d=%s e=%s f=%d", value, value, value,
                value, value, 1);
        memset(value, '\001', sizeof(value) - 1);
        hec_log(HEC_LOG_INFO, "m", "e", "s", "a=%s b=%s c=%d", value, value, 1);
        const char *text = lines();
        const char *second = strchr(text, '\n') + 1;
        cr_expect_leq(second - text, 4096);
        cr_expect_leq(strlen(second), 4096u);
        const char *end = json ? ",\"cut\":true}\n" : " cut=true\n";
        cr_expect_str_eq(text + strlen(text) - strlen(end), end);
        cr_expect_arr_eq(second - strlen(end), end, strlen(end));
    }
}

Test(log, writes_what_is_grave_enough)
{
    begin((struct hec_log_options){ .level = HEC_LOG_WARN });
    uint64_t warned = hec_log_written(HEC_LOG_WARN);
    hec_log(HEC_LOG_INFO, "m", "e", "no", NULL);
    hec_log(HEC_LOG_WARN, "m", "e", "yes", NULL);
    hec_log_set_level(HEC_LOG_DEBUG);
    cr_expect(hec_log_is_on(HEC_LOG_DEBUG));
    hec_log(HEC_LOG_DEBUG, "m", "e", "too", NULL);
    const char *text = lines();
    cr_expect_null(strstr(text, "msg=no"));
    cr_expect_not_null(strstr(text, "level=warn mod=m event=e msg=yes"));
    cr_expect_not_null(strstr(text, "level=debug mod=m event=e msg=too"));
    cr_expect_eq(hec_log_written(HEC_LOG_WARN), warned + 1);
}

Test(log, limits_one_kind_a_second_and_tells_how_many_it_left_out)
{
    begin((struct hec_log_options){ .level = HEC_LOG_INFO, .lines_per_s = 3 });
    uint64_t before = hec_log_suppressed();
    for (int i = 0; i < 10; i++) {
        hec_log(HEC_LOG_INFO, "m", "often", "again", "i=%d", i);
    }
    hec_log(HEC_LOG_INFO, "m", "seldom", "once", NULL);
    now_ms += 1000;
    hec_log(HEC_LOG_INFO, "m", "often", "again", "i=%d", 10);
    hec_log(HEC_LOG_INFO, "m", "often", "again", "i=%d", 11);
    const char *text = lines();
    cr_expect_not_null(strstr(text, "i=2\n"));
    cr_expect_null(strstr(text, "i=3"));
    cr_expect_not_null(strstr(text, "event=seldom"));
    cr_expect_not_null(strstr(text, "i=10 suppressed=7\n"));
    cr_expect_not_null(strstr(text, "i=11\n"));
    cr_expect_eq(hec_log_suppressed(), before + 7);
}

Test(log, adds_the_priority_only_for_the_journal)
{
    char file[] = "/tmp/hecate-log-XXXXXX";
    int journal = mkstemp(file);
    struct stat status;
    fstat(journal, &status);
    char name[64];
    snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    hec_log_setup(&(struct hec_log_options){ .level = HEC_LOG_INFO, .fd = journal });
    hec_log(HEC_LOG_ERROR, "m", "e", "s", NULL);
    char text[256] = "";
    cr_expect_gt(pread(journal, text, sizeof(text) - 1, 0), 0);
    cr_expect_eq(strncmp(text, "<3>ts=", 6), 0, "%s", text);
    unlink(file);

    begin((struct hec_log_options){ .level = HEC_LOG_INFO });
    hec_log(HEC_LOG_ERROR, "m", "e", "s", NULL);
    cr_expect_eq(strncmp(lines(), "ts=", 3), 0, "another file is not the journal");
}

static void *shout(void *context)
{
    for (int i = 0; i < 500; i++) {
        hec_log(HEC_LOG_INFO, "m", "e", "line", "who=%d i=%d end=here", *(int *)context, i);
    }
    return NULL;
}

Test(log, keeps_lines_of_many_threads_apart)
{
    begin((struct hec_log_options){ .level = HEC_LOG_INFO });
    pthread_t threads[4];
    int who[4] = { 0, 1, 2, 3 };
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, shout, &who[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    int count = 0;
    const char *text = lines();
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        cr_assert_eq(strncmp(line, "ts=2026", 7), 0);
        cr_assert_eq(strncmp(end - 9, " end=here", 9), 0);
        count++;
    }
    cr_expect_eq(count, 2000);
}
