#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sizes that `peel history` tells against the engines' own rules.

- TAR is the size that `podman history` shows of the same image (skipped where podman is not installed);
- SIZE and the lengths of symlinks are what a graph driver of docker adds up over the layer's folder: sizes of all that is
  no folder, an inode once;
- ALLOCATED and the blocks of folders are what containerd's store adds up there, where files take whole blocks of 4 KiB.

$PEEL is the command.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
BLOCK = 4096
LAYERS = [
    [("d", b"usr/bin", {}), ("f", b"usr/bin/tool", {"data": b"x" * 10000}), ("f", b"big", {"data": b"y" * 100001}),
     ("h", b"big2", {"link": b"big"}), ("l", b"bin", {"link": b"usr/bin"}), ("f", b"empty", {})],
    [("f", b".wh.big", {}), ("f", b"usr/bin/tool", {"data": b"x" * 10000, "mode": 0o755}),
     ("l", b"usr/lib", {"link": b"/somewhere/else"})],
]


def entries(layer):
    return [dict(rest, type=kind, path=path) for kind, path, rest in layer]


def history(image):
    run = subprocess.run([PEEL, "history", "--no-cache", "--output", "json", image], stdout=subprocess.PIPE, check=True)
    return {row["layer"]: row for row in json.loads(run.stdout)["history"]}


def walk(folder):
    """lstat of everything below a folder, an inode once."""
    seen = set()
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            stat = os.lstat(os.path.join(place, name))
            if stat.st_ino not in seen:
                seen.add(stat.st_ino)
                yield stat


def check_layer(number, row, folder):
    """A layer unpacked as a driver has it; the rules of the two stores, by hand."""
    path = os.path.join(folder, str(number))
    os.mkdir(path)
    subprocess.run(["tar", "-x", "--no-same-owner", "-C", path], check=True,
                   input=mkimage.layer_tar(entries(LAYERS[number])))
    stats = list(walk(path))
    links = sum(s.st_size for s in stats if s.st_mode & 0o170000 == 0o120000)
    driver = sum(s.st_size for s in stats if s.st_mode & 0o170000 != 0o040000)
    blocks = sum((s.st_size + BLOCK - 1) // BLOCK * BLOCK for s in stats if s.st_mode & 0o170000 == 0o100000)
    wrong = []
    if row["bytes"] + links != driver:
        wrong.append("layer %d: %d and links of %d, the driver's rule gives %d" % (number, row["bytes"], links, driver))
    if row["allocated_bytes"] != blocks:
        wrong.append("layer %d: %d allocated, the blocks are %d" % (number, row["allocated_bytes"], blocks))
    return wrong


def check_podman(image, rows, folder):
    podman = ["podman", "--root", os.path.join(folder, "root"), "--runroot", os.path.join(folder, "run"),
              "--storage-driver", "vfs"]
    run = subprocess.run([*podman, "load", "-q", "-i", image], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode:
        print("podman is not compared: %s" % run.stderr.decode(errors="replace").strip()[-200:])
        return []
    name = subprocess.run([*podman, "images", "-q"], stdout=subprocess.PIPE, check=True).stdout.decode().split()[0]
    told = json.loads(subprocess.run([*podman, "history", "--human=false", "--format", "json", name],
                                     stdout=subprocess.PIPE, check=True).stdout)
    sizes = [row["size"] for row in reversed(told)]
    ours = [rows[number]["tar_bytes"] for number in sorted(rows)]
    return [] if sizes == ours else ["podman: %s, peel: %s" % (sizes, ours)]


def main():
    folder = tempfile.mkdtemp(prefix="peel-engines-")
    image = os.path.join(folder, "image.tar")
    mkimage.build(image, [{"instruction": "RUN %d" % i, "entries": entries(layer)} for i, layer in enumerate(LAYERS)],
                  form="oci-archive", compress="gzip", tags=["demo:1"])
    rows = history(image)
    wrong = []
    for number in range(len(LAYERS)):
        wrong += check_layer(number, rows[number], folder)
    if shutil.which("podman") and os.geteuid() == 0:
        wrong += check_podman(image, rows, folder)
    else:
        print("podman is not compared: it is not installed, or needs root here")
    for text in wrong:
        print(text)
    shutil.rmtree(folder, ignore_errors=True)
    print("not ok" if wrong else "ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
