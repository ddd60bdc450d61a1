/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson builds a tree, and a tree can be sixty times as large as its text ("[[],[],…"). So the
 * text is looked over before it is parsed: its nesting and the number of its values are bounded,
 * and with them the memory of the tree (VALUE_BYTES of text a value of at most about 250 bytes).
 * Rejected: jansson's allocation hooks, because they are global to the process and not ours to set
 * in a library.
 *
 * Keys that differ only in case are refused because every engine is written in Go, whose decoder
 * takes either spelling of a field and lets the last one win: such a document is two documents.
 * Maps that hold the user's own keys (labels, annotations) are decoded exactly there and may hold
 * both.
 */
#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "hash.h"
#include "limit.h"
#include "util.h"

/* Bytes of the size limit for each value: room for ten thousand descriptors with all their fields by default. */
#define VALUE_BYTES 32

/* Longest piece of a stranger's text in a message. */
#define SHOWN_SIZE 160

/* Fields whose keys are the user's, in their folded spelling, sorted. */
static const char *const free_maps[] = {
	"annotations",
	"env",
	"exposedports",
	"labels",
	"layersources",
	"volumes",
};

/*
 * Fold a key in place as encoding/json does: ASCII case, and the two letters beyond it that fold to
 * ASCII (long s and the Kelvin sign). @return the new length.
 */
static size_t fold_key(char *key, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (i + 1 < len && memcmp(key + i, "\xc5\xbf", 2) == 0) {
			key[used++] = 's';
			i += 1;
		} else if (i + 2 < len && memcmp(key + i, "\xe2\x84\xaa", 3) == 0) {
			key[used++] = 'k';
			i += 2;
		} else {
			key[used++] = (char)(key[i] >= 'A' && key[i] <= 'Z' ? key[i] + 32 : key[i]);
		}
	}
	key[used] = '\0';
	return used;
}

static bool folds_to(const char *key, const char *folded)
{
	char copy[64];
	size_t len = strlen(key);

	if (len >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, key, len + 1);
	fold_key(copy, len);
	return strcmp(copy, folded) == 0;
}

static bool is_free_map(const char *key)
{
	for (size_t i = 0; i < countof(free_maps); i++) {
		if (folds_to(key, free_maps[i])) {
			return true;
		}
	}
	return false;
}

/* Bytes of UTF-8 that an escape stands for; a surrogate is half of a pair, and so of four bytes. */
static size_t escape_len(const char *text, size_t len, size_t *ret_taken)
{
	char digits[5] = {0};
	unsigned long code;

	*ret_taken = 2;
	if (len < 6 || text[1] != 'u') {
		return 1;
	}
	*ret_taken = 6;
	memcpy(digits, text + 2, 4);
	code = strtoul(digits, NULL, 16);
	return code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
}

/*
 * Pass over a string from its first byte. @return where its closing quote is; ret_text grows by its
 * bytes.
 */
static size_t skip_string(const char *text, size_t len, size_t pos, size_t *ret_text)
{
	while (pos < len && text[pos] != '"') {
		size_t taken = 1;

		*ret_text += text[pos] == '\\' ? escape_len(text + pos, len - pos, &taken) : 1;
		pos += taken;
	}
	return pos;
}

/*
 * Bound nesting and the number of values; brackets within strings do not count. @param ret_text
 * bytes of strings.
 */
static int check_bounds(const char *what, const char *text, size_t len, size_t *ret_text,
	struct limit_watch *limits, struct peel_error *err)
{
	const size_t values_max = limits_value(limits, PEEL_LIMIT_JSON_SIZE) / VALUE_BYTES;
	const int depth_max = (int)limits_value(limits, PEEL_LIMIT_JSON_DEPTH);
	size_t values = 1;
	int deepest = 0;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"') {
			i = skip_string(text, len, i + 1, ret_text);
			continue;
		}
		values += c == '[' || c == '{' || c == ',' || c == ':';
		depth += (c == '[' || c == '{') - (c == ']' || c == '}');
		deepest = depth > deepest ? depth : deepest;
		if (depth > depth_max) {
			limits_fail(limits, PEEL_LIMIT_JSON_DEPTH, (uint64_t)depth, err);
			(void)peel_wrap(err, "%s: offset %zu", what, i);
			return PEEL_ELIMIT;
		}
		if (values > values_max) {
			return peel_fail(err, PEEL_ELIMIT,
				"%s: more than %zu values, one for each %d bytes of the limit json-size"
				" (--limit json-size=N raises it)",
				what, values_max, VALUE_BYTES);
		}
	}
	return limits_check(limits, PEEL_LIMIT_JSON_DEPTH, (uint64_t)deepest, err);
}

/* Bytes of all strings, keys too. Recursion is bounded as above. */
static size_t count_text(json_t *value)
{
	size_t count = json_is_string(value) ? json_string_length(value) : 0;
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach (value, i, member) {
			count += count_text(member);
		}
	}
	json_object_foreach (value, key, member) {
		count += strlen(key) + count_text(member);
	}
	return count;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_keys(char **keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(keys[i]);
	}
	free(keys);
}

static int check_keys(const char *what, json_t *object, struct peel_error *err)
{
	size_t count = json_object_size(object);
	char **keys = calloc(count ? count : 1, sizeof(*keys));
	char shown[SHOWN_SIZE];
	size_t used = 0;
	int r = 0;
	const char *key;
	json_t *value;

	if (!keys) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	json_object_foreach (object, key, value) {
		keys[used] = strdup(key);
		if (!keys[used]) {
			free_keys(keys, used);
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		fold_key(keys[used], strlen(key));
		used++;
	}
	qsort(keys, used, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < used && r == 0; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0) {
			r = peel_fail(err, PEEL_EAMBIGUOUS,
				"%s has the key \"%s\" twice, spelled differently", what,
				peel_text_escape_into(shown, sizeof(shown), keys[i],
					strlen(keys[i])));
		}
	}
	free_keys(keys, used);
	return r;
}

/* Recursion is bounded: check_bounds has seen to the depth. */
static int check_variants(const char *what, json_t *value, bool free_map, struct peel_error *err)
{
	const char *key;
	json_t *member;
	size_t i;
	int r = 0;

	if (json_is_array(value)) {
		json_array_foreach (value, i, member) {
			r = check_variants(what, member, false, err);
			if (r < 0) {
				return r;
			}
		}
		return 0;
	}
	if (!json_is_object(value)) {
		return 0;
	}
	if (!free_map) {
		r = check_keys(what, value, err);
	}
	if (r < 0) {
		return r;
	}
	json_object_foreach (value, key, member) {
		r = check_variants(what, member, !free_map && is_free_map(key), err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int parse_failure(const char *what, const json_error_t *error, struct peel_error *err)
{
	char shown[SHOWN_SIZE];

	switch (json_error_code(error)) {
	case json_error_unknown:
		/* Nothing is said where its first allocations fail. */
	case json_error_out_of_memory:
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	case json_error_duplicate_key:
		return peel_fail(err, PEEL_EAMBIGUOUS, "%s has a key twice before offset %d", what,
			error->position);
	default:
		return peel_fail(err, PEEL_EFORMAT, "%s is no valid JSON at offset %d: %s", what,
			error->position,
			peel_text_escape_into(shown, sizeof(shown), error->text,
				strlen(error->text)));
	}
}

int json_parse_within(const char *what, const void *bytes, size_t len, struct limit_watch *limits,
	json_t **ret_json, struct peel_error *err)
{
	cleanup_json json_t *json = NULL;
	json_error_t error = {0};
	size_t text = 0;
	int r;

	if (limits_check(limits, PEEL_LIMIT_JSON_SIZE, len, err) < 0) {
		(void)peel_wrap(err, "%s", what);
		return PEEL_ELIMIT;
	}
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		return peel_fail(err, PEEL_EFORMAT,
			"%s begins with a byte order mark, which JSON forbids", what);
	}
	/* jansson overlooks one behind a number. */
	if (memchr(bytes, '\0', len)) {
		return peel_fail(err, PEEL_EFORMAT, "%s holds a NUL byte", what);
	}
	r = check_bounds(what, bytes, len, &text, limits, err);
	if (r < 0) {
		return r;
	}
	/* In the cage jansson finds no random numbers of its own; the first seed counts. */
	json_object_seed((size_t)hash_seed());
	json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json) {
		return parse_failure(what, &error, err);
	}
	/* Where memory ends within a string, jansson goes on with a shorter one. */
	if (count_text(json) != text) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = check_variants(what, json, false, err);
	if (r < 0) {
		return r;
	}
	*ret_json = steal_pointer(&json);
	return 0;
}

int json_parse(const char *what, const void *bytes, size_t len, json_t **ret_json,
	struct peel_error *err)
{
	return json_parse_within(what, bytes, len, NULL, ret_json, err);
}

int json_parse_again(const char *what, const void *bytes, size_t len, json_t **ret_json,
	struct peel_error *err)
{
	struct limit_watch widest;

	limits_begin_widest(&widest);
	return json_parse_within(what, bytes, len, &widest, ret_json, err);
}

json_t *json_member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	const char *other;
	char folded[64];
	size_t len = strlen(key);

	if (value || !json_is_object(object) || len >= sizeof(folded)) {
		return value;
	}
	memcpy(folded, key, len + 1);
	fold_key(folded, len);
	/* The foreach macro wants a mutable object; nothing is changed. */
	for (void *at = json_object_iter((json_t *)object); at;
		at = json_object_iter_next((json_t *)object, at)) {
		other = json_object_iter_key(at);
		if (folds_to(other, folded)) {
			return json_object_iter_value(at);
		}
	}
	return NULL;
}

const char *json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_member(object, key));

	return text ? text : "";
}
