/* SPDX-License-Identifier: BSD-3-Clause */
/* Steering: every kind of frame to its worker, the same from both sides, and evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/steer.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"

#define LOCAL_IP 0x0a000002u
#define REMOTE_IP 0x0a000001u
#define WORKERS 4u

/* A frame under construction: bytes, and the packet handle that points at them. */
struct frame {
	struct pkt pkt;
	size_t len;
	uint8_t bytes[256];
};

struct bed {
	struct local_addrs local;
	struct steer steer;
};

static void
bed_init(struct bed *bed, uint32_t workers)
{
	*bed = (struct bed){
		.local = { .count = 1,
			.addr = { ip_addr_from_v4(LOCAL_IP) },
			.prefix_len = { 24 } },
		.steer = { .key = { { 0x0123456789abcdef, 0xfedcba9876543210 } },
			.workers = workers,
			.queues = workers },
	};
	bed->steer.local = &bed->local;
}

static void
put_eth(struct frame *f, uint16_t type, uint8_t vlans)
{
	const struct eth_hdr eth = { .type = type, .vlan_tci = 7, .vlan_count = vlans };

	memset(f, 0, sizeof(*f));
	f->len = eth_encode(f->bytes, &eth);
}

static void
put_ip4(struct frame *f, uint32_t src, uint32_t dst, uint8_t proto, uint16_t payload)
{
	const struct ip4_hdr ip = { .src = src,
		.dst = dst,
		.proto = proto,
		.ttl = 64,
		.total_len = (uint16_t)(IP4_HDR_LEN + payload) };

	ip4_encode(f->bytes + f->len, &ip, false);
	f->len += IP4_HDR_LEN;
}

static void
put_tcp(struct frame *f, uint16_t sport, uint16_t dport)
{
	const struct tcp_hdr tcp = { .sport = sport, .dport = dport, .hdr_len = TCP_HDR_LEN };

	tcp_encode_header(f->bytes + f->len, &tcp);
	f->len += TCP_HDR_LEN;
}

/* The worker that the frame, cut to len bytes, goes to. */
static uint32_t
owner_of_cut(const struct bed *bed, struct frame *f, size_t len)
{
	struct pkt *p = &f->pkt;
	uint32_t owner = 12345;

	p->buf = f->bytes;
	p->buf_len = sizeof(f->bytes);
	p->data_off = 0;
	pkt_set_len(p, (uint16_t)len);
	steer_burst(&bed->steer, &p, 1, &owner);
	return owner;
}

static uint32_t
owner_of(const struct bed *bed, struct frame *f)
{
	return owner_of_cut(bed, f, f->len);
}

static void
make_tcp4(struct frame *f, uint16_t sport, uint8_t vlans)
{
	put_eth(f, ETH_TYPE_IP4, vlans);
	put_ip4(f, REMOTE_IP, LOCAL_IP, IP_PROTO_TCP, TCP_HDR_LEN);
	put_tcp(f, sport, 80);
}

static uint32_t
flow_owner(const struct bed *bed, uint16_t rport)
{
	struct ip_addr raddr = ip_addr_from_v4(REMOTE_IP);
	struct flow_key key = flow_key_make(&raddr, rport, 0, 80);

	return steer_flow(&bed->steer, &key);
}

static void
a_segment_goes_to_the_worker_that_its_flow_key_names(void **state)
{
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, WORKERS);
	for (uint16_t port = 1000; port < 1500; port++)
		for (uint8_t vlans = 0; vlans <= 2; vlans++) {
			make_tcp4(&f, port, vlans);
			assert_int_equal(owner_of(&bed, &f), flow_owner(&bed, port));
		}
}

static void
exactly_one_worker_calls_a_flow_its_own(void **state)
{
	struct ip_addr raddr = ip_addr_from_v4(REMOTE_IP);
	struct bed bed;

	(void)state;
	bed_init(&bed, WORKERS);
	for (uint16_t port = 1; port < 200; port++) {
		struct flow_key key = flow_key_make(&raddr, port, 0, 80);
		unsigned int owners = 0;

		for (uint32_t w = 0; w < WORKERS; w++) {
			const struct steer_self self = { &bed.steer, w };

			owners += steer_is_mine(&self, &key);
		}
		assert_int_equal(owners, 1);
	}
}

static void
flows_spread_evenly_over_any_number_of_workers(void **state)
{
	(void)state;
	for (uint32_t workers = 1; workers <= 7; workers++) {
		unsigned int count[7] = { 0 };
		struct bed bed;

		bed_init(&bed, workers);
		for (unsigned int port = 1; port <= 7000; port++) {
			uint32_t w = flow_owner(&bed, (uint16_t)port);

			assert_in_range(w, 0, workers - 1);
			count[w]++;
		}
		for (uint32_t w = 0; w < workers; w++)
			assert_in_range(count[w], 7000 / workers * 85 / 100,
				7000 / workers * 115 / 100 + 1);
	}
}

/* The hash of cards, under the key that many drivers set and everybody knows. */
static uint32_t
toeplitz(uint32_t raddr, uint16_t rport)
{
	static const uint8_t key[20] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb };
	uint8_t b[12];
	uint64_t window = load_be64(key);
	uint32_t hash = 0;

	store_be32(b, raddr);
	store_be32(b + 4, LOCAL_IP);
	store_be32(b + 8, (uint32_t)rport << 16 | 80);
	for (unsigned int i = 0; i < 12; i++) {
		for (unsigned int k = 0; k < 8; k++) {
			hash ^= b[i] & 0x80u >> k ? (uint32_t)(window >> 32) : 0;
			window <<= 1;
		}
		window |= key[i + 8];
	}
	return hash;
}

/* Flows that a card with a public key puts into one queue of 128. */
static void
a52_flows_aimed_at_one_queue_spread_over_the_workers(void **state)
{
	unsigned int count[WORKERS] = { 0 }, flows = 0;
	struct bed bed;

	(void)state;
	bed_init(&bed, WORKERS);
	for (uint32_t i = 0; flows < 8000; i++) {
		struct ip_addr raddr = ip_addr_from_v4(REMOTE_IP + i / 60000);
		uint16_t rport = (uint16_t)(1024 + i % 60000);
		struct flow_key key = flow_key_make(&raddr, rport, 0, 80);

		if (toeplitz(REMOTE_IP + i / 60000, rport) & 127)
			continue;
		count[steer_flow(&bed.steer, &key)]++;
		flows++;
	}
	/* Four standard deviations. */
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_in_range(count[w], 2000 - 155, 2000 + 155);
}

static void
another_key_spreads_in_another_way(void **state)
{
	unsigned int same = 0;
	struct bed a, b;

	(void)state;
	bed_init(&a, WORKERS);
	bed_init(&b, WORKERS);
	b.steer.key.k[1]++;
	for (uint16_t port = 1; port <= 1000; port++)
		same += flow_owner(&a, port) == flow_owner(&b, port);
	assert_in_range(same, 150, 350);
}

/* Finds a port whose flow worker 0 does not own, so that "primary" can be told apart. */
static uint16_t
foreign_port(const struct bed *bed)
{
	uint16_t port = 1;

	while (flow_owner(bed, port) == STEER_PRIMARY)
		port++;
	return port;
}

static void
what_has_no_readable_ports_goes_to_the_primary_worker(void **state)
{
	struct bed bed;
	struct frame f;
	uint16_t port;

	(void)state;
	bed_init(&bed, WORKERS);
	port = foreign_port(&bed);
	make_tcp4(&f, port, 0);
	assert_int_not_equal(owner_of(&bed, &f), STEER_PRIMARY);
	for (size_t len = 0; len < f.len; len++)
		assert_int_equal(owner_of_cut(&bed, &f, len), STEER_PRIMARY);
}

/* Whatever else differs, ports included, which only the first one has. */
static void
fragments_of_a_datagram_meet_on_a_worker_with_a_queue(void **state)
{
	static const uint16_t frags[] = { 0x2000, 0x0003, 0x2003, 0x1f00 };
	unsigned int seen[WORKERS] = { 0 };
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, WORKERS);
	bed.steer.queues = 2;
	for (uint16_t id = 0; id < 400; id++) {
		uint32_t owner = 0;

		for (unsigned int i = 0; i < ARRAY_SIZE(frags); i++) {
			make_tcp4(&f, (uint16_t)(1000 + i), (uint8_t)(i % 2));
			f.len += 4;
			store_be16(f.bytes + f.len - 44 + 2, 44);
			store_be16(f.bytes + f.len - 44 + 4, id);
			store_be16(f.bytes + f.len - 44 + 6, frags[i]);
			if (i == 0)
				owner = owner_of(&bed, &f);
			assert_int_equal(owner_of(&bed, &f), owner);
		}
		seen[owner]++;
	}
	assert_in_range(seen[0], 150, 250);
	assert_int_equal(seen[0] + seen[1], 400);
}

static void
other_protocols_go_to_the_primary_worker(void **state)
{
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, WORKERS);
	put_eth(&f, ETH_TYPE_IP4, 0);
	put_ip4(&f, REMOTE_IP, LOCAL_IP, IP_PROTO_UDP, TCP_HDR_LEN);
	put_tcp(&f, foreign_port(&bed), 80);
	assert_int_equal(owner_of(&bed, &f), STEER_PRIMARY);
	put_eth(&f, 0x88cc, 0);
	f.len = 60;
	assert_int_equal(owner_of(&bed, &f), STEER_PRIMARY);
}

static void
arp_goes_to_all_only_if_it_can_teach_us_something(void **state)
{
	const struct mac_addr peer = { { 2, 0, 0, 0, 0, 9 } };
	const struct mac_addr us = { { 2, 0, 0, 0, 0, 1 } };
	const struct arp_pkt for_us = arp_make_request(&peer, REMOTE_IP, LOCAL_IP);
	const struct arp_pkt asked = arp_make_request(&us, LOCAL_IP, REMOTE_IP);
	const struct {
		struct arp_pkt pkt;
		uint32_t owner;
	} rows[] = {
		{ for_us, STEER_ALL },
		{ arp_make_reply(&asked, &peer), STEER_ALL },
		{ arp_make_gratuitous(&peer, REMOTE_IP), STEER_ALL },
		{ arp_make_request(&peer, REMOTE_IP, LOCAL_IP + 1), STEER_PRIMARY },
	};
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, WORKERS);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		put_eth(&f, ETH_TYPE_ARP, 0);
		arp_encode(f.bytes + f.len, &rows[i].pkt);
		f.len += ARP_PKT_LEN;
		assert_int_equal(owner_of(&bed, &f), rows[i].owner);
		assert_int_equal(owner_of_cut(&bed, &f, f.len - 1), STEER_PRIMARY);
	}
}

/* An ICMP message of this type that quotes a segment we sent from port 80 to rport. */
static void
make_icmp4(struct frame *f, uint8_t type, uint16_t rport)
{
	const struct icmp_msg msg = { .type = type };

	put_eth(f, ETH_TYPE_IP4, 0);
	put_ip4(f, 0xc0000201, LOCAL_IP, IP_PROTO_ICMP4, ICMP_HDR_LEN + IP4_HDR_LEN + TCP_HDR_LEN);
	icmp_encode(f->bytes + f->len, &msg);
	f->len += ICMP_HDR_LEN;
	put_ip4(f, LOCAL_IP, REMOTE_IP, IP_PROTO_TCP, TCP_HDR_LEN);
	put_tcp(f, 80, rport);
}

static void
an_icmp_error_goes_to_the_owner_of_the_flow_it_quotes(void **state)
{
	struct bed bed;
	struct frame f;
	uint16_t port;

	(void)state;
	bed_init(&bed, WORKERS);
	port = foreign_port(&bed);
	make_icmp4(&f, ICMP4_UNREACHABLE, port);
	assert_int_equal(owner_of(&bed, &f), flow_owner(&bed, port));
	make_icmp4(&f, ICMP4_TIME_EXCEEDED, port);
	assert_int_equal(owner_of(&bed, &f), flow_owner(&bed, port));
	make_icmp4(&f, ICMP4_ECHO_REQUEST, port);
	assert_int_equal(owner_of(&bed, &f), STEER_PRIMARY);
}

static const struct ip_addr remote6 = { { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
static const struct ip_addr local6 = { { 0x20, 1, 0xd, 0xb8, [15] = 2 } };

static void
put_ip6(struct frame *f, uint8_t next_header, uint16_t payload)
{
	const struct ip6_hdr ip = { .src = remote6,
		.dst = local6,
		.next_header = next_header,
		.payload_len = payload,
		.hop_limit = 64 };

	put_eth(f, ETH_TYPE_IP6, 0);
	ip6_encode(f->bytes + f->len, &ip);
	f->len += IP6_HDR_LEN;
}

static void
ipv6_flows_are_found_behind_extension_headers_too(void **state)
{
	struct flow_key key = flow_key_make(&remote6, 4242, 0, 80);
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, 7);
	put_ip6(&f, IP_PROTO_TCP, TCP_HDR_LEN);
	put_tcp(&f, 4242, 80);
	assert_int_equal(owner_of(&bed, &f), steer_flow(&bed.steer, &key));
	put_ip6(&f, IP_PROTO_DSTOPTS, 8 + TCP_HDR_LEN);
	f.bytes[f.len] = IP_PROTO_TCP;
	f.bytes[f.len + 2] = 1; /* PadN of four bytes fills the header */
	f.bytes[f.len + 3] = 4;
	f.len += 8;
	put_tcp(&f, 4242, 80);
	assert_int_equal(owner_of(&bed, &f), steer_flow(&bed.steer, &key));
}

static void
ipv6_neighbour_discovery_goes_to_all(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t owner;
	} rows[] = {
		{ ICMP6_NEIGHBOUR_SOLICIT, STEER_ALL },
		{ ICMP6_NEIGHBOUR_ADVERT, STEER_ALL },
		{ ICMP6_ROUTER_ADVERT, STEER_ALL },
		{ ICMP6_ECHO_REQUEST, STEER_PRIMARY },
		{ ICMP6_ROUTER_SOLICIT, STEER_PRIMARY },
	};
	struct bed bed;
	struct frame f;

	(void)state;
	bed_init(&bed, WORKERS);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct icmp_msg msg = { .type = rows[i].type };

		put_ip6(&f, IP_PROTO_ICMP6, 24);
		icmp_encode(f.bytes + f.len, &msg);
		f.len += 24;
		assert_int_equal(owner_of(&bed, &f), rows[i].owner);
	}
}

static void
a_mixed_burst_gets_the_owners_of_its_frames_one_by_one(void **state)
{
	static struct frame frames[STEER_BURST_MAX];
	struct pkt *pkts[STEER_BURST_MAX];
	uint32_t owners[STEER_BURST_MAX], alone[STEER_BURST_MAX];
	struct bed bed;

	(void)state;
	bed_init(&bed, WORKERS);
	for (unsigned int i = 0; i < STEER_BURST_MAX; i++) {
		if (i % 3 == 1)
			make_icmp4(&frames[i], ICMP4_ECHO_REQUEST, 1);
		else
			make_tcp4(&frames[i], (uint16_t)(i + 1), 0);
		alone[i] = owner_of(&bed, &frames[i]);
		pkts[i] = &frames[i].pkt;
	}
	for (unsigned int n = 0; n <= STEER_BURST_MAX; n++) {
		memset(owners, 0xee, sizeof(owners));
		steer_burst(&bed.steer, pkts, n, owners);
		assert_memory_equal(owners, alone, n * sizeof(owners[0]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_goes_to_the_worker_that_its_flow_key_names),
		cmocka_unit_test(exactly_one_worker_calls_a_flow_its_own),
		cmocka_unit_test(flows_spread_evenly_over_any_number_of_workers),
		cmocka_unit_test(a52_flows_aimed_at_one_queue_spread_over_the_workers),
		cmocka_unit_test(another_key_spreads_in_another_way),
		cmocka_unit_test(what_has_no_readable_ports_goes_to_the_primary_worker),
		cmocka_unit_test(fragments_of_a_datagram_meet_on_a_worker_with_a_queue),
		cmocka_unit_test(other_protocols_go_to_the_primary_worker),
		cmocka_unit_test(arp_goes_to_all_only_if_it_can_teach_us_something),
		cmocka_unit_test(an_icmp_error_goes_to_the_owner_of_the_flow_it_quotes),
		cmocka_unit_test(ipv6_flows_are_found_behind_extension_headers_too),
		cmocka_unit_test(ipv6_neighbour_discovery_goes_to_all),
		cmocka_unit_test(a_mixed_burst_gets_the_owners_of_its_frames_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
