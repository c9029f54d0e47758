/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel: linking, and the clock's way from slot to slot. */
#include <errno.h>
#include <string.h>

#include "timer/wheel.h"

#include "base/assert.h"
#include "base/compiler.h"

/* Bits of the time per level. */
#define LEVEL_BITS 8u

_Static_assert(1u << LEVEL_BITS == WHEEL_SLOTS, "a level is one byte of the time");
_Static_assert(32 / LEVEL_BITS == WHEEL_LEVELS, "the levels cover the whole time");

int
wheel_init(struct wheel *w, uint32_t ids_max, uint32_t now_ms, const struct mem_source *mem)
{
	memset(w, 0, sizeof(*w));
	if (ids_max == 0 || ids_max > WHEEL_IDS_MAX)
		return -EINVAL;
	w->mem = *mem;
	w->nodes = mem_take(mem, (size_t)WHEEL_HEADS + ids_max, sizeof(w->nodes[0]));
	if (w->nodes == NULL)
		return -ENOMEM;
	w->now_ms = now_ms;
	w->ids_max = ids_max;
	for (uint32_t i = 0; i < WHEEL_HEADS; i++)
		w->nodes[i].next = w->nodes[i].prev = i;
	for (uint32_t i = 0; i < ids_max; i++)
		w->nodes[WHEEL_HEADS + i].next = WHEEL_NONE;
	return 0;
}

void
wheel_fini(struct wheel *w)
{
	mem_give(&w->mem, w->nodes, (size_t)WHEEL_HEADS + w->ids_max, sizeof(w->nodes[0]));
	memset(w, 0, sizeof(*w));
}

/* The slot of a level that a time falls into; its list head is at the same index of nodes. */
static uint32_t
slot_at(uint32_t level, uint32_t at_ms)
{
	return level * WHEEL_SLOTS + (at_ms >> level * LEVEL_BITS) % WHEEL_SLOTS;
}

static bool
slot_is_used(const struct wheel *w, uint32_t slot)
{
	return w->used[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS / 64] >> slot % 64 & 1;
}

/* Append node i to the slot that its time and the clock ask for. */
static void
link_node(struct wheel *w, uint32_t i)
{
	struct wheel_node *node = &w->nodes[i];
	uint32_t differs = node->expires_ms ^ w->now_ms;
	uint32_t level = differs == 0 ? 0 : (31 - (uint32_t)__builtin_clz(differs)) / LEVEL_BITS;
	uint32_t head = slot_at(level, node->expires_ms);

	node->next = head;
	node->prev = w->nodes[head].prev;
	w->nodes[node->prev].next = i;
	w->nodes[head].prev = i;
	w->used[level][head % WHEEL_SLOTS / 64] |= 1ULL << head % 64;
}

static void
unlink_node(struct wheel *w, uint32_t i)
{
	struct wheel_node *node = &w->nodes[i];
	uint32_t next = node->next;
	uint32_t prev = node->prev;

	w->nodes[next].prev = prev;
	w->nodes[prev].next = next;
	/* Only the last one of a list has its head on both sides. */
	if (next == prev)
		w->used[next / WHEEL_SLOTS][next % WHEEL_SLOTS / 64] &= ~(1ULL << next % 64);
	node->next = WHEEL_NONE;
}

void
wheel_relink(struct wheel *w, uint32_t id, uint32_t expires_ms)
{
	uint32_t i = WHEEL_HEADS + id;

	ASSERT(seq32_geq(expires_ms, w->now_ms));
	if (w->nodes[i].next != WHEEL_NONE)
		unlink_node(w, i);
	else
		w->armed++;
	w->nodes[i].expires_ms = expires_ms;
	link_node(w, i);
}

void
wheel_stop(struct wheel *w, uint32_t id)
{
	ASSERT(id < w->ids_max);
	if (!wheel_is_armed(w, id))
		return;
	unlink_node(w, WHEEL_HEADS + id);
	w->armed--;
}

/* The first used slot of a level in from .. to - 1, or to. */
static uint32_t
used_between(const struct wheel *w, uint32_t level, uint32_t from, uint32_t to)
{
	while (from < to) {
		uint64_t bits = w->used[level][from / 64] >> from % 64;

		if (bits != 0)
			return min_u32(from + (uint32_t)__builtin_ctzll(bits), to);
		from = (from / 64 + 1) * 64;
	}
	return to;
}

/*
 * The start of the next slot in use after the clock's own; false when there is none. The lower
 * levels come first, and none of them goes round: what lies beyond the end of the byte is one level
 * up. Only level 3 does, with the clock itself.
 */
static bool
next_slot(const struct wheel *w, uint32_t *at_ms)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint32_t shift = level * LEVEL_BITS;
		uint32_t here = (w->now_ms >> shift) % WHEEL_SLOTS;
		uint32_t slot = used_between(w, level, here + 1, WHEEL_SLOTS);

		if (slot == WHEEL_SLOTS && level == WHEEL_LEVELS - 1) {
			slot = used_between(w, level, 0, here);
			if (slot == here)
				return false;
		}
		if (slot < WHEEL_SLOTS) {
			*at_ms = ((w->now_ms >> shift) - here + slot) << shift;
			return true;
		}
	}
	return false;
}

/* True when some timer is in a slot the clock stands in, and so has to fire or to move. */
static bool
has_work(const struct wheel *w)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++)
		if (slot_is_used(w, slot_at(level, w->now_ms)))
			return true;
	return false;
}

bool
wheel_next(const struct wheel *w, uint32_t *at_ms)
{
	if (w->armed == 0)
		return false;
	if (has_work(w)) {
		*at_ms = w->now_ms;
		return true;
	}
	return next_slot(w, at_ms);
}

/* What one wheel_advance may still do. */
struct advance {
	uint32_t *fired;
	unsigned int fired_count;
	unsigned int fired_max;
	unsigned int looks;
};

/* Empty one of the slots the clock stands in. False when the budget ends before the slot does. */
static bool
drain_slot(struct wheel *w, uint32_t head, struct advance *adv)
{
	for (;;) {
		uint32_t i = w->nodes[head].next;

		if (i == head)
			return true;
		if (adv->looks == 0)
			return false;
		adv->looks--;
		prefetch0(&w->nodes[w->nodes[i].next]);
		if (seq32_gt(w->nodes[i].expires_ms, w->now_ms)) {
			unlink_node(w, i);
			link_node(w, i);
			continue;
		}
		if (adv->fired_count == adv->fired_max)
			return false;
		unlink_node(w, i);
		w->armed--;
		adv->fired[adv->fired_count++] = i - WHEEL_HEADS;
	}
}

unsigned int
wheel_advance(struct wheel *w, uint32_t now_ms, uint32_t *fired, unsigned int fired_max)
{
	struct advance adv = {
		.fired = fired,
		.fired_max = fired_max,
		.looks = fired_max * WHEEL_LOOKS_PER_FIRE,
	};

	ASSERT(fired_max > 0);
	ASSERT(fired_max <= WHEEL_IDS_MAX);
	now_ms = seq32_max(now_ms, w->now_ms);
	for (;;) {
		uint32_t next_ms;

		for (uint32_t level = 0; level < WHEEL_LEVELS; level++)
			if (!drain_slot(w, slot_at(level, w->now_ms), &adv))
				return adv.fired_count;
		if (!next_slot(w, &next_ms) || seq32_gt(next_ms, now_ms)) {
			/* No slot in use is passed over, so every link stays right. */
			w->now_ms = now_ms;
			return adv.fired_count;
		}
		w->now_ms = next_ms;
	}
}
