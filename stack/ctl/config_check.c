/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration must fulfil as a whole: ports, addresses, services and tunables fit
 * together. */
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "conf/nearest.h"
#include "ctl/config_int.h"
#include "wire/local.h"

#define BIT(id) (1ull << (id))

_Static_assert(CONFIG_KEY_COUNT <= 64, "keys as bits");

struct check {
	struct config *conf;
	const struct config_where *where;
	const struct config_service_kind *kinds;
	struct config_report *report;
};

/* The place of a key, or of the entry itself where the key was not written. */
static struct config_mark
or_entry(struct config_mark key, struct config_mark entry)
{
	return key.line != 0 ? key : entry;
}

/* --- ports ---------------------------------------------------------------------------------- */

/* Keys that only some types of port use, and which type needs which. */
static const struct {
	enum config_port_type type;
	unsigned long long uses, needs;
	uint32_t mtu_max;
} port_types[] = {
	{ CONFIG_PORT_TAP, BIT(CONFIG_KEY_ports_iface), 0, 1500 },
	{ CONFIG_PORT_AF_PACKET, BIT(CONFIG_KEY_ports_iface), BIT(CONFIG_KEY_ports_iface), 1500 },
	{ CONFIG_PORT_AF_XDP, BIT(CONFIG_KEY_ports_iface), BIT(CONFIG_KEY_ports_iface), 3498 },
	{ CONFIG_PORT_VHOST, BIT(CONFIG_KEY_ports_path), BIT(CONFIG_KEY_ports_path), 9216 },
	{ CONFIG_PORT_VIRTIO_USER, BIT(CONFIG_KEY_ports_path), BIT(CONFIG_KEY_ports_path), 9216 },
	{ CONFIG_PORT_RING, 0, 0, 9216 },
	{ CONFIG_PORT_NULL, 0, 0, 9216 },
	{ CONFIG_PORT_PCI, BIT(CONFIG_KEY_ports_address), BIT(CONFIG_KEY_ports_address), 9216 },
};

static void
port_device_check(const struct check *c, unsigned int index)
{
	static const enum config_key_id device_keys[] = {
		CONFIG_KEY_ports_iface,
		CONFIG_KEY_ports_path,
		CONFIG_KEY_ports_address,
	};
	const struct config_port *port = &c->conf->ports[index];
	const struct config_mark *marks = c->where->port[index];
	const char *type = config_words_port_type[port->type];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(device_keys); i++) {
		enum config_key_id id = device_keys[i];
		const char *key = config_key(id)->name;

		if ((port_types[port->type].needs & BIT(id)) != 0 && marks[id].line == 0)
			config_error(c->report,
				or_entry(marks[CONFIG_KEY_ports_type], c->where->port_name[index]),
				"ports.%s: a port of type %s needs '%s' (%s)", port->name, type,
				key, config_key(id)->help);
		if ((port_types[port->type].uses & BIT(id)) == 0 && marks[id].line != 0)
			config_warning(c->report, marks[id],
				"ports.%s: '%s' means nothing for a port of type %s", port->name,
				key, type);
	}
	if (port->mtu > port_types[port->type].mtu_max)
		config_error(c->report,
			or_entry(marks[CONFIG_KEY_ports_mtu], c->where->port_name[index]),
			"ports.%s: mtu %u is more than a port of type %s can do; at most %u",
			port->name, port->mtu, type, port_types[port->type].mtu_max);
	if (mac_addr_is_multicast(&port->mac))
		config_error(c->report, marks[CONFIG_KEY_ports_mac],
			"ports.%s: mac is a group address; the second digit must be even",
			port->name);
	if (port->queues != 0 && port->queues < c->conf->workers)
		config_warning(c->report, marks[CONFIG_KEY_ports_queues],
			"ports.%s: %u queues for %u workers; packets are handed over between "
			"workers, which costs time",
			port->name, port->queues, c->conf->workers);
}

/* Two ports cannot be one device. */
static void
port_device_unique(const struct check *c, unsigned int index)
{
	const struct config_port *port = &c->conf->ports[index];
	const struct config_mark *marks = c->where->port[index];
	unsigned int i;

	for (i = 0; i < index; i++) {
		const struct config_port *other = &c->conf->ports[i];

		if (port->iface[0] != '\0' && strcmp(port->iface, other->iface) == 0)
			config_error(c->report, marks[CONFIG_KEY_ports_iface],
				"ports.%s: iface %s is used by ports.%s already", port->name,
				port->iface, other->name);
		if (port->path[0] != '\0' && strcmp(port->path, other->path) == 0)
			config_error(c->report, marks[CONFIG_KEY_ports_path],
				"ports.%s: path %s is used by ports.%s already", port->name,
				port->path, other->name);
		if (port->address[0] != '\0' && strcasecmp(port->address, other->address) == 0)
			config_error(c->report, marks[CONFIG_KEY_ports_address],
				"ports.%s: device %s is used by ports.%s already", port->name,
				port->address, other->name);
	}
}

/* Is it an address a host can have? Says why not. */
static const char *
host_address_problem(const struct ip_prefix *prefix)
{
	const struct ip_addr *ip = &prefix->addr;

	if (ip_addr_is_unspecified(ip))
		return "the unspecified address";
	if (ip_addr_is_loopback(ip))
		return "a loopback address";
	if (ip_addr_is_multicast(ip) || ip_addr_is_broadcast(ip))
		return "a group address";
	if (ip_addr_is_martian_source(ip))
		return "an address no host may have";
	if (prefix->len == 0)
		return "an address with a prefix of length 0, which would be every network";
	if (ip_prefix_is_broadcast(prefix, ip))
		return "the broadcast address of its prefix";
	if (ip_addr_is_v4(ip) && prefix->len < 31 &&
		(ip_addr_v4(ip) & (UINT32_MAX >> prefix->len)) == 0)
		return "the network itself, not a host in it";
	return NULL;
}

/* The port that has ip as one of its first count addresses (of the last port looked at), or NULL.
 */
static const char *
address_owner(
	const struct check *c, const struct ip_addr *ip, unsigned int port_last, unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i <= port_last && i < c->conf->port_count; i++) {
		const struct config_prefixes *list = &c->conf->ports[i].addresses;

		for (j = 0; j < (i == port_last ? count : list->count); j++) {
			if (ip_addr_equal(&list->prefix[j].addr, ip))
				return c->conf->ports[i].name;
		}
	}
	return NULL;
}

static bool
is_ours(const struct check *c, const struct ip_addr *ip)
{
	return address_owner(c, ip, c->conf->port_count, 0) != NULL;
}

static void
port_addresses_check(const struct check *c, unsigned int index)
{
	const struct config_port *port = &c->conf->ports[index];
	char text[IP_ADDR_STRLEN];
	unsigned int i;

	if (c->where->port[index][CONFIG_KEY_ports_addresses].line == 0)
		config_error(c->report, c->where->port_name[index],
			"ports.%s has no address, so nothing can reach it; add "
			"addresses: [192.0.2.1/24] or what fits your network",
			port->name);
	for (i = 0; i < port->addresses.count; i++) {
		const struct ip_prefix *prefix = &port->addresses.prefix[i];
		const char *problem = host_address_problem(prefix);
		const char *owner = address_owner(c, &prefix->addr, index, i);

		ip_addr_format(&prefix->addr, text);
		if (problem != NULL)
			config_error(c->report, c->where->prefix[index][i], "ports.%s: %s is %s",
				port->name, text, problem);
		if (owner != NULL)
			config_error(c->report, c->where->prefix[index][i],
				"ports.%s: %s is an address of ports.%s already", port->name, text,
				owner);
	}
}

static bool
is_on_link(const struct config_port *port, const struct ip_addr *ip)
{
	unsigned int i;

	for (i = 0; i < port->addresses.count; i++) {
		if (ip_prefix_match(&port->addresses.prefix[i], ip))
			return true;
	}
	return !ip_addr_is_v4(ip) && ip_addr_is_link_local(ip);
}

static void
gateway_check(
	const struct check *c, unsigned int index, const struct ip_addr *ip, enum config_key_id id)
{
	const struct config_port *port = &c->conf->ports[index];
	struct config_mark mark = c->where->port[index][id];
	const char *key = config_key(id)->name;
	char text[IP_ADDR_STRLEN];

	if (ip_addr_is_unspecified(ip))
		return;
	ip_addr_format(ip, text);
	if (address_owner(c, ip, index, port->addresses.count) != NULL)
		config_error(c->report, mark, "ports.%s: %s %s is our own address", port->name, key,
			text);
	else if (!is_on_link(port, ip))
		config_error(c->report, mark,
			"ports.%s: %s %s is in no prefix of the port, so it cannot be reached; "
			"check addresses and their prefix lengths",
			port->name, key, text);
}

static void
neighbours_check(const struct check *c, unsigned int index)
{
	const struct config_port *port = &c->conf->ports[index];
	char text[IP_ADDR_STRLEN];
	unsigned int i, j;

	for (i = 0; i < port->neighbours.count; i++) {
		const struct ip_addr *ip = &port->neighbours.row[i].ip;
		const struct mac_addr *mac = &port->neighbours.row[i].mac;
		struct config_mark mark = c->where->neighbour[index][i];

		ip_addr_format(ip, text);
		if (mac_addr_is_multicast(mac) || mac_addr_is_zero(mac))
			config_error(c->report, mark,
				"ports.%s: the MAC address of neighbour %s is not that of a "
				"station",
				port->name, text);
		if (is_ours(c, ip))
			config_error(c->report, mark, "ports.%s: neighbour %s is our own address",
				port->name, text);
		else if (!is_on_link(port, ip))
			config_warning(c->report, mark,
				"ports.%s: neighbour %s is in no prefix of the port, so it is "
				"never "
				"used",
				port->name, text);
		for (j = 0; j < i; j++) {
			if (ip_addr_equal(ip, &port->neighbours.row[j].ip))
				config_error(c->report, mark,
					"ports.%s: neighbour %s a second time", port->name, text);
		}
	}
}

static void
ports_check(const struct check *c)
{
	unsigned int i, addresses = 0;

	if (c->conf->port_count == 0 && c->report->errors == 0)
		config_error(c->report, c->where->top[CONFIG_KEY_top_ports],
			"no port; add one under 'ports', such as wan0: {type: tap, addresses: "
			"[192.0.2.1/24]}");
	for (i = 0; i < c->conf->port_count; i++) {
		if (i >= CONFIG_PORTS_SERVED)
			config_error(c->report, c->where->port_name[i],
				"ports.%s: only one port is served so far; remove all but one",
				c->conf->ports[i].name);
		port_device_check(c, i);
		port_device_unique(c, i);
		port_addresses_check(c, i);
		gateway_check(c, i, &c->conf->ports[i].gateway, CONFIG_KEY_ports_gateway);
		gateway_check(c, i, &c->conf->ports[i].gateway6, CONFIG_KEY_ports_gateway6);
		neighbours_check(c, i);
		addresses += c->conf->ports[i].addresses.count;
	}
	if (addresses > LOCAL_ADDRS_MAX)
		config_error(c->report, c->where->top[CONFIG_KEY_top_ports],
			"%u addresses on all ports together; at most %u", addresses,
			LOCAL_ADDRS_MAX);
}

/* --- services ------------------------------------------------------------------------------- */

static const char *
kind_name_at(const void *ctx, size_t i)
{
	return ((const struct config_service_kind *)ctx)[i].name;
}

static const struct config_service_kind *
kind_find(const struct config_service_kind *kinds, const char *name)
{
	for (; kinds->name != NULL; kinds++) {
		if (strcmp(kinds->name, name) == 0)
			return kinds;
	}
	return NULL;
}

/* Does the kind of service have a target, and this one as well? */
static void
service_to_complete(
	const struct check *c, unsigned int index, const struct config_service_kind *kind)
{
	const struct config_service *service = &c->conf->services[index];
	struct config_mark mark = c->where->service[index][CONFIG_KEY_services_to];

	if (kind->needs_to && mark.line == 0)
		config_error(c->report, c->where->service_name[index],
			"services.%s: a service of type %s needs 'to' (%s)", service->name,
			service->type, config_key(CONFIG_KEY_services_to)->help);
	if (!kind->needs_to && mark.line != 0)
		config_warning(c->report, mark,
			"services.%s: 'to' means nothing for a service of type %s", service->name,
			service->type);
}

/* Type and port follow from the name where they were not written. */
static void
service_complete(const struct check *c, unsigned int index)
{
	struct config_service *service = &c->conf->services[index];
	const struct config_mark *marks = c->where->service[index];
	const struct config_service_kind *kind = NULL;
	struct config_mark mark =
		or_entry(marks[CONFIG_KEY_services_type], c->where->service_name[index]);
	char near[120] = "";

	if (service->type[0] == '\0')
		memcpy(service->type, service->name, sizeof(service->type));
	if (c->kinds != NULL) {
		kind = kind_find(c->kinds, service->type);
		nearest_names(service->type, kind_name_at, c->kinds, near, sizeof(near));
	}
	if (c->kinds != NULL && kind == NULL)
		config_error(c->report, mark, "services.%s: no service is called '%s'%s%s%s%s",
			service->name, service->type, near[0] != '\0' ? "; did you mean " : "",
			near, near[0] != '\0' ? "?" : "",
			marks[CONFIG_KEY_services_type].line == 0
				? " (an entry with a name of its own needs 'type')"
				: "");
	if (service->port == 0 && kind != NULL)
		service->port = kind->default_port;
	if (service->port == 0 && (c->kinds == NULL || kind != NULL) &&
		marks[CONFIG_KEY_services_port].line == 0)
		config_error(c->report, mark, "services.%s needs 'port'", service->name);
	if (kind != NULL)
		service_to_complete(c, index, kind);
}

/* Can any port send to ip: in a prefix of its, or over a gateway? */
static bool
is_reachable(const struct check *c, const struct ip_addr *ip)
{
	unsigned int i;

	for (i = 0; i < c->conf->port_count; i++) {
		const struct config_port *port = &c->conf->ports[i];

		if (is_on_link(port, ip) ||
			!ip_addr_is_unspecified(
				ip_addr_is_v4(ip) ? &port->gateway : &port->gateway6))
			return true;
	}
	return false;
}

/* What is wrong with an address as the target of connections, or NULL. */
static const char *
target_problem(const struct check *c, const struct ip_addr *ip)
{
	if (ip_addr_is_unspecified(ip) || ip_addr_is_loopback(ip) || ip_addr_is_multicast(ip) ||
		ip_addr_is_broadcast(ip))
		return "is not the address of another host";
	if (is_ours(c, ip))
		return "is our own address; connections to ourselves are not possible";
	if (!is_reachable(c, ip))
		return "is in no prefix of a port, and no port has a gateway";
	return NULL;
}

static void
service_to_check(const struct check *c, unsigned int index)
{
	const struct config_service *service = &c->conf->services[index];
	const char *problem = target_problem(c, &service->to.ip);
	char text[IP_ADDR_STRLEN];

	if (service->to.port == 0 || problem == NULL)
		return;
	ip_addr_format(&service->to.ip, text);
	config_error(c->report, c->where->service[index][CONFIG_KEY_services_to],
		"services.%s: to: %s %s", service->name, text, problem);
}

static void
service_check(const struct check *c, unsigned int index)
{
	const struct config_service *service = &c->conf->services[index];
	const struct config_mark *marks = c->where->service[index];
	bool is_any = ip_addr_is_unspecified(&service->listen);
	char text[IP_ADDR_STRLEN];
	unsigned int i;

	if (!is_any && !is_ours(c, &service->listen)) {
		ip_addr_format(&service->listen, text);
		config_error(c->report, marks[CONFIG_KEY_services_listen],
			"services.%s: %s is not an address of any port", service->name, text);
	}
	service_to_check(c, index);
	for (i = 0; i < index && service->port != 0; i++) {
		const struct config_service *other = &c->conf->services[i];

		if (service->port != other->port)
			continue;
		if (is_any || ip_addr_is_unspecified(&other->listen) ||
			ip_addr_equal(&service->listen, &other->listen))
			config_error(c->report,
				or_entry(marks[CONFIG_KEY_services_port],
					c->where->service_name[index]),
				"services.%s: port %u is taken by services.%s; give it another "
				"port "
				"or another 'listen' address",
				service->name, service->port, other->name);
	}
	if (service->backlog > c->conf->tunables.somaxconn)
		config_warning(c->report, marks[CONFIG_KEY_services_backlog],
			"services.%s: backlog %u is cut to somaxconn %u; raise tunables.somaxconn "
			"too",
			service->name, service->backlog, c->conf->tunables.somaxconn);
}

static void
services_check(const struct check *c)
{
	bool has_none = c->kinds != NULL && c->kinds[0].name == NULL;
	unsigned int i;

	if (c->conf->service_count == 0 && c->report->errors == 0 && !has_none)
		config_warning(c->report, c->where->top[CONFIG_KEY_top_services],
			"no service: only ping will be answered");
	for (i = 0; i < c->conf->service_count; i++)
		service_complete(c, i);
	for (i = 0; i < c->conf->service_count; i++)
		service_check(c, i);
}

/* --- the rest ------------------------------------------------------------------------------- */

static void
workers_check(const struct check *c)
{
	const struct config *conf = c->conf;
	struct config_mark mark = c->where->top[CONFIG_KEY_top_lcores];

	if (conf->lcores.count == 0)
		return;
	if (conf->lcores.count < conf->workers)
		config_warning(c->report, mark,
			"lcores names %u CPUs for %u workers, which share them; name one for each",
			conf->lcores.count, conf->workers);
	if (conf->lcores.count > conf->workers)
		config_warning(c->report, mark,
			"lcores names %u CPUs for %u workers; the last ones stay unused",
			conf->lcores.count, conf->workers);
}

static void
memory_check(const struct check *c)
{
	const struct config_memory *memory = &c->conf->memory;
	uint32_t held = 0;
	unsigned int i;

	for (i = 0; i < c->conf->port_count; i++)
		held += c->conf->ports[i].rx_descriptors + c->conf->ports[i].tx_descriptors;
	if (memory->packets < held + 512)
		config_error(c->report, c->where->top[CONFIG_KEY_memory_packets],
			"memory.packets %u: the descriptors of one queue of each port alone hold "
			"%u; "
			"at least %u",
			memory->packets, held, held + 512);
	if (memory->connections < c->conf->workers)
		config_error(c->report, c->where->top[CONFIG_KEY_memory_connections],
			"memory.connections %u: at least one for each of %u workers",
			memory->connections, c->conf->workers);
}

static void
tunables_fit_check(const struct check *c)
{
	const struct tunables *tun = &c->conf->tunables;
	struct config_mark mark = c->where->top[CONFIG_KEY_top_tunables];
	char err[TUNABLE_ERR_LEN];

	if (tunables_check(tun, err, sizeof(err)) != 0)
		config_error(c->report, mark, "tunables: %s", err);
	if (tun->tcp_max_syn_backlog > tun->somaxconn)
		config_warning(c->report, mark,
			"tcp_max_syn_backlog %u has no effect beyond somaxconn %u; raise both, and "
			"the backlog of the service",
			tun->tcp_max_syn_backlog, tun->somaxconn);
}

void
config_check(struct config *conf, const struct config_where *where,
	const struct config_service_kind *kinds, struct config_report *report)
{
	const struct check c = { conf, where, kinds, report };

	workers_check(&c);
	ports_check(&c);
	services_check(&c);
	memory_check(&c);
	tunables_fit_check(&c);
}
