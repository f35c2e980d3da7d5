/*
 * Held records lie one after another in one buffer that is kept: a struct held, its headers' sizes,
 * then the bytes. Offsets and not pointers go around while it grows.
 */
#include "engine/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/errand.h"
#include "ops/clock.h"

#define HELD_BYTES_MAX ((size_t)8 * 1024 * 1024) /* then the engine waits for the commit */
#define ALIGN 8
#define ABSENT SIZE_MAX /* a length: there is no such thing, not even an empty one */

struct held {
    int topic, headers_count;
    int32_t partition;
    int64_t record_ms;
    uint64_t origin;
    size_t key_length, value_length; /* or ABSENT */
    size_t bytes;                    /* of the whole, padded */
};

struct held_header {
    size_t name_length, length; /* the name's with its zero; the value's or ABSENT */
};

struct hec_outbox {
    struct hec_sink *sink;
    struct hec_errand *errand; /* NULL: commits are waited for */
    bool committing;

    /* What the errand reads, and what it leaves. */
    struct hec_source *source;
    struct hec_offset *offsets;
    int count;
    enum hec_status status;
    struct hec_error error;
    int64_t took_us;

    char *held;
    size_t held_bytes, held_size;
};

enum hec_status hec_outbox_new(struct hec_outbox **ret, const struct hec_sink_options *options,
                               int32_t partitions, bool overlap, struct hec_error *error)
{
    struct hec_outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "no memory for the outbox");
    }
    outbox->offsets = calloc((size_t)partitions, sizeof(*outbox->offsets));
    enum hec_status status = outbox->offsets == NULL ? HEC_NO_MEMORY
                             : overlap               ? hec_errand_new(&outbox->errand)
                                                     : HEC_OK;
    if (status != HEC_OK) {
        hec_fail(error, status, "no memory or no thread for the outbox");
    } else {
        status = hec_sink_new(&outbox->sink, options, error);
    }
    if (status != HEC_OK) {
        hec_outbox_close(outbox, 0);
        return status;
    }
    *ret = outbox;
    return HEC_OK;
}

void hec_outbox_close(struct hec_outbox *outbox, int wait_ms)
{
    if (outbox == NULL) {
        return;
    }
    hec_errand_free(outbox->errand);
    (void)hec_sink_close(outbox->sink, wait_ms);
    free(outbox->offsets);
    free(outbox->held);
    free(outbox);
}

/* ---- Holding ---- */

static size_t size_of(const struct hec_sink_record *record)
{
    size_t bytes = sizeof(struct held);
    bytes += (size_t)record->headers_count * sizeof(struct held_header);
    bytes += record->key != NULL ? record->key_length : 0;
    bytes += record->value != NULL ? record->value_length : 0;
    for (int i = 0; i < record->headers_count; i++) {
        const struct hec_kafka_header *header = &record->headers[i];
        bytes += strlen(header->name) + 1 + (header->value != NULL ? header->length : 0);
    }
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static char *append(char *to, const void *bytes, size_t length)
{
    if (bytes != NULL && length > 0) {
        memcpy(to, bytes, length);
        to += length;
    }
    return to;
}

static enum hec_status hold(struct hec_outbox *outbox, const struct hec_sink_record *record,
                            struct hec_error *error)
{
    size_t bytes = size_of(record);
    if (outbox->held_bytes + bytes > outbox->held_size) {
        size_t size = (outbox->held_bytes + bytes) * 2;
        char *more = realloc(outbox->held, size);
        if (more == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "no memory to hold %zu bytes of output", size);
        }
        outbox->held = more;
        outbox->held_size = size;
    }
    struct held *held = (struct held *)(void *)(outbox->held + outbox->held_bytes);
    struct held_header *headers = (struct held_header *)(held + 1);
    *held = (struct held){
        .topic = record->topic,
        .headers_count = record->headers_count,
        .partition = record->partition,
        .record_ms = record->record_ms,
        .origin = record->origin,
        .key_length = record->key != NULL ? record->key_length : ABSENT,
        .value_length = record->value != NULL ? record->value_length : ABSENT,
        .bytes = bytes,
    };
    char *to = (char *)(headers + record->headers_count);
    to = append(to, record->key, record->key_length);
    to = append(to, record->value, record->value_length);
    for (int i = 0; i < record->headers_count; i++) {
        const struct hec_kafka_header *header = &record->headers[i];
        headers[i].name_length = strlen(header->name) + 1;
        headers[i].length = header->value != NULL ? header->length : ABSENT;
        to = append(to, header->name, headers[i].name_length);
        to = append(to, header->value, header->length);
    }
    outbox->held_bytes += bytes;
    return HEC_OK;
}

/* The next length bytes, or NULL for what is absent. */
static const char *take(const char **from, size_t *length)
{
    const char *bytes = *length == ABSENT ? NULL : *from;
    *length = *length == ABSENT ? 0 : *length;
    *from += *length;
    return bytes;
}

static enum hec_status say(struct hec_outbox *outbox, const struct held *held,
                           struct hec_error *error)
{
    const struct held_header *sizes = (const struct held_header *)(held + 1);
    const char *from = (const char *)(sizes + held->headers_count);
    struct hec_kafka_header headers[HEC_SINK_HEADERS_MAX];
    struct hec_sink_record record = {
        .topic = held->topic,
        .key_length = held->key_length,
        .value_length = held->value_length,
        .headers = headers,
        .headers_count = held->headers_count,
        .partition = held->partition,
        .record_ms = held->record_ms,
        .origin = held->origin,
    };
    record.key = take(&from, &record.key_length);
    record.value = take(&from, &record.value_length);
    for (int i = 0; i < held->headers_count; i++) {
        headers[i].name = from;
        from += sizes[i].name_length;
        headers[i].length = sizes[i].length;
        headers[i].value = take(&from, &headers[i].length);
    }
    return hec_sink_produce(outbox->sink, &record, error);
}

/* ---- Saying ---- */

enum hec_status hec_outbox_open(struct hec_outbox *outbox, struct hec_error *error)
{
    if (outbox->committing) {
        return HEC_OK;
    }
    enum hec_status status = hec_sink_begin(outbox->sink, error);
    for (size_t at = 0; at < outbox->held_bytes && status == HEC_OK;) {
        const struct held *held = (const struct held *)(const void *)(outbox->held + at);
        status = say(outbox, held, error);
        at += held->bytes;
    }
    if (status == HEC_OK) {
        outbox->held_bytes = 0;
    }
    return status;
}

enum hec_status hec_outbox_put(struct hec_outbox *outbox, const struct hec_sink_record *record,
                               struct hec_error *error)
{
    if (!outbox->committing) {
        assert(outbox->held_bytes == 0);
        return hec_sink_produce(outbox->sink, record, error);
    }
    assert(record->headers_count <= HEC_SINK_HEADERS_MAX);
    enum hec_status status = hec_sink_check(outbox->sink, record, error);
    return status == HEC_OK ? hold(outbox, record, error) : status;
}

static void publish(void *context)
{
    struct hec_outbox *outbox = context;
    int64_t began_us = hec_now_us();
    outbox->status = hec_sink_commit(outbox->sink, outbox->source, outbox->offsets, outbox->count,
                                     &outbox->error);
    outbox->took_us = hec_now_us() - began_us;
}

enum hec_status hec_outbox_commit(struct hec_outbox *outbox, struct hec_source *source,
                                  const struct hec_offset *offsets, int count,
                                  struct hec_error *error)
{
    assert(!outbox->committing);
    enum hec_status status = hec_outbox_open(outbox, error);
    if (status != HEC_OK) {
        return status;
    }
    memcpy(outbox->offsets, offsets, (size_t)count * sizeof(*offsets));
    outbox->count = count;
    outbox->source = source;
    outbox->committing = true;
    if (outbox->errand == NULL) {
        publish(outbox);
    } else {
        hec_errand_start(outbox->errand, publish, outbox);
    }
    return HEC_OK;
}

bool hec_outbox_is_committing(const struct hec_outbox *outbox)
{
    return outbox->committing;
}

bool hec_outbox_is_done(struct hec_outbox *outbox)
{
    return outbox->errand == NULL || hec_errand_is_done(outbox->errand);
}

bool hec_outbox_look(struct hec_outbox *outbox, int wait_ms)
{
    if (outbox->errand != NULL) {
        hec_errand_look(outbox->errand, wait_ms);
    }
    return hec_outbox_is_done(outbox);
}

bool hec_outbox_is_full(const struct hec_outbox *outbox)
{
    return outbox->held_bytes >= HELD_BYTES_MAX;
}

enum hec_status hec_outbox_settle(struct hec_outbox *outbox, struct hec_publication *publication,
                                  struct hec_error *error)
{
    assert(outbox->committing);
    if (outbox->errand != NULL) {
        hec_errand_wait(outbox->errand);
    }
    outbox->committing = false;
    *publication = (struct hec_publication){ outbox->offsets, outbox->count, outbox->took_us };
    if (outbox->status != HEC_OK && error != NULL) {
        *error = outbox->error;
    }
    return outbox->status;
}

enum hec_status hec_outbox_abort(struct hec_outbox *outbox, struct hec_error *error)
{
    assert(!outbox->committing);
    outbox->held_bytes = 0;
    return hec_sink_abort(outbox->sink, error);
}

enum hec_status hec_outbox_recreate(struct hec_outbox *outbox, struct hec_error *error)
{
    assert(!outbox->committing);
    outbox->held_bytes = 0;
    return hec_sink_recreate(outbox->sink, error);
}

int hec_outbox_refused(struct hec_outbox *outbox, const uint64_t **origins)
{
    assert(!outbox->committing);
    return hec_sink_refused(outbox->sink, origins);
}

void hec_outbox_poll(struct hec_outbox *outbox)
{
    if (!outbox->committing) {
        hec_sink_poll(outbox->sink);
    }
}
