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

static void
set_key(struct tcp_bed *bed, const char *text)
{
	char err[TUNABLE_ERR_LEN];

	assert_int_equal(tunables_set(&bed->tun, "tcp_fastopen_key", text, err, sizeof(err)), 0);
}

static enum outcome
try(struct tcp_bed *bed, const struct tcp_opts *cookie)
{
	struct bed_peer p;

	bed_peer_init(&p, bed);
	return syn(&p, bed, 10, cookie);
}

/* What Linux gave 10.0.0.2 at 10.0.0.1, and 2001:db8::2 at 2001:db8::1, under this key. */
static void
under_a_configured_key_a_cookie_is_linuxs(void **state)
{
	static const uint8_t linuxs[8] = { 0xdc, 0x60, 0xbf, 0x54, 0x7b, 0xe9, 0xbb, 0x12 };
	static const uint8_t linuxs6[8] = { 0x12, 0x42, 0x70, 0x77, 0xfb, 0x53, 0x1a, 0xea };
	static const struct ip_addr peer6 = { { 0x20, 1, 0xd, 0xb8, [15] = 2 } };
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;

	listen_fastopen(bed);
	set_key(bed, "00112233-44556677-8899aabb-ccddeeff");
	cookie = get_cookie(bed);
	assert_memory_equal(cookie.fastopen, linuxs, 8);
	assert_int_equal(try(bed, &cookie), OUT_SYN_FASTOPEN);
	tcp_bed_discard(bed);
	bed_peer_init(&p, bed);
	p.key = flow_key_make(&peer6, 5000, 1, BED_PORT);
	assert_int_equal(syn(&p, bed, 0, NULL), OUT_SYN_QUEUED);
	assert_true(tcp_bed_take(bed));
	assert_memory_equal(bed->sent.opts.fastopen, linuxs6, 8);
	/* A secret of our own again: the group's cookies are void here. */
	set_key(bed, "random");
	assert_int_equal(try(bed, &cookie), OUT_SYN_QUEUED);
	tcp_bed_discard(bed);
}

/* The new key becomes the backup of all, then the primary of all, then the old one goes. */
static void
a_group_changes_its_key_without_a_lost_cookie(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts old, new;

	listen_fastopen(bed);
	set_key(bed, "1-1-1-1");
	old = get_cookie(bed);
	set_key(bed, "1-1-1-1,2-2-2-2");
	assert_int_equal(try(bed, &old), OUT_SYN_FASTOPEN);
	assert_true(tcp_bed_take(bed));
	assert_false(bed->sent.opts.present & TCP_OPT_FASTOPEN);
	set_key(bed, "2-2-2-2,1-1-1-1");
	assert_int_equal(bed->ctr.TCPFastOpenPassiveAltKey, 0);
	assert_int_equal(try(bed, &old), OUT_SYN_FASTOPEN);
	assert_int_equal(bed->ctr.TCPFastOpenPassiveAltKey, 1);
	/* The answer brings the cookie that will do from now on. */
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.opts.fastopen_len, 8);
	new = bed->sent.opts;
	assert_memory_not_equal(new.fastopen, old.fastopen, 8);
	set_key(bed, "2-2-2-2");
	assert_int_equal(try(bed, &old), OUT_SYN_QUEUED);
	assert_int_equal(try(bed, &new), OUT_SYN_FASTOPEN);
	tcp_bed_discard(bed);
}

static void
a_row_of_listeners_has_what_became_of_cookies(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_listener_info row;
	struct tcp_opts cookie;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	try(bed, &cookie);
	try(bed, &cookie);
	cookie.fastopen[0] ^= 1;
	try(bed, &cookie);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &row, 1), 1);
	assert_true(row.fastopen);
	assert_int_equal(row.fastopen_pending, 2);
	assert_int_equal(row.fastopen_limit, 256);
	assert_int_equal(row.fastopen_opened, 2);
	assert_int_equal(row.fastopen_failed, 1);
	bed->tun.tcp_fastopen = TCP_FASTOPEN_CLIENT;
	assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &row, 1), 1);
	assert_false(row.fastopen);
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

/* RFC 7413 s7.1: where the application says that a cookie is not needed. */
static void
a_listener_that_wants_no_cookie_opens_with_data_alone(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg seg;
	struct bed_peer p;

	listen_fastopen(bed);
	bed->stack->listeners[0].wishes.no_cookie = true;
	bed_peer_init(&p, bed);
	seg = bed_peer_seg(&p, TCP_SYN, 10);
	assert_int_equal(bed_peer_send_seg(&p, &seg), OUT_SYN_FASTOPEN);
	assert_int_equal(bed_peer_conn(&p)->recvq_bytes, 10);
	tcp_bed_discard(bed);
}

static void
a_cookie_without_data_opens(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	bed_peer_init(&p, bed);
	assert_int_equal(syn(&p, bed, 0, &cookie), OUT_SYN_FASTOPEN);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	assert_int_equal(bed_peer_conn(&p)->recvq_bytes, 0);
	tcp_bed_discard(bed);
}

/* Then it is a SYN as any: its data is not taken, and nothing is accepted early. */
static void
a_cookie_does_not_pass_a_full_accept_queue(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;

	tcp_bed_listen(bed, 2);
	bed->stack->listeners[0].fastopen = true;
	bed->tun.tcp_fastopen = TCP_FASTOPEN_SERVER;
	cookie = get_cookie(bed);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(try(bed, &cookie), OUT_SYN_FASTOPEN);
	assert_int_equal(try(bed, &cookie), OUT_SYN_QUEUED);
	assert_int_equal(bed->ctr.TCPFastOpenPassiveFail, 1);
	assert_int_equal(bed->stack->listeners[0].fastopen_failed, 1);
	tcp_bed_discard(bed);
}

/* RFC 6298 s5.7: no round trip was measured, and one second was too little. */
static void
a_synack_sent_twice_leaves_a_timeout_of_three_seconds(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_opts cookie;
	struct bed_peer p;

	listen_fastopen(bed);
	cookie = get_cookie(bed);
	bed_peer_init(&p, bed);
	syn(&p, bed, 10, &cookie);
	tcp_bed_advance(bed, 1000);
	assert_true(tcp_bed_discard(bed) >= 2);
	p.seq += 11;
	p.iss = tcp_cold(bed->stack, bed_peer_conn(&p))->iss;
	p.ack = p.iss + 1;
	bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->rto_ms, 3000);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->srtt_us, 0);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_cookie_opens_from_any_port_of_its_address_and_no_other),
		BED_TEST(the_data_of_a_repeated_syn_is_taken_once),
		BED_TEST(under_a_configured_key_a_cookie_is_linuxs),
		BED_TEST(a_group_changes_its_key_without_a_lost_cookie),
		BED_TEST(a_row_of_listeners_has_what_became_of_cookies),
		BED_TEST(an_accepted_child_may_outlive_its_listener),
		BED_TEST(a_listener_that_wants_no_cookie_opens_with_data_alone),
		BED_TEST(a_cookie_without_data_opens),
		BED_TEST(a_cookie_does_not_pass_a_full_accept_queue),
		BED_TEST(a_synack_sent_twice_leaves_a_timeout_of_three_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
