#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# uid= and gid=, allow_other and default_permissions, as seen by another user.
. "$(dirname "$0")/lib.sh"
[ -z "${PEEL_TEST_USERNS-}" ] || skip 'a user namespace shows no owners but its own'

sed "s/USER/$(id -u "$user")/" <<'END' | make_image image.tar
layer COPY
f open mode=644 uid=7 gid=8 data=open
f closed mode=600 uid=7 gid=8 data=closed
f theirs mode=600 uid=USER gid=12345 data=theirs
d locked mode=700 uid=7
f locked/x data=x
END
mount_image image.tar
is 'owners as stored' "$(stat -c '%u %g' "$mnt/open")" '7 8'
true_that 'unmount' unmount
mount_image image.tar -o uid=42
is 'uid=' "$(stat -c '%u %g' "$mnt/open" "$mnt/locked")" $'42 8\n42 0'
true_that 'unmount' unmount
mount_image image.tar -o gid=0,uid=0
is 'uid=0 and gid=0' "$(stat -c '%u %g' "$mnt/open")" '0 0'
true_that 'unmount' unmount
for bad in uid=x uid= uid=-1 gid=4294967296 view=none symlinks= nosuchoption; do
	"$PEEL" mount -o "$bad" "$dir/image.tar" "$mnt" >"$dir/out" 2>&1
	is "-o $bad is refused" "$? $(grep -c "$(printf %s "${bad%%=*}")" "$dir/out")" '2 1'
done
false_that 'nothing was mounted' is_mounted

open_device_to_users
mount_image image.tar
false_that 'others may not look' as_user ls "$mnt"
true_that 'unmount' unmount
mount_image image.tar -o allow_other
like 'allow_other implies default_permissions' "$(awk -v at="$mnt" '$5 == at { print $NF }' /proc/self/mountinfo)" \
	'default_permissions,allow_other'
is 'another user reads what all may read' "$(as_user cat "$mnt/open")" open
is 'and what is hers' "$(as_user cat "$mnt/theirs")" theirs
like 'not what is closed' "$(LC_ALL=C as_user cat "$mnt/closed" 2>&1)" 'Permission denied'
like 'nor a locked folder' "$(LC_ALL=C as_user ls "$mnt/locked" 2>&1)" 'Permission denied'
is 'root reads all' "$(cat "$mnt/closed" "$mnt/locked/x")" closedx
true_that 'unmount' unmount
mkdir -p "$dir/user/mnt" && chown -R "$user" "$dir/user"
printf '' >"$dir/fuse.conf"
mount --bind "$dir/fuse.conf" /etc/fuse.conf || skip 'no /etc/fuse.conf'
like 'a user needs user_allow_other, and is told so' \
	"$(as_user "$PEEL" mount -o allow_other "$dir/image.tar" "$dir/user/mnt" 2>&1)" 'user_allow_other'
true_that 'nothing stays' eventually is_gone "$dir/user/mnt"
echo user_allow_other >"$dir/fuse.conf"
true_that 'with it, it works' as_user "$PEEL" mount -o allow_other "$dir/image.tar" "$dir/user/mnt"
is 'and root may look' "$(cat "$dir/user/mnt/open")" open
true_that 'unmount' as_user "$PEEL" umount "$dir/user/mnt"

# As with `docker run -u 12345`: fusermount3 wants a name, root does not (nor a private mount: see run.sh).
printf 'root:x:0:0::/:/bin/sh\n' >"$dir/passwd"
mount --bind "$dir/passwd" /etc/passwd || skip 'no /etc/passwd'
user=12345
mkdir "$dir/nameless" && chown "$user" "$dir/nameless"
like 'a user without a name is told so' "$(as_user "$PEEL" mount "$dir/image.tar" "$dir/nameless" 2>&1)" \
	"could not determine username \(user 12345 has no name in /etc/passwd; root and 'peel run' need none\)"
false_that 'nothing was mounted' is_mounted "$dir/nameless"
: >"$dir/passwd"
true_that 'root needs no name' "$PEEL" mount "$dir/image.tar" "$mnt"
true_that 'unmount' unmount
done_testing
