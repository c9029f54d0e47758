/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: started from our configuration, its complaints turned into one clear line. */
#ifndef IO_EAL_H
#define IO_EAL_H

#include <stdbool.h>
#include <stdint.h>

#include "io/error.h"

/** Workers of one process: the main lcore and these make the lcores. */
#define EAL_WORKERS_MAX 64u
#define EAL_PCI_MAX 8u

enum eal_memory {
	EAL_MEMORY_AUTO, /* hugepages if enough are free */
	EAL_MEMORY_HUGEPAGES,
	EAL_MEMORY_NORMAL, /* ordinary pages */
};

/** What the daemon's configuration says about the machine. Zeroed: one CPU set, no PCI. */
struct eal_params {
	unsigned int workers; /* 1 .. EAL_WORKERS_MAX */
	const uint16_t *cpus; /* of the workers, in turn */
	unsigned int cpu_count; /* 0: workers run wherever the process may */
	uint64_t memory_bytes; /* what pools and ports will take in all */
	enum eal_memory memory;
	const char *pci[EAL_PCI_MAX]; /* addresses of the devices to take */
	unsigned int pci_count;
	const char *log_level; /* of DPDK's own messages, as --log-level; NULL: errors */
};

/** What it came to. */
struct eal_facts {
	bool hugepages;
	bool oversubscribed; /* lcores share CPUs */
	unsigned int cpus; /* that the process may use */
};

/**
 * Start DPDK, once per process. Lcore 0 is the calling thread and stays wherever it may run; lcore
 * 1 + i is worker i. 0 or -errno with the reason and the fix in err.
 */
int eal_start(const struct eal_params *par, struct eal_facts *facts, struct io_error *err);

/** Release devices and memory; after all ports are closed. */
void eal_stop(void);

/** The lcore of a worker. */
static inline unsigned int
eal_lcore_of(unsigned int worker)
{
	return worker + 1;
}

/**
 * The first complaint of DPDK since eal_forget(), without its newline; "" if there was none. Main
 * thread only.
 */
const char *eal_complaint(void);
void eal_forget(void);

#endif
