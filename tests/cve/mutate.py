#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Take one defence out at a time, and see its case fail.

    mutate.py [--figures FILE] [--scratch FOLDER] [NAME]...     all without a name

The sources are copied, built once, and every case must pass there; then, a mutation at a time, only what it touches is built again and the
case must fail. A mutation whose case cannot run here (no /dev/fuse, no root) is said and does not count. Prints TAP.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE))
import mutations  # noqa: E402
import run as cases  # noqa: E402

PASSED, SKIPPED = 0, 77


class Stale(Exception):
    """A mutation that does not fit the source any more."""


class Scratch:
    """A copy of the sources, and a build of it."""

    def __init__(self, folder):
        self.source, self.build = pathlib.Path(folder) / "source", pathlib.Path(folder) / "build"
        shutil.copytree(TOP, self.source, ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"), dirs_exist_ok=True)
        subprocess.run(["meson", "setup", str(self.build), str(self.source), "-Doptimization=1", "-Dwerror=false"], check=True,
                       stdout=subprocess.DEVNULL)

    def ninja(self, name):
        targets = ["tools/peel"] + mutations.TARGETS.get(name, [])
        return subprocess.run(["ninja", "-C", str(self.build), "-j2", *targets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)

    def run(self, name):
        """The status of the case."""
        env = dict(os.environ, PEEL=str(self.build / "tools/peel"), PEEL_BUILD=str(self.build), PEEL_SOURCE=str(self.source))
        try:
            return subprocess.run([sys.executable, str(HERE / "run.py"), name], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False, timeout=300).returncode
        except subprocess.TimeoutExpired:
            return -1

    def mutate(self, name):
        """Build without the defence. @return what undoes it."""
        kept = {}
        for path, old, new in mutations.MUTATIONS[name]:
            file = self.source / path
            text = file.read_text()
            kept.setdefault(file, text)
            if text.count(old) != 1:
                self.undo(kept)
                raise Stale("its text is found %d times in %s" % (text.count(old), path))
            file.write_text(text.replace(old, new))
        return kept

    @staticmethod
    def undo(kept):
        for file, text in kept.items():
            file.write_text(text)


def judge(scratch, name):
    """What is wrong, and whether it counts."""
    made = scratch.ninja(name)
    if made.returncode:
        return "does not build: %r" % made.stdout[-400:], False
    with_it = scratch.run(name)
    if with_it == SKIPPED:
        return "", False
    if with_it != PASSED:
        return "fails with the defence in place", True
    try:
        kept = scratch.mutate(name)
    except Stale as why:
        return str(why), True
    try:
        made = scratch.ninja(name)
        if made.returncode:
            return "does not build without the defence: %r" % made.stdout[-600:], True
        # Moments decide in some: a defence is there where three runs in a row pass.
        without = [scratch.run(name) for _ in range(1)]
        while len(without) < 3 and without[-1] == PASSED:
            without.append(scratch.run(name))
    finally:
        scratch.undo(kept)
    return ("passes without the defence" if without[-1] in (PASSED, SKIPPED) else ""), True


def write_figures(path, rows, counted, failed):
    commit = subprocess.run(["git", "-C", str(TOP), "rev-parse", "HEAD"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"title": "Classes of weakness: a case each, that fails without its defence", "command": "tests/cve/mutate.py",
                   "commit": commit, "columns": ["threat", "class", "case", "fails without its defence"], "rows": rows,
                   "crashes": 0, "hangs": 0, "wrong": failed, "leaks": 0, "counted": counted}, out, indent=1)
        out.write("\n")


def main():
    parser = argparse.ArgumentParser(description="take one defence out at a time, and see its case fail")
    parser.add_argument("--figures")
    parser.add_argument("--scratch")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    wanted = [row for row in cases.read_rows() if not args.names or row["name"] in args.names]
    rows, counted, failed = [], 0, 0
    print("1..%d" % len(wanted))
    with tempfile.TemporaryDirectory(prefix="peel-mutate.", dir=args.scratch) as folder:
        scratch = Scratch(folder)
        for number, row in enumerate(wanted, 1):
            wrong, counts = judge(scratch, row["name"])
            counted += counts
            failed += bool(wrong)
            print("%sok %d - %s%s" % ("not " if wrong else "", number, row["name"],
                                     "" if counts or wrong else " # SKIP cannot run here"), flush=True)
            if wrong:
                print("# " + wrong.replace("\n", "\n# "))
            rows.append([int(row["threat"]), row["weakness"], row["name"], "no" if wrong else "yes" if counts else "not run here"])
    if args.figures:
        write_figures(args.figures, rows, counted, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
