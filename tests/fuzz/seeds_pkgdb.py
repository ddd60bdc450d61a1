# SPDX-License-Identifier: Apache-2.0
"""Seeds for package databases: trees of files (filetree.h), rpm's headers and the files that hold them, programs."""
import os
import sqlite3
import struct
import tempfile
import zlib

from seeds_facts import elf_with

STATUS = """Package: git
Status: install ok installed
Priority: optional
Installed-Size: 41500
Architecture: amd64
Source: git (1:2.39)
Version: 1:2.39.5-0+deb12u2
Description: fast
 more of it
 .
 end

Package: libc6
Status: deinstall ok config-files
Version: 2.36-9
Architecture: amd64
"""
DPKG = [
    ("var/lib/dpkg/status", STATUS),
    ("var/lib/dpkg/info/git.list", "/.\n/usr\n/usr/bin\n/usr/bin/git\n/lib/x.so\n"),
    ("var/lib/dpkg/info/git.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/git\n"),
    ("var/lib/dpkg/info/libc6:amd64.list", "/usr/lib/x.so\n"),
    ("var/lib/dpkg/diversions", "/usr/bin/git\n/usr/bin/git.real\ndash\n"),
    ("var/lib/dpkg/alternatives/vi", "auto\n/usr/bin/vi\n\n/usr/bin/vim\n10\n"),
    ("lib@", "usr/lib"), ("usr/lib/x.so", "x"), ("usr/bin/git", "x"), ("usr/bin/git.real", "x"),
    ("etc/alternatives/vi@", "/usr/bin/git"), ("usr/bin/vi@", "/etc/alternatives/vi"), ("etc/ld.so.cache", "x"),
]
APK = "P:musl\nV:1.2.3-r4\nA:x86_64\nS:383152\nI:622592\no:musl\nF:lib\nR:libc.so\na:0:0:777\nZ:Q1abc=\nF:usr\n\nP:x\nV:1\nr:y\n"
WHEEL = "Metadata-Version: 2.1\nName: flask\nVersion: 3.0.0\nSummary: x\n\nLong text\n"
RECORD = 'flask/__init__.py,sha256=abc,10\nflask-3.0.0.dist-info/RECORD,,\n"a,""b",,\n../../../bin/flask,,\n'
SITE = "usr/lib/python3/dist-packages/"
TREES = {
    "dpkg": DPKG,
    "statusd": [("var/lib/dpkg/status.d/base", STATUS.split("\n\n")[0]), ("usr/bin/git", ""),
                ("var/lib/dpkg/status.d/base.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/bin/git\n")],
    "inner": [("opt/root/" + path, text) for path, text in DPKG[:3]] + [("opt/root/usr/bin/git", "")],
    "apk": [("lib/apk/db/installed", APK), ("lib/libc.so", ""), ("lib/apk/db/triggers", "")],
    "wheel": [(SITE + "flask-3.0.0.dist-info/METADATA", WHEEL), (SITE + "flask-3.0.0.dist-info/RECORD", RECORD),
              (SITE + "flask/__init__.py", ""), (SITE + "flask/__pycache__/__init__.cpython-311.pyc", ""),
              (SITE + "flask-3.0.0.dist-info/INSTALLER", "pip\n"), ("usr/bin/flask", "")],
    "egg": [(SITE + "six-1.16.egg-info/PKG-INFO", WHEEL), (SITE + "six-1.16.egg-info/top_level.txt", "six\n"),
            (SITE + "six-1.16.egg-info/installed-files.txt", "../six.py\n"), (SITE + "six.py", ""),
            (SITE + "nose.egg-info", WHEEL), (SITE + "dev.egg-link", "/src/dev\n."), (SITE + "zip-1-py3.11.egg", "PK"),
            (SITE + "old-1-py3.11.egg/EGG-INFO/PKG-INFO", WHEEL), (SITE + "easy-install.pth", "./old-1-py3.11.egg\n")],
    "conda": [("opt/conda/conda-meta/zlib-1.2.13-0.json",
               '{"name": "zlib", "version": "1.2.13", "build": "0", "files": ["lib/libz.so", "a\\u00e9"], "size": 1e3}'),
              ("opt/conda/lib/libz.so", ""), ("opt/conda/conda-meta/history", ""),
              ("opt/conda/pkgs/zlib-1.2.13-0/info/index.json", '{"name": "zlib", "version": "1.2.13", "subdir": "linux-64"}'),
              ("opt/conda/pkgs/zlib-1.2.13-0/lib/libz.so", ""), ("opt/conda/pkgs/zlib-1.2.13-0.conda", "PK")],
    "npm": [("app/node_modules/left-pad/package.json", '{"name": "left-pad", "version": "1.3.0", "Name": 1}'),
            ("app/node_modules/left-pad/index.js", ""), ("app/node_modules/@scope/pkg/package.json", '{"name": "@scope/pkg"}'),
            ("app/node_modules/.pnpm/a@1/node_modules/a/package.json", "{}"), ("app/node_modules/.package-lock.json", "{}"),
            ("app/package-lock.json", '{"lockfileVersion": 3, "packages": {"": {}, "node_modules/left-pad": {"version": "1"}}}')],
    "gem": [("var/lib/gems/3.1.0/specifications/rake-13.0.6.gemspec", "# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n"),
            ("var/lib/gems/3.1.0/specifications/default/json-2.6.1.gemspec", 'Gem::Specification.new do |s|\n  s.name = "json"\n'),
            ("var/lib/gems/3.1.0/gems/rake-13.0.6/lib/rake.rb", ""), ("var/lib/gems/3.1.0/cache/rake-13.0.6.gem", "")],
    "mariner": [("var/lib/rpmmanifest/container-manifest-2",
                 "filesystem\t1.1-14.cm2\t1662413850\t1\tMicrosoft\t(none)\t0\tx86_64\t0\tfilesystem-1.1.src.rpm\n"),
                ("var/lib/rpmmanifest/container-manifest-1", "a\n")],
    "rpm-bad": [("var/lib/rpm/Packages", "\0" * 12 + "\x61\x15\x06\0"), ("usr/lib/sysimage/rpm/Packages.db", "RpmP"),
                ("usr/share/rpm/rpmdb.sqlite", "SQLite format 3\0"), ("usr/share/rpm/rpmdb.sqlite-wal", "x")],
}


def trees():
    """Each kind of database alone, and all together."""
    for name, files in TREES.items():
        yield name, b"\x1e".join(("%s\n%s" % file).encode("latin-1") for file in files)


def header(name="pkg", files=(("/d/", "a", 0), ("/d/", "b", 1), ("/e/", "c", 0)), extra=()):
    """A package's header."""
    folders = sorted({file[0] for file in files})
    entries = [(1000, 6, 1, name.encode() + b"\0"), (1001, 6, 1, b"1.0\0"), (1002, 6, 1, b"3.el9\0"), (1022, 6, 1, b"x86_64\0"),
               (1003, 4, 1, struct.pack(">I", 2)), (1009, 4, 1, struct.pack(">I", 4096)), (1044, 6, 1, b"pkg-1.0-3.src.rpm\0"),
               (1116, 4, len(files), b"".join(struct.pack(">I", folders.index(file[0])) for file in files)),
               (1117, 8, len(files), b"".join(file[1].encode() + b"\0" for file in files)),
               (1118, 8, len(folders), b"".join(folder.encode() + b"\0" for folder in folders)),
               (1029, 1, len(files), bytes(file[2] for file in files)),
               (1030, 3, len(files), b"".join(struct.pack(">H", 0o100644) for _ in files)), *extra]
    index, data = b"", b""
    for tag, kind, count, value in entries:
        data += bytes(-len(data) % 8)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(entries), len(data)) + index + data


def ndb(headers):
    """Packages.db with these headers."""
    slots, blobs = [], b""
    for number, blob in enumerate(headers, 1):
        blobs += bytes(-len(blobs) % 16)
        slots.append(struct.pack("<4sIII", b"Slot", number, (4096 + len(blobs)) // 16, (len(blob) + 31) // 16))
        blobs += struct.pack("<4sIII", b"BlbS", number, 0, len(blob)) + blob
    page = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(headers) + 1, 0, 0, 0) + b"".join(slots)
    return page + struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((4096 - len(page)) // 16) + blobs


def database(headers, page=1024, schema="'hnum' INTEGER PRIMARY KEY AUTOINCREMENT, 'blob' BLOB NOT NULL"):
    """rpmdb.sqlite with these headers."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rpmdb.sqlite")
        db = sqlite3.connect(path)
        db.execute("PRAGMA page_size = %d" % page)
        db.execute("CREATE TABLE 'Packages' (%s)" % schema)
        db.execute("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        for blob in headers:
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
        db.commit()
        db.close()
        with open(path, "rb") as file:
            data = bytearray(file.read())
    # Which library wrote it says nothing.
    data[96:100] = bytes(4)
    return bytes(data)


def string(text):
    """A text of Go's."""
    return bytes([len(text) & 0x7f | 0x80, len(text) >> 7]) + text if len(text) > 127 else bytes([len(text)]) + text


def programs():
    mark = bytes(range(16))
    modules = mark + b"path\tcommand-line-arguments\nmod\texample.com/app\tv1.2.3\th1:x=\ndep\tgolang.org/x/sys\tv0.1.0\n" + mark
    go = b"\xff Go buildinf:\x08\x02" + bytes(16) + string(b"go1.21.3") + string(modules)
    yield "go", elf_with(b".go.buildinfo", go)
    yield "go-pointers", elf_with(b".go.buildinfo", b"\xff Go buildinf:\x08\0" + bytes(16))
    crates = b'{"packages":[{"name":"app","version":"0.1.0","root":true,"dependencies":[1]},{"name":"serde","version":"1.0.1"}]}'
    yield "cargo", elf_with(b".dep-v0", zlib.compress(crates))
    yield "cargo-plain", elf_with(b".dep-v0", crates)


def binaries():
    yield "header", b"\0" + header()
    yield "header-empty", b"\0" + header(files=())
    yield "header-sizes", b"\0" + header(extra=[(5009, 5, 1, struct.pack(">Q", 1 << 40)), (1116, 4, 1, bytes(4))])
    yield "ndb", b"\1" + ndb([header(), header("b", ())])
    yield "ndb-overlap", b"\1" + ndb([header()]).replace(struct.pack("<4sI", b"Slot", 0), struct.pack("<4sI", b"Slot", 1))
    for name, data in programs():
        yield name, b"\2" + data


def databases():
    yield "small", database([header(), header("b", ())], 512)
    yield "overflow", database([header() * 12], 512)
    yield "many", database([b"x"] * 100, 512)
    yield "empty", database([], 512)
    yield "no-key", database([header()], 512, "blob BLOB, 'hnum' INTEGER")
    yield "default", database([header()], 512, "hnum INTEGER PRIMARY KEY, blob BLOB DEFAULT (zeroblob(1000000))")
    yield "generated", database([header()], 512, "hnum INTEGER PRIMARY KEY, blob BLOB, x GENERATED ALWAYS AS (hex(blob))")


MAKERS = {"pkgdb_text": trees, "pkgdb_binary": binaries, "pkgdb_sqlite": databases}
