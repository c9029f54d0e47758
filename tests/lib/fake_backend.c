/* SPDX-License-Identifier: BSD-3-Clause */
/* The made-up daemon. */
#include "lib/fake_backend.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tcp/tcp.h"
#include "worker/tap.h"

static const char conf_text[] =
	"workers: 2\n"
	"ports: {wan0: {addresses: [192.0.2.1/24, '2001:db8::1/64'], gateway: 192.0.2.254}}\n"
	"services: {echo: {port: 7}, http: {port: 80, root: /srv/www}}\n";

static uint64_t
fake_now_us(void *ctx)
{
	struct fake_backend *fake = ctx;
	struct timespec ts;

	if (!fake->real_time) {
		fake->now_us += fake->tick_us;
		return fake->now_us;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static const struct counters *
fake_counters(void *ctx, unsigned int worker)
{
	const struct fake_backend *fake = ctx;

	return &fake->counters[worker];
}

static void
fake_core(void *ctx, unsigned int worker, struct ctl_core_row *out)
{
	struct fake_backend *fake = ctx;
	uint64_t up_ns = (fake_now_us(fake) - fake->backend.started_us) * 1000;

	*out = (struct ctl_core_row){
		.cpu = worker == 0 ? 2 : -1,
		.loops = 1000000,
		.busy_ns = up_ns / 4,
		.idle_ns = up_ns - up_ns / 4,
		.loop_max_us = 14 + worker,
		.stalls = 3,
		.stalled_ns = up_ns / 50,
		.sleeps = 77,
		.pkts_free = 16000,
		.pkts_total = 16384,
	};
}

static const struct residence *
fake_residence(void *ctx, unsigned int worker)
{
	const struct fake_backend *fake = ctx;

	return &fake->residence[worker];
}

static uint64_t
fake_ticks_ns(void *ctx, uint64_t ticks)
{
	(void)ctx;
	return 2 * ticks;
}

static unsigned int
fake_ports(void *ctx, struct ctl_port_row *rows, unsigned int max)
{
	(void)ctx;
	if (max == 0)
		return 0;
	rows[0] = (struct ctl_port_row){
		.name = "wan0",
		.type = "tap",
		.driver = "net_tap",
		.is_up = true,
		.speed_mbps = 10000,
		.queues = 2,
		.queues_asked = 2,
		.mtu = 1500,
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.rx_csum = CTL_FEATURE_HW,
		.tx_csum = CTL_FEATURE_SW,
		.tso = CTL_FEATURE_OFF,
		.lro = CTL_FEATURE_NONE,
		.rss = CTL_FEATURE_HW,
		.rss_key = "fixed",
		.rx_packets = 2301554,
		.tx_packets = 2149141,
		.rx_octets = 1500000000,
		.tx_octets = 1400000000,
		.rx_missed = 3,
	};
	return 1;
}

static void
fake_reloaded(void *ctx, const struct config *next)
{
	struct fake_backend *fake = ctx;

	fake->conf.drain_timeout_s = next->drain_timeout_s;
}

static void
fake_stop(void *ctx)
{
	struct fake_backend *fake = ctx;

	fake->stopping++;
}

static void
counters_fill(struct counters *c)
{
	c->RxPackets = 1150777;
	c->TxPackets = 1074570;
	c->RxOctets = 750000000;
	c->InSegs = 1150000;
	c->PassiveOpens = 5000;
	c->SyncookiesSent = 12;
	c->state_count[TCPS_ESTABLISHED] = 100;
	c->CurrEstab = 100;
	c->outcome[OUT_DELIVERED] = 1000000;
	c->outcome[OUT_PURE_ACK] = 74570;
	c->outcome[OUT_BAD_TCP_CSUM] = 74400;
	c->outcome[OUT_COOKIE_INVALID] = 1605;
	c->outcome[OUT_NO_LISTENER] = 202;
}

void
fake_backend_init(struct fake_backend *fake)
{
	struct config_report report;
	unsigned int i;

	memset(fake, 0, sizeof(*fake));
	config_report_init(&report);
	if (config_parse(conf_text, sizeof(conf_text) - 1, NULL, &fake->conf, &report) != 0 ||
		mail_hub_create(FAKE_WORKERS, NULL, NULL, &fake->hub) != 0)
		abort();
	fake->local.count = 2;
	for (i = 0; i < 2; i++)
		fake->local.addr[i] = fake->conf.ports[0].addresses.prefix[i].addr;
	for (i = 0; i < FAKE_WORKERS; i++) {
		counters_fill(&fake->counters[i]);
		fake->residence[i].bucket[residence_bucket_of(60)] = 990;
		fake->residence[i].bucket[residence_bucket_of(500)] = 9;
		fake->residence[i].bucket[residence_bucket_of(8000ull << i)] = 1;
	}
	fake_backend_reset(fake);
	fake->now_us = 1000000000;
	fake->conn_count = 3;
	fake->backend = (struct ctl_backend){
		.ctx = fake,
		.version = "0.0.0-test",
		.config = &fake->conf,
		.config_path = "/nonexistent/sluice.yaml",
		.reloaded = fake_reloaded,
		.local = &fake->local,
		.tunables = &fake->tunables,
		.hub = &fake->hub,
		.started_us = 990000000,
		.drops = &fake->drops,
		.now_us = fake_now_us,
		.counters = fake_counters,
		.core = fake_core,
		.residence = fake_residence,
		.ticks_ns = fake_ticks_ns,
		.ports = fake_ports,
		.stop = fake_stop,
	};
}

void
fake_backend_reset(struct fake_backend *fake)
{
	unsigned int i;

	tunables_default(&fake->tunables);
	for (i = 0; i < FAKE_WORKERS; i++)
		fake->worker_tunables[i] = fake->tunables;
	fake->draining = 0;
	fake->stopping = 0;
}

void
fake_backend_fini(struct fake_backend *fake)
{
	mail_hub_destroy(&fake->hub);
}

/* As many digits as every figure can have. */
static void
conn_largest(struct tcp_conn_info *info)
{
	memset(info, 0xff, sizeof(*info));
	memset(&info->key.raddr, 0xee, sizeof(info->key.raddr));
	info->key.laddr_idx = 1;
	info->state = TCPS_SYN_RECEIVED;
	info->timer_ms = UINT32_MAX - 1;
	info->data_idle_ms = UINT32_MAX - 1;
	info->sent_idle_ms = UINT32_MAX - 1;
	info->cc = "as-long-as-16-ch";
	info->has_notes = true;
	info->notes.in_rto = false;
	info->has_ts = info->has_sack = info->has_ecn = info->reorders = false;
	info->orphan = false;
}

static void
conns_fill(const struct fake_backend *fake, struct ctl_msg *msg)
{
	struct ip_addr remote = ip_addr_from_v4(0xc0000209);

	for (msg->rows = 0; msg->rows < msg->rows_max && msg->cursor < fake->conn_count;
		msg->rows++) {
		struct tcp_conn_info *info = &msg->conns[msg->rows];

		memset(info, 0, sizeof(*info));
		info->key = flow_key_make(&remote, (uint16_t)msg->cursor, 0, 80);
		info->state = msg->cursor == 1 ? TCPS_TIME_WAIT : TCPS_ESTABLISHED;
		info->srtt_us = 1500;
		info->cwnd_bytes = 14600;
		info->mss = 1460;
		info->rto_ms = 204;
		info->rttvar_us = 750;
		info->has_ts = info->has_sack = true;
		info->snd_wscale = 7;
		info->rcv_wscale = 8;
		info->rcv_mss = 536;
		info->acked_bytes = 123456;
		info->received_bytes = 7890;
		info->idle_ms = 12;
		info->data_idle_ms = 34;
		info->sent_idle_ms = 56;
		info->ato_ms = 40;
		info->backoff = 1;
		info->limit = TCP_LIMIT_PEER;
		/* A daemon that counts more has one connection of them. */
		info->has_notes = msg->cursor == 2;
		info->notes.segs_in = 6;
		info->notes.bytes_retrans = 77;
		info->notes.busy_us = 5000;
		info->notes.rwnd_limited_us = 3000;
		info->has_ecn = true;
		info->ca = TCP_CA_RECOVERY;
		info->pmtu = 1512;
		info->adv_mss = 1448;
		info->notsent_bytes = 99;
		info->flight_bytes = 4 * 1460;
		info->sacked_bytes = 1460;
		info->lost_bytes = 1461;
		info->again_bytes = 100;
		info->retrans = 7;
		info->delivery_rate = 9125000;
		info->cc = msg->cursor == 1 ? NULL : "cubic";
		info->timer_ms = msg->cursor == 0 ? UINT32_MAX : 200;
		if (fake->use_largest)
			conn_largest(info);
		msg->cursor++;
	}
	if (msg->cursor >= fake->conn_count)
		msg->cursor = CTL_CURSOR_END;
}

static void
listeners_fill(const struct fake_backend *fake, struct ctl_msg *msg)
{
	uint32_t i;

	msg->rows = fake->conf.service_count;
	for (i = 0; i < msg->rows; i++)
		msg->listeners[i] = (struct tcp_listener_info){
			.name = fake->conf.services[i].name,
			.laddr_idx = -1,
			.port = (uint16_t)fake->conf.services[i].port,
			.syncookies = 1,
			.acceptq = 1,
			.acceptq_limit = 2048,
			.synq_limit = 4096,
			.accepted = 1000,
			.cookies_sent = 12,
			.acceptq_overflows = fake->overflows,
			.syn_drops_full = 1,
			.syn_drops_early = 2,
			.syn_drops_accept = 3,
			.fastopen = true,
			.fastopen_pending = 1,
			.fastopen_limit = 128,
			.fastopen_opened = 20,
			.fastopen_failed = 3,
			.syn_drops_source = 4,
		};
}

static void
mail_answer(struct fake_backend *fake, unsigned int worker, struct ctl_msg *msg)
{
	switch (msg->op) {
	case CTL_SET_TUNABLES:
		fake->worker_tunables[worker] = msg->tunables;
		return;
	case CTL_LIST_CONNS:
		conns_fill(fake, msg);
		return;
	case CTL_LIST_LISTENERS:
		listeners_fill(fake, msg);
		return;
	case CTL_TAP:
		fake->taps[worker] = msg->tap;
		return;
	case CTL_DRAIN:
		fake->draining++;
		return;
	case CTL_STOP:
		fake->stopping++;
		return;
	}
}

/* A SYN from 192.0.2.9:4242 to 192.0.2.1:80, or the RST that answers it. */
static void
frame_tap(struct fake_backend *fake, struct tap *tap, bool is_sent)
{
	uint8_t b[60] = { [12] = 8, [14] = 0x45, [17] = 40, [22] = 64, [23] = 6, [26] = 192,
		[28] = 2, [29] = 9, [30] = 192, [32] = 2, [33] = 1, [34] = 16, [35] = 146,
		[37] = 80, [41] = 7, [46] = 0x50, [47] = 2, [48] = 0xfa, [49] = 0xf0 };
	struct pkt p = { .buf = b, .data_len = sizeof(b), .pkt_len = sizeof(b) };

	if (is_sent) {
		memcpy(b + 26, "\xc0\x00\x02\x01\xc0\x00\x02\x09\x00\x50\x10\x92", 12);
		b[47] = 0x14;
	}
	if (tap_hold(tap, fake_now_us(fake), &p, is_sent))
		(void)tap_keep(tap, is_sent ? TAP_SENT : (unsigned int)OUT_NO_LISTENER);
}

void
fake_backend_turn(struct fake_backend *fake)
{
	unsigned int i;

	for (i = 0; !fake->workers_asleep && i < FAKE_WORKERS; i++) {
		struct ctl_msg *msg;

		while ((msg = mailbox_next(&fake->hub.boxes[i])) != NULL) {
			mail_answer(fake, i, msg);
			mailbox_answer(&fake->hub.boxes[i], msg);
		}
		if (fake->taps[i] != NULL) {
			frame_tap(fake, fake->taps[i], false);
			frame_tap(fake, fake->taps[i], true);
		}
	}
}
