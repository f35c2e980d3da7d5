/*
 * hecate explain: why rows of a log scored as they did, and what would have passed.
 *
 * The log is read from its start, because features need history; rows of the window are kept, so
 * that what was observed is known before anything is explained.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "cli/arms.h"
#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/journey.h"
#include "cli/observed.h"
#include "cli/rows.h"

static const char *const METHODS[] = { "deeplift", "integrated-gradients", NULL };
static const char *const FORMATS[] = { "ndjson", "csv", NULL };

struct job {
    struct hec_luggage luggage;
    struct hec_rows rows;
    struct hec_predictor *predictor;
    struct hec_observed observed;
    const struct hec_model_info *info;
    struct hec_output *out;
    float *scores, *contributions; /* (rows, heads); (columns) */
    int64_t from_ms, to_ms;
    uint64_t limit, written;
    int head, steps; /* head -1: every one that judges the row */
    bool alerts, csv, passes, integrates;
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct job *job = user;
    (void)lines;
    return hec_rows_take(&job->rows, batch, job->from_ms, job->to_ms, error);
}

static int columns_of(const struct job *job)
{
    return job->info->columns.numerics + job->info->columns.categories;
}

static const char *column_name(const struct job *job, int column)
{
    const struct hec_columns *columns = &job->info->columns;
    return column < columns->numerics ? columns->numeric_names[column]
                                      : columns->category_names[column - columns->numerics];
}

static const float *numerics_of(const struct job *job, uint32_t row)
{
    return job->rows.numerics + (size_t)row * (size_t)job->rows.numerics_count;
}

static const uint32_t *categories_of(const struct job *job, uint32_t row)
{
    return job->rows.categories + (size_t)row * (size_t)job->rows.categories_count;
}

static void write_csv(struct job *job, uint32_t row, int head, float logit, float base)
{
    const char *id = job->rows.ids + job->rows.id_at[row];
    struct hec_text text = { .bytes = id, .length = (uint32_t)strlen(id) };
    hec_csv_write_text(job->out, &text);
    hec_output_print(job->out, ",%lld,%s", (long long)job->rows.event_ms[row],
                     job->info->heads[head].name);
    hec_csv_write_score(job->out,
                        job->scores[(size_t)row * (size_t)job->info->heads_count + (size_t)head]);
    hec_output_print(job->out, ",%.7g,%.7g", (double)logit, (double)base);
    for (int column = 0; column < columns_of(job); column++) {
        hec_output_print(job->out, ",%.6g", (double)job->contributions[column]);
    }
    hec_output_print(job->out, "\n");
}

static yyjson_mut_val *number(yyjson_mut_doc *doc, float x)
{
    return isfinite(x) ? yyjson_mut_real(doc, (double)x) : yyjson_mut_null(doc);
}

/* What would have passed; null where nothing that was tried does. */
static enum hec_status put_passing(struct job *job, yyjson_mut_doc *doc, uint32_t row, int head)
{
    struct hec_counterfactual found;
    const float *x = numerics_of(job, row);
    enum hec_status status =
        hec_counterfactual_find(&found, job->predictor, x, categories_of(job, row), head,
                                job->info->thresholds[head], &job->observed.candidates);
    if (status != HEC_OK) {
        return status;
    }
    yyjson_mut_val *list = found.count < 0 ? yyjson_mut_null(doc) : yyjson_mut_arr(doc);
    for (int i = 0; i < found.count; i++) {
        yyjson_mut_val *change = yyjson_mut_obj(doc);
        int column = found.column[i], n = job->info->columns.numerics;
        yyjson_mut_obj_add_str(doc, change, "feature", column_name(job, column));
        if (column < n) {
            yyjson_mut_obj_add_val(doc, change, "from", number(doc, x[column]));
            yyjson_mut_obj_add_val(doc, change, "to", number(doc, found.to[i]));
        } else {
            yyjson_mut_obj_add_uint(doc, change, "from_hash", categories_of(job, row)[column - n]);
            yyjson_mut_obj_add_uint(doc, change, "to_hash", found.to_category[i]);
        }
        yyjson_mut_arr_add_val(list, change);
    }
    yyjson_mut_obj_add_val(doc, yyjson_mut_doc_get_root(doc), "would_have_passed", list);
    return HEC_OK;
}

static enum hec_status write_json(struct job *job, uint32_t row, int head, float logit, float base)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *each = yyjson_mut_obj(doc);
    float score = job->scores[(size_t)row * (size_t)job->info->heads_count + (size_t)head];
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "event_id", job->rows.ids + job->rows.id_at[row]);
    yyjson_mut_obj_add_int(doc, root, "event_time_ms", job->rows.event_ms[row]);
    yyjson_mut_obj_add_str(doc, root, "head", job->info->heads[head].name);
    yyjson_mut_obj_add_val(doc, root, "score", number(doc, score));
    yyjson_mut_obj_add_val(doc, root, "logit", number(doc, logit));
    yyjson_mut_obj_add_val(doc, root, "baseline_logit", number(doc, base));
    for (int column = 0; column < columns_of(job); column++) {
        if (job->contributions[column] != 0) {
            yyjson_mut_obj_add_val(doc, each, column_name(job, column),
                                   number(doc, job->contributions[column]));
        }
    }
    yyjson_mut_obj_add_val(doc, root, "contributions", each);
    enum hec_status status = HEC_OK;
    if (job->passes && job->info->heads[head].kind == HEC_HEAD_BINARY &&
        score >= job->info->thresholds[head]) {
        status = put_passing(job, doc, row, head);
    }
    size_t length = 0;
    char *text = status == HEC_OK ? yyjson_mut_write(doc, 0, &length) : NULL;
    if (text != NULL) {
        hec_output_write(job->out, text, length);
        hec_output_write(job->out, "\n", 1);
    }
    yyjson_mut_doc_free(doc);
    free(text);
    return text == NULL ? HEC_NO_MEMORY : HEC_OK;
}

static enum hec_status explain_row(struct job *job, uint32_t row, int head)
{
    float score = job->scores[(size_t)row * (size_t)job->info->heads_count + (size_t)head];
    float logit, base;
    if (isnan(score) || (job->alerts && !(score >= job->info->thresholds[head]))) {
        return HEC_OK;
    }
    if (job->integrates) {
        hec_predictor_integrate(job->predictor, numerics_of(job, row), categories_of(job, row),
                                head, job->steps, job->contributions, &logit, &base);
    } else {
        hec_predictor_explain(job->predictor, numerics_of(job, row), categories_of(job, row), head,
                              job->contributions, &logit, &base);
    }
    job->written++;
    if (job->csv) {
        write_csv(job, row, head, logit, base);
        return HEC_OK;
    }
    return write_json(job, row, head, logit, base);
}

static enum hec_status explain_all(struct job *job)
{
    size_t rows = job->rows.count, heads = (size_t)job->info->heads_count;
    uint32_t *all = malloc((rows + 1) * sizeof(*all));
    job->scores = malloc((rows * heads + 1) * sizeof(float));
    job->contributions = malloc(((size_t)columns_of(job) + 1) * sizeof(float));
    for (uint32_t row = 0; all != NULL && row < job->rows.count; row++) {
        all[row] = row;
    }
    enum hec_status status = all == NULL || job->scores == NULL || job->contributions == NULL
                                 ? HEC_NO_MEMORY
                                 : hec_score_rows(job->scores, (int)heads, job->luggage.model,
                                                  &job->rows, all, job->rows.count);
    free(all);
    if (status == HEC_OK) {
        status = hec_predictor_new(&job->predictor, job->luggage.model, 1);
    }
    if (status == HEC_OK && job->passes) {
        status = hec_observe(&job->observed, &job->rows, &job->info->columns);
    }
    for (uint32_t row = 0; row < job->rows.count && status == HEC_OK; row++) {
        for (int head = 0; head < (int)heads && status == HEC_OK; head++) {
            if ((job->head < 0 || job->head == head) && job->written < job->limit) {
                status = explain_row(job, row, head);
            }
        }
    }
    return status;
}

static int read_flags(struct job *job, const struct hec_arguments *arguments)
{
    const char *name = hec_text_or(arguments, "head", NULL);
    job->info = hec_model_info(job->luggage.model);
    job->head = name == NULL
                    ? -1
                    : hec_head_named(job->info->heads, job->info->heads_count, name, strlen(name));
    job->from_ms = hec_integer_or(arguments, "from", INT64_MIN);
    job->to_ms = hec_integer_or(arguments, "to", INT64_MAX);
    job->limit = (uint64_t)hec_integer_or(arguments, "limit", INT64_MAX);
    job->steps = (int)hec_integer_or(arguments, "steps", 64);
    job->integrates = hec_integer_or(arguments, "method", 0) == 1;
    job->csv = hec_integer_or(arguments, "format", 0) == 1;
    job->alerts = hec_given(arguments, "alerts");
    job->passes = hec_given(arguments, "counterfactual");
    if (name != NULL && job->head < 0) {
        return hec_cli_misused(arguments, "the model has no head \"%.48s\"; its first is %s", name,
                               job->info->heads[0].name);
    }
    if (job->passes && job->csv) {
        return hec_cli_misused(arguments, "--counterfactual is a list: it needs --format ndjson");
    }
    return HEC_EXIT_OK;
}

static int work(struct job *job, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    hec_rows_begin(&job->rows, hec_plan_numerics(job->luggage.plan),
                   hec_plan_categories(job->luggage.plan));
    hec_rows_keep_ids(&job->rows);
    /* The model scores what is kept, afterwards and at once. */
    struct hec_luggage features = { .plan = job->luggage.plan };
    int status = hec_journey(arguments, &features, "reading", on_batch, job, NULL, 0);
    if (status == HEC_EXIT_OK) {
        status = hec_journey_output(arguments, hec_text_or(arguments, "out", NULL), &job->out);
    }
    if (status != HEC_EXIT_OK) {
        return status;
    }
    if (job->csv) {
        hec_output_print(job->out, "event_id,event_time_ms,head,score,logit,baseline_logit");
        for (int column = 0; column < columns_of(job); column++) {
            hec_output_print(job->out, ",%s", column_name(job, column));
        }
        hec_output_print(job->out, "\n");
    }
    enum hec_status done = explain_all(job);
    if (done != HEC_OK) {
        hec_fail(&error, done, "memory is exhausted at %u rows; see --from", job->rows.count);
    }
    done = hec_output_end(job->out, done, &error);
    return done == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, &error);
}

static int run(const struct hec_arguments *arguments)
{
    struct job job = { 0 };
    int status = hec_luggage_model(&job.luggage, arguments, hec_text_or(arguments, "model", NULL));
    if (status == HEC_EXIT_OK) {
        status = read_flags(&job, arguments);
    }
    if (status == HEC_EXIT_OK) {
        status = work(&job, arguments);
    }
    hec_predictor_free(job.predictor);
    hec_observed_free(&job.observed);
    free(job.scores);
    free(job.contributions);
    hec_rows_free(&job.rows);
    hec_luggage_free(&job.luggage);
    return status;
}

const struct hec_command hec_cmd_explain = {
    .name = "explain",
    .line = "tells why rows scored as they did, and what would have passed",
    .examples = { "hecate explain --model m.safetensors --data e.ndjson.zst --alerts "
                  "--counterfactual --out why.ndjson",
                  "hecate explain --model m.safetensors --data e.ndjson --head ato --format csv "
                  "--method integrated-gradients --from 2025-03-01 --out why.csv" },
    .text = "Contributions of all features add up to logit - baseline_logit; the baseline is the\n"
            "median training row. deeplift is what alerts carry, and exact; integrated-gradients\n"
            "is slower and adds up but for its steps: a referee. A novelty head's contributions\n"
            "are its errors. would_have_passed names the fewest features, each with a value seen\n"
            "in the rows read, that bring an alert below its threshold; null: none was found.",
    .run = run,
    .flags = {
        HEC_FLAG_MODEL,
        HEC_FLAG_DATA,
        { "out", "FILE", "where to; - is standard output", HEC_FLAG_TEXT, .required = true },
        { "head", "NAME", "only this head (default: each that judges the event)", HEC_FLAG_TEXT },
        { "alerts", NULL, "only rows at or above the head's threshold", HEC_FLAG_SWITCH },
        { "method", "NAME", "deeplift (default) or integrated-gradients", HEC_FLAG_CHOICE,
          .choices = METHODS },
        { "steps", "N", "of integrated-gradients (default 64)", HEC_FLAG_INTEGER, .minimum = 1,
          .maximum = 100000 },
        { "counterfactual", NULL, "what would have passed", HEC_FLAG_SWITCH },
        { "format", "NAME", "ndjson (default) or csv", HEC_FLAG_CHOICE, .choices = FORMATS },
        { "from", "T", "the first moment of the rows (default: all)", HEC_FLAG_TIME },
        { "to", "T", "the moment after the last of them", HEC_FLAG_TIME },
        { "limit", "N", "at most so many explanations", HEC_FLAG_INTEGER, .minimum = 1,
          .maximum = INT64_MAX },
    },
};
