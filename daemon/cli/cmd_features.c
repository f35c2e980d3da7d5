/* hecate features: the row of every event, as the model sees it, and what its columns mean. */
#include <math.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/features_tell.h"
#include "cli/journey.h"

struct table {
    struct hec_output *out;
    int numerics, categories;
};

/* What a row says of its event, before the features. A feature keeps the name that it has in the
 * model; the usual features have an event_type of their own, so the event's is called type. */
static const char *const OWN[] = { "event_id", "type", "event_time_ms", "user_token" };

static enum hec_status check_names(const struct hec_plan *plan, struct hec_error *error)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    for (int i = 0; i < schema->features_count; i++) {
        for (size_t k = 0; k < sizeof(OWN) / sizeof(OWN[0]); k++) {
            if (strcmp(schema->features[i].name, OWN[k]) == 0) {
                return hec_fail(error, HEC_INVALID,
                                "a feature is named %s, and so is a column that every row has: "
                                "name the feature otherwise",
                                OWN[k]);
            }
        }
    }
    return HEC_OK;
}

static void write_head(struct table *table, const struct hec_plan *plan)
{
    const struct hec_schema *schema = hec_plan_schema(plan);
    for (size_t k = 0; k < sizeof(OWN) / sizeof(OWN[0]); k++) {
        hec_output_print(table->out, "%s%s", k > 0 ? "," : "", OWN[k]);
    }
    for (int i = 0; i < table->numerics; i++) {
        hec_output_print(table->out, ",%s",
                         schema->features[hec_plan_numeric_feature(plan, i)].name);
    }
    for (int i = 0; i < table->categories; i++) {
        hec_output_print(table->out, ",%s",
                         schema->features[hec_plan_category_feature(plan, i)].name);
    }
    hec_output_print(table->out, "\n");
}

/* Small whole numbers, which most values are, need no format call. */
static void write_number(struct hec_output *out, float value)
{
    char *to = hec_output_room(out, 32);
    if (isnan(value)) {
        to[0] = ',';
        hec_output_advance(out, 1);
    } else if (value >= 0 && value < 10 && value == truncf(value) && !signbit(value)) {
        to[0] = ',';
        to[1] = (char)('0' + (int)value);
        hec_output_advance(out, 2);
    } else {
        hec_output_print(out, ",%.9g", (double)value);
    }
}

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct table *table = user;
    (void)lines;
    (void)error;
    for (int i = 0; i < batch->scored_count; i++) {
        const struct hec_event *event = &batch->rows[batch->scored_rows[i]].event;
        hec_csv_write_event(table->out, event);
        for (int j = 0; j < table->numerics; j++) {
            write_number(table->out,
                         batch->numerics[(size_t)i * (size_t)table->numerics + (size_t)j]);
        }
        for (int j = 0; j < table->categories; j++) {
            uint32_t hash = batch->categories[(size_t)i * (size_t)table->categories + (size_t)j];
            if (hash == 0) {
                hec_output_write(table->out, ",", 1);
            } else {
                hec_output_print(table->out, ",%u", hash);
            }
        }
        hec_output_write(table->out, "\n", 1);
    }
    return HEC_OK;
}

static int export_rows(const struct hec_arguments *arguments, const struct hec_luggage *luggage)
{
    struct table table = { 0 };
    if (!hec_given(arguments, "data") || !hec_given(arguments, "out")) {
        return hec_cli_misused(arguments, "--%s is needed",
                               hec_given(arguments, "data") ? "out" : "data");
    }
    struct hec_error error = { 0 };
    if (check_names(luggage->plan, &error) != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    int status = hec_journey_output(arguments, hec_text_or(arguments, "out", NULL), &table.out);
    if (status == HEC_EXIT_OK) {
        table.numerics = hec_plan_numerics(luggage->plan);
        table.categories = hec_plan_categories(luggage->plan);
        write_head(&table, luggage->plan);
        status = hec_journey(arguments, luggage, "features", on_batch, &table, &table.out, 1);
    }
    return status;
}

static int explain(const struct hec_arguments *arguments, const struct hec_luggage *luggage)
{
    const char *nearest = NULL;
    if (arguments->positionals_count < 2) {
        return hec_cli_misused(arguments, "explain needs the name of a feature");
    }
    const char *name = arguments->positionals[1];
    if (!hec_features_explain(luggage->plan, name, stdout, &nearest)) {
        return hec_cli_misused(arguments, "no feature is named \"%.60s\"%s%s%s", name,
                               nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                               nearest ? "\"?)" : "");
    }
    return HEC_EXIT_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_luggage luggage;
    const char *verb = arguments->positionals_count > 0 ? arguments->positionals[0] : "export";
    bool lists = strcmp(verb, "list") == 0;
    bool explains = strcmp(verb, "explain") == 0;
    if (!lists && !explains && strcmp(verb, "export") != 0) {
        return hec_cli_misused(
            arguments, "\"%.60s\" is not something to do; export, list and explain are", verb);
    }
    if (arguments->positionals_count > 1 && !explains) {
        return hec_cli_misused(arguments, "%s takes no name", verb);
    }
    int status = hec_luggage_features(&luggage, arguments);
    if (status == HEC_EXIT_OK && lists) {
        hec_features_list(luggage.plan, stdout);
    } else if (status == HEC_EXIT_OK) {
        status = explains ? explain(arguments, &luggage) : export_rows(arguments, &luggage);
    }
    hec_luggage_free(&luggage);
    return status;
}

const struct hec_command hec_cmd_features = {
    .name = "features",
    .line = "writes the features of every event",
    .positionals = "[export|list|explain NAME]",
    .positionals_max = 2,
    .examples = { "hecate features --data events.ndjson.zst --out features.csv.zst",
                  "hecate features explain user_speed_kmh" },
    .text = "One row for every card_auth, transfer, login and account_change: event_id, type\n"
            "(the event's), event_time_ms, user_token, then a column a feature, named as in the\n"
            "model. Empty is missing; a category is its hash. list prints the columns, and what\n"
            "is left out and why; explain tells one: definition, tiles, missing rule, cost.",
    .run = run,
    .flags = {
        { "data", "FILE",
          "to export: NDJSON events in time order, several files as if they were one; - is "
          "standard input",
          HEC_FLAG_TEXT, .many = true },
        { "out", "CSV", "to export: where to; - is standard output", HEC_FLAG_TEXT },
        HEC_FLAG_FEATURES,
    },
};
