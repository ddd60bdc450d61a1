#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may do what: test -x and which, reading what the image locks up, writing nothing, and never set-id or devices.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d bin mode=755
f bin/tool mode=755 data="#!/bin/sh\necho tool\n"
f bin/notes mode=644 data="no program\n"
f bin/mine mode=100 data="#!/bin/sh\n"
d locked mode=0
f locked/secret mode=0 data=secret
END
mount_image image.tar -o rw,suid,dev,exec,async,noatime,auto,nofail,_netdev,x-systemd.automount,defaults
like 'always ro, nosuid, nodev' "$(awk -v at="$mnt" '$5 == at { print $6 }' /proc/self/mountinfo)" '^ro,nosuid,nodev,'
true_that 'test -x of a program' test -x "$mnt/bin/tool"
true_that 'test -x with one x bit' test -x "$mnt/bin/mine"
false_that 'test -x of a text' test -x "$mnt/bin/notes"
true_that 'test -x of a folder' test -x "$mnt/bin"
true_that 'test -r' test -r "$mnt/bin/notes"
false_that 'test -w' test -w "$mnt/bin/notes"
is 'which finds programs only' "$(PATH=$mnt/bin /usr/bin/which tool notes)" "$mnt/bin/tool"
is 'a program runs' "$("$mnt/bin/tool")" tool
false_that 'a text does not' "$mnt/bin/notes"
for what in 'touch new' 'touch bin/tool' 'mkdir new' 'rm bin/tool' 'rmdir locked' 'mv bin/tool tool' 'ln bin/tool tool' \
	'ln -s x y' 'chmod 777 bin/tool' 'chown 1 bin/tool' 'truncate -s 0 bin/tool' 'mkfifo new' 'setfattr -n user.a -v b bin/tool'; do
	like "$what" "$(cd "$mnt" && LC_ALL=C $what 2>&1)" 'Read-only file system'
done
true_that 'unmount' unmount
mount_image image.tar -o noexec
like 'noexec where it is asked for' "$(awk -v at="$mnt" '$5 == at { print $6 }' /proc/self/mountinfo)" 'noexec'
true_that 'unmount again' unmount

open_device_to_users
cp "$dir/image.tar" "$dir/user.tar" && mkdir -p "$dir/user/mnt" && chown -R "$user" "$dir/user"
mnt=$dir/user/mnt
true_that 'an ordinary user mounts' as_user "$PEEL" mount "$dir/user.tar" "$mnt"
is 'and reads what is locked' "$(as_user cat "$mnt/locked/secret")" secret
false_that 'test -x of a text, as user' as_user test -x "$mnt/bin/notes"
false_that 'root may not look' ls "$mnt"
true_that 'and unmounts' as_user "$PEEL" umount "$mnt"
true_that 'it is gone' eventually is_gone
done_testing
