#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How often the kernel asks: the first walk by listings alone, the second not at all.
. "$(dirname "$0")/lib.sh"

{
	echo 'layer COPY'
	for d in {1..20}; do
		echo "d d$d"
		for f in {1..30}; do
			echo "f d$d/f$f size=$((d * f * 10))"
		done
		echo "l d$d/link -> f1"
		echo "l d$d/up -> ../d1/f1"
	done
} | make_image image.tar

"$PEEL" mount -d "$dir/image.tar" "$mnt" 2>"$dir/log" &
eventually is_mounted && eventually test -e "$mnt/d1"
# find asks for the type of the file system once a run, and the kernel keeps no answer to that: STATFS is not counted.
count() {
	grep '^unique: [0-9]*, opcode: ' "$dir/log" | grep -vc 'opcode: STATFS'
}
mark() {
	seen=$(count)
}
requests() { # How many since mark.
	echo "$(($(count) - seen))"
}

find "$mnt" -size +1 >/dev/null
is 'find -size: no LOOKUP' "$(grep -c 'opcode: LOOKUP' "$dir/log" | awk '{ print ($1 <= 3) }')" 1
is 'nor GETATTR for each file' "$(grep -c 'opcode: GETATTR' "$dir/log" | awk '{ print ($1 <= 3) }')" 1
is 'no OPENDIR after the first' "$(grep -c 'opcode: OPENDIR' "$dir/log")" 1
is 'listings with attributes only' "$(grep -c 'opcode: READDIR ' "$dir/log")" 0
du -s "$mnt" >/dev/null
mark
find "$mnt" >/dev/null
is 'second find: no request' "$(requests)" 0
find "$mnt" -size +1 -newer "$mnt/d1" >/dev/null
is 'second find -size: no request' "$(requests)" 0
du -s "$mnt" >/dev/null
is 'second du: no request' "$(requests)" 0
ls -lR --color=never "$mnt" >/dev/null
mark
ls -lR --color=never "$mnt" >/dev/null
is 'second ls -lR: no request' "$(requests)" 0
is 'xattrs are asked for once' "$(grep -c 'opcode: GETXATTR\|opcode: LISTXATTR' "$dir/log" | awk '{ print ($1 <= 2) }')" 1

find "$mnt" -type f -exec cat {} + >/dev/null
is 'one OPEN for all files' "$(grep -c 'opcode: OPEN ' "$dir/log")" 1
is 'no RELEASE, no FLUSH' "$(grep -c 'opcode: RELEASE \|opcode: FLUSH' "$dir/log" | awk '{ print ($1 <= 2) }')" 1
mark
find "$mnt" -type f -exec cat {} + >/dev/null
is 'second reading of all: no request' "$(requests)" 0

stat "$mnt/d1/none" 2>/dev/null
mark
stat "$mnt/d1/none" 2>/dev/null
is 'an absent name is asked for once' "$(requests)" 0
readlink "$mnt/d1/link" "$mnt/d2/up" >/dev/null
mark
readlink "$mnt/d1/link" "$mnt/d2/up" >/dev/null
is 'a link is read once' "$(requests)" 0
true_that 'unmount' unmount
done_testing
