/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API of the stack: listeners, connections, data, options and readiness callbacks. */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Thread rules. A struct sluice is one worker's stack. Everything below may be called only on that
 * worker's thread, from a service's start function or from one of its callbacks. Nothing blocks,
 * nothing is shared: a service runs once per worker, each instance on its own.
 *
 * Errors. Functions that can fail return 0 (or a count) or a negative errno value. Common to all
 * that take a handle: -EBADF, the connection or listener is gone (handles carry a generation, so a
 * stale one is never mistaken for its successor).
 *
 * Callbacks may call any function of this header, sluice_close() and sluice_abort() on the very
 * connection included. No callback is made from inside an API call.
 */

struct sluice;

/** Handle of a connection or listener: index and generation. 0 is never valid. */
typedef uint64_t sluice_conn;
typedef uint64_t sluice_listener;

/** An address and port. IPv4 is carried as ::ffff:a.b.c.d (RFC 4291 s2.5.5.2). */
struct sluice_addr {
	uint8_t ip[16];	/* network order; all zero as a local address: any */
	uint16_t port;	/* host order */
};

/**
 * What a service wants to hear about its connections. Each member may be NULL. data is what the
 * service attached with sluice_set_data() (NULL before).
 *
 * Readiness is edge-like: a callback comes when something new happened, so a service reads until
 * -EAGAIN and writes until -EAGAIN, or comes back on its own.
 */
struct sluice_ops {
	/** Connections wait in the accept queue: call sluice_accept() until -EAGAIN. */
	void (*acceptable)(struct sluice *s, sluice_listener l, void *ctx);
	/** An active open finished: err 0, or -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH ... */
	void (*connected)(struct sluice *s, sluice_conn c, void *data, int err);
	/** Data or the peer's FIN arrived (sluice_recv() then returns 0 once). */
	void (*readable)(struct sluice *s, sluice_conn c, void *data);
	/** Send buffer space is there again after a short count or -EAGAIN. */
	void (*writable)(struct sluice *s, sluice_conn c, void *data);
	/** The time set with sluice_set_timeout() is over. */
	void (*timeout)(struct sluice *s, sluice_conn c, void *data);
	/**
	 * The connection is gone and the handle with it; last callback, and the place to release
	 * data. It comes at once after an error (-ECONNRESET, -ETIMEDOUT ...), and some time after
	 * the service closed or aborted (err 0: orderly). It never comes before an orderly end was
	 * closed: after the peer's FIN a service may read what is left, and must close.
	 */
	void (*closed)(struct sluice *s, sluice_conn c, void *data, int err);
};

/** Options of sluice_setopt() and sluice_getopt(); the names are Linux's. */
enum sluice_opt {
	SLUICE_TCP_NODELAY,	/* 0 or 1: 1 turns Nagle's algorithm off (RFC 9293 s3.7.4) */
	SLUICE_SO_SNDBUF,	/* bytes: fixes the send buffer, autotuning off */
	SLUICE_SO_RCVBUF,	/* bytes: fixes the receive buffer, autotuning off */
	SLUICE_SO_KEEPALIVE,	/* 0 or 1 (RFC 9293 s3.8.4); off by default */
	SLUICE_SO_LINGER,	/* -1 off (default); 0: close resets; n: reset n s after close */
	SLUICE_TCP_USER_TIMEOUT, /* ms without progress until -ETIMEDOUT; 0: by tcp_retries2 */
	SLUICE_TCP_MAXSEG,	/* bytes; read only: struct sluice_wishes sets it */
	SLUICE_TCP_CONGESTION,	/* an algorithm's number: sluice_congestion_find(); any time */
	SLUICE_TCP_CORK,	/* 0 or 1: 1 holds segments that are not full, for one RTO each */
	SLUICE_TCP_WINDOW_CLAMP, /* bytes, 1152 at least: no larger window is offered */
	SLUICE_TCP_KEEPIDLE,	/* seconds; these three instead of the tunables tcp_keepalive_* */
	SLUICE_TCP_KEEPINTVL,
	SLUICE_TCP_KEEPCNT,
	SLUICE_TCP_LINGER2,	/* s in FIN-WAIT-2 after close, for tcp_fin_timeout; -1: none */
	SLUICE_TCP_QUICKACK,	/* 1: ACKs go at once until the service answers; 0: they wait */
	SLUICE_SO_MAX_PACING_RATE, /* bytes/s: data is spread over time, no faster; 0 or -1: any */
};

/** Why sluice_shutdown() was called; as SHUT_RD, SHUT_WR, SHUT_RDWR. */
enum sluice_shut {
	SLUICE_SHUT_RD,
	SLUICE_SHUT_WR,
	SLUICE_SHUT_RDWR,
};

/** A buffer lent without a copy. Give it back with sluice_buf_free(), or send it away. */
struct sluice_buf {
	uint8_t *data;	/* first byte */
	uint32_t len;	/* bytes there; a sender may shorten it or move data forward */
	void *priv;	/* the packet behind it; NULL: no buffer */
};

/* --- listeners ------------------------------------------------------------------------------ */

/** What has to be known before a connection's SYN or SYN-ACK goes. Zeroed: all defaults. */
struct sluice_wishes {
	unsigned int maxseg;	/* TCP_MAXSEG: largest segment both ways, bytes; 88..32767 */
	unsigned int rcvbuf;	/* SO_RCVBUF: bytes, fixed; the window scale is chosen for it */
	unsigned int window_clamp; /* TCP_WINDOW_CLAMP: bytes; no larger window is offered */
	unsigned int syn_retries; /* TCP_SYNCNT: of an active open, 1..127 */
	bool fastopen_no_cookie; /* Fast Open with peers that are known and trusted */
	unsigned int max_pacing_rate; /* SO_MAX_PACING_RATE: bytes/s; 0: as fast as windows go */
};

/** How a listener behaves beyond the tunables. Zeroed: all defaults. */
struct sluice_listen_params {
	struct sluice_addr addr; /* local address (any: all zero) and port 1..65535 */
	unsigned int backlog;	/* capped by somaxconn; 0: somaxconn. For the listener as a whole */
	int syncookies;		/* 0, 1 or 2, used if syncookies_set; else tcp_syncookies decides */
	bool syncookies_set;	/* use the member above */
	bool nodelay;		/* accepted connections start with SLUICE_TCP_NODELAY */
	const char *congestion_control; /* by name; NULL: tcp_congestion_control decides */
	bool fastopen;		/* a SYN may bring data (RFC 7413); it may come twice: see docs */
	unsigned int source_syn_rate; /* SYNs a second of each source prefix; 0: the tunable */
	unsigned int source_conns; /* connections of each source prefix; 0: the tunable */
	unsigned int first_byte_s; /* time for a peer's first data; 0: tcp_first_byte_timeout */
	unsigned int idle_s;	/* time without data either way; 0: tcp_idle_timeout */
	int blackhole;		/* no RST from this port: 1; -1: RST; 0: tcp_blackhole decides */
	unsigned int defer_accept_s; /* TCP_DEFER_ACCEPT: time for a peer's first data */
	struct sluice_wishes wishes; /* of its connections */
	const struct sluice_ops *ops; /* acceptable, and the default of accepted connections */
	void *ctx;		/* handed to acceptable */
	const char *name;	/* shown to the operator; a string that outlives the listener */
};

/** Open a listener on this worker. -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL, -ENOBUFS; -ENOENT: no
 * congestion control has this name. */
int sluice_listen(struct sluice *s, const struct sluice_listen_params *params,
	sluice_listener *out);

/** Close it: half-open connections are dropped, those not yet accepted are reset. */
int sluice_listener_close(struct sluice *s, sluice_listener l);

/** Take the oldest connection of the accept queue. -EAGAIN: none waits. */
int sluice_accept(struct sluice *s, sluice_listener l, sluice_conn *out);

/* --- connections ---------------------------------------------------------------------------- */

/**
 * Open a connection (RFC 9293 s3.10.1, active). local may be NULL (address and port are chosen,
 * RFC 6056). ops->connected tells the result. -EADDRNOTAVAIL (no port or no such local address),
 * -EADDRINUSE, -ENETUNREACH, -EINVAL (multicast, broadcast, unspecified), -ENOBUFS.
 */
int sluice_connect(struct sluice *s, const struct sluice_addr *local,
	const struct sluice_addr *remote, const struct sluice_ops *ops, void *data,
	sluice_conn *out);

/** A connection to open with the first bytes to send. */
struct sluice_early {
	const struct sluice_addr *remote;
	const struct sluice_ops *ops;
	void *data;
	const void *src;
	size_t len;
	struct sluice_wishes wishes;
	bool no_fastopen;	/* only the wishes are wanted: nothing is taken of src */
};

/**
 * sluice_connect() with data, as sendto() with MSG_FASTOPEN: the first bytes, at most a segment,
 * ride with the SYN if the peer has given us a Fast Open cookie (RFC 7413) and tcp_fastopen lets
 * us, and follow the handshake else. The peer may see them twice: only what may be repeated belongs
 * here. Returns the bytes taken, or an error as sluice_connect().
 */
ptrdiff_t sluice_connect_early(struct sluice *s, const struct sluice_early *early,
	sluice_conn *out);

/** Attach data and, where ops is not NULL, other callbacks. */
int sluice_set_data(struct sluice *s, sluice_conn c, void *data, const struct sluice_ops *ops);

/** Have ops->timeout called once, delay_ms from now (1 ms resolution); 0 cancels. */
int sluice_set_timeout(struct sluice *s, sluice_conn c, uint32_t delay_ms);

/** Addresses of both ends; either pointer may be NULL. */
int sluice_addrs(struct sluice *s, sluice_conn c, struct sluice_addr *local,
	struct sluice_addr *remote);

int sluice_setopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int value);
int sluice_getopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int *value);

/** The number of a congestion control, or -ENOENT; the name of a number, NULL behind the last. */
int sluice_congestion_find(const char *name);
const char *sluice_congestion_name(int number);

/* --- data ----------------------------------------------------------------------------------- */

/**
 * sluice_send() flag: more follows. A segment that is not full is not marked PSH and waits for the
 * next write, for an acknowledgement of new data, or for one retransmission timeout, even with
 * SLUICE_TCP_NODELAY.
 */
#define SLUICE_MSG_MORE 0x1u
/** sluice_send() flag: the end of a record; later data never joins this segment. */
#define SLUICE_MSG_EOR 0x2u

/**
 * Copy received bytes into dst. Returns the count, 0 once the peer has finished (FIN) and all is
 * read or after SLUICE_SHUT_RD, -EAGAIN when nothing is there, -ECONNRESET, -ETIMEDOUT,
 * -ENOTCONN before the connection is open.
 */
ptrdiff_t sluice_recv(struct sluice *s, sluice_conn c, void *dst, size_t len);

/**
 * Lend the next received buffer without a copy; returns its length, 0 and errors as sluice_recv().
 * It no longer counts against the receive window, so a service bounds what it keeps.
 */
ptrdiff_t sluice_recv_buf(struct sluice *s, sluice_conn c, struct sluice_buf *out);

/** Bytes that could be read now. */
ptrdiff_t sluice_recv_queued(struct sluice *s, sluice_conn c);

/**
 * Queue bytes for sending, copied. Returns how many were taken (a short count means: wait for
 * writable), -EAGAIN when none, -EPIPE after SLUICE_SHUT_WR or close, or the connection's error.
 */
ptrdiff_t sluice_send(struct sluice *s, sluice_conn c, const void *src, size_t len,
	unsigned int flags);

/** Bytes sluice_send() would take now. */
ptrdiff_t sluice_send_space(struct sluice *s, sluice_conn c);

/** An empty buffer to fill and send; len is its capacity. -ENOBUFS: none now, try later. */
int sluice_buf_alloc(struct sluice *s, struct sluice_buf *out);

/**
 * Queue a buffer without a copy: one from sluice_buf_alloc() or sluice_recv_buf(), on this worker.
 * Taken over only on success (returns its length); -EAGAIN leaves it with the caller.
 */
ptrdiff_t sluice_send_buf(struct sluice *s, sluice_conn c, struct sluice_buf *buf,
	unsigned int flags);

/** Give a lent buffer back. A zeroed buffer is allowed. */
void sluice_buf_free(struct sluice *s, struct sluice_buf *buf);

/* --- end ------------------------------------------------------------------------------------ */

/** Close one or both directions; the handle stays (RFC 9293 s3.6). */
int sluice_shutdown(struct sluice *s, sluice_conn c, enum sluice_shut how);

/**
 * Close both directions: queued data is still sent, then FIN. Unread received data makes it a
 * reset (RFC 2525 s2.17). No more data callbacks; closed comes when the connection is gone.
 */
int sluice_close(struct sluice *s, sluice_conn c);

/** Reset the connection at once (RFC 9293 s3.10.5). */
int sluice_abort(struct sluice *s, sluice_conn c);

/* --- time ----------------------------------------------------------------------------------- */

/** Microseconds of the worker's monotonic clock, sampled once per burst. */
uint64_t sluice_now_us(const struct sluice *s);

/** This worker's number, 0 .. workers - 1, and how many there are. */
unsigned int sluice_worker_id(const struct sluice *s);
unsigned int sluice_worker_count(const struct sluice *s);

/* --- services ------------------------------------------------------------------------------- */

/** Count, as ServiceFull, that a limit of the service's own keeps a connection waiting or out. */
void sluice_count_full(struct sluice *s);

/** One service, as the daemon's list names it. All calls come on the worker's thread. */
struct sluice_service {
	const char *name;	/* the key of the config file: "echo", "http" ... */
	uint16_t default_port;	/* 0: there is none, the config has to say it */
	/** Open the listener. params is filled from the config except ops and ctx. */
	int (*start)(struct sluice *s, struct sluice_listen_params *params, const void *config,
		void **state);
	/** Stop accepting; connections may finish until the daemon ends. NULL: just close. */
	void (*drain)(struct sluice *s, void *state);
	/** Free the state; called after the last connection has gone. */
	void (*stop)(struct sluice *s, void *state);
};

#endif
