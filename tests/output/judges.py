# SPDX-License-Identifier: Apache-2.0
"""What an output of each kind must be, whatever the image holds. A judge takes (bytes, known) and raises Wrong.

known gives by marker the bytes that stand before it in the image: see hostile.py. seen(kind, data) gives the markers of an
output, for whoever asks whether it told of anything at all.
"""
import base64
import csv
import html.parser
import io
import json
import re
import unicodedata
import xml.etree.ElementTree

MARK = re.compile(rb"Q[a-zA-Z][0-9]{3}q")
# What a runner of CI takes for a command: GitHub, Azure and TeamCity anywhere in a line; GitHub where a line begins.
OBEYED = re.compile(rb"##(\[|vso\[|teamcity\[)")
# Default_Ignorable_Code_Point of Unicode 15 that is no format character (Cf).
UNSEEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2065, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10),
          *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
ESCAPED = re.compile(rb"\\(x([0-9a-f]{2})|\\)")


class Wrong(Exception):
    """What is wrong with an output."""


def unescape(text):
    """The bytes of text that was escaped for people."""
    return ESCAPED.sub(lambda m: bytes.fromhex(m.group(2).decode()) if m.group(2) else b"\\", text)


def is_steering(char):
    """Whether a character steers a terminal, ends a line, or cannot be seen; or is none at all."""
    return (unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") or ord(char) in UNSEEN or
            ord(char) & 0xFFFE == 0xFFFE)


def check_plain(data, allowed="\n"):
    """Valid UTF-8 of characters that do nothing."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong("no UTF-8: %s at %r" % (error, data[max(0, error.start - 60):error.end + 20])) from None
    for at, char in enumerate(text):
        if char not in allowed and is_steering(char):
            raise Wrong("U+%04X raw in %r" % (ord(char), text[max(0, at - 60):at + 20]))
    return text


def check_obeyed(data):
    """No command for a runner in any line, however lines are told apart."""
    at = OBEYED.search(data)
    if at:
        raise Wrong("a runner's command: %r" % data[max(0, at.start() - 40):at.end() + 40])
    for line in data.decode("utf-8", "replace").splitlines():
        if line.strip().startswith("::"):
            raise Wrong("a runner's command: %r" % line[:80])


# Names of packages lose the blanks around them, and files of databases end a name at other bytes than NUL.
TRIMMED = "pPvij"


def is_there(before, want, letter):
    """Whether the text before a marker is what stands there in the image."""
    return before.endswith(want) or (chr(letter) in TRIMMED and before.endswith(want.strip()))


def check_marks(text, known, raw=()):
    """Before each marker of escaped text stands what the image has there. raw: letters whose payload may be cut or squeezed."""
    text = unescape(text)
    for mark in MARK.finditer(text):
        want = known.get(mark.group())
        if want is None:
            raise Wrong("an unknown marker %r" % mark.group())
        if chr(mark.group()[1]) not in raw and not is_there(text[:mark.start()], want, mark.group()[1]):
            raise Wrong("%r instead of %r before %r" % (text[max(0, mark.start() - 40):mark.start()], want, mark.group()))


def text(data, known):
    check_plain(data, "\n\t")
    check_obeyed(data)
    # instructions have their blanks squeezed; values of a configuration are JSON
    check_marks(data, known, raw="hmeclb")


def text_crlf(data, known):
    """Formats whose lines end with CR LF."""
    if re.search(rb"[^\r]\n|\r[^\n]|\r\Z", data):
        raise Wrong("a line end that is none")
    check_plain(data.replace(b"\r\n", b"\n"))
    check_obeyed(data)


def is_formula(cell):
    return len(cell) > 1 and cell[0] in "=+-@\t\r" and not re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", cell)


def as_csv(data, known):
    text_crlf(data, known)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    width = None
    for row in rows:
        width = width or len(row)
        if len(row) != width:
            raise Wrong("a row of %d cells among those of %d: %r" % (len(row), width, row))
        for cell in row:
            if is_formula(cell):
                raise Wrong("a formula: %r" % cell)
            check_marks(cell.encode("utf-8"), known, raw="h")


def as_tsv(data, known):
    text(data, known)
    rows = [line.split("\t") for line in data.decode("utf-8").splitlines()]
    if len({len(row) for row in rows}) > 1:
        raise Wrong("rows of several lengths")
    for cell in (cell for row in rows for cell in row):
        if is_formula(cell):
            raise Wrong("a formula: %r" % cell)


def no_duplicates(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Wrong("a key twice: %r" % sorted(key for key, _ in pairs))
    return dict(pairs)


def no_constant(word):
    raise Wrong("%s is no JSON" % word)


def strings(value, sibling=None):
    """Every string of a document, each with the bytes that its _b64 sibling has."""
    if isinstance(value, str):
        yield value, sibling
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key, None
            other = value.get(key + "_b64")
            yield from strings(one, base64.b64decode(other, validate=True) if isinstance(other, str) else None)


def without_brackets(text):
    """A message of SARIF as it is shown."""
    return text.replace(b"\\[", b"[").replace(b"\\]", b"]")


def parse_json(data, known):
    # Not a raw character that steers: JSON is shown in logs too.
    text_ = check_plain(data)
    check_obeyed(data)
    document = json.loads(text_, object_pairs_hook=no_duplicates, parse_constant=no_constant)
    for string, exact in strings(document):
        try:
            plain = string.encode("utf-8")
        except UnicodeEncodeError:
            raise Wrong("a surrogate alone: %r" % string) from None
        for mark in MARK.finditer(plain):
            want = known.get(mark.group())
            forms = [plain[:mark.start()], unescape(plain[:mark.start()]), unescape(without_brackets(plain[:mark.start()]))]
            if exact is not None:
                forms += [exact[:m.start()] for m in MARK.finditer(exact) if m.group() == mark.group()]
            if want is None or not any(is_there(form, want, mark.group()[1]) for form in forms):
                if chr(mark.group()[1]) not in "hbm":
                    raise Wrong("%r instead of %r before %r" % (plain[max(0, mark.start() - 40):mark.start()], want, mark.group()))
    return document


def as_json(data, known):
    parse_json(data, known)


def jsonl(data, known):
    if not data.endswith(b"\n"):
        raise Wrong("the last line does not end")
    for line in data.split(b"\n")[:-1]:
        parse_json(line, known)


def sarif(data, known):
    document = parse_json(data, known)
    for result in document["runs"][0]["results"]:
        # a bracket that is no link: https://docs.oasis-open.org/sarif/sarif/v2.1.0, 3.11.6
        if re.search(r"(?<!\\)(\\\\)*[\[\]]", re.sub(r"\\[\[\]\\]", "", result["message"]["text"])):
            raise Wrong("a link in a message: %r" % result["message"]["text"])
        for place in result["locations"]:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            if not re.fullmatch(r"[A-Za-z0-9._~%/:-]*", uri):
                raise Wrong("an odd URI: %r" % uri)


def junit(data, known):
    check_plain(data)
    check_obeyed(data)
    root = xml.etree.ElementTree.fromstring(data)
    allowed = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
    for node in root.iter():
        if node.tag not in allowed:
            raise Wrong("an element <%s>" % node.tag)
        for part in [node.text or "", *node.attrib.values()]:
            check_marks(part.encode("utf-8"), known)


def github(data, known):
    check_plain(data)
    for line in data.decode("utf-8").splitlines():
        parts = re.fullmatch(r"::(error|warning|notice) ((?:(?:file|line|title)=[^,:\r\n]*,?)+)::(.*)", line)
        if not parts:
            raise Wrong("no command of ours: %r" % line[:120])
        message = parts.group(3)
        if re.search(r"%(?!0A|0D|25)", message):
            raise Wrong("a bare percent sign: %r" % line[:120])
        for key in re.findall(r"(\w+)=[^,]*", parts.group(2)):
            if key not in ("file", "line", "title"):
                raise Wrong("a property %s" % key)
        # what the runner shows, line by line
        shown = message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
        check_plain(shown.encode("utf-8"))
        check_obeyed(shown.encode("utf-8"))
        check_marks(shown.encode("utf-8"), known)


def markdown(data, known):
    """Nothing in it is markup but what we write: every sign of the image's is a character reference."""
    check_plain(data)
    check_obeyed(data)
    widths = None
    for line in data.decode("utf-8").splitlines():
        if line.startswith("|"):
            cells = line.count("|")
            widths = widths or cells
            if cells != widths:
                raise Wrong("a row of %d bars among those of %d: %r" % (cells, widths, line[:120]))
        else:
            widths = None
        for mark in re.finditer(r"Q[a-zA-Z][0-9]{3}q", line):
            before = line[:mark.start()]
            # the text of this piece: from our own last sign on
            piece = re.split(r"\| |^#+ |^- |, | -- |\*\*", before)[-1]
            bad = re.search(r"[*_`\[\]<>~!\\|]|&(?!#[0-9]+;)|#(?![0-9]+;)", piece)
            if bad:
                raise Wrong("raw %r in %r" % (bad.group(), before[-80:]))
        plain = re.sub(r"&#([0-9]+);", lambda m: chr(int(m.group(1))), line)
        check_marks(plain.encode("utf-8"), known, raw="h")


class Page(html.parser.HTMLParser):
    """The elements of a page with their attributes, and the text of scripts."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.shape, self.scripts, self.inside = [], [], None

    def handle_starttag(self, tag, attrs):
        self.shape.append((tag, tuple(attrs)))
        self.inside = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag):
        self.shape.append(("/" + tag, ()))
        self.inside = None

    def handle_comment(self, data):
        self.shape.append(("!--", ()))

    def handle_decl(self, decl):
        self.shape.append(("!" + decl, ()))

    def handle_data(self, data):
        if self.inside is not None:
            self.scripts.append((self.inside, data))


def page_of(data):
    page = Page()
    page.feed(data.decode("utf-8"))
    page.close()
    return page


def as_html(data, known):
    check_obeyed(data)
    page = page_of(data)
    documents = [text_ for attrs, text_ in page.scripts if attrs.get("type") == "application/json"]
    if len(documents) != 1:
        raise Wrong("%d documents in the page" % len(documents))
    parse_json(documents[0].strip().encode("utf-8"), known)
    if MARK.search(data.replace(documents[0].encode("utf-8"), b"")):
        raise Wrong("a word of the image outside the data")


def ls(data, known):
    """find -ls: paths are quoted as in C whatever comes, users are raw in a pipe, as GNU has them."""
    del known
    for line in data.split(b"\n")[:-1]:
        path = re.search(rb" [A-Z][a-z]{2} [ 0-9][0-9]  ?([0-9]{4}|[0-9:]{5}) (.*)\Z", line, re.DOTALL)
        if not path or not re.fullmatch(rb"(\\ |[!-~])+( -> (\\ |[!-~])*)?", path.group(2)):
            raise Wrong("a path is not quoted: %r" % line[-200:])


def ls_shown(data, known):
    """The same on a terminal."""
    check_plain(data)
    check_obeyed(data)
    ls(data, known)


def nul(data, known):
    """Raw names ended by NUL: exact."""
    for name in data.split(b"\0"):
        for mark in MARK.finditer(name):
            if not name[:mark.start()].endswith(known[mark.group()]):
                raise Wrong("%r before %r" % (name[:mark.start()], mark.group()))


def raw(data, known):
    """GNU's own output: names as they are."""
    for mark in MARK.finditer(data):
        if not data[:mark.start()].endswith(known[mark.group()]):
            raise Wrong("%r before %r" % (data[max(0, mark.start() - 40):mark.start()], mark.group()))


JUDGES = {"text": text, "json": as_json, "jsonl": jsonl, "csv": as_csv, "tsv": as_tsv, "sarif": sarif, "junit": junit,
          "github": github, "markdown": markdown, "html": as_html, "ls": ls, "ls shown": ls_shown, "nul": nul, "raw": raw}


def seen(data):
    """Letters of the markers of an output."""
    return {chr(mark[1]) for mark in MARK.findall(data)}
