/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many sequences at a time on the kernel, whose time is real; then each alone on the stack, whose
 * clock is set to the very times at which the kernel was given the steps.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "packetdrill/rd.h"

struct slot {
	struct rd_pair *pair; /* NULL: free */
	unsigned int k; /* the next step */
	uint64_t due_us;
};

static uint64_t
clock_us(const struct packetdrill_interface *pd)
{
	struct timeval tv;

	pd->gettimeofday(pd->ud, &tv, NULL);
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

/* The first step from k on that is kept. */
static unsigned int
next_step(const struct rd_pair *p, unsigned int k)
{
	while (k < p->script.count && !(p->keep >> k & 1))
		k++;
	return k;
}

/* --- the kernel ------------------------------------------------------------------------------ */

static void
drain_kernel(struct rd_world *w, uint8_t *bytes)
{
	uint64_t at_us;
	struct view v;

	while (flow_receive(&w->kernel, bytes, &v, &at_us)) {
		struct rd_pair *p = w->route[v.sport];

		if (v.kind == VIEW_TCP && p != NULL && memcmp(v.dst, p->kernel.peer, 16) == 0)
			rd_side_take(&p->kernel, &v, at_us);
	}
}

static void
start(struct rd_world *w, struct slot *slot, uint64_t now_us)
{
	struct rd_pair *p = slot->pair;

	do
		w->port_next = w->port_next < 10000 || w->port_next == 65535 ?
			10000 :
			(uint16_t)(w->port_next + 1);
	while (w->route[w->port_next] != NULL);
	w->peer_next = w->peer_next % 0xfffff0 + 1;
	rd_side_open(&p->kernel, &w->kernel, &p->script, w->peer_next, w->port_next);
	w->route[w->port_next] = p;
	slot->k = next_step(p, 0);
	slot->due_us = now_us;
}

/* Its time has come. False: it is over. */
static bool
go_on(struct rd_world *w, struct slot *slot)
{
	struct rd_pair *p = slot->pair;
	uint64_t now_us = clock_us(&w->kernel);

	if (p->kernel.start_us != 0)
		rd_side_settle(&p->kernel, p->kernel.at, now_us);
	if (slot->k >= p->script.count) {
		w->route[p->kernel.flow.lport] = NULL;
		rd_side_close(&p->kernel);
		return false;
	}
	rd_side_step(&p->kernel, slot->k, now_us);
	slot->due_us = now_us + 1000u * (uint64_t)p->script.steps[slot->k].gap_ms;
	slot->k = next_step(p, slot->k + 1);
	/* The last one has to settle, too. */
	if (slot->k >= p->script.count && slot->due_us < now_us + 80000)
		slot->due_us = now_us + 80000;
	return true;
}

/* --- the stack ------------------------------------------------------------------------------- */

static void
drain_ours(struct rd_side *s, uint8_t *bytes)
{
	uint64_t at_us;
	struct view v;

	while (flow_receive(s->pd, bytes, &v, &at_us))
		rd_side_take(s, &v, at_us);
}

static void
advance(const struct packetdrill_interface *pd, uint64_t to_us)
{
	uint64_t now_us = clock_us(pd);

	if (now_us < to_us)
		pd->usleep(pd->ud, (useconds_t)(to_us - now_us));
}

static void
play_ours(struct rd_world *w, struct rd_pair *p, uint8_t *bytes)
{
	struct packetdrill_interface pd = { 0 };
	const struct rd_record *rec = p->kernel.rec;
	unsigned int first = next_step(p, 0), k = first;
	uint64_t start_us;

	w->init("mtu=1500 wait=0", &pd);
	rd_side_open(&p->ours, &pd, &p->script, 1, 10000);
	start_us = clock_us(&pd);
	while (k < p->script.count) {
		advance(&pd, start_us + rec[k].at_us - rec[first].at_us);
		drain_ours(&p->ours, bytes);
		rd_side_step(&p->ours, k, start_us + rec[k].at_us - rec[first].at_us);
		drain_ours(&p->ours, bytes);
		advance(&pd, start_us + rec[k].end_us - rec[first].at_us);
		drain_ours(&p->ours, bytes);
		rd_side_settle(&p->ours, k, start_us + rec[k].end_us - rec[first].at_us);
		k = next_step(p, k + 1);
	}
	pd.free(pd.ud);
	p->ours.pd = NULL;
}

/* --- both ------------------------------------------------------------------------------------ */

static struct slot *
earliest(struct slot *slots, unsigned int width)
{
	struct slot *best = NULL;

	for (unsigned int i = 0; i < width; i++)
		if (slots[i].pair != NULL && (best == NULL || slots[i].due_us < best->due_us))
			best = &slots[i];
	return best;
}

static void
finish(struct rd_world *w, struct slot *slot, uint8_t *bytes)
{
	play_ours(w, slot->pair, bytes);
	rd_compare(slot->pair);
}

static void
wait_for(struct rd_world *w, uint64_t due_us, uint8_t *bytes)
{
	uint64_t now_us;

	drain_kernel(w, bytes);
	while ((now_us = clock_us(&w->kernel)) < due_us) {
		w->kernel.usleep(w->kernel.ud, (useconds_t)(due_us - now_us));
		drain_kernel(w, bytes);
	}
}

static struct rd_pair *
fetch(bool (*next)(void *ctx, struct rd_pair *p), void *ctx)
{
	struct rd_pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	if (next(ctx, p))
		return p;
	free(p);
	return NULL;
}

void
rd_wave(struct rd_world *w, unsigned int width, bool (*next)(void *ctx, struct rd_pair *p),
	void (*done)(void *ctx, struct rd_pair *p), void *ctx)
{
	struct slot *slots = calloc(width, sizeof(*slots)), *s;
	uint8_t *bytes = malloc(VIEW_BUF_MAX);
	uint64_t ramp_us = clock_us(&w->kernel);

	if (slots == NULL || bytes == NULL)
		abort();
	for (unsigned int i = 0; i < width; i++) {
		slots[i].pair = fetch(next, ctx);
		if (slots[i].pair == NULL)
			break;
		/* One after the other, so that they do not go in step. */
		start(w, &slots[i], ramp_us + (uint64_t)i * 2000);
	}
	while ((s = earliest(slots, width)) != NULL) {
		wait_for(w, s->due_us, bytes);
		if (go_on(w, s))
			continue;
		drain_kernel(w, bytes);
		finish(w, s, bytes);
		done(ctx, s->pair);
		rd_side_free(&s->pair->kernel);
		rd_side_free(&s->pair->ours);
		free(s->pair);
		s->pair = fetch(next, ctx);
		if (s->pair != NULL)
			start(w, s, clock_us(&w->kernel));
	}
	free(slots);
	free(bytes);
}
