#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random layer stacks: do all accounts of bytes sum to the same, and to what the slow model says?

    ledger.py [--seeds FIRST:LAST] [--keep DIR]
    ledger.py --image FILE...

For every seed the image is made with plain, gzip and zstd layers. Of each, for each layer and in total:

- history, waste (by cause, layer, instruction, folder and path) and the model agree on what is shipped, what is visible
  and what is wasted, in files, payload bytes and allocated bytes; du agrees on what is visible;
- what hid each byte and why is what the model says, where the model knows it;
- all three forms have the same waste and the same duplicates, and duplicates save what contents say;
- --dive-compat says what a slow dive says (dive.py), where a tar's paths are the tree's;
- other accounts of the same bytes agree where the command has them: packages, bloat, report, diff.

With --image the sums of real images are compared with one another. Images that are named together must have the same
waste (one image in several forms). $PEEL is the command; PEEL_FULL=1 runs more seeds.
"""
import argparse
import base64
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import dive  # noqa: E402
import gen  # noqa: E402
import model  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
TIMEOUT = 600
SHOWN = 8


class Failed(Exception):
    pass


def peel(*args, cache=None):
    """Run the command; its standard output."""
    place = ["--cache-dir", cache] if cache else ["--no-cache"]
    run = subprocess.run([PEEL, args[0], *place, *args[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         timeout=TIMEOUT)
    if run.returncode:
        raise Failed("peel %s: status %d: %s" % (args[0], run.returncode, run.stderr.decode(errors="replace").strip()))
    return run.stdout


def verbs():
    text = subprocess.run([PEEL, "help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return {line.split()[0] for line in text.splitlines() if line.strip()}


def document(cache, *args):
    return json.loads(peel(*args, "--output", "json", cache=cache))


def same(wrong, what, *values):
    if any(value != values[0] for value in values):
        wrong.append("%s: %s" % (what, " / ".join(map(str, values))))


def sums_of(rows, prefix="wasted_"):
    return tuple(sum(row[prefix + key] for row in rows) for key in ("files", "bytes", "allocated_bytes"))


def three(row, prefix):
    return tuple(row[prefix + key] for key in ("files", "bytes", "allocated_bytes"))


def check_sums(image, cache):
    """Every account of one image against every other. Texts of what is wrong, and the waste."""
    wrong = []
    history = document(cache, "history", image)
    waste = document(cache, "waste", "--top", "0", "--depth", "2", image)
    total = waste["total"]
    same(wrong, "shipped", history["total"]["bytes"], total["bytes"], total["visible_bytes"] + total["wasted_bytes"])
    same(wrong, "files", history["total"]["files"], total["files"], total["visible_files"] + total["wasted_files"])
    same(wrong, "allocated", history["total"]["allocated_bytes"], total["allocated_bytes"],
         total["visible_allocated_bytes"] + total["wasted_allocated_bytes"])
    same(wrong, "visible", history["total"]["visible_bytes"], total["visible_bytes"])
    layers = {row["layer"]: row for row in history["history"] if row["layer"] is not None}
    for row in waste["by_layer"]:
        other = layers[row["layer"]]
        what = "layer %d" % row["layer"]
        same(wrong, what + " shipped", other["bytes"], row["bytes"], row["visible_bytes"] + row["wasted_bytes"])
        same(wrong, what + " files", other["files"], row["files"], row["visible_files"] + row["wasted_files"])
        same(wrong, what + " allocated", other["allocated_bytes"], row["allocated_bytes"],
             row["visible_allocated_bytes"] + row["wasted_allocated_bytes"])
        same(wrong, what + " visible", other["visible_bytes"], row["visible_bytes"])
        same(wrong, what + " wasted", other["wasted_bytes"], row["wasted_bytes"],
             sum(row["wasted_bytes_by_cause"].values()),
             sum(pair["wasted_bytes"] for pair in waste["by_instruction"] if pair["layer"] == row["layer"]))
        same(wrong, what + " hides", row["hidden_bytes"],
             sum(pair["wasted_bytes"] for pair in waste["by_instruction"] if pair["hidden_by"] == row["layer"]))
    wasted = three(total, "wasted_")
    for view in ("by_cause", "by_layer", "by_instruction", "by_path"):
        same(wrong, view, wasted, sums_of(waste[view]))
    same(wrong, "by_layer", three(total, ""), sums_of(waste["by_layer"], ""))
    roots = [three(row, "wasted_") for row in waste["by_folder"] if row["folder"] == "/"]
    same(wrong, "by_folder", roots, [wasted] if wasted[0] else [])
    for folder in waste["by_folder"]:
        name = path_of(folder, "folder")
        inside = [row for row in waste["by_path"] if path_of(row, "path").startswith(name.rstrip(b"/") + b"/")]
        same(wrong, "folder %r" % name, three(folder, "wasted_"), sums_of(inside))
    # as GNU's, du -b counts a symlink as its length
    links = json.loads(peel("sql", "--output", "json", image, "SELECT coalesce(sum(length(link)), 0) AS bytes"
                            " FROM inode WHERE type = 'l'", cache=cache))["rows"][0]["bytes"]
    same(wrong, "du", total["visible_bytes"], int(peel("du", "-bs", image, cache=cache).split()[0]) - links)
    same(wrong, "du, allocated", total["visible_allocated_bytes"],
         int(peel("du", "-s", "-B1", image, cache=cache).split()[0]))
    check_others(image, cache, total, wrong)
    return wrong, waste


def check_others(image, cache, total, wrong):
    """Other accounts of the same bytes, as far as the command has them."""
    known = verbs()
    if "packages" in known:
        found = document(cache, "packages", image)
        same(wrong, "packages", three(total, "visible_"),
             tuple(found["visible"][key] for key in ("files", "bytes", "allocated_bytes")))
        same(wrong, "packages, owned or not", total["visible_bytes"],
             found["owned"]["bytes"] + found["unowned"]["bytes"])
    if "bloat" in known:
        found = document(cache, "bloat", "--top", "0", image)
        same(wrong, "bloat", three(total, "visible_"), three(found, "visible_"), sums_of(found["category"], ""))
    if "report" in known:
        found = document(cache, "report", image)["images"][0]
        for key in ("files", "bytes", "visible_files", "visible_bytes", "wasted_bytes"):
            same(wrong, "report, " + key, total[key], found["totals"][key])
        same(wrong, "report, categories", total["visible_bytes"], sum(row["bytes"] for row in found["categories"]))
        same(wrong, "report, causes", total["wasted_bytes"], sum(row["bytes"] for row in found["causes"]))
    if "diff" in known:
        found = document(cache, "diff", image, image)["totals"]
        for side in ("a", "b"):
            for key in ("files", "bytes", "allocated_bytes", "visible_bytes", "wasted_bytes"):
                same(wrong, "diff, %s" % key, total[key], found[side][key])


def path_of(row, key):
    return base64.b64decode(row[key + "_b64"]) if key + "_b64" in row else row[key].encode()


def files_of(layers):
    """Regular files: all but whiteouts. The metadata of aufs is files."""
    for entries in layers:
        for entry in entries:
            name = (model.clean(entry.path)[-1:] or [b""])[0]
            aufs = name.startswith(b".wh..wh.") and name != model.OPAQUE
            if entry.kind == "f" and (aufs or not name.startswith(model.WHITEOUT)):
                yield entry


def last_name(result, entry):
    """What became of the last name of a file: (layer, reasons)."""
    inode = result.inodes.get((entry.layer, entry.pos))
    fates = [result.fate[(name.layer, name.pos)] for name in (inode.names if inode else [entry])]
    shown = [fate for fate in fates if fate[1] == model.VISIBLE]
    # the own name decides among names that the same layer hid
    return shown[0] if shown else max(fates, key=lambda fate: fate[0])


def check_model(layers, result, waste):
    """The waste against the model."""
    wrong = []
    shipped, visible, pairs, vague = {}, {}, {}, set()
    for entry in files_of(layers):
        layer, reasons = last_name(result, entry)
        size = len(entry.data)
        count(shipped, entry.layer, size)
        if reasons == model.VISIBLE:
            count(visible, entry.layer, size)
        elif len(reasons) > 1 or reasons & {"unreachable", "duplicate"}:
            # the rules allow two answers
            vague.add(entry.layer)
        else:
            count(pairs, (entry.layer, layer, *reasons), size)
    for row in waste["by_layer"]:
        what = "model, layer %d" % row["layer"]
        same(wrong, what + " shipped", shipped.get(row["layer"], (0, 0)), (row["files"], row["bytes"]))
        same(wrong, what + " visible", visible.get(row["layer"], (0, 0)), (row["visible_files"], row["visible_bytes"]))
    got = {(row["layer"], row["hidden_by"], row["cause"]): (row["wasted_files"], row["wasted_bytes"])
           for row in waste["by_instruction"]}
    for key in set(got) | set(pairs):
        if key[0] not in vague:
            same(wrong, "model, layer %s hidden by %s, %s" % key, pairs.get(key), got.get(key))
    return wrong


def count(sums, key, size):
    files, size_before = sums.get(key, (0, 0))
    sums[key] = (files + 1, size_before + size)


def check_duplicates(layers, result, found):
    """Contents that are there more than once, against the entries themselves."""
    wrong, groups = [], {}
    for entry in files_of(layers):
        if entry.data:
            shown = last_name(result, entry)[1] == model.VISIBLE
            files, seen = groups.get(entry.data, (0, 0))
            groups[entry.data] = (files + 1, seen + shown)
    want = {hashlib.sha256(data).hexdigest(): (len(data), *counts) for data, counts in groups.items() if counts[0] > 1}
    got = {row["sha256"]: (row["bytes"], row["files"], row["visible_files"]) for row in found["groups"]}
    same(wrong, "duplicates", want, got)
    same(wrong, "saved", sum(size * (files - 1) for size, files, _ in want.values()), found["total"]["saved_bytes"])
    same(wrong, "saved of what is visible", sum(size * (seen - 1) for size, _, seen in want.values() if seen > 1),
         found["total"]["visible_saved_bytes"])
    return wrong


def check_dive(layers, image, cache):
    """None where the tars' paths are not the tree's, or a whiteout's name is none."""
    rows = json.loads(peel("sql", "--output", "json",
                           image, "SELECT layer, hex(path) AS path, type FROM entries ORDER BY id", cache=cache))["rows"]
    at = 0
    for number, entries in enumerate(layers):
        for entry in entries:
            row = rows[at]
            at += 1
            parts = model.clean(entry.path)
            name = parts[-1] if parts else b""
            if name in (model.WHITEOUT, b".wh..", b".wh..."):
                return None
            if name.startswith(model.WHITEOUT) and row["type"] in "wo":
                parts[-1:] = [name[len(model.WHITEOUT):]] if row["type"] == "w" else []
            if row["layer"] != number or bytes.fromhex(row["path"]).strip(b"/") != b"/".join(parts):
                return None
    size, user, wasted, score, paths = dive.reckon(
        [[(e.path, len(e.data), e.kind == "d") for e in entries] for entries in layers])
    got = json.loads(peel("waste", "--dive-compat", "--top", "0", "--output", "json", image, cache=cache))
    wrong = []
    same(wrong, "dive, size", size, got["image"]["sizeBytes"])
    same(wrong, "dive, wasted", wasted, got["image"]["inefficientBytes"])
    same(wrong, "dive, efficiency", score, got["image"]["efficiencyScore"])
    same(wrong, "dive, paths", paths, {path_of(row, "file"): (row["count"], row["sizeBytes"])
                                       for row in got["image"]["fileReference"]})
    share = dive.user_wasted(wasted, user)
    said = [line.split()[1] for line in peel("waste", "--dive-compat", image, cache=cache).decode().splitlines()
            if "userWastedPercent" in line][0]
    same(wrong, "dive, user's share", "0" if wasted == 0 else "+Inf" if math.isinf(share) else "%.2f" % (100 * share),
         said)
    return wrong


def account(document):
    """What must not depend on how an image is stored."""
    return {key: value for key, value in document.items() if key not in ("image", "schema")}


def check_seed(seed, folder):
    """Texts of what is wrong, and whether dive could be compared."""
    layers, result = gen.stack(seed)
    wrong, kept, dived = [], [], False
    for codec in ("none", "gzip", "zstd"):
        image, cache = os.path.join(folder, codec + ".tar"), os.path.join(folder, "cache-" + codec)
        gen.write(layers, seed, image, "oci-archive", codec)
        found, waste = check_sums(image, cache)
        duplicates = document(cache, "dup", "--top", "0", image)
        if codec == "none":
            found += check_model(layers, result, waste) + check_duplicates(layers, result, duplicates)
            compared = check_dive(layers, image, cache)
            dived = compared is not None
            found += compared or []
        wrong += ["%s: %s" % (codec, text) for text in found]
        kept.append((account(waste), account(duplicates)))
    same(wrong, "waste and duplicates of the three forms", *kept)
    return wrong, dived


def check_images(images):
    """Real images, one or the same in several forms."""
    wrong, kept = [], []
    folder = tempfile.mkdtemp(prefix="peel-ledger-")
    for number, image in enumerate(images):
        cache = os.path.join(folder, str(number))
        found, waste = check_sums(image, cache)
        wrong += ["%s: %s" % (image, text) for text in found]
        kept.append((image, account(waste)))
    for image, waste in kept[1:]:
        if waste != kept[0][1]:
            wrong.append("the waste of %s is not that of %s" % (image, kept[0][0]))
    shutil.rmtree(folder)
    for text in wrong:
        print(text[:2000])
    print("%d images: %s" % (len(images), "all accounts agree" if not wrong else "%d differences" % len(wrong)))
    return 1 if wrong else 0


def check_seeds(first, last, keep):
    failed, dived = [], 0
    for seed in range(first, last):
        folder = tempfile.mkdtemp(prefix="peel-ledger-")
        try:
            wrong, compared = check_seed(seed, folder)
            dived += compared
        except (Failed, subprocess.TimeoutExpired) as error:
            wrong = [str(error)]
        if wrong:
            failed.append(seed)
            kept = os.path.join(keep, str(seed))
            shutil.rmtree(kept, ignore_errors=True)
            os.makedirs(keep, exist_ok=True)
            shutil.move(folder, kept)
            print("seed %d: %d differences; its images are in %s" % (seed, len(wrong), kept))
            for text in wrong[:SHOWN]:
                print("    " + text[:500])
        else:
            shutil.rmtree(folder)
    print("%d seeds, %d of them with dive, %d failed%s" % (last - first, dived, len(failed),
                                                           ": " + " ".join(map(str, failed)) if failed else ""))
    return 1 if failed or dived == 0 else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0:400" if os.environ.get("PEEL_FULL") else "0:25")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "peel-ledger"))
    parser.add_argument("--image", nargs="+")
    options = parser.parse_args()
    if not shutil.which(PEEL):
        parser.error("$PEEL is no command: %s" % PEEL)
    if options.image:
        return check_images(options.image)
    first, last = (int(n) for n in options.seeds.split(":"))
    return check_seeds(first, last, options.keep)


if __name__ == "__main__":
    sys.exit(main())
