/*
 * The demo: a bank made up, a model trained on its past, and the daemon itself watching its
 * present.
 *
 *   demo_stage.c   a temporary directory, the processes in it, and how all of it goes away
 *   demo_crowd.c   the stream sent at a pace, what comes back, and when
 *   demo_show.c    what a person sees: progress, alerts, the table at the end
 *   cmd_demo.c     the order of things
 */
#ifndef HECATE_CLI_DEMO_H
#define HECATE_CLI_DEMO_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "file/lines.h"
#include "hecate/event.h"
#include "kafka/feed.h"
#include "kafka/mock.h"
#include "ops/histogram.h"

#define HEC_DEMO_HEADS 3
#define HEC_DEMO_EVENTS "hecate.events"
#define HEC_DEMO_ALERTS "hecate.alerts"
#define HEC_DEMO_SCORES "hecate.scores"
#define HEC_DEMO_DEAD "hecate.dead"

/* What the truth says of an event, beyond the heads' own crimes 0 .. HEC_DEMO_HEADS-1. */
enum { HEC_DEMO_ORDINARY = 100, HEC_DEMO_LEFT_OUT };

/* One event of the stream, by the number in its id. */
struct hec_demo_event {
    int64_t sent_us; /* 0: not yet */
    uint8_t truth;   /* a head, HEC_DEMO_ORDINARY or HEC_DEMO_LEFT_OUT */
    bool live;       /* sent after the past was over */
};

struct hec_demo_tally {
    uint64_t alerts, hits, other_crimes, left_out;
    uint64_t crimes, found; /* events that the truth lists; those of them with an alert */
};

struct hec_demo {
    char directory[PATH_MAX / 2];
    char program[PATH_MAX / 2]; /* this one */
    char daemon[PATH_MAX];
    pid_t redis, hecated; /* 0: not running */
    struct hec_mock *mock;
    struct hec_feed *feed;
    struct hec_tap *alerts, *scores;
    struct hec_lines *lines;
    struct hec_decoder *decoder;
    bool terminal;
    double rate; /* events/s of the present */
    int64_t live_from_ms;

    struct hec_demo_event *events;
    uint64_t events_count;            /* room */
    uint64_t sent, sent_live, scored; /* scored: score records come back */
    uint64_t awaited;                 /* events sent that will get a score */
    struct hec_histogram latency_us;
    struct hec_demo_tally tally[HEC_DEMO_HEADS];
    uint64_t alerts_seen, alerts_shown;
    int64_t begun_us, live_begun_us, shown_us, told_us;
    int64_t head_shown_us[HEC_DEMO_HEADS];
};

/* Set by SIGINT and SIGTERM. */
extern volatile sig_atomic_t hec_demo_stopped;

extern const char *const hec_demo_head_names[HEC_DEMO_HEADS];

int64_t hec_demo_now_us(void);
/** Waits without minding signals. */
void hec_demo_wait_ms(int ms);

/* ---- demo_stage.c: all tell a failure on standard error and return false. */

/** Makes the directory, finds the programs, minds the signals. */
bool hec_demo_stage_open(struct hec_demo *demo);
/** Ends the processes, stops the brokers, removes the directory. Safe to call at any time. */
void hec_demo_stage_close(struct hec_demo *demo);
/** A path in the directory; thirty-two of them live at a time. */
const char *hec_demo_path(const struct hec_demo *demo, const char *name);
/** Runs this program with the arguments (ended by NULL) to its end; its words go to a log. */
bool hec_demo_run(struct hec_demo *demo, const char *const *arguments);
/** Starts brokers, topics, Redis and hecated with the model, and waits until it is ready. */
bool hec_demo_start(struct hec_demo *demo);

/* ---- demo_crowd.c */

/** Reads the truth; makes room for so many events. */
bool hec_demo_crowd_open(struct hec_demo *demo, const char *events, const char *truth);
void hec_demo_crowd_close(struct hec_demo *demo);
/** Sends the past as fast as it is scored, then the present at the demo's rate. */
bool hec_demo_play(struct hec_demo *demo);

/* ---- demo_show.c */
void hec_demo_say(const struct hec_demo *demo, const char *format, ...) HEC_PRINTF(2, 3);
/** An alert's JSON: counted against the truth and, now and then, shown. */
void hec_demo_show_alert(struct hec_demo *demo, const char *json, size_t length);
void hec_demo_show_progress(struct hec_demo *demo, bool live);
void hec_demo_show_table(struct hec_demo *demo);

#endif
