/* SPDX-License-Identifier: BSD-3-Clause */
/* The watcher's memory: a hash table of flows, and the runs of each stream that have arrived. */
#include "sim/flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/seq32.h"
#include "lib/fail.h"

#define GAPS_MAX 128u
#define BUCKETS_MIN 256u
/** Forgotten when silent for so long: beyond every timer of a half-open connection. */
#define FORGET_STRANGER_US (15ull * 60 * 1000000)

struct flows {
	struct flow **buckets;
	size_t mask, count;
};

/* --- the table ------------------------------------------------------------------------------ */

static void
new_buckets(struct flows *t, size_t n)
{
	t->buckets = calloc(n, sizeof(struct flow *));
	CHECK(t->buckets != NULL, "out of memory");
	t->mask = n - 1;
	t->count = 0;
}

struct flows *
flows_new(void)
{
	struct flows *t = calloc(1, sizeof(*t));

	CHECK(t != NULL, "out of memory");
	new_buckets(t, BUCKETS_MIN);
	return t;
}

static void
free_flow(struct flow *f)
{
	free(f->in.run);
	for (unsigned int i = 0; i < FLOW_CALLS_MAX; i++)
		free(f->calls[i].run);
	free(f);
}

void
flows_forget(struct flows *t)
{
	for (size_t i = 0; i <= t->mask; i++)
		while (t->buckets[i] != NULL) {
			struct flow *f = t->buckets[i];

			t->buckets[i] = f->next;
			free_flow(f);
		}
	t->count = 0;
}

void
flows_free(struct flows *t)
{
	flows_forget(t);
	free(t->buckets);
	free(t);
}

static size_t
hash_of(const struct flow_id *id)
{
	uint64_t h = (uint64_t)id->rport << 16 | id->lport, w;

	for (unsigned int i = 0; i < 16; i += 8) {
		memcpy(&w, id->rip + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
		memcpy(&w, id->lip + i, 8);
		h = (h ^ h >> 29 ^ w) * 0xbf58476d1ce4e5b9ULL;
	}
	return (size_t)(h ^ h >> 32);
}

static bool
is_same(const struct flow_id *a, const struct flow_id *b)
{
	return a->rport == b->rport && a->lport == b->lport && memcmp(a->rip, b->rip, 16) == 0 &&
	       memcmp(a->lip, b->lip, 16) == 0;
}

static void
insert(struct flows *t, struct flow *f)
{
	size_t i = hash_of(&f->id) & t->mask;

	f->next = t->buckets[i];
	t->buckets[i] = f;
	t->count++;
}

/* Twice the room for what is left when strangers are forgotten. */
static void
grow(struct flows *t, uint64_t now_us)
{
	struct flow **old = t->buckets;
	size_t old_mask = t->mask;

	new_buckets(t, (old_mask + 1) * 2);
	for (size_t i = 0; i <= old_mask; i++) {
		struct flow *f = old[i], *next;

		for (; f != NULL; f = next) {
			next = f->next;
			if (!f->verified && now_us - f->seen_us > FORGET_STRANGER_US)
				free_flow(f);
			else
				insert(t, f);
		}
	}
	free(old);
}

struct flow *
flows_find(struct flows *t, const struct flow_id *id, uint64_t now_us)
{
	struct flow *f = t->buckets[hash_of(id) & t->mask];

	while (f != NULL && !is_same(&f->id, id))
		f = f->next;
	if (f == NULL) {
		if (t->count > t->mask)
			grow(t, now_us);
		f = calloc(1, sizeof(*f));
		CHECK(f != NULL, "out of memory");
		f->id = *id;
		insert(t, f);
	}
	f->seen_us = now_us;
	return f;
}

/* --- streams -------------------------------------------------------------------------------- */

static bool
make_room(struct stream *s)
{
	if (s->gaps < s->gaps_cap)
		return true;
	if (s->gaps_cap == GAPS_MAX)
		return false;
	s->gaps_cap = s->gaps_cap == 0 ? 8 : s->gaps_cap * 2;
	s->run = realloc(s->run, s->gaps_cap * sizeof(s->run[0]));
	CHECK(s->run != NULL, "out of memory");
	return true;
}

/* Runs are few and short-lived: a sorted array does. */
static void
add_run(struct stream *s, uint32_t left, uint32_t right)
{
	unsigned int i = 0, n;

	while (i < s->gaps && seq32_lt(s->run[i][1], left))
		i++;
	for (n = i; n < s->gaps && seq32_leq(s->run[n][0], right); n++) {
		left = seq32_min(left, s->run[n][0]);
		right = seq32_max(right, s->run[n][1]);
	}
	if (n == i && !make_room(s)) {
		s->fuzzy = true;
		return;
	}
	/* Runs i .. n - 1 become one; none: one is inserted. */
	memmove(&s->run[i + 1], &s->run[n], (s->gaps - n) * sizeof(s->run[0]));
	s->gaps = s->gaps - (n - i) + 1;
	s->run[i][0] = left;
	s->run[i][1] = right;
}

static void
add(struct stream *s, uint32_t left, uint32_t right)
{
	if (!s->known || seq32_lt(left, s->isn))
		return;
	if (seq32_gt(right, s->end))
		s->end = right;
	if (seq32_leq(right, s->next))
		return;
	if (seq32_gt(left, s->next)) {
		add_run(s, left, right);
		return;
	}
	s->next = right;
	while (s->gaps > 0 && seq32_leq(s->run[0][0], s->next)) {
		s->next = seq32_max(s->next, s->run[0][1]);
		s->gaps--;
		memmove(&s->run[0], &s->run[1], s->gaps * sizeof(s->run[0]));
	}
	if (s->gaps == 0 && s->next == s->end)
		s->fuzzy = false;
}

static void
see_fin(struct stream *s, uint32_t end)
{
	if (!s->known || seq32_leq(end, s->isn))
		return;
	s->fin = true;
	s->fin_end = end;
}

static bool
covers(const struct stream *s, uint32_t ack)
{
	return s->known && seq32_leq(ack, s->fuzzy ? s->end : s->next) && seq32_geq(ack, s->isn);
}

/* --- of a flow ------------------------------------------------------------------------------ */

bool
flow_called(struct flow *f, uint32_t isn, int ws)
{
	struct stream *s;

	if (f->in.known && f->in.isn == isn)
		return false;
	for (unsigned int i = 0; i < FLOW_CALLS_MAX; i++)
		if (f->calls[i].known && f->calls[i].isn == isn)
			return false;
	f->call_last = (f->call_last + 1) % FLOW_CALLS_MAX;
	s = &f->calls[f->call_last];
	free(s->run);
	*s = (struct stream){
		.known = true,
		.isn = isn,
		.next = isn,
		.end = isn,
		.ws_offered = ws >= 0,
		.ws = ws >= 0 ? (uint8_t)min_u32((uint32_t)ws, 14) : 0,
	};
	return true;
}

void
flow_arrived(struct flow *f, uint32_t left, uint32_t right, bool fin)
{
	add(&f->in, left, right);
	if (fin)
		see_fin(&f->in, right);
	for (unsigned int i = 0; i < FLOW_CALLS_MAX; i++) {
		add(&f->calls[i], left, right);
		if (fin)
			see_fin(&f->calls[i], right);
	}
}

bool
flow_acknowledge(struct flow *f, uint32_t ack, bool is_syn)
{
	/* Our first acknowledgement says which SYN we took. */
	for (unsigned int i = 0; (is_syn || !f->acked) && i < FLOW_CALLS_MAX; i++) {
		struct stream *s = &f->calls[(f->call_last + FLOW_CALLS_MAX - i) % FLOW_CALLS_MAX];

		if (!covers(s, ack))
			continue;
		free(f->in.run);
		f->in = *s;
		*s = (struct stream){ 0 };
		f->acked = false;
		return true;
	}
	return covers(&f->in, ack);
}

void
flow_keep_synack(struct flow *f, const struct synack *last)
{
	f->before[f->before_count++ % FLOW_SYNACKS_MAX] = *last;
}

const struct synack *
flow_synack_before(const struct flow *f, uint32_t ack)
{
	unsigned int n = min_u32(f->before_count, FLOW_SYNACKS_MAX);

	for (unsigned int i = 0; i < n; i++)
		if (f->before[i].iss + 1 == ack)
			return &f->before[i];
	return NULL;
}

const struct stream *
flow_stream(const struct flow *f)
{
	const struct stream *call = &f->calls[f->call_last];

	return !f->acked && call->known ? call : &f->in;
}
