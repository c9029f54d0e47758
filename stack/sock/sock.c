/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API over the TCP engine of one worker: translation, and the callbacks. */
#include <errno.h>
#include <string.h>

#include "sock/sock.h"

#include "conf/counters.h"
#include "conf/tunables.h"
#include "pkt/pool.h"

void
sock_init(struct sluice *s, struct tcp_stack *tcp, struct env *env,
	const struct local_addrs *local, unsigned int worker, unsigned int workers)
{
	*s = (struct sluice){
		.tcp = tcp,
		.env = env,
		.local = local,
		.worker = worker,
		.workers = workers,
	};
}

/* --- callbacks ------------------------------------------------------------------------------ */

static void
dispatch(struct sluice *s, const struct tcp_event *ev)
{
	const struct sluice_ops *ops = ev->ops;

	if (ops == NULL)
		return;
	/* One thing each; what there is most of is looked for first. */
	if (ev->what == TCP_EV_READABLE) {
		if (ops->readable != NULL)
			ops->readable(s, ev->handle, ev->data);
	} else if (ev->what == TCP_EV_WRITABLE) {
		if (ops->writable != NULL)
			ops->writable(s, ev->handle, ev->data);
	} else if (ev->what == TCP_EV_ACCEPTABLE) {
		if (ops->acceptable != NULL)
			ops->acceptable(s, ev->handle, ev->data);
	} else if (ev->what == TCP_EV_CLOSED) {
		if (ops->closed != NULL)
			ops->closed(s, ev->handle, ev->data, ev->err);
	} else if (ev->what == TCP_EV_CONNECTED) {
		if (ops->connected != NULL)
			ops->connected(s, ev->handle, ev->data, ev->err);
	} else if (ops->timeout != NULL) {
		ops->timeout(s, ev->handle, ev->data);
	}
}

/*
 * A callback may raise new events (close raises closed), so this ends only when none is left; each
 * connection can raise a bounded number, since no new segment arrives meanwhile.
 */
void
sock_dispatch(struct sluice *s)
{
	struct tcp_event ev;

	while (tcp_next_event(s->tcp, &ev))
		dispatch(s, &ev);
}

/* --- addresses ------------------------------------------------------------------------------ */

static struct ip_addr
to_ip(const uint8_t ip[16])
{
	struct ip_addr addr;

	memcpy(addr.b, ip, sizeof(addr.b));
	return addr;
}

static bool
is_any(const struct ip_addr *addr)
{
	return ip_addr_is_unspecified(addr);
}

/* Index of a local address; -1: any, -2: not ours. */
static int
local_index(const struct sluice *s, const struct sluice_addr *addr)
{
	struct ip_addr ip = to_ip(addr->ip);
	int i;

	if (is_any(&ip))
		return -1;
	i = local_addrs_find(s->local, &ip);
	return i >= 0 ? i : -2;
}

/* Our first address of the remote's family: RFC 9293 MUST-44, with one address a family. */
static int
source_for(const struct sluice *s, const struct ip_addr *remote)
{
	for (unsigned int i = 0; i < s->local->count; i++)
		if (ip_addr_is_v4(&s->local->addr[i]) == ip_addr_is_v4(remote))
			return (int)i;
	return -1;
}

/* --- wishes --------------------------------------------------------------------------------- */

#define MAXSEG_MIN 88u /* as Linux; less wastes more than it carries */
#define MAXSEG_MAX 32767u
#define SYN_RETRIES_MAX 127u
#define CLAMP_MIN 1152u

static bool
is_possible(const struct sluice_wishes *w)
{
	if (w->maxseg != 0 && (w->maxseg < MAXSEG_MIN || w->maxseg > MAXSEG_MAX))
		return false;
	return w->syn_retries <= SYN_RETRIES_MAX;
}

static struct tcp_wishes
to_wishes(const struct sluice_wishes *w)
{
	return (struct tcp_wishes){
		.mss_max = (uint16_t)w->maxseg,
		.syn_retries = (uint8_t)w->syn_retries,
		.rcvbuf = w->rcvbuf,
		.window_clamp = w->window_clamp == 0 ? 0 : max_u32(w->window_clamp, CLAMP_MIN),
		.no_cookie = w->fastopen_no_cookie,
		.max_pacing_rate = w->max_pacing_rate,
	};
}

/* --- listeners ------------------------------------------------------------------------------ */

int
sluice_listen(struct sluice *s, const struct sluice_listen_params *params, sluice_listener *out)
{
	struct tcp_listen_params par = {
		.laddr_idx = local_index(s, &params->addr),
		.port = params->addr.port,
		.backlog = params->backlog,
		.syncookies = params->syncookies_set ? params->syncookies : -1,
		.nodelay = params->nodelay,
		.fastopen = params->fastopen,
		.source_syn_rate = params->source_syn_rate,
		.source_conns = params->source_conns,
		.first_byte_s = params->first_byte_s,
		.idle_s = params->idle_s,
		.blackhole = params->blackhole,
		.wishes = to_wishes(&params->wishes),
		.defer_s = params->defer_accept_s,
		.name = params->name,
		.data = params->ctx,
		.ops = params->ops,
	};

	if (par.laddr_idx == -2)
		return -EADDRNOTAVAIL;
	if (params->ops == NULL || (params->syncookies_set && params->syncookies < 0) ||
		!is_possible(&params->wishes))
		return -EINVAL;
	if (params->congestion_control != NULL) {
		int cc = sluice_congestion_find(params->congestion_control);

		if (cc < 0)
			return cc;
		par.cc = 1 + (unsigned int)cc;
	}
	return tcp_listen(s->tcp, s->env, &par, out);
}

int
sluice_listener_close(struct sluice *s, sluice_listener l)
{
	return tcp_listener_close(s->tcp, s->env, l);
}

int
sluice_accept(struct sluice *s, sluice_listener l, sluice_conn *out)
{
	int err = tcp_accept(s->tcp, s->env, l, out);

	/* The listener's context is not the connection's. */
	if (err == 0)
		tcp_set_owner(s->tcp, *out, NULL, NULL);
	return err;
}

/* --- connections ---------------------------------------------------------------------------- */

static bool
is_bad_destination(const struct ip_addr *addr)
{
	return is_any(addr) || ip_addr_is_multicast(addr) || ip_addr_is_broadcast(addr);
}

/* The key of a connection to open; local may be NULL. */
static int
key_to(struct sluice *s, const struct sluice_addr *local, const struct sluice_addr *remote,
	struct flow_key *key)
{
	struct ip_addr raddr = to_ip(remote->ip);
	int laddr_idx = local != NULL ? local_index(s, local) : -1;

	if (remote->port == 0 || is_bad_destination(&raddr))
		return -EINVAL;
	if (laddr_idx == -1)
		laddr_idx = source_for(s, &raddr);
	if (laddr_idx < 0)
		return -EADDRNOTAVAIL;
	if (ip_addr_is_v4(&s->local->addr[laddr_idx]) != ip_addr_is_v4(&raddr))
		return -EINVAL;
	*key = flow_key_make(
		&raddr, remote->port, (uint8_t)laddr_idx, local != NULL ? local->port : 0);
	return 0;
}

int
sluice_connect(struct sluice *s, const struct sluice_addr *local,
	const struct sluice_addr *remote, const struct sluice_ops *ops, void *data,
	sluice_conn *out)
{
	struct flow_key key;
	int err = ops == NULL ? -EINVAL : key_to(s, local, remote, &key);

	if (err != 0)
		return err;
	err = tcp_connect(s->tcp, s->env, &key, out);
	if (err == 0)
		tcp_set_owner(s->tcp, *out, data, ops);
	return err;
}

ptrdiff_t
sluice_connect_early(struct sluice *s, const struct sluice_early *early, sluice_conn *out)
{
	struct flow_key key;
	int err = early->ops == NULL ? -EINVAL : key_to(s, NULL, early->remote, &key);
	struct tcp_connect_params par;
	ptrdiff_t n;

	if (err != 0)
		return err;
	if (!is_possible(&early->wishes))
		return -EINVAL;
	par = (struct tcp_connect_params){
		.wishes = to_wishes(&early->wishes),
		.fastopen = !early->no_fastopen,
		.src = early->src,
		.len = early->len,
	};
	n = tcp_connect_with(s->tcp, s->env, &key, &par, out);
	if (n >= 0)
		tcp_set_owner(s->tcp, *out, early->data, early->ops);
	return n;
}

int
sluice_set_data(struct sluice *s, sluice_conn c, void *data, const struct sluice_ops *ops)
{
	return tcp_set_owner(s->tcp, c, data, ops);
}

int
sluice_set_timeout(struct sluice *s, sluice_conn c, uint32_t delay_ms)
{
	return tcp_set_app_timer(s->tcp, s->env, c, delay_ms);
}

int
sluice_addrs(struct sluice *s, sluice_conn c, struct sluice_addr *local, struct sluice_addr *remote)
{
	struct flow_key key;
	int err = tcp_get_key(s->tcp, c, &key);

	if (err != 0)
		return err;
	if (local != NULL) {
		memcpy(local->ip, s->local->addr[key.laddr_idx].b, sizeof(local->ip));
		local->port = key.lport;
	}
	if (remote != NULL) {
		memcpy(remote->ip, key.raddr.b, sizeof(remote->ip));
		remote->port = key.rport;
	}
	return 0;
}

/* The two lists name the same options; the order is checked here. */
static const enum tcp_sockopt sockopts[] = {
	[SLUICE_TCP_NODELAY] = TCP_SO_NODELAY,
	[SLUICE_SO_SNDBUF] = TCP_SO_SNDBUF,
	[SLUICE_SO_RCVBUF] = TCP_SO_RCVBUF,
	[SLUICE_SO_KEEPALIVE] = TCP_SO_KEEPALIVE,
	[SLUICE_SO_LINGER] = TCP_SO_LINGER,
	[SLUICE_TCP_USER_TIMEOUT] = TCP_SO_USER_TIMEOUT,
	[SLUICE_TCP_MAXSEG] = TCP_SO_MAXSEG,
	[SLUICE_TCP_CONGESTION] = TCP_SO_CONGESTION,
	[SLUICE_TCP_CORK] = TCP_SO_CORK,
	[SLUICE_TCP_WINDOW_CLAMP] = TCP_SO_WINDOW_CLAMP,
	[SLUICE_TCP_KEEPIDLE] = TCP_SO_KEEPIDLE,
	[SLUICE_TCP_KEEPINTVL] = TCP_SO_KEEPINTVL,
	[SLUICE_TCP_KEEPCNT] = TCP_SO_KEEPCNT,
	[SLUICE_TCP_LINGER2] = TCP_SO_LINGER2,
	[SLUICE_TCP_QUICKACK] = TCP_SO_QUICKACK,
	[SLUICE_SO_MAX_PACING_RATE] = TCP_SO_MAX_PACING_RATE,
};

int
sluice_setopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int value)
{
	if ((unsigned int)opt >= ARRAY_SIZE(sockopts))
		return -EINVAL;
	return tcp_setopt(s->tcp, s->env, c, sockopts[opt], value);
}

int
sluice_getopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int *value)
{
	if ((unsigned int)opt >= ARRAY_SIZE(sockopts))
		return -EINVAL;
	return tcp_getopt(s->tcp, s->env, c, sockopts[opt], value);
}

int
sluice_congestion_find(const char *name)
{
	for (int i = 0; i < TUN_CC_COUNT; i++)
		if (strcmp(tunables_cc_names[i], name) == 0)
			return i;
	return -ENOENT;
}

const char *
sluice_congestion_name(int number)
{
	return number >= 0 && number < TUN_CC_COUNT ? tunables_cc_names[number] : NULL;
}

/* --- data ----------------------------------------------------------------------------------- */

static void
set_buf(struct sluice_buf *buf, struct pkt *p, uint32_t len)
{
	buf->data = pkt_data(p);
	buf->len = len;
	buf->priv = p;
}

ptrdiff_t
sluice_recv(struct sluice *s, sluice_conn c, void *dst, size_t len)
{
	return tcp_recv(s->tcp, s->env, c, dst, len);
}

ptrdiff_t
sluice_recv_buf(struct sluice *s, sluice_conn c, struct sluice_buf *out)
{
	struct pkt *p = NULL;
	ptrdiff_t n = tcp_recv_pkt(s->tcp, s->env, c, &p);

	if (n > 0)
		set_buf(out, p, (uint32_t)n);
	return n;
}

ptrdiff_t
sluice_recv_queued(struct sluice *s, sluice_conn c)
{
	return tcp_recv_queued(s->tcp, c);
}

ptrdiff_t
sluice_send(struct sluice *s, sluice_conn c, const void *src, size_t len, unsigned int flags)
{
	return tcp_send(s->tcp, s->env, c, src, len, flags);
}

ptrdiff_t
sluice_send_space(struct sluice *s, sluice_conn c)
{
	return tcp_send_space(s->tcp, s->env, c);
}

int
sluice_buf_alloc(struct sluice *s, struct sluice_buf *out)
{
	struct pkt_pool *pool = s->env->pool;
	struct pkt *p = pkt_pool_has_spare(pool) ? pkt_alloc(pool) : NULL;

	if (p == NULL)
		return -ENOBUFS;
	set_buf(out, p, pool->payload_max);
	return 0;
}

ptrdiff_t
sluice_send_buf(struct sluice *s, sluice_conn c, struct sluice_buf *buf, unsigned int flags)
{
	struct pkt *p = buf->priv;
	ptrdiff_t offset, n;

	if (p == NULL)
		return -EINVAL;
	/* The owner may have moved the start and cut the end, but only inside the buffer. */
	offset = buf->data - p->buf;
	if (offset < 0 || (size_t)offset + buf->len > p->buf_len || buf->len > UINT16_MAX)
		return -EINVAL;
	p->data_off = (uint16_t)offset;
	pkt_set_len(p, (uint16_t)buf->len);
	n = tcp_send_pkt(s->tcp, s->env, c, p, flags);
	if (n > 0)
		*buf = (struct sluice_buf){ 0 };
	return n;
}

void
sluice_buf_free(struct sluice *s, struct sluice_buf *buf)
{
	if (buf->priv != NULL)
		pkt_free(s->env->pool, buf->priv);
	*buf = (struct sluice_buf){ 0 };
}

/* --- end ------------------------------------------------------------------------------------ */

int
sluice_shutdown(struct sluice *s, sluice_conn c, enum sluice_shut how)
{
	switch (how) {
	case SLUICE_SHUT_RD:
		return tcp_shutdown(s->tcp, s->env, c, TCP_SHUT_RD);
	case SLUICE_SHUT_WR:
		return tcp_shutdown(s->tcp, s->env, c, TCP_SHUT_WR);
	case SLUICE_SHUT_RDWR:
		return tcp_shutdown(s->tcp, s->env, c, TCP_SHUT_RD | TCP_SHUT_WR);
	}
	return -EINVAL;
}

int
sluice_close(struct sluice *s, sluice_conn c)
{
	return tcp_close(s->tcp, s->env, c);
}

int
sluice_abort(struct sluice *s, sluice_conn c)
{
	return tcp_abort(s->tcp, s->env, c);
}

/* --- time ----------------------------------------------------------------------------------- */

uint64_t
sluice_now_us(const struct sluice *s)
{
	return s->env->now_us;
}

void
sluice_count_full(struct sluice *s)
{
	s->env->ctr->ServiceFull++;
}

unsigned int
sluice_worker_id(const struct sluice *s)
{
	return s->worker;
}

unsigned int
sluice_worker_count(const struct sluice *s)
{
	return s->workers;
}
