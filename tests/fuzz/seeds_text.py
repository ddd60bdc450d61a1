# SPDX-License-Identifier: Apache-2.0
"""Seeds for languages: patterns of paths, regular expressions, Dockerfiles; most are the tables of the unit tests. And
points where decoding may begin."""
import gzip
import os
import re
import struct

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit")
TEXT = r'(?:"(?:[^"\\]|\\.)*"\s*)+|NULL'


def rows(name, columns):
    """Rows of C texts {"a", "b"} in a unit test, as bytes."""
    with open(os.path.join(UNIT, "test_%s.c" % name)) as file:
        source = file.read()
    for found in re.findall(r"(?m)^\t+\{(%s)" % TEXT + r",\s*(%s)" % TEXT * (columns - 1), source):
        yield [b"".join(part.encode().decode("unicode_escape").encode("latin-1")
                        for part in re.findall(r'"((?:[^"\\]|\\.)*)"', text)) for text in found]


def globs():
    for number, (pattern, yes, no) in enumerate(rows("glob", 3)):
        yield "%03d" % number, b"\n".join([pattern, b"", *(yes.split(b" ")[:2] + no.split(b" ")[:2])])


def regexes():
    for number, (pattern, yes, no) in enumerate(rows("re", 3)):
        yield "%03d-yes" % number, pattern + b"\n" + yes
        yield "%03d-no" % number, pattern + b"\n" + no


DOCKERFILES = [
    ("FROM debian\nRUN apt-get update\nCOPY a b /c/\nENV A=1\nRUN make $A\nCMD [\"x\", \"-y\"]\n",
     ["/bin/sh -c #(nop) ADD file:01 in / ", "/bin/sh -c apt-get update", "/bin/sh -c #(nop) COPY multi:0123 in /c/ ",
      "/bin/sh -c #(nop)  ENV A=1", "/bin/sh -c make $A", "/bin/sh -c #(nop)  CMD [\"x\" \"-y\"]"]),
    ("FROM a AS base\nRUN one \\\n  # why\n  two\n\nFROM base\nARG V=3\nRUN --mount=type=cache,target=/x pip install $V\n"
     "COPY --from=base --chown=1 /x /y\n",
     ["RUN /bin/sh -c one   two # buildkit", "ARG V=3", "RUN |1 V=3 /bin/sh -c pip install 3 # buildkit",
      "COPY /x /y # buildkit"]),
    ("# escape=`\r\nfrom a\r\nrun <<EOF\r\nset -e\r\nRUN not me\r\nEOF\r\nrun more `\r\n  lines\r\n",
     ["RUN /bin/sh -c set -e\nRUN not me\n # buildkit", "RUN /bin/sh -c more   lines # buildkit"]),
    ("FROM a\nSHELL [\"/bin/bash\", \"-ec\"]\nRUN x y\n", ["SHELL [/bin/bash -ec]", "RUN /bin/bash -ec x y # buildkit"]),
    ("# syntax=docker/dockerfile:1", []), ("FROM scratch", ["CMD [\"y\"]"]),
]


def dockerfiles():
    for number, (text, history) in enumerate(DOCKERFILES):
        yield "%d" % number, "\x1e".join([text, *history]).encode()


# Syntax (fuzz_grep.c), pattern, text.
GREPS = [
    (0, "a*b", "b\nc\naab\n"), (0, "^b\\|c$", "ab\nbc\n"), (1, "a{2,3}", "a\naa\n"), (1, "(ab|c)*d+", "ababd\nccdd\n"),
    (3, "Hello|WORLD", "hello\nworld\n"), (5, "whole", "whole\nwholes\n"), (9, "word", "a word.\nwords\n"),
    (1, "[[:alpha:]_]+[^]0-9]", "ab1\n"), (0, "\\(a\\)\\1", "aa\n"), (1, "\\<a.*z\\>", "abcz\n"), (1, "(^a|b$)c?", "ac\nb\n"), (1, "", "x\n"),
    (0, "\\bx\\B", "xy\n"), (1, "()|a", "\n"), (1, "a?b?c?d?e?f?g?", "gfedcba\n"),
]


def greps():
    for number, (flags, pattern, text) in enumerate(GREPS):
        yield "%02d" % number, bytes([flags]) + pattern.encode() + b"\n" + text.encode()


def points():
    """Heads as fuzz_points.c reads them: codec, size, points, window; then compressed bytes."""
    text = b"text that repeats itself, text that repeats itself. " * 40
    member = gzip.compress(text, mtime=0)
    size = struct.pack(">H", len(text))
    yield "gzip-begin", b"\1" + size + b"\1\1" + bytes(4) + b"\0" + member
    yield "gzip-members", b"\1" + struct.pack(">H", 2 * len(text)) + b"\2\1" + bytes(4) + b"\0" + size + \
        struct.pack(">H", len(member)) + b"\0" + member * 2
    for bits in range(8):
        yield "gzip-middle-%d" % bits, b"\1" + size + b"\2\1" + bytes(4) + bytes([2 | bits << 3]) + struct.pack(">HHH", 100, 40, 64) + \
            b"\x40" + text[36:100] + member
    frame = bytes.fromhex("28b52ffd200a51000061626364656667686970")
    yield "zstd-frames", b"\0\0\x14\2\1" + bytes(4) + b"\0" + struct.pack(">HH", 10, len(frame)) + b"\0" + frame * 2
    yield "packed-window", b"\3" + size + b"\1\3" + struct.pack(">HHH", 0, 20, 10) + bytes([len(frame)]) + frame + member


# Words of find, a line each.
FINDS = [
    ". -name *.so -o ( -type f,l ! -size +10M )", "/usr -maxdepth 2 -xdev -path */bin/* -prune , -print0",
    "-perm -u+s,g=rx -o -perm /6000 -o -perm 0755 -o -perm -a+X", "-newermt 2024-01-02_03:04:05.678 -daystart -mtime +3 -mmin -7",
    "-newermt @1700000000 -o -newermt yesterday -o -newermt 20240102T030405Z -o -newermt last_monday",
    "-printf %p\t%s\n -printf %-10.5f%TY-%Tm-%Td_%A@%%\0101\c -printf %{layer}%{hidden-by}%{why}%{kind}",
    "-kind elf,script -user root -group 0 -nouser -nogroup -uid +5 -gid -7 -links 2 -inum 17 -layer 1 -hidden",
    "-regextype posix-extended -iregex .*x -warn -nowarn -follow -depth -mindepth 1 -empty -readable -executable",
    "( ( ( -true ) ) ) -a -not -false -ls -quit -samefile /a -newer /b -newermm /c -xtype d -lname x -ilname y -size 3c",
    "-exec rm {} ;", "-type q", "-size 5x", ") -a", "( )", "! !", "-newerXY z", "-printf %F", "-printf %9", "-printf \\",
]


def finds():
    for number, words in enumerate(FINDS):
        text = "\n".join(word.replace("_", " ") if word[:1].isdigit() else word for word in words.split(" "))
        for warn in 0, 1:
            yield "%02d-%d" % (number, warn), bytes([warn]) + text.encode()


def message(kind, number=0, text=b"", how=0):
    """A message of the child, as fuzz_child.c reads it."""
    return bytes([how, kind, number & 255, len(text)]) + text


def children():
    """Builds as they are: files, blobs, progress, an end; and rules that are broken."""
    names = [b"blobs/one", b"blobs/up", b"out", b"blobs/loop", b"/etc/passwd", b"../x", b"blobs/../blobs/one", b"a\0b"]
    usual = message(1) + message(1, how=1) + message(3, 0, names[0]) + message(5, 0, b"layer 1") + message(2, 1)
    yield "good", usual + message(6, 0, b"", 0x10)
    yield "failed", usual + message(6, -5, b"layer 2: \\x1b[31m bad \x1b[31m\xe2\x80\xae")
    yield "blobs", b"".join(message(3, 0, name) for name in names) + message(4) + message(4, 1)
    yield "places", b"".join(message(2, place % 5) for place in range(24)) + message(6)
    yield "gone", usual
    for number, bad in enumerate([message(0), message(7), message(6, 1), message(6, -100), message(1, how=2), message(1, how=8),
                                  b"\4\0", b"\4\x08" + bytes(8), b"\4\xff" + bytes(255), message(5, 0, b"x", 0x20),
                                  message(5, 0, b"y" * 20, 0x20), message(3, 0, b"b/", 0x20)]):
        yield "bad-%d" % number, usual + bad + message(6)


MAKERS = {"child": children, "find": finds, "glob": globs, "regex": regexes, "dockerfile": dockerfiles, "grep": greps, "points": points}
