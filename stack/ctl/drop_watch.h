/* SPDX-License-Identifier: BSD-3-Clause */
/* When each outcome last happened, found out by the control thread: workers only count. */
#ifndef CTL_DROP_WATCH_H
#define CTL_DROP_WATCH_H

#include <stdint.h>

#include "conf/counters.h"

/** Time between two looks, and so how exact the answer is. */
#define DROP_WATCH_MS 100u

/** All zero: nothing was seen yet. */
struct drop_watch {
	uint64_t seen[OUTCOME_MAX]; /* as of the last look */
	uint64_t moved_us[OUTCOME_MAX]; /* of the look that found more; 0: never */
};

/** Note what has grown; now is the control thread's clock, of whole workers the sum. */
void drop_watch_look(struct drop_watch *watch, const struct counters *sum, uint64_t now_us);

/** Microseconds since an outcome last happened; UINT64_MAX: it never did. */
uint64_t drop_watch_age(const struct drop_watch *watch, enum outcome out, uint64_t now_us);

#endif
