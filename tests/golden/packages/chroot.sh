# SPDX-License-Identifier: Apache-2.0
# A root filesystem in the image has its own packages, which own nothing outside of it, whatever its links say.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f opt/root/var/lib/dpkg/status data="Package: inner\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
f opt/root/var/lib/dpkg/info/inner.list data="/bin/tool\n/out/sh\n/up/../../../usr/bin/sh\n/../../usr/bin/sh\n"
l opt/root/bin -> usr/bin
l opt/root/out -> /usr/bin
f opt/root/usr/bin/tool size=5
f usr/bin/sh size=9
f opt/root/etc/ld.so.cache size=2
END
run packages image.tar
