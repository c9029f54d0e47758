/* SPDX-License-Identifier: BSD-3-Clause */
/* Applications of the simulation, written against the public API, that check every byte. */
#ifndef SIM_APPS_H
#define SIM_APPS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/flows.h"
#include "sim/sim.h"
#include "sluice/sluice.h"

/*
 * A client names its connection in the first 16 bytes it sends (a record's number and seed), so
 * that both ends share one record of what was sent and what arrived: I-1 is checked against what
 * the other end really handed to its stack, not against what it planned.
 */

#define APP_PORT 7
#define APP_HEADER_LEN 16u

/** How one end of a connection behaves; drawn from the seed for each. */
struct app_style {
	uint32_t chunk; /* bytes per call at most */
	uint32_t write_gap_ms; /* pause after each write; 0: none */
	uint32_t read_gap_ms; /* the same after each read: a slow reader */
	uint64_t stall_at; /* after that many bytes it neither reads nor writes */
	uint32_t stall_ms;
	uint64_t abort_at; /* resets after that many bytes, both ways; UINT64_MAX: never */
	uint64_t close_at; /* closes after that many bytes, whatever is unread */
	bool zero_copy;
	bool nodelay;
	bool half_close; /* shuts its writing down as soon as all is sent */
	uint32_t rcvbuf; /* SO_RCVBUF; 0: left alone */
	uint32_t sndbuf;
	int cc; /* number of a congestion control, -1: left alone */
	bool keepalive, cork;
};

/** One end, as its application knows it. */
struct app_end {
	struct app_rec *rec; /* NULL at a server until the header has been read */
	struct app_world *world;
	struct sim_node *node;
	struct app_slot *slot; /* a client's: opens the next one */
	sluice_conn conn;
	bool is_client;
	bool open; /* from accept or connect until closed was called */
	bool fin_sent, eof_read;
	bool aborted; /* ended early by itself */
	bool gave_up; /* reset by itself because nothing moved */
	bool closed_self;
	bool lost; /* with its whole machine */
	bool had_no_port; /* its own stack did not open it, or had no memory for it */
	bool is_refused; /* a client: the server knew nothing of it, with reason */
	bool has_waited; /* for the other's FIN, closed and for as long as it had to */
	bool is_swallowed; /* when it ended, by a black hole that nobody looked for */
	bool is_stuck; /* when it ended, segments still came and nothing moved */
	uint16_t port; /* the client's, for messages */
	struct flow_id id; /* as its node's watcher knows the connection */
	uint64_t begin_us, end_us;
	int err; /* of the closed callback */
	uint64_t sent, received; /* header not counted */
	unsigned int header_done; /* bytes of the header sent or read */
	uint8_t header[APP_HEADER_LEN];
	uint64_t read_at_us, write_at_us, progress_us;
	bool stalled;
};

/** One of the connections a client keeps open, one after the other. */
struct app_slot {
	struct app_world *world;
	struct sim_node *node;
	uint16_t idx;
	bool serves; /* no client: where connections are accepted */
	struct app_slot *next;
};

struct app_rec {
	uint32_t id;
	uint64_t seed;
	bool ip6;
	bool echo;
	uint64_t want[2]; /* bytes the client and the server send; echo: equal */
	struct app_style style[2];
	struct app_end *end[2]; /* client; server, NULL until it has read the header */
};

/** What the connections of a scenario look like; probabilities in ppm. */
struct app_mix {
	uint64_t bytes_max; /* of one direction; sizes are spread over the decades */
	uint64_t bytes_min; /* smaller ones are made as large as this */
	uint32_t chunk_max; /* bytes per call; 0: any */
	uint32_t echo_ppm;
	uint32_t abort_ppm; /* each end */
	uint32_t close_early_ppm;
	uint32_t stall_ppm;
	uint32_t stall_ms_max;
	uint32_t slow_reader_ppm;
	uint32_t slow_writer_ppm;
	uint32_t zero_copy_ppm;
	uint32_t small_rcvbuf_ppm;
	uint32_t options_ppm; /* other options, each */
	uint32_t ip6_ppm;
	bool any_cc; /* each end has a congestion control of its own */
	uint32_t gap_ms_max; /* between two connections of one slot */
	uint32_t parallel; /* connections a client keeps open */
	uint16_t fixed_lport; /* slot i opens from this port + i; 0: the stack chooses */
	bool simultaneous; /* both ends open actively, to each other's port */
	bool may_time_out; /* ETIMEDOUT and giving up are correct ends here */
	bool may_fail_open; /* refused for want of memory or queue space, and tried again */
	bool may_come_again; /* with cookies the first segment of a dead connection opens another */
	bool may_be_shed; /* who holds packets without reading is reset when there are none */
	uint32_t idle_ms; /* an end gives up when nothing moved for so long */
	int backlog;
	int syncookies; /* -1: the tunable decides */
};

struct app_stats {
	uint64_t started, finished, refused;
	uint64_t exact, excused; /* both ends whole; not, with an error that is right */
	uint64_t bytes; /* received and compared */
};

struct app_world {
	struct sim *sim;
	struct rng *rng; /* of what the applications do; the simulation's unless set */
	uint16_t port; /* of its servers */
	const struct app_mix *mix;
	struct app_rec **recs;
	uint32_t rec_count, rec_cap;
	struct app_end **ends;
	uint32_t end_count, end_cap;
	struct sim_node *servers[SIM_NODES_MAX];
	unsigned int server_count;
	uint64_t stop_us; /* no new connections from then on */
	uint32_t open_ends;
	struct app_slot *slots;
	struct app_stats stats;
};

void app_world_init(struct app_world *w, struct sim *sim, const struct app_mix *mix);
void app_world_fini(struct app_world *w);

/** Listen on node. */
void app_serve(struct app_world *w, struct sim_node *node);

/** Keep mix->parallel connections to the servers open from node, from now on. */
void app_start_clients(struct app_world *w, struct sim_node *node);

/** The machine of node has lost everything: nobody there hears of it. */
void app_machine_lost(struct app_world *w, const struct sim_node *leader);
/** And serves again what it served before. */
void app_machine_started(struct app_world *w, struct sim_node *leader);

/** The applications of a worker die; their stack resets what they had. */
void app_abort_all(struct app_world *w, struct sim_node *node);

/** Are all ends closed? */
bool app_is_quiet(const struct app_world *w);

/** After the run: every record ended as it should; fills in exact and aborted of the counts. */
void app_check_records(struct app_world *w);

/** ends.c: an end of a connection that was just accepted or is being opened. */
struct app_end *app_end_new(struct app_world *w, struct sim_node *node, bool is_client);
extern const struct sluice_ops app_ops;
/** The end is closed; its slot may go on. */
void app_on_closed(struct app_end *e);

/** Byte off of the stream a seed names. */
void app_fill(uint64_t seed, uint64_t off, uint8_t *buf, size_t len);
bool app_matches(uint64_t seed, uint64_t off, const uint8_t *buf, size_t len);

#endif
