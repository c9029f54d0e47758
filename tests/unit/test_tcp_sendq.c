/* SPDX-License-Identifier: BSD-3-Clause */
/* The send queue: cut, acknowledged in whole and in part, while a driver still holds packets. */
#include <string.h>

#include "unit/tcp_unit.h"

#define LEN 5000u

/* Bytes as a peer's pattern from number 0, so that what arrives can be compared. */
static void
queue_pattern(struct bed_peer *p, uint32_t from, size_t len)
{
	static uint8_t data[65536];
	struct tcp_bed *bed = p->bed;

	for (size_t i = 0; i < len; i++)
		data[i] = bed_pattern(from + (uint32_t)i);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, len, 0), (ptrdiff_t)len);
}

static void
check_sent_bytes(const struct bed_peer *p)
{
	const struct bed_seg *s = &p->bed->sent;

	for (uint32_t i = 0; i < s->len; i++)
		assert_int_equal(s->data[i], bed_pattern(s->seq - p->iss - 1 + i));
}

static void
open_peer(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
}

/* Every cut and every partial acknowledgement of one write: what is sent again is what is left. */
static void
a_partly_acknowledged_packet_is_sent_again_from_there(void **state)
{
	struct tcp_bed *bed = *state;

	for (uint32_t ack = 1; ack < 1460; ack += 97) {
		struct bed_peer p;

		open_peer(&p, bed);
		queue_pattern(&p, 0, 1460);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		bed_peer_send_at(&p, 0, (int32_t)ack, TCP_ACK, 0);
		assert_int_equal(bed_peer_conn(&p)->sendq_head->app.seq, p.iss + 1 + ack);
		tcp_bed_advance(bed, 3000);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.seq, p.iss + 1 + ack);
		assert_int_equal(bed->sent.len, 1460 - ack);
		check_sent_bytes(&p);
		tcp_bed_discard(bed);
		bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
		assert_null(bed_peer_conn(&p)->sendq_head);
		assert_int_equal(bed->pkts.pool.held, 0);
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_discard(bed);
	}
}

/* A window that opens by any amount: packets are cut where it ends, and the bytes stay in order. */
static void
packets_are_cut_where_the_window_ends(void **state)
{
	struct tcp_bed *bed = *state;
	struct rng rng;
	struct bed_peer p;
	uint32_t next = 0;

	rng_seed(&rng, 5);
	bed_peer_init(&p, bed);
	p.wnd = 1;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_cold(bed->stack, bed_peer_conn(&p))->max_snd_wnd = 1;
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1);
	queue_pattern(&p, 0, LEN);
	tcp_bed_flush(bed);
	while (next < LEN) {
		while (tcp_bed_take(bed)) {
			assert_int_equal(bed->sent.seq - p.iss - 1, next);
			check_sent_bytes(&p);
			next += bed->sent.len;
		}
		bed_peer_saw(&p, p.iss + 1 + next - p.ack);
		p.wnd = (uint16_t)(1 + rng_below(&rng, 700));
		tcp_cold(bed->stack, bed_peer_conn(&p))->max_snd_wnd = 1;
		bed_peer_send(&p, TCP_ACK, 0);
	}
	assert_int_equal(next, LEN);
}

static void
without_a_packet_for_the_rest_nothing_is_cut(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;
	struct pkt *head;

	open_peer(&p, bed);
	c = bed_peer_conn(&p);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1);
	queue_pattern(&p, 0, 1000);
	head = c->sendq_head;
	bed->pkts.fail_nth = 1;
	assert_false(tcp_sendq_split(bed->stack, c, head, 400));
	assert_int_equal(head->app.end_seq - head->app.seq, 1000);
	assert_true(tcp_sendq_split(bed->stack, c, head, 400));
	assert_int_equal(head->app.end_seq - head->app.seq, 400);
	assert_ptr_equal(head->app.next, c->sendq_tail);
	/* The write ends with the second part. */
	assert_false(head->app.flags & PKT_F_PSH);
	assert_true(c->sendq_tail->app.flags & PKT_F_PSH);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+400 ack 1");
	check_sent_bytes(&p);
	assert_sent(&p, "PA 401+600 ack 1");
	check_sent_bytes(&p);
}

/* The rest of a packet that was cut takes from the next, which takes from the one behind it. */
static void
what_was_cut_is_filled_up_from_behind(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;
	struct pkt *rest;

	open_peer(&p, bed);
	c = bed_peer_conn(&p);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1);
	queue_pattern(&p, 0, 3000);
	assert_true(tcp_sendq_split(bed->stack, c, c->sendq_head, 500));
	assert_int_equal(bed->pkts.outstanding, 4);
	rest = c->sendq_head->app.next;
	tcp_sendq_fill(bed->stack, c, rest);
	assert_int_equal(rest->app.end_seq - rest->app.seq, 1460);
	assert_false(rest->app.flags & (PKT_F_REST | PKT_F_PSH));
	/* What gave 500 bytes is a rest itself, and takes all of the last. */
	rest = rest->app.next;
	assert_true(rest->app.flags & PKT_F_REST);
	tcp_sendq_fill(bed->stack, c, rest);
	assert_int_equal(rest->app.end_seq - rest->app.seq, 1040);
	assert_ptr_equal(rest, c->sendq_tail);
	assert_true(rest->app.flags & PKT_F_PSH);
	assert_int_equal(bed->pkts.outstanding, 3);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+500 ack 1");
	check_sent_bytes(&p);
	assert_sent(&p, "A 501+1460 ack 1");
	check_sent_bytes(&p);
	assert_sent(&p, "PA 1961+1040 ack 1");
	check_sent_bytes(&p);
}

/* Small packets that go again go as one, and all of it has the marks of the first. */
static void
small_packets_go_again_as_one(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_score *sc;
	struct tcp_conn *c;
	struct pkt *head;

	open_peer(&p, bed);
	c = bed_peer_conn(&p);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1);
	queue_pattern(&p, 0, 300);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+300 ack 1");
	queue_pattern(&p, 300, 400);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 301+400 ack 1");
	queue_pattern(&p, 700, 300);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 701+300 ack 1");
	head = c->sendq_head;
	sc = tcp_score_get(bed->stack, c);
	tcp_score_mark_lost(bed->stack, sc, head);
	tcp_score_mark_lost(bed->stack, sc, head->app.next);
	assert_int_equal(sc->pending, 700);
	/* Not the last, which is beyond the window. */
	c->snd_wnd = 999;
	tcp_sendq_collapse(bed->stack, c, head);
	assert_int_equal(head->app.end_seq - head->app.seq, 700);
	assert_int_equal(sc->lost, 700);
	assert_int_equal(sc->pending, 700);
	/* In flight it was not lost yet; it is sent again with the rest. */
	c->snd_wnd = 1000;
	tcp_sendq_collapse(bed->stack, c, head);
	assert_int_equal(head->app.end_seq - head->app.seq, 1000);
	assert_int_equal(sc->pending, 1000);
	assert_ptr_equal(head, c->sendq_tail);
	assert_true(head->app.flags & PKT_F_PSH);
	assert_int_equal(bed->pkts.outstanding, 1);
	assert_true(tcp_retransmit(bed->stack, c, head));
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+1000 ack 1");
	check_sent_bytes(&p);
	assert_int_equal(sc->pending, 0);
	assert_int_equal(sc->retrans, 1000);
}

/* What the driver holds may still be read by it: nobody writes to it. */
static void
a_packet_in_a_drivers_hands_is_not_touched(void **state)
{
	static uint8_t before[2048];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct pkt *held;
	size_t len;

	open_peer(&p, bed);
	queue_pattern(&p, 0, 1460);
	tcp_bed_flush(bed);
	held = bed->tx.pkts[0];
	len = held->data_len;
	memcpy(before, pkt_data(held), len);
	tcp_bed_advance(bed, 1100);
	queue_pattern(&p, 1460, 100);
	bed_peer_send_at(&p, 0, 10, TCP_ACK, 0);
	bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
	assert_ptr_equal(bed->tx.pkts[0], held);
	assert_memory_equal(pkt_data(held), before, len);
	assert_int_equal(held->data_len, len);
	while (tcp_bed_take(bed))
		check_sent_bytes(&p);
}

static void
an_acknowledged_packet_in_a_drivers_hands_outlives_the_queue(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	queue_pattern(&p, 0, 1000);
	tcp_bed_flush(bed);
	assert_int_equal(bed->pkts.pool.held, 2);
	bed_peer_send_at(&p, 0, 1000, TCP_ACK, 0);
	assert_null(bed_peer_conn(&p)->sendq_head);
	assert_int_equal(bed->pkts.pool.held, 1);
	assert_sent(&p, "PA 1+1000 ack 1");
	check_sent_bytes(&p);
	assert_int_equal(bed->pkts.pool.held, 0);
}

static void
the_send_buffer_follows_the_congestion_window_unless_it_was_set(void **state)
{
	static const struct {
		uint32_t cwnd;
		int set;
		uint32_t want;
	} rows[] = {
		{ 1460, 0, 16384 },
		{ 14600, 0, 29200 },
		{ 3000000, 0, 4194304 },
		{ 3000000, 20000, 20000 },
		{ 1460, 1, 4096 },
		{ 1460, INT32_MAX, 4194304 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		open_peer(&p, bed);
		bed_peer_conn(&p)->cwnd = rows[i].cwnd;
		if (rows[i].set != 0)
			tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_SNDBUF, rows[i].set);
		assert_int_equal(tcp_sndbuf(bed->stack, bed_peer_conn(&p)), rows[i].want);
		assert_int_equal(tcp_send_space(bed->stack, &bed->env, p.h), rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_partly_acknowledged_packet_is_sent_again_from_there),
		BED_TEST(packets_are_cut_where_the_window_ends),
		BED_TEST(without_a_packet_for_the_rest_nothing_is_cut),
		BED_TEST(small_packets_go_again_as_one),
		BED_TEST(what_was_cut_is_filled_up_from_behind),
		BED_TEST(a_packet_in_a_drivers_hands_is_not_touched),
		BED_TEST(an_acknowledged_packet_in_a_drivers_hands_outlives_the_queue),
		BED_TEST(the_send_buffer_follows_the_congestion_window_unless_it_was_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
