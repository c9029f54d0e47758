/* SPDX-License-Identifier: BSD-3-Clause */
/* What a router says of a packet that does not fit the next link. */
#include <string.h>

#include "base/compiler.h"
#include "lib/view.h"
#include "sim/sim.h"

#define ETH_LEN 14u
#define ICMP_LEN 8u
#define IP4_LEN 20u
#define IP6_LEN 40u
/* So many bytes of the packet are quoted: RFC 1812 s4.3.2.3, RFC 4443 s3.2. */
#define QUOTE4_MAX (576u - IP4_LEN - ICMP_LEN)
#define QUOTE6_MAX (1280u - IP6_LEN - ICMP_LEN)

/* The routers' addresses: nobody else has them. */
static const uint8_t router_mac[6] = { 0x02, 0xff, 0, 0, 0, 1 };
static const uint8_t router_ip4[4] = { 10, 0, 255, 254 };
static const uint8_t router_ip6[16] = { 0xfd, 0, [14] = 0xff, [15] = 0xfe };

static uint32_t
add_words(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += load_be16(p + i);
	return len % 2 != 0 ? sum + ((uint32_t)p[len - 1] << 8) : sum;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t
build4(uint8_t *out, const uint8_t *ip, size_t len, uint32_t mtu)
{
	uint8_t *icmp = out + ETH_LEN + IP4_LEN, *hdr = out + ETH_LEN;
	size_t quote = min_size(len, QUOTE4_MAX), total = IP4_LEN + ICMP_LEN + quote;

	/* RFC 1191 s4: destination unreachable, fragmentation needed; the MTU in the last word. */
	memset(hdr, 0, IP4_LEN + ICMP_LEN);
	icmp[0] = 3;
	icmp[1] = 4;
	store_be16(icmp + 6, (uint16_t)mtu);
	memcpy(icmp + ICMP_LEN, ip, quote);
	store_be16(icmp + 2, fold(add_words(0, icmp, ICMP_LEN + quote)));
	hdr[0] = 0x45;
	store_be16(hdr + 2, (uint16_t)total);
	hdr[8] = 64;
	hdr[9] = 1;
	memcpy(hdr + 12, router_ip4, 4);
	memcpy(hdr + 16, ip + 12, 4);
	store_be16(hdr + 10, fold(add_words(0, hdr, IP4_LEN)));
	return ETH_LEN + total;
}

static size_t
build6(uint8_t *out, const uint8_t *ip, size_t len, uint32_t mtu)
{
	uint8_t *icmp = out + ETH_LEN + IP6_LEN, *hdr = out + ETH_LEN;
	size_t quote = min_size(len, QUOTE6_MAX), total = ICMP_LEN + quote;

	/* RFC 4443 s3.2: packet too big. */
	memset(hdr, 0, IP6_LEN + ICMP_LEN);
	icmp[0] = 2;
	store_be32(icmp + 4, mtu);
	memcpy(icmp + ICMP_LEN, ip, quote);
	hdr[0] = 0x60;
	store_be16(hdr + 4, (uint16_t)total);
	hdr[6] = 58;
	hdr[7] = 64;
	memcpy(hdr + 8, router_ip6, 16);
	memcpy(hdr + 24, ip + 8, 16);
	store_be16(icmp + 2,
		fold(add_words((uint32_t)total + 58, hdr + 8, 32) + add_words(0, icmp, total)));
	return ETH_LEN + IP6_LEN + total;
}

void
toobig_answer(struct sim *sim, const struct sim_frame *frame, uint32_t mtu)
{
	const uint8_t *ip = frame->bytes + ETH_LEN;
	uint8_t out[ETH_LEN + 1280];
	struct sim_frame *answer;
	size_t len;

	if (frame->len < ETH_LEN + IP6_LEN || (frame->bytes[0] & 1) != 0)
		return;
	memcpy(out, frame->bytes + 6, 6);
	memcpy(out + 6, router_mac, 6);
	memcpy(out + 12, frame->bytes + 12, 2);
	len = frame->len - ETH_LEN;
	len = frame->bytes[12] == 0x86 ? build6(out, ip, len, mtu) : build4(out, ip, len, mtu);
	answer = sim_frame_new(NULL, out, len);
	answer->at = frame->at;
	route_forward(sim, frame->from, answer);
}
