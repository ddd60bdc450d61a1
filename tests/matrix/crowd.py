#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builders, collections and lists in one cache folder at once, some killed: every answer is right, and nothing is left over.

    crowd.py        PEEL names the program; PEEL_TEST_SECONDS how long (4)
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PEEL = os.environ["PEEL"]
SECONDS = float(os.environ.get("PEEL_TEST_SECONDS", "4"))
FORMS = ("docker-archive", "oci-archive", "docker-archive", "oci-archive")


class Crowd:
    def __init__(self, top):
        self.top = top
        self.env = {**os.environ, "XDG_CACHE_HOME": str(top)}
        self.images = []
        for number, form in enumerate(FORMS):
            image = top / f"image{number}.tar"
            with (HERE.parent / "golden/images/app.txt").open() as text:
                subprocess.run([HERE.parent / "lib/mkimage.py", "--form", form, image], stdin=text, check=True)
            self.images.append(image)
        time.sleep(2.2)
        self.expected = [self.peel("ls", "-lR", "--no-cache", image).stdout for image in self.images]
        self.peel("index", self.images[0])
        self.limit = max(file.stat().st_size for file in (top / "peel").iterdir()) * 5 // 2
        self.wrong = []
        self.done = {"built": 0, "found": 0, "killed": 0, "collected": 0, "listed": 0}
        self.until = time.monotonic() + SECONDS

    def peel(self, *args):
        return subprocess.run([PEEL, *args], env=self.env, capture_output=True, timeout=60)

    def check(self, what, good, done):
        if not good:
            self.wrong.append(f"{what}: status {done.returncode}, {done.stderr!r}")

    def build(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.until:
            which = chance.randrange(len(self.images))
            image = self.images[which]
            if chance.random() < 0.2:
                process = subprocess.Popen([PEEL, "index", "--rebuild", image], env=self.env,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(chance.random() * 0.03)
                process.kill()
                process.wait()
                self.done["killed"] += 1
                continue
            done = self.peel("ls", "-lR", f"--cache-limit={self.limit}", image)
            self.check(f"ls {image.name}", done.returncode == 0 and done.stdout == self.expected[which], done)
            state = self.peel("index", f"--cache-limit={self.limit}", image)
            self.check("index", state.returncode == 0, state)
            self.done["built" if b"built" in state.stdout else "found"] += 1

    def collect(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.until:
            done = self.peel("cache", "gc", *chance.choice((["--all"], [f"--limit={self.limit}"], ["--dry-run"])))
            self.check("gc", done.returncode == 0 and not done.stderr, done)
            self.done["collected"] += 1
            done = self.peel("cache", "ls", "--output", "json")
            self.check("ls", done.returncode == 0 and not done.stderr and json.loads(done.stdout), done)
            self.done["listed"] += 1


def main():
    with tempfile.TemporaryDirectory(prefix="peel-crowd.") as name:
        crowd = Crowd(pathlib.Path(name))
        threads = [threading.Thread(target=work, args=(seed,))
                   for seed, work in enumerate([crowd.build] * 5 + [crowd.collect] * 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        crowd.peel("cache", "gc", f"--limit={crowd.limit}")
        left = sorted(file.name for file in (crowd.top / "peel").iterdir())
        size = sum(file.stat().st_size for file in (crowd.top / "peel").iterdir())
        listed = json.loads(crowd.peel("cache", "ls", "--output", "json").stdout)
    cases = [
        ("every answer is right", not crowd.wrong, crowd.wrong[:5]),
        ("all were at work", all(crowd.done.values()), crowd.done),
        ("nothing is left over", all(name.endswith(".peel") for name in left), left),
        ("the cache is within its limit", size <= crowd.limit, (size, crowd.limit)),
        ("what is left can be used", {file["state"] for file in listed["files"]} <= {"current"}, listed),
    ]
    for number, (text, good, why) in enumerate(cases, 1):
        print(f"{'' if good else 'not '}ok {number} - {text}")
        if not good:
            print(f"# {why}")
    print(f"# {crowd.done}")
    print(f"1..{len(cases)}")
    return 0 if all(good for _, good, _ in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
