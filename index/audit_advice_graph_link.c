/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a status file become nodes and groups of them: what is not installed falls out of its group. */
#include <string.h>

#include "audit_advice_graph.h"
#include "audit_advice_graph_priv.h"
#include "util.h"

static int by_name(const void *left, const void *right, void *arg)
{
	const struct advice_graph *graph = arg;
	const struct graph_node *a = &graph->nodes[*(const uint32_t *)left];
	const struct graph_node *b = &graph->nodes[*(const uint32_t *)right];
	int order = strcmp(graph->text + a->name, graph->text + b->name);

	return order ? order : strcmp(graph->text + a->arch, graph->text + b->arch);
}

/* Sort nodes, and let the names that were read know the new numbers. */
static bool sort_nodes(struct graph_loading *l)
{
	struct advice_graph *graph = l->graph;
	cleanup_free uint32_t *order = calloc((size_t)graph->node_count + 1, sizeof(*order));
	cleanup_free uint32_t *place = calloc((size_t)graph->node_count + 1, sizeof(*place));
	struct graph_node *sorted = calloc((size_t)graph->node_count + 1, sizeof(*sorted));

	if (!order || !place || !sorted) {
		free(sorted);
		return false;
	}
	for (uint32_t i = 0; i < graph->node_count; i++) {
		order[i] = i;
	}
	qsort_r(order, graph->node_count, sizeof(*order), by_name, graph);
	for (uint32_t i = 0; i < graph->node_count; i++) {
		sorted[i] = graph->nodes[order[i]];
		place[order[i]] = i;
	}
	free(graph->nodes);
	graph->nodes = sorted;
	for (size_t i = 0; i < l->needs.count; i++) {
		l->needs.items[i].node = place[l->needs.items[i].node];
	}
	for (size_t i = 0; i < l->provided.count; i++) {
		l->provided.items[i].node = place[l->provided.items[i].node];
	}
	return true;
}

static int by_provided(const void *left, const void *right, void *arg)
{
	const char *text = arg;
	const struct graph_name *a = left;
	const struct graph_name *b = right;
	int order = strcmp(text + a->name, text + b->name);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static int by_node(const void *left, const void *right)
{
	const struct graph_name *a = left;
	const struct graph_name *b = right;

	if (a->node != b->node) {
		return a->node < b->node ? -1 : 1;
	}
	if (a->group != b->group) {
		return a->group < b->group ? -1 : 1;
	}
	/* Offsets are in the order of reading: the first alternative is the first member. */
	return (a->name > b->name) - (a->name < b->name);
}

static bool add_member(struct graph_loading *l, struct graph_group *group, uint32_t node)
{
	size_t count = (size_t)group->first + group->count;

	if (count == ADVICE_RELATIONS_MAX) {
		l->too_large = true;
		return true;
	}
	if (!grow_array(&l->graph->members, count, &l->member_room, sizeof(*l->graph->members))) {
		return false;
	}
	l->graph->members[count] = node;
	group->count++;
	return true;
}

/* Those who provide a name; few names have many. */
static bool add_providers(struct graph_loading *l, struct graph_group *group, const char *name)
{
	const char *text = l->graph->text;
	size_t low = 0;
	size_t high = l->provided.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(text + l->provided.items[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < l->provided.count && group->count < ADVICE_PROVIDERS_MAX &&
		strcmp(text + l->provided.items[low].name, name) == 0;
		low++) {
		if (!add_member(l, group, l->provided.items[low].node)) {
			return false;
		}
	}
	return true;
}

/* Names of one group, from first on, become nodes. */
static bool add_group(struct graph_loading *l, size_t first, size_t end)
{
	struct advice_graph *graph = l->graph;
	const struct graph_name *head = &l->needs.items[first];
	struct graph_node *node = &graph->nodes[head->node];
	struct graph_group group = {.recommends = head->recommends};

	if (graph->group_count > 0) {
		const struct graph_group *last = &graph->groups[graph->group_count - 1];

		group.first = last->first + last->count;
	}
	for (size_t i = first; i < end; i++) {
		const char *name = graph->text + l->needs.items[i].name;
		uint32_t found = advice_graph_find(graph, name, strlen(name),
			graph->text + node->arch);

		if (!(found != ADVICE_NO_NODE ? add_member(l, &group, found)
					      : add_providers(l, &group, name))) {
			return false;
		}
	}
	if (group.count == 0) {
		return true;
	}
	if (!grow_array(&graph->groups, graph->group_count, &l->group_room,
		    sizeof(*graph->groups))) {
		return false;
	}
	if (node->group_count++ == 0) {
		node->first_group = graph->group_count;
	}
	graph->groups[graph->group_count++] = group;
	return true;
}

bool graph_link(struct graph_loading *l)
{
	size_t end;

	if (!sort_nodes(l)) {
		return false;
	}
	if (l->provided.count > 1) {
		qsort_r(l->provided.items, l->provided.count, sizeof(*l->provided.items),
			by_provided, l->graph->text);
	}
	if (l->needs.count > 1) {
		qsort(l->needs.items, l->needs.count, sizeof(*l->needs.items), by_node);
	}
	for (size_t i = 0; i < l->needs.count; i = end) {
		end = i + 1;
		while (end < l->needs.count &&
			l->needs.items[end].group == l->needs.items[i].group) {
			end++;
		}
		if (!add_group(l, i, end)) {
			return false;
		}
	}
	return true;
}
