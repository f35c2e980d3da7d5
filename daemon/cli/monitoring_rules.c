/*
 * The rules: symptoms wake somebody, causes wait for the morning. Each row has its runbook; the
 * manual page hecated(8) prints it, and runbook_url says so.
 */
#include <string.h>

#include "cli/monitoring.h"

/* clang-format off */
static const struct hec_rule RULES[] = {
    { "HecateDown", "critical", "2m",
      "up{job=\"$job\"} == 0 or absent(up{job=\"$job\"})",
      "hecated on {{ $labels.instance }} cannot be scraped",
      "Prometheus has had no answer from /metrics for two minutes, or knows no such target.",
      "systemctl status hecated and journalctl -u hecated. Exit status 78: the settings or the "
      "model are refused, hecate config check says why. 69: Kafka or Redis cannot be reached. "
      "Nothing is lost while it is down; it goes on from the committed offset." },
    { "HecateNothingAssigned", "critical", "5m",
      "hecate_kafka_assigned_partitions == 0",
      "{{ $labels.instance }} reads no partition",
      "The daemon is up and is not given any input partition; lag cannot tell, for it is only "
      "known of partitions that are assigned.",
      "Look at /readyz?verbose. More engines in the group than partitions leave some idle, which "
      "is "
      "no fault: lower engines. Otherwise the broker or the group coordinator does not answer." },
    { "HecateDecisionTooLate", "critical", "5m",
      "histogram_quantile(0.99, sum by (instance, le) "
      "(rate(hecate_event_end_to_end_seconds_bucket[5m]))) > 0.1",
      "1 % of decisions on {{ $labels.instance }} come later than {{ $value | humanizeDuration }}",
      "From an event's own time to its decision; the producers' delay and clock are part of it.",
      "Compare hecate_stage_duration_seconds by stage: load points at Redis, commit at Kafka, "
      "score "
      "at this machine. If no stage is slow, the events arrive late." },
    { "HecateLagAge", "critical", "5m",
      "max by (instance) (hecate_kafka_consumer_lag_seconds) > 30",
      "{{ $labels.instance }} is {{ $value | humanizeDuration }} behind",
      "The oldest record that waits to be read is that old.",
      "While hecate_run_state says rebuilding it is catching up; see hecate_events_replayed_total. "
      "Otherwise add engines or a daemon, up to the number of partitions." },
    { "HecateDegraded", "critical", "5m",
      "max by (instance, mode) (hecate_degraded) == 1",
      "{{ $labels.instance }} works with less than it should have: {{ $labels.mode }}",
      "Events are scored and their alerts marked degraded, because some state could not be read.",
      "state_unavailable: mend Redis; what was not stored is replayed by itself when it is back. "
      "rebuilding: wait; state is being made again from the log." },
    { "HecateRebuildTooLong", "warning", "15m",
      "hecate_run_state{state=\"rebuilding\"} == 1",
      "{{ $labels.instance }} has been rebuilding state for a quarter of an hour",
      "Until it is done the daemon is not ready.",
      "systemctl status hecated tells how many records are left. A rebuild from nothing reads the "
      "topic's whole retention; hecate_state_rebuilds_total tells why it was needed." },
    { "HecateCheckpointStale", "warning", "5m",
      "time() - hecate_last_checkpoint_timestamp_seconds > 300 and hecate_checkpoint_lag_records "
      "> 0",
      "{{ $labels.instance }} last stored state {{ $value | humanizeDuration }} ago",
      "Decisions are not affected; a restart would have to replay what is not stored.",
      "Look at hecate_redis_errors_total by kind, at Redis' memory and at its log." },
    { "HecateCommitsFail", "warning", "10m",
      "sum by (instance, result) (increase(hecate_kafka_commits_total{result!=\"ok\"}[10m])) > 0",
      "commits on {{ $labels.instance }} end as {{ $labels.result }}",
      "A transaction that ends so is done again; under exactly_once nothing is lost or doubled.",
      "aborted: the broker was slow or a rebalance came; fatal or fenced: another process has the "
      "same hecate.instance, give each its own." },
    { "HecateDeadLetters", "warning", "10m",
      "sum by (instance, reason) (increase(hecate_dead_letters_total[10m])) > 0",
      "records are set aside on {{ $labels.instance }}: {{ $labels.reason }}",
      "Records that cannot be judged go to the dead letter topic for ten minutes now.",
      "Read one: kcat -C -t DEAD_LETTER_TOPIC -o -1 -e -J; the __hecate.errors.* headers say what "
      "was wrong. Usually a producer was changed." },
    { "HecateReloadFailed", "warning", "1m",
      "hecate_config_last_reload_successful == 0",
      "{{ $labels.instance }} refused its changed settings",
      "The settings of before are still in effect, all of them; a restart would fail.",
      "hecate config check tells every mistake; then systemctl reload hecated." },
    { "HecateModelRefused", "warning", "1m",
      "increase(hecate_model_loads_total{result=\"refused\"}[15m]) > 0",
      "{{ $labels.instance }} refused a model file",
      "The model in use stays; the file is damaged, or was trained on other features.",
      "hecate model inspect FILE says what it is; train it on the features.conf in use." },
    { "HecateAlertsVanished", "warning", "30m",
      "sum(rate(hecate_events_processed_total{result=\"scored\"}[30m])) > 1 "
      "and sum(increase(hecate_alerts_total[30m])) == 0",
      "events are scored and nothing is alerted",
      "No alert from any instance for an hour while events flow: the failure nobody notices.",
      "Look at the scores (hecate_score) and at thresholds and modes (hecate config show): heads "
      "in "
      "shadow send none. A model that knows other data scores everything low." },
    { "HecateScoreDrift", "warning", "1h",
      "max by (instance, head) (hecate_score_drift_psi) > 0.25",
      "scores of {{ $labels.head }} on {{ $labels.instance }} lie elsewhere than in training (PSI "
      "{{ $value | humanize }})",
      "Either the world changed (an attack, a holiday, a new product) or the events did. Counted "
      "over the last day of event time.",
      "topk(10, hecate_feature_drift_psi) names the features that moved. All at once: look at the "
      "producers, at hecate_events_total by type and at hecate_dead_letters_total. A few: look at "
      "some alerts; hecate adapt puts probabilities right; train anew when the world has "
      "changed." },
    { "HecateFeatureDrift", "warning", "1h",
      "count by (instance) (hecate_feature_drift_psi > 0.25) > 0",
      "{{ $value }} features on {{ $labels.instance }} lie elsewhere than in training",
      "What the model is given has moved (PSI above 0.25 over the last day of event time); its "
      "scores may follow.",
      "topk(10, hecate_feature_drift_psi) names them. One that is suddenly missing is a "
      "producer's fault: tell it. Those that grow with the age of the data move by themselves; "
      "train anew now and then." },
    { "HecateRestarts", "warning", "1m",
      "changes(process_start_time_seconds{job=\"$job\"}[1h]) > 3",
      "{{ $labels.instance }} started {{ $value }} times within an hour",
      "Something ends it again and again; each start replays what was not stored.",
      "journalctl -u hecated: the last error line before each end says what it was. Status 137 is "
      "the kernel's memory killer: lower state.cache_mib." },
    { 0 },
};
/* clang-format on */

const struct hec_rule *hec_rules(void)
{
    return RULES;
}

/* A YAML text in single quotes, in which only they are special; $job filled in. */
static void print_quoted(FILE *out, const char *text, const char *job)
{
    fputc('\'', out);
    while (*text != '\0') {
        if (strncmp(text, "$job", 4) == 0) {
            fputs(job, out);
            text += 4;
            continue;
        }
        fputs(*text == '\'' ? "''" : (char[]){ *text, '\0' }, out);
        text++;
    }
    fputc('\'', out);
}

static void print_field(FILE *out, const char *indent, const char *name, const char *text,
                        const char *job)
{
    fprintf(out, "%s%s: ", indent, name);
    print_quoted(out, text, job);
    fputc('\n', out);
}

void hec_rules_print(FILE *out, const char *job)
{
    fprintf(out, "# Alert rules for hecated " HEC_VERSION ". What to do about each: man hecated.\n"
                 "groups:\n  - name: hecate\n    rules:\n");
    for (const struct hec_rule *rule = RULES; rule->name != NULL; rule++) {
        fprintf(out, "      - alert: %s\n", rule->name);
        print_field(out, "        ", "expr", rule->expr, job);
        fprintf(out, "        for: %s\n        labels:\n          severity: %s\n", rule->hold,
                rule->severity);
        fprintf(out, "        annotations:\n");
        print_field(out, "          ", "summary", rule->summary, job);
        print_field(out, "          ", "description", rule->description, job);
        print_field(out, "          ", "runbook", rule->action, job);
        fprintf(out, "          runbook_url: 'man:hecated(8)#%s'\n", rule->name);
    }
}

void hec_scrape_print(FILE *out, const char *job, const char *target)
{
    fprintf(out, "# For prometheus.yml. The rules: hecate monitoring rules --job ");
    fprintf(out, "%s > hecate.rules.yml\n", job);
    fprintf(out, "rule_files:\n  - hecate.rules.yml\n");
    fprintf(out, "scrape_configs:\n  - job_name: ");
    print_quoted(out, job, job);
    fprintf(out, "\n    scrape_interval: 15s\n    static_configs:\n      - targets: [");
    print_quoted(out, target, job);
    fprintf(out, "]\n");
}
