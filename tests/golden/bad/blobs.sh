# SPDX-License-Identifier: Apache-2.0
# A blob that is missing, cut or wrong: what can be read is shown, status 3, never a mount.
image app gz.tar --form oci-archive --compress gzip
image app plain.tar
mkdir mnt
for what in 'gz drop:layer1' 'gz flip:layer1:40' 'gz cut:layer1:60' 'plain drop:layer1' 'plain cut:layer1:600' \
	'plain flip:layer1:150' 'gz text:layer1:junk' 'plain text:layer1:junk'; do
	# shellcheck disable=SC2086
	set -- $what
	echo "-- $what"
	damage "$1.tar" t "$2"
	run ls t
	run cat t opt/app
	run stat -c %s t /nope
	run which t tool
	run mount t mnt
done
