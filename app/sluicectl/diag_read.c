/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills the snapshots of diagnose from the daemon's answers; what is missing stays zero. */
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "view.h"

static uint64_t
figure(const json_t *object, const char *name)
{
	return (uint64_t)view_int(object, name, NULL);
}

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

void
diag_read_counters(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "counters");
	size_t i;
	unsigned int j;

	s->ts_ns = figure(answer, "ts_ns");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		uint64_t value = figure(row, "value");

		for (j = 0; j < COUNTER_COUNT; j++) {
			const struct counter_desc *desc = counters_desc(j);

			if (strcmp(desc->name, text_of(row, "name")) == 0)
				memcpy((char *)&s->c + desc->offset, &value, sizeof(value));
		}
	}
}

void
diag_read_outcomes(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "outcomes");
	char buf[OUTCOME_NAME_LEN];
	size_t i;
	unsigned int j;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		for (j = 0; j < OUTCOME_MAX; j++) {
			const char *name = outcome_name((enum outcome)j, buf);

			if (strcmp(name, text_of(row, "reason")) == 0)
				s->c.outcome[j] = figure(row, "packets");
		}
	}
}

void
diag_read_stats(struct diag_snap *s, const json_t *answer)
{
	const json_t *states = json_object_get(answer, "states");
	const json_t *mem = json_object_get(answer, "memory");
	unsigned int i;

	for (i = 0; i < TCP_STATE_COUNT; i++)
		s->c.state_count[i] = figure(states, tcp_state_name((enum tcp_state)i));
	s->packets_total = figure(mem, "packets_total");
	s->packets_free = figure(mem, "packets_free");
}

void
diag_read_listeners(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "listeners");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < DIAG_LISTENERS_MAX; i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *drops = json_object_get(row, "syn_drops");
		struct diag_listener *l = &s->listeners[s->listener_count++];

		snprintf(l->name, sizeof(l->name), "%s", text_of(row, "service"));
		l->port = (unsigned int)figure(row, "local_port");
		l->syncookies = (int)figure(row, "syncookies");
		l->acceptq = figure(row, "accept_queue");
		l->acceptq_limit = figure(row, "accept_limit");
		l->synq = figure(row, "syn_queue");
		l->synq_limit = figure(row, "syn_limit");
		l->overflows = figure(row, "accept_overflows");
		l->drops_full = figure(drops, "syn_queue_full");
		l->drops_early = figure(drops, "syn_early_drop");
	}
}

void
diag_read_cores(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "cores");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < DIAG_CORES_MAX; i++) {
		const json_t *row = json_array_get(list, i);

		s->cores[s->core_count++] = (struct diag_core){
			.worker = (unsigned int)figure(row, "worker"),
			.busy_ns = figure(row, "busy_ns"),
			.idle_ns = figure(row, "idle_ns"),
		};
	}
}

/* A value as tunables_set() takes it. */
static void
value_text(const json_t *value, char *out, size_t len)
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	if (json_is_string(value))
		snprintf(out, len, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, len, "%lld", (long long)json_integer_value(value));
	for (i = 0; i < json_array_size(value) && used < len; i++)
		used += (size_t)snprintf(out + used, len - used, "%s%lld", i > 0 ? " " : "",
			(long long)json_integer_value(json_array_get(value, i)));
}

void
diag_read_tunables(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "tunables");
	char text[TUNABLE_TEXT_LEN], why[TUNABLE_ERR_LEN];
	size_t i;

	tunables_default(&s->tun);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		/* One that only the daemon knows is no business of our rules. */
		value_text(json_object_get(row, "value"), text, sizeof(text));
		(void)tunables_set(&s->tun, text_of(row, "name"), text, why, sizeof(why));
	}
}

void
diag_read_connections(struct diag_snap *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "connections");
	size_t i;

	for (i = 0; i < json_array_size(list) && s->conn_count < DIAG_CONNS_MAX; i++) {
		const json_t *row = json_array_get(list, i);
		struct diag_conn *c = &s->conns[s->conn_count++];

		snprintf(c->key, sizeof(c->key), "%s %llu %s %llu", text_of(row, "local"),
			(unsigned long long)figure(row, "local_port"), text_of(row, "remote"),
			(unsigned long long)figure(row, "remote_port"));
		c->srtt_us = figure(row, "srtt_us");
		c->sndbuf = figure(row, "sndbuf");
		c->rcvbuf = figure(row, "rcvbuf");
		c->acked = (uint32_t)figure(row, "acked_mod_4gi");
		c->received = (uint32_t)figure(row, "received_mod_4gi");
		c->retrans = figure(row, "retrans");
	}
}
