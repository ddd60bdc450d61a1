#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Let the n-th call of every kind fail, in every kind of work: no crash, no hang, no wrong answer, no wrong index.

    run.py [--full | --points N] [--seed N] [--only WORD]... [--family NAME]... [--figures FILE]

For each task, calls are counted in a run where nothing fails. Then, for each family of calls (shim.c) and each error, the
n-th one fails: once, or all from then on; of every n, or a sample of N (default 6) a row. After each run:

- the status is 0, 1, 2 or 3, within ten seconds, and no process is left;
- where the status is the good run's, standard output is the same, byte for byte; an image that violates its policy is
  never passed, and after EINTR and short transfers everything is as if nothing had been;
- the cache holds no index or facts that differ from the reference, and at most one temporary file of each;
- the next run gives the good answer, and after one more build no temporary file is left.

$PEEL is the command, $PEEL_BUILD its build folder.
"""
import argparse
import errno
import os
import random
import shutil
import struct
import sys

import common

FAMILIES = ("alloc", "mmap", "read", "write", "sync", "link", "rename", "open", "tmpfile", "stat", "lock", "thread",
            "fork", "random", "dup", "unlink")
STATE = struct.Struct("=%dQ" % (len(FAMILIES) + 1))
SHORT = 0
# Family, error, how many calls from the n-th on fail (0: all), whether the run must not show it.
FAULTS = [("alloc", errno.ENOMEM, 1, False), ("alloc", errno.ENOMEM, 0, False),
          ("mmap", errno.ENOMEM, 1, False), ("mmap", errno.ENOMEM, 0, False),
          ("read", errno.EIO, 1, False), ("read", errno.EIO, 0, False),
          ("read", errno.EINTR, 3, True), ("read", SHORT, 1, True), ("read", SHORT, 0, True),
          ("write", errno.ENOSPC, 1, False), ("write", errno.ENOSPC, 0, False),
          ("write", errno.EDQUOT, 1, False), ("write", errno.EDQUOT, 0, False),
          ("write", errno.EIO, 1, False), ("write", errno.EIO, 0, False),
          ("write", errno.EINTR, 3, True), ("write", SHORT, 1, True), ("write", SHORT, 0, True),
          ("sync", errno.EIO, 1, False), ("sync", errno.ENOSPC, 0, False),
          ("link", errno.ENOSPC, 0, False), ("link", errno.EOPNOTSUPP, 0, False),
          ("rename", errno.ENOSPC, 0, False),
          ("open", errno.EMFILE, 1, False), ("open", errno.EMFILE, 0, False), ("open", errno.EACCES, 1, False),
          ("tmpfile", errno.EOPNOTSUPP, 0, True), ("tmpfile", errno.ENOSPC, 1, False),
          ("stat", errno.EIO, 1, False), ("stat", errno.EIO, 0, False),
          ("lock", errno.ENOLCK, 0, True), ("lock", errno.EOPNOTSUPP, 0, True), ("lock", errno.EINTR, 3, True),
          ("thread", errno.EAGAIN, 1, False), ("thread", errno.EAGAIN, 0, False),
          ("fork", errno.EAGAIN, 1, False), ("fork", errno.EAGAIN, 0, False),
          ("random", errno.ENOSYS, 0, False), ("random", errno.EINTR, 1, False),
          ("dup", errno.EMFILE, 1, False), ("dup", errno.EMFILE, 0, False),
          ("unlink", errno.EIO, 0, False)]
FACTS = ("SELECT hex(path), layer, type, size, entries.why, kind, hex(file.hash) FROM entries LEFT JOIN facts.file ON entry = id "
         "ORDER BY id")
ENTRIES = "SELECT hex(path), layer, type, mode, size, why, hidden_by FROM entries ORDER BY id"
POLICIES = {
    "clean.yaml": "version: 1\nforbid:\n  - detect: node\n  - path: /root/.ssh\nlimits: {size: 1GB}\n",
    "found.yaml": "version: 1\nforbid:\n  - detect: setuid\n",
}
CST = """schemaVersion: 2.0.0
fileExistenceTests:
- {name: tool, path: /opt/tool.py, shouldExist: true, permissions: "urwxr-xr-x"}
- {name: gone, path: /srv/d1, shouldExist: false}
fileContentTests:
- {name: passwd, path: /etc/passwd, expectedContents: ["root:.*"]}
"""
DIVE = "rules:\n  lowestEfficiency: 0.1\n  highestWastedBytes: 20MB\n"


class Task:
    """One kind of work, and its status where nothing fails. {image}, {cache}, {out} and {dir} stand for paths."""

    def __init__(self, name, args, image="gzip", warm=(), stdin=False, status=0):
        self.name, self.args, self.image, self.warm = name, args, image, warm
        self.stdin, self.status = stdin, status


FIND = ["-printf", "%p %y %m %s %T@ %l\\n"]
TASKS = [
    Task("index plain", ["sql", "--facts", "--output", "csv", "{image}", FACTS], "none"),
    Task("index gzip", ["sql", "--facts", "--output", "csv", "{image}", FACTS], "gzip"),
    Task("index zstd", ["sql", "--facts", "--output", "csv", "{image}", FACTS], "zstd"),
    Task("index without facts", ["sql", "--output", "csv", "{image}", ENTRIES], "gzip"),
    Task("index to a file", ["index", "-q", "--facts", "--index", "{dir}/named.peel", "{image}"], "gzip"),
    Task("list, index at hand", ["ls", "-lR", "{image}"], warm=("index",)),
    Task("find, index at hand", ["find", "{image}", *FIND], warm=("index",)),
    Task("read, index at hand", ["cat", "{image}", "/usr/share/big", "/opt/numbers", "/srv/hard"], "zstd", warm=("index",)),
    Task("search, index at hand", ["grep", "-r", "{image}", "root", "/"], warm=("index",)),
    Task("standard input", ["sql", "--facts", "--output", "csv", "-", FACTS], "gzip", stdin=True),
    Task("standard input, contents", ["cat", "-", "/usr/share/big", "/opt/numbers"], "zstd", stdin=True),
    Task("check, violated", ["check", "-c", "{dir}/found.yaml", "{image}"], warm=("index", "--facts"), status=1),
    Task("check, violated, cold", ["check", "--deny", "setuid", "{image}"], "none", status=1),
    Task("check, clean", ["check", "-c", "{dir}/clean.yaml", "-c", "{dir}/cst.yaml", "-c", "{dir}/.dive-ci", "{image}"],
         warm=("index", "--facts")),
    Task("detect", ["detect", "{image}", "python"], warm=("index", "--facts")),
    Task("report", ["report", "{image}"], warm=("index", "--facts")),
    Task("bloat and advice", ["bloat", "{image}"], warm=("index", "--facts")),
    Task("inspect", ["inspect", "{image}"], warm=("index",)),
    Task("history", ["history", "{image}"], warm=("index",)),
    Task("why", ["why", "{image}", "/srv/d2/f2"], warm=("index", "--facts")),
    Task("waste", ["waste", "{image}"], warm=("index", "--facts")),
    Task("dup", ["dup", "{image}"], warm=("index", "--facts")),
    Task("stat", ["stat", "{image}", "/srv/hard", "/srv/soft"], warm=("index",)),
    Task("du", ["du", "-a", "{image}"], warm=("index",)),
    Task("which", ["which", "-a", "{image}", "hello"], warm=("index",)),
    Task("packages", ["packages", "{image}"], warm=("index", "--facts")),
    Task("owner of an alternative", ["packages", "--owner", "/usr/bin/greet", "{image}"], warm=("index", "--facts")),
    Task("diff", ["diff", "{image}", "{dir}/other.tar"], warm=("index", "--facts"), status=1),
    Task("verify", ["verify", "{image}"], "zstd"),
    Task("cache verify", ["cache", "verify", "--deep"], warm=("index", "--facts")),
    Task("cache gc", ["cache", "gc", "--all", "--output", "json"], warm=("index", "--facts")),
    Task("export", ["export", "--format", "tar", "{image}"], warm=("index",)),
    Task("cp", ["cp", "-r", "{image}", "/srv", "{out}"], "none", warm=("index",)),
]


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        other = os.path.join(folder, "other.tar")
        common.make_image(other, scale=2)
        self.images = {**common.make_images(folder), "other": other}
        self.state = os.path.join(folder, "state")
        self.cache = os.path.join(folder, "cache", "peel")
        self.out = os.path.join(folder, "out")
        self.rng = random.Random(options.seed)
        self.rows, self.wrong = {}, []
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}
        self.points = self.hits = 0
        for name, text in {**POLICIES, "cst.yaml": CST, ".dive-ci": DIVE}.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)

    def fill(self, task, value):
        return value.format(image=self.images[task.image], cache=self.cache, out=self.out, dir=self.folder) \
            if "{" in value and not value.startswith("SELECT") else value

    def start(self, task):
        """The cache as the task wants to find it."""
        shutil.rmtree(os.path.dirname(self.cache), ignore_errors=True)
        shutil.rmtree(self.out, ignore_errors=True)
        for name in ("named.peel", "named.peel.facts"):
            if os.path.exists(os.path.join(self.folder, name)):
                os.unlink(os.path.join(self.folder, name))
        if task.warm:
            shutil.copytree(self.warm(task), self.cache)
            os.chmod(self.cache, 0o700)

    def warm(self, task):
        """A cache with what the task has at hand."""
        kept = os.path.join(self.folder, "warm-" + task.image + "-" + str(len(task.warm)))
        if not os.path.isdir(kept):
            for image in {self.images[task.image], self.images["none"], self.images["other"]}:
                done = common.run([*task.warm, "--cache-dir", kept, image])
                if done.status:
                    raise SystemExit("cannot prepare: " + done.text())
        return kept

    def do(self, task, fault=None, **more):
        """more: variables of the environment, besides."""
        with open(self.state, "wb") as file:
            file.write(bytes(4096))
        env = {"PEEL_FAULT_STATE": self.state, "XDG_CACHE_HOME": os.path.dirname(self.cache), "LC_ALL": "C.UTF-8",
               "TMPDIR": os.path.join(self.folder, "tmp"), "PEEL_FAULT": "%s %d %d %d" % fault if fault else "", **more}
        done = common.run([self.fill(task, value) for value in task.args], env, preload=common.SHIM, cwd=self.folder,
                          stdin=self.images[task.image] if task.stdin else None)
        with open(self.state, "rb") as file:
            counts = STATE.unpack(file.read(STATE.size))
        return done, dict(zip(FAMILIES, counts)), counts[-1]

    def product(self, task):
        """What the task writes besides standard output."""
        if task.name == "cp":
            return [(name, os.path.getsize(os.path.join(at, name)) if not os.path.islink(os.path.join(at, name)) else 0)
                    for at, _, names in sorted(os.walk(self.out)) for name in sorted(names)]
        if task.name == "cache gc":
            return common.files_of(self.cache)
        return None

    def complain(self, kind, task, fault, text):
        self.counts[kind] += 1
        self.wrong.append("%s: %s call %d, error %s, %s: %s" % (
            task.name, fault[0], fault[1], errno.errorcode.get(fault[2], "short"),
            "%d times" % fault[3] if fault[3] else "from then on", text))
        print(self.wrong[-1], flush=True)

    def judge(self, task, fault, hidden, done, good, reference, product):
        """Everything that must hold after a run in which something failed. reference: None where the cache is as it was."""
        if done.hung:
            self.complain("hangs", task, fault, done.text())
        elif done.crashed():
            self.complain("crashes", task, fault, done.text())
        elif hidden and task.name != "cache gc" and (done.status, done.out) != (good.status, good.out):
            self.complain("wrong", task, fault, "it shows: " + done.text())
        elif done.status == 0 and good.status != 0:
            self.complain("wrong", task, fault, "it passes: " + done.text())
        elif task.name == "cache gc" and done.status == 0:
            # What it says of a file that it cannot look into is another reason; all must be gone.
            if self.product(task) != product:
                self.complain("wrong", task, fault, "left: %s" % self.product(task))
        elif task.name == "cache verify" and fault[2] == errno.EACCES:
            pass
        elif done.status == good.status and (done.out != good.out or self.product(task) != product):
            self.complain("wrong", task, fault, "another answer: " + done.text())
        elif done.status == 2 and not done.err:
            self.complain("wrong", task, fault, "status 2 without a word")
        for text in common.judge_cache(self.cache, reference) if reference is not None else ():
            self.complain("wrong", task, fault, text)

    def after(self, task, fault, good, reference):
        """The next run is good, and one that builds sweeps what was left."""
        if task.name.startswith("cache") or task.stdin:
            return
        if not common.files_of(self.cache) and not task.warm:
            return
        done, _, _ = self.do(task)
        if (done.status, done.out) != (good.status, good.out):
            self.complain("wrong", task, fault, "the next run: " + done.text())
        if any(name.startswith(common.TEMPORARY) for name in common.files_of(self.cache)):
            common.run(["index", "--rebuild", "--cache-dir", self.cache, self.images[task.image]])
            if any(name.startswith(common.TEMPORARY) for name in common.files_of(self.cache)):
                self.complain("leaks", task, fault, "a temporary file is not swept")

    def numbers(self, family, total):
        """Which calls of a row fail."""
        if self.options.full and family != "alloc":
            return range(1, total + 1)
        most = self.options.points
        if self.options.full:
            most = self.options.allocations
        if total <= most:
            return range(1, total + 1)
        # Half of them late, where answers are written.
        late = range(total - total // 16, total + 1)
        return sorted({1, total, *self.rng.sample(range(1, total + 1), most // 2),
                       *self.rng.sample(late, min(len(late), most - most // 2))})

    def task(self, task):
        self.start(task)
        good, counts, _ = self.do(task)
        reference = {**common.dumps(self.cache), **(common.dumps(self.warm(task)) if task.warm else {})}
        product = self.product(task)
        if good.status != task.status:
            raise SystemExit("%s: nothing failed, and %s" % (task.name, good.text()))
        for family, code, times, hidden in FAULTS:
            if self.options.family and family not in self.options.family:
                continue
            for n in self.numbers(family, counts[family]):
                fault = (family, n, code, times)
                self.start(task)
                done, _, hits = self.do(task, fault)
                self.points += 1
                self.hits += hits > 0
                if hits:
                    self.judge(task, fault, hidden, done, good, reference, product)
                    self.after(task, fault, good, reference)
                row = self.rows.setdefault((task.name, family), [0, 0, 0])
                row[0] = counts[family]
                row[1] += hits > 0
                row[2] += done.status == good.status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--points", type=int, default=6)
    parser.add_argument("--allocations", type=int, default=300, help="with --full: allocations of a row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--family", action="append", default=[], choices=FAMILIES)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.path.exists(common.SHIM):
        print("SKIP: no %s" % common.SHIM)
        return 77
    with common.Workplace() as folder:
        os.mkdir(os.path.join(folder, "tmp"))
        campaign = Campaign(folder, options)
        for task in TASKS:
            if not options.only or any(word in task.name for word in options.only):
                before = campaign.hits
                campaign.task(task)
                print("# %s: %d" % (task.name, campaign.hits - before), flush=True)
    print("%d faults, %d hit; %s" % (campaign.points, campaign.hits, campaign.counts))
    if options.figures:
        tasks = len({name for name, _ in campaign.rows})
        rows = []
        for family in FAMILIES:
            mine = [row for (_, of), row in campaign.rows.items() if of == family]
            rows.append([family, sum(row[0] for row in mine), sum(row[1] for row in mine), sum(row[2] for row in mine)])
        common.write_figures(options.figures, "Faults: the n-th call fails, in %d kinds of work" % tasks,
                             ["family of calls", "calls counted", "runs with a fault", "of them with the good status"],
                             rows, **campaign.counts)
    return 1 if campaign.wrong or campaign.hits == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
