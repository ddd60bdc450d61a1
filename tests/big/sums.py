#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All accounts of the real fat and slim images sum to the same totals, per layer and overall.

    sums.py

history, waste, packages, bloat, report, du, SQL and, for the pair, diff by path, folder, package, category and layer. The
three forms of the fat image (plain, gzip, zstd) must have the same accounts. $PEEL is the command, $PEEL_BIG the folder
with the image (build.sh makes it; slim.py the slim one). Status 77 where it is not there.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
import slim  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
FORMS = ("plain.tar", "gzip.oci.tar", "zstd.oci.tar")
number = 0
failures = 0


def check(name, got, want):
    global number, failures
    number += 1
    failures += got != want
    print("%sok %d - %s" % ("" if got == want else "not ", number, name))
    if got != want:
        print("# %s, not %s" % (str(got)[:300], str(want)[:300]))
    sys.stdout.flush()


def peel(*args, statuses=(0,)):
    run = subprocess.run([PEEL, *args], stdout=subprocess.PIPE)
    if run.returncode not in statuses:
        raise SystemExit("Bail out! peel %s: status %d" % (" ".join(args), run.returncode))
    return run.stdout


def document(*args, statuses=(0,)):
    return json.loads(peel(*args, statuses=statuses))


def total(rows, key="bytes"):
    return sum(row[key] for row in rows)


def accounts(image):
    """Check one image; what its forms must agree in."""
    name = os.path.basename(image)
    history = [row for row in document("history", "--output", "json", image)["history"] if row["layer"] is not None]
    waste = document("waste", "--output", "json", "--top", "0", image)
    packages = document("packages", "--output", "json", image)
    bloat = document("bloat", "--output", "json", "--top", "0", image)
    report = document("report", "--output", "json", image)["images"][0]
    shipped, visible = waste["total"]["bytes"], waste["total"]["visible_bytes"]
    wasted = waste["total"]["wasted_bytes"]
    check(name + ": shipped = visible + wasted", visible + wasted, shipped)
    check(name + ": history ships the same", total(history), shipped)
    check(name + ": history shows the same", total(history, "visible_bytes"), visible)
    check(name + ": history wastes the same", total(history, "wasted_bytes"), wasted)
    by_layer = {row["layer"]: (row["bytes"], row["visible_bytes"], row["wasted_bytes"]) for row in history}
    check(name + ": waste by layer is history's", {row["layer"]: (row["bytes"], row["visible_bytes"], row["wasted_bytes"])
                                                   for row in waste["by_layer"]}, by_layer)
    for view in ("by_cause",):
        check(name + ": waste " + view, total(waste[view], "wasted_bytes"), wasted)
    check(name + ": packages and the rest", packages["owned"]["bytes"] + packages["unowned"]["bytes"], visible)
    check(name + ": each package", total(packages["packages"]), packages["owned"]["bytes"])
    check(name + ": unowned folders", total(packages["unowned_folders"]), packages["unowned"]["bytes"])
    check(name + ": categories", total(bloat["category"]), visible)
    check(name + ": groups", total(bloat["group"]), visible)
    check(name + ": report by layer", {row["layer"]: (row["bytes"], row["visible_bytes"], row["wasted_bytes"])
                                       for row in report["layers"]}, by_layer)
    check(name + ": report's leaves", sum(report["leaves"]["bytes"]), shipped)
    check(name + ": report's packages", total(report["packages"]), packages["owned"]["bytes"])
    check(name + ": report's categories", total(report["categories"]), visible)
    check(name + ": du", int(peel("du", "-s", "-B1", image).split()[0]), waste["total"]["visible_allocated_bytes"])
    rows = peel("sql", "--output", "csv", image, "SELECT sum(size) FROM inode WHERE type = 'f'").split()
    check(name + ": SQL", int(rows[-1]), visible)
    advised = sum(item["saves_bytes"] for item in bloat["advice"])
    check(name + ": advice saves no more than is shipped", 0 < advised <= shipped, True)
    return {"waste": waste["total"], "by_cause": waste["by_cause"], "by_layer": by_layer,
            "packages": packages["packages"], "categories": bloat["category"],
            "advice": [(a["id"], a["layer"], a["saves_bytes"]) for a in bloat["advice"]]}


def pair(a, b, name):
    """Check the difference of two images."""
    by_path = document("diff", "--output", "json", a, b, statuses=(0, 1))
    totals = by_path["totals"]
    change = totals["b"]["bytes"] - totals["a"]["bytes"]
    visible = totals["b"]["visible_bytes"] - totals["a"]["visible_bytes"]
    for side, image in (("a", a), ("b", b)):
        want = document("waste", "--output", "json", image)["total"]
        check(name + ": %s as waste has it" % side, {k: totals[side][k] for k in ("bytes", "visible_bytes", "wasted_bytes")},
              {k: want[k] for k in ("bytes", "visible_bytes", "wasted_bytes")})
    check(name + ": paths", total(by_path["rows"], "change_bytes"), visible)
    small = document("diff", "--output", "json", "--min-size", "1M", a, b, statuses=(0, 1))
    check(name + ": paths with a least size", total(small["rows"], "change_bytes") + small["smaller"]["change_bytes"], visible)
    for by in ("folder", "package", "category", "layer"):
        rows = document("diff", "--by", by, "--output", "json", a, b, statuses=(0, 1))["rows"]
        check(name + ": by " + by, total(rows, "change_bytes"), change)
    return totals


def main():
    if not all(os.path.exists(os.path.join(BIG, form)) for form in FORMS):
        print("1..0 # SKIP there is no big image: tests/big/build.sh")
        return 77
    small = os.path.join(BIG, "slim.oci.tar")
    if not os.path.exists(small):
        slim.build(BIG, small)
    of = [accounts(os.path.join(BIG, form)) for form in FORMS]
    for form, its in zip(FORMS[1:], of[1:]):
        for key, want in of[0].items():
            check("%s has the plain image's %s" % (form, key), its[key], want)
    accounts(small)
    fat = os.path.join(BIG, "gzip.oci.tar")
    totals = pair(fat, small, "fat and slim")
    check("the base layer is recognised", totals["shared_layers"], 1)
    totals = pair(fat, os.path.join(BIG, "plain.tar"), "gzip and plain")
    check("nothing differs", totals["differing"], 0)
    print("1..%d" % number)
    return 1 if failures else 0


sys.exit(main())
