#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mixed load over mounts that stay, for as long as is asked: memory and descriptors stay flat, every byte is right.

    run.py [--seconds N] [--workers N] [--seed N] [--image FILE]... [--figures FILE]

Three images of one tree (plain, gzip, zstd layers), or those that are named, are mounted and stay so. Workers find, du,
read at random places, read whole files, grep through the command, and mount and unmount others of the images beside.
What is read is compared with what one reading of all by `peel export` gave at the start. The servers are looked at every second:
after a warm-up of a fifth of the time, the median memory of the last quarter may be MEMORY_SLACK above that of the
first (more in a run of less than five minutes), and open descriptors and threads may be no more than the most in the first. At the end every mount is gone, every process is
gone, and the cache holds what it held. $PEEL is the command. Skips (77) where nothing can be mounted.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
from mounts import enter_private  # noqa: E402

PEEL = os.path.realpath(os.environ.get("PEEL", "peel"))
# What may be added to a server's memory without being a leak: allocators keep pages of the busiest moment, bytes.
MEMORY_SLACK = 3 << 20
# A sanitizer's own records grow with what was touched: then only descriptors, threads and bytes are judged.
INSTRUMENTED = "PEEL_INSTRUMENTED" in os.environ
# In the first minutes the caches of decoded spans fill up, which are bounded by themselves: seconds, bytes.
FILLING, FILLING_SLACK = 300, 32 << 20
PATIENCE = 60
BLOCK = 4096
FILES = 1500
# Files above this are read in part only.
WHOLE = 4 << 20
FORMS = (("docker-archive", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd"))


class Wrong(Exception):
    """Something that must not be."""


def peel(*words, check=True, **kwargs):
    result = subprocess.run([PEEL, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE * 10, **kwargs)
    if check and result.returncode != 0:
        raise Wrong("peel %s: %d: %s" % (" ".join(words), result.returncode, result.stderr[-300:]))
    return result


def make_images(folder, rng):
    """One tree in three forms."""
    layers = []
    for layer in range(3):
        entries = []
        for i in range(FILES // 3):
            text = rng.randbytes(rng.randrange(200)) * rng.randrange(1, rng.choice((20, 200, 3000)))
            entries.append({"type": "f", "path": b"usr/d%d/e%d/f%d" % (i % 11, i % 17, layer * FILES + i), "data": text})
        entries.append({"type": "l", "path": b"usr/link%d" % layer, "target": b"d1/e1"})
        layers.append({"instruction": "COPY %d" % layer, "entries": entries})
    paths = []
    for form, codec in FORMS:
        paths.append(os.path.join(folder, codec + ".tar"))
        mkimage.build(paths[-1], layers, form=form, compress=codec, tags=["soak:latest"])
    return paths


class Reference:
    """Digest of each file, and digests of blocks, as one pass over the exported tar gives them."""

    def __init__(self, image, cache):
        self.files, self.blocks, self.count = {}, {}, 0
        words = [PEEL, "export", "--cache-dir", cache, image]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
            with tarfile.open(fileobj=child.stdout, mode="r|") as tar:
                for member in tar:
                    self.count += os.path.normpath(member.name) != "."
                    if member.isreg():
                        self.take(tar.extractfile(member), os.path.normpath(member.name))
            if child.wait() != 0:
                raise Wrong("peel export ended with %d" % child.returncode)
        self.names = sorted(self.files)

    def take(self, file, name):
        whole, blocks, size = hashlib.sha256(), [], 0
        while block := file.read(BLOCK):
            whole.update(block)
            size += len(block)
            blocks.append(hashlib.blake2b(block, digest_size=8).digest())
        self.files[name] = (size, whole.digest())
        # Of large files every 64th block, which is enough to meet a wrong span.
        self.blocks[name] = {i: b for i, b in enumerate(blocks) if len(blocks) < 1024 or i % 64 == 0}


class Mount:
    """A mount and the processes behind it."""

    def __init__(self, image, folder, cache):
        self.image, self.folder, self.cache = image, folder, cache
        os.makedirs(folder, exist_ok=True)
        peel("mount", "-q", "--cache-dir", cache, image, folder)

    def pids(self):
        """Supervisor and server; the guard is a shell."""
        found = subprocess.run(["pgrep", "-f", "--", "mount -q .* %s$" % self.folder], capture_output=True, text=True)
        return [int(word) for word in found.stdout.split()]

    def close(self):
        peel("umount", self.folder)
        end = time.monotonic() + PATIENCE
        while self.pids():
            if time.monotonic() > end:
                raise Wrong("%s: processes are left: %s" % (self.folder, self.pids()))
            time.sleep(0.02)


def usage(pids):
    """(bytes resident and not shared with others, descriptors, threads) of some processes together."""
    memory = descriptors = threads = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith(("Private_Dirty:", "Private_Clean:")):
                    memory += int(line.split()[1]) << 10
        descriptors += len(os.listdir("/proc/%d/fd" % pid))
        threads += len(os.listdir("/proc/%d/task" % pid))
    return memory, descriptors, threads


class Load:
    """What the workers do; each kind counts its rounds."""

    def __init__(self, mounts, references, cache, folder):
        self.mounts, self.references, self.cache, self.folder = mounts, references, cache, folder
        self.counts, self.wrong, self.bytes = {}, [], 0
        self.lock = threading.Lock()
        self.stop = time.monotonic()

    def pick(self, rng):
        mount = rng.choice(self.mounts)
        return mount, self.references[mount.image]

    def find(self, rng, _):
        mount, reference = self.pick(rng)
        found = sum(len(folders) + len(files) for _, folders, files in os.walk(mount.folder))
        if found != reference.count:
            raise Wrong("%s: %d names instead of %d" % (mount.image, found, reference.count))

    def du(self, rng, _):
        mount, _ = self.pick(rng)
        subprocess.run(["du", "-s", mount.folder], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)

    def whole(self, rng, _):
        mount, reference = self.pick(rng)
        for name in rng.sample(reference.names, min(20, len(reference.names))):
            size, digest = reference.files[name]
            if size > WHOLE:
                continue
            with open(os.path.join(mount.folder, name), "rb", buffering=0) as file:
                data = b"".join(iter(lambda file=file: file.read(1 << 17), b""))
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self.bytes += len(data)
            if len(data) != size or hashlib.sha256(data).digest() != digest:
                raise Wrong("%s: %s: %d bytes, wrong" % (mount.image, name, len(data)))

    def random(self, rng, _):
        mount, reference = self.pick(rng)
        for name in rng.sample(reference.names, min(40, len(reference.names))):
            blocks = reference.blocks[name]
            if not blocks:
                continue
            with open(os.path.join(mount.folder, name), "rb", buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
                for number in rng.sample(sorted(blocks), min(4, len(blocks))):
                    data = os.pread(file.fileno(), BLOCK, number * BLOCK)
                    self.bytes += len(data)
                    if hashlib.blake2b(data, digest_size=8).digest() != blocks[number]:
                        raise Wrong("%s: %s: block %d is wrong" % (mount.image, name, number))
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def again(self, rng, worker):
        mount, reference = self.pick(rng)
        other = Mount(mount.image, os.path.join(self.folder, "mnt-%d" % worker), self.cache)
        try:
            for name in rng.sample(reference.names, min(5, len(reference.names))):
                size = os.stat(os.path.join(other.folder, name)).st_size
                if size != reference.files[name][0]:
                    raise Wrong("%s: %s has %d bytes" % (mount.image, name, size))
        finally:
            other.close()

    def verbs(self, rng, _):
        mount, reference = self.pick(rng)
        name = rng.choice(reference.names)
        size, digest = reference.files[name]
        if size <= WHOLE:
            data = peel("cat", "--cache-dir", self.cache, mount.image, "/" + name).stdout
            if hashlib.sha256(data).digest() != digest:
                raise Wrong("%s: cat %s is wrong" % (mount.image, name))
        peel("ls", "--cache-dir", self.cache, mount.image, "/" + os.path.dirname(name))

    KINDS = ("find", "du", "whole", "whole", "random", "random", "random", "again", "verbs")

    def work(self, worker, seed):
        rng = random.Random("%s-%d" % (seed, worker))
        while time.monotonic() < self.stop and not self.wrong:
            kind = rng.choice(self.KINDS)
            try:
                getattr(self, kind)(rng, worker)
            except (Wrong, OSError, subprocess.SubprocessError) as error:
                with self.lock:
                    self.wrong.append("%s: %s" % (kind, error))
            with self.lock:
                self.counts[kind] = self.counts.get(kind, 0) + 1


def watch(load, mounts, end):
    """Samples of every server until the end: {image: [(memory, descriptors, threads)]}."""
    samples = {mount.image: [] for mount in mounts}
    pids = {mount.image: mount.pids() for mount in mounts}
    while time.monotonic() < end and not load.wrong:
        time.sleep(1)
        for mount in mounts:
            try:
                samples[mount.image].append(usage(pids[mount.image]))
            except OSError as error:
                load.wrong.append("%s: a process behind the mount is gone: %s" % (mount.image, error))
    return samples


def judge(image, samples):
    """First and last quarter after the warm-up. Returns a row and what is wrong."""
    slack = FILLING_SLACK if len(samples) < FILLING else MEMORY_SLACK
    warm = samples[len(samples) // 5:]
    quarter = max(1, len(warm) // 4)
    first, last = warm[:quarter], warm[-quarter:]
    before, after = (statistics.median(s[0] for s in part) for part in (first, last))
    wrong = []
    if after > before + slack and not INSTRUMENTED:
        wrong.append("%s: memory grew from %d to %d" % (image, before, after))
    for i, what in ((1, "descriptors"), (2, "threads")):
        # A descriptor or two come and go with the moment (spools, a thread that starts).
        if statistics.median(s[i] for s in last) > max(s[i] for s in first):
            wrong.append("%s: %s grew" % (image, what))
    row = [os.path.basename(image), "%.1f" % (before / 2 ** 20), "%.1f" % (after / 2 ** 20),
           "%.1f" % (max(s[0] for s in samples) / 2 ** 20), max(s[1] for s in first), max(s[1] for s in last)]
    return row, wrong


def soak(options, folder):
    rng = random.Random(options.seed)
    cache = os.path.join(folder, "cache")
    images = options.image or make_images(folder, rng)
    # An image that was just written is not trusted by the cache.
    time.sleep(0 if options.image else 2.2)
    references = {image: Reference(image, cache) for image in images}
    kept = sorted(os.listdir(cache))
    mounts = [Mount(image, os.path.join(folder, "stay-%d" % i), cache) for i, image in enumerate(images)]
    load = Load(mounts, references, cache, folder)
    load.stop = time.monotonic() + options.seconds
    threads = [threading.Thread(target=load.work, args=(i, options.seed)) for i in range(options.workers)]
    for thread in threads:
        thread.start()
    samples = watch(load, mounts, load.stop)
    for thread in threads:
        thread.join()
    wrong, rows = list(load.wrong), []
    for mount in mounts:
        if not load.wrong:
            row, grown = judge(mount.image, samples[mount.image])
            rows.append(row)
            wrong += grown
        mount.close()
    if sorted(os.listdir(cache)) != kept:
        wrong.append("the cache held %s and holds %s" % (kept, sorted(os.listdir(cache))))
    return rows, load, wrong


def figures(options, rows, load, wrong):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout.strip()
    columns = ["image", "memory, first quarter (MiB)", "last quarter", "peak", "descriptors, first quarter", "last quarter"]
    done = ", ".join("%s %d" % item for item in sorted(load.counts.items()))
    return {"title": "Soak: %.2f hours, %d workers; rounds: %s; %.1f GB compared" % (
                options.seconds / 3600, options.workers, done, load.bytes / 1e9),
            "command": "tests/soak/run.py --seconds %d" % options.seconds, "commit": commit, "columns": columns, "rows": rows,
            "crashes": 0, "hangs": 0, "wrong": len(wrong), "leaks": sum(" grew" in line for line in wrong)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", action="append", type=os.path.abspath)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.path.exists("/dev/fuse"):
        print("SKIP: no /dev/fuse")
        return 77
    enter_private()
    folder = tempfile.mkdtemp(prefix="peel-soak-")
    try:
        rows, load, wrong = soak(options, folder)
    finally:
        for name in os.listdir(folder):
            subprocess.run(["umount", "-l", os.path.join(folder, name)], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        print("# %s: memory %s MiB, later %s, at most %s; descriptors %s, later %s" % tuple(row))
    print("# rounds: %s; %d bytes compared" % (load.counts, load.bytes))
    for line in wrong:
        print("# " + line.encode("unicode_escape").decode())
    if options.figures:
        with open(options.figures, "w") as file:
            json.dump(figures(options, rows, load, wrong), file, indent=1)
            file.write("\n")
    print("1..1\n%sok 1 - %d seconds of mixed load" % ("not " * bool(wrong), options.seconds))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
