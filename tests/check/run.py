#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents of peel check against what their readers document, with names of files that would like to be commands.

SARIF: the schema of the OASIS where PEEL_SARIF_SCHEMA names it (python3-jsonschema reads it), the members that it requires
and GitHub's limits in any case. JUnit: the elements and attributes that Jenkins' schema knows, and sums that add up.
Workflow commands: the grammar of GitHub's runner. Markdown: nothing in it is markup. Prints TAP."""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import mkimage  # noqa: E402

PEEL = os.environ["PEEL"]
NAMES = [b"::error::x", b"a\n::set-output name=a::b", b"##[add-mask]secret", b"##vso[task.complete]x", b"%0A::warning::x",
         b"[x](javascript:y)", b"<script>alert(1)<", b"a|b", b"\x1b[31mred", b"bad\xff\xfe", b"a:b,c=d", b"\xef\xbf\xbf", b"]]>&amp;",
         b"\r::stop-commands::x", b"{0}", b"\xe2\x80\xae", b"\xc2\x85", b" leading", b"`code`", b"'\""]
POLICY = """version: 1
image: {require_complete: true}
limits: {size: 1, waste: {bytes: 0}}
forbid:
  - {name: "::error::x ##[y] <b>", path: /opt/**}
  - detect: setuid
  - path: /many/**
  - path: /none
require:
  - config: {user: '!root'}
warn:
  - path: /opt/*
"""
COMMANDS = "schemaVersion: 2.0.0\ncommandTests:\n- {name: 'x\"<y>', command: x}\n"
DOCKERFILE = "FROM x\nRUN make things\nCOPY a b \\\n  /opt\n"
STATES = {"pass", "fail", "warn", "skip", "unsure"}


class Tap:
    """Cases, and how they came out."""

    def __init__(self):
        self.count = 0
        self.failed = False

    def ok(self, good, name, detail=""):
        self.count += 1
        self.failed |= not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name))
        if not good and detail:
            print("# " + str(detail)[:2000].replace("\n", "\n# "))

    def all(self, problems, name):
        problems = list(problems)
        self.ok(not problems, name, "\n".join(map(str, problems[:20])))


def run(*arguments):
    """Exit status and standard output."""
    done = subprocess.run([PEEL, "check", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


def make_image(path):
    """Names of all sorts in one folder, many in another, and waste."""
    entries = [{"type": "f", "path": b"opt/" + name.replace(b"/", b"_"), "mode": 0o4755, "data": b"x"} for name in NAMES]
    many = [{"type": "f", "path": b"many/%d/%d" % (n % 3, n), "data": b"x"} for n in range(1500)]
    mkimage.build(path, [{"instruction": "RUN /bin/sh -c make things # buildkit", "entries": many},
                         {"instruction": "COPY a b /opt # buildkit\n::error::x", "entries": entries},
                         {"instruction": "RUN rm", "entries": [{"type": "w", "path": b"many/0/0"}]}])


# --- SARIF ---

def need(value, members, where):
    """Members that must be there, with their types."""
    for name, kind in members.items():
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            yield "%s: no %s" % (where, name)


def sarif_result_problems(result, rules, where):
    yield from need(result, {"ruleId": str, "ruleIndex": int, "message": dict, "level": str, "kind": str, "locations": list,
                             "partialFingerprints": dict}, where)
    if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield where + ": ruleIndex is another rule's"
    if result["level"] not in ("none", "note", "warning", "error"):
        yield where + ": level " + result["level"]
    if (result["kind"] != "fail") != (result["level"] == "none"):
        yield where + ": kind %s with level %s" % (result["kind"], result["level"])
    if not 1 <= len(result["locations"]) <= 100:
        yield where + ": %d locations" % len(result["locations"])
    if re.search(r"(?<!\\)[\[\]]", result["message"]["text"]):
        yield where + ": the message may have a link in it"
    for location in result["locations"]:
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        if not re.fullmatch(r"(?:[A-Za-z0-9._~/:-]|%[0-9A-F]{2})+", uri):
            yield where + ": uri " + uri
        if location["physicalLocation"].get("region", {"startLine": 1})["startLine"] < 1:
            yield where + ": startLine"


def sarif_problems(document):
    """What the standard requires, and GitHub's limits."""
    yield from need(document, {"version": str, "runs": list}, "document")
    if document["version"] != "2.1.0" or not 1 <= len(document["runs"]) <= 20:
        yield "version or runs"
    for run_ in document["runs"]:
        yield from need(run_, {"tool": dict, "results": list, "invocations": list}, "run")
        yield from need(run_["tool"]["driver"], {"name": str, "rules": list}, "driver")
        for invocation in run_["invocations"]:
            yield from need(invocation, {"executionSuccessful": bool}, "invocation")
        if len(run_["results"]) > 25000:
            yield "more results than GitHub takes"
        for number, result in enumerate(run_["results"]):
            yield from sarif_result_problems(result, run_["tool"]["driver"]["rules"], "result %d" % number)


def check_sarif(tap, document):
    tap.all(sarif_problems(document), "sarif has what it must have")
    schema = os.environ.get("PEEL_SARIF_SCHEMA")
    try:
        import jsonschema
    except ImportError:
        jsonschema = None
    if schema and jsonschema:
        with open(schema, encoding="utf-8") as file:
            validator = jsonschema.Draft4Validator(json.load(file))
        tap.all((e.message for e in validator.iter_errors(document)), "sarif by the schema of the OASIS")
    else:
        print("# the schema of the OASIS is not at hand")


# --- JUnit ---

JUNIT = {  # element: attributes it must have, may have, and elements within
    "testsuites": ({"tests", "failures"}, {"name", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests"}, {"failures", "errors", "skipped", "time", "timestamp", "hostname"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message"}, set()),
    "system-out": (set(), set(), set()),
}


def junit_problems(element):
    if element.tag not in JUNIT:
        yield "element " + element.tag
        return
    must, may, within = JUNIT[element.tag]
    if not must <= set(element.attrib) <= must | may:
        yield "%s: attributes %s" % (element.tag, sorted(element.attrib))
    for child in element:
        if child.tag not in within:
            yield "%s within %s" % (child.tag, element.tag)
        yield from junit_problems(child)


def junit_sums(root):
    for element in [root] + root.findall("testsuite"):
        cases = element.findall(".//testcase")
        for name, tag in (("tests", None), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            found = len(cases) if tag is None else sum(case.find(tag) is not None for case in cases)
            if int(element.get(name)) != found:
                yield "%s %s: %s are %d" % (element.tag, element.get("name"), name, found)


# --- GitHub ---

COMMAND = re.compile(r"^::(error|warning|notice)(?: ([^:\r\n]*(?:[^:\r\n]|:(?!:))*?))?::([^\r\n]*)$")
REGISTERED = ("file", "line", "title")


def parse_commands(text):
    """As the runner does: a line a command; its properties, and its message with escapes undone."""
    for line in text.split("\n"):
        if not line:
            continue
        match = COMMAND.match(line)
        if not match:
            yield None, {}, line
            continue
        properties = dict(item.split("=", 1) for item in (match.group(2) or "").split(",") if item)
        undone = match.group(3).replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        yield match.group(1), properties, undone


def github_problems(text, wanted):
    kinds = {}
    for command, properties, message in parse_commands(text):
        if command is None:
            yield "no command: " + message
            continue
        kinds[command] = kinds.get(command, 0) + 1
        if not set(properties) <= set(REGISTERED):
            yield "properties %s" % sorted(properties)
        if properties.get("file") and properties["file"] not in ("policy.yaml", "commands.yaml", "Dockerfile"):
            yield "file " + properties["file"]
    if kinds != wanted:
        yield "%s, not %s" % (kinds, wanted)


def runner_problems(text, name):
    """Lines that GitHub's runner, or Azure's, would take for a command."""
    for line in text.split("\n"):
        if line.lstrip().startswith("::") or "##[" in line or "##vso[" in line:
            yield "%s: %s" % (name, line)


# --- all ---

def read(path):
    with open(path, "rb") as file:
        return file.read()


def check_documents(tap):
    outputs = {"json": "out.json", "sarif": "out.sarif", "junit": "out.xml", "github": "out.github", "markdown": "out.md"}
    status, text = run("-c", "policy.yaml", "-c", "commands.yaml", "--dockerfile", "Dockerfile",
                       *["--output=%s=%s" % pair for pair in outputs.items()], "--output=text", "hostile.tar")
    tap.ok(status == 1, "status 1", status)
    files = {name: read(path) for name, path in outputs.items()}
    files["text"] = text
    for name, data in files.items():
        tap.ok(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]", data), name + " holds no control characters")
        if name != "github":
            tap.all(runner_problems(data.decode(), name), name + " holds no command for a runner")
        alone = run("-c", "policy.yaml", "-c", "commands.yaml", "--dockerfile", "Dockerfile", "--output=" + name, "hostile.tar")
        tap.ok(alone[1] == data, name + " is the same alone, and a second time")
    document = json.loads(files["json"])
    tap.ok(document["schema"] == "peel/check/1" and document["verdict"] == "fail" and document["complete"], "json says what it is")
    tap.ok({r["state"] for r in document["results"]} <= STATES, "json knows the states")
    many = [r for r in document["results"] if r["title"].endswith("/many/**")][0]
    tap.ok(len(many["violations"]) == 1000 and many["omitted"] == 502, "json counts what it leaves out", len(many["violations"]))
    check_sarif(tap, json.loads(files["sarif"]))
    results = json.loads(files["sarif"])["runs"][0]
    lines = {l["physicalLocation"]["region"]["startLine"] for r in results["results"] for l in r["locations"]
             if l["physicalLocation"]["artifactLocation"]["uri"] == "Dockerfile"}
    tap.ok(lines == {2, 3}, "sarif names the lines of the Dockerfile", lines)
    grouped = [r for r in results["results"] if "/many/" in r["message"]["text"]]
    tap.ok(0 < len(grouped) <= 4 and all("overflow" in r["properties"] for r in grouped if len(r["locations"]) == 100) and
           results["properties"]["overflow"] >= 502, "sarif tells many complaints by folder", len(grouped))
    root = ElementTree.fromstring(files["junit"])
    tap.all(junit_problems(root), "junit has what Jenkins' schema knows")
    tap.all(junit_sums(root), "junit adds up")
    tap.all(github_problems(files["github"].decode(), {"error": 7, "warning": 2}), "workflow commands are those that are meant")
    tap.ok(all(mark not in files["markdown"].decode() for mark in ("<script", "[x](", "`code`")), "markdown holds no markup of names")


def check_pass(tap):
    for name in ("text", "json", "sarif", "junit", "github", "markdown"):
        status, out = run("--deny", "python", "--output=" + name, "hostile.tar")
        tap.ok(status == 0 and out, name + " of what passes")
        if name == "sarif":
            tap.all(sarif_problems(json.loads(out)), "sarif without results")
            tap.ok(json.loads(out)["runs"][0]["results"] == [], "nothing is told of rules that hold")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["HOME"] = folder
        os.environ.pop("XDG_CACHE_HOME", None)
        make_image("hostile.tar")
        for name, text in (("policy.yaml", POLICY), ("commands.yaml", COMMANDS), ("Dockerfile", DOCKERFILE)):
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        check_documents(tap)
        check_pass(tap)
        os.chdir("/")
    print("1..%d" % tap.count)
    return tap.failed


if __name__ == "__main__":
    sys.exit(main())
