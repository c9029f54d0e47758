/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles, criteria and the command line of the load generator. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "profile.h"

static struct load_profile p;
static struct config_report report;
static struct load_options options;

static int
parse(const char *text)
{
	config_report_init(&report);
	return load_profile_parse(&p, text, strlen(text), &report);
}

static void
keys_of_the_top_level_are_the_defaults_of_the_groups(void **state)
{
	(void)state;
	assert_int_equal(parse("duration: 60s\nramp: 5s\ntarget: 10.0.0.1:80\nthink: 2s\n"
			       "groups:\n"
			       "  browsers: {profile: http-rps, connections: 1k}\n"
			       "  uploads: {profile: bulk-up, target: '[fd00::1]:9', think: 0}\n"),
		0);
	assert_int_equal(p.duration_s, 60);
	assert_int_equal(p.ramp_s, 5);
	assert_int_equal(p.group_count, 2);
	assert_string_equal(p.groups[0].name, "browsers");
	assert_int_equal(p.groups[0].app, LOAD_APP_HTTP);
	assert_int_equal(p.groups[0].connections, 1000);
	assert_int_equal(p.groups[0].think_ms, 2000);
	assert_int_equal(p.groups[0].target.port, 80);
	assert_int_equal(p.groups[1].app, LOAD_APP_DISCARD);
	assert_int_equal(p.groups[1].connections, 4);
	assert_int_equal(p.groups[1].think_ms, 0);
	assert_int_equal(p.groups[1].target.port, 9);
}

static void
a_preset_is_changed_by_the_keys_beside_it_wherever_it_stands(void **state)
{
	(void)state;
	assert_int_equal(parse("connections: 7\nprofile: http-cps\n"), 0);
	assert_int_equal(p.group_count, 1);
	assert_string_equal(p.groups[0].name, "http-cps");
	assert_int_equal(p.groups[0].connections, 7);
	assert_int_equal(p.groups[0].requests, 1);
	assert_int_equal(p.groups[0].close, LOAD_CLOSE_SERVER);
}

static void
what_is_wrong_is_said_with_its_line_and_a_fix(void **state)
{
	static const struct {
		const char *text, *says;
		unsigned int line;
	} rows[] = {
		{ "duration: 1s\nconnexions: 5\n", "did you mean 'connections'", 2 },
		{ "duration: 0s\n", "out of range", 1 },
		{ "target: nowhere\n", "allowed: address:port", 1 },
		{ "groups:\n  a: {duration: 1s}\n", "belongs to the top level", 2 },
		{ "groups:\n  a: {ap: 1}\n", "groups.a: unknown key", 2 },
		{ "groups:\n  a:\n  a:\n", "there already", 3 },
		{ "groups: [a]\n", "must be a mapping", 1 },
		{ "rate: 1\nrate: 2\n", "a second time; the first is in line 1", 2 },
		{ "profile: http-rsp\n", "did you mean 'http-rps'", 1 },
		{ "pass: p99 < 5\n", "with us, ms or s", 1 },
		{ "pass: [errors == 0, speed > 9]\n", "'speed' is nothing that is measured", 1 },
		{ "[1]\n", "must be a mapping", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text), -EINVAL);
		assert_true(report.errors > 0);
		if (strstr(report.rows[0].text, rows[i].says) == NULL)
			fail_msg("row %zu says: %s", i, report.rows[0].text);
		assert_int_equal(report.rows[0].mark.line, rows[i].line);
	}
}

static void
presets_need_nothing_but_a_target(void **state)
{
	static const char *const names[] = { "http-rps", "http-cps", "tcp-cps", "echo", "bulk-up",
		"bulk-down", "idle", "slow", "churn", "abort" };
	char err[LOAD_PROFILE_ERR_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(load_profile_preset(&p, names[i], err, sizeof(err)), 0);
		assert_int_equal(load_profile_check(&p, err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, "needs 'target'"));
		assert_int_equal(
			load_profile_set(&p, "target", "10.0.0.1:80", err, sizeof(err)), 0);
		assert_int_equal(load_profile_check(&p, err, sizeof(err)), 0);
	}
	assert_int_equal(load_profile_preset(&p, "nothing", err, sizeof(err)), -ENOENT);
}

static void
groups_that_cannot_work_are_refused(void **state)
{
	static const struct {
		const char *preset, *key, *value, *says;
	} rows[] = {
		{ "bulk-up", "rate", "5", "give 'size'" },
		{ "bulk-down", "requests", "2", "leave 'requests' out" },
		{ "tcp-cps", "requests", "2", "leave 'requests' out" },
		{ "http-rps", "send_chunk", "1", "send_pause" },
		{ "http-rps", "read_pause", "1s", "read_chunk" },
		{ "http-rps", "close", "server", "say how many" },
		{ "echo", "close", "server", "only http" },
		{ "http-rps", "path", "/a b", "%20" },
	};
	char err[LOAD_PROFILE_ERR_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load_profile_preset(&p, rows[i].preset, err, sizeof(err)), 0);
		assert_int_equal(
			load_profile_set(&p, "target", "10.0.0.1:80", err, sizeof(err)), 0);
		assert_int_equal(
			load_profile_set(&p, rows[i].key, rows[i].value, err, sizeof(err)), 0);
		assert_int_equal(load_profile_check(&p, err, sizeof(err)), -EINVAL);
		if (strstr(err, rows[i].says) == NULL)
			fail_msg("row %zu says: %s", i, err);
	}
}

static void
criteria_compare_in_the_unit_they_are_written_in(void **state)
{
	static const struct {
		const char *text;
		enum metric metric;
		uint64_t below, at, above; /* bits 0..2 of holds */
		unsigned int holds;
	} rows[] = {
		{ "errors == 0", METRIC_ERRORS, 0, 0, 1, 3 },
		{ "rps > 10k", METRIC_RPS, 9999, 10000, 10001, 4 },
		{ "rps>=10k", METRIC_RPS, 9999, 10000, 10001, 6 },
		{ "p99 < 5ms", METRIC_P99, 4999999, 5000000, 5000001, 1 },
		{ " p99.9 <= 500us ", METRIC_P999, 499999, 500000, 500001, 3 },
		{ "concurrent != 1M", METRIC_OPEN_MAX, 999999, 1000000, 1000001, 5 },
	};
	char err[CRITERIA_ERR_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v[METRIC_COUNT] = { 0 };
		struct criteria c = { 0 };

		assert_int_equal(criteria_parse(&c, rows[i].text, err, sizeof(err)), 0);
		assert_int_equal(c.row[0].metric, rows[i].metric);
		v[rows[i].metric] = rows[i].below;
		assert_int_equal(criterion_holds(&c.row[0], v), rows[i].holds & 1);
		v[rows[i].metric] = rows[i].at;
		assert_int_equal(criterion_holds(&c.row[0], v), rows[i].holds >> 1 & 1);
		v[rows[i].metric] = rows[i].above;
		assert_int_equal(criterion_holds(&c.row[0], v), rows[i].holds >> 2 & 1);
	}
}

static void
criteria_that_say_nothing_are_refused(void **state)
{
	static const char *const rows[] = { "", ",", "errors", "errors == ", "errors == 0,",
		"p99 < 5", "rps > 5ms", "p99 < 99999999999999999999s", "< 5", "errors <> 0" };
	char err[CRITERIA_ERR_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct criteria c = { 0 };

		if (criteria_parse(&c, rows[i], err, sizeof(err)) != -EINVAL)
			fail_msg("'%s' was taken", rows[i]);
	}
}

/* The command line as one text; returns what it comes to, messages in *said. */
static int
command(const char *line, char **said)
{
	static char text[512];
	char *argv[32] = { text };
	char *save = NULL;
	size_t len = 0;
	int argc = 0, rc;
	FILE *err = open_memstream(said, &len);

	assert_non_null(err);
	snprintf(text, sizeof(text), "sluice-load %s", line);
	for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	rc = load_options_parse(argc, argv, &options, err);
	(void)fclose(err);
	return rc;
}

#define PORT "--port-type af_packet --iface v1 --address 10.9.0.2/24 "

static void
the_command_line_makes_a_profile_and_a_configuration(void **state)
{
	char *said;

	(void)state;
	assert_int_equal(command(PORT "--address 10.9.0.10-10.9.0.12/24 --target 10.9.0.1:80 "
				      "--connections=10k --workers 2 --gateway 10.9.0.254 "
				      "--tunable tcp_tw_reuse=0 --pass errors==0",
				 &said),
		0);
	if (sysconf(_SC_NPROCESSORS_CONF) > 1)
		assert_string_equal(said, "");
	free(said);
	assert_int_equal(options.profile.groups[0].connections, 10000);
	assert_int_equal(options.profile.pass.count, 1);
	assert_int_equal(options.config.workers, 2);
	assert_int_equal(options.config.ports[0].type, CONFIG_PORT_AF_PACKET);
	assert_int_equal(options.config.ports[0].addresses.count, 4);
	assert_int_equal(options.config.ports[0].addresses.prefix[3].addr.b[15], 12);
	assert_true(options.config.memory.connections >= 10000);
	assert_int_equal(options.config.tunables.tcp_tw_reuse, 0);
	assert_int_equal(options.config.tunables.ip_local_port_range[0], 1024);
}

static void
more_workers_than_cpus_are_warned_of(void **state)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	char line[256], says[64], *said;

	(void)state;
	snprintf(line, sizeof(line), PORT "--target 10.9.0.1:80 --workers %ld", cpus + 1);
	snprintf(says, sizeof(says), "warning: workers: %ld workers on %ld CPUs", cpus + 1, cpus);
	if (cpus + 1 > CONFIG_WORKERS_MAX)
		skip();
	assert_int_equal(command(line, &said), 0);
	assert_non_null(strstr(said, says));
	free(said);
}

/* The MAC address of a run on a port of this type. */
static struct mac_addr
mac_with(const char *port, const char *more)
{
	char line[256], *said;

	snprintf(line, sizeof(line), "--port-type %s %s --target 10.9.0.1:80", port, more);
	if (command(line, &said) != 0)
		fail_msg("%s: %s", line, said);
	free(said);
	return options.config.ports[0].mac;
}

static void
a_made_up_mac_address_is_the_same_in_each_run_of_an_address(void **state)
{
	struct mac_addr first = mac_with("af_packet --iface v1", "--address 10.9.0.2/24");
	struct mac_addr again = mac_with("virtio_user --port-path /x",
		"--address 10.9.0.2-10.9.0.4/24");
	struct mac_addr other = mac_with("af_packet --iface v1", "--address 10.9.0.3/24");
	struct mac_addr given = mac_with("af_packet --iface v1",
		"--address 10.9.0.2/24 --mac 02:00:00:00:00:09");
	struct mac_addr card = mac_with("pci --pci 0000:03:00.0", "--address 10.9.0.2/24");

	(void)state;
	assert_true(mac_addr_equal(&first, &again));
	assert_false(mac_addr_equal(&first, &other));
	assert_int_equal(first.b[0] & 3, 2);
	assert_int_equal(given.b[5], 9);
	assert_true(mac_addr_is_zero(&card));
}

static void
a_wrong_command_line_says_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "", "needs 'target'" },
		{ "--target 10.9.0.1:80", "needs --port-type and --address" },
		{ PORT "--target 10.9.0.1", "address:port" },
		{ PORT "--target 10.9.0.1:80 --bogus 1", "unknown option --bogus" },
		{ PORT "--bogus", "unknown option --bogus" },
		{ PORT "--bogus --target 10.9.0.1:80", "unknown option --bogus" },
		{ PORT "--target", "needs a value" },
		{ PORT "--target [fd99::1]:80", "is IPv6, and no address of ours is" },
		{ "--port-type tap --address fd99::2/64 --target 10.9.0.1:80",
			"give an IPv4 --address" },
		{ PORT "--profile nix --target 10.9.0.1:80", "no profile is called" },
		{ PORT "--target 10.9.0.1:80 x", "'x' is no option" },
		{ PORT "--target 10.9.0.1:80 --pass fast", "compares nothing" },
		{ PORT "--target 10.9.0.1:80 --workers 99", "out of range" },
		{ PORT "--target 10.9.0.1:80 --address 10.9.0.9-10.9.0.3/24", "more than" },
		{ PORT "--target 10.9.0.1:80 --tunable tcp_sakc=1", "tcp_sack" },
		{ PORT "--target 10.9.0.1:80 --mtu x", "error: --mtu: 'x'" },
		{ PORT "--target 10.9.0.1:80 --gateway x", "error: --gateway: 'x'" },
		{ "--port-type pci --pci x --address 10.9.0.2/24 --target 10.9.0.1:80",
			"error: --pci: 'x'" },
		{ "--port-type veth --address 10.9.0.2/24 --target 10.9.0.1:80",
			"--port-type: 'veth' does not fit; allowed: tap" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *said;

		assert_int_equal(command(rows[i].line, &said), -EINVAL);
		if (strstr(said, rows[i].says) == NULL)
			fail_msg("row %zu says: %s", i, said);
		free(said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_top_level_are_the_defaults_of_the_groups),
		cmocka_unit_test(a_preset_is_changed_by_the_keys_beside_it_wherever_it_stands),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line_and_a_fix),
		cmocka_unit_test(presets_need_nothing_but_a_target),
		cmocka_unit_test(groups_that_cannot_work_are_refused),
		cmocka_unit_test(criteria_compare_in_the_unit_they_are_written_in),
		cmocka_unit_test(criteria_that_say_nothing_are_refused),
		cmocka_unit_test(the_command_line_makes_a_profile_and_a_configuration),
		cmocka_unit_test(more_workers_than_cpus_are_warned_of),
		cmocka_unit_test(a_made_up_mac_address_is_the_same_in_each_run_of_an_address),
		cmocka_unit_test(a_wrong_command_line_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
