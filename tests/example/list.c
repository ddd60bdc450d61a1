/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example of the library: print the size and path of each file in an image, and what it all adds
 * up to.
 *
 *     cc list.c $(pkg-config --cflags --libs peel) -o list && ./list app.tar
 *
 * Names are raw bytes; peel_text_print makes them safe for a terminal. Folders are kept on a list
 * of our own instead of the stack, because the image decides how deep they go.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/peel.h>

/** A folder still to be listed. */
struct folder {
	struct folder *next;
	uint64_t ino;
	char path[];
};

struct walk {
	/** The folder being listed, and those that wait, last in first out. */
	const struct folder *current;
	struct folder *waiting;
	uint64_t files;
	bool out_of_memory;
};

/** Put a folder on the list. The names of one path are far below PEEL_PATH_MAX or not walked. */
static bool push(struct walk *walk, const char *parent, const void *name, size_t name_len,
	uint64_t ino)
{
	size_t parent_len = strlen(parent);
	struct folder *folder = malloc(sizeof(*folder) + parent_len + name_len + 2);

	if (!folder) {
		walk->out_of_memory = true;
		return false;
	}
	memcpy(folder->path, parent, parent_len);
	memcpy(folder->path + parent_len, name, name_len);
	memcpy(folder->path + parent_len + name_len, "/", 2);
	folder->ino = ino;
	folder->next = walk->waiting;
	walk->waiting = folder;
	return true;
}

/** Print a file, keep a folder for later. */
static int take(void *arg, const struct peel_dirent *entry)
{
	struct walk *walk = arg;

	if (S_ISDIR(entry->node.mode)) {
		return !push(walk, walk->current->path, entry->name, entry->name_len,
			entry->node.ino);
	}
	walk->files++;
	printf("%" PRIu64 " ", entry->node.size);
	peel_text_print(stdout, walk->current->path, strlen(walk->current->path));
	peel_text_print(stdout, entry->name, entry->name_len);
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	struct peel_index_options options = {.no_cache = true};
	struct peel_index *index = NULL;
	struct peel_totals totals;
	struct peel_error err = {0};
	struct walk walk = {0};
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: list IMAGE\n");
		return 2;
	}
	r = peel_index_open(argv[1], &options, &index, &err);
	if (r == 0 && !push(&walk, "", "", 0, peel_root(PEEL_VIEW_MERGED))) {
		r = PEEL_ENOMEM;
	}
	while (r == 0 && walk.waiting) {
		struct folder *folder = walk.waiting;

		walk.waiting = folder->next;
		walk.current = folder;
		r = peel_list(index, folder->ino, 0, take, &walk, &err);
		free(folder);
	}
	if (r == 0) {
		r = peel_totals(index, &totals, &err);
	}
	if (r == 0) {
		printf("%" PRIu64 " files, %" PRIu64 " bytes\n", walk.files, totals.bytes);
	} else {
		fprintf(stderr, "list: %s\n", walk.out_of_memory ? "out of memory" : err.message);
	}
	while (walk.waiting) {
		struct folder *next = walk.waiting->next;

		free(walk.waiting);
		walk.waiting = next;
	}
	peel_index_close(index);
	return r == 0 ? 0 : 2;
}
