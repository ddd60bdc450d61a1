/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markers and symbols of detectors, as those who look into files want them.
 *
 * A marker's text may be given in pieces. Then the file of detectors does not hold it, nor does the program that the
 * built-in file is a part of: peel in an image is no interpreter.
 */
#include <stdio.h>
#include <string.h>

#include <peel/text.h>

#include "audit_detectors_priv.h"
#include "digest.h"
#include "util.h"
#include "yaml.h"

/* Longest name of a marker with its detector's. */
#define FULL_NAME_MAX (2 * DETECTOR_NAME_MAX + 2)

static int no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Add a piece of a marker. @return false where it is none, or too long. */
static bool add_piece(const struct yaml *piece, bool hex, char *bytes, size_t *len)
{
	if (piece->type != YAML_SCALAR || piece->len > 2 * FACTS_MARKER_MAX ||
		(hex && piece->len % 2 != 0)) {
		return false;
	}
	for (size_t i = 0; i < piece->len; i += hex ? 2 : 1) {
		const int high = hex ? hex_digit(piece->text[i]) : 0;
		const int low = hex ? hex_digit(piece->text[i + 1]) : 0;

		if (*len >= FACTS_MARKER_MAX || high < 0 || low < 0) {
			return false;
		}
		bytes[(*len)++] = hex ? (char)(high << 4 | low) : piece->text[i];
	}
	return true;
}

/* Bytes of "text" or "hex", one text or pieces. */
static int take_bytes(struct detector_compile *compile, const struct yaml *node, char *bytes,
	size_t *ret_len)
{
	const struct yaml *text = node->type == YAML_MAP ? yaml_get(node, "text") : node;
	const struct yaml *hex = yaml_get(node, "hex");
	const struct yaml *value = text ? text : hex;
	bool good = value && !(text && hex) && value->type != YAML_MAP;

	*ret_len = 0;
	if (good && value->type == YAML_SCALAR) {
		good = add_piece(value, !text, bytes, ret_len);
	}
	for (size_t i = 0; good && value->type == YAML_LIST && i < value->count; i++) {
		good = add_piece(value->items[i], !text, bytes, ret_len);
	}
	if (!good || *ret_len < FACTS_MARKER_MIN) {
		return detector_fail(compile, node,
			"a marker is a text, pieces of one, or hex: of %d to %d bytes",
			FACTS_MARKER_MIN, FACTS_MARKER_MAX);
	}
	return 0;
}

/* Where it is looked for. */
static int take_in(struct detector_compile *compile, const struct yaml *node, unsigned int *ret_in)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} places[] = {
		{"programs", FACTS_IN_PROGRAMS},
		{"text", FACTS_IN_TEXT},
		{"data", FACTS_IN_DATA},
	};
	const struct yaml *in = yaml_get(node, "in");

	*ret_in = in ? 0 : FACTS_IN_PROGRAMS;
	for (size_t i = 0; in && i < in->count; i++) {
		unsigned int bit = 0;

		for (size_t j = 0; in->type == YAML_LIST && j < countof(places); j++) {
			if (in->items[i]->type == YAML_SCALAR &&
				strcmp(in->items[i]->text, places[j].name) == 0) {
				bit = places[j].bit;
			}
		}
		if (!bit) {
			*ret_in = 0;
			break;
		}
		*ret_in |= bit;
	}
	return *ret_in ? 0 : detector_fail(compile, in, "in is a list of: programs, text, data");
}

static int take_marker(struct detector_compile *compile, const struct yaml *key,
	const struct yaml *node)
{
	static const char *const known[] = {"text", "hex", "in", NULL};
	struct peel_detectors *detectors = compile->detectors;
	struct facts_marker marker = {0};
	char bytes[FACTS_MARKER_MAX];
	char *name;
	void *copy;
	int r;

	if (key->len > DETECTOR_NAME_MAX ||
		strspn(key->text, "abcdefghijklmnopqrstuvwxyz0123456789-") != key->len ||
		yaml_unknown(node, known)) {
		return detector_fail(compile, key, "a marker is NAME: {text or hex, in}");
	}
	r = take_bytes(compile, node, bytes, &marker.len);
	r = r < 0 ? r : take_in(compile, node, &marker.in);
	if (r < 0) {
		return r;
	}
	if (detectors->marker_count >= FACTS_MARKERS_MAX) {
		return peel_fail(compile->err, PEEL_ELIMIT, "more than %d markers of detectors",
			FACTS_MARKERS_MAX);
	}
	if (!grow_array(&detectors->markers, detectors->marker_count, &detectors->marker_room,
		    sizeof(*detectors->markers)) ||
		asprintf(&name, "%s.%s", detectors->list[compile->detector].key, key->text) < 0) {
		return no_memory(compile->err);
	}
	copy = malloc(marker.len);
	if (!copy) {
		free(name);
		return no_memory(compile->err);
	}
	marker.name = name;
	marker.bytes = memcpy(copy, bytes, marker.len);
	detectors->markers[detectors->marker_count++] = marker;
	return 0;
}

int detector_markers(struct detector_compile *compile, const struct yaml *map)
{
	int r = 0;

	if (map && map->type != YAML_MAP) {
		return detector_fail(compile, map, "markers is a map");
	}
	for (size_t i = 0; r >= 0 && map && i < map->count; i++) {
		r = take_marker(compile, map->keys[i], map->items[i]);
	}
	return r;
}

static int compare_markers(const void *a, const void *b)
{
	const struct facts_marker *x = a;
	const struct facts_marker *y = b;

	return strcmp(x->name, y->name);
}

void detector_markers_sort(struct peel_detectors *detectors)
{
	if (detectors->marker_count > 0) {
		qsort(detectors->markers, detectors->marker_count, sizeof(*detectors->markers),
			compare_markers);
	}
}

bool detector_marker_find(const struct detector_compile *compile, const char *name,
	uint32_t *ret_row)
{
	const struct peel_detectors *detectors = compile->detectors;
	char full[FULL_NAME_MAX];
	const struct facts_marker wanted = {.name = full};
	const struct facts_marker *found = NULL;
	int len;

	len = strchr(name, '.') ? snprintf(full, sizeof(full), "%s", name)
				: snprintf(full, sizeof(full), "%s.%s",
					  detectors->list[compile->detector].key, name);
	if (len < (int)sizeof(full) && detectors->marker_count > 0) {
		found = bsearch(&wanted, detectors->markers, detectors->marker_count,
			sizeof(*detectors->markers), compare_markers);
	}
	if (!found) {
		return false;
	}
	*ret_row = (uint32_t)(found - detectors->markers);
	return true;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct detector_pair *x = a;
	const struct detector_pair *y = b;

	if (x->marker != y->marker) {
		return x->marker < y->marker ? -1 : 1;
	}
	return x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct detector_pattern *x = a;
	const struct detector_pattern *y = b;
	const int order = strcmp(x->text, y->text);

	return order ? order : x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

/*
 * Symbols once each, without the "*". Their texts are the documents', so that a begin keeps it and says how
 * long it is.
 */
static int want_symbols(struct peel_detectors *detectors, struct peel_error *err)
{
	size_t count = 0;

	detectors->wanted_symbols = calloc(detectors->symbol_count + 1,
		sizeof(*detectors->wanted_symbols));
	if (!detectors->wanted_symbols) {
		return no_memory(err);
	}
	detectors->wanted.symbol_count = 0;
	for (size_t i = 0; i < detectors->symbol_count; i++) {
		const char *text = detectors->symbols[i].text;
		const size_t len = strcspn(text, "*");
		struct facts_symbol symbol = {.prefix = text[len] == '*'};

		if (i > 0 && strcmp(detectors->symbols[i - 1].text, text) == 0) {
			continue;
		}
		symbol.text = strndup(text, len);
		if (!symbol.text) {
			return no_memory(err);
		}
		detectors->wanted_symbols[count++] = symbol;
		detectors->wanted.symbol_count = count;
	}
	if (count > FACTS_SYMBOLS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more than %d symbols of detectors",
			FACTS_SYMBOLS_MAX);
	}
	detectors->wanted.symbols = detectors->wanted_symbols;
	return 0;
}

/* Names and bytes with their lengths, so that no two sets have the same form. */
static int want_digest(struct facts_wanted *wanted, struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	char text[DIGEST_TEXT_SIZE];
	int r = digest_new(NULL, &digest, err);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < wanted->marker_count; i++) {
		const struct facts_marker *marker = &wanted->markers[i];
		char head[FULL_NAME_MAX + 64];

		snprintf(head, sizeof(head), "marker %s %u %zu\n", marker->name, marker->in,
			marker->len);
		digest_update(digest, head, strlen(head));
		digest_update(digest, marker->bytes, marker->len);
	}
	for (size_t i = 0; i < wanted->symbol_count; i++) {
		const struct facts_symbol *symbol = &wanted->symbols[i];

		digest_update(digest, symbol->prefix ? "\nbegin " : "\nsymbol ", 7);
		digest_update(digest, symbol->text, strlen(symbol->text));
	}
	digest_text(digest, text);
	snprintf(wanted->digest, sizeof(wanted->digest), "%s", strchr(text, ':') + 1);
	return 0;
}

/* Leaves by marker, out of the pairs. */
static bool list_marker_leaves(struct peel_detectors *detectors)
{
	struct detector_lists *lists = &detectors->marker_leaves_of;
	const size_t count = detectors->marker_leaf_count;

	lists->start = calloc(detectors->marker_count + 1, sizeof(*lists->start));
	lists->items = calloc(count + 1, sizeof(*lists->items));
	if (!lists->start || !lists->items) {
		return false;
	}
	if (count > 0) {
		qsort(detectors->marker_leaves, count, sizeof(*detectors->marker_leaves),
			compare_pairs);
	}
	for (size_t i = 0; i < count; i++) {
		lists->items[i] = detectors->marker_leaves[i].leaf;
		lists->start[detectors->marker_leaves[i].marker + 1]++;
	}
	for (size_t i = 0; i < detectors->marker_count; i++) {
		lists->start[i + 1] += lists->start[i];
	}
	return true;
}

int detector_want(struct peel_detectors *detectors, struct peel_error *err)
{
	int r;

	if (!list_marker_leaves(detectors)) {
		return no_memory(err);
	}
	if (detectors->symbol_count > 0) {
		qsort(detectors->symbols, detectors->symbol_count, sizeof(*detectors->symbols),
			compare_symbols);
	}
	detectors->wanted.markers = detectors->markers;
	detectors->wanted.marker_count = detectors->marker_count;
	r = want_symbols(detectors, err);
	return r < 0 ? r : want_digest(&detectors->wanted, err);
}
