/*
 * The input of a seed: a few people who pay, log in and are labelled, with the records that a real
 * topic has besides: repeated ones, late ones, ones that are no events, and gaps in the offsets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define T0_MS INT64_C(1735689600000)
#define VALUE_BYTES 600

struct sim_log sim_input[SIM_PARTITIONS_MAX];

static int64_t clock_ms;
static int made;

static int payment(char *value, size_t size, int user, int id, int64_t event_ms)
{
    return snprintf(value, size,
                    "{\"event_id\":\"e%d\",\"event_type\":\"card_auth\",\"schema_version\":1,"
                    "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"card_token\":\"c%d\","
                    "\"terminal_id\":\"t%d\",\"channel\":\"app\",\"amount_minor\":%d,"
                    "\"currency\":\"EUR\"}",
                    id, (long long)event_ms, user, user * 2 + (int)sim_between(0, 1),
                    (int)sim_between(0, 9), (int)sim_between(100, 90000));
}

static int login(char *value, size_t size, int user, int id, int64_t event_ms)
{
    return snprintf(value, size,
                    "{\"event_id\":\"e%d\",\"event_type\":\"login\",\"schema_version\":1,"
                    "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"result\":\"success\","
                    "\"channel\":\"web\"}",
                    id, (long long)event_ms, user);
}

static int label(char *value, size_t size, int user, int id, int64_t event_ms)
{
    return snprintf(value, size,
                    "{\"event_id\":\"l%d\",\"event_type\":\"label\",\"schema_version\":1,"
                    "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"card_token\":\"c%d\","
                    "\"target_event_id\":\"e%d\",\"target_event_time_ms\":%lld,"
                    "\"label\":\"fraud\",\"label_source\":\"analyst\"}",
                    id, (long long)event_ms, user, user * 2, (int)sim_between(0, id),
                    (long long)event_ms - 1000);
}

static int forget(char *value, size_t size, int user, int id, int64_t event_ms)
{
    return snprintf(value, size,
                    "{\"event_id\":\"f%d\",\"event_type\":\"forget\",\"schema_version\":1,"
                    "\"event_time_ms\":%lld,\"user_token\":\"u%d\",\"kind\":\"card\","
                    "\"token\":\"c%d\"}",
                    id, (long long)event_ms, user, user * 2);
}

static int event(char *value, size_t size, int user, int id)
{
    int64_t event_ms = clock_ms - (sim_between(0, 29) == 0 ? sim_between(0, 7200000) : 0);
    int64_t dice = sim_between(0, 99);
    id = dice < 5 && id > 3 ? id - (int)sim_between(1, 3) : id; /* told twice, or nearly */
    return dice < 70   ? payment(value, size, user, id, event_ms)
           : dice < 88 ? login(value, size, user, id, event_ms)
           : dice < 96 ? label(value, size, user, id, event_ms)
           : dice < 98 ? forget(value, size, user, id, event_ms)
                       : snprintf(value, size, "this is no event %d", id);
}

static void append(struct sim_log *log, int user)
{
    struct sim_record *record = &log->records[log->count++];
    *record = (struct sim_record){ .record_ms = clock_ms };
    if (sim_between(0, 19) == 0) {
        record->marker = true;
        return;
    }
    char key[16];
    int wrong = sim_between(0, 79) == 0;
    int length = snprintf(key, sizeof(key), "u%d", user + 1000 * wrong);
    record->key = strdup(key);
    record->key_length = (size_t)length;
    record->value = malloc(VALUE_BYTES);
    record->value_length = (size_t)event(record->value, VALUE_BYTES, user, made++);
    record->poison = sim_between(0, 999) < sim.profile.poison ? (int)sim_between(1, 2) : 0;
}

void sim_input_make(void)
{
    clock_ms = T0_MS;
    made = 0;
    for (int p = 0; p < sim.profile.partitions; p++) {
        sim_input[p] = (struct sim_log){ 0 };
        sim_input[p].records = calloc((size_t)sim.profile.events, sizeof(struct sim_record));
    }
    for (int i = 0; i < sim.profile.events; i++) {
        clock_ms += sim_between(0, 60000);
        int user = (int)sim_between(0, sim.profile.users - 1);
        append(&sim_input[user % sim.profile.partitions], user);
    }
    /* Nobody commits an offset for a marker: the end of the log would never be reached. */
    for (int p = 0; p < sim.profile.partitions; p++) {
        struct sim_log *log = &sim_input[p];
        while (log->count > 0 && log->records[log->count - 1].marker) {
            log->count--;
        }
    }
}

bool sim_input_append(void)
{
    bool more = false;
    for (int p = 0; p < sim.profile.partitions; p++) {
        struct sim_log *log = &sim_input[p];
        log->end += sim_between(0, 8);
        log->end = log->end < log->count ? log->end : log->count;
        more |= log->end < log->count;
    }
    return more;
}
