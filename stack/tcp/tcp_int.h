/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine's files share: the three lifetimes of a connection, the listener, the stack. */
#ifndef TCP_TCP_INT_H
#define TCP_TCP_INT_H

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/rng.h"
#include "base/seq32.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "pkt/pool.h"
#include "pkt/txq.h"
#include "table/count_sketch.h"
#include "table/flow_table.h"
#include "table/rate_table.h"
#include "tcp/tcp.h"
#include "tcp/tcp_brief.h"
#include "timer/wheel.h"

#define TCP_NONE UINT32_MAX

#define TCP_RCV_MSS_MIN 88u
#define TCP_RCV_MSS_INIT 536u		/* a full segment, until a larger one is seen */
#define TCP_RANGES_PER_CONN 256u	/* runs behind gaps, and SACKed runs, each */
#define TCP_RCV_PKTS_MIN 8u		/* packets that any connection may receive and hold */
#define TCP_DUPACK_THRESHOLD 3u		/* RFC 5681 s3.2 */
#define TCP_REORDERING_MAX 300u		/* of what is told of it; tcp_max_reordering of Linux */
#define TCP_MIN_RTT_MS 300000u		/* a least round trip is forgotten after this, as Linux */
#define TCP_RTT_MAX_MS 1000000u	/* an echo older than this is of no segment in flight */
#define TCP_QUICKACKS 16u		/* ACKs sent at once on a new connection, as Linux */
#define TCP_RTO_INIT_MS 1000u		/* RFC 6298 s2.1 */
#define TCP_RTO_USUAL_MS 200u		/* Linux's TCP_RTO_MIN: what patience is reckoned with */
#define TCP_RTO_SYN_LOST_MS 3000u	/* RFC 6298 s5.7: after a lost SYN */
#define TCP_OWN_WND_MAX 65535u		/* a SYN's window is never scaled */
#define TCP_TX_LOW_WATER 128u		/* output pauses below this room in env->tx */
#define TCP_MSS_V4_DEFAULT 536u		/* RFC 9293 MUST-15 */
#define TCP_MSS_V6_DEFAULT 1220u
#define TCP_TS_LEN 12u			/* nop, nop, timestamps on every segment */
#define TCP_NOBUF_RETRY_MS 10u		/* a writer refused for lack of packets is called again */
#define TCP_CWND_MAX (1u << 30)	/* bytes; the windows grow no further */
#define TCP_SSTHRESH_INFINITE (UINT32_MAX / 2) /* no loss seen yet */
#define TCP_FASTOPEN_CLIENT 1u	/* bits of tcp_fastopen */
#define TCP_FASTOPEN_SERVER 2u
#define TCP_MOVED_SHIFT 10u	/* unit of tcp_cold.moved_ticks: 1024 ms */
#define TCP_NO_DATA_MS 1000u	/* last_data_ms before any came: so long before it opened */
#define TCP_PAWS_IDLE_MS (24u * 24 * 3600 * 1000) /* RFC 7323 s5.5 */

/* What a reference in the flow table points to: type in the two high bits, slot below. */
#define TCP_REF_CONN 0u
#define TCP_REF_SYNQ (1u << 30)
#define TCP_REF_TW (2u << 30)
#define TCP_REF_TYPE (3u << 30)

/* Bits of tcp_conn.flags. */
#define TF_TS 0x00000001u	/* timestamps negotiated */
#define TF_SACK 0x00000002u	/* SACK permitted by both */
#define TF_NODELAY 0x00000004u
#define TF_ACK_NOW 0x00000008u	/* an ACK goes out with the next flush */
#define TF_ACK_DELAY 0x00000010u /* an ACK is owed; it may wait for data or the delay timer */
#define TF_FIN_QUEUED 0x00000020u /* the owner closed the sending side */
#define TF_FIN_SENT 0x00000040u
#define TF_FIN_RCVD 0x00000080u
#define TF_RD_SHUT 0x00000100u	/* the owner reads no more: later data is thrown away */
#define TF_ORPHAN 0x00000200u	/* the owner closed: later data is answered with RST */
#define TF_WANT_WRITE 0x00000400u /* the owner was refused: tell it when there is space */
#define TF_NOBUF 0x00000800u	/* ... and it was for lack of packets */
#define TF_OUTPUT 0x00001000u	/* on the stack's output list */
#define TF_EVENT 0x00002000u	/* on the stack's event list */
#define TF_ACCEPTED 0x00004000u	/* has an owner that may be called */
#define TF_PINGPONG 0x00008000u	/* the owner answers: a lone ACK waits for the answer */
#define TF_RECOVERY 0x00010000u	/* fast recovery until cold.recover (RFC 6582) */
#define TF_OOO 0x00020000u	/* data waits behind a gap */
#define TF_KEEPALIVE 0x00040000u
#define TF_ACTIVE 0x00080000u	/* opened by us (RFC 9293 MUST-11) */
#define TF_PERSIST 0x00100000u	/* the retransmission timer probes a closed window */
#define TF_RTO_DONE 0x00200000u	/* in loss recovery by timeout until cold.recover */
#define TF_SNDBUF_FIXED 0x00400000u /* SO_SNDBUF was set */
#define TF_RCVBUF_FIXED 0x00800000u
#define TF_WND_SENT_0 0x01000000u /* the last window we advertised was zero */
#define TF_SYN_RTX 0x02000000u	/* our SYN was sent more than once (Karn) */
#define TF_CONNECTED 0x04000000u /* CONNECTED was reported */
#define TF_DSACK 0x08000000u	/* the next ACK reports a duplicate: cold.dsack_seq */
#define TF_SCORE 0x10000000u	/* there is a scoreboard: something may be lost */
/* ECN, at the places where tcp_ecn.h shifts them to the wire's. */
#define TF_ECN 0x20000000u	/* negotiated; of an active open before: asked for */
#define TF_ECN_ECE 0x40000000u	/* acknowledgements carry ECE */
#define TF_ECN_CWR 0x80000000u	/* the next new data carries CWR */
/* RFC 7413: the option opened it, or was in our SYN. Gone before ESTABLISHED; until then nothing is
 * lost but the handshake, whose timer sends the SYN or SYN-ACK again and no data. */
#define TF_FASTOPEN TF_RTO_DONE

/* Bits of tcp_conn.timers: deadlines that are set. */
#define TT_REXMIT 0x01u		/* retransmission, SYN, zero-window probe: conn.rexmit_at_ms */
#define TT_DELACK 0x02u
#define TT_KEEP 0x04u		/* keepalive, first byte, idle; FIN_WAIT_2, linger */
#define TT_APP 0x08u		/* the owner's */
#define TT_AGAIN 0x10u		/* output, or a writer refused for lack of packets: once more */
#define TT_PMTU 0x80u		/* the path MTU was lowered: tried again */
#define TT_PROBE 0x20u		/* TT_REXMIT is for the tail loss probe (RFC 8985 s7) */
#define TT_REORDER 0x40u	/* TT_REXMIT is for RACK's reordering window (RFC 8985 s6) */

/**
 * A connection's hot part: two cache lines.
 *
 *	          snd_una          snd_nxt            write_seq
 *	   acked     |  in flight     |   queued, unsent  |  free
 *	  -----------+----------------+-------------------+--------
 *	             sendq_head       send_next
 *
 *	              rcv_nxt                   rcv_adv
 *	   received      |  offered window         |  not offered
 *	  ---------------+-------------------------+--------
 */
struct tcp_conn {
	/* Line 0: who it is, sequence numbers. */
	struct flow_key key;	/* all zero: the slot is free */
	uint8_t state;		/* enum tcp_state; written by tcp_set_state only */
	uint8_t snd_wscale : 4;	/* shift of windows we receive */
	uint8_t rcv_wscale : 4;	/* shift of windows we send */
	uint8_t quickacks;	/* ACKs still to be sent at once */
	uint32_t flags;		/* TF_* */
	uint32_t snd_una;	/* oldest unacknowledged */
	uint32_t snd_nxt;	/* next to send */
	uint32_t snd_wnd;	/* the peer's window, scaled, bytes */
	uint32_t snd_wl1;	/* segment sequence of its last update */
	uint32_t rcv_nxt;	/* next expected */
	uint32_t rcv_adv;	/* right edge of the offered window; never retreats */
	uint32_t rcv_acked;	/* rcv_nxt of the last ACK sent */
	uint32_t ts_recent;	/* RFC 7323 TS.Recent */

	/* Line 1: queues, output, the timer of the fast path. */
	struct pkt *sendq_head;	/* oldest unacknowledged packet */
	struct pkt *sendq_tail;
	struct pkt *send_next;	/* first packet with unsent bytes; NULL: none */
	struct pkt *recvq_head;	/* next to be read */
	union {
		struct pkt *recvq_tail;
		struct { uint32_t rto_ms; uint16_t var_max_ms; } parked; /* as in tcp_cold */
	};
	uint32_t write_seq;	/* behind the last queued byte */
	uint32_t recvq_bytes;
	uint32_t cwnd;		/* bytes */
	union {
		uint32_t rexmit_at_ms; /* with TT_REXMIT */
		uint32_t parked_sent_ms; /* parked: last_sent_ms */
	};
	uint32_t cold;		/* index of its tcp_cold; TCP_NONE: parked */
	uint16_t mss;		/* payload bytes of a full segment, options taken off */
	uint8_t timers;		/* TT_* */
	uint8_t ev;		/* TCP_EV_* not yet reported */
} SLUICE_CACHE_ALIGNED;

_Static_assert(sizeof(struct tcp_conn) == 128, "two hot lines");

struct tcp_range;

/** HyStart++ (RFC 9406 s4.2), while ssthresh is infinite. */
struct tcp_hystart {
	uint32_t round_end;	/* what was sent when the round began */
	uint32_t last_rtt_us;	/* least of the round before; 0: none */
	uint32_t rtt_us;	/* least of this round */
	uint32_t css_rtt_us;	/* least of the round that CSS began in; 0: not in CSS */
	uint8_t samples;	/* of this round, saturating */
	uint8_t css_rounds;	/* finished */
	bool is_started;	/* round_end counts */
};

/** CUBIC (RFC 9438 s4.1) once ssthresh is finite. */
struct tcp_cubic {
	uint32_t w_max;		/* bytes: the window before the last reduction; 0: none */
	uint32_t w_max_undo;	/* the one before */
	uint32_t w_est;		/* bytes: what Reno would have; 0: no epoch runs */
	uint32_t est_acked;	/* bytes acknowledged towards its next segment */
	uint32_t k_ms;		/* K: time until w_max is reached again */
	uint32_t t_ms;		/* time of the epoch that counts */
	uint32_t last_ms;	/* when it was counted last */
};

/** DCTCP (RFC 8257 s3.3). */
struct tcp_dctcp {
	uint32_t start;		/* snd_una when the observed window began */
	uint32_t end;		/* it ends when more than this is acknowledged */
	uint32_t marked;	/* bytes of it acknowledged with ECE */
	uint32_t alpha;		/* share of marked bytes, smoothed; 2^20: all */
	bool is_started;
};

/** What an algorithm remembers; all zero when it begins. */
union tcp_cc_state {
	struct tcp_hystart hystart;
	struct tcp_cubic cubic;
	struct tcp_dctcp dctcp;
};

_Static_assert(sizeof(union tcp_cc_state) <= 28, "every connection pays for the largest");

/**
 * The cold part, in an array of its own. Its first two lines are what a request and its answer
 * touch: find_all() of tcp_input.c prefetches them. A field that only recovery, limits or the
 * end need belongs below.
 */
struct tcp_cold {
	/* Line 0: a segment comes in, a segment goes out. */
	uint32_t srtt_us;	/* smoothed; 0: no sample yet */
	uint32_t rttvar_us;
	uint32_t rto_ms;	/* without backoff */
	uint32_t min_rtt_us;	/* least of the last minutes; 0: no sample yet */
	uint32_t ssthresh;	/* bytes */
	uint32_t last_rx_ms;	/* last segment of the peer, for keepalive */
	uint32_t last_data_ms;	/* last data taken in order, or first behind a gap */
	uint32_t ts_recent_at_ms;
	uint32_t ts_off;	/* added to the clock in TSval: secret, per flow */
	uint32_t delack_at_ms;	/* deadlines: ms of the stack's clock, with their TT_ bit */
	uint32_t snd_sml;	/* end of the last segment sent that was not full (Minshall) */
	uint32_t rcvbuf;	/* bytes; about half of it is offered */
	uint32_t rmem;		/* whole buffers received and not read, bytes */
	uint32_t wmem;		/* ... of the send queue */
	uint32_t ev_next;	/* links by slot: event list */
	uint32_t out_next;	/* ... output list */
	/* Line 1: the owner reads and writes. */
	void *data;		/* the owner's */
	const void *ops;
	union tcp_cc_state ccs;	/* of the congestion control */
	uint32_t gen;		/* of the handle; never 0 */
	uint32_t sndbuf;
	uint32_t rcv_space_seq;	/* autotuning: copied_seq when the measured round trip began */
	union {
		uint32_t rcv_space_at_us;
		uint32_t syn_sent_us; /* until ESTABLISHED: when our first SYN went out */
	};
	uint16_t rcv_mss;	/* what a full segment of the peer is, by the largest seen */
	uint8_t cc;		/* index of the congestion control */
	uint8_t is_corked : 1;	/* segments that are not full wait (TCP_CORK) */
	uint8_t is_end_twice : 1; /* there were two of end_seq since the last ACK */
	uint8_t is_cwnd_limited : 1; /* cwnd was the limit, not the owner or the peer */
	uint8_t has_extra : 1;	/* tcp_extra is not all zero */
	uint8_t is_paced : 1;	/* data is spread over time (tcp_pacing.c) */
	uint8_t is_timed : 1;	/* a measurement of tcp_delivery is under way */
	/* Line 2: now and then. */
	uint32_t last_sent_ms;	/* when data was sent last */
	uint32_t usage_seq;	/* snd_nxt when cwnd was used most, until acknowledged */
	uint32_t max_out;	/* ... bytes in flight then */
	uint32_t end_seq;	/* behind the last segment received that ended a write */
	uint32_t min_rtt_at_ms;
	uint16_t ato_ms;	/* how long an ACK may wait; 0: no data came yet */
	uint16_t moved_ticks;	/* when our data last began to go or was acknowledged; ms >> 10 */
	uint16_t mss_high;	/* RFC 4821 search_high: larger is tried up to it; 0: no search */
	uint16_t var_max_ms;	/* most that 4 RTTVAR was since rtt_seq was sent */
	uint8_t backoff;	/* the RTO is doubled so often, until a round trip is measured */
	uint8_t rexmits;	/* retransmissions of the oldest segment so far */
	uint8_t probes;		/* keepalive or zero-window probes unanswered */
	/* Recovery. */
	uint8_t reo_persist : 7; /* RACK: recoveries until reo_mult is one again */
	uint8_t reo_seen : 1;	/* ... the path was seen to reorder */
	uint32_t rtt_seq;	/* snd_nxt when this round trip of the variance began */
	uint32_t score;		/* index of the scoreboard, with TF_SCORE */
	uint32_t recover;	/* RFC 6582: highest sent when recovery began */
	uint32_t cwnd_acked;	/* bytes acknowledged towards the next segment of cwnd */
	uint32_t max_snd_wnd;	/* largest window the peer offered (RFC 9293 s3.8.6.2.1) */
	uint32_t stalled_at_ms;	/* with rexmits, probes: when the first of them went out */
	/* Behind a gap. */
	struct tcp_range *ooo;	/* out-of-order runs, by sequence */
	uint32_t dsack_seq;	/* with TF_DSACK: data received twice (RFC 2883) */
	uint16_t dsack_len;	/* bytes from dsack_seq */
	uint16_t peer_mss;	/* the peer's MSS option */
	/* Deadlines. */
	uint32_t keep_at_ms;
	union {
		uint32_t app_at_ms;
		uint32_t acceptq_prev; /* slot, while nobody owns it */
	};
	union {
		uint32_t again_at_ms;
		uint32_t next;	/* accept queue, by slot; of a free one: the next free one */
	};
	uint32_t pmtu_at_ms;
	/* Limits. */
	uint32_t user_timeout_ms;
	uint32_t challenge_at_ms; /* start of the second that challenges counts */
	uint32_t dupack_sent_ms; /* last ACK of an unacceptable segment */
	int16_t linger_s;	/* -1: off */
	uint8_t challenges;	/* challenge ACKs in the second since challenge_at_ms */
	uint8_t reo_mult;	/* RACK: quarters of min_rtt_us in the reordering window */
	uint32_t total_retrans;
	/* Who it is. */
	uint32_t owner;		/* slot of its connection; TCP_NONE: free */
	int16_t err;		/* -errno it ended with; until then: of the last ICMP error */
	uint16_t listener;	/* slot it came from, TCP_LISTENERS_MAX */
	uint32_t flow_hash;	/* low half of the key's: all that the flow table looks at */
	uint32_t iss, irs;
} SLUICE_CACHE_ALIGNED;

_Static_assert(sizeof(struct tcp_cold) == 256, "four lines");

/**
 * What a parked connection remembers, with the names of tcp_cold (tcp_park.c). There is one for
 * each slot; of an awake connection only gen counts.
 */
struct tcp_park {
	uint32_t gen;
	union {
		uint32_t srtt_us;
		uint32_t next;	/* of a free slot: link of the free list */
	};
	uint32_t rttvar_us : 28, reo_mult : 4; /* saturating; four times 268 s: any tcp_rto_max */
	uint32_t min_rtt_us : 28, min_rtt_age : 4; /* at last_rx_ms, parts of TCP_MIN_RTT_MS */
	uint32_t ssthresh : 31, reo_seen : 1;
	uint32_t rcvbuf, sndbuf;
	uint32_t last_rx_ms, last_data_ms;
	uint32_t keep_at_ms, app_at_ms, pmtu_at_ms;
	uint32_t user_timeout_ms;
	uint32_t max_snd_wnd;
	uint32_t total_retrans : 18; /* saturating */
	uint32_t backoff : 5;
	uint32_t ato_ms : 9;
	uint32_t iss, irs;
	int16_t linger_s;
	uint16_t listener : 11;
	uint16_t cc : 2;
	uint16_t has_extra : 1;
	uint16_t reo_persist : 2; /* in sixes */
	void *data;
	const void *ops;
	uint16_t peer_mss, rcv_mss, mss_high;
	uint16_t moved_ticks;
};

_Static_assert(sizeof(struct tcp_park) <= 96, "ten million connections in 2.6 GB");

/** Bits of tcp_score.flags. */
#define SC_UNDO 0x01u		/* the last reduction can be taken back */
#define SC_RETRANS_TS 0x02u	/* retrans_ts is set */
#define SC_PRR 0x04u		/* this recovery is paced by PRR (not NewReno) */
#define SC_FRTO 0x08u		/* the timeout may have been spurious (RFC 5682) */
#define SC_FRTO_NEW 0x10u	/* ... new data is sent to find out, nothing again */
#define SC_PROBE 0x20u		/* a tail loss probe is out, up to probe_seq */
#define SC_PROBE_RTX 0x40u	/* ... and it was a retransmission */
#define SC_DSACK_ROUND 0x80u	/* dsack_round is set */
#define SC_CWR 0x0100u		/* this recovery is for a mark, not for a loss */
#define SC_MTU_PROBE 0x2000u	/* a larger segment is out, up to mtu_probe_end */
/* ... that live for one ACK. */
#define SC_ORIG_DELIVERED 0x0200u /* something sent once, before the timeout, was delivered */
#define SC_RETRANS_ACKED 0x0400u /* something sent again was acknowledged */
#define SC_DSACK_SEEN 0x0800u
#define SC_ACK_TS 0x1000u	/* ack_ts is set */
#define SC_REORDERED 0x4000u	/* something was delivered behind what was delivered before */
#define SC_OF_ACK                                                                                  \
	(SC_ORIG_DELIVERED | SC_RETRANS_ACKED | SC_DSACK_SEEN | SC_ACK_TS | SC_REORDERED)

/**
 * What is known of the packets in flight, while something may be lost (RFC 6675, RFC 8985):
 *
 *	snd_una                     rtx_next          rack_next          fack      snd_nxt
 *	   | lost, sent again | SACKED | lost, to be sent | SACKED | lost? | SACKED | in flight |
 *
 * The marks are in the packets (PKT_F_*); counts are bytes of packets with the mark.
 */
struct tcp_score {
	struct tcp_range *sacks; /* SACKED runs, by sequence; head and tail are in the queue */
	struct pkt *rtx_next;	/* nothing before it waits to be sent again */
	struct pkt *rack_next;	/* nothing before it is in flight, sent once */
	struct pkt *seek;	/* where the search for a block went up to; NULL: nowhere */
	uint32_t sacked, lost, retrans;
	uint32_t pending;	/* lost and not sent again */
	uint32_t sacked_pkts;	/* without SACK duplicate ACKs, and sacked is their bytes */
	uint32_t fack;		/* behind the highest byte delivered */
	uint32_t prior_fack;	/* ... before this ACK */
	uint32_t ack_ts;	/* timestamp echo of this ACK */
	uint32_t delivered;	/* bytes delivered by this ACK */
	/* RACK: of what was sent last among all that was delivered. */
	uint32_t rack_sent_us, rack_end_seq;
	uint32_t rack_rtt_us;	/* 0: nothing was */
	uint32_t dsack_round;	/* the reordering window grows again behind this */
	/* PRR (RFC 9937), bytes since the recovery began. */
	uint32_t prr_delivered, prr_out;
	uint32_t prr_cwnd;	/* the window that ssthresh was taken from */
	/* Undo (RFC 4015): before the reduction. */
	uint32_t prior_cwnd, prior_ssthresh;
	uint32_t undo_marker;	/* snd_una at the reduction */
	uint32_t undo_retrans;	/* packets sent again since, not reported as duplicates */
	uint32_t retrans_ts;	/* timestamp of the first of them */
	uint32_t probe_seq;	/* snd_nxt when the probe was sent */
	union {
		uint32_t next;	/* link of the free list */
		uint32_t mtu_probe_end; /* RFC 4821, with SC_MTU_PROBE */
	};
	uint16_t flags;		/* SC_* */
	uint16_t runs;		/* in sacks */
};

_Static_assert(sizeof(struct tcp_score) <= 2 * CACHE_LINE, "as small as a connection");

#define TCP_SYNQ_TRIES_MAX 127u

/** A half-open connection (RFC 4987 s3.2): at most 64 bytes, all that it needs included. */
struct tcp_synq_entry {
	union {
		uint32_t iss;
		uint32_t next;	/* of a free entry: link of the free list */
	};
	uint32_t irs;
	uint32_t ts_recent;
	uint32_t sent_us;	/* of the first SYN-ACK, low 32 bits */
	uint16_t mss;		/* the peer's */
	uint16_t acked_ms;	/* low bits: when an unacceptable segment was last answered */
	uint16_t listener;
	uint8_t retrans : 7;	/* up to TCP_SYNQ_TRIES_MAX */
	uint8_t is_acked : 1;	/* the handshake is done, its data is waited for */
	uint8_t wscale : 4;	/* the peer's */
	uint8_t has_wscale : 1;
	uint8_t has_ts : 1;
	uint8_t has_sack : 1;
	uint8_t has_ecn : 1;
	struct tcp_brief who;	/* nobody: the entry is free */
};

_Static_assert(sizeof(struct tcp_synq_entry) + sizeof(struct wheel_node) <= 64 - 11,
	"with its timer and share of the flow table: performance axis (f)");

/* An entry's age is known modulo 70 minutes; it lives for 10 at most. */
#define TCP_TW_SINCE_BITS 22u
#define TCP_TW_SINCE_MASK ((1u << TCP_TW_SINCE_BITS) - 1)

/**
 * A connection in TIME_WAIT: 28 bytes. Entries live in a ring in the order they expire, so that
 * none needs a timer or a link. TW_LIVE clear: taken over or restarted, a hole until its turn.
 */
struct tcp_tw {
	uint32_t snd_nxt;
	uint32_t rcv_nxt;
	uint32_t ts_recent;
	uint32_t since_ms : TCP_TW_SINCE_BITS; /* low bits of when it began */
	uint32_t acked : 8;	/* low bits of 1 + the interval of the last rationed ACK */
	uint32_t live : 1;
	uint32_t has_ts : 1;
	struct tcp_brief who;
};

_Static_assert(sizeof(struct tcp_tw) <= 40 - 11,
	"with its share of the flow table: performance axis (f)");

#define TCP_LISTENERS_MAX 1024u

struct tcp_listener {
	bool open;
	bool nodelay;
	bool ev;		/* ACCEPTABLE not yet reported */
	int8_t syncookies;	/* -1: the tunable */
	uint8_t cc;		/* 1 + enum tun_cc; 0: the tunable */
	int8_t blackhole;	/* no RST from its port: 1 yes, -1 no, 0 the tunable */
	int laddr_idx;		/* -1: any */
	uint16_t port;
	uint16_t next;		/* slot of the next listener on this port, or TCP_LISTENERS_MAX */
	uint32_t gen;
	uint32_t backlog;	/* as asked for; 0: somaxconn */
	uint32_t synq;		/* entries now */
	uint32_t synq_young;	/* ... whose SYN-ACK was not yet retransmitted */
	uint32_t acceptq;	/* connections now */
	uint32_t acceptq_head;	/* slots; TCP_NONE */
	uint32_t acceptq_tail;
	uint32_t fastopen_pending; /* children in SYN-RECEIVED; outlives the listener */
	uint32_t fastopen_resets[2]; /* children reset by the peer: lately, and the time before */
	uint32_t fastopen_reset_ms; /* when [0] began */
	bool fastopen;		/* a SYN with a cookie may open */
	struct tun_secret fastopen_key; /* state 0: the tunable's */
	uint64_t fastopen_opened, fastopen_failed; /* SYNs with a cookie */
	bool has_source_limits;	/* one of its own, or two: at the end */
	uint64_t cookie_us;	/* when a cookie was last sent; 0: never */
	uint64_t accepted, cookies_sent, cookies_valid, cookies_invalid;
	uint64_t acceptq_overflows, synq_overflows;
	uint64_t syn_drops_full, syn_drops_early, syn_drops_accept; /* by reason */
	uint64_t syn_drops_source;
	uint32_t source_syn_rate; /* for all workers; 0: the tunable */
	uint32_t source_conns;
	uint32_t first_byte_s, idle_s; /* timeouts of its connections; 0: the tunables */
	struct tcp_wishes wishes;
	uint8_t defer_tries;	/* SYN-ACKs in whose time a peer's first data is waited for */
	const char *name;
	void *data;
	const void *ops;
};

/** What comes from where: the limits by source prefix. */
struct tcp_source {
	struct rate_table rates;
	struct count_sketch conns;
	uint64_t mask[2][2];	/* of the prefix, IPv4 and IPv6, on the words of flow_key */
	uint32_t prefix4, prefix6; /* ... made of these; 0: not yet */
	uint32_t rate, cost_us;	/* the rate that was asked for last, and the cost of a SYN at it */
	bool is_on;		/* connections are counted */
	bool is_forced;		/* ... for a listener's own limit, once there was one */
	uint32_t conn_edge;	/* slots before it are counted; UINT32_MAX: all */
	uint32_t synq_edge;
};

/** The timeouts of tcp_keep.c as they were last seen, and how far a change has got. */
struct tcp_keep_sweep {
	uint32_t first_byte_s, idle_s;
	uint32_t edge;		/* slots from here on have not heard of it; UINT32_MAX: all have */
};

/** Out-of-order data without a gap inside: [start, end). */
struct tcp_range {
	uint32_t start;
	uint32_t end;
	uint32_t stamp;		/* when it last grew: the largest is the latest */
	struct pkt *head;
	struct pkt *tail;
	struct tcp_range *next;
	bool fin;		/* a FIN stands at end */
};

/** Keys of the SYN cookies: the current one and the one before. */
struct tcp_cookie_keys {
	struct siphash_key key[2];
	uint64_t rotate_at_us;	/* the current one becomes the previous one */
	unsigned int current;	/* index of the current one; its low bit stands in the cookie */
};

/** What the queues of all connections hold, against this worker's share of tcp_mem. */
struct tcp_mem {
	uint64_t held;		/* bytes of whole buffers */
	uint64_t low, middle, high; /* the marks, in the same bytes */
	uint32_t marks_ms;	/* when they were read */
	uint32_t pressure_ms;	/* since when, if under pressure */
	bool known;		/* the marks were read */
	bool pressure;		/* above middle, and not below low since */
	bool over;		/* no new memory: above high, or at the packet reserve */
	/* The search for who gives memory back; one round visits every slot. */
	uint32_t slot;		/* the next to be looked at */
	uint32_t longest_ms;	/* longest wait met in this round */
	uint32_t bar_ms;	/* who has waited so long is reset; UINT32_MAX: first round */
};

/** Keys of the Fast Open cookies: the current one and the one before, made when needed. */
struct tcp_fastopen_keys {
	struct siphash_key key[2];
	uint64_t period;	/* number of the period they are derived from */
	uint32_t period_s;	/* its length; 0: none is derived */
	bool renew;		/* the SYN in hand has a cookie of the key before */
};

/** What a peer that we open connections to was found to do with Fast Open. */
struct tcp_fastopen_peer {
	struct ip_addr addr;
	uint8_t cookie[TCP_FASTOPEN_LEN_MAX];
	uint8_t cookie_len;	/* 0: none yet */
	uint8_t losses;		/* SYNs with the option lost in a row */
	uint16_t mss;		/* its MSS option; 0: not known */
	uint32_t lost_ms;	/* the last of them */
};

/** Lines of a worker's table of SYN rates, eight sources each: 256 KiB. */
#define TCP_RATE_SETS 4096u

/** Places in a worker's cache; each address has one. */
#define TCP_FASTOPEN_PEERS 1024u

/** The row of segments that tcp_output is about to hang on one (tcp_tso.c). */
struct tcp_tso {
	struct pkt *head, *tail; /* NULL: the next one leads */
	uint32_t next_seq;
	uint16_t flags;		/* of each of them */
	uint16_t mss;
	uint8_t ecn;
	bool is_on;		/* new data of a connection is being sent, to such a port */
};

struct tcp_stack {
	struct env *env;	/* of the call in progress */
	struct tcp_tso tso;
	uint8_t fast_state;	/* ESTABLISHED; CLOSED while memory is short: no fast path */
	struct tcp_mem mem;
	struct flow_table flows;
	struct wheel wheel;	/* ids: connections, then SYN-queue entries */
	struct tcp_conn *conns;
	struct tcp_cold *cold;	/* one for each awake connection */
	struct tcp_park *park;	/* by slot */
	struct tcp_extra *extra; /* by slot */
	struct tcp_delivery *delivery; /* by slot */
	struct tcp_notes *notes; /* by slot; NULL: none are taken */
	struct tcp_synq_entry *synq;
	struct tcp_tw *tw;
	struct tcp_ip6_pool ip6; /* of who is in the SYN queue or in TIME-WAIT */
	struct tcp_range *ranges;
	struct tcp_score *scores;	/* one for each connection: never short */
	struct tcp_range *range_free;
	struct tcp_listener *listeners;
	uint16_t *port_listener; /* first listener of a port, by port */
	struct tcp_params par;
	struct tcp_cookie_keys cookies;
	struct tcp_syn_window {	/* a SYN's, as last found: 2 x IPv6 + timestamps */
		uint32_t space;	/* for these bytes of buffer */
		uint16_t mss, wnd;
	} syn_window[4];
	struct tcp_fastopen_keys fastopen;
	struct tcp_fastopen_peer *fastopen_peers;
	struct tcp_source source;
	struct tcp_keep_sweep keep_sweep;
	uint32_t conn_free;	/* head of the list of slots given back */
	uint32_t conn_fresh;	/* slots from here on were never used */
	uint32_t cold_free, cold_fresh;
	uint32_t park_ms;	/* last look for who may be parked */
	uint32_t park_at;	/* the next tcp_cold to be looked at */
	uint32_t synq_free, synq_fresh;
	uint32_t score_free, score_fresh;
	uint32_t flows_added;	/* entries put into the flow table, ever */
	uint32_t conns_used, conns_parked, synq_used, ranges_used;
	uint32_t range_stamp;	/* of the run that grew last */
	uint32_t orphans;
	uint32_t tw_head, tw_tail, tw_slots; /* ring of TIME_WAIT slots: [head, tail) in use */
	uint32_t tw_live;
	uint32_t out_head, ev_head;	/* connections with something to send, and with events */
	uint32_t *out_link, *ev_link;	/* where the slot of the next one is written */
	const struct tcp_conn *row_of;	/* whose new data is being sent, once a segment of it is */
	uint16_t row_wnd;		/* ... which offered this, as on the wire */
	uint32_t listener_events;	/* listeners with events */
	uint32_t listener_scan;
	uint32_t port_hint;	/* RFC 6056 search offset */
	uint64_t rst_refill_us;	/* RST budget */
	uint32_t rst_tokens;
};

/** A segment on its way through the steps of RFC 9293 s3.10.7. */
struct tcp_rx {
	const struct tcp_seg *seg;
	struct pkt *pkt;	/* NULL once a queue has taken it over */
	uint32_t seq;		/* of the first byte still wanted, SYN taken off */
	uint32_t ack;
	uint32_t wnd;		/* scaled, bytes */
	uint32_t len;		/* payload bytes still wanted */
	uint32_t payload_off;	/* from the start of the packet */
	uint16_t flags;
	enum outcome outcome;	/* how the packet ends */
};

static inline uint32_t
tcp_slot(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return (uint32_t)(c - stack->conns);
}

/** Of an awake connection: who finds one by its slot calls tcp_wake() first. */
static inline struct tcp_cold *
tcp_cold(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return &stack->cold[c->cold];
}

/** The scoreboard; NULL: nothing in flight is suspect. */
static inline struct tcp_score *
tcp_score(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return (c->flags & TF_SCORE) ? &stack->scores[tcp_cold(stack, c)->score] : NULL;
}

/** Bytes that are in the network (RFC 6675 s4, SetPipe). */
static inline uint32_t
tcp_pipe(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_score *sc = tcp_score(stack, c);
	uint32_t flight = c->snd_nxt - c->snd_una;

	return sc == NULL ? flight : flight - sc->sacked - sc->lost + sc->retrans;
}

static inline uint32_t
tcp_rcv_wnd(const struct tcp_conn *c)
{
	return c->rcv_adv - c->rcv_nxt;
}

/** What the steps make of a segment at first: all of it, and an ACK if nothing else is found. */
static inline struct tcp_rx
tcp_rx_of(const struct tcp_conn *c, const struct tcp_seg *seg, struct pkt *pkt)
{
	return (struct tcp_rx){
		.seg = seg,
		.pkt = pkt,
		.seq = seg->seq,
		.ack = seg->ack,
		.wnd = (uint32_t)seg->wnd << c->snd_wscale,
		.len = seg->len,
		.payload_off = seg->payload_off,
		.flags = seg->flags,
		.outcome = OUT_PURE_ACK,
	};
}

/** Opened by a SYN with a Fast Open cookie: its owner may send in SYN-RECEIVED. */
static inline bool
tcp_is_fastopen_child(const struct tcp_conn *c)
{
	return c->state == TCPS_SYN_RECEIVED &&
		(c->flags & (TF_FASTOPEN | TF_ACTIVE)) == TF_FASTOPEN;
}

/** True between the three-way handshake and TIME_WAIT. */
static inline bool
tcp_is_synchronised(const struct tcp_conn *c)
{
	return c->state >= TCPS_ESTABLISHED;
}

/** True if tcp_conn_new would find a slot, and memory for what goes through it. */
static inline bool
tcp_conn_available(const struct tcp_stack *stack)
{
	if (stack->mem.over)
		return false;
	return stack->conn_free != TCP_NONE || stack->conn_fresh < stack->par.conns_max;
}

static inline bool
tcp_synq_available(const struct tcp_stack *stack)
{
	return stack->synq_free != TCP_NONE || stack->synq_fresh < stack->par.synq_max;
}

/** The timestamp clock of a flow: 1 ms ticks from a secret offset (RFC 7323 s5.4). */
static inline uint32_t
tcp_ts_now(const struct tcp_stack *stack, uint32_t ts_off)
{
	return stack->env->now_ms + ts_off;
}

/** The share of a limit that this worker has; the shares of all workers sum to the limit. */
static inline uint32_t
tcp_share(const struct tcp_stack *stack, uint32_t limit)
{
	uint32_t workers = stack->par.workers;

	if (workers == 1)
		return limit;
	return limit / workers + (stack->par.worker < limit % workers);
}

/** A packet went into the receive queue or an out-of-order run, or left it. */
static inline void
tcp_mem_take_rcv(struct tcp_stack *stack, struct tcp_cold *cold)
{
	uint32_t charge = stack->env->pool->charge;

	cold->rmem += charge;
	stack->mem.held += charge;
}

static inline void
tcp_mem_give_rcv(struct tcp_stack *stack, struct tcp_cold *cold)
{
	uint32_t charge = stack->env->pool->charge;

	cold->rmem -= charge;
	stack->mem.held -= charge;
}

/** The same for the send queue. */
static inline void
tcp_mem_take_snd(struct tcp_stack *stack, struct tcp_cold *cold)
{
	uint32_t charge = stack->env->pool->charge;

	cold->wmem += charge;
	stack->mem.held += charge;
}

static inline void
tcp_mem_give_snd(struct tcp_stack *stack, struct tcp_cold *cold)
{
	uint32_t charge = stack->env->pool->charge;

	cold->wmem -= charge;
	stack->mem.held -= charge;
}

/** Count how a packet ended; each exactly once. */
static inline void
tcp_outcome(struct tcp_stack *stack, enum outcome out)
{
	stack->env->ctr->outcome[out]++;
}

#endif
