/* SPDX-License-Identifier: BSD-3-Clause */
/* What queues are charged, the marks of tcp_mem, and who gives memory back. */
#include <string.h>

#include "unit/tcp_unit.h"

#define CHARGE (sizeof(struct pkt) + PKT_HEADROOM + 2048)
#define PACKETS(n) ((uint32_t)(((n) * CHARGE + 4095) / 4096))

static struct tcp_cold *
cold_of(const struct bed_peer *p)
{
	return tcp_cold(p->bed->stack, bed_peer_conn(p));
}

static void
open_peers(struct tcp_bed *bed, struct bed_peer *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
	}
}

/* The marks in packets; the last one is met with high packets and passed with one more. */
static void
set_marks(struct tcp_bed *bed, unsigned int low, unsigned int middle, unsigned int high)
{
	bed->tun.tcp_mem[0] = PACKETS(low);
	bed->tun.tcp_mem[1] = PACKETS(middle);
	bed->tun.tcp_mem[2] = PACKETS(high);
	tcp_bed_advance(bed, 1);
}

static uint32_t
read_all(struct bed_peer *p, uint32_t from)
{
	static uint8_t buf[100000];
	ptrdiff_t n = tcp_recv(p->bed->stack, &p->bed->env, p->h, buf, sizeof(buf));

	for (ptrdiff_t i = 0; i < n; i++)
		assert_int_equal(buf[i], bed_pattern(from + (uint32_t)i));
	return n > 0 ? (uint32_t)n : 0;
}

static void
a_queued_packet_costs_its_whole_buffer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peers(bed, &p, 1);
	bed_peer_send(&p, TCP_ACK, 10);
	bed_peer_send(&p, TCP_ACK, 1460);
	bed_peer_send_at(&p, 1, 0, TCP_ACK, 1);
	assert_int_equal(cold_of(&p)->rmem, 3 * CHARGE);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0), 1);
	assert_int_equal(cold_of(&p)->wmem, CHARGE);
	assert_int_equal(bed->stack->mem.held, 4 * CHARGE);
	tcp_bed_flush(bed);
	p.ack++;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 0), OUT_PURE_ACK);
	assert_int_equal(cold_of(&p)->wmem, 0);
	assert_int_equal(read_all(&p, p.irs + 1), 1470);
	assert_int_equal(cold_of(&p)->rmem, CHARGE);
	/* The gap closes with the connection. */
	bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
	assert_int_equal(bed->stack->mem.held, 0);
	tcp_bed_discard(bed);
}

static void
badly_filled_buffers_halve_what_is_offered(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peers(bed, &p, 1);
	assert_int_equal(tcp_rcv_space(bed->stack, bed_peer_conn(&p)), 65536);
	for (unsigned int i = 0; i < 30; i++)
		bed_peer_send(&p, TCP_ACK, 1460);
	/* Well filled: the bytes are what counts. */
	assert_int_equal(tcp_rcv_space(bed->stack, bed_peer_conn(&p)), 65536 - 30 * 1460);
	read_all(&p, p.irs + 1);
	for (unsigned int i = 0; i < 26; i++)
		bed_peer_send(&p, TCP_ACK, CHARGE / 4);
	assert_int_equal(
		tcp_rcv_space(bed->stack, bed_peer_conn(&p)), (131072 - 26 * CHARGE) / 2);
	tcp_bed_discard(bed);
}

/* A port may deliver frames in buffers of just their size: nothing can be added to these. */
static void
little_data_shares_a_buffer_also_where_its_own_has_no_room(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peers(bed, &p, 1);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 7), OUT_DELIVERED);
	/* The first as it came, all others in one of the pool. */
	assert_int_equal(cold_of(&p)->rmem, 2 * CHARGE);
	assert_int_equal(read_all(&p, p.irs + 1), 1400);
	/* Behind a gap already the first. */
	for (unsigned int i = 1; i < 200; i++)
		assert_int_equal(
			bed_peer_send_at(&p, (int32_t)(7 * i), 0, TCP_ACK, 7), OUT_OOO_QUEUED);
	assert_int_equal(cold_of(&p)->rmem, CHARGE);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 7), OUT_DELIVERED);
	assert_int_equal(read_all(&p, p.seq - 7), 1400);
	assert_int_equal(bed->stack->mem.held, 0);
	tcp_bed_discard(bed);
}

static void
little_data_shares_a_buffer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int bytes = 0;

	open_peers(bed, &p, 1);
	bed->pkts.tail = 1900;
	for (unsigned int i = 0; i < 60; i++) {
		assert_int_equal(bed_peer_send(&p, TCP_ACK, (uint16_t)(1 + i)), OUT_DELIVERED);
		bytes += 1 + i;
	}
	/* 1830 bytes and the first packet's own. */
	assert_int_equal(cold_of(&p)->rmem, CHARGE);
	assert_int_equal(bed->ctr.TCPRcvCoalesce, 59);
	/* The first size that fills a quarter stays by itself. */
	bed_peer_send(&p, TCP_ACK, CHARGE / 4);
	assert_int_equal(cold_of(&p)->rmem, 2 * CHARGE);
	assert_int_equal(read_all(&p, p.irs + 1), bytes + CHARGE / 4);
	assert_int_equal(cold_of(&p)->rmem, 0);
	tcp_bed_discard(bed);
}

/* Whatever the size of the segments: what the window has promised is taken. */
static void
all_that_was_offered_is_taken_and_fits_the_buffer(void **state)
{
	static const uint16_t sizes[] = { 1, 100, 575, 576, 600, 1000, 1400, 1460, 1900 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bed_peer p;
		uint32_t sent = 0;

		bed->pkts.tail = 0;
		open_peers(bed, &p, 1);
		bed->pkts.tail = (uint16_t)(1994 - sizes[i]);
		while (tcp_rcv_wnd(bed_peer_conn(&p)) > 0) {
			uint32_t n = min_u32(sizes[i], tcp_rcv_wnd(bed_peer_conn(&p)));

			assert_int_equal(bed_peer_send(&p, TCP_ACK, (uint16_t)n), OUT_DELIVERED);
			sent += n;
			tcp_bed_discard(bed);
			assert_in_range(cold_of(&p)->rmem, CHARGE, 131072 + CHARGE);
		}
		assert_in_range(sent, 44 * 1460, 65536);
		assert_int_equal(read_all(&p, p.irs + 1), sent);
		tcp_bed_discard(bed);
	}
}

static void
gaps_are_charged_and_stay_beside_data_in_order(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int held = (unsigned int)(131072 / CHARGE + 1);

	open_peers(bed, &p, 1);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(bed_peer_send_at(&p, (int32_t)(2 * i + 1), 0, TCP_ACK, 1),
			i < held ? OUT_OOO_QUEUED : OUT_OOO_LIMIT);
	assert_int_equal(bed->stack->ranges_used, held);
	/* They lie within the window, which is no smaller for them. */
	assert_int_equal(tcp_rcv_space(bed->stack, bed_peer_conn(&p)), 65536);
	assert_int_equal(cold_of(&p)->rmem, held * CHARGE);
	/* A run goes on with what its buffer has room for, and two become one. */
	assert_int_equal(bed_peer_send_at(&p, 2, 0, TCP_ACK, 1), OUT_OOO_QUEUED);
	assert_int_equal(bed->stack->ranges_used, held - 1);
	assert_int_equal(cold_of(&p)->rmem, (held - 1) * CHARGE);
	/* What was SACKed stays: thrown away it would be sent again only after a timeout. */
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	assert_int_equal(bed->ctr.PruneCalled, 0);
	assert_int_equal(bed->stack->ranges_used, held - 2);
	assert_int_equal(read_all(&p, p.irs + 1), 4);
	tcp_bed_discard(bed);
}

static void
a_smaller_buffer_is_made_place_in_from_the_far_end(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peers(bed, &p, 1);
	for (unsigned int i = 0; i < 40; i++)
		bed_peer_send_at(&p, (int32_t)(2 * i + 1), 0, TCP_ACK, 1);
	/* 40 runs and what comes now are twice the buffer and one more. */
	cold_of(&p)->rcvbuf = 20 * CHARGE + 1;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	assert_int_equal(bed->ctr.OfoPruned, 0);
	read_all(&p, p.irs + 1);
	assert_int_equal(cold_of(&p)->rmem, 39 * CHARGE);
	cold_of(&p)->rcvbuf = 39 * CHARGE / 2;
	/* Two bytes come in order then; the nearer half of the runs stays. */
	p.seq++;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	assert_int_equal(bed->ctr.OfoPruned, 1);
	assert_int_equal(bed->stack->ranges_used, 39 / 2 - 1);
	assert_int_equal(read_all(&p, p.irs + 3), 2);
	tcp_bed_discard(bed);
}

static void
marks_come_from_the_packets_above_the_reserve_unless_set(void **state)
{
	struct tcp_bed *bed = *state;
	uint64_t room = 16000 * CHARGE;

	bed->pkts.pool.reserve = 4000;
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed->stack->mem.low, room / 2);
	assert_int_equal(bed->stack->mem.middle, room / 4 * 3);
	assert_int_equal(bed->stack->mem.high, room / 8 * 7);
	bed->tun.tcp_mem[0] = 10;
	bed->tun.tcp_mem[1] = 20;
	bed->tun.tcp_mem[2] = 1u << 31;
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed->stack->mem.low, 40960);
	assert_int_equal(bed->stack->mem.middle, 81920);
	assert_int_equal(bed->stack->mem.high, room);
}

static void
between_the_marks_windows_and_buffers_stop_growing(void **state)
{
	struct tcp_bed *bed = *state;
	static uint8_t drop[3 * 1460];
	struct bed_peer p[2];

	open_peers(bed, p, 2);
	set_marks(bed, 4, 8, 1000);
	for (unsigned int i = 0; i < 9; i++)
		bed_peer_send(&p[0], TCP_ACK, 1460);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed->ctr.TCPMemoryPressures, 1);
	assert_true(bed->stack->mem.pressure);
	assert_int_equal(tcp_rcv_space(bed->stack, bed_peer_conn(&p[1])), 4 * 1460);
	assert_int_equal(tcp_sndbuf(bed->stack, bed_peer_conn(&p[1])), 16384);
	/* The window offered before is kept, and not extended until it is used up. */
	for (unsigned int i = 0; i < 60; i++) {
		assert_int_equal(bed_peer_send(&p[1], TCP_ACK, 1460), OUT_DELIVERED);
		read_all(&p[1], p[1].seq - 1460);
		tcp_bed_flush(bed);
	}
	assert_in_range(tcp_rcv_wnd(bed_peer_conn(&p[1])), 3 * 1460, 4 * 1460);
	assert_int_equal(cold_of(&p[1])->rcvbuf, 131072);
	/* It ends below the first mark, not before. */
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p[0].h, drop, 3 * 1460), 3 * 1460);
	tcp_bed_advance(bed, 10);
	assert_true(bed->stack->mem.pressure);
	read_all(&p[0], p[0].seq - 6 * 1460);
	tcp_bed_advance(bed, 1);
	assert_false(bed->stack->mem.pressure);
	assert_in_range(bed->ctr.TCPMemoryPressuresChrono, 11, 60);
	assert_int_equal(bed->ctr.QueueBytes, 0);
	assert_int_equal(tcp_sndbuf(bed->stack, bed_peer_conn(&p[1])), 2 * 14600);
	tcp_bed_discard(bed);
}

/* Holders of buffers: 6 packets received, until more than the last mark of 10 is held. */
static void
pass_the_mark(struct tcp_bed *bed, struct bed_peer *p)
{
	set_marks(bed, 4, 8, 10);
	for (unsigned int i = 0; i < 12; i++)
		bed_peer_send(&p[i / 6], TCP_ACK, 1460);
	tcp_bed_advance(bed, 1);
	assert_true(bed->stack->mem.over);
	tcp_bed_discard(bed);
}

static void
above_the_last_mark_only_empty_queues_take_a_packet(void **state)
{
	struct tcp_bed *bed = *state;
	struct flow_key to;
	struct bed_peer p[3], late;
	tcp_handle h;
	uint8_t buf[3000] = { 0 };

	open_peers(bed, p, 3);
	bed_peer_init(&late, bed);
	bed_peer_syn(&late);
	pass_the_mark(bed, p);
	/* New connections. */
	assert_int_equal(bed_peer_send(&late, TCP_ACK, 0), OUT_MEM_LIMIT);
	to = late.key;
	to.lport = 0;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &to, &h), -ENOBUFS);
	assert_int_equal(bed->ctr.ConnMemRefused, 2);
	/* Data in order, behind a gap, and to send. */
	assert_int_equal(bed_peer_send_at(&p[0], 0, 0, TCP_ACK, 1460), OUT_MEM_LIMIT);
	assert_int_equal(bed->ctr.RcvPruned, 2);
	assert_int_equal(bed_peer_send_at(&p[2], 1, 0, TCP_ACK, 10), OUT_OOO_LIMIT);
	assert_int_equal(bed_peer_send(&p[2], TCP_ACK, 1460), OUT_DELIVERED);
	assert_int_equal(read_all(&p[2], p[2].seq - 1460), 1460);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p[2].h, buf, 3000, 0), 1460);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p[2].h, buf, 3000, 0), -EAGAIN);
	tcp_bed_flush(bed);
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 0);
	/* Once memory is back everything goes on. */
	read_all(&p[0], p[0].irs + 1);
	tcp_bed_advance(bed, 1);
	assert_false(bed->stack->mem.over);
	assert_int_equal(bed_peer_send(&late, TCP_ACK, 0), OUT_HANDSHAKE_DONE);
	assert_int_equal(bed_peer_send(&p[0], TCP_ACK, 1460), OUT_DELIVERED);
	tcp_bed_discard(bed);
}

static void
gaps_are_pruned_while_memory_is_short(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	open_peers(bed, p, 3);
	bed_peer_send_at(&p[2], 10, 0, TCP_ACK, 10);
	bed_peer_send_at(&p[2], 30, 0, TCP_ACK, 10);
	pass_the_mark(bed, p);
	assert_int_equal(bed_peer_send_at(&p[2], 50, 0, TCP_ACK, 10), OUT_OOO_LIMIT);
	assert_int_equal(bed->ctr.OfoPruned, 1);
	assert_int_equal(cold_of(&p[2])->rmem, 0);
	assert_int_equal(bed->stack->ranges_used, 0);
	tcp_bed_discard(bed);
}

/* Two hold buffers, one has no buffers at all and was silent longest. */
static void
who_has_waited_longest_with_buffers_is_reset(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];
	int err = 0;

	open_peers(bed, &p[2], 1);
	tcp_bed_advance(bed, 60000);
	open_peers(bed, p, 2);
	set_marks(bed, 4, 8, 10);
	for (unsigned int i = 0; i < 6; i++)
		bed_peer_send(&p[1], TCP_ACK, 1460);
	tcp_bed_advance(bed, 3000);
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 0);
	for (unsigned int i = 0; i < 6; i++)
		bed_peer_send(&p[0], TCP_ACK, 1460);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 2);
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 1);
	assert_int_equal(bed_peer_state(&p[1]), TCPS_CLOSED);
	assert_int_equal(bed_peer_state(&p[0]), TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_state(&p[2]), TCPS_ESTABLISHED);
	assert_sent(&p[1], "RA 1+0 ack 8761");
	assert_int_equal(tcp_bed_events(bed, p[1].h, &err) & TCP_EV_CLOSED, TCP_EV_CLOSED);
	assert_int_equal(err, -ENOBUFS);
	/* Below the mark nobody is. */
	tcp_bed_advance(bed, 100000);
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 1);
}

static void
a_peer_that_closes_its_window_is_a_victim_and_one_that_reads_is_not(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[2];
	static uint8_t buf[20000];

	open_peers(bed, p, 2);
	/* Both are sent ten segments; one acknowledges none of the last and says it is full. */
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			tcp_send(bed->stack, &bed->env, p[i].h, buf, 14600, 0), 14600);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	p[0].ack += 1460;
	p[0].wnd = 0;
	bed_peer_send(&p[0], TCP_ACK, 0);
	set_marks(bed, 4, 8, 11);
	for (unsigned int i = 0; i < 40 && bed->ctr.TCPAbortOnMemory == 0; i++) {
		/* The other takes a segment now and then, and is sent one more. */
		p[1].ack += 1460;
		bed_peer_send(&p[1], TCP_ACK, 0);
		tcp_send(bed->stack, &bed->env, p[1].h, buf, 1460, 0);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		tcp_bed_advance(bed, 100);
	}
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 1);
	assert_int_equal(bed_peer_state(&p[0]), TCPS_CLOSED);
	assert_int_equal(bed_peer_state(&p[1]), TCPS_ESTABLISHED);
	tcp_bed_discard(bed);
}

static void
small_writes_are_charged_against_the_send_buffer_and_woken_at_a_third(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int n = 0;
	uint32_t limit;

	open_peers(bed, &p, 1);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_SNDBUF, 16384);
	while (tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0) == 1) {
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		n++;
	}
	limit = 2 * 16384;
	assert_int_equal(n, (limit + CHARGE - 1) / CHARGE);
	assert_int_equal(tcp_send_space(bed->stack, &bed->env, p.h), 0);
	tcp_bed_events(bed, p.h, NULL);
	/* A third of the buffers must be free, not of the bytes. */
	for (unsigned int acked = 1; acked <= n; acked++) {
		bool want = (n - acked) * CHARGE / 2 <= 16384 - 16384 / 3;

		p.ack++;
		bed_peer_send(&p, TCP_ACK, 0);
		if (tcp_bed_events(bed, p.h, NULL) & TCP_EV_WRITABLE) {
			assert_true(want);
			return;
		}
		assert_false(want);
	}
	fail();
}

static void
the_search_visits_256_slots_a_poll_and_resets_16(void **state)
{
	static struct bed_peer p[1200];
	struct tcp_bed *bed = *state;
	uint64_t before = 0;
	unsigned int polls;

	bed->par.conns_max = 1200;
	bed->tun.somaxconn = 4096;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 4096);
	for (unsigned int i = 0; i < 1200; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		bed_peer_send(&p[i], TCP_ACK, 100);
		tcp_bed_discard(bed);
	}
	tcp_bed_advance(bed, 5000);
	set_marks(bed, 400, 500, 600);
	for (polls = 0; polls < 1000 && bed->stack->mem.held > bed->stack->mem.high; polls++) {
		tcp_bed_discard(bed);
		tcp_poll(bed->stack, &bed->env);
		assert_in_range(bed->ctr.TCPAbortOnMemory - before, 0, 16);
		before = bed->ctr.TCPAbortOnMemory;
	}
	tcp_check_invariants(bed->stack, &bed->env);
	/* One round to measure, then a victim for each packet too much: no more and no less. */
	assert_in_range(polls, 600 / 16, 5 + 600 / 16 + 10);
	assert_in_range(bed->ctr.TCPAbortOnMemory, 599, 600);
	tcp_bed_discard(bed);
}

static void
an_ended_connection_whose_owner_does_not_read_gives_its_memory_back(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[2];
	int err = 0;

	open_peers(bed, p, 2);
	/* Both ends are closed; the data is still there for the owner. */
	tcp_shutdown(bed->stack, &bed->env, p[0].h, TCP_SHUT_WR);
	for (unsigned int i = 0; i < 6; i++)
		bed_peer_send(&p[0], TCP_ACK, 1460);
	p[0].ack++;
	bed_peer_send(&p[0], TCP_ACK | TCP_FIN, 0);
	assert_int_equal(tcp_recv_queued(bed->stack, p[0].h), 6 * 1460);
	tcp_bed_advance(bed, 5000);
	set_marks(bed, 4, 8, 10);
	for (unsigned int i = 0; i < 6; i++)
		bed_peer_send(&p[1], TCP_ACK, 1460);
	tcp_bed_advance(bed, 2);
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 1);
	assert_int_equal(bed->stack->mem.held, 5 * CHARGE);
	assert_int_equal(tcp_bed_events(bed, p[0].h, &err) & TCP_EV_CLOSED, TCP_EV_CLOSED);
	assert_int_equal(err, -ENOBUFS);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_queued_packet_costs_its_whole_buffer),
		BED_TEST(badly_filled_buffers_halve_what_is_offered),
		BED_TEST(little_data_shares_a_buffer),
		BED_TEST(little_data_shares_a_buffer_also_where_its_own_has_no_room),
		BED_TEST(all_that_was_offered_is_taken_and_fits_the_buffer),
		BED_TEST(gaps_are_charged_and_stay_beside_data_in_order),
		BED_TEST(a_smaller_buffer_is_made_place_in_from_the_far_end),
		BED_TEST(marks_come_from_the_packets_above_the_reserve_unless_set),
		BED_TEST(between_the_marks_windows_and_buffers_stop_growing),
		BED_TEST(above_the_last_mark_only_empty_queues_take_a_packet),
		BED_TEST(gaps_are_pruned_while_memory_is_short),
		BED_TEST(who_has_waited_longest_with_buffers_is_reset),
		BED_TEST(a_peer_that_closes_its_window_is_a_victim_and_one_that_reads_is_not),
		BED_TEST(small_writes_are_charged_against_the_send_buffer_and_woken_at_a_third),
		BED_TEST_PREPARED(the_search_visits_256_slots_a_poll_and_resets_16),
		BED_TEST(an_ended_connection_whose_owner_does_not_read_gives_its_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
