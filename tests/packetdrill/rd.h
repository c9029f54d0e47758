/* SPDX-License-Identifier: BSD-3-Clause */
/* Random sequences of segments and calls, given to the stack and to the kernel alike. */
#ifndef PACKETDRILL_RD_H
#define PACKETDRILL_RD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "packetdrill/flow.h"

/** Steps of a sequence; one bit each says whether it is kept. */
#define RD_STEPS_MAX 48u
#define RD_PAYLOAD_MAX 1460u
#define RD_TEXT_MAX 160u

/* --- what is played: rd_gen.c, from a seed alone ------------------------------------------- */

/** What a sequence number counts from; each side has its own of these. */
enum rd_seq_from {
	RD_NEXT,	/* behind the last segment of ours that was in order */
	RD_ACKED,	/* the last acknowledgement of the stack's */
	RD_EDGE,	/* the end of the window it offers */
	RD_ISN,
};

/** What an acknowledgement counts from. */
enum rd_ack_from {
	RD_SENT,	/* behind the last the stack sent */
	RD_UNA,		/* the highest we acknowledged */
	RD_ISS,
};

enum rd_ts {
	RD_TS_NONE,
	RD_TS_NOW,
	RD_TS_OLD,
	RD_TS_ANCIENT,
	RD_TS_ZERO,
	RD_TS_FUTURE,
};

/** Where a SACK block lies. */
enum rd_sack {
	RD_SACK_NONE,
	RD_SACK_TAIL,	/* the last of what was sent */
	RD_SACK_MIDDLE,	/* behind a gap */
	RD_SACK_OLD,	/* below what is acknowledged: D-SACK */
	RD_SACK_BOGUS,	/* never sent */
};

struct rd_seg {
	uint8_t flags;
	uint8_t tos;
	uint8_t seq_from, ack_from;
	int32_t seq_off, ack_off;
	uint16_t len, wnd, urg;
	uint8_t ts, ecr; /* enum rd_ts; none in ecr: as NOW */
	uint8_t sack;
	uint16_t sack_len;
	bool syn_opts; /* those of the sequence */
};

enum rd_call {
	RD_WAIT,
	RD_ACCEPT,
	RD_CONNECT,
	RD_READ,
	RD_WRITE,
	RD_SHUT_RD,
	RD_SHUT_WR,
	RD_SHUT_RDWR,
	RD_CLOSE,
	RD_NODELAY,
	RD_CORK,
	RD_LINGER,
	RD_ERROR,	/* SO_ERROR */
	RD_POLL,
	RD_MORE,	/* a write with MSG_MORE */
	RD_EOR,		/* ... with MSG_EOR */
	RD_KEEPALIVE,
	RD_KEEPIDLE,
	RD_KEEPINTVL,
	RD_KEEPCNT,
	RD_USER_TIMEOUT,
	RD_LINGER2,
	RD_QUICKACK,
	RD_NOTSENT_LOWAT,
	RD_DEFER_ACCEPT, /* of the listener */
	RD_ICMP,	/* no call, but no segment either */
	RD_CALL_COUNT,
};

enum rd_icmp_what {
	RD_ICMP_NET,
	RD_ICMP_HOST,
	RD_ICMP_PORT,
	RD_ICMP_PROHIBITED,
	RD_ICMP_TOO_BIG,
	RD_ICMP_TTL,
	RD_ICMP_COUNT,
};

/** An error about a segment of the stack's. */
struct rd_icmp {
	uint8_t what; /* enum rd_icmp_what */
	uint8_t seq_from; /* the quoted number, as an acknowledgement's */
	int32_t seq_off;
	uint16_t mtu;
};

struct rd_step {
	bool is_call;
	uint16_t gap_ms; /* after it */
	enum rd_call call;
	uint32_t arg;
	struct rd_seg seg;
	struct rd_icmp icmp;
};

struct rd_script {
	uint64_t seed, number;
	bool ip6, active;
	uint32_t isn, ts_first; /* ours */
	uint16_t mss; /* 0: no such option, as the next ones */
	int8_t wscale; /* -1 */
	bool has_sack, has_ts, has_ecn;
	unsigned int count;
	struct rd_step steps[RD_STEPS_MAX];
};

void rd_generate(struct rd_script *s, uint64_t seed, uint64_t number);
/** "seg ..." or "call ..." as generated, before either side's numbers. */
const char *rd_step_text(const struct rd_step *st, char *out, size_t cap);

/* --- playing it: rd_side.c ------------------------------------------------------------------ */

/** A packet the stack sent, in relative numbers. */
struct rd_pkt {
	uint64_t at_us; /* of its side's clock */
	uint32_t seq, ack, len, ts_val;
	uint16_t wnd;
	uint8_t flags, tos, shift;
	bool has_ts, bad; /* wrong bytes, or no good packet */
	char opts[128]; /* without the value of the timestamp */
};

/** What one step did. */
struct rd_record {
	bool played;
	uint64_t at_us, end_us;
	char input[RD_TEXT_MAX]; /* in this side's relative numbers */
	uint32_t seq, end, ack; /* a segment's; seq: also what an ICMP error quotes */
	uint32_t next, acked, edge, sent, una; /* of its side, before it */
	bool has_ts; /* timestamps are agreed on */
	uint8_t shift; /* of the windows it offers */
	long result;
	int err;
	int state; /* TCP_INFO at the end; -1: no socket */
	int inq, outq;
	uint32_t cwnd, ssthresh, mss; /* of TCP_INFO, at the end; not compared */
	unsigned int count, room;
	struct rd_pkt *out;
};

/** One sequence on one stack. */
struct rd_side {
	const struct packetdrill_interface *pd;
	const struct rd_script *script;
	struct flow flow;
	uint8_t peer[16], local[16];
	int listener, conn; /* -1: none */
	bool first; /* nothing was injected yet */
	bool defers; /* the handshake is over when data has come */
	uint32_t next, acked, edge, sent, una; /* enum rd_seq_from, rd_ack_from; relative */
	uint8_t shift; /* of the windows it offers */
	uint32_t syn_ts; /* the timestamp of its SYN */
	bool syn_has_ts; /* our last SYN has one */
	uint32_t syn_val; /* ... this */
	bool open, has_ts; /* SYNs were answered, timestamps agreed on */
	uint32_t first_val; /* ... with this one of ours */
	uint32_t read_at, write_at;
	uint64_t start_us;
	unsigned int at; /* the step under way; count: over */
	struct rd_record rec[RD_STEPS_MAX];
};

/** Where the connection lives: unlike any other at the time. */
void rd_side_open(struct rd_side *s, const struct packetdrill_interface *pd,
	const struct rd_script *script, uint32_t peer, uint16_t port);
/** Do step number k at now_us. */
void rd_side_step(struct rd_side *s, unsigned int k, uint64_t now_us);
/** Note where step k has led to. */
void rd_side_settle(struct rd_side *s, unsigned int k, uint64_t now_us);
/** A packet of this connection. */
void rd_side_take(struct rd_side *s, const struct view *v, uint64_t at_us);
/** End everything without a word to be compared. */
void rd_side_close(struct rd_side *s);
void rd_side_free(struct rd_side *s);
int rd_connect(struct rd_side *s);
/** rd_icmp.c: hand it an error, and its text. */
long rd_icmp_send(struct rd_side *s, const struct rd_icmp *icmp, char *text, size_t cap);
/** rd_calls.c: do it, and its text. */
long rd_do_call(struct rd_side *s, const struct rd_step *st, char *text, size_t cap);

/** The byte at this offset of either stream. */
static inline uint8_t
rd_byte(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8));
}

/* --- what differs: rd_compare.c, rd_allow.c -------------------------------------------------- */

enum rd_what {
	RD_SAME,
	RD_RESULT,	/* of a call */
	RD_PACKET,	/* the nth packets differ */
	RD_MISSING,	/* the kernel sent one more */
	RD_EXTRA,	/* the stack did */
	RD_STATE,
	RD_QUEUE,	/* bytes to be read or acknowledged */
};

struct rd_diff {
	enum rd_what what;
	unsigned int step, pkt;
	int entry; /* of the allow-list; -1: none */
	char key[128]; /* alike for differences that are alike */
};

/** Both sides of a sequence. */
struct rd_pair {
	struct rd_script script;
	uint64_t keep; /* bit k: step k is played */
	struct rd_side kernel, ours;
	struct rd_diff diff;
	uint64_t allowed; /* entries that explained a difference */
	bool timing; /* ended early: a timer stood too near to a step */
};

/** The first difference that nothing explains, in pair->diff. */
void rd_compare(struct rd_pair *p);
void rd_print(const struct rd_pair *p, FILE *to);

enum rd_verdict {
	RD_NO,		/* not this one */
	RD_GO_ON,	/* explained, and nothing follows from it */
	RD_END,		/* explained; what comes after it is not compared */
};

struct rd_allowed {
	const char *name;
	enum rd_verdict (*match)(const struct rd_pair *p, const struct rd_diff *d);
	const char *reason;
};

extern const struct rd_allowed rd_allow_list[];
extern const unsigned int rd_allow_count;

/* --- many at a time: rd_wave.c --------------------------------------------------------------- */

struct rd_world {
	struct packetdrill_interface kernel;
	void (*init)(const char *flags, struct packetdrill_interface *to); /* the stack */
	uint32_t peer_next;
	uint16_t port_next;
	struct rd_pair *route[65536];
};

/**
 * Play pairs until next() has no more, at most width at a time, and hand each to done(), which may
 * keep nothing of it.
 */
void rd_wave(struct rd_world *w, unsigned int width, bool (*next)(void *ctx, struct rd_pair *p),
	void (*done)(void *ctx, struct rd_pair *p), void *ctx);

/* --- rd_shrink.c ----------------------------------------------------------------------------- */

/** How often of tries the difference shows, with the same key. */
unsigned int rd_repeat(struct rd_world *w, const struct rd_pair *p, unsigned int tries);
/** The fewest steps that still show it. */
uint64_t rd_shrink(struct rd_world *w, const struct rd_pair *p);

#endif
