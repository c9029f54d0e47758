/* SPDX-License-Identifier: BSD-3-Clause */
/* The invariants notice what they are there for. */
#include "unit/tcp_unit.h"

/* In a frame of its own, since the assertion comes back by longjmp. */
static void
assert_noticed(struct tcp_bed *bed)
{
	expect_assert_failure(tcp_check_invariants(bed->stack, &bed->env));
}

enum damage {
	SND_UNA_AHEAD,
	SND_NXT_BEHIND_SENDQ,
	WRITE_SEQ_OFF,
	RECVQ_BYTES_OFF,
	RCV_ADV_BACK,
	RCV_ACKED_AHEAD,
	OOO_FLAG_LOST,
	RUN_IN_FRONT,
	REXMIT_LOST,
	CWND_TINY,
	RTO_ZERO,
	CONNS_USED_OFF,
	SYNQ_USED_OFF,
	DAMAGES,
};

static void
damage(struct tcp_bed *bed, struct tcp_conn *c, enum damage what)
{
	struct tcp_cold *cold = tcp_cold(bed->stack, c);

	switch (what) {
	case SND_UNA_AHEAD: c->snd_una = c->snd_nxt + 1; break;
	case SND_NXT_BEHIND_SENDQ: c->snd_nxt--; break;
	case WRITE_SEQ_OFF: c->write_seq++; break;
	case RECVQ_BYTES_OFF: c->recvq_bytes++; break;
	case RCV_ADV_BACK: c->rcv_adv = c->rcv_nxt - 1; break;
	case RCV_ACKED_AHEAD: c->rcv_acked = c->rcv_nxt + 1; break;
	case OOO_FLAG_LOST: c->flags &= ~TF_OOO; break;
	case RUN_IN_FRONT: cold->ooo->start = c->rcv_nxt; break;
	case REXMIT_LOST: c->timers &= (uint8_t)~TT_REXMIT; break;
	case CWND_TINY: c->cwnd = c->mss - 1u; break;
	case RTO_ZERO: cold->rto_ms = 0; break;
	case CONNS_USED_OFF: bed->stack->conns_used++; break;
	case SYNQ_USED_OFF: bed->stack->synq_used++; break;
	case DAMAGES: break;
	}
}

static void
each_kind_of_damage_is_noticed(void **state)
{
	static const uint8_t data[20000];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	c = bed_peer_conn(&p);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 20000, 0), 20000);
	tcp_bed_flush(bed);
	bed_peer_send(&p, TCP_ACK, 10);
	bed_peer_send_at(&p, 10, 0, TCP_ACK, 10);
	for (unsigned int i = 0; i < DAMAGES; i++) {
		struct tcp_conn conn = *c;
		struct tcp_cold cold = *tcp_cold(bed->stack, c);
		struct tcp_range run = *cold.ooo;
		struct tcp_stack stack = *bed->stack;

		damage(bed, c, (enum damage)i);
		assert_noticed(bed);
		*bed->stack = stack;
		*c = conn;
		*tcp_cold(bed->stack, c) = cold;
		*cold.ooo = run;
		tcp_check_invariants(bed->stack, &bed->env);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(each_kind_of_damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
