/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP Fast Open for listeners (RFC 7413): cookies, and connections opened by a SYN with one. */
#include "tcp/tcp_parts.h"

/*
 * Threat model. Who has no cookie gets an ordinary handshake. A cookie proves that its sender once
 * received at that address; it can be replayed from there, or from elsewhere by who overheard it,
 * and then each SYN costs a connection, a packet and what the owner does with the data. So children
 * are bounded for each listener (tcp_fastopen_backlog) and by its accept queue, beyond which the
 * plain handshake, with its own defences, takes over. Nor do resets make room (RFC 7413 s5.1): the
 * hosts whose address somebody else uses send them, and so may he; who was reset counts on for one
 * to two RESET_HOLD_MS. A guessed cookie passes with 2^-63, once for each of two keys.
 * See docs/design/0006-2026-11-27-fast-open.md.
 */
#define COOKIE_LEN 8u
/* About what a child without an answer lives with tcp_synack_retries 5. */
#define RESET_HOLD_MS 60000u
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

/* 16 bytes as Linux makes them of four groups: each little-endian. */
static struct siphash_key
configured(const uint32_t group[4])
{
	return (struct siphash_key){ { group[0] | (uint64_t)group[1] << 32,
		group[2] | (uint64_t)group[3] << 32 } };
}

/*
 * The keys of now, the listener's own or the tunable's: the same on all workers, since the clock
 * and the secrets are.
 */
static const struct siphash_key *
current_keys(struct tcp_stack *stack, const struct tcp_listener *l)
{
	const struct tun_secret *own = l->fastopen_key.state != TUN_SECRET_RANDOM ?
		&l->fastopen_key :
		&stack->env->tun->tcp_fastopen_key;
	struct tcp_fastopen_keys *fk = &stack->fastopen;
	uint32_t period_s = stack->env->tun->tcp_fastopen_key_rotate;
	uint64_t period = stack->env->now_us / (1000000ULL * period_s);

	if (own->state != TUN_SECRET_RANDOM) {
		fk->key[0] = configured(own->key[0]);
		fk->key[1] = own->state == TUN_SECRET_TWO ? configured(own->key[1]) : fk->key[0];
		fk->period_s = 0;
	} else if (fk->period != period || fk->period_s != period_s) {
		derive(stack, &fk->key[0], period, period_s);
		derive(stack, &fk->key[1], period - 1, period_s);
		fk->period = period;
		fk->period_s = period_s;
	}
	return fk->key;
}

/*
 * RFC 7413 s4.1.2: of both addresses, so that one of our services does not open another's. Under a
 * configured key it is Linux's cookie, which hashes IPv4 addresses as four bytes each: our groups
 * may be mixed.
 */
static uint64_t
cookie_of(const struct tcp_stack *stack, const struct siphash_key *key, const struct flow_key *flow)
{
	const struct ip_addr *laddr = &stack->par.local->addr[flow->laddr_idx];
	size_t len = flow->family == FLOW_FAMILY_V4 ? 4 : 16;
	uint8_t both[32];

	memcpy(both, flow->raddr.b + 16 - len, len);
	memcpy(both + len, laddr->b + 16 - len, len);
	return siphash24(key, both, 2 * len);
}

bool
tcp_fastopen_is_on(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return l->fastopen && (stack->env->tun->tcp_fastopen & TCP_FASTOPEN_SERVER);
}

/* One of the key before is valid, too, and is to be replaced. */
static bool
is_valid(struct tcp_stack *stack, const struct tcp_listener *l, const struct tcp_seg *seg,
	bool *is_old)
{
	const struct siphash_key *keys = current_keys(stack, l);
	uint64_t cookie;

	if (seg->opts.fastopen_len != COOKIE_LEN)
		return false;
	cookie = load_le64(seg->opts.fastopen);
	*is_old = cookie != cookie_of(stack, &keys[0], &seg->key);
	return !*is_old || cookie == cookie_of(stack, &keys[1], &seg->key);
}

static void
put_cookie(struct tcp_stack *stack, const struct tcp_listener *l, const struct flow_key *flow,
	struct tcp_opts *opts)
{
	opts->present |= TCP_OPT_FASTOPEN;
	opts->fastopen_len = COOKIE_LEN;
	store_le64(opts->fastopen, cookie_of(stack, &current_keys(stack, l)[0], flow));
}

void
tcp_fastopen_grant(struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *seg, struct tcp_opts *opts)
{
	if (tcp_fastopen_is_on(stack, l))
		put_cookie(stack, l, &seg->key, opts);
}

void
tcp_fastopen_renew(struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_opts *opts)
{
	if (stack->fastopen.renew)
		put_cookie(stack, &stack->listeners[tcp_cold(stack, c)->listener], &c->key, opts);
}

/* Resets that still count; those of the last RESET_HOLD_MS stand in [0]. */
static uint32_t
resets_held(const struct tcp_stack *stack, struct tcp_listener *l)
{
	uint32_t age_ms = stack->env->now_ms - l->fastopen_reset_ms;

	if (age_ms >= RESET_HOLD_MS) {
		l->fastopen_resets[1] = age_ms < 2 * RESET_HOLD_MS ? l->fastopen_resets[0] : 0;
		l->fastopen_resets[0] = 0;
		l->fastopen_reset_ms += age_ms / RESET_HOLD_MS * RESET_HOLD_MS;
	}
	return l->fastopen_resets[0] + l->fastopen_resets[1];
}

static bool
has_room(const struct tcp_stack *stack, struct tcp_listener *l)
{
	return l->fastopen_pending + resets_held(stack, l) < tcp_fastopen_limit(stack);
}

/* A SYN with a cookie: does it open? Each reason why not is counted by its name. */
static bool
admits(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg)
{
	struct counters *ctr = stack->env->ctr;
	bool is_old;

	if (l->wishes.no_cookie)
		is_old = false;
	else if (!is_valid(stack, l, seg, &is_old)) {
		ctr->TCPFastOpenPassiveFail++;
		return false;
	}
	if (!has_room(stack, l)) {
		ctr->TCPFastOpenListenOverflow++;
		return false;
	}
	if (tcp_acceptq_full(stack, l) || !tcp_conn_available(stack)) {
		ctr->TCPFastOpenPassiveFail++;
		return false;
	}
	stack->fastopen.renew = is_old;
	return true;
}

static bool
may_open(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg)
{
	bool asks = (seg->opts.present & TCP_OPT_FASTOPEN) && seg->opts.fastopen_len == 0;

	if (!tcp_fastopen_is_on(stack, l))
		return false;
	stack->env->ctr->TCPFastOpenCookieReqd += asks;
	if (asks && !l->wishes.no_cookie)
		return false;
	if (admits(stack, l, seg))
		return true;
	l->fastopen_failed++;
	return false;
}

/* The SYN's data, as far as the window of our SYN-ACK would let it. */
static void
take_data(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg, struct pkt *pkt)
{
	struct tcp_rx rx = tcp_rx_of(c, seg, pkt);

	rx.seq = seg->seq + 1;
	rx.len = min_u32(rx.len, tcp_rcv_wnd(c));
	tcp_note_early_child(stack, c, rx.len > 0);
	if (rx.len > 0)
		tcp_deliver(stack, c, &rx);
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(stack, &c->key, &tcp_extra(stack, c)->wishes,
		(c->flags & TF_TS) != 0);
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
		.mss = tcp_peer_mss(stack, &seg->key, &l->wishes, &seg->opts),
		.wscale = seg->opts.wscale & 15u,
		.has_wscale = (offered & TCP_OPT_WSCALE) && tun->tcp_window_scaling,
		.has_ts = (offered & TCP_OPT_TS) && tun->tcp_timestamps,
		.has_sack = (offered & TCP_OPT_SACK_OK) && tun->tcp_sack,
		.has_ecn = tcp_ecn_is_offered(stack, l, seg),
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
	l->fastopen_opened++;
	stack->env->ctr->TCPFastOpenPassive++;
	stack->env->ctr->TCPFastOpenPassiveAltKey += stack->fastopen.renew;
	stack->env->ctr->WindowScaleClamped += seg->opts.wscale_clamped;
	tcp_cold(stack, c)->stalled_at_ms = stack->env->now_ms;
	tcp_outcome(stack, OUT_SYN_FASTOPEN);
	take_data(stack, c, seg, pkt);
	tcp_send_syn(stack, c);
	stack->fastopen.renew = false;
	c->rcv_acked = c->rcv_nxt;
	return true;
}

void
tcp_fastopen_reset(struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_listener *l = &stack->listeners[tcp_cold(stack, c)->listener];

	(void)resets_held(stack, l);
	l->fastopen_resets[0]++;
}

unsigned int
tcp_fastopen_pending(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	struct tcp_listener copy = *l;

	return l->fastopen_pending + resets_held(stack, &copy);
}

unsigned int
tcp_fastopen_limit(const struct tcp_stack *stack)
{
	return tcp_share(stack, stack->env->tun->tcp_fastopen_backlog);
}

void
tcp_fastopen_settled(struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_listener *l = &stack->listeners[tcp_cold(stack, c)->listener];

	ASSERT(l->fastopen_pending > 0);
	l->fastopen_pending--;
}
