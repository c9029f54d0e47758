/* SPDX-License-Identifier: BSD-3-Clause */
/* What a watcher remembers of each connection: what came in, what went out, what was promised. */
#ifndef SIM_FLOWS_H
#define SIM_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** SYNs that wait for our answer; more than one burst could hold is not worth the memory. */
#define FLOW_CALLS_MAX 3u
/** SYN-ACKs that may be acknowledged beside the last: one for each SYN of a client (5 again). */
#define FLOW_SYNACKS_MAX 5u

/* What has arrived of one incarnation of the peer's stream. */
struct stream {
	bool known;
	bool ws_offered;
	uint8_t ws;
	bool fuzzy; /* too many runs: only end is known */
	uint32_t isn;
	uint32_t next; /* everything before it has arrived */
	uint32_t end; /* the highest number seen */
	bool fin; /* seen, and the stream ends there */
	uint32_t fin_end;
	unsigned int gaps, gaps_cap; /* arrived runs behind a gap, in order */
	uint32_t (*run)[2];
};

/** What a SYN-ACK of ours said. */
struct synack {
	uint32_t iss;
	bool ws_offered;
	uint8_t ws;
};

struct traffic {
	uint64_t packets, bytes;
};

/** Both ends as the watched node sees them; addresses as struct view has them. */
struct flow_id {
	uint8_t rip[16], lip[16];
	uint16_t rport, lport;
};

struct flow {
	struct flow *next;
	struct flow_id id;
	uint64_t seen_us;
	/* When something new came or was acknowledged, and what came long after without either. */
	uint64_t moved_us;
	unsigned int idle_frames;
	uint64_t swallowed_us; /* when a black hole last took something that we sent */
	uint32_t peer_acked; /* the highest number that the peer has acknowledged */
	uint64_t syn_us; /* when our first SYN or SYN-ACK of this number went */
	bool refused; /* an RST of ours was for a bad cookie, or long after the SYN-ACK */
	/* What came in. Anybody can send a SYN: it counts as soon as we acknowledge it. */
	struct stream in, calls[FLOW_CALLS_MAX];
	unsigned int call_last;
	/* What went out. */
	bool out_known, out_ws_offered;
	uint8_t out_ws;
	uint32_t iss, out_end;
	/* The SYN-ACKs of other numbers before, which may be cookies that are good as well. */
	struct synack before[FLOW_SYNACKS_MAX];
	unsigned int before_count; /* all there were: the oldest give way */
	bool fin_sent;
	uint32_t fin_seq;
	bool is_reset; /* by either end */
	bool was_over; /* reset or closed; what came then may have been its cookie again */
	bool acked; /* ack_last and edge_last mean something */
	uint32_t ack_last, edge_last;
	/* What the peer allows. */
	bool edge_known;
	uint32_t edge;
	/*
	 * Of a peer that has not acknowledged our SYN nobody knows whether it is where it says it
	 * is (I-10). Whom we called ourselves is no victim of a forged address.
	 */
	bool verified, called;
	uint64_t verified_us;
	bool syn_without_mss; /* the last one */
	struct traffic got, given; /* while it was not verified */
	struct traffic got_since_syn; /* since the first SYN of this number */
	uint64_t cookies_before; /* sent to anybody when the last SYN came */
	unsigned int synacks_again; /* sent without being asked, of this number */
};

struct flows;

struct flows *flows_new(void);
void flows_free(struct flows *t);

/** The flow of that name; made if there is none. */
struct flow *flows_find(struct flows *t, const struct flow_id *id, uint64_t now_us);

/** Everything is forgotten: the node has lost its memory as well. */
void flows_forget(struct flows *t);

/** A SYN with number isn came; true if it is a new one. ws < 0: it offers no scaling. */
bool flow_called(struct flow *f, uint32_t isn, int ws);

/** Numbers left .. right - 1 have arrived. */
void flow_arrived(struct flow *f, uint32_t left, uint32_t right, bool fin);

/** We acknowledge everything before ack. False: it has not arrived. */
bool flow_acknowledge(struct flow *f, uint32_t ack, bool is_syn);

/** A SYN-ACK of another number follows our last, which stays good. */
void flow_keep_synack(struct flow *f, const struct synack *last);

/** Of the SYN-ACKs kept, the one that is acknowledged; NULL: none. */
const struct synack *flow_synack_before(const struct flow *f, uint32_t ack);

/** The stream that a segment just arrived belongs to, as far as one can tell. */
const struct stream *flow_stream(const struct flow *f);

#endif
