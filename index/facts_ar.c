/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ar archive: members one behind the other, each behind a header of text, at even offsets. Long names are kept in
 * two ways:
 *
 *   GNU  a member "//" has all of them, ended by "/\n"; a name "/123" stands at 123 in it
 *   BSD  a name "#1/20" is the first 20 bytes of the member's data
 *
 * A thin archive has no data but of the index and the names: its members are files elsewhere. The index of symbols, by
 * any of its names, is no member, as for ar itself.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_gather_ar.h"
#include "facts_look.h"
#include "facts_window.h"
#include "util.h"

#define MAGIC 8
#define HEADER 60
#define NAME_FIELD 16
/* Headers that are looked at: an archive may have some beside those of members that are told. */
#define STEPS_MAX (FACTS_MEMBERS_MAX + 16)
/* As much as a gatherer keeps of each member (facts_gather_ar.h), and pieces of the table of names. */
#define AR_WINDOW FACTS_AR_KEPT
#define NAMES_WINDOW FACTS_AR_NAMES

struct ar {
	const struct facts_file *file;
	facts_member_fn *each;
	void *arg;
	struct facts_window window;
	/* Long names are far from the headers: a window of their own. */
	struct facts_window names;
	uint64_t spent;
	uint64_t names_offset, names_size;
	size_t told;
	bool thin;
	bool partial;
};

/* A decimal number in a field padded with spaces. */
static bool read_number(const uint8_t *field, size_t len, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < len && field[i] >= '0' && field[i] <= '9'; i++) {
		value = value * 10 + (uint64_t)(field[i] - '0');
	}
	*ret = value;
	return i > 0 && (i == len || field[i] == ' ' || field[i] == ':');
}

static bool is_symbol_index(const char *name)
{
	return strcmp(name, "/") == 0 || strcmp(name, "/SYM64/") == 0 ||
		strncmp(name, "__.SYMDEF", 9) == 0;
}

/* Cut what ends a name: a slash (GNU), or spaces (all). */
static size_t trim_name(char *name, size_t len, bool slash)
{
	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\0')) {
		len--;
	}
	if (slash && len > 1 && name[len - 1] == '/') {
		len--;
	}
	name[len] = '\0';
	return len;
}

/* A name out of the table of GNU names. */
static int long_name(struct ar *ar, uint64_t at, char *ret_name, size_t size, size_t *ret_len,
	struct peel_error *err)
{
	bool whole = false;
	int result = at < ar->names_size
		? facts_window_string(&ar->names, ar->names_offset + at, ar->names_size - at, '\n',
			  ret_name, size, &whole, err)
		: 0;

	if (result < 0) {
		return result;
	}
	ar->partial |= !whole;
	*ret_len = trim_name(ret_name, (size_t)result, true);
	return 1;
}

/* A BSD name at the begin of the data, which are the less for it. */
static int leading_name(struct ar *ar, struct facts_member *member, uint64_t len, char *ret_name,
	size_t size, struct peel_error *err)
{
	const uint8_t *bytes;
	const size_t taken = min_u64(len, size - 1);
	int result;

	if (len > member->size) {
		return 0;
	}
	result = facts_window_at(&ar->names, member->offset, taken, &bytes, err);
	if (result <= 0) {
		return result;
	}
	memcpy(ret_name, bytes, taken);
	ar->partial |= taken < len;
	member->name_len = trim_name(ret_name, taken, false);
	member->offset += len;
	member->size -= len;
	member->stored = member->size;
	return 1;
}

/* Name a member. @param name its field, with room for size bytes. @return 1; 0: damaged; as facts_window_at. */
static int name_member(struct ar *ar, struct facts_member *member, char *name, size_t size,
	struct peel_error *err)
{
	uint64_t number;

	if (name[0] == '#' && name[1] == '1' && name[2] == '/') {
		return read_number((uint8_t *)name + 3, NAME_FIELD - 3, &number)
			? leading_name(ar, member, number, name, size, err)
			: 0;
	}
	if (name[0] == '/' && read_number((uint8_t *)name + 1, NAME_FIELD - 1, &number)) {
		return long_name(ar, number, name, size, &member->name_len, err);
	}
	name[NAME_FIELD] = '\0';
	member->name_len = trim_name(name, NAME_FIELD, name[0] != '/');
	return 1;
}

/* One member at a place. @return 1 and the next one's place; 0: stop; less than 0. */
static int take_member(struct ar *ar, uint64_t *at, struct peel_error *err)
{
	char name[FACTS_NAME_MAX];
	struct facts_member member = {.name = name, .offset = *at + HEADER};
	uint64_t next;
	const uint8_t *header;
	bool has_data;
	int result = facts_window_at(&ar->window, *at, HEADER, &header, err);

	if (result <= 0 || memcmp(header + 58, "`\n", 2) != 0 ||
		!read_number(header + 48, 10, &member.size)) {
		ar->partial = true;
		return result < 0 ? result : 0;
	}
	memcpy(name, header, NAME_FIELD);
	has_data = !ar->thin ||
		(name[0] == '/' && (name[1] == ' ' || name[1] == '/' || name[1] == 'S'));
	member.stored = has_data ? member.size : 0;
	next = member.offset + member.stored;
	result = name_member(ar, &member, name, sizeof(name), err);
	if (result <= 0 || next > ar->file->size) {
		ar->partial = true;
		return result < 0 ? result : 0;
	}
	*at = next + next % 2;
	if (strcmp(name, "//") == 0) {
		ar->names_offset = member.offset;
		ar->names_size = member.size;
		return 1;
	}
	if (is_symbol_index(name)) {
		return 1;
	}
	if (ar->told++ == FACTS_MEMBERS_MAX) {
		ar->partial = true;
		return 0;
	}
	return ar->each(ar->arg, &member) ? 0 : 1;
}

static int list_members(struct ar *ar, struct peel_error *err)
{
	uint64_t at = MAGIC;

	for (size_t steps = 0; at < ar->file->size; steps++) {
		int result;

		if (steps == STEPS_MAX) {
			ar->partial = true;
			break;
		}
		result = take_member(ar, &at, err);
		if (result <= 0) {
			return result;
		}
	}
	return 0;
}

int facts_ar_list(const struct facts_file *file, facts_member_fn *each, void *arg,
	struct peel_error *err)
{
	struct ar ar = {.file = file, .each = each, .arg = arg};
	const uint8_t *magic;
	int result;

	ar.window = (struct facts_window){.file = file, .room = AR_WINDOW, .spent = &ar.spent};
	ar.names = (struct facts_window){.file = file, .room = NAMES_WINDOW, .spent = &ar.spent};
	result = facts_window_at(&ar.window, 0, MAGIC, &magic, err);
	if (result > 0) {
		ar.thin = memcmp(magic, "!<thin>\n", MAGIC) == 0;
		result = ar.thin || memcmp(magic, "!<arch>\n", MAGIC) == 0;
	}
	if (result > 0) {
		result = list_members(&ar, err);
		if (result == 0) {
			result = ar.partial ? FACTS_LIST_PARTIAL : FACTS_LIST_WHOLE;
		}
	}
	facts_window_finish(&ar.window);
	facts_window_finish(&ar.names);
	return result;
}
