/* SPDX-License-Identifier: BSD-3-Clause */
/* What asking for frames and drawing them share. */
#ifndef SLUICECTL_TOP_H
#define SLUICECTL_TOP_H

#include <jansson.h>
#include <stddef.h>

#include "cli.h"
#include "ctl/commands.h"

/** The answers one frame is made of; the flows only on their page. */
enum top_part {
	TOP_VERSION,
	TOP_STATS,
	TOP_PART_CORES,
	TOP_PART_PORTS,
	TOP_PART_DROPS,
	TOP_PART_FLOWS,
	TOP_PART_COUNT,
};

/** Connections looked at for the busiest: bounds what a frame costs the daemon. */
#define TOP_FLOWS_MAX 1000u

struct top_frame {
	json_t *now[TOP_PART_COUNT];
	json_t *before[TOP_PART_COUNT];
};

enum top_page {
	TOP_OVERVIEW,
	TOP_CORES,
	TOP_PORTS,
	TOP_DROPS,
	TOP_FLOWS,
	TOP_HELP,
	TOP_PAGE_COUNT,
};

/** Keys beyond letters, as top_key() takes them. */
#define TOP_UP '\001'
#define TOP_DOWN '\002'
#define TOP_ESCAPE '\033'

/** What keys change. */
struct top_state {
	enum top_page page;
	unsigned int sort; /* which of the page's orders */
	size_t first; /* rows passed over by the arrows */
	size_t rows; /* that fit below the title */
};

void top_key(struct top_state *state, char key);

void top_draw(const struct cli *cli, const struct top_frame *f, const struct top_state *state);

/** The line at the bottom of a terminal. */
void top_draw_status(const struct top_state *state);

#endif
