/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about a segment of the connection's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "packetdrill/rd.h"

#include "lib/frames.h"

/* What a router quotes of a segment that was full. */
#define QUOTED_LEN 1500u
#define QUOTED_TCP 20u

static const struct {
	const char *name;
	uint8_t type4, code4, type6, code6;
} kinds[RD_ICMP_COUNT] = {
	[RD_ICMP_NET] = { "net unreachable", 3, 0, 1, 0 },
	[RD_ICMP_HOST] = { "host unreachable", 3, 1, 1, 3 },
	[RD_ICMP_PORT] = { "port unreachable", 3, 3, 1, 4 },
	[RD_ICMP_PROHIBITED] = { "prohibited", 3, 13, 1, 1 },
	[RD_ICMP_TOO_BIG] = { "too big", 3, 4, 2, 0 },
	[RD_ICMP_TTL] = { "time exceeded", 11, 0, 3, 0 },
};

static void
begin(const struct rd_side *s, struct frame *f, bool ours, bool icmp)
{
	const uint8_t *from = ours ? s->local : s->peer, *to = ours ? s->peer : s->local;
	bool is_v6 = s->script->ip6;
	unsigned int off = is_v6 ? 0 : 12;
	int domain = is_v6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	static const uint8_t mac[6];

	inet_ntop(domain, from + off, src, sizeof(src));
	inet_ntop(domain, to + off, dst, sizeof(dst));
	frame_eth(f, mac, mac, is_v6 ? 0x86dd : 0x0800);
	if (is_v6)
		frame_ip6(f, src, dst, icmp ? IPPROTO_ICMPV6 : IPPROTO_TCP);
	else
		frame_ip4(f, src, dst, icmp ? IPPROTO_ICMP : IPPROTO_TCP);
}

long
rd_icmp_send(struct rd_side *s, const struct rd_icmp *icmp, char *text, size_t cap)
{
	uint32_t from = icmp->seq_from == RD_SENT ? s->sent : icmp->seq_from == RD_UNA ? s->una : 0;
	uint32_t seq = from + (uint32_t)icmp->seq_off;
	struct frame quoted, out;

	s->rec[s->at].seq = seq;
	snprintf(text, cap, "icmp %s about %u mtu %u", kinds[icmp->what].name, seq, icmp->mtu);
	begin(s, &quoted, true, false);
	frame_tcp(&quoted, s->flow.lport, s->flow.rport, s->flow.iss + seq,
		s->flow.isn + s->acked, VIEW_ACK);
	frame_data(&quoted, NULL, QUOTED_LEN - (quoted.len - quoted.l3));
	frame_finish(&quoted);
	begin(s, &out, false, true);
	if (s->script->ip6)
		frame_icmp(&out, kinds[icmp->what].type6, kinds[icmp->what].code6, 0, icmp->mtu);
	else
		frame_icmp(&out, kinds[icmp->what].type4, kinds[icmp->what].code4, 0, icmp->mtu);
	frame_data(&out, quoted.b + quoted.l3, quoted.l4 - quoted.l3 + QUOTED_TCP);
	frame_finish(&out);
	return s->pd->netdev_send(s->pd->ud, out.b + out.l3, out.len - out.l3);
}
