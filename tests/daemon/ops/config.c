/* hecate.conf: the sample is the table's own print, every mistake has its sentence, and a secret is
 * never shown. */
#include "ops/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/source_root.h" /* written by meson */

#define REQUIRED                                                                                   \
    "kafka { bootstrap.servers = \"k:9092\" }\n"                                                   \
    "input { topic = events }\n"                                                                   \
    "output { alert_topic = alerts dead_letter_topic = dlq }\n"

static struct hec_problems problems;

static struct hec_config *config_of(const char *text)
{
    struct hec_config *config = hec_config_new();
    cr_assert_not_null(config);
    memset(&problems, 0, sizeof(problems));
    cr_assert_eq(hec_config_parse(config, "hecate.conf", text, &problems), HEC_OK, "%s",
                 problems.rows[0].text);
    return config;
}

static char *printed(void (*print)(const struct hec_config *, FILE *),
                     const struct hec_config *config)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    print(config, file);
    fclose(file);
    return text;
}

static void print_default(const struct hec_config *config, FILE *out)
{
    (void)config;
    hec_config_default_print(out);
}

static void print_manual(const struct hec_config *config, FILE *out)
{
    (void)config;
    hec_config_manual_print(out);
}

static bool is_told(const char *sentence)
{
    for (int i = 0; i < problems.count; i++) {
        if (strstr(problems.rows[i].text, sentence) != NULL) {
            return true;
        }
    }
    return false;
}

static char *read_file(const char *path)
{
    static char text[1 << 17];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

Test(config, ships_the_sample_that_it_prints)
{
    char *text = printed(print_default, NULL);
    cr_expect_str_eq(text, read_file(HEC_SOURCE_ROOT "/conf/hecate.conf"));
    free(text);
}

Test(config, reads_its_own_sample_as_all_defaults)
{
    char *text = printed(print_default, NULL);
    struct hec_config *read = config_of(text);
    struct hec_config *standard = hec_config_new();
    cr_expect_arr_eq(&read->hecate, &standard->hecate,
                     offsetof(struct hec_config, kafka) - offsetof(struct hec_config, hecate));
    hec_config_free(read);
    hec_config_free(standard);
    free(text);
}

Test(config, reads_its_own_show_as_the_same_settings)
{
    struct hec_config *config =
        config_of(REQUIRED "hecate { instance = \"a-1\" }\nhead ato { mode = shadow }\n"
                           "kafka_producer { linger.ms = 5 client.rack = \"a\\\"b\\\\c\" }\n");
    char *shown = printed(hec_config_show, config);
    struct hec_config *again = config_of(shown);
    cr_expect_arr_eq(&again->hecate, &config->hecate,
                     offsetof(struct hec_config, kafka) - offsetof(struct hec_config, hecate));
    cr_expect_str_eq(hec_properties_find(&again->kafka_producer, "client.rack"), "a\"b\\c");
    cr_expect_str_eq(hec_properties_find(&again->kafka, "bootstrap.servers"), "k:9092");
    free(shown);
    hec_config_free(config);
    hec_config_free(again);
}

Test(config, passes_the_checks_with_the_minimal_file)
{
    struct hec_config *config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    cr_assert_eq(hec_config_load(config, HEC_SOURCE_ROOT "/conf/hecate-minimal.conf", &problems),
                 HEC_OK, "%s", problems.rows[0].text);
    cr_expect_eq(hec_config_check(config, &problems), HEC_OK, "%s", problems.rows[0].text);
    cr_expect_neq(hec_config_check_files(config, &problems), HEC_OK);
    cr_expect(is_told("make one with hecate train"));
    hec_config_free(config);
}

Test(config, fills_every_kind_of_setting)
{
    struct hec_config *config = config_of(
        "input { topic = payments.events.v1 start_from = latest max_record_bytes = 2048 }\n"
        "output { score_sample_ratio = 0.25 score_features = true delivery = at_least_once }\n"
        "head anomaly { mode = off alert_score = 950 block_score = 999 }\n"
        "kafka { bootstrap.servers = \"a:1,b:2\" sasl.mechanisms = PLAIN }\n"
        "kafka_consumer { fetch.max.bytes = 1 }\n"
        "state { redis_address = \"10.0.0.1:6379\" }\n"
        "log { level = debug format = json }\n");
    cr_expect_str_eq(config->input.topic, "payments.events.v1");
    cr_expect_eq(config->input.start_from, HEC_START_LATEST);
    cr_expect_eq(config->input.max_record_bytes, 2048);
    cr_expect_eq(config->output.score_sample_ratio, 0.25);
    cr_expect_eq(config->output.score_features, 1);
    cr_expect_eq(config->output.delivery, HEC_AT_LEAST_ONCE);
    cr_expect_eq(config->heads[0].mode, HEC_HEAD_ON);
    cr_expect_eq(config->heads[2].mode, HEC_HEAD_OFF);
    cr_expect_eq(config->heads[2].alert_score, 950);
    cr_expect_eq(config->heads[2].block_score, 999);
    cr_expect_str_eq(hec_properties_find(&config->kafka, "bootstrap.servers"), "a:1,b:2");
    cr_expect_str_eq(hec_properties_find(&config->kafka_consumer, "fetch.max.bytes"), "1");
    cr_expect_null(hec_properties_find(&config->kafka_producer, "fetch.max.bytes"));
    cr_expect_str_eq(config->state.redis_address, "tcp:10.0.0.1:6379");
    cr_expect_eq(config->log.format, HEC_LOG_JSON);
    char origin[64];
    hec_config_origin(config, "head.anomaly.block_score", origin, sizeof(origin));
    cr_expect_str_eq(origin, "hecate.conf:3");
    hec_config_origin(config, "head.ato.block_score", origin, sizeof(origin));
    cr_expect_str_eq(origin, "default");
    cr_expect_eq(config->kafka.rows[1].line, 4);
    hec_config_free(config);
}

Test(config, counts_lines_through_comments_and_quotes)
{
    struct hec_config *config =
        config_of("# one\n/* two\n three */ // still three\nkafka { # four\n  x = 'a\nb'\n"
                  "}\nlog { level = warn } # seven\n"
                  "hecate { tenant = \"# no comment\" }\n");
    char origin[64];
    hec_config_origin(config, "log.level", origin, sizeof(origin));
    cr_expect_str_eq(origin, "hecate.conf:8");
    cr_expect_str_eq(config->hecate.tenant, "# no comment");
    hec_config_free(config);
}

Test(config, refuses_each_mistake_with_its_line_and_a_guess)
{
    static const struct {
        const char *text, *sentence;
    } CASES[] = {
        { "\n\nhead ato {\n treshold = 1 }\n",
          "hecate.conf:4: unknown key \"treshold\" in head ato (did you mean \"alert_score\"?)" },
        { "head atto { mode = on }", "hecate.conf:1: unknown head \"atto\" (did you mean \"ato\"" },
        { "head { mode = on }", "hecate.conf:1: " },
        { "inptu { topic = x }", "hecate.conf:1: unknown section \"inptu\" (did you mean \"input" },
        { "input { topik = x }", "unknown key \"topik\" in input (did you mean \"topic\"?)" },
        { "input { topics = x }", "unknown key \"topics\" in input (did you mean \"topic\"?)" },
        { "hecate { workers = 2 }", "(did you mean \"engines\"?)" },
        { "input { cache_mib = 2 }", "unknown key \"cache_mib\" in input (it belongs to state)" },
        { "input { allowed_lateness_ms = 2 }", "(it stands in features.conf" },
        { "topic = x\n", "hecate.conf:1: unknown key \"topic\"" },
        { "head ato { alert_score = 1000 }",
          "alert_score of head ato must be 0 .. 999, not \"1000\"" },
        { "head ato { alert_score = -1 }", "must be 0 .. 999, not \"-1\"" },
        { "head ato { alert_score = 1.5 }", "must be 0 .. 999, not \"1.5\"" },
        { "head ato { alert_score = 99999999999999999999 }", "must be 0 .. 999" },
        { "head ato { mode = maybe }",
          "mode of head ato must be off, shadow or on, not \"maybe\"" },
        { "state { read_timeout_ms = 5s }", "must be 1 .. 60000 ms, not \"5s\"" },
        { "state { allow_evicting = yes }", "must be true or false, not \"yes\"" },
        { "output { score_sample_ratio = 1.01 }", "must be 0 .. 1, not \"1.01\"" },
        { "output { score_sample_ratio = nan }", "must be 0 .. 1" },
        { "input { topic = a\ntopic = b }", "hecate.conf:2: topic stands twice in input (line 1)" },
        { "kafka { linger.ms = 1\nlinger.ms = 2 }",
          "hecate.conf:2: linger.ms stands twice in kafka (line 1)" },
        { "input { }\n\ninput { }", "hecate.conf:3: section input stands twice" },
        { "head ato { }\n\nhead ato { }", "hecate.conf:3: section ato stands twice; put" },
        { "input { topic = a b }", "hecate.conf:1: " },
        { "kafka { bootstrap.servers = a:1,b:2 }", "must stand in \"quotes\"" },
        { "input {\n topic = x\n", "hecate.conf:1: the bracket that opens here is never closed" },
        { "input { topic = \"x }\n", "hecate.conf:1: the quote that opens here is never closed" },
        { "input { topic = \"a\nb\" }\n", "topic of input must be text" },
        { "input { topic = \"a\001\" }\n", "control character 0x01" },
        { "input {\n topic = \"caf\xe9\" }\n", "hecate.conf:2: not UTF-8" },
        { "input { topic = a${env:X} }", "must be the whole value" },
        { "input { topic = \"a${env:X}\" }", "must be the whole value" },
        { "input { topic = ${env:HEC_NOT_SET} }", "topic = ${env:HEC_NOT_SET}: there is no such" },
        { "input { topic = ${file:relative} }", "the path must begin with /" },
        { "input { topic = ${file:/nowhere/x} }", "cannot open /nowhere/x" },
        { "input { topic = ${vault:x} }", "a reference is ${env:NAME}" },
        { "input { topic = ${credential:../x} }", "plain file name" },
        { "input { topic = ${credential:x} }", "CREDENTIALS_DIRECTORY is not set" },
    };
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("HEC_NOT_SET");
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct hec_config *config = hec_config_new();
        memset(&problems, 0, sizeof(problems));
        cr_expect_neq(hec_config_parse(config, "hecate.conf", CASES[i].text, &problems), HEC_OK,
                      "case %zu", i);
        cr_expect(is_told(CASES[i].sentence), "case %zu: %s", i, problems.rows[0].text);
        hec_config_free(config);
    }
    hec_config_free(config_of(REQUIRED));
}

Test(config, tells_all_mistakes_at_once)
{
    struct hec_config *config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    cr_expect_eq(
        hec_config_parse(config, "f", "input { a = 1\n b = 2 }\nlog { level = x }\n", &problems),
        HEC_INVALID);
    cr_expect_eq(problems.count, 3);
    hec_config_free(config);
    config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    char text[4096] = "input {\n";
    for (int i = 0; i < 50; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "zz%d = 1\n", i);
    }
    strcat(text, "}\n");
    cr_expect_eq(hec_config_parse(config, "f", text, &problems), HEC_INVALID);
    cr_expect_eq(problems.count, HEC_PROBLEMS_MAX);
    cr_expect_eq(problems.dropped, 50 - HEC_PROBLEMS_MAX);
    hec_config_free(config);
}

Test(config, resolves_references_and_never_shows_what_they_give)
{
    char folder[] = "/tmp/hecate-config-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof(path), "%s/redis", folder);
    FILE *file = fopen(path, "w");
    fputs("from-a-file\n", file);
    fclose(file);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    setenv("HEC_TEST_WORD", "from the environment", 1);
    char text[512];
    snprintf(text, sizeof(text),
             "state { redis_password = ${credential:redis} }\n"
             "hecate { tenant = '${env:HEC_TEST_WORD}' instance = \"${HEC_TEST_WORD}\" }\n"
             "kafka { sasl.password = hunter2 ssl.key.password = ${file:%s}\n"
             "  client.id = ${env:HEC_TEST_WORD} client.rack = plain }\n",
             path);
    struct hec_config *config = config_of(text);
    cr_expect_str_eq(config->state.redis_password, "from-a-file");
    cr_expect_str_eq(config->hecate.tenant, "${env:HEC_TEST_WORD}", "single quotes are literal");
    cr_expect_str_eq(config->hecate.instance, "from the environment");
    cr_expect_str_eq(hec_properties_find(&config->kafka, "ssl.key.password"), "from-a-file");
    char *shown = printed(hec_config_show, config);
    cr_expect_null(strstr(shown, "from-a-file"), "%s", shown);
    cr_expect_null(strstr(shown, "from the environment"));
    cr_expect_null(strstr(shown, "hunter2"));
    cr_expect_not_null(strstr(shown, "redis_password = ${credential:redis}  # hecate.conf:1"));
    cr_expect_not_null(strstr(shown, "sasl.password = \"********\"  # hecate.conf:3"));
    cr_expect_not_null(strstr(shown, "client.rack = \"plain\""));
    cr_expect_not_null(strstr(shown, "# cache_mib = 512  # default"));
    free(shown);
    hec_config_free(config);

    /* A person without the right to read secrets may still look at the file. */
    unsetenv("CREDENTIALS_DIRECTORY");
    config = hec_config_new();
    config->keep_references = true;
    memset(&problems, 0, sizeof(problems));
    cr_expect_eq(hec_config_parse(config, "f",
                                  "state { redis_password = ${credential:redis} "
                                  "cache_mib = ${env:NO_SUCH} }",
                                  &problems),
                 HEC_OK);
    cr_expect_eq(config->state.cache_mib, 512);
    hec_config_free(config);
    unlink(path);
    rmdir(folder);
}

Test(config, never_repeats_a_secret_in_a_sentence)
{
    char text[800] = "state { redis_password = \"";
    memset(text + strlen(text), 's', 600);
    strcat(text, "\" }");
    struct hec_config *config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    cr_expect_eq(hec_config_parse(config, "f", text, &problems), HEC_INVALID);
    cr_expect(is_told("redis_password of state must be text of at most 511 bytes"));
    cr_expect_not(is_told("sss"));
    hec_config_free(config);
    config = config_of("kafka { ssl.key.password = x sasl.oauthbearer.config = y\n"
                       "  security.protocol = ssl } kafka_consumer { ssl.key.pem = hunter2\n"
                       "  enable.auto.commit = hunter2 }");
    cr_expect_eq(hec_config_check(config, &problems), HEC_INVALID);
    for (int i = 0; i < problems.count; i++) {
        cr_expect_null(strstr(problems.rows[i].text, "hunter2"), "%s", problems.rows[i].text);
    }
    hec_config_free(config);
    config = config_of("state { redis_password = hunter2 }");
    char *shown = printed(hec_config_show, config);
    cr_expect_null(strstr(shown, "hunter2"));
    cr_expect_not_null(strstr(shown, "redis_password = \"********\"  # hecate.conf:1"));
    free(shown);
    hec_config_free(config);
}

Test(config, reads_drop_ins_in_name_order_and_the_later_one_wins)
{
    char folder[] = "/tmp/hecate-config-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    static const char *const FILES[][2] = {
        { "hecate.conf", "log { level = warn }\nkafka { client.id = a }\n" },
        { "hecate.conf.d/20-b.conf", "log { level = debug }\n" },
        { "hecate.conf.d/10-a.conf", "log { level = error }\nkafka { client.id = b }\n" },
        { "hecate.conf.d/30-c.txt", "nonsense" },
    };
    char path[128];
    snprintf(path, sizeof(path), "%s/hecate.conf.d", folder);
    mkdir(path, 0700);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, FILES[i][0]);
        FILE *file = fopen(path, "w");
        fputs(FILES[i][1], file);
        fclose(file);
    }
    snprintf(path, sizeof(path), "%s/hecate.conf", folder);
    struct hec_config *config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    cr_assert_eq(hec_config_load(config, path, &problems), HEC_OK, "%s", problems.rows[0].text);
    char origin[256];
    hec_config_origin(config, "log.level", origin, sizeof(origin));
    cr_expect_not_null(strstr(origin, "20-b.conf:1"), "%s", origin);
    cr_expect_str_eq(hec_properties_find(&config->kafka, "client.id"), "b");
    cr_expect_eq(config->kafka.count, 1);
    hec_config_free(config);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, FILES[i][0]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/hecate.conf.d", folder);
    rmdir(path);
    rmdir(folder);
}

Test(config, sets_one_setting_from_the_command_line)
{
    struct hec_config *config = config_of("log { level = warn }");
    cr_expect_eq(hec_config_set(config, "log.level=debug", &problems), HEC_OK);
    cr_expect_eq(hec_config_set(config, "head.ato.alert_score=800", &problems), HEC_OK);
    cr_expect_eq(hec_config_set(config, "kafka.bootstrap.servers=a:1=b", &problems), HEC_OK);
    cr_expect_eq(config->heads[1].alert_score, 800);
    cr_expect_str_eq(hec_properties_find(&config->kafka, "bootstrap.servers"), "a:1=b");
    char origin[64];
    hec_config_origin(config, "log.level", origin, sizeof(origin));
    cr_expect_str_eq(origin, "--set");
    static const char *const BAD[] = { "log.level",
                                       "log=debug",
                                       "lgo.level=debug",
                                       "log.levl=debug",
                                       "log.level=loud",
                                       "head.at.mode=on",
                                       "head.mode=on",
                                       "=",
                                       "" };
    for (int i = 0; i < 9; i++) {
        cr_expect_neq(hec_config_set(config, BAD[i], &problems), HEC_OK, "%s", BAD[i]);
    }
    for (int i = 0; i < problems.count; i++) { /* there is no line 0 on a command line */
        cr_expect_eq(strncmp(problems.rows[i].text, "--set", 5), 0, "%s", problems.rows[i].text);
        cr_expect_null(strstr(problems.rows[i].text, ":0"), "%s", problems.rows[i].text);
    }
    hec_config_free(config);
}

Test(config, holds_the_settings_against_each_other)
{
    static const struct {
        const char *text, *sentence;
    } CASES[] = {
        { "", "kafka: bootstrap.servers is not set" },
        { "", "input: topic is not set" },
        { "", "output: alert_topic is not set" },
        { "", "output: dead_letter_topic is not set" },
        { "input { topic = t }\noutput { alert_topic = t }",
          "hecate.conf:2: alert_topic is the same topic as the input (\"t\"): hecated would read" },
        { "output { alert_topic = a dead_letter_topic = a }",
          "dead_letter_topic is the same topic as alert_topic" },
        { "input { topic = t }\nalerts { lists_topic = t }",
          "lists_topic is the same topic as the input" },
        { "input { topic = \"a b\" }", "topic: \"a b\" is no topic name" },
        { "input { topic = \".\" }", "\".\" is no topic name" },
        { "hecate { instance = \"a b\" }", "instance: \"a b\" must be 1 .. 200 letters" },
        { "input { group = \"\" }", "group: \"\" must be 1 .. 200" },
        { "state { key_prefix = \"{x}\" }", "key_prefix: \"{x}\" must not" },
        { "kafka { group.id = x }",
          "hecate.conf:1: kafka: property group.id cannot be set: it is set by input {" },
        {
            "kafka { bootstrap.server = k }",
            "hecate.conf:1: librdkafka ",
        },
        { "kafka { bootstrap.server = k }", "(did you mean \"bootstrap.servers\"?)" },
        { "\nkafka_producer { compression.type = brotli }", "hecate.conf:2: compression.type: " },
        { "head ato { alert_score = 800 block_score = 700 }",
          "head ato: block_score 700 is below alert_score 800" },
        { "head ato { alert_score = 800 hold_score = 700 }", "hold_score 700 is below" },
        { "head ato { hold_score = 900 block_score = 800 }", "hold_score 900 is above" },
        { "head ato { mode = off } head anomaly { mode = off } head card_fraud { mode = off }",
          "every head is off" },
        { "admin { listen = \"0.0.0.0:80\" }", "is not a loopback address" },
        { "admin { listen = here }", "listen: \"here\" is no address" },
        { "state { redis_address = \"tcp:h\" }", "redis_address: \"tcp:h\" is no address" },
        { "state { redis_address = \"unix:x\" }", "is no address" },
        { "state { redis_address = \"tcp:h:1\" }", "another host and the connection has no TLS" },
        { "state { redis_username = u }", "redis_username is set without redis_password" },
        { "state { redis_address = \"tcp:127.0.0.1:1,tcp:h\" }", "\"tcp:h\" is no address" },
        { "state { redis_address = \"tcp:127.0.0.1:1,memory:\" }", "is no address" },
        { "state { redis_address = \"tcp:127.0.0.1:1,\" }", "\"\" is no address" },
        { "state { redis_mode = sentinel }", "set redis_master_name" },
        { "state { redis_mode = cluster redis_database = 1 }", "has only number 0" },
        { "state { redis_tls_key_file = \"/k\" }", "go together" },
        { "output { score_features = true }", "score_features = true needs a score_topic" },
        { "features { schema_file = \"\" }", "schema_file must not be empty" },
        { "model { file = \"\" }", "file must not be empty" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct hec_config *config = config_of(CASES[i].text);
        cr_expect_eq(hec_config_check(config, &problems), HEC_INVALID, "case %zu", i);
        cr_expect(is_told(CASES[i].sentence), "case %zu: %s", i, problems.rows[0].text);
        hec_config_free(config);
    }
}

Test(config, refuses_keys_that_are_easily_guessed)
{
    static const struct {
        const char *text, *sentence;
    } CASES[] = {
        { "state { token_key = \"fifteen letters\" }", "token_key is shorter than 16 bytes" },
        { "alerts { control_ratio = 0.1 }", "control_key is shorter than 16 bytes" },
        { "\nalerts { control_ratio = 0.1 control_key = \"fifteen letters\" }",
          "hecate.conf:2: control_key is shorter than 16 bytes" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct hec_config *config = config_of(CASES[i].text);
        cr_expect_eq(hec_config_check(config, &problems), HEC_INVALID, "case %zu", i);
        cr_expect(is_told(CASES[i].sentence), "case %zu: %s", i, problems.rows[0].text);
        cr_expect_not(is_told("fifteen"), "the key itself is shown");
        hec_config_free(config);
    }
}

Test(config, lets_settings_pass_that_go_together)
{
    static const char *const GOOD[] = {
        REQUIRED "alerts { control_key = \"no control group\" }",
        REQUIRED "alerts { control_ratio = 0.1 control_key = \"exactly sixteen!\" }",
        REQUIRED "admin { listen = \"\" }",
        REQUIRED "admin { listen = \"[::1]:9677\" }",
        REQUIRED "admin { listen = \"unix:/run/hecate/admin.sock\" }",
        REQUIRED "state { redis_address = \"unix:/run/redis.sock\" }",
        REQUIRED "state { redis_address = \"tcp:h:1\" allow_remote_plain = true }",
        REQUIRED "state { redis_address = \"127.0.0.1:1, unix:/r.sock,localhost:2\" }",
        REQUIRED "state { redis_mode = sentinel redis_master_name = bank }",
        REQUIRED "state { redis_mode = cluster }",
        REQUIRED "head ato { alert_score = 800 hold_score = 800 block_score = 800 }",
    };
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        struct hec_config *config = config_of(GOOD[i]);
        cr_expect_eq(hec_config_check(config, &problems), HEC_OK, "%zu: %s", i,
                     problems.rows[0].text);
        hec_config_free(config);
    }
}

Test(config, prints_a_manual_that_names_every_setting)
{
    char *manual = printed(print_manual, NULL);
    char *sample = printed(print_default, NULL);
    int seen = 0;
    for (const char *line = sample; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        char name[64];
        char equals[2];
        if (sscanf(line, "    %63[a-z_] %1[=]", name, equals) == 2) {
            char macro[80];
            snprintf(macro, sizeof(macro), "\n.B %s\n", name);
            cr_expect_not_null(strstr(manual, macro), "%s", name);
            seen++;
        }
    }
    cr_expect_gt(seen, 40);
    free(manual);
    free(sample);
}
