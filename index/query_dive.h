/* SPDX-License-Identifier: Apache-2.0 */
/** One path in all layers as dive's trees have it (query_dive_group.c), and the walk over them (query_dive_walk.c). */
#ifndef QUERY_DIVE_H
#define QUERY_DIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/waste.h>

#include "query_pieces.h"
#include "query_waste.h"

/** What one layer's tree has at a path. */
struct dive_node {
	int layer;
	/** A node of this name, with a header of a folder; a whiteout of it. */
	bool there, folder, whiteout;
	/** Row that said so last; -1: none did. */
	int64_t id;
	uint64_t size;
};

/** A whiteout of a path, and the bytes below the path in what the layers before it come to. */
struct dive_white {
	int layer;
	uint64_t sum;
};

/** A path. {0} is empty; free with dive_group_finish. */
struct dive_group {
	/** The nearest folder above it that has whiteouts. */
	const struct dive_group *above;
	char *name;
	size_t name_len, name_room;
	/** By layer, ascending; each layer once. */
	struct dive_node *nodes;
	size_t count, room;
	struct dive_white *whites;
	size_t white_count, white_room;
	/** The whiteout's name comes after the name itself: the layer's own node goes, too. */
	bool after;
};

/** Begin a path. @return 0; PEEL_ENOMEM. */
int dive_group_start(struct dive_group *group, const void *name, size_t len,
	struct peel_error *err);
/** Free what it holds. */
void dive_group_finish(struct dive_group *group);
/** Add what a row says; of two rows of a layer the one with the higher id wins. @return 0; PEEL_ENOMEM. */
int dive_group_add(struct dive_group *group, const struct dive_node *node, struct peel_error *err);
/** Add the path's sizes to the whiteouts above that take them away. */
void dive_group_contribute(const struct dive_group *group);
/**
 * What the layers before one come to at the path.
 * @return false: nothing. @param ret_folder the last header there was a folder's.
 */
bool dive_group_before(const struct dive_group *group, int layer, bool *ret_folder);
/** Bytes below the path that a layer's whiteout takes away. */
uint64_t dive_group_sum(const struct dive_group *group, int layer);

/** Paths in the order in which dive visits leaves: by component. Less than, equal to or greater than 0. */
int dive_compare_paths(const char *a, const char *b);

/** True where a set of layers has one. */
static inline bool dive_has_layer(const uint64_t *bits, int layer)
{
	return bits[layer / 64] >> (layer % 64) & 1;
}

/** Put a layer into a set. */
static inline void dive_set_layer(uint64_t *bits, int layer)
{
	bits[layer / 64] |= UINT64_C(1) << (layer % 64);
}

/** One run of peel_dive. */
struct dive {
	struct query q;
	struct waste_top top;
	/** Words of a set of layers. */
	size_t words;
	/** The first whiteout of nothing in each layer, as a tar has its path; NULL: none. */
	char **cuts;
	/** They are known. */
	bool counting;
	/** Sums over all paths, and what dive takes off the first for paths that it only began to count. */
	uint64_t smallest, all, minus;
	bool half_counted;
	struct peel_dive *result;
	/** The name at hand that is no folder. */
	struct dive_group file;
	/** The path at hand; room for a NUL. */
	char path[PEEL_PATH_MAX + 1];
};

/** Put a name at the end of the path of its folder, as a tar has it. @param prefix "" or that of whiteouts. */
void dive_set_path(struct dive *dive, size_t folder_len, const struct dive_group *group,
	const char *prefix);
/**
 * Let all leaves of a path count.
 * @param inside set of the layers in which something is below it; NULL: none. @return 0; PEEL_ENOMEM.
 */
int dive_count(struct dive *dive, size_t folder_len, const struct dive_group *group,
	const uint64_t *inside);
/** Go over all paths once, with dive_count for each. @return 0; peel_dive's codes. */
int dive_walk(struct dive *dive);

#endif
