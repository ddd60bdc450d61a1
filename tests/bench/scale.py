# SPDX-License-Identifier: Apache-2.0
"""Images that are large in one way each: cost a file and memory must stay flat.

They are rootfs tars and docker archives that are written here, headers only where the shape does not need more; a large
file is a hole in the archive."""
import hashlib
import json
import os
import subprocess
import sys
import time

from measure import PEEL, Processes, cold, folder_size, mounted, point, sh, until_mounted, warm

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")]
import tarbytes  # noqa: E402

# Files of a folder where the shape does not say.
FOLDER = 100
INDEX_MIB, SERVE_MIB, VERB_MIB = 64, 128, 100
# Verbs that go over the whole image.
VERBS = ["find {image} -empty -size 1", "du {image}", "grep -r {image} nowhere", "export --format csv {image}"]


def fast_headers(names):
    """Headers of empty files: only name and checksum differ, so one template is filled in."""
    template = bytearray(tarbytes.header(b"", b"0", 0o644, 0, 0, 0, 1700000000))
    template[148:156] = b" " * 8
    base = sum(template)
    middle, tail = bytes(template[100:148]), bytes(template[156:])
    for name in names:
        yield name.ljust(100, b"\0") + middle + b"%06o\0 " % (base + sum(name)) + tail


def write_files(file, names):
    """A tar of empty files."""
    batch = []
    for raw in fast_headers(names):
        batch.append(raw)
        if len(batch) == 4096:
            file.write(b"".join(batch))
            batch.clear()
    file.write(b"".join(batch) + tarbytes.END)


def spread(count, prefix=b""):
    """count names, FOLDER a folder, FOLDER folders a folder."""
    for i in range(count):
        yield b"%sd%d/d%d/file%d" % (prefix, i // (FOLDER * FOLDER), i // FOLDER % FOLDER, i % FOLDER)


def make_files(count):
    """A rootfs tar of count empty files."""
    def make(path):
        with open(path, "wb") as file:
            write_files(file, spread(count))
        return count
    return make


def make_folder(count):
    """One folder with count files."""
    def make(path):
        with open(path, "wb") as file:
            write_files(file, (b"folder/file%d" % i for i in range(count)))
        return count
    return make


def make_paths(count):
    """count files, the path of each as long as the system allows."""
    def make(path):
        parents = b"/".join([b"n" * 250] * 16)
        with open(path, "wb") as file:
            for i in range(count):
                name = b"%s/%s%07d" % (parents, b"f" * (4095 - len(parents) - 8), i)
                file.write(tarbytes.entry(name, "f"))
            file.write(tarbytes.END)
        return count
    return make


def make_big_file(size):
    """One file of so many bytes; it is a hole in the archive."""
    def make(path):
        with open(path, "wb") as file:
            file.write(tarbytes.entry(b"large", "f", size=size))
            file.truncate(file.tell() + size)
            file.seek(0, os.SEEK_END)
            file.write(tarbytes.END)
        return 1
    return make


def make_layers(count, files):
    """A docker archive of count layers with so many files each, a tenth of them the layer's below."""
    def make(path):
        diff_ids = []
        with open(path, "wb") as file:
            for i in range(count):
                part = path + ".layer"
                with open(part, "wb") as layer:
                    write_files(layer, spread(files, b"l%d/" % (i if i % 10 else max(i - 1, 0))))
                with open(part, "rb") as layer:
                    data = layer.read()
                os.unlink(part)
                diff_ids.append("sha256:" + hashlib.sha256(data).hexdigest())
                file.write(tarbytes.entry(b"%d/layer.tar" % i, "f", size=len(data)) + data + tarbytes.pad(len(data)))
            config = json.dumps({"rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
            manifest = json.dumps([{"Config": "config.json", "RepoTags": None,
                                    "Layers": ["%d/layer.tar" % i for i in range(count)]}]).encode()
            for name, data in ((b"config.json", config), (b"manifest.json", manifest)):
                file.write(tarbytes.entry(name, "f", size=len(data)) + data + tarbytes.pad(len(data)))
            file.write(tarbytes.END)
        return count * files
    return make


# Files of an image from which on the size of empty tables does not count.
FEW = 10000
# Times of a mount with the index at hand, by the number of files.
MOUNTS = {}
# Files of an image from which on only the verbs that are named here are measured: the others take minutes.
MANY, VERBS_MANY = 2000000, ("find", "du")

SHAPES = [
    ("1,000 files", make_files(1000)),
    ("100,000 files", make_files(100000)),
    ("1,000,000 files", make_files(1000000)),
    ("5,000,000 files", make_files(5000000)),
    ("127 layers of 1,000 files", make_layers(127, 1000)),
    ("a folder of 500,000 files", make_folder(500000)),
    ("10,000 paths of 4,095 bytes", make_paths(10000)),
    ("a file of 20 GiB", make_big_file(20 << 30)),
]


def measure(report, shape, image, count, scratch):
    """Index, mount and walk one image."""
    cache = os.path.join(scratch, "cache")
    warm_limit = 4 << 30
    if os.stat(image).st_blocks * 512 < warm_limit:
        warm(image)
    with Processes(image) as processes:
        seconds = sh('"$PEEL" index --cache-dir %s %s' % (cache, image))
    report.value("index: time a file", shape, seconds / count * 1e6, "us", None)
    report.value("index: peak memory", shape, processes.mib, "MiB", INDEX_MIB)
    report.value("index: bytes a file", shape, folder_size(cache) / count, "B",
                 None if count < FEW else 200 + os.path.getsize(image) / 100 / count)
    for verb in VERBS:
        name = verb.split()[0]
        if count > MANY and name not in VERBS_MANY:
            continue
        with Processes(image) as processes:
            seconds = sh('"$PEEL" --cache-dir %s %s >/dev/null || [ $? -eq 1 ]' % (cache, verb.format(image=image)))
        report.value("peel %s: time a file" % name, shape, seconds / count * 1e6, "us", None)
        report.value("peel %s: peak memory" % name, shape, processes.mib, "MiB", VERB_MIB)
    with point() as folder:
        times = []
        for _ in range(5):
            times.append(until_mounted('"$PEEL" mount --cache-dir %s %s %s' % (cache, image, folder), folder))
            subprocess.run([PEEL, "umount", folder], check=True)
    report.value("mount with the index", shape, sorted(times)[2] * 1e3, "ms", None)
    MOUNTS[count] = times
    cold()
    with mounted(image, cache) as folder, Processes(folder) as processes:
        seconds = sh("find . -size +1000000k", cwd=folder)
        report.value("find over the mount: time a file", shape, seconds / count * 1e6, "us", None)
        if count == 1:
            seconds = sh("head -c 2G large", cwd=folder)
            report.value("read", shape, 2 ** 31 / seconds / 1e9, "GB/s", None)
            report.value("tail", shape, sh("tail -c 1M large", cwd=folder) * 1e3, "ms", None)
    report.value("find over the mount: memory of the server", shape, processes.mib, "MiB", SERVE_MIB)


def run(report, scratch):
    """Every shape in turn; its files are removed before the next."""
    for shape, make in SHAPES:
        image = os.path.join(scratch, "image.tar")
        count = make(image)
        # An index of a file that is younger than two seconds is not trusted.
        time.sleep(2.5)
        measure(report, shape, image, count, scratch)
        os.unlink(image)
        subprocess.run(["rm", "-rf", os.path.join(scratch, "cache")], check=True)
    report.pair("mount with an index", "1,000,000 files", MOUNTS[1000000], MOUNTS[1000], "1,000 files", 1.5)
