/* hecate import: somebody's CSV as events, by a column map. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/progress.h"
#include "file/import.h"
#include "file/input.h"
#include "file/when.h"

static void tell(void *user, uint64_t rows, double fraction)
{
    hec_progress_tell(user, rows, fraction);
}

static int run(const struct hec_arguments *arguments)
{
    struct hec_error error = { 0 };
    struct hec_import_map map;
    const char *name = arguments->positionals[0];
    char path[PATH_MAX];
    if (strchr(name, '/') != NULL) {
        snprintf(path, sizeof(path), "%s", name);
    } else {
        char file[NAME_MAX];
        snprintf(file, sizeof(file), "import/%.200s.conf", name);
        if (!hec_conf_find(file, path, sizeof(path))) {
            return hec_cli_misused(arguments,
                                   "there is no column map \"%.60s\" (%s); write one, or give its "
                                   "path with a slash in it",
                                   name, path);
        }
    }
    if (hec_import_map_load(&map, path, &error) != HEC_OK) {
        hec_cli_fail(arguments, &error);
        return HEC_EXIT_CONFIGURATION;
    }

    struct hec_progress progress;
    struct hec_import_counts counts = { 0 };
    struct hec_import_job job = {
        .map = &map,
        .in = hec_text_or(arguments, "in", NULL),
        .customers = hec_text_or(arguments, "customers", NULL),
        .label_delay_ms =
            llround(hec_number_or(arguments, "label-delay-days", 7) * (double)HEC_DAY_MS),
        .tell = tell,
        .user = &progress,
    };
    if (hec_output_open(&job.output, hec_text_or(arguments, "out", NULL), &error) != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    hec_progress_begin(&progress, "importing");
    enum hec_status status = hec_import(&job, &counts, &error);
    hec_progress_end(&progress);
    if (status != HEC_OK) {
        hec_output_discard(job.output);
        return hec_cli_fail(arguments, &error);
    }
    if (hec_output_close(job.output, &error) != HEC_OK) {
        return hec_cli_fail(arguments, &error);
    }
    fprintf(stderr, "%llu rows and %llu labels in %.1f s\n", (unsigned long long)counts.rows,
            (unsigned long long)counts.labels, hec_progress_s(&progress));
    if (counts.unused_count > 0) {
        fprintf(stderr, "%d column%s that the map makes no use of: %s\n", counts.unused_count,
                counts.unused_count == 1 ? "" : "s", counts.unused);
    }
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_import = {
    .name = "import",
    .line = "turns a CSV file into events",
    .positionals = "handbook|sparkov|plain|MAP.conf",
    .positionals_min = 1,
    .positionals_max = 1,
    .examples = { "xz -dc transactions.csv.xz | hecate import handbook --in - --out e.ndjson.zst",
                  "hecate import ./mybank.conf --in payments.csv --out events.ndjson" },
    .text = "A map says which column becomes which field; those that come with Hecate are in\n"
            "conf/import. Rows keep the file's order; a fraud gives a label as well, so many days\n"
            "later, in its place among the rows.",
    .run = run,
    .flags = {
        { "in", "FILE", "the CSV file, its first row the column names; - is standard input",
          HEC_FLAG_TEXT, .required = true },
        { "customers", "FILE", "a second CSV file with a row a customer, if the map speaks of one",
          HEC_FLAG_TEXT },
        { "out", "FILE", "NDJSON events; - is standard output", HEC_FLAG_TEXT, .required = true },
        { "label-delay-days", "N", "how long after a fraud its label comes (default 7)",
          HEC_FLAG_NUMBER, .minimum = 0, .maximum = 3650 },
    },
};
