/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of single values, one per type. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/config_value.h"

static void
words_list(const char *const *words, char *out, size_t out_len)
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; words[i] != NULL && used < out_len; i++)
		used += (size_t)snprintf(
			out + used, out_len - used, "%s%s", i > 0 ? ", " : "", words[i]);
}

static void
range_text(const struct config_key *key, char *out, size_t out_len)
{
	const char *unit = unit_name(key->unit);

	snprintf(out, out_len, "%" PRIu32 "..%" PRIu32 "%s%s", key->min, key->max,
		*unit != '\0' ? " " : "", unit);
}

const char *
config_key_allows(const struct config_key *key, char *out, size_t out_len)
{
	switch (key->type) {
	case CONFIG_UINT:
		range_text(key, out, out_len);
		return out;
	case CONFIG_WORD:
		words_list(key->words, out, out_len);
		return out;
	case CONFIG_BOOL:
		return "on, off";
	case CONFIG_NAME:
		return "a name of letters, digits, '.', '_' and '-'";
	case CONFIG_PATH:
		return "an absolute path";
	case CONFIG_PCI:
		return "a PCI address such as 0000:02:00.0";
	case CONFIG_CPUS:
		return "CPU numbers such as 2-5,8";
	case CONFIG_MAC:
		return "a MAC address such as 02:00:00:00:00:01";
	case CONFIG_IP:
		return "an IP address without prefix length, or any";
	case CONFIG_IP4:
		return "an IPv4 address without prefix length";
	case CONFIG_IP6:
		return "an IPv6 address without prefix length";
	case CONFIG_ENDPOINT:
		return "address:port such as 192.0.2.9:8080 or '[2001:db8::9]:8080'";
	case CONFIG_PREFIXES:
		return "a list of address/length";
	case CONFIG_NEIGHBOURS:
		return "a mapping of IP addresses to MAC addresses";
	case CONFIG_SECTION:
		return "a section";
	case CONFIG_TUNABLES:
		return "a mapping of tunables to values";
	case CONFIG_NAMED:
		return "a mapping of names to sections";
	}
	ASSERT(false);
	return "";
}

static int
uint_read(const struct config_key *key, const char *text, void *field)
{
	uint64_t value;
	int err;

	err = quantity_parse(text, key->unit, &value);
	if (err != 0)
		return err;
	if (value < key->min || value > key->max)
		return -ERANGE;
	*(uint32_t *)field = (uint32_t)value;
	return 0;
}

static int
bool_read(const char *text, void *field)
{
	uint64_t value;
	int err;

	err = quantity_parse(text, UNIT_BOOL, &value);
	if (err != 0)
		return err;
	*(bool *)field = value != 0;
	return 0;
}

static int
word_read(const struct config_key *key, const char *text, void *field)
{
	uint32_t i;

	for (i = 0; key->words[i] != NULL; i++) {
		if (strcmp(key->words[i], text) == 0) {
			*(uint32_t *)field = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
text_store(const struct config_key *key, const char *text, void *field)
{
	size_t len = strlen(text);
	size_t len_max = key->max > 0 ? min_size(key->max, key->size - 1) : key->size - 1;

	if (len > len_max)
		return -E2BIG;
	memcpy(field, text, len + 1);
	return 0;
}

bool
config_name_is_valid(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL)
			return false;
	}
	return i > 0 && i < CONFIG_NAME_LEN && text[0] != '-' && text[0] != '.';
}

static int
name_read(const struct config_key *key, const char *text, void *field)
{
	if (strlen(text) < CONFIG_NAME_LEN && !config_name_is_valid(text))
		return -EINVAL;
	return text_store(key, text, field);
}

static int
path_read(const struct config_key *key, const char *text, void *field)
{
	size_t i;

	if (text[0] != '/')
		return -EINVAL;
	for (i = 0; text[i] != '\0'; i++) {
		if (iscntrl((unsigned char)text[i]))
			return -EINVAL;
	}
	return text_store(key, text, field);
}

/* domain:bus:device.function, as lspci -D prints it. */
static int
pci_read(const struct config_key *key, const char *text, void *field)
{
	static const char shape[] = "xxxx:xx:xx.x";
	size_t i;

	if (strlen(text) != sizeof(shape) - 1)
		return -EINVAL;
	for (i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != shape[i])
			return -EINVAL;
	}
	return text_store(key, text, field);
}

static int
cpu_id_parse(const char **text, uint32_t *out)
{
	const char *p = *text;
	uint32_t id = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		id = id * 10 + (uint32_t)(*p - '0');
		if (id > CONFIG_CPU_ID_MAX)
			return -ERANGE;
	}
	*text = p;
	*out = id;
	return 0;
}

static int
cpu_add(struct config_cpus *cpus, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < cpus->count; i++) {
		if (cpus->id[i] == id)
			return -EEXIST;
	}
	if (cpus->count == CONFIG_CPUS_MAX)
		return -E2BIG;
	cpus->id[cpus->count++] = (uint16_t)id;
	return 0;
}

static int
cpus_read(const char *text, void *field)
{
	struct config_cpus cpus = { .count = 0 };
	uint32_t first = 0, last;
	int err;

	do {
		err = cpu_id_parse(&text, &first);
		last = first;
		if (err == 0 && *text == '-') {
			text++;
			err = cpu_id_parse(&text, &last);
		}
		if (err == 0 && last < first)
			err = -EINVAL;
		for (; err == 0 && first <= last; first++)
			err = cpu_add(&cpus, first);
		if (err != 0)
			return err;
	} while (*text++ == ',');
	if (text[-1] != '\0')
		return -EINVAL;
	*(struct config_cpus *)field = cpus;
	return 0;
}

static int
ip_read(enum config_type type, const char *text, void *field)
{
	struct ip_addr addr = { { 0 } };
	int err = 0;

	if (type != CONFIG_IP || strcmp(text, "any") != 0)
		err = ip_addr_parse(&addr, text, strlen(text));
	if (err != 0)
		return err;
	if (type != CONFIG_IP && ip_addr_is_v4(&addr) != (type == CONFIG_IP4))
		return -EAFNOSUPPORT;
	*(struct ip_addr *)field = addr;
	return 0;
}

static int
endpoint_read(const char *text, void *field)
{
	const char *colon = strrchr(text, ':');
	struct config_endpoint to = { .port = 0 };
	bool is_v6 = text[0] == '[';
	uint64_t port;
	size_t len;
	int err;

	if (colon == NULL)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (is_v6 && (len < 2 || colon[-1] != ']'))
		return -EINVAL;
	err = is_v6 ? ip_addr_parse(&to.ip, text + 1, len - 2) : ip_addr_parse(&to.ip, text, len);
	if (err == 0 && ip_addr_is_v4(&to.ip) == is_v6)
		err = -EINVAL;
	if (err == 0)
		err = quantity_parse(colon + 1, UNIT_PORT, &port);
	if (err != 0)
		return err;
	if (port < 1 || port > UINT16_MAX)
		return -ERANGE;
	to.port = (uint32_t)port;
	*(struct config_endpoint *)field = to;
	return 0;
}

static int
value_read(const struct config_key *key, const char *text, void *field)
{
	switch (key->type) {
	case CONFIG_UINT:
		return uint_read(key, text, field);
	case CONFIG_BOOL:
		return bool_read(text, field);
	case CONFIG_WORD:
		return word_read(key, text, field);
	case CONFIG_NAME:
		return name_read(key, text, field);
	case CONFIG_PATH:
		return path_read(key, text, field);
	case CONFIG_PCI:
		return pci_read(key, text, field);
	case CONFIG_CPUS:
		return cpus_read(text, field);
	case CONFIG_MAC:
		return mac_addr_parse(field, text, strlen(text));
	case CONFIG_IP:
	case CONFIG_IP4:
	case CONFIG_IP6:
		return ip_read(key->type, text, field);
	case CONFIG_ENDPOINT:
		return endpoint_read(text, field);
	case CONFIG_PREFIXES:
	case CONFIG_NEIGHBOURS:
	case CONFIG_SECTION:
	case CONFIG_TUNABLES:
	case CONFIG_NAMED:
		break;
	}
	ASSERT(false);
	return -EINVAL;
}

int
config_value_read(
	const struct config_key *key, const char *text, void *field, char *err, size_t err_len)
{
	char allows[CONFIG_VALUE_ERR_LEN / 2];
	const char *why;

	switch (value_read(key, text, field)) {
	case 0:
		return 0;
	case -ERANGE:
		why = "is out of range";
		break;
	case -E2BIG:
		why = "is too long";
		break;
	case -EEXIST:
		why = "names a CPU twice";
		break;
	case -EAFNOSUPPORT:
		why = "is of the other IP version";
		break;
	default:
		why = *text != '\0' ? "does not fit" : "is empty";
	}
	snprintf(err, err_len, "'%.80s' %s; allowed: %s", text, why,
		config_key_allows(key, allows, sizeof(allows)));
	return -EINVAL;
}
