/* SPDX-License-Identifier: BSD-3-Clause */
/* Packetization layer path MTU discovery against a path that drops what is too long, silently. */
#include <stdio.h>
#include <string.h>

#include "unit/tcp_unit.h"

#include "tcp/tcp_int.h"

#define BASE 1024u

/* A path of a certain width, and the peer behind it that acknowledges what comes through. */
struct path {
	uint32_t width;		/* bytes of the largest payload that gets through */
	uint32_t next;		/* what the peer expects, from 1 */
	uint32_t gap_end;	/* it holds what is between here and high; 0: nothing */
	uint32_t high;
	uint32_t longest;	/* of what was sent */
	unsigned int lost;	/* segments */
};

static void
open_small(struct bed_peer *p, struct tcp_bed *bed, uint8_t offer)
{
	bed_peer_init(p, bed);
	p->offer = offer | TCP_OPT_WSCALE;
	p->wscale = 10;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_cold(bed->stack, bed_peer_conn(p))->sndbuf = 1000000;
	bed_peer_conn(p)->flags |= TF_SNDBUF_FIXED;
}

static void
send_ack(struct bed_peer *p, const struct path *path, uint32_t from, uint32_t to)
{
	struct tcp_seg seg = bed_peer_seg(p, TCP_ACK, 0);

	seg.ack = p->iss + path->next;
	if (from > path->next && (bed_peer_conn(p)->flags & TF_SACK)) {
		seg.opts.present |= TCP_OPT_SACK;
		seg.opts.nsack = 1;
		seg.opts.sack[0][0] = p->iss + from;
		seg.opts.sack[0][1] = p->iss + to;
	}
	bed_peer_send_seg(p, &seg);
}

/* Everything that is sent goes the path, one segment at a time, until nothing more is sent. */
static void
exchange(struct bed_peer *p, struct path *path)
{
	uint32_t seq, len;
	const char *text;

	while (*(text = bed_peer_sent(p)) != '\0') {
		const char *at = strchr(text, ' ');

		if (at == NULL || sscanf(at, " %u+%u", &seq, &len) != 2 || len == 0)
			continue;
		path->longest = max_u32(path->longest, len);
		if (len > path->width) {
			path->lost++;
			continue;
		}
		if (seq > path->next) {
			if (path->gap_end == 0)
				path->gap_end = seq;
			path->high = max_u32(path->high, seq + len);
			send_ack(p, path, path->gap_end, path->high);
			continue;
		}
		path->next = max_u32(path->next, seq + len);
		if (path->gap_end != 0 && path->next >= path->gap_end) {
			path->next = max_u32(path->next, path->high);
			path->gap_end = 0;
		}
		send_ack(p, path, 0, 0);
	}
}

/* Send so much, and time enough for each delayed thing. */
static void
transfer(struct bed_peer *p, struct path *path, size_t len)
{
	static const uint8_t data[100000];
	struct tcp_bed *bed = p->bed;
	struct tcp_conn *c = bed_peer_conn(p);

	while (len > 0) {
		size_t n = len < sizeof(data) ? len : sizeof(data);

		assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, n, 0), (ptrdiff_t)n);
		tcp_bed_flush(bed);
		for (unsigned int ms = 0; ms < 5000 && c->snd_una != c->write_seq; ms++) {
			exchange(p, path);
			tcp_bed_advance(bed, 1);
		}
		assert_int_equal(c->snd_una, c->write_seq);
		tcp_bed_advance(bed, 10);
		len -= n;
	}
}

static void
nothing_is_tried_where_probing_is_off(void **state)
{
	struct tcp_bed *bed = *state;
	struct path path = { .width = 1460, .next = 1 };
	struct bed_peer p;

	open_small(&p, bed, TCP_OPT_SACK_OK);
	bed_peer_conn(&p)->mss = BASE;
	transfer(&p, &path, 300000);
	assert_int_equal(path.longest, BASE);
}

static void
a_connection_begins_small_and_grows_to_what_the_path_carries(void **state)
{
	static const uint32_t widths[] = { 1024, 1100, 1241, 1242, 1300, 1400, 1452, 1459, 1460 };
	static const uint8_t offers[] = { 0, TCP_OPT_SACK_OK };

	for (size_t i = 0; i < ARRAY_SIZE(widths) * 2; i++) {
		struct tcp_bed *bed = *state;
		struct path path = { .width = widths[i / 2], .next = 1 };
		uint32_t mss;
		struct bed_peer p;

		tcp_unit_prepare(state);
		tcp_bed_start(bed);
		bed->tun.tcp_mtu_probing = 2;
		open_small(&p, bed, offers[i % 2]);
		assert_int_equal(bed_peer_conn(&p)->mss, BASE);
		transfer(&p, &path, 1000000);
		mss = bed_peer_conn(&p)->mss;
		assert_in_range(mss, path.width - bed->tun.tcp_probe_threshold, path.width);
		/* Each loss was a probe's: no timeout, no sign of congestion, no two alike. */
		assert_int_equal(bed->ctr.TCPTimeouts, 0);
		assert_int_equal(bed->ctr.TCPMTUPFail, path.lost);
		assert_in_range(path.lost + bed->ctr.TCPMTUPSuccess, 1, 8);
		assert_int_equal(bed->ctr.TCPSackRecovery + bed->ctr.TCPRenoRecovery, 0);
		assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->ssthresh,
			TCP_SSTHRESH_INFINITE);
		assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->mss_high, 0);
		tcp_bed_discard(bed);
		if (i + 1 < ARRAY_SIZE(widths) * 2)
			tcp_bed_fini(bed);
	}
}

/* RFC 8201 s4: ten minutes later the path may be another. */
static void
the_search_begins_again_after_tcp_probe_interval(void **state)
{
	struct tcp_bed *bed = *state;
	struct path path = { .width = 1200, .next = 1 };
	struct bed_peer p;

	bed->tun.tcp_mtu_probing = 2;
	bed->tun.tcp_probe_interval = 60;
	open_small(&p, bed, TCP_OPT_SACK_OK);
	transfer(&p, &path, 1000000);
	assert_in_range(bed_peer_conn(&p)->mss, 1192, 1200);
	path.width = 1460;
	path.longest = 0;
	transfer(&p, &path, 300000);
	assert_int_equal(path.longest, bed_peer_conn(&p)->mss);
	assert_in_range(path.longest, 1192, 1200);
	tcp_bed_advance(bed, 60000);
	transfer(&p, &path, 1000000);
	assert_in_range(bed_peer_conn(&p)->mss, 1452, 1460);
}

static void
tcp_probe_threshold_ends_the_search(void **state)
{
	struct tcp_bed *bed = *state;
	struct path path = { .width = 1300, .next = 1 };
	struct bed_peer p;

	bed->tun.tcp_mtu_probing = 2;
	bed->tun.tcp_probe_threshold = 300;
	open_small(&p, bed, TCP_OPT_SACK_OK);
	transfer(&p, &path, 1000000);
	/* 1242 got through, and 1460 is less than 300 more. */
	assert_int_equal(bed_peer_conn(&p)->mss, 1242);
	assert_int_equal(path.lost, 0);
}

static void
tcp_mtu_probe_floor_holds_however_often_it_times_out(void **state)
{
	struct tcp_bed *bed = *state;
	static const uint8_t data[1460];
	struct bed_peer p;

	bed->tun.tcp_mtu_probing = 1;
	bed->tun.tcp_mtu_probe_floor = 700;
	open_small(&p, bed, TCP_OPT_SACK_OK);
	assert_int_equal(bed_peer_conn(&p)->mss, 1460);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 1460, 0), 1460);
	tcp_bed_advance(bed, 300000);
	assert_int_equal(bed_peer_conn(&p)->mss, 700);
	tcp_bed_discard(bed);
}

/* Out of a black hole, and back up to what gets through. */
static void
a_black_hole_is_left_downward_and_then_upward(void **state)
{
	struct tcp_bed *bed = *state;
	struct path path = { .width = 1300, .next = 1 };
	static const uint8_t data[14600];
	struct bed_peer p;

	bed->tun.tcp_mtu_probing = 1;
	open_small(&p, bed, TCP_OPT_SACK_OK);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0),
		(ptrdiff_t)sizeof(data));
	tcp_bed_flush(bed);
	for (unsigned int s = 0; s < 60 && path.next <= sizeof(data); s++) {
		exchange(&p, &path);
		tcp_bed_advance(bed, 1000);
	}
	assert_int_equal(path.next, sizeof(data) + 1);
	assert_int_equal(bed_peer_conn(&p)->mss, BASE);
	transfer(&p, &path, 1000000);
	assert_in_range(bed_peer_conn(&p)->mss, 1292, 1300);
}

/* Open wide, with so much written and nothing sent yet. */
static void
open_wide(struct bed_peer *p, struct tcp_bed *bed, size_t len)
{
	static const uint8_t data[20000];

	bed->tun.tcp_mtu_probing = 2;
	open_small(p, bed, TCP_OPT_SACK_OK);
	bed_peer_conn(p)->cwnd = 100 * BASE;
	bed_peer_conn(p)->snd_wnd = 100 * BASE;
	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, len, 0), (ptrdiff_t)len);
}

/* RFC 8201 s4: what a router says bounds the search, so nothing is lost to find it out. */
static void
a_report_bounds_the_search(void **state)
{
	struct tcp_bed *bed = *state;
	struct icmp_report r = {
		.err = EMSGSIZE,
		.mtu = 1300,
		.quoted_len = 1500,
		.kind = ICMP_REPORT_TOO_BIG,
	};
	struct path path = { .width = 1260, .next = 1 };
	struct bed_peer p;

	open_wide(&p, bed, 100);
	tcp_bed_flush(bed);
	r.key = p.key;
	r.seq = bed_peer_conn(&p)->snd_una;
	tcp_icmp_input(bed->stack, &bed->env, &r);
	assert_int_equal(bed_peer_conn(&p)->mss, BASE);
	transfer(&p, &path, 1000000);
	assert_int_equal(path.lost, 0);
	assert_in_range(bed_peer_conn(&p)->mss, 1252, 1260);
}

/* All was lost, the probe first: it failed, and its data goes in segments that get through. */
static void
a_timeout_ends_the_probe_that_is_oldest(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_early_retrans = 0;
	open_wide(&p, bed, 20000);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+1242 ack 1");
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 1000);
	assert_int_equal(bed->ctr.TCPTimeouts, 1);
	assert_int_equal(bed->ctr.TCPMTUPFail, 1);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->mss_high, 1241);
	assert_sent(&p, "A 1+1024 ack 1");
	tcp_bed_discard(bed);
}

static void
without_a_spare_buffer_data_goes_as_it_would_without_probing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_wide(&p, bed, 20000);
	bed->pkts.pool.reserve = bed->pkts.size;
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+1024 ack 1");
	assert_sent(&p, "A 1025+1024 ack 1");
	bed->pkts.pool.reserve = 0;
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(nothing_is_tried_where_probing_is_off),
		cmocka_unit_test_setup_teardown(
			a_connection_begins_small_and_grows_to_what_the_path_carries,
			tcp_unit_prepare, tcp_unit_end),
		BED_TEST(the_search_begins_again_after_tcp_probe_interval),
		BED_TEST(tcp_probe_threshold_ends_the_search),
		BED_TEST(tcp_mtu_probe_floor_holds_however_often_it_times_out),
		BED_TEST(a_black_hole_is_left_downward_and_then_upward),
		BED_TEST(a_report_bounds_the_search),
		BED_TEST(a_timeout_ends_the_probe_that_is_oldest),
		BED_TEST(without_a_spare_buffer_data_goes_as_it_would_without_probing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
