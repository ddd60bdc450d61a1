# SPDX-License-Identifier: Apache-2.0
# Facts of a rebuilt image's lower layers come from those of the image before it: row for row what gathering them gives,
# in a cage and without, whatever happens to the cache meanwhile.
cat >"$scratch/make.py" <<'PYTHON'
"""Two images of one lower layer that has something for each table of the facts, and of another upper one each."""
import io
import os
import random
import subprocess
import sys
import zipfile
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage

codec, form, out = sys.argv[1:]
program = open(os.path.realpath(sys.executable), "rb").read()
needed = subprocess.run(["ldd", sys.executable], stdout=subprocess.PIPE, text=True, check=True).stdout
library = open(next(word for word in needed.split() if word.startswith("/") and "libc.so" in word), "rb").read()
bundle = io.BytesIO()
with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for name, data in (("bin/serve", program[:300000] + b"Fatal Python error: " * 3), ("a.py", b"import os\n"), ("none", b"")):
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
member = b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (b"x.o/", 0, 0, 0, 0o644, 1000) + program[:1000]
status = b"Package: libc6\nStatus: install ok installed\nVersion: 2\nArchitecture: amd64\nInstalled-Size: 5\n\n"


def file(path, data, **more):
    return {"type": "f", "path": path, "data": data, **more}


lower = [
    file(b"usr/bin/python3", program), file(b"lib/libc.so.6", library), file(b"app.jar", bundle.getvalue()),
    file(b"usr/lib/libx.a", b"!<arch>\n" + member), file(b"usr/bin/run", b"#!/usr/bin/env python3\nprint(1)\n"),
    file(b"cut", program[:200000]), file(b"empty", b""), file(b"text", b"word " * 1000),
    file(b"data", bytes(range(1, 256)) * 9), file(b"back", b"x" * 7000 + b"\0"), file(b"etc/old", b"old\n"),
    {"type": "h", "path": b"usr/bin/python", "link": b"usr/bin/python3"},
    {"type": "f", "path": b"holes", "extents": [(4096, b"#!/bin/sh\n")], "size": 1 << 20},
    file(b"var/lib/dpkg/status", status), file(b"var/lib/dpkg/info/libc6.list", b"/.\n/lib\n/lib/libc.so.6\n"),
    file(b"weights", random.Random(1).randbytes(8 << 20)),
]
for number, upper in enumerate(([file(b"etc/new", b"1\n")],
                                [file(b"etc/new", b"two\n"), file(b"lib/libc.so.6", library, mtime=(5, 0)),
                                 {"type": "w", "path": b"etc/old"}])):
    mkimage.build(f"{out}{number}", [{"instruction": "RUN", "entries": lower}, {"instruction": "COPY", "entries": upper}],
                  form=form, compress=codec)
PYTHON
cat >"$scratch/dump.py" <<'PYTHON'
"""All rows of the newest facts file of a folder but for where the image is; --count: how many tables have some."""
import glob
import os
import sqlite3
import sys
path = max(glob.glob(sys.argv[1] + "/*.facts"), key=os.path.getmtime)
db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
db.text_factory = bytes
full = 0
for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
    rows = db.execute(f"SELECT * FROM {name.decode()}").fetchall()
    rows = sorted(repr(row) for row in rows if row[0] != b"image")
    full += bool(rows)
    print(name.decode(), *rows, sep="\n", file=None if len(sys.argv) < 3 else open(os.devnull, "w"))
if len(sys.argv) > 2:
    print("tables with rows:", full)
PYTHON
cat >"$scratch/count.py" <<'PYTHON'
"""Bytes that a command reads with system calls."""
import os
import sys
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execvp(sys.argv[1], sys.argv[1:])
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
with open(f"/proc/{child}/io") as file:
    print(file.readline().split()[1])
PYTHON
count() { # CACHE IMAGE
	python3 "$scratch/count.py" "$PEEL" index --facts --no-sandbox --cache-dir "$1" "$2"
}
gather() { # CACHE IMAGE [OPTION]...: facts into the cache, and what a verdict says
	local cache=$1 image=$2
	shift 2
	"$PEEL" check --cache-dir "$cache" "$@" --deny python "$image" >"$scratch/verdict.$cache" 2>&1
	python3 "$scratch/dump.py" "$cache" >"$scratch/dump.$cache"
}
same() { # CACHE WHAT
	cmp "$scratch/dump.alone" "$scratch/dump.$1" && cmp "$scratch/verdict.alone" "$scratch/verdict.$1" && echo "$2: same"
}
for codec in none gzip zstd; do
	python3 "$scratch/make.py" $codec oci-archive $codec
done
python3 "$scratch/make.py" gzip oci folder
sleep 2.2
for image in none gzip zstd folder; do
	rm -rf alone caged free first
	gather alone ${image}1
	gather first ${image}0
	cmp -s "$scratch/dump.alone" "$scratch/dump.first" && echo "both images are the same"
	cp -a first caged
	cp -a first free
	gather caged ${image}1
	same caged "$image in a cage"
	gather free ${image}1 --no-sandbox
	same free "$image without"
	# The index is at hand: with the facts of the image before, most of what is to be read need not be.
	rm -f free/*.facts
	alone=$(count free ${image}1)
	rm -rf helped
	cp -a first helped
	"$PEEL" index --cache-dir helped ${image}1 >/dev/null
	[ "$(count helped ${image}1)" -lt $((alone / 2)) ] && echo "$image: not half of it is read"
done
python3 "$scratch/dump.py" alone --count
tail -n 1 "$scratch/verdict.alone"
# The cache is emptied meanwhile, again and again: nothing of it is needed.
while :; do
	"$PEEL" cache gc --cache-dir first --limit 1
done >"$scratch/gc" 2>&1 &
for ((i = 0; i < 8; i++)); do
	"$PEEL" index --facts --cache-dir first gzip0 >/dev/null
	"$PEEL" check --cache-dir first --deny python gzip1 >"$scratch/verdict.first" 2>&1
	cmp "$scratch/verdict.alone" "$scratch/verdict.first"
done
kill $!
wait $! 2>/dev/null
rm -f "$scratch/verdict.alone" "$scratch/dump.alone"
gather alone gzip1
gather first gzip1
same first "emptied meanwhile"
