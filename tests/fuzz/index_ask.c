/* SPDX-License-Identifier: Apache-2.0 */
#include "index_ask.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/advice.h>
#include <peel/audit.h>
#include <peel/diff.h>
#include <peel/error.h>
#include <peel/facts.h>
#include <peel/query.h>
#include <peel/waste.h>

#include "facts_look.h"
#include "facts_rows.h"
#include "fuzz.h"
#include "util.h"

/* Nodes that a walk visits at most: an index may say that a folder is in itself. */
#define WALK_MAX 48
/* Names of a folder, xattrs of a node, rows of anything that are taken. */
#define TAKE_MAX 64
/* A group of questions has so many parts where asking all would take long. */
#define PARTS 3
/* Longest symlink that is shown, bytes. */
#define ROOM 4096

/* Folders that are still to be listed, and what was taken. */
struct walk {
	struct peel_index *index;
	uint64_t folders[WALK_MAX];
	size_t count, taken;
	int view;
	/* Of the entries one in PARTS is asked about, from this one on. */
	size_t part;
};

static bool is_code(int code)
{
	return code <= PEEL_ENOMEM && code >= PEEL_EINCOMPLETE;
}

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	size_t *count = arg;

	fuzz_check(name && (value || !len));
	return ++*count >= TAKE_MAX;
}

static void ask_link(struct peel_index *index, uint64_t ino)
{
	char *target = NULL;
	size_t len = 0;
	int code = peel_readlink(index, ino, &target, &len, NULL);

	fuzz_check(code == 0 ? strlen(target) <= len : is_code(code));
	free(target);
	target = NULL;
	code = peel_readlink_inside(index, ino, &target, &len, NULL);
	if (code == 0) {
		/* Nothing absolute is ever shown: it would lead out of the mount. */
		fuzz_check(target[0] != '/' && strlen(target) == len);
	} else {
		fuzz_check(is_code(code) && code != PEEL_ELOOP);
	}
	free(target);
}

static void ask_file(struct peel_index *index, const struct peel_node *node)
{
	static uint8_t room[ROOM];
	const uint64_t offsets[] = {0, node->size / 2, node->size - 1, node->size, UINT64_MAX - 1};
	enum peel_kind kind = 0;
	uint64_t found;
	size_t got;

	for (size_t i = 0; i < countof(offsets); i++) {
		const ssize_t len = peel_read(index, node->ino, offsets[i], room, ROOM, NULL);

		fuzz_check(len >= 0 ? (size_t)len <= ROOM : is_code((int)len));
		fuzz_check(len <= 0 || (uint64_t)len <= node->size - offsets[i]);
	}
	fuzz_check(peel_read_now(index, node->ino, 1, room, 16, &got, NULL) <= 1);
	for (int hole = 0; hole < 2; hole++) {
		if (peel_seek(index, node->ino, node->size / 3, hole, &found, NULL) == 0) {
			fuzz_check(found >= node->size / 3 && found <= node->size);
		}
	}
	fuzz_check(peel_kind(index, node->ino, &kind, NULL) < 0 || peel_kind_name(kind));
}

static void ask_node(struct peel_index *index, const struct peel_node *node)
{
	struct peel_node again;
	uint64_t parent;
	size_t count = 0;
	int code = peel_node_get(index, node->ino, &again, NULL);

	fuzz_check(node->ino != 0 && node->mtime_nsec < 1000000000);
	/* Two rows may contradict each other; neither may be more than an answer. */
	fuzz_check(code == 0 ? again.ino != 0 : is_code(code));
	code = peel_xattrs(index, node->ino, take_xattr, &count, NULL);
	fuzz_check(code == 0 || code == 1 || is_code(code));
	if (S_ISREG(node->mode)) {
		ask_file(index, node);
	} else if (S_ISLNK(node->mode)) {
		ask_link(index, node->ino);
	} else if (S_ISDIR(node->mode)) {
		fuzz_check(peel_parent(index, node->ino, &parent, NULL) <= 0);
	}
}

static int take_entry(void *arg, const struct peel_dirent *entry)
{
	struct walk *walk = arg;

	fuzz_check(entry->name_len > 0 && entry->name_len <= PEEL_NAME_MAX);
	fuzz_check(!memchr(entry->name, '/', entry->name_len) &&
		!memchr(entry->name, '\0', entry->name_len));
	fuzz_check(entry->cookie > 0 && entry->node.view == walk->view);
	if (walk->taken % PARTS == walk->part) {
		ask_node(walk->index, &entry->node);
	}
	if (S_ISDIR(entry->node.mode) && walk->count < WALK_MAX) {
		walk->folders[walk->count++] = entry->node.ino;
	}
	return ++walk->taken >= TAKE_MAX;
}

static void ask_tree(struct peel_index *index, int view, unsigned int part)
{
	struct walk walk = {.index = index,
		.view = view,
		.folders = {peel_root(view)},
		.count = 1,
		.part = part % PARTS};

	for (size_t i = 0; i < walk.count && walk.taken < TAKE_MAX; i++) {
		const int code = peel_list(index, walk.folders[i], 0, take_entry, &walk, NULL);

		fuzz_check(code == 0 || code == 1 || is_code(code));
	}
}

static int take_step(void *arg, const struct peel_step *step)
{
	fuzz_check(step->path && step->why && step->instruction && step->package);
	fuzz_check(peel_action_name(step->action)[0]);
	return ++*(size_t *)arg >= TAKE_MAX;
}

static void ask_paths(struct peel_index *index, unsigned int part)
{
	static const char *const paths[] = {"/", "/usr/bin/git", "/bin/tool", "/out",
		"/old/deep/file", "/etc/../etc/secret", "/opaque/one", "/none/at/all", "/holes"};
	const char *path = paths[part % countof(paths)];
	const size_t len = strlen(path);
	size_t steps = 0;
	int code;

	for (int view = PEEL_VIEW_MERGED; view < 2; view++) {
		struct peel_node node;
		char *canonical = NULL;

		code = peel_resolve(index, view, 0, path, len, part % 2, &node, &canonical, NULL);
		fuzz_check(code == 0 ? canonical[0] == '/' : is_code(code));
		free(canonical);
	}
	code = peel_why(index, path, len, take_step, &steps, NULL);
	fuzz_check(code >= 0 || is_code(code));
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	fuzz_check(piece->path && strlen(piece->path) <= piece->path_len);
	fuzz_check(piece->layer >= 0 && peel_cause_name(piece->cause));
	fuzz_check(!piece->kind || peel_kind_name(piece->kind));
	return ++*(size_t *)arg >= 4 * TAKE_MAX;
}

static void ask_pieces(struct peel_index *index, enum peel_piece_order order)
{
	size_t pieces = 0;
	int code = peel_pieces(index, order, false, take_piece, &pieces, NULL);

	fuzz_check(code == 0 || code == 1 || is_code(code));
	pieces = 0;
	code = peel_pieces(index, order, true, take_piece, &pieces, NULL);
	fuzz_check(code == 0 || code == 1 || is_code(code));
}

static void ask_waste(struct peel_index *index, unsigned int part)
{
	const struct peel_waste_options options = {.top = 10, .depth = 2};
	struct peel_waste *waste = NULL;
	struct peel_dive *dive = NULL;

	if (part % 2) {
		(void)peel_dive(index, 10, &dive, NULL);
		peel_dive_free(dive);
		return;
	}
	if (peel_waste(index, &options, &waste, NULL) == 0) {
		const struct peel_ledger *total = &waste->total;

		/* Sums stay at their greatest where an index claims more. */
		fuzz_check(total->bytes == UINT64_MAX ||
			total->bytes == total->visible_bytes + peel_ledger_wasted(total));
	}
	peel_waste_free(waste);
}

static int take_program(void *arg, const struct peel_program *program)
{
	fuzz_check(program->piece && program->soname);
	return ++*(size_t *)arg >= TAKE_MAX;
}

static int take_advice(void *arg, const struct peel_advice *advice)
{
	fuzz_check(advice->id && advice->title && advice->action && advice->instruction);
	return ++*(size_t *)arg >= TAKE_MAX;
}

static void ask_rows(struct peel_index *index)
{
	struct facts_rows *rows = NULL;
	struct facts_row row;
	size_t count = 0;
	int code = facts_rows_new(index, &rows, NULL);

	while (code >= 0 && (code = facts_rows_next(rows, &row, NULL)) > 0 && ++count < TAKE_MAX) {
		fuzz_check(!row.elf || (row.elf->bits == 32 || row.elf->bits == 64));
		fuzz_check(row.listed >= 0 && row.listed <= 2);
	}
	fuzz_check(code >= 0 || is_code(code));
	facts_rows_free(rows);
	for (uint32_t i = 0; i <= peel_package_count(index) && i < TAKE_MAX; i++) {
		const struct peel_package *package = peel_package_get(index, i);

		fuzz_check(!package || (package->name && package->db && package->record));
	}
	for (uint32_t i = 0; i < peel_package_db_count(index) && i < TAKE_MAX; i++) {
		fuzz_check(peel_package_db_get(index, i)->problem);
	}
}

static void ask_facts(struct peel_index *index, unsigned int part)
{
	size_t count = 0;
	int code = 0;

	switch (part % PARTS) {
	case 0:
		ask_rows(index);
		break;
	case 1:
		code = peel_programs(index, take_program, &count, NULL);
		break;
	default:
		code = peel_advise(index, 0, take_advice, &count, NULL);
	}
	fuzz_check(code == 0 || code == 1 || is_code(code));
}

static int take_finding(void *arg, const struct peel_finding *finding)
{
	fuzz_check(finding->code && finding->detail);
	return ++*(size_t *)arg >= TAKE_MAX;
}

static int take_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	for (int i = 0; i < columns; i++) {
		fuzz_check(names[i] && strchr("irtbn", values[i].type));
	}
	return ++*(size_t *)arg >= TAKE_MAX;
}

static void ask_rest(struct peel_index *index)
{
	struct peel_layer_stat stat;
	struct peel_totals totals;
	size_t count = 0;
	int code = peel_findings(index, take_finding, &count, NULL);

	fuzz_check(code == 0 || code == 1 || is_code(code));
	fuzz_check(peel_totals(index, &totals, NULL) <= 0);
	for (int i = 0; i < peel_layer_count(index) && i < 4; i++) {
		if (peel_layer_stat(index, i, &stat, NULL) == 0) {
			fuzz_check(stat.layer.digest && stat.layer.instruction && stat.diff_hashed);
		}
	}
	for (int i = 0; i < peel_history_count(index) && i < TAKE_MAX; i++) {
		fuzz_check(peel_history(index, i)->instruction);
	}
	fuzz_check(peel_image_value(index, "env_path") && peel_index_incomplete_reasons(index));
}

static void ask_sql(struct peel_index *index, unsigned int number)
{
	static const char *const queries[] = {"SELECT * FROM tree", "SELECT * FROM layers",
		"SELECT * FROM findings", "SELECT * FROM hidden"};
	size_t count = 0;

	(void)peel_sql(index, queries[number % countof(queries)], take_row, &count, NULL);
}

static int take_difference(void *arg, const struct peel_difference *difference)
{
	fuzz_check(difference->path[0] == '/' && difference->differs);
	return ++*(size_t *)arg >= TAKE_MAX;
}

static void ask_difference(struct peel_index *index)
{
	size_t count = 0;
	const int code = peel_diff(index, index, NULL, take_difference, &count, NULL, NULL);

	fuzz_check(code == 0 || code == 1 || is_code(code));
}

void index_ask(struct peel_index *index, unsigned int number)
{
	const unsigned int part = number / INDEX_ASK_GROUPS;

	switch (number % INDEX_ASK_GROUPS) {
	case 0:
		ask_tree(index, PEEL_VIEW_MERGED, part);
		break;
	case 1:
		ask_tree(index, (int)(part / PARTS % 2), part);
		break;
	case 2:
		ask_paths(index, part);
		break;
	case 3:
		ask_pieces(index, PEEL_BY_ENTRY);
		break;
	case 4:
		if (part % 2) {
			ask_difference(index);
		} else {
			ask_pieces(index, PEEL_BY_PATH);
		}
		break;
	case 5:
		ask_waste(index, part);
		break;
	case 6:
		ask_facts(index, part);
		break;
	case 7:
		ask_rest(index);
		break;
	default:
		ask_sql(index, part);
	}
}
