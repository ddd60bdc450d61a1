#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A read that waits holds up nobody else. The image lies in another mount, whose server is stopped: what is not in the
# page cache of that cannot be read until it goes on.
. "$(dirname "$0")/lib.sh"

{
	echo 'layer COPY'
	for f in {1..8}; do
		echo "f d/f$f size=300000 seed=$f"
	done
	echo 'f d/small data=small'
	echo 'l d/link -> small'
} | make_image image.tar
outer=$dir/outer
mkdir "$outer"
(cd "$dir" && tar cf outer.tar image.tar && rm image.tar)
"$PEEL" mount "rootfs:$dir/outer.tar" "$outer" || not_ok 'mount the outer image'
"$PEEL" mount "$outer/image.tar" "$mnt" || not_ok 'mount the inner image'
is 'what is read before is right' "$(cat "$mnt/d/small")" small

servers=$(mount_pids "$outer$")
dd if="$outer/image.tar" iflag=nocache count=0 status=none
# shellcheck disable=SC2086
kill -STOP $servers
pids=()
for f in {1..8}; do
	sha256sum <"$mnt/d/f$f" >"$dir/sum$f" &
	pids+=($!)
done
waiting() {
	[ "$(ps -o stat= -p "$(echo "${pids[@]}" | tr ' ' ,)" | grep -c '^D')" = 8 ]
}
true_that 'eight readers wait' eventually waiting
is 'an absent name is answered' "$(LC_ALL=C timeout 20 stat "$mnt/d/none" 2>&1 | grep -o 'No such file.*')" \
	'No such file or directory'
is 'a folder is listed' "$(timeout 20 ls "$mnt/d" | wc -l)" 10
is 'a link is read' "$(timeout 20 readlink "$mnt/d/link")" small
is 'statfs is answered' "$(timeout 20 stat -f -c %T "$mnt")" fuseblk
true_that 'the readers still wait' waiting
# shellcheck disable=SC2086
kill -CONT $servers
bad=0
for pid in "${pids[@]}"; do
	wait "$pid" || bad=$((bad + 1))
done
is 'then they read on' "$bad" 0
"$PEEL" umount "$mnt" && eventually is_gone
"$PEEL" umount "$outer"
(cd "$dir" && tar xf outer.tar)
"$PEEL" mount "$dir/image.tar" "$mnt"
bad=0
for f in {1..8}; do
	sha256sum <"$mnt/d/f$f" | cmp -s - "$dir/sum$f" || bad=$((bad + 1))
done
is 'and read right' "$bad" 0
true_that 'unmount' unmount
done_testing
