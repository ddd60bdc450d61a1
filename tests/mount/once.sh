#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reading a whole tree decodes every compressed layer about once, although files of all layers lie side by side.
. "$(dirname "$0")/lib.sh"

layer() { # FIRST-FILE STEP
	local d f
	echo 'layer COPY'
	for d in {1..12}; do
		echo "d d$d"
		for ((f = $1; f <= 24; f += $2)); do
			echo "f d$d/f$f size=$((20000 + f * f * 700)) seed=$((d * 100 + f))"
		done
		echo "f d$d/big$1 size=900000 seed=$((d * 100 + $1 + 50))"
	done
}
{
	layer 1 3
	layer 2 3
	layer 3 3
} >"$dir/description"

# Bytes that the server has read: of the image, of the index, and requests.
bytes_read() {
	awk '$1 == "rchar:" { print $2 }' "/proc/$(server_pid)/io"
}
for compress in gzip zstd; do
	make_image image.tar --form oci-archive --compress $compress <"$dir/description"
	stored=$(stat -c %s "$dir/image.tar")
	mount_image image.tar
	before=$(bytes_read)
	got=$(cd "$mnt" && tar cf - . | tar xOf - | wc -c)
	read=$(($(bytes_read) - before))
	[ -n "${wanted-}" ] || wanted=$got
	is "$compress: all bytes" "$got" "$wanted"
	true_that "$compress: $read bytes read of an image of $stored" test "$read" -lt $((stored + stored / 20 + 2000000))
	true_that "$compress: unmount" unmount
done
done_testing
