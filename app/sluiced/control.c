/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows about cores and ports for the control server, gathered from the running appliance. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf/env.h"
#include "control.h"
#include "ctl/reload.h"
#include "service_set.h"

/* The group of this name; "": none was asked for. */
static int
find_group(const char *name, bool *found, gid_t *gid, struct io_error *err)
{
	const struct group *group;

	*found = false;
	if (name[0] == '\0')
		return 0;
	group = getgrnam(name);
	if (group == NULL)
		return io_fail(err, -ENOENT, "no group %s. Fix: create it (groupadd %s), or name "
			"another one under control:", name, name);
	*found = true;
	*gid = group->gr_gid;
	return 0;
}

static uint64_t
now_us(void *ctx)
{
	const struct control *c = ctx;

	return tsc_clock_now(&c->appliance->clock);
}

static const struct counters *
counters_of(void *ctx, unsigned int worker)
{
	const struct control *c = ctx;

	return &c->appliance->stations[worker].worker->ctr;
}

static void
core_row(void *ctx, unsigned int worker, struct ctl_core_row *out)
{
	const struct control *c = ctx;
	const struct appliance *a = c->appliance;
	const struct config_cpus *cpus = &a->conf->lcores;
	const struct lcore_stats stats = a->lcores.each[worker]->stats;

	*out = (struct ctl_core_row){
		.cpu = cpus->count > 0 ? cpus->id[worker % cpus->count] : -1,
		.loops = stats.loops,
		.busy_ns = tsc_clock_span(&a->clock, stats.busy_ticks) * 1000,
		.idle_ns = tsc_clock_span(&a->clock, stats.idle_ticks) * 1000,
		.loop_max_us = tsc_clock_span(&a->clock, stats.loop_max_ticks),
		.stalls = stats.stalls,
		.stalled_ns = tsc_clock_span(&a->clock, stats.stall_ticks) * 1000,
		.sleeps = stats.sleeps,
		/* The pool is shared: each worker's part of it. */
		.pkts_free = mbuf_pool_avail(a->pool) / a->workers,
		.pkts_total = a->packets / a->workers,
	};
}

static const struct residence *
residence_of(void *ctx, unsigned int worker)
{
	const struct control *c = ctx;

	return &c->appliance->lcores.each[worker]->residence;
}

static uint64_t
ticks_ns(void *ctx, uint64_t ticks)
{
	const struct control *c = ctx;

	return tsc_clock_span_ns(&c->appliance->clock, ticks);
}

/* Asked for: done by the port if it can, else by us. */
static enum ctl_feature
feature(bool asked, bool granted)
{
	if (!asked)
		return CTL_FEATURE_OFF;
	return granted ? CTL_FEATURE_HW : CTL_FEATURE_SW;
}

static enum ctl_feature
unused(bool offered)
{
	return offered ? CTL_FEATURE_OFF : CTL_FEATURE_NONE;
}

static const char *
rss_key(const struct port *port)
{
	if (port->queues == 1)
		return "-";
	if (!port->rss_on)
		return "none";
	return port->rss_random_key ? "random" : "fixed";
}

static unsigned int
port_rows(void *ctx, struct ctl_port_row *rows, unsigned int max)
{
	const struct control *c = ctx;
	const struct appliance *a = c->appliance;
	const struct config_port *conf = &a->conf->ports[0];
	bool csum = conf->checksum_offload == CONFIG_OFFLOAD_AUTO;
	struct port_status status;

	if (max == 0)
		return 0;
	port_read_status(&a->port, &status);
	rows[0] = (struct ctl_port_row){
		.name = a->port.name,
		.type = a->port.type->name,
		.driver = a->port.driver,
		.is_up = status.is_up,
		.speed_mbps = status.speed_mbps,
		.queues = a->port.queues,
		.queues_asked = conf->queues != 0 ? conf->queues : a->workers,
		.mtu = a->port.mtu,
		.mac = a->port.mac,
		.is_promiscuous = a->port.promiscuous,
		.rx_csum = feature(csum, a->port.rx_csum),
		.tx_csum = feature(csum, a->port.tx_caps != 0),
		.tso = (a->port.tx_caps & ENV_TX_TSO) != 0 ? CTL_FEATURE_HW
							   : unused(a->port.offers_tso),
		.lro = unused(a->port.offers_lro),
		.rss = a->port.queues == 1 ? CTL_FEATURE_NONE : feature(true, a->port.rss_on),
		.rss_key = rss_key(&a->port),
		.reta_size = a->port.rss_on ? a->port.reta_size : 0,
		.rx_packets = status.rx_packets,
		.rx_octets = status.rx_octets,
		.rx_missed = status.rx_missed,
		.rx_errors = status.rx_errors,
		.rx_nobuf = status.rx_nobuf,
		.tx_packets = status.tx_packets,
		.tx_octets = status.tx_octets,
		.tx_errors = status.tx_errors,
	};
	return 1;
}

/* The rest of what may change: the main thread alone looks at it. */
static void
reloaded(void *ctx, const struct config *next)
{
	struct control *c = ctx;

	c->config->drain_timeout_s = next->drain_timeout_s;
	c->config->tunables = next->tunables;
}

void
control_reload(struct control *c)
{
	struct ctl_reload reload;
	int rc = ctl_reload(&c->backend, false, &reload);

	if (rc != 0)
		fprintf(stderr, "sluiced: reload: %s\n", reload.err);
	else
		fprintf(stderr, "sluiced: reload: %zu values changed\n",
			json_array_size(reload.changes));
	json_decref(reload.changes);
}

static void
ask_to_stop(void *ctx)
{
	struct control *c = ctx;

	c->stop_asked = true;
}

int
control_open(struct control *c, const struct config *conf, struct io_error *err)
{
	bool has_gid;
	gid_t gid = 0;
	int rc;

	memset(c, 0, sizeof(*c));
	c->socket.fd = -1;
	c->socket.lock_fd = -1;
	rc = find_group(conf->control.group, &has_gid, &gid, err);
	if (rc != 0)
		return rc;
	_Static_assert(IO_ERROR_LEN >= CTL_SOCKET_ERR_LEN, "room for its text");
	return ctl_socket_open(
		conf->control.socket, has_gid, gid, &c->socket, err->text, sizeof(err->text));
}

int
control_start(struct control *c, struct appliance *a, struct config *config, const char *path,
	struct io_error *err)
{
	const struct config_control *conf = &config->control;
	struct ctl_server_params par = {
		.backend = &c->backend,
		.listen_fd = c->socket.fd,
		.rules = { .own_uid = getuid() },
	};
	struct peer_rules *rules = &par.rules;
	int rc;

	rc = find_group(conf->operate_group, &rules->has_operate_gid, &rules->operate_gid, err);
	if (rc == 0)
		rc = find_group(conf->admin_group, &rules->has_admin_gid, &rules->admin_gid, err);
	if (rc != 0)
		return rc;
	c->appliance = a;
	c->config = config;
	c->tunables = config->tunables;
	c->backend = (struct ctl_backend){
		.ctx = c,
		.version = SLUICE_VERSION,
		.config = config,
		.config_path = path,
		.kinds = service_set_kinds(),
		.local = &a->local,
		.tunables = &c->tunables,
		.hub = &a->hub,
		.started_us = now_us(c),
		.drops = &c->drops,
		.now_us = now_us,
		.counters = counters_of,
		.core = core_row,
		.residence = residence_of,
		.ticks_ns = ticks_ns,
		.ports = port_rows,
		.reloaded = reloaded,
		.stop = ask_to_stop,
	};
	rc = ctl_server_create(&par, &c->server);
	if (rc != 0)
		return io_fail(err, rc, "the control server does not start: %s", strerror(-rc));
	return 0;
}

/* A client that asks all the time makes us look no more often. */
static void
look_at_drops(struct control *c)
{
	uint64_t now = now_us(c);
	struct counters sum = { 0 };

	if (now - c->looked_us < 1000 * DROP_WATCH_MS)
		return;
	c->looked_us = now;
	for (unsigned int i = 0; i < c->appliance->workers; i++)
		counters_add(&sum, counters_of(c, i));
	drop_watch_look(&c->drops, &sum, now);
}

void
control_poll(struct control *c, int timeout_ms)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int rc = ctl_server_poll(c->server, timeout_ms);

	look_at_drops(c);
	/* Should poll(2) itself fail, the daemon goes on without burning the CPU. */
	if (rc != 0 && rc != -EINTR)
		(void)nanosleep(&pause, NULL);
}

void
control_close(struct control *c)
{
	if (c->server != NULL)
		ctl_server_destroy(c->server);
	c->server = NULL;
	ctl_socket_close(&c->socket);
}
