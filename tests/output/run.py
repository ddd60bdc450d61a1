#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb in every format over an image whose every text is an attack, to a pipe and to a terminal.

    run.py [--corpus] [--figures FILE] [WORD]...   rows whose line holds a word; all without one

The rows are rows.tsv; a verb or a format of `peel --help-tables` without one fails. What is said on stderr (progress included) is
text, always. --corpus: the images of the corpus as well, in text alone. PEEL is the command; prints TAP.
"""
import argparse
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import hostile  # noqa: E402
import judges  # noqa: E402
import peers  # noqa: E402
from judges import Wrong  # noqa: E402

PEEL = os.path.abspath(os.environ.get("PEEL", "peel"))
TIMEOUT = 120
# What a terminal gets of a kind that is raw in a pipe, and what a program takes raw everywhere.
TERMINAL = {"raw": "text", "ls": "ls shown"}
BAR = re.compile(rb"\r[^\r\n]*\x1b\[K")


class Row:
    def __init__(self, line):
        self.verb, self.format, self.kind, self.channels, self.arguments = line.split("\t")
        self.name = " ".join((self.verb, self.format, self.arguments))

    def command(self):
        output = "" if self.format == "-" or self.verb == "export" else " --output " + self.format
        return '"$PEEL" %s%s %s' % (self.verb, output, self.arguments)


def read_rows():
    lines = (HERE / "rows.tsv").read_text().splitlines()
    return [Row(line) for line in lines if line and not line.startswith("#")]


def wanted():
    """Verbs and formats of the tables."""
    tables = subprocess.run([PEEL, "--help-tables"], stdout=subprocess.PIPE, check=True, text=True).stdout
    pairs = set()
    for line in tables.splitlines():
        fields = line.split("\t")
        if fields[0] == "verb":
            pairs |= {(fields[1], form) for form in fields[3].split() or ["-"]}
        elif fields[:3] == ["option", "export", "--format"]:
            pairs |= {("export", form) for form in fields[3].split("|")}
    return pairs - {("export", "-")}


def to_pipe(command, folder):
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def open_terminal():
    main, side = pty.openpty()
    modes = termios.tcgetattr(side)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(side, termios.TCSANOW, modes)
    return main, side


def to_terminal(command, folder):
    """The same where both streams are terminals, each of its own."""
    streams = [open_terminal(), open_terminal()]
    child = subprocess.Popen(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=streams[0][1], stderr=streams[1][1])
    for _, side in streams:
        os.close(side)
    out = {main: b"" for main, _ in streams}
    left = set(out)
    while left:
        for main in select.select(list(left), [], [], TIMEOUT)[0]:
            try:
                part = os.read(main, 1 << 16)
            except OSError:
                part = b""
            if part:
                out[main] += part
            else:
                left.discard(main)
                os.close(main)
    return child.wait(TIMEOUT), *out.values()


def judge(row, kind, outcome, known, folder):
    """Nothing where an outcome is right."""
    status, out, err = outcome
    if status not in (0, 1, 2, 3, 125):
        raise Wrong("status %d: %s" % (status, err[-300:]))
    judges.text(BAR.sub(b"", err), known)
    peers.JUDGES[kind](out, known, folder) if kind in peers.JUDGES else judges.JUDGES[kind](out, known)
    told = judges.seen(peers.plain(kind, out))
    missing = set(row.channels) - {"-"} - told
    if missing:
        raise Wrong("nothing is told of %s, only of %s (status %d): %s" % (
            "".join(sorted(missing)), "".join(sorted(told)), status, err[-300:]))


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, function, *arguments):
        self.count += 1
        try:
            remark = function(*arguments)
        except (Wrong, subprocess.TimeoutExpired, ValueError, SyntaxError) as error:
            self.failed += 1
            print("not ok %d - %s\n# %s" % (self.count, name, ascii(str(error))[:600]))
            return
        print("ok %d - %s%s" % (self.count, name, " # SKIP " + remark if remark else ""), flush=True)


def check_table(rows):
    have = {(row.verb, row.format) for row in rows}
    if have != wanted() | {pair for pair in have if pair == ("export", "-")}:
        raise Wrong("rows.tsv and --help-tables differ: %r" % sorted(have ^ wanted()))


def check_row(row, made, terminal):
    kind = TERMINAL.get(row.kind, row.kind) if terminal else row.kind
    if terminal and row.kind == "tar":
        return "no tar goes to a terminal"
    command = row.command()
    if terminal:
        # progress too: it shows after a second, which is not waited for here, or never
        command = command.replace('"$PEEL" ' + row.verb, '"$PEEL" ' + row.verb + " --progress", 1)
    judge(row, kind, (to_terminal if terminal else to_pipe)(command, made.folder), made.known, made.folder)
    return None


def check_refusal(made, image):
    """What is said of an image that is refused."""
    for arguments in (["inspect"], ["ls"], ["check", "--deny", "python"]):
        outcome = to_pipe('"$PEEL" %s "%s"' % (" ".join(arguments), image), made.folder)
        judges.text(outcome[1], made.known)
        judges.text(outcome[2], made.known)
        if outcome[0] not in (0, 2, 3) or not outcome[2] + outcome[1]:
            raise Wrong("status %d, and nothing said" % outcome[0])


def check_operands(made):
    """Words of the command line are echoed as carefully."""
    for payload in hostile.PAYLOADS:
        for words in (["ls", "hostile.tar", b"/" + payload], [b"x" + payload], ["stat", payload, "/"], ["cat", "hostile.tar", payload],
                      ["check", "-c", payload, "hostile.tar"], ["sql", "hostile.tar", payload], ["find", "hostile.tar", "/", b"-" + payload],
                      ["grep", "hostile.tar", b"\\(" + payload], ["mount", "hostile.tar", payload], ["ls", b"--" + payload, "hostile.tar"],
                      ["detect", "hostile.tar", payload], ["ls", "--platform", payload, "odd.tar"], ["run", "hostile.tar", "-o", payload],
                      ["why", "hostile.tar", payload], ["diff", "hostile.tar", payload], ["--index", payload, "ls", "hostile.tar"]):
            done = subprocess.run([PEEL, *words], cwd=made.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT)
            try:
                judges.check_plain(done.stderr, "\n\t")
                judges.check_obeyed(done.stderr)
            except Wrong as error:
                raise Wrong("%r: %s" % (words, error)) from None


def check_all_characters(folder):
    """Every character of Unicode in a link's target: seen as it is, or escaped; and all come back."""
    step = 900
    points = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000 and c != ord("/")]
    entries = [{"type": "l", "path": b"%07d" % i, "link": "".join(map(chr, points[i:i + step])).encode()} for i in range(0, len(points), step)]
    with open(os.path.join(folder, "unicode.tar"), "wb") as out:
        out.write(hostile.mkimage.layer_tar(entries))
    for arguments, judge_one in ((["ls", "-l"], judges.check_plain), (["sql"], judges.parse_json)):
        words = ["unicode.tar"] + (["SELECT link FROM tree WHERE type = 'l' ORDER BY path", "--output", "json"] if arguments[0] == "sql" else [])
        done = subprocess.run([PEEL, *arguments, *words], cwd=folder, stdout=subprocess.PIPE, check=True)
        if arguments[0] == "sql":
            links = [row["link"].encode() for row in judge_one(done.stdout, {})["rows"]]
        else:
            judge_one(done.stdout)
            links = [judges.unescape(line.split(b" -> ", 1)[1]) for line in done.stdout.splitlines() if b" -> " in line]
        if links != [entry["link"] for entry in entries]:
            raise Wrong("%s: what comes back is not what went in" % arguments[0])


def check_image(image):
    """Nothing that steers a terminal comes out of an image of the corpus."""
    for words in (["inspect"], ["ls", "-laR"], ["history", "--no-trunc"], ["packages"], ["waste"], ["detect"], ["dup"], ["bloat"],
                  ["report"], ["report", "--output", "markdown"], ["report", "--output", "json"], ["export", "--format", "csv"],
                  ["export", "--format", "jsonl"], ["check", "--deny", "python,setuid"], ["sql"]):
        words = words[:1] + [image] + words[1:] + (["SELECT * FROM entries"] if words == ["sql"] else [])
        done = subprocess.run([PEEL, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        for data in (done.stdout, done.stderr):
            judges.check_plain(data.replace(b"\r\n", b"\n"), "\n\t")
            judges.check_obeyed(data)


def corpus_images():
    root = pathlib.Path(os.environ.get("PEEL_CORPUS", HERE.parents[1].parent / "shared/corpus"))
    if not root.is_dir():
        return []
    files = [str(p) for top in ("public", "outer") for p in sorted((root / top).rglob("*.tar*")) if p.is_file()]
    return files + ["oci:%s:t" % (p / "oci") for p in sorted((root / "cases").iterdir()) if (p / "oci").is_dir()]


def write_figures(path, tap, images):
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "HEAD"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"title": "Output: hostile texts in every verb and format", "command": "tests/output/run.py" + (" --corpus" if images else ""),
                   "commit": commit, "columns": ["what", "count"],
                   "rows": [["payloads", len(hostile.PAYLOADS)], ["rows of verb and format, to a pipe and to a terminal", len(read_rows())],
                            ["images of the corpus", images], ["cases", tap.count]],
                   "crashes": 0, "hangs": 0, "wrong": tap.failed, "leaks": 0}, out, indent=1)
        out.write("\n")


def main():
    parser = argparse.ArgumentParser(description="hostile texts in every verb and format")
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("--figures")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    rows = read_rows()
    tap = Tap()
    tap.case("every verb and format has its row", check_table, rows)
    images = corpus_images() if args.corpus else []
    with tempfile.TemporaryDirectory(prefix="peel-output.") as top:
        os.environ.update(HOME=top, PEEL=PEEL, LC_ALL="C.UTF-8", TZ="UTC", SOURCE_DATE_EPOCH="1700000000")
        os.environ.pop("XDG_CACHE_HOME", None)
        folder = os.path.join(top, "w")
        os.mkdir(folder)
        made, bad = hostile.make(folder)
        for row in rows:
            if all(word in row.name for word in args.words):
                for terminal in (False, True):
                    tap.case("%s: %s" % ("terminal" if terminal else "pipe", row.name), check_row, row, made, terminal)
        if not args.words:
            for image in bad:
                tap.case("refused: " + image, check_refusal, made, image)
            tap.case("words of the command line", check_operands, made)
            tap.case("every character of Unicode", check_all_characters, folder)
            for name, function in peers.CASES:
                tap.case(name, function, made)
        for image in images:
            tap.case("corpus: " + image, check_image, image)
        if os.path.exists(os.path.join(folder, "hit")):
            tap.case("nothing was run", lambda: (_ for _ in ()).throw(Wrong("a shell ran a name")))
    if args.figures:
        write_figures(args.figures, tap, len(images))
    print("1..%d" % tap.count)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
