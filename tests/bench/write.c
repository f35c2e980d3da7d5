/*
 * How long a score record and an alert take to write: the median of five rounds, nanoseconds each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../core/decide/sample.h"

enum { WRITES = 200000, ROUNDS = 5 };

static struct sample sample;
static char text[HEC_ALERT_BYTES_MAX];

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t write_score(int i)
{
    struct hec_score_record record = sample_score(&sample);
    for (int head = 0; head < HEC_DEFAULT_HEADS; head++) {
        sample.scores[head] = (float)((i * 7919 + head) % WRITES) / (float)WRITES;
    }
    return hec_score_write(text, sizeof(text), &record);
}

static size_t write_alert(int i)
{
    sample.alert.origin.offset = i;
    return hec_alert_write(text, sizeof(text), &sample.alert);
}

static void measure(const char *name, size_t (*write)(int))
{
    double took[ROUNDS];
    size_t bytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < WRITES; i++) {
            bytes += write(i);
        }
        took[round] = (now_ns() - start) / WRITES;
    }
    qsort(took, ROUNDS, sizeof(took[0]), ascending);
    printf("%s  median %.0f ns, best %.0f  (%.0f bytes)\n", name, took[ROUNDS / 2], took[0],
           (double)bytes / ROUNDS / WRITES);
}

int main(void)
{
    sample_make(&sample, HEC_CARD_AUTH, 0);
    measure("score", write_score);
    measure("alert", write_alert);
    return 0;
}
