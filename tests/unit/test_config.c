/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the configuration reader: good files, and every bad one of config_bad.txt to the letter.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/config.h"

static const struct config_service_kind kinds[] = {
	{ "chargen", 19, false },
	{ "discard", 9, false },
	{ "echo", 7, false },
	{ "forward", 0, true },
	{ "http", 80, false },
	{ NULL, 0, false },
};

static struct config conf;
static struct config_report report;

static int
parse(const char *text)
{
	config_report_init(&report);
	return config_parse(text, strlen(text), kinds, &conf, &report);
}

static void
smallest_file_is_good_and_gets_defaults(void **state)
{
	(void)state;
	assert_int_equal(
		parse("ports:\n  wan0:\n    addresses: 192.0.2.1/24\nservices: [echo]\n"), 0);
	assert_int_equal(report.warnings, 0);
	assert_int_equal(conf.workers, 1);
	assert_int_equal(conf.drain_timeout_s, 30);
	assert_string_equal(conf.control.socket, "/run/sluice/control.sock");
	assert_int_equal(conf.port_count, 1);
	assert_string_equal(conf.ports[0].name, "wan0");
	assert_int_equal(conf.ports[0].type, CONFIG_PORT_TAP);
	assert_int_equal(conf.ports[0].mtu, 1500);
	assert_int_equal(conf.ports[0].addresses.count, 1);
	assert_int_equal(conf.ports[0].addresses.prefix[0].len, 24);
	assert_int_equal(conf.service_count, 1);
	assert_string_equal(conf.services[0].type, "echo");
	assert_int_equal(conf.services[0].port, 7);
	assert_int_equal(conf.services[0].syncookies, CONFIG_SYNCOOKIES_DEFAULT);
	assert_int_equal(conf.tunables.tcp_syn_retries, 5);
}

static const char full[] =
	"workers: 2\n"
	"lcores: 1-2\n"
	"idle: spin\n"
	"drain_timeout: 2m\n"
	"control: {socket: /tmp/c.sock, group: adm, operate_group: ops, admin_group: root}\n"
	"log: {level: debug}\n"
	"memory: {packets: 8Ki, connections: 1M, syn_queue: 2k, time_wait: 3k, gaps: 4k,\n"
	"  neighbours: 64, hugepages: off}\n"
	"ports:\n"
	"  - name: nic\n"
	"    type: pci\n"
	"    address: 0000:02:00.0\n"
	"    queues: 2\n"
	"    rx_descriptors: 512\n"
	"    tx_descriptors: 256\n"
	"    mtu: 9000\n"
	"    vlan: 12\n"
	"    mac: 02:00:00:00:00:01\n"
	"    checksum_offload: off\n"
	"    promiscuous: on\n"
	"    addresses: [192.0.2.1/24, '2001:db8::1/64']\n"
	"    gateway: 192.0.2.254\n"
	"    gateway6: fe80::1\n"
	"    neighbours: {192.0.2.9: 02:00:00:00:00:09}\n"
	"tunables:\n"
	"  tcp_rmem: [4096, 16Ki, 1Mi]\n"
	"  tcp_rto_min: 100s\n"
	"  tcp_rto_max: 10m\n"
	"  tcp_syncookies: 2\n"
	"services:\n"
	"  web: {type: http, port: 8080, listen: 192.0.2.1, backlog: 128, syncookies: 0,\n"
	"    nodelay: yes, congestion_control: reno, source_syn_rate: 500, source_conns: 64,\n"
	"    first_byte_timeout: 10s, tcp_idle_timeout: 10m, blackhole: on,\n"
	"    max_pacing_rate: 125k,\n"
	"    root: /srv/www, max_conns: 500, max_header: 16Ki, idle_timeout: 5m}\n"
	"  echo:\n"
	"  api: {type: forward, port: 90, to: 198.51.100.7:8080}\n"
	"  api6: {type: forward, port: 91, to: '[2001:db8::7]:65535'}\n";

/* Two lists of the same names: what the file says must be what the engine takes. */
static void
congestion_controls_are_those_of_the_tunable(void **state)
{
	(void)state;
	for (size_t i = 0; i < TUN_CC_COUNT; i++)
		assert_string_equal(config_words_cc[i], tunables_cc_names[i]);
	assert_string_equal(config_words_cc[CONFIG_CC_DEFAULT], "default");
}

static void
every_key_reaches_its_field(void **state)
{
	const struct config_port *port = &conf.ports[0];
	const struct config_service *web = &conf.services[0];

	(void)state;
	assert_int_equal(parse(full), 0);
	assert_int_equal(report.warnings, 0);
	assert_int_equal(conf.workers, 2);
	assert_int_equal(conf.lcores.count, 2);
	assert_int_equal(conf.lcores.id[1], 2);
	assert_int_equal(conf.idle, CONFIG_IDLE_SPIN);
	assert_int_equal(conf.drain_timeout_s, 120);
	assert_string_equal(conf.control.admin_group, "root");
	assert_int_equal(conf.log.level, CONFIG_LOG_DEBUG);
	assert_int_equal(conf.memory.packets, 8192);
	assert_int_equal(conf.memory.connections, 1000000);
	assert_int_equal(conf.memory.gaps, 4000);
	assert_int_equal(conf.memory.hugepages, CONFIG_HUGEPAGES_OFF);
	assert_string_equal(port->address, "0000:02:00.0");
	assert_int_equal(port->rx_descriptors, 512);
	assert_int_equal(port->tx_descriptors, 256);
	assert_int_equal(port->mtu, 9000);
	assert_int_equal(port->vlan, 12);
	assert_int_equal(port->mac.b[5], 1);
	assert_int_equal(port->checksum_offload, CONFIG_OFFLOAD_OFF);
	assert_true(port->promiscuous);
	assert_int_equal(port->addresses.count, 2);
	assert_false(ip_addr_is_v4(&port->addresses.prefix[1].addr));
	assert_int_equal(ip_addr_v4(&port->gateway), 0xc00002fe);
	assert_true(ip_addr_is_link_local(&port->gateway6));
	assert_int_equal(port->neighbours.count, 1);
	assert_int_equal(port->neighbours.row[0].mac.b[5], 9);
	assert_int_equal(conf.tunables.tcp_rmem[1], 16384);
	assert_int_equal(conf.tunables.tcp_rto_min, 100000);
	assert_int_equal(conf.tunables.tcp_syncookies, 2);
	assert_string_equal(web->type, "http");
	assert_int_equal(web->port, 8080);
	assert_int_equal(ip_addr_v4(&web->listen), 0xc0000201);
	assert_int_equal(web->backlog, 128);
	assert_int_equal(web->syncookies, CONFIG_SYNCOOKIES_OFF);
	assert_true(web->nodelay);
	assert_int_equal(web->congestion_control, TUN_CC_RENO);
	assert_int_equal(conf.services[1].congestion_control, CONFIG_CC_DEFAULT);
	assert_int_equal(web->source_syn_rate, 500);
	assert_int_equal(web->source_conns, 64);
	assert_int_equal(web->first_byte_s, 10);
	assert_int_equal(web->idle_s, 600);
	assert_int_equal(web->blackhole, CONFIG_BLACKHOLE_ON);
	assert_int_equal(web->max_pacing_rate, 125000);
	assert_int_equal(conf.services[1].max_pacing_rate, 0);
	assert_int_equal(conf.services[1].source_conns, 0);
	assert_int_equal(conf.services[1].blackhole, CONFIG_BLACKHOLE_DEFAULT);
	assert_string_equal(web->root, "/srv/www");
	assert_int_equal(web->max_conns, 500);
	assert_int_equal(conf.services[1].max_conns, 65536);
	assert_int_equal(web->max_header_bytes, 16384);
	assert_int_equal(web->idle_timeout_s, 300);
	assert_int_equal(conf.services[1].port, 7);
	assert_int_equal(conf.services[1].to.port, 0);
	assert_int_equal(ip_addr_v4(&conf.services[2].to.ip), 0xc6336407);
	assert_int_equal(conf.services[2].to.port, 8080);
	assert_false(ip_addr_is_v4(&conf.services[3].to.ip));
	assert_int_equal(conf.services[3].to.port, 65535);
}

static void
defaults_of_every_key_are_values_of_it(void **state)
{
	unsigned int i;

	(void)state;
	/* config_section_default() asserts it; reading the same text as a file must agree. */
	for (i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = config_key((enum config_key_id)i);

		assert_true(strlen(key->help) > 0);
		if (key->type == CONFIG_UINT || key->type == CONFIG_WORD ||
			key->type == CONFIG_BOOL)
			assert_true(key->def != NULL || i == CONFIG_KEY_services_port);
	}
}

static void
missing_file_is_an_error_of_the_file(void **state)
{
	(void)state;
	config_report_init(&report);
	assert_int_equal(config_load("/nonexistent/x.yaml", kinds, &conf, &report), -ENOENT);
	assert_int_equal(report.errors, 1);
	assert_int_equal(report.rows[0].mark.line, 0);
	config_report_init(&report);
	assert_int_equal(config_load("/dev/zero", kinds, &conf, &report), -EFBIG);
	config_report_init(&report);
	assert_int_equal(config_load("/", kinds, &conf, &report), -EISDIR);
}

/* Text of n bytes c with a head and a tail. */
static char *
long_text(const char *head, char c, size_t n, const char *tail)
{
	size_t head_len = strlen(head), tail_len = strlen(tail);
	char *text = malloc(head_len + n + tail_len + 1);

	assert_non_null(text);
	memcpy(text, head, head_len);
	memset(text + head_len, c, n);
	memcpy(text + head_len + n, tail, tail_len + 1);
	return text;
}

static void
hostile_files_are_refused_fast(void **state)
{
	static const struct {
		const char *head;
		char c;
		const char *tail;
	} rows[] = {
		{ "", '[', "" },
		{ "a: ", '{', "" },
		{ "", '-', "" },
		{ "", '?', "" },
		{ "- \"", 'x', "\"" },
		{ "a: &", 'x', " 1\nb: 2" },
		{ "", '\n', "\xff" },
		{ "", ':', "" },
		{ "workers: ", '1', "\n" },
		{ "lcores: ", ',', "\n" },
		{ "services: [", ',', "]\n" },
		{ "? ", ' ', "? \n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = long_text(rows[i].head, rows[i].c, 1000000, rows[i].tail);

		assert_int_equal(parse(text), -EINVAL);
		free(text);
	}
}

static void
too_many_mistakes_end_the_reading(void **state)
{
	static char text[20000];
	size_t used = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "key%u: 1\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(report.count, CONFIG_REPORT_MAX);
	assert_true(report.errors >= CONFIG_REPORT_MAX);
}

static void
examples_are_good(void **state)
{
	static const char *const names[] = { "demo.yaml", "full.yaml" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *data = getenv("SLUICE_TEST_DATA");
		char path[512];

		snprintf(path, sizeof(path), "%s/../../drivers-config/examples/%s",
			data != NULL ? data : "tests/unit", names[i]);
		config_report_init(&report);
		if (config_load(path, kinds, &conf, &report) != 0 || report.warnings != 0)
			fail_msg("%s: %s", names[i], report.rows[0].text);
	}
	assert_int_equal(conf.service_count, 4);
}

/* --- golden messages ------------------------------------------------------------------------ */

/*
 * config_bad.txt: cases of "=== name", the file, "%%%", and what --check prints for it.
 * With GOLDEN_WRITE set to a path the test writes the cases anew there instead of comparing.
 */

static char *
file_text(const char *path)
{
	static char text[200000];
	FILE *file = fopen(path, "r");
	size_t len;

	if (file == NULL)
		fail_msg("cannot open %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

static char *
printed_report(void)
{
	static char out[65536];
	FILE *file = fmemopen(out, sizeof(out), "w");

	assert_non_null(file);
	config_report_print(&report, "f.yaml", file);
	fclose(file);
	return out;
}

static void
bad_files_are_explained_to_the_letter(void **state)
{
	const char *data = getenv("SLUICE_TEST_DATA");
	const char *write_path = getenv("GOLDEN_WRITE");
	FILE *out = write_path != NULL ? fopen(write_path, "w") : NULL;
	unsigned int cases = 0;
	char path[512];
	char *at;

	(void)state;
	snprintf(path, sizeof(path), "%s/config_bad.txt", data != NULL ? data : "tests/unit");
	at = strstr(file_text(path), "=== ");
	while (at != NULL) {
		char *name = at + 4;
		char *body = strchr(name, '\n') + 1;
		char *want = strstr(body, "\n%%%\n") + 1;
		char *next = strstr(want, "\n=== ");
		const char *got;

		name[strcspn(name, "\n")] = '\0';
		*want = '\0';
		want += 4;
		if (next != NULL)
			*++next = '\0';
		if (parse(body) == 0 && report.warnings == 0)
			fail_msg("%s: nothing wrong with it", name);
		got = printed_report();
		if (out != NULL)
			fprintf(out, "=== %s\n%s%%%%%%\n%s", name, body, got);
		else if (strcmp(got, want) != 0)
			fail_msg("%s: got\n%swant\n%s", name, got, want);
		cases++;
		if (next != NULL)
			*next = '=';
		at = next;
	}
	if (out != NULL)
		fclose(out);
	assert_true(cases >= 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smallest_file_is_good_and_gets_defaults),
		cmocka_unit_test(congestion_controls_are_those_of_the_tunable),
		cmocka_unit_test(every_key_reaches_its_field),
		cmocka_unit_test(defaults_of_every_key_are_values_of_it),
		cmocka_unit_test(missing_file_is_an_error_of_the_file),
		cmocka_unit_test(hostile_files_are_refused_fast),
		cmocka_unit_test(too_many_mistakes_end_the_reading),
		cmocka_unit_test(examples_are_good),
		cmocka_unit_test(bad_files_are_explained_to_the_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
