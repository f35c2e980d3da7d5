/*
 * Rows as they grow: what training and judging want, gathered from a walk over event files.
 *
 * A row is kept for each scored event of the window; labels find their row again by the hash of the
 * event's id. Every verdict is kept with the moment of its arrival, so that what was known at any
 * time can be asked afterwards. Arrays grow by reallocation, which moves pages and not bytes once
 * they are large.
 */
#ifndef HECATE_CLI_ROWS_H
#define HECATE_CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/spill.h"
#include "hecate/batch.h"
#include "hecate/folds.h"
#include "hecate/train.h"

#define HEC_ROWS_CODES_MAX 200

/* Fields by whose value rows may be grouped. X(field, name) */
#define HEC_SEGMENT_TABLE(X)                                                                       \
    X(CHANNEL, "channel")                                                                          \
    X(ENTRY_MODE, "entry_mode")                                                                    \
    X(MCC, "mcc")                                                                                  \
    X(MERCHANT_COUNTRY, "merchant_country")                                                        \
    X(GEO_COUNTRY, "geo.country")
enum hec_segment {
#define HEC_SEGMENT_ENUM(field, name) HEC_SEGMENT_##field,
    HEC_SEGMENT_TABLE(HEC_SEGMENT_ENUM)
#undef HEC_SEGMENT_ENUM
        HEC_SEGMENTS
};
#define HEC_WORDS_MAX 250
#define HEC_WORD_BYTES 65

/* The different values of a field as they come; 0 is "absent", HEC_WORDS_MAX + 1 all that came when
 * there was no room. The bytes are the event's own: hostile. */
struct hec_words {
    char text[HEC_WORDS_MAX][HEC_WORD_BYTES];
    uint32_t hash[HEC_WORDS_MAX];
    int count;
};

struct hec_rows {
    uint32_t count, room;
    int numerics_count, categories_count;
    float *numerics;      /* (count, numerics_count); NULL once they are spilled */
    uint32_t *categories; /* (count, categories_count) */
    size_t memory_bytes;  /* what is more goes into files; 0: never */
    struct hec_spill *spill;
    uint8_t *event_type;
    int64_t *event_ms;
    uint64_t *user, *card;   /* 64-bit hashes of the tokens; card is user where there is none */
    int64_t *amount_minor;   /* of the reporting currency; 0 where there is none */
    struct hec_words *words; /* (segments); NULL when segments are not kept */
    uint8_t *segment[HEC_SEGMENTS]; /* 0, or 1 + index into words */
    float *scores;                  /* (count, scores_count) */
    int scores_count;               /* 0: scores are not kept */
    int64_t last_ms;                /* newest moment of a label or a scored event, kept or not */
    bool keeps_ids;
    char *ids; /* the events' ids, terminated, one after the other */
    size_t ids_length, ids_room;
    size_t *id_at; /* (count): where each begins in ids */
    struct hec_verdict_at *verdicts;
    size_t verdicts_count, verdicts_room;
    char codes[HEC_ROWS_CODES_MAX][HEC_FRAUD_TYPE_MAX];
    int codes_count;
    uint64_t labels_lost; /* about events that are no row */
    /* Open addressing, a power of two: 64-bit hash of the event id, and 1 + its row (0: empty). */
    uint64_t *index_hash;
    uint32_t *index_row;
    size_t index_size;
};

/** An empty one for rows of that shape; 0 and 0 keep no features. All-zero memory is made ready;
 * nothing is allocated. */
void hec_rows_begin(struct hec_rows *rows, int numerics, int categories);
void hec_rows_free(struct hec_rows *rows);

/** Keeps segments from here on. Call it before the first row. @return HEC_OK or HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_rows_keep_segments(struct hec_rows *rows);

/** From here on features beyond so many bytes lie in a file, and so does every large array beside
 * them (room.h); rows then come from hec_rows_fetch alone. Call it before the first row. */
void hec_rows_spill_beyond(struct hec_rows *rows, size_t bytes);

/** Memory for the caller's own array of a number for each row, zeroed; by the same rule a large one
 * lies in a file. To be given to hec_room_free. @return NULL without memory */
void *hec_rows_room(const struct hec_rows *rows, size_t bytes);

/** hec_fetch over rows, wherever their features lie. @param user  the hec_rows; only read */
void hec_rows_fetch(void *user, const uint32_t *row, int count, float *numerics,
                    uint32_t *categories);

/** Keeps event ids from here on. Call it before the first row. */
void hec_rows_keep_ids(struct hec_rows *rows);

/** Keeps the scores of the batch's model too, so many heads a row. Call it before the first row. */
void hec_rows_keep_scores(struct hec_rows *rows, int heads);

/**
 * Takes what a walk brings: the scored events of from_ms .. to_ms - 1 become rows; labels of any
 * time find theirs, and arrived when they say they happened.
 *
 * @return HEC_OK, HEC_NO_MEMORY, HEC_UNAVAILABLE (rows that do not fit into memory find no file):
 *         told in error
 */
HEC_CHECKED enum hec_status hec_rows_take(struct hec_rows *rows, const struct hec_batch *batch,
                                          int64_t from_ms, int64_t to_ms, struct hec_error *error);

/** The row of an event id; UINT32_MAX when it is none. */
uint32_t hec_rows_find(const struct hec_rows *rows, const char *id, size_t length);

/** The rows as the splitter wants them; valid until the next change. */
struct hec_labelled hec_rows_labelled(const struct hec_rows *rows);

#endif
