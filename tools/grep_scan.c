/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window slides over the file: whole lines of it are searched, the last piece of one, and lines that -B may want, are
 * kept and moved to the front for the next read.
 *
 * Whether a file is binary shows when a NUL comes into the window, and lines that were printed before are not taken
 * back. So the answer depends on how much is read at once, and the window has the very sizes of GNU grep's: 96 KiB and
 * a page, reads of whole pages to a page's boundary, half as much again where a line does not fit. From there on a NUL
 * ends a line as a newline does, which keeps a binary file from being one endless line.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "grep.h"

/* Window of GNU grep. */
#define PAGE 4096u
#define FIRST_ROOM ((96u << 10) + PAGE + SLACK)
/* Bytes kept behind what is read. */
#define SLACK 8u
/* Where malloc puts a large block in its page. */
#define BLOCK_HEAD 16u

static char *align(char *p)
{
	return p + (PAGE - (uintptr_t)p % PAGE) % PAGE;
}

/* Give the window more room, and keep what is in the old one's: of a long line nothing is held twice. */
static bool grow_window(struct grep *grep, size_t room)
{
	char *memory = realloc(grep->memory, PAGE + BLOCK_HEAD + room);

	if (!memory) {
		return false;
	}
	grep->memory = memory;
	grep->room = room;
	return true;
}

/* Where the window begins in its memory: wherever that is, as far into a page as a block of malloc's own. */
static char *window_of(const struct grep *grep)
{
	return align(grep->memory) + BLOCK_HEAD;
}

static bool fail_memory(struct grep *grep)
{
	complain("%s", strerror(ENOMEM));
	grep->failed = grep->done = true;
	return false;
}

/* Room that is needed for keep bytes and a page more: the old one, or half as much again. */
static size_t wanted_room(const struct grep_scan *scan, size_t keep)
{
	const size_t room = scan->grep->room;
	const size_t needed = keep + PAGE + PAGE + SLACK;
	const uint64_t size = scan->node->size;
	size_t wanted = room + room / 2;

	if (needed <= room) {
		return room;
	}
	if (wanted < needed) {
		wanted = needed;
	}
	/* No more than the rest of the file needs. */
	if (size >= scan->offset && size - scan->offset + keep + PAGE + SLACK < wanted) {
		wanted = (size_t)(size - scan->offset) + keep + PAGE + SLACK;
		wanted = wanted < needed ? needed : wanted;
	}
	return wanted;
}

/* Move the last keep bytes to where the next read may follow them. @return where it goes, or NULL. */
static char *make_room(struct grep_scan *scan, size_t keep)
{
	struct grep *grep = scan->grep;
	const size_t room = wanted_room(scan, keep);
	const size_t kept = (size_t)(scan->lim - grep->memory) - keep;
	char *place;

	if (room != grep->room && !grow_window(grep, room)) {
		fail_memory(grep);
		return NULL;
	}
	grep->buf = window_of(grep);
	place = align(grep->buf + 1 + keep);
	memmove(place - keep, grep->memory + kept, keep);
	return place;
}

static void fail_read(struct grep_scan *scan, const struct peel_error *err)
{
	struct grep *grep = scan->grep;
	char shown[PEEL_MESSAGE_SIZE];

	peel_text_escape_into(shown, sizeof(shown), scan->name, strlen(scan->name));
	if (!grep->options->no_messages) {
		complain("%s: byte %" PRIu64 " of the file, layer %d: %s", shown, scan->offset,
			scan->node->layer, err->message);
	}
	grep->inconclusive = true;
}

static bool all_zeros(const char *bytes, size_t len)
{
	return len > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Pass over the hole that a read of nothing but NUL began. */
static void pass_zeros(struct grep_scan *scan, size_t len)
{
	struct peel_error err = {0};
	uint64_t data;

	scan->lines += len;
	if (peel_seek(scan->grep->index, scan->node->ino, scan->offset, false, &data, &err) < 0) {
		/* Nothing but the hole is left; or what is left cannot be known. */
		if (err.code != PEEL_ENOENT) {
			fail_read(scan, &err);
		}
		data = scan->node->size > scan->offset ? scan->node->size : scan->offset;
	}
	scan->lines += data - scan->offset;
	scan->offset = data;
}

/* Read on, and keep the last bytes of what is there. @return false where that failed, which is said. */
static bool fill(struct grep_scan *scan, size_t keep)
{
	struct grep *grep = scan->grep;
	struct peel_error err = {0};
	char *place = scan->lim;
	size_t room;
	ssize_t got;

	if (keep > GREP_LINE_MAX) {
		peel_fail(&err, PEEL_ELIMIT, "lines of more than %u MiB", GREP_LINE_MAX >> 20);
		fail_read(scan, &err);
		return false;
	}
	if ((size_t)(grep->buf + grep->room - scan->lim) < PAGE + SLACK) {
		place = make_room(scan, keep);
		if (!place) {
			return false;
		}
	}
	room = (size_t)(grep->buf + grep->room - SLACK - place) / PAGE * PAGE;
	for (;;) {
		got = peel_read(grep->index, scan->node->ino, scan->offset, place, room, &err);
		scan->offset += got > 0 ? (uint64_t)got : 0;
		if (got <= 0 || !scan->skip_nuls || !all_zeros(place, (size_t)got)) {
			break;
		}
		pass_zeros(scan, (size_t)got);
	}
	scan->beg = place - keep;
	scan->lim = place + (got > 0 ? got : 0);
	if (got < 0) {
		fail_read(scan, &err);
	}
	return got >= 0;
}

static const char *line_end(const struct grep_scan *scan, const char *p)
{
	const char *eol = memchr(p, scan->grep->options->patterns.eol, (size_t)(scan->lim - p));

	return eol ? eol + 1 : scan->lim;
}

static const char *line_begin(const struct grep_scan *scan, const char *beg, const char *p)
{
	const char *eol = memrchr(beg, scan->grep->options->patterns.eol, (size_t)(p - 1 - beg));

	return eol ? eol + 1 : beg;
}

/* Lines of context behind a match, up to a place. */
static void print_pending(struct grep_scan *scan, const char *lim)
{
	if (!scan->printed) {
		scan->printed = scan->beg;
	}
	for (; scan->pending > 0 && scan->printed < lim; scan->pending--) {
		grep_print_line(scan, scan->printed, line_end(scan, scan->printed), '-');
	}
}

/* Context before a match, and what stands between groups. */
static void print_before(struct grep_scan *scan, const char *beg)
{
	const struct grep_options *options = scan->grep->options;
	const char *bound = scan->printed ? scan->printed : scan->beg;
	const char *p = beg;

	for (int64_t i = 0; i < options->before && p > bound; i++) {
		p = line_begin(scan, bound, p);
	}
	if ((options->before >= 0 || options->after >= 0) && scan->grep->used &&
		p != scan->printed && options->separator) {
		puts(options->separator);
	}
	while (p < beg) {
		const char *next = line_end(scan, p);

		grep_print_line(scan, p, next, '-');
		p = next;
	}
}

/* Lines from beg to lim are selected; one of them unless -v was given. @return how many were taken. */
static int64_t select_lines(struct grep_scan *scan, const char *beg, const char *lim)
{
	int64_t taken = 0;

	if (!scan->quiet) {
		if (scan->pending > 0) {
			print_pending(scan, beg);
		}
		print_before(scan, beg);
	}
	for (const char *p = beg; p < lim && taken < scan->left; taken++) {
		const char *next = line_end(scan, p);

		if (!scan->quiet) {
			grep_print_line(scan, p, next, ':');
		}
		p = next;
	}
	scan->pending = scan->quiet || scan->grep->options->after < 0 ? 0
								      : scan->grep->options->after;
	scan->grep->used = true;
	scan->left -= taken;
	return taken;
}

/* Search whole lines. @return how many were selected. */
static int64_t search(struct grep_scan *scan, const char *beg, const char *lim)
{
	struct grep *grep = scan->grep;
	const bool invert = grep->options->invert;
	int64_t selected = 0;

	while (beg < lim && !grep->done) {
		struct peel_error err = {0};
		const char *line = lim;
		const char *end = lim;
		int r = grep_match_line(grep->matcher, beg, lim, &line, &end, &err);

		if (r < 0) {
			fail_memory(grep);
			break;
		}
		if (r == 0) {
			if (!invert) {
				break;
			}
			line = end = lim;
		}
		if (invert ? beg < line : true) {
			selected += select_lines(scan, invert ? beg : line, invert ? line : end);
			if (scan->left == 0 || scan->first_only) {
				grep->done |= grep->options->quiet;
				break;
			}
		}
		beg = end;
	}
	return selected;
}

/* Whether what comes must hold a NUL: a file with a hole. */
static bool has_hole_ahead(const struct grep_scan *scan)
{
	const struct peel_node *node = scan->node;
	uint64_t hole;

	return node->sparse && scan->offset < node->size &&
		peel_seek(scan->grep->index, node->ino, scan->offset, true, &hole, NULL) == 0 &&
		hole < node->size;
}

static void zap_nuls(char *beg, const char *lim, char eol)
{
	while (beg < lim && (beg = memchr(beg, '\0', (size_t)(lim - beg)))) {
		while (beg < lim && *beg == '\0') {
			*beg++ = eol;
		}
	}
}

/* What is known of a file while it is read. */
struct progress {
	int64_t selected;
	/* Lines selected before a NUL was seen; less than 0 where none was. */
	int64_t before_nul;
	/* Bytes at the window's begin that were there before, and of them those of an incomplete line. */
	size_t kept;
	size_t residue;
};

/* Look for NUL in what was read. @return false where the file is not to be searched further. */
static bool judge_binary(struct grep_scan *scan, struct progress *progress, bool first)
{
	const struct grep_options *options = scan->grep->options;

	if (progress->before_nul >= 0 || options->patterns.eol == '\0' ||
		options->binary == GREP_BINARY_TEXT ||
		(!memchr(scan->beg, '\0', (size_t)(scan->lim - scan->beg)) &&
			!(first && has_hole_ahead(scan)))) {
		return true;
	}
	if (options->binary == GREP_BINARY_SKIPPED) {
		/* As GNU grep: lines that were printed before do not count. */
		progress->selected = 0;
		return false;
	}
	if (!options->count) {
		scan->first_only = scan->quiet = true;
	}
	progress->before_nul = progress->selected;
	scan->skip_nuls = scan->grep->skip_empty;
	return true;
}

/* Search what was read up to its last line's end. @return false where the file is done with. */
static bool search_window(struct grep_scan *scan, struct progress *progress)
{
	const char eol = scan->grep->options->patterns.eol;
	char *fresh = scan->beg + progress->kept;
	char *last;
	const char *lim;
	const char *beg;

	if (progress->before_nul >= 0) {
		zap_nuls(fresh, scan->lim, eol);
	}
	last = memrchr(fresh, eol, (size_t)(scan->lim - fresh));
	lim = last ? last + 1 : fresh - progress->residue;
	beg = fresh - progress->residue;
	progress->residue = (size_t)(scan->lim - lim);
	if (beg < lim) {
		const int64_t least = progress->before_nul > 0 ? progress->before_nul : 0;

		if (scan->left != 0) {
			progress->selected += search(scan, beg, lim);
		}
		if (scan->pending > 0) {
			print_pending(scan, lim);
		}
		if (scan->grep->done || (scan->left == 0 && scan->pending == 0) ||
			(scan->first_only && least < progress->selected)) {
			return false;
		}
	}
	/* Lines that may become context of a match in what is read next. */
	beg = lim;
	for (int64_t i = 0;
		i < scan->grep->options->before && beg > scan->beg && beg != scan->printed; i++) {
		beg = line_begin(scan, scan->beg, beg);
	}
	if (beg != scan->printed) {
		scan->printed = NULL;
	}
	progress->kept = progress->residue + (size_t)(lim - beg);
	scan->passed += (uint64_t)(scan->lim - scan->beg) - progress->kept;
	if (scan->grep->options->numbers) {
		grep_count_lines(scan, beg);
	}
	return true;
}

/* A last line without its end gets one. */
static void search_rest(struct grep_scan *scan, struct progress *progress)
{
	const char *beg = scan->lim - progress->residue;

	if (progress->residue == 0) {
		return;
	}
	*scan->lim++ = scan->grep->options->patterns.eol;
	if (scan->left != 0) {
		progress->selected += search(scan, beg, scan->lim);
	}
	if (scan->pending > 0) {
		print_pending(scan, scan->lim);
	}
}

static void search_file(struct grep_scan *scan, struct progress *progress)
{
	for (bool first = true; fill(scan, progress->kept); first = false) {
		if (!judge_binary(scan, progress, first)) {
			return;
		}
		scan->counted = scan->beg;
		if (scan->printed) {
			scan->printed = scan->beg;
		}
		if (scan->beg + progress->kept == scan->lim) {
			search_rest(scan, progress);
			return;
		}
		if (!search_window(scan, progress)) {
			return;
		}
	}
}

static int number_width(const struct grep_options *options, uint64_t size)
{
	int width = 0;

	if (options->tabs) {
		for (size += options->numbers; width == 0 || size > 0; size /= 10) {
			width++;
		}
	}
	return width;
}

int64_t grep_scan_file(struct grep *grep, const char *name, const struct peel_node *node)
{
	const struct grep_options *options = grep->options;
	const bool listing = options->quiet || options->list != GREP_LIST_NONE;
	const bool quiet = listing || options->count;
	struct progress progress = {.before_nul = -1};
	struct grep_scan scan = {
		.grep = grep,
		.name = name,
		.node = node,
		.left = options->max_count < 0 ? INT64_MAX : options->max_count,
		.quiet = quiet,
		.first_only = listing,
		.skip_nuls = grep->skip_empty && options->patterns.eol == '\0',
		.width = number_width(options, node->size),
	};

	if (!grep->buf) {
		if (!grow_window(grep, FIRST_ROOM)) {
			fail_memory(grep);
			return 0;
		}
		grep->buf = window_of(grep);
	}
	scan.beg = scan.lim = align(grep->buf + 1);
	search_file(&scan, &progress);
	if (!quiet && progress.before_nul >= 0 && progress.before_nul < progress.selected) {
		char shown[PEEL_MESSAGE_SIZE];

		fflush(stdout);
		complain("%s: binary file matches",
			peel_text_escape_into(shown, sizeof(shown), name, strlen(name)));
	}
	return progress.selected;
}

void grep_scan_finish(struct grep *grep)
{
	free(grep->memory);
}
