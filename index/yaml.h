/* SPDX-License-Identifier: Apache-2.0 */
/**
 * YAML from people and strangers: libyaml behind caps, as a tree whose nodes know their lines. At
 * most YAML_MAX bytes, YAML_DEPTH levels, YAML_NODES nodes, one document, UTF-8 without a byte
 * order mark; no anchors, aliases, merge keys or tags, no duplicate keys (compared as text), keys
 * are scalars, no NUL in texts. JSON is YAML here, but for \u escapes in surrogate pairs.
 * Strictness is the reader's: what is not asked for is found by yaml_unknown.
 *
 * Own names begin with yaml_, as libyaml's do; yaml_priv.h alone includes both headers. libyaml
 * exports a yaml_free, a plain free(): none of ours is it.
 */
#ifndef INDEX_YAML_H
#define INDEX_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;

/** Longest document, bytes. */
#define YAML_MAX (4u << 20)
/** Deepest nesting of lists and maps. */
#define YAML_DEPTH 32
/** Most nodes, keys included. */
#define YAML_NODES 200000

enum yaml_type {
	YAML_SCALAR,
	YAML_LIST,
	YAML_MAP,
};

/** A node; all of them belong to the document. */
struct yaml {
	enum yaml_type type;
	/** True where a scalar stood in quotes or in a block: it is text, whatever it looks like. */
	bool quoted;
	/** Of its first character, from 1. */
	int line;
	/** A scalar's text, valid UTF-8, NUL-terminated, no NUL inside; NULL for lists and maps. */
	const char *text;
	/** Bytes of text. */
	size_t len;
	/** Members of a list or a map. */
	size_t count;
	/** Members of a list, values of a map, in order of the file; NULL where there are none. */
	const struct yaml *const *items;
	/** Keys of a map, each a scalar, beside its value; NULL for a list. */
	const struct yaml *const *keys;
};

struct yaml_document;

/**
 * Parse a document.
 * @param what names it in messages ("policy.yaml"), which are "policy.yaml:12: …"; bytes of a file
 *   name may be given raw, they are escaped here.
 * @param bytes may be NULL where len is 0.
 * @param ret_document the caller frees it with yaml_release; untouched on failure.
 * @return 0; PEEL_EFORMAT (syntax, an alias, a duplicate key, …, with the line), PEEL_ELIMIT,
 *   PEEL_ENOMEM.
 */
int yaml_parse(const char *what, const void *bytes, size_t len, struct yaml_document **ret_document,
	struct peel_error *err);

/** Free; NULL is fine. */
void yaml_release(struct yaml_document *document);

/** The root, NULL where there is nothing but blanks and comments. Lives as long as document. */
const struct yaml *yaml_root(const struct yaml_document *document);

/** Value of a map's key, NULL where it is missing or map is no map (or NULL). */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/**
 * The first key of a map that is none of the known, which end with NULL; NULL where all are known
 * or map is no map (or NULL). Its line and text are for the message.
 */
const struct yaml *yaml_unknown(const struct yaml *map, const char *const *known);

/** True where a scalar is a plain null ("", "~", null, Null, NULL), or node is NULL. */
bool yaml_is_null(const struct yaml *node);

/**
 * A plain true, True, TRUE, false, False or FALSE (YAML 1.2's core schema: yes, no, on and off are
 * none). @return 0, or -1: it is none, or node is NULL; *ret_value is then untouched.
 */
int yaml_bool(const struct yaml *node, bool *ret_value);

/**
 * A plain decimal integer with an optional sign. One with a leading zero is none: half of the world
 * reads it as octal. @return 0, or -1: it is none, does not fit, or node is NULL; *ret_value is
 * then untouched.
 */
int yaml_integer(const struct yaml *node, int64_t *ret_value);

/**
 * A plain finite number: digits with a point, an exponent, or neither; in no locale but C.
 * @return 0, or -1: it is none, does not fit, or node is NULL; *ret_value is then untouched.
 */
int yaml_number(const struct yaml *node, double *ret_value);

/**
 * Set an error that names the document, the node's line and what is wrong (printf form; the caller
 * escapes what is the document's own text).
 * @param node NULL: no line is named.
 * @return PEEL_EFORMAT.
 */
int yaml_fail(const struct yaml_document *document, const struct yaml *node, struct peel_error *err,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

static inline void cleanup_yaml_(struct yaml_document **document)
{
	yaml_release(*document);
}

/** yaml_release at the end of the scope. */
#define cleanup_yaml __attribute__((__cleanup__(cleanup_yaml_)))

#endif
