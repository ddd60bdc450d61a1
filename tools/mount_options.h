/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What mounting asks for in -o, and the mounting itself, for `peel mount` and for mount(8)'s
 * helper.
 */
#ifndef MOUNT_OPTIONS_H
#define MOUNT_OPTIONS_H

#include <peel/mount.h>

#include "cmd.h"

/** Words of -o. Start with {0}; release with mount_words_finish. */
struct mount_words {
	const char *view;
	const char *symlinks;
	bool provenance;
	bool allow_other;
	bool default_permissions;
	bool debug;
	struct opt_number uid;
	struct opt_number gid;
	const char *fsname;
	/** The image options, for fstab. */
	struct shared shared;
	/** Options for the kernel, separated by commas; owned; NULL: none. */
	char *kernel_options;
};

/** Free what parsing made. */
void mount_words_finish(struct mount_words *words);

/**
 * Take -o lists into words; later ones win.
 * @param lists pieces of argv: they are cut in place, and words borrow from them.
 * @return 0, PEEL_EUSAGE, PEEL_ENOMEM.
 */
int mount_words_parse(struct mount_words *words, const struct opt_list *lists,
	struct peel_error *err);

/**
 * Open the image call->argv[0] as words and options want it, and say on stderr what is missing. Only
 * in a build with FUSE.
 * @param ret_options for peel_mount or peel_run; borrows from words.
 * @return 0 and *ret_index, the caller's, or what peel_index_open returns.
 */
int mount_open(struct call *call, const struct mount_words *words, struct peel_index **ret_index,
	struct peel_mount_options *ret_options, struct peel_error *err);

/**
 * Open the image call->argv[0] and mount it on call->argv[1].
 * @param foreground stay in front.
 * @return 0, or what peel_index_open and peel_mount return. Remarks are out, the error is not.
 */
int mount_image(struct call *call, const struct mount_words *words, bool foreground,
	struct peel_error *err);

#endif
