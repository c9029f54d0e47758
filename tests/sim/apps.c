/* SPDX-License-Identifier: BSD-3-Clause */
/* Who opens which connection when, and whether all of them ended well. */
#include "sim/apps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "sim/invariants.h"

#define HEADER_MAGIC 0x21214d53u
/** A pause ends with the first millisecond after it. */
#define TIMER_LATE_US 2000u

void
app_world_init(struct app_world *w, struct sim *sim, const struct app_mix *mix)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim;
	w->rng = &sim->rng;
	w->port = APP_PORT;
	w->mix = mix;
	w->stop_us = UINT64_MAX;
}

void
app_world_fini(struct app_world *w)
{
	for (uint32_t i = 0; i < w->rec_count; i++)
		free(w->recs[i]);
	for (uint32_t i = 0; i < w->end_count; i++)
		free(w->ends[i]);
	while (w->slots != NULL) {
		struct app_slot *slot = w->slots;

		w->slots = slot->next;
		free(slot);
	}
	free(w->recs);
	free(w->ends);
}

/* --- drawing a connection ------------------------------------------------------------------- */

/* Small sizes as often as large ones: uniform over the powers of two. */
static uint64_t
draw_bytes(struct rng *rng, uint64_t max)
{
	unsigned int bits = 0;
	uint64_t limit;

	while (bits < 63 && (1ULL << bits) < max)
		bits++;
	limit = min_u64(max, 1ULL << rng_below(rng, bits + 1));
	return limit == 0 ? 0 : rng_u64(rng) % (limit + 1);
}

static void
draw_style(struct rng *rng, const struct app_mix *mix, uint64_t bytes, struct app_style *st)
{
	static const uint32_t chunks[] = { 1, 7, 100, 536, 1460, 1461, 4096, 16384, 65536 };

	memset(st, 0, sizeof(*st));
	st->chunk = chunks[rng_below(rng, ARRAY_SIZE(chunks))];
	/* A byte at a time is for short streams, or nothing else would happen. */
	if (bytes / st->chunk > 2000)
		st->chunk = 4096;
	if (mix->chunk_max != 0)
		st->chunk = min_u32(st->chunk, mix->chunk_max);
	st->stall_at = st->abort_at = st->close_at = UINT64_MAX;
	if (rng_chance_ppm(rng, mix->slow_writer_ppm))
		st->write_gap_ms = 1 + rng_below(rng, 200);
	if (rng_chance_ppm(rng, mix->slow_reader_ppm))
		st->read_gap_ms = 1 + rng_below(rng, 200);
	/* A slow end of a long stream would take for ever. */
	if (st->write_gap_ms + st->read_gap_ms > 0 && bytes / st->chunk > 200)
		st->chunk = (uint32_t)min_u64(bytes / 200 + 1, 65536);
	if (rng_chance_ppm(rng, mix->stall_ppm)) {
		st->stall_at = draw_bytes(rng, bytes);
		st->stall_ms = rng_below(rng, mix->stall_ms_max + 1);
	}
	if (rng_chance_ppm(rng, mix->abort_ppm))
		st->abort_at = draw_bytes(rng, bytes);
	if (rng_chance_ppm(rng, mix->close_early_ppm))
		st->close_at = draw_bytes(rng, bytes);
	st->zero_copy = rng_chance_ppm(rng, mix->zero_copy_ppm);
	st->nodelay = rng_chance_ppm(rng, 500000);
	st->half_close = rng_chance_ppm(rng, 500000);
	if (rng_chance_ppm(rng, mix->small_rcvbuf_ppm))
		st->rcvbuf = 2048 + rng_below(rng, 8192);
}

/* Only where a scenario has them: the draws of the others stay what they were. */
static void
draw_options(struct rng *rng, const struct app_mix *mix, struct app_style *st)
{
	st->cc = -1;
	if (mix->any_cc)
		st->cc = (int)rng_below(rng, TUN_CC_COUNT);
	if (mix->options_ppm == 0)
		return;
	if (rng_chance_ppm(rng, mix->options_ppm))
		st->sndbuf = 2048 + rng_below(rng, 65536);
	st->keepalive = rng_chance_ppm(rng, mix->options_ppm);
	st->cork = rng_chance_ppm(rng, mix->options_ppm);
}

static struct app_rec *
new_rec(struct app_world *w)
{
	struct app_rec *rec = calloc(1, sizeof(*rec));
	struct rng *rng = w->rng;

	CHECK(rec != NULL, "out of memory");
	if (w->rec_count == w->rec_cap) {
		w->rec_cap = w->rec_cap * 2 + 256;
		w->recs = realloc(w->recs, w->rec_cap * sizeof(*w->recs));
		CHECK(w->recs != NULL, "out of memory");
	}
	rec->id = w->rec_count;
	w->recs[w->rec_count++] = rec;
	rec->seed = rng_u64(rng);
	rec->echo = rng_chance_ppm(rng, w->mix->echo_ppm);
	rec->want[0] = max_u64(draw_bytes(rng, w->mix->bytes_max), w->mix->bytes_min);
	rec->want[1] = max_u64(draw_bytes(rng, w->mix->bytes_max), w->mix->bytes_min);
	if (rec->echo)
		rec->want[1] = rec->want[0];
	for (unsigned int i = 0; i < 2; i++) {
		draw_style(rng, w->mix, rec->want[0] + rec->want[1], &rec->style[i]);
		draw_options(rng, w->mix, &rec->style[i]);
	}
	rec->ip6 = w->mix->ip6_ppm > 0 && rng_chance_ppm(rng, w->mix->ip6_ppm);
	return rec;
}

/* --- opening -------------------------------------------------------------------------------- */

static struct sluice_addr
addr_of(const struct sim_node *node, bool ip6, uint16_t port)
{
	struct ip_addr ip = ip_addr_from_v4(node->ip4);
	struct sluice_addr a;

	memcpy(a.ip, ip6 ? node->ip6 : ip.b, 16);
	a.port = port;
	return a;
}

/* Open from node to peer; 0 or the error, and then the end is no more. */
static int
open_end(struct app_end *e, const struct sim_node *peer, uint16_t lport, uint16_t rport)
{
	struct sim *sim = e->world->sim;
	bool ip6 = e->rec != NULL && e->rec->ip6;
	struct sluice_addr local = addr_of(e->node, ip6, lport);
	struct sluice_addr remote = addr_of(peer, ip6, rport);
	int rc;

	sim_enter(sim, e->node);
	rc = sluice_connect(&e->node->host->w.sluice, lport != 0 ? &local : NULL, &remote, &app_ops,
		e, &e->conn);
	if (rc != 0) {
		e->open = false;
		e->had_no_port = true;
		e->err = rc;
		e->world->open_ends--;
	}
	sim_leave(sim, e->node);
	return rc;
}

static void launch(struct sim *sim, void *ctx);

static void
launch_later(struct app_slot *slot, uint32_t min_ms)
{
	struct app_world *w = slot->world;
	uint64_t gap_ms = min_ms + rng_below(w->rng, w->mix->gap_ms_max + 1);

	if (w->sim->now_us + gap_ms * 1000 < w->stop_us)
		sim_call_at(w->sim, w->sim->now_us + gap_ms * 1000, launch, slot);
}

static void
launch(struct sim *sim, void *ctx)
{
	struct app_slot *slot = ctx;
	struct app_world *w = slot->world;
	const struct app_mix *mix = w->mix;
	struct sim_node *server = w->servers[rng_below(w->rng, w->server_count)];
	uint16_t lport = mix->fixed_lport != 0 ? (uint16_t)(mix->fixed_lport + slot->idx) : 0;
	uint32_t magic = HEADER_MAGIC;
	struct app_rec *rec;
	struct app_end *e;

	(void)sim;
	if (slot->node->down) {
		launch_later(slot, 1000);
		return;
	}
	rec = new_rec(w);
	e = app_end_new(w, slot->node, true);
	e->rec = rec;
	rec->end[0] = e;
	memcpy(e->header, &rec->id, 4);
	memcpy(e->header + 4, &magic, 4);
	memcpy(e->header + 8, &rec->seed, 8);
	w->stats.started++;
	if (open_end(e, server, lport, mix->simultaneous ? lport : w->port) != 0) {
		CHECK(e->err == -EADDRINUSE || e->err == -EADDRNOTAVAIL || e->err == -ENOBUFS,
			"sluice_connect: %d", e->err);
		w->stats.refused++;
		launch_later(slot, 1000);
		return;
	}
	e->slot = slot;
	if (mix->simultaneous) {
		struct app_end *other = app_end_new(w, server, false);

		if (open_end(other, slot->node, lport, lport) != 0)
			w->stats.refused++;
	}
}

static const struct sim_node *
node_at(const struct app_world *w, const uint8_t ip[16])
{
	for (unsigned int i = 0; i < w->server_count; i++) {
		const struct sim_node *node = w->servers[i];
		struct ip_addr ip4 = ip_addr_from_v4(node->ip4);

		if (memcmp(ip4.b, ip, 16) == 0 || memcmp(node->ip6, ip, 16) == 0)
			return node;
	}
	return NULL;
}

/*
 * Who answers with cookies takes the first segment that has a good one and resets the others: when
 * they change places the client is reset as soon as it is connected (RFC 4987 s3.6). And who comes
 * when its half-open connection has timed out is a stranger.
 */
static bool
was_refused(const struct app_world *w, const struct app_end *c)
{
	const struct sim_node *server = node_at(w, c->id.rip);
	struct flow_id id = { .rport = c->id.lport, .lport = c->id.rport };

	memcpy(id.rip, c->id.lip, 16);
	memcpy(id.lip, c->id.rip, 16);
	return c->err == -ECONNRESET && c->received == 0 && server != NULL &&
	       watch_refused(server->watch, &id);
}

void
app_on_closed(struct app_end *e)
{
	struct app_world *w = e->world;

	e->is_refused = e->is_client && was_refused(w, e);
	w->stats.finished++;
	if (e->slot != NULL)
		launch_later(e->slot, 0);
	e->slot = NULL;
}

static struct app_slot *
new_slot(struct app_world *w, struct sim_node *node, uint16_t idx)
{
	struct app_slot *slot = calloc(1, sizeof(*slot));

	CHECK(slot != NULL, "out of memory");
	slot->world = w;
	slot->node = node;
	slot->idx = idx;
	slot->next = w->slots;
	w->slots = slot;
	return slot;
}

static void
listen_at(struct app_slot *slot)
{
	struct app_world *w = slot->world;
	struct sluice_listen_params par = {
		.addr.port = w->port,
		.backlog = (unsigned int)w->mix->backlog,
		.syncookies = w->mix->syncookies,
		.syncookies_set = w->mix->syncookies >= 0,
		.ops = &app_ops,
		.ctx = slot,
		.name = "sim",
	};
	sluice_listener l;

	sim_enter(w->sim, slot->node);
	CHECK(sluice_listen(&slot->node->host->w.sluice, &par, &l) == 0, "sluice_listen");
	sim_leave(w->sim, slot->node);
}

void
app_serve(struct app_world *w, struct sim_node *node)
{
	struct app_slot *slot = new_slot(w, node, 0);

	/* The other workers of a machine have no address of their own. */
	if (node->leader == node)
		w->servers[w->server_count++] = node;
	slot->serves = true;
	listen_at(slot);
}

void
app_start_clients(struct app_world *w, struct sim_node *node)
{
	for (uint32_t i = 0; i < w->mix->parallel; i++)
		launch_later(new_slot(w, node, (uint16_t)i), 0);
}

/* --- mishaps -------------------------------------------------------------------------------- */

void
app_machine_lost(struct app_world *w, const struct sim_node *leader)
{
	for (uint32_t i = 0; i < w->end_count; i++) {
		struct app_end *e = w->ends[i];

		if (!e->open || e->node->leader != leader)
			continue;
		e->open = false;
		e->lost = true;
		w->open_ends--;
		app_on_closed(e);
	}
}

void
app_machine_started(struct app_world *w, struct sim_node *leader)
{
	for (struct app_slot *slot = w->slots; slot != NULL; slot = slot->next)
		if (slot->serves && slot->node->leader == leader)
			listen_at(slot);
}

void
app_abort_all(struct app_world *w, struct sim_node *node)
{
	uint32_t count = w->end_count;

	sim_enter(w->sim, node);
	for (uint32_t i = 0; i < count; i++) {
		struct app_end *e = w->ends[i];

		if (!e->open || e->node != node || e->closed_self)
			continue;
		e->aborted = e->closed_self = e->fin_sent = true;
		sluice_abort(&node->host->w.sluice, e->conn);
	}
	sim_leave(w->sim, node);
}

/* --- afterwards ----------------------------------------------------------------------------- */

bool
app_is_quiet(const struct app_world *w)
{
	return w->open_ends == 0;
}

static bool
is_complete(const struct app_end *e)
{
	return e != NULL && e->eof_read && e->fin_sent;
}

/* The client closes as soon as it has read what it expects, perhaps before the FIN. */
static bool
is_exact(const struct app_rec *rec)
{
	const struct app_end *c = rec->end[0], *s = rec->end[1];

	return is_complete(s) && c->fin_sent && c->received == s->sent && s->received == c->sent;
}

/* The first end at a server that never got so far as to know whose it is. */
static const struct app_end *
nameless_end(const struct app_world *w, const struct app_end *c)
{
	for (uint32_t i = 0; i < w->end_count; i++) {
		const struct app_end *e = w->ends[i];

		if (!e->is_client && e->rec == NULL && e->id.rport == c->id.lport &&
			memcmp(e->id.rip, c->id.lip, 16) == 0 &&
			memcmp(e->id.lip, c->id.rip, 16) == 0 && e->begin_us >= c->begin_us)
			return e;
	}
	return NULL;
}

static const struct app_end *
server_end(const struct app_world *w, const struct app_rec *rec)
{
	return rec->end[1] != NULL ? rec->end[1] : nameless_end(w, rec->end[0]);
}

/* NULL: the machine has started again since the end, and counts anew. */
static const struct counters *
counters_of(const struct app_end *e)
{
	const struct host *h = e->node->host;

	return h == NULL || e->node->par.start_us >= e->end_us ? NULL : &h->w.ctr;
}

/* It held packets while there were none left, and its stack, if that still runs, says so. */
static bool
was_shed(const struct app_end *e)
{
	const struct counters *ctr = counters_of(e);

	return e->err == -ENOBUFS && (ctr == NULL || ctr->TCPAbortOnMemory > 0);
}

/* Nothing is heard of who is cut off; who closes does not hear either that the rest is lost. */
static bool
was_cut_off(const struct app_end *e, const struct app_end *peer)
{
	bool swallowed = e->is_swallowed || (peer != NULL && peer->is_swallowed);

	if (e->is_stuck && (peer == NULL || peer->is_stuck) && !swallowed)
		return false;
	return e->gave_up || e->err == -ETIMEDOUT || e->err == -EHOSTUNREACH ||
	       (e->closed_self && (peer == NULL || peer->err != 0));
}

/*
 * Who has all of the other's and has closed, perhaps before the other's FIN came, forgets the
 * connection once its FIN is acknowledged, or TIME-WAIT has no place. If its last ACK got lost, or
 * comes late, it resets the other, in CLOSING or LAST-ACK, which cannot know that all is well.
 */
static bool
was_forgotten(const struct app_end *e, const struct app_end *peer)
{
	return e->err == -ECONNRESET && e->fin_sent && peer != NULL && peer->fin_sent &&
	       peer->err == 0 && peer->closed_self && peer->received == e->sent;
}

/*
 * Who has closed waits for the other's FIN for tcp_fin_timeout and no longer. Who reads more slowly
 * than that is reset when the same port calls again (RFC 9293 s3.5.1), and what it had not read is
 * lost. Only a pause of its own excuses it: nobody else may have kept it from reading.
 */
static bool
was_outwaited(const struct app_end *e, const struct app_end *peer)
{
	return e->err == -ECONNRESET && peer != NULL && peer->has_waited &&
	       peer->end_us < e->end_us && !e->eof_read &&
	       e->end_us <= e->read_at_us + TIMER_LATE_US;
}

/* The server's SYN-ACKs have all been sent in vain: it knows nothing of what follows. */
static bool
has_half_open_expired(const struct sim_node *server, const struct app_end *c)
{
	uint64_t life_us = ((2ull << server->host->w.tun.tcp_synack_retries) - 1) * 1000000;

	return c->received == 0 && c->end_us - c->begin_us >= life_us;
}

/*
 * No server ever heard of it: the handshake timed out, at either end, nobody listened, or
 * the machine has started again since, and knows nothing of what was before.
 */
static bool
is_unheard(const struct app_world *w, const struct app_end *c)
{
	const struct sim_node *server = node_at(w, c->id.rip);

	if (c->err == -ECONNREFUSED || c->err == -ETIMEDOUT || c->err == -EHOSTUNREACH)
		return true;
	return c->err == -ECONNRESET && server != NULL &&
	       (server->host == NULL || server->par.start_us >= c->begin_us ||
		       has_half_open_expired(server, c));
}

/*
 * A server that has broken a connection off takes its first data, which crossed the RST, for a new
 * one if it has given a cookie for it: that is good as long as its key (RFC 4987 s3.6). The client
 * resets it, since it knows of none any more.
 */
static bool
has_come_again(const struct app_world *w, const struct app_rec *rec)
{
	const struct app_end *c = rec->end[0], *s = rec->end[1], *first;
	const struct counters *ctr;

	if (!w->mix->may_come_again || s == NULL || c->err != -ECONNRESET || s->err != c->err)
		return false;
	first = nameless_end(w, c);
	ctr = counters_of(s);
	return first != NULL && first->aborted && first->node == s->node &&
	       first->end_us <= s->begin_us && first->end_us <= c->end_us &&
	       (ctr == NULL || ctr->SyncookiesRecv > 0);
}

static bool
is_excused(const struct app_world *w, const struct app_rec *rec)
{
	const struct app_end *end[2] = { rec->end[0], server_end(w, rec) };
	const struct app_mix *mix = w->mix;

	if (end[0]->had_no_port || end[0]->is_refused || has_come_again(w, rec))
		return true;
	if ((mix->may_fail_open || mix->may_time_out) && end[1] == NULL && is_unheard(w, end[0]))
		return true;
	for (unsigned int i = 0; i < 2; i++) {
		const struct app_end *e = end[i];

		if (e == NULL)
			continue;
		if (e->aborted || e->lost || (mix->may_be_shed && was_shed(e)))
			return true;
		if (mix->may_time_out && was_cut_off(e, end[1 - i]))
			return true;
		if (was_forgotten(e, end[1 - i]) || was_outwaited(e, end[1 - i]))
			return true;
	}
	return false;
}

SLUICE_NORETURN static void
fail_open(const struct app_end *e)
{
	const struct host *h = e->node->host;
	struct tcp_conn_info rows[64];
	uint64_t cursor = 0;

	while (cursor != UINT64_MAX) {
		unsigned int n = tcp_list_conns(h->w.tcp, &h->w.env, &cursor, rows, 64);

		for (unsigned int i = 0; i < n; i++)
			fprintf(stderr,
				"port %u <-> %u: %s, receive queue %u, send queue %u, windows %u "
				"and %u, timer %d ms%s\n",
				rows[i].key.lport, rows[i].key.rport, tcp_state_name(rows[i].state),
				rows[i].recvq_bytes, rows[i].sendq_bytes, rows[i].rcv_wnd,
				rows[i].snd_wnd, (int)rows[i].timer_ms,
				rows[i].orphan ? ", orphan" : "");
	}
	fail("I-9: the %s of connection %u on node %u never ended: sent %llu, received %llu, "
	     "header %u%s%s%s%s",
		e->is_client ? "client" : "server", e->rec != NULL ? e->rec->id : UINT32_MAX,
		e->node->idx, (unsigned long long)e->sent, (unsigned long long)e->received,
		e->header_done, e->eof_read ? ", end read" : "", e->fin_sent ? ", end sent" : "",
		e->closed_self ? ", closed" : "", e->aborted ? ", broken off" : "");
}

static void
print_end(const struct app_world *w, const struct app_end *e, const char *who)
{
	if (e == NULL) {
		fprintf(stderr, "%s: none\n", who);
		return;
	}
	fprintf(stderr,
		"%s: node %u, port %u, from %.6f s to %.6f s, sent %llu, received %llu, error "
		"%d%s%s%s%s%s%s\n",
		who, e->node->idx, e->port, (double)(e->begin_us - w->sim->start_us) / 1e6,
		(double)(e->end_us - w->sim->start_us) / 1e6, (unsigned long long)e->sent,
		(unsigned long long)e->received, e->err, e->eof_read ? ", end read" : "",
		e->fin_sent ? ", end sent" : "", e->closed_self ? ", closed" : "",
		e->gave_up ? ", gave up" : "", e->aborted ? ", broken off" : "",
		e->is_stuck ? ", stuck" : "");
}

void
app_check_records(struct app_world *w)
{
	for (uint32_t i = 0; i < w->end_count; i++)
		if (w->ends[i]->open) {
			w->sim->busy = w->ends[i]->node;
			fail_open(w->ends[i]);
		}
	for (uint32_t i = 0; i < w->rec_count; i++) {
		const struct app_rec *rec = w->recs[i];

		if (is_exact(rec)) {
			w->stats.exact++;
			continue;
		}
		if (is_excused(w, rec)) {
			w->stats.excused++;
			continue;
		}
		fprintf(stderr, "I-9: connection %u came to a bad end:\n", rec->id);
		print_end(w, rec->end[0], "client");
		print_end(w, server_end(w, rec), "server");
		w->sim->busy = rec->end[0]->node;
		fail("neither is the other's fault");
	}
}
