/* SPDX-License-Identifier: BSD-3-Clause */
/* From the configuration of a service to a running one. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "service_set.h"

#include "services/services.h"

/* At most this many built-in services; the table of kinds has an end mark behind them. */
#define KINDS_MAX 16u

/** One service that runs. */
struct service_run {
	const struct sluice_service *service;
	void *state; /* what its start function made */
};

struct service_set {
	unsigned int count; /* that run */
	bool draining; /* no new connections */
	struct service_run run[CONFIG_SERVICES_MAX];
};

const struct config_service_kind *
service_set_kinds(void)
{
	static struct config_service_kind kinds[KINDS_MAX + 1];

	for (unsigned int i = 0; i < KINDS_MAX && services_all[i] != NULL; i++) {
		kinds[i].name = services_all[i]->name;
		kinds[i].default_port = services_all[i]->default_port;
		kinds[i].needs_to = services_all[i] == &service_forward;
	}
	return kinds;
}

static const struct sluice_service *
find_service(const char *type)
{
	for (unsigned int i = 0; services_all[i] != NULL; i++)
		if (strcmp(services_all[i]->name, type) == 0)
			return services_all[i];
	return NULL;
}

static struct sluice_listen_params
listen_params(const struct config_service *conf)
{
	struct sluice_listen_params params = {
		.addr = { .port = (uint16_t)conf->port },
		.backlog = conf->backlog,
		.syncookies_set = conf->syncookies != CONFIG_SYNCOOKIES_DEFAULT,
		.nodelay = conf->nodelay,
		.fastopen = conf->fastopen,
		.source_syn_rate = conf->source_syn_rate,
		.source_conns = conf->source_conns,
		.first_byte_s = conf->first_byte_s,
		.idle_s = conf->idle_s,
		.blackhole = (int)conf->blackhole - CONFIG_BLACKHOLE_DEFAULT,
		.wishes = { .max_pacing_rate = conf->max_pacing_rate },
		.name = conf->name,
	};

	if (params.syncookies_set)
		params.syncookies = (int)conf->syncookies;
	if (conf->congestion_control != CONFIG_CC_DEFAULT)
		params.congestion_control = config_words_cc[conf->congestion_control];
	memcpy(params.addr.ip, conf->listen.b, sizeof(params.addr.ip));
	return params;
}

static struct service_config
service_options_of(const struct config_service *conf)
{
	struct service_config options;

	service_config_default(&options);
	options.root = conf->root[0] != '\0' ? conf->root : NULL;
	options.to.port = (uint16_t)conf->to.port;
	memcpy(options.to.ip, conf->to.ip.b, sizeof(options.to.ip));
	options.max_conns = conf->max_conns;
	options.max_header_bytes = conf->max_header_bytes;
	options.idle_timeout_ms = conf->idle_timeout_s * 1000;
	return options;
}

static int
start_one(struct service_run *run, struct sluice *s, const struct config_service *conf,
	struct io_error *err)
{
	struct sluice_listen_params params = listen_params(conf);
	struct service_config options = service_options_of(conf);
	const struct service_option *bad = NULL;
	int rc;

	run->service = find_service(conf->type);
	if (run->service == NULL)
		return io_fail(
			err, -ENOENT, "service %s: no built-in service %s", conf->name, conf->type);
	if (service_config_check(&options, &bad) != 0)
		return io_fail(err, -EINVAL, "service %s: %s is out of range", conf->name,
			bad != NULL ? bad->name : "a value");
	rc = run->service->start(s, &params, &options, &run->state);
	if (rc == 0)
		return 0;
	return io_fail(err, rc, "service %s: cannot listen on port %u: %s%s", conf->name,
		(unsigned int)conf->port, strerror(-rc),
		rc == -EADDRINUSE      ? ". Fix: give it a port of its own"
		: rc == -EADDRNOTAVAIL ? ". Fix: listen on an address of the port, or on any"
		: rc == -ENOMEM        ? ". Fix: lower memory.connections"
				       : "");
}

/* What has started by the time of an error keeps running until stop. */
static int
set_start(void *ctx, struct station *st)
{
	const struct config *conf = st->appliance->conf;
	struct service_set *set = calloc(1, sizeof(*set));

	(void)ctx;
	if (set == NULL)
		return io_fail(&st->error, -ENOMEM, "no memory for the services");
	st->state = set;
	for (unsigned int i = 0; i < conf->service_count; i++) {
		int rc = start_one(&set->run[set->count], &st->worker->sluice, &conf->services[i],
			&st->error);

		if (rc != 0)
			return rc;
		set->count++;
	}
	return 0;
}

/* The listeners are closed; connections go on. */
static void
set_drain(void *ctx, struct station *st)
{
	struct service_set *set = st->state;

	(void)ctx;
	if (set->draining)
		return;
	set->draining = true;
	for (unsigned int i = 0; i < set->count; i++)
		if (set->run[i].service->drain != NULL)
			set->run[i].service->drain(&st->worker->sluice, set->run[i].state);
}

static void
set_stop(void *ctx, struct station *st)
{
	struct service_set *set = st->state;

	(void)ctx;
	for (unsigned int i = 0; set != NULL && i < set->count; i++)
		if (set->run[i].service->stop != NULL)
			set->run[i].service->stop(&st->worker->sluice, set->run[i].state);
	free(set);
	st->state = NULL;
}

const struct appliance_app service_set_app = {
	.start = set_start,
	.drain = set_drain,
	.stop = set_stop,
};
