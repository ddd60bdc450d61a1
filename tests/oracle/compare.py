#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random layer stacks: does peel say what the slow model says?

    compare.py [--seeds FIRST:LAST] [--keep DIR] [--part index|mount|umoci]...

For every seed the merged tree of the model is compared with the index (path, type, mode, owner, size, mtime, link,
device, link groups, xattrs), every hidden entry with the layer that hid it and why, and the tree with the mount under
symlinks=raw (content too). Odd seeds make stacks that umoci takes as peel does: `umoci unpack` must agree as well.

A seed that fails is printed, and its image is kept. Parts that cannot run here are skipped, which is said; where none
can, the status is 77. $PEEL is the command; PEEL_FULL=1 runs more seeds.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import gen  # noqa: E402
import model  # noqa: E402
import treewalk  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
TIMEOUT = 60
SHOWN = 8
TREE = ("SELECT '='||hex(path)||' '||type||' '||mode||' '||uid||' '||gid||' '||size||' '||mtime_sec||' '||mtime_nsec"
        "||' '||hex(coalesce(link,''))||' '||coalesce(rdev_major,0)||' '||coalesce(rdev_minor,0)||' '||ino||' '||nlink"
        " AS row FROM tree")
XATTRS = ("SELECT DISTINCT '='||ino||' '||hex(name)||' '||hex(value) AS row FROM inode JOIN xattr"
          " ON entry IN (ino, meta)")
ENTRIES = ("SELECT '='||layer||' '||type||' '||size||' '||coalesce(hidden_by,-1)||' '||coalesce(why,'visible') AS row"
           " FROM entries ORDER BY id")
FIELDS = ("kind", "mode", "uid", "gid", "size", "mtime", "link", "rdev", "group", "xattrs", "nlink")


class Failed(Exception):
    pass


def peel(*args):
    """Run the command; its standard output."""
    run = subprocess.run([PEEL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    if run.returncode:
        raise Failed("peel %s: status %d: %s" % (args[0], run.returncode, run.stderr.decode(errors="replace").strip()))
    return run.stdout


def sql(image, query):
    """Rows of a query whose only column begins with "=", split at blanks."""
    return [line[1:].decode().split(" ") for line in peel("sql", "--no-cache", image, query).split(b"\n")
            if line.startswith(b"=")]


def from_model(result):
    """The model's tree as treewalk has it."""
    out, names = {}, {}
    for path, row in model.listing(result).items():
        kind, mode, uid, gid, size, mtime, link, rdev, group, data, xattrs = row
        sha256 = hashlib.sha256(data).hexdigest() if kind == "f" else ""
        out[path] = treewalk.Item(kind, mode, uid, gid, size, mtime, link, rdev, group, sha256, xattrs, 1, 0, 0)
        names[group] = names.get(group, 0) + 1
    for path, item in out.items():
        if item.kind == "d":
            folders = sum(1 for p, i in out.items() if i.kind == "d" and p and p.rpartition(b"/")[0] == path)
            out[path] = item._replace(nlink=2 + folders)
        else:
            out[path] = item._replace(nlink=names[item.group])
    return out


def items(rows, xattrs):
    """Rows of TREE as treewalk has a tree."""
    out = {}
    for path, kind, mode, uid, gid, size, sec, nsec, link, major, minor, ino, nlink in rows:
        path, link = bytes.fromhex(path).strip(b"/"), bytes.fromhex(link)
        out[path] = treewalk.Item(
            kind, 0o777 if kind == "l" else int(mode), int(uid), int(gid), len(link) if kind == "l" else int(size),
            int(sec) * 10 ** 9 + int(nsec), link if kind == "l" else b"", (int(major), int(minor)), None, "",
            xattrs.get(int(ino), {}), int(nlink), 0, int(ino))
    groups = {}
    for path in sorted(out):
        if out[path].kind != "d":
            groups.setdefault(out[path].ino, path)
    return {p: i if i.kind == "d" else i._replace(group=groups[i.ino]) for p, i in out.items()}


def from_index(image):
    """The index's tree as treewalk has it."""
    xattrs = {}
    for ino, name, value in sql(image, XATTRS):
        xattrs.setdefault(int(ino), {})[bytes.fromhex(name)] = bytes.fromhex(value)
    return items(sql(image, TREE), xattrs)


def allowed(layers, result, key, compressed):
    """Reasons that are right for an entry: the model's, and for plain layers what can be known without reading."""
    reasons = set(result.fate[key][1])
    entry = layers[key[0]][key[1]]
    if reasons & {"unreachable", "broken-link"}:
        # in a layer of its own it never was; but something else may be said to have taken it away first
        return {"unreachable", "duplicate", "replaced", "deleted", "deleted-with-folder", "opaque", "overwritten",
                "metadata", "identical", "broken-link"}
    if reasons == {"duplicate"}:
        reasons.add("unreachable")
    if reasons & {"identical", "metadata"}:
        if not compressed and entry.kind in "fh":
            reasons.add("overwritten")
        if entry.kind == "h":
            reasons |= {"overwritten", "replaced"}
    return reasons


def check_fates(layers, result, image, compressed):
    """Compare what became of every entry."""
    rows = sql(image, ENTRIES)
    wrong, at = [], 0
    if len(rows) != sum(len(entries) for entries in layers):
        return ["%d entries in the index, %d in the tars" % (len(rows), sum(len(e) for e in layers))]
    for number, entries in enumerate(layers):
        for pos, entry in enumerate(entries):
            layer, kind, _, hidden_by, why = rows[at]
            at += 1
            base = model.clean(entry.path)[-1:] or [b""]
            if base[0].startswith(model.WHITEOUT):
                if kind not in "wo" and why != "marker" and entry.path.count(b".wh.") and why == "visible":
                    wrong.append("%r: a whiteout is shown" % entry)
                continue
            hider, _ = result.fate[(number, pos)]
            right = allowed(layers, result, (number, pos), compressed)
            if int(layer) != number or why not in right:
                wrong.append("%r: layer %s, %s, not %s" % (entry, layer, why, "/".join(sorted(right))))
            elif not right & {"visible", "unreachable", "broken-link"} and int(hidden_by) != hider:
                wrong.append("%r: %s by layer %s, not %d" % (entry, why, hidden_by, hider))
    return wrong


def check_index(layers, result, image, compressed):
    return treewalk.differences(from_model(result), from_index(image), FIELDS) + check_fates(
        layers, result, image, compressed)


def check_mount(result, image, folder):
    """Compare with a mount under symlinks=raw: every byte, and what stat says."""
    os.mkdir(folder)
    peel("mount", "--no-cache", "-o", "symlinks=raw", image, folder)
    try:
        got = treewalk.listing(folder)
    finally:
        peel("umount", folder)
    want = from_model(result)
    wrong = treewalk.differences(want, got, FIELDS + ("sha256",))
    return wrong


def check_umoci(layers, result, seed, folder):
    """Compare with umoci, but for what depends on how it unpacks.

    A folder that no layer has an entry for takes after its parent on disk (setgid), and a folder that gets something
    in it without an entry of its own has the time of unpacking.
    """
    started = time.time_ns() - 10 ** 9
    layout, bundle = os.path.join(folder, "layout"), os.path.join(folder, "bundle")
    gen.write(layers, seed, layout, "oci", "gzip")
    run = subprocess.run(["umoci", "raw", "unpack", "--image", layout + ":t", bundle], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=TIMEOUT)
    if b"too many levels of symbolic links" in run.stdout or b"not a directory" in run.stdout:
        # it resolves links of lower layers on the way to a whiteout, and wants a folder's entry before what is in it
        return []
    if run.returncode:
        raise Failed("umoci: %s" % run.stdout.decode(errors="replace").strip()[-300:])
    got = treewalk.listing(bundle)
    want = from_model(result)
    nodes = {}

    def note(path, node):
        nodes[path] = node
        for name, child in node.children.items():
            note(path + b"/" + name if path else name, child)
    note(b"", result.root)

    def skip(path, field):
        if not nodes[path].is_dir:
            return False
        return field == "mtime" and got[path].mtime > started or (
            nodes[path].entry is None and field in ("mode", "uid", "gid", "mtime"))
    want = {p: i._replace(xattrs={k: v for k, v in i.xattrs.items() if v}) for p, i in want.items()}
    return treewalk.differences(want, got, tuple(f for f in FIELDS if f != "nlink") + ("sha256",), skip)


def check_seed(seed, parts, folder):
    """All parts of one seed: texts of what is wrong."""
    plain = seed % 2 == 1
    layers, result = gen.stack(seed, plain)
    image = os.path.join(folder, "image")
    compressed = gen.write(layers, seed, image)
    wrong = []
    for part, check in (("index", lambda: check_index(layers, result, image, compressed)),
                        ("mount", lambda: check_mount(result, image, os.path.join(folder, "mnt"))),
                        ("umoci", lambda: check_umoci(layers, result, seed, folder) if plain else [])):
        if part in parts:
            try:
                wrong += ["%s: %s" % (part, text) for text in check()]
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                wrong.append("%s: %s" % (part, error))
    return wrong


def possible():
    """Parts that can run here; says which cannot."""
    parts = ["index"]
    if os.path.exists("/dev/fuse") and os.access("/dev/fuse", os.R_OK | os.W_OK):
        parts.append("mount")
    else:
        print("no /dev/fuse: the mount is not compared")
    if os.geteuid() == 0 and shutil.which("umoci"):
        parts.append("umoci")
    else:
        print("umoci is not compared: it needs root")
    return parts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0:2000" if os.environ.get("PEEL_FULL") else "0:120")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "peel-oracle"))
    parser.add_argument("--part", action="append", choices=("index", "mount", "umoci"))
    options = parser.parse_args()
    if not shutil.which(PEEL):
        parser.error("$PEEL is no command: %s" % PEEL)
    parts = options.part or possible()
    first, last = (int(n) for n in options.seeds.split(":"))
    failed = []
    for seed in range(first, last):
        folder = tempfile.mkdtemp(prefix="peel-oracle-")
        wrong = check_seed(seed, parts, folder)
        if wrong:
            failed.append(seed)
            kept = os.path.join(options.keep, str(seed))
            shutil.rmtree(kept, ignore_errors=True)
            os.makedirs(options.keep, exist_ok=True)
            shutil.move(folder, kept)
            print("seed %d: %d differences; its image is %s/image" % (seed, len(wrong), kept))
            for text in wrong[:SHOWN]:
                print("    " + text)
        else:
            shutil.rmtree(folder)
    print("%d seeds (%s), %d failed%s" % (last - first, ", ".join(parts), len(failed),
                                          ": " + " ".join(map(str, failed)) if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
