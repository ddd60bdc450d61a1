#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Through mount(8): `mount -t fuse.peel`, fstab, umount(8), and the statuses of mount(8).
. "$(dirname "$0")/lib.sh"
[ -e /sbin/mount.fuse ] || [ -e /sbin/mount.fuse3 ] || skip 'no mount.fuse3'

make_image image.tar <<'END'
layer COPY
f name data=x uid=5
f tool mode=755
END
cp "$dir/image.tar" "$dir/an image.tar"
# mount.fuse3 runs what PATH calls peel, and mount(8) sets PATH anew.
mkdir "$dir/full" && touch "$dir/full/x"
mount -t tmpfs -o mode=755 none /usr/local/bin && ln -s "$PEEL" /usr/local/bin/peel || skip 'no right to mount'
flags() {
	awk -v at="$mnt" '$5 == at { print $6, $8 }' /proc/self/mountinfo
}

true_that 'mount -t fuse.peel' mount -t fuse.peel "$dir/image.tar" "$mnt"
is 'it is ready when mount returns' "$(cat "$mnt/name")" x
like 'ro, nosuid, nodev, though mount(8) adds dev and suid' "$(flags)" '^ro,nosuid,nodev,.* fuse\.peel$'
is 'name in mount' "$(awk -v at="$mnt" '$5 == at { print $9 }' /proc/self/mountinfo)" "$dir/image.tar"
true_that 'umount' umount "$mnt"
true_that 'nothing is left' eventually is_gone

true_that 'options' mount -t fuse.peel -o uid=0,noexec,x-note=1,user,_netdev,nofail "$dir/image.tar" "$mnt"
is 'uid' "$(stat -c %u "$mnt/name")" 0
like 'noexec' "$(flags)" noexec
true_that 'umount' umount "$mnt"
eventually is_gone

true_that 'a blank in the name' mount -t fuse.peel "$dir/an image.tar" "$mnt"
true_that 'umount' umount "$mnt"
eventually is_gone

cat >"$dir/fstab" <<END
$dir/an\\040image.tar $mnt fuse.peel ro,noauto,user,nofail,x-systemd.automount,provenance 0 0
END
true_that 'fstab' mount --fstab "$dir/fstab" "$mnt"
is 'its options' "$(getfattr --absolute-names --only-values -n user.peel.layer "$mnt/name")" 0
like 'its flags' "$(flags)" '^ro,nosuid,nodev'
true_that 'umount' umount "$mnt"
true_that 'nothing is left' eventually is_gone
echo "docker-archive:$dir/image.tar $mnt fuse.peel view=layers 0 0" >"$dir/fstab"
true_that 'fstab with a transport' mount --fstab "$dir/fstab" -a
like 'view=layers' "$(ls "$mnt")" '^merged$'
true_that 'umount' umount "$mnt"
eventually is_gone

mount -t fuse.peel "$dir/nothing.tar" "$mnt" 2>"$dir/out"
is 'no such image is status 32' $? 32
like 'and names it' "$(cat "$dir/out")" 'nothing.tar'
mount -t fuse.peel "$dir/image.tar" "$dir/full" 2>"$dir/out"
is 'a mount point that is not empty is status 32' $? 32
like 'and says so' "$(cat "$dir/out")" 'not empty'
mount -t fuse.peel -o nosuchoption "$dir/image.tar" "$mnt" 2>"$dir/out"
is 'an unknown option is status 1' $? 1
like 'and names it' "$(cat "$dir/out")" 'nosuchoption'
false_that 'nothing is mounted' is_mounted
done_testing
