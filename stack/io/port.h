/* SPDX-License-Identifier: BSD-3-Clause */
/* One network port: the device behind it, what it was asked for and what it gave. */
#ifndef IO_PORT_H
#define IO_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

#include "io/error.h"
#include "io/mbuf.h"
#include "wire/addr.h"
#include "wire/local.h"

/** What a type of port is like; bits of port_type_desc.flags. */
#define PORT_F_RX_INTR 0x01u /* DPDK knows a descriptor of each queue to sleep on */
#define PORT_F_OWN_MAC 0x02u /* the device's address is not ours: it passes every frame up */
#define PORT_F_NO_RSS 0x04u /* which queue a flow comes to is not ours to decide */
#define PORT_F_IFACE 0x08u /* the device is an interface of the kernel */
#define PORT_F_SOCKET 0x10u /* the device is the path of a socket */
#define PORT_F_ADDRESS 0x20u /* the device is a PCI address */
#define PORT_F_RX_PACKET 0x40u /* a queue is a packet socket, which can be slept on */
#define PORT_F_RX_XDP 0x80u /* the same of an XDP socket */
#define PORT_F_SOFT_TSO 0x100u /* TSO is done by the driver, with copies, and not for all sizes */

/** Queues that any port may have. */
#define PORT_QUEUES_MAX 64u

enum port_type {
#define PORT_TYPE(name, text, driver, queues, mtu, desc, flags, args) PORT_TYPE_##name,
#include "io/port_types.def"
#undef PORT_TYPE
};

enum {
#define PORT_TYPE(name, text, driver, queues, mtu, desc, flags, args) +1
	PORT_TYPE_COUNT = 0
#include "io/port_types.def"
#undef PORT_TYPE
};

/** One row of port_types.def. */
struct port_type_desc {
	const char *name; /* as the configuration says it */
	const char *driver; /* DPDK's name of the virtual device; NULL: a real one */
	const char *args; /* its arguments, with %d, %q and %m */
	uint16_t queues_max;
	uint16_t mtu_max; /* bytes of an IP packet */
	uint16_t descriptors_max; /* of a queue */
	uint16_t flags; /* PORT_F_* */
};

const struct port_type_desc *port_type_desc(enum port_type type);

/** What the configuration asks for. */
struct port_params {
	const char *name; /* of the port, for messages; outlives it */
	enum port_type type;
	const char *device; /* interface, socket path or PCI address; NULL: the type's default */
	unsigned int queues; /* as many as workers want; the port may have fewer */
	uint16_t rx_descriptors; /* of each queue */
	uint16_t tx_descriptors;
	uint16_t mtu; /* bytes of an IP packet */
	struct mac_addr mac; /* zero: the device's own, or made up where it has none for us */
	bool csum_offload; /* use checksum offload where it is offered */
	bool promiscuous;
	const struct local_addrs *local; /* whose groups are received; outlives the port; or NULL */
};

/** What it came to. Read-only once the workers run. */
struct port {
	const char *name;
	const struct port_type_desc *type;
	char driver[32]; /* DPDK's driver */
	uint16_t id; /* DPDK's number of the port */
	uint16_t queues; /* receive and transmit queues, >= 1 */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t mtu;
	struct mac_addr mac; /* ours on this port */
	uint32_t tx_caps; /* ENV_TX_* the port computes */
	bool rx_csum; /* its flags about received checksums mean something */
	bool tx_prepare; /* rte_eth_tx_prepare must see packets first */
	bool rss_on; /* spreads flows over its queues */
	bool rss_random_key; /* ... by a key of our own */
	bool offers_tso; /* not used where the driver does it in software */
	bool offers_lro;
	uint16_t reta_size; /* entries of its table from hash to queue */
	bool promiscuous;
	bool started;
	const struct local_addrs *local;
	int rx_fds[PORT_QUEUES_MAX]; /* readable while a queue holds packets; -1: nobody knows */
	int socket; /* NUMA node, SOCKET_ID_ANY */
	uint64_t rx_offloads; /* RTE_ETH_RX_OFFLOAD_* granted */
	uint64_t tx_offloads; /* RTE_ETH_TX_OFFLOAD_* granted */
	struct rte_eth_dev_info info; /* everything offered */
};

/** A port's state at the moment. */
struct port_status {
	bool is_up;
	uint32_t speed_mbps; /* 0: unknown */
	uint64_t rx_packets, rx_octets; /* the device's own counters */
	uint64_t tx_packets, tx_octets;
	uint64_t rx_missed; /* no room in the receive queue */
	uint64_t rx_nobuf; /* no packet buffer to put a frame into */
	uint64_t rx_errors, tx_errors;
};

/** Bytes behind PKT_HEADROOM that a packet needs for frames of this MTU, tags included. */
unsigned int port_payload_bytes(uint16_t mtu);

/** vhost: take away a socket that nobody serves: who was killed left it, and DPDK wants none. */
void port_remove_stale_socket(const struct port_params *par);

/**
 * Look whether the device can be there before DPDK is asked to open it: the interface, the socket,
 * the rights. Changes nothing. 0 or -errno with the fix in err.
 */
int port_check_host(const struct port_params *par, struct io_error *err);

/** The device string for DPDK, "net_tap0,iface=x", into buf. -E2BIG, -EINVAL. */
int port_device_string(const struct port_params *par, char *buf, size_t len);

/** Open the device and settle queues, descriptors, MTU and offloads. Nothing flows yet. */
int port_attach(struct port *port, const struct port_params *par, struct io_error *err);

/** Set up the queues, which take their buffers from pool, and start. */
int port_start(struct port *port, struct rte_mempool *pool, struct io_error *err);

/** Stop and give the device back. Fine for a port that was only attached. */
void port_close(struct port *port);

/** Ask the device; control thread only. What it does not say is 0. */
void port_read_status(const struct port *port, struct port_status *out);

/** The descriptor that is readable while queue holds packets, or -1. */
static inline int
port_rx_fd(const struct port *port, uint16_t queue)
{
	return port->rx_fds[queue];
}

#endif
