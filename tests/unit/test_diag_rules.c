/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of each of diagnose's rules at its edge: silent just below, heard at it. */
#include "unit/diag_world.h"

static void
cookies_off(void)
{
	w.now.listeners[0].syncookies = 0;
}

static void
many_time_waits(void)
{
	w.now.c.TimeWaits = 22586;
}

static void
window_probes(void)
{
	w.now.c.TCPWinProbe = 1;
}

static void
largest_send_buffer(void)
{
	w.now.conns[0].sndbuf = 4194304;
}

static void
one_idle_worker(void)
{
	w.now.cores[1].idle_ns = 540;
}

/* One number of the second snapshot: with silent nothing is found, with fires this rule. */
static const struct {
	const char *rule;
	uint64_t *u64;
	uint32_t *u32;
	uint64_t silent, fires;
	void (*prepare)(void);
} edges[] = {
	{ "accept-queue", &w.now.listeners[0].overflows, NULL, 0, 1, NULL },
	{ "accept-queue", &w.now.listeners[0].acceptq, NULL, 3276, 3277, NULL },
	{ "syn-queue", &w.now.listeners[0].drops_full, NULL, 0, 1, cookies_off },
	{ "syn-queue", &w.now.listeners[0].drops_early, NULL, 0, 1, cookies_off },
	{ "syn-backlog-alone", NULL, &w.now.tun.tcp_max_syn_backlog, 4096, 4097, NULL },
	/* A tenth of 20100 SYNs. */
	{ "syn-flood", &w.now.c.PassiveOpens, NULL, 2010, 2009, NULL },
	{ "source-limits", &w.now.c.SourceRateDrops, NULL, 0, 1, NULL },
	{ "source-limits", &w.now.c.SourceConnsDrops, NULL, 0, 1, NULL },
	/* Four fifths of 262144, of 28232 and of 65536. */
	{ "time-wait", &w.now.c.TimeWaits, NULL, 209715, 209716, NULL },
	{ "time-wait", &w.now.c.TCPTimeWaitOverflow, NULL, 0, 1, NULL },
	{ "local-ports", &w.now.c.ActiveOpens, NULL, 0, 1, many_time_waits },
	{ "local-ports", &w.now.c.LocalPortsFull, NULL, 0, 1, NULL },
	{ "orphans", &w.now.c.Orphans, NULL, 52428, 52429, NULL },
	/* A tenth of those open, with 5000 established. */
	{ "close-wait", &w.now.c.state_count[TCPS_CLOSE_WAIT], NULL, 555, 556, NULL },
	{ "fin-wait-1", &w.now.c.state_count[TCPS_FIN_WAIT_1], NULL, 49, 50, window_probes },
	/* A hundredth of what goes out, beside a million for the first time. */
	{ "retransmissions", &w.now.c.RetransSegs, NULL, 10101, 10102, NULL },
	{ "paws", &w.now.c.PAWSEstab, NULL, 9, 10, NULL },
	{ "paws", &w.now.c.PAWSActive, NULL, 9, 10, NULL },
	{ "checksums", &w.now.c.InCsumErrors, NULL, 9, 10, NULL },
	{ "checksums", &w.now.c.IpExtInCsumErrors, NULL, 9, 10, NULL },
	/* In 2 s, at a round trip of 100 ms: four fifths of 4 MiB each. */
	{ "buffers", NULL, &w.now.conns[0].acked, 67108860, 67108880, largest_send_buffer },
	{ "memory", &w.now.packets_free, NULL, 1639, 1638, NULL },
	{ "memory", &w.now.c.PktAllocFails, NULL, 0, 1, NULL },
	{ "memory", &w.now.c.ConnAllocFails, NULL, 0, 1, NULL },
	{ "memory-pressure", &w.now.c.TCPMemoryPressures, NULL, 0, 1, NULL },
	{ "memory-pressure", &w.now.c.RcvPruned, NULL, 0, 1, NULL },
	{ "service-full", &w.now.c.ServiceFull, NULL, 0, 1, NULL },
	{ "handover", &w.now.c.HandoverDrops, NULL, 0, 1, NULL },
	/* Beside one that is busy 90 % of the time: 46 % and 45 %. */
	{ "core-balance", &w.now.cores[1].busy_ns, NULL, 460, 442, one_idle_worker },
};

static void
run_edge(size_t i, uint64_t value)
{
	healthy();
	if (edges[i].prepare != NULL)
		edges[i].prepare();
	if (edges[i].u64 != NULL)
		*edges[i].u64 = value;
	else
		*edges[i].u32 = (uint32_t)value;
	diag_run(&w.d, &w.before, &w.now);
}

static void
each_rule_is_silent_below_its_limit_and_speaks_at_it(void **state)
{
	unsigned int rules = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		rules += i == 0 || strcmp(edges[i].rule, edges[i - 1].rule) != 0;
		run_edge(i, edges[i].silent);
		if (w.d.count != 0)
			fail_msg("row %zu, %s: %s", i, w.d.found[0].rule, w.d.found[0].what);
		run_edge(i, edges[i].fires);
		if (w.d.count != 1)
			fail_msg("row %zu, %s: %u findings", i, edges[i].rule, w.d.count);
		assert_string_equal(w.d.found[0].rule, edges[i].rule);
		assert_string_not_equal(w.d.found[0].fix, "");
	}
	/* No rule without a row. */
	assert_int_equal(rules, diag_rule_count());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_silent_below_its_limit_and_speaks_at_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
