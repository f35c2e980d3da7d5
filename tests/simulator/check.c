/*
 * What must hold, asked after every step that the outside could notice. The numbers are those of
 * the invariants in the design.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/inside.h"
#include "sim.h"
#include "store/watermark.h"

static int told[SIM_PARTITIONS_MAX][4096]; /* at least once: outputs of an offset so far */

/* ---- Outputs: I5, I6, I11 ---- */

/* The score record says what the fold says: same outcome, same owned features. A row that is
 * marked degraded may differ, but only when Redis can have been away. */
static void check_score(const struct sim_output *output, const char *features, const char *outcome)
{
    char wanted[64], seen[256];
    float numerics[64];
    const char *at = strstr(output->value, "\"degraded\":true");
    if (at != NULL) {
        if (sim.profile.redis_cut + sim.profile.redis_late + sim.profile.redis_down +
                sim.profile.redis_older + sim.profile.redis_empty + sim.profile.redis_torn ==
            0) {
            sim_fail("a row is degraded although Redis was never away: %.300s", output->value);
        }
        return;
    }
    snprintf(wanted, sizeof(wanted), "\"outcome\":\"%s\"", outcome);
    if (strstr(output->value, wanted) == NULL) {
        sim_fail("partition %d, offset %lld: should be %s: %.400s", (int)output->partition,
                 (long long)output->offset, outcome, output->value);
    }
    at = strstr(output->value, "\"features\":[");
    seen[0] = '\0';
    if (at != NULL) {
        at += strlen("\"features\":[");
        for (int c = 0; *at != ']' && c < 64; c++) {
            at += *at == ',' || *at == '"';
            numerics[c] = strtof(at, (char **)&at);
            at += *at == '"';
            at += *at == ',';
        }
        sim_features_print(seen, sizeof(seen), numerics);
    }
    if (strcmp(seen, features) != 0) {
        sim_fail("partition %d, offset %lld: features are %s, should be %s: %.500s",
                 (int)output->partition, (long long)output->offset, seen, features, output->value);
    }
}

/* 1 when the output is the one that its offset must have. */
static int check_content(const struct sim_output *output)
{
    const char *features, *outcome;
    int32_t partition = output->partition;
    if (partition < 0 || partition >= sim.profile.partitions || output->offset < 0 ||
        output->offset >= sim_input[partition].count) {
        sim_fail("an output of topic %d is of partition %d, offset %lld: %.300s", output->topic,
                 (int)partition, (long long)output->offset, output->value);
    }
    enum sim_expected expected = sim_expect(partition, output->offset, &features, &outcome);
    if (output->topic == HEC_TO_ALERTS) {
        return 0;
    }
    enum sim_expected is = output->topic == HEC_TO_SCORES ? SIM_SCORE : SIM_LETTER;
    if (is != expected) {
        sim_fail("partition %d, offset %lld: an output of topic %d, should be of kind %d",
                 (int)partition, (long long)output->offset, output->topic, (int)expected);
    }
    if (is == SIM_SCORE) {
        check_score(output, features, outcome);
    }
    return 1;
}

/* By identity: events that were published, those of them in its last transaction, and those of
 * which whoever published them did not hear: he was gone. */
static int64_t published[SIM_ENGINES_MAX], published_last[SIM_ENGINES_MAX],
    unheard[SIM_ENGINES_MAX];

static int64_t events_between(int32_t partition, int64_t from, int64_t to)
{
    int64_t events = 0;
    for (int64_t o = from; o < to; o++) {
        events += !sim_input[partition].records[o].marker;
    }
    return events;
}

/* An event counts once, however often its transaction is rolled back and it is done again. */
static int64_t uncounted(int identity)
{
    return published[identity] - unheard[identity] - sim_counted(identity);
}

void sim_check_successor(const struct sim_producer *producer)
{
    int identity = (int)(producer - sim_cluster.producers);
    int64_t missing = uncounted(identity), last = published_last[identity];
    unheard[identity] += missing < 0 ? 0 : missing > last ? last : missing;
    published_last[identity] = 0;
}

/* What a transaction is about to publish is what its offsets say, neither more nor less. */
void sim_check_transaction(const struct sim_producer *producer)
{
    static int seen[SIM_PARTITIONS_MAX][4096];
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < producer->outputs_count; i++) {
        const struct sim_output *output = &producer->outputs[i];
        int counts = check_content(output);
        int64_t from = sim_cluster.committed[output->partition];
        if (output->offset < (from < 0 ? 0 : from) ||
            output->offset >= producer->offsets[output->partition]) {
            sim_fail("%s publishes partition %d, offset %lld, and commits %lld after %lld (I5)",
                     producer->id, (int)output->partition, (long long)output->offset,
                     (long long)producer->offsets[output->partition], (long long)from);
        }
        seen[output->partition][output->offset] += counts;
    }
    int64_t *events = &published_last[producer - sim_cluster.producers];
    *events = 0;
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        int64_t from = sim_cluster.committed[p] < 0 ? 0 : sim_cluster.committed[p];
        *events += events_between(p, from, producer->offsets[p]);
        if (producer->offsets[p] >= 0 && producer->offsets[p] < from) {
            sim_fail("%s commits partition %d at %lld, after %lld", producer->id, (int)p,
                     (long long)producer->offsets[p], (long long)from);
        }
        for (int64_t o = from; o < producer->offsets[p]; o++) {
            const char *features, *outcome;
            int wanted = sim_expect(p, o, &features, &outcome) != SIM_SILENT;
            if (seen[p][o] != wanted) {
                sim_fail("%s: partition %d, offset %lld has %d outputs, should have %d (I11)",
                         producer->id, (int)p, (long long)o, seen[p][o], wanted);
            }
        }
    }
    published[producer - sim_cluster.producers] += *events;
}

void sim_check_output(const struct sim_output *output)
{
    told[output->partition][output->offset] += check_content(output);
}

void sim_check_at_least_once(const int64_t *offsets)
{
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        int64_t from = sim_cluster.committed[p] < 0 ? 0 : sim_cluster.committed[p];
        for (int64_t o = from; o < offsets[p]; o++) {
            const char *features, *outcome;
            if (sim_expect(p, o, &features, &outcome) != SIM_SILENT && told[p][o] == 0) {
                sim_fail("partition %d, offset %lld is committed and was never told", (int)p,
                         (long long)o);
            }
        }
    }
}

/* ---- The store: I1, I2, I4, I8 ---- */

static void check_records(int32_t partition, const struct hec_watermark *watermark)
{
    char prefix[64], key[256];
    const void *wanted, *stored;
    size_t wanted_length, stored_length;
    const char *name;
    bool damaged;
    int prefix_length = snprintf(prefix, sizeof(prefix), SIM_PREFIX ":{%d}:%u:", (int)partition,
                                 (unsigned)watermark->generation);
    for (int i = 0; (name = sim_reference_record(partition, i, watermark->offset, &wanted,
                                                 &wanted_length)) != NULL;
         i++) {
        snprintf(key, sizeof(key), "%s%s", prefix, name);
        bool there = sim_server_get(key, &stored, &stored_length, &damaged);
        if (there && damaged) {
            continue;
        }
        if (there != (wanted != NULL) || (there && (stored_length != wanted_length ||
                                                    memcmp(stored, wanted, wanted_length) != 0))) {
            sim_fail("%s at watermark %lld: %s (I2)", key, (long long)watermark->offset,
                     !there           ? "is not stored"
                     : wanted == NULL ? "should not be stored"
                                      : "is not the fold of its events");
        }
    }
    int index = 0;
    while ((name = sim_server_key(prefix, &index)) != NULL) {
        if (sim_reference_find(partition, name + prefix_length) < 0) {
            sim_fail("%s: there never was such an entity (I2)", name);
        }
    }
}

void sim_check_stored(int32_t partition)
{
    char key[64];
    const void *bytes;
    size_t length;
    bool damaged;
    struct hec_watermark watermark;
    uint64_t epoch = 0, owner = 0;
    snprintf(key, sizeof(key), SIM_PREFIX ":wm:{%d}", (int)partition);
    if (!sim_server_get(key, &bytes, &length, &damaged) || damaged) {
        return;
    }
    if (!hec_watermark_parse(&watermark, (struct hec_view){ bytes, length })) {
        sim_fail("%s cannot be read: %.200s", key, (const char *)bytes);
    }
    if (watermark.offset > 0 && watermark.offset > sim_cluster.committed[partition]) {
        sim_fail("partition %d is stored up to %lld, committed up to %lld (I1)", (int)partition,
                 (long long)watermark.offset, (long long)sim_cluster.committed[partition]);
    }
    snprintf(key, sizeof(key), SIM_PREFIX ":own:{%d}", (int)partition);
    if (sim_server_get(key, &bytes, &length, &damaged)) {
        (void)hec_epoch_parse(&epoch, &owner, (struct hec_view){ bytes, length });
    }
    if (epoch < watermark.epoch) {
        sim_fail("partition %d was stored by epoch %" PRIu64 ", epoch %" PRIu64 " owns it (I4)",
                 (int)partition, watermark.epoch, epoch);
    }
    if (!sim_server_is_torn(partition, watermark.generation)) {
        check_records(partition, &watermark);
    }
}

/* ---- In memory: I1 ---- */

void sim_check_engine(const struct sim_process *process)
{
    const struct hec_engine *engine = process->engine;
    for (int32_t p = 0; engine != NULL && p < sim.profile.partitions; p++) {
        const struct hec_position *position = &engine->positions[p];
        if (position->assigned && position->stored > position->committed) {
            sim_fail("process %d, partition %d: stored %" PRId64 ", committed %" PRId64 " (I1)",
                     process->number, (int)p, position->stored, position->committed);
        }
        if (position->assigned && position->committed > sim_cluster.committed[p] &&
            sim_cluster.committed[p] >= 0) {
            sim_fail("process %d, partition %d: thinks %" PRId64 " is committed, it is %" PRId64,
                     process->number, (int)p, position->committed, sim_cluster.committed[p]);
        }
    }
}

/* A death between a commit and its answer loses counts; the process lost them anyway. */
void sim_check_counts(void)
{
    int64_t events = 0, counted = 0;
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        events += events_between(p, 0, sim_input[p].count);
    }
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        counted += sim_counted(i);
        sim_check_successor(&sim_cluster.producers[i]); /* nobody comes after a death at the end */
        if (!sim.profile.at_least_once && uncounted(i) > 0) {
            sim_fail("sim-%d published %" PRId64 " events and did not count %" PRId64 " of them", i,
                     published[i], uncounted(i));
        }
    }
    if (!sim.profile.at_least_once && counted > events) {
        sim_fail("%" PRId64 " events are counted as processed, there were %" PRId64, counted,
                 events);
    }
}

void sim_check_end(void)
{
    for (int32_t p = 0; p < sim.profile.partitions; p++) {
        sim_check_stored(p);
        if (sim_input[p].count > 0 && sim_cluster.committed[p] != sim_input[p].count) {
            sim_fail("partition %d ends at %" PRId64 ", committed is %" PRId64, (int)p,
                     sim_input[p].count, sim_cluster.committed[p]);
        }
    }
}
