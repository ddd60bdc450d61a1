#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The server of a mount has no rights while it serves, as root and as a user; the supervisor keeps the one to unmount; and
# however the server ends, no dead mount stays. Without Landlock all goes as with it, but for the paths.
. "$(dirname "$0")/../mount/lib.sh"
: "${NOLANDLOCK:?path of the program}"
peel=$PEEL

make_image image.tar <<'END'
layer COPY
f name data=x
f big size=3000000 seed=3
d folder
f folder/file data=y
END
make_image layout --form oci --compress zstd <<'END'
layer COPY
f name data=x
f big size=3000000 seed=3
END

field() { # PID NAME
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}
rights() { # PID: what tells a caged process
	echo "$(field "$1" Seccomp) $(field "$1" NoNewPrivs) $(field "$1" CapEff) $(field "$1" CapPrm) $(field "$1" CapInh) $(field "$1" CapAmb)"
}
none=0000000000000000
caged="2 1 $none $none $none $none"
# A user has no capabilities, and his bounding set, of which nothing can come in the cage, cannot be lowered.
check_server() { # WHO
	local server supervisor thread
	server=$(server_pid)
	supervisor=$(supervisor_pid)
	is "$1: the server is in the cage" "$(rights "$server")" "$caged"
	for thread in /proc/"$server"/task/*; do
		is "$1: and its thread ${thread##*/task/}" "$(rights "$server/task/${thread##*/}")" "$caged"
	done >"$dir/threads"
	if grep -q '^not ok' "$dir/threads"; then not_ok "$1: all threads are"; else ok "$1: all threads are"; fi
	is "$1: the supervisor is not, and has what the caller has" "$(rights "$supervisor")" "$(rights $$)"
	is "$1: no core is left by a crash" "$(sed -n 's/^Max core file size *\([0-9]*\) *\([0-9]*\) .*/\1 \2/p' "/proc/$server/limits")" '0 0'
}
serves() { # WHO: everything that is read later
	is "$1: it answers" "$(cat "$mnt/name") $(find "$mnt" | wc -l) $(cat "$mnt/big" | wc -c)" "x $files 3000000"
}

instrumented=${PEEL_INSTRUMENTED-}
for image in image.tar layout; do
	files=3
	[ $image = layout ] || files=5
	mount_image $image
	serves "root, $image"
	[ -n "$instrumented" ] || check_server "root, $image"
	is "root, $image: the bounding set is empty" "$(field "$(server_pid)" CapBnd)" "$none"
	true_that "root, $image: unmount" unmount
done
files=5
mount_image image.tar -o no_sandbox
is 'no_sandbox: the server has what the caller has' "$(rights "$(server_pid)")" "$(rights $$)"
serves 'no_sandbox'
true_that 'no_sandbox: unmount' unmount
"$PEEL" mount --no-sandbox "$dir/image.tar" "$mnt"
is '--no-sandbox: likewise' "$(rights "$(server_pid)")" "$(rights $$)"
true_that '--no-sandbox: unmount' unmount

echo secret >"$dir/left-open"
for how in -f '-f -o debug'; do
	# shellcheck disable=SC2086
	"$PEEL" mount $how "$dir/image.tar" "$mnt" >"$dir/out" 2>&1 17<"$dir/left-open" &
	front=$!
	eventually is_mounted
	serves "$how"
	is "$how: what the caller left open is closed in the server" "$(readlink "/proc/$(server_pid)/fd/17" | grep left-open)" ''
	[ -n "$instrumented" ] || is "$how: the server is in the cage" "$(rights "$(server_pid)")" "$caged"
	kill -TERM "$front"
	wait "$front"
	true_that "$how: a signal unmounts" eventually is_gone
done

# Every signal that ends the server: SIGSYS is what the list of calls sends.
for signal in SYS KILL SEGV TERM HUP INT; do
	mount_image image.tar
	exec 3<"$mnt/big"
	kill -"$signal" "$(server_pid)"
	exec 3<&-
	true_that "SIG$signal to the server leaves no mount" eventually is_gone
done
for signal in TERM HUP INT KILL; do
	mount_image image.tar
	kill -"$signal" "$(supervisor_pid)"
	true_that "SIG$signal to the supervisor leaves no mount" eventually is_gone
done
mount_image image.tar
kill -KILL "$(server_pid)" "$(supervisor_pid)"
true_that 'nor when both are killed' eventually is_gone
mount_image image.tar
kill -USR1 "$(server_pid)"
serves 'SIGUSR1 ends nothing'
umount "$mnt"
true_that 'umount(8) ends all processes' eventually is_gone

# Without Landlock, and without seccomp.
PEEL=$dir/peel
printf '#!/bin/sh\nexec %s %s "$@"\n' "$NOLANDLOCK" "$peel" >"$PEEL"
chmod 755 "$PEEL"
"$PEEL" mount "$dir/image.tar" "$mnt"
serves 'no Landlock'
[ -n "$instrumented" ] || is 'no Landlock: calls and capabilities are held' "$(rights "$(server_pid)")" "$caged"
true_that 'no Landlock: unmount' unmount
is 'no Landlock: verbs answer, and say nothing of it' "$("$PEEL" cat "$dir/image.tar" /name 2>&1)" x
is 'no Landlock: a layout, too' "$("$PEEL" cat "oci:$dir/layout" /name 2>&1)" x
if [ -z "$instrumented" ]; then
	like 'no Landlock: help sandbox says so' "$("$PEEL" help sandbox)" '^  paths  +NOT LIMITED here: the kernel has no Landlock'
	[ "$("$peel" help sandbox | grep -c 'NOT LIMITED')" != 0 ] || ok 'with it, it says that all is held'
fi
printf '#!/bin/sh\nexec %s -s %s "$@"\n' "$NOLANDLOCK" "$peel" >"$PEEL"
like 'no seccomp: peel refuses' "$("$PEEL" cat "$dir/image.tar" /name 2>&1; echo "= $?")" 'cannot confine a process .*--no-sandbox'
is 'no seccomp: with --no-sandbox it does' "$("$PEEL" cat --no-sandbox "$dir/image.tar" /name 2>&1)" x
false_that 'no seccomp: a mount is refused, too' "$PEEL" mount "$dir/image.tar" "$mnt"
true_that 'and nothing stays of it' eventually is_gone
PEEL=$peel

open_device_to_users
cp "$dir/image.tar" "$dir/user.tar" && mkdir -p "$dir/user/mnt" && chown -R "$user" "$dir/user"
mnt=$dir/user/mnt
true_that 'a user mounts' as_user "$PEEL" mount "$dir/user.tar" "$mnt"
is 'a user: it answers' "$(as_user cat "$mnt/name")" x
[ -n "$instrumented" ] || is 'a user: the server is in the cage' "$(rights "$(server_pid)")" "$caged"
kill -SYS "$(server_pid)"
true_that 'a user: SIGSYS to the server leaves no mount' eventually is_gone
done_testing
