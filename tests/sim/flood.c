/* SPDX-License-Identifier: BSD-3-Clause */
/* Forged segments at a steady rate; the answers are counted, never answered. */
#include "sim/flood.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/view.h"

#define FORGED_NET 0xc6336400u /* 198.51.100.0/24; the attacker uses 65536 addresses from there */

struct flood {
	struct sim *sim;
	struct flood_params par;
	struct sim_node *node, *victim;
	struct flood_counts counts;
	uint16_t port;
	bool running;
};

/* The gateway answers ARP for itself; everything else that comes is an answer to the flood. */
static void
on_frame(struct sim *sim, void *ctx, const uint8_t *buf, size_t len)
{
	struct flood *f = ctx;
	struct view v, a = { .kind = VIEW_ARP, .arp_op = 2 };
	uint8_t reply[128];
	size_t n;

	if (view_parse(buf, len, &v) == VIEW_ARP) {
		if (v.arp_op != 1 || load_be32(v.dst + 12) != f->node->ip4)
			return;
		memcpy(a.dst_mac, v.src_mac, 6);
		memcpy(a.src_mac, f->node->mac.b, 6);
		memcpy(a.arp_sha, f->node->mac.b, 6);
		memcpy(a.arp_tha, v.arp_sha, 6);
		memcpy(a.src, v.dst, 16);
		memcpy(a.dst, v.src, 16);
		n = view_build(&a, reply, sizeof(reply));
		sim_send(sim, f->node, reply, n);
		return;
	}
	f->counts.back++;
	f->counts.back_bytes += len;
}

static void
add_options(struct sim *sim, struct view *v)
{
	uint32_t mss = 536 + sim_below(sim, 1000), ws = sim_below(sim, 15);
	uint32_t ts[2] = { (uint32_t)rng_u64(&sim->rng), 0 };

	if (!(v->flags & VIEW_SYN))
		return;
	if (sim_below(sim, 4) > 0)
		view_opt_add(&v->opts, VIEW_OPT_MSS, &mss, 1);
	if (sim_below(sim, 2) > 0)
		view_opt_add(&v->opts, VIEW_OPT_SACKOK, NULL, 0);
	if (sim_below(sim, 2) > 0)
		view_opt_add(&v->opts, VIEW_OPT_TS, ts, 2);
	if (sim_below(sim, 2) > 0)
		view_opt_add(&v->opts, VIEW_OPT_WSCALE, &ws, 1);
}

static void
forge(struct sim *sim, void *ctx)
{
	struct flood *f = ctx;
	struct view v = { .kind = VIEW_TCP, .ttl = 64, .df = true };
	static const uint8_t zeros[64];
	uint8_t buf[256];
	size_t len;

	if (!f->running)
		return;
	memcpy(v.dst_mac, f->victim->mac.b, 6);
	memcpy(v.src_mac, f->node->mac.b, 6);
	view_ip4(v.src, FORGED_NET + sim_below(sim, 65536));
	view_ip4(v.dst, f->victim->ip4);
	v.sport = (uint16_t)(1 + sim_below(sim, 65535));
	v.dport = f->port;
	v.seq = (uint32_t)rng_u64(&sim->rng);
	v.ack = (uint32_t)rng_u64(&sim->rng);
	v.wnd = (uint16_t)sim_below(sim, 65536);
	v.flags = VIEW_SYN;
	if (f->par.kind == FLOOD_ACK)
		v.flags = VIEW_ACK;
	if (f->par.kind == FLOOD_MIX) {
		v.flags = (uint8_t)sim_below(sim, 256);
		v.payload = zeros;
		v.payload_len = sim_below(sim, sizeof(zeros));
	}
	add_options(sim, &v);
	len = view_build(&v, buf, sizeof(buf));
	f->counts.sent++;
	f->counts.sent_bytes += len;
	sim_send(sim, f->node, buf, len);
	sim_call_at(sim, sim->now_us + 1 + sim_below(sim, 2000000 / f->par.per_second), forge, f);
}

struct flood *
flood_start(struct sim *sim, const struct flood_params *par, uint16_t port)
{
	static const struct link_params clean;
	struct flood *f = calloc(1, sizeof(*f));

	CHECK(f != NULL, "out of memory");
	f->sim = sim;
	f->par = *par;
	f->port = port;
	f->node = sim_add_raw(sim, &clean, on_frame, f);
	return f;
}

uint32_t
flood_gateway_ip4(const struct flood *f)
{
	return f->node->ip4;
}

void
flood_aim(struct flood *f, struct sim_node *victim)
{
	f->victim = victim;
	f->running = true;
	sim_call_at(f->sim, f->sim->now_us + 1000, forge, f);
}

void
flood_stop(struct flood *f)
{
	f->running = false;
}

struct flood_counts
flood_counts(const struct flood *f)
{
	return f->counts;
}

void
flood_free(struct flood *f)
{
	free(f);
}
