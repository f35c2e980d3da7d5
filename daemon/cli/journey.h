/*
 * What every command over event files does around its walk: load the schema or the model, show
 * progress, tell what was refused.
 */
#ifndef HECATE_CLI_JOURNEY_H
#define HECATE_CLI_JOURNEY_H

#include "cli/command.h"
#include "cli/progress.h"
#include "file/output.h"
#include "file/walk.h"

/* The flags that such commands share. */
#define HEC_FLAG_DATA                                                                              \
    {                                                                                              \
        "data", "FILE",                                                                            \
            "NDJSON events in time order, several files as if they were one; - is standard input", \
            HEC_FLAG_TEXT, .required = true, .many = true                                          \
    }
#define HEC_FLAG_FEATURES                                                                          \
    {                                                                                              \
        "features", "FILE", "the features (default: features.conf of conf/ or /etc/hecate)",       \
            HEC_FLAG_TEXT                                                                          \
    }
#define HEC_FLAG_MODEL                                                                             \
    {                                                                                              \
        "model", "MODEL", "a model file of hecate train", HEC_FLAG_TEXT, .required = true          \
    }

/* A schema compiled, and a model with it if there is one. All zero is none. */
struct hec_luggage {
    struct hec_plan *plan;
    struct hec_model *model; /* NULL without */
    char model_sha256[65];   /* of the file */
    size_t model_bytes;
};

/** Loads the schema of --features, or the default one.
 * @return HEC_EXIT_OK, or the exit status of a failure that was told */
HEC_CHECKED int hec_luggage_features(struct hec_luggage *luggage,
                                     const struct hec_arguments *arguments);
/** Loads the model at path and the schema that it carries. The same. */
HEC_CHECKED int hec_luggage_model(struct hec_luggage *luggage,
                                  const struct hec_arguments *arguments, const char *path);
void hec_luggage_free(struct hec_luggage *luggage);

/**
 * Walks over --data and tells what was refused on standard error.
 *
 * @param what      for the progress line: "scoring"
 * @param on_batch  as hec_walk_job's
 * @param outputs   closed on success, discarded on failure; NULLs are passed over
 * @return an exit status; failures were told
 */
HEC_CHECKED int hec_journey(const struct hec_arguments *arguments,
                            const struct hec_luggage *luggage, const char *what,
                            enum hec_status (*on_batch)(void *user, const struct hec_batch *batch,
                                                        const struct hec_line *lines,
                                                        struct hec_error *error),
                            void *user, struct hec_output **outputs, size_t outputs_count);

/** The scorer of the journey that is under way, for on_batch. One journey at a time. */
struct hec_scorer *hec_journey_scorer(void);

/** Opens an output; tells a failure. NULL path gives HEC_EXIT_OK and no output. */
HEC_CHECKED int hec_journey_output(const struct hec_arguments *arguments, const char *path,
                                   struct hec_output **output);

/** Appends a text as a CSV cell, quoted where RFC 4180 wants it. */
void hec_csv_write_text(struct hec_output *output, const struct hec_text *text);

/** Appends what a row begins with: event id, type, time and user token. */
void hec_csv_write_event(struct hec_output *output, const struct hec_event *event);

/** Appends a score after a comma, nothing for NaN: nine significant digits or more, so that it
 * reads back to the same float. */
void hec_csv_write_score(struct hec_output *output, float score);

#endif
