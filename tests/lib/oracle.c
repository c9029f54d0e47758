/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT ARRIVES as RFC 9293 s3.10.7 has it, RFC 5961 and RFC 1337 where they change it. */
#include "lib/oracle.h"

#include "lib/view.h"

/*
 * Written from the text alone and in its order, so that it can be held against the text line by
 * line; nothing of the stack is used but the names of states. Where we differ from the text on
 * purpose the line says so; docs/deviations.md has the reasons.
 */

static bool
has(const struct oracle_seg *s, uint8_t flag)
{
	return (s->flags & flag) != 0;
}

static struct oracle_verdict
stay(enum tcp_state state, enum oracle_reply reply, const char *where)
{
	return (struct oracle_verdict){ .where = where, .reply = reply, .state = state };
}

static struct oracle_verdict
go(enum tcp_state state, enum oracle_reply reply, unsigned int events, const char *where)
{
	return (struct oracle_verdict){
		.where = where,
		.reply = reply,
		.state = state,
		.events = events,
	};
}

static struct oracle_verdict
closed(const struct oracle_seg *s)
{
	if (has(s, VIEW_RST))
		return stay(TCPS_CLOSED, ORACLE_NOTHING, "s3.10.7.1, RST is discarded");
	if (!has(s, VIEW_ACK))
		return stay(TCPS_CLOSED, ORACLE_RST_ACK, "s3.10.7.1, ACK bit off");
	return stay(TCPS_CLOSED, ORACLE_RST, "s3.10.7.1, ACK bit on");
}

static struct oracle_verdict
listening(const struct oracle_seg *s)
{
	if (has(s, VIEW_RST))
		return stay(TCPS_CLOSED, ORACLE_NOTHING, "s3.10.7.2, first, RST");
	if (has(s, VIEW_ACK))
		return stay(TCPS_CLOSED, ORACLE_RST, "s3.10.7.2, second, ACK");
	/* Deviates: with FIN it is a scan and gets no answer, as in Linux. */
	if (has(s, VIEW_SYN) && has(s, VIEW_FIN))
		return stay(TCPS_CLOSED, ORACLE_NOTHING, "s3.10.7.2, third, SYN with FIN");
	/* Deviates: its text is not kept, the peer sends it again. */
	if (has(s, VIEW_SYN))
		return go(TCPS_SYN_RECEIVED, ORACLE_SYN_ACK, 0, "s3.10.7.2, third, SYN");
	return stay(TCPS_CLOSED, ORACLE_NOTHING, "s3.10.7.2, fourth, other");
}

static struct oracle_verdict
syn_sent(const struct oracle_seg *s)
{
	/* First: SEG.ACK =< ISS or SEG.ACK > SND.NXT. */
	if (has(s, VIEW_ACK) && s->ack != ORACLE_ACK_ALL)
		return stay(TCPS_SYN_SENT, has(s, VIEW_RST) ? ORACLE_NOTHING : ORACLE_RST,
			"s3.10.7.3, first, ACK not acceptable");
	if (has(s, VIEW_RST) && has(s, VIEW_ACK))
		return go(TCPS_CLOSED, ORACLE_NOTHING, ORACLE_EV_REFUSED,
			"s3.10.7.3, second, RST with acceptable ACK");
	if (has(s, VIEW_RST))
		return stay(TCPS_SYN_SENT, ORACLE_NOTHING, "s3.10.7.3, second, RST alone");
	/* Third: security, which does not exist here. */
	/* Deviates: text and FIN of a SYN-ACK are not kept, the peer sends them again. */
	if (has(s, VIEW_SYN) && has(s, VIEW_ACK))
		return go(TCPS_ESTABLISHED, ORACLE_ACK, ORACLE_EV_CONNECTED,
			"s3.10.7.3, fourth, our SYN is acknowledged");
	if (has(s, VIEW_SYN))
		return go(TCPS_SYN_RECEIVED, ORACLE_SYN_ACK, 0,
			"s3.10.7.3, fourth, simultaneous open");
	return stay(TCPS_SYN_SENT, ORACLE_NOTHING, "s3.10.7.3, fifth, neither SYN nor RST");
}

/* First to fourth of s3.10.7.4, alike in all states but TIME-WAIT. True: decided. */
static bool
first_to_fourth(enum tcp_state state, const struct oracle_seg *s, struct oracle_verdict *v)
{
	bool acceptable = s->seq == ORACLE_SEQ_EXACT || s->seq == ORACLE_SEQ_INSIDE;

	if (!acceptable && has(s, VIEW_RST))
		*v = stay(state, ORACLE_NOTHING, "s3.10.7.4, first, RST not acceptable");
	else if (!acceptable)
		*v = stay(state, ORACLE_ACK, "s3.10.7.4, first, not acceptable");
	else if (has(s, VIEW_RST) && s->seq != ORACLE_SEQ_EXACT)
		*v = stay(state, ORACLE_CHALLENGE, "s3.10.7.4, second, RST in the window");
	else if (has(s, VIEW_RST) && state == TCPS_SYN_RECEIVED)
		*v = go(TCPS_CLOSED, ORACLE_NOTHING, 0,
			"s3.10.7.4, second, RST returns to LISTEN");
	else if (has(s, VIEW_RST) && (state == TCPS_CLOSING || state == TCPS_LAST_ACK))
		*v = go(TCPS_CLOSED, ORACLE_NOTHING, ORACLE_EV_READABLE,
			"s3.10.7.4, second, RST, all was said");
	else if (has(s, VIEW_RST))
		*v = go(TCPS_CLOSED, ORACLE_NOTHING, ORACLE_EV_RESET,
			"s3.10.7.4, second, RST, connection reset");
	/* Deviates: a passive SYN-RECEIVED would return to LISTEN for any SYN in its window. */
	else if (has(s, VIEW_SYN))
		*v = stay(state, ORACLE_CHALLENGE, "s3.10.7.4, fourth, SYN (RFC 5961 s4.2)");
	else
		return false;
	return true;
}

/* Fifth. True: decided; else *state is where the later steps go on. */
static bool
fifth(enum tcp_state *state, const struct oracle_seg *s, struct oracle_verdict *v)
{
	if (!has(s, VIEW_ACK)) {
		*v = stay(*state, ORACLE_NOTHING, "s3.10.7.4, fifth, ACK bit off");
		return true;
	}
	if (*state == TCPS_SYN_RECEIVED) {
		if (s->ack == ORACLE_ACK_ALL)
			*state = TCPS_ESTABLISHED;
		else
			*v = stay(*state, ORACLE_RST, "s3.10.7.4, fifth, SYN-RECEIVED");
		return s->ack != ORACLE_ACK_ALL;
	}
	if (s->ack == ORACLE_ACK_FUTURE) {
		*v = stay(*state, ORACLE_ACK, "s3.10.7.4, fifth, ACK of what was not sent");
		return true;
	}
	if (s->ack == ORACLE_ACK_ANCIENT) {
		*v = stay(*state, ORACLE_CHALLENGE, "s3.10.7.4, fifth (RFC 5961 s5.2)");
		return true;
	}
	/* Deviates: before our first byte nothing was sent that could be acknowledged. */
	if (s->ack == ORACLE_ACK_BEFORE &&
		(*state == TCPS_ESTABLISHED || *state == TCPS_CLOSE_WAIT)) {
		*v = stay(*state, ORACLE_CHALLENGE, "RFC 5961 s5.2, before our first byte");
		return true;
	}
	/* A duplicate can be ignored; the segment goes on. */
	if (s->ack == ORACLE_ACK_BEFORE)
		return false;
	if (*state == TCPS_LAST_ACK || *state == TCPS_CLOSING) {
		/* An owner that has only shut down is told that it may close now. */
		*v = go(*state == TCPS_LAST_ACK ? TCPS_CLOSED : TCPS_TIME_WAIT, ORACLE_NOTHING,
			ORACLE_EV_READABLE, "s3.10.7.4, fifth, our FIN is acknowledged");
		return true;
	}
	if (*state == TCPS_FIN_WAIT_1)
		*state = TCPS_FIN_WAIT_2;
	return false;
}

/* Seventh and eighth: text and FIN. was_open: its owner knows the connection. */
static struct oracle_verdict
seventh_and_eighth(enum tcp_state state, const struct oracle_seg *s, bool was_open)
{
	struct oracle_verdict v = stay(state, ORACLE_NOTHING, "s3.10.7.4, nothing more in it");

	if (s->len == 0 && !has(s, VIEW_FIN))
		return v;
	v.where = "s3.10.7.4, seventh and eighth, behind the peer's FIN";
	if (state != TCPS_ESTABLISHED && state != TCPS_FIN_WAIT_1 && state != TCPS_FIN_WAIT_2)
		return v;
	v.reply = ORACLE_ACK;
	v.where = "s3.10.7.4, seventh, behind a gap";
	if (s->seq != ORACLE_SEQ_EXACT)
		return v;
	v.where = "s3.10.7.4, seventh, text";
	v.text = s->len;
	v.events = was_open ? ORACLE_EV_READABLE : 0;
	if (!has(s, VIEW_FIN))
		return v;
	v.where = "s3.10.7.4, eighth, FIN";
	v.fin = true;
	v.state = state == TCPS_ESTABLISHED  ? TCPS_CLOSE_WAIT
		  : state == TCPS_FIN_WAIT_1 ? TCPS_CLOSING
					     : TCPS_TIME_WAIT;
	return v;
}

static struct oracle_verdict
opened(enum tcp_state state, const struct oracle_seg *s)
{
	bool was_open = state != TCPS_SYN_RECEIVED;
	struct oracle_verdict v;

	if (first_to_fourth(state, s, &v) || fifth(&state, s, &v))
		return v;
	/* Sixth: urgent data is ordinary data (deviates). */
	v = seventh_and_eighth(state, s, was_open);
	if (!was_open)
		v.events |= ORACLE_EV_ACCEPTABLE;
	return v;
}

static struct oracle_verdict
time_wait(const struct oracle_seg *s)
{
	bool newer = s->seq == ORACLE_SEQ_INSIDE || s->seq == ORACLE_SEQ_BEYOND;
	bool acceptable = s->seq == ORACLE_SEQ_EXACT || s->seq == ORACLE_SEQ_INSIDE;

	/* RFC 9293 lets an exact one end it; RFC 1337 s3 does not, and nor do we. */
	if (has(s, VIEW_RST))
		return stay(TCPS_TIME_WAIT, ORACLE_NOTHING, "RFC 1337 s3, RST is ignored");
	/* A higher number can only be a new incarnation's. */
	if (has(s, VIEW_SYN) && !has(s, VIEW_ACK) && !has(s, VIEW_FIN) && newer)
		return go(TCPS_SYN_RECEIVED, ORACLE_SYN_ACK, 0,
			"s3.10.7.4, fourth, TIME-WAIT (RFC 6191 s2)");
	if (has(s, VIEW_SYN))
		return stay(TCPS_TIME_WAIT, ORACLE_CHALLENGE, "s3.10.7.4, fourth, SYN");
	if (!acceptable)
		return stay(TCPS_TIME_WAIT, ORACLE_ACK, "s3.10.7.4, first, not acceptable");
	/* Only the peer's FIN again can come, says the text; that one is old, not acceptable. */
	return stay(TCPS_TIME_WAIT, ORACLE_OPEN, "s3.10.7.4, fifth, TIME-WAIT");
}

struct oracle_verdict
oracle_judge(enum tcp_state state, const struct oracle_seg *seg)
{
	switch (state) {
	case TCPS_CLOSED:
		return closed(seg);
	case TCPS_LISTEN:
		return listening(seg);
	case TCPS_SYN_SENT:
		return syn_sent(seg);
	case TCPS_TIME_WAIT:
		return time_wait(seg);
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		return opened(state, seg);
	}
	return stay(state, ORACLE_OPEN, "no such state");
}
