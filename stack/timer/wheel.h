/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel: a timer per id, exact to the millisecond; arming it again is often one store. */
#ifndef TIMER_WHEEL_H
#define TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/seq32.h"

/*
 * Four levels of 256 slots, each level one byte of the time in milliseconds:
 *
 *     expires   31     24 23     16 15      8 7       0
 *               | level 3 | level 2 | level 1 | level 0 |
 *     a slot    4.7 h     65.5 s    256 ms    1 ms
 *
 * A timer is linked at the highest byte in which its time differs from the clock's, in the slot of
 * that byte's value; one that is due is in the clock's own slot of level 0. When the clock enters a
 * slot of a higher level, its timers move down (they cascade). So whatever is linked in a lower
 * level comes before anything of a higher one, and the next slot in use is found in four bitmaps.
 *
 * A timer that is armed again for later stays where it is: only its time is stored, and it moves
 * when the clock gets to the slot it is in. That is what a connection does with every ACK.
 *
 * Times are milliseconds of a clock that wraps at 2^32 and compared by signed difference. So
 * wheel_advance must run at least once in WHEEL_AHEAD_MAX_MS (24.8 days), and a timer may be no
 * further ahead of the wheel's clock than that.
 */
#define WHEEL_LEVELS 4u
#define WHEEL_SLOTS 256u
#define WHEEL_HEADS (WHEEL_LEVELS * WHEEL_SLOTS)
#define WHEEL_AHEAD_MAX_MS 0x7fffffffu

/** Most ids a wheel can be made for; 12 bytes each. */
#define WHEEL_IDS_MAX (1u << 30)

/** Timers one wheel_advance looks at per one it may fire: arming causes three moves at most. */
#define WHEEL_LOOKS_PER_FIRE 4u

/** nodes[].next of a timer that is not armed. */
#define WHEEL_NONE UINT32_MAX

/** A timer, or the head of a slot's circular list. Indices are into struct wheel's nodes. */
struct wheel_node {
	uint32_t next; /* WHEEL_NONE: not armed */
	uint32_t prev;
	uint32_t expires_ms; /* of an armed timer; unused in heads */
};

struct wheel {
	struct wheel_node *nodes; /* WHEEL_HEADS list heads, then the ids */
	uint32_t now_ms; /* the clock: everything before it has fired */
	uint32_t armed; /* timers armed: its gauge */
	uint32_t ids_max;
	struct mem_source mem; /* of the nodes */
	uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit per slot that is not empty */
};

/** Make a wheel for ids 0 .. ids_max - 1, none armed, its clock at now_ms. -EINVAL, -ENOMEM. */
int wheel_init(
	struct wheel *w, uint32_t ids_max, uint32_t now_ms, const struct mem_source *mem);
void wheel_fini(struct wheel *w);

/** The general half of wheel_arm. */
void wheel_relink(struct wheel *w, uint32_t id, uint32_t expires_ms);

/** Disarm; nothing happens to a timer that is not armed. */
void wheel_stop(struct wheel *w, uint32_t id);

/**
 * Move the clock to now_ms and take out timers that are due, at most fired_max (at least 1), into
 * fired[], earliest first; those of one millisecond come in an order that depends on the calls
 * made so far alone. Returns how many. None fires early. The work is bounded: fired_max timers
 * fired and WHEEL_LOOKS_PER_FIRE times as many looked at, however far the clock jumps. When that
 * does not suffice, the clock stops on the way and wheel_next() says to call again; 0 fired does
 * not mean that nothing is due. A now_ms before the clock counts as the clock.
 *
 * The ids in fired[] are no longer armed; any may be armed again, or stopped, while the caller
 * works through them. An id whose handling stops or frees a later one of fired[] must leave a mark
 * that the caller checks: the wheel has already forgotten that one.
 */
unsigned int wheel_advance(
	struct wheel *w, uint32_t now_ms, uint32_t *fired, unsigned int fired_max);

/**
 * When wheel_advance has something to do next: no timer fires before, and a call at that time fires
 * or moves one (a slot of a higher level starts before its timers expire). At or before the clock
 * means now. False, and *at_ms untouched, when nothing is armed.
 */
bool wheel_next(const struct wheel *w, uint32_t *at_ms);

/** Have a timer on its way before it is asked for. */
static inline void
wheel_prefetch(const struct wheel *w, uint32_t id)
{
	prefetch0(&w->nodes[WHEEL_HEADS + id]);
}

static inline bool
wheel_is_armed(const struct wheel *w, uint32_t id)
{
	return w->nodes[WHEEL_HEADS + id].next != WHEEL_NONE;
}

/** When an armed timer fires, in milliseconds; see wheel_arm for a time in the past. */
static inline uint32_t
wheel_expires(const struct wheel *w, uint32_t id)
{
	return w->nodes[WHEEL_HEADS + id].expires_ms;
}

/**
 * Arm a timer, or arm it anew. A time before the wheel's clock counts as the clock's time: it fires
 * at the next wheel_advance. At most WHEEL_AHEAD_MAX_MS ahead of the clock.
 */
static inline void
wheel_arm(struct wheel *w, uint32_t id, uint32_t expires_ms)
{
	struct wheel_node *node = &w->nodes[WHEEL_HEADS + id];

	ASSERT(id < w->ids_max);
	expires_ms = seq32_max(expires_ms, w->now_ms);
	if (node->next != WHEEL_NONE && seq32_geq(expires_ms, node->expires_ms))
		node->expires_ms = expires_ms;
	else
		wheel_relink(w, id, expires_ms);
}

#endif
