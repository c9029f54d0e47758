/* SPDX-License-Identifier: BSD-3-Clause */
/* Differences that are meant, of when what is sent, and of the end. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "packetdrill/rd_allow.h"

/* What a segment to the peer takes at most. */
static uint32_t
full_len(const struct rd_pair *p)
{
	uint32_t most = p->script.ip6 ? 1440 : 1460;
	uint32_t mss = p->script.mss == 0 ? 536 : p->script.mss;

	return (mss < most ? mss : most) - (p->kernel.has_ts ? 12 : 0);
}

/* Not all segments were full, or one was acknowledged in part: bytes are no count of them. */
static bool
is_uneven(const struct rd_pair *p, const struct rd_diff *d)
{
	uint32_t full = full_len(p);

	for (unsigned int k = 0; k <= d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];
		const struct rd_step *st = &p->script.steps[k];

		for (unsigned int i = 0; i < r->count; i++) {
			if (r->out[i].len != 0 && r->out[i].len != full)
				return true;
		}
		if (r->played && !st->is_call && before(r->una, r->ack) && before(r->ack, r->sent))
			return true;
	}
	return false;
}

/* What x sends, data or FIN, the other side does not send in its step r but by a timer. */
static bool
goes_alone(const struct rd_pkt *x, const struct rd_record *r)
{
	if (x->len == 0 && !(x->flags & VIEW_FIN))
		return false;
	for (unsigned int i = 0; i < r->count; i++)
		if (r->out[i].seq == x->seq && r->out[i].at_us <= r->at_us + AT_ONCE_US &&
			(r->out[i].len > 0 || (r->out[i].flags & VIEW_FIN)))
			return false;
	return true;
}

/* In congestion avoidance, and no more than two segments apart. */
static bool
is_growing(const struct rd_record *a, const struct rd_record *b)
{
	return a->ssthresh == b->ssthresh && a->ssthresh <= a->cwnd && b->ssthresh <= b->cwnd &&
		a->cwnd - b->cwnd + 2 <= 4;
}

enum rd_verdict
rd_window_in_bytes(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];
	bool k, o;

	if (d->what != RD_PACKET && d->what != RD_MISSING && d->what != RD_EXTRA)
		return RD_NO;
	k = d->what != RD_EXTRA && goes_alone(kernel_pkt(p, d), b);
	o = d->what != RD_MISSING && goes_alone(our_pkt(p, d), a);
	return (k || o) && a->outq == b->outq && (is_uneven(p, d) || is_growing(a, b)) ? RD_END :
											 RD_NO;
}

/* A full segment with FIN, which ours lets wait as if it had none, also while it is read. */
static bool
is_full_with_fin(const struct rd_pair *p, const struct rd_diff *d)
{
	unsigned int k = d->step;
	const struct rd_step *st = &p->script.steps[k];
	const struct rd_record *r = &p->kernel.rec[k];

	if (!is_ack_missing(p, d))
		return false;
	if (st->is_call && st->call == RD_READ && r->result > 0)
		while (k > 0 && (p->script.steps[k].is_call || !p->kernel.rec[k].played))
			k--;
	else if (r->inq == 0)
		return false;
	st = &p->script.steps[k];
	return !st->is_call && (st->seg.flags & VIEW_FIN) && st->seg.len >= 536 &&
		kernel_pkt(p, d)->ack == p->kernel.rec[k].end;
}

/* In order, and the reader is behind. */
static bool
ends_a_wait(const struct rd_pair *p, unsigned int k, const struct rd_pkt *ack)
{
	const struct rd_record *r = &p->ours.rec[k];

	return !p->script.steps[k].is_call && p->script.steps[k].seg.len > 0 &&
		is_bare_ack(ack) && before(r->acked, r->next) && !before(r->next, r->seq) &&
		ack->ack == r->end && p->kernel.rec[k].inq > 0;
}

enum rd_verdict
rd_second_of_two_segments(const struct rd_pair *p, const struct rd_diff *d)
{
	if (is_full_with_fin(p, d))
		return RD_END;
	if (d->what == RD_EXTRA)
		return ends_a_wait(p, d->step, our_pkt(p, d)) ? RD_END : RD_NO;
	/* It was so before, with an ACK that Linux sent later. */
	for (unsigned int k = 0; is_ack_missing(p, d) && k < d->step; k++)
		if (acked_sooner(p, k) && ends_a_wait(p, k, &p->ours.rec[k].out[0]))
			return RD_END;
	return RD_NO;
}

/* Ours reports a part of this very segment as a duplicate, which may leave no room for the last. */
enum rd_verdict
rd_joins_from_below(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = &p->ours.rec[d->step];
	const char *k, *o, *rest;
	uint32_t from, to;

	if (seg_of(p, d) == NULL || d->what != RD_PACKET ||
		!differ_in_options(kernel_pkt(p, d), our_pkt(p, d)))
		return RD_NO;
	k = strstr(kernel_pkt(p, d)->opts, "sack ");
	o = strstr(our_pkt(p, d)->opts, "sack ");
	if (k == NULL || o == NULL || sscanf(o, "sack %" SCNu32 ":%" SCNu32, &from, &to) != 2)
		return RD_NO;
	rest = strchr(o + strlen("sack "), ' ');
	return rest != NULL && strncmp(rest + 1, k + strlen("sack "), strlen(rest + 1)) == 0 &&
			!before(from, r->seq) && !before(r->end, to) ?
		RD_GO_ON :
		RD_NO;
}

/* TIME-WAIT, whose socket says CLOSE. */
enum rd_verdict
rd_in_time_wait(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);
	int state = state_before(p, d);

	if (g == NULL || (state != TCP_CLOSE && state != -1))
		return RD_NO;
	if ((g->flags & (VIEW_SYN | VIEW_FIN | VIEW_ACK | VIEW_RST)) == (VIEW_SYN | VIEW_FIN) &&
		d->what == RD_EXTRA && is_bare_ack(our_pkt(p, d)))
		return RD_END;
	if (d->what != RD_PACKET || !is_bare_ack(our_pkt(p, d)) ||
		!differ_in_options(kernel_pkt(p, d), our_pkt(p, d)))
		return RD_NO;
	for (unsigned int k = 0; k < d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];

		g = &p->script.steps[k].seg;
		if (r->played && !p->script.steps[k].is_call && g->ts != RD_TS_NONE &&
			((g->flags & (VIEW_RST | VIEW_ACK)) != VIEW_ACK || r->ack != r->sent))
			return RD_GO_ON;
	}
	return RD_NO;
}

/* Segments are longer than when some of the data was written: the window was small (tcp_pmtu.c). */
static bool
has_grown(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = p->kernel.rec;
	unsigned int k = d->step;

	while (k > 0 && (!r[k - 1].played || r[k - 1].state != TCP_ESTABLISHED ||
				r[k - 1].mss >= r[d->step].mss))
		k--;
	return k > 0 && r[d->step].mss == p->ours.rec[d->step].mss;
}

/* Both send the same data again, from the same number on. */
enum rd_verdict
rd_cut_elsewhere(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_pkt *k, *o;

	bool again;

	if (d->what != RD_PACKET)
		return RD_NO;
	k = kernel_pkt(p, d);
	o = our_pkt(p, d);
	again = before(k->seq, p->kernel.rec[d->step].sent) &&
		before(o->seq, p->ours.rec[d->step].sent);
	return k->len > 0 && o->len > 0 && k->seq == o->seq && k->len != o->len &&
			(again || has_grown(p, d)) ?
		RD_END :
		RD_NO;
}

/* Both sent data just before, and something went again before that. */
static bool
has_repaired(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = p->kernel.rec;

	if (d->pkt == 0 || r[d->step].out[d->pkt - 1].len == 0 ||
		p->ours.rec[d->step].out[d->pkt - 1].len == 0)
		return false;
	for (unsigned int k = 0; k < d->step; k++) {
		uint32_t sent = r[k].sent;

		for (unsigned int i = 0; i < r[k].count; i++) {
			if (r[k].out[i].len > 0 && before(r[k].out[i].seq, sent))
				return true;
			sent = r[k].out[i].seq + r[k].out[i].len;
		}
	}
	return false;
}

/* Ours has it in order, or behind a gap. */
static bool
has_read(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_pkt *k = kernel_pkt(p, d), *o = our_pkt(p, d);

	if (k->ack != p->kernel.rec[d->step].acked)
		return false;
	return o->ack == p->ours.rec[d->step].end ||
		(o->ack == k->ack && strstr(o->opts, "sack") != NULL &&
			strstr(k->opts, "sack") == NULL);
}

/* The same data, but that ours acknowledges what the segment brought. */
enum rd_verdict
rd_repairs_before_it_reads(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);
	const struct rd_pkt *k, *o;

	if (g == NULL)
		return RD_NO;
	if (d->what == RD_MISSING)
		return g->len > 0 && is_bare_ack(kernel_pkt(p, d)) && has_repaired(p, d) ?
			RD_GO_ON :
			RD_NO;
	if (d->what != RD_PACKET)
		return RD_NO;
	k = kernel_pkt(p, d);
	o = our_pkt(p, d);
	return k->len > 0 && k->len == o->len && k->seq == o->seq && k->flags == o->flags &&
			has_read(p, d) ?
		RD_END :
		RD_NO;
}

enum rd_verdict
rd_reset_after_both_fins(const struct rd_pair *p, const struct rd_diff *d)
{
	int state = -1;

	for (unsigned int k = 0; d->what == RD_RESULT && k < d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];

		if (!r->played)
			continue;
		if ((state == TCP_LAST_ACK || state == TCP_CLOSING) && r->state == TCP_CLOSE &&
			!p->script.steps[k].is_call &&
			(p->script.steps[k].seg.flags & VIEW_RST))
			return RD_END;
		state = r->state;
	}
	return RD_NO;
}
