/* SPDX-License-Identifier: BSD-3-Clause */
/* Remedies of doctor: what to write to the host, worked out first, and how to take it back. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/*
 * A plan is worked out from what the host says now, shown, and carried out only when asked for
 * (doctor.c). It only ever grows a pool, and never takes a device away from the kernel that a
 * default route goes through: who is logged in over it would not see the end.
 */

#define HUGE_PATH "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define HUGE_BYTES (2ull << 20)

__attribute__((__format__(__printf__, 2, 3))) static void
refuse(struct doctor_plan *plan, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(plan->why_not, sizeof(plan->why_not), fmt, args);
	va_end(args);
	plan->count = 0;
}

/* Write value to path, and undo to the same place to take it back. */
static void
step_add(struct doctor_plan *plan, const char *path, const char *value, const char *undo)
{
	struct doctor_step *step;

	if (plan->count == DOCTOR_STEPS_MAX)
		return;
	step = &plan->steps[plan->count++];
	snprintf(step->path, sizeof(step->path), "%s", path);
	snprintf(step->undo_path, sizeof(step->undo_path), "%s", path);
	snprintf(step->value, sizeof(step->value), "%s", value);
	snprintf(step->undo, sizeof(step->undo), "%.39s", undo);
}

static void
hugepages(const struct doctor *d, struct doctor_plan *plan)
{
	unsigned long long need = doctor_huge_need(d), have = doctor_huge_free(d), now;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN], value[40];

	if (d->conf->memory.hugepages == CONFIG_HUGEPAGES_OFF || have >= need)
		return;
	if (!doctor_line(doctor_path(d, path, HUGE_PATH), text)) {
		refuse(plan, "the kernel has no hugepages of 2 MB");
		return;
	}
	now = strtoull(text, NULL, 10);
	snprintf(value, sizeof(value), "%llu", now + (need - have + HUGE_BYTES - 1) / HUGE_BYTES);
	step_add(plan, path, value, text);
}

/* Of the workers' CPUs, or of all if none are named. */
static void
governor(const struct doctor *d, struct doctor_plan *plan)
{
	const struct config_cpus *list = &d->conf->lcores;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	unsigned int i, n = list->count > 0 ? list->count : DOCTOR_STEPS_MAX;

	for (i = 0; i < n; i++) {
		unsigned int cpu = list->count > 0 ? (unsigned int)list->id[i] : i;

		doctor_path(d, path, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor",
			cpu);
		if (doctor_line(path, text) && strcmp(text, "performance") != 0)
			step_add(plan, path, "performance", text);
	}
}

static void
nmi_watchdog(const struct doctor *d, struct doctor_plan *plan)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	if (doctor_line(doctor_path(d, path, "/proc/sys/kernel/nmi_watchdog"), text) &&
		strcmp(text, "0") != 0)
		step_add(plan, path, "0", text);
}

static void
thp(const struct doctor *d, struct doctor_plan *plan)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	doctor_path(d, path, "/sys/kernel/mm/transparent_hugepage/enabled");
	if (doctor_line(path, text) && strstr(text, "[never]") != NULL)
		step_add(plan, path, "madvise", "never");
}

/* --- the driver of a device ----------------------------------------------------------------- */

/* Does a default route of either version go through the interface? */
static bool
has_default_route(const struct doctor *d, const char *iface)
{
	static const char zeros[] = "00000000000000000000000000000000 00 ";
	char path[DOCTOR_PATH_LEN], line[DOCTOR_TEXT_LEN], name[64], dest[40], mask[40];
	bool is_found = false;
	FILE *file = fopen(doctor_path(d, path, "/proc/net/route"), "re");

	while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL)
		is_found = sscanf(line, "%63s %39s %*s %*s %*s %*s %*s %39s", name, dest, mask) ==
				   3 &&
			   strcmp(dest, "00000000") == 0 && strcmp(mask, "00000000") == 0 &&
			   strcmp(name, iface) == 0;
	if (file != NULL)
		(void)fclose(file);
	file = fopen(doctor_path(d, path, "/proc/net/ipv6_route"), "re");
	while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL) {
		char *end = line + strcspn(line, "\n");
		char *last;

		*end = '\0';
		last = strrchr(line, ' ');
		is_found = strncmp(line, zeros, strlen(zeros)) == 0 && last != NULL &&
			   strcmp(last + 1, iface) == 0;
	}
	if (file != NULL)
		(void)fclose(file);
	return is_found;
}

/* An interface of the device that a default route uses, alone or in a bridge or bond. */
static bool
carries_default_route(const struct doctor *d, const char *address, char iface[64])
{
	char path[DOCTOR_PATH_LEN], master[DOCTOR_TEXT_LEN];
	DIR *dir = opendir(doctor_path(d, path, "/sys/bus/pci/devices/%s/net", address));
	struct dirent *entry;
	bool is_found = false;

	while (dir != NULL && !is_found && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(iface, 64, "%.63s", entry->d_name);
		is_found = has_default_route(d, iface) ||
			   (doctor_link(doctor_path(d, path, "/sys/class/net/%s/master", iface),
				    master) &&
				   has_default_route(d, master));
	}
	if (dir != NULL)
		closedir(dir);
	return is_found;
}

/* Until the next boot; driverctl(8) does the same for good. */
static void
binding(const struct doctor *d, struct doctor_plan *plan)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_PCI);
	char path[DOCTOR_PATH_LEN], driver[DOCTOR_TEXT_LEN] = "", iface[64];

	if (port == NULL)
		return;
	(void)doctor_link(
		doctor_path(d, path, "/sys/bus/pci/devices/%s/driver", port->address), driver);
	if (strcmp(driver, "vfio-pci") == 0 || doctor_stays_with_kernel(driver))
		return;
	if (access(doctor_path(d, path, "/sys/bus/pci/devices/%s", port->address), F_OK) != 0) {
		refuse(plan, "there is no device %s", port->address);
		return;
	}
	if (access(doctor_path(d, path, "/sys/bus/pci/drivers/vfio-pci"), F_OK) != 0) {
		refuse(plan, "the driver vfio-pci is not loaded: sudo modprobe vfio-pci");
		return;
	}
	if (carries_default_route(d, port->address, iface)) {
		refuse(plan, "%s is %s, which the default route goes through: whoever is logged "
			"in over it would be cut off", port->address, iface);
		return;
	}
	step_add(plan, doctor_path(d, path, "/sys/bus/pci/devices/%s/driver_override",
			       port->address), "vfio-pci", "");
	if (driver[0] != '\0')
		step_add(plan, doctor_path(d, path, "/sys/bus/pci/drivers/%.100s/unbind", driver),
			port->address, port->address);
	step_add(plan, doctor_path(d, path, "/sys/bus/pci/drivers_probe"), port->address,
		port->address);
	/* The way back begins with the same: no override, vfio-pci lets go, the kernel looks. */
	doctor_path(d, plan->steps[1].undo_path, "/sys/bus/pci/drivers/vfio-pci/unbind");
}

static const struct {
	const char *id;
	void (*plan)(const struct doctor *d, struct doctor_plan *plan);
} remedies[] = {
	{ "binding", binding },
	{ "governor", governor },
	{ "hugepages", hugepages },
	{ "nmi-watchdog", nmi_watchdog },
	{ "thp", thp },
};

bool
doctor_plan(const struct doctor *d, const char *id, struct doctor_plan *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		if (strcmp(remedies[i].id, id) == 0) {
			remedies[i].plan(d, out);
			return true;
		}
	}
	return false;
}
