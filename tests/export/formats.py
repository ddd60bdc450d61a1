#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peel export in the formats of other tools: read back, and by the tools themselves.

Everything that the index knows must come back from CSV and JSON Lines, byte for byte; mtree and bsdtar read the
specification, and mtree finds what was changed; ncdu shows what it shows over the mount. $PEEL is the command.
"""
import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

import common
from common import Wrong, command, compare, expect_equal, export, treewalk, unpack
import run as corpus  # tests/corpus/run.py

FIELDS = tuple(f for f in compare.FIELDS)


def unescape(text):
    """The bytes of escaped text: \\xNN is a byte, \\\\ a backslash."""
    return re.sub(rb"\\(x([0-9a-f]{2})|\\)", lambda m: bytes.fromhex(m.group(2).decode()) if m.group(2) else b"\\",
                  text.encode("utf-8"))


def item(row, link, xattrs):
    """A row of either format as treewalk has it."""
    kind, mtime = row["type"], int(row["mtime_sec"]) * 10 ** 9 + int(row["mtime_nsec"])
    return treewalk.Item(kind, row["mode"], int(row["uid"]), int(row["gid"]), int(row["size"]), mtime, link,
                         (int(row.get("rdev_major") or 0), int(row.get("rdev_minor") or 0)), None,
                         row.get("sha256") or "", xattrs, int(row["nlink"]), 0, int(row["ino"]))


def grouped(found):
    groups = {}
    for path in sorted(found):
        if found[path].kind != "d":
            groups.setdefault(found[path].ino, path)
    return {p: i if i.kind == "d" else i._replace(group=groups[i.ino]) for p, i in found.items()}


def read_csv(data):
    """Rows of an RFC 4180 file."""
    if b"\r\n" not in data or re.search(rb"[^\r]\n|\r[^\n]|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", data):
        raise Wrong("a line end that is none, or a control character")
    found = {}
    for row in csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True):
        if None in row or None in row.values():
            raise Wrong("a row of another length: %r" % row)
        xattrs = dict((unescape(part) for part in word.split("=", 1)) for word in row["xattrs"].split(" ") if word)
        row["mode"] = int(row["mode"], 8)
        found[unescape(row["path"]).strip(b"/")] = item(row, unescape(row["link"]), xattrs)
    return grouped(found)


def exact(row, key):
    """A member's bytes."""
    if key + "_b64" in row:
        return base64.b64decode(row[key + "_b64"], validate=True)
    return row.get(key, "").encode("utf-8")


def read_jsonl(data):
    """The first line, and the names."""
    lines = data.decode("utf-8").split("\n")
    expect_equal("", lines.pop(), "what follows the last newline")
    rows = [json.loads(line) for line in lines]
    found = {}
    for row in rows[1:]:
        xattrs = {exact(x, "name"): exact(x, "value") for x in row.get("xattrs", [])}
        found[exact(row, "path").strip(b"/")] = item(row, exact(row, "link"), xattrs)
    return rows[0], grouped(found)


def check_rows(folder):
    """The index's own tree, and hashes of what is unpacked."""
    image = common.rich_image(folder)
    want = corpus.tree([image])[1]
    disk = treewalk.listing(unpack(export(image), os.path.join(folder, "out")))
    head, lines = read_jsonl(export(image, "--format", "jsonl", "--digest", "sha256"))
    expect_equal(("peel/export/1", True), (head["schema"], head["complete"]), "the first line")
    for found in (read_csv(export(image, "--format", "csv", "--digest", "sha256")), lines):
        common.expect_trees(want, found, FIELDS)
        common.expect_trees(disk, found, ("sha256",))
    plain = read_csv(export(image, "--format", "csv"))
    common.expect_trees(want, plain, FIELDS)


def check_corpus_rows(folder):
    """Every case of the corpus comes back from both."""
    cases = os.path.join(corpus.CORPUS, "cases")
    if not os.path.isdir(cases):
        return "no corpus"
    seen = 0
    for name in sorted(corpus.expectations()):
        args = ["oci:%s/oci:t" % os.path.join(cases, name)]
        done, want = corpus.tree(args)
        if done.returncode:
            continue
        found = [read_csv(export(args, "--format", "csv")), read_jsonl(export(args, "--format", "jsonl"))[1]]
        for got in found:
            # the view `tree` ends at 1,024 folders
            if max(p.count(b"/") for p in got) >= 1024:
                got = {p: i for p, i in got.items() if p in want}
            try:
                common.expect_trees(want, got, FIELDS)
            except Wrong as error:
                raise Wrong("%s: %s" % (name, error)) from None
        seen += 1
    if seen < 80:
        raise Wrong("only %d cases" % seen)
    return None


# ---- mtree

def check_bsdtar(folder):
    if not shutil.which("bsdtar"):
        return "bsdtar is not installed"
    image = common.rich_image(folder)
    spec, out = os.path.join(folder, "spec"), unpack(export(image), os.path.join(folder, "out"))
    with open(spec, "wb") as file:
        file.write(export(image, "--format", "mtree"))
    run = subprocess.run(["bsdtar", "-cf", "-", "--format", "pax", "@" + spec], cwd=out, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C"))
    again = os.path.join(folder, "again")
    os.mkdir(again)
    subprocess.run(["tar", "--warning=none", "--numeric-owner", "-xpf", "-", "-C", again], input=run.stdout, check=True)
    # bsdtar finds the contents on disk, all else in the specification; it knows no link groups from there
    fields = ("kind", "mode", "uid", "gid", "size", "mtime", "link", "rdev", "sha256")
    common.expect_trees(treewalk.listing(out), treewalk.listing(again), fields,
                        lambda path, field: field == "mtime" and path == b"before")
    return None


def check_mtree(folder):
    """mtree finds no difference in what was unpacked, and finds each that is made."""
    if not shutil.which("mtree"):
        return "mtree is not installed"
    image = common.rich_image(folder)
    out, spec = unpack(export(image), os.path.join(folder, "out")), export(
        image, "--format", "mtree", "--digest", "sha256")

    def mtree():
        run = subprocess.run(["mtree", "-p", out], input=spec, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return run.returncode, (run.stdout + run.stderr).decode(errors="replace")
    expect_equal((0, ""), mtree(), "mtree")
    changes = [
        ("sha256", lambda: rewrite(os.path.join(out, "big"))),
        ("permissions", lambda: os.chmod(os.path.join(out, "acl"), 0o600)),
        ("user", lambda: os.chown(os.path.join(out, "empty"), 5, -1)),
        ("link", lambda: relink(os.path.join(out, "link"))),
        ("missing", lambda: os.unlink(os.path.join(os.fsencode(out), b"bad\xff\xfe"))),
        ("extra", lambda: os.mkdir(os.path.join(out, "more"))),
    ]
    for word, change in changes:
        change()
        status, text = mtree()
        if status == 0 or word not in text:
            raise Wrong("mtree does not see the %s: %s" % (word, text))
    return None


def rewrite(path):
    """One byte of a file, with the time that it had."""
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def relink(path):
    times = os.lstat(path)
    os.unlink(path)
    os.symlink("etc/new", path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)


# ---- ncdu

def read_ncdu(data):
    """path → what ncdu knows; the root is ''."""
    major, minor, _, top = json.loads(data.decode("latin-1"))
    expect_equal(1, major, "the version")
    found, todo = {}, [("", top)]
    while todo:
        path, node = todo.pop()
        info = node[0] if isinstance(node, list) else node
        found[path] = {key: info.get(key, 0) for key in ("asize", "dsize", "uid", "gid", "mode", "mtime", "nlink",
                                                         "hlnkc", "notreg")}
        found[path]["ino"] = info.get("ino")
        if isinstance(node, list):
            todo += [(path + "/" + (c[0] if isinstance(c, list) else c)["name"], c) for c in node[1:]]
    groups = {}
    for path in sorted(found):
        ino = found[path].pop("ino")
        found[path]["group"] = groups.setdefault(ino, path) if found[path]["hlnkc"] else None
    return found


def expect_ncdu(want, got, ignored=()):
    expect_equal(sorted(want), sorted(got), "the set of names")
    for path in want:
        for key in want[path]:
            # ids that ncdu itself cannot read are not told
            if key in ("uid", "gid") and not 0 <= want[path][key] < 1 << 31:
                want[path][key] = 0
            if key not in ignored and want[path][key] != got[path][key]:
                raise Wrong("%r: %s is %r, not %r" % (path, key, got[path][key], want[path][key]))


def ncdu(*args, **options):
    run = subprocess.run(["ncdu", "-0", "-e", "-o", "-", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if run.returncode:
        raise Wrong("ncdu: status %d: %s" % (run.returncode, run.stderr.decode(errors="replace")))
    return read_ncdu(run.stdout)


def check_ncdu(folder):
    """What ncdu makes of the export is what it was given; and what it finds itself over the mount."""
    if not shutil.which("ncdu"):
        return "ncdu is not installed"
    image = common.rich_image(folder)
    data = export(image, "--format", "ncdu")
    ours = read_ncdu(data)
    expect_ncdu(ours, ncdu("-f", "-", input=data))
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return None
    point = os.path.join(folder, "mnt")
    os.mkdir(point)
    command("mount", "--no-cache", "-o", "symlinks=raw", image, point)
    try:
        mounted = ncdu("-x", point)
    finally:
        command("umount", point)
    # ncdu itself takes sizes from everything that is no folder, and times only after 1970
    expect_ncdu(mounted, ours, ("mtime",))
    for path, info in mounted.items():
        if 0 < info["mtime"] < 1 << 40 and info["mtime"] != ours[path]["mtime"]:
            raise Wrong("%r: mtime %r, not %r" % (path, ours[path]["mtime"], info["mtime"]))
    return None


def main():
    common.need_root()
    return common.run_checks([
        ("CSV and JSON Lines are the index", check_rows),
        ("CSV and JSON Lines of the corpus", check_corpus_rows),
        ("bsdtar reads mtree", check_bsdtar),
        ("mtree reads mtree", check_mtree),
        ("ncdu reads ncdu", check_ncdu),
    ])


if __name__ == "__main__":
    sys.exit(main())
