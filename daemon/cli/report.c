/* The page from top to bottom; what a head has of its own stands in report_head.c. */
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chart.h"
#include "file/when.h"

#define COLUMNS_SHOWN 12

static const char STYLE[] =
    "<style>:root{color-scheme:light dark;--ink:#1d2329;--soft:#5c6770;--line:#d8dde2;"
    "--page:#fff;--c0:#2f66b3;--c1:#c8541d;--c2:#7c8791;--c3:#2b8a57;--c4:#8a4fa8;--c5:#a8861a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#9aa5af;--line:#39424b;"
    "--page:#14181c;--c0:#6fa3ea;--c1:#ec8b57;--c2:#98a3ad;--c3:#63c48f;--c4:#c08fdd;--c5:#d9b954}}"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);"
    "max-width:1300px;margin:0 auto;padding:20px 24px 60px}h1{font-size:25px;margin:0 0 2px}"
    "h2{font-size:20px;margin:38px 0 8px;border-top:1px solid var(--line);padding-top:18px}"
    "h3{font-size:16px;margin:22px 0 6px}p{margin:4px 0 10px;max-width:78ch}"
    ".soft,small{color:var(--soft)}code{font-size:13px;overflow-wrap:anywhere}"
    ".grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(370px,1fr));gap:14px 26px}"
    ".tables{display:flex;flex-wrap:wrap;gap:6px 46px}"
    "figure{margin:0}figcaption{font-weight:600;margin:6px 0 2px}svg{width:100%;display:block}"
    "svg text{font-size:11px;fill:var(--soft)}.grid{stroke:var(--line);stroke-width:.7}"
    ".axis{stroke:var(--soft);fill:none}.line{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".legend{font-size:13px;color:var(--soft);margin:0 0 4px 54px}"
    ".legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 8px}"
    ".bar{fill-opacity:.55}.dot{stroke:var(--page);stroke-width:1.2}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px}"
    "th,td{padding:3px 14px 3px 0;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600}"
    "th:first-child,td:first-child{text-align:left}td small{margin-left:5px}"
    ".part{display:inline-block;height:10px;border-radius:2px;background:var(--c0)}pre{overflow-x:"
    "auto;font-size:12.5px}nav a{margin-right:14px}"
    "a{color:var(--c0)}";

static void print_colours(FILE *to)
{
    for (int i = 0; i < HEC_CHART_COLOURS; i++) {
        fprintf(to, ".line.c%d{stroke:var(--c%d)}.bar.c%d,.dot.c%d{fill:var(--c%d)}", i, i, i, i,
                i);
        fprintf(to, "i.c%d{background:var(--c%d)}", i, i);
    }
    fputs(".line.c2{stroke-dasharray:5 4}</style>\n", to);
}

static void print_top(const struct hec_report *report, FILE *to)
{
    const struct hec_model_info *info = hec_model_info(report->study.model);
    char from[HEC_WHEN_BYTES], until[HEC_WHEN_BYTES], known[HEC_WHEN_BYTES];
    hec_when_print(from, info->train_from_ms);
    hec_when_print(until, info->train_to_ms);
    hec_when_print(known, info->known_at_ms);
    fputs(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Hecate: a training</title>",
        to);
    fputs(STYLE, to);
    print_colours(to);
    fprintf(to,
            "<h1>A model of %d heads</h1><p class=\"soft\">Trained on %.10s to %.10s, labels known "
            "at %.10s, seed %llu. %llu rows, %d numbers and %d categories; %zu parameters, %zu "
            "operations a row. <br><code>sha256 %s</code></p>",
            info->heads_count, from, until, known, (unsigned long long)info->seed,
            (unsigned long long)info->train_rows, info->columns.numerics, info->columns.categories,
            info->parameters, info->flops_per_row, report->model_sha256);
    fputs("<nav><a href=\"#figures\">Figures</a><a href=\"#training\">Training</a>", to);
    for (int k = 0; k < info->heads_count; k++) {
        fprintf(to, "<a href=\"#%s\">%s</a>", info->heads[k].name, info->heads[k].name);
    }
    fputs("<a href=\"#together\">Heads together</a><a href=\"#plain\">Plain methods</a>"
          "<a href=\"#settings\">Settings</a></nav>\n",
          to);
}

static void print_figures(const struct hec_report *report, FILE *to)
{
    const struct hec_evaluation *evaluation = report->evaluation;
    char a[32], b[32], c[32];
    fputs("<h2 id=\"figures\">Figures</h2><p>Judged on ", to);
    hec_html_text(to, report->judged);
    fputs(". In brackets 95 % intervals from resampling users; - is undefined.</p>"
          "<div class=\"wide\"><table><tr><th>metric",
          to);
    for (int k = 0; k < evaluation->heads_count; k++) {
        fprintf(to, "<th>%s", evaluation->heads[k].name);
    }
    fputs("<tr><td>rows (positives)", to);
    for (int k = 0; k < evaluation->heads_count; k++) {
        fprintf(to, "<td>%llu (%llu)", (unsigned long long)evaluation->told[k].rows,
                (unsigned long long)evaluation->told[k].positives);
    }
    for (int m = 0; m < HEC_METRICS; m++) {
        const struct hec_metric_row *row = &hec_metric_rows[m];
        fprintf(to, "<tr title=\"%s\"><td>%s", row->meaning, row->name);
        if (m == HEC_METRIC_CARD_PRECISION) {
            fprintf(to, " (k = %d)", report->card_k);
        }
        for (int k = 0; k < evaluation->heads_count; k++) {
            const struct hec_judgement *told = &evaluation->told[k];
            fprintf(to, "<td>%s", hec_number_text(a, told->value[m], row->decimals));
            if (!isnan(told->value[m]) && !isnan(told->low[m])) {
                fprintf(to, "<small>[%s, %s]</small>",
                        hec_number_text(b, told->low[m], row->decimals),
                        hec_number_text(c, told->high[m], row->decimals));
            }
        }
    }
    fputs("</table></div>\n", to);
}

static double largest(const double *values, int n)
{
    double top = 0;
    for (int i = 0; i < n; i++) {
        top = isfinite(values[i]) && values[i] > top ? values[i] : top;
    }
    return top;
}

static void print_epochs(const struct hec_report *report, FILE *to, double *room)
{
    static const char *const LOSSES[] = { "training", "validation", NULL };
    static const char *const AP[] = { "validation", NULL };
    int n = report->epochs_count, best = 0;
    double *x = room, *loss = room + n, *valid = room + 2 * n, *ap = room + 3 * n;
    for (int i = 0; i < n; i++) {
        x[i] = i + 1;
        best = report->epochs[i].best ? i : best;
    }
    struct hec_axis along = { "epoch", 0, n, false, false };
    for (int k = 0; k < report->evaluation->heads_count; k++) {
        const struct hec_head *head = &report->evaluation->heads[k];
        struct hec_chart chart;
        char title[HEC_HEAD_NAME_MAX + 40], text[64];
        for (int i = 0; i < n; i++) {
            loss[i] = report->epochs[i].loss[k];
            valid[i] = report->epochs[i].valid_loss[k];
            ap[i] = report->epochs[i].valid_ap[k];
        }
        snprintf(title, sizeof(title), "%s: loss", head->name);
        struct hec_axis up = { "loss", 0, fmax(largest(loss, n), largest(valid, n)) * 1.05, 0, 0 };
        hec_chart_begin(&chart, to, title, along, up);
        hec_chart_line(&chart, x, loss, (size_t)n, 0);
        hec_chart_line(&chart, x, valid, (size_t)n, 1);
        snprintf(text, sizeof(text), "epoch %d is kept", best + 1);
        hec_chart_dot(&chart, x[best], loss[best], 0, text);
        hec_chart_end(&chart, largest(valid, n) > 0 ? LOSSES : NULL);
        if (largest(ap, n) > 0) {
            snprintf(title, sizeof(title), "%s: average precision", head->name);
            hec_chart_begin(&chart, to, title, along,
                            (struct hec_axis){ "average precision", 0, 1, false, false });
            hec_chart_line(&chart, x, ap, (size_t)n, 0);
            hec_chart_dot(&chart, x[best], ap[best], 0, text);
            hec_chart_end(&chart, AP);
        }
    }
    for (int i = 0; i < n; i++) {
        loss[i] = report->epochs[i].conflict_share;
    }
    if (largest(loss, n) > 0) {
        struct hec_chart chart;
        hec_chart_begin(&chart, to, "Steps in which heads pull apart", along,
                        (struct hec_axis){ "share of steps", 0, 1, false, false });
        hec_chart_line(&chart, x, loss, (size_t)n, 0);
        hec_chart_end(&chart, NULL);
    }
}

static enum hec_status print_training(const struct hec_report *report, FILE *to)
{
    double *room = malloc(((size_t)report->epochs_count * 4 + 1) * sizeof(*room));
    if (room == NULL) {
        return HEC_NO_MEMORY;
    }
    fputs("<h2 id=\"training\">Training</h2><p>The training loss is of the resampled rows, with "
          "dropout: it lies above the validation loss, whose rows are as rare as in life. The dot "
          "is the epoch that was kept.</p><div class=\"grid2\">",
          to);
    if (report->epochs_count > 0) {
        print_epochs(report, to, room);
    }
    fputs("</div>\n", to);
    free(room);
    return HEC_OK;
}

/* The columns that a head leans on most, each with its loss of average precision. */
static void print_leaning(const struct hec_report *report, int head, const double *loss, FILE *to)
{
    const struct hec_columns *columns = &hec_model_info(report->study.model)->columns;
    int n = columns->numerics + columns->categories, shown[COLUMNS_SHOWN], count = 0;
    for (int rank = 0; rank < COLUMNS_SHOWN; rank++) {
        int top = -1;
        for (int j = 0; j < n; j++) {
            bool taken = false;
            for (int i = 0; i < count; i++) {
                taken = taken || shown[i] == j;
            }
            if (!taken && loss[j] > 0 && (top < 0 || loss[j] > loss[top])) {
                top = j;
            }
        }
        if (top >= 0) {
            shown[count++] = top;
        }
    }
    if (count == 0) {
        return;
    }
    fprintf(to, "<div><h3>%s: permutation importance</h3><table><tr><th>feature<th>AP lost<th>",
            report->evaluation->heads[head].name);
    for (int i = 0; i < count; i++) {
        int j = shown[i];
        fputs("<tr><td>", to);
        hec_html_text(to, j < columns->numerics ? columns->numeric_names[j]
                                                : columns->category_names[j - columns->numerics]);
        fprintf(to,
                "<td>%.4f<td style=\"text-align:left\"><i class=\"part\" "
                "style=\"width:%.0fpx\"></i>",
                loss[j], 1 + 110 * loss[j] / loss[shown[0]]);
    }
    fputs("</table></div>\n", to);
}

static enum hec_status print_importance(const struct hec_report *report, FILE *to)
{
    const struct hec_rows *rows = report->study.rows;
    int columns = rows->numerics_count + rows->categories_count;
    double *loss = calloc((size_t)columns * HEC_HEADS_MAX + 1, sizeof(*loss));
    enum hec_status status =
        loss == NULL ? HEC_NO_MEMORY : hec_study_importance(loss, &report->study);
    if (status == HEC_OK) {
        fputs("<h2>What the heads lean on</h2><p>How much average precision is lost when the "
              "values of one feature are dealt out anew among the rows. Features that say the same "
              "stand in for each other and look less needed than they are.</p>"
              "<div class=\"tables\">",
              to);
        for (int k = 0; k < report->evaluation->heads_count; k++) {
            print_leaning(report, k, loss + k * columns, to);
        }
        fputs("</div>\n", to);
    }
    free(loss);
    return status;
}

static double mean_cosine(const struct hec_report *report, int a, int b)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < report->epochs_count; i++) {
        double cosine = report->epochs[i].cosine[a][b];
        sum += isnan(cosine) ? 0 : cosine;
        n += !isnan(cosine);
    }
    return n > 0 ? sum / n : NAN;
}

static enum hec_status print_together(const struct hec_report *report, FILE *to)
{
    const struct hec_evaluation *evaluation = report->evaluation;
    fputs(
        "<h2 id=\"together\">Heads together</h2><p>Over the judged rows that both heads judge: "
        "phi of their labels, Spearman's rank correlation of their scores; and the mean cosine of "
        "their gradients at the shared representation, below 0 where they pull apart.</p><table>"
        "<tr><th>heads<th>phi of labels<th>Spearman of scores<th>cosine of gradients",
        to);
    for (int a = 0; a < evaluation->heads_count; a++) {
        for (int b = a + 1; b < evaluation->heads_count; b++) {
            double phi, spearman;
            char x[32], y[32], z[32];
            enum hec_status status = hec_study_pair(&phi, &spearman, &report->study, a, b);
            if (status != HEC_OK) {
                return status;
            }
            fprintf(to, "<tr><td>%s, %s<td>%s<td>%s<td>%s", evaluation->heads[a].name,
                    evaluation->heads[b].name, hec_number_text(x, phi, 3),
                    hec_number_text(y, spearman, 3),
                    hec_number_text(z, mean_cosine(report, a, b), 3));
        }
    }
    fputs("</table>\n", to);
    return HEC_OK;
}

static void print_rival(FILE *to, const char *head, const char *name,
                        const struct hec_judgement *told, const struct hec_judgement *model)
{
    static const enum hec_metric SHOWN[] = { HEC_METRIC_AP, HEC_METRIC_AUC, HEC_METRIC_RECALL_001,
                                             HEC_METRIC_CARD_PRECISION, HEC_METRIC_ECE };
    fprintf(to, "<tr><td>%s<td style=\"text-align:left\">", head);
    hec_html_text(to, name);
    for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++) {
        char text[32];
        double value = told->value[SHOWN[i]];
        bool differs = told != model && i == 0 && !isnan(value) && !isnan(model->value[0]);
        fprintf(to, "<td>%s", hec_number_text(text, value, hec_metric_rows[SHOWN[i]].decimals));
        if (differs) {
            fprintf(to, "<small>%+.3f</small>", value - model->value[HEC_METRIC_AP]);
        }
    }
}

static enum hec_status print_rivals(const struct hec_report *report, FILE *to)
{
    const struct hec_evaluation *evaluation = report->evaluation;
    fputs("<h2 id=\"plain\">Plain methods on the same rows</h2><p>Fitted on the training rows of "
          "this run and judged on the same rows as the model. They see the numbers and not the "
          "categories; the tree asks at most 6 questions with at least 50 rows a leaf.</p>"
          "<div class=\"wide\"><table><tr><th>head<th style=\"text-align:left\">method<th>AP"
          "<th>AUC<th>R@.001<th>CP@k<th>ECE",
          to);
    for (int k = 0; k < evaluation->heads_count; k++) {
        const struct hec_judgement *model = &evaluation->told[k];
        const char *head = evaluation->heads[k].name;
        if (model->positives == 0) {
            continue;
        }
        print_rival(to, head, "this model", model, model);
        for (int b = 0; b < HEC_BASELINES; b++) {
            struct hec_judgement told;
            enum hec_status status =
                hec_study_baseline(&told, &report->study, k, (enum hec_baseline)b);
            if (status == HEC_NO_MEMORY) {
                return status;
            }
            if (status == HEC_OK) {
                print_rival(to, head, hec_baseline_names[b], &told, model);
            }
        }
        for (int i = 0; i < report->beside_count; i++) {
            if (report->beside[i].has[k]) {
                print_rival(to, head, report->beside[i].name, &report->beside[i].told[k], model);
            }
        }
    }
    fputs("</table></div>\n", to);
    return HEC_OK;
}

enum hec_status hec_report_write(const struct hec_report *report, FILE *to)
{
    print_top(report, to);
    print_figures(report, to);
    enum hec_status status = print_training(report, to);
    for (int k = 0; k < report->evaluation->heads_count && status == HEC_OK; k++) {
        status = hec_report_head(report, k, to);
    }
    if (status == HEC_OK) {
        status = print_importance(report, to);
    }
    if (status == HEC_OK) {
        status = print_together(report, to);
    }
    if (status == HEC_OK) {
        status = print_rivals(report, to);
    }
    fputs("<h2 id=\"settings\">Settings</h2><details><summary>run.json</summary><pre>", to);
    hec_html_text(to, report->settings);
    fputs("</pre></details></html>\n", to);
    return status;
}
