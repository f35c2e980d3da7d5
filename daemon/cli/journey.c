#include "cli/journey.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/conf.h"
#include "hecate/digest.h"
#include "ops/features_file.h"

#define MODEL_BYTES_MAX ((size_t)256 << 20)

static enum hec_status compile(struct hec_plan **plan, const char *path, const char *text,
                               struct hec_error *error)
{
    struct hec_schema *schema = malloc(sizeof(*schema));
    if (schema == NULL) {
        return hec_fail(error, HEC_NO_MEMORY, "memory is exhausted");
    }
    enum hec_status status = path != NULL ? hec_features_file_load(path, schema, error)
                                          : hec_features_text_parse(text, schema, error);
    if (status == HEC_OK) {
        status = hec_plan_new(plan, schema, error);
    }
    free(schema);
    return status;
}

int hec_luggage_features(struct hec_luggage *luggage, const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    char found[PATH_MAX];
    const char *path = hec_text_or(arguments, "features", NULL);
    *luggage = (struct hec_luggage){ 0 };
    if (path == NULL) {
        hec_conf_find("features.conf", found, sizeof(found));
        path = found;
    }
    if (compile(&luggage->plan, path, NULL, &error) != HEC_OK) {
        hec_cli_fail(arguments, &error);
        return HEC_EXIT_CONFIGURATION;
    }
    return HEC_EXIT_OK;
}

int hec_luggage_model(struct hec_luggage *luggage, const struct hec_arguments *arguments,
                      const char *path)
{
    struct hec_error error = { 0 };
    void *bytes = NULL;
    *luggage = (struct hec_luggage){ 0 };
    enum hec_status status =
        hec_file_read(&bytes, &luggage->model_bytes, path, MODEL_BYTES_MAX, &error);
    if (status == HEC_OK) {
        hec_sha256(bytes, luggage->model_bytes, luggage->model_sha256);
        status = hec_model_load(&luggage->model, bytes, luggage->model_bytes, NULL, &error);
        free(bytes);
    }
    if (status == HEC_OK) {
        const char *text = hec_model_info(luggage->model)->columns.schema_text;
        status = compile(&luggage->plan, NULL, text, &error);
    }
    if (status != HEC_OK) {
        struct hec_error told = error;
        if (strncmp(error.text, path, strlen(path)) != 0) {
            hec_fail(&told, status, "%.200s: %.300s", path, error.text);
        }
        hec_luggage_free(luggage);
        return hec_cli_fail(arguments, &told);
    }
    return HEC_EXIT_OK;
}

void hec_luggage_free(struct hec_luggage *luggage)
{
    hec_model_free(luggage->model);
    hec_plan_free(luggage->plan);
    *luggage = (struct hec_luggage){ 0 };
}

int hec_journey_output(const struct hec_arguments *arguments, const char *path,
                       struct hec_output **output)
{
    struct hec_error error = { 0 };
    if (path != NULL && hec_output_open(output, path, &error) != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    return HEC_EXIT_OK;
}

/* The callback of a command with the progress line around it. */
struct journey {
    struct hec_walk *walk;
    enum hec_status (*on_batch)(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error);
    void *user;
    struct hec_progress progress;
    uint64_t records;
    struct hec_output **outputs;
    size_t outputs_count;
};
static struct journey *under_way;

struct hec_scorer *hec_journey_scorer(void)
{
    return hec_walk_scorer(under_way->walk);
}

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct journey *journey = user;
    journey->records += (uint64_t)batch->rows_count;
    hec_progress_tell(&journey->progress, journey->records, hec_walk_progress(journey->walk));
    for (size_t i = 0; i < journey->outputs_count; i++) {
        if (journey->outputs[i] != NULL && hec_output_failed(journey->outputs[i])) {
            return HEC_END; /* told when it is closed */
        }
    }
    return journey->on_batch(journey->user, batch, lines, error);
}

static void tell_refused(const struct hec_walk_counts *counts)
{
    for (int status = 1; status < HEC_STATUSES; status++) {
        if (counts->refused[status] > 0) {
            enum hec_field blame = counts->first_blame[status];
            fprintf(stderr, "refused %llu: %s%s%s (%s), the first at %s\n",
                    (unsigned long long)counts->refused[status],
                    hec_status_name((enum hec_status)status), blame < HEC_FIELDS ? " " : "",
                    blame < HEC_FIELDS ? hec_field_info(blame)->path : "",
                    hec_status_text((enum hec_status)status), counts->first_refused[status]);
        }
    }
}

static int finish(const struct hec_arguments *arguments, enum hec_status status,
                  struct hec_error *error, struct hec_output **outputs, size_t outputs_count)
{
    for (size_t i = 0; i < outputs_count; i++) {
        status = hec_output_end(outputs[i], status, error);
        outputs[i] = NULL;
    }
    return status == HEC_OK ? HEC_EXIT_OK : hec_cli_fail(arguments, error);
}

int hec_journey(const struct hec_arguments *arguments, const struct hec_luggage *luggage,
                const char *what,
                enum hec_status (*callback)(void *user, const struct hec_batch *batch,
                                            const struct hec_line *lines, struct hec_error *error),
                void *user, struct hec_output **outputs, size_t outputs_count)
{
    struct journey journey = {
        .on_batch = callback, .user = user, .outputs = outputs, .outputs_count = outputs_count
    };
    struct hec_walk_job job = {
        .plan = luggage->plan, .model = luggage->model, .on_batch = on_batch, .user = &journey
    };
    struct hec_error error = { 0 };
    struct hec_walk_counts *counts = calloc(1, sizeof(*counts));
    if (counts == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return finish(arguments, HEC_NO_MEMORY, &error, outputs, outputs_count);
    }
    job.paths = hec_texts_of(arguments, "data", &job.paths_count);
    enum hec_status status = hec_walk_new(&journey.walk, &job, &error);
    if (status == HEC_OK) {
        under_way = &journey;
        hec_progress_begin(&journey.progress, what);
        status = hec_walk_run(journey.walk, counts, &error);
        hec_progress_end(&journey.progress);
        under_way = NULL;
        tell_refused(counts);
    }
    if (status == HEC_OK) {
        double took_s = hec_progress_s(&journey.progress);
        fprintf(stderr, "%s: %llu events in %.1f s (%.0f k/s), %llu scored, %llu refused\n", what,
                (unsigned long long)counts->records, took_s,
                took_s > 0 ? (double)counts->records / took_s / 1000 : 0,
                (unsigned long long)(counts->outcomes[HEC_OUT_SCORED] +
                                     counts->outcomes[HEC_OUT_SCORED_LATE]),
                (unsigned long long)counts->outcomes[HEC_OUT_REFUSED]);
    }
    hec_walk_free(journey.walk);
    free(counts);
    return finish(arguments, status, &error, outputs, outputs_count);
}

void hec_csv_write_text(struct hec_output *output, const struct hec_text *text)
{
    if (memchr(text->bytes, ',', text->length) == NULL &&
        memchr(text->bytes, '"', text->length) == NULL &&
        memchr(text->bytes, '\n', text->length) == NULL &&
        memchr(text->bytes, '\r', text->length) == NULL) {
        hec_output_write(output, text->bytes, text->length);
        return;
    }
    hec_output_write(output, "\"", 1);
    for (uint32_t i = 0; i < text->length; i++) {
        if (text->bytes[i] == '"') {
            hec_output_write(output, "\"", 1);
        }
        hec_output_write(output, text->bytes + i, 1);
    }
    hec_output_write(output, "\"", 1);
}

void hec_csv_write_event(struct hec_output *output, const struct hec_event *event)
{
    hec_csv_write_text(output, &event->value[HEC_F_EVENT_ID].text);
    hec_output_print(output, ",%s,%lld,", hec_event_type_name(event->type),
                     (long long)hec_event_ms(event));
    hec_csv_write_text(output, &event->value[HEC_F_USER_TOKEN].text);
}

void hec_csv_write_score(struct hec_output *output, float score)
{
    if (isnan(score)) {
        hec_output_write(output, ",", 1);
        return;
    }
    if (!(score >= 1e-4f && score < 1)) {
        hec_output_print(output, ",%.9g", (double)score);
        return;
    }
    /* Thirteen decimals by integer arithmetic: a format call takes longer than the model. */
    char *to = hec_output_room(output, 16);
    uint64_t left = (uint64_t)((double)score * 1e13 + 0.5);
    memcpy(to, ",0.", 3);
    for (int i = 15; i >= 3; i--, left /= 10) {
        to[i] = (char)('0' + left % 10);
    }
    hec_output_advance(output, 16);
}
