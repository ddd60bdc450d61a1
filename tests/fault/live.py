#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The image, or the index, changes under a live mount: the right bytes or EIO, never others, and the server lives.

    live.py [--rounds N] [--seed N] [--figures FILE]

For plain, gzip and zstd archives and for a layout's blobs: truncated to nothing, in the middle of a layer and by a byte;
overwritten in place with another image of the same size, its times put back; grown; replaced by a rename; unlinked. And
the index file: truncated, overwritten, unlinked. Some files were read before, some were not. Every byte that is got afterwards is
compared with the reference. $PEEL is the command; needs /dev/fuse.
"""
import argparse
import errno
import os
import random
import shutil
import subprocess
import sys
import time

import common
from mounts import enter_private, is_mounted
import mkimage

FORMS = (("docker-archive", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd"), ("oci", "none"), ("oci", "gzip"), ("oci", "zstd"))


def other_layers():
    """The same paths and sizes with other bytes."""
    changed = []
    for layer in common.layers():
        entries = []
        for entry in layer["entries"]:
            entry = dict(entry)
            if entry.get("data"):
                entry["data"] = bytes(byte ^ 0x15 for byte in entry["data"])
            entries.append(entry)
        changed.append({"instruction": layer["instruction"], "entries": entries})
    return changed


def overwrite(path, data, chance):
    """In place, and as if nothing had been: the kernel moves ctime all the same."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.write(data[:before.st_size].ljust(before.st_size, b"\xa5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate_to(share):
    return lambda path, data, chance: os.truncate(path, int(os.path.getsize(path) * share))


def grow(path, data, chance):
    with open(path, "ab") as file:
        file.write(data)


def rename_over(path, data, chance):
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


def noise(path, data, chance):
    with open(path, "r+b") as file:
        for _ in range(50):
            file.seek(chance.randrange(os.path.getsize(path)))
            file.write(bytes([chance.randrange(256)]))


IMAGE_CHANGES = {"truncated to nothing": truncate_to(0), "truncated in the middle": truncate_to(0.5),
                 "truncated by a little": lambda p, d, c: os.truncate(p, os.path.getsize(p) - 1),
                 "overwritten, times put back": overwrite, "damaged in places": noise, "grown": grow,
                 "renamed over": rename_over, "unlinked": lambda p, d, c: os.unlink(p)}
INDEX_CHANGES = {"index truncated to nothing": truncate_to(0), "index truncated in the middle": truncate_to(0.5),
                 "index overwritten": noise, "index renamed over": rename_over, "index unlinked": lambda p, d, c: os.unlink(p)}


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.chance = random.Random(options.seed)
        self.point = os.path.join(folder, "mnt")
        self.cache = os.path.join(folder, "cache")
        os.mkdir(self.point)
        self.rows = []
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}

    def build(self, form, compress, path, layers):
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
        mkimage.build(path, layers, form=form, compress=compress, tags=["t:latest"])

    def targets(self, path):
        """The file, or a layout's three largest blobs."""
        if not os.path.isdir(path):
            return [path]
        blobs = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(path, "blobs")) for name in names]
        return sorted(blobs, key=os.path.getsize)[-3:]

    def read(self, path):
        """Bytes or an errno."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            return error.errno

    def fail(self, kind, title, text):
        self.counts[kind] += 1
        print("%s: %s" % (title, text), flush=True)

    def mount(self, image):
        done = common.run(["mount", "--cache-dir", self.cache, image, self.point], limit=30)
        if done.status or not is_mounted(self.point):
            raise SystemExit("mount: " + done.text())

    def unmount(self, title):
        done = common.run(["umount", self.point], limit=30)
        end = time.monotonic() + 5
        while is_mounted(self.point) and time.monotonic() < end:
            time.sleep(0.02)
        if done.status or is_mounted(self.point):
            self.fail("leaks", title, "not unmounted: " + done.text())
            subprocess.run(["umount", "-l", self.point])

    def change(self, title, image, reference, act, targets, may):
        """One change under one mount. @return files that were right, and that gave EIO."""
        names = sorted(reference)
        self.mount(image)
        before = self.chance.sample(names, len(names) // 3)
        for name in before:
            if self.read(self.point + name) != reference[name]:
                self.fail("wrong", title, "wrong before")
        other = self.other
        for target in targets:
            act(target, other.get(os.path.basename(target), other[""]), self.chance)
        right = failed = 0
        for name in names:
            got = self.read(self.point + name)
            if isinstance(got, int):
                failed += 1
                if got not in may:
                    self.fail("wrong", title, "%s: %s" % (name, errno.errorcode[got]))
            elif got != reference[name]:
                self.fail("wrong", title, "%s: other bytes" % name)
            else:
                right += 1
        if not is_mounted(self.point) or self.read(self.point) != errno.EISDIR:
            self.fail("crashes", title, "the mount is dead")
        self.unmount(title)
        return right, failed

    def tree(self, image):
        """Path to bytes, as a mount has it that nobody disturbs."""
        self.mount(image)
        found = {}
        for at, _, names in os.walk(self.point):
            for name in names:
                path = os.path.join(at, name)
                if not os.path.islink(path):
                    found[path[len(self.point):]] = self.read(path)
        self.unmount("reference")
        return found

    def form(self, form, compress):
        image = os.path.join(self.folder, "image")
        changed = os.path.join(self.folder, "other")
        self.build(form, compress, changed, other_layers())
        self.other = {os.path.basename(path): data for path in self.targets(changed) for data in [self.read(path)]}
        self.other[""] = max(self.other.values(), key=len)
        self.build(form, compress, image, common.layers())
        time.sleep(common.SETTLE)
        reference = self.tree(image)
        if len(reference) < 10:
            raise SystemExit("%d files" % len(reference))
        right = failed = count = 0
        for name, act in IMAGE_CHANGES.items():
            self.build(form, compress, image, common.layers())
            title = "%s %s %s" % (form, compress, name)
            # A layout's blobs are opened when they are first needed: one that is gone then cannot be read.
            one, other = self.change(title, image, reference, act, self.targets(image), {errno.EIO})
            right, failed, count = right + one, failed + other, count + 1
            # What is decoded already needs no read.
            if compress == "none" and name.startswith(("truncated to nothing", "overwritten")) and other == 0:
                self.fail("wrong", title, "no read failed: the change was not seen")
        self.build(form, compress, image, common.layers())
        time.sleep(common.SETTLE)
        for name, act in INDEX_CHANGES.items():
            shutil.rmtree(self.cache, ignore_errors=True)
            common.run(["index", "-q", "--cache-dir", self.cache, image], limit=30)
            index = [os.path.join(self.cache, n) for n in common.files_of(self.cache) if n.endswith(".peel")]
            if len(index) != 1:
                raise SystemExit("%d indexes" % len(index))
            title = "%s %s %s" % (form, compress, name)
            may = {errno.EIO, errno.ENOENT, errno.ENOTDIR} if "overwritten" in name else {errno.EIO}
            one, other = self.change(title, image, reference, act, index, may)
            right, failed, count = right + one, failed + other, count + 1
        self.rows.append(["%s %s" % (form, compress), count, right, failed])
        print("# %s %s: %d changes, %d files right, %d EIO" % (form, compress, count, right, failed), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("SKIP: no /dev/fuse")
        return 77
    enter_private()
    with common.Workplace() as folder:
        campaign = Campaign(folder, options)
        for _ in range(options.rounds):
            for form, compress in FORMS:
                campaign.form(form, compress)
    if options.figures:
        common.write_figures(options.figures, "The image and the index change under a live mount",
                             ["image", "changes", "files read right", "files with EIO"], campaign.rows, **campaign.counts)
    print(campaign.counts)
    return 1 if any(campaign.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
