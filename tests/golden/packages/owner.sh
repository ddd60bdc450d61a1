# SPDX-License-Identifier: Apache-2.0
# Who owns a path, as dpkg -S says it for one that is reached through a link; an alternative is its target's.
image dpkg image.tar
for path in /bin/sh usr/bin/sh /usr/bin/diverted /usr/bin/diverted.orig /usr/bin/editor /etc/ld.so.cache \
	/usr/lib/python3/dist-packages/__pycache__/mod.cpython-311.opt-1.pyc /usr/share/same/copyright; do
	run packages --owner "$path" image.tar
done
run packages --owner /usr/bin/sh --output json image.tar
run packages --owner /etc/gone.conf image.tar
run packages --owner /no/such image.tar
run packages --files dash image.tar
run packages --files same:i386 --output csv image.tar
run packages --files same=1 image.tar
run packages --files nothing image.tar
