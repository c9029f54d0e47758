/* SPDX-License-Identifier: BSD-3-Clause */
/* Builders of test frames. */
#include <arpa/inet.h>
#include <string.h>

#include "lib/frames.h"

#include "base/assert.h"

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned int
get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

/* Room for len zeroed bytes at the end. */
static uint8_t *
grow(struct frame *f, size_t len)
{
	uint8_t *p = f->b + f->len;

	ASSERT(f->len + len <= FRAME_MAX);
	memset(p, 0, len);
	f->len += len;
	return p;
}

static void
put_addr(int family, const char *text, uint8_t *p)
{
	int ok = inet_pton(family, text, p);

	ASSERT(ok == 1);
}

void
frame_eth(struct frame *f, const uint8_t dst[6], const uint8_t src[6], uint16_t ethertype)
{
	uint8_t *p;

	f->len = 0;
	f->l3 = 0;
	f->l4 = 0;
	f->ip_version = 0;
	f->proto = 0;
	p = grow(f, 14);
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	put16(p + 12, ethertype);
}

void
frame_vlan(struct frame *f, uint16_t tpid, uint16_t tci)
{
	unsigned int ethertype = get16(f->b + f->len - 2);

	put16(f->b + f->len - 2, tpid);
	put16(grow(f, 2), tci);
	put16(grow(f, 2), ethertype);
}

void
frame_arp(struct frame *f, uint16_t op, const uint8_t sha[6], const char *spa,
	const uint8_t tha[6], const char *tpa)
{
	uint8_t *p = grow(f, 28);

	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, op);
	memcpy(p + 8, sha, 6);
	put_addr(AF_INET, spa, p + 14);
	memcpy(p + 18, tha, 6);
	put_addr(AF_INET, tpa, p + 24);
}

void
frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto)
{
	uint8_t *p;

	f->l3 = f->len;
	f->ip_version = 4;
	f->proto = proto;
	p = grow(f, 20);
	p[0] = 0x45;
	put16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = proto;
	put_addr(AF_INET, src, p + 12);
	put_addr(AF_INET, dst, p + 16);
	f->l4 = f->len;
}

void
frame_ip4_opts(struct frame *f, const void *opts, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	memcpy(grow(f, padded), opts, len);
	f->b[f->l3] = (uint8_t)(f->b[f->l3] + padded / 4);
	f->l4 = f->len;
}

void
frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t next_header)
{
	uint8_t *p;

	f->l3 = f->len;
	f->ip_version = 6;
	f->proto = next_header;
	p = grow(f, 40);
	p[0] = 0x60;
	p[6] = next_header;
	p[7] = 64;
	put_addr(AF_INET6, src, p + 8);
	put_addr(AF_INET6, dst, p + 24);
	f->l4 = f->len;
}

void
frame_ip6_ext(struct frame *f, uint8_t next_header, const void *body, size_t len)
{
	uint8_t *p = grow(f, 2 + len);

	ASSERT(len % 8 == 6);
	p[0] = next_header;
	p[1] = (uint8_t)((len + 2) / 8 - 1);
	memcpy(p + 2, body, len);
	f->proto = next_header;
	f->l4 = f->len;
}

void
frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	uint8_t flags)
{
	uint8_t *p = grow(f, 20);

	put16(p, sport);
	put16(p + 2, dport);
	put32(p + 4, seq);
	put32(p + 8, ack);
	p[12] = 5 << 4;
	p[13] = flags;
	put16(p + 14, 65535);
}

void
frame_tcp_opts(struct frame *f, const void *opts, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	memcpy(grow(f, padded), opts, len);
	f->b[f->l4 + 12] = (uint8_t)(f->b[f->l4 + 12] + (padded / 4 << 4));
}

void
frame_icmp(struct frame *f, uint8_t type, uint8_t code, uint16_t id, uint16_t seq)
{
	uint8_t *p = grow(f, 8);

	p[0] = type;
	p[1] = code;
	put16(p + 4, id);
	put16(p + 6, seq);
}

void
frame_data(struct frame *f, const void *data, size_t len)
{
	uint8_t *p = grow(f, len);

	if (data != NULL)
		memcpy(p, data, len);
	for (size_t i = 0; data == NULL && i < len; i++)
		p[i] = (uint8_t)(i * 7 + 1);
}

uint16_t
frame_sum(const uint8_t *p, size_t len, uint32_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint64_t)p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t
frame_check_ip(const uint8_t *ip)
{
	return frame_sum(ip, (size_t)(ip[0] & 15) * 4, 0);
}

/* The pseudo-header's sum, not folded. */
static uint32_t
pseudo_sum(const uint8_t *ip, uint8_t proto, size_t l4_len)
{
	bool v4 = ip[0] >> 4 == 4;
	const uint8_t *addrs = v4 ? ip + 12 : ip + 8;
	uint32_t sum = proto + (uint32_t)l4_len;

	for (size_t i = 0; i < (v4 ? 8 : 32); i += 2)
		sum += get16(addrs + i);
	return sum;
}

static size_t
csum_offset(uint8_t proto)
{
	return proto == 6 ? 16 : 2;
}

static uint16_t
l4_sum(const uint8_t *ip, uint8_t proto, const uint8_t *l4, size_t l4_len)
{
	return frame_sum(l4, l4_len, proto == 1 ? 0 : pseudo_sum(ip, proto, l4_len));
}

uint16_t
frame_check_l4(const uint8_t *ip, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t header = v4 ? (size_t)(ip[0] & 15) * 4 : 40;

	return l4_sum(ip, v4 ? ip[9] : ip[6], ip + header, len - header);
}

void
frame_checksums(struct frame *f)
{
	uint8_t *ip = f->b + f->l3;
	uint8_t *csum = f->b + f->l4 + csum_offset(f->proto);
	size_t end;

	if (f->ip_version == 0)
		return;
	end = f->ip_version == 4 ? get16(ip + 2) : 40 + get16(ip + 4);
	if (f->ip_version == 4) {
		put16(ip + 10, 0);
		put16(ip + 10, frame_check_ip(ip));
	}
	if (f->proto != 1 && f->proto != 6 && f->proto != 58)
		return;
	if (f->l3 + end > f->len || csum + 2 > ip + end)
		return;
	put16(csum, 0);
	put16(csum, l4_sum(ip, f->proto, f->b + f->l4, f->l3 + end - f->l4));
}

void
frame_finish(struct frame *f)
{
	uint8_t *ip = f->b + f->l3;

	if (f->ip_version == 4)
		put16(ip + 2, (unsigned int)(f->len - f->l3));
	if (f->ip_version == 6)
		put16(ip + 4, (unsigned int)(f->len - f->l3 - 40));
	frame_checksums(f);
}
