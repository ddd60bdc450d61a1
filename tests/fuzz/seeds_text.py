# SPDX-License-Identifier: Apache-2.0
"""Seeds for languages: patterns of paths, regular expressions. They are the tables of the unit tests."""
import os
import re

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


MAKERS = {"glob": globs, "regex": regexes}
