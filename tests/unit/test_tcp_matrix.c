/* SPDX-License-Identifier: BSD-3-Clause */
/* Every state against every kind of segment, judged by an oracle that knows only the RFCs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/peer.h"

/* What is sent. */
static const struct {
	const char *name;
	uint8_t flags;
	uint32_t len;
} kinds[] = {
	{ "none", 0, 0 },
	{ "SYN", VIEW_SYN, 0 },
	{ "SYN,ACK", VIEW_SYN | VIEW_ACK, 0 },
	{ "ACK", VIEW_ACK, 0 },
	{ "data", VIEW_PSH | VIEW_ACK, 100 },
	{ "data without ACK", VIEW_PSH, 100 },
	{ "urgent data", VIEW_URG | VIEW_ACK, 100 },
	{ "FIN", VIEW_FIN, 0 },
	{ "FIN,ACK", VIEW_FIN | VIEW_ACK, 0 },
	{ "RST", VIEW_RST, 0 },
	{ "RST,ACK", VIEW_RST | VIEW_ACK, 0 },
	{ "SYN,FIN", VIEW_SYN | VIEW_FIN, 0 },
	{ "SYN,RST", VIEW_SYN | VIEW_RST, 0 },
	{ "all", 0x3f, 0 },
};

/* Where its number is, from what the stack expects. */
static const struct {
	const char *name;
	int32_t off;
} seqs[] = {
	{ "exact", 0 },
	{ "in the window", 1000 },
	{ "left of the window", -5000 },
	{ "right of the window", 10000000 },
};

/* Where its acknowledgement is, from the last number the stack has sent. */
static const struct {
	const char *name;
	int32_t off;
} acks[] = {
	{ "good", 0 },
	{ "too old", -1000000 },
	{ "of the future", 1000000 },
};

enum reply {
	NOTHING,
	AN_ACK,
	SYN_ACK,
	RST_OF_ACK, /* RST without ACK, its number is the acknowledgement */
	RST_WITH_ACK, /* RST with ACK, number 0 */
	EITHER, /* nothing or an ACK: nobody says */
	OTHER,
};

static const char *const reply_names[] = { "nothing", "ACK", "SYN,ACK", "RST", "RST,ACK",
	"nothing or ACK", "something else" };

struct verdict {
	enum reply reply;
	enum tcp_state state;
};

struct segment {
	uint8_t flags;
	uint32_t len;
	bool exact, in_window; /* neither: outside */
	bool higher; /* than what is expected */
	bool ack_good;
};

static bool
has(const struct segment *s, uint8_t flag)
{
	return (s->flags & flag) != 0;
}

/* RFC 9293 s3.10.7.1, s3.10.7.2. */
static struct verdict
judge_unopened(enum tcp_state state, const struct segment *s)
{
	if (has(s, VIEW_RST))
		return (struct verdict){ NOTHING, TCPS_CLOSED };
	if (has(s, VIEW_ACK))
		return (struct verdict){ RST_OF_ACK, TCPS_CLOSED };
	if (state == TCPS_CLOSED)
		return (struct verdict){ RST_WITH_ACK, TCPS_CLOSED };
	/* SYN with FIN is no way to open, for Linux and for us. */
	if (has(s, VIEW_SYN) && !has(s, VIEW_FIN))
		return (struct verdict){ SYN_ACK, TCPS_SYN_RECEIVED };
	return (struct verdict){ NOTHING, TCPS_CLOSED };
}

/* RFC 9293 s3.10.7.3. */
static struct verdict
judge_syn_sent(const struct segment *s)
{
	if (has(s, VIEW_ACK) && !s->ack_good)
		return (struct verdict){ has(s, VIEW_RST) ? NOTHING : RST_OF_ACK, TCPS_SYN_SENT };
	if (has(s, VIEW_RST))
		return (struct verdict){ NOTHING, has(s, VIEW_ACK) ? TCPS_CLOSED : TCPS_SYN_SENT };
	if (!has(s, VIEW_SYN))
		return (struct verdict){ NOTHING, TCPS_SYN_SENT };
	if (has(s, VIEW_ACK))
		return (struct verdict){ AN_ACK, TCPS_ESTABLISHED };
	return (struct verdict){ SYN_ACK, TCPS_SYN_RECEIVED };
}

/* RFC 9293 s3.10.7.4 with RFC 5961, for a half-open connection. */
static struct verdict
judge_syn_received(const struct segment *s)
{
	const struct verdict stays = { NOTHING, TCPS_SYN_RECEIVED };
	const struct verdict challenged = { AN_ACK, TCPS_SYN_RECEIVED };

	if (!s->exact && !s->in_window)
		return has(s, VIEW_RST) ? stays : challenged;
	if (has(s, VIEW_RST))
		return s->exact ? (struct verdict){ NOTHING, TCPS_CLOSED } : challenged;
	if (has(s, VIEW_SYN))
		return challenged;
	if (!has(s, VIEW_ACK))
		return stays;
	if (!s->ack_good)
		return (struct verdict){ RST_OF_ACK, TCPS_SYN_RECEIVED };
	if (has(s, VIEW_FIN) && s->exact)
		return (struct verdict){ AN_ACK, TCPS_CLOSE_WAIT };
	if (s->len > 0 || has(s, VIEW_FIN))
		return (struct verdict){ AN_ACK, TCPS_ESTABLISHED };
	return (struct verdict){ NOTHING, TCPS_ESTABLISHED };
}

/* RFC 9293 s3.10.7.4, RFC 6191, RFC 1337. */
static struct verdict
judge_time_wait(const struct segment *s)
{
	if (has(s, VIEW_RST))
		return (struct verdict){ NOTHING, TCPS_TIME_WAIT };
	/* A higher number can only be a new incarnation's. */
	if ((s->flags & (VIEW_SYN | VIEW_ACK | VIEW_FIN)) == VIEW_SYN && s->higher)
		return (struct verdict){ SYN_ACK, TCPS_SYN_RECEIVED };
	if (has(s, VIEW_SYN) || (!s->exact && !s->in_window))
		return (struct verdict){ AN_ACK, TCPS_TIME_WAIT };
	return (struct verdict){ EITHER, TCPS_TIME_WAIT };
}

/* The state after our FIN, if there is one, is acknowledged. */
static enum tcp_state
after_ack(enum tcp_state state)
{
	return state == TCPS_FIN_WAIT_1 ? TCPS_FIN_WAIT_2
	       : state == TCPS_CLOSING  ? TCPS_TIME_WAIT
	       : state == TCPS_LAST_ACK ? TCPS_CLOSED
					: state;
}

/* The seventh and eighth step: text and FIN, in order or behind a gap. */
static struct verdict
judge_text(enum tcp_state state, const struct segment *s)
{
	if (s->len == 0 && !has(s, VIEW_FIN))
		return (struct verdict){ NOTHING, state };
	if (state != TCPS_ESTABLISHED && state != TCPS_FIN_WAIT_1 && state != TCPS_FIN_WAIT_2)
		return (struct verdict){ EITHER, state };
	if (!has(s, VIEW_FIN) || !s->exact)
		return (struct verdict){ AN_ACK, state };
	return (struct verdict){ AN_ACK,
		state == TCPS_ESTABLISHED ? TCPS_CLOSE_WAIT : TCPS_TIME_WAIT };
}

/* RFC 9293 s3.10.7.4 with RFC 5961, for the synchronised states. */
static struct verdict
judge_synchronised(enum tcp_state state, const struct segment *s)
{
	const struct verdict challenged = { AN_ACK, state };

	if (!s->exact && !s->in_window)
		return has(s, VIEW_RST) ? (struct verdict){ NOTHING, state } : challenged;
	if (has(s, VIEW_RST))
		return s->exact ? (struct verdict){ NOTHING, TCPS_CLOSED } : challenged;
	if (has(s, VIEW_SYN))
		return challenged;
	if (!has(s, VIEW_ACK))
		return (struct verdict){ NOTHING, state };
	if (!s->ack_good)
		return challenged;
	return judge_text(after_ack(state), s);
}

static struct verdict
judge(enum tcp_state state, const struct segment *s)
{
	switch (state) {
	case TCPS_CLOSED:
	case TCPS_LISTEN:
		return judge_unopened(state, s);
	case TCPS_SYN_SENT:
		return judge_syn_sent(s);
	case TCPS_SYN_RECEIVED:
		return judge_syn_received(s);
	case TCPS_TIME_WAIT:
		return judge_time_wait(s);
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		return judge_synchronised(state, s);
	}
	return (struct verdict){ OTHER, state };
}

/* What the stack really said. Numbers: an RST's is the acknowledgement it answers, or 0. */
static enum reply
reply_of(struct peer *p, uint32_t ack)
{
	const struct view *v = peer_next(p);

	if (v == NULL)
		return NOTHING;
	if (p->count > 0 || v->payload_len > 0)
		return OTHER;
	if (v->flags == VIEW_ACK)
		return AN_ACK;
	if (v->flags == (VIEW_SYN | VIEW_ACK))
		return SYN_ACK;
	if (v->flags == VIEW_RST)
		return v->seq == ack ? RST_OF_ACK : OTHER;
	if (v->flags == (VIEW_RST | VIEW_ACK))
		return v->seq == 0 ? RST_WITH_ACK : OTHER;
	return OTHER;
}

static bool
fits(enum reply want, enum reply got)
{
	return want == got || (want == EITHER && (got == NOTHING || got == AN_ACK));
}

/* One cell of the matrix; counts what does not fit. */
static unsigned int
try(struct peer *p, enum tcp_state state, size_t k, size_t q, size_t a)
{
	struct segment s = {
		.flags = kinds[k].flags,
		.len = kinds[k].len,
		.exact = q == 0,
		.in_window = q == 1,
		.higher = seqs[q].off > 0,
		.ack_good = a == 0,
	};
	struct verdict want = judge(state, &s);
	enum tcp_state got_state;
	enum reply got;
	uint32_t ack;

	peer_start(p, NULL);
	peer_enter(p, state);
	ack = p->rcv + (uint32_t)acks[a].off;
	peer_send(p, .flags = s.flags, .no_flags = s.flags == 0, .len = s.len, .seq = seqs[q].off,
		.ack = acks[a].off, .urg = s.flags & VIEW_URG ? 50 : 0);
	/* An ACK that may wait for an answer does not wait for ever. */
	peer_wait(p, 200000);
	got = reply_of(p, ack);
	got_state = peer_state(p);
	peer_stop(p);
	if (fits(want.reply, got) && want.state == got_state)
		return 0;
	print_error("%s: %s, number %s, acknowledgement %s: expected %s and %s, got %s and %s\n",
		tcp_state_name(state), kinds[k].name, seqs[q].name, acks[a].name,
		reply_names[want.reply], tcp_state_name(want.state), reply_names[got],
		tcp_state_name(got_state));
	return 1;
}

static void
every_state_answers_every_segment_as_the_rfcs_say(void **ctx)
{
	static struct peer p;
	unsigned int wrong = 0, all = 0;

	(void)ctx;
	for (unsigned int state = 0; state < TCP_STATE_COUNT; state++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			for (size_t q = 0; q < ARRAY_SIZE(seqs); q++)
				for (size_t a = 0; a < ARRAY_SIZE(acks); a++, all++)
					wrong += try(&p, (enum tcp_state)state, k, q, a);
	print_message("%u of %u cells differ\n", wrong, all);
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_answers_every_segment_as_the_rfcs_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
