/* Events as lines: what is written, the decoder reads back, field by field. */
#include "file/event_json.h"

#include "scratch.h"

TestSuite(event_json, .init = scratch_make, .fini = scratch_remove);

static char *written(const struct hec_event *event, size_t *length)
{
    struct hec_output *output = NULL;
    const char *path = scratch_path("line");
    cr_assert_eq(hec_output_open(&output, path, NULL), HEC_OK);
    hec_event_write(output, event);
    cr_assert_eq(hec_output_close(output, NULL), HEC_OK);
    return scratch_read(path, length);
}

static bool is_text(enum hec_field field)
{
    enum hec_field_kind kind = hec_field_info(field)->kind;
    return kind != HEC_INTEGER && kind != HEC_NUMBER && kind != HEC_BOOLEAN;
}

/* A value that each field may have, made from the field table alone. */
static void fill(struct hec_event *event, enum hec_event_type type)
{
    event->type = type;
    event->present = 0;
    for (int f = 0; f < HEC_FIELDS; f++) {
        enum hec_field field = (enum hec_field)f;
        const struct hec_field_info *info = hec_field_info(field);
        if (((info->may_on >> type) & 1) == 0) {
            continue;
        }
        switch (info->kind) {
        case HEC_INTEGER: hec_event_set_integer(event, field, 1736121620085 % info->maximum); break;
        case HEC_BOOLEAN: hec_event_set_integer(event, field, f & 1); break;
        case HEC_NUMBER: hec_event_set_number(event, field, f % 2 ? -12.25 : 0.5); break;
        case HEC_COUNTRY: hec_event_set_text(event, field, "NL"); break;
        case HEC_CURRENCY: hec_event_set_text(event, field, "EUR"); break;
        case HEC_ENUM: hec_event_set_text(event, field, hec_field_values(field)[0]); break;
        default: hec_event_set_text(event, field, "a\"b\\c"); break;
        }
    }
    hec_event_set_integer(event, HEC_F_EVENT_TIME_MS, 1736121620085);
    if (type == HEC_LOGIN) {
        hec_event_set_number(event, HEC_F_BOT_SCORE, 0.123456);
    }
}

Test(event_json, writes_what_the_decoder_reads_back_for_every_type_and_field)
{
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    struct hec_decoder *decoder = NULL;
    cr_assert_eq(hec_decoder_new(&decoder, &limits), HEC_OK);
    for (int type = 0; type < HEC_EVENT_TYPES; type++) {
        struct hec_event event, back;
        fill(&event, (enum hec_event_type)type);
        size_t length;
        char *line = written(&event, &length);
        cr_assert_eq(line[length - 1], '\n');
        char *buffer = malloc(length + HEC_DECODE_PADDING);
        enum hec_field blame = HEC_FIELDS;
        enum hec_status status = hec_decode(decoder, &back, line, length - 1, -1, buffer, &blame);
        cr_assert_eq(status, HEC_OK, "%s %s: %s", hec_status_name(status),
                     blame < HEC_FIELDS ? hec_field_info(blame)->path : "", line);
        cr_expect_eq(back.type, event.type);
        cr_expect_eq(back.present, event.present, "%s", line);
        for (int f = 0; f < HEC_FIELDS; f++) {
            if (!hec_event_has(&event, (enum hec_field)f)) {
                continue;
            }
            const union hec_value *a = &event.value[f], *b = &back.value[f];
            const char *path = hec_field_info((enum hec_field)f)->path;
            if (is_text((enum hec_field)f)) {
                cr_expect_eq(a->text.length, b->text.length, "%s", path);
                cr_expect_eq(memcmp(a->text.bytes, b->text.bytes, a->text.length), 0, "%s", path);
            } else if (hec_field_info((enum hec_field)f)->kind == HEC_NUMBER) {
                cr_expect_float_eq(a->number, b->number, 1e-9, "%s", path);
            } else {
                cr_expect_eq(a->integer, b->integer, "%s", path);
            }
        }
        free(buffer);
        free(line);
    }
    hec_decoder_free(decoder);
}

Test(event_json, writes_integers_and_numbers_to_their_limits)
{
    struct hec_event event = { .type = HEC_CARD_AUTH };
    hec_event_set_text(&event, HEC_F_EVENT_ID, "e");
    hec_event_set_integer(&event, HEC_F_EVENT_TIME_MS, 0);
    hec_event_set_integer(&event, HEC_F_AMOUNT_MINOR, INT64_MIN);
    hec_event_set_number(&event, HEC_F_GEO_LAT, -0.000001);
    hec_event_set_number(&event, HEC_F_GEO_LON, 179.9999996);
    hec_event_set_text(&event, HEC_F_CHANNEL, "a\tb");
    hec_event_set_text(&event, HEC_F_MCC, NULL);
    char *line = written(&event, NULL);
    cr_expect_str_eq(line, "{\"event_id\":\"e\",\"event_type\":\"card_auth\",\"schema_version\":1,"
                           "\"event_time_ms\":0,\"geo\":{\"lat\":-0.000001,\"lon\":180},"
                           "\"channel\":\"a\\u0009b\",\"amount_minor\":-9223372036854775808}\n");
    free(line);
}

Test(event_json, makes_a_label_that_names_its_target_and_its_entities)
{
    struct hec_event event, label = { 0 };
    fill(&event, HEC_CARD_AUTH);
    hec_event_label_of(&label, &event);
    cr_expect_eq(label.type, HEC_LABEL);
    cr_expect(hec_event_has(&label, HEC_F_TARGET_EVENT_ID));
    cr_expect(hec_event_has(&label, HEC_F_CARD_TOKEN));
    cr_expect(hec_event_has(&label, HEC_F_AMOUNT_MINOR));
    cr_expect(!hec_event_has(&label, HEC_F_EVENT_ID));
    cr_expect(!hec_event_has(&label, HEC_F_GEO_LAT));
    cr_expect_eq(label.value[HEC_F_TARGET_EVENT_TIME_MS].integer, 1736121620085);
    cr_expect_eq(memcmp(label.value[HEC_F_TARGET_EVENT_TYPE].text.bytes, "card_auth", 9), 0);
    for (int f = 0; f < HEC_FIELDS; f++) {
        cr_expect(!hec_event_has(&label, (enum hec_field)f) ||
                      ((hec_field_info((enum hec_field)f)->may_on >> HEC_LABEL) & 1),
                  "%s", hec_field_info((enum hec_field)f)->path);
    }
}
