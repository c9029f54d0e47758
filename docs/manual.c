/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the manual pages sluiced(8), sluice.yaml(5), sluice-load(1) and sluice-pcapgen(1) from the
 * tables of the source: manual PAGE. That of sluicectl(1) is written by sluicectl itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/tunables.h"
#include "ctl/config.h"
#include "ctl/config_value.h"
#include "ctl/protocol.h"
#include "loadtest/options.h"
#include "roff.h"
#include "sluice-load/options.h"
#include "sluiced/options.h"

/* What it is for; what it is without the key, and what it may be. */
static void
key_write(const struct config_key *key, FILE *out)
{
	char allows[CONFIG_VALUE_ERR_LEN], text[600];

	snprintf(text, sizeof(text), "%s%s%sllowed: %s.", key->def != NULL ? "Default " : "",
		key->def != NULL ? key->def : "", key->def != NULL ? "; a" : "A",
		config_key_allows(key, allows, sizeof(allows)));
	roff_item(key->name, key->help, out);
	fputs(".br\n", out);
	roff_text(text, out);
	fputc('\n', out);
}

static void
section_write(enum config_section section, const char *title, FILE *out)
{
	unsigned int i;

	fprintf(out, ".SS %s\n", title);
	for (i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = config_key((enum config_key_id)i);

		if (key->section == section)
			key_write(key, out);
	}
}

/* One tunable with its default, range and when a change takes effect. */
static void
tunable_write(const struct tunable_desc *row, FILE *out)
{
	struct tunables defaults;
	char def[TUNABLE_TEXT_LEN], text[400];
	size_t used, i;

	if (row->count == 0) {
		snprintf(text, sizeof(text), "Known and refused: %s.", row->help);
		roff_item(row->name, text, out);
		return;
	}
	tunables_default(&defaults);
	tunables_get(&defaults, row->name, def, sizeof(def));
	roff_item(row->name, row->help, out);
	used = (size_t)snprintf(text, sizeof(text), "Default %s", def);
	if (row->names == NULL)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "; %lu to %lu %s",
			(unsigned long)row->min, (unsigned long)row->max, unit_name(row->unit));
	for (i = 0; row->names != NULL && row->names[i] != NULL; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
			i > 0 ? ", " : "; one of ", row->names[i]);
	snprintf(text + used, sizeof(text) - used, "; applies to: %s; counts for: %s.",
		tun_when_text(row->when), tun_scope_text(row->scope));
	fputs(".br\n", out);
	roff_text(text, out);
	fputc('\n', out);
}

static void
yaml_write(FILE *out)
{
	const struct tunable_desc *row;
	size_t i;

	fputs(".TH SLUICE.YAML 5\n.SH NAME\nsluice.yaml \\- configuration of sluiced\n"
	      ".SH DESCRIPTION\n"
	      "One YAML file says which ports sluiced takes, what answers on them, and how. The\n"
	      "least that is needed:\n.PP\n.nf\n"
	      "ports:\n  wan0:\n    addresses: [192.0.2.1/24]\nservices: [http]\n.fi\n.PP\n"
	      ".B sluiced \\-\\-check\n.I FILE\n"
	      "names every mistake with line, column and remedy, and touches nothing.\n.PP\n"
	      "Numbers take k M G (powers of 1000), Ki Mi Gi (of 1024), times us ms s m h,\n"
	      "switches on and off. Ports and services are mappings of names to sections, or\n"
	      "lists of sections with a name.\n.PP\n"
	      ".B sluicectl reload\n"
	      "or SIGHUP reads the file again: tunables and drain_timeout change at once;\n"
	      "a file in which anything else differs is refused as a whole.\n"
	      ".SH KEYS\n",
		out);
	section_write(CONFIG_SECTION_top, "Top level", out);
	section_write(CONFIG_SECTION_control, "control", out);
	section_write(CONFIG_SECTION_log, "log", out);
	section_write(CONFIG_SECTION_memory, "memory", out);
	section_write(CONFIG_SECTION_ports, "ports.NAME", out);
	section_write(CONFIG_SECTION_services, "services.NAME", out);
	fputs(".SH TUNABLES\nKeys of the section tunables, and names of\n.B sluicectl set\n"
	      "and\n.BR get .\n",
		out);
	for (i = 0; (row = tunables_row(i)) != NULL; i++)
		tunable_write(row, out);
	fputs(".SH SEE ALSO\n.BR sluiced (8),\n.BR sluicectl (1)\n", out);
}

/* What --help says, as it stands there. */
static void
help_write(void (*print)(FILE *out), FILE *out)
{
	char *help = NULL;
	size_t len;
	FILE *text = open_memstream(&help, &len);

	if (text == NULL)
		return;
	print(text);
	fclose(text);
	fputs(".SH OPTIONS\n.nf\n", out);
	roff_text(help, out);
	fputs(".fi\n", out);
	free(help);
}

static void
sluiced_write(FILE *out)
{
	fputs(".TH SLUICED 8\n.SH NAME\nsluiced \\- TCP appliance that bypasses the kernel\n"
	      ".SH SYNOPSIS\n.B sluiced\n.B \\-c\n.I FILE\n.br\n.B sluiced \\-\\-check\n.I FILE\n"
	      ".SH DESCRIPTION\n"
	      "Takes the queues of a network card over, terminates TCP in user space with one\n"
	      "engine per core, and serves what\n.I FILE\nsays.\n"
	      "Once everything answers, one line beginning with READY goes to standard output;\n"
	      "messages go to standard error.\n",
		out);
	help_write(sluiced_help_print, out);
	fputs(".SH SIGNALS\n", out);
	roff_item("SIGTERM, SIGINT", "Takes no new connections and lets those open finish for "
		"drain_timeout, then resets them and ends. A second one ends at once.", out);
	roff_item("SIGHUP", "Reads the configuration again, as sluicectl reload does.", out);
	fputs(".SH EXIT STATUS\n", out);
	roff_item("0", "The file is good, or it served until it was told to stop.", out);
	roff_item("1", "The check failed, or it could not start.", out);
	roff_item("2", "Wrong usage.", out);
	fputs(".SH ENVIRONMENT\n", out);
	roff_item("NOTIFY_SOCKET, WATCHDOG_USEC", "Where a service manager that waits for it "
		"(systemd, Type=notify) is told that everything answers, and how often that the "
		"daemon lives.", out);
	fputs(".SH FILES\n", out);
	roff_item(CTL_SOCKET_DEFAULT, "The control socket, unless control.socket says otherwise.",
		out);
	fputs(".SH SEE ALSO\n.BR sluice.yaml (5),\n.BR sluicectl (1),\n"
	      ".BR sluice\\-load (1),\n.BR sluice\\-drivers (7),\n.BR sluice\\-loadtest (7)\n",
		out);
}

static void
load_write(FILE *out)
{
	fputs(".TH SLUICE-LOAD 1\n.SH NAME\n"
	      "sluice-load \\- opens TCP connections, checks every byte, and measures\n"
	      ".SH SYNOPSIS\n.B sluice-load\n.RB [ \\-\\-profile\n.IR NAME | FILE ]\n"
	      ".B \\-\\-target\n.I ADDRESS:PORT\n.B \\-\\-address\n.I OURS/LENGTH\n"
	      ".B \\-\\-port\\-type\n.I TYPE\n.RI [ KEY ...]\n"
	      ".SH DESCRIPTION\n"
	      "A load generator on the stack of\n.BR sluiced (8),\n"
	      "over a port of its own: it opens connections, asks, compares what comes back\n"
	      "with what must come, and says how fast it went and what failed, by name.\n",
		out);
	help_write(load_help_print, out);
	fputs(".SH EXIT STATUS\n", out);
	roff_item("0", "It went well, and all criteria are fulfilled.", out);
	roff_item("1", "A criterion is not, or there is none and nothing was answered.", out);
	roff_item("2", "Wrong usage.", out);
	roff_item("3", "It could not start, not reach the target, or not write the result.", out);
	fputs(".SH SEE ALSO\n.BR sluiced (8),\n.BR sluicectl (1),\n.BR sluice\\-pcapgen (1),\n"
	      ".BR sluice\\-loadtest (7)\n",
		out);
}

static void
pcapgen_write(FILE *out)
{
	fputs(".TH SLUICE-PCAPGEN 1\n.SH NAME\n"
	      "sluice-pcapgen \\- writes frames for load tests to a pcap file\n"
	      ".SH SYNOPSIS\n.B sluice-pcapgen\n.B \\-\\-kind\n.I KIND\n"
	      ".B \\-\\-target\n.I ADDRESS:PORT\n.B \\-\\-output\n.I FILE\n"
	      ".RI [ OPTION ...]\n.SH DESCRIPTION\n"
	      "Makes what a generator of packets replays: SYNs as clients send them, ACKs,\n"
	      "resets, fragments, wrong checksums, and, with the keys of a test,\n"
	      "cookies that open connections. The same seed makes the same file.\n",
		out);
	help_write(pcapgen_help_print, out);
	fputs(".SH EXIT STATUS\n", out);
	roff_item("0", "The file is written.", out);
	roff_item("1", "A file could not be read or written; no half of one is left.", out);
	roff_item("2", "Wrong usage.", out);
	fputs(".SH EXAMPLES\n.nf\n"
	      "sluice\\-pcapgen \\-\\-kind syn \\-\\-target 192.0.2.1:80 \\-o syn.pcap\n"
	      "tcpreplay \\-i veth1 \\-\\-pps 50000 syn.pcap\n.fi\n"
	      ".SH SEE ALSO\n.BR sluice\\-loadtest (7),\n.BR sluice\\-load (1),\n.BR sluiced (8)\n",
		out);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sluiced.8") == 0)
		sluiced_write(stdout);
	else if (argc == 2 && strcmp(argv[1], "sluice.yaml.5") == 0)
		yaml_write(stdout);
	else if (argc == 2 && strcmp(argv[1], "sluice-load.1") == 0)
		load_write(stdout);
	else if (argc == 2 && strcmp(argv[1], "sluice-pcapgen.1") == 0)
		pcapgen_write(stdout);
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
