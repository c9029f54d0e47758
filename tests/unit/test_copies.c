/* SPDX-License-Identifier: BSD-3-Clause */
/* How often payload is copied, counted at memcpy() and memmove(): not at all, or as was said. */
#include "unit/tcp_unit.h"

#define SEGMENTS 8u
#define SEGMENT 1448u
#define BYTES (SEGMENTS * SEGMENT)
/* A header is shorter than this, a payload here is not. */
#define PAYLOAD_MIN 100u

void *__real_memcpy(void *to, const void *from, size_t len);
void *__real_memmove(void *to, const void *from, size_t len);
void *__wrap_memcpy(void *to, const void *from, size_t len);
void *__wrap_memmove(void *to, const void *from, size_t len);

static bool is_counting;
static size_t copied_bytes;

static void
count(size_t len)
{
	if (is_counting && len >= PAYLOAD_MIN)
		copied_bytes += len;
}

void *
__wrap_memcpy(void *to, const void *from, size_t len)
{
	count(len);
	return __real_memcpy(to, from, len);
}

void *
__wrap_memmove(void *to, const void *from, size_t len)
{
	count(len);
	return __real_memmove(to, from, len);
}

static void
begin(void)
{
	copied_bytes = 0;
	is_counting = true;
}

static size_t
end(void)
{
	is_counting = false;
	return copied_bytes;
}

/* Segments of len bytes in order, as one burst; only what the engine does with them is counted. */
static void
receive(struct bed_peer *p, uint16_t len)
{
	static const uint8_t frame[2048];
	struct tcp_bed *bed = p->bed;
	struct tcp_seg segs[SEGMENTS];
	struct pkt *pkts[SEGMENTS];

	for (unsigned int i = 0; i < SEGMENTS; i++) {
		segs[i] = bed_peer_seg(p, TCP_ACK, len);
		pkts[i] = test_pkts_wrap(&bed->pkts, bed->env.pool, frame,
			(size_t)segs[i].payload_off + len);
		p->seq += len;
	}
	is_counting = true;
	tcp_input_burst(bed->stack, &bed->env, segs, pkts, SEGMENTS);
	tcp_flush(bed->stack, &bed->env);
	is_counting = false;
}

static void
reach(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
}

static void
received_packets_are_read_without_a_copy(void **state)
{
	struct tcp_bed *bed = *state;
	size_t total = 0;
	struct bed_peer p;
	struct pkt *pkt;

	reach(&p, bed);
	copied_bytes = 0;
	receive(&p, SEGMENT);
	is_counting = true;
	while (tcp_recv_pkt(bed->stack, &bed->env, p.h, &pkt) > 0) {
		total += pkt->data_len;
		pkt_free(bed->env.pool, pkt);
	}
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(end(), 0);
	assert_int_equal(total, BYTES);
}

static void
received_data_is_copied_once_into_the_owners_memory(void **state)
{
	static uint8_t room[2 * BYTES];
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	reach(&p, bed);
	copied_bytes = 0;
	receive(&p, SEGMENT);
	assert_int_equal(copied_bytes, 0);
	is_counting = true;
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, room, sizeof(room)), BYTES);
	assert_int_equal(end(), BYTES);
}

/* docs/memory.md: what fills its buffers badly is packed, once. */
static void
little_segments_that_wait_are_copied_once_more(void **state)
{
	static uint8_t room[BYTES];
	const uint16_t little = 256;
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	reach(&p, bed);
	bed->pkts.tail = 2048;
	copied_bytes = 0;
	receive(&p, little);
	assert_in_range(copied_bytes, 1, (SEGMENTS - 1) * little);
	is_counting = true;
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, room, sizeof(room)),
		SEGMENTS * little);
	assert_in_range(end(), SEGMENTS * little, 2 * SEGMENTS * little);
}

static void
sent_packets_are_not_copied(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	reach(&p, bed);
	begin();
	for (unsigned int i = 0; i < SEGMENTS; i++) {
		struct pkt *pkt = pkt_alloc(bed->env.pool);

		pkt_set_len(pkt, SEGMENT);
		assert_int_equal(tcp_send_pkt(bed->stack, &bed->env, p.h, pkt, 0), SEGMENT);
	}
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(end(), 0);
	assert_in_range(tcp_bed_discard(bed), SEGMENTS - 1, SEGMENTS);
}

static void
sent_bytes_are_copied_once(void **state)
{
	static uint8_t data[BYTES];
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	reach(&p, bed);
	begin();
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0), BYTES);
	tcp_flush(bed->stack, &bed->env);
	assert_int_equal(end(), BYTES);
	assert_in_range(tcp_bed_discard(bed), SEGMENTS, SEGMENTS + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(received_packets_are_read_without_a_copy),
		BED_TEST(received_data_is_copied_once_into_the_owners_memory),
		BED_TEST(little_segments_that_wait_are_copied_once_more),
		BED_TEST(sent_packets_are_not_copied),
		BED_TEST(sent_bytes_are_copied_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
