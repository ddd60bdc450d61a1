#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that is full below the cache folder, and then below every other place for temporary files, is no obstacle: the answer is the
# same, one line says why the index is not kept, and nothing is left. As root in a mount namespace of its own; prints TAP.
set -u
: "${PEEL:?path of the command}"
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PEEL_TEST_NAMESPACE-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'SKIP: not root: FULL DISKS ARE NOT TRIED' && exit 77; }
	PEEL_TEST_NAMESPACE=1 exec "$here/../lib/private.sh" "$(command -v bash)" "$here/full.sh"
fi
# Everything lies in memory at /mnt of this namespace, the command too: /tmp is going to be full.
top=/mnt
mount -t tmpfs top "$top" && cd "$top" || exit 77
cp "$PEEL" "$(dirname "$PEEL")"/../index/libpeel.so.? "$top" || exit 1
export PEEL=$top/peel LD_LIBRARY_PATH=$top
cp "$here/../lib/mkimage.py" "$top"
export HOME=$top XDG_CACHE_HOME=$top/disk0
unset TMPDIR
# Enough entries for an index that is written long before its end: SQLite keeps 8 MiB.
{
	echo layer ADD
	for ((i = 0; i < 30000; i++)); do
		printf 'f folder-with-a-long-name-%d/file-with-a-name-that-is-longer-than-most-%d data=x\n' $((i / 100)) "$i"
	done
} | python3 ./mkimage.py image.tar
"$PEEL" ls -lR --no-cache image.tar >expected
[ "$(wc -l <expected)" -gt 30000 ] || exit 1
sleep 2.2

number=0
failed=0
is() { # NAME GOT WANTED
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '# got %s\n# not %s\n' "$2" "$3"
		failed=1
	fi
}
small() { # FOLDER SIZE
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=1777" small "$1" || exit 77
}
# answers NAME: the same answer, and one line about the index
answers() {
	"$PEEL" ls -lR image.tar >got 2>said
	is "$1: status" $? 0
	is "$1: answer" "$(cmp got expected 2>&1)" ''
	is "$1: remark" "$(cat said)" 'peel: the index is not kept: No space left on device'
	is "$1: nothing is left" "$(find disk0 /var/tmp -type f 2>/dev/null | wc -l)" 0
	"$PEEL" -q find image.tar / -name '*-12345' 2>&1 >got
	is "$1: quietly" "$(wc -l <got)" 1
	# Through a pipe there is no second chance to read the image.
	"$PEEL" ls -lR - 2>said >got < <(cat image.tar)
	is "$1: through a pipe" "$(cmp got expected 2>&1)$(cat said)" ''
}
index_size=$("$PEEL" index --index whole.peel image.tar >/dev/null && stat -c %s whole.peel)
small disk0 $((index_size / 2))
mkdir -m 700 disk0/peel
answers 'cache folder full'
small /var/tmp $((index_size / 2))
small /tmp 64K
answers 'other disks full too'
small disk1 $((index_size / 3))
TMPDIR=$top/disk1 answers 'and TMPDIR'
# With room the index is kept.
umount disk0
small disk0 $((index_size * 2))
mkdir -m 700 disk0/peel
is 'room again' "$("$PEEL" index image.tar 2>&1 | sed -n 's/^index *//p' | wc -w)" 1
is 'kept' "$(find disk0/peel -name '*.peel' -size +"$((index_size / 2))"c | wc -l)" 1
# An index that was named has no other place.
"$PEEL" index --index disk1/named.peel image.tar >/dev/null 2>said
is 'a named index' "$? $(sed 's/: /&\n/g' said | tail -n 1) $(find disk1 -type f | wc -l)" '2 No space left on device 0'
echo "1..$number"
exit $failed
