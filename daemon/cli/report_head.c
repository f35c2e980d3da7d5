/* One head of the report: its curves with the operating point, what each threshold would mean, how
 * it does over time and in parts of the traffic. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chart.h"
#include "cli/report.h"
#include "file/when.h"
#include "hecate/metrics.h"

#define DAY_MS 86400000.0
#define CURVE_POINTS 400
#define RELIABILITY_BINS 15
#define HISTOGRAM_BINS 36
#define SCORE_LEAST 1e-6 /* of the histogram: what is lower stands there */
#define SEGMENTS_SHOWN 5
#define BUCKETS_MAX 400

/* What the parts of a head's section share. */
struct section {
    const struct hec_report *report;
    const struct hec_judgement *told;
    const struct hec_head *head;
    struct hec_gathered rows;
    struct hec_metric_step *steps; /* the whole curve */
    size_t steps_count;
    double days;
    FILE *to;
};

static double precision_of(const struct hec_metric_step *step)
{
    return step->true_positives / (step->true_positives + step->false_positives);
}

/* The last step at or above the head's threshold; NULL when nothing is. */
static const struct hec_metric_step *operating(const struct section *section)
{
    const struct hec_metric_step *at = NULL;
    for (size_t i = 0; i < section->steps_count; i++) {
        if ((double)section->steps[i].threshold >= section->told->threshold) {
            at = &section->steps[i];
        }
    }
    return at;
}

/* Precision against recall, or recall against the false positive rate, thinned to what is seen. */
static void print_curve(const struct section *section, bool roc)
{
    double positives = (double)section->told->positives;
    double negatives = (double)section->told->rows - positives;
    double *x = malloc((section->steps_count + 2) * sizeof(*x));
    double *y = malloc((section->steps_count + 2) * sizeof(*y));
    size_t n = 0;
    struct hec_axis along = { roc ? "false positive rate (logarithmic)" : "recall", roc ? 1e-4 : 0,
                              1, roc, 0 };
    struct hec_axis up = { roc ? "recall" : "precision", 0, 1, false, false };
    struct hec_chart chart;
    char text[96];
    for (size_t i = 0; x != NULL && y != NULL && i < section->steps_count; i++) {
        const struct hec_metric_step *step = &section->steps[i];
        double recall = step->true_positives / positives;
        double across = roc ? step->false_positives / negatives : recall;
        double above = roc ? recall : precision_of(step);
        bool moved = n == 0 || fabs(across - x[n - 1]) * CURVE_POINTS > 1 ||
                     fabs(above - y[n - 1]) * CURVE_POINTS > 1;
        if (moved || i + 1 == section->steps_count) {
            x[n] = across;
            y[n++] = above;
        }
    }
    snprintf(text, sizeof(text), "%s: %s", section->head->name,
             roc ? "ROC" : "precision and recall");
    hec_chart_begin(&chart, section->to, text, along, up);
    if (x != NULL && y != NULL) {
        hec_chart_line(&chart, x, y, n, 0);
    }
    const struct hec_metric_step *at = operating(section);
    if (at != NULL) {
        snprintf(text, sizeof(text), "threshold %.6g: precision %.3f, recall %.3f, fpr %.5f",
                 section->told->threshold, precision_of(at), at->true_positives / positives,
                 at->false_positives / negatives);
        hec_chart_dot(&chart,
                      roc ? at->false_positives / negatives : at->true_positives / positives,
                      roc ? at->true_positives / positives : precision_of(at), 1, text);
    }
    hec_chart_end(&chart, NULL);
    free(x);
    free(y);
}

static void print_reliability(const struct section *section)
{
    struct hec_metric_bin bins[RELIABILITY_BINS];
    struct hec_chart chart;
    double least = 1e-5, x[2] = { least, 1 };
    if (!hec_metric_reliability(bins, section->rows.score, section->rows.label, section->rows.n,
                                RELIABILITY_BINS)) {
        return;
    }
    char title[HEC_HEAD_NAME_MAX + 40];
    snprintf(title, sizeof(title), "%s: reliability", section->head->name);
    hec_chart_begin(&chart, section->to, title,
                    (struct hec_axis){ "mean probability of a bin", least, 1, true, false },
                    (struct hec_axis){ "share of positives", least, 1, true, false });
    hec_chart_line(&chart, x, x, 2, 2);
    for (int i = 0; i < RELIABILITY_BINS; i++) {
        if (bins[i].rows > 0) {
            char text[96];
            double rows = (double)bins[i].rows;
            snprintf(text, sizeof(text), "%.0f rows: told %.6f, found %.6f", rows,
                     bins[i].probability / rows, bins[i].positives / rows);
            hec_chart_dot(&chart, bins[i].probability / rows, bins[i].positives / rows,
                          bins[i].positives > 0 ? 0 : 2, text);
        }
    }
    hec_chart_end(&chart, NULL);
}

static void print_histogram(const struct section *section)
{
    static const char *const NAMES[] = { "positive", "negative", NULL };
    double share[2][HISTOGRAM_BINS] = { { 0 } }, top = 0, span = -log10(SCORE_LEAST);
    double count[2] = { (double)(section->told->rows - section->told->positives),
                        (double)section->told->positives };
    for (size_t i = 0; i < section->rows.n; i++) {
        double score = fmax((double)section->rows.score[i], SCORE_LEAST);
        int bin = (int)((log10(score) + span) / span * HISTOGRAM_BINS);
        bin = bin < 0 ? 0 : bin >= HISTOGRAM_BINS ? HISTOGRAM_BINS - 1 : bin;
        share[section->rows.label[i]][bin] += 1 / count[section->rows.label[i]];
    }
    for (int i = 0; i < HISTOGRAM_BINS; i++) {
        top = fmax(top, fmax(share[0][i], share[1][i]));
    }
    char title[HEC_HEAD_NAME_MAX + 40];
    struct hec_chart chart;
    snprintf(title, sizeof(title), "%s: scores", section->head->name);
    hec_chart_begin(&chart, section->to, title,
                    (struct hec_axis){ "score", SCORE_LEAST, 1, true, false },
                    (struct hec_axis){ "share of the class", 0, top * 1.05, false, false });
    for (int i = 0; i < HISTOGRAM_BINS; i++) {
        double from = pow(10, span * i / HISTOGRAM_BINS - span);
        double to = pow(10, span * (i + 1) / HISTOGRAM_BINS - span);
        for (int label = 0; label < 2; label++) {
            char text[96];
            snprintf(text, sizeof(text), "%.2g to %.2g: %.1f %% of the %s", from, to,
                     100 * share[label][i], label ? "positives" : "negatives");
            hec_chart_bar(&chart, from, to, share[label][i], label ? 0 : 1, text);
        }
    }
    hec_chart_end(&chart, NAMES);
}

/* ---- thresholds ---- */

static void print_threshold(const struct section *section, const struct hec_metric_step *step,
                            const char *name)
{
    double alerts = step->true_positives + step->false_positives, value = 0, all = 0;
    double recall = step->true_positives / (double)section->told->positives;
    double precision = precision_of(step);
    for (size_t i = 0; i < section->rows.n; i++) {
        double amount = section->rows.label[i] ? section->rows.amount[i] : 0;
        all += amount;
        value += section->rows.score[i] >= step->threshold ? amount : 0;
    }
    fprintf(section->to, "<tr><td>%s<td>%.6f<td>%.1f<td>%.3f<td>%.3f<td>%.3f<td>", name,
            (double)step->threshold, alerts / section->days, precision, recall,
            precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0);
    if (all > 0) {
        fprintf(section->to, "%.3f", value / all);
    } else {
        fputs("-", section->to);
    }
}

static void print_thresholds(const struct section *section)
{
    static const double ALERTS[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };
    fprintf(section->to,
            "<div class=\"wide\"><h3>%s: thresholds</h3><table><tr><th>alerts a day<th>threshold"
            "<th>in fact<th>precision<th>recall<th>F1<th>value found",
            section->head->name);
    const struct hec_metric_step *at = operating(section), *before = NULL;
    if (at != NULL) {
        print_threshold(section, at, "<b>as trained</b>");
    }
    for (size_t a = 0; a < sizeof(ALERTS) / sizeof(ALERTS[0]); a++) {
        const struct hec_metric_step *found = NULL;
        for (size_t i = 0; i < section->steps_count; i++) {
            const struct hec_metric_step *step = &section->steps[i];
            if (step->true_positives + step->false_positives <= ALERTS[a] * section->days) {
                found = step;
            }
        }
        if (found != NULL && found != before) {
            char name[32];
            snprintf(name, sizeof(name), "up to %.0f", ALERTS[a]);
            print_threshold(section, found, name);
            before = found;
        }
    }
    fputs("</table></div>\n", section->to);
}

/* ---- time ---- */

static void print_time(const struct section *section)
{
    static double x[BUCKETS_MAX], recall[BUCKETS_MAX], found[BUCKETS_MAX], all[BUCKETS_MAX];
    double first = (double)section->told->first_ms, last = (double)section->told->last_ms;
    double from = floor(first / DAY_MS) * DAY_MS, width = DAY_MS;
    double most = 0;
    /* Days with few positives say nothing: as many days a point as give each 5 on average. */
    double wanted = 5 * section->days / fmax(1, (double)section->told->positives);
    width *= fmax(ceil(wanted), ceil((last - from + 1) / DAY_MS / BUCKETS_MAX));
    int n = (int)((last - from) / width) + 1;
    memset(found, 0, sizeof(found));
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < section->rows.n; i++) {
        int bucket = (int)(((double)section->rows.event_ms[i] - from) / width);
        bool hit = (double)section->rows.score[i] >= section->told->threshold;
        all[bucket] += section->rows.label[i];
        found[bucket] += section->rows.label[i] && hit;
    }
    for (int i = 0; i < n; i++) {
        x[i] = from + (i + 0.5) * width;
        recall[i] = all[i] > 0 ? found[i] / all[i] : NAN;
        most = fmax(most, all[i]);
    }
    char title[HEC_HEAD_NAME_MAX + 60];
    struct hec_chart chart;
    snprintf(title, sizeof(title), "%s: recall over time", section->head->name);
    hec_chart_begin(&chart, section->to, title,
                    (struct hec_axis){ "UTC", from, from + n * width, false, true },
                    (struct hec_axis){ "recall at the threshold", 0, 1, false, false });
    hec_chart_line(&chart, x, recall, (size_t)n, 0);
    for (int i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%.0f of %.0f positives", found[i], all[i]);
        hec_chart_dot(&chart, x[i], recall[i], 0, text);
    }
    hec_chart_end(&chart, NULL);
}

/* ---- segments ---- */

struct part {
    int word;
    uint64_t rows, positives, found, alerts;
};

static int by_positives(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = (x->positives < y->positives) - (x->positives > y->positives);
    return order != 0 ? order : (x->rows < y->rows) - (x->rows > y->rows);
}

static const char *word_of(const struct hec_words *words, int word)
{
    return word == 0 ? "(absent)" : word > words->count ? "(others)" : words->text[word - 1];
}

static void print_segment(const struct section *section, int segment, const char *name)
{
    const struct hec_rows *rows = section->report->study.rows;
    const struct hec_words *words = &rows->words[segment];
    struct part parts[256] = { { 0 } };
    for (int i = 0; i < 256; i++) {
        parts[i].word = i;
    }
    for (size_t i = 0; i < section->rows.n; i++) {
        struct part *part = &parts[rows->segment[segment][section->rows.row[i]]];
        bool alert = (double)section->rows.score[i] >= section->told->threshold;
        part->rows++;
        part->positives += section->rows.label[i];
        part->alerts += alert;
        part->found += alert && section->rows.label[i];
    }
    qsort(parts, 256, sizeof(parts[0]), by_positives);
    for (int i = 0; i < SEGMENTS_SHOWN && parts[1].rows > 0 && parts[i].rows > 0; i++) {
        fprintf(section->to, "<tr><td>%s<td style=\"text-align:left\">", name);
        hec_html_text(section->to, word_of(words, parts[i].word));
        fprintf(section->to, "<td>%llu<td>%llu<td>", (unsigned long long)parts[i].rows,
                (unsigned long long)parts[i].positives);
        if (parts[i].positives > 0) {
            fprintf(section->to, "%.3f", (double)parts[i].found / (double)parts[i].positives);
        } else {
            fputs("-", section->to);
        }
        fprintf(section->to, "<td>%.1f", 1e4 * (double)parts[i].alerts / (double)parts[i].rows);
    }
}

static void print_segments(const struct section *section)
{
    static const char *const NAMES[HEC_SEGMENTS] = {
#define HEC_SEGMENT_NAME(field, name) name,
        HEC_SEGMENT_TABLE(HEC_SEGMENT_NAME)
#undef HEC_SEGMENT_NAME
    };
    if (section->report->study.rows->words == NULL) {
        return;
    }
    fprintf(section->to,
            "<div class=\"wide\"><h3>%s: segments</h3><table><tr><th>field<th "
            "style=\"text-align:left\">value<th>rows<th>positives<th>recall"
            "<th>alerts in 10 000",
            section->head->name);
    for (int segment = 0; segment < HEC_SEGMENTS; segment++) {
        print_segment(section, segment, NAMES[segment]);
    }
    fputs("</table></div>\n", section->to);
}

enum hec_status hec_report_head(const struct hec_report *report, int head, FILE *to)
{
    struct section section = { .report = report,
                               .told = &report->evaluation->told[head],
                               .head = &report->evaluation->heads[head],
                               .to = to };
    fprintf(to, "<h2 id=\"%s\">%s</h2>", section.head->name, section.head->name);
    if (section.told->positives == 0 || section.told->positives == section.told->rows) {
        fprintf(to, "<p>There is nothing to draw: %llu of its %llu judged rows are positive.</p>\n",
                (unsigned long long)section.told->positives,
                (unsigned long long)section.told->rows);
        return HEC_OK;
    }
    enum hec_status status = hec_gather(&section.rows, report->study.scores, head);
    section.steps = malloc((section.rows.n + 1) * sizeof(*section.steps));
    section.days = fmax(1, ceil((double)(section.told->last_ms - section.told->first_ms) / DAY_MS));
    if (status == HEC_OK && section.steps != NULL) {
        section.steps_count =
            hec_metric_steps(section.steps, section.rows.score, section.rows.label, section.rows.n);
        fputs("<p>The dot on a curve is the threshold that the model file carries. Of reliability, "
              "grey dots are bins without a positive.</p><div class=\"grid2\">",
              to);
        print_curve(&section, false);
        print_curve(&section, true);
        if (section.head->kind == HEC_HEAD_BINARY) {
            print_reliability(&section);
        }
        print_histogram(&section);
        print_time(&section);
        fputs("</div><div class=\"tables\">", to);
        print_thresholds(&section);
        print_segments(&section);
        fputs("</div>\n", to);
    }
    status = section.steps == NULL ? HEC_NO_MEMORY : status;
    free(section.steps);
    hec_gathered_free(&section.rows);
    return status;
}
