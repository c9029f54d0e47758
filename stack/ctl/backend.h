/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control server knows of the rest of the daemon; a test hands in a made-up one. */
#ifndef CTL_BACKEND_H
#define CTL_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/counters.h"
#include "conf/tunables.h"
#include "ctl/config.h"
#include "ctl/drop_watch.h"
#include "ctl/mailbox.h"
#include "wire/addr.h"
#include "wire/local.h"
#include "worker/residence.h"

/** What a worker did with its time, since it started. */
struct ctl_core_row {
	int cpu; /* it is bound to; -1: none */
	uint64_t loops;
	uint64_t busy_ns; /* in loops that had work */
	uint64_t idle_ns; /* in the others, sleep included */
	uint64_t loop_max_us; /* longest loop that had work */
	uint64_t stalls; /* loops of 1 ms and more: most often the CPU was away */
	uint64_t stalled_ns; /* in these */
	uint64_t sleeps;
	uint32_t pkts_free; /* packet buffers, of the pool that all workers share */
	uint32_t pkts_total;
};

/** Was a feature of a port asked for, and is it there? */
enum ctl_feature {
	CTL_FEATURE_NONE, /* means nothing for this port, or is neither offered nor asked for */
	CTL_FEATURE_OFF, /* offered, not asked for */
	CTL_FEATURE_HW, /* done by the port */
	CTL_FEATURE_SW, /* asked for, but the port cannot: done by us */
};

struct ctl_port_row {
	const char *name;
	const char *type; /* of the configuration */
	const char *driver;
	bool is_up;
	uint32_t speed_mbps; /* 0: unknown */
	uint32_t queues, queues_asked;
	uint32_t mtu;
	struct mac_addr mac;
	bool is_promiscuous;
	enum ctl_feature rx_csum, tx_csum, tso, lro, rss;
	const char *rss_key; /* "random"; "fixed": the device's; "none": no RSS; "-": one queue */
	uint32_t reta_size; /* 0: none */
	uint64_t rx_packets, rx_octets, rx_missed, rx_errors, rx_nobuf; /* the device's counters */
	uint64_t tx_packets, tx_octets, tx_errors;
};

/** Everything outlives the server; functions are called on its thread. */
struct ctl_backend {
	void *ctx; /* of the functions */
	const char *version;
	const struct config *config;
	const char *config_path; /* it was read from, and is read from again */
	const struct config_service_kind *kinds; /* that the file may name; NULL: any */
	const struct local_addrs *local; /* what connections name by index */
	struct tunables *tunables; /* current ones; the server changes them and tells the workers */
	struct mail_hub *hub; /* hub->workers is the number of workers */
	uint64_t started_us; /* on the clock of now_us */
	struct drop_watch *drops; /* looked at every DROP_WATCH_MS and when it is shown */

	/** Monotonic microseconds. */
	uint64_t (*now_us)(void *ctx);

	/** A worker's counters; they may be changing. */
	const struct counters *(*counters)(void *ctx, unsigned int worker);

	void (*core)(void *ctx, unsigned int worker, struct ctl_core_row *out);

	/** How long packets stayed in a worker; may be changing. In ticks, and what these are. */
	const struct residence *(*residence)(void *ctx, unsigned int worker);
	uint64_t (*ticks_ns)(void *ctx, uint64_t ticks);

	/** Fill at most max rows; returns how many. Strings outlive the answer. */
	unsigned int (*ports)(void *ctx, struct ctl_port_row *rows, unsigned int max);

	/** A reload changed the tunables; take over the rest of what may change while running. */
	void (*reloaded)(void *ctx, const struct config *next);

	/** Begin to end the daemon as SIGTERM does. */
	void (*stop)(void *ctx);
};

#endif
