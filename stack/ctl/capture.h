/* SPDX-License-Identifier: BSD-3-Clause */
/* The one capture that may be under way: its memory, and the workers that have it. */
#ifndef CTL_CAPTURE_H
#define CTL_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/mailbox.h"
#include "worker/tap.h"

/** For mail_hub_create(); NULL without memory. */
struct capture *capture_create(unsigned int workers);
void capture_destroy(struct capture *c);

/**
 * Have every worker copy frames, each to size bytes (rounded up to a power of two). -EBUSY: another
 * capture is under way, or its end is; -ENOMEM.
 */
int capture_begin(struct mail_hub *hub, const struct tap_filter *filter, uint32_t snap_len,
	uint32_t size);

/** Does every worker copy by now? */
bool capture_is_on(const struct mail_hub *hub);

/** What the oldest record says, of all workers; its number, or -1: there is none. */
int capture_peek(const struct mail_hub *hub, struct tap_record *out);

/** Take the oldest record of this worker; data has room for TAP_SNAP_MAX. */
void capture_take(
	struct mail_hub *hub, unsigned int worker, struct tap_record *out, uint8_t *data);

/** Frames that found no room since it began. */
uint64_t capture_lost(const struct mail_hub *hub);

/** Tell the workers to stop; they have until capture_poll() has seen them all. */
void capture_end(struct mail_hub *hub);

/** Go on with an end; after each mail_collect(). */
void capture_poll(struct mail_hub *hub);

#endif
