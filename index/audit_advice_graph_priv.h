/* SPDX-License-Identifier: Apache-2.0 */
/** The graph of packages as arrays; audit_advice_graph.c has the design note. */
#ifndef AUDIT_ADVICE_GRAPH_PRIV_H
#define AUDIT_ADVICE_GRAPH_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Packages of which one is enough: a range of members. */
struct graph_group {
	uint32_t first, count;
	bool recommends;
};

/** A package: offsets into the text, a range of groups. */
struct graph_node {
	uint32_t name, arch;
	uint32_t first_group, group_count;
	/** One that every system has; noted as installed automatically, so that nobody asked for it. */
	bool is_essential, is_auto;
};

struct advice_graph {
	char *text;
	/** Sorted by name and architecture. */
	struct graph_node *nodes;
	uint32_t node_count;
	struct graph_group *groups;
	uint32_t group_count;
	/** Nodes. */
	uint32_t *members;
};

/** A name in a relation, or one that a package provides. */
struct graph_name {
	uint32_t name, node, group;
	bool recommends;
};

/** Most providers of a name that are members of a group. */
#define ADVICE_PROVIDERS_MAX 100

/** Names that grow. */
struct graph_names {
	struct graph_name *items;
	size_t count, room;
};

/** What the reading of files leaves to be linked. */
struct graph_loading {
	struct advice_graph *graph;
	struct graph_names needs, provided;
	size_t node_room, member_room, group_room;
	size_t text_len, text_room;
	uint32_t groups;
	/** The paragraph at hand has these. */
	struct graph_node node;
	bool installed;
	size_t needs_before, provided_before;
	bool has_auto, too_large, no_memory;
};

/** Sort the packages, and make groups of nodes out of the names that were read. @return false: no memory. */
bool graph_link(struct graph_loading *loading);

#endif
