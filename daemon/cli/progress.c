#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 20

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void hec_progress_begin(struct hec_progress *progress, const char *what)
{
    double now = now_s();
    *progress = (struct hec_progress){
        .what = what, .shown = isatty(STDERR_FILENO) == 1, .begun_s = now, .told_s = now
    };
}

void hec_progress_tell(struct hec_progress *progress, uint64_t count, double fraction)
{
    progress->count = count;
    if (!progress->shown) {
        return;
    }
    double now = now_s();
    if (now - progress->told_s < 0.2) {
        return;
    }
    progress->told_s = now;
    double took_s = now - progress->begun_s;
    fprintf(stderr, "\r\033[K%s  ", progress->what);
    if (fraction >= 0) {
        char bar[BAR_COLUMNS + 1];
        int full = (int)(fraction * BAR_COLUMNS);
        for (int i = 0; i < BAR_COLUMNS; i++) {
            bar[i] = i < full ? '#' : '.';
        }
        bar[BAR_COLUMNS] = '\0';
        fprintf(stderr, "%s %.0f %%  ", bar, fraction * 100);
    }
    fprintf(stderr, "%llu events, %.0f k/s", (unsigned long long)count,
            (double)count / took_s / 1000);
    /* The first second tells little of the rest. */
    if (fraction > 0 && took_s > 1) {
        long left_s = (long)(took_s * (1 - fraction) / fraction + 0.5);
        fprintf(stderr, ", %ld:%02ld left", left_s / 60, left_s % 60);
    }
    fflush(stderr);
}

void hec_progress_end(struct hec_progress *progress)
{
    if (progress->shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
}

double hec_progress_s(const struct hec_progress *progress)
{
    return now_s() - progress->begun_s;
}
