/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of control commands, as the server and the command line read it. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stddef.h>

#include "ctl/protocol.h"

#define CTL_ARGS_MAX 12u

enum ctl_arg_kind {
	CTL_ARG_END, /* behind the last */
	CTL_ARG_FLAG, /* true or false; need not be there */
	CTL_ARG_TEXT, /* a text that must be there */
	CTL_ARG_OPTION, /* a text that need not be there */
	CTL_ARG_TUNABLE, /* as TEXT, completed to the names of tunables */
	CTL_ARG_OUTPUT, /* as TEXT, a file of the command line's; the daemon does not get it */
	CTL_ARG_WORDS, /* any number of words, joined by blanks; the last argument */
};

struct ctl_arg {
	enum ctl_arg_kind kind;
	const char *name, *help;
	char letter; /* of a flag's short form, "-a"; 0: none */
};

struct ctl_command {
	const char *name; /* words separated by one blank */
	enum ctl_role role; /* least that may use it */
	const char *help;
	struct ctl_arg args[CTL_ARGS_MAX];
};

enum ctl_command_id {
#define COMMAND(id, name, role, help, ...) CTL_COMMAND_##id,
#include "ctl/commands.def"
#undef COMMAND
};

enum {
#define COMMAND(id, name, role, help, ...) +1
	CTL_COMMAND_COUNT = 0
#include "ctl/commands.def"
#undef COMMAND
};

/** Row i, i < CTL_COMMAND_COUNT. */
const struct ctl_command *ctl_command(unsigned int i);

/** The id of a command by its full name; -ENOENT. */
int ctl_command_find(const char *name);

/** For nearest_names(): the name of row i, or NULL. */
const char *ctl_command_name_at(const void *ctx, size_t i);

/** "read", "operate", "admin". */
const char *ctl_role_name(enum ctl_role role);

#endif
