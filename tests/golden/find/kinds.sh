# SPDX-License-Identifier: Apache-2.0
python3 "$golden/../lib/mkimage.py" kinds.tar <<'END'
layer ADD kinds
f a.out data="\x7fELF\x02\x01\x01"
f run data="#!/bin/sh\n"
f m.pyc data="\xa7\r\r\n\x00\x00\x00\x00\x00\x00\x00\x00"
f m27.pyc data="\x03\xf3\r\n\x00\x00\x00\x00"
f not.pyc data="ab\r\nab\r\nab"
f a.zip data="PK\x03\x04zip"
f a.gz data="\x1f\x8b\x08\x00gzip"
f a.xz data="\xfd7zXZ\x00xz"
f a.zst data="\x28\xb5\x2f\xfdzstd"
f a.bz2 data="BZh91AY&SYbzip2"
f bzh.txt data="BZh is no archive\n"
f a.a data="!<arch>\nmember.o/       0"
f a.deb data="!<arch>\ndebian-binary   0"
f a.png data="\x89PNG\r\n\x1a\n"
f A.class data="\xca\xfe\xba\xbe\x00\x00\x00\x34"
f fat data="\xca\xfe\xba\xbe\x00\x00\x00\x02"
f words.txt data="words\n"
f utf8.txt data="\xc3\xa4\xe2\x82\xac\n"
f latin1.txt data="\xe4\n"
f bytes data="\x00\x01\x02"
f nothing data=""
f db data="SQLite format 3\x00"
l link -> run
d folder
END
tar --format=ustar -cf inner.tar -C / --mtime=@0 --owner=0 --group=0 --numeric-owner --no-recursion etc
python3 - <<'END'
import os, sys
sys.path.insert(0, os.path.join(os.environ["golden"], "..", "lib"))
import mkimage
mkimage.build("tar.tar", [{"entries": [{"type": "f", "path": b"inner", "data": open("inner.tar", "rb").read()}]}])
END
run find kinds.tar -printf '%-8{kind} %p\n'
run find kinds.tar -kind elf,script
run find kinds.tar -kind pyc -o -kind empty
run find kinds.tar ! -kind text -type f -name '*.txt'
run find tar.tar -kind tar
run find kinds.tar -kind nothing
run find kinds.tar -kind elf,
run find kinds.tar -printf '%{kind'
run find kinds.tar -printf '%{owner}'
