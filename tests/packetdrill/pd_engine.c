/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack between the sockets and the wire: IP packets in and out, events to their sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

#include "base/seq32.h"
#include "net/ip_output.h"
#include "pkt/pool.h"
#include "wire/eth.h"

#define PKTS_MAX 100000u
#define PKT_ROOM 9500u

/*
 * The wire has no Ethernet, the stack has: what comes in gets a header in front, from the one
 * neighbour there is. So every check of the net layer is passed as in the appliance.
 */
static const struct mac_addr own_mac = { { 0x02, 0, 0, 0, 0, 1 } };
static const struct mac_addr peer_mac = { { 0x02, 0, 0, 0, 0, 2 } };

void
pd_engine_set_now(struct pd *pd, uint64_t now_us)
{
	pd->env.now_us = now_us;
	pd->env.now_ms = (uint32_t)(now_us / 1000);
}

static struct siphash_key
draw_key(struct pd *pd)
{
	return (struct siphash_key){ { rng_u64(&pd->rng), rng_u64(&pd->rng) } };
}

static int
init_net(struct pd *pd)
{
	const struct net_params par = {
		.mac = own_mac,
		.mtu = pd->mtu,
		.local = &pd->local,
		.neigh_max = 16,
		.neigh_key = draw_key(pd),
	};

	return net_init(&pd->net, &par);
}

static int
init_tcp(struct pd *pd, uint64_t now_us)
{
	const struct tcp_params par = {
		.conns_max = 4096,
		.park_after_ms = TCP_PARK_AFTER_MS,
		.synq_max = 4096,
		.timewait_max = 4096,
		.ranges_max = 65536,
		.mtu = pd->mtu,
		.workers = 1,
		.flow_key = draw_key(pd),
		.isn_key = draw_key(pd),
		.cookie_key = { draw_key(pd), draw_key(pd) },
		.port_key = draw_key(pd),
		.local = &pd->local,
	};

	return tcp_stack_create(&par, now_us, &pd->tcp);
}

int
pd_engine_init(struct pd *pd, uint64_t now_us)
{
	int err;

	rng_seed(&pd->rng, 1);
	tunables_default(&pd->tun);
	test_pkts_init(&pd->pkts, PKTS_MAX, PKT_ROOM);
	pd->env = (struct env){
		.tun = &pd->tun,
		.ctr = &pd->ctr,
		.rng = &pd->rng,
		.pool = &pd->pkts.pool,
		.tx = &pd->ip_tx,
	};
	pd_engine_set_now(pd, now_us);
	pd->out_tail = &pd->out_head;
	err = init_net(pd);
	return err != 0 ? err : init_tcp(pd, now_us);
}

static void
free_queue(struct pd *pd, struct pkt_txq *q)
{
	while (q->count > 0)
		pkt_free(pd->env.pool, q->pkts[--q->count]);
}

void
pd_engine_fini(struct pd *pd)
{
	struct pd_packet *next;

	tcp_stack_destroy(pd->tcp, &pd->env);
	free_queue(pd, &pd->ip_tx);
	free_queue(pd, &pd->frames);
	net_fini(&pd->net, &pd->env);
	pd_syn_free_all(pd);
	for (; pd->out_head != NULL; pd->out_head = next) {
		next = pd->out_head->next;
		free(pd->out_head);
	}
}

int
pd_local_find(const struct pd *pd, const struct ip_addr *addr)
{
	return ip_addr_is_unspecified(addr) ? -1 : local_addrs_find(&pd->local, addr);
}

int
pd_local_for(const struct pd *pd, const struct ip_addr *remote)
{
	for (unsigned int i = 0; i < pd->local.count; i++)
		if (ip_addr_is_v4(&pd->local.addr[i]) == ip_addr_is_v4(remote))
			return (int)i;
	return -1;
}

/* --- events --------------------------------------------------------------------------------- */

/* Linux keeps what was received before a reset; the engine gives it up with the connection. */
void
pd_keep_received(struct pd *pd, struct pd_sock *s)
{
	ptrdiff_t queued = tcp_recv_queued(pd->tcp, s->handle);

	if (queued <= 0)
		return;
	s->left = malloc((size_t)queued);
	if (s->left == NULL)
		abort();
	s->left_at = 0;
	s->left_len = (size_t)tcp_recv(pd->tcp, &pd->env, s->handle, s->left, (size_t)queued);
}

/* What the next event may take away is noted while it is there. */
static void
look_at(struct pd *pd, struct pd_sock *s)
{
	struct tcp_details d;

	if (s->kind != PD_CONN || s->handle == 0 ||
		tcp_get_details(pd->tcp, &pd->env, s->handle, &d) != 0)
		return;
	switch (d.row.state) {
	case TCPS_CLOSE_WAIT:
	case TCPS_LAST_ACK:
	case TCPS_CLOSING:
	case TCPS_TIME_WAIT:
		s->activity += !s->peer_fin;
		s->peer_fin = true;
		break;
	case TCPS_CLOSED:
		/* Where both sides were done the engine has no event for the end. */
		s->activity += s->last.row.state != TCPS_CLOSED;
		pd_keep_received(pd, s);
		break;
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
		break;
	case TCPS_FIN_WAIT_2:
		s->activity += s->last.row.state == TCPS_FIN_WAIT_1;
		break;
	}
	if (!s->connecting)
		pd_room_look(pd, s, &d);
	if (s->nospace && pd_is_writable(pd, s)) {
		s->nospace = false;
		s->wr_activity++;
	}
	pd_errq_acked(s, d.snd_una);
	pd_stamp_acked(pd, s, d.snd_una);
	if (d.rcv_nxt != s->last.rcv_nxt)
		s->rx_us = pd->env.now_us;
	s->last = d;
}

static void
set_error(struct pd_sock *s, int err)
{
	if (err == 0)
		return;
	/* A reset of a connection the peer had half closed reads as a broken pipe. */
	if (err == -ECONNRESET && s->peer_fin && !s->wr_shut)
		err = -EPIPE;
	s->error = -err;
}

static void
on_event(struct pd *pd, struct pd_sock *s, const struct tcp_event *ev)
{
	size_t lowat = (size_t)max_u32((uint32_t)s->value[PD_OPT_RCVLOWAT], 1);

	/* Room is looked for where somebody found none. */
	if (ev->what & ~(TCP_EV_READABLE | TCP_EV_WRITABLE))
		s->activity++;
	else if (ev->what & TCP_EV_READABLE)
		s->rd_activity += pd_readable(pd, s) >= lowat;
	if (ev->what & TCP_EV_CONNECTED) {
		s->connecting = false;
		set_error(s, ev->err);
		s->dead = s->dead || ev->err != 0;
	}
	if (ev->what & TCP_EV_CLOSED) {
		if (!s->dead)
			set_error(s, ev->err);
		s->connecting = false;
		s->dead = true;
		s->handle = 0;
		pd_errq_gone(s);
	}
}

/* --- the wire ------------------------------------------------------------------------------- */

static uint32_t
port_pair(const uint8_t *tcp)
{
	uint32_t pair;

	memcpy(&pair, tcp, sizeof(pair));
	return pair;
}

/* The socket a TCP packet comes from, by its ports; NULL: none of ours. */
static struct pd_sock *
sender_of(const struct pd *pd, const uint8_t *tcp)
{
	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		struct pd_sock *s = pd->socks[i];
		uint8_t ports[4];

		if (s == NULL || s->kind != PD_CONN)
			continue;
		ports[0] = (uint8_t)(s->lport >> 8);
		ports[1] = (uint8_t)s->lport;
		ports[2] = (uint8_t)(s->rport >> 8);
		ports[3] = (uint8_t)s->rport;
		if (port_pair(ports) == port_pair(tcp))
			return s;
	}
	return NULL;
}

bool
pd_ttl_is_enough(const struct pd *pd, const uint8_t *ip, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t at = v4 ? (size_t)(ip[0] & 15) * 4 : 40;
	uint8_t ports[4];

	if (len < at + 20 || (v4 ? ip[9] : ip[6]) != IPPROTO_TCP)
		return true;
	/* As seen from our side. */
	memcpy(ports, ip + at + 2, 2);
	memcpy(ports + 2, ip + at, 2);
	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		const struct pd_sock *s = pd->socks[i];
		int least;

		if (s == NULL || s->lport != load_be16(ports) || s->kind == PD_NEW ||
			(s->kind == PD_CONN && s->rport != load_be16(ports + 2)))
			continue;
		least = s->value[v4 ? PD_OPT_MINTTL : PD_OPT_MINHOPCOUNT];
		if (ip[v4 ? 8 : 7] < least)
			return false;
	}
	return true;
}

/* IP_TOS and IPV6_TCLASS, but for the two bits that are ECN's. */
static void
set_tos(const struct pd_sock *s, uint8_t *ip)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t tos, sum = 0;

	tos = (uint32_t)s->value[v4 ? PD_OPT_TOS : PD_OPT_TCLASS] & 0xfc;
	if (!v4) {
		ip[0] = (uint8_t)(0x60 | tos >> 4);
		ip[1] = (uint8_t)((ip[1] & 0x3f) | (tos & 0x0c) << 4);
		return;
	}
	ip[1] = (uint8_t)((ip[1] & 3) | tos);
	ip[10] = ip[11] = 0;
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void
note_leaving(struct pd *pd, uint8_t *ip, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t at = v4 ? 20 : 40, hdr;
	struct pd_sock *s;
	uint32_t seq;

	if (len < at + 20 || (v4 ? ip[9] : ip[6]) != IPPROTO_TCP)
		return;
	s = sender_of(pd, ip + at);
	if (s == NULL)
		return;
	set_tos(s, ip);
	hdr = at + (size_t)(ip[at + 12] >> 4) * 4;
	seq = load_be32(ip + at + 4) + (ip[at + 13] & 2 ? 1 : 0);
	if (len == hdr)
		return;
	pd_room_sent(pd, s, seq, (uint32_t)(len - hdr), (ip[at + 13] & 8) != 0);
	pd_stamp_sent(pd, s, seq, (uint32_t)(len - hdr), len);
}

static void
put_out(struct pd *pd, struct pkt *p, unsigned int skip)
{
	size_t len = (size_t)(p->data_len - skip);
	struct pd_packet *out = malloc(sizeof(*out) + len);

	if (out == NULL)
		abort();
	out->next = NULL;
	out->at_us = pd->env.now_us;
	out->len = len;
	memcpy(out->bytes, pkt_data(p) + skip, len);
	note_leaving(pd, out->bytes, len);
	*pd->out_tail = out;
	pd->out_tail = &out->next;
	pkt_free(pd->env.pool, p);
}

/* TCP's packets as they are, the net layer's own answers without their Ethernet header. */
static bool
drain(struct pd *pd)
{
	unsigned int n = pd->ip_tx.count + pd->frames.count;

	for (unsigned int i = 0; i < pd->frames.count; i++)
		put_out(pd, pd->frames.pkts[i], ETH_HDR_LEN);
	for (unsigned int i = 0; i < pd->ip_tx.count; i++)
		put_out(pd, pd->ip_tx.pkts[i], 0);
	pd->frames.count = 0;
	pd->ip_tx.count = 0;
	return n > 0;
}

void
pd_engine_run(struct pd *pd)
{
	pd->run++;
	do {
		struct tcp_event ev;

		for (unsigned int i = 0; i < PD_FDS_MAX; i++)
			if (pd->socks[i] != NULL)
				look_at(pd, pd->socks[i]);
		while (tcp_next_event(pd->tcp, &ev))
			if (ev.data != NULL)
				on_event(pd, ev.data, &ev);
		tcp_flush(pd->tcp, &pd->env);
	} while (drain(pd));
	pd_wake_all(pd);
}

void
pd_engine_poll(struct pd *pd)
{
	while (pd_engine_due_at(pd) <= pd->env.now_us) {
		net_poll(&pd->net, &pd->env, &pd->frames);
		tcp_poll(pd->tcp, &pd->env);
		pd_engine_run(pd);
	}
}

uint64_t
pd_engine_due_at(const struct pd *pd)
{
	return min_u64(net_poll_at(&pd->net), tcp_poll_at(pd->tcp));
}

/*
 * Linux: whatever the error is, the open has failed. It waits in the error queue as well, which in
 * IPv4 nobody has to ask for.
 */
static void
fail_open(struct pd *pd, struct pd_sock *s, const struct icmp_report *report, const uint8_t *ip,
	size_t len)
{
	unsigned int sent = pd->ip_tx.count;

	tcp_set_owner(pd->tcp, s->handle, NULL, NULL);
	tcp_abort(pd->tcp, &pd->env, s->handle);
	/* The peer of a crossed SYN is not told: the error says that it would not hear. */
	while (pd->ip_tx.count > sent)
		pkt_free(pd->env.pool, pd->ip_tx.pkts[--pd->ip_tx.count]);
	if (ip[0] >> 4 == 4 || s->value[PD_OPT_RECVERR6] != 0)
		pd_errq_icmp(s, report, ip, len);
	on_event(pd, s, &(struct tcp_event){
		.what = TCP_EV_CONNECTED | TCP_EV_CLOSED, .err = -report->err });
}

/* IP_PMTUDISC_DONT: its packets may be cut on the way, and nobody need tell us. */
static bool
is_pmtu_fixed(const struct pd *pd, const struct icmp_report *report)
{
	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		const struct pd_sock *s = pd->socks[i];

		if (s != NULL && s->kind == PD_CONN && s->lport == report->key.lport &&
			s->rport == report->key.rport)
			return s->value[PD_OPT_MTU_DISCOVER] == IP_PMTUDISC_DONT;
	}
	return false;
}

/* Linux: an error that ends nothing is told by SO_ERROR; with IP_RECVERR at once. */
static void
take_report(struct pd *pd, const uint8_t *ip, size_t len)
{
	const struct icmp_report *report = &pd->net.report;
	uint64_t used = pd->ctr.outcome[OUT_ICMP_ERROR_USED];

	if (report->kind == ICMP_REPORT_TOO_BIG && is_pmtu_fixed(pd, report))
		return;
	tcp_icmp_input(pd->tcp, &pd->env, report);
	if (pd->ctr.outcome[OUT_ICMP_ERROR_USED] == used || report->kind == ICMP_REPORT_TOO_BIG)
		return;
	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		struct pd_sock *s = pd->socks[i];

		if (s == NULL || s->kind != PD_CONN || s->lport != report->key.lport ||
			s->rport != report->key.rport)
			continue;
		if (s->connecting) {
			fail_open(pd, s, report, ip, len);
			continue;
		}
		if (s->value[PD_OPT_RECVERR] != 0 || s->value[PD_OPT_RECVERR6] != 0) {
			s->error = report->err;
			s->activity++;
		} else {
			s->soft_error = report->err;
		}
	}
}

/* Segments whose ACK counted. */
static uint64_t
count_taken(const struct pd *pd)
{
	const uint64_t *n = pd->ctr.outcome;

	return n[OUT_DELIVERED] + n[OUT_PURE_ACK] + n[OUT_FIN_CONSUMED] + n[OUT_OOO_QUEUED];
}

/* Linux: an ACK that counts, if it is not older than the last, shows that the trouble is over. */
static void
take_segment(struct pd *pd, const struct tcp_seg *seg, struct pkt *p)
{
	struct pd_sock *in_trouble = NULL;
	uint64_t taken = count_taken(pd);
	struct tcp_details d;

	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		struct pd_sock *s = pd->socks[i];

		if (s != NULL && s->soft_error != 0 && s->lport == seg->key.lport &&
			s->rport == seg->key.rport && pd_details(pd, s, &d) &&
			seq32_geq(seg->ack, d.snd_una))
			in_trouble = s;
	}
	tcp_input_burst(pd->tcp, &pd->env, seg, &p, 1);
	if (in_trouble != NULL && count_taken(pd) != taken)
		in_trouble->soft_error = 0;
}

int
pd_engine_input(struct pd *pd, const uint8_t *ip, size_t len)
{
	const struct eth_hdr eth = {
		.dst = own_mac,
		.src = peer_mac,
		.type = ip[0] >> 4 == 4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6,
	};
	uint8_t *frame = malloc(ETH_HDR_LEN + len);
	enum net_verdict verdict;
	struct tcp_seg seg;
	struct pkt *p;

	if (frame == NULL)
		return -ENOMEM;
	eth_encode(frame, &eth);
	memcpy(frame + ETH_HDR_LEN, ip, len);
	p = test_pkts_wrap(&pd->pkts, pd->env.pool, frame, ETH_HDR_LEN + len);
	free(frame);
	verdict = net_input(&pd->net, &pd->env, p, &seg, &pd->frames);
	if (verdict == NET_TCP_WHOLE)
		p = pd->net.whole;
	if (verdict == NET_REPORT)
		take_report(pd, ip, len);
	if (verdict == NET_TCP || verdict == NET_TCP_WHOLE)
		take_segment(pd, &seg, p);
	pd_engine_run(pd);
	return 0;
}
