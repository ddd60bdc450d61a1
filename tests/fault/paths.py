#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A path that leads to one image and to another in turn: what is kept of one is never the index of the other.

A symlink is exchanged as fast as it goes, while an index is built of what it leads to, in a child and without. Afterwards each
image is asked by its own name; an index that was built of the other's bytes, and kept under its identity, would answer.

PEEL names the program; prints TAP.
"""
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time

MKIMAGE = pathlib.Path(__file__).resolve().parent.parent / "lib/mkimage.py"
PEEL = os.environ["PEEL"]
IMAGES = ("one", "two")
ROUNDS = int(os.environ.get("PEEL_PATH_ROUNDS", "40"))


def exchange(lab, stop, count):
    while not stop.is_set():
        for name in IMAGES:
            os.symlink(f"{name}.tar", lab / "new")
            os.rename(lab / "new", lab / "link.tar")
            count.value += 1
            time.sleep(0.0004)


def ask(lab, cache, path, *options):
    done = subprocess.run([PEEL, "ls", "--cache-dir", cache, *options, f"rootfs:{lab}/{path}"], capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


def one_round(lab, cache, options):
    """(whether an index was kept, what is wrong)"""
    status, shown = ask(lab, cache, "link.tar", *options)
    wrong = [] if status == 2 or shown in IMAGES else [f"the link shows {shown!r}, status {status}"]
    kept = any(cache.glob("*.peel"))
    for name in IMAGES:
        answer = ask(lab, cache, f"{name}.tar")
        if answer != (0, name):
            wrong.append(f"{name} is {answer}")
    for path in cache.iterdir():
        path.unlink()
    return kept, wrong


def main():
    failed = False
    with tempfile.TemporaryDirectory(prefix="peel-paths.") as folder:
        lab = pathlib.Path(folder)
        cache = lab / "cache"
        cache.mkdir(mode=0o700)
        for name in IMAGES:
            subprocess.run([MKIMAGE, "--form", "rootfs", lab / f"{name}.tar"], input=f"layer COPY\nf {name} data=x\n", text=True, check=True)
        os.symlink("one.tar", lab / "link.tar")
        # An image younger than two seconds is not kept.
        time.sleep(2.2)
        stop, count = multiprocessing.Event(), multiprocessing.Value("L", 0)
        other = multiprocessing.Process(target=exchange, args=(lab, stop, count))
        other.start()
        try:
            for number, options in enumerate(((), ("--no-sandbox",)), 1):
                rounds = [one_round(lab, cache, options) for _ in range(ROUNDS)]
                wrong = [text for _, texts in rounds for text in texts]
                kept = sum(was for was, _ in rounds)
                good = not wrong and kept > 0
                failed |= not good
                print(f"{'' if good else 'not '}ok {number} - {' '.join(options) or 'in the sandbox'}: {ROUNDS} rounds, {kept} kept")
                for text in wrong[:5]:
                    print("# " + text)
        finally:
            stop.set()
            other.join()
    print("1..2")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
