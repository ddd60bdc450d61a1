# SPDX-License-Identifier: Apache-2.0
# The package is that of the layer's own time, gone later or not.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer RUN apt-get install -y git
f var/lib/dpkg/status data="Package: git\nStatus: install ok installed\nVersion: 1:2.39.5-0+deb12u2\nArchitecture: amd64\n\n"
f var/lib/dpkg/info/git.list data="/.\n/usr\n/usr/bin\n/usr/bin/git\n"
f usr/bin/git mode=755 size=3700000
layer RUN rm /usr/bin/git
w usr/bin/git
END
run why image.tar /usr/bin/git
run why --output json image.tar usr/bin/git
