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


MAKERS = {"glob": globs, "regex": regexes, "dockerfile": dockerfiles, "grep": greps, "points": points}
