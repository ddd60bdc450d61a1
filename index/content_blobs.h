/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The blobs of a layout as they were when the index was opened. Each is opened when it is first read, which may be
 * hours later under a mount: by then it must still be the file whose identity was compared with the index's.
 */
#ifndef CONTENT_BLOBS_H
#define CONTENT_BLOBS_H

struct content_blobs;
struct peel_error;
struct source;
struct store_pool;

/**
 * Look at each file that the index names.
 * @param layout folder of the layout, borrowed as long as the blobs.
 * @return 0; PEEL_EIO, PEEL_ENOMEM, as store_step. Free with content_blobs_free.
 */
int content_blobs_note(struct store_pool *pool, int layout, struct content_blobs **ret_blobs,
	struct peel_error *err);

/** Free; NULL is fine. */
void content_blobs_free(struct content_blobs *blobs);

/**
 * Open one. @param ret_source the caller drops.
 * @return 0; PEEL_ECHANGED (another file, other times, another size, or gone since); PEEL_EFORMAT (the index names
 *   no such file); PEEL_ENOENT (it was not there from the beginning), PEEL_EIO, PEEL_ENOMEM.
 */
int content_blobs_open(const struct content_blobs *blobs, const char *file,
	struct source **ret_source, struct peel_error *err);

#endif
