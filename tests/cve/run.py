#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One named case for each class of weakness that others had: rows of classes.tsv.

    run.py [NAME]...     all without one; a name is a case's, or a part of it
    run.py --table       the rows, the cases and the mutations fit each other, and each mutation's text is found once

Each runs in a folder and a home of its own. PEEL is the command; prints TAP; 77 where the one case that was asked for cannot run.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import cases_archive  # noqa: E402, F401
import cases_use  # noqa: E402, F401
from common import CASES, Skip, Wrong  # noqa: E402
import mutations  # noqa: E402


def read_rows():
    """Rows of the table: name of the case, number of the threat, the class, the defence."""
    lines = (HERE / "classes.tsv").read_text().splitlines()
    return [dict(zip(("name", "threat", "weakness", "defence"), line.split("\t"))) for line in lines if line and not line.startswith("#")]


def check_table():
    """What does not fit."""
    top = HERE.parents[1]
    rows = read_rows()
    names = [row["name"] for row in rows]
    wrong = [name + ": twice" for name in set(names) if names.count(name) > 1]
    known = set(CASES) | set(mutations.ELSEWHERE)
    wrong += ["%s: has no %s" % pair for pair in
              [(name, "case") for name in set(names) - known] + [(name, "row") for name in known - set(names)] +
              [(name, "mutation") for name in set(names) - set(mutations.MUTATIONS)] +
              [(name, "row, but a mutation") for name in set(mutations.MUTATIONS) - set(names)]]
    threats = {int(row["threat"]) for row in rows}
    wrong += ["threat %d has no row" % number for number in range(1, 25) if number not in threats]
    for name, changes in mutations.MUTATIONS.items():
        for path, old, new in changes:
            count = (top / path).read_text().count(old) if (top / path).exists() else 0
            if count != 1 or old == new:
                wrong.append("%s: the text is found %d times in %s" % (name, count, path))
    for row in rows:
        path = row["defence"].split(":")[0]
        if not (top / path).exists():
            wrong.append("%s: no file %s" % (row["name"], path))
    return sorted(wrong)


def run_elsewhere(command):
    """A named test of another suite."""
    done = subprocess.run(["bash", "-c", command], cwd=os.environ.get("PEEL_SOURCE", str(HERE.parents[1])), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300)
    if done.returncode == 77:
        raise Skip(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
    if done.returncode:
        raise Wrong(done.stdout[-400:])


def run_case(name):
    """None, or why it could not run."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="peel-cve.") as top:
        os.environ.update(HOME=top, LC_ALL="C.UTF-8", TZ="UTC")
        os.environ.pop("XDG_CACHE_HOME", None)
        os.mkdir(top + "/w")
        os.chdir(top + "/w")
        mask = os.umask(0o022)
        try:
            if name in CASES:
                CASES[name]()
            else:
                run_elsewhere(mutations.ELSEWHERE[name])
        except Skip as why:
            return str(why)
        finally:
            os.umask(mask)
            os.chdir(here)
    return None


def main():
    words = sys.argv[1:]
    failed = skipped = 0
    wrong = check_table()
    if words == ["--table"]:
        print("\n".join(wrong))
        return 1 if wrong else 0
    names = [row["name"] for row in read_rows() if not words or row["name"] in words]
    print("1..%d" % (len(names) + (not words)))
    for number, name in enumerate(names, 1):
        remark = ""
        try:
            why = run_case(name)
            skipped += why is not None
            remark = " # SKIP " + why if why else ""
            print("ok %d - %s%s" % (number, name, remark), flush=True)
        except (Wrong, subprocess.TimeoutExpired, OSError) as error:
            failed += 1
            print("not ok %d - %s\n# %s" % (number, name, ascii(str(error))[:600]), flush=True)
    if not words:
        print("%sok %d - the table fits\n%s" % ("not " if wrong else "", len(names) + 1, "".join("# %s\n" % line for line in wrong)))
        failed += bool(wrong)
    return 1 if failed else 77 if words and skipped == len(names) else 0


if __name__ == "__main__":
    sys.exit(main())
