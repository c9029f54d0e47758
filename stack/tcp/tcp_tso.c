/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments that follow each other share a header, and the port cuts them (TSO). */
#include "tcp/tcp_parts.h"

#include "wire/ip6.h"

/*
 * The send queue knows segments only. While tcp_output sends new data, a full segment leads, and
 * those that come right behind it are hung on it instead of getting headers:
 *
 *	txq:	[ headers | payload ] -> [ payload ] -> [ payload ]	one packet, nb_segs 3
 *	          sendq_head                ...           ...		three packets of a segment
 *
 * Their payloads stay where they are. All but the last are of exactly MSS bytes, so the port cuts
 * where the queue does, and what is acknowledged, SACKed, lost and sent again is counted as if each
 * had gone alone. See docs/design/0011.
 *
 * The worker holds the first of a chain only (pkt_free_chain). A driver that gives up a reference
 * which is not the last leaves the link as it was: PKT_F_CHAINED says that it means nothing.
 */

#define IP_LEN_MAX 65535u
#define TCP_FLAGS_OFFSET 13u
#define TSO_SEGSZ_SHIFT 24
/* Ports give these to the last segment alone. */
#define LAST_ONLY (TCP_PSH | TCP_FIN)

void
tcp_tso_begin(struct tcp_stack *stack)
{
	stack->tso.head = NULL;
	stack->tso.is_on = stack->env->tun->gso_max_size > 0;
}

/* The lengths of the whole, with which the port works out those of the pieces. */
static void
write_lengths(struct tcp_stack *stack, struct pkt *p, uint16_t mss)
{
	uint8_t *ip = pkt_data(p);
	uint16_t ip_len = (uint16_t)(p->tx_offload >> 7 & 0x1ff);
	uint16_t csum;
	uint64_t sum;

	if (p->ol_flags & PKT_TX_IPV4) {
		store_be16(ip + 2, (uint16_t)p->pkt_len);
		if (!(p->ol_flags & PKT_TX_IP_CSUM)) {
			memset(ip + 10, 0, 2);
			csum = csum_finish(csum_partial(ip, IP4_HDR_LEN, 0));
			memcpy(ip + 10, &csum, sizeof(csum));
		}
		sum = csum_partial(ip + 12, 8, (uint64_t)IP_PROTO_TCP << 8);
	} else {
		store_be16(ip + 4, (uint16_t)(p->pkt_len - IP6_HDR_LEN));
		sum = csum_partial(ip + 8, 32, (uint64_t)IP_PROTO_TCP << 8);
	}
	/* Of the pseudo header without a length: each piece has its own. */
	csum = csum_fold(sum);
	memcpy(ip + ip_len + TCP_CSUM_OFFSET, &csum, sizeof(csum));
	p->ol_flags |= PKT_TX_TCP_SEG;
	p->tx_offload |= (uint64_t)mss << TSO_SEGSZ_SHIFT;
	stack->env->ctr->TsoPackets++;
	stack->env->ctr->TsoSegs += p->nb_segs;
}

void
tcp_tso_end(struct tcp_stack *stack)
{
	struct tcp_tso *tso = &stack->tso;

	if (tso->head != NULL && tso->head->nb_segs > 1)
		write_lengths(stack, tso->head, tso->mss);
	tso->head = NULL;
	tso->is_on = false;
}

void
tcp_tso_lead(struct tcp_stack *stack, const struct tcp_conn *c, struct pkt *q, const struct pkt *p,
	uint16_t flags, uint8_t ecn)
{
	struct tcp_tso *tso = &stack->tso;

	tcp_tso_end(stack);
	tso->is_on = true;
	if (p->app.end_seq - p->app.seq != c->mss || (flags & TCP_FIN))
		return;
	tso->head = q;
	tso->tail = q;
	tso->mss = c->mss;
	tso->next_seq = p->app.end_seq;
	/* CWR is of the first alone, which is how ports cut it (RFC 3168 s6.1.2). */
	tso->flags = flags & (uint16_t)~(TCP_CWR | LAST_ONLY);
	tso->ecn = ecn;
}

static bool
fits(const struct tcp_stack *stack, const struct tcp_tso *tso, uint32_t len)
{
	uint32_t total = tso->head->pkt_len + len;

	return len <= tso->mss && total <= IP_LEN_MAX &&
		total <= stack->env->tun->gso_max_size && tso->head->nb_segs < PKT_CHAIN_MAX;
}

bool
tcp_tso_join(struct tcp_stack *stack, struct pkt *q, struct pkt *p, uint16_t flags, uint8_t ecn)
{
	struct tcp_tso *tso = &stack->tso;
	struct pkt *head = tso->head;
	const struct pkt_txq *tx = stack->env->tx;

	if (head == NULL || tx->count == 0 || tx->pkts[tx->count - 1] != head ||
		p->app.seq != tso->next_seq || ecn != tso->ecn ||
		(flags & (uint16_t)~LAST_ONLY) != tso->flags || !fits(stack, tso, q->data_len))
		return false;
	head->app.flags |= PKT_F_CHAINED;
	q->app.flags |= PKT_F_CHAINED;
	tso->tail->seg_next = q;
	tso->tail = q;
	tso->next_seq = p->app.end_seq;
	head->nb_segs++;
	head->pkt_len += q->data_len;
	pkt_pool_disown(stack->env->pool, 1);
	/* Pushes in a row become one, at the end (RFC 9293 s3.9.1.2). */
	pkt_data(head)[(head->tx_offload >> 7 & 0x1ff) + TCP_FLAGS_OFFSET] |=
		(uint8_t)(flags & LAST_ONLY);
	if (q->data_len == tso->mss && !(flags & TCP_FIN))
		return true;
	/* Nothing may come behind it. */
	write_lengths(stack, head, tso->mss);
	tso->head = NULL;
	return true;
}
