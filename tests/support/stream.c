#include "support/stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 1000

void made_text(struct hec_event *event, enum hec_field field, const char *text)
{
    event->value[field].text = hec_text_of(text);
    event->present |= (uint64_t)1 << field;
}

void made_integer(struct hec_event *event, enum hec_field field, int64_t value)
{
    event->value[field].integer = value;
    event->present |= (uint64_t)1 << field;
}

void made_number(struct hec_event *event, enum hec_field field, double value)
{
    event->value[field].number = value;
    event->present |= (uint64_t)1 << field;
}

struct hec_event made(enum hec_event_type type, const char *id, int64_t event_ms, const char *user)
{
    struct hec_event event = { .type = type };
    made_text(&event, HEC_F_EVENT_ID, id);
    made_integer(&event, HEC_F_EVENT_TIME_MS, event_ms);
    made_text(&event, HEC_F_USER_TOKEN, user);
    return event;
}

struct hec_event made_payment(const char *id, int64_t event_ms, const char *user, const char *card,
                              int64_t amount_minor)
{
    struct hec_event event = made(HEC_CARD_AUTH, id, event_ms, user);
    made_text(&event, HEC_F_CARD_TOKEN, card);
    made_integer(&event, HEC_F_AMOUNT_MINOR, amount_minor);
    made_text(&event, HEC_F_CURRENCY, "EUR");
    return event;
}

/* "u17" and the like, made once and for ever. */
static const char *name(char letter, int number)
{
    static char names[128][NAMES][16];
    char *text = names[(int)letter][number];
    assert(number < NAMES);
    if (text[0] == '\0') {
        snprintf(text, 16, "%c%d", letter, number);
    }
    return text;
}

static int below(struct stream *stream, int n)
{
    return (int)hec_random_below(&stream->random, (uint64_t)n);
}

static bool chance(struct stream *stream, int per_mille)
{
    return below(stream, 1000) < per_mille;
}

#define PICK(stream, list) ((list)[below((stream), (int)(sizeof(list) / sizeof(*(list))))])

static void payment(struct stream *stream, struct hec_event *event, int user)
{
    static const char *const CODES[] = { "00", "00", "00", "05", "51" };
    static const char *const CURRENCIES[] = { "EUR", "EUR", "EUR", "USD", "JPY", "ZWD" };
    static const char *const COUNTRIES[] = { "BE", "FR", "US" };
    made_text(event, HEC_F_CARD_TOKEN, name('c', user));
    made_integer(event, HEC_F_AMOUNT_MINOR,
                 below(stream, 3) == 0 ? below(stream, 600) : below(stream, 100000));
    made_text(event, HEC_F_CURRENCY, PICK(stream, CURRENCIES));
    made_text(event, HEC_F_MERCHANT_ID, name('m', below(stream, stream->merchants)));
    made_text(event, HEC_F_TERMINAL_ID, name('t', below(stream, stream->terminals)));
    made_text(event, HEC_F_MCC, name('x', below(stream, 20)));
    made_text(event, HEC_F_RESPONSE_CODE, PICK(stream, CODES));
    made_text(event, HEC_F_MERCHANT_COUNTRY, PICK(stream, COUNTRIES));
    made_integer(event, HEC_F_CARD_PRESENT, below(stream, 2));
}

static void scored(struct stream *stream, struct hec_event *event, int user)
{
    static const char *const RESULTS[] = { "success", "fail", "challenged" };
    static const char *const CHANGES[] = { "password", "pin",          "email",     "phone",
                                           "address",  "device_enrol", "payee_add", "limit" };
    static const char *const COUNTRIES[] = { "BE", "FR", "NL", "US" };
    switch (event->type) {
    case HEC_CARD_AUTH: payment(stream, event, user); break;
    case HEC_TRANSFER:
        made_text(event, HEC_F_CREDITOR_TOKEN, name('p', below(stream, stream->payees)));
        made_integer(event, HEC_F_AMOUNT_MINOR, below(stream, 500000));
        made_text(event, HEC_F_CURRENCY, "EUR");
        if (chance(stream, 500)) {
            made_integer(event, HEC_F_PAYEE_ADDED_MS, hec_event_ms(event) - below(stream, 9999999));
        }
        break;
    case HEC_LOGIN:
        made_text(event, HEC_F_RESULT, PICK(stream, RESULTS));
        made_number(event, HEC_F_BOT_SCORE, below(stream, 10000) / 10000.0);
        break;
    default: made_text(event, HEC_F_CHANGE_TYPE, PICK(stream, CHANGES)); break;
    }
    if (chance(stream, 700)) {
        made_text(event, HEC_F_DEVICE_ID, name('d', below(stream, stream->devices)));
    }
    if (chance(stream, 700)) {
        made_text(event, HEC_F_IP, name('i', below(stream, stream->ips)));
        made_text(event, HEC_F_USER_AGENT_HASH, name('a', below(stream, 10)));
    }
    if (chance(stream, 600)) {
        made_number(event, HEC_F_GEO_LAT, below(stream, 1800000) / 10000.0 - 90);
        made_number(event, HEC_F_GEO_LON, below(stream, 3600000) / 10000.0 - 180);
        made_text(event, HEC_F_GEO_COUNTRY, PICK(stream, COUNTRIES));
    }
}

/* A verdict or a reversal repeats entities and filter fields of its target. */
static void about(struct stream *stream, struct hec_event *event, const struct hec_event *target)
{
    static const enum hec_field SAME[] = { HEC_F_USER_TOKEN,    HEC_F_CARD_TOKEN,
                                           HEC_F_MERCHANT_ID,   HEC_F_TERMINAL_ID,
                                           HEC_F_DEVICE_ID,     HEC_F_IP,
                                           HEC_F_RESPONSE_CODE, HEC_F_CARD_PRESENT,
                                           HEC_F_CURRENCY,      HEC_F_CREDITOR_TOKEN };
    for (size_t i = 0; i < sizeof(SAME) / sizeof(*SAME); i++) {
        if (hec_event_has(target, SAME[i])) {
            event->value[SAME[i]] = target->value[SAME[i]];
            event->present |= (uint64_t)1 << SAME[i];
        }
    }
    made_text(event, HEC_F_TARGET_EVENT_ID, target->value[HEC_F_EVENT_ID].text.bytes);
    made_integer(event, HEC_F_TARGET_EVENT_TIME_MS, hec_event_ms(target));
    if (target->type > HEC_TRANSFER || chance(stream, 500)) {
        made_text(event, HEC_F_TARGET_EVENT_TYPE, hec_event_type_name(target->type));
    }
    if (event->type == HEC_REVERSAL || chance(stream, 500)) {
        if (hec_event_has(target, HEC_F_AMOUNT_MINOR)) {
            made_integer(event, HEC_F_AMOUNT_MINOR, target->value[HEC_F_AMOUNT_MINOR].integer);
        }
    }
}

static void verdict(struct stream *stream, struct hec_event *event)
{
    static const char *const LABELS[] = { "fraud", "fraud", "genuine", "unknown" };
    int back = chance(stream, 500) ? 40 : stream->count;
    int i = stream->count - 1 - below(stream, back < stream->count ? back : stream->count);
    while (i > 0 && !hec_event_is_scored(stream->events[i].type)) {
        i--;
    }
    const struct hec_event *target = &stream->events[i];
    if (event->type == HEC_REVERSAL && target->type > HEC_TRANSFER) {
        event->type = HEC_LABEL;
    }
    about(stream, event, target);
    if (event->type == HEC_LABEL) {
        made_text(event, HEC_F_LABEL, PICK(stream, LABELS));
        if (chance(stream, 200)) {
            made_text(event, HEC_F_PREVIOUS_LABEL, PICK(stream, LABELS));
        }
    } else if (chance(stream, 700)) {
        made_integer(event, HEC_F_FULL, below(stream, 2));
    }
}

struct stream *stream_new(uint64_t seed, int64_t step_ms_max)
{
    return stream_new_short(seed, step_ms_max, STREAM_EVENTS_MAX);
}

struct stream *stream_new_short(uint64_t seed, int64_t step_ms_max, int events_max)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    assert(stream != NULL);
    *stream = (struct stream){
        .random = hec_random_at(seed, 1),
        .users = 5,
        .merchants = 4,
        .terminals = 6,
        .devices = 7,
        .ips = 9,
        .payees = 5,
        .clock_ms = 1700000000000,
        .step_ms_max = step_ms_max,
        .late_per_mille = 30,
        .events_max = events_max,
        .events = calloc((size_t)events_max, sizeof(struct hec_event)),
        .ids = calloc((size_t)events_max, 12),
    };
    assert(stream->events != NULL);
    assert(stream->ids != NULL);
    return stream;
}

void stream_free(struct stream *stream)
{
    free(stream->events);
    free(stream->ids);
    free(stream);
}

const struct hec_event *stream_next(struct stream *stream)
{
    static const enum hec_event_type TYPES[] = {
        HEC_CARD_AUTH, HEC_CARD_AUTH,      HEC_CARD_AUTH, HEC_TRANSFER, HEC_LOGIN,
        HEC_LOGIN,     HEC_ACCOUNT_CHANGE, HEC_LABEL,     HEC_LABEL,    HEC_REVERSAL,
    };
    assert(stream->count < stream->events_max);
    struct hec_event *event = &stream->events[stream->count];
    char *id = stream->ids[stream->count];
    stream->clock_ms += below(stream, (int)stream->step_ms_max);
    if (stream->count > 10 && chance(stream, 20)) {
        *event = stream->events[stream->count - 1 - below(stream, 10)]; /* a duplicate */
        stream->count++;
        return event;
    }
    int64_t event_ms = stream->clock_ms;
    if (chance(stream, 100)) {
        event_ms -= below(stream, 300000);
    } else if (chance(stream, stream->late_per_mille)) {
        event_ms -= below(stream, 2 * 86400000);
    }
    int user = below(stream, stream->users);
    snprintf(id, 12, "e%d", stream->count);
    enum hec_event_type type = stream->count < 10 ? HEC_CARD_AUTH : PICK(stream, TYPES);
    *event = made(type, id, event_ms, name('u', user));
    if (stream->forgets && stream->count > 10 && chance(stream, 5)) {
        static const char KINDS[] = { 'u', 'c', 'm', 't', 'd' };
        static const char *const OF[] = { "user", "card", "merchant", "terminal", "device" };
        int kind = below(stream, 5);
        event->type = HEC_FORGET;
        made_text(event, HEC_F_FORGET_KIND, OF[kind]);
        made_text(event, HEC_F_FORGET_TOKEN, name(KINDS[kind], below(stream, 5)));
    } else if (hec_event_is_scored(type)) {
        scored(stream, event, user);
    } else {
        verdict(stream, event);
    }
    stream->count++;
    return event;
}
