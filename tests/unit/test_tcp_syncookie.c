/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies: nothing kept, what they carry, how long they live, how hard they are to forge. */
#include "unit/tcp_unit.h"

#include <stdio.h>

#define PERIOD_MS 64000u

static const struct tcp_wishes none;

static void
always(struct tcp_bed *bed)
{
	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
}

/* A cookie was sent to p, whose next segment is the ACK. */
static void
get_cookie(struct bed_peer *p, struct tcp_bed *bed, uint8_t offer)
{
	bed_peer_init(p, bed);
	p->offer = offer;
	p->wscale = 7;
	assert_int_equal(bed_peer_syn(p), OUT_SYN_COOKIE_SENT);
}

static void
a_cookie_keeps_nothing_and_opens_a_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	always(bed);
	get_cookie(&p, bed, 0);
	assert_int_equal(tcp_conn_count(bed->stack), 0);
	assert_int_equal(bed->pkts.pool.held, 0);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
	assert_int_equal(bed_peer_ack_syn(&p), OUT_COOKIE_ACCEPTED);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_sent(&p, "");
	bed_peer_accept(&p);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	assert_sent(&p, "A 1+0 ack 11");
	assert_int_equal(bed->ctr.SyncookiesSent, 1);
	assert_int_equal(bed->ctr.SyncookiesRecv, 1);
}

static void
data_on_the_final_ack_is_taken(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	always(bed);
	get_cookie(&p, bed, 0);
	assert_int_equal(bed_peer_send(&p, TCP_ACK | TCP_FIN, 10), OUT_DELIVERED);
	/* Behind a FIN an ACK waits for our answer. */
	assert_sent(&p, "");
	tcp_bed_advance(bed, 40);
	assert_sent(&p, "A 1+0 ack 12");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSE_WAIT);
}

static void
the_largest_class_not_above_the_peers_mss_is_kept(void **state)
{
	static const struct {
		uint16_t mss, want;
	} rows[] = {
		{ 0, 536 }, { 88, 88 }, { 535, 88 }, { 536, 536 }, { 1219, 536 }, { 1220, 1220 },
		{ 1359, 1220 }, { 1360, 1360 }, { 1400, 1400 }, { 1440, 1440 }, { 1459, 1440 },
		{ 1460, 1460 }, { 8940, 1460 }, { 65535, 1460 },
	};
	struct tcp_bed *bed = *state;

	always(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.mss = rows[i].mss;
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
		assert_int_equal(bed_peer_conn(&p)->mss, rows[i].want);
	}
}

/* A segment larger than the peer asked for is lost on paths that need the small one. */
static void
a_peer_with_a_tiny_mss_gets_no_larger_segments(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	always(bed);
	bed_peer_init(&p, bed);
	p.mss = 100;
	bed_peer_syn(&p);
	bed_peer_ack_syn(&p);
	assert_in_range(bed_peer_conn(&p)->mss, 88, 100);
}

static void
options_are_kept_through_timestamps_and_without_them_not_offered(void **state)
{
	static const struct {
		uint8_t offer;
		uint8_t answer;
		uint8_t snd_wscale;
		uint32_t flags;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 0, 0, 0 },
		{ TCP_OPT_TS, TCP_OPT_TS, 0, TF_TS },
		{ TCP_OPT_TS | TCP_OPT_WSCALE, TCP_OPT_TS | TCP_OPT_WSCALE, 7, TF_TS },
		{ TCP_OPT_TS | TCP_OPT_SACK_OK, TCP_OPT_TS | TCP_OPT_SACK_OK, 0, TF_TS | TF_SACK },
		{ TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK,
			TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 7, TF_TS | TF_SACK },
	};
	struct tcp_bed *bed = *state;

	always(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_conn *c;
		struct bed_peer p;

		get_cookie(&p, bed, rows[i].offer);
		assert_int_equal(bed->sent.opts.present, rows[i].answer | TCP_OPT_MSS);
		bed_peer_ack_syn(&p);
		c = bed_peer_conn(&p);
		assert_int_equal(c->flags & (TF_TS | TF_SACK), rows[i].flags);
		assert_int_equal(c->snd_wscale, rows[i].snd_wscale);
		assert_int_equal(c->rcv_wscale, rows[i].offer & rows[i].answer & TCP_OPT_WSCALE
				? tcp_own_wscale(bed->stack, &none) : 0);
		assert_int_equal(c->snd_wnd, 65535u << rows[i].snd_wscale);
	}
}

static void
every_window_scale_is_kept(void **state)
{
	struct tcp_bed *bed = *state;

	always(bed);
	for (uint8_t scale = 0; scale <= 14; scale++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.offer = TCP_OPT_TS | TCP_OPT_WSCALE;
		p.wscale = scale;
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
		assert_int_equal(bed_peer_conn(&p)->snd_wscale, scale);
	}
}

/* Our timestamp never runs ahead, nor back: the next one of the connection is not older. */
static void
the_timestamp_that_holds_options_is_not_ahead_of_the_clock(void **state)
{
	struct tcp_bed *bed = *state;

	always(bed);
	for (unsigned int i = 0; i < 130; i++) {
		struct bed_peer p;
		uint32_t first;

		bed->npeers %= 20;
		get_cookie(&p, bed, TCP_OPT_TS | TCP_OPT_SACK_OK);
		first = bed->sent.opts.tsval;
		bed_peer_ack_syn(&p);
		bed_peer_accept(&p);
		bed_peer_send(&p, TCP_ACK, 1);
		assert_sent(&p, "A 1+0 ack 2");
		assert_in_range(bed->sent.opts.tsval - first, 0, 64);
		bed_peer_send(&p, TCP_RST, 0);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_advance(bed, 7);
	}
}

static void
a_cookie_with_any_bit_flipped_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	always(bed);
	get_cookie(&p, bed, TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK);
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct tcp_seg ack = bed_peer_seg(&p, TCP_ACK, 0);

		ack.ack = ((ack.ack - 1) ^ (1u << bit)) + 1;
		assert_int_equal(bed_peer_send_seg(&p, &ack), OUT_COOKIE_INVALID);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.flags, TCP_RST);
		ack = bed_peer_seg(&p, TCP_ACK, 0);
		ack.seq ^= 1u << bit;
		assert_int_equal(bed_peer_send_seg(&p, &ack), OUT_COOKIE_INVALID);
		if (bit >= 6)
			continue;
		ack = bed_peer_seg(&p, TCP_ACK, 0);
		ack.opts.tsecr ^= 1u << bit;
		assert_int_equal(bed_peer_send_seg(&p, &ack), OUT_COOKIE_INVALID);
	}
	tcp_bed_discard(bed);
	assert_int_equal(bed->ctr.SyncookiesFailed, 32 + 32 + 6);
	assert_int_equal(bed_peer_ack_syn(&p), OUT_COOKIE_ACCEPTED);
}

static void
a_cookie_is_good_for_its_flow_only(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	always(bed);
	get_cookie(&p, bed, 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct tcp_seg ack = bed_peer_seg(&p, TCP_ACK, 0);

		ack.key.rport ^= i == 0;
		ack.key.raddr.b[15] ^= i == 1;
		ack.key.laddr_idx = i == 2 ? 2 : 0;
		assert_int_equal(bed_peer_send_seg(&p, &ack), OUT_COOKIE_INVALID);
	}
	tcp_bed_discard(bed);
}

/* A key is used for one period and honoured for another. */
static void
a_cookie_lives_between_one_and_two_periods(void **state)
{
	static const struct {
		uint32_t sent_ms, ack_ms;	/* after a rotation */
		bool want;
	} rows[] = {
		{ 0, 0, true },
		{ 0, PERIOD_MS - 1, true },
		{ 0, PERIOD_MS, true },
		{ 0, 2 * PERIOD_MS - 1, true },
		{ 0, 2 * PERIOD_MS, false },
		{ PERIOD_MS - 1, PERIOD_MS, true },
		{ PERIOD_MS - 1, 2 * PERIOD_MS - 1, true },
		{ PERIOD_MS - 1, 2 * PERIOD_MS, false },
		{ 0, 10 * PERIOD_MS, false },
	};
	struct tcp_bed *bed = *state;

	always(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p, other;
		enum outcome out;

		/* A segment of anybody rotates the keys. */
		tcp_bed_advance(bed, 10 * PERIOD_MS);
		get_cookie(&other, bed, 0);
		tcp_bed_advance(bed, (bed->stack->cookies.rotate_at_us - bed->env.now_us) / 1000);
		tcp_bed_advance(bed, rows[i].sent_ms);
		get_cookie(&p, bed, 0);
		tcp_bed_advance(bed, rows[i].ack_ms - rows[i].sent_ms);
		get_cookie(&other, bed, 0);
		out = bed_peer_ack_syn(&p);
		assert_int_equal(out, rows[i].want ? OUT_COOKIE_ACCEPTED : OUT_COOKIE_INVALID);
		tcp_bed_discard(bed);
	}
}

static void
without_a_cookie_sent_lately_no_ack_opens_anything(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	assert_int_equal(bed_peer_ack_syn(&p), OUT_NO_CONN);
	tcp_bed_discard(bed);
	assert_int_equal(bed->ctr.SyncookiesFailed, 0);
}

static void
the_modes_decide_when_cookies_are_sent(void **state)
{
	/* filler: entries in the SYN queue, whose limit is 2 here. */
	static const struct {
		uint32_t mode;
		unsigned int filler;
		enum outcome want;
	} rows[] = {
		{ 0, 0, OUT_SYN_QUEUED }, { 0, 2, OUT_SYN_QUEUE_FULL },
		{ 1, 0, OUT_SYN_QUEUED }, { 1, 1, OUT_SYN_QUEUED }, { 1, 2, OUT_SYN_COOKIE_SENT },
		{ 2, 0, OUT_SYN_COOKIE_SENT },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed->tun.tcp_syncookies = rows[i].mode;
		tcp_bed_listen(bed, 1);
		for (unsigned int j = 0; j < rows[i].filler; j++) {
			bed_peer_init(&p, bed);
			assert_int_equal(bed_peer_syn(&p), OUT_SYN_QUEUED);
		}
		bed_peer_init(&p, bed);
		assert_int_equal(bed_peer_syn(&p), rows[i].want);
		assert_int_equal(tcp_listener_close(bed->stack, &bed->env, bed->listener), 0);
	}
	assert_int_equal(bed->ctr.TCPReqQFullDoCookies, 1);
	assert_int_equal(bed->ctr.TCPReqQFullDrop, 1);
}

static void
a_valid_cookie_meets_a_full_accept_queue_as_any_handshake(void **state)
{
	struct tcp_bed *bed = *state;

	for (uint32_t abort_on_overflow = 0; abort_on_overflow < 2; abort_on_overflow++) {
		struct bed_peer p, q;

		bed->tun.tcp_syncookies = 2;
		bed->tun.tcp_abort_on_overflow = abort_on_overflow;
		tcp_bed_listen(bed, 1);
		get_cookie(&p, bed, 0);
		get_cookie(&q, bed, 0);
		assert_int_equal(bed_peer_ack_syn(&p), OUT_COOKIE_ACCEPTED);
		assert_int_equal(bed_peer_ack_syn(&q), OUT_ACCEPT_QUEUE_FULL);
		assert_sent(&q, abort_on_overflow ? "R 1+0" : "");
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
		tcp_bed_discard(bed);
	}
}

static void
the_same_ack_twice_in_a_burst_opens_one_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[2];
	struct bed_peer p;

	always(bed);
	get_cookie(&p, bed, 0);
	segs[0] = segs[1] = bed_peer_seg(&p, TCP_ACK, 0);
	tcp_bed_input(bed, segs, 2);
	assert_int_equal(bed->ctr.outcome[OUT_COOKIE_ACCEPTED], 1);
	assert_int_equal(bed->ctr.outcome[OUT_PURE_ACK], 1);
	assert_int_equal(tcp_conn_count(bed->stack), 1);
}

static void
a_burst_of_syns_gets_the_cookies_each_would_get_alone(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[TCP_BURST_MAX];
	struct bed_peer peers[TCP_BURST_MAX];
	uint32_t cookies[TCP_BURST_MAX];

	always(bed);
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		bed_peer_init(&peers[i], bed);
		segs[i] = bed_peer_seg(&peers[i], TCP_SYN, 0);
	}
	tcp_bed_input(bed, segs, TCP_BURST_MAX);
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		assert_true(tcp_bed_take(bed));
		cookies[i] = bed->sent.seq;
		assert_true(flow_key_equal(&bed->sent.key, &peers[i].key));
	}
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		bed_peer_syn(&peers[i]);
		assert_int_equal(peers[i].iss, cookies[i]);
	}
}

/* Answers of a burst are copies of its first: peers differ in all that a copy must not keep. */
static void
mixed_peer(struct bed_peer *p, struct tcp_bed *bed, unsigned int i)
{
	bed_peer_init(p, bed);
	p->irs = p->seq = i * 0x01010101u;
	p->tsval = i * 0x10101u;
	p->offer = i % 5 == 4 ? TCP_OPT_TS : TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS;
	if (i % 7 == 6) {
		assert_int_equal(ip_addr_parse(&p->key.raddr, "2001:db8::2", 11), 0);
		p->key = flow_key_make(&p->key.raddr, p->key.rport, 1, BED_PORT);
	} else if (i % 7 == 5) {
		p->key.laddr_idx = 2;
	}
}

static void
a_burst_of_syns_is_answered_byte_for_byte_as_each_alone(void **state)
{
	static const uint32_t caps[] = { 0, ENV_TX_TCP_CSUM, ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM };
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[TCP_BURST_MAX];
	struct pkt *answers[TCP_BURST_MAX];

	always(bed);
	for (size_t row = 0; row < ARRAY_SIZE(caps); row++) {
		bed->env.tx_caps = caps[row];
		for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
			struct bed_peer p;

			mixed_peer(&p, bed, i);
			segs[i] = bed_peer_seg(&p, TCP_SYN, 0);
		}
		tcp_bed_input(bed, segs, TCP_BURST_MAX);
		assert_int_equal(bed->tx.count, TCP_BURST_MAX);
		memcpy(answers, bed->tx.pkts, sizeof(answers));
		bed->tx.count = 0;
		for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
			const struct pkt *alone;

			tcp_bed_input(bed, &segs[i], 1);
			alone = bed->tx.pkts[0];
			assert_int_equal(alone->data_len, answers[i]->data_len);
			assert_memory_equal(
				pkt_data(alone), pkt_data(answers[i]), alone->data_len);
			assert_true(alone->ol_flags == answers[i]->ol_flags);
			assert_true(alone->tx_offload == answers[i]->tx_offload);
			assert_int_equal(alone->app.flags, answers[i]->app.flags);
			tcp_bed_discard(bed);
			pkt_free(bed->env.pool, answers[i]);
		}
	}
	bed->env.tx_caps = 0;
}

/* --- a connection of a cookie beside one of the SYN queue ----------------------------------- */

/* What an observer on the wire and the owner see of one life. */
struct life {
	struct tcp_bed bed;
	struct bed_peer p;
	size_t len;
	char seen[16384];
};

SLUICE_PRINTF(2, 3)
static void
note(struct life *l, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	l->len += (size_t)vsnprintf(l->seen + l->len, sizeof(l->seen) - l->len, fmt, args);
	va_end(args);
	assert_true(l->len < sizeof(l->seen));
}

/* Each segment that was sent, with its window and options; the clock of timestamps may differ. */
static void
note_sent(struct life *l, const char *when)
{
	const struct bed_seg *s = &l->bed.sent;
	const char *text;

	note(l, "%s:", when);
	while ((text = bed_peer_sent(&l->p))[0] != '\0')
		note(l, " [%s win %u opt %x sack %u ecn %u]", text, (unsigned int)s->wnd,
			(unsigned int)s->opts.present, (unsigned int)s->opts.nsack,
			(unsigned int)s->ecn);
	note(l, "\n");
}

static void
note_conn(struct life *l)
{
	struct tcp_conn_info info;
	uint64_t cursor = 0;

	if (tcp_list_conns(l->bed.stack, &l->bed.env, &cursor, &info, 1) == 1)
		note(l, "%u mss %u cwnd %u ssthresh %u rto %u srtt %u rcvbuf %u sndbuf %u wscale "
			"%u,%u ts %d sack %d ecn %d cc %s rexmits %u\n",
			(unsigned int)info.state, info.mss, info.cwnd_bytes, info.ssthresh_bytes,
			info.rto_ms, info.srtt_us, info.rcvbuf_bytes, info.sndbuf_bytes,
			(unsigned int)info.snd_wscale, (unsigned int)info.rcv_wscale, info.has_ts,
			info.has_sack, info.has_ecn, info.cc != NULL ? info.cc : "-",
			(unsigned int)info.rexmits);
}

static void
live_data(struct life *l)
{
	static uint8_t data[40000];
	struct tcp_bed *bed = &l->bed;
	struct bed_peer *p = &l->p;

	bed_peer_send(p, TCP_ACK | TCP_PSH, 1000);
	note(l, "read %td\n", tcp_recv(bed->stack, &bed->env, p->h, data, sizeof(data)));
	note_sent(l, "request");
	/* What came behind a gap is asked for. */
	bed_peer_send_at(p, 500, 0, TCP_ACK, 500);
	note_sent(l, "gap");
	bed_peer_send(p, TCP_ACK, 500);
	p->seq += 500;
	note(l, "read %td\n", tcp_recv(bed->stack, &bed->env, p->h, data, sizeof(data)));
	note(l, "wrote %td\n", tcp_send(bed->stack, &bed->env, p->h, data, sizeof(data), 0));
	tcp_bed_flush(bed);
	note_sent(l, "answer");
	note_conn(l);
	/* Nothing arrives; then all that was sent does. */
	tcp_bed_advance(bed, 3500);
	note_sent(l, "again");
	note_conn(l);
	p->ack = bed_peer_conn(p)->snd_nxt;
	bed_peer_send(p, TCP_ACK, 0);
	note_sent(l, "more");
	p->ack = bed_peer_conn(p)->snd_nxt;
	p->wnd = 0;
	bed_peer_send(p, TCP_ACK, 0);
	note(l, "wrote %td\n", tcp_send(bed->stack, &bed->env, p->h, data, 5000, 0));
	tcp_bed_flush(bed);
	tcp_bed_advance(bed, 5000);
	note_sent(l, "probes");
	p->wnd = 65535;
	bed_peer_send(p, TCP_ACK, 0);
	note_sent(l, "rest");
	note_conn(l);
}

static void
live_end(struct life *l)
{
	struct tcp_bed *bed = &l->bed;
	struct bed_peer *p = &l->p;

	bed_peer_send_at(p, 100000, 0, TCP_RST, 0);
	bed_peer_send_at(p, 10, 0, TCP_RST, 0);
	bed_peer_send(p, TCP_SYN, 0);
	p->seq--;
	note_sent(l, "challenges");
	p->ack = bed_peer_conn(p)->snd_nxt;
	bed_peer_send(p, TCP_ACK, 0);
	tcp_close(bed->stack, &bed->env, p->h);
	tcp_bed_flush(bed);
	note_sent(l, "close");
	p->ack = bed_peer_conn(p)->snd_nxt;
	bed_peer_send(p, TCP_FIN | TCP_ACK, 0);
	note_sent(l, "end");
	note(l, "state %u\n", (unsigned int)bed_peer_state(p));
	tcp_bed_advance(bed, 59999);
	note(l, "state %u\n", (unsigned int)bed_peer_state(p));
	tcp_bed_advance(bed, 2);
	note(l, "state %u\n", (unsigned int)bed_peer_state(p));
}

static void
live(struct life *l, uint32_t cookies, uint8_t offer, uint16_t mss, bool ecn)
{
	tcp_bed_init(&l->bed);
	l->bed.tun.tcp_syncookies = cookies;
	l->bed.tun.tcp_slow_start_after_idle = 0;
	tcp_bed_listen(&l->bed, 0);
	bed_peer_init(&l->p, &l->bed);
	l->p.offer = offer;
	l->p.wscale = 7;
	l->p.mss = mss;
	l->p.syn_flags = ecn ? TCP_ECE | TCP_CWR : 0;
	l->len = 0;
	bed_peer_syn(&l->p);
	bed_peer_ack_syn(&l->p);
	bed_peer_accept(&l->p);
	note_conn(l);
	live_data(l);
	live_end(l);
	tcp_bed_fini(&l->bed);
}

/* Without timestamps a cookie keeps no options (a04): then neither offers any. */
static void
what_a_cookie_opened_behaves_as_what_was_queued(void **state)
{
	static const struct {
		uint8_t offer;
		uint16_t mss; /* a class of the cookie's */
		bool ecn;
	} rows[] = {
		{ 0, 1460, false },
		{ 0, 536, false },
		{ TCP_OPT_TS, 1460, false },
		{ TCP_OPT_TS | TCP_OPT_SACK_OK, 1460, false },
		{ TCP_OPT_TS | TCP_OPT_WSCALE, 1360, false },
		{ TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 1460, false },
		{ TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 1220, true },
	};
	static struct life queued, cookie;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		live(&queued, 0, rows[i].offer, rows[i].mss, rows[i].ecn);
		live(&cookie, 2, rows[i].offer, rows[i].mss, rows[i].ecn);
		if (strcmp(queued.seen, cookie.seen) != 0)
			fail_msg("row %zu: queued:\n%s\ncookie:\n%s", i, queued.seen, cookie.seen);
		assert_non_null(strstr(queued.seen, "probes: ["));
	}
}

/* For load tests, whose generator has the key and nothing else. */
static void
a_cookie_made_with_a_key_that_stays_opens_at_any_time(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_seg syn;
	uint8_t bits;

	bed->par.cookie_keys_stay = true;
	tcp_bed_start(bed);
	always(bed);
	tcp_bed_advance(bed, 10 * PERIOD_MS);
	get_cookie(&p, bed, TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK);
	syn = bed_peer_seg(&p, TCP_SYN, 0);
	syn.seq = p.irs;
	syn.opts.present = TCP_OPTS_SYN;
	syn.opts.mss = p.mss;
	syn.opts.wscale = p.wscale;
	assert_int_equal(tcp_cookie_make(&bed->par.cookie_key[0], &syn, &bits), p.iss);
	assert_int_equal(bits, bed->sent.opts.tsval & 63);
	assert_int_equal(bed_peer_ack_syn(&p), OUT_COOKIE_ACCEPTED);
	assert_int_not_equal(tcp_cookie_make(&bed->par.cookie_key[1], &syn, &bits), p.iss);
}

/* Each answer of a burst is as its own listener wishes, not as the one before it. */
static void
listeners_that_differ_answer_a_burst_each_in_its_way(void **state)
{
	const struct tcp_listen_params par = {
		.laddr_idx = -1,
		.port = 81,
		.syncookies = -1,
		.name = "small",
		.wishes = { .mss_max = 600, .rcvbuf = 8192 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer peers[4];
	struct tcp_seg segs[4];
	tcp_handle h;

	always(bed);
	/* Then answers are copies of the one before. */
	bed->env.tx_caps = ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM;
	assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &h), 0);
	for (unsigned int i = 0; i < 4; i++) {
		bed_peer_init(&peers[i], bed);
		peers[i].offer = TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS;
		peers[i].key.lport = i < 2 ? BED_PORT : 81;
		segs[i] = bed_peer_seg(&peers[i], TCP_SYN, 0);
	}
	tcp_bed_input(bed, segs, 4);
	assert_int_equal(bed->tx.count, 4);
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *tcp = pkt_data(bed->tx.pkts[i]) + 20;

		assert_int_equal(load_be16(tcp), peers[i].key.lport);
		assert_int_equal(load_be16(tcp + 14), i < 2 ? 65160 : 3528);
		/* The first option. */
		assert_int_equal(load_be32(tcp + 20), 0x02040000 | (i < 2 ? 1460u : 600u));
	}
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_cookie_keeps_nothing_and_opens_a_connection),
		BED_TEST(data_on_the_final_ack_is_taken),
		BED_TEST(the_largest_class_not_above_the_peers_mss_is_kept),
		BED_TEST(a_peer_with_a_tiny_mss_gets_no_larger_segments),
		BED_TEST(options_are_kept_through_timestamps_and_without_them_not_offered),
		BED_TEST(every_window_scale_is_kept),
		BED_TEST(the_timestamp_that_holds_options_is_not_ahead_of_the_clock),
		BED_TEST(a_cookie_with_any_bit_flipped_is_refused),
		BED_TEST(a_cookie_is_good_for_its_flow_only),
		BED_TEST(a_cookie_lives_between_one_and_two_periods),
		BED_TEST(without_a_cookie_sent_lately_no_ack_opens_anything),
		BED_TEST(the_modes_decide_when_cookies_are_sent),
		BED_TEST(a_valid_cookie_meets_a_full_accept_queue_as_any_handshake),
		BED_TEST(the_same_ack_twice_in_a_burst_opens_one_connection),
		BED_TEST(a_burst_of_syns_gets_the_cookies_each_would_get_alone),
		BED_TEST(a_burst_of_syns_is_answered_byte_for_byte_as_each_alone),
		cmocka_unit_test(what_a_cookie_opened_behaves_as_what_was_queued),
		BED_TEST_PREPARED(a_cookie_made_with_a_key_that_stays_opens_at_any_time),
		BED_TEST(listeners_that_differ_answer_a_burst_each_in_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
