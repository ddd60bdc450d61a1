#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same command line, asked of peel and of the GNU tool.

    run.py [--image NAME]... [--only TEXT] TABLE.tsv...

A row of a table is IMAGES, FLAGS and a COMMAND, between tabs; "#" begins a comment. IMAGES are names or groups of
images.tsv between commas, or "all". COMMAND is a tool and its arguments, in words as a shell splits them. The tool of
this machine runs at the root of a chroot, once of the mounted image and once of the unpacked one; peel runs as
`peel TOOL IMAGE ARGUMENT...`. Standard output and exit status must be the same, and so must whether anything
was said on standard error. For the mount the bytes are compared; for the unpacked tree, whose listing order is its
filesystem's, the sorted lines (or what NUL ends).

FLAGS, between blanks or commas, "-" for none:
    mount       depends on order, inode numbers or sizes of folders: compared with the mount alone
    blocks      depends on allocated blocks: real images, unpacked on a tmpfs, have the same, as there folders and
                links have none; else compared with the mount alone (umoci fills the holes of images that are made)
    unpacked    compared with the unpacked tree alone
    unordered   the mount's lines are sorted too
    TZ=ZONE     the time zone up to the next blank, UTC without this

Real images are unpacked by umoci; what is no OCI layout is made one first. A part that cannot run here (no /dev/fuse,
no umoci, no corpus) is skipped, which is said; without root, or where neither part can run, the status is 77.
$PEEL is the command, $PEEL_CHROOT_LIB the preloaded library, $PEEL_CORPUS the corpus (default: shared/corpus beside the
checkout).
"""
import argparse
import collections
import concurrent.futures
import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
from mounts import enter_private  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
CHROOT_LIB = os.environ.get("PEEL_CHROOT_LIB", "")
CORPUS = os.path.abspath(os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus")))
TIMEOUT = 60 * int(os.environ.get("PEEL_SLOW", "1"))
JOBS = 2
SHOWN = 6
SPLIT = re.compile(r"TZ=\S+|[^ ,]+")
FLAGS = re.compile(r"mount|blocks|unpacked|unordered|TZ=\S+|-")

Image = collections.namedtuple("Image", "name group file mount unpacked has_blocks")
Row = collections.namedtuple("Row", "images flags words text")
Answer = collections.namedtuple("Answer", "status out err")


def table(path):
    """Columns of a table's rows."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    for columns in lines:
        if len(columns) != 3:
            sys.exit("%s: not three columns: %r" % (path, columns))
    return lines


def rows(path):
    """Rows of a table of command lines."""
    found = []
    for images, flags, command in table(path):
        flags = SPLIT.findall(flags)
        if not all(FLAGS.fullmatch(flag) for flag in flags):
            sys.exit("%s: unknown flag: %s" % (path, " ".join(flags)))
        found.append(Row(images.split(","), flags, shlex.split(command), command))
    return found


# ---- images

def layer_tars(path):
    """Uncompressed layers of a docker archive, or the one of a root filesystem's tar."""
    def plain(data):
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    with open(path, "rb") as file:
        data = plain(file.read())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        if "manifest.json" not in tar.getnames():
            return [data]
        manifest = json.load(tar.extractfile("manifest.json"))
        return [plain(tar.extractfile(name).read()) for name in manifest[0]["Layers"]]


def make(source, out):
    """Make an image of a description; "now-SECONDS" is a time before now."""
    now = int(time.time())
    with open(os.path.join(HERE, "images", source), encoding="utf-8", errors="surrogateescape") as file:
        text = re.sub(r"\bnow-(\d+)", lambda m: str(now - int(m.group(1))), file.read())
    layers, env = mkimage.parse(text)
    mkimage.build(out, layers, compress="gzip", env=env)


def put_tmpfs(folder):
    """Put a tmpfs where an image is unpacked; it goes away with this process's namespace. False where none may be."""
    root = os.path.join(folder, "unpacked")
    os.mkdir(root)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=1g", "same", root], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def unpack(file, folder):
    """Unpack an image with umoci; None where there is none."""
    if not shutil.which("umoci"):
        return None
    layout, root = os.path.join(folder, "layout"), os.path.join(folder, "unpacked", "root")
    mkimage.build(layout, [{"tar": tar} for tar in layer_tars(file)], form="oci", tags=["t"])
    done = subprocess.run(["umoci", "raw", "unpack", "--image", layout + ":t", root], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit("umoci: %s" % done.stdout.decode(errors="replace"))
    shutil.rmtree(layout)
    return root


def mount(file, folder):
    """Mount an image with its symlinks as stored, for a chroot; None where there is no FUSE."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return None
    point = os.path.join(folder, "mnt")
    os.mkdir(point)
    subprocess.run([PEEL, "mount", "-o", "symlinks=raw", file, point], stdin=subprocess.DEVNULL, check=True)
    return point


def prepare(name, group, source, work):
    """One image, ready to be asked; None where it is not at hand."""
    folder = os.path.join(work, name)
    os.mkdir(folder)
    if group == "made":
        file = os.path.join(folder, "image")
        make(source, file)
    else:
        file = os.path.join(CORPUS, source)
        if not os.path.exists(file):
            return None
    on_tmpfs = put_tmpfs(folder)
    return Image(name, group, file, mount(file, folder), unpack(file, folder), on_tmpfs and group == "real")


# ---- comparing

def ask(words, environment):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, env=environment)
    return Answer(done.returncode, done.stdout, done.stderr)


def ordered(out, sort):
    """Output as it is, or its records sorted."""
    if not sort:
        return out
    end = b"\0" if b"\0" in out else b"\n"
    return end.join(sorted(out.split(end)))


def first_difference(want, got):
    """The first line that is not the same."""
    for a, b in zip(want.split(b"\n") + [None], got.split(b"\n") + [None]):
        if a != b:
            return "wanted %r, got %r" % (a, b)
    return "same lines"


def differences(place, want, got, sort):
    """Texts for what differs between two answers."""
    wrong = []
    if want.status != got.status:
        wrong.append("%s: status %d, not %d" % (place, got.status, want.status))
    if bool(want.err) != bool(got.err):
        wrong.append("%s: messages %r, not %r" % (place, got.err[:300], want.err[:300]))
    a, b = ordered(want.out, sort), ordered(got.out, sort)
    if a != b:
        wrong.append("%s: %s" % (place, first_difference(a, b)))
    return wrong


def compare(row, image):
    """Texts for what differs for one image; None where no part could be compared."""
    zone = [flag[3:] for flag in row.flags if flag.startswith("TZ=")]
    environment = dict(os.environ, LC_ALL="C", TZ=zone[0] if zone else "UTC")
    places = []
    if image.mount and "unpacked" not in row.flags:
        places.append(("mount", image.mount, "unordered" in row.flags))
    if image.unpacked and "mount" not in row.flags and ("blocks" not in row.flags or image.has_blocks):
        places.append(("unpacked", image.unpacked, True))
    if not places:
        return None
    got = ask([PEEL, row.words[0], image.file, *row.words[1:]], environment)
    wrong = []
    for place, root, sort in places:
        want = ask(row.words, dict(environment, LD_PRELOAD=CHROOT_LIB, PEEL_CHROOT=root))
        wrong += ["%s, %s" % (image.name, text) for text in differences(place, want, got, sort)]
    return wrong


def check(row, images):
    """One row on all its images: texts of what is wrong, None where it was skipped."""
    chosen = [i for i in images if {"all", i.name, i.group} & set(row.images)]
    try:
        found = [wrong for wrong in (compare(row, image) for image in chosen) if wrong is not None]
    except subprocess.TimeoutExpired as error:
        return [str(error)]
    return sum(found, []) if found else None


def run_tables(tables, only, images):
    """Print TAP for all rows; true where none failed."""
    todo = [(os.path.basename(t).partition(".")[0], row) for t in tables for row in rows(t) if only in row.text]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = pool.map(lambda item: check(item[1], images), todo)
        for number, ((_, row), wrong) in enumerate(zip(todo, results), 1):
            name = "%d - %s" % (number, row.text.replace("#", "\\#"))
            if wrong is None:
                print("ok %s # SKIP no image, or no place to compare in" % name)
            elif wrong:
                failed += 1
                print("not ok " + name)
                for text in wrong[:SHOWN]:
                    print("# " + text)
            else:
                print("ok " + name)
    print("1..%d" % len(todo))
    return failed == 0


def prepared(names, work):
    """The images that are at hand; says what is not."""
    images = []
    for name, group, source in table(os.path.join(HERE, "images.tsv")):
        if not names or name in names:
            image = prepare(name, group, source, work)
            if image:
                images.append(image)
            else:
                print("# SKIP image %s: %s is not at hand" % (name, source))
    for part in "mount", "unpacked":
        if not any(getattr(image, part) for image in images):
            print("# SKIP nothing is compared with the %s tree: no %s" % (
                part, "/dev/fuse" if part == "mount" else "umoci"))
    return images


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("tables", nargs="+")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIP: a chroot, and owners of what is unpacked, need root")
        return 77
    enter_private()
    tables = [name if os.path.exists(name) else os.path.join(HERE, name) for name in options.tables]
    work = tempfile.mkdtemp(prefix="peel-same-")
    os.environ["XDG_CACHE_HOME"] = os.path.join(work, "cache")
    images = []
    try:
        images = prepared(options.image, work)
        if not any(image.mount or image.unpacked for image in images):
            print("SKIP: neither /dev/fuse nor umoci")
            return 77
        return 0 if run_tables(tables, options.only, images) else 1
    finally:
        for image in images:
            if image.mount:
                subprocess.run([PEEL, "umount", image.mount], check=False)
            subprocess.run(["umount", os.path.join(work, image.name, "unpacked")], stderr=subprocess.DEVNULL,
                           check=False)
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
