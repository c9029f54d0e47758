/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames put on the wire of an appliance on net_vhost, each in as many buffers as is asked for. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/eal.h"
#include "io/mbuf.h"
#include "io/port.h"

/*
 * vhost_wire SOCKET
 *
 * Each line of standard input is a frame: the lengths of its buffers but the last, with commas, or
 * 0 for one buffer; a blank; the frame in hex. After the last it listens for WAIT_MS and prints
 * what came back, a frame a line, in hex.
 */
#define PACKETS 1024u
#define MTU 9000u
#define LINE_LEN 40000
#define FRAME_MAX 9100u
#define PIECES_MAX 64u
#define LINK_MS 5000u
#define WAIT_MS 500u

struct wire {
	struct eal_facts eal;
	struct port port;
	struct rte_mempool *pool;
};

static int
open_wire(struct wire *w, const char *socket, struct io_error *err)
{
	const unsigned int payload = port_payload_bytes(MTU);
	const struct eal_params eal = {
		.workers = 1,
		.memory_bytes = mbuf_pool_bytes(PACKETS, payload),
		.memory = EAL_MEMORY_NORMAL,
	};
	const struct port_params port = {
		.name = "wire",
		.type = PORT_TYPE_VIRTIO_USER,
		.device = socket,
		.queues = 1,
		.rx_descriptors = 256,
		.tx_descriptors = 256,
		.mtu = MTU,
		.mac = { { 0x02, 0, 0, 0, 0x99, 0x02 } },
	};
	const struct mbuf_pool_params pool = {
		.name = "wire",
		.count = PACKETS,
		.payload_max = payload,
		.socket = SOCKET_ID_ANY,
		.oversubscribed = true,
	};
	int rc = eal_start(&eal, &w->eal, err);

	if (rc == 0)
		rc = mbuf_claim_app_area(err);
	if (rc == 0)
		rc = port_attach(&w->port, &port, err);
	if (rc == 0)
		rc = mbuf_pool_create(&pool, &w->pool, err);
	return rc == 0 ? port_start(&w->port, w->pool, err) : rc;
}

static unsigned int
hex_read(const char *text, uint8_t *out, unsigned int max)
{
	unsigned int len = 0;
	unsigned int byte;

	while (len < max && sscanf(text + 2 * (size_t)len, "%2x", &byte) == 1)
		out[len++] = (uint8_t)byte;
	return len;
}

/* The next buffer of a frame; all of them are freed if there is none. */
static struct rte_mbuf *
piece_add(struct wire *w, struct rte_mbuf *head, const uint8_t *data, unsigned int len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m == NULL) {
		rte_pktmbuf_free(head);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	if (head == NULL)
		return m;
	return rte_pktmbuf_chain(head, m) == 0 ? head : NULL;
}

/* 0, or -1: the line makes no sense, or the port does not take the frame. */
static int
line_send(struct wire *w, const char *line)
{
	uint8_t frame[FRAME_MAX];
	const char *hex = strchr(line, ' ');
	struct rte_mbuf *head = NULL;
	unsigned int len, at = 0, pieces = 0;

	if (hex == NULL)
		return -1;
	len = hex_read(hex + 1, frame, sizeof(frame));
	while (at < len && pieces++ < PIECES_MAX) {
		char *end;
		unsigned int take = (unsigned int)strtoul(line, &end, 10);

		if (take == 0 || take > len - at)
			take = len - at;
		head = piece_add(w, head, frame + at, take);
		if (head == NULL)
			return -1;
		at += take;
		/* Behind the last length comes the rest. */
		line = *end == ',' ? end + 1 : hex;
	}
	return rte_eth_tx_burst(w->port.id, 0, &head, 1) == 1 ? 0 : -1;
}

static void
pause_ms(unsigned int ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

static bool
wait_link(const struct wire *w)
{
	struct port_status status;

	for (unsigned int ms = 0; ms < LINK_MS; ms += 10) {
		port_read_status(&w->port, &status);
		if (status.is_up)
			return true;
		pause_ms(10);
	}
	return false;
}

static void
print_back(struct wire *w)
{
	struct rte_mbuf *m;

	for (unsigned int ms = 0; ms < WAIT_MS; ms++) {
		while (rte_eth_rx_burst(w->port.id, 0, &m, 1) == 1) {
			for (unsigned int i = 0; i < m->data_len; i++)
				printf("%02x", rte_pktmbuf_mtod(m, const uint8_t *)[i]);
			putchar('\n');
			rte_pktmbuf_free(m);
		}
		pause_ms(1);
	}
}

int
main(int argc, char **argv)
{
	static struct wire w;
	static char line[LINE_LEN];
	struct io_error err;
	int code = 0;

	if (argc != 2) {
		fputs("usage: vhost_wire SOCKET < FRAMES\n", stderr);
		return 2;
	}
	if (open_wire(&w, argv[1], &err) != 0) {
		fprintf(stderr, "error: %s\n", err.text);
		return 2;
	}
	if (!wait_link(&w))
		code = 1;
	while (code == 0 && fgets(line, sizeof(line), stdin) != NULL)
		code = line_send(&w, line) == 0 ? 0 : 1;
	if (code == 0)
		print_back(&w);
	else
		fputs("error: no link, or a frame that cannot be sent\n", stderr);
	port_close(&w.port);
	eal_stop();
	return code;
}
