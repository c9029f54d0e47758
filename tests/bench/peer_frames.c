/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of benchmarked connections: headers written and read by their offsets. */
#include <string.h>

#include "bench/peer_frames.h"

#include "base/compiler.h"
#include "base/csum.h"

#define CLIENTS_ADDR 0x0b000000u
#define FLOOD_ADDR 0x14000000u
#define PORT_FIRST 1024u
#define PORTS 60000u

const struct mac_addr peer_server_mac = { { 2, 0, 0, 0, 0, 1 } };
const struct mac_addr peer_gateway_mac = { { 2, 0, 0, 0, 0, 2 } };

static const uint8_t option_bytes[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3,
	3, 7 };

struct peer
peer_of(uint32_t i)
{
	return (struct peer){
		.src = CLIENTS_ADDR + i / PORTS,
		.sport = (uint16_t)(PORT_FIRST + i % PORTS),
		.snd_nxt = i * 7919u,
	};
}

uint32_t
peer_index(const struct peer_reply *r)
{
	return (r->dst - CLIENTS_ADDR) * PORTS + r->dport - PORT_FIRST;
}

struct peer_frame
peer_frame_of(const struct peer *p, uint8_t flags, uint16_t len)
{
	return (struct peer_frame){
		.src = p->src,
		.sport = p->sport,
		.seq = p->snd_nxt,
		.ack = p->rcv_nxt,
		.flags = flags,
		.len = len,
	};
}

struct peer_frame
peer_frame_at_random(struct rng *rng, uint8_t flags, bool syn_options)
{
	return (struct peer_frame){
		.src = FLOOD_ADDR + (rng_u32(rng) >> 6),
		.sport = (uint16_t)(rng_u32(rng) | 1),
		.seq = rng_u32(rng),
		.ack = rng_u32(rng),
		.flags = flags,
		.syn_options = syn_options,
	};
}

uint16_t
peer_frame_write(uint8_t *b, const struct peer_frame *f)
{
	uint16_t opts = f->syn_options ? sizeof(option_bytes) : 0;
	uint16_t ip_len = (uint16_t)(40 + opts + f->len);
	uint16_t sum;

	memcpy(b, peer_server_mac.b, 6);
	memcpy(b + 6, peer_gateway_mac.b, 6);
	store_be16(b + 12, 0x0800);
	store_be64(b + 14, 0x4500000000004000ULL | (uint64_t)ip_len << 32);
	store_be32(b + 22, 0x40060000);
	store_be32(b + 26, f->src);
	store_be32(b + 30, PEER_SERVER_ADDR);
	sum = csum_finish(csum_partial(b + 14, 20, 0));
	memcpy(b + 24, &sum, sizeof(sum));
	store_be16(b + 34, f->sport);
	store_be16(b + 36, PEER_SERVER_PORT);
	store_be32(b + 38, f->seq);
	store_be32(b + 42, f->ack);
	b[46] = (uint8_t)((20 + opts) << 2);
	b[47] = f->flags;
	store_be16(b + 48, 65535);
	store_be32(b + 50, 0);
	memcpy(b + 54, option_bytes, opts);
	return peer_lie_write(b, (uint16_t)(14 + ip_len), f);
}

void
peer_reply_read(const uint8_t *b, struct peer_reply *r)
{
	r->dst = load_be32(b + 30);
	r->dport = load_be16(b + 36);
	r->seq = load_be32(b + 38);
	r->ack = load_be32(b + 42);
	r->flags = b[47];
	r->len = (uint16_t)(load_be16(b + 16) - 20 - (b[46] >> 4 << 2));
}
