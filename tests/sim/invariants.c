/* SPDX-License-Identifier: BSD-3-Clause */
/* Follows every connection of a node by its segments alone, with a memory of its own. */
#include "sim/invariants.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq32.h"
#include "lib/fail.h"
#include "lib/view.h"
#include "sim/flows.h"
#include "sim/sim.h"

/** Frames one step may send: all buffers full at once, and some. */
#define STEP_FRAMES_MAX 8192u
#define WIRE_LEN_MIN 60u
#define MSS_OPT_LEN 4u
#define TS_OPT_LEN 12u /* padded */
/** Who hears from the other end so often, so long after anything moved, is not cut off from it. */
#define STUCK_FRAMES 8u
#define STUCK_AFTER_US 60000000u
/** A half-open connection lasts that long at least: SYN-ACKs after 1, 3, 7, 15 and 31 s. */
#define HALF_OPEN_US 31000000u

struct watch {
	struct sim_node *node;
	struct flows *flows;
	bool lone_rst; /* the burst was one RST */
	struct view rst;
	unsigned int step_frames;
	bool overtaken; /* frames that waited for a neighbour may leave behind younger ones */
	bool syn_sent;
	uint32_t first_iss;
	uint64_t cookies_refused; /* before this step */
};

struct watch *
watch_new(struct sim_node *node)
{
	struct watch *w = calloc(1, sizeof(*w));

	CHECK(w != NULL, "out of memory");
	w->node = node;
	w->flows = flows_new();
	return w;
}

void
watch_free(struct watch *w)
{
	flows_free(w->flows);
	free(w);
}

void
watch_restart(struct watch *w)
{
	flows_forget(w->flows);
	watch_step_end(w);
}

static struct flow *
flow_of(struct watch *w, const struct view *v, bool arriving, uint64_t now_us)
{
	struct flow_id id;

	memcpy(id.rip, arriving ? v->src : v->dst, 16);
	memcpy(id.lip, arriving ? v->dst : v->src, 16);
	id.rport = arriving ? v->sport : v->dport;
	id.lport = arriving ? v->dport : v->sport;
	return flows_find(w->flows, &id, now_us);
}

static bool
is_own(const struct sim_node *node, const uint8_t ip[16])
{
	uint8_t own[16];

	view_ip4(own, node->ip4);
	return memcmp(own, ip, 16) == 0 ||
	       (node->ip6[0] != 0 && memcmp(node->ip6, ip, 16) == 0);
}

SLUICE_NORETURN static void
broken(const struct watch *w, const struct flow *f, const struct view *v, const char *what)
{
	char text[512];

	fail("%s\nnode %u, port %u <-> ...%u.%u:%u: %s", what, w->node->idx, f->id.lport,
		f->id.rip[14], f->id.rip[15], f->id.rport, view_text(v, text, sizeof(text)));
}

/* --- arriving ------------------------------------------------------------------------------- */

/* On the wire no frame is shorter than 60 bytes, whatever it holds. */
static size_t
wire_len(size_t len)
{
	return len < WIRE_LEN_MIN ? WIRE_LEN_MIN : len;
}

static void
count(struct traffic *t, size_t len)
{
	t->packets++;
	t->bytes += wire_len(len);
}

/* One of the machine's workers; NULL while it is down. */
static const struct host *
worker(const struct watch *w, unsigned int i)
{
	return w->node->sim->nodes[w->node->idx + i]->host;
}

/* Of all workers of the machine; counter: its offset. */
static uint64_t
machine_count(const struct watch *w, size_t counter)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < w->node->steer.workers; i++) {
		const struct host *h = worker(w, i);

		if (h != NULL)
			sum += *(const uint64_t *)((const char *)&h->w.ctr + counter);
	}
	return sum;
}

/* For room in the port, of all workers. */
static unsigned int
frames_waiting(const struct watch *w)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < w->node->steer.workers; i++)
		sum += worker(w, i) != NULL ? worker(w, i)->w.frames.count : 0;
	return sum;
}

static uint64_t
cookies_sent(const struct watch *w)
{
	return machine_count(w, offsetof(struct counters, SyncookiesSent));
}

static uint64_t
cookies_refused(const struct watch *w)
{
	return machine_count(w, offsetof(struct counters, SyncookiesFailed));
}

static void
see_syn(const struct watch *w, struct flow *f, const struct view *v)
{
	const struct view_opt *ws = view_opt_find(&v->opts, VIEW_OPT_WSCALE);

	f->cookies_before = cookies_sent(w);
	f->syn_without_mss = view_opt_find(&v->opts, VIEW_OPT_MSS) == NULL;
	if (flow_called(f, v->seq, ws != NULL ? (int)ws->v[0] : -1))
		f->got_since_syn = (struct traffic){ 0 };
}

/* The right edge the peer offers; only ever grows, since we may have used it before it shrank. */
static void
see_offer(const struct watch *w, struct flow *f, const struct view *v)
{
	const struct synack *before = f->verified ? NULL : flow_synack_before(f, v->ack);
	const struct stream *in = flow_stream(f);
	uint32_t edge;
	bool scaled;

	if (!f->out_known || !(v->flags & VIEW_ACK) || (v->flags & VIEW_RST))
		return;
	if (before != NULL) {
		f->iss = f->peer_acked = before->iss;
		f->out_ws_offered = before->ws_offered;
		f->out_ws = before->ws;
		f->out_end = v->ack;
	}
	/* An answer to what was never sent says nothing. */
	if (!seq32_gt(v->ack, f->iss) || seq32_gt(v->ack, f->out_end))
		return;
	if (!f->verified)
		f->verified_us = w->node->sim->now_us;
	f->verified = true;
	scaled = !(v->flags & VIEW_SYN) && in->ws_offered && f->out_ws_offered;
	edge = v->ack + ((uint32_t)v->wnd << (scaled ? in->ws : 0));
	if (!f->edge_known || seq32_gt(edge, f->edge))
		f->edge = edge;
	f->edge_known = true;
}

/* Both FINs have been acknowledged. */
static bool
is_over(const struct flow *f)
{
	return f->fin_sent && f->peer_acked == f->fin_seq + 1 && f->acked && f->in.fin &&
	       f->ack_last == f->in.fin_end;
}

/*
 * RFC 4987 s3.6: a late copy of what answered a cookie may open the connection once more, from its
 * first number on, without a SYN that would tell.
 */
static void
see_cookie_again(struct flow *f, const struct view *v)
{
	if (!(f->is_reset || is_over(f)) || (v->flags & (VIEW_SYN | VIEW_RST)) ||
		!(v->flags & VIEW_ACK) || v->ack != f->iss + 1)
		return;
	f->was_over = true;
	f->is_reset = false;
	f->acked = false;
	f->fin_sent = false;
}

/* Does the connection get on, or does it only talk? */
static void
see_progress(struct flow *f, const struct view *v, uint32_t next_before, uint64_t now_us)
{
	bool acked = (v->flags & VIEW_ACK) && f->out_known && seq32_gt(v->ack, f->peer_acked) &&
		     seq32_leq(v->ack, f->out_end);

	if (acked)
		f->peer_acked = v->ack;
	if (acked || flow_stream(f)->next != next_before || (v->flags & VIEW_SYN)) {
		f->moved_us = now_us;
		f->idle_frames = 0;
	} else if (now_us - f->moved_us > STUCK_AFTER_US) {
		f->idle_frames++;
	}
}

static void
see_arrival(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len, bool alone)
{
	uint32_t next_before;
	struct flow *f;
	struct view v;

	if (view_parse(buf, len, &v) != VIEW_TCP || !is_own(w->node, v.dst))
		return;
	if (alone && (v.flags & VIEW_RST)) {
		w->lone_rst = true;
		w->rst = v;
	}
	f = flow_of(w, &v, true, now_us);
	if (v.flags & VIEW_SYN)
		see_syn(w, f, &v);
	count(&f->got, len);
	count(&f->got_since_syn, len);
	f->is_reset |= (v.flags & VIEW_RST) && f->acked && v.seq == f->ack_last;
	see_cookie_again(f, &v);
	next_before = flow_stream(f)->next;
	flow_arrived(f, v.seq, v.seq + view_seg_len(&v), (v.flags & VIEW_FIN) != 0);
	see_offer(w, f, &v);
	see_progress(f, &v, next_before, now_us);
}

void
watch_burst(struct watch *w, uint64_t now_us, const uint8_t *const *bufs, const size_t *lens,
	unsigned int n)
{
	/* What waits for room in the port answers what came before. */
	bool alone = n == 1 && frames_waiting(w) == 0;

	w->lone_rst = false;
	w->cookies_refused = cookies_refused(w);
	for (unsigned int i = 0; i < n; i++)
		see_arrival(w, now_us, bufs[i], lens[i], alone);
}

/* --- leaving -------------------------------------------------------------------------------- */

static void
check_ack(const struct watch *w, struct flow *f, const struct view *v)
{
	bool is_syn = (v->flags & VIEW_SYN) != 0, scaled;
	uint32_t edge;
	uint8_t ws;

	if (!flow_acknowledge(f, v->ack, is_syn))
		broken(w, f, v, "I-2: acknowledges what never arrived");
	scaled = f->in.ws_offered && f->out_ws_offered;
	ws = scaled ? f->out_ws : 0;
	edge = v->ack + ((uint32_t)v->wnd << (is_syn ? 0 : ws));
	/* An answer in place needs no neighbour, so it goes before what waits for one. */
	if (w->overtaken && f->acked && seq32_lt(v->ack, f->ack_last))
		return;
	if (f->acked && seq32_lt(v->ack, f->ack_last))
		broken(w, f, v, "I-4: the acknowledgement went back");
	/* Scaling rounds, perhaps up, before a SYN-ACK again; a FIN ends the need for a window. */
	if (f->acked && seq32_lt(edge + (1u << ws) - 1, f->edge_last) &&
		!(f->in.fin && v->ack == f->in.fin_end))
		broken(w, f, v, "I-4: the right edge of the window went back");
	f->ack_last = v->ack;
	f->edge_last = edge;
	f->acked = true;
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
send_syn(const struct watch *w, struct flow *f, const struct view *v, uint64_t now_us)
{
	const struct view_opt *ws = view_opt_find(&v->opts, VIEW_OPT_WSCALE);
	bool answers = (v->flags & VIEW_ACK) != 0, is_cookie = cookies_sent(w) > f->cookies_before;
	bool is_behind = f->acked && seq32_lt(v->ack, f->ack_last);
	bool again = f->out_known && f->iss == v->seq;
	const struct synack last = { f->iss, f->out_ws_offered, f->out_ws };

	/* A copy of its SYN came in one burst with what proved the peer, and was answered first. */
	if (answers && f->verified && f->verified_us == now_us && v->ack == f->in.isn + 1)
		return;
	f->out_ws_offered = ws != NULL;
	f->out_ws = ws != NULL ? (uint8_t)ws->v[0] : 0;
	/* A cookie repeats its number within a minute, also for a SYN older than what has ended. */
	if (again && !(is_behind && is_cookie))
		return;
	/* The same ports again: what passed between the old ends proves nothing for the new. */
	if (f->verified || f->called) {
		f->got = f->got_since_syn;
		f->given = (struct traffic){ 0 };
	}
	/* The peer may acknowledge any SYN-ACK of this handshake: a cookie is good for minutes. */
	if (f->out_known && answers && (!f->verified || f->refused))
		flow_keep_synack(f, &last);
	else
		f->before_count = 0;
	f->out_known = true;
	f->iss = v->seq;
	f->out_end = v->seq + 1;
	f->fin_sent = false;
	f->was_over = false;
	f->is_reset = false;
	f->acked = false;
	f->edge_known = false;
	f->verified = false;
	f->called = !answers;
	f->synacks_again = 0;
	f->peer_acked = v->seq;
	/* A copy of the SYN does not call back the RST that its sender may have. */
	f->refused = f->refused && answers && f->in.known && v->ack == f->in.isn + 1;
	f->syn_us = now_us;
}

/*
 * I-10: whoever forges a sender's address must not gain by it, in packets or in bytes. The one
 * thing sent unasked is the SYN-ACK again that a queued SYN is owed, so many times and no more. Two
 * things are longer than their cause: the SYN-ACK to a SYN without MSS option, since ours must say
 * what we take (RFC 9293 s3.7.1, SHLD-5), and the challenge ACK to an RST, which has no timestamps
 * where ours must (RFC 7323 s3.2).
 */
static void
check_strangers(const struct watch *w, struct flow *f, const struct view *v, size_t len, bool again)
{
	if (f->verified || f->called)
		return;
	if ((v->flags & VIEW_SYN) && f->syn_without_mss)
		len -= MSS_OPT_LEN;
	if (!(v->flags & VIEW_SYN) && view_opt_find(&v->opts, VIEW_OPT_TS) != NULL)
		len -= TS_OPT_LEN;
	count(&f->given, len);
	if (f->given.packets <= f->got.packets && f->given.bytes <= f->got.bytes)
		return;
	if (!again)
		broken(w, f, v, "I-10: more goes out to an unverified peer than came in");
	if (++f->synacks_again > w->node->synacks_again_max)
		broken(w, f, v, "I-10: too many SYN-ACKs to an unverified peer");
	/* Allowed, so it is on nobody's account. */
	f->given.packets--;
	f->given.bytes -= wire_len(len);
}

static void
check_tcp(struct watch *w, uint64_t now_us, const struct view *v, size_t len)
{
	struct flow *f = flow_of(w, v, false, now_us);
	bool again = f->out_known && (v->flags & VIEW_SYN) && v->seq == f->iss;

	if (w->lone_rst && (v->flags & VIEW_RST) && w->rst.sport == v->dport &&
		w->rst.dport == v->sport && memcmp(w->rst.src, v->dst, 16) == 0)
		broken(w, f, v, "I-11: RST in reply to RST");
	if ((v->flags & VIEW_SYN) && !(v->flags & VIEW_RST))
		send_syn(w, f, v, now_us);
	check_strangers(w, f, v, len, again);
	if (v->flags & VIEW_RST) {
		f->is_reset = true;
		f->refused |= cookies_refused(w) > w->cookies_refused ||
			      (!f->called && now_us - f->syn_us >= HALF_OPEN_US);
		return;
	}
	if ((v->flags & VIEW_SYN) && !w->syn_sent) {
		w->syn_sent = true;
		w->first_iss = v->seq;
	}
	if (v->flags & VIEW_ACK)
		check_ack(w, f, v);
	if (f->out_known && !(v->flags & VIEW_SYN))
		check_data(w, f, v);
}

void
watch_sent(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len)
{
	uint16_t mtu = w->node->par.mtu;
	struct view v;

	if (++w->step_frames > STEP_FRAMES_MAX)
		fail("I-14: node %u sent %u frames in one step", w->node->idx, w->step_frames);
	if (view_parse(buf, len, &v) == VIEW_BAD)
		fail("node %u sent a malformed frame: %s", w->node->idx, v.why);
	if (len > (size_t)mtu + 14)
		fail("node %u sent %zu bytes over an MTU of %u", w->node->idx, len, mtu);
	if (v.kind != VIEW_TCP)
		return;
	if (!is_own(w->node, v.src))
		fail("node %u sent from an address that is not its own", w->node->idx);
	check_tcp(w, now_us, &v, len);
}

bool
watch_is_stuck(struct watch *w, const struct flow_id *id)
{
	return flows_find(w->flows, id, w->node->sim->now_us)->idle_frames >= STUCK_FRAMES;
}

void
watch_swallowed(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len)
{
	struct view v;

	if (view_parse(buf, len, &v) == VIEW_TCP)
		flow_of(w, &v, false, now_us)->swallowed_us = now_us;
}

bool
watch_is_swallowed(struct watch *w, const struct flow_id *id)
{
	const struct flow *f = flows_find(w->flows, id, w->node->sim->now_us);

	return w->node->host->w.tun.tcp_mtu_probing == 0 && f->swallowed_us > f->moved_us;
}

bool
watch_has_waited_for_fin(struct watch *w, const struct flow_id *id, uint32_t timeout_s)
{
	uint64_t now_us = w->node->sim->now_us;
	const struct flow *f = flows_find(w->flows, id, now_us);

	/* The timer counts whole milliseconds. */
	return f->fin_sent && f->peer_acked == f->fin_seq + 1 && !f->in.fin &&
	       now_us / 1000 - f->moved_us / 1000 >= 1000ull * timeout_s;
}

bool
watch_refused(struct watch *w, const struct flow_id *id)
{
	return flows_find(w->flows, id, w->node->sim->now_us)->refused;
}

bool
watch_is_over(struct watch *w, const struct flow_id *id)
{
	const struct flow *f = flows_find(w->flows, id, w->node->sim->now_us);

	return f->was_over || is_over(f);
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
	bool waits = false, is_leaving = false;

	for (unsigned int i = 0; i < w->node->steer.workers; i++) {
		const struct host *h = worker(w, i);

		waits |= h != NULL && h->w.net.neigh.waiting > 0;
		is_leaving |= h != NULL && (h->w.frames.count > 0 || h->ring_count > 0);
	}
	w->step_frames = 0;
	w->lone_rst = false;
	w->overtaken = waits || (w->overtaken && is_leaving);
}
