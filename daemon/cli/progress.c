#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

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
    fprintf(stderr, "\r\033[K%s  %llu events, %.0f k/s", progress->what, (unsigned long long)count,
            (double)count / (now - progress->begun_s) / 1000);
    if (fraction >= 0) {
        fprintf(stderr, ", %.0f %%", fraction * 100);
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
