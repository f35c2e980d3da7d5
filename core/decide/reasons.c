/*
 * Why: from contributions of columns to a few sentences for people.
 *
 * Columns that tell the same story carry the same code and count together; what is shown is the
 * column that tells it best.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "decide/json.h"
#include "hecate/decide.h"

/* How a number is told. */
enum form { FORM_PLAIN, FORM_TIME, FORM_SHARE };

/* The columns of one code. */
struct story {
    const char *code;
    float sum;
    int column; /* that contributes most */
};

static const struct hec_feature *feature_of(const struct hec_reason_columns *columns, int column)
{
    return &columns->schema->features[columns->features[column]];
}

static struct story *story_of(struct story *stories, int *count, const char *code)
{
    for (int i = 0; i < *count; i++) {
        if (strcmp(stories[i].code, code) == 0) {
            return &stories[i];
        }
    }
    stories[*count] = (struct story){ .code = code, .column = -1 };
    return &stories[(*count)++];
}

static int gather(struct story *stories, const struct hec_reason_columns *columns, int head,
                  const float *contributions)
{
    int count = 0;
    for (int column = 0; column < columns->numerics + columns->categories; column++) {
        const struct hec_feature *feature = feature_of(columns, column);
        bool speaks = feature->reason_code[0] != '\0' && (feature->heads >> head & 1) != 0;
        if (!speaks || !isfinite(contributions[column])) {
            continue;
        }
        struct story *story = story_of(stories, &count, feature->reason_code);
        story->sum += contributions[column];
        if (story->column < 0 || contributions[column] > contributions[story->column]) {
            story->column = column;
        }
    }
    return count;
}

/* Appends to a terminated text of a fixed size; what does not fit is cut at a whole character. */
static size_t append(char *text, size_t length, const char *bytes, size_t count)
{
    size_t room = HEC_REASON_TEXT_MAX - 1 - length;
    if (count > room) {
        count = room;
        while (count > 0 && ((unsigned char)bytes[count] & 0xc0) == 0x80) {
            count--;
        }
    }
    memcpy(text + length, bytes, count);
    return length + count;
}

static size_t append_number(char *text, size_t length, float value)
{
    char digits[HEC_NUMBER_TEXT_MAX];
    if (!isfinite(value)) {
        return append(text, length, "unknown", strlen("unknown"));
    }
    return append(text, length, digits, (size_t)hec_number_print(digits, (double)value));
}

/* Seconds in the two largest units that say something: "42 s", "2 min 37 s", "12 d 3 h". */
static size_t append_time(char *text, size_t length, float seconds)
{
    static const struct {
        const char *name;
        int64_t s;
    } UNITS[] = { { " d", 86400 }, { " h", 3600 }, { " min", 60 }, { " s", 1 } };
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e12f) {
        return append_number(text, length, seconds);
    }
    int64_t left_s = (int64_t)((double)seconds + 0.5);
    int told = 0;
    for (int i = 0; i < 4 && told < 2; i++) {
        int64_t count = left_s / UNITS[i].s;
        if (count > 0 || (i == 3 && told == 0)) {
            length = append(text, length, " ", told > 0);
            length = append_number(text, length, (float)count);
            length = append(text, length, UNITS[i].name, strlen(UNITS[i].name));
        }
        told += told > 0 || count > 0;
        left_s -= count * UNITS[i].s;
    }
    return length;
}

/* A share in percent, with a digit behind the point where it is small. */
static size_t append_share(char *text, size_t length, float share)
{
    if (!isfinite(share)) {
        return append_number(text, length, share);
    }
    float percent = 100 * share;
    float digits = fabsf(percent) < 10 ? 10 : 1;
    length = append_number(text, length, roundf(percent * digits) / digits);
    return append(text, length, " %", 2);
}

static size_t append_as(char *text, size_t length, enum form form, float value)
{
    return form == FORM_TIME    ? append_time(text, length, value)
           : form == FORM_SHARE ? append_share(text, length, value)
                                : append_number(text, length, value);
}

/* What is to be filled in at a brace. */
static const struct {
    const char *text;
    enum form form;
    bool usual;
} FILLED[] = {
    { "{observed}", FORM_PLAIN, false },       { "{usual}", FORM_PLAIN, true },
    { "{observed:time}", FORM_TIME, false },   { "{usual:time}", FORM_TIME, true },
    { "{observed:share}", FORM_SHARE, false }, { "{usual:share}", FORM_SHARE, true },
};

/* Any other brace stands for itself. */
const char *hec_direction_name(enum hec_direction direction)
{
    static const char *const NAMES[] = { "high", "low", "other" };
    return NAMES[direction];
}

static void tell(struct hec_reason *reason, const char *pattern)
{
    size_t length = 0;
    while (*pattern != '\0') {
        size_t i = 0, count = sizeof(FILLED) / sizeof(*FILLED);
        while (i < count && strncmp(pattern, FILLED[i].text, strlen(FILLED[i].text)) != 0) {
            i++;
        }
        if (i < count) {
            pattern += strlen(FILLED[i].text);
            if (!FILLED[i].usual && reason->observed_text.length > 0) {
                length = append(reason->text, length, reason->observed_text.bytes,
                                reason->observed_text.length);
            } else {
                float value = FILLED[i].usual ? reason->typical : reason->observed;
                length = append_as(reason->text, length, FILLED[i].form, value);
            }
        } else {
            size_t plain = 1 + strcspn(pattern + 1, "{");
            length = append(reason->text, length, pattern, plain);
            pattern += plain;
        }
    }
    reason->text[length] = '\0';
}

static void fill(struct hec_reason *reason, const struct hec_reason_columns *columns,
                 const struct story *story, const struct hec_event *event, const float *row)
{
    const struct hec_feature *feature = feature_of(columns, story->column);
    bool numeric = story->column < columns->numerics;
    *reason = (struct hec_reason){ .code = feature->reason_code,
                                   .feature = feature->name,
                                   .direction = HEC_DIRECTION_OTHER,
                                   .observed = NAN,
                                   .typical = NAN,
                                   .contribution = story->sum };
    if (numeric) {
        reason->observed = row[story->column];
        reason->typical = columns->usual[story->column];
        if (reason->observed > reason->typical) {
            reason->direction = HEC_DIRECTION_HIGH;
        } else if (reason->observed < reason->typical) {
            reason->direction = HEC_DIRECTION_LOW;
        }
    } else if (feature->field < HEC_FIELDS && hec_event_has(event, feature->field) &&
               hec_field_info(feature->field)->kind < HEC_INTEGER) {
        reason->observed_text = event->value[feature->field].text;
    }
    tell(reason, feature->text);
}

int hec_reasons(struct hec_reason reasons[HEC_REASONS_MAX], const struct hec_policy *policy,
                const struct hec_reason_columns *columns, int head, const struct hec_event *event,
                const float *contributions, const float *row)
{
    assert(head >= 0 && head < HEC_HEADS_MAX);
    assert(policy->reasons_max <= HEC_REASONS_MAX);
    assert(columns->numerics + columns->categories <= HEC_FEATURES_MAX);
    struct story stories[HEC_FEATURES_MAX];
    int count = gather(stories, columns, head, contributions);
    float all = 0;
    for (int i = 0; i < count; i++) {
        all += stories[i].sum > 0 ? stories[i].sum : 0;
    }
    int picked = 0;
    while (picked < policy->reasons_max) {
        struct story *best = NULL;
        for (int i = 0; i < count; i++) {
            /* Of equal ones the first in the schema's order, so that the answer is one. */
            if (stories[i].sum > 0 && (best == NULL || stories[i].sum > best->sum)) {
                best = &stories[i];
            }
        }
        /* Where no story stands out, the strongest is more use than none. */
        if (best == NULL || (picked > 0 && best->sum < policy->reason_share_min * all)) {
            break;
        }
        fill(&reasons[picked], columns, best, event, row);
        picked++;
        best->sum = 0;
    }
    return picked;
}
