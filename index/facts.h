/* SPDX-License-Identifier: Apache-2.0 */
/** What a file is by its content. Pure functions on its first bytes. */
#ifndef FACTS_H
#define FACTS_H

#include <stddef.h>

#include <peel/query.h>

/** First bytes of a file that decide its kind: all magics, and enough to tell text from data. */
#define FACTS_HEAD 4096

/**
 * The kind of a file by its first bytes.
 * @param len bytes at head, FACTS_HEAD or the whole file. A longer file whose last character is cut is text still.
 */
enum peel_kind facts_kind(const void *head, size_t len);

/** The kind that a number in a file of facts stands for; 0: none, the file is not from here. */
enum peel_kind facts_kind_known(int number);

#endif
