/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of diagnose's rules: over made-up snapshots, and over an engine in the situation. */
#include "unit/diag_world.h"

#include <stdlib.h>

static void
is_found(const char *rule, enum diag_severity severity, const char *what, const char *fix)
{
	diag_run(&w.d, &w.before, &w.now);
	assert_int_equal(w.d.count, 1);
	assert_string_equal(w.d.found[0].rule, rule);
	assert_int_equal(w.d.found[0].severity, severity);
	if (strstr(w.d.found[0].what, what) == NULL)
		fail_msg("%s: %s", rule, w.d.found[0].what);
	if (strstr(w.d.found[0].fix, fix) == NULL)
		fail_msg("%s: %s", rule, w.d.found[0].fix);
}

static void
nothing_is_found(void)
{
	diag_run(&w.d, &w.before, &w.now);
	if (w.d.count != 0)
		fail_msg("%s: %s", w.d.found[0].rule, w.d.found[0].what);
}

static void
a_healthy_system_has_no_findings(void **state)
{
	(void)state;
	healthy();
	nothing_is_found();
	memset(&w, 0, sizeof(w));
	nothing_is_found();
}

static void
full_accept_queues_are_found(void **state)
{
	(void)state;
	healthy();
	w.now.listeners[0].overflows = 300;
	is_found("accept-queue", DIAG_ERROR, "150 handshakes a second", "set somaxconn 8192");
	w.now.listeners[0].acceptq_limit = 100;
	is_found("accept-queue", DIAG_ERROR, "limit of 100", "services.http.backlog: 200");
	assert_null(strstr(w.d.found[0].fix, "somaxconn"));
	healthy();
	w.now.listeners[0].acceptq = 3276;
	nothing_is_found();
	w.now.listeners[0].acceptq = 3277;
	is_found("accept-queue", DIAG_WARNING, "3277 of 4096", "somaxconn");
}

static void
full_syn_queues_are_found_where_cookies_are_off(void **state)
{
	(void)state;
	healthy();
	w.now.listeners[0].drops_full = 10;
	w.now.listeners[0].drops_early = 10;
	nothing_is_found();
	w.now.listeners[0].syncookies = 0;
	is_found("syn-queue", DIAG_ERROR, "drops 10 SYNs a second", "services.http.syncookies");
	w.now.tun.tcp_syncookies = 0;
	is_found("syn-queue", DIAG_ERROR, "cookies are off", "sluicectl set tcp_syncookies 1");
	w.before.listeners[0] = w.now.listeners[0];
	nothing_is_found();
}

static void
a_syn_backlog_raised_alone_is_found(void **state)
{
	(void)state;
	healthy();
	w.now.listeners[0].acceptq_limit = 128;
	nothing_is_found();
	w.now.tun.tcp_max_syn_backlog = 65536;
	is_found("syn-backlog-alone", DIAG_WARNING, "here 256", "set somaxconn 65536");
	w.now.listeners[0].acceptq_limit = 65536;
	nothing_is_found();
}

static void
syn_floods_are_found(void **state)
{
	(void)state;
	healthy();
	w.now.c.outcome[OUT_SYN_COOKIE_SENT] = 2000000;
	is_found("syn-flood", DIAG_WARNING, "1010050 SYNs a second", "tcp_syncookies 2");
	w.now.listeners[0].syncookies = 0;
	is_found("syn-flood", DIAG_ERROR, "kept out", "tcp_syncookies 1");
	w.now.c.PassiveOpens = 1000000;
	nothing_is_found();
}

static void
limits_of_sources_that_drop_are_found(void **state)
{
	(void)state;
	healthy();
	w.now.tun.tcp_source_syn_rate = 100;
	w.now.c.SourceRateDrops = 600;
	is_found("source-limits", DIAG_WARNING, "300 SYNs a second", "tcp_source_syn_rate 200");
	w.before.c.SourceRateDrops = 600;
	nothing_is_found();
	w.now.tun.tcp_source_conns = 8;
	w.now.c.SourceConnsDrops = 2;
	is_found("source-limits", DIAG_WARNING, "Each of 2 workers", "tcp_source_conns 16");
	/* A flood is one too if its SYNs are dropped for their sources. */
	w.before.c.SourceConnsDrops = 2;
	w.now.c.outcome[OUT_SOURCE_RATE] = 2000000;
	is_found("syn-flood", DIAG_WARNING, "1010050 SYNs a second", "tcp_syncookies 2");
}

static void
ends_that_pile_up_are_found(void **state)
{
	(void)state;
	healthy();
	w.now.c.TimeWaits = 262144 * 8 / 10 + 1;
	is_found("time-wait", DIAG_WARNING, "of at most 262144", "tcp_max_tw_buckets 524288");
	w.now.c.TCPTimeWaitOverflow = 2;
	is_found("time-wait", DIAG_ERROR, "1 connections a second skip", "524288");
	healthy();
	w.now.c.TimeWaits = 25000;
	nothing_is_found();
	w.now.c.ActiveOpens = 200;
	is_found("local-ports", DIAG_WARNING, "can have 28232", "tcp_tw_reuse 1");
	healthy();
	w.now.c.state_count[TCPS_CLOSE_WAIT] = 1000;
	is_found("close-wait", DIAG_WARNING, "1000 connections", "--state close-wait");
	w.before.c.state_count[TCPS_CLOSE_WAIT] = 1001;
	nothing_is_found();
	healthy();
	w.now.c.state_count[TCPS_FIN_WAIT_1] = 50;
	nothing_is_found();
	w.now.c.TCPWinProbe = 4;
	is_found("fin-wait-1", DIAG_WARNING, "2 probes a second", "tcp_orphan_retries 3");
	healthy();
	w.now.c.Orphans = 60000;
	is_found("orphans", DIAG_WARNING, "60000 of at most 65536", "tcp_max_orphans 131072");
	w.now.c.TCPAbortOnMemory = 1;
	is_found("orphans", DIAG_ERROR, "60000", "tcp_fin_timeout");
}

static void
trouble_on_the_way_is_found(void **state)
{
	(void)state;
	healthy();
	w.now.c.RetransSegs = 20000;
	is_found("retransmissions", DIAG_WARNING, "2.0%", "show ports");
	/* And where. */
	w.now.conns[0].retrans = 7;
	memcpy(w.now.conns[0].key, "10.0.0.1 80 10.0.0.9 1234", 26);
	w.before.conns[0] = w.now.conns[0];
	w.before.conns[0].retrans = 2;
	is_found("retransmissions", DIAG_WARNING, "10.0.0.9 1234, sent 5 again", "show ports");
	w.now.c.RetransSegs = 100000;
	is_found("retransmissions", DIAG_ERROR, "9.1%", "show ports");
	healthy();
	w.now.c.PAWSEstab = 9;
	nothing_is_found();
	w.now.c.PAWSEstab = 10;
	is_found("paws", DIAG_WARNING, "5 segments a second", "tcp_timestamps 0");
	healthy();
	w.now.c.InCsumErrors = 20;
	is_found("checksums", DIAG_WARNING, "10 packets", "checksum_offload");
	w.now.c.InCsumErrors = 10000;
	is_found("checksums", DIAG_ERROR, "5000 packets", "pktgen");
}

static void
buffers_that_hold_connections_back_are_found_with_the_number(void **state)
{
	struct diag_conn *c = &w.now.conns[0];

	(void)state;
	healthy();
	/* 4 MiB each 100 ms, from before to behind the wrap. */
	w.before.conns[0].acked = UINT32_MAX - 1000;
	c->acked = w.before.conns[0].acked + 20 * 4194304u;
	nothing_is_found();
	c->sndbuf = 4194304;
	is_found("buffers", DIAG_WARNING, "4194304 bytes on the way at a round trip of 100.0 ms",
		"sluicectl set tcp_wmem 4096 16384 8388608");
	c->acked = w.before.conns[0].acked + 10 * 4194304u;
	nothing_is_found();
	c->rcvbuf = 6291456;
	c->received = 20 * 3000000;
	is_found("buffers", DIAG_WARNING, "3000000 bytes", "tcp_rmem 4096 131072 12582912");
	memcpy(c->key, "b", 2);
	nothing_is_found();
}

static void
a_short_box_is_found(void **state)
{
	(void)state;
	healthy();
	w.now.packets_free = 1638;
	is_found("memory", DIAG_WARNING, "1638 of 16384", "memory.packets: 32768");
	w.now.c.PktAllocFails = 4;
	is_found("memory", DIAG_ERROR, "2 times a second", "memory.packets");
	healthy();
	w.now.c.ConnsInUse = 1000;
	w.now.c.ConnAllocFails = 2;
	is_found("memory", DIAG_ERROR, "all 1000", "memory.connections: 2000");
	healthy();
	w.now.c.TCPMemoryPressures = 1;
	w.now.c.QueueBytes = 409600;
	is_found("memory-pressure", DIAG_WARNING, "hold 100 pages", "memory.packets: 32768");
	w.now.tun.tcp_mem[0] = 50;
	w.now.tun.tcp_mem[1] = 90;
	w.now.tun.tcp_mem[2] = 200;
	is_found("memory-pressure", DIAG_WARNING, "began 1 times", "set tcp_mem 100 180 400");
	w.now.c.ConnMemRefused = 4;
	is_found("memory-pressure", DIAG_ERROR, "2 times a second", "set tcp_mem");
	healthy();
	w.now.c.ServiceFull = 4;
	is_found("service-full", DIAG_WARNING, "2 connections a second", "max_conns");
	healthy();
	w.now.c.HandoverDrops = 2;
	is_found("handover", DIAG_ERROR, "1 packets", "netdev_max_backlog 2000");
	healthy();
	w.now.cores[1].busy_ns = 100;
	w.now.cores[1].idle_ns = 900;
	is_found("core-balance", DIAG_WARNING, "worker 0 is busy 90%", "queues");
}

static void
snap_conns(struct tcp_bed *bed, struct diag_snap *s)
{
	struct tcp_conn_info info;
	uint64_t cursor = 0;

	while (s->conn_count < DIAG_CONNS_MAX &&
		tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1) == 1) {
		struct diag_conn *c = &s->conns[s->conn_count++];

		snprintf(c->key, sizeof(c->key), "port %u", (unsigned int)info.key.rport);
		c->srtt_us = info.srtt_us;
		c->sndbuf = info.sndbuf_bytes;
		c->rcvbuf = info.rcvbuf_bytes;
		c->acked = info.acked_bytes;
		c->received = info.received_bytes;
		c->retrans = info.retrans;
	}
}

/* A snapshot of an engine as the daemon would show it. */
static void
snap_engine(struct tcp_bed *bed, struct diag_snap *s)
{
	struct tcp_listener_info info;

	memset(s, 0, sizeof(*s));
	s->packets_total = 1000;
	s->packets_free = 1000;
	snap_conns(bed, s);
	assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &info, 1), 1);
	s->ts_ns = bed->env.now_us * 1000;
	s->c = bed->ctr;
	s->tun = bed->tun;
	s->listener_count = 1;
	s->listeners[0] = (struct diag_listener){
		.name = "x",
		.port = info.port,
		.syncookies = info.syncookies,
		.acceptq = info.acceptq,
		.acceptq_limit = info.acceptq_limit,
		.synq = info.synq,
		.synq_limit = info.synq_limit,
		.overflows = info.acceptq_overflows,
		.drops_full = info.syn_drops_full,
		.drops_early = info.syn_drops_early,
	};
}

static void
an_engine_whose_service_does_not_accept_is_found(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 2);
	memset(&w, 0, sizeof(w));
	snap_engine(bed, &w.before);
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p, bed);
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
	}
	tcp_bed_advance(bed, 1000);
	tcp_bed_discard(bed);
	snap_engine(bed, &w.now);
	is_found("accept-queue", DIAG_ERROR, "at its limit of 2", "services.x.backlog: 4");
}

static void
an_engine_without_cookies_whose_syn_queue_is_full_is_found(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_syncookies = 0;
	tcp_bed_listen(bed, 2);
	memset(&w, 0, sizeof(w));
	snap_engine(bed, &w.before);
	for (unsigned int i = 0; i < 5; i++) {
		bed_peer_init(&p, bed);
		bed_peer_syn(&p);
	}
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 500);
	snap_engine(bed, &w.now);
	is_found("syn-queue", DIAG_ERROR, "holds 4 of 4", "sluicectl set tcp_syncookies 1");
}

static void
an_engine_that_keeps_one_source_out_is_found(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_source_conns = 2;
	tcp_bed_listen(bed, 0);
	tcp_bed_advance(bed, 1);
	memset(&w, 0, sizeof(w));
	snap_engine(bed, &w.before);
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p, bed);
		bed_peer_syn(&p);
	}
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 500);
	snap_engine(bed, &w.now);
	is_found("source-limits", DIAG_WARNING, "2 connections a second", "tcp_source_conns 4");
}

/* --- engines in trouble: what diagnose looks at is what the engine counts ------------------- */

static struct bed_peer peers[200];

/* The first look; the second one comes a second later. */
static void
look(struct tcp_bed *bed)
{
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 1);
	snap_engine(bed, &w.before);
}

static void
look_again(struct tcp_bed *bed)
{
	tcp_bed_advance(bed, 1000);
	tcp_bed_discard(bed);
	snap_engine(bed, &w.now);
}

static void
reach(struct tcp_bed *bed, unsigned int from, unsigned int to, enum tcp_state state)
{
	for (unsigned int i = from; i < to; i++) {
		bed_peer_init(&peers[i], bed);
		bed_peer_reach(&peers[i], state);
		tcp_bed_discard(bed);
	}
}

/* More connections than a bed has by itself. */
static void
start_large(struct tcp_bed *bed)
{
	bed->par.conns_max = ARRAY_SIZE(peers);
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
}

static void
an_engine_that_is_well_is_left_alone(void **state)
{
	struct tcp_bed *bed = *state;

	start_large(bed);
	look(bed);
	reach(bed, 0, 50, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 50; i++) {
		uint8_t buf[100];

		bed_peer_send(&peers[i], TCP_ACK, 100);
		tcp_recv(bed->stack, &bed->env, peers[i].h, buf, sizeof(buf));
		tcp_send(bed->stack, &bed->env, peers[i].h, buf, sizeof(buf), 0);
		tcp_bed_flush(bed);
		bed_peer_saw(&peers[i], 100);
		bed_peer_send(&peers[i], TCP_ACK, 0);
	}
	look_again(bed);
	nothing_is_found();
}

static void
an_engine_whose_time_waits_are_near_their_cap_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	bed->par.timewait_max = 10;
	bed->tun.tcp_max_tw_buckets = 10;
	start_large(bed);
	look(bed);
	reach(bed, 0, 7, TCPS_TIME_WAIT);
	look_again(bed);
	nothing_is_found();
	reach(bed, 7, 8, TCPS_TIME_WAIT);
	look_again(bed);
	is_found("time-wait", DIAG_WARNING, "8 of at most 10", "set tcp_max_tw_buckets 20");
	look(bed);
	reach(bed, 8, 10, TCPS_TIME_WAIT);
	/* The eleventh finds no place. */
	reach(bed, 10, 11, TCPS_FIN_WAIT_2);
	bed_peer_send(&peers[10], TCP_FIN | TCP_ACK, 0);
	look_again(bed);
	is_found("time-wait", DIAG_ERROR, "1 connections a second skip", "tcp_timewait_len");
}

static void
an_engine_that_runs_out_of_local_ports_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.ip_local_port_range[0] = 50000;
	bed->tun.ip_local_port_range[1] = 50009;
	start_large(bed);
	reach(bed, 0, 8, TCPS_TIME_WAIT);
	look(bed);
	bed_peer_init(&peers[8], bed);
	peers[8].active = true;
	bed_peer_reach(&peers[8], TCPS_ESTABLISHED);
	look_again(bed);
	is_found("local-ports", DIAG_WARNING, "8 are in TIME-WAIT, while one destination can have "
		"10", "set tcp_tw_reuse 1");
}

static void
an_engine_whose_service_does_not_close_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	start_large(bed);
	look(bed);
	reach(bed, 0, 99, TCPS_CLOSE_WAIT);
	look_again(bed);
	nothing_is_found();
	reach(bed, 99, 100, TCPS_CLOSE_WAIT);
	look_again(bed);
	is_found("close-wait", DIAG_ERROR, "100 connections are in CLOSE-WAIT", "has to close");
}

static void
an_engine_whose_peers_keep_their_windows_closed_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	start_large(bed);
	look(bed);
	reach(bed, 0, 50, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 50; i++) {
		peers[i].wnd = 0;
		bed_peer_send(&peers[i], TCP_ACK, 0);
		tcp_send(bed->stack, &bed->env, peers[i].h, "the rest", 8, 0);
		tcp_close(bed->stack, &bed->env, peers[i].h);
		tcp_bed_flush(bed);
	}
	look_again(bed);
	is_found("fin-wait-1", DIAG_WARNING, "50 connections are held", "tcp_orphan_retries 3");
}

static void
an_engine_with_many_orphans_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_max_orphans = 10;
	start_large(bed);
	look(bed);
	reach(bed, 0, 8, TCPS_FIN_WAIT_2);
	for (unsigned int i = 0; i < 8; i++)
		tcp_close(bed->stack, &bed->env, peers[i].h);
	look_again(bed);
	is_found("orphans", DIAG_WARNING, "8 of at most 10", "set tcp_max_orphans 20");
	reach(bed, 8, 12, TCPS_ESTABLISHED);
	for (unsigned int i = 8; i < 12; i++)
		tcp_close(bed->stack, &bed->env, peers[i].h);
	look_again(bed);
	is_found("orphans", DIAG_ERROR, "10 of at most 10", "set tcp_fin_timeout 15");
}

static void
an_engine_whose_segments_are_lost_is_found_with_the_peer(void **state)
{
	struct tcp_bed *bed = *state;
	char port[20];

	start_large(bed);
	reach(bed, 0, 100, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 100; i++)
		tcp_send(bed->stack, &bed->env, peers[i].h, "x", 1, 0);
	tcp_bed_flush(bed);
	look(bed);
	/* The path of all but one heals at once. */
	tcp_bed_advance(bed, 1100);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < 99; i++) {
		bed_peer_saw(&peers[i], 1);
		bed_peer_send(&peers[i], TCP_ACK, 0);
	}
	tcp_bed_advance(bed, 2000);
	look_again(bed);
	snprintf(port, sizeof(port), "port %u, sent", (unsigned int)peers[99].key.rport);
	is_found("retransmissions", DIAG_ERROR, port, "look at the path");
}

static void
an_engine_behind_a_nat_that_mixes_clocks_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	start_large(bed);
	look(bed);
	bed_peer_init(&peers[0], bed);
	peers[0].offer = TCP_OPT_TS;
	bed_peer_reach(&peers[0], TCPS_ESTABLISHED);
	peers[0].tsval -= 100;
	for (unsigned int i = 0; i < 10; i++)
		bed_peer_send_at(&peers[0], 0, 0, TCP_ACK, 10);
	look_again(bed);
	is_found("paws", DIAG_WARNING, "share an address behind a NAT", "set tcp_timestamps 0");
}

static void
an_engine_that_is_flooded_and_answers_with_cookies_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	start_large(bed);
	look(bed);
	for (unsigned int i = 0; i < 2000; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_send(&p, TCP_SYN, 0);
		tcp_bed_discard(bed);
	}
	look_again(bed);
	is_found("syn-flood", DIAG_WARNING, "clients still get through", "upstream");
}

static void
an_engine_without_a_free_connection_is_found(void **state)
{
	struct tcp_bed *bed = *state;

	bed->par.conns_max = 4;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	look(bed);
	reach(bed, 0, 4, TCPS_ESTABLISHED);
	bed_peer_init(&peers[4], bed);
	bed_peer_syn(&peers[4]);
	bed_peer_ack_syn(&peers[4]);
	look_again(bed);
	is_found("memory", DIAG_ERROR, "all 4 are in use", "memory.connections: 8");
}

static void
an_engine_under_memory_pressure_is_found(void **state)
{
	const uint32_t mark = 20 * 2400 / 4096;
	struct tcp_bed *bed = *state;

	start_large(bed);
	reach(bed, 0, 1, TCPS_ESTABLISHED);
	bed->tun.tcp_mem[0] = mark;
	bed->tun.tcp_mem[1] = mark;
	bed->tun.tcp_mem[2] = 10 * mark;
	look(bed);
	for (unsigned int i = 0; i < 30; i++)
		bed_peer_send(&peers[0], TCP_ACK, 1460);
	look_again(bed);
	is_found("memory-pressure", DIAG_WARNING, "memory pressure began", "set tcp_mem 22 22 220");
}

static void
an_engine_whose_send_buffer_is_below_the_product_is_found(void **state)
{
	static const uint8_t data[16384];
	struct tcp_bed *bed = *state;

	bed->tun.tcp_wmem[1] = bed->tun.tcp_wmem[2] = sizeof(data);
	start_large(bed);
	reach(bed, 0, 1, TCPS_ESTABLISHED);
	peers[0].wnd = 65535;
	for (unsigned int i = 0; i < 40; i++) {
		/* A round trip of 50 ms, and a service that always has more. */
		tcp_send(bed->stack, &bed->env, peers[0].h, data, sizeof(data), 0);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		tcp_bed_advance(bed, 50);
		tcp_bed_discard(bed);
		peers[0].ack = bed_peer_conn(&peers[0])->snd_nxt;
		bed_peer_send(&peers[0], TCP_ACK, 0);
		if (i == 19)
			look(bed);
	}
	snap_engine(bed, &w.now);
	tcp_bed_discard(bed);
	is_found("buffers", DIAG_WARNING, "by tcp_wmem", "set tcp_wmem 4096 16384 32768");
}

static void
answers_become_snapshots(void **state)
{
	json_t *answer = json_pack("{s:I,s:[{s:s,s:i},{s:s,s:i}]}", "ts_ns", (json_int_t)77,
		"counters", "name", "TcpExtPAWSEstab", "value", 5, "name", "Unknown", "value", 6);

	(void)state;
	memset(&w, 0, sizeof(w));
	diag_read_counters(&w.now, answer);
	assert_int_equal(w.now.ts_ns, 77);
	assert_int_equal(w.now.c.PAWSEstab, 5);
	json_decref(answer);
	answer = json_pack("{s:[{s:s,s:[i,i,i]},{s:s,s:i},{s:s,s:s},{s:s}]}", "tunables", "name",
		"tcp_rmem", "value", 4096, 8192, 16384, "name", "somaxconn", "value", 9, "name",
		"tcp_congestion_control", "value", "no-such", "name", "unheard-of");
	diag_read_tunables(&w.now, answer);
	assert_int_equal(w.now.tun.tcp_rmem[2], 16384);
	assert_int_equal(w.now.tun.somaxconn, 9);
	json_decref(answer);
	answer = json_pack("{s:[{s:s,s:i},{s:n}]}", "outcomes", "reason", "no-listener", "packets",
		3, "reason");
	diag_read_outcomes(&w.now, answer);
	assert_int_equal(w.now.c.outcome[OUT_NO_LISTENER], 3);
	json_decref(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_system_has_no_findings),
		cmocka_unit_test(full_accept_queues_are_found),
		cmocka_unit_test(full_syn_queues_are_found_where_cookies_are_off),
		cmocka_unit_test(a_syn_backlog_raised_alone_is_found),
		cmocka_unit_test(syn_floods_are_found),
		cmocka_unit_test(limits_of_sources_that_drop_are_found),
		cmocka_unit_test(ends_that_pile_up_are_found),
		cmocka_unit_test(trouble_on_the_way_is_found),
		cmocka_unit_test(buffers_that_hold_connections_back_are_found_with_the_number),
		cmocka_unit_test(a_short_box_is_found),
		BED_TEST(an_engine_whose_service_does_not_accept_is_found),
		BED_TEST(an_engine_without_cookies_whose_syn_queue_is_full_is_found),
		BED_TEST(an_engine_that_keeps_one_source_out_is_found),
		BED_TEST_PREPARED(an_engine_that_is_well_is_left_alone),
		BED_TEST_PREPARED(an_engine_whose_time_waits_are_near_their_cap_is_found),
		BED_TEST_PREPARED(an_engine_that_runs_out_of_local_ports_is_found),
		BED_TEST_PREPARED(an_engine_whose_service_does_not_close_is_found),
		BED_TEST_PREPARED(an_engine_whose_peers_keep_their_windows_closed_is_found),
		BED_TEST_PREPARED(an_engine_with_many_orphans_is_found),
		BED_TEST_PREPARED(an_engine_whose_segments_are_lost_is_found_with_the_peer),
		BED_TEST_PREPARED(an_engine_behind_a_nat_that_mixes_clocks_is_found),
		BED_TEST_PREPARED(an_engine_that_is_flooded_and_answers_with_cookies_is_found),
		BED_TEST_PREPARED(an_engine_without_a_free_connection_is_found),
		BED_TEST_PREPARED(an_engine_under_memory_pressure_is_found),
		BED_TEST_PREPARED(an_engine_whose_send_buffer_is_below_the_product_is_found),
		cmocka_unit_test(answers_become_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
