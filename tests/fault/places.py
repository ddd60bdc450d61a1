#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disks of every size below the cache, and cache folders of every kind; one, two and twenty indexers of one image at once.

    places.py [--step KIB] [--crowds N] [--figures FILE]

The cache, spools and files for sorting lie on a tmpfs of 0, STEP, 2 STEP, ... up to what is needed; then on one that
is read-only, in a folder that is missing, forbidden, a file; without a home; without locks, without files that have no name.
Each time verbs give the good answer (an index that cannot be kept is no obstacle) or status 2 or 3 with a reason, and no
file is left but whole indexes. As root in a mount namespace of its own. $PEEL is the command.
"""
import argparse
import errno
import os
import shutil
import subprocess
import sys

import common
from mounts import enter_private

TASKS = (["ls", "-lR", "{image}"], ["detect", "{image}", "setuid"], ["cat", "-", "/usr/share/big", "/opt/numbers"], ["ls", "-lR", "-"])


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.image = os.path.join(folder, "image.tar")
        self.disk = os.path.join(folder, "disk")
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}
        self.rows = []
        os.mkdir(self.disk)
        common.make_image(self.image, "zstd", scale=4)
        common.time.sleep(common.SETTLE)
        self.good = [self.do(task, os.path.join(folder, "first"), {}) for task in TASKS]
        for task, done in zip(TASKS, self.good):
            if done.status not in (0, 1) or not done.out:
                raise SystemExit("%s: %s" % (task[0], done.text()))
        self.reference = common.dumps(os.path.join(folder, "first", "peel"))
        self.size = sum(os.path.getsize(os.path.join(folder, "first", "peel", name)) for name in self.reference)

    def do(self, task, home, env, preload=None):
        env = {"XDG_CACHE_HOME": home, "HOME": home, **env}
        return common.run([word.format(image=self.image) for word in task], env, preload=preload,
                          stdin=self.image if "-" in task else None, limit=30)

    def fail(self, kind, title, text):
        self.counts[kind] += 1
        print("%s: %s" % (title, text), flush=True)

    def place(self, title, home, env=None, preload=None, must=True):
        """All tasks in one place. must: each gives the good answer."""
        answered = 0
        for task, good in zip(TASKS, self.good):
            done = self.do(task, home, env or {}, preload)
            name = "%s: %s" % (title, " ".join(task[:2]))
            answered += done.status == good.status
            if done.hung or done.crashed():
                self.fail("hangs" if done.hung else "crashes", name, done.text())
            elif done.status == good.status and done.out != good.out:
                self.fail("wrong", name, "another answer")
            elif done.status != good.status and (must or not done.err or done.status < 2):
                self.fail("wrong", name, done.text())
        for text in common.judge_cache(os.path.join(home, "peel"), self.reference, 0):
            self.fail("leaks", title, text)
        return answered

    def mount(self, options):
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "disk", self.disk], check=True)

    def unmount(self):
        subprocess.run(["umount", "-l", self.disk], check=True)

    def sizes(self):
        """A disk of every size; a spool has no other place, so that there status 2 or 3 is an answer."""
        sizes = range(0, self.size // 1024 + 4 * self.options.step, self.options.step)
        answered = 0
        for size in sizes:
            self.mount("size=%dk,mode=700" % max(4, size))
            answered += self.place("disk of %d KiB" % size, self.disk, {"TMPDIR": self.disk}, must=False)
            self.unmount()
        self.rows.append(["disks of 0 to %d KiB in steps of %d" % (sizes[-1], self.options.step), len(sizes) * len(TASKS), answered])

    def kinds(self):
        base = os.path.join(self.folder, "kinds")
        os.mkdir(base)
        state = os.path.join(self.folder, "state")
        with open(state, "wb") as file:
            file.write(bytes(4096))
        places = {"missing": ({}, None), "a file": ({}, None), "read-only disk": ({}, None), "forbidden": ({}, None)}
        for family, code in (("lock", errno.ENOLCK), ("lock", errno.EOPNOTSUPP), ("tmpfile", errno.EOPNOTSUPP),
                             ("link", errno.EOPNOTSUPP), ("link", errno.EPERM), ("write", errno.EDQUOT)):
            places["%s gives %s" % (family, errno.errorcode[code])] = (
                {"PEEL_FAULT_STATE": state, "PEEL_FAULT": "%s 1 %d 0" % (family, code)}, common.SHIM)
        for number, (title, (env, preload)) in enumerate(places.items()):
            home = os.path.join(base, str(number))
            os.mkdir(home)
            if title == "a file":
                with open(os.path.join(home, "peel"), "w"):
                    pass
            if title == "forbidden":
                os.mkdir(os.path.join(home, "peel"), 0o777)
                os.chmod(os.path.join(home, "peel"), 0o777)
            if title == "read-only disk":
                self.mount("mode=700")
                home = os.path.join(self.disk, "home")
                os.makedirs(os.path.join(home, "peel"), 0o700)
                subprocess.run(["mount", "-o", "remount,ro", self.disk], check=True)
            if title == "missing":
                home = os.path.join(home, "not", "there")
            if preload and not loads(preload):
                print("# SKIP %s: no shim goes before a sanitizer's runtime" % title, flush=True)
                continue
            # Spools of standard input need a disk that takes them; without any they may fail.
            answered = self.place(title, home, env, preload, must="write" not in title)
            self.rows.append(["cache folder: " + title, len(TASKS), answered])
            if title == "read-only disk":
                self.unmount()

    def crowds(self):
        for size in (2, 20):
            for number in range(self.options.crowds):
                home = os.path.join(self.folder, "crowd%d-%d" % (size, number))
                command = [common.PEEL, "ls", "-lR", self.image]
                env = {**os.environ, "XDG_CACHE_HOME": home, "HOME": home}
                children = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                            for _ in range(size)]
                for child in children:
                    out, err = child.communicate(timeout=120)
                    if child.returncode or out != self.good[0].out:
                        self.fail("wrong", "%d at once" % size, "status %d: %s" % (child.returncode, err[-200:]))
                cache = os.path.join(home, "peel")
                if len(common.files_of(cache)) != 1:
                    self.fail("leaks", "%d at once" % size, "left: %s" % common.files_of(cache))
                for text in common.judge_cache(cache, self.reference, 0):
                    self.fail("wrong", "%d at once" % size, text)
                shutil.rmtree(home)
            self.rows.append(["%d indexers of one image at once, %d times" % (size, self.options.crowds),
                              size * self.options.crowds, size * self.options.crowds])


def loads(shim):
    """A sanitizer's runtime wants to be the first library: there no call fails on purpose."""
    return os.path.exists(shim) and subprocess.run(
        [common.PEEL, "--version"], env={**os.environ, "LD_PRELOAD": shim}, capture_output=True).returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=int, default=512)
    parser.add_argument("--crowds", type=int, default=1)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIP: not root: no disks of its own")
        return 77
    enter_private()
    with common.Workplace() as folder:
        campaign = Campaign(folder, options)
        for part in (campaign.sizes, campaign.kinds, campaign.crowds):
            part()
            print("# %s" % part.__name__, flush=True)
    if options.figures:
        common.write_figures(options.figures, "Places: full disks, cache folders of all kinds, several indexers",
                             ["place", "runs", "with the good answer"], campaign.rows, **campaign.counts)
    print(campaign.counts)
    return 1 if any(campaign.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
