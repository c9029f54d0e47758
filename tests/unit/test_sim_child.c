/* SPDX-License-Identifier: BSD-3-Clause */
/* When two runs of the simulation fail the same way, and when they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "sim/child.h"

#define IN_RUN(node) "\nscenario random, seed 0x7, event 12, 3.5 s after the start, node " node "\n"

static const struct {
	const char *a, *b;
	bool same;
} rows[] = {
	{ "I-9: the server of connection 7 on node 3 never ended: sent 1" IN_RUN("3"),
		"I-9: the client of connection 9 on node 3 never ended: sent 5" IN_RUN("3"), true },
	{ "I-9: the server of connection 7 on node 3 never ended" IN_RUN("3"),
		"I-9: the server of connection 7 on node 2 never ended" IN_RUN("2"), false },
	{ "I-1: wrong bytes at the client" IN_RUN("3"), "I-10: too many" IN_RUN("3"), false },
	{ "stack/tcp/tcp_ack.c:7: assertion failed: a < b" IN_RUN("1"),
		"stack/tcp/tcp_ack.c:9: assertion failed: a < b" IN_RUN("1"), false },
	{ "120 packets leaked (not true: x)" IN_RUN("1"),
		"7 packets leaked (not true: x)" IN_RUN("1"), true },
	{ "120 packets leaked" IN_RUN("1"), "120 connections left" IN_RUN("1"), false },
	{ "=====\n==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x60f\n",
		"=====\n==99==ERROR: AddressSanitizer: heap-use-after-free on address 0x61a\n",
		true },
	{ "", "I-1: wrong bytes" IN_RUN("0"), false },
};

static void
a_failure_is_its_invariant_and_its_node(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct failure a, b;

		failure_parse(rows[i].a, &a);
		failure_parse(rows[i].b, &b);
		if (failure_is_same(&a, &b) != rows[i].same)
			fail_msg("row %zu: '%s' of %d, '%s' of %d", i, a.what, a.node, b.what,
				b.node);
	}
}

static void
ends_well(const void *arg)
{
	fprintf(stderr, "%s", (const char *)arg);
}

static void
ends_badly(const void *arg)
{
	fprintf(stderr, "%s", (const char *)arg);
	abort();
}

static void
what_a_child_says_is_heard_and_its_end_is_noticed(void **state)
{
	char said[6];

	(void)state;
	assert_true(child_plays(ends_well, "well", said, sizeof(said)));
	assert_string_equal(said, "well");
	/* What does not fit is read, too, or the child would never end. */
	assert_false(child_plays(ends_badly, "badly indeed", said, sizeof(said)));
	assert_string_equal(said, "badly");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_its_invariant_and_its_node),
		cmocka_unit_test(what_a_child_says_is_heard_and_its_end_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
