/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Image references and what an image file holds: images, tags, platforms, configuration, layers.
 *
 * A reference is PATH (kind by content), "-" (standard input), or TRANSPORT:PATH[:SELECTOR] with
 * the transports docker-archive, oci-archive, oci and rootfs. Opening reads headers, manifests and
 * the configuration, never the layers' contents. Where several images match, opening fails with
 * PEEL_EAMBIGUOUS and a message that lists them.
 */
#ifndef PEEL_IMAGE_H
#define PEEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/limits.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct peel_image;

/** How the image is packed. */
enum peel_image_kind {
	/** A tar with manifest.json, as `docker save` writes. */
	PEEL_IMAGE_DOCKER_ARCHIVE = 1,
	/** A tar that holds an OCI layout. */
	PEEL_IMAGE_OCI_ARCHIVE = 2,
	/** A folder that is an OCI layout. */
	PEEL_IMAGE_OCI_LAYOUT = 3,
	/** A plain tar of a root filesystem: one layer, no configuration. */
	PEEL_IMAGE_ROOTFS = 4,
};

/** Compression of the image file or of a layer, found by content. */
enum peel_codec {
	PEEL_CODEC_NONE = 0,
	PEEL_CODEC_GZIP = 1,
	PEEL_CODEC_ZSTD = 2,
};

/** What can be read of a layer. */
enum peel_layer_state {
	PEEL_LAYER_OK = 0,
	/** The blob is not in the file (foreign layers included); never fetched. */
	PEEL_LAYER_MISSING = 1,
	/** Encrypted, or a media type or compression that is not known. */
	PEEL_LAYER_UNSUPPORTED = 2,
	/**
	 * The blob or its tar is damaged: truncated, bad checksum, digest mismatch. Found by
	 * indexing.
	 */
	PEEL_LAYER_BROKEN = 3,
};

/** A layer as the image declares it. Strings belong to the image; "" where unknown, never NULL. */
struct peel_layer {
	/** Digest of the blob as stored, "sha256:…"; claimed, not yet verified. */
	const char *digest;
	/** Digest of the uncompressed tar; claimed. */
	const char *diff_id;
	/** Media type; "" in docker archives. */
	const char *media_type;
	/** Bytes of the blob as stored in the file. 0 where missing. */
	uint64_t stored_size;
	enum peel_codec codec;
	enum peel_layer_state state;
	/** Why state is not OK, for people; "" where it is. */
	const char *state_reason;
	/** Creation time as the history gives it (RFC 3339). */
	const char *created;
	/** The instruction: history's created_by. */
	const char *instruction;
	/** History's comment and author. */
	const char *comment;
};

/** One history record; layer is its index, or -1 for an instruction that made no layer. */
struct peel_history {
	int layer;
	const char *created;
	const char *instruction;
	const char *comment;
	const char *author;
};

/** One image that the file offers, for `inspect` and for the list in PEEL_EAMBIGUOUS. */
struct peel_candidate {
	/** Digest of the manifest, or of the configuration in docker archives. */
	const char *digest;
	/** Tags or ref names, separated by one blank; "" where none. */
	const char *tags;
	/** "os/arch[/variant]"; "" where unknown. */
	const char *platform;
	/** True for attestations and other artifacts: listed, never chosen. */
	bool artifact;
	/** True for the one that was opened. */
	bool chosen;
};

/** An anomaly. Codes are the names of semantics tables: "duplicate-entry", "engines-differ", … */
struct peel_finding {
	/** Kebab-case code, one of the table in the schema. */
	const char *code;
	/** Layer index from 0, or -1 where it concerns the image. */
	int layer;
	/** Path within the image or the archive, raw bytes; may be NULL. */
	const void *path;
	size_t path_len;
	/** Offset in the uncompressed layer (or the archive), UINT64_MAX where none. */
	uint64_t offset;
	/** One line, escaped. */
	const char *detail;
};

/**
 * Told once standard input has been read, where so much of it had to be kept that a file was made.
 * @param folder where; raw bytes. The file has no name there. @param bytes its size.
 */
typedef void peel_spooled_fn(void *arg, const char *folder, uint64_t bytes);

/**
 * Progress of reading, at most ten times a second and once at the end.
 * @param total_bytes 0: not known. @return 0, or nonzero to cancel.
 */
typedef int peel_progress_fn(void *arg, const char *what, uint64_t done_bytes,
	uint64_t total_bytes);

/**
 * Told once the file, or the folder of a layout, is open and before a byte of it is read.
 * @param folder of a layout, whose blobs will be opened below it; -1: all is open. Borrowed during the call.
 * @return 0, or less than 0 with err set, which ends the opening.
 */
typedef int peel_opened_fn(void *arg, int folder, struct peel_error *err);

/** How to open an image. {0} is valid. */
struct peel_image_options {
	/** "os/arch[/variant]", or NULL: the only one. */
	const char *platform;
	/** Folder for spooled standard input, NULL: the cache folder, or /var/tmp where that takes none; never /tmp. */
	const char *spool_dir;
	/** The cache folder as struct peel_index_options names it; NULL: the default. */
	const char *cache_dir;
	/** Most bytes to spool; 0: as limits has it. */
	uint64_t spool_limit;
	/** How much of everything an image may ask for. */
	struct peel_limits limits;
	/**
	 * No contents of files will be read, /etc/passwd and /etc/group of the image apart. Of standard
	 * input the contents in plain layers then pass by and are gone: reading one fails with PEEL_EIO, and
	 * peel_index_missed tells. For other references it means nothing.
	 */
	bool headers_only;
	/** Of several images that match, the one of this number, from 1; 0: several are PEEL_EAMBIGUOUS. */
	unsigned int nth;
	/**
	 * Receives how many match, those included that the file lists and has not, whatever becomes
	 * of the opening; may be NULL.
	 */
	unsigned int *ret_matches;
	/** May be NULL. */
	peel_spooled_fn *spooled;
	void *spooled_arg;
	/** Told while standard input is read, which may take long. May be NULL. */
	peel_progress_fn *progress;
	void *progress_arg;
	/** The place to give rights up (sandbox.h). May be NULL. */
	peel_opened_fn *opened;
	void *opened_arg;
};

/**
 * Open an image by reference.
 * @param ret_image receives the image; close it with peel_image_close. Untouched on failure.
 * @return 0, or PEEL_ENOENT (no such file, reference or platform), PEEL_EAMBIGUOUS, PEEL_EFORMAT,
 *   PEEL_ETRUNCATED, PEEL_EDIGEST, PEEL_EUNSUPPORTED, PEEL_ELIMIT, PEEL_EUSAGE, PEEL_EIO,
 *   PEEL_ECANCELED, PEEL_ENOMEM. A layer that is missing or of a foreign type is no failure: see its state.
 */
int peel_image_open(const char *reference, const struct peel_image_options *options,
	struct peel_image **ret_image, struct peel_error *err);

/**
 * Keep standard input whole, in memory or in a file without a name in the spool folder, and look at none of it: for an
 * image that another process reads, by the path /proc/self/fd/N. A regular file is kept by a descriptor.
 * @param options spool_dir, cache_dir, spool_limit, spooled, progress. @param ret_fd the caller closes.
 * @return 0; PEEL_EIO, PEEL_ELIMIT, PEEL_ENOMEM, PEEL_ECANCELED.
 */
int peel_input_copy(const struct peel_image_options *options, int *ret_fd, struct peel_error *err);

/** True where a reference means standard input, which can be read once: "-", or "TRANSPORT:-". */
bool peel_reference_is_stdin(const char *reference);

/** Close an image; NULL is fine. */
void peel_image_close(struct peel_image *image);

/** How the image is packed. */
enum peel_image_kind peel_image_kind(const struct peel_image *image);
/** "docker-archive", "oci-archive", "oci" or "rootfs". */
const char *peel_image_kind_name(enum peel_image_kind kind);
/** "none", "gzip" or "zstd". */
const char *peel_codec_name(enum peel_codec codec);
/** Compression of the outer file. */
enum peel_codec peel_image_codec(const struct peel_image *image);
/** The reference as given; belongs to the image. */
const char *peel_image_reference(const struct peel_image *image);
/** Digest of the manifest that was chosen, "" where there is none (docker archives, rootfs). */
const char *peel_image_manifest_digest(const struct peel_image *image);
/** Digest of the configuration, "" where there is none (rootfs). */
const char *peel_image_config_digest(const struct peel_image *image);
/** "os/arch[/variant]" of the configuration, "" where unknown. */
const char *peel_image_platform(const struct peel_image *image);
/**
 * The configuration's JSON text as stored; NULL and 0 where there is none. Belongs to the image.
 */
const char *peel_image_config(const struct peel_image *image, size_t *ret_len);
/** PATH of the configuration's environment, NULL where it sets none. Belongs to the image. */
const char *peel_image_env_path(const struct peel_image *image);

/** Number of layers, lowest first. */
int peel_image_layer_count(const struct peel_image *image);
/** Layer i, 0 <= i < count; belongs to the image. */
const struct peel_layer *peel_image_layer(const struct peel_image *image, int i);
/** Number of history records. */
int peel_image_history_count(const struct peel_image *image);
/** History record i. */
const struct peel_history *peel_image_history(const struct peel_image *image, int i);
/** Number of images in the file. */
int peel_image_candidate_count(const struct peel_image *image);
/** Image i of the file. */
const struct peel_candidate *peel_image_candidate(const struct peel_image *image, int i);
/** Number of anomalies that opening found. */
int peel_image_finding_count(const struct peel_image *image);
/** Anomaly i. */
const struct peel_finding *peel_image_finding(const struct peel_image *image, int i);

/**
 * Take one fact of a configuration, valid during the call; nonzero stops.
 * @param key "Created", "Author", or the member's name in the image-spec ("Entrypoint", "Env",
 *   "Labels", …).
 * @param value raw text; commands as JSON, labels as "key=value".
 */
typedef int peel_fact_fn(void *arg, const char *key, const char *value);

/**
 * Tell a configuration's facts for people, lists an element a call, in a fixed order of keys.
 * @param config JSON text as peel_image_config or peel_image_value(index, "config") give it.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int peel_config_facts(const char *config, size_t len, peel_fact_fn *each, void *arg,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
