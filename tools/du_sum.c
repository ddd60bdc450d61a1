/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding up a tree. A folder's sum is known when the walk leaves it; until then level d + 1 holds what the folder at
 * depth d has gathered: its entries, and apart from them what its folders hold, which -S leaves out.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd.h"
#include "du.h"
#include "walk.h"

/* Longest time, bytes. */
#define TIME_TEXT 512

static void sum_add(struct du_sum *sum, const struct du_sum *more)
{
	if (more->inodes == 0) {
		return;
	}
	if (sum->inodes == 0 || more->sec > sum->sec ||
		(more->sec == sum->sec && more->nsec > sum->nsec)) {
		sum->sec = more->sec;
		sum->nsec = more->nsec;
	}
	if (__builtin_add_overflow(sum->bytes, more->bytes, &sum->bytes)) {
		sum->bytes = UINT64_MAX;
	}
	sum->inodes += more->inodes;
}

/* A time zone's offset, or a year that is none, is the C library's business; nanoseconds are not. */
static void print_time(const struct du *du, const struct du_sum *sum)
{
	const time_t sec = (time_t)sum->sec;
	const char *from = du->options->time_format;
	char format[TIME_TEXT];
	char text[TIME_TEXT];
	size_t len = 0;
	struct tm tm;

	if (!localtime_r(&sec, &tm)) {
		complain("time %" PRId64 " is out of range", sum->sec);
		printf("\t%" PRId64, sum->sec);
		return;
	}
	for (; *from && len < sizeof(format) - 16; from++) {
		if (from[0] == '%' && from[1] == 'N') {
			len += (size_t)sprintf(format + len, "%09" PRIu32, sum->nsec);
			from++;
			continue;
		}
		format[len++] = *from;
		if (*from == '%' && from[1]) {
			format[len++] = *++from;
		}
	}
	format[len] = '\0';
	text[0] = '\0';
	/* The format is the user's own, as date's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = strftime(text, sizeof(text), format, &tm);
#pragma GCC diagnostic pop
	putchar('\t');
	fwrite(text, 1, len, stdout);
}

void du_print(const struct du *du, const struct du_sum *sum, const char *name, size_t name_len)
{
	const struct du_options *options = du->options;
	const uint64_t value = options->inodes ? sum->inodes : sum->bytes;
	char buf[BLOCK_SIZE_TEXT];

	fputs(value == UINT64_MAX ? "Infinity"
				  : block_size_format(buf, value, &options->block_size),
		stdout);
	if (options->time) {
		print_time(du, sum);
	}
	putchar('\t');
	if (du->escape) {
		peel_text_print(stdout, name, name_len);
	} else {
		fwrite(name, 1, name_len, stdout);
	}
	putchar(options->null ? '\0' : '\n');
}

static void complain_path(struct du *du, const char *what, const char *path,
	const struct peel_error *err, int status)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("cannot %s '%s': %s", what,
		peel_text_escape_into(shown, sizeof(shown), path, strlen(path)), error_text(err));
	du->status = worse_status(du->status, status);
}

/* Sum of one node by itself. */
static struct du_sum node_sum(const struct du *du, const struct peel_node *node)
{
	return (struct du_sum){
		.bytes = du->options->apparent ? node->size : node->allocated,
		.inodes = 1,
		.sec = node->mtime_sec,
		.nsec = node->mtime_nsec,
	};
}

static bool reserve_level(struct du *du, size_t level)
{
	size_t room = du->level_room ? du->level_room : 16;
	struct du_level *levels;

	if (level < du->level_room) {
		return true;
	}
	while (room <= level) {
		room *= 2;
	}
	levels = reallocarray(du->levels, room, sizeof(*levels));
	if (!levels) {
		return false;
	}
	du->levels = levels;
	du->level_room = room;
	return true;
}

/* Print what is asked for, if it is neither too deep nor too small. */
static void show(const struct du *du, const struct walk_step *step, const struct du_sum *sum)
{
	const struct du_options *options = du->options;
	const uint64_t value = options->inodes ? sum->inodes : sum->bytes;
	const bool wanted = S_ISDIR(step->node->mode) || options->all;

	if (step->depth > 0 && (!wanted || step->depth > options->max_depth)) {
		return;
	}
	if (options->threshold_negative ? value <= options->threshold
					: value >= options->threshold) {
		du_print(du, sum, step->path, step->path_len);
	}
}

static void count_file(struct du *du, const struct walk_step *step)
{
	struct du_sum own = node_sum(du, step->node);

	sum_add(&du->levels[step->depth].entries, &own);
	sum_add(&du->total, &own);
	show(du, step, &own);
}

static void count_folder(struct du *du, const struct walk_step *step)
{
	const struct du_level *below = &du->levels[step->depth + 1];
	struct du_level *level = &du->levels[step->depth];
	struct du_sum own = node_sum(du, step->node);
	struct du_sum shown = own;

	sum_add(&shown, &below->entries);
	if (!du->options->separate) {
		sum_add(&shown, &below->folders);
		sum_add(&level->entries, &own);
	}
	sum_add(&level->folders, &below->entries);
	sum_add(&level->folders, &below->folders);
	sum_add(&du->total, &own);
	show(du, step, &shown);
}

/* @return whether the entry is new and not left out. */
static bool is_counted(struct du *du, const struct walk_step *step, bool *ret_no_memory)
{
	const struct peel_node *node = step->node;
	int r = 1;

	if (exclude_match(&du->options->exclude, step->path, false)) {
		return false;
	}
	if (step->err) {
		complain_path(du, "access", step->path, step->err, STATUS_NO);
		return false;
	}
	if (!du->options->count_links &&
		(du->each_once || (!S_ISDIR(node->mode) && node->nlink > 1))) {
		r = inode_set_add(&du->seen, node->ino);
	}
	*ret_no_memory = r < 0;
	return r > 0;
}

static enum walk_next count_step(void *arg, const struct walk_step *step)
{
	struct du *du = arg;
	bool no_memory = false;

	switch (step->event) {
	case WALK_LOOP:
		return WALK_ON;
	case WALK_FAILED:
		complain_path(du, "read directory", step->path, step->err, STATUS_INCONCLUSIVE);
		return WALK_ON;
	case WALK_LEAVE:
		count_folder(du, step);
		return WALK_ON;
	case WALK_ENTRY:
		break;
	}
	if (!is_counted(du, step, &no_memory)) {
		return no_memory ? WALK_STOP : WALK_PRUNE;
	}
	if (!reserve_level(du, step->depth + 1)) {
		return WALK_STOP;
	}
	du->levels[step->depth + 1] = (struct du_level){0};
	if (!S_ISDIR(step->node->mode)) {
		count_file(du, step);
	}
	return WALK_ON;
}

void du_operand(struct du *du, const char *path)
{
	const bool follow = du->options->follow != DU_FOLLOW_NONE;
	cleanup_free char *shown = strndup(path, walk_start_length(path));
	struct peel_error err = {0};
	struct peel_node node;
	int r;

	if (!shown || !reserve_level(du, 0)) {
		complain("%s", strerror(ENOMEM));
		du->status = STATUS_ERROR;
		return;
	}
	if (resolve_path(du->index, du->view, path, follow, &node, NULL, &err) < 0) {
		if (!exclude_match(&du->options->exclude, shown, false)) {
			complain_path(du, "access", shown, &err, STATUS_NO);
		}
		return;
	}
	du->levels[0] = (struct du_level){0};
	r = du->options->follow == DU_FOLLOW_ALL
		? walk_tree_following(du->index, shown, &node, UINT32_MAX, count_step, du)
		: walk_tree(du->index, shown, &node, UINT32_MAX, count_step, du);
	if (r != 0) {
		complain("%s", strerror(ENOMEM));
		du->status = STATUS_ERROR;
	}
}

void du_finish(struct du *du)
{
	inode_set_finish(&du->seen);
	free(du->levels);
}
