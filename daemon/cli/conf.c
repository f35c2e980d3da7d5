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

/* build/daemon/hecate belongs to conf/. */
static bool in_tree(char *directory, size_t room)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(program, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    int written = snprintf(directory, room, "%s/conf", program);
    return written > 0 && (size_t)written < room;
}

bool hec_conf_find(const char *name, char *path, size_t path_bytes)
{
    char directory[PATH_MAX];
    const char *given = getenv("HECATE_CONF");
    if (given != NULL && given[0] != '\0') {
        return is_here(given, name, path, path_bytes);
    }
    return (in_tree(directory, sizeof(directory)) && is_here(directory, name, path, path_bytes)) ||
           is_here("/etc/hecate", name, path, path_bytes) ||
           is_here("/usr/share/hecate", name, path, path_bytes);
}
