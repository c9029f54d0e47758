/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration: what a file can say, as the daemon uses it. */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/quantity.h"
#include "conf/tunables.h"
#include "ctl/config_report.h"
#include "wire/addr.h"

/* How much of each a file may have. */
#define CONFIG_FILE_MAX (1u << 20) /* bytes of the file */
#define CONFIG_WORKERS_MAX 64u
#define CONFIG_PORTS_MAX 8u
#define CONFIG_PORTS_SERVED 1u /* of them: what the daemon can do so far */
#define CONFIG_SERVICES_MAX 64u
#define CONFIG_ADDRS_MAX 64u /* addresses of a port */
#define CONFIG_NEIGHBOURS_MAX 64u /* static neighbours of a port */
#define CONFIG_CPUS_MAX 64u /* entries of lcores */
#define CONFIG_CPU_ID_MAX 1023u
#define CONFIG_NAME_LEN 32 /* bytes of a name, with its end */
#define CONFIG_PATH_LEN 256
#define CONFIG_SOCKET_LEN 108 /* sun_path */

/** What a worker does when it has nothing to do. */
enum config_idle {
	CONFIG_IDLE_ADAPTIVE, /* spin, then sleep ever longer */
	CONFIG_IDLE_SPIN, /* burn the core, lowest latency */
};

enum config_hugepages {
	CONFIG_HUGEPAGES_AUTO, /* if there are any */
	CONFIG_HUGEPAGES_ON,
	CONFIG_HUGEPAGES_OFF,
};

/** Values are those of log_level in base/log.h. */
enum config_log_level {
	CONFIG_LOG_ERROR,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG,
};

enum config_port_type {
	CONFIG_PORT_TAP,
	CONFIG_PORT_AF_PACKET,
	CONFIG_PORT_AF_XDP,
	CONFIG_PORT_VHOST,
	CONFIG_PORT_VIRTIO_USER,
	CONFIG_PORT_RING,
	CONFIG_PORT_NULL,
	CONFIG_PORT_PCI,
};

/** Values 0..2 are those of tcp_syncookies. */
enum config_syncookies {
	CONFIG_SYNCOOKIES_OFF,
	CONFIG_SYNCOOKIES_OVERFLOW,
	CONFIG_SYNCOOKIES_ALWAYS,
	CONFIG_SYNCOOKIES_DEFAULT, /* as the tunable says */
};

/** In the order of sluice_listen_params.blackhole, one higher. */
enum config_blackhole {
	CONFIG_BLACKHOLE_OFF,
	CONFIG_BLACKHOLE_DEFAULT, /* as the tunable says */
	CONFIG_BLACKHOLE_ON,
};

/** Values below are those of enum tun_cc. */
enum config_cc {
	CONFIG_CC_DEFAULT = TUN_CC_COUNT, /* as the tunable says */
};

enum config_offload {
	CONFIG_OFFLOAD_AUTO, /* where the port offers it */
	CONFIG_OFFLOAD_OFF,
};

/** CPUs in the order written. */
struct config_cpus {
	uint32_t count;
	uint16_t id[CONFIG_CPUS_MAX];
};

struct config_prefixes {
	uint32_t count;
	struct ip_prefix prefix[CONFIG_ADDRS_MAX];
};

struct config_neighbours {
	uint32_t count;
	struct {
		struct ip_addr ip;
		struct mac_addr mac;
	} row[CONFIG_NEIGHBOURS_MAX];
};

/** An address and a port at it. */
struct config_endpoint {
	struct ip_addr ip;
	uint32_t port; /* 0: none */
};

/** Where operators talk to the daemon. */
struct config_control {
	char socket[CONFIG_SOCKET_LEN];
	char group[CONFIG_NAME_LEN]; /* owns the socket; "": the daemon's own */
	char operate_group[CONFIG_NAME_LEN]; /* may change tunables; "": nobody but admins */
	char admin_group[CONFIG_NAME_LEN]; /* may do everything; "": root and the daemon's user */
};

struct config_log {
	uint32_t level; /* enum config_log_level */
};

/** Sizes of what is allocated at start. */
struct config_memory {
	uint32_t packets; /* packet buffers of each worker */
	uint32_t connections; /* connections, over all workers */
	uint32_t syn_queue; /* half-open connections of all listeners, over all workers */
	uint32_t time_wait; /* connections in TIME-WAIT, over all workers */
	uint32_t gaps; /* out-of-order runs of all connections, over all workers */
	uint32_t neighbours; /* neighbour cache of each worker */
	uint32_t hugepages; /* enum config_hugepages */
};

struct config_port {
	char name[CONFIG_NAME_LEN];
	uint32_t type; /* enum config_port_type */
	char iface[CONFIG_NAME_LEN]; /* tap: name on the kernel's side; af_*: the interface */
	char path[CONFIG_SOCKET_LEN]; /* vhost, virtio_user: the socket */
	char address[CONFIG_NAME_LEN]; /* pci: 0000:02:00.0 */
	uint32_t queues; /* 0: as many as workers, where the port has them */
	uint32_t rx_descriptors, tx_descriptors; /* of each queue */
	uint32_t mtu; /* bytes of an IP packet */
	uint32_t vlan; /* 0: untagged */
	struct mac_addr mac; /* zero: the device's own */
	uint32_t checksum_offload; /* enum config_offload */
	bool promiscuous;
	struct config_prefixes addresses;
	struct ip_addr gateway, gateway6; /* unspecified: none */
	struct config_neighbours neighbours;
};

struct config_service {
	char name[CONFIG_NAME_LEN];
	char type[CONFIG_NAME_LEN]; /* which built-in service; default: the name */
	struct ip_addr listen; /* unspecified: every address */
	uint32_t port;
	uint32_t backlog; /* 0: somaxconn */
	uint32_t syncookies; /* enum config_syncookies */
	bool nodelay;
	uint32_t congestion_control; /* enum tun_cc or config_cc */
	bool fastopen;
	uint32_t source_syn_rate, source_conns; /* of each source prefix; 0: the tunable */
	uint32_t first_byte_s, idle_s; /* of each connection; 0: the tunable */
	uint32_t blackhole; /* enum config_blackhole */
	uint32_t max_pacing_rate; /* bytes/s of each connection; 0: any */
	struct config_endpoint to; /* forward: where connections go */
	char root[CONFIG_PATH_LEN]; /* http: the directory served; "": the built-in page only */
	uint32_t max_conns; /* echo, http, forward: connections of each worker */
	uint32_t max_header_bytes; /* http: of a request */
	uint32_t idle_timeout_s; /* until a silent connection is closed */
};

struct config {
	uint32_t workers;
	struct config_cpus lcores; /* count 0: anywhere */
	uint32_t idle; /* enum config_idle */
	uint32_t drain_timeout_s; /* from SIGTERM to aborting what is left */
	struct config_control control;
	struct config_log log;
	struct config_memory memory;
	struct tunables tunables;
	uint32_t port_count, service_count;
	struct config_port ports[CONFIG_PORTS_MAX];
	struct config_service services[CONFIG_SERVICES_MAX];
};

/** A built-in service that files may name. */
struct config_service_kind {
	const char *name;
	uint16_t default_port; /* 0: none */
	bool needs_to; /* has a target: the only kind that takes the key 'to', and not without */
};

/** How a value of a key is written. */
enum config_type {
	CONFIG_UINT, /* a number, with the suffixes its unit allows */
	CONFIG_BOOL,
	CONFIG_WORD, /* one of a list */
	CONFIG_NAME, /* letters, digits, '.', '_', '-' */
	CONFIG_PATH, /* absolute */
	CONFIG_PCI, /* 0000:02:00.0 */
	CONFIG_CPUS, /* 2-5,8 */
	CONFIG_MAC,
	CONFIG_IP, /* either version, or "any" */
	CONFIG_IP4,
	CONFIG_IP6,
	CONFIG_ENDPOINT, /* address:port, an IPv6 address in brackets */
	CONFIG_PREFIXES, /* a list of address/length */
	CONFIG_NEIGHBOURS, /* a mapping of IP to MAC addresses */
	CONFIG_SECTION, /* a mapping with the keys of its own section */
	CONFIG_TUNABLES, /* a mapping of tunables */
	CONFIG_NAMED, /* a mapping of names to sections, or a list of them with 'name' */
};

/** Which mapping a key belongs to. */
enum config_section {
	CONFIG_SECTION_top,
	CONFIG_SECTION_control,
	CONFIG_SECTION_log,
	CONFIG_SECTION_memory,
	CONFIG_SECTION_ports,
	CONFIG_SECTION_services,
};

/** One row of config.def. */
struct config_key {
	enum config_section section;
	const char *name;
	enum config_type type;
	size_t offset, size; /* of the field in its section's struct */
	enum unit unit; /* of numbers */
	uint32_t min, max;
	const char *const *words; /* of CONFIG_WORD, NULL at the end */
	const char *def; /* as it would be written; NULL: none */
	const char *help;
};

/** Every key has a number, CONFIG_KEY_<section>_<name>. */
enum config_key_id {
#define KEY(section, name, type, field, unit, min, max, words, def, help) \
	CONFIG_KEY_##section##_##name,
#include "ctl/config.def"
#undef KEY
};

enum {
#define KEY(section, name, type, field, unit, min, max, words, def, help) +1
	CONFIG_KEY_COUNT = 0
#include "ctl/config.def"
#undef KEY
};

const struct config_key *config_key(enum config_key_id id);

/** The words of a list by value: config_words_port_type[CONFIG_PORT_TAP] is "tap". */
extern const char *const config_words_port_type[];
extern const char *const config_words_log_level[];
extern const char *const config_words_idle[];
extern const char *const config_words_hugepages[];
extern const char *const config_words_offload[];
extern const char *const config_words_syncookies[];
extern const char *const config_words_blackhole[];
extern const char *const config_words_cc[];

/**
 * Read a file into out. kinds: the built-in services, name NULL at the end, none where the
 * program has none; NULL: any name goes and each service must say its port. Everything found wrong
 * goes to report, in the order of the file. 0; -EINVAL: report holds at least one error and out is
 * not to be used; -ENOMEM; or, with one error in report, the error of opening and reading the file.
 */
int config_load(const char *path, const struct config_service_kind *kinds, struct config *out,
	struct config_report *report);

/** The same from memory. */
int config_parse(const char *text, size_t len, const struct config_service_kind *kinds,
	struct config *out, struct config_report *report);

/** Warnings about CPUs that this machine does not have. */
void config_check_cpus(const struct config *conf, struct config_report *report);

/**
 * Warnings about the machine the file would run on: CPUs, groups, interfaces, directories. Looks,
 * touches nothing.
 */
void config_check_host(const struct config *conf, struct config_report *report);

#endif
