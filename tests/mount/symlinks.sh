#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No symlink leads out of the mount: resolved by the kernel, every link of the image ends inside.
. "$(dirname "$0")/lib.sh"

make_image image.tar <<'END'
layer COPY
d etc
f etc/hostname data=image
f etc/passwd data=image
d usr/bin
d usr/local/lib/deep
f usr/bin/python3.11 data=image
l usr/bin/python3 -> python3.11
l usr/bin/python -> /usr/bin/python3
l absolute -> /etc/hostname
l root -> /
l escape -> root/../../etc/hostname
l above -> ../../../../../../etc/hostname
l etc/abovetoo -> ../../../etc/passwd
l usr/local/lib/deep/rel -> ../../../../etc/hostname
l usr/local/lib/deep/abs -> /usr/bin/python
l updir -> usr/local/lib/../lib/deep/../../../bin/python3
l throughlink -> updirdir/../etc/hostname
l updirdir -> usr
l dangling -> /no/such/place
l danglingup -> nowhere/../../../../../etc/hostname
l loop -> loop
l loopa -> /loopb
l loopb -> /loopa
l dot -> .
l dotdot -> ..
l plain -> etc/hostname
l slashes -> //etc//hostname
l procfs -> /proc/self/root/etc/hostname
END
mount_image image.tar
for link in absolute escape above usr/local/lib/deep/rel plain slashes throughlink; do
	is "$link" "$(readlink -f "$mnt/$link" | sed "s|^$mnt||") $(cat "$mnt/$link")" '/etc/hostname image'
done
for link in usr/bin/python usr/local/lib/deep/abs updir; do
	is "$link" "$(readlink -f "$mnt/$link" | sed "s|^$mnt||")" /usr/bin/python3.11
done
is 'etc/abovetoo' "$(readlink -f "$mnt/etc/abovetoo")" "$mnt/etc/passwd"
is 'root' "$(readlink -f "$mnt/root")" "$mnt"
is 'dotdot stays at the root' "$(readlink -f "$mnt/dotdot")" "$mnt"
for link in dangling danglingup procfs; do
	false_that "$link leads nowhere" test -e "$mnt/$link"
	like "$link stays inside" "$(readlink -m "$mnt/$link")/" "^$mnt/"
done
for link in loop loopa loopb; do
	like "$link loops" "$(cat "$mnt/$link" 2>&1)" 'Too many levels'
done
is 'no link is absolute' "$(find "$mnt" -type l -lname '/*')" ''
is 'lengths are those that are shown' "$(find "$mnt" -type l -printf '%s %l\n' | awk '{ n = $1; sub(/^[0-9]+ /, "") } n != length($0)')" ''
is 'stored relative links are as stored' "$(cd "$mnt" && readlink plain usr/bin/python3 dot | tr '\n' ' ')" \
	'etc/hostname python3.11 . '
is 'the same from another place' "$(cd "$mnt/usr/local" && cat lib/deep/rel)" image
true_that 'unmount' unmount

mount_image image.tar -o symlinks=raw
is 'raw: as stored' "$(cd "$mnt" && readlink absolute escape usr/bin/python dangling | tr '\n' ' ')" \
	'/etc/hostname root/../../etc/hostname /usr/bin/python3 /no/such/place '
is 'raw: lengths' "$(stat -c %s "$mnt/absolute")" 13
true_that 'unmount again' unmount

mount_image image.tar -o view=layers
layer=$(ls "$mnt" | head -n 1)
is 'layers: each layer is its own root' "$(readlink -f "$mnt/$layer/escape")" "$mnt/$layer/etc/hostname"
is 'layers: above' "$(readlink -f "$mnt/$layer/above")" "$mnt/$layer/etc/hostname"
is 'layers: merged too' "$(readlink -f "$mnt/merged/usr/local/lib/deep/abs")" "$mnt/merged/usr/bin/python3.11"
is 'layers: dotdot' "$(readlink -f "$mnt/merged/dotdot")" "$mnt/merged"
true_that 'unmount at last' unmount
done_testing
