/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection in any state, and segments of which a test writes only what matters. */
#ifndef LIB_PEER_H
#define LIB_PEER_H

#include "lib/host.h"
#include "lib/view.h"

/*
 * A worker at 192.0.2.1 (fd00::1) that listens on port 80, its application, and the peer at
 * 192.0.2.2 (fd00::2):
 *
 *	peer_start(&p, NULL);
 *	peer_enter(&p, TCPS_ESTABLISHED);
 *	peer_send(&p, .flags = VIEW_RST | VIEW_ACK, .seq = 1);
 *	peer_expect(&p, .flags = VIEW_ACK);
 *	peer_stop(&p);
 *
 * What does not hold ends the program with a message, so that any test framework will do.
 */

#define PEER_QUEUE_MAX 64u
/** Round trip of every constructor's handshake. */
#define PEER_RTT_US 100000u

/**
 * A segment, as it differs from the usual one. Zeroed: the next in order, acknowledging all that
 * was received, window 65535, no options. seq and ack are distances from there.
 */
struct peer_seg {
	uint8_t flags; /* VIEW_*; 0: VIEW_ACK */
	bool no_flags; /* really none */
	int32_t seq, ack;
	uint32_t len; /* payload; its bytes are the low byte of their numbers */
	int32_t wnd; /* 0: 65535; negative: 0 */
	uint16_t urg;
	const struct view_opts *opts;
};

struct peer {
	struct host host;
	sluice_listener listener;
	sluice_conn conn; /* 0: not accepted, not connected, or gone */
	bool acceptable, connected, readable, writable, gone;
	int connect_err, close_err;
	bool ip6;
	uint16_t rport, lport;
	uint32_t isn, iss; /* first numbers of the peer and of the stack */
	uint32_t nxt; /* what the peer sends next */
	uint32_t rcv; /* what it has received from the stack */
	struct {
		struct view view;
		uint8_t bytes[1600];
	} sent[PEER_QUEUE_MAX]; /* by the stack, not yet looked at */
	unsigned int head, count;
};

/** par NULL: host_params_default() with the address; else par has one. */
void peer_start(struct peer *p, const struct host_params *par);
/** The same over IPv6, with host_params_default(). */
void peer_start_ip6(struct peer *p);

/** Ends everything and checks that nothing is left. */
void peer_stop(struct peer *p);

/**
 * Bring a fresh connection into a state, by segments and calls alone; nothing is left to be looked
 * at. CLOSED: none. LISTEN: none, the listener is open. Every other state: as RFC 9293 figure 5
 * gets there, by passive open except SYN-SENT.
 */
void peer_enter(struct peer *p, enum tcp_state state);

/** The state as listings show it; CLOSED where there is nothing. */
enum tcp_state peer_state(struct peer *p);

/** Send one segment at this time. */
#define peer_send(p, ...) peer_send_seg((p), &(struct peer_seg){ __VA_ARGS__ })
void peer_send_seg(struct peer *p, const struct peer_seg *seg);

/**
 * The oldest segment the stack has sent must be this one: flags and length as written, numbers
 * relative to what the peer has received and sent so far. Options and window are not compared.
 */
#define peer_expect(p, ...) peer_expect_seg((p), &(struct peer_seg){ __VA_ARGS__ })
void peer_expect_seg(struct peer *p, const struct peer_seg *seg);

/** The oldest segment the stack has sent, to be looked at in detail; NULL: none. Taken off. */
const struct view *peer_next(struct peer *p);

/** The stack has nothing more to say. */
void peer_expect_nothing(struct peer *p);

/** Let time pass. */
void peer_wait(struct peer *p, uint64_t delay_us);

/** The stack behind it, for calls of the public API; peer_run() after them. */
struct sluice *peer_sluice(struct peer *p);
void peer_run(struct peer *p);

#endif
