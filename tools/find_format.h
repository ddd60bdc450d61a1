/* SPDX-License-Identifier: Apache-2.0 */
/** A -printf format, taken apart. */
#ifndef FIND_FORMAT_H
#define FIND_FORMAT_H

#include <stddef.h>

#include "field.h"

/** What a piece of a format is. */
enum find_piece_kind {
	/** Bytes as they are. */
	FIND_LITERAL,
	/** A directive. */
	FIND_DIRECTIVE,
	/** \c: the rest is not printed, and what was is flushed. */
	FIND_STOP,
};

/** Directives that GNU find does not have, %{layer} and the like, by numbers that are no letters. */
enum find_extension {
	FIND_LAYER = 1,
	FIND_HIDDEN_BY,
	FIND_WHY,
	FIND_KIND,
};

/** One piece of a format. */
struct find_piece {
	enum find_piece_kind kind;
	/** Of a directive: its letter, or an enum find_extension. */
	char letter;
	/** The letter after A, B, C or T. */
	char detail;
	struct field field;
	/** Of a literal: bytes of the format's text. */
	const char *text;
	size_t len;
};

/** A format. */
struct find_format {
	struct find_piece *pieces;
	size_t count;
	size_t room;
	/** Bytes of all literals. */
	char *text;
};

#endif
