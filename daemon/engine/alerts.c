/*
 * What an event's scores come to: alerts, or why there is none. Each alert is written and put into
 * the open transaction.
 */
#include <math.h>
#include <string.h>

#include "engine/inside.h"

#define TRACE_HEADERS 2

/* When each entity was first scored, as far as its records know. */
static void note_first_seen(int64_t first_ms[HEC_KINDS], const struct hec_touched *touched)
{
    for (int kind = 0; kind < HEC_KINDS; kind++) {
        for (int32_t s = 0; s < touched->shards_count[kind]; s++) {
            struct hec_entity_facts facts;
            bool known = hec_entity_facts(touched->shards[kind][s], &facts) && facts.first_ms != 0;
            if (known && (first_ms[kind] == 0 || facts.first_ms < first_ms[kind])) {
                first_ms[kind] = facts.first_ms;
            }
        }
    }
}

static struct hec_alert alert_of(const struct hec_engine *engine, const struct hec_row *row,
                                 int head, const struct hec_dispositions *verdicts, int64_t now_ms)
{
    const struct hec_model_info *info = hec_model_info(engine->options.model);
    const struct hec_disposition *verdict = &verdicts->heads[head];
    const struct hec_reason_columns *columns = &engine->reason_columns;
    size_t at = (size_t)row->scored;
    return (struct hec_alert){
        .event = &row->event,
        .origin = hec_origin_of(engine, row),
        .tenant = engine->options.tenant,
        .created_at_ms = now_ms,
        .head = head,
        .heads = info->heads,
        .scores = engine->batch->scores + at * HEC_HEADS_MAX,
        .heads_count = info->heads_count,
        .policy = engine->options.policy,
        .decision = verdict->decision,
        .reason = verdict->reason,
        .rules = engine->options.rules,
        .rules_met = verdicts->rules,
        .listed = verdicts->listed,
        .control = verdict->control,
        .propensity = verdict->propensity,
        .budget = { verdict->budget_day_ms, verdict->budget_used, verdict->budget_limit },
        .model = { info->name, info->version, engine->options.model_sha256 },
        .schema_digest = hec_plan_digest(engine->options.plan),
        .degraded = row->degraded,
        .missing = row->missing,
        .event_age_ms = row->record_ms >= 0 ? now_ms - row->record_ms : -1,
        .numerics = engine->batch->numerics + at * (size_t)columns->numerics,
        .categories = engine->batch->categories + at * (size_t)columns->categories,
        .numerics_count = columns->numerics,
        .categories_count = columns->categories,
    };
}

static enum hec_status emit_alert(struct hec_engine *engine, const struct hec_row *row, int head,
                                  const struct hec_dispositions *verdicts, int64_t now_ms,
                                  struct hec_error *error)
{
    struct hec_alert alert = alert_of(engine, row, head, verdicts, now_ms);
    struct hec_reason reasons[HEC_REASONS_MAX];
    const float *contributions;
    hec_scorer_explain(engine->scorer, engine->batch, row, head, &contributions);
    note_first_seen(alert.first_seen_ms, &row->touched);
    alert.timing_us.decode = engine->decode_us;
    alert.timing_us.total = hec_now_us() - engine->polled_us;
    alert.reasons = reasons;
    alert.reasons_count = hec_reasons(
        reasons, engine->options.policy, &engine->reason_columns, head, &row->event, contributions,
        engine->batch->numerics + (size_t)row->scored * (size_t)engine->reason_columns.numerics);

    char key[HEC_ALERT_KEY_MAX];
    static _Thread_local struct hec_headers headers;
    hec_alert_headers(&headers, &alert, engine->options.instance);
    struct hec_kafka_header list[HEC_HEADERS_MAX + TRACE_HEADERS];
    int count = hec_add_headers(list, 0, &headers);
    static const char *const TRACE[TRACE_HEADERS] = { "traceparent", "tracestate" };
    for (int i = 0; i < TRACE_HEADERS; i++) {
        count += hec_record_header(row->owner, TRACE[i], &list[count]);
    }
    struct hec_sink_record out = {
        .topic = HEC_TO_ALERTS,
        .key = key,
        .value = engine->text,
        .key_length = hec_alert_key(key, &alert),
        .value_length = hec_alert_write(engine->text, engine->text_bytes, &alert),
        .headers = list,
        .headers_count = count,
        .partition = -1,
        .origin = hec_poison_origin(row->partition, row->offset),
    };
    hec_tally_add(&engine->open,
                  hec_series_alerts(head, (int)alert.decision.severity, (int)alert.decision.action),
                  1);
    hec_tally_add(&engine->open, HEC_S_PRODUCED + HEC_OUTPUT_ALERT, 1);
    return hec_outbox_put(engine->outbox, &out, error);
}

static void count_rules(struct hec_engine *engine, uint64_t met)
{
    for (int i = 0; met != 0 && i < HEC_RULES_MAX; i++) {
        if ((met >> i & 1) != 0) {
            hec_tally_rule(&engine->open, engine->options.rule_slots[i]);
        }
    }
}

static void count_verdict(struct hec_engine *engine, const struct hec_disposition *verdict)
{
    struct hec_tally *open = &engine->open;
    hec_tally_add(open, HEC_S_SUPPRESSED + HEC_SUPPRESSED_SHADOW, verdict->decision.shadow);
    hec_tally_add(open, HEC_S_SUPPRESSED + HEC_SUPPRESSED_BUDGET, verdict->kept == HEC_KEPT_BUDGET);
    hec_tally_add(open, HEC_S_SUPPRESSED + HEC_SUPPRESSED_LIST, verdict->kept == HEC_KEPT_LIST);
    hec_tally_add(open, HEC_S_BREAKER_REVIEWS, verdict->broken);
    hec_tally_add(open, HEC_S_CONTROL, verdict->control);
}

void hec_judge_row(const struct hec_engine *engine, struct hec_dispositions *verdicts,
                   struct hec_ledger *ledger, const struct hec_row *row, const float *scores,
                   const float *numerics)
{
    const struct hec_engine_options *options = &engine->options;
    const struct hec_judge_by by = {
        .policy = options->policy,
        .heads = hec_model_info(options->model)->heads,
        .rules = options->rules,
        .lists = hec_board_lists(&engine->lists),
        .partition = row->partition,
        .partitions = options->partitions,
    };
    hec_dispose(verdicts, &by, ledger, &row->event, scores, numerics);
}

enum hec_status hec_emit_alerts(struct hec_engine *engine, const struct hec_row *row,
                                int64_t now_ms, struct hec_dispositions *verdicts,
                                struct hec_error *error)
{
    const struct hec_engine_options *options = &engine->options;
    const float *scores = engine->batch->scores + (size_t)row->scored * HEC_HEADS_MAX;
    struct hec_ledger *ledger = hec_ledgers_now(engine->ledgers, row->partition);
    engine->positions[row->partition].judged_ms = now_ms;
    hec_judge_row(engine, verdicts, ledger, row, scores,
                  engine->batch->numerics +
                      (size_t)row->scored * (size_t)engine->reason_columns.numerics);
    count_rules(engine, verdicts->rules);
    for (int head = 0; head < options->policy->heads_count; head++) {
        if (isnan(scores[head])) {
            continue;
        }
        hec_meter_observe(engine->meter, HEC_D_SCORE + head, (int64_t)(scores[head] * 1e6f));
        count_verdict(engine, &verdicts->heads[head]);
        if (verdicts->heads[head].decision.alert) {
            enum hec_status status = emit_alert(engine, row, head, verdicts, now_ms, error);
            if (status != HEC_OK) {
                return status;
            }
        }
    }
    return HEC_OK;
}

/* Of all that are ours; 0: no event yet. */
static int32_t newest_day(const struct hec_engine *engine)
{
    int32_t newest = 0;
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        int32_t day = hec_ledgers_now(engine->ledgers, p)->day;
        newest = engine->positions[p].assigned && day > newest ? day : newest;
    }
    return newest;
}

void hec_publish_ledgers(struct hec_engine *engine)
{
    const struct hec_policy *policy = engine->options.policy;
    int64_t used[HEC_HEADS_MAX] = { 0 }, limit[HEC_HEADS_MAX] = { 0 };
    bool open = false;
    int32_t day = newest_day(engine);
    int64_t now_ms = hec_wall_ms();
    for (int32_t p = 0; p < engine->options.partitions; p++) {
        const struct hec_ledger *ledger = hec_ledgers_now(engine->ledgers, p);
        /* The ledger's window moves with events: of a partition without any for so long nothing
         * is turned into a review, whatever it said at the last one. */
        bool idle = now_ms - engine->positions[p].judged_ms >= policy->breaker_window_ms;
        open |= engine->positions[p].assigned && ledger->open && !idle;
        for (int head = 0; engine->positions[p].assigned && head < policy->heads_count; head++) {
            /* Without an event of today a partition still says what it spent on a day before. */
            used[head] += ledger->day == day ? ledger->heads[head].used : 0;
            limit[head] +=
                hec_budget_part(policy->heads[head].budget_per_day, p, engine->options.partitions);
        }
    }
    hec_meter_set(engine->meter, HEC_S_BREAKER_OPEN, open);
    for (int head = 0; head < policy->heads_count && head < HEC_HEAD_LABELS; head++) {
        hec_meter_set(engine->meter, HEC_S_BUDGET_USED + head, used[head]);
        hec_meter_set(engine->meter, HEC_S_BUDGET_LIMIT + head, limit[head]);
    }
}
