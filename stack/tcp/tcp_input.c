/* SPDX-License-Identifier: BSD-3-Clause */
/* Demultiplexing a burst: hash all, find all, then process each in order (RFC 9293 s3.10.7). */
#include "tcp/tcp_parts.h"

/*
 * Three passes, so that the cache misses of a burst overlap:
 *	1  hash every flow key together, prefetch the buckets
 *	2  match tags, prefetch the connections they point to and their timers, then the cold parts
 *	3  protocol, in order of arrival
 * What needs a cookie, made or checked, is set aside in pass 3 and done together at the end.
 */
#define COLD_AHEAD 4u

struct burst {
	const struct tcp_seg *segs;
	struct pkt *const *pkts;
	uint64_t hash[TCP_BURST_MAX];
	uint32_t ref[TCP_BURST_MAX];
	struct tcp_cookie_syn syns[TCP_BURST_MAX];
	uint8_t acks[TCP_BURST_MAX];	/* that may carry one */
	unsigned int nsyns;
	unsigned int nacks;
	uint32_t flows_added;	/* stack.flows_added when pass 2 looked */
	struct tcp_rx rx;	/* what is made of the one in hand */
};

static void
find_all(struct tcp_stack *stack, struct burst *b, unsigned int n)
{
	uint64_t words[TCP_BURST_MAX][3];

	for (unsigned int i = 0; i < n; i++)
		memcpy(words[i], b->segs[i].key.w, sizeof(words[i]));
	siphash24_3w_burst(&stack->par.flow_key, words[0], b->hash, n);
	for (unsigned int i = 0; i < n; i++)
		flow_table_prefetch(&stack->flows, b->hash[i]);
	for (unsigned int i = 0; i < n; i++) {
		struct flow_iter it;
		uint32_t ref = flow_table_first(&stack->flows, b->hash[i], &it);

		b->ref[i] = ref;
		if (ref == FLOW_REF_NONE)
			continue;
		switch (ref & TCP_REF_TYPE) {
		case TCP_REF_CONN:
			tcp_prefetch_conn(stack, ref);
			wheel_prefetch(&stack->wheel, ref);
			break;
		case TCP_REF_SYNQ:
			prefetch0(&stack->synq[ref & ~TCP_REF_TYPE]);
			break;
		default:
			prefetch0(&stack->tw[ref & ~TCP_REF_TYPE]);
			break;
		}
	}
}

static inline void
prefetch_cold(const struct tcp_stack *stack, uint32_t ref)
{
	if ((ref & TCP_REF_TYPE) == TCP_REF_CONN)
		tcp_prefetch_cold(stack, ref);
}

/* What the flow is now; an earlier segment of the burst may have changed it since pass 2. */
static uint32_t
resolve(const struct tcp_stack *stack, const struct burst *b, unsigned int i)
{
	uint32_t ref = b->ref[i];

	/* Nothing was added since: what was not there still is not. */
	if (ref == FLOW_REF_NONE && stack->flows_added == b->flows_added)
		return ref;
	if (ref != FLOW_REF_NONE && tcp_ref_has_key(stack, ref, &b->segs[i].key))
		return ref;
	return tcp_flow_find(stack, &b->segs[i].key, b->hash[i]);
}

/* Step by step, in rx. */
static SLUICE_NOINLINE void
general_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg,
	struct pkt *pkt, struct tcp_rx *rx)
{
	*rx = tcp_rx_of(c, seg, pkt);
	if (c->state == TCPS_SYN_SENT)
		tcp_synsent_input(stack, c, rx);
	else
		tcp_segment_arrives(stack, c, rx);
	tcp_outcome(stack, rx->outcome);
	if (rx->pkt != NULL)
		pkt_free(stack->env->pool, rx->pkt);
}

static void
conn_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg, struct pkt *pkt,
	struct tcp_rx *rx)
{
	tcp_wake(stack, c);
	tcp_note_in(stack, c, seg->len);
	tcp_note_ect(stack, c, seg);
	tcp_note_rcv_rtt(stack, c, seg);
	if (!tcp_fast_input(stack, c, seg, pkt, rx))
		general_input(stack, c, seg, pkt, rx);
}

/* LISTEN (s3.10.7.2), or no connection at all (s3.10.7.1). */
static void
listen_input(struct tcp_stack *stack, struct burst *b, unsigned int i)
{
	const struct tcp_seg *seg = &b->segs[i];
	struct tcp_listener *l = tcp_listener_find(stack, &seg->key);
	enum outcome why = OUT_SYN_QUEUE_FULL;

	/* First: an RST is ignored. */
	if (seg->flags & TCP_RST) {
		tcp_drop(stack, b->pkts[i], OUT_NO_CONN_RST);
		return;
	}
	if (l == NULL) {
		tcp_refuse(stack, NULL, seg, b->pkts[i],
			(seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? OUT_NO_LISTENER :
									OUT_NO_CONN);
		return;
	}
	/* Second: an ACK of nothing we sent, unless it carries a cookie. */
	if (seg->flags & TCP_ACK) {
		if (seg->flags & TCP_SYN)
			tcp_refuse(stack, l, seg, b->pkts[i], OUT_NO_CONN);
		else
			b->acks[b->nacks++] = (uint8_t)i;
		return;
	}
	/* Third: SYN. A FIN with it is a scan, not an opening. */
	if (!(seg->flags & TCP_SYN) || (seg->flags & TCP_FIN)) {
		tcp_drop(stack, b->pkts[i], OUT_TCP_BAD_FLAGS);
		return;
	}
	if (!tcp_tx_has_room(stack)) {
		stack->env->ctr->ListenDrops++;
		tcp_drop(stack, b->pkts[i], OUT_NO_BUFFER);
		return;
	}
	/* Before it costs anything. */
	if (tcp_source_is_limited(stack, l) && !tcp_source_admits_syn(stack, l, &seg->key, &why)) {
		tcp_drop(stack, b->pkts[i], why);
		return;
	}
	switch (tcp_listen_judge(stack, l, &why)) {
	case TCP_SYN_QUEUE:
		if (((seg->opts.present & TCP_OPT_FASTOPEN) ||
			    (l->wishes.no_cookie && seg->len > 0)) &&
			tcp_fastopen_open(stack, l, seg, b->hash[i], b->pkts[i]))
			break;
		tcp_synq_add(stack, l, seg, b->hash[i], b->pkts[i]);
		break;
	case TCP_SYN_COOKIE:
		b->syns[b->nsyns++] = (struct tcp_cookie_syn){
			.seg = seg,
			.pkt = b->pkts[i],
			.l = l,
			.hash = b->hash[i],
		};
		break;
	case TCP_SYN_DROP:
		tcp_drop(stack, b->pkts[i], why);
		break;
	}
}

static void
input_one(struct tcp_stack *stack, struct burst *b, unsigned int i)
{
	uint32_t ref = b->ref[i], slot;

	/* Most often it is the connection that pass 2 found. */
	if ((ref & TCP_REF_TYPE) == TCP_REF_CONN &&
		tcp_ref_has_key(stack, ref, &b->segs[i].key)) {
		conn_input(stack, &stack->conns[ref], &b->segs[i], b->pkts[i], &b->rx);
		return;
	}
	ref = resolve(stack, b, i);
	slot = ref & ~TCP_REF_TYPE;
	if (ref == FLOW_REF_NONE) {
		listen_input(stack, b, i);
		return;
	}
	switch (ref & TCP_REF_TYPE) {
	case TCP_REF_CONN:
		conn_input(stack, &stack->conns[slot], &b->segs[i], b->pkts[i], &b->rx);
		break;
	case TCP_REF_SYNQ:
		if (!tcp_synq_input(stack, slot, &b->segs[i], b->pkts[i], b->hash[i]))
			b->acks[b->nacks++] = (uint8_t)i;
		break;
	default:
		if (tcp_timewait_input(stack, slot, &b->segs[i], b->pkts[i]))
			listen_input(stack, b, i);
		break;
	}
}

/* A valid cookie: the connection begins in ESTABLISHED. */
static void
open_from_cookie(struct tcp_stack *stack, struct burst *b, unsigned int i,
	const struct tcp_cookie_info *info)
{
	const struct tcp_seg *seg = &b->segs[i];
	struct tcp_listener *l = tcp_listener_find(stack, &seg->key);
	const struct tcp_handshake hs = {
		.l = l,
		.iss = seg->ack - 1,
		.irs = seg->seq - 1,
		.ts_recent = info->has_ts ? seg->opts.tsval : 0,
		.mss = tcp_peer_mss(stack, &seg->key, &l->wishes,
			&(struct tcp_opts){ .present = TCP_OPT_MSS, .mss = info->mss }),
		.wscale = info->wscale,
		.has_wscale = info->has_wscale,
		.has_ts = info->has_ts,
		.has_sack = info->has_sack,
		.has_ecn = info->has_ecn,
	};
	enum outcome why = OUT_ACCEPT_QUEUE_FULL;
	struct tcp_conn *c;

	l->cookies_valid++;
	stack->env->ctr->SyncookiesRecv++;
	if (tcp_source_is_limited(stack, l) && !tcp_source_admits_conn(stack, l, &seg->key)) {
		/* Nobody forged this one: it may know. */
		tcp_respond_rst(stack, seg, b->pkts[i], OUT_SOURCE_CONNS);
		return;
	}
	c = tcp_acceptq_admits(stack, l, &why) ?
		tcp_acceptq_add(stack, &hs, seg, b->hash[i], &why) :
		NULL;
	if (c != NULL) {
		/* The first segment's window is scaled, unlike a SYN's. */
		if (seg->len == 0 && !(seg->flags & TCP_FIN)) {
			tcp_drop(stack, b->pkts[i], OUT_COOKIE_ACCEPTED);
			return;
		}
		conn_input(stack, c, seg, b->pkts[i], &b->rx);
		return;
	}
	if (why == OUT_ACCEPT_QUEUE_FULL && stack->env->tun->tcp_abort_on_overflow)
		tcp_respond_rst(stack, seg, b->pkts[i], why);
	else
		tcp_drop(stack, b->pkts[i], why);
}

/* What does not fit the queued SYN; info: it carries a cookie instead, given for the same SYN. */
static void
queued_ack(struct tcp_stack *stack, struct burst *b, unsigned int i, uint32_t slot,
	const struct tcp_cookie_info *info)
{
	if (info == NULL) {
		stack->listeners[stack->synq[slot].listener].cookies_invalid++;
		stack->env->ctr->SyncookiesFailed++;
		tcp_synq_refuse(stack, slot, &b->segs[i], b->pkts[i], b->hash[i]);
		return;
	}
	tcp_synq_drop(stack, slot);
	open_from_cookie(stack, b, i, info);
}

static void
check_acks(struct tcp_stack *stack, struct burst *b)
{
	const struct tcp_seg *segs[TCP_BURST_MAX];
	struct tcp_cookie_info infos[TCP_BURST_MAX];
	bool valid[TCP_BURST_MAX];

	for (unsigned int j = 0; j < b->nacks; j++)
		segs[j] = &b->segs[b->acks[j]];
	tcp_cookie_check(stack, segs, b->nacks, valid, infos);
	for (unsigned int j = 0; j < b->nacks; j++) {
		unsigned int i = b->acks[j];
		uint32_t ref = tcp_flow_find(stack, &b->segs[i].key, b->hash[i]);
		struct tcp_listener *l = tcp_listener_find(stack, &b->segs[i].key);

		/* An earlier ACK of this burst may have opened it. */
		if (ref != FLOW_REF_NONE && (ref & TCP_REF_TYPE) == TCP_REF_CONN) {
			conn_input(stack, &stack->conns[ref], &b->segs[i], b->pkts[i], &b->rx);
		} else if (ref != FLOW_REF_NONE && (ref & TCP_REF_TYPE) == TCP_REF_SYNQ &&
			l->cookie_us != 0) {
			queued_ack(stack, b, i, ref & ~TCP_REF_TYPE, valid[j] ? &infos[j] : NULL);
		} else if (valid[j]) {
			open_from_cookie(stack, b, i, &infos[j]);
		} else if (l->cookie_us != 0) {
			l->cookies_invalid++;
			stack->env->ctr->SyncookiesFailed++;
			tcp_refuse(stack, l, &b->segs[i], b->pkts[i], OUT_COOKIE_INVALID);
		} else {
			tcp_refuse(stack, l, &b->segs[i], b->pkts[i], OUT_NO_CONN);
		}
	}
}

void
tcp_input_burst(struct tcp_stack *stack, struct env *env, const struct tcp_seg *segs,
	struct pkt *const *pkts, unsigned int n)
{
	struct burst b;

	ASSERT(n <= TCP_BURST_MAX);
	stack->env = env;
	if (n == 0)
		return;
	b.segs = segs;
	b.pkts = pkts;
	b.nsyns = 0;
	b.nacks = 0;
	b.flows_added = stack->flows_added;
	if (SLUICE_UNLIKELY(env->now_us >= stack->cookies.rotate_at_us))
		tcp_cookie_rotate(stack);
	env->ctr->InSegs += n;
	tcp_mem_look(stack);
	find_all(stack, &b, n);
	for (unsigned int i = 0; i < min_u32(n, COLD_AHEAD); i++)
		prefetch_cold(stack, b.ref[i]);
	for (unsigned int i = 0; i < n; i++) {
		if (i + COLD_AHEAD < n)
			prefetch_cold(stack, b.ref[i + COLD_AHEAD]);
		input_one(stack, &b, i);
	}
	if (b.nsyns > 0)
		tcp_cookie_answer(stack, b.syns, b.nsyns);
	if (b.nacks > 0)
		check_acks(stack, &b);
}
