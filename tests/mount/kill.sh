#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signals and kill -9: however the processes end, no mount and no process stays. As root, and as an ordinary user.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d sub
f sub/file size=300000
f name data=x
END

guards() { # Guards of this test: the only shells that have the folder in their environment.
	local pid
	for pid in $(pgrep -f 'read -r guarded'); do
		{ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "mount_point=$mnt" && echo "$pid"
	done
}
nothing_left() {
	is_gone && [ -z "$(guards)" ]
}
up() {
	$run "$PEEL" mount "$dir/image.tar" "$mnt" || exit 1
	$run find "$mnt" -ls >/dev/null
	server=$(server_pid)
	supervisor=$(supervisor_pid)
}
each() { # WHO: $run is what to run as this user
	local signal
	up
	true_that "$1: three processes" test "$(mount_pids "$mnt" | wc -l) $(guards | wc -l)" = '2 1'
	true_that "$1: umount(8)" $run fusermount3 -u "$mnt"
	true_that "$1: nothing is left" eventually nothing_left
	for signal in TERM INT HUP; do
		up
		kill -"$signal" "$server"
		true_that "$1: SIG$signal to the server" eventually nothing_left
		up
		kill -"$signal" "$supervisor"
		true_that "$1: SIG$signal to the supervisor" eventually nothing_left
	done
	up
	kill -9 "$server"
	true_that "$1: kill -9 of the server" eventually nothing_left
	up
	kill -9 "$supervisor"
	true_that "$1: kill -9 of the supervisor" eventually nothing_left
	up
	kill -9 "$supervisor" "$server"
	true_that "$1: kill -9 of both at once" eventually nothing_left
	up
	kill -9 "$server" "$supervisor"
	true_that "$1: kill -9 of both, server first" eventually nothing_left
	up
	# shellcheck disable=SC2046
	kill -STOP "$server"
	kill -TERM "$supervisor"
	true_that "$1: a server that hangs" eventually nothing_left
	true_that "$1: the folder is usable" $run test -z "$(ls -A "$mnt")"
}

run=
each root
up
exec 5<"$mnt/sub/file"
false_that 'a busy mount is not unmounted' "$PEEL" umount "$mnt"
like 'and says so' "$("$PEEL" umount "$mnt" 2>&1)" 'busy'
true_that 'but lazily it is' "$PEEL" umount -l "$mnt"
false_that 'and is not mounted any more' is_mounted
is 'what is open can still be read' "$(wc -c <&5)" 300000
exec 5<&-
true_that 'and then all ends' eventually nothing_left
up
exec 5<"$mnt/name"
kill -TERM "$server"
true_that 'SIGTERM while a file is open' eventually nothing_left
exec 5<&-

# The kernel gives device numbers away again at once; who cleans up must not take the next mount.
lost=0
for i in {1..25}; do
	up
	fusermount3 -u "$mnt"
	"$PEEL" mount "$dir/image.tar" "$mnt"
	kill -0 "$supervisor" 2>/dev/null && eventually test ! -e "/proc/$supervisor"
	is_mounted && [ -e "$mnt/name" ] || lost=$((lost + 1))
	"$PEEL" umount "$mnt"
	eventually nothing_left
done
is 'a mount made at once after an unmount stays' "$lost" 0

# A second mount over the first, and one below: each end takes away its own.
mkdir "$dir/other"
mount -t tmpfs none "$mnt"
up
kill -9 "$server" "$supervisor"
type_of_mnt() { # TYPE
	[ "$(stat -f -c %T "$mnt")" = "$1" ]
}
no_guards() {
	[ -z "$(guards)" ]
}
true_that 'the mount below stays' eventually type_of_mnt tmpfs
eventually no_guards
is 'and is alone' "$(awk -v at="$mnt" '$5 == at' /proc/self/mountinfo | wc -l)" 1
umount "$mnt"
up
mount -t tmpfs none "$mnt"
kill -9 "$server" "$supervisor"
eventually no_guards
is 'a mount that came over it stays' "$(stat -f -c %T "$mnt")" tmpfs
umount "$mnt"
umount -l "$mnt"

# In front: the command is the supervisor, the status is its own.
"$PEEL" mount -f "$dir/image.tar" "$mnt" &
front=$!
true_that 'in front: mounted' eventually is_mounted
kill -TERM "$front"
wait "$front"
is 'in front: a signal is a good end' $? 0
true_that 'in front: nothing is left' eventually nothing_left
"$PEEL" mount -f "$dir/image.tar" "$mnt" 2>"$dir/out" &
front=$!
eventually test -e "$mnt/name"
kill -9 "$(server_pid)"
wait "$front"
is 'in front: the end of the server is an error' "$?" 2
like 'and is said' "$(cat "$dir/out")" 'killed by signal 9'

# What the caller left open is not kept open: a reader of the pipe sees its end.
is 'streams and descriptors are let go' "$("$PEEL" mount "$dir/image.tar" "$mnt" 9>&1; echo mounted)" mounted
true_that 'unmount' unmount

open_device_to_users
run=as_user
mnt=$dir/user/mnt
as_user mkdir -p "$mnt"
each user
done_testing
