/* SPDX-License-Identifier: BSD-3-Clause */
/* What a router or the peer's host says of a segment of ours: ICMP errors of both versions. */
#include <string.h>

#include "script/runner.h"

#include "lib/frames.h"

#define PROTO_ICMP4 1
#define PROTO_TCP 6
#define PROTO_ICMP6 58
#define TCP_HEADER 20

/* By the words of the script: type and code of ICMP, and of ICMPv6. */
static const struct {
	const char *name;
	uint8_t type4, code4, type6, code6;
} kinds[] = {
	{ "net-unreachable", 3, 0, 1, 0 },
	{ "host-unreachable", 3, 1, 1, 3 },
	{ "port-unreachable", 3, 3, 1, 4 },
	{ "too-big", 3, 4, 2, 0 },
	{ "source-route-failed", 3, 5, 1, 2 },
	{ "prohibited", 3, 13, 1, 1 },
	{ "time-exceeded", 11, 0, 3, 0 },
	{ "parameter-problem", 12, 0, 4, 0 },
	{ "source-quench", 4, 0, 100, 0 },
};

static void
ip_header(const struct runner *r, struct frame *f, bool is_ours, uint8_t proto)
{
	const char *local = r->opts->ip6 ? RUNNER_LOCAL_IP6 : RUNNER_LOCAL_IP4;
	const char *peer = r->opts->ip6 ? RUNNER_PEER_IP6 : RUNNER_PEER_IP4;

	frame_eth(f, r->par.mac.b, runner_peer_mac, r->opts->ip6 ? 0x86dd : 0x0800);
	if (r->opts->ip6)
		frame_ip6(f, is_ours ? local : peer, is_ours ? peer : local, proto);
	else
		frame_ip4(f, is_ours ? local : peer, is_ours ? peer : local, proto);
}

void
runner_icmp(struct runner *r, const struct stmt *st)
{
	const struct flow *f = &r->flows[st->flow];
	uint32_t mtu = (uint32_t)st->early;
	struct frame quoted, out;
	const uint8_t *bufs[1] = { out.b };
	size_t lens[1], i;

	for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i].name, st->word) != 0; i++)
		;
	if (i == ARRAY_SIZE(kinds))
		runner_fail(r, "no ICMP error is called %s", st->word);
	ip_header(r, &quoted, true, PROTO_TCP);
	frame_tcp(&quoted, f->lport, f->rport, f->iss + (uint32_t)st->value, f->isn, 0x10);
	/* As long as our link allows: what is quoted ends behind the TCP header. */
	frame_data(&quoted, NULL, r->par.mtu - (quoted.len - quoted.l3));
	frame_finish(&quoted);
	ip_header(r, &out, false, r->opts->ip6 ? PROTO_ICMP6 : PROTO_ICMP4);
	/* The second word: the MTU, in 16 bits behind 16 unused ones, or in 32. */
	if (r->opts->ip6)
		frame_icmp(&out, kinds[i].type6, kinds[i].code6, (uint16_t)(mtu >> 16),
			(uint16_t)mtu);
	else
		frame_icmp(&out, kinds[i].type4, kinds[i].code4, 0, (uint16_t)mtu);
	frame_data(&out, quoted.b + quoted.l3, quoted.l4 - quoted.l3 + TCP_HEADER);
	frame_finish(&out);
	lens[0] = out.len;
	host_rx(&r->host, r->host.now_us, bufs, lens, 1);
}
