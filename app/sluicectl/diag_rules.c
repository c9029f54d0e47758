/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules of diagnose: what two snapshots say is wrong, and which knob helps by how much. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"

/* From here on a limit counts as near, in percent of it. */
#define NEAR 80u
/* Unanswered SYNs a second that no busy client makes. */
#define FLOOD_PER_S 1000u
/* Below these a share says nothing. */
#define RETRANS_LEAST 100u
#define BAD_LEAST 10u
#define CLOSE_WAIT_LEAST 100u
#define FIN_WAIT_LEAST 50u

__attribute__((__format__(__printf__, 4, 5))) static void
add(struct diag *d, enum diag_severity severity, const char *fix, const char *fmt, ...)
{
	struct diag_finding *found = &d->found[d->count];
	va_list args;

	if (d->count == DIAG_FINDINGS_MAX)
		return;
	d->count++;
	found->rule = d->rule;
	found->severity = severity;
	va_start(args, fmt);
	vsnprintf(found->what, sizeof(found->what), fmt, args);
	va_end(args);
	snprintf(found->fix, sizeof(found->fix), "%s", fix);
}

/* How much a counter grew between the snapshots. */
#define GREW(d, name) ((d)->now->c.name - (d)->before->c.name)

static uint64_t
outcome_grew(const struct diag *d, enum outcome out)
{
	return d->now->c.outcome[out] - d->before->c.outcome[out];
}

static double
seconds(const struct diag *d)
{
	uint64_t ns = d->now->ts_ns - d->before->ts_ns;

	return ns > 0 ? (double)ns / 1e9 : 1;
}

static unsigned long long
per_second(const struct diag *d, uint64_t grew)
{
	return (unsigned long long)((double)grew / seconds(d) + 0.5);
}

/* Is used near a limit? Without one, never. */
static bool
is_near(uint64_t used, uint64_t limit)
{
	return limit > 0 && used * 100 >= limit * NEAR;
}

/* The same listener a snapshot earlier; one that was opened since has grown from nothing. */
static const struct diag_listener *
listener_before(const struct diag *d, const struct diag_listener *l)
{
	static const struct diag_listener none;
	unsigned int i;

	for (i = 0; i < d->before->listener_count; i++) {
		const struct diag_listener *old = &d->before->listeners[i];

		if (old->port == l->port && strcmp(old->name, l->name) == 0)
			return old;
	}
	return &none;
}

/* --- opening -------------------------------------------------------------------------------- */

static void
backlog_fix(const struct diag *d, const struct diag_listener *l, char *fix, size_t len)
{
	unsigned long long want = 2ull * l->acceptq_limit;
	size_t used = 0;

	if (want > d->now->tun.somaxconn)
		used = (size_t)snprintf(fix, len, "sluicectl set somaxconn %llu; ", want);
	snprintf(fix + used, len - used,
		"services.%s.backlog: %llu in the configuration, if it is below that", l->name,
		want);
}

static void
accept_queue(struct diag *d)
{
	unsigned int i;

	for (i = 0; i < d->now->listener_count; i++) {
		const struct diag_listener *l = &d->now->listeners[i];
		uint64_t lost = l->overflows - listener_before(d, l)->overflows;
		char fix[300];

		backlog_fix(d, l, fix, sizeof(fix));
		if (lost > 0)
			add(d, DIAG_ERROR, fix,
				"the accept queue of %s (port %u) overflows: %llu handshakes a "
				"second meet it full at its limit of %llu. The service accepts too "
				"slowly, or the queue is too short for bursts; if it is full all "
				"the time, a longer one only waits longer: add workers",
				l->name, l->port, per_second(d, lost),
				(unsigned long long)l->acceptq_limit);
		else if (is_near(l->acceptq, l->acceptq_limit))
			add(d, DIAG_WARNING, fix,
				"%llu of %llu places in the accept queue of %s (port %u) are taken",
				(unsigned long long)l->acceptq,
				(unsigned long long)l->acceptq_limit, l->name, l->port);
	}
}

static void
syn_queue(struct diag *d)
{
	unsigned int i;

	for (i = 0; i < d->now->listener_count; i++) {
		const struct diag_listener *l = &d->now->listeners[i];
		const struct diag_listener *old = listener_before(d, l);
		uint64_t lost =
			l->drops_full + l->drops_early - old->drops_full - old->drops_early;
		char fix[300] = "sluicectl set tcp_syncookies 1";

		if (lost == 0 || l->syncookies != 0)
			continue;
		if (d->now->tun.tcp_syncookies != 0)
			snprintf(fix, sizeof(fix),
				"services.%s.syncookies: 1 in the configuration, or without the "
				"key",
				l->name);
		add(d, DIAG_ERROR, fix,
			"%s (port %u) drops %llu SYNs a second: its SYN queue holds %llu of %llu "
			"and SYN cookies are off. With cookies a full queue keeps nobody out",
			l->name, l->port, per_second(d, lost), (unsigned long long)l->synq,
			(unsigned long long)l->synq_limit);
	}
}

/* min(backlog, somaxconn) is what binds the SYN queue: 2 x the smaller of the two. */
static void
syn_backlog_alone(struct diag *d)
{
	const uint64_t asked = d->now->tun.tcp_max_syn_backlog;
	uint64_t largest = 0;
	struct tunables defaults;
	char fix[300];
	unsigned int i;

	tunables_default(&defaults);
	for (i = 0; i < d->now->listener_count; i++) {
		if (d->now->listeners[i].acceptq_limit > largest)
			largest = d->now->listeners[i].acceptq_limit;
	}
	if (largest == 0 || asked <= defaults.tcp_max_syn_backlog || asked <= largest)
		return;
	snprintf(fix, sizeof(fix),
		"sluicectl set somaxconn %llu, and services.NAME.backlog: %llu in the "
		"configuration",
		(unsigned long long)asked, (unsigned long long)asked);
	add(d, DIAG_WARNING, fix,
		"tcp_max_syn_backlog is %llu, but no SYN queue may hold more than 2 x min(backlog, "
		"somaxconn), here %llu: raising it alone has no effect",
		(unsigned long long)asked, 2ull * largest);
}

static void
syn_flood(struct diag *d)
{
	uint64_t syns = outcome_grew(d, OUT_SYN_QUEUED) + outcome_grew(d, OUT_SYN_COOKIE_SENT) +
			outcome_grew(d, OUT_SYN_QUEUE_FULL) +
			outcome_grew(d, OUT_SYN_EARLY_DROP) + outcome_grew(d, OUT_SOURCE_RATE);
	uint64_t opened = GREW(d, PassiveOpens);
	bool is_open = false;
	unsigned int i;

	for (i = 0; i < d->now->listener_count; i++)
		is_open = is_open || d->now->listeners[i].syncookies == 0;
	if (per_second(d, syns) < FLOOD_PER_S || opened * 10 >= syns)
		return;
	add(d, is_open ? DIAG_ERROR : DIAG_WARNING,
		is_open ? "sluicectl set tcp_syncookies 1"
			: "nothing to do here; sluicectl set tcp_syncookies 2 keeps no half-open "
			  "state at all. Filter the sources upstream",
		"a SYN flood: %llu SYNs a second, %llu of them became connections. %s",
		per_second(d, syns), per_second(d, opened),
		is_open ? "SYN cookies are off, so clients are kept out"
			: "SYN cookies answer it, and clients still get through");
}

/* A limit that drops does what it is for: only its owner knows whether the source is one attacker
 * or many clients behind one address. */
static void
source_fix(const char *key, uint32_t limit, char *fix, size_t len)
{
	size_t used = (size_t)snprintf(fix, len, "if these are clients: ");

	if (limit > 0)
		used += (size_t)snprintf(fix + used, len - used,
			"sluicectl set tcp_%s %llu, or ", key, 2ull * limit);
	snprintf(fix + used, len - used, "more for services.NAME.%s in the configuration", key);
}

static void
source_limits(struct diag *d)
{
	uint32_t rate = d->now->tun.tcp_source_syn_rate, conns = d->now->tun.tcp_source_conns;
	uint64_t fast = GREW(d, SourceRateDrops), many = GREW(d, SourceConnsDrops);
	unsigned int workers = d->now->core_count > 0 ? d->now->core_count : 1;
	char fix[300];

	source_fix("source_syn_rate", rate, fix, sizeof(fix));
	if (fast > 0)
		add(d, DIAG_WARNING, fix,
			"%llu SYNs a second are dropped because their source prefix sends more "
			"than its rate",
			per_second(d, fast));
	source_fix("source_conns", conns, fix, sizeof(fix));
	if (many > 0)
		add(d, DIAG_WARNING, fix,
			"%llu connections a second are refused because their source prefix has "
			"all it may have. Each of %u workers holds its share of the limit, and a "
			"source's connections do not spread evenly: less than 8 a worker is tight",
			per_second(d, many), workers);
}

/* --- closing -------------------------------------------------------------------------------- */

static void
time_wait(struct diag *d)
{
	uint64_t limit = d->now->tun.tcp_max_tw_buckets, used = d->now->c.TimeWaits;
	uint64_t lost = GREW(d, TCPTimeWaitOverflow);
	char fix[300];

	/* The memory for them is taken at the start. */
	snprintf(fix, sizeof(fix),
		"sluicectl set tcp_max_tw_buckets %llu, and memory.time_wait: %llu in the "
		"configuration; or a shorter tcp_timewait_len",
		2ull * limit, 2ull * limit);
	if (lost > 0)
		add(d, DIAG_ERROR, fix,
			"%llu connections a second skip TIME-WAIT because tcp_max_tw_buckets "
			"(%llu) is reached: late segments of them may disturb new ones",
			per_second(d, lost), (unsigned long long)limit);
	else if (is_near(used, limit))
		add(d, DIAG_WARNING, fix, "%llu of at most %llu connections are in TIME-WAIT",
			(unsigned long long)used, (unsigned long long)limit);
}

static void
local_ports(struct diag *d)
{
	const struct tunables *tun = &d->now->tun;
	uint64_t ports = tun->ip_local_port_range[1] - tun->ip_local_port_range[0] + 1;
	uint64_t used = d->now->c.TimeWaits, refused = GREW(d, LocalPortsFull);
	const char *fix = tun->tcp_tw_reuse == 1
				? "sluicectl set ip_local_port_range 1024 65535"
				: "sluicectl set tcp_tw_reuse 1; sluicectl set ip_local_port_range "
				  "1024 65535";

	if (refused > 0) {
		add(d, DIAG_ERROR, fix,
			"%llu opens of ours a second find no local port: one destination can have "
			"%llu of them, those in TIME-WAIT included",
			per_second(d, refused), (unsigned long long)ports);
		return;
	}
	if (GREW(d, ActiveOpens) == 0 || !is_near(used, ports))
		return;
	add(d, DIAG_WARNING, fix,
		"local ports may run out: we open %llu connections a second and %llu are in "
		"TIME-WAIT, while one destination can have %llu",
		per_second(d, GREW(d, ActiveOpens)), (unsigned long long)used,
		(unsigned long long)ports);
}

static void
close_wait(struct diag *d)
{
	uint64_t now = d->now->c.state_count[TCPS_CLOSE_WAIT];
	uint64_t all = now + d->now->c.state_count[TCPS_ESTABLISHED];

	if (now < CLOSE_WAIT_LEAST || now < d->before->c.state_count[TCPS_CLOSE_WAIT] ||
		now * 10 < all)
		return;
	add(d, now * 2 >= all ? DIAG_ERROR : DIAG_WARNING,
		"find the ports with: sluicectl show connections --state close-wait; no tunable "
		"ends them, the service has to close",
		"%llu connections are in CLOSE-WAIT, of %llu open ones: their peers have closed, "
		"the service has not",
		(unsigned long long)now, (unsigned long long)all);
}

static void
fin_wait_1(struct diag *d)
{
	uint64_t held = d->now->c.state_count[TCPS_FIN_WAIT_1];
	uint64_t probes = GREW(d, TCPWinProbe);

	if (held < FIN_WAIT_LEAST || probes == 0 ||
		held < d->before->c.state_count[TCPS_FIN_WAIT_1])
		return;
	add(d, DIAG_WARNING, "sluicectl set tcp_orphan_retries 3",
		"%llu connections are held in FIN-WAIT-1 by peers that keep their window closed "
		"(%llu probes a second): each keeps what it has still to send",
		(unsigned long long)held, per_second(d, probes));
}

static void
orphans(struct diag *d)
{
	uint64_t limit = d->now->tun.tcp_max_orphans, used = d->now->c.Orphans;
	char fix[300];

	if (!is_near(used, limit))
		return;
	snprintf(fix, sizeof(fix),
		"sluicectl set tcp_max_orphans %llu; sluicectl set tcp_fin_timeout 15",
		2ull * limit);
	add(d, GREW(d, TCPAbortOnMemory) > 0 ? DIAG_ERROR : DIAG_WARNING, fix,
		"%llu of at most %llu connections are orphans, closed by the service but not "
		"finished; beyond the limit they are reset",
		(unsigned long long)used, (unsigned long long)limit);
}

/* --- data ----------------------------------------------------------------------------------- */

static const struct diag_conn *
conn_before(const struct diag *d, const struct diag_conn *c)
{
	unsigned int i;

	for (i = 0; i < d->before->conn_count; i++) {
		if (strcmp(d->before->conns[i].key, c->key) == 0)
			return &d->before->conns[i];
	}
	return NULL;
}

/* The connection of the sample that sent most again, as "to A port B: n of them"; "": none. */
static void
worst_conn(const struct diag *d, char *out, size_t len)
{
	uint64_t most = 0;
	unsigned int i;

	out[0] = '\0';
	for (i = 0; i < d->now->conn_count; i++) {
		const struct diag_conn *c = &d->now->conns[i];
		const struct diag_conn *old = conn_before(d, c);
		uint64_t grew = old != NULL && c->retrans > old->retrans ? c->retrans - old->retrans
									  : 0;

		if (grew <= most)
			continue;
		most = grew;
		snprintf(out, len, "; the worst of %u looked at, %s, sent %llu again",
			d->now->conn_count, c->key, (unsigned long long)grew);
	}
}

static void
retransmissions(struct diag *d)
{
	uint64_t again = GREW(d, RetransSegs), all = again + GREW(d, OutSegs);
	char where[240];

	if (again < RETRANS_LEAST || again * 100 < all)
		return;
	worst_conn(d, where, sizeof(where));
	add(d, again * 20 >= all ? DIAG_ERROR : DIAG_WARNING,
		"look at the path, not at tunables: sluicectl show ports (missed, errors), the "
		"switch's drops, the MTU; sluicectl show connections --info names the peers",
		"%.1f%% of the segments we send are retransmissions (%llu a second)%s",
		100 * (double)again / (double)all, per_second(d, again), where);
}

static void
paws(struct diag *d)
{
	uint64_t bad = GREW(d, PAWSEstab) + GREW(d, PAWSActive);

	if (bad < BAD_LEAST)
		return;
	add(d, DIAG_WARNING,
		"find the device that rewrites timestamps, or, as the last resort: sluicectl set "
		"tcp_timestamps 0",
		"%llu segments a second are rejected for an old timestamp (PAWS): several hosts "
		"share an address behind a NAT, or a clock on the way jumps",
		per_second(d, bad));
}

static void
checksums(struct diag *d)
{
	uint64_t bad = GREW(d, InCsumErrors) + GREW(d, IpExtInCsumErrors);

	if (bad < BAD_LEAST)
		return;
	add(d, bad * 100 >= GREW(d, InSegs) ? DIAG_ERROR : DIAG_WARNING,
		"ports.NAME.checksum_offload: off in the configuration, to see whether the port "
		"lies; else replace the sender (old pktgen versions send such segments)",
		"%llu packets a second have a wrong checksum", per_second(d, bad));
}

/* Bytes on the way at this speed: what a buffer must hold. */
static uint64_t
product(const struct diag *d, uint32_t bytes, uint64_t srtt_us)
{
	return (uint64_t)((double)bytes / seconds(d) * (double)srtt_us / 1e6);
}

static void
buffer_add(struct diag *d, const char *tunable, const uint32_t *values, uint64_t bytes,
	uint64_t srtt_us)
{
	char fix[300];

	snprintf(fix, sizeof(fix), "sluicectl set %s %u %u %llu", tunable, values[0], values[1],
		2ull * values[2]);
	add(d, DIAG_WARNING, fix,
		"the largest buffer, %u bytes by %s, holds connections back: one has %llu bytes on "
		"the way at a round trip of %.1f ms, which is all the buffer allows. Twice the "
		"buffer allows twice the speed",
		values[2], tunable, (unsigned long long)bytes, (double)srtt_us / 1e3);
}

/* A buffer that has grown to its largest size and is used up at every round trip is too small. */
static void
buffers(struct diag *d)
{
	const struct tunables *tun = &d->now->tun;
	uint64_t sent = 0, sent_rtt = 0, got = 0, got_rtt = 0;
	unsigned int i;

	for (i = 0; i < d->now->conn_count; i++) {
		const struct diag_conn *c = &d->now->conns[i];
		const struct diag_conn *old = conn_before(d, c);
		uint64_t bytes;

		if (old == NULL)
			continue;
		bytes = product(d, c->acked - old->acked, c->srtt_us);
		if (c->sndbuf >= tun->tcp_wmem[2] && is_near(bytes, c->sndbuf) && bytes > sent) {
			sent = bytes;
			sent_rtt = c->srtt_us;
		}
		/* Half of the receive buffer is offered as window. */
		bytes = product(d, c->received - old->received, c->srtt_us);
		if (c->rcvbuf >= tun->tcp_rmem[2] && is_near(bytes, c->rcvbuf / 2) && bytes > got) {
			got = bytes;
			got_rtt = c->srtt_us;
		}
	}
	if (sent > 0)
		buffer_add(d, "tcp_wmem", tun->tcp_wmem, sent, sent_rtt);
	if (got > 0)
		buffer_add(d, "tcp_rmem", tun->tcp_rmem, got, got_rtt);
}

/* --- the box -------------------------------------------------------------------------------- */

static void
memory(struct diag *d)
{
	uint64_t lost = GREW(d, PktAllocFails) + outcome_grew(d, OUT_NO_BUFFER);
	uint64_t total = d->now->packets_total, refused;
	char fix[300];

	snprintf(fix, sizeof(fix), "memory.packets: %llu in the configuration",
		2ull * total);
	if (lost > 0)
		add(d, DIAG_ERROR, fix, "%llu times a second there is no packet buffer left",
			per_second(d, lost));
	else if (d->now->packets_free * 10 < total)
		add(d, DIAG_WARNING, fix, "only %llu of %llu packet buffers of a worker are free",
			(unsigned long long)d->now->packets_free, (unsigned long long)total);
	refused = GREW(d, ConnAllocFails) + outcome_grew(d, OUT_TABLE_FULL);
	snprintf(fix, sizeof(fix), "memory.connections: %llu in the configuration",
		2ull * d->now->c.ConnsInUse);
	if (refused > 0)
		add(d, DIAG_ERROR, fix,
			"%llu connections a second are refused: all %llu are in use",
			per_second(d, refused), (unsigned long long)d->now->c.ConnsInUse);
}

/* tcp_mem: queues grew beyond its marks, because services or peers do not read. */
static void
memory_pressure(struct diag *d)
{
	uint64_t began = GREW(d, TCPMemoryPressures);
	uint64_t lost = GREW(d, ConnMemRefused) + GREW(d, RcvPruned) +
			outcome_grew(d, OUT_MEM_LIMIT);
	const uint32_t *marks = d->now->tun.tcp_mem;
	uint64_t held = d->now->c.QueueBytes / 4096;
	char fix[300];

	if (marks[2] > 0)
		snprintf(fix, sizeof(fix), "sluicectl set tcp_mem %llu %llu %llu",
			2ull * marks[0], 2ull * marks[1], 2ull * marks[2]);
	else
		snprintf(fix, sizeof(fix), "memory.packets: %llu in the configuration",
			2ull * d->now->packets_total);
	snprintf(fix + strlen(fix), sizeof(fix) - strlen(fix),
		"; or lower tcp_rmem and tcp_wmem, if many peers are slow");
	if (lost > 0)
		add(d, DIAG_ERROR, fix,
			"%llu times a second data or a connection is refused: the queues hold %llu "
			"pages, more than tcp_mem lets them",
			per_second(d, lost), (unsigned long long)held);
	else if (began > 0)
		add(d, DIAG_WARNING, fix,
			"memory pressure began %llu times: the queues hold %llu pages, and buffers "
			"do not grow above the middle mark of tcp_mem",
			(unsigned long long)began, (unsigned long long)held);
}

/* max_conns of a service: its clients wait in the accept queue, or get an answer that says so. */
static void
service_full(struct diag *d)
{
	uint64_t full = GREW(d, ServiceFull);

	if (full == 0)
		return;
	add(d, DIAG_WARNING, "services.NAME.max_conns in the configuration, or more workers",
		"%llu connections a second find their service with all the connections it may have",
		per_second(d, full));
}

static void
handover(struct diag *d)
{
	uint64_t lost = GREW(d, HandoverDrops);
	char fix[300];

	if (lost == 0)
		return;
	snprintf(fix, sizeof(fix), "sluicectl set netdev_max_backlog %llu; as many queues as "
		"workers need no hand-over", 2ull * d->now->tun.netdev_max_backlog);
	add(d, DIAG_ERROR, fix, "%llu packets a second are lost on the way to another worker",
		per_second(d, lost));
}

/* Percent of the time between the snapshots that a worker was busy. */
static unsigned int
busy_percent(const struct diag *d, unsigned int i)
{
	uint64_t busy = d->now->cores[i].busy_ns - d->before->cores[i].busy_ns;
	uint64_t idle = d->now->cores[i].idle_ns - d->before->cores[i].idle_ns;

	return busy + idle > 0 ? (unsigned int)(100 * busy / (busy + idle)) : 0;
}

static void
core_balance(struct diag *d)
{
	unsigned int count = d->now->core_count, most = 0, most_at = 0, sum = 0, rest, i;

	if (count < 2 || count != d->before->core_count)
		return;
	for (i = 0; i < count; i++) {
		unsigned int busy = busy_percent(d, i);

		sum += busy;
		if (busy > most) {
			most = busy;
			most_at = i;
		}
	}
	rest = (sum - most) / (count - 1);
	if (most < NEAR || rest * 2 > most)
		return;
	add(d, DIAG_WARNING,
		"see sluicectl show cores and show ports --features: as many queues as workers, "
		"and a port that spreads flows; a few heavy connections cannot be spread",
		"worker %u is busy %u%% of the time, the others %u%% on average",
		d->now->cores[most_at].worker, most, rest);
}

/* --- all of them ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(struct diag *d);
} rules[] = {
	{ "accept-queue", accept_queue },
	{ "syn-queue", syn_queue },
	{ "syn-backlog-alone", syn_backlog_alone },
	{ "syn-flood", syn_flood },
	{ "source-limits", source_limits },
	{ "time-wait", time_wait },
	{ "local-ports", local_ports },
	{ "close-wait", close_wait },
	{ "fin-wait-1", fin_wait_1 },
	{ "orphans", orphans },
	{ "retransmissions", retransmissions },
	{ "paws", paws },
	{ "checksums", checksums },
	{ "buffers", buffers },
	{ "memory", memory },
	{ "memory-pressure", memory_pressure },
	{ "service-full", service_full },
	{ "handover", handover },
	{ "core-balance", core_balance },
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

unsigned int
diag_rule_count(void)
{
	return RULE_COUNT;
}

void
diag_run(struct diag *d, const struct diag_snap *before, const struct diag_snap *now)
{
	size_t i;

	d->before = before;
	d->now = now;
	d->count = 0;
	for (i = 0; i < RULE_COUNT; i++) {
		d->rule = rules[i].name;
		rules[i].run(d);
	}
}
