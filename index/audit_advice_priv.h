/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of advice share: sums of bytes by all that decides which advice they are in. */
#ifndef AUDIT_ADVICE_PRIV_H
#define AUDIT_ADVICE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_advice.h"
#include "audit_advice_graph.h"

/** Most paths that a piece of advice names, and bytes of paths that are kept for that. */
#define ADVICE_PATHS 5
#define ADVICE_PATH_BYTES (16u << 20)
/** Most pieces of advice; nobody reads more. */
#define ADVICE_TOLD_MAX 100
/** Smallest file that is a duplicate worth a word, bytes. */
#define ADVICE_DUPLICATE_MIN 16384
/** Most names of libraries that are looked at for twins. */
#define ADVICE_FAMILIES_MAX 4096

/** Bits about the bytes of a sum. */
enum advice_flag {
	/** What strip takes away of programs. */
	ADVICE_IS_STRIPPED = 1,
	/** Another file before it has the same content. */
	ADVICE_IS_COPY = 2,
	/** Says nothing of what its package is for: licences, the database's own files. */
	ADVICE_IS_NEUTRAL = 4,
};

/** What decides which advice bytes are in. */
struct advice_key {
	/** Package in the graph that goes with the bytes; ADVICE_NO_NODE: none. */
	uint32_t node;
	/** Name of the library (struct advice_sums.families), 0: none; where its rule asks for a twin. */
	uint32_t family;
	/** Layer that ships them; that had the path first with this content; that hid them. */
	int16_t layer, origin, hider;
	/** Rules by cause and by category, plus 1; 0 none. */
	uint8_t cause_rule, category_rule;
	/** The rule by category where that is for libraries with a twin, and this is none. */
	uint8_t other_rule;
	/** Bits of enum advice_flag. */
	uint8_t flags;
	uint8_t unused[2];
};

/** Files with one key. */
struct advice_sum {
	struct advice_key key;
	uint64_t files, bytes;
	/** The largest paths, owned, largest first. */
	char *paths[ADVICE_PATHS];
	uint64_t path_bytes[ADVICE_PATHS];
	uint8_t path_count;
	/** Some advice has it already. */
	bool taken;
};

/** Name of a library without its version, and whether one that is a twin's has it. */
struct advice_family {
	char *name;
	bool is_twin;
};

/** All sums of an image, by a hash table of their keys. */
struct advice_sums {
	struct advice_sum *items;
	size_t count, room;
	/** Numbers of items plus 1; 0 free. Size is a power of two. */
	uint32_t *slots;
	size_t slot_count;
	/** Number 0 is none. */
	struct advice_family *families;
	size_t family_count, family_room;
	size_t path_bytes;
	/** By category: there is a visible file. */
	bool *has_category;
};

/** Free what they hold. */
void advice_sums_finish(struct advice_sums *sums);

/** Number of the sum with a key, made where it is not there. @return SIZE_MAX: no memory. */
size_t advice_sums_get(struct advice_sums *sums, const struct advice_key *key);

/** Keep a path of a sum if it is among the largest. @return false: no memory. */
bool advice_sums_path(struct advice_sums *sums, struct advice_sum *sum, const char *path,
	size_t len, uint64_t bytes);

/** What all parts work on. */
struct advising {
	struct peel_index *index;
	struct advice_rules rules;
	struct advice_sums sums;
	/** NULL: dpkg does not tell what was asked for. */
	struct advice_graph *graph;
	/** By node: bit s is set where the package goes when the advice of set s is followed. */
	uint8_t *gone;
	struct peel_error *err;
};

/** Go over the ledger and make the sums. @return 0; PEEL_ENOMEM, as peel_pieces. */
int advice_pass(struct advising *a);

/** Reckon which packages go with which advice. Without a graph nothing is done. @return 0; PEEL_ENOMEM. */
int advice_gone(struct advising *a);

/**
 * Choose what saves most, again and again, and tell it.
 * @return 0, 1 where the callback stopped it; PEEL_ENOMEM.
 */
int advice_cover(struct advising *a, uint64_t min_saves, peel_advice_fn *each, void *arg);

#endif
