/* SPDX-License-Identifier: BSD-3-Clause */
/* Which connections a listing shows. */
#ifndef CTL_CONN_FILTER_H
#define CTL_CONN_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/addr.h"
#include "wire/local.h"

struct ctl_request;
struct tcp_conn_info;

/** One end of a connection, or what is known of it. */
struct ctl_endpoint {
	bool has_addr;
	struct ip_addr addr;
	uint16_t port; /* 0: any */
};

struct ctl_conn_filter {
	int state; /* only this one; -1: all */
	uint16_t port; /* of either end; 0: all */
	struct ctl_endpoint local, remote;
};

/**
 * "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", ":80", "*:80". 0 or -EINVAL.
 */
int ctl_endpoint_parse(const char *text, struct ctl_endpoint *out);

/** The filter that a request's arguments ask for: 0, or -1 with the request's error set. */
int ctl_conn_filter_parse(struct ctl_request *r, struct ctl_conn_filter *out);

bool ctl_conn_filter_match(const struct ctl_conn_filter *filter, const struct tcp_conn_info *info,
	const struct local_addrs *local);

#endif
