/* SPDX-License-Identifier: BSD-3-Clause */
/* Types and codes of both versions of ICMP, and what they mean to a connection. */
#include "wire/icmp_report.h"

#include <errno.h>

struct meaning {
	int err;
	enum icmp_report_kind kind;
};

/* By code of ICMP4_UNREACHABLE; RFC 1122 s4.2.3.9, errors as Linux has them. */
static const struct meaning unreachable4[] = {
	{ ENETUNREACH, ICMP_REPORT_SOFT },
	{ EHOSTUNREACH, ICMP_REPORT_SOFT },
	{ ENOPROTOOPT, ICMP_REPORT_HARD },
	{ ECONNREFUSED, ICMP_REPORT_HARD },
	{ EMSGSIZE, ICMP_REPORT_TOO_BIG },
	{ EOPNOTSUPP, ICMP_REPORT_SOFT }, /* source route failed */
	{ ENETUNREACH, ICMP_REPORT_HARD }, /* unknown */
	{ EHOSTDOWN, ICMP_REPORT_HARD },
	{ ENONET, ICMP_REPORT_HARD }, /* isolated */
	{ ENETUNREACH, ICMP_REPORT_HARD }, /* prohibited */
	{ EHOSTUNREACH, ICMP_REPORT_HARD },
	{ ENETUNREACH, ICMP_REPORT_SOFT }, /* for this type of service */
	{ EHOSTUNREACH, ICMP_REPORT_SOFT },
	{ EHOSTUNREACH, ICMP_REPORT_HARD }, /* filtered */
	{ EHOSTUNREACH, ICMP_REPORT_HARD }, /* precedence */
	{ EHOSTUNREACH, ICMP_REPORT_HARD },
};

/* By code of ICMP6_UNREACHABLE (RFC 4443 s3.1). */
static const struct meaning unreachable6[] = {
	{ ENETUNREACH, ICMP_REPORT_SOFT },
	{ EACCES, ICMP_REPORT_HARD }, /* prohibited */
	{ EHOSTUNREACH, ICMP_REPORT_SOFT },
	{ EHOSTUNREACH, ICMP_REPORT_SOFT },
	{ ECONNREFUSED, ICMP_REPORT_HARD },
	{ EACCES, ICMP_REPORT_HARD },
	{ EACCES, ICMP_REPORT_HARD },
};

static const struct meaning other_unreachable = { EHOSTUNREACH, ICMP_REPORT_SOFT };

static bool
meaning4(const struct icmp_msg *msg, struct meaning *out)
{
	switch (msg->type) {
	case ICMP4_UNREACHABLE:
		*out = msg->code < ARRAY_SIZE(unreachable4) ? unreachable4[msg->code] :
							      other_unreachable;
		return true;
	case ICMP4_TIME_EXCEEDED:
		*out = other_unreachable;
		return true;
	case ICMP4_PARAM_PROBLEM:
		*out = (struct meaning){ EPROTO, ICMP_REPORT_SOFT };
		return true;
	default:
		return false;
	}
}

static bool
meaning6(const struct icmp_msg *msg, struct meaning *out)
{
	switch (msg->type) {
	case ICMP6_UNREACHABLE:
		*out = msg->code < ARRAY_SIZE(unreachable6) ? unreachable6[msg->code] :
							      other_unreachable;
		return true;
	case ICMP6_TOO_BIG:
		*out = (struct meaning){ EMSGSIZE, ICMP_REPORT_TOO_BIG };
		return true;
	case ICMP6_TIME_EXCEEDED:
		*out = other_unreachable;
		return true;
	case ICMP6_PARAM_PROBLEM:
		*out = (struct meaning){ EPROTO, ICMP_REPORT_SOFT };
		return true;
	default:
		return false;
	}
}

bool
icmp_report_make(
	const struct icmp_msg *msg, const struct icmp_quote *quote, struct icmp_report *out)
{
	bool is_v4 = ip_addr_is_v4(&quote->dst);
	struct meaning m;

	if (quote->proto != IP_PROTO_TCP)
		return false;
	if (is_v4 ? !meaning4(msg, &m) : !meaning6(msg, &m))
		return false;
	out->seq = quote->seq;
	out->err = m.err;
	out->kind = (uint8_t)m.kind;
	out->mtu = (uint16_t)(is_v4 ? msg->rest & 0xffff : min_u32(msg->rest, UINT16_MAX));
	out->quoted_len = quote->total_len;
	return true;
}
