#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on an image of several gigabytes, packed in three ways (build.sh makes it).

For each form: the mount under symlinks=raw against what umoci unpacks, in every path, type, mode, owner, size, mtime,
link target, device, link group, xattr and byte; the forms with each other by that. Over the default mount: the tools
that people use, against the same tools over the unpacked tree; no symlink leads out of it; `peel which` against which
in a chroot.

    check.py [--form plain|gzip|zstd]... [--no-content]

$PEEL is the command, $PEEL_BIG the folder with the image. Status 77 where it is not there and cannot be made.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import treewalk  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
FORMS = {"plain": "plain.tar", "gzip": "gzip.oci.tar", "zstd": "zstd.oci.tar"}
FIELDS = ("kind", "mode", "uid", "gid", "size", "mtime", "link", "rdev", "group", "xattrs", "nlink")
ROOT = os.path.join(BIG, "rootfs")
SHOWN = 10
failures = []


def report(name, wrong, started):
    """One line a check, and the first of what is wrong."""
    print("%s %s (%.1f s)" % ("not ok" if wrong else "ok", name, time.monotonic() - started), flush=True)
    for text in wrong[:SHOWN]:
        print("    " + text)
    if len(wrong) > SHOWN:
        print("    and %d more" % (len(wrong) - SHOWN))
    if wrong:
        failures.append(name)


@contextlib.contextmanager
def mounted(image, folder, *options):
    """The image mounted on a new folder; the index is in a cache beside it."""
    point = tempfile.mkdtemp(prefix="mnt-", dir=folder)
    subprocess.run([PEEL, "mount", "--cache-dir", os.path.join(folder, "cache"), *options, image, point], check=True)
    try:
        yield point
    finally:
        subprocess.run([PEEL, "umount", point], check=True)
        os.rmdir(point)


def compare_trees(want, got, content):
    """A mount's tree against umoci's. Folders that unpacking touched have a time after the image's own."""
    touched = os.stat(os.path.join(BIG, FORMS["plain"])).st_mtime_ns

    def skip(path, field):
        return field == "mtime" and want[path].kind == "d" and want[path].mtime > touched
    return treewalk.differences(want, got, FIELDS + (("sha256",) if content else ()), skip)


def tool(command, root):
    """What a shell command prints in a folder; the folder's name is cut out, lines are sorted."""
    run = subprocess.run(["sh", "-c", command], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         env=dict(os.environ, LC_ALL="C", ROOT=root))
    lines = sorted(run.stdout.replace(os.fsencode(root), b"ROOT").split(b"\n"))
    return run.returncode, lines


# Commands whose output over the default mount must be that over the unpacked tree.
TOOLS = {
    "find | sort": "find . -printf '%y %p\\n' | sort",
    "find -perm": "find . -perm /6000 -printf '%m %u %p\\n'; find . -perm 777 -type f",
    "find -newer, -size, -links": "find . -type f -size +1000k -links +1 -printf '%s %n %p\\n'",
    "du --apparent-size by folder": "find usr -maxdepth 2 -mindepth 1 -type d | while read -r d; do"
                                    " find \"$d\" -type f -links 1 -printf '%s\\n' | awk -v d=\"$d\""
                                    " '{n+=$1} END {printf \"%d %s\\n\", n, d}'; done",
    "getcap -r": "getcap -r .",
    "getfattr": "find usr/bin srv -type f -print0 | sort -z | xargs -0 getfattr -d -m -",
    "file": "find usr/bin usr/sbin -type f | sort | file -f - | sed 's/  */ /g'",
    "grep -r": "grep -rlF GNU usr/include etc",
    "scanelf -R": "scanelf -qR -F '%n %S %F' usr/bin usr/sbin usr/lib/git-core",
    "dpkg -l": "dpkg --root=\"$ROOT\" -l | grep -v '^+++'",
    "dpkg -S": "dpkg --root=\"$ROOT\" -S /usr/bin/git /usr/bin/perl",
    "md5sum -c": "sed 's/  /  /' var/lib/dpkg/info/coreutils.md5sums | md5sum -c --quiet",
    "chroot which": "chroot . /usr/bin/env -i PATH=/usr/bin:/bin which python3 perl sh git gcc",
    "chroot python3": "chroot . /usr/bin/python3 -c 'import sys, json, ssl; print(sys.version)'",
    "ncdu": "ncdu -0 -x -o - . | grep -o '\"name\":\"[^\"]*\"' | grep -v ROOT",
    "tar": "tar cf - . | tar tf - | grep -v '^tar:'",
}


def check_tools(point, raw):
    """The tools of the list; du and rsync, which need more than equal outputs."""
    for name, command in TOOLS.items():
        started = time.monotonic()
        want, got = tool(command, ROOT), tool(command, point)
        wrong = [] if want[0] == got[0] else ["status %d, not %d" % (got[0], want[0])]
        wrong += ["only unpacked: %r" % t for t in sorted(set(want[1]) - set(got[1]))]
        wrong += ["only mounted: %r" % t for t in sorted(set(got[1]) - set(want[1]))]
        if not wrong and len(want[1]) < 2 and name not in ("md5sum -c",):
            wrong = ["nothing to compare: %r" % want[1]]
        report(name, wrong, started)
    started = time.monotonic()
    run = subprocess.run(["rsync", "-naHAXi", "--numeric-ids", "--delete", raw + "/", ROOT + "/"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = [line for line in run.stdout.decode(errors="replace").split("\n")
             if line and not line.startswith(".d..t......")]
    report("rsync -naHAX", lines + (["status %d" % run.returncode] if run.returncode else []), started)


def check_du(point, image, folder):
    """du over the mount gives the index's own sum."""
    started = time.monotonic()
    du = int(subprocess.run(["du", "-s", "-B1", point], stdout=subprocess.PIPE, check=True).stdout.split()[0])
    out = subprocess.run([PEEL, "sql", "--cache-dir", os.path.join(folder, "cache"), image,
                          "SELECT '='||sum(allocated) AS row FROM (SELECT DISTINCT ino, allocated FROM tree)"],
                         stdout=subprocess.PIPE, check=True).stdout
    total = int(next(line[1:] for line in out.split(b"\n") if line.startswith(b"=")))
    report("du -s", [] if du == total else ["%d bytes, the index has %d" % (du, total)], started)


def check_links(point):
    """Follow every symlink of the default mount as the kernel would: none may end, or pass, outside."""
    started = time.monotonic()
    base = os.fsencode(os.path.realpath(point))
    wrong, count, todo = [], 0, [base]
    while todo:
        folder = todo.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif entry.is_symlink():
                    count += 1
                    end = os.path.realpath(entry.path)
                    if end != base and not end.startswith(base + b"/"):
                        wrong.append("%r leads to %r" % (entry.path, end))
    report("%d symlinks stay inside" % count, wrong if count else ["no symlinks seen"], started)


def check_which(image, folder):
    """peel which against which in a chroot."""
    started = time.monotonic()
    names = ["python", "python3", "perl", "sh", "gcc", "cc", "git", "awk"]
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    want = subprocess.run(["chroot", ROOT, "/usr/bin/env", "-i", "PATH=" + path, "which", *names],
                          stdout=subprocess.PIPE)
    got = subprocess.run([PEEL, "which", "--cache-dir", os.path.join(folder, "cache"), image, *names],
                         stdout=subprocess.PIPE)
    same = (want.returncode, want.stdout) == (got.returncode, got.stdout)
    report("peel which", [] if same else ["%d %r, not %d %r" % (got.returncode, got.stdout, want.returncode,
                                                               want.stdout)], started)


def check_forms(forms, content, folder):
    """Each form's mount under symlinks=raw against the unpacked tree."""
    started = time.monotonic()
    want = treewalk.listing(ROOT, content)
    print("unpacked tree: %d paths, %d bytes (%.1f s)" % (len(want), sum(i.size for i in want.values()),
                                                         time.monotonic() - started), flush=True)
    for form in forms:
        image = os.path.join(BIG, FORMS[form])
        started = time.monotonic()
        with mounted(image, folder, "-o", "symlinks=raw") as point:
            print("%s: mounted after %.2f s" % (form, time.monotonic() - started), flush=True)
            report("%s: mount and umoci agree" % form, compare_trees(want, treewalk.listing(point, content), content),
                   started)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--form", action="append", choices=sorted(FORMS))
    parser.add_argument("--no-content", action="store_true")
    options = parser.parse_args()
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("no /dev/fuse")
        return 77
    if not os.path.exists(os.path.join(BIG, "complete")):
        build = subprocess.run([os.path.join(HERE, "build.sh"), BIG])
        if build.returncode:
            print("the image is not there and cannot be made")
            return 77 if build.returncode == 77 else 1
    forms = options.form or list(FORMS)
    with tempfile.TemporaryDirectory(prefix="peel-big-") as folder:
        check_forms(forms, not options.no_content, folder)
        image = os.path.join(BIG, FORMS[forms[0]])
        with mounted(image, folder) as point, mounted(image, folder, "-o", "symlinks=raw") as raw:
            check_du(point, image, folder)
            check_links(point)
            check_tools(point, raw)
        check_which(image, folder)
    print(json.dumps({"failed": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
