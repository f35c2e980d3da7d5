/* The options, signals and exit statuses of hecated. */
#include "options.h"

#include <string.h>

#include "ops/config.h"

static const struct hec_option OPTIONS[] = {
    { "config", 'c', "FILE", "settings (default " HEC_CONFIG_PATH ")" },
    { "check", 0, NULL, "check the settings and the files they name, and exit" },
    { "offline", 0, NULL, "with --check: do not open the files that they name" },
    { "strict", 0, NULL, "with --check: a warning is a failure" },
    { "set", 0, "S.K=VALUE", "one setting over what the file says; may be repeated" },
    { "version", 'V', NULL, "print the version and exit" },
    { "help", 'h', NULL, "print this and exit" },
    { NULL, 0, NULL, NULL },
};

static const struct hec_meaning SIGNALS[] = {
    { "HUP", "read the settings again and take them, as hecate reload does" },
    { "TERM, INT", "finish what is open and leave; a second one leaves at once" },
    { NULL, NULL },
};

static const struct hec_meaning EXIT_STATUSES[] = {
    { "0", "done" },
    { "1", "failed" },
    { "2", "wrong usage" },
    { "3", "a --gate of hecate eval was not met" },
    { "69", "Kafka, Redis or the daemon cannot be reached" },
    { "78", "settings, features or model refused; trying again is of no use" },
    { NULL, NULL },
};

const struct hec_option *hec_options(void)
{
    return OPTIONS;
}

const struct hec_meaning *hec_signals(void)
{
    return SIGNALS;
}

const struct hec_meaning *hec_exit_statuses(void)
{
    return EXIT_STATUSES;
}

static void print_meanings(FILE *out, const char *title, const struct hec_meaning *row)
{
    fprintf(out, "\n%s\n", title);
    for (; row->name != NULL; row++) {
        fprintf(out, "  %-22s%s\n", row->name, row->meaning);
    }
}

void hec_options_usage(FILE *out)
{
    fprintf(out, "usage: hecated [options]\n\n");
    for (const struct hec_option *option = OPTIONS; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof(left), "  %s%c%s --%s %s", option->letter ? "-" : " ",
                 option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
                 option->argument == NULL ? "" : option->argument);
        fprintf(out, "%-24s%s\n", left, option->help);
    }
    print_meanings(out, "signals:", SIGNALS);
    print_meanings(out, "exit status:", EXIT_STATUSES);
    fprintf(out, "\nexamples:\n"
                 "  hecated --check -c /etc/hecate/hecate.conf\n"
                 "  hecated -c hecate.conf --set log.level=debug\n");
}
