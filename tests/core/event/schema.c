/* Schemas: conf/schema says of every field what the table says, and of every type what it needs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "hecate/event.h"

static yyjson_doc *read_schema(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.schema.json", SCHEMA_DIR, name);
    yyjson_read_err error;
    yyjson_doc *doc = yyjson_read_file(path, 0, NULL, &error);
    cr_assert_not_null(doc, "%s: %s", path, error.msg);
    const char *dialect = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "$schema"));
    cr_assert_str_eq(dialect, "https://json-schema.org/draft/2020-12/schema");
    return doc;
}

static void expect_string(yyjson_val *object, const char *key, const char *value, const char *path)
{
    const char *got = yyjson_get_str(yyjson_obj_get(object, key));
    cr_expect(got != NULL && strcmp(got, value) == 0, "%s: %s is not %s", path, key, value);
}

static void expect_integer(yyjson_val *object, const char *key, int64_t value, const char *path)
{
    yyjson_val *got = yyjson_obj_get(object, key);
    cr_expect(yyjson_is_int(got) && yyjson_get_sint(got) == value, "%s: %s", path, key);
}

static void expect_list(yyjson_val *list, const char *const *values, const char *path)
{
    size_t count = 0;
    for (; values[count] != NULL; count++) {
        const char *got = yyjson_get_str(yyjson_arr_get(list, count));
        cr_expect(got != NULL && strcmp(got, values[count]) == 0, "%s: %s", path, values[count]);
    }
    cr_expect_eq(yyjson_arr_size(list), count, "%s", path);
}

static void check_definition(yyjson_val *definition, enum hec_field field)
{
    const struct hec_field_info *info = hec_field_info(field);
    const char *path = info->path;
    switch (info->kind) {
    case HEC_TOKEN:
    case HEC_CODE:
        expect_string(definition, "type", "string", path);
        expect_string(definition, "pattern", "^[ -~]+$", path);
        expect_integer(definition, "minLength", info->minimum, path);
        expect_integer(definition, "maxLength", info->maximum, path);
        break;
    case HEC_ENUM:
        expect_string(definition, "type", "string", path);
        expect_list(yyjson_obj_get(definition, "enum"), hec_field_values(field), path);
        break;
    case HEC_COUNTRY: expect_string(definition, "pattern", "^[A-Z]{2}$", path); break;
    case HEC_CURRENCY: expect_string(definition, "pattern", "^[A-Z]{3}$", path); break;
    case HEC_BOOLEAN: expect_string(definition, "type", "boolean", path); break;
    case HEC_INTEGER:
    case HEC_NUMBER: {
        bool is_time = field == HEC_F_EVENT_TIME_MS; /* refused before 2000 */
        const char *type = info->kind == HEC_INTEGER ? "integer" : "number";
        expect_string(definition, "type", type, path);
        expect_integer(definition, "minimum", is_time ? 946684800000 : info->minimum, path);
        expect_integer(definition, "maximum", info->maximum, path);
        break;
    }
    }
}

static bool in_list(yyjson_val *list, const char *text)
{
    size_t at, count;
    yyjson_val *item;
    yyjson_arr_foreach(list, at, count, item)
    {
        if (yyjson_equals_str(item, text)) {
            return true;
        }
    }
    return false;
}

/* How the schema of one type refers to a field: plainly where it is required, or-null elsewhere. */
static void check_reference(yyjson_val *schema, enum hec_field field, bool may, bool must)
{
    const struct hec_field_info *info = hec_field_info(field);
    char path[64], reference[96];
    snprintf(path, sizeof(path), "%s", info->path);
    snprintf(reference, sizeof(reference), "#/$defs/fields/%s", info->path);
    char *dot = strchr(path, '.');
    yyjson_val *properties = yyjson_obj_get(schema, "properties");
    if (dot != NULL) {
        *dot = '\0';
        properties = yyjson_obj_get(yyjson_obj_get(properties, path), "properties");
    }
    yyjson_val *property = yyjson_obj_get(properties, dot == NULL ? path : dot + 1);
    cr_assert_eq(property != NULL, may, "%s", info->path);
    if (!may) {
        return;
    }
    if (!must) {
        yyjson_val *any = yyjson_obj_get(property, "anyOf");
        expect_string(yyjson_arr_get(any, 1), "type", "null", info->path);
        property = yyjson_arr_get_first(any);
    }
    expect_string(property, "$ref", reference, info->path);
    cr_expect_eq(in_list(yyjson_obj_get(schema, "required"), info->path), must, "%s", info->path);
}

static void check_type(yyjson_val *schema, enum hec_event_type type)
{
    size_t required = 2; /* event_type, schema_version */
    for (int field = 0; field < HEC_FIELDS; field++) {
        const struct hec_field_info *info = hec_field_info(field);
        bool must = info->must_on >> type & 1;
        check_reference(schema, field, info->may_on >> type & 1, must);
        required += must;
    }
    yyjson_val *list = yyjson_obj_get(schema, "required");
    cr_expect_eq(yyjson_arr_size(list), required, "%s", hec_event_type_name(type));
    cr_expect(in_list(list, "event_type") && in_list(list, "schema_version"));
}

Test(schema, says_of_events_what_the_table_says)
{
    yyjson_doc *doc = read_schema("event");
    yyjson_val *root = yyjson_doc_get_root(doc), *definitions = yyjson_obj_get(root, "$defs");
    for (int field = 0; field < HEC_FIELDS; field++) {
        yyjson_val *definition =
            yyjson_obj_get(yyjson_obj_get(definitions, "fields"), hec_field_info(field)->path);
        cr_assert_not_null(definition, "%s", hec_field_info(field)->path);
        check_definition(definition, field);
    }
    const char *types[HEC_EVENT_TYPES + 1] = { NULL };
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        types[type] = hec_event_type_name(type);
        check_type(yyjson_obj_get(definitions, types[type]), type);
        char reference[64];
        snprintf(reference, sizeof(reference), "#/$defs/%s", types[type]);
        yyjson_val *branch = yyjson_arr_get(yyjson_obj_get(root, "allOf"), (size_t)type);
        expect_string(yyjson_obj_get(branch, "then"), "$ref", reference, types[type]);
        expect_string(yyjson_ptr_get(branch, "/if/properties/event_type"), "const", types[type],
                      types[type]);
    }
    expect_list(yyjson_ptr_get(root, "/properties/event_type/enum"), types, "event_type");
    cr_expect_eq(yyjson_get_int(yyjson_ptr_get(root, "/properties/schema_version/const")), 1);
    yyjson_doc_free(doc);
}

Test(schema, says_of_labels_what_the_table_says)
{
    yyjson_doc *doc = read_schema("label");
    yyjson_val *root = yyjson_doc_get_root(doc);
    check_type(root, HEC_LABEL);
    for (int field = 0; field < HEC_FIELDS; field++) {
        yyjson_val *definition =
            yyjson_obj_get(yyjson_ptr_get(root, "/$defs/fields"), hec_field_info(field)->path);
        if (definition != NULL) {
            check_definition(definition, field);
        }
    }
    yyjson_doc_free(doc);
}

Test(schema, names_every_refusal_in_the_dead_letter)
{
    yyjson_doc *doc = read_schema("dead-letter");
    yyjson_val *codes =
        yyjson_ptr_get(yyjson_doc_get_root(doc), "/properties/__hecate.errors.code/enum");
    const char *names[HEC_STATUSES + 1] = { NULL };
    for (int status = HEC_NULL_VALUE; status <= HEC_POISON; status++) {
        names[status - HEC_NULL_VALUE] = hec_status_name(status);
    }
    expect_list(codes, names, "code");
    yyjson_doc_free(doc);
}
