/*
 * Made-up events without a decoder: setters, and a seeded stream of everything that can happen:
 * payments, transfers, log-ins and changes of a few people, late ones, duplicates, labels (of
 * remembered and of unknown events, changed and repeated), reversals and now and then a forget.
 */
#ifndef HECATE_SUPPORT_STREAM_H
#define HECATE_SUPPORT_STREAM_H

#include "hecate/event.h"
#include "hecate/random.h"

/* Strings given to a setter must outlive the event. */
void made_text(struct hec_event *event, enum hec_field field, const char *text);
void made_integer(struct hec_event *event, enum hec_field field, int64_t value);
void made_number(struct hec_event *event, enum hec_field field, double value);
/** An event with id, type, time and user. */
struct hec_event made(enum hec_event_type type, const char *id, int64_t event_ms, const char *user);
/** A payment in euros. */
struct hec_event made_payment(const char *id, int64_t event_ms, const char *user, const char *card,
                              int64_t amount_minor);

enum { STREAM_EVENTS_MAX = 40000 };

struct stream {
    struct hec_random random;
    int users, merchants, terminals, devices, ips, payees; /* how many of each; at most 1 000 */
    int64_t clock_ms, step_ms_max;
    int late_per_mille; /* events that are up to two days late */
    bool forgets;
    int count, events_max;
    struct hec_event *events; /* all of them so far */
    char (*ids)[12];
};

/** A stream of a handful of people whose clock moves up to step_ms_max an event. */
struct stream *stream_new(uint64_t seed, int64_t step_ms_max);
/** The same with room for so many events only: for tests that make thousands of streams. */
struct stream *stream_new_short(uint64_t seed, int64_t step_ms_max, int events_max);
void stream_free(struct stream *stream);

/** The next event; it stays valid until the stream is freed. */
const struct hec_event *stream_next(struct stream *stream);

#endif
