/* SPDX-License-Identifier: Apache-2.0 */
/* peel umount: end mounts. */
#include <peel/mount.h>

#include "cmd.h"

struct umount_values {
	bool lazy;
};

static const struct opt umount_options[] = {
	{'l', "lazy", NULL, OPT_FLAG, offsetof(struct umount_values, lazy),
		"at once, even where files are open"},
	{0},
};

#if PEEL_FUSE
static int run_umount(struct call *call)
{
	const struct umount_values *values = call->values;
	int status = STATUS_OK;

	for (int i = 0; i < call->argc; i++) {
		struct peel_error err = {0};

		if (peel_unmount(call->argv[i], values->lazy, &err) < 0) {
			status = worse_status(status, complain_error(&err));
		}
	}
	return status;
}
#else
static int run_umount(struct call *call)
{
	(void)call;
	complain("this peel was built without FUSE");
	return STATUS_ERROR;
}
#endif

const struct verb cmd_umount = {
	.name = "umount",
	.operands = "DIR...",
	.summary = "end a mount",
	.options = umount_options,
	.values_size = sizeof(struct umount_values),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_umount,
};
