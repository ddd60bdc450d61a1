#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peel cp against GNU cp, against the export, and against targets that try to lead it elsewhere.

$PEEL is the command, $PEEL_CORPUS the corpus, which is optional.
"""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import common
from common import FIELDS, PEEL, Wrong, command, expect_equal, export, mkimage, treewalk, unpack
import run as corpus  # tests/corpus/run.py

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
RACE_SECONDS = 4
# what an ordinary copy takes over: no times
PLAIN = ("kind", "mode", "uid", "gid", "size", "link", "sha256")


def cp(*args, **options):
    """Run peel cp under the umask 022; status and errors."""
    run = subprocess.run([PEEL, "cp", "--no-cache", *args], stderr=subprocess.PIPE, timeout=common.TIMEOUT,
                         preexec_fn=lambda: os.umask(0o022), **options)
    return run.returncode, run.stderr.decode(errors="replace")


def expect_good(result):
    expect_equal((0, ""), result, "status and errors")


def snapshot(folder):
    """Everything about a tree, and when it was changed last."""
    return {p: (i, os.lstat(os.path.join(os.fsencode(folder), p)).st_ctime_ns)
            for p, i in treewalk.listing(folder).items()}


# ---- -a is the export

def check_archive(folder):
    image = common.rich_image(folder)
    want = treewalk.listing(unpack(export(image), os.path.join(folder, "tar")))
    expect_good(cp("-a", "--no-sandbox", image, "/", os.path.join(folder, "new")))
    common.expect_trees(want, treewalk.listing(os.path.join(folder, "new")))
    # in the sandbox, all but the devices, which is said, and what needs the right to mount
    status, errors = cp("-a", image, "/", os.path.join(folder, "caged"))
    expect_equal((1, 2), (status, errors.count("a device, made by root with -a --no-sandbox only")), errors)
    without = {path: item._replace(xattrs={k: v for k, v in item.xattrs.items() if k[:8] != b"trusted."})
               for path, item in want.items() if item.kind not in "bc"}
    common.expect_trees(without, treewalk.listing(os.path.join(folder, "caged")))
    # into a folder that is there: its contents become one with the root's, twice
    out = os.path.join(folder, "old")
    os.mkdir(out)
    for _ in range(2):
        expect_good(cp("-a", "--no-sandbox", image, "/.", out))
        got = treewalk.listing(out)
        common.expect_trees(want, got)
    for path, item in got.items():
        # a filesystem's own blocks may differ
        if item.kind == "f" and item.blocks > want[path].blocks + 64:
            raise Wrong("%r: %d blocks, tar has %d" % (path, item.blocks, want[path].blocks))


def check_ordinary_user(folder):
    """Nobody's files belong to nobody, and none of them is set-id; devices are not made, which is said."""
    image = common.rich_image(folder)
    want = treewalk.listing(unpack(export(image), os.path.join(folder, "tar")))
    out = os.path.join(folder, "out")
    os.mkdir(out)
    os.chmod(folder, 0o755)
    os.chown(out, 65534, 65534)
    status, errors = cp("-a", image, "/", os.path.join(out, "all"), **NOBODY)
    expect_equal(1, status, "the status")
    expect_equal(2, len(errors.strip().split("\n")), "the number of lines of %r" % errors)
    got = treewalk.listing(os.path.join(out, "all"))
    expect_equal(set(want) - {b"null", b"disk"}, set(got), "the set of names")
    for path, item in got.items():
        expect_equal((65534, 65534), (item.uid, item.gid), "the owner of %r" % path)
        sticky = 0o1777 if item.kind == "d" else 0o777
        expect_equal(want[path].mode & sticky, item.mode, "the mode of %r" % path)
        expect_equal([getattr(want[path], f) for f in ("kind", "size", "mtime", "link", "group", "sha256")],
                     [getattr(item, f) for f in ("kind", "size", "mtime", "link", "group", "sha256")], repr(path))
        expect_equal({k: v for k, v in want[path].xattrs.items() if k[:5] in (b"user.", b"syste")}, item.xattrs,
                     "the xattrs of %r" % path)


def check_root_without_asking(folder):
    """Root's plain copy is root's, without set-id bits, devices and capabilities."""
    image = common.rich_image(folder)
    status, errors = cp("-r", image, "/", os.path.join(folder, "out"))
    expect_equal((1, 2), (status, len(errors.strip().split("\n"))), "status and lines of %r" % errors)
    for path, item in treewalk.listing(os.path.join(folder, "out")).items():
        expect_equal((0, 0, 0, {}), (item.uid, item.gid, item.mode & 0o7000 if item.kind != "d" else 0, item.xattrs),
                     "owner, set-id bits and xattrs of %r" % path)


# ---- GNU cp

TREE = [
    common.entry("d", b"d", mode=0o755), common.entry("f", b"d/one", data=b"1", mode=0o751),
    common.entry("f", b"d/two", data=b"22", mode=0o666), common.entry("d", b"d/sub", mode=0o777),
    common.entry("f", b"d/sub/three", data=b"333"), common.entry("l", b"d/link", link=b"one"),
    common.entry("l", b"d/up", link=b"../e/four"), common.entry("d", b"e"), common.entry("f", b"e/four", data=b"4444"),
    common.entry("f", b"e/one", data=b"another"),
    common.entry("l", b"e/folder", link=b"../d/sub"), common.entry("l", b"ld", link=b"d"),
    common.entry("l", b"lf", link=b"d/one"), common.entry("l", b"nowhere", link=b"gone"),
    common.entry("f", b"set", data=b"s", mode=0o4755), common.entry("h", b"e/set", link=b"set", mode=0o4755),
    common.entry("d", b"ro", mode=0o555), common.entry("f", b"ro/f", mode=0o444, data=b"r"), common.entry("p", b"pipe"),
    common.entry("f", b"sparse", size=1 << 20, extents=[(4096, b"x" * 4096)]), common.entry("f", b"empty"),
]

# Operands but for the image; T is the target, which holds dir/ (with d/one and d/sub as a file) and file.
GNU = [
    "d/one T", "d/one T/", "d/one T/new", "d/one d/two T", "d/one T/file", "lf T", "lf T/new", "-P lf T", "-P lf T/new",
    "-r d T", "-r d T/new", "-r d T/new/", "-r d/ T", "-r d/. T", "-r d/. T/new", "-r d e T", "-r ld T", "-r ld/ T",
    "-rL ld T", "-rL d T", "-rL e T", "-rP ld T", "-r lf nowhere T", "-rL lf T", "-L lf T", "-R d T", "-a d T", "-p d/one T",
    "-rp d T", "-a set e/four T", "-a . T/new", "-r . T/new", "d/one T/none/new", "d/one d/two T/file", "d/one d/two T/none",
    "d T", "d d/one T", "nowhere T", "gone T", "gone d/one T", "-r d T/file", "-r d T/dir", "-r e T/dir", "d/one T/dir",
    "-r d/sub T/dir/d", "-r ro T", "-a ro T", "-r pipe T", "-a pipe T", "sparse empty T", "-r e/../d T", "-r d/sub/.. T/new",
    "d/one/ T", "lf/ T", "-r ro/. T", "-p set T", "-P set T", "d/one T/new/", "ld T", "-P ld T", "-p ro/f set T",
    "-r d d T", "d/one e/one T", "d/one e/one d/two T", "d/one e/../d/one T", "-a ld lf nowhere T",
]


def make_target(path):
    os.makedirs(os.path.join(path, "dir", "d"))
    for name in ("file", "dir/d/one", "dir/d/sub"):
        with open(os.path.join(path, name), "w") as file:
            file.write("old")
        os.utime(os.path.join(path, name), ns=(10 ** 18, 10 ** 18))
    os.chmod(os.path.join(path, "file"), 0o640)
    os.chown(os.path.join(path, "file"), 7, 8)
    os.utime(os.path.join(path, "dir/d"), ns=(10 ** 18, 10 ** 18))


def run_gnu(args, root):
    run = subprocess.run(["cp", *args], cwd=root, stderr=subprocess.PIPE, preexec_fn=lambda: os.umask(0o022))
    return run.returncode, run.stderr.decode(errors="replace")


def check_gnu(folder, line):
    """The same command line: the same tree, and a failure where there is one."""
    image, root = os.path.join(folder, "image"), os.path.join(folder, "root")
    mkimage.build(image, [{"entries": TREE}], form="rootfs")
    unpack(export("rootfs:" + image), root)
    results = {}
    for who in ("gnu", "peel"):
        target = os.path.join(folder, who)
        make_target(target)
        args = [target + word[1:] if word == "T" or word.startswith("T/") else word for word in line.split(" ")]
        if who == "gnu":
            results[who] = run_gnu(args, root)
        else:
            options = [word for word in args if word.startswith("-")]
            results[who] = cp(*options, "rootfs:" + image, *args[len(options):])
    if (results["gnu"][0] == 0) != (results["peel"][0] == 0):
        raise Wrong("status %d: %s; GNU's %d: %s" % (*results["peel"], *results["gnu"]))
    fields = PLAIN
    if line.startswith(("-a", "-p", "-rp")):
        fields = PLAIN + ("group", "mtime")
    want, got = (treewalk.listing(os.path.join(folder, who)) for who in ("gnu", "peel"))
    made = {p for p, i in want.items() if i.kind == "d"} & {b"", b"dir"}
    # sizes of folders are left out by treewalk; what is merely filled gets the time of now
    common.expect_trees(want, got, fields, lambda path, field: field == "mtime" and path in made)


# ---- led elsewhere

def expect_untouched(before, outside):
    after = snapshot(outside)
    if before != after:
        raise Wrong("outside changed: %r" % sorted(set(before) ^ set(after) | {
            p for p in set(before) & set(after) if before[p] != after[p]})[:5])


def make_outside(folder):
    outside = os.path.join(folder, "outside")
    os.makedirs(os.path.join(outside, "d", "sub"))
    for name in ("passwd", "one", "d/one", "d/sub/three"):
        with open(os.path.join(outside, name), "w") as file:
            file.write("precious")
    return outside


def check_links_in_target(folder):
    """Links that the target holds already, wherever a name or a folder of the image comes to lie."""
    image = os.path.join(folder, "image")
    mkimage.build(image, [{"entries": TREE}], form="rootfs")
    outside = make_outside(folder)
    os.symlink(outside, os.path.join(folder, "to outside"))
    before = snapshot(outside)
    for number, (name, link) in enumerate((
            ("d", outside + "/d"), ("d", "../outside/d"), ("d/one", outside + "/one"), ("d/sub", outside),
            ("e", outside), ("e/four", outside + "/new"), ("set", outside + "/passwd"), ("e/set", "../../outside/passwd"),
            ("ro", outside + "/d"), ("pipe", outside + "/passwd"), ("lf", outside + "/passwd"), ("ld", outside),
            ("sparse", "../outside/new"), ("d/sub/three", "../../../outside/d/sub/three"))):
        for option in ("-r", "-a", "-rL", "-rp"):
            target = os.path.join(folder, "target%d%s" % (number, option))
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            os.symlink(link, os.path.join(target, name))
            cp(option, "rootfs:" + image, "/", target)
            cp(option, "rootfs:" + image, "d/one", "set", target)
            # a folder is what the user names; a fifo waits for a reader
            if name != "pipe" and not os.path.isdir(os.path.join(target, name)):
                cp(option, "rootfs:" + image, "d/one", os.path.join(target, name))
            expect_untouched(before, outside)
            shutil.rmtree(target)
    # a link to a folder is what the user named
    expect_good(cp("rootfs:" + image, "e/four", os.path.join(folder, "to outside")))
    expect_equal(b"4444", open(os.path.join(outside, "four"), "rb").read())


def check_links_in_image(folder):
    """A folder of the image that becomes a link in an upper layer, with files below, in every order."""
    outside = make_outside(folder)
    before = snapshot(outside)
    link = os.fsencode(outside)
    stacks = [
        [[("d", b"x"), ("f", b"x/passwd")], [("l", b"x", link)]],
        [[("l", b"x", link)], [("f", b"x/passwd")]],
        [[("l", b"x", link), ("f", b"x/passwd")]],
        [[("l", b"x", b"../outside"), ("d", b"x"), ("f", b"x/passwd")]],
        [[("f", b"passwd"), ("h", b"x", b"passwd"), ("l", b"passwd", link + b"/passwd")]],
        [[("l", b"a", link + b"/passwd"), ("h", b"b", b"a"), ("f", b"a"), ("f", b"b")]],
    ]
    for number, stack in enumerate(stacks):
        image = os.path.join(folder, "image%d" % number)
        layers = [{"entries": [common.entry(e[0], e[1], data=b"evil", **({"link": e[2]} if len(e) > 2 else {}))
                               for e in entries]} for entries in stack]
        mkimage.build(image, layers, form="oci", tags=["t"])
        for option in ("-r", "-a", "-rL", "-aL"):
            out = os.path.join(folder, "out")
            for _ in range(2):
                cp(option, image, "/", out)
                cp(option, image, "/.", out)
                cp(option, image, "/x", "/passwd", out)
            shutil.rmtree(out, ignore_errors=True)
            expect_untouched(before, outside)


def check_cases(folder):
    """Every case of the corpus: what is copied is what the export unpacks to, and nothing else changes."""
    cases = os.path.join(corpus.CORPUS, "cases")
    if not os.path.isdir(cases):
        return "no corpus"
    outside = make_outside(folder)
    before, seen = snapshot(outside), 0
    for name in sorted(corpus.expectations()):
        image, out = "oci:%s/oci:t" % os.path.join(cases, name), os.path.join(folder, "out")
        status, _ = cp("-a", image, "/", out)
        if status == 0:
            tar = subprocess.run([PEEL, "export", "--no-cache", image], stdout=subprocess.PIPE, check=True).stdout
            if common.can_unpack(tar):
                test = os.path.join(folder, "tar")
                try:
                    common.expect_trees(treewalk.listing(unpack(tar, test)), treewalk.listing(out))
                except Wrong as error:
                    raise Wrong("%s: %s" % (name, error)) from None
                subprocess.run(["rm", "-rf", test], check=True)
                seen += 1
        subprocess.run(["rm", "-rf", out], check=True)
        expect_untouched(before, outside)
    if seen < 80:
        raise Wrong("only %d cases" % seen)
    return None


def check_race(folder):
    """Somebody exchanges folders of the target for links, again and again, and moves them away while they are filled."""
    image = os.path.join(folder, "image")
    entries = [common.entry("f", b"d/%d/%d" % (i, j), data=b"evil" * 100) for i in range(40) for j in range(12)]
    entries += [common.entry("h", b"d/%d/again" % i, link=b"d/0/0") for i in range(40)]
    entries += [common.entry("l", b"d/%d/link" % i, link=b"x") for i in range(40)]
    mkimage.build(image, [{"entries": entries}], form="rootfs")
    index = os.path.join(folder, "index")
    settled_index(image, index)
    outside = os.path.join(folder, "outside")
    for i in range(40):
        os.makedirs(os.path.join(outside, str(i)))
    before, target, elsewhere = snapshot(outside), os.path.join(folder, "target"), os.path.join(folder, "elsewhere")
    os.mkdir(target)
    os.mkdir(elsewhere)
    stop, swaps = threading.Event(), [0]

    def swap(name, other):
        """One exchange and back: a folder is a link for a moment."""
        try:
            os.rename(name, other)
            os.symlink(outside, name)
            time.sleep(random.random() / 1000)
            os.unlink(name)
            os.rename(other, name)
            swaps[0] += 1
        except OSError:
            pass

    def attack():
        while not stop.is_set():
            swap(os.path.join(target, "d"), os.path.join(target, "kept"))
            for i in range(40):
                swap(os.path.join(target, "d", str(i)), os.path.join(elsewhere, "moved"))
    attacker = threading.Thread(target=attack)
    attacker.start()
    runs, end = 0, time.monotonic() + RACE_SECONDS
    try:
        while time.monotonic() < end:
            cp("-a", "--index", index, "rootfs:" + image, "/", target + "/..", cwd=target)
            cp("-a", "--index", index, "rootfs:" + image, "/.", target)
            runs += 1
    finally:
        stop.set()
        attacker.join()
    expect_untouched(before, outside)
    expect_equal(set(), set(os.listdir(elsewhere)) - {"moved"}, "what came elsewhere")
    if not runs or swaps[0] < 100:
        raise Wrong("only %d runs, %d exchanges" % (runs, swaps[0]))


def check_deep_links(folder):
    """Hard links to what lies deeper than one call can name, or than is cheap to go down to for each of them."""
    for name, component, depth, count in (("long", b"x" * 200, 25, 3), ("deep", b"d", 2000, 3000)):
        image, out = os.path.join(folder, name), os.path.join(folder, name + ".out")
        bottom = b"/".join([component] * depth)
        entries = [common.entry("f", bottom + b"/file", data=b"x")]
        entries += [common.entry("h", b"link%d" % i, link=bottom + b"/file") for i in range(count)]
        mkimage.build(image, [{"entries": entries}], form="rootfs")
        expect_good(cp("-a", "rootfs:" + image, "/", out))
        # no path leads there
        found = subprocess.run(["find", out, "-type", "f", "-printf", "%n "], stdout=subprocess.PIPE, check=True).stdout
        expect_equal([str(count + 1).encode()] * (count + 1), found.split(), "the numbers of links in %s" % name)
        subprocess.run(["rm", "-rf", out], check=True)


def settled_index(image, index):
    """Index an image once it is old enough for the index to be trusted, so that no run has to build it."""
    time.sleep(2.2)
    command("index", "--index", index, "rootfs:" + image)


def check_killed(folder):
    """A copy that ends in the middle of a file, here by a limit's signal, leaves nothing, and what was there as it was."""
    image, index, out = (os.path.join(folder, name) for name in ("image", "index", "out"))
    mkimage.build(image, [{"entries": [common.entry("f", b"large", data=b"peel" * 100000)]}], form="rootfs")
    settled_index(image, index)
    os.mkdir(out)
    with open(os.path.join(out, "large"), "wb") as file:
        file.write(b"mine")
    before = snapshot(out)

    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    run = subprocess.run([PEEL, "cp", "--index", index, "rootfs:" + image, "large", out], preexec_fn=limit,
                         stderr=subprocess.DEVNULL, timeout=common.TIMEOUT)
    expect_equal(-signal.SIGXFSZ, run.returncode, "how it ended")
    expect_equal(before, snapshot(out), "what is there")


def check_first_name_fails(folder):
    """The first name of a linked file cannot be written, and an old file has it: the second name is no link to that."""
    image, out = os.path.join(folder, "image"), os.path.join(folder, "out")
    mkimage.build(image, [{"entries": [common.entry("d", b"tree"), common.entry("f", b"tree/one", data=b"peel" * 100000),
                                       common.entry("h", b"tree/two", link=b"tree/one")]}], form="rootfs")
    os.makedirs(os.path.join(out, "tree"))
    with open(os.path.join(out, "tree", "one"), "wb") as file:
        file.write(b"old")
    index = os.path.join(folder, "index")
    settled_index(image, index)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    run = subprocess.run([PEEL, "cp", "-a", "--index", index, "rootfs:" + image, "/tree", out], preexec_fn=limit,
                         stderr=subprocess.PIPE, timeout=common.TIMEOUT)
    expect_equal(1, run.returncode, "status")
    expect_equal(2, run.stderr.count(b"cannot write"), "files that are named")
    expect_equal(["one"], os.listdir(os.path.join(out, "tree")), "what is there")


def main():
    common.need_root()
    return common.run_checks([
        ("-a is the export", check_archive),
        ("an ordinary user", check_ordinary_user),
        ("root without asking", check_root_without_asking),
        *[("as GNU: cp %s" % line, lambda f, t=line: check_gnu(f, t)) for line in GNU],
        ("links in the target", check_links_in_target),
        ("links in the image", check_links_in_image),
        ("the corpus", check_cases),
        ("deep links", check_deep_links),
        ("a first name that fails", check_first_name_fails),
        ("killed in a file", check_killed),
        ("a race", check_race),
    ])


if __name__ == "__main__":
    sys.exit(main())
