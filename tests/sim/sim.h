/* SPDX-License-Identifier: BSD-3-Clause */
/* Deterministic simulation: workers on a virtual network and clock, everything from one seed. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/rng.h"
#include "io/steer.h"
#include "lib/host.h"

/*
 *	node --- link ---+
 *	node --- link ---+ switch: floods what it does not know, no delay of its own
 *	node --- link ---+
 *	                 |
 *	             up, down         a switch may have others below it: a tree
 *	                 |
 *	node --- link ---+ switch
 *
 * A link carries what the switch sends to its node, and two more join a switch with the one above;
 * all impairment happens there. Nothing reads a clock or a random source of the system, so that the
 * same seed plays the same run, frame by frame.
 *
 * Several nodes may be the workers of one machine: they share its address and its link, and each
 * frame goes to the worker that owns its flow, as the daemon steers it.
 */

#define SIM_NODES_MAX 64u
#define SIM_SWITCHES_MAX 4u
#define SIM_NEVER UINT64_MAX

/** What can go wrong with a frame on its way to a node. Zeroed: nothing, and no delay. */
struct link_params {
	uint32_t delay_us;
	uint32_t jitter_us; /* 0 .. jitter is added; may change the order */
	uint64_t rate_bps; /* 0: as fast as one likes */
	uint32_t queue_bytes; /* waiting for the rate; 0: any */
	uint32_t mark_bytes; /* from so many waiting on, ECT becomes CE (IPv4); 0: never */
	uint32_t loss_ppm, dup_ppm, corrupt_ppm;
	uint32_t reorder_ppm; /* this many frames take reorder_us longer */
	uint32_t reorder_us;
	/* Every now and then nothing passes for a while; means of the two, 0: never. */
	uint32_t partition_every_ms, partition_for_ms;
	uint32_t mtu; /* longer IP packets do not pass; 0: all do */
	bool mtu_silent; /* and no ICMP says so: a black hole */
};

struct sim;

struct sim_link {
	struct link_params par;
	uint64_t free_at_us; /* the rate's next free moment */
	uint64_t partition_at_us, partition_end_us;
	struct rng apart_rng; /* for frames whose fate is drawn apart */
	uint64_t frames, bytes, lost, dups, corrupted, marks, too_big;
};

struct sim_switch {
	unsigned int parent; /* the switch above; its own number: none */
	struct sim_link up, down; /* to and from there */
};

/** A frame on its way; one allocation. */
struct sim_frame {
	struct sim_node *from; /* NULL: a router made it */
	uint32_t len;
	uint8_t at; /* the switch it has reached */
	bool last_hop; /* on the link to its node */
	uint8_t bytes[];
};

/** What a node that is no worker does with a frame. */
typedef void sim_raw_fn(struct sim *sim, void *ctx, const uint8_t *buf, size_t len);

struct sim_node {
	unsigned int idx;
	struct sim *sim;
	struct mac_addr mac;
	uint32_t ip4; /* host order */
	uint8_t ip6[16]; /* all zero: none */
	unsigned int at; /* its switch */
	struct sim_link link;
	struct host *host; /* NULL: a raw node, or one that is down */
	struct host_params par; /* the host's: it may start again */
	struct sim_node *leader; /* whose address and link it has: worker 0, mostly itself */
	struct steer steer; /* a leader's */
	struct steer_self self;
	bool down;
	bool stalled; /* the port neither sends nor receives */
	sim_raw_fn *raw;
	void *raw_ctx;
	struct watch *watch; /* what was seen of its connections */
	unsigned int synacks_again_max; /* that a peer may get unasked (I-10) */
	uint32_t coalesce_us; /* frames are processed together at most that much later */
	struct sim_frame **rx;
	unsigned int rx_count, rx_cap;
	uint64_t wake_at_us; /* the wake-up that counts; others in the queue are stale */
	uint32_t alloc_fail_ppm; /* of its steps begin a packet allocation that fails */
	uint64_t steps;
};

enum sim_event_kind {
	SIM_FRAME, /* a frame arrives at a node */
	SIM_HOP, /* or at a switch on its way there */
	SIM_WAKE, /* a node has something to do */
	SIM_CALL, /* fn(sim, ctx) */
};

typedef void sim_call_fn(struct sim *sim, void *ctx);

struct sim_event {
	uint64_t at_us;
	uint64_t order; /* of its making: ties are broken the same way each time */
	enum sim_event_kind kind;
	struct sim_node *node;
	union {
		struct sim_frame *frame;
		struct {
			sim_call_fn *fn;
			void *ctx;
		};
	};
};

/**
 * Spoils what a node sends or knows, so that one sees the checks fail. out gets each frame instead
 * of the watcher and passes on what it likes with sim_emit(); in is told what the node receives.
 */
struct sim_tamper {
	void (*out)(struct sim_node *node, const uint8_t *buf, size_t len);
	void (*in)(struct sim_node *node, const uint8_t *buf, size_t len);
};

struct sim {
	uint64_t seed;
	struct rng rng;
	uint64_t now_us, start_us;
	struct sim_event *heap;
	size_t heap_count, heap_cap;
	uint64_t order;
	struct sim_node *nodes[SIM_NODES_MAX];
	unsigned int node_count;
	const struct sim_node *busy; /* whose turn it is, for the message of a failure */
	struct sim_switch switches[SIM_SWITCHES_MAX];
	uint64_t hash; /* over every delivered frame: time, node, bytes */
	uint64_t events;
	uint64_t deep_every; /* events between two walks over everything; 0: never */
	FILE *pcap;
	bool quiet_links; /* from now on nothing goes wrong: the end of a run */
	const struct sim_tamper *tamper; /* NULL: none */
	/* Whose fate on the links is drawn apart, so that it does not depend on other frames. */
	bool (*is_apart)(const uint8_t *buf, size_t len);
	/* Sees each frame that a worker sends. */
	void (*tap)(void *ctx, const struct sim_node *node, const uint8_t *buf, size_t len);
	void *tap_ctx;
};

void sim_init(struct sim *sim, uint64_t seed, uint64_t start_us);
void sim_fini(struct sim *sim);

/**
 * A worker at 10.0.0.0/16; par is completed with its addresses, keys and start time. The gateway,
 * if any, is whoever has gateway_ip4.
 */
struct sim_node *sim_add_host(
	struct sim *sim, struct host_params *par, const struct link_params *link);

/** One more worker of the machine that leader is worker 0 of, with par.workers of them. */
struct sim_node *sim_add_worker(struct sim *sim, struct sim_node *leader);

/** The machine of leader stops without a word to anybody, or starts with nothing it knew. */
void sim_stop_host(struct sim *sim, struct sim_node *leader);
void sim_start_host(struct sim *sim, struct sim_node *leader);

/** Its port stands still until it is told to go on: nothing is sent, what comes waits. */
void sim_stall_port(struct sim *sim, struct sim_node *leader, bool stalled);

/** A node that only sends and receives frames. */
struct sim_node *sim_add_raw(
	struct sim *sim, const struct link_params *link, sim_raw_fn *fn, void *ctx);

/** Put a frame on the network, as if node had sent it. */
void sim_send(struct sim *sim, struct sim_node *from, const uint8_t *buf, size_t len);

/** The node's port sends a frame: watched, and then put on the network. */
void sim_emit(struct sim_node *node, const uint8_t *buf, size_t len);

/** Call fn at a time that is not past. */
void sim_call_at(struct sim *sim, uint64_t at_us, sim_call_fn *fn, void *ctx);

/** Run a node's worker now, so that the public API may be called at this time; and after it. */
void sim_enter(struct sim *sim, struct sim_node *node);
void sim_leave(struct sim *sim, struct sim_node *node);

/** Process the next event if it is due until then; false: nothing is. */
bool sim_step(struct sim *sim, uint64_t until_us);

/** 0 .. n - 1 of the one random source. */
uint32_t sim_below(struct sim *sim, uint32_t n);
bool sim_chance(struct sim *sim, uint32_t ppm);

/** link.c: send frame, taken over, over the link on its way to the node; schedules its arrival. */
void link_send(
	struct sim *sim, struct sim_link *link, struct sim_node *to, struct sim_frame *frame);
/** route.c: send frame, taken over, on from the switch where it is. */
void route_forward(struct sim *sim, struct sim_node *to, struct sim_frame *frame);
/** toobig.c: tell whom the frame is from that it must be shorter (RFC 1191, RFC 4443 s3.2). */
void toobig_answer(struct sim *sim, const struct sim_frame *frame, uint32_t mtu);

struct sim_frame *sim_frame_new(struct sim_node *from, const uint8_t *buf, size_t len);
/** An arrival at that time; frame is taken over. */
void sim_schedule_frame(
	struct sim *sim, uint64_t at_us, struct sim_node *to, struct sim_frame *frame);

/** pcap.c: a classic capture file of all frames delivered. */
FILE *pcap_open(const char *path);
void pcap_write(FILE *f, uint64_t at_us, const uint8_t *buf, size_t len);

#endif
