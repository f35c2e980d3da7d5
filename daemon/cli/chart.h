/*
 * Charts as inline SVG: lines, dots and bars between two axes. Nothing is fetched, no script runs;
 * colours are the page's (classes c0 .. c5 of report.c's style), so they follow light and dark.
 */
#ifndef HECATE_CLI_CHART_H
#define HECATE_CLI_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define HEC_CHART_COLOURS 6

struct hec_axis {
    const char *label;
    double from, to;
    bool log;   /* then from > 0 */
    bool times; /* milliseconds since 1970, told as days */
};

struct hec_chart {
    FILE *to; /* borrowed */
    struct hec_axis x, y;
};

/** Opens a figure with its title, frame, ticks and labels. An axis without extent gets one. */
void hec_chart_begin(struct hec_chart *chart, FILE *to, const char *title, struct hec_axis x,
                     struct hec_axis y);
/** A line through n points; what is NaN interrupts it. */
void hec_chart_line(const struct hec_chart *chart, const double *x, const double *y, size_t n,
                    int colour);
/** A dot that tells its text under the pointer. */
void hec_chart_dot(const struct hec_chart *chart, double x, double y, int colour, const char *text);
/** A bar from the lower edge. */
void hec_chart_bar(const struct hec_chart *chart, double x_from, double x_to, double y, int colour,
                   const char *text);
/** Closes it. names: of the colours from 0 on, ended by NULL; NULL for no legend. */
void hec_chart_end(const struct hec_chart *chart, const char *const *names);

/** A text with what HTML would misread written otherwise; control characters as '?'. */
void hec_html_text(FILE *to, const char *text);

#endif
