#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What stat, ls, du and find report over the mount.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY everything
d usr mode=755 mtime=1600000000
d usr/bin
d usr/lib
d usr/lib/deep
d usr/lib/deep/er mode=700
f usr/bin/tool mode=4755 uid=1000 gid=1001 mtime=1234567890.123456789 data="#!/bin/sh\n"
f one mode=640 data=x
f empty
f page size=4096
f page1 size=4097
f big size=1000000 seed=3
f before mtime=-2.25
f later mtime=4294967296.5
f holes size=10485760 extent=1048576:4096 extent=5000000:10
l lib -> usr/lib
h usr/bin/again -> usr/bin/tool mode=4755 uid=1000 gid=1001 mtime=1234567890.123456789
c dev/null 1:3 mode=666
b dev/disk 259:70000 mode=660
p run/pipe mode=600
f caps xattr.security.capability=hex:0100000200200000000000000000000000000000
f noted xattr.user.note=hello xattr.user.empty=
f "tab\tname" data=a
f "bytes\xff\xfe" data=b
layer RUN rm
w usr/lib/deep/er
f added data=second
END
long=$(printf 'n%.0s' {1..255})
printf 'layer l\nf %s data=long\nf %sx data=toolong\nd sub\nf sub/%s data=long\n' "$long" "$long" "$long" | make_image names.tar

mount_image image.tar
owner='1000 1001'
[ -z "${PEEL_TEST_USERNS-}" ] || owner='65534 65534'
is 'the root is inode 1' "$(stat -c %i "$mnt")" 1
is 'mode, owner, links, size, blocks' "$(stat -c '%a %u %g %h %s %b' "$mnt/usr/bin/tool")" "4755 $owner 2 10 8"
is 'nanoseconds' "$(stat -c %.9Y "$mnt/usr/bin/tool")" 1234567890.123456789
is 'times before 1970' "$(stat -c %.2Y "$mnt/before")" -2.25
is 'times after 2106' "$(stat -c %.1Y "$mnt/later")" 4294967296.5
is 'hard links share an inode' "$(stat -c %i "$mnt/usr/bin/tool")" "$(stat -c %i "$mnt/usr/bin/again")"
is 'blocks are the allocated size' "$(cd "$mnt" && stat -c %b one empty page page1 big | tr '\n' ' ')" '8 0 8 16 1960 '
is 'a sparse file has its data only' "$(stat -c '%s %b' "$mnt/holes")" '10485760 16'
is 'preferred read size' "$(stat -c %o "$mnt/big")" 131072
is 'links of folders are 2 and the folders in it' "$(cd "$mnt" && stat -c %h usr usr/lib usr/lib/deep | tr '\n' ' ')" '4 3 2 '
is 'a folder has no size and no blocks' "$(stat -c '%s %b' "$mnt/usr")" '0 0'
is 'one device' "$(find "$mnt" -printf '%D\n' | sort -u | wc -l)" 1
is 'devices are shown' "$(cd "$mnt" && stat -c '%F %Hr:%Lr %a' dev/null dev/disk)" \
	$'character special file 1:3 666\nblock special file 259:70000 660'
false_that 'devices cannot be opened' dd if="$mnt/dev/null" count=0
is 'fifos are shown' "$(stat -c '%F %a' "$mnt/run/pipe")" 'fifo 600'
is 'a symlink has the length that it shows, and no blocks' "$(stat -c '%s %b' "$mnt/lib") $(readlink "$mnt/lib")" '7 0 usr/lib'
is 'du counts a hard link once' "$(du -s --block-size=1 "$mnt/usr/bin" | cut -f1)" 4096
is 'du over the mount' "$(du -s --block-size=1 "$mnt" | cut -f1)" \
	"$((4096 * (1 + 1 + 1 + 2 + 245 + 2 + 1 + 1 + 1)))"
is 'apparent sizes' "$(du -sb "$mnt/big" | cut -f1)" 1000000
is 'a deleted folder is not there' "$(ls "$mnt/usr/lib/deep")" ''
is 'no whiteouts' "$(find "$mnt" -name '.wh.*')" ''
is 'd_type and d_ino agree with stat' "$(python3 - "$mnt" <<'END'
import os, stat, sys
bad = 0
for root, dirs, files in os.walk(sys.argv[1]):
    entries = list(os.scandir(root))
    inodes = [e.inode() for e in entries]
    bad += inodes != sorted(inodes)
    for e in entries:
        s = os.lstat(e.path)
        bad += e.inode() != s.st_ino or e.is_dir(follow_symlinks=False) != stat.S_ISDIR(s.st_mode)
        bad += e.is_symlink() != stat.S_ISLNK(s.st_mode)
print(bad)
END
)" 0
is 'dot and dot-dot' "$(ls -ai "$mnt/usr/lib" | awk '$2 == "." || $2 == ".." { print $1 }' | tr '\n' ' ')" \
	"$(stat -c %i "$mnt/usr/lib") $(stat -c %i "$mnt/usr") "
is 'names are bytes' "$(cd "$mnt" && cat $'tab\tname' $'bytes\xff\xfe')" ab
is 'capabilities' "$(getcap "$mnt/caps" 2>/dev/null | sed "s|$mnt||")" '/caps cap_net_raw=ep'
is 'xattrs' "$(cd "$mnt" && getfattr -d --absolute-names noted | tr '\n' ' ')" '# file: noted user.empty="" user.note="hello"  '
is 'an xattr that is not there' "$(getfattr -n user.none "$mnt/noted" 2>&1 | grep -c 'No such attribute')" 1
is 'file system' "$(stat -f -c '%T %l %S' "$mnt")" 'fuseblk 255 4096'
is 'used space is what the files take' "$(($(stat -f -c '%b * %S' "$mnt")))" "$((4096 * 255))"
is 'no free space' "$(stat -f -c '%f %a' "$mnt")" '0 0'
is 'content' "$(cat "$mnt/usr/bin/again" "$mnt/added")" $'#!/bin/sh\nsecond'
is 'holes read as zeros' "$(head -c 1048576 "$mnt/holes" | tr -d '\0' | wc -c)" 0
is 'SEEK_DATA and SEEK_HOLE' "$(python3 - "$mnt/holes" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print(os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE), os.lseek(fd, 1048576, os.SEEK_HOLE), end=" ")
try:
    os.lseek(fd, 5000010, os.SEEK_DATA)
except OSError as e:
    print(e.errno)
END
)" "1048576 0 1052672 6"
true_that 'unmount' unmount

mount_image names.tar
is 'a name of 255 bytes is shown, a longer one is not' "$(ls "$mnt")" "$long"$'\nsub'
is 'and can be read' "$(cat "$mnt/$long" "$mnt/sub/$long")" longlong
like 'a longer one is too long' "$(stat "$mnt/${long}x" 2>&1)" 'File name too long'
true_that 'unmount again' unmount
done_testing
