#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The corpus of real, odd and hostile images, through the command alone.

    run.py [--part cases|outer|golden|public]... [--only TEXT]

cases   every case of cases.tsv, as docker.tar and as OCI layout: exit status, findings, tree, contents; where the four
        engines agree and the design goes with them, the tree is held against theirs too
outer   archives that are ambiguous or hostile as a whole are refused with one line
golden  real images: every path, type, mode, owner, size, mtime, link, device, link group, content hash and xattr
public  every file there is: an answer within 10 s, never a crash or a sanitizer's report, no control characters

$PEEL is the command, $PEEL_CORPUS the corpus (default: shared/corpus beside the checkout). Without it the status is 77.
"""
import argparse
import atexit
import concurrent.futures
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "oracle"), os.path.join(HERE, "..", "lib")]
import compare  # noqa: E402
import test_model  # noqa: E402
import treewalk  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
CORPUS = os.path.abspath(os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus")))
TIMEOUT = 10
JOBS = 2
# Several questions to one image: the first one builds its index.
CACHE = tempfile.mkdtemp(prefix="peel-corpus-")
atexit.register(shutil.rmtree, CACHE, True)
REPORT = re.compile(rb"Sanitizer|runtime error:|SUMMARY:|Assertion")
CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
AMBIGUOUS = ("--platform", "linux/amd64")
ROW = re.compile(r"(.+?)=(\S .*)$", re.S)


def run(*args):
    """The command's status, output and errors; a crash, a hang or a sanitizer's report raises."""
    try:
        done = subprocess.run([PEEL, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=TIMEOUT * int(os.environ.get("PEEL_SLOW", "1")))
    except subprocess.TimeoutExpired:
        raise compare.Failed("%s hangs" % args[0]) from None
    if done.returncode not in (0, 1, 2, 3) or REPORT.search(done.stderr):
        raise compare.Failed("%s: status %d: %s" % (args[0], done.returncode,
                                                    done.stderr.decode(errors="replace")[-600:]))
    if CONTROL.search(done.stderr):
        raise compare.Failed("%s: control characters on stderr: %r" % (args[0], done.stderr[:200]))
    return done


def rows(args, query):
    """Status and rows of a query whose column begins with "="."""
    done = run("sql", "--cache-dir", CACHE, *args, query)
    return done, [line[1:].decode().split(" ") for line in done.stdout.split(b"\n") if line.startswith(b"=")]


def tree(args):
    """Status and the index's listing."""
    done, found = rows(args, compare.TREE)
    xattrs = {}
    for ino, name, value in rows(args, compare.XATTRS)[1]:
        xattrs.setdefault(int(ino), {})[bytes.fromhex(name)] = bytes.fromhex(value)
    return done, compare.items(found, xattrs)


# ---- cases

def expectations():
    """id → columns of cases.tsv."""
    with open(os.path.join(HERE, "cases.tsv")) as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return {columns[0]: columns[1:] for columns in lines}


def case_tree(text):
    """path → line of a tree in cases.tsv."""
    return {} if text == "empty" else {test_model.unescape(m.group(1)): m.group(2)
                                       for m in (ROW.match(part) for part in text.split("; "))}


def content(args, path):
    done = run("cat", "--cache-dir", CACHE, *args, b"/" + path)
    if done.returncode:
        raise compare.Failed("cat %r: status %d: %s" % (path, done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout


def compare_tree(want, got, args):
    """Differences of an expected tree and the index's."""
    root = got.pop(b"", None)
    if b"." in want and root is not None:
        got[b"."] = root
    wrong = ["%s %r" % ("lacks" if p in want else "shows", p) for p in sorted(set(want) ^ set(got))]
    for path in sorted(set(want) & set(got)):
        item = got[path]
        data = content(args, path) if item.kind == "f" and item.size < 1 << 24 else b""
        if item.kind == "f" and len(data) != item.size:
            wrong.append("%r: size %d, cat gives %d bytes" % (path, item.size, len(data)))
        difference = test_model.line_differs(want[path], (item.kind, item.mode, item.uid, item.gid, item.size,
                                                          item.mtime, item.link, item.rdev, None, data, item.xattrs))
        if difference:
            wrong.append("%r: %s, not %s" % (path, difference, want[path]))
    groups = {}
    for path in sorted(set(want) & set(got)):
        found = re.search(r" ino#(\d+)", want[path])
        if found:
            groups.setdefault(found.group(1), set()).add(got[path].group)
    return wrong + ["links are not one inode: %r" % g for g in groups.values() if len(g) != 1]


def check_case(name, form, columns, oracle):
    """One case in one form."""
    docker, oci, engines, findings, text = columns
    status = docker if form == "docker" else oci
    folder = os.path.join(CORPUS, "cases", name)
    args = ["docker-archive:%s/docker.tar" % folder if form == "docker" else "oci:%s/oci:t" % folder]
    done, got = tree(args)
    if status == "bad":
        return [] if done.returncode in (2, 3) and done.stderr else ["status %d, not 2 or 3" % done.returncode]
    if status == "0" and done.returncode:
        return ["status %d: %s" % (done.returncode, done.stderr.decode(errors="replace").strip())]
    if done.returncode == 2:
        return []
    wrong = []
    have = {r[0] for r in rows(args, "SELECT DISTINCT '='||code AS row FROM findings")[1]}
    for finding in findings.split(","):
        code, _, only = finding.partition("@")
        if code != "-" and (not only or only == form) and code not in have:
            wrong.append("no finding %s, but %s" % (code, ",".join(sorted(have)) or "none"))
    if text.startswith("#"):
        got.pop(b"", None)
        if len(got) != int(text[1:]):
            wrong.append("%d paths, not %s" % (len(got), text[1:]))
    elif text != "*":
        wrong += compare_tree(case_tree(text), dict(got), args)
        if engines == "yes":
            engine = {test_model.unescape(k): v for k, v in oracle["umoci"].get("tree", {}).items()}
            wrong += ["engines: " + t for t in compare_tree(engine, dict(got), args)]
    return wrong


def cases(only):
    with open(os.path.join(CORPUS, "cases", "oracles.json")) as file:
        oracles = json.load(file)
    table = expectations()
    there = {n for n in os.listdir(os.path.join(CORPUS, "cases")) if os.path.isdir(os.path.join(CORPUS, "cases", n))}
    jobs = [("case %s" % name, lambda: ["it is missing in the corpus or in cases.tsv"]) for name in there ^ set(table)]
    for name in sorted(there & set(table)):
        for form in ("docker", "oci"):
            if only in name:
                jobs.append(("case %s (%s)" % (name, form), lambda n=name, f=form: check_case(
                    n, f, table[n], oracles.get(n, {}))))
    return jobs


# ---- outer

def check_outer(path):
    done = run("inspect", path)
    lines = done.stderr.strip().split(b"\n")
    want = 3 if "json-depth" in path else 2  # a limit leaves the question open
    if done.returncode != want or not lines[0]:
        return ["status %d, not %d" % (done.returncode, want)]
    return []


def outer(only):
    folder = os.path.join(CORPUS, "outer")
    return [("outer %s" % name, lambda p=os.path.join(folder, name): check_outer(p))
            for name in sorted(os.listdir(folder)) if only in name]


# ---- golden

def restored(path, folder):
    """A layout whose blobs are links that a checkout has turned into texts, with links again."""
    blobs = os.path.join(path, "blobs", "sha256")
    texts = {}
    for name in os.listdir(blobs) if os.path.isdir(blobs) else ():
        if os.path.getsize(os.path.join(blobs, name)) < 200:
            with open(os.path.join(blobs, name), "rb") as file:
                data = file.read()
            if data.startswith(b"../"):
                texts[name] = data
    if not texts:
        return path
    copy = os.path.join(folder, "layout")
    shutil.copytree(path, copy)
    for name, target in texts.items():
        os.unlink(os.path.join(copy, "blobs", "sha256", name))
        os.symlink(target, os.fsencode(os.path.join(copy, "blobs", "sha256", name)))
    return copy


def unpacked(path, folder):
    """peel reads no xz, and says so; the image in it is compared all the same."""
    if not path.endswith(".xz"):
        return path
    done = run("inspect", path)
    if done.returncode != 2 or b"xz" not in done.stderr:
        raise compare.Failed("xz: status %d: %s" % (done.returncode, done.stderr.decode(errors="replace")))
    plain = os.path.join(folder, "unpacked.tar")
    with open(path, "rb") as source, open(plain, "wb") as target:
        target.write(lzma.decompress(source.read()))
    return plain


def chosen(path):
    """How to name the image that the engines took."""
    for args in ([path], [path, *AMBIGUOUS], ["docker-archive:%s:@0" % path]):
        done = run("sql", "--cache-dir", CACHE, *args, "SELECT 1")
        if done.returncode == 0:
            return args
    raise compare.Failed("status %d: %s" % (done.returncode, done.stderr.decode(errors="replace").strip()))


def unmount(point):
    """Take a mount away. A process that another thread starts holds this one's open files until its program runs."""
    for _ in range(20):
        done = run("umount", point)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise compare.Failed("umount: status %d: %s" % (done.returncode, done.stderr.decode(errors="replace")))


def with_contents(args, got, folder):
    """The listing with content hashes and the mount's word for everything, where it can be mounted."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return {p: i._replace(sha256=hashlib.sha256(content(args, p)).hexdigest()) if i.kind == "f" else i
                for p, i in got.items()}
    point = os.path.join(folder, "mnt")
    os.mkdir(point)
    done = run("mount", "--no-cache", "-o", "symlinks=raw", *args, point)
    if done.returncode:
        raise compare.Failed("mount: status %d: %s" % (done.returncode, done.stderr.decode(errors="replace")))
    try:
        mounted = treewalk.listing(point)
    finally:
        unmount(point)
    wrong = treewalk.differences(got, mounted, compare.FIELDS)
    if wrong:
        raise compare.Failed("index and mount differ: %s" % wrong[0])
    return mounted


def check_golden(path, listing):
    want = test_model.golden_rows(listing)
    with tempfile.TemporaryDirectory(prefix="peel-golden-") as folder:
        args = chosen(unpacked(restored(path, folder), folder))
        got = with_contents(args, tree(args)[1], folder)
    got.pop(b"")
    wrong = ["%s %r" % ("lacks" if p in want else "shows", p) for p in sorted(set(want) ^ set(got))]
    groups = {}
    for path in sorted(set(want) & set(got)):
        i = got[path]
        difference = test_model.row_differs(want[path][:9] + ["-"] + want[path][10:], (
            i.kind, i.mode, i.uid, i.gid, i.size, i.mtime, i.link, i.rdev, i.group, b"", i.xattrs), i.sha256,
            want[path][9])
        if difference:
            wrong.append("%r: %s" % (path, difference))
        if want[path][8] != "-":
            groups.setdefault(want[path][8], set()).add(i.group)
    return wrong + ["links are not one inode: %r" % sorted(g) for g in groups.values() if len(g) != 1]


def golden(only):
    public = test_model.public_images(CORPUS)
    folder = os.path.join(CORPUS, "golden")
    return [("golden %s" % name, lambda n=name: check_golden(public[n.rsplit(".", 2)[0]], os.path.join(folder, n)))
            for name in sorted(os.listdir(folder)) if only in name]


# ---- public

def check_public(path):
    """Whatever it is: an answer. Where it is an image, its listing too."""
    done = run("index", "--cache-dir", CACHE, path)
    if done.returncode and not done.stderr:
        return ["status %d without a word" % done.returncode]
    if done.returncode in (0, 3):
        shown = run("ls", "-lR", "--cache-dir", CACHE, path)
        if CONTROL.search(shown.stdout):
            return ["ls: control characters: %r" % CONTROL.search(shown.stdout)]
        if done.returncode == 0 and shown.returncode not in (0, 1):
            return ["index gives 0, ls %d: %s" % (shown.returncode, shown.stderr[:200])]
    return []


def public(only):
    jobs = []
    for folder, _, files in os.walk(os.path.join(CORPUS, "public")):
        for name in sorted(files) + ([""] if "oci-layout" in files else []):
            path = os.path.join(folder, name).rstrip("/")
            if only in path:
                jobs.append(("public %s" % os.path.relpath(path, CORPUS), lambda p=path: check_public(p)))
    return jobs


def guarded(job):
    """What is wrong with one job."""
    name, check = job
    try:
        return name, check()
    except (compare.Failed, OSError, subprocess.TimeoutExpired) as error:
        return name, [str(error)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", action="append", choices=("cases", "outer", "golden", "public"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if not os.path.isdir(CORPUS):
        print("no corpus at %s" % CORPUS)
        return 77
    total, bad = [], 0
    for part in options.part or ("cases", "outer", "golden", "public"):
        jobs = globals()[part](options.only)
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for name, wrong in pool.map(guarded, jobs):
                if wrong:
                    failed += 1
                    print("%s: %s" % (name, "; ".join(wrong[:4])))
        print("%s: %d run, %d failed" % (part, len(jobs), failed))
        total.append(len(jobs))
        bad += failed
    print("corpus: %d run, %d failed" % (sum(total), bad))
    return 1 if bad or not sum(total) else 0


if __name__ == "__main__":
    sys.exit(main())
