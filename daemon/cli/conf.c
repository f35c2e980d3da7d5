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
