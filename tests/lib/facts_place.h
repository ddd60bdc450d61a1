/* SPDX-License-Identifier: Apache-2.0 */
/** A cache folder for an image and its facts. What fails ends the test. */
#ifndef FACTS_PLACE_H
#define FACTS_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct peel_index;

/** The folder, below the current one; and the image, borrowed. */
struct place {
	char folder[32];
	const char *image;
	/** A child in a cage writes. */
	bool sandbox;
};

/** Make an empty one. */
struct place place_make(const char *image);
/** Make one that holds the same files. */
struct place place_copy(const struct place *from);
/** Remove it with all that it holds. */
void place_finish(const struct place *place);
/** Remove the files whose names have a text in them. */
void place_remove_files(const struct place *place, const char *text);
/** Path of the one file whose name has a text in it. @return false where there is none. */
bool place_find(const struct place *place, const char *text, char *path, size_t size);
/** Open the image with facts; incomplete ones too. The caller closes it. */
struct peel_index *place_open(const struct place *place);
/** All rows of all facts of the image, opening it. @return a text that the caller frees. */
char *place_dump(const struct place *place);
/**
 * Change a file of the cache by SQL and seal it anew, as only peel or the cache's owner can.
 * @param text as in place_find; there must be such a file.
 */
void place_change(const struct place *place, const char *text, const char *sql);

#endif
