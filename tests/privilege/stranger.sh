#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Root mounts a stranger's image with allow_other: nobody, another user, gets no set-id effect, no device, and no path out of it.
. "$(dirname "$0")/../mount/lib.sh"
[ -z "${PEEL_TEST_USERNS-}" ] || skip 'a user namespace has no other user and no devices'
[ "$(uname -m)" = x86_64 ] || skip 'the program in the image is for x86_64'

# A program that says its effective user and group, and then tries to become root. Static, so that it runs from any root.
cat >"$dir/who.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	uid_t r, e, s;
	getresuid(&r, &e, &s);
	printf("%u %u %u %u", r, e, s, getegid());
	printf(" %s", setuid(0) == 0 ? "ROOT" : "no");
	printf(" %s\n", chroot("/") == 0 ? "CAPABLE" : "no");
	return 0;
}
END
command -v cc >/dev/null || skip 'no compiler'
cc -static -O1 -o "$dir/who" "$dir/who.c" 2>/dev/null || skip 'no static C library'

python3 - "$dir" <<'END' || exit 1
import io, struct, sys, tarfile
top = sys.argv[1]
program = open(top + "/who", "rb").read()
# VFS_CAP_REVISION_2 with the effective flag and every capability: what setcap all=ep writes.
CAPS = struct.pack("<IIIII", 0x02000001, 0xffffffff, 0, 0x1ff, 0).decode("latin-1")
with tarfile.open(top + "/evil.tar", "w", format=tarfile.PAX_FORMAT) as tar:
    def add(name, type=tarfile.REGTYPE, data=b"", mode=0o755, uid=0, gid=0, link="", dev=(0, 0), pax=None):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid, info.linkname, info.size = type, mode, uid, gid, link, len(data)
        info.devmajor, info.devminor = dev
        info.pax_headers = pax or {}
        tar.addfile(info, io.BytesIO(data))
    add("bin", tarfile.DIRTYPE, mode=0o755)
    for mode in (0o4755, 0o6777, 0o2755, 0o4711):
        add("bin/set%o" % mode, data=program, mode=mode)
    add("bin/caps", data=program, pax={"SCHILY.xattr.security.capability": CAPS})
    add("bin/plain", data=program)
    add("bin/script", data=b"#!/bin/sh\nid -u\n", mode=0o4755)
    add("bin/hardset", tarfile.LNKTYPE, link="bin/set4755")
    add("dev", tarfile.DIRTYPE, mode=0o777)
    for name, kind, major, minor in (("null", tarfile.CHRTYPE, 1, 3), ("mem", tarfile.CHRTYPE, 1, 1), ("kmsg", tarfile.CHRTYPE, 1, 11),
                                     ("fuse", tarfile.CHRTYPE, 10, 229), ("tty", tarfile.CHRTYPE, 5, 0), ("ram", tarfile.BLKTYPE, 1, 0),
                                     ("loop", tarfile.BLKTYPE, 7, 0), ("sda", tarfile.BLKTYPE, 8, 0), ("vda", tarfile.BLKTYPE, 254, 0)):
        add("dev/" + name, kind, mode=0o666, dev=(major, minor))
    add("dev/hardmem", tarfile.LNKTYPE, link="dev/mem")
    add("dev/linkmem", tarfile.SYMTYPE, link="mem")
    add("pipe", tarfile.FIFOTYPE, mode=0o666)
    add("world", tarfile.DIRTYPE, mode=0o1777)
    add("world/open", tarfile.DIRTYPE, mode=0o777)
    add("secret", data=b"root's own\n", mode=0o600)
    add("locked", tarfile.DIRTYPE, mode=0o700)
    add("locked/in", data=b"root's own\n", mode=0o644)
    add("shadow", data=b"root:x\n", mode=0o640, gid=42)
    # Every way out by a link that anybody has thought of.
    for number, link in enumerate(("/", "/etc/passwd", "..", "../..", "../../../../../../etc/passwd", "world/../../../etc/passwd", "/..",
                                   "/../../..", "/proc/self/root", "/proc/self/cwd/..", "/proc/self/fd/0", "./../.", "//etc", "/./../etc",
                                   "world/open/../../..", "dev/../..", "out0/../..", "out4/..", "nowhere/../../../etc", "secret/../..",
                                   "../" * 600, "/" * 3000 + "etc", "x/" * 100 + "../" * 300)):
        add("out%d" % number, tarfile.SYMTYPE, link=link)
        add("world/open/out%d" % number, tarfile.SYMTYPE, link=link)
    add("loop", tarfile.SYMTYPE, link="loop")
    add("up", tarfile.SYMTYPE, link="world/open")
    for name in ("../escaped", "../../escaped", "/escaped", "a/../../escaped", "./../escaped", "world/../../escaped"):
        add(name, data=b"escaped\n")
    add("hardout", tarfile.LNKTYPE, link="../../../../etc/passwd")
    add("hardabs", tarfile.LNKTYPE, link="/etc/passwd")
    add("up/through", data=b"through a link\n")
END
chmod 755 "$dir"
open_device_to_users
group=$(id -g "$user")
stranger=(setpriv --reuid "$user" --regid "$group" --clear-groups --inh-caps=-all --)
as_stranger() {
	"${stranger[@]}" "$@"
}
before=$(ls -la "$dir" | grep -v ^total | grep -v ' \.\?\.$' | grep -v cache | awk '{ print $1, $NF }')
mount_image evil.tar -o allow_other,suid,dev,rw
is 'the kernel holds it: options of the mount' \
	"$(awk -v at="$mnt" '$5 == at { split($6, first, ","); print first[1], first[2], first[3]; print $NF }' /proc/self/mountinfo | grep -oE '^ro nosuid nodev$|default_permissions' | tr '\n' ' ')" \
	'ro nosuid nodev default_permissions '

who="$(id -u "$user") $(id -u "$user") $(id -u "$user") $group no no"
is 'what the program says outside of the image' "$(as_stranger "$dir/who")" "$who"
install -m 4755 "$dir/who" "$dir/really"
like 'and where the machine has it set-id' "$(as_stranger "$dir/really")" ' ROOT '
for program in set4755 set6777 set2755 set4711 caps plain hardset; do
	is "$program gives nobody anything" "$(as_stranger "$mnt/bin/$program")" "$who"
done
is 'nor does a script' "$(as_stranger "$mnt/bin/script")" "$(id -u "$user")"
is 'for root, too, file capabilities are nothing' "$(setpriv --bounding-set=-sys_chroot --reuid "$user" --clear-groups "$mnt/bin/caps" | awk '{ print $NF }')" no

seen=0
while IFS= read -r -d '' node; do
	seen=$((seen + 1))
	for way in '<' '>' '<>'; do
		for who in "${stranger[*]}" env; do
			# shellcheck disable=SC2086
			said=$(LC_ALL=C timeout 10 $who sh -c "exec 3$way\"\$0\"" "$node" 2>&1; echo "= $?")
			case $said in
			*'= 0') not_ok "${who%% *} opens ${node#"$mnt"}" ;;
			*'Permission denied'* | *'Read-only file system'*) ;;
			*) not_ok "${who%% *}, ${node#"$mnt"}: another error" "$said" ;;
			esac
		done
	done
done < <(find "$mnt" \( -type b -o -type c \) -print0)
is 'no device opens, for nobody and for root' "$seen $failures" '10 0'
is 'a pipe is only a pipe' "$(as_stranger stat -c %F "$mnt/pipe")" fifo
like 'what is closed stays closed: a file' "$(LC_ALL=C as_stranger cat "$mnt/secret" 2>&1)" 'Permission denied'
like '... a file of a group' "$(LC_ALL=C as_stranger cat "$mnt/shadow" 2>&1)" 'Permission denied'
like '... a folder' "$(LC_ALL=C as_stranger ls "$mnt/locked" 2>&1)" 'Permission denied'
like '... a file below' "$(LC_ALL=C as_stranger cat "$mnt/locked/in" 2>&1)" 'Permission denied'
for place in world world/open .; do
	like "nothing is written: $place" "$(LC_ALL=C as_stranger touch "$mnt/$place/new" 2>&1; LC_ALL=C touch "$mnt/$place/new" 2>&1)" 'Read-only.*'
done

# Every link is walked, by nobody and by root: where it resolves, it resolves in the mount.
# By its name (realpath) and by the kernel (whose device what it leads to is).
walk() { # COMMAND...: as whom; the number of links, and each that leads out
	local device
	device=$(stat -c %d "$mnt")
	"$@" find "$mnt" -type l -print 2>/dev/null | wc -l
	"$@" find "$mnt" -type l -exec realpath -q {} + 2>/dev/null | grep -v "^$mnt\(/\|$\)"
	"$@" find "$mnt" -type l -exec stat -L -c '%d %n' {} + 2>/dev/null | grep -v "^$device "
}
links=$(as_stranger find "$mnt" -type l 2>/dev/null | wc -l)
true_that 'there are links to be walked' test "$links" -gt 40
is 'nobody is led out by any link' "$(walk as_stranger)" "$links"
is 'nor is root' "$(walk env)" "$links"
is 'nothing came where names with .. point to' "$(ls -la "$dir" | grep -v ^total | grep -v ' \.\?\.$' | grep -v cache | grep -v really | awk '{ print $1, $NF }')" "$before"
false_that 'nor above' test -e "$(dirname "$dir")/escaped"
is 'a hard link to the machine is none' "$(cat "$mnt/hardout" "$mnt/hardabs" 2>/dev/null | grep -c "^root:.*:$(getent passwd root | cut -d: -f6)")" 0
true_that 'unmount' unmount

mount_image evil.tar -o allow_other,view=layers
is 'layers: nobody is led out' "$(walk as_stranger)" "$(as_stranger find "$mnt" -type l 2>/dev/null | wc -l)"
is 'layers: set-id gives nothing' "$(as_stranger "$(echo "$mnt"/00-*)/bin/set4755")" "$(id -u "$user") $(id -u "$user") $(id -u "$user") $group no no"
true_that 'unmount layers' unmount

# The same in a private mount: nobody looks in, and what root runs in there is root's own.
is 'run: a set-id program does nothing for a user in there' \
	"$("$PEEL" run -q -o allow_other "$dir/evil.tar" -- setpriv --reuid "$user" --regid "$group" --clear-groups ./bin/set4755 2>&1)" \
	"$(id -u "$user") $(id -u "$user") $(id -u "$user") $group no no"
like 'run: no device opens' "$(LC_ALL=C "$PEEL" run -q "$dir/evil.tar" -- sh -c 'cat <dev/null' 2>&1)" 'Permission denied'

# A copy: what is documented, and nothing else.
mkdir "$dir/out"
"$PEEL" cp -r "$dir/evil.tar" /. "$dir/out" 2>/dev/null
is 'cp -r as root: no set-id bits, owners, devices or capabilities' \
	"$(find "$dir/out" \( -perm /7000 -type f -o ! -user root -o -type b -o -type c \) -print; getcap -r "$dir/out" 2>/dev/null)" ''
mkdir "$dir/all"
"$PEEL" cp -a "$dir/evil.tar" /. "$dir/all" 2>/dev/null
is 'cp -a as root: set-id bits as the image has them' "$(stat -c '%a %u' "$dir/all/bin/set6777")" '6777 0'
is '... and no devices in the sandbox' "$(find "$dir/all" -type b -o -type c | wc -l)" 0
# Landlock lets owners be changed by a name anywhere, so the sandbox has descriptors alone for that: a link has none.
"$(dirname "$0")/../lib/mkimage.py" "$dir/owned.tar" <<'END'
layer COPY
d a mode=2775 uid=5 gid=6
f a/file data="x" uid=1234 gid=4321 mode=4755
l a/link -> file uid=1234 gid=777
l link -> a uid=33 gid=34
p a/pipe uid=44 gid=45 mode=3640
f deep/b/c/d/first data="x" uid=7
h deep/second -> deep/b/c/d/first
END
mkdir "$dir/caged" "$dir/free" "$dir/setgid"
chgrp "$group" "$dir/setgid"
chmod 2775 "$dir/setgid"
looks() { # FOLDER: what is in it, to the last attribute
	(cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %T@ %n %l\n' | sort)
}
true_that 'cp -a in the sandbox' "$PEEL" cp -a "$dir/owned.tar" /. "$dir/caged"
true_that '... and without' "$PEEL" cp -a --no-sandbox "$dir/owned.tar" /. "$dir/free"
is 'both give links and pipes their owners, too' "$(looks "$dir/caged")" "$(looks "$dir/free")"
is '... which are the image'"'"'s' "$(stat -c %u:%g "$dir/caged/a/link" "$dir/caged/a/pipe" "$dir/caged/link" | tr '\n' ' ')" '1234:777 44:45 33:34 '
true_that 'cp -a in the sandbox, into a folder that gives its group' "$PEEL" cp -a "$dir/owned.tar" /. "$dir/setgid"
is '... links have their owners' "$(stat -c %u "$dir/setgid/a/link" "$dir/setgid/link" | tr '\n' ' ')" '1234 33 '
mkdir "$dir/user" 2>/dev/null
chown "$user" "$dir/user"
as_stranger "$PEEL" cp -a --no-cache "$dir/evil.tar" /. "$dir/user/all" 2>/dev/null
is 'cp -a as nobody: all is his, nothing set-id, no devices' \
	"$(find "$dir/user/all" \( -perm /6000 -o ! -user "$user" -o -type b -o -type c \) -print)" ''
is 'nothing came elsewhere' "$(ls "$dir" "$(dirname "$dir")" | grep -c '^escaped')" 0
done_testing
