#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is not mounted, and what is not unmounted: one clear line, and nothing changed.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
f name data=x
END
refuses() { # NAME PATTERN COMMAND...
	local name=$1 pattern=$2 status=0
	shift 2
	"$@" >"$dir/out" 2>&1 || status=$?
	is "$name: status and one line" "$status $(wc -l <"$dir/out")" '2 1'
	like "$name: says why" "$(cat "$dir/out")" "$pattern"
}

mkdir "$dir/full" && touch "$dir/full/x"
ln -s mnt "$dir/link"
refuses 'not empty' 'full.*not empty' "$PEEL" mount "$dir/image.tar" "$dir/full"
refuses 'no such folder' 'absent.*No such file' "$PEEL" mount "$dir/image.tar" "$dir/absent"
refuses 'a file' 'image.tar.*Not a directory' "$PEEL" mount "$dir/image.tar" "$dir/image.tar"
refuses 'no such image' 'absent.tar' "$PEEL" mount "$dir/absent.tar" "$mnt"
refuses 'nothing to unmount' 'nothing is mounted' "$PEEL" umount "$mnt"
refuses 'umount of a file system that is not ours' 'nothing is mounted there by peel' "$PEEL" umount /proc
refuses 'umount of what is not there' 'absent' "$PEEL" umount "$dir/absent/deeper"
like 'escape sequences are not passed on' "$("$PEEL" mount "$dir/image.tar" $'\e[31mred' 2>&1)" '\\x1b\[31mred'

mount_image image.tar
refuses 'mounted already' 'mounted there by peel' "$PEEL" mount "$dir/image.tar" "$mnt"
is 'and the mount is unharmed' "$(cat "$mnt/name")" x
true_that 'unmount' unmount

true_that 'a relative mount point' sh -c "cd '$dir' && '$PEEL' mount image.tar mnt"
is 'works' "$(cat "$mnt/name")" x
true_that 'relative unmount' sh -c "cd '$dir' && '$PEEL' umount mnt/"
true_that 'gone' eventually is_gone
true_that 'a mount point by a symlink' "$PEEL" mount "$dir/image.tar" "$dir/link"
true_that 'mounts what it leads to' is_mounted "$mnt"
true_that 'and is unmounted by it' "$PEEL" umount "$dir/link"
true_that 'gone too' eventually is_gone
mkdir "$dir/a b	c"
true_that 'a mount point with blanks and tabs' "$PEEL" mount "$dir/image.tar" "$dir/a b	c"
is 'works' "$(cat "$dir/a b	c/name")" x
true_that 'and is unmounted' "$PEEL" umount "$dir/a b	c"

# Only where supervisor, server and guard are all killed does a dead mount stay.
mount_image image.tar
ls "$mnt" >/dev/null
for pid in $(pgrep -f 'read -r guarded'); do
	{ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "mount_point=$mnt" && kill -9 "$pid"
done
server=$(server_pid)
supervisor=$(supervisor_pid)
kill -STOP "$server"
kill -9 "$supervisor" "$server"
no_processes() {
	[ -z "$(mount_pids "$mnt")" ]
}
eventually no_processes
true_that 'a dead mount' is_mounted
refuses 'a dead mount in the way' 'dead mount.*peel umount' "$PEEL" mount "$dir/image.tar" "$mnt"
true_that 'is taken away by peel umount' "$PEEL" umount "$mnt"
false_that 'and gone' is_mounted

# Nothing that can be mounted with.
mkdir "$dir/empty"
touch "$dir/nodevice"
mount --bind "$dir/nodevice" /dev/fuse
refuses 'a device that is none' 'fuse' "$PEEL" mount "$dir/image.tar" "$mnt"
umount /dev/fuse
[ -z "${PEEL_TEST_USERNS-}" ] || skip 'not root: no second user'
chmod 711 "$dir"
mkdir -p "$dir/user/mnt" && chown -R "$user" "$dir/user"
if [ "$(stat -c %a /dev/fuse)" = 600 ]; then
	like 'no right to the device' "$(as_user "$PEEL" mount "$dir/image.tar" "$dir/user/mnt" 2>&1)" '/dev/fuse: Permission denied'
fi
open_device_to_users
chown 0 "$dir/user/mnt"
like "a folder that is not the user's" "$(as_user "$PEEL" mount "$dir/image.tar" "$dir/user/mnt" 2>&1)" 'no write access'
mount_image image.tar
like "a mount that is not the user's" "$(as_user "$PEEL" umount "$mnt" 2>&1)" 'mnt: '
true_that 'stays' is_mounted
true_that 'unmount' unmount
done_testing
