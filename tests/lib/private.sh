#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# private.sh COMMAND...: run a command as root where what it mounts is seen by nobody else, and goes away with it.
# The command's path must be absolute. Exits 77, and says why, where there is no right to that.
set -u
if unshare -m true 2>/dev/null; then
	exec unshare -m --propagation private -- "$@"
fi
if ! unshare -m --propagation unchanged true 2>/dev/null; then
	echo 'SKIP: no right to make a mount namespace'
	exit 77
fi
# In a chroot the root is no mount, so it cannot be made private: bind it to a place of its own, make that private,
# and go there. The bind itself is seen outside until the command ends.
exec unshare -m --propagation unchanged -- sh -c '
	root=$(mktemp -d /tmp/peel-private.XXXXXX)
	if ! mount --rbind / "$root" || ! mount --make-rprivate "$root"; then
		echo "SKIP: no right to mount in this chroot"
		exit 77
	fi
	here=$(pwd)
	chroot "$root" sh -c "cd \"\$1\" && shift && exec \"\$@\"" - "$here" "$@"
	status=$?
	umount -l "$root" && rmdir "$root"
	exit "$status"
' - "$@"
