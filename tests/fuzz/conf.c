/*
 * A fuzzer's way into the settings: any text as hecate.conf, as heads.conf, as features.conf or as
 * a --set option is taken, or refused with a sentence. What is taken can be checked, warned of,
 * shown, and read again from what was shown.
 *
 * The first byte says which of them. References are left as they are written: a fuzzer that reads
 * the environment finds other things on other machines.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "ops/config.h"
#include "ops/features_file.h"
#include "ops/heads_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct hec_config *config_of(void)
{
    struct hec_config *config = hec_config_new();
    must(config != NULL);
    config->keep_references = true;
    return config;
}

static char *shown(const struct hec_config *config)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    must(out != NULL);
    hec_config_show(config, out);
    must(hec_config_show_json(config, out) == HEC_OK);
    must(fclose(out) == 0);
    return text;
}

static void differ(void *context, const struct hec_config_change *change)
{
    must(change->key[0] != '\0' && strcmp(change->before, change->after) != 0);
    ++*(int *)context;
}

/* What a daemon does with settings that could be read. */
static void use(struct hec_config *config)
{
    struct hec_problems problems = { 0 }, warnings = { 0 };
    must((hec_config_check(config, &problems) == HEC_OK) == (problems.count == 0));
    hec_config_warn(config, &warnings);
    free(shown(config));
    struct hec_config *other = config_of();
    int changes = 0;
    must(hec_config_compare(config, config, differ, &changes) == 0 && changes == 0);
    must(hec_config_compare(other, config, differ, &changes) == changes);
    hec_config_take_reloadable(other, config);
    hec_config_free(other);
}

static void settings(const char *text, bool assignment)
{
    struct hec_config *config = config_of();
    struct hec_problems problems = { 0 };
    enum hec_status status = assignment ? hec_config_set(config, text, &problems)
                                        : hec_config_parse(config, "fuzz", text, &problems);
    must((status == HEC_OK) == (problems.count == 0));
    must(problems.count == 0 || problems.rows[0].text[0] != '\0');
    if (status == HEC_OK) {
        use(config);
    }
    hec_config_free(config);
}

static void heads(const char *text)
{
    static struct hec_heads_file file;
    struct hec_error error = { 0 };
    enum hec_status status = hec_heads_text_parse(text, &file, &error);
    must(status == HEC_OK || error.text[0] != '\0');
    must(status != HEC_OK || (file.count >= 0 && file.count <= HEC_HEADS_MAX));
    for (int i = 0; status == HEC_OK && i < file.count; i++) {
        must(memchr(file.heads[i].name, '\0', sizeof(file.heads[i].name)) != NULL);
        must(file.values_count[i] >= 0 && file.values_count[i] <= HEC_HEADS_VALUES_MAX);
    }
}

static void features(const char *text)
{
    static struct hec_schema schema;
    struct hec_error error = { 0 };
    enum hec_status status = hec_features_text_parse(text, &schema, &error);
    must(status == HEC_OK || error.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = malloc(size);
    must(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 'h': heads(text); break;
    case 'f': features(text); break;
    case 's': settings(text, true); break;
    default: settings(text, false); break;
    }
    free(text);
    return 0;
}
