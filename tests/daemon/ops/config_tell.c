/* What is told of settings: where two configs differ, what one means, all as JSON, and what is
 * allowed but hardly meant. Nothing told holds a secret. */
#include "ops/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#include "ops/settings.h"

static struct hec_problems problems;

static struct hec_config *config_of(const char *text)
{
    struct hec_config *config = hec_config_new();
    memset(&problems, 0, sizeof(problems));
    cr_assert_eq(hec_config_parse(config, "hecate.conf", text, &problems), HEC_OK, "%s",
                 problems.rows[0].text);
    return config;
}

static char told[4096];

static void tell(void *context, const struct hec_config_change *change)
{
    (void)context;
    size_t used = strlen(told);
    snprintf(told + used, sizeof(told) - used, "%s %s: %s -> %s\n", change->key,
             change->reloadable ? "reload" : "restart", change->before, change->after);
}

static int compare(const char *before, const char *after)
{
    struct hec_config *a = config_of(before);
    struct hec_config *b = config_of(after);
    told[0] = '\0';
    int count = hec_config_compare(a, b, tell, NULL);
    cr_expect_eq(hec_config_compare(b, a, NULL, NULL), count, "either way round");
    hec_config_free(a);
    hec_config_free(b);
    return count;
}

Test(config_tell, finds_every_difference_and_what_it_takes)
{
    cr_expect_eq(compare("state { cache_mib = 64 }\nhead ato { mode = shadow alert_score = 7 }\n"
                         "kafka { client.id = a client.rack = r }",
                         "state { cache_mib = 65 }\nhead ato { alert_score = 7 }\n"
                         "kafka { client.id = b }\nkafka_producer { linger.ms = 5 }"),
                 5);
    cr_expect_str_eq(told, "kafka.client.id restart: \"a\" -> \"b\"\n"
                           "kafka.client.rack restart: \"r\" -> \n"
                           "kafka_producer.linger.ms restart:  -> \"5\"\n"
                           "state.cache_mib restart: 64 -> 65\n"
                           "head.ato.mode reload: shadow -> on\n");
    cr_expect_eq(compare("log { level = info }", "# the default said aloud\n"), 0);
}

Test(config_tell, tells_that_a_secret_changed_and_not_what_it_is)
{
    cr_expect_eq(compare("state { redis_password = hunter2 } kafka { sasl.password = hunter3 }",
                         "state { redis_password = hunter4 } kafka { sasl.password = hunter5 }"),
                 2);
    cr_expect_null(strstr(told, "hunter"), "%s", told);
    cr_expect_not_null(strstr(told, "state.redis_password restart: \"********\" -> \"********\""));
}

/* Every setting of the table is compared: set to something else, it is the one difference. */
Test(config_tell, compares_every_setting_of_the_table)
{
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        char line[256], value[64] = "other";
        if (s->type == HEC_SETTING_CHOICE) {
            snprintf(value, sizeof(value), "%s",
                     s->choices[strcmp(s->choices[0], s->standard) == 0 ? 1 : 0]);
        } else if (s->type == HEC_SETTING_BOOLEAN) {
            strcpy(value, strcmp(s->standard, "true") == 0 ? "false" : "true");
        } else if (s->type != HEC_SETTING_TEXT) {
            snprintf(value, sizeof(value), "%.0f",
                     atof(s->standard) == s->minimum ? s->maximum : s->minimum);
        }
        snprintf(line, sizeof(line), "%s%s { %s = %s }", s->section,
                 strcmp(s->section, "head") == 0 ? " ato" : "", s->name, value);
        cr_expect_eq(compare("", line), 1, "%s gives %s", line, told);
        cr_expect_not_null(strstr(told, s->reloadable ? " reload: " : " restart: "), "%s", told);
    }
}

static char *explained(const struct hec_config *config, const char *key, enum hec_status expected)
{
    static char text[8192];
    memset(text, 0, sizeof(text));
    memset(&problems, 0, sizeof(problems));
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_expect_eq(hec_config_explain(config, key, out, &problems), expected, "%s", key);
    fclose(out);
    return text;
}

Test(config_tell, explains_what_a_setting_means_and_where_its_value_comes_from)
{
    struct hec_config *config = config_of("\nstate { cache_mib = 64 redis_password = hunter2 }\n"
                                          "head ato { alert_score = 7 }\nkafka { client.id = x }");
    char *text = explained(config, "state.cache_mib", HEC_OK);
    cr_expect_not_null(strstr(text, "16 .. 1048576 MiB"), "%s", text);
    cr_expect_not_null(strstr(text, "default    512"));
    cr_expect_not_null(strstr(text, "takes effect on a restart"));
    cr_expect_not_null(strstr(text, "state.cache_mib = 64  (hecate.conf:2)"));
    text = explained(config, "redis_password", HEC_OK);
    cr_expect_null(strstr(text, "hunter2"), "%s", text);
    cr_expect_not_null(strstr(text, "secret"));
    text = explained(config, "head.ato.alert_score", HEC_OK);
    cr_expect_not_null(strstr(text, "head.ato.alert_score = 7  (hecate.conf:3)"), "%s", text);
    cr_expect_null(strstr(text, "head.anomaly.alert_score"), "one head was asked for");
    cr_expect_not_null(strstr(text, "takes effect on reload"));
    text = explained(config, "head.alert_score", HEC_OK);
    cr_expect_not_null(strstr(text, "head.anomaly.alert_score = 0  (default)"), "%s", text);
    text = explained(config, "kafka.client.id", HEC_OK);
    cr_expect_not_null(strstr(text, "kafka.client.id = \"x\"  (hecate.conf:4)"), "%s", text);
    text = explained(NULL, "input.topic", HEC_OK);
    cr_expect_not_null(strstr(text, "none, it is required"), "%s", text);
    cr_expect_null(strstr(text, "in effect"));
    hec_config_free(config);
}

Test(config_tell, explains_a_section_by_its_name)
{
    struct hec_config *config = config_of("state { cache_mib = 64 redis_password = hunter2 }\n"
                                          "kafka { client.id = x sasl.password = hunter3 }");
    char *text = explained(config, "log", HEC_OK);
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        bool of_log = strcmp(s->section, "log") == 0;
        cr_expect_eq(strstr(text, s->help) != NULL, of_log, "%s.%s", s->section, s->name);
    }
    text = explained(config, "kafka", HEC_OK);
    cr_expect_not_null(strstr(text, "kafka.client.id = \"x\""), "%s", text);
    cr_expect_null(strstr(text, "hunter"), "%s", text);
    text = explained(config, "head", HEC_OK);
    cr_expect_not_null(strstr(text, "head.anomaly.block_score = 0  (default)"), "%s", text);
    hec_config_free(config);
}

Test(config_tell, explains_every_setting_and_guesses_at_the_others)
{
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        char key[128];
        snprintf(key, sizeof(key), "%s.%s", s->section, s->name);
        cr_expect_not_null(strstr(explained(NULL, key, HEC_OK), s->help));
    }
    static const struct {
        const char *key, *sentence;
    } CASES[] = {
        { "state.cache_mb", "\"state.cache_mb\" (did you mean \"state.cache_mib\"?)" },
        { "cache_mbi", "(did you mean \"state.cache_mib\"?)" },
        { "head.treshold", "(did you mean \"head.alert_score\"?)" },
        { "stat.cache_mib", "(did you mean \"state.cache_mib\"?)" },
        { "nothing.like.it", "there is no setting \"nothing.like.it\"" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        explained(NULL, CASES[i].key, HEC_NOT_FOUND);
        cr_expect_not_null(strstr(problems.rows[0].text, CASES[i].sentence), "%s",
                           problems.rows[0].text);
    }
}

Test(config_tell, shows_all_of_them_as_json)
{
    struct hec_config *config =
        config_of("state { redis_password = hunter2 key_prefix = 'a\"b\\c' }\n"
                  "kafka { client.rack = \"x\\ny\" sasl.password = hunter3 }");
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    cr_assert_eq(hec_config_show_json(config, out), HEC_OK);
    fclose(out);
    cr_expect_null(strstr(text, "hunter"));
    yyjson_doc *doc = yyjson_read(text, length, 0);
    cr_assert_not_null(doc);
    size_t index, max, settings = 0;
    yyjson_val *row;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), index, max, row)
    {
        const char *key = yyjson_get_str(yyjson_obj_get(row, "key"));
        const char *value = yyjson_get_str(yyjson_obj_get(row, "value"));
        settings++;
        if (strcmp(key, "state.key_prefix") == 0) {
            cr_expect_str_eq(value, "a\"b\\c");
            cr_expect_str_eq(yyjson_get_str(yyjson_obj_get(row, "origin")), "hecate.conf:1");
        } else if (strcmp(key, "kafka.client.rack") == 0) {
            cr_expect_str_eq(value, "x\ny");
        } else if (strcmp(key, "head.ato.mode") == 0) {
            cr_expect(yyjson_get_bool(yyjson_obj_get(row, "default")));
            cr_expect(yyjson_get_bool(yyjson_obj_get(row, "reloadable")));
        }
    }
    size_t expected = 2; /* the properties */
    for (const struct hec_setting *s = hec_settings(); s->name != NULL; s++) {
        expected += strcmp(s->section, "head") == 0 ? HEC_CONFIG_HEADS : 1;
    }
    cr_expect_eq(settings, expected);
    yyjson_doc_free(doc);
    free(text);
    hec_config_free(config);
}

Test(config_tell, warns_of_a_secret_that_everybody_may_read)
{
    char path[] = "/tmp/hecate-config-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "state { redis_password = hunter2 redis_address = \"memory:\" }\n"
                "kafka { sasl.password = hunter3 }\nadmin { listen = \"\" }\n");
    close(fd);
    for (int others = 0; others < 2; others++) {
        struct hec_config *config = hec_config_new();
        struct hec_problems warnings = { 0 };
        memset(&problems, 0, sizeof(problems));
        chmod(path, others ? 0644 : 0640);
        cr_assert_eq(hec_config_load(config, path, &problems), HEC_OK);
        hec_config_warn(config, &warnings);
        cr_expect_eq(warnings.count, others ? 4 : 2);
        for (int i = 0; i < warnings.count; i++) {
            cr_expect_null(strstr(warnings.rows[i].text, "hunter"));
        }
        cr_expect(!others || strstr(warnings.rows[0].text, ":1: redis_password stands in a file"));
        cr_expect(!others || strstr(warnings.rows[1].text, ":2: sasl.password stands in a file"));
        hec_config_free(config);
    }
    unlink(path);
}
