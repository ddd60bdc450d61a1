#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bombs: images that ask for memory, disk or time without bound end early, and say by which limit.

    run.py [--full] [--figures FILE] [NAME]...

The fast ones by default, all of them with --full, or those that are named. Each is made in a scratch folder, opened by
a verb, and held against four bounds: its status, the memory of all processes together, the bytes that they write, and
the time of the processor (user and system: other work on the machine does not count). PEEL names the program.
"""
import argparse
import collections
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
import makers  # noqa: E402
from makers import GIB, MIB  # noqa: E402

PEEL = os.environ.get("PEEL") or sys.exit("PEEL names the program under test")
# What holds for each where nothing else is said: MiB, MiB, seconds; and when a run counts as hanging.
MEMORY, DISK, SECONDS, HANGS = 128, 512, 60, 600
# Sanitizers and valgrind take memory and time of their own.
INSTRUMENTED = os.environ.get("PEEL_INSTRUMENTED") == "1"

Bomb = collections.namedtuple("Bomb", "name fast make verb statuses says memory files")


def bomb(name, make, statuses, says="", verb=("ls", "-R", "IMAGE"), fast=True, memory=MEMORY, files=()):
    return Bomb(name, fast, make, verb, statuses, says, memory, files)


LAUGHS = "a: &a [x, x]\n" + "".join(
    "%s: &%s [*%s, *%s]\n" % (chr(98 + i), chr(98 + i), chr(97 + i), chr(97 + i)) for i in range(24))


def policy(text):
    return ((".policy", text),)


def rule(pattern):
    return "version: 1\nforbid:\n  - content: {glob: /text, regex: '%s'}\n" % pattern


CHECK = ("check", "-c", "IMAGE.policy", "IMAGE")
# Bytes that an index of 32 MiB has no room for.
SMALL_INDEX = ("ls", "--limit", "index-size=32M", "IMAGE")

BOMBS = [
    bomb("gzip, 512 MiB of zeros", makers.gzip_zeros(512 * MIB), {0}),
    bomb("gzip, 100 GiB of zeros", makers.gzip_zeros(100 * GIB), {3}, "ratio: ", fast=False),
    bomb("zstd, 135 KB to 4 GiB", makers.zstd_zeros(4 * GIB), {0}, fast=False),
    bomb("zstd, 32 MiB to 1 TiB", makers.zstd_zeros(1024 * GIB), {3}, "ratio: ", fast=False),
    bomb("zstd, a window of 128 MiB", makers.zstd_zeros(300 * MIB, 0x88), {0}, memory=MEMORY + 64),
    bomb("zstd, a window of 2 GiB", makers.zstd_zeros(300 * MIB, 0xa8), {3}, "memory: "),
    bomb("zstd, 2,097,152 entries of one name", makers.same_entries(1 << 21), {3}, "named more than", fast=False),
    bomb("zstd, 256,000 names", makers.distinct_entries(256000), {0}, verb=("find", "IMAGE", "-name", "x")),
    bomb("100 million entries of one name", makers.same_entries(100000000), {3}, "entries: ", fast=False),
    bomb("100 million files on standard input", None, {3}, "entries: ", fast=False),
    bomb("1,000,000 names in one folder", makers.one_folder(1000000), {0}, fast=False, verb=("find", "IMAGE", "-name", "x")),
    bomb("a layer compressed 21 times", makers.double_gzip, {3}),
    bomb("a path 5,000 deep", makers.deep(5000), {0}),
    bomb("a path 9,000 deep", makers.deep(9000), {3}, "path-length: "),
    bomb("a path 1,000,000 deep", makers.deep(1000000), {3}, "header-size: "),
    bomb("5,000 paths 2,000 deep", makers.deep(2000, 5000), {3}, "folders: ", fast=False),
    bomb("a path of 1,000,000 bytes", makers.long_path(1000000), {3}, "path-length: "),
    bomb("sparse, 2^63-1 bytes", makers.sparse(2 ** 63 - 1, [(2 ** 63 - 2, 1)]), {0}, verb=("du", "-a", "IMAGE")),
    bomb("sparse, 65,537 pieces", makers.sparse(1 << 40, [(i * 2, 1) for i in range(65537)]), {3}, "sparse-extents: "),
    bomb("a pax header of 1 TiB", makers.huge_header, {3}, "header-size: "),
    bomb("100,000 xattrs", makers.xattrs(100000), {3}, "header-size: "),
    bomb("30,000 xattrs", makers.xattrs(30000), {3}, "xattr-size: "),
    bomb("2,000 entries of 200 KB of xattrs", makers.xattrs(10, 2000, 20000), {3}, "index-size: ", verb=SMALL_INDEX),
    bomb("JSON, 100,000 deep", makers.document(b"[" * 100000), {3}, "json-depth: "),
    bomb("JSON, 4 MiB of arrays", makers.document(b"[" + b"[]," * 1398000 + b"[]]"), {3}, "json-size"),
    bomb("JSON, 10 million values", makers.document(b"[" + b"1," * 10000000 + b"1]"), {3}, "json-size: "),
    bomb("JSON, a string of 4 MB", makers.document(b'[{"Config":"' + b"x" * 4000000 + b'","Layers":[]}]'), {2, 3}),
    bomb("JSON, 100,000 keys, one twice",
         makers.document(b"[{" + b"".join(b'"k%d":1,' % i for i in range(60000)) + b'"k0":1}]'), {2}),
    bomb("1,000 nested indexes", makers.nested_indexes(1000), {3}, "nested deeper", verb=("ls", "oci:IMAGE")),
    bomb("20,000 layers", makers.many_layers(20000), {3}, "layers: "),
    bomb("1,000,000 layers", makers.many_layers(1000000), {3}, "json-size"),
    bomb("20,000 lines of history", makers.many_records(20000), {3}, "layers"),
    bomb("1,000,000 lines of history", makers.many_records(1000000), {3}, "json-size"),
    bomb("100,000 hard links in a chain", makers.hard_links(100000), {0}),
    bomb("2^60 ways through symlinks", makers.lattice, {0, 1, 2, 3}, verb=("stat", "-L", "IMAGE", "/s0/x")),
    bomb("500 layers of 2,000 whiteouts", makers.layered(makers.whiteouts(2000), 500), {0}, fast=False),
    bomb("archives that overlap and nest", makers.archives, {0, 1, 3}, verb=("detect", "IMAGE", "python")),
    bomb("package databases with huge counts", makers.databases, {0, 3}, verb=("packages", "IMAGE")),
    bomb("a policy of a billion laughs", makers.letters, {2}, verb=CHECK, files=policy(LAUGHS)),
    bomb("a policy 100,000 deep", makers.letters, {2, 3}, verb=CHECK, files=policy("[" * 100000)),
    bomb("a policy's pattern that goes back", makers.letters, {0}, verb=CHECK, files=policy(rule("(a*)*(a|aa)+b"))),
    bomb("a policy's pattern of a million states", makers.letters, {2, 3}, verb=CHECK, files=policy(rule("((a{99}){99}){99}"))),
    # Patterns of the command line are the user's own; what they meet is not.
    bomb("patterns that go back", makers.letters, {1}, verb=("grep", "-E", "IMAGE", "(a*)*(a|aa)+b", "/text")),
]


def children_of(pid):
    """The process and all below it."""
    found, at = [pid], 0
    while at < len(found):
        try:
            with open("/proc/%d/task/%d/children" % (found[at], found[at])) as file:
                found += map(int, file.read().split())
        except OSError:
            pass
        at += 1
    return found


def memory_of(pid):
    """Proportional set size, KiB; the resident set where a cage forbids a closer look."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, ValueError):
        pass
    try:
        with open("/proc/%d/status" % pid) as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    except (OSError, ValueError):
        return 0


def files_of(pid):
    """Bytes that files without a name have on disk, by device and inode: what a process may yet write."""
    found = {}
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            path = "/proc/%d/fd/%s" % (pid, name)
            target = os.readlink(path)
            if target.startswith("/") and (target.endswith(" (deleted)") or "/.cache/" in target or "/cache/" in target):
                st = os.stat(path)
                found[st.st_dev, st.st_ino] = st.st_blocks * 512
    except OSError:
        pass
    return found


class Watch(threading.Thread):
    """Peak memory of a process and its children together, and of the disk that they hold."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over, self.memory, self.disk = pid, False, 0, 0

    def run(self):
        while not self.over:
            pids = children_of(self.pid)
            self.memory = max(self.memory, sum(map(memory_of, pids)))
            files = {}
            for pid in pids:
                files.update(files_of(pid))
            self.disk = max(self.disk, sum(files.values()))
            time.sleep(0.02)


def feed(process, stream):
    try:
        stream(process.stdin)
    except BrokenPipeError:
        pass
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass


def run(it, scratch):
    """Open one; its figures, and what is wrong with them."""
    image, cache = os.path.join(scratch, "bomb"), os.path.join(scratch, "cache")
    if it.make:
        it.make(image)
    for end, text in it.files:
        with open(image + end, "w") as file:
            file.write(text)
    words = ["-" if it.make is None and word == "IMAGE" else word.replace("IMAGE", image) for word in it.verb]
    if it.make and "oci:" not in words[-1]:
        words = ["rootfs:" + word if word == image and it.name not in DOCUMENTS else word for word in words]
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(scratch) for name in names)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([PEEL, words[0], "--cache-dir", cache, "--spool-dir", scratch] + words[1:],
                               stdin=subprocess.DEVNULL if it.make else subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = Watch(process.pid)
    watch.start()
    feeder = threading.Thread(target=feed, args=(process, makers.stream_entries), daemon=True)
    if not it.make:
        feeder.start()
    hung = False
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read(1 << 20)), daemon=True)
    reader.start()
    try:
        process.wait(HANGS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        hung = True
    watch.over = True
    watch.join()
    reader.join(10)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    kept = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(cache) for name in names) \
        if os.path.isdir(cache) else 0
    text = (said[0] if said else b"").decode("utf-8", "replace")
    figures = {"name": it.name, "size": size, "status": process.returncode, "seconds": seconds, "hung": hung,
               "memory": watch.memory / 1024, "disk": max(watch.disk, kept) / MIB, "said": text}
    return figures, complaints(it, figures)


def complaints(it, figures):
    wrong = []
    if figures["hung"]:
        wrong.append("it hung")
    elif figures["status"] < 0:
        wrong.append("it crashed with signal %d" % -figures["status"])
    elif figures["status"] not in it.statuses:
        wrong.append("status %d, not %s" % (figures["status"], sorted(it.statuses)))
    if it.says not in figures["said"]:
        wrong.append("it does not say '%s' but: %s" % (it.says, figures["said"][:300].strip()))
    if not INSTRUMENTED and figures["memory"] > it.memory:
        wrong.append("%.0f MiB of memory" % figures["memory"])
    if figures["disk"] > DISK:
        wrong.append("%.0f MiB on disk" % figures["disk"])
    if not INSTRUMENTED and figures["seconds"] > SECONDS:
        wrong.append("%.0f seconds" % figures["seconds"])
    return wrong


# Those that are images by their documents, and not root filesystems.
DOCUMENTS = {it.name for it in BOMBS if it.name.startswith("JSON") or "layer" in it.name or "history" in it.name}
DOCUMENTS.discard("a layer of zeros")


def write_figures(path, results, command):
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, check=False,
                            universal_newlines=True).stdout.strip()
    run = {
        "title": "Bombs",
        "command": command,
        "commit": commit or "unknown",
        "columns": ["bomb", "its bytes", "status", "MiB of memory", "MiB on disk", "processor seconds"],
        "rows": [[f["name"], f["size"], f["status"], round(f["memory"], 1), round(f["disk"], 1), round(f["seconds"], 1)]
                 for f, _ in results],
        "crashes": sum(f["status"] < 0 and not f["hung"] for f, _ in results),
        "hangs": sum(f["hung"] for f, _ in results),
        "wrong": sum(bool(wrong) for _, wrong in results),
        "leaks": 0,
    }
    with open(path, "w") as file:
        json.dump(run, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--figures")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if not shutil.which("zstd"):
        print("1..0 # SKIP zstd is not installed")
        sys.exit(77)
    chosen = [it for it in BOMBS if it.name in options.names or (not options.names and (it.fast or options.full))]
    unknown = set(options.names) - {it.name for it in BOMBS}
    if unknown:
        sys.exit("no bomb: " + ", ".join(sorted(unknown)))
    results = []
    print("1..%d" % len(chosen), flush=True)
    for number, it in enumerate(chosen, 1):
        scratch = tempfile.mkdtemp(prefix="peel-bomb-", dir=os.environ.get("BOMBS_DIR"))
        try:
            figures, wrong = run(it, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        results.append((figures, wrong))
        print("%s %d - %s: status %d, %.0f MiB, %.0f MiB on disk, %.1f s" % (
            "not ok" if wrong else "ok", number, it.name, figures["status"], figures["memory"], figures["disk"],
            figures["seconds"]), flush=True)
        for complaint in wrong:
            print("# " + complaint)
    if options.figures:
        write_figures(options.figures, results, "tests/bombs/run.py" + (" --full" if options.full else ""))
    sys.exit(any(wrong for _, wrong in results))


if __name__ == "__main__":
    main()
