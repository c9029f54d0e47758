/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire between an appliance on vhost and a Linux client on a tap, and a flood on that wire. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/flood_frames.h"
#include "io/eal.h"
#include "io/mbuf.h"
#include "io/port.h"
#include "io/tsc_clock.h"

/*
 * flood_link SOCKET TAP SERVER_MAC CLIENT_MAC SERVER CLIENT
 *
 * Prints READY, then takes orders from its standard input, a line each: "syn 500000" floods at so
 * many frames a second, 0 as fast as it can, "none 0" ends that, an empty line asks. Each is
 * answered with one line of JSON: what has passed so far. It ends with its input.
 *
 * A flood is 65,536 frames over and over, made beforehand, so that more can be offered than an
 * appliance takes.
 *
 * Frames of the flood and of the client stand in one queue, in random order. What finds no place in
 * the appliance's receive ring is lost, whoever sent it, as in a NIC.
 */
#define PACKETS 16384u
#define BURST 32u
#define MTU 1500u
#define FRAMES 65536u
/* Frames that may be behind schedule: what a wire would still deliver after a pause. */
#define BEHIND_MAX 256u
/* Bursts of answers taken in a row: after a pause they must not stand in the way of more. */
#define ANSWERS_MAX 8u
/* Rounds between two looks for an order. */
#define ORDER_ROUNDS 1024u

struct flood_frame {
	uint8_t b[FLOOD_FRAME_MAX];
	uint16_t len;
};

struct totals {
	uint64_t sent, sent_bytes; /* of the flood, taken by the ring */
	uint64_t lost; /* of the flood, found no place */
	uint64_t client_sent, client_lost;
	uint64_t back, back_bytes; /* answers to the flood */
	uint64_t client_got;
};

struct wire {
	struct port nic, tap;
	struct rte_mempool *pool;
	struct tsc_clock clock;
	struct flood_path path;
	uint32_t client; /* host order */
	struct rng rng;
	enum flood_kind kind;
	uint64_t rate; /* frames/s; 0: as fast as it can */
	uint64_t owed_ppm, last_us; /* millionths of frames */
	struct flood_frame frames[FRAMES];
	unsigned int next;
	/* One frame of the flood is as good as another: those that were lost are sent instead of
	 * the next, so that losing one costs nothing and more can be offered than is taken. */
	struct rte_mbuf *spare[BURST];
	unsigned int spares;
	struct totals t;
};

/* --- the appliance's direction --------------------------------------------------------------- */

/* How many frames of the flood are due. */
static unsigned int
due(struct wire *w, uint64_t now_us)
{
	unsigned int n;

	if (w->kind == FLOOD_NONE)
		return 0;
	if (w->rate == 0)
		return BURST;
	w->owed_ppm = min_u64(
		w->owed_ppm + (now_us - w->last_us) * w->rate, (uint64_t)BEHIND_MAX * 1000000);
	n = (unsigned int)min_u64(w->owed_ppm / 1000000, BURST);
	w->owed_ppm -= (uint64_t)n * 1000000;
	return n;
}

/* Marks a frame of the flood while it stands in the queue. */
static bool
is_flood(const struct rte_mbuf *m)
{
	return m->port == UINT16_MAX;
}

static unsigned int
add_flood(struct wire *w, struct rte_mbuf **out, unsigned int n)
{
	unsigned int again = min_u32(n, w->spares);

	w->spares -= again;
	memcpy(out, w->spare + w->spares, again * sizeof(out[0]));
	if (n > again && rte_pktmbuf_alloc_bulk(w->pool, out + again, n - again) != 0)
		return again;
	for (unsigned int i = again; i < n; i++) {
		const struct flood_frame *f = &w->frames[w->next++ % FRAMES];

		memcpy(rte_pktmbuf_mtod(out[i], uint8_t *), f->b, sizeof(f->b));
		out[i]->data_len = f->len;
		out[i]->pkt_len = f->len;
		out[i]->port = UINT16_MAX;
	}
	return n;
}

/* Each place is as good as the next for the client's frames. */
static void
shuffle(struct wire *w, struct rte_mbuf **out, unsigned int flood, unsigned int n)
{
	for (unsigned int i = flood; i < n; i++) {
		unsigned int at = rng_below(&w->rng, i + 1);
		struct rte_mbuf *m = out[at];

		out[at] = out[i];
		out[i] = m;
	}
}

static void
lose(struct wire *w, struct rte_mbuf *m)
{
	if (!is_flood(m)) {
		w->t.client_sent--;
		w->t.client_lost++;
		rte_pktmbuf_free(m);
		return;
	}
	w->t.sent--;
	w->t.sent_bytes -= m->pkt_len;
	w->t.lost++;
	if (w->spares < BURST && w->kind != FLOOD_NONE)
		w->spare[w->spares++] = m;
	else
		rte_pktmbuf_free(m);
}

static unsigned int
to_appliance(struct wire *w, uint64_t now_us)
{
	struct rte_mbuf *out[2 * BURST];
	unsigned int flood = add_flood(w, out, due(w, now_us));
	unsigned int n = flood + rte_eth_rx_burst(w->tap.id, 0, out + flood, BURST);
	unsigned int taken;

	if (n == 0)
		return 0;
	shuffle(w, out, flood, n);
	/* The device may free what it takes: look before. */
	for (unsigned int i = 0; i < n; i++) {
		w->t.sent += is_flood(out[i]);
		w->t.client_sent += !is_flood(out[i]);
		w->t.sent_bytes += is_flood(out[i]) ? out[i]->pkt_len : 0;
	}
	taken = rte_eth_tx_burst(w->nic.id, 0, out, (uint16_t)n);
	for (unsigned int i = taken; i < n; i++)
		lose(w, out[i]);
	return n;
}

/* --- the client's direction ------------------------------------------------------------------ */

/* IPv4 to somebody else can only be an answer to the flood. */
static bool
is_for_client(const struct wire *w, const struct rte_mbuf *m)
{
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

	return m->data_len < 34 || load_be16(b + 12) != 0x0800 || load_be32(b + 30) == w->client;
}

static unsigned int
burst_to_client(struct wire *w)
{
	struct rte_mbuf *in[BURST], *out[BURST];
	unsigned int n = rte_eth_rx_burst(w->nic.id, 0, in, BURST);
	unsigned int count = 0, taken;

	for (unsigned int i = 0; i < n; i++) {
		if (is_for_client(w, in[i])) {
			out[count++] = in[i];
			continue;
		}
		w->t.back++;
		w->t.back_bytes += in[i]->pkt_len;
		rte_pktmbuf_free(in[i]);
	}
	if (count == 0)
		return n;
	taken = rte_eth_tx_burst(w->tap.id, 0, out, (uint16_t)count);
	w->t.client_got += taken;
	rte_pktmbuf_free_bulk(out + taken, count - taken);
	return n;
}

/* All that is there. */
static unsigned int
to_client(struct wire *w)
{
	unsigned int moved = 0;

	for (unsigned int i = 0; i < ANSWERS_MAX && moved == i * BURST; i++)
		moved += burst_to_client(w);
	return moved;
}

/* --- orders ---------------------------------------------------------------------------------- */

static void
answer(const struct wire *w, uint64_t now_us)
{
	const struct totals *t = &w->t;

	printf("{\"us\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"sent_bytes\": %" PRIu64
	       ", \"lost\": %" PRIu64 ", \"back\": %" PRIu64 ", \"back_bytes\": %" PRIu64
	       ", \"client_sent\": %" PRIu64 ", \"client_lost\": %" PRIu64
	       ", \"client_got\": %" PRIu64 "}\n",
		now_us, t->sent, t->sent_bytes, t->lost, t->back, t->back_bytes, t->client_sent,
		t->client_lost, t->client_got);
	(void)fflush(stdout);
}

static void
obey(struct wire *w, enum flood_kind kind, uint64_t rate)
{
	for (unsigned int i = 0; i < FRAMES && kind != FLOOD_NONE; i++)
		w->frames[i].len = flood_frame_write(w->frames[i].b, kind, &w->path, &w->rng);
	w->kind = kind;
	w->rate = rate;
	w->owed_ppm = 0;
	rte_pktmbuf_free_bulk(w->spare, w->spares);
	w->spares = 0;
}

/* Returns false when there will be no more. */
static bool
take_order(struct wire *w, uint64_t now_us)
{
	char line[64], word[16];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
	enum flood_kind kind;
	uint64_t rate;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	line[n] = '\0';
	if (sscanf(line, "%15s %" SCNu64, word, &rate) == 2 && flood_kind_parse(word, &kind))
		obey(w, kind, rate);
	answer(w, now_us);
	return true;
}

static void
run(struct wire *w)
{
	w->last_us = tsc_clock_now(&w->clock);
	for (unsigned int round = 0;; round++) {
		uint64_t now_us = tsc_clock_now(&w->clock);
		unsigned int moved = to_appliance(w, now_us) + to_client(w);

		w->last_us = now_us;
		if (round % ORDER_ROUNDS == 0 && !take_order(w, now_us))
			return;
		/* The client may live on the same CPU. */
		if (moved == 0)
			(void)sched_yield();
	}
}

/* --- life ------------------------------------------------------------------------------------ */

static int
open_port(struct wire *w, struct port *port, enum port_type type, const char *device,
	struct io_error *err)
{
	const struct port_params par = {
		.name = type == PORT_TYPE_TAP ? "tap" : "nic",
		.type = type,
		.device = device,
		.queues = 1,
		.rx_descriptors = 4096,
		.tx_descriptors = 4096,
		.mtu = MTU,
		.mac = w->path.client_mac,
	};
	int rc = port_attach(port, &par, err);

	return rc == 0 ? port_start(port, w->pool, err) : rc;
}

static int
start(struct wire *w, const char *nic, const char *tap, struct io_error *err)
{
	const unsigned int payload = port_payload_bytes(MTU);
	const struct eal_params eal = {
		.workers = 1,
		.memory_bytes = mbuf_pool_bytes(PACKETS, payload),
		.memory = EAL_MEMORY_NORMAL,
	};
	const struct mbuf_pool_params pool = {
		.name = "wire",
		.count = PACKETS,
		.payload_max = payload,
		.socket = SOCKET_ID_ANY,
		.oversubscribed = true,
	};
	struct eal_facts facts;
	int rc = eal_start(&eal, &facts, err);

	if (rc == 0)
		rc = mbuf_pool_create(&pool, &w->pool, err);
	if (rc == 0)
		rc = open_port(w, &w->tap, PORT_TYPE_TAP, tap, err);
	if (rc == 0)
		rc = open_port(w, &w->nic, PORT_TYPE_VIRTIO_USER, nic, err);
	return rc;
}

static bool
parse_ip4(const char *text, uint32_t *out)
{
	struct ip_addr addr;

	if (ip_addr_parse(&addr, text, strlen(text)) != 0 || !ip_addr_is_v4(&addr))
		return false;
	*out = load_be32(addr.b + 12);
	return true;
}

int
main(int argc, char **argv)
{
	static struct wire w;
	struct io_error err;

	if (argc != 7 || mac_addr_parse(&w.path.server_mac, argv[3], strlen(argv[3])) != 0 ||
		mac_addr_parse(&w.path.client_mac, argv[4], strlen(argv[4])) != 0 ||
		!parse_ip4(argv[5], &w.path.server) || !parse_ip4(argv[6], &w.client)) {
		fputs("usage: flood_link SOCKET TAP SERVER_MAC CLIENT_MAC SERVER CLIENT\n", stderr);
		return 2;
	}
	w.path.port = 80;
	rng_seed(&w.rng, 1);
	if (start(&w, argv[1], argv[2], &err) != 0) {
		fprintf(stderr, "error: %s\n", err.text);
		return 2;
	}
	tsc_clock_start(&w.clock);
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	puts("READY");
	(void)fflush(stdout);
	run(&w);
	port_close(&w.nic);
	port_close(&w.tap);
	eal_stop();
	return 0;
}
