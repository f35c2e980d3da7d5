/*
 * The service: builds everything once, in order, lets the engines run, takes it down in reverse.
 */
#ifndef HECATE_SERVICE_H
#define HECATE_SERVICE_H

#include "hecate/status.h"
#include "ops/config.h"
#include "reload.h"

/* Exit statuses (sysexits.h where it has one). */
enum hec_exit {
    HEC_EXIT_OK = 0,
    HEC_EXIT_FAILURE = 1,
    HEC_EXIT_USAGE = 2,
    HEC_EXIT_UNREACHABLE = 69,
    HEC_EXIT_CONFIG = 78, /* trying again without a change is of no use */
};

/** The exit status that tells a supervisor what a failure means. */
enum hec_exit hec_exit_of(enum hec_status status);

/**
 * SIGHUP and the console's reload read the settings again from where they came; config is changed
 * by it. Runs until SIGTERM or SIGINT (drains, then returns) or until an engine cannot go on. A
 * second signal leaves at once. Main thread only.
 *
 * @return the exit status; why was logged
 */
int hec_service_run(struct hec_config *config, const struct hec_config_source *source);

#endif
