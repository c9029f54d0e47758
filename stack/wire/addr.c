/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes and prefixes of addresses, and their text in both directions. */
#include "wire/addr.h"

#include <errno.h>

#include "base/assert.h"

/* In the v4-mapped form, how many bits come before the IPv4 address. */
#define V4_MAPPED_BITS 96

static bool
v4_in_net(const struct ip_addr *a, uint32_t net, unsigned int bits)
{
	return ip_addr_is_v4(a) && (ip_addr_v4(a) ^ net) >> (32 - bits) == 0;
}

bool
ip_addr_is_unspecified(const struct ip_addr *a)
{
	if (ip_addr_is_v4(a))
		return ip_addr_v4(a) == 0;
	return load_be64(a->b) == 0 && load_be64(a->b + 8) == 0;
}

bool
ip_addr_is_loopback(const struct ip_addr *a)
{
	return v4_in_net(a, 0x7f000000, 8) || (load_be64(a->b) == 0 && load_be64(a->b + 8) == 1);
}

bool
ip_addr_is_multicast(const struct ip_addr *a)
{
	return v4_in_net(a, 0xe0000000, 4) || a->b[0] == 0xff;
}

bool
ip_addr_is_link_local(const struct ip_addr *a)
{
	return v4_in_net(a, 0xa9fe0000, 16) || (load_be16(a->b) & 0xffc0) == 0xfe80;
}

bool
ip_addr_is_broadcast(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) && ip_addr_v4(a) == 0xffffffff;
}

bool
ip_addr_is_martian_source(const struct ip_addr *a)
{
	if (ip_addr_is_v4(a))
		return ip4_is_martian_source(ip_addr_v4(a));
	return a->b[0] == 0xff || (load_be64(a->b) == 0 && load_be32(a->b + 8) == 0);
}

/* The value of a hex digit, or -1. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Reads a decimal number of at most three digits, none of them a leading zero, from
 * *pos on; false if there is none or it is above max.
 */
static bool
parse_decimal(const char *s, size_t len, size_t *pos, uint32_t max, uint32_t *out)
{
	size_t start = *pos;
	size_t i = start;
	uint32_t value = 0;

	while (i < len && i - start < 3 && s[i] >= '0' && s[i] <= '9')
		value = value * 10 + (uint32_t)(s[i++] - '0');
	if (i == start || value > max || (s[start] == '0' && i - start > 1))
		return false;
	*pos = i;
	*out = value;
	return true;
}

static bool
parse_v4(const char *s, size_t len, uint32_t *out)
{
	uint32_t ip = 0;
	size_t pos = 0;

	for (int part = 0; part < 4; part++) {
		uint32_t value;

		if (part > 0 && (pos == len || s[pos++] != '.'))
			return false;
		if (!parse_decimal(s, len, &pos, 255, &value))
			return false;
		ip = ip << 8 | value;
	}
	*out = ip;
	return pos == len;
}

/* Where parse_v6 stands: the groups read so far, packed, and where "::" was among them. */
struct v6_text {
	uint8_t b[16];
	size_t used; /* bytes of b */
	size_t gap; /* value of used at "::"; NO_GAP before one is seen */
};

#define NO_GAP 16

/* Reads one group of hex digits, or the dotted end of the text, from *pos on. */
static bool
parse_v6_group(struct v6_text *t, const char *s, size_t len, size_t *pos)
{
	size_t start = *pos;
	size_t i = start;
	uint32_t value = 0;

	while (i < len && i - start < 4 && hex_value(s[i]) >= 0)
		value = value << 4 | (uint32_t)hex_value(s[i++]);
	if (i < len && s[i] == '.') {
		if (t->used > 12 || !parse_v4(s + start, len - start, &value))
			return false;
		store_be32(t->b + t->used, value);
		t->used += 4;
		*pos = len;
		return true;
	}
	if (i == start || t->used == 16)
		return false;
	store_be16(t->b + t->used, (uint16_t)value);
	t->used += 2;
	*pos = i;
	return true;
}

static bool
parse_v6(const char *s, size_t len, struct ip_addr *out)
{
	struct v6_text t = { .gap = NO_GAP };
	size_t pos = 0;
	size_t tail;

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		t.gap = 0;
		pos = 2;
	}
	while (pos < len) {
		if (!parse_v6_group(&t, s, len, &pos))
			return false;
		if (pos == len)
			break;
		if (s[pos++] != ':' || pos == len)
			return false;
		if (s[pos] == ':') {
			if (t.gap != NO_GAP)
				return false;
			t.gap = t.used;
			pos++;
		}
	}
	if (t.gap == NO_GAP && t.used != 16)
		return false;
	if (t.gap != NO_GAP && t.used > 14)
		return false; /* "::" stands for one group at least */
	tail = t.gap == NO_GAP ? 0 : t.used - t.gap;
	memset(out->b, 0, sizeof(out->b));
	memcpy(out->b, t.b, t.used - tail);
	memcpy(out->b + 16 - tail, t.b + t.used - tail, tail);
	return true;
}

int
ip_addr_parse(struct ip_addr *out, const char *text, size_t len)
{
	uint32_t ip;

	if (parse_v4(text, len, &ip)) {
		*out = ip_addr_from_v4(ip);
		return 0;
	}
	return parse_v6(text, len, out) ? 0 : -EINVAL;
}

static char *
put_decimal(char *p, uint32_t value)
{
	if (value >= 100)
		*p++ = (char)('0' + value / 100);
	if (value >= 10)
		*p++ = (char)('0' + value / 10 % 10);
	*p++ = (char)('0' + value % 10);
	return p;
}

/* At least min_digits hex digits of value, lower case. */
static char *
put_hex(char *p, uint32_t value, int min_digits)
{
	for (int digit = 3; digit >= 0; digit--) {
		if (digit < min_digits || value >> (4 * digit) != 0)
			*p++ = "0123456789abcdef"[value >> (4 * digit) & 15];
	}
	return p;
}

static char *
put_v4(char *p, uint32_t ip)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		p = put_decimal(p, ip >> shift & 255);
		if (shift > 0)
			*p++ = '.';
	}
	return p;
}

/* The longest run of zero groups, the first of equals; runs of one are not shortened (RFC 5952
 * s4.2). */
static int
longest_zero_run(const struct ip_addr *a, int *start)
{
	int best = 1;
	int run = 0;

	*start = -1;
	for (int group = 0; group < 8; group++) {
		run = load_be16(a->b + 2 * group) == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			*start = group - run + 1;
		}
	}
	return best;
}

static char *
put_v6(char *p, const struct ip_addr *a)
{
	int gap;
	int gap_len = longest_zero_run(a, &gap);

	for (int group = 0; group < 8; group++) {
		if (group == gap) {
			*p++ = ':';
			*p++ = ':';
			group += gap_len - 1;
			continue;
		}
		if (group > 0 && group != gap + gap_len)
			*p++ = ':';
		p = put_hex(p, load_be16(a->b + 2 * group), 1);
	}
	return p;
}

size_t
ip_addr_format(const struct ip_addr *a, char buf[IP_ADDR_STRLEN])
{
	char *end = ip_addr_is_v4(a) ? put_v4(buf, ip_addr_v4(a)) : put_v6(buf, a);

	*end = '\0';
	return (size_t)(end - buf);
}

int
ip_prefix_parse(struct ip_prefix *out, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	struct ip_addr addr;
	size_t pos;
	uint32_t bits;

	if (slash == NULL || ip_addr_parse(&addr, text, (size_t)(slash - text)) != 0)
		return -EINVAL;
	pos = (size_t)(slash - text) + 1;
	if (!parse_decimal(text, len, &pos, ip_addr_is_v4(&addr) ? 32 : 128, &bits) || pos != len)
		return -EINVAL;
	*out = (struct ip_prefix){ .addr = addr, .len = (uint8_t)bits };
	return 0;
}

size_t
ip_prefix_format(const struct ip_prefix *p, char buf[IP_PREFIX_STRLEN])
{
	char *end = buf + ip_addr_format(&p->addr, buf);

	*end++ = '/';
	end = put_decimal(end, p->len);
	*end = '\0';
	return (size_t)(end - buf);
}

bool
ip_prefix_match(const struct ip_prefix *p, const struct ip_addr *a)
{
	bool is_v4 = ip_addr_is_v4(&p->addr);
	unsigned int bits = p->len + (is_v4 ? V4_MAPPED_BITS : 0u);
	unsigned int bytes = bits / 8;

	ASSERT(bits <= 128);
	if (is_v4 != ip_addr_is_v4(a) || memcmp(p->addr.b, a->b, bytes) != 0)
		return false;
	return bits % 8 == 0 || (p->addr.b[bytes] ^ a->b[bytes]) >> (8 - bits % 8) == 0;
}

bool
ip_prefix_is_broadcast(const struct ip_prefix *p, const struct ip_addr *a)
{
	uint32_t host_bits;

	if (!ip_prefix_match(p, a) || !ip_addr_is_v4(a) || p->len > 30)
		return false;
	host_bits = (uint32_t)(0xffffffffULL >> p->len);
	return (ip_addr_v4(a) & host_bits) == host_bits;
}

int
mac_addr_parse(struct mac_addr *out, const char *text, size_t len)
{
	struct mac_addr mac;

	if (len != MAC_ADDR_STRLEN - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.b); i++) {
		int high = hex_value(text[3 * i]);
		int low = hex_value(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return -EINVAL;
		mac.b[i] = (uint8_t)(high << 4 | low);
	}
	*out = mac;
	return 0;
}

size_t
mac_addr_format(const struct mac_addr *a, char buf[MAC_ADDR_STRLEN])
{
	char *p = buf;

	for (size_t i = 0; i < sizeof(a->b); i++) {
		if (i > 0)
			*p++ = ':';
		p = put_hex(p, a->b[i], 2);
	}
	*p = '\0';
	return (size_t)(p - buf);
}
