/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of counters and outcomes: names, sums, and that each table row is usable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/counters.h"

static void
counter_names_are_linux_names_and_unique(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < COUNTER_COUNT; i++) {
		assert_true(strlen(counters_desc(i)->help) > 0);
		for (j = 0; j < i; j++)
			assert_string_not_equal(counters_desc(i)->name, counters_desc(j)->name);
	}
	for (i = 0; i < COUNTER_COUNT; i++) {
		if (strcmp(counters_desc(i)->name, "TcpExtSyncookiesSent") == 0)
			break;
	}
	assert_true(i < COUNTER_COUNT);
}

static void
get_reads_the_cell_of_its_row(void **state)
{
	struct counters c = { .ActiveOpens = 7 };
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNTER_COUNT; i++) {
		uint64_t want = strcmp(counters_desc(i)->name, "TcpActiveOpens") == 0 ? 7 : 0;

		assert_int_equal(counters_get(&c, i), want);
	}
}

static void
outcome_names_are_lower_case_words_and_unique(void **state)
{
	char a[OUTCOME_NAME_LEN], b[OUTCOME_NAME_LEN];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < OUTCOME_MAX; i++) {
		outcome_name((enum outcome)i, a);
		assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(a));
		assert_true(strlen(outcome_desc((enum outcome)i)->meaning) > 0);
		for (j = 0; j < i; j++)
			assert_string_not_equal(a, outcome_name((enum outcome)j, b));
	}
	assert_string_equal(outcome_name(OUT_NO_LISTENER, a), "no-listener");
	assert_true(outcome_desc(OUT_NO_LISTENER)->is_drop);
	assert_false(outcome_desc(OUT_DELIVERED)->is_drop);
}

static void
sum_of_workers_adds_every_cell(void **state)
{
	struct counters a, b, sum = { 0 };
	unsigned int i;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.InSegs = UINT64_MAX;
	a.CurrEstab = (uint64_t)-3;
	a.outcome[OUTCOME_MAX - 1] = 5;
	a.state_count[TCPS_TIME_WAIT] = 11;
	for (i = 0; i < sizeof(b) / sizeof(uint64_t); i++)
		((uint64_t *)(void *)&b)[i] = i;
	counters_add(&sum, &a);
	counters_add(&sum, &b);
	assert_int_equal(sum.InReceives, 0);
	assert_int_equal(sum.InSegs, b.InSegs - 1);
	assert_int_equal(sum.CurrEstab, b.CurrEstab - 3);
	assert_int_equal(sum.outcome[OUTCOME_MAX - 1], b.outcome[OUTCOME_MAX - 1] + 5);
	assert_int_equal(sum.state_count[TCPS_TIME_WAIT], b.state_count[TCPS_TIME_WAIT] + 11);
}

static void
drops_and_successes_together_are_all_outcomes(void **state)
{
	struct counters c = { 0 };
	uint64_t total = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < OUTCOME_MAX; i++) {
		c.outcome[i] = 1000 + i;
		total += 1000 + i;
	}
	assert_int_equal(counters_drops(&c) + counters_ok(&c), total);
	c = (struct counters){ 0 };
	c.outcome[OUT_BAD_TCP_CSUM] = 3;
	c.outcome[OUT_PURE_ACK] = 4;
	assert_int_equal(counters_drops(&c), 3);
	assert_int_equal(counters_ok(&c), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_names_are_linux_names_and_unique),
		cmocka_unit_test(get_reads_the_cell_of_its_row),
		cmocka_unit_test(outcome_names_are_lower_case_words_and_unique),
		cmocka_unit_test(sum_of_workers_adds_every_cell),
		cmocka_unit_test(drops_and_successes_together_are_all_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
