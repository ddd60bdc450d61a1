/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A JSON writer on a stream: commas, indentation, escaping and nesting are its job. Wrong nesting
 * is a programmer's error and stops at an assertion; write errors show in ferror(out).
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct peel_index;

/** Deepest nesting that is written. */
#define JSON_WRITER_DEPTH 16

/** State of one document. Start with {.out = stream}. */
struct json {
	FILE *out;
	/** One line without blanks, for a document a line. */
	bool compact;
	int depth;
	/** '{' or '[' a level. */
	char kinds[JSON_WRITER_DEPTH];
	/** Whether the level holds a value already. */
	bool filled[JSON_WRITER_DEPTH];
	/** Writes the last members of the outermost object, when it is closed; NULL: there are none. */
	void (*finish)(struct json *json);
	/** For it: the images that the document tells of. */
	struct peel_index *about[2];
};

/** Open an object or an array; key is NULL within arrays and at the top. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
/** Close the innermost object or array; the outermost ends with a newline. */
void json_close(struct json *json);

/** Members of an object, or with a NULL key elements of an array. */
void json_string(struct json *json, const char *key, const char *text);
void json_unsigned(struct json *json, const char *key, uint64_t number);
void json_integer(struct json *json, const char *key, int64_t number);
/** NaN and infinities become null. */
void json_real(struct json *json, const char *key, double number);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/**
 * Bytes that should be UTF-8. Where they are not, the member holds U+FFFD for each bad byte, and a
 * second member "<key>_b64" the exact bytes in base64. key is not NULL.
 */
void json_bytes(struct json *json, const char *key, const void *bytes, size_t len);
/** The same as an element of an array, which has no second member: what is no UTF-8 is escaped as for people. */
void json_element(struct json *json, const char *text);

#endif
