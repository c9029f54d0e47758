/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of floods, ready to be sent: every source, number and checksum of its own. */
#include <string.h>

#include "bench/flood_frames.h"

#include "base/csum.h"

#define IP 14u
#define TCP 34u
#define PROTO_TCP 6u
#define MORE_FRAGMENTS 0x2000u
#define DONT_FRAGMENT 0x4000u

static const char *const names[FLOOD_KINDS] = {
	[FLOOD_NONE] = "none",
	[FLOOD_SYN] = "syn",
	[FLOOD_ACK] = "ack",
	[FLOOD_RST] = "rst",
	[FLOOD_CHECKSUM] = "checksum",
	[FLOOD_FRAGMENT] = "fragment",
};

bool
flood_kind_parse(const char *text, enum flood_kind *kind)
{
	for (unsigned int i = 0; i < FLOOD_KINDS; i++)
		if (strcmp(text, names[i]) == 0) {
			*kind = (enum flood_kind)i;
			return true;
		}
	return false;
}

/*
 * MSS, SACK, timestamps, window scale: as Linux offers them; of a fragment four that say nothing,
 * since what is not the last ends at a multiple of 8. Returns the bytes behind the header.
 */
static uint16_t
put_options(uint8_t *b, enum flood_kind kind, struct rng *rng)
{
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		3, 3, 7 };

	if (kind == FLOOD_FRAGMENT) {
		memset(b, 1, 4);
		return 4;
	}
	if (kind != FLOOD_SYN && kind != FLOOD_CHECKSUM)
		return 0;
	memcpy(b, options, sizeof(options));
	store_be32(b + 8, rng_u32(rng));
	return sizeof(options);
}

static void
put_checksums(uint8_t *b, uint16_t len)
{
	uint16_t sum = csum_finish(csum_partial(b + IP, 20, 0));
	uint8_t pseudo[4] = { 0, PROTO_TCP, (uint8_t)((len - TCP) >> 8), (uint8_t)(len - TCP) };
	uint64_t tcp = csum_partial(b + IP + 12, 8, 0);

	memcpy(b + IP + 10, &sum, 2);
	tcp = csum_partial(pseudo, sizeof(pseudo), tcp);
	sum = csum_finish(csum_partial(b + TCP, (size_t)(len - TCP), tcp));
	memcpy(b + TCP + 16, &sum, 2);
}

uint16_t
flood_frame_write(uint8_t *b, enum flood_kind kind, const struct flood_path *path, struct rng *rng)
{
	static const uint8_t flags[FLOOD_KINDS] = { [FLOOD_SYN] = 2, [FLOOD_ACK] = 16,
		[FLOOD_RST] = 4, [FLOOD_CHECKSUM] = 2, [FLOOD_FRAGMENT] = 16 };
	bool is_syn = (flags[kind] & 2) != 0;
	uint16_t len = (uint16_t)(TCP + 20 + put_options(b + TCP + 20, kind, rng));

	memset(b, 0, TCP + 20);
	memcpy(b, path->server_mac.b, 6);
	memcpy(b + 6, path->client_mac.b, 6);
	store_be16(b + 12, 0x0800);
	b[IP] = 0x45;
	store_be16(b + IP + 2, (uint16_t)(len - IP));
	store_be16(b + IP + 4, (uint16_t)rng_u32(rng));
	store_be16(b + IP + 6, DONT_FRAGMENT);
	if (kind == FLOOD_FRAGMENT) /* a first one, the rest of which never comes */
		store_be16(b + IP + 6, MORE_FRAGMENTS);
	b[IP + 8] = 64;
	b[IP + 9] = PROTO_TCP;
	store_be32(b + IP + 12, 20u << 24 | rng_u32(rng) >> 8);
	store_be32(b + IP + 16, path->server);
	store_be16(b + TCP, (uint16_t)(1 + rng_below(rng, 65535)));
	store_be16(b + TCP + 2, path->port);
	store_be32(b + TCP + 4, rng_u32(rng));
	if (!is_syn && kind != FLOOD_RST)
		store_be32(b + TCP + 8, rng_u32(rng));
	b[TCP + 12] = (uint8_t)((len - TCP) / 4 << 4);
	b[TCP + 13] = flags[kind];
	store_be16(b + TCP + 14, 0xffff);
	put_checksums(b, len);
	if (kind == FLOOD_CHECKSUM)
		b[TCP + 16] ^= 0x55;
	return len;
}
