/* SPDX-License-Identifier: BSD-3-Clause */
/* What our SYNs say, and what a connection takes over from the peer's. */
#include "unit/tcp_unit.h"

static const struct tcp_wishes none;

static void
the_mss_we_say_is_the_mtu_without_headers(void **state)
{
	static const struct {
		uint16_t mtu;
		uint8_t family;
		uint16_t want;
	} rows[] = {
		{ 1500, FLOW_FAMILY_V4, 1460 }, { 1500, FLOW_FAMILY_V6, 1440 },
		{ 9000, FLOW_FAMILY_V4, 8960 }, { 576, FLOW_FAMILY_V4, 536 },
		{ 1280, FLOW_FAMILY_V6, 1220 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct flow_key key = { .family = rows[i].family };

		bed->stack->par.mtu = rows[i].mtu;
		assert_int_equal(tcp_own_mss(bed->stack, &key), rows[i].want);
	}
}

static void
the_peers_mss_is_raised_to_a_sane_least_and_capped_by_our_mtu(void **state)
{
	static const struct {
		bool present;
		uint16_t mss;
		uint8_t family;
		uint16_t want;
		unsigned int raised;
	} rows[] = {
		{ false, 0, FLOW_FAMILY_V4, 536, 0 },
		{ false, 0, FLOW_FAMILY_V6, 1220, 0 },
		{ true, 0, FLOW_FAMILY_V4, 88, 1 },
		{ true, 87, FLOW_FAMILY_V4, 88, 1 },
		{ true, 88, FLOW_FAMILY_V4, 88, 0 },
		{ true, 1460, FLOW_FAMILY_V4, 1460, 0 },
		{ true, 1461, FLOW_FAMILY_V4, 1460, 0 },
		{ true, 65535, FLOW_FAMILY_V6, 1440, 0 },
	};
	struct tcp_bed *bed = *state;

	bed->stack->env = &bed->env;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct flow_key key = { .family = rows[i].family };
		const struct tcp_opts peer = {
			.present = rows[i].present ? TCP_OPT_MSS : 0,
			.mss = rows[i].mss,
		};
		uint64_t raised = bed->ctr.MssRaised;

		assert_int_equal(tcp_peer_mss(bed->stack, &key, &none, &peer), rows[i].want);
		assert_int_equal(bed->ctr.MssRaised - raised, rows[i].raised);
	}
}

/* RFC 7323 s2.3: the largest buffer in 16 bits, at most 14. */
static void
the_window_scale_covers_the_largest_receive_buffer(void **state)
{
	static const struct {
		uint32_t rmem_max;
		uint8_t want;
	} rows[] = {
		{ 1024, 0 }, { 65535, 0 }, { 65536, 1 }, { 131071, 1 }, { 6291456, 7 },
		{ 1u << 30, 14 }, { INT32_MAX, 14 },
	};
	struct tcp_bed *bed = *state;

	bed->stack->env = &bed->env;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed->tun.tcp_rmem[2] = rows[i].rmem_max;
		assert_int_equal(tcp_own_wscale(bed->stack, &none), rows[i].want);
	}
}

/* Half of an owner's buffer is offered, and of that no more than the clamp. */
static void
the_window_scale_covers_what_the_owner_wants(void **state)
{
	static const struct {
		struct tcp_wishes wishes;
		uint8_t want;
	} rows[] = {
		{ { .rcvbuf = 131070 }, 0 },
		{ { .rcvbuf = 131072 }, 1 },
		{ { .rcvbuf = 131072, .window_clamp = 65535 }, 0 },
		{ { .window_clamp = 65536 }, 1 },
		{ { .rcvbuf = INT32_MAX, .window_clamp = INT32_MAX }, 7 },
	};
	struct tcp_bed *bed = *state;

	bed->stack->env = &bed->env;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(tcp_own_wscale(bed->stack, &rows[i].wishes), rows[i].want);
}

static void
the_window_of_a_syn_is_of_whole_segments_and_at_most_65535(void **state)
{
	/* As measured on Linux 6.18: 1460 bytes, or 1448 with timestamps. */
	static const struct {
		uint32_t rmem, want;
		bool has_ts;
	} rows[] = {
		{ 1024, 512, false },
		{ 4096, 1460, false },
		{ 20000, 8760, false },
		{ 65536, 32120, false },
		{ 87380, 42340, false },
		{ 131072, 64240, false },
		{ 131072, 65160, true },
		{ 262144, 65535, false },
		{ 6291456, 65535, true },
		{ 4096, 1460, false },
	};
	const struct flow_key key = { .family = FLOW_FAMILY_V4 };
	struct tcp_bed *bed = *state;

	bed->stack->env = &bed->env;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed->tun.tcp_rmem[1] = rows[i].rmem;
		assert_int_equal(rows[i].want,
			tcp_syn_window(bed->stack, &key, &none, rows[i].has_ts));
	}
}

static void
a_synack_says_only_what_the_syn_offered_and_the_tunables_allow(void **state)
{
	const uint8_t all = TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
	struct tcp_bed *bed = *state;
	const struct flow_key key = { .family = FLOW_FAMILY_V4 };
	struct tcp_opts opts;

	bed->stack->env = &bed->env;
	for (unsigned int allowed = 0; allowed < 8; allowed++)
		for (unsigned int offered = 0; offered < 16; offered++) {
			uint8_t can = 0;

			bed->tun.tcp_timestamps = (allowed & 1) != 0;
			bed->tun.tcp_sack = (allowed & 2) != 0;
			bed->tun.tcp_window_scaling = (allowed & 4) != 0;
			can |= allowed & 1 ? TCP_OPT_TS : 0;
			can |= allowed & 2 ? TCP_OPT_SACK_OK : 0;
			can |= allowed & 4 ? TCP_OPT_WSCALE : 0;
			tcp_synack_options(bed->stack, &key, &none, (uint8_t)offered, &opts);
			assert_int_equal(opts.present, (can & all & offered) | TCP_OPT_MSS);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_mss_we_say_is_the_mtu_without_headers),
		BED_TEST(the_peers_mss_is_raised_to_a_sane_least_and_capped_by_our_mtu),
		BED_TEST(the_window_scale_covers_the_largest_receive_buffer),
		BED_TEST(the_window_scale_covers_what_the_owner_wants),
		BED_TEST(the_window_of_a_syn_is_of_whole_segments_and_at_most_65535),
		BED_TEST(a_synack_says_only_what_the_syn_offered_and_the_tunables_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
