/* SPDX-License-Identifier: BSD-3-Clause */
/* bundle: one archive with what somebody needs who is to find out from afar what is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "ctl/protocol.h"
#include "run.h"
#include "tar.h"

/* Of a file of the host; /proc/interrupts of many CPUs is the longest. */
#define HOST_FILE_MAX (256u << 10)
/* Connections, with --connections. */
#define CONNECTIONS_MAX "10000"
/* Between the two looks at what counts. */
#define LOOKS_MS 1000u

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct bundle {
	const struct cli *cli;
	FILE *out;
	int64_t now_s;
	unsigned int files;
};

/* What the daemon is asked for; those that count twice, so that there are rates. */
static const struct {
	unsigned int command;
	const char *args; /* in JSON, or NULL */
	bool is_twice;
	bool has_peers; /* with --connections only: it names who connects */
} parts[] = {
	{ CTL_COMMAND_show_version, NULL, false, false },
	{ CTL_COMMAND_show_config, NULL, false, false },
	{ CTL_COMMAND_show_tunables, NULL, false, false },
	{ CTL_COMMAND_show_stats, NULL, true, false },
	{ CTL_COMMAND_show_counters, "{\"all\":true}", true, false },
	{ CTL_COMMAND_show_outcomes, "{\"all\":true}", true, false },
	{ CTL_COMMAND_show_cores, NULL, true, false },
	{ CTL_COMMAND_show_ports, "{\"features\":true}", true, false },
	{ CTL_COMMAND_show_listeners, "{\"cores\":true}", true, false },
	{ CTL_COMMAND_show_connections, "{\"info\":true,\"limit\":" CONNECTIONS_MAX "}", false,
		true },
};

/* What the kernel says of the host; nothing of users, and no addresses. */
static const char *const host_files[] = {
	"/etc/os-release",
	"/proc/cmdline",
	"/proc/cpuinfo",
	"/proc/interrupts",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/modules",
	"/proc/softirqs",
	"/proc/stat",
	"/proc/version",
	"/sys/devices/system/clocksource/clocksource0/current_clocksource",
	"/sys/devices/system/cpu/isolated",
	"/sys/devices/system/cpu/nohz_full",
	"/sys/devices/system/cpu/online",
	"/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages",
	"/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
	"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
	"/sys/kernel/mm/transparent_hugepage/enabled",
};

static void
add(struct bundle *b, const char *folder, const char *name, const void *data, size_t len)
{
	char path[100];

	snprintf(path, sizeof(path), "sluice-bundle/%.10s%.70s", folder, name);
	tar_file(b->out, path, data, len, b->now_s);
	b->files++;
}

static void
add_json(struct bundle *b, const char *folder, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(1) | JSON_ENSURE_ASCII | CTL_JSON_REAL);
	char file[80];

	if (text == NULL)
		abort();
	snprintf(file, sizeof(file), "%s.json", name);
	add(b, folder, file, text, strlen(text));
	free(text);
}

/* --- the daemon ----------------------------------------------------------------------------- */

/* "show stats" as a file's name, of the first or second look. */
static void
part_name(unsigned int command, unsigned int look, char *out, size_t out_len)
{
	const char *name = ctl_command(command)->name;

	snprintf(out, out_len, "%s%s", name + (strncmp(name, "show ", 5) == 0 ? 5 : 0),
		look > 0 ? "-later" : "");
}

static int
look(struct bundle *b, struct client *c, unsigned int number, bool with_peers, struct failure *f)
{
	size_t i;

	for (i = 0; i < COUNT(parts); i++) {
		json_t *args = NULL, *answer;
		char name[60];

		if ((number > 0 && !parts[i].is_twice) || (parts[i].has_peers && !with_peers))
			continue;
		if (parts[i].args != NULL)
			args = json_loads(parts[i].args, 0, NULL);
		if (client_ask(c, ctl_command(parts[i].command)->name, args, f) != 0)
			return f->exit_code;
		answer = client_answer_whole(c, f);
		if (answer == NULL)
			return f->exit_code;
		part_name(parts[i].command, number, name, sizeof(name));
		add_json(b, "daemon/", name, answer);
		json_decref(answer);
	}
	return 0;
}

static int
daemon_add(struct bundle *b, bool with_peers, struct failure *f)
{
	struct client c;
	int code = client_open(b->cli, &c, f);

	if (code != 0)
		return code;
	code = look(b, &c, 0, with_peers, f);
	if (code == 0) {
		run_sleep(LOOKS_MS);
		code = look(b, &c, 1, with_peers, f);
	}
	client_close(&c);
	return code;
}

/* --- the host ------------------------------------------------------------------------------- */

static void
host_file_add(struct bundle *b, const char *path)
{
	char *text = malloc(HOST_FILE_MAX);
	FILE *file = fopen(path, "re");
	char name[100];
	size_t len, i;

	if (text == NULL)
		abort();
	if (file != NULL) {
		len = fread(text, 1, HOST_FILE_MAX, file);
		(void)fclose(file);
		snprintf(name, sizeof(name), "%s", path + 1);
		for (i = 0; name[i] != '\0'; i++) {
			if (name[i] == '/')
				name[i] = '-';
		}
		add(b, "host/", name, text, len);
	}
	free(text);
}

static void
host_add(struct bundle *b, const json_t *args)
{
	struct failure why;
	struct utsname uts;
	json_t *found;
	size_t i;

	for (i = 0; i < COUNT(host_files); i++)
		host_file_add(b, host_files[i]);
	if (uname(&uts) == 0) {
		json_t *object = json_pack("{s:s,s:s,s:s,s:s}", "system", uts.sysname, "release",
			uts.release, "version", uts.version, "machine", uts.machine);

		add_json(b, "host/", "uname", object);
		json_decref(object);
	}
	found = doctor_json(args, &why);
	if (found == NULL)
		found = json_pack("{s:s}", "error", why.message);
	add_json(b, "host/", "doctor", found);
	json_decref(found);
}

/* --- the archive ---------------------------------------------------------------------------- */

/* Only for who made it: counters and configuration are nobody else's business. */
static FILE *
output_open(const char *path, struct failure *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "wb") : NULL;

	if (out == NULL)
		failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s", path,
			strerror(errno));
	return out;
}

static void
summary(const struct bundle *b, const char *path, bool has_daemon)
{
	if (!cli_wants_json(b->cli)) {
		printf("%u files in %s%s\n", b->files, path,
			has_daemon ? "" : ", none of them the daemon's");
		return;
	}
	json_t *object = json_pack("{s:i,s:s,s:i,s:b}", "schema_version", CTL_SCHEMA_VERSION,
		"file", path, "files", (int)b->files, "daemon", has_daemon);

	cli_print_json(object);
	json_decref(object);
}

int
run_bundle(const struct cli *cli, const json_t *args, struct failure *f)
{
	const char *path = json_string_value(json_object_get(args, "file"));
	bool with_peers = json_is_true(json_object_get(args, "connections"));
	struct bundle b = { .cli = cli, .now_s = (int64_t)time(NULL) };
	struct failure why = { 0 };
	bool is_bad;
	int code;

	b.out = output_open(path, f);
	if (b.out == NULL)
		return f->exit_code;
	host_add(&b, args);
	code = daemon_add(&b, with_peers, &why);
	if (code != 0) {
		json_t *error = json_pack("{s:s,s:s}", "code", why.code, "message", why.message);

		/* A daemon that does not answer is when one wants this most. */
		add_json(&b, "daemon/", "error", error);
		json_decref(error);
	}
	tar_end(b.out);
	is_bad = ferror(b.out) != 0;
	if (fclose(b.out) != 0 || is_bad)
		return failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s", path,
			strerror(errno));
	if (code != 0) {
		*f = why;
		if (!cli_wants_json(cli))
			summary(&b, path, false);
		return code;
	}
	summary(&b, path, true);
	return 0;
}
