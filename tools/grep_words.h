/* SPDX-License-Identifier: Apache-2.0 */
/** Fixed strings: finding any of many in one pass over the bytes. */
#ifndef GREP_WORDS_H
#define GREP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct grep_words;

/** Largest table, bytes: some ten megabytes of words. */
#define GREP_WORDS_TABLE_MAX (256u << 20)

/** A string of bytes, borrowed. */
struct grep_word {
	const char *bytes;
	size_t len;
};

/** Where in a line a word may stand. */
enum grep_where {
	GREP_ANYWHERE,
	/** Not as a part of a longer word. */
	GREP_AS_WORD,
	/** As all of it. */
	GREP_AS_LINE,
};

/**
 * Prepare words; at least one.
 * @return 0, PEEL_ENOMEM, PEEL_ELIMIT (the table would be too large). Free with grep_words_free.
 */
int grep_words_new(const struct grep_word *words, size_t count, bool ignore_case,
	struct grep_words **ret_words, struct peel_error *err);
/** Free; NULL is fine. */
void grep_words_free(struct grep_words *words);

/** Whether any word holds a byte. */
bool grep_words_have(const struct grep_words *words, char byte);
/**
 * The first of the words in a text. @return a byte of it, beg where one is empty, NULL where there is none.
 */
const char *grep_words_find(const struct grep_words *words, const char *beg, const char *end);
/**
 * The leftmost, and there the longest, word of a line.
 * @param end behind the line's last byte, its newline left out.
 * @param from where to begin, in the line.
 * @return where it begins, or NULL.
 */
const char *grep_words_match(const struct grep_words *words, const char *beg, const char *end,
	const char *from, enum grep_where where, size_t *ret_len);

#endif
