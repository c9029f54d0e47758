/* SPDX-License-Identifier: BSD-3-Clause */
/* The running configuration as JSON, along the table of keys. */
#include <string.h>

#include "base/assert.h"
#include "ctl/session_int.h"

static json_t *section_json(enum config_section section, const void *base);

static json_t *
ip_json(const struct ip_addr *addr)
{
	char text[IP_ADDR_STRLEN];

	if (ip_addr_is_unspecified(addr))
		return json_null();
	ip_addr_format(addr, text);
	return json_string(text);
}

static json_t *
endpoint_json(const struct config_endpoint *to)
{
	char text[IP_ADDR_STRLEN];

	if (to->port == 0)
		return json_null();
	ip_addr_format(&to->ip, text);
	return json_sprintf(ip_addr_is_v4(&to->ip) ? "%s:%u" : "[%s]:%u", text, to->port);
}

static json_t *
mac_json(const struct mac_addr *mac)
{
	char text[MAC_ADDR_STRLEN];

	if (mac_addr_is_zero(mac))
		return json_null();
	mac_addr_format(mac, text);
	return json_string(text);
}

static json_t *
cpus_json(const struct config_cpus *cpus)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < cpus->count; i++)
		json_array_append_new(list, json_integer(cpus->id[i]));
	return list;
}

static json_t *
prefixes_json(const struct config_prefixes *prefixes)
{
	json_t *list = json_array();
	char text[IP_PREFIX_STRLEN];
	uint32_t i;

	for (i = 0; i < prefixes->count; i++) {
		ip_prefix_format(&prefixes->prefix[i], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
neighbours_json(const struct config_neighbours *neighbours)
{
	json_t *object = json_object();
	char text[IP_ADDR_STRLEN];
	uint32_t i;

	for (i = 0; i < neighbours->count; i++) {
		ip_addr_format(&neighbours->row[i].ip, text);
		json_object_set_new(object, text, mac_json(&neighbours->row[i].mac));
	}
	return object;
}

static json_t *
tunables_json(const struct tunables *tun)
{
	json_t *object = json_object();
	const struct tunable_desc *row;
	char text[TUNABLE_TEXT_LEN];
	size_t i;

	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		if (tunables_get(tun, row->name, text, sizeof(text)) == 0)
			json_object_set_new(object, row->name, json_string(text));
	}
	return object;
}

/* Entries by name; the field is the array, its length stands elsewhere. */
static json_t *
named_json(enum config_section section, const struct config *conf)
{
	json_t *object = json_object();
	uint32_t i;

	if (section == CONFIG_SECTION_ports) {
		for (i = 0; i < conf->port_count; i++)
			json_object_set_new(object, conf->ports[i].name,
				section_json(section, &conf->ports[i]));
		return object;
	}
	for (i = 0; i < conf->service_count; i++)
		json_object_set_new(
			object, conf->services[i].name, section_json(section, &conf->services[i]));
	return object;
}

static json_t *
value_json(const struct config_key *key, const void *base)
{
	const void *field = (const char *)base + key->offset;

	switch (key->type) {
	case CONFIG_UINT:
		return json_integer(*(const uint32_t *)field);
	case CONFIG_BOOL:
		return json_boolean(*(const bool *)field);
	case CONFIG_WORD:
		return json_string(key->words[*(const uint32_t *)field]);
	case CONFIG_NAME:
	case CONFIG_PATH:
	case CONFIG_PCI:
		return *(const char *)field != '\0' ? json_string(field) : json_null();
	case CONFIG_CPUS:
		return cpus_json(field);
	case CONFIG_MAC:
		return mac_json(field);
	case CONFIG_IP:
	case CONFIG_IP4:
	case CONFIG_IP6:
		return ip_json(field);
	case CONFIG_ENDPOINT:
		return endpoint_json(field);
	case CONFIG_PREFIXES:
		return prefixes_json(field);
	case CONFIG_NEIGHBOURS:
		return neighbours_json(field);
	case CONFIG_SECTION:
		return section_json((enum config_section)key->min, field);
	case CONFIG_TUNABLES:
		return tunables_json(field);
	case CONFIG_NAMED:
		return named_json((enum config_section)key->min, base);
	}
	ASSERT(false);
	return NULL;
}

static json_t *
section_json(enum config_section section, const void *base)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = config_key((enum config_key_id)i);

		if (key->section == section)
			json_object_set_new(object, key->name, value_json(key, base));
	}
	return object;
}

json_t *
ctl_config_json(const struct config *conf)
{
	return section_json(CONFIG_SECTION_top, conf);
}
