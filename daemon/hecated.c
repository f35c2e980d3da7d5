/*
 * hecated: the daemon's main. Reads the settings, checks them, runs the service.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "ops/config.h"
#include "ops/log.h"
#include "parts.h"
#include "service.h"

static const char USAGE[] =
    "usage: hecated [-c FILE] [--check] [--set SECTION.KEY=VALUE]... [-V] [-h]\n"
    "\n"
    "  -c, --config FILE     settings (default " HEC_CONFIG_PATH ")\n"
    "      --check           check the settings and the files they name, and exit\n"
    "      --set S.K=VALUE   one setting over what the file says; may be repeated\n"
    "  -V, --version         print the version and exit\n"
    "  -h, --help            print this and exit\n"
    "\n"
    "examples:\n"
    "  hecated --check -c /etc/hecate/hecate.conf\n"
    "  hecated -c hecate.conf --set log.level=debug\n"
    "\n"
    "signals: TERM and INT finish what is open and leave; a second one leaves at once\n"
    "exit: 0 done, 1 failed, 2 usage, 69 Kafka or Redis unreachable, 78 settings refused\n";

#define SETS_MAX 64

struct arguments {
    const char *path;
    const char *sets[SETS_MAX];
    int sets_count;
    bool check;
};

static int usage_error(const char *why)
{
    fprintf(stderr, "hecated: %s\n%s", why, USAGE);
    return HEC_EXIT_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct arguments *arguments, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'k' },
        { "set", required_argument, NULL, 's' },    { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "c:Vh", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'c': arguments->path = optarg; break;
        case 'k': arguments->check = true; break;
        case 's':
            if (arguments->sets_count == SETS_MAX) {
                return usage_error("too many --set");
            }
            arguments->sets[arguments->sets_count++] = optarg;
            break;
        case 'V': printf("hecated " HEC_VERSION "\n"); return HEC_EXIT_OK;
        case 'h': fputs(USAGE, stdout); return HEC_EXIT_OK;
        default: fputs(USAGE, stderr); return HEC_EXIT_USAGE;
        }
    }
    return optind == argc ? -1 : usage_error("takes no arguments but options");
}

static enum hec_status read_config(struct hec_config *config, const struct arguments *arguments,
                                   struct hec_problems *problems)
{
    enum hec_status status = hec_config_load(config, arguments->path, problems);
    for (int i = 0; i < arguments->sets_count && status == HEC_OK; i++) {
        status = hec_config_set(config, arguments->sets[i], problems);
    }
    if (status == HEC_OK) {
        status = hec_config_check(config, problems);
    }
    return status == HEC_OK ? hec_config_check_files(config, problems) : status;
}

/* The files that the settings name have to be good and to belong together. */
static int check_parts(const struct hec_config *config, const char *path)
{
    struct hec_parts parts;
    struct hec_error error = { 0 };
    enum hec_status status = hec_parts_read(&parts, config, &error);
    hec_parts_free(&parts);
    if (status != HEC_OK) {
        fprintf(stderr, "%s\n", error.text);
        return (int)hec_exit_of(status);
    }
    printf("%s: good\n", path);
    return HEC_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .path = HEC_CONFIG_PATH };
    int exit_status = read_arguments(&arguments, argc, argv);
    if (exit_status >= 0) {
        return exit_status;
    }
    /* Secrets must not leave through a core dump or a debugger of the same user. */
    prctl(PR_SET_DUMPABLE, 0);

    static struct hec_problems problems;
    struct hec_config *config = hec_config_new();
    if (config == NULL) {
        fputs("hecated: no memory\n", stderr);
        return HEC_EXIT_FAILURE;
    }
    if (read_config(config, &arguments, &problems) != HEC_OK) {
        for (int i = 0; i < problems.count; i++) {
            fprintf(stderr, "%s\n", problems.rows[i].text);
        }
        exit_status = HEC_EXIT_CONFIG;
    } else if (arguments.check) {
        exit_status = check_parts(config, arguments.path);
    } else {
        hec_log_setup(
            &(struct hec_log_options){ .level = (enum hec_log_level)config->log.level,
                                       .json = config->log.format == HEC_LOG_JSON,
                                       .lines_per_s = (int)config->log.rate_limit_per_s });
        exit_status = hec_service_run(config);
    }
    hec_config_free(config);
    return exit_status;
}
