/* SPDX-License-Identifier: BSD-3-Clause */
/* What each file of the engine offers to the others, one group per file. */
#ifndef TCP_TCP_PARTS_H
#define TCP_TCP_PARTS_H

#include "tcp/tcp_extra.h"
#include "tcp/tcp_int.h"
#include "tcp/tcp_notes.h"

/** Whether the steps go on with this segment. */
enum tcp_verdict {
	TCP_CONTINUE,
	TCP_STOP,		/* rx->outcome is set; the connection may be gone */
};

/* tcp_stack.c: slots, handles and the lists connections hang on. */

/** A fresh connection in CLOSED, hashed in under key; NULL: no slot or table full (counted). */
struct tcp_conn *tcp_conn_new(struct tcp_stack *stack, const struct flow_key *key, uint64_t hash);
/** Count that there is no connection to be had; returns why. */
enum outcome tcp_conn_refused(struct tcp_stack *stack);
/** Release a slot in CLOSED: packets are freed and the handle ends. */
void tcp_conn_free(struct tcp_stack *stack, struct tcp_conn *c);
/** The connection ends: CLOSED, out of the flow table, timers off, owner told err. */
void tcp_conn_end(struct tcp_stack *stack, struct tcp_conn *c, int err);
/** One that was parked, awake from now on; NULL: the handle is stale. */
SLUICE_NOINLINE struct tcp_conn *tcp_conn_get_parked(
	struct tcp_stack *stack, tcp_handle handle);
/** NULL: it is parked, or the handle is stale. */
static inline struct tcp_conn *
tcp_conn_awake(const struct tcp_stack *stack, tcp_handle handle)
{
	uint32_t slot = (uint32_t)handle;
	struct tcp_conn *c = &stack->conns[slot];

	if (slot >= stack->conn_fresh || c->cold == TCP_NONE)
		return NULL;
	/* Of a free slot it is that of who comes next, whose handle nobody has yet. */
	return tcp_cold(stack, c)->gen == handle >> 32 ? c : NULL;
}
/** Awake; NULL: the handle is stale. */
static inline struct tcp_conn *
tcp_conn_get(struct tcp_stack *stack, tcp_handle handle)
{
	struct tcp_conn *c = tcp_conn_awake(stack, handle);

	return SLUICE_LIKELY(c != NULL) ? c : tcp_conn_get_parked(stack, handle);
}
tcp_handle tcp_conn_handle(const struct tcp_stack *stack, const struct tcp_conn *c);
/** Tell the owner with the next tcp_next_event. */
void tcp_raise(struct tcp_stack *stack, struct tcp_conn *c, uint8_t what);
/** The general half of tcp_raise_readable. */
void tcp_list_event(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold);
/** tcp_raise of TCP_EV_READABLE for an owner that has not closed. */
static inline void
tcp_raise_readable(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold)
{
	c->ev |= TCP_EV_READABLE;
	if ((c->flags & (TF_EVENT | TF_ACCEPTED)) == TF_ACCEPTED)
		tcp_list_event(stack, c, cold);
}
/** The general half of tcp_want_output. */
void tcp_list_output(struct tcp_stack *stack, struct tcp_conn *c);
/** Have tcp_output called with the next flush. */
static inline void
tcp_want_output(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (!(c->flags & TF_OUTPUT))
		tcp_list_output(stack, c);
}
uint64_t tcp_flow_hash(const struct tcp_stack *stack, const struct flow_key *key);
/** What key is in the flow table as: TCP_REF_*, or TCP_NONE. */
uint32_t tcp_flow_find(const struct tcp_stack *stack, const struct flow_key *key, uint64_t hash);
/** tcp_ref_has_key of anything but a connection. */
bool tcp_brief_ref_has_key(const struct tcp_stack *stack, uint32_t ref, const struct flow_key *key);
/** True if what ref names has this key: cheap check of a reference found earlier. */
static inline bool
tcp_ref_has_key(const struct tcp_stack *stack, uint32_t ref, const struct flow_key *key)
{
	const struct tcp_conn *c = &stack->conns[ref & ~TCP_REF_TYPE];

	if ((ref & TCP_REF_TYPE) != TCP_REF_CONN)
		return tcp_brief_ref_has_key(stack, ref, key);
	return flow_key_equal(&c->key, key) && c->state != TCPS_CLOSED;
}

/* tcp_brief.c: keys of SYN-queue and TIME-WAIT entries. */
void tcp_brief_take(struct tcp_stack *stack, const struct flow_key *key, struct tcp_brief *brief);
/** Nobody's from now on. */
void tcp_brief_give(struct tcp_stack *stack, struct tcp_brief *brief);
struct flow_key tcp_brief_key(const struct tcp_stack *stack, const struct tcp_brief *brief);
bool tcp_brief_is(const struct tcp_stack *stack, const struct tcp_brief *brief,
	const struct flow_key *key);

/* tcp_state.c: the only writer of tcp_conn.state. */
void tcp_set_state(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_state state);
/** In a state in which data goes, of which some may still be queued. */
bool tcp_may_send_data(const struct tcp_conn *c);

/* tcp_listen.c: LISTEN (RFC 9293 s3.10.7.2). */
struct tcp_listener *tcp_listener_find(const struct tcp_stack *stack, const struct flow_key *key);
uint32_t tcp_listener_backlog(const struct tcp_stack *stack, const struct tcp_listener *l);
uint32_t tcp_listener_synq_limit(const struct tcp_stack *stack, const struct tcp_listener *l);
int tcp_listener_cookie_mode(const struct tcp_stack *stack, const struct tcp_listener *l);
/** What a SYN for this listener gets. */
enum tcp_syn_verdict {
	TCP_SYN_QUEUE,
	TCP_SYN_COOKIE,
	TCP_SYN_DROP,		/* the outcome says why */
};
enum tcp_syn_verdict tcp_listen_judge(struct tcp_stack *stack, struct tcp_listener *l,
	enum outcome *why);

/* tcp_source.c: limits by the prefix that a connection comes from. */
/** May this source have one more connection of l? Counts the SYN, and, if it is refused, why. */
bool tcp_source_admits_syn(struct tcp_stack *stack, struct tcp_listener *l,
	const struct flow_key *key, enum outcome *why);
/** The same for an ACK with a valid cookie, whose SYN left no trace. */
bool tcp_source_admits_conn(struct tcp_stack *stack, struct tcp_listener *l,
	const struct flow_key *key);
/** A passive connection begins or ends. */
void tcp_source_conn_opened(struct tcp_stack *stack, const struct tcp_conn *c);
void tcp_source_conn_ended(struct tcp_stack *stack, const struct tcp_conn *c);
/** The same of an entry of the SYN queue. */
void tcp_source_synq_opened(struct tcp_stack *stack, uint32_t slot);
void tcp_source_synq_ended(struct tcp_stack *stack, uint32_t slot);
/** See what the tunables say now; count on, where a change made everything to be counted anew. */
void tcp_source_poll(struct tcp_stack *stack);
/** True while there is something left to be counted. */
bool tcp_source_is_counting(const struct tcp_stack *stack);
/** True if l or the tunables limit sources: else no SYN is hashed or refused for them. */
static inline bool
tcp_source_is_limited(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	const struct tunables *tun = stack->env->tun;

	return (tun->tcp_source_syn_rate | tun->tcp_source_conns) != 0 || l->has_source_limits;
}

/* tcp_synq.c: the SYN queue, and SYN-RECEIVED of passive opens. */
/** Take the SYN in and answer it in its own buffer; pkt is taken over. */
void tcp_synq_add(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg,
	uint64_t hash, struct pkt *pkt);
/** False, and nothing was done, if it may be the answer to a cookie; then it is judged by that. */
bool tcp_synq_input(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg,
	struct pkt *pkt, uint64_t hash);
/** The rest of it for what has no cookie either. */
void tcp_synq_refuse(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg,
	struct pkt *pkt, uint64_t hash);
void tcp_synq_drop(struct tcp_stack *stack, uint32_t slot);
void tcp_synq_drop_listener(struct tcp_stack *stack, uint16_t listener);
void tcp_synq_timer(struct tcp_stack *stack, uint32_t slot);

/* tcp_syncookie.c */
void tcp_cookie_message(const struct tcp_seg *seg, uint32_t irs, uint8_t mss_class, uint8_t opts,
	uint64_t words[4]);
/** A SYN to be answered with a cookie. */
struct tcp_cookie_syn {
	const struct tcp_seg *seg;
	struct pkt *pkt;
	struct tcp_listener *l;
	uint64_t hash;		/* of the flow */
};
/** Answer 0 < n <= TCP_BURST_MAX of them, hashes computed together; packets are taken over. */
void tcp_cookie_answer(struct tcp_stack *stack, const struct tcp_cookie_syn *syns, unsigned int n);
/** What a valid cookie says about the connection. */
struct tcp_cookie_info {
	uint16_t mss;
	uint8_t wscale;
	bool has_wscale, has_sack, has_ts, has_ecn;
};
/** Check the ACKs of a burst together; valid[i] says which cookies stand. */
void tcp_cookie_check(struct tcp_stack *stack, const struct tcp_seg *const *segs, unsigned int n,
	bool *valid, struct tcp_cookie_info *infos);
void tcp_cookie_rotate(struct tcp_stack *stack);

/* tcp_acceptq.c: from a finished handshake to an accepted connection. */
/** What a finished passive handshake knew. */
struct tcp_handshake {
	struct tcp_listener *l;
	uint32_t iss, irs, ts_recent;
	uint32_t rtt_us;	/* of the SYN-ACK; 0: unknown */
	bool syn_rtx;		/* ... was sent more than once */
	uint16_t mss;
	uint8_t wscale;
	bool has_wscale, has_ts, has_sack, has_ecn;
	bool fastopen;		/* not finished yet: seg is the SYN, the connection SYN-RECEIVED */
};
/** Make the connection and queue it where it is admitted; NULL: table full (counted, *why set). */
struct tcp_conn *tcp_acceptq_add(struct tcp_stack *stack, const struct tcp_handshake *hs,
	const struct tcp_seg *seg, uint64_t hash, enum outcome *why);
bool tcp_acceptq_full(const struct tcp_stack *stack, const struct tcp_listener *l);
/** Room for one more, in the queue and in the table? If not, *why says which, and it is counted. */
bool tcp_acceptq_admits(struct tcp_stack *stack, struct tcp_listener *l, enum outcome *why);
/** A connection that ended while it waited: its place is free at once. */
void tcp_acceptq_remove(struct tcp_stack *stack, struct tcp_conn *c);
/** The oldest leaves the queue for its owner; NULL: none. */
struct tcp_conn *tcp_acceptq_take(struct tcp_stack *stack, struct tcp_listener *l);
void tcp_acceptq_drop_all(struct tcp_stack *stack, struct tcp_listener *l);

/* tcp_fastopen.c: RFC 7413 for listeners. */
/** A SYN with the option for a listener that queues it. True: a valid cookie, the connection is
 * made and pkt taken over; false: the plain handshake goes on. */
bool tcp_fastopen_open(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg,
	uint64_t hash, struct pkt *pkt);
/** Put a cookie into the SYN-ACK for a SYN with the option, where l has Fast Open on. */
void tcp_fastopen_grant(struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *seg, struct tcp_opts *opts);
/** The same in a child's first SYN-ACK, if its cookie was of the key before. */
void tcp_fastopen_renew(struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_opts *opts);
/** The peer resets a child in SYN-RECEIVED: it counts on as pending for a while (s5.1). */
void tcp_fastopen_reset(struct tcp_stack *stack, const struct tcp_conn *c);
/** Do l's fastopen and tcp_fastopen both say so? */
bool tcp_fastopen_is_on(const struct tcp_stack *stack, const struct tcp_listener *l);
/** What counts against the limit now, and this worker's share of it. */
unsigned int tcp_fastopen_pending(const struct tcp_stack *stack, const struct tcp_listener *l);
unsigned int tcp_fastopen_limit(const struct tcp_stack *stack);
/** A child leaves SYN-RECEIVED. */
void tcp_fastopen_settled(struct tcp_stack *stack, const struct tcp_conn *c);

/* tcp_fastopen_cache.c: RFC 7413 for active opens. */
/** Largest payload of a first SYN to c's peer, by what is known of it. */
uint16_t tcp_fastopen_mss(const struct tcp_stack *stack, const struct tcp_conn *c);
/** The option of our first SYN, in opts; true: a cookie, so data may ride with it. */
bool tcp_fastopen_ask(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_opts *opts);
/** Our first SYN was not answered in time. */
void tcp_fastopen_lost(struct tcp_stack *stack, struct tcp_conn *c);
/** The SYN-ACK: learn its cookie. */
void tcp_fastopen_learn(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_opts *opts);

/* tcp_synsent.c: SYN-SENT (RFC 9293 s3.10.7.3). */
SLUICE_NOINLINE void tcp_synsent_input(struct tcp_stack *stack, struct tcp_conn *c,
	struct tcp_rx *rx);
void tcp_send_syn(struct tcp_stack *stack, struct tcp_conn *c);
/** A SYN with data was too big for the path: it goes again without; false: there was none. */
bool tcp_early_too_big(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss);

/* tcp_segment.c: the other states (RFC 9293 s3.10.7.4), step by step. */
SLUICE_NOINLINE void tcp_segment_arrives(struct tcp_stack *stack, struct tcp_conn *c,
	struct tcp_rx *rx);

/* tcp_fast.c: header prediction. */
/** True: the segment is dealt with, pkt taken over and its outcome counted. False: the general path
 * decides, and nothing was done. room: for what only a few need of it. */
bool tcp_fast_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg,
	struct pkt *pkt, struct tcp_rx *room);

/* tcp_check.c: first to fourth step. */
enum tcp_verdict tcp_check_sequence(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
enum tcp_verdict tcp_check_rst(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
enum tcp_verdict tcp_check_syn(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
void tcp_challenge(struct tcp_stack *stack, struct tcp_conn *c);
/** The timestamp of a segment whose number and acknowledgement are acceptable. */
void tcp_note_timestamp(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx);

/** Round trips that an ACK shows, of the first and the last segment sent once; 0: none. */
struct tcp_rtts {
	uint32_t first_us, last_us;
};

/* tcp_ack.c: fifth step. */
enum tcp_verdict tcp_process_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
void tcp_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack);
/**
 * Linux's rule: newer than the last update by ACK (una: SND.UNA before it), by sequence, or larger
 * or closed at the same.
 */
bool tcp_may_update_window(const struct tcp_conn *c, const struct tcp_rx *rx, uint32_t una);
/* From ESTABLISHED on: what moved the window last came from beyond rcv_nxt. What comes before it
 * tells an older one, so that header prediction, which notes any number it sees, has to wait. */
#define TF_WL1_AHEAD TF_SYN_RTX
/** A round trip, and the least that the same ACK shows. */
void tcp_rtt_sample(
	struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us, uint32_t least_us);
bool tcp_fin_acked(const struct tcp_conn *c);

/* tcp_text.c: seventh step. */
void tcp_process_text(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
/**
 * Copy the payload of rx behind what tail (NULL: none) holds, as far as that saves buffers: all of
 * little data; of more, what fits, once the connection holds much. True: nothing of it is left.
 * Else what is left may have moved to a buffer with room for more.
 */
bool tcp_text_pack(struct tcp_stack *stack, const struct tcp_cold *cold, struct pkt *tail,
	struct tcp_rx *rx);
/** The same for a whole packet of a queue, if all of it fits; true: it is not needed any more. */
bool tcp_text_pack_pkt(struct tcp_stack *stack, const struct tcp_cold *cold, struct pkt *tail,
	const struct pkt *p);
/** Take the packet over, cut down to the payload still wanted. */
struct pkt *tcp_take_payload(struct tcp_rx *rx);
/** Put the payload of rx at the end of the receive queue. */
void tcp_deliver(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
/** The same of a segment that is nothing but the next data, in pkt, which is taken over, for an
 * owner that reads; and decide when its ACK goes. */
void tcp_take_text(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg,
	struct pkt *pkt, struct tcp_rx *room);
/** The next segments are acknowledged at once. */
void tcp_ack_quickly(struct tcp_stack *stack, struct tcp_conn *c);
/** ... of data that came twice, whether the owner answers or not. */
void tcp_ack_quickly_again(struct tcp_stack *stack, struct tcp_conn *c);
/** The owner has read: grow the buffer if it keeps up, and offer more window. */
void tcp_data_read(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len);
/** Bytes that may be offered as window. */
uint32_t tcp_rcv_space(const struct tcp_stack *stack, const struct tcp_conn *c);
/** Throw away what was received and not read. */
void tcp_recvq_free(struct tcp_stack *stack, struct tcp_conn *c);

/* tcp_park.c: idle connections in less memory. */
/** A tcp_cold for c: never short, since there is one for each connection. */
struct tcp_cold *tcp_cold_take(struct tcp_stack *stack, struct tcp_conn *c);
/** The general half of tcp_wake. */
SLUICE_NOINLINE void tcp_unpark(struct tcp_stack *stack, struct tcp_conn *c);
/** The other way: for one that was parked and has only had its deadline changed. */
void tcp_park(struct tcp_stack *stack, struct tcp_conn *c);
/** For whoever only reads: c's own if it is awake, else made in room from what it remembers. */
const struct tcp_cold *tcp_cold_peek(
	const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *room);
/** Look at some of the awake: those idle for long enough are parked. */
void tcp_park_poll(struct tcp_stack *stack);

/** Before anything is done with a connection that was found by its slot. */
static inline void
tcp_wake(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (SLUICE_UNLIKELY(c->cold == TCP_NONE))
		tcp_unpark(stack, c);
}

/**
 * Bytes of buffers that may be held while there is a gap. A receive buffer of a packet or two would
 * be full with one unread and one behind a gap: what follows would be refused, though within the
 * window, and sent again from timeout to timeout.
 */
static inline uint32_t
tcp_rcv_limit(const struct tcp_stack *stack, const struct tcp_cold *cold)
{
	return max_u32(cold->rcvbuf, TCP_RCV_PKTS_MIN * stack->env->pool->charge);
}

/** The hot part is on its way to the cache. */
static inline void
tcp_prefetch_conn(const struct tcp_stack *stack, uint32_t slot)
{
	prefetch0(&stack->conns[slot]);
	prefetch0((const char *)&stack->conns[slot] + CACHE_LINE);
}

/** It has come by now; what it points to, and what a segment or a timer touches of it, follows. */
static inline void
tcp_prefetch_cold(const struct tcp_stack *stack, uint32_t slot)
{
	uint32_t cold = stack->conns[slot].cold;
	const char *at = cold == TCP_NONE ? (const char *)&stack->park[slot] :
					    (const char *)&stack->cold[cold];

	prefetch0(at);
	prefetch0(at + CACHE_LINE);
	prefetch0(at + 2 * CACHE_LINE);
}

/* tcp_mem.c: what all queues hold, and who gives it back. */
/** Compare with the marks; once per burst. */
void tcp_mem_look(struct tcp_stack *stack);
/** The same, and reset who holds memory without progress while there is too little. */
void tcp_mem_poll(struct tcp_stack *stack);
/** True if data in order may be queued; what waits behind a gap makes place if it must. */
bool tcp_mem_admits_text(struct tcp_stack *stack, struct tcp_conn *c);
/** True if out-of-order data may be queued, as far as all connections together are concerned. */
bool tcp_mem_admits_ooo(struct tcp_stack *stack, struct tcp_conn *c);
/** True if one more packet may be queued for sending. */
bool tcp_mem_admits_send(const struct tcp_stack *stack, const struct tcp_conn *c);

/* tcp_reass.c: data behind a gap. */
void tcp_reass_add(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx);
/** Move what has become contiguous to the receive queue; true: a FIN is next. */
bool tcp_reass_merge(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_reass_free(struct tcp_stack *stack, struct tcp_conn *c);
/** Give up all but the first keep runs; the peer sends them again (RFC 2018 s8). */
void tcp_reass_prune(struct tcp_stack *stack, struct tcp_conn *c, unsigned int keep);
/** Runs a connection has. */
unsigned int tcp_reass_runs(const struct tcp_stack *stack, const struct tcp_conn *c);
/** The SACK blocks of a segment with room for so many; a duplicate is reported once. */
unsigned int tcp_reass_sack(const struct tcp_stack *stack, struct tcp_conn *c,
	uint32_t blocks[][2], unsigned int room);
/** len bytes from seq came a second time: the next ACK says so (RFC 2883). */
void tcp_report_duplicate(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint32_t len);

struct tcp_range *tcp_range_new(struct tcp_stack *stack);
void tcp_range_free(struct tcp_stack *stack, struct tcp_range *r);

/* tcp_sack.c: the scoreboard (RFC 6675), marks of packets in flight. */
/** The scoreboard of c, a new one if it has none. */
struct tcp_score *tcp_score_get(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_score_free(struct tcp_stack *stack, struct tcp_conn *c);
/** Take in the SACK option of a segment; the round trips of what is SACKed anew. */
struct tcp_rtts tcp_sack_input(
	struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx);
/** All before ack was acknowledged; before the queue gives the packets up. */
void tcp_score_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack);
void tcp_score_mark_lost(struct tcp_stack *stack, struct tcp_score *sc, struct pkt *p);
/** What waits to be sent again does not: the loss was none. */
void tcp_score_unmark_lost(struct tcp_conn *c, struct tcp_score *sc);
/** p takes in n, the packet behind it, which is not SACKed. */
void tcp_score_join(struct tcp_stack *stack, struct tcp_conn *c, const struct pkt *p,
	const struct pkt *n);
/** p was sent again. */
void tcp_score_resent(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p);
/** The retransmission timer fired: marks for a new start. */
void tcp_score_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc);
/** The next packet that waits to be sent again; NULL: none. */
struct pkt *tcp_score_next(struct tcp_conn *c, struct tcp_score *sc);

/* tcp_rack.c: loss by time, and the tail loss probe (RFC 8985). */
/** p was delivered, and nothing told us before; sacked: behind a gap. */
void tcp_rack_delivered(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	const struct pkt *p, bool sacked);
/** Mark what is lost by now; microseconds until more may be, 0: never. */
uint32_t tcp_rack_detect(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc);
/** Adapt the reordering window; exited: a recovery ended. */
void tcp_rack_adapt(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool exited);
/** This ACK told of reordering (SC_REORDERED). */
void tcp_rack_count_reordering(
	struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_score *sc);
bool tcp_rack_is_on(const struct tcp_stack *stack, const struct tcp_conn *c);
/** p was sent too recently to be given up, though the timer fired. */
bool tcp_rack_is_recent(const struct tcp_stack *stack, const struct tcp_conn *c,
	const struct tcp_score *sc, const struct pkt *p);
/** Milliseconds to the probe of a flight that begins now; 0: none. */
uint32_t tcp_probe_delay(const struct tcp_stack *stack, const struct tcp_conn *c);
void tcp_probe_timer(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_probe_acked(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx,
	bool advanced);

/* tcp_recovery.c: what a loss means for the congestion window (RFC 9937, RFC 6582, RFC 4015). */
enum tcp_recovery_reason {
	TCP_RECOVERY_LOSS,
	TCP_RECOVERY_ECE,	/* RFC 3168 s6.1.2: nothing is lost, nothing is sent again */
};
/** Reduce once for the data in flight now, whatever is found lost of it; no-op while it goes on. */
void tcp_recovery_enter(struct tcp_stack *stack, struct tcp_conn *c,
	enum tcp_recovery_reason reason);
/** Remember cwnd and ssthresh, to be given back if there was no loss. */
void tcp_recovery_remember(struct tcp_conn *c, struct tcp_cold *cold, struct tcp_score *sc);
/** An ACK comes in: whatever is known of earlier ones is put aside. */
void tcp_recovery_begin(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx);
/** It was taken in; was is snd_una before. */
void tcp_recovery_ack(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx,
	uint32_t was);
/** The ACK that comes in is a duplicate, without SACK; before tcp_recovery_ack. */
void tcp_recovery_duplicate(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_recovery_forget_duplicates(const struct tcp_conn *c, struct tcp_score *sc);
/** Would ack end the recovery? */
bool tcp_recovery_is_over(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t ack);
/** Nothing has been in flight for long: what is left of a recovery ends. */
void tcp_recovery_rest(struct tcp_stack *stack, struct tcp_conn *c);
/** Give the scoreboard back if nothing is suspect any more. */
void tcp_recovery_settle(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_reorder_timer(struct tcp_stack *stack, struct tcp_conn *c);
/** Something is lost and not repaired yet; not while the window is only reduced for a mark. */
static inline bool
tcp_is_repairing(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (!(c->flags & (TF_RECOVERY | TF_RTO_DONE)))
		return false;
	return (c->flags & TF_RTO_DONE) || !(tcp_score(stack, c)->flags & SC_CWR);
}

/* tcp_close.c: eighth step, and the ends of connections. */
void tcp_process_fin(struct tcp_stack *stack, struct tcp_conn *c);
/** How long it may be in FIN-WAIT-2 without an owner; 0: not at all. */
uint32_t tcp_fin_timeout_s(const struct tcp_stack *stack, const struct tcp_conn *c);
/** Our FIN was acknowledged: FIN-WAIT-2, TIME-WAIT or the end. True: the connection is gone. */
bool tcp_fin_acked_now(struct tcp_stack *stack, struct tcp_conn *c);
/** Reset and end. */
void tcp_reset(struct tcp_stack *stack, struct tcp_conn *c, int err);
void tcp_close_timer(struct tcp_stack *stack, struct tcp_conn *c);

/* tcp_keep.c: how long a connection with an owner may be silent. */
#define TCP_KEEP_NEVER UINT64_MAX
/** It is ESTABLISHED. */
void tcp_keep_opened(struct tcp_stack *stack, struct tcp_conn *c);
/** Have the timer fire when the first of the limits is reached; keepalive_ms: its own. */
void tcp_keep_arm(struct tcp_stack *stack, struct tcp_conn *c, uint64_t keepalive_ms);
/** The owner has changed its own: it counts from now. */
void tcp_keep_changed(struct tcp_stack *stack, struct tcp_conn *c);
/** ... how long its first wait is: that counts from what was received. */
void tcp_keep_idle_changed(struct tcp_stack *stack, struct tcp_conn *c);
uint32_t tcp_keep_idle_s(const struct tcp_stack *stack, const struct tcp_conn *c);
uint32_t tcp_keep_intvl_s(const struct tcp_stack *stack, const struct tcp_conn *c);
uint32_t tcp_keep_probes(const struct tcp_stack *stack, const struct tcp_conn *c);
void tcp_keep_timer(struct tcp_stack *stack, struct tcp_conn *c);
/** Tell connections of changed tunables, some with each call. */
void tcp_keep_poll(struct tcp_stack *stack);

/* tcp_timewait.c */
void tcp_timewait_enter(struct tcp_stack *stack, struct tcp_conn *c);
/** True: a SYN may open a new connection; the entry is gone. False: pkt was dealt with. */
bool tcp_timewait_input(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg,
	struct pkt *pkt);
void tcp_timewait_poll(struct tcp_stack *stack);
uint64_t tcp_timewait_poll_at(const struct tcp_stack *stack);
void tcp_timewait_kill(struct tcp_stack *stack, uint32_t slot);
bool tcp_timewait_may_reuse(const struct tcp_stack *stack, uint32_t slot);

/* tcp_output.c */
void tcp_output(struct tcp_stack *stack, struct tcp_conn *c);
/**
 * The number of an ACK or RST without data. As Linux: it keeps within a window that was taken back,
 * by more than scaling hides, or the peer would not accept it, and what it acknowledges as little.
 */
static inline uint32_t
tcp_bare_seq(const struct tcp_conn *c)
{
	uint32_t edge = c->snd_una + c->snd_wnd;

	return seq32_lt(edge, c->snd_nxt) && (c->snd_nxt - edge) >> c->rcv_wscale > 0 ? edge :
											 c->snd_nxt;
}
/** Send an empty segment now; false: no packet for it. */
bool tcp_send_empty(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint16_t flags);
/** Send the first len bytes of what was not sent yet, at most a segment, whatever cwnd says. */
bool tcp_send_next(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len);
/** The peer has taken back the window that p, sent once, lies in; the oldest goes again anyway
 * (RFC 9293 s3.8.6). */
static inline bool
tcp_is_beyond_window(const struct tcp_conn *c, const struct pkt *p)
{
	return p != c->sendq_head && p->app.seq - c->snd_una >= c->snd_wnd;
}
/** Send p, or the FIN where it is NULL, again; false: no packet or no room. */
bool tcp_retransmit(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p);
/** The same of what is not taken for lost: nothing is counted for it. */
bool tcp_send_copy(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p);
/** The short segment that waits for more goes now; false: none waits, or it does not fit. */
bool tcp_send_held(struct tcp_stack *stack, struct tcp_conn *c);
/** tcp_sendq.c: what the last write said of more is over; false: it said nothing that holds. */
bool tcp_nothing_follows(struct tcp_conn *c);
bool tcp_tx_has_room(const struct tcp_stack *stack);

/* tcp_chunk.c: how Linux cuts what it sends. */
/** Segments of a chunk, at most. */
uint32_t tcp_chunk_segs(const struct tcp_stack *stack, const struct tcp_conn *c);
/** A chunk cut short by the windows waits for the next ACK. */
bool tcp_chunk_waits(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t segs,
	uint32_t cwnd_room, uint32_t wnd_room);
/** New data went out, or waits. */
void tcp_chunk_used(const struct tcp_stack *stack, struct tcp_conn *c, bool waits);

/* tcp_tso.c: segments in a row as one packet. Only where env.tx_caps has ENV_TX_TSO. */
void tcp_tso_begin(struct tcp_stack *stack);
void tcp_tso_end(struct tcp_stack *stack);
/** q, with headers and the payload of p, was sent by itself: others may follow. */
void tcp_tso_lead(struct tcp_stack *stack, const struct tcp_conn *c, struct pkt *q,
	const struct pkt *p, uint16_t flags, uint8_t ecn);
/** q, the payload of p without headers, goes with the one before it; false: it cannot. */
bool tcp_tso_join(struct tcp_stack *stack, struct pkt *q, struct pkt *p, uint16_t flags,
	uint8_t ecn);

/* tcp_emit.c: TCP and IP headers in front of a payload. */
struct tcp_emit {
	const struct flow_key *key;
	uint32_t seq, ack;
	uint16_t wnd;		/* as on the wire */
	uint16_t flags;
	uint8_t ecn;		/* enum ip_ecn of the IP header */
	const struct tcp_opts *opts; /* NULL: none */
	bool ts_only;		/* timestamps, these, and nothing else; opts does not count */
	uint32_t tsval, tsecr;
};
/** Write the headers in front of p's frame (the payload) and queue it for sending; taken over. */
void tcp_emit(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e);
/** The same in the received packet's own buffer: its payload and options go, its Ethernet header
 * stays to be turned round. Falls back to a new packet if the reply is longer than the buffer. */
void tcp_emit_reply(struct tcp_stack *stack, struct pkt *p, const struct tcp_seg *seg,
	const struct tcp_emit *e);
/** The SYN-ACK of a burst that the others are copied from. */
struct tcp_emit_model {
	const uint8_t *ip;	/* its headers; NULL: none can be copied */
	uint64_t ol_flags, tx_offload;
	uint16_t flags;
	uint8_t laddr_idx;
};
/** Make what was just written for e the model, if it is of the usual kind. */
void tcp_emit_model_take(const struct tcp_stack *stack, const struct tcp_emit *e,
	struct tcp_emit_model *model);
/**
 * tcp_emit_reply for a SYN-ACK that differs from the model only in peer, numbers and timestamps,
 * which are written over a copy of it. False: it differs in more; p is as it was.
 */
bool tcp_emit_alike(struct tcp_stack *stack, struct pkt *p, const struct tcp_seg *seg,
	const struct tcp_emit *e, const struct tcp_emit_model *model);

/* tcp_respond.c: answers without a connection; each takes pkt over. */
/** RST as RFC 9293 s3.10.7.1 has it, within the budget. */
void tcp_respond_rst(struct tcp_stack *stack, const struct tcp_seg *seg, struct pkt *pkt,
	enum outcome out);
/** The same for a segment without a connection, to a port of l (NULL: of nobody); or silence. */
void tcp_refuse(struct tcp_stack *stack, const struct tcp_listener *l, const struct tcp_seg *seg,
	struct pkt *pkt, enum outcome out);
/** The RST for a segment of a connection, whose outcome the caller sets. */
void tcp_reply_rst(struct tcp_stack *stack, struct tcp_rx *rx);
/** An ACK of what has no connection (yet, or any more). */
struct tcp_bare_ack {
	uint32_t seq, ack;
	uint16_t wnd;		/* as on the wire */
	bool has_ts;		/* timestamps were agreed on */
	uint32_t ts_recent;
};
void tcp_respond_ack(struct tcp_stack *stack, const struct tcp_seg *seg, struct pkt *pkt,
	const struct tcp_bare_ack *ack);
/** Count out and give the packet back. */
void tcp_drop(struct tcp_stack *stack, struct pkt *pkt, enum outcome out);

/* tcp_user.c */
/** Queue at most a segment before the connection is open; returns the bytes taken. */
uint32_t tcp_queue_early(struct tcp_stack *stack, struct tcp_conn *c, const void *src, size_t len);

/* tcp_sendq.c */
/** Give up what is acknowledged. */
struct tcp_rtts tcp_sendq_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack);
void tcp_sendq_free(struct tcp_stack *stack, struct tcp_conn *c);
/** Cut p after len bytes; false: no packet for the rest. */
bool tcp_sendq_split(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint32_t len);
/** Fill the unsent p, the rest of one that was cut, from the packets behind it. */
void tcp_sendq_fill(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p);
/** p goes again, and takes along what was sent behind it, as far as it fits. */
void tcp_sendq_collapse(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p);
uint32_t tcp_sndbuf(const struct tcp_stack *stack, const struct tcp_conn *c);
/** The general half of tcp_sendq_wake. */
void tcp_sendq_wake_writer(struct tcp_stack *stack, struct tcp_conn *c);
/** There may be space again. */
static inline void
tcp_sendq_wake(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (c->flags & TF_WANT_WRITE)
		tcp_sendq_wake_writer(stack, c);
}

/* tcp_rexmit.c: RFC 6298 and zero-window probes. */
void tcp_rexmit_timer(struct tcp_stack *stack, struct tcp_conn *c);
uint32_t tcp_rto_backed_off(const struct tcp_stack *stack, const struct tcp_conn *c);

/* tcp_pmtu.c: path MTU (RFC 1191, RFC 8201, RFC 4821). */
/** A packet in flight was too big; false: that cannot be, nothing is changed. */
bool tcp_pmtu_report(struct tcp_stack *stack, struct tcp_conn *c,
	const struct icmp_report *report);
void tcp_pmtu_on_timeout(struct tcp_stack *stack, struct tcp_conn *c);
/** What is in flight did not arrive, and congestion was not why. */
void tcp_pmtu_send_again(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_pmtu_expired(struct tcp_stack *stack, struct tcp_conn *c);
/** Segments are no longer than mss from now on; the path is tried again later. */
void tcp_pmtu_lower(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss);
/** Segments may be mss long from now on: it has got through, or is tried. */
void tcp_pmtu_raise(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss);
/** The payload of a full segment, as the handshake and the peer's largest window have it. */
uint32_t tcp_pmtu_full_mss(const struct tcp_stack *stack, const struct tcp_conn *c);
/** It is never made less than this for the window's sake. */
uint32_t tcp_pmtu_least_mss(const struct tcp_conn *c);
/** The peer offers more than ever. */
void tcp_pmtu_larger_window(struct tcp_stack *stack, struct tcp_conn *c, uint32_t wnd);

/* tcp_mtu_probe.c: larger segments to find the path MTU upward (RFC 4821 s7). */
/** A connection is set up: with tcp_mtu_probing 2 it begins small. */
void tcp_mtu_probe_begin(struct tcp_stack *stack, struct tcp_conn *c);
/** Search between what segments are now and the full size. */
void tcp_mtu_probe_search(struct tcp_stack *stack, struct tcp_conn *c);
/** Send one as the next segment if now is the time; with cold.mss_high. */
void tcp_mtu_probe_send(struct tcp_stack *stack, struct tcp_conn *c);
/** An ACK was taken in while one is out. */
void tcp_mtu_probe_acked(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc);
/**
 * Something is lost. True: it is the probe, which is all that is, and no sign of congestion (s7.7);
 * it is sent again in pieces.
 */
bool tcp_mtu_probe_lost(struct tcp_stack *stack, struct tcp_conn *c);
/** A timeout: inconclusive (s7.6.2), but not tried again in that size. */
void tcp_mtu_probe_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc);
/** A router says what it carries. */
void tcp_mtu_probe_report(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss);

/* tcp_timers.c: the only file that arms timers. Callers report what happened. */
void tcp_timers_on_sent(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_syn_soon(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_on_progress(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_on_window(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_on_timeout(struct tcp_stack *stack, struct tcp_conn *c);
/** The round trip that counts is not the probe's any more: the timer is for the oldest packet. */
void tcp_timers_on_suspicion(struct tcp_stack *stack, struct tcp_conn *c);
/** The peer gave up what it had SACKed. */
void tcp_timers_reneged(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_reorder(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_us);
void tcp_timers_probe(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms);
void tcp_timers_on_closed_window(struct tcp_stack *stack, struct tcp_conn *c);
/** An ACK: if it answers a probe of a closed window, the next one is counted from it. */
void tcp_timers_on_answered_probe(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_on_ack_owed(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_keep(struct tcp_stack *stack, struct tcp_conn *c, uint64_t delay_ms);
void tcp_timers_keep_off(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_app(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms);
void tcp_timers_nobuf(struct tcp_stack *stack, struct tcp_conn *c);
/** Data that is paced: output is tried again then, if not before. */
void tcp_timers_paced(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms);
void tcp_timers_pmtu(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms);
void tcp_timers_stop(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_keep_app(struct tcp_stack *stack, struct tcp_conn *c);
void tcp_timers_synq(struct tcp_stack *stack, uint32_t slot, uint32_t delay_ms);
void tcp_timers_synq_stop(struct tcp_stack *stack, uint32_t slot);

/* tcp_list.c: the line of c in a listing. */
void tcp_fill_row(const struct tcp_stack *stack, const struct env *env, const struct tcp_conn *c,
	struct tcp_conn_info *row);

/* tcp_isn.c: RFC 6528. */
uint32_t tcp_isn(const struct tcp_stack *stack, const struct flow_key *key);

/* tcp_options.c: what our SYNs and SYN-ACKs say. */
void tcp_syn_options(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, uint32_t ts_off, struct tcp_opts *opts);
/** Only what the peer's SYN offered (TCP_OPT_*), and only what the tunables allow; the caller sets
 * the timestamps. */
void tcp_synack_options(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, uint8_t offered, struct tcp_opts *opts);
uint16_t tcp_own_mss(const struct tcp_stack *stack, const struct flow_key *key);
uint8_t tcp_own_wscale(const struct tcp_stack *stack, const struct tcp_wishes *w);
uint16_t tcp_peer_mss(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, const struct tcp_opts *peer);
/** The window of a SYN; with timestamps agreed on, of a SYN-ACK and of what is open first. */
uint32_t tcp_syn_window(struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, bool has_ts);
/** Take the negotiated options and windows over into a connection that becomes ESTABLISHED. */
void tcp_conn_setup(struct tcp_stack *stack, struct tcp_conn *c, uint16_t peer_mss);

/* tcp_port.c: RFC 6056. */
int tcp_port_choose(struct tcp_stack *stack, struct flow_key *key, uint64_t *hash);

/* tcp_ecn.c: RFC 3168. */
/** True if l's connections may have ECN and the SYN asks for it. */
bool tcp_ecn_is_offered(const struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *syn);
/** True if our SYN asks for it. */
bool tcp_ecn_asks(const struct tcp_stack *stack, const struct tcp_conn *c);
/** An acceptable segment of a connection with ECN, before its ACK and text are processed. */
void tcp_ecn_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx);
/** The mark on data whose ACK was found good, too. */
void tcp_ecn_text(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx);

/* tcp_cc.c: congestion control behind a vtable. */
struct tcp_cc {
	const char *name;	/* as tunables_cc_names has it */
	/** Bytes were acknowledged outside recovery. */
	void (*on_ack)(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked);
	/** A congestion event: the new ssthresh; remembers what undo needs. */
	uint32_t (*ssthresh)(struct tcp_stack *stack, struct tcp_conn *c);
	/** The same for ECE. NULL: as for a loss. */
	uint32_t (*ssthresh_ce)(struct tcp_stack *stack, struct tcp_conn *c);
	/** As many bytes will be acknowledged now with ECE. NULL: not wanted. */
	void (*on_ce)(struct tcp_stack *stack, struct tcp_conn *c, uint32_t marked);
	/** ... and it was a timeout. NULL: nothing to do. */
	void (*on_timeout)(struct tcp_stack *stack, struct tcp_conn *c);
	/** The event was none; called with cwnd and ssthresh already back. NULL: nothing to do. */
	void (*undo)(struct tcp_stack *stack, struct tcp_conn *c);
	/** A round trip was measured. NULL: not wanted. */
	void (*on_rtt)(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us);
	bool needs_ecn;		/* whatever tcp_ecn says, and marks told exactly (RFC 8257 s3.2) */
};
extern const struct tcp_cc tcp_cc_cubic;
extern const struct tcp_cc tcp_cc_dctcp;
extern const struct tcp_cc tcp_cc_reno;
const struct tcp_cc *tcp_cc_of(const struct tcp_stack *stack, const struct tcp_conn *c);
const char *tcp_cc_name(uint8_t number);
/** What connections of l begin with. */
const struct tcp_cc *tcp_cc_of_listener(const struct tcp_stack *stack,
	const struct tcp_listener *l);
/** The connection opens: the first window (RFC 6928). */
void tcp_cc_init(struct tcp_stack *stack, struct tcp_conn *c);
/** Another algorithm from now on: enum tun_cc. */
void tcp_cc_change(struct tcp_stack *stack, struct tcp_conn *c, uint8_t number);
void tcp_cc_after_idle(struct tcp_stack *stack, struct tcp_conn *c);
/** True if the window is what limits, so that it may grow. */
bool tcp_cc_is_limited(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t acked);
/** What an ACK adds to cwnd in slow start. */
uint32_t tcp_cc_slow_start(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t acked,
	uint32_t limit_segs);
/** cwnd grows by bytes, up to ssthresh; returns what is left of them. */
uint32_t tcp_cc_slow_start_up_to(struct tcp_stack *stack, struct tcp_conn *c, uint32_t bytes);

/* tcp_hystart.c: the slow start of algorithms that want RFC 9406, while ssthresh is infinite. */
void tcp_hystart_on_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked);
void tcp_hystart_on_rtt(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us);

/* cc_cubic.c */
uint32_t tcp_cubic_root(uint64_t x);

#endif
