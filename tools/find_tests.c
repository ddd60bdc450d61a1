/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of types, owners, sizes and other numbers, and of what may be done with a file. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "find.h"
#include "format.h"

/* Letters of -type and %y. */
static const struct {
	char letter;
	uint32_t mode;
} types[] = {
	{'b', S_IFBLK},
	{'c', S_IFCHR},
	{'d', S_IFDIR},
	{'f', S_IFREG},
	{'l', S_IFLNK},
	{'p', S_IFIFO},
	{'s', S_IFSOCK},
};

/* Units of -size by their letter. */
static const struct {
	char letter;
	uint64_t bytes;
} units[] = {
	{'b', 512},
	{'c', 1},
	{'w', 2},
	{'k', 1024},
	{'M', 1024 * 1024},
	{'G', 1024 * 1024 * 1024},
};

bool find_follows(const struct find *find, const struct find_entry *entry)
{
	return find->follow == FIND_FOLLOW_ALWAYS ||
		(find->follow == FIND_FOLLOW_ARGUMENTS && entry->step->depth == 0);
}

int find_resolve(const struct find *find, const struct find_entry *entry, bool follow,
	struct peel_node *ret_node, struct peel_error *err)
{
	const struct walk_step *step = entry->step;
	const char *name = step->depth ? step->path + step->name : entry->start;

	return peel_resolve(find->index, step->node->view, step->folder, name, strlen(name), follow,
		ret_node, NULL, err);
}

/* A value, cut at its first NUL: contexts end with one. */
struct xattr_wanted {
	const char *name;
	char *value;
};

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct xattr_wanted *wanted = arg;

	if (strcmp(name, wanted->name) == 0) {
		wanted->value = format_text("%.*s", (int)len, (const char *)value);
		return 1;
	}
	return 0;
}

bool find_xattr(struct find *find, uint64_t ino, const char *name, char **ret_value)
{
	struct xattr_wanted wanted = {.name = name};

	peel_xattrs(find->index, ino, take_xattr, &wanted, NULL);
	*ret_value = wanted.value;
	return wanted.value != NULL;
}

bool find_number(struct find_node *node, const char *arg)
{
	char *end;

	node->compare = *arg == '+' ? FIND_MORE : *arg == '-' ? FIND_LESS : FIND_EQUAL;
	arg += node->compare != FIND_EQUAL;
	while (isspace((unsigned char)*arg)) {
		arg++;
	}
	if (*arg == '-') {
		return false;
	}
	errno = 0;
	node->number = strtoull(arg, &end, 10);
	return errno == 0 && end != arg && *end == 0;
}

bool find_compare_number(const struct find_node *node, uint64_t number)
{
	switch (node->compare) {
	case FIND_MORE:
		return number > node->number;
	case FIND_LESS:
		return number < node->number;
	default:
		return number == node->number;
	}
}

bool find_parse_number(struct find *find, struct find_node *node, const char *arg)
{
	(void)find;
	return find_number(node, arg) || find_complain_argument(node, arg);
}

bool find_parse_size(struct find *find, struct find_node *node, const char *arg)
{
	cleanup_free char *number = strdup(arg);
	size_t len = strlen(arg);

	(void)find;
	if (!number) {
		complain("%s", strerror(ENOMEM));
		return false;
	}
	if (len == 0) {
		complain("invalid null argument to -size");
		return false;
	}
	node->unit = 512;
	if (!isdigit((unsigned char)arg[len - 1])) {
		node->unit = 0;
		for (size_t i = 0; i < countof(units); i++) {
			if (units[i].letter == arg[len - 1]) {
				node->unit = units[i].bytes;
			}
		}
		number[len - 1] = 0;
	}
	return (node->unit && find_number(node, number)) || find_complain_argument(node, arg);
}

/* Sizes are rounded up to whole units. */
bool find_eval_size(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	uint64_t size = entry->step->node->size;

	(void)find;
	return find_compare_number(node, size / node->unit + (size % node->unit != 0));
}

bool find_eval_links(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)find;
	return find_compare_number(node, entry->step->node->nlink);
}

bool find_eval_inum(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	return find_compare_number(node, entry->step->node->ino);
}

bool find_eval_uid(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	return find_compare_number(node, entry->step->node->uid);
}

bool find_eval_gid(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	return find_compare_number(node, entry->step->node->gid);
}

bool find_eval_nouser(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)node;
	return !names_find(&find->users.users, entry->step->node->uid);
}

bool find_eval_nogroup(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)node;
	return !names_find(&find->users.groups, entry->step->node->gid);
}

/* A name of the image, or a number. */
static bool bind_owner(const struct names *names, struct find_node *node, const char *what)
{
	char shown[256];
	uint32_t id;

	if (names_find_id(names, node->text, &id)) {
		node->number = id;
		node->compare = FIND_EQUAL;
		return true;
	}
	if (isdigit((unsigned char)node->text[0]) && find_number(node, node->text) &&
		node->number <= UINT32_MAX) {
		return true;
	}
	complain("'%s' is not the name of a known %s of the image",
		peel_text_escape_into(shown, sizeof(shown), node->text, strlen(node->text)), what);
	return false;
}

bool find_bind_user(struct find *find, struct find_node *node)
{
	return bind_owner(&find->users.users, node, "user");
}

bool find_bind_group(struct find *find, struct find_node *node)
{
	return bind_owner(&find->users.groups, node, "group");
}

char find_type_letter(uint32_t mode)
{
	for (size_t i = 0; i < countof(types); i++) {
		if ((mode & S_IFMT) == types[i].mode) {
			return types[i].letter;
		}
	}
	return 'U';
}

static uint64_t type_bit(char letter)
{
	for (size_t i = 0; i < countof(types); i++) {
		if (types[i].letter == letter) {
			return UINT64_C(1) << i;
		}
	}
	return 0;
}

/* Letters with commas between them, none twice. */
bool find_parse_type(struct find *find, struct find_node *node, const char *arg)
{
	const char *at = arg;

	(void)find;
	for (;; at++) {
		uint64_t bit = *at ? type_bit(*at) : 0;

		if (!bit || node->number & bit) {
			return find_complain_argument(node, arg);
		}
		node->number |= bit;
		at++;
		if (*at == 0) {
			return true;
		}
		if (*at != ',') {
			complain("must separate multiple arguments to %s using: ','",
				node->primary->name);
			return false;
		}
	}
}

bool find_eval_type(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	return node->number & type_bit(find_type_letter(entry->step->node->mode));
}

/* The other of a link and its target than -type would see. */
bool find_eval_xtype(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	bool follow = !find_follows(find, entry);
	struct peel_node other = *entry->step->node;
	struct peel_error err = {0};

	if ((!follow || S_ISLNK(other.mode)) &&
		find_resolve(find, entry, follow, &other, &err) < 0 && err.code != PEEL_ENOENT &&
		err.code != PEEL_ENOTDIR) {
		find_complain_path(find, entry->step->path, error_text(&err));
		return false;
	}
	return node->number & type_bit(find_type_letter(other.mode));
}

/* What faccessat says to root: it reads everything, and executes what anybody may. */
bool find_eval_access(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	struct peel_node target = *entry->step->node;

	if (S_ISLNK(target.mode) && find_resolve(find, entry, true, &target, NULL) < 0) {
		return false;
	}
	return node->primary->variant == R_OK || S_ISDIR(target.mode) || target.mode & 0111;
}

static int stop_at_first(void *arg, const struct peel_dirent *entry)
{
	(void)arg;
	(void)entry;
	return 1;
}

bool find_eval_empty(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	const struct peel_node *found = entry->step->node;
	struct peel_error err = {0};
	int r;

	(void)node;
	if (!S_ISDIR(found->mode)) {
		return S_ISREG(found->mode) && found->size == 0;
	}
	r = peel_list(find->index, found->ino, 0, stop_at_first, NULL, &err);
	if (r < 0) {
		find_complain_error(find, entry->step->path, &err);
	}
	return r == 0;
}
