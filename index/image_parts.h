/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the image family share: the image while it is being opened, and how its bytes
 * are found.
 *
 * Two kinds of store hold an image's files by name: the members of an outer tar (image_outer.h) and
 * the files of a layout folder. image_find hides which. Strings that the image needs are kept by it
 * (image_keep) and freed with it; where memory ends, these helpers set out_of_memory and give "",
 * and peel_image_open fails at its end.
 */
#ifndef IMAGE_PARTS_H
#define IMAGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/image.h>

#include "digest.h"
#include "image_priv.h"
#include "json.h"
#include "limit.h"
#include "util.h"

struct outer;

/** Largest N of a selector ":@N", as many as limits allow at most. */
#define IMAGE_POSITION_MAX 100000
/** Deepest nesting of indexes. */
#define IMAGE_INDEX_DEPTH 8
/** Documents of the largest size that are read in all: bounds what ten thousand manifests could make us read. */
#define IMAGE_JSON_DOCUMENTS 16
/** Findings kept; the rest would say the same. */
#define IMAGE_FINDINGS_MAX 1000
/** Longest path of a member or blob. */
#define IMAGE_NAME_MAX 4096
/** Most names of an image that a list shows. */
#define IMAGE_NAMES_SHOWN 64
/** Room for a piece of a stranger's text in a message. */
#define IMAGE_SHOWN 160

/** What a reference asks for. */
struct image_reference {
	/** 0: by content. */
	enum peel_image_kind kind;
	bool standard_input;
	char *path;
	/** A tag or name to choose by, NULL: none. */
	char *tag;
	/** Position in the file (":@N"), -1: none. */
	int position;
};

/**
 * Platform, normalised as containerd does ("aarch64" is "arm64", and its "v8" is nothing). ""
 * unknown.
 */
struct image_platform {
	char os[32];
	char arch[32];
	char variant[32];
};

/** Where a file of the image is: a member of the outer tar, or a file of the layout folder. */
struct image_place {
	/**
	 * Path below the layout folder, free of links; NULL: in the (decoded) image file. Kept by
	 * the image.
	 */
	const char *file;
	uint64_t offset;
	uint64_t size;
	/** The archive ends before the member does. */
	bool cut;
};

/** One image or artifact that the file offers. */
struct image_item {
	struct peel_candidate shown;
	/** Strings that a selector may name, an array; owned. */
	json_t *names;
	/** Item of manifest.json, or descriptor. Borrowed from a document that the image holds. */
	const json_t *source;
	/** From manifest.json, not from an index. */
	bool docker;
	/** Its manifest or configuration is not in the file. */
	bool missing;
	/** Position in manifest.json or index.json; nested ones have their index's. */
	int position;
	struct image_platform platform;
	/**
	 * Digest over the configuration's digest and where each layer's bytes are; "" where not
	 * readable.
	 */
	char signature[DIGEST_TEXT_SIZE];
};

struct peel_image {
	struct image_reference reference;
	/** As given, escaped, for messages. */
	const char *name;
	const char *reference_text;
	enum peel_image_kind kind;
	/** manifest.json and index.json are both there and must tell of the same images. */
	bool hybrid;
	struct image_platform wanted;
	bool platform_wanted;
	struct peel_image_options options;
	/** How many match them. */
	unsigned int matches;
	struct limit_watch limits;

	/** The file as stored; NULL for a layout. */
	struct source *file;
	/**
	 * Compression of the outer file; none for a rootfs, whose one layer is compressed instead.
	 */
	enum peel_codec codec;
	/** The file decoded: file itself where it is plain. */
	struct source *plain;
	uint64_t plain_size;
	struct point_list *points;
	struct blockcache *cache;
	int spool_fd;
	struct outer *outer;
	/** The walk over it ended early. */
	bool outer_failed;
	int layout_fd;
	uint64_t json_read;

	/** Documents that items and layers borrow from. */
	json_t *documents;
	struct image_item *items;
	size_t item_count, item_room;

	char manifest_digest[DIGEST_TEXT_SIZE];
	char config_digest[DIGEST_TEXT_SIZE];
	const char *platform;
	char *config;
	size_t config_len;
	const char *env_path;
	struct peel_layer *layers;
	struct image_blob *blobs;
	size_t layer_count;
	struct peel_history *history;
	size_t history_count;
	struct peel_finding *findings;
	size_t finding_count, finding_room;

	char **kept;
	size_t kept_count, kept_room;
	bool out_of_memory;
};

/* image_ref.c */

/**
 * Parse a reference. @param ret_reference finish it with image_reference_finish; untouched on
 * failure.
 * @return 0; PEEL_EUSAGE; PEEL_ENOMEM.
 */
int image_reference_parse(const char *text, struct image_reference *ret_reference,
	struct peel_error *err);
/** Free what parse made. */
void image_reference_finish(struct image_reference *reference);
/** Parse "os/arch[/variant]". @return 0; PEEL_EUSAGE. */
int image_platform_parse(const char *text, struct image_platform *ret_platform,
	struct peel_error *err);
/** Fill a platform from strings that may be "", and normalise it. Over-long ones become "". */
void image_platform_set(struct image_platform *platform, const char *os, const char *arch,
	const char *variant);
/**
 * True where two spellings name the same docker image ("busybox" is
 * "docker.io/library/busybox:latest").
 */
bool image_names_equal(const char *a, const char *b);

/* image.c: keeping */

/** Keep a formatted string as long as the image. */
const char *image_keep(struct peel_image *image, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Keep "os/arch[/variant]", "" where the os or the arch is unknown. */
const char *image_keep_platform(struct peel_image *image, const struct image_platform *platform);
/** Record an anomaly. path is copied; it may be NULL. */
void image_finding(struct peel_image *image, const char *code, int layer, const char *path,
	uint64_t offset, const char *format, ...) __attribute__((format(printf, 6, 7)));
/** Escape a string for a message, cut at IMAGE_SHOWN. @param buf of that size. */
const char *image_shown(char *buf, const char *text);
/** Keep a document until the image closes, so that its strings may be borrowed; takes over json. */
int image_keep_json(struct peel_image *image, json_t *json, struct peel_error *err);

/* image_find.c: bytes by name */

/**
 * Find a file of the image by name; a member that is a link is followed once, inside the archive.
 * @return 0; PEEL_ENOENT (no message); PEEL_EFORMAT (not a file, leads out, too many links);
 *   PEEL_EAMBIGUOUS (two different members of that name); PEEL_EIO; PEEL_ENOMEM.
 */
int image_find(struct peel_image *image, const char *name, struct image_place *ret_place,
	struct peel_error *err);
/**
 * Find a blob by its digest, which is checked before a name is made of it. @return as image_find.
 */
int image_find_blob(struct peel_image *image, const char *digest, struct image_place *ret_place,
	struct peel_error *err);
/**
 * The bytes of a place. @param ret_source drop it. @return 0; PEEL_ENOENT; PEEL_EIO; PEEL_ENOMEM.
 */
int image_place_source(struct peel_image *image, const struct image_place *place,
	struct source **ret_source, struct peel_error *err);
/**
 * Read a small file whole. @param what for messages. @param ret_bytes the caller frees.
 * @return 0; PEEL_ELIMIT (its size, or of all together); PEEL_ETRUNCATED; PEEL_EIO; PEEL_ENOMEM.
 */
int image_read(struct peel_image *image, const char *what, const struct image_place *place,
	char **ret_bytes, size_t *ret_len, struct peel_error *err);
/**
 * Read and parse a document by name. @return as image_find, image_read and json_parse; the message
 * names it.
 */
int image_read_json(struct peel_image *image, const char *name, json_t **ret_json,
	struct peel_error *err);
/**
 * Read the blob that a descriptor names, and check its size and digest.
 * @param what "manifest", "index" or "configuration", for messages.
 * @return 0; PEEL_ENOENT (with a message); PEEL_EDIGEST; PEEL_EFORMAT; as image_read.
 */
int image_read_descriptor(struct peel_image *image, const char *what, const json_t *descriptor,
	char **ret_bytes, size_t *ret_len, struct peel_error *err);

/* image_layout.c: a folder, never left */

/**
 * Resolve a name below a folder: links are followed while they stay inside.
 * @param ret_path the path without links, the caller frees it.
 * @return 0; PEEL_ENOENT; PEEL_EFORMAT (leads out, loop, too long); PEEL_EIO; PEEL_ENOMEM.
 */
int layout_resolve(int folder, const char *name, char **ret_path, struct peel_error *err);
/** Open a file of a layout folder, following no link. @param ret_fd the caller closes. @return as image_file_open. */
int layout_open(int folder, const char *file, int *ret_fd, struct peel_error *err);
/**
 * Both at once. @param folder a folder, or a broker (broker.h). @param ret_path as layout_resolve.
 * @param ret_source the caller drops. @return as both.
 */
int layout_find(int folder, const char *name, char **ret_path, struct source **ret_source,
	struct peel_error *err);

/* image_outer.c, image_spool.c */

/**
 * Walk the outer tar, decode it where it is compressed, and fill outer, plain, plain_size, points.
 */
int image_outer_open(struct peel_image *image, struct peel_error *err);
/**
 * Path of the cache folder, which is made (mode 0700) where it is missing and can be.
 * @param dir NULL: $XDG_CACHE_HOME/peel or ~/.cache/peel. @param ret_path the caller frees; NULL where neither is set.
 * @return 0; PEEL_ENOMEM.
 */
int image_cache_path(const char *dir, char **ret_path, struct peel_error *err);
/**
 * Path of the folder for spools: the one that was named, the cache folder, which is made, or /var/tmp where that takes
 * none. @param ret_path the caller frees. @return 0; PEEL_ENOMEM.
 */
int image_spool_path(const struct peel_image_options *options, char **ret_path,
	struct peel_error *err);
/**
 * Make a file without a name in the folder for spools.
 * @return a descriptor that the caller closes, or as image_spool_folder.
 */
int image_spool_file(const struct peel_image_options *options, struct peel_error *err);
/**
 * Open the folder for spools. @param ret_fd the caller closes. @return 0; PEEL_EIO; PEEL_ENOMEM.
 */
int image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err);

/* image_capture.c */

/**
 * Read standard input to its end, and make a source of it: all of it, or what headers_only asks for. A
 * regular file that stands at its start is that source itself.
 * @param kind as the reference has it. @param limits borrowed; NULL: the defaults. @param ret_source drop it.
 * @return 0; PEEL_EUSAGE (a terminal, a folder); PEEL_EIO; PEEL_EACCES; PEEL_ELIMIT; PEEL_ENOMEM.
 */
int image_capture(const struct peel_image_options *options, enum peel_image_kind kind,
	struct limit_watch *limits, struct source **ret_source, struct peel_error *err);

/* image_probe.c */

/** Find out what kind of image the opened file or folder is, and open it so. */
int image_open_by_kind(struct peel_image *image, struct peel_error *err);

/* image_docker.c, image_oci.c: surveys append items; opening fills layers and configuration */

/** List the images of manifest.json. */
int image_docker_survey(struct peel_image *image, struct peel_error *err);
/** Open an item of manifest.json. */
int image_docker_open(struct peel_image *image, const struct image_item *item,
	struct peel_error *err);
/** List the images and artifacts of index.json and the indexes below it. */
int image_oci_survey(struct peel_image *image, struct peel_error *err);
/** Open a manifest. */
int image_oci_open(struct peel_image *image, const struct image_item *item, struct peel_error *err);

/* image_choose.c */

/**
 * True where an image that is not chosen may be unreadable for this reason: it lies in the file's
 * bytes. What lies in the machine, or bounds our own work, or makes the file mean two things, ends
 * a survey.
 */
bool image_may_be_unreadable(int code);
/** Append an item; it takes over names. @return 0; PEEL_ELIMIT; PEEL_ENOMEM. */
int image_item_add(struct peel_image *image, const struct image_item *item, struct peel_error *err);
/**
 * Choose the one image that reference and platform ask for, never guessing.
 * @param ret_item borrowed.
 * @return 0; PEEL_ENOENT; PEEL_EAMBIGUOUS (the message lists them).
 */
int image_choose(struct peel_image *image, struct image_item **ret_item, struct peel_error *err);

/* image_config.c, image_layer.c */

/** What a configuration says that surveys need. @param ret_platform may be NULL. */
int image_config_platform(const json_t *config, struct image_platform *ret_platform);
/**
 * Take a configuration over: platform, PATH, history, diff IDs of the layers that are already
 * there.
 * @param text freed by the image, also on failure. @param shown_name for messages.
 * @return 0; PEEL_EFORMAT (rootfs.type, number of diff IDs); as json_parse.
 */
int image_config_load(struct peel_image *image, const char *shown_name, char *text, size_t len,
	struct peel_error *err);
/** Make room for count layers. @return 0; PEEL_ELIMIT; PEEL_ENOMEM. */
int image_layers_new(struct peel_image *image, size_t count, struct peel_error *err);
/**
 * Fill layer i: state by place and media type, codec by content.
 * @param found what image_find said: 0, or PEEL_ENOENT.
 * @param size as the descriptor has it, -1: not said.
 * @return 0; PEEL_EIO, PEEL_ENOMEM.
 */
int image_layer_set(struct peel_image *image, size_t i, int found, const struct image_place *place,
	const char *media_type, int64_t size, struct peel_error *err);

/**
 * Compare what is claimed of layers that are not compressed: their bytes have one digest, so digest
 * and diff ID must be the same. Where only the diff ID is said, it is the digest. Called when both
 * are set.
 */
void image_layers_compare(struct peel_image *image);

#endif
