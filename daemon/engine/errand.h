/*
 * An errand: one thing at a time that a second thread does for the engine while the engine goes on.
 *
 * From hec_errand_start until hec_errand_wait returns, whatever the errand works on belongs to its
 * thread; nothing else is shared, so nothing else needs a lock. The calls are for the engine's
 * thread alone.
 */
#ifndef HECATE_ENGINE_ERRAND_H
#define HECATE_ENGINE_ERRAND_H

#include <stdbool.h>

#include "hecate/status.h"

struct hec_errand;

/** Makes the thread; it takes no signals. @return HEC_OK, HEC_NO_MEMORY (or no thread) */
HEC_CHECKED enum hec_status hec_errand_new(struct hec_errand **ret);

/** Waits for what is under way. Accepts NULL. */
void hec_errand_free(struct hec_errand *errand);

/** Sets it off: run(context) on the other thread. None may be under way. */
void hec_errand_start(struct hec_errand *errand, void (*run)(void *context), void *context);

/** True from start until wait, also when the thread is long done. */
bool hec_errand_is_under_way(const struct hec_errand *errand);

/** True when hec_errand_wait would not wait. */
bool hec_errand_is_done(struct hec_errand *errand);

/** Returns when hec_errand_wait would not wait any more, but after wait_ms at the latest. */
void hec_errand_look(struct hec_errand *errand, int wait_ms);

/** Returns when what was started, if anything, is done; what run wrote can then be read. */
void hec_errand_wait(struct hec_errand *errand);

#endif
