/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Questions to an index.
 *
 * A node is a file, folder, link or device that a view shows; a view is the merged tree
 * (PEEL_VIEW_MERGED) or one layer as stored (its index from 0). Node numbers are what stat shows as
 * st_ino: unique over all views of one index, stable for that index file, never 0; hard links of a
 * view share one. The root of a view is peel_root(). In a layer's view, whiteouts are empty regular
 * files with their .wh. names.
 *
 * All calls are safe from several threads. Names are raw bytes with a length: they hold no NUL and
 * no slash, are not empty, "." or "..", but may be anything else; those that no filesystem could
 * show (over 255 bytes) are in the index, not in a view.
 */
#ifndef PEEL_QUERY_H
#define PEEL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <peel/error.h>
#include <peel/index.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** The merged tree; layers are 0, 1, … */
#define PEEL_VIEW_MERGED (-1)
/** Longest name that a view shows, in bytes. */
#define PEEL_NAME_MAX 255
/** Room for a SHA-256 in hex digits and a NUL. */
#define PEEL_SHA256_SIZE 65
/** Longest path and link target handled, in bytes. */
#define PEEL_PATH_MAX 4096
/** Most symlinks followed in one resolution, as the kernel's. */
#define PEEL_SYMLINK_MAX 40

/** Everything that stat shows, and where it comes from. */
struct peel_node {
	uint64_t ino;
	/** S_IFMT | permission bits. */
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	/** Payload bytes of a regular file; length of the stored target for a symlink; else 0. */
	uint64_t size;
	/** Allocated bytes: size rounded up to 4 KiB, less holes; 0 for all but regular files. */
	uint64_t allocated;
	/** Seconds since 1970 and nanoseconds 0 to 999,999,999. */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	/** Device numbers of character and block devices. */
	uint32_t rdev_major;
	uint32_t rdev_minor;
	/** Layer that gave the metadata, from 0; -1 for a root that no layer has. */
	int layer;
	/** View that the node belongs to. */
	int view;
	/** True where no layer has an entry for this folder. */
	bool implied;
	/** True where the node has xattrs of its own. */
	bool has_xattrs;
	/** True where part of the file is a hole. */
	bool sparse;
	/** True for a symlink of which peel_readlink_inside gives the target as stored. */
	bool plain_link;
	/** In a layer's view: the upper layer that hides this name from the merged tree; -1: none. */
	int hidden_by;
	/** Why it does, by the names of the schema's table reason ("deleted", …); "" where hidden_by is -1. */
	const char *why;
};

/** Node number of a view's root. */
uint64_t peel_root(int view);

/**
 * Find a name in a folder; the last component is not followed.
 * @return 0; PEEL_ENOENT; PEEL_ENOTDIR (folder is none); PEEL_EINTERNAL, PEEL_ENOMEM.
 */
int peel_lookup(struct peel_index *index, uint64_t folder, const void *name, size_t name_len,
	struct peel_node *ret_node, struct peel_error *err);

/** Attributes of a node. @return 0; PEEL_ENOENT (no such number); PEEL_EINTERNAL. */
int peel_node_get(struct peel_index *index, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err);

/** One directory entry. The cookie names the place after it for peel_list. */
struct peel_dirent {
	uint64_t cookie;
	const void *name;
	size_t name_len;
	struct peel_node node;
};

/**
 * Take one entry, valid during the call. Return 0 to go on, nonzero to stop before counting this
 * entry as taken.
 */
typedef int peel_dirent_fn(void *arg, const struct peel_dirent *entry);

/**
 * List a folder from a cookie on, inode numbers ascending, "." and ".." left out. Cookies are
 * greater than 0 and stay valid as long as the index file.
 * @param cookie 0 for the start, else that of the last entry taken.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_ENOTDIR, PEEL_ENOENT, PEEL_EINTERNAL.
 */
int peel_list(struct peel_index *index, uint64_t folder, uint64_t cookie, peel_dirent_fn *each,
	void *arg, struct peel_error *err);

/** Parent folder of a folder; the root's is itself. @return 0; PEEL_ENOENT; PEEL_ENOTDIR. */
int peel_parent(struct peel_index *index, uint64_t folder, uint64_t *ret_parent,
	struct peel_error *err);

/**
 * Target of a symlink as stored.
 * @param ret_target NUL-terminated, the caller frees; may be empty. @param ret_len its length in
 *   bytes.
 * @return 0; PEEL_EUSAGE (no symlink); PEEL_ENOENT; PEEL_ENOMEM.
 */
int peel_readlink(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err);

/**
 * Target of a symlink rewritten so that it resolves inside the mount: absolute targets relative to
 * the view's root ("../" a level of the link's own folder), targets with ".." after a name resolved
 * in the image's own tree and made canonical, ".." never above the view's root. A target that does
 * not resolve (dangling) still stays inside. Ownership and outcomes as peel_readlink; PEEL_ELOOP
 * never: a loop is shown as a relative target that loops.
 */
int peel_readlink_inside(struct peel_index *index, uint64_t ino, char **ret_target, size_t *ret_len,
	struct peel_error *err);

/**
 * Resolve a path as the kernel would in a chroot of the view: absolute links from the root, ".."
 * clamped.
 * @param start folder for relative paths, 0: the root of the view.
 * @param follow_last whether a symlink as the last component is followed.
 * @param ret_canonical may be NULL; receives the canonical path "/a/b", NUL-terminated, the caller
 *   frees.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR, PEEL_ELOOP, PEEL_EINTERNAL, PEEL_ENOMEM.
 */
int peel_resolve(struct peel_index *index, int view, uint64_t start, const void *path,
	size_t path_len, bool follow_last, struct peel_node *ret_node, char **ret_canonical,
	struct peel_error *err);

/**
 * Read bytes of a regular file; holes read as zeros.
 * @param buf receives up to len bytes from the file's offset on.
 * @return bytes read, short only at the file's end, 0 there; PEEL_EISDIR, PEEL_EUSAGE (no regular
 *   file), PEEL_ECHANGED (the image file changed), PEEL_EFORMAT, PEEL_ETRUNCATED, PEEL_EIO,
 *   PEEL_ENOMEM.
 */
ssize_t peel_read(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf, size_t len,
	struct peel_error *err);

/** What a regular file is, by its first bytes. Later versions know more: what is TEXT or DATA now may get a name. */
enum peel_kind {
	PEEL_KIND_EMPTY = 1,
	PEEL_KIND_TEXT,
	PEEL_KIND_DATA,
	PEEL_KIND_AR,
	PEEL_KIND_BMP,
	PEEL_KIND_BZIP2,
	PEEL_KIND_CLASS,
	PEEL_KIND_COMPRESS,
	PEEL_KIND_CPIO,
	PEEL_KIND_DEB,
	PEEL_KIND_ELF,
	PEEL_KIND_FONT,
	PEEL_KIND_GGUF,
	PEEL_KIND_GIF,
	PEEL_KIND_GITPACK,
	PEEL_KIND_GZIP,
	PEEL_KIND_HDF5,
	PEEL_KIND_ICO,
	PEEL_KIND_JPEG,
	PEEL_KIND_LZ4,
	PEEL_KIND_LZIP,
	PEEL_KIND_MACHO,
	PEEL_KIND_PDF,
	PEEL_KIND_PE,
	PEEL_KIND_PNG,
	PEEL_KIND_PYC,
	PEEL_KIND_RAR,
	PEEL_KIND_RPM,
	PEEL_KIND_SCRIPT,
	PEEL_KIND_SEVENZIP,
	PEEL_KIND_SQLITE,
	PEEL_KIND_SQUASHFS,
	PEEL_KIND_TAR,
	PEEL_KIND_TIFF,
	PEEL_KIND_WASM,
	PEEL_KIND_WEBP,
	PEEL_KIND_XZ,
	PEEL_KIND_ZIP,
	PEEL_KIND_ZSTD,
	PEEL_KIND_CAB,
	/** A disk as virtual machines have it (qcow2, VMDK, VDI, VHD), or with a GUID partition table. */
	PEEL_KIND_DISK,
	/** ext2 to ext4, XFS, EROFS, cramfs, romfs. (SquashFS has a kind of its own.) */
	PEEL_KIND_FILESYSTEM,
};

/** Name of a kind: "elf", "script", "pyc", …; kinds are numbered from 1. @return NULL for what is no kind. */
const char *peel_kind_name(enum peel_kind kind);

/** The kind of a regular file. @return 0, or as peel_read. */
int peel_kind(struct peel_index *index, uint64_t ino, enum peel_kind *ret_kind,
	struct peel_error *err);

/**
 * SHA-256 of all bytes of a regular file, holes as zeros.
 * @param ret_hex 64 lower-case digits and a NUL; untouched on failure.
 * @return 0; PEEL_ELIMIT (over 1 TiB); peel_read's.
 */
int peel_sha256(struct peel_index *index, uint64_t ino, char ret_hex[PEEL_SHA256_SIZE],
	struct peel_error *err);

/**
 * The same if it waits for no disk and no decoder; for a thread that must not be held up.
 * @return 1 and *ret_got, the bytes read; 0 where they are not at hand (buf may have been written
 *   to): ask peel_read; less than 0 as peel_read.
 */
int peel_read_now(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf, size_t len,
	size_t *ret_got, struct peel_error *err);

/**
 * Next data or hole of a regular file, as lseek's SEEK_DATA and SEEK_HOLE; the end counts as a
 * hole.
 * @return 0; PEEL_ENOENT where offset is at or past the end, or no data follows.
 */
int peel_seek(struct peel_index *index, uint64_t ino, uint64_t offset, bool hole,
	uint64_t *ret_offset, struct peel_error *err);

/** Take one xattr, valid during the call; nonzero stops. */
typedef int peel_xattr_fn(void *arg, const char *name, const void *value, size_t value_len);

/**
 * The image's own xattrs of a node (SCHILY.xattr.* of the tar), in byte order of their names.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_ENOENT, PEEL_EINTERNAL.
 */
int peel_xattrs(struct peel_index *index, uint64_t ino, peel_xattr_fn *each, void *arg,
	struct peel_error *err);

/**
 * What the whole index holds, in a view or over all: for statfs, ENOSYS decisions and summaries.
 */
struct peel_totals {
	/** Nodes (hard links once) and bytes of the merged tree. */
	uint64_t nodes;
	uint64_t bytes;
	uint64_t allocated;
	/** Rows of tar entries, all layers, whiteouts included. */
	uint64_t entries;
	/** True where any entry of any layer has an xattr. */
	bool any_xattrs;
	/** True where any file is sparse. */
	bool any_sparse;
};

/** @return 0; PEEL_EINTERNAL. */
int peel_totals(struct peel_index *index, struct peel_totals *ret_totals, struct peel_error *err);

/** A layer as indexed. Strings belong to the index; "" where unknown. */
struct peel_layer_stat {
	struct peel_layer layer;
	/** Digests that were computed from the bytes; "" where not hashed. */
	const char *blob_hashed;
	const char *diff_hashed;
	/** Entries in the tar, whiteouts included. */
	uint64_t entries;
	/** Regular files, and their payload and allocated bytes, as stored in the layer. */
	uint64_t files;
	uint64_t bytes;
	uint64_t allocated;
	/** Bytes of those that the merged tree still shows; the rest is wasted. */
	uint64_t visible_bytes;
	/** Uncompressed size of the tar in bytes. */
	uint64_t tar_size;
};

/** Number of layers. */
int peel_layer_count(const struct peel_index *index);
/** Layer i. @return 0; PEEL_ENOENT; PEEL_EINTERNAL. */
int peel_layer_stat(struct peel_index *index, int i, struct peel_layer_stat *ret_stat,
	struct peel_error *err);
/** History records: number, and record i (belongs to the index, NULL out of range). */
int peel_history_count(const struct peel_index *index);
const struct peel_history *peel_history(const struct peel_index *index, int i);
/** A value of the index's image table ("kind", "reference", "manifest_digest", "config_digest", "platform", "config",
 *  "env_path", "codec"); "" where unknown. Belongs to the index. */
const char *peel_image_value(const struct peel_index *index, const char *key);

/** What one layer's entry did to a path. */
enum peel_action {
	PEEL_ACTION_ADDED = 1,
	PEEL_ACTION_CHANGED = 2,
	PEEL_ACTION_METADATA = 3,
	PEEL_ACTION_IDENTICAL = 4,
	PEEL_ACTION_REPLACED = 5,
	PEEL_ACTION_DELETED = 6,
	PEEL_ACTION_HIDDEN = 7,
};

/**
 * Word for an action: "added", "overwritten", "metadata", "identical", "type changed", "deleted",
 * "hidden".
 */
const char *peel_action_name(enum peel_action action);

/** One step in a path's history. Pointers are valid during the callback. */
struct peel_step {
	int layer;
	enum peel_action action;
	/** S_IFMT type letter as ls shows it: - d l c b p, h hard link, w whiteout, o opaque. */
	char type;
	uint32_t mode;
	uint32_t uid, gid;
	uint64_t size;
	/** The entry as stored: link target, or NULL. */
	const void *link;
	size_t link_len;
	/** True where the merged tree shows this entry. */
	bool visible;
	/**
	 * Where not: the layer that hid it and why ("overwritten", "deleted", …); -1 and "" where
	 * visible.
	 */
	int hidden_by;
	const char *why;
	/** Canonical path of what the layer has: the path itself, or a folder above it that it deleted, made opaque or
	 *  replaced; raw bytes, NUL-terminated. */
	const char *path;
	/** The layer's instruction, raw bytes; "" where not known. */
	const char *instruction;
	/** Owning package, "" where not known. */
	const char *package;
};

/** Take one step, valid during the call; nonzero stops. */
typedef int peel_step_fn(void *arg, const struct peel_step *step);

/**
 * Every layer that touched a path, lowest first: what each did, and what became of it. Deletion of
 * a parent folder is a step too. The path is taken as named (its parents are resolved in the image,
 * the last is not followed).
 * @return number of steps (0: no layer knows the path), or PEEL_EINTERNAL, PEEL_ENOMEM.
 */
int peel_why(struct peel_index *index, const void *path, size_t path_len, peel_step_fn *each,
	void *arg, struct peel_error *err);

/** Take one finding; nonzero stops. */
typedef int peel_finding_fn(void *arg, const struct peel_finding *finding);

/** Anomalies in order of layer and offset. @return 0, 1 where stopped, PEEL_EINTERNAL. */
int peel_findings(struct peel_index *index, peel_finding_fn *each, void *arg,
	struct peel_error *err);

/**
 * A column's value. type: 'i' integer, 'r' real, 't' text, 'b' blob, 'n' null; bytes for text and
 * blob.
 */
struct peel_value {
	char type;
	int64_t integer;
	double real;
	const void *bytes;
	size_t len;
};

/** Take one row; names and values have columns members; nonzero stops. */
typedef int peel_row_fn(void *arg, int columns, const char *const *names,
	const struct peel_value *values);

/**
 * Run one or several read-only SQL statements over the index. Writing, ATTACH, PRAGMA that changes
 * and extension loading are refused.
 * @return 0, 1 where stopped; PEEL_EUSAGE (SQL error, or refused), PEEL_ELIMIT (memory),
 *   PEEL_ENOMEM.
 */
int peel_sql(struct peel_index *index, const char *sql, peel_row_fn *each, void *arg,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
