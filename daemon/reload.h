/*
 * Taking changed settings while running: all of them that may change, or none.
 *
 * The files are read, checked and opened beside what is in use; only when everything is good is it
 * offered to the engines, each of which takes it between two batches. A mistake anywhere leaves
 * all as it was. What may not change while running is told, not taken.
 */
#ifndef HECATE_RELOAD_H
#define HECATE_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "hecate/status.h"
#include "ops/config.h"
#include "parts.h"

/* Where the settings came from at the start, and come from again. Borrowed for good. */
struct hec_config_source {
    const char *path;
    const char *const *sets; /* --set options, over what the file says */
    int sets_count;
};

#define HEC_RELOAD_KEYS_MAX 64
struct hec_reload_report {
    struct {
        char key[120];
        char before[80], after[80]; /* as config show has them, cut */
        bool taken;                 /* else it wants a restart */
    } rows[HEC_RELOAD_KEYS_MAX];
    int rows_count, dropped;
    bool model_changed;
    char model_sha256[HEC_SHA256_HEX];
    int pending; /* engines that had not come to their next batch when the wait was over */
};

struct hec_reload;

/**
 * Makes what reloads.
 *
 * @param config   in use; a reload changes those of its members that may change
 * @param parts    a reload changes model, digest and policy
 * @param engines  of parts->engines_count; all borrowed until hec_reload_free
 * @return HEC_OK, HEC_NO_MEMORY
 */
HEC_CHECKED enum hec_status hec_reload_new(struct hec_reload **ret,
                                           const struct hec_config_source *source,
                                           struct hec_config *config, struct hec_parts *parts,
                                           struct hec_engine *const *engines,
                                           struct hec_error *error);
/** After the last engine is gone. Accepts NULL. */
void hec_reload_free(struct hec_reload *reload);

/**
 * Reads the settings again and takes them. One thread only.
 *
 * @param wait_ms   how long to wait for the engines to have begun with it; those that have not by
 *                  then begin with it at their next batch all the same
 * @param problems  gets every mistake; then nothing was changed
 * @return HEC_OK, or the status of the first problem
 */
HEC_CHECKED enum hec_status hec_reload_run(struct hec_reload *reload, int wait_ms,
                                           struct hec_reload_report *report,
                                           struct hec_problems *problems);

#endif
