/* SPDX-License-Identifier: BSD-3-Clause */
/* What RFC 9293 s3.10.7 says a segment does to a connection, by somebody who only read the text. */
#ifndef LIB_ORACLE_H
#define LIB_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/tcp_state.h"

/** Where a number lies, seen from what is expected next. */
enum oracle_seq {
	ORACLE_SEQ_EXACT, /* SEG.SEQ = RCV.NXT */
	ORACLE_SEQ_INSIDE, /* behind a gap, all of it in the window */
	ORACLE_SEQ_OLD, /* all of it left of the window */
	ORACLE_SEQ_BEYOND, /* all of it right of the window */
};

enum oracle_ack {
	ORACLE_ACK_ALL, /* SEG.ACK = SND.NXT: our SYN and FIN, too */
	ORACLE_ACK_BEFORE, /* one less: not the last of what we sent */
	ORACLE_ACK_ANCIENT, /* left of SND.UNA - MAX.SND.WND */
	ORACLE_ACK_FUTURE, /* of what was never sent */
};

struct oracle_seg {
	uint8_t flags; /* VIEW_* */
	uint32_t len; /* of the text */
	enum oracle_seq seq;
	enum oracle_ack ack;
};

enum oracle_reply {
	ORACLE_NOTHING,
	ORACLE_ACK, /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, what was taken included */
	ORACLE_CHALLENGE, /* the same with nothing taken (RFC 5961) */
	ORACLE_SYN_ACK, /* <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK> */
	ORACLE_RST, /* <SEQ=SEG.ACK><CTL=RST> */
	ORACLE_RST_ACK, /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
	ORACLE_OPEN, /* nothing, or an ACK: the text leaves it open */
};

/** What the application hears, bits. */
enum {
	ORACLE_EV_ACCEPTABLE = 1,
	ORACLE_EV_CONNECTED = 2,
	ORACLE_EV_REFUSED = 4, /* connected and closed, ECONNREFUSED */
	ORACLE_EV_READABLE = 8, /* data, or an orderly end */
	ORACLE_EV_RESET = 16, /* closed, ECONNRESET */
};

struct oracle_verdict {
	const char *where; /* the sentence of the RFC that decided */
	enum oracle_reply reply;
	enum tcp_state state;
	uint32_t text; /* bytes taken, in order */
	bool fin; /* taken */
	unsigned int events;
};

/** A connection in this state, opened passively but in SYN-SENT, with nothing in flight but its SYN
 * or FIN and nothing queued. */
struct oracle_verdict oracle_judge(enum tcp_state state, const struct oracle_seg *seg);

#endif
