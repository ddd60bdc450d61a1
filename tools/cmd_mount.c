/* SPDX-License-Identifier: Apache-2.0 */
/* peel mount: show an image as a folder. */
#include "mount_options.h"

struct mount_values {
	bool debug;
	bool foreground;
	struct opt_list words;
};

static const struct opt mount_options[] = {
	{'d', "debug", NULL, OPT_FLAG, offsetof(struct mount_values, debug),
		"FUSE requests on stderr, stay in front"},
	{'f', "foreground", NULL, OPT_FLAG, offsetof(struct mount_values, foreground),
		"stay in front"},
	{'o', "options", "WORD,...", OPT_LIST, offsetof(struct mount_values, words),
		"mount options, see below"},
	{0},
};

static int run_mount(struct call *call)
{
	const struct mount_values *values = call->values;
	__attribute__((__cleanup__(mount_words_finish))) struct mount_words words = {0};
	struct peel_error err = {0};

	if (mount_words_parse(&words, &values->words, &err) < 0) {
		return complain_usage(call, "%s", err.message);
	}
	words.debug |= values->debug;
	return mount_image(call, &words, values->foreground, &err) < 0 ? complain_error(&err)
								       : STATUS_OK;
}

const struct verb cmd_mount = {
	.name = "mount",
	.operands = "IMAGE DIR",
	.summary = "show the image's files in a folder, read-only",
	.details = "Returns when the mount is ready; 'peel umount DIR' ends it.\n"
		   "Also as 'mount -t fuse.peel IMAGE DIR', and in fstab.\n",
	.options = mount_options,
	.values_size = sizeof(struct mount_values),
	.image = true,
	.min_operands = 2,
	.max_operands = 2,
	.run = run_mount,
};
