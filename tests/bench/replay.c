/*
 * How fast a log goes by from a file with a warm cache: silently (states only, what a restart does)
 * and with features read. Median and range of five runs each.
 *
 *   bench-replay FEATURES.conf EVENTS.ndjson
 */
#include <stdio.h>
#include <stdlib.h>

#include "file/walk.h"
#include "ops/clock.h"
#include "ops/features_file.h"

#define RUNS 5

static void end_with(const struct hec_error *error)
{
    fprintf(stderr, "bench-replay: %s\n", error->text);
    exit(1);
}

static double run_once(const struct hec_plan *plan, const char *path, bool silent)
{
    struct hec_walk_job job = {
        .paths = &path, .paths_count = 1, .plan = plan, .applies_only = silent
    };
    struct hec_walk *walk = NULL;
    struct hec_walk_counts counts;
    struct hec_error error = { 0 };
    if (hec_walk_new(&walk, &job, &error) != HEC_OK) {
        end_with(&error);
    }
    int64_t began_us = hec_now_us();
    if (hec_walk_run(walk, &counts, &error) != HEC_OK) {
        end_with(&error);
    }
    double took_s = (double)(hec_now_us() - began_us) * 1e-6;
    hec_walk_free(walk);
    return (double)counts.records / took_s;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    struct hec_error error = { 0 };
    struct hec_schema *schema = calloc(1, sizeof(*schema));
    struct hec_plan *plan = NULL;
    if (argc != 3) {
        fputs("usage: bench-replay FEATURES.conf EVENTS.ndjson\n", stderr);
        return 2;
    }
    if (schema == NULL || hec_features_file_load(argv[1], schema, &error) != HEC_OK ||
        hec_plan_new(&plan, schema, &error) != HEC_OK) {
        end_with(&error);
    }
    for (int silent = 1; silent >= 0; silent--) {
        double rates[RUNS];
        for (int i = 0; i < RUNS; i++) {
            rates[i] = run_once(plan, argv[2], silent) / 1000;
        }
        qsort(rates, RUNS, sizeof(rates[0]), by_size);
        printf("%-16s %6.0f k events/s (%.0f .. %.0f)\n",
               silent ? "silent replay" : "with features", rates[RUNS / 2], rates[0],
               rates[RUNS - 1]);
    }
    hec_plan_free(plan);
    free(schema);
    return 0;
}
