#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a verb writes: into the cache folder, into what it was told to write, and nowhere else.

Each row of verbs.tsv is run under strace(1), with every process that it starts. Each call that makes, changes or removes a name,
or opens a file for writing, and succeeds, is held against the folders that are allowed. Prints TAP; exits 77 without strace.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import places  # noqa: E402

CALLS = ("open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,rename,renameat,renameat2,unlink,"
         "unlinkat,rmdir,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utime,utimes,"
         "futimesat,utimensat,setxattr,lsetxattr,fsetxattr,removexattr,fremovexattr")
# No files, or the kernel's own (in a chroot their paths are the machine's): root sets how far the kernel reads ahead in the mount.
ELSEWHERE = re.compile(r"^((?:/.*)?/dev/(null|tty|fuse)|/proc/.*|/sys/devices/virtual/bdi/[^/]+/read_ahead_kb|(pipe|socket|anon_inode):.*|/memfd:.*)$")
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE")
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (\d+)(?:<(.*)>)?$")
PLACE = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>)?(?:, )?("(?:[^"\\]|\\.)*")?')


def calls(trace):
    """Finished calls as one line each: strace cuts those during which another process runs."""
    cut = {}
    for line in trace.splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            cut[pid] = line[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)$", line)
        yield cut.pop(pid, "") + resumed.group(1) if resumed else line


def written(trace):
    """Paths that were written, made, changed or removed."""
    for line in calls(trace):
        call = CALL.match(line)
        if not call:
            continue
        _, name, args, _, opened = call.groups()
        if name.startswith("open") or name == "creat":
            if name == "creat" or WRITING.search(args):
                yield opened.removesuffix(" (deleted)"), line
            continue
        for folder, quoted in PLACE.findall(args):
            path = quoted[1:-1].encode().decode("unicode_escape") if quoted else ""
            if folder or path:
                yield os.path.normpath(os.path.join(folder or "?", path)), line


def allowed(row, path, here, home):
    if ELSEWHERE.match(path):
        return True
    inside = [home / ".cache"] + ([here] if row.writes else [])
    return any(path == str(folder) or path.startswith(f"{folder}/") for folder in inside)


def wait_for_tracers(traces):
    """A mount is served, and traced, until it is taken away."""
    for _ in range(200):
        if subprocess.run(["pgrep", "-f", f"strace .*{traces}"], capture_output=True).returncode:
            return
        time.sleep(0.05)
    sys.exit("Bail out! a traced process does not end")


def look_at(lab, row, env, traces):
    """Run a row under strace. Returns how often it wrote, and what of that is not allowed."""
    bad, seen = [], 0

    def look(here, home):
        nonlocal seen
        wait_for_tracers(traces)
        for trace in traces.iterdir():
            for path, line in written(trace.read_text(errors="backslashreplace")):
                seen += 1
                if not allowed(row, path, here.resolve(), home.resolve()):
                    bad.append(f"{path}: {line}")
            trace.unlink()

    lab.run(row, places.PLAIN, lab.users[0], env.items(), look)
    return seen, bad


def main():
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"],
                                                    capture_output=True).returncode:
        print("1..0 # SKIP strace is not here or may not trace: WHAT VERBS WRITE IS NOT TESTED")
        return 77
    rows = places.read_rows(HERE / "verbs.tsv")
    verbs = sorted(places.list_verbs() & set(rows))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="peel-writes.") as name:
        lab = places.Lab(pathlib.Path(name))
        traces = lab.top / "traces"
        traces.mkdir()
        traced = lab.top / "bin/traced"
        # -D: the command's own process is traced, and its status is the command's.
        traced.write_text(f'#!/bin/sh\nexec strace -D -f -qq -y -s 4096 -e trace={CALLS} -o "{traces}/$$" "{lab.peel}" "$@"\n')
        traced.chmod(0o755)
        env = {"PEEL": str(traced), "ASAN_OPTIONS": "detect_leaks=0"}
        for number, verb in enumerate(verbs, 1):
            seen, bad = look_at(lab, rows[verb], env, traces)
            # A verb that makes an index has written something: else nothing was looked at.
            good = not bad and (seen > 0 or not rows[verb].indexes)
            failed |= not good
            print(f"{'' if good else 'not '}ok {number} - {verb} writes {seen} times")
            for text in bad[:20]:
                print("# " + text)
        outside = places.Row("index", '"$PEEL" index --index "$TOP/outside.peel" app.tar', True, False, None, frozenset())
        _, bad = look_at(lab, outside, env, traces)
        found = any("outside.peel" in text for text in bad)
        failed |= not found
        print(f"{'' if found else 'not '}ok {len(verbs) + 1} - what is written elsewhere is found")
    print(f"1..{len(verbs) + 1}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
