#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two random layer stacks: does `peel diff` tell exactly what differs between the model's two trees?

    diff.py [--seeds FIRST:LAST]

The second stack of a seed is the first one with entries taken out or altered and a layer more, or another one altogether,
in another container format and compression. Every path and every word of every difference is compared; the changes must
sum to the difference of the bytes, and every grouping to the same total. $PEEL is the command; PEEL_FULL=1 runs more.
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import gen  # noqa: E402
import model  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
TIMEOUT = 60
KIND, MODE, UID, GID, SIZE, MTIME, LINK, RDEV, GROUP, DATA, XATTRS = range(11)


def settled(layers):
    """Layers without entries whose outcome the rules leave open, and the model's result."""
    while True:
        layers = gen.without(layers, [])
        for number, entries in enumerate(layers):
            for pos, entry in enumerate(entries):
                entry.layer, entry.pos = number, pos
        result = model.merge(layers)
        # Every engine refuses a symlink below what is no folder; peel's index still follows it within its layer.
        gone = result.open + [entry for entries in layers for entry in entries
                              if entry.kind == "l" and "unreachable" in result.fate[(entry.layer, entry.pos)][1]]
        if not gone:
            return layers, result
        layers = gen.without(layers, gone)


def altered(layers, rng):
    """Some entries gone, some with another content or other metadata, and the layers of another image on top."""
    layers = copy.deepcopy(layers)
    for entries in layers[rng.randrange(len(layers)):]:
        for entry in list(entries):
            chance = rng.random()
            if chance < 0.05:
                entries.remove(entry)
            elif chance < 0.15 and entry.kind == "f" and entry.data and not entry.sparse:
                entry.data = bytes([entry.data[0] ^ 1]) + entry.data[1:]
            elif chance < 0.25:
                entry.mode ^= 0o100
            elif chance < 0.3:
                entry.uid += 1
            elif chance < 0.35:
                entry.mtime += rng.choice([1, 10 ** 9])
    if rng.random() < 0.5:
        layers.append(gen.stack(rng.randrange(10 ** 6))[0][0])
    return layers


def expected(a, b):
    """path → set of words, without "links"."""
    out = {}
    for path in set(a) | set(b):
        shown = b"/" + path
        if path not in a or path not in b:
            out[shown] = {"added" if path in b else "removed"}
            continue
        x, y = a[path], b[path]
        if x[KIND] != y[KIND]:
            out[shown] = {"type"}
            continue
        words = set()
        words |= {"mode"} if x[MODE] != y[MODE] else set()
        words |= {"owner"} if (x[UID], x[GID]) != (y[UID], y[GID]) else set()
        words |= {"mtime"} if x[MTIME] != y[MTIME] else set()
        words |= {"content"} if (x[DATA], x[LINK], x[RDEV]) != (y[DATA], y[LINK], y[RDEV]) else set()
        words |= {"xattrs"} if x[XATTRS] != y[XATTRS] else set()
        if words:
            out[shown] = words
    return out


def visible(tree):
    """Bytes of regular files, each inode once."""
    return sum(row[SIZE] for path, row in tree.items() if row[KIND] == "f" and row[GROUP] == path)


def diff(a, b, *options):
    run = subprocess.run([PEEL, "diff", "--no-cache", "--output", "json", *options, a, b], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert run.returncode in (0, 1), run.stderr.decode(errors="replace")
    return run.returncode, json.loads(run.stdout)


def raw(row):
    import base64
    return base64.b64decode(row["path_b64"]) if "path_b64" in row else row["path"].encode()


def check_sums(document, a, b):
    totals = document["totals"]
    wrong = []
    for side, tree in (("a", a), ("b", b)):
        if totals[side]["visible_bytes"] != visible(tree):
            wrong.append("%s: %d bytes visible, not %d" % (side, totals[side]["visible_bytes"], visible(tree)))
    change = sum(row["change_bytes"] for row in document["rows"]) + document["smaller"]["change_bytes"]
    if change != visible(b) - visible(a):
        wrong.append("the changes sum to %d, not %d" % (change, visible(b) - visible(a)))
    return wrong


def check_groups(one, two):
    wrong = []
    for by in ("layer", "folder", "package", "category"):
        _, document = diff(one, two, "--by", by)
        totals = document["totals"]
        change = sum(row["change_bytes"] for row in document["rows"])
        if change != totals["b"]["bytes"] - totals["a"]["bytes"]:
            wrong.append("by %s: %d, not %d" % (by, change, totals["b"]["bytes"] - totals["a"]["bytes"]))
    return wrong


def check_seed(seed, folder):
    rng = random.Random("diff %d" % seed)
    first, one = settled(gen.stack(seed)[0])
    second, two = settled(altered(first, rng) if seed % 4 else gen.stack(seed + 10 ** 6)[0])
    paths = [os.path.join(folder, "%d.%s" % (seed, side)) for side in "ab"]
    # The same seed of spellings: layers that were not altered have the same bytes.
    gen.write(first, seed, paths[0])
    gen.write(second, seed, paths[1], form=rng.choice([None, "docker-archive"]),
              compress=rng.choice([None, "none", "gzip", "zstd"]))
    a, b = model.listing(one), model.listing(two)
    status, document = diff(*paths, "--all")
    got = {raw(row): set(row["differs"]) - {"links"} for row in document["rows"]}
    got = {path: words for path, words in got.items() if words}
    want = expected(a, b)
    wrong = ["%r: %s, not %s" % (path, sorted(got.get(path, ())), sorted(want.get(path, ())))
             for path in sorted(set(got) | set(want)) if got.get(path) != want.get(path)]
    if status != (1 if document["rows"] else 0):
        wrong.append("status %d" % status)
    wrong += check_sums(document, a, b) + check_groups(*paths)
    if diff(paths[0], paths[0])[0] != 0:
        wrong.append("an image differs from itself")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0:300" if os.environ.get("PEEL_FULL") else "0:40")
    first, last = (int(n) for n in parser.parse_args().seeds.split(":"))
    failed = 0
    print("1..%d" % (last - first))
    for number, seed in enumerate(range(first, last), 1):
        with tempfile.TemporaryDirectory() as folder:
            wrong = check_seed(seed, folder)
        print("%sok %d - seed %d" % ("not " if wrong else "", number, seed))
        for line in wrong[:8]:
            print("# " + line)
        failed += bool(wrong)
        sys.stdout.flush()
    return 1 if failed else 0


sys.exit(main())
