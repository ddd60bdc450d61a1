/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: the ledger's pieces and their facts come in the same order, entries ascending, so one pass takes
 * both. Facts turn leaves true; all names of a file with several count.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/facts.h>

#include "audit_detect_priv.h"
#include "facts_rows.h"
#include "glob.h"
#include "query_names.h"
#include "query_pieces.h"
#include "util.h"

/* Most names of one file that are told and asked. */
#define NAMES_MAX 10000

/* ELF file types (elf.h). */
#define ELF_RELOCATABLE 1
#define ELF_CORE 4

/* One file at hand. */
struct file {
	struct detect *detect;
	const struct peel_piece *piece;
	const struct facts_row *row;
};

static const char *last_component(const char *path, size_t *len)
{
	const char *slash = memrchr(path, '/', *len);
	const char *name = slash ? slash + 1 : path;

	*len -= (size_t)(name - path);
	return name;
}

/* "/" and a name for the patterns of names alone. @return its length, 0 where it is too long. */
static size_t rooted(char *buf, size_t size, const char *name, size_t len)
{
	if (len + 2 > size || memchr(name, '\0', len)) {
		return 0;
	}
	buf[0] = '/';
	memcpy(buf + 1, name, len);
	buf[len + 1] = '\0';
	return len + 1;
}

static void match_name(struct match *match, enum detector_leaf_type leaf, const char *name,
	size_t len, const char *type, const char *shown)
{
	char path[PATH_MAX];
	const size_t path_len = rooted(path, sizeof(path), name, len);

	if (path_len > 1) {
		match_text(match, leaf, path, path_len, type, shown, -1);
	}
}

/* Markers of members are called "member!marker". */
static void match_markers(struct match *match, const struct facts_row *row)
{
	for (size_t i = 0; i < row->marker_count; i++) {
		const char *name = row->markers[i].name;
		const char *bang = strrchr(name, '!');

		match_marker(match, bang ? bang + 1 : name, name, (int64_t)row->markers[i].offset);
	}
}

static void match_elf(struct match *match, const struct facts_row *row)
{
	const struct facts_elf *elf = row->elf;
	uint64_t bits = elf ? elf->flags : 0;

	for (size_t i = 0; i < row->need_count; i++) {
		size_t len = strlen(row->needs[i]);
		const char *name = last_component(row->needs[i], &len);

		match_name(match, DETECTOR_NEED, name, len, "need", row->needs[i]);
	}
	for (size_t i = 0; i < row->symbol_count; i++) {
		match_symbol(match, row->symbols[i].name, row->symbols[i].defined);
	}
	if (elf) {
		bits |= elf->type == ELF_RELOCATABLE ? DETECTOR_ELF_RELOCATABLE : 0;
		bits |= elf->type == ELF_CORE ? DETECTOR_ELF_CORE : 0;
		bits |= *elf->soname ? DETECTOR_ELF_LIBRARY : 0;
		match_bits(match, DETECTOR_ELF, bits, "elf", "ELF");
	}
}

static void match_archive(struct match *match, const struct facts_row *row)
{
	static const char *const bundles[] = {
		[FACTS_BUNDLE_PYINSTALLER] = "PyInstaller archive",
		[FACTS_BUNDLE_NUITKA] = "Nuitka payload",
		[FACTS_BUNDLE_ZIPAPP] = "__main__.py",
	};

	if (row->bundle > FACTS_BUNDLE_NONE && (size_t)row->bundle < countof(bundles)) {
		match_bits(match, DETECTOR_BUNDLE, UINT64_C(1) << row->bundle, "member",
			bundles[row->bundle]);
	}
	for (size_t i = 0; match_asks(match, DETECTOR_MEMBER) && i < row->member_count; i++) {
		const struct facts_row_member *member = &row->members[i];
		const char *name = member->name;
		size_t len = member->name_len;

		while (len > 0 && *name == '/') {
			name++;
			len--;
		}
		match_name(match, DETECTOR_MEMBER, name, len, "member", member->name);
	}
}

/* The last component of what a script's first line calls. */
static void match_script(struct match *match, struct detect *detect, const struct facts_row *row)
{
	const size_t line_len = row->line_len < DETECT_LINE_MAX ? row->line_len
								: DETECT_LINE_MAX - 1;
	const char *command;
	size_t len;

	if (!row->line || !match_asks(match, DETECTOR_SCRIPT)) {
		return;
	}
	memcpy(detect->line, row->line, line_len);
	detect->line[line_len] = '\0';
	if (detect_script_command(detect->line, strlen(detect->line), &command, &len)) {
		command = last_component(command, &len);
		match_name(match, DETECTOR_SCRIPT, command, len, "script", detect->line);
	}
}

static void match_xattrs(struct match *match, struct detect *detect, uint64_t entry)
{
	while (detect->xattr_at < detect->xattr_count &&
		detect->xattrs[detect->xattr_at].entry < entry) {
		detect->xattr_at++;
	}
	for (size_t i = detect->xattr_at;
		i < detect->xattr_count && detect->xattrs[i].entry == entry; i++) {
		const char *name = detect->xattrs[i].name;

		match_name(match, DETECTOR_XATTR, name, strlen(name), "xattr", name);
	}
}

static int take_name(void *arg, const char *path, size_t len)
{
	struct detect *detect = arg;
	struct found *base = &detect->base;

	match_text(detect->match, DETECTOR_PATH, path, len, "path", NULL, -1);
	return base->name_count >= NAMES_MAX ||
		found_name_add(detect, &base->names, &base->name_count, path, len) < 0;
}

/* The names of a file; of nearly all there is one, which is copied only where it is told. */
static int match_names(struct file *file)
{
	struct detect *detect = file->detect;
	const struct peel_piece *piece = file->piece;
	int r;

	detect->base.names = NULL;
	detect->base.name_count = 0;
	if (piece->nlink <= 1) {
		match_text(detect->match, DETECTOR_PATH, piece->path, piece->path_len, "path", NULL,
			-1);
		return 0;
	}
	r = query_names_each(detect->names, piece->entry, piece->visible, take_name, detect,
		detect->err);
	if (r > 0 && detect->base.name_count < NAMES_MAX) {
		return found_failed(detect);
	}
	return r < 0 ? r : 0;
}

/* True where none of the names is one that the detector's programs have. */
static bool is_renamed(const struct detect *detect, const struct detector *detector)
{
	uint32_t id;

	if (!detector->names) {
		return false;
	}
	for (const struct found_name *name = detect->base.names; name; name = name->next) {
		if (glob_set_first(detector->names, name->text, name->len, &id)) {
			return false;
		}
	}
	return true;
}

static unsigned int notes_of(const struct file *file, const struct detector_rule *rule)
{
	const struct facts_elf *elf = file->row->elf;
	const struct detect *detect = file->detect;
	unsigned int notes = 0;

	if (rule->tier > PEEL_TIER_EMBEDDER) {
		return 0;
	}
	if (elf && (elf->flags & FACTS_ELF_STATIC)) {
		notes |= DETECT_STATIC;
	}
	if (rule->tier == PEEL_TIER_INTERPRETER &&
		is_renamed(detect, &detect->detectors->list[rule->detector])) {
		notes |= DETECT_RENAMED;
	}
	if (elf && (*elf->interp || (elf->flags & FACTS_ELF_STATIC)) && !*elf->soname &&
		elf->type != ELF_RELOCATABLE && !(file->piece->mode & 0111)) {
		notes |= DETECT_NO_EXECUTE;
	}
	if (detect->databases && file->piece->visible && !file->piece->package) {
		notes |= DETECT_UNOWNED;
	}
	return notes;
}

static int take_rule(void *arg, uint32_t rule, const struct peel_evidence *evidence, size_t count)
{
	const struct file *file = arg;
	struct detect *detect = file->detect;
	const struct detector_rule *found = &detect->detectors->rules[rule];
	int r = 0;

	if (found->detector == detect->archive && found->tier <= PEEL_TIER_EMBEDDER) {
		detect->unexpanded++;
		detect->unexpanded_visible += file->piece->visible;
	}
	if (!detect->asked[found->detector]) {
		return 0;
	}
	if (!detect->base.names) {
		r = found_name_add(detect, &detect->base.names, &detect->base.name_count,
			file->piece->path, file->piece->path_len);
	}
	detect->base.notes = r < 0 ? 0 : notes_of(file, found);
	return r < 0 ? r : found_add(detect, rule, evidence, count, NULL);
}

static int look_at_file(struct file *file)
{
	struct detect *detect = file->detect;
	const struct peel_piece *piece = file->piece;
	const struct facts_row *row = file->row;
	struct match *match = detect->match;
	const struct found_mark mark = found_mark(detect);
	char mode[5];
	size_t found_count;
	int r;

	detect->base = (struct found){
		.visible = piece->visible,
		.shipped = true,
		.layer = piece->layer,
		.hidden_by = piece->visible ? -1 : piece->hidden_by,
		.cause = piece->cause,
		.ino = piece->ino,
		.bytes = piece->bytes,
		.package = piece->package,
	};
	match_begin(match, DETECTOR_FILE);
	r = match_names(file);
	if (r < 0) {
		return r;
	}
	if (piece->kind && piece->kind < 64) {
		match_bits(match, DETECTOR_KIND, UINT64_C(1) << piece->kind, "kind",
			peel_kind_name(piece->kind));
	}
	match_markers(match, row);
	match_elf(match, row);
	match_archive(match, row);
	match_bits(match, DETECTOR_MODE, piece->mode & 07777, "mode",
		detect_mode_text(piece->mode, mode));
	match_xattrs(match, detect, piece->entry);
	match_script(match, detect, row);
	found_count = detect->founds.count;
	r = match_finish(match, take_rule, file);
	if (detect->founds.count == found_count) {
		found_release(detect, &mark);
	}
	return r;
}

/* Why the pass ended, where it was not the end. */
struct pass {
	struct detect *detect;
	int r;
};

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct pass *pass = arg;
	struct facts_row row;
	struct file file = {pass->detect, piece, &row};

	/* Every file with facts has a kind. */
	pass->r = piece->kind
		? facts_rows_beside(pass->detect->rows, piece->entry, &row, pass->detect->err)
		: peel_fail(pass->detect->err, PEEL_EFORMAT, "the facts lack a file of the index");
	if (pass->r == 0) {
		pass->r = look_at_file(&file);
	}
	return pass->r < 0;
}

static int take_xattr(void *arg, uint64_t entry, const char *name)
{
	struct pass *pass = arg;
	struct detect *detect = pass->detect;
	char path[PATH_MAX];
	const size_t len = rooted(path, sizeof(path), name, strlen(name));
	uint32_t id;

	if (len <= 1 || !glob_set_first(detect->detectors->sets[DETECTOR_XATTR], path, len, &id)) {
		return 0;
	}
	name = found_text(detect, name, strlen(name));
	if (!name) {
		pass->r = found_failed(detect);
	} else if (!grow_array(&detect->xattrs, detect->xattr_count, &detect->xattr_room,
			   sizeof(*detect->xattrs))) {
		pass->r = peel_fail(detect->err, PEEL_ENOMEM, "no memory for xattrs");
	} else {
		detect->xattrs[detect->xattr_count++] = (struct detect_xattr){entry, name};
	}
	return pass->r < 0;
}

int detect_xattrs(struct detect *detect)
{
	struct pass pass = {detect, 0};
	int r = match_asks(detect->match, DETECTOR_XATTR)
		? query_xattrs(detect->index, take_xattr, &pass, detect->err)
		: 0;

	return pass.r < 0 ? pass.r : r < 0 ? r : 0;
}

int detect_range(struct detect *detect, uint64_t from, uint64_t end)
{
	struct pass pass = {detect, 0};
	int r = facts_rows_new_beside(detect->index, from, end, &detect->rows, detect->err);

	if (r == 0) {
		r = query_pieces_between(detect->index, from, end, take_piece, &pass, detect->err);
	}
	facts_rows_free(detect->rows);
	detect->rows = NULL;
	return pass.r < 0 ? pass.r : r < 0 ? r : 0;
}
