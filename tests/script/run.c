/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays a script line by line on a virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "script/runner.h"

#include "lib/fail.h"

/** The largest tcp_timewait_len, and a second. */
#define TIME_WAIT_MAX_US 601000000u

void
runner_addrs(const struct runner *r, struct sluice_addr *local, struct sluice_addr *peer)
{
	const char *l = r->opts->ip6 ? RUNNER_LOCAL_IP6 : RUNNER_LOCAL_IP4;
	const char *p = r->opts->ip6 ? RUNNER_PEER_IP6 : RUNNER_PEER_IP4;
	struct ip_addr a;

	memset(local, 0, sizeof(*local));
	memset(peer, 0, sizeof(*peer));
	ip_addr_parse(&a, l, strlen(l));
	memcpy(local->ip, a.b, 16);
	ip_addr_parse(&a, p, strlen(p));
	memcpy(peer->ip, a.b, 16);
}

static void
print_context(void *ctx, FILE *to)
{
	const struct runner *r = ctx;
	const struct stmt *st = r->at;

	if (st != NULL)
		fprintf(to, "%s:%u:\n    %s\n", r->script->path, st->line, st->text);
	else
		fprintf(to, "%s: at the end\n", r->script->path);
	fprintf(to, "at %.6f s\nrepeat: script%s --seed 0x%llx -v %s\n",
		(double)(r->host.now_us - r->start_us) / 1e6, r->opts->ip6 ? " --ip6" : "",
		(unsigned long long)r->opts->seed, r->script->path);
}

void
runner_fail(struct runner *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	(void)r;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail("%s", text);
}

void
runner_settle(struct runner *r)
{
	host_run(&r->host, r->host.now_us);
	while (r->answer_len > 0) {
		const uint8_t *bufs[1] = { r->answer };
		size_t lens[1] = { r->answer_len };

		r->answer_len = 0;
		host_rx(&r->host, r->host.now_us, bufs, lens, 1);
		host_run(&r->host, r->host.now_us);
	}
	host_check(&r->host, true);
}

static struct sent *
head(struct runner *r)
{
	return r->queue_count > 0 ? &r->queue[r->queue_head] : NULL;
}

static void
pop(struct runner *r)
{
	free(r->queue[r->queue_head].bytes);
	r->queue_head = (r->queue_head + 1) % RUNNER_QUEUE_MAX;
	r->queue_count--;
}

static void
fail_unexpected(struct runner *r)
{
	char text[512];
	const struct sent *s = head(r);

	runner_fail(r, "nothing was expected at %.6f s\n  got: > %s",
		(double)(s->at_us - r->start_us) / 1e6, runner_sent_text(r, s, text, sizeof(text)));
}

/* Let time pass until at_us, or until something is sent if that is waited for. */
static void
advance(struct runner *r, uint64_t at_us, bool until_sent)
{
	while (!(until_sent && head(r) != NULL)) {
		uint64_t next = host_next_at(&r->host);

		if (head(r) != NULL && head(r)->at_us < (next < at_us ? next : at_us))
			fail_unexpected(r);
		if (next > at_us)
			break;
		r->host.now_us = next;
		runner_settle(r);
		/* What is due now and cannot be done now would be due for ever. */
		if (host_next_at(&r->host) <= next && next == at_us)
			break;
	}
	if (until_sent && head(r) != NULL)
		return;
	if (r->host.now_us < at_us) {
		r->host.now_us = at_us;
		runner_settle(r);
	}
}

static void
expect_segment(struct runner *r, const struct stmt *st, uint64_t lo_us, uint64_t hi_us)
{
	struct sent *s;

	advance(r, hi_us, true);
	s = head(r);
	if (s == NULL)
		runner_fail(
			r, "nothing was sent until %.6f s", (double)(hi_us - r->start_us) / 1e6);
	runner_compare(r, st, s);
	if (s->at_us < lo_us || s->at_us > hi_us)
		runner_fail(r, "sent at %.6f s, %.6f s %s", (double)(s->at_us - r->start_us) / 1e6,
			s->at_us < lo_us ? (double)(lo_us - s->at_us) / 1e6
					 : (double)(s->at_us - hi_us) / 1e6,
			s->at_us < lo_us ? "too early" : "too late");
	r->event_us = s->at_us;
	pop(r);
}

static void
set_tunable(struct runner *r, const struct stmt *st)
{
	char err[TUNABLE_ERR_LEN];

	if (tunables_set(&r->par.tun, st->word, st->arg, err, sizeof(err)) != 0)
		runner_fail(r, "%s", err);
	if (r->started)
		worker_set_tunables(&r->host.w, &r->par.tun);
}

/* Settings of the runner and of what only a start can change. */
static void
set_option(struct runner *r, const struct stmt *st)
{
	unsigned long v = strtoul(st->arg, NULL, 0);

	if (strcmp(st->word, "only") == 0) {
		r->skipped = strcmp(st->arg, r->opts->ip6 ? "ip6" : "ip4") != 0;
		return;
	}
	if (strcmp(st->word, "isn") == 0) {
		for (unsigned int i = 0; i < SCRIPT_FLOWS_MAX; i++)
			r->flows[i].isn = (uint32_t)v;
		return;
	}
	if (r->started)
		runner_fail(r, "too late: options come before everything else");
	if (strcmp(st->word, "mtu") == 0)
		r->par.mtu = (uint16_t)v;
	else if (strcmp(st->word, "conns") == 0)
		r->par.conns_max = (uint32_t)v;
	else if (strcmp(st->word, "synq") == 0)
		r->par.synq_max = (uint32_t)v;
	else if (strcmp(st->word, "pkts") == 0)
		r->par.pkts = (unsigned int)v;
	else
		runner_fail(r, "no option is called %s", st->word);
}

/* A neighbour that wants to talk to us has asked for our address before. */
static void
introduce_peer(struct runner *r)
{
	struct sluice_addr local, peer;
	struct view a = { .kind = VIEW_ARP, .arp_op = 1 };
	uint8_t buf[128];
	const uint8_t *bufs[1] = { buf };
	size_t lens[1];

	runner_addrs(r, &local, &peer);
	if (r->opts->ip6) {
		struct ip_addr addr;
		struct mac_addr mac;

		/* Neighbour discovery is not what scripts are about. */
		memcpy(addr.b, peer.ip, 16);
		memcpy(mac.b, runner_peer_mac, 6);
		net_set_neighbour(&r->host.w.net, &r->host.w.env, &addr, &mac);
		return;
	}
	memset(a.dst_mac, 0xff, 6);
	memcpy(a.src_mac, runner_peer_mac, 6);
	memcpy(a.arp_sha, runner_peer_mac, 6);
	memcpy(a.src, peer.ip, 16);
	memcpy(a.dst, local.ip, 16);
	lens[0] = view_build(&a, buf, sizeof(buf));
	host_rx(&r->host, r->host.now_us, bufs, lens, 1);
	runner_settle(r);
}

static void
start(struct runner *r)
{
	struct sluice_addr local, peer;

	runner_addrs(r, &local, &peer);
	memcpy(r->par.local.addr[0].b, local.ip, 16);
	r->par.local.prefix_len[0] = r->opts->ip6 ? 64 : 24;
	r->par.local.count = 1;
	host_init(&r->host, &r->par, runner_on_frame, r);
	r->started = true;
	/* The announcements of the address are over before time 0. */
	r->start_us = r->host.now_us + 10000000;
	advance(r, r->start_us, false);
	introduce_peer(r);
	while (head(r) != NULL)
		pop(r);
	r->event_us = r->start_us;
	r->base = r->host.w.ctr;
}

static void
play(struct runner *r, const struct stmt *st)
{
	uint64_t base = st->absolute ? r->start_us : r->event_us;
	uint64_t lo = base + (uint64_t)st->lo_us, hi = base + (uint64_t)st->hi_us;

	if (st->kind == ST_EXPECT) {
		expect_segment(r, st, lo, hi);
		return;
	}
	advance(r, lo, false);
	r->event_us = lo;
	switch (st->kind) {
	case ST_INJECT:
		if (r->opts->verbose)
			printf("%+12.6f %s\n", (double)(lo - r->start_us) / 1e6, st->text);
		runner_inject(r, st);
		break;
	case ST_EXPECT:
		break;
	case ST_EXPECT_NOTHING:
		if (head(r) != NULL)
			fail_unexpected(r);
		break;
	case ST_EXPECT_STATE:
	case ST_EXPECT_COUNTER:
	case ST_EXPECT_OUTCOME:
	case ST_EXPECT_EVENT:
	case ST_EXPECT_INFO:
		runner_look(r, st);
		break;
	case ST_LISTEN:
	case ST_UNLISTEN:
	case ST_ACCEPT:
	case ST_CONNECT:
	case ST_SEND:
	case ST_RECV:
	case ST_SHUTDOWN:
	case ST_CLOSE:
	case ST_ABORT:
	case ST_SETOPT:
		runner_call(r, st);
		break;
	case ST_SET:
		set_tunable(r, st);
		break;
	case ST_OPTION:
		set_option(r, st);
		break;
	case ST_ICMP:
		if (r->opts->verbose)
			printf("%+12.6f %s\n", (double)(lo - r->start_us) / 1e6, st->text);
		runner_icmp(r, st);
		break;
	case ST_NOMEM:
		r->host.pkts.size = st->value ? 0 : r->par.pkts;
		break;
	}
	runner_settle(r);
}

/* Every connection gone, every callback made, every packet and timer accounted for. */
static void
finish(struct runner *r)
{
	r->at = NULL;
	if (head(r) != NULL)
		fail_unexpected(r);
	r->host.pkts.size = r->par.pkts;
	runner_abort_all(r);
	runner_settle(r);
	/* The resets of it were not expected, and are no surprise. */
	while (head(r) != NULL)
		pop(r);
	for (unsigned int i = 0; i < RUNNER_CONNS_MAX; i++)
		if (r->conns[i].in_use && !r->conns[i].gone)
			runner_fail(r, "closed was never called for a connection");
	/* TIME-WAITs last longest. */
	advance(r, r->host.now_us + TIME_WAIT_MAX_US, false);
	host_check_idle(&r->host);
	host_fini(&r->host);
}

static bool
is_setting(const struct stmt *st)
{
	return st->kind == ST_OPTION || st->kind == ST_SET;
}

int
script_run(const struct script *s, const struct script_opts *opts)
{
	struct runner *r = calloc(1, sizeof(*r));
	int rc;

	CHECK(r != NULL, "out of memory");
	r->script = s;
	r->opts = opts;
	fail_set_context(print_context, r);
	host_params_default(&r->par);
	r->par.seed = opts->seed;
	/* So that an MSS of 1460 fits both versions. */
	r->par.mtu = opts->ip6 ? 1520 : 1500;
	for (unsigned int i = 1; i < SCRIPT_FLOWS_MAX; i++) {
		r->flows[i].rport = (uint16_t)(40000 + i);
		r->flows[i].lport = 80;
		/* Near the wrap, so that every script crosses it. */
		r->flows[i].isn = UINT32_MAX - 999;
	}
	for (unsigned int i = 0; i < s->count && !r->skipped; i++) {
		r->at = &s->stmts[i];
		if (!r->started && is_setting(r->at)) {
			if (r->at->kind == ST_SET)
				set_tunable(r, r->at);
			else
				set_option(r, r->at);
			continue;
		}
		if (!r->started)
			start(r);
		play(r, r->at);
	}
	if (r->started)
		finish(r);
	rc = r->skipped ? SCRIPT_SKIPPED : 0;
	fail_set_context(NULL, NULL);
	free(r);
	return rc;
}
