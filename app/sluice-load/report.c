/* SPDX-License-Identifier: BSD-3-Clause */
/* The block of each second and the table at the end. */
#include <inttypes.h>
#include <stdlib.h>

#include "report.h"
#include "text.h"

#define US_PER_S 1000000u

static uint64_t
per_s(uint64_t count, uint64_t us)
{
	return us > 0 ? (uint64_t)((double)count * US_PER_S / (double)us) : 0;
}

/* Of a change of a counter; the cells of a running worker may lag behind each other. */
static const char *
rate(uint64_t before, uint64_t now, uint64_t us, char buf[LOAD_TEXT_LEN])
{
	return load_text_rate(now > before ? per_s(now - before, us) : 0, buf);
}

static unsigned int
busy_percent(const struct load_stack *before, const struct load_stack *now)
{
	uint64_t busy = now->busy_us - before->busy_us;
	uint64_t all = busy + now->idle_us - before->idle_us;

	return all > 0 ? (unsigned int)(busy * 100 / all) : 0;
}

void
load_report_interval(const struct load_interval *iv, FILE *out)
{
	const struct load_counts *a = &iv->before->total, *b = &iv->now->total;
	const struct load_stack *sa = iv->stack_before, *sb = iv->stack_now;
	struct hist *h = malloc(sizeof(*h));
	char t[5][LOAD_TEXT_LEN];
	uint64_t us = iv->length_us;

	if (h == NULL)
		return;
	hist_since(h, &iv->now->request, &iv->before->request);
	fprintf(out, "seconds  %4" PRIu64 " of %-6" PRIu64 " open     %-10s", iv->at_s, iv->of_s,
		load_text_count(iv->now->open, t[0]));
	fprintf(out, " opened/s   %-9s closed/s  %-9s failed %s\n",
		rate(a->conns_established, b->conns_established, us, t[0]),
		rate(a->conns_closed + a->conns_aborted, b->conns_closed + b->conns_aborted, us,
			t[1]),
		load_text_count(b->conns_failed, t[2]));
	fprintf(out, "requests/s %-11s p50      %-10s p99        %-9s p99.9     %-9s max    %s\n",
		rate(a->requests_done, b->requests_done, us, t[0]),
		load_text_time(hist_quantile(h, 500000), t[1]),
		load_text_time(hist_quantile(h, 990000), t[2]),
		load_text_time(hist_quantile(h, 999000), t[3]), load_text_time(h->max_ns, t[4]));
	fprintf(out, "in b/s   %-13s out b/s  %-10s",
		rate(a->bytes_in * 8, b->bytes_in * 8, us, t[0]),
		rate(a->bytes_out * 8, b->bytes_out * 8, us, t[1]));
	fprintf(out, " pktRx/s    %-9s pktTx/s   %-9s retr/s %s  busy %u%%\n\n",
		rate(sa->rx_packets, sb->rx_packets, us, t[0]),
		rate(sa->tx_packets, sb->tx_packets, us, t[1]),
		rate(sa->retransmitted, sb->retransmitted, us, t[2]), busy_percent(sa, sb));
	(void)fflush(out);
	free(h);
}

/* --- the table ------------------------------------------------------------------------------- */

static void
print_counts(const char *name, const struct load_counts *c, FILE *out)
{
	char t[LOAD_TEXT_LEN];

	fprintf(out, "%-12.12s", name);
	fprintf(out, " %11s", load_text_count(c->conns_started, t));
	fprintf(out, " %11s", load_text_count(c->conns_established, t));
	fprintf(out, " %11s", load_text_count(c->conns_closed, t));
	fprintf(out, " %9s", load_text_count(c->conns_aborted, t));
	fprintf(out, " %9s |", load_text_count(c->conns_failed, t));
	fprintf(out, " %12s", load_text_count(c->requests_done, t));
	fprintf(out, " %9s", load_text_count(c->requests_failed, t));
	fprintf(out, " %9s", load_text_count(c->requests_cancelled, t));
	fprintf(out, " %9s\n", load_text_count(c->requests_unsent, t));
}

static void
print_times(const char *name, const char *what, const struct hist *h, FILE *out)
{
	static const uint32_t ppm[] = { 500000, 900000, 990000, 999000 };
	char t[LOAD_TEXT_LEN];

	if (h->count == 0)
		return;
	fprintf(out, "%-12.12s %-8s %12s", name, what, load_text_count(h->count, t));
	fprintf(out, " %9s", load_text_time(hist_mean(h), t));
	for (unsigned int i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++)
		fprintf(out, " %9s", load_text_time(hist_quantile(h, ppm[i]), t));
	fprintf(out, " %9s\n", load_text_time(h->max_ns, t));
}

static void
print_rates(const char *name, const struct load_stats *s, FILE *out)
{
	uint64_t v[METRIC_COUNT];
	char t[LOAD_TEXT_LEN];

	load_metrics(s, v);
	fprintf(out, "%-12.12s %11s", name, load_text_rate(v[METRIC_RPS], t));
	fprintf(out, " %13s", load_text_rate(v[METRIC_CPS], t));
	fprintf(out, " %11s", load_text_rate(v[METRIC_BPS_IN], t));
	fprintf(out, " %11s", load_text_rate(v[METRIC_BPS_OUT], t));
	fprintf(out, " %12s\n", load_text_count(v[METRIC_OPEN_MAX], t));
}

static void
print_fails(const struct load_counts *c, FILE *out)
{
	char t[LOAD_TEXT_LEN];

	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		if (c->fail[i] > 0)
			fprintf(out, "failed       %11s  %s: %s\n", load_text_count(c->fail[i], t),
				load_fail_name((enum load_fail)i),
				load_fail_help((enum load_fail)i));
}

static void
print_criteria(const struct load_profile *p, const struct load_result *r, FILE *out)
{
	uint64_t v[METRIC_COUNT];
	char t[LOAD_TEXT_LEN];

	if (p->pass.count == 0) {
		if (!load_result_passes(p, r))
			fputs("\nFAIL: nothing was answered\n", out);
		return;
	}
	load_metrics(&r->total, v);
	fputc('\n', out);
	for (unsigned int i = 0; i < p->pass.count; i++) {
		const struct criterion *c = &p->pass.row[i];

		fprintf(out, "%-12s %s: it is %s\n", criterion_holds(c, v) ? "fulfilled" : "FAILED",
			c->text,
			metric_is_time(c->metric) ? load_text_time(v[c->metric], t)
						  : load_text_count(v[c->metric], t));
	}
	fprintf(out, "%s\n", load_result_passes(p, r) ? "PASS" : "FAIL");
}

void
load_report_table(const struct load_options *options, const struct load_result *r, FILE *out)
{
	const struct load_profile *p = &options->profile;
	bool several = r->group_count > 1;
	char t[LOAD_TEXT_LEN];

	fprintf(out, "%-12s %11s %11s %11s %9s %9s | %12s %9s %9s %9s\n", "connections", "started",
		"opened", "closed", "aborted", "failed", "requests", "failed", "cancelled",
		"unsent");
	for (unsigned int i = 0; several && i < r->group_count; i++)
		print_counts(p->groups[i].name, &r->groups[i].total, out);
	print_counts(several ? "total" : p->groups[0].name, &r->total.total, out);
	print_fails(&r->total.total, out);
	if (!load_counts_are_complete(&r->total.total))
		fputs("the account is open: these numbers do not add up\n", out);
	fprintf(out, "\n%-12s %11s %13s %11s %11s %12s\n", "rates", "requests/s", "connections/s",
		"in b/s", "out b/s", "concurrent");
	for (unsigned int i = 0; several && i < r->group_count; i++)
		print_rates(p->groups[i].name, &r->groups[i], out);
	print_rates(several ? "total" : p->groups[0].name, &r->total, out);
	fprintf(out, "\n%-12s %-8s %12s %9s %9s %9s %9s %9s %9s\n", "latency", "of", "count",
		"mean", "p50", "p90", "p99", "p99.9", "max");
	for (unsigned int i = 0; i < r->group_count; i++) {
		print_times(p->groups[i].name, "connect", &r->groups[i].connect, out);
		print_times(p->groups[i].name, "request", &r->groups[i].request, out);
	}
	fprintf(out, "\nstack        packets in %s", load_text_count(r->stack.rx_packets, t));
	fprintf(out, ", out %s", load_text_count(r->stack.tx_packets, t));
	fprintf(out, ", dropped %s", load_text_count(r->stack.rx_drops, t));
	fprintf(out, "; segments retransmitted %s\n", load_text_count(r->stack.retransmitted, t));
	if (r->is_interrupted)
		fputs("interrupted by a signal before its time was over\n", out);
	print_criteria(p, r, out);
}

bool
load_result_passes(const struct load_profile *profile, const struct load_result *result)
{
	uint64_t values[METRIC_COUNT];

	/* Nobody said what is good; that all failed is not. */
	if (profile->pass.count == 0)
		return result->total.total.requests_done > 0 ||
			result->total.total.conns_failed == 0;
	load_metrics(&result->total, values);
	for (unsigned int i = 0; i < profile->pass.count; i++)
		if (!criterion_holds(&profile->pass.row[i], values))
			return false;
	return true;
}
