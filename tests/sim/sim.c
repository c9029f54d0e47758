/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock, the queue of events, and the nodes that take part. */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/view.h"
#include "sim/invariants.h"

#define SIM_NET 0x0a000000u /* 10.0.0.0/16 */

uint32_t
sim_below(struct sim *sim, uint32_t n)
{
	return rng_below(&sim->rng, n);
}

bool
sim_chance(struct sim *sim, uint32_t ppm)
{
	return ppm > 0 && rng_chance_ppm(&sim->rng, ppm);
}

/* --- the queue: a binary heap by time, then by order of making ------------------------------ */

/* Where frames fare apart, what was made first depends on the others: there frames come first. */
static bool
is_before(const struct sim *sim, const struct sim_event *a, const struct sim_event *b)
{
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us;
	if (sim->is_apart != NULL && a->kind != b->kind)
		return a->kind < b->kind;
	return a->order < b->order;
}

static void
push(struct sim *sim, struct sim_event ev)
{
	size_t i = sim->heap_count++;

	if (sim->heap_count > sim->heap_cap) {
		sim->heap_cap = sim->heap_cap * 2 + 1024;
		sim->heap = realloc(sim->heap, sim->heap_cap * sizeof(*sim->heap));
		CHECK(sim->heap != NULL, "out of memory");
	}
	CHECK(ev.at_us >= sim->now_us, "an event in the past");
	ev.order = sim->order++;
	while (i > 0 && is_before(sim, &ev, &sim->heap[(i - 1) / 2])) {
		sim->heap[i] = sim->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->heap[i] = ev;
}

static struct sim_event
pop(struct sim *sim)
{
	struct sim_event top = sim->heap[0], last = sim->heap[--sim->heap_count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sim->heap_count)
			break;
		if (child + 1 < sim->heap_count &&
			is_before(sim, &sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!is_before(sim, &sim->heap[child], &last))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return top;
}

void
sim_call_at(struct sim *sim, uint64_t at_us, sim_call_fn *fn, void *ctx)
{
	push(sim, (struct sim_event){ .at_us = at_us, .kind = SIM_CALL, .fn = fn, .ctx = ctx });
}

void
sim_schedule_frame(struct sim *sim, uint64_t at_us, struct sim_node *to, struct sim_frame *frame)
{
	push(sim, (struct sim_event){ .at_us = at_us,
			  .kind = frame->last_hop ? SIM_FRAME : SIM_HOP,
			  .node = to,
			  .frame = frame });
}

static void
wake_at(struct sim *sim, struct sim_node *node, uint64_t at_us)
{
	if (at_us >= node->wake_at_us)
		return;
	node->wake_at_us = at_us;
	if (at_us != SIM_NEVER)
		push(sim, (struct sim_event){ .at_us = at_us, .kind = SIM_WAKE, .node = node });
}

/* --- frames --------------------------------------------------------------------------------- */

struct sim_frame *
sim_frame_new(struct sim_node *from, const uint8_t *buf, size_t len)
{
	struct sim_frame *f = malloc(sizeof(*f) + len);

	CHECK(f != NULL, "out of memory");
	f->from = from;
	f->at = from != NULL ? (uint8_t)from->at : 0;
	f->last_hop = false;
	f->len = (uint32_t)len;
	memcpy(f->bytes, buf, len);
	return f;
}

void
sim_send(struct sim *sim, struct sim_node *from, const uint8_t *buf, size_t len)
{
	for (unsigned int i = 0; i < sim->node_count; i++) {
		struct sim_node *to = sim->nodes[i];

		if (to == from || to->leader != to)
			continue;
		if ((buf[0] & 1) == 0 && memcmp(buf, to->mac.b, 6) != 0)
			continue;
		route_forward(sim, to, sim_frame_new(from, buf, len));
	}
}

void
sim_emit(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct sim *sim = node->sim;

	watch_sent(node->watch, sim->now_us, buf, len);
	if (sim->tap != NULL)
		sim->tap(sim->tap_ctx, node, buf, len);
	sim_send(sim, node->leader, buf, len);
}

/* The worker's port: whatever it sends goes to the switch at once. */
static void
on_out(void *ctx, const uint8_t *buf, size_t len)
{
	struct sim_node *node = ctx;
	const struct sim_tamper *tamper = node->sim->tamper;

	if (tamper != NULL && tamper->out != NULL)
		tamper->out(node, buf, len);
	else
		sim_emit(node, buf, len);
}

/* FNV-1a, eight bytes at a time. */
static void
hash_add(struct sim *sim, uint64_t v)
{
	sim->hash = (sim->hash ^ v) * 0x100000001b3ULL;
	sim->hash ^= sim->hash >> 29;
}

static void
hash_frame(struct sim *sim, const struct sim_node *node, const struct sim_frame *f)
{
	uint64_t v;
	uint32_t i;

	hash_add(sim, sim->now_us);
	hash_add(sim, (uint64_t)node->idx << 32 | f->len);
	for (i = 0; i + 8 <= f->len; i += 8) {
		memcpy(&v, f->bytes + i, 8);
		hash_add(sim, v);
	}
	v = 0;
	memcpy(&v, f->bytes + i, f->len - i);
	hash_add(sim, v);
}

/* --- nodes ---------------------------------------------------------------------------------- */

static void
after_step(struct sim *sim, struct sim_node *node)
{
	bool deep = sim->deep_every > 0 && sim->events % sim->deep_every == 0;

	node->steps++;
	host_check(node->host, deep);
	/* The old wake-up may be too early now: it does no harm, but only one counts. */
	node->wake_at_us = SIM_NEVER;
	wake_at(sim, node, host_next_at(node->host));
	if (node->rx_count > 0 && !node->stalled)
		wake_at(sim, node, sim->now_us + node->coalesce_us);
}

void
sim_enter(struct sim *sim, struct sim_node *node)
{
	sim->busy = node;
	if (sim_chance(sim, node->alloc_fail_ppm))
		node->host->pkts.fail_nth = 1 + sim_below(sim, 8);
	host_run(node->host, sim->now_us);
}

void
sim_leave(struct sim *sim, struct sim_node *node)
{
	sim->busy = node;
	host_run(node->host, sim->now_us);
	after_step(sim, node);
}

static void
receive(struct sim *sim, struct sim_node *node)
{
	const uint8_t *bufs[WORKER_BURST_MAX];
	size_t lens[WORKER_BURST_MAX];
	unsigned int done = 0;

	while (done < node->rx_count) {
		unsigned int n = 0;

		for (; n < WORKER_BURST_MAX && done + n < node->rx_count; n++) {
			bufs[n] = node->rx[done + n]->bytes;
			lens[n] = node->rx[done + n]->len;
		}
		watch_burst(node->watch, sim->now_us, bufs, lens, n);
		host_rx(node->host, sim->now_us, bufs, lens, n);
		if (sim->tamper != NULL && sim->tamper->in != NULL)
			for (unsigned int i = 0; i < n; i++)
				sim->tamper->in(node, bufs[i], lens[i]);
		done += n;
	}
	for (unsigned int i = 0; i < node->rx_count; i++)
		free(node->rx[i]);
	node->rx_count = 0;
}

/* Everything a node has to do now: what arrived, then timers, callbacks and output. */
static void
run_node(struct sim *sim, struct sim_node *node)
{
	sim->busy = node;
	if (sim_chance(sim, node->alloc_fail_ppm))
		node->host->pkts.fail_nth = 1 + sim_below(sim, 8);
	if (node->rx_count > 0 && !node->stalled)
		receive(sim, node);
	sim_leave(sim, node);
	watch_step_end(node->watch);
}

/* What a port that nobody empties has room for. */
#define RX_RING 1024u

static void
enqueue(struct sim *sim, struct sim_node *node, struct sim_frame *frame)
{
	if (node->rx_count == node->rx_cap) {
		node->rx_cap = node->rx_cap * 2 + 64;
		node->rx = realloc(node->rx, node->rx_cap * sizeof(struct sim_frame *));
		CHECK(node->rx != NULL, "out of memory");
	}
	if (node->stalled && node->rx_count >= RX_RING) {
		free(frame);
		return;
	}
	node->rx[node->rx_count++] = frame;
	if (node->coalesce_us == 0)
		run_node(sim, node);
	else
		wake_at(sim, node, sim->now_us + node->coalesce_us);
}

/* To the worker that owns the frame's flow, or to all of the machine's. */
static void
hand_over(struct sim *sim, struct sim_node *leader, struct sim_frame *frame)
{
	struct pkt p = { .buf = frame->bytes, .data_off = 0 }, *one = &p;
	uint32_t owner = 0;

	if (leader->steer.workers > 1) {
		pkt_set_len(&p, (uint16_t)frame->len);
		steer_burst(&leader->steer, &one, 1, &owner);
	}
	for (unsigned int i = 0; owner == STEER_ALL && i < leader->steer.workers; i++)
		if (i + 1 < leader->steer.workers)
			enqueue(sim, sim->nodes[leader->idx + i],
				sim_frame_new(frame->from, frame->bytes, frame->len));
		else
			owner = i;
	enqueue(sim, sim->nodes[leader->idx + owner], frame);
}

static void
arrive(struct sim *sim, struct sim_node *node, struct sim_frame *frame)
{
	hash_frame(sim, node, frame);
	if (sim->pcap != NULL)
		pcap_write(sim->pcap, sim->now_us, frame->bytes, frame->len);
	if (node->raw != NULL)
		node->raw(sim, node->raw_ctx, frame->bytes, frame->len);
	if (node->raw != NULL || node->down)
		free(frame);
	else
		hand_over(sim, node, frame);
}

bool
sim_step(struct sim *sim, uint64_t until_us)
{
	struct sim_event ev;

	if (sim->heap_count == 0 || sim->heap[0].at_us > until_us) {
		sim->now_us = max_u64(sim->now_us, until_us);
		return false;
	}
	ev = pop(sim);
	sim->now_us = ev.at_us;
	sim->events++;
	switch (ev.kind) {
	case SIM_FRAME:
		arrive(sim, ev.node, ev.frame);
		break;
	case SIM_HOP:
		route_forward(sim, ev.node, ev.frame);
		break;
	case SIM_WAKE:
		if (ev.node->wake_at_us == ev.at_us)
			run_node(sim, ev.node);
		break;
	case SIM_CALL:
		ev.fn(sim, ev.ctx);
		break;
	}
	return true;
}

static struct sim_node *
add_node(struct sim *sim, const struct link_params *link)
{
	struct sim_node *node = calloc(1, sizeof(*node));

	CHECK(node != NULL, "out of memory");
	CHECK(sim->node_count < SIM_NODES_MAX, "too many nodes");
	node->idx = sim->node_count;
	node->sim = sim;
	node->ip4 = SIM_NET + node->idx + 1;
	node->mac = (struct mac_addr){ { 0x02, 0, 0, 0, 0, (uint8_t)(node->idx + 1) } };
	node->link.par = *link;
	node->leader = node;
	node->wake_at_us = SIM_NEVER;
	rng_seed(&node->link.apart_rng, sim->seed ^ (uint64_t)node->idx << 32);
	sim->nodes[sim->node_count++] = node;
	return node;
}

static void
boot(struct sim *sim, struct sim_node *node)
{
	node->par.start_us = sim->now_us;
	node->host = malloc(sizeof(*node->host));
	CHECK(node->host != NULL, "out of memory");
	host_init(node->host, &node->par, on_out, node);
	wake_at(sim, node, host_next_at(node->host));
}

static void
add_ip6(struct sim_node *node, struct local_addrs *local)
{
	static const uint8_t net[16] = { 0xfd };

	memcpy(node->ip6, net, sizeof(net));
	node->ip6[15] = (uint8_t)(node->idx + 1);
	memcpy(local->addr[local->count].b, node->ip6, 16);
	local->prefix_len[local->count++] = 64;
}

struct sim_node *
sim_add_host(struct sim *sim, struct host_params *par, const struct link_params *link)
{
	struct sim_node *node = add_node(sim, link);

	par->mac = node->mac;
	par->seed = rng_u64(&sim->rng);
	par->local.count = 1;
	par->local.addr[0] = ip_addr_from_v4(node->ip4);
	par->local.prefix_len[0] = 16;
	if (par->with_ip6)
		add_ip6(node, &par->local);
	node->par = *par;
	node->steer.workers = node->steer.queues = 1;
	node->steer.local = &node->par.local;
	node->self = (struct steer_self){ &node->steer, 0 };
	if (par->workers > 1) {
		node->par.is_mine = steer_is_mine;
		node->par.is_mine_ctx = &node->self;
	}
	node->watch = watch_new(node);
	boot(sim, node);
	return node;
}

struct sim_node *
sim_add_worker(struct sim *sim, struct sim_node *leader)
{
	static const struct link_params none;
	struct sim_node *node = add_node(sim, &none);

	CHECK(node->idx == leader->idx + leader->steer.workers, "workers stand in a row");
	CHECK(node->idx < leader->idx + leader->par.workers, "more workers than the machine has");
	node->leader = leader;
	node->mac = leader->mac;
	node->ip4 = leader->ip4;
	memcpy(node->ip6, leader->ip6, sizeof(node->ip6));
	node->at = leader->at;
	node->coalesce_us = leader->coalesce_us;
	node->alloc_fail_ppm = leader->alloc_fail_ppm;
	node->watch = leader->watch;
	node->par = leader->par;
	node->par.worker = node->idx - leader->idx;
	leader->steer.workers = leader->steer.queues = node->par.worker + 1;
	node->self = (struct steer_self){ &leader->steer, node->par.worker };
	node->par.is_mine_ctx = &node->self;
	boot(sim, node);
	return node;
}

void
sim_stop_host(struct sim *sim, struct sim_node *leader)
{
	for (unsigned int i = 0; i < leader->steer.workers; i++) {
		struct sim_node *node = sim->nodes[leader->idx + i];

		while (node->rx_count > 0)
			free(node->rx[--node->rx_count]);
		host_fini(node->host);
		free(node->host);
		node->host = NULL;
		node->down = true;
		node->wake_at_us = SIM_NEVER;
	}
	watch_restart(leader->watch);
}

void
sim_start_host(struct sim *sim, struct sim_node *leader)
{
	uint64_t seed = rng_u64(&sim->rng);

	leader->steer.key = (struct siphash_key){ { rng_u64(&sim->rng), rng_u64(&sim->rng) } };
	for (unsigned int i = 0; i < leader->steer.workers; i++) {
		struct sim_node *node = sim->nodes[leader->idx + i];

		node->par.seed = seed;
		node->down = node->stalled = false;
		boot(sim, node);
	}
}

void
sim_stall_port(struct sim *sim, struct sim_node *leader, bool stalled)
{
	for (unsigned int i = 0; i < leader->steer.workers; i++) {
		struct sim_node *node = sim->nodes[leader->idx + i];

		if (node->down || node->stalled == stalled)
			continue;
		node->stalled = node->host->stalled = stalled;
		if (!stalled)
			run_node(sim, node);
	}
}

struct sim_node *
sim_add_raw(struct sim *sim, const struct link_params *link, sim_raw_fn *fn, void *ctx)
{
	struct sim_node *node = add_node(sim, link);

	node->raw = fn;
	node->raw_ctx = ctx;
	return node;
}

void
sim_init(struct sim *sim, uint64_t seed, uint64_t start_us)
{
	memset(sim, 0, sizeof(*sim));
	sim->seed = seed;
	rng_seed(&sim->rng, seed);
	sim->now_us = sim->start_us = start_us;
	sim->hash = 0xcbf29ce484222325ULL;
	sim->deep_every = 64;
}

static void
free_node(struct sim_node *node)
{
	for (unsigned int i = 0; i < node->rx_count; i++)
		free(node->rx[i]);
	free(node->rx);
	if (node->host != NULL) {
		host_fini(node->host);
		free(node->host);
	}
}

void
sim_fini(struct sim *sim)
{
	/* Closing a worker tells its applications, which may still schedule something. */
	for (unsigned int i = 0; i < sim->node_count; i++)
		free_node(sim->nodes[i]);
	for (unsigned int i = 0; i < sim->node_count; i++) {
		struct sim_node *node = sim->nodes[i];

		if (node->watch != NULL && node->leader == node)
			watch_free(node->watch);
	}
	for (unsigned int i = 0; i < sim->node_count; i++)
		free(sim->nodes[i]);
	for (size_t i = 0; i < sim->heap_count; i++)
		if (sim->heap[i].kind == SIM_FRAME || sim->heap[i].kind == SIM_HOP)
			free(sim->heap[i].frame);
	free(sim->heap);
	if (sim->pcap != NULL)
		fclose(sim->pcap);
}
