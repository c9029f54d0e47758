/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of built-in services and the table of their options. */
#include <errno.h>
#include <string.h>

#include "services/services.h"

const struct sluice_service *const services_all[] = {
	&service_echo,
	&service_discard,
	&service_chargen,
	&service_http,
	&service_forward,
	NULL,
};

const struct service_option service_options[] = {
#define SERVICE_OPTION(name, dflt, min, max, services, help)                                       \
	{ #name, offsetof(struct service_config, name), dflt, min, max, services, help },
#include "services/service_options.def"
#undef SERVICE_OPTION
	{ 0 },
};

#define SERVICE_OPTION(name, dflt, min, max, services, help)                                       \
	_Static_assert((dflt) >= (min) && (dflt) <= (max), #name ": default outside its range");
#include "services/service_options.def"
#undef SERVICE_OPTION

void
service_config_default(struct service_config *config)
{
	*config = (struct service_config){
#define SERVICE_OPTION(name, dflt, min, max, services, help) .name = dflt,
#include "services/service_options.def"
#undef SERVICE_OPTION
	};
}

int
service_config_check(const struct service_config *config, const struct service_option **bad)
{
	for (const struct service_option *o = service_options; o->name != NULL; o++) {
		uint32_t value;

		memcpy(&value, (const char *)config + o->offset, sizeof(value));
		if (value >= o->min && value <= o->max)
			continue;
		if (bad != NULL)
			*bad = o;
		return -EINVAL;
	}
	return 0;
}
