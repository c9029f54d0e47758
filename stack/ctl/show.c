/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that answer at once: counters, drops, workers, ports, tunables. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/port_remarks.h"
#include "ctl/reload.h"
#include "ctl/session_int.h"

/* Ports one answer shows. */
#define PORT_ROWS_MAX CONFIG_PORTS_MAX

static void
put_u64(json_t *object, const char *name, uint64_t value)
{
	/* JSON integers are signed here; a counter gets there in 29,000 years at 10 M/s. */
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void
put_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static void
put_bool(json_t *object, const char *name, bool value)
{
	json_object_set_new(object, name, json_boolean(value));
}

static json_t *
put_object(json_t *object, const char *name)
{
	json_t *child = json_object();

	json_object_set_new(object, name, child);
	return child;
}

static json_t *
put_array(json_t *object, const char *name)
{
	json_t *child = json_array();

	json_object_set_new(object, name, child);
	return child;
}

static json_t *
append_object(json_t *array)
{
	json_t *child = json_object();

	json_array_append_new(array, child);
	return child;
}

void
ctl_counters_sum(const struct ctl_backend *b, struct counters *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < b->hub->workers; i++)
		counters_add(sum, b->counters(b->ctx, i));
}

int
ctl_do_show_version(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;

	put_text(r->reply, "version", b->version);
	put_u64(r->reply, "protocol", CTL_PROTOCOL_VERSION);
	put_u64(r->reply, "pid", (uint64_t)getpid());
	put_u64(r->reply, "workers", b->hub->workers);
	put_text(r->reply, "role", ctl_role_name(r->s->role));
	return 0;
}

/* --- counters ------------------------------------------------------------------------------- */

static void
put_packets(json_t *reply, const struct counters *c)
{
	json_t *rx = put_object(reply, "rx");
	json_t *tx = put_object(reply, "tx");

	put_u64(rx, "packets", c->RxPackets);
	put_u64(rx, "octets", c->RxOctets);
	put_u64(rx, "dropped", counters_drops(c));
	put_u64(tx, "packets", c->TxPackets);
	put_u64(tx, "octets", c->TxOctets);
	put_u64(tx, "dropped", c->TxDrops);
}

/* How long packets stayed, of all since the start. */
static void
put_residence(json_t *to, const struct ctl_backend *b, const struct residence *r)
{
	static const struct {
		const char *name;
		uint32_t ppm;
	} rows[] = {
		{ "p50_ns", 500000 },
		{ "p99_ns", 990000 },
		{ "p999_ns", 999000 },
		{ "max_ns", 1000000 },
	};
	json_t *object = put_object(to, "residence");
	size_t i;

	put_u64(object, "packets", residence_packets(r));
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		put_u64(object, rows[i].name,
			b->ticks_ns(b->ctx, residence_quantile(r, rows[i].ppm)));
}

static void
put_tcp(json_t *reply, const struct counters *c)
{
	json_t *states = put_object(reply, "states");
	json_t *tcp = put_object(reply, "tcp");
	unsigned int i;

	for (i = 0; i < TCP_STATE_COUNT; i++)
		put_u64(states, tcp_state_name((enum tcp_state)i), c->state_count[i]);
	put_u64(tcp, "half_open", c->HalfOpen);
	put_u64(tcp, "accept_queued", c->AcceptQueued);
	put_u64(tcp, "orphans", c->Orphans);
	put_u64(tcp, "time_waits", c->TimeWaits);
	put_u64(tcp, "active_opens", c->ActiveOpens);
	put_u64(tcp, "passive_opens", c->PassiveOpens);
	put_u64(tcp, "attempt_fails", c->AttemptFails);
	put_u64(tcp, "resets", c->EstabResets);
	put_u64(tcp, "segments_in", c->InSegs);
	put_u64(tcp, "segments_out", c->OutSegs);
	put_u64(tcp, "retransmitted", c->RetransSegs);
	put_u64(tcp, "out_of_order", c->TCPOFOQueue);
	put_u64(tcp, "rsts_out", c->OutRsts);
	put_u64(tcp, "cookies_sent", c->SyncookiesSent);
	put_u64(tcp, "cookies_valid", c->SyncookiesRecv);
	put_u64(tcp, "cookies_invalid", c->SyncookiesFailed);
	put_u64(tcp, "listen_overflows", c->ListenOverflows);
	put_u64(tcp, "listen_drops", c->ListenDrops);
}

int
ctl_do_show_stats(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;
	struct ctl_core_row core;
	struct residence stay = { 0 };
	struct counters c;
	json_t *memory;
	unsigned int i;

	ctl_counters_sum(b, &c);
	for (i = 0; i < b->hub->workers; i++)
		residence_add(&stay, b->residence(b->ctx, i));
	b->core(b->ctx, 0, &core);
	put_u64(r->reply, "workers", b->hub->workers);
	put_packets(r->reply, &c);
	put_residence(r->reply, b, &stay);
	put_tcp(r->reply, &c);
	memory = put_object(r->reply, "memory");
	put_u64(memory, "packets_total", core.pkts_total);
	put_u64(memory, "packets_free", core.pkts_free);
	put_u64(memory, "packets_in_use", c.PktsInUse);
	put_u64(memory, "packet_alloc_fails", c.PktAllocFails);
	put_u64(memory, "connections", c.ConnsInUse);
	put_u64(memory, "connection_alloc_fails", c.ConnAllocFails);
	return 0;
}

static void
put_outcome(json_t *list, enum outcome out, uint64_t packets)
{
	const struct outcome_desc *desc = outcome_desc(out);
	char name[OUTCOME_NAME_LEN];
	json_t *row = append_object(list);

	put_text(row, "reason", outcome_name(out, name));
	put_u64(row, "packets", packets);
	put_text(row, "meaning", desc->meaning);
	if (desc->hint[0] != '\0')
		put_text(row, "hint", desc->hint);
}

/* Seconds since it last happened; null: never. */
static void
put_last(json_t *row, const struct ctl_backend *b, enum outcome out, uint64_t now_us)
{
	uint64_t age_us = drop_watch_age(b->drops, out, now_us);
	uint64_t age_ms = age_us / 1000;

	json_object_set_new(row, "last_s", age_us == UINT64_MAX ?
			json_null() : json_real((double)age_ms / 1e3));
}

int
ctl_do_show_drops(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;
	bool all = ctl_arg_flag(r, "all");
	json_t *list = put_array(r->reply, "drops");
	uint64_t now_us = b->now_us(b->ctx);
	struct counters c;
	uint64_t drops = 0, delivered = 0;
	unsigned int i;

	/* One snapshot, so that the rows add up to the total whatever the workers do meanwhile. */
	ctl_counters_sum(b, &c);
	drop_watch_look(b->drops, &c, now_us);
	for (i = 0; i < OUTCOME_MAX; i++) {
		if (!outcome_desc((enum outcome)i)->is_drop) {
			delivered += c.outcome[i];
			continue;
		}
		drops += c.outcome[i];
		if (!all && c.outcome[i] == 0)
			continue;
		put_outcome(list, (enum outcome)i, c.outcome[i]);
		put_last(json_array_get(list, json_array_size(list) - 1), b, (enum outcome)i,
			now_us);
	}
	put_u64(r->reply, "total", drops);
	put_u64(r->reply, "delivered", delivered);
	put_u64(r->reply, "received", drops + delivered);
	return 0;
}

int
ctl_do_show_outcomes(struct ctl_request *r)
{
	bool all = ctl_arg_flag(r, "all");
	json_t *list = put_array(r->reply, "outcomes");
	struct counters c;
	uint64_t total = 0;
	unsigned int i;

	ctl_counters_sum(r->s->backend, &c);
	for (i = 0; i < OUTCOME_MAX; i++) {
		total += c.outcome[i];
		if (!all && c.outcome[i] == 0)
			continue;
		put_outcome(list, (enum outcome)i, c.outcome[i]);
		put_bool(json_array_get(list, json_array_size(list) - 1), "drop",
			outcome_desc((enum outcome)i)->is_drop);
	}
	put_u64(r->reply, "total", total);
	return 0;
}

int
ctl_do_show_counters(struct ctl_request *r)
{
	bool all = ctl_arg_flag(r, "all");
	json_t *list = put_array(r->reply, "counters");
	struct counters c;
	unsigned int i;

	ctl_counters_sum(r->s->backend, &c);
	/* Whose counters they are: a client that keeps values knows a restart by it. */
	put_u64(r->reply, "pid", (uint64_t)getpid());
	put_u64(r->reply, "started_ns", r->s->backend->started_us * 1000);
	for (i = 0; i < COUNTER_COUNT; i++) {
		const struct counter_desc *desc = counters_desc(i);
		uint64_t value = counters_get(&c, i);
		json_t *row;

		if (!all && value == 0)
			continue;
		row = append_object(list);
		put_text(row, "name", desc->name);
		put_u64(row, "value", value);
		put_bool(row, "gauge", desc->is_gauge);
		put_text(row, "help", desc->help);
	}
	return 0;
}

/* --- workers and ports ---------------------------------------------------------------------- */

int
ctl_do_show_cores(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;
	json_t *list = put_array(r->reply, "cores");
	unsigned int i;

	for (i = 0; i < b->hub->workers; i++) {
		const struct counters *c = b->counters(b->ctx, i);
		struct counters copy = { 0 };
		struct ctl_core_row core;
		json_t *row = append_object(list);

		counters_add(&copy, c);
		b->core(b->ctx, i, &core);
		put_u64(row, "worker", i);
		json_object_set_new(
			row, "cpu", core.cpu >= 0 ? json_integer(core.cpu) : json_null());
		put_u64(row, "busy_ns", core.busy_ns);
		put_u64(row, "idle_ns", core.idle_ns);
		put_u64(row, "loops", core.loops);
		put_u64(row, "sleeps", core.sleeps);
		put_u64(row, "loop_max_us", core.loop_max_us);
		put_u64(row, "stalls", core.stalls);
		put_u64(row, "stalled_ns", core.stalled_ns);
		put_u64(row, "rx_packets", copy.RxPackets);
		put_u64(row, "tx_packets", copy.TxPackets);
		put_u64(row, "dropped", counters_drops(&copy));
		put_u64(row, "handover_in", copy.HandoverIn);
		put_u64(row, "handover_out", copy.HandoverOut);
		put_u64(row, "handover_drops", copy.HandoverDrops);
		put_u64(row, "connections", copy.ConnsInUse);
		put_u64(row, "packets_free", core.pkts_free);
		put_u64(row, "packets_total", core.pkts_total);
		put_residence(row, b, b->residence(b->ctx, i));
	}
	return 0;
}

static const char *
feature_name(enum ctl_feature feature)
{
	switch (feature) {
	case CTL_FEATURE_NONE:
		return "-";
	case CTL_FEATURE_OFF:
		return "off";
	case CTL_FEATURE_HW:
		return "hw";
	case CTL_FEATURE_SW:
		return "sw";
	}
	ASSERT(false);
	return "";
}

static void
put_remarks(json_t *features, const struct ctl_port_row *port)
{
	json_t *list = put_array(features, "remarks");
	struct ctl_port_remark remarks[CTL_PORT_REMARKS_MAX];
	unsigned int count = ctl_port_remarks(port, remarks);
	unsigned int i;

	for (i = 0; i < count; i++) {
		json_t *remark = append_object(list);

		put_text(remark, "feature", remarks[i].feature);
		put_text(remark, "meaning", remarks[i].meaning);
	}
}

static void
put_features(json_t *row, const struct ctl_port_row *port)
{
	json_t *features = put_object(row, "features");

	put_text(features, "csum_rx", feature_name(port->rx_csum));
	put_text(features, "csum_tx", feature_name(port->tx_csum));
	put_text(features, "tso", feature_name(port->tso));
	put_text(features, "lro", feature_name(port->lro));
	put_text(features, "rss", feature_name(port->rss));
	put_text(features, "rss_key", port->rss_key);
	put_u64(features, "reta_size", port->reta_size);
	put_remarks(features, port);
}

static void
put_port(json_t *row, const struct ctl_port_row *port, bool with_features)
{
	char mac[MAC_ADDR_STRLEN];

	mac_addr_format(&port->mac, mac);
	put_text(row, "name", port->name);
	put_text(row, "type", port->type);
	put_text(row, "driver", port->driver);
	put_text(row, "link", port->is_up ? "up" : "down");
	json_object_set_new(row, "speed_mbps",
		port->speed_mbps > 0 ? json_integer(port->speed_mbps) : json_null());
	put_u64(row, "queues", port->queues);
	put_u64(row, "queues_asked", port->queues_asked);
	put_u64(row, "mtu", port->mtu);
	put_text(row, "mac", mac);
	put_bool(row, "promiscuous", port->is_promiscuous);
	put_u64(row, "rx_packets", port->rx_packets);
	put_u64(row, "rx_octets", port->rx_octets);
	put_u64(row, "rx_missed", port->rx_missed);
	put_u64(row, "rx_errors", port->rx_errors);
	put_u64(row, "rx_nobuf", port->rx_nobuf);
	put_u64(row, "tx_packets", port->tx_packets);
	put_u64(row, "tx_octets", port->tx_octets);
	put_u64(row, "tx_errors", port->tx_errors);
	if (with_features)
		put_features(row, port);
}

int
ctl_do_show_ports(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;
	json_t *list = put_array(r->reply, "ports");
	struct ctl_port_row rows[PORT_ROWS_MAX];
	unsigned int count = b->ports(b->ctx, rows, PORT_ROWS_MAX);
	unsigned int i;

	ASSERT(count <= PORT_ROWS_MAX);
	for (i = 0; i < count; i++)
		put_port(append_object(list), &rows[i], ctl_arg_flag(r, "features"));
	return 0;
}

int
ctl_do_show_config(struct ctl_request *r)
{
	json_object_set_new(r->reply, "config", ctl_config_json(r->s->backend->config));
	return 0;
}

/* --- tunables ------------------------------------------------------------------------------- */

static json_t *
tunable_value(const struct tunable_desc *row, uint32_t value)
{
	return row->names != NULL ? json_string(row->names[value]) : json_integer(value);
}

static json_t *
tunable_values(const struct tunable_desc *row, const uint32_t *values)
{
	json_t *list;
	uint32_t i;

	if (row->count == 1)
		return tunable_value(row, values[0]);
	list = json_array();
	for (i = 0; i < row->count; i++)
		json_array_append_new(list, tunable_value(row, values[i]));
	return list;
}

json_t *
ctl_tunable_json(const struct tunables *tun, const struct tunable_desc *row)
{
	json_t *object = json_object();
	size_t i;

	put_text(object, "name", row->name);
	json_object_set_new(object, "value", tunable_values(row, tunables_values(tun, row)));
	json_object_set_new(object, "default", tunable_values(row, row->def));
	put_text(object, "unit", unit_name(row->unit));
	if (row->names != NULL) {
		json_t *words = put_array(object, "words");

		for (i = 0; row->names[i] != NULL; i++)
			json_array_append_new(words, json_string(row->names[i]));
	} else {
		put_u64(object, "min", row->min);
		put_u64(object, "max", row->max);
	}
	put_text(object, "applies", tun_when_text(row->when));
	put_text(object, "scope", tun_scope_text(row->scope));
	put_text(object, "help", row->help);
	return object;
}

int
ctl_do_show_tunables(struct ctl_request *r)
{
	json_t *list = put_array(r->reply, "tunables");
	const struct tunable_desc *row;
	size_t i;

	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		if (row->count > 0)
			json_array_append_new(list, ctl_tunable_json(r->s->backend->tunables, row));
	}
	return 0;
}

static int
tunable_failed(struct ctl_request *r, int err, const char *why)
{
	const char *code = err == -ENOENT ? CTL_E_UNKNOWN_TUNABLE : CTL_E_REFUSED;

	return ctl_fail(r, code, NULL, "%s", why);
}

/* Append the row of a tunable, known by now to exist, to "tunables". */
static int
put_tunable(struct ctl_request *r, const char *name)
{
	json_t *list = put_array(r->reply, "tunables");

	json_array_append_new(list, ctl_tunable_json(r->s->backend->tunables, tunables_find(name)));
	return 0;
}

/* As sysctl writes it, too: net.ipv4.tcp_sack, net.core.somaxconn. */
static const char *
tunable_arg(const struct ctl_request *r, char buf[32])
{
	static const char *const prefixes[] = { "net.ipv4.", "net.ipv6.", "net.core." };
	const char *name = ctl_arg_text(r, "name", buf);

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	}
	return name;
}

int
ctl_do_get(struct ctl_request *r)
{
	struct tunables copy = *r->s->backend->tunables;
	char why[TUNABLE_ERR_LEN], buf[32];
	const char *name = tunable_arg(r, buf);
	const struct tunable_desc *row = tunables_find(name);

	/* Trying to set a copy finds the words for what is wrong with the name. */
	if (row == NULL || row->count == 0)
		return tunable_failed(
			r, tunables_assign(&copy, name, "", why, sizeof(why)), why);
	return put_tunable(r, name);
}

int
ctl_do_set(struct ctl_request *r)
{
	const struct ctl_backend *b = r->s->backend;
	struct tunables next = *b->tunables;
	char name_buf[32], value_buf[32], why[TUNABLE_ERR_LEN];
	const char *name = tunable_arg(r, name_buf);
	const char *value = ctl_arg_text(r, "value", value_buf);
	int err;

	err = tunables_set(&next, name, value, why, sizeof(why));
	if (err != 0)
		return tunable_failed(r, err, why);
	if (mail_order_all(b->hub, CTL_SET_TUNABLES, &next) != 0)
		return ctl_fail(r, CTL_E_BUSY, "try again",
			"the workers have not yet taken the changes before this one");
	*b->tunables = next;
	return put_tunable(r, name);
}

/* --- reload --------------------------------------------------------------------------------- */

int
ctl_do_reload(struct ctl_request *r)
{
	bool is_dry = ctl_arg_flag(r, "dry-run");
	struct ctl_reload reload;
	int rc = ctl_reload(r->s->backend, is_dry, &reload);

	json_object_set_new(r->reply, "changes", reload.changes);
	put_u64(r->reply, "restarts", reload.restarts);
	put_bool(r->reply, "dry_run", is_dry);
	if (rc == 0)
		return 0;
	return ctl_fail(r, rc == -EAGAIN ? CTL_E_BUSY : CTL_E_CONFIG,
		rc == -EAGAIN  ? "try again"
		: rc == -EPERM ? "sluicectl reload --dry-run shows all; restart sluiced for them"
			       : "nothing was changed; sluiced --check FILE lists all of it",
		"%s", reload.err);
}

/* --- the end -------------------------------------------------------------------------------- */

int
ctl_do_drain(struct ctl_request *r)
{
	if (mail_order_all(r->s->backend->hub, CTL_DRAIN, NULL) != 0)
		return ctl_fail(
			r, CTL_E_BUSY, "try again", "the workers are busy with other orders");
	put_bool(r->reply, "draining", true);
	return 0;
}

int
ctl_do_stop(struct ctl_request *r)
{
	r->s->backend->stop(r->s->backend->ctx);
	put_bool(r->reply, "stopping", true);
	return 0;
}
