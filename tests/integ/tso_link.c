/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual machine monitor's half of a card with TSO: vhost on one side, a Linux tap on the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "base/compiler.h"
#include "io/eal.h"
#include "io/mbuf.h"
#include "io/port.h"

/*
 * tso_link SOCKET TAP on|off
 *
 * Prints READY and carries frames both ways until its input ends; then one line of JSON. With "on"
 * the card offers TSO, and long packets go to Linux as they are, with the size of their segments,
 * as a hypervisor hands on what a guest sends.
 */
#define PACKETS 8192u
#define BURST 32u
#define MTU 1500u
#define CHAIN_MAX 64
#define IDLE_ROUNDS 256u

struct link {
	int tap;
	uint16_t port;
	struct rte_mempool *pool;
	uint64_t to_linux, long_packets, longest, lost;
};

static int
open_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	int hdr_len = sizeof(struct virtio_net_hdr);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0 || ioctl(fd, TUNSETVNETHDRSZ, &hdr_len) != 0)
		return -errno;
	return fd;
}

static int
open_vhost(struct link *l, const char *path, bool tso)
{
	const struct rte_eth_conf conf = { 0 };
	char args[200];
	int rc;

	(void)snprintf(args, sizeof(args), "net_vhost0,iface=%s,queues=1,tso=%d", path,
		tso);
	rc = rte_dev_probe(args);
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name("net_vhost0", &l->port);
	if (rc == 0)
		rc = rte_eth_dev_configure(l->port, 1, 1, &conf);
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(l->port, 0, 1024, 0, NULL, l->pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(l->port, 0, 1024, 0, NULL);
	return rc == 0 ? rte_eth_dev_start(l->port) : rc;
}

/* What the kernel must know to take a long packet: where TCP begins and how long a segment is. */
static struct virtio_net_hdr
describe(const struct rte_mbuf *m)
{
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);
	bool v4 = load_be16(b + 12) == 0x0800;
	uint16_t tcp = (uint16_t)(14 + (v4 ? (b[14] & 0xf) * 4 : 40));

	if (m->pkt_len <= MTU + 14)
		return (struct virtio_net_hdr){ 0 };
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)(tcp + (b[tcp + 12] >> 4) * 4),
		.gso_size = m->tso_segsz,
		.csum_start = tcp,
		.csum_offset = 16,
	};
}

static void
give_linux(struct link *l, const struct rte_mbuf *m)
{
	struct virtio_net_hdr hdr = describe(m);
	struct iovec iov[CHAIN_MAX + 1] = { { &hdr, sizeof(hdr) } };
	int n = 1;

	for (const struct rte_mbuf *s = m; s != NULL && n <= CHAIN_MAX; s = s->next)
		iov[n++] = (struct iovec){ rte_pktmbuf_mtod(s, void *), s->data_len };
	if (writev(l->tap, iov, n) < 0)
		l->lost++;
	l->to_linux++;
	l->long_packets += m->pkt_len > MTU + 14;
	l->longest = max_u64(l->longest, m->pkt_len);
}

static unsigned int
to_linux(struct link *l)
{
	struct rte_mbuf *in[BURST];
	unsigned int n = rte_eth_rx_burst(l->port, 0, in, BURST);

	for (unsigned int i = 0; i < n; i++)
		give_linux(l, in[i]);
	rte_pktmbuf_free_bulk(in, n);
	return n;
}

static unsigned int
to_appliance(struct link *l)
{
	struct rte_mbuf *out[BURST];
	unsigned int n, sent;

	for (n = 0; n < BURST; n++) {
		struct virtio_net_hdr hdr;
		ssize_t len;

		out[n] = rte_pktmbuf_alloc(l->pool);
		if (out[n] == NULL)
			break;
		len = readv(l->tap, (struct iovec[]){ { &hdr, sizeof(hdr) },
			{ rte_pktmbuf_mtod(out[n], void *), rte_pktmbuf_tailroom(out[n]) } }, 2);
		if (len <= (ssize_t)sizeof(hdr)) {
			rte_pktmbuf_free(out[n]);
			break;
		}
		out[n]->data_len = (uint16_t)((size_t)len - sizeof(hdr));
		out[n]->pkt_len = out[n]->data_len;
	}
	sent = n > 0 ? rte_eth_tx_burst(l->port, 0, out, (uint16_t)n) : 0;
	l->lost += n - sent;
	rte_pktmbuf_free_bulk(out + sent, n - sent);
	return n;
}

static void
run(struct link *l)
{
	unsigned int idle = 0;
	char c;

	for (;;) {
		if (to_linux(l) + to_appliance(l) > 0) {
			idle = 0;
			continue;
		}
		/* The client and the appliance may live on the same CPU. */
		(void)sched_yield();
		if (++idle % IDLE_ROUNDS == 0 && read(STDIN_FILENO, &c, 1) == 0)
			return;
	}
}

static int
start(struct link *l, char **argv)
{
	const struct eal_params eal = {
		.workers = 1,
		.memory_bytes = mbuf_pool_bytes(PACKETS, port_payload_bytes(MTU)),
		.memory = EAL_MEMORY_NORMAL,
	};
	const struct mbuf_pool_params pool = {
		.name = "link",
		.count = PACKETS,
		.payload_max = port_payload_bytes(MTU),
		.socket = SOCKET_ID_ANY,
		.oversubscribed = true,
	};
	struct eal_facts facts;
	struct io_error err;

	if (eal_start(&eal, &facts, &err) != 0 || mbuf_pool_create(&pool, &l->pool, &err) != 0) {
		fprintf(stderr, "error: %s\n", err.text);
		return -1;
	}
	l->tap = open_tap(argv[2]);
	if (l->tap < 0 || open_vhost(l, argv[1], strcmp(argv[3], "on") == 0) != 0) {
		fprintf(stderr, "error: no tap or no vhost port\n");
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct link l;

	if (argc != 4) {
		fputs("usage: tso_link SOCKET TAP on|off\n", stderr);
		return 2;
	}
	if (start(&l, argv) != 0)
		return 2;
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	puts("READY");
	(void)fflush(stdout);
	run(&l);
	printf("{\"to_linux\": %" PRIu64 ", \"long\": %" PRIu64 ", \"longest\": %" PRIu64
	       ", \"lost\": %" PRIu64 "}\n", l.to_linux, l.long_packets, l.longest, l.lost);
	(void)rte_eth_dev_stop(l.port);
	eal_stop();
	return 0;
}
