/*
 * Metrics: every series the daemon ever shows, in two tables, present at zero from the start.
 *
 * Each engine has a meter that only its own thread writes: plain relaxed stores, no lock, no
 * read-modify-write. A scrape reads all meters and folds them (sums, or the worst). The text is
 * Prometheus 0.0.4 or OpenMetrics 1.0; names carry base units, labels have closed lists of values,
 * and no label is ever built from data.
 *
 *   hec_meter_add(meter, HEC_S_RESULTS + HEC_OUT_SCORED, rows);
 *   hec_meter_set(meter, HEC_S_REDIS_CONNECTED, 1);
 *   hec_meter_observe(meter, HEC_D_STAGE + HEC_STAGE_SCORE, took_ns);
 */
#ifndef HECATE_OPS_METRICS_H
#define HECATE_OPS_METRICS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hecate/batch.h"
#include "hecate/decide.h"
#include "hecate/entity.h"
#include "hecate/event.h"
#include "hecate/model.h"
#include "hecate/status.h"

/* Values of labels that no other table has. X(enumerator, value) */
#define HEC_STAGE_TABLE(X)                                                                         \
    X(POLL, "poll")                                                                                \
    X(DECODE, "decode")                                                                            \
    X(LOAD, "load")                                                                                \
    X(SCORE, "score")                                                                              \
    X(EMIT, "emit")                                                                                \
    X(COMMIT, "commit")                                                                            \
    X(CHECKPOINT, "checkpoint")
#define HEC_RUN_STATE_TABLE(X)                                                                     \
    X(STARTING, "starting")                                                                        \
    X(REBUILDING, "rebuilding")                                                                    \
    X(RUNNING, "running")                                                                          \
    X(PAUSED, "paused")                                                                            \
    X(DRAINING, "draining")
#define HEC_DEGRADED_TABLE(X)                                                                      \
    X(STATE_UNAVAILABLE, "state_unavailable")                                                      \
    X(REBUILDING, "rebuilding")
#define HEC_LATE_ACTION_TABLE(X)                                                                   \
    X(SCORE_ONLY, "score_only")                                                                    \
    X(DEAD_LETTER, "dead_letter")
#define HEC_REBALANCE_TABLE(X)                                                                     \
    X(ASSIGN, "assign")                                                                            \
    X(REVOKE, "revoke")                                                                            \
    X(LOST, "lost")
#define HEC_COMMIT_RESULT_TABLE(X)                                                                 \
    X(OK, "ok")                                                                                    \
    X(ABORTED, "aborted")                                                                          \
    X(FATAL, "fatal")                                                                              \
    X(FENCED, "fenced")
#define HEC_OUTPUT_TABLE(X)                                                                        \
    X(ALERT, "alert")                                                                              \
    X(SCORE, "score")                                                                              \
    X(SHADOW, "shadow")                                                                            \
    X(DEAD_LETTER, "dead_letter")
#define HEC_KAFKA_ERROR_TABLE(X)                                                                   \
    X(RETRIABLE, "retriable")                                                                      \
    X(ABORTABLE, "abortable")                                                                      \
    X(FATAL, "fatal")
#define HEC_TIER_TABLE(X)                                                                          \
    X(LOCAL, "local")                                                                              \
    X(REDIS, "redis")
#define HEC_FOUND_TABLE(X)                                                                         \
    X(HIT, "hit")                                                                                  \
    X(MISS, "miss")                                                                                \
    X(ERROR, "error")
#define HEC_REDIS_OP_TABLE(X)                                                                      \
    X(READ, "read")                                                                                \
    X(WRITE, "write")
#define HEC_REDIS_ERROR_TABLE(X)                                                                   \
    X(UNAVAILABLE, "unavailable")                                                                  \
    X(DENIED, "denied")                                                                            \
    X(CORRUPT, "corrupt")                                                                          \
    X(MISMATCH, "mismatch")                                                                        \
    X(FENCED, "fenced")
#define HEC_REBUILD_TABLE(X)                                                                       \
    X(NO_STATE, "no_state")                                                                        \
    X(CORRUPT, "corrupt")                                                                          \
    X(MISMATCH, "mismatch")
#define HEC_LOADED_TABLE(X)                                                                        \
    X(OK, "ok")                                                                                    \
    X(REFUSED, "refused")
#define HEC_HEAD_TABLE(X)                                                                          \
    X(CARD_FRAUD, "card_fraud")                                                                    \
    X(ATO, "ato")                                                                                  \
    X(ANOMALY, "anomaly")
#define HEC_SUPPRESSED_TABLE(X)                                                                    \
    X(SHADOW, "shadow")                                                                            \
    X(DEDUP, "dedup")                                                                              \
    X(SNOOZE, "snooze")                                                                            \
    X(BUDGET, "budget")                                                                            \
    X(LIST, "list")
#define HEC_LIST_NAME_TABLE(X)                                                                     \
    X(ALLOW, "allow")                                                                              \
    X(DENY, "deny")
#define HEC_VERDICT_LABEL_TABLE(X)                                                                 \
    X(FRAUD, "fraud")                                                                              \
    X(GENUINE, "genuine")                                                                          \
    X(UNKNOWN, "unknown")
#define HEC_WINDOW_TABLE(X)                                                                        \
    X(7, "7d")                                                                                     \
    X(30, "30d")                                                                                   \
    X(90, "90d")
#define HEC_OUTCOME_KIND_TABLE(X)                                                                  \
    X(FRAUD, "fraud")                                                                              \
    X(GENUINE, "genuine")                                                                          \
    X(UNLABELLED, "unlabelled")                                                                    \
    X(MISSED, "missed")
#define HEC_BOUND_TABLE(X)                                                                         \
    X(ESTIMATE, "estimate")                                                                        \
    X(LOW, "low")                                                                                  \
    X(HIGH, "high")
#define HEC_HANDLER_TABLE(X)                                                                       \
    X(LIVEZ, "livez")                                                                              \
    X(READYZ, "readyz")                                                                            \
    X(METRICS, "metrics")                                                                          \
    X(PAGE, "page")                                                                                \
    X(API, "api")                                                                                  \
    X(STREAM, "stream")                                                                            \
    X(OTHER, "other")
#define HEC_HTTP_CODE_TABLE(X)                                                                     \
    X(200, "200")                                                                                  \
    X(202, "202")                                                                                  \
    X(304, "304")                                                                                  \
    X(400, "400")                                                                                  \
    X(401, "401")                                                                                  \
    X(403, "403")                                                                                  \
    X(404, "404")                                                                                  \
    X(405, "405")                                                                                  \
    X(409, "409")                                                                                  \
    X(415, "415")                                                                                  \
    X(421, "421")                                                                                  \
    X(422, "422")                                                                                  \
    X(429, "429")                                                                                  \
    X(500, "500")                                                                                  \
    X(503, "503")

#define HEC_STAGE_ENUM(e, value) HEC_STAGE_##e,
#define HEC_RUN_STATE_ENUM(e, value) HEC_RUN_##e,
#define HEC_DEGRADED_ENUM(e, value) HEC_DEGRADED_##e,
#define HEC_LATE_ACTION_ENUM(e, value) HEC_LATE_ACTION_##e,
#define HEC_REBALANCE_ENUM(e, value) HEC_REBALANCE_##e,
#define HEC_COMMIT_ENUM(e, value) HEC_COMMIT_##e,
#define HEC_OUTPUT_ENUM(e, value) HEC_OUTPUT_##e,
#define HEC_KAFKA_ERROR_ENUM(e, value) HEC_KAFKA_ERROR_##e,
#define HEC_TIER_ENUM(e, value) HEC_TIER_##e,
#define HEC_FOUND_ENUM(e, value) HEC_FOUND_##e,
#define HEC_REDIS_OP_ENUM(e, value) HEC_REDIS_##e,
#define HEC_REDIS_ERROR_ENUM(e, value) HEC_REDIS_ERROR_##e,
#define HEC_REBUILD_ENUM(e, value) HEC_REBUILD_##e,
#define HEC_LOADED_ENUM(e, value) HEC_LOADED_##e,
#define HEC_HEAD_LABEL_ENUM(e, value) HEC_HEAD_LABEL_##e,
#define HEC_SUPPRESSED_ENUM(e, value) HEC_SUPPRESSED_##e,
#define HEC_LIST_NAME_ENUM(e, value) HEC_LIST_NAME_##e,
#define HEC_VERDICT_LABEL_ENUM(e, value) HEC_VERDICT_LABEL_##e,
#define HEC_WINDOW_ENUM(e, value) HEC_WINDOW_##e,
#define HEC_OUTCOME_KIND_ENUM(e, value) HEC_OUTCOME_##e,
#define HEC_BOUND_ENUM(e, value) HEC_BOUND_##e,
#define HEC_HANDLER_ENUM(e, value) HEC_HANDLER_##e,
#define HEC_HTTP_CODE_ENUM(e, value) HEC_HTTP_CODE_##e,
enum hec_stage { HEC_STAGE_TABLE(HEC_STAGE_ENUM) HEC_STAGES };
enum hec_run_state { HEC_RUN_STATE_TABLE(HEC_RUN_STATE_ENUM) HEC_RUN_STATES };
enum hec_degraded { HEC_DEGRADED_TABLE(HEC_DEGRADED_ENUM) HEC_DEGRADED_MODES };
enum hec_late_action { HEC_LATE_ACTION_TABLE(HEC_LATE_ACTION_ENUM) HEC_LATE_ACTIONS };
enum hec_rebalance { HEC_REBALANCE_TABLE(HEC_REBALANCE_ENUM) HEC_REBALANCES };
enum hec_commit_result { HEC_COMMIT_RESULT_TABLE(HEC_COMMIT_ENUM) HEC_COMMIT_RESULTS };
enum hec_output { HEC_OUTPUT_TABLE(HEC_OUTPUT_ENUM) HEC_OUTPUTS };
enum hec_kafka_error { HEC_KAFKA_ERROR_TABLE(HEC_KAFKA_ERROR_ENUM) HEC_KAFKA_ERRORS };
enum hec_tier { HEC_TIER_TABLE(HEC_TIER_ENUM) HEC_TIERS };
enum hec_found { HEC_FOUND_TABLE(HEC_FOUND_ENUM) HEC_FOUNDS };
enum hec_redis_op { HEC_REDIS_OP_TABLE(HEC_REDIS_OP_ENUM) HEC_REDIS_OPS };
enum hec_redis_error { HEC_REDIS_ERROR_TABLE(HEC_REDIS_ERROR_ENUM) HEC_REDIS_ERRORS };
enum hec_rebuild { HEC_REBUILD_TABLE(HEC_REBUILD_ENUM) HEC_REBUILDS };
enum hec_loaded { HEC_LOADED_TABLE(HEC_LOADED_ENUM) HEC_LOADEDS };
enum hec_head_label { HEC_HEAD_TABLE(HEC_HEAD_LABEL_ENUM) HEC_HEAD_LABELS };
enum hec_suppressed { HEC_SUPPRESSED_TABLE(HEC_SUPPRESSED_ENUM) HEC_SUPPRESSEDS };
enum hec_list_name { HEC_LIST_NAME_TABLE(HEC_LIST_NAME_ENUM) HEC_LIST_NAMES };
enum hec_verdict_label { HEC_VERDICT_LABEL_TABLE(HEC_VERDICT_LABEL_ENUM) HEC_VERDICT_LABELS };
enum hec_window { HEC_WINDOW_TABLE(HEC_WINDOW_ENUM) HEC_WINDOWS };
enum hec_outcome_kind { HEC_OUTCOME_KIND_TABLE(HEC_OUTCOME_KIND_ENUM) HEC_OUTCOME_KINDS };
enum hec_bound { HEC_BOUND_TABLE(HEC_BOUND_ENUM) HEC_BOUNDS };
enum hec_handler { HEC_HANDLER_TABLE(HEC_HANDLER_ENUM) HEC_HANDLERS };
enum hec_http_code { HEC_HTTP_CODE_TABLE(HEC_HTTP_CODE_ENUM) HEC_HTTP_CODES };

/* Refusals of one record, the reasons of dead letters: HEC_NULL_VALUE .. HEC_POISON. */
#define HEC_REASONS (HEC_POISON - HEC_NULL_VALUE + 1)

/* X(enumerator, label name, number of values). Their texts stand in metrics.c. */
#define HEC_LABEL_LIST_TABLE(X)                                                                    \
    X(NONE, "", 1)                                                                                 \
    X(EVENT_TYPE, "event_type", HEC_EVENT_TYPES)                                                   \
    X(RESULT, "result", HEC_OUTCOMES)                                                              \
    X(REASON, "reason", HEC_REASONS)                                                               \
    X(ENTITY, "entity", HEC_KINDS)                                                                 \
    X(STAGE, "stage", HEC_STAGES)                                                                  \
    X(RUN_STATE, "state", HEC_RUN_STATES)                                                          \
    X(DEGRADED, "mode", HEC_DEGRADED_MODES)                                                        \
    X(LATE_ACTION, "action", HEC_LATE_ACTIONS)                                                     \
    X(REBALANCE, "kind", HEC_REBALANCES)                                                           \
    X(COMMIT, "result", HEC_COMMIT_RESULTS)                                                        \
    X(OUTPUT, "output", HEC_OUTPUTS)                                                               \
    X(KAFKA_ERROR, "kind", HEC_KAFKA_ERRORS)                                                       \
    X(TIER, "tier", HEC_TIERS)                                                                     \
    X(FOUND, "result", HEC_FOUNDS)                                                                 \
    X(REDIS_OP, "op", HEC_REDIS_OPS)                                                               \
    X(REDIS_ERROR, "kind", HEC_REDIS_ERRORS)                                                       \
    X(REBUILD, "reason", HEC_REBUILDS)                                                             \
    X(LOADED, "result", HEC_LOADEDS)                                                               \
    X(HEAD, "head", HEC_HEAD_LABELS)                                                               \
    X(SEVERITY, "severity", HEC_SEVERITIES)                                                        \
    X(ACTION, "outcome", HEC_ACTIONS)                                                              \
    X(SUPPRESSED, "reason", HEC_SUPPRESSEDS)                                                       \
    X(LIST_NAME, "list", HEC_LIST_NAMES)                                                           \
    X(VERDICT, "label", HEC_VERDICT_LABELS)                                                        \
    X(WINDOW, "window", HEC_WINDOWS)                                                               \
    X(OUTCOME_KIND, "outcome", HEC_OUTCOME_KINDS)                                                  \
    X(BOUND, "bound", HEC_BOUNDS)                                                                  \
    X(HANDLER, "handler", HEC_HANDLERS)                                                            \
    X(HTTP_CODE, "code", HEC_HTTP_CODES)

enum hec_label_list {
#define HEC_LABEL_LIST_ENUM(enumerator, name, count) HEC_LABELS_##enumerator,
    HEC_LABEL_LIST_TABLE(HEC_LABEL_LIST_ENUM)
#undef HEC_LABEL_LIST_ENUM
        HEC_LABEL_LISTS
};
enum hec_label_count {
#define HEC_LABEL_COUNT_ENUM(enumerator, name, count) HEC_LABEL_COUNT_##enumerator = (count),
    HEC_LABEL_LIST_TABLE(HEC_LABEL_COUNT_ENUM)
#undef HEC_LABEL_COUNT_ENUM
};

/* How the meters of several engines become one number: SUM; MAX or MIN over the engines; SERVICE:
 * the service's own meter alone. SCALE: what is counted, per base unit that is shown (1000: counted
 * in ms, shown in s).
 * X(enumerator, name, type, fold, scale, label lists, help) */
#define HEC_SERIES_TABLE(X)                                                                        \
    X(RUN_STATE, "run_state", GAUGE, SERVICE, 1, RUN_STATE, NONE, NONE,                            \
      "1 for the state that the daemon is in, 0 for the others.")                                  \
    X(RELOAD_GOOD, "config_last_reload_successful", GAUGE, SERVICE, 1, NONE, NONE, NONE,           \
      "Whether the settings that were last offered are in effect.")                                \
    X(RELOADED, "config_last_reload_success_timestamp_seconds", GAUGE, SERVICE, 1000, NONE, NONE,  \
      NONE, "When settings were last taken into effect.")                                          \
    X(DEGRADED, "degraded", GAUGE, MAX, 1, DEGRADED, NONE, NONE,                                   \
      "1 while some engine works with less than it should have.")                                  \
    X(CONSUMED, "events_consumed_total", COUNTER, SUM, 1, NONE, NONE, NONE,                        \
      "Records read from the input topic, those of a silent replay apart.")                        \
    X(CONSUMED_BYTES, "events_consumed_bytes_total", COUNTER, SUM, 1, NONE, NONE, NONE,            \
      "Bytes of keys and values read from the input topic.")                                       \
    X(EVENTS, "events_total", COUNTER, SUM, 1, EVENT_TYPE, NONE, NONE, "Decoded events by type.")  \
    X(RESULTS, "events_processed_total", COUNTER, SUM, 1, RESULT, NONE, NONE,                      \
      "Committed records by what became of them; each offset has exactly one result.")             \
    X(REPLAYED, "events_replayed_total", COUNTER, SUM, 1, NONE, NONE, NONE,                        \
      "Records applied again without output to bring state up to the committed offset.")           \
    X(LATE, "late_events_total", COUNTER, SUM, 1, LATE_ACTION, NONE, NONE,                         \
      "Events later than allowed_lateness_ms, by what was done with them.")                        \
    X(DEGRADED_ROWS, "events_degraded_total", COUNTER, SUM, 1, NONE, NONE, NONE,                   \
      "Events scored although some state could not be read.")                                      \
    X(LAST_EVENT, "last_event_processed_timestamp_seconds", GAUGE, MAX, 1000, NONE, NONE, NONE,    \
      "When the last event was processed; 0 before the first.")                                    \
    X(ASSIGNED, "kafka_assigned_partitions", GAUGE, SUM, 1, NONE, NONE, NONE,                      \
      "Input partitions that this process reads.")                                                 \
    X(REBALANCES, "kafka_rebalances_total", COUNTER, SUM, 1, REBALANCE, NONE, NONE,                \
      "Changes of the assignment.")                                                                \
    X(COMMITS, "kafka_commits_total", COUNTER, SUM, 1, COMMIT, NONE, NONE,                         \
      "Commits of output and input offsets, by result.")                                           \
    X(LAST_COMMIT, "kafka_last_commit_timestamp_seconds", GAUGE, MIN, 1000, NONE, NONE, NONE,      \
      "When the engine that is furthest behind last committed; 0 before the first.")               \
    X(PRODUCED, "kafka_produced_total", COUNTER, SUM, 1, OUTPUT, NONE, NONE,                       \
      "Records published, by output.")                                                             \
    X(KAFKA_ERRORS, "kafka_errors_total", COUNTER, SUM, 1, KAFKA_ERROR, NONE, NONE,                \
      "Errors of the Kafka clients, by what they cost.")                                           \
    X(DEAD_LETTERS, "dead_letters_total", COUNTER, SUM, 1, REASON, NONE, NONE,                     \
      "Records set aside, by reason.")                                                             \
    X(SUSPECTS, "poison_suspects_total", COUNTER, SUM, 1, NONE, NONE, NONE,                        \
      "Records that were published alone because a broker refused what they said.")                \
    X(CIRCUIT, "circuit_open", GAUGE, MAX, 1, NONE, NONE, NONE,                                    \
      "1 while too many dead letters keep an engine from reading on.")                             \
    X(CACHE, "state_cache_requests_total", COUNTER, SUM, 1, TIER, FOUND, NONE,                     \
      "States asked for: in this process, and if not there in Redis.")                             \
    X(CACHE_ENTRIES, "state_cache_entries", GAUGE, SUM, 1, ENTITY, NONE, NONE,                     \
      "States in memory.")                                                                         \
    X(CACHE_BYTES, "state_cache_bytes", GAUGE, SUM, 1, NONE, NONE, NONE,                           \
      "Memory that cache_mib bounds: the states and the index.")                                   \
    X(CACHE_ENTITY_BYTES, "state_cache_entity_bytes", GAUGE, SUM, 1, ENTITY, NONE, NONE,           \
      "Memory of the states of one kind, without the index.")                                      \
    X(CACHE_EVICTIONS, "state_cache_evictions_total", COUNTER, SUM, 1, NONE, NONE, NONE,           \
      "States dropped from memory to hold cache_mib.")                                             \
    X(CACHE_DIRTY, "state_cache_dirty_entries", GAUGE, SUM, 1, NONE, NONE, NONE,                   \
      "States that are newer than their copy in Redis.")                                           \
    X(REDIS_ERRORS, "redis_errors_total", COUNTER, SUM, 1, REDIS_ERROR, NONE, NONE,                \
      "Failed conversations with Redis, by kind.")                                                 \
    X(REDIS_CONNECTED, "redis_connected", GAUGE, MIN, 1, NONE, NONE, NONE,                         \
      "1 when every engine is connected to Redis.")                                                \
    X(CHECKPOINTS, "checkpoints_total", COUNTER, SUM, 1, COMMIT, NONE, NONE,                       \
      "Checkpoints of state, by result.")                                                          \
    X(CHECKPOINT_RECORDS, "checkpoint_records_total", COUNTER, SUM, 1, NONE, NONE, NONE,           \
      "State records written by checkpoints.")                                                     \
    X(CHECKPOINT_BYTES, "checkpoint_bytes_total", COUNTER, SUM, 1, NONE, NONE, NONE,               \
      "Bytes of state written by checkpoints.")                                                    \
    X(LAST_CHECKPOINT, "last_checkpoint_timestamp_seconds", GAUGE, MIN, 1000, NONE, NONE, NONE,    \
      "When the engine that is furthest behind last stored a checkpoint; 0 before the first.")     \
    X(CHECKPOINT_LAG, "checkpoint_lag_records", GAUGE, SUM, 1, NONE, NONE, NONE,                   \
      "Committed records that are not yet in a checkpoint: what a restart would replay.")          \
    X(REBUILDS, "state_rebuilds_total", COUNTER, SUM, 1, REBUILD, NONE, NONE,                      \
      "Partitions whose state was built anew from the log, by cause.")                             \
    X(MODEL_LOADED, "model_loaded_timestamp_seconds", GAUGE, SERVICE, 1000, NONE, NONE, NONE,      \
      "When the model in use was loaded.")                                                         \
    X(MODEL_LOADS, "model_loads_total", COUNTER, SUM, 1, LOADED, NONE, NONE,                       \
      "Model files opened, by result.")                                                            \
    X(ALERTS, "alerts_total", COUNTER, SUM, 1, HEAD, SEVERITY, ACTION, "Alerts emitted.")          \
    X(SUPPRESSED, "alerts_suppressed_total", COUNTER, SUM, 1, SUPPRESSED, NONE, NONE,              \
      "Scores above a threshold that gave no alert, by reason.")                                   \
    X(BUDGET_USED, "alert_budget_used", GAUGE, SUM, 1, HEAD, NONE, NONE,                           \
      "Alerts of the day (event time) that count against the budget.")                             \
    X(BUDGET_LIMIT, "alert_budget_limit", GAUGE, SUM, 1, HEAD, NONE, NONE,                         \
      "Alerts that the day's budget allows the partitions read here; 0 without a budget.")         \
    X(BREAKER_OPEN, "breaker_open", GAUGE, MAX, 1, NONE, NONE, NONE,                               \
      "1 while blocks run away on some partition and block is review there.")                      \
    X(BREAKER_REVIEWS, "breaker_reviews_total", COUNTER, SUM, 1, NONE, NONE, NONE,                 \
      "Blocks that the breaker turned into reviews.")                                              \
    X(CONTROL, "control_group_total", COUNTER, SUM, 1, NONE, NONE, NONE,                           \
      "Would-be blocks that were let through to be watched.")                                      \
    X(LIST_ENTRIES, "list_entries", GAUGE, SERVICE, 1, LIST_NAME, NONE, NONE,                      \
      "Entities that are allowed or denied.")                                                      \
    X(LABELS, "labels_received_total", COUNTER, SUM, 1, VERDICT, NONE, NONE,                       \
      "Label events applied.")                                                                     \
    X(OUTCOMES, "alert_outcomes", GAUGE, SERVICE, 1, HEAD, WINDOW, OUTCOME_KIND,                   \
      "Mature alerts by verdict, and frauds of the head's kind without an alert (missed).")        \
    X(IMMATURE, "alerts_not_yet_mature", GAUGE, SERVICE, 1, HEAD, NONE, NONE,                      \
      "Alerts too young for their labels to have come: in no window yet.")                         \
    X(PRECISION, "live_precision_ratio", GAUGE, SERVICE, 1000000, HEAD, WINDOW, NONE,              \
      "Frauds among the head's mature alerts that have a verdict; NaN without any.")               \
    X(RECALL, "live_recall_ratio", GAUGE, SERVICE, 1000000, HEAD, WINDOW, NONE,                    \
      "Frauds of the head's kind that it alerted on, among all that are known; NaN without any.")  \
    X(CONTROL_PRECISION, "control_precision_ratio", GAUGE, SERVICE, 1000000, HEAD, BOUND, NONE,    \
      "Frauds among would-be blocks, from the control group of 90 days; 95 % interval; or NaN.")   \
    X(CONTROL_MATURE, "control_group_mature", GAUGE, SERVICE, 1, HEAD, NONE, NONE,                 \
      "Members of the control group that control_precision_ratio is made of.")                     \
    X(VERDICTS_DROPPED, "verdicts_dropped_total", COUNTER, SERVICE, 1, NONE, NONE, NONE,           \
      "Labels that came faster than the inbox's disk could keep them.")                            \
    X(HTTP, "http_requests_total", COUNTER, SERVICE, 1, HANDLER, HTTP_CODE, NONE,                  \
      "HTTP requests answered.")                                                                   \
    X(HTTP_REFUSED, "http_connections_refused_total", COUNTER, SERVICE, 1, NONE, NONE, NONE,       \
      "HTTP connections cut: they took too long, or there were too many.")                         \
    X(SSE_CLIENTS, "sse_clients", GAUGE, SERVICE, 1, NONE, NONE, NONE,                             \
      "Open streams of server-sent events.")

enum hec_series {
#define HEC_SERIES_ENUM(enumerator, name, type, fold, scale, a, b, c, help)                        \
    HEC_S_##enumerator,                                                                            \
        HEC_S_##enumerator##_LAST =                                                                \
            HEC_S_##enumerator +                                                                   \
            (int)HEC_LABEL_COUNT_##a * (int)HEC_LABEL_COUNT_##b * (int)HEC_LABEL_COUNT_##c - 1,
    HEC_SERIES_TABLE(HEC_SERIES_ENUM)
#undef HEC_SERIES_ENUM
        HEC_SERIES_COUNT
};

/* Distributions. Values are observed in ticks, shown as ticks / scale.
 * X(enumerator, name, bounds (a list of metrics.c), scale, label list, help) */
#define HEC_DISTRIBUTION_TABLE(X)                                                                  \
    X(END_TO_END, "event_end_to_end_seconds", END_TO_END, 1000000, NONE,                           \
      "From the event's own time to its decision; counted as an hour at most.")                    \
    X(STAGE, "stage_duration_seconds", STAGE, 1000000000, STAGE,                                   \
      "Time of one batch in one stage.")                                                           \
    X(REDIS, "redis_command_duration_seconds", STAGE, 1000000000, REDIS_OP,                        \
      "Round trips to Redis.")                                                                     \
    X(INFERENCE, "inference_duration_seconds", STAGE, 1000000000, NONE,                            \
      "Time of one batch in the model.")                                                           \
    X(BATCH, "inference_batch_records", BATCH, 1, NONE, "Rows of a batch.")                        \
    X(SCORE, "score", SCORE, 1000000, HEAD, "Calibrated probabilities (anomaly: scores).")

enum hec_distribution {
#define HEC_DISTRIBUTION_ENUM(enumerator, name, bounds, scale, a, help)                            \
    HEC_D_##enumerator,                                                                            \
        HEC_D_##enumerator##_LAST = HEC_D_##enumerator + (int)HEC_LABEL_COUNT_##a - 1,
    HEC_DISTRIBUTION_TABLE(HEC_DISTRIBUTION_ENUM)
#undef HEC_DISTRIBUTION_ENUM
        HEC_DISTRIBUTIONS
};

#define HEC_BOUNDS_MAX 16
#define HEC_METRIC_NONE INT64_MIN /* a gauge with nothing to tell: shown as NaN */
/* Rules are named by a file, and a reload may name others: a name keeps its slot for the process's
 * life, and the last slot is shared by those that come too late. */
#define HEC_RULE_SLOTS 128

/* One thread writes a meter; any may read. Members are for the functions below. */
struct hec_meter {
    _Atomic int64_t values[HEC_SERIES_COUNT];
    struct {
        _Atomic int64_t buckets[HEC_BOUNDS_MAX + 1], sum;
    } distributions[HEC_DISTRIBUTIONS];
    struct {
        _Atomic int64_t records; /* -1: not this engine's */
        _Atomic int64_t ms;
    } lags[HEC_PARTITIONS_MAX];
    _Atomic int64_t rules[HEC_RULE_SLOTS];
    struct hec_drift *drift; /* ops/drift.h; NULL: the service's */
};

/** Adds to a counter: HEC_S_NAME, plus the label's value, or hec_series_2 / _3 for more labels. */
static inline void hec_meter_add(struct hec_meter *meter, int series, int64_t n)
{
    assert((unsigned)series < HEC_SERIES_COUNT);
    int64_t now = atomic_load_explicit(&meter->values[series], memory_order_relaxed);
    atomic_store_explicit(&meter->values[series], now + n, memory_order_relaxed);
}

/** Sets a gauge (or a counter that somebody else counts, to its total). */
static inline void hec_meter_set(struct hec_meter *meter, int series, int64_t value)
{
    assert((unsigned)series < HEC_SERIES_COUNT);
    atomic_store_explicit(&meter->values[series], value, memory_order_relaxed);
}

/* What an open transaction says: counted when it is committed, forgotten when it is rolled back and
 * its records come again. All zero is an empty one; one thread. */
struct hec_tally {
    int64_t values[HEC_SERIES_COUNT];
    int64_t rules[HEC_RULE_SLOTS]; /* hits, by slot */
};

/** Adds to a counter, as hec_meter_add. */
static inline void hec_tally_add(struct hec_tally *tally, int series, int64_t n)
{
    assert((unsigned)series < HEC_SERIES_COUNT);
    tally->values[series] += n;
}

/** Adds one hit of the rule in a slot. */
static inline void hec_tally_rule(struct hec_tally *tally, int slot)
{
    assert((unsigned)slot < HEC_RULE_SLOTS);
    tally->rules[slot]++;
}

/** Counts all of it, and empties it. The meter's thread. */
void hec_tally_count(struct hec_tally *tally, struct hec_meter *meter);

/** The series of a family with three or two labels. */
static inline int hec_series_alerts(int head, enum hec_severity severity, enum hec_action action)
{
    return (int)HEC_S_ALERTS + (head * (int)HEC_SEVERITIES + (int)severity) * (int)HEC_ACTIONS +
           (int)action;
}
static inline int hec_series_cache(enum hec_tier tier, enum hec_found found)
{
    return (int)HEC_S_CACHE + (int)tier * (int)HEC_FOUNDS + (int)found;
}
static inline int hec_series_http(enum hec_handler handler, enum hec_http_code code)
{
    return (int)HEC_S_HTTP + (int)handler * (int)HEC_HTTP_CODES + (int)code;
}
static inline int hec_series_dead_letter(enum hec_status refusal)
{
    assert(refusal >= HEC_NULL_VALUE && refusal <= HEC_POISON);
    return (int)HEC_S_DEAD_LETTERS + (int)refusal - (int)HEC_NULL_VALUE;
}

/** Observes one value: ns for durations, records, or probability x 1 000 000. Negative ones (a
 * producer's clock ahead of ours) count as 0. */
void hec_meter_observe(struct hec_meter *meter, int distribution, int64_t ticks);
/** The same value n times: all rows of a batch at once. */
void hec_meter_observe_n(struct hec_meter *meter, int distribution, int64_t ticks, int64_t n);

/** Sets how far this engine is behind in a partition, records and ms (age of the next record); the
 * partition's two series exist from the first call on. */
void hec_meter_lag(struct hec_meter *meter, int32_t partition, int64_t records, int64_t ms);
/** Takes the partition's series away: another process reads it now. */
void hec_meter_lag_end(struct hec_meter *meter, int32_t partition);

struct hec_metrics;

/* What never changes. Texts are copied; NULL is "". */
struct hec_metrics_options {
    int engines;
    const char *input_topic;
    const char *version, *revision, *librdkafka, *openblas, *libevent; /* of build_info */
};

/** Makes engines + 1 meters, all at zero. @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_metrics_new(struct hec_metrics **ret,
                                            const struct hec_metrics_options *options);
/** Accepts NULL. No thread may use a meter of it any more. */
void hec_metrics_free(struct hec_metrics *metrics);

/** The meter of engine 0 .. engines-1, and the service's own (main thread). */
struct hec_meter *hec_metrics_engine(struct hec_metrics *metrics, int engine);
struct hec_meter *hec_metrics_service(struct hec_metrics *metrics);

/** Names the model in use (role "primary" or "shadow"); sha256 is cut to 12 digits. Any thread. */
void hec_metrics_set_model(struct hec_metrics *metrics, const char *role, const char *name,
                           const char *version, const char *sha256);

/** From which model's reference the two families of drift are told; its shares and names are
 * copied. Without a reference, or memory, they have no series. Any thread. */
void hec_metrics_set_reference(struct hec_metrics *metrics, const struct hec_model *model,
                               const char *sha256);

/** The slot in which hits of a rule of this name are counted; the same for the same name. Any
 * thread. */
int hec_metrics_rule_slot(struct hec_metrics *metrics, const char *name);

/** Sets run_state of the service's meter. Main thread. */
void hec_metrics_set_run_state(struct hec_metrics *metrics, enum hec_run_state state);

/** The folded value of one series now, in its ticks: for status lines. */
int64_t hec_metrics_value(const struct hec_metrics *metrics, int series);
/** How far behind one partition is, and the engine that reads it; -1: none of ours. */
int hec_metrics_lag_of(const struct hec_metrics *metrics, int32_t partition, int64_t *records,
                       int64_t *ms);
/** A quantile of a distribution since the start, over all engines, within its bucket by straight
 * line as Prometheus' histogram_quantile has it; 0 without observations. */
double hec_metrics_quantile(const struct hec_metrics *metrics, int distribution, double quantile);
/** Counts of a distribution's buckets since the start, over all engines, the infinite one last, and
 * the bounds between them. Returns how many buckets there are. */
int hec_metrics_buckets(const struct hec_metrics *metrics, int distribution,
                        int64_t counts[HEC_BOUNDS_MAX + 1], const double **bounds);
/** Sum of lag over the partitions read here, and the greatest age in ms. */
void hec_metrics_lag(const struct hec_metrics *metrics, int64_t *records, int64_t *ms);

/**
 * Writes everything as text, for free().
 *
 * @param openmetrics  OpenMetrics 1.0 with units and # EOF; else Prometheus text 0.0.4
 * @return NULL when memory is exhausted
 */
char *hec_metrics_text(struct hec_metrics *metrics, bool openmetrics, size_t *length);

#endif
