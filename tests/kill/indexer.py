#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill the indexer with SIGKILL at random moments: no wrong index is ever accepted, and nothing piles up.

    indexer.py [--count N] [--seed N] [--files N] [--figures FILE]

Killed are the command alone, the child that reads the image alone, or all at once. After every kill no process is left
that could write; the cache holds at most one unfinished file, and the next run gives the reference's answer. At the end
nothing but finished indexes is left. $PEEL is the command.
"""
import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "fault")]
import common  # noqa: E402
import mkimage  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
FILES = 20000
# Kills for one that hits a running indexer, at most.
ATTEMPTS = 4
# An image that is younger than this is not trusted by the cache.
SETTLE = 2.2
# What the rest of an indexer may take to see that the other part is gone, seconds.
GRACE = 10.0
DUMP = ("SELECT '='||hex(path)||' '||layer||' '||type||' '||mode||' '||size||' '||coalesce(hex(link),'')||' '||"
        "coalesce(why,'-')||' '||coalesce(hidden_by,-1) AS row FROM entries ORDER BY id")


def make_image(path, files):
    """Two compressed layers, the second hides part of the first."""
    first = [{"type": "f", "path": b"d%d/f%d" % (i % 97, i), "data": b"%d\n" % i * 20} for i in range(files)]
    second = [{"type": "w", "path": b"d%d" % i} for i in range(10)]
    second += [{"type": "f", "path": b"d50/f%d" % i, "data": b"new"} for i in range(50, files, 970)]
    mkimage.build(path, [{"instruction": "first", "entries": first}, {"instruction": "second", "entries": second}],
                  form="oci-archive", compress="gzip", tags=["t"])


def files_in(folder):
    """Every file below the cache folder."""
    return sorted(os.path.join(d, n) for d, _, names in os.walk(folder) for n in names)


def answer(image, cache, files):
    """What the index says of every entry, as a hash."""
    run = subprocess.run([PEEL, "sql", "--cache-dir", cache, image, DUMP], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    if run.returncode:
        raise SystemExit("peel sql: status %d: %s" % (run.returncode, run.stderr.decode(errors="replace")))
    if run.stdout.count(b"\n=") < files:
        raise SystemExit("peel sql gives %d rows" % run.stdout.count(b"\n="))
    return hashlib.sha256(run.stdout).hexdigest()


def kill_one(rng, image, cache, longest, flags):
    """Start an indexer and kill it, alone or with all that it has started. @return it was still running, how many children it had, what of it is left."""
    child = subprocess.Popen([PEEL, "index", "--cache-dir", cache, *flags, image], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(rng.random() * longest)
    running = child.poll() is None
    builders = [pid for pid in common.session(child.pid) if pid != child.pid]
    who = rng.choice(("all", "command", "builder"))
    try:
        if who == "all":
            os.killpg(child.pid, signal.SIGKILL)
        elif who == "builder" and builders:
            os.kill(rng.choice(builders), signal.SIGKILL)
        else:
            os.kill(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
    end = time.monotonic() + GRACE
    while common.session(child.pid) and time.monotonic() < end:
        time.sleep(0.01)
    return running, len(builders), common.session(child.pid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--figures")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="peel-kill-")
    image, cache = os.path.join(folder, "image"), os.path.join(folder, "cache")
    make_image(image, options.files)
    time.sleep(SETTLE)
    started = time.monotonic()
    reference = answer(image, cache, options.files)
    longest = 1.2 * (time.monotonic() - started)
    finished = files_in(cache)
    killed, children, leaks, tried, wrong = 0, 0, 0, 0, []
    for i in range(ATTEMPTS * options.count):
        if killed == options.count:
            break
        for path in files_in(cache):
            os.unlink(path)
        running, builders, left = kill_one(rng, image, cache, longest, [])
        killed += running
        tried += 1
        # The machine is not always as fast: most kills are to hit, and all of the run is.
        longest *= 1.02 if running else 0.93
        children += running and builders > 0
        if left:
            leaks += 1
            wrong.append("kill %d: processes are left: %s" % (i, left))
        unfinished = [p for p in files_in(cache) if p not in finished]
        if len(unfinished) > 1:
            wrong.append("kill %d: %d unfinished files: %s" % (i, len(unfinished), unfinished))
        # a second kill on top: what is left behind must not add up
        if rng.random() < 0.2:
            kill_one(rng, image, cache, longest, [])
        if answer(image, cache, options.files) != reference:
            wrong.append("kill %d: the index differs from the reference" % i)
        # the run that found the unfinished file, or the one after it, has swept it
        left = [p for p in files_in(cache) if p not in finished]
        if left:
            subprocess.run([PEEL, "index", "--cache-dir", cache, "--rebuild", image], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            left = [p for p in files_in(cache) if p not in finished]
        if left:
            wrong.append("kill %d: not swept: %s" % (i, left))
    shutil.rmtree(folder)
    for text in wrong[:20]:
        print(text)
    print("%d kills, %d of a running indexer, %d with its child at work, %d wrong" % (tried, killed, children, len(wrong)))
    if options.figures:
        common.write_figures(options.figures, "kill -9 while an image is indexed",
                             ["kills", "of a running indexer", "with its child at work", "wrong"],
                             [[tried, killed, children, len(wrong)]], wrong=len(wrong) - leaks, leaks=leaks)
    return 1 if wrong or killed < options.count // 2 else 0


if __name__ == "__main__":
    sys.exit(main())
