#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An image that comes through a pipe is answered as the same image in a file.

    stdin.py [--part stacks|feeds|damage|corpus]... [--seeds FIRST:LAST] [--only TEXT] [--every N]

Of a pipe the contents of files are let go, so every difference between what was kept and what is asked for shows here:
the whole index, row by row, status and messages, and for images that can be read the answers of the verbs.

stacks  random layer stacks, as archives of every kind and as root filesystems
feeds   ways in which bytes come: one at a time, in odd pieces, slowly, cut off
damage  images with damaged headers, cut and spliced archives: there a pipe may also be refused, in its own words, but
        never answered differently
corpus  every file of the corpus ($PEEL_CORPUS), where it is at hand; one in N with --every

$PEEL is the command.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import gen  # noqa: E402
import mkimage  # noqa: E402
import tarbytes  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
CORPUS = os.path.abspath(os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus")))
SLOW = int(os.environ.get("PEEL_SLOW", "1"))
JOBS = 2
IMAGE = object()
VERBS = (("history", IMAGE), ("ls", "-lRa", IMAGE), ("inspect", IMAGE), ("inspect", "--output", "json", IMAGE),
         ("stat", IMAGE, "/", "/etc", "/a"), ("which", IMAGE, "sh", "a"), ("why", IMAGE, "/a"), ("cat", IMAGE, "/a"),
         ("sql", IMAGE, "SELECT layer, count(*), sum(size) FROM entries GROUP BY layer"))
TABLES = ("blob", "layer", "history", "dir", "touch", "entry", "owner", "extra", "xattr", "extent", "hardlink", "finding",
          "point")
OWN_WORDS = re.compile(rb"were not kept|not kept of standard input")


def whole(data):
    """The bytes as a pipe gives them when the writer is fast."""
    yield data


def bytewise(data):
    """A byte a write."""
    for i in range(len(data)):
        yield data[i:i + 1]


def pieces(seed):
    """Pieces of odd sizes."""
    def feed(data):
        rng, pos = random.Random(seed), 0
        while pos < len(data):
            size = rng.choice([1, 7, 511, 512, 513, 4096, 65537, 300000])
            yield data[pos:pos + size]
            pos += size
    return feed


def slowly(data):
    """Some pieces, and time between them."""
    step = len(data) // 6 + 1
    for pos in range(0, len(data), step):
        yield data[pos:pos + step]
        time.sleep(0.02)


def pour(fd, feed, data):
    """Write what feed gives; the reader may be gone."""
    try:
        for part in feed(data):
            os.write(fd, part) if len(part) <= 512 else write_all(fd, part)
    except BrokenPipeError:
        pass
    finally:
        os.close(fd)


def write_all(fd, part):
    view = memoryview(part)
    while view:
        view = view[os.write(fd, view):]


def run(args, data=None, feed=whole):
    """Status, output and errors of the command; data comes through a pipe."""
    if data is None:
        child = subprocess.Popen([PEEL, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    else:
        ends = os.pipe()
        child = subprocess.Popen([PEEL, *args], stdin=ends[0], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(ends[0])
        threading.Thread(target=pour, args=(ends[1], feed, data), daemon=True).start()
    try:
        out, errors = child.communicate(timeout=60 * SLOW)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return -9, b"", b"hangs"
    return child.returncode, out, errors


def sameness(text, name):
    """A message without the name of the image."""
    for word in (os.fsencode(name), b"standard input"):
        text = text.replace(word, b"-")
    return re.sub(rb"^peel: -: (-: )?", b"peel: ", text, flags=re.M)


def rows(path):
    """
    All that an index says, but for which file it is of, when it was made, and which limits it came near: of a pipe a
    header that is damaged further on has been looked at, of a file not.
    """
    if not os.path.exists(path):
        return None
    base = sqlite3.connect("file:%s?immutable=1" % path, uri=True)
    base.text_factory = bytes
    try:
        found = {t: sorted(map(repr, base.execute("SELECT * FROM " + t))) for t in TABLES}
        found["image"] = sorted(repr(row) for row in base.execute(
            "SELECT * FROM image WHERE key NOT IN ('built', 'identity', 'limits', 'location', 'reference')"))
        return found
    finally:
        base.close()


def differences(name, asked, piped, lenient):
    """What is wrong with the answer for the pipe."""
    if piped[0] == -9 or piped[0] not in (0, 1, 2, 3) or b"runtime error" in piped[2] or b"Sanitizer" in piped[2]:
        return ["status %d: %s" % (piped[0], piped[2][-300:])]
    if lenient and piped[0] == 2 and OWN_WORDS.search(piped[2]):
        return []
    wrong = []
    if asked[0] != piped[0]:
        wrong.append("status %d, of the pipe %d: %s" % (asked[0], piped[0], piped[2][-300:]))
    if asked[1].replace(os.fsencode(name), b"-") != piped[1]:
        wrong.append("another answer")
    if sameness(asked[2], name) != sameness(piped[2], name):
        wrong.append("says %r, of the pipe %r" % (asked[2][-200:], piped[2][-200:]))
    return wrong


def compare(path, feed=whole, lenient=False, transport=""):
    """What is wrong with the answers about one image file."""
    with open(path, "rb") as file:
        data = file.read()
    reference, pipe = transport + path, (transport + "-" if transport else "-")
    with tempfile.TemporaryDirectory(prefix="peel-stdin-") as folder:
        one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
        asked = run(["index", "--index", one, reference])
        piped = run(["index", "--index", two, pipe], data, feed)
        asked, piped = (asked[0], b"", asked[2]), (piped[0], b"", piped[2])
        wrong = ["index: " + text for text in differences(path, asked, piped, lenient)]
        if wrong or piped[0] != asked[0]:
            return wrong
        one, two = rows(one), rows(two)
        if one != two:
            return ["index: table %s differs: %s" % (
                [t for t in one or two if not one or not two or one[t] != two[t]],
                [sorted(set(one[t]) ^ set(two[t]))[:4] for t in one or () if two and one[t] != two[t]])]
    if asked[0] == 2:
        return []
    for verb in VERBS:
        asked = run([reference if word is IMAGE else word for word in verb] + ["--no-cache"])
        piped = run([pipe if word is IMAGE else word for word in verb], data, feed)
        wrong += ["%s: %s" % (verb[0], text) for text in differences(path, asked, piped, lenient)]
    return wrong


# ---- stacks

def stack_jobs(first, last):
    """Random stacks: each as an archive, and its lowest layer as a root filesystem."""
    for seed in range(first, last):
        for form in ("docker-archive", "oci-archive", "rootfs"):
            yield "seed %d as %s" % (seed, form), lambda seed=seed, form=form: check_stack(seed, form)


def check_stack(seed, form):
    layers, _ = gen.stack(seed)
    rng = random.Random("stdin %d" % seed)
    with tempfile.TemporaryDirectory(prefix="peel-stdin-") as folder:
        path = os.path.join(folder, "image.tar")
        if form == "rootfs":
            mkimage.build(path, [{"tar": gen.layer_tar(rng, layers[0])}], form=form)
        else:
            gen.write(layers, seed, path, form=form, compress=rng.choice(["none", "none", "none", "gzip", "zstd"]))
        return compare(path, rng.choice([whole, pieces(seed)]))


# ---- feeds

ENTRIES = [
    {"type": "d", "path": b"etc", "mode": 0o755},
    {"type": "f", "path": b"etc/passwd", "content": b"root:x:0:0::/:/bin/sh\nmarie:x:1000:1000::/:/bin/sh\n"},
    {"type": "f", "path": b"./etc/group", "content": b"root:x:0:\nstaff:x:1000:\n"},
    {"type": "f", "path": b"bin/sh", "content": b"\x7fELF" + bytes(range(256)) * 40, "mode": 0o755, "uid": 1000, "gid": 1000},
    {"type": "f", "path": b"a", "content": b"manifest" * 700, "uid": 1000},
    {"type": "f", "path": b"n" * 150, "content": b"x" * 513},
    {"type": "f", "path": b"empty", "content": b""},
    {"type": "l", "path": b"b", "link": b"a"},
]


def build(folder, form, **more):
    """A small image of two layers (a root filesystem: one)."""
    path = os.path.join(folder, form + ".tar")
    layers = [{"entries": ENTRIES, "instruction": "COPY one"},
              {"entries": [dict(ENTRIES[4], content=b"manifesto" * 700)], "instruction": "COPY two"}]
    mkimage.build(path, layers[:1] if form == "rootfs" else layers, form=form, tags=["t"], **more)
    return path


def feed_jobs():
    feeds = {"fast": whole, "by byte": bytewise, "slow": slowly, "odd": pieces(1), "odder": pieces(2)}
    for form in ("docker-archive", "oci-archive", "rootfs"):
        for name, feed in feeds.items():
            yield "%s, %s" % (form, name), lambda form=form, feed=feed: check_feed(form, feed)
        for more in ({"compress": "gzip"}, {"compress": "zstd"}, {"outer": "gzip"}, {"outer": "zstd"}):
            if form != "rootfs" or "outer" in more:
                yield "%s, %s" % (form, more), lambda form=form, more=more: check_feed(form, pieces(3), **more)
        yield "%s, named" % form, lambda form=form: check_feed(form, whole, transport=form + ":")


def check_feed(form, feed, transport="", **more):
    with tempfile.TemporaryDirectory(prefix="peel-stdin-") as folder:
        return compare(build(folder, form, **more), feed, transport=transport)


# ---- damage

def with_checksum(block):
    """A header block whose checksum is right."""
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def headers(data):
    """Where header blocks are, of the archive and of the tars in it."""
    return [pos for pos in range(0, len(data) - 511, 512) if data[pos + 257:pos + 262] == b"ustar"]


def damage(data, rng):
    """A copy with one to three wounds."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        places = headers(data) or [0]
        pos = rng.choice(places)
        wound = rng.randrange(9)
        if wound == 0:
            del data[rng.randrange(len(data)):]
        elif wound == 1:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif wound == 2:
            data[pos:pos] = bytes(512 * rng.randint(1, 2))
        elif wound == 3:
            other = rng.choice(places)
            data[pos:pos] = data[other:other + 512 * rng.randint(1, 4)]
        elif wound == 4:
            data += rng.choice([b"tail", bytes(700), bytes(data[:1024]), bytes(512) + b"x"])
        else:
            block = bytearray(data[pos:pos + 512].ljust(512, b"\0"))
            if wound == 5:
                block[156] = rng.choice(b"\x0001234567xgLKSDV\xff")
            elif wound == 6:
                block[124:136] = rng.choice([b"%011o\0" % rng.choice([0, 1, 511, 512, 513, 5000, 2 ** 30]),
                                             b"\x80" + bytes(10) + b"\x10", b"\xff" * 12, b"7" * 12, b"x" * 12])
            elif wound == 7:
                at = rng.randrange(512)
                block[at] = rng.randrange(256)
            else:
                name = rng.choice([b"d/", b"../x", b"manifest.json", b"index.json", b"etc/passwd", b"a\0b/", b"/"])
                block[0:100] = name.ljust(100, b"\0")
                block[156] = rng.choice(b"\x000")
            data[pos:pos + 512] = with_checksum(bytes(block))
    return bytes(data)


def sparse_layers():
    """A layer with sparse files, long names and a global header: their maps and payloads lie among the data."""
    rng = random.Random(5)
    tars = [tarbytes.pax([(b"comment", b"x")], b"g")]
    for form in range(6):
        entry = gen.model.Entry(b"sparse%d" % form, "f", data=bytes(9000))
        entry.sparse = [(512, 512), (4096, 700)]
        tars.append(gen.sparse_tar(rng, entry.path, entry, dict(mode=0o644, uid=0, gid=0, mtime=0, xattrs={})))
    tars.append(gen.gnu_long(b"long/" * 30 + b"name", b"L"))
    tars.append(tarbytes.header(b"long", b"0", 0o644, 0, 0, 5, 0) + b"bytes" + tarbytes.pad(5))
    return b"".join(tars) + tarbytes.END


def damage_jobs(first, last):
    for seed in range(first, last):
        yield "damage %d" % seed, lambda seed=seed: check_damage(seed)


def check_damage(seed):
    rng = random.Random("damage %d" % seed)
    form = rng.choice(["docker-archive", "oci-archive", "rootfs", "rootfs"])
    with tempfile.TemporaryDirectory(prefix="peel-stdin-") as folder:
        if rng.random() < 0.5:
            path = build(folder, form)
        else:
            path = os.path.join(folder, "sparse.tar")
            mkimage.build(path, [{"tar": sparse_layers(), "instruction": "x"}], form=form, tags=["t"])
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(damage(data, rng))
        return compare(path, pieces(seed), lenient=True)


# ---- corpus

def corpus_jobs(only, every):
    """Every file once, whatever its name; of those, one in so many, by content."""
    seen = set()
    for path in sorted(glob.glob(CORPUS + "/**", recursive=True)):
        if os.path.isfile(path) and only in path and os.path.getsize(path) > 0:
            with open(path, "rb") as file:
                key = hashlib.sha256(file.read()).digest()
            if key not in seen and key[0] % every == 0:
                seen.add(key)
                yield os.path.relpath(path, CORPUS), lambda path=path: check_file(path)


def check_file(path):
    """The same by a short name: long ones are cut in messages."""
    with tempfile.TemporaryDirectory(prefix="peel-stdin-") as folder:
        link = os.path.join(folder, "image")
        os.symlink(path, link)
        return compare(link, lenient=True)


def guarded(job):
    """What is wrong with one job."""
    name, check = job
    try:
        return name, check()
    except (OSError, ValueError, sqlite3.Error) as error:
        return name, [repr(error)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", action="append", choices=("stacks", "feeds", "damage", "corpus"))
    parser.add_argument("--seeds", default="0:1000" if os.environ.get("PEEL_FULL") else "0:25")
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    first, last = (int(n) for n in options.seeds.split(":"))
    parts = {"stacks": lambda: stack_jobs(first, last), "feeds": feed_jobs,
             "damage": lambda: damage_jobs(4 * first, 4 * last), "corpus": lambda: corpus_jobs(options.only, options.every)}
    if options.part == ["corpus"] and not os.path.isdir(CORPUS):
        print("no corpus at %s" % CORPUS)
        return 77
    bad = count = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for part in options.part or parts:
            failed = 0
            jobs = list(parts[part]())
            for name, wrong in pool.map(guarded, jobs):
                failed += bool(wrong)
                if wrong:
                    print("%s: %s" % (name, "; ".join(wrong[:3])))
            print("%s: %d asked, %d answered differently through a pipe" % (part, len(jobs), failed))
            bad += failed
            count += len(jobs)
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
