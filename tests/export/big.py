#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""export and cp -a on the image of several gigabytes that tests/big/build.sh makes.

The three forms give one tar; it is given again by an export of itself; unpacked, it is what umoci unpacks, in every
path, field, xattr, link group and byte; and so is what cp -a makes. bsdtar and ncdu read their formats. $PEEL is the
command, $PEEL_BIG the folder with the image; status 77 where it is not.
"""
import hashlib
import os
import subprocess
import sys
import time

import common
from common import FIELDS, PEEL, Wrong, command, expect_equal, treewalk
import formats

BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
FORMS = ("plain.tar", "gzip.oci.tar", "zstd.oci.tar")
ROOT = os.path.join(BIG, "rootfs")
CHUNK = 1 << 20


def image(form):
    return os.path.join(BIG, form)


def streamed(*args, also=None):
    """SHA-256 of an export, which a file may take as well; and how long it took."""
    started, sha = time.monotonic(), hashlib.sha256()
    with subprocess.Popen([PEEL, "export", *args], stdout=subprocess.PIPE) as run:
        while data := run.stdout.read(CHUNK):
            sha.update(data)
            if also:
                also.write(data)
    expect_equal(0, run.returncode, "the status")
    print("# %s: %.1f s" % (args[-1], time.monotonic() - started))
    return sha.hexdigest()


def check_forms(folder):
    path = os.path.join(folder, "export.tar")
    cache = ("--cache-dir", os.path.join(folder, "cache"))
    with open(path, "wb") as file:
        first = streamed(*cache, image(FORMS[0]), also=file)
    for name in [image(form) for form in FORMS[1:]] + ["rootfs:" + path]:
        expect_equal(first, streamed(*cache, name), "the digest of %s" % name)


def expect_root(folder):
    """But for folders that umoci's own unpacking touched."""
    touched = os.stat(image(FORMS[0])).st_mtime_ns
    want = treewalk.listing(ROOT)
    if len(want) < 10000:
        raise Wrong("only %d paths" % len(want))
    common.expect_trees(want, treewalk.listing(folder), FIELDS, lambda path, field: (
        field == "mtime" and want[path].kind == "d" and want[path].mtime > touched))


def check_tar(folder):
    out = os.path.join(folder, "out")
    os.mkdir(out)
    with subprocess.Popen([PEEL, "export", "--no-cache", image(FORMS[0])], stdout=subprocess.PIPE) as run:
        subprocess.run([*common.UNPACK, "-", "-C", out], stdin=run.stdout, check=True)
    expect_equal(0, run.returncode, "the status")
    expect_root(out)


def check_cp(folder):
    out = os.path.join(folder, "out")
    command("cp", "--no-cache", "-a", image(FORMS[1]), "/", out)
    expect_root(out)


def check_formats(folder):
    cache = ("--cache-dir", os.path.join(folder, "cache"))
    count = sum(len(folders) + len(files) for _, folders, files in os.walk(ROOT)) + 1
    mtree = command("export", *cache, "--format", "mtree", image(FORMS[0]))
    listed = subprocess.run(["bsdtar", "-tf", "-"], input=mtree, stdout=subprocess.PIPE, check=True).stdout
    expect_equal(count, listed.count(b"\n"), "names that bsdtar lists")
    rows = formats.read_csv(command("export", *cache, "--format", "csv", image(FORMS[0])))
    lines = formats.read_jsonl(command("export", *cache, "--format", "jsonl", image(FORMS[0])))[1]
    common.expect_trees(rows, lines, formats.FIELDS)
    expect_equal(count, len(rows), "rows")
    ncdu = command("export", *cache, "--format", "ncdu", image(FORMS[0]))
    formats.expect_ncdu(formats.read_ncdu(ncdu), formats.ncdu("-f", "-", input=ncdu))


def main():
    common.need_root()
    if not os.path.exists(os.path.join(BIG, "complete")):
        print("SKIP: no image in %s" % BIG)
        return 77
    return common.run_checks([
        ("one tar of all forms, and of itself", check_forms),
        ("tar x is umoci unpack", check_tar),
        ("cp -a is umoci unpack", check_cp),
        ("bsdtar, csv, jsonl and ncdu", check_formats),
    ])


if __name__ == "__main__":
    sys.exit(main())
