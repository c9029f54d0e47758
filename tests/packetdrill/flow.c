/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets to and from the adapter's slots, and numbers as scripts have them. */
#include <stdlib.h>
#include <string.h>

#include "packetdrill/flow.h"

void
flow_learn(struct flow *f, const struct view *v)
{
	const struct view_opt *ts = view_opt_find(&v->opts, VIEW_OPT_TS);

	if (v->flags & VIEW_SYN) {
		f->lport = v->sport;
		f->iss = v->seq;
		f->ts_known = false;
	}
	if (ts != NULL && !f->ts_known) {
		f->ts_base = ts->v[0];
		f->ts_known = true;
	}
	if (ts != NULL)
		f->ts_last = ts->v[0];
}

const char *
flow_text(const struct flow *f, const struct view *v, char *out, size_t cap)
{
	struct view r = *v;

	r.seq -= f->iss;
	r.ack -= f->isn;
	for (unsigned int i = 0; i < r.opts.count; i++) {
		struct view_opt *o = &r.opts.opt[i];

		if (o->kind == VIEW_OPT_TS)
			o->v[0] -= f->ts_base;
		for (unsigned int k = 0; o->kind == VIEW_OPT_SACK && k < 8; k++)
			o->v[k] -= f->isn;
	}
	return view_text(&r, out, cap);
}

int
flow_send(const struct packetdrill_interface *pd, const struct view *v)
{
	uint8_t *buf = malloc(VIEW_BUF_MAX);
	size_t len;
	int err;

	if (buf == NULL)
		abort();
	len = view_build(v, buf, VIEW_BUF_MAX);
	err = pd->netdev_send(pd->ud, buf + FLOW_ETH_LEN, len - FLOW_ETH_LEN);
	free(buf);
	return err;
}

bool
flow_receive(
	const struct packetdrill_interface *pd, uint8_t *bytes, struct view *v, uint64_t *at_us)
{
	long long time_us = 0;
	size_t n = VIEW_BUF_MAX - FLOW_ETH_LEN;
	uint8_t *ip = bytes + FLOW_ETH_LEN;

	if (pd->netdev_receive(pd->ud, ip, &n, &time_us) != 0 || n == 0)
		return false;
	memset(bytes, 0, FLOW_ETH_LEN);
	bytes[5] = 1;
	bytes[11] = 2;
	bytes[12] = ip[0] >> 4 == 4 ? 0x08 : 0x86;
	bytes[13] = ip[0] >> 4 == 4 ? 0x00 : 0xdd;
	view_parse(bytes, n + FLOW_ETH_LEN, v);
	*at_us = (uint64_t)time_us;
	return true;
}
