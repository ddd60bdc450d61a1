#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Add up the test cases of several runs of `meson test`, and say what failed or was skipped, and why.

    tally.py [--must-run SUITE]... [--broken NAME]... TESTLOG.json...

A program that prints TAP counts by its lines, any other as one. A skipped test of a --must-run suite is a
failure; so is each --broken NAME (a build that did not come about). The last line is the sum."""
import argparse
import json
import re
import sys

TAP = re.compile(r"^(not )?ok\b[ \t]*\d*(.*)$")
SKIP = re.compile(r"#[ \t]*skip\b[ \t:]*(.*)", re.I)


def cases(test):
    """Passed, failed, skipped (as reasons) of one program."""
    passed, failed, skipped = 0, 0, []
    comment = ""
    for line in (test.get("stdout") or "").splitlines():
        case = TAP.match(line)
        if not case:
            comment = line if line.startswith("# ") else ""
            continue
        bad, rest = case.groups()
        skip = SKIP.search(rest)
        if skip:
            # cmocka has no place for a reason; it may stand in a comment before.
            skipped.append((skip.group(1) or rest.strip()) + comment.replace("# ", ": ", 1))
        elif bad:
            failed += 1
        else:
            passed += 1
        comment = ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        text = (test.get("stdout") or "") + (test.get("stderr") or "")
        lines = [line for line in text.splitlines() if line.strip()]
        return 0, 0, [lines[-1] if lines else "no reason given"]
    if good and failed == 0 and passed + len(skipped) == 0:
        return 1, 0, []
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def show(test):
    print(f"--- {test['name']}: {test['result']}, status {test.get('returncode')}")
    for stream in ("stdout", "stderr"):
        lines = (test.get(stream) or "").splitlines()
        wanted = [line for line in lines if not re.match(r"ok\b", line)]
        for line in wanted[-60:]:
            print("    " + line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--must-run", action="append", default=[])
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("logs", nargs="*")
    options = parser.parse_args()
    passed, failed, skips = 0, len(options.broken), []
    for name in options.broken:
        print(f"--- {name}: did not come about")
    for log in options.logs:
        with open(log, encoding="utf-8", errors="replace") as lines:
            tests = [json.loads(line) for line in lines if line.strip()]
        for test in tests:
            good, bad, reasons = cases(test)
            suite = test["name"].split(" / ")[0].split(":")[-1].split("+")[0]
            if reasons and suite in options.must_run:
                bad += len(reasons)
                print(f"--- {test['name']}: skipped, but must run here: {reasons[0]}")
            else:
                skips += [(test["name"], reason) for reason in reasons]
            if bad:
                show(test)
            passed += good
            failed += bad
    for name, reason in skips:
        print(f"SKIPPED {name}: {reason}")
    sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
