/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue whose bound is a rare event: as many tries as the row says. */
#include "unit/tcp_unit.h"

#define TRIES 1000000000u

/* 28 bits of MAC: 3.7 are to be expected. */
static void
a03_of_a_billion_guessed_cookies_eight_pass_at_most(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_cookie_info infos[TCP_BURST_MAX];
	const struct tcp_seg *segs[TCP_BURST_MAX];
	struct tcp_seg seg[TCP_BURST_MAX];
	bool valid[TCP_BURST_MAX];
	unsigned int passed = 0;
	struct bed_peer p;
	struct rng rng;

	rng_seed(&rng, 3);
	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	bed_peer_send(&p, TCP_SYN, 0);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		bed_peer_init(&p, bed);
		seg[i] = bed_peer_seg(&p, TCP_ACK, 0);
		segs[i] = &seg[i];
	}
	for (uint32_t i = 0; i < TRIES; i += TCP_BURST_MAX) {
		for (unsigned int j = 0; j < TCP_BURST_MAX; j++)
			seg[j].ack = rng_u32(&rng);
		tcp_cookie_check(bed->stack, segs, TCP_BURST_MAX, valid, infos);
		for (unsigned int j = 0; j < TCP_BURST_MAX; j++)
			passed += valid[j];
	}
	assert_in_range(passed, 0, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(a03_of_a_billion_guessed_cookies_eight_pass_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
