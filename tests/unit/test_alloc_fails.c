/* SPDX-License-Identifier: BSD-3-Clause */
/* G-10: the n-th packet allocation fails, for every n, in each of a set of scenarios. */
#include <string.h>

#include "unit/tcp_unit.h"

/*
 * Each scenario runs to its end once for every n, until a run asks for fewer than n packets. It may
 * end late, and it may not lose a byte, a packet or its mind: what is received is the pattern, what
 * is sent arrives, and tcp_bed_fini finds nothing left. The peer sends again what is not
 * acknowledged, as peers do.
 */
#define BYTES 6000u
#define PATIENCE_S 400u

static uint8_t data[BYTES];

/* What the peer has of our stream: bit per byte, by distance from the ISS. */
struct heard {
	bool have[BYTES + 2];
	uint32_t next;		/* first byte it lacks */
	bool fin;
};

static void
hear(struct bed_peer *p, struct heard *h)
{
	struct tcp_bed *bed = p->bed;

	while (tcp_bed_take(bed)) {
		const struct bed_seg *s = &bed->sent;
		uint32_t at = s->seq - p->iss - 1;

		assert_false(s->flags & TCP_RST);
		for (uint32_t i = 0; i < s->len; i++) {
			assert_in_range(at + i, 0, BYTES - 1);
			assert_int_equal(s->data[i], data[at + i]);
			h->have[at + i] = true;
		}
		while (h->next < BYTES && h->have[h->next])
			h->next++;
		if ((s->flags & TCP_FIN) && at + s->len == h->next)
			h->fin = true;
	}
	p->ack = p->iss + 1 + h->next + h->fin;
}

/* The peer opens, or we do; either is repeated until it stands. */
static void
open_it(struct bed_peer *p, bool active)
{
	struct tcp_bed *bed = p->bed;

	p->active = active;
	tcp_bed_listen(bed, 0);
	if (active)
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p->key, &p->h), 0);
	for (unsigned int s = 0; s < PATIENCE_S; s++) {
		if (!active && bed_peer_state(p) != TCPS_ESTABLISHED) {
			struct tcp_seg syn = bed_peer_seg(p, TCP_SYN, 0);

			syn.seq = p->irs;
			bed_peer_send_seg(p, &syn);
		}
		while (tcp_bed_take(bed))
			if (bed->sent.flags & TCP_SYN) {
				p->iss = bed->sent.seq;
				p->ack = p->iss + 1;
			}
		if (p->ack == p->iss + 1) {
			uint16_t flags = active ? TCP_SYN | TCP_ACK : TCP_ACK;
			struct tcp_seg seg = bed_peer_seg(p, flags, 0);

			seg.seq = p->irs + !active;
			bed_peer_send_seg(p, &seg);
			p->seq = p->irs + 1;
		}
		if (bed_peer_state(p) == TCPS_ESTABLISHED)
			break;
		tcp_bed_advance(bed, 1000);
	}
	assert_int_equal(bed_peer_state(p), TCPS_ESTABLISHED);
	if (!active)
		bed_peer_accept(p);
}

/* Write all, in pieces of size, through copies or in packets; the peer acknowledges. */
static void
send_all(struct bed_peer *p, struct heard *h, uint32_t size)
{
	struct tcp_bed *bed = p->bed;
	uint32_t done = 0;

	for (unsigned int s = 0; s < PATIENCE_S && h->next < BYTES; s++) {
		while (done < BYTES) {
			ptrdiff_t n = tcp_send(bed->stack, &bed->env, p->h, data + done,
				min_u32(size, BYTES - done), 0);

			if (n <= 0)
				break;
			done += (uint32_t)n;
		}
		tcp_bed_flush(bed);
		hear(p, h);
		bed_peer_send_at(p, 0, 0, TCP_ACK, 0);
		hear(p, h);
		tcp_bed_advance(bed, 1000);
	}
	assert_int_equal(h->next, BYTES);
}

/* The peer's bytes in segments of size, those at odd places first: half of them wait for a gap. */
static void
receive_all(struct bed_peer *p, struct heard *h, uint16_t size)
{
	struct tcp_bed *bed = p->bed;
	uint32_t from = p->irs + 1, got = 0;
	static uint8_t buf[BYTES];

	for (unsigned int s = 0; s < PATIENCE_S && got < BYTES; s++) {
		ptrdiff_t n;

		for (uint32_t pass = 0; pass < 2; pass++)
			for (uint32_t at = pass == 0 ? size : 0; at < BYTES; at += 2u * size)
				if (at + size > got)
					bed_peer_send_at(p, (int32_t)at, 0, TCP_ACK,
						(uint16_t)min_u32(size, BYTES - at));
		n = tcp_recv(bed->stack, &bed->env, p->h, buf, sizeof(buf));
		for (ptrdiff_t i = 0; i < n; i++)
			assert_int_equal(buf[i], bed_pattern(from + got + (uint32_t)i));
		got += n > 0 ? (uint32_t)n : 0;
		tcp_bed_flush(bed);
		hear(p, h);
		tcp_bed_advance(bed, 1000);
		hear(p, h);
	}
	assert_int_equal(got, BYTES);
	p->seq += BYTES;
}

/* We close first; the peer answers. */
static void
close_it(struct bed_peer *p, struct heard *h)
{
	struct tcp_bed *bed = p->bed;

	assert_int_equal(tcp_close(bed->stack, &bed->env, p->h), 0);
	tcp_bed_flush(bed);
	for (unsigned int s = 0; s < PATIENCE_S && !h->fin; s++) {
		hear(p, h);
		bed_peer_send_at(p, 0, 0, TCP_ACK, 0);
		tcp_bed_advance(bed, 1000);
	}
	assert_true(h->fin);
	bed_peer_send_at(p, 0, 0, TCP_FIN | TCP_ACK, 0);
	tcp_bed_discard(bed);
	tcp_bed_events(bed, p->h, NULL);
	assert_int_equal(tcp_conn_count(bed->stack), 0);
}

static void
transfer(struct bed_peer *p, bool active, uint32_t write, uint16_t segment)
{
	static struct heard h;

	memset(&h, 0, sizeof(h));
	open_it(p, active);
	h.next = 0;
	hear(p, &h);
	receive_all(p, &h, segment);
	send_all(p, &h, write);
	close_it(p, &h);
}

static void
passive_in_full_segments(struct bed_peer *p)
{
	transfer(p, false, BYTES, 1000);
}

static void
active_in_small_writes(struct bed_peer *p)
{
	transfer(p, true, 100, 300);
}

static void
passive_with_options(struct bed_peer *p)
{
	p->offer = TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
	transfer(p, false, 2000, 700);
}

static void
passive_with_a_cookie(struct bed_peer *p)
{
	p->bed->tun.tcp_syncookies = 2;
	transfer(p, false, BYTES, 1460);
}

static void
active_with_a_tiny_mss(struct bed_peer *p)
{
	p->mss = 100;
	transfer(p, true, BYTES, 90);
}

static void
reset_in_the_middle(struct bed_peer *p)
{
	static struct heard h;

	memset(&h, 0, sizeof(h));
	open_it(p, false);
	tcp_send(p->bed->stack, &p->bed->env, p->h, data, BYTES, 0);
	bed_peer_send_at(p, 1000, 0, TCP_ACK, 500);
	bed_peer_send_at(p, 0, 0, TCP_RST | TCP_ACK, 0);
	tcp_bed_discard(p->bed);
}

static void
aborted_with_data_queued(struct bed_peer *p)
{
	open_it(p, true);
	tcp_send(p->bed->stack, &p->bed->env, p->h, data, BYTES, 0);
	tcp_bed_flush(p->bed);
	bed_peer_send_at(p, 0, 0, TCP_ACK, 500);
	tcp_abort(p->bed->stack, &p->bed->env, p->h);
	tcp_bed_discard(p->bed);
}

static void
silent_peer(struct bed_peer *p)
{
	open_it(p, false);
	tcp_send(p->bed->stack, &p->bed->env, p->h, data, BYTES, 0);
	tcp_close(p->bed->stack, &p->bed->env, p->h);
	for (unsigned int s = 0; s < 1200 && tcp_conn_count(p->bed->stack) > 0; s++) {
		tcp_bed_advance(p->bed, 1000);
		tcp_bed_discard(p->bed);
		tcp_bed_events(p->bed, p->h, NULL);
	}
	assert_int_equal(tcp_conn_count(p->bed->stack), 0);
}

/* For every n; every packets fail from the n-th on, with a good one between. */
static void
run(void (*scenario)(struct bed_peer *p), unsigned int every)
{
	static struct tcp_bed bed;
	unsigned int n = 1, asked;

	do {
		struct bed_peer p;

		tcp_bed_prepare(&bed);
		bed.pkts.fail_nth = n;
		bed.pkts.fail_every = every;
		tcp_bed_start(&bed);
		bed_peer_init(&p, &bed);
		scenario(&p);
		asked = bed.pkts.allocs;
		bed.pkts.fail_nth = 0;
		tcp_abort_all(bed.stack, &bed.env);
		tcp_bed_events(&bed, p.h, NULL);
		tcp_bed_fini(&bed);
	} while (n++ < asked);
}

static void
each_allocation_may_fail_and_no_byte_is_wrong(void **state)
{
	void (*const scenarios[])(struct bed_peer *p) = {
		passive_in_full_segments,
		active_in_small_writes,
		passive_with_options,
		passive_with_a_cookie,
		active_with_a_tiny_mss,
		reset_in_the_middle,
		aborted_with_data_queued,
		silent_peer,
	};

	(void)state;
	for (uint32_t i = 0; i < BYTES; i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		for (unsigned int every = 0; every <= 3; every += 3)
			run(scenarios[i], every);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_may_fail_and_no_byte_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
