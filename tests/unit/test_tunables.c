/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the tunables: defaults, ranges, units, vectors, words, messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/tunables.h"

static void
defaults_are_those_linux_users_know(void **state)
{
	struct tunables t;

	(void)state;
	memset(&t, 0xff, sizeof(t));
	tunables_default(&t);
	assert_int_equal(t.tcp_syn_retries, 5);
	assert_int_equal(t.tcp_max_syn_backlog, 4096);
	assert_int_equal(t.tcp_rmem[0], 4096);
	assert_int_equal(t.tcp_rmem[1], 131072);
	assert_int_equal(t.tcp_rmem[2], 6291456);
	assert_int_equal(t.ip_local_port_range[0], 32768);
	assert_int_equal(t.ip_local_port_range[1], 60999);
	assert_int_equal(t.tcp_congestion_control, TUN_CC_CUBIC);
	assert_int_equal(t.tcp_rto_min, 200);
	assert_int_equal(t.tcp_keepalive_time, 7200);
}

static void
every_default_is_within_its_own_range(void **state)
{
	const struct tunable_desc *row;
	struct tunables t;
	char text[TUNABLE_TEXT_LEN], err[TUNABLE_ERR_LEN];
	size_t i;

	(void)state;
	tunables_default(&t);
	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		if (row->count == 0)
			continue;
		assert_int_equal(tunables_get(&t, row->name, text, sizeof(text)), 0);
		if (tunables_set(&t, row->name, text, err, sizeof(err)) != 0)
			fail_msg("%s: %s", row->name, err);
	}
	assert_true(i > 40);
}

static void
names_are_unique_and_found(void **state)
{
	const struct tunable_desc *row;
	size_t i;

	(void)state;
	for (i = 0; (row = tunables_row(i)) != NULL; i++)
		assert_ptr_equal(tunables_find(row->name), row);
	assert_null(tunables_find("tcp_"));
	assert_null(tunables_find(""));
}

static const struct {
	const char *name, *text;
	int code;
	uint32_t first; /* value afterwards, if code is 0 */
	const char *says; /* part of the message, if not */
} set_rows[] = {
	{ "tcp_syn_retries", "0", 0, 0, NULL },
	{ "tcp_syn_retries", "127", 0, 127, NULL },
	{ "tcp_syn_retries", "128", -ERANGE, 0, "0..127" },
	{ "tcp_syn_retries", "", -EINVAL, 0, "does not fit" },
	{ "tcp_syn_retries", "-1", -EINVAL, 0, "0..127" },
	{ "tcp_syn_retries", "5 5", -EINVAL, 0, "0..127" },
	{ "tcp_syn_retries", "5x", -EINVAL, 0, "0..127" },
	{ "tcp_syn_retries", "99999999999999999999", -ERANGE, 0, "0..127" },
	{ "tcp_syn_retries", "0x10", -EINVAL, 0, "0..127" },
	{ "tcp_max_syn_backlog", "64Ki", 0, 65536, NULL },
	{ "tcp_max_syn_backlog", "1M", 0, 1000000, NULL },
	{ "tcp_max_syn_backlog", "16777216", 0, 16777216, NULL },
	{ "tcp_max_syn_backlog", "16777217", -ERANGE, 0, "1..16777216" },
	{ "tcp_max_syn_backlog", "0", -ERANGE, 0, "entries" },
	{ "tcp_keepalive_time", "2h", 0, 7200, NULL },
	{ "tcp_keepalive_time", "90m", 0, 5400, NULL },
	{ "tcp_keepalive_time", "500ms", -EINVAL, 0, "1..32767" },
	{ "tcp_keepalive_time", "2k", -EINVAL, 0, "1..32767" },
	{ "tcp_rto_min", "1s", 0, 1000, NULL },
	{ "tcp_rto_min", "5000us", 0, 5, NULL },
	{ "tcp_rto_min", "120000", 0, 120000, NULL },
	{ "tcp_rto_max", "1s", 0, 1000, NULL },
	{ "tcp_delack_min", "200", 0, 200, NULL },
	{ "tcp_delack_min", "201", -EINVAL, 0, "above tcp_delack_max 200" },
	{ "tcp_delack_max", "39", -EINVAL, 0, "above tcp_delack_max 39" },
	{ "tcp_sack", "off", 0, 0, NULL },
	{ "tcp_sack", "on", 0, 1, NULL },
	{ "tcp_sack", "2", -EINVAL, 0, "0..1" },
	{ "tcp_syncookies", "2", 0, 2, NULL },
	{ "tcp_syncookies", "3", -ERANGE, 0, "0..2" },
	{ "tcp_syncookies", "on", -EINVAL, 0, "0..2" },
	{ "tcp_congestion_control", "reno", 0, TUN_CC_RENO, NULL },
	{ "tcp_congestion_control", "cubic", 0, TUN_CC_CUBIC, NULL },
	{ "tcp_congestion_control", "dctcp", 0, TUN_CC_DCTCP, NULL },
	{ "tcp_congestion_control", "bbr", -EINVAL, 0, "reno" },
	{ "tcp_congestion_control", "1", -EINVAL, 0, "reno" },
	{ "tcp_rmem", "4096 16Ki 1Mi", 0, 4096, NULL },
	{ "tcp_rmem", "4096,16384,1048576", 0, 4096, NULL },
	{ "tcp_rmem", " 4096\t16384 1048576 ", 0, 4096, NULL },
	{ "tcp_rmem", "4096 16384", -EINVAL, 0, "3 numbers within" },
	{ "tcp_rmem", "1 2 3 4", -ERANGE, 0, "3 numbers within" },
	{ "tcp_rmem", "4096 4096 4096 4096", -EINVAL, 0, "3 numbers within" },
	{ "tcp_rmem", "16384 4096 1048576", -EINVAL, 0, "falls" },
	{ "ip_local_port_range", "1024 65535", 0, 1024, NULL },
	{ "ip_local_port_range", "0 65535", -ERANGE, 0, "1..65535" },
	{ "ip_local_port_range", "2k 3k", -EINVAL, 0, "1..65535" },
	{ "ip_local_port_range", "1024 65536", -ERANGE, 0, "1..65535" },
	{ "tcp_fastopen_key", "random", 0, TUN_SECRET_RANDOM, NULL },
	{ "tcp_fastopen_key", "0123abcd-0-FFFFFFFF-1", 0, TUN_SECRET_ONE, NULL },
	{ "tcp_fastopen_key", "1-2-3-4,5-6-7-8", 0, TUN_SECRET_TWO, NULL },
	{ "tcp_fastopen_key", " 1-2-3-4 5-6-7-8 ", 0, TUN_SECRET_TWO, NULL },
	{ "tcp_fastopen_key", "", -EINVAL, 0, "KEY[,BACKUP]" },
	{ "tcp_fastopen_key", ",", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "1-2-3", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "1-2-3-4-5", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "1--3-4", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "123456789-2-3-4", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "1-2-3-g", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "1-2-3-4,", 0, TUN_SECRET_ONE, NULL },
	{ "tcp_fastopen_key", "1-2-3-4,5-6-7-8,9-a-b-c", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "set", -EINVAL, 0, "is no key" },
	{ "tcp_fastopen_key", "00000000-00000000-00000000-00000000", -EINVAL, 0, "is no key" },
	{ "tcp_tw_recycle", "0", -EPERM, 0, "tcp_tw_reuse" },
	{ "tcp_synack_retires", "3", -ENOENT, 0, "did you mean 'tcp_synack_retries'" },
	{ "somaxcon", "3", -ENOENT, 0, "'somaxconn'" },
	{ "nothing_like_it_at_all", "3", -ENOENT, 0, "no tunable is called" },
};

static void
set_takes_what_is_in_range_and_explains_the_rest(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(set_rows) / sizeof(set_rows[0]); i++) {
		struct tunables t, before;
		char err[TUNABLE_ERR_LEN] = "";
		int code;

		tunables_default(&t);
		before = t;
		code = tunables_set(&t, set_rows[i].name, set_rows[i].text, err, sizeof(err));
		if (code != set_rows[i].code)
			fail_msg("row %zu: %s '%s' gave %d: %s", i, set_rows[i].name,
				set_rows[i].text, code, err);
		if (code == 0) {
			const struct tunable_desc *row = tunables_find(set_rows[i].name);

			assert_int_equal(*tunables_values(&t, row), set_rows[i].first);
			continue;
		}
		assert_memory_equal(&t, &before, sizeof(t));
		if (strstr(err, set_rows[i].says) == NULL)
			fail_msg("row %zu: message lacks '%s': %s", i, set_rows[i].says, err);
	}
}

static void
get_prints_what_set_reads(void **state)
{
	struct tunables t;
	char text[TUNABLE_TEXT_LEN], err[TUNABLE_ERR_LEN];

	(void)state;
	tunables_default(&t);
	assert_int_equal(tunables_set(&t, "tcp_wmem", "4Ki 64Ki 2147483647", err, sizeof(err)), 0);
	assert_int_equal(tunables_get(&t, "tcp_wmem", text, sizeof(text)), 0);
	assert_string_equal(text, "4096 65536 2147483647");
	assert_int_equal(tunables_get(&t, "tcp_congestion_control", text, sizeof(text)), 0);
	assert_string_equal(text, "cubic");
	assert_int_equal(tunables_get(&t, "tcp_wmem", text, 10), -ENOSPC);
	assert_int_equal(tunables_get(&t, "tcp_tw_recycle", text, sizeof(text)), -EPERM);
	assert_int_equal(tunables_get(&t, "no_such", text, sizeof(text)), -ENOENT);
}

static void
a_secret_is_kept_and_not_shown(void **state)
{
	static const uint32_t keys[2][4] = { { 0x123abcd, 0, 0xffffffff, 1 }, { 5, 6, 7, 8 } };
	struct tunables t;
	char text[TUNABLE_TEXT_LEN], err[TUNABLE_ERR_LEN];

	(void)state;
	tunables_default(&t);
	assert_int_equal(tunables_set(&t, "tcp_fastopen_key", "0123abcd-0-FFFFFFFF-1,5-6-7-8", err,
		sizeof(err)), 0);
	assert_memory_equal(t.tcp_fastopen_key.key, keys, sizeof(keys));
	assert_int_equal(tunables_get(&t, "tcp_fastopen_key", text, sizeof(text)), 0);
	assert_string_equal(text, "set, with a backup");
	/* One digit too many, and the message would tell the others. */
	assert_int_equal(tunables_set(&t, "tcp_fastopen_key", "0123abcde-0-1-1", err, sizeof(err)),
		-EINVAL);
	assert_null(strstr(err, "123abcd"));
	assert_int_equal(tunables_set(&t, "tcp_fastopen_key", "random", err, sizeof(err)), 0);
	assert_int_equal(t.tcp_fastopen_key.key[0][0], 0);
}

static void
values_that_do_not_fit_together_are_refused(void **state)
{
	struct tunables t;
	char err[TUNABLE_ERR_LEN];

	(void)state;
	tunables_default(&t);
	assert_int_equal(tunables_check(&t, err, sizeof(err)), 0);
	assert_int_equal(tunables_set(&t, "tcp_rto_max", "1000", err, sizeof(err)), 0);
	assert_int_equal(tunables_set(&t, "tcp_rto_min", "1001", err, sizeof(err)), -EINVAL);
	assert_int_equal(t.tcp_rto_min, 200);
	assert_int_equal(tunables_assign(&t, "tcp_rto_min", "1001", err, sizeof(err)), 0);
	assert_int_equal(tunables_check(&t, err, sizeof(err)), -EINVAL);
	assert_int_equal(tunables_set(&t, "tcp_rto_max", "1001", err, sizeof(err)), 0);
}

static void
messages_fit_whatever_is_typed(void **state)
{
	struct tunables t;
	char err[TUNABLE_ERR_LEN];
	char junk[4096];

	(void)state;
	tunables_default(&t);
	memset(junk, 'x', sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = '\0';
	assert_int_equal(tunables_set(&t, junk, junk, err, sizeof(err)), -ENOENT);
	assert_true(strlen(err) < sizeof(err) - 1);
	assert_int_equal(tunables_set(&t, "tcp_rmem", junk, err, sizeof(err)), -EINVAL);
	assert_true(strlen(err) < sizeof(err) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_linux_users_know),
		cmocka_unit_test(every_default_is_within_its_own_range),
		cmocka_unit_test(names_are_unique_and_found),
		cmocka_unit_test(set_takes_what_is_in_range_and_explains_the_rest),
		cmocka_unit_test(get_prints_what_set_reads),
		cmocka_unit_test(a_secret_is_kept_and_not_shown),
		cmocka_unit_test(values_that_do_not_fit_together_are_refused),
		cmocka_unit_test(messages_fit_whatever_is_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
