/*
 * simulator [--seed N] [--count N] [--jobs N] [--overlap 0|1] [--stop-at-first] [--verbose]
 *           [--trace]
 *
 * Runs seeds N, N+1, ..., each in a process of its own, so that one that ends in an assertion is a
 * finding like any other. Exit status 0: nothing was found. A seed that fails prints what it drew;
 * the same binary with --seed and --verbose shows it again, step by step.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hecate/train.h"
#include "schema.h"
#include "sim.h"

#define SEED_CPU_S 60
#define SCHEMA                                                                                     \
    "currency = EUR\n"                                                                             \
    "filter payment { events = {card_auth, transfer} }\n"                                          \
    "feature amount { aggregate = value field = amount_minor }\n"                                  \
    "feature user_count { aggregate = count entity = user filter = payment window = 1h }\n"        \
    "feature user_sum { aggregate = sum entity = user filter = payment field = amount_minor "      \
    "window = 7d }\n"                                                                              \
    "feature user_age { aggregate = age entity = user }\n"                                         \
    "feature card_count { aggregate = count entity = card filter = payment window = 1d }\n"        \
    "feature card_terminals { aggregate = distinct entity = card field = terminal_id window = 1d " \
    "}\n"                                                                                          \
    "feature card_labels { aggregate = label_count entity = card window = 30d }\n"                 \
    "feature busy { aggregate = count entity = terminal filter = payment window = 1d }\n"          \
    "feature channel { aggregate = category field = channel }\n"

struct arguments {
    uint64_t seed;
    int count, jobs;
    bool verbose, trace, stop_at_first;
};

/* A model that knows nothing: what it says does not matter, that it says it does. */
static void make_model(void)
{
    enum { ROWS = 64, NUMERICS = 8 };
    static float numerics[ROWS * NUMERICS];
    static uint32_t categories[ROWS];
    static uint8_t types[ROWS], split[ROWS];
    static int8_t targets[ROWS * HEC_DEFAULT_HEADS];
    const char *names[NUMERICS], *category = "channel";
    struct hec_error error;
    const struct hec_schema *schema = hec_plan_schema(sim_shared.plan);
    for (int c = 0; c < NUMERICS; c++) {
        names[c] = schema->features[hec_plan_numeric_feature(sim_shared.plan, c)].name;
    }
    for (int i = 0; i < ROWS; i++) {
        types[i] = HEC_CARD_AUTH;
        split[i] = HEC_SPLIT_TRAIN;
        numerics[i * NUMERICS] = (float)i;
        for (int h = 0; h < HEC_DEFAULT_HEADS; h++) {
            targets[i * HEC_DEFAULT_HEADS + h] =
                h == 1 ? HEC_TARGET_NEGATIVE : (int8_t)(i % 4 == 0);
        }
    }
    struct hec_dataset data = { .rows = ROWS,
                                .columns = { .numerics = NUMERICS,
                                             .categories = 1,
                                             .numeric_names = names,
                                             .category_names = &category,
                                             .schema_text = SCHEMA,
                                             .schema_digest = hec_plan_digest(sim_shared.plan) },
                                .numerics = numerics,
                                .categories = categories,
                                .event_type = types,
                                .split = split,
                                .heads_count = HEC_DEFAULT_HEADS,
                                .heads = hec_default_heads,
                                .targets = targets };
    struct hec_train_options options;
    void *bytes;
    size_t size;
    hec_train_defaults(&options);
    options.epochs_max = 1;
    if (hec_train(&bytes, &size, &data, &options, NULL, NULL, &error) != HEC_OK ||
        hec_model_load(&sim_shared.model, bytes, size, hec_plan_digest(sim_shared.plan), &error) !=
            HEC_OK) {
        fprintf(stderr, "no model: %s\n", error.text);
        exit(2);
    }
    hec_policy_default(&sim_shared.policy, hec_model_info(sim_shared.model));
}

static void run_in_child(const struct arguments *arguments, uint64_t seed)
{
    alarm(SEED_CPU_S);
    sim_run(seed, arguments->verbose);
    if (arguments->trace) {
        printf("seed %" PRIu64 " trace %016" PRIx64 " steps %" PRIu64 " faults %d\n", seed,
               sim.trace, sim.steps, sim.told);
        fflush(stdout);
    }
    _exit(0);
}

static void wait_for_one(int *running, int *failed, uint64_t seed_of[], const pid_t pids[],
                         int slots)
{
    int status;
    pid_t pid = wait(&status);
    for (int i = 0; i < slots; i++) {
        if (pids[i] == pid && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
            (*failed)++;
            if (!WIFEXITED(status)) {
                printf("seed %" PRIu64 " FAILED: signal %d%s\n", seed_of[i], WTERMSIG(status),
                       WTERMSIG(status) == SIGALRM ? " (it hangs)" : "");
            }
        }
    }
    (*running)--;
}

static int run_all(const struct arguments *arguments)
{
    uint64_t *seed_of = calloc((size_t)arguments->count, sizeof(*seed_of));
    pid_t *pids = calloc((size_t)arguments->count, sizeof(*pids));
    int running = 0, failed = 0;
    for (int i = 0; i < arguments->count && !(arguments->stop_at_first && failed > 0); i++) {
        seed_of[i] = arguments->seed + (uint64_t)i;
        pids[i] = fork();
        if (pids[i] == 0) {
            run_in_child(arguments, seed_of[i]);
        }
        running++;
        if (running == arguments->jobs) {
            wait_for_one(&running, &failed, seed_of, pids, i + 1);
        }
    }
    while (running > 0) {
        wait_for_one(&running, &failed, seed_of, pids, arguments->count);
    }
    printf("%d seeds from %" PRIu64 ": %d failed\n", arguments->count, arguments->seed, failed);
    free(seed_of);
    free(pids);
    return failed;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .seed = 1, .count = 1, .jobs = 1 };
    sim_shared.overlap = -1;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--verbose") == 0) {
            arguments.verbose = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            arguments.trace = true;
        } else if (strcmp(argv[i], "--stop-at-first") == 0) {
            arguments.stop_at_first = true;
        } else if (strcmp(argv[i], "--seed") == 0) {
            arguments.seed = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--count") == 0) {
            arguments.count = atoi(value);
            i++;
        } else if (strcmp(argv[i], "--jobs") == 0) {
            arguments.jobs = atoi(value);
            i++;
        } else if (strcmp(argv[i], "--overlap") == 0) {
            sim_shared.overlap = atoi(value);
            i++;
        } else {
            fprintf(stderr, "usage: simulator [--seed N] [--count N] [--jobs N] [--overlap 0|1] "
                            "[--stop-at-first] [--verbose] [--trace]\n");
            return 2;
        }
    }
    sim_shared.plan = plan_of(SCHEMA);
    make_model();
    return run_all(&arguments) == 0 ? 0 : 1;
}
