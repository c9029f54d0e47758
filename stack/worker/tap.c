/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring of records that a worker fills and an operator's capture empties. */
#include "worker/tap.h"

#include "base/assert.h"
#include "wire/glance.h"

/* Records begin at multiples of this. */
#define ALIGN 8u

_Static_assert(sizeof(struct tap_record) == 2 * ALIGN, "no padding that leaks memory");

size_t
tap_bytes(uint32_t size)
{
	return sizeof(struct tap) + size;
}

struct tap *
tap_init(void *mem, uint32_t size, const struct tap_filter *filter, uint32_t snap_len)
{
	struct tap *t = mem;

	ASSERT(size > TAP_SNAP_MAX + sizeof(struct tap_record));
	ASSERT((size & (size - 1)) == 0);
	ASSERT(snap_len <= TAP_SNAP_MAX);
	memset(t, 0, sizeof(*t));
	t->filter = *filter;
	t->snap_len = snap_len;
	t->size = size;
	return t;
}

/* --- the worker's end ----------------------------------------------------------------------- */

/* Copy into the ring, around its end; returns the position behind. */
static uint64_t
put_bytes(struct tap *t, uint64_t at, const void *from, size_t len)
{
	size_t begin = (size_t)(at & (t->size - 1));
	size_t first = min_size(len, t->size - begin);

	memcpy(t->data + begin, from, first);
	memcpy(t->data, (const uint8_t *)from + first, len - first);
	return at + len;
}

/* The first len bytes of a frame, which may lie in several buffers. */
static uint64_t
put_frame(struct tap *t, uint64_t at, const struct pkt *p, size_t len)
{
	while (len > 0 && p != NULL) {
		size_t part = min_size(len, p->data_len);

		at = put_bytes(t, at, pkt_data(p), part);
		len -= part;
		p = p->seg_next;
	}
	return at;
}

static bool
is_end(const struct tap_end *want, const struct ip_addr *addr, uint16_t port, bool has_port)
{
	if (want->port != 0 && (!has_port || want->port != port))
		return false;
	return !want->has_addr || ip_addr_equal(&want->addr, addr);
}

static bool
asks_for_ends(const struct tap_filter *f)
{
	return f->port != 0 || f->local.has_addr || f->local.port != 0 || f->remote.has_addr ||
	       f->remote.port != 0;
}

/* Is the frame between the ends that are asked for? */
static bool
is_wanted(const struct tap_filter *f, const struct pkt *p, bool is_sent)
{
	struct glance g;

	if (is_sent && (f->drops_only || f->outcome >= 0))
		return false;
	if (!asks_for_ends(f))
		return true;
	glance_at(pkt_data(p), min_size(p->data_len, TAP_LOOK_LEN), p->pkt_len, &g);
	if (!g.has_ip)
		return false;
	if (f->port != 0 && (!g.has_ports || (g.sport != f->port && g.dport != f->port)))
		return false;
	return is_end(&f->local, is_sent ? &g.src : &g.dst, is_sent ? g.sport : g.dport,
		       g.has_ports) &&
	       is_end(&f->remote, is_sent ? &g.dst : &g.src, is_sent ? g.dport : g.sport,
		       g.has_ports);
}

bool
tap_hold(struct tap *t, uint64_t now_us, const struct pkt *p, bool is_sent)
{
	uint64_t put = atomic_load_explicit(&t->put, memory_order_relaxed);
	uint64_t got = atomic_load_explicit(&t->got, memory_order_acquire);
	struct tap_record r = { .at_us = now_us, .frame_len = p->pkt_len };
	uint64_t at;

	if (!is_wanted(&t->filter, p, is_sent))
		return false;
	r.data_len = (uint16_t)min_u32(p->pkt_len, t->snap_len);
	t->held = (sizeof(r) + r.data_len + ALIGN - 1) / ALIGN * ALIGN;
	t->is_full = put - got + t->held > t->size;
	if (!t->is_full) {
		at = put_bytes(t, put, &r, sizeof(r));
		at = put_frame(t, at, p, r.data_len);
		ASSERT(at == put + sizeof(r) + r.data_len);
	}
	return true;
}

static bool
is_asked_outcome(const struct tap_filter *f, unsigned int outcome)
{
	if (f->outcome >= 0 && outcome != (unsigned int)f->outcome)
		return false;
	return !f->drops_only ||
	       (outcome < OUTCOME_MAX && outcome_desc((enum outcome)outcome)->is_drop);
}

bool
tap_keep(struct tap *t, unsigned int outcome)
{
	uint64_t put = atomic_load_explicit(&t->put, memory_order_relaxed);
	uint16_t value = (uint16_t)outcome;
	uint64_t held = t->held;

	ASSERT(held > 0);
	t->held = 0;
	if (!is_asked_outcome(&t->filter, outcome))
		return true;
	if (t->is_full) {
		atomic_store_explicit(&t->lost, tap_lost(t) + 1, memory_order_relaxed);
		return false;
	}
	put_bytes(t, put + offsetof(struct tap_record, outcome), &value, sizeof(value));
	atomic_store_explicit(&t->put, put + held, memory_order_release);
	return true;
}

/* --- the reader's end ----------------------------------------------------------------------- */

static void
get_bytes(const struct tap *t, uint64_t at, void *to, size_t len)
{
	size_t begin = (size_t)(at & (t->size - 1));
	size_t first = min_size(len, t->size - begin);

	memcpy(to, t->data + begin, first);
	memcpy((uint8_t *)to + first, t->data, len - first);
}

bool
tap_peek(const struct tap *t, struct tap_record *out)
{
	uint64_t got = atomic_load_explicit(&t->got, memory_order_relaxed);

	if (got == atomic_load_explicit(&t->put, memory_order_acquire))
		return false;
	get_bytes(t, got, out, sizeof(*out));
	return true;
}

bool
tap_take(struct tap *t, struct tap_record *out, uint8_t *data)
{
	uint64_t got = atomic_load_explicit(&t->got, memory_order_relaxed);
	uint64_t len;

	if (!tap_peek(t, out))
		return false;
	len = sizeof(*out) + out->data_len;
	get_bytes(t, got + sizeof(*out), data, out->data_len);
	atomic_store_explicit(
		&t->got, got + (len + ALIGN - 1) / ALIGN * ALIGN, memory_order_release);
	return true;
}

uint64_t
tap_lost(const struct tap *t)
{
	return atomic_load_explicit(&t->lost, memory_order_relaxed);
}
