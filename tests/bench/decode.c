/*
 * How long one event takes to decode: the median of five rounds, nanoseconds an event.
 *
 *   bench-decode [NDJSON]      without a file, one event of 480 bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hecate/event.h"

enum { LINES_MAX = 200000, ROUNDS = 5 };

static const char EVENT[] =
    "{\"event_id\":\"01KAQM5Z9T4V6Q2J8R0X3N7B5D\",\"event_type\":\"card_auth\",\"schema_version\":"
    "1,"
    "\"event_time_ms\":1795429535081,\"user_token\":\"u_d3d9446802a44259\",\"card_token\":"
    "\"c_8f14e45fceea167a\",\"geo\":{\"lat\":51.045,\"lon\":5.347,\"country\":\"BE\"},\"channel\":"
    "\"ecom\",\"device_id\":\"d_6512bd43d9caa6e0\",\"amount_minor\":129900,\"currency\":\"EUR\","
    "\"merchant_id\":\"m_45c48cce2e2d7fbd\",\"terminal_id\":\"t_c51ce410c124a10e\",\"mcc\":"
    "\"5732\","
    "\"merchant_country\":\"FR\",\"entry_mode\":\"ecom\",\"card_present\":false,\"response_code\":"
    "\"00\"}";

static const char *lines[LINES_MAX];
static size_t lengths[LINES_MAX];

static int read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    int count = 0;
    char *line = NULL;
    size_t room = 0;
    while (file != NULL && count < LINES_MAX) {
        ssize_t length = getline(&line, &room, file);
        if (length <= 0) {
            break;
        }
        lengths[count] = (size_t)length - 1;
        lines[count++] = strndup(line, (size_t)length - 1);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(line);
    return count;
}

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

int main(int count, char **arguments)
{
    lines[0] = EVENT;
    lengths[0] = strlen(EVENT);
    int known = count > 1 ? read_lines(arguments[1]) : 1;
    struct hec_decode_limits limits = { .record_bytes_max = 65536, .future_skew_ms = 60000 };
    struct hec_decoder *decoder = NULL;
    if (known == 0 || hec_decoder_new(&decoder, &limits) != HEC_OK) {
        fprintf(stderr, "bench-decode: no events to read\n");
        return 1;
    }
    static char buffer[65536 + HEC_DECODE_PADDING];
    static struct hec_event event;
    enum hec_field field;
    int events = LINES_MAX, refused = 0;
    size_t bytes = 0;
    double took[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < events; i++) {
            const char *line = lines[i % known];
            bytes += lengths[i % known];
            refused +=
                hec_decode(decoder, &event, line, lengths[i % known], -1, buffer, &field) != HEC_OK;
        }
        took[round] = (now_ns() - start) / events;
    }
    qsort(took, ROUNDS, sizeof(took[0]), ascending);
    printf("decode  median %.0f ns an event, best %.0f  (%.0f bytes an event, %d of %d refused)\n",
           took[ROUNDS / 2], took[0], (double)bytes / ROUNDS / events, refused / ROUNDS, events);
    hec_decoder_free(decoder);
    return 0;
}
