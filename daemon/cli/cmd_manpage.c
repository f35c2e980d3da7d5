/* hecate manpage: the manual pages, for a package or for one's eyes: hecate manpage | man -l - */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/manual.h"
#include "ops/problems.h"

static int write_all(const struct hec_arguments *arguments, const char *folder)
{
    for (const struct hec_page *page = hec_pages(); page->name != NULL; page++) {
        char path[4096];
        struct hec_error error = { 0 };
        snprintf(path, sizeof(path), "%s/%s.%d", folder, page->name, page->section);
        FILE *out = fopen(path, "we");
        if (out != NULL) {
            hec_page_print(page, out);
        }
        if (out == NULL || fclose(out) != 0) {
            hec_fail(&error, HEC_UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
            return hec_cli_fail(arguments, &error);
        }
    }
    return HEC_EXIT_OK;
}

static int run(const struct hec_arguments *arguments)
{
    const char *folder = hec_text_or(arguments, "all", NULL);
    if (folder != NULL) {
        return write_all(arguments, folder);
    }
    const char *name = arguments->positionals_count > 0 ? arguments->positionals[0] : "hecate";
    const char *names[8] = { NULL };
    for (const struct hec_page *page = hec_pages(); page->name != NULL; page++) {
        if (strcmp(page->name, name) == 0) {
            hec_page_print(page, stdout);
            return HEC_EXIT_OK;
        }
        names[page - hec_pages()] = page->name;
    }
    const char *near = hec_nearest(name, names);
    return hec_cli_misused(arguments, "there is no page \"%.60s\"%s%s%s", name,
                           near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

const struct hec_command hec_cmd_manpage = {
    .name = "manpage",
    .line = "prints a manual page",
    .positionals = "hecate|hecated|hecate.conf|hecate-features|hecate-learning",
    .positionals_max = 1,
    .examples = { "hecate manpage hecate.conf | man -l -", "hecate manpage --all /tmp" },
    .run = run,
    .flags = { { "all", "DIR", "write every page into this directory", HEC_FLAG_TEXT } },
};
