/* SPDX-License-Identifier: BSD-3-Clause */
/* Compares snapshots of the outcomes. */
#include "ctl/drop_watch.h"

#include "base/compiler.h"

/*
 * A time stamp for each drop would be a store more for every packet of a flood. Ten looks a second
 * cost a worker ten times the few cache lines that its counters fill, and nothing else.
 */
void
drop_watch_look(struct drop_watch *watch, const struct counters *sum, uint64_t now_us)
{
	unsigned int i;

	for (i = 0; i < OUTCOME_MAX; i++) {
		if (sum->outcome[i] == watch->seen[i])
			continue;
		watch->seen[i] = sum->outcome[i];
		watch->moved_us[i] = max_u64(now_us, 1);
	}
}

uint64_t
drop_watch_age(const struct drop_watch *watch, enum outcome out, uint64_t now_us)
{
	uint64_t moved_us = watch->moved_us[out];

	if (moved_us == 0)
		return UINT64_MAX;
	return now_us > moved_us ? now_us - moved_us : 0;
}
