#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power loss while an index is built: whatever the disk kept, the next peel sees no index, or the whole right one.

    power.py [--states N] [--seed N] [--figures FILE]

What a build does to the cache folder is recorded by strace: writes, sizes, fsync, links, renames. Then the power fails after
each of these steps, and disks are made that the rules of POSIX allow at that moment: what was synced is there; of what
was not, every page of 4 KiB is new, old, or zeros, the size is old or new, and each name is there or is not. In each
state no published file may differ from the reference, and the next run gives the right answer and keeps a right index.
Builds are recorded with files without a name, with names from the start, and over an index that is there already.

As a test of the test, the same is done as if no file had been synced: that must be noticed. $PEEL is the command.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys

import common

PAGE = 4096
CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,linkat,renameat,renameat2,unlinkat,fcntl,dup3"
LINE = re.compile(r"^(\d+) +(?:<\.\.\. \w+ resumed>)?(.*)$")
NAMED = re.compile(r"(\d+)<([^>]*)>")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def unescape(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda hit: bytes([int(hit[1], 16)]), text.encode()) if "\\x" in text \
        else text.encode()


def calls_of(log):
    """Whole calls in the order in which they ended: (pid, text)."""
    begun = {}
    with open(log) as file:
        for line in file:
            hit = LINE.match(line.rstrip("\n"))
            if not hit:
                continue
            pid, text = hit[1], hit[2]
            if text.endswith("<unfinished ...>"):
                begun[pid] = text[:-len("<unfinished ...>")]
            elif "resumed>" in line:
                yield pid, begun.pop(pid, "") + text
            else:
                yield pid, text


class Recording:
    """What a build did below a folder: a list of steps."""

    def __init__(self, log, folder):
        self.steps = []
        self.paths = {}
        self.folder = os.fsencode(folder)
        for pid, text in calls_of(log):
            self.take(pid, text)

    def inside(self, path):
        """A file of the folder by its name there, or by its nameless one."""
        return path[len(self.folder) + 1:] if path.startswith(self.folder + b"/") else None

    def take(self, pid, text):
        head, _, result = text.rpartition(" = ")
        if result.startswith("-") or result.startswith("?") or "(" not in head:
            return
        name, _, arguments = head.partition("(")
        for number, path in NAMED.findall(text):
            self.paths[pid, number] = self.paths["", number] = unescape(path)
        first = NAMED.match(arguments)
        path = unescape(first[2]) if first else None
        strings = [unescape(hit) for hit in STRING.findall(arguments)]
        file = self.inside(path) if path else None
        if name in ("pwrite64", "write") and file:
            count = int(result.split()[0], 0)
            offset = int(arguments.rstrip(")").rsplit(",", 1)[1], 0) if name == "pwrite64" else None
            self.steps.append(("write", file, offset, strings[0][:count]))
        elif name == "ftruncate" and file:
            self.steps.append(("size", file, int(arguments.rstrip(")").rsplit(",", 1)[1], 0)))
        elif name in ("fsync", "fdatasync") and path:
            self.steps.append(("sync folder",) if path == self.folder else ("sync", file) if file else ("other",))
        elif name == "linkat" and len(strings) == 2:
            number = strings[0].rsplit(b"/", 1)[1].decode()
            old = self.paths.get((pid, number), self.paths.get(("", number), b""))
            if self.inside(old):
                self.steps.append(("link", self.inside(old), strings[1]))
        elif name.startswith("renameat") and file is None and path == self.folder:
            self.steps.append(("rename", strings[0], strings[1]))
        elif name == "unlinkat" and path == self.folder:
            self.steps.append(("unlink", strings[0]))
        elif name == "openat" and "O_CREAT" in arguments and path == self.folder:
            self.steps.append(("create", strings[0]))


class Disk:
    """Files and names: as programs see them, and as they are on the disk for sure."""

    def __init__(self, start):
        self.files = {name: bytearray(data) for name, data in start.items()}
        self.names = {name: name for name in start}
        self.synced = {name: bytes(data) for name, data in start.items()}
        self.sure = dict(self.names)

    def file_of(self, key):
        """A file by the name that it has now, or by the one it never had."""
        return self.names.get(key, key)

    def apply(self, step):
        kind = step[0]
        if kind == "create":
            key = b"made " + step[1]
            self.files[key], self.synced[key] = bytearray(), b""
            self.names[step[1]] = key
        elif kind in ("write", "size", "sync"):
            key = self.file_of(step[1])
            data = self.files.setdefault(key, bytearray())
            self.synced.setdefault(key, b"")
            if kind == "write":
                offset = len(data) if step[2] is None else step[2]
                data.extend(bytes(max(0, offset + len(step[3]) - len(data))))
                data[offset:offset + len(step[3])] = step[3]
            elif kind == "size":
                del data[step[2]:]
                data.extend(bytes(step[2] - len(data)))
            else:
                self.synced[key] = bytes(data)
        elif kind == "link":
            self.names[step[2]] = self.file_of(step[1])
        elif kind == "rename":
            self.names[step[2]] = self.names.pop(step[1])
        elif kind == "unlink":
            self.names.pop(step[1], None)
        elif kind == "sync folder":
            self.sure = dict(self.names)

    def content(self, key, how, chance):
        """What of a file is there after the power failed."""
        new, old = bytes(self.files[key]), self.synced[key]
        if how == "synced" or new == old:
            return old
        if how == "all":
            return new
        size = len(chance.choice((new, old)))
        pages = []
        for at in range(0, size, PAGE):
            a, b = new[at:at + PAGE], old[at:at + PAGE]
            pages.append(a if a == b else chance.choice((a, b, b"")).ljust(PAGE, b"\0"))
        return b"".join(pages)[:size]

    def states(self, count, chance):
        """Name to bytes, for states that are allowed now."""
        for how in ["synced", "all"] + ["mixed"] * count:
            for names in (self.sure, self.names) if how != "mixed" else (self.some_names(chance),):
                yield {name: self.content(key, how, chance) for name, key in names.items()}

    def some_names(self, chance):
        found = {}
        for name in set(self.sure) | set(self.names):
            key = chance.choice((self.sure, self.names)).get(name)
            if key:
                found[name] = key
        return found


def record(folder, image, number, flags, environment, start):
    """A build under strace. @return what it did."""
    cache = os.path.join(folder, "cache%d" % number)
    log = os.path.join(folder, "log")
    lay_out(cache, start)
    command = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", "trace=" + CALLS, "-o", log]
    for name, value in environment.items():
        command += ["-E", "%s=%s" % (name, value)]
    subprocess.run([*command, common.PEEL, "index", "-q", "--facts", "--cache-dir", cache, *flags, image], check=True,
                   stdout=subprocess.DEVNULL)
    return Recording(log, cache), {os.fsencode(n): data for n, data in read_all(cache).items()}


def read_all(folder):
    found = {}
    for name in common.files_of(folder):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def lay_out(folder, files):
    """A cache folder with these files."""
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o700)
    for name, data in files.items():
        path = os.path.join(os.fsencode(folder), name)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o600)


class Campaign:
    def __init__(self, folder, states, seed):
        self.folder, self.count = folder, states
        self.chance = random.Random(seed)
        self.image = os.path.join(folder, "image.tar")
        self.cache = os.path.join(folder, "cache")
        common.make_image(self.image, "gzip")
        common.time.sleep(common.SETTLE)
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}
        self.rows = []

    def answer(self):
        return common.run(["ls", "-lR", "--cache-dir", self.cache, self.image])

    def look(self, state, reference, good):
        """What is wrong in a state, after the next run."""
        lay_out(self.cache, state)
        wrong = common.judge_cache(self.cache, reference, len(state))
        done = self.answer()
        if done.crashed() or done.hung:
            self.counts["hangs" if done.hung else "crashes"] += 1
        if (done.status, done.out) != (good.status, good.out):
            wrong.append("the next run: " + done.text())
        return wrong + common.judge_cache(self.cache, reference)

    def replay(self, recording, start, reference, good, count, synced=True):
        """Every step is the last. @return states tried, what is wrong."""
        disk = Disk(start)
        seen, wrong, tried = set(), [], 0
        for number, step in enumerate(recording.steps):
            if not synced and step[0] == "sync":
                continue
            disk.apply(step)
            # Between two writes to a file without a name nothing changes that could be seen.
            if step[0] in ("write", "size") and not set(disk.names.values()) & {disk.file_of(step[1])}:
                continue
            for state in disk.states(count, self.chance):
                key = hash(tuple(sorted(state.items())))
                if key in seen:
                    continue
                seen.add(key)
                tried += 1
                wrong += ["after step %d (%s): %s" % (number, step[0], text) for text in self.look(state, reference, good)]
        return tried, wrong

    def case(self, number, title, flags, environment, start):
        recording, files = record(self.folder, self.image, number, flags, environment, start)
        lay_out(self.cache, files)
        good = self.answer()
        reference = common.dumps(self.cache)
        if good.status or len(reference) != 2 or not any(step[0] == "sync" for step in recording.steps):
            raise SystemExit("%s: not recorded: %s %s" % (title, good.text(), reference))
        tried, wrong = self.replay(recording, start, reference, good, self.count)
        self.counts["wrong"] += len(wrong)
        for text in wrong[:10]:
            print("%s: %s" % (title, text))
        _, unsynced = self.replay(recording, start, reference, good, 2, synced=False)
        if not unsynced:
            self.counts["wrong"] += 1
            print("%s: without fsync nothing is wrong either: this test sees nothing" % title)
        self.rows.append([title, len(recording.steps), tried, len(wrong)])
        print("# %s: %d steps, %d states, %d wrong; without fsync %d" % (*self.rows[-1], len(unsynced)), flush=True)
        return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--states", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not shutil.which("strace") or subprocess.run(["strace", "-o", "/dev/null", "true"]).returncode:
        print("SKIP: strace cannot trace here")
        return 77
    if not os.path.exists(common.SHIM):
        print("SKIP: no %s" % common.SHIM)
        return 77
    with common.Workplace() as folder:
        state = os.path.join(folder, "state")
        with open(state, "wb") as file:
            file.write(bytes(4096))
        named = {"LD_PRELOAD": common.SHIM, "PEEL_FAULT_STATE": state, "PEEL_FAULT": "tmpfile 1 95 0"}
        campaign = Campaign(folder, options.states, options.seed)
        files = campaign.case(0, "a new index, files without a name", [], {}, {})
        campaign.case(1, "a new index, names from the start", [], named, {})
        campaign.case(2, "over an index, files without a name", ["--rebuild"], {}, files)
        campaign.case(3, "over an index, names from the start", ["--rebuild"], named, files)
    if options.figures:
        common.write_figures(options.figures, "Power loss: states of the disk after each step of publishing",
                             ["build", "steps recorded", "states tried", "wrong"], campaign.rows, **campaign.counts)
    return 1 if any(campaign.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
