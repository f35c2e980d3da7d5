/*
 * A fuzzer's way into features.conf: any text is a schema or a mistake with its line, and what is a
 * schema compiles or says why not, and comes back from its canonical text as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "ops/features_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static char *printed(const struct hec_schema *schema)
{
    size_t length = hec_schema_print(schema, NULL, 0);
    char *text = malloc(length + 1);
    must(text != NULL);
    must(hec_schema_print(schema, text, length + 1) == length);
    must(strlen(text) == length);
    return text;
}

static void check_again(const struct hec_schema *schema, const struct hec_plan *plan)
{
    static struct hec_schema again;
    struct hec_error error = { 0 };
    char *once = printed(schema);
    must(hec_features_text_parse(once, &again, &error) == HEC_OK);
    char *twice = printed(&again);
    must(strcmp(once, twice) == 0);
    struct hec_plan *other = NULL;
    must(hec_plan_new(&other, &again, &error) == HEC_OK);
    must(strcmp(hec_plan_digest(plan), hec_plan_digest(other)) == 0);
    must(hec_plan_state_digest(plan) == hec_plan_state_digest(other));
    hec_plan_free(other);
    free(twice);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hec_schema schema;
    struct hec_error error = { 0 };
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    enum hec_status status = hec_features_text_parse(text, &schema, &error);
    struct hec_plan *plan = NULL;
    if (status == HEC_OK) {
        status = hec_plan_new(&plan, &schema, &error);
        must((status == HEC_OK) == (plan != NULL));
    }
    must(status == HEC_OK || error.text[0] != '\0');
    if (status == HEC_OK) {
        check_again(&schema, plan);
    }
    hec_plan_free(plan);
    free(text);
    return 0;
}
