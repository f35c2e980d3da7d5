/* hecate demo: everything once, in under two minutes, and nothing left behind. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/demo.h"
#include "file/when.h"

#define USERS "2000"
#define DAYS "50"
#define START_MS INT64_C(1736121600000) /* 2025-01-06, as hecate gen has it */
#define TRAIN_FROM "2025-01-13"
#define TRAIN_TO "2025-02-11"
#define LIVE_DAY 38 /* a day after what training knew */

static bool prepare(struct hec_demo *demo, const char *seed)
{
    const char *events = hec_demo_path(demo, "events.ndjson");
    const char *truth = hec_demo_path(demo, "truth.csv");
    const char *model = hec_demo_path(demo, "model.safetensors");
    const char *gen[] = { "gen", "--users", USERS,  "--days",  DAYS,  "--seed",
                          seed,  "--out",   events, "--truth", truth, NULL };
    const char *train[] = { "train",        "--data",   events,       "--out",  model,
                            "--train-from", TRAIN_FROM, "--train-to", TRAIN_TO, NULL };
    hec_demo_say(demo, "making up a bank: " USERS " people, " DAYS " days, crimes planted");
    if (!hec_demo_run(demo, gen)) {
        return false;
    }
    hec_demo_say(demo, "training a model on " TRAIN_FROM " .. " TRAIN_TO ", with the labels that "
                       "had come by then");
    if (!hec_demo_run(demo, train)) {
        return false;
    }
    return hec_demo_crowd_open(demo, events, truth);
}

static void tell_how_to_read(const struct hec_demo *demo)
{
    printf("\nThe alerts, as anybody would read them while this runs:\n"
           "  kcat -b %s -t " HEC_DEMO_ALERTS " -C -o beginning -e -q | jq -c "
           "'[.head, .severity, .event.event_id, .reasons[0].text]'\n"
           "The brokers are embedded in this process and keep nothing: with it, all of this is "
           "gone.\n",
           hec_mock_brokers(demo->mock));
    fflush(stdout);
}

static bool play(struct hec_demo *demo, const struct hec_arguments *arguments)
{
    char seed[24];
    snprintf(seed, sizeof(seed), "%lld", (long long)hec_integer_or(arguments, "seed", 1));
    if (!hec_demo_stage_open(demo) || !prepare(demo, seed)) {
        return false;
    }
    hec_demo_say(demo, "starting embedded brokers, a private redis-server and hecated");
    if (!hec_demo_start(demo)) {
        return false;
    }
    hec_demo_say(demo, "hecated is ready; first it catches up with the past");
    if (!hec_demo_play(demo)) {
        return false;
    }
    hec_demo_show_table(demo);
    tell_how_to_read(demo);
    if (hec_given(arguments, "keep")) {
        printf("Everything runs on, in %s. Ctrl-C ends it.\n", demo->directory);
        fflush(stdout);
        while (!hec_demo_stopped) {
            hec_demo_wait_ms(200);
        }
        hec_demo_stopped = 0; /* that was no failure */
    }
    return true;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_demo *demo = calloc(1, sizeof(*demo));
    if (demo == NULL) {
        return HEC_EXIT_FAILURE;
    }
    demo->terminal = isatty(STDOUT_FILENO) == 1;
    demo->rate = hec_number_or(arguments, "rate", 4000);
    demo->live_from_ms = START_MS + LIVE_DAY * HEC_DAY_MS;
    bool good = play(demo, arguments);
    bool stopped = hec_demo_stopped != 0;
    if (stopped) {
        hec_demo_say(demo, "stopped; cleaning up");
    }
    hec_demo_stage_close(demo);
    hec_demo_crowd_close(demo);
    free(demo);
    return good ? HEC_EXIT_OK : stopped ? 130 : HEC_EXIT_FAILURE;
}

const struct hec_command hec_cmd_demo = {
    .name = "demo",
    .line = "shows Hecate at work, in under two minutes",
    .examples = { "hecate demo", "hecate demo --keep --rate 2000" },
    .text = "Makes up a bank's stream, trains a model on its first part, starts embedded\n"
            "brokers, a private redis-server and hecated, and feeds it the rest while you watch.\n"
            "Ctrl-C cleans everything up. The embedded brokers keep nothing.",
    .run = run,
    .flags = {
        { "keep", NULL, "leave everything running at the end, until Ctrl-C", HEC_FLAG_SWITCH },
        { "rate", "N", "live events a second (default 4000)", HEC_FLAG_NUMBER, .minimum = 10,
          .maximum = 1000000 },
        { "seed", "N", "of the bank (default 1)", HEC_FLAG_INTEGER, .minimum = 0,
          .maximum = INT64_MAX },
    },
};
