/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences from a seed: an opening, then whatever comes, around where the connection is. */
#include <stdio.h>
#include <string.h>

#include "packetdrill/rd_gen.h"

/* Long enough for any delayed ACK (40 ms and a tick), so that it falls between two steps. */
#define GAP_LEAST_MS 60u
#define GAP_SPREAD_MS 25u

int32_t
rd_choose(struct rng *rng, const struct rd_choice *c, size_t n)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += c[i].weight;
	at = rng_below(rng, sum);
	for (size_t i = 0; i < n; i++) {
		if (at < c[i].weight)
			return c[i].value;
		at -= c[i].weight;
	}
	return c[0].value;
}

bool
rd_chance(struct rng *rng, uint32_t percent)
{
	return rng_below(rng, 100) < percent;
}

static uint16_t
gap(struct rng *rng)
{
	if (rd_chance(rng, 20))
		return 0;
	return (uint16_t)(GAP_LEAST_MS + rng_below(rng, GAP_SPREAD_MS) +
		(rd_chance(rng, 8) ? 150 : 0));
}

static struct rd_step *
add(struct rd_script *s, struct rng *rng)
{
	struct rd_step *st = &s->steps[s->count < RD_STEPS_MAX - 1 ? s->count++ : s->count];

	memset(st, 0, sizeof(*st));
	st->gap_ms = gap(rng);
	return st;
}

struct rd_step *
rd_add_call(struct rd_script *s, struct rng *rng, enum rd_call call, uint32_t arg)
{
	struct rd_step *st = add(s, rng);

	st->is_call = true;
	st->call = call;
	st->arg = arg;
	/* Waiting is all that it does. */
	if (call == RD_WAIT)
		st->gap_ms = (uint16_t)arg;
	return st;
}

/* A segment that nobody could object to. */
static struct rd_seg *
add_good(struct rd_script *s, struct rng *rng, uint8_t flags, uint16_t len)
{
	struct rd_step *st = add(s, rng);

	st->seg.flags = flags;
	st->seg.len = len;
	st->seg.wnd = 65535;
	st->seg.ts = s->has_ts ? RD_TS_NOW : RD_TS_NONE;
	st->seg.syn_opts = (flags & VIEW_SYN) != 0;
	if (flags & VIEW_SYN)
		st->seg.seq_from = RD_ISN;
	return &st->seg;
}

/* --- one segment of any kind ----------------------------------------------------------------- */

static void
random_seq(struct rng *rng, struct rd_seg *g)
{
	static const struct rd_choice from[] = {
		{ 62, RD_NEXT }, { 12, RD_ACKED }, { 18, RD_EDGE }, { 8, RD_ISN },
	};
	static const struct rd_choice next[] = {
		{ 50, 0 }, { 6, -1 }, { 6, 1 }, { 8, -100 }, { 4, -1460 }, { 4, -3000 },
		{ 6, 100 }, { 8, 1460 }, { 5, 3000 }, { 3, 10000 },
	};
	static const struct rd_choice edge[] = {
		{ 3, -1 }, { 4, 0 }, { 3, 1 }, { 2, -100 }, { 2, 1000 }, { 2, 100000 },
	};
	static const struct rd_choice isn[] = {
		{ 5, 0 }, { 5, 1 }, { 2, -1 }, { 1, -100000 }, { 1, 0x40000000 },
		{ 1, -0x40000000 },
	};

	g->seq_from = (uint8_t)CHOOSE(rng, from);
	if (g->seq_from == RD_EDGE)
		g->seq_off = CHOOSE(rng, edge);
	else if (g->seq_from == RD_ISN)
		g->seq_off = CHOOSE(rng, isn);
	else
		g->seq_off = CHOOSE(rng, next);
}

static void
random_ack(struct rng *rng, struct rd_seg *g)
{
	static const struct rd_choice from[] = { { 75, RD_SENT }, { 18, RD_UNA }, { 7, RD_ISS } };
	static const struct rd_choice sent[] = {
		{ 70, 0 }, { 5, 1 }, { 5, -1 }, { 5, -500 }, { 4, -1448 }, { 3, 1000 },
		{ 3, 100000 }, { 1, 0x40000000 },
	};
	static const struct rd_choice una[] = {
		{ 10, 0 }, { 3, 1 }, { 3, 500 }, { 3, -1 }, { 2, -3000 }, { 2, -100000 },
	};
	static const struct rd_choice iss[] = { { 3, 0 }, { 3, 1 }, { 1, -0x40000000 } };

	g->ack_from = (uint8_t)CHOOSE(rng, from);
	if (g->ack_from == RD_SENT)
		g->ack_off = CHOOSE(rng, sent);
	else if (g->ack_from == RD_UNA)
		g->ack_off = CHOOSE(rng, una);
	else
		g->ack_off = CHOOSE(rng, iss);
}

static void
random_ts(struct rng *rng, const struct rd_script *s, struct rd_seg *g)
{
	static const struct rd_choice ts[] = {
		{ 85, RD_TS_NOW }, { 1, RD_TS_NONE }, { 4, RD_TS_OLD }, { 5, RD_TS_ANCIENT },
		{ 2, RD_TS_ZERO }, { 3, RD_TS_FUTURE },
	};
	static const struct rd_choice ecr[] = {
		{ 86, RD_TS_NOW }, { 4, RD_TS_OLD }, { 3, RD_TS_ANCIENT }, { 4, RD_TS_ZERO },
		{ 3, RD_TS_FUTURE },
	};

	if (!s->has_ts && !rd_chance(rng, 2))
		return;
	g->ts = (uint8_t)CHOOSE(rng, ts);
	g->ecr = (uint8_t)CHOOSE(rng, ecr);
}

static void
random_segment(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice flags[] = {
		{ 42, VIEW_ACK }, { 10, VIEW_ACK | VIEW_PSH }, { 9, VIEW_ACK | VIEW_FIN },
		{ 3, VIEW_ACK | VIEW_FIN | VIEW_PSH }, { 6, VIEW_RST }, { 5, VIEW_RST | VIEW_ACK },
		{ 7, VIEW_SYN }, { 5, VIEW_SYN | VIEW_ACK }, { 3, 0 }, { 2, VIEW_FIN },
		{ 1, VIEW_SYN | VIEW_FIN }, { 1, VIEW_SYN | VIEW_RST },
		{ 1, VIEW_FIN | VIEW_RST | VIEW_ACK }, { 1, VIEW_SYN | VIEW_FIN | VIEW_ACK },
		{ 2, VIEW_ACK | VIEW_ECE }, { 2, VIEW_ACK | VIEW_CWR },
	};
	static const struct rd_choice len[] = {
		{ 42, 0 }, { 8, 1 }, { 12, 100 }, { 6, 536 }, { 10, 1000 }, { 12, 1440 },
	};
	static const struct rd_choice wnd[] = {
		{ 55, 65535 }, { 8, 0 }, { 4, 1 }, { 6, 500 }, { 6, 1460 }, { 6, 5000 },
		{ 6, 30000 },
	};
	static const struct rd_choice sack[] = {
		{ 80, RD_SACK_NONE }, { 7, RD_SACK_TAIL }, { 7, RD_SACK_MIDDLE },
		{ 3, RD_SACK_OLD }, { 3, RD_SACK_BOGUS },
	};
	struct rd_seg *g = &add(s, rng)->seg;

	g->flags = (uint8_t)CHOOSE(rng, flags);
	g->len = (uint16_t)CHOOSE(rng, len);
	/* A SYN or RST with data is rare. */
	if ((g->flags & (VIEW_SYN | VIEW_RST)) && !rd_chance(rng, 10))
		g->len = 0;
	g->syn_opts = (g->flags & VIEW_SYN) && rd_chance(rng, 85);
	g->wnd = (uint16_t)CHOOSE(rng, wnd);
	/* Linux takes urgent data out of the stream: it ends the comparison. */
	if (rng_below(rng, 250) == 0) {
		g->flags |= VIEW_URG;
		g->urg = (uint16_t)(1 + rng_below(rng, 200));
	}
	g->tos = s->has_ecn && g->len > 0 ? (rd_chance(rng, 20) ? 3 : 2) : 0;
	random_seq(rng, g);
	random_ack(rng, g);
	random_ts(rng, s, g);
	if (s->has_sack && (g->flags & VIEW_ACK)) {
		g->sack = (uint8_t)CHOOSE(rng, sack);
		g->sack_len = rd_chance(rng, 70) ? 1448 : (uint16_t)(1 + rng_below(rng, 3000));
	}
}

/* --- calls ----------------------------------------------------------------------------------- */

static void
random_call(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice call[] = {
		{ 24, RD_READ }, { 30, RD_WRITE }, { 3, RD_SHUT_RD }, { 5, RD_SHUT_WR },
		{ 2, RD_SHUT_RDWR }, { 5, RD_CLOSE }, { 4, RD_NODELAY }, { 4, RD_CORK },
		{ 2, RD_LINGER }, { 4, RD_ERROR }, { 6, RD_POLL }, { 5, RD_WAIT },
		{ 6, RD_ACCEPT },
	};
	static const struct rd_choice read_len[] = {
		{ 2, 1 }, { 2, 100 }, { 2, 1000 }, { 6, 65536 },
	};
	static const struct rd_choice write_len[] = {
		{ 3, 1 }, { 6, 100 }, { 4, 1000 }, { 3, 1448 }, { 3, 3000 }, { 4, 10000 },
		{ 1, 20000 },
	};
	enum rd_call c = (enum rd_call)CHOOSE(rng, call);
	uint32_t arg = 0;

	if (c == RD_READ)
		arg = (uint32_t)CHOOSE(rng, read_len);
	else if (c == RD_WRITE)
		arg = (uint32_t)CHOOSE(rng, write_len);
	else if (c == RD_NODELAY || c == RD_CORK)
		arg = rd_chance(rng, 65);
	else if (c == RD_WAIT)
		arg = 60 + rng_below(rng, 300);
	else if (c == RD_ACCEPT && s->active)
		c = RD_POLL;
	rd_add_call(s, rng, c, arg);
}

/* --- openings -------------------------------------------------------------------------------- */

static void
maybe_random(struct rd_script *s, struct rng *rng, uint32_t percent)
{
	if (rd_chance(rng, 1))
		rd_add_rare_opening(s, rng);
	if (rd_chance(rng, percent))
		random_segment(s, rng);
}

static void
open_passive(struct rd_script *s, struct rng *rng)
{
	maybe_random(s, rng, 8);
	if (rd_chance(rng, 97))
		add_good(s, rng, VIEW_SYN | (s->has_ecn ? VIEW_ECE | VIEW_CWR : 0), 0);
	maybe_random(s, rng, 15);
	if (rd_chance(rng, 93))
		add_good(s, rng, VIEW_ACK, rd_chance(rng, 15) ? 100 : 0);
	maybe_random(s, rng, 15);
	if (rd_chance(rng, 92))
		rd_add_call(s, rng, RD_ACCEPT, 0);
}

static void
open_active(struct rd_script *s, struct rng *rng)
{
	if (rd_chance(rng, 97))
		rd_add_call(s, rng, RD_CONNECT, 0);
	maybe_random(s, rng, 20);
	if (rd_chance(rng, 12)) {
		add_good(s, rng, VIEW_SYN, 0);
		maybe_random(s, rng, 20);
	}
	if (rd_chance(rng, 92))
		add_good(s, rng, VIEW_SYN | VIEW_ACK | (s->has_ecn ? VIEW_ECE : 0), 0);
	if (rd_chance(rng, 40))
		rd_add_call(s, rng, RD_CONNECT, 0);
}

static void
random_options(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice mss[] = {
		{ 50, 1460 }, { 15, 536 }, { 10, 1000 }, { 5, 9000 }, { 4, 88 }, { 6, 0 },
	};

	s->mss = (uint16_t)CHOOSE(rng, mss);
	s->wscale = rd_chance(rng, 70) ? (int8_t)rng_below(rng, 15) : -1;
	s->has_sack = rd_chance(rng, 75);
	s->has_ts = rd_chance(rng, 60);
	s->has_ecn = rd_chance(rng, 10);
	/* Near the wrap now and then. */
	s->isn = rd_chance(rng, 25) ? UINT32_MAX - rng_below(rng, 3000) : rng_u32(rng);
	s->ts_first = rd_chance(rng, 10) ? UINT32_MAX - rng_below(rng, 1000) : rng_u32(rng);
}

void
rd_generate(struct rd_script *s, uint64_t seed, uint64_t number)
{
	static const struct rd_choice body[] = {
		{ 80, 0 }, { 24, 1 }, { 20, 2 }, { 76, 3 }, { 3, 4 },
	};
	unsigned int n;
	struct rng rng;

	memset(s, 0, sizeof(*s));
	rng_seed(&rng, seed ^ number * 0x9e3779b97f4a7c15ULL);
	s->seed = seed;
	s->number = number;
	s->ip6 = rd_chance(&rng, 20);
	s->active = rd_chance(&rng, 35);
	random_options(s, &rng);
	if (s->active)
		open_active(s, &rng);
	else
		open_passive(s, &rng);
	n = 5 + rng_below(&rng, 18);
	for (unsigned int i = 0; i < n; i++) {
		switch (CHOOSE(&rng, body)) {
		case 0:
			random_segment(s, &rng);
			break;
		case 1:
			add_good(s, &rng, VIEW_ACK | VIEW_PSH,
				(uint16_t)(1 + rng_below(&rng, RD_PAYLOAD_MAX - 60)));
			break;
		case 2:
			add_good(s, &rng, VIEW_ACK, 0);
			break;
		case 3:
			random_call(s, &rng);
			break;
		default:
			rd_add_rare(s, &rng);
		}
	}
}
