# SPDX-License-Identifier: Apache-2.0
# A database that cannot be read whole is named with file and line, and the answer is inconclusive.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f var/lib/dpkg/status data="Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\nnonsense\nPackage: b\nStatus: install ok installed\nVersion: 1\n\n"
f var/lib/dpkg/info/a.list data="/f\n"
f lib/apk/db/installed data="P:x\nV:1\nX:unknown\nR:f\n"
f var/lib/rpm/Packages data="\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\0\x09\0\0\0"
f usr/lib/sysimage/rpm/rpmdb.sqlite data="SQLite format 3\0 and no more"
f srv/var/lib/rpm/Packages.db data="RpmP\0\0\0\0\0\0\0\0\xff\xff\xff\xff"
f srv/var/lib/rpmmanifest/container-manifest-2 data="mariner\t2.0-1\t1\t1\tM\t(none)\t580\tnoarch\t0\tmariner.src.rpm\nshort\n"
f opt/var/lib/dpkg/info/a.list data="/f\n"
f py/x-1.dist-info/METADATA data="Name: x\nVersion: 1\n"
f py/x-1.dist-info/RECORD data="f\n"
f app/node_modules/bad/package.json data="{\"name\": \"bad\",\n}"
f conda-meta/bad.json data="[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
f f size=5
END
run packages image.tar
run packages --owner /f image.tar
run packages --output json image.tar
