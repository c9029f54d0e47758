/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of how a PCI device is reached: its lanes, who may open it, memory that may be locked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/* One figure of the link to a device, such as "8.0 GT/s PCIe"; 0: the host does not say. */
static double
link_figure(const struct doctor *d, const struct config_port *port, const char *name)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	doctor_path(d, path, "/sys/bus/pci/devices/%s/%s", port->address, name);
	return doctor_line(path, text) ? strtod(text, NULL) : 0;
}

/* A card in a short slot, or trained down, is slower than its ports, and nothing else says so. */
void
doctor_pcie(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_PCI);
	double width, width_max, speed, speed_max;

	if (port == NULL) {
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci");
		return;
	}
	width = link_figure(d, port, "current_link_width");
	width_max = link_figure(d, port, "max_link_width");
	speed = link_figure(d, port, "current_link_speed");
	speed_max = link_figure(d, port, "max_link_speed");
	if (width <= 0 || width_max <= 0 || speed <= 0 || speed_max <= 0)
		doctor_found(r, DOCTOR_SKIP, "", "%s says nothing of its lanes", port->address);
	else if (width < width_max || speed < speed_max)
		doctor_found(r, DOCTOR_WARN,
			"another slot: lspci -vv tells what this one and the card can do "
			"(LnkCap, LnkSta)",
			"%s has %.0f lanes of %.1f GT/s, and could have %.0f of %.1f GT/s",
			port->address, width, speed, width_max, speed_max);
	else
		doctor_found(r, DOCTOR_OK, "", "%.0f lanes of %.1f GT/s, all that %s has", width,
			speed, port->address);
}

/* The group's device file is what lets a daemon without privileges at the card. */
void
doctor_vfio_rights(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_PCI);
	char path[DOCTOR_PATH_LEN], group[DOCTOR_TEXT_LEN], fix[200];

	if (port == NULL) {
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci");
		return;
	}
	doctor_path(d, path, "/sys/bus/pci/devices/%s/iommu_group", port->address);
	if (!doctor_link(path, group) ||
		access(doctor_path(d, path, "/dev/vfio/%.20s", group), F_OK) != 0) {
		doctor_found(r, DOCTOR_SKIP, "", "%s is not with vfio-pci", port->address);
		return;
	}
	snprintf(fix, sizeof(fix),
		"sudo chown root:sluiced /dev/vfio/%.20s && "
		"sudo chmod 0660 /dev/vfio/%.20s; for good in a rule of udev", group, group);
	if (access(path, R_OK | W_OK) != 0)
		doctor_found(r, DOCTOR_FAIL, fix, "/dev/vfio/%.20s is not ours to open", group);
	else
		doctor_found(r, DOCTOR_OK, "", "/dev/vfio/%.20s can be opened", group);
}

/* The soft limit on locked memory, in bytes; without one the largest number; false: unknown. */
static bool
memlock_limit(const struct doctor *d, unsigned long long *limit)
{
	static const char name[] = "Max locked memory";
	char path[DOCTOR_PATH_LEN], line[DOCTOR_TEXT_LEN];
	FILE *file = fopen(doctor_path(d, path, "/proc/self/limits"), "r");
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, name, strlen(name)) == 0;
	(void)fclose(file);
	if (!found)
		return false;
	/* The soft limit stands first; the hard one may say unlimited, too. */
	*limit = ~0ull;
	(void)sscanf(line + strlen(name), "%llu", limit);
	return true;
}

/* vfio locks what the card may reach; who is not root has a limit for that. */
void
doctor_memlock(const struct doctor *d, struct doctor_result *r)
{
	unsigned long long need = doctor_huge_need(d), limit;

	if (doctor_port(d, CONFIG_PORT_PCI) == NULL || !memlock_limit(d, &limit) ||
		(d->sysroot[0] == '\0' && geteuid() == 0))
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci, or root, who has no limit");
	else if (limit < need)
		doctor_found(r, DOCTOR_FAIL,
			"ulimit -l unlimited in the shell that starts it, or LimitMEMLOCK=infinity "
			"in its unit, as ours has it",
			"%llu MB may be locked, the card needs %llu MB", limit >> 20, need >> 20);
	else
		doctor_found(r, DOCTOR_OK, "", "as much memory may be locked as the card needs");
}
