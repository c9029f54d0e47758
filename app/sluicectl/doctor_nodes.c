/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of what lies near what: NUMA nodes, hugepages of each, devices of one IOMMU group. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define NODES_MAX 64
#define HUGE_BYTES (2ull << 20)

/* How many NUMA nodes the host has; 0: it does not say. */
static int
node_count(const struct doctor *d)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	int count = 0;

	while (count < NODES_MAX &&
		doctor_line(doctor_path(d, path, "/sys/devices/system/node/node%d/cpulist", count),
			text))
		count++;
	return count;
}

/* The node of a CPU; -1: unknown. */
static int
cpu_node(const struct doctor *d, unsigned int cpu)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	int count = node_count(d), i;

	for (i = 0; i < count; i++) {
		doctor_path(d, path, "/sys/devices/system/node/node%d/cpulist", i);
		if (doctor_line(path, text) && doctor_list_has(text, cpu))
			return i;
	}
	return -1;
}

/* The node of the first port that is a device of its own; -1: none, or it does not say. */
static int
port_node(const struct doctor *d, const struct config_port **port)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];
	uint32_t i;

	for (i = 0; i < d->conf->port_count; i++) {
		const struct config_port *p = &d->conf->ports[i];

		if (p->type == CONFIG_PORT_PCI)
			doctor_path(d, path, "/sys/bus/pci/devices/%s/numa_node", p->address);
		else
			doctor_path(d, path, "/sys/class/net/%s/device/numa_node", p->iface);
		*port = p;
		if (doctor_line(path, text) && text[0] >= '0' && text[0] <= '9')
			return (int)strtoul(text, NULL, 10);
	}
	return -1;
}

/* A packet that crosses from one node to the other does so twice, and each of its cache lines. */
void
doctor_numa(const struct doctor *d, struct doctor_result *r)
{
	const struct config_cpus *list = &d->conf->lcores;
	const struct config_port *port = NULL;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN] = "", fix[200];
	int node, home = port_node(d, &port);
	unsigned int i;

	if (node_count(d) < 2) {
		doctor_found(r, DOCTOR_SKIP, "", "one NUMA node");
		return;
	}
	if (list->count == 0) {
		doctor_found(r, DOCTOR_SKIP, "", "lcores is not set");
		return;
	}
	if (home < 0)
		home = cpu_node(d, (unsigned int)list->id[0]);
	(void)doctor_line(doctor_path(d, path, "/sys/devices/system/node/node%d/cpulist", home),
		text);
	snprintf(fix, sizeof(fix), "choose lcores from CPUs %.100s", text);
	for (i = 0; i < list->count; i++) {
		node = cpu_node(d, (unsigned int)list->id[i]);
		if (node == home || node < 0)
			continue;
		doctor_found(r, DOCTOR_WARN, fix,
			"CPU %u of lcores is on node %d, the port and the other workers on "
			"node %d: packets cross between them",
			(unsigned int)list->id[i], node, home);
		return;
	}
	doctor_found(r, DOCTOR_OK, "", "all on node %d", home);
}

/* Pages of another node serve, too, but from afar. */
void
doctor_huge_node(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = NULL;
	unsigned long long need = doctor_huge_need(d), have;
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN], fix[450];
	int home = port_node(d, &port);

	if (home < 0 && d->conf->lcores.count > 0)
		home = cpu_node(d, (unsigned int)d->conf->lcores.id[0]);
	if (node_count(d) < 2 || d->conf->memory.hugepages == CONFIG_HUGEPAGES_OFF || home < 0) {
		doctor_found(r, DOCTOR_SKIP, "",
			"one NUMA node, no hugepages wanted, or nothing says where");
		return;
	}
	have = doctor_huge_free_in(
		doctor_path(d, path, "/sys/devices/system/node/node%d/hugepages", home));
	if (have >= need) {
		doctor_found(r, DOCTOR_OK, "", "%llu MB free on node %d, %llu MB needed",
			have >> 20, home, need >> 20);
		return;
	}
	doctor_path(d, path, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/"
		"nr_hugepages", home);
	if (!doctor_line(path, text))
		snprintf(text, sizeof(text), "0");
	/* What is there stays. */
	snprintf(fix, sizeof(fix), "echo %llu | sudo tee %.300s",
		strtoull(text, NULL, 10) + (need - have + HUGE_BYTES - 1) / HUGE_BYTES, path);
	doctor_found(r, DOCTOR_WARN, fix,
		"%llu MB free on node %d, where the port or the first worker is, %llu MB needed: "
		"packets lie on another node",
		have >> 20, home, need >> 20);
}

/* Who has one device of a group has the memory of all: vfio gives out groups as a whole. */
void
doctor_vfio_group(const struct doctor *d, struct doctor_result *r)
{
	const struct config_port *port = doctor_port(d, CONFIG_PORT_PCI);
	char path[DOCTOR_PATH_LEN], driver[DOCTOR_TEXT_LEN], fix[200];
	char other[64] = "", held[64] = "";
	unsigned int count = 0;
	struct dirent *entry;
	DIR *dir;

	if (port == NULL) {
		doctor_found(r, DOCTOR_SKIP, "", "no port of type pci");
		return;
	}
	dir = opendir(doctor_path(d, path, "/sys/bus/pci/devices/%s/iommu_group/devices",
		port->address));
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		doctor_path(d, path, "/sys/bus/pci/devices/%.40s/driver", entry->d_name);
		/* Bridges stay with the kernel, and may. */
		if (strcmp(entry->d_name, port->address) == 0 || !doctor_link(path, driver) ||
			strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "pcieport") == 0)
			continue;
		snprintf(other, sizeof(other), "%.63s", entry->d_name);
		snprintf(held, sizeof(held), "%.63s", driver);
	}
	if (dir != NULL)
		closedir(dir);
	doctor_path(d, path, "/sys/bus/pci/devices/%s/driver", port->address);
	if (count == 0 || (doctor_link(path, driver) && doctor_stays_with_kernel(driver))) {
		doctor_found(r, DOCTOR_SKIP, "", "%s is in no group that matters", port->address);
		return;
	}
	snprintf(fix, sizeof(fix),
		"sudo driverctl set-override %.63s vfio-pci, if nothing else needs it; else "
		"another slot", other);
	if (other[0] != '\0')
		doctor_found(r, DOCTOR_FAIL, fix,
			"%s shares its IOMMU group with %.63s, which is with the driver %.63s: "
			"vfio gives out neither", port->address, other, held);
	else
		doctor_found(r, DOCTOR_OK, "", "%u devices in the group, all free for vfio", count);
}

/* Connections by the million are found faster on large pages (docs/memory.md). */
void
doctor_thp(const struct doctor *d, struct doctor_result *r)
{
	char path[DOCTOR_PATH_LEN], text[DOCTOR_TEXT_LEN];

	doctor_path(d, path, "/sys/kernel/mm/transparent_hugepage/enabled");
	if (!doctor_line(path, text))
		doctor_found(r, DOCTOR_SKIP, "", "the kernel has no transparent huge pages");
	else if (strstr(text, "[never]") != NULL)
		doctor_found(r, DOCTOR_WARN, "sudo sluicectl doctor --fix thp --yes",
			"never: the tables of connections are on small pages, and slower where "
			"there are many");
	else
		doctor_found(r, DOCTOR_OK, "", "%.60s", text);
}
