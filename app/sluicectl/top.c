/* SPDX-License-Identifier: BSD-3-Clause */
/* The live view: one screen of what matters, drawn again every second. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"
#include "number.h"
#include "run.h"
#include "table.h"
#include "view.h"

/* Lines of drops that fit a terminal of 24 lines. */
#define DROPS_SHOWN 5u

/* The answers one frame is made of. */
enum part {
	PART_VERSION,
	PART_STATS,
	PART_CORES,
	PART_PORTS,
	PART_DROPS,
	PART_COUNT,
};

static const unsigned int part_commands[PART_COUNT] = {
	[PART_VERSION] = CTL_COMMAND_show_version,
	[PART_STATS] = CTL_COMMAND_show_stats,
	[PART_CORES] = CTL_COMMAND_show_cores,
	[PART_PORTS] = CTL_COMMAND_show_ports,
	[PART_DROPS] = CTL_COMMAND_show_drops,
};

struct frame {
	json_t *parts[PART_COUNT];
};

static void
frame_free(struct frame *frame)
{
	unsigned int i;

	for (i = 0; i < PART_COUNT; i++) {
		json_decref(frame->parts[i]);
		frame->parts[i] = NULL;
	}
}

static int
frame_ask(struct client *c, struct frame *frame, struct failure *f)
{
	unsigned int i;
	int code = 0;

	for (i = 0; i < PART_COUNT && code == 0; i++) {
		code = client_ask(c, ctl_command(part_commands[i])->name, NULL, f);
		if (code == 0)
			frame->parts[i] = client_answer(c, f);
		if (code == 0 && frame->parts[i] == NULL)
			code = f->exit_code;
	}
	if (code != 0)
		frame_free(frame);
	return code;
}

/* Change per second of an integer of a part's answer, as text. */
static const char *
rate_text(const struct cli *cli, const struct view_data *data, const char *group, const char *name,
	char buf[NUMBER_LEN])
{
	json_int_t rate = view_rate(data, view_int(data->before, group, name, NULL),
		view_int(data->now, group, name, NULL));

	return rate < 0 ? "?" : number_text(rate, cli->format != FORMAT_PLAIN, buf);
}

static void
draw_title(const struct cli *cli, const json_t *version)
{
	const char *name = json_string_value(json_object_get(version, "version"));
	char age[NUMBER_LEN];

	printf("%ssluice %.20s  up %s  workers %lld%s\n", cli->has_color ? "\033[1m" : "",
		name != NULL ? name : "?", number_age(view_int(version, "uptime_s", NULL), age),
		(long long)view_int(version, "workers", NULL), cli->has_color ? "\033[0m" : "");
}

/* "name value" of members of a group, as many on a line as fit. */
static void
draw_rates(const struct cli *cli, const struct view_data *data, const char *title,
	const char *const names[][3], unsigned int count)
{
	unsigned int i;

	printf("%-6s", title);
	for (i = 0; i < count; i++) {
		char buf[NUMBER_LEN];
		const char *text =
			names[i][2] != NULL
				? rate_text(cli, data, names[i][1], names[i][2], buf)
				: number_text(view_int(data->now, names[i][1], names[i][0], NULL),
					  cli->format != FORMAT_PLAIN, buf);

		printf(" %s %s%s", names[i][0], text, names[i][2] != NULL ? "/s" : "");
	}
	putchar('\n');
}

static void
draw_tcp(const struct cli *cli, const struct view_data *data)
{
	static const char *const traffic[][3] = {
		{ "rx", "rx", "packets" },
		{ "tx", "tx", "packets" },
		{ "dropped", "rx", "dropped" },
		{ "retrans", "tcp", "retransmitted" },
		{ "ooo", "tcp", "out_of_order" },
	};
	static const char *const opens[][3] = {
		{ "opened", "tcp", "passive_opens" },
		{ "cookies", "tcp", "cookies_sent" },
		{ "valid", "tcp", "cookies_valid" },
		{ "bad", "tcp", "cookies_invalid" },
		{ "rst-out", "tcp", "rsts_out" },
	};
	static const char *const states[][3] = {
		{ "established", "states", NULL },
		{ "syn-received", "states", NULL },
		{ "close-wait", "states", NULL },
		{ "time-wait", "states", NULL },
	};

	draw_rates(cli, data, "PKTS", traffic, 5);
	draw_rates(cli, data, "TCP", opens, 5);
	draw_rates(cli, data, "CONNS", states, 4);
}

/* Only the largest drops, or the frame would not fit. */
static void
draw_drops(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "DROPS", false, false },
		{ "PACKETS", true, false },
		{ "/s", true, false },
		{ "MEANING", false, false },
	};
	const json_t *list = json_object_get(data->now, "drops");
	const json_t *list_before = json_object_get(data->before, "drops");
	json_int_t limit = INT64_MAX;
	struct table t;
	unsigned int shown;
	struct cli narrow = *cli;

	narrow.columns = 0;
	table_init(&t, &narrow, columns, 4);
	for (shown = 0; shown < DROPS_SHOWN && shown < json_array_size(list); shown++) {
		const json_t *most = NULL;
		json_int_t rate;
		size_t i;

		for (i = 0; i < json_array_size(list); i++) {
			const json_t *row = json_array_get(list, i);
			json_int_t packets = view_int(row, "packets", NULL);

			if (packets < limit &&
				(most == NULL || packets > view_int(most, "packets", NULL)))
				most = row;
		}
		if (most == NULL)
			break;
		limit = view_int(most, "packets", NULL);
		rate = view_rate(data,
			view_int(view_same(list_before, most, "reason"), "packets", NULL), limit);
		table_json(&t, json_object_get(most, "reason"));
		table_number(&t, limit);
		if (rate < 0)
			table_text(&t, "?");
		else
			table_number(&t, rate);
		table_printf(&t, "%.46s", json_string_value(json_object_get(most, "meaning")));
	}
	table_end(&t);
}

static void
draw(const struct cli *cli, const struct frame *now, const struct frame *before)
{
	struct view_data data[PART_COUNT];
	unsigned int i;

	for (i = 0; i < PART_COUNT; i++)
		data[i] = (struct view_data){ now->parts[i], before->parts[i] };
	draw_title(cli, now->parts[PART_VERSION]);
	draw_tcp(cli, &data[PART_STATS]);
	putchar('\n');
	view_print(cli, CTL_COMMAND_show_cores, &data[PART_CORES]);
	putchar('\n');
	view_print(cli, CTL_COMMAND_show_ports, &data[PART_PORTS]);
	putchar('\n');
	draw_drops(cli, &data[PART_DROPS]);
}

/* One object of all parts. */
static void
draw_json(const struct frame *now)
{
	json_t *object = json_object();
	unsigned int i;

	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	for (i = 0; i < PART_COUNT; i++)
		json_object_set(object, ctl_command(part_commands[i])->name + strlen("show "),
			now->parts[i]);
	json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}

/* Wait for the next frame; false: q, Ctrl-C or the end of the terminal. */
static bool
wait_key(bool has_keys, unsigned int ms)
{
	struct pollfd fd = { STDIN_FILENO, POLLIN, 0 };
	char key = 0;

	if (!has_keys)
		return run_sleep(ms);
	if (poll(&fd, 1, (int)ms) <= 0)
		return run_sleep(0);
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

static int
frames(const struct cli *cli, struct client *c, unsigned int interval_ms, unsigned int count,
	bool has_keys, struct failure *f)
{
	bool wants_json = cli->format == FORMAT_JSON || cli->format == FORMAT_JSON_LINES;
	struct frame before = { { NULL } };
	unsigned int i;
	int code;

	code = frame_ask(c, &before, f);
	for (i = 0; code == 0 && (count == 0 || i < count); i++) {
		struct frame now = { { NULL } };

		/* The first frame has rates too, so it waits a moment. */
		if (!wait_key(has_keys, i == 0 ? 500 : interval_ms))
			break;
		code = frame_ask(c, &now, f);
		if (code != 0)
			break;
		if (has_keys)
			fputs("\033[H\033[J", stdout);
		if (wants_json)
			draw_json(&now);
		else
			draw(cli, &now, &before);
		if (has_keys)
			fputs("\nq ends\n", stdout);
		fflush(stdout);
		frame_free(&before);
		before = now;
	}
	frame_free(&before);
	return code;
}

int
run_top(const struct cli *cli, const json_t *args, struct failure *f)
{
	bool once = json_is_true(json_object_get(args, "once"));
	bool has_keys;
	struct termios old, raw;
	unsigned int interval, count;
	struct client c;
	int code;

	code = run_number(args, "interval", 1, 1, &interval, f);
	if (code == 0)
		code = run_number(args, "count", 1, once ? 1 : 0, &count, f);
	if (code == 0)
		code = client_open(cli, &c, f);
	if (code != 0)
		return code;
	has_keys = !once && cli->is_tty && cli->format == FORMAT_HUMAN &&
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
