/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "format.h"

/*
 * Largest passwd or group file that is read: 100,000 users; the rest of a larger one is passed
 * over.
 */
#define FILE_MAX (8u << 20)
/* Most names kept of one file. */
#define NAMES_MAX 200000

struct name_row {
	uint32_t id;
	/* Place in the file: of several names for a number the first counts, as with getpwuid. */
	uint32_t order;
	/* Escaped, and as the file has it. */
	char *name;
	char *raw;
};

static int compare_rows(const void *a, const void *b)
{
	const struct name_row *left = a;
	const struct name_row *right = b;

	if (left->id != right->id) {
		return left->id < right->id ? -1 : 1;
	}
	return left->order < right->order ? -1 : left->order > right->order;
}

/* Field i of a line that colons divide. @return its length; 0 where there is none. */
static size_t find_field(const char *line, size_t len, int i, const char **ret_field)
{
	const char *end = line + len;

	for (; i > 0; i--) {
		const char *colon = memchr(line, ':', (size_t)(end - line));

		if (!colon) {
			return 0;
		}
		line = colon + 1;
	}
	*ret_field = line;
	len = (size_t)(end - line);
	const char *colon = memchr(line, ':', len);
	return colon ? (size_t)(colon - line) : len;
}

/* NAME:PASSWORD:NUMBER:… */
static bool add_line(struct names *names, const char *line, size_t len)
{
	const char *name;
	const char *number = NULL;
	size_t name_len = find_field(line, len, 0, &name);
	size_t number_len = find_field(line, len, 2, &number);
	uint64_t id = 0;
	char *escaped;
	char *raw;

	if (name_len == 0 || number_len == 0 || number_len > 10 || names->count >= NAMES_MAX) {
		return true;
	}
	for (size_t i = 0; i < number_len; i++) {
		if (number[i] < '0' || number[i] > '9') {
			return true;
		}
		id = id * 10 + (uint64_t)(number[i] - '0');
	}
	if (id > UINT32_MAX) {
		return true;
	}
	raw = strndup(name, name_len);
	if (!raw || peel_text_escape(name, name_len, &escaped) < 0) {
		free(raw);
		return false;
	}
	if (names->count == names->room) {
		size_t room = names->room ? names->room * 2 : 64;
		struct name_row *rows = reallocarray(names->rows, room, sizeof(*rows));

		if (!rows) {
			free(escaped);
			free(raw);
			return false;
		}
		names->rows = rows;
		names->room = room;
	}
	names->rows[names->count] = (struct name_row){
		(uint32_t)id, (uint32_t)names->count, escaped, raw};
	names->count++;
	return true;
}

/* What an image lacks or holds broken is no failure; what this machine cannot do now is. */
static bool is_failure(int code)
{
	return code == PEEL_ENOMEM || code == PEEL_EIO || code == PEEL_ECHANGED;
}

static int read_names(struct names *names, struct peel_index *index, const char *path,
	struct peel_error *err)
{
	cleanup_free char *text = NULL;
	struct peel_node node;
	size_t size;
	ssize_t got = resolve_path(index, PEEL_VIEW_MERGED, path, true, &node, NULL, err);

	if (got < 0 || !S_ISREG(node.mode)) {
		return is_failure((int)got) ? (int)got : 0;
	}
	size = node.size < FILE_MAX ? (size_t)node.size : FILE_MAX;
	text = malloc(size + 1);
	if (!text) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	got = peel_read(index, node.ino, 0, text, size, err);
	if (got < 0 && is_failure((int)got)) {
		return (int)got;
	}
	for (const char *line = text; got > 0 && line < text + got;) {
		size_t left = (size_t)(text + got - line);
		const char *newline = memchr(line, '\n', left);
		size_t len = newline ? (size_t)(newline - line) : left;

		if (!add_line(names, line, len)) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		line += len + 1;
	}
	if (names->count > 0) {
		qsort(names->rows, names->count, sizeof(*names->rows), compare_rows);
	}
	return 0;
}

int users_read(struct users *users, struct peel_index *index, struct peel_error *err)
{
	int code;

	*users = (struct users){0};
	code = read_names(&users->users, index, "/etc/passwd", err);
	return code < 0 ? code : read_names(&users->groups, index, "/etc/group", err);
}

static void names_finish(struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		free(names->rows[i].name);
		free(names->rows[i].raw);
	}
	free(names->rows);
	*names = (struct names){0};
}

void users_finish(struct users *users)
{
	names_finish(&users->users);
	names_finish(&users->groups);
}

static const struct name_row *find_row(const struct names *names, uint32_t id)
{
	size_t low = 0;
	size_t high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->rows[middle].id < id) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < names->count && names->rows[low].id == id ? &names->rows[low] : NULL;
}

const char *names_find(const struct names *names, uint32_t id)
{
	const struct name_row *row = find_row(names, id);

	return row ? row->name : NULL;
}

const char *names_find_raw(const struct names *names, uint32_t id)
{
	const struct name_row *row = find_row(names, id);

	return row ? row->raw : NULL;
}

bool names_find_id(const struct names *names, const char *raw, uint32_t *ret_id)
{
	const struct name_row *first = NULL;

	for (size_t i = 0; i < names->count; i++) {
		const struct name_row *row = &names->rows[i];

		if (strcmp(row->raw, raw) == 0 && (!first || row->order < first->order)) {
			first = row;
		}
	}
	if (first) {
		*ret_id = first->id;
	}
	return first != NULL;
}

const char *names_show(const struct names *names, uint32_t id, char *buf)
{
	const char *name = names_find(names, id);

	return name ? name : format_number(buf, id);
}
