/* SPDX-License-Identifier: BSD-3-Clause */
/* Every state against every kind of segment over both IP versions, judged by lib/oracle.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/oracle.h"
#include "lib/peer.h"

/*
 *	test_tcp_matrix			all cells
 *	test_tcp_matrix CELL		one, with what was expected and what came
 *
 * A cell is named as a failure names it: ESTABLISHED/FIN,ACK/exact/all/ip4.
 */

/* What is sent. */
static const struct {
	const char *name;
	uint8_t flags;
	uint32_t len;
} kinds[] = {
	{ "none", 0, 0 },
	{ "SYN", VIEW_SYN, 0 },
	{ "SYN+data", VIEW_SYN, 100 },
	{ "SYN,ACK", VIEW_SYN | VIEW_ACK, 0 },
	{ "ACK", VIEW_ACK, 0 },
	{ "data", VIEW_PSH | VIEW_ACK, 100 },
	{ "data-without-ACK", VIEW_PSH, 100 },
	{ "URG+data", VIEW_URG | VIEW_ACK, 100 },
	{ "FIN", VIEW_FIN, 0 },
	{ "FIN,ACK", VIEW_FIN | VIEW_ACK, 0 },
	{ "FIN,ACK+data", VIEW_FIN | VIEW_ACK, 100 },
	{ "RST", VIEW_RST, 0 },
	{ "RST,ACK", VIEW_RST | VIEW_ACK, 0 },
	{ "SYN,FIN", VIEW_SYN | VIEW_FIN, 0 },
	{ "SYN,RST", VIEW_SYN | VIEW_RST, 0 },
	{ "all-flags", 0x3f, 0 },
};

/* Where its number is, from what the stack expects; by enum oracle_seq. */
static const struct {
	const char *name;
	int32_t off;
} seqs[] = {
	[ORACLE_SEQ_EXACT] = { "exact", 0 },
	[ORACLE_SEQ_INSIDE] = { "inside", 1000 },
	[ORACLE_SEQ_OLD] = { "old", -5000 },
	[ORACLE_SEQ_BEYOND] = { "beyond", 10000000 },
};

/* Where its acknowledgement is, from the last number the stack has sent; by enum oracle_ack. */
static const struct {
	const char *name;
	int32_t off;
} acks[] = {
	[ORACLE_ACK_ALL] = { "all", 0 },
	[ORACLE_ACK_BEFORE] = { "before", -1 },
	[ORACLE_ACK_ANCIENT] = { "ancient", -1000000 },
	[ORACLE_ACK_FUTURE] = { "future", 1000000 },
};

static const char *const reply_names[] = {
	[ORACLE_NOTHING] = "nothing",
	[ORACLE_ACK] = "ACK",
	[ORACLE_CHALLENGE] = "challenge ACK",
	[ORACLE_SYN_ACK] = "SYN,ACK",
	[ORACLE_RST] = "RST",
	[ORACLE_RST_ACK] = "RST,ACK",
	[ORACLE_OPEN] = "nothing or ACK",
};

struct cell {
	enum tcp_state state;
	size_t kind, seq, ack;
	bool ip6;
};

/* What the stack did. The numbers of what it sent are judged when it is compared. */
struct outcome_seen {
	struct view reply;
	bool is_reply, is_more;
	enum tcp_state state;
	uint32_t text;
	unsigned int events;
	/* The numbers of the cell's segment and connection, absolute. */
	uint32_t seg_seq, seg_ack, seg_len, rcv_nxt, snd_nxt, iss;
};

static void
cell_name(const struct cell *c, char *out, size_t cap)
{
	snprintf(out, cap, "%s/%s/%s/%s/%s", tcp_state_name(c->state), kinds[c->kind].name,
		seqs[c->seq].name, acks[c->ack].name, c->ip6 ? "ip6" : "ip4");
}

/* Bytes to be read, of the owner's connection or of one that waits to be accepted. */
static uint32_t
queued(struct peer *p)
{
	struct tcp_conn_info rows[8];
	uint64_t cursor = 0;
	ptrdiff_t n;

	if (p->conn != 0) {
		n = sluice_recv_queued(peer_sluice(p), p->conn);
		return n > 0 ? (uint32_t)n : 0;
	}
	n = tcp_list_conns(p->host.w.tcp, &p->host.w.env, &cursor, rows, 8);
	for (ptrdiff_t i = 0; i < n; i++)
		if (rows[i].key.rport == p->rport)
			return rows[i].recvq_bytes;
	return 0;
}

static unsigned int
events_of(const struct peer *p)
{
	unsigned int ev = 0;

	if (p->acceptable)
		ev |= ORACLE_EV_ACCEPTABLE;
	if (p->readable)
		ev |= ORACLE_EV_READABLE;
	if (p->connected && p->connect_err == 0)
		ev |= ORACLE_EV_CONNECTED;
	if (p->connected && p->connect_err == -ECONNREFUSED && p->gone)
		ev |= ORACLE_EV_REFUSED;
	else if (p->gone && p->close_err == -ECONNRESET)
		ev |= ORACLE_EV_RESET;
	return ev;
}

static void
play(struct peer *p, const struct cell *c, struct outcome_seen *seen)
{
	uint8_t flags = kinds[c->kind].flags;
	const struct view *v;

	memset(seen, 0, sizeof(*seen));
	if (c->ip6)
		peer_start_ip6(p);
	else
		peer_start(p, NULL);
	peer_enter(p, c->state);
	p->acceptable = p->readable = p->connected = false;
	seen->rcv_nxt = p->nxt;
	seen->snd_nxt = p->rcv;
	seen->iss = p->iss;
	seen->seg_seq = p->nxt + (uint32_t)seqs[c->seq].off;
	seen->seg_ack = p->rcv + (uint32_t)acks[c->ack].off;
	seen->seg_len = kinds[c->kind].len + ((flags & VIEW_SYN) != 0) + ((flags & VIEW_FIN) != 0);
	peer_send(p, .flags = flags, .no_flags = flags == 0, .len = kinds[c->kind].len,
		.seq = seqs[c->seq].off, .ack = acks[c->ack].off,
		.urg = flags & VIEW_URG ? 50 : 0);
	/* An ACK that may wait for an answer does not wait for ever; in SYN-SENT none waits, and
	 * our own SYN goes again soon. */
	peer_wait(p, c->state == TCPS_SYN_SENT ? 1000 : 200000);
	v = peer_next(p);
	seen->is_reply = v != NULL;
	if (v != NULL)
		seen->reply = *v;
	seen->is_more = p->count > 0;
	seen->state = peer_state(p);
	seen->text = queued(p);
	seen->events = events_of(p);
	peer_stop(p);
}

/* The reply and its numbers. */
static bool
reply_fits(const struct cell *c, const struct oracle_verdict *want, const struct outcome_seen *s)
{
	const struct view *r = &s->reply;
	uint32_t rcv_nxt = s->rcv_nxt + want->text + want->fin;

	/* The peer's first number becomes known with this segment. */
	if (c->state == TCPS_SYN_SENT)
		rcv_nxt = s->seg_seq + 1;
	if (!s->is_reply)
		return want->reply == ORACLE_NOTHING || want->reply == ORACLE_OPEN;
	if (s->is_more || r->payload_len > 0)
		return false;
	switch (want->reply) {
	case ORACLE_NOTHING:
		return false;
	case ORACLE_ACK:
	case ORACLE_CHALLENGE:
	case ORACLE_OPEN:
		return r->flags == VIEW_ACK && r->seq == s->snd_nxt && r->ack == rcv_nxt;
	case ORACLE_SYN_ACK:
		return r->flags == (VIEW_SYN | VIEW_ACK) && r->ack == s->seg_seq + 1 &&
		       (c->state != TCPS_SYN_SENT || r->seq == s->iss);
	case ORACLE_RST:
		return r->flags == VIEW_RST && r->seq == s->seg_ack;
	case ORACLE_RST_ACK:
		return r->flags == (VIEW_RST | VIEW_ACK) && r->seq == 0 &&
		       r->ack == s->seg_seq + s->seg_len;
	}
	return false;
}

static const char *
seen_text(const struct outcome_seen *s, char *out, size_t cap)
{
	if (!s->is_reply)
		return "nothing";
	return view_text(&s->reply, out, cap);
}

/* One cell; false and a line of its own if it does not fit. */
static bool
fits(struct peer *p, const struct cell *c, bool is_loud)
{
	const struct oracle_seg seg = {
		.flags = kinds[c->kind].flags,
		.len = kinds[c->kind].len,
		.seq = (enum oracle_seq)c->seq,
		.ack = (enum oracle_ack)c->ack,
	};
	struct oracle_verdict want = oracle_judge(c->state, &seg);
	struct outcome_seen seen;
	char name[128], text[512];
	bool ok;

	play(p, c, &seen);
	ok = reply_fits(c, &want, &seen) && want.state == seen.state && want.text == seen.text &&
	     want.events == seen.events;
	if (ok && !is_loud)
		return true;
	cell_name(c, name, sizeof(name));
	print_error("%s: %s\n  RFC 9293 %s\n"
		    "  expected %s, %s, %u bytes, events 0x%x; got %s, %s, %u bytes, events 0x%x\n"
		    "  repeat: tests/unit/test_tcp_matrix '%s'\n",
		name, ok ? "fits" : "differs", want.where, reply_names[want.reply],
		tcp_state_name(want.state), want.text, want.events,
		seen_text(&seen, text, sizeof(text)), tcp_state_name(seen.state), seen.text,
		seen.events, name);
	return ok;
}

/* Call try for each cell. */
static void
for_each_cell(bool (*try)(struct peer *p, const struct cell *c, void *ctx), void *ctx)
{
	static struct peer p;
	const size_t n = ARRAY_SIZE(kinds) * ARRAY_SIZE(seqs) * ARRAY_SIZE(acks) * 2;

	for (unsigned int state = 0; state < TCP_STATE_COUNT; state++) {
		for (size_t i = 0; i < n; i++) {
			const struct cell c = {
				.state = (enum tcp_state)state,
				.ip6 = i % 2 != 0,
				.ack = i / 2 % ARRAY_SIZE(acks),
				.seq = i / 2 / ARRAY_SIZE(acks) % ARRAY_SIZE(seqs),
				.kind = i / 2 / ARRAY_SIZE(acks) / ARRAY_SIZE(seqs),
			};

			if (!try(&p, &c, ctx))
				return;
		}
	}
}

struct tally {
	unsigned int all, wrong;
};

static bool
count(struct peer *p, const struct cell *c, void *ctx)
{
	struct tally *t = ctx;

	t->all++;
	t->wrong += !fits(p, c, false);
	return true;
}

static void
every_state_answers_every_segment_as_the_rfcs_say(void **ctx)
{
	struct tally t = { 0, 0 };

	(void)ctx;
	for_each_cell(count, &t);
	print_message("%u of %u cells differ\n", t.wrong, t.all);
	assert_int_equal(t.wrong, 0);
}

struct wanted {
	const char *name;
	bool found, ok;
};

static bool
try_wanted(struct peer *p, const struct cell *c, void *ctx)
{
	struct wanted *w = ctx;
	char name[128];

	cell_name(c, name, sizeof(name));
	if (strcmp(name, w->name) != 0)
		return true;
	w->found = true;
	w->ok = fits(p, c, true);
	return false;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_answers_every_segment_as_the_rfcs_say),
	};
	struct wanted w = { .name = argc > 1 ? argv[1] : NULL };

	if (w.name == NULL)
		return cmocka_run_group_tests(tests, NULL, NULL);
	for_each_cell(try_wanted, &w);
	if (!w.found)
		print_error("no cell is called %s\n", w.name);
	return w.ok ? 0 : 1;
}
