/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's life as a program of bytes: segments, calls, time and failures, in any order. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/life.h"

#include "fuzz/fuzz.h"
#include "lib/fail.h"
#include "lib/host.h"
#include "lib/view.h"

#define FLOWS 4u
#define CONNS 16u
#define BURST_MAX 9u
#define FRAME_MAX (2048u + 128u)

/* The input, read from the front; 0 behind its end. */
struct input {
	const uint8_t *p;
	size_t left;
};

/* Frames that arrive together. */
struct burst {
	unsigned int n;
	uint8_t bytes[BURST_MAX][FRAME_MAX];
	size_t lens[BURST_MAX];
};

/* What the peer of a connection knows of the stack's side. */
struct flow {
	uint16_t rport, lport;
	uint32_t nxt; /* what the peer would send next */
	uint32_t ack; /* what the stack has acknowledged */
	uint32_t una; /* what the stack would see acknowledged */
	uint32_t ts; /* the last timestamp of the stack */
};

struct app_conn {
	sluice_conn handle; /* 0: none */
	bool has_byte;
	uint8_t last; /* byte read */
};

struct fuzz {
	struct host host;
	struct flow flows[FLOWS];
	struct app_conn conns[CONNS];
	struct burst burst;
	sluice_listener listener;
	bool ip6;
	uint64_t bytes_read;
	bool trusted; /* payload still tells its own sequence number */
};

static const struct {
	uint8_t mac[6];
	uint32_t ip4;
} peer = { { 2, 0, 0, 0, 0, 2 }, 0xc0000202 };

/* Ours in IPv6, and the peer's. */
static const uint8_t our_ip6[16] = { 0xfd, [15] = 1 }, peer_ip6[16] = { 0xfd, [15] = 2 };

static uint32_t
take(struct input *in, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0) {
		v = v << 8 | (in->left > 0 ? *in->p : 0);
		if (in->left > 0) {
			in->p++;
			in->left--;
		}
	}
	return v;
}

/* --- the application: keeps handles, does nothing by itself ---------------------------------- */

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct app_conn *conn = data;

	(void)s;
	(void)err;
	FUZZ_CHECK(conn != NULL && (conn->handle == c || conn->handle == 0));
	conn->handle = 0;
}

static const struct sluice_ops ops = { .closed = on_closed };

static struct app_conn *
free_conn(struct fuzz *f)
{
	for (unsigned int i = 0; i < CONNS; i++)
		if (f->conns[i].handle == 0)
			return &f->conns[i];
	return NULL;
}

static void
listen_once(struct fuzz *f, struct input *in)
{
	struct sluice_listen_params par = { .ops = &ops, .ctx = f, .name = "fuzz" };
	uint32_t how = take(in, 1);

	par.addr.port = 80;
	par.backlog = how % 3;
	par.syncookies_set = true;
	par.syncookies = (int)(how / 3 % 3);
	par.nodelay = (how & 0x80) != 0;
	if (how & 0x40) {
		par.source_conns = 1 + how % 4;
		par.source_syn_rate = 1 + how % 5;
		par.first_byte_s = 1 + how % 2;
		par.idle_s = 1 + how % 3;
		par.blackhole = 1;
	}
	if (sluice_listen(&f->host.w.sluice, &par, &f->listener) != 0)
		return;
}

static void
accept_one(struct fuzz *f)
{
	struct app_conn *conn = free_conn(f);
	sluice_conn c;

	if (conn == NULL || sluice_accept(&f->host.w.sluice, f->listener, &c) != 0)
		return;
	*conn = (struct app_conn){ .handle = c };
	FUZZ_CHECK(sluice_set_data(&f->host.w.sluice, c, conn, NULL) == 0);
}

static struct ip_addr
peer_ip(const struct fuzz *f)
{
	struct ip_addr ip = ip_addr_from_v4(peer.ip4);

	if (f->ip6)
		memcpy(ip.b, peer_ip6, sizeof(ip.b));
	return ip;
}

static void
connect_one(struct fuzz *f, struct input *in)
{
	struct app_conn *conn = free_conn(f);
	struct flow *flow = &f->flows[take(in, 1) % FLOWS];
	struct ip_addr ip = peer_ip(f);
	struct sluice_addr remote = { .port = flow->rport };

	if (conn == NULL)
		return;
	memcpy(remote.ip, ip.b, 16);
	memset(conn, 0, sizeof(*conn));
	if (sluice_connect(&f->host.w.sluice, NULL, &remote, &ops, conn, &conn->handle) != 0)
		conn->handle = 0;
}

/* Payload bytes are the low byte of their sequence number: what is read must count up. */
static void
read_some(struct fuzz *f, struct app_conn *conn, size_t max)
{
	uint8_t buf[4096];
	ptrdiff_t n = sluice_recv(
		&f->host.w.sluice, conn->handle, buf, max < sizeof(buf) ? max : sizeof(buf));

	f->bytes_read += n > 0 ? (uint64_t)n : 0;
	for (ptrdiff_t i = 0; i < n; i++) {
		FUZZ_CHECK(!f->trusted || !conn->has_byte || buf[i] == (uint8_t)(conn->last + 1));
		conn->last = buf[i];
		conn->has_byte = true;
	}
}

static void
read_lent(struct fuzz *f, struct app_conn *conn)
{
	struct sluice_buf buf;
	ptrdiff_t n = sluice_recv_buf(&f->host.w.sluice, conn->handle, &buf);

	if (n <= 0)
		return;
	conn->last = buf.data[n - 1];
	conn->has_byte = true;
	/* Echoed without a copy, or given back. */
	if (sluice_send_buf(&f->host.w.sluice, conn->handle, &buf, 0) < 0)
		sluice_buf_free(&f->host.w.sluice, &buf);
}

static void
call(struct fuzz *f, struct input *in)
{
	static const uint8_t data[8192];
	uint32_t op = take(in, 1), arg = take(in, 2);
	struct app_conn *conn = &f->conns[op / 16];
	struct sluice *s = &f->host.w.sluice;

	switch (op % 16) {
	case 0:
		listen_once(f, in);
		break;
	case 1:
	case 2:
		accept_one(f);
		break;
	case 3:
		connect_one(f, in);
		break;
	case 4:
	case 5:
		sluice_send(s, conn->handle, data, arg % sizeof(data), arg >> 15);
		break;
	case 6:
	case 7:
		read_some(f, conn, arg);
		break;
	case 8:
		read_lent(f, conn);
		break;
	case 9:
		sluice_shutdown(s, conn->handle, (enum sluice_shut)(arg % 3));
		break;
	case 10:
		sluice_close(s, conn->handle);
		break;
	case 11:
		sluice_abort(s, conn->handle);
		break;
	case 12:
		sluice_setopt(s, conn->handle, (enum sluice_opt)(arg % 17), (int)(arg >> 4) - 1);
		break;
	case 13:
		sluice_set_timeout(s, conn->handle, arg);
		break;
	case 14:
		sluice_listener_close(s, f->listener);
		break;
	default:
		f->host.pkts.fail_nth = arg % 16;
		break;
	}
}

/* --- the peer -------------------------------------------------------------------------------- */

static void
on_out(void *ctx, const uint8_t *buf, size_t len)
{
	struct fuzz *f = ctx;
	const struct view_opt *ts;
	struct view v;

	if (view_parse(buf, len, &v) == VIEW_BAD)
		fail("sent a malformed frame: %s", v.why);
	if (v.kind != VIEW_TCP)
		return;
	FUZZ_CHECK(len <= 1514);
	for (unsigned int i = 0; i < FLOWS; i++) {
		struct flow *flow = &f->flows[i];

		if (flow->rport != v.dport)
			continue;
		flow->lport = v.sport;
		flow->una = v.seq + view_seg_len(&v);
		if (v.flags & VIEW_ACK)
			flow->ack = v.ack;
		ts = view_opt_find(&v.opts, VIEW_OPT_TS);
		if (ts != NULL)
			flow->ts = ts->v[0];
	}
}

static void
add_options(struct input *in, const struct flow *flow, struct view *v)
{
	uint32_t which = take(in, 1), x;
	uint32_t sack[4];
	uint8_t raw[8];

	if (which & 0x01) {
		x = take(in, 2);
		view_opt_add(&v->opts, VIEW_OPT_MSS, &x, 1);
	}
	if (which & 0x02)
		view_opt_add(&v->opts, VIEW_OPT_SACKOK, NULL, 0);
	if (which & 0x04) {
		uint32_t ts[2] = { take(in, 2), flow->ts + (which & 0x40 ? take(in, 1) : 0) };

		view_opt_add(&v->opts, VIEW_OPT_TS, ts, 2);
	}
	if (which & 0x08) {
		x = take(in, 1);
		view_opt_add(&v->opts, VIEW_OPT_WSCALE, &x, 1);
	}
	if (which & 0x10) {
		for (unsigned int i = 0; i < 4; i++)
			sack[i] = flow->una - take(in, 2);
		view_opt_add(&v->opts, VIEW_OPT_SACK, sack, which & 0x80 ? 4 : 2);
	}
	if (which & 0x20) {
		for (unsigned int i = 0; i < sizeof(raw); i++)
			raw[i] = (uint8_t)take(in, 1);
		view_opt_add_raw(&v->opts, raw[0] < 2 ? 253 : raw[0], raw + 1, raw[1] % 7);
	}
}

/* A distance that is mostly small, sometimes anything. */
static uint32_t
take_offset(struct input *in)
{
	uint32_t b = take(in, 1);

	if (b < 0x80)
		return 0;
	if (b < 0xc0)
		return b - 0xa0;
	if (b < 0xf0)
		return (b - 0xd8) * 1460;
	return take(in, 4);
}

static void
set_addrs(const struct fuzz *f, struct view *v)
{
	memcpy(v->dst_mac, f->host.par.mac.b, 6);
	memcpy(v->src_mac, peer.mac, 6);
	v->ip6 = f->ip6;
	view_ip4(v->src, peer.ip4);
	view_ip4(v->dst, 0xc0000201);
	if (!f->ip6)
		return;
	memcpy(v->src, peer_ip6, 16);
	memcpy(v->dst, our_ip6, 16);
}

/* Which bytes the frame is made of; it waits for the rest of its burst. */
static void
add_segment(struct fuzz *f, struct input *in, bool damaged)
{
	uint32_t which = take(in, 1);
	struct flow *flow = &f->flows[which % FLOWS];
	struct view v = { .kind = VIEW_TCP, .ttl = 64, .df = true };
	uint8_t payload[2048], *buf = f->burst.bytes[f->burst.n];
	uint32_t len;
	size_t built;

	/* What was not taken is sent again. */
	if ((which & 0x80) && flow->ack != 0)
		flow->nxt = flow->ack;
	set_addrs(f, &v);
	v.sport = flow->rport;
	v.dport = flow->lport;
	v.flags = (uint8_t)take(in, 1);
	v.seq = flow->nxt + take_offset(in);
	v.ack = flow->una + take_offset(in);
	v.wnd = (uint16_t)take(in, 2);
	v.urg = v.flags & VIEW_URG ? (uint16_t)take(in, 2) : 0;
	len = take(in, 1) * 8 % 1400;
	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(v.seq + ((v.flags & VIEW_SYN) != 0) + i);
	v.payload = payload;
	v.payload_len = len;
	add_options(in, flow, &v);
	if (view_opts_len(&v.opts) > 40)
		v.opts.count = 0;
	built = view_build(&v, buf, FRAME_MAX);
	if (damaged) {
		f->trusted = false;
		buf[14 + take(in, 1) % (built - 14)] ^= (uint8_t)take(in, 1);
		built -= take(in, 1) % 16;
	} else if (v.seq == flow->nxt) {
		flow->nxt += view_seg_len(&v);
	}
	f->burst.lens[f->burst.n++] = built;
}

static void
send_segments(struct fuzz *f, struct input *in, unsigned int n, bool damaged)
{
	const uint8_t *bufs[BURST_MAX];

	f->burst.n = 0;
	while (f->burst.n < n) {
		bufs[f->burst.n] = f->burst.bytes[f->burst.n];
		add_segment(f, in, damaged);
	}
	host_rx(&f->host, f->host.now_us, bufs, f->burst.lens, n);
}

/* --- the program ------------------------------------------------------------------------------ */

static void
start(struct fuzz *f, struct input *in, bool ip6)
{
	struct host_params par;
	struct mac_addr mac;
	struct ip_addr ip;
	uint32_t how = take(in, 1);

	memset(f, 0, sizeof(*f));
	f->ip6 = ip6;
	ip = peer_ip(f);
	host_params_default(&par);
	host_params_add_addr(&par, "192.0.2.1", 24);
	/* Ours from the first moment on: the peer cannot answer for it. */
	host_params_add_addr(&par, "fd00::1", 64);
	par.tun.dad_transmits = 0;
	par.conns_max = 1 + how % 4;
	par.park_after_ms = how & 0x10 ? 1 : TCP_PARK_AFTER_MS;
	par.synq_max = 1 + how % 3;
	par.timewait_max = 1 + how % 2;
	par.ranges_max = 4;
	par.pkts = 24 + how % 64;
	par.pkts_reserve = 8;
	par.start_us = how & 0x80 ? 4294967000000ull : 1000000;
	par.rx_exact = (how & 0x40) == 0;
	par.tx_hold_us = how & 0x20 ? 1000 : 0;
	par.tun.tcp_rmem[1] = 8192;
	f->trusted = true;
	host_init(&f->host, &par, on_out, f);
	for (unsigned int i = 0; i < FLOWS; i++)
		f->flows[i] = (struct flow){
			.rport = (uint16_t)(1000 + i), .lport = 80, .nxt = UINT32_MAX - 100
		};
	memcpy(mac.b, peer.mac, 6);
	FUZZ_CHECK(net_set_neighbour(&f->host.w.net, &f->host.w.env, &ip, &mac) == 0);
	listen_once(f, in);
}

static void
pass_time(struct fuzz *f, uint64_t delay_us)
{
	uint64_t until = f->host.now_us + delay_us, next;

	while ((next = host_next_at(&f->host)) <= until) {
		host_run(&f->host, next);
		/* The port's ring is full and this is its time. */
		if (host_next_at(&f->host) <= next)
			break;
	}
	host_run(&f->host, until);
}

static void
step(struct fuzz *f, struct input *in, bool deep)
{
	uint32_t op = take(in, 1);

	if (op < 0x80)
		send_segments(f, in, 1, false);
	else if (op < 0x90)
		send_segments(f, in, 1, true);
	else if (op < 0x98)
		send_segments(f, in, 2 + op % 8, false);
	else if (op < 0xe0)
		call(f, in);
	else
		pass_time(f, 1ull << (op & 0x1f));
	host_run(&f->host, f->host.now_us);
	host_check(&f->host, deep);
}

static void
finish(struct fuzz *f)
{
	struct sluice *s = &f->host.w.sluice;

	f->host.pkts.fail_nth = 0;
	for (unsigned int i = 0; i < CONNS; i++)
		if (f->conns[i].handle != 0)
			sluice_abort(s, f->conns[i].handle);
	sluice_listener_close(s, f->listener);
	tcp_abort_all(f->host.w.tcp, &f->host.w.env);
	pass_time(f, 70000000);
	for (unsigned int i = 0; i < CONNS; i++)
		FUZZ_CHECK(f->conns[i].handle == 0);
	host_check_idle(&f->host);
	host_fini(&f->host);
}

struct life_result
life_run(const uint8_t *data, size_t size, const struct life_params *par)
{
	static struct fuzz f;
	struct input in = { data, size };
	struct life_result res;

	start(&f, &in, par->ip6);
	for (unsigned int i = 0; i < par->steps_max && in.left > 0; i++)
		step(&f, &in, i % par->deep_every == 0);
	res = (struct life_result){
		.packets = f.host.stats.frames_in,
		.connections = f.host.w.ctr.ActiveOpens + f.host.w.ctr.PassiveOpens,
		.bytes = f.bytes_read,
	};
	finish(&f);
	return res;
}
