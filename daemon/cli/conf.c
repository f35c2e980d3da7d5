#include "cli/conf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_here(const char *directory, const char *name, char *path, size_t path_bytes)
{
    int length = snprintf(path, path_bytes, "%s/%s", directory, name);
    return length > 0 && (size_t)length < path_bytes && access(path, R_OK) == 0;
}

/* The directory that lies below the one so many steps above this program. */
static bool near_program(int up, const char *below, char *directory, size_t room)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    for (int step = 0; step < up; step++) {
        char *slash = strrchr(program, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    int written = snprintf(directory, room, "%s/%s", program, below);
    return written > 0 && (size_t)written < room;
}

/* build/daemon/hecate belongs to conf/, PREFIX/bin/hecate to PREFIX/share/hecate/. */
bool hec_conf_find(const char *name, char *path, size_t path_bytes)
{
    char directory[PATH_MAX];
    const char *given = getenv("HECATE_CONF");
    if (given != NULL && given[0] != '\0') {
        return is_here(given, name, path, path_bytes);
    }
    return (near_program(3, "conf", directory, sizeof(directory)) &&
            is_here(directory, name, path, path_bytes)) ||
           is_here("/etc/hecate", name, path, path_bytes) ||
           (near_program(2, "share/hecate", directory, sizeof(directory)) &&
            is_here(directory, name, path, path_bytes));
}

int hec_cli_config(const struct hec_arguments *arguments, struct hec_config **config)
{
    struct hec_problems *problems = calloc(1, sizeof(*problems));
    size_t count;
    const char *const *sets = hec_texts_of(arguments, "set", &count);
    *config = hec_config_new();
    enum hec_status status =
        *config == NULL || problems == NULL
            ? HEC_NO_MEMORY
            : hec_config_load(*config, hec_text_or(arguments, "config", HEC_CONFIG_PATH), problems);
    for (size_t i = 0; status == HEC_OK && i < count; i++) {
        status = hec_config_set(*config, sets[i], problems);
    }
    for (int i = 0; problems != NULL && i < problems->count; i++) {
        fprintf(stderr, "hecate %s: %s\n", arguments->command->name, problems->rows[i].text);
    }
    free(problems);
    return status == HEC_OK ? HEC_EXIT_OK : HEC_EXIT_CONFIGURATION;
}
