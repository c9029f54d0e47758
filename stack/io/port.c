/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a port: what it offers is taken flag by flag, what it lacks is done in software. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <rte_dev.h>
#include <rte_errno.h>

#include "io/port.h"

#include "base/assert.h"
#include "conf/env.h"
#include "io/eal.h"
#include "wire/nd.h"

/* Ethernet header, two VLAN tags and the check sequence around an IP packet. */
#define FRAME_OVERHEAD (14u + 8u + 4u)
/* Drivers count on at least this much in a buffer. */
#define PAYLOAD_MIN RTE_MBUF_DEFAULT_DATAROOM
#define RSS_KEY_MAX 64u

#define DEVICE_STRING_LEN 256
/* Descriptors at start are few and low. */
#define SOCKET_FD_MAX 1024

unsigned int
port_payload_bytes(uint16_t mtu)
{
	unsigned int bytes = mtu + FRAME_OVERHEAD;

	return max_u32(PAYLOAD_MIN, (bytes + 63u) & ~63u);
}

/*
 * The tap driver is told of every packet by a real-time signal, at some 2000 cycles each, unless
 * no such signal is free when it opens a queue: then it simply reads. We sleep on its descriptors,
 * so it shall read.
 */
struct rt_signals {
	bool occupied;
	struct sigaction old[NSIG];
};

static void
occupy_rt_signals(struct rt_signals *rt, const struct port_type_desc *type)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	rt->occupied = (type->flags & PORT_F_RX_INTR) != 0;
	for (int sig = SIGRTMIN; rt->occupied && sig <= SIGRTMAX; sig++)
		(void)sigaction(sig, &ignore, &rt->old[sig]);
}

static void
restore_rt_signals(const struct rt_signals *rt)
{
	for (int sig = SIGRTMIN; rt->occupied && sig <= SIGRTMAX; sig++)
		(void)sigaction(sig, &rt->old[sig], NULL);
}

static const char *
hint_of(enum port_type type)
{
	switch (type) {
	case PORT_TYPE_TAP:
		return "run as root, or inside `unshare -Urn`";
	case PORT_TYPE_AF_PACKET:
		return "run as root; bring the interface up (ip link set up)";
	case PORT_TYPE_AF_XDP:
		return "run as root; leave the interface one queue (ethtool -L rx 1 tx 1); "
		       "or use type af_packet";
	case PORT_TYPE_VHOST:
	case PORT_TYPE_VIRTIO_USER:
		return "check the path, and that both sides run";
	case PORT_TYPE_PCI:
		return "bind the device to vfio-pci (dpdk-devbind.py --status)";
	case PORT_TYPE_RING:
	case PORT_TYPE_NULL:
		break;
	}
	return "give the machine more memory";
}

/* Open the device; port->id is valid on success. */
static int
open_device(struct port *port, const struct port_params *par, struct io_error *err)
{
	char device[DEVICE_STRING_LEN];
	char name[DEVICE_STRING_LEN];
	struct rt_signals rt;
	int rc = port_device_string(par, device, sizeof(device));

	if (rc != 0)
		return io_fail(err, rc,
			"port %s: no usable device name. Fix: choose one without a comma",
			par->name);
	eal_forget();
	port_remove_stale_socket(par);
	/* PCI devices were opened when DPDK started. */
	occupy_rt_signals(&rt, port->type);
	rc = par->type == PORT_TYPE_PCI ? 0 : rte_dev_probe(device);
	restore_rt_signals(&rt);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(name, &port->id);
	if (rc != 0)
		return io_fail(err, rc, "port %s: DPDK cannot open %s: %s%s%s. Fix: %s", par->name,
			device, rte_strerror(-rc), eal_complaint()[0] != '\0' ? "; " : "",
			eal_complaint(), hint_of(par->type));
	return 0;
}

/* Ours, where the device's address belongs to somebody else: locally administered, unicast. */
static void
make_up_mac(struct mac_addr *mac)
{
	(void)!getrandom(mac->b, sizeof(mac->b), 0);
	mac->b[0] = (uint8_t)((mac->b[0] & 0xfc) | 0x02);
}

static int
settle_mac(struct port *port, const struct port_params *par, struct io_error *err)
{
	struct rte_ether_addr addr;
	int rc;

	port->mac = par->mac;
	if ((port->type->flags & PORT_F_OWN_MAC) != 0) {
		if (mac_addr_is_zero(&port->mac))
			make_up_mac(&port->mac);
		return 0;
	}
	if (!mac_addr_is_zero(&par->mac) && par->type != PORT_TYPE_VIRTIO_USER) {
		memcpy(addr.addr_bytes, par->mac.b, sizeof(addr.addr_bytes));
		rc = rte_eth_dev_default_mac_addr_set(port->id, &addr);
		if (rc != 0)
			return io_fail(err, rc,
				"port %s: the device does not take another MAC address: %s. "
				"Fix: leave ports.%s.mac out",
				par->name, rte_strerror(-rc), par->name);
	}
	rc = rte_eth_macaddr_get(port->id, &addr);
	if (rc != 0)
		return io_fail(err, rc,
			"port %s: the device does not say its MAC address: %s. "
			"Fix: set ports.%s.mac",
			par->name, rte_strerror(-rc), par->name);
	memcpy(port->mac.b, addr.addr_bytes, sizeof(port->mac.b));
	return 0;
}

/* A chain of ours fits the device, and several of them its queue. */
static bool
can_tso(const struct port *port)
{
	const uint64_t need = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	uint16_t most = port->info.tx_desc_lim.nb_seg_max;

	if ((port->type->flags & PORT_F_SOFT_TSO) != 0)
		return false;
	return (port->info.tx_offload_capa & need) == need && (most == 0 || most > PKT_CHAIN_MAX) &&
	       port->tx_descriptors >= 4 * PKT_CHAIN_MAX;
}

/* Each flag is asked for only where it is offered: some devices do TCP's checksum but not IP's. */
static void
settle_offloads(struct port *port, const struct port_params *par)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

	if (!par->csum_offload)
		return;
	port->rx_offloads = port->info.rx_offload_capa & rx;
	port->tx_offloads = port->info.tx_offload_capa & tx;
	port->rx_csum = port->rx_offloads != 0;
	port->tx_prepare = port->tx_offloads != 0;
	if ((port->tx_offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0)
		port->tx_caps |= ENV_TX_IP_CSUM;
	if ((port->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0)
		port->tx_caps |= ENV_TX_TCP_CSUM;
	if ((port->tx_caps & ENV_TX_TCP_CSUM) != 0 && can_tso(port)) {
		port->tx_offloads |= RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
		port->tx_caps |= ENV_TX_TSO;
	}
}

static void
settle_queues(struct port *port, const struct port_params *par)
{
	unsigned int n = min_u32(par->queues, port->type->queues_max);

	n = min_u32(n, min_u32(port->info.max_rx_queues, port->info.max_tx_queues));
	port->queues = (uint16_t)max_u32(n, 1);
	port->rx_descriptors = (uint16_t)min_u32(par->rx_descriptors, port->type->descriptors_max);
	port->tx_descriptors = (uint16_t)min_u32(par->tx_descriptors, port->type->descriptors_max);
}

int
port_attach(struct port *port, const struct port_params *par, struct io_error *err)
{
	int rc;

	ASSERT(par->queues >= 1);
	memset(port, 0, sizeof(*port));
	port->name = par->name;
	port->type = port_type_desc(par->type);
	port->mtu = par->mtu;
	port->promiscuous = par->promiscuous;
	port->local = par->local;
	rc = port_check_host(par, err);
	if (rc == 0)
		rc = open_device(port, par, err);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_info_get(port->id, &port->info);
	if (rc != 0)
		rc = io_fail(err, rc, "port %s: the device does not say what it can: %s", par->name,
			rte_strerror(-rc));
	if (rc == 0 && port->info.max_mtu != 0 && par->mtu > port->info.max_mtu)
		rc = io_fail(err, -EINVAL,
			"port %s: MTU %u, but the device carries %u at most. "
			"Fix: lower ports.%s.mtu",
			par->name, par->mtu, port->info.max_mtu, par->name);
	if (rc == 0)
		rc = settle_mac(port, par, err);
	if (rc != 0) {
		port_close(port);
		return rc;
	}
	(void)snprintf(port->driver, sizeof(port->driver), "%s", port->info.driver_name);
	port->socket = rte_eth_dev_socket_id(port->id);
	port->reta_size = port->info.reta_size;
	port->offers_tso = (port->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
	port->offers_lro = (port->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0;
	settle_queues(port, par);
	settle_offloads(port, par);
	return 0;
}

/* Spread flows over the queues by a key nobody knows; plain queues where the device refuses. */
static int
configure(struct port *port)
{
	uint8_t key[RSS_KEY_MAX];
	struct rte_eth_conf conf = {
		.rxmode = { .mtu = port->mtu, .offloads = port->rx_offloads },
		.txmode = { .offloads = port->tx_offloads },
		.intr_conf = { .rxq = (port->type->flags & PORT_F_RX_INTR) != 0 },
	};
	uint64_t hash = (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP) & port->info.flow_type_rss_offloads;
	uint8_t key_len = port->info.hash_key_size;
	int rc;

	if (port->queues > 1 && hash != 0 && (port->type->flags & PORT_F_NO_RSS) == 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = hash;
		if (key_len > 0 && key_len <= sizeof(key) &&
			getrandom(key, key_len, 0) == (ssize_t)key_len) {
			conf.rx_adv_conf.rss_conf.rss_key = key;
			conf.rx_adv_conf.rss_conf.rss_key_len = key_len;
		}
		rc = rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
		port->rss_on = rc == 0;
		port->rss_random_key = rc == 0 && conf.rx_adv_conf.rss_conf.rss_key != NULL;
		if (rc == 0)
			return 0;
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
		memset(&conf.rx_adv_conf, 0, sizeof(conf.rx_adv_conf));
	}
	return rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
}

static int
set_up_queues(struct port *port, struct rte_mempool *pool)
{
	struct rte_eth_rxconf rx = port->info.default_rxconf;
	struct rte_eth_txconf tx = port->info.default_txconf;
	unsigned int socket = port->socket >= 0 ? (unsigned int)port->socket : 0;
	int rc;

	rc = rte_eth_dev_adjust_nb_rx_tx_desc(
		port->id, &port->rx_descriptors, &port->tx_descriptors);
	rx.offloads = port->rx_offloads & port->info.rx_queue_offload_capa;
	tx.offloads = port->tx_offloads & port->info.tx_queue_offload_capa;
	for (uint16_t q = 0; rc == 0 && q < port->queues; q++) {
		rc = rte_eth_rx_queue_setup(port->id, q, port->rx_descriptors, socket, &rx, pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port->id, q, port->tx_descriptors, socket, &tx);
	}
	return rc;
}

/* The device may have come up with another MTU than ours; fine where it cannot be told. */
static int
set_mtu(const struct port *port)
{
	uint16_t mtu;
	int rc = rte_eth_dev_get_mtu(port->id, &mtu);

	if (rc == 0 && mtu != port->mtu)
		rc = rte_eth_dev_set_mtu(port->id, port->mtu);
	return rc == -ENOTSUP ? 0 : rc;
}

/* The sockets of this family that the process holds, oldest first; returns how many. */
static unsigned int
find_sockets(int family, int *fds, unsigned int max)
{
	unsigned int n = 0;

	for (int fd = 0; fd < SOCKET_FD_MAX && n < max; fd++) {
		socklen_t len = sizeof(int);
		int domain;

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == family)
			fds[n++] = fd;
	}
	return n;
}

/*
 * What a sleeping worker waits for. Of socket ports DPDK keeps the descriptors to itself; they are
 * the only ones of their kind here, made in the order of the queues.
 */
static void
find_rx_fds(struct port *port)
{
	int family = (port->type->flags & PORT_F_RX_XDP) != 0 ? AF_XDP : AF_PACKET;
	int fds[PORT_QUEUES_MAX];

	for (uint16_t q = 0; q < PORT_QUEUES_MAX; q++)
		port->rx_fds[q] = -1;
	if ((port->type->flags & PORT_F_RX_INTR) != 0) {
		for (uint16_t q = 0; q < port->queues; q++)
			port->rx_fds[q] = rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, q);
	} else if ((port->type->flags & (PORT_F_RX_PACKET | PORT_F_RX_XDP)) != 0 &&
		   find_sockets(family, fds, PORT_QUEUES_MAX) == port->queues) {
		memcpy(port->rx_fds, fds, port->queues * sizeof(fds[0]));
	}
}

/* Everything between an open device and a running one; *what is what could not be done. */
static int
bring_up(struct port *port, struct rte_mempool *pool, const char **what)
{
	int rc;

	*what = "configure the device";
	rc = configure(port);
	if (rc == 0) {
		*what = "set the MTU";
		rc = set_mtu(port);
	}
	if (rc == 0) {
		*what = "set up its queues";
		rc = set_up_queues(port, pool);
	}
	if (rc == 0) {
		*what = "start it";
		rc = rte_eth_dev_start(port->id);
		port->started = rc == 0;
	}
	return rc;
}

/*
 * IPv6 neighbours ask by multicast. A device with a filter is told our few groups, one whose filter
 * is too small or absent takes every group; the sockets of virtual ports hear everything anyway.
 */
static void
join_groups(const struct port *port)
{
	struct rte_ether_addr list[LOCAL_ADDRS_MAX + 1];
	struct ip_addr group = nd_all_nodes();
	unsigned int n = 0;

	for (unsigned int i = 0; port->local != NULL && i < port->local->count; i++) {
		struct mac_addr mac = nd_group_mac(&group);

		if (ip_addr_is_v4(&port->local->addr[i]))
			continue;
		if (n == 0)
			memcpy(list[n++].addr_bytes, mac.b, sizeof(mac.b));
		group = nd_solicited_node(&port->local->addr[i]);
		mac = nd_group_mac(&group);
		memcpy(list[n++].addr_bytes, mac.b, sizeof(mac.b));
	}
	if (n > 0 && rte_eth_dev_set_mc_addr_list(port->id, list, n) != 0)
		(void)rte_eth_allmulticast_enable(port->id);
}

int
port_start(struct port *port, struct rte_mempool *pool, struct io_error *err)
{
	struct rt_signals rt;
	const char *what;
	int rc;

	eal_forget();
	occupy_rt_signals(&rt, port->type);
	rc = bring_up(port, pool, &what);
	restore_rt_signals(&rt);
	find_rx_fds(port);
	if (rc == 0)
		join_groups(port);
	if (rc == 0 && port->promiscuous)
		(void)rte_eth_promiscuous_enable(port->id);
	if (rc != 0)
		return io_fail(err, rc,
			"port %s: cannot %s: %s%s%s. Fix: lower its queues or descriptors, "
			"or set its checksum_offload to off",
			port->name, what, rte_strerror(-rc), eal_complaint()[0] != '\0' ? "; " : "",
			eal_complaint());
	return 0;
}

void
port_close(struct port *port)
{
	if (port->started)
		(void)rte_eth_dev_stop(port->id);
	port->started = false;
	(void)rte_eth_dev_close(port->id);
}

void
port_read_status(const struct port *port, struct port_status *out)
{
	struct rte_eth_stats stats = { 0 };
	struct rte_eth_link link = { 0 };

	memset(out, 0, sizeof(*out));
	if (rte_eth_link_get_nowait(port->id, &link) == 0) {
		out->is_up = link.link_status == RTE_ETH_LINK_UP;
		out->speed_mbps =
			link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	}
	if (rte_eth_stats_get(port->id, &stats) != 0)
		return;
	out->rx_packets = stats.ipackets;
	out->rx_octets = stats.ibytes;
	out->tx_packets = stats.opackets;
	out->tx_octets = stats.obytes;
	out->rx_missed = stats.imissed;
	out->rx_nobuf = stats.rx_nombuf;
	out->rx_errors = stats.ierrors;
	out->tx_errors = stats.oerrors;
}
