/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing frames byte by byte, without the stack's help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/view.h"

#include "lib/fail.h"

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/*
 * The sum of RFC 1071, eight bytes at a time: carries are folded in at the end (s2 (C)), and the
 * order of the bytes does not matter to a sum as long as it is the same throughout (s2 (B)).
 */
static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	uint64_t all = 0, low = 0;
	uint32_t w[2];
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(w, p + i, 8);
		all += w[0];
		low += w[1];
	}
	all += low;
	all = (all & 0xffffffff) + (all >> 32);
	all = (all & 0xffffffff) + (all >> 32);
	all = (all & 0xffff) + (all >> 16);
	all = (all & 0xffff) + (all >> 16);
	/* The words were read as this machine has them: a sum of zero stays zero either way. */
	sum += get16((const uint8_t[]){ (uint8_t)all, (uint8_t)(all >> 8) });
	for (; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (i < len)
		sum += (uint32_t)p[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t
finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* l3 points at the IP header; seg_len bytes of TCP or ICMPv6 stand at seg. */
static uint32_t
pseudo_sum(const uint8_t *l3, bool ip6, uint8_t proto, size_t seg_len)
{
	uint32_t sum = ip6 ? sum16(0, l3 + 8, 32) : sum16(0, l3 + 12, 8);

	return sum + proto + (uint32_t)(seg_len >> 16) + (uint32_t)(seg_len & 0xffff);
}

static enum view_kind
bad(struct view *f, const char *why)
{
	f->kind = VIEW_BAD;
	f->why = why;
	return VIEW_BAD;
}

void
view_ip4(uint8_t ip[16], uint32_t addr)
{
	memset(ip, 0, 10);
	ip[10] = ip[11] = 0xff;
	put32(ip + 12, addr);
}

static bool
decode_opt(struct view_opt *o, const uint8_t *p)
{
	unsigned int n = o->len - 2u;

	memcpy(o->raw, p + 2, n);
	switch (o->kind) {
	case VIEW_OPT_MSS:
		o->v[0] = get16(o->raw);
		return n == 2;
	case VIEW_OPT_WSCALE:
		o->v[0] = o->raw[0];
		return n == 1;
	case VIEW_OPT_SACKOK:
		return n == 0;
	case VIEW_OPT_TS:
		o->v[0] = get32(o->raw);
		o->v[1] = get32(o->raw + 4);
		return n == 8;
	case VIEW_OPT_SACK:
		if (n % 8 != 0 || n == 0 || n > 32)
			return false;
		for (unsigned int i = 0; i < n / 4; i++)
			o->v[i] = get32(o->raw + (size_t)i * 4);
		return true;
	default:
		return true;
	}
}

static bool
parse_opts(const uint8_t *p, size_t len, struct view_opts *opts)
{
	size_t i = 0;

	opts->count = 0;
	while (i < len) {
		struct view_opt *o = &opts->opt[opts->count++];

		memset(o, 0, sizeof(*o));
		o->kind = p[i];
		o->len = 1;
		if (o->kind == VIEW_OPT_EOL)
			return true;
		if (o->kind == VIEW_OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len || p[i + 1] < 2 || i + p[i + 1] > len)
			return false;
		o->len = p[i + 1];
		if (!decode_opt(o, p + i))
			return false;
		i += o->len;
	}
	return true;
}

static enum view_kind
parse_tcp(const uint8_t *l3, const uint8_t *p, size_t len, struct view *f)
{
	size_t hdr;

	if (len < 20)
		return bad(f, "TCP header cut off");
	hdr = (size_t)(p[12] >> 4) * 4;
	if (hdr < 20 || hdr > len)
		return bad(f, "TCP data offset");
	if (finish(sum16(pseudo_sum(l3, f->ip6, 6, len), p, len)) != 0)
		return bad(f, "TCP checksum");
	f->sport = get16(p);
	f->dport = get16(p + 2);
	f->seq = get32(p + 4);
	f->ack = get32(p + 8);
	f->flags = p[13];
	f->wnd = get16(p + 14);
	f->urg = get16(p + 18);
	if (!parse_opts(p + 20, hdr - 20, &f->opts))
		return bad(f, "TCP options");
	f->payload = p + hdr;
	f->payload_len = (uint32_t)(len - hdr);
	f->kind = VIEW_TCP;
	return VIEW_TCP;
}

static enum view_kind
parse_l4(const uint8_t *l3, const uint8_t *p, size_t len, struct view *f)
{
	uint32_t sum = 0;

	if (f->proto == 6)
		return parse_tcp(l3, p, len, f);
	f->payload = p;
	f->payload_len = (uint32_t)len;
	f->kind = VIEW_OTHER;
	if (f->proto != 1 && f->proto != 58)
		return VIEW_OTHER;
	if (len < 8)
		return bad(f, "ICMP header cut off");
	if (f->proto == 58)
		sum = pseudo_sum(l3, true, 58, len);
	if (finish(sum16(sum, p, len)) != 0)
		return bad(f, "ICMP checksum");
	f->icmp_type = p[0];
	f->icmp_code = p[1];
	f->payload = p + 2;
	f->payload_len = (uint32_t)len - 2;
	f->kind = VIEW_ICMP;
	return VIEW_ICMP;
}

static enum view_kind
parse_ip4(const uint8_t *p, size_t len, struct view *f)
{
	size_t hdr, total;

	if (len < 20)
		return bad(f, "IPv4 header cut off");
	hdr = (size_t)(p[0] & 15) * 4;
	total = get16(p + 2);
	if (p[0] >> 4 != 4 || hdr < 20 || hdr > total)
		return bad(f, "IPv4 header length");
	if (total > len)
		return bad(f, "IPv4 total length");
	/* A frame of 60 bytes may end in padding. */
	if (total < len && len > 46)
		return bad(f, "bytes behind the IPv4 packet");
	if (finish(sum16(0, p, hdr)) != 0)
		return bad(f, "IPv4 checksum");
	if ((get16(p + 6) & 0x3fff) != 0)
		return bad(f, "IPv4 fragment");
	f->tos = p[1];
	f->df = (p[6] & 0x40) != 0;
	f->ttl = p[8];
	f->proto = p[9];
	view_ip4(f->src, get32(p + 12));
	view_ip4(f->dst, get32(p + 16));
	return parse_l4(p, p + hdr, total - hdr, f);
}

static enum view_kind
parse_ip6(const uint8_t *p, size_t len, struct view *f)
{
	if (len < 40)
		return bad(f, "IPv6 header cut off");
	if (p[0] >> 4 != 6)
		return bad(f, "IPv6 version");
	if ((size_t)get16(p + 4) + 40 != len)
		return bad(f, "IPv6 payload length");
	f->ip6 = true;
	f->tos = (uint8_t)(get16(p) >> 4);
	f->proto = p[6];
	f->ttl = p[7];
	memcpy(f->src, p + 8, 16);
	memcpy(f->dst, p + 24, 16);
	return parse_l4(p, p + 40, len - 40, f);
}

static enum view_kind
parse_arp(const uint8_t *p, size_t len, struct view *f)
{
	if (len < 28)
		return bad(f, "ARP cut off");
	if (get16(p) != 1 || get16(p + 2) != 0x0800 || p[4] != 6 || p[5] != 4)
		return bad(f, "ARP types");
	f->arp_op = get16(p + 6);
	memcpy(f->arp_sha, p + 8, 6);
	view_ip4(f->src, get32(p + 14));
	memcpy(f->arp_tha, p + 18, 6);
	view_ip4(f->dst, get32(p + 24));
	f->kind = VIEW_ARP;
	return VIEW_ARP;
}

enum view_kind
view_parse(const uint8_t *buf, size_t len, struct view *f)
{
	size_t l2 = 14;
	uint16_t type;

	/* The option array is large and says itself how much of it counts. */
	memset(f, 0, offsetof(struct view, opts));
	f->opts.count = 0;
	f->payload = NULL;
	f->payload_len = 0;
	if (len < l2)
		return bad(f, "Ethernet header cut off");
	memcpy(f->dst_mac, buf, 6);
	memcpy(f->src_mac, buf + 6, 6);
	type = get16(buf + 12);
	if (type == 0x8100) {
		if (len < l2 + 4)
			return bad(f, "VLAN tag cut off");
		f->vlan = get16(buf + 14) & 0xfff;
		type = get16(buf + 16);
		l2 += 4;
	}
	if (type == 0x0800)
		return parse_ip4(buf + l2, len - l2, f);
	if (type == 0x86dd)
		return parse_ip6(buf + l2, len - l2, f);
	if (type == 0x0806)
		return parse_arp(buf + l2, len - l2, f);
	f->kind = VIEW_OTHER;
	return VIEW_OTHER;
}

uint32_t
view_seg_len(const struct view *f)
{
	return f->payload_len + ((f->flags & VIEW_SYN) != 0) + ((f->flags & VIEW_FIN) != 0);
}

const struct view_opt *
view_opt_find(const struct view_opts *opts, uint8_t kind)
{
	for (unsigned int i = 0; i < opts->count; i++)
		if (opts->opt[i].kind == kind)
			return &opts->opt[i];
	return NULL;
}

void
view_opt_add_raw(struct view_opts *opts, uint8_t kind, const uint8_t *raw, unsigned int n)
{
	struct view_opt *o;

	CHECK(opts->count < VIEW_OPTS_MAX && n <= sizeof(o->raw), "too many options");
	o = &opts->opt[opts->count++];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->len = kind <= VIEW_OPT_NOP ? 1 : (uint8_t)(n + 2);
	if (n > 0)
		memcpy(o->raw, raw, n);
}

void
view_opt_add(struct view_opts *opts, uint8_t kind, const uint32_t *v, unsigned int n)
{
	uint8_t raw[32] = { 0 };
	unsigned int len = 0;

	switch (kind) {
	case VIEW_OPT_MSS:
		put16(raw, v[0]);
		len = 2;
		break;
	case VIEW_OPT_WSCALE:
		raw[0] = (uint8_t)v[0];
		len = 1;
		break;
	case VIEW_OPT_TS:
	case VIEW_OPT_SACK:
		for (unsigned int i = 0; i < n && i < 8; i++)
			put32(raw + (size_t)i * 4, v[i]);
		len = n * 4;
		break;
	default:
		break;
	}
	view_opt_add_raw(opts, kind, raw, len);
	if (n > 0)
		memcpy(opts->opt[opts->count - 1].v, v, (n < 8 ? n : 8) * sizeof(*v));
}

static unsigned int
write_opts(const struct view_opts *opts, uint8_t *p)
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < opts->count; i++) {
		const struct view_opt *o = &opts->opt[i];

		if (p != NULL) {
			p[len] = o->kind;
			if (o->len > 1) {
				p[len + 1] = o->len;
				memcpy(p + len + 2, o->raw, o->len - 2u);
			}
		}
		len += o->len;
	}
	while (len % 4 != 0) {
		if (p != NULL)
			p[len] = VIEW_OPT_EOL;
		len++;
	}
	return len;
}

unsigned int
view_opts_len(const struct view_opts *opts)
{
	return write_opts(opts, NULL);
}

static size_t
build_arp(const struct view *f, uint8_t *p)
{
	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, f->arp_op);
	memcpy(p + 8, f->arp_sha, 6);
	memcpy(p + 14, f->src + 12, 4);
	memcpy(p + 18, f->arp_tha, 6);
	memcpy(p + 24, f->dst + 12, 4);
	return 28;
}

static size_t
build_ip(const struct view *f, uint8_t *p, size_t seg_len)
{
	if (f->ip6) {
		put32(p, 6u << 28 | (uint32_t)f->tos << 20);
		put16(p + 4, (uint32_t)seg_len);
		p[6] = 6;
		p[7] = f->ttl;
		memcpy(p + 8, f->src, 16);
		memcpy(p + 24, f->dst, 16);
		return 40;
	}
	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = f->tos;
	put16(p + 2, (uint32_t)seg_len + 20);
	p[6] = f->df ? 0x40 : 0;
	p[8] = f->ttl;
	p[9] = 6;
	memcpy(p + 12, f->src + 12, 4);
	memcpy(p + 16, f->dst + 12, 4);
	return 20;
}

size_t
view_build(const struct view *f, uint8_t *buf, size_t cap)
{
	size_t l2 = f->vlan != 0 ? 18 : 14;
	size_t hdr = 20 + (size_t)view_opts_len(&f->opts);
	uint8_t *tcp;
	size_t len;

	CHECK(cap >= l2 + 40 + hdr + f->payload_len, "no room for the frame");
	memcpy(buf, f->dst_mac, 6);
	memcpy(buf + 6, f->src_mac, 6);
	if (f->vlan != 0) {
		put16(buf + 12, 0x8100);
		put16(buf + 14, f->vlan);
	}
	put16(buf + l2 - 2, f->kind == VIEW_ARP ? 0x0806 : f->ip6 ? 0x86dd : 0x0800);
	if (f->kind == VIEW_ARP)
		return l2 + build_arp(f, buf + l2);
	len = l2 + build_ip(f, buf + l2, hdr + f->payload_len);
	tcp = buf + len;
	memset(tcp, 0, 20);
	put16(tcp, f->sport);
	put16(tcp + 2, f->dport);
	put32(tcp + 4, f->seq);
	put32(tcp + 8, f->ack);
	tcp[12] = (uint8_t)(hdr / 4 << 4);
	tcp[13] = f->flags;
	put16(tcp + 14, f->wnd);
	put16(tcp + 18, f->urg);
	write_opts(&f->opts, tcp + 20);
	if (f->payload_len > 0)
		memcpy(tcp + hdr, f->payload, f->payload_len);
	len += hdr + f->payload_len;
	view_fill_csums(buf, len, true, true);
	return len;
}

void
view_fill_csums(uint8_t *buf, size_t len, bool ip, bool tcp)
{
	size_t l2 = get16(buf + 12) == 0x8100 ? 18 : 14;
	bool ip6 = get16(buf + l2 - 2) == 0x86dd;
	uint8_t *l3 = buf + l2;
	size_t l3_len = ip6 ? 40 : (size_t)(l3[0] & 15) * 4;
	size_t seg_len = ip6 ? get16(l3 + 4) : get16(l3 + 2) - l3_len;
	uint8_t *seg = l3 + l3_len;

	CHECK(l2 + l3_len + seg_len <= len, "checksums of a malformed frame");
	if (ip && !ip6) {
		put16(l3 + 10, 0);
		put16(l3 + 10, finish(sum16(0, l3, l3_len)));
	}
	if (tcp) {
		put16(seg + 16, 0);
		put16(seg + 16, finish(sum16(pseudo_sum(l3, ip6, 6, seg_len), seg, seg_len)));
	}
}
