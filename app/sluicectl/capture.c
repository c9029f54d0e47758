/* SPDX-License-Identifier: BSD-3-Clause */
/* capture and trace: takes frames from the daemon as they come, to a file or as lines of text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "ctl/protocol.h"
#include "ctl/text.h"
#include "pcapng.h"
#include "run.h"
#include "view.h"

/* What a frame can hold; the daemon sends no more of one. */
#define DATA_MAX 65536u

struct capture {
	const struct cli *cli;
	bool is_trace;
	const char *path; /* of a capture; "-": standard output */
	FILE *out;
	int64_t wall_ns; /* to be added to the daemon's clock; its first answer tells */
	uint64_t taken, lost;
	int64_t last_ns; /* the daemon's clock */
	json_t *all; /* rows of a trace that is printed as one object */
	uint8_t data[DATA_MAX];
};

static int64_t
wall_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* --- capture -------------------------------------------------------------------------------- */

static unsigned int
nibble(char c)
{
	return (unsigned int)(c >= 'a' ? c - 'a' + 10 : c - '0') & 15;
}

/* Bytes written in hexadecimal; what does not fit is no frame of a daemon's. */
static uint32_t
data_read(struct capture *cap, const char *text)
{
	size_t len = text != NULL ? strlen(text) / 2 : 0, i;

	if (len > DATA_MAX)
		len = DATA_MAX;
	for (i = 0; i < len; i++)
		cap->data[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	return (uint32_t)len;
}

static bool
is_sent(const json_t *row)
{
	const char *direction = json_string_value(json_object_get(row, "direction"));

	return direction != NULL && strcmp(direction, "out") == 0;
}

static void
frame_write(struct capture *cap, const json_t *row)
{
	const char *outcome = json_string_value(json_object_get(row, "outcome"));
	struct pcapng_frame frame = {
		.at_ns = (uint64_t)(view_int(row, "ts_ns", NULL) + cap->wall_ns),
		.data = cap->data,
		.frame_len = (uint32_t)view_int(row, "length", NULL),
		.is_sent = is_sent(row),
	};
	char comment[100];

	frame.data_len = data_read(cap, json_string_value(json_object_get(row, "data")));
	if (outcome != NULL) {
		snprintf(comment, sizeof(comment), "%.60s%s", outcome,
			json_is_true(json_object_get(row, "dropped")) ? " (dropped)" : "");
		frame.comment = comment;
	}
	pcapng_frame(cap->out, &frame);
}

/* --- trace ---------------------------------------------------------------------------------- */

static void
print_end(const json_t *row, const char *name, const char *port_name)
{
	const char *addr = json_string_value(json_object_get(row, name));
	char safe[60];

	addr = addr != NULL ? addr : "-";
	text_escape(addr, strlen(addr), safe, sizeof(safe));
	printf(strchr(safe, ':') != NULL ? " [%s]" : " %s", safe);
	if (json_object_get(row, port_name) != NULL)
		printf(":%lld", (long long)view_int(row, port_name, NULL));
}

static void
print_word(const json_t *row, const char *name, const char *before)
{
	const char *word = json_string_value(json_object_get(row, name));
	char safe[60];

	if (word == NULL)
		return;
	text_escape(word, strlen(word), safe, sizeof(safe));
	printf("%s%s", before, safe);
}

/* "12:00:00.000001 in  192.0.2.9:4242 > 192.0.2.1:80 tcp S seq 7 ... len 0: cookie-sent" */
static void
row_print(const struct capture *cap, const json_t *row)
{
	int64_t at_ns = view_int(row, "ts_ns", NULL) + cap->wall_ns;
	time_t seconds = (time_t)(at_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%06d %-3s", tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)(at_ns % 1000000000 / 1000), is_sent(row) ? "out" : "in");
	print_end(row, is_sent(row) ? "local" : "remote",
		is_sent(row) ? "local_port" : "remote_port");
	fputs(" >", stdout);
	print_end(row, is_sent(row) ? "remote" : "local",
		is_sent(row) ? "remote_port" : "local_port");
	print_word(row, "protocol", " ");
	if (json_is_true(json_object_get(row, "fragment")))
		fputs(" fragment", stdout);
	if (json_object_get(row, "flags") != NULL) {
		print_word(row, "flags", " ");
		printf(" seq %lld ack %lld win %lld len %lld",
			(long long)view_int(row, "seq", NULL),
			(long long)view_int(row, "ack", NULL),
			(long long)view_int(row, "window", NULL),
			(long long)view_int(row, "payload", NULL));
	} else {
		printf(" %lld bytes", (long long)view_int(row, "length", NULL));
	}
	print_word(row, "outcome", ": ");
	puts(json_is_true(json_object_get(row, "dropped")) ? " (dropped)" : "");
}

/* --- both ----------------------------------------------------------------------------------- */

static void
answer_take(struct capture *cap, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "frames");
	size_t i;

	cap->last_ns = view_int(answer, "ts_ns", NULL);
	if (cap->wall_ns == 0)
		cap->wall_ns = wall_now_ns() - cap->last_ns;
	cap->taken = (uint64_t)view_int(answer, "taken", NULL);
	cap->lost = (uint64_t)view_int(answer, "lost", NULL);
	for (i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (!cap->is_trace)
			frame_write(cap, row);
		else if (cap->cli->format == FORMAT_JSON)
			json_array_append(cap->all, row);
		else if (cap->cli->format == FORMAT_JSON_LINES)
			cli_print_json(row);
		else
			row_print(cap, row);
	}
	fflush(cap->out);
}

/* Until the daemon says that this was all, or the user has enough. */
static int
answers(struct capture *cap, struct client *c, struct failure *f)
{
	bool more = true;

	run_catch_signals();
	while (more && run_sleep(0)) {
		json_t *answer = client_answer(c, f);

		if (answer == NULL)
			return f->exit_code;
		answer_take(cap, answer);
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
		if (ferror(cap->out))
			return failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL,
				"cannot write %s: %s", cap->path, strerror(errno));
	}
	return 0;
}

/* How it went: an object, or a sentence that is no data. */
static void
summary(const struct capture *cap)
{
	bool is_data = cli_wants_json(cap->cli) && cap->out != stdout;
	json_t *object;

	if (cap->is_trace ? cap->cli->format == FORMAT_JSON : is_data) {
		object = json_pack("{s:i,s:I,s:I}", "schema_version", CTL_SCHEMA_VERSION, "taken",
			(json_int_t)cap->taken, "lost", (json_int_t)cap->lost);
		if (cap->is_trace)
			json_object_set(object, "frames", cap->all);
		else
			json_object_set_new(object, "file", json_string(cap->path));
		cli_print_json(object);
		json_decref(object);
		return;
	}
	fflush(stdout);
	fprintf(stderr, "%llu frames%s%s, %llu lost\n", (unsigned long long)cap->taken,
		cap->is_trace ? "" : " in ", cap->is_trace ? "" : cap->path,
		(unsigned long long)cap->lost);
	if (cap->lost > 0)
		fputs("Lost frames did not find room: ask for fewer (--remote, --port, --snaplen), "
		      "or raise capture_buffer.\n",
			stderr);
}

static int
output_open(struct capture *cap, struct failure *f)
{
	cap->out = stdout;
	if (cap->is_trace || strcmp(cap->path, "-") == 0) {
		if (!cap->is_trace && cap->cli->is_tty)
			return failure_set(f, EXIT_USAGE, "E_USAGE",
				"name a file, or pipe it: sluicectl capture - | tcpdump -nr -",
				"frames are not written to a terminal");
		return 0;
	}
	cap->out = fopen(cap->path, "wb");
	if (cap->out == NULL)
		return failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s",
			cap->path, strerror(errno));
	return 0;
}

int
run_capture(const struct cli *cli, struct client *c, unsigned int command, json_t *args,
	struct failure *f)
{
	struct capture *cap = calloc(1, sizeof(*cap));
	json_t *asked = json_copy(args);
	int code;

	if (cap == NULL)
		abort();
	cap->cli = cli;
	cap->is_trace = command == CTL_COMMAND_trace;
	cap->path = json_string_value(json_object_get(args, "file"));
	cap->all = json_array();
	json_object_del(asked, "file");
	code = output_open(cap, f);
	if (code == 0)
		code = client_ask(c, ctl_command(command)->name, json_incref(asked), f);
	if (code == 0 && !cap->is_trace)
		pcapng_begin(cap->out);
	if (code == 0)
		code = answers(cap, c, f);
	if (code == 0 && !cap->is_trace)
		pcapng_end(cap->out, (uint64_t)(cap->last_ns + cap->wall_ns), cap->taken,
			cap->lost);
	if (cap->out != NULL && cap->out != stdout && fclose(cap->out) != 0 && code == 0)
		code = failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s",
			cap->path, strerror(errno));
	if (code == 0)
		summary(cap);
	json_decref(asked);
	json_decref(cap->all);
	free(cap);
	return code;
}
