/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker on a virtual port: what the io layer is in the daemon, for scripts, sim and fuzzers.
 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/test_pkt.h"
#include "worker/worker.h"

#define HOST_RING_MAX 256u

/** Everything a host needs; host_params_default() fills in what a test does not care about. */
struct host_params {
	struct tunables tun;
	struct local_addrs local;
	struct mac_addr mac;
	struct ip_addr gateway4; /* unspecified: none */
	uint64_t seed; /* of all keys and the worker's randomness */
	uint64_t start_us;
	uint32_t park_after_ms;	/* tcp_params.park_after_ms */
	uint32_t conns_max, synq_max, timewait_max, ranges_max;
	unsigned int pkts; /* packets of the worker */
	unsigned int pkts_reserve;
	uint16_t mtu;
	bool with_ip6; /* for who chooses the addresses: one of each version */
	/* One of several workers with these addresses; frames are shared out by the caller. */
	unsigned int worker, workers;
	bool (*is_mine)(const void *ctx, const struct flow_key *key);
	const void *is_mine_ctx;
	uint32_t tx_caps; /* ENV_TX_*: what the virtual port does */
	/* Received frames: in buffers of their exact size, or in ordinary ones of the pool. */
	bool rx_exact;
	/* How long the port reads a frame after taking it, and how many it holds at most. */
	uint32_t tx_hold_us;
	unsigned int tx_ring;
};

struct host_stats {
	uint64_t frames_in, bytes_in;
	uint64_t frames_out, bytes_out;
	uint64_t rx_no_buffer; /* frames lost for want of a receive buffer */
	uint64_t steps;
};

/** A frame the port has taken and may still read. */
struct host_tx {
	struct pkt *p;
	uint8_t *copy; /* what it was when it was taken */
	uint32_t len;
	uint64_t release_us;
};

struct host {
	struct worker w;
	struct test_pkts pkts;
	struct host_params par;
	uint64_t now_us;
	bool stalled; /* the port takes nothing and gives nothing back */
	struct host_tx ring[HOST_RING_MAX];
	unsigned int ring_head, ring_count;
	unsigned int ring_bufs; /* of all frames in the ring */
	/* Where frames go; called from host_rx() and host_run(). */
	void (*out)(void *ctx, const uint8_t *buf, size_t len);
	void *out_ctx;
	struct host_stats stats;
	uint8_t wire[66000]; /* the frame on its way out */
	uint8_t piece[10240]; /* ... and a segment that was cut from it */
};

void host_params_default(struct host_params *par);

/** Add a local address with its prefix, in text: "192.0.2.1", 24. */
void host_params_add_addr(struct host_params *par, const char *addr, uint8_t prefix_len);

void host_init(struct host *h, const struct host_params *par,
	void (*out)(void *ctx, const uint8_t *buf, size_t len), void *out_ctx);

/** Aborts what is left, then checks that no packet was lost. */
void host_fini(struct host *h);

/** Receive n frames at once (any n), at time now_us; the bytes stay the caller's. */
void host_rx(struct host *h, uint64_t now_us, const uint8_t *const *bufs, const size_t *lens,
	unsigned int n);

/** Everything that is due at now_us: timers, callbacks, output. */
void host_run(struct host *h, uint64_t now_us);

/** When host_run() is due next; never earlier than the last now_us. UINT64_MAX: never. */
uint64_t host_next_at(const struct host *h);

/** The cheap invariants; deep: also the engine's walk over everything. */
void host_check(const struct host *h, bool deep);

/** Nothing may be left: no connection, no timer, no packet. */
void host_check_idle(const struct host *h);

#endif
