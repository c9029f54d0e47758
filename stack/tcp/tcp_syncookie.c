/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN cookies: a passive handshake without any state on our side. */
#include "tcp/tcp_parts.h"

/*
 * Threat model. A flood of SYNs from random sources must cost no memory and few cycles, and nobody
 * may open a connection from an address where they do not receive.
 *
 * The sequence number of the SYN-ACK is the cookie:
 *
 *	 31      29  28  27                                  0
 *	+----------+---+-------------------------------------+
 *	| mss class| k |              MAC                     |
 *	+----------+---+-------------------------------------+
 *
 * MAC: the low 28 bits of SipHash-2-4 over the flow (24 bytes), the peer's initial sequence number,
 * the class and the option bits, under a 128-bit key. k says which of two keys: a new one is
 * derived every COOKIE_ROTATE_US, the one before stays valid, so a cookie lives between one and two
 * periods (64 to 128 s). The class
 * and k are sent in the clear; the MAC covers the class, and k chooses its key.
 *
 * A random ACK passes with probability 2^-28 at most while a listener has sent a cookie within the
 * last two periods, and never otherwise: at 1 million forged ACKs a second that is one connection
 * from a spoofed address in 268 s, which holds one slot and is subject to every other limit. The
 * check costs one SipHash, computed for the ACKs of a burst together, and allocates nothing.
 *
 * Options: the class keeps one of 8 segment sizes. Where the SYN carried timestamps, the low 6 bits
 * of our TSval hold window scale (4 bits, 15: none), SACK (1) and ECN (1); the peer echoes them,
 * and the MAC covers them. Without timestamps there is neither scale nor SACK nor ECN.
 */

#define COOKIE_ROTATE_US 64000000ULL
#define COOKIE_TS_BITS 6u
#define COOKIE_TS_MASK ((1u << COOKIE_TS_BITS) - 1)
#define COOKIE_NO_WSCALE 15u
#define COOKIE_SACK 0x10u
#define COOKIE_ECN 0x20u
#define COOKIE_MAC_MASK 0x0fffffffu

/* The least tcp_min_snd_mss lets through by default, so that nobody gets larger segments than asked
 * for; then common segment sizes: PPPoE and tunnels, IPv6 and IPv4 Ethernet, jumbo frames. */
static const uint16_t mss_classes[8] = { 88, 536, 1220, 1360, 1400, 1440, 1460, 8940 };

static uint8_t
mss_class(uint16_t mss)
{
	uint8_t class = 0;

	/* Without a branch: how many of the larger ones fit. */
	for (unsigned int i = 1; i < ARRAY_SIZE(mss_classes); i++)
		class = (uint8_t)(class + (mss_classes[i] <= mss));
	return class;
}

/* What the 6 bits in TSval say; 0 where the SYN had no timestamps. */
static uint8_t
option_bits(const struct tcp_stack *stack, const struct tcp_cookie_syn *syn)
{
	const struct tunables *tun = stack->env->tun;
	const struct tcp_opts *peer = &syn->seg->opts;
	uint8_t bits = COOKIE_NO_WSCALE;

	if (!(peer->present & TCP_OPT_TS) || !tun->tcp_timestamps)
		return 0;
	if ((peer->present & TCP_OPT_WSCALE) && tun->tcp_window_scaling)
		bits = peer->wscale;
	if ((peer->present & TCP_OPT_SACK_OK) && tun->tcp_sack)
		bits |= COOKIE_SACK;
	if (tcp_ecn_is_offered(stack, syn->l, syn->seg))
		bits |= COOKIE_ECN;
	return bits;
}

void
tcp_cookie_message(const struct tcp_seg *seg, uint32_t irs, uint8_t class, uint8_t opts,
	uint64_t words[4])
{
	words[0] = seg->key.w[0];
	words[1] = seg->key.w[1];
	words[2] = seg->key.w[2];
	words[3] = (uint64_t)irs << 32 | (uint32_t)class << 8 | opts;
}

static uint32_t
cookie_pack(uint64_t mac, uint8_t class, unsigned int k)
{
	return ((uint32_t)class << 29 | k << 28) | ((uint32_t)mac & COOKIE_MAC_MASK);
}

/* Secrets change by the clock; the next one is derived from both old ones and the time. */
void
tcp_cookie_rotate(struct tcp_stack *stack)
{
	struct tcp_cookie_keys *ck = &stack->cookies;
	uint64_t now = stack->env->now_us;

	while (now >= ck->rotate_at_us) {
		unsigned int next = ck->current ^ 1;
		uint64_t seed[4] = { ck->key[0].k[0], ck->key[1].k[0], ck->rotate_at_us, 0 };

		ck->key[next].k[0] = siphash24_4w(&stack->par.isn_key, seed);
		seed[3] = 1;
		ck->key[next].k[1] = siphash24_4w(&stack->par.cookie_key[0], seed);
		ck->current = next;
		if (now - ck->rotate_at_us >= 2 * COOKIE_ROTATE_US)
			ck->rotate_at_us = now - COOKIE_ROTATE_US;
		ck->rotate_at_us += COOKIE_ROTATE_US;
	}
}

/* Our TSval: the clock, its low bits replaced, never ahead of the clock. */
static uint32_t
cookie_tsval(const struct tcp_stack *stack, uint64_t flow_hash, uint8_t bits)
{
	uint32_t now = tcp_ts_now(stack, (uint32_t)(flow_hash >> 32));
	uint32_t ts = (now & ~COOKIE_TS_MASK) | bits;

	return seq32_gt(ts, now) ? ts - (1u << COOKIE_TS_BITS) : ts;
}

/* What we would offer, the same for all SYNs of a burst to a listener over one version of IP. */
struct own_offer {
	const struct tcp_listener *l; /* NULL: nothing yet */
	struct tcp_opts opts;
	uint16_t wnd[2]; /* without timestamps, and with */
};

static const struct own_offer *
own_offer(struct tcp_stack *stack, const struct tcp_listener *l, const struct flow_key *key,
	struct own_offer offers[2])
{
	struct own_offer *offer = &offers[key->family == FLOW_FAMILY_V6];

	if (offer->l != l) {
		tcp_syn_options(stack, key, &l->wishes, 0, &offer->opts);
		for (unsigned int ts = 0; ts < 2; ts++)
			offer->wnd[ts] = (uint16_t)tcp_syn_window(stack, key, &l->wishes, ts);
		offer->l = l;
	}
	return offer;
}

static void
answer_one(struct tcp_stack *stack, const struct tcp_cookie_syn *syn,
	const struct own_offer *own, uint8_t bits, uint32_t cookie, struct tcp_emit_model *model)
{
	const struct tcp_seg *seg = syn->seg;
	uint8_t offered = seg->opts.present;
	struct tcp_opts opts;
	const struct tcp_emit e = {
		.key = &seg->key,
		.seq = cookie,
		.ack = seg->seq + 1,
		.wnd = own->wnd[(own->opts.present & offered & TCP_OPT_TS) != 0],
		.flags = TCP_SYN | TCP_ACK | (bits & COOKIE_ECN) * (TCP_ECE / COOKIE_ECN),
		.opts = &opts,
	};

	/* What cannot be kept is not offered: without timestamps nothing can. */
	if (!(own->opts.present & offered & TCP_OPT_TS))
		offered &= (uint8_t)~(TCP_OPT_WSCALE | TCP_OPT_SACK_OK);
	opts.present = own->opts.present & (offered | TCP_OPT_MSS);
	opts.mss = own->opts.mss;
	opts.wscale = own->opts.wscale;
	opts.tsval = cookie_tsval(stack, syn->hash, bits);
	opts.tsecr = seg->opts.tsval;
	syn->l->cookies_sent++;
	syn->l->cookie_us = stack->env->now_us;
	if (tcp_emit_alike(stack, syn->pkt, seg, &e, model))
		return;
	tcp_emit_reply(stack, syn->pkt, seg, &e);
	tcp_emit_model_take(stack, &e, model);
}

void
tcp_cookie_answer(struct tcp_stack *stack, const struct tcp_cookie_syn *syns, unsigned int n)
{
	unsigned int k = stack->cookies.current;
	struct tcp_emit_model model = { .ip = NULL };
	struct own_offer offers[2] = { 0 };
	uint64_t words[TCP_BURST_MAX][4];
	uint64_t mac[TCP_BURST_MAX];
	uint8_t class[TCP_BURST_MAX];
	uint8_t bits[TCP_BURST_MAX];

	ASSERT(n > 0 && n <= TCP_BURST_MAX);
	for (unsigned int i = 0; i < n; i++) {
		const struct tcp_seg *seg = syns[i].seg;

		class[i] = mss_class(
			tcp_peer_mss(stack, &seg->key, &syns[i].l->wishes, &seg->opts));
		bits[i] = option_bits(stack, &syns[i]);
		tcp_cookie_message(seg, seg->seq, class[i], bits[i], words[i]);
	}
	siphash24_4w_burst(&stack->cookies.key[k], words[0], mac, n);
	for (unsigned int i = 0; i < n; i++) {
		/* Another listener's may have other options. */
		if (i > 0 && syns[i].l != syns[i - 1].l)
			model.ip = NULL;
		answer_one(stack, &syns[i],
			own_offer(stack, syns[i].l, &syns[i].seg->key, offers), bits[i],
			cookie_pack(mac[i], class[i], k), &model);
	}
	stack->env->ctr->SyncookiesSent += n;
	stack->env->ctr->OutSegs += n;
	stack->env->ctr->outcome[OUT_SYN_COOKIE_SENT] += n;
}

/* The gate: an ACK costs nothing where no cookie was sent while a key lives. */
static bool
worth_checking(const struct tcp_stack *stack, const struct tcp_seg *seg)
{
	const struct tcp_listener *l = tcp_listener_find(stack, &seg->key);

	return l != NULL && l->cookie_us != 0 &&
		stack->env->now_us - l->cookie_us < 2 * COOKIE_ROTATE_US;
}

static struct tcp_cookie_info
cookie_info(uint32_t cookie, uint8_t bits, bool has_ts)
{
	return (struct tcp_cookie_info){
		.mss = mss_classes[cookie >> 29],
		.wscale = bits & 15,
		.has_wscale = has_ts && (bits & 15) != COOKIE_NO_WSCALE,
		.has_sack = (bits & COOKIE_SACK) != 0,
		.has_ecn = (bits & COOKIE_ECN) != 0,
		.has_ts = has_ts,
	};
}

void
tcp_cookie_check(struct tcp_stack *stack, const struct tcp_seg *const *segs, unsigned int n,
	bool *valid, struct tcp_cookie_info *infos)
{
	uint64_t words[2][TCP_BURST_MAX][4];
	uint64_t mac[2][TCP_BURST_MAX];
	uint8_t at[TCP_BURST_MAX];
	unsigned int count[2] = { 0, 0 };

	/* The MACs of each key are computed together. */
	for (unsigned int i = 0; i < n; i++) {
		uint32_t cookie = segs[i]->ack - 1;
		unsigned int k = (cookie >> 28) & 1;
		bool has_ts = (segs[i]->opts.present & TCP_OPT_TS) != 0;
		uint8_t bits = has_ts ? segs[i]->opts.tsecr & COOKIE_TS_MASK : 0;

		valid[i] = worth_checking(stack, segs[i]);
		infos[i] = cookie_info(cookie, bits, has_ts);
		if (!valid[i])
			continue;
		at[i] = (uint8_t)count[k]++;
		tcp_cookie_message(segs[i], segs[i]->seq - 1, (uint8_t)(cookie >> 29), bits,
			words[k][at[i]]);
	}
	for (unsigned int k = 0; k < 2; k++)
		if (count[k] > 0)
			siphash24_4w_burst(
				&stack->cookies.key[k], words[k][0], mac[k], count[k]);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t cookie = segs[i]->ack - 1;
		unsigned int k = (cookie >> 28) & 1;

		if (valid[i])
			valid[i] = ((mac[k][at[i]] ^ cookie) & COOKIE_MAC_MASK) == 0;
	}
}

uint32_t
tcp_cookie_make(const struct siphash_key *key, const struct tcp_seg *syn, uint8_t *ts_bits)
{
	const struct tcp_opts *opts = &syn->opts;
	uint8_t class = mss_class(opts->present & TCP_OPT_MSS ? opts->mss : mss_classes[1]);
	uint64_t words[4];

	*ts_bits = 0;
	if (opts->present & TCP_OPT_TS) {
		*ts_bits = opts->present & TCP_OPT_WSCALE ? opts->wscale : COOKIE_NO_WSCALE;
		*ts_bits |= opts->present & TCP_OPT_SACK_OK ? COOKIE_SACK : 0;
	}
	tcp_cookie_message(syn, syn->seq, class, *ts_bits, words);
	return cookie_pack(siphash24_4w(key, words), class, 0);
}
