/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bar on stderr. It shows where stderr is a terminal and the work takes longer than a second,
 * and it is gone before the answer is written. --progress writes it to files as well, as plain
 * lines.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "format.h"

#define BAR_WIDTH 30
/* Most characters of the label. */
#define LABEL_MAX 40

/*
 * One process runs one verb, and stderr is the process's too: the one place where state is static.
 */
static struct {
	int64_t started_ms;
	int64_t shown_ms;
	bool on_screen;
} bar;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void draw(const char *what, uint64_t done, uint64_t total, bool terminal)
{
	char label[LABEL_MAX];
	char done_text[FORMAT_SIZE];
	char total_text[FORMAT_SIZE];
	char cells[BAR_WIDTH + 1];
	/* Halved first, so that the product cannot overflow. */
	uint64_t part = total > 0
		? (uint64_t)((double)(done < total ? done : total) / (double)total * 100)
		: 0;

	peel_text_escape_into(label, sizeof(label), what, strlen(what));
	memset(cells, ' ', BAR_WIDTH);
	memset(cells, '#', part * BAR_WIDTH / 100);
	cells[BAR_WIDTH] = 0;
	format_bytes(done_text, done);
	format_bytes(total_text, total);
	if (total == 0) {
		fprintf(stderr, "%s%s: %s%s", terminal ? "\r" : "", label, done_text,
			terminal ? "\033[K" : "\n");
		fflush(stderr);
		return;
	}
	fprintf(stderr, "%s%s [%s] %3" PRIu64 "%% %s of %s%s", terminal ? "\r" : "", label, cells,
		part, done_text, total_text, terminal ? "\033[K" : "\n");
	fflush(stderr);
}

int progress_show(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	const bool *terminal = arg;
	int64_t now = now_ms();

	if (bar.started_ms == 0) {
		bar.started_ms = now;
	}
	if (now - bar.started_ms < 1000 || now - bar.shown_ms < (*terminal ? 100 : 1000)) {
		return 0;
	}
	bar.shown_ms = now;
	bar.on_screen = *terminal;
	draw(what, done_bytes, total_bytes, *terminal);
	return 0;
}

void progress_clear(void)
{
	if (bar.on_screen) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		bar.on_screen = false;
	}
}
