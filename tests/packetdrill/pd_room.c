/* SPDX-License-Identifier: BSD-3-Clause */
/* What Linux takes of a write: its send queue in pieces, and what they occupy of SO_SNDBUF. */
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

#include "base/seq32.h"

/*
 *	   sent, in chunks          | not sent
 *	  [chunk][chunk][chunk]     |[rest of a piece][piece][tail, filled up to its goal]
 *	  snd_una                snd_nxt                                       write_seq
 *
 * A piece that is begun is filled whatever SO_SNDBUF says, and filled up again once part of it has
 * left. A new one is begun only while all of them, with their headers, occupy less than SO_SNDBUF,
 * and less than TCP_NOTSENT_LOWAT waits to be sent.
 */
#define PIECE_HEADERS 896u	/* of each, beside its bytes */
#define PIECE_MAX 65215u
#define SEGMENT_HEADERS 640u	/* that SO_SNDBUF grows for, beside a segment's bytes */
#define SEGMENT_ROW 256u
#define SEGMENTS_MIN 10u
#define CHUNK_SEGMENTS 2u
#define MSS_SMALL 536u

/** Bytes [start, end) of the send queue. */
struct pd_piece {
	uint32_t start, end;
	bool is_sent;
	bool is_ended; /* MSG_EOR: nothing is added */
};

/* Full segments, of no more than half of what the peer ever offered. */
static uint32_t
goal(const struct pd_sock *s, const struct tcp_details *d)
{
	uint32_t most = s->wnd_max > MSS_SMALL ? s->wnd_max / 2 : s->wnd_max;
	uint32_t mss = max_u32(d->row.mss, 1);

	most = s->wnd_max != 0 ? min_u32(most, PIECE_MAX) : PIECE_MAX;
	return max_u32(most / mss * mss, mss);
}

static uint32_t
occupied(const struct pd_sock *s, uint32_t una)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < s->npieces; i++)
		if (seq32_gt(s->pieces[i].end, una))
			sum += PIECE_HEADERS + s->pieces[i].end -
				seq32_max(s->pieces[i].start, una);
	return sum;
}

/* Twice what cwnd holds, each segment with its headers in a power of two. */
static void
grow_sndbuf(const struct pd *pd, struct pd_sock *s, const struct tcp_details *d)
{
	uint32_t mss = min_u32(d->peer_mss, pd->mtu - (s->domain == AF_INET ? 40u : 60u));
	uint32_t bytes = max_u32(mss, d->row.mss) + SEGMENT_HEADERS;
	uint32_t segs = max_u32(d->row.cwnd_bytes / max_u32(d->row.mss, 1), SEGMENTS_MIN);
	uint32_t power = 1;

	while (power < bytes)
		power *= 2;
	if (!s->sndbuf_set)
		s->sndbuf = max_u32(s->sndbuf, min_u32(2 * segs * (power + SEGMENT_ROW),
			pd->tun.tcp_wmem[2]));
}

uint32_t
pd_room_sndbuf(const struct pd *pd, const struct pd_sock *s)
{
	return s->sndbuf_set || s->sndbuf == 0 || s->kind != PD_CONN ?
		(uint32_t)s->value[PD_OPT_SNDBUF] : max_u32(s->sndbuf, pd->sndbuf_first);
}

static bool
may_begin(const struct pd *pd, const struct pd_sock *s, const struct tcp_details *d)
{
	uint32_t lowat = pd_notsent_lowat(pd, s);

	return occupied(s, d->snd_una) < pd_room_sndbuf(pd, s) &&
		(lowat == 0 || d->write_seq - d->snd_nxt < lowat);
}

/* The tail, if bytes can be added to it. */
static struct pd_piece *
open_tail(const struct pd_sock *s, const struct tcp_details *d)
{
	struct pd_piece *p = s->npieces > 0 ? &s->pieces[s->npieces - 1] : NULL;

	return p == NULL || p->is_sent || p->is_ended || p->end != d->write_seq ? NULL : p;
}

/* Bytes that would leave at once, if they were queued. */
static uint32_t
sendable(const struct tcp_details *d)
{
	uint32_t held = d->write_seq - d->snd_una, wnd = min_u32(d->row.cwnd_bytes, d->row.snd_wnd);

	return wnd > held ? wnd - held : 0;
}

static bool
is_forced(const struct pd_sock *s, uint32_t end)
{
	return seq32_gt(end, s->pushed_seq + s->wnd_max / 2);
}

/*
 * A piece that is full and next to leave gives a chunk away, and is filled again; one that ends far
 * behind what was pushed is pushed as a whole.
 */
size_t
pd_room(struct pd *pd, struct pd_sock *s, const struct tcp_details *d, size_t len)
{
	const struct pd_piece *p = open_tail(s, d);
	uint32_t most = goal(s, d), used = p != NULL ? p->end - p->start : 0;
	uint32_t leaves = used == d->write_seq - d->snd_nxt ? sendable(d) : 0;
	uint32_t n, chunk;

	if (p == NULL || used >= most) {
		if (!may_begin(pd, s, d))
			return 0;
		used = 0;
	}
	n = most - used;
	while (n < len && leaves > 0 && !is_forced(s, d->write_seq + n)) {
		chunk = min_u32(leaves, CHUNK_SEGMENTS * d->row.mss);
		leaves -= chunk;
		n += chunk;
	}
	return min_size(len, n);
}

static void
insert(struct pd_sock *s, unsigned int at, struct pd_piece piece)
{
	s->pieces = realloc(s->pieces, (s->npieces + 1) * sizeof(*s->pieces));
	if (s->pieces == NULL)
		abort();
	memmove(s->pieces + at + 1, s->pieces + at, (s->npieces - at) * sizeof(*s->pieces));
	s->pieces[at] = piece;
	s->npieces++;
}

void
pd_room_took(struct pd_sock *s, const struct tcp_details *d, size_t len, bool ends)
{
	struct pd_piece *p = open_tail(s, d);

	if (p == NULL || p->end - p->start >= goal(s, d))
		insert(s, s->npieces,
			(struct pd_piece){ d->write_seq, d->write_seq, false, false });
	p = &s->pieces[s->npieces - 1];
	p->end += (uint32_t)len;
	p->is_ended = ends;
}

/* With these bytes, of which some leave at once, nothing more is taken. */
static bool
is_last(const struct pd *pd, const struct pd_sock *s, const struct tcp_details *d, size_t len)
{
	uint32_t lowat = pd_notsent_lowat(pd, s), leaves = sendable(d);
	uint32_t waits = d->write_seq - d->snd_nxt + (uint32_t)len;

	return occupied(s, d->snd_una) + PIECE_HEADERS + len >= pd_room_sndbuf(pd, s) ||
		(lowat != 0 && waits - min_u32(waits, leaves) >= lowat);
}

bool
pd_room_pushes(const struct pd *pd, struct pd_sock *s, const struct tcp_details *d, size_t len,
	bool asked)
{
	uint32_t end = d->write_seq + (uint32_t)len;

	if (!asked && !is_forced(s, end) && !is_last(pd, s, d, len))
		return false;
	s->pushed_seq = end;
	return true;
}

/* Payload of new data leaves. What leaves at the same time up to a PSH is one chunk. */
void
pd_room_sent(struct pd *pd, struct pd_sock *s, uint32_t seq, uint32_t len, bool psh)
{
	bool goes_on = s->chunk_run == pd->run;
	unsigned int i = 0;

	while (i < s->npieces && (s->pieces[i].is_sent || seq32_leq(s->pieces[i].end, seq)))
		i++;
	if (i == s->npieces || seq32_lt(seq, s->pieces[i].start))
		return;
	if (i > 0 && goes_on && s->pieces[i - 1].end == seq)
		s->pieces[i - 1].end = seq + len;
	else
		insert(s, i++, (struct pd_piece){ seq, seq + len, true, false });
	s->pieces[i].start = seq32_min(seq + len, s->pieces[i].end);
	if (s->pieces[i].start == s->pieces[i].end) {
		s->npieces--;
		memmove(s->pieces + i, s->pieces + i + 1, (s->npieces - i) * sizeof(*s->pieces));
	}
	s->chunk_run = psh ? 0 : pd->run;
}

/* What the peer says of it. */
void
pd_room_look(struct pd *pd, struct pd_sock *s, const struct tcp_details *d)
{
	unsigned int n = 0;

	s->wnd_max = max_u32(s->wnd_max, d->row.snd_wnd);
	while (n < s->npieces && seq32_leq(s->pieces[n].end, d->snd_una))
		n++;
	s->npieces -= n;
	if (n > 0)
		memmove(s->pieces, s->pieces + n, s->npieces * sizeof(*s->pieces));
	if (s->sndbuf == 0) {
		s->pushed_seq = d->write_seq;
		grow_sndbuf(pd, s, d);
	}
	if (s->nospace && n > 0)
		grow_sndbuf(pd, s, d);
}

/* Linux: a third of it is free, and less than half of TCP_NOTSENT_LOWAT waits to be sent. */
bool
pd_room_is_enough(const struct pd *pd, const struct pd_sock *s, const struct tcp_details *d)
{
	uint32_t used = occupied(s, d->snd_una), all = pd_room_sndbuf(pd, s);
	uint32_t lowat = pd_notsent_lowat(pd, s);

	if (lowat != 0 && 2 * (d->write_seq - d->snd_nxt) >= lowat)
		return false;
	return used < all && all - used >= used / 2;
}

/* Who is refused is refused by the engine, too, which counts for how long: of as much as it has. */
void
pd_room_refuse(struct pd *pd, struct pd_sock *s, const struct tcp_details *d)
{
	uint32_t used = occupied(s, d->snd_una), all = pd_room_sndbuf(pd, s);
	uint64_t data = d->write_seq - d->snd_una;

	if (used < all || data < pd->tun.tcp_wmem[0])
		return;
	tcp_setopt(pd->tcp, &pd->env, s->handle, TCP_SO_SNDBUF, (int)(data * all / used));
	tcp_send(pd->tcp, &pd->env, s->handle, "", 1, 0);
}

void
pd_room_forget(struct pd_sock *s)
{
	free(s->pieces);
	s->pieces = NULL;
	s->npieces = 0;
	s->sndbuf = s->wnd_max = 0;
}
