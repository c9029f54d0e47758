/* SPDX-License-Identifier: BSD-3-Clause */
/* SEND, RECEIVE, CLOSE and ABORT (RFC 9293 s3.10.2 to s3.10.5). */
#include "tcp/tcp_parts.h"

#include "wire/eth.h"
#include "wire/ip6.h"

/* Room in front of a payload for the largest headers we write. */
#define HEADERS_MAX (ETH_HDR_LEN + 4 + IP6_HDR_LEN + TCP_HDR_LEN_MAX)

/* What a connection that cannot give or take data says. */
static int
closed_error(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return tcp_cold(stack, c)->err;
}

static bool
is_open(const struct tcp_conn *c)
{
	return tcp_is_synchronised(c) || tcp_is_fastopen_child(c);
}

/* --- receiving ------------------------------------------------------------------------------ */

/* Nothing is queued: end of stream, error, or wait. */
static ptrdiff_t
nothing_to_read(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	/* An error before the end of stream: what was queued may be lost with the connection. */
	if (c->state == TCPS_CLOSED)
		return closed_error(stack, c);
	if (c->flags & (TF_FIN_RCVD | TF_RD_SHUT))
		return 0;
	return is_open(c) ? -EAGAIN : -ENOTCONN;
}

static struct pkt *
pop(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct pkt *p = c->recvq_head;

	tcp_mem_give_rcv(stack, tcp_cold(stack, c));

	c->recvq_head = p->app.next;
	if (c->recvq_head == NULL)
		c->recvq_tail = NULL;
	p->app.next = NULL;
	return p;
}

static void
was_read(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	if (c->state == TCPS_CLOSED)
		c->recvq_bytes -= len;
	else
		tcp_data_read(stack, c, len);
}

/* Nothing is queued of a parked connection. */
static SLUICE_NOINLINE ptrdiff_t
read_parked(struct tcp_stack *stack, tcp_handle conn)
{
	const struct tcp_conn *c = tcp_conn_get_parked(stack, conn);

	return c == NULL ? -EBADF : nothing_to_read(stack, c);
}

/* Most often all there is lies in one packet, and the connection goes on. */
static SLUICE_NOINLINE ptrdiff_t
read_lone(struct tcp_stack *stack, struct tcp_conn *c, void *dst)
{
	struct pkt *p = c->recvq_head;
	uint16_t len = p->data_len;

	c->recvq_head = NULL;
	c->recvq_tail = NULL;
	tcp_mem_give_rcv(stack, tcp_cold(stack, c));
	memcpy(dst, pkt_data(p), len);
	pkt_free(stack->env->pool, p);
	tcp_data_read(stack, c, len);
	return len;
}

static SLUICE_NOINLINE ptrdiff_t
read_queue(struct tcp_stack *stack, struct tcp_conn *c, void *dst, size_t len)
{
	struct env *env = stack->env;
	uint8_t *to = dst;
	size_t done = 0;

	while (done < len && c->recvq_head != NULL) {
		struct pkt *p = c->recvq_head;
		size_t n = min_size(len - done, p->data_len);

		memcpy(to + done, pkt_data(p), n);
		done += n;
		if (n == p->data_len)
			pkt_free(env->pool, pop(stack, c));
		else
			pkt_pull(p, (uint16_t)n);
	}
	was_read(stack, c, (uint32_t)done);
	return (ptrdiff_t)done;
}

/* That there is no more is what most services find out each time: no register is saved for it. */
ptrdiff_t
tcp_recv(struct tcp_stack *stack, struct env *env, tcp_handle conn, void *dst, size_t len)
{
	struct tcp_conn *c = tcp_conn_awake(stack, conn);
	const struct pkt *p;

	stack->env = env;
	if (SLUICE_UNLIKELY(c == NULL))
		return read_parked(stack, conn);
	p = c->recvq_head;
	if (p == NULL)
		return nothing_to_read(stack, c);
	if (p->app.next == NULL && p->data_len <= len && c->state != TCPS_CLOSED)
		return read_lone(stack, c, dst);
	return read_queue(stack, c, dst, len);
}

ptrdiff_t
tcp_peek(struct tcp_stack *stack, tcp_handle conn, void *dst, size_t len)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);
	uint8_t *to = dst;
	size_t done = 0;

	if (c == NULL)
		return -EBADF;
	if (c->recvq_head == NULL)
		return nothing_to_read(stack, c);
	for (const struct pkt *p = c->recvq_head; done < len && p != NULL; p = p->app.next) {
		size_t n = min_size(len - done, p->data_len);

		memcpy(to + done, pkt_data(p), n);
		done += n;
	}
	return (ptrdiff_t)done;
}

ptrdiff_t
tcp_recv_pkt(struct tcp_stack *stack, struct env *env, tcp_handle conn, struct pkt **out)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	if (c->recvq_head == NULL)
		return nothing_to_read(stack, c);
	*out = pop(stack, c);
	was_read(stack, c, (*out)->data_len);
	return (*out)->data_len;
}

ptrdiff_t
tcp_recv_queued(struct tcp_stack *stack, tcp_handle conn)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);

	return c == NULL ? -EBADF : (ptrdiff_t)c->recvq_bytes;
}

/* --- sending -------------------------------------------------------------------------------- */

static int
check_writable(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (c == NULL)
		return -EBADF;
	if (c->state == TCPS_CLOSED)
		return closed_error(stack, c) != 0 ? closed_error(stack, c) : -EPIPE;
	if (c->flags & TF_FIN_QUEUED)
		return -EPIPE;
	return is_open(c) ? 0 : -ENOTCONN;
}

static inline uint32_t
space(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t limit = tcp_sndbuf(stack, c);
	uint32_t used = c->write_seq - c->snd_una;

	/* Linux doubles SO_SNDBUF for what buffers take beyond their data; so may they here. */
	if (tcp_cold(stack, c)->wmem / 2 >= limit || !tcp_mem_admits_send(stack, c))
		return 0;
	return used < limit ? limit - used : 0;
}

/* There is something new to send, seldom after so long that the path must be found anew. */
static inline void
begin_write(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	if (stack->env->now_ms - cold->last_sent_ms > cold->rto_ms)
		tcp_cc_after_idle(stack, c);
	tcp_note_written(stack, c);
}

static ptrdiff_t
refuse(struct tcp_conn *c)
{
	c->flags |= TF_WANT_WRITE;
	return -EAGAIN;
}

/* Out of packets: the writer is called again soon, not only when something is acknowledged. */
static void
wait_for_packets(struct tcp_stack *stack, struct tcp_conn *c)
{
	c->flags |= TF_WANT_WRITE | TF_NOBUF;
	tcp_timers_nobuf(stack, c);
}

/* Put p, which has or will have payload only and was not sent, behind the last packet. */
static inline void
enqueue(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	uint32_t seq = c->write_seq, end_seq = seq + p->data_len;

	p->app.payload_off = p->data_off;
	p->app.seq = seq;
	p->app.end_seq = end_seq;
	p->app.flags = 0;
	p->app.sends = 0;
	p->app.next = NULL;
	if (c->sendq_tail == NULL)
		c->sendq_head = p;
	else
		c->sendq_tail->app.next = p;
	c->sendq_tail = p;
	if (c->send_next == NULL)
		c->send_next = p;
	c->write_seq = end_seq;
	tcp_mem_take_snd(stack, tcp_cold(stack, c));
}

/* Bytes that still fit the last packet: it must be unsent, and stay within a segment. */
static uint32_t
tail_room(const struct tcp_conn *c)
{
	const struct pkt *p = c->sendq_tail;
	uint32_t len, room;

	if (p == NULL || p->app.sends > 0 || (p->app.flags & PKT_F_EOR) || pkt_is_shared(p))
		return 0;
	len = p->app.end_seq - p->app.seq;
	room = (uint32_t)p->buf_len - p->app.payload_off - len;
	return len >= c->mss ? 0 : min_u32(c->mss - len, room);
}

/* What the flags of a write say about its last packet, and about what waits to be filled. */
static void
end_of_write(struct tcp_stack *stack, struct tcp_conn *c, unsigned int flags)
{
	struct pkt *p = c->sendq_tail;

	if (flags & TCP_SEND_MORE) {
		p->app.flags |= PKT_F_MORE;
		p->app.sent_us = c->snd_una;
	} else {
		p->app.flags = (uint16_t)((p->app.flags & ~PKT_F_MORE) | PKT_F_PSH);
	}
	if (flags & TCP_SEND_EOR)
		p->app.flags |= PKT_F_EOR;
	tcp_want_output(stack, c);
}

static uint32_t
append_to_tail(struct tcp_conn *c, const uint8_t *src, uint32_t len)
{
	struct pkt *p = c->sendq_tail;
	uint32_t n = min_u32(len, tail_room(c));

	if (n == 0)
		return 0;
	/* The end of a write within a segment is none that the peer sees. */
	p->app.flags &= (uint16_t)~PKT_F_PSH;
	memcpy(p->buf + p->app.payload_off + (p->app.end_seq - p->app.seq), src, n);
	p->app.end_seq += n;
	/* The end of a write that was here lies within the segment now. */
	p->app.flags &= (uint16_t)~PKT_F_PSH;
	c->write_seq += n;
	return n;
}

static inline uint32_t
append_new(struct tcp_stack *stack, struct tcp_conn *c, const uint8_t *src, uint32_t len)
{
	struct pkt_pool *pool = stack->env->pool;
	uint32_t n = min_u32(len, min_u32(c->mss, pool->payload_max));
	bool may = tcp_mem_admits_send(stack, c) && pkt_pool_has_spare(pool);
	struct pkt *p = may ? pkt_alloc(pool) : NULL;
	uint8_t *to;

	if (p == NULL)
		return 0;
	/* Copied last: the compiler then knows of p what it has just written. */
	to = pkt_data(p);
	pkt_set_len(p, (uint16_t)n);
	enqueue(stack, c, p);
	memcpy(to, src, n);
	return n;
}

/* ... as many packets as it takes; fewer bytes than asked for: there are no more. */
static SLUICE_NOINLINE uint32_t
append_rest(struct tcp_stack *stack, struct tcp_conn *c, const uint8_t *src, uint32_t len)
{
	uint32_t done = 0, n;

	do {
		n = append_new(stack, c, src + done, len - done);
		done += n;
	} while (n > 0 && done < len);
	return done;
}

uint32_t
tcp_queue_early(struct tcp_stack *stack, struct tcp_conn *c, const void *src, size_t len)
{
	uint32_t n = append_new(stack, c, src, (uint32_t)min_size(len, c->mss));

	if (n > 0)
		c->sendq_tail->app.flags |= PKT_F_PSH;
	return n;
}

/*
 * Does one packet take all, and nothing else is queued? Then no limit is near but that of the pool.
 * One reason per line; built with SLUICE_FORCE_SLOW_PATH none is, and every test must pass so.
 */
static inline bool
is_lone_write(const struct tcp_stack *stack, const struct tcp_conn *c, size_t len,
	unsigned int flags)
{
	struct pkt_pool *pool = stack->env->pool;

#if defined(SLUICE_FORCE_SLOW_PATH)
	return false;
#endif
	return c->state == TCPS_ESTABLISHED &&
		c->sendq_tail == NULL &&
		!(c->flags & TF_FIN_QUEUED) &&
		flags == 0 &&
		len > 0 && len <= c->mss && len <= pool->payload_max &&
		len <= tcp_sndbuf(stack, c) &&
		pkt_pool_has_spare(pool);
}

/* False: there is no packet. */
static inline bool
write_lone(struct tcp_stack *stack, struct tcp_conn *c, const void *src, uint32_t len)
{
	struct pkt *p = pkt_alloc(stack->env->pool);
	uint8_t *to;

	if (SLUICE_UNLIKELY(p == NULL))
		return false;
	begin_write(stack, c);
	to = pkt_data(p);
	p->app.payload_off = p->data_off;
	p->app.seq = c->write_seq;
	p->app.end_seq = c->write_seq + len;
	p->app.flags = PKT_F_PSH;
	c->sendq_head = p;
	c->sendq_tail = p;
	c->send_next = p;
	c->write_seq += len;
	tcp_mem_take_snd(stack, tcp_cold(stack, c));
	tcp_want_output(stack, c);
	memcpy(to, src, len);
	return true;
}

static SLUICE_NOINLINE ptrdiff_t
send_any(struct tcp_stack *stack, tcp_handle conn, const void *src, size_t len, unsigned int flags)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);
	const uint8_t *from = src;
	uint32_t want, done, n;
	int err = check_writable(stack, c);

	if (err != 0 || len == 0)
		return err;
	want = (uint32_t)min_size(len, space(stack, c));
	if (want == 0)
		return refuse(c);
	begin_write(stack, c);
	done = append_to_tail(c, from, want);
	if (done < want) {
		/* Most often one packet is enough. */
		n = append_new(stack, c, from + done, want - done);
		done += n;
		if (n > 0 && done < want)
			done += append_rest(stack, c, from + done, want - done);
		if (done < want)
			wait_for_packets(stack, c);
	}
	if (done < len)
		c->flags |= TF_WANT_WRITE;
	if (done == 0)
		return -EAGAIN;
	end_of_write(stack, c, flags);
	return done;
}

ptrdiff_t
tcp_send(struct tcp_stack *stack, struct env *env, tcp_handle conn, const void *src, size_t len,
	unsigned int flags)
{
	struct tcp_conn *c = tcp_conn_awake(stack, conn);

	stack->env = env;
	if (c != NULL && is_lone_write(stack, c, len, flags) &&
		write_lone(stack, c, src, (uint32_t)len))
		return (ptrdiff_t)len;
	return send_any(stack, conn, src, len, flags);
}

ptrdiff_t
tcp_send_pkt(struct tcp_stack *stack, struct env *env, tcp_handle conn, struct pkt *p,
	unsigned int flags)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);
	uint16_t len = p->data_len;
	int err = check_writable(stack, c);

	stack->env = env;
	if (err != 0)
		return err;
	if (len == 0 || pkt_headroom(p) < HEADERS_MAX)
		return -EINVAL;
	if (space(stack, c) == 0)
		return refuse(c);
	begin_write(stack, c);
	enqueue(stack, c, p);
	end_of_write(stack, c, flags);
	return len;
}

ptrdiff_t
tcp_send_space(struct tcp_stack *stack, struct env *env, tcp_handle conn)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);
	int err = check_writable(stack, c);

	stack->env = env;
	return err != 0 ? err : (ptrdiff_t)space(stack, c);
}

/* --- closing -------------------------------------------------------------------------------- */

/* Our FIN follows the queued data; the state changes now, for the user (RFC 9293 s3.10.4). */
static void
queue_fin(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (c->flags & TF_FIN_QUEUED)
		return;
	c->flags |= TF_FIN_QUEUED;
	/* RFC 9293 s3.10.4: in SYN-RECEIVED it waits until ESTABLISHED (synrcvd_ack). */
	if (c->state == TCPS_SYN_RECEIVED)
		return;
	tcp_set_state(stack, c,
		c->state == TCPS_CLOSE_WAIT ? TCPS_LAST_ACK : TCPS_FIN_WAIT_1);
	tcp_want_output(stack, c);
}

int
tcp_shutdown(struct tcp_stack *stack, struct env *env, tcp_handle conn, unsigned int how)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	if (!is_open(c) && c->state != TCPS_SYN_RECEIVED)
		return -ENOTCONN;
	if (how & TCP_SHUT_RD) {
		c->flags |= TF_RD_SHUT;
		tcp_recvq_free(stack, c);
	}
	if (how & TCP_SHUT_REFUSE)
		tcp_extra_refuse(stack, c);
	if (how & TCP_SHUT_WR)
		queue_fin(stack, c);
	return 0;
}

static void
become_orphan(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tunables *tun = stack->env->tun;
	struct tcp_cold *cold = tcp_cold(stack, c);

	c->flags |= TF_ORPHAN | TF_RD_SHUT;
	c->flags &= ~(TF_WANT_WRITE | TF_KEEPALIVE);
	c->ev = 0;
	stack->orphans++;
	stack->env->ctr->Orphans++;
	stack->env->ctr->TCPOrphanQueued++;
	tcp_timers_keep_off(stack, c);
	tcp_timers_app(stack, c, 0);
	if (stack->orphans > tcp_share(stack, tun->tcp_max_orphans)) {
		stack->env->ctr->TCPAbortOnMemory++;
		tcp_reset(stack, c, -ECONNABORTED);
		return;
	}
	if (c->state == TCPS_FIN_WAIT_2 && tcp_fin_timeout_s(stack, c) == 0) {
		stack->env->ctr->TCPAbortOnLinger++;
		tcp_reset(stack, c, 0);
	} else if (c->state == TCPS_FIN_WAIT_2) {
		tcp_timers_keep(stack, c, 1000ULL * tcp_fin_timeout_s(stack, c));
	} else if (cold->linger_s > 0) {
		tcp_timers_keep(stack, c, 1000ULL * (uint16_t)cold->linger_s);
	}
}

/* RFC 9293 s3.10.5: no RST where both have closed, unless something of ours was never sent. */
static void
give_up(struct tcp_stack *stack, struct tcp_conn *c)
{
	if ((c->state == TCPS_CLOSING || c->state == TCPS_LAST_ACK) && (c->flags & TF_FIN_SENT))
		tcp_conn_end(stack, c, -ECONNABORTED);
	else
		tcp_reset(stack, c, -ECONNABORTED);
}

int
tcp_close(struct tcp_stack *stack, struct env *env, tcp_handle conn)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL || (c->flags & TF_ORPHAN))
		return -EBADF;
	/* Who closed hears only of the end. */
	c->ev = 0;
	if (c->state == TCPS_CLOSED) {
		/* The protocol ended before the owner did. */
		tcp_raise(stack, c, TCP_EV_CLOSED);
		return 0;
	}
	if (c->state == TCPS_SYN_SENT) {
		tcp_conn_end(stack, c, -ECONNABORTED);
		return 0;
	}
	if (c->recvq_bytes > 0) {
		/* RFC 2525 s2.17: the peer must learn that not all was read. */
		env->ctr->TCPAbortOnClose++;
		tcp_recvq_free(stack, c);
		tcp_reset(stack, c, -ECONNABORTED);
		return 0;
	}
	if (tcp_cold(stack, c)->linger_s == 0) {
		env->ctr->TCPAbortOnData++;
		give_up(stack, c);
		return 0;
	}
	queue_fin(stack, c);
	become_orphan(stack, c);
	return 0;
}

int
tcp_abort(struct tcp_stack *stack, struct env *env, tcp_handle conn)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	c->ev = 0;
	tcp_recvq_free(stack, c);
	if (c->state == TCPS_CLOSED)
		tcp_raise(stack, c, TCP_EV_CLOSED);
	else
		give_up(stack, c);
	return 0;
}

void
tcp_abort_all(struct tcp_stack *stack, struct env *env)
{
	stack->env = env;
	for (uint32_t i = 0; i < stack->synq_fresh; i++)
		if (stack->synq[i].who.local != 0)
			tcp_synq_drop(stack, i);
	for (uint32_t i = 0; i < stack->conn_fresh; i++) {
		struct tcp_conn *c = &stack->conns[i];

		if (c->state == TCPS_CLOSED || !tcp_tx_has_room(stack))
			continue;
		tcp_wake(stack, c);
		tcp_reset(stack, c, -ECONNABORTED);
	}
}
