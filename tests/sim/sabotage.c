/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults as an engine might have them, one for each invariant of the simulation. */
#include "sim/sabotage.h"

#include <stdio.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/view.h"
#include "sim/child.h"
#include "sim/isolation.h"
#include "sim/scenarios.h"

/* A run is long enough for a fault to come up after so many frames. */
#define CALM_FRAMES 200u

static void
emit_view(struct sim_node *node, const struct view *v)
{
	uint8_t buf[VIEW_BUF_MAX];

	sim_emit(node, buf, view_build(v, buf, sizeof(buf)));
}

/* A TCP segment in the middle of a connection. */
static bool
is_plain(const uint8_t *buf, size_t len, struct view *v)
{
	return view_parse(buf, len, v) == VIEW_TCP && (v->flags & VIEW_ACK) &&
	       !(v->flags & (VIEW_SYN | VIEW_FIN | VIEW_RST));
}

/* --- on the wire ---------------------------------------------------------------------------- */

static void
spoil_a_byte(struct sim_node *node, const uint8_t *buf, size_t len)
{
	uint8_t spoilt[2048];
	struct view v;

	memcpy(spoilt, buf, len);
	if (is_plain(spoilt, len, &v) && v.payload_len > 0) {
		spoilt[len - 1] ^= 1;
		view_fill_csums(spoilt, len, false, true);
	}
	sim_emit(node, spoilt, len);
}

static void
acknowledge_too_much(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	if (!is_plain(buf, len, &v)) {
		sim_emit(node, buf, len);
		return;
	}
	v.ack++;
	emit_view(node, &v);
}

static void
send_beyond_the_window(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	if (!is_plain(buf, len, &v) || v.payload_len == 0) {
		sim_emit(node, buf, len);
		return;
	}
	v.seq += 64u << 20;
	emit_view(node, &v);
}

static void
take_the_window_back(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	if (!is_plain(buf, len, &v) || node->link.frames < 5) {
		sim_emit(node, buf, len);
		return;
	}
	v.wnd = 0;
	emit_view(node, &v);
}

static void
fall_silent(struct sim_node *node, const uint8_t *buf, size_t len)
{
	if (node->link.frames < CALM_FRAMES)
		sim_emit(node, buf, len);
}

static void
answer_syns_twice(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	sim_emit(node, buf, len);
	if (view_parse(buf, len, &v) == VIEW_TCP && v.flags == (VIEW_SYN | VIEW_ACK))
		sim_emit(node, buf, len);
}

/* Allowed so many times, but not with cookies for all: nothing may be left to send it again. */
static void
answer_syns_again_for_ever(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	sim_emit(node, buf, len);
	if (view_parse(buf, len, &v) == VIEW_TCP && v.flags == (VIEW_SYN | VIEW_ACK))
		for (unsigned int i = 0; i <= node->synacks_again_max; i++)
			sim_emit(node, buf, len);
}

/* Padded with NOPs up to the longest header. */
static void
answer_syns_at_length(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	if (view_parse(buf, len, &v) == VIEW_TCP && v.flags == (VIEW_SYN | VIEW_ACK)) {
		while (view_opts_len(&v.opts) < 37)
			view_opt_add(&v.opts, VIEW_OPT_NOP, NULL, 0);
		emit_view(node, &v);
		return;
	}
	sim_emit(node, buf, len);
}

static void
send_after_the_fin(struct sim_node *node, const uint8_t *buf, size_t len)
{
	static const uint8_t more[] = "more";
	struct view v;

	sim_emit(node, buf, len);
	if (view_parse(buf, len, &v) != VIEW_TCP || !(v.flags & VIEW_FIN))
		return;
	v.seq += v.payload_len + 1;
	v.payload = more;
	v.payload_len = sizeof(more);
	emit_view(node, &v);
}

/* As who forgets a connection that it has only closed: what the other has not read is lost. */
static void
reset_after_the_fin(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v;

	sim_emit(node, buf, len);
	if (view_parse(buf, len, &v) != VIEW_TCP || !(v.flags & VIEW_FIN))
		return;
	v.seq += v.payload_len + 1;
	v.payload_len = 0;
	v.flags = VIEW_RST;
	emit_view(node, &v);
}

static void
send_for_ever(struct sim_node *node, const uint8_t *buf, size_t len)
{
	for (unsigned int i = 0; i < 10000; i++)
		sim_emit(node, buf, len);
}

static void
answer_resets(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct view v, rst = { .kind = VIEW_TCP, .ttl = 64, .df = true, .flags = VIEW_RST };

	if (view_parse(buf, len, &v) != VIEW_TCP || !(v.flags & VIEW_RST))
		return;
	memcpy(rst.dst_mac, v.src_mac, 6);
	memcpy(rst.src_mac, v.dst_mac, 6);
	memcpy(rst.src, v.dst, 16);
	memcpy(rst.dst, v.src, 16);
	rst.ip6 = v.ip6;
	rst.sport = v.dport;
	rst.dport = v.sport;
	rst.seq = v.ack;
	emit_view(node, &rst);
}

/* --- inside --------------------------------------------------------------------------------- */

static void
lose_a_packet(struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct pkt_source *src = &node->host->pkts.source;
	struct pkt *p;

	(void)buf;
	(void)len;
	(void)src->alloc(src->ctx, &p, 1);
}

static void
count_twice(struct sim_node *node, const uint8_t *buf, size_t len)
{
	(void)buf;
	(void)len;
	node->host->w.ctr.outcome[OUT_PURE_ACK]++;
}

/* One limit for the pure acknowledgements of all connections together: 5 in a tenth of a second. */
static void
share_a_limit(struct sim_node *node, const uint8_t *buf, size_t len)
{
	static struct {
		uint64_t slice;
		unsigned int sent;
	} limit[SIM_NODES_MAX];
	uint64_t slice = node->sim->now_us / 100000;
	struct view v;

	if (is_plain(buf, len, &v) && v.payload_len == 0) {
		if (limit[node->idx].slice != slice)
			limit[node->idx].sent = 0;
		limit[node->idx].slice = slice;
		if (limit[node->idx].sent++ >= 5)
			return;
	}
	sim_emit(node, buf, len);
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct fault {
	const char *name;
	const char *found_by; /* what the message says */
	const char *scenario; /* NULL: the pairs of worlds of isolation.c */
	double seconds;
	struct sim_tamper tamper;
} faults[] = {
	{ "a byte is spoilt", "I-1:", "clean", 1, { .out = spoil_a_byte } },
	{ "more is acknowledged than came", "I-2:", "clean", 1, { .out = acknowledge_too_much } },
	{ "the window is ignored", "I-3:", "clean", 1, { .out = send_beyond_the_window } },
	{ "the window is taken back", "I-4:", "clean", 1, { .out = take_the_window_back } },
	{ "a packet is lost inside", "I-6:", "clean", 1, { .in = lose_a_packet } },
	{ "a transfer never ends", "I-9:", "clean", 1, { .out = fall_silent } },
	{ "a SYN gets two answers", "I-10:", "synflood", 1, { .out = answer_syns_twice } },
	{ "a SYN gets answers for ever", "I-10:", "garbage", 1,
		{ .out = answer_syns_again_for_ever } },
	{ "the answer is longer than the SYN", "I-10:", "clean", 1,
		{ .out = answer_syns_at_length } },
	{ "RST in reply to RST", "I-11:", "aborts", 2, { .in = answer_resets } },
	{ "a frame is counted twice", "I-12:", "clean", 1, { .in = count_twice } },
	{ "data after the FIN", "I-13:", "clean", 1, { .out = send_after_the_fin } },
	{ "RST after the FIN", "I-9:", "mixed", 60, { .out = reset_after_the_fin } },
	{ "a step does not end", "I-14:", "clean", 1, { .out = send_for_ever } },
	{ "a limit is shared by all", "I-15:", NULL, 0, { .out = share_a_limit } },
};

static void
play_fault(const void *arg)
{
	const struct fault *f = arg;
	struct run_opts opts = { .seed = 1, .seconds = f->seconds, .tamper = &f->tamper };
	struct run_result res;

	if (f->scenario != NULL)
		scenario_run(scenario_find(f->scenario), &opts, &res);
	for (uint64_t seed = 1; f->scenario == NULL && seed <= 6; seed++)
		isolation_run(seed, &f->tamper);
}

int
sabotage_all(void)
{
	int rc = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct fault *f = &faults[i];
		char said[4096];
		bool found = !child_plays(play_fault, f, said, sizeof(said)) &&
			     strncmp(said, f->found_by, strlen(f->found_by)) == 0;

		printf("%-36s %-6s %s\n", f->name, f->found_by, found ? "found" : "NOT FOUND");
		if (found)
			continue;
		fprintf(stderr, "%s: expected %s, but it said:\n%s\n", f->name, f->found_by,
			said);
		rc = 1;
	}
	return rc;
}
