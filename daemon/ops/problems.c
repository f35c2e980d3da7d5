/* Sentences in a list, and the guess at what a mistyped name meant. */
#include "ops/problems.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void hec_problems_add(struct hec_problems *problems, enum hec_status status, const char *format,
                      ...)
{
    assert(status != HEC_OK);
    if (problems->count == HEC_PROBLEMS_MAX) {
        problems->dropped++;
        return;
    }
    struct hec_error *row = &problems->rows[problems->count++];
    row->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row->text, sizeof(row->text), format, arguments);
    va_end(arguments);
}

enum hec_status hec_problems_status(const struct hec_problems *problems)
{
    return problems->count == 0 ? HEC_OK : problems->rows[0].status;
}

#define WORD_MAX 64

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. Three rows of the table are
 * enough. */
static int distance(const char *a, const char *b)
{
    int rows[3][WORD_MAX + 1];
    int length_a = (int)strlen(a);
    int length_b = (int)strlen(b);
    for (int j = 0; j <= length_b; j++) {
        rows[0][j] = j;
    }
    for (int i = 1; i <= length_a; i++) {
        int *now = rows[i % 3];
        const int *last = rows[(i + 2) % 3];
        const int *before = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= length_b; j++) {
            int cost = last[j - 1] + (a[i - 1] != b[j - 1]);
            cost = least(cost, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost = least(cost, before[j - 2] + 1);
            }
            now[j] = cost;
        }
    }
    return rows[length_a % 3][length_b];
}

const char *hec_nearest(const char *mistyped, const char *const *names)
{
    size_t length = strlen(mistyped);
    if (length == 0 || length > WORD_MAX) {
        return NULL;
    }
    int bound = length < 6 ? 1 : (int)length / 3;
    const char *nearest = NULL;
    const char *holding = NULL;
    for (; *names != NULL; names++) {
        if (strlen(*names) > WORD_MAX) {
            continue;
        }
        int d = distance(mistyped, *names);
        if (d <= bound) {
            bound = d - 1;
            nearest = *names;
        }
        bool holds = strstr(*names, mistyped) != NULL || strstr(mistyped, *names) != NULL;
        if (holding == NULL && length >= 3 && strlen(*names) >= 3 && holds) {
            holding = *names;
        }
    }
    return nearest != NULL ? nearest : holding;
}

const char *hec_place(char place[HEC_PLACE_BYTES], const char *file, int line)
{
    if (line > 0) {
        snprintf(place, HEC_PLACE_BYTES, "%s:%d", file, line);
    } else {
        snprintf(place, HEC_PLACE_BYTES, "%s", file);
    }
    return place;
}
