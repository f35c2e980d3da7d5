/*
 * The tables of hecate/event.h as data: types, fields, closed lists.
 */
#include <assert.h>
#include <string.h>

#include "event/text.h"
#include "hecate/entity.h"
#include "hecate/event.h"

static const char *const TYPES[HEC_EVENT_TYPES] = {
#define ROW(enumerator, name) [HEC_##enumerator] = name,
    HEC_EVENT_TYPE_TABLE(ROW)
#undef ROW
};

static const struct hec_field_info FIELDS[HEC_FIELDS] = {
#define ROW(enumerator, path, kind, may, must, minimum, maximum)                                   \
    [HEC_F_##enumerator] = { path, HEC_##kind, may, must, minimum, maximum },
    HEC_FIELD_TABLE(ROW)
#undef ROW
};

static const char *const RESULTS[] = { "success", "fail", "challenged", NULL };
static const char *const CHANGES[] = {
    "password",     "pin",           "email",      "phone",        "address",
    "device_enrol", "device_remove", "mfa_enrol",  "mfa_remove",   "limit",
    "payee_add",    "payee_remove",  "card_issue", "card_reissue", NULL,
};
static const char *const VERDICTS[] = { "fraud", "genuine", "unknown", NULL };
/* What a verdict or a reversal can be about: the types that are scored. */
static const char *const TARGETS[] = { "card_auth", "transfer", "login", "account_change", NULL };
static const char *const KINDS[] = {
#define ROW(enumerator, name, field, owned) name,
    HEC_KIND_TABLE(ROW)
#undef ROW
        NULL,
};

const struct hec_field_info *hec_field_info(enum hec_field field)
{
    assert((unsigned)field < HEC_FIELDS);
    return &FIELDS[field];
}

const char *const *hec_field_values(enum hec_field field)
{
    assert((unsigned)field < HEC_FIELDS);
    switch (field) {
    case HEC_F_RESULT: return RESULTS;
    case HEC_F_CHANGE_TYPE: return CHANGES;
    case HEC_F_TARGET_EVENT_TYPE: return TARGETS;
    case HEC_F_LABEL:
    case HEC_F_PREVIOUS_LABEL: return VERDICTS;
    case HEC_F_FORGET_KIND: return KINDS;
    default: assert(FIELDS[field].kind != HEC_ENUM); return NULL;
    }
}

static bool same(const char *name, const char *bytes, size_t length)
{
    return strlen(name) == length && memcmp(name, bytes, length) == 0;
}

enum hec_field hec_field_named(const char *path, size_t length)
{
    int field = 0;
    while (field < HEC_FIELDS && !same(FIELDS[field].path, path, length)) {
        field++;
    }
    return field;
}

const char *hec_event_type_name(enum hec_event_type type)
{
    assert((unsigned)type < HEC_EVENT_TYPES);
    return TYPES[type];
}

enum hec_event_type hec_event_type_named(const char *name, size_t length)
{
    int type = 0;
    while (type < HEC_EVENT_TYPES && !same(TYPES[type], name, length)) {
        type++;
    }
    return type;
}

struct hec_text hec_text_of(const char *string)
{
    return hec_text_view(string, strlen(string));
}

bool hec_text_equal(const struct hec_text *a, const struct hec_text *b)
{
    return a->hash == b->hash && a->length == b->length &&
           (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}
