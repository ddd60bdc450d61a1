/* SPDX-License-Identifier: Apache-2.0 */
/* --limit, and $PEEL_LIMITS: how much of everything an image may ask for. */
#include <string.h>

#include "cmd.h"
#include "help.h"

/* Columns of the list. */
#define NAME_WIDTH 15
#define VALUE_WIDTH 11
#define TEXT_COLUMN (NAME_WIDTH + 2 * VALUE_WIDTH + 2)

/* Asks for the list. */
#define HELP_WORD "help"

bool limits_asked(const struct shared *shared)
{
	for (int i = 0; i < shared->limit_words.count; i++) {
		if (strcmp(shared->limit_words.items[i], HELP_WORD) == 0) {
			return true;
		}
	}
	return false;
}

void limits_print(FILE *out)
{
	const struct peel_limit_info *info;

	fprintf(out, "%-*s%*s%*s  %s\n", NAME_WIDTH, "LIMIT", VALUE_WIDTH, "DEFAULT", VALUE_WIDTH,
		"AT MOST", "WHAT IT HOLDS, AND WHY");
	for (unsigned int i = 0; (info = peel_limit_info(i)); i++) {
		char standard[PEEL_LIMIT_TEXT];
		char most[PEEL_LIMIT_TEXT];
		char text[512];
		int column = fprintf(out, "%-*s%*s%*s  ", NAME_WIDTH, info->name, VALUE_WIDTH,
			peel_limit_text(standard, (enum peel_limit)i, info->standard), VALUE_WIDTH,
			peel_limit_text(most, (enum peel_limit)i, info->most));

		snprintf(text, sizeof(text), "%s: %s%s%s%s", info->holds, info->reason,
			*info->bound ? "; no more, because " : "", info->bound,
			info->end == PEEL_LIMIT_CUTS ? "; ends the layer" : "");
		help_fill(out, text, TEXT_COLUMN, column);
	}
	putc('\n', out);
	help_fill(out,
		"A number may have K, M, G or T (powers of 1024), a time s, m, h or d; none lifts a limit."
		" Where a limit ends the layer, what came before is shown, and the status is 3;"
		" where another one is hit, nothing is shown, and the status is 3.",
		0, 0);
}

void limits_print_table(FILE *out)
{
	const struct peel_limit_info *info;

	for (unsigned int i = 0; (info = peel_limit_info(i)); i++) {
		char standard[PEEL_LIMIT_TEXT];
		char most[PEEL_LIMIT_TEXT];

		fprintf(out, "limit\t%s\t%s\t%s\n", info->name,
			peel_limit_text(standard, (enum peel_limit)i, info->standard),
			peel_limit_text(most, (enum peel_limit)i, info->most));
	}
}

bool take_limits(struct shared *shared)
{
	const char *text = getenv("PEEL_LIMITS");
	struct peel_limits limits = {0};
	struct peel_error err = {0};

	if (text && *text && peel_limits_set(&limits, text, &err) < 0) {
		complain("PEEL_LIMITS: %s", err.message);
		return false;
	}
	for (int i = 0; i < shared->limit_words.count; i++) {
		if (peel_limits_set(&limits, shared->limit_words.items[i], &err) < 0) {
			complain("option '--limit': %s ('--limit help' lists them)", err.message);
			return false;
		}
	}
	shared->limits = limits;
	return true;
}
