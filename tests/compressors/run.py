#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers as every compressor writes them that people's images come from: the same tree, the same bytes in any order,
digests that hold, access points close enough together, and an index within its bound.

    run.py [--large]

--large: besides, layers that decode to more than 4 GiB. $PEEL is the command. A compressor that is not installed is a
skipped case."""
import argparse
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import tarbytes  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
NULL = subprocess.DEVNULL
FILES = 160
# Decoded bytes between two access points, and twice that: a block of the compressor may pass the mark.
SPACING = 4 << 20


def stored(data):
    """Stored blocks only."""
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def members(data):
    """A member every few KiB, as eStargz has one a file."""
    return b"".join(gzip.compress(data[i:i + 20000]) for i in range(0, len(data), 20000))


def flushed(data):
    """Full and partial flushes inside one member: empty blocks, resets of the history."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    out = []
    for i in range(0, len(data), 100000):
        out.append(packer.compress(data[i:i + 100000]))
        out.append(packer.flush((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH)[i // 100000 % 3]))
    return b"".join(out) + packer.flush()


# name, command that packs standard input or a function, whether points must be close
GZIP = [
    ("gzip -1", "gzip -1", True), ("gzip -6", "gzip -6", True), ("gzip -9", "gzip -9", True),
    ("gzip --rsyncable", "gzip --rsyncable", True),
    ("pigz", "pigz -p 4", True), ("pigz -i", "pigz -p 4 -i", True),
    ("zopfli", "zopfli --i1 -c $(cat >in; echo in)", True), ("bgzip", "bgzip -c", True),
    ("libdeflate-gzip", "libdeflate-gzip -12", True),
    # One block for the whole input: there is no place to start at but its beginning.
    ("igzip -0", "igzip -0", False), ("igzip -3", "igzip -3", False),
    ("stored", stored, True), ("members", members, True), ("flushes", flushed, True),
]
ZSTD = [
    ("zstd -1", "zstd -q -1", False), ("zstd -19", "zstd -q -19", False),
    ("zstd --long=27", "zstd -q -3 --long=27", False), ("zstd -T2 --rsyncable", "zstd -q -T2 --rsyncable", False),
    ("zstd --no-check", "zstd -q --no-check", False), ("pzstd", "pzstd -q -p 4", True),
]
# What skopeo writes is what podman and buildah push: Go's compressors.
SKOPEO = [("skopeo gzip", "gzip", True), ("skopeo zstd", "zstd", False), ("skopeo zstd:chunked", "zstd:chunked", False)]


def contents(rng):
    """Files of all that layers hold: text, programs, zeros, noise, and small ones."""
    words = [bytes(rng.choices(range(97, 123), k=rng.randrange(2, 10))) for _ in range(2000)]
    program = open(PEEL, "rb").read() if os.path.exists(PEEL) else os.urandom(1 << 20)
    for i in range(FILES):
        size = rng.choice((0, 1, 511, 512, 513, 4096, 70000, 200000, 400000))
        kind = i % 4
        if kind == 0:
            yield b" ".join(rng.choices(words, k=size // 5 + 1))[:size]
        elif kind == 1:
            at = rng.randrange(len(program))
            yield (program[at:] + program[:at])[:size]
        elif kind == 2:
            yield rng.randbytes(size)
        else:
            yield bytes(size)


def make_tar(rng):
    """A layer, and SHA-256 and size of each of its files."""
    out, digests, sizes = [], {}, {}
    for i, data in enumerate(contents(rng)):
        name = b"folder%d/file%d" % (i // 20, i)
        out += [tarbytes.entry(name, "f", size=len(data), mtime=i * 10 ** 9), data, tarbytes.pad(len(data))]
        digests[os.fsdecode(name)] = hashlib.sha256(data).hexdigest()
        sizes[os.fsdecode(name)] = len(data)
    return b"".join(out) + tarbytes.END, digests, sizes


def write_layout(folder, blob, media, diff_id):
    """An OCI layout of one layer."""
    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(folder, "blobs", "sha256", digest), "wb") as file:
            file.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    os.makedirs(os.path.join(folder, "blobs", "sha256"))
    config = put(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + diff_id]}}).encode())
    kind = "application/vnd.oci.image."
    manifest = put(json.dumps({"schemaVersion": 2, "config": dict(config, mediaType=kind + "config.v1+json"),
                               "layers": [dict(put(blob), mediaType=kind + "layer.v1." + media)]}).encode())
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                        ("index.json", {"schemaVersion": 2, "manifests": [dict(manifest, mediaType=kind + "manifest.v1+json")]})):
        with open(os.path.join(folder, name), "w") as file:
            json.dump(value, file)


def peel(*args):
    """What the command prints; a failure raises."""
    done = subprocess.run([PEEL, *args], stdin=NULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise AssertionError("%s: status %d: %s" % (args[0], done.returncode, done.stderr.decode(errors="replace")[-300:]))
    return done.stdout


def number(image, cache, query):
    """One number out of the index."""
    row = json.loads(peel("sql", "--cache-dir", cache, "--output", "json", image, "SELECT " + query))["rows"][0]
    return int(next(iter(row.values())))


def check_points(image, cache, most=2 * SPACING):
    """No two points, and not the last one and the end, are further apart than a read may cost."""
    gap = number(image, cache, """max(gap) FROM (SELECT coalesce(lead(out_off) OVER (PARTITION BY blob ORDER BY out_off),
        (SELECT out_size FROM blob AS b WHERE b.id = point.blob)) - out_off AS gap FROM point WHERE blob > 0)""")
    if gap > most:
        raise AssertionError("points are %d bytes apart" % gap)


def check(image, want, digests, sizes, rng, close, work):
    """One layout: verified, same listing, same bytes in any order, index and points within bounds."""
    cache = tempfile.mkdtemp(dir=work)
    peel("verify", image)
    if peel("ls", "--cache-dir", cache, "-lR", image) != want:
        raise AssertionError("another listing")
    names = rng.sample(sorted(digests), len(digests))
    for name in names[:20]:
        if hashlib.sha256(peel("cat", "--cache-dir", cache, image, name)).hexdigest() != digests[name]:
            raise AssertionError("other bytes in %s" % name)
    # All of them by one reader that jumps to and fro.
    joined = peel("cat", "--cache-dir", cache, image, *names)
    for name in names:
        size = sizes[name]
        if hashlib.sha256(joined[:size]).hexdigest() != digests[name]:
            raise AssertionError("other bytes in %s, read among others" % name)
        joined = joined[size:]
    if close:
        check_points(image, cache)
    index = sum(os.path.getsize(os.path.join(cache, n)) for n in os.listdir(cache))
    blobs = os.path.join(image, "blobs", "sha256")
    most = sum(os.path.getsize(os.path.join(blobs, n)) for n in os.listdir(blobs)) / 100 + 200 * FILES
    # SQLite's pages of empty tables are not the layer's doing.
    if index > most + (256 << 10):
        raise AssertionError("an index of %d bytes, %d are allowed" % (index, most))


def pack(how, data, work):
    """The layer compressed, None where there is no such program. A command may leave files in work."""
    if callable(how):
        return how(data)
    if not shutil.which(how.split()[0]):
        return None
    return subprocess.run(how, shell=True, input=data, stdout=subprocess.PIPE, stderr=NULL, check=True,
                          cwd=work).stdout


class Cases:
    """TAP lines."""

    def __init__(self):
        self.count, self.failed = 0, 0

    def case(self, name, run):
        self.count += 1
        try:
            reason = run()
            print("ok %d - %s%s" % (self.count, name, " # SKIP " + reason if reason else ""), flush=True)
        except (AssertionError, subprocess.CalledProcessError, OSError) as err:
            self.failed += 1
            print("not ok %d - %s\n# %s" % (self.count, name, err), flush=True)


def run_all(cases, work):
    """Every compressor over the same layer."""
    rng = random.Random(1)
    data, digests, sizes = make_tar(rng)
    diff_id = hashlib.sha256(data).hexdigest()
    plain = os.path.join(work, "plain.tar")
    with open(plain, "wb") as file:
        file.write(data)
    want = peel("ls", "--no-cache", "-lR", plain)

    def packed(media, how, close):
        blob = pack(how, data, work)
        if blob is None:
            return "%s is not installed" % how.split()[0]
        image = tempfile.mkdtemp(dir=work)
        write_layout(image, blob, media, diff_id)
        check(image, want, digests, sizes, rng, close, work)
        return shutil.rmtree(image)

    def copied(layout, form, close):
        if not shutil.which("skopeo"):
            return "skopeo is not installed"
        image = tempfile.mkdtemp(dir=work)
        done = subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", "--dest-compress-format", form, "oci:" + layout,
                               "oci:" + image], stdin=NULL, stdout=NULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            return "skopeo cannot: " + done.stderr.decode(errors="replace").strip()[-120:].replace("\n", " ")
        check(image, want, digests, sizes, rng, close, work)
        return shutil.rmtree(image)

    for media, table in (("tar+gzip", GZIP), ("tar+zstd", ZSTD)):
        for name, how, close in table:
            cases.case(name, lambda media=media, how=how, close=close: packed(media, how, close))
    layout = os.path.join(work, "layout")
    write_layout(layout, data, "tar", diff_id)
    for name, form, close in SKOPEO:
        cases.case(name, lambda form=form, close=close: copied(layout, form, close))


def make_large(path):
    """A rootfs tar of 4.5 GiB: one large file, and a small one behind it."""
    size = 9 << 29
    block = b"".join(b"%015d\n" % i for i in range(1 << 16))
    with open(path, "wb") as file:
        file.write(tarbytes.entry(b"large", "f", size=size))
        for _ in range(size // len(block)):
            file.write(block)
        file.write(tarbytes.entry(b"small", "f", size=5) + b"small" + tarbytes.pad(5) + tarbytes.END)
    return size, block


def run_large(cases, work):
    """Offsets and sizes above 32 bits."""
    plain = os.path.join(work, "large.tar")
    size, block = make_large(plain)

    def packed(command, close):
        image, cache = os.path.join(work, "large.packed"), tempfile.mkdtemp(dir=work)
        subprocess.run("%s <%s >%s" % (command, plain, image), shell=True, check=True)
        if peel("cat", "--cache-dir", cache, image, "small") != b"small":
            raise AssertionError("other bytes behind 4 GiB")
        if peel("stat", "--cache-dir", cache, "--format", "%s", image, "large").strip() != b"%d" % size:
            raise AssertionError("another size")
        if close:
            # Digits have codes in few bytes, and a block whose header is shorter than a step of the search may be missed.
            check_points(image, cache, 4 * SPACING)
        reader = subprocess.Popen([PEEL, "cat", "--cache-dir", cache, image, "large"], stdout=subprocess.PIPE)
        for _ in range(size // len(block)):
            if reader.stdout.read(len(block)) != block:
                raise AssertionError("other bytes")
        if reader.stdout.read() or reader.wait() != 0:
            raise AssertionError("another end")
        os.unlink(image)

    for command, close in (("gzip -1", True), ("pigz -1 -p 2", True), ("zstd -q -1", False)):
        if not shutil.which(command.split()[0]):
            cases.case("4.5 GiB, " + command, lambda: "not installed")
        else:
            cases.case("4.5 GiB, " + command, lambda command=command, close=close: packed(command, close))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    cases = Cases()
    # Not in /tmp, which may be memory.
    with tempfile.TemporaryDirectory(prefix="peel-compressors-", dir="/var/tmp") as work:
        (run_large if options.large else run_all)(cases, work)
    print("1..%d" % cases.count)
    return 1 if cases.failed else 0


if __name__ == "__main__":
    sys.exit(main())
