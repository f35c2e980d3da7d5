/* Where the files of conf/ are: what a command reads when it was given a name and not a path. */
#ifndef HECATE_CLI_CONF_H
#define HECATE_CLI_CONF_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Finds a file of conf/, "features.conf" or "import/handbook.conf": in the directory named by
 * HECATE_CONF if it is set, else in conf/ of the tree that this program was built in, else in
 * /etc/hecate, else in share/hecate of the prefix that it was installed to.
 *
 * @return false when it is nowhere; path then holds the last place looked at
 */
bool hec_conf_find(const char *name, char *path, size_t path_bytes);

#endif
