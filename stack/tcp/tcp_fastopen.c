/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP Fast Open for listeners (RFC 7413): cookies, and connections opened by a SYN with one. */
#include "tcp/tcp_parts.h"

/*
 * Threat model. Who has no cookie gets an ordinary handshake. A cookie proves that its sender once
 * received at that address; it can be replayed from there, or from elsewhere by who overheard it,
 * and then each SYN costs a connection, a packet and what the owner does with the data. So children
 * are bounded for each listener (tcp_fastopen_backlog) and by its accept queue, beyond which the
 * plain handshake, with its own defences, takes over. A guessed cookie passes with 2^-63, once for
 * each of two keys. See docs/design/0006-2026-11-27-fast-open.md.
 */
#define COOKIE_LEN 8u
/* Sets these derivations apart from others under the same key. */
#define KEY_DOMAIN 0x6e65706f74736166ULL

static void
derive(struct tcp_stack *stack, struct siphash_key *key, uint64_t period, uint32_t period_s)
{
	uint64_t seed[4] = { KEY_DOMAIN, period, period_s, 0 };

	key->k[0] = siphash24_4w(&stack->par.isn_key, seed);
	seed[3] = 1;
	key->k[1] = siphash24_4w(&stack->par.isn_key, seed);
}

/* The keys of now: the same on all workers, since the clock and the secret are. */
static const struct siphash_key *
current_keys(struct tcp_stack *stack)
{
	struct tcp_fastopen_keys *fk = &stack->fastopen;
	uint32_t period_s = stack->env->tun->tcp_fastopen_key_rotate;
	uint64_t period = stack->env->now_us / (1000000ULL * period_s);

	if (fk->period != period || fk->period_s != period_s) {
		derive(stack, &fk->key[0], period, period_s);
		derive(stack, &fk->key[1], period - 1, period_s);
		fk->period = period;
		fk->period_s = period_s;
	}
	return fk->key;
}

/* RFC 7413 s4.1.2: of both addresses, so that one of our services does not open another's. */
static uint64_t
cookie_of(const struct tcp_stack *stack, const struct siphash_key *key, const struct tcp_seg *seg)
{
	uint64_t words[4];

	memcpy(words, seg->key.raddr.b, 16);
	memcpy(words + 2, stack->par.local->addr[seg->key.laddr_idx].b, 16);
	return siphash24_4w(key, words);
}

static bool
is_on(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return l->fastopen && (stack->env->tun->tcp_fastopen & TCP_FASTOPEN_SERVER);
}

static bool
is_valid(struct tcp_stack *stack, const struct tcp_seg *seg)
{
	const struct siphash_key *keys = current_keys(stack);
	uint64_t cookie;

	if (seg->opts.fastopen_len != COOKIE_LEN)
		return false;
	memcpy(&cookie, seg->opts.fastopen, sizeof(cookie));
	return cookie == cookie_of(stack, &keys[0], seg) ||
		cookie == cookie_of(stack, &keys[1], seg);
}

void
tcp_fastopen_grant(struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *seg, struct tcp_opts *opts)
{
	uint64_t cookie;

	if (!is_on(stack, l))
		return;
	cookie = cookie_of(stack, &current_keys(stack)[0], seg);
	opts->present |= TCP_OPT_FASTOPEN;
	opts->fastopen_len = COOKIE_LEN;
	memcpy(opts->fastopen, &cookie, sizeof(cookie));
}

/* May this SYN open at once? Each reason why not is counted by its name. */
static bool
may_open(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg)
{
	struct counters *ctr = stack->env->ctr;

	if (!is_on(stack, l))
		return false;
	if (seg->opts.fastopen_len == 0) {
		ctr->TCPFastOpenCookieReqd++;
		return false;
	}
	if (!is_valid(stack, seg)) {
		ctr->TCPFastOpenPassiveFail++;
		return false;
	}
	if (l->fastopen_pending >= tcp_share(stack, stack->env->tun->tcp_fastopen_backlog)) {
		ctr->TCPFastOpenListenOverflow++;
		return false;
	}
	if (tcp_acceptq_full(stack, l) || !tcp_conn_available(stack)) {
		ctr->TCPFastOpenPassiveFail++;
		return false;
	}
	return true;
}

/* The SYN's data, as far as the window of our SYN-ACK would let it. */
static void
take_data(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg, struct pkt *pkt)
{
	struct tcp_rx rx = tcp_rx_of(c, seg, pkt);

	rx.seq = seg->seq + 1;
	rx.len = min_u32(rx.len, tcp_rcv_wnd(c));
	if (rx.len > 0)
		tcp_deliver(stack, c, &rx);
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(stack);
	if (rx.pkt != NULL)
		pkt_free(stack->env->pool, rx.pkt);
}

bool
tcp_fastopen_open(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg,
	uint64_t hash, struct pkt *pkt)
{
	const struct tunables *tun = stack->env->tun;
	uint8_t offered = seg->opts.present;
	const struct tcp_handshake hs = {
		.l = l,
		.iss = tcp_isn(stack, &seg->key),
		.irs = seg->seq,
		.ts_recent = seg->opts.tsval,
		.mss = tcp_peer_mss(stack, &seg->key, &seg->opts),
		.wscale = seg->opts.wscale & 15u,
		.has_wscale = (offered & TCP_OPT_WSCALE) && tun->tcp_window_scaling,
		.has_ts = (offered & TCP_OPT_TS) && tun->tcp_timestamps,
		.has_sack = (offered & TCP_OPT_SACK_OK) && tun->tcp_sack,
		.fastopen = true,
	};
	enum outcome why;
	struct tcp_conn *c;

	if (!may_open(stack, l, seg))
		return false;
	c = tcp_acceptq_add(stack, &hs, seg, hash, &why);
	if (c == NULL)
		return false;
	l->fastopen_pending++;
	stack->env->ctr->TCPFastOpenPassive++;
	stack->env->ctr->WindowScaleClamped += seg->opts.wscale_clamped;
	tcp_cold(stack, c)->stalled_at_ms = stack->env->now_ms;
	tcp_outcome(stack, OUT_SYN_FASTOPEN);
	take_data(stack, c, seg, pkt);
	tcp_send_syn(stack, c);
	c->rcv_acked = c->rcv_nxt;
	return true;
}

void
tcp_fastopen_settled(struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_listener *l = &stack->listeners[tcp_cold(stack, c)->listener];

	ASSERT(l->fastopen_pending > 0);
	l->fastopen_pending--;
}
