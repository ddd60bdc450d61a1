/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include <stdbool.h>
#include <string.h>

static void write_cell(FILE *out, const char *before, const char *text)
{
	if (!strpbrk(text, ",\"")) {
		fprintf(out, "%s%s", before, text);
		return;
	}
	fprintf(out, "\"%s", before);
	for (; *text; text++) {
		if (*text == '"') {
			putc('"', out);
		}
		putc(*text, out);
	}
	putc('"', out);
}

void csv_cell(FILE *out, const char *text)
{
	write_cell(out, "", text);
}

void csv_word(FILE *out, const char *text)
{
	/* A sign alone is none. */
	const bool formula = *text && strchr("=+-@", *text) && text[1];

	write_cell(out, formula ? "'" : "", text);
}
