/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing neighbour discovery. */
#include "wire/nd.h"

#include "wire/icmp.h"

/* Options come in units of this. */
#define OPTION_UNIT 8
#define OPTION_SOURCE_LLADDR 1
#define OPTION_TARGET_LLADDR 2

#define FLAG_ROUTER 0x80u
#define FLAG_SOLICITED 0x40u
#define FLAG_OVERRIDE 0x20u

/* The option at p, which is whole. */
static enum nd_error
take_option(const uint8_t *p, size_t len, struct nd_msg *out)
{
	if (p[0] != (out->is_advert ? OPTION_TARGET_LLADDR : OPTION_SOURCE_LLADDR))
		return ND_OK;
	if (len != OPTION_UNIT)
		return ND_BAD_OPTION;
	memcpy(out->lladdr.b, p + 2, sizeof(out->lladdr.b));
	out->has_lladdr = true;
	if (mac_addr_is_multicast(&out->lladdr) || mac_addr_is_zero(&out->lladdr))
		return ND_BAD_LLADDR;
	return ND_OK;
}

enum nd_error
nd_parse(const uint8_t *p, size_t len, struct nd_msg *out)
{
	size_t i = ND_MSG_LEN;

	if (len < ND_MSG_LEN)
		return ND_TRUNCATED;
	if ((p[0] != ICMP6_NEIGHBOUR_SOLICIT && p[0] != ICMP6_NEIGHBOUR_ADVERT) || p[1] != 0)
		return ND_BAD_TYPE;
	*out = (struct nd_msg){ .is_advert = p[0] == ICMP6_NEIGHBOUR_ADVERT };
	out->router = out->is_advert && (p[4] & FLAG_ROUTER) != 0;
	out->solicited = out->is_advert && (p[4] & FLAG_SOLICITED) != 0;
	out->override = out->is_advert && (p[4] & FLAG_OVERRIDE) != 0;
	memcpy(out->target.b, p + 8, sizeof(out->target.b));
	if (ip_addr_is_multicast(&out->target) || ip_addr_is_v4(&out->target))
		return ND_BAD_TARGET;
	while (i < len) {
		size_t opt_len;
		enum nd_error error;

		if (len - i < 2)
			return ND_TRUNCATED;
		opt_len = (size_t)p[i + 1] * OPTION_UNIT;
		if (opt_len == 0)
			return ND_BAD_OPTION;
		if (opt_len > len - i)
			return ND_TRUNCATED;
		error = take_option(p + i, opt_len, out);
		if (error != ND_OK)
			return error;
		i += opt_len;
	}
	return ND_OK;
}

size_t
nd_encode(uint8_t *buf, const struct nd_msg *msg)
{
	uint32_t flags = 0;

	if (msg->is_advert)
		flags = (msg->router ? FLAG_ROUTER : 0) | (msg->solicited ? FLAG_SOLICITED : 0) |
			(msg->override ? FLAG_OVERRIDE : 0);
	buf[0] = msg->is_advert ? ICMP6_NEIGHBOUR_ADVERT : ICMP6_NEIGHBOUR_SOLICIT;
	buf[1] = 0;
	store_be16(buf + 2, 0);
	store_be32(buf + 4, flags << 24);
	memcpy(buf + 8, msg->target.b, sizeof(msg->target.b));
	if (!msg->has_lladdr)
		return ND_MSG_LEN;
	buf[24] = msg->is_advert ? OPTION_TARGET_LLADDR : OPTION_SOURCE_LLADDR;
	buf[25] = 1;
	memcpy(buf + 26, msg->lladdr.b, sizeof(msg->lladdr.b));
	return ND_MSG_LEN_MAX;
}

struct ip_addr
nd_solicited_node(const struct ip_addr *addr)
{
	struct ip_addr group = { .b = { 0xff, 2, [11] = 1, [12] = 0xff } };

	memcpy(group.b + 13, addr->b + 13, 3);
	return group;
}

struct ip_addr
nd_all_nodes(void)
{
	return (struct ip_addr){ .b = { 0xff, 2, [15] = 1 } };
}

struct mac_addr
nd_group_mac(const struct ip_addr *group)
{
	struct mac_addr mac = { .b = { 0x33, 0x33 } };

	memcpy(mac.b + 2, group->b + 12, 4);
	return mac;
}
