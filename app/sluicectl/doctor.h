/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host must be like for sluiced, as checks that look and change nothing. */
#ifndef SLUICECTL_DOCTOR_H
#define SLUICECTL_DOCTOR_H

#include <stdbool.h>

#include "ctl/config.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_SKIP, /* means nothing on this host, or for this configuration */
	DOCTOR_WARN, /* slower than need be, or will be in the way */
	DOCTOR_FAIL, /* sluiced will not start or not serve */
};

/** What a check found. */
struct doctor_result {
	enum doctor_status status;
	char what[300];
	char fix[450]; /* "": nothing to be done */
};

/** What the checks look at. */
struct doctor {
	const char *sysroot; /* in front of /sys, /proc and /dev; "": this host */
	struct config *conf; /* defaults if there is no file */
	char config_words[220]; /* " --config FILE", for texts that say what to type */
};

struct doctor_check {
	const char *id;
	void (*run)(const struct doctor *d, struct doctor_result *r);
};

/** All checks; id NULL behind the last. */
extern const struct doctor_check doctor_checks[];

/* Checks of what lies near what (doctor_nodes.c); the others are in doctor_host.c. */
void doctor_huge_node(const struct doctor *d, struct doctor_result *r);
void doctor_numa(const struct doctor *d, struct doctor_result *r);
void doctor_thp(const struct doctor *d, struct doctor_result *r);
void doctor_vfio_group(const struct doctor *d, struct doctor_result *r);

/* Checks of how a PCI device is reached (doctor_pci.c). */
void doctor_memlock(const struct doctor *d, struct doctor_result *r);
void doctor_pcie(const struct doctor *d, struct doctor_result *r);
void doctor_vfio_rights(const struct doctor *d, struct doctor_result *r);

/** What a check found, and what to do about it. */
__attribute__((__format__(__printf__, 4, 5))) void doctor_found(struct doctor_result *r,
	enum doctor_status status, const char *fix, const char *fmt, ...);

/* What checks and remedies look at (doctor_host.c). */
#define DOCTOR_PATH_LEN 512
#define DOCTOR_TEXT_LEN 1024

/** A path of the host that is looked at; returns path. */
__attribute__((__format__(__printf__, 3, 4))) const char *doctor_path(
	const struct doctor *d, char path[DOCTOR_PATH_LEN], const char *fmt, ...);

/** The first line of a file; false: there is none. */
bool doctor_line(const char *path, char text[DOCTOR_TEXT_LEN]);

/** Is cpu in a list such as "0,2-5"? */
bool doctor_list_has(const char *list, unsigned int cpu);

/** The last part of where a link points to: the driver of a device. */
bool doctor_link(const char *path, char text[DOCTOR_TEXT_LEN]);

/** The first port of a type, or NULL. */
const struct config_port *doctor_port(const struct doctor *d, enum config_port_type type);

/** Does a device stay with this driver of the kernel while DPDK uses it? */
bool doctor_stays_with_kernel(const char *driver);

/** Bytes of hugepages that packets want, and that are free. */
unsigned long long doctor_huge_need(const struct doctor *d);
unsigned long long doctor_huge_free(const struct doctor *d);

/** Bytes in free hugepages of all sizes, in a directory of such pools. */
unsigned long long doctor_huge_free_in(const char *pools);

/** One thing that is written to the host, and how it is taken back. */
struct doctor_step {
	char path[DOCTOR_PATH_LEN];
	char value[40];
	char undo_path[DOCTOR_PATH_LEN]; /* in the order of the steps, too */
	char undo[40];
};

#define DOCTOR_STEPS_MAX 64u

/** What is to be done about a check. */
struct doctor_plan {
	unsigned int count;
	struct doctor_step steps[DOCTOR_STEPS_MAX];
	char why_not[300]; /* nothing is done, for this reason; "": count steps, maybe none */
};

/** Work out what would help; false: no remedy is known for a check of this name. */
bool doctor_plan(const struct doctor *d, const char *id, struct doctor_plan *out);

#endif
