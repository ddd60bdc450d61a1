/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set is a hash table from keys to lists of patterns. Each pattern stands in one list, under the
 * rarest fixed part that it has (glob_key.c); a path is taken apart once, and each of its parts
 * looked up:
 *
 *   /usr/lib/x/__pycache__/y.pyc     PREFIX    /usr  /usr/lib  /usr/lib/x  …
 *                                    PATH      the whole
 *                                    NAME      usr lib x __pycache__ | y.pyc
 *                                    EXTENSION | .pyc
 *                                    HEAD TAIL of the lengths that some pattern has
 *                                    WORD      of | x-y.z.tar: y z
 *
 * What is found is matched. Kinds of keys that no pattern has are not looked up. A list is tried
 * once a path, however often its key occurs in it: lists that were tried are noted, and a path with
 * more of them than there is room for is asked all patterns, one by one. So a hostile name costs no
 * more than each pattern once.
 *
 * Nothing is allocated for a path. Ids that match are kept sorted in a fixed buffer; where there are
 * more, the lowest are told and the rest is sought again.
 *
 * Rejected: one automaton of all patterns. Stars make it exponential as a deterministic one, and slow
 * to step otherwise; and its memory is nobody's guess.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "glob_key.h"
#include "glob_priv.h"
#include "util.h"

/* Ids of one pass, and lists noted of one path. */
#define HITS_MAX 512
#define TRIED_MAX 256

/* A list of patterns with one key. */
struct slot {
	uint64_t hash;
	/* Its first pattern, plus 1; 0: the slot is empty. */
	uint32_t first;
};

struct glob_set {
	struct glob **globs;
	size_t count;
	size_t room;
	/* Of all patterns, bytes. */
	size_t size;
	/* A power of two, at least twice those in use. */
	struct slot *slots;
	size_t slots_count;
	size_t slots_used;
	/* Patterns without a key: the first, plus 1. */
	uint32_t unkeyed;
	/* Kinds in use, a bit each; and of their lengths. */
	uint32_t kinds;
	uint32_t lengths[GLOB_KEY_NONE + 1];
};

/* A path on its way. */
struct search {
	const struct glob_set *set;
	const char *path;
	size_t len;
	/* Ids below are not asked for. */
	uint64_t floor;
	/* Lowest ids found, ascending; room of them may be kept. */
	uint32_t hits[HITS_MAX];
	size_t count;
	size_t room;
	/* True where ids were dropped that are greater than all hits. */
	bool cut;
	/* Lists that were tried. */
	uint32_t tried[TRIED_MAX];
	size_t tried_count;
	bool overflow;
};

int glob_set_new(struct glob_set **ret_set, struct peel_error *err)
{
	struct glob_set *set = calloc(1, sizeof(*set));

	if (!set) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	*ret_set = set;
	return 0;
}

void glob_set_free(struct glob_set *set)
{
	if (!set) {
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		free(set->globs[i]);
	}
	free(set->globs);
	free(set->slots);
	free(set);
}

/* The slot of a key, or the empty one where it would be. */
static struct slot *find_slot(struct slot *slots, size_t count, uint64_t hash)
{
	size_t at = hash & (count - 1);

	while (slots[at].first && slots[at].hash != hash) {
		at = (at + 1) & (count - 1);
	}
	return &slots[at];
}

static bool grow_slots(struct glob_set *set)
{
	const size_t count = set->slots_count ? set->slots_count * 2 : 64;
	struct slot *slots;

	if (set->slots_used * 2 < set->slots_count) {
		return true;
	}
	slots = calloc(count, sizeof(*slots));
	if (!slots) {
		return false;
	}
	for (size_t i = 0; i < set->slots_count; i++) {
		if (set->slots[i].first) {
			*find_slot(slots, count, set->slots[i].hash) = set->slots[i];
		}
	}
	free(set->slots);
	set->slots = slots;
	set->slots_count = count;
	return true;
}

/* Put the pattern that was added last into the list of its key. There is room for one more slot. */
static void link_glob(struct glob_set *set, struct glob *glob)
{
	const struct glob_key key = glob_key_of(glob);
	uint32_t *first = &set->unkeyed;

	if (key.kind != GLOB_KEY_NONE) {
		struct slot *slot = find_slot(set->slots, set->slots_count, key.hash);

		slot->hash = key.hash;
		set->slots_used += slot->first == 0;
		first = &slot->first;
	}
	set->kinds |= 1u << key.kind;
	set->lengths[key.kind] |= 1u << key.len;
	glob->next = *first;
	*first = (uint32_t)set->count;
}

/* Take over a compiled pattern. */
static int add_glob(struct glob_set *set, struct glob **glob, uint32_t id, struct peel_error *err)
{
	if (set->count == GLOB_SET_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more than %d patterns", GLOB_SET_MAX);
	}
	if (set->size + (*glob)->size > GLOB_SET_BYTES) {
		return peel_fail(err, PEEL_ELIMIT, "the patterns need more than %u bytes",
			GLOB_SET_BYTES);
	}
	if (!grow_slots(set) ||
		!grow_array(&set->globs, set->count, &set->room, sizeof(struct glob *))) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	set->size += (*glob)->size;
	(*glob)->id = id;
	set->globs[set->count++] = *glob;
	link_glob(set, steal_pointer(glob));
	return 0;
}

int glob_set_add(struct glob_set *set, const char *pattern, uint32_t id, struct peel_error *err)
{
	struct glob_braces braces;
	char alternative[GLOB_MAX + 1];
	int r;

	r = glob_braces_init(&braces, pattern, err);
	while (r == 0 && glob_braces_next(&braces, alternative)) {
		cleanup_free struct glob *glob = NULL;

		r = glob_compile(alternative, pattern, &glob, err);
		if (r == 0) {
			r = add_glob(set, &glob, id, err);
		}
	}
	return r;
}

/* Where an id is among the hits, or would be. */
static size_t hit_place(const struct search *search, uint32_t id)
{
	size_t at = search->count;

	while (at > 0 && search->hits[at - 1] >= id) {
		at--;
	}
	return at;
}

/* Match one pattern, unless its id is known, or not asked for. */
static void try_glob(struct search *search, const struct glob *glob)
{
	size_t at;

	if (glob->id < search->floor ||
		(search->cut && glob->id > search->hits[search->count - 1])) {
		return;
	}
	at = hit_place(search, glob->id);
	if ((at < search->count && search->hits[at] == glob->id) ||
		!glob_matches(glob, search->path, search->len)) {
		return;
	}
	if (search->count == search->room) {
		search->cut = true;
		if (at == search->count) {
			return;
		}
		search->count--;
	}
	memmove(search->hits + at + 1, search->hits + at,
		(search->count - at) * sizeof(*search->hits));
	search->hits[at] = glob->id;
	search->count++;
}

static void try_list(struct search *search, uint32_t first)
{
	const struct glob *glob;

	for (uint32_t i = first; i; i = glob->next) {
		glob = search->set->globs[i - 1];
		try_glob(search, glob);
	}
}

/* Note a list. @return false: it was tried before, or there is no room to know. */
static bool note_list(struct search *search, uint32_t first)
{
	for (size_t i = 0; i < search->tried_count; i++) {
		if (search->tried[i] == first) {
			return false;
		}
	}
	if (search->tried_count == TRIED_MAX) {
		search->overflow = true;
		return false;
	}
	search->tried[search->tried_count++] = first;
	return true;
}

static bool has_kind(const struct search *search, enum glob_key_kind kind)
{
	return search->set->kinds >> kind & 1;
}

/* Try what stands under a key, if some pattern has one of its kind. */
static void look_up(struct search *search, enum glob_key_kind kind, unsigned int len, uint64_t hash)
{
	const struct glob_set *set = search->set;
	const struct slot *slot;

	if (!has_kind(search, kind)) {
		return;
	}
	slot = find_slot(set->slots, set->slots_count, glob_key_hash(kind, len, hash));
	if (slot->first && note_list(search, slot->first)) {
		try_list(search, slot->first);
	}
}

/* Heads or tails of all lengths that some pattern has. */
static void look_up_ends(struct search *search, enum glob_key_kind kind, const char *name,
	size_t len)
{
	const bool tail = kind == GLOB_KEY_TAIL_LAST || kind == GLOB_KEY_TAIL_ANY;
	uint32_t lengths = search->set->lengths[kind];

	for (; lengths; lengths &= lengths - 1) {
		const unsigned int wanted = (unsigned int)__builtin_ctz(lengths);

		if (wanted > len) {
			return;
		}
		look_up(search, kind, wanted, glob_hash(tail ? name + len - wanted : name, wanted));
	}
}

/* Words of a name that have others on both sides. */
static void look_up_words(struct search *search, const char *name, size_t len)
{
	uint64_t hash = GLOB_HASH_SEED;
	size_t from = SIZE_MAX;

	for (size_t i = 0; i < len; i++) {
		if (!glob_ends_word((unsigned char)name[i])) {
			hash = glob_hash_byte(hash, (unsigned char)name[i]);
			continue;
		}
		if (from < i) {
			look_up(search, GLOB_KEY_WORD_LAST, 0, hash);
		}
		hash = GLOB_HASH_SEED;
		from = i + 1;
	}
}

static void look_up_name(struct search *search, const char *name, size_t len, uint64_t hash,
	bool last)
{
	const enum glob_key_kind extension = last ? GLOB_KEY_EXTENSION_LAST
						  : GLOB_KEY_EXTENSION_ANY;
	const char *dot;

	look_up(search, last ? GLOB_KEY_NAME_LAST : GLOB_KEY_NAME_ANY, 0, hash);
	dot = has_kind(search, extension) ? memrchr(name, '.', len) : NULL;
	if (dot) {
		look_up(search, extension, 0, glob_hash(dot, (size_t)(name + len - dot)));
	}
	look_up_ends(search, last ? GLOB_KEY_TAIL_LAST : GLOB_KEY_TAIL_ANY, name, len);
	look_up_ends(search, last ? GLOB_KEY_HEAD_LAST : GLOB_KEY_HEAD_ANY, name, len);
	if (last && has_kind(search, GLOB_KEY_WORD_LAST)) {
		look_up_words(search, name, len);
	}
}

/* Take a path apart and look all its parts up. */
static void look_up_path(struct search *search)
{
	const char *path = search->path;
	const size_t len = search->len;
	uint64_t prefix = GLOB_HASH_SEED;
	size_t end;

	for (size_t at = 1; at < len && !search->overflow; at = end + 1) {
		uint64_t hash = GLOB_HASH_SEED;

		for (end = at; end < len && path[end] != '/'; end++) {
			hash = glob_hash_byte(hash, (unsigned char)path[end]);
		}
		prefix = glob_hash_join(prefix, hash);
		look_up(search, GLOB_KEY_PREFIX, 0, prefix);
		look_up_name(search, path + at, end - at, hash, end == len);
	}
	look_up(search, GLOB_KEY_PATH, 0, prefix);
}

/* Find the lowest ids that match and are not below the floor. */
static void run(struct search *search)
{
	search->count = 0;
	search->tried_count = 0;
	search->cut = false;
	search->overflow = false;
	try_list(search, search->set->unkeyed);
	if (search->set->slots_used > 0) {
		look_up_path(search);
	}
	for (size_t i = 0; search->overflow && i < search->set->count; i++) {
		try_glob(search, search->set->globs[i]);
	}
}

static void begin(struct search *search, const struct glob_set *set, const char *path, size_t len,
	size_t room)
{
	search->set = set;
	search->path = path;
	search->len = len;
	search->floor = 0;
	search->room = room;
}

int glob_set_match(const struct glob_set *set, const char *path, size_t len, glob_fn *each,
	void *arg)
{
	struct search search;
	int r = 0;

	begin(&search, set, path, len, HITS_MAX);
	do {
		run(&search);
		for (size_t i = 0; i < search.count && r == 0; i++) {
			r = each(arg, search.hits[i]);
		}
		if (search.cut) {
			search.floor = (uint64_t)search.hits[search.count - 1] + 1;
		}
	} while (search.cut && r == 0);
	return r;
}

bool glob_set_first(const struct glob_set *set, const char *path, size_t len, uint32_t *ret_id)
{
	struct search search;

	begin(&search, set, path, len, 1);
	run(&search);
	if (search.count == 0) {
		return false;
	}
	*ret_id = search.hits[0];
	return true;
}
