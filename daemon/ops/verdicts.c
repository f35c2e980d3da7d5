#include "ops/verdicts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct hec_verdicts {
    pthread_mutex_t lock;
    int from, count;
    int64_t dropped;
    struct hec_verdict_note notes[HEC_VERDICTS_KEPT]; /* a ring, the oldest at from */
};

enum hec_status hec_verdicts_new(struct hec_verdicts **ret)
{
    struct hec_verdicts *verdicts = calloc(1, sizeof(*verdicts));
    if (verdicts == NULL) {
        return HEC_NO_MEMORY;
    }
    pthread_mutex_init(&verdicts->lock, NULL);
    *ret = verdicts;
    return HEC_OK;
}

void hec_verdicts_free(struct hec_verdicts *verdicts)
{
    if (verdicts != NULL) {
        pthread_mutex_destroy(&verdicts->lock);
        free(verdicts);
    }
}

static void copy(char *to, size_t room, const struct hec_event *event, enum hec_field field)
{
    const struct hec_text *text = &event->value[field].text;
    size_t length = hec_event_has(event, field) && text->length < room ? text->length : 0;
    memcpy(to, length == 0 ? "" : text->bytes, length);
    to[length] = '\0';
}

void hec_verdicts_post(struct hec_verdicts *verdicts, const struct hec_event *label,
                       int32_t partition)
{
    struct hec_verdict_note note = {
        .partition = partition,
        .event_ms = label->value[HEC_F_TARGET_EVENT_TIME_MS].integer,
        .at_ms = hec_event_ms(label),
    };
    copy(note.event_id, sizeof(note.event_id), label, HEC_F_TARGET_EVENT_ID);
    copy(note.event_type, sizeof(note.event_type), label, HEC_F_TARGET_EVENT_TYPE);
    if (note.event_type[0] == '\0' && hec_event_has(label, HEC_F_CREDITOR_TOKEN)) {
        strcpy(note.event_type, hec_event_type_name(HEC_TRANSFER));
    } else if (note.event_type[0] == '\0' && (hec_event_has(label, HEC_F_MERCHANT_ID) ||
                                              hec_event_has(label, HEC_F_TERMINAL_ID))) {
        strcpy(note.event_type, hec_event_type_name(HEC_CARD_AUTH));
    }
    copy(note.label, sizeof(note.label), label, HEC_F_LABEL);
    copy(note.fraud_type, sizeof(note.fraud_type), label, HEC_F_FRAUD_TYPE);
    pthread_mutex_lock(&verdicts->lock);
    if (verdicts->count == HEC_VERDICTS_KEPT) {
        verdicts->from = (verdicts->from + 1) % HEC_VERDICTS_KEPT;
        verdicts->count--;
        verdicts->dropped++;
    }
    verdicts->notes[(verdicts->from + verdicts->count++) % HEC_VERDICTS_KEPT] = note;
    pthread_mutex_unlock(&verdicts->lock);
}

int hec_verdicts_take(struct hec_verdicts *verdicts, struct hec_verdict_note *notes, int count)
{
    int taken = 0;
    pthread_mutex_lock(&verdicts->lock);
    for (; taken < count && verdicts->count > 0; taken++) {
        notes[taken] = verdicts->notes[verdicts->from];
        verdicts->from = (verdicts->from + 1) % HEC_VERDICTS_KEPT;
        verdicts->count--;
    }
    pthread_mutex_unlock(&verdicts->lock);
    return taken;
}

int64_t hec_verdicts_dropped(struct hec_verdicts *verdicts)
{
    pthread_mutex_lock(&verdicts->lock);
    int64_t dropped = verdicts->dropped;
    pthread_mutex_unlock(&verdicts->lock);
    return dropped;
}
