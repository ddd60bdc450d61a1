#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reading ahead across files: who reads in the order of the listings is asked for less than he reads, and reads right;
# for others nothing is read in vain.
. "$(dirname "$0")/lib.sh"

{
	echo 'layer COPY'
	for d in {1..20}; do
		echo "d d$d"
		for f in {1..30}; do
			echo "f d$d/f$f size=$((d * f * 137 + 1)) seed=$((d * 100 + f))"
		done
		echo "f d$d/big size=600000 seed=$d"
		echo "f d$d/empty data="
		echo "f d$d/last size=4096 seed=$d"
	done
} >"$dir/description"
files=620 # of those that may be read ahead

start() {
	: >"$dir/log"
	"$PEEL" mount -d "$dir/image.tar" "$mnt" 2>"$dir/log" &
	eventually is_mounted && eventually test -e "$mnt/d1"
}
reads() {
	grep -c 'opcode: READ ' "$dir/log"
}
stores() {
	grep -c '^NOTIFY: code=4' "$dir/log"
}
# Names as they are listed, folder by folder, the way tar goes.
in_order() {
	local d
	for d in {1..20}; do
		ls -U "$mnt/d$d" | sed "s/^/d$d\//"
	done
}

for form in 'docker-archive' 'oci-archive --compress gzip'; do
	# shellcheck disable=SC2086
	make_image image.tar --form $form <"$dir/description"
	start
	(cd "$mnt" && in_order | xargs sha256sum) >"$dir/sums"
	[ -e "$dir/wanted" ] || cp "$dir/sums" "$dir/wanted"
	is "$form: bytes" "$(cmp "$dir/sums" "$dir/wanted" && wc -l <"$dir/sums")" 660
	true_that "$form: files are read ahead ($(stores))" test "$(stores)" -gt $((files / 2))
	true_that "$form: unmount" unmount

	start
	(cd "$mnt" && tar cf - .) | tar xOf - | wc -c >"$dir/size"
	is "$form: whole tree" "$(cat "$dir/size")" "$(cd "$dir" && awk '{ print $2 }' wanted | (cd "$mnt" && xargs cat) | wc -c)"
	true_that "$form: unmount" unmount
done
is 'the bytes are those of the image' "$(cd "$dir" && python3 -c '
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import mkimage
files = {e["path"].decode(): hashlib.sha256(e["data"]).hexdigest()
         for layer in mkimage.parse(open("description").read())[0] for e in layer["entries"] if e.get("data") is not None}
wanted = dict(l.split()[::-1] for l in open("wanted"))
print(all(files[name] == digest for name, digest in wanted.items()), len(wanted))' "$here/../lib")" 'True 660'

make_image image.tar <"$dir/description"
start
(cd "$mnt" && in_order | sort -R --random-source="$dir/image.tar" | head -200 | xargs cat) >/dev/null
true_that "in no order: hardly any is read ahead ($(stores))" test "$(stores)" -lt 40
true_that 'unmount' unmount
start
for d in {1..20}; do
	ls -U "$mnt/d$d" >/dev/null
	cat "$mnt/d$d/f7" >/dev/null
done
is 'one file of each folder: none' "$(stores)" 0
true_that 'unmount' unmount

# Large files: no more than the head, unless they are read to their end.
{
	echo 'layer COPY'
	for d in {1..4}; do
		echo "d d$d"
		for f in {1..40}; do
			echo "f d$d/f$f size=700000 seed=$((d * 100 + f))"
		done
	done
} >"$dir/large"
large() {
	local d
	for d in {1..4}; do
		ls -U "$mnt/d$d" | sed "s/^/d$d\//"
	done
}
make_image large.tar <"$dir/large"
start_large() {
	: >"$dir/log"
	"$PEEL" mount -d "$dir/large.tar" "$mnt" 2>"$dir/log" &
	eventually is_mounted && eventually test -e "$mnt/d1"
}
start_large
(cd "$mnt" && large | xargs head -qc 1000) >/dev/null
true_that "heads of large files: one store each at most ($(stores))" test "$(stores)" -le 160
true_that 'unmount' unmount
start_large
(cd "$mnt" && tar cf - .) | tar xOf - | md5sum >"$dir/large.sum"
true_that "whole large files: three stores each ($(stores))" test "$(stores)" -gt 240
true_that "whole large files: hardly any read ($(reads))" test "$(reads)" -lt 400
is 'whole large files: bytes' "$(cat "$dir/large.sum")" "$(large | xargs "$PEEL" cat "$dir/large.tar" | md5sum)"
true_that 'unmount' unmount

# Root has the kernel read further within files too.
if [ "$(id -u)" = 0 ] && [ -z "${PEEL_TEST_USERNS-}" ] && [ -w /sys/class/bdi ]; then
	mount_image image.tar
	widened() {
		[ "$(cat "/sys/class/bdi/$(awk -v at="$mnt" '$5 == at { print $3 }' /proc/self/mountinfo)/read_ahead_kb")" = 1024 ]
	}
	true_that 'read-ahead within files is widened' eventually widened
	true_that 'unmount' unmount
fi

# The first folder is read, the others are only listed.
start
(cd "$mnt/d1" && ls -U | xargs cat) >/dev/null
find "$mnt" -size +1 >/dev/null
true_that "whoever stops reading is given up ($(stores))" test "$(stores)" -lt 450
true_that 'unmount' unmount
done_testing
