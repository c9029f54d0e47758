/* SPDX-License-Identifier: BSD-3-Clause */
/* Which shortcomings of a port are told, and that one without any is left in peace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/port_remarks.h"

static const struct {
	struct ctl_port_row port;
	unsigned int count;
	const char *first;
} rows[] = {
	{ { .rss_key = "random", .queues = 8, .queues_asked = 8, .rx_csum = CTL_FEATURE_HW,
		  .tx_csum = CTL_FEATURE_HW },
		0, NULL },
	{ { .rss_key = "-", .queues = 1, .queues_asked = 1, .rx_csum = CTL_FEATURE_OFF,
		  .tx_csum = CTL_FEATURE_OFF },
		0, NULL },
	{ { .rss_key = "-", .queues = 1, .queues_asked = 2 }, 1, "queues" },
	{ { .rss_key = "-", .rx_csum = CTL_FEATURE_SW }, 1, "csum_rx" },
	{ { .rss_key = "-", .tx_csum = CTL_FEATURE_SW }, 1, "csum_tx" },
	{ { .rss_key = "fixed" }, 1, "rss_key" },
	{ { .rss_key = "none" }, 1, "rss_key" },
	{ { .rss_key = "none", .queues = 2, .queues_asked = 4, .rx_csum = CTL_FEATURE_SW,
		  .tx_csum = CTL_FEATURE_SW },
		CTL_PORT_REMARKS_MAX, "queues" },
};

static void
what_degrades_has_a_remark(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_port_remark out[CTL_PORT_REMARKS_MAX];
		unsigned int count = ctl_port_remarks(&rows[i].port, out);

		if (count != rows[i].count)
			fail_msg("row %zu: %u remarks", i, count);
		if (count > 0)
			assert_string_equal(out[0].feature, rows[i].first);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_degrades_has_a_remark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
