/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header of N bytes can hold N / 5 records, each with a key of its own, so nothing here is
 * quadratic: known keys go to their place in a table, the others to a list that is sorted once to
 * find the repeated ones.
 */
#include "tar_pax.h"

#include <string.h>

#include <peel/error.h>

#include "util.h"

/** Shortest record that Go takes: "5 a=\n". */
#define RECORD_MIN 5

enum rule {
	/** May hold a NUL. */
	RULE_NONE = 0,
	/** A NUL spoils the header. */
	RULE_TEXT = 1,
	/** A NUL spoils the entry. */
	RULE_NAME = 2,
	/** Listed in records too. */
	RULE_LISTED = 4,
};

static const struct known_key {
	const char *key;
	int rules;
} known_keys[TAR_PAX_KEYS] = {
	[TAR_PAX_ATIME] = {"atime", RULE_LISTED},
	[TAR_PAX_CTIME] = {"ctime", RULE_LISTED},
	[TAR_PAX_DEVMAJOR] = {"SCHILY.devmajor", RULE_LISTED},
	[TAR_PAX_DEVMINOR] = {"SCHILY.devminor", RULE_LISTED},
	[TAR_PAX_GID] = {"gid", RULE_NONE},
	[TAR_PAX_GNAME] = {"gname", RULE_TEXT},
	[TAR_PAX_LINKPATH] = {"linkpath", RULE_NAME},
	[TAR_PAX_MTIME] = {"mtime", RULE_NONE},
	[TAR_PAX_PATH] = {"path", RULE_NAME},
	[TAR_PAX_SIZE] = {"size", RULE_NONE},
	[TAR_PAX_SPARSE_MAJOR] = {"GNU.sparse.major", RULE_NONE},
	[TAR_PAX_SPARSE_MAP] = {"GNU.sparse.map", RULE_NONE},
	[TAR_PAX_SPARSE_MINOR] = {"GNU.sparse.minor", RULE_NONE},
	[TAR_PAX_SPARSE_NAME] = {"GNU.sparse.name", RULE_NAME},
	[TAR_PAX_SPARSE_NUMBLOCKS] = {"GNU.sparse.numblocks", RULE_NONE},
	[TAR_PAX_SPARSE_REALSIZE] = {"GNU.sparse.realsize", RULE_NONE},
	[TAR_PAX_SPARSE_SIZE] = {"GNU.sparse.size", RULE_NONE},
	[TAR_PAX_UID] = {"uid", RULE_NONE},
	[TAR_PAX_UNAME] = {"uname", RULE_TEXT},
};

bool tar_text_is(const struct tar_text *text, const char *wanted)
{
	return text->len == strlen(wanted) && memcmp(text->bytes, wanted, text->len) == 0;
}

bool tar_text_begins(const struct tar_text *text, const char *prefix)
{
	return text->len >= strlen(prefix) && memcmp(text->bytes, prefix, strlen(prefix)) == 0;
}

static bool same_text(const struct tar_text *a, const struct tar_text *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool has_nul(const struct tar_text *text)
{
	return memchr(text->bytes, 0, text->len) != NULL;
}

bool tar_pax_number(const struct tar_text *text, int64_t *ret)
{
	bool minus = text->len > 0 && text->bytes[0] == '-';
	size_t i = text->len > 0 && (minus || text->bytes[0] == '+');
	int64_t value = 0;

	if (i == text->len) {
		return false;
	}
	for (; i < text->len; i++) {
		int digit = text->bytes[i] - '0';

		/* Counted downwards, where there is room for one more. */
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, digit, &value)) {
			return false;
		}
	}
	if (!minus && value == INT64_MIN) {
		return false;
	}
	*ret = minus ? value : -value;
	return true;
}

static bool parse_fraction(const struct tar_text *text, uint32_t *ret_nsec)
{
	uint32_t scale = 100000000;
	uint32_t value = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (text->bytes[i] < '0' || text->bytes[i] > '9') {
			return false;
		}
		value += scale * (uint32_t)(text->bytes[i] - '0');
		scale /= 10;
	}
	*ret_nsec = value;
	return true;
}

bool tar_pax_time(const struct tar_text *text, int64_t *ret_sec, uint32_t *ret_nsec)
{
	const char *dot = memchr(text->bytes, '.', text->len);
	struct tar_text whole = {text->bytes, dot ? (size_t)(dot - text->bytes) : text->len};
	struct tar_text fraction = {dot ? dot + 1 : "", dot ? text->len - whole.len - 1 : 0};
	int64_t sec;
	uint32_t nsec;

	if (!tar_pax_number(&whole, &sec) || !parse_fraction(&fraction, &nsec)) {
		return false;
	}
	/* A minus covers the fraction too. */
	if (whole.bytes[0] == '-' && nsec > 0) {
		if (__builtin_sub_overflow(sec, 1, &sec)) {
			return false;
		}
		nsec = 1000000000 - nsec;
	}
	*ret_sec = sec;
	*ret_nsec = nsec;
	return true;
}

static int bad_record(struct peel_error *err, const char *why)
{
	return peel_fail(err, PEEL_EFORMAT, "pax record with %s", why);
}

/** Take one record off the front of rest. */
static int parse_record(struct tar_text *rest, struct tar_pax_record *record,
	struct peel_error *err)
{
	const char *space = memchr(rest->bytes, ' ', rest->len);
	struct tar_text digits = {rest->bytes, space ? (size_t)(space - rest->bytes) : 0};
	const char *equals;
	const char *end;
	int64_t len;

	if (!space || !tar_pax_number(&digits, &len) || len < RECORD_MIN ||
		(uint64_t)len > rest->len || (size_t)len <= digits.len + 1) {
		return bad_record(err, "a length that lies");
	}
	end = rest->bytes + len;
	if (end[-1] != '\n') {
		return bad_record(err, "no newline at its end");
	}
	equals = memchr(space + 1, '=', (size_t)(end - 1 - (space + 1)));
	if (!equals) {
		return bad_record(err, "no equals sign");
	}
	if (equals == space + 1) {
		return bad_record(err, "no key");
	}
	record->key = (struct tar_text){space + 1, (size_t)(equals - (space + 1))};
	record->value = (struct tar_text){equals + 1, (size_t)(end - 1 - (equals + 1))};
	rest->bytes = end;
	rest->len -= (size_t)len;
	return has_nul(&record->key) ? bad_record(err, "a NUL in its key") : 0;
}

static int add_known(struct tar_pax *pax, enum tar_pax_key key, const struct tar_text *value,
	struct peel_error *err)
{
	struct tar_text *known = &pax->known[key];

	if (known_keys[key].rules & (RULE_TEXT | RULE_NAME) && has_nul(value)) {
		if (known_keys[key].rules & RULE_TEXT) {
			return bad_record(err, "a NUL in the name of an owner");
		}
		pax->nul_name = true;
	}
	if (known->bytes && !same_text(known, value)) {
		pax->repeated = true;
	}
	*known = *value;
	return 0;
}

/** A number of a 0.0 map: offsets and lengths must take turns. */
static int add_map(struct tar_pax *pax, const struct tar_text *value, bool is_length,
	struct peel_error *err)
{
	if ((pax->map_count & 1) != is_length) {
		pax->bad_map = true;
	}
	if (!grow_array(&pax->map, pax->map_count, &pax->map_room, sizeof(*pax->map))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for a sparse map");
	}
	pax->map[pax->map_count++] = *value;
	return 0;
}

static int add_record(struct tar_pax *pax, const struct tar_pax_record *record,
	struct peel_error *err)
{
	for (int key = 0; key < TAR_PAX_KEYS; key++) {
		if (tar_text_is(&record->key, known_keys[key].key)) {
			int code = add_known(pax, (enum tar_pax_key)key, &record->value, err);

			if (code < 0 || !(known_keys[key].rules & RULE_LISTED)) {
				return code;
			}
		}
	}
	if (tar_text_is(&record->key, "GNU.sparse.offset")) {
		return add_map(pax, &record->value, false, err);
	}
	if (tar_text_is(&record->key, "GNU.sparse.numbytes")) {
		return add_map(pax, &record->value, true, err);
	}
	if (!grow_array(&pax->records, pax->count, &pax->room, sizeof(*pax->records))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for pax records");
	}
	pax->records[pax->count++] = *record;
	return 0;
}

static int compare_keys(const struct tar_text *a, const struct tar_text *b)
{
	int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

/** By key, then by place in the header. */
static int compare_records(const void *a, const void *b)
{
	const struct tar_pax_record *left = a;
	const struct tar_pax_record *right = b;
	int order = compare_keys(&left->key, &right->key);

	return order ? order
		     : (left->key.bytes > right->key.bytes) - (left->key.bytes < right->key.bytes);
}

static void sort_records(struct tar_pax *pax)
{
	size_t used = 0;

	if (pax->count < 2) {
		return;
	}
	qsort(pax->records, pax->count, sizeof(*pax->records), compare_records);
	for (size_t i = 1; i < pax->count; i++) {
		const struct tar_pax_record *last = &pax->records[used];

		if (compare_keys(&last->key, &pax->records[i].key) == 0) {
			pax->repeated = pax->repeated ||
				!same_text(&last->value, &pax->records[i].value);
		} else {
			used++;
		}
		pax->records[used] = pax->records[i];
	}
	pax->count = used + 1;
}

void tar_pax_clear(struct tar_pax *pax)
{
	*pax = (struct tar_pax){
		.records = pax->records,
		.room = pax->room,
		.map = pax->map,
		.map_room = pax->map_room,
	};
}

int tar_pax_parse(struct tar_pax *pax, const char *bytes, size_t len, struct peel_error *err)
{
	struct tar_text rest = {bytes, len};

	tar_pax_clear(pax);
	while (rest.len > 0) {
		struct tar_pax_record record;
		int code = parse_record(&rest, &record, err);

		if (code == 0) {
			code = add_record(pax, &record, err);
		}
		if (code < 0) {
			tar_pax_clear(pax);
			return code;
		}
	}
	sort_records(pax);
	return 0;
}

static void move_text(struct tar_text *text, const char *from, const char *to)
{
	if (text->bytes) {
		text->bytes = to + (text->bytes - from);
	}
}

void tar_pax_move(struct tar_pax *pax, const char *from, const char *to)
{
	for (size_t i = 0; i < TAR_PAX_KEYS; i++) {
		move_text(&pax->known[i], from, to);
	}
	for (size_t i = 0; i < pax->count; i++) {
		move_text(&pax->records[i].key, from, to);
		move_text(&pax->records[i].value, from, to);
	}
	for (size_t i = 0; i < pax->map_count; i++) {
		move_text(&pax->map[i], from, to);
	}
}

void tar_pax_finish(struct tar_pax *pax)
{
	if (pax) {
		free(pax->records);
		free(pax->map);
		*pax = (struct tar_pax){0};
	}
}
