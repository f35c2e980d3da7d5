/*
 * hecated: the daemon's main. Reads the settings, checks them, runs the service.
 */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "ops/config.h"
#include "ops/log.h"
#include "options.h"
#include "parts.h"
#include "service.h"

#define SETS_MAX 64

struct arguments {
    const char *path;
    const char *sets[SETS_MAX];
    int sets_count;
    bool check, offline, strict;
};

static int usage_error(const char *why)
{
    fprintf(stderr, "hecated: %s\n", why);
    hec_options_usage(stderr);
    return HEC_EXIT_USAGE;
}

#define OPTIONS_MAX 32

/* getopt's form of the table; the place of a row is what getopt_long gives for it. */
static void for_getopt(struct option list[OPTIONS_MAX], char letters[OPTIONS_MAX * 2])
{
    size_t used = 0;
    int count = 0;
    for (const struct hec_option *row = hec_options(); row->name != NULL; row++, count++) {
        list[count] =
            (struct option){ row->name, row->argument == NULL ? no_argument : required_argument,
                             NULL, 256 + count };
        if (row->letter != 0) {
            list[count].val = row->letter;
            letters[used++] = row->letter;
            letters[used++] = row->argument == NULL ? '\0' : ':';
            used -= row->argument == NULL;
        }
    }
    list[count] = (struct option){ NULL, 0, NULL, 0 };
    letters[used] = '\0';
}

/* The name of what getopt_long gave; NULL for a mistake, which it has told. */
static const char *name_of(const struct option *list, int value)
{
    for (; list->name != NULL; list++) {
        if (list->val == value) {
            return list->name;
        }
    }
    return NULL;
}

/* Returns -1 to go on, else the exit status. */
static int take_option(struct arguments *arguments, const char *name)
{
    if (name == NULL) {
        hec_options_usage(stderr);
        return HEC_EXIT_USAGE;
    }
    if (strcmp(name, "config") == 0) {
        arguments->path = optarg;
    } else if (strcmp(name, "check") == 0) {
        arguments->check = true;
    } else if (strcmp(name, "offline") == 0) {
        arguments->offline = true;
    } else if (strcmp(name, "strict") == 0) {
        arguments->strict = true;
    } else if (strcmp(name, "set") == 0) {
        if (arguments->sets_count == SETS_MAX) {
            return usage_error("too many --set");
        }
        arguments->sets[arguments->sets_count++] = optarg;
    } else if (strcmp(name, "version") == 0) {
        printf("hecated " HEC_VERSION "\n");
        return HEC_EXIT_OK;
    } else {
        assert(strcmp(name, "help") == 0);
        hec_options_usage(stdout);
        return HEC_EXIT_OK;
    }
    return -1;
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(struct arguments *arguments, int argc, char **argv)
{
    struct option list[OPTIONS_MAX];
    char letters[OPTIONS_MAX * 2];
    for_getopt(list, letters);
    for (int value; (value = getopt_long(argc, argv, letters, list, NULL)) != -1;) {
        int exit_status = take_option(arguments, name_of(list, value));
        if (exit_status >= 0) {
            return exit_status;
        }
    }
    if (!arguments->check && (arguments->offline || arguments->strict)) {
        return usage_error("--offline and --strict belong to --check");
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
    return status == HEC_OK && !arguments->offline ? hec_config_check_files(config, problems)
                                                   : status;
}

static void tell(const char *kind, const struct hec_problems *problems)
{
    for (int i = 0; i < problems->count; i++) {
        fprintf(stderr, "%s%s\n", kind, problems->rows[i].text);
    }
}

/* What --check adds to what every start does: it opens the files, and tells warnings. */
static int check(const struct hec_config *config, const struct arguments *arguments,
                 struct hec_problems *problems)
{
    static struct hec_problems warnings;
    enum hec_status status = arguments->offline ? HEC_OK : hec_parts_check(config, problems);
    hec_config_warn(config, &warnings);
    tell("", problems);
    tell("warning: ", &warnings);
    if (status != HEC_OK) {
        return (int)hec_exit_of(status);
    }
    if (arguments->strict && warnings.count > 0) {
        return HEC_EXIT_CONFIG;
    }
    printf("%s: good\n", arguments->path);
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
        tell("", &problems);
        exit_status = HEC_EXIT_CONFIG;
    } else if (arguments.check) {
        exit_status = check(config, &arguments, &problems);
    } else {
        hec_log_setup(
            &(struct hec_log_options){ .level = (enum hec_log_level)config->log.level,
                                       .json = config->log.format == HEC_LOG_JSON,
                                       .lines_per_s = (int)config->log.rate_limit_per_s });
        exit_status =
            hec_service_run(config, &(struct hec_config_source){ arguments.path, arguments.sets,
                                                                 arguments.sets_count });
    }
    hec_config_free(config);
    return exit_status;
}
