/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the table of control commands. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/commands.h"

static void
every_command_is_found_by_its_name_only(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < CTL_COMMAND_COUNT; i++) {
		assert_int_equal(ctl_command_find(ctl_command(i)->name), i);
		assert_string_equal(ctl_command_name_at(NULL, i), ctl_command(i)->name);
		assert_true(strlen(ctl_command(i)->help) > 0);
	}
	assert_null(ctl_command_name_at(NULL, CTL_COMMAND_COUNT));
	assert_int_equal(ctl_command_find("show"), -ENOENT);
	assert_int_equal(ctl_command_find(""), -ENOENT);
}

static void
only_looking_is_for_everybody(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < CTL_COMMAND_COUNT; i++) {
		const struct ctl_command *cmd = ctl_command(i);
		bool is_look = strncmp(cmd->name, "show ", 5) == 0 || strcmp(cmd->name, "get") == 0;

		assert_true((cmd->role == CTL_READ) == is_look);
	}
	assert_int_equal(ctl_command(CTL_COMMAND_set)->role, CTL_OPERATE);
	assert_int_equal(ctl_command(CTL_COMMAND_stop)->role, CTL_ADMIN);
	assert_string_equal(ctl_role_name(CTL_OPERATE), "operate");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_found_by_its_name_only),
		cmocka_unit_test(only_looking_is_for_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
