/* hecate offsets: where the group stands in the input, and setting it elsewhere: first the plan. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "kafka/group.h"
#include "parts.h"
#include "store/store.h"

#define EMPTY_TRIES 15 /* a second each; a session lasts ten */

enum { SHOW, RESET };
static const char *const VERBS[] = { "show", "reset", NULL };

/* What is known while a command runs. */
struct work {
    const struct hec_arguments *arguments;
    const struct hec_config *config;
    struct hec_group *group;
    struct hec_store *store; /* reset only */
    struct hec_offset *to;   /* by place in the plan */
    bool *rebuild;           /* the same: the state is ahead of where it is set to */
    int64_t *wanted;         /* by partition */
    int count;
};

static bool is_chosen(const struct work *work, int32_t partition)
{
    int64_t only = hec_integer_or(work->arguments, "partition", -1);
    return only < 0 || only == partition;
}

static int64_t lag_of(const struct hec_group_place *place)
{
    int64_t from = place->committed.offset < 0 ? place->low : place->committed.offset;
    return place->high > from ? place->high - from : 0;
}

static void show(const struct work *work)
{
    const struct hec_config *config = work->config;
    printf("%-20s %-24s %9s %16s %14s %10s\n", "GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET",
           "LOG-END-OFFSET", "LAG");
    for (int32_t p = 0; p < hec_group_partitions(work->group); p++) {
        const struct hec_group_place *place = hec_group_place(work->group, p);
        char current[24] = "-";
        if (place->committed.offset >= 0) {
            snprintf(current, sizeof(current), "%" PRId64, place->committed.offset);
        }
        if (is_chosen(work, p)) {
            printf("%-20s %-24s %9d %16s %14" PRId64 " %10" PRId64 "\n", config->input.group,
                   config->input.topic, (int)p, current, place->high, lag_of(place));
        }
    }
}

/* Where each partition is to go, by the one flag that was given. */
static enum hec_status find_targets(struct work *work, struct hec_error *error)
{
    const struct hec_arguments *arguments = work->arguments;
    int32_t partitions = hec_group_partitions(work->group);
    if (hec_given(arguments, "to-time")) {
        return hec_group_at_time(work->group, hec_integer_or(arguments, "to-time", 0), work->wanted,
                                 error);
    }
    for (int32_t p = 0; p < partitions; p++) {
        const struct hec_group_place *place = hec_group_place(work->group, p);
        int64_t to = hec_integer_or(arguments, "to-offset", 0);
        work->wanted[p] = hec_given(arguments, "to-earliest") ? place->low
                          : hec_given(arguments, "to-latest") ? place->high
                          : to < place->low                   ? place->low
                          : to > place->high                  ? place->high
                                                              : to;
    }
    return HEC_OK;
}

static enum hec_status plan(struct work *work, struct hec_error *error)
{
    enum hec_status status = find_targets(work, error);
    for (int32_t p = 0; p < hec_group_partitions(work->group) && status == HEC_OK; p++) {
        const struct hec_group_place *place = hec_group_place(work->group, p);
        struct hec_watermark mark;
        if (!is_chosen(work, p) || work->wanted[p] == place->committed.offset) {
            continue;
        }
        enum hec_status read = hec_store_watermark_read(work->store, p, &mark, error);
        status = read == HEC_UNAVAILABLE ? read : HEC_OK;
        struct hec_offset *to = &work->to[work->count];
        *to = place->committed; /* its metadata remembers the highest epoch */
        to->offset = work->wanted[p];
        work->rebuild[work->count] = read == HEC_OK && mark.offset > to->offset;
        work->count++;
    }
    return status;
}

static void print_plan(const struct work *work)
{
    printf("%9s %16s %16s  %s\n", "PARTITION", "FROM", "TO", "WHAT THAT MEANS");
    for (int i = 0; i < work->count; i++) {
        const struct hec_offset *to = &work->to[i];
        const struct hec_group_place *place = hec_group_place(work->group, to->partition);
        int64_t moved = to->offset - place->committed.offset;
        printf("%9d %16" PRId64 " %16" PRId64 "  ", (int)to->partition, place->committed.offset,
               to->offset);
        if (place->committed.offset < 0) {
            printf("the group begins there\n");
        } else if (moved > 0) {
            printf("%" PRId64 " offsets get no output; their events still count in the state\n",
                   moved);
        } else {
            printf("%" PRId64 " offsets are published a second time%s\n", -moved,
                   work->rebuild[i] ? "; the state, which is ahead, is built anew from the log"
                                    : "");
        }
    }
    if (work->count == 0) {
        printf("nothing would change\n");
    }
}

/* A state of another digest is built anew by whoever takes the partition up. The epoch that writes
 * it makes a checkpoint void that may still be on its way. */
static enum hec_status spoil_state(struct work *work, int32_t partition, struct hec_error *error)
{
    struct hec_image nothing = { 0 };
    struct hec_watermark mark;
    enum hec_status status = hec_store_watermark_read(work->store, partition, &mark, error);
    if (status == HEC_OK) {
        status = hec_store_claim(work->store, partition, mark.epoch, &mark.epoch, error);
    }
    mark.state_digest = ~mark.state_digest;
    return status == HEC_OK ? hec_store_checkpoint(work->store, partition, &nothing, &mark, error)
                            : status;
}

/* Members of static names are the group's until their session has run out. */
static enum hec_status await_empty(struct work *work, struct hec_error *error)
{
    int members = 0;
    enum hec_status status = HEC_OK;
    for (int i = 0; i < EMPTY_TRIES; i++) {
        status = hec_group_members(work->group, &members, error);
        if (status != HEC_OK || members == 0) {
            return status;
        }
        sleep(1);
    }
    return hec_fail(error, HEC_FENCED, "group %s still has %d members: stop every hecated of it",
                    work->config->input.group, members);
}

/* The state first: a group that is behind its state is refused by the daemon, and not the other way
 * round. */
static enum hec_status execute(struct work *work, struct hec_error *error)
{
    enum hec_status status = await_empty(work, error);
    for (int i = 0; i < work->count && status == HEC_OK; i++) {
        if (work->rebuild[i]) {
            status = spoil_state(work, work->to[i].partition, error);
        }
    }
    return status == HEC_OK ? hec_group_commit(work->group, work->to, work->count, error) : status;
}

static int reset(struct work *work)
{
    static const char *const TARGETS[] = { "to-earliest", "to-latest", "to-offset", "to-time" };
    struct hec_error error = { 0 };
    int given = 0;
    for (int i = 0; i < 4; i++) {
        given += hec_given(work->arguments, TARGETS[i]);
    }
    if (given != 1) {
        return hec_cli_misused(work->arguments, "say where to: one of --to-earliest, --to-latest, "
                                                "--to-offset N, --to-time T");
    }
    struct hec_store_options store = hec_parts_store(work->config);
    enum hec_status status = hec_store_open(&work->store, &store, &error);
    if (status == HEC_OK) {
        status = plan(work, &error);
    }
    if (status == HEC_OK) {
        print_plan(work);
    }
    bool go = hec_given(work->arguments, "execute") && work->count > 0;
    if (status == HEC_OK && go) {
        status = execute(work, &error);
    }
    if (status != HEC_OK) {
        return hec_cli_fail(work->arguments, &error);
    }
    puts(go ? "done" : work->count > 0 ? "nothing was changed: --execute does it" : "");
    return HEC_EXIT_OK;
}

static int with_group(struct work *work, int verb)
{
    struct hec_kafka_property list[HEC_KAFKA_PROPERTIES_MAX];
    struct hec_kafka_options options;
    struct hec_error error = { 0 };
    hec_parts_kafka(work->config, HEC_KAFKA_CONSUMER, list, &options);
    enum hec_status status = hec_group_open(&work->group, &options, work->config->input.group,
                                            work->config->input.topic, &error);
    if (status != HEC_OK) {
        return hec_cli_fail(work->arguments, &error);
    }
    size_t partitions = (size_t)hec_group_partitions(work->group);
    work->to = calloc(partitions, sizeof(*work->to));
    work->rebuild = calloc(partitions, sizeof(*work->rebuild));
    work->wanted = calloc(partitions, sizeof(*work->wanted));
    int exit_status = HEC_EXIT_FAILURE;
    if (work->to != NULL && work->rebuild != NULL && work->wanted != NULL) {
        exit_status = HEC_EXIT_OK;
        if (verb == SHOW) {
            show(work);
        } else {
            exit_status = reset(work);
        }
    }
    free(work->to);
    free(work->rebuild);
    free(work->wanted);
    hec_store_close(work->store);
    hec_group_close(work->group);
    return exit_status;
}

static int run(const struct hec_arguments *arguments)
{
    int verb = SHOW;
    while (VERBS[verb] != NULL && strcmp(VERBS[verb], arguments->positionals[0]) != 0) {
        verb++;
    }
    if (VERBS[verb] == NULL) {
        return hec_cli_misused(arguments, "\"%.60s\" is neither show nor reset",
                               arguments->positionals[0]);
    }
    struct hec_config *config;
    int status = hec_cli_config(arguments, &config);
    if (status == HEC_EXIT_OK) {
        struct work work = { .arguments = arguments, .config = config };
        status = with_group(&work, verb);
    }
    hec_config_free(config);
    return status;
}

const struct hec_command hec_cmd_offsets = {
    .name = "offsets",
    .line = "where the group stands in the input, and setting it elsewhere",
    .positionals = "show|reset",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "hecate offsets show", "hecate offsets reset --to-time 2026-11-01T00:00:00Z "
                                         "--execute" },
    .text = "reset prints what it would do, and does it with --execute; not while the group has\n"
            "members (it waits 15 s for the last to be gone). Forward: events in between get no "
            "output, but count in the state. Back:\n"
            "they are published a second time, with the same alert_id; a state that is ahead is\n"
            "built anew from the log. Offsets beyond the log's bounds mean its bounds.",
    .run = run,
    .flags = { HEC_CONFIG_FLAGS,
               { "partition", "N", "only this one (default: all)", HEC_FLAG_INTEGER, .minimum = 0,
                 .maximum = 1023 },
               { "to-earliest", NULL, "reset: to the first retained record", HEC_FLAG_SWITCH },
               { "to-latest", NULL, "reset: to the end", HEC_FLAG_SWITCH },
               { "to-offset", "N", "reset: to this offset", HEC_FLAG_INTEGER, .minimum = 0,
                 .maximum = INT64_MAX },
               { "to-time", "TIME", "reset: to the first record that is not older", HEC_FLAG_TIME },
               { "execute", NULL, "reset: do it", HEC_FLAG_SWITCH } },
};
