/* SPDX-License-Identifier: BSD-3-Clause */
/* The test bed of the TCP engine. */
#include "lib/tcp_bed.h"

#include <stdio.h>
#include <string.h>

#include "lib/frames.h"

#define IP4_LEN 20u
#define IP6_LEN 40u

static struct ip_addr
parse(const char *text)
{
	struct ip_addr a = { { 0 } };
	int err = ip_addr_parse(&a, text, strlen(text));

	ASSERT(err == 0);
	return a;
}

void
tcp_bed_prepare(struct tcp_bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	test_pkts_init(&bed->pkts, 20000, 2048);
	tunables_default(&bed->tun);
	rng_seed(&bed->rng, 1);
	bed->local.count = 3;
	bed->local.addr[0] = parse("10.0.0.1");
	bed->local.addr[1] = parse("2001:db8::1");
	bed->local.addr[2] = parse("127.0.0.1");
	bed->par = (struct tcp_params){
		.conns_max = 64,
		.synq_max = 64,
		.timewait_max = 16,
		.ranges_max = 600,
		.mtu = 1500,
		.workers = 1,
		.flow_key = { { 1, 2 } },
		.isn_key = { { 3, 4 } },
		.cookie_key = { { { 5, 6 } }, { { 7, 8 } } },
		.port_key = { { 9, 10 } },
		.local = &bed->local,
	};
	bed->env = (struct env){
		.now_us = 10000000000,
		.tun = &bed->tun,
		.ctr = &bed->ctr,
		.rng = &bed->rng,
		.pool = &bed->pkts.pool,
		.tx = &bed->tx,
	};
}

static void
set_now(struct tcp_bed *bed, uint64_t now_us)
{
	bed->env.now_us = now_us;
	bed->env.now_ms = (uint32_t)(now_us / 1000);
}

/* The clock starts where the first peer gets an ISS right before 2^32. */
void
tcp_bed_start(struct tcp_bed *bed)
{
	struct bed_peer first;
	uint32_t isn;
	int err;

	bed_peer_init(&first, bed);
	bed->npeers = 0;
	set_now(bed, bed->env.now_us);
	isn = (uint32_t)(bed->env.now_us >> 2) +
		(uint32_t)siphash24_3w(&bed->par.isn_key, first.key.w);
	set_now(bed, bed->env.now_us + 4 * (uint64_t)(UINT32_MAX - 1000 - isn));
	set_now(bed, bed->env.now_us / 1000 * 1000);
	err = tcp_stack_create(&bed->par, bed->env.now_us, &bed->stack);
	ASSERT(err == 0);
}

void
tcp_bed_init(struct tcp_bed *bed)
{
	tcp_bed_prepare(bed);
	tcp_bed_start(bed);
}

unsigned int
tcp_bed_discard(struct tcp_bed *bed)
{
	unsigned int n = bed->tx.count;

	while (bed->tx.count > 0)
		pkt_free(bed->env.pool, bed->tx.pkts[--bed->tx.count]);
	return n;
}

/* What was counted for its source is taken off when it ends, however it does. */
static void
check_all_uncounted(struct tcp_bed *bed)
{
	do {
		tcp_bed_discard(bed);
		tcp_abort_all(bed->stack, &bed->env);
	} while (!tcp_tx_has_room(bed->stack));
	tcp_check_invariants(bed->stack, &bed->env);
	ASSERT(bed->stack->source.conns.total == 0);
	ASSERT(bed->ctr.SourceConns == 0);
}

void
tcp_bed_fini(struct tcp_bed *bed)
{
	tcp_check_invariants(bed->stack, &bed->env);
	if (bed->stack->source.is_on)
		check_all_uncounted(bed);
	tcp_bed_discard(bed);
	tcp_stack_destroy(bed->stack, &bed->env);
	ASSERT(bed->pkts.pool.held == 0);
	test_pkts_check_none(&bed->pkts);
}

void
tcp_bed_listen(struct tcp_bed *bed, unsigned int backlog)
{
	const struct tcp_listen_params par = {
		.laddr_idx = -1,
		.port = BED_PORT,
		.backlog = backlog,
		.syncookies = -1,
		.name = "bed",
	};
	int err = tcp_listen(bed->stack, &bed->env, &par, &bed->listener);

	ASSERT(err == 0);
}

/* After each step of the engine. */
static void
check(struct tcp_bed *bed)
{
	tcp_check_invariants(bed->stack, &bed->env);
	mem_peak_take(&bed->peak, bed->stack, &bed->pkts.pool, bed->pkts.outstanding);
}

void
tcp_bed_flush(struct tcp_bed *bed)
{
	tcp_flush(bed->stack, &bed->env);
	check(bed);
}

/* Events are kept until a test asks for them; what nobody asks for is forgotten. */
static void
log_events(struct tcp_bed *bed)
{
	struct tcp_event ev;

	while (tcp_next_event(bed->stack, &ev)) {
		if (bed->nevents == ARRAY_SIZE(bed->events))
			bed->nevents = 0;
		bed->events[bed->nevents++] = ev;
	}
}

void
tcp_bed_advance(struct tcp_bed *bed, uint64_t ms)
{
	uint64_t end = bed->env.now_us + ms * 1000;

	while (bed->env.now_us < end) {
		uint64_t at;

		log_events(bed);
		at = tcp_poll_at(bed->stack);
		at = max_u64(at, bed->env.now_us + 1000);
		set_now(bed, min_u64(at, end));
		tcp_poll(bed->stack, &bed->env);
		tcp_bed_flush(bed);
	}
}

uint32_t
tcp_bed_events(struct tcp_bed *bed, tcp_handle h, int *err)
{
	uint32_t what = 0;

	log_events(bed);
	for (unsigned int i = 0; i < bed->nevents; i++) {
		struct tcp_event *ev = &bed->events[i];

		if (ev->handle != h)
			continue;
		what |= ev->what;
		if (err != NULL && (ev->what & (TCP_EV_CONNECTED | TCP_EV_CLOSED)))
			*err = ev->err;
		ev->handle = 0;
	}
	return what;
}

/* --- what was sent --------------------------------------------------------------------------- */

static void
read_option(struct tcp_opts *o, const uint8_t *b, uint8_t len)
{
	switch (b[0]) {
	case 2:
		ASSERT(len == 4);
		o->present |= TCP_OPT_MSS;
		o->mss = load_be16(b + 2);
		break;
	case 3:
		ASSERT(len == 3);
		o->present |= TCP_OPT_WSCALE;
		o->wscale = b[2];
		break;
	case 4:
		ASSERT(len == 2);
		o->present |= TCP_OPT_SACK_OK;
		break;
	case 5:
		ASSERT(len % 8 == 2 && len <= 34);
		o->present |= TCP_OPT_SACK;
		o->nsack = len / 8;
		for (unsigned int i = 0; i < 2u * o->nsack; i++)
			o->sack[i / 2][i % 2] = load_be32(b + 2 + 4 * i);
		break;
	case 8:
		ASSERT(len == 10);
		o->present |= TCP_OPT_TS;
		o->tsval = load_be32(b + 2);
		o->tsecr = load_be32(b + 6);
		break;
	case 34:
		ASSERT(len <= 18);
		o->present |= TCP_OPT_FASTOPEN;
		o->fastopen_len = (uint8_t)(len - 2);
		memcpy(o->fastopen, b + 2, len - 2u);
		break;
	default:
		ASSERT(false);
	}
}

static void
read_options(struct tcp_opts *o, const uint8_t *b, size_t len)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < len && b[i] != 0;) {
		if (b[i] == 1) {
			i++;
			continue;
		}
		ASSERT(i + 1 < len && b[i + 1] >= 2 && i + b[i + 1] <= len);
		read_option(o, b + i, b[i + 1]);
		i += b[i + 1];
	}
}

static size_t
read_ip(const struct tcp_bed *bed, const uint8_t *ip, size_t len, struct flow_key *key)
{
	struct ip_addr src, dst;
	size_t hdr = ip[0] >> 4 == 4 ? IP4_LEN : IP6_LEN;

	if (hdr == IP4_LEN) {
		ASSERT(len >= 40 && ip[0] == 0x45 && ip[9] == 6);
		ASSERT(load_be16(ip + 2) == len);
		ASSERT(frame_check_ip(ip) == 0);
		src = ip_addr_from_v4(load_be32(ip + 12));
		dst = ip_addr_from_v4(load_be32(ip + 16));
	} else {
		ASSERT(len >= 60 && ip[0] >> 4 == 6 && ip[6] == 6);
		ASSERT(load_be16(ip + 4) == len - IP6_LEN);
		memcpy(src.b, ip + 8, 16);
		memcpy(dst.b, ip + 24, 16);
	}
	ASSERT(len <= bed->par.mtu);
	ASSERT(frame_check_l4(ip, len) == 0);
	*key = flow_key_make(&dst, load_be16(ip + hdr + 2),
		(uint8_t)local_addrs_find(&bed->local, &src), load_be16(ip + hdr));
	return hdr;
}

bool
tcp_bed_take(struct tcp_bed *bed)
{
	struct bed_seg *s = &bed->sent;
	const uint8_t *b, *t;
	struct pkt *p;
	size_t hdr, off;

	if (bed->tx.count == 0)
		return false;
	p = bed->tx.pkts[0];
	memmove(bed->tx.pkts, bed->tx.pkts + 1, --bed->tx.count * sizeof(struct pkt *));
	b = pkt_data(p);
	hdr = read_ip(bed, b, p->data_len, &s->key);
	s->ecn = (b[0] >> 4 == 4 ? b[1] : b[1] >> 4) & 3;
	t = b + hdr;
	off = (size_t)(t[12] >> 4) * 4;
	ASSERT(off >= 20 && hdr + off <= p->data_len);
	s->seq = load_be32(t + 4);
	s->ack = load_be32(t + 8);
	s->flags = load_be16(t + 12) & 0x1ff;
	s->wnd = load_be16(t + 14);
	read_options(&s->opts, t + 20, off - 20);
	s->len = (uint32_t)(p->data_len - hdr - off);
	ASSERT(s->len <= BED_DATA_MAX);
	memcpy(s->data, t + off, s->len);
	pkt_free(bed->env.pool, p);
	return true;
}

const char *
bed_peer_sent(struct bed_peer *p)
{
	struct tcp_bed *bed = p->bed;
	const struct bed_seg *s = &bed->sent;
	static const char names[] = "SFRPAEW";
	static const uint16_t bits[] = { TCP_SYN, TCP_FIN, TCP_RST, TCP_PSH, TCP_ACK,
		TCP_ECE, TCP_CWR };
	char flags[8];
	size_t n = 0;

	if (!tcp_bed_take(bed))
		return "";
	ASSERT(flow_key_equal(&s->key, &p->key));
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (s->flags & bits[i])
			flags[n++] = names[i];
	flags[n] = 0;
	if (s->opts.present & TCP_OPT_TS)
		p->tsecr = s->opts.tsval;
	if (s->flags & TCP_ACK)
		snprintf(bed->text, sizeof(bed->text), "%s %d+%u ack %d", flags,
			(int32_t)(s->seq - p->iss), s->len, (int32_t)(s->ack - p->irs));
	else
		snprintf(bed->text, sizeof(bed->text), "%s %d+%u", flags,
			(int32_t)(s->seq - p->iss), s->len);
	return bed->text;
}

/* --- the peer -------------------------------------------------------------------------------- */

uint8_t
bed_pattern(uint32_t seq)
{
	return (uint8_t)(seq * 2654435761u >> 24);
}

void
bed_peer_init(struct bed_peer *p, struct tcp_bed *bed)
{
	struct ip_addr addr = parse("10.0.0.2");

	memset(p, 0, sizeof(*p));
	p->bed = bed;
	p->key = flow_key_make(&addr, (uint16_t)(40000 + bed->npeers++), 0, BED_PORT);
	p->irs = p->seq = UINT32_MAX - 1023;
	p->wnd = 65535;
	p->mss = 1460;
	p->tsval = UINT32_MAX - 5;
}

struct tcp_seg
bed_peer_seg(const struct bed_peer *p, uint16_t flags, uint16_t len)
{
	struct tcp_seg seg = {
		.key = p->key,
		.seq = p->seq,
		.ack = (flags & TCP_ACK) ? p->ack : 0,
		.wnd = p->wnd,
		.len = len,
		.flags = flags,
		.l3_off = 14,
		.l4_off = p->key.family == FLOW_FAMILY_V4 ? 34 : 54,
	};
	struct tcp_opts *o = &seg.opts;

	if (p->offer & TCP_OPT_TS) {
		o->present |= TCP_OPT_TS;
		o->tsval = p->tsval;
		o->tsecr = (flags & TCP_ACK) ? p->tsecr : 0;
	}
	if (flags & TCP_SYN) {
		o->present |= p->offer;
		o->wscale = p->wscale;
		o->mss = p->mss;
		o->present |= p->mss != 0 ? TCP_OPT_MSS : 0;
	}
	seg.payload_off = (uint16_t)(seg.l4_off + 20 + tcp_options_len(o));
	return seg;
}

/* The engine reads no header: they are rubbish, and the buffer ends with the payload. */
static struct pkt *
packet_of(struct tcp_bed *bed, const struct tcp_seg *seg)
{
	static uint8_t frame[BED_DATA_MAX + 200];
	size_t len = (size_t)seg->payload_off + seg->len;

	ASSERT(len <= sizeof(frame));
	memset(frame, 0xee, seg->payload_off);
	for (uint32_t i = 0; i < seg->len; i++)
		frame[seg->payload_off + i] =
			bed_pattern(seg->seq + ((seg->flags & TCP_SYN) != 0) + i);
	return test_pkts_wrap(&bed->pkts, bed->env.pool, frame, len);
}

enum outcome
tcp_bed_input(struct tcp_bed *bed, const struct tcp_seg *segs, unsigned int n)
{
	struct counters before = bed->ctr;
	struct pkt *pkts[TCP_BURST_MAX];
	unsigned int last = OUTCOME_MAX;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		pkts[i] = packet_of(bed, &segs[i]);
	tcp_input_burst(bed->stack, &bed->env, segs, pkts, n);
	check(bed);
	for (unsigned int i = 0; i < OUTCOME_MAX; i++) {
		sum += bed->ctr.outcome[i] - before.outcome[i];
		if (bed->ctr.outcome[i] != before.outcome[i])
			last = i;
	}
	ASSERT(sum == n);
	return (enum outcome)last;
}

enum outcome
bed_peer_send_seg(struct bed_peer *p, const struct tcp_seg *seg)
{
	enum outcome out = tcp_bed_input(p->bed, seg, 1);

	tcp_bed_flush(p->bed);
	return out;
}

enum outcome
bed_peer_send(struct bed_peer *p, uint16_t flags, uint16_t len)
{
	struct tcp_seg seg = bed_peer_seg(p, flags, len);

	p->seq += tcp_seg_len(&seg);
	return bed_peer_send_seg(p, &seg);
}

enum outcome
bed_peer_send_at(struct bed_peer *p, int32_t seq, int32_t ack, uint16_t flags, uint16_t len)
{
	struct tcp_seg seg = bed_peer_seg(p, flags, len);

	seg.seq += (uint32_t)seq;
	seg.ack += (uint32_t)ack;
	return bed_peer_send_seg(p, &seg);
}

void
bed_peer_saw(struct bed_peer *p, uint32_t len)
{
	p->ack += len;
}

/* Its answer begins our numbers. */
static void
take_syn(struct bed_peer *p)
{
	bool any = tcp_bed_take(p->bed);

	ASSERT(any);
	p->iss = p->bed->sent.seq;
	p->ack = p->iss + 1;
	if (p->bed->sent.opts.present & TCP_OPT_TS)
		p->tsecr = p->bed->sent.opts.tsval;
}

enum outcome
bed_peer_syn(struct bed_peer *p)
{
	enum outcome out = bed_peer_send(p, TCP_SYN | p->syn_flags, 0);

	if (p->bed->tx.count > 0)
		take_syn(p);
	return out;
}

enum outcome
bed_peer_ack_syn(struct bed_peer *p)
{
	return bed_peer_send(p, TCP_ACK, 0);
}

void
bed_peer_accept(struct bed_peer *p)
{
	struct tcp_bed *bed = p->bed;
	struct flow_key key;
	int err;

	do {
		err = tcp_accept(bed->stack, &bed->env, bed->listener, &p->h);
		ASSERT(err == 0);
		tcp_get_key(bed->stack, p->h, &key);
	} while (!flow_key_equal(&key, &p->key));
}

static void
connect_to(struct bed_peer *p)
{
	struct tcp_bed *bed = p->bed;
	int err;

	p->active = true;
	err = tcp_connect(bed->stack, &bed->env, &p->key, &p->h);
	ASSERT(err == 0);
	tcp_check_invariants(bed->stack, &bed->env);
	take_syn(p);
}

static void
establish(struct bed_peer *p)
{
	if (p->active) {
		connect_to(p);
		bed_peer_send(p, TCP_SYN | TCP_ACK, 0);
		tcp_bed_discard(p->bed);
		return;
	}
	bed_peer_syn(p);
	bed_peer_ack_syn(p);
	bed_peer_accept(p);
}

static void
shut(struct bed_peer *p)
{
	int err = tcp_shutdown(p->bed->stack, &p->bed->env, p->h, TCP_SHUT_WR);

	ASSERT(err == 0);
	tcp_bed_flush(p->bed);
	tcp_bed_discard(p->bed);
}

static void
ack_fin(struct bed_peer *p)
{
	p->ack++;
	bed_peer_send(p, TCP_ACK, 0);
}

static void
reach_closing_states(struct bed_peer *p, enum tcp_state state)
{
	if (state == TCPS_CLOSE_WAIT || state == TCPS_LAST_ACK) {
		bed_peer_send(p, TCP_FIN | TCP_ACK, 0);
		if (state == TCPS_LAST_ACK)
			shut(p);
		return;
	}
	shut(p);
	if (state == TCPS_FIN_WAIT_2 || state == TCPS_TIME_WAIT)
		ack_fin(p);
	if (state == TCPS_CLOSING || state == TCPS_TIME_WAIT)
		bed_peer_send(p, TCP_FIN | TCP_ACK, 0);
}

void
bed_peer_reach(struct bed_peer *p, enum tcp_state state)
{
	struct tcp_bed *bed = p->bed;

	tcp_bed_discard(bed);
	if (bed->listener == 0)
		tcp_bed_listen(bed, 0);
	switch (state) {
	case TCPS_CLOSED:
	case TCPS_LISTEN:
		break;
	case TCPS_SYN_SENT:
		connect_to(p);
		break;
	case TCPS_SYN_RECEIVED:
		if (p->active) {
			connect_to(p);
			bed_peer_send(p, TCP_SYN, 0);
		} else {
			bed_peer_syn(p);
		}
		break;
	case TCPS_ESTABLISHED:
		establish(p);
		break;
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCPS_TIME_WAIT:
		establish(p);
		reach_closing_states(p, state);
		break;
	}
	tcp_bed_discard(bed);
	ASSERT(bed_peer_state(p) == state || state == TCPS_LISTEN);
}

struct tcp_conn *
bed_peer_conn(const struct bed_peer *p)
{
	const struct tcp_stack *stack = p->bed->stack;
	uint32_t ref = tcp_flow_find(stack, &p->key, tcp_flow_hash(stack, &p->key));

	if (ref == TCP_NONE || (ref & TCP_REF_TYPE) != TCP_REF_CONN)
		return NULL;
	return &stack->conns[ref];
}

enum tcp_state
bed_peer_state(const struct bed_peer *p)
{
	const struct tcp_stack *stack = p->bed->stack;
	uint32_t ref = tcp_flow_find(stack, &p->key, tcp_flow_hash(stack, &p->key));

	if (ref == TCP_NONE)
		return TCPS_CLOSED;
	if ((ref & TCP_REF_TYPE) == TCP_REF_SYNQ)
		return TCPS_SYN_RECEIVED;
	if ((ref & TCP_REF_TYPE) == TCP_REF_TW)
		return TCPS_TIME_WAIT;
	return (enum tcp_state)stack->conns[ref].state;
}
