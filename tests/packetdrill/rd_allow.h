/* SPDX-License-Identifier: BSD-3-Clause */
/* What the entries of the allow-list look at, and those of rd_allow_send.c. */
#ifndef PACKETDRILL_RD_ALLOW_H
#define PACKETDRILL_RD_ALLOW_H

#include <netinet/tcp.h>
#include <string.h>

#include "packetdrill/rd.h"

static inline bool
before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* The segment of the step; NULL: it is a call. */
static inline const struct rd_seg *
seg_of(const struct rd_pair *p, const struct rd_diff *d)
{
	const struct rd_step *st = &p->script.steps[d->step];

	return st->is_call ? NULL : &st->seg;
}

static inline const struct rd_pkt *
kernel_pkt(const struct rd_pair *p, const struct rd_diff *d)
{
	return &p->kernel.rec[d->step].out[d->pkt];
}

static inline const struct rd_pkt *
our_pkt(const struct rd_pair *p, const struct rd_diff *d)
{
	return &p->ours.rec[d->step].out[d->pkt];
}

static inline bool
is_bare_ack(const struct rd_pkt *k)
{
	return (k->flags & ~VIEW_ECE) == VIEW_ACK && k->len == 0;
}

/* The kernel's state before the step. */
static inline int
state_before(const struct rd_pair *p, const struct rd_diff *d)
{
	for (unsigned int k = d->step; k-- > 0;)
		if (p->kernel.rec[k].played)
			return p->kernel.rec[k].state;
	return -1;
}

/* A step answers within this; later it is a timer that does. */
#define AT_ONCE_US 1500u

/*
 * At step k ours acknowledged at once what waited; in Linux it waited for the timer, after which
 * the next data is acknowledged at once.
 */
static inline bool
acked_sooner(const struct rd_pair *p, unsigned int k)
{
	const struct rd_record *a = &p->kernel.rec[k], *b = &p->ours.rec[k];

	return a->played && !p->script.steps[k].is_call && b->count > 0 &&
		is_bare_ack(&b->out[0]) && b->out[0].at_us <= b->at_us + AT_ONCE_US &&
		(a->count == 0 || a->out[0].at_us > a->at_us + AT_ONCE_US);
}

/* The kernel acknowledges, and ours waits. */
static inline bool
is_ack_missing(const struct rd_pair *p, const struct rd_diff *d)
{
	return d->what == RD_MISSING && is_bare_ack(kernel_pkt(p, d));
}

static inline bool
differ_in_options(const struct rd_pkt *a, const struct rd_pkt *b)
{
	return a->flags == b->flags && a->seq == b->seq && a->ack == b->ack && a->len == b->len &&
		strcmp(a->opts, b->opts) != 0;
}

/* Entries, by the names they have in the list. */
enum rd_verdict rd_window_in_bytes(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_second_of_two_segments(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_joins_from_below(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_in_time_wait(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_cut_elsewhere(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_repairs_before_it_reads(const struct rd_pair *p, const struct rd_diff *d);
enum rd_verdict rd_reset_after_both_fins(const struct rd_pair *p, const struct rd_diff *d);

#endif
