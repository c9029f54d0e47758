/* SPDX-License-Identifier: BSD-3-Clause */
/* One sender, one receiver, a bottleneck between them, and flows that always have more to send. */
#include "sim/golden.h"

#include <string.h>

#include "lib/fail.h"
#include "sim/sim.h"
#include "sluice/sluice.h"

#define PORT 7
#define FLOW_GAP_MS 50u /* between the starts of two flows */

struct run;

struct flow {
	struct run *run;
	sluice_conn conn; /* the sender's end */
};

struct run {
	const struct golden_path *path;
	struct golden_result *res;
	struct sim sim;
	struct sim_node *from, *to;
	struct flow flows[GOLDEN_FLOWS_MAX];
	unsigned int opened, accepted;
};

/* --- the sender ----------------------------------------------------------------------------- */

static void
send_more(struct sluice *s, sluice_conn c, void *data)
{
	static const uint8_t bytes[16384];

	(void)data;
	while (sluice_send(s, c, bytes, sizeof(bytes), 0) > 0)
		;
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct flow *f = data;
	unsigned int i = (unsigned int)(f - f->run->flows);
	int number = sluice_congestion_find(f->run->path->cc[i % 2]);

	CHECK(err == 0, "connect: %d", err);
	CHECK(sluice_setopt(s, c, SLUICE_TCP_CONGESTION, number) == 0, "setopt");
	send_more(s, c, data);
}

static const struct sluice_ops sender_ops = {
	.connected = on_connected,
	.writable = send_more,
};

static void
open_next(struct sim *sim, void *ctx)
{
	struct run *run = ctx;
	struct flow *f = &run->flows[run->opened++];
	struct ip_addr ip = ip_addr_from_v4(run->to->ip4);
	struct sluice_addr remote = { .port = PORT };

	f->run = run;
	memcpy(remote.ip, ip.b, sizeof(remote.ip));
	sim_enter(sim, run->from);
	CHECK(sluice_connect(&run->from->host->w.sluice, NULL, &remote, &sender_ops, f,
		      &f->conn) == 0,
		"sluice_connect");
	sim_leave(sim, run->from);
	if (run->opened < run->path->flows)
		sim_call_at(sim, sim->now_us + FLOW_GAP_MS * 1000, open_next, run);
}

/* --- the receiver --------------------------------------------------------------------------- */

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint64_t *bytes = data;
	uint8_t buf[16384];
	ptrdiff_t n;

	while ((n = sluice_recv(s, c, buf, sizeof(buf))) > 0)
		*bytes += (uint64_t)n;
}

/* Flows begin far enough from each other that they are accepted in the order they were opened. */
static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct run *run = ctx;
	sluice_conn c;

	while (sluice_accept(s, l, &c) == 0) {
		CHECK(run->accepted < run->path->flows, "more connections than flows");
		sluice_set_data(s, c, &run->res->bytes[run->accepted++], NULL);
	}
}

static const struct sluice_ops receiver_ops = {
	.acceptable = on_acceptable,
	.readable = on_readable,
};

static void
listen_at(struct run *run, struct sim_node *node)
{
	const struct sluice_listen_params par = {
		.addr.port = PORT,
		.congestion_control = run->path->cc[0],
		.ops = &receiver_ops,
		.ctx = run,
		.name = "golden",
	};
	sluice_listener l;

	sim_enter(&run->sim, node);
	CHECK(sluice_listen(&node->host->w.sluice, &par, &l) == 0, "sluice_listen");
	sim_leave(&run->sim, node);
}

/* --- the path ------------------------------------------------------------------------------- */

static struct sim_node *
add_host(struct run *run, const struct link_params *link)
{
	struct host_params par;
	char err[TUNABLE_ERR_LEN];
	struct sim_node *node;

	host_params_default(&par);
	par.pkts = 16384;
	par.rx_exact = false;
	CHECK(tunables_set(&par.tun, "tcp_congestion_control", run->path->cc[0], err,
		      sizeof(err)) == 0,
		"%s", err);
	node = sim_add_host(&run->sim, &par, link);
	/* A final ACK may be lost in the queue. */
	node->synacks_again_max = par.tun.tcp_synack_retries;
	return node;
}

static void
play_until(struct run *run, uint64_t at_us)
{
	while (sim_step(&run->sim, at_us))
		;
}

void
golden_run(const struct golden_path *path, struct golden_result *res)
{
	const struct link_params back = { .delay_us = path->rtt_us / 2 };
	const struct link_params there = {
		.delay_us = path->rtt_us - path->rtt_us / 2,
		.rate_bps = path->rate_bps,
		.queue_bytes = path->queue_bytes,
		.mark_bytes = path->mark_bytes,
		.loss_ppm = path->loss_ppm,
	};
	struct run run = { .path = path, .res = res };
	uint64_t start_us;

	CHECK(path->flows > 0 && path->flows <= GOLDEN_FLOWS_MAX, "flows");
	memset(res, 0, sizeof(*res));
	sim_init(&run.sim, 1, 1000000);
	run.sim.deep_every = 0;
	run.to = add_host(&run, &there);
	run.from = add_host(&run, &back);
	listen_at(&run, run.to);
	start_us = run.sim.now_us;
	sim_call_at(&run.sim, start_us, open_next, &run);
	play_until(&run, start_us + (uint64_t)path->warm_ms * 1000);
	memset(res->bytes, 0, sizeof(res->bytes));
	play_until(&run, run.sim.now_us + (uint64_t)path->measured_ms * 1000);
	res->marks = run.to->link.marks;
	res->timeouts = run.from->host->w.ctr.TCPTimeouts;
	sim_fini(&run.sim);
}
