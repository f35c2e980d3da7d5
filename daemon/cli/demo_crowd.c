/* The crowd: events on their way to the daemon, and what comes back of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "file/csv.h"

#define BATCH 64
/* Of the past, so many events are under way at most: the embedded brokers keep only 5 MiB a
 * partition. */
#define UNDER_WAY_MAX 10000

const char *const hec_demo_head_names[HEC_DEMO_HEADS] = { "card_fraud", "ato", "anomaly" };

/* The number in an id such as e00000042. */
static bool number_of(const struct hec_demo *demo, const char *id, size_t length, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 1; i < length; i++) {
        if (id[i] < '0' || id[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(id[i] - '0');
    }
    *number = value;
    return length > 1 && value < demo->events_count;
}

static bool read_truth(struct hec_demo *demo, const char *path, struct hec_error *error)
{
    struct hec_csv *csv = NULL;
    const char *const *cells = NULL;
    enum hec_status status = hec_csv_open(&csv, path, error);
    while (status == HEC_OK) {
        status = hec_csv_next(csv, &cells, error);
        uint64_t number;
        if (status != HEC_OK || !number_of(demo, cells[0], strlen(cells[0]), &number)) {
            continue;
        }
        for (int head = 0; head < HEC_DEMO_HEADS; head++) {
            if (strcmp(cells[1], hec_demo_head_names[head]) == 0 && cells[3][0] == '1') {
                demo->events[number].truth = (uint8_t)head;
            }
        }
        if (strcmp(cells[2], "stuffing_attempt") == 0) {
            demo->events[number].truth = HEC_DEMO_LEFT_OUT;
        }
    }
    hec_csv_free(csv);
    return status == HEC_END;
}

bool hec_demo_crowd_open(struct hec_demo *demo, const char *events, const char *truth)
{
    static const struct hec_decode_limits LIMITS = { .record_bytes_max = 65536,
                                                     .future_skew_ms = 60000 };
    struct hec_error error = { 0 };
    demo->events_count = 4000000;
    demo->events = calloc(demo->events_count, sizeof(*demo->events));
    if (demo->events == NULL || hec_decoder_new(&demo->decoder, &LIMITS) != HEC_OK) {
        fprintf(stderr, "hecate demo: memory is exhausted\n");
        return false;
    }
    for (uint64_t i = 0; i < demo->events_count; i++) {
        demo->events[i].truth = HEC_DEMO_ORDINARY;
    }
    if (!read_truth(demo, truth, &error) ||
        hec_lines_open(&demo->lines, &events, 1, 65536, &error) != HEC_OK) {
        fprintf(stderr, "hecate demo: %s\n", error.text);
        return false;
    }
    return true;
}

void hec_demo_crowd_close(struct hec_demo *demo)
{
    hec_lines_free(demo->lines);
    hec_decoder_free(demo->decoder);
    free(demo->events);
}

/* Takes what came back by now. A score record names its event first. */
static void collect(struct hec_demo *demo)
{
    struct hec_record record;
    while (hec_tap_next(demo->scores, &record, 0, NULL) == HEC_OK) {
        static const char BEFORE[] = "{\"event_id\":\"";
        const char *value = record.value;
        size_t skip = sizeof(BEFORE) - 1;
        const char *end = record.value_length > skip
                              ? memchr(value + skip, '"', record.value_length - skip)
                              : NULL;
        uint64_t number;
        demo->scored++;
        if (end != NULL && number_of(demo, value + skip, (size_t)(end - value) - skip, &number) &&
            demo->events[number].live) {
            int64_t took_us = hec_demo_now_us() - demo->events[number].sent_us;
            hec_histogram_add(&demo->latency_us, (uint64_t)took_us);
        }
        hec_source_release(&record, 1);
    }
    while (hec_tap_next(demo->alerts, &record, 0, NULL) == HEC_OK) {
        hec_demo_show_alert(demo, record.value, record.value_length);
        hec_source_release(&record, 1);
    }
}

/* Sends one line; tells whether it belongs to the present. */
static bool send_line(struct hec_demo *demo, const struct hec_line *line, bool *live,
                      struct hec_error *error)
{
    char buffer[8192 + HEC_DECODE_PADDING];
    struct hec_event event;
    enum hec_field blame;
    if (line->length > 8192 || hec_decode(demo->decoder, &event, line->bytes, line->length, -1,
                                          buffer, &blame) != HEC_OK) {
        return true;
    }
    const struct hec_text *id = &event.value[HEC_F_EVENT_ID].text;
    const struct hec_text *user = &event.value[HEC_F_USER_TOKEN].text;
    uint64_t number;
    *live = hec_event_ms(&event) >= demo->live_from_ms;
    if (number_of(demo, id->bytes, id->length, &number)) {
        struct hec_demo_event *one = &demo->events[number];
        one->sent_us = hec_demo_now_us();
        one->live = *live;
        if (*live && one->truth < HEC_DEMO_HEADS) {
            demo->tally[one->truth].crimes++;
        }
    }
    demo->sent++;
    demo->sent_live += *live;
    demo->awaited += hec_event_is_scored(event.type);
    return hec_feed_send(demo->feed, HEC_DEMO_EVENTS, -1, user->bytes, user->length, line->bytes,
                         line->length, 0, error) == HEC_OK;
}

/* The past waits for its scores, the present for the clock. */
static void keep_pace(struct hec_demo *demo, bool live)
{
    for (;;) {
        collect(demo);
        hec_demo_show_progress(demo, live);
        bool early = live ? (double)demo->sent_live / demo->rate >
                                (double)(hec_demo_now_us() - demo->live_begun_us) * 1e-6
                          : demo->awaited > demo->scored + UNDER_WAY_MAX;
        if (!early || hec_demo_stopped) {
            return;
        }
        hec_demo_wait_ms(1);
    }
}

/* Waits until everything that was sent has its score, at most ten seconds. */
static void finish(struct hec_demo *demo)
{
    struct hec_error error;
    if (hec_feed_flush(demo->feed, 5000, &error) != HEC_OK) {
        return;
    }
    for (int i = 0; i < 5000 && demo->scored < demo->awaited && !hec_demo_stopped; i++) {
        collect(demo);
        hec_demo_wait_ms(2);
    }
    hec_demo_wait_ms(100);
    collect(demo);
}

bool hec_demo_play(struct hec_demo *demo)
{
    struct hec_line lines[BATCH];
    struct hec_error error = { 0 };
    size_t count;
    bool live = false;
    enum hec_status status = HEC_OK;
    demo->begun_us = hec_demo_now_us();
    while (!hec_demo_stopped) {
        size_t want = live ? 16 : BATCH;
        status = hec_lines_read(demo->lines, lines, want, &count, &error);
        if (status != HEC_OK) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            bool was_live = live;
            if (!send_line(demo, &lines[i], &live, &error)) {
                fprintf(stderr, "hecate demo: %s\n", error.text);
                return false;
            }
            if (live && !was_live) {
                hec_demo_say(demo, "the past is over, from here on it is live");
                demo->live_begun_us = hec_demo_now_us();
            }
        }
        keep_pace(demo, live);
    }
    finish(demo);
    return status == HEC_END && !hec_demo_stopped;
}
