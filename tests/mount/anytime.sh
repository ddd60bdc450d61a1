#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of every process of a mount at any moment of its making: no mount stays, and none is in the way of the next.
. "$(dirname "$0")/lib.sh"
rounds=${PEEL_TEST_ROUNDS:-40}

make_image image.tar <<'END'
layer COPY
f name data=x
END
# Guards and whoever still mounts: all that is left must come to its end by itself.
settled() {
	local pid
	[ -z "$(mount_pids "$mnt")" ] || return 1
	for pid in $(pgrep -f 'read -r guarded'); do
		{ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "mount_point=$mnt" && return 1
	done
	! is_mounted
}
storm() { # WHO
	local i delay bad=0 caught=0 began=${EPOCHREALTIME/./} took
	$run "$PEEL" mount "$dir/image.tar" "$mnt" || exit 1
	took=$((${EPOCHREALTIME/./} - began))
	$run "$PEEL" umount "$mnt"
	eventually settled
	for ((i = 0; i < rounds; i++)); do
		delay=$(printf '0.%06d' "$((RANDOM * 2 * took / 32768 % 900000))")
		$run "$PEEL" mount "$dir/image.tar" "$mnt" 2>/dev/null &
		sleep "$delay"
		is_mounted && caught=$((caught + 1))
		$run pkill -9 -f -- "mount $dir/image.tar $mnt"
		wait $! 2>/dev/null
		$run pkill -9 -f -- "mount $dir/image.tar $mnt"
		if ! eventually settled; then
			bad=$((bad + 1))
			umount -l "$mnt"
		fi
	done
	is "$1: dead mounts after $rounds kills" "$bad" 0
	echo "# $caught of them after the mount was made"
	true_that "$1: and it can be mounted" $run "$PEEL" mount "$dir/image.tar" "$mnt"
	true_that "$1: and unmounted" $run "$PEEL" umount "$mnt"
	eventually settled
}
run=
storm root
open_device_to_users
run=as_user
mnt=$dir/user/mnt
as_user mkdir -p "$mnt"
storm user
done_testing
