/* SPDX-License-Identifier: Apache-2.0 */
/* One path in all layers as dive stacks them: what each layer puts there, and until which whiteout it stays. */
#include "query_dive.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "util.h"

/* No layer. */
#define NEVER INT_MAX

int dive_group_start(struct dive_group *group, const void *name, size_t len, struct peel_error *err)
{
	const size_t prefix = strlen(WHITEOUT_PREFIX);
	int order;

	if (len > group->name_room) {
		char *grown = realloc(group->name, len);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		group->name = grown;
		group->name_room = len;
	}
	memcpy(group->name, name, len);
	group->name_len = len;
	group->count = 0;
	group->white_count = 0;
	/* ".wh.NAME" against NAME. */
	order = memcmp(WHITEOUT_PREFIX, group->name, min_u64(prefix, len));
	if (order == 0 && len > prefix) {
		order = memcmp(group->name, group->name + prefix, len - prefix);
	}
	group->after = order > 0 || (order == 0 && len <= prefix);
	return 0;
}

void dive_group_finish(struct dive_group *group)
{
	free(group->name);
	free(group->nodes);
	free(group->whites);
	*group = (struct dive_group){0};
}

static int add_white(struct dive_group *group, int layer, struct peel_error *err)
{
	size_t at = group->white_count;

	while (at > 0 && group->whites[at - 1].layer >= layer) {
		if (group->whites[--at].layer == layer) {
			return 0;
		}
	}
	if (!grow_array(&group->whites, group->white_count, &group->white_room,
		    sizeof(*group->whites))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	memmove(group->whites + at + 1, group->whites + at,
		(group->white_count - at) * sizeof(*group->whites));
	group->whites[at] = (struct dive_white){.layer = layer};
	group->white_count++;
	return 0;
}

/* The place of a layer's node, made where it is missing. @return NULL: no memory. */
static struct dive_node *node_at(struct dive_group *group, int layer)
{
	size_t at = group->count;

	while (at > 0 && group->nodes[at - 1].layer >= layer) {
		if (group->nodes[--at].layer == layer) {
			return &group->nodes[at];
		}
	}
	if (!grow_array(&group->nodes, group->count, &group->room, sizeof(*group->nodes))) {
		return NULL;
	}
	memmove(group->nodes + at + 1, group->nodes + at,
		(group->count - at) * sizeof(*group->nodes));
	group->nodes[at] = (struct dive_node){.layer = layer, .id = -1};
	group->count++;
	return &group->nodes[at];
}

int dive_group_add(struct dive_group *group, const struct dive_node *node, struct peel_error *err)
{
	struct dive_node *own = node_at(group, node->layer);

	if (!own) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (node->whiteout) {
		own->whiteout = true;
		return add_white(group, node->layer, err);
	}
	own->there = true;
	if (node->id > own->id) {
		own->id = node->id;
		own->folder = node->folder;
		own->size = node->size;
	}
	return 0;
}

/* The first whiteout of a path from a layer on. */
static int next_white(const struct dive_group *group, int layer)
{
	size_t low = 0;
	size_t high = group->white_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (group->whites[middle].layer < layer) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < group->white_count ? group->whites[low].layer : NEVER;
}

/* The layer that takes away what a layer put at the path: by a whiteout of the path, or of a folder above. */
static int taken_by(const struct dive_group *group, int layer)
{
	int first = NEVER;

	for (; group; group = group->above) {
		const int white = next_white(group, group->after ? layer : layer + 1);

		first = white < first ? white : first;
	}
	return first;
}

static void add_to(const struct dive_group *group, int layer, uint64_t size)
{
	for (; group; group = group->above) {
		for (size_t i = 0; i < group->white_count; i++) {
			if (group->whites[i].layer == layer) {
				sum_add(&group->whites[i].sum, size);
			}
		}
	}
}

void dive_group_contribute(const struct dive_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct dive_node *node = &group->nodes[i];
		int next = NEVER;
		int taken;

		if (!node->there || node->size == 0) {
			continue;
		}
		/* The lowest layer's whiteouts are asked of that layer itself. */
		if (node->layer == 0) {
			add_to(group, 0, node->size);
		}
		for (size_t k = i + 1; k < group->count && next == NEVER; k++) {
			next = group->nodes[k].there ? group->nodes[k].layer : NEVER;
		}
		taken = taken_by(group, node->layer);
		if (taken != NEVER && taken > node->layer && taken <= next) {
			add_to(group, taken, node->size);
		}
	}
}

bool dive_group_before(const struct dive_group *group, int layer, bool *ret_folder)
{
	const struct dive_node *last = NULL;

	for (size_t i = 0; i < group->count && group->nodes[i].layer <= layer; i++) {
		if (group->nodes[i].there && (group->nodes[i].layer < layer || layer == 0)) {
			last = &group->nodes[i];
		}
	}
	if (!last || (layer > 0 && taken_by(group, last->layer) < layer)) {
		return false;
	}
	*ret_folder = last->folder;
	return true;
}

uint64_t dive_group_sum(const struct dive_group *group, int layer)
{
	for (size_t i = 0; i < group->white_count; i++) {
		if (group->whites[i].layer == layer) {
			return group->whites[i].sum;
		}
	}
	return 0;
}

int dive_compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	/* A slash ends a name, so it is less than all that goes on with the name. */
	return (*a == '/' ? 1 : (unsigned char)*a + (*a ? 1 : 0)) -
		(*b == '/' ? 1 : (unsigned char)*b + (*b ? 1 : 0));
}
