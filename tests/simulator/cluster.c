/*
 * What the brokers know: one transaction coordinator, one group coordinator, and requests that are
 * still on their way.
 *
 * A request that ends a transaction names a producer and its epoch, nothing else. So one that
 * arrives late ends whatever transaction of that epoch is open then: that is Kafka before KIP-890,
 * and what its clients of that protocol meet for ever (Jepsen on Bufstream 0.1.0).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SESSION_US 10000000
#define TRANSACTION_US 10000000
#define LATE_MAX 64

struct sim_cluster sim_cluster;

static struct late {
    struct sim_producer *producer;
    int epoch;
    bool commit;
    int64_t at_us;
} late[LATE_MAX];
static int late_count, members_made;

void sim_cluster_make(void)
{
    memset(&sim_cluster, 0, sizeof(sim_cluster));
    late_count = 0;
    members_made = 0;
    for (int p = 0; p < SIM_PARTITIONS_MAX; p++) {
        sim_cluster.committed[p] = -1;
    }
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        snprintf(sim_cluster.producers[i].id, sizeof(sim_cluster.producers[i].id), "sim-%d", i);
    }
}

/* ---- Transactions ---- */

struct sim_producer *sim_producer_named(const char *id)
{
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        if (strcmp(sim_cluster.producers[i].id, id) == 0) {
            return &sim_cluster.producers[i];
        }
    }
    abort();
}

static void close_transaction(struct sim_producer *producer)
{
    producer->open = false;
    producer->outputs_count = 0;
    for (int p = 0; p < SIM_PARTITIONS_MAX; p++) {
        producer->offsets[p] = -1;
    }
}

void sim_producer_init(struct sim_producer *producer)
{
    if (producer->open) {
        sim_note("%s: what was open is aborted", producer->id);
    }
    close_transaction(producer);
    if (producer->process != sim.running) {
        sim_check_successor(producer);
    }
    producer->process = sim.running;
    producer->ended = SIM_EMPTY;
    producer->epoch++;
    sim_note("%s: epoch %d", producer->id, producer->epoch);
}

static void open_transaction(struct sim_producer *producer)
{
    if (!producer->open) {
        close_transaction(producer);
        producer->open = true;
        producer->began_us = sim.now_us;
    }
}

enum sim_answer sim_producer_add(struct sim_producer *producer, int epoch,
                                 const struct sim_output *output)
{
    if (epoch != producer->epoch) {
        return SIM_FENCED;
    }
    open_transaction(producer);
    if (output == NULL) {
        return SIM_OK;
    }
    size_t size = (size_t)(producer->outputs_count + 1) * sizeof(*output);
    producer->outputs = realloc(producer->outputs, size);
    producer->outputs[producer->outputs_count++] = *output;
    return SIM_OK;
}

enum sim_answer sim_producer_end(struct sim_producer *producer, int epoch, bool commit)
{
    if (epoch != producer->epoch) {
        return SIM_FENCED;
    }
    if (!producer->open) { /* said before: the answer is the same again */
        return producer->ended == (commit ? SIM_COMMITTED : SIM_ABORTED) ? SIM_OK : SIM_WRONG_STATE;
    }
    sim_note("%s: %s, %d records", producer->id, commit ? "commit" : "abort",
             producer->outputs_count);
    if (commit) {
        sim_check_transaction(producer);
        for (int p = 0; p < sim.profile.partitions; p++) {
            if (producer->offsets[p] >= 0) {
                sim_cluster.committed[p] = producer->offsets[p];
                memcpy(sim_cluster.metadata[p], producer->metadata[p], HEC_METADATA_BYTES_MAX);
            }
        }
    }
    close_transaction(producer);
    producer->ended = commit ? SIM_COMMITTED : SIM_ABORTED;
    return SIM_OK;
}

void sim_producer_end_late(struct sim_producer *producer, int epoch, bool commit, int64_t at_us)
{
    if (late_count < LATE_MAX) {
        late[late_count++] = (struct late){ producer, epoch, commit, at_us };
    }
}

bool sim_offsets_pending(int32_t partition)
{
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        const struct sim_producer *producer = &sim_cluster.producers[i];
        if (producer->open && producer->offsets[partition] >= 0) {
            return true;
        }
    }
    return false;
}

/* ---- The group ---- */

struct sim_member *sim_member_find(const char *id)
{
    for (int i = 0; i < sim_cluster.members_count; i++) {
        if (strcmp(sim_cluster.members[i].id, id) == 0) {
            return &sim_cluster.members[i];
        }
    }
    return NULL;
}

static int by_instance(const void *a, const void *b)
{
    return strcmp(((const struct sim_member *)a)->instance,
                  ((const struct sim_member *)b)->instance);
}

static void rebalance(void)
{
    sim_cluster.rebalancing = true;
    for (int i = 0; i < sim_cluster.members_count; i++) {
        sim_cluster.members[i].joined = false;
    }
}

/* The range assignor. */
static void finish_rebalance(void)
{
    int count = sim_cluster.members_count;
    for (int i = 0; i < count; i++) {
        if (!sim_cluster.members[i].joined) {
            return;
        }
    }
    if (count == 0) {
        return;
    }
    qsort(sim_cluster.members, (size_t)count, sizeof(struct sim_member), by_instance);
    int each = sim.profile.partitions / count, more = sim.profile.partitions % count, next = 0;
    for (int i = 0; i < count; i++) {
        struct sim_member *member = &sim_cluster.members[i];
        memset(member->assigned, 0, sizeof(member->assigned));
        for (int n = each + (i < more); n > 0; n--) {
            member->assigned[next++] = true;
        }
    }
    sim_cluster.generation++;
    sim_cluster.rebalancing = false;
    sim_note("group: generation %d, %d members", sim_cluster.generation, count);
}

void sim_member_leave(struct sim_member *member)
{
    int index = (int)(member - sim_cluster.members);
    sim_note("group: %s (%s) is gone", member->id, member->instance);
    memmove(member, member + 1,
            (size_t)(sim_cluster.members_count - index - 1) * sizeof(struct sim_member));
    sim_cluster.members_count--;
    rebalance();
}

bool sim_member_join(char id[32], const char *instance, struct sim_process *process)
{
    struct sim_member *member = NULL;
    for (int i = 0; i < sim_cluster.members_count; i++) {
        if (strcmp(sim_cluster.members[i].instance, instance) == 0) {
            member = &sim_cluster.members[i];
        }
    }
    if (id[0] != '\0') {
        if (member == NULL || strcmp(member->id, id) != 0) {
            return false;
        }
        member->joined = true;
        return true;
    }
    snprintf(id, 32, "member-%d", members_made++);
    if (member != NULL) { /* a static member that comes back takes its old place */
        snprintf(member->id, sizeof(member->id), "%s", id);
        member->process = process;
        member->seen_us = sim.now_us;
        member->joined = true;
        return true;
    }
    member = &sim_cluster.members[sim_cluster.members_count++];
    *member = (struct sim_member){ .process = process, .seen_us = sim.now_us };
    snprintf(member->id, sizeof(member->id), "%s", id);
    snprintf(member->instance, sizeof(member->instance), "%s", instance);
    rebalance();
    member->joined = true;
    return true;
}

/* ---- What happens by itself ---- */

void sim_cluster_tick(void)
{
    for (int i = 0; i < late_count; i++) {
        if (late[i].at_us <= sim.now_us) {
            struct late request = late[i];
            late[i--] = late[--late_count];
            enum sim_answer answer =
                sim_producer_end(request.producer, request.epoch, request.commit);
            sim_note("%s: a late EndTxn arrived: %d", request.producer->id, (int)answer);
        }
    }
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        struct sim_producer *producer = &sim_cluster.producers[i];
        if (producer->open && sim.now_us - producer->began_us > TRANSACTION_US) {
            sim_note("%s: the transaction's time is up", producer->id);
            close_transaction(producer);
            producer->epoch++;
        }
    }
    for (int i = 0; i < sim_cluster.members_count; i++) {
        struct sim_member *member = &sim_cluster.members[i];
        if (!member->process->dead && !sim_is_frozen(member->process)) {
            member->seen_us = sim.now_us;
        } else if (sim.now_us - member->seen_us > SESSION_US) {
            sim_member_leave(member);
            i--;
        }
    }
    if (sim_cluster.rebalancing) {
        finish_rebalance();
    }
}

int64_t sim_cluster_next_us(void)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < late_count; i++) {
        next = late[i].at_us < next ? late[i].at_us : next;
    }
    for (int i = 0; i < SIM_ENGINES_MAX; i++) {
        const struct sim_producer *producer = &sim_cluster.producers[i];
        int64_t end_us = producer->began_us + TRANSACTION_US + 1;
        next = producer->open && end_us < next ? end_us : next;
    }
    for (int i = 0; i < sim_cluster.members_count; i++) {
        const struct sim_member *member = &sim_cluster.members[i];
        int64_t end_us = member->seen_us + SESSION_US + 1;
        bool silent = member->process->dead || sim_is_frozen(member->process);
        next = silent && end_us < next ? end_us : next;
    }
    return next;
}
