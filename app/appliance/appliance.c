/* SPDX-License-Identifier: BSD-3-Clause */
/* Building the machine in order, and taking it down in the opposite one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "appliance/appliance.h"

#include "appliance/secrets.h"
#include "appliance/station.h"
#include "base/compiler.h"
#include "io/eal.h"
#include "io/pages.h"

/* Of each worker's packets, what data of applications leaves for receiving. */
#define RESERVE_SHIFT 3
/* Spinning before the first sleep only pays where the CPU is not wanted by others. */
#define SPIN_OWN_CPU_US 20u

static const enum port_type port_types[] = {
	[CONFIG_PORT_TAP] = PORT_TYPE_TAP,
	[CONFIG_PORT_AF_PACKET] = PORT_TYPE_AF_PACKET,
	[CONFIG_PORT_AF_XDP] = PORT_TYPE_AF_XDP,
	[CONFIG_PORT_VHOST] = PORT_TYPE_VHOST,
	[CONFIG_PORT_VIRTIO_USER] = PORT_TYPE_VIRTIO_USER,
	[CONFIG_PORT_RING] = PORT_TYPE_RING,
	[CONFIG_PORT_NULL] = PORT_TYPE_NULL,
	[CONFIG_PORT_PCI] = PORT_TYPE_PCI,
};

static const enum eal_memory memory_kinds[] = {
	[CONFIG_HUGEPAGES_AUTO] = EAL_MEMORY_AUTO,
	[CONFIG_HUGEPAGES_ON] = EAL_MEMORY_HUGEPAGES,
	[CONFIG_HUGEPAGES_OFF] = EAL_MEMORY_NORMAL,
};

static int
draw_secrets(const struct appliance_app *app, struct secrets *secrets, struct io_error *err)
{
	if (app->keys_from != 0) {
		secrets_derive(app->keys_from, secrets);
		return 0;
	}
	if (getrandom(secrets, sizeof(*secrets), 0) != (ssize_t)sizeof(*secrets))
		return io_fail(
			err, -EIO, "the system gives no random numbers: %s", strerror(errno));
	return 0;
}

/* The name of the device behind a port; NULL: the type's default. */
static const char *
device_of(const struct config_port *port)
{
	const char *device = port->iface;

	if (port->type == CONFIG_PORT_VHOST || port->type == CONFIG_PORT_VIRTIO_USER)
		device = port->path;
	else if (port->type == CONFIG_PORT_PCI)
		device = port->address;
	return device[0] != '\0' ? device : NULL;
}

static int
start_eal(struct appliance *a, unsigned int payload, struct io_error *err)
{
	const struct config *conf = a->conf;
	struct eal_params par = {
		.workers = a->workers,
		.cpus = conf->lcores.id,
		.cpu_count = conf->lcores.count,
		.memory_bytes = mbuf_pool_bytes(a->packets, payload),
		.memory = memory_kinds[conf->memory.hugepages],
		.log_level = conf->log.level == CONFIG_LOG_DEBUG ? "notice" : NULL,
	};
	int rc;

	if (conf->ports[0].type == CONFIG_PORT_PCI)
		par.pci[par.pci_count++] = conf->ports[0].address;
	rc = eal_start(&par, &a->eal, err);
	if (rc != 0)
		return rc;
	a->eal_started = true;
	return mbuf_claim_app_area(err);
}

static int
start_port(struct appliance *a, unsigned int payload, struct io_error *err)
{
	const struct config_port *conf = &a->conf->ports[0];
	const struct port_params port = {
		.name = conf->name,
		.type = port_types[conf->type],
		.device = device_of(conf),
		.queues = conf->queues != 0 ? min_u32(conf->queues, a->workers) : a->workers,
		.rx_descriptors = (uint16_t)conf->rx_descriptors,
		.tx_descriptors = (uint16_t)conf->tx_descriptors,
		.mtu = (uint16_t)conf->mtu,
		.mac = conf->mac,
		.csum_offload = conf->checksum_offload == CONFIG_OFFLOAD_AUTO,
		.promiscuous = conf->promiscuous,
		.local = &a->local,
	};
	struct mbuf_pool_params pool = {
		.name = "packets",
		.count = a->packets,
		.payload_max = payload,
		.oversubscribed = a->eal.oversubscribed,
	};
	int rc = port_attach(&a->port, &port, err);

	if (rc != 0)
		return rc;
	a->port_attached = true;
	if ((uint64_t)a->port.queues * a->port.rx_descriptors > a->packets / 2)
		return io_fail(err, -ENOBUFS,
			"port %s: %u queues of %u receive descriptors take more than "
			"half of %u packets. Fix: lower rx_descriptors, or raise memory.packets",
			conf->name, a->port.queues, a->port.rx_descriptors, a->packets);
	pool.socket = a->port.socket;
	rc = mbuf_pool_create(&pool, &a->pool, err);
	return rc == 0 ? port_start(&a->port, a->pool, err) : rc;
}

static void
take_addresses(struct local_addrs *local, const struct config_prefixes *prefixes)
{
	for (unsigned int i = 0; i < prefixes->count; i++) {
		local->addr[i] = prefixes->prefix[i].addr;
		local->prefix_len[i] = prefixes->prefix[i].len;
	}
	local->count = prefixes->count;
}

/* One worker's part of a total; flows do not spread perfectly, hence an eighth more. */
static uint32_t
share_of(uint32_t total, unsigned int workers)
{
	uint64_t share = workers == 1 ? total : (uint64_t)total / workers * 9 / 8 + 1;

	return (uint32_t)min_u64(share, total);
}

static struct worker_params
worker_params_of(struct appliance *a, unsigned int id, const struct secrets *secrets)
{
	const struct config_memory *mem = &a->conf->memory;
	const struct config_port *port = &a->conf->ports[0];

	return (struct worker_params){
		.net = {
			.mac = a->port.mac,
			.mtu = a->port.mtu,
			.vlan = (uint16_t)port->vlan,
			.primary = id == STEER_PRIMARY,
			.trust_rx_csum = a->port.rx_csum,
			.gateway4 = port->gateway,
			.gateway6 = port->gateway6,
			.local = &a->local,
			.neigh_max = mem->neighbours,
			.neigh_key = secrets->neigh,
			.reass_key = secrets->reass,
		},
		.tcp = {
			.conns_max = share_of(mem->connections, a->workers),
			.park_after_ms = TCP_PARK_AFTER_MS,
			.synq_max = share_of(mem->syn_queue, a->workers),
			.timewait_max = share_of(mem->time_wait, a->workers),
			.ranges_max = share_of(mem->gaps, a->workers),
			.mtu = a->port.mtu,
			.worker = id,
			.workers = a->workers,
			.flow_key = secrets->flow,
			.isn_key = secrets->isn,
			.cookie_key = { secrets->cookie[0], secrets->cookie[1] },
			.cookie_keys_stay = a->app->keys_from != 0,
			.port_key = secrets->port,
			.mem = pages_source(),
			.local = &a->local,
			.is_mine = a->workers > 1 ? steer_is_mine : NULL,
			.is_mine_ctx = &a->stations[id].self,
		},
		.source = mbuf_source(a->pool),
		.pkts = a->packets,
		.pkts_reserve = a->packets >> RESERVE_SHIFT,
		.payload_max = (uint16_t)port_payload_bytes(a->port.mtu),
		.pkt_stock = true,
		.tx_caps = a->port.tx_caps,
		.tun = a->conf->tunables,
		.seed = secrets->seed + id,
	};
}

static int
make_worker(
	struct appliance *a, unsigned int id, const struct secrets *secrets, struct io_error *err)
{
	struct station *st = &a->stations[id];
	struct lcore_params lcore = {
		.id = id,
		.spin_only = a->conf->idle == CONFIG_IDLE_SPIN,
		.spin_us =
			a->conf->lcores.count != 0 && !a->eal.oversubscribed ? SPIN_OWN_CPU_US : 0,
	};
	struct worker_params par;
	struct worker *w;
	int rc;

	st->appliance = a;
	st->mailbox = &a->hub.boxes[id];
	st->self = (struct steer_self){ &a->steer, id };
	lcore.hooks = station_hooks(st);
	par = worker_params_of(a, id, secrets);
	w = aligned_alloc(CACHE_LINE, (sizeof(*w) + CACHE_LINE - 1) & ~(CACHE_LINE - 1ul));
	if (w == NULL)
		rc = -ENOMEM;
	else
		rc = worker_init(w, &par, tsc_clock_now(&a->clock));
	if (rc != 0) {
		free(w);
		return io_fail(err, rc,
			"worker %u: %s. Fix: lower the sizes under memory:, or give the "
			"machine more",
			id, strerror(-rc));
	}
	st->worker = w;
	lcore.worker = w;
	rc = lcore_create(&a->lcores, &lcore);
	if (rc != 0)
		return io_fail(err, rc, "worker %u: cannot be set up: %s", id, strerror(-rc));
	return 0;
}

static void
wake_worker(void *ctx, unsigned int worker)
{
	struct appliance *a = ctx;

	lcore_wake(&a->lcores, worker);
}

static int
make_workers(struct appliance *a, struct io_error *err)
{
	unsigned int owners = min_u32(a->port.queues, a->workers);
	struct secrets secrets;
	int rc = draw_secrets(a->app, &secrets, err);

	if (rc != 0)
		return rc;
	if (mail_hub_create(a->workers, wake_worker, a, &a->hub) != 0)
		return io_fail(err, -ENOMEM, "no memory for messages to %u workers", a->workers);
	if (handoff_init(&a->handoff, a->workers, owners, a->conf->tunables.netdev_max_backlog) !=
		0)
		return io_fail(err, -ENOMEM,
			"no memory for the rings between workers. "
			"Fix: lower netdev_max_backlog");
	a->steer = (struct steer){ secrets.steer, a->workers, owners, &a->local };
	a->lcores.port = &a->port;
	a->lcores.clock = &a->clock;
	a->lcores.steer = &a->steer;
	a->lcores.handoff = &a->handoff;
	a->lcores.pool = a->pool;
	for (unsigned int i = 0; rc == 0 && i < a->workers; i++)
		rc = make_worker(a, i, &secrets, err);
	return rc;
}

static int
launch(struct appliance *a, struct io_error *err)
{
	int rc;

	tsc_clock_calibrate(&a->clock);
	rc = lcore_group_launch(&a->lcores);
	a->launched = true;
	if (rc == 0)
		return 0;
	for (unsigned int i = 0; i < a->workers; i++)
		if (a->stations[i].error.text[0] != '\0') {
			*err = a->stations[i].error;
			return rc;
		}
	return io_fail(err, rc, "the workers do not start: %s", strerror(-rc));
}

int
appliance_start(const struct config *conf, const struct appliance_app *app, struct appliance **out,
	struct io_error *err)
{
	unsigned int payload = port_payload_bytes((uint16_t)conf->ports[0].mtu);
	struct appliance *a;
	int rc;

	if (conf->port_count != 1)
		return io_fail(err, -EINVAL,
			"%u ports are configured; exactly one can be served so far. "
			"Fix: leave one under ports:",
			conf->port_count);
	a = aligned_alloc(CACHE_LINE, (sizeof(*a) + CACHE_LINE - 1) & ~(CACHE_LINE - 1ul));
	if (a == NULL)
		return io_fail(err, -ENOMEM, "out of memory");
	memset(a, 0, sizeof(*a));
	a->conf = conf;
	a->app = app;
	a->workers = conf->workers;
	a->packets = (unsigned int)min_u64(
		(uint64_t)conf->memory.packets * conf->workers, UINT32_MAX / 2);
	take_addresses(&a->local, &conf->ports[0].addresses);
	rc = start_eal(a, payload, err);
	if (rc == 0) {
		tsc_clock_start(&a->clock);
		rc = start_port(a, payload, err);
	}
	if (rc == 0)
		rc = make_workers(a, err);
	if (rc == 0)
		rc = launch(a, err);
	if (rc == 0)
		*out = a;
	else
		appliance_stop(a);
	return rc;
}

void
appliance_enter(struct appliance *a, enum appliance_phase phase)
{
	atomic_store_explicit(&a->phase, (int)phase, memory_order_release);
	for (unsigned int i = 0; i < a->workers; i++)
		lcore_wake(&a->lcores, i);
}

uint64_t
appliance_connections(const struct appliance *a)
{
	int wanted = atomic_load_explicit(&a->phase, memory_order_relaxed);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < a->workers; i++) {
		const struct station *st = &a->stations[i];

		if (atomic_load_explicit(&st->phase, memory_order_acquire) != wanted)
			return UINT64_MAX;
		sum += __atomic_load_n(&st->worker->ctr.ConnsInUse, __ATOMIC_RELAXED);
	}
	return sum;
}

void
appliance_halt(struct appliance *a)
{
	if (a->launched)
		lcore_group_stop(&a->lcores);
	a->launched = false;
}

void
appliance_stop(struct appliance *a)
{
	appliance_halt(a);
	for (unsigned int i = 0; i < a->workers; i++) {
		if (a->stations[i].worker == NULL)
			continue;
		worker_fini(a->stations[i].worker, tsc_clock_now(&a->clock));
		free(a->stations[i].worker);
	}
	lcore_group_destroy(&a->lcores);
	handoff_fini(&a->handoff);
	mail_hub_destroy(&a->hub);
	if (a->port_attached)
		port_close(&a->port);
	if (a->eal_started)
		eal_stop();
	free(a);
}
