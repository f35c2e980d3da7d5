/* hecate replay: the daemon's judgement over files: the alerts and score records that it would have
 * written. */
#include <math.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/journey.h"
#include "hecate/decide.h"

enum { TO_ALERTS, TO_SCORES, OUTPUTS };

struct replay {
    const struct hec_luggage *luggage;
    const struct hec_model_info *info;
    struct hec_policy policy;
    struct hec_reason_columns columns;
    struct hec_output *out[OUTPUTS];
    uint64_t alerts[HEC_HEADS_MAX];
    double speed; /* 0: as fast as it goes */
    int64_t first_event_ms;
    double begun_s;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Waits until the event's time has come, by a clock that runs speed times as fast as ours. */
static void keep_pace(struct replay *replay, int64_t event_ms)
{
    if (replay->first_event_ms == 0) {
        replay->first_event_ms = event_ms;
        replay->begun_s = now_s();
    }
    double due_s = (double)(event_ms - replay->first_event_ms) / 1000 / replay->speed;
    double wait_s = due_s - (now_s() - replay->begun_s);
    if (wait_s > 0) {
        struct timespec span = { .tv_sec = (time_t)wait_s,
                                 .tv_nsec = (long)((wait_s - floor(wait_s)) * 1e9) };
        for (int i = 0; i < OUTPUTS; i++) {
            if (replay->out[i] != NULL) {
                hec_output_flush(replay->out[i]);
            }
        }
        nanosleep(&span, NULL);
    }
}

static void columns_of(struct replay *replay)
{
    const struct hec_plan *plan = replay->luggage->plan;
    struct hec_reason_columns *columns = &replay->columns;
    columns->schema = hec_plan_schema(plan);
    columns->numerics = hec_plan_numerics(plan);
    columns->categories = hec_plan_categories(plan);
    for (int i = 0; i < columns->numerics; i++) {
        columns->features[i] = hec_plan_numeric_feature(plan, i);
        columns->usual[i] = hec_model_usual(replay->luggage->model, i);
    }
    for (int i = 0; i < columns->categories; i++) {
        columns->features[columns->numerics + i] = hec_plan_category_feature(plan, i);
    }
}

/* The event's own time stands for the clock, so that a replay gives the same bytes every time. */
static void write_alert(struct replay *replay, const struct hec_batch *batch,
                        const struct hec_row *row, int head, struct hec_decision decision)
{
    struct hec_reason reasons[HEC_REASONS_MAX];
    const float *contributions;
    const struct hec_model_info *info = replay->info;
    hec_scorer_explain(hec_journey_scorer(), batch, row, head, &contributions);
    struct hec_alert alert = {
        .event = &row->event,
        .origin = { "file", row->partition, row->offset },
        .created_at_ms = hec_event_ms(&row->event),
        .head = head,
        .heads = info->heads,
        .scores = batch->scores + (size_t)row->scored * HEC_HEADS_MAX,
        .heads_count = info->heads_count,
        .policy = &replay->policy,
        .decision = decision,
        .reason = "threshold",
        .reasons = reasons,
        .model = { info->name, info->version, replay->luggage->model_sha256 },
        .schema_digest = hec_plan_digest(replay->luggage->plan),
        .degraded = row->degraded,
        .missing = row->missing,
        .event_age_ms = -1,
    };
    alert.reasons_count =
        hec_reasons(reasons, &replay->policy, &replay->columns, head, &row->event, contributions,
                    batch->numerics + (size_t)row->scored * (size_t)replay->columns.numerics);
    struct hec_output *out = replay->out[TO_ALERTS];
    char *room = hec_output_room(out, HEC_ALERT_BYTES_MAX + 1);
    size_t length = hec_alert_write(room, HEC_ALERT_BYTES_MAX, &alert);
    room[length] = '\n';
    hec_output_advance(out, length + 1);
}

static void write_score(struct replay *replay, const struct hec_batch *batch,
                        const struct hec_row *row)
{
    struct hec_score_record record = {
        .event = &row->event,
        .origin = { "file", row->partition, row->offset },
        .outcome = hec_outcome_name(row->outcome),
        .heads = replay->info->heads,
        .scores = row->scored < 0 ? NULL : batch->scores + (size_t)row->scored * HEC_HEADS_MAX,
        .heads_count = replay->info->heads_count,
        .model_sha256 = replay->luggage->model_sha256,
        .degraded = row->degraded,
    };
    struct hec_output *out = replay->out[TO_SCORES];
    char *room = hec_output_room(out, HEC_SCORE_BYTES_MAX(0) + 1);
    size_t length = hec_score_write(room, HEC_SCORE_BYTES_MAX(0), &record);
    room[length] = '\n';
    hec_output_advance(out, length + 1);
}

static void judge(struct replay *replay, const struct hec_batch *batch, const struct hec_row *row)
{
    const float *scores = batch->scores + (size_t)row->scored * HEC_HEADS_MAX;
    int64_t amount_minor = hec_event_has(&row->event, HEC_F_AMOUNT_MINOR)
                               ? row->event.value[HEC_F_AMOUNT_MINOR].integer
                               : -1;
    for (int head = 0; head < replay->info->heads_count; head++) {
        struct hec_decision decision =
            hec_decide(&replay->policy, head, scores[head], amount_minor);
        if (decision.alert) {
            replay->alerts[head]++;
            if (replay->out[TO_ALERTS] != NULL) {
                write_alert(replay, batch, row, head, decision);
            }
        }
    }
}

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct replay *replay = user;
    (void)lines;
    (void)error;
    for (int i = 0; i < batch->rows_count; i++) {
        const struct hec_row *row = &batch->rows[i];
        if (row->status != HEC_OK) {
            continue;
        }
        if (replay->speed > 0) {
            keep_pace(replay, hec_event_ms(&row->event));
        }
        if (row->scored >= 0) {
            judge(replay, batch, row);
        }
        if (replay->out[TO_SCORES] != NULL && hec_event_is_scored(row->event.type)) {
            write_score(replay, batch, row);
        }
    }
    return HEC_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_luggage luggage;
    struct replay replay = { .luggage = &luggage, .speed = hec_number_or(arguments, "speed", 0) };
    int status = hec_luggage_model(&luggage, arguments, hec_text_or(arguments, "model", NULL));
    if (status == HEC_EXIT_OK) {
        replay.info = hec_model_info(luggage.model);
        hec_policy_default(&replay.policy, replay.info);
        columns_of(&replay);
        status = hec_journey_output(arguments, hec_text_or(arguments, "alerts", NULL),
                                    &replay.out[TO_ALERTS]);
    }
    if (status == HEC_EXIT_OK) {
        status = hec_journey_output(arguments, hec_text_or(arguments, "scores", NULL),
                                    &replay.out[TO_SCORES]);
        if (status != HEC_EXIT_OK) {
            hec_output_discard(replay.out[TO_ALERTS]);
        }
    }
    if (status == HEC_EXIT_OK) {
        status =
            hec_journey(arguments, &luggage, "replaying", on_batch, &replay, replay.out, OUTPUTS);
    }
    for (int head = 0; status == HEC_EXIT_OK && head < replay.info->heads_count; head++) {
        fprintf(stderr, "%-12s %llu alerts at %.6g and above\n", replay.info->heads[head].name,
                (unsigned long long)replay.alerts[head],
                (double)replay.policy.heads[head].alert_at);
    }
    hec_luggage_free(&luggage);
    return status;
}

const struct hec_command hec_cmd_replay = {
    .name = "replay",
    .line = "writes the alerts that the daemon would have written",
    .examples = { "hecate replay --model m.safetensors --data e.ndjson.zst --alerts - | jq .head",
                  "hecate replay --model m.safetensors --data e.ndjson --alerts a.ndjson" },
    .text = "The same judgement as hecated's with its default policy: every head at the model's\n"
            "own threshold. Alerts and score records are those of the topics; the event's own\n"
            "time stands for the clock, so that a replay gives the same bytes every time.",
    .run = run,
    .flags = {
        HEC_FLAG_MODEL,
        HEC_FLAG_DATA,
        { "alerts", "FILE", "NDJSON alerts; - is standard output", HEC_FLAG_TEXT },
        { "scores", "FILE", "NDJSON score records, one for each scored event", HEC_FLAG_TEXT },
        { "speed", "X", "keep the events' own pace, X times as fast (default: do not wait)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = 1000000000 },
    },
};
