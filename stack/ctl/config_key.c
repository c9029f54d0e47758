/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of keys, and sections at their defaults. */
#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/config_int.h"
#include "ctl/config_value.h"

const char *const config_words_idle[] = {
	[CONFIG_IDLE_ADAPTIVE] = "adaptive",
	[CONFIG_IDLE_SPIN] = "spin",
	NULL,
};

const char *const config_words_hugepages[] = {
	[CONFIG_HUGEPAGES_AUTO] = "auto",
	[CONFIG_HUGEPAGES_ON] = "on",
	[CONFIG_HUGEPAGES_OFF] = "off",
	NULL,
};

const char *const config_words_log_level[] = {
	[CONFIG_LOG_ERROR] = "error",
	[CONFIG_LOG_WARNING] = "warning",
	[CONFIG_LOG_INFO] = "info",
	[CONFIG_LOG_DEBUG] = "debug",
	NULL,
};

const char *const config_words_port_type[] = {
	[CONFIG_PORT_TAP] = "tap",
	[CONFIG_PORT_AF_PACKET] = "af_packet",
	[CONFIG_PORT_AF_XDP] = "af_xdp",
	[CONFIG_PORT_VHOST] = "vhost",
	[CONFIG_PORT_VIRTIO_USER] = "virtio_user",
	[CONFIG_PORT_RING] = "ring",
	[CONFIG_PORT_NULL] = "null",
	[CONFIG_PORT_PCI] = "pci",
	NULL,
};

const char *const config_words_syncookies[] = {
	[CONFIG_SYNCOOKIES_OFF] = "0",
	[CONFIG_SYNCOOKIES_OVERFLOW] = "1",
	[CONFIG_SYNCOOKIES_ALWAYS] = "2",
	[CONFIG_SYNCOOKIES_DEFAULT] = "default",
	NULL,
};

const char *const config_words_blackhole[] = {
	[CONFIG_BLACKHOLE_OFF] = "off",
	[CONFIG_BLACKHOLE_DEFAULT] = "default",
	[CONFIG_BLACKHOLE_ON] = "on",
	NULL,
};

const char *const config_words_cc[] = {
	[TUN_CC_RENO] = "reno",
	[TUN_CC_CUBIC] = "cubic",
	[TUN_CC_DCTCP] = "dctcp",
	[CONFIG_CC_DEFAULT] = "default",
	NULL,
};

const char *const config_words_offload[] = {
	[CONFIG_OFFLOAD_AUTO] = "auto",
	[CONFIG_OFFLOAD_OFF] = "off",
	NULL,
};

/* The struct that holds the fields of each section. */
#define BASE_top struct config
#define BASE_control struct config_control
#define BASE_log struct config_log
#define BASE_memory struct config_memory
#define BASE_ports struct config_port
#define BASE_services struct config_service

static const struct config_key keys[] = {
#define KEY(section, name, type, field, unit, min, max, words, def, help)                   \
	{ CONFIG_SECTION_##section, #name, CONFIG_##type, offsetof(BASE_##section, field),  \
		sizeof(((BASE_##section *)NULL)->field), UNIT_##unit, min, max, words, def, \
		help },
#include "ctl/config.def"
#undef KEY
};

_Static_assert(ARRAY_SIZE(keys) == CONFIG_KEY_COUNT, "a row each");

const struct config_key *
config_key(enum config_key_id id)
{
	ASSERT((unsigned int)id < CONFIG_KEY_COUNT);
	return &keys[id];
}

void
config_section_default(enum config_section section, void *base)
{
	char err[CONFIG_VALUE_ERR_LEN];
	unsigned int i;

	for (i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &keys[i];
		int code = 0;

		if (key->section == section && key->def != NULL)
			code = config_value_read(
				key, key->def, (char *)base + key->offset, err, sizeof(err));
		ASSERT(code == 0);
	}
}
