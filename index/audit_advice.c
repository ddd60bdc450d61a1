/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the ledger: a piece counts for the rule of its cause where it is hidden, of its category where
 * it is visible,
 * and for the layer whose instruction would have to change. So every byte counts once at most, and the sums of
 * all advice
 * can be added up: what is left is the image that follows all of it.
 */
#include <peel/advice.h>

#include <stdlib.h>
#include <string.h>

#include "audit_advice.h"
#include "util.h"

/** What a rule comes to for one layer. */
struct advised {
	uint64_t files, bytes;
	/** The largest paths, owned, largest first. */
	char *paths[ADVICE_PATHS];
	uint64_t path_bytes[ADVICE_PATHS];
	size_t path_count;
};

struct advising {
	struct peel_index *index;
	struct advice_rules rules;
	/** Row r, column layer + 1 (0: no layer hid it). */
	struct advised *table;
	size_t columns;
	/** Rows of the table in order of their bytes. */
	size_t *order;
	bool no_memory;
};

static void advising_finish(struct advising *a)
{
	size_t cells = a->table ? a->rules.count * a->columns : 0;

	for (size_t i = 0; i < cells; i++) {
		for (size_t k = 0; k < a->table[i].path_count; k++) {
			free(a->table[i].paths[k]);
		}
	}
	free(a->table);
	free(a->order);
	advice_rules_finish(&a->rules);
}

/** Keep a path if it is among the largest. @return false: no memory. */
static bool keep_path(struct advised *advised, const struct peel_piece *piece)
{
	size_t at = advised->path_count;
	char *copy;

	while (at > 0 && advised->path_bytes[at - 1] < piece->bytes) {
		at--;
	}
	if (at == ADVICE_PATHS) {
		return true;
	}
	copy = strdup(piece->path);
	if (!copy) {
		return false;
	}
	if (advised->path_count == ADVICE_PATHS) {
		free(advised->paths[--advised->path_count]);
	}
	for (size_t i = advised->path_count++; i > at; i--) {
		advised->paths[i] = advised->paths[i - 1];
		advised->path_bytes[i] = advised->path_bytes[i - 1];
	}
	advised->paths[at] = copy;
	advised->path_bytes[at] = piece->bytes;
	return true;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct advising *a = arg;
	uint8_t rule = !piece->visible                       ? a->rules.by_cause[piece->cause]
		: piece->category <= a->rules.category_count ? a->rules.by_category[piece->category]
							     : 0;
	struct advised *advised;
	int layer;

	if (rule == 0 || piece->bytes == 0) {
		return 0;
	}
	layer = a->rules.rules[rule - 1].by_hider ? piece->hidden_by : piece->layer;
	advised = &a->table[(size_t)(rule - 1) * a->columns + (size_t)(layer + 1)];
	advised->files++;
	advised->bytes += piece->bytes;
	a->no_memory = !keep_path(advised, piece);
	return a->no_memory;
}

static int by_bytes(const void *left, const void *right, void *arg)
{
	const struct advised *table = arg;
	size_t l = *(const size_t *)left;
	size_t r = *(const size_t *)right;

	return table[l].bytes != table[r].bytes ? (table[l].bytes < table[r].bytes ? 1 : -1)
						: (l > r) - (l < r);
}

static int tell(const struct advising *a, size_t at, peel_advice_fn *each, void *arg)
{
	const struct advice_rule *rule = &a->rules.rules[at / a->columns];
	const struct advised *advised = &a->table[at];
	int layer = (int)(at % a->columns) - 1;
	struct peel_layer_stat stat;
	bool known = layer >= 0 && peel_layer_stat(a->index, layer, &stat, NULL) == 0;

	return each(arg,
		&(struct peel_advice){
			.id = rule->id,
			.title = rule->title,
			.action = rule->action,
			.layer = layer,
			.instruction = known ? stat.layer.instruction : "",
			.files = advised->files,
			.saves = advised->bytes,
			.gross = advised->bytes,
			.paths = (const char *const *)advised->paths,
			.path_count = advised->path_count,
		});
}

static int advise(struct advising *a, uint64_t min_saves, peel_advice_fn *each, void *arg,
	struct peel_error *err)
{
	size_t cells = a->rules.count * a->columns;
	int code;

	a->table = calloc(cells, sizeof(*a->table));
	a->order = calloc(cells, sizeof(*a->order));
	if (!a->table || !a->order) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	code = peel_pieces(a->index, PEEL_BY_ENTRY, false, take_piece, a, err);
	if (a->no_memory) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < cells; i++) {
		a->order[i] = i;
	}
	qsort_r(a->order, cells, sizeof(*a->order), by_bytes, a->table);
	for (size_t i = 0; code == 0 && i < cells && a->table[a->order[i]].bytes > 0 &&
		a->table[a->order[i]].bytes >= min_saves;
		i++) {
		code = tell(a, a->order[i], each, arg) ? 1 : 0;
	}
	return code;
}

int peel_advise(struct peel_index *index, uint64_t min_saves, peel_advice_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup(advising_finish) struct advising a = {
		.index = index, .columns = (size_t)peel_layer_count(index) + 1};
	int code;

	if (!peel_has_facts(index)) {
		return peel_fail(err, PEEL_EUSAGE, "advice needs facts about contents");
	}
	code = advice_rules_read(index, &a.rules, err);
	return code < 0 ? code : advise(&a, min_saves, each, arg, err);
}
