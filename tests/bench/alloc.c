/*
 * How often the way of an event allocates once everything is warm: not at all.
 *
 *   alloc MODEL FEATURES EVENTS.ndjson
 *
 * The events pass through batch, entities and scorer four times, each time a hundred days later and
 * under other ids, so that the entities stay the same ones. malloc and its sisters are interposed;
 * what they are asked in the last pass is printed, and is the exit status when it is not 0. Loading
 * from a store and writing outputs are not on this way.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/model_file.h"
#include "hecate/batch.h"
#include "hecate/scorer.h"
#include "ops/features_file.h"

#define PASSES 4
#define SHIFT_MS (INT64_C(100) * 86400 * 1000)
#define ROWS 64

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);

static atomic_long asked;

void *malloc(size_t bytes)
{
    asked++;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    asked++;
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    asked++;
    return __libc_realloc(memory, bytes);
}

struct line {
    char *text;
    size_t length;
};

static struct line *lines;
static size_t lines_count;

static void must(enum hec_status status, const struct hec_error *error)
{
    if (status != HEC_OK) {
        fprintf(stderr, "alloc: %s\n", error->text);
        exit(1);
    }
}

static void read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 0, lines_room = 0;
    char *text = NULL;
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (ssize_t length; (length = getline(&text, &room, file)) > 1; lines_count++) {
        if (lines_count == lines_room) {
            lines_room = lines_room == 0 ? 1024 : 2 * lines_room;
            lines = realloc(lines, lines_room * sizeof(*lines));
        }
        lines[lines_count] = (struct line){ strndup(text, (size_t)length - 1), (size_t)length - 1 };
    }
    free(text);
    fclose(file);
}

/* The same event later and under another id; every number keeps its thirteen digits. */
static void move_on(struct line *line)
{
    static const char *const TIMES[] = { "\"event_time_ms\":", "\"target_event_time_ms\":",
                                         "\"payee_added_ms\":" };
    static const char *const IDS[] = { "\"event_id\":\"", "\"target_event_id\":\"" };
    for (size_t i = 0; i < sizeof(TIMES) / sizeof(*TIMES); i++) {
        char *at = strstr(line->text, TIMES[i]);
        if (at != NULL) {
            char digits[32];
            at += strlen(TIMES[i]);
            snprintf(digits, sizeof(digits), "%lld", strtoll(at, NULL, 10) + (long long)SHIFT_MS);
            memcpy(at, digits, 13);
        }
    }
    for (size_t i = 0; i < sizeof(IDS) / sizeof(*IDS); i++) {
        char *at = strstr(line->text, IDS[i]);
        if (at != NULL) {
            at[strlen(IDS[i])]++;
        }
    }
}

static size_t pass(struct hec_batch *batch, struct hec_entities *entities,
                   struct hec_scorer *scorer, int64_t *offset)
{
    size_t scored = 0;
    for (size_t i = 0; i < lines_count;) {
        hec_batch_reset(batch);
        for (; i < lines_count && batch->rows_count < ROWS; i++) {
            (void)hec_batch_add(batch, lines[i].text, lines[i].length, NULL, 0, 0, (*offset)++, -1);
        }
        struct hec_error error = { .text = "out of memory" };
        must(hec_batch_want(batch, entities), &error);
        for (int m = 0; m < batch->missing_count; m++) {
            hec_entities_absent(entities, batch->missing[m]);
        }
        must(hec_scorer_run(scorer, batch, entities), &error);
        hec_entities_unpin(entities);
        scored += (size_t)batch->scored_count;
    }
    return scored;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: alloc MODEL FEATURES EVENTS.ndjson\n", stderr);
        return 2;
    }
    struct hec_error error = { 0 };
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_plan *plan;
    struct hec_model *model;
    struct hec_batch *batch;
    struct hec_entities *entities;
    struct hec_scorer *scorer;
    char sha256[HEC_SHA256_HEX];
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    must(hec_features_file_load(argv[2], schema, &error), &error);
    must(hec_plan_new(&plan, schema, &error), &error);
    must(hec_model_file_load(&model, sha256, argv[1], hec_plan_digest(plan), &error), &error);
    must(hec_entities_new(&entities, plan, (size_t)1 << 30), &error);
    must(hec_batch_new(&batch, plan, &limits, 1, ROWS), &error);
    must(hec_scorer_new(&scorer, plan, model, ROWS, &error), &error);
    static const bool OWNED[1] = { true };
    hec_entities_set_partitions(entities, 1, OWNED);
    hec_entities_set_complete(entities, 0, true);
    read_lines(argv[3]);

    int64_t offset = 0;
    long last = 0;
    for (int i = 0; i < PASSES; i++) {
        long before = asked;
        size_t scored = pass(batch, entities, scorer, &offset);
        last = asked - before;
        printf("pass %d: %zu of %zu events scored, %ld allocations\n", i + 1, scored, lines_count,
               last);
        if (scored == 0) {
            return 1;
        }
        for (size_t l = 0; l < lines_count; l++) {
            move_on(&lines[l]);
        }
    }
    return last == 0 ? 0 : 1;
}
