/*
 * The inside of the desk, shared by its files.
 */
#ifndef HECATE_DESK_INSIDE_H
#define HECATE_DESK_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <yyjson.h>

#include "desk/desk.h"
#include "kafka/feed.h"
#include "ops/inbox.h"
#include "ops/outcomes.h"
#include "ops/roster.h"

#define DESK_QUEUE 256 /* more than there can be connections */

#define DESK_LETTERS 200 /* dead letters kept in memory */

/* A dead letter as people read it. Texts lie behind it, in the same allocation. */
struct hec_letter {
    int32_t partition;
    int64_t offset, at_ms;
    const char *code, *message, *stage, *topic, *source_partition, *source_offset, *key, *value;
    size_t value_bytes; /* all of them, of which value is the beginning */
};

struct hec_look;
struct hec_owners;

struct hec_desk {
    struct hec_desk_options options;
    struct hec_http *http;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* over the queue and stopping */
    pthread_cond_t came;
    struct hec_exchange *queue[DESK_QUEUE];
    int queue_from, queue_count;
    bool stopping;
    atomic_bool reload_wanted;

    /* The inbox, and what fills it. */
    struct hec_inbox *inbox; /* NULL: there is none, and why: */
    char inbox_missing[300];
    struct hec_tap *alerts, *letters;
    int64_t tried_ms, expired_ms; /* when a tap was last opened, old alerts last deleted */
    struct hec_feed *feed;        /* made at the first label or list entry */
    struct hec_letter *kept_letters[DESK_LETTERS]; /* a ring, the oldest at letters_from */
    int letters_from, letters_count;

    struct hec_look *loop_look, *desk_look; /* at events to be scored: one for each thread */
    struct hec_owners *owners;              /* made at the first event that is elsewhere's */

    /* Who is allowed or denied: of the file, and of the topic. */
    struct hec_roster *file_roster, *topic_roster;
    struct stat lists_stat; /* of the file as it was last read */
    struct hec_tap *lists_tap;
    int64_t lists_looked_ms, lists_tried_ms;

    /* What became of alerts: notes in hand, the last count, and when the next may be made. */
    struct hec_verdict_note *notes;
    int notes_count;
    struct hec_outcomes outcomes;
    bool outcomes_stale; /* something came since */
    int64_t outcomes_ms, outcomes_pause_ms;

    int64_t told_ms; /* when the stream was last told how things are */

    int64_t log_until_ms; /* when the level goes back; 0: not */
    int log_before;
};

/* intake.c */

/** Opens the inbox as the settings say; without one the desk still works. */
void hec_desk_open_inbox(struct hec_desk *desk);
/** Files what has come on the alert topic, and keeps the newest dead letters. Waits for no record.
 * True when there may be more. */
bool hec_desk_take_in(struct hec_desk *desk);
void hec_desk_close_inbox(struct hec_desk *desk);

/* desk.c */

/** Has the desk's thread answer it. Any thread, never waits. */
void hec_desk_ask(struct hec_desk *desk, struct hec_exchange *exchange);

/* api_score.c */

/** Takes an exchange that asks for a score, if it can be scored here; else it is the desk's, where
 * the refusal is written. The loop's thread, never waits. */
bool hec_desk_score(struct hec_desk *desk, struct hec_exchange *exchange);

HEC_CHECKED enum hec_status hec_look_new(struct hec_look **ret, const struct hec_config *config);
/** Accepts NULL. */
void hec_look_free(struct hec_look *look);

/* lists.c */

/** Reads the lists as far as they stand now and puts them up: before the first event is judged. */
HEC_CHECKED enum hec_status hec_desk_open_lists(struct hec_desk *desk);
/** Takes in what changed. Waits for no record. */
void hec_desk_follow_lists(struct hec_desk *desk);
void hec_desk_close_lists(struct hec_desk *desk);

/* outcomes.c */

/** @return HEC_OK, HEC_NO_MEMORY */
HEC_CHECKED enum hec_status hec_desk_open_outcomes(struct hec_desk *desk);
/** Keeps what the engines read of verdicts, and counts when it is time. True when there may be
 * more. */
bool hec_desk_follow_outcomes(struct hec_desk *desk);
/** Keeps all that was read. When no engine and no desk runs any more. */
void hec_desk_take_last_notes(struct hec_desk *desk);
void hec_desk_close_outcomes(struct hec_desk *desk);
/** What is known of a head's alerts, as members of an object. */
void hec_desk_put_outcomes(const struct hec_desk *desk, int head, yyjson_mut_doc *doc,
                           yyjson_mut_val *to);

/* label.c */

/** Makes the feed that labels and list entries are sent through, when there is none yet.
 * @return those of hec_feed_new */
HEC_CHECKED enum hec_status hec_desk_open_feed(struct hec_desk *desk, struct hec_error *error);

/** Sends a verdict on an alert to the input topic, as a label event, and waits until it is there.
 * @return HEC_OK, HEC_UNAVAILABLE, HEC_INVALID */
HEC_CHECKED enum hec_status hec_desk_send_label(struct hec_desk *desk,
                                                const struct hec_inbox_row *alert,
                                                const char *label, const char *fraud_type,
                                                int64_t now_ms, struct hec_error *error);

#endif
