/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments through the net layer: what comes out is what went in, and A-12 gets nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/net_bed.h"
#include "net/frag.h"
#include "pkt/pool.h"

#define TCP 6
#define ICMP 1
#define ICMP6 58
#define MORE true
#define LAST false

static struct net_bed bed;

static int
setup(void **state)
{
	(void)state;
	net_bed_init(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	/* Longer than anything waits: nothing may be left. */
	net_bed_advance(&bed, 200000000);
	assert_int_equal(bed.ctr.ReasmInUse, 0);
	net_bed_fini(&bed);
	return 0;
}

/* A whole datagram of len bytes of payload, the header of its protocol included. */
static void
datagram(struct frame *f, unsigned int version, uint8_t proto, size_t len)
{
	frame_eth(f, OUR_MAC, PEER_MAC, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		frame_ip4(f, PEER_IP, OUR_IP, proto);
	else
		frame_ip6(f, PEER_IP6, OUR_IP6, proto);
	if (proto == TCP) {
		frame_tcp(f, 1234, 80, 1, 2, 0x10);
		frame_data(f, NULL, len - 20);
	} else {
		frame_icmp(f, proto == ICMP6 ? 128 : 8, 0, 1, 2);
		frame_data(f, NULL, len - 8);
	}
	frame_finish(f);
}

/* The fragment of len bytes at off of the datagram in whole, with this identification. */
static void
cut(struct frame *f, const struct frame *whole, size_t off, size_t len, bool more, uint16_t id)
{
	const uint8_t *data = whole->b + whole->l4 + off;
	uint8_t *ip = f->b + 14;

	frame_eth(f, OUR_MAC, PEER_MAC, whole->ip_version == 4 ? 0x0800 : 0x86dd);
	if (whole->ip_version == 4) {
		frame_ip4(f, PEER_IP, OUR_IP, whole->proto);
		frame_data(f, data, len);
		ip[4] = (uint8_t)(id >> 8);
		ip[5] = (uint8_t)id;
		ip[6] = (uint8_t)((more ? 0x20 : 0) | off >> 11);
		ip[7] = (uint8_t)(off >> 3);
	} else {
		uint8_t body[6] = { (uint8_t)(off >> 8), (uint8_t)((off & 0xf8) | more), 0, 0,
			(uint8_t)(id >> 8), (uint8_t)id };

		frame_ip6(f, PEER_IP6, OUR_IP6, 44);
		frame_ip6_ext(f, whole->proto, body, sizeof(body));
		frame_data(f, data, len);
	}
	/* The checksum is the datagram's, not the fragment's. */
	f->proto = 255;
	frame_finish(f);
}

static unsigned int
feed(const struct frame *whole, size_t off, size_t len, bool more)
{
	struct frame f;

	cut(&f, whole, off, len, more, 77);
	return net_bed_input(&bed, &f);
}

static size_t
payload_len(const struct frame *whole)
{
	return whole->len - whole->l4;
}

/* Feed all of whole in pieces of len, in this order: 1 forward, -1 backward. */
static unsigned int
feed_all(const struct frame *whole, size_t len, int order, struct pkt **out)
{
	size_t total = payload_len(whole);
	size_t pieces = (total + len - 1) / len;
	unsigned int outcome = OUTCOME_MAX;

	for (size_t i = 0; i < pieces; i++) {
		size_t at = (order > 0 ? i : pieces - 1 - i) * len;
		struct frame f;

		cut(&f, whole, at, at + len < total ? len : total - at, at + len < total, 77);
		outcome = net_bed_input_flags(&bed, f.b, f.len, 0, out);
		if (i + 1 < pieces)
			assert_int_equal(outcome, OUT_FRAG_HELD);
	}
	return outcome;
}

static void
a_segment_is_the_same_however_it_was_cut(void **state)
{
	static const size_t lens[] = { 24, 64, 504, 1472 };

	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
			for (int order = -1; order <= 1; order += 2) {
				struct frame whole;
				struct pkt *p = NULL;

				datagram(&whole, version, TCP, 1473);
				assert_int_equal(
					feed_all(&whole, lens[i], order, &p), OUTCOME_MAX);
				assert_int_equal(bed.seg.len, 1453);
				assert_int_equal(bed.seg.key.rport, 1234);
				assert_int_equal(bed.seg.key.laddr_idx, version == 4 ? 0 : 1);
				assert_int_equal(p->data_len, whole.len);
				assert_memory_equal(pkt_data(p) + whole.l4, whole.b + whole.l4,
					payload_len(&whole));
				pkt_free(bed.env.pool, p);
			}
	assert_int_equal(bed.ctr.ReasmOKs, 8);
	assert_int_equal(bed.ctr.Ip6ReasmOKs, 8);
	assert_int_equal(bed.ctr.InDelivers, 8);
	assert_int_equal(bed.ctr.ReasmFails + bed.ctr.Ip6ReasmFails, 0);
}

static void
two_datagrams_at_a_time_are_kept_apart(void **state)
{
	struct frame whole, f;

	(void)state;
	datagram(&whole, 4, TCP, 100);
	for (uint16_t id = 1; id <= 2; id++) {
		cut(&f, &whole, 0, 48, MORE, id);
		assert_int_equal(net_bed_input(&bed, &f), OUT_FRAG_HELD);
	}
	for (uint16_t id = 1; id <= 2; id++) {
		cut(&f, &whole, 48, 52, LAST, id);
		assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
	}
}

static void
an_echo_request_in_pieces_is_answered_in_one(void **state)
{
	struct frame whole, got;

	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2) {
		size_t max = version == 4 ? 1480 : 1460;

		datagram(&whole, version, version == 4 ? ICMP : ICMP6, max);
		assert_int_equal(feed_all(&whole, 400, 1, NULL), OUT_ICMP_ECHO);
		assert_true(net_bed_sent(&bed, &got));
		assert_int_equal(got.len, whole.len);
		assert_int_equal(frame_check_l4(got.b + 14, got.len - 14), 0);
		assert_memory_equal(got.b + whole.l4 + 8, whole.b + whole.l4 + 8, max - 8);
		/* A byte more would not fit the MTU, and we never cut. */
		datagram(&whole, version, version == 4 ? ICMP : ICMP6, max + 1);
		assert_int_equal(feed_all(&whole, 400, 1, NULL), OUT_ICMP_TOO_LONG);
		assert_int_equal(bed.tx.count, 0);
	}
}

static void
a_checksum_that_is_wrong_in_the_whole_is_found(void **state)
{
	struct frame whole;

	(void)state;
	datagram(&whole, 4, TCP, 200);
	whole.b[whole.len - 1] ^= 1;
	assert_int_equal(feed_all(&whole, 96, 1, NULL), OUT_BAD_TCP_CSUM);
}

static void
the_frame_of_a_vlan_passes_as_one_when_it_is_whole(void **state)
{
	struct frame whole, f;
	struct pkt *p = NULL;
	unsigned int out = 0;

	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.vlan = 5;
	net_bed_start(&bed);
	datagram(&whole, 4, TCP, 100);
	for (unsigned int i = 0; i < 2; i++) {
		cut(&f, &whole, i * 48, i ? 52 : 48, i == 0, 1);
		out = net_bed_input_flags(&bed, f.b, f.len, PKT_RX_VLAN_STRIPPED, &p);
	}
	assert_int_equal(out, OUTCOME_MAX);
	assert_true((p->ol_flags & PKT_RX_VLAN_STRIPPED) != 0);
	assert_int_equal(p->vlan_tci, 5);
	pkt_free(bed.env.pool, p);
}

/* The mark of any fragment is the datagram's; one on what asked for none is a lie. */
static void
congestion_marks_survive(void **state)
{
	static const struct {
		uint8_t first, second;
		unsigned int outcome;
		uint8_t ecn;
	} rows[] = {
		{ IP_ECN_ECT0, IP_ECN_ECT0, OUTCOME_MAX, IP_ECN_ECT0 },
		{ IP_ECN_ECT0, IP_ECN_CE, OUTCOME_MAX, IP_ECN_CE },
		{ IP_ECN_CE, IP_ECN_ECT1, OUTCOME_MAX, IP_ECN_CE },
		{ IP_ECN_NOT_ECT, IP_ECN_CE, OUT_FRAG_CONFLICT, 0 },
	};
	struct frame whole, f;

	(void)state;
	for (uint16_t i = 0; i < ARRAY_SIZE(rows); i++) {
		datagram(&whole, 4, TCP, 100);
		cut(&f, &whole, 0, 48, MORE, i);
		f.b[15] = rows[i].first;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_FRAG_HELD);
		cut(&f, &whole, 48, 52, LAST, i);
		f.b[15] = rows[i].second;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), rows[i].outcome);
		if (rows[i].outcome == OUTCOME_MAX)
			assert_int_equal(bed.seg.ecn, rows[i].ecn);
	}
}

static void
tells_of_time_exceeded(unsigned int version, uint64_t time_us)
{
	struct frame whole, first, got;
	size_t quoted = version == 4 ? 20 : 48;
	size_t headers = version == 4 ? 28 : 48;

	datagram(&whole, version, version == 4 ? ICMP : ICMP6, 300);
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_HELD);
	assert_int_equal(feed(&whole, 200, 100, LAST), OUT_FRAG_HELD);
	net_bed_advance(&bed, time_us - 1);
	assert_int_equal(bed.tx.count, 0);
	net_bed_advance(&bed, 1);
	assert_true(net_bed_sent(&bed, &got));
	assert_int_equal(got.len, 14 + headers + quoted + 96);
	assert_int_equal(frame_check_l4(got.b + 14, got.len - 14), 0);
	assert_memory_equal(got.b, PEER_MAC, 6);
	assert_int_equal(got.b[14 + headers - 8], version == 4 ? 11 : 3);
	assert_int_equal(got.b[14 + headers - 7], 1);
	if (version == 4) {
		assert_int_equal(frame_check_ip(got.b + 14), 0);
		assert_int_equal(frame_check_ip(got.b + 14 + headers), 0);
	}
	/* The first fragment, as it was sent. */
	cut(&first, &whole, 0, 96, MORE, 77);
	assert_int_equal(got.len - 14 - headers, first.len - 14);
	assert_memory_equal(got.b + 14 + headers, first.b + 14, first.len - 14);
}

static void
the_sender_is_told_after_ipfrag_time_and_ip6frag_time(void **state)
{
	(void)state;
	tells_of_time_exceeded(4, 30000000);
	tells_of_time_exceeded(6, 60000000);
	bed.tun.ipfrag_time = 5;
	tells_of_time_exceeded(4, 5000000);
	bed.tun.ip6frag_time = 1;
	tells_of_time_exceeded(6, 1000000);
	assert_int_equal(bed.ctr.IcmpOutTimeExcds, 4);
	assert_int_equal(bed.ctr.ReasmTimeout, 2);
	assert_int_equal(bed.ctr.Ip6ReasmTimeout, 2);
	assert_int_equal(bed.ctr.ReasmFails, 2);
}

/* RFC 792, RFC 8200 s4.5: without the first fragment nobody knows whom it would be about. */
static void
nobody_is_told_without_the_first_fragment_or_about_an_error(void **state)
{
	struct frame whole;

	(void)state;
	datagram(&whole, 4, ICMP, 300);
	assert_int_equal(feed(&whole, 96, 96, MORE), OUT_FRAG_HELD);
	datagram(&whole, 6, ICMP6, 300);
	whole.b[whole.l4] = 1;
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_HELD);
	net_bed_advance(&bed, 100000000);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(bed.ctr.ReasmTimeout, 1);
	assert_int_equal(bed.ctr.Ip6ReasmTimeout, 1);
}

/*
 * two fragments, the second one somehow wrong, then the right rest. What must not come out
 * is a datagram; and where the first verdict condemned it, the rest is refused as well.
 */
struct lie {
	const char *name;
	struct {
		size_t off, len;
		bool more;
	} piece[2];
	unsigned int outcome;	/* of the second */
};

static const struct lie lies[] = {
	{ "the same again", { { 0, 48, MORE }, { 0, 48, MORE } }, OUT_FRAG_DUPLICATE },
	{ "a part of it again", { { 0, 48, MORE }, { 8, 16, MORE } }, OUT_FRAG_DUPLICATE },
	{ "the last again", { { 48, 51, LAST }, { 48, 51, LAST } }, OUT_FRAG_DUPLICATE },
	{ "overlaps the end", { { 0, 48, MORE }, { 40, 16, MORE } }, OUT_FRAG_CONFLICT },
	{ "overlaps the start", { { 48, 16, MORE }, { 40, 16, MORE } }, OUT_FRAG_CONFLICT },
	{ "covers all of it", { { 48, 16, MORE }, { 40, 32, MORE } }, OUT_FRAG_CONFLICT },
	{ "covers it from the start", { { 0, 24, MORE }, { 0, 48, MORE } }, OUT_FRAG_CONFLICT },
	{ "one unit over", { { 24, 24, MORE }, { 40, 8, LAST } }, OUT_FRAG_DUPLICATE },
	{ "another end, before", { { 48, 51, LAST }, { 24, 16, LAST } }, OUT_FRAG_CONFLICT },
	{ "another end, behind", { { 48, 51, LAST }, { 104, 8, LAST } }, OUT_FRAG_CONFLICT },
	{ "more behind the end", { { 48, 51, LAST }, { 104, 8, MORE } }, OUT_FRAG_CONFLICT },
	{ "more up to the end", { { 48, 56, LAST }, { 96, 8, MORE } }, OUT_FRAG_CONFLICT },
	{ "an end before what is there", { { 48, 48, MORE }, { 24, 8, LAST } }, OUT_FRAG_CONFLICT },
	{ "a longer last one", { { 48, 51, LAST }, { 48, 52, LAST } }, OUT_FRAG_CONFLICT },
	{ "a shorter last one", { { 48, 51, LAST }, { 48, 50, LAST } }, OUT_FRAG_CONFLICT },
	{ "too long for a buffer", { { 0, 48, MORE }, { 2048, 8, LAST } }, OUT_FRAG_TOO_LONG },
	{ "far too long", { { 0, 48, MORE }, { 65480, 8, LAST } }, OUT_FRAG_TOO_LONG },
};

static void
tell_lie(const struct lie *lie, unsigned int version)
{
	static struct frame whole;
	struct frame f;
	unsigned int out;

	memset(&whole, 0, sizeof(whole));
	datagram(&whole, version, TCP, 300);
	assert_int_equal(
		feed(&whole, lie->piece[0].off, lie->piece[0].len, lie->piece[0].more),
		OUT_FRAG_HELD);
	/* What lies beyond the datagram is read from its start. */
	cut(&f, &whole, lie->piece[1].off < 300 ? lie->piece[1].off : 0, lie->piece[1].len,
		lie->piece[1].more, 77);
	if (lie->piece[1].off >= 300 && version == 4) {
		f.b[20] = (uint8_t)((f.b[20] & 0x20) | lie->piece[1].off >> 11);
		f.b[21] = (uint8_t)(lie->piece[1].off >> 3);
		frame_checksums(&f);
	} else if (lie->piece[1].off >= 300) {
		f.b[56] = (uint8_t)(lie->piece[1].off >> 8);
		f.b[57] = (uint8_t)((lie->piece[1].off & 0xf8) | lie->piece[1].more);
	}
	out = net_bed_input(&bed, &f);
	if (out != lie->outcome)
		print_error("IPv%u, %s: %u\n", version, lie->name, out);
	assert_int_equal(out, lie->outcome);
	if (out == OUT_FRAG_DUPLICATE)
		return;
	assert_int_equal(feed(&whole, 0, 152, MORE), OUT_FRAG_GIVEN_UP);
	assert_int_equal(feed(&whole, 152, 148, LAST), OUT_FRAG_GIVEN_UP);
}

static void
a12_fragments_that_contradict_each_other_condemn_their_datagram(void **state)
{
	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
			tell_lie(&lies[i], version);
			/* A row that is condemned holds no buffer. */
			assert_in_range(bed.pkts.pool.held, 0, 1);
			net_bed_advance(&bed, 100000000);
			net_bed_discard(&bed);
			assert_int_equal(bed.pkts.pool.held, 0);
		}
	assert_int_equal(bed.ctr.ReasmOKs + bed.ctr.Ip6ReasmOKs, 0);
	assert_int_equal(bed.ctr.ReasmOverlaps, bed.ctr.outcome[OUT_FRAG_CONFLICT]);
}

static void
a12_other_bytes_in_the_same_place_are_a_conflict(void **state)
{
	struct frame whole;

	(void)state;
	datagram(&whole, 4, TCP, 200);
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_HELD);
	whole.b[whole.l4 + 95] ^= 1;
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_CONFLICT);
}

static void
a12_a_duplicate_does_not_spoil_the_datagram(void **state)
{
	struct frame whole;

	(void)state;
	datagram(&whole, 4, TCP, 203);
	assert_int_equal(feed(&whole, 96, 107, LAST), OUT_FRAG_HELD);
	assert_int_equal(feed(&whole, 96, 107, LAST), OUT_FRAG_DUPLICATE);
	assert_int_equal(feed(&whole, 0, 96, MORE), OUTCOME_MAX);
	assert_int_equal(bed.seg.len, 183);
}

/* The ping of death, pieces of nothing, pieces that end between units: not even looked for. */
static void
a12_impossible_fragments_leave_no_trace(void **state)
{
	static const struct {
		size_t off, len;
		bool more;
	} rows[] = { { 65528, 8, LAST }, { 65520, 24, LAST }, { 64, 0, LAST }, { 0, 0, MORE },
		{ 64, 12, MORE } };
	struct frame whole, f;

	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			datagram(&whole, version, TCP, 200);
			cut(&f, &whole, 0, rows[i].len, rows[i].more, 1);
			f.b[version == 4 ? 20 : 56] = (uint8_t)(version == 4 ?
					(rows[i].more ? 0x20 : 0) | rows[i].off >> 11 :
					rows[i].off >> 8);
			f.b[version == 4 ? 21 : 57] = (uint8_t)(version == 4 ?
					rows[i].off >> 3 :
					(rows[i].off & 0xf8) | rows[i].more);
			frame_checksums(&f);
			assert_int_equal(net_bed_input(&bed, &f),
				version == 4 ? OUT_IP4_FRAGMENT : OUT_IP6_FRAGMENT);
			assert_int_equal(bed.ctr.ReasmInUse, 0);
		}
	net_bed_discard(&bed);
}

static void
a12_tiny_first_fragments_are_dropped(void **state)
{
	struct frame whole;

	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2) {
		datagram(&whole, version, TCP, 200);
		/* With options of four bytes, so that 24 is the least. */
		whole.b[whole.l4 + 12] = 6 << 4;
		for (size_t len = 8; len < 24; len += 8)
			assert_int_equal(feed(&whole, 0, len, MORE), OUT_FRAG_TINY);
		assert_int_equal(feed(&whole, 0, 24, MORE), OUT_FRAG_HELD);
	}
}

/* RFC 7112: the sender of a first fragment without all of its headers is told. */
static void
a12_a_header_chain_that_goes_on_in_the_second_fragment_is_refused(void **state)
{
	static const uint8_t body[6] = { 0, 1, 0, 0, 0, 1 };
	struct frame f, got;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 44);
	frame_ip6_ext(&f, 60, body, 6);
	frame_ip6_ext(&f, TCP, (const uint8_t[6]){ 1, 4 }, 6);
	/* It claims 16 bytes. */
	f.b[f.len - 7] = 1;
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_FRAG_TINY);
	assert_true(net_bed_sent(&bed, &got));
	assert_int_equal(got.b[54], 4);
	assert_int_equal(got.b[55], 3);
	assert_int_equal(bed.ctr.ReasmInUse, 0);
}

static void
a12_a_fragment_within_a_fragment_is_refused(void **state)
{
	struct frame whole;

	(void)state;
	frame_eth(&whole, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&whole, PEER_IP6, OUR_IP6, 60);
	whole.l4 = whole.len;
	/* Options, and behind them, in the second fragment, another fragment header. */
	frame_ip6_ext(&whole, TCP, (const uint8_t[6]){ 1, 4 }, 6);
	frame_tcp(&whole, 1, 2, 3, 4, 2);
	frame_data(&whole, NULL, 20);
	whole.l4 = 54;
	whole.proto = 60;
	assert_int_equal(feed(&whole, 0, 32, MORE), OUT_FRAG_HELD);
	assert_int_equal(feed(&whole, 32, 16, LAST), OUT_BAD_TCP_CSUM);
	whole.b[54] = 44;
	assert_int_equal(feed(&whole, 0, 32, MORE), OUT_IP6_FRAGMENT);
	assert_int_equal(bed.ctr.Ip6ReasmOKs, 1);
}

/* A-47, CVE-2020-11896: what nobody speaks takes no memory, in fragments or not. */
static void
a47_fragments_of_unknown_protocols_are_never_put_together(void **state)
{
	static const uint8_t protos[] = { 4, 17, 41, 47, 50, 51, 132, 255 };
	struct frame whole;

	(void)state;
	for (unsigned int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < sizeof(protos); i++) {
			unsigned int want = protos[i] == 17 ? OUT_UDP_NO_PORT : OUT_IP_BAD_PROTO;

			datagram(&whole, version, TCP, 400);
			whole.proto = protos[i];
			assert_int_equal(feed(&whole, 96, 96, MORE), want);
			assert_int_equal(feed(&whole, 192, 208, LAST), want);
			assert_int_equal(bed.tx.count, 0);
			/* Only the first one says enough to be told something. */
			assert_int_equal(feed(&whole, 0, 96, MORE), want);
			assert_int_equal(net_bed_discard(&bed), 1);
		}
	assert_int_equal(bed.ctr.ReasmReqds + bed.ctr.Ip6ReasmReqds, 0);
	assert_int_equal(bed.pkts.allocs, 0);
}

static void
nothing_is_put_together_with_ipfrag_high_thresh_0(void **state)
{
	struct frame whole;

	(void)state;
	bed.tun.ipfrag_high_thresh = 0;
	datagram(&whole, 4, TCP, 200);
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_LIMIT);
	assert_int_equal(bed.ctr.ReasmInUse, 0);
}

static void
the_reserve_of_packets_is_not_touched(void **state)
{
	struct frame whole;

	(void)state;
	datagram(&whole, 4, TCP, 200);
	bed.pkts.pool.reserve = bed.pkts.size;
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_LIMIT);
	assert_int_equal(bed.pkts.allocs, 0);
	bed.pkts.pool.reserve = 0;
	bed.pkts.fail_nth = 1;
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_LIMIT);
	assert_int_equal(bed.ctr.ReasmInUse, 0);
	assert_int_equal(feed(&whole, 0, 96, MORE), OUT_FRAG_HELD);
}

/* A million datagrams that never end: memory stays, and an honest one still gets through. */
static void
a12_a_flood_of_first_fragments_takes_no_more_than_the_limit(void **state)
{
	struct frame whole, honest, f;

	(void)state;
	bed.tun.ipfrag_high_thresh = 64 * bed.pkts.pool.charge;
	datagram(&whole, 4, TCP, 200);
	honest = whole;
	for (uint32_t i = 0; i < 20000; i++) {
		cut(&f, &whole, 0, 96, MORE, (uint16_t)(1000 + i));
		/* From everywhere. */
		f.b[26] = (uint8_t)(11 + i % 100);
		f.b[27] = (uint8_t)(i >> 8);
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_FRAG_HELD);
		assert_in_range(bed.ctr.ReasmInUse, 1, 64);
		assert_in_range(bed.pkts.pool.held, 1, 64);
		if (i % 1000 == 0) {
			assert_int_equal(feed(&honest, 96, 104, LAST), OUT_FRAG_HELD);
			assert_int_equal(feed(&honest, 0, 96, MORE), OUTCOME_MAX);
		}
	}
	assert_int_equal(bed.ctr.ReasmOKs, 20);
	assert_in_range(bed.ctr.ReasmEvicted, 19900, 20000);
	/* All are told, as far as the budget goes. */
	net_bed_advance(&bed, 31000000);
	assert_in_range(net_bed_discard(&bed), 1, 64);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_segment_is_the_same_however_it_was_cut),
		T(two_datagrams_at_a_time_are_kept_apart),
		T(an_echo_request_in_pieces_is_answered_in_one),
		T(a_checksum_that_is_wrong_in_the_whole_is_found),
		T(the_frame_of_a_vlan_passes_as_one_when_it_is_whole),
		T(congestion_marks_survive),
		T(the_sender_is_told_after_ipfrag_time_and_ip6frag_time),
		T(nobody_is_told_without_the_first_fragment_or_about_an_error),
		T(a12_fragments_that_contradict_each_other_condemn_their_datagram),
		T(a12_other_bytes_in_the_same_place_are_a_conflict),
		T(a12_a_duplicate_does_not_spoil_the_datagram),
		T(a12_impossible_fragments_leave_no_trace),
		T(a12_tiny_first_fragments_are_dropped),
		T(a12_a_header_chain_that_goes_on_in_the_second_fragment_is_refused),
		T(a12_a_fragment_within_a_fragment_is_refused),
		T(a47_fragments_of_unknown_protocols_are_never_put_together),
		T(nothing_is_put_together_with_ipfrag_high_thresh_0),
		T(the_reserve_of_packets_is_not_touched),
		T(a12_a_flood_of_first_fragments_takes_no_more_than_the_limit),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
