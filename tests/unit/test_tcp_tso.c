/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments that share a header, for ports that cut them: what goes together, who frees what. */
#include "unit/tcp_unit.h"

#include "tcp/tcp_ecn.h"

#define MSS 1460u

static struct tcp_bed *bed;
static uint8_t pattern[64 * MSS];

static int
setup(void **state)
{
	int rc = tcp_unit_start(state);

	bed = *state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
	return rc;
}

static void
write_data(const struct bed_peer *p, size_t len)
{
	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, pattern, len, 0), len);
}

/* An open connection with a window for all we have; the bed reads what needs no port before it. */
static void
opened(struct bed_peer *p)
{
	struct tcp_conn *c;

	bed_peer_init(p, bed);
	p->offer = TCP_OPT_SACK_OK;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	bed->env.tx_caps = ENV_TX_TCP_CSUM | ENV_TX_IP_CSUM | ENV_TX_TSO;
	c = bed_peer_conn(p);
	c->cwnd = 100 * MSS;
	c->snd_wnd = 100 * MSS;
}

static size_t
headers_of(const struct pkt *p)
{
	return (p->tx_offload >> 7 & 0x1ff) + (p->tx_offload >> 16 & 0xff);
}

/* The frame's payload is len bytes of the pattern from offset on. */
static void
check_payload(const struct pkt *p, size_t offset, size_t len)
{
	size_t skip = headers_of(p), got = 0;
	unsigned int segs = 0;

	for (const struct pkt *s = p; s != NULL; s = s->seg_next, segs++) {
		assert_memory_equal(pkt_data(s) + skip, pattern + offset + got, s->data_len - skip);
		got += s->data_len - skip;
		skip = 0;
	}
	assert_int_equal(segs, p->nb_segs);
	assert_int_equal(got, len);
	assert_int_equal(p->pkt_len, headers_of(p) + len);
}

static struct pkt *
take_frame(void)
{
	struct pkt *p = bed->tx.pkts[0];

	assert_true(bed->tx.count > 0);
	bed->tx.count--;
	memmove(bed->tx.pkts, bed->tx.pkts + 1, bed->tx.count * sizeof(p));
	pkt_pool_disown(&bed->pkts.pool, 1);
	return p;
}

/* As rte_pktmbuf_free: a reference that is not the last leaves the link as it was. */
static void
driver_frees(struct pkt *p)
{
	while (p != NULL) {
		struct pkt *next = p->seg_next;

		if (p->refcnt > 1) {
			p->refcnt--;
		} else {
			p->seg_next = NULL;
			p->nb_segs = 1;
			bed->pkts.source.free(bed->pkts.source.ctx, &p, 1);
		}
		p = next;
	}
}

static uint8_t
flags_of(const struct pkt *p)
{
	return pkt_data(p)[(p->tx_offload >> 7 & 0x1ff) + 13];
}

static void
a_write_of_many_segments_is_one_packet_with_one_header(void **state)
{
	struct bed_peer p;
	uint64_t segs = bed->ctr.OutSegs;
	struct pkt *f;

	(void)state;
	opened(&p);
	segs = bed->ctr.OutSegs;
	write_data(&p, 10 * MSS + 100);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->tx.count, 1);
	f = take_frame();
	assert_int_equal(f->nb_segs, 11);
	assert_int_equal(f->tx_offload >> 24 & 0xffff, MSS);
	assert_true(f->ol_flags & PKT_TX_TCP_SEG);
	assert_int_equal(load_be16(pkt_data(f) + 2), 40 + 10 * MSS + 100);
	check_payload(f, 0, 10 * MSS + 100);
	/* The last one's flags, which the port gives to the last. */
	assert_int_equal(flags_of(f), TCP_ACK | TCP_PSH);
	/* Counted as what goes over the wire. */
	assert_int_equal(bed->ctr.OutSegs - segs, 11);
	assert_int_equal(bed->ctr.TsoPackets, 1);
	assert_int_equal(bed->ctr.TsoSegs, 11);
	driver_frees(f);
}

static void
the_pseudo_header_has_no_length(void **state)
{
	struct bed_peer p;
	struct pkt *f;
	uint16_t sum;

	(void)state;
	opened(&p);
	bed->env.tx_caps = ENV_TX_TCP_CSUM | ENV_TX_TSO;
	write_data(&p, 3 * MSS);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 3);
	/* 10.0.0.1, 10.0.0.2, protocol 6, one's complement sum by hand, not complemented. */
	assert_int_equal(load_be16(pkt_data(f) + 20 + 16),
		0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 0x0006);
	/* The IP header's own is right where the port does not compute it. */
	sum = csum_fold(csum_partial(pkt_data(f), 20, 0));
	assert_int_equal(sum, 0xffff);
	driver_frees(f);
}

static void
gso_max_size_bounds_a_packet_and_0_sends_each_alone(void **state)
{
	struct bed_peer p;

	(void)state;
	opened(&p);
	bed->tun.gso_max_size = 40 + 4 * MSS;
	write_data(&p, 10 * MSS);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->tx.count, 3);
	for (unsigned int i = 0; i < 3; i++) {
		struct pkt *f = take_frame();

		assert_int_equal(f->nb_segs, i < 2 ? 4 : 2);
		check_payload(f, i * 4 * MSS, f->nb_segs * MSS);
		driver_frees(f);
	}
	bed->tun.gso_max_size = 0;
	write_data(&p, 3 * MSS);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->tx.count, 3);
	while (bed->tx.count > 0) {
		struct pkt *f = take_frame();

		assert_int_equal(f->nb_segs, 1);
		assert_false(f->ol_flags & PKT_TX_TCP_SEG);
		driver_frees(f);
	}
}

static void
more_than_64_kib_or_46_buffers_are_more_than_one_packet(void **state)
{
	struct bed_peer p;
	unsigned int segs = 0;

	(void)state;
	opened(&p);
	write_data(&p, 60 * MSS);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->tx.count, 2);
	while (bed->tx.count > 0) {
		struct pkt *f = take_frame();

		assert_in_range(f->pkt_len, 1, 65535);
		assert_in_range(f->nb_segs, 1, PKT_CHAIN_MAX);
		segs += f->nb_segs;
		driver_frees(f);
	}
	assert_int_equal(segs, 60);
}

/* Without an offer of the port nothing changes. */
static void
a_port_that_cannot_gets_every_segment(void **state)
{
	struct bed_peer p;

	(void)state;
	opened(&p);
	bed->env.tx_caps = ENV_TX_TCP_CSUM | ENV_TX_IP_CSUM;
	write_data(&p, 5 * MSS);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->tx.count, 5);
	assert_int_equal(bed->ctr.TsoPackets, 0);
	tcp_bed_discard(bed);
}

/* Services write a segment at a time, each with a push; the receiver needs but the last. */
static void
pushes_in_a_row_become_one_at_the_end(void **state)
{
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	opened(&p);
	for (int i = 0; i < 4; i++)
		write_data(&p, MSS);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 4);
	assert_int_equal(flags_of(f), TCP_ACK | TCP_PSH);
	driver_frees(f);
	assert_int_equal(bed->tx.count, 0);
}

static void
a_fin_goes_with_the_last_segment(void **state)
{
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	opened(&p);
	write_data(&p, 3 * MSS + 1);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 4);
	assert_int_equal(flags_of(f) & TCP_FIN, TCP_FIN);
	driver_frees(f);
	assert_int_equal(bed->tx.count, 0);
}

/* A segment in the middle was lost: it goes again alone, though the links say otherwise. */
static void
a_lost_segment_of_a_packet_is_sent_again_alone(void **state)
{
	struct bed_peer p;
	struct tcp_seg sack;
	struct pkt *f;

	(void)state;
	opened(&p);
	write_data(&p, 10 * MSS);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 10);
	driver_frees(f);
	tcp_bed_advance(bed, 5);
	/* Two arrived, the third did not, the others did. */
	sack = bed_peer_seg(&p, TCP_ACK, 0);
	sack.ack = p.ack + 2 * MSS;
	sack.opts.present |= TCP_OPT_SACK;
	sack.opts.nsack = 1;
	sack.opts.sack[0][0] = p.ack + 3 * MSS;
	sack.opts.sack[0][1] = p.ack + 10 * MSS;
	tcp_bed_input(bed, &sack, 1);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(bed->ctr.RetransSegs, 1);
	f = take_frame();
	assert_int_equal(f->nb_segs, 1);
	assert_null(f->seg_next);
	assert_false(f->ol_flags & PKT_TX_TCP_SEG);
	check_payload(f, 2 * MSS, MSS);
	/* The pipe counts segments: one of ten is out again. */
	assert_int_equal(tcp_pipe(bed->stack, bed_peer_conn(&p)), MSS);
	driver_frees(f);
}

/* The port is slow, the peer is not: who gives a packet back last leaves it as pools have it. */
static void
acknowledged_before_or_after_the_driver_is_done_nothing_is_lost(void **state)
{
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	opened(&p);
	for (int driver_first = 0; driver_first < 2; driver_first++) {
		write_data(&p, 6 * MSS);
		tcp_flush(bed->stack, &bed->env);
		f = take_frame();
		assert_int_equal(f->nb_segs, 6);
		if (driver_first)
			driver_frees(f);
		/* Half, then all. */
		bed_peer_send_at(&p, 0, 3 * MSS, TCP_ACK, 0);
		bed_peer_send_at(&p, 0, 6 * MSS, TCP_ACK, 0);
		if (!driver_first) {
			check_payload(f, 0, 6 * MSS);
			driver_frees(f);
		}
		bed_peer_saw(&p, 6 * MSS);
	}
	assert_int_equal(bed_peer_conn(&p)->sendq_head == NULL, 1);
}

/* A segment that is short can only be the last: the port cuts at MSS. */
static void
nothing_follows_a_short_segment(void **state)
{
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	opened(&p);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1), 0);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, pattern, 2 * MSS + 10, TCP_SEND_EOR),
		2 * MSS + 10);
	write_data(&p, 2 * MSS);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 3);
	check_payload(f, 0, 2 * MSS + 10);
	driver_frees(f);
	f = take_frame();
	assert_int_equal(f->nb_segs, 2);
	check_payload(f, 0, 2 * MSS);
	driver_frees(f);
}

/* CWR is for the receiver of one segment; ports give it to the first. */
static void
what_has_cwr_leads_and_the_rest_follows_without(void **state)
{
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	opened(&p);
	bed_peer_conn(&p)->flags |= TF_ECN;
	write_data(&p, 2 * MSS);
	tcp_flush(bed->stack, &bed->env);
	driver_frees(take_frame());
	tcp_ecn_reduced(bed_peer_conn(&p));
	write_data(&p, 3 * MSS);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 3);
	assert_int_equal(flags_of(f) & TCP_CWR, TCP_CWR);
	driver_frees(f);
}

static void
the_lengths_of_ip6_are_of_the_whole(void **state)
{
	static const struct ip_addr peer6 = { { 0x20, 1, 0xd, 0xb8, [15] = 2 } };
	const unsigned int mss6 = MSS - 20;
	struct tcp_conn *c;
	struct bed_peer p;
	struct pkt *f;

	(void)state;
	bed_peer_init(&p, bed);
	p.key = flow_key_make(&peer6, 5000, 1, BED_PORT);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed->env.tx_caps = ENV_TX_TCP_CSUM | ENV_TX_TSO;
	c = bed_peer_conn(&p);
	c->cwnd = c->snd_wnd = 100 * MSS;
	write_data(&p, 3 * mss6);
	tcp_flush(bed->stack, &bed->env);
	f = take_frame();
	assert_int_equal(f->nb_segs, 3);
	assert_int_equal(f->tx_offload >> 24 & 0xffff, mss6);
	check_payload(f, 0, 3 * mss6);
	/* Payload length, and the pseudo header of 2001:db8::1 and ::2 without one. */
	assert_int_equal(load_be16(pkt_data(f) + 4), 20 + 3 * mss6);
	assert_int_equal(load_be16(pkt_data(f) + 40 + 16),
		2 * (0x2001 + 0x0db8) + 0x0001 + 0x0002 + 0x0006);
	driver_frees(f);
}

int
main(void)
{
#define TSO_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tcp_unit_end)
	const struct CMUnitTest tests[] = {
		TSO_TEST(a_write_of_many_segments_is_one_packet_with_one_header),
		TSO_TEST(the_pseudo_header_has_no_length),
		TSO_TEST(gso_max_size_bounds_a_packet_and_0_sends_each_alone),
		TSO_TEST(more_than_64_kib_or_46_buffers_are_more_than_one_packet),
		TSO_TEST(a_port_that_cannot_gets_every_segment),
		TSO_TEST(pushes_in_a_row_become_one_at_the_end),
		TSO_TEST(a_fin_goes_with_the_last_segment),
		TSO_TEST(a_lost_segment_of_a_packet_is_sent_again_alone),
		TSO_TEST(acknowledged_before_or_after_the_driver_is_done_nothing_is_lost),
		TSO_TEST(nothing_follows_a_short_segment),
		TSO_TEST(what_has_cwr_leads_and_the_rest_follows_without),
		TSO_TEST(the_lengths_of_ip6_are_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
