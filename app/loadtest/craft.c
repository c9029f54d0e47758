/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames as clients send them, and as attackers do. */
#include <string.h>

#include "base/compiler.h"
#include "base/rng.h"
#include "craft.h"
#include "tcp/tcp.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"

/* Odd, and not the constant with which rng_seed spreads a seed: else neighbours share numbers. */
#define FRAME_STRIDE 0xd1342543de82ef95ull
/* A first fragment is short, so that a generator is not held up by bytes; a middle one stands where
 * full ones would. */
#define FRAG_FIRST_PAYLOAD 48u
#define FRAG_MIDDLE_AT 1440u
#define FRAG_MIDDLE_BYTES 64u

/* The options of a SYN as they stand there, and what else tells systems apart. */
struct layout {
	uint8_t present;	/* enum tcp_opt */
	uint8_t len;
	uint8_t ts_at;		/* offset of TSval */
	uint8_t wscale;
	uint8_t ttl;
	uint16_t wnd;
	uint8_t bytes[24];
};

static const struct layout layouts[] = {
	/* Linux: mss, sackOK, timestamps, nop, wscale */
	{ TCP_OPTS_SYN, 20, 8, 7, 64, 64240,
		{ 2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7 } },
	/* Windows: mss, nop, wscale, nop, nop, sackOK */
	{ TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 12, 0, 8, 128, 64240,
		{ 2, 4, 0, 0, 1, 3, 3, 8, 1, 1, 4, 2 } },
	/* Apple: mss, nop, wscale, nop, nop, timestamps, sackOK, end */
	{ TCP_OPTS_SYN, 24, 12, 6, 64, 65535,
		{ 2, 4, 0, 0, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2 } },
	/* small devices: mss */
	{ TCP_OPT_MSS, 4, 0, 0, 255, 5840, { 2, 4 } },
	/* port scanners: nothing */
	{ 0, 0, 0, 0, 54, 1024, { 0 } },
};

/* How often each is met, of 16. */
static const uint8_t layout_of[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4 };
/* Ethernet, PPPoE, tunnels; less 20 over IPv6. */
static const uint16_t mss_of[8] = { 1460, 1460, 1460, 1460, 1460, 1452, 1400, 1380 };

/* What is known of a client. */
struct client {
	struct ip_addr src;
	uint16_t sport, mss;
	uint32_t irs, tsval;
	const struct layout *layout;
};

/* A segment and what it is written from. */
struct segment {
	const struct client *client;
	uint32_t seq, ack;
	uint16_t flags;
	uint16_t len;		/* payload */
	uint32_t offset;	/* of the payload in its stream */
	uint32_t tsval, tsecr;
};

static const struct {
	const char *name, *help;
	bool needs_secret;
} kinds[CRAFT_KINDS] = {
#define KIND(id, name, secret, text) [CRAFT_##id] = { name, text, secret },
#include "kinds.def"
#undef KIND
};

const char *
craft_kind_name(enum craft_kind kind)
{
	return kind < CRAFT_KINDS ? kinds[kind].name : NULL;
}

const char *
craft_kind_help(enum craft_kind kind)
{
	return kinds[kind].help;
}

bool
craft_kind_needs_secret(enum craft_kind kind)
{
	return kinds[kind].needs_secret;
}

/* --- clients --------------------------------------------------------------------------------- */

/* A host of the prefix; neither the network's own address nor its broadcast address. */
static uint32_t
draw_ip4(const struct ip_prefix *prefix, struct rng *rng)
{
	unsigned int host_bits = 32u - prefix->len;
	uint32_t hosts = host_bits < 32 ? (uint32_t)(1ull << host_bits) : 0;
	uint32_t net = prefix->len == 0 ? 0 : ip_addr_v4(&prefix->addr) & ~(hosts - 1);
	uint32_t first;

	if (host_bits < 2)
		return net | rng_below(rng, hosts);
	if (prefix->len != 0)
		return net | (1 + rng_below(rng, hosts - 2));
	/* 1/8 .. 223/8 without 127/8 */
	first = 1 + rng_below(rng, 222);
	return (first + (first >= 127)) << 24 | (1 + rng_below(rng, 0xfffffe));
}

static struct ip_addr
draw_ip6(const struct ip_prefix *prefix, struct rng *rng)
{
	static const struct ip_prefix global = { .addr = { { 0x20 } }, .len = 3 };
	const struct ip_prefix *net = prefix->len == 0 ? &global : prefix;
	struct ip_addr a;

	store_be64(a.b, rng_u64(rng));
	store_be64(a.b + 8, rng_u64(rng));
	for (unsigned int i = 0; i < net->len; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		a.b[i / 8] = (uint8_t)((a.b[i / 8] & ~bit) | (net->addr.b[i / 8] & bit));
	}
	return a;
}

static struct client
draw_client(const struct craft_params *par, struct rng *rng)
{
	bool v4 = ip_addr_is_v4(&par->target);
	uint64_t bits = rng_u64(rng);
	struct client c = {
		.sport = (uint16_t)(1024 + rng_below(rng, 65536 - 1024)),
		.mss = (uint16_t)(mss_of[bits >> 4 & 7] - (v4 ? 0 : 20)),
		.irs = rng_u32(rng),
		.tsval = rng_u32(rng),
		.layout = &layouts[layout_of[bits & 15]],
	};

	c.src = v4 ? ip_addr_from_v4(draw_ip4(&par->sources, rng)) : draw_ip6(&par->sources, rng);
	if (ip_addr_equal(&c.src, &par->target))
		c.src.b[15] ^= 1;
	return c;
}

static struct client
client_of(const struct craft_params *par, uint64_t i, struct rng *rng)
{
	rng_seed(rng, par->seed + i * FRAME_STRIDE);
	return draw_client(par, rng);
}

/* --- segments -------------------------------------------------------------------------------- */

/* Behind the header; returns the bytes. */
static uint8_t
put_options(uint8_t *b, const struct segment *s)
{
	const struct layout *layout = s->client->layout;

	if (s->flags & TCP_SYN) {
		memcpy(b, layout->bytes, layout->len);
		if (layout->present & TCP_OPT_MSS)
			store_be16(b + 2, s->client->mss);
		if (layout->present & TCP_OPT_TS)
			store_be32(b + layout->ts_at, s->tsval);
		return layout->len;
	}
	if (!(layout->present & TCP_OPT_TS) || (s->flags & TCP_RST))
		return 0;
	tcp_encode_ts(b, s->tsval, s->tsecr);
	return TCP_OPTS_TS_LEN;
}

/* The TCP header, options and payload at b; returns their length. */
static uint16_t
put_tcp(uint8_t *b, const struct craft_params *par, const struct segment *s)
{
	uint8_t options = put_options(b + TCP_HDR_LEN, s);
	const struct tcp_hdr h = {
		.seq = s->seq,
		.ack = s->ack,
		.sport = s->client->sport,
		.dport = par->port,
		.flags = s->flags,
		.wnd = s->flags & TCP_RST ? 0 : s->client->layout->wnd,
		.hdr_len = (uint8_t)(TCP_HDR_LEN + options),
	};
	uint16_t len = (uint16_t)(h.hdr_len + s->len);

	tcp_encode_header(b, &h);
	for (uint32_t i = 0; i < s->len; i++)
		b[h.hdr_len + i] = (uint8_t)('a' + (s->offset + i) % 26);
	tcp_fill_csum(b, len, pseudo_csum(&s->client->src, &par->target, IP_PROTO_TCP, len));
	return len;
}

/* Where a packet is a fragment; frag_more without frag_off: the first of several. */
struct piece {
	uint16_t off;
	bool more;
	uint32_t id;
};

/* Ethernet and IP in front of the len bytes that follow; returns the length of these headers. */
static uint16_t
put_headers(uint8_t *b, const struct craft_params *par, const struct client *c, uint16_t len,
	const struct piece *piece)
{
	bool v4 = ip_addr_is_v4(&par->target);
	bool is_piece = piece->more;
	const struct eth_hdr eth = {
		.dst = par->dst_mac,
		.src = par->src_mac,
		.type = v4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6,
	};
	uint8_t *ip = b + eth_encode(b, &eth);

	if (v4) {
		const struct ip4_hdr h = {
			.src = ip_addr_v4(&c->src),
			.dst = ip_addr_v4(&par->target),
			.total_len = (uint16_t)(IP4_HDR_LEN + len),
			.id = (uint16_t)piece->id,
			.frag_off = piece->off,
			.ttl = c->layout->ttl,
			.proto = IP_PROTO_TCP,
			.df = !is_piece,
			.mf = is_piece,
		};

		ip4_encode(ip, &h, false);
		return ETH_HDR_LEN + IP4_HDR_LEN;
	}
	const struct ip6_hdr h6 = {
		.src = c->src,
		.dst = par->target,
		.payload_len = (uint16_t)(len + (is_piece ? IP6_FRAGMENT_HDR_LEN : 0)),
		.next_header = is_piece ? IP_PROTO_FRAGMENT : IP_PROTO_TCP,
		.hop_limit = c->layout->ttl,
	};

	ip6_encode(ip, &h6);
	if (!is_piece)
		return ETH_HDR_LEN + IP6_HDR_LEN;
	store_be16(ip + IP6_HDR_LEN, IP_PROTO_TCP << 8);
	store_be16(ip + IP6_HDR_LEN + 2, (uint16_t)(piece->off | 1));
	store_be32(ip + IP6_HDR_LEN + 4, piece->id);
	return ETH_HDR_LEN + IP6_HDR_LEN + IP6_FRAGMENT_HDR_LEN;
}

static uint16_t
headers_len(const struct craft_params *par, bool is_piece)
{
	if (ip_addr_is_v4(&par->target))
		return ETH_HDR_LEN + IP4_HDR_LEN;
	return ETH_HDR_LEN + IP6_HDR_LEN + (is_piece ? IP6_FRAGMENT_HDR_LEN : 0);
}

static uint16_t
put_segment(uint8_t *b, const struct craft_params *par, const struct segment *s, uint32_t id)
{
	const struct piece whole = { .id = id };
	uint16_t len = put_tcp(b + headers_len(par, false), par, s);

	return (uint16_t)(put_headers(b, par, s->client, len, &whole) + len);
}

/* --- kinds ----------------------------------------------------------------------------------- */

static struct segment
syn_of(const struct client *c)
{
	return (struct segment){
		.client = c,
		.seq = c->irs,
		.flags = TCP_SYN,
		.tsval = c->tsval,
	};
}

/* What the client sends once it has the cookie that an appliance with this key would give it. */
static struct segment
after_cookie(const struct craft_params *par, const struct client *c)
{
	const struct tcp_seg syn = {
		.key = flow_key_make(&c->src, c->sport, par->laddr_idx, par->port),
		.seq = c->irs,
		.opts = {
			.present = c->layout->present,
			.mss = c->mss,
			.wscale = c->layout->wscale,
		},
	};
	uint8_t ts_bits;
	uint32_t cookie = tcp_cookie_make(&par->cookie_key, &syn, &ts_bits);

	return (struct segment){
		.client = c,
		.seq = c->irs + 1,
		.ack = cookie + 1,
		.flags = TCP_ACK,
		.tsval = c->tsval + 1,
		.tsecr = ts_bits,
	};
}

/* The first make the listener look at cookies at all; then each flow opens, then they send. */
static uint16_t
put_established(uint8_t *b, const struct craft_params *par, uint64_t i)
{
	bool is_primer = i < CRAFT_PRIMERS;
	uint64_t at = is_primer ? 0 : i - CRAFT_PRIMERS;
	bool has_data = par->kind == CRAFT_DATA && at >= par->flows;
	uint32_t round = has_data ? (uint32_t)(at / par->flows) - 1 : 0;
	struct rng rng;
	struct client c = client_of(par, has_data ? CRAFT_PRIMERS + at % par->flows : i, &rng);
	struct segment s = is_primer ? syn_of(&c) : after_cookie(par, &c);

	if (has_data) {
		s.flags |= TCP_PSH;
		s.len = par->payload;
		s.offset = round * par->payload;
		s.seq += s.offset;
		s.tsval += 1 + round;
	}
	return put_segment(b, par, &s, rng_u32(&rng));
}

/* The first fragment has all headers; the second has no neighbour: both wait for more. */
static uint16_t
put_fragment(uint8_t *b, const struct craft_params *par, const struct client *c, struct rng *rng)
{
	struct piece piece = { .more = true, .id = rng_u32(rng) };
	uint8_t *payload = b + headers_len(par, true);
	struct segment s = syn_of(c);
	uint16_t len;

	if (rng_u32(rng) & 1) {
		piece.off = FRAG_MIDDLE_AT;
		len = FRAG_MIDDLE_BYTES;
		for (uint16_t i = 0; i < len; i++)
			payload[i] = (uint8_t)('a' + i % 26);
	} else {
		s.len = FRAG_FIRST_PAYLOAD;
		len = (uint16_t)(put_tcp(payload, par, &s) / 8 * 8);
	}
	return (uint16_t)(put_headers(b, par, c, len, &piece) + len);
}

static uint16_t
put_at_random(uint8_t *b, const struct craft_params *par, uint64_t i)
{
	static const uint16_t flags[CRAFT_KINDS] = { [CRAFT_ACK_RANDOM] = TCP_ACK,
		[CRAFT_RST] = TCP_RST, [CRAFT_FIN] = TCP_FIN | TCP_ACK };
	struct rng rng;
	struct client c = client_of(par, i, &rng);
	struct segment s = syn_of(&c);
	uint16_t len;

	if (par->kind == CRAFT_FRAG)
		return put_fragment(b, par, &c, &rng);
	/* Before a cookie was sent no ACK is checked for one. */
	if (par->kind == CRAFT_ACK_RANDOM && i < CRAFT_PRIMERS)
		return put_segment(b, par, &s, rng_u32(&rng));
	if (flags[par->kind] != 0) {
		s.flags = flags[par->kind];
		s.tsecr = rng_u32(&rng);
		s.ack = s.flags & TCP_ACK ? rng_u32(&rng) : 0;
	}
	len = put_segment(b, par, &s, rng_u32(&rng));
	/* Never right in one's complement, either: 0 and ffff differ in all bits. */
	if (par->kind == CRAFT_BAD_CSUM)
		b[headers_len(par, false) + TCP_CSUM_OFFSET] ^= 0x55;
	return len;
}

uint16_t
craft_frame(uint8_t *b, const struct craft_params *par, uint64_t i)
{
	if (par->kind == CRAFT_ACK_VALID || par->kind == CRAFT_DATA)
		return put_established(b, par, i);
	return put_at_random(b, par, i);
}
