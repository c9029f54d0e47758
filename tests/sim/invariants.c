/* SPDX-License-Identifier: BSD-3-Clause */
/* Follows every connection of a node by its segments alone, with a memory of its own. */
#include "sim/invariants.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq32.h"
#include "lib/fail.h"
#include "lib/view.h"
#include "sim/sim.h"

#define GAPS_MAX 128u
#define BUCKETS 4096u
/** Frames one step may send: all buffers full at once, and some. */
#define STEP_FRAMES_MAX 8192u
/** Forgotten when silent for so long: far beyond every timer of a connection. */
#define FORGET_US (6ull * 3600 * 1000000)

/* What has arrived of one incarnation of the peer's stream. */
struct stream {
	bool known;
	bool ws_offered;
	uint8_t ws;
	uint32_t isn;
	uint32_t next; /* everything before it has arrived */
	uint32_t end; /* the highest number seen */
	unsigned int gaps; /* arrived runs behind a gap, in order */
	uint32_t run[GAPS_MAX][2];
	bool fuzzy; /* too many of them: only end is known */
};

struct flow {
	struct flow *next;
	uint32_t rip;
	uint16_t rport, lport;
	uint64_t seen_us;
	/* What came in; the one before may still be the one that counts. */
	struct stream in, in_before;
	/* What went out. */
	bool out_known, out_ws_offered;
	uint8_t out_ws;
	uint32_t iss, out_end;
	bool fin_sent;
	uint32_t fin_seq;
	bool acked; /* ack_last and edge_last mean something */
	uint32_t ack_last, edge_last;
	/* What the peer allows. */
	bool edge_known;
	uint32_t edge;
	bool verified; /* the peer has acknowledged our SYN */
};

struct watch {
	struct sim_node *node;
	struct flow *buckets[BUCKETS];
	bool lone_rst; /* the burst was one RST */
	struct view rst;
	unsigned int step_frames;
	bool syn_sent;
	uint32_t first_iss;
};

struct watch *
watch_new(struct sim_node *node)
{
	struct watch *w = calloc(1, sizeof(*w));

	CHECK(w != NULL, "out of memory");
	w->node = node;
	return w;
}

void
watch_free(struct watch *w)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		while (w->buckets[i] != NULL) {
			struct flow *f = w->buckets[i];

			w->buckets[i] = f->next;
			free(f);
		}
	free(w);
}

static uint32_t
ip4_of(const uint8_t ip[16])
{
	return load_be32(ip + 12);
}

static struct flow *
find(struct watch *w, uint32_t rip, uint16_t rport, uint16_t lport, uint64_t now_us)
{
	uint32_t h = (rip * 2654435761u ^ (uint32_t)rport << 16 ^ lport) * 2246822519u >> 20;
	struct flow **at = &w->buckets[h % BUCKETS], *f;

	while ((f = *at) != NULL) {
		if (f->rip == rip && f->rport == rport && f->lport == lport) {
			f->seen_us = now_us;
			return f;
		}
		if (now_us - f->seen_us > FORGET_US) {
			*at = f->next;
			free(f);
			continue;
		}
		at = &f->next;
	}
	f = calloc(1, sizeof(*f));
	CHECK(f != NULL, "out of memory");
	f->rip = rip;
	f->rport = rport;
	f->lport = lport;
	f->seen_us = now_us;
	f->next = w->buckets[h % BUCKETS];
	w->buckets[h % BUCKETS] = f;
	return f;
}

SLUICE_NORETURN static void
broken(const struct watch *w, const struct flow *f, const struct view *v, const char *what)
{
	char text[512];

	fail("%s\nnode %u, port %u <-> 10.0.%u.%u:%u: %s", what, w->node->idx, f->lport,
		f->rip >> 8 & 255, f->rip & 255, f->rport, view_text(v, text, sizeof(text)));
}

/* --- arriving ------------------------------------------------------------------------------- */

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
	if (n == i && s->gaps == GAPS_MAX) {
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
add_data(struct stream *s, uint32_t left, uint32_t right)
{
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
start_stream(struct flow *f, const struct view *v)
{
	const struct view_opt *ws = view_opt_find(&v->opts, VIEW_OPT_WSCALE);

	if (f->in.known && f->in.isn == v->seq)
		return;
	f->in_before = f->in;
	memset(&f->in, 0, offsetof(struct stream, run));
	f->in.known = true;
	f->in.isn = v->seq;
	f->in.next = f->in.end = v->seq;
	f->in.ws_offered = ws != NULL;
	f->in.ws = ws != NULL ? (uint8_t)min_u32(ws->v[0], 14) : 0;
}

/* The right edge the peer offers; only ever grows, since we may have used it before it shrank. */
static void
see_offer(struct flow *f, const struct view *v)
{
	bool scaled = !(v->flags & VIEW_SYN) && f->in.ws_offered && f->out_ws_offered;
	uint32_t edge = v->ack + ((uint32_t)v->wnd << (scaled ? f->in.ws : 0));

	if (!f->out_known || !(v->flags & VIEW_ACK) || (v->flags & VIEW_RST))
		return;
	/* An answer to what was never sent says nothing. */
	if (!seq32_gt(v->ack, f->iss) || seq32_gt(v->ack, f->out_end))
		return;
	f->verified = true;
	if (!f->edge_known || seq32_gt(edge, f->edge))
		f->edge = edge;
	f->edge_known = true;
}

static void
see_arrival(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len, bool alone)
{
	struct flow *f;
	struct view v;
	uint32_t left;

	if (view_parse(buf, len, &v) != VIEW_TCP || ip4_of(v.dst) != w->node->ip4)
		return;
	if (alone && (v.flags & VIEW_RST)) {
		w->lone_rst = true;
		w->rst = v;
	}
	f = find(w, ip4_of(v.src), v.sport, v.dport, now_us);
	if (v.flags & VIEW_SYN)
		start_stream(f, &v);
	left = v.seq;
	if (f->in.known && seq32_geq(left, f->in.isn))
		add_data(&f->in, left, left + view_seg_len(&v));
	if (f->in_before.known && seq32_geq(left, f->in_before.isn))
		add_data(&f->in_before, left, left + view_seg_len(&v));
	see_offer(f, &v);
}

void
watch_burst(struct watch *w, uint64_t now_us, const uint8_t *const *bufs, const size_t *lens,
	unsigned int n)
{
	w->lone_rst = false;
	for (unsigned int i = 0; i < n; i++)
		see_arrival(w, now_us, bufs[i], lens[i], n == 1);
}

/* --- leaving -------------------------------------------------------------------------------- */

static bool
ack_is_covered(const struct stream *s, uint32_t ack)
{
	return s->known && seq32_leq(ack, s->fuzzy ? s->end : s->next) && seq32_geq(ack, s->isn);
}

static void
check_ack(const struct watch *w, struct flow *f, const struct view *v)
{
	bool scaled = !(v->flags & VIEW_SYN) && f->in.ws_offered && f->out_ws_offered;
	uint8_t ws = scaled ? f->out_ws : 0;
	uint32_t edge = v->ack + ((uint32_t)v->wnd << ws);

	if (!ack_is_covered(&f->in, v->ack) && !ack_is_covered(&f->in_before, v->ack))
		broken(w, f, v, "I-2: acknowledges what never arrived");
	if (f->acked && ack_is_covered(&f->in, v->ack)) {
		if (seq32_lt(v->ack, f->ack_last))
			broken(w, f, v, "I-4: the acknowledgement went back");
		/* Scaling rounds; a FIN ends the need for a window. */
		if (seq32_lt(edge + (1u << ws) - 1, f->edge_last) && v->ack != f->in.end)
			broken(w, f, v, "I-4: the right edge of the window went back");
	}
	f->ack_last = v->ack;
	f->edge_last = edge;
	f->acked = ack_is_covered(&f->in, v->ack);
}

static void
check_data(const struct watch *w, struct flow *f, const struct view *v)
{
	uint32_t end = v->seq + view_seg_len(v), data_end = v->seq + v->payload_len;

	if (v->payload_len > 0 && !f->verified)
		broken(w, f, v, "I-13: data before the handshake was done");
	if (f->fin_sent && seq32_gt(end, f->fin_seq + 1))
		broken(w, f, v, "I-13: data after FIN");
	/* A FIN may stand on the edge: every receiver takes it, and at window 0 too. */
	if (v->payload_len > 0 && seq32_gt(data_end, f->out_end) &&
		(!f->edge_known || seq32_gt(data_end, f->edge)))
		broken(w, f, v, "I-3: beyond the window");
	if (v->flags & VIEW_FIN) {
		if (f->fin_sent && f->fin_seq != end - 1)
			broken(w, f, v, "I-13: FIN moved");
		f->fin_sent = true;
		f->fin_seq = end - 1;
	}
	if (seq32_gt(end, f->out_end))
		f->out_end = end;
}

static void
send_syn(struct flow *f, const struct view *v)
{
	const struct view_opt *ws = view_opt_find(&v->opts, VIEW_OPT_WSCALE);

	f->out_ws_offered = ws != NULL;
	f->out_ws = ws != NULL ? (uint8_t)ws->v[0] : 0;
	if (f->out_known && f->iss == v->seq)
		return;
	f->out_known = true;
	f->iss = v->seq;
	f->out_end = v->seq + 1;
	f->fin_sent = false;
	f->acked = false;
	f->edge_known = false;
	f->verified = false;
}

void
watch_sent(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len)
{
	uint16_t mtu = w->node->host->par.mtu;
	struct flow *f;
	struct view v;

	if (++w->step_frames > STEP_FRAMES_MAX)
		fail("I-14: node %u sent %u frames in one step", w->node->idx, w->step_frames);
	if (view_parse(buf, len, &v) == VIEW_BAD)
		fail("node %u sent a malformed frame: %s", w->node->idx, v.why);
	if (len > (size_t)mtu + 14)
		fail("node %u sent %zu bytes over an MTU of %u", w->node->idx, len, mtu);
	if (v.kind != VIEW_TCP)
		return;
	if (ip4_of(v.src) != w->node->ip4)
		fail("node %u sent from an address that is not its own", w->node->idx);
	f = find(w, ip4_of(v.dst), v.dport, v.sport, now_us);
	if (w->lone_rst && (v.flags & VIEW_RST) && w->rst.sport == v.dport &&
		w->rst.dport == v.sport && ip4_of(w->rst.src) == f->rip)
		broken(w, f, &v, "I-11: RST in reply to RST");
	if (v.flags & VIEW_RST)
		return;
	if (v.flags & VIEW_SYN)
		send_syn(f, &v);
	if ((v.flags & VIEW_SYN) && !w->syn_sent) {
		w->syn_sent = true;
		w->first_iss = v.seq;
	}
	if (v.flags & VIEW_ACK)
		check_ack(w, f, &v);
	if (f->out_known && !(v.flags & VIEW_SYN))
		check_data(w, f, &v);
}

bool
watch_first_iss(const struct watch *w, uint32_t *iss)
{
	*iss = w->first_iss;
	return w->syn_sent;
}

void
watch_step_end(struct watch *w)
{
	w->step_frames = 0;
	w->lone_rst = false;
}
