/* SPDX-License-Identifier: BSD-3-Clause */
/* The layout of Linux's struct tcp_info (6.18), longer than the C library's headers know. */
#ifndef PACKETDRILL_PD_TCP_INFO_H
#define PACKETDRILL_PD_TCP_INFO_H

#include <stddef.h>
#include <stdint.h>

#define PD_TCPI_TIMESTAMPS 1u
#define PD_TCPI_SACK 2u
#define PD_TCPI_WSCALE 4u
#define PD_TCPI_ECN 8u
#define PD_TCPI_ECN_SEEN 16u
#define PD_TCPI_SYN_DATA 32u
#define PD_TCPI_TFO_CHILD 128u
/* Of delivery_flags; the two bits above it are enum tcp_fastopen_fail. */
#define PD_TCPI_RATE_APP_LIMITED 1u

struct pd_tcp_info {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t wscales; /* of the peer in the low half, ours in the high one */
	uint8_t delivery_flags;
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint16_t accecn_fail_mode, accecn_opt_seen;
};

_Static_assert(sizeof(struct pd_tcp_info) == 280, "as Linux has it");
_Static_assert(offsetof(struct pd_tcp_info, pacing_rate) == 104, "as Linux has it");
_Static_assert(offsetof(struct pd_tcp_info, delivered) == 192, "as Linux has it");

#endif
