/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to a frame between a switch and a node, or the next switch. */
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/view.h"
#include "sim/invariants.h"
#include "sim/sim.h"
#include "wire/eth.h"
#include "wire/ip6.h"

/* Frames on the wire are longer than in memory: preamble, frame check sequence, gap. */
#define LINK_OVERHEAD_BYTES 24u

/* True while a partition lasts; draws the next one when the last is over. */
static bool
is_partitioned(struct sim *sim, struct sim_link *link)
{
	const struct link_params *par = &link->par;

	if (par->partition_every_ms == 0 || sim->quiet_links)
		return false;
	if (link->partition_end_us <= sim->now_us) {
		/* Once over, or before the first: the next one is somewhere in the double mean. */
		link->partition_at_us =
			sim->now_us + (uint64_t)sim_below(sim, 2 * par->partition_every_ms) * 1000;
		link->partition_end_us = link->partition_at_us + 1000 +
					 (uint64_t)sim_below(sim, 2 * par->partition_for_ms) * 1000;
	}
	return sim->now_us >= link->partition_at_us;
}

/* Up to the end of the IP packet: what follows is padding to a receiver. */
static uint32_t
len_without_padding(const struct sim_frame *f)
{
	bool v6 = f->bytes[12] == 0x86;
	uint32_t len = load_be16(f->bytes + ETH_HDR_LEN + (v6 ? 4 : 2)) + (v6 ? IP6_HDR_LEN : 0u);

	return min_u32(f->len, ETH_HDR_LEN + len);
}

/* Every receiver refuses the frame; bad options are a matter of taste. */
static bool
is_refused(const struct sim_frame *f)
{
	struct view v;

	return view_parse(f->bytes, len_without_padding(f), &v) == VIEW_BAD &&
	       strcmp(v.why, "TCP options") != 0;
}

/*
 * Flip one to three bits of the IP packet. Flips that cancel out in the checksum are what no
 * receiver can see; one more bit makes the damage visible. ARP has no checksum, and Ethernet's own
 * is not simulated: such frames stay whole.
 */
static void
corrupt(struct rng *rng, struct sim_link *link, struct sim_frame *f)
{
	unsigned int bits = 1 + rng_below(rng, 3);

	if (f->len <= 14 + 20 || (f->bytes[12] != 0x08 && f->bytes[12] != 0x86) ||
		(f->bytes[12] == 0x08 && f->bytes[13] != 0x00))
		return;
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t bit = rng_below(rng, (f->len - 14) * 8);

		f->bytes[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (i + 1 >= bits && is_refused(f))
			break;
	}
	link->corrupted++;
}

/* When the last bit has left the switch, or SIM_NEVER if the queue is full. */
static uint64_t
pass_rate(struct sim *sim, struct sim_link *link, uint32_t len)
{
	const struct link_params *par = &link->par;
	uint64_t start = max_u64(sim->now_us, link->free_at_us), wait_us = start - sim->now_us;

	if (par->rate_bps == 0)
		return sim->now_us;
	if (par->queue_bytes > 0 && wait_us * par->rate_bps / 8000000 > par->queue_bytes)
		return SIM_NEVER;
	link->free_at_us =
		start + (uint64_t)(len + LINK_OVERHEAD_BYTES) * 8000000 / par->rate_bps + 1;
	return link->free_at_us;
}

/* What a router does with ECN when its queue is long: ECT becomes CE, and the checksum fits it. */
static void
mark(struct sim *sim, struct sim_link *link, struct sim_frame *f)
{
	const struct link_params *par = &link->par;
	uint64_t wait_us = max_u64(sim->now_us, link->free_at_us) - sim->now_us;
	uint8_t *ip = f->bytes + 14;
	uint32_t sum;

	if (par->mark_bytes == 0 || wait_us * par->rate_bps / 8000000 < par->mark_bytes)
		return;
	/* IPv6 has no checksum of its own, and TCP's does not cover these bits. */
	if (f->len >= 14 + 40 && f->bytes[12] == 0x86 && (ip[1] & 0x30) != 0) {
		ip[1] |= 0x30;
		link->marks++;
		return;
	}
	if (f->len < 14 + 20 || f->bytes[12] != 0x08 || f->bytes[13] != 0x00 || (ip[1] & 3) == 0)
		return;
	/* RFC 1624: HC' = ~(~HC + ~m + m'). */
	sum = (uint32_t)(uint16_t)~(ip[10] << 8 | ip[11]) + (uint16_t)~(ip[0] << 8 | ip[1]);
	ip[1] |= 3;
	sum += (uint32_t)(ip[0] << 8 | ip[1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
	link->marks++;
}

static bool
is_struck(const struct sim *sim, struct rng *rng, uint32_t ppm)
{
	return !sim->quiet_links && ppm > 0 && rng_chance_ppm(rng, ppm);
}

static void
deliver(struct sim *sim, struct sim_link *link, struct sim_node *to, struct rng *rng,
	struct sim_frame *frame)
{
	uint64_t at;

	mark(sim, link, frame);
	at = pass_rate(sim, link, frame->len);
	if (at == SIM_NEVER) {
		link->lost++;
		free(frame);
		return;
	}
	at += link->par.delay_us + rng_below(rng, link->par.jitter_us + 1);
	if (is_struck(sim, rng, link->par.reorder_ppm))
		at += link->par.reorder_us;
	sim_schedule_frame(sim, at, to, frame);
}

static struct sim_frame *
copy_frame(const struct sim_frame *frame)
{
	struct sim_frame *copy = malloc(sizeof(*copy) + frame->len);

	CHECK(copy != NULL, "out of memory");
	memcpy(copy, frame, sizeof(*copy) + frame->len);
	return copy;
}

/* True if frame was longer than what passes, and is no more. */
static bool
is_too_big(struct sim *sim, struct sim_link *link, struct sim_frame *frame)
{
	const struct link_params *par = &link->par;

	if (par->mtu == 0 || frame->len <= par->mtu + 14)
		return false;
	link->too_big++;
	if (!par->mtu_silent && frame->from != NULL)
		toobig_answer(sim, frame, par->mtu);
	if (par->mtu_silent && frame->from != NULL && frame->from->watch != NULL)
		watch_swallowed(frame->from->watch, sim->now_us, frame->bytes, frame->len);
	free(frame);
	return true;
}

void
link_send(struct sim *sim, struct sim_link *link, struct sim_node *to, struct sim_frame *frame)
{
	const struct link_params *par = &link->par;
	bool apart = sim->is_apart != NULL && sim->is_apart(frame->bytes, frame->len);
	struct rng *rng = apart ? &link->apart_rng : &sim->rng;

	link->frames++;
	link->bytes += frame->len;
	if (is_partitioned(sim, link) || is_struck(sim, rng, par->loss_ppm)) {
		link->lost++;
		free(frame);
		return;
	}
	if (is_too_big(sim, link, frame))
		return;
	if (is_struck(sim, rng, par->dup_ppm)) {
		link->dups++;
		deliver(sim, link, to, rng, copy_frame(frame));
	}
	if (is_struck(sim, rng, par->corrupt_ppm))
		corrupt(rng, link, frame);
	deliver(sim, link, to, rng, frame);
}
