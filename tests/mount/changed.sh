#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image file changes, or the image lacks something, under a live mount: an error, never wrong bytes or a dead mount.
. "$(dirname "$0")/lib.sh"

description='layer COPY
f a size=200000 seed=1
f b size=200000 seed=2
f c size=200000 seed=3
layer RUN
f d data=d'
for how in truncated overwritten; do
	printf '%s\n' "$description" | make_image image.tar
	mount_image image.tar
	is "$how: read before" "$(wc -c <"$mnt/a")" 200000
	case $how in
	truncated) truncate -s 1000 "$dir/image.tar" ;;
	overwritten) printf 'x' | dd of="$dir/image.tar" bs=1 seek=1000 conv=notrunc status=none ;;
	esac
	like "$how: a new read fails" "$(LC_ALL=C cat "$mnt/b" 2>&1 >/dev/null)" 'Input/output error'
	is "$how: what was read is kept" "$(wc -c <"$mnt/a")" 200000
	is "$how: names still show" "$(ls "$mnt" | tr '\n' ' ')" 'a b c d '
	true_that "$how: the mount lives" test -n "$(server_pid)"
	true_that "$how: unmount" unmount
done

# Replaced by another file: the mount holds the old one.
printf '%s\n' "$description" | make_image image.tar
mount_image image.tar
printf 'layer COPY\nf other data=o\n' | make_image new.tar
mv "$dir/new.tar" "$dir/image.tar"
like 'renamed over: the old content or an error, never the new' "$(LC_ALL=C cat "$mnt/d" 2>&1)" '^d$|Input/output error'
is 'and the old names' "$(ls "$mnt" | tr '\n' ' ')" 'a b c d '
true_that 'unmount' unmount
mount_image image.tar
is 'and the new one after that' "$(ls "$mnt")" other
true_that 'unmount again' unmount

# From standard input, and without a cache: nothing that could be opened again by name.
printf '%s\n' "$description" | make_image image.tar
true_that 'standard input' sh -c "'$PEEL' mount - '$mnt' <'$dir/image.tar'"
is 'reads' "$(wc -c <"$mnt/c")" 200000
true_that 'unmount' unmount
mount_image image.tar --no-cache
is 'no cache' "$(wc -c <"$mnt/c")" 200000
true_that 'unmount' unmount
mkdir "$dir/sub"
printf '%s\n' "$description" | make_image layout --form oci --compress gzip
true_that 'a layout by a relative path' sh -c "cd '$dir' && '$PEEL' mount layout mnt"
is 'reads' "$(cat "$mnt/a" "$mnt/b" | wc -c)" 400000
true_that 'unmount' unmount
done_testing
