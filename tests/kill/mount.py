#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill the mount's processes with SIGKILL at random moments: never a dead mount two seconds later.

    mount.py [--count N] [--seed N] [--grace SECONDS] [--figures FILE]

A random choice of peel's own processes is killed: the waiting command, the supervisor, the server, or all. Two seconds
later the folder is either no mount, or one that answers; after an unmount no process is left. $PEEL is the command.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "fault")]
import common  # noqa: E402
import mkimage  # noqa: E402
from mounts import is_mounted  # noqa: E402

PEEL = os.path.realpath(os.environ.get("PEEL", "peel"))
GRACE = 2.0
FILES = 300


def make_image(path):
    entries = [{"type": "f", "path": b"d%d/f%d" % (i % 7, i), "data": b"x" * i} for i in range(FILES)]
    mkimage.build(path, [{"instruction": "only", "entries": entries}], tags=["t:latest"])


def processes(point):
    """peel's processes for a mount point; the guard is another program, and stays."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if os.fsencode(point) in file.read().split(b"\0") and os.readlink("/proc/%s/exe" % pid) == PEEL:
                    found.append(int(pid))
        except OSError:
            continue
    return sorted(found)


def state(point):
    """"gone", "alive" or what is wrong."""
    try:
        mounted = is_mounted(point)
        names = os.listdir(point)
        if not mounted:
            return "gone" if not names or not is_mounted(point) else "alive"
        with open(os.path.join(point, "d1", "f8"), "rb") as file:
            data = file.read()
        return "alive" if len(names) == 7 and data == b"x" * 8 else "shows %d names" % len(names)
    except OSError as error:
        return str(error)


def wait_for(check, seconds):
    """Poll until check() is true; the last answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return check()


def kill_some(rng, point):
    """Kill a random choice of processes; how many."""
    pids = processes(point)
    chosen = pids if rng.random() < 0.4 else [p for p in pids if rng.random() < 0.5]
    for pid in chosen:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(chosen)


def read_on(seed, point, end, wrong):
    """Read random files until told to stop: the right bytes, or an error."""
    chance = random.Random(seed)
    while not end.is_set():
        i = chance.randrange(FILES)
        try:
            with open(os.path.join(point, "d%d" % (i % 7), "f%d" % i), "rb") as file:
                if file.read() != b"x" * i:
                    wrong.append("f%d has other bytes" % i)
        except OSError:
            end.wait(0.001)


def round_of(rng, image, cache, point, grace):
    """One mount and one attack. Returns (killed, what is wrong or None)."""
    command = subprocess.Popen([PEEL, "mount", "--cache-dir", cache, image, point], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    if rng.random() < 0.5:
        command.wait()
        time.sleep(rng.random() * 0.1)
    else:
        time.sleep(rng.random() * 0.08)
    end, bytes_wrong = threading.Event(), []
    reader = threading.Thread(target=read_on, args=(rng.random(), point, end, bytes_wrong))
    reader.start()
    time.sleep(rng.random() * 0.05)
    killed = kill_some(rng, point)
    command.wait()
    time.sleep(0.02)
    end.set()
    reader.join()
    wrong = bytes_wrong[0] if bytes_wrong else None
    if not wait_for(lambda: state(point) in ("gone", "alive"), grace):
        wrong = "dead mount: %s" % state(point)
    # a mount that is still coming up, or going down, settles before it is judged again
    time.sleep(0.05)
    if wrong is None and not wait_for(lambda: state(point) in ("gone", "alive"), grace):
        wrong = "dead mount later: %s" % state(point)
    if is_mounted(point):
        subprocess.run([PEEL, "umount", point], stderr=subprocess.DEVNULL)
    if not wait_for(lambda: not is_mounted(point), grace):
        wrong = wrong or "cannot be unmounted"
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
    if not wait_for(lambda: not processes(point), grace):
        wrong = wrong or "processes are left: %s" % processes(point)
        for pid in processes(point):
            os.kill(pid, signal.SIGKILL)
    return killed, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grace", type=float, default=GRACE, help="seconds, more on a machine that is busy")
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("no /dev/fuse")
        return 77
    rng = random.Random(options.seed)
    killed, wrong = 0, []
    with tempfile.TemporaryDirectory(prefix="peel-kill-") as folder:
        image, cache = os.path.join(folder, "image"), os.path.join(folder, "cache")
        make_image(image)
        for i in range(options.count):
            point = os.path.join(folder, "mnt%d" % i)
            os.mkdir(point)
            count, text = round_of(rng, image, cache, point, options.grace)
            killed += count
            if text:
                wrong.append("round %d: %s" % (i, text))
            else:
                os.rmdir(point)
    for text in wrong[:20]:
        print(text)
    print("%d mounts, %d processes killed, %d wrong" % (options.count, killed, len(wrong)))
    if options.figures:
        common.write_figures(options.figures, "kill -9 while a mount is read", ["mounts", "processes killed", "wrong"],
                             [[options.count, killed, len(wrong)]], wrong=len(wrong))
    return 1 if wrong or killed < options.count // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
