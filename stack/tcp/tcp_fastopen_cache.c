/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP Fast Open for active opens (RFC 7413 s4.1.3): what is known of the peers, and when to ask. */
#include "tcp/tcp_parts.h"

/*
 * A table of fixed size, one place for each address under a secret key: a peer can make us forget
 * nobody it chooses, and forgetting costs one ordinary handshake.
 */

/* After so many SYNs lost in a row something on the way is taken to drop the option. */
#define LOSSES_MAX 2u
/* RFC 7413 s4.1.3: what all options of a SYN can take off the payload. */
#define SYN_OPTIONS_LEN 40u

static struct tcp_fastopen_peer *
place_of(const struct tcp_stack *stack, const struct ip_addr *addr)
{
	uint64_t words[4] = { 0 };

	memcpy(words, addr->b, sizeof(addr->b));
	return &stack->fastopen_peers[siphash24_4w(&stack->par.flow_key, words) %
		TCP_FASTOPEN_PEERS];
}

static struct tcp_fastopen_peer *
find(const struct tcp_stack *stack, const struct ip_addr *addr)
{
	struct tcp_fastopen_peer *peer = place_of(stack, addr);

	return memcmp(&peer->addr, addr, sizeof(*addr)) == 0 ? peer : NULL;
}

static struct tcp_fastopen_peer *
find_or_take(const struct tcp_stack *stack, const struct ip_addr *addr)
{
	struct tcp_fastopen_peer *peer = place_of(stack, addr);

	if (memcmp(&peer->addr, addr, sizeof(*addr)) != 0)
		*peer = (struct tcp_fastopen_peer){ .addr = *addr };
	return peer;
}

uint16_t
tcp_fastopen_mss(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_fastopen_peer *peer = find(stack, &c->key.raddr);
	const struct tcp_wishes *w = &tcp_extra(stack, c)->wishes;
	uint16_t mss = c->key.family == FLOW_FAMILY_V4 ? TCP_MSS_V4_DEFAULT : TCP_MSS_V6_DEFAULT;

	if (peer != NULL && peer->mss != 0)
		mss = peer->mss;
	else if (w->no_cookie)
		mss = tcp_own_mss(stack, &c->key);
	if (w->mss_max != 0 && w->mss_max < mss)
		mss = w->mss_max;
	return (uint16_t)(mss - SYN_OPTIONS_LEN);
}

static bool
is_blocked(const struct tcp_stack *stack, struct tcp_fastopen_peer *peer)
{
	uint32_t wait_s = stack->env->tun->tcp_fastopen_blackhole_timeout_sec;

	if (peer->losses < LOSSES_MAX || wait_s == 0)
		return false;
	if (stack->env->now_ms - peer->lost_ms < 1000ULL * wait_s)
		return true;
	/* Tried again; the next loss blocks it again. */
	peer->losses = LOSSES_MAX - 1;
	return false;
}

bool
tcp_fastopen_knows(struct tcp_stack *stack, struct env *env, const struct ip_addr *addr)
{
	struct tcp_fastopen_peer *peer;

	stack->env = env;
	peer = find(stack, addr);
	return peer != NULL && !is_blocked(stack, peer) && peer->cookie_len > 0;
}

bool
tcp_fastopen_ask(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_opts *opts)
{
	struct tcp_fastopen_peer *peer = find(stack, &c->key.raddr);

	if (peer != NULL && is_blocked(stack, peer)) {
		c->flags &= ~TF_FASTOPEN;
		return false;
	}
	if (tcp_extra(stack, c)->wishes.no_cookie)
		return true;
	opts->present |= TCP_OPT_FASTOPEN;
	opts->fastopen_len = peer != NULL ? peer->cookie_len : 0;
	if (opts->fastopen_len > 0)
		memcpy(opts->fastopen, peer->cookie, opts->fastopen_len);
	if (opts->fastopen_len == 0)
		tcp_note_early(stack, c, TCP_EARLY_NO_COOKIE);
	return opts->fastopen_len > 0;
}

void
tcp_fastopen_lost(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_fastopen_peer *peer = find_or_take(stack, &c->key.raddr);

	stack->env->ctr->TCPFastOpenActiveFail +=
		c->sendq_head != NULL && c->sendq_head->app.sends > 0;
	peer->lost_ms = stack->env->now_ms;
	if (peer->losses < LOSSES_MAX && ++peer->losses == LOSSES_MAX)
		stack->env->ctr->TCPFastOpenBlackhole++;
}

void
tcp_fastopen_learn(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_opts *opts)
{
	struct tcp_fastopen_peer *peer = find_or_take(stack, &c->key.raddr);

	peer->mss = tcp_cold(stack, c)->peer_mss;
	if (!(c->flags & TF_SYN_RTX))
		peer->losses = 0;
	/* Only what was asked for is believed: repeated SYNs did not ask. */
	if ((c->flags & TF_SYN_RTX) || !(opts->present & TCP_OPT_FASTOPEN) ||
		opts->fastopen_len == 0)
		return;
	peer->cookie_len = opts->fastopen_len;
	memcpy(peer->cookie, opts->fastopen, opts->fastopen_len);
}
