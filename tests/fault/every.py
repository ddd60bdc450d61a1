#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each way to an allocation fails: no crash, no hang, and no answer that is cut or wrong.

    every.py [--each | --times N] [--only WORD]... [--figures FILE]

run.py takes a sample of all calls; that an answer is given up halfway shows only where the right one fails. The tasks are
those of run.py that find an index at hand. A first run tells allocations apart by all their callers (ways.c); of those
with the same ones the first fails, the last, and others between them, N in all (default 3), one a run; with --each every
allocation fails. $PEEL is the command, $PEEL_BUILD its build folder.
"""
import argparse
import array
import errno
import os
import sys

import common
import run


class Every(run.Campaign):
    def files(self):
        """What shows that the cache is as it was."""
        with os.scandir(self.cache) as entries:
            return sorted((entry.name, entry.stat().st_mtime_ns, entry.stat().st_size) for entry in entries)

    def ways(self, task, total):
        """Ways of calls that led to allocations, each with the numbers of these."""
        path = os.path.join(self.folder, "ways")
        with open(path, "wb") as file:
            file.write(bytes(8 * total))
        self.start(task)
        self.do(task, PEEL_FAULT_WAYS=path)
        with open(path, "rb") as file:
            ways = array.array("Q", file.read())
        found = {}
        for n, way in enumerate(ways, 1):
            if way:
                found.setdefault(way, []).append(n)
        return found

    def chosen(self, ways):
        """Which allocations fail."""
        most = self.options.times
        for numbers in ways.values():
            if self.options.each or len(numbers) <= most:
                yield from numbers
            else:
                last = len(numbers) - 1
                yield from {numbers[i * last // max(most - 1, 1)] for i in range(most)}

    def each(self, task):
        """(allocations, ways to them, runs with one that fails, of them with the good status)"""
        self.start(task)
        good, counts, _ = self.do(task)
        if good.status != task.status:
            raise SystemExit("%s: nothing failed, and %s" % (task.name, good.text()))
        reference, product = common.dumps(self.warm(task)), self.product(task)
        ways = self.ways(task, counts["alloc"])
        self.start(task)
        before, hit, same = self.files(), 0, 0
        for n in sorted(self.chosen(ways)):
            fault = ("alloc", n, errno.ENOMEM, 1)
            done, _, hits = self.do(task, fault)
            hit += hits > 0
            same += hits > 0 and done.status == good.status
            touched = self.files() != before or product is not None
            if hits:
                self.judge(task, fault, False, done, good, reference if touched else None, product)
            if touched:
                self.after(task, fault, good, reference)
                self.start(task)
                before = self.files()
        self.hits += hit
        return counts["alloc"], len(ways), hit, same


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--figures")
    options = parser.parse_args()
    options.seed = 1
    if not os.path.exists(common.SHIM):
        print("SKIP: no %s" % common.SHIM)
        return 77
    rows = []
    with common.Workplace() as folder:
        os.mkdir(os.path.join(folder, "tmp"))
        campaign = Every(folder, options)
        for task in run.TASKS:
            if task.warm and (not options.only or any(word in task.name for word in options.only)):
                rows.append([task.name, *campaign.each(task)])
                print("# %s: %d allocations, %d ways to them, %d failed, %d of these with the good status"
                      % tuple(rows[-1]), flush=True)
    print("%d faults hit; %s" % (campaign.hits, campaign.counts))
    if options.figures:
        common.write_figures(options.figures, "Faults: each way to an allocation fails, in %d kinds of work" % len(rows),
                             ["work", "allocations", "ways of calls to them", "runs with one that fails",
                              "of them with the good status"], rows, **campaign.counts)
    return 1 if campaign.wrong or campaign.hits == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
