/* The oracle's habits: a list of text keys, counted again from the first event for every answer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/oracle_inside.h"

#define KEPT 32
#define KEY_MAX 160

struct habit {
    char key[KEY_MAX];
    int count;
    int64_t first_s, last_s;
};

/* The value in words; false when the event has none. */
static bool key_of(const struct oracle *oracle, const struct hec_event *event,
                   const struct hec_feature *feature, char key[KEY_MAX])
{
    double minor = 0;
    switch (feature->derived) {
    case HEC_HOUR: snprintf(key, KEY_MAX, "%d", (int)(hec_event_ms(event) / 3600000 % 24)); break;
    case HEC_PLACE:
        if (!hec_event_has(event, HEC_F_GEO_LAT) || !hec_event_has(event, HEC_F_GEO_LON)) {
            return false;
        }
        snprintf(key, KEY_MAX, "%.0f %.0f", nearbyint(4 * event->value[HEC_F_GEO_LAT].number),
                 nearbyint(4 * event->value[HEC_F_GEO_LON].number));
        break;
    case HEC_IP_NET: {
        char a[KEY_MAX], b[KEY_MAX];
        if (!hec_event_has(event, HEC_F_IP)) {
            return false;
        }
        snprintf(key, KEY_MAX, "%.*s", (int)event->value[HEC_F_IP].text.length,
                 event->value[HEC_F_IP].text.bytes);
        if (sscanf(key, "%[^.:]%*[.:]%[^.:]%*[.:]", a, b) != 2 || strpbrk(key, ".:") == NULL ||
            strpbrk(strpbrk(key, ".:") + 1, ".:") == NULL) {
            return false;
        }
        snprintf(key, KEY_MAX, "%.70s-%.70s", a, b);
        break;
    }
    case HEC_AMOUNT_BAND:
        if (!oracle_amount(oracle, event, &minor)) {
            return false;
        }
        snprintf(key, KEY_MAX, "%.0f", floor(2 * log2(minor + 1)));
        break;
    default:
        if (!hec_event_has(event, feature->field)) {
            return false;
        }
        snprintf(key, KEY_MAX, "%.*s", (int)event->value[feature->field].text.length,
                 event->value[feature->field].text.bytes);
    }
    return true;
}

static int find(const struct habit *habits, int n, const char *key)
{
    int i = 0;
    while (i < n && strcmp(habits[i].key, key) != 0) {
        i++;
    }
    return i;
}

static int learn(struct habit *habits, int n, const char *key, int64_t second)
{
    struct habit habit = { .count = 0, .first_s = second, .last_s = second };
    int at = find(habits, n, key);
    int sum = 0;
    snprintf(habit.key, sizeof(habit.key), "%s", key);
    if (at < n) {
        habit = habits[at];
    } else if (n == KEPT) {
        at = 0;
        for (int i = 1; i < n; i++) {
            at = habits[i].count < habits[at].count ? i : at;
        }
    }
    if (at < n) {
        memmove(habits + at, habits + at + 1, (size_t)(n - 1 - at) * sizeof(*habits));
        n--;
    }
    habit.count++;
    habit.first_s = second < habit.first_s ? second : habit.first_s;
    habit.last_s = second > habit.last_s ? second : habit.last_s;
    habits[n++] = habit;
    for (int i = 0; i < n; i++) {
        sum += habits[i].count;
    }
    for (int i = 0; i < n && sum >= 256; i++) {
        habits[i].count -= habits[i].count / 2;
    }
    return n;
}

double oracle_habit(const struct oracle *oracle, const struct hec_feature *feature,
                    const struct hec_text *token, const struct hec_event *event)
{
    struct habit habits[KEPT + 1];
    char key[KEY_MAX];
    int64_t now_s = hec_event_ms(event) / 1000;
    int n = 0, sum = 0, met = 0;
    for (int i = 0; i < oracle->count; i++) {
        const struct hec_event *other = oracle->items[i].event;
        if (hec_event_is_scored(other->type) &&
            oracle_counts(oracle, i, (int)feature->entity, token) &&
            oracle_passes(oracle, other, feature->filter) && key_of(oracle, other, feature, key)) {
            n = learn(habits, n, key, hec_event_ms(other) / 1000);
        }
    }
    for (int i = 0; i < n; i++) {
        sum += habits[i].count;
        met += habits[i].first_s > now_s - feature->window_ms / 1000 && habits[i].first_s <= now_s;
    }
    if (feature->aggregate == HEC_AGG_MET) {
        return met;
    }
    if (!oracle_passes(oracle, event, feature->filter) || !key_of(oracle, event, feature, key)) {
        return NAN;
    }
    int at = find(habits, n, key);
    if (feature->aggregate == HEC_AGG_SHARE) {
        return n == 0 ? NAN : at < n ? (double)habits[at].count / sum : 0;
    }
    if (feature->aggregate == HEC_AGG_TIMES) {
        return n == 0 ? NAN : at < n ? (double)habits[at].count : 0;
    }
    if (feature->aggregate == HEC_AGG_SURPRISE) {
        double own = at < n ? habits[at].count : 0;
        return n == 0 ? NAN : log(sum + 1) - log(own + 1.0 / (n + 1));
    }
    if (feature->aggregate == HEC_AGG_SINCE_FIRST) {
        return at < n ? fmax(0, (double)(now_s - habits[at].first_s)) : NAN;
    }
    return at < n ? fmax(0, (double)(now_s - habits[at].last_s)) : NAN;
}
