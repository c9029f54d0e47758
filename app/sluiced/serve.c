/* SPDX-License-Identifier: BSD-3-Clause */
/* What signals ask for, and the way down: draining, resetting, stopping. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "appliance/appliance.h"
#include "appliance/signals.h"
#include "control.h"
#include "notify.h"
#include "serve.h"
#include "service_set.h"

/* A signal that comes just before the main thread waits is seen after this time. */
#define SERVE_POLL_MS 100
/* How often the main thread looks whether the connections are gone. */
#define DRAIN_POLL_MS 20
/* Time that resets have to leave after the drain time. */
#define ABORT_MS 200u

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
print_ready(const struct config *conf)
{
	const struct config_prefixes *addrs = &conf->ports[0].addresses;
	char text[IP_PREFIX_STRLEN];

	printf("READY addresses=");
	for (unsigned int i = 0; i < addrs->count; i++) {
		(void)ip_prefix_format(&addrs->prefix[i], text);
		printf("%s%s", i == 0 ? "" : ",", text);
	}
	printf(" services=");
	for (unsigned int i = 0; i < conf->service_count; i++)
		printf("%s%s:%u", i == 0 ? "" : ",", conf->services[i].name,
			(unsigned int)conf->services[i].port);
	printf(" control=%s pid=%ld\n", conf->control.socket, (long)getpid());
	(void)fflush(stdout);
}

/*
 * Enter the phase and wait until no connection is left. False: time over, or one more signal came.
 */
static bool
wait_empty(struct appliance *a, struct control *c, struct notify *n, enum appliance_phase phase,
	uint64_t limit_ms)
{
	int signals_before = signals_stops();
	uint64_t start = now_ms();

	appliance_enter(a, phase);
	while (appliance_connections(a) != 0) {
		if (signals_stops() != signals_before || now_ms() - start >= limit_ms)
			return false;
		control_poll(c, DRAIN_POLL_MS);
		notify_alive(n, now_ms());
	}
	return true;
}

static void
go_down(struct appliance *a, struct control *c, struct notify *n)
{
	uint64_t drain_ms = (uint64_t)a->conf->drain_timeout_s * 1000;

	notify_say(n, "STOPPING=1\nSTATUS=letting connections finish");
	if (!wait_empty(a, c, n, APPLIANCE_DRAINING, drain_ms)) {
		fprintf(stderr, "sluiced: resetting the connections that are left\n");
		(void)wait_empty(a, c, n, APPLIANCE_ABORTING, ABORT_MS);
	}
}

/* Addresses that another station turned out to have; *told: a bit for each that was logged. */
static void
warn_of_duplicates(const struct appliance *a, uint64_t *told)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < a->workers; i++)
		found |= net_duplicates(&a->stations[i].worker->net);
	for (unsigned int i = 0; i < a->local.count; i++) {
		char text[IP_ADDR_STRLEN];

		if (((found & ~*told) >> i & 1) == 0)
			continue;
		(void)ip_addr_format(&a->local.addr[i], text);
		fprintf(stderr,
			"sluiced: another station has %s already, so it is not served here. "
			"Fix: change one of the two, and start again\n",
			text);
	}
	*told |= found;
}

static void
serve_until_told(struct appliance *a, struct control *c, struct notify *n)
{
	uint64_t told = 0;

	print_ready(a->conf);
	notify_say(n, "READY=1\nSTATUS=serving");
	while (signals_stops() == 0 && !c->stop_asked) {
		control_poll(c, SERVE_POLL_MS);
		if (signals_take_reload())
			control_reload(c);
		warn_of_duplicates(a, &told);
		notify_alive(n, now_ms());
	}
	go_down(a, c, n);
}

int
sluiced_serve(struct config *conf, const char *path, uint64_t keys_from)
{
	struct appliance_app app = service_set_app;
	struct appliance *a = NULL;
	struct io_error err;
	struct notify notify;
	struct control c;
	int rc;

	notify_open(&notify);
	app.keys_from = keys_from;
	signals_catch(true);
	rc = control_open(&c, conf, &err);
	if (rc == 0) {
		signals_hold();
		rc = appliance_start(conf, &app, &a, &err);
		signals_release();
	}
	if (rc == 0)
		rc = control_start(&c, a, conf, path, &err);
	if (rc == 0)
		serve_until_told(a, &c, &notify);
	else
		fprintf(stderr, "sluiced: %s\n", err.text);
	control_close(&c);
	if (a != NULL)
		appliance_stop(a);
	notify_close(&notify);
	return rc;
}
