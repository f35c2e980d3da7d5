/* hecate score: every event's scores, as the daemon would have given them. */
#include "cli/commands.h"
#include "cli/journey.h"

struct table {
    struct hec_output *out;
    int heads;
};

static enum hec_status on_batch(void *user, const struct hec_batch *batch,
                                const struct hec_line *lines, struct hec_error *error)
{
    struct table *table = user;
    (void)lines;
    (void)error;
    for (int i = 0; i < batch->scored_count; i++) {
        const struct hec_event *event = &batch->rows[batch->scored_rows[i]].event;
        const float *scores = batch->scores + (size_t)i * HEC_HEADS_MAX;
        hec_csv_write_event(table->out, event);
        for (int head = 0; head < table->heads; head++) {
            hec_csv_write_score(table->out, scores[head]);
        }
        hec_output_write(table->out, "\n", 1);
    }
    return HEC_OK;
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_luggage luggage;
    struct table table = { 0 };
    int status = hec_luggage_model(&luggage, arguments, hec_text_or(arguments, "model", NULL));
    if (status == HEC_EXIT_OK) {
        status = hec_journey_output(arguments, hec_text_or(arguments, "out", NULL), &table.out);
    }
    if (status == HEC_EXIT_OK) {
        const struct hec_model_info *info = hec_model_info(luggage.model);
        table.heads = info->heads_count;
        hec_output_print(table.out, "event_id,event_type,event_time_ms,user_token");
        for (int head = 0; head < info->heads_count; head++) {
            hec_output_print(table.out, ",%s", info->heads[head].name);
        }
        hec_output_print(table.out, "\n");
        status = hec_journey(arguments, &luggage, "scoring", on_batch, &table, &table.out, 1);
    }
    hec_luggage_free(&luggage);
    return status;
}

const struct hec_command hec_cmd_score = {
    .name = "score",
    .line = "writes the scores of every event",
    .examples = { "hecate score --model bank.safetensors --data e.ndjson.zst --out scores.csv",
                  "hecate score --model m.safetensors --data a.ndjson b.ndjson --out s.csv" },
    .text = "Replays the files from their start, labels in their place, and writes a row for\n"
            "every card_auth, transfer, login and account_change in input order: event_id,\n"
            "event_type, event_time_ms, user_token, then a column a head, empty where the head\n"
            "does not apply. Lines that are refused are counted and told; they do not stop it.",
    .run = run,
    .flags = {
        HEC_FLAG_MODEL,
        HEC_FLAG_DATA,
        { "out", "CSV", "where to; - is standard output", HEC_FLAG_TEXT, .required = true },
    },
};
