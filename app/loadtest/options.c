/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the command line of sluice-pcapgen. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "base/compiler.h"
#include "conf/quantity.h"
#include "ctl/conn_filter.h"
#include "options.h"

#define COUNT_MAX 1000000000ull
#define FLOWS_MAX 16777216u
#define RATE_MAX 1000000ull

static const char help[] =
	"Usage: sluice-pcapgen --kind KIND --target ADDRESS:PORT --output FILE [OPTION...]\n"
	"\n"
	"Writes frames for a load test to a pcap file: each with a client of its own, right\n"
	"checksums, and all that follows from the seed. Memory does not grow with the file.\n"
	"\n"
	"  --kind KIND            one of those below\n"
	"  --target ADDRESS:PORT  the server: 192.0.2.1:80, or '[2001:db8::1]:80'\n"
	"  -o, --output FILE      - is standard output\n"
	"  --count N              frames (10k); data and both acks begin with 64 SYNs\n"
	"  --seed N               another one makes other clients (1)\n"
	"  --sources PREFIX       of the clients; else any address that may be a source\n"
	"  --dst-mac M            of the target (02:00:00:00:00:01)\n"
	"  --src-mac M            (02:00:00:00:00:02)\n"
	"  --rate N               frames/s by the times in the file (1M)\n"
	"  --flows N              data: connections (1000)\n"
	"  --payload N            data: bytes of each segment, 1..1400 (64)\n"
	"  --secret-file FILE     the test secret that sluiced was given with --test-secret\n"
	"  --address-index N      which of the appliance's addresses the target is (0)\n"
	"  -h, --help   -V, --version\n"
	"\n"
	"Numbers take k M G. Kinds:\n";

void
pcapgen_help_print(FILE *out)
{
	fputs(help, out);
	for (unsigned int i = 0; i < CRAFT_KINDS; i++)
		fprintf(out, "  %-12s %s%s\n", craft_kind_name((enum craft_kind)i),
			craft_kind_help((enum craft_kind)i),
			craft_kind_needs_secret((enum craft_kind)i) ? " (secret)" : "");
	fputs("\nExit status: 0 written, 1 a file could not be read or written, 2 wrong usage.\n",
		out);
}

SLUICE_PRINTF(2, 3)
static int
usage(FILE *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("sluice-pcapgen: ", err);
	vfprintf(err, fmt, args);
	va_end(args);
	fputs("; sluice-pcapgen --help explains\n", err);
	return -EINVAL;
}

static int
read_number(FILE *err, const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value;

	if (quantity_parse(optarg, UNIT_COUNT, &value) != 0 || value < min || value > max)
		return usage(err, "--%s %s: a number from %llu to %llu is wanted", name, optarg,
			(unsigned long long)min, (unsigned long long)max);
	*out = value;
	return 0;
}

static int
read_kind(FILE *err, enum craft_kind *out)
{
	for (unsigned int i = 0; i < CRAFT_KINDS; i++)
		if (strcmp(optarg, craft_kind_name((enum craft_kind)i)) == 0) {
			*out = (enum craft_kind)i;
			return 0;
		}
	return usage(err, "there is no kind '%s'", optarg);
}

static int
read_target(FILE *err, struct craft_params *craft)
{
	struct ctl_endpoint end;

	if (ctl_endpoint_parse(optarg, &end) != 0 || !end.has_addr || end.port == 0)
		return usage(err, "--target %s: write it as 192.0.2.1:80 or '[2001:db8::1]:80'",
			optarg);
	craft->target = end.addr;
	craft->port = end.port;
	return 0;
}

static int
read_mac(FILE *err, const char *name, struct mac_addr *out)
{
	if (mac_addr_parse(out, optarg, strlen(optarg)) != 0)
		return usage(err, "--%s %s: write it as 02:00:00:00:00:01", name, optarg);
	return 0;
}

static int
read_sources(FILE *err, struct ip_prefix *out)
{
	if (ip_prefix_parse(out, optarg, strlen(optarg)) != 0 || out->len == 0)
		return usage(err, "--sources %s: write it as 198.18.0.0/15, its length not 0",
			optarg);
	return 0;
}

enum {
	OPT_KIND = 256,
	OPT_TARGET,
	OPT_COUNT,
	OPT_SEED,
	OPT_SOURCES,
	OPT_DST_MAC,
	OPT_SRC_MAC,
	OPT_RATE,
	OPT_FLOWS,
	OPT_PAYLOAD,
	OPT_SECRET,
	OPT_INDEX,
};

static const struct option longs[] = {
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "output", required_argument, NULL, 'o' },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "sources", required_argument, NULL, OPT_SOURCES },
	{ "dst-mac", required_argument, NULL, OPT_DST_MAC },
	{ "src-mac", required_argument, NULL, OPT_SRC_MAC },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "payload", required_argument, NULL, OPT_PAYLOAD },
	{ "secret-file", required_argument, NULL, OPT_SECRET },
	{ "address-index", required_argument, NULL, OPT_INDEX },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Numbers that are kept in narrower fields. */
static int
read_narrow(int opt, struct craft_params *craft, FILE *err)
{
	uint64_t value = 0;
	int rc;

	if (opt == OPT_FLOWS) {
		rc = read_number(err, "flows", 1, FLOWS_MAX, &value);
		craft->flows = rc == 0 ? (uint32_t)value : 1;
	} else if (opt == OPT_PAYLOAD) {
		rc = read_number(err, "payload", 1, CRAFT_PAYLOAD_MAX, &value);
		craft->payload = rc == 0 ? (uint16_t)value : 1;
	} else {
		rc = read_number(err, "address-index", 0, 63, &value);
		craft->laddr_idx = rc == 0 ? (uint8_t)value : 0;
	}
	return rc;
}

static int
take(int opt, struct pcapgen_options *out, FILE *err)
{
	switch (opt) {
	case OPT_KIND:
		return read_kind(err, &out->craft.kind);
	case OPT_TARGET:
		return read_target(err, &out->craft);
	case OPT_COUNT:
		return read_number(err, "count", 1, COUNT_MAX, &out->count);
	case OPT_SEED:
		return read_number(err, "seed", 0, UINT64_MAX, &out->craft.seed);
	case OPT_SOURCES:
		return read_sources(err, &out->craft.sources);
	case OPT_DST_MAC:
		return read_mac(err, "dst-mac", &out->craft.dst_mac);
	case OPT_SRC_MAC:
		return read_mac(err, "src-mac", &out->craft.src_mac);
	case OPT_RATE:
		return read_number(err, "rate", 1, RATE_MAX, &out->rate);
	case OPT_SECRET:
		out->secret = optarg;
		return 0;
	case 'o':
		out->output = optarg;
		return 0;
	case OPT_FLOWS:
	case OPT_PAYLOAD:
	case OPT_INDEX:
		return read_narrow(opt, &out->craft, err);
	default:
		return usage(err, "wrong option");
	}
}

/* What only shows once all is known. */
static int
check(const struct pcapgen_options *out, FILE *err)
{
	const struct craft_params *craft = &out->craft;
	const char *kind = craft_kind_name(craft->kind);

	if (kind == NULL)
		return usage(err, "it needs --kind");
	if (craft->port == 0)
		return usage(err, "it needs --target");
	if (out->output == NULL)
		return usage(err, "it needs --output");
	if (craft_kind_needs_secret(craft->kind) && out->secret == NULL)
		return usage(err, "--kind %s needs --secret-file", kind);
	if (!craft_kind_needs_secret(craft->kind) && out->secret != NULL)
		return usage(err, "--kind %s has no use for --secret-file", kind);
	if (craft->sources.len != 0 &&
		ip_addr_is_v4(&craft->sources.addr) != ip_addr_is_v4(&craft->target))
		return usage(err, "--sources and --target are of different versions of IP");
	if (craft->kind == CRAFT_DATA && out->count <= CRAFT_PRIMERS + craft->flows)
		return usage(err, "--count %llu leaves no data: %u SYNs and %u flows come first",
			(unsigned long long)out->count, CRAFT_PRIMERS, craft->flows);
	return 0;
}

int
pcapgen_options_parse(int argc, char **argv, struct pcapgen_options *out, FILE *err)
{
	int opt, rc;

	*out = (struct pcapgen_options){
		.craft = {
			.kind = CRAFT_KINDS,
			.seed = 1,
			.dst_mac = { { 2, 0, 0, 0, 0, 1 } },
			.src_mac = { { 2, 0, 0, 0, 0, 2 } },
			.flows = 1000,
			.payload = 64,
		},
		.count = 10000,
		.rate = RATE_MAX,
	};
	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "+o:hV", longs, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			out->mode = opt == 'h' ? PCAPGEN_HELP : PCAPGEN_VERSION;
			return 0;
		}
		if (opt == '?')
			return usage(err, "'%s' is no option, or lacks its value",
				argv[optind > 1 ? optind - 1 : 1]);
		rc = take(opt, out, err);
		if (rc != 0)
			return rc;
	}
	if (optind < argc)
		return usage(err, "'%s' is no option", argv[optind]);
	return check(out, err);
}
