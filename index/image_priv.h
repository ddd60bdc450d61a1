/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the index needs of an image beyond the public header: where each layer's bytes are, and
 * what identifies the file.
 */
#ifndef IMAGE_PRIV_H
#define IMAGE_PRIV_H

#include <stdint.h>

#include <peel/image.h>

struct blockcache;
struct source;

/** Where a layer's stored bytes are, so that an index can find them again without the manifest. */
struct image_blob {
	/**
	 * File below the layout folder ("blobs/sha256/…", links resolved inside it), NULL: the
	 * image file itself.
	 */
	const char *file;
	/** Slice of the file, or of the decoded image file where that is compressed. */
	uint64_t offset;
	uint64_t size;
};

/** What an image is opened from in place of names, where nothing can be opened by one; both are duplicated. */
struct image_given {
	/** The file, or the folder of a layout, or a broker for it (broker.h). */
	int file;
	/** Folder for spools, or a broker; -1: none. */
	int spool;
};

/** peel_image_open from descriptors. @param given NULL: by the reference's path. */
int image_open_given(const char *reference, const struct peel_image_options *options,
	const struct image_given *given, struct peel_image **ret_image, struct peel_error *err);

/**
 * Open the file or the folder that a reference names. @param ret_fd the caller closes.
 * @return 0; PEEL_ENOENT, PEEL_EACCES, PEEL_EIO, PEEL_EUSAGE (standard input), PEEL_ENOMEM.
 */
int image_path_open(const char *reference, int *ret_fd, struct peel_error *err);

/** Where layer i is. @return NULL where the blob is missing. Belongs to the image. */
const struct image_blob *image_layer_blob(const struct peel_image *image, int i);

/**
 * The stored (compressed) bytes of layer i.
 * @param ret_source drop it with source_drop, before the image is closed.
 * @return 0; PEEL_ENOENT (missing); PEEL_EUNSUPPORTED; PEEL_EIO, PEEL_ENOMEM.
 */
int image_layer_source(struct peel_image *image, int i, struct source **ret_source,
	struct peel_error *err);

/**
 * Open a file of a layout folder without following any link, as image_blob.file has it.
 * @param folder descriptor of the layout folder.
 * @return 0; PEEL_ENOENT; PEEL_EFORMAT (a link, or no regular file); PEEL_EIO; PEEL_ENOMEM.
 */
int image_file_open(int folder, const char *file, struct source **ret_source,
	struct peel_error *err);

/** The image file as stored, NULL for a layout folder. Borrowed. */
struct source *image_file(struct peel_image *image);

/**
 * Access points of a compressed image file, found while it was opened; NULL where it is plain. Also
 * NULL for a rootfs: there the file itself is the one layer, compressed or not, and
 * peel_image_codec is PEEL_CODEC_NONE. Borrowed.
 */
struct point_list;
const struct point_list *image_points(const struct peel_image *image);
/** Uncompressed size of the image file (its own size where it is plain; 0 for a layout). */
uint64_t image_file_size(const struct peel_image *image);

struct limit_watch;
/** Limits of this opening, and what was reached of them; they go on while layers are read. Borrowed. */
struct limit_watch *image_limits(struct peel_image *image);

/** How many images of the file match, as ret_matches of struct peel_image_options. */
unsigned int image_matches(const struct peel_image *image);

/** Most bytes to spool: what the options say, else what their limits do. */
uint64_t image_spool_limit(const struct peel_image_options *options);

/** Folder descriptor of a layout, -1 for others. Borrowed. */
int image_layout_fd(const struct peel_image *image);

/**
 * What identifies the file(s) a reference names, without decoding or parsing layers: device, inode,
 * size, mtime, ctime of the file (for a layout, of index.json, oci-layout and every file in blobs/,
 * in order), transport, selector and platform.
 * @param ret_text receives a string the caller frees. @param ret_age_ns receives the age of the
 *   youngest of those times in nanoseconds (0 where it lies in the future).
 * @return 0; PEEL_ENOENT, PEEL_EIO, PEEL_EUSAGE (standard input), PEEL_ENOMEM.
 */
int image_identity(const char *reference, const struct peel_image_options *options, char **ret_text,
	uint64_t *ret_age_ns, struct peel_error *err);
/**
 * The same of what the reference led to when it was opened: a path may lead elsewhere and back in the meantime.
 * @param opened borrowed; -1: as image_identity.
 */
int image_identity_of(const char *reference, const struct peel_image_options *options, int opened,
	char **ret_text, uint64_t *ret_age_ns, struct peel_error *err);

/**
 * The reference with the absolute path of its file, links resolved, so that it can be told from any folder.
 * @param ret_location the caller frees; NULL for standard input and where the file is gone.
 * @return 0; PEEL_EUSAGE, PEEL_ENOMEM.
 */
int image_location(const char *reference, char **ret_location, struct peel_error *err);

/**
 * Is the file at a location still the one that an identity was made of? Both may come from a stranger: nothing
 * but regular files and folders is opened.
 * @return 0 it is, 1 it is not; PEEL_ENOENT (there is none), PEEL_EIO, PEEL_EACCES, PEEL_EUNSUPPORTED (no file
 *   that could be looked at), PEEL_EUSAGE, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int image_compare(const char *location, const char *identity, struct peel_error *err);

static inline void cleanup_image_(struct peel_image **image)
{
	peel_image_close(*image);
}

/** peel_image_close() at the end of the scope. */
#define cleanup_image __attribute__((__cleanup__(cleanup_image_)))

#endif
