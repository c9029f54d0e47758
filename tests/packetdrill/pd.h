/* SPDX-License-Identifier: BSD-3-Clause */
/* What the adapter's files share: the stack and its clock, sockets, and who sleeps. */
#ifndef PACKETDRILL_PD_H
#define PACKETDRILL_PD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "packetdrill/pd_options.h"

#include "base/rng.h"
#include "conf/counters.h"
#include "conf/env.h"
#include "conf/tunables.h"
#include "lib/test_pkt.h"
#include "net/net.h"
#include "pkt/txq.h"
#include "tcp/tcp.h"

/** Descriptors a script may have open; beyond it EMFILE. */
#define PD_FDS_MAX 1024
/** Entries of one epoll descriptor. */
#define PD_EPOLL_MAX 64
/** Virtual time that waiting for a packet may take, if the flags say nothing. */
#define PD_WAIT_US 30000000u

enum pd_kind {
	PD_NEW, /* neither connected nor listening */
	PD_LISTENER,
	PD_CONN,
	PD_EPOLL,
};

struct pd_epoll_row {
	int fd; /* -1: free */
	struct epoll_event event;
	uint64_t seen; /* the socket's activity when it was last reported */
	bool fresh; /* report it whatever was seen */
	bool spent; /* EPOLLONESHOT, reported */
};

/** One descriptor of ours. */
struct pd_sock {
	int fd;
	enum pd_kind kind;
	int domain;
	bool nonblock;
	tcp_handle handle; /* 0: the engine does not know it (any more) */
	struct ip_addr laddr; /* bound address; unspecified: any */
	struct ip_addr raddr;
	uint16_t lport, rport;
	bool deferred; /* TCP_FASTOPEN_CONNECT: the SYN goes with the first write */
	bool bound;
	bool connecting; /* an active open is on its way */
	bool announced; /* its success was told to the owner */
	bool dead; /* ended by an error or a reset */
	bool rd_shut, wr_shut;
	bool peer_fin;
	int soft_error; /* of ICMP: told by SO_ERROR only */
	int error; /* SO_ERROR: a positive errno, taken by who reads it */
	int backlog; /* as listen() had it */
	uint64_t activity; /* what happened so far, for edges */
	uint64_t rd_activity, wr_activity; /* ... of interest to readers, to writers only */
	bool nospace; /* somebody found no room to write */
	struct pd_piece *pieces; /* the send queue as Linux has it: pd_room.c */
	unsigned int npieces;
	uint32_t sndbuf; /* as it has grown; 0: not yet */
	uint32_t wnd_max; /* the largest window of the peer */
	uint32_t skipped; /* numbers left out for a next connection: Linux takes them for unsent */
	uint32_t pushed_seq; /* what is behind it was not pushed */
	uint64_t chunk_run; /* the run that the last chunk left in; 0: it is complete */
	bool fin_sent;
	struct pd_notice *lent; /* writes with MSG_ZEROCOPY that are not acknowledged */
	struct pd_notice *errq; /* ... and those to be told */
	uint32_t lent_next;
	struct pd_stamp *stamps; /* writes whose way is told of */
	uint32_t stamp_base; /* what their bytes are counted from */
	unsigned int stamp_once; /* of one sendmsg() */
	bool has_stamp_once;
	uint64_t rx_us; /* when data came last */
	struct pd_syn *syn; /* TCP_SAVE_SYN: it was opened by */
	uint8_t *left; /* received before the engine gave the connection up */
	size_t left_len, left_at;
	struct tcp_details last; /* as the connection was when it was given up */
	int value[PD_OPT_COUNT];
	bool rcvbuf_set, sndbuf_set;
	struct tun_secret fastopen_key; /* TCP_FASTOPEN_KEY; state 0: none */
	struct linger linger;
	struct timeval timeo[2]; /* SO_RCVTIMEO, SO_SNDTIMEO */
	char cc[16];
	struct pd_epoll_row *rows; /* of an epoll descriptor: PD_EPOLL_MAX */
};

/** Headers of a SYN to a listener with TCP_SAVE_SYN. */
struct pd_syn {
	struct pd_syn *next;
	size_t len;
	uint8_t bytes[120];
};

/** A packet on its way to the script. */
struct pd_packet {
	struct pd_packet *next;
	uint64_t at_us;
	size_t len;
	uint8_t bytes[];
};

/** A thread that sleeps in a call. */
struct pd_waiter {
	struct pd_waiter *next;
	uint64_t deadline_us; /* UINT64_MAX: none */
	bool woken;
};

struct pd {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* sleepers: look again */
	pthread_cond_t settled; /* who moves the clock: one sleeper fewer to wait for */
	atomic_uint entering; /* callers on their way to the lock */
	unsigned int busy; /* woken callers that neither sleep again nor have read the clock */
	struct pd_waiter *waiters;
	struct pd_packet *out_head, **out_tail;
	struct pd_sock *socks[PD_FDS_MAX];
	struct pd_syn *syns; /* of connections that were not accepted yet */
	struct tcp_stack *tcp;
	struct net net;
	struct env env;
	struct tunables tun;
	struct counters ctr;
	struct rng rng;
	struct test_pkts pkts;
	struct pkt_txq ip_tx, frames;
	struct local_addrs local;
	uint16_t mtu;
	uint32_t sndbuf_first; /* of a socket that is not connected */
	uint32_t fastopen_bits; /* tcp_fastopen, with what only Linux has in it */
	uint32_t notsent_lowat; /* tcp_notsent_lowat */
	int rmem_max, wmem_max; /* what SO_RCVBUF and SO_SNDBUF may be set to */
	/* TCP_RTO_MAX_MS, TCP_RTO_MIN_US, TCP_DELACK_MAX_US, here of all sockets; 0: unset. */
	uint32_t rto_max_ms, rto_min_ms, delack_max_ms;
	uint64_t wait_us; /* for a packet, at most */
	uint64_t run; /* of pd_engine_run, so many */
	char sysctl_dir[256];
};

/** The one instance of this process, or NULL. */
extern struct pd *pd_instance;

/* pd_flags.c: "ip=192.168.0.1,fd00::1 mtu=1500 sysctl=/proc/sys/net wait=30". 0 or -EINVAL. */
int pd_flags_parse(struct pd *pd, const char *flags);

/* Bits of tcp_fastopen. */
#define PD_TFO_CLIENT 0x1u
#define PD_TFO_CLIENT_NO_COOKIE 0x4u
#define PD_TFO_SERVER_NO_COOKIE 0x200u
#define PD_TFO_SERVER_ALL 0x400u

/* pd_sysctl.c: the namespace's sysctls into the tunables of the same name. */
void pd_sysctl_load(struct pd *pd);

/* pd_clock.c: the lock, virtual time, and sleeping. */
struct pd *pd_enter(void *ud);
/** Unlock; a negative errno becomes errno and -1. */
ssize_t pd_leave(struct pd *pd, ssize_t result);
/** Sleep until something happened, or until deadline_us. 0 or -ETIMEDOUT: the time is over. */
int pd_sleep(struct pd *pd, uint64_t deadline_us);
/** Everybody who sleeps looks again. */
void pd_wake_all(struct pd *pd);
/** When the next thing is due: a timer or a sleeper's deadline. */
uint64_t pd_due_at(const struct pd *pd);
/** Move the clock to at_us, with everything that is due on the way. */
void pd_clock_move(struct pd *pd, uint64_t at_us);
/** Wait until every caller that was woken is asleep again or has read the clock. */
void pd_clock_settle(struct pd *pd);
/** The time for slot 27: of the end of this thread's blocking call, or now, one later each time. */
uint64_t pd_clock_read(struct pd *pd);
/** now + a struct timeval; zero: never. */
uint64_t pd_deadline(const struct pd *pd, const struct timeval *tv);
/** The same of milliseconds; negative: never. */
uint64_t pd_deadline_ms(const struct pd *pd, int ms);

/* pd_engine.c: the stack. */
int pd_engine_init(struct pd *pd, uint64_t now_us);
void pd_engine_fini(struct pd *pd);
void pd_engine_set_now(struct pd *pd, uint64_t now_us);
/** Events to their sockets, output to the queue; after every call and every packet. */
void pd_engine_run(struct pd *pd);
/** Timers that are due now. */
void pd_engine_poll(struct pd *pd);
uint64_t pd_engine_due_at(const struct pd *pd);
/** What the engine holds for s to read, before it gives it up. */
void pd_keep_received(struct pd *pd, struct pd_sock *s);
int pd_engine_input(struct pd *pd, const uint8_t *ip, size_t len);
int pd_local_find(const struct pd *pd, const struct ip_addr *addr);
/** A local address of the family of remote: 0 or more, or -1. */
int pd_local_for(const struct pd *pd, const struct ip_addr *remote);

/* pd_fd.c: descriptors. */
struct pd_sock *pd_fd_new(struct pd *pd, enum pd_kind kind, int domain);
void pd_fd_free(struct pd *pd, struct pd_sock *s);
struct pd_sock *pd_fd_get(const struct pd *pd, int fd);
/** A socket; -EBADF or -ENOTSOCK. */
int pd_sock_get(const struct pd *pd, int fd, struct pd_sock **out);

/* pd_addr.c: struct sockaddr of the socket's family. 0 or -errno. */
int pd_addr_read(const struct pd_sock *s, const struct sockaddr *sa, socklen_t len,
	struct ip_addr *addr, uint16_t *port);
void pd_addr_write(const struct pd_sock *s, const struct ip_addr *addr, uint16_t port,
	struct sockaddr *sa, socklen_t *len);

/* pd_state.c: one socket as Linux would see it. */
/** Linux's number of the state: 1 ESTABLISHED ... 7 CLOSE, 10 LISTEN. */
int pd_state(struct pd *pd, const struct pd_sock *s);
bool pd_is_shut(struct pd *pd, const struct pd_sock *s, int how);
size_t pd_readable(struct pd *pd, const struct pd_sock *s);
bool pd_is_writable(struct pd *pd, const struct pd_sock *s);
bool pd_details(struct pd *pd, const struct pd_sock *s, struct tcp_details *out);
/** The pending error as a negative errno, taken; 0: none. */
int pd_take_error(struct pd_sock *s);
uint32_t pd_poll_mask(struct pd *pd, struct pd_sock *s);
void pd_sock_close(struct pd *pd, struct pd_sock *s);

/* pd_sockopt.c */
void pd_opts_default(const struct pd *pd, struct pd_sock *s);
/** Hand what was set before to a connection that has just begun. */
void pd_opts_apply(struct pd *pd, struct pd_sock *s);
/** What has to be known before its SYN or those of its children. */
struct tcp_wishes pd_opts_wishes(const struct pd_sock *s);
/** TCP_NOTSENT_LOWAT of s, or the namespace's; 0: none. */
uint32_t pd_notsent_lowat(const struct pd *pd, const struct pd_sock *s);
int pd_getsockopt(struct pd *pd, int fd, int level, int name, void *value, socklen_t *len);

/* pd_errq.c: the error queue. */
/** A call that sends begins; false: it has no number, and no end either. */
bool pd_errq_begin(struct pd *pd, int fd, size_t len, int flags);
void pd_errq_end(struct pd *pd, int fd, ssize_t sent);
/** The peer has acknowledged up to una; the connection is gone. */
void pd_errq_acked(struct pd_sock *s, uint32_t una);
void pd_errq_gone(struct pd_sock *s);
/** The first notice, as recvmsg(MSG_ERRQUEUE) has it; msg may be NULL. */
struct msghdr;
ssize_t pd_errq_recv(struct pd *pd, int fd, struct msghdr *msg);
void pd_errq_free(struct pd_sock *s);
/** An ICMP error, in the packet ip, joins the queue. */
void pd_errq_icmp(struct pd_sock *s, const struct icmp_report *report, const uint8_t *ip,
	size_t len);
/** A timestamp joins the queue: kind of SCM_TSTAMP_*, for a byte, with a packet of len bytes. */
void pd_errq_stamp(struct pd_sock *s, uint64_t at_us, uint32_t kind, uint32_t byte, size_t len);

/* pd_room.c: SO_SNDBUF. */
uint32_t pd_room_sndbuf(const struct pd *pd, const struct pd_sock *s);
/** Of len bytes so many can be queued in one piece; 0: none. */
size_t pd_room(struct pd *pd, struct pd_sock *s, const struct tcp_details *d, size_t len);
/** They were; d is of before. */
void pd_room_took(struct pd_sock *s, const struct tcp_details *d, size_t len, bool ends);
/** They are pushed: asked for, or far behind what was last, or there is no room for more. */
bool pd_room_pushes(const struct pd *pd, struct pd_sock *s, const struct tcp_details *d,
	size_t len, bool asked);
void pd_room_sent(struct pd *pd, struct pd_sock *s, uint32_t seq, uint32_t len, bool psh);
void pd_room_look(struct pd *pd, struct pd_sock *s, const struct tcp_details *d);
bool pd_room_is_enough(const struct pd *pd, const struct pd_sock *s, const struct tcp_details *d);
void pd_room_refuse(struct pd *pd, struct pd_sock *s, const struct tcp_details *d);
void pd_room_forget(struct pd_sock *s);

/* pd_stamp.c: SO_TIMESTAMPING, and control messages. */
#define PD_TS_TX_SOFTWARE 0x2u
#define PD_TS_RX_SOFTWARE 0x8u
#define PD_TS_SOFTWARE 0x10u
#define PD_TS_OPT_ID 0x80u
#define PD_TS_TX_SCHED 0x100u
#define PD_TS_TX_ACK 0x200u
#define PD_TS_OPT_TSONLY 0x800u
#define PD_TS_OPT_STATS 0x1000u
#define PD_TS_OPT_ID_TCP 0x10000u
#define PD_TS_EOR 0x80000000u /* ours: nothing joins it */
unsigned int pd_stamp_flags(const struct pd_sock *s);
int pd_stamp_set(struct pd *pd, struct pd_sock *s, unsigned int flags);
void pd_stamp_once(struct pd *pd, int fd, const struct msghdr *msg);
/** The last of len bytes was queued; nothing joins them; bytes left; bytes were acknowledged. */
void pd_stamp_queued(struct pd *pd, struct pd_sock *s, size_t len);
void pd_stamp_eor(struct pd_sock *s);
void pd_stamp_sent(struct pd *pd, struct pd_sock *s, uint32_t seq, uint32_t len,
	size_t packet_len);
void pd_stamp_acked(struct pd *pd, struct pd_sock *s, uint32_t una);
void pd_stamp_free(struct pd_sock *s);
/** Behind what msg_controllen counts; room is what the caller has. */
void pd_cmsg_put(struct msghdr *msg, size_t room, int level, int type, const void *data,
	size_t len);
void pd_cmsg_time(const struct pd_sock *s, struct msghdr *msg, size_t room, uint64_t at_us);

/** IP_MINTTL, IPV6_MINHOPCOUNT: whether the socket that this TCP packet is for takes it. */
bool pd_ttl_is_enough(const struct pd *pd, const uint8_t *ip, size_t len);

/* pd_syn.c: TCP_SAVE_SYN. */
/** A SYN comes in: kept if its listener wants it. */
void pd_syn_keep(struct pd *pd, const uint8_t *ip, size_t len);
/** s was accepted: the SYN that opened it, if it was kept. */
void pd_syn_take(struct pd *pd, struct pd_sock *s);
int pd_syn_copy(struct pd_sock *s, void *out, socklen_t *len);
void pd_syn_free_all(struct pd *pd);

/* pd_info.c: TCP_INFO and the like; fill at most *len bytes. */
int pd_info_tcp(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len);
/** What was never sent, a FIN counted as a byte. */
uint32_t pd_unsent(const struct pd_sock *s, const struct tcp_details *d);
/** The path MTU of a connection. */
uint32_t pd_pmtu(const struct pd *pd, const struct tcp_details *d);
int pd_info_cc(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len);
int pd_info_mem(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len);
int pd_copy_out(const void *from, size_t size, void *out, socklen_t *len);

/* pd_data.c: also for splice and sendfile. */
ssize_t pd_recv(struct pd *pd, int fd, void *buf, size_t len, int flags);
ssize_t pd_send(struct pd *pd, int fd, const void *buf, size_t len, int flags);
/* pd_socket.c: connect with the first bytes; those taken, or -EINPROGRESS and the like. */
void pd_listen_params(const struct pd *pd, struct pd_sock *s, struct tcp_listen_params *par);
/** An option of it was set, which may be of the engine's. */
void pd_listener_changed(struct pd *pd, struct pd_sock *s);
struct iovec;
/** Once more, or the result of the first: 0 or -errno. */
int pd_connect_again(struct pd *pd, int fd, bool wait);
ssize_t pd_connect_early(struct pd *pd, int fd, const struct sockaddr *sa, socklen_t sa_len,
	const struct iovec *early, bool wait);
ssize_t pd_sendfile(struct pd *pd, int out_fd, int in_fd, off_t *offset, size_t len);

/* The slots; their arguments are those of the system calls. */
struct pollfd;
int pd_slot_socket(void *ud, int domain, int type, int protocol);
int pd_slot_bind(void *ud, int fd, const struct sockaddr *sa, socklen_t len);
int pd_slot_listen(void *ud, int fd, int backlog);
int pd_slot_accept(void *ud, int fd, struct sockaddr *sa, socklen_t *len);
int pd_slot_connect(void *ud, int fd, const struct sockaddr *sa, socklen_t len);
ssize_t pd_slot_read(void *ud, int fd, void *buf, size_t len);
ssize_t pd_slot_readv(void *ud, int fd, const struct iovec *iov, int n);
ssize_t pd_slot_recv(void *ud, int fd, void *buf, size_t len, int flags);
ssize_t pd_slot_recvfrom(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
	socklen_t *sa_len);
ssize_t pd_slot_recvmsg(void *ud, int fd, struct msghdr *msg, int flags);
ssize_t pd_slot_write(void *ud, int fd, const void *buf, size_t len);
ssize_t pd_slot_writev(void *ud, int fd, const struct iovec *iov, int n);
ssize_t pd_slot_send(void *ud, int fd, const void *buf, size_t len, int flags);
ssize_t pd_slot_sendto(void *ud, int fd, const void *buf, size_t len, int flags,
	const struct sockaddr *sa, socklen_t sa_len);
ssize_t pd_slot_sendmsg(void *ud, int fd, const struct msghdr *msg, int flags);
int pd_slot_fcntl(void *ud, int fd, int cmd, ...);
int pd_slot_ioctl(void *ud, int fd, unsigned long request, ...);
int pd_slot_close(void *ud, int fd);
int pd_slot_shutdown(void *ud, int fd, int how);
int pd_slot_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len);
int pd_slot_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len);
int pd_slot_poll(void *ud, struct pollfd *fds, unsigned long n, int ms);
int pd_slot_netdev_send(void *ud, const void *buf, size_t n);
int pd_slot_netdev_receive(void *ud, void *buf, size_t *n, long long *time_us);
int pd_slot_usleep(void *ud, useconds_t us);
int pd_slot_gettimeofday(void *ud, struct timeval *tv, void *tz);
int pd_slot_epoll_create(void *ud, int size);
int pd_slot_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event);
int pd_slot_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int ms);
int pd_slot_pipe(void *ud, int fds[2]);
ssize_t pd_slot_splice(void *ud, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
	unsigned int flags);

#endif
