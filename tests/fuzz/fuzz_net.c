/* SPDX-License-Identifier: BSD-3-Clause */
/* Any frame through the net layer: exactly one outcome each, nothing leaked, bounds kept. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/net_bed.h"

/*
 * The first byte says how things are when the frame, the rest, arrives. The test bed checks the
 * outcome of every frame and that what is said of a TCP segment holds.
 */
#define VLAN 0x01u	/* VLAN 5 instead of untagged frames */
#define STRIPPED 0x02u	/* the port took that tag out */
#define TRUSTED 0x04u	/* the port says that the checksums are right, and is believed */
#define REPAIRED 0x08u	/* the checksums are made right */
#define ASKING 0x10u	/* packets wait for the peer's MAC address */
#define KNOWN 0x20u	/* the peer has answered, more than a second ago */
#define NO_PKTS 0x40u	/* no packet can be allocated */
#define SECONDARY 0x80u /* another worker speaks for the addresses */

static struct net_bed bed;

/* Make the checksums right, as far as the frame is one that has them. */
static void
repair(struct frame *f)
{
	static const uint8_t ip4_type[2] = { 0x08, 0 }, ip6_type[2] = { 0x86, 0xdd };

	if (f->len < 14 + 40)
		return;
	f->l3 = 14;
	if (memcmp(f->b + 12, ip4_type, 2) == 0) {
		f->ip_version = 4;
		f->proto = f->b[23];
		f->l4 = 14 + (size_t)(f->b[14] & 15) * 4;
	} else if (memcmp(f->b + 12, ip6_type, 2) == 0) {
		f->ip_version = 6;
		f->proto = f->b[20];
		f->l4 = 14 + 40;
	}
	if (f->l4 + 20 <= f->len)
		frame_checksums(f);
}

static void
learn_peer(void)
{
	struct frame f;

	net_bed_output(&bed, PEER_IP, 10);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0806);
	if (bed.par.vlan != 0)
		frame_vlan(&f, 0x8100, bed.par.vlan);
	frame_arp(&f, 2, PEER_MAC, PEER_IP, OUR_MAC, OUR_IP);
	FUZZ_CHECK(net_bed_input(&bed, &f) == OUT_ARP_CONSUMED);
	net_bed_advance(&bed, 2 * NEIGH_SETTLED_US);
}

/*
 * The frame twice. On an untagged port one that says "tag 0 taken out" is the same frame, but goes
 * the general way: where one of the two is a segment the other must be the same one.
 */
static void
feed_both_ways(const struct frame *f, uint64_t flags)
{
	struct tcp_seg first_seg;
	unsigned int first, second;
	bool has_tag = f->len > 14 && (f->b[12] == 0x81 || f->b[12] == 0x88);

	memset(&bed.seg, 0, sizeof(bed.seg));
	first = net_bed_input_flags(&bed, f->b, f->len, flags, NULL);
	first_seg = bed.seg;
	memset(&bed.seg, 0, sizeof(bed.seg));
	second = net_bed_input_flags(&bed, f->b, f->len, flags ^ PKT_RX_VLAN_STRIPPED, NULL);
	if (bed.par.vlan != 0 || has_tag || (first != OUTCOME_MAX && second != OUTCOME_MAX))
		return;
	FUZZ_CHECK(first == second);
	FUZZ_CHECK(memcmp(&first_seg, &bed.seg, sizeof(first_seg)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f = { .len = 0 };
	unsigned int how;

	if (size < 1 || size > FRAME_MAX)
		return 0;
	how = data[0];
	net_bed_prepare(&bed);
	bed.par.vlan = how & VLAN ? 5 : 0;
	bed.par.trust_rx_csum = (how & TRUSTED) != 0;
	bed.par.primary = (how & SECONDARY) == 0;
	net_bed_start(&bed);
	if (how & KNOWN)
		learn_peer();
	else if (how & ASKING)
		net_bed_output(&bed, PEER_IP, 10);
	if (how & NO_PKTS)
		bed.pkts.size = 0;
	frame_data(&f, data + 1, size - 1);
	if (how & REPAIRED)
		repair(&f);
	feed_both_ways(&f, (how & STRIPPED ? PKT_RX_VLAN_STRIPPED : 0) | PKT_RX_CSUM_MASK);
	/* Longer than a fragment waits for the others. */
	net_bed_advance(&bed, 100000000);
	FUZZ_CHECK(net_poll_at(&bed.net) == UINT64_MAX);
	FUZZ_CHECK(bed.tx.count <= 16);
	FUZZ_CHECK(bed.ctr.ReasmInUse == 0);
	net_bed_fini(&bed);
	return 0;
}
