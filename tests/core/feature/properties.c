/*
 * What must hold of every stream, tried on five hundred random ones each (HECATE_STREAMS: as many
 * as you like, HECATE_SEED: the first). A stream is named by its seed, which also says how busy,
 * how late and how forgetful it is; a failure prints it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "hecate/batch.h"
#include "schema.h"
#include "stream.h"

enum { EVENTS = 60, BATCH_MAX = 24, PARTITIONS_MAX = 4, RECORDS_MAX = 256 };
#define HOUR INT64_C(3600000)

static struct hec_plan *plan;
static struct hec_random random_;

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Every test makes its way over the same seeds. */
#define FOR_EACH_STREAM(seed)                                                                      \
    for (uint64_t seed = number_of("HECATE_SEED", 1),                                              \
                  last_ = seed + number_of("HECATE_STREAMS", 500);                                 \
         seed < last_; seed++)

static void begin(void)
{
    struct hec_schema *schema = schema_of_file("tests/data/features-every.conf");
    struct hec_error error = { 0 };
    schema->allowed_lateness_ms = 300000; /* what streams call a little late */
    cr_assert_eq(hec_plan_new(&plan, schema, &error), HEC_OK, "%s", error.text);
    free(schema);
    fprintf(stderr, "# seeds from %llu, %llu streams of %d events\n",
            (unsigned long long)number_of("HECATE_SEED", 1),
            (unsigned long long)number_of("HECATE_STREAMS", 500), EVENTS);
}

static void end(void)
{
    hec_plan_free(plan);
}

TestSuite(properties, .init = begin, .fini = end);

static int below(int n)
{
    return (int)hec_random_below(&random_, (uint64_t)n);
}

static struct stream *stream_of(uint64_t seed, bool in_order)
{
    static const int64_t STEPS_MS[] = { 1000, 60000, 600000, 4 * HOUR, 48 * HOUR };
    random_ = hec_random_at(seed, 77);
    struct stream *stream = stream_new_short(seed, STEPS_MS[below(5)], EVENTS);
    stream->users = 1 + below(6);
    stream->merchants = 1 + below(4);
    stream->late_per_mille = in_order ? 0 : below(100);
    stream->forgets = !in_order && below(2) == 0;
    for (int n = 0; n < EVENTS; n++) {
        stream_next(stream);
    }
    return stream;
}

/* One way through a stream: a table, batches, and what each event was told. */
struct way {
    struct hec_entities *entities;
    struct hec_batch *batch;
    int partitions;
    int shuffled[PARTITIONS_MAX]; /* a partition's name */
    uint64_t rows[EVENTS];        /* of numbers and categories; 0: no row */
    enum hec_outcome outcomes[EVENTS];
};

static struct hec_entities *table_of(int partitions, bool complete)
{
    static const bool OWNED[PARTITIONS_MAX] = { true, true, true, true };
    struct hec_entities *entities;
    cr_assert_eq(hec_entities_new(&entities, plan, (size_t)64 << 20), HEC_OK);
    hec_entities_set_partitions(entities, partitions, OWNED);
    for (int p = 0; p < partitions; p++) {
        hec_entities_set_complete(entities, p, complete);
    }
    return entities;
}

static struct way way_of(int partitions)
{
    static const struct hec_decode_limits LIMITS = { 1024, 60000 };
    struct way way = { .entities = table_of(partitions, true), .partitions = partitions };
    for (int p = 0; p < PARTITIONS_MAX; p++) {
        way.shuffled[p] = p;
    }
    cr_assert_eq(hec_batch_new(&way.batch, plan, &LIMITS, partitions, BATCH_MAX), HEC_OK);
    return way;
}

static void way_end(struct way *way)
{
    hec_batch_free(way->batch);
    hec_entities_free(way->entities);
}

static int32_t partition_of(const struct way *way, const struct hec_event *event)
{
    int finest = event->value[HEC_F_USER_TOKEN].text.bytes[1] % PARTITIONS_MAX;
    return way->shuffled[finest * way->partitions / PARTITIONS_MAX];
}

/* A row as decoding would have made it. */
static void put(struct way *way, const struct hec_event *event, int n)
{
    struct hec_row *row = &way->batch->rows[way->batch->rows_count++];
    *row = (struct hec_row){ .partition = partition_of(way, event),
                             .offset = n,
                             .record_ms = -1,
                             .event = *event,
                             .scored = -1 };
}

static uint64_t row_hash(const struct hec_batch *batch, int scored)
{
    size_t numerics = (size_t)hec_plan_numerics(plan),
           categories = (size_t)hec_plan_categories(plan);
    uint64_t hash = XXH3_64bits(batch->numerics + (size_t)scored * numerics, numerics * 4);
    return 1 | XXH3_64bits_withSeed(batch->categories + (size_t)scored * categories, categories * 4,
                                    hash);
}

/* Events from .. to - 1, in batches of random sizes. */
static void go(struct way *way, const struct hec_event *events, int from, int to)
{
    while (from < to) {
        int count = 1 + below(BATCH_MAX);
        count = count < to - from ? count : to - from;
        hec_batch_reset(way->batch);
        for (int i = 0; i < count; i++) {
            put(way, &events[from + i], from + i);
        }
        cr_assert_eq(hec_batch_want(way->batch, way->entities), HEC_OK);
        cr_assert_eq(hec_batch_read(way->batch, way->entities), HEC_OK);
        for (int i = 0; i < count; i++) {
            const struct hec_row *row = &way->batch->rows[i];
            way->rows[from + i] = row->scored < 0 ? 0 : row_hash(way->batch, row->scored);
            way->outcomes[from + i] = row->outcome;
        }
        hec_entities_unpin(way->entities);
        from += count;
    }
}

static const char *print_of(const struct way *way)
{
    static char hex[4][33];
    static int next;
    hec_entities_fingerprint(way->entities, 0, hex[++next % 4]);
    return hex[next % 4];
}

/* What a store would hold. */
struct stored {
    int count;
    struct {
        struct hec_entity_id id;
        char token[HEC_TOKEN_BYTES_MAX];
        uint8_t *bytes;
        size_t length; /* 0: deleted */
    } records[RECORDS_MAX];
};

static int place_of(const struct stored *stored, const struct hec_entity_id *id)
{
    int i = 0;
    while (i < stored->count &&
           !(stored->records[i].id.kind == id->kind &&
             stored->records[i].id.partition == id->partition &&
             stored->records[i].id.token.length == id->token.length &&
             memcmp(stored->records[i].token, id->token.bytes, id->token.length) == 0)) {
        i++;
    }
    return i;
}

static void cut(struct stored *stored, struct hec_entities *entities, int partitions)
{
    for (int p = 0; p < partitions; p++) {
        struct hec_image image;
        cr_assert_eq(hec_entities_cut(entities, p, &image), HEC_OK);
        for (size_t r = 0; r < image.count; r++) {
            const struct hec_image_record *record = &image.records[r];
            int i = place_of(stored, &record->id);
            cr_assert_lt(i, RECORDS_MAX);
            if (i == stored->count) {
                stored->records[stored->count++].bytes = NULL;
                memcpy(stored->records[i].token, record->id.token.bytes, record->id.token.length);
                stored->records[i].id = record->id;
                stored->records[i].id.token.bytes = stored->records[i].token;
            }
            free(stored->records[i].bytes);
            stored->records[i].bytes = malloc(record->length + 1);
            stored->records[i].length = record->length;
            cr_assert_not_null(stored->records[i].bytes);
            memcpy(stored->records[i].bytes, record->length > 0 ? record->bytes : "",
                   record->length);
        }
    }
}

static void kept(struct hec_entities *entities, int partitions)
{
    for (int p = 0; p < partitions; p++) {
        hec_entities_kept(entities, p);
    }
}

static void store(struct stored *stored, struct hec_entities *entities, int partitions)
{
    cut(stored, entities, partitions);
    kept(entities, partitions);
}

static void stored_end(struct stored *stored)
{
    for (int i = 0; i < stored->count; i++) {
        free(stored->records[i].bytes);
    }
    stored->count = 0;
}

/* A new table that knows only what the store holds. */
static struct hec_entities *table_from(const struct stored *stored, int partitions)
{
    struct hec_entities *entities = table_of(partitions, false);
    for (int i = 0; i < stored->count; i++) {
        const struct hec_entity_id *id = &stored->records[i].id;
        struct hec_entity *entity =
            hec_entities_want(entities, id->partition, id->kind, &id->token);
        if (stored->records[i].length == 0) {
            hec_entities_absent(entities, entity);
        } else {
            cr_assert_eq(hec_entities_adopt(entities, entity, stored->records[i].bytes,
                                            stored->records[i].length),
                         HEC_OK);
        }
    }
    hec_entities_unpin(entities);
    for (int p = 0; p < partitions; p++) {
        hec_entities_set_complete(entities, p, true);
    }
    return entities;
}

/* What an event is told by a table that never applied it. */
static uint64_t row_alone(struct way *way, const struct hec_event *event)
{
    static struct hec_entity *pool[HEC_KINDS * PARTITIONS_MAX];
    struct hec_touched touched;
    cr_assert_geq(hec_plan_want(plan, way->entities, event, 0, &touched, pool), 0);
    hec_plan_read(plan, event, &touched, way->batch->numerics, way->batch->categories);
    hec_entities_unpin(way->entities);
    return row_hash(way->batch, 0);
}

/* The other stream has the same beginning and other events from some place on. That place's own row
 * is read once more from a table that ends before it. */
Test(properties, no_event_sees_itself_or_a_later_one)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false), *other = stream_of(seed + 1000000, false);
        static struct hec_event changed[EVENTS];
        struct way one = way_of(1), two = way_of(1), alone = way_of(1);
        int from = below(EVENTS);
        memcpy(changed, stream->events, sizeof(changed));
        memcpy(changed + from, other->events + from, (size_t)(EVENTS - from) * sizeof(*changed));
        go(&one, stream->events, 0, EVENTS);
        go(&two, changed, 0, EVENTS);
        cr_assert_eq(memcmp(one.rows, two.rows, (size_t)from * sizeof(*one.rows)), 0,
                     "seed %llu: one of the first %d events sees a later one",
                     (unsigned long long)seed, from);
        go(&alone, stream->events, 0, from);
        cr_assert(one.rows[from] == 0 || one.rows[from] == row_alone(&alone, &stream->events[from]),
                  "seed %llu: event %d sees itself", (unsigned long long)seed, from);
        way_end(&one);
        way_end(&two);
        way_end(&alone);
        stream_free(stream);
        stream_free(other);
    }
}

/* Checkpoints are cut at any moment and stored when the table has already gone on; then it lives,
 * or a new one begins where the cut was. */
Test(properties, any_cutting_into_batches_and_restarts_gives_the_same_bytes)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false);
        struct way one = way_of(1), other = way_of(1);
        static struct stored stored;
        go(&one, stream->events, 0, EVENTS);
        for (int from = 0; from < EVENTS;) {
            int to = from + 1 + below(EVENTS / 3), ahead = to + below(EVENTS / 3);
            to = to < EVENTS ? to : EVENTS;
            ahead = ahead < EVENTS ? ahead : EVENTS;
            go(&other, stream->events, from, to);
            cut(&stored, other.entities, 1);
            go(&other, stream->events, to, ahead);
            kept(other.entities, 1);
            from = ahead;
            if (below(3) > 0) {
                hec_entities_free(other.entities);
                other.entities = table_from(&stored, 1);
                from = to;
            }
        }
        cr_assert_str_eq(print_of(&one), print_of(&other), "seed %llu", (unsigned long long)seed);
        cr_assert_eq(memcmp(one.rows, other.rows, sizeof(one.rows)), 0, "seed %llu: rows differ",
                     (unsigned long long)seed);
        stored_end(&stored);
        way_end(&one);
        way_end(&other);
        stream_free(stream);
    }
}

/* Users and cards: whatever the partitions, each of their records has the same bytes. */
Test(properties, any_cutting_into_partitions_gives_owned_entities_the_same_bytes)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false);
        struct way one = way_of(1), many = way_of(2 + below(3));
        static struct stored of_one, of_many;
        go(&one, stream->events, 0, EVENTS);
        go(&many, stream->events, 0, EVENTS);
        store(&of_one, one.entities, 1);
        store(&of_many, many.entities, many.partitions);
        for (int i = 0; i < of_many.count; i++) {
            struct hec_entity_id id = of_many.records[i].id;
            if (!hec_kind_info(id.kind)->owned || stream->forgets) {
                continue; /* forgetting goes to one partition here, to all in the daemon */
            }
            id.partition = 0;
            int same = place_of(&of_one, &id);
            cr_assert_lt(same, of_one.count);
            cr_assert_eq(of_one.records[same].length, of_many.records[i].length);
            cr_assert_eq(memcmp(of_one.records[same].bytes, of_many.records[i].bytes,
                                of_many.records[i].length),
                         0, "seed %llu: %s %.*s", (unsigned long long)seed,
                         hec_kind_info(id.kind)->name, (int)id.token.length, id.token.bytes);
        }
        stored_end(&of_one);
        stored_end(&of_many);
        way_end(&one);
        way_end(&many);
        stream_free(stream);
    }
}

/* Records that were stored later than others have seen more: each must know by itself. */
static void apply_again(struct way *way, const struct hec_event *events, int from)
{
    static struct hec_entity *pool[HEC_KINDS * PARTITIONS_MAX];
    for (int n = from; n < EVENTS; n++) {
        struct hec_touched touched;
        bool applied = way->outcomes[n] == HEC_OUT_SCORED || way->outcomes[n] == HEC_OUT_SILENT;
        if (applied) {
            cr_assert_geq(hec_plan_want(plan, way->entities, &events[n], 0, &touched, pool), 0);
            cr_assert_eq(hec_plan_apply(plan, way->entities, &events[n], n, &touched), HEC_OK);
            hec_entities_unpin(way->entities);
        }
    }
}

/* As after a crash: the newest events come once more, from anywhere on. */
Test(properties, applying_twice_is_applying_once)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false);
        struct way one = way_of(1), twice = way_of(1);
        int until = 1 + below(EVENTS);
        go(&one, stream->events, 0, EVENTS);
        go(&twice, stream->events, 0, until);
        go(&twice, stream->events, below(until), EVENTS);
        cr_assert_str_eq(print_of(&one), print_of(&twice), "seed %llu", (unsigned long long)seed);
        apply_again(&one, stream->events, below(EVENTS));
        cr_assert_str_eq(print_of(&one), print_of(&twice), "seed %llu: a record applied again",
                         (unsigned long long)seed);
        way_end(&one);
        way_end(&twice);
        stream_free(stream);
    }
}

/* Shards one by one, in pairs, all in one, and under other names: whoever reads is told the same.
 */
Test(properties, shards_merge_in_any_order_and_grouping_to_what_one_stream_knows)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, true);
        struct way one = way_of(1);
        go(&one, stream->events, 0, EVENTS);
        for (int partitions = 2; partitions <= PARTITIONS_MAX; partitions += 2) {
            struct way many = way_of(partitions);
            for (int p = 1; p < partitions; p++) {
                int with = below(p + 1), name = many.shuffled[p];
                many.shuffled[p] = many.shuffled[with];
                many.shuffled[with] = name;
            }
            go(&many, stream->events, 0, EVENTS);
            for (int n = 0; n < EVENTS; n++) {
                cr_assert_eq(one.outcomes[n], many.outcomes[n]);
                cr_assert_eq(one.rows[n], many.rows[n],
                             "seed %llu: event %d, %d partitions, the first is called %d",
                             (unsigned long long)seed, n, partitions, many.shuffled[0]);
            }
            way_end(&many);
        }
        way_end(&one);
        stream_free(stream);
    }
}

Test(properties, storing_and_taking_back_is_the_identity)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false);
        struct way one = way_of(PARTITIONS_MAX);
        static struct stored stored;
        go(&one, stream->events, 0, EVENTS);
        store(&stored, one.entities, one.partitions);
        struct hec_entities *back = table_from(&stored, one.partitions);
        for (int p = 0; p < one.partitions; p++) {
            char before[33], after[33];
            hec_entities_fingerprint(one.entities, p, before);
            hec_entities_fingerprint(back, p, after);
            cr_assert_str_eq(before, after, "seed %llu, partition %d", (unsigned long long)seed, p);
        }
        hec_entities_free(back);
        stored_end(&stored);
        way_end(&one);
        stream_free(stream);
    }
}

/* Bits from first on, every step-th; each refused alone, and the record is taken when all is well.
 */
static void flip(struct hec_entities *entities, const struct hec_entity_id *id, uint8_t *bytes,
                 size_t length, size_t first, size_t step, uint64_t seed)
{
    struct hec_entity *entity = hec_entities_want(entities, id->partition, id->kind, &id->token);
    for (size_t bit = first; bit < length * 8; bit += step) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(hec_entities_adopt(entities, entity, bytes, length), HEC_OK,
                      "seed %llu: bit %zu of %s %.*s", (unsigned long long)seed, bit,
                      hec_kind_info(id->kind)->name, (int)id->token.length, id->token.bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_eq(hec_entities_adopt(entities, entity, bytes, length), HEC_OK);
}

Test(properties, one_flipped_bit_is_noticed)
{
    FOR_EACH_STREAM(seed)
    {
        struct stream *stream = stream_of(seed, false);
        struct way one = way_of(1);
        static struct stored stored;
        go(&one, stream->events, 0, EVENTS);
        store(&stored, one.entities, 1);
        struct hec_entities *entities = table_of(1, false);
        for (int i = 0; i < stored.count; i++) {
            size_t bits = stored.records[i].length * 8;
            if (bits > 0) {
                size_t step = seed % 100 == 0 ? 1 : bits / 8; /* all, or some */
                flip(entities, &stored.records[i].id, stored.records[i].bytes,
                     stored.records[i].length, (size_t)below((int)step), step, seed);
            }
        }
        hec_entities_free(entities);
        stored_end(&stored);
        way_end(&one);
        stream_free(stream);
    }
}
