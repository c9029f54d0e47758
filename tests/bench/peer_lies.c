/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of attacks: what is wrong with each, byte for byte. */
#include <string.h>

#include "bench/peer_frames.h"

#include "base/compiler.h"
#include "base/csum.h"

#define IP 14u			/* where the IP header begins */
#define IP6_HDR 40u
#define CHAIN 12u		/* extension headers of 8 bytes */

const uint8_t peer_server_ip6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

static void
put_sum(uint8_t *at, const uint8_t *b, size_t len, uint64_t start)
{
	uint16_t sum;

	store_be16(at, 0);
	sum = csum_finish(csum_partial(b, len, start));
	memcpy(at, &sum, sizeof(sum));
}

static uint16_t
odd_options(uint8_t *b, uint16_t len)
{
	for (unsigned int i = 0; i < 40; i += 2) {
		b[54 + i] = 77;
		b[55 + i] = 2;
	}
	b[46] = 0xf0;
	len = (uint16_t)(len + 40);
	store_be16(b + 16, (uint16_t)(len - IP));
	return len;
}

static void
garbage(uint8_t *b, uint16_t len, uint32_t seed)
{
	struct rng rng;

	rng_seed(&rng, seed);
	for (unsigned int i = IP; i < len; i++)
		b[i] = (uint8_t)rng_u32(&rng);
}

static uint16_t
options(uint8_t *b, const uint8_t *opts, uint8_t n)
{
	memcpy(b + 54, opts, n);
	b[46] = (uint8_t)((20 + n) << 2);
	store_be16(b + 16, (uint16_t)(40 + n));
	put_sum(b + 24, b + IP, 20, 0);
	return (uint16_t)(54 + n);
}

/* Blocks of one byte at odd places: each begins a run of its own, or is a duplicate. */
static uint16_t
sack_blocks(uint8_t *b, const struct peer_frame *f)
{
	uint8_t opts[28] = { 1, 1, 5, 26 };
	struct rng rng;

	rng_seed(&rng, f->seq ^ f->ack ^ f->sack_seed);
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t at = f->ack + 1 + 2 * rng_below(&rng, f->sack_span / 2);

		store_be32(opts + 4 + 8 * i, at);
		store_be32(opts + 8 + 8 * i, at + 1);
	}
	return options(b, opts, sizeof(opts));
}

/* RFC 792. */
static uint16_t
icmp_echo(uint8_t *b, uint16_t len, const struct peer_frame *f)
{
	b[23] = 1;
	b[34] = 8;
	b[35] = 0;
	store_be32(b + 38, f->seq);
	put_sum(b + 36, b + 34, len - 34u, 0);
	return len;
}

/* RFC 1191: it quotes a segment of ours to the sender, with a number out of the air. */
static uint16_t
icmp_report(uint8_t *b, const struct peer_frame *f)
{
	b[23] = 1;
	store_be16(b + 16, 20 + 8 + 28);
	memset(b + 34, 0, 36);
	b[34] = 3;
	b[35] = 4;
	store_be16(b + 40, 1400);
	b[42] = 0x45;
	store_be16(b + 44, 1500);
	b[50] = 64;
	b[51] = 6;
	store_be32(b + 54, PEER_SERVER_ADDR);
	store_be32(b + 58, f->src);
	store_be16(b + 62, PEER_SERVER_PORT);
	store_be16(b + 64, f->sport);
	store_be32(b + 66, f->seq);
	put_sum(b + 36, b + 34, 36, 0);
	return 70;
}

/* RFC 826: one of the 254 of our prefix asks, each with another MAC every time. */
static uint16_t
arp_request(uint8_t *b, const struct peer_frame *f)
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	store_be16(b + 12, 0x0806);
	memcpy(b + IP, head, sizeof(head));
	store_be16(b + 22, 0x0200);
	store_be32(b + 24, f->seq);
	store_be32(b + 28, (PEER_SERVER_ADDR & ~255u) | (f->seq % 253 + 2));
	memset(b + 32, 0, 6);
	store_be32(b + 38, PEER_SERVER_ADDR);
	return 42;
}

static void
ip6_header(uint8_t *b, uint8_t next, uint16_t payload, const struct peer_frame *f)
{
	store_be16(b + 12, 0x86dd);
	memset(b + IP, 0, IP6_HDR);
	b[IP] = 0x60;
	store_be16(b + IP + 4, payload);
	b[IP + 6] = next;
	b[IP + 7] = 255;
	memcpy(b + IP + 8, peer_server_ip6, 8);
	store_be32(b + IP + 16, f->src);
	store_be32(b + IP + 20, f->seq);
	memcpy(b + IP + 24, peer_server_ip6, 16);
}

/* RFC 4861 s4.3, with a source link-layer address; each from another neighbour. */
static uint16_t
solicit(uint8_t *b, const struct peer_frame *f)
{
	uint8_t *icmp = b + IP + IP6_HDR;

	ip6_header(b, 58, 32, f);
	memset(icmp, 0, 32);
	icmp[0] = 135;
	memcpy(icmp + 8, peer_server_ip6, 16);
	icmp[24] = 1;
	icmp[25] = 1;
	store_be16(icmp + 26, 0x0200);
	store_be32(icmp + 28, f->seq);
	put_sum(icmp + 2, icmp, 32, csum_add(csum_partial(b + IP + 8, 32, 0), 0x3a00u + 0x2000u));
	return IP + IP6_HDR + 32;
}

/* RFC 8200 s4.6: destination options that say nothing, one behind the other. */
static uint16_t
chain(uint8_t *b, const struct peer_frame *f)
{
	static const uint8_t ext[8] = { 60, 0, 1, 4, 0, 0, 0, 0 };

	ip6_header(b, 60, 8 * CHAIN, f);
	for (unsigned int i = 0; i < CHAIN; i++)
		memcpy(b + IP + IP6_HDR + (size_t)8 * i, ext, sizeof(ext));
	return IP + IP6_HDR + 8 * CHAIN;
}

uint16_t
peer_lie_write(uint8_t *b, uint16_t len, const struct peer_frame *f)
{
	static const uint8_t sack_ok[8] = { 2, 4, 5, 0xb4, 1, 1, 4, 2 };
	static const uint8_t mss[4] = { 2, 4, 5, 0xa8 };

	switch (f->lie) {
	case PEER_HONEST:
	case PEER_BAD_CHECKSUM:
		return len;
	case PEER_FRAGMENT:
		b[20] = 0x20;
		store_be16(b + 18, (uint16_t)f->seq);
		store_be16(b + 16, 44);	/* a multiple of 8 behind the header */
		return 58;
	case PEER_HOLE:
		b[20] = 0x00;
		b[21] = 100;
		store_be16(b + 18, (uint16_t)f->seq);
		return len;
	case PEER_ODD_OPTIONS:
		return odd_options(b, len);
	case PEER_GARBAGE:
		garbage(b, len, f->seq);
		return len;
	case PEER_MARTIAN:
		store_be32(b + 26, 0x7f000001);
		return len;
	case PEER_CLOSED_PORT:
		store_be16(b + 36, PEER_SERVER_PORT + 1);
		return len;
	case PEER_TUNNEL:
		b[23] = 47;
		return len;
	case PEER_SHORT:
		store_be16(b + 16, 1000);
		return len;
	case PEER_SOURCE_ROUTE:
		memmove(b + 38, b + 34, 20);
		memcpy(b + 34, (const uint8_t[]){ 131, 4, 4, 0 }, 4);
		b[IP] = 0x46;
		store_be16(b + 16, 44);
		return 58;
	case PEER_ECHO:
		return icmp_echo(b, len, f);
	case PEER_REPORT:
		return icmp_report(b, f);
	case PEER_ARP:
		return arp_request(b, f);
	case PEER_SOLICIT:
		return solicit(b, f);
	case PEER_CHAIN:
		return chain(b, f);
	case PEER_SACK_OK:
		return options(b, sack_ok, sizeof(sack_ok));
	case PEER_MSS:
		return options(b, mss, sizeof(mss));
	case PEER_SACK:
		return sack_blocks(b, f);
	}
	return len;
}
