/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments for rte_eal_init, and the stream that collects what DPDK logs. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "io/eal.h"

#include "base/assert.h"

#define ARGS_MAX 32
#define ARGS_TEXT 16384
#define COMPLAINT_LEN 256

/* EAL itself, its threads and rings, beside what the caller counted. */
#define OWN_MEMORY_BYTES (48ULL << 20)
#define HUGEPAGE_BYTES (2ULL << 20)

/* An argument vector in one block of text. */
struct arg_list {
	int argc;
	char *argv[ARGS_MAX + 1];
	size_t used;
	char text[ARGS_TEXT];
};

/* DPDK's log is one per process, so what it complained of is too. */
static char first_complaint[COMPLAINT_LEN];

SLUICE_PRINTF(2, 3)
static void
add_arg(struct arg_list *args, const char *fmt, ...)
{
	size_t room = sizeof(args->text) - args->used;
	char *at = args->text + args->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(at, room, fmt, ap);
	va_end(ap);
	ASSERT(n >= 0 && (size_t)n < room);
	ASSERT(args->argc < ARGS_MAX);
	args->argv[args->argc++] = at;
	args->used += (size_t)n + 1;
}

/* One line of DPDK's log. The first error is kept, the rest follow from it; all goes to stderr if
 * asked for. */
static ssize_t
log_line(void *cookie, const char *text, size_t len)
{
	size_t n = min_size(len, sizeof(first_complaint) - 1);

	if (rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR && first_complaint[0] == '\0') {
		memcpy(first_complaint, text, n);
		while (n > 0 && (first_complaint[n - 1] == '\n' || first_complaint[n - 1] == ' '))
			n--;
		first_complaint[n] = '\0';
	}
	if (cookie != NULL)
		(void)!write(STDERR_FILENO, text, len);
	return (ssize_t)len;
}

static int
capture_log(bool verbose, struct io_error *err)
{
	const cookie_io_functions_t io = { .write = log_line };
	FILE *stream = fopencookie(verbose ? stderr : NULL, "w", io);

	if (stream == NULL || rte_openlog_stream(stream) != 0)
		return io_fail(err, -ENOMEM, "no memory for the log of DPDK");
	(void)setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	return 0;
}

const char *
eal_complaint(void)
{
	return first_complaint;
}

void
eal_forget(void)
{
	first_complaint[0] = '\0';
}

/* Free hugepages of 2 MiB on all nodes. */
static uint64_t
free_hugepage_bytes(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	(void)fclose(f);
	return n * HUGEPAGE_BYTES;
}

/* The CPUs of set as "(0-3,8)". */
static void
format_cpus(const cpu_set_t *set, char *buf, size_t len)
{
	unsigned int first = 0, next = 0;
	size_t used = 0;

	while (first < CPU_SETSIZE && used + 16 < len) {
		if (!CPU_ISSET(first, set)) {
			first++;
			continue;
		}
		next = first + 1;
		while (next < CPU_SETSIZE && CPU_ISSET(next, set))
			next++;
		used += (size_t)snprintf(buf + used, len - used,
			next - first == 1 ? "%c%u" : "%c%u-%u", used == 0 ? '(' : ',', first,
			next - 1);
		first = next;
	}
	(void)snprintf(buf + used, len - used, ")");
}

/* "0@(all),1@3,2@4": the main lcore anywhere, the workers on their CPUs, several on one if need be.
 */
static int
add_lcores(struct arg_list *args, const struct eal_params *par, struct eal_facts *facts,
	struct io_error *err)
{
	char anywhere[256];
	char map[ARGS_TEXT / 2];
	cpu_set_t set;
	size_t used;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return io_fail(err, -errno, "cannot ask for the CPUs of this process: %s",
			strerror(errno));
	format_cpus(&set, anywhere, sizeof(anywhere));
	used = (size_t)snprintf(map, sizeof(map), "0@%s", anywhere);
	for (unsigned int i = 0; i < par->workers; i++) {
		size_t room = sizeof(map) - used;

		if (par->cpu_count == 0) {
			used += (size_t)snprintf(
				map + used, room, ",%u@%s", eal_lcore_of(i), anywhere);
		} else {
			unsigned int cpu = par->cpus[i % par->cpu_count];

			if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &set))
				return io_fail(err, -EINVAL,
					"lcores: CPU %u does not exist or is not ours to use. "
					"Fix: choose from %s",
					cpu, anywhere);
			used += (size_t)snprintf(map + used, room, ",%u@%u", eal_lcore_of(i), cpu);
		}
		if (used >= sizeof(map))
			return io_fail(err, -E2BIG,
				"lcores: too many CPUs for so many workers. "
				"Fix: name the CPUs in lcores");
	}
	add_arg(args, "--lcores=%s", map);
	facts->cpus = (unsigned int)CPU_COUNT(&set);
	facts->oversubscribed =
		par->cpu_count == 0 ? par->workers >= facts->cpus : par->workers > par->cpu_count;
	return 0;
}

/* Bytes the kernel thinks it can still hand out without swapping. */
static uint64_t
available_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	char line[128];
	uint64_t bytes = UINT64_MAX;

	if (f == NULL)
		return bytes;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			bytes = kib * 1024;
	(void)fclose(f);
	return bytes;
}

static int
add_memory(struct arg_list *args, const struct eal_params *par, struct eal_facts *facts,
	struct io_error *err)
{
	uint64_t bytes = par->memory_bytes + OWN_MEMORY_BYTES;
	uint64_t mib = (bytes + (1u << 20) - 1) >> 20;
	uint64_t free_huge = par->memory == EAL_MEMORY_NORMAL ? 0 : free_hugepage_bytes();

	facts->hugepages = free_huge >= bytes;
	if (par->memory == EAL_MEMORY_HUGEPAGES && !facts->hugepages)
		return io_fail(err, -ENOMEM,
			"need %llu MiB of hugepages, %llu MiB are free. "
			"Fix: set memory.hugepages to auto, or add %llu pages of 2 MiB to "
			"/proc/sys/vm/nr_hugepages",
			(unsigned long long)mib, (unsigned long long)(free_huge >> 20),
			(unsigned long long)((bytes - free_huge + HUGEPAGE_BYTES - 1) /
					     HUGEPAGE_BYTES));
	/* The kernel would promise it, then kill us, or somebody else, once we use it. */
	if (!facts->hugepages && available_bytes() < bytes)
		return io_fail(err, -ENOMEM,
			"need %llu MiB of memory for packets, %llu MiB are available. "
			"Fix: lower memory.packets or workers, or give the machine more",
			(unsigned long long)mib, (unsigned long long)(available_bytes() >> 20));
	add_arg(args, "-m");
	add_arg(args, "%llu", (unsigned long long)mib + (mib & 1));
	if (facts->hugepages) {
		add_arg(args, "--in-memory");
		add_arg(args, "--single-file-segments");
	} else {
		add_arg(args, "--no-huge");
		add_arg(args, "--no-shconf");
	}
	return 0;
}

static void
add_rest(struct arg_list *args, const struct eal_params *par)
{
	add_arg(args, "--no-telemetry");
	add_arg(args, "--file-prefix=sluice-%ld", (long)getpid());
	add_arg(args, "--log-level=%s", par->log_level != NULL ? par->log_level : "error");
	if (par->pci_count == 0)
		add_arg(args, "--no-pci");
	for (unsigned int i = 0; i < par->pci_count; i++)
		add_arg(args, "--allow=%s", par->pci[i]);
}

int
eal_start(const struct eal_params *par, struct eal_facts *facts, struct io_error *err)
{
	struct arg_list args = { .argc = 0 };
	int rc;

	ASSERT(par->workers >= 1 && par->workers <= EAL_WORKERS_MAX);
	ASSERT(par->pci_count <= EAL_PCI_MAX);
	memset(facts, 0, sizeof(*facts));
	add_arg(&args, "sluiced");
	rc = add_lcores(&args, par, facts, err);
	if (rc == 0)
		rc = add_memory(&args, par, facts, err);
	if (rc == 0)
		rc = capture_log(par->log_level != NULL, err);
	if (rc != 0)
		return rc;
	add_rest(&args, par);
	eal_forget();
	if (rte_eal_init(args.argc, args.argv) < 0) {
		rc = rte_errno > 0 ? -rte_errno : -EIO;
		return io_fail(err, rc,
			"DPDK does not start: %s (%s). "
			"Fix: check that the machine has %llu MiB free; --dpdk-log shows more",
			first_complaint[0] != '\0' ? first_complaint : "no reason given",
			strerror(-rc),
			(unsigned long long)((par->memory_bytes + OWN_MEMORY_BYTES) >> 20));
	}
	return 0;
}

void
eal_stop(void)
{
	(void)rte_eal_cleanup();
}
