/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount(8)'s helper: `mount -t fuse.peel IMAGE DIR` runs mount.fuse3, which runs `peel IMAGE DIR -o
 * …`; installed under the name mount.fuse.peel it is run directly. Exit statuses are mount(8)'s,
 * not peel's.
 */
#include "mount_options.h"

/* mount(8), "EXIT STATUS". */
enum mount_status {
	MOUNT_OK = 0,
	MOUNT_USAGE = 1,
	MOUNT_SYSTEM = 2,
	MOUNT_FAILED = 32,
};

/* What mount(8) passes to a helper beside SOURCE and DIR. */
struct helper_values {
	bool fake;
	struct opt_list words;
	struct opt_list ignored;
};

static const struct opt helper_options[] = {
	{'N', NULL, "NAMESPACE", OPT_LIST, offsetof(struct helper_values, ignored), NULL},
	{'f', NULL, NULL, OPT_FLAG, offsetof(struct helper_values, fake), NULL},
	{'n', NULL, NULL, OPT_IGNORED, 0, NULL},
	{'o', "options", "WORD,...", OPT_LIST, offsetof(struct helper_values, words), NULL},
	{'r', NULL, NULL, OPT_IGNORED, 0, NULL},
	{'s', NULL, NULL, OPT_IGNORED, 0, NULL},
	{'t', "types", "TYPE", OPT_LIST, offsetof(struct helper_values, ignored), NULL},
	{'v', NULL, NULL, OPT_IGNORED, 0, NULL},
	{'w', NULL, NULL, OPT_IGNORED, 0, NULL},
	{0},
};

static int mount_status(int code)
{
	switch (code) {
	case 0:
		return MOUNT_OK;
	case PEEL_EACCES:
		return MOUNT_USAGE;
	case PEEL_ENOMEM:
	case PEEL_EINTERNAL:
		return MOUNT_SYSTEM;
	default:
		return MOUNT_FAILED;
	}
}

int mount_helper(int argc, char **argv)
{
	__attribute__((__cleanup__(mount_words_finish))) struct mount_words words = {0};
	struct helper_values values = {0};
	const struct opt_group group = {helper_options, &values, NULL};
	struct call call = {.verb = &cmd_mount, .argv = argv + 1};
	struct peel_error err = {0};
	int r;

	call.argc = opts_parse(&group, 1, argc - 1, argv + 1, false, &err);
	if (call.argc != 2) {
		complain("%s",
			call.argc < 0 ? err.message
				      : "usage: peel IMAGE DIR [-o WORD,...], for mount(8)");
		return MOUNT_USAGE;
	}
	if (mount_words_parse(&words, &values.words, &err) < 0) {
		complain("%s", err.message);
		return MOUNT_USAGE;
	}
	if (values.fake) {
		return MOUNT_OK;
	}
	if (!take_cache_limit(&words.shared.cache_limit)) {
		return MOUNT_USAGE;
	}
	r = mount_image(&call, &words, false, &err);
	if (r < 0) {
		complain_error(&err);
	}
	return mount_status(r);
}
