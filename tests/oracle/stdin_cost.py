#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an image through a pipe costs: nothing of its size is written where headers are enough.

    stdin_cost.py [--big]

The image is made while it is written, 400 MB in 3,000 files; --big: the one of 6 GB in $PEEL_BIG (tests/big/build.sh). For each verb: the bytes that peel wrote in all
(what the kernel counted, standard output and the index among them) against 1 % of the image and 200 bytes an entry,
peak memory against 64 MiB, and processor time beside that of `cat`. A verb that needs contents shows that the measure
works: it writes the whole image.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import tarbytes  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
SANITIZED = "PEEL_SLOW" in os.environ
FILES, FILE_SIZE = 3000, 137000
MEMORY = 64 << 10
VERBS = (["history", "-"], ["ls", "-lR", "-"], ["find", "-", "-size", "+1M"], ["du", "-s", "-"], ["inspect", "-"],
         ["sql", "-", "SELECT count(*) FROM entry"], ["index", "-"], ["stat", "-", "/"], ["which", "-", "sh"])


def made():
    """The parts of a docker archive with one layer."""
    data = os.urandom(FILE_SIZE)
    padded = data + tarbytes.pad(FILE_SIZE)
    size = FILES * (512 + len(padded)) + len(tarbytes.END)
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": ["one/layer.tar"]}]).encode()
    yield tarbytes.header(b"one/layer.tar", b"0", 0o644, 0, 0, size, 0)
    for i in range(FILES):
        yield tarbytes.header(b"srv/file%d" % i, b"0", 0o644, 0, 0, FILE_SIZE, 0)
        yield padded
    yield tarbytes.END + tarbytes.pad(size)
    for name, text in ((b"config.json", config), (b"manifest.json", manifest)):
        yield tarbytes.header(name, b"0", 0o644, 0, 0, len(text), 0) + text + tarbytes.pad(len(text))
    yield tarbytes.END


def read(path):
    """The parts of a file."""
    with open(path, "rb") as file:
        while True:
            part = file.read(1 << 20)
            if not part:
                return
            yield part


def pour(fd, parts, count):
    """Write them, and count what the reader took."""
    try:
        for part in parts:
            view = memoryview(part)
            while view:
                done = os.write(fd, view)
                count[0] += done
                view = view[done:]
    except BrokenPipeError:
        pass
    finally:
        os.close(fd)


def measure(command, parts, folder):
    """Bytes of the image, bytes that the command wrote, and what the kernel says of it at its end."""
    ends = os.pipe()
    child = subprocess.Popen(command, stdin=ends[0], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             env=dict(os.environ, XDG_CACHE_HOME=folder))
    os.close(ends[0])
    count = [0]
    writer = threading.Thread(target=pour, args=(ends[1], parts, count))
    writer.start()
    errors = child.stderr.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with open("/proc/%d/io" % child.pid) as file:
        counted = dict(line.split(": ") for line in file.read().splitlines())
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    writer.join()
    return count[0], int(counted["wchar"]), usage, child.returncode, errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--big", action="store_true")
    options = parser.parse_args()
    image = os.path.join(BIG, "plain.tar")
    if options.big and not os.path.exists(image):
        print("no image at %s" % image)
        return 77
    parts = (lambda: read(image)) if options.big else made
    failed = 0
    with tempfile.TemporaryDirectory(prefix="peel-stdin-", dir=BIG if options.big else None) as folder:
        size, _, usage, _, _ = measure(["cat"], parts(), folder)
        print("cat            %6d MB, %5.2f s of processor" % (size // 10 ** 6, usage.ru_utime + usage.ru_stime))
        allowed = size // 100 + 200 * FILES + (1 << 20)
        for verb in VERBS:
            _, wrote, usage, status, errors = measure([PEEL, *verb], parts(), folder)
            wrong = []
            if status not in (0, 1) or errors:
                wrong.append("status %d, %r" % (status, errors[-200:]))
            if wrote > allowed:
                wrong.append("wrote more than %d bytes" % allowed)
            if usage.ru_maxrss > MEMORY and not SANITIZED:
                wrong.append("more than %d KiB of memory" % MEMORY)
            failed += bool(wrong)
            print("%s %-8s wrote %9d bytes, %6d KiB of memory, %5.2f s of processor %s" % (
                "not ok" if wrong else "ok    ", verb[0], wrote, usage.ru_maxrss, usage.ru_utime + usage.ru_stime,
                "; ".join(wrong)), flush=True)
        _, wrote, _, status, errors = measure([PEEL, "cat", "-", "/srv/file1"], parts(), folder)
        if wrote < size or (not options.big and status) or b"spooled in" not in errors:
            failed += 1
            print("not ok cat      wrote %d bytes, status %d, %r" % (wrote, status, errors[-200:]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
