/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -ls: a line as GNU find has it. Columns begin at a width that mostly does, and stay as wide as the widest value was:
 * what comes first does not wait for what comes later.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd.h"
#include "find.h"
#include "format.h"

/* Half a year, beyond which the year says more than the hour; and how far the future may be off. */
#define RECENT (180 * 86400)
#define SOON 3600

/* Print a number to the right of a column, which grows. */
static void put_number(int *width, uint64_t number)
{
	int len = printf("%*" PRIu64, *width, number);

	*width = len > *width ? len : *width;
}

/*
 * Names are printed as C has strings, whatever standard output is; on a terminal the second of two number signs, too:
 * see peel/text.h.
 */
static void put_quoted(const struct find *find, const char *name)
{
	static const char special[] = "\\\n\b\r\t\f \"";
	static const char letters[] = "\\nbrtf \"";

	for (char last = 0; *name; last = *name++) {
		unsigned char byte = (unsigned char)*name;
		const char *at = strchr(special, byte);

		if (at) {
			putchar('\\');
			putchar(letters[at - special]);
		} else if (byte > ' ' && byte < 0x7f &&
			!(find->terminal && byte == '#' && last == '#')) {
			putchar(byte);
		} else {
			printf("\\%03o", byte);
		}
	}
}

/* A user's or a group's name, or its number: as GNU has it, a user's number takes no notice of the column's width. */
static void put_owner(const struct find *find, const struct names *names, uint32_t id, int *width,
	bool group)
{
	const char *raw = names_find_raw(names, id);
	const char *name = find->terminal ? names_find(names, id) : raw;
	int len;

	if (raw) {
		len = (int)strlen(name);
		*width = len > *width ? len : *width;
		printf("%-*s ", *width, name);
		return;
	}
	len = printf("%-*" PRIu32, group ? *width : 8, id);
	putchar(' ');
	len += group ? 0 : 1;
	*width = len > *width ? len : *width;
}

static void put_time(const struct find *find, const struct peel_node *node)
{
	time_t sec = (time_t)node->mtime_sec;
	bool recent = node->mtime_sec >= find->now.sec - RECENT &&
		node->mtime_sec <= find->now.sec + SOON;
	char buf[FORMAT_SIZE];
	struct tm tm;

	if (!localtime_r(&sec, &tm)) {
		printf("%12" PRId64 " ", node->mtime_sec);
		return;
	}
	if (recent) {
		strftime(buf, sizeof(buf), "%b %e %H:%M", &tm);
	} else {
		strftime(buf, sizeof(buf), "%b %e  %Y", &tm);
	}
	printf("%s ", buf);
}

static void put_size(struct find_widths *widths, const struct peel_node *node)
{
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode)) {
		put_number(&widths->major, node->rdev_major);
		fputs(", ", stdout);
		put_number(&widths->minor, node->rdev_minor);
	} else {
		put_number(&widths->size, node->size);
	}
}

bool find_eval_ls(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	const struct peel_node *found = entry->step->node;
	struct find_widths *widths = &find->widths;
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	char mode[11];
	size_t len;

	(void)node;
	put_number(&widths->ino, found->ino);
	putchar(' ');
	put_number(&widths->blocks, found->allocated / 1024 + (found->allocated % 1024 != 0));
	printf(" %s ", format_mode(mode, found->mode));
	put_number(&widths->nlink, found->nlink);
	putchar(' ');
	put_owner(find, &find->users.users, found->uid, &widths->user, false);
	put_owner(find, &find->users.groups, found->gid, &widths->group, true);
	put_size(widths, found);
	putchar(' ');
	put_time(find, found);
	put_quoted(find, entry->step->path);
	if (S_ISLNK(found->mode)) {
		if (peel_readlink(find->index, found->ino, &target, &len, &err) < 0) {
			find_complain_error(find, entry->step->path, &err);
		} else {
			fputs(" -> ", stdout);
			put_quoted(find, target);
		}
	}
	putchar('\n');
	return true;
}
