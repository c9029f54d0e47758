/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of one connection, for tests written in C. */
#include "lib/peer.h"

#include <string.h>

#include "lib/fail.h"

#define LOCAL_IP4 "192.0.2.1"
#define PEER_IP4 "192.0.2.2"
#define LOCAL_IP6 "fd00::1"
#define PEER_IP6 "fd00::2"

static const struct mac_addr peer_mac = { { 0x02, 0, 0, 0, 0, 2 } };

static struct peer *
peer_of(struct sluice *s)
{
	return container_of(container_of(s, struct worker, sluice), struct peer, host.w);
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	(void)l;
	(void)ctx;
	peer_of(s)->acceptable = true;
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct peer *p = peer_of(s);

	(void)c;
	(void)data;
	p->connected = true;
	p->connect_err = err;
}

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	(void)c;
	(void)data;
	peer_of(s)->readable = true;
}

static void
on_writable(struct sluice *s, sluice_conn c, void *data)
{
	(void)c;
	(void)data;
	peer_of(s)->writable = true;
}

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct peer *p = peer_of(s);

	(void)data;
	CHECK(!p->gone, "closed was called twice");
	CHECK(p->conn == c, "closed for another connection");
	p->gone = true;
	p->close_err = err;
	p->conn = 0;
}

static const struct sluice_ops ops = {
	.acceptable = on_acceptable,
	.connected = on_connected,
	.readable = on_readable,
	.writable = on_writable,
	.closed = on_closed,
};

static void
on_out(void *ctx, const uint8_t *buf, size_t len)
{
	struct peer *p = ctx;
	unsigned int i = (p->head + p->count) % PEER_QUEUE_MAX;

	CHECK(p->count < PEER_QUEUE_MAX, "more than %u frames wait to be looked at",
		PEER_QUEUE_MAX);
	CHECK(len <= sizeof(p->sent[i].bytes), "a frame of %zu bytes was sent", len);
	memcpy(p->sent[i].bytes, buf, len);
	CHECK(view_parse(p->sent[i].bytes, len, &p->sent[i].view) != VIEW_BAD,
		"a malformed frame was sent: %s", p->sent[i].view.why);
	if (p->sent[i].view.kind == VIEW_TCP)
		p->count++;
}

struct sluice *
peer_sluice(struct peer *p)
{
	return &p->host.w.sluice;
}

void
peer_run(struct peer *p)
{
	host_run(&p->host, p->host.now_us);
	host_check(&p->host, true);
}

void
peer_wait(struct peer *p, uint64_t delay_us)
{
	uint64_t until = p->host.now_us + delay_us, next;

	while ((next = host_next_at(&p->host)) <= until) {
		host_run(&p->host, next);
		if (host_next_at(&p->host) <= next)
			break;
	}
	host_run(&p->host, until);
	host_check(&p->host, true);
}

static struct ip_addr
address(const char *text)
{
	struct ip_addr a;

	CHECK(ip_addr_parse(&a, text, strlen(text)) == 0, "%s is no address", text);
	return a;
}

static struct ip_addr
local_addr(const struct peer *p)
{
	return address(p->ip6 ? LOCAL_IP6 : LOCAL_IP4);
}

static struct ip_addr
peer_addr(const struct peer *p)
{
	return address(p->ip6 ? PEER_IP6 : PEER_IP4);
}

static void
start(struct peer *p, const struct host_params *par, bool ip6)
{
	struct sluice_listen_params listen = { .addr.port = 80, .ops = &ops, .name = "test" };
	struct ip_addr ip;

	memset(p, 0, sizeof(*p));
	p->ip6 = ip6;
	ip = peer_addr(p);
	host_init(&p->host, par, on_out, p);
	CHECK(net_set_neighbour(&p->host.w.net, &p->host.w.env, &ip, &peer_mac) == 0,
		"no neighbour");
	/* Near the wrap, so that every test crosses it. */
	p->isn = UINT32_MAX - 50;
	p->nxt = p->isn;
	p->rport = 40000;
	p->lport = 80;
	CHECK(sluice_listen(peer_sluice(p), &listen, &p->listener) == 0, "no listener");
	peer_run(p);
}

void
peer_start(struct peer *p, const struct host_params *par)
{
	struct host_params own;

	if (par == NULL) {
		host_params_default(&own);
		host_params_add_addr(&own, LOCAL_IP4, 24);
		par = &own;
	}
	start(p, par, false);
}

void
peer_start_ip6(struct peer *p)
{
	struct host_params par;

	host_params_default(&par);
	host_params_add_addr(&par, LOCAL_IP6, 64);
	/* The address is ours from the start. */
	par.tun.dad_transmits = 0;
	start(p, &par, true);
}

void
peer_stop(struct peer *p)
{
	p->host.pkts.size = p->host.par.pkts;
	p->host.pkts.fail_nth = 0;
	if (p->conn != 0)
		sluice_abort(peer_sluice(p), p->conn);
	sluice_listener_close(peer_sluice(p), p->listener);
	tcp_abort_all(p->host.w.tcp, &p->host.w.env);
	peer_wait(p, 601000000);
	host_check_idle(&p->host);
	host_fini(&p->host);
}

/* --- segments ------------------------------------------------------------------------------- */

void
peer_send_seg(struct peer *p, const struct peer_seg *seg)
{
	struct view v = { .kind = VIEW_TCP, .ip6 = p->ip6, .ttl = 64, .df = true };
	struct ip_addr from = peer_addr(p), to = local_addr(p);
	uint8_t payload[1500], buf[1700];
	const uint8_t *bufs[1] = { buf };
	size_t lens[1];

	CHECK(seg->len <= sizeof(payload), "segment too long");
	memcpy(v.dst_mac, p->host.par.mac.b, 6);
	memcpy(v.src_mac, peer_mac.b, 6);
	memcpy(v.src, from.b, 16);
	memcpy(v.dst, to.b, 16);
	v.sport = p->rport;
	v.dport = p->lport;
	v.flags = seg->flags == 0 && !seg->no_flags ? VIEW_ACK : seg->flags;
	v.seq = p->nxt + (uint32_t)seg->seq;
	v.ack = v.flags & VIEW_ACK ? p->rcv + (uint32_t)seg->ack : 0;
	v.wnd = seg->wnd == 0 ? 65535 : seg->wnd < 0 ? 0 : (uint16_t)seg->wnd;
	v.urg = seg->urg;
	for (uint32_t i = 0; i < seg->len; i++)
		payload[i] = (uint8_t)(v.seq + i);
	v.payload = payload;
	v.payload_len = seg->len;
	if (seg->opts != NULL)
		v.opts = *seg->opts;
	lens[0] = view_build(&v, buf, sizeof(buf));
	if (seg->seq == 0 && !(v.flags & VIEW_RST))
		p->nxt += view_seg_len(&v);
	host_rx(&p->host, p->host.now_us, bufs, lens, 1);
	peer_run(p);
}

const struct view *
peer_next(struct peer *p)
{
	const struct view *v;

	if (p->count == 0)
		return NULL;
	v = &p->sent[p->head].view;
	p->head = (p->head + 1) % PEER_QUEUE_MAX;
	p->count--;
	if (v->flags & VIEW_SYN) {
		p->iss = v->seq;
		p->rcv = v->seq;
		p->lport = v->sport;
	}
	if (v->seq == p->rcv && !(v->flags & VIEW_RST))
		p->rcv += view_seg_len(v);
	return v;
}

void
peer_expect_seg(struct peer *p, const struct peer_seg *seg)
{
	uint8_t flags = seg->flags == 0 ? VIEW_ACK : seg->flags;
	uint32_t rcv = p->rcv;
	const struct view *v = peer_next(p);
	char text[512];

	CHECK(v != NULL, "nothing was sent");
	view_text(v, text, sizeof(text));
	CHECK(v->flags == flags, "flags: 0x%02x expected, got %s", flags, text);
	if (!(flags & VIEW_SYN))
		CHECK(v->seq == rcv + (uint32_t)seg->seq, "sequence number: %u expected, got %s",
			rcv + (uint32_t)seg->seq, text);
	CHECK(v->payload_len == seg->len, "length: %u expected, got %s", seg->len, text);
	if (flags & VIEW_ACK)
		CHECK(v->ack == p->nxt + (uint32_t)seg->ack, "acknowledgement: %u expected, got %s",
			p->nxt + (uint32_t)seg->ack, text);
}

void
peer_expect_nothing(struct peer *p)
{
	const struct view *v = peer_next(p);
	char text[512];

	if (v != NULL)
		fail("nothing was expected, got %s", view_text(v, text, sizeof(text)));
}

/* --- states --------------------------------------------------------------------------------- */

enum tcp_state
peer_state(struct peer *p)
{
	struct tcp_conn_info rows[8];
	uint64_t cursor = 0;

	while (cursor != UINT64_MAX) {
		unsigned int n = tcp_list_conns(p->host.w.tcp, &p->host.w.env, &cursor, rows, 8);

		for (unsigned int i = 0; i < n; i++)
			if (rows[i].key.rport == p->rport)
				return rows[i].state;
	}
	return TCPS_CLOSED;
}

static void
enter_syn_sent(struct peer *p)
{
	struct ip_addr ip = peer_addr(p);
	struct sluice_addr to = { .port = p->rport };

	memcpy(to.ip, ip.b, 16);
	CHECK(sluice_connect(peer_sluice(p), NULL, &to, &ops, p, &p->conn) == 0, "no connection");
	peer_run(p);
	peer_expect(p, .flags = VIEW_SYN);
}

static void
enter_syn_received(struct peer *p)
{
	peer_send(p, .flags = VIEW_SYN);
	peer_expect(p, .flags = VIEW_SYN | VIEW_ACK);
}

static void
enter_established(struct peer *p)
{
	enter_syn_received(p);
	peer_wait(p, PEER_RTT_US);
	peer_send(p, .flags = VIEW_ACK);
	CHECK(sluice_accept(peer_sluice(p), p->listener, &p->conn) == 0, "nothing to accept");
	CHECK(sluice_set_data(peer_sluice(p), p->conn, p, NULL) == 0, "no connection");
}

/* The application closes; our FIN is out, not acknowledged. */
static void
enter_fin_wait_1(struct peer *p)
{
	enter_established(p);
	CHECK(sluice_shutdown(peer_sluice(p), p->conn, SLUICE_SHUT_WR) == 0, "no shutdown");
	peer_run(p);
	peer_expect(p, .flags = VIEW_FIN | VIEW_ACK);
}

static void
enter_fin_wait_2(struct peer *p)
{
	enter_fin_wait_1(p);
	peer_send(p, .flags = VIEW_ACK);
}

static void
enter_close_wait(struct peer *p)
{
	enter_established(p);
	peer_send(p, .flags = VIEW_FIN | VIEW_ACK);
	/* It waits a moment for an answer to ride with. */
	peer_wait(p, 1000);
	peer_expect(p, .flags = VIEW_ACK);
}

/* Both FINs crossed: the peer's does not acknowledge ours. */
static void
enter_closing(struct peer *p)
{
	enter_fin_wait_1(p);
	peer_send(p, .flags = VIEW_FIN | VIEW_ACK, .ack = -1);
	peer_expect(p, .flags = VIEW_ACK);
}

static void
enter_last_ack(struct peer *p)
{
	enter_close_wait(p);
	CHECK(sluice_shutdown(peer_sluice(p), p->conn, SLUICE_SHUT_WR) == 0, "no shutdown");
	peer_run(p);
	peer_expect(p, .flags = VIEW_FIN | VIEW_ACK);
}

static void
enter_time_wait(struct peer *p)
{
	enter_fin_wait_2(p);
	peer_send(p, .flags = VIEW_FIN | VIEW_ACK);
	peer_expect(p, .flags = VIEW_ACK);
}

void
peer_enter(struct peer *p, enum tcp_state state)
{
	switch (state) {
	case TCPS_CLOSED:
		p->lport = 81;
		break;
	case TCPS_LISTEN:
		break;
	case TCPS_SYN_SENT:
		enter_syn_sent(p);
		break;
	case TCPS_SYN_RECEIVED:
		enter_syn_received(p);
		break;
	case TCPS_ESTABLISHED:
		enter_established(p);
		break;
	case TCPS_FIN_WAIT_1:
		enter_fin_wait_1(p);
		break;
	case TCPS_FIN_WAIT_2:
		enter_fin_wait_2(p);
		break;
	case TCPS_CLOSE_WAIT:
		enter_close_wait(p);
		break;
	case TCPS_CLOSING:
		enter_closing(p);
		break;
	case TCPS_LAST_ACK:
		enter_last_ack(p);
		break;
	case TCPS_TIME_WAIT:
		enter_time_wait(p);
		break;
	}
	peer_expect_nothing(p);
	CHECK(state == TCPS_CLOSED || state == TCPS_LISTEN || peer_state(p) == state,
		"%s was not reached: %s", tcp_state_name(state), tcp_state_name(peer_state(p)));
}
