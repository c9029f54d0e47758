/* SPDX-License-Identifier: BSD-3-Clause */
/* The live view: asks for what a frame shows, again every second, and listens to keys. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"
#include "run.h"
#include "top.h"

/* Lines of a terminal, and those of a page that hold no rows: title, header, status. */
#define LINES_DEFAULT 24u
#define LINES_TAKEN 6u
/* The first frame has rates too, so it waits a moment. */
#define FIRST_MS 500u

static const unsigned int part_commands[TOP_PART_COUNT] = {
	[TOP_VERSION] = CTL_COMMAND_show_version,
	[TOP_STATS] = CTL_COMMAND_show_stats,
	[TOP_PART_CORES] = CTL_COMMAND_show_cores,
	[TOP_PART_PORTS] = CTL_COMMAND_show_ports,
	[TOP_PART_DROPS] = CTL_COMMAND_show_drops,
	[TOP_PART_FLOWS] = CTL_COMMAND_show_connections,
};

static void
parts_free(json_t **parts)
{
	unsigned int i;

	for (i = 0; i < TOP_PART_COUNT; i++) {
		json_decref(parts[i]);
		parts[i] = NULL;
	}
}

/* What a flow is found by in the frame before. */
static void
name_flow(json_t *row)
{
	static const char *const ends[] = { "local", "local_port", "remote", "remote_port" };
	json_t *name = json_array();
	unsigned int i;

	for (i = 0; i < 4; i++)
		json_array_append(name, json_object_get(row, ends[i]));
	json_object_set_new(row, "flow", name);
}

/* The rows of all lines in one answer. */
static json_t *
ask_flows(struct client *c, struct failure *f)
{
	json_t *all = NULL, *rows = json_array(), *answer;
	bool more = true;
	size_t i;
	json_t *row;

	if (client_ask(c, ctl_command(CTL_COMMAND_show_connections)->name,
		    json_pack("{s:i,s:b}", "limit", (int)TOP_FLOWS_MAX, "info", 1), f) != 0)
		more = false;
	while (more && (answer = client_answer(c, f)) != NULL) {
		json_array_extend(rows, json_object_get(answer, "connections"));
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(all);
		all = answer;
	}
	json_array_foreach(rows, i, row)
		name_flow(row);
	if (all != NULL && !more)
		json_object_set(all, "connections", rows);
	json_decref(rows);
	if (!more)
		return all;
	json_decref(all);
	return NULL;
}

static int
parts_ask(struct client *c, bool with_flows, json_t **parts, struct failure *f)
{
	unsigned int i;
	int code = 0;

	for (i = 0; i < TOP_PART_FLOWS && code == 0; i++) {
		code = client_ask(c, ctl_command(part_commands[i])->name, NULL, f);
		if (code == 0)
			parts[i] = client_answer(c, f);
		if (code == 0 && parts[i] == NULL)
			code = f->exit_code;
	}
	if (code == 0 && with_flows) {
		parts[TOP_PART_FLOWS] = ask_flows(c, f);
		code = parts[TOP_PART_FLOWS] == NULL ? f->exit_code : 0;
	}
	if (code != 0)
		parts_free(parts);
	return code;
}

/* One object of all parts. */
static void
draw_json(json_t *const *now)
{
	json_t *object = json_object();
	unsigned int i;

	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	for (i = 0; i < TOP_PART_FLOWS; i++)
		json_object_set(object, ctl_command(part_commands[i])->name + strlen("show "),
			now[i]);
	cli_print_json(object);
	json_decref(object);
}

/* Wait for the next frame, or a key; false: q, Ctrl-C or the end of the terminal. */
static bool
wait_key(struct top_state *state, bool has_keys, unsigned int ms)
{
	struct pollfd fd = { STDIN_FILENO, POLLIN, 0 };
	char keys[16];
	ssize_t n;

	if (!has_keys)
		return run_sleep(ms);
	if (poll(&fd, 1, (int)ms) <= 0)
		return run_sleep(0);
	n = read(STDIN_FILENO, keys, sizeof(keys));
	if (n <= 0)
		return false;
	if (n >= 3 && memcmp(keys, "\033[", 2) == 0) {
		if (keys[2] == 'A' || keys[2] == 'B')
			top_key(state, keys[2] == 'A' ? TOP_UP : TOP_DOWN);
		return true;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q')
			return false;
		top_key(state, keys[i]);
	}
	return true;
}

static size_t
rows_of_terminal(void)
{
	unsigned int lines = LINES_DEFAULT;
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > LINES_TAKEN)
		lines = size.ws_row;
	return lines - LINES_TAKEN;
}

static void
show(const struct cli *cli, const struct top_frame *frame, struct top_state *state, bool has_keys,
	bool is_first)
{
	if (cli_wants_json(cli)) {
		draw_json(frame->now);
		return;
	}
	state->rows = rows_of_terminal();
	if (has_keys)
		fputs("\033[H\033[J", stdout);
	else if (!is_first)
		putchar('\n');
	top_draw(cli, frame, state);
	if (has_keys)
		top_draw_status(state);
	fflush(stdout);
}

static int
frames(const struct cli *cli, struct client *c, unsigned int interval_ms, unsigned int count,
	bool has_keys, struct failure *f)
{
	struct top_frame frame = { { NULL }, { NULL } };
	struct top_state state = { .rows = LINES_DEFAULT };
	unsigned int i;
	int code;

	code = parts_ask(c, false, frame.before, f);
	for (i = 0; code == 0 && (count == 0 || i < count); i++) {
		if (!wait_key(&state, has_keys, i == 0 ? FIRST_MS : interval_ms))
			break;
		code = parts_ask(c, state.page == TOP_FLOWS, frame.now, f);
		if (code != 0)
			break;
		show(cli, &frame, &state, has_keys, i == 0);
		parts_free(frame.before);
		memcpy(frame.before, frame.now, sizeof(frame.before));
		memset(frame.now, 0, sizeof(frame.now));
	}
	parts_free(frame.before);
	return code;
}

int
run_top(const struct cli *cli, const json_t *args, struct failure *f)
{
	bool once = json_is_true(json_object_get(args, "once"));
	bool batch = json_object_get(args, "batch") != NULL;
	bool has_keys;
	struct termios old, raw;
	unsigned int interval, count;
	struct client c;
	int code;

	code = run_number(args, "interval", 1, 1, &interval, f);
	if (code == 0)
		code = run_number(args, batch ? "batch" : "count", 1, once ? 1 : 0, &count, f);
	if (code == 0 && once && batch)
		code = failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"--once and --batch exclude each other; --once is --batch 1");
	if (code == 0)
		code = client_open(cli, &c, f);
	if (code != 0)
		return code;
	has_keys = !once && !batch && cli->is_tty && cli->format == FORMAT_HUMAN &&
		   tcgetattr(STDIN_FILENO, &old) == 0;
	run_catch_signals();
	if (has_keys) {
		raw = old;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	code = frames(cli, &c, interval * 1000, count, has_keys, f);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
	client_close(&c);
	return code;
}
