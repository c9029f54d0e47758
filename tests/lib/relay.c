/* SPDX-License-Identifier: BSD-3-Clause */
/* One way of a link: fates by chance, one queue before the wire, a heap of what is on the way. */
#include "lib/relay.h"

#include <string.h>

#include "base/compiler.h"
#include "base/csum.h"

#define ETHER 14u
#define TYPE_IP4 0x0800u
#define TYPE_IP6 0x86ddu
#define PROTO_TCP 6u
#define TCP_SYN 2u
#define ECN_CE 3u

void
relay_init(struct relay_way *w)
{
	static const struct relay_rules none;

	w->wire_free_ns = 0;
	w->next_number = 0;
	w->held = 0;
	for (uint32_t i = 0; i < RELAY_FRAMES; i++)
		w->heap[i] = (uint16_t)i;
	relay_begin(w, &none, 0);
}

void
relay_begin(struct relay_way *w, const struct relay_rules *rules, uint64_t seed)
{
	w->rules = *rules;
	memset(&w->counts, 0, sizeof(w->counts));
	rng_seed(&w->rng, seed);
	w->to_lose = 0;
}

/* --- frames ---------------------------------------------------------------------------------- */

static bool
is_ip4(const uint8_t *b, uint32_t len)
{
	return len >= ETHER + 20 && load_be16(b + 12) == TYPE_IP4;
}

static bool
is_ip6(const uint8_t *b, uint32_t len)
{
	return len >= ETHER + 40 && load_be16(b + 12) == TYPE_IP6;
}

static bool
is_tcp(const uint8_t *b, uint32_t len)
{
	return (is_ip4(b, len) && b[ETHER + 9] == PROTO_TCP) ||
		(is_ip6(b, len) && b[ETHER + 6] == PROTO_TCP);
}

static bool
is_syn(const uint8_t *b, uint32_t len)
{
	uint32_t flags = ETHER + (is_ip4(b, len) ? (b[ETHER] & 15u) * 4 : 40u) + 13;

	return is_tcp(b, len) && flags < len && (b[flags] & TCP_SYN) != 0;
}

/* Sets CE where the sender understands it (RFC 3168 s5); returns false where it does not. */
static bool
mark(uint8_t *b, uint32_t len)
{
	uint8_t *ip = b + ETHER;
	unsigned int header = (ip[0] & 15u) * 4;
	uint16_t sum;

	if (is_ip6(b, len)) {
		if ((ip[1] & 0x30) == 0)
			return false;
		ip[1] |= ECN_CE << 4;
		return true;
	}
	if ((ip[1] & ECN_CE) == 0 || header < 20 || ETHER + header > len)
		return false;
	ip[1] |= ECN_CE;
	memset(ip + 10, 0, 2);
	sum = csum_finish(csum_partial(ip, header, 0));
	memcpy(ip + 10, &sum, 2);
	return true;
}

/* --- the heap -------------------------------------------------------------------------------- */

static bool
is_before(const struct relay_way *w, uint32_t a, uint32_t b)
{
	const struct relay_frame *x = &w->frames[w->heap[a]], *y = &w->frames[w->heap[b]];

	return x->due_ns != y->due_ns ? x->due_ns < y->due_ns : x->number < y->number;
}

static void
swap(struct relay_way *w, uint32_t a, uint32_t b)
{
	uint16_t index = w->heap[a];

	w->heap[a] = w->heap[b];
	w->heap[b] = index;
}

static void
sift_up(struct relay_way *w, uint32_t at)
{
	while (at > 0 && is_before(w, at, (at - 1) / 2)) {
		swap(w, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void
sift_down(struct relay_way *w)
{
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < w->held && is_before(w, child + 1, child))
			child++;
		if (child >= w->held || !is_before(w, child, at))
			return;
		swap(w, child, at);
		at = child;
	}
}

/* --- fates ----------------------------------------------------------------------------------- */

struct fate {
	bool is_lost, is_marked, is_late;
};

/* Always as many numbers, so that one rule does not change what another does. */
static struct fate
draw(struct relay_way *w)
{
	const struct relay_rules *r = &w->rules;
	bool begins = rng_chance_ppm(&w->rng, r->loss_ppm);
	struct fate fate = { .is_marked = rng_chance_ppm(&w->rng, r->mark_ppm) };

	fate.is_late = rng_chance_ppm(&w->rng, r->reorder_ppm);
	if (begins && w->to_lose == 0)
		w->to_lose = r->burst > 0 ? r->burst : 1;
	fate.is_lost = w->to_lose > 0;
	w->to_lose -= fate.is_lost;
	return fate;
}

/* Puts len bytes on the wire behind what waits there; returns false if the queue is full. */
static bool
transmit(struct relay_way *w, uint64_t now_ns, uint32_t len)
{
	const struct relay_rules *r = &w->rules;
	uint64_t begin_ns = w->wire_free_ns > now_ns ? w->wire_free_ns : now_ns;

	if (r->rate_bps == 0) {
		w->wire_free_ns = now_ns;
		return true;
	}
	if (r->queue_bytes > 0 &&
		(begin_ns - now_ns) / 1000 * (r->rate_bps / 1000) / 8000 + len > r->queue_bytes)
		return false;
	w->wire_free_ns = begin_ns + (uint64_t)len * 8 * 1000000000 / r->rate_bps;
	return true;
}

void
relay_put(struct relay_way *w, uint64_t now_ns, const uint8_t *frame, uint32_t len)
{
	struct fate fate = { 0 };
	struct relay_frame *f;

	w->counts.frames++;
	w->counts.bytes += len;
	if (len > RELAY_FRAME_MAX) {
		w->counts.oversized++;
		return;
	}
	if (is_tcp(frame, len) && !(w->rules.spare_syns != 0 && is_syn(frame, len)))
		fate = draw(w);
	if (fate.is_lost) {
		w->counts.lost++;
		return;
	}
	if (w->held == RELAY_FRAMES || !transmit(w, now_ns, len)) {
		w->counts.full++;
		return;
	}
	f = &w->frames[w->heap[w->held]];
	memcpy(f->b, frame, len);
	f->len = (uint16_t)len;
	f->number = w->next_number++;
	f->due_ns = w->wire_free_ns + w->rules.delay_ns;
	if (fate.is_late) {
		f->due_ns += w->rules.reorder_ns;
		w->counts.reordered++;
	}
	if (fate.is_marked && mark(f->b, len))
		w->counts.marked++;
	sift_up(w, w->held++);
}

uint64_t
relay_due_ns(const struct relay_way *w)
{
	return w->held == 0 ? UINT64_MAX : w->frames[w->heap[0]].due_ns;
}

const struct relay_frame *
relay_take(struct relay_way *w, uint64_t now_ns)
{
	const struct relay_frame *f = &w->frames[w->heap[0]];

	if (w->held == 0 || f->due_ns > now_ns)
		return NULL;
	/* Its place goes behind the heap, where the next frame will be written. */
	swap(w, 0, --w->held);
	sift_down(w);
	w->counts.passed++;
	w->counts.passed_bytes += f->len;
	return f;
}
