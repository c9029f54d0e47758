/* SPDX-License-Identifier: BSD-3-Clause */
/* Differences that are meant: what each is, and why. Of each the first that fits counts. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "packetdrill/rd_allow.h"

/* The handshake of a passive open is not over, or the first data was waited for. */
static bool
is_synrcvd(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = &p->kernel.rec[d->step];

	return !p->script.active && (r->una == 0 || (p->kernel.defers && r->acked <= 1));
}

/* What differs is data or FIN, or the number of an ACK, which keeps within the window, too. */
static bool
goes_into_window(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_pkt *k = kernel_pkt(p, d), *o = our_pkt(p, d);

	if (d->what == RD_MISSING)
		return !is_bare_ack(k);
	if (d->what == RD_EXTRA)
		return !is_bare_ack(o);
	return d->what == RD_PACKET && (!is_bare_ack(k) || !is_bare_ack(o) || k->seq != o->seq);
}

/* --- the entries ----------------------------------------------------------------------------- */

static enum rd_verdict
beyond_the_window(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];

	if (seg_of(p, d) == NULL)
		return RD_NO;
	return (before(a->seq, a->edge) && before(a->edge, a->end)) ||
			(before(b->seq, b->edge) && before(b->edge, b->end)) ?
		RD_END :
		RD_NO;
}

/* An ACK that waited went with the answer to an earlier one. */
static bool
answer_took_an_ack(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; is_ack_missing(p, d) && k < d->step; k++)
		if (!(p->script.steps[k].seg.flags & (VIEW_ACK | VIEW_RST | VIEW_SYN)) &&
			acked_sooner(p, k) && before(p->ours.rec[k].acked, p->ours.rec[k].next))
			return true;
	return false;
}

static enum rd_verdict
no_ack_flag(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	if (answer_took_an_ack(p, d))
		return RD_END;
	if (g == NULL || (g->flags & (VIEW_ACK | VIEW_RST | VIEW_SYN)))
		return RD_NO;
	if (d->what == RD_EXTRA && is_bare_ack(our_pkt(p, d)))
		return RD_GO_ON;
	/* What a timer of Linux sends later is compared with our answer. */
	return d->what == RD_PACKET && is_bare_ack(our_pkt(p, d)) &&
			kernel_pkt(p, d)->at_us > p->kernel.rec[d->step].at_us + AT_ONCE_US ?
		RD_END :
		RD_NO;
}

/* Linux acknowledges late what only one without it has brought. */
static bool
acks_what_had_none(const struct rd_pair *p, const struct rd_diff *d)
{
	bool had_none = false;

	for (unsigned int k = 0; d->what == RD_MISSING && k <= d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];
		const struct rd_seg *g = &p->script.steps[k].seg;

		if (!r->played || p->script.steps[k].is_call || (g->flags & VIEW_RST) ||
			!before(r->seq, r->end) || r->end != kernel_pkt(p, d)->ack)
			continue;
		if (g->ts != RD_TS_NONE)
			return false;
		had_none |= p->ours.rec[k].has_ts;
	}
	return had_none;
}

static enum rd_verdict
no_timestamp(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	if (acks_what_had_none(p, d))
		return RD_END;
	if (g != NULL && g->ts == RD_TS_NONE && !(g->flags & VIEW_RST) &&
		p->ours.rec[d->step].has_ts)
		return RD_END;
	/* It moved the window that our data goes into. */
	for (unsigned int k = 0; goes_into_window(p, d) && k < d->step; k++) {
		const struct rd_record *r = &p->ours.rec[k];

		g = &p->script.steps[k].seg;
		if (r->played && !p->script.steps[k].is_call && g->ts == RD_TS_NONE && r->has_ts &&
			(g->flags & (VIEW_ACK | VIEW_RST)) == VIEW_ACK)
			return RD_END;
	}
	return RD_NO;
}

/* The connection began with two SYNs. */
static bool
has_crossed(const struct rd_pair *p, const struct rd_diff *d)
{
	int state = -1;

	for (unsigned int k = 0; p->script.active && k <= d->step; k++) {
		if (!p->kernel.rec[k].played)
			continue;
		if (state == TCP_SYN_SENT && p->kernel.rec[k].state == TCP_SYN_RECV)
			return true;
		state = p->kernel.rec[k].state;
	}
	return false;
}

/* What ended it: 'connection refused' in RFC 9293 s3.10.7.4, second; Linux says reset. */
static bool
is_refused_or_reset(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];

	return d->what == RD_RESULT &&
		((a->err == ECONNRESET && b->err == ECONNREFUSED) ||
			(p->script.steps[d->step].call == RD_ERROR && a->result == ECONNRESET &&
				b->result == ECONNREFUSED));
}

/*
 * While it is SYN-RECEIVED: Linux takes an ACK of nothing for one of its SYN, and sends the FIN of
 * a close() before it is acknowledged, which RFC 9293 s3.10.4 lets wait.
 */
static bool
ends_otherwise(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_step *st = &p->script.steps[d->step];

	if (state_before(p, d) != TCP_SYN_RECV)
		return false;
	/* ... or, shut down, as soon as it is: before the data that came along is read. */
	if (d->what == RD_PACKET && (kernel_pkt(p, d)->flags & VIEW_FIN))
		return true;
	if (st->is_call)
		return st->call == RD_CLOSE && d->what == RD_MISSING;
	return (st->seg.flags & VIEW_ACK) && p->kernel.rec[d->step].ack == 0;
}

/* Linux scales its window though the peer has not agreed to it, and measures from its SYN-ACK. */
static bool
knows_other_windows(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; p->script.wscale < 0 && k <= d->step; k++)
		if (p->kernel.rec[k].played && !p->script.steps[k].is_call &&
			p->script.steps[k].seg.seq_from == RD_EDGE)
			return true;
	return d->what == RD_PACKET && kernel_pkt(p, d)->len > 0 &&
		kernel_pkt(p, d)->len == our_pkt(p, d)->len &&
		kernel_pkt(p, d)->seq == our_pkt(p, d)->seq &&
		(kernel_pkt(p, d)->flags ^ our_pkt(p, d)->flags) == VIEW_PSH;
}

static enum rd_verdict
crossed_syns(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	if (!has_crossed(p, d))
		return RD_NO;
	if (is_refused_or_reset(p, d) || ends_otherwise(p, d) || knows_other_windows(p, d))
		return RD_END;
	if (g == NULL || !(g->flags & VIEW_SYN))
		return RD_NO;
	/* The peer's SYN-ACK goes on behind its SYN. */
	if (state_before(p, d) == TCP_SYN_RECV && (g->flags & VIEW_ACK) &&
		((g->flags & VIEW_FIN) || g->len > 0))
		return RD_END;
	if (d->what == RD_PACKET && differ_in_options(kernel_pkt(p, d), our_pkt(p, d)) &&
		(our_pkt(p, d)->flags & VIEW_SYN))
		return RD_GO_ON;
	return d->what == RD_MISSING && is_bare_ack(kernel_pkt(p, d)) &&
			(g->flags & VIEW_ACK) && state_before(p, d) == TCP_SYN_RECV ?
		RD_GO_ON :
		RD_NO;
}

static enum rd_verdict
reset_before_accept(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];

	/* One that was opened since with the same ports may wait behind it. */
	return p->script.steps[d->step].is_call && p->script.steps[d->step].call == RD_ACCEPT &&
			a->result == 0 && (b->err == EAGAIN || d->what == RD_STATE) &&
			a->state == TCP_CLOSE ?
		RD_END :
		RD_NO;
}

static enum rd_verdict
syn_in_syn_received(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	if (g != NULL && is_synrcvd(p, d) && (g->flags & VIEW_SYN))
		return RD_END;
	return d->what == RD_RESULT && p->script.steps[d->step].call == RD_ACCEPT &&
			p->kernel.rec[d->step].state == TCP_SYN_RECV ?
		RD_END :
		RD_NO;
}

static enum rd_verdict
wrong_ack_in_syn_received(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	return g != NULL && is_synrcvd(p, d) && (g->flags & VIEW_ACK) && d->what == RD_PACKET &&
			kernel_pkt(p, d)->flags == VIEW_RST && is_bare_ack(our_pkt(p, d)) ?
		RD_GO_ON :
		RD_NO;
}

static enum rd_verdict
urgent_pointer(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; k <= d->step; k++)
		if (p->ours.rec[k].played && !p->script.steps[k].is_call &&
			(p->script.steps[k].seg.flags & VIEW_URG))
			return RD_END;
	return RD_NO;
}

static enum rd_verdict
sack_on_data(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_pkt *k, *o;

	if (d->what != RD_PACKET)
		return RD_NO;
	k = kernel_pkt(p, d);
	o = our_pkt(p, d);
	if (k->len == 0 || strstr(k->opts, "sack") == NULL || k->seq != o->seq)
		return RD_NO;
	/* With blocks beside it less is a full segment, which neither Nagle nor a cork holds. */
	if (is_bare_ack(o))
		return RD_END;
	return o->len >= k->len && strcmp(k->opts, o->opts) != 0 ? RD_END : RD_NO;
}

/* Behind the last byte that the kernel's socket has taken. */
static uint32_t
written(const struct rd_pair *p, const struct rd_diff *d)
{
	unsigned int k = d->step + 1;

	while (k < p->script.count && !p->kernel.rec[k].played)
		k++;
	return (k < p->script.count ? p->kernel.rec[k].una : p->kernel.una) +
		(uint32_t)p->kernel.rec[d->step].outq;
}

/* The last that was written is not the end of anything: MSG_MORE. */
static bool
more_follows(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = d->step + 1; k-- > 0;) {
		const struct rd_step *st = &p->script.steps[k];

		if (p->kernel.rec[k].played && st->is_call && p->kernel.rec[k].result > 0 &&
			(st->call == RD_WRITE || st->call == RD_EOR || st->call == RD_MORE))
			return st->call == RD_MORE;
	}
	return false;
}

static enum rd_verdict
push_within_data(const struct rd_pair *p, const struct rd_diff *d)
{
	struct rd_pkt k, o;

	if (d->what != RD_PACKET)
		return RD_NO;
	k = *kernel_pkt(p, d);
	o = *our_pkt(p, d);
	if (k.len == 0 || k.len != o.len || k.seq != o.seq || k.ack != o.ack ||
		(k.flags ^ o.flags) != VIEW_PSH || strcmp(k.opts, o.opts) != 0)
		return RD_NO;
	/* Never the end of what was written. */
	return k.seq + k.len != written(p, d) || more_follows(p, d) ? RD_GO_ON : RD_NO;
}

static enum rd_verdict
echo_in_the_handshake(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g;
	bool is_ahead = false;

	if (!is_synrcvd(p, d) && state_before(p, d) != TCP_SYN_SENT)
		return RD_NO;
	for (unsigned int k = 0; k <= d->step; k++) {
		g = &p->script.steps[k].seg;
		if (!p->kernel.rec[k].played || p->script.steps[k].is_call || g->ts == RD_TS_NONE)
			continue;
		if (g->ecr > RD_TS_NOW ||
			((g->flags & VIEW_RST) && (g->ts > RD_TS_NOW || is_ahead)))
			return RD_END;
		is_ahead |= g->ts == RD_TS_FUTURE;
	}
	return RD_NO;
}

static enum rd_verdict
ack_before_our_first_byte(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);
	const struct rd_record *r = &p->ours.rec[d->step];

	return g != NULL && (g->flags & ~VIEW_PSH) == VIEW_ACK && g->len > 0 && !r->has_ts &&
			r->seq == r->acked && before(r->ack, r->una) && before(r->ack, 1) ?
		RD_END :
		RD_NO;
}

static enum rd_verdict
handshake_out_of_order(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; k <= d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];

		if (r->played && !p->script.active && !p->script.steps[k].is_call && r->una == 0 &&
			(p->script.steps[k].seg.flags & VIEW_ACK) && r->ack == 1 &&
			before(r->next, r->seq))
			return RD_END;
	}
	return RD_NO;
}

static bool
is_up_to_the_next_number(const struct rd_record *r)
{
	/* It may have begun elsewhere than we count from. */
	uint32_t next = before(r->next, r->acked) ? r->acked : r->next;

	return before(r->seq, next) && !before(r->end, r->acked) && !before(next, r->end);
}

static enum rd_verdict
ends_at_the_next_number(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = p->ours.rec;

	if (seg_of(p, d) != NULL && is_up_to_the_next_number(&r[d->step]))
		return RD_END;
	/* It moved the window that our data goes into. */
	for (unsigned int k = 0; goes_into_window(p, d) && k < d->step; k++) {
		const struct rd_step *st = &p->script.steps[k];

		if (r[k].played && !st->is_call && is_up_to_the_next_number(&r[k]) &&
			(st->seg.flags & (VIEW_ACK | VIEW_RST)) == VIEW_ACK &&
			st->seg.wnd != 65535)
			return RD_END;
	}
	return RD_NO;
}

/* A FIN that waits behind a gap, or did until now, and what the peer has sent beyond it. */
static enum rd_verdict
beyond_its_own_fin(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = p->ours.rec, *now = &r[d->step];
	uint32_t fin = 0, last = 0;

	for (unsigned int k = 0; k <= d->step; k++) {
		uint8_t flags = p->script.steps[k].seg.flags;

		if (!r[k].played || p->script.steps[k].is_call ||
			(flags & (VIEW_ACK | VIEW_RST | VIEW_SYN)) != VIEW_ACK ||
			!before(now->acked, r[k].end) || before(now->edge, r[k].end))
			continue;
		if ((flags & VIEW_FIN) && (fin == 0 || before(r[k].end, fin)))
			fin = r[k].end;
		if (last == 0 || before(last, r[k].end))
			last = r[k].end;
	}
	return fin != 0 && before(fin, last) ? RD_END : RD_NO;
}

static enum rd_verdict
reset_behind_a_gap(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);

	return g != NULL && (g->flags & VIEW_RST) && d->what == RD_EXTRA &&
			is_bare_ack(our_pkt(p, d)) && strstr(our_pkt(p, d)->opts, "sack") != NULL ?
		RD_END :
		RD_NO;
}

/* Linux resets, or takes what begins before the end and goes on beyond it. */
static enum rd_verdict
data_after_fin(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_seg *g = seg_of(p, d);
	const struct rd_record *r = &p->kernel.rec[d->step];
	int state = state_before(p, d);

	if (g == NULL || g->len == 0 || state == TCP_ESTABLISHED)
		return RD_NO;
	if (state == TCP_CLOSE || state == -1 || !before(r->seq, r->acked))
		return r->count > 0 && (r->out[0].flags & VIEW_RST) ? RD_END : RD_NO;
	return (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING) &&
			before(r->acked, r->end) ?
		RD_END :
		RD_NO;
}

static enum rd_verdict
beyond_a_fin(const struct rd_pair *p, const struct rd_diff *d)
{
	enum rd_verdict v = data_after_fin(p, d);

	return v == RD_NO ? beyond_its_own_fin(p, d) : v;
}

/* Both closed by us, and our FIN acknowledged: the kernel has but a record left. */
static enum rd_verdict
orphan_in_fin_wait_2(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = &p->kernel.rec[d->step];

	for (unsigned int k = 0; k < d->step; k++)
		if (p->kernel.rec[k].played && p->script.steps[k].is_call &&
			p->script.steps[k].call == RD_CLOSE && p->kernel.rec[k].result == 0)
			return r->una == r->sent ? RD_END : RD_NO;
	return RD_NO;
}

static enum rd_verdict
options_of_the_last(const struct rd_pair *p, const struct rd_diff *d)
{
	if (d->what != RD_PACKET || !differ_in_options(kernel_pkt(p, d), our_pkt(p, d)))
		return RD_NO;
	if (our_pkt(p, d)->flags & VIEW_RST)
		return RD_GO_ON;
	return seg_of(p, d) != NULL && is_bare_ack(our_pkt(p, d)) &&
			p->kernel.rec[d->step].state == TCP_CLOSE &&
			state_before(p, d) != TCP_CLOSE ?
		RD_GO_ON :
		RD_NO;
}

/* An earlier segment with another window lay there. */
static bool
touched_the_edge(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; k < d->step; k++) {
		const struct rd_record *r = &p->kernel.rec[k];
		const struct rd_step *st = &p->script.steps[k];
		bool is_ack = !st->is_call && (st->seg.flags & (VIEW_ACK | VIEW_RST)) == VIEW_ACK;

		if (r->played && is_ack && r->edge != r->acked && r->seq - r->edge + 128 <= 256)
			return true;
	}
	return false;
}

static enum rd_verdict
edge_of_what_can_be_said(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = &p->kernel.rec[d->step];

	/* What it took then may have moved the window that our data goes into. */
	if (goes_into_window(p, d) && touched_the_edge(p, d))
		return RD_END;
	if (seg_of(p, d) == NULL)
		return RD_NO;
	if (r->seq - r->edge + 128 <= 256)
		return RD_END;
	return r->shift == 0 && r->edge - r->acked == 65535 && !before(r->end, r->edge) ?
		RD_END :
		RD_NO;
}

/* An error that only Linux believes. */
static bool
is_refused_error(const struct rd_pair *p, unsigned int k)
{
	const struct rd_record *r = &p->kernel.rec[k];
	const struct rd_step *st = &p->script.steps[k];
	bool too_big = st->icmp.what == RD_ICMP_TOO_BIG;
	uint16_t floor = p->script.ip6 ? 1280 : 552;

	if (!r->played || !st->is_call || st->call != RD_ICMP)
		return false;
	if (too_big && (st->icmp.mtu < floor || r->una == 0))
		return true;
	return r->seq == r->sent || (!p->script.active && r->una == 0 && r->seq == 0);
}

static enum rd_verdict
icmp_not_believed(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = 0; k <= d->step; k++)
		if (is_refused_error(p, k))
			return RD_END;
	return RD_NO;
}

const struct rd_allowed rd_allow_list[] = {
	{ "beyond-the-window", beyond_the_window,
		"A segment that ends beyond the window: Linux drops it, or takes all of it if "
		"nothing waits to be read; ours is cut at the edge (RFC 9293 s3.10.7.4: "
		"'trimmed')." },
	{ "no-ack-flag", no_ack_flag,
		"A segment without ACK outside of the window: Linux drops it before it looks at "
		"the number; RFC 9293 s3.10.7.4 looks at the number first, and answers." },
	{ "no-timestamp", no_timestamp,
		"Timestamps were agreed on and the segment has none: Linux takes it, RFC 7323 "
		"s3.2 drops it without a word." },
	{ "crossed-syns", crossed_syns,
		"Simultaneous open: Linux repeats its SYN's options on the SYN-ACK, ours leaves "
		"out what the peer did not offer (RFC 7323 s3.2, RFC 2018 s2); and Linux "
		"acknowledges the peer's SYN-ACK as a duplicate, where RFC 9293 s3.5 figure 7 "
		"needs no more. A RST that ends it is 'connection refused' there, 'reset' in "
		"Linux, which also takes an ACK of nothing, scales a window that the peer did not "
		"agree to scale, and measures the round trip from its SYN-ACK, which repeats the "
		"SYN (RFC 6298 s3). Of a SYN-ACK with data or FIN it drops all, where RFC 9293 "
		"s3.10.7.4 cuts off the SYN, which came before, and takes the rest." },
	{ "reset-before-accept", reset_before_accept,
		"Reset before it was accepted: Linux hands out a dead socket; ours takes it off "
		"the queue, which POSIX allows, and which leaves the place to one that lives." },
	{ "syn-in-syn-received", syn_in_syn_received,
		"A SYN in the window of a passive SYN-RECEIVED: Linux resets, and hands out as a "
		"connection what a SYN-ACK with data ends, though it is none yet; a challenge ACK "
		"as in every later state, or one forged SYN undoes a handshake (RFC 5961 s4)." },
	{ "wrong-ack-in-syn-received", wrong_ack_in_syn_received,
		"In SYN-RECEIVED both number and ACK are wrong: Linux looks at the ACK first and "
		"resets; RFC 9293 s3.10.7.4 at the number, and answers with an ACK." },
	{ "urgent-pointer", urgent_pointer,
		"Linux takes a byte of urgent data out of the stream; here it is ordinary data "
		"(RFC 6093; docs/deviations.md)." },
	{ "sack-on-data", sack_on_data,
		"Data sent while something waits behind a gap: Linux makes room for the SACK "
		"blocks, and less is a full segment then; here segments were cut when they were "
		"written, and the ACKs between have the blocks." },
	{ "push-within-data", push_within_data,
		"PSH within what leaves in a row: Linux sets it where its pacing rate at the "
		"moment cuts chunks for the card; only the end of a write means something." },
	{ "echo-in-the-handshake", echo_in_the_handshake,
		"A timestamp echo before the handshake is over: Linux (6.15) takes none but of "
		"the SYNs it sent, and answers with RST or ACK; RFC 7323 has no such rule, and "
		"ours drops what echoes the future and measures by the rest. Nor does Linux take "
		"a RST there whose timestamp is old; RFC 7323 s5.2 exempts it." },
	{ "ack-before-our-first-byte", ack_before_our_first_byte,
		"An ACK from before our first byte is challenged here and in Linux, whose header "
		"prediction has taken the data before it looks; RFC 5961 s5.2: discarded." },
	{ "handshake-out-of-order", handshake_out_of_order,
		"The handshake is ended by a segment from further on: Linux takes its number as "
		"the last that moved the window, and does not believe those before it." },
	{ "ends-at-the-next-number", ends_at_the_next_number,
		"All of it came before, up to the very next number, or to one that is not "
		"acknowledged yet: to Linux it is in the window, so that its timestamp, ACK, "
		"window and RST count; RFC 9293 table 6 and RFC 7323 s5.3 R2 reject it." },
	{ "reset-behind-a-gap", reset_behind_a_gap,
		"A RST behind the last SACKed byte: Linux takes it for exact; RFC 5961 s3.2 knows "
		"only the next number, and asks." },
	{ "beyond-a-fin", beyond_a_fin,
		"Data beyond the peer's FIN: Linux resets, or takes it if what it comes with "
		"began before; where the FIN waits behind a gap it holds and SACKs what lies "
		"beyond, and takes the FIN for the end of all. Nothing follows a FIN (RFC 9293 "
		"s3.10.7.4, seventh; stack/tcp/tcp_reass.c)." },
	{ "orphan-in-fin-wait-2", orphan_in_fin_wait_2,
		"Closed, our FIN acknowledged: what Linux keeps is a record that looks at no ACK, "
		"takes no data out of order and lets any RST end it; here all checks go on to the "
		"end." },
	{ "options-of-the-last", options_of_the_last,
		"The RST of a close, and the ACK that leads to TIME-WAIT: Linux leaves its SACK "
		"blocks on it; nobody reads them." },
	{ "edge-of-what-can-be-said", edge_of_what_can_be_said,
		"Within 128 bytes of the window's end: a scaled window says its end only so "
		"exactly, and Linux rounds up what it offers, but not what it takes. Without "
		"scaling it takes more than the 65535 bytes that it can offer." },
	{ "window-in-bytes", rd_window_in_bytes,
		"Linux counts the congestion window in segments, ours is in bytes (RFC 5681, RFC "
		"9937), so that after small segments or parts of one either may send more; in "
		"congestion avoidance it looks at CUBIC's curve now and then, and takes what was "
		"acknowledged meanwhile for what it says then (RFC 9438 s4.3: W_est at once); and "
		"Linux fills the peer's window to its last byte, where RFC 9293 s3.8.6.2.1 "
		"(MUST-38) has a short segment wait." },
	{ "second-of-two-segments", rd_second_of_two_segments,
		"More than a full segment is not acknowledged, and the reader is behind: Linux "
		"goes on waiting if its memory has to take window back, RFC 9293 (SHLD-19) has an "
		"ACK for every second; a FIN makes the difference where that memory allows it." },
	{ "joins-from-below", rd_joins_from_below,
		"What continues a run behind a gap and reaches into the next: Linux appends it "
		"and looks no further; ours reports the part that came twice (RFC 2883 s4)." },
	{ "in-time-wait", rd_in_time_wait,
		"TIME-WAIT: Linux gives it up for a SYN that has FIN, too, which its listener then "
		"drops (RFC 9293 s3.6.1: an acceptable SYN); and it echoes the timestamp of a RST "
		"that it ignores (RFC 1337), or of what has no ACK or another than the last, which "
		"whoever guesses could choose; if it is zero, none." },
	{ "cut-elsewhere", rd_cut_elsewhere,
		"Sent again: Linux cuts anew what left as one for the card, from wherever an ACK "
		"or a block within a segment left it; here a segment stays one. What was cut for a "
		"small window and waits until it is large Linux leaves so; here it is filled up." },
	{ "repairs-before-it-reads", rd_repairs_before_it_reads,
		"What an ACK lets go in a recovery leaves before Linux has looked at the data that "
		"came with it, which gets an ACK of its own; here one does for both." },
	{ "reset-after-both-fins", rd_reset_after_both_fins,
		"A RST in LAST-ACK or CLOSING: Linux tells ECONNRESET; RFC 9293 s3.10.7.4, "
		"second: enter CLOSED, and no more." },
	{ "icmp-not-believed", icmp_not_believed,
		"ICMP errors: what they quote has to be in flight (RFC 5927 s4.1); to Linux the "
		"number behind it will do, a SYN may be too big, and an MTU below the least is "
		"taken for that. Nor do they end what is half open (RFC 9293 MUST-56)." },
};

const unsigned int rd_allow_count = sizeof(rd_allow_list) / sizeof(rd_allow_list[0]);

_Static_assert(sizeof(rd_allow_list) / sizeof(rd_allow_list[0]) <= 30, "no more than 30");
