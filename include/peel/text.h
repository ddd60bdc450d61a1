/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Image bytes as text that people may read.
 *
 * Names, links, labels and instructions come from strangers. They never reach a terminal, a log or
 * an error message raw: control characters (C0, C1, DEL), bidirectional controls, characters that
 * cannot be seen, invalid UTF-8 and the backslash itself are written \xNN (or \\), so that the text
 * is one line and can be turned back. So is what would make a command of a text in a CI log: the
 * second of two number signs ("##[", "##vso["), and the first of two colons that it begins with.
 */
#ifndef PEEL_TEXT_H
#define PEEL_TEXT_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * Escape len bytes for people.
 * @param ret receives a NUL-terminated string that the caller frees; untouched on failure.
 * @return 0, or PEEL_ENOMEM.
 */
int peel_text_escape(const void *bytes, size_t len, char **ret) __attribute__((warn_unused_result));

/**
 * Escape into a fixed buffer, cut at its end with "..." where it is too small.
 * @param size bytes of buf, at least 8.
 * @return buf.
 */
const char *peel_text_escape_into(char *buf, size_t size, const void *bytes, size_t len);

/** Whether bytes are valid UTF-8: 1, or 0. */
int peel_text_is_utf8(const void *bytes, size_t len);

/** Take away half a character at the end of text that was cut in a buffer of fixed size. */
void peel_text_trim(char *text);

/** Write len bytes escaped to a stream; errors show in ferror(out). */
void peel_text_print(FILE *out, const void *bytes, size_t len);

/**
 * Write len bytes as a JSON string with its quotes. Valid UTF-8 stays (what is
 * escaped for people as \uNNNN, two of them above U+FFFF); each
 * byte that is not valid UTF-8 becomes U+FFFD, so the caller writes such a name a second time, in
 * base64.
 * @return 1 if the bytes were valid UTF-8, else 0.
 */
int peel_text_print_json(FILE *out, const void *bytes, size_t len);

/**
 * A stream into memory, as open_memstream, but that a lack of memory shows: fclose fails then, and the text is gone.
 * @param ret_text NUL-terminated after fflush and fclose, the caller's to free; NULL where either failed.
 * @param ret_len its length.
 * @return NULL where memory is exhausted.
 */
FILE *peel_text_stream(char **ret_text, size_t *ret_len);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
