/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relation is a group of packages of which one is enough: "a | b", or the providers of a virtual package. What apt
 * would install is not known from the outside (versions, priorities, order), but it is known what it did install, so
 * the groups hold only what is there. A group is fulfilled when one of its members is there; where none is, when all
 * that has no choice was followed, its first member is taken, which is what apt prefers. Versions are passed over:
 * dpkg has seen to them.
 *
 * Asked for is what apt does not note as installed automatically. A package that neither a root needs nor one of the
 * needed recommends was left behind by something else, and is nobody's recommendation; the callers compare two
 * walks, in both of which it is missing.
 *
 * Names are offsets into one text, nodes are sorted by name and architecture, relations are ranges of one array.
 */
#include "audit_advice_graph.h"

#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "audit_advice_graph_priv.h"
#include "util.h"

void advice_graph_free(struct advice_graph *graph)
{
	if (!graph) {
		return;
	}
	free(graph->text);
	free(graph->nodes);
	free(graph->groups);
	free(graph->members);
	free(graph);
}

uint32_t advice_graph_count(const struct advice_graph *graph)
{
	return graph->node_count;
}

const char *advice_graph_name(const struct advice_graph *graph, uint32_t node)
{
	return graph->text + graph->nodes[node].name;
}

static int compare_name(const char *name, size_t len, const char *other)
{
	int order = strncmp(name, other, len);

	return order ? order : -(other[len] != '\0');
}

uint32_t advice_graph_find(const struct advice_graph *graph, const char *name, size_t len,
	const char *arch)
{
	uint32_t low = 0;
	uint32_t high = graph->node_count;
	uint32_t found = ADVICE_NO_NODE;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_name(name, len, advice_graph_name(graph, middle)) > 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < graph->node_count &&
		compare_name(name, len, advice_graph_name(graph, low)) == 0;
		low++) {
		const char *its = graph->text + graph->nodes[low].arch;

		if (strcmp(its, arch) == 0 || strcmp(its, "all") == 0) {
			return low;
		}
		found = found == ADVICE_NO_NODE ? low : found;
	}
	return found;
}

bool advice_graph_is_asked(const struct advice_graph *graph, uint32_t node)
{
	return !graph->nodes[node].is_auto && !graph->nodes[node].is_essential;
}

uint32_t advice_graph_need(const struct advice_graph *graph, uint32_t node, size_t i)
{
	const struct graph_node *from = &graph->nodes[node];

	for (uint32_t g = 0; g < from->group_count; g++) {
		const struct graph_group *group = &graph->groups[from->first_group + g];

		if (!group->recommends && i-- == 0) {
			return graph->members[group->first];
		}
	}
	return ADVICE_NO_NODE;
}

/* A walk: nodes still to be gone through, and groups that leave a choice, in the order they came. */
struct walk {
	const struct advice_graph *graph;
	uint8_t *there;
	uint32_t *todo;
	size_t todo_count;
	uint32_t *choices;
	size_t choice_count, choice_done;
};

static void walk_finish(struct walk *walk)
{
	free(walk->todo);
	free(walk->choices);
}

static void reach(struct walk *walk, uint32_t node)
{
	if (!walk->there[node]) {
		walk->there[node] = 1;
		walk->todo[walk->todo_count++] = node;
	}
}

static void follow(struct walk *walk, uint32_t node, bool recommends)
{
	const struct graph_node *from = &walk->graph->nodes[node];

	for (uint32_t g = 0; g < from->group_count; g++) {
		uint32_t number = from->first_group + g;
		const struct graph_group *group = &walk->graph->groups[number];

		if (group->recommends && !recommends) {
			continue;
		}
		if (group->count == 1) {
			reach(walk, walk->graph->members[group->first]);
		} else {
			walk->choices[walk->choice_count++] = number;
		}
	}
}

static void choose(struct walk *walk, uint32_t number)
{
	const struct graph_group *group = &walk->graph->groups[number];
	const uint32_t *members = walk->graph->members + group->first;

	for (uint32_t i = 0; i < group->count; i++) {
		if (walk->there[members[i]]) {
			return;
		}
	}
	reach(walk, members[0]);
}

int advice_graph_reach(const struct advice_graph *graph, const uint8_t *without, bool recommends,
	uint8_t *ret_there, struct peel_error *err)
{
	cleanup(walk_finish) struct walk walk = {
		.graph = graph,
		.there = ret_there,
		.todo = calloc((size_t)graph->node_count + 1, sizeof(*walk.todo)),
		.choices = calloc((size_t)graph->group_count + 1, sizeof(*walk.choices)),
	};

	if (!walk.todo || !walk.choices) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	memset(ret_there, 0, graph->node_count);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const struct graph_node *at = &graph->nodes[node];

		if (at->is_essential || (!at->is_auto && !(without && without[node]))) {
			reach(&walk, node);
		}
	}
	for (;;) {
		if (walk.todo_count > 0) {
			follow(&walk, walk.todo[--walk.todo_count], recommends);
		} else if (walk.choice_done < walk.choice_count) {
			choose(&walk, walk.choices[walk.choice_done++]);
		} else {
			return 0;
		}
	}
}
