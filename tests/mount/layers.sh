#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# view=layers: every layer as stored beside the merged tree; and the provenance xattrs.
. "$(dirname "$0")/lib.sh"

for form in docker-archive 'oci-archive --compress gzip'; do
	# shellcheck disable=SC2086
	make_image image.tar --form $form <<'END'
layer COPY first
d etc
f etc/a data=1
f etc/b data=b
d opt/old
f opt/old/x data=x
layer RUN second
f etc/a data=22
w etc/b
d opt
o opt
f opt/new data=new
layer RUN third
f top data=t xattr.user.peel.layer=forged xattr.user.own=kept
END
	mount_image image.tar -o view=layers
	names=$(ls "$mnt" | tr '\n' ' ')
	like "$form: names" "$names" '^00-[0-9a-f]{12} 01-[0-9a-f]{12} 02-[0-9a-f]{12} merged $'
	# shellcheck disable=SC2206
	at=($names)
	is "$form: links of the root" "$(stat -c %h "$mnt")" 6
	is "$form: parent of a layer's root" "$(stat -c %i "$mnt/${at[0]}/..")" 1
	is "$form: d_ino of that parent" "$(ls -ai "$mnt/${at[0]}" | awk '$2 == ".." { print $1 }')" 1
	is "$form: first layer" "$(cd "$mnt/${at[0]}" && find . ! -type d | sort | tr '\n' ' ')" './etc/a ./etc/b ./opt/old/x '
	is "$form: second layer shows its whiteouts" "$(cd "$mnt/${at[1]}" && find . ! -type d | sort | tr '\n' ' ')" \
		'./etc/.wh.b ./etc/a ./opt/.wh..wh..opq ./opt/new '
	is "$form: whiteouts are empty files" "$(stat -c '%F' "$mnt/${at[1]}/etc/.wh.b")" 'regular empty file'
	is "$form: content of each" "$(cat "$mnt/${at[0]}/etc/a" "$mnt/${at[1]}/etc/a" "$mnt/merged/etc/a")" 12222
	is "$form: merged" "$(cd "$mnt/merged" && find . ! -type d | sort | tr '\n' ' ')" './etc/a ./opt/new ./top '
	is "$form: inode numbers are unique over the views" "$(find "$mnt" -printf '%i\n' | sort | uniq -d)" ''
	true_that "$form: unmount" unmount
done

mount_image image.tar -o provenance
is 'provenance of a file' "$(cd "$mnt" && getfattr -d etc/a | sed '/digest/d' | tr '\n' ' ')" \
	'# file: etc/a user.peel.instruction="RUN second" user.peel.layer="1"  '
like 'its digest' "$(cd "$mnt" && getfattr --only-values -n user.peel.digest etc/a)" '^sha256:[0-9a-f]{64}$'
is 'provenance of a folder' "$(getfattr --absolute-names --only-values -n user.peel.layer "$mnt/etc")" 0
is 'an image cannot forge it, other xattrs stay' "$(cd "$mnt" && getfattr -d top | grep -c 'layer="2"\|own="kept"')" 2
true_that 'unmount' unmount
mount_image image.tar
is 'without it, only those of the image' "$(cd "$mnt" && getfattr -d etc/a)" ''
is 'and those as stored' "$(cd "$mnt" && getfattr --only-values -n user.peel.layer top)" forged
true_that 'unmount again' unmount
done_testing
