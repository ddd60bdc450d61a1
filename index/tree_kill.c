/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_kill.h"

#include <stdlib.h>

#include <peel/error.h>

#include "util.h"

int kills_add(struct kills *kills, int64_t moment, enum store_why why, int layer,
	const struct kill **chain, struct peel_error *err)
{
	struct kill_block *block = kills->blocks;

	for (const struct kill *kill = *chain; kill; kill = kill->next) {
		if (kill->moment == moment) {
			return 0;
		}
	}
	if (*chain && (*chain)->count == KILLS_MAX) {
		return peel_fail(err, PEEL_ELIMIT,
			"layer %d: a folder is taken away more than %d times", layer, KILLS_MAX);
	}
	if (!block || block->used == countof(block->kills)) {
		block = malloc(sizeof(*block));
		if (!block) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		block->next = kills->blocks;
		block->used = 0;
		kills->blocks = block;
	}
	block->kills[block->used] = (struct kill){
		.moment = moment,
		.why = why,
		.layer = layer,
		.count = *chain ? (*chain)->count + 1 : 1,
		.next = *chain,
	};
	*chain = &block->kills[block->used++];
	return 0;
}

static size_t map_slot(const struct kill_map *map, uint32_t dir)
{
	size_t slot = (dir * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->room - 1);

	while (map->dirs[slot] != 0 && map->dirs[slot] != dir) {
		slot = (slot + 1) & (map->room - 1);
	}
	return slot;
}

static int map_grow(struct kill_map *map, struct peel_error *err)
{
	struct kill_map grown = {.room = map->room ? map->room * 2 : 1024, .count = map->count};

	grown.dirs = calloc(grown.room, sizeof(*grown.dirs));
	grown.chains = calloc(grown.room, sizeof(*grown.chains));
	if (!grown.dirs || !grown.chains) {
		free(grown.dirs);
		free(grown.chains);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < map->room; i++) {
		if (map->dirs[i] != 0) {
			size_t slot = map_slot(&grown, map->dirs[i]);

			grown.dirs[slot] = map->dirs[i];
			grown.chains[slot] = map->chains[i];
		}
	}
	free(map->dirs);
	free(map->chains);
	*map = grown;
	return 0;
}

int kills_put(struct kills *kills, uint32_t dir, const struct kill *chain, struct peel_error *err)
{
	struct kill_map *map = &kills->map;
	size_t slot;

	if (!chain) {
		return 0;
	}
	if (map->count + 1 > map->room / 4 * 3) {
		int code = map_grow(map, err);

		if (code < 0) {
			return code;
		}
	}
	slot = map_slot(map, dir);
	map->count += map->dirs[slot] == 0;
	map->dirs[slot] = dir;
	map->chains[slot] = chain;
	return 0;
}

const struct kill *kills_get(const struct kills *kills, uint32_t dir)
{
	const struct kill_map *map = &kills->map;

	return map->count == 0 ? NULL : map->chains[map_slot(map, dir)];
}

void kills_finish(struct kills *kills)
{
	while (kills->blocks) {
		struct kill_block *next = kills->blocks->next;

		free(kills->blocks);
		kills->blocks = next;
	}
	free(kills->map.dirs);
	free(kills->map.chains);
}
