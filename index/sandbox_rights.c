/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities live in five sets. The permitted set is what a process may use; the others say what comes back when
 * a program is started. No program can be started in the cage, and no_new_privs is set: the bounding set, the
 * ambient set and the securebits are emptied and locked all the same where the process may do that (CAP_SETPCAP),
 * so that a hole in one wall opens nothing.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_priv.h"
#include "util.h"

/** Capabilities that the bitmaps have room for; the kernel knows fewer. */
#define CAPABILITIES_MAX 64

#define BIT(capability) (UINT64_C(1) << (capability))

/**
 * What a copy by root needs to leave files as they were: their owner, then mode, times and attributes of files that
 * are not one's own any more, set-id bits, file capabilities; writing in folders that are already another's; and
 * making a symlink as another (setfsuid: changing one's user is on no list).
 */
static const uint64_t owner_capabilities = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) |
	BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) | BIT(CAP_SETUID);

/** No id 0 that gives capabilities, none kept or gained over a change of ids, none ambient; for good. */
static const unsigned long locked_securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
	SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
	SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

static int fail(struct peel_error *err)
{
	return peel_fail(err, PEEL_EIO, "cannot give up capabilities: %s", strerror(errno));
}

/** The ways back. */
static int lock(uint64_t keep, struct peel_error *err)
{
	/* Not there before Linux 4.3, and then nothing is in it. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		if (!(keep >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 &&
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
			return fail(err);
		}
	}
	return prctl(PR_SET_SECUREBITS, locked_securebits, 0, 0, 0) == 0 ? 0 : fail(err);
}

int sandbox_rights_drop(bool owners, struct peel_error *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	const uint64_t keep = owners ? owner_capabilities : 0;
	int code = 0;

	if (syscall(SYS_capget, &header, sets) != 0) {
		return fail(err);
	}
	if (sets[CAP_TO_INDEX(CAP_SETPCAP)].effective & CAP_TO_MASK(CAP_SETPCAP)) {
		code = lock(keep, err);
	}
	for (size_t i = 0; i < countof(sets); i++) {
		const uint32_t some = (uint32_t)(keep >> (32 * i));

		sets[i].effective &= some;
		sets[i].permitted &= some;
		sets[i].inheritable = 0;
	}
	if (code == 0 && syscall(SYS_capset, &header, sets) != 0) {
		code = fail(err);
	}
	return code;
}
