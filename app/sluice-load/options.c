/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the command line; what it says of the port becomes a configuration like the daemon's. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "options.h"

#define TUNABLES_MAX 32u
#define ERR_LEN LOAD_PROFILE_ERR_LEN
/* Packets of each worker: at least, at most, unless told. */
#define PACKETS_MIN 16384u
#define PACKETS_MAX 131072u

/* What the command line says, as it stands there. */
struct words {
	const char *profile, *config, *json, *pass;
	const char *port_type, *iface, *port_path, *pci;
	const char *gateway, *gateway6, *mac, *vlan, *mtu;
	const char *workers, *lcores, *packets;
	const char *address[CONFIG_ADDRS_MAX], *tunable[TUNABLES_MAX];
	unsigned int addresses, tunables;
	const char *key[CONFIG_KEY_COUNT], *value[CONFIG_KEY_COUNT]; /* of the profile */
	unsigned int keys;
};

static const char help[] =
	"Usage: sluice-load [--profile NAME|FILE] --target ADDRESS:PORT --address OURS/LENGTH\n"
	"                   --port-type TYPE [--iface NAME] [KEY...]\n"
	"\n"
	"Opens TCP connections over a port of its own, asks, checks every byte that comes back,\n"
	"and says how fast it went. docs/sluice-load.md has the long form.\n"
	"\n"
	"  --profile NAME|FILE   a preset (--profiles lists them) or a YAML file; else http-rps\n"
	"  --pass CRITERIA       such as 'errors == 0, p99 < 5ms, rps > 10k'\n"
	"  --json FILE           the result as JSON; - for standard output\n"
	"  --quiet               no block each second\n"
	"  --check               read everything, say what is wrong, touch nothing\n"
	"  --profiles, --help, --version\n"
	"\n"
	"The port, as in docs/config.md:\n"
	"  --port-type TYPE      tap, af_packet, af_xdp, vhost, virtio_user, ring, null, pci\n"
	"  --iface NAME          --port-path SOCKET   --pci ADDRESS\n"
	"  --address A/LENGTH    ours; again, or as a range A-B/LENGTH, for more\n"
	"  --gateway A  --gateway6 A  --mac M  --vlan N  --mtu N\n"
	"  --workers N  --lcores LIST  --packets N  --tunable NAME=VALUE\n"
	"  --config FILE         a configuration of the daemon's form instead of all these\n"
	"\n"
	"Keys of the profile; numbers with k m g, times with us ms s m h:\n";

static const char footer[] =
	"\n"
	"Exit status: 0 good, all criteria fulfilled; 1 a criterion was not, or, without any,\n"
	"nothing was answered; 2 wrong usage; 3 it could not start, not reach the target or not\n"
	"write the result. SIGINT ends the run with its table; a second one at once.\n";

void
load_help_print(FILE *out)
{
	fputs(help, out);
	load_profile_help(out);
	fputs(footer, out);
}

SLUICE_PRINTF(2, 3)
static int
usage(FILE *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("sluice-load: ", err);
	vfprintf(err, fmt, args);
	va_end(args);
	fputs("; sluice-load --help explains\n", err);
	return -EINVAL;
}

/* --- words ----------------------------------------------------------------------------------- */

/* Where the value of an option goes; NULL: it is none of ours. */
static const char **
place_of(struct words *w, const char *name)
{
	const struct {
		const char *name;
		const char **place;
	} rows[] = {
		{ "profile", &w->profile },
		{ "config", &w->config },
		{ "json", &w->json },
		{ "pass", &w->pass },
		{ "port-type", &w->port_type },
		{ "iface", &w->iface },
		{ "port-path", &w->port_path },
		{ "pci", &w->pci },
		{ "gateway", &w->gateway },
		{ "gateway6", &w->gateway6 },
		{ "mac", &w->mac },
		{ "vlan", &w->vlan },
		{ "mtu", &w->mtu },
		{ "workers", &w->workers },
		{ "lcores", &w->lcores },
		{ "packets", &w->packets },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].place;
	if (strcmp(name, "address") == 0 && w->addresses < CONFIG_ADDRS_MAX)
		return &w->address[w->addresses++];
	if (strcmp(name, "tunable") == 0 && w->tunables < TUNABLES_MAX)
		return &w->tunable[w->tunables++];
	return NULL;
}

/* Options without a value; false: it is none. */
static bool
take_switch(struct load_options *out, const char *name)
{
	static const struct {
		const char *name;
		enum load_mode mode;
	} modes[] = {
		{ "-h", LOAD_HELP },
		{ "--help", LOAD_HELP },
		{ "-V", LOAD_VERSION },
		{ "--version", LOAD_VERSION },
		{ "--check", LOAD_CHECK },
		{ "--profiles", LOAD_PROFILES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, name) == 0) {
			out->mode = modes[i].mode;
			return true;
		}
	}
	if (strcmp(name, "--quiet") != 0)
		return false;
	out->is_quiet = true;
	return true;
}

/* "--name value" and "--name=value"; text is changed. */
static int
read_words(int argc, char **argv, struct load_options *out, struct words *w, FILE *err)
{
	for (int i = 1; i < argc; i++) {
		char *name = argv[i], *value;
		const char **place;

		if (take_switch(out, name)) {
			if (out->mode != LOAD_RUN && out->mode != LOAD_CHECK)
				return 0;
			continue;
		}
		if (strncmp(name, "--", 2) != 0 || name[2] == '\0')
			return usage(err, "'%s' is no option", name);
		name += 2;
		value = strchr(name, '=');
		if (value != NULL)
			*value++ = '\0';
		place = place_of(w, name);
		if (place == NULL && !load_profile_has(name))
			return usage(err, "unknown option --%s", name);
		if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value == NULL)
			return usage(err, "--%s needs a value", name);
		if (place == NULL) {
			if (w->keys == ARRAY_SIZE(w->key))
				return usage(err, "more options than there are");
			w->key[w->keys] = name;
			place = &w->value[w->keys++];
		}
		*place = value;
	}
	return 0;
}

/* --- the profile ----------------------------------------------------------------------------- */

static int
load_file(const char *path, struct load_profile *p, FILE *err)
{
	struct config_report *report = malloc(sizeof(*report));
	int rc = -ENOMEM;

	if (report != NULL) {
		config_report_init(report);
		rc = load_profile_load(p, path, report);
	}
	if (rc == -ENOMEM)
		fprintf(err, "sluice-load: out of memory\n");
	else if (report->errors + report->warnings > 0)
		config_report_print(report, path, err);
	free(report);
	return rc;
}

static int
make_profile(const struct words *w, struct load_profile *p, FILE *err)
{
	const char *name = w->profile != NULL ? w->profile : "http-rps";
	char why[ERR_LEN];
	int rc;

	if (load_profile_is_file(name))
		rc = load_file(name, p, err);
	else if (load_profile_preset(p, name, why, sizeof(why)) != 0)
		rc = usage(err, "%s", why);
	else
		rc = 0;
	for (unsigned int i = 0; rc == 0 && i < w->keys; i++) {
		rc = load_profile_set(p, w->key[i], w->value[i], why, sizeof(why));
		if (rc != 0)
			return usage(err, "%s", why);
	}
	if (rc == 0 && w->pass != NULL && criteria_parse(&p->pass, w->pass, why, sizeof(why)) != 0)
		return usage(err, "--pass: %s", why);
	if (rc == 0 && load_profile_check(p, why, sizeof(why)) != 0)
		return usage(err, "%s", why);
	return rc;
}

/* --- the configuration ----------------------------------------------------------------------- */

/* A scalar that YAML takes as it is. */
static void
write_scalar(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputc('\'', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void
write_key(FILE *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	fprintf(out, "%s: ", key);
	write_scalar(out, value);
	fputc('\n', out);
}

int
load_addresses_write(const char *text, FILE *out, unsigned int *count)
{
	const char *slash = strchr(text, '/');
	const char *dash = strchr(text, '-');
	char first[IP_ADDR_STRLEN];
	struct ip_addr addr, last;
	size_t len;

	if (slash == NULL)
		return -EINVAL;
	len = (size_t)((dash != NULL && dash < slash ? dash : slash) - text);
	if (ip_addr_parse(&addr, text, len) != 0)
		return -EINVAL;
	last = addr;
	if (dash != NULL && (dash > slash ||
		ip_addr_parse(&last, dash + 1, (size_t)(slash - dash - 1)) != 0))
		return -EINVAL;
	while (*count < CONFIG_ADDRS_MAX) {
		(void)ip_addr_format(&addr, first);
		fprintf(out, "%s\"%s%s\"", *count > 0 ? ", " : "", first, slash);
		(*count)++;
		if (ip_addr_equal(&addr, &last))
			return 0;
		for (unsigned int i = sizeof(addr.b); i-- > 0 && ++addr.b[i] == 0;)
			;
	}
	return -E2BIG;
}

static int
write_addresses(const struct words *w, FILE *out, FILE *err)
{
	unsigned int count = 0;

	fputs("    addresses: [", out);
	for (unsigned int i = 0; i < w->addresses; i++) {
		int rc = strpbrk(w->address[i], "\"\\\n") != NULL
			? -EINVAL
			: load_addresses_write(w->address[i], out, &count);

		if (rc == -E2BIG)
			return usage(err, "--address %s: more than %u addresses", w->address[i],
				CONFIG_ADDRS_MAX);
		if (rc != 0)
			return usage(err, "--address %s: write it as 192.0.2.2/24, or as a range "
				"192.0.2.2-192.0.2.9/24", w->address[i]);
	}
	fputs("]\n", out);
	return 0;
}

/* Connections that the stack must have room for. */
static uint64_t
conns_needed(const struct load_profile *p, uint32_t workers)
{
	uint64_t sum = 64 + 2ull * workers * LOAD_GROUPS_MAX;

	for (unsigned int i = 0; i < p->group_count; i++)
		sum += p->groups[i].connections;
	return sum;
}

static void
write_memory(const struct words *w, const struct load_profile *p, FILE *out)
{
	uint32_t workers = w->workers != NULL ? (uint32_t)strtoul(w->workers, NULL, 10) : 1;
	uint64_t conns = conns_needed(p, max_u32(workers, 1));
	uint64_t packets = min_u64(
		PACKETS_MIN + 2 * conns / max_u32(workers, 1), PACKETS_MAX);

	fprintf(out, "memory:\n  connections: %llu\n  syn_queue: 64\n",
		(unsigned long long)(conns + conns / 8));
	fputs("  ", out);
	if (w->packets != NULL)
		write_key(out, "packets", w->packets);
	else
		fprintf(out, "packets: %llu\n", (unsigned long long)packets);
}

static bool
sets_tunable(const struct words *w, const char *name)
{
	size_t len = strlen(name);

	for (unsigned int i = 0; i < w->tunables; i++)
		if (strncmp(w->tunable[i], name, len) == 0 && w->tunable[i][len] == '=')
			return true;
	return false;
}

/* What a client in a hurry needs, unless told otherwise, and what it is told. */
static void
write_tunables(const struct words *w, FILE *out)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "ip_local_port_range", "1024 65535" },
		{ "tcp_max_orphans", "16777216" },
		{ "tcp_tw_reuse", "1" },
	};

	fputs("tunables:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!sets_tunable(w, rows[i].name))
			fprintf(out, "  %s: %s\n", rows[i].name, rows[i].value);
	}
	for (unsigned int i = 0; i < w->tunables; i++) {
		char *name = strdup(w->tunable[i]);
		char *value = name != NULL ? strchr(name, '=') : NULL;

		if (value != NULL)
			*value++ = '\0';
		fputs("  ", out);
		write_key(out, name != NULL ? name : "?", value != NULL ? value : "");
		free(name);
	}
}

static int
write_config(const struct words *w, const struct load_profile *p, FILE *out, FILE *err)
{
	write_key(out, "workers", w->workers);
	write_key(out, "lcores", w->lcores);
	write_memory(w, p, out);
	write_tunables(w, out);
	fputs("ports:\n  load0:\n", out);
	write_key(out, "    type", w->port_type);
	write_key(out, "    iface", w->iface);
	write_key(out, "    path", w->port_path);
	write_key(out, "    address", w->pci);
	write_key(out, "    gateway", w->gateway);
	write_key(out, "    gateway6", w->gateway6);
	write_key(out, "    mac", w->mac);
	write_key(out, "    vlan", w->vlan);
	write_key(out, "    mtu", w->mtu);
	return write_addresses(w, out, err);
}

static int
parse_config(const struct words *w, const struct load_profile *p, struct config *conf,
	struct config_report *report, FILE *err)
{
	static const struct config_service_kind none[] = { { NULL, 0, false } };
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc;

	if (w->config != NULL)
		return config_load(w->config, none, conf, report);
	out = open_memstream(&text, &len);
	if (out == NULL)
		return -ENOMEM;
	rc = write_config(w, p, out, err);
	if (fclose(out) != 0)
		rc = -ENOMEM;
	if (rc == 0)
		rc = config_parse(text, len, none, conf, report);
	free(text);
	return rc;
}

/* What is said of a key of the port is said of the option that it came from. */
static void
print_issue(const char *text, bool is_error, FILE *err)
{
	static const char prefix[] = "ports.load0.";
	static const struct {
		const char *key, *option;
	} others[] = {
		{ "type", "port-type" },
		{ "path", "port-path" },
		{ "addresses", "address" },
		{ "address", "pci" },
	};
	const char *key = text + strlen(prefix);
	size_t len;

	fprintf(err, "sluice-load: %s: ", is_error ? "error" : "warning");
	if (strncmp(text, prefix, strlen(prefix)) != 0) {
		fprintf(err, "%s\n", text);
		return;
	}
	len = strcspn(key, ":[. ");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strlen(others[i].key) == len && strncmp(others[i].key, key, len) == 0) {
			fprintf(err, "--%s%s\n", others[i].option, key + len);
			return;
		}
	fprintf(err, "--%s\n", key);
}

/*
 * Where the port would make one up, the MAC address follows from our first address. Another one in
 * each run would look like somebody who forges the last one's: who is asked keeps to the old MAC
 * address until that does not answer, and the run begins with losses.
 */
static void
settle_mac(struct config_port *port)
{
	const uint8_t *ip = port->addresses.prefix[0].addr.b;

	if (!mac_addr_is_zero(&port->mac) || port->addresses.count == 0 ||
		(port->type != CONFIG_PORT_AF_PACKET && port->type != CONFIG_PORT_VIRTIO_USER))
		return;
	port->mac.b[0] = 0x02; /* locally administered */
	port->mac.b[1] = 0x6c;
	for (unsigned int i = 0; i < sizeof(port->addresses.prefix[0].addr.b); i++)
		port->mac.b[2 + i % 4] ^= ip[i];
}

static bool
has_address_for(const struct config *conf, const struct ip_addr *target)
{
	for (unsigned int i = 0; i < conf->port_count; i++) {
		const struct config_prefixes *ours = &conf->ports[i].addresses;

		for (unsigned int k = 0; k < ours->count; k++)
			if (ip_addr_is_v4(&ours->prefix[k].addr) == ip_addr_is_v4(target))
				return true;
	}
	return false;
}

/* A target of the version of IP that we have no address of would only be waited for. */
static int
check_versions(const struct config *conf, const struct load_profile *p, FILE *err)
{
	for (unsigned int i = 0; i < p->group_count; i++) {
		bool is_v4 = ip_addr_is_v4(&p->groups[i].target.ip);

		if (!has_address_for(conf, &p->groups[i].target.ip))
			return usage(err,
				"the target of group %s is IPv%d, and no address of ours is: give "
				"an IPv%d --address too",
				p->groups[i].name, is_v4 ? 4 : 6, is_v4 ? 4 : 6);
	}
	return 0;
}

static int
make_config(
	const struct words *w, const struct load_profile *p, struct config *conf, FILE *err)
{
	struct config_report *report = malloc(sizeof(*report));
	int rc;

	if (report == NULL)
		return -ENOMEM;
	if (w->config == NULL && (w->port_type == NULL || w->addresses == 0)) {
		free(report);
		return usage(err, "it needs --port-type and --address, or --config");
	}
	config_report_init(report);
	rc = parse_config(w, p, conf, report, err);
	if (rc == 0)
		config_check_cpus(conf, report);
	for (unsigned int i = 0; w->config == NULL && i < report->count; i++)
		print_issue(report->rows[i].text, report->rows[i].is_error, err);
	if (w->config != NULL && report->errors + report->warnings > 0)
		config_report_print(report, w->config, err);
	free(report);
	if (rc == -ENOMEM)
		fprintf(err, "sluice-load: out of memory\n");
	if (rc == 0)
		rc = check_versions(conf, p, err);
	if (rc == 0 && conf->memory.connections < conns_needed(p, conf->workers))
		return usage(err, "memory.connections %u: the profile needs %llu",
			conf->memory.connections,
			(unsigned long long)conns_needed(p, conf->workers));
	for (unsigned int i = 0; rc == 0 && i < conf->port_count; i++)
		settle_mac(&conf->ports[i]);
	return rc;
}

int
load_options_parse(int argc, char **argv, struct load_options *out, FILE *err)
{
	struct words w = { 0 };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_words(argc, argv, out, &w, err);
	if (rc != 0 || (out->mode != LOAD_RUN && out->mode != LOAD_CHECK))
		return rc;
	out->json = w.json;
	rc = make_profile(&w, &out->profile, err);
	if (rc == 0)
		rc = make_config(&w, &out->profile, &out->config, err);
	return rc;
}
