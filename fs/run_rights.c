/* SPDX-License-Identifier: Apache-2.0 */
#include "run_rights.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Capabilities that the bitmap has room for; the kernel knows fewer. */
#define CAPABILITIES_MAX 64

int run_rights_note(struct run_rights *ret_rights, struct peel_error *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

	*ret_rights = (struct run_rights){.securebits = prctl(PR_GET_SECUREBITS)};
	if (ret_rights->securebits < 0 || syscall(SYS_capget, &header, ret_rights->sets) != 0) {
		return peel_fail(err, PEEL_EIO, "capabilities: %s", strerror(errno));
	}
	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		if (prctl(PR_CAPBSET_READ, i) == 1) {
			ret_rights->bounding |= UINT64_C(1) << i;
		}
	}
	return 0;
}

int run_rights_restore(const struct run_rights *rights, struct peel_error *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	bool failed = false;

	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		if (prctl(PR_CAPBSET_READ, i) == 1 && !(rights->bounding >> i & 1)) {
			failed |= prctl(PR_CAPBSET_DROP, i) != 0;
		}
	}
	failed |= prctl(PR_SET_SECUREBITS, rights->securebits) != 0;
	failed |= syscall(SYS_capset, &header, rights->sets) != 0;
	return failed ? peel_fail(err, PEEL_EIO, "cannot give up capabilities: %s", strerror(errno))
		      : 0;
}
