/*
 * The text of a scrape: Prometheus 0.0.4, or OpenMetrics 1.0, which differs in the names of counter
 * families, the order of the comment lines, units, bounds written as floats, and the end mark.
 */
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ops/log.h"
#include "ops/metrics_inside.h"

#define PREFIX "hecate_"
#define TEXT_OF_IT(x) #x
#define TEXT_OF(x) TEXT_OF_IT(x)

struct text {
    char *bytes;
    size_t used, room;
    bool openmetrics, failed;
};

static void HEC_PRINTF(2, 3) say(struct text *text, const char *format, ...)
{
    va_list arguments;
    for (;;) {
        size_t left = text->room - text->used;
        va_start(arguments, format);
        int length = text->failed ? 0
                                  : vsnprintf(text->bytes == NULL ? NULL : text->bytes + text->used,
                                              left, format, arguments);
        va_end(arguments);
        if (text->failed || (size_t)length < left) {
            text->used += (size_t)length;
            return;
        }
        size_t room = text->room * 2 + (size_t)length + 65536;
        char *bytes = realloc(text->bytes, room);
        if (bytes == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = bytes;
        text->room = room;
    }
}

/* ---- Labels ---------------------------------------------------------------------------------- */

#define VALUE_TEXT(enumerator, value) value,
static const char *const STAGES[] = { HEC_STAGE_TABLE(VALUE_TEXT) };
static const char *const RUN_STATES[] = { HEC_RUN_STATE_TABLE(VALUE_TEXT) };
static const char *const DEGRADED[] = { HEC_DEGRADED_TABLE(VALUE_TEXT) };
static const char *const LATE_ACTIONS[] = { HEC_LATE_ACTION_TABLE(VALUE_TEXT) };
static const char *const REBALANCES[] = { HEC_REBALANCE_TABLE(VALUE_TEXT) };
static const char *const COMMITS[] = { HEC_COMMIT_RESULT_TABLE(VALUE_TEXT) };
static const char *const OUTPUTS[] = { HEC_OUTPUT_TABLE(VALUE_TEXT) };
static const char *const KAFKA_ERRORS[] = { HEC_KAFKA_ERROR_TABLE(VALUE_TEXT) };
static const char *const TIERS[] = { HEC_TIER_TABLE(VALUE_TEXT) };
static const char *const FOUNDS[] = { HEC_FOUND_TABLE(VALUE_TEXT) };
static const char *const REDIS_OPS[] = { HEC_REDIS_OP_TABLE(VALUE_TEXT) };
static const char *const REDIS_ERRORS[] = { HEC_REDIS_ERROR_TABLE(VALUE_TEXT) };
static const char *const REBUILDS[] = { HEC_REBUILD_TABLE(VALUE_TEXT) };
static const char *const LOADED[] = { HEC_LOADED_TABLE(VALUE_TEXT) };
static const char *const HEADS[] = { HEC_HEAD_TABLE(VALUE_TEXT) };
static const char *const LIST_NAMES[] = { HEC_LIST_NAME_TABLE(VALUE_TEXT) };
static const char *const SUPPRESSED[] = { HEC_SUPPRESSED_TABLE(VALUE_TEXT) };
static const char *const VERDICTS[] = { HEC_VERDICT_LABEL_TABLE(VALUE_TEXT) };
static const char *const WINDOWS[] = { HEC_WINDOW_TABLE(VALUE_TEXT) };
static const char *const OUTCOME_KINDS[] = { HEC_OUTCOME_KIND_TABLE(VALUE_TEXT) };
static const char *const BOUNDS[] = { HEC_BOUND_TABLE(VALUE_TEXT) };
static const char *const HANDLERS[] = { HEC_HANDLER_TABLE(VALUE_TEXT) };
static const char *const HTTP_CODES[] = { HEC_HTTP_CODE_TABLE(VALUE_TEXT) };

static const struct {
    const char *name;
    int count;
    const char *const *values; /* NULL: another room's table has them */
} LISTS[HEC_LABEL_LISTS] = {
#define LIST_ROW(enumerator, name, count) [HEC_LABELS_##enumerator] = { name, count, NULL },
    HEC_LABEL_LIST_TABLE(LIST_ROW)
#undef LIST_ROW
};

static const char *const KINDS[] = {
#define KIND_TEXT(enumerator, name, field, owned) name,
    HEC_KIND_TABLE(KIND_TEXT)
#undef KIND_TEXT
};
static const char *const OUTCOMES[] = {
#define OUTCOME_TEXT(enumerator, name, text) name,
    HEC_OUTCOME_TABLE(OUTCOME_TEXT)
#undef OUTCOME_TEXT
};

/* The text of value i of a list; NULL for one that is never shown. */
static const char *value_text(enum hec_label_list list, int i)
{
    static const char *const *const OWN[HEC_LABEL_LISTS] = {
        [HEC_LABELS_STAGE] = STAGES,         [HEC_LABELS_RUN_STATE] = RUN_STATES,
        [HEC_LABELS_DEGRADED] = DEGRADED,    [HEC_LABELS_LATE_ACTION] = LATE_ACTIONS,
        [HEC_LABELS_REBALANCE] = REBALANCES, [HEC_LABELS_COMMIT] = COMMITS,
        [HEC_LABELS_OUTPUT] = OUTPUTS,       [HEC_LABELS_KAFKA_ERROR] = KAFKA_ERRORS,
        [HEC_LABELS_TIER] = TIERS,           [HEC_LABELS_FOUND] = FOUNDS,
        [HEC_LABELS_REDIS_OP] = REDIS_OPS,   [HEC_LABELS_REDIS_ERROR] = REDIS_ERRORS,
        [HEC_LABELS_REBUILD] = REBUILDS,     [HEC_LABELS_LOADED] = LOADED,
        [HEC_LABELS_HEAD] = HEADS,           [HEC_LABELS_SUPPRESSED] = SUPPRESSED,
        [HEC_LABELS_LIST_NAME] = LIST_NAMES, [HEC_LABELS_VERDICT] = VERDICTS,
        [HEC_LABELS_WINDOW] = WINDOWS,       [HEC_LABELS_OUTCOME_KIND] = OUTCOME_KINDS,
        [HEC_LABELS_BOUND] = BOUNDS,         [HEC_LABELS_HANDLER] = HANDLERS,
        [HEC_LABELS_HTTP_CODE] = HTTP_CODES,
    };
    switch (list) {
    case HEC_LABELS_NONE: return "";
    case HEC_LABELS_EVENT_TYPE: return hec_event_type_name((enum hec_event_type)i);
    case HEC_LABELS_RESULT: return i == HEC_OUT_PENDING ? NULL : OUTCOMES[i];
    case HEC_LABELS_REASON: return hec_status_name((enum hec_status)((int)HEC_NULL_VALUE + i));
    case HEC_LABELS_ENTITY: return KINDS[i];
    case HEC_LABELS_SEVERITY: return hec_severity_name((enum hec_severity)i);
    case HEC_LABELS_ACTION: return hec_action_name((enum hec_action)i);
    default: return OWN[list][i];
    }
}

/* A label's value as the format wants it. */
static void say_escaped(struct text *text, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"') {
            say(text, "\\%c", *value);
        } else if (*value == '\n') {
            say(text, "\\n");
        } else {
            say(text, "%c", *value);
        }
    }
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* value / scale without rounding; scale is a power of ten. */
static void say_scaled(struct text *text, int64_t value, int64_t scale)
{
    int digits = 0;
    if (value == HEC_METRIC_NONE) {
        say(text, "NaN\n");
        return;
    }
    for (int64_t s = scale; s > 1; s /= 10) {
        digits++;
    }
    if (digits == 0) {
        say(text, "%lld\n", (long long)value);
        return;
    }
    bool negative = value < 0;
    uint64_t size = negative ? 0 - (uint64_t)value : (uint64_t)value;
    say(text, "%s%llu.%0*llu\n", negative ? "-" : "", (unsigned long long)(size / (uint64_t)scale),
        digits, (unsigned long long)(size % (uint64_t)scale));
}

static void say_bound(struct text *text, double bound)
{
    char number[32];
    snprintf(number, sizeof(number), "%.10g", bound);
    bool whole = strchr(number, '.') == NULL && strchr(number, 'e') == NULL;
    say(text, "%s%s", number, whole && text->openmetrics ? ".0" : "");
}

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t end_length = strlen(end);
    return length > end_length && memcmp(name + length - end_length, end, end_length) == 0;
}

/* The comment lines above a family. name is with the prefix, a counter's with its _total. */
static void say_head(struct text *text, const char *name, const char *type, const char *help)
{
    size_t length = strlen(name);
    if (!text->openmetrics) {
        say(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
        return;
    }
    if (strcmp(type, "counter") == 0 && ends_with(name, length, "_total")) {
        length -= strlen("_total");
    }
    say(text, "# TYPE %.*s %s\n", (int)length, name, type);
    static const char *const UNITS[] = { "seconds", "bytes" };
    for (int i = 0; i < 2; i++) {
        if (ends_with(name, length, UNITS[i])) {
            say(text, "# UNIT %.*s %s\n", (int)length, name, UNITS[i]);
        }
    }
    say(text, "# HELP %.*s %s\n", (int)length, name, help);
}

/* ---- Families -------------------------------------------------------------------------------- */

static void say_series(struct text *text, const struct hec_metrics *metrics,
                       const struct hec_series_family *family)
{
    char name[128];
    snprintf(name, sizeof(name), PREFIX "%s", family->name);
    say_head(text, name, family->type == HEC_TYPE_COUNTER ? "counter" : "gauge", family->help);
    for (int series = family->first; series <= family->last; series++) {
        /* The series counts through the last list fastest. */
        int index[3];
        int rest = series - family->first;
        for (int l = 2; l >= 0; l--) {
            index[l] = rest % LISTS[family->labels[l]].count;
            rest /= LISTS[family->labels[l]].count;
        }
        if (value_text(family->labels[0], index[0]) == NULL) {
            continue;
        }
        say(text, "%s", name);
        for (int l = 0; l < 3 && family->labels[l] != HEC_LABELS_NONE; l++) {
            say(text, "%s%s=\"%s\"", l == 0 ? "{" : ",", LISTS[family->labels[l]].name,
                value_text(family->labels[l], index[l]));
        }
        say(text, family->labels[0] != HEC_LABELS_NONE ? "} " : " ");
        say_scaled(text, hec_metrics_value(metrics, series), family->scale);
    }
}

static void say_distribution(struct text *text, const struct hec_metrics *metrics,
                             const struct hec_distribution_family *family)
{
    char name[128];
    snprintf(name, sizeof(name), PREFIX "%s", family->name);
    say_head(text, name, "histogram", family->help);
    for (int i = 0; i < LISTS[family->label].count; i++) {
        char label[96] = "";
        bool labelled = family->label != HEC_LABELS_NONE;
        if (labelled) {
            snprintf(label, sizeof(label), "%s=\"%s\"", LISTS[family->label].name,
                     value_text(family->label, i));
        }
        int64_t seen = 0;
        int64_t sum = 0;
        for (int b = 0; b <= family->bounds_count; b++) {
            for (int m = 0; m <= metrics->engines; m++) {
                seen += atomic_load_explicit(
                    &metrics->meters[m]->distributions[family->first + i].buckets[b],
                    memory_order_relaxed);
            }
            say(text, "%s_bucket{%s%sle=\"", name, label, labelled ? "," : "");
            if (b < family->bounds_count) {
                say_bound(text, family->bounds[b]);
            } else {
                say(text, "+Inf");
            }
            say(text, "\"} %lld\n", (long long)seen);
        }
        for (int m = 0; m <= metrics->engines; m++) {
            sum += atomic_load_explicit(&metrics->meters[m]->distributions[family->first + i].sum,
                                        memory_order_relaxed);
        }
        const char *open = labelled ? "{" : "";
        const char *shut = labelled ? "}" : "";
        say(text, "%s_sum%s%s%s ", name, open, label, shut);
        say_scaled(text, sum, family->scale);
        say(text, "%s_count%s%s%s %lld\n", name, open, label, shut, (long long)seen);
    }
}

static void say_lags(struct text *text, const struct hec_metrics *metrics, bool seconds)
{
    const char *name =
        seconds ? PREFIX "kafka_consumer_lag_seconds" : PREFIX "kafka_consumer_lag_records";
    say_head(text, name, "gauge",
             seconds ? "Age of the next record to be read; 0 when there is none."
                     : "Records of the input that are not yet processed.");
    for (int m = 0; m < metrics->engines; m++) {
        for (int p = 0; p < HEC_PARTITIONS_MAX; p++) {
            int64_t records =
                atomic_load_explicit(&metrics->meters[m]->lags[p].records, memory_order_relaxed);
            if (records < 0) {
                continue;
            }
            say(text, "%s{topic=\"", name);
            say_escaped(text, metrics->input_topic);
            say(text, "\",partition=\"%d\"} ", p);
            int64_t ms =
                atomic_load_explicit(&metrics->meters[m]->lags[p].ms, memory_order_relaxed);
            say_scaled(text, seconds ? ms : records, seconds ? 1000 : 1);
        }
    }
}

static void say_build(struct text *text, const struct hec_metrics *metrics)
{
    static const char *const NAMES[HEC_BUILD_TEXTS] = { "version", "revision", "librdkafka",
                                                        "openblas", "libevent" };
    say_head(text, PREFIX "build_info", "gauge", "What is running; always 1.");
    say(text, PREFIX "build_info");
    for (int i = 0; i < HEC_BUILD_TEXTS; i++) {
        say(text, "%s%s=\"", i == 0 ? "{" : ",", NAMES[i]);
        say_escaped(text, metrics->build[i]);
        say(text, "\"");
    }
    say(text, "} 1\n");
}

static void say_models(struct text *text, struct hec_metrics *metrics)
{
    say_head(text, PREFIX "model_info", "gauge", "The model in use; always 1.");
    pthread_mutex_lock(&metrics->lock);
    for (int i = 0; i < 2; i++) {
        const struct hec_model_label *model = &metrics->models[i];
        if (model->role[0] == '\0') {
            continue;
        }
        say(text, PREFIX "model_info{role=\"%s\",name=\"", model->role);
        say_escaped(text, model->name);
        say(text, "\",version=\"");
        say_escaped(text, model->version);
        say(text, "\",sha256=\"");
        say_escaped(text, model->sha256);
        say(text, "\"} 1\n");
    }
    pthread_mutex_unlock(&metrics->lock);
}

static void say_rules(struct text *text, struct hec_metrics *metrics)
{
    say_head(text, PREFIX "rule_hits_total", "counter", "Events that met a rule of rules.conf.");
    pthread_mutex_lock(&metrics->lock);
    for (int slot = 0; slot < HEC_RULE_SLOTS && metrics->rules[slot][0] != '\0'; slot++) {
        int64_t hits = 0;
        for (int m = 0; m <= metrics->engines; m++) {
            hits += atomic_load_explicit(&metrics->meters[m]->rules[slot], memory_order_relaxed);
        }
        say(text, PREFIX "rule_hits_total{rule=\"");
        say_escaped(text, metrics->rules[slot]);
        say(text, "\"} %lld\n", (long long)hits);
    }
    pthread_mutex_unlock(&metrics->lock);
}

static void say_psi(struct text *text, const char *name, const char *label,
                    const struct hec_reference_told *told, int first, int end)
{
    for (int i = first; i < end; i++) {
        double psi = hec_drift_told(told->share[i], told->count[i]);
        say(text, "%s{%s=\"", name, label);
        say_escaped(text, told->names[i]);
        if (isnan(psi)) {
            say(text, "\"} NaN\n");
        } else {
            say(text, "\"} %.6f\n", psi);
        }
    }
}

static void say_drift(struct text *text, struct hec_metrics *metrics)
{
    static const char *const FEATURE = PREFIX "feature_drift_psi";
    static const char *const SCORE = PREFIX "score_drift_psi";
    pthread_mutex_lock(&metrics->lock);
    const struct hec_reference_told *told = &metrics->told;
    bool known = told->id != 0;
    if (known) {
        hec_drift_fold(told->each, metrics->engines, told->id, told->channels, told->count);
    }
    say_head(text, FEATURE, "gauge",
             "Population stability index of a feature, its last day against the model's training; "
             "NaN below " TEXT_OF(HEC_DRIFT_ROWS_MIN) " counted rows.");
    say_psi(text, FEATURE, "feature", told, 0, known ? told->features : 0);
    say_head(text, SCORE, "gauge",
             "Population stability index of a head's scores, likewise; 0.1 is little, 0.25 much.");
    say_psi(text, SCORE, "head", told, told->features, known ? told->channels : told->features);
    pthread_mutex_unlock(&metrics->lock);
}

static void say_log(struct text *text)
{
    say_head(text, PREFIX "log_messages_total", "counter", "Log lines written, by level.");
    for (int i = 0; i < HEC_LOG_LEVELS; i++) {
        say(text, PREFIX "log_messages_total{level=\"%s\"} %llu\n",
            hec_log_level_name((enum hec_log_level)i),
            (unsigned long long)hec_log_written((enum hec_log_level)i));
    }
    say_head(text, PREFIX "log_messages_dropped_total", "counter",
             "Log lines left out by the limit of lines a second.");
    say(text, PREFIX "log_messages_dropped_total %llu\n", (unsigned long long)hec_log_suppressed());
}

/* ---- The process ----------------------------------------------------------------------------- */

/* What /proc says of us; zeros where it says nothing. */
struct process {
    double cpu_s, start_s;
    unsigned long long virtual_bytes, resident_bytes;
    int open_fds;
};

static double boot_s(void)
{
    char line[256];
    unsigned long long seconds = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "btime %llu", &seconds) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)seconds;
}

static struct process read_process(void)
{
    struct process process = { 0 };
    char line[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    if (file != NULL) {
        if (fgets(line, sizeof(line), file) == NULL) {
            line[0] = '\0';
        }
        fclose(file);
    }
    /* The command may hold blanks and brackets: fields are counted from its last bracket. */
    const char *rest = strrchr(line, ')');
    unsigned long long user, system, start, bytes, pages;
    if (rest != NULL &&
        sscanf(rest + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d "
               "%llu %llu %llu",
               &user, &system, &start, &bytes, &pages) == 5) {
        double hertz = (double)sysconf(_SC_CLK_TCK);
        process.cpu_s = (double)(user + system) / hertz;
        process.start_s = boot_s() + (double)start / hertz;
        process.virtual_bytes = bytes;
        process.resident_bytes = pages * (unsigned long long)sysconf(_SC_PAGESIZE);
    }
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL) {
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            process.open_fds--; /* the folder's own */
            closedir(folder);
            break;
        }
        process.open_fds += entry->d_name[0] != '.';
    }
    return process;
}

static void say_process(struct text *text)
{
    struct process process = read_process();
    struct rlimit limit = { 0 };
    getrlimit(RLIMIT_NOFILE, &limit);
    say_head(text, "process_cpu_seconds_total", "counter", "CPU time, user and system.");
    say(text, "process_cpu_seconds_total %.2f\n", process.cpu_s);
    say_head(text, "process_resident_memory_bytes", "gauge", "Resident memory.");
    say(text, "process_resident_memory_bytes %llu\n", process.resident_bytes);
    say_head(text, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    say(text, "process_virtual_memory_bytes %llu\n", process.virtual_bytes);
    say_head(text, "process_open_fds", "gauge", "Open file descriptors.");
    say(text, "process_open_fds %d\n", process.open_fds);
    say_head(text, "process_max_fds", "gauge", "Most file descriptors that may be open.");
    say(text, "process_max_fds %llu\n", (unsigned long long)limit.rlim_cur);
    say_head(text, "process_start_time_seconds", "gauge", "When the process started.");
    say(text, "process_start_time_seconds %.2f\n", process.start_s);
}

char *hec_metrics_text(struct hec_metrics *metrics, bool openmetrics, size_t *length)
{
    struct text text = { .openmetrics = openmetrics };
    int count;
    say_build(&text, metrics);
    say_models(&text, metrics);
    say_rules(&text, metrics);
    say_drift(&text, metrics);
    const struct hec_series_family *families = hec_series_families(&count);
    for (int i = 0; i < count; i++) {
        say_series(&text, metrics, &families[i]);
    }
    const struct hec_distribution_family *distributions = hec_distribution_families(&count);
    for (int i = 0; i < count; i++) {
        say_distribution(&text, metrics, &distributions[i]);
    }
    say_lags(&text, metrics, false);
    say_lags(&text, metrics, true);
    say_log(&text);
    say_process(&text);
    if (openmetrics) {
        say(&text, "# EOF\n");
    }
    if (text.failed) {
        free(text.bytes);
        return NULL;
    }
    *length = text.used;
    return text.bytes;
}
