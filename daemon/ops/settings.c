/*
 * Every setting, once. The parser, the sample file, `config show`, the manual page and the tests
 * that compare them all read this table; nothing else names a setting.
 */
#include "ops/settings.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hecate/decide.h"
#include "ops/log.h"
#include "ops/problems.h"

static const char *const HEAD_MODES[] = { "off", "shadow", "on", NULL };
static const char *const LATE_POLICIES[] = { "score_only", "dead_letter", NULL };
static const char *const START_FROM[] = { "earliest", "latest", NULL };
static const char *const DELIVERIES[] = { "exactly_once", "at_least_once", NULL };
static const char *const REDIS_MODES[] = { "single", "sentinel", "cluster", NULL };
static const char *const ON_UNAVAILABLE[] = { "degrade", "stop", NULL };
static const char *const LOG_FORMATS[] = { "logfmt", "json", NULL };
static const char *const LOG_LEVELS[] = {
#define LOG_LEVEL_NAME(enumerator, name, priority) name,
    HEC_LOG_LEVEL_TABLE(LOG_LEVEL_NAME)
#undef LOG_LEVEL_NAME
        NULL
};
_Static_assert((int)HEC_HEAD_OFF == HEC_DECIDE_OFF && (int)HEC_HEAD_SHADOW == HEC_DECIDE_SHADOW &&
                   (int)HEC_HEAD_ON == HEC_DECIDE_ON,
               "the words of mode are in the enum's order");

static const struct hec_setting_section SECTIONS[] = {
    { "hecate", "The process.", false },
    { "kafka",
      "How to reach Kafka: librdkafka's own property names, passed through unchanged to every "
      "client. The kafka_consumer and kafka_producer sections reach only those. What exactly-once "
      "rests on (offsets, transactions, acknowledgements) is set by hecated and refused here.",
      true },
    { "kafka_consumer", "Properties of the consumers alone.", true },
    { "kafka_producer", "Properties of the producers alone.", true },
    { "input",
      "Where events come from. How late an event may be and how long event ids are "
      "remembered stands in features.conf, because state depends on it.",
      false },
    { "output", "Where results go, and how surely.", false },
    { "state", "What is remembered of customers, cards and the rest, and Redis behind it.", false },
    { "features", "What the engine looks at.", false },
    { "model", "The model.", false },
    { "head",
      "One section a head: card_fraud, ato, anomaly. A score is the calibrated probability "
      "times 1000, cut to 0 .. 999.",
      false },
    { "alerts", "What alerts say.", false },
    { "admin", "Probes, metrics, and the API behind the console.", false },
    { "log", "Log lines, on standard error.", false },
    { NULL, NULL, false },
};

#define AT(member) offsetof(struct hec_config, member)
#define IN_HEAD(member) (offsetof(struct hec_config, heads[0].member) - AT(heads))
#define TEXT(section, name, standard, member, words, ...)                                          \
    {                                                                                              \
        section, name, HEC_SETTING_TEXT, "", standard, 0, 0, NULL, .offset = AT(member),           \
                                                                   .help = words, __VA_ARGS__      \
    }
#define INTEGER(section, name, unit, standard, minimum, maximum, member, words, ...)               \
    {                                                                                              \
        section, name, HEC_SETTING_INTEGER, unit, standard, minimum, maximum, NULL,                \
            .offset = AT(member), .help = words, __VA_ARGS__                                       \
    }
#define BOOLEAN(section, name, standard, member, words, ...)                                       \
    {                                                                                              \
        section, name, HEC_SETTING_BOOLEAN, "", standard, 0, 0, NULL, .offset = AT(member),        \
                                                                      .help = words, __VA_ARGS__   \
    }
#define CHOICE(section, name, standard, list, member, words, ...)                                  \
    {                                                                                              \
        section, name, HEC_SETTING_CHOICE, "", standard, 0, 0, list, .offset = AT(member),         \
                                                                     .help = words, __VA_ARGS__    \
    }
#define HEAD_SCORE(name, words)                                                                    \
    {                                                                                              \
        "head", #name "_score", HEC_SETTING_INTEGER, "", "0", 0, 999, NULL,                        \
            .reloadable = true, .offset = IN_HEAD(name##_score), .help = words                     \
    }
#define RELOAD .reloadable = true
#define RESTART .reloadable = false
#define REQUIRED .required = true

/* clang-format off */
static const struct hec_setting SETTINGS[] = {
    TEXT("hecate", "instance", "", hecate.instance,
         "Name of this instance in logs, metrics and alerts; every daemon of a group needs its "
         "own, and the same one after a restart. Empty: the host name.", RESTART),
    TEXT("hecate", "tenant", "default", hecate.tenant,
         "Alerts of events that name no tenant carry this one.", RESTART),
    INTEGER("hecate", "engines", "", "1", 0, 64, hecate.engines,
            "Engines: threads that each read their share of the input partitions. More than there "
            "are partitions stay idle. 0: one a core less one.", RESTART),
    INTEGER("hecate", "drain_timeout_ms", "ms", "30000", 0, 600000, hecate.drain_timeout_ms,
            "On SIGTERM work in flight is finished for at most this long. A second SIGTERM ends at "
            "once; nothing is lost either way.", RESTART),

    TEXT("input", "topic", "", input.topic, "Topic of the events.", REQUIRED),
    TEXT("input", "group", "hecate", input.group,
         "Consumer group. All daemons that share the work name the same one.", RESTART),
    CHOICE("input", "start_from", "earliest", START_FROM, input.start_from,
           "Where to begin when the group has no committed offset yet.", RESTART),
    INTEGER("input", "max_record_bytes", "bytes", "65536", 1024, 1048576, input.max_record_bytes,
            "Larger records go to the dead letter topic.", RESTART),
    CHOICE("input", "late_policy", "score_only", LATE_POLICIES, input.late_policy,
           "What to do with an event that is later than features.conf allows: score it without "
           "moving state, or set it aside.", RESTART),
    INTEGER("input", "max_future_skew_ms", "ms", "60000", 0, 86400000, input.max_future_skew_ms,
            "An event stamped further ahead of its record than this is set aside: it would age "
            "every window.", RESTART),

    TEXT("output", "alert_topic", "", output.alert_topic, "Topic of the alerts.", REQUIRED),
    TEXT("output", "score_topic", "", output.score_topic,
         "Topic of the scores of all events. Empty: scores are not published.", RESTART),
    TEXT("output", "shadow_topic", "", output.shadow_topic,
         "Topic of the scores of model.shadow_file, one for each on score_topic.", RESTART),
    { "output", "score_sample_ratio", HEC_SETTING_RATIO, "", "1", 0, 1, NULL, RELOAD,
      .offset = AT(output.score_sample_ratio),
      .help = "Share of the scores without alert that is published, chosen by event id. Scores "
              "with an alert always are." },
    BOOLEAN("output", "score_features", "false", output.score_features,
            "Whether score records carry the feature row as hexadecimal floats: to prove that two "
            "runs agree. Makes them some ten times larger.", RESTART),
    TEXT("output", "dead_letter_topic", "", output.dead_letter_topic,
         "Topic of the records that are set aside, with the reason in their headers.", REQUIRED),
    { "output", "dead_letter_ratio_max", HEC_SETTING_RATIO, "", "0.05", 0, 1, NULL, RESTART,
      .offset = AT(output.dead_letter_ratio_max),
      .help = "When more than this share of a minute's records (100 or more) is set aside, nothing "
              "more is read and readiness fails, until `hecate resume`: a producer changed its "
              "schema, as a rule. 0: never. Each engine counts its own." },
    CHOICE("output", "delivery", "exactly_once", DELIVERIES, output.delivery,
           "exactly_once publishes output and input offsets in one Kafka transaction: readers with "
           "read_committed see each alert once, a commit interval later. at_least_once publishes "
           "at once and may repeat alerts after a crash, with the same alert_id. State is exact in "
           "both.", RESTART),
    INTEGER("output", "commit_interval_ms", "ms", "50", 1, 5000, output.commit_interval_ms,
            "How long output may wait for its commit. Alerts are seen that much later under "
            "exactly_once; a short interval costs throughput.", RESTART),
    INTEGER("output", "commit_records_max", "records", "5000", 1, 100000, output.commit_records_max,
            "Commit no later than after this many input records.", RESTART),
    BOOLEAN("output", "overlap", "false", output.overlap,
            "Whether the next batches are taken while a commit or a checkpoint is under way; what "
            "they say waits for the commit. Off: slower, and one thread less to think of.",
            RESTART),

    TEXT("state", "redis_address", "tcp:127.0.0.1:6379", state.redis_address,
         "tcp:host:port or unix:/path of the Redis (or Valkey) server that keeps checkpoints of "
         "state. Several with commas: the first that answers and is a master. With redis_mode = "
         "sentinel the Sentinels' addresses, with cluster those of some nodes.",
         RESTART),
    CHOICE("state", "redis_mode", "single", REDIS_MODES, state.redis_mode,
           "What answers at redis_address: servers; Sentinels, who are asked for the master and "
           "asked again after a failover; or nodes of a Redis Cluster, where each partition's "
           "checkpoint lies in one slot.", RESTART),
    TEXT("state", "redis_master_name", "", state.redis_master_name,
         "Name by which the Sentinels know the master. Needed with redis_mode = sentinel.",
         RESTART),
    BOOLEAN("state", "redis_tls", "false", state.redis_tls,
            "Whether TCP connections to Redis and its Sentinels use TLS. Needs Debian 13 (hiredis "
            "1.0 or newer); on Debian 12 use a Unix socket or a tunnel (stunnel).", RESTART),
    TEXT("state", "redis_tls_ca_file", "", state.redis_tls_ca_file,
         "Certificates of the authorities that may vouch for Redis (PEM). Empty: those that this "
         "machine trusts.", RESTART),
    TEXT("state", "redis_tls_certificate_file", "", state.redis_tls_certificate_file,
         "Certificate by which Redis knows this client (PEM). Empty: none is shown.", RESTART),
    TEXT("state", "redis_tls_key_file", "", state.redis_tls_key_file,
         "Its private key (PEM, without passphrase).", RESTART),
    TEXT("state", "redis_tls_server_name", "", state.redis_tls_server_name,
         "Name that must stand in Redis' certificate. Empty: the host of the address.", RESTART),
    BOOLEAN("state", "allow_remote_plain", "false", state.allow_remote_plain,
            "Whether Redis may be on another host without TLS: only through a tunnel or on a "
            "network of its own.", RESTART),
    TEXT("state", "redis_username", "", state.redis_username,
         "User of Redis' access control list. Empty: its default user.", RESTART),
    TEXT("state", "redis_password", "", state.redis_password,
         "Password. Better a reference than the word itself: ${credential:redis-password}.",
         .secret = true),
    TEXT("state", "redis_sentinel_username", "", state.redis_sentinel_username,
         "User of the Sentinels' own access control list. Empty: their default user.", RESTART),
    TEXT("state", "redis_sentinel_password", "", state.redis_sentinel_password,
         "Password of the Sentinels, if they have one; a reference like redis_password.",
         .secret = true),
    INTEGER("state", "redis_database", "", "0", 0, 15, state.redis_database,
            "Number of the database; 0 in a Cluster.", RESTART),
    TEXT("state", "token_key", "", state.token_key,
         "With a key of 16 bytes or more, tokens of customers, cards and the rest are known to "
         "Redis by their HMAC only. Another key is another state, built anew from the log. "
         "Better a reference than the word itself: ${credential:token-key}.",
         .secret = true),
    TEXT("state", "key_prefix", "hec", state.key_prefix, "What every key begins with.", RESTART),
    INTEGER("state", "connect_timeout_ms", "ms", "500", 1, 60000, state.connect_timeout_ms,
            "How long connecting may take.", RESTART),
    INTEGER("state", "read_timeout_ms", "ms", "200", 1, 60000, state.read_timeout_ms,
            "How long one answer may take. After it the batch is scored without the states that "
            "are missing, and its alerts say degraded.", RESTART),
    INTEGER("state", "checkpoint_interval_ms", "ms", "1000", 10, 600000,
            state.checkpoint_interval_ms,
            "How often changed states are written. What is not yet written is replayed from Kafka "
            "after a restart: never lost, but it takes time.", RESTART),
    INTEGER("state", "checkpoint_records_max", "records", "16384", 1, 1000000,
            state.checkpoint_records_max,
            "Checkpoint no later than when this many states have changed.", RESTART),
    INTEGER("state", "cache_mib", "MiB", "512", 16, 1048576, state.cache_mib,
            "Memory for states, all engines together. Changed states are never dropped, so up to "
            "twice as much is used while Redis is away; then the input pauses.", RESTART),
    INTEGER("state", "shared_refresh_ms", "ms", "1000", 0, 3600000, state.shared_refresh_ms,
            "How old a copy of another partition's share of a merchant, terminal, device, address "
            "or payee may be.", RESTART),
    BOOLEAN("state", "allow_evicting", "false", state.allow_evicting,
            "Whether a Redis may be used that deletes keys when its memory is full. Then Redis is "
            "a cache only, and a partition is rebuilt from Kafka when keys are missing.", RESTART),
    CHOICE("state", "on_unavailable", "degrade", ON_UNAVAILABLE, state.on_unavailable,
           "While Redis is away: degrade scores with what is in memory and marks the alerts; stop "
           "pauses the input.", RESTART),
    INTEGER("state", "away_max_s", "s", "1800", 0, 604800, state.away_max_s,
            "When Redis took no states for so long, the input is paused and readiness fails until "
            "it does: a restart would have all of that to replay. Nothing is lost. 0: never.",
            RESTART),
    INTEGER("state", "replay_records_max", "records", "20000000", 0, 1000000000000,
            state.replay_records_max,
            "The same when so many events were published whose states are not stored, for each "
            "engine. 0: never.", RESTART),

    TEXT("features", "schema_file", "/etc/hecate/features.conf", features.schema_file,
         "Declares the features. Its digest must be the one stored in the model.", RESTART),

    TEXT("model", "file", "/var/lib/hecate/models/current.safetensors", model.file,
         "The model, as hecate train writes it. It is checked fully, its golden row included, "
         "before it is used; a reload looks whether the file has changed, too.", RELOAD),
    TEXT("model", "shadow_file", "", model.shadow_file,
         "A second model, of the same features, that scores all events beside the first and "
         "decides nothing: its scores go to output.shadow_topic; hecate shadow compares them. "
         "Empty: none.",
         RELOAD),
    INTEGER("model", "max_batch_records", "records", "64", 1, 1024, model.max_batch_records,
            "Rows of one pass through the model at most.", RESTART),
    INTEGER("model", "max_batch_wait_us", "us", "1000", 0, 1000000, model.max_batch_wait_us,
            "How long a batch that is not full may wait for more events.", RESTART),

    { "head", "mode", HEC_SETTING_CHOICE, "", "on", 0, 0, HEAD_MODES, RELOAD,
      .offset = IN_HEAD(mode),
      .help = "on; shadow: would-be alerts are counted, none is sent; off: scored, never judged." },
    HEAD_SCORE(alert, "Alert at or above this score, with outcome review. 0: the threshold that "
                      "training chose and stored in the model."),
    HEAD_SCORE(step_up, "Outcome step_up at or above this score. 0: never."),
    HEAD_SCORE(hold, "Outcome hold at or above this score; not below alert_score. 0: never."),
    HEAD_SCORE(block, "Outcome block at or above this score; not below alert_score. 0: never."),

    { "head", "budget_alerts_per_day", HEC_SETTING_INTEGER, "", "0", 0, 1e9, NULL, RELOAD,
      .offset = IN_HEAD(budget_alerts_per_day),
      .help = "Alerts of outcome step_up or review a day (UTC, event time) at most, those with the "
              "greatest expected loss; the others are counted as suppressed. What is held or "
              "blocked is always sent, and counts. Every partition has its equal part. 0: no "
              "budget." },
    { "head", "exposure_minor", HEC_SETTING_INTEGER, "minor units", "10000", 0, 1e12, NULL, RELOAD,
      .offset = IN_HEAD(exposure_minor),
      .help = "What is taken to be at stake where an event has no amount, such as a log-in: for "
              "the order of candidates under a budget." },

    INTEGER("alerts", "max_reasons", "", "5", 0, 5, alerts.max_reasons,
            "Reasons that one alert gives at most.", RELOAD),
    INTEGER("alerts", "critical_loss_minor", "minor units", "0", 0, 1e12,
            alerts.critical_loss_minor,
            "Expected loss, probability times amount, from which on an alert is critical. 0: no "
            "loss makes one critical.", RELOAD),
    INTEGER("alerts", "dedup_window_s", "s", "900", 0, 86400, alerts.dedup_window_s,
            "Alerts of one entity and head within this time of the first, by event time, are one "
            "in the inbox, with a count. The topic carries them all. 0: each is its own.", RESTART),
    TEXT("alerts", "inbox_file", "/var/lib/hecate/alerts.db", alerts.inbox_file,
         "SQLite file of the inbox: what people see and work on, filled from alert_topic. Passed "
         "over when its directory does not exist. Empty: none.", RESTART),
    INTEGER("alerts", "inbox_retention_days", "days", "100", 1, 3650, alerts.inbox_retention_days,
            "How long the inbox keeps alerts, verdicts and its audit. Precision over 90 days needs "
            "these and the label delay.", RESTART),
    TEXT("alerts", "rules_file", "", alerts.rules_file,
         "Simple rules over features and event fields, as evidence beside the heads; a reload "
         "reads the file again. Empty: none.", RELOAD),
    TEXT("alerts", "lists_file", "", alerts.lists_file,
         "Allow and deny lists, a line of JSON an entity; looked at again when it changes, written "
         "by hecate list when there is no lists_topic. Empty: none.", RESTART),
    TEXT("alerts", "lists_topic", "", alerts.lists_topic,
         "Compacted topic of the allow and deny lists: every daemon of the group follows it, and "
         "hecate list writes to it. Its entries count more than the file's. Empty: none.", RESTART),
    { "alerts", "breaker_block_ratio", HEC_SETTING_RATIO, "", "0.05", 0, 1, NULL, RELOAD,
      .offset = AT(alerts.breaker_block_ratio),
      .help = "When more than this share of a partition's events in the window (100 or more) would "
              "be blocked, block becomes review until it is less than half of it. 0: never." },
    INTEGER("alerts", "breaker_window_s", "s", "300", 10, 86400, alerts.breaker_window_s,
            "The breaker's window, in event time.", RELOAD),
    { "alerts", "control_ratio", HEC_SETTING_RATIO, "", "0", 0, 1, NULL, RELOAD,
      .offset = AT(alerts.control_ratio),
      .help = "Share of would-be blocks that is let through, with an alert of outcome allow: what "
              "becomes of them tells how precise blocking is. Which ones depends on the event id "
              "and control_key alone. 0: none." },
    TEXT("alerts", "control_key", "", alerts.control_key,
         "Keeps the control group from being guessed: 16 bytes or more, needed with control_ratio. "
         "Better a reference than the word itself.",
         .secret = true, .reloadable = true),

    TEXT("admin", "listen", "127.0.0.1:9677", admin.listen,
         "Where probes, metrics and the API answer: an address with port, or unix:/path. Other "
         "than loopback addresses need tokens_file, and a proxy that speaks TLS in front. Empty: "
         "nowhere.", RESTART),
    TEXT("admin", "socket", "/run/hecate/admin.sock", admin.socket,
         "Unix socket of the console (hecate status and the like): who may open the file may do "
         "everything. Passed over when its directory does not exist. Empty: none.", RESTART),
    TEXT("admin", "tokens_file", "", admin.tokens_file,
         "Who may use the API on listen: a file, not readable by others, of \"role:token name\" "
         "lines; roles are viewer, analyst and operator. Empty: only the socket answers the API.",
         RESTART),

    CHOICE("log", "level", "info", LOG_LEVELS, log.level, "The least grave level that is written.",
           RELOAD),
    CHOICE("log", "format", "logfmt", LOG_FORMATS, log.format, "Form of a line.", RELOAD),
    INTEGER("log", "stats_interval_s", "s", "60", 0, 86400, log.stats_interval_s,
            "One line with the figures of the last interval this often. 0: never.", RELOAD),
    INTEGER("log", "rate_limit_per_s", "lines", "50", 0, 100000, log.rate_limit_per_s,
            "Lines a second of one kind; the rest is counted in suppressed=. 0: no limit.", RELOAD),
    { 0 },
};
/* clang-format on */
_Static_assert(sizeof(SETTINGS) / sizeof(SETTINGS[0]) <= HEC_SETTINGS_MAX, "origins have room");

/* What other products, or an earlier page of ours, call the same thing. */
static const struct {
    const char *section, *other, *name;
} ALIASES[] = {
    { "hecate", "workers", "engines" },
    { "hecate", "threads", "engines" },
    { "input", "topics", "topic" },
    { "input", "group_id", "group" },
    { "input", "group.id", "group" },
    { "input", "auto.offset.reset", "start_from" },
    { "output", "dlq_topic", "dead_letter_topic" },
    { "state", "local_cache_mib", "cache_mib" },
    { "state", "password", "redis_password" },
    { "state", "username", "redis_username" },
    { "model", "path", "file" },
    { "features", "file", "schema_file" },
    { "head", "threshold", "alert_score" },
    { "admin", "address", "listen" },
};
#define ALIASES_COUNT (sizeof(ALIASES) / sizeof(ALIASES[0]))

const struct hec_setting *hec_settings(void)
{
    return SETTINGS;
}

const struct hec_setting_section *hec_setting_sections(void)
{
    return SECTIONS;
}

const struct hec_setting *hec_setting_named(const char *section, const char *name)
{
    for (const struct hec_setting *s = SETTINGS; s->name != NULL; s++) {
        if (strcmp(s->section, section) == 0 && strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

const char *hec_setting_nearest(const char *section, const char *mistyped)
{
    const char *names[HEC_SETTINGS_MAX + ALIASES_COUNT + 1];
    int count = 0;
    for (const struct hec_setting *s = SETTINGS; s->name != NULL; s++) {
        if (strcmp(s->section, section) == 0) {
            names[count++] = s->name;
        }
    }
    for (size_t i = 0; i < ALIASES_COUNT; i++) {
        if (strcmp(ALIASES[i].section, section) == 0) {
            names[count++] = ALIASES[i].other;
        }
    }
    names[count] = NULL;
    const char *near = hec_nearest(mistyped, names);
    for (size_t i = 0; near != NULL && i < ALIASES_COUNT; i++) {
        if (strcmp(ALIASES[i].section, section) == 0 && strcmp(ALIASES[i].other, near) == 0) {
            return ALIASES[i].name;
        }
    }
    return near;
}

static void *member(const struct hec_setting *setting, const struct hec_config *config, int head)
{
    assert(head >= 0 && head < HEC_CONFIG_HEADS);
    const char *base = (const char *)config;
    if (strcmp(setting->section, "head") == 0) {
        base = (const char *)&config->heads[head];
    }
    return (void *)(base + setting->offset);
}

static bool parse_number(const struct hec_setting *setting, void *at, const char *text)
{
    char *end;
    errno = 0;
    if (setting->type == HEC_SETTING_RATIO) {
        double number = strtod(text, &end);
        *(double *)at = number;
        return end != text && *end == '\0' && isfinite(number) && number >= setting->minimum &&
               number <= setting->maximum && strpbrk(text, "xX") == NULL;
    }
    long long number = strtoll(text, &end, 10);
    *(int64_t *)at = number;
    return errno == 0 && end != text && *end == '\0' && text[0] != '+' && text[0] != ' ' &&
           (double)number >= setting->minimum && (double)number <= setting->maximum;
}

static bool parse_text(char *at, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    if (length >= HEC_CONFIG_TEXT_MAX) {
        return false;
    }
    memcpy(at, text, length + 1);
    return true;
}

bool hec_setting_parse(const struct hec_setting *setting, struct hec_config *config, int head,
                       const char *text, char *expected, size_t expected_bytes)
{
    void *at = member(setting, config, head);
    hec_setting_range(setting, expected, expected_bytes);
    switch (setting->type) {
    case HEC_SETTING_TEXT: return parse_text(at, text);
    case HEC_SETTING_INTEGER:
    case HEC_SETTING_RATIO: return parse_number(setting, at, text);
    case HEC_SETTING_BOOLEAN:
        *(int64_t *)at = strcmp(text, "true") == 0;
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    case HEC_SETTING_CHOICE: break;
    }
    for (int i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(setting->choices[i], text) == 0) {
            *(int64_t *)at = i;
            return true;
        }
    }
    return false;
}

void hec_config_take_reloadable(struct hec_config *to, const struct hec_config *from)
{
    for (const struct hec_setting *s = SETTINGS; s->name != NULL; s++) {
        int heads = strcmp(s->section, "head") == 0 ? HEC_CONFIG_HEADS : 1;
        for (int head = 0; s->reloadable && head < heads; head++) {
            if (s->type == HEC_SETTING_TEXT) {
                memcpy(member(s, to, head), member(s, from, head), HEC_CONFIG_TEXT_MAX);
            } else { /* numbers are eight bytes, and others may be reading them */
                int64_t *at = member(s, to, head);
                const int64_t *value = member(s, from, head);
                __atomic_store_n(at, *value, __ATOMIC_RELAXED);
            }
        }
    }
}

static void print_quoted(const char *value, char *text, size_t text_bytes)
{
    size_t used = 0;
    char escaped[HEC_CONFIG_TEXT_MAX * 2];
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            escaped[used++] = '\\';
        }
        escaped[used++] = *value;
    }
    escaped[used] = '\0';
    snprintf(text, text_bytes, "\"%s\"", escaped);
}

void hec_setting_print(const struct hec_setting *setting, const struct hec_config *config, int head,
                       char *text, size_t text_bytes)
{
    const void *at = member(setting, config, head);
    switch (setting->type) {
    case HEC_SETTING_TEXT: print_quoted(at, text, text_bytes); break;
    case HEC_SETTING_INTEGER:
        snprintf(text, text_bytes, "%lld", (long long)*(const int64_t *)at);
        break;
    case HEC_SETTING_RATIO: snprintf(text, text_bytes, "%.10g", *(const double *)at); break;
    case HEC_SETTING_BOOLEAN:
        snprintf(text, text_bytes, "%s", *(const int64_t *)at ? "true" : "false");
        break;
    case HEC_SETTING_CHOICE:
        snprintf(text, text_bytes, "%s", setting->choices[*(const int64_t *)at]);
        break;
    }
}

void hec_setting_range(const struct hec_setting *setting, char *text, size_t text_bytes)
{
    const char *blank = setting->unit[0] == '\0' ? "" : " ";
    size_t used = 0;
    switch (setting->type) {
    case HEC_SETTING_TEXT:
        snprintf(text, text_bytes, "text of at most %d bytes", HEC_CONFIG_TEXT_MAX - 1);
        break;
    case HEC_SETTING_INTEGER:
        snprintf(text, text_bytes, "%.0f .. %.0f%s%s", setting->minimum, setting->maximum, blank,
                 setting->unit);
        break;
    case HEC_SETTING_RATIO:
        snprintf(text, text_bytes, "%g .. %g%s%s", setting->minimum, setting->maximum, blank,
                 setting->unit);
        break;
    case HEC_SETTING_BOOLEAN: snprintf(text, text_bytes, "true or false"); break;
    case HEC_SETTING_CHOICE:
        for (int i = 0; setting->choices[i] != NULL && used < text_bytes; i++) {
            const char *joint = i == 0 ? "" : setting->choices[i + 1] == NULL ? " or " : ", ";
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", joint,
                                     setting->choices[i]);
        }
        break;
    }
}

struct hec_config_origin *hec_setting_origin(const struct hec_config *config,
                                             const struct hec_setting *setting, int head)
{
    assert(head >= 0 && head < HEC_CONFIG_HEADS);
    return &config->origins->rows[setting - SETTINGS][head];
}
