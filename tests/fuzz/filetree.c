/* SPDX-License-Identifier: Apache-2.0 */
#include "filetree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "util.h"

/* Nodes of a layer's view have numbers of their own. */
#define VIEW_SHIFT 40
#define SEPARATOR 0x1e

struct node {
	const uint8_t *name, *bytes;
	size_t name_len, len;
	size_t parent;
	uint32_t mode;
	bool program;
};

/* Node 0 is the root; numbers are places plus 1, and peel_root's for the root. */
static struct node nodes[FILETREE_MAX];
static size_t count;

void filetree_begin(void)
{
	nodes[0] = (struct node){.mode = S_IFDIR | 0755};
	count = 1;
}

static size_t find(size_t parent, const void *name, size_t len)
{
	for (size_t i = 1; i < count; i++) {
		if (nodes[i].parent == parent && nodes[i].name_len == len &&
			memcmp(nodes[i].name, name, len) == 0) {
			return i;
		}
	}
	return 0;
}

static bool is_dots(const uint8_t *name, size_t len)
{
	return len == 0 || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

void filetree_add(const uint8_t *path, size_t path_len, const uint8_t *bytes, size_t len)
{
	const uint8_t *end = path + path_len;
	bool link = false, program = false;
	size_t parent = 0;

	if (path_len && (end[-1] == '@' || end[-1] == '*')) {
		link = *--end == '@';
		program = !link;
	}
	while (path < end) {
		const uint8_t *slash = memchr(path, '/', (size_t)(end - path));
		const size_t name_len = (size_t)((slash ? slash : end) - path);
		const bool last = !slash;
		size_t at = find(parent, path, name_len);

		if ((at && (last || !S_ISDIR(nodes[at].mode))) || (!at && count == FILETREE_MAX)) {
			return;
		}
		if (!is_dots(path, name_len) && name_len <= PEEL_NAME_MAX &&
			!memchr(path, '\0', name_len)) {
			if (!at) {
				at = count++;
				nodes[at] = (struct node){.name = path,
					.name_len = name_len,
					.parent = parent,
					.mode = !last  ? S_IFDIR | 0755
						: link ? S_IFLNK | 0777
						       : S_IFREG | 0644,
					.program = last && program,
					.bytes = last ? bytes : NULL,
					.len = last ? len : 0};
			}
			parent = at;
		}
		path = slash ? slash + 1 : end;
	}
}

void filetree_read(struct fuzz_input *input)
{
	while (input->left) {
		const uint8_t *bytes, *newline;
		const uint8_t *end = memchr(input->at, SEPARATOR, input->left);
		const size_t len = end ? (size_t)(end - input->at) : input->left;

		(void)fuzz_bytes(input, end ? len + 1 : len, &bytes);
		newline = memchr(bytes, '\n', len);
		if (newline) {
			filetree_add(bytes, (size_t)(newline - bytes), newline + 1,
				len - (size_t)(newline + 1 - bytes));
		}
	}
}

/* A number as a place. @return SIZE_MAX: no node has it. */
static size_t place_of(uint64_t ino)
{
	const uint64_t number = ino & ((UINT64_C(1) << VIEW_SHIFT) - 1);

	return number == 0 || number > count ? SIZE_MAX : (size_t)number - 1;
}

static uint64_t number_of(int view, size_t place)
{
	return (uint64_t)(view + 1) << VIEW_SHIFT | (place + 1);
}

int filetree_kind(uint64_t ino)
{
	const size_t at = place_of(ino);

	return at == SIZE_MAX ? -1 : S_ISREG(nodes[at].mode);
}

uint64_t filetree_bytes(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += nodes[i].len;
	}
	return sum;
}

uint64_t filetree_program(uint64_t from)
{
	for (size_t i = (size_t)from; i < count; i++) {
		if (nodes[i].program && S_ISREG(nodes[i].mode)) {
			return i + 1;
		}
	}
	return 0;
}

static void fill(int view, size_t at, struct peel_node *ret)
{
	*ret = (struct peel_node){
		.ino = number_of(view, at),
		.mode = nodes[at].mode,
		.nlink = 1,
		.size = nodes[at].len,
		.layer = view < 0 ? 1 : view,
		.view = view,
		.hidden_by = -1,
		.why = "",
	};
}

/* --- in the place of query.h's --- */

/** @name The functions that the linker puts in @{ */
int __wrap_peel_layer_count(const struct peel_index *index);
int __wrap_peel_node_get(struct peel_index *index, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err);
int __wrap_peel_lookup(struct peel_index *index, uint64_t folder, const void *name, size_t name_len,
	struct peel_node *ret_node, struct peel_error *err);
int __wrap_peel_list(struct peel_index *index, uint64_t folder, uint64_t cookie,
	peel_dirent_fn *each, void *arg, struct peel_error *err);
int __wrap_peel_readlink(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err);
int __wrap_peel_resolve(struct peel_index *index, int view, uint64_t start, const void *path,
	size_t path_len, bool follow_last, struct peel_node *ret_node, char **ret_canonical,
	struct peel_error *err);
ssize_t __wrap_peel_read(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf,
	size_t len, struct peel_error *err);
/** @} */

int __wrap_peel_layer_count(const struct peel_index *index)
{
	(void)index;
	return 2;
}

int __wrap_peel_node_get(struct peel_index *index, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err)
{
	const size_t at = place_of(ino);

	(void)index;
	if (at == SIZE_MAX) {
		return peel_fail(err, PEEL_ENOENT, "no such node");
	}
	fill((int)(ino >> VIEW_SHIFT) - 1, at, ret_node);
	return 0;
}

int __wrap_peel_lookup(struct peel_index *index, uint64_t folder, const void *name, size_t name_len,
	struct peel_node *ret_node, struct peel_error *err)
{
	const size_t at = place_of(folder);
	const size_t found = at == SIZE_MAX ? 0 : find(at, name, name_len);

	(void)index;
	if (at != SIZE_MAX && !S_ISDIR(nodes[at].mode)) {
		return peel_fail(err, PEEL_ENOTDIR, "no folder");
	}
	if (!found) {
		return peel_fail(err, PEEL_ENOENT, "no such name");
	}
	fill((int)(folder >> VIEW_SHIFT) - 1, found, ret_node);
	return 0;
}

int __wrap_peel_list(struct peel_index *index, uint64_t folder, uint64_t cookie,
	peel_dirent_fn *each, void *arg, struct peel_error *err)
{
	const size_t at = place_of(folder);

	(void)index;
	if (at == SIZE_MAX || !S_ISDIR(nodes[at].mode)) {
		return peel_fail(err, PEEL_ENOTDIR, "no folder");
	}
	for (size_t i = max_u64(cookie, 1); i < count; i++) {
		struct peel_dirent entry = {
			.cookie = i + 1, .name = nodes[i].name, .name_len = nodes[i].name_len};

		if (nodes[i].parent != at) {
			continue;
		}
		fill((int)(folder >> VIEW_SHIFT) - 1, i, &entry.node);
		if (each(arg, &entry)) {
			return 1;
		}
	}
	return 0;
}

int __wrap_peel_readlink(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err)
{
	const size_t at = place_of(ino);

	(void)index;
	if (at == SIZE_MAX || !S_ISLNK(nodes[at].mode)) {
		return peel_fail(err, PEEL_EUSAGE, "no link");
	}
	*ret_len = strnlen((const char *)nodes[at].bytes, nodes[at].len);
	*ret_target = strndup((const char *)nodes[at].bytes, *ret_len);
	fuzz_check(*ret_target);
	return 0;
}

/* Walk a path, as in a chroot of the tree. @return a place, SIZE_MAX where it ends nowhere. */
static size_t walk(size_t at, const uint8_t *path, size_t len, bool follow_last, int *hops)
{
	const uint8_t *end = path + len;

	at = len && path[0] == '/' ? 0 : at;
	while (path < end) {
		const uint8_t *slash = memchr(path, '/', (size_t)(end - path));
		const size_t name_len = (size_t)((slash ? slash : end) - path);
		size_t next;

		if (!S_ISDIR(nodes[at].mode)) {
			return SIZE_MAX;
		}
		if (is_dots(path, name_len)) {
			at = name_len == 2 ? nodes[at].parent : at;
		} else {
			next = find(at, path, name_len);
			if (!next) {
				return SIZE_MAX;
			}
			if (S_ISLNK(nodes[next].mode) && (slash || follow_last)) {
				if (--*hops < 0) {
					return SIZE_MAX;
				}
				next = walk(at, nodes[next].bytes,
					strnlen((const char *)nodes[next].bytes, nodes[next].len),
					true, hops);
			}
			if (next == SIZE_MAX) {
				return SIZE_MAX;
			}
			at = next;
		}
		path = slash ? slash + 1 : end;
	}
	return at;
}

/* The path of a node, the caller frees. */
static char *canonical(size_t at)
{
	char *path = NULL;
	size_t len = 0;
	size_t to;

	for (size_t i = at; i; i = nodes[i].parent) {
		len += nodes[i].name_len + 1;
	}
	path = malloc(len + 2);
	fuzz_check(path);
	path[0] = '/';
	path[len ? len : 1] = '\0';
	to = len;
	for (size_t i = at; i; i = nodes[i].parent) {
		to -= nodes[i].name_len;
		memcpy(path + to, nodes[i].name, nodes[i].name_len);
		path[--to] = '/';
	}
	return path;
}

int __wrap_peel_resolve(struct peel_index *index, int view, uint64_t start, const void *path,
	size_t path_len, bool follow_last, struct peel_node *ret_node, char **ret_canonical,
	struct peel_error *err)
{
	const size_t from = start ? place_of(start) : 0;
	int hops = PEEL_SYMLINK_MAX;
	size_t at;

	(void)index;
	fuzz_check(from != SIZE_MAX);
	at = path_len < PEEL_PATH_MAX ? walk(from, path, path_len, follow_last, &hops) : SIZE_MAX;
	if (at == SIZE_MAX) {
		return peel_fail(err, hops < 0 ? PEEL_ELOOP : PEEL_ENOENT, "no such path");
	}
	fill(view, at, ret_node);
	if (ret_canonical) {
		*ret_canonical = canonical(at);
	}
	return 0;
}

ssize_t __wrap_peel_read(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf,
	size_t len, struct peel_error *err)
{
	const size_t at = place_of(ino);
	size_t got;

	(void)index;
	if (at == SIZE_MAX || !S_ISREG(nodes[at].mode)) {
		return peel_fail(err, PEEL_EUSAGE, "no regular file");
	}
	if (offset >= nodes[at].len) {
		return 0;
	}
	got = min_u64(len, nodes[at].len - offset);
	memcpy(buf, nodes[at].bytes + offset, got);
	return (ssize_t)got;
}
