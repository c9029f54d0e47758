/* SPDX-License-Identifier: BSD-3-Clause */
/* What the unit tests of the TCP engine begin with: cmocka, a bed, and short names. */
#ifndef UNIT_TCP_UNIT_H
#define UNIT_TCP_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"

#include "lib/tcp_bed.h"

/* An assertion of the engine or the bed that fails is a test that fails, unless it expects it. */
void
base_assert_fail(const char *file, int line, const char *expr)
{
	mock_assert(0, expr, file, line);
	abort();
}

/* Most tests want defaults; the others prepare and start in the test itself. */
static inline int
tcp_unit_prepare(void **state)
{
	static struct tcp_bed bed;

	tcp_bed_prepare(&bed);
	*state = &bed;
	return 0;
}

static inline int
tcp_unit_start(void **state)
{
	tcp_unit_prepare(state);
	tcp_bed_start(*state);
	return 0;
}

static inline int
tcp_unit_end(void **state)
{
	tcp_bed_fini(*state);
	return 0;
}

/* After an attack: what it made us hold at most is within the formula of docs/memory.md (G-14). */
static inline int
tcp_unit_end_attack(void **state)
{
	struct tcp_bed *bed = *state;
	const char *excess = mem_peak_excess(&bed->peak, bed->stack, &bed->pkts.pool);

	if (excess != NULL)
		print_message("more in use than allowed: %s\n", excess);
	tcp_bed_fini(bed);
	return excess == NULL ? 0 : -1;
}

/* A test that gets a running bed, and one that starts it. */
#define BED_TEST(name) cmocka_unit_test_setup_teardown(name, tcp_unit_start, tcp_unit_end)
#define BED_TEST_PREPARED(name)                                                                    \
	cmocka_unit_test_setup_teardown(name, tcp_unit_prepare, tcp_unit_end)
/* The same for attacks. */
#define ATTACK_TEST(name)                                                                          \
	cmocka_unit_test_setup_teardown(name, tcp_unit_start, tcp_unit_end_attack)
#define ATTACK_TEST_PREPARED(name)                                                                 \
	cmocka_unit_test_setup_teardown(name, tcp_unit_prepare, tcp_unit_end_attack)

/* The next segment the engine sent, as bed_peer_sent() writes it; "": nothing. */
#define assert_sent(p, text) assert_string_equal(bed_peer_sent(p), text)

#endif
