/*
 * A fuzzer's way into stored records: any bytes are refused, or hold what a record may hold. Then
 * reading and applying to it is safe, and what comes of that is a record as well.
 *
 * The first byte says which kind and whether the header is put right, so that the fuzzer gets
 * behind the checksum; eight bytes are the time of the events; the rest is the record.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/feature.h"
#include "record_schema.h"
#include "schema.h"
#include "state/record.h"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICES = 9, RIGHT = 4, FOREIGN = 8 };

static struct hec_plan *plan;
static struct hec_entities *entities, *others;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void begin(void)
{
    static const bool OWNED[] = { true, false };
    plan = plan_of(RECORD_SCHEMA);
    must(hec_entities_new(&entities, plan, (size_t)1 << 24) == HEC_OK);
    must(hec_entities_new(&others, plan, (size_t)1 << 24) == HEC_OK);
    hec_entities_set_partitions(entities, 2, OWNED);
}

/* What a good writer would have put into the header; sizes inside stay the fuzzer's. */
static void put_right(uint8_t *bytes, size_t size, enum hec_kind kind, const struct hec_text *token)
{
    struct hec_record record;
    memcpy(&record, bytes, sizeof(record));
    record.magic = HEC_RECORD_MAGIC;
    record.bytes = (uint32_t)size;
    record.version = HEC_RECORD_VERSION;
    record.kind = (uint8_t)kind;
    record.token_length = (uint8_t)token->length;
    record.state_digest = hec_plan_state_digest(plan);
    record.fixed_at = (uint16_t)((sizeof(record) + token->length + 7) & ~(size_t)7);
    memcpy(bytes, &record, sizeof(record));
    if (size >= record.fixed_at) {
        memcpy(bytes + sizeof(record), token->bytes, token->length);
    }
    hec_record_seal((struct hec_record *)(void *)bytes);
}

/* Every record that was changed is one that another table takes. */
static void check_image(void)
{
    struct hec_image image;
    must(hec_entities_cut(entities, 0, &image) == HEC_OK);
    for (size_t i = 0; i < image.count; i++) {
        const struct hec_image_record *record = &image.records[i];
        if (record->bytes != NULL) {
            struct hec_entity *entity =
                hec_entities_want(others, 0, record->id.kind, &record->id.token);
            must(hec_entities_adopt(others, entity, record->bytes, record->length) == HEC_OK);
        }
    }
    hec_entities_discard(entities, 0);
    hec_entities_unpin(others);
    hec_entities_drop(others, -1);
}

static void meet(const struct hec_event *event, int64_t offset)
{
    static struct hec_entity *pool[HEC_KINDS * 2];
    static float numerics[HEC_FEATURES_MAX];
    static uint32_t categories[HEC_FEATURES_MAX];
    struct hec_touched touched;
    must(hec_plan_want(plan, entities, event, 0, &touched, pool) >= 0);
    enum hec_applied judged = hec_plan_judge(plan, event, offset, &touched);
    if (hec_event_is_scored(event->type)) {
        hec_plan_read(plan, event, &touched, numerics, categories);
    }
    if (judged == HEC_APPLIED) {
        must(hec_plan_apply(plan, entities, event, offset, &touched) == HEC_OK);
    }
    hec_entities_unpin(entities);
}

static void live(int64_t event_ms)
{
    struct hec_event event = made_payment("e1", event_ms, "u", "c", 1234);
    made_text(&event, HEC_F_MERCHANT_ID, "m");
    made_text(&event, HEC_F_MCC, "5411");
    made_text(&event, HEC_F_MERCHANT_COUNTRY, "BE");
    made_text(&event, HEC_F_RESPONSE_CODE, "05");
    made_text(&event, HEC_F_DEVICE_ID, "d");
    made_number(&event, HEC_F_GEO_LAT, 50.8);
    made_number(&event, HEC_F_GEO_LON, 4.4);
    struct hec_event verdict = event;
    verdict.type = HEC_LABEL;
    made_text(&verdict, HEC_F_EVENT_ID, "l1");
    made_text(&verdict, HEC_F_TARGET_EVENT_ID, "e1");
    made_integer(&verdict, HEC_F_TARGET_EVENT_TIME_MS, event_ms);
    made_text(&verdict, HEC_F_LABEL, "fraud");
    struct hec_event undo = verdict;
    undo.type = HEC_REVERSAL;
    made_text(&undo, HEC_F_EVENT_ID, "r1");
    struct hec_event login = made(HEC_LOGIN, "g1", event_ms, "u");
    made_text(&login, HEC_F_RESULT, "fail");
    made_text(&login, HEC_F_DEVICE_ID, "d2");
    struct hec_event change = made(HEC_ACCOUNT_CHANGE, "a1", event_ms, "u");
    made_text(&change, HEC_F_CHANGE_TYPE, "email");

    const struct hec_event *events[] = { &event, &login, &change, &verdict, &undo };
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        meet(events[i], INT64_MAX - 9 + (int64_t)i);
        check_image();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum hec_kind KINDS[] = { HEC_USER, HEC_CARD, HEC_MERCHANT, HEC_MERCHANT };
    static const char *const TOKENS[] = { "u", "c", "m", "m" };
    if (plan == NULL) {
        begin();
    }
    if (size < CHOICES + sizeof(struct hec_record)) {
        return 0;
    }
    enum hec_kind kind = KINDS[data[0] & 3];
    struct hec_text token = hec_text_of(TOKENS[data[0] & 3]);
    uint64_t ms;
    memcpy(&ms, data + 1, sizeof(ms));
    int64_t event_ms = (int64_t)(ms % (uint64_t)hec_field_info(HEC_F_EVENT_TIME_MS)->maximum);
    size_t length = size - CHOICES;
    uint8_t *bytes = aligned_alloc(8, (length + 7) & ~(size_t)7);
    must(bytes != NULL);
    memcpy(bytes, data + CHOICES, length);
    if (data[0] & RIGHT) {
        put_right(bytes, length, kind, &token);
    }
    int32_t partition = kind == HEC_MERCHANT && (data[0] & FOREIGN) ? 1 : 0;
    struct hec_entity *entity = hec_entities_want(entities, partition, kind, &token);
    if (hec_entities_adopt(entities, entity, bytes, length) == HEC_OK) {
        live(event_ms);
    }
    hec_entities_unpin(entities);
    hec_entities_drop(entities, -1);
    free(bytes);
    return 0;
}
