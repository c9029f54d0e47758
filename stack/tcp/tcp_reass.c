/* SPDX-License-Identifier: BSD-3-Clause */
/* Data behind a gap: runs of contiguous packets, by sequence (RFC 9293 SHLD-31, RFC 2018). */
#include "tcp/tcp_parts.h"

/*
 * Threat model: tiny segments at every other sequence number (SegmentSmack). Runs, not segments,
 * are walked; a connection has at most TCP_RANGES_PER_CONN, all connections of a worker share
 * tcp_params.ranges_max, and data beyond either is dropped and counted: the peer sends it again.
 * A packet costs its whole buffer of the receive buffer, and small ones within a run are packed: so
 * a run takes data without taking buffers, which it may when no more of them are to be had.
 *
 * What is held was SACKed, and who threw it away would be sent it again only after a timeout: data
 * that finds no place is refused, also where it is nearer than what has one.
 *
 *	ooo -> [start, end) -> [start, end) -> NULL	ends never touch the next start
 *	        | head .. tail: packets in order, linked by app.next
 */
void
tcp_range_free(struct tcp_stack *stack, struct tcp_range *r)
{
	r->next = stack->range_free;
	stack->range_free = r;
	stack->ranges_used--;
}

struct tcp_range *
tcp_range_new(struct tcp_stack *stack)
{
	struct tcp_range *r = stack->range_free;

	if (r == NULL)
		return NULL;
	stack->range_free = r->next;
	stack->ranges_used++;
	return r;
}

static void
free_pkts(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	struct pkt *next;

	for (; p != NULL; p = next) {
		next = p->app.next;
		tcp_mem_give_rcv(stack, tcp_cold(stack, c));
		pkt_free(stack->env->pool, p);
	}
}

void
tcp_reass_prune(struct tcp_stack *stack, struct tcp_conn *c, unsigned int keep)
{
	struct tcp_range **link = &tcp_cold(stack, c)->ooo;
	struct tcp_range *r;

	while (keep-- > 0 && *link != NULL)
		link = &(*link)->next;
	while ((r = *link) != NULL) {
		*link = r->next;
		free_pkts(stack, c, r->head);
		tcp_range_free(stack, r);
	}
	if (tcp_cold(stack, c)->ooo == NULL)
		c->flags &= ~TF_OOO;
}

void
tcp_reass_free(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_reass_prune(stack, c, 0);
}

static unsigned int
count_runs(const struct tcp_range *r)
{
	unsigned int n = 0;

	for (; r != NULL; r = r->next)
		n++;
	return n;
}

unsigned int
tcp_reass_runs(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return count_runs(tcp_cold(stack, c)->ooo);
}

/* Cut len bytes off the front of what rx brings. */
static void
cut_front(struct tcp_rx *rx, uint32_t len)
{
	rx->seq += len;
	rx->len -= len;
	rx->payload_off += len;
}

/* The first packet of r is copied where it is small, or gaps of a byte would fill the queue. */
static void
pack_head(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *tail, struct tcp_range *r)
{
	struct pkt *p = r->head;

	if (tail == NULL || p == NULL || !tcp_text_pack_pkt(stack, tcp_cold(stack, c), tail, p))
		return;
	r->head = p->app.next;
	if (r->head == NULL)
		r->tail = NULL;
	p->app.next = NULL;
	free_pkts(stack, c, p);
}

/* r now reaches its successor: one run. */
static void
join_next(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range *r)
{
	struct tcp_range *n = r->next;

	if (n == NULL || r->end != n->start)
		return;
	pack_head(stack, c, r->tail, n);
	if (n->head != NULL) {
		if (r->tail != NULL)
			r->tail->app.next = n->head;
		else
			r->head = n->head;
		r->tail = n->tail;
	}
	r->end = n->end;
	r->fin |= n->fin;
	r->stamp = seq32_max(r->stamp, n->stamp);
	r->next = n->next;
	tcp_range_free(stack, n);
}

/* Within its own limit the connection may keep one more buffer behind a gap. */
static bool
has_place(const struct tcp_stack *stack, const struct tcp_cold *cold)
{
	return cold->rmem < tcp_rcv_limit(stack, cold);
}

/*
 * rx starts exactly at r's end and stops before or at the next run. What fits into r's last buffer
 * is taken in any case; a run without one is new, and found to have place. False: some is left.
 */
static bool
append(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range *r, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t end = rx->seq + rx->len;
	bool fin = (rx->flags & TCP_FIN) != 0;

	if (rx->len > 0 && !tcp_text_pack(stack, cold, r->tail, rx)) {
		struct pkt *p;

		if (r->tail != NULL && !has_place(stack, cold)) {
			r->end = rx->seq;
			return false;
		}
		p = tcp_take_payload(rx);
		tcp_mem_take_rcv(stack, cold);
		if (r->tail != NULL)
			r->tail->app.next = p;
		else
			r->head = p;
		r->tail = p;
	}
	r->end = end;
	r->fin |= fin;
	r->stamp = ++stack->range_stamp;
	join_next(stack, c, r);
	return true;
}

/* A run of its own behind prev (NULL: first). */
static bool
insert(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range **link, struct tcp_rx *rx,
	unsigned int runs)
{
	bool may = runs < TCP_RANGES_PER_CONN && has_place(stack, tcp_cold(stack, c));
	struct tcp_range *r = may ? tcp_range_new(stack) : NULL;

	if (r == NULL)
		return false;
	*r = (struct tcp_range){ .start = rx->seq, .end = rx->seq, .next = *link };
	*link = r;
	return append(stack, c, r, rx);
}

static void
refuse(struct tcp_stack *stack, struct tcp_rx *rx)
{
	stack->env->ctr->TCPOFODrop++;
	rx->outcome = OUT_OOO_LIMIT;
}

/*
 * What rx brings that is held already, by r: told to the peer, and r with it (RFC 2883 s4: the
 * second block is the run that holds the duplicate).
 */
static void
report(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range *r, const struct tcp_rx *rx)
{
	uint32_t start = seq32_max(rx->seq, r->start);
	uint32_t end = rx->seq + rx->len + ((rx->flags & TCP_FIN) != 0);

	/* A FIN is a number like any other. */
	if (seq32_gt(end, r->end + r->fin))
		end = r->end + r->fin;
	if (seq32_geq(start, end))
		return;
	r->stamp = ++stack->range_stamp;
	tcp_report_duplicate(stack, c, start, end - start);
}

/*
 * Runs that rx covers whole give way to it: it has all that they have. What was SACKed must not be
 * lost (RFC 2018 s8), so only where rx will find place.
 */
static void
give_way(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range **link,
	const struct tcp_rx *rx)
{
	struct tcp_range *r;

	if (!has_place(stack, tcp_cold(stack, c)))
		return;
	while ((r = *link) != NULL && !r->fin && seq32_leq(r->end, rx->seq + rx->len)) {
		*link = r->next;
		free_pkts(stack, c, r->head);
		tcp_range_free(stack, r);
		stack->env->ctr->TCPOFOMerge++;
	}
}

/*
 * Bytes already held are kept and the new copies cut away, but where the new data goes on behind
 * them.
 */
void
tcp_reass_add(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_range **link = &cold->ooo;
	struct tcp_range *prev = NULL;
	unsigned int runs = 0;
	uint32_t from;

	if (tcp_notes(stack, c) != NULL)
		tcp_notes(stack, c)->rcv_ooopack++;
	if (!tcp_mem_admits_ooo(stack, c)) {
		refuse(stack, rx);
		return;
	}
	for (; *link != NULL && seq32_leq((*link)->start, rx->seq); link = &(*link)->next) {
		prev = *link;
		runs++;
	}
	/* One report is all there is: of two runs overlapped the first one's stands. */
	if (*link != NULL)
		report(stack, c, *link, rx);
	if (prev != NULL && seq32_lt(rx->seq, prev->end + prev->fin)) {
		report(stack, c, prev, rx);
		if (seq32_lt(rx->seq, prev->end))
			cut_front(rx, min_u32(prev->end - rx->seq, rx->len));
	}
	/* A FIN amid held data contradicts it, and nothing follows a FIN: a broken peer. */
	if (prev != NULL && (seq32_lt(rx->seq, prev->end) || prev->fin)) {
		stack->env->ctr->TCPOFOMerge++;
		rx->outcome = prev->fin && rx->len > 0 ? OUT_AFTER_FIN : OUT_OLD_DUPLICATE;
		return;
	}
	give_way(stack, c, link, rx);
	from = rx->seq;
	if (*link != NULL && seq32_gt(rx->seq + rx->len, (*link)->start)) {
		rx->len = (*link)->start - rx->seq;
		rx->flags &= (uint16_t)~TCP_FIN;
		stack->env->ctr->TCPOFOMerge++;
	}
	if (rx->len == 0 && !(rx->flags & TCP_FIN)) {
		stack->env->ctr->TCPOFOMerge++;
		rx->outcome = OUT_OLD_DUPLICATE;
		return;
	}
	/* The wait for the first gap to close begins. */
	if (cold->ooo == NULL)
		cold->last_data_ms = stack->env->now_ms;
	if (prev != NULL && prev->end == rx->seq) {
		stack->env->ctr->OfoRunsVisited += runs;
		if (!append(stack, c, prev, rx) && prev->end == from) {
			refuse(stack, rx);
			return;
		}
	} else {
		runs += count_runs(*link);
		stack->env->ctr->OfoRunsVisited += runs;
		if (!insert(stack, c, link, rx, runs)) {
			refuse(stack, rx);
			return;
		}
	}
	c->flags |= TF_OOO;
	stack->env->ctr->TCPOFOQueue++;
	rx->outcome = OUT_OOO_QUEUED;
}

/* Drop from the front of r what has meanwhile arrived in order. */
static void
trim(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range *r, uint32_t rcv_nxt)
{
	while (r->head != NULL && seq32_lt(r->head->app.seq, rcv_nxt)) {
		struct pkt *p = r->head;
		uint32_t dup = rcv_nxt - p->app.seq;

		if (dup < p->data_len) {
			pkt_pull(p, (uint16_t)dup);
			p->app.seq = rcv_nxt;
			break;
		}
		r->head = p->app.next;
		if (r->head == NULL)
			r->tail = NULL;
		tcp_mem_give_rcv(stack, tcp_cold(stack, c));
		pkt_free(stack->env->pool, p);
	}
	r->start = rcv_nxt;
}

static void
to_recvq(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_range *r)
{
	c->recvq_bytes += r->end - c->rcv_nxt;
	c->rcv_nxt = r->end;
	if (r->head == NULL)
		return;
	tcp_raise(stack, c, TCP_EV_READABLE);
	pack_head(stack, c, c->recvq_tail, r);
	if (r->head == NULL)
		return;
	if (c->recvq_tail == NULL)
		c->recvq_head = r->head;
	else
		c->recvq_tail->app.next = r->head;
	c->recvq_tail = r->tail;
}

bool
tcp_reass_merge(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool fin = false;

	while (cold->ooo != NULL && seq32_leq(cold->ooo->start, c->rcv_nxt) && !fin) {
		struct tcp_range *r = cold->ooo;

		/* What the gap was filled with came twice where it overlaps (RFC 2883 s4.2); one
		 * report is all there is, the first one's. */
		if (seq32_lt(r->start, c->rcv_nxt) && !(c->flags & TF_DSACK))
			tcp_report_duplicate(stack, c, r->start,
				min_u32(c->rcv_nxt - r->start, r->end - r->start));
		if (seq32_lt(r->end, c->rcv_nxt) || (r->end == c->rcv_nxt && !r->fin)) {
			free_pkts(stack, c, r->head);
		} else {
			trim(stack, c, r, c->rcv_nxt);
			if (c->flags & TF_RD_SHUT) {
				free_pkts(stack, c, r->head);
				tcp_cold(stack, c)->rcv_space_seq += r->end - c->rcv_nxt;
				c->rcv_nxt = r->end;
			} else {
				to_recvq(stack, c, r);
			}
			fin = r->fin;
		}
		cold->ooo = r->next;
		tcp_range_free(stack, r);
	}
	if (cold->ooo == NULL)
		c->flags &= ~TF_OOO;
	return fin;
}

/* Put r among the n latest, in order; the oldest falls out where max are there. */
static unsigned int
keep_latest(const struct tcp_range **latest, unsigned int n, unsigned int max,
	const struct tcp_range *r)
{
	unsigned int at = n;

	while (at > 0 && seq32_lt(latest[at - 1]->stamp, r->stamp))
		at--;
	if (at == max)
		return n;
	if (n < max)
		n++;
	for (unsigned int i = n - 1; i > at; i--)
		latest[i] = latest[i - 1];
	latest[at] = r;
	return n;
}

void
tcp_report_duplicate(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint32_t len)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (len == 0 || !(c->flags & TF_SACK) || !stack->env->tun->tcp_dsack)
		return;
	c->flags |= TF_DSACK;
	cold->dsack_seq = seq;
	cold->dsack_len = (uint16_t)len;
	if (seq32_lt(seq, c->rcv_nxt))
		stack->env->ctr->TCPDSACKOldSent++;
	else
		stack->env->ctr->TCPDSACKOfoSent++;
}

/* RFC 2018 s4: the run with the latest segment first, then those that grew before it. */
static unsigned int
runs_held(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t blocks[][2],
	unsigned int max)
{
	const struct tcp_range *latest[TCP_SACK_BLOCKS_MAX];
	unsigned int n = 0, visited = 0;

	ASSERT(max <= TCP_SACK_BLOCKS_MAX);
	for (const struct tcp_range *r = tcp_cold(stack, c)->ooo; r != NULL; r = r->next) {
		visited++;
		if (r->start != r->end || r->fin)
			n = keep_latest(latest, n, max, r);
	}
	stack->env->ctr->OfoRunsVisited += visited;
	for (unsigned int i = 0; i < n; i++) {
		blocks[i][0] = latest[i]->start;
		blocks[i][1] = latest[i]->end + latest[i]->fin;
	}
	return n;
}

/*
 * RFC 2883 s4: what came twice is the first block, once; then what is held behind gaps, the run
 * with the duplicate first if it has one (whoever found it made it the latest).
 */
unsigned int
tcp_reass_sack(const struct tcp_stack *stack, struct tcp_conn *c, uint32_t blocks[][2],
	unsigned int room)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	unsigned int n = 0;

	if (room == 0)
		return 0;
	if (c->flags & TF_DSACK) {
		c->flags &= ~TF_DSACK;
		blocks[0][0] = cold->dsack_seq;
		blocks[0][1] = cold->dsack_seq + cold->dsack_len;
		n = 1;
	}
	return n + runs_held(stack, c, blocks + n, room - n);
}
