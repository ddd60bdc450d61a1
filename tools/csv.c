/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

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

bool csv_is_formula(const char *text)
{
	/* A sign alone is none. */
	return *text && strchr("=+-@", *text) && text[1];
}

void csv_exact(FILE *out, const char *text)
{
	char sign[8] = "";

	if (csv_is_formula(text)) {
		snprintf(sign, sizeof(sign), "\\x%02x", (unsigned char)*text++);
	}
	write_cell(out, sign, text);
}

void csv_word(FILE *out, const char *text)
{
	write_cell(out, csv_is_formula(text) ? "'" : "", text);
}
