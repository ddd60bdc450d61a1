# SPDX-License-Identifier: Apache-2.0
"""What the campaigns of tests/fault share: images, running peel, what a cache may hold, figures."""
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402

PEEL = os.path.realpath(os.environ.get("PEEL", "peel"))
BUILD = os.environ.get("PEEL_BUILD", "")
SHIM = os.path.join(BUILD, "tests", "fault", "libfaultshim.so")
SEAL = os.path.join(BUILD, "tests", "fault", "seal")
# An image that is younger than this is not trusted by the cache.
SETTLE = 2.2
# What a run may take before it hangs, seconds; builds with a sanitizer are slower.
LIMIT = 10.0 * float(os.environ.get("PEEL_SLOW", "1"))
STATUSES = (0, 1, 2, 3)
TEMPORARY = ".building-"
SCRIPT = b"#!/usr/bin/python3\nimport os\nprint(os.name)\n"


def layers(scale=1):
    """Three layers that hide parts of each other, with links, a package database, a script and something to unpack."""
    status = b"Package: hello\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
    first = [{"type": "d", "path": b"etc"},
             {"type": "f", "path": b"etc/passwd", "data": b"root:x:0:0::/root:/bin/sh\n"},
             {"type": "f", "path": b"var/lib/dpkg/status", "data": status},
             {"type": "f", "path": b"var/lib/dpkg/info/hello.list", "data": b"/.\n/usr/bin/hello\n"},
             {"type": "f", "path": b"usr/bin/hello", "data": SCRIPT, "mode": 0o755},
             {"type": "l", "path": b"usr/bin/greet", "link": b"/etc/alternatives/greet"},
             {"type": "l", "path": b"etc/alternatives/greet", "link": b"/usr/bin/hello"},
             {"type": "f", "path": b"usr/share/big", "data": hashlib.sha256(b"big").digest() * 4096 * scale}]
    first += [{"type": "f", "path": b"srv/d%d/f%d" % (i % 5, i), "data": b"%d\n" % i * (i + 1)} for i in range(20 * scale)]
    second = [{"type": "w", "path": b"srv/d1"},
              {"type": "f", "path": b"srv/d2/f2", "data": b"new\n"},
              {"type": "h", "path": b"srv/hard", "link": b"srv/d2/f2"},
              {"type": "l", "path": b"srv/soft", "link": b"/etc/passwd"}]
    third = [{"type": "f", "path": b"usr/bin/python3.11", "data": b"#!/bin/sh\necho 3.11\n", "mode": 0o755},
             {"type": "f", "path": b"opt/tool.py", "data": SCRIPT, "mode": 0o4755},
             {"type": "f", "path": b"opt/numbers", "data": b"".join(b"%d " % i for i in range(20000 * scale))}]
    return [{"instruction": "COPY first", "entries": first}, {"instruction": "RUN second", "entries": second},
            {"instruction": "COPY third", "entries": third}]


def make_image(path, compress="none", form=None, scale=1):
    """An image of three layers; plain ones as docker save writes them."""
    mkimage.build(path, layers(scale), form=form or ("docker-archive" if compress == "none" else "oci-archive"),
                  compress=compress, tags=["t:latest"], env=["PATH=/usr/bin:/bin"])


def make_images(folder):
    """The three packings, old enough to be trusted: name to path."""
    images = {}
    for name in ("none", "gzip", "zstd"):
        images[name] = os.path.join(folder, name + ".tar")
        make_image(images[name], name)
    time.sleep(SETTLE)
    return images


class Outcome:
    """How a run ended."""

    def __init__(self, status, out, err, hung, seconds):
        self.status, self.out, self.err, self.hung, self.seconds = status, out, err, hung, seconds

    def crashed(self):
        return not self.hung and self.status not in STATUSES

    def text(self):
        return "status %d%s: %s" % (self.status, ", hung" if self.hung else "",
                                    self.err.decode(errors="replace").strip()[-200:])


def run(args, env=None, stdin=None, cwd=None, limit=LIMIT, preload=None):
    """Run peel in a session of its own; nothing of it lives on."""
    environment = dict(os.environ, **(env or {}))
    if preload:
        environment["LD_PRELOAD"] = preload
    started = time.monotonic()
    with open(stdin, "rb") if stdin else open(os.devnull, "rb") as source:
        child = subprocess.Popen([PEEL, *args], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=environment, cwd=cwd, start_new_session=True)
        hung = False
        try:
            out, err = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
    return Outcome(child.returncode, out, err, hung, time.monotonic() - started)


def session(pid):
    """Processes of a session that still live."""
    left = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                words = file.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        if int(words[3]) == pid and words[0] not in (b"Z", b"X"):
            left.append(int(name))
    return left


def dump(path):
    """All rows of an index or a facts file but when it was built, as one hash; None: it is no whole file."""
    digest = hashlib.sha256()
    try:
        base = sqlite3.connect("file:%s?immutable=1" % path, uri=True)
        base.text_factory = bytes
        tables = sorted(row[0] for row in base.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
        for table in tables:
            digest.update(b"\0" + table)
            rows = [repr(row) for row in base.execute("SELECT * FROM %s" % table.decode()) if row[0] != b"built"]
            for row in sorted(rows):
                digest.update(row.encode())
        base.close()
    except sqlite3.Error:
        return None
    return digest.hexdigest()


def files_of(folder):
    """Names of a cache folder, {} where it is not there."""
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def dumps(folder):
    """Name to dump, of the published files."""
    return {name: dump(os.path.join(folder, name)) for name in files_of(folder) if not name.startswith(TEMPORARY)}


def judge_cache(folder, reference, temporaries=2):
    """What is wrong with a cache: an index that differs from the reference, too many temporary files (one of an index, one of facts)."""
    wrong = []
    left = [name for name in files_of(folder) if name.startswith(TEMPORARY)]
    if len(left) > temporaries:
        wrong.append("%d temporary files" % len(left))
    for name, what in dumps(folder).items():
        if what is None or what != reference.get(name):
            wrong.append("%s differs from the reference" % name)
    return wrong


def commit():
    done = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def write_figures(path, title, columns, rows, **counts):
    """One campaign's figures, as tests/security/table reads them."""
    options = [word for before, word in zip(sys.argv, sys.argv[1:]) if "--figures" not in (before, word)]
    shown = " ".join(["tests/" + os.path.relpath(sys.argv[0], os.path.join(HERE, ".."))] + options)
    figures = {"title": title, "command": shown, "commit": commit(), "columns": columns, "rows": rows}
    figures.update({name: counts.get(name, 0) for name in ("crashes", "hangs", "wrong", "leaks")})
    with open(path, "w") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")


class Workplace:
    """A folder that goes at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="peel-fault-")
        return self.path

    def __exit__(self, *what):
        shutil.rmtree(self.path, ignore_errors=True)
