/* SPDX-License-Identifier: BSD-3-Clause */
/* Storage of datagrams under way: a keyed hash table of fixed size, lists by age and by source. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/reass.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "pkt/pool.h"
#include "wire/eth.h"
#include "wire/flow.h"
#include "wire/ip4.h"

#define UNIT 8u
#define BUCKETS REASS_ROWS

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a mask picks a bucket");
_Static_assert(REASS_BYTES_MAX % (UNIT * 64) == 0, "whole words of units");
_Static_assert(REASS_ROWS < REASS_NONE, "an index fits");

/* --- rows ----------------------------------------------------------------------------------- */

static uint16_t
index_of(const struct reass_table *t, const struct reass_row *r)
{
	return (uint16_t)(r - t->rows);
}

/* The family stands in the key where flow_key_make() puts it. */
static unsigned int
is_v6(const uint64_t key[3])
{
	return (key[2] >> 40 & 0xff) == FLOW_FAMILY_V6;
}

void
reass_key_make(uint64_t key[3], const struct ip_addr *src, unsigned int laddr_idx, uint32_t id,
	uint8_t proto)
{
	uint64_t family = ip_addr_is_v4(src) ? FLOW_FAMILY_V4 : FLOW_FAMILY_V6;

	key[0] = load_le64(src->b);
	key[1] = load_le64(src->b + 8);
	key[2] = id | (uint64_t)laddr_idx << 32 | family << 40 | (uint64_t)proto << 48;
}

static uint16_t *
bucket_of(struct reass_table *t, const uint64_t key[3])
{
	return &t->buckets[siphash24_3w(&t->key, key) & (BUCKETS - 1)];
}

/* Of IPv6 a source is who has a whole /64: it has all its addresses as well. */
static uint16_t
source_of(const struct reass_table *t, const uint64_t key[3])
{
	const uint64_t words[3] = { key[0], is_v6(key) ? 0 : key[1], UINT64_MAX };

	return (uint16_t)(siphash24_3w(&t->key, words) % REASS_SOURCES);
}

static struct reass_link *
link_of(struct reass_table *t, uint16_t row, bool by_age)
{
	return by_age ? &t->rows[row].by_age : &t->rows[row].by_source;
}

static void
list_append(struct reass_table *t, struct reass_list *list, uint16_t row, bool by_age)
{
	struct reass_link *link = link_of(t, row, by_age);

	link->prev = list->tail;
	link->next = REASS_NONE;
	if (list->tail == REASS_NONE)
		list->head = row;
	else
		link_of(t, list->tail, by_age)->next = row;
	list->tail = row;
	list->count++;
}

static void
list_remove(struct reass_table *t, struct reass_list *list, uint16_t row, bool by_age)
{
	const struct reass_link *link = link_of(t, row, by_age);

	if (link->prev == REASS_NONE)
		list->head = link->next;
	else
		link_of(t, link->prev, by_age)->next = link->next;
	if (link->next == REASS_NONE)
		list->tail = link->prev;
	else
		link_of(t, link->next, by_age)->prev = link->prev;
	list->count--;
}

int
reass_init(struct reass_table *t, const struct siphash_key *key)
{
	memset(t, 0, sizeof(*t));
	t->rows = calloc(REASS_ROWS, sizeof(*t->rows));
	t->buckets = calloc(BUCKETS, sizeof(*t->buckets));
	if (t->rows == NULL || t->buckets == NULL) {
		free(t->rows);
		free(t->buckets);
		return -ENOMEM;
	}
	t->key = *key;
	memset(t->buckets, 0xff, BUCKETS * sizeof(*t->buckets));
	for (unsigned int i = 0; i < ARRAY_SIZE(t->ages); i++)
		t->ages[i] = (struct reass_list){ REASS_NONE, REASS_NONE, 0 };
	for (unsigned int i = 0; i < REASS_SOURCES; i++)
		t->sources[i] = (struct reass_list){ REASS_NONE, REASS_NONE, 0 };
	for (uint16_t i = 0; i < REASS_ROWS; i++)
		t->rows[i].chain = (uint16_t)(i + 1);
	t->rows[REASS_ROWS - 1].chain = REASS_NONE;
	return 0;
}

static void
release_pkt(struct env *env, struct reass_row *r)
{
	if (r->pkt == NULL)
		return;
	pkt_free(env->pool, r->pkt);
	r->pkt = NULL;
}

void
reass_fini(struct reass_table *t, struct env *env)
{
	for (unsigned int i = 0; i < REASS_ROWS; i++)
		release_pkt(env, &t->rows[i]);
	free(t->rows);
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

static struct reass_row *
find(struct reass_table *t, const uint64_t key[3])
{
	uint16_t i = *bucket_of(t, key);

	while (i != REASS_NONE && memcmp(t->rows[i].key, key, sizeof(t->rows[i].key)) != 0)
		i = t->rows[i].chain;
	return i == REASS_NONE ? NULL : &t->rows[i];
}

/* The row is free again; its packet has found another owner. */
static void
remove_row(struct reass_table *t, struct env *env, struct reass_row *r)
{
	uint16_t row = index_of(t, r);
	uint16_t *at = bucket_of(t, r->key);

	ASSERT(r->pkt == NULL);
	while (*at != row)
		at = &t->rows[*at].chain;
	*at = r->chain;
	list_remove(t, &t->ages[is_v6(r->key)], row, true);
	list_remove(t, &t->sources[r->source], row, false);
	r->chain = t->free;
	t->free = row;
	t->used--;
	env->ctr->ReasmInUse--;
}

static void
count_failure(struct env *env, const struct reass_row *r)
{
	if (is_v6(r->key))
		env->ctr->Ip6ReasmFails++;
	else
		env->ctr->ReasmFails++;
}

/* Make room. A datagram that was given up has been counted as a failure then. */
static void
evict(struct reass_table *t, struct env *env, uint16_t row)
{
	struct reass_row *r = &t->rows[row];

	if (r->pkt != NULL) {
		count_failure(env, r);
		env->ctr->ReasmEvicted++;
	}
	release_pkt(env, r);
	remove_row(t, env, r);
}

/* The oldest of both versions, or REASS_NONE. */
static uint16_t
oldest(const struct reass_table *t)
{
	uint16_t v4 = t->ages[0].head;
	uint16_t v6 = t->ages[1].head;

	if (v4 == REASS_NONE || v6 == REASS_NONE)
		return v4 == REASS_NONE ? v6 : v4;
	return t->rows[v4].due_us <= t->rows[v6].due_us ? v4 : v6;
}

/* --- a new datagram ------------------------------------------------------------------------- */

/* A packet whose data begins with the headers of f, with the payload to come. NULL: none to be had.
 */
static struct pkt *
start_pkt(struct env *env, const struct reass_fragment *f)
{
	struct pkt *p = pkt_pool_has_spare(env->pool) ? pkt_alloc(env->pool) : NULL;

	if (p == NULL)
		return NULL;
	pkt_set_len(p, (uint16_t)(ETH_HDR_LEN + f->ip_hdr_len));
	return p;
}

/* A row for the datagram of f; NULL: there is no memory to be had. */
static struct reass_row *
add_row(struct reass_table *t, struct env *env, const struct reass_fragment *f)
{
	uint32_t limit = min_u32(env->tun->ipfrag_high_thresh / env->pool->charge, REASS_ROWS);
	uint32_t time_s = is_v6(f->key) ? env->tun->ip6frag_time : env->tun->ipfrag_time;
	struct reass_list *source = &t->sources[source_of(t, f->key)];
	uint16_t *bucket = bucket_of(t, f->key);
	struct reass_row *r;
	uint16_t row;

	if (limit == 0)
		return NULL;
	if (source->count >= max_u32(limit / REASS_SHARE, 1))
		evict(t, env, source->head);
	while (t->used >= limit)
		evict(t, env, oldest(t));
	row = t->free;
	r = &t->rows[row];
	t->free = r->chain;
	*r = (struct reass_row){
		.pkt = start_pkt(env, f),
		.due_us = env->now_us + 1000000ull * time_s,
		.chain = *bucket,
		.source = (uint16_t)(source - t->sources),
		.ip_hdr_len = f->ip_hdr_len,
	};
	memcpy(r->key, f->key, sizeof(r->key));
	if (r->pkt == NULL) {
		r->chain = t->free;
		t->free = row;
		return NULL;
	}
	*bucket = row;
	list_append(t, &t->ages[is_v6(f->key)], row, true);
	list_append(t, source, row, false);
	t->used++;
	env->ctr->ReasmInUse++;
	return r;
}

/* --- a fragment ----------------------------------------------------------------------------- */

static uint8_t *
payload_of(const struct reass_row *r)
{
	return pkt_data(r->pkt) + ETH_HDR_LEN + r->ip_hdr_len;
}

/* The units [first, last) as bits of the word that first is in. */
static uint64_t
unit_mask(unsigned int first, unsigned int last)
{
	unsigned int n = min_u32(last - first, 64 - first % 64);

	return (n == 64 ? UINT64_MAX : (1ull << n) - 1) << first % 64;
}

/* How many of the units [first, last) are there? */
static unsigned int
count_units(const struct reass_row *r, unsigned int first, unsigned int last)
{
	unsigned int n = 0;

	for (unsigned int i = first; i < last; i += 64 - i % 64)
		n += (unsigned int)__builtin_popcountll(r->units[i / 64] & unit_mask(i, last));
	return n;
}

static void
set_units(struct reass_row *r, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i < last; i += 64 - i % 64)
		r->units[i / 64] |= unit_mask(i, last);
}

/* Do f and what is there agree about where the datagram ends? */
static bool
agrees_on_end(const struct reass_row *r, const struct reass_fragment *f)
{
	unsigned int end = f->offset + f->len;

	if (f->more)
		return r->total == 0 || end < r->total;
	return r->total == 0 ? end >= r->end : end == r->total;
}

/* What is wrong with f, given what is there; OUTCOME_MAX: nothing. */
static unsigned int
judge(const struct env *env, const struct reass_row *r, const struct reass_fragment *f)
{
	unsigned int room = env->pool->payload_max - ETH_HDR_LEN - (unsigned int)f->ip_hdr_len;
	unsigned int first = f->offset / UNIT;
	unsigned int last = (f->offset + f->len + UNIT - 1) / UNIT;
	unsigned int there;

	if (r->pkt == NULL)
		return OUT_FRAG_GIVEN_UP;
	if (r->fragments == REASS_FRAGMENTS_MAX)
		return OUT_FRAG_TOO_MANY;
	if (f->offset + (unsigned int)f->len > min_u32(room, REASS_BYTES_MAX))
		return OUT_FRAG_TOO_LONG;
	if (!agrees_on_end(r, f))
		return OUT_FRAG_CONFLICT;
	there = count_units(r, first, last);
	if (there == 0)
		return OUTCOME_MAX;
	if (there < last - first || f->offset + f->len > r->end)
		return OUT_FRAG_CONFLICT;
	return memcmp(payload_of(r) + f->offset, f->data, f->len) == 0 ? OUT_FRAG_DUPLICATE :
									  OUT_FRAG_CONFLICT;
}

/* Put f where it belongs. */
static void
take(struct reass_row *r, const struct reass_fragment *f)
{
	unsigned int end = f->offset + f->len;

	memcpy(payload_of(r) + f->offset, f->data, f->len);
	set_units(r, f->offset / UNIT, (end + UNIT - 1) / UNIT);
	r->got = (uint16_t)(r->got + f->len);
	r->end = (uint16_t)max_u32(r->end, end);
	r->ecn |= (uint8_t)(1u << f->ecn);
	if (!f->more)
		r->total = (uint16_t)end;
	if (f->offset == 0) {
		memcpy(pkt_data(r->pkt), f->frame, ETH_HDR_LEN + (size_t)f->ip_hdr_len);
		r->next_header = f->next_header;
		r->first_len = f->len;
	}
}

/* Give the datagram up: what else comes of it is refused until its time is over. */
static void
condemn(struct env *env, struct reass_row *r, unsigned int out)
{
	if (out == OUT_FRAG_CONFLICT)
		env->ctr->ReasmOverlaps++;
	count_failure(env, r);
	release_pkt(env, r);
}

unsigned int
reass_add(struct reass_table *t, struct env *env, const struct reass_fragment *f,
	struct reass_row *row, struct pkt **whole)
{
	const unsigned int mixed = 1u << IP_ECN_NOT_ECT | 1u << IP_ECN_CE;
	struct reass_row *r = find(t, f->key);
	unsigned int out;

	ASSERT(f->len > 0);
	if (r == NULL)
		r = add_row(t, env, f);
	if (r == NULL)
		return OUT_FRAG_LIMIT;
	out = judge(env, r, f);
	if (r->fragments < REASS_FRAGMENTS_MAX)
		r->fragments++;
	if (out == OUT_FRAG_GIVEN_UP || out == OUT_FRAG_DUPLICATE)
		return out;
	/* A mark on what asked for none: somebody has tampered with it (RFC 3168 s5.3). */
	if (out == OUTCOME_MAX && ((r->ecn | 1u << f->ecn) & mixed) == mixed)
		out = OUT_FRAG_CONFLICT;
	if (out != OUTCOME_MAX) {
		condemn(env, r, out);
		return out;
	}
	take(r, f);
	if (r->got != r->total)
		return OUT_FRAG_HELD;
	pkt_set_len(r->pkt, (uint16_t)(ETH_HDR_LEN + r->ip_hdr_len + r->total));
	*row = *r;
	*whole = r->pkt;
	r->pkt = NULL;
	remove_row(t, env, r);
	return OUTCOME_MAX;
}

/* --- time ----------------------------------------------------------------------------------- */

uint64_t
reass_due_at(const struct reass_table *t)
{
	uint16_t row = oldest(t);

	return row == REASS_NONE ? UINT64_MAX : t->rows[row].due_us;
}

bool
reass_expired(struct reass_table *t, struct env *env, struct reass_row *row)
{
	uint16_t i = oldest(t);
	struct reass_row *r;

	if (i == REASS_NONE || t->rows[i].due_us > env->now_us)
		return false;
	r = &t->rows[i];
	if (r->pkt != NULL) {
		count_failure(env, r);
		if (is_v6(r->key))
			env->ctr->Ip6ReasmTimeout++;
		else
			env->ctr->ReasmTimeout++;
	}
	if (r->first_len == 0)
		release_pkt(env, r);
	*row = *r;
	r->pkt = NULL;
	remove_row(t, env, r);
	return true;
}
