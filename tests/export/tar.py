#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peel export --format tar against those who unpack tars and images.

    tar.py [--only TEXT] [--every N]

Made images, and the corpus where it is: what GNU tar makes of the export is, in every field, xattr, link group and
byte, what the index says and what umoci unpacks; exported again it is the same bytes. $PEEL is the command, $PEEL_CORPUS
the corpus.
"""
import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

import common
from common import FIELDS, Wrong, command, compare, export, mkimage, treewalk, unpack
import run as corpus  # tests/corpus/run.py
import test_model

INDEX_FIELDS = tuple(f for f in compare.FIELDS if f != "nlink")


def twice(tar, folder):
    """An export of an export is the same bytes."""
    path = os.path.join(folder, "again.tar")
    with open(path, "wb") as file:
        file.write(tar)
    again = export("rootfs:" + path)
    if again != tar:
        raise Wrong("the second export differs from byte %d on" % next(
            i for i, (a, b) in enumerate(zip(tar + b"\0", again + b"\1")) if a != b))


def index_tree(args):
    done, tree = corpus.tree(args)
    common.expect_equal(0, done.returncode, "the status of sql")
    return tree


def umoci(layout, folder):
    """What umoci unpacks of a layout's image t."""
    started = time.time_ns() - 10 ** 9
    run = subprocess.run(["umoci", "raw", "unpack", "--image", layout + ":t", folder], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    if run.returncode:
        raise Wrong("umoci: %s" % run.stdout.decode(errors="replace").strip()[-300:])
    return treewalk.listing(folder), started


def expect_umoci(got, layout, folder, fields=FIELDS):
    """But for folders that umoci itself made or touched: they have its time, or its idea of a folder.

    Go's archive/tar takes an empty value of a pax record for none.
    """
    want, started = umoci(layout, folder)
    got = {p: i._replace(xattrs={k: v for k, v in i.xattrs.items() if v}) for p, i in got.items()}
    common.expect_trees(want, got, fields, lambda path, field: want[path].kind == "d" and want[path].mtime > started
                        and field in ("mtime", "mode", "uid", "gid"))


def check_rich(folder, form, compress):
    image = common.rich_image(folder, form, compress)
    tar = export(image)
    got = treewalk.listing(unpack(tar, os.path.join(folder, "out")))
    common.expect_trees(index_tree([image]), got, INDEX_FIELDS)
    if len(got) < 70 or not any(len(i.xattrs) > 4 for i in got.values()):
        raise Wrong("the tree has only %d names" % len(got))
    twice(tar, folder)
    if form == "oci":
        expect_umoci(got, image, os.path.join(folder, "umoci"))


def check_holes(folder):
    """Holes are holes again, where a filesystem can make them: blocks of 4 KiB."""
    image = common.rich_image(folder)
    out = unpack(export(image), os.path.join(folder, "out"))
    seen = 0
    for path, item in treewalk.listing(out, False).items():
        if item.kind == "f" and item.blocks * 512 + 4096 < item.size:
            seen += 1
    common.expect_equal(9, seen, "the number of files with holes")
    rows = [line[1:].decode().split(" ") for line in command(
        "sql", "--no-cache", image, "SELECT '='||hex(path)||' '||allocated AS row FROM tree WHERE type = 'f'"
    ).split(b"\n") if line.startswith(b"=")]
    for path, allocated in rows:
        path = bytes.fromhex(path)
        blocks = os.lstat(os.path.join(os.fsencode(out), path.lstrip(b"/"))).st_blocks * 512
        # a block more may hold xattrs
        if blocks > int(allocated) + 4096:
            raise Wrong("%r: %d bytes on disk, %s in the index" % (path, blocks, allocated))


def check_reader(folder, read):
    """Another reader of tars makes the same tree of it."""
    image = common.rich_image(folder)
    tar = export(image)
    want = treewalk.listing(unpack(tar, os.path.join(folder, "gnu")))
    out = os.path.join(folder, "other")
    os.mkdir(out)
    return read(tar, want, out, folder)


def read_by_go(tar, want, out, folder):
    """umoci's reader is Go's archive/tar."""
    layout = os.path.join(folder, "layout")
    mkimage.build(layout, [{"instruction": "export", "tar": tar}], form="oci", compress="none", tags=["t"])
    expect_umoci(want, layout, os.path.join(folder, "umoci"))


def read_by_bsdtar(tar, want, out, folder):
    if not shutil.which("bsdtar"):
        return "bsdtar is not installed"
    run = subprocess.run(["bsdtar", "-xpf", "-", "--xattrs", "--acls", "-C", out], input=tar, stderr=subprocess.PIPE,
                         env=dict(os.environ, LC_ALL="C.UTF-8"))
    if run.returncode:
        raise Wrong("bsdtar: %s" % run.stderr.decode(errors="replace")[-300:])
    # bsdtar leaves the folder that it unpacks into alone, and has its own records for ACLs; libarchive 3.6 adds the
    # fraction of a negative time instead of taking it away
    common.expect_trees(want, treewalk.listing(out), FIELDS, lambda path, field: (path, field) in (
        (b"before", "mtime"), (b"", "mtime"), (b"acl", "xattrs")))
    return None


def read_by_python(tar, want, out, folder):
    """Names, types, sizes, links and times as Python's tarfile reads them; pax names as the bytes they are."""
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        members = archive.getmembers()
    names = [m.name.encode("utf-8", "surrogateescape") for m in members]
    common.expect_equal(sorted(want), sorted(b"" if n == b"." else n for n in names), "the names")
    for name, member in zip(names, members):
        item = want[b"" if name == b"." else name]
        if member.isreg() and member.size != item.size:
            raise Wrong("%r: size %d" % (name, member.size))
        if set(member.pax_headers) & {"atime", "ctime", "hdrcharset", "uname", "gname"}:
            raise Wrong("%r: %r" % (name, member.pax_headers))


def check_layer(folder):
    """A layer as stored: whiteouts are files, and only its own names are there."""
    image = common.rich_image(folder)
    got = treewalk.listing(unpack(export(image, "--layer", "2"), os.path.join(folder, "out")))
    if b".wh.gone" not in got or got[b".wh.gone"].size or b"gone" in got or b"block" in got:
        raise Wrong("the layer has %r" % sorted(got))
    common.expect_equal(b"new", open(os.path.join(folder, "out", "etc", "old"), "rb").read())


def check_size(folder):
    """More than the 11 octal digits of a header can say, of which next to nothing is there."""
    path = os.path.join(folder, "huge.tar")
    size = 9 << 30
    pax = mkimage.pax_record(b"size", b"%d" % size)
    with open(path, "wb") as file:
        file.write(mkimage.header(b"PaxHeaders/huge", b"x", size=len(pax)) + mkimage.padded(pax))
        file.write(mkimage.header(b"huge", b"0"))
        file.seek(size - 4, os.SEEK_CUR)
        file.write(b"last" + mkimage.header(b"after", b"0") + bytes(1024))
    with subprocess.Popen([common.PEEL, "export", "--no-cache", "rootfs:" + path], stdout=subprocess.PIPE) as run:
        with tarfile.open(fileobj=run.stdout, mode="r|") as archive:
            sizes = {member.name: member.size for member in archive}
    common.expect_equal(0, run.returncode, "the status")
    common.expect_equal({".": 0, "huge": size, "after": 0}, sizes, "the sizes")


def check_damaged(folder):
    """A file whose bytes are not there: the tar ends in it, without the marks of an end, and the status says so."""
    image, cut = os.path.join(folder, "whole.tar"), os.path.join(folder, "cut.tar")
    mkimage.build(image, [{"entries": [common.entry("f", b"a", data=b"a" * 1000),
                                       common.entry("f", b"b", data=b"b" * 10000000)]}], form="rootfs")
    with open(image, "rb") as file, open(cut, "wb") as out:
        out.write(file.read(5000000))
    run = subprocess.run([common.PEEL, "export", "--no-cache", "rootfs:" + cut], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    common.expect_equal(3, run.returncode, "the status")
    if b"/b" not in run.stderr or b"byte " not in run.stderr or b"layer 0" not in run.stderr:
        raise Wrong("it only says %r" % run.stderr)
    test = subprocess.run(["tar", "-tf", "-"], input=run.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if test.returncode == 0 or b"Unexpected EOF" not in test.stderr:
        raise Wrong("tar takes it for whole: %r" % test.stderr)


# ---- the corpus

def check_case(name, folder, columns, oracle):
    """What peel shows of a case is what its export unpacks to; and the engines' tree where they agree."""
    args = ["oci:%s/oci:t" % os.path.join(corpus.CORPUS, "cases", name)]
    done, want = corpus.tree(args)
    if done.returncode not in (0, 3):
        return "status %d" % done.returncode
    tar = export(args, status=done.returncode)
    if done.returncode:
        return None
    twice(tar, folder)
    if not common.can_unpack(tar):
        return None
    got = treewalk.listing(unpack(tar, os.path.join(folder, "out")))
    common.expect_trees(want, got, INDEX_FIELDS)
    if columns[2] == "yes" and not columns[4].startswith(("#", "*")):
        engine = {test_model.unescape(k): v for k, v in oracle["umoci"].get("tree", {}).items()}
        wrong = corpus.compare_tree(engine, got, args)
        if wrong:
            raise Wrong("; ".join(wrong[:3]))
    return None


def check_golden(path, listing, folder):
    """A real image: the export against the engines' listing, columns and content."""
    want = test_model.golden_rows(listing)
    args = corpus.chosen(corpus.unpacked(corpus.restored(path, folder), folder))
    tar = export(args)
    twice(tar, folder)
    got = treewalk.listing(unpack(tar, os.path.join(folder, "out")))
    common.expect_trees(index_tree(args), got, INDEX_FIELDS)
    got.pop(b"")
    common.expect_equal(set(want), set(got), "the set of names")
    groups = {}
    for name, i in got.items():
        row = want[name]
        difference = test_model.row_differs(row[:9] + ["-"] + row[10:], (
            i.kind, i.mode, i.uid, i.gid, i.size, i.mtime, i.link, i.rdev, i.group, b"", i.xattrs), i.sha256, row[9])
        if difference:
            raise Wrong("%r: %s" % (name, difference))
        if row[8] != "-":
            groups.setdefault(row[8], set()).add(i.group)
    common.expect_equal([], [g for g in groups.values() if len(g) != 1], "the split link groups")


def corpus_checks(every):
    if not os.path.isdir(corpus.CORPUS):
        return [("corpus", lambda folder: "no corpus")]
    with open(os.path.join(corpus.CORPUS, "cases", "oracles.json")) as file:
        oracles = json.load(file)
    table = corpus.expectations()
    checks = [("case %s" % name, lambda f, n=name: check_case(n, f, table[n], oracles.get(n, {})))
              for name in sorted(table) if os.path.isdir(os.path.join(corpus.CORPUS, "cases", name))]
    public = test_model.public_images(corpus.CORPUS)
    golden = os.path.join(corpus.CORPUS, "golden")
    return checks[::every] + [("golden %s" % name, lambda f, n=name: check_golden(
        public[n.rsplit(".", 2)[0]], os.path.join(golden, n), f)) for name in sorted(os.listdir(golden))]


CHECKS = [
    ("everything, docker archive", lambda f: check_rich(f, "docker-archive", "none")),
    ("everything, OCI layout, gzip, against umoci", lambda f: check_rich(f, "oci", "gzip")),
    ("everything, OCI archive, zstd", lambda f: check_rich(f, "oci-archive", "zstd")),
    ("holes", check_holes),
    ("Go reads it", lambda f: check_reader(f, read_by_go)),
    ("bsdtar reads it", lambda f: check_reader(f, read_by_bsdtar)),
    ("Python reads it", lambda f: check_reader(f, read_by_python)),
    ("a layer as stored", check_layer),
    ("a file over 8 GiB", check_size),
    ("a file that cannot be read", check_damaged),
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, help="of the corpus, each so-manieth case")
    options = parser.parse_args()
    common.need_root()
    return common.run_checks([c for c in CHECKS + corpus_checks(options.every) if options.only in c[0]])


if __name__ == "__main__":
    sys.exit(main())
