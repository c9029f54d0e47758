/* SPDX-License-Identifier: BSD-3-Clause */
/* Any fragments in any order, against a model of every byte: only what was sent comes out. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/net_bed.h"
#include "net/reass.h"
#include "pkt/pool.h"

/*
 * The first byte: IPv6 or IPv4. Then 4 bytes for each fragment: its place in units of 8 bytes, its
 * length in bytes, what is special about it, seconds before it.
 */
#define IP6 0x01u
#define LAST 0x01u	/* no more fragments */
#define OTHER 0x02u	/* another datagram of the same source */
#define CHANGED 0x04u	/* other bytes than are right there */
#define STRANGER 0x08u	/* from another source */
#define FAR 0x10u	/* much further behind */

#define LEN 9000u
#define DATAGRAMS 4u
/* More fragments add nothing but time. */
#define FRAGMENTS 100u

static struct net_bed bed;

/* What was sent of each datagram, ever: which of its bytes, with which of the two contents. */
static uint8_t sent[DATAGRAMS][LEN][2];

static uint8_t
byte_at(size_t at, bool changed)
{
	return (uint8_t)(at * 3 + at / 256 + (changed ? 1 : 0));
}

/* Every byte of what came out was sent, and the headers are those of the first fragment. */
static void
check_whole(const struct pkt *p, const struct reass_row *row, uint8_t (*bytes)[2])
{
	size_t hdr = 14 + (size_t)row->ip_hdr_len;
	const uint8_t *data = pkt_data(p) + hdr;

	FUZZ_CHECK(row->total > 0 && row->got == row->total);
	FUZZ_CHECK(p->data_len == hdr + row->total && p->pkt_len == p->data_len);
	FUZZ_CHECK(pkt_data(p)[0] == 0xee && pkt_data(p)[hdr - 1] == 0xee);
	for (size_t i = 0; i < row->total; i++)
		FUZZ_CHECK((bytes[i][0] && data[i] == byte_at(i, false)) ||
			(bytes[i][1] && data[i] == byte_at(i, true)));
}

static void
feed(bool v6, const uint8_t *op)
{
	static uint8_t data[256], frame[14 + 40];
	bool changed = (op[2] & CHANGED) != 0;
	unsigned int which = (op[2] & OTHER ? 1 : 0) + (op[2] & STRANGER ? 2 : 0);
	struct ip_addr src = net_bed_addr(op[2] & STRANGER ? (v6 ? FAR_IP6 : FAR_IP) :
							      (v6 ? PEER_IP6 : PEER_IP));
	struct reass_fragment f = {
		.frame = frame,
		.data = data,
		.offset = (uint16_t)(op[0] * 8 + (op[2] & FAR ? 6000 : 0)),
		.len = op[1],
		.ip_hdr_len = v6 ? 40 : 20,
		.ecn = op[2] >> 6,
		.more = (op[2] & LAST) == 0,
	};
	struct pkt *whole = NULL;
	struct reass_row row;
	unsigned int out;

	/* What does not pass the parsers. */
	if (f.more)
		f.len &= 0xf8;
	if (f.len == 0)
		return;
	memset(frame, f.offset == 0 ? 0xee : 0x11, sizeof(frame));
	for (size_t i = 0; i < f.len; i++) {
		data[i] = byte_at(f.offset + i, changed);
		sent[which][f.offset + i][changed] = 1;
	}
	bed.env.now_us += op[3] * 1000000ull;
	net_bed_advance(&bed, 0);
	reass_key_make(f.key, &src, 1, op[2] & OTHER ? 7 : 8, 6);
	out = reass_add(&bed.net.reass, &bed.env, &f, &row, &whole);
	FUZZ_CHECK((out == OUTCOME_MAX) == (whole != NULL));
	if (whole != NULL) {
		check_whole(whole, &row, sent[which]);
		pkt_free(bed.env.pool, whole);
	}
	net_bed_discard(&bed);
	FUZZ_CHECK(bed.ctr.ReasmInUse == bed.net.reass.used && bed.net.reass.used <= DATAGRAMS);
	FUZZ_CHECK(bed.pkts.pool.held <= bed.net.reass.used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 1 + 4 * FRAGMENTS)
		return 0;
	memset(sent, 0, sizeof(sent));
	net_bed_init(&bed);
	/* A buffer of a large MTU, so that all units of the map are used. */
	bed.pkts.room = LEN;
	bed.pkts.pool.payload_max = LEN;
	for (size_t i = 1; i + 4 <= size; i += 4)
		feed((data[0] & IP6) != 0, data + i);
	net_bed_advance(&bed, 200000000);
	FUZZ_CHECK(bed.ctr.ReasmInUse == 0);
	net_bed_fini(&bed);
	return 0;
}
