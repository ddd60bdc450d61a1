/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of ls: GNU's long form, whose columns are as wide as the widest value of the folder. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "format.h"
#include "ls.h"

/* Widths of the columns of one listing. */
struct widths {
	int ino;
	int nlink;
	int user;
	int group;
	int major;
	int minor;
	int size;
};

bool ls_list_add(struct ls_list *list, const void *name, size_t len, const struct peel_node *node)
{
	struct ls_entry *entry;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 32;
		struct ls_entry *entries = reallocarray(list->entries, room, sizeof(*entries));

		if (!entries) {
			return false;
		}
		list->entries = entries;
		list->room = room;
	}
	entry = &list->entries[list->count];
	*entry = (struct ls_entry){malloc(len + 1), len, *node};
	if (!entry->name) {
		return false;
	}
	memcpy(entry->name, name, len);
	entry->name[len] = 0;
	list->count++;
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	/* Names hold no NUL, and strcmp compares bytes as unsigned. */
	return strcmp(((const struct ls_entry *)a)->name, ((const struct ls_entry *)b)->name);
}

void ls_list_sort(struct ls_list *list)
{
	if (list->count > 0) {
		qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
	}
}

void ls_list_finish(struct ls_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->entries[i].name);
	}
	free(list->entries);
}

static int digits(uint64_t number)
{
	char buf[FORMAT_SIZE];

	return (int)strlen(format_number(buf, number));
}

static void widen(int *width, int value)
{
	*width = value > *width ? value : *width;
}

static const char *show_size(const struct ls_options *options, char *buf, uint64_t size)
{
	return options->human ? format_human(buf, size) : format_number(buf, size);
}

static bool is_device(const struct peel_node *node)
{
	return S_ISCHR(node->mode) || S_ISBLK(node->mode);
}

static void measure(const struct ls_list *list, const struct users *users, struct widths *widths)
{
	char buf[FORMAT_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		const struct peel_node *node = &list->entries[i].node;

		widen(&widths->ino, digits(node->ino));
		if (!list->options->details) {
			continue;
		}
		widen(&widths->nlink, digits(node->nlink));
		widen(&widths->user, (int)format_width(names_show(&users->users, node->uid, buf)));
		widen(&widths->group,
			(int)format_width(names_show(&users->groups, node->gid, buf)));
		if (is_device(node)) {
			widen(&widths->major, digits(node->rdev_major));
			widen(&widths->minor, digits(node->rdev_minor));
			widen(&widths->size, widths->major + 2 + widths->minor);
		} else {
			widen(&widths->size,
				(int)strlen(show_size(list->options, buf, node->size)));
		}
	}
}

static void print_total(const struct ls_list *list)
{
	uint64_t allocated = 0;
	char buf[FORMAT_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		if (__builtin_add_overflow(allocated, list->entries[i].node.allocated,
			    &allocated)) {
			allocated = UINT64_MAX;
			break;
		}
	}
	printf("total %s\n",
		list->options->human
			? format_human(buf, allocated)
			: format_number(buf, allocated / 1024 + (allocated % 1024 != 0)));
}

/* Names are padded by characters, which printf would count as bytes; numbers stand to the right. */
static void print_owner(const struct names *names, uint32_t id, int width)
{
	const char *name = names_find(names, id);

	if (name) {
		printf(" %s%*s", name, width - (int)format_width(name), "");
	} else {
		printf(" %*" PRIu32, width, id);
	}
}

static void print_size(const struct ls_options *options, const struct peel_node *node,
	const struct widths *widths)
{
	char buf[FORMAT_SIZE];

	if (is_device(node)) {
		printf(" %*" PRIu32 ", %*" PRIu32, widths->size - 2 - widths->minor,
			node->rdev_major, widths->minor, node->rdev_minor);
	} else {
		printf(" %*s", widths->size, show_size(options, buf, node->size));
	}
}

static void print_name(const struct ls_options *options, const void *name, size_t len)
{
	if (options->zero) {
		fwrite(name, 1, len, stdout);
	} else {
		peel_text_print(stdout, name, len);
	}
}

static bool print_target(const struct ls_options *options, struct peel_index *index,
	const struct ls_entry *entry)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	char shown[PEEL_MESSAGE_SIZE];
	size_t len;

	if (!S_ISLNK(entry->node.mode)) {
		return true;
	}
	if (peel_readlink(index, entry->node.ino, &target, &len, &err) < 0) {
		complain("cannot read symbolic link '%s': %s",
			peel_text_escape_into(shown, sizeof(shown), entry->name, entry->len),
			error_text(&err));
		return false;
	}
	fputs(" -> ", stdout);
	print_name(options, target, len);
	return true;
}

static void print_details(const struct ls_options *options, const struct users *users,
	const struct peel_node *node, const struct widths *widths)
{
	char mode[11];
	char when[FORMAT_SIZE];

	printf("%s %*" PRIu32, format_mode(mode, node->mode), widths->nlink, node->nlink);
	print_owner(&users->users, node->uid, widths->user);
	print_owner(&users->groups, node->gid, widths->group);
	print_size(options, node, widths);
	printf(" %s ",
		options->full_time ? format_full_time(when, node->mtime_sec, node->mtime_nsec)
				   : format_minutes(when, node->mtime_sec));
}

bool ls_print(const struct ls_list *list, struct peel_index *index, const struct users *users,
	const char *folder, bool total)
{
	const struct ls_options *options = list->options;
	struct widths widths = {0};
	bool good = true;

	measure(list, users, &widths);
	if (options->details && total) {
		print_total(list);
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct ls_entry *entry = &list->entries[i];

		if (options->inode) {
			printf("%*" PRIu64 " ", widths.ino, entry->node.ino);
		}
		if (options->details) {
			print_details(options, users, &entry->node, &widths);
		}
		if (options->zero && folder) {
			fputs(folder, stdout);
			fputs(folder[strlen(folder) - 1] == '/' ? "" : "/", stdout);
		}
		print_name(options, entry->name, entry->len);
		if (options->details) {
			good &= print_target(options, index, entry);
		}
		putchar(options->zero ? 0 : '\n');
	}
	return good;
}
