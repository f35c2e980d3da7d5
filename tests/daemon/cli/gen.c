/* The made-up bank: the same bytes again, in time order, each a good event, every crime planted. */
#include "cli/gen.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/lines.h"
#include "file/when.h"

#define START_MS INT64_C(1736121600000)

static char events_path[64], truth_path[64];

static void begin(void)
{
    snprintf(events_path, sizeof(events_path), "/tmp/hecate-gen-%d.ndjson", (int)getpid());
    snprintf(truth_path, sizeof(truth_path), "/tmp/hecate-gen-%d.csv", (int)getpid());
}

static void end(void)
{
    unlink(events_path);
    unlink(truth_path);
}

TestSuite(gen, .init = begin, .fini = end);

static void tell(void *user, uint64_t events, double part)
{
    (void)user;
    (void)events;
    cr_expect(part >= 0 && part <= 1);
}

static struct hec_gen generate(uint32_t users, uint32_t days, uint64_t seed)
{
    struct hec_gen gen = { .options = { users, days, seed, START_MS } };
    cr_assert_eq(hec_output_open(&gen.out, events_path, NULL), HEC_OK);
    cr_assert_eq(hec_output_open(&gen.truth, truth_path, NULL), HEC_OK);
    cr_assert_eq(hec_gen_run(&gen, tell, NULL), HEC_OK);
    cr_assert_eq(hec_output_close(gen.out, NULL), HEC_OK);
    cr_assert_eq(hec_output_close(gen.truth, NULL), HEC_OK);
    hec_gen_free(&gen);
    return gen;
}

static char *slurp(const char *path)
{
    const char *paths[] = { path };
    struct hec_lines *lines = NULL;
    struct hec_line line;
    size_t count, length = 0, room = 1 << 20;
    char *text = malloc(room);
    cr_assert_eq(hec_lines_open(&lines, paths, 1, 65536, NULL), HEC_OK);
    while (hec_lines_read(lines, &line, 1, &count, NULL) == HEC_OK) {
        if (room - length < line.length + 2) {
            room *= 2;
            text = realloc(text, room);
        }
        memcpy(text + length, line.bytes, line.length);
        length += line.length;
        text[length++] = '\n';
    }
    text[length] = '\0';
    hec_lines_free(lines);
    return text;
}

Test(gen, gives_the_same_bytes_for_the_same_seed_and_others_for_another)
{
    generate(60, 20, 3);
    char *first = slurp(events_path), *first_truth = slurp(truth_path);
    generate(60, 20, 3);
    char *second = slurp(events_path), *second_truth = slurp(truth_path);
    cr_expect_str_eq(first, second);
    cr_expect_str_eq(first_truth, second_truth);
    generate(60, 20, 4);
    char *other = slurp(events_path);
    cr_expect_str_neq(first, other);
    free(first);
    free(second);
    free(other);
    free(first_truth);
    free(second_truth);
}

Test(gen, gives_good_events_in_time_order_with_ids_of_their_own)
{
    struct hec_gen gen = generate(300, 40, 5);
    const char *paths[] = { events_path };
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    struct hec_decoder *decoder = NULL;
    struct hec_lines *lines = NULL;
    struct hec_line line;
    size_t found;
    char *buffer = malloc(65536 + HEC_DECODE_PADDING), *seen = calloc(gen.events, 1);
    uint64_t count = 0, types[HEC_EVENT_TYPES] = { 0 };
    int64_t last_ms = START_MS;
    cr_assert_eq(hec_decoder_new(&decoder, &limits), HEC_OK);
    cr_assert_eq(hec_lines_open(&lines, paths, 1, 65536, NULL), HEC_OK);
    while (hec_lines_read(lines, &line, 1, &found, NULL) == HEC_OK) {
        struct hec_event event;
        enum hec_field blame;
        cr_assert_eq(hec_decode(decoder, &event, line.bytes, line.length, -1, buffer, &blame),
                     HEC_OK, "%.*s", (int)line.length, line.bytes);
        cr_assert(hec_event_ms(&event) >= last_ms, "line %d", (int)line.number);
        last_ms = hec_event_ms(&event);
        char id[32] = { 0 };
        memcpy(id, event.value[HEC_F_EVENT_ID].text.bytes + 1,
               event.value[HEC_F_EVENT_ID].text.length - 1);
        uint64_t number = strtoull(id, NULL, 10);
        cr_assert(number < gen.events && !seen[number]);
        seen[number] = 1;
        types[event.type]++;
        if (event.type == HEC_LABEL) {
            cr_assert(event.value[HEC_F_TARGET_EVENT_TIME_MS].integer < last_ms);
        }
        count++;
    }
    cr_expect_eq(count, gen.events);
    cr_expect(last_ms < START_MS + 40 * HEC_DAY_MS);
    for (int type = 0; type <= HEC_LABEL; type++) {
        cr_expect(types[type] > 50, "%s", hec_event_type_name((enum hec_event_type)type));
    }
    cr_expect(gen.frauds * 200 > count && gen.frauds * 20 < count, "half a percent to five");
    hec_lines_free(lines);
    hec_decoder_free(decoder);
    free(buffer);
    free(seen);
}

Test(gen, plants_every_pattern_even_in_a_short_stream)
{
    static const char *const NAMES[] = {
#define NAME(enumerator, name, head) name,
        HEC_GEN_PATTERN_TABLE(NAME)
#undef NAME
    };
    generate(100, 14, 1);
    char *truth = slurp(truth_path);
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char cell[64];
        snprintf(cell, sizeof(cell), ",%s,", NAMES[i]);
        bool chance = strcmp(NAMES[i], "wrong_label") == 0;
        cr_expect(chance || strstr(truth, cell) != NULL, "%s", NAMES[i]);
    }
    free(truth);
}

Test(gen, begins_the_novelty_late_and_never_labels_it)
{
    generate(200, 50, 2);
    char *truth = slurp(truth_path), *events = slurp(events_path);
    int bursts = 0;
    for (char *at = truth; (at = strstr(at, ",anomaly,mule_burst,1,")) != NULL; at++) {
        char *start = at;
        while (start[-1] != '\n') {
            start--;
        }
        char target[64];
        snprintf(target, sizeof(target), "\"target_event_id\":\"%.*s\"", (int)(at - start), start);
        cr_expect_null(strstr(events, target), "%s", target);
        long long ms = atoll(strchr(strchr(at + 22, ',') + 0, ',') + 1);
        cr_expect(ms >= START_MS + 40 * HEC_DAY_MS, "%lld", ms);
        bursts++;
    }
    cr_expect(bursts >= 30, "%d", bursts);
    free(truth);
    free(events);
}
