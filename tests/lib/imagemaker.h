/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Small images for tests: a list of files that becomes a tar or a folder, and the documents of
 * images in it. Nothing is checked; running out of memory or of disk ends the test program.
 *
 * struct imagemaker image = {0}; imagemaker_docker(&image, "busybox:1", "linux", "amd64", 2); path
 * = imagemaker_write_tar(&image, "a.tar"); … imagemaker_finish(&image);
 */
#ifndef IMAGEMAKER_H
#define IMAGEMAKER_H

#include <stdbool.h>
#include <stddef.h>

#include "digest.h"

/** Most files of an image. */
#define IMAGEMAKER_FILES 128

struct imagemaker_file {
	char *path;
	/** Target of a symlink; NULL: a regular file. */
	char *link;
	char *bytes;
	size_t len;
};

/** {0} is valid and empty. */
struct imagemaker {
	struct imagemaker_file files[IMAGEMAKER_FILES];
	size_t count;
	/** Folder of what was written; made at the first write, removed by finish. */
	char *folder;
	/** Path of the last thing written. */
	char *path;
};

/** Append a file; len 0: bytes is a string. */
void imagemaker_file(struct imagemaker *image, const char *path, const void *bytes, size_t len);
/** Append a file with printf's text. */
void imagemaker_print(struct imagemaker *image, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Append a symlink. */
void imagemaker_link(struct imagemaker *image, const char *path, const char *target);
/**
 * Append blobs/sha256/…; len 0: bytes is a string. @param digest receives DIGEST_TEXT_SIZE bytes.
 */
void imagemaker_blob(struct imagemaker *image, const void *bytes, size_t len, char *digest);
/** The file of a path, for changes; NULL: there is none. */
struct imagemaker_file *imagemaker_find(struct imagemaker *image, const char *path);
/** The bytes of a layer: a tar with one file of that name. @return the caller frees. */
char *imagemaker_layer(const char *name, size_t *ret_len);

/** A configuration with the diff IDs of layers "l0", "l1", …. @return the caller frees. */
char *imagemaker_config(const char *os, const char *arch, int layers);
/**
 * Append layers l0… as "N/layer.tar", a configuration "config-ARCH.json", and a manifest.json.
 * @param tag may be NULL.
 */
void imagemaker_docker(struct imagemaker *image, const char *tag, const char *os, const char *arch,
	int layers);
/**
 * Append the blobs of an OCI image with plain layers l0…. @param digest receives the manifest's.
 * @return its size.
 */
size_t imagemaker_manifest(struct imagemaker *image, const char *os, const char *arch, int layers,
	char *digest);
/** Append oci-layout, and index.json with this list of descriptors. */
void imagemaker_index(struct imagemaker *image, const char *descriptors);
/** An OCI image with its index. */
void imagemaker_oci(struct imagemaker *image, const char *tag, const char *os, const char *arch,
	int layers);

/** Compressions of what is written. */
enum imagemaker_codec {
	IMAGEMAKER_PLAIN,
	IMAGEMAKER_GZIP,
	IMAGEMAKER_ZSTD,
};

/** Compress. @return the caller frees. */
void *imagemaker_compress(enum imagemaker_codec codec, const void *bytes, size_t len,
	size_t *ret_len);
/** Write all files as a tar. @return its path. */
const char *imagemaker_write_tar(struct imagemaker *image, enum imagemaker_codec codec);
/** Write bytes as a file. @return its path. */
const char *imagemaker_write_bytes(struct imagemaker *image, const void *bytes, size_t len);
/** Write all files into a folder. @return its path. */
const char *imagemaker_write_folder(struct imagemaker *image);

/** Remove what was written and free everything. */
void imagemaker_finish(struct imagemaker *image);

#endif
