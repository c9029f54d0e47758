/* SPDX-License-Identifier: BSD-3-Clause */
/* Both answers to one sequence, step by step; the first difference that nothing explains. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/rd.h"

/* The kernel's ticks (4 ms), its softirqs, and what a busy machine adds. */
#define TIMER_SLACK_US 15000u
/* What comes later than this is no answer but a timer's doing. */
#define ANSWER_US 1500u
/* What the kernel's timers of seconds are late. */
#define SILENT_END_US 300000u
/* Delayed ACKs, and the kernel's ticks: when within a step is none of the comparison. */
#define TS_SLACK_MS 80u

static const char *
state_name(int state)
{
	static const char *const names[] = { "-", "ESTABLISHED", "SYN_SENT", "SYN_RECV",
		"FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN",
		"CLOSING" };

	return state < 0 || state > 11 ? names[0] : names[state];
}

/* --- one packet ------------------------------------------------------------------------------ */

/* What differs of two packets, as letters; "": nothing. */
static void
packet_diff(const struct rd_pkt *a, const struct rd_pkt *b, bool is_over, char out[16])
{
	unsigned int n = 0;

	if (a->flags != b->flags)
		out[n++] = 'f';
	if (a->seq != b->seq)
		out[n++] = 's';
	if (a->ack != b->ack)
		out[n++] = 'a';
	if (a->len != b->len)
		out[n++] = 'l';
	if (strcmp(a->opts, b->opts) != 0)
		out[n++] = 'o';
	if (a->has_ts && b->has_ts && abs((int)(a->ts_val - b->ts_val)) > (int)TS_SLACK_MS)
		out[n++] = 't';
	/* After both FINs nobody sends into it. */
	if ((a->wnd == 0) != (b->wnd == 0) && !(a->flags & VIEW_RST) && !is_over)
		out[n++] = 'w';
	if (a->tos != b->tos)
		out[n++] = 'e';
	if (a->bad || b->bad)
		out[n++] = 'b';
	out[n] = '\0';
}

static const char *
brief(const struct rd_pkt *p, char *out, size_t cap)
{
	char flags[9];

	snprintf(out, cap, "%s%s", view_flags_text(p->flags, flags), p->len > 0 ? "+" : "");
	return out;
}

/* --- timers near a step ---------------------------------------------------------------------- */

/* What comes later than answer_us is a timer's: on the stack's clock, whatever is not at once. */
static bool
timer_at_end(const struct rd_record *r, uint32_t answer_us)
{
	for (unsigned int i = 0; i < r->count; i++)
		if (r->out[i].at_us > r->at_us + answer_us &&
			r->out[i].at_us + TIMER_SLACK_US > r->end_us)
			return true;
	return false;
}

static bool
is_late(const struct rd_record *r, unsigned int i)
{
	return r->out[i].at_us > r->at_us + ANSWER_US;
}

/* Sent again, a probe, or held back till then: by a timer that the other has not, or later. */
static bool
is_timer_alone(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = d->what == RD_MISSING ? &p->kernel.rec[d->step] :
							     &p->ours.rec[d->step];

	char what[16];

	if (d->what == RD_PACKET) {
		packet_diff(&p->kernel.rec[d->step].out[d->pkt], &r->out[d->pkt], true, what);
		if (strcmp(what, "t") == 0)
			return true;
	}
	/* What is sent again may be cut otherwise, too. */
	if (d->what == RD_PACKET)
		return is_late(r, d->pkt) && is_late(&p->kernel.rec[d->step], d->pkt) &&
			r->out[d->pkt].flags != VIEW_ACK;
	return (d->what == RD_MISSING || d->what == RD_EXTRA) && is_late(r, d->pkt) &&
		(r->out[d->pkt].flags != VIEW_ACK || r->out[d->pkt].len > 0 ||
			(int32_t)(r->out[d->pkt].seq - r->sent) < 0);
}

/* Ended by a timer that sends nothing, as a user timeout, and the other a moment later. */
static bool
is_end_alone(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];
	uint64_t until_us = a->end_us + SILENT_END_US;

	if (d->what != RD_STATE || (a->state == TCP_CLOSE) == (b->state == TCP_CLOSE))
		return false;
	for (unsigned int k = d->step + 1; k < p->script.count; k++) {
		a = &p->kernel.rec[k];
		if (a->played && a->at_us < until_us && a->state == TCP_CLOSE &&
			p->ours.rec[k].state == TCP_CLOSE)
			return true;
	}
	return false;
}

/*
 * The ACK of a FIN before any data waits for a moment in both, and in Linux no longer than until
 * the next segment.
 */
static bool
is_ack_of_a_first_fin(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_record *r = p->kernel.rec, *now = &r[d->step];

	for (unsigned int k = 0; d->what == RD_MISSING && k < d->step; k++) {
		const struct rd_seg *g = &p->script.steps[k].seg;

		if (r[k].played && !p->script.steps[k].is_call && (g->flags & VIEW_FIN) &&
			g->len == 0 && now->out[d->pkt].flags == VIEW_ACK &&
			now->out[d->pkt].len == 0 && now->out[d->pkt].ack == r[k].end &&
			now->at_us < r[k].at_us + TIMER_SLACK_US)
			return true;
	}
	return false;
}

/* Which side of the step it falls on is then chance. */
static bool
is_timing(const struct rd_pair *p, const struct rd_diff *d)
{
	return timer_at_end(&p->kernel.rec[d->step], ANSWER_US) ||
		timer_at_end(&p->ours.rec[d->step], 0) || is_timer_alone(p, d) ||
		is_end_alone(p, d) || is_ack_of_a_first_fin(p, d);
}

/* Both FINs have been seen, or nobody reads any more. */
static bool
is_over(const struct rd_pair *p, unsigned int k)
{
	if (p->kernel.rec[k].state == TCP_CLOSE)
		return true;
	for (unsigned int i = 0; p->kernel.rec[k].state < 0 && i < k; i++)
		if (p->kernel.rec[i].played && p->script.steps[i].is_call &&
			p->script.steps[i].call == RD_CLOSE && p->kernel.rec[i].result == 0)
			return true;
	return false;
}

/* --- one step -------------------------------------------------------------------------------- */

static bool
found(struct rd_diff *d, enum rd_what what, unsigned int step, unsigned int pkt)
{
	d->what = what;
	d->step = step;
	d->pkt = pkt;
	return true;
}

/* The first difference at step k behind *from, which counts what was looked at. */
static bool
step_diff(const struct rd_pair *p, unsigned int k, unsigned int *from, struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[k], *b = &p->ours.rec[k];
	unsigned int most = a->count > b->count ? a->count : b->count, i;
	char what[16];

	if (*from == 0 && (*from)++ == 0 && p->script.steps[k].is_call &&
		(a->result != b->result || a->err != b->err))
		return found(d, RD_RESULT, k, 0);
	while ((i = *from - 1) < most) {
		(*from)++;
		if (i >= b->count)
			return found(d, RD_MISSING, k, i);
		if (i >= a->count)
			return found(d, RD_EXTRA, k, i);
		packet_diff(&a->out[i], &b->out[i], is_over(p, k), what);
		if (what[0] != '\0')
			return found(d, RD_PACKET, k, i);
	}
	if (i == most && (*from)++ && a->state != b->state)
		return found(d, RD_STATE, k, 0);
	if (*from == most + 2 && (*from)++ &&
		(a->inq != b->inq || (a->outq != b->outq && a->state != TCP_CLOSE)))
		return found(d, RD_QUEUE, k, 0);
	return false;
}

static void
make_key(const struct rd_pair *p, struct rd_diff *d)
{
	const struct rd_record *a = &p->kernel.rec[d->step], *b = &p->ours.rec[d->step];
	const struct rd_record *prev = d->step > 0 ? &p->kernel.rec[d->step - 1] : a;
	char step[64], x[16] = "", y[16] = "", what[16] = "";

	rd_step_text(&p->script.steps[d->step], step, sizeof(step));
	if (d->what == RD_PACKET)
		packet_diff(&a->out[d->pkt], &b->out[d->pkt], false, what);
	if (d->what == RD_PACKET || d->what == RD_MISSING)
		brief(&a->out[d->pkt], x, sizeof(x));
	if (d->what == RD_PACKET || d->what == RD_EXTRA)
		brief(&b->out[d->pkt], y, sizeof(y));
	if (d->what == RD_RESULT) {
		snprintf(x, sizeof(x), "%ld/%d", a->result, a->err);
		snprintf(y, sizeof(y), "%ld/%d", b->result, b->err);
	}
	if (d->what == RD_STATE) {
		snprintf(x, sizeof(x), "%s", state_name(a->state));
		snprintf(y, sizeof(y), "%s", state_name(b->state));
	}
	if (d->what == RD_QUEUE) {
		snprintf(x, sizeof(x), "%s", a->inq != b->inq ? "in" : "");
		snprintf(y, sizeof(y), "%s", a->outq != b->outq ? "out" : "");
	}
	snprintf(d->key, sizeof(d->key), "%u %s: %s | %s %s in %s", d->what, step, x, y, what,
		state_name(prev->state));
}

static enum rd_verdict
explain(struct rd_pair *p, struct rd_diff *d)
{
	for (unsigned int i = 0; i < rd_allow_count; i++) {
		enum rd_verdict v = rd_allow_list[i].match(p, d);

		if (v == RD_NO)
			continue;
		p->allowed |= 1ull << i;
		return v;
	}
	return RD_NO;
}

void
rd_compare(struct rd_pair *p)
{
	p->diff = (struct rd_diff){ .what = RD_SAME, .entry = -1 };
	for (unsigned int k = 0; k < p->script.count; k++) {
		struct rd_diff d = { .entry = -1 };
		unsigned int from = 0;

		if (!p->kernel.rec[k].played)
			continue;
		while (step_diff(p, k, &from, &d)) {
			enum rd_verdict v = explain(p, &d);

			if (v == RD_GO_ON)
				continue;
			p->timing = v == RD_NO && is_timing(p, &d);
			if (v == RD_END || p->timing)
				return;
			p->diff = d;
			make_key(p, &p->diff);
			return;
		}
	}
}

/* --- side by side ---------------------------------------------------------------------------- */

static void
packet_text(const struct rd_side *s, const struct rd_record *r, unsigned int i, char *out,
	size_t cap)
{
	const struct rd_pkt *p = &r->out[i];
	char flags[9];

	(void)s;
	if (i >= r->count) {
		out[0] = '\0';
		return;
	}
	snprintf(out, cap, "%+6.1f %s %u:%u(%u) ack %u win %u <%s>%s",
		(double)(int64_t)(p->at_us - r->at_us) / 1000, view_flags_text(p->flags, flags),
		p->seq, p->seq + p->len, p->len, p->ack, (uint32_t)p->wnd << p->shift, p->opts,
		p->bad ? " BAD" : "");
}

static void
end_text(const struct rd_record *r, char *out, size_t cap)
{
	int n = snprintf(out, cap, "[%s in %d out %d", state_name(r->state), r->inq, r->outq);

	if (r->outq > 0)
		n += snprintf(out + n, cap - (size_t)n, ", cwnd %u ssthresh %d mss %u", r->cwnd,
			(int)r->ssthresh, r->mss);
	snprintf(out + n, cap - (size_t)n, "]");
}

static void
print_step(const struct rd_pair *p, unsigned int k, FILE *to)
{
	const struct rd_record *a = &p->kernel.rec[k], *b = &p->ours.rec[k];
	unsigned int most = a->count > b->count ? a->count : b->count;
	char x[192], y[192];

	fprintf(to, "%2u %7.1f %-78s| %s\n", k,
		(double)(a->at_us - p->kernel.start_us) / 1000, a->input,
		strcmp(a->input, b->input) == 0 ? "=" : b->input);
	if (p->script.steps[k].is_call)
		fprintf(to, "           = %-76ld| = %ld\n           %-78s| %s\n", a->result,
			b->result, a->err ? strerror(a->err) : "", b->err ? strerror(b->err) : "");
	for (unsigned int i = 0; i < most; i++) {
		packet_text(&p->kernel, a, i, x, sizeof(x));
		packet_text(&p->ours, b, i, y, sizeof(y));
		fprintf(to, "    %-85s| %s\n", x, y);
	}
	end_text(a, x, sizeof(x));
	end_text(b, y, sizeof(y));
	fprintf(to, "    %-85s| %s\n", x, y);
}

void
rd_print(const struct rd_pair *p, FILE *to)
{
	const struct rd_script *s = &p->script;

	fprintf(to, "%s %s, mss %u wscale %d%s%s%s\n", s->ip6 ? "IPv6" : "IPv4",
		s->active ? "active" : "passive", s->mss, s->wscale, s->has_sack ? " sack" : "",
		s->has_ts ? " ts" : "", s->has_ecn ? " ecn" : "");
	fprintf(to, "%-89s| %s\n", "Linux", "the stack");
	for (unsigned int k = 0; k < s->count; k++) {
		if (!p->kernel.rec[k].played)
			continue;
		print_step(p, k, to);
		if (p->diff.what != RD_SAME && p->diff.step == k) {
			fprintf(to, "^^ %s\n", p->diff.key);
			break;
		}
	}
}
