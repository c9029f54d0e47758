/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet handle: one received or to-be-sent frame, as the pure layers see it. */
#ifndef PKT_PKT_H
#define PKT_PKT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A struct pkt *is* an rte_mbuf where DPDK runs (io/mbuf.c asserts every offset
 * below at compile time and casts), and a heap block of the same shape in tests,
 * simulation and fuzzing, where the buffer has the exact size of the frame.
 * So the seam costs nothing and the pure layers include no DPDK header.
 *
 *      buf                data              data + data_len      buf + buf_len
 *       |--- headroom -----|---- frame -------|------ tailroom -------|
 *
 * Ownership: a function that takes a packet over says so; the owner either
 * passes it on or gives it back with pkt_free().
 */

/** Bits of pkt.ol_flags; the values are DPDK's RTE_MBUF_F_*. */
#define PKT_RX_L4_CSUM_BAD (1ULL << 3)
#define PKT_RX_IP_CSUM_BAD (1ULL << 4)
#define PKT_RX_VLAN_STRIPPED (1ULL << 6)
#define PKT_RX_IP_CSUM_GOOD (1ULL << 7)
#define PKT_RX_L4_CSUM_GOOD (1ULL << 8)
#define PKT_RX_CSUM_MASK                                                                           \
	(PKT_RX_L4_CSUM_BAD | PKT_RX_IP_CSUM_BAD | PKT_RX_IP_CSUM_GOOD | PKT_RX_L4_CSUM_GOOD)
#define PKT_TX_TCP_SEG (1ULL << 50)
#define PKT_TX_TCP_CSUM (1ULL << 52)
#define PKT_TX_IP_CSUM (1ULL << 54)
#define PKT_TX_IPV4 (1ULL << 55)
#define PKT_TX_IPV6 (1ULL << 56)

/** Bits of pkt.app.flags, ours alone. */
#define PKT_F_REPLY_L2 0x0001u	/* reply in place: Ethernet addresses are swapped, not resolved */
#define PKT_F_PSH 0x0002u	/* a write ended with this packet's last byte */
#define PKT_F_SACKED 0x0004u	/* send queue: the peer holds it behind a gap */
#define PKT_F_LOST 0x0008u	/* send queue: a transmission of it was given up */
#define PKT_F_RETRANS 0x0010u	/* send queue: sent again, and that copy is in flight */
#define PKT_F_EOR 0x0020u	/* later data gets a packet of its own */
#define PKT_F_NOW 0x0040u	/* goes out although it is short and more was to follow */
#define PKT_F_MORE 0x0080u	/* its writer said that more follows; see sent_us */
#define PKT_F_CHUNK 0x0100u	/* ends what leaves in a row: PSH, once */
#define PKT_F_CHAINED 0x0200u	/* send queue: nb_segs and seg_next are of a frame that was sent */
#define PKT_F_JOINED 0x0800u	/* the chunk that it left in goes on with the next packet */
#define PKT_F_FIN 0x1000u	/* FIN went with it */
#define PKT_F_REST 0x2000u	/* send queue: what was left of one that was cut; to be filled up */
#define PKT_F_REASK 0x0400u	/* no answer for long: the next hop's address is asked for again */

/** Buffers of a frame, at most: 64 KiB of segments of 1448 bytes. */
#define PKT_CHAIN_MAX 46u

/** Bytes in front of a frame that every pool guarantees; room for the largest header set. */
#define PKT_HEADROOM 128u

struct pkt_pool;

struct pkt {
	/* First line: what a driver fills on receive. */
	uint8_t *buf;		/* start of the buffer */
	uint64_t iova;		/* bus address of buf; io only */
	uint16_t data_off;	/* the frame starts at buf + data_off */
	uint16_t refcnt;	/* holders; see pkt_hold */
	uint16_t nb_segs;	/* buffers of the frame; more than 1 only on the way out */
	uint16_t port;		/* index of the port it came from */
	uint64_t ol_flags;	/* PKT_RX_* / PKT_TX_* */
	uint32_t packet_type;	/* driver's classification; never trusted */
	uint32_t pkt_len;	/* bytes of the whole frame; data_len if it is one buffer */
	uint16_t data_len;	/* bytes of this buffer's frame */
	uint16_t vlan_tci;	/* host order, with PKT_RX_VLAN_STRIPPED */
	uint32_t rss_hash;	/* valid only if the driver says so */
	uint32_t hash_hi;	/* io only */
	uint16_t vlan_tci_outer; /* io only */
	uint16_t buf_len;	/* bytes of the buffer */
	void *mempool;		/* io only */

	/* Second line: transmit offload and our own fields. */
	struct pkt *seg_next;	/* the next buffer of the frame */
	uint64_t tx_offload;	/* l2_len:7 l3_len:9 l4_len:8 tso_segsz:16 */
	void *shinfo;		/* io only */
	uint16_t priv_size;	/* io only */
	uint16_t timesync;	/* io only */
	uint32_t reserved;	/* io only */
	struct {
		struct pkt *next;	/* link of the queue that holds the packet */
		uint32_t seq;		/* sequence number of its first payload byte */
		uint32_t end_seq;	/* send queue: behind its last payload byte */
		/* Low 32 bits of the time of the last transmission; before the first, with
		 * PKT_F_MORE: SND.UNA at that write. */
		uint32_t sent_us;
		uint16_t flags;		/* PKT_F_* */
		uint16_t payload_off;	/* send queue: the payload starts at buf + payload_off */
		uint8_t sends;		/* transmissions so far, saturating */
		uint8_t pad[7];
	} app;			/* a registered dynamic field of the mbuf */
} __attribute__((aligned(64), may_alias));

_Static_assert(sizeof(struct pkt) == 128, "two cache lines, as rte_mbuf");
_Static_assert(offsetof(struct pkt, seg_next) == 64, "second line");
_Static_assert(offsetof(struct pkt, app) == 96, "8-aligned tail of dynfield1");

/** First byte of the frame (or of the payload, once headers were taken off). */
static inline uint8_t *
pkt_data(const struct pkt *p)
{
	return p->buf + p->data_off;
}

static inline void
pkt_set_len(struct pkt *p, uint16_t len_bytes)
{
	p->data_len = len_bytes;
	p->pkt_len = len_bytes;
}

static inline uint16_t
pkt_headroom(const struct pkt *p)
{
	return p->data_off;
}

static inline uint16_t
pkt_tailroom(const struct pkt *p)
{
	return (uint16_t)(p->buf_len - p->data_off - p->data_len);
}

/** Take len_bytes off the front. The caller has checked that they are there. */
static inline void
pkt_pull(struct pkt *p, uint16_t len_bytes)
{
	p->data_off = (uint16_t)(p->data_off + len_bytes);
	pkt_set_len(p, (uint16_t)(p->data_len - len_bytes));
}

/** Extend to the front; returns the new first byte. The caller has checked the headroom. */
static inline uint8_t *
pkt_push(struct pkt *p, uint16_t len_bytes)
{
	p->data_off = (uint16_t)(p->data_off - len_bytes);
	p->data_len = (uint16_t)(p->data_len + len_bytes);
	p->pkt_len += len_bytes;
	return pkt_data(p);
}

/** Forget a frame that p was part of; no driver reads it any more. */
static inline void
pkt_unchain(struct pkt *p)
{
	p->seg_next = NULL;
	p->nb_segs = 1;
}

#endif
