# SPDX-License-Identifier: Apache-2.0
"""Random layer stacks: the same seed gives the same bytes.

stack(seed, plain) makes the layers as the model's entries; write(…) makes an image file of them. Names come from a
small pool, so that layers meet often: whiteouts, opaque markers in any order, changes of type, entries without
parents, hard links within and across layers, symlinks as parents, duplicates, repeated layers.

A plain stack leaves out what umoci does otherwise (semantics.md 1.3) or refuses: then its tree must be the model's.
"""
import copy
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
import model  # noqa: E402
import tarbytes  # noqa: E402

NAMES = [b"a", b"b", b"c", b"d", b"e", b"lnk", b"sub", b"x.txt"]
ODD_NAMES = [b"caf\xc3\xa9", b"lat\xe9", b"new\nline", b"tab\there", b"\x1b[31mred", b" lead", b"trail ", b"-rf", b"*",
             b"back\\slash", b"quo'te\"", b"%s%n", b"n" * 255, b"\xff\xfe", b".wh", b".whx", b"..c", b"::error::"]
TARGETS = [b"a", b"b", b"/a", b"/b/c", b"../a", b"../../..", b"..", b".", b"lnk", b"/", b"nowhere", b"a/../b", b"./b",
           b"/etc/passwd", b"d/lnk", b"t" * 200 + b"/" + b"t" * 90]
TIMES = [0, 1, 1700000000 * 10 ** 9, 1700000000123456789, 1700000000000000001, 10 ** 9 - 1, 2 ** 33 * 10 ** 9]
IDS = [0, 0, 0, 1, 1000, 65534, 100000, 2097151, 2097152, 3000000, 2 ** 31, 2 ** 32 - 2]
MODES = [0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0o7777, 0o000, 0o444]
ODD_IDS = [2 ** 32 - 1, 2 ** 40, 2 ** 32 + 5]
XATTRS = [(b"user.note", b"value"), (b"user.bin", b"\0\xff=\n"), (b"trusted.who", b"me"),
          (b"security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))]


class Stack:
    def __init__(self, seed, plain):
        self.rng = random.Random("peel %d %d" % (seed, plain))
        self.plain = plain
        self.known = [b"a", b"b", b"d"]
        self.made = []
        self.kinds = "ffffffdddlllhhhcbp"

    def name(self):
        return self.rng.choice(ODD_NAMES if self.rng.random() < 0.06 else NAMES)

    def path(self):
        """A path, more often than not one that was used before, or one beside or below it."""
        rng = self.rng
        chance = rng.random()
        if chance < 0.4:
            return rng.choice(self.known)
        parts = rng.choice(self.known).split(b"/") if chance < 0.8 else []
        parts = parts[:rng.randint(0, 3)] + [self.name() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.02:
            parts += [b"deep%d" % i for i in range(rng.randint(10, 40))]
        return b"/".join(parts)

    def mtime(self):
        if self.rng.random() < 0.15:
            return -self.rng.choice([1000 * 10 ** 9, 1500000000, 1])
        return self.rng.choice(TIMES)

    def owner(self):
        if not self.plain and self.rng.random() < 0.03:
            return self.rng.choice(ODD_IDS)
        return self.rng.choice(IDS)

    def data(self):
        rng = self.rng
        size = rng.choice([0, 1, 1, 5, 511, 512, 513, 4096, rng.randint(1, 20000)])
        # few distinct contents, so that layers rewrite files identically
        return (b"%d " % rng.randint(0, 3)) * (size // 2) + b"x" * (size % 2)

    def entry(self):
        rng = self.rng
        if self.made and rng.random() < 0.12:
            return self.again()
        kind = rng.choice(self.kinds)
        path = self.path()
        entry = model.Entry(path, kind, rng.choice(MODES), self.owner(), self.owner(), self.mtime())
        if kind == "f":
            entry.data = self.data()
            if rng.random() < 0.1:
                self.make_sparse(entry)
        elif kind == "l":
            entry.link = rng.choice(TARGETS + self.known)
        elif kind == "h":
            entry.link = self.path() if rng.random() < 0.3 else rng.choice(self.known)
        elif kind in "cb":
            entry.rdev = rng.choice([(1, 3), (8, 0), (0, 0), (255, 4095), (4095, 65536)])
        if kind in "fd" and rng.random() < 0.2:
            entry.xattrs = dict(rng.sample(XATTRS, rng.randint(1, 2)))
            if not self.plain and rng.random() < 0.2:
                entry.xattrs[b"user.empty"] = b""
        self.known.append(path)
        self.made.append(entry)
        return entry

    def again(self):
        """An entry once more: the same, or with other metadata, or with other content of the same size."""
        rng = self.rng
        entry = copy.copy(rng.choice(self.made))
        chance = rng.random()
        if chance < 0.3:
            entry.mode = rng.choice(MODES)
        elif chance < 0.5:
            entry.mtime = self.mtime()
        elif chance < 0.6 and entry.kind == "f" and not entry.sparse:
            entry.data = b"z" * len(entry.data)
        return entry

    def make_sparse(self, entry):
        """Data pieces between holes; data is what a reader sees."""
        rng, at, out, extents = self.rng, 0, b"", []
        for _ in range(rng.randint(1, 5)):
            hole, size = rng.choice([0, 512, 4096, 10000]), rng.choice([512, 1024, 4096, 700])
            at += hole
            extents.append((at, size))
            out += b"\0" * hole + bytes([65 + len(extents)]) * size
            at += size
        tail = rng.choice([0, 4096, 1])
        entry.data, entry.sparse = out + b"\0" * tail, extents

    def marker(self):
        """A whiteout or an opaque marker."""
        rng = self.rng
        path = self.path()
        folder, base = os.path.split(path)
        if rng.random() < 0.35:
            name = os.path.join(path, model.OPAQUE)
        elif not self.plain and rng.random() < 0.05:
            name = os.path.join(folder, rng.choice([b".wh.", b".wh..", b".wh...", b".wh..wh.aufs"]))
        else:
            name = os.path.join(folder, (model.WHITEOUT + base)[:255])
        entry = model.Entry(name, "f")
        if not self.plain and rng.random() < 0.1:
            entry.kind, entry.mode = "d", 0o755
        return entry

    def layer(self, first):
        rng = self.rng
        size = rng.randint(1, 30)
        out = [self.marker() if not first and rng.random() < 0.2 else self.entry() for _ in range(size)]
        if self.plain:
            # umoci goes by position: whiteouts make room, from the top down
            markers = [entry for entry in out if model.WHITEOUT in entry.path]
            rest = [entry for entry in out if model.WHITEOUT not in entry.path]
            out = sorted(markers, key=lambda entry: entry.path.count(b"/")) + rest
        return out

    def layers(self):
        rng = self.rng
        out = [self.layer(i == 0) for i in range(rng.randint(1, 6))]
        if rng.random() < 0.1:
            out.insert(rng.randint(0, len(out)), rng.choice(out))
        if rng.random() < 0.1:
            out.insert(rng.randint(0, len(out)), [])
        if rng.random() < 0.3:
            rng.choice(out).append(model.Entry(b"./", "d", rng.choice([0o755, 0o711]), 0, 0, self.mtime()))
        return [without([layer], [])[0] for layer in out]


def without(layers, gone):
    """Fresh copies of the layers less some entries."""
    drop = {(e.layer, e.pos) for e in gone}
    return [[copy.copy(e) for e in entries if (e.layer, e.pos) not in drop] for entries in layers]


def refused_by_umoci(layers, result):
    """Entries that umoci refuses or takes otherwise."""
    gone = list(result.differ)
    # what was there for a while and then taken back counts too, where a driver goes by the order
    places = {(e.layer, tuple(model.clean(e.path)[:-1])) for e in gone}
    places |= {(e.layer, tuple(model.clean(e.path))) for e in result.late if e.kind == "d"}
    for entries in layers:
        for entry in entries:
            parts = model.clean(entry.path)
            if any((entry.layer, tuple(parts[:n])) in places for n in range(1, len(parts))):
                gone.append(entry)
            layer, reasons = result.fate[(entry.layer, entry.pos)]
            if reasons & {"unreachable", "broken-link"}:
                gone.append(entry)
    return gone


def stack(seed, plain=False):
    """Layers and the model's result for a seed, without entries whose outcome the rules leave open."""
    layers = Stack(seed, plain).layers()
    while True:
        result = model.merge(layers)
        gone = result.open + (refused_by_umoci(layers, result) if plain else [])
        if gone:
            layers = without(layers, gone)
            continue
        if not plain:
            return layers, result
        # umoci leaves an inode's metadata alone where a hard link's header has other
        changed = False
        for entries in layers:
            for entry in entries:
                bound = result.bound.get((entry.layer, entry.pos))
                if bound and bound != (entry.mode, entry.uid, entry.gid, entry.mtime, entry.xattrs):
                    entry.mode, entry.uid, entry.gid, entry.mtime, entry.xattrs = bound
                    changed = True
        if not changed:
            return layers, result


def spelled(rng, entry):
    """One of the ways to write a path."""
    name = entry.path
    chance = rng.random()
    if chance < 0.1:
        name = b"./" + name
    elif chance < 0.15:
        name = b"/" + name
    elif chance < 0.2:
        name = name.replace(b"/", b"//")
    elif chance < 0.23:
        name = b"zz/../" + name
    return name + b"/" if entry.kind == "d" and rng.random() < 0.8 and not name.endswith(b"/") else name


def gnu_long(name, flag):
    return tarbytes.header(b"././@LongLink", flag, 0o644, 0, 0, len(name) + 1, 0) + name + b"\0" + tarbytes.pad(
        len(name) + 1)


def sparse_tar(rng, name, entry, common):
    """A sparse file in one of the pax forms 0.0, 0.1 and 1.0."""
    packed = b"".join(entry.data[o:o + n] for o, n in entry.sparse)
    real = b"%d" % len(entry.data)
    form = rng.choice(["0.0", "0.1", "1.0"])
    if form == "1.0":
        head = b"".join(b"%d\n" % n for n in [len(entry.sparse)] + [n for pair in entry.sparse for n in pair])
        head += tarbytes.pad(len(head))
        extra = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                 (b"GNU.sparse.realsize", real)]
        return tarbytes.entry(b"GNUSparseFile.0/" + name[-50:], "f", size=len(head) + len(packed), extra=extra,
                              **common) + head + packed + tarbytes.pad(len(packed))
    extra = [(b"GNU.sparse.size", real), (b"GNU.sparse.numblocks", b"%d" % len(entry.sparse))]
    if form == "0.0":
        for offset, size in entry.sparse:
            extra += [(b"GNU.sparse.offset", b"%d" % offset), (b"GNU.sparse.numbytes", b"%d" % size)]
    else:
        extra += [(b"GNU.sparse.name", name), (b"GNU.sparse.map", b",".join(b"%d,%d" % p for p in entry.sparse))]
    return tarbytes.entry(name, "f", size=len(packed), extra=extra, **common) + packed + tarbytes.pad(len(packed))


def layer_tar(rng, entries):
    """A layer's bytes, headers in varying styles."""
    out = []
    for entry in entries:
        name = spelled(rng, entry)
        common = dict(mode=entry.mode, uid=entry.uid, gid=entry.gid, mtime=entry.mtime, xattrs=entry.xattrs)
        if entry.sparse:
            out.append(sparse_tar(rng, name, entry, common))
            continue
        head = b""
        link = b"/" + entry.link if entry.kind == "h" and rng.random() < 0.1 else entry.link
        if len(name) > 100 and not entry.xattrs and 0 <= entry.mtime and not entry.mtime % 10 ** 9 \
                and len(link) <= 100 and max(entry.uid, entry.gid) < 8 ** 7:
            head, name = gnu_long(name, b"L"), name[:100]
        out.append(head + tarbytes.entry(name, entry.kind, size=len(entry.data), link=link, rdev=entry.rdev,
                                         **common))
        out.append(entry.data + tarbytes.pad(len(entry.data)))
    return b"".join(out) + rng.choice([tarbytes.END, tarbytes.END, b"", tarbytes.END[:512], tarbytes.END * 5])


def write(layers, seed, out, form=None, compress=None):
    """Write an image file; returns whether its layers are compressed."""
    rng = random.Random("bytes %d" % seed)
    tars = [{"instruction": "RUN step %d" % i, "tar": layer_tar(rng, entries)} for i, entries in enumerate(layers)]
    form = form or rng.choice(["docker-archive", "docker-archive", "oci-archive", "oci-archive", "oci"])
    compress = compress or rng.choice(["none", "gzip", "zstd"])
    mkimage.build(out, tars, form=form, compress=compress, tags=["t:latest"] if form == "docker-archive" else ["t"])
    return compress != "none"
