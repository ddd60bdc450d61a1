/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What dpkg's packages need of one another, and which of them somebody asked for: what is left on the disk when some
 * of those are not asked for any more.
 */
#ifndef AUDIT_ADVICE_GRAPH_H
#define AUDIT_ADVICE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct advice_graph;
struct peel_error;
struct peel_index;

/** No node. */
#define ADVICE_NO_NODE UINT32_MAX

/** Most packages, names in their relations, bytes of names; a database beyond them is not used for advice. */
#define ADVICE_NODES_MAX 100000
#define ADVICE_RELATIONS_MAX 1000000
#define ADVICE_TEXT_MAX (64u << 20)

/**
 * Read /var/lib/dpkg/status and /var/lib/apt/extended_states of the merged tree.
 * @param ret_graph NULL where they do not tell which packages were asked for; else free it with advice_graph_free.
 * @return 0; PEEL_ENOMEM. Files that cannot be read are as if they were not there.
 */
int advice_graph_load(struct peel_index *index, struct advice_graph **ret_graph,
	struct peel_error *err);
/** Free; NULL is fine. */
void advice_graph_free(struct advice_graph *graph);

/** Number of packages; name of one, raw bytes. Both belong to the graph. */
uint32_t advice_graph_count(const struct advice_graph *graph);
const char *advice_graph_name(const struct advice_graph *graph, uint32_t node);

/**
 * A package by its name.
 * @param len bytes of name. @param arch "": any. @return the node; ADVICE_NO_NODE.
 */
uint32_t advice_graph_find(const struct advice_graph *graph, const char *name, size_t len,
	const char *arch);

/** True where a package was asked for, and is none that every system has. */
bool advice_graph_is_asked(const struct advice_graph *graph, uint32_t node);

/** The i-th package that a package depends on (of alternatives the first that is there); ADVICE_NO_NODE past the
 *  end. */
uint32_t advice_graph_need(const struct advice_graph *graph, uint32_t node, size_t i);

/**
 * Which packages there are when all that was asked for is installed but some.
 * @param without by node: 1 is not asked for; NULL: all are.
 * @param recommends recommended packages are installed, too.
 * @param ret_there by node: 1 is there. @return 0; PEEL_ENOMEM.
 */
int advice_graph_reach(const struct advice_graph *graph, const uint8_t *without, bool recommends,
	uint8_t *ret_there, struct peel_error *err);

#endif
