/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers as they are written: lengths, checksums, offload, IPv4 and IPv6. */
#include <string.h>

#include "unit/tcp_unit.h"

#include "tcp/tcp_headers.h"

/* usual: by the writer of segments without options, or with timestamps alone, over IPv4. */
static struct pkt *
emit_by(struct tcp_bed *bed, const struct flow_key *key, const struct tcp_opts *opts, uint16_t len,
	bool usual)
{
	const struct tcp_emit e = {
		.key = key,
		.seq = 0xfffffffe,
		.ack = 0x01020304,
		.wnd = 0xabcd,
		.flags = TCP_ACK | TCP_PSH,
		.opts = opts,
		.ts_only = opts != NULL && opts->present == TCP_OPT_TS,
		.tsval = opts != NULL ? opts->tsval : 0,
		.tsecr = opts != NULL ? opts->tsecr : 0,
	};
	struct pkt *p = pkt_alloc(bed->env.pool);

	bed->stack->env = &bed->env;
	for (uint16_t i = 0; i < len; i++)
		pkt_data(p)[i] = (uint8_t)i;
	pkt_set_len(p, len);
	if (usual)
		tcp_emit_usual(bed->stack, p, &e);
	else
		tcp_emit(bed->stack, p, &e);
	return p;
}

static struct pkt *
emit(struct tcp_bed *bed, const struct flow_key *key, const struct tcp_opts *opts, uint16_t len)
{
	return emit_by(bed, key, opts, len, false);
}

/* The bed reads every frame back with its own eyes and checks lengths and checksums. */
static void
segments_of_every_length_and_layout_are_right(void **state)
{
	static const uint8_t rows[] = { 0, TCP_OPT_TS, TCP_OPT_MSS, TCP_OPTS_SYN, TCP_OPT_SACK,
		TCP_OPT_TS | TCP_OPT_SACK };
	static const uint16_t lens[] = { 0, 1, 2, 3, 100, 1399 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		bed_peer_init(&p, bed);
		if (v6) {
			assert_int_equal(ip_addr_parse(&p.key.raddr, "2001:db8::2", 11), 0);
			p.key = flow_key_make(&p.key.raddr, 40000, 1, BED_PORT);
		}
		for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(lens); i++) {
			const struct tcp_opts opts = {
				.present = rows[i / ARRAY_SIZE(lens)],
				.tsval = 11, .tsecr = 12, .mss = 1460, .wscale = 7, .nsack = 2,
				.sack = { { 1, 2 }, { 3, 4 } },
			};
			uint16_t len = lens[i % ARRAY_SIZE(lens)];

			emit(bed, &p.key, opts.present != 0 ? &opts : NULL, len);
			assert_true(tcp_bed_take(bed));
			assert_true(flow_key_equal(&bed->sent.key, &p.key));
			assert_int_equal(bed->sent.seq, 0xfffffffe);
			assert_int_equal(bed->sent.ack, 0x01020304);
			assert_int_equal(bed->sent.wnd, 0xabcd);
			assert_int_equal(bed->sent.flags, TCP_ACK | TCP_PSH);
			assert_int_equal(bed->sent.opts.present, opts.present);
			assert_int_equal(bed->sent.len, len);
			for (uint16_t j = 0; j < len; j++)
				assert_int_equal(bed->sent.data[j], (uint8_t)j);
			if (opts.present & TCP_OPT_TS)
				assert_int_equal(bed->sent.opts.tsval * 100 +
					bed->sent.opts.tsecr, 1112);
			if (opts.present & TCP_OPT_SACK)
				assert_memory_equal(bed->sent.opts.sack, opts.sack, 16);
		}
	}
}

static void
usual_segments_are_written_as_all_others_are(void **state)
{
	static const uint32_t caps[] = { 0, ENV_TX_IP_CSUM, ENV_TX_TCP_CSUM,
		ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM };
	static const struct tcp_opts ts = { .present = TCP_OPT_TS, .tsval = 11, .tsecr = 12 };
	static const uint16_t lens[] = { 0, 1, 1399 };
	struct tcp_bed *bed = *state;
	struct bed_peer peer;

	bed_peer_init(&peer, bed);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(caps) * ARRAY_SIZE(lens); i++) {
		const struct tcp_opts *opts = i % 2 ? &ts : NULL;
		uint16_t len = lens[i / 2 % ARRAY_SIZE(lens)];
		const struct pkt *p, *q;

		bed->env.tx_caps = caps[i / 2 / ARRAY_SIZE(lens)];
		p = emit_by(bed, &peer.key, opts, len, false);
		q = emit_by(bed, &peer.key, opts, len, true);
		assert_int_equal(q->data_len, p->data_len);
		assert_int_equal(q->pkt_len, p->pkt_len);
		assert_memory_equal(pkt_data(q), pkt_data(p), p->data_len);
		assert_true(q->ol_flags == p->ol_flags);
		assert_true(q->tx_offload == p->tx_offload);
		tcp_bed_discard(bed);
	}
	bed->env.tx_caps = 0;
}

static void
the_ports_checksum_is_asked_for_only_where_it_has_one(void **state)
{
	static const struct {
		uint32_t caps;
		bool v6;
		uint64_t want;
	} rows[] = {
		{ 0, false, 0 },
		{ ENV_TX_IP_CSUM, false, PKT_TX_IPV4 | PKT_TX_IP_CSUM },
		{ ENV_TX_TCP_CSUM, false, PKT_TX_IPV4 | PKT_TX_TCP_CSUM },
		{ ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM, false,
			PKT_TX_IPV4 | PKT_TX_IP_CSUM | PKT_TX_TCP_CSUM },
		{ ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM, true, PKT_TX_IPV6 | PKT_TX_TCP_CSUM },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t ip = rows[i].v6 ? 40 : 20;
		struct bed_peer p;
		struct pkt *pkt;

		bed_peer_init(&p, bed);
		if (rows[i].v6) {
			assert_int_equal(ip_addr_parse(&p.key.raddr, "2001:db8::2", 11), 0);
			p.key = flow_key_make(&p.key.raddr, 40000, 1, BED_PORT);
		}
		bed->env.tx_caps = rows[i].caps;
		pkt = emit(bed, &p.key, NULL, 10);
		assert_true(pkt->ol_flags == rows[i].want);
		assert_int_equal(pkt->tx_offload,
			rows[i].want == 0 ? 0 : (uint64_t)ip << 7 | 20ULL << 16);
		tcp_bed_discard(bed);
	}
	bed->env.tx_caps = 0;
}

/* The port adds the segment to the pseudo header's sum that it finds in the field. */
static void
with_offload_the_field_holds_the_pseudo_headers_sum(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct pkt *pkt;
	uint32_t sum = 0;
	uint8_t *b;

	bed_peer_init(&p, bed);
	bed->env.tx_caps = ENV_TX_TCP_CSUM;
	pkt = emit(bed, &p.key, NULL, 10);
	b = pkt_data(pkt);
	for (unsigned int i = 0; i < 30; i += 2)
		sum += load_be16(b + 20 + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	store_be16(b + 36, (uint16_t)~sum);
	bed->env.tx_caps = 0;
	assert_true(tcp_bed_take(bed));
}

static void
the_ttl_is_ip_default_ttl(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.ip_default_ttl = 7;
	bed_peer_init(&p, bed);
	assert_int_equal(pkt_data(emit(bed, &p.key, NULL, 0))[8], 7);
	tcp_bed_discard(bed);
}

static void
resets_are_counted_where_they_are_written(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	emit(bed, &p.key, NULL, 0);
	assert_int_equal(bed->ctr.OutRsts, 0);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_abort(bed->stack, &bed->env, p.h);
	assert_int_equal(bed->ctr.OutRsts, 1);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(segments_of_every_length_and_layout_are_right),
		BED_TEST(usual_segments_are_written_as_all_others_are),
		BED_TEST(the_ports_checksum_is_asked_for_only_where_it_has_one),
		BED_TEST(with_offload_the_field_holds_the_pseudo_headers_sum),
		BED_TEST(the_ttl_is_ip_default_ttl),
		BED_TEST(resets_are_counted_where_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
