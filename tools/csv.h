/* SPDX-License-Identifier: Apache-2.0 */
/** Cells of comma-separated values, RFC 4180. */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Write a cell, in quotes where it needs them.
 * @param text escaped by peel_text_escape: no line ends, no control characters.
 */
void csv_cell(FILE *out, const char *text);
/** Whether a spreadsheet would take a cell for a formula. */
bool csv_is_formula(const char *text);
/**
 * The same for text of a stranger's that can be had back: where a spreadsheet would take the cell for a formula, its
 * first sign is written \xNN, as peel_text_escape has it.
 */
void csv_exact(FILE *out, const char *text);
/** The same for words that a stranger may have chosen: with "'" before what a spreadsheet would take for a formula. */
void csv_word(FILE *out, const char *text);

#endif
