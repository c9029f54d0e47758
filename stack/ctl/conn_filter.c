/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters of connections: parsed from the arguments of a request, matched by each row. */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "ctl/conn_filter.h"
#include "ctl/session_int.h"
#include "tcp/tcp.h"

/* By its name in RFC 9293, or by that of ss where it has another. */
static int
state_parse(const char *text)
{
	static const struct {
		const char *name;
		enum tcp_state state;
	} of_ss[] = {
		{ "estab", TCPS_ESTABLISHED },
		{ "listening", TCPS_LISTEN },
		{ "syn-recv", TCPS_SYN_RECEIVED },
	};
	int i;

	for (i = 0; i < TCP_STATE_COUNT; i++) {
		if (strcmp(tcp_state_name((enum tcp_state)i), text) == 0)
			return i;
	}
	for (size_t at = 0; at < ARRAY_SIZE(of_ss); at++) {
		if (strcmp(of_ss[at].name, text) == 0)
			return (int)of_ss[at].state;
	}
	return -1;
}

/* 0: it is no port. */
static uint16_t
port_parse(const char *text)
{
	uint64_t value;

	if (quantity_parse(text, UNIT_PORT, &value) != 0 || value > 65535)
		return 0;
	return (uint16_t)value;
}

int
ctl_endpoint_parse(const char *text, struct ctl_endpoint *out)
{
	const char *addr = text, *port = strrchr(text, ':');
	size_t len = strlen(text);

	*out = (struct ctl_endpoint){ 0 };
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return -EINVAL;
		addr = text + 1;
		len = (size_t)(end - addr);
		port = end[1] == ':' ? end + 1 : NULL;
	} else if (port != NULL && strchr(text, ':') != port) {
		/* More than one colon and no brackets: all of it is an IPv6 address. */
		port = NULL;
	} else if (port != NULL) {
		len = (size_t)(port - text);
	}
	if (port != NULL) {
		out->port = port_parse(port + 1);
		if (out->port == 0)
			return -EINVAL;
	}
	if (len == 0 || (len == 1 && addr[0] == '*'))
		return out->port != 0 ? 0 : -EINVAL;
	out->has_addr = true;
	return ip_addr_parse(&out->addr, addr, len) == 0 ? 0 : -EINVAL;
}

static int
endpoint_arg(struct ctl_request *r, const char *name, struct ctl_endpoint *out)
{
	char buf[32];
	const char *text = ctl_arg_text(r, name, buf);

	*out = (struct ctl_endpoint){ 0 };
	if (text == NULL || ctl_endpoint_parse(text, out) == 0)
		return 0;
	return ctl_fail(r, CTL_E_BAD_ARGUMENT,
		"write 192.0.2.1, 192.0.2.1:80, [2001:db8::1]:80 or :80",
		"%s '%.60s' is no address with or without a port", name, text);
}

int
ctl_conn_filter_parse(struct ctl_request *r, struct ctl_conn_filter *out)
{
	char buf[32];
	const char *text;

	out->state = -1;
	out->port = 0;
	text = ctl_arg_text(r, "state", buf);
	if (text != NULL) {
		out->state = state_parse(text);
		if (out->state < 0)
			return ctl_fail(r, CTL_E_BAD_ARGUMENT,
				"the names are those of RFC 9293, or of ss: listen, syn-sent, "
				"syn-received, established, fin-wait-1 ... time-wait",
				"no state is called '%.40s'", text);
	}
	text = ctl_arg_text(r, "port", buf);
	if (text != NULL) {
		out->port = port_parse(text);
		if (out->port == 0)
			return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL,
				"port '%.40s' is not within 1..65535", text);
	}
	if (endpoint_arg(r, "local", &out->local) != 0)
		return -1;
	return endpoint_arg(r, "remote", &out->remote);
}

static bool
is_end(const struct ctl_endpoint *want, const struct ip_addr *addr, uint16_t port)
{
	if (want->port != 0 && want->port != port)
		return false;
	return !want->has_addr || (addr != NULL && ip_addr_equal(&want->addr, addr));
}

bool
ctl_conn_filter_match(const struct ctl_conn_filter *filter, const struct tcp_conn_info *info,
	const struct local_addrs *local)
{
	const struct flow_key *key = &info->key;
	const struct ip_addr *ours =
		key->laddr_idx < local->count ? &local->addr[key->laddr_idx] : NULL;

	return (filter->state < 0 || info->state == (enum tcp_state)filter->state) &&
	       (filter->port == 0 || key->lport == filter->port || key->rport == filter->port) &&
	       is_end(&filter->local, ours, key->lport) &&
	       is_end(&filter->remote, &key->raddr, key->rport);
}
