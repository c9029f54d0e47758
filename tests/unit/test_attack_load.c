/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue by load, reflection and hashing, each under its number. */
#include <string.h>

#include "unit/tcp_unit.h"

#include "base/log.h"

#define CRAFTED 1000000u

/* --- A-51 ----------------------------------------------------------------------------------- */

/* Hashes that are linear: a change of the input changes them the same way whatever the rest is. */
typedef uint32_t linear_hash(const void *data, size_t len);

static uint32_t
crc32c(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= b[i];
		for (unsigned int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
	}
	return ~crc;
}

/* What cards spread flows with; the key is the published one that many drivers set. */
static uint32_t
toeplitz(const void *data, size_t len)
{
	static const uint8_t key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
		0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
		0x01, 0xfa };
	const uint8_t *b = data;
	uint64_t window = load_be64(key);
	uint32_t hash = 0;

	for (size_t i = 0; i < len; i++) {
		for (unsigned int k = 0; k < 8; k++) {
			hash ^= b[i] & 0x80u >> k ? (uint32_t)(window >> 32) : 0;
			window = window << 1;
		}
		window |= key[i + 8];
	}
	return hash;
}

static struct flow_key
key_of(uint32_t addr_low, uint64_t addr_high)
{
	struct ip_addr a = { { 0x20, 1, 0xd, 0xb8 } };

	store_be64(a.b + 4, addr_high);
	store_be32(a.b + 12, addr_low);
	return flow_key_make(&a, 1234, 1, BED_PORT);
}

/*
 * The 32 bits of the low address that undo what a bit of the high one does to the hash, for each
 * bit: keys made of them all have one hash. The map from the low bits is inverted by elimination.
 */
static void
craft(uint32_t undo[64], linear_hash *linear)
{
	struct flow_key zero = key_of(0, 0);
	uint32_t base = linear(zero.w, sizeof(zero.w));
	uint32_t image[32], from[32];

	for (unsigned int i = 0; i < 32; i++) {
		struct flow_key k = key_of(1u << i, 0);

		image[i] = linear(k.w, sizeof(k.w)) ^ base;
		from[i] = 1u << i;
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		unsigned int pivot = bit;

		while (pivot < 32 && !(image[pivot] >> bit & 1))
			pivot++;
		assert_true(pivot < 32);
		for (unsigned int j = 0; j < 32; j++) {
			if (j == pivot || !(image[j] >> bit & 1))
				continue;
			image[j] ^= image[pivot];
			from[j] ^= from[pivot];
		}
		for (uint32_t t = image[bit], f = from[bit]; pivot != bit; pivot = bit) {
			image[bit] = image[pivot];
			from[bit] = from[pivot];
			image[pivot] = t;
			from[pivot] = f;
		}
	}
	for (unsigned int i = 0; i < 64; i++) {
		struct flow_key k = key_of(0, 1ULL << i);
		uint32_t want = linear(k.w, sizeof(k.w)) ^ base;

		undo[i] = 0;
		for (unsigned int bit = 0; bit < 32; bit++)
			undo[i] ^= want >> bit & 1 ? from[bit] : 0;
	}
}

static struct flow_key
crafted(const uint32_t undo[64], uint32_t i)
{
	uint32_t low = 0;

	for (unsigned int bit = 0; bit < 32; bit++)
		low ^= i >> bit & 1 ? undo[bit] : 0;
	return key_of(low, i);
}

/* Enter them all, and say how many lines a lookup of them reads, times a thousand. */
static uint64_t
lines_per_lookup(struct tcp_bed *bed, const uint32_t *undo)
{
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;
	uint64_t lines = 0;

	assert_int_equal(flow_table_init(&t, CRAFTED, &mem_libc), 0);
	for (uint32_t i = 0; i < CRAFTED; i++) {
		struct flow_key k = undo != NULL ? crafted(undo, i) : key_of(i * 2654435761u, i);

		assert_int_equal(flow_table_insert(&t, tcp_flow_hash(bed->stack, &k), i), 0);
	}
	flow_table_distances(&t, counts);
	for (uint32_t d = 0; d < FLOW_PROBE_MAX; d++)
		lines += (uint64_t)counts[d] * (d + 1);
	assert_int_equal(t.refused, 0);
	flow_table_fini(&t);
	return lines * 1000 / CRAFTED;
}

static void
a51_keys_that_collide_under_linear_hashes_do_not_lengthen_probes(void **state)
{
	static linear_hash *const linear[] = { crc32c, toeplitz };
	struct tcp_bed *bed = *state;
	uint64_t random = lines_per_lookup(bed, NULL);

	for (size_t h = 0; h < ARRAY_SIZE(linear); h++) {
		uint32_t undo[64];

		craft(undo, linear[h]);
		for (uint32_t i = 0; i < 1000; i++) {
			struct flow_key zero = key_of(0, 0), k = crafted(undo, i * 997);

			assert_int_equal(linear[h](k.w, sizeof(k.w)),
				linear[h](zero.w, sizeof(zero.w)));
		}
		/* G-18: 1.2 times at most. */
		assert_in_range(lines_per_lookup(bed, undo), 1000, random * 12 / 10);
	}
}

/* Were the key known: what finds no place within the probe limit is refused and counted. */
static void
a51_with_the_secret_out_probes_stay_bounded_and_the_rest_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int queued = 0;
	uint64_t home = 0;

	bed->tun.tcp_syncookies = 0;
	bed->par.synq_max = 4096;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (uint32_t i = 0; queued < FLOW_HOME_MAX + 20; i++) {
		struct bed_peer p;
		uint64_t hash;

		bed_peer_init(&p, bed);
		p.key = key_of(i, 0);
		hash = tcp_flow_hash(bed->stack, &p.key);
		home = i == 0 ? hash : home;
		if (flow_table_home(&bed->stack->flows, hash) !=
			flow_table_home(&bed->stack->flows, home))
			continue;
		bed_peer_send(&p, TCP_SYN, 0);
		tcp_bed_discard(bed);
		queued++;
		assert_in_range(bed->stack->synq_used, 1, FLOW_HOME_MAX);
	}
	assert_int_equal(bed->ctr.outcome[OUT_TABLE_FULL], 20);
	assert_int_equal(bed->ctr.ListenDrops, 20);
}

/* --- A-35 ----------------------------------------------------------------------------------- */

/* Every port but the open one is tried, with a SYN and with what is none; returns the answers. */
static unsigned int
scan(struct tcp_bed *bed)
{
	static const uint16_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_RST, TCP_FIN | TCP_PSH, 0 };
	unsigned int answers = 0;

	for (unsigned int port = 1; port < 4096; port++) {
		struct bed_peer p;

		if (port == BED_PORT)
			continue;
		bed_peer_init(&p, bed);
		p.key.lport = (uint16_t)port;
		bed_peer_send(&p, flags[port % ARRAY_SIZE(flags)], 0);
		answers += tcp_bed_discard(bed);
	}
	return answers;
}

static void
a35_a_port_scan_is_answered_within_the_budget(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int allocs = bed->pkts.allocs;

	tcp_bed_listen(bed, 0);
	bed->tun.tcp_rst_ratelimit = 1000;
	for (unsigned int second = 0; second < 3; second++) {
		/* A RST is never answered, so the budget is what is used up. */
		assert_int_equal(scan(bed), 1000);
		tcp_bed_advance(bed, 1000);
	}
	assert_int_equal(bed->pkts.allocs, allocs);
	assert_int_equal(tcp_conn_count(bed->stack), 0);
}

static void
a35_a_blackhole_tells_a_scan_nothing_and_clients_everything(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	bed->tun.tcp_blackhole = 2;
	assert_int_equal(scan(bed), 0);
	assert_int_equal(bed->ctr.OutRsts, 0);
	assert_true(bed->ctr.outcome[OUT_BLACKHOLED] > 2000);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_send(&p, TCP_ACK | TCP_PSH, 100), OUT_DELIVERED);
}

/* --- A-53 to A-58 --------------------------------------------------------------------------- */

static void
a53_a_syn_is_answered_with_one_segment_no_longer_than_itself(void **state)
{
	static const uint8_t offers[] = { 0, TCP_OPT_SACK_OK, TCP_OPT_TS, TCP_OPT_WSCALE,
		TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE };
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(offers); i++) {
		struct bed_peer p;
		struct tcp_seg syn;

		bed_peer_init(&p, bed);
		p.offer = offers[i];
		syn = bed_peer_seg(&p, TCP_SYN, 0);
		assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_COOKIE_SENT);
		assert_true(tcp_bed_take(bed));
		assert_true(tcp_options_len(&bed->sent.opts) <= tcp_options_len(&syn.opts));
		assert_int_equal(bed->sent.len, 0);
		/* And never again. */
		tcp_bed_advance(bed, 100000);
		assert_int_equal(tcp_bed_discard(bed), 0);
	}
}

/* Bytes of a frame on the wire, its checksum left out. */
static size_t
on_wire(const struct flow_key *key, size_t opts, size_t len)
{
	size_t ip = key->family == FLOW_FAMILY_V4 ? 20 : 40;
	size_t bytes = 14 + ip + 20 + opts + len;

	return bytes < 60 ? 60 : bytes;
}

/* One segment, and what comes of it. */
static void
send_once(struct bed_peer *p, uint16_t flags, uint16_t len, bool wait)
{
	struct tcp_bed *bed = p->bed;
	struct tcp_seg seg = bed_peer_seg(p, flags, len);
	size_t in = on_wire(&p->key, tcp_options_len(&seg.opts), len);
	unsigned int again = 0;

	bed_peer_send_seg(p, &seg);
	/* RFC 9293 SHLD-5: a SYN-ACK says our MSS, 4 bytes, also to who did not say his. */
	if ((flags & TCP_SYN) && p->mss == 0)
		in += 4;
	if (tcp_bed_take(bed)) {
		assert_in_range(on_wire(&p->key, tcp_options_len(&bed->sent.opts), bed->sent.len),
			60, in);
		assert_int_equal(bed->sent.len, 0);
	}
	assert_int_equal(tcp_bed_discard(bed), 0);
	if (bed_peer_state(p) == TCPS_SYN_RECEIVED)
		again = bed->tun.tcp_synack_retries;
	if (wait) {
		tcp_bed_advance(bed, 100000);
		/* The queue repeats its answer so often, the other ways never. */
		assert_int_equal(tcp_bed_discard(bed), again);
	} else if (again > 0) {
		bed_peer_send_at(p, 1, 0, TCP_RST, 0);
	}
	assert_int_equal(bed_peer_state(p), TCPS_CLOSED);
}

/* G-19: whoever forges an address gains nothing by it, in packets or bytes. */
static void
a53_who_has_not_proved_its_address_gets_no_more_than_it_sent(void **state)
{
	struct tcp_bed *bed = *state;
	struct ip_addr v6 = { { 0x20, 1, 0xd, 0xb8, [15] = 9 } };

	bed->tun.tcp_synack_retries = 3;
	tcp_bed_listen(bed, 0);
	for (unsigned int cookies = 1; cookies <= 2; cookies++)
		for (unsigned int v = 0; v < 2 * 256; v++)
			for (unsigned int offer = 0; offer < 16; offer++) {
				uint16_t flags = (uint16_t)(v & 255);
				struct bed_peer p;

				/* Options matter where they are answered. */
				if (offer > 0 && !(flags & TCP_SYN))
					continue;
				bed->tun.tcp_syncookies = cookies;
				bed_peer_init(&p, bed);
				if (v >= 256)
					p.key = flow_key_make(&v6, 1000, 1, BED_PORT);
				p.mss = offer & 8 ? 1460 : 0;
				p.offer = offer & 7;
				send_once(&p, flags, (uint16_t)(v % 3 * 100), v % 16 == 2);
			}
}

static void
a54_before_the_handshake_no_payload_is_sent_and_at_most_one_reset(void **state)
{
	static const uint16_t flags[] = { TCP_ACK, TCP_PSH | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, TCP_SYN };
	struct tcp_bed *bed = *state;

	tcp_bed_listen(bed, 0);
	for (unsigned int port = BED_PORT; port < BED_PORT + 2; port++)
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
			struct bed_peer p;

			bed_peer_init(&p, bed);
			p.key.lport = (uint16_t)port;
			bed_peer_send(&p, flags[i], 500);
			if (tcp_bed_take(bed)) {
				assert_int_equal(bed->sent.len, 0);
				assert_false(flags[i] & TCP_RST);
				if (flags[i] != TCP_SYN || port != BED_PORT)
					assert_true(bed->sent.flags & TCP_RST);
			}
			assert_int_equal(tcp_bed_discard(bed), 0);
		}
}

/* Forged segments in the names of others, at open and closed ports: RSTs, challenge ACKs and what
 * else comes back is never more than went in, and RSTs keep to their budget. */
static void
a55_nothing_is_multiplied(void **state)
{
	static const uint16_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_RST, TCP_PSH | TCP_ACK };
	struct tcp_bed *bed = *state;
	struct bed_peer victim, p;
	unsigned int back = 0;

	bed->tun.tcp_rst_ratelimit = 50;
	bed->tun.tcp_syncookies = 2;
	bed_peer_init(&victim, bed);
	bed_peer_reach(&victim, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 3000; i++) {
		struct tcp_seg seg;

		bed_peer_init(&p, bed);
		p.key.lport = i % 2 ? BED_PORT : 9;
		/* A third hits a connection: old, new and in-window numbers. */
		if (i % 3 == 0)
			p.key = victim.key;
		p.seq = victim.seq + i * 7919u;
		p.ack = victim.ack + i % 5 * 1000000u;
		seg = bed_peer_seg(&p, flags[i % ARRAY_SIZE(flags)], i % 7 ? 0 : 10);
		bed_peer_send_seg(&p, &seg);
		for (unsigned int n = tcp_bed_discard(bed); n > 0; n--)
			back++;
		assert_true(back <= i + 1);
	}
	assert_in_range(bed->ctr.OutRsts, 1, 50);
	assert_in_range(bed->ctr.TCPChallengeACK, 0, bed->tun.tcp_challenge_ack_limit);
	assert_true(back < 2000);
	assert_int_equal(bed_peer_state(&victim), TCPS_ESTABLISHED);
}

static void
a55_resets_are_budgeted(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_rst_ratelimit = 100;
	for (unsigned int i = 0; i < 5000; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.key.lport = 9;
		bed_peer_send(&p, TCP_SYN, 0);
		tcp_bed_discard(bed);
	}
	assert_in_range(bed->ctr.OutRsts, 1, 100);
	assert_int_equal(bed->ctr.TcpRstRateLimited, 5000 - bed->ctr.OutRsts);
}

static struct tcp_seg
cookie_syn(const struct bed_peer *p, const struct tcp_opts *cookie)
{
	struct tcp_seg seg = bed_peer_seg(p, TCP_SYN, 100);

	seg.opts.present |= TCP_OPT_FASTOPEN;
	if (cookie != NULL) {
		seg.opts.fastopen_len = cookie->fastopen_len;
		memcpy(seg.opts.fastopen, cookie->fastopen, sizeof(seg.opts.fastopen));
	}
	return seg;
}

/* n SYNs with a cookie from as many ports; how many made a connection. */
static unsigned int
replay(struct tcp_bed *bed, const struct tcp_opts *cookie, unsigned int n, bool reset)
{
	unsigned int opened = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct bed_peer p;
		struct tcp_seg seg;

		bed_peer_init(&p, bed);
		seg = cookie_syn(&p, cookie);
		if (bed_peer_send_seg(&p, &seg) != OUT_SYN_FASTOPEN)
			continue;
		opened++;
		/* What comes of it is one SYN-ACK: nobody gets data who did not shake hands. */
		assert_int_equal(tcp_bed_discard(bed), 1);
		p.seq = seg.seq + 101;
		if (reset)
			assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_RST_ACCEPTED);
	}
	tcp_bed_discard(bed);
	return opened;
}

/* Somebody overheard a cookie and sends what he likes with it, answers and resets included. */
static void
a56_an_overheard_cookie_opens_no_more_than_the_limit(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;
	struct tcp_seg seg;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	seg = cookie_syn(&p, NULL);
	/* Off by default, on both sides of it: no cookie, and the data is not taken. */
	assert_int_equal(bed_peer_send_seg(&p, &seg), OUT_SYN_QUEUED);
	assert_true(tcp_bed_take(bed));
	assert_false(bed->sent.opts.present & TCP_OPT_FASTOPEN);
	assert_int_equal(bed->sent.ack, seg.seq + 1);
	bed->tun.tcp_fastopen = TCP_FASTOPEN_SERVER;
	assert_int_equal(replay(bed, NULL, 1, false), 0);
	bed->stack->listeners[0].fastopen = true;
	bed_peer_init(&p, bed);
	seg = cookie_syn(&p, NULL);
	bed_peer_send_seg(&p, &seg);
	assert_true(tcp_bed_take(bed));
	cookie = bed->sent.opts;
	bed->tun.tcp_fastopen_backlog = 10;
	/* Ten stay, and resets make no room: in all of two hold times there are no more than that
	 * (RFC 7413 s5.1). */
	assert_int_equal(replay(bed, &cookie, 10, true), 10);
	assert_int_equal(bed->ctr.ConnsInUse, 0);
	assert_int_equal(replay(bed, &cookie, 5000, true), 0);
	/* What the SYN queue has no room for gets a SYN cookie, and is not looked at here. */
	assert_in_range(bed->ctr.TCPFastOpenListenOverflow, 1, 5000);
	assert_int_equal(bed->ctr.ConnsInUse, 0);
	tcp_bed_advance(bed, 59000);
	assert_int_equal(replay(bed, &cookie, 5000, true), 0);
	tcp_bed_advance(bed, 61000);
	assert_int_equal(replay(bed, &cookie, 5000, true), 10);
	/* Meanwhile the ordinary handshake is there for everybody. */
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
}

/* Multipath TCP, MD5, an experiment, a length that is not its kind's. */
static void
a57_options_nobody_asked_for_change_nothing(void **state)
{
	static const uint8_t odd[][8] = {
		{ 30, 4, 0, 1, 1, 1, 1, 1 },
		{ 19, 6, 1, 2, 3, 4, 1, 1 },
		{ 254, 8, 1, 2, 3, 4, 5, 6 },
		{ 3, 4, 7, 7, 1, 1, 1, 1 },
		{ 2, 3, 5, 1, 1, 1, 1, 1 },
		{ 77, 0, 1, 1, 1, 1, 1, 1 },
		{ 77, 200, 1, 1, 1, 1, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (unsigned int syn = 0; syn < 2; syn++) {
			struct tcp_opts o;

			tcp_parse_options(odd[i], sizeof(odd[i]), syn != 0, &o);
			assert_int_equal(o.present, 0);
		}
}

/* On the wire's side of the parser nothing is left of them: same answers, same state, no packet. */
static void
a57_a_segment_with_odd_options_is_taken_like_any_other(void **state)
{
	static const uint8_t md5[20] = { 19, 18, 1, 2, 3 }, ao[12] = { 29, 12 },
		mptcp[12] = { 30, 12, 0, 1 };
	static const struct {
		const uint8_t *b;
		size_t len;
	} rows[] = { { md5, sizeof(md5) }, { ao, sizeof(ao) }, { mptcp, sizeof(mptcp) } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int allocs;
		struct tcp_seg seg;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.mss = 0;
		if (bed->listener == 0)
			tcp_bed_listen(bed, 0);
		seg = bed_peer_seg(&p, TCP_SYN, 0);
		tcp_parse_options(rows[i].b, rows[i].len, true, &seg.opts);
		bed_peer_send_seg(&p, &seg);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.opts.present, TCP_OPT_MSS);
		p.seq++;
		p.ack = bed->sent.seq + 1;
		bed_peer_send(&p, TCP_ACK, 0);
		bed_peer_accept(&p);
		allocs = bed->pkts.allocs;
		for (unsigned int n = 0; n < 50; n++) {
			seg = bed_peer_seg(&p, TCP_ACK, 10);
			tcp_parse_options(rows[i].b, rows[i].len, false, &seg.opts);
			assert_int_equal(bed_peer_send_seg(&p, &seg), OUT_DELIVERED);
			p.seq += 10;
		}
		/* ACKs of data that was taken, and nothing for the options. */
		assert_in_range(tcp_bed_discard(bed), 1, 50);
		assert_in_range(bed->pkts.allocs - allocs, 1, 50);
#if !defined(SLUICE_FORCE_SLOW_PATH)
		assert_int_equal(bed->ctr.TCPHPHits, 50 * (i + 1));
#endif
	}
}

static void
a58_an_elephant_does_not_keep_a_mouse_waiting(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer elephant, mouse;
	static uint8_t buf[400000];
	bool heard = false;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&elephant, bed);
	bed_peer_reach(&elephant, TCPS_ESTABLISHED);
	bed_peer_init(&mouse, bed);
	bed_peer_reach(&mouse, TCPS_ESTABLISHED);
	bed_peer_conn(&elephant)->cwnd = 1u << 30;
	bed_peer_conn(&elephant)->snd_wnd = 1u << 30;
	tcp_setopt(bed->stack, &bed->env, elephant.h, TCP_SO_SNDBUF, 4 << 20);
	assert_int_equal(tcp_send(bed->stack, &bed->env, elephant.h, buf, sizeof(buf), 0),
		sizeof(buf));
	tcp_send(bed->stack, &bed->env, mouse.h, "squeak", 6, 0);
	/* Who fills the transmit queue goes to the end of the list: the next flush has others. */
	for (unsigned int i = 0; i < 2; i++) {
		tcp_bed_flush(bed);
		while (tcp_bed_take(bed))
			heard |= flow_key_equal(&bed->sent.key, &mouse.key);
	}
	assert_true(heard);
}

/* --- A-59, A-60 ----------------------------------------------------------------------------- */

static void
a59_a_million_timers_of_one_tick_are_taken_64_at_a_time(void **state)
{
	struct wheel w;
	uint32_t ids[64];
	unsigned int fired = 0, n;

	(void)state;
	assert_int_equal(wheel_init(&w, 1000000, 0, &mem_libc), 0);
	for (uint32_t i = 0; i < 1000000; i++)
		wheel_arm(&w, i, 5000);
	assert_int_equal(wheel_advance(&w, 4999, ids, 64), 0);
	/* Moving down from the level they were armed in takes as much work again. */
	for (unsigned int calls = 0; calls < 2 * 1000000 / 64; calls++) {
		n = wheel_advance(&w, 5000, ids, 64);
		assert_in_range(n, 0, 64);
		fired += n;
	}
	assert_int_equal(fired, 1000000);
	assert_int_equal(wheel_advance(&w, 5000, ids, 64), 0);
	wheel_fini(&w);
}

static void
a59_a_poll_fires_at_most_512_and_the_next_goes_on(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[1500];
	unsigned int polls = 0;

	bed->par.conns_max = 1500;
	tcp_bed_start(bed);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		bed_peer_conn(&p[i])->timers = 0;
		tcp_set_app_timer(bed->stack, &bed->env, p[i].h, 100000);
	}
	bed->env.now_us += 100000000;
	bed->env.now_ms += 100000;
	while (tcp_poll_at(bed->stack) <= bed->env.now_us && polls < 100) {
		uint64_t before = bed->ctr.TimersFired;
		struct tcp_event ev;

		tcp_poll(bed->stack, &bed->env);
		assert_in_range(bed->ctr.TimersFired - before, 0, 512);
		while (tcp_next_event(bed->stack, &ev))
			;
		tcp_flush(bed->stack, &bed->env);
		tcp_bed_discard(bed);
		polls++;
	}
	assert_in_range(polls, 3, 20);
	assert_true(bed->ctr.TimersFired >= 1500);
}

static void
count_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	++*(unsigned int *)ctx;
}

static void
a60_a_flood_of_log_lines_is_cut_and_counted(void **state)
{
	unsigned int lines = 0;
	struct log_sink sink;

	(void)state;
	log_init(&sink, count_line, &lines, 10, 20);
	/* A line each microsecond for a second. */
	for (uint64_t us = 0; us < 1000000; us++)
		log_write(&sink, us, LOG_LEVEL_ERROR, "attack %d", 1);
	assert_in_range(lines, 20, 30);
	assert_int_equal(sink.suppressed + lines, 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(a35_a_port_scan_is_answered_within_the_budget),
		ATTACK_TEST(a35_a_blackhole_tells_a_scan_nothing_and_clients_everything),
		ATTACK_TEST(a51_keys_that_collide_under_linear_hashes_do_not_lengthen_probes),
		ATTACK_TEST_PREPARED(
			a51_with_the_secret_out_probes_stay_bounded_and_the_rest_is_refused),
		ATTACK_TEST(a53_a_syn_is_answered_with_one_segment_no_longer_than_itself),
		ATTACK_TEST(a53_who_has_not_proved_its_address_gets_no_more_than_it_sent),
		ATTACK_TEST(a54_before_the_handshake_no_payload_is_sent_and_at_most_one_reset),
		ATTACK_TEST(a55_nothing_is_multiplied),
		ATTACK_TEST(a55_resets_are_budgeted),
		ATTACK_TEST(a56_an_overheard_cookie_opens_no_more_than_the_limit),
		cmocka_unit_test(a57_options_nobody_asked_for_change_nothing),
		ATTACK_TEST(a57_a_segment_with_odd_options_is_taken_like_any_other),
		ATTACK_TEST(a58_an_elephant_does_not_keep_a_mouse_waiting),
		cmocka_unit_test(a59_a_million_timers_of_one_tick_are_taken_64_at_a_time),
		ATTACK_TEST_PREPARED(a59_a_poll_fires_at_most_512_and_the_next_goes_on),
		cmocka_unit_test(a60_a_flood_of_log_lines_is_cut_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
