/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP engine's face (RFC 9293): packets, time and calls in; packets and events out. */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "conf/env.h"
#include "conf/tcp_state.h"
#include "pkt/pkt.h"
#include "wire/addr.h"
#include "wire/icmp_report.h"
#include "wire/local.h"
#include "wire/tcp_seg.h"

/*
 * One struct tcp_stack per worker; nothing in it is shared. The engine never calls up or down:
 * what it wants sent goes to env->tx as IP packets, what the owner of a connection should know
 * goes to the stack's event list. Every call takes the env of this moment.
 */
struct tcp_stack;
struct tun_secret;

/** Handle of a connection or listener: generation in the high half, index in the low. 0: none. */
typedef uint64_t tcp_handle;

/** Segments that tcp_input_burst takes at most at a time. */
#define TCP_BURST_MAX 64u

/** What the owner of a connection or listener can be told; bits of tcp_event.what. */
#define TCP_EV_ACCEPTABLE 0x01u /* a listener's accept queue is not empty */
#define TCP_EV_CONNECTED 0x02u	/* an active open finished, err says how */
#define TCP_EV_READABLE 0x04u	/* data or the peer's FIN */
#define TCP_EV_WRITABLE 0x08u	/* send space after a refusal */
#define TCP_EV_TIMEOUT 0x10u	/* the owner's own timer */
#define TCP_EV_CLOSED 0x20u	/* the handle ends with this event */

struct tcp_event {
	tcp_handle handle;	/* a listener's for TCP_EV_ACCEPTABLE, else a connection's */
	void *data;		/* the owner's, as set by tcp_set_owner or tcp_listen */
	const void *ops;
	uint32_t what;		/* TCP_EV_* */
	int err;		/* 0 or -errno, for CONNECTED and CLOSED */
};

/** Good for tcp_params.park_after_ms: longer than clients think between two requests of a page. */
#define TCP_PARK_AFTER_MS 8000u

/** Sizes and secrets; all memory is taken in tcp_stack_create. */
struct tcp_params {
	uint32_t conns_max;	/* connections, 1 .. 2^28 */
	uint32_t park_after_ms;	/* idle connections are packed after this; 0: never */
	uint32_t synq_max;	/* SYN-queue entries of all listeners of this worker */
	uint32_t timewait_max;	/* TIME_WAIT entries */
	uint32_t ranges_max;	/* out-of-order runs of all connections */
	uint16_t mtu;		/* of the port: bytes of an IP packet */
	unsigned int worker;	/* this worker's number, and how many share the listeners */
	unsigned int workers;
	struct siphash_key flow_key;	/* the flow table's and the timestamp offsets' */
	struct siphash_key isn_key;	/* RFC 6528 */
	struct siphash_key cookie_key[2]; /* SYN cookies: current and previous */
	bool cookie_keys_stay;	/* never new ones: for load tests that know them */
	struct siphash_key port_key;	/* RFC 6056 */
	const struct local_addrs *local; /* outlives the stack */
	struct mem_source mem;	/* of what there are millions of; all zero: mem_libc */
	/* True if a flow's received packets come to this worker; NULL: all do. */
	bool (*is_mine)(const void *ctx, const struct flow_key *key);
	const void *is_mine_ctx;
};

/** -ENOMEM or -EINVAL; all or nothing. */
int tcp_stack_create(const struct tcp_params *par, uint64_t now_us, struct tcp_stack **out);

/** Frees everything; connections vanish without a word (use tcp_abort before). */
void tcp_stack_destroy(struct tcp_stack *stack, struct env *env);

/**
 * Process n <= TCP_BURST_MAX segments, in order; takes the packets over, always. Each gets exactly
 * one outcome. Answers that may be joined with data of the owner wait for tcp_flush.
 */
void tcp_input_burst(struct tcp_stack *stack, struct env *env, const struct tcp_seg *segs,
	struct pkt *const *pkts, unsigned int n);

/** An ICMP error about a segment of ours; counts the outcome of the packet that brought it. */
void tcp_icmp_input(struct tcp_stack *stack, struct env *env, const struct icmp_report *report);

/** Expire timers; at most a fixed number per call. */
void tcp_poll(struct tcp_stack *stack, struct env *env);

/** When tcp_poll must be called again, in us of env->now_us: 0 at once, UINT64_MAX never. */
uint64_t tcp_poll_at(const struct tcp_stack *stack);

/**
 * Send what calls and segments since the last flush have made sendable: data, and the ACKs that
 * found no data to ride on. Call it after the owner's callbacks, once per burst.
 */
void tcp_flush(struct tcp_stack *stack, struct env *env);

/** The next event, oldest first; false: none. Callers may call the engine between two. */
bool tcp_next_event(struct tcp_stack *stack, struct tcp_event *ev);

/* --- calls of the owner: 0, a count, or -errno; -EBADF for a handle that is gone ----------- */

/** What an owner wants of a connection from its SYN on; 0: as the tunables have it. */
struct tcp_wishes {
	uint16_t mss_max;	/* largest segment, both ways */
	uint8_t syn_retries;	/* of an active open */
	bool no_cookie;		/* Fast Open without one: peers are trusted (RFC 7413 s7.1) */
	uint32_t rcvbuf;	/* bytes: fixed, and what the window scale is chosen for */
	uint32_t window_clamp;	/* bytes: no larger window is offered */
	uint32_t max_pacing_rate; /* bytes/s of data at most; 0: any */
};

struct tcp_listen_params {
	int laddr_idx;		/* index into local_addrs, -1: any */
	uint16_t port;
	unsigned int backlog;	/* for all workers together; 0: somaxconn */
	int syncookies;		/* -1: the tunable; else 0, 1, 2 */
	unsigned int cc;	/* congestion control: 1 + enum tun_cc; 0: the tunable */
	bool nodelay;
	bool fastopen;		/* a SYN with a cookie may open, where tcp_fastopen lets it */
	const struct tun_secret *fastopen_key; /* of its own; NULL: tcp_fastopen_key */
	uint32_t source_syn_rate; /* for each source prefix, as the tunable; 0: the tunable */
	uint32_t source_conns;
	uint32_t first_byte_s;	/* timeouts of its connections; 0: the tunables */
	uint32_t idle_s;
	int blackhole;		/* no RST for what has no connection: 1, -1 RST, 0 the tunable */
	struct tcp_wishes wishes; /* of its connections */
	uint32_t defer_s;	/* a peer's first data is waited for so long; 0: not */
	const char *name;	/* for listings; outlives the listener */
	void *data;
	const void *ops;
};

int tcp_listen(struct tcp_stack *stack, struct env *env, const struct tcp_listen_params *par,
	tcp_handle *out);
/** Change all but where it listens; connections that exist keep what they have. */
int tcp_listener_change(struct tcp_stack *stack, struct env *env, tcp_handle listener,
	const struct tcp_listen_params *par);
int tcp_listener_close(struct tcp_stack *stack, struct env *env, tcp_handle listener);
int tcp_accept(struct tcp_stack *stack, struct env *env, tcp_handle listener, tcp_handle *out);

/**
 * Active open. lport 0: chosen (RFC 6056). laddr_idx must be a local address of raddr's family.
 * -EADDRINUSE, -EADDRNOTAVAIL, -ENOBUFS.
 */
int tcp_connect(struct tcp_stack *stack, struct env *env, const struct flow_key *to,
	tcp_handle *out);

struct tcp_connect_params {
	struct tcp_wishes wishes;
	bool fastopen;		/* the SYN asks for a Fast Open cookie, or takes data along */
	const void *src;	/* data for the peer, at most a segment */
	size_t len;
};

/**
 * The same with wishes, and with data for the peer, which rides with the SYN where Fast Open can
 * (RFC 7413) and else follows the handshake. Returns the bytes taken, or as tcp_connect.
 */
ptrdiff_t tcp_connect_with(struct tcp_stack *stack, struct env *env, const struct flow_key *to,
	const struct tcp_connect_params *par, tcp_handle *out);

/** A cookie for addr is at hand: data would go with the SYN. */
bool tcp_fastopen_knows(struct tcp_stack *stack, struct env *env, const struct ip_addr *addr);

int tcp_set_owner(struct tcp_stack *stack, tcp_handle conn, void *data, const void *ops);
int tcp_set_app_timer(struct tcp_stack *stack, struct env *env, tcp_handle conn, uint32_t delay_ms);

/** The connection's key: remote address and port, local port and address index. */
int tcp_get_key(struct tcp_stack *stack, tcp_handle conn, struct flow_key *key);

ptrdiff_t tcp_recv(struct tcp_stack *stack, struct env *env, tcp_handle conn, void *dst,
	size_t len);

/** The next received packet, trimmed to its payload, now the caller's. Returns its length. */
ptrdiff_t tcp_recv_pkt(struct tcp_stack *stack, struct env *env, tcp_handle conn, struct pkt **out);
ptrdiff_t tcp_recv_queued(struct tcp_stack *stack, tcp_handle conn);

/** Copy what tcp_recv would give, and leave it where it is. */
ptrdiff_t tcp_peek(struct tcp_stack *stack, tcp_handle conn, void *dst, size_t len);

#define TCP_SEND_MORE 0x1u /* more follows: no PSH, and a segment that is not full waits for it */
#define TCP_SEND_EOR 0x2u /* end of a record: later data never joins this segment */

ptrdiff_t tcp_send(struct tcp_stack *stack, struct env *env, tcp_handle conn, const void *src,
	size_t len, unsigned int flags);
/** Queue p's frame as payload, cut later if longer than a segment; taken over only on success. */
ptrdiff_t tcp_send_pkt(struct tcp_stack *stack, struct env *env, tcp_handle conn, struct pkt *p,
	unsigned int flags);
ptrdiff_t tcp_send_space(struct tcp_stack *stack, struct env *env, tcp_handle conn);

#define TCP_SHUT_RD 0x1u
#define TCP_SHUT_WR 0x2u
#define TCP_SHUT_REFUSE 0x4u /* with both: data that still comes ends in RST, as in Linux */

int tcp_shutdown(struct tcp_stack *stack, struct env *env, tcp_handle conn, unsigned int how);
int tcp_close(struct tcp_stack *stack, struct env *env, tcp_handle conn);
int tcp_abort(struct tcp_stack *stack, struct env *env, tcp_handle conn);

enum tcp_sockopt {
	TCP_SO_NODELAY,
	TCP_SO_SNDBUF,
	TCP_SO_RCVBUF,
	TCP_SO_KEEPALIVE,
	TCP_SO_LINGER,
	TCP_SO_USER_TIMEOUT,
	TCP_SO_MAXSEG,
	TCP_SO_CONGESTION,	/* enum tun_cc */
	TCP_SO_CORK,
	TCP_SO_WINDOW_CLAMP,	/* bytes; 0: none */
	TCP_SO_KEEPIDLE,	/* seconds; these three for the tunables tcp_keepalive_* */
	TCP_SO_KEEPINTVL,
	TCP_SO_KEEPCNT,
	TCP_SO_LINGER2,		/* seconds, for tcp_fin_timeout; -1: no FIN-WAIT-2 after close */
	TCP_SO_QUICKACK,	/* 1: ACKs go at once, until the owner answers; 0: they wait */
	TCP_SO_MAX_PACING_RATE,	/* bytes/s of data at most; 0 or -1: any */
};

int tcp_setopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int value);
int tcp_getopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int *value);

/**
 * The cookie with which a stack that has this key as its current cookie_key, and offers all it can,
 * answers the SYN syn; its final ACK's TSecr must end with the 6 bits *ts_bits, if it has one. For
 * load tests.
 */
uint32_t tcp_cookie_make(
	const struct siphash_key *key, const struct tcp_seg *syn, uint8_t *ts_bits);

/* --- looking in ---------------------------------------------------------------------------- */

/** Why the data of a connect with Fast Open did not go with the SYN, numbered as in Linux. */
enum tcp_fastopen_fail {
	TCP_EARLY_TAKEN = 0,
	TCP_EARLY_NO_COOKIE = 1,
	TCP_EARLY_NOT_TAKEN = 2,	/* it did; the SYN-ACK acknowledges the SYN alone */
	TCP_EARLY_SYN_LOST = 3,	/* ... to a SYN that was repeated, without the data */
};

/** What was sent between two deliveries, by which the next ones are timed: [seq, end). */
struct tcp_rate_mark {
	uint32_t seq, end;
	uint32_t prior;		/* delivered when it was sent */
	bool is_set;
	bool is_of_owner;	/* the owner was the limit */
	uint64_t since_us;	/* of that delivery */
};

/** Beside tcp_cold, where notes are taken (tcp_notes.h); as Linux's TCP_INFO names them. */
struct tcp_notes {
	uint64_t bytes_sent, bytes_retrans;
	uint64_t busy_us;
	uint64_t rwnd_limited_us, sndbuf_limited_us; /* parts of busy_us */
	uint64_t state_since_us;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t delivered, delivered_ce, dsack_dups, reord_seen, rcv_ooopack;
	uint32_t total_rto, rto_recoveries, rto_time_ms, rto_since_ms;
	/* The last rate of delivery: so many segments in so many microseconds. */
	uint32_t rate_segs, rate_us;
	struct tcp_rate_mark rate[2]; /* the second is sent while the first is delivered */
	uint64_t delivered_us;	/* when something was last */
	uint32_t owner_limited;	/* its pauses spoil rates until more is delivered; 0: none */
	/* The round trip as a receiver sees it: eighths of microseconds, smoothed. */
	uint32_t rcv_rtt_us8, rcv_rtt_ecr, rcv_rtt_end;
	uint64_t rcv_rtt_since_us;
	uint32_t reord_seq;	/* of the first that the last reordering delivered */
	uint32_t reordering;	/* segments that the most of it reached over; 0: none yet */
	uint8_t send_state;	/* enum tcp_send_state */
	uint8_t fastopen_fail;	/* enum tcp_fastopen_fail */
	bool is_early_acked;	/* the data of the SYN was taken, of ours or of the peer's */
	bool is_early_child;	/* a SYN with a Fast Open cookie opened it */
	bool is_ect_seen;	/* the peer's data can be marked (RFC 3168) */
	bool in_rto;
	bool is_rate_full;	/* rate_segs is of the path, not of an owner who pauses */
};

/** What a listing shows of one connection, SYN-queue entry or TIME_WAIT entry. */
struct tcp_conn_info {
	struct flow_key key;
	enum tcp_state state;
	uint32_t recvq_bytes;	/* received, not yet read */
	uint32_t sendq_bytes;	/* queued, not yet acknowledged */
	uint32_t srtt_us, rttvar_us;
	uint32_t rto_ms;	/* as it is now, doublings included */
	uint32_t cwnd_bytes, ssthresh_bytes, mss;
	uint32_t snd_wnd, rcv_wnd;
	uint32_t retrans;	/* segments sent again, ever */
	uint32_t timer_ms;	/* until the next timer; UINT32_MAX: none */
	const char *cc;		/* congestion control; NULL: none yet or no more */
	bool orphan;
	/* What ss -i has more. */
	bool has_ts, has_sack;
	uint8_t snd_wscale, rcv_wscale;
	uint8_t rexmits;	/* of the oldest segment so far */
	uint8_t probes;		/* unanswered: zero window or keepalive */
	uint16_t rcv_mss;	/* what a full segment of the peer is */
	uint32_t rcvbuf_bytes, sndbuf_bytes;
	uint32_t flight_bytes;	/* sent, not yet acknowledged */
	uint32_t acked_bytes, received_bytes; /* ever, modulo 2^32: their differences are exact */
	uint32_t idle_ms;	/* since the last segment of the peer */
	uint32_t data_idle_ms;	/* since its last data in order; UINT32_MAX: none came */
	bool has_ecn;
	bool reorders;		/* the path was seen to reorder */
	uint8_t ca;		/* enum tcp_ca */
	uint16_t adv_mss;	/* data that a segment may bring: our MSS option less timestamps */
	uint16_t pmtu;		/* IP packet of a full segment */
	uint32_t min_rtt_us;	/* 0: no sample yet */
	uint32_t notsent_bytes;	/* queued, never sent */
	uint64_t pacing_rate;	/* bytes/s at which it is paced; 0: it is not */
	uint32_t max_pacing_rate; /* ... and what its owner allows; 0: any */
	/* Of those in flight; 0 where nothing may be lost. */
	uint32_t lost_bytes, sacked_bytes;
	uint32_t again_bytes;	/* ... sent again, and not known to be lost again */
	uint64_t delivery_rate;	/* bytes/s; 0: not measured, or of single segments only */
	uint32_t space_bytes;	/* queues in whole buffers, as tcp_mem counts */
	uint32_t sent_idle_ms;	/* since data was sent; UINT32_MAX: none was */
	uint16_t ato_ms;	/* how long an ACK may wait; 0: no data came yet */
	uint8_t backoff;	/* doublings of the RTO */
	uint8_t limit;		/* enum tcp_limit */
	bool has_notes;		/* notes are taken in this build, and busy_us is of now */
	struct tcp_notes notes;
};

/** What keeps a connection from sending, at the moment of the look. */
enum tcp_limit {
	TCP_LIMIT_NONE,		/* nothing, or a short segment waits for more (Nagle) */
	TCP_LIMIT_OWNER,	/* it has written no more */
	TCP_LIMIT_CWND,		/* the congestion window is full */
	TCP_LIMIT_PEER,		/* the peer's window is */
	TCP_LIMIT_PACING,	/* its turn comes later */
};

/** How the congestion control sees the path, as Linux numbers it in tcpi_ca_state. */
enum tcp_ca {
	TCP_CA_OPEN = 0,
	TCP_CA_DISORDER = 1,	/* duplicate ACKs, not enough yet */
	TCP_CA_REDUCED = 2,		/* reduced for a mark (ECN) */
	TCP_CA_RECOVERY = 3,	/* fast recovery */
	TCP_CA_LOSS = 4,	/* after a retransmission timeout */
};

/** What is known of one connection beyond its line in a listing; counts are of segments. */
struct tcp_details {
	struct tcp_conn_info row;
	enum tcp_ca ca_state;
	bool has_ts, has_sack, has_wscale;
	uint8_t snd_wscale, rcv_wscale;
	uint8_t rexmits;	/* of the oldest segment */
	uint8_t probes;		/* unanswered */
	uint16_t peer_mss;	/* the peer's MSS option */
	uint16_t rcv_mss;	/* what its full segments are */
	uint32_t iss, irs;
	uint32_t snd_una, snd_nxt, write_seq, rcv_nxt;
	uint32_t rcvbuf, sndbuf;
	uint32_t unacked_segs;	/* in flight */
	uint32_t sacked_segs, lost_segs, retrans_segs; /* ... of which so marked */
	uint32_t min_rtt_us;
	uint32_t last_sent_ms;	/* since data was sent */
	uint32_t ato_ms;	/* how long an ACK may wait; 0: no data came yet */
	uint8_t backoff;	/* doublings of the RTO */
	bool is_active;		/* we opened it */
	/* Zero where no notes are taken (tcp_notes.h). */
	uint64_t bytes_sent, bytes_retrans, busy_us;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t delivered, delivered_ce, dsack_dups, reord_seen, rcv_ooopack;
	uint32_t reordering;	/* segments; at least tcp_reordering is to be taken for it */
	uint32_t total_rto, rto_recoveries, rto_time_ms;
	uint32_t last_rx_ms;	/* since a segment, and since data came in */
	uint32_t last_data_ms;
};

struct tcp_listener_info {
	const char *name;
	int laddr_idx;
	uint16_t port;
	int syncookies;		/* effective mode */
	uint32_t acceptq, acceptq_limit;
	uint32_t synq, synq_limit;
	uint64_t accepted, cookies_sent, cookies_valid, cookies_invalid;
	uint64_t acceptq_overflows, synq_overflows;
	uint64_t syn_drops_full;   /* SYN queue full, cookies off */
	uint64_t syn_drops_early;  /* the last quarter kept free, cookies off */
	uint64_t syn_drops_accept; /* accept queue full */
	bool fastopen;		   /* effective */
	uint32_t fastopen_pending, fastopen_limit;
	uint64_t fastopen_opened;  /* SYNs with a cookie that opened */
	uint64_t fastopen_failed;  /* ... that got the plain handshake */
	uint64_t syn_drops_source; /* over a limit of the source prefix */
};

/**
 * Fill at most max rows, starting at *cursor (0 at first), which moves on; visits at most 1024
 * slots per call so that a listing never holds the worker up. Returns the rows; *cursor is
 * UINT64_MAX once all was seen.
 */
unsigned int tcp_list_conns(const struct tcp_stack *stack, const struct env *env, uint64_t *cursor,
	struct tcp_conn_info *rows, unsigned int max);
/** The same about one connection and more; -EBADF. Walks what is in flight: not for listings. */
int tcp_get_details(struct tcp_stack *stack, struct env *env, tcp_handle conn,
	struct tcp_details *out);
unsigned int tcp_list_listeners(const struct tcp_stack *stack, const struct env *env,
	struct tcp_listener_info *rows, unsigned int max);

/** Connections and SYN-queue entries, without TIME_WAIT: 0 means the worker may stop. */
uint32_t tcp_conn_count(const struct tcp_stack *stack);

/** Abort every connection and drop every queue entry (end of the drain time). */
void tcp_abort_all(struct tcp_stack *stack, struct env *env);

/** Walk everything and assert the invariants I-3..I-8; for tests and simulation. */
void tcp_check_invariants(const struct tcp_stack *stack, const struct env *env);

#endif
