/* hecate gen: a bank's event stream, made up. */
#include <string.h>

#include "cli/commands.h"
#include "cli/gen.h"
#include "cli/progress.h"
#include "file/when.h"

#define START_MS INT64_C(1736121600000) /* Monday, 2025-01-06 */

static void tell(void *user, uint64_t events, double part)
{
    hec_progress_tell(user, events, part);
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_gen gen = { .options = {
                               .users = (uint32_t)hec_integer_or(arguments, "users", 0),
                               .days = (uint32_t)hec_integer_or(arguments, "days", 0),
                               .seed = (uint64_t)hec_integer_or(arguments, "seed", 1),
                               .start_ms = hec_integer_or(arguments, "start", START_MS),
                           } };
    struct hec_error error = { 0 };
    struct hec_progress progress;
    const char *truth = hec_text_or(arguments, "truth", NULL);
    gen.options.start_ms -= gen.options.start_ms % HEC_DAY_MS;
    enum hec_status status = hec_output_open(&gen.out, hec_text_or(arguments, "out", NULL), &error);
    if (status == HEC_OK && truth != NULL) {
        status = hec_output_open(&gen.truth, truth, &error);
    }
    if (status == HEC_OK) {
        hec_progress_begin(&progress, "making");
        status = hec_gen_run(&gen, tell, &progress);
        hec_progress_end(&progress);
        if (status != HEC_OK) {
            hec_fail(&error, status, "memory is exhausted");
        }
    }
    if (status != HEC_OK) {
        hec_output_discard(gen.out);
        hec_output_discard(gen.truth);
    } else {
        status = hec_output_close(gen.out, &error);
        enum hec_status other = hec_output_close(gen.truth, status == HEC_OK ? &error : NULL);
        status = status != HEC_OK ? status : other;
    }
    hec_gen_free(&gen);
    if (status != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    fprintf(stderr, "%llu events in %.1f s: %u incidents, %llu fraudulent events, %llu labels\n",
            (unsigned long long)gen.events, hec_progress_s(&progress), gen.incidents,
            (unsigned long long)gen.frauds, (unsigned long long)gen.labels);
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_gen = {
    .name = "gen",
    .line = "makes up a bank's event stream, with crimes planted in it",
    .examples = { "hecate gen --users 1000 --days 60 --out events.ndjson.zst",
                  "hecate gen --users 200 --days 30 --seed 7 --out e.ndjson --truth t.csv" },
    .text = "Payments, log-ins, account changes, transfers and late labels of that many people,\n"
            "in time order; the same flags give the same bytes. Planted are card testing, runs\n"
            "with stolen numbers, skimming, lost and stolen cards, a rogue shop, credential\n"
            "stuffing, phishing, SIM swaps, scams, and in the last fifth a novelty that is never\n"
            "labelled. The truth is for judging, never for training: event_id, head, pattern,\n"
            "is_fraud, event_type, event_time_ms, user_token; leave stuffing_attempt out.",
    .run = run,
    .flags = {
        { "users", "N", "how many people", HEC_FLAG_INTEGER, .required = true, .minimum = 10,
          .maximum = 10000000 },
        { "days", "N", "how many days", HEC_FLAG_INTEGER, .required = true, .minimum = 3,
          .maximum = 3660 },
        { "seed", "N", "of everything random (default 1)", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = INT64_MAX },
        { "out", "FILE", "NDJSON events; - is standard output", HEC_FLAG_TEXT, .required = true },
        { "truth", "FILE", "CSV of what was planted", HEC_FLAG_TEXT },
        { "start", "T", "the first day (default 2025-01-06)", HEC_FLAG_TIME },
    },
};
