/* SPDX-License-Identifier: Apache-2.0 */
/** What a set of patterns finds a pattern by: a fixed part that a path must have too. */
#ifndef GLOB_KEY_H
#define GLOB_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glob;

/** Most bytes of a head or tail that are a key. */
#define GLOB_KEY_BYTES 8

/** What part of a path a key is made of. LAST: of the last component only; ANY: of the others. */
enum glob_key_kind {
	/** The whole path. */
	GLOB_KEY_PATH,
	/** Its first components. */
	GLOB_KEY_PREFIX,
	/** A whole component. */
	GLOB_KEY_NAME_LAST,
	GLOB_KEY_NAME_ANY,
	/** What follows a component's last dot, and the dot. */
	GLOB_KEY_EXTENSION_LAST,
	GLOB_KEY_EXTENSION_ANY,
	/** The last 1 to 8 bytes of a component. */
	GLOB_KEY_TAIL_LAST,
	GLOB_KEY_TAIL_ANY,
	/** The first 1 to 8 bytes. */
	GLOB_KEY_HEAD_LAST,
	GLOB_KEY_HEAD_ANY,
	/** A word of the last component, with a dot or a dash on either side: "tar" of "*.tar.*". */
	GLOB_KEY_WORD_LAST,
	/** Nothing: the pattern is tried on each path. */
	GLOB_KEY_NONE,
};

/** A key. */
struct glob_key {
	enum glob_key_kind kind;
	/** Bytes of a head or tail, else 0. */
	unsigned int len;
	/** glob_key_hash of what it is made of. */
	uint64_t hash;
};

/** Hash of no bytes, and of no components. */
#define GLOB_HASH_SEED UINT64_C(0x9e3779b97f4a7c15)

/** Hash of some bytes and one more. */
static inline uint64_t glob_hash_byte(uint64_t hash, unsigned char c)
{
	return (hash ^ c) * UINT64_C(0x100000001b3);
}

/** Hash of some components and one more; of a kind and its value. */
static inline uint64_t glob_hash_join(uint64_t hash, uint64_t more)
{
	hash = (hash ^ more) * UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 32;
}

/** True for what words of a name stand between. */
static inline bool glob_ends_word(unsigned int c)
{
	return c == '.' || c == '-';
}

/** Hash of bytes. */
uint64_t glob_hash(const char *bytes, size_t len);

/** What a bucket is found by. */
static inline uint64_t glob_key_hash(enum glob_key_kind kind, unsigned int len, uint64_t hash)
{
	return glob_hash_join(hash, (uint64_t)kind << 8 | len);
}

/** The rarest key that each path has that a pattern matches. */
struct glob_key glob_key_of(const struct glob *glob);

#endif
