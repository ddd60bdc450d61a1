#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb in every place: it gives the answer that it gives elsewhere, or says in one line why not.

    run.py

The verbs are those of `peel --help-tables`, one row each in verbs.tsv. As an ordinary user and as root: plain; without
/dev/fuse; where namespaces and mounts are forbidden (nounshare); with a home that is read-only, or none; and with a cache folder that is
missing, read-only, or open to others. PEEL and NOUNSHARE name programs; prints TAP, exits 77 where nothing could run.
"""
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import places  # noqa: E402


def speech(err):
    """What is said beside remarks that are known."""
    return [line for line in err.splitlines() if not line.startswith(places.REMARKS)]


def refused(row, reasons, outcome):
    """Did it say why not, as its row allows it there? One line, its status, no answer."""
    status, out, err = outcome
    lines = speech(err)
    return (row.status is not None and status == row.status and not out and len(lines) == 1
            and lines[0].startswith("peel: ") and not reasons.isdisjoint(row.places))


def judge(row, place, reasons, outcome, plain):
    """An empty text where the outcome is right."""
    status, out, err = outcome
    if not refused(row, reasons, outcome):
        if (status, out) != plain[:2]:
            return f"status {status}, {len(out)} bytes; plain: {plain[0]}, {len(plain[1])} bytes; said {err!r}"
        if speech(err):
            return f"an unexpected remark: {err!r}"
    if err.count("is not kept") != (place.unkept and row.indexes):
        return f"that the index was not kept was said {err.count('is not kept')} times: {err!r}"
    return ""


def main():
    rows = places.read_rows(HERE / "verbs.tsv")
    verbs = places.list_verbs()
    cases = failed = 0

    def case(name, why, remark=""):
        nonlocal cases, failed
        cases += 1
        failed += bool(why)
        print(f"{'not ' if why else ''}ok {cases} - {name}{remark}")
        if why:
            print(f"# {why}"[:600])

    for verb in sorted(verbs | set(rows)):
        case(f"{verb} has its row", "" if verb in rows and verb in verbs else "verbs.tsv and --help-tables differ")
    with tempfile.TemporaryDirectory(prefix="peel-matrix.") as top:
        lab = places.Lab(pathlib.Path(top))
        for verb in sorted(verbs & set(rows)):
            row = rows[verb]
            plain = lab.run(row, places.PLAIN, lab.users[0])
            for user in lab.users:
                for place in lab.places(user):
                    outcome = lab.run(row, place, user)
                    reasons = lab.reasons(place, user)
                    case(f"{verb}: {user.name}, {place.name}", judge(row, place, reasons, outcome, plain),
                         " (says why not)" if refused(row, reasons, outcome) else "")
        for reason in lab.missing:
            cases += 1
            print(f"ok {cases} - # SKIP {reason}")
    print(f"1..{cases}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
