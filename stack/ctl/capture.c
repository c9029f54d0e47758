/* SPDX-License-Identifier: BSD-3-Clause */
/* Lends each worker a tap by mail, and takes it back the same way before the next one. */
#include "ctl/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

/*
 *	FREE --begin--> ON --end--> ENDING --every worker has answered NULL--> FREE
 *
 * A worker writes to its tap from CTL_TAP on until it has answered CTL_TAP with NULL, so that the
 * memory is touched again, or given back, only in FREE or when no worker runs any more.
 */
enum capture_state {
	CAPTURE_FREE,
	CAPTURE_ON,
	CAPTURE_ENDING,
};

struct capture {
	enum capture_state state;
	unsigned int workers;
	uint32_t size; /* of each tap; 0: there are none yet */
	struct tap **taps;
	struct mail *mails; /* one for each worker */
};

struct capture *
capture_create(unsigned int workers)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->workers = workers;
	c->taps = calloc(workers, sizeof(struct tap *));
	c->mails = calloc(workers, sizeof(*c->mails));
	if (c->taps == NULL || c->mails == NULL) {
		capture_destroy(c);
		return NULL;
	}
	return c;
}

static void
taps_free(struct capture *c)
{
	unsigned int i;

	for (i = 0; i < c->workers; i++) {
		free(c->taps[i]);
		c->taps[i] = NULL;
	}
	c->size = 0;
}

void
capture_destroy(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->taps != NULL)
		taps_free(c);
	free(c->taps);
	free(c->mails);
	free(c);
}

/* Memory is kept for the next time, unless that wants another size. */
static int
taps_create(struct capture *c, uint32_t size)
{
	size_t bytes = (tap_bytes(size) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	unsigned int i;

	if (c->size == size)
		return 0;
	taps_free(c);
	for (i = 0; i < c->workers; i++) {
		c->taps[i] = aligned_alloc(CACHE_LINE, bytes);
		if (c->taps[i] == NULL) {
			taps_free(c);
			return -ENOMEM;
		}
	}
	c->size = size;
	return 0;
}

static void
tell(struct mail_hub *hub, unsigned int worker, struct tap *tap)
{
	struct mail *mail = &hub->capture->mails[worker];

	mail->is_used = true;
	mail->msg.op = CTL_TAP;
	mail->msg.worker = worker;
	mail->msg.tap = tap;
	mail_send(hub, mail);
}

int
capture_begin(struct mail_hub *hub, const struct tap_filter *filter, uint32_t snap_len,
	uint32_t size)
{
	struct capture *c = hub->capture;
	uint32_t room = 1;
	unsigned int i;

	while (room < size || room <= TAP_SNAP_MAX + sizeof(struct tap_record))
		room *= 2;
	capture_poll(hub);
	if (c->state != CAPTURE_FREE)
		return -EBUSY;
	if (taps_create(c, room) != 0)
		return -ENOMEM;
	for (i = 0; i < c->workers; i++) {
		tap_init(c->taps[i], room, filter, snap_len);
		tell(hub, i, c->taps[i]);
	}
	c->state = CAPTURE_ON;
	return 0;
}

bool
capture_is_on(const struct mail_hub *hub)
{
	const struct capture *c = hub->capture;
	unsigned int i;

	for (i = 0; i < c->workers; i++) {
		if (c->mails[i].is_away)
			return false;
	}
	return c->state == CAPTURE_ON;
}

int
capture_peek(const struct mail_hub *hub, struct tap_record *out)
{
	const struct capture *c = hub->capture;
	int oldest = -1;
	unsigned int i;

	ASSERT(c->state == CAPTURE_ON);
	for (i = 0; i < c->workers; i++) {
		struct tap_record r;

		if (!tap_peek(c->taps[i], &r) || (oldest >= 0 && out->at_us <= r.at_us))
			continue;
		*out = r;
		oldest = (int)i;
	}
	return oldest;
}

void
capture_take(
	struct mail_hub *hub, unsigned int worker, struct tap_record *out, uint8_t *data)
{
	bool is_there;

	ASSERT(hub->capture->state == CAPTURE_ON);
	ASSERT(worker < hub->workers);
	is_there = tap_take(hub->capture->taps[worker], out, data);
	ASSERT(is_there);
}

uint64_t
capture_lost(const struct mail_hub *hub)
{
	const struct capture *c = hub->capture;
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < c->workers; i++)
		sum += tap_lost(c->taps[i]);
	return sum;
}

void
capture_end(struct mail_hub *hub)
{
	ASSERT(hub->capture->state == CAPTURE_ON);
	hub->capture->state = CAPTURE_ENDING;
	capture_poll(hub);
}

void
capture_poll(struct mail_hub *hub)
{
	struct capture *c = hub->capture;
	bool is_over = true;
	unsigned int i;

	if (c->state != CAPTURE_ENDING)
		return;
	for (i = 0; i < c->workers; i++) {
		struct mail *mail = &c->mails[i];

		if (!mail->is_away && mail->msg.tap != NULL)
			tell(hub, i, NULL);
		is_over = is_over && !mail->is_away;
	}
	if (is_over)
		c->state = CAPTURE_FREE;
}
