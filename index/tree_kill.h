/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kills: what the merge remembers of a folder that something was taken from. They pass on to
 * folders below as a chain of pointers, so a list costs memory only where something happens.
 */
#ifndef TREE_KILL_H
#define TREE_KILL_H

#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct peel_error;

/**
 * Most kills that one folder may have. Whiteouts and opaque markers are one a layer, so more than a few a layer
 * comes only from a tar that puts a folder and a file in each other's place again and again.
 */
#define KILLS_MAX 4096

/** At this moment a layer hid everything in the folder that is older. */
struct kill {
	int64_t moment;
	enum store_why why;
	int layer;
	/** How many there are from here to the chain's end. */
	uint32_t count;
	const struct kill *next;
};

/** Blocks of kills, freed together. */
struct kill_block {
	struct kill_block *next;
	size_t used;
	struct kill kills[256];
};

/** Open-addressing map from dir.id to its kills; only folders that have any are in it. */
struct kill_map {
	uint32_t *dirs;
	const struct kill **chains;
	size_t room;
	size_t count;
};

/** All kills of a merge. {0} is empty. */
struct kills {
	struct kill_block *blocks;
	struct kill_map map;
};

/**
 * Put a kill before a chain; one of the same moment that is there already is enough. @return 0;
 * PEEL_ENOMEM, PEEL_ELIMIT.
 */
int kills_add(struct kills *kills, int64_t moment, enum store_why why, int layer,
	const struct kill **chain, struct peel_error *err);

/** Keep the chain of a folder; NULL keeps nothing. @return 0; PEEL_ENOMEM. */
int kills_put(struct kills *kills, uint32_t dir, const struct kill *chain, struct peel_error *err);

/** The chain of a folder, NULL: nothing was taken from it. */
const struct kill *kills_get(const struct kills *kills, uint32_t dir);

/** Free all. */
void kills_finish(struct kills *kills);

#endif
