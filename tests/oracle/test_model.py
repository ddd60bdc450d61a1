#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is the model right? It is held against four engines (cases/oracles.json) and real images (golden/) of the corpus.

Where all four engines agree, the model must too; the exceptions are those that the design makes, listed here.
"""
import hashlib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import model  # noqa: E402
import readtar  # noqa: E402

CORPUS = os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus"))
# Cases about bytes before there is a tree: damaged or refused containers and headers, not the merge's business.
NOT_MERGE = re.compile(r"^([jst]|p0[134]|h08|n(06|12|13|15b|18|2[6789]|30b)|m(05|2[013]))")
# Cases where the design decides otherwise than all engines: an overlay driver's rule for parents, lenient mode
# where engines refuse the image.
DECIDED = {
    "r05": {"d", "d/old", "f", "lnk", "lnk/n"},
    "r08": {"al", "al/n", "d"},
    "w19": {"d", "d/old", "f", "lnk"},
    "r14": {"f", "sf", "sf/n"},
    "r06": {"d", "d/old", "f", "lnk"},
    "h04": {"a"},
    "h07": set(),
    "h13": set(),
    "h17": set(),
    "r15": {"up", "up/n"},
    "w08": {"d", "d/old", "f", "lnk"},
    "w10": {"d", "d/old", "f", "lnk"},
}


def unescape(text):
    """Undo Python's ascii(): names of oracles.json are written so."""
    return os.fsencode(text.encode("ascii").decode("unicode_escape"))


def line_differs(want, got):
    """Compare one line of an engine's tree ("f 644 0:0 sz=1 \"1\"") with the model's listing."""
    kind, mode, uid, gid, size, mtime, link, rdev, _, data, xattrs = got
    pattern = r'(\S) ([0-7]+) (\d+):(\d+)(?: sz=(\d+) "(.*?)")?(?: (\d+:\d+))?(?: -> (.*?))?( ino#\d+)?( mt=\S+)?((?: x:\S+)*)$'
    found = re.match(pattern, want, re.S)
    if not found:
        return "cannot read: " + want
    w = found.groups()
    if (w[0], int(w[1], 8), int(w[2]), int(w[3])) != (kind, mode, uid, gid):
        return "%s %o %d:%d" % (kind, mode, uid, gid)
    if w[4] is not None and (int(w[4]) != size or not data.startswith(unescape(w[5]))):
        return "size or content: %d %r" % (size, data[:12])
    if w[6] and w[6] != "%d:%d" % rdev:
        return "device %r" % (rdev,)
    if w[7] is not None and unescape(w[7]) != link:
        return "link %r" % link
    if w[9] and abs(float(w[9][4:]) - mtime / 1e9) > 1e-5:
        return "mtime %d" % mtime
    have = {k.decode(): v.hex() for k, v in xattrs.items()}
    if dict(x[2:].split("=", 1) for x in w[10].split()) != have:
        return "xattrs %r" % have
    return None


def check_case(name, engines):
    """One case: a list of what is wrong."""
    layers = readtar.layers(os.path.join(CORPUS, "cases", name, "docker.tar"))
    result = model.merge(layers)
    got = model.listing(result)
    got.pop(b"")
    if name in DECIDED:
        want = {os.fsencode(n) for n in DECIDED[name]}
        return [] if set(got) == want else ["model has %s" % sorted(got)]
    trees = [e["tree"] for e in engines.values() if e["rc"] == 0]
    if len(trees) < len(engines):
        return ["engines refuse it, and it is no listed exception"]
    want = {unescape(k): v for k, v in trees[0].items()}
    wrong = ["only in the %s: %r" % ("engines" if n in want else "model", n) for n in set(want) ^ set(got)]
    for path in sorted(set(want) & set(got)):
        difference = line_differs(want[path], got[path])
        if difference:
            wrong.append("%r: engines %s, model %s" % (path, want[path], difference))
    return wrong


def cases():
    """All cases that the engines agree on."""
    with open(os.path.join(CORPUS, "cases", "oracles.json")) as file:
        oracles = json.load(file)
    agree = {}
    with open(os.path.join(CORPUS, "cases", "MATRIX.tsv")) as file:
        for line in file:
            columns = line.split("\t")
            agree[columns[0]] = columns[3] == "yes"
    run = failed = 0
    for name in sorted(oracles):
        if NOT_MERGE.match(name) or not agree.get(name):
            continue
        run += 1
        for text in check_case(name, oracles[name]):
            failed += 1
            print("case %s: %s" % (name, text))
    return run, failed


def golden_rows(path):
    """path → columns of a golden listing."""
    rows = {}
    with open(path, "rb") as file:
        for line in file.read().split(b"\n")[1:]:
            if line:
                columns = line.split(b"\t")
                rows[columns[0]] = [c.decode() for c in columns[1:]]
    return rows


def row_differs(row, node, sha256=None, want=None):
    """Compare one golden row with a listing; its hash with the content's, or two hashes."""
    kind, mode, uid, gid, size, mtime, link, rdev, group, data, xattrs = node
    got = [kind, "%o" % mode, str(uid), str(gid), str(size) if kind == "f" else "-",
           row[5] if row[5].startswith("D") else str(mtime), os.fsdecode(link) or "-",
           "%d:%d" % rdev if kind in "cb" else "-"]
    if row[:8] != got:
        return "%s, not %s" % (got, row[:8])
    if kind == "f" and (want or row[9]) != (sha256 or hashlib.sha256(data).hexdigest()):
        return "content"
    have = ";".join("%s=%s" % (k.decode(), xattrs[k].hex()) for k in sorted(xattrs)) or "-"
    return None if row[10] == have else "xattrs %s, model %s" % (row[10], have)


def public_images(corpus):
    """Name of a golden listing, without engine → image file or layout folder."""
    public, top = {}, os.path.join(corpus, "public")
    for folder, _, files in os.walk(top):
        for name in files + ([""] if "oci-layout" in files else []):
            path = os.path.join(folder, name).rstrip("/")
            public[os.path.relpath(path, top).replace("/", "__")] = path
    return public


def goldens():
    """Every golden listing whose image tarfile can read."""
    public = public_images(CORPUS)
    run = failed = 0
    for name in sorted(os.listdir(os.path.join(CORPUS, "golden"))):
        image = public.get(name.rsplit(".", 2)[0])
        if image is None:
            print("golden %s: no image" % name)
            failed += 1
            continue
        run += 1
        try:
            got = model.listing(model.merge(readtar.layers(image)))
        except (ValueError, KeyError, OSError) as error:
            failed += 1
            print("golden %s: %r" % (name, error))
            continue
        rows = golden_rows(os.path.join(CORPUS, "golden", name))
        got.pop(b"")
        wrong = ["only in the %s: %r" % ("golden" if n in rows else "model", n) for n in sorted(set(rows) ^ set(got))]
        wrong += ["%r: %s" % (n, d) for n in sorted(set(rows) & set(got)) for d in [row_differs(rows[n], got[n])] if d]
        if wrong:
            failed += 1
            print("golden %s: %d differences" % (name, len(wrong)))
            for text in wrong[:4]:
                print("    " + text)
    return run, failed


def main():
    if not os.path.isdir(CORPUS):
        print("no corpus at %s" % CORPUS)
        return 77
    results = [("cases", cases()), ("golden listings", goldens())]
    for what, (run, failed) in results:
        print("%d %s, %d failed" % (run, what, failed))
    return 1 if any(failed or not run for _, (run, failed) in results) else 0


if __name__ == "__main__":
    sys.exit(main())
