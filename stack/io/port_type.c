/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of port types, and the device string each is opened with. */
#include <errno.h>
#include <stdio.h>

#include "base/assert.h"
#include "io/port.h"

static const struct port_type_desc types[] = {
#define PORT_TYPE(name, text, driver, queues, mtu, desc, flags, args) \
	[PORT_TYPE_##name] = { text, driver, args, queues, mtu, desc, flags },
#include "io/port_types.def"
#undef PORT_TYPE
};
_Static_assert(ARRAY_SIZE(types) == PORT_TYPE_COUNT, "one description each");

const struct port_type_desc *
port_type_desc(enum port_type type)
{
	ASSERT((unsigned int)type < PORT_TYPE_COUNT);
	return &types[type];
}

/* The text a % of the arguments stands for. */
static int
expand(char what, const struct port_params *par, unsigned int queues, char *buf, size_t len)
{
	char mac[MAC_ADDR_STRLEN];

	switch (what) {
	case 'd':
		return snprintf(buf, len, "%s", par->device != NULL ? par->device : "sluice0");
	case 'q':
		return snprintf(buf, len, "%u", queues);
	case 'm':
		if (mac_addr_is_zero(&par->mac))
			return 0;
		(void)mac_addr_format(&par->mac, mac);
		return snprintf(buf, len, ",mac=%s", mac);
	default:
		return -1;
	}
}

int
port_device_string(const struct port_params *par, char *buf, size_t len)
{
	const struct port_type_desc *type = port_type_desc(par->type);
	unsigned int queues = min_u32(par->queues, type->queues_max);
	int n;

	/* A comma would end the argument and begin another. */
	if (par->device != NULL && strchr(par->device, ',') != NULL)
		return -EINVAL;
	if (type->driver == NULL)
		n = snprintf(buf, len, "%s", par->device != NULL ? par->device : "");
	else
		n = snprintf(buf, len, "%s0%s", type->driver, type->args[0] != '\0' ? "," : "");
	if (type->driver == NULL || n < 0 || (size_t)n >= len)
		return n >= 0 && (size_t)n < len ? 0 : -E2BIG;
	for (const char *p = type->args; *p != '\0'; p++) {
		buf += n;
		len -= (size_t)n;
		if (*p == '%')
			n = expand(*++p, par, queues, buf, len);
		else
			n = snprintf(buf, len, "%c", *p);
		if (n < 0 || (size_t)n >= len)
			return -E2BIG;
	}
	return 0;
}
