/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's step: bursts, callbacks before output, full queues, when it must be called again. */
#include <stdlib.h>
#include <string.h>

#include "unit/tcp_unit.h"

#include "lib/frames.h"
#include "worker/worker.h"

#define OUR_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 0, 1 })
#define PEER_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 0, 2 })
#define ISN 1000u

static struct test_pkts pkts;
static struct local_addrs local;
static struct worker w;
static uint64_t now_us;

static struct worker_params
params(void)
{
	struct worker_params par;

	memset(&par, 0, sizeof(par));
	tunables_default(&par.tun);
	memcpy(par.net.mac.b, OUR_MAC, 6);
	par.net.mtu = 1500;
	par.net.primary = true;
	par.net.local = &local;
	par.net.neigh_max = 64;
	par.tcp.conns_max = 64;
	par.tcp.synq_max = 2000;
	par.tcp.timewait_max = 16;
	par.tcp.ranges_max = 16;
	par.tcp.mtu = 1500;
	par.tcp.workers = 1;
	par.tcp.local = &local;
	par.source = pkts.source;
	par.pkts = 10000;
	par.pkts_reserve = 100;
	par.payload_max = pkts.room;
	return par;
}

static int
setup(void **state)
{
	struct worker_params par;

	(void)state;
	test_pkts_init(&pkts, 10000, 1600);
	memset(&local, 0, sizeof(local));
	local.count = 1;
	assert_int_equal(ip_addr_parse(&local.addr[0], "10.0.0.1", 8), 0);
	local.prefix_len[0] = 24;
	now_us = 1000000;
	par = params();
	return worker_init(&w, &par, now_us);
}

static int
teardown(void **state)
{
	(void)state;
	worker_fini(&w, now_us);
	test_pkts_check_none(&pkts);
	return 0;
}

static struct pkt *
segment(uint16_t sport, uint32_t seq, uint32_t ack, uint8_t flags, size_t len)
{
	struct frame f;

	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, "10.0.0.2", "10.0.0.1", 6);
	frame_tcp(&f, sport, 80, seq, ack, flags);
	if (flags & 0x02)
		frame_tcp_opts(&f, (const uint8_t[]){ 2, 4, 5, 0xb4 }, 4);
	if (len > 0)
		frame_data(&f, NULL, len);
	frame_finish(&f);
	/* The pool counts what the worker receives. */
	return test_pkts_wrap(&pkts, &pkts.pool, f.b, f.len);
}

static void
receive(struct pkt *p)
{
	worker_rx(&w, now_us, &p, 1);
}

/* Know the peer, and throw away what the worker said so far. */
static void
settle(void)
{
	struct frame f;

	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0806);
	frame_arp(&f, 1, PEER_MAC, "10.0.0.2", (const uint8_t[6]){ 0 }, "10.0.0.1");
	receive(test_pkts_wrap(&pkts, &pkts.pool, f.b, f.len));
	worker_poll(&w, now_us);
	for (unsigned int i = 0; i < w.frames.count; i++)
		pkt_free(&pkts.pool, w.frames.pkts[i]);
	worker_sent(&w, w.frames.count);
}

/* The oldest IP frame goes to the port, which is done with it at once; ARP before it is lost. */
static const uint8_t *
port_takes(void)
{
	static uint8_t b[2048];

	do {
		struct pkt *p = w.frames.pkts[0];

		assert_true(w.frames.count > 0);
		memcpy(b, pkt_data(p), p->data_len);
		worker_sent(&w, 1);
		pkt_free(&pkts.pool, p);
	} while (load_be16(b + 12) != 0x0800);
	return b;
}

static void
listen_with(const struct sluice_ops *ops)
{
	const struct sluice_listen_params par = { .addr = { .port = 80 }, .ops = ops };
	sluice_listener l;

	assert_int_equal(sluice_listen(&w.sluice, &par, &l), 0);
}

static void
accept_all(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	(void)ctx;
	while (sluice_accept(s, l, &c) == 0)
		;
}

static void
echo(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t buf[2000];
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv(s, c, buf, sizeof(buf))) > 0)
		assert_int_equal(sluice_send(s, c, buf, (size_t)n, 0), n);
}

static const struct sluice_ops echo_ops = { .acceptable = accept_all, .readable = echo };

static void
init_takes_all_or_nothing(void **state)
{
	struct worker_params par = params();
	static struct worker other;

	(void)state;
	par.pkts_reserve = par.pkts;
	assert_int_equal(worker_init(&other, &par, 0), -EINVAL);
	par = params();
	par.net.neigh_max = 0;
	assert_int_not_equal(worker_init(&other, &par, 0), 0);
	par = params();
	par.tcp.conns_max = 0;
	assert_int_equal(worker_init(&other, &par, 0), -EINVAL);
	par = params();
	assert_int_equal(worker_init(&other, &par, 0), 0);
	worker_fini(&other, 0);
}

/* The answer of the service, and the ACK with it: one frame for one frame. */
static void
a_callbacks_answer_carries_the_ack(void **state)
{
	const uint8_t *b;
	uint32_t iss;

	(void)state;
	settle();
	listen_with(&echo_ops);
	receive(segment(4000, ISN, 0, 0x02, 0));
	b = port_takes();
	assert_memory_equal(b, PEER_MAC, 6);
	assert_memory_equal(b + 6, OUR_MAC, 6);
	assert_int_equal(b[14 + 20 + 13], 0x12);
	iss = load_be32(b + 14 + 20 + 4);
	receive(segment(4000, ISN + 1, iss + 1, 0x10, 0));
	assert_int_equal(w.frames.count, 0);
	receive(segment(4000, ISN + 1, iss + 1, 0x18, 100));
	b = port_takes();
	assert_int_equal(load_be32(b + 14 + 20 + 8), ISN + 101);
	assert_int_equal(load_be16(b + 14 + 2), 140);
	assert_int_equal(w.ctr.RxPackets, 4);
	assert_int_equal(w.frames.count, 0);
}

static void
a_burst_of_none_only_does_what_is_due(void **state)
{
	(void)state;
	settle();
	worker_rx(&w, now_us, NULL, 0);
	assert_int_equal(w.ctr.RxPackets, 1);
	assert_int_equal(w.frames.count, 0);
}

static void
time_is_that_of_the_call(void **state)
{
	(void)state;
	worker_poll(&w, 5000000123);
	assert_true(sluice_now_us(&w.sluice) == 5000000123);
	assert_int_equal(w.env.now_ms, 5000000);
	now_us = 5000000123;
}

/* Without a place for answers nothing is received: it would be lost, and cost work. */
static void
frames_that_nobody_takes_stop_reception(void **state)
{
	unsigned int n = 0;

	(void)state;
	settle();
	listen_with(&echo_ops);
	while (worker_may_rx(&w) && n < 2000)
		receive(segment((uint16_t)(10000 + n++), ISN, 0, 0x02, 0));
	assert_int_equal(w.ctr.outcome[OUT_NO_BUFFER], 0);
	receive(segment((uint16_t)(10000 + n++), ISN, 0, 0x02, 0));
	assert_int_equal(w.ctr.outcome[OUT_NO_BUFFER], 1);
	assert_in_range(w.frames.count, 2 * WORKER_BURST_MAX, PKT_TXQ_CAP);
	assert_int_equal(w.ctr.outcome[OUT_SYN_QUEUED], n - 1);
	assert_int_equal(w.frames.count, n - 1);
	settle();
	assert_true(worker_may_rx(&w));
	receive(segment(9999, ISN, 0, 0x02, 0));
	assert_int_equal(w.frames.count, 1);
}

static void
what_the_port_did_not_take_stays_in_order(void **state)
{
	(void)state;
	settle();
	listen_with(&echo_ops);
	for (uint16_t i = 0; i < 5; i++)
		receive(segment((uint16_t)(5000 + i), ISN, 0, 0x02, 0));
	assert_int_equal(w.frames.count, 5);
	for (uint16_t i = 0; i < 5; i++) {
		const uint8_t *b = port_takes();

		assert_int_equal(load_be16(b + 14 + 20 + 2), 5000 + i);
		assert_int_equal(w.frames.count, 4 - i);
	}
}

static void
every_frame_has_one_outcome(void **state)
{
	uint64_t sum = 0;

	(void)state;
	settle();
	for (size_t len = 0; len < 60; len++) {
		struct pkt *p = segment(4000, ISN, 0, 0x02, 6);

		pkt_set_len(p, (uint16_t)len);
		receive(p);
	}
	for (unsigned int i = 0; i < OUTCOME_MAX; i++)
		sum += w.ctr.outcome[i];
	assert_int_equal(sum, 61);
	assert_int_equal(w.ctr.RxPackets, 61);
}

static void
it_says_when_it_must_be_called_again(void **state)
{
	(void)state;
	settle();
	listen_with(&echo_ops);
	receive(segment(4000, ISN, 0, 0x02, 0));
	port_takes();
	/* The SYN-ACK again after a second. */
	while (now_us < 2000000) {
		assert_in_range(worker_poll_at(&w), now_us, 2000000);
		now_us = max_u64(worker_poll_at(&w), now_us + 1000);
		worker_poll(&w, now_us);
		if (now_us < 2000000)
			assert_int_equal(w.frames.count, 0);
	}
	assert_int_equal(port_takes()[14 + 20 + 13], 0x12);
}

static void
new_tunables_count_from_the_next_packet(void **state)
{
	struct tunables tun = w.tun;

	(void)state;
	settle();
	receive(segment(4000, ISN, 0, 0x02, 0));
	port_takes();
	tun.tcp_rst_ratelimit = 0;
	worker_set_tunables(&w, &tun);
	now_us += 2000000;
	receive(segment(4000, ISN, 0, 0x02, 0));
	assert_int_equal(w.frames.count, 0);
	assert_int_equal(w.ctr.outcome[OUT_RST_RATE], 1);
}

/* What is a limit of the whole appliance is no more for having several workers. */
static void
icmp_limit_is_shared_out_over_the_workers(void **state)
{
	struct worker_params par = params();
	static struct worker other;
	struct tunables tun = par.tun;

	(void)state;
	par.tcp.workers = 4;
	assert_int_equal(worker_init(&other, &par, 0), 0);
	assert_int_equal(other.tun.icmp_msgs_per_sec, par.tun.icmp_msgs_per_sec / 4);
	tun.icmp_msgs_per_sec = 3;
	worker_set_tunables(&other, &tun);
	assert_int_equal(other.tun.icmp_msgs_per_sec, 1);
	tun.icmp_msgs_per_sec = 0;
	worker_set_tunables(&other, &tun);
	assert_int_equal(other.tun.icmp_msgs_per_sec, 0);
	worker_fini(&other, 0);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static bool
nothing_is_mine(const void *ctx, const struct flow_key *key)
{
	assert_null(ctx);
	assert_int_equal(key->lport, 80);
	return false;
}

/* The segment in two fragments, of which the second has len bytes. */
static void
receive_in_pieces(size_t len)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct pkt *p = segment(1234, 1, 0, 0x02, len);
		uint8_t *ip = pkt_data(p) + 14;
		uint16_t csum;

		ip[5] = 9;
		ip[6] = i == 0 ? 0x20 : 0;
		ip[7] = i == 0 ? 0 : 3;
		if (i == 0)
			pkt_set_len(p, 14 + 20 + 24);
		else
			memmove(ip + 20, ip + 20 + 24, len);
		ip[3] = (uint8_t)(i == 0 ? 44 : 20 + len);
		if (i == 1)
			pkt_set_len(p, (uint16_t)(14 + 20 + len));
		ip[10] = 0;
		ip[11] = 0;
		csum = frame_check_ip(ip);
		ip[10] = (uint8_t)(csum >> 8);
		ip[11] = (uint8_t)csum;
		receive(p);
	}
}

/* Fragments meet where their identification says, which the ports know nothing of. */
static void
a_datagram_of_fragments_goes_to_its_owner(void **state)
{
	struct pkt *strays[WORKER_BURST_MAX];
	uint64_t outcomes = 0;

	(void)state;
	settle();
	w.is_mine = nothing_is_mine;
	receive_in_pieces(30);
	assert_int_equal(w.stray_count, 1);
	assert_int_equal(w.ctr.outcome[OUT_FRAG_HELD], 2);
	assert_int_equal(w.ctr.InSegs, 0);
	assert_int_equal(worker_take_strays(&w, strays), 1);
	assert_int_equal(w.stray_count, 0);
	/* Here it comes to another one, as the same one will do. */
	w.is_mine = NULL;
	receive(strays[0]);
	assert_int_equal(w.ctr.outcome[OUT_NO_LISTENER], 1);
	for (unsigned int i = 0; i < OUTCOME_MAX; i++)
		outcomes += w.ctr.outcome[i];
	assert_int_equal(w.ctr.RxPackets, outcomes);
	/* At home it is taken at once, and counts as one. */
	receive_in_pieces(30);
	assert_int_equal(w.stray_count, 0);
	assert_int_equal(w.ctr.outcome[OUT_FRAG_HELD], 3);
	assert_int_equal(w.ctr.outcome[OUT_NO_LISTENER], 2);
	/* One that nobody takes is given back in the end. */
	w.is_mine = nothing_is_mine;
	receive_in_pieces(30);
	assert_int_equal(w.stray_count, 1);
}

/* What a device delivers in two buffers, between two that came in one each. */
static void
a45_a_chain_of_buffers_is_dropped_whole_and_counted(void **state)
{
	struct pkt *burst[3];
	unsigned int exist;

	(void)state;
	settle();
	exist = pkts.outstanding;
	/* The lcore hands over what no pool has counted yet. */
	for (unsigned int i = 0; i < 3; i++)
		burst[i] = segment((uint16_t)(4000 + i), ISN, 0, 0x02, 0);
	burst[1]->seg_next = segment(5000, ISN, 0, 0x02, 0);
	burst[1]->nb_segs = 2;
	burst[1]->pkt_len = 1000;
	pkt_pool_disown(&pkts.pool, 4);
	w.ctr.RxOctets = 0;
	w.ctr.RxPackets = 0;

	assert_int_equal(worker_drop_chained(&w, burst, 3), 2);
	assert_int_equal(load_be16(pkt_data(burst[0]) + 34), 4000);
	assert_int_equal(load_be16(pkt_data(burst[1]) + 34), 4002);
	assert_int_equal(w.ctr.outcome[OUT_RX_CHAINED], 1);
	assert_int_equal(w.ctr.RxPackets, 1);
	assert_int_equal(w.ctr.RxOctets, 1000);
	assert_int_equal(pkts.outstanding, exist + 2);
	pkt_pool_adopt(&pkts.pool, 2);
	worker_rx(&w, now_us, burst, 2);
	assert_int_equal(w.ctr.RxPackets, 3);
}

/* As a port's own counter would have it, whether it took the frame or not. */
static void
every_octet_on_its_way_out_is_counted(void **state)
{
	uint64_t sum = 0;

	(void)state;
	settle();
	listen_with(&(const struct sluice_ops){ .acceptable = accept_all });
	worker_poll(&w, now_us);
	sum = w.ctr.TxOctets;
	assert_true(sum > 0);
	receive(segment(4000, ISN, 0, 0x02, 0));
	receive(segment(4001, ISN, 0, 0x02, 0));
	worker_poll(&w, now_us);
	assert_int_equal(w.frames.count, 2);
	for (unsigned int i = 0; i < 2; i++)
		sum += w.frames.pkts[i]->data_len;
	assert_int_equal(w.ctr.TxOctets, sum);
	(void)port_takes();
	(void)port_takes();
	worker_poll(&w, now_us);
	assert_int_equal(w.ctr.TxOctets, sum);
}

/* Take all records of a tap; returns how many, their outcomes in order. */
static unsigned int
tap_outcomes(struct tap *tap, unsigned int *outcomes, unsigned int max)
{
	static uint8_t data[TAP_SNAP_MAX];
	struct tap_record r;
	unsigned int n = 0;

	while (n < max && tap_take(tap, &r, data))
		outcomes[n++] = r.outcome;
	return n;
}

/* ACKs of a burst stay one, so that looking on changes nothing. */
static void
who_looks_on_sees_each_frame_once_with_its_outcome(void **state)
{
	static const struct tap_filter any = { .outcome = -1 };
	struct tap *tap = tap_init(
		aligned_alloc(CACHE_LINE, tap_bytes(1 << 17)), 1 << 17, &any, TAP_SNAP_MAX);
	unsigned int seen[16];
	struct pkt *burst[4];

	(void)state;
	settle();
	listen_with(&(const struct sluice_ops){ .acceptable = accept_all });
	worker_set_tap(&w, tap);
	burst[0] = segment(4000, ISN, 0, 0x02, 0);
	burst[1] = segment(4000, ISN, 0, 0x02, 0);
	pkt_data(burst[1])[36 + 14] ^= 1; /* TCP checksum */
	burst[2] = segment(4001, ISN, 7, 0x10, 0);
	worker_rx(&w, now_us, burst, 3);
	assert_int_equal(tap_outcomes(tap, seen, 16), 5);
	assert_int_equal(seen[0], OUT_SYN_QUEUED);
	assert_int_equal(seen[1], OUT_BAD_TCP_CSUM);
	assert_int_equal(outcome_desc((enum outcome)seen[2])->is_drop, true);
	assert_int_equal(seen[3], TAP_SENT);
	assert_int_equal(seen[4], TAP_SENT);
	/* The port takes one of the two answers: the other is not seen again, the next one is. */
	(void)port_takes();
	assert_int_equal(w.frames.count, 1);
	worker_poll(&w, now_us);
	assert_int_equal(tap_outcomes(tap, seen, 16), 0);
	receive(segment(4003, ISN, 0, 0x02, 0));
	assert_int_equal(tap_outcomes(tap, seen, 16), 2);
	assert_int_equal(seen[0], OUT_SYN_QUEUED);
	assert_int_equal(seen[1], TAP_SENT);
	worker_set_tap(&w, NULL);
	receive(segment(4002, ISN, 0, 0x02, 0));
	assert_int_equal(tap_outcomes(tap, seen, 16), 0);
	/* Nor is what was queued while nobody looked. */
	worker_set_tap(&w, tap);
	worker_poll(&w, now_us);
	assert_int_equal(tap_outcomes(tap, seen, 16), 0);
	assert_int_equal(w.ctr.CaptureLost, 0);
	worker_set_tap(&w, NULL);
	free(tap);
}

static void
who_looks_on_too_slowly_is_told_what_is_lost(void **state)
{
	static const struct tap_filter any = { .outcome = -1 };
	struct tap *tap = tap_init(
		aligned_alloc(CACHE_LINE, tap_bytes(1 << 17)), 1 << 17, &any, TAP_SNAP_MAX);

	(void)state;
	settle();
	worker_set_tap(&w, tap);
	for (unsigned int i = 0; i < 200; i++) {
		receive(segment(4000, ISN, 7, 0x10, 1000));
		worker_poll(&w, now_us);
		while (w.frames.count > 0)
			(void)port_takes();
	}
	assert_true(w.ctr.CaptureLost > 50);
	assert_int_equal(w.ctr.CaptureLost, tap_lost(tap));
	worker_set_tap(&w, NULL);
	free(tap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(init_takes_all_or_nothing),
		WORKER_TEST(a_callbacks_answer_carries_the_ack),
		WORKER_TEST(a_burst_of_none_only_does_what_is_due),
		WORKER_TEST(time_is_that_of_the_call),
		WORKER_TEST(frames_that_nobody_takes_stop_reception),
		WORKER_TEST(what_the_port_did_not_take_stays_in_order),
		WORKER_TEST(every_frame_has_one_outcome),
		WORKER_TEST(who_looks_on_sees_each_frame_once_with_its_outcome),
		WORKER_TEST(who_looks_on_too_slowly_is_told_what_is_lost),
		WORKER_TEST(every_octet_on_its_way_out_is_counted),
		WORKER_TEST(a45_a_chain_of_buffers_is_dropped_whole_and_counted),
		WORKER_TEST(it_says_when_it_must_be_called_again),
		WORKER_TEST(new_tunables_count_from_the_next_packet),
		WORKER_TEST(icmp_limit_is_shared_out_over_the_workers),
		WORKER_TEST(a_datagram_of_fragments_goes_to_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
