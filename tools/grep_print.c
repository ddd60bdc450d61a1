/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "grep.h"

/* Bytes of the image: as they are to a pipe, escaped to a terminal but for tabs. */
static void print_bytes(const struct grep *grep, const char *bytes, size_t len)
{
	if (!grep->escape) {
		fwrite(bytes, 1, len, stdout);
		return;
	}
	while (len > 0) {
		const char *tab = memchr(bytes, '\t', len);
		size_t part = tab ? (size_t)(tab - bytes) : len;

		peel_text_print(stdout, bytes, part);
		if (tab) {
			putchar('\t');
			part++;
		}
		bytes += part;
		len -= part;
	}
}

void grep_print_name(const struct grep *grep, const char *name)
{
	if (grep->escape && !grep->options->null_names) {
		peel_text_print(stdout, name, strlen(name));
	} else {
		fputs(name, stdout);
	}
}

void grep_count_lines(struct grep_scan *scan, const char *lim)
{
	const char eol = scan->grep->options->patterns.eol;
	const char *p = scan->counted;

	while (p < lim && (p = memchr(p, eol, (size_t)(lim - p)))) {
		scan->lines++;
		p++;
	}
	scan->counted = lim;
}

/* Name, line number and offset of what begins at beg, in a line that ends before lim. */
static void print_head(struct grep_scan *scan, const char *beg, size_t len, const char *lim,
	char separator)
{
	const struct grep *grep = scan->grep;
	const struct grep_options *options = grep->options;

	if (grep->names > 0) {
		grep_print_name(grep, scan->name);
		putchar(options->null_names ? '\0' : separator);
	}
	if (options->numbers) {
		if (scan->counted < lim) {
			grep_count_lines(scan, beg);
			scan->lines++;
			scan->counted = lim;
		}
		printf("%*" PRIu64 "%c", scan->width, scan->lines, separator);
	}
	if (options->offsets) {
		printf("%*" PRIu64 "%c", scan->width, scan->passed + (uint64_t)(beg - scan->beg),
			separator);
	}
	if (options->tabs && len > 0 && (grep->names > 0 || options->numbers || options->offsets)) {
		putchar('\t');
	}
}

/* -o: each match by itself. */
static void print_parts(struct grep_scan *scan, const char *beg, const char *lim)
{
	struct grep *grep = scan->grep;
	const char separator = grep->options->invert ? '-' : ':';
	const char *from = beg;

	while (from < lim) {
		struct peel_error err = {0};
		const char *part;
		size_t len;
		int r = grep_match_part(grep->matcher, beg, lim - 1, from, &part, &len, &err);

		if (r < 0) {
			complain("%s", err.message);
			grep->failed = true;
			grep->done = true;
		}
		if (r <= 0) {
			return;
		}
		if (len > 0) {
			print_head(scan, part, len, lim, separator);
			print_bytes(grep, part, len);
			putchar(grep->options->patterns.eol);
		}
		/* An empty match is passed over; longer ones may follow. */
		from = part + (len ? len : 1);
	}
}

void grep_print_line(struct grep_scan *scan, const char *beg, const char *lim, char separator)
{
	const struct grep_options *options = scan->grep->options;
	const bool matching = (separator == ':') != options->invert;

	if (!options->only_matching) {
		print_head(scan, beg, (size_t)(lim - beg) - 1, lim, separator);
		print_bytes(scan->grep, beg, (size_t)(lim - beg) - 1);
		putchar(options->patterns.eol);
	} else if (matching) {
		print_parts(scan, beg, lim);
	}
	if (options->line_buffered) {
		fflush(stdout);
	}
	scan->printed = lim;
}
