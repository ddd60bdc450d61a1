/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the mount shows, without FUSE: nodes of an index under the inode numbers of the mount, as
 * struct stat.
 *
 * In the plain mount the root is the merged tree's; with layers it is a folder of our own that
 * holds a folder for each layer and "merged". A view never changes after view_open and may be used
 * from several threads.
 */
#ifndef FS_VIEW_H
#define FS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <peel/error.h>
#include <peel/mount.h>
#include <peel/query.h>

/** Inode number of the mount's root, as FUSE wants it. */
#define VIEW_ROOT 1

/**
 * Preferred size of a read, for st_blksize: what coreutils then reads at once, and what the kernel
 * reads ahead.
 */
#define VIEW_BLKSIZE (128 * 1024)

/** Longest name of a layer's folder: "NNNN-" and twelve digits, or "merged". */
#define VIEW_FOLDER_NAME_MAX 31

/** A folder of the layers mount's root. */
struct view_folder {
	char name[VIEW_FOLDER_NAME_MAX + 1];
	/** peel_root() of the layer or of the merged tree. */
	uint64_t root;
};

struct view {
	struct peel_index *index;
	struct peel_totals totals;
	bool layers;
	bool raw_symlinks;
	bool provenance;
	bool force_uid, force_gid;
	uint32_t uid, gid;
	/** Node number that is shown as VIEW_ROOT. */
	uint64_t root;
	/** With layers: in listing order. */
	struct view_folder *folders;
	size_t folder_count;
};

/**
 * Prepare a view of an index, which must outlive it.
 * @return 0; PEEL_EINTERNAL, PEEL_ENOMEM. On failure view_finish is not needed.
 */
int view_init(struct view *view, struct peel_index *index, const struct peel_mount_options *options,
	struct peel_error *err);

/** Free what view_init made. */
void view_finish(struct view *view);

/**
 * Node of an inode number, the root of the layers mount included. @return 0; PEEL_ENOENT,
 * PEEL_EINTERNAL.
 */
int view_node(const struct view *view, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err);

/** Attributes of an inode number. @return as view_node. */
int view_stat(const struct view *view, uint64_t ino, struct stat *ret_stat, struct peel_error *err);

/** Find a name in a folder. @return 0; PEEL_ENOENT, PEEL_ENOTDIR, PEEL_EINTERNAL. */
int view_lookup(const struct view *view, uint64_t folder, const char *name, struct stat *ret_stat,
	struct peel_error *err);

/**
 * Take one name of a folder, valid during the call. Return nonzero to stop before it.
 * @param next the place after it, for view_list.
 */
typedef int view_each_fn(void *arg, const char *name, uint64_t next, const struct stat *stat);

/**
 * List a folder, "." and ".." first. Places are 0 for the start and what the callback got; they
 * stay valid.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_ENOTDIR, PEEL_ENOENT, PEEL_EINTERNAL.
 */
int view_list(const struct view *view, uint64_t folder, uint64_t place, view_each_fn *each,
	void *arg, struct peel_error *err);

/**
 * Target of a symlink as the mount shows it; the caller frees.
 * @return 0; PEEL_EUSAGE (no symlink), PEEL_ENOENT, PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int view_readlink(const struct view *view, uint64_t ino, char **ret_target, struct peel_error *err);

/** Read bytes of a file; as peel_read. */
ssize_t view_read(const struct view *view, uint64_t ino, uint64_t offset, void *buf, size_t len,
	struct peel_error *err);

/** Read bytes if they are at hand; as peel_read_now. */
int view_read_now(const struct view *view, uint64_t ino, uint64_t offset, void *buf, size_t len,
	size_t *ret_got, struct peel_error *err);

/** Next data or hole; as peel_seek. */
int view_seek(const struct view *view, uint64_t ino, uint64_t offset, bool hole,
	uint64_t *ret_offset, struct peel_error *err);

/**
 * Size of the file system. With layers, the layers and the merged tree together. @return 0;
 * PEEL_EINTERNAL.
 */
int view_statfs(const struct view *view, struct statvfs *ret_stat, struct peel_error *err);

/** True where no node has an xattr to show, so that the kernel need not ask. */
bool view_has_no_xattrs(const struct view *view);

/**
 * Every xattr of an inode number: the image's own and, if asked for, user.peel.* on regular files
 * and folders.
 * @return 0 at the end, 1 where the callback stopped it; PEEL_ENOENT, PEEL_EINTERNAL.
 */
int view_xattrs(const struct view *view, uint64_t ino, peel_xattr_fn *each, void *arg,
	struct peel_error *err);

#endif
