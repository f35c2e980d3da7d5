/*
 * What a crowd costs: does an event's price depend on how many others the engine remembers?
 *
 *   bench-crowd flat FEATURES [LARGEST]     from 10 k entities to LARGEST (1 M), without and with
 * the prefetch pass: the same habits, only more people bench-crowd hot FEATURES                one
 * customer with half of all events, against none bench-crowd memory FEATURES [ENTITIES]  bytes an
 * entity a kind for a bank's mix (4 M)
 *
 * FEATURES is a features.conf of the tests' own small grammar. Events are made up batch by batch,
 * outside the time that is taken, so that they are in cache as they are after a decoder. Time is
 * the CPU's of this thread, for wanting, judging, reading and applying; medians of five tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "hecate/entity.h"
#include "hecate/feature.h"
#include "hecate/random.h"
#include "schema.h"
#include "stream.h"

enum { ROUNDS = 5, BATCH = 64, NAMES = 10, NAME_BYTES = 24 };

#define DAY_MS 86400000LL

/* People and the things they touch. */
struct crowd {
    struct hec_random random;
    uint32_t users, shops;
    bool mixed;         /* a bank's mix of event types and habits, else payments of five entities */
    uint32_t hot_share; /* percent of the events that are user 0's */
    int64_t clock_ms, step_us, step_rest_us;
    int64_t offset;
    struct hec_event events[BATCH];
    char names[BATCH][NAMES][NAME_BYTES];
};

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

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), ascending);
    return values[ROUNDS / 2];
}

static void name_it(struct crowd *crowd, int row, enum hec_field field, const char *prefix,
                    uint32_t number)
{
    /* A name of each field has its own buffer: they are views. */
    static const enum hec_field fields[NAMES] = { HEC_F_EVENT_ID,    HEC_F_USER_TOKEN,
                                                  HEC_F_CARD_TOKEN,  HEC_F_DEVICE_ID,
                                                  HEC_F_MERCHANT_ID, HEC_F_TERMINAL_ID,
                                                  HEC_F_IP,          HEC_F_CREDITOR_TOKEN,
                                                  HEC_F_MCC,         HEC_F_ACCOUNT_TOKEN };
    int at = 0;
    while (fields[at] != field) {
        at++;
    }
    char *name = crowd->names[row][at];
    snprintf(name, NAME_BYTES, "%s%08x", prefix, number * 2654435761u);
    made_text(&crowd->events[row], field, name);
}

static uint32_t below(struct crowd *crowd, uint32_t n)
{
    return (uint32_t)hec_random_below(&crowd->random, n);
}

static void pay(struct crowd *crowd, int row, uint32_t user)
{
    struct hec_event *event = &crowd->events[row];
    uint32_t shop = below(crowd, crowd->shops);
    name_it(crowd, row, HEC_F_CARD_TOKEN, "c", user * 2 + (below(crowd, 8) == 0));
    name_it(crowd, row, HEC_F_MERCHANT_ID, "m", shop / 3);
    name_it(crowd, row, HEC_F_TERMINAL_ID, "t", shop);
    snprintf(crowd->names[row][8], NAME_BYTES, "%04u", 5000 + shop % 40);
    made_text(event, HEC_F_MCC, crowd->names[row][8]);
    made_integer(event, HEC_F_AMOUNT_MINOR, 100 + below(crowd, 20000));
    made_text(event, HEC_F_CURRENCY, "EUR");
    made_text(event, HEC_F_RESPONSE_CODE, below(crowd, 20) == 0 ? "05" : "00");
}

/* A customer's own device and address, now and then a new one. */
static void reach(struct crowd *crowd, int row, uint32_t user)
{
    uint32_t odd = below(crowd, 50) == 0 ? 1 + below(crowd, 3) : 0;
    name_it(crowd, row, HEC_F_DEVICE_ID, "d", user * 4 + odd);
    if (crowd->mixed) {
        name_it(crowd, row, HEC_F_IP, "i", user / 2 * 4 + below(crowd, 10) / 9 + odd);
        name_it(crowd, row, HEC_F_ACCOUNT_TOKEN, "a", user);
    }
}

static void make_event(struct crowd *crowd, int row)
{
    struct hec_event *event = &crowd->events[row];
    uint32_t kind = crowd->mixed ? below(crowd, 100) : 0;
    /* In a bank's mix a tenth of the people do half of what is done. */
    uint32_t few = crowd->mixed && below(crowd, 2) == 0 ? crowd->users / 10 : crowd->users;
    uint32_t user = below(crowd, 100) < crowd->hot_share ? 0 : below(crowd, few);
    enum hec_event_type type = HEC_CARD_AUTH;
    if (kind >= 55) {
        type = kind < 90 ? HEC_LOGIN : (kind < 98 ? HEC_TRANSFER : HEC_ACCOUNT_CHANGE);
    }
    *event = made(type, "", crowd->clock_ms, "");
    name_it(crowd, row, HEC_F_EVENT_ID, "e", (uint32_t)crowd->offset + (uint32_t)row);
    name_it(crowd, row, HEC_F_USER_TOKEN, "u", user);
    reach(crowd, row, user);
    if (type == HEC_CARD_AUTH) {
        pay(crowd, row, user);
    } else if (type == HEC_TRANSFER) {
        name_it(crowd, row, HEC_F_CREDITOR_TOKEN, "p", user * 4 + below(crowd, 4));
        made_integer(event, HEC_F_AMOUNT_MINOR, 100 + below(crowd, 200000));
        made_text(event, HEC_F_CURRENCY, "EUR");
    } else if (type == HEC_LOGIN) {
        made_text(event, HEC_F_RESULT, below(crowd, 15) == 0 ? "failure" : "success");
    } else {
        made_text(event, HEC_F_CHANGE_TYPE, "email");
    }
    crowd->step_rest_us += crowd->step_us;
    crowd->clock_ms += crowd->step_rest_us / 1000;
    crowd->step_rest_us %= 1000;
}

/* A person does one thing a day, however many they are. */
static struct crowd *crowd_of(uint32_t users, bool mixed, uint64_t seed)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    if (crowd == NULL) {
        exit(1);
    }
    crowd->random = hec_random_at(seed, 0);
    crowd->users = users;
    crowd->shops = users / 4 + 3;
    crowd->mixed = mixed;
    crowd->clock_ms = 1700000000000;
    crowd->step_us = DAY_MS * 1000 / users;
    return crowd;
}

/* Lets so many events happen; ns of the whole, the making of events left out. */
static double live(struct crowd *crowd, const struct hec_plan *plan, struct hec_entities *entities,
                   int64_t events, bool prefetch)
{
    static struct hec_touched touched[BATCH];
    static struct hec_entity *pool[BATCH * HEC_KINDS];
    static float numerics[HEC_FEATURES_MAX];
    static uint32_t categories[HEC_FEATURES_MAX];
    double spent = 0;
    for (int64_t from = 0; from < events; from += BATCH, crowd->offset += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            make_event(crowd, i);
        }
        double start = now_ns();
        for (int stage = 0; stage < HEC_PREFETCH_STAGES && prefetch; stage++) {
            for (int i = 0; i < BATCH; i++) {
                hec_plan_prefetch(plan, entities, &crowd->events[i], 0, stage);
            }
        }
        for (int i = 0, used = 0; i < BATCH; i++) {
            used += hec_plan_want(plan, entities, &crowd->events[i], 0, &touched[i], pool + used);
        }
        for (int i = 0; i < BATCH; i++) {
            const struct hec_event *event = &crowd->events[i];
            int64_t offset = crowd->offset + i;
            enum hec_applied judged = hec_plan_judge(plan, event, offset, &touched[i]);
            hec_plan_read(plan, event, &touched[i], numerics, categories);
            if (judged == HEC_APPLIED &&
                hec_plan_apply(plan, entities, event, offset, &touched[i]) != HEC_OK) {
                exit(1);
            }
        }
        hec_entities_unpin(entities);
        spent += now_ns() - start;
    }
    return spent;
}

static struct hec_entities *table_of(const struct hec_plan *plan)
{
    struct hec_entities *entities;
    if (hec_entities_new(&entities, plan, (size_t)16 << 30) != HEC_OK) {
        exit(1);
    }
    hec_entities_set_complete(entities, 0, true);
    return entities;
}

/* ns an event, after everybody has done four things; tells how many states there are. */
static double cost_of(const struct hec_plan *plan, uint32_t users, uint32_t hot_share,
                      bool prefetch, uint64_t *records)
{
    double each[ROUNDS];
    int64_t measured = users < 20000 ? 20000 : (users < 100000 ? users : 100000);
    for (int round = 0; round < ROUNDS; round++) {
        struct crowd *crowd = crowd_of(users, false, (uint64_t)round);
        struct hec_entities *entities = table_of(plan);
        live(crowd, plan, entities, (int64_t)users * 4, prefetch);
        crowd->hot_share = hot_share;
        each[round] = live(crowd, plan, entities, measured, prefetch) / (double)measured;
        struct hec_entities_stats stats;
        hec_entities_stats(entities, &stats);
        *records = stats.records;
        hec_entities_free(entities);
        free(crowd);
    }
    return median(each);
}

static void tell_flat(const struct hec_plan *plan, uint32_t largest)
{
    double first[2] = { 0, 0 };
    printf("%10s %16s %16s %9s %28s\n", "entities", "no prefetch, ns", "prefetch, ns", "growth",
           "of the misses' cost is left");
    for (uint32_t entities = 10000; entities <= largest; entities *= 10) {
        double cost[2];
        uint64_t records = 0;
        for (int prefetch = 0; prefetch < 2; prefetch++) {
            cost[prefetch] = cost_of(plan, entities * 3 / 10, 0, prefetch, &records);
            first[prefetch] = first[prefetch] > 0 ? first[prefetch] : cost[prefetch];
        }
        printf("%10llu %16.0f %16.0f %+8.0f%%", (unsigned long long)records, cost[0], cost[1],
               100 * (cost[1] / first[1] - 1));
        cost[0] > first[0]
            ? printf(" %27.0f%%\n", 100 * (cost[1] - first[1]) / (cost[0] - first[0]))
            : printf("\n");
    }
}

static void tell_hot(const struct hec_plan *plan)
{
    uint64_t records;
    double even = cost_of(plan, 20000, 0, true, &records);
    double hot = cost_of(plan, 20000, 50, true, &records);
    printf("even %.0f ns an event, one customer with half of them %.0f ns: %+.1f %%\n", even, hot,
           100 * (hot / even - 1));
}

static void tell_memory(const struct hec_plan *plan, uint64_t wanted)
{
    struct hec_entities_stats stats = { .records = 0 };
    struct crowd *crowd = crowd_of((uint32_t)(wanted / 4), true, 1);
    struct hec_entities *entities = table_of(plan);
    double slowest = 0;
    while (stats.records < wanted) {
        double spent = live(crowd, plan, entities, 4096, true);
        slowest = spent > slowest ? spent : slowest;
        hec_entities_stats(entities, &stats);
    }
    printf("%-9s %10s %14s %8s\n", "kind", "entities", "bytes", "each");
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        printf("%-9s %10llu %14llu %8.0f\n", hec_kind_info((enum hec_kind)kind)->name,
               (unsigned long long)stats.entries[kind], (unsigned long long)stats.bytes_of[kind],
               stats.entries[kind] == 0
                   ? 0.0
                   : (double)stats.bytes_of[kind] / (double)stats.entries[kind]);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%lld events, %.1f a customer; all with the index %.2f GiB, process %.2f GiB; the slowest "
        "4096 events took %.1f ms\n",
        (long long)crowd->offset, (double)crowd->offset / crowd->users,
        (double)stats.bytes / (1 << 30), (double)usage.ru_maxrss / (1 << 20), slowest / 1e6);
    hec_entities_free(entities);
    free(crowd);
}

int main(int argc, char **argv)
{
    const char *mode = argc < 3 ? "" : argv[1];
    uint64_t size = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    struct hec_plan *plan = argc < 3 ? NULL : plan_of_file(argv[2]);
    if (strcmp(mode, "flat") == 0) {
        tell_flat(plan, size > 0 ? (uint32_t)size : 1000000);
    } else if (strcmp(mode, "hot") == 0) {
        tell_hot(plan);
    } else if (strcmp(mode, "memory") == 0) {
        tell_memory(plan, size > 0 ? size : 4000000);
    } else {
        fprintf(stderr, "usage: bench-crowd flat|hot|memory FEATURES [ENTITIES]\n");
        return 2;
    }
    hec_plan_free(plan);
    return 0;
}
