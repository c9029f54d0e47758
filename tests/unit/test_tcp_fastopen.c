/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast Open of listeners: whose cookie opens, and that data is taken once. The rest is scripts. */
#include "unit/tcp_unit.h"

static void
listen_fastopen(struct tcp_bed *bed)
{
	tcp_bed_listen(bed, 0);
	bed->stack->listeners[0].fastopen = true;
	bed->tun.tcp_fastopen = TCP_FASTOPEN_SERVER;
}

/* A SYN with the option and len bytes; the cookie is what bed->sent had. */
static enum outcome
syn(struct bed_peer *p, struct tcp_bed *bed, uint16_t len, const struct tcp_opts *cookie)
{
	struct tcp_seg seg;

	(void)bed;
	seg = bed_peer_seg(p, TCP_SYN, len);
	seg.opts.present |= TCP_OPT_FASTOPEN;
	seg.opts.fastopen_len = cookie == NULL ? 0 : cookie->fastopen_len;
	if (cookie != NULL)
		memcpy(seg.opts.fastopen, cookie->fastopen, sizeof(seg.opts.fastopen));
	return bed_peer_send_seg(p, &seg);
}

/* Granted to a peer of the same address. */
static struct tcp_opts
get_cookie(struct tcp_bed *bed)
{
	struct bed_peer p;

	bed_peer_init(&p, bed);
	assert_int_equal(syn(&p, bed, 0, NULL), OUT_SYN_QUEUED);
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.opts.fastopen_len, 8);
	return bed->sent.opts;
}

static void
a_cookie_opens_from_any_port_of_its_address_and_no_other(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p, q;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	bed_peer_init(&p, bed);
	assert_int_equal(syn(&p, bed, 10, &cookie), OUT_SYN_FASTOPEN);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	assert_int_equal(bed->stack->listeners[0].fastopen_pending, 1);
	bed_peer_init(&q, bed);
	q.key.raddr.b[15] ^= 1;
	assert_int_equal(syn(&q, bed, 10, &cookie), OUT_SYN_QUEUED);
	cookie.fastopen[7] ^= 1;
	bed_peer_init(&q, bed);
	assert_int_equal(syn(&q, bed, 10, &cookie), OUT_SYN_QUEUED);
	assert_int_equal(bed->ctr.TCPFastOpenPassiveFail, 2);
	tcp_bed_discard(bed);
}

static void
the_data_of_a_repeated_syn_is_taken_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	bed_peer_init(&p, bed);
	assert_int_equal(syn(&p, bed, 10, &cookie), OUT_SYN_FASTOPEN);
	assert_int_equal(syn(&p, bed, 10, &cookie), OUT_SYN_AGAIN);
	assert_int_equal(bed_peer_conn(&p)->recvq_bytes, 10);
	assert_int_equal(tcp_bed_discard(bed), 2);
}

/* Children of a listener that is gone still count for the next one in its place. */
static void
an_accepted_child_may_outlive_its_listener(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;
	tcp_handle h;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	bed_peer_init(&p, bed);
	syn(&p, bed, 10, &cookie);
	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), 0);
	tcp_listener_close(bed->stack, &bed->env, bed->listener);
	tcp_bed_listen(bed, 0);
	assert_int_equal(bed->stack->listeners[0].fastopen_pending, 1);
	tcp_abort(bed->stack, &bed->env, h);
	assert_int_equal(bed->stack->listeners[0].fastopen_pending, 0);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_cookie_opens_from_any_port_of_its_address_and_no_other),
		BED_TEST(the_data_of_a_repeated_syn_is_taken_once),
		BED_TEST(an_accepted_child_may_outlive_its_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
