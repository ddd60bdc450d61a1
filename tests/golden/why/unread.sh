# SPDX-License-Identifier: Apache-2.0
# A package database that cannot be read: the owner is not known, which no status 0 may hide; and a document says
# that a limit was hit while it was written.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer COPY
d usr/bin
f usr/bin/hello data="x"
f usr/bin/other data="x"
l var/lib/dpkg -> /real/dpkg
l real -> really
f really/dpkg/info/hello.list data="/usr/bin/hello\n"
f really/dpkg/status data="Package: hello\nStatus: install ok installed\nVersion: 1\n\n"
END
run why image.tar /usr/bin/hello
run why --limit symlink-hops=1 image.tar /usr/bin/hello
run why --limit symlink-hops=1 --output json image.tar /usr/bin/hello
