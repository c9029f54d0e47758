/* SPDX-License-Identifier: BSD-3-Clause */
/* Warnings about the machine that a configuration would run on. */
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/config.h"

static const struct config_mark nowhere = { 0, 0 };

static void
group_check(const char *key, const char *name, struct config_report *report)
{
	if (name[0] != '\0' && getgrnam(name) == NULL)
		config_warning(
			report, nowhere, "control.%s: this machine has no group '%s'", key, name);
}

void
config_check_cpus(const struct config *conf, struct config_report *report)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);
	uint32_t i;

	for (i = 0; i < conf->lcores.count; i++) {
		if (count > 0 && conf->lcores.id[i] >= count)
			config_warning(report, nowhere,
				"lcores: CPU %u does not exist; this machine has %ld",
				conf->lcores.id[i], count);
	}
	if (count > 0 && conf->workers > (unsigned long)count)
		config_warning(report, nowhere,
			"workers: %u workers on %ld CPUs take time from each other", conf->workers,
			count);
}

static void
port_check(const struct config_port *port, struct config_report *report)
{
	if ((port->type == CONFIG_PORT_AF_PACKET || port->type == CONFIG_PORT_AF_XDP) &&
		if_nametoindex(port->iface) == 0)
		config_warning(report, nowhere, "ports.%s: this machine has no interface '%s'",
			port->name, port->iface);
}

static void
service_check(const struct config_service *service, struct config_report *report)
{
	struct stat st;

	if (service->root[0] == '\0')
		return;
	if (stat(service->root, &st) != 0)
		config_warning(report, nowhere, "services.%s: root %s: %s", service->name,
			service->root, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		config_warning(report, nowhere, "services.%s: root %s is not a directory",
			service->name, service->root);
}

void
config_check_host(const struct config *conf, struct config_report *report)
{
	uint32_t i;

	config_check_cpus(conf, report);
	group_check("group", conf->control.group, report);
	group_check("operate_group", conf->control.operate_group, report);
	group_check("admin_group", conf->control.admin_group, report);
	for (i = 0; i < conf->port_count; i++)
		port_check(&conf->ports[i], report);
	for (i = 0; i < conf->service_count; i++)
		service_check(&conf->services[i], report);
}
