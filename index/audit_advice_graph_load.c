/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status file is read once: packages, what they provide, and the names in their relations as text. When all
 * packages are known, names become nodes, and what is not installed falls out of its group.
 */
#include "audit_advice_graph.h"

#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "audit_advice_graph_priv.h"
#include "pkgdb_control.h"
#include "util.h"

#define STATUS "/var/lib/dpkg/status"
#define STATES "/var/lib/apt/extended_states"

static void loading_finish(struct graph_loading *l)
{
	advice_graph_free(l->graph);
	free(l->needs.items);
	free(l->provided.items);
}

/** Keep a text. @return its offset; 0, which is "", where there is no memory or it is too much. */
static uint32_t keep(struct graph_loading *l, const char *text, size_t len)
{
	char *grown;

	if (l->text_len + len + 1 > l->text_room) {
		size_t room = 2 * l->text_room + len + 1;

		l->too_large = l->too_large || room > 3 * (size_t)ADVICE_TEXT_MAX;
		grown = l->too_large ? NULL : realloc(l->graph->text, room);
		if (!grown) {
			l->no_memory = !l->too_large;
			return 0;
		}
		l->graph->text = grown;
		l->text_room = room;
	}
	memcpy(l->graph->text + l->text_len, text, len);
	l->graph->text[l->text_len + len] = '\0';
	l->text_len += len + 1;
	return (uint32_t)(l->text_len - len - 1);
}

static void add_name(struct graph_loading *l, struct graph_names *names, const char *text,
	size_t len, bool recommends)
{
	if (len == 0) {
		return;
	}
	if (names->count == ADVICE_RELATIONS_MAX) {
		l->too_large = true;
		return;
	}
	if (!grow_array(&names->items, names->count, &names->room, sizeof(*names->items))) {
		l->no_memory = true;
		return;
	}
	names->items[names->count++] = (struct graph_name){
		.name = keep(l, text, len),
		.node = l->graph->node_count,
		.group = l->groups,
		.recommends = recommends,
	};
}

/* "a (>= 1) | b:any, c": names with what stands behind them cut off. */
static void take_relation(struct graph_loading *l, struct graph_names *names, const char *text,
	size_t len, bool recommends)
{
	const char *end = text + len;

	l->groups++;
	while (text < end) {
		const char *stop = text;

		while (stop < end && *stop != ',' && *stop != '|') {
			stop++;
		}
		while (text < stop && (*text == ' ' || *text == '\t')) {
			text++;
		}
		len = 0;
		while (text + len < stop && !strchr(" \t:(", text[len])) {
			len++;
		}
		add_name(l, names, text, len, recommends);
		if (stop < end && *stop == ',') {
			l->groups++;
		}
		text = stop + 1;
	}
}

static bool has_word(const char *value, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(value, word, len) == 0;
}

static void take_line(struct graph_loading *l, const char *line, size_t len)
{
	static const struct {
		const char *key;
		bool recommends;
	} relations[] = {{"Depends", false}, {"Pre-Depends", false}, {"Recommends", true}};
	static const struct {
		const char *key, *value;
	} essential[] = {{"Essential", "yes"}, {"Protected", "yes"}, {"Important", "yes"},
		{"Priority", "required"}};
	const char *value;

	if (memchr(line, '\0', len)) {
		return;
	}
	for (size_t i = 0; i < countof(relations); i++) {
		value = pkgdb_value(line, len, relations[i].key, &len);
		if (value) {
			take_relation(l, &l->needs, value, len, relations[i].recommends);
			return;
		}
	}
	for (size_t i = 0; i < countof(essential); i++) {
		value = pkgdb_value(line, len, essential[i].key, &len);
		if (value) {
			l->node.is_essential = l->node.is_essential ||
				has_word(value, len, essential[i].value);
			return;
		}
	}
	if ((value = pkgdb_value(line, len, "Package", &len))) {
		l->node.name = keep(l, value, len);
	} else if ((value = pkgdb_value(line, len, "Architecture", &len))) {
		l->node.arch = keep(l, value, len);
	} else if ((value = pkgdb_value(line, len, "Status", &len))) {
		static const char end[] = " installed";

		l->installed = len >= strlen(end) &&
			memcmp(value + len - strlen(end), end, strlen(end)) == 0;
	} else if ((value = pkgdb_value(line, len, "Provides", &len))) {
		take_relation(l, &l->provided, value, len, false);
	}
}

/* The paragraph ended: a package, or nothing if it is not installed. */
static void end_package(struct graph_loading *l)
{
	struct advice_graph *graph = l->graph;

	l->too_large = l->too_large || graph->node_count == ADVICE_NODES_MAX;
	if (!l->installed || !l->node.name || l->too_large) {
		l->needs.count = l->needs_before;
		l->provided.count = l->provided_before;
	} else if (grow_array(&graph->nodes, graph->node_count, &l->node_room,
			   sizeof(*graph->nodes))) {
		graph->nodes[graph->node_count++] = l->node;
	} else {
		l->no_memory = true;
	}
	l->node = (struct graph_node){0};
	l->installed = false;
	l->needs_before = l->needs.count;
	l->provided_before = l->provided.count;
}

static void read_status(struct graph_loading *l, struct pkgdb_text *text)
{
	const char *line;
	size_t len;

	while (!l->no_memory && !l->too_large && pkgdb_line(text, &line, &len)) {
		if (len == 0) {
			end_package(l);
		} else {
			take_line(l, line, len);
		}
	}
	end_package(l);
}

static void read_states(struct graph_loading *l, struct pkgdb_text *text)
{
	char name[PKGDB_NAME_MAX + 1] = "";
	char arch[PKGDB_NAME_MAX + 1] = "";
	const char *line;
	const char *value;
	size_t len;

	while (pkgdb_line(text, &line, &len)) {
		uint32_t node;

		if ((value = pkgdb_value(line, len, "Package", &len))) {
			pkgdb_copy(name, value, len);
		} else if ((value = pkgdb_value(line, len, "Architecture", &len))) {
			pkgdb_copy(arch, value, len);
		} else if ((value = pkgdb_value(line, len, "Auto-Installed", &len)) &&
			has_word(value, len, "1")) {
			node = advice_graph_find(l->graph, name, strlen(name), arch);
			if (node != ADVICE_NO_NODE) {
				l->graph->nodes[node].is_auto = true;
				l->has_auto = true;
			}
		}
	}
}

static int load(struct graph_loading *l, struct peel_index *index, struct pkgdb_text *text,
	struct peel_error *err)
{
	int r = pkgdb_open(index, PEEL_VIEW_MERGED, STATUS, 0, text, err);

	if (r <= 0) {
		return r;
	}
	/* Offset 0 is no name. */
	keep(l, "", 0);
	read_status(l, text);
	if (l->no_memory || !graph_link(l)) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	r = pkgdb_open(index, PEEL_VIEW_MERGED, STATES, 0, text, err);
	if (r > 0) {
		read_states(l, text);
	}
	return r < 0 ? r : 0;
}

int advice_graph_load(struct peel_index *index, struct advice_graph **ret_graph,
	struct peel_error *err)
{
	cleanup(loading_finish) struct graph_loading l = {.graph = calloc(1, sizeof(*l.graph))};
	cleanup(pkgdb_text_finish) struct pkgdb_text text = {0};
	int r;

	*ret_graph = NULL;
	if (!l.graph) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	r = load(&l, index, &text, err);
	if (r == 0 && l.has_auto && !l.too_large) {
		*ret_graph = steal_pointer(&l.graph);
	}
	return r;
}
