#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Let calls fail while a mount serves: readers get the right bytes or an error, the server lives, and it unmounts.

    mounted.py [--points N | --full] [--seed N] [--figures FILE]

Calls are counted (shim.c) while a mount of each packing is made and while everything in it is read. Then those of the
second part fail: once, or a hundred in a row; of every n, or a sample of N a row (default 2). After that, what can be read is
as it was, or the reader has EIO or ENOMEM; once nothing fails any more all of it can be read again; and `peel umount`
takes it away. The same for `peel run`: its command's output, or a status that is not 0. $PEEL is the command,
$PEEL_BUILD its build folder; needs /dev/fuse.
"""
import argparse
import errno
import os
import random
import subprocess
import sys
import time

import common
from mounts import enter_private, is_mounted

FAMILIES = ("alloc", "mmap", "read", "write", "sync", "link", "rename", "open", "tmpfile", "stat", "lock", "thread",
            "fork", "random", "dup", "unlink")
# Not "write": the server writes to the device, which is left out (shim.c), and to pipes of its own processes.
FAULTS = (("alloc", errno.ENOMEM), ("read", errno.EIO), ("mmap", errno.ENOMEM), ("open", errno.EMFILE), ("stat", errno.EIO),
          ("thread", errno.EAGAIN))
ROW = 100
MAY = {errno.EIO, errno.ENOMEM}
LIMIT = 20 * float(os.environ.get("PEEL_SLOW", "1"))
SHOW = "find . -type f -exec cat {} + && find . -printf '%p %y %s %l\\n'"


def read_tree(point):
    """Path to what is there: bytes, a target, "" of a folder; an errno where it cannot be had."""
    found, folders = {}, [""]
    while folders:
        at = folders.pop()
        try:
            names = sorted(os.listdir(point + at))
        except OSError as error:
            found[at] = error.errno
            continue
        found[at] = names
        for name in names:
            path = at + "/" + name
            try:
                mode = os.lstat(point + path).st_mode
                if mode & 0o170000 == 0o040000:
                    folders.append(path)
                elif mode & 0o170000 == 0o120000:
                    found[path] = os.readlink(point + path)
                else:
                    with open(point + path, "rb") as file:
                        found[path] = file.read()
            except OSError as error:
                found[path] = error.errno
    return found


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.images = common.make_images(folder)
        self.point = os.path.join(folder, "mnt")
        os.mkdir(self.point)
        self.state = os.path.join(folder, "state")
        self.cache = os.path.join(folder, "cache")
        self.chance = random.Random(options.seed)
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}
        self.rows, self.hits = [], 0

    def fail(self, kind, title, text):
        self.counts[kind] += 1
        print("%s: %s" % (title, text), flush=True)

    def environment(self, fault):
        with open(self.state, "wb") as file:
            file.write(bytes(4096))
        return {"PEEL_FAULT_STATE": self.state, "PEEL_FAULT": "%s %d %d %d" % fault if fault else "", "LC_ALL": "C.UTF-8"}

    def counted(self):
        """Calls by family, and hits."""
        with open(self.state, "rb") as file:
            data = file.read(8 * (len(FAMILIES) + 1))
        numbers = [int.from_bytes(data[i:i + 8], sys.byteorder) for i in range(0, len(data), 8)]
        return dict(zip(FAMILIES, numbers)), numbers[-1]

    def mount(self, image, fault=None):
        return common.run(["mount", "--cache-dir", self.cache, image, self.point], self.environment(fault),
                          preload=common.SHIM, limit=LIMIT)

    def unmount(self, title):
        done = common.run(["umount", self.point], limit=LIMIT)
        end = time.monotonic() + LIMIT
        while is_mounted(self.point) and time.monotonic() < end:
            time.sleep(0.01)
        if done.status or is_mounted(self.point):
            self.fail("leaks", title, "not unmounted: " + done.text())
            subprocess.run(["umount", "-l", self.point])

    def compare(self, title, got, wanted, may):
        """What differs and is no error that may be."""
        for path, what in got.items():
            if isinstance(what, int):
                if what not in may:
                    self.fail("wrong", title, "%s: %s" % (path or "/", errno.errorcode.get(what, what)))
            elif what != wanted.get(path):
                self.fail("wrong", title, "%s differs" % (path or "/"))
        if not may and got.keys() != wanted.keys():
            self.fail("wrong", title, "%d names, not %d" % (len(got), len(wanted)))

    def numbers(self, first, last):
        """Which calls of a row fail."""
        if self.options.full or last - first < self.options.points:
            return range(first, last + 1)
        return sorted(self.chance.sample(range(first, last + 1), self.options.points))

    def one(self, title, image, fault, wanted):
        done = self.mount(image, fault)
        if done.status or not is_mounted(self.point):
            # Where calls come in another order than they were counted in, it fails before it serves: with a word.
            if done.crashed() or done.hung or not done.err:
                self.fail("crashes", title, "mount: " + done.text())
            if is_mounted(self.point):
                self.unmount(title)
            return
        before = self.counted()[1]
        self.compare(title, read_tree(self.point), wanted, MAY)
        self.hits += self.counted()[1] > before
        # What is still to fail fails now; and then nothing does.
        for _ in range(ROW):
            again = read_tree(self.point)
            if not any(isinstance(what, int) for what in again.values()):
                break
        self.compare(title + ", afterwards", again, wanted, ())
        self.unmount(title)

    def run_one(self, title, image, fault, wanted):
        done = common.run(["run", "--cache-dir", self.cache, image, "--", "sh", "-c", SHOW], self.environment(fault),
                          preload=common.SHIM, limit=LIMIT)
        self.hits += self.counted()[1] > 0
        if done.hung:
            self.fail("hangs", title, done.text())
        elif done.status < 0 or done.status >= 128:
            self.fail("crashes", title, done.text())
        elif done.status == 0 and done.out != wanted:
            self.fail("wrong", title, "another output")

    def image(self, name):
        image = self.images[name]
        common.run(["index", "-q", "--cache-dir", self.cache, image])
        self.mount(image)
        started = self.counted()[0]
        wanted = read_tree(self.point)
        ended = self.counted()[0]
        self.unmount(name)
        if len(wanted) < 20 or any(isinstance(what, int) for what in wanted.values()):
            raise SystemExit("%s: nothing failed, and %r" % (name, wanted))
        before, tried = self.hits, 0
        for family, code in FAULTS:
            for times in (1, ROW):
                for n in self.numbers(started[family] + 1, ended[family]):
                    title = "%s: %s call %d, %s, %d times" % (name, family, n, errno.errorcode[code], times)
                    self.one(title, image, (family, n, code, times), wanted)
                    tried += 1
        mounted = tried
        done = common.run(["run", "--cache-dir", self.cache, image, "--", "sh", "-c", SHOW], self.environment(None),
                          preload=common.SHIM, limit=LIMIT)
        if done.status:
            raise SystemExit("run: " + done.text())
        calls = self.counted()[0]
        for family, code in FAULTS[:3]:
            for n in self.numbers(1, calls[family]):
                self.run_one("%s: run: %s call %d, %s" % (name, family, n, errno.errorcode[code]), image, (family, n, code, 1),
                             done.out)
                tried += 1
        self.rows.append([name, mounted, tried - mounted, self.hits - before])
        print("# %s: %d mounts, %d runs, %d hit" % tuple(self.rows[-1]), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--points", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=("none", "gzip", "zstd"))
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or not os.path.exists(common.SHIM):
        print("SKIP: no /dev/fuse, or no %s" % common.SHIM)
        return 77
    enter_private()
    with common.Workplace() as folder:
        campaign = Campaign(folder, options)
        for name in options.only or campaign.images:
            campaign.image(name)
    if options.figures:
        common.write_figures(options.figures, "Calls fail while a mount serves",
                             ["layers", "mounts", "runs of a command", "of them with a fault"], campaign.rows, **campaign.counts)
    print(campaign.counts)
    return 1 if any(campaign.counts.values()) or not campaign.hits else 0


if __name__ == "__main__":
    sys.exit(main())
