/* SPDX-License-Identifier: Apache-2.0 */
/** One path's life: its events, played in order. */
#ifndef TREE_PLAY_H
#define TREE_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tree_kill.h"
#include "tree_priv.h"

/** After every entry. */
#define END_OF_TIME INT64_MAX

enum event_kind {
	EVENT_WHITEOUT,
	EVENT_ENTRY,
	EVENT_NEED,
	EVENT_NEED_WHITEOUT,
};

struct event {
	int64_t moment;
	uint64_t id;
	/** Of an entry: as sort_row has them. */
	uint64_t size, content, meta;
	uint8_t kind;
	char type;
	bool sparse;
};

/** What stands at a path at some moment. id 0: nothing. */
struct standing {
	uint64_t id;
	/** As sort_row has them. */
	uint64_t size, content, meta;
	bool implied;
	bool sparse;
	char type;
};

/** All that layers say of one path. */
struct path_group {
	struct tree *tree;
	/** The path, and the row of the folder there (0: no layer names it as one). */
	uint32_t dir;
	char *name;
	size_t name_len, name_room;
	uint32_t child;
	struct event *events;
	size_t event_count, event_room;
	/** What was taken from the folder that holds it. */
	const struct kill *kills;
	struct kills *all_kills;
};

/**
 * Play a group's events; what gets hidden is written to the index.
 * @param ret_what receives what stands in the end. @param below in and out: the kills for what is
 *   inside.
 * @return 0, or less than 0.
 */
int tree_play(struct path_group *group, struct standing *ret_what, const struct kill **below,
	struct peel_error *err);

/** Hide an entry (tree->hidden), and take its bytes off the visible ones. */
int tree_hide(struct tree *tree, const struct standing *what, enum store_why why, int layer,
	struct peel_error *err);

#endif
