#include "cli/chart.h"

#include <math.h>
#include <string.h>

#include "file/when.h"

/* The picture, and the place of the frame in it. */
#define WIDTH 400.0
#define HEIGHT 270.0
#define LEFT 54.0
#define RIGHT 388.0
#define TOP 12.0
#define BOTTOM 226.0
#define TICKS 5

void hec_html_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': fputs("&amp;", to); break;
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '"': fputs("&quot;", to); break;
        case '\n': fputc('\n', to); break;
        default: fputc((unsigned char)*text < 32 ? '?' : *text, to);
        }
    }
}

static double part_of(const struct hec_axis *axis, double value)
{
    double from = axis->from, to = axis->to;
    if (axis->log) {
        value = log10(fmax(value, axis->from));
        from = log10(from);
        to = log10(to);
    }
    return fmin(fmax((value - from) / (to - from), 0), 1);
}

static double place_x(const struct hec_chart *chart, double value)
{
    return LEFT + (RIGHT - LEFT) * part_of(&chart->x, value);
}

static double place_y(const struct hec_chart *chart, double value)
{
    return BOTTOM - (BOTTOM - TOP) * part_of(&chart->y, value);
}

static void tick(const struct hec_chart *chart, bool across, double value)
{
    char text[40], when[HEC_WHEN_BYTES];
    const struct hec_axis *axis = across ? &chart->x : &chart->y;
    if (axis->times) {
        hec_when_print(when, (int64_t)value);
        snprintf(text, sizeof(text), "%.5s", when + 5);
    } else {
        snprintf(text, sizeof(text), "%.3g", fabs(value) < 1e-12 ? 0 : value);
    }
    if (across) {
        double x = place_x(chart, value);
        fprintf(chart->to,
                "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"middle\">%s</text>",
                x, TOP, BOTTOM, x, BOTTOM + 15, text);
    } else {
        double y = place_y(chart, value);
        fprintf(chart->to,
                "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>",
                LEFT, y, RIGHT, LEFT - 6, y + 4, text);
    }
}

/* Round steps: 1, 2 or 5 times a power of ten; powers of ten on a logarithmic axis. */
static void ticks(const struct hec_chart *chart, bool across)
{
    const struct hec_axis *axis = across ? &chart->x : &chart->y;
    if (axis->log) {
        int from = (int)ceil(log10(axis->from) - 1e-9), to = (int)floor(log10(axis->to) + 1e-9);
        int each = (to - from) / TICKS + 1;
        for (int power = from; power <= to; power += each) {
            tick(chart, across, pow(10, power));
        }
        return;
    }
    double day = 86400000.0, raw = (axis->to - axis->from) / TICKS, step;
    if (axis->times) {
        step = day * fmax(1, ceil(raw / day));
    } else {
        double power = pow(10, floor(log10(raw)));
        step = raw / power < 1.5 ? power : raw / power < 3.5 ? 2 * power : 5 * power;
        step = raw / power >= 7.5 ? 10 * power : step;
    }
    for (double value = ceil(axis->from / step - 1e-9) * step; value <= axis->to + step * 1e-9;
         value += step) {
        tick(chart, across, value);
    }
}

static void widen(struct hec_axis *axis)
{
    if (!isfinite(axis->from) || !isfinite(axis->to)) {
        axis->from = axis->log ? 0.1 : 0;
        axis->to = 1;
    }
    if (axis->to <= axis->from) {
        axis->to = axis->log ? axis->from * 10 : axis->from + fmax(1e-3, fabs(axis->from) * 0.1);
    }
}

void hec_chart_begin(struct hec_chart *chart, FILE *to, const char *title, struct hec_axis x,
                     struct hec_axis y)
{
    *chart = (struct hec_chart){ .to = to, .x = x, .y = y };
    widen(&chart->x);
    widen(&chart->y);
    fputs("<figure><figcaption>", to);
    hec_html_text(to, title);
    fprintf(to, "</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH,
            HEIGHT);
    hec_html_text(to, title);
    fputs("\">", to);
    ticks(chart, true);
    ticks(chart, false);
    fprintf(to, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>", LEFT, TOP, BOTTOM, RIGHT);
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2,
            BOTTOM + 34);
    hec_html_text(to, x.label);
    fprintf(to, "</text><text transform=\"translate(13 %.1f) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + BOTTOM) / 2);
    hec_html_text(to, y.label);
    fputs("</text>", to);
}

void hec_chart_line(const struct hec_chart *chart, const double *x, const double *y, size_t n,
                    int colour)
{
    bool open = false;
    fprintf(chart->to, "<path class=\"line c%d\" d=\"", colour);
    for (size_t i = 0; i < n; i++) {
        bool there = isfinite(x[i]) && isfinite(y[i]);
        if (there) {
            fprintf(chart->to, "%c%.1f %.1f", open ? 'L' : 'M', place_x(chart, x[i]),
                    place_y(chart, y[i]));
        }
        open = there;
    }
    fputs("\"/>", chart->to);
}

void hec_chart_dot(const struct hec_chart *chart, double x, double y, int colour, const char *text)
{
    if (!isfinite(x) || !isfinite(y)) {
        return;
    }
    fprintf(chart->to, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>", colour,
            place_x(chart, x), place_y(chart, y));
    hec_html_text(chart->to, text);
    fputs("</title></circle>", chart->to);
}

void hec_chart_bar(const struct hec_chart *chart, double x_from, double x_to, double y, int colour,
                   const char *text)
{
    double left = place_x(chart, x_from), right = place_x(chart, x_to), top = place_y(chart, y);
    if (!isfinite(y) || top >= BOTTOM) {
        return;
    }
    fprintf(chart->to,
            "<rect class=\"bar c%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
            colour, left, top, fmax(right - left - 0.5, 0.5), BOTTOM - top);
    hec_html_text(chart->to, text);
    fputs("</title></rect>", chart->to);
}

void hec_chart_end(const struct hec_chart *chart, const char *const *names)
{
    fputs("</svg>", chart->to);
    if (names != NULL) {
        fputs("<p class=\"legend\">", chart->to);
        for (int i = 0; names[i] != NULL; i++) {
            fprintf(chart->to, "<i class=\"c%d\"></i>", i % HEC_CHART_COLOURS);
            hec_html_text(chart->to, names[i]);
            fputc(' ', chart->to);
        }
        fputs("</p>", chart->to);
    }
    fputs("</figure>\n", chart->to);
}
