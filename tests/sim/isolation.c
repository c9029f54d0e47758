/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to a connection's packets does not depend on the state of any other (I-15). */
#include "sim/isolation.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "lib/view.h"
#include "sim/apps.h"
#include "sim/flood.h"
#include "sim/invariants.h"

/*
 * Connection A runs between two workers that others use as well: other connections, and an attacker
 * who aims at them, at the port, or at no connection. Somebody pesters A too, in every world in the
 * same way, so that all its limiters are in use. A's fate on the links is drawn from numbers of its
 * own, so if the engine keeps connections apart, A sends the same bytes at the same times in every
 * world. An attacker who reads a difference out of A's answers has a side channel to B
 * (CVE-2016-5696 was one: a limit of challenge ACKs that all connections shared).
 *
 * A opens before the others begin and is watched until it closes: a handshake may depend on how
 * many are half open, that is what SYN cookies are for.
 */

#define PORT_A 40000u
#define PORT_OTHERS 8u
#define BEGIN_US 1000000u /* the others come */
#define END_US 6000000u /* and go */
#define PESTER_GAP_US 7000u

enum others {
	OTHERS_NONE,
	OTHERS_BULK, /* connections that send as fast as they can */
	OTHERS_ABORTS, /* connections that reset and close early */
	OTHERS_PESTERED, /* SYNs into another connection: its challenge ACKs run out */
	OTHERS_SYNS, /* a flood at the port that A uses */
	OTHERS_ACKS,
	OTHERS_GARBAGE,
	OTHERS_COUNT,
};

static const char *const others_names[OTHERS_COUNT] = { "nobody", "bulk transfers",
	"resets and early closes", "SYNs into another connection", "a SYN flood", "an ACK flood",
	"garbage" };

/* What one end of A sent: frames with their times, one behind the other. */
struct trace {
	uint8_t *bytes;
	size_t len, cap;
	unsigned int frames;
};

struct trace_head {
	uint64_t at_us;
	uint64_t len;
};

/* Spoofed SYNs into one connection at a steady rate. */
struct pest {
	struct sim_node *from, *to;
	struct sim_node *as; /* whose address is forged */
	uint16_t sport, dport;
	uint32_t gap_us;
	uint64_t until_us;
	struct rng rng;
};

struct world {
	enum others others;
	uint64_t seed;
	struct sim sim;
	struct sim_node *server, *client, *attacker;
	struct app_mix mix_a, mix_b;
	struct app_world a, b;
	struct rng rng_a;
	struct pest pest_a, pest_b;
	struct flood *flood;
	struct trace trace[3]; /* by node */
	bool over; /* A closes: its ports are anybody's from then on */
};

static void
print_context(void *ctx, FILE *to)
{
	const struct world *w = ctx;

	fprintf(to, "isolation, seed 0x%llx, beside %s, %.6f s after the start\n",
		(unsigned long long)w->seed, others_names[w->others],
		(double)(w->sim.now_us - w->sim.start_us) / 1e6);
	fprintf(to, "repeat: build/tests/sim/sim --isolation --seed 0x%llx\n",
		(unsigned long long)w->seed);
}

/* --- the trace ------------------------------------------------------------------------------ */

static bool
is_of_a(const uint8_t *buf, size_t len)
{
	/* Every frame here is IPv4 without options; a flood comes from elsewhere. */
	return len >= 38 && buf[12] == 0x08 && buf[13] == 0x00 && buf[23] == 6 && buf[26] == 10 &&
	       buf[30] == 10 &&
	       (load_be16(buf + 34) == PORT_A || load_be16(buf + 36) == PORT_A);
}

static void
on_sent(void *ctx, const struct sim_node *node, const uint8_t *buf, size_t len)
{
	struct world *w = ctx;
	struct trace *t = &w->trace[node->idx];
	struct trace_head head = { w->sim.now_us, len };

	if (!is_of_a(buf, len) || w->over)
		return;
	w->over = (buf[47] & (VIEW_FIN | VIEW_RST)) != 0;
	if (t->len + sizeof(head) + len > t->cap) {
		t->cap = t->cap * 2 + 65536;
		t->bytes = realloc(t->bytes, t->cap);
		CHECK(t->bytes != NULL, "out of memory");
	}
	memcpy(t->bytes + t->len, &head, sizeof(head));
	memcpy(t->bytes + t->len + sizeof(head), buf, len);
	t->len += sizeof(head) + len;
	t->frames++;
}

/* The frame at *at, or that there is none; *at moves on. */
static const char *
frame_text(const struct trace *t, size_t *at, char *out, size_t cap)
{
	struct trace_head head;
	char text[400];
	struct view v;

	if (*at >= t->len)
		return "nothing more";
	memcpy(&head, t->bytes + *at, sizeof(head));
	view_parse(t->bytes + *at + sizeof(head), (size_t)head.len, &v);
	snprintf(out, cap, "%llu us: %s", (unsigned long long)head.at_us,
		view_text(&v, text, sizeof(text)));
	*at += sizeof(head) + (size_t)head.len;
	return out;
}

static size_t
frame_len(const struct trace *t, size_t at)
{
	struct trace_head head;

	memcpy(&head, t->bytes + at, sizeof(head));
	return sizeof(head) + (size_t)head.len;
}

/* Where the two part; where both end if they do not. */
static size_t
common_len(const struct trace *alone, const struct trace *beside)
{
	size_t at = 0;

	while (at < alone->len && at < beside->len) {
		size_t len = frame_len(alone, at);

		if (len != frame_len(beside, at) ||
			memcmp(alone->bytes + at, beside->bytes + at, len) != 0)
			break;
		at += len;
	}
	return at;
}

/* When the next frame was sent; UINT64_MAX: there is none. */
static uint64_t
frame_time(const struct trace *t, size_t at)
{
	struct trace_head head;

	if (at >= t->len)
		return UINT64_MAX;
	memcpy(&head, t->bytes + at, sizeof(head));
	return head.at_us;
}

/* Of all nodes; names the first difference, since the others follow from it. */
static void
compare(const struct world *alone, const struct world *beside)
{
	uint64_t first_us = UINT64_MAX;
	unsigned int node = 0;
	size_t at = 0, at_beside;
	char one[512], two[512];

	for (unsigned int n = 0; n < alone->sim.node_count; n++) {
		const struct trace *a = &alone->trace[n], *b = &beside->trace[n];
		size_t len = common_len(a, b);
		uint64_t us = min_u64(frame_time(a, len), frame_time(b, len));

		if (us < first_us) {
			first_us = us;
			node = n;
			at = len;
		}
	}
	if (first_us == UINT64_MAX)
		return;
	at_beside = at;
	fail("I-15: a connection behaves differently beside others\nalone:  %s\nbeside: %s",
		frame_text(&alone->trace[node], &at, one, sizeof(one)),
		frame_text(&beside->trace[node], &at_beside, two, sizeof(two)));
}

/* --- the others ----------------------------------------------------------------------------- */

/* A SYN within a connection asks for a challenge ACK wherever its number lies. */
static void
pester(struct sim *sim, void *ctx)
{
	struct pest *p = ctx;
	struct view v = { .kind = VIEW_TCP, .ttl = 64, .df = true, .flags = VIEW_SYN };
	uint8_t buf[128];

	if (sim->now_us >= p->until_us)
		return;
	memcpy(v.dst_mac, p->to->mac.b, 6);
	memcpy(v.src_mac, p->from->mac.b, 6);
	view_ip4(v.src, p->as->ip4);
	view_ip4(v.dst, p->to->ip4);
	v.sport = p->sport;
	v.dport = p->dport;
	v.seq = (uint32_t)rng_u64(&p->rng);
	v.wnd = 1000;
	sim_send(sim, p->from, buf, view_build(&v, buf, sizeof(buf)));
	sim_call_at(sim, sim->now_us + 1 + rng_below(&p->rng, 2 * p->gap_us), pester, p);
}

static void
start_pest(struct world *w, struct pest *p, uint16_t sport, uint16_t dport, uint32_t gap_us)
{
	*p = (struct pest){
		.from = w->attacker,
		.to = w->server,
		.as = w->client,
		.sport = sport,
		.dport = dport,
		.gap_us = gap_us,
		.until_us = w->sim.start_us + END_US,
	};
	rng_seed(&p->rng, w->seed ^ sport);
	sim_call_at(&w->sim, w->sim.start_us + BEGIN_US, pester, p);
}

static void
aim_flood(struct sim *sim, void *ctx)
{
	struct world *w = ctx;

	(void)sim;
	flood_aim(w->flood, w->server);
}

static void
stop_flood(struct sim *sim, void *ctx)
{
	(void)sim;
	flood_stop(ctx);
}

static void
start_others(struct sim *sim, void *ctx)
{
	struct world *w = ctx;

	(void)sim;
	app_start_clients(&w->b, w->client);
}

static void
add_others(struct world *w)
{
	uint64_t begin_us = w->sim.start_us + BEGIN_US;

	w->mix_b = (struct app_mix){
		.bytes_max = 1u << 20,
		.echo_ppm = 500000,
		.parallel = 8,
		.gap_ms_max = 50,
		.fixed_lport = 20000,
		.may_fail_open = true,
		.idle_ms = 60000,
		.syncookies = -1,
	};
	if (w->others == OTHERS_ABORTS)
		w->mix_b.abort_ppm = w->mix_b.close_early_ppm = 400000;
	app_world_init(&w->b, &w->sim, &w->mix_b);
	w->b.port = PORT_OTHERS;
	w->b.stop_us = w->sim.start_us + END_US;
	app_serve(&w->b, w->server);
	if (w->others == OTHERS_BULK || w->others == OTHERS_ABORTS || w->others == OTHERS_PESTERED)
		sim_call_at(&w->sim, begin_us, start_others, w);
	if (w->others == OTHERS_PESTERED)
		start_pest(w, &w->pest_b, 20000, PORT_OTHERS, 200);
	if (w->others >= OTHERS_SYNS) {
		sim_call_at(&w->sim, begin_us, aim_flood, w);
		sim_call_at(&w->sim, w->b.stop_us, stop_flood, w->flood);
	}
}

/* --- a world -------------------------------------------------------------------------------- */

static struct sim_node *
add_host(struct world *w, const struct link_params *link)
{
	struct host_params par;

	host_params_default(&par);
	par.conns_max = par.synq_max = 512;
	par.park_after_ms = 20;
	par.timewait_max = 65536;
	par.pkts = 32768;
	par.gateway4 = ip_addr_from_v4(flood_gateway_ip4(w->flood));
	return sim_add_host(&w->sim, &par, link);
}

/* A is an echo with pauses; most last until the others are gone. */
static void
add_a(struct world *w)
{
	w->mix_a = (struct app_mix){
		.bytes_min = 32u << 10,
		.bytes_max = 64u << 10,
		.chunk_max = 1024,
		.echo_ppm = 1000000,
		.parallel = 1,
		.fixed_lport = PORT_A,
		.stall_ppm = 300000,
		.stall_ms_max = 1000,
		.slow_reader_ppm = 300000,
		.slow_writer_ppm = 1000000,
		.zero_copy_ppm = 300000,
		.idle_ms = 60000,
		.syncookies = -1,
	};
	rng_seed(&w->rng_a, w->seed ^ 0xa);
	app_world_init(&w->a, &w->sim, &w->mix_a);
	w->a.rng = &w->rng_a;
	w->a.stop_us = UINT64_MAX;
	app_serve(&w->a, w->server);
	app_start_clients(&w->a, w->client);
	/* The one connection it opens. */
	w->a.stop_us = w->sim.now_us + 1;
	start_pest(w, &w->pest_a, PORT_A, APP_PORT, PESTER_GAP_US);
}

static void
spoil_links(struct sim *sim, void *ctx)
{
	(void)ctx;
	sim->quiet_links = false;
}

static void
play(struct world *w, enum others others, uint64_t seed, const struct sim_tamper *tamper)
{
	static const enum flood_kind kinds[OTHERS_COUNT] = { [OTHERS_SYNS] = FLOOD_SYN,
		[OTHERS_ACKS] = FLOOD_ACK,
		[OTHERS_GARBAGE] = FLOOD_MIX };
	struct flood_params flood = { .kind = kinds[others], .per_second = 5000 };
	struct link_params link = { .delay_us = 500, .jitter_us = 100, .loss_ppm = 20000,
		.dup_ppm = 5000, .reorder_ppm = 5000, .reorder_us = 2000 };

	memset(w, 0, sizeof(*w));
	w->others = others;
	w->seed = seed;
	fail_set_context(print_context, w);
	sim_init(&w->sim, seed, 1000000);
	w->sim.is_apart = is_of_a;
	w->sim.tap = on_sent;
	w->sim.tap_ctx = w;
	w->sim.tamper = tamper;
	/* A opens on clean links: where its ARP was lost, that of the others would help it. */
	w->sim.quiet_links = true;
	sim_call_at(&w->sim, w->sim.start_us + BEGIN_US / 2, spoil_links, NULL);
	w->flood = flood_start(&w->sim, &flood, APP_PORT);
	w->attacker = w->sim.nodes[0];
	w->server = add_host(w, &link);
	w->client = add_host(w, &link);
	w->server->synacks_again_max = w->client->synacks_again_max = 5;
	add_a(w);
	add_others(w);
	while (sim_step(&w->sim, w->sim.start_us + END_US))
		;
}

static void
tear_down(struct world *w)
{
	sim_fini(&w->sim);
	flood_free(w->flood);
	app_world_fini(&w->a);
	app_world_fini(&w->b);
	for (unsigned int i = 0; i < ARRAY_SIZE(w->trace); i++)
		free(w->trace[i].bytes);
	fail_set_context(NULL, NULL);
}

void
isolation_run(uint64_t seed, const struct sim_tamper *tamper)
{
	struct world *alone = malloc(sizeof(*alone)), *beside = malloc(sizeof(*beside));
	uint64_t frames = 0;

	CHECK(alone != NULL && beside != NULL, "out of memory");
	play(alone, OTHERS_NONE, seed, tamper);
	for (unsigned int i = OTHERS_NONE + 1; i < OTHERS_COUNT; i++) {
		play(beside, i, seed, tamper);
		compare(alone, beside);
		for (unsigned int n = 0; n < beside->sim.node_count; n++)
			frames += beside->sim.nodes[n]->link.frames;
		tear_down(beside);
	}
	printf("isolation        seed 0x%llx  %u frames alone and beside %llu others: the same\n",
		(unsigned long long)seed, alone->trace[1].frames + alone->trace[2].frames,
		(unsigned long long)frames);
	tear_down(alone);
	free(alone);
	free(beside);
}
