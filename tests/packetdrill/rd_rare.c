/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that few sequences have: options with timers of their own, flags of writes, ICMP. */
#include "packetdrill/rd_gen.h"

/* --- one kind each --------------------------------------------------------------------------- */

static uint32_t
write_len(struct rng *rng)
{
	static const struct rd_choice len[] = {
		{ 3, 1 }, { 6, 100 }, { 4, 1000 }, { 3, 1448 }, { 3, 3000 }, { 2, 10000 },
	};

	return (uint32_t)CHOOSE(rng, len);
}

/* A write that is said to go on, what else there is to hold it, and what lets it go. */
static void
more(struct rd_script *s, struct rng *rng)
{
	if (rd_chance(rng, 25))
		rd_add_call(s, rng, rd_chance(rng, 50) ? RD_NODELAY : RD_CORK, 1);
	rd_add_call(s, rng, RD_MORE, write_len(rng));
	if (rd_chance(rng, 25))
		rd_add_call(s, rng, RD_MORE, write_len(rng));
	if (rd_chance(rng, 25))
		rd_add_call(s, rng, rd_chance(rng, 50) ? RD_NODELAY : RD_CORK, rd_chance(rng, 50));
	if (rd_chance(rng, 60))
		rd_add_call(s, rng, RD_WRITE, write_len(rng));
}

static void
end_of_record(struct rd_script *s, struct rng *rng)
{
	rd_add_call(s, rng, RD_EOR, write_len(rng));
	if (rd_chance(rng, 60))
		rd_add_call(s, rng, rd_chance(rng, 30) ? RD_EOR : RD_WRITE, write_len(rng));
}

/* So long that what is timed in seconds falls between two steps. */
static void
silence(struct rd_script *s, struct rng *rng)
{
	rd_add_call(s, rng, RD_WAIT, 1500 + 1000 * rng_below(rng, 4));
}

static void
keepalive(struct rd_script *s, struct rng *rng)
{
	if (rd_chance(rng, 90))
		rd_add_call(s, rng, RD_KEEPIDLE, 1 + rng_below(rng, 2));
	if (rd_chance(rng, 90))
		rd_add_call(s, rng, RD_KEEPINTVL, 1 + rng_below(rng, 2));
	if (rd_chance(rng, 80))
		rd_add_call(s, rng, RD_KEEPCNT, 1 + rng_below(rng, 3));
	rd_add_call(s, rng, RD_KEEPALIVE, rd_chance(rng, 95));
	if (rd_chance(rng, 70))
		silence(s, rng);
}

static void
user_timeout(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice ms[] = {
		{ 2, 300 }, { 2, 700 }, { 2, 1500 }, { 2, 3000 }, { 1, 0 }, { 1, 1 },
	};

	rd_add_call(s, rng, RD_USER_TIMEOUT, (uint32_t)CHOOSE(rng, ms));
	if (rd_chance(rng, 60))
		rd_add_call(s, rng, RD_WRITE, write_len(rng));
	if (rd_chance(rng, 60))
		silence(s, rng);
}

static void
linger2(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice seconds[] = { { 2, -1 }, { 3, 1 }, { 1, 2 }, { 1, 0 } };

	rd_add_call(s, rng, RD_LINGER2, (uint32_t)CHOOSE(rng, seconds));
	if (rd_chance(rng, 50))
		rd_add_call(s, rng, RD_CLOSE, 0);
	if (rd_chance(rng, 30))
		silence(s, rng);
}

static void
lowat(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice bytes[] = {
		{ 2, 1 }, { 2, 1000 }, { 3, 5000 }, { 2, 20000 }, { 1, 0 },
	};

	rd_add_call(s, rng, RD_NOTSENT_LOWAT, (uint32_t)CHOOSE(rng, bytes));
	if (rd_chance(rng, 80))
		rd_add_call(s, rng, RD_WRITE, write_len(rng));
	rd_add_call(s, rng, RD_POLL, 0);
}

static void
icmp(struct rd_script *s, struct rng *rng)
{
	static const struct rd_choice what[] = {
		{ 2, RD_ICMP_NET }, { 2, RD_ICMP_HOST }, { 2, RD_ICMP_PORT },
		{ 1, RD_ICMP_PROHIBITED }, { 6, RD_ICMP_TOO_BIG }, { 2, RD_ICMP_TTL },
	};
	static const struct rd_choice from[] = { { 4, RD_UNA }, { 2, RD_SENT }, { 1, RD_ISS } };
	static const struct rd_choice off[] = {
		{ 8, 0 }, { 2, -1 }, { 2, 1 }, { 1, 500 }, { 1, -500 }, { 1, 0x40000000 },
	};
	static const struct rd_choice mtu[] = {
		{ 1, 40 }, { 1, 68 }, { 1, 296 }, { 1, 551 }, { 1, 552 }, { 1, 576 }, { 2, 1000 },
		{ 2, 1280 }, { 3, 1400 }, { 2, 1492 }, { 1, 1500 }, { 1, 9000 },
	};
	struct rd_step *st = rd_add_call(s, rng, RD_ICMP, 0);

	st->icmp.what = (uint8_t)CHOOSE(rng, what);
	st->icmp.seq_from = (uint8_t)CHOOSE(rng, from);
	st->icmp.seq_off = CHOOSE(rng, off);
	if (st->icmp.what == RD_ICMP_TOO_BIG)
		st->icmp.mtu = (uint16_t)CHOOSE(rng, mtu);
}

/* --- any of them ----------------------------------------------------------------------------- */

void
rd_add_rare(struct rd_script *s, struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		more(s, rng);
		break;
	case 1:
		end_of_record(s, rng);
		break;
	case 2:
		keepalive(s, rng);
		break;
	case 3:
		user_timeout(s, rng);
		break;
	case 4:
		linger2(s, rng);
		break;
	case 5:
		rd_add_call(s, rng, RD_QUICKACK, rd_chance(rng, 50));
		break;
	case 6:
		lowat(s, rng);
		break;
	default:
		icmp(s, rng);
	}
}

void
rd_add_rare_opening(struct rd_script *s, struct rng *rng)
{
	if (rd_chance(rng, 50))
		icmp(s, rng);
	else if (!s->active)
		rd_add_call(s, rng, RD_DEFER_ACCEPT, rng_below(rng, 3));
}
