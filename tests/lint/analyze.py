#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang's static analyser over index, fs and tools: no warning.

    analyze.py BUILD-FOLDER [FILE...]

Takes the commands of a build's compile_commands.json. The analyser knows nothing of __cleanup__ and takes what ends by
it for a leak, or for a store that nobody reads: such a warning is dropped where the variable it names is declared with
a cleanup in that function (the address sanitizer and valgrind look for leaks in fact). Nothing else is dropped. $CLANG is the compiler. Skips (77)
where there is none.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.realpath(os.path.join(HERE, "..", ".."))
FOLDERS = ("index", "fs", "tools")
CLANG = os.environ.get("CLANG", "clang-14")
WARNING = re.compile(r"^(\S+?):(\d+):\d+: warning: (.*) \[([\w.]+)\]$", re.M)
ALLOCATED = re.compile(r"^(\S+?):(\d+):\d+: note: Memory is allocated$", re.M)
# What the end of the scope does: frees, and reads what was stored last.
ENDED = re.compile(r"(?:Potential leak of memory pointed to by|Value stored to) '(.*?)'")
# Which files are told about which functions: not those in which they are defined.
TOLD = (("-include" + os.path.join(HERE, "analyze.h"), r"(?!error\.c)"),
        ("-DANALYZE_YAML", r"audit_"),
        ("-DANALYZE_POLICY=1", r"audit_policy_value"),
        ("-DANALYZE_POLICY=2", r"audit_policy_(?!value)"))


def commands(build, wanted):
    """(file, words, folder) of each source file, once."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        entries = json.load(file)
    seen = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        name = os.path.relpath(path, TOP)
        if name.split(os.sep)[0] in FOLDERS and (not wanted or name in wanted):
            seen.setdefault(name, (entry["command"], entry["directory"]))
    for name, (command, folder) in sorted(seen.items()):
        yield name, list(analysis(name, shlex.split(command))), folder


def analysis(name, words):
    """The compiler's command as the analyser's."""
    yield from (CLANG, "--analyze", "-Wno-unknown-warning-option", "-Xclang", "-analyzer-output=text")
    yield from ("-I", os.path.join(TOP, "include"), "-iquote", os.path.join(TOP, "index"))
    told = [word for word, pattern in TOLD if re.match(pattern, os.path.basename(name))]
    skip = False
    for word in [*told, *words[1:]]:
        if word in ("-o", "-MF", "-MQ"):
            skip = True
        elif skip:
            skip = False
        elif word not in ("-c", "-MD", "-Werror"):
            yield word
    yield from ("-fno-color-diagnostics", "-o", os.devnull)


def statement(folder, path, line):
    """The statement that a line ends or continues."""
    with open(os.path.join(folder, path)) as file:
        lines = file.read().split("\n")[:int(line)]
    first = len(lines) - 1
    while first > 0 and lines[first - 1] and lines[first - 1][-1] not in ";}" and not lines[first - 1].startswith("{"):
        first -= 1
    return "\n".join(lines[first:])


def has_cleanup(path, line, variable):
    """Is the variable declared with a cleanup in the function around the line?"""
    with open(path) as file:
        lines = file.read().split("\n")
    first = next(i for i in range(line - 1, -1, -1) if lines[i].startswith("{"))
    last = next(i for i in range(line - 1, len(lines)) if lines[i].startswith("}"))
    declared = re.compile(r"^\t.*cleanup.*\b%s\b" % re.escape(variable))
    return any(declared.match(text) for text in lines[first:last])


def ended(folder, path, line, text, ways):
    """Is it what the end of a scope does?"""
    named = ENDED.match(text)
    if named and has_cleanup(path, line, re.split(r"\.|->", named.group(1))[0]):
        return True
    made = ALLOCATED.search(ways)
    return "leak" in text and bool(made) and "cleanup" in statement(folder, *made.groups())


def warnings(name, words, folder):
    run = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if run.returncode != 0 and not WARNING.search(run.stderr):
        return ["%s: %s" % (name, run.stderr.strip()[-500:] or "status %d" % run.returncode)]
    found = []
    parts = WARNING.split(run.stderr)[1:]
    for path, line, text, checker, ways in zip(*(parts[i::5] for i in range(5))):
        path = os.path.realpath(os.path.join(folder, path))
        if not ended(folder, path, int(line), text, ways):
            found.append("%s:%s: %s [%s]" % (os.path.relpath(path, TOP), line, text, checker))
    return found


def sees():
    """Does the analyser see a defect, and take a failure for one?"""
    with tempfile.TemporaryDirectory() as folder:
        for name, text, wanted in (("bad.c", "int f(int *p) { if (p) return 1; return *p; }\n", 1),
                                   ("good.c", "int f(int n) { int v; return peel_fail(0, n, \"x\") < 0 ? 0 : v; }\n", 0)):
            path = os.path.join(folder, name)
            with open(path, "w") as file:
                file.write(text)
            if len(warnings(name, list(analysis(name, [CLANG, path])), folder)) != wanted:
                return False
    return True


def main():
    build, wanted = sys.argv[1], sys.argv[2:]
    if not shutil.which(CLANG):
        print("SKIP: no " + CLANG)
        return 77
    if not sees():
        print("the analyser does not see what it should")
        return 1
    jobs = list(commands(build, wanted))
    if not jobs:
        print("nothing to analyse in " + build)
        return 1
    bad = 0
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for lines in pool.map(lambda job: warnings(*job), jobs):
            bad += len(lines)
            for line in lines:
                print(line, flush=True)
    print("%d files, %d warnings" % (len(jobs), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
