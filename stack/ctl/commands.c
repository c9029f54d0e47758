/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of control commands. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/commands.h"

/* clang-format off */
#define NO_ARGS { CTL_ARG_END, NULL, NULL, 0 }
#define FLAG(name, help) { CTL_ARG_FLAG, name, help, 0 }
#define TEXT(name, help) { CTL_ARG_TEXT, name, help, 0 }
#define OPTION(name, help) { CTL_ARG_OPTION, name, help, 0 }
#define OUTPUT(name, help) { CTL_ARG_OUTPUT, name, help, 0 }
#define TUNABLE(name, help) { CTL_ARG_TUNABLE, name, help, 0 }

static const struct ctl_command commands[] = {
#define COMMAND(id, name, role, help, ...) { name, CTL_##role, help, { __VA_ARGS__ } },
#include "ctl/commands.def"
#undef COMMAND
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(commands) == CTL_COMMAND_COUNT, "a row each");

const struct ctl_command *
ctl_command(unsigned int i)
{
	ASSERT(i < CTL_COMMAND_COUNT);
	return &commands[i];
}

int
ctl_command_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < CTL_COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

const char *
ctl_command_name_at(const void *ctx, size_t i)
{
	(void)ctx;
	return i < CTL_COMMAND_COUNT ? commands[i].name : NULL;
}

const char *
ctl_role_name(enum ctl_role role)
{
	switch (role) {
	case CTL_READ:
		return "read";
	case CTL_OPERATE:
		return "operate";
	case CTL_ADMIN:
		return "admin";
	}
	ASSERT(false);
	return "";
}
