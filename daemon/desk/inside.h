/*
 * The inside of the desk, shared by its files.
 */
#ifndef HECATE_DESK_INSIDE_H
#define HECATE_DESK_INSIDE_H

#include <pthread.h>

#include "desk/desk.h"

#define DESK_QUEUE 256 /* more than there can be connections */

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

    int64_t log_until_ms; /* when the level goes back; 0: not */
    int log_before;
};

#endif
