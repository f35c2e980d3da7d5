#include "cli/decisions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <yyjson.h>

#include "cli/training.h"
#include "file/lines.h"

#define LINES 256
#define LABEL_BYTES_MAX 65536
#define AMOUNT_MAX INT64_C(1000000000000) /* as the schema has it */
#define THRESHOLD_ROUNDING 1e-6           /* of how alerts print their threshold, / 1000 */

struct label {
    uint64_t event; /* hash of its id */
    int64_t at_ms;
    uint8_t verdict; /* enum hec_verdict */
    char fraud_type[HEC_FRAUD_TYPE_MAX];
};

/* An alert, not yet joined. */
struct alert {
    uint64_t event, id; /* hashes */
    int64_t event_ms, amount_minor;
    double propensity; /* of being let through; 0: no would-be block of a sampled kind */
    float score, threshold;
    uint8_t head, type, did;
    bool control, forced, budgeted;
};

struct reading {
    struct hec_decisions *decisions;
    struct hec_decoder *decoder;
    char *buffer;
    struct label *labels;
    size_t labels_count, labels_room;
    struct alert *alerts;
    size_t alerts_count, alerts_room;
    int64_t newest_ms, known_at_ms;
    double exposure_minor;
};

static bool grow(void **items, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room == 0 ? 1024 : 2 * *room;
    void *moved = realloc(*items, more * size);
    if (moved != NULL) {
        *items = moved;
        *room = more;
    }
    return moved != NULL;
}

/* ---- Alerts ---------------------------------------------------------------------------------- */

static uint64_t hash_of(yyjson_val *text)
{
    return yyjson_is_str(text) ? XXH3_64bits(yyjson_get_str(text), yyjson_get_len(text)) : 0;
}

static int action_named(yyjson_val *name)
{
    for (int action = 0; action < HEC_ACTIONS; action++) {
        if (yyjson_equals_str(name, hec_action_name((enum hec_action)action))) {
            return action;
        }
    }
    return -1;
}

/* Whether something else than thresholds had the word. A control group's block may be a rule's. */
static bool is_forced(yyjson_val *root, yyjson_val *reason, bool control)
{
    yyjson_val *rules = yyjson_obj_get(root, "rules"), *rule;
    size_t i, count;
    bool blocks = false;
    yyjson_arr_foreach(rules, i, count, rule)
    {
        blocks |= yyjson_equals_str(yyjson_obj_get(rule, "outcome"), "block");
    }
    return (!yyjson_equals_str(reason, "threshold") && !yyjson_equals_str(reason, "control") &&
            !yyjson_equals_str(reason, "breaker")) ||
           (control && blocks);
}

/* NULL: understood; else the member that is not what an alert has. */
static const char *understand(const struct reading *reading, yyjson_val *root, struct alert *alert)
{
    const struct hec_decisions *decisions = reading->decisions;
    yyjson_val *event = yyjson_obj_get(root, "event"), *head = yyjson_obj_get(root, "head");
    yyjson_val *decision = yyjson_obj_get(root, "decision");
    yyjson_val *sampling = yyjson_obj_get(root, "sampling");
    yyjson_val *type = yyjson_obj_get(event, "event_type");
    yyjson_val *amount = yyjson_obj_get(event, "amount_minor");
    if (!yyjson_is_str(head)) {
        return "head";
    }
    int k = hec_head_named(decisions->heads, decisions->heads_count, yyjson_get_str(head),
                           yyjson_get_len(head));
    yyjson_val *score =
        yyjson_obj_getn(yyjson_obj_get(root, "scores"), yyjson_get_str(head), yyjson_get_len(head));
    double probability = yyjson_get_num(yyjson_obj_get(score, "probability"));
    double threshold = yyjson_get_num(yyjson_obj_get(score, "threshold"));
    int did = action_named(yyjson_obj_get(decision, "outcome"));
    *alert = (struct alert){ .event = hash_of(yyjson_obj_get(event, "event_id")),
                             .id = hash_of(yyjson_obj_get(root, "alert_id")),
                             .event_ms = yyjson_get_sint(yyjson_obj_get(event, "event_time_ms")),
                             .amount_minor = yyjson_is_int(amount) ? yyjson_get_sint(amount) : -1,
                             .propensity = yyjson_get_num(yyjson_obj_get(sampling, "propensity")),
                             .control = yyjson_get_bool(yyjson_obj_get(sampling, "control_group")),
                             .score = (float)probability,
                             .threshold = (float)(threshold / 1000 - THRESHOLD_ROUNDING),
                             .head = k < 0 ? HEC_HEADS_MAX : (uint8_t)k,
                             .budgeted = yyjson_is_obj(yyjson_obj_get(root, "budget")) };
    alert->type = yyjson_is_str(type)
                      ? (uint8_t)hec_event_type_named(yyjson_get_str(type), yyjson_get_len(type))
                      : (uint8_t)HEC_EVENT_TYPES;
    alert->did = (uint8_t)(alert->control ? HEC_ACTION_BLOCK : did);
    alert->forced = is_forced(root, yyjson_obj_get(decision, "reason"), alert->control);
    bool sampled = alert->propensity > 0 && alert->propensity <= 1;
    return alert->event == 0 || alert->event_ms <= 0 ? "event"
           : alert->id == 0                          ? "alert_id"
           : alert->type >= HEC_SCORED_TYPES         ? "event.event_type"
           : amount != NULL && !(alert->amount_minor >= 0 && alert->amount_minor <= AMOUNT_MAX)
               ? "event.amount_minor"
           : did < 0                      ? "decision.outcome"
           : sampling != NULL && !sampled ? "sampling.propensity"
           : !(probability >= 0 && probability <= 1) || !yyjson_is_obj(score)
               ? "scores, or it lacks its head's probability"
           : !alert->forced && !(threshold > 0 && threshold <= 1000)
               ? "scores, or it lacks its head's threshold"
               : NULL;
}

static enum hec_status take_alert(struct reading *reading, const struct hec_line *line,
                                  struct hec_error *error)
{
    if (!grow((void **)&reading->alerts, &reading->alerts_room, reading->alerts_count,
              sizeof(*reading->alerts))) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    yyjson_doc *doc = line->length > HEC_ALERT_BYTES_MAX
                          ? NULL
                          : yyjson_read(line->bytes, line->length, YYJSON_READ_NOFLAG);
    struct alert *alert = &reading->alerts[reading->alerts_count];
    const char *wrong = doc == NULL ? "JSON" : understand(reading, yyjson_doc_get_root(doc), alert);
    yyjson_doc_free(doc);
    if (wrong != NULL) {
        return hec_fail(error, HEC_INVALID,
                        "%.200s:%llu: no alert: there is no sound %s; --alerts takes one alert a "
                        "line, as on the topic",
                        line->path, (unsigned long long)line->number, wrong);
    }
    reading->alerts_count += alert->head < HEC_HEADS_MAX; /* others are of another model */
    return HEC_OK;
}

/* ---- Labels ---------------------------------------------------------------------------------- */

/* Refused lines are passed over, as the daemon passes them over. */
static enum hec_status take_label(struct reading *reading, const struct hec_line *line,
                                  struct hec_error *error)
{
    struct hec_event event;
    enum hec_field blame;
    if (line->length > LABEL_BYTES_MAX ||
        hec_decode(reading->decoder, &event, line->bytes, line->length, -1, reading->buffer,
                   &blame) != HEC_OK) {
        return HEC_OK;
    }
    reading->newest_ms =
        hec_event_ms(&event) > reading->newest_ms ? hec_event_ms(&event) : reading->newest_ms;
    if (event.type != HEC_LABEL || hec_event_ms(&event) > reading->known_at_ms) {
        return HEC_OK;
    }
    if (!grow((void **)&reading->labels, &reading->labels_room, reading->labels_count,
              sizeof(*reading->labels))) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    const struct hec_text *target = &event.value[HEC_F_TARGET_EVENT_ID].text;
    const struct hec_text *says = &event.value[HEC_F_LABEL].text;
    struct label *label = &reading->labels[reading->labels_count++];
    *label = (struct label){ .event = XXH3_64bits(target->bytes, target->length),
                             .at_ms = hec_event_ms(&event) };
    label->verdict = says->length == 5 && memcmp(says->bytes, "fraud", 5) == 0 ? HEC_VERDICT_FRAUD
                     : says->length == 7 && memcmp(says->bytes, "genuine", 7) == 0
                         ? HEC_VERDICT_GENUINE
                         : HEC_VERDICT_UNKNOWN;
    if (hec_event_has(&event, HEC_F_FRAUD_TYPE)) {
        const struct hec_text *type = &event.value[HEC_F_FRAUD_TYPE].text;
        snprintf(label->fraud_type, sizeof(label->fraud_type), "%.*s", (int)type->length,
                 type->bytes);
    }
    return HEC_OK;
}

static enum hec_status each_line(struct reading *reading, const struct hec_arguments *arguments,
                                 const char *flag, size_t bytes_max,
                                 enum hec_status (*take)(struct reading *, const struct hec_line *,
                                                         struct hec_error *),
                                 struct hec_error *error)
{
    struct hec_line lines[LINES];
    struct hec_lines *reader = NULL;
    size_t paths = 0, count = 0;
    const char *const *path = hec_texts_of(arguments, flag, &paths);
    enum hec_status status = hec_lines_open(&reader, path, paths, bytes_max, error);
    while (status == HEC_OK &&
           (status = hec_lines_read(reader, lines, LINES, &count, error)) == HEC_OK) {
        for (size_t i = 0; i < count && status == HEC_OK; i++) {
            status = take(reading, &lines[i], error);
        }
    }
    hec_lines_free(reader);
    return status == HEC_END ? HEC_OK : status;
}

/* ---- Joined ---------------------------------------------------------------------------------- */

static int by_event_and_time(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    return x->event != y->event ? (x->event > y->event) - (x->event < y->event)
                                : (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

static int by_time_and_id(const void *a, const void *b)
{
    const struct alert *x = a, *y = b;
    return x->event_ms != y->event_ms ? (x->event_ms > y->event_ms) - (x->event_ms < y->event_ms)
                                      : (x->id > y->id) - (x->id < y->id);
}

/* The newest label of an event; NULL when there is none. */
static const struct label *label_of(const struct reading *reading, uint64_t event)
{
    size_t low = 0, high = reading->labels_count;
    while (low < high) { /* the first one behind this event's */
        size_t middle = low + (high - low) / 2;
        if (reading->labels[middle].event <= event) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && reading->labels[low - 1].event == event ? &reading->labels[low - 1] : NULL;
}

/* Whether the truth of an alert could come to light, and how likely. */
static double propensity_of(const struct alert *alert, const struct label *label)
{
    switch ((enum hec_action)alert->did) {
    case HEC_ACTION_BLOCK: return alert->propensity;
    case HEC_ACTION_HOLD: return label == NULL ? 0 : 1;
    default: return 1;
    }
}

static void join(const struct reading *reading, const struct alert *alert)
{
    const struct hec_decisions *decisions = reading->decisions;
    const struct hec_head *head = &decisions->heads[alert->head];
    struct hec_decided *decided = &reading->decisions->of[alert->head];
    const struct label *label = label_of(reading, alert->event);
    enum hec_verdict verdict = label == NULL ? HEC_VERDICT_NONE : (enum hec_verdict)label->verdict;
    bool young = alert->event_ms > decisions->known_at_ms - head->label_delay_ms;
    bool unknown = verdict == HEC_VERDICT_UNKNOWN;
    if (alert->forced || alert->score < decided->floor || young || unknown) {
        decided->left_out[alert->forced                   ? HEC_LEFT_FORCED
                          : alert->score < decided->floor ? HEC_LEFT_BELOW
                          : young                         ? HEC_LEFT_IMMATURE
                                                          : HEC_LEFT_UNKNOWN]++;
        return;
    }
    enum hec_target target =
        hec_head_target(head, alert->type, verdict, label == NULL ? "" : label->fraud_type,
                        alert->event_ms, decisions->known_at_ms);
    struct hec_logged *row = &decided->rows[decided->n++];
    *row = (struct hec_logged){ .score = alert->score,
                                .did = (enum hec_action)alert->did,
                                .propensity = propensity_of(alert, label),
                                .amount_minor = alert->amount_minor < 0
                                                    ? reading->exposure_minor
                                                    : (double)alert->amount_minor };
    bool blocked = alert->did == HEC_ACTION_BLOCK && !alert->control;
    row->truth = blocked || !(row->propensity > 0) ? HEC_LOGGED_UNSEEN
                 : target == HEC_TARGET_POSITIVE   ? HEC_LOGGED_FRAUD
                 : target == HEC_TARGET_NEGATIVE   ? HEC_LOGGED_GENUINE
                                                   : HEC_LOGGED_OTHER;
    decided->blocks += alert->did == HEC_ACTION_BLOCK;
    decided->let_through += alert->control;
    decided->budgeted += alert->budgeted;
    decided->from_ms = decided->n == 1 ? alert->event_ms : decided->from_ms;
    decided->to_ms = alert->event_ms;
}

static enum hec_status join_all(struct reading *reading, struct hec_error *error)
{
    struct hec_decisions *decisions = reading->decisions;
    size_t count[HEC_HEADS_MAX] = { 0 };
    if (reading->alerts_count > 0) {
        qsort(reading->alerts, reading->alerts_count, sizeof(struct alert), by_time_and_id);
    }
    if (reading->labels_count > 0) {
        qsort(reading->labels, reading->labels_count, sizeof(struct label), by_event_and_time);
    }
    for (size_t i = 0; i < reading->alerts_count; i++) {
        const struct alert *alert = &reading->alerts[i];
        struct hec_decided *decided = &decisions->of[alert->head];
        count[alert->head]++;
        decided->floor = alert->forced ? decided->floor : fmaxf(decided->floor, alert->threshold);
    }
    for (int k = 0; k < decisions->heads_count; k++) {
        decisions->of[k].rows = malloc((count[k] + 1) * sizeof(struct hec_logged));
        if (decisions->of[k].rows == NULL) {
            return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
        }
    }
    for (size_t i = 0; i < reading->alerts_count; i++) {
        bool again = i > 0 && by_time_and_id(&reading->alerts[i - 1], &reading->alerts[i]) == 0;
        if (!again) {
            join(reading, &reading->alerts[i]);
        }
    }
    return HEC_OK;
}

int hec_decisions_read(struct hec_decisions *decisions, const struct hec_arguments *arguments)
{
    static const struct hec_decode_limits LIMITS = { LABEL_BYTES_MAX, 0 };
    struct hec_error error = { 0 };
    memset(decisions, 0, sizeof(*decisions));
    int exit = hec_training_heads(decisions->heads, &decisions->heads_count, arguments);
    if (exit != HEC_EXIT_OK) {
        return exit;
    }
    struct reading reading = {
        .decisions = decisions,
        .buffer = malloc(LABEL_BYTES_MAX + 1 + HEC_DECODE_PADDING),
        .newest_ms = INT64_MIN,
        .known_at_ms = hec_integer_or(arguments, "known-at", INT64_MAX),
        .exposure_minor = (double)hec_integer_or(arguments, "exposure", 10000),
    };
    enum hec_status status = hec_decoder_new(&reading.decoder, &LIMITS);
    if (status != HEC_OK || reading.buffer == NULL) {
        status = hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
    }
    if (status == HEC_OK) {
        status = each_line(&reading, arguments, "alerts", HEC_ALERT_BYTES_MAX, take_alert, &error);
    }
    if (status == HEC_OK) {
        status = each_line(&reading, arguments, "data", LABEL_BYTES_MAX, take_label, &error);
    }
    if (status == HEC_OK) {
        decisions->known_at_ms =
            hec_given(arguments, "known-at") ? reading.known_at_ms : reading.newest_ms;
        status = reading.newest_ms == INT64_MIN
                     ? hec_fail(&error, HEC_INVALID, "--data has no event: the labels are missing")
                     : join_all(&reading, &error);
    }
    hec_decoder_free(reading.decoder);
    free(reading.buffer);
    free(reading.labels);
    free(reading.alerts);
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

void hec_decisions_free(struct hec_decisions *decisions)
{
    for (int k = 0; k < HEC_HEADS_MAX; k++) {
        free(decisions->of[k].rows);
    }
}
