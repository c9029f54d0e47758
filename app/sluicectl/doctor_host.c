/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of the host: memory, CPUs, devices, the clock. They read files and nothing else. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/* A packet buffer with its headers; docs/memory.md has the whole formula. */
#define PACKET_BYTES 2432u
#define CPUS_MAX 1024u

void
doctor_found(struct doctor_result *r, enum doctor_status status, const char *fix, const char *fmt,
	...)
{
	va_list args;

	r->status = status;
	snprintf(r->fix, sizeof(r->fix), "%s", fix);
	va_start(args, fmt);
	vsnprintf(r->what, sizeof(r->what), fmt, args);
	va_end(args);
}

const char *
doctor_path(const struct doctor *d, char path[DOCTOR_PATH_LEN], const char *fmt, ...)
{
	int used = snprintf(path, DOCTOR_PATH_LEN, "%s", d->sysroot);
	va_list args;

	va_start(args, fmt);
	if (used >= 0 && used < DOCTOR_PATH_LEN)
		vsnprintf(path + used, DOCTOR_PATH_LEN - (size_t)used, fmt, args);
	va_end(args);
	return path;
}

/* The first line of a file; false: there is none. */
bool
doctor_line(const char *path, char text[DOCTOR_TEXT_LEN])
{
	FILE *file = fopen(path, "r");
	bool is_there = file != NULL && fgets(text, DOCTOR_TEXT_LEN, file) != NULL;

	if (file != NULL)
		(void)fclose(file);
	if (!is_there)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return true;
}

bool
doctor_list_has(const char *list, unsigned int cpu)
{
	while (*list != '\0') {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (end == list)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (cpu >= from && cpu <= to)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* --- memory --------------------------------------------------------------------------------- */

unsigned long long
doctor_huge_free_in(const char *pools)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	unsigned long long bytes = 0;
	DIR *dir = opendir(pools);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		unsigned long long kib;

		if (sscanf(entry->d_name, "hugepages-%llukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), "%.400s/%.40s/free_hugepages", pools, entry->d_name);
		if (doctor_line(path, text))
			bytes += kib * 1024 * strtoull(text, NULL, 10);
	}
	if (dir != NULL)
		closedir(dir);
	return bytes;
}

unsigned long long
doctor_huge_free(const struct doctor *d)
{
	char path[DOCTOR_PATH_LEN];

	return doctor_huge_free_in(doctor_path(d, path, "/sys/kernel/mm/hugepages"));
}

/* Bytes that the packets of the configuration want. */
unsigned long long
doctor_huge_need(const struct doctor *d)
{
	return (unsigned long long)d->conf->memory.packets * d->conf->workers * PACKET_BYTES;
}

static void
hugepages(const struct doctor *d, struct doctor_result *r)
{
	unsigned long long need = doctor_huge_need(d);
	unsigned long long have = doctor_huge_free(d);
	bool is_asked = d->conf->memory.hugepages == CONFIG_HUGEPAGES_ON;
	char fix[300];

	if (d->conf->memory.hugepages == CONFIG_HUGEPAGES_OFF) {
		doctor_found(r, DOCTOR_SKIP, "", "memory.hugepages is off");
		return;
	}
	snprintf(fix, sizeof(fix), "sudo sluicectl doctor%s --fix hugepages --yes",
		d->config_words);
	if (have >= need)
		doctor_found(r, DOCTOR_OK, "",
			"%llu MB free, %llu MB needed for packets", have >> 20,
			need >> 20);
	else
		doctor_found(r, is_asked ? DOCTOR_FAIL : DOCTOR_WARN, fix,
			"%llu MB free, %llu MB needed for packets%s", have >> 20, need >> 20,
			is_asked ? "" : "; normal pages are used instead, which are slower");
}

/* --- CPUs ----------------------------------------------------------------------------------- */

static void
cpus(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	unsigned int online = 0, i;

	if (!doctor_line(doctor_path(d, path, "/sys/devices/system/cpu/online"), text)) {
		doctor_found(r, DOCTOR_SKIP, "", "the host does not say which CPUs it has");
		return;
	}
	for (i = 0; i < CPUS_MAX; i++)
		online += doctor_list_has(text, i);
	for (i = 0; i < d->conf->lcores.count; i++) {
		if (doctor_list_has(text, d->conf->lcores.id[i]))
			continue;
		doctor_found(r, DOCTOR_FAIL, "name CPUs that are there under lcores",
			"lcores names CPU %u, online are %.100s",
			(unsigned int)d->conf->lcores.id[i], text);
		return;
	}
	if (d->conf->workers > online)
		doctor_found(r, DOCTOR_WARN, "lower workers, or give the host more CPUs",
			"%u workers share %u CPUs", d->conf->workers, online);
	else
		doctor_found(r, DOCTOR_OK, "", "%u workers, %u CPUs", d->conf->workers, online);
}

/* Two workers on one core have half of it each. */
static void
siblings(const struct doctor *d, struct doctor_result *r)
{
	const struct config_cpus *list = &d->conf->lcores;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	unsigned int i, j;

	for (i = 0; i < list->count; i++) {
		if (!doctor_line(doctor_path(d, path,
				     "/sys/devices/system/cpu/cpu%u/topology/"
				     "thread_siblings_list",
				     (unsigned int)list->id[i]),
			    text))
			continue;
		for (j = i + 1; j < list->count; j++) {
			if (!doctor_list_has(text, list->id[j]))
				continue;
			doctor_found(r, DOCTOR_WARN, "use one CPU of each core under lcores",
				"CPUs %u and %u of lcores are the same core",
				(unsigned int)list->id[i], (unsigned int)list->id[j]);
			return;
		}
	}
	if (list->count == 0)
		doctor_found(r, DOCTOR_SKIP, "", "lcores is not set");
	else
		doctor_found(r, DOCTOR_OK, "", "each worker has a core of its own");
}

static void
isolation(const struct doctor *d, struct doctor_result *r)
{
	const struct config_cpus *list = &d->conf->lcores;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN] = "";
	unsigned int i;

	(void)doctor_line(doctor_path(d, path, "/sys/devices/system/cpu/isolated"), text);
	for (i = 0; i < list->count; i++) {
		if (doctor_list_has(text, list->id[i]))
			continue;
		doctor_found(r, DOCTOR_WARN,
			"boot with isolcpus=managed_irq,domain,LIST nohz_full=LIST rcu_nocbs=LIST",
			"CPU %u of lcores is not isolated: the kernel runs other tasks on it",
			(unsigned int)list->id[i]);
		return;
	}
	if (list->count == 0)
		doctor_found(r, DOCTOR_SKIP, "", "lcores is not set");
	else
		doctor_found(r, DOCTOR_OK, "", "isolated: %.100s", text);
}

static void
governor(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	doctor_path(d, path, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	if (!doctor_line(path, text))
		doctor_found(r, DOCTOR_SKIP, "",
			"the frequency is not the kernel's to choose here");
	else if (strcmp(text, "performance") != 0)
		doctor_found(r, DOCTOR_WARN, "sudo sluicectl doctor --fix governor --yes",
			"the governor is %.50s: CPUs are slow to wake up", text);
	else
		doctor_found(r, DOCTOR_OK, "", "performance");
}

static void
clocksource(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	if (!doctor_line(doctor_path(d, path,
			     "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		    text))
		doctor_found(r, DOCTOR_SKIP, "", "the host does not say which clock it uses");
	else if (strcmp(text, "tsc") != 0 && strcmp(text, "kvm-clock") != 0)
		doctor_found(r, DOCTOR_WARN, "see dmesg for why the TSC is not trusted; boot with "
			"tsc=reliable only if it is",
			"the clock is %.50s, not tsc: the TSC may not be steady", text);
	else
		doctor_found(r, DOCTOR_OK, "", "%.50s", text);
}

static void
nmi_watchdog(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	if (!doctor_line(doctor_path(d, path, "/proc/sys/kernel/nmi_watchdog"), text))
		doctor_found(r, DOCTOR_SKIP, "", "there is none");
	else if (strcmp(text, "0") != 0)
		doctor_found(r, DOCTOR_WARN, "sudo sluicectl doctor --fix nmi-watchdog --yes",
			"it interrupts every CPU at times");
	else
		doctor_found(r, DOCTOR_OK, "", "off");
}

/* --- devices -------------------------------------------------------------------------------- */

const struct config_port *
doctor_port(const struct doctor *d, enum config_port_type type)
{
	uint32_t i;

	for (i = 0; i < d->conf->port_count; i++) {
		if (d->conf->ports[i].type == (uint32_t)type)
			return &d->conf->ports[i];
	}
	return NULL;
}

static void
tun_device(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN];

	if (doctor_port(d, CONFIG_PORT_TAP) == NULL)
		doctor_found(r, DOCTOR_SKIP, "", "no port of type tap");
	else if (access(doctor_path(d, path, "/dev/net/tun"), R_OK | W_OK) != 0)
		doctor_found(r, DOCTOR_FAIL,
			errno == ENOENT ? "sudo modprobe tun"
					: "run sluiced with CAP_NET_ADMIN and rights to "
					  "/dev/net/tun",
			"/dev/net/tun: %s", strerror(errno));
	else
		doctor_found(r, DOCTOR_OK, "", "/dev/net/tun can be used");
}

static void
interface(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_AF_PACKET);
	char path[DOCTOR_PATH_LEN];

	if (port == NULL)
		port = doctor_port(d, CONFIG_PORT_AF_XDP);
	if (port == NULL)
		doctor_found(r, DOCTOR_SKIP, "", "no port on a kernel interface");
	else if (access(doctor_path(d, path, "/sys/class/net/%s", port->iface), F_OK) != 0)
		doctor_found(r, DOCTOR_FAIL, "ip -br link lists the interfaces; correct iface",
			"ports.%s: there is no interface %s", port->name, port->iface);
	else
		doctor_found(r, DOCTOR_OK, "", "%s is there", port->iface);
}

/* The last part of where a link points to: the driver of a device. */
bool
doctor_link(const char *path, char text[DOCTOR_TEXT_LEN])
{
	char target[DOCTOR_PATH_LEN];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	snprintf(text, DOCTOR_TEXT_LEN, "%s",
		strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target);
	return true;
}

/* mlx4, mlx5 and mana stay on the kernel's driver; everything else is handed over. */
bool
doctor_stays_with_kernel(const char *driver)
{
	return strncmp(driver, "mlx", 3) == 0 || strcmp(driver, "mana") == 0;
}

static void
binding(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_PCI);
	char path[DOCTOR_PATH_LEN], driver[DOCTOR_TEXT_LEN] = "none", fix[450];

	if (port == NULL) {
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci");
		return;
	}
	if (access(doctor_path(d, path, "/sys/bus/pci/devices/%s", port->address), F_OK) != 0) {
		doctor_found(r, DOCTOR_FAIL, "lspci -D lists the devices; correct address",
			"ports.%s: there is no device %s", port->name, port->address);
		return;
	}
	doctor_path(d, path, "/sys/bus/pci/devices/%s/driver", port->address);
	(void)doctor_link(path, driver);
	snprintf(fix, sizeof(fix),
		"sudo sluicectl doctor%s --fix binding --yes, until the next boot; for good: sudo "
		"driverctl set-override %s vfio-pci; not for the NIC you log in through",
		d->config_words, port->address);
	if (strcmp(driver, "vfio-pci") != 0 && !doctor_stays_with_kernel(driver))
		doctor_found(r, DOCTOR_FAIL,
			fix, "ports.%s: %s is with the driver %.50s", port->name,
			port->address, driver);
	else
		doctor_found(r, DOCTOR_OK, "",
			"%s is with the driver %.50s", port->address, driver);
}

static void
iommu(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN];
	DIR *dir;
	struct dirent *entry;
	unsigned int groups = 0;

	if (doctor_port(d, CONFIG_PORT_PCI) == NULL) {
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci");
		return;
	}
	dir = opendir(doctor_path(d, path, "/sys/kernel/iommu_groups"));
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		groups += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	if (groups == 0)
		doctor_found(r, DOCTOR_WARN,
			"boot with intel_iommu=on iommu=pt (AMD: iommu=pt); where there is none "
			"(most cloud guests), vfio's enable_unsafe_noiommu_mode, less isolated",
			"no IOMMU: vfio-pci cannot isolate the device");
	else
		doctor_found(r, DOCTOR_OK, "", "%u groups", groups);
}

const struct doctor_check doctor_checks[] = {
	{ "binding", binding },
	{ "clocksource", clocksource },
	{ "cpus", cpus },
	{ "governor", governor },
	{ "hugepages", hugepages },
	{ "hugepages-node", doctor_huge_node },
	{ "interface", interface },
	{ "iommu", iommu },
	{ "isolation", isolation },
	{ "memlock", doctor_memlock },
	{ "nmi-watchdog", nmi_watchdog },
	{ "numa", doctor_numa },
	{ "pcie", doctor_pcie },
	{ "siblings", siblings },
	{ "thp", doctor_thp },
	{ "tun", tun_device },
	{ "vfio-group", doctor_vfio_group },
	{ "vfio-rights", doctor_vfio_rights },
	{ NULL, NULL },
};
