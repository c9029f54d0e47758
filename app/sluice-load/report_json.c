/* SPDX-License-Identifier: BSD-3-Clause */
/* The result as JSON; docs/sluice-load.md describes it. */
#include <errno.h>

#include <jansson.h>

#include "report.h"

static void
put(json_t *to, const char *name, uint64_t value)
{
	(void)json_object_set_new(to, name, json_integer((json_int_t)value));
}

static json_t *
counts_json(const struct load_counts *c)
{
	json_t *out = json_object();
	json_t *failures = json_object();

#define STAT(name, help) put(out, #name, c->name);
#include "stats.def"
#undef STAT
	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		if (c->fail[i] > 0)
			put(failures, load_fail_name((enum load_fail)i), c->fail[i]);
	(void)json_object_set_new(out, "failures", failures);
	return out;
}

static json_t *
times_json(const struct hist *h)
{
	json_t *out = json_object();

	put(out, "count", h->count);
	put(out, "mean_ns", hist_mean(h));
	put(out, "p50_ns", hist_quantile(h, 500000));
	put(out, "p90_ns", hist_quantile(h, 900000));
	put(out, "p99_ns", hist_quantile(h, 990000));
	put(out, "p99_9_ns", hist_quantile(h, 999000));
	put(out, "max_ns", h->max_ns);
	return out;
}

static json_t *
stats_json(const char *name, const struct load_stats *s)
{
	json_t *out = json_object();
	uint64_t v[METRIC_COUNT];

	load_metrics(s, v);
	(void)json_object_set_new(out, "name", json_string(name));
	(void)json_object_set_new(out, "counts", counts_json(&s->total));
	(void)json_object_set_new(
		out, "is_complete", json_boolean(load_counts_are_complete(&s->total)));
	put(out, "measured_us", s->measured_us);
	put(out, "concurrent_max", s->open_max);
	put(out, "requests_per_s", v[METRIC_RPS]);
	put(out, "connections_per_s", v[METRIC_CPS]);
	put(out, "in_bits_per_s", v[METRIC_BPS_IN]);
	put(out, "out_bits_per_s", v[METRIC_BPS_OUT]);
	(void)json_object_set_new(out, "connect", times_json(&s->connect));
	(void)json_object_set_new(out, "request", times_json(&s->request));
	return out;
}

static json_t *
criteria_json(const struct load_profile *p, const struct load_result *r)
{
	json_t *out = json_array();
	uint64_t v[METRIC_COUNT];

	load_metrics(&r->total, v);
	for (unsigned int i = 0; i < p->pass.count; i++) {
		const struct criterion *c = &p->pass.row[i];
		json_t *row = json_object();

		(void)json_object_set_new(row, "text", json_string(c->text));
		(void)json_object_set_new(row, "metric", json_string(metric_name(c->metric)));
		put(row, "value", v[c->metric]);
		(void)json_object_set_new(
			row, "is_fulfilled", json_boolean(criterion_holds(c, v)));
		(void)json_array_append_new(out, row);
	}
	return out;
}

static json_t *
stack_json(const struct load_stack *s)
{
	json_t *out = json_object();

	put(out, "rx_packets", s->rx_packets);
	put(out, "tx_packets", s->tx_packets);
	put(out, "rx_drops", s->rx_drops);
	put(out, "retransmitted_segments", s->retransmitted);
	put(out, "busy_us", s->busy_us);
	put(out, "idle_us", s->idle_us);
	return out;
}

int
load_report_json(const struct load_options *options, const struct load_result *r, FILE *out)
{
	const struct load_profile *p = &options->profile;
	json_t *root = json_object();
	json_t *groups = json_array();
	int rc;

	put(root, "schema_version", LOAD_SCHEMA_VERSION);
	(void)json_object_set_new(root, "version", json_string(SLUICE_VERSION));
	put(root, "workers", r->workers);
	put(root, "duration_s", p->duration_s);
	put(root, "ramp_s", p->ramp_s);
	(void)json_object_set_new(root, "is_interrupted", json_boolean(r->is_interrupted));
	(void)json_object_set_new(
		root, "is_pass", json_boolean(load_result_passes(p, r)));
	(void)json_object_set_new(root, "criteria", criteria_json(p, r));
	(void)json_object_set_new(root, "total", stats_json("total", &r->total));
	for (unsigned int i = 0; i < r->group_count; i++)
		(void)json_array_append_new(
			groups, stats_json(p->groups[i].name, &r->groups[i]));
	(void)json_object_set_new(root, "groups", groups);
	(void)json_object_set_new(root, "stack", stack_json(&r->stack));
	rc = json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF &&
			fflush(out) == 0
		? 0
		: -EIO;
	json_decref(root);
	return rc;
}
