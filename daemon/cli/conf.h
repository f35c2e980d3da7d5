/* Where the files of conf/ are: what a command reads when it was given a name and not a path. */
#ifndef HECATE_CLI_CONF_H
#define HECATE_CLI_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"
#include "ops/config.h"

/**
 * Finds a file of conf/, "features.conf" or "import/handbook.conf": in the directory named by
 * HECATE_CONF if it is set, else in conf/ of the tree that this program was built in, else in
 * /etc/hecate, else in share/hecate of the prefix that it was installed to.
 *
 * @return false when it is nowhere; path then holds the last place looked at
 */
bool hec_conf_find(const char *name, char *path, size_t path_bytes);

/* The flags of commands that work with what the daemon's settings name. */
#define HEC_CONFIG_FLAGS                                                                           \
    { "config", "FILE", "the daemon's settings (default: " HEC_CONFIG_PATH ")", HEC_FLAG_TEXT },   \
    {                                                                                              \
        "set", "SECTION.KEY=VALUE", "over what the file says", HEC_FLAG_TEXT, .many = true         \
    }

/**
 * Reads the settings that HEC_CONFIG_FLAGS name.
 *
 * @param config  receives them, for hec_config_free, also on failure; may be NULL then
 *
 * @return HEC_EXIT_OK, or the exit status of a failure that was told
 */
HEC_CHECKED int hec_cli_config(const struct hec_arguments *arguments, struct hec_config **config);

#endif
