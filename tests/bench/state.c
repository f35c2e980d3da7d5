/*
 * What state costs: medians of five rounds.
 *
 *   bench-state FEATURES_TEXT [NDJSON]
 *
 * FEATURES_TEXT is a features.conf of the tests' own small grammar. Without events, one million
 * payments of five entities each are made up. Told are: nanoseconds an event to want, judge, read
 * and apply (decoding left out), the same an entity touched, bytes an entity a kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/feature.h"
#include "schema.h"

enum { EVENTS_MAX = 1000000, ROUNDS = 5, BATCH = 64 };

static struct hec_event *events;
static int events_count;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void read_events(const char *path)
{
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    struct hec_decoder *decoder;
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (file == NULL || hec_decoder_new(&decoder, &limits) != HEC_OK) {
        exit(1);
    }
    while (events_count < EVENTS_MAX) {
        ssize_t length = getline(&line, &room, file);
        if (length <= 1) {
            break;
        }
        enum hec_field blame;
        char *buffer = malloc((size_t)length + HEC_DECODE_PADDING);
        if (hec_decode(decoder, &events[events_count], line, (size_t)length - 1, -1, buffer,
                       &blame) == HEC_OK) {
            events_count++;
        }
    }
    hec_decoder_free(decoder);
    fclose(file);
    free(line);
}

static void text(struct hec_event *event, enum hec_field field, const char *prefix, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof(name), "%s%08x", prefix, number * 2654435761u);
    event->value[field].text = hec_text_of(strdup(name));
    event->present |= (uint64_t)1 << field;
}

static void integer(struct hec_event *event, enum hec_field field, int64_t value)
{
    event->value[field].integer = value;
    event->present |= (uint64_t)1 << field;
}

static uint32_t random32(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Half a year of payments by 20 000 users: five entities each. */
static void make_events(void)
{
    uint64_t state = 1;
    for (; events_count < EVENTS_MAX / 2; events_count++) {
        struct hec_event *event = &events[events_count];
        uint32_t user = random32(&state) % 20000;
        event->type = HEC_CARD_AUTH;
        text(event, HEC_F_EVENT_ID, "e", (uint32_t)events_count);
        integer(event, HEC_F_EVENT_TIME_MS, 1700000000000 + (int64_t)events_count * 31000);
        text(event, HEC_F_USER_TOKEN, "u", user);
        text(event, HEC_F_CARD_TOKEN, "c", user);
        text(event, HEC_F_MERCHANT_ID, "m", random32(&state) % 2000);
        text(event, HEC_F_TERMINAL_ID, "t", random32(&state) % 5000);
        text(event, HEC_F_DEVICE_ID, "d", user + (random32(&state) % 50 == 0));
        integer(event, HEC_F_AMOUNT_MINOR, 100 + random32(&state) % 20000);
        text(event, HEC_F_RESPONSE_CODE, "0", random32(&state) % 10 == 0);
        event->value[HEC_F_CURRENCY].text = hec_text_of("EUR");
        event->present |= (uint64_t)1 << HEC_F_CURRENCY;
    }
}

static bool prefetch = true;
static long long applied[HEC_APPLIED_KINDS];
static long long touched_entities;

/* One pass over all events; ns an event. */
static double once(const struct hec_plan *plan, struct hec_entities *entities, bool read)
{
    static struct hec_touched touched[BATCH];
    static struct hec_entity *pool[BATCH * HEC_KINDS];
    static float numerics[HEC_FEATURES_MAX];
    static uint32_t categories[HEC_FEATURES_MAX];
    double start = now_ns();
    for (int from = 0; from < events_count; from += BATCH) {
        int count = events_count - from < BATCH ? events_count - from : BATCH;
        int used = 0;
        for (int stage = 0; stage < HEC_PREFETCH_STAGES && prefetch; stage++) {
            for (int i = 0; i < count; i++) {
                hec_plan_prefetch(plan, entities, &events[from + i], 0, stage);
            }
        }
        for (int i = 0; i < count; i++) {
            int n = hec_plan_want(plan, entities, &events[from + i], 0, &touched[i], pool + used);
            used += n;
        }
        touched_entities += used;
        for (int i = 0; i < count; i++) {
            struct hec_event *event = &events[from + i];
            enum hec_applied judged = hec_plan_judge(plan, event, from + i, &touched[i]);
            applied[judged]++;
            if (read && hec_event_is_scored(event->type)) {
                hec_plan_read(plan, event, &touched[i], numerics, categories);
            }
            if (judged == HEC_APPLIED &&
                hec_plan_apply(plan, entities, event, from + i, &touched[i]) != HEC_OK) {
                exit(1);
            }
        }
        hec_entities_unpin(entities);
    }
    return (now_ns() - start) / events_count;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench-state FEATURES [NDJSON]\n");
        return 2;
    }
    prefetch = getenv("NO_PREFETCH") == NULL;
    struct hec_plan *plan = plan_of_file(argv[1]);
    events = calloc(EVENTS_MAX, sizeof(*events));
    argc > 2 ? read_events(argv[2]) : make_events();

    double both[ROUNDS];
    double silent[ROUNDS];
    struct hec_entities_stats stats;
    char hex[33];
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct hec_entities *entities;
        if (hec_entities_new(&entities, plan, (size_t)4 << 30) != HEC_OK) {
            return 1;
        }
        hec_entities_set_complete(entities, 0, true);
        *(i % 2 == 0 ? &both[i / 2] : &silent[i / 2]) = once(plan, entities, i % 2 == 0);
        hec_entities_stats(entities, &stats);
        hec_entities_fingerprint(entities, 0, hex);
        hec_entities_free(entities);
    }
    qsort(both, ROUNDS, sizeof(*both), ascending);
    qsort(silent, ROUNDS, sizeof(*silent), ascending);
    double per_event = (double)touched_entities / (2.0 * ROUNDS * events_count);
    printf("events %d, entities an event %.2f, features %d\n", events_count, per_event,
           hec_plan_numerics(plan));
    printf("read and apply: %.0f ns an event, %.0f ns an entity\n", both[ROUNDS / 2],
           both[ROUNDS / 2] / per_event);
    printf("apply only:     %.0f ns an event, %.0f ns an entity\n", silent[ROUNDS / 2],
           silent[ROUNDS / 2] / per_event);
    printf("applied %lld duplicate %lld late %lld unlinked %lld\n", applied[HEC_APPLIED],
           applied[HEC_DUPLICATE], applied[HEC_TOO_LATE], applied[HEC_UNLINKED]);
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        printf("  %-9s %llu\n", hec_kind_info((enum hec_kind)kind)->name,
               (unsigned long long)stats.entries[kind]);
    }
    printf("bytes %llu, records %llu, %s\n", (unsigned long long)stats.bytes,
           (unsigned long long)stats.records, hex);
    hec_plan_free(plan);
    return 0;
}
