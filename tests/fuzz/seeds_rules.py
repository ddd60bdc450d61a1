# SPDX-License-Identifier: Apache-2.0
"""Seeds for files of rules that are YAML: policies of three kinds, detectors, categories, advice; and YAML itself."""
import os
import re

INDEX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "index")

NATIVE = [
    "image: {platform: linux/amd64, require_complete: true, require_expanded: false}",
    "limits:\n  size: 8GiB\n  visible: 6.5GB\n  compressed: 3k\n  layers: 30",
    "limits:\n  waste: {bytes: 100MiB, percent: 2, fail: both, path: 50MiB}\n  category: {bytecode: 50MiB, debug-information: 0}",
    "forbid:\n  - detect: [python, shell]\n  - detect: {shell: {tiers: [interpreter], scope: runtime, allow: [/bin/busybox]}}",
    "forbid:\n  - path: {glob: ['**/*.pem', /root/.ssh/**], type: file, scope: shipped}\n  - path: {glob: '**', any_mode: '6000'}",
    "forbid:\n  - package: {name: [gcc, 'python3*'], db: [dpkg, pip], version: '*'}",
    "forbid:\n  - content: {glob: '/etc/**', regex: 'AKIA[0-9A-Z]{16}', max_file: 1MiB}",
    "forbid:\n  - {name: no large files, sql: SELECT path, size FROM tree WHERE size > 1e9}",
    "require:\n  - path: {glob: /app/server, mode: '0755', owner: '65532:65532'}",
    "require:\n  - config: {user: '!root', entrypoint: [/app/server], env_absent: [TOKEN], labels: {a: b, c: null}, ports: [80]}",
    "require:\n  - config: {workdir: {regex: '^/app'}, cmd: [a], volumes_absent: [/data], stopsignal: TERM}",
    "warn:\n  - detect: {python: {tiers: [payload]}}\n  - waste: {path: 100MiB}\n  - require: {path: /usr/share/licenses}",
    "forbid:\n  - path: /x\nallow:\n  - {rule: 'forbid[0]', paths: [/usr/lib/x/**], reason: why, until: 2026-12-31}",
]
TESTS = [
    "fileExistenceTests:\n- {name: r, path: /, shouldExist: true, permissions: '-rw-r--r--', uid: 1000, gid: 1, isExecutableBy: group}",
    "fileContentTests:\n- name: a\n  path: /etc/os-release\n  expectedContents: ['.*Debian.*']\n  excludedContents: ['x(']",
    "metadataTest:\n  envVars: [{key: A, value: '[a-z]+', isRegex: true}]\n  exposedPorts: ['8080']\n  entrypoint: []\n  cmd: [x]\n"
    "  workdir: /app\n  volumes: [/data]\n  labels: [{key: a, value: b}]\n  user: root\n  unboundEnvVars: [{key: X}]",
    "commandTests:\n- {name: v, command: python, args: [-V], expectedOutput: [Python 3], exitCode: 0, setup: [[a]], envVars: [{key: k, value: v}]}",
    "licenseTests:\n- {debian: true, files: [/x]}",
    "globalEnvVars:\n- {key: A, value: b}",
]
BASELINE = '{"schema": "peel/check/1", "complete": true, "figures": {"shipped_bytes": 12345}}'
YAML = [
    "", "# nothing\n", "---\na: [1, -2, +3, 0x1f, 012, 1.5, .5, 1e3, -1E-2, .inf]\n...\n", "a: ~\nb: null\nc:\nd: ''\n",
    "a: true\nb: False\nc: TRUE\nd: yes\n", "|\n  block\n   text\n", ">-\n  folded\n  text\n\n  more\n", "'it''s'", '"\\x41\\u00e9\\n\\\n  b"',
    "- - - a\n    - b\n- {c: d}\n", "{a: [b, {c: d}], 'e f': \"g\"}", "? a\n: b\n? - c\n: d\n", "&x a: *x\n", "!!str a", "<<: {a: b}\n",
    "a: b\na: c\n", "a: 1 # comment\n", "%YAML 1.1\n---\na\n", "a\n---\nb\n", '{"a": [1, 2.5, "\\ud83d\\ude00", null, true]}', "[" * 40 + "]" * 40,
    "\ufeffa: b", "a: \u2028b\n", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "\ta: b", "a:\n\t- b",
]


def text(name):
    with open(os.path.join(INDEX, name), encoding="utf-8") as file:
        return file.read()


def yaml():
    for number, document in enumerate(YAML):
        yield "yaml-%02d" % number, document.encode()
    for number, part in enumerate(NATIVE):
        yield "policy-%02d" % number, ("version: 1\n" + part).encode()


def policies():
    for number, part in enumerate(NATIVE):
        yield "native-%02d" % number, ("version: 1\n%s\n" % part).encode()
    yield "budget", ("version: 1\nbudgets_vs: {file: base.json, grow: {bytes: 50MiB, percent: 1}}\n\x1e%s" % BASELINE).encode()
    yield "budget-bad", b"version: 1\nbudgets_vs: {file: '\\e[31m', grow: {bytes: 1}}\n\x1e{\"schema\": 1,}"
    for number, part in enumerate(TESTS):
        yield "tests-%02d" % number, ("schemaVersion: '2.0.0'\n%s\n" % part).encode()
    yield "tests-1", b"schemaVersion: '1.0.0'\nfileExistenceTests:\n- {name: r, path: /, isDirectory: true, shouldExist: true}\n"
    yield "dive", b"rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20MB\n  highest-user-wasted-percent: disabled\n"
    for number, words in enumerate(["python", "python@runtime", "python:payload@runtime,shell", "nothing", "python:x", "a@b:c"]):
        yield "deny-%d" % number, b"-" + words.encode()


def rules():
    """Each detector, category and piece of advice alone."""
    head, body = text("detectors.yaml").split("\ndetectors:\n", 1)
    del head
    for number, part in enumerate(re.split(r"(?m)^(?=  [a-z])", body)):
        if part.strip():
            yield "detector-%02d" % number, b"\0" + ("version: 1\ndetectors:\n" + part).encode()[:3000]
    for kind, (name, mark) in enumerate((("categories.yaml", "category"), ("advice.yaml", "advice")), 1):
        for number, part in enumerate(re.split(r"(?m)^(?=- )", text(name))[1:]):
            yield "%s-%02d" % (mark, number), bytes([kind]) + part.encode()
    yield "advice-named", b"\2- id: x\n  title: t\n  action: a\n  by: layer\n  categories: [pip-cache]\n  packages: true\n" \
        b"  except: [pip]\n  needs: static-libraries\n"
    yield "advice-twin", b"\2- id: x\n  title: t\n  action: a\n  by: hider\n  causes: [metadata, identical]\n" \
        b"- id: y\n  title: t\n  action: a\n  by: layer\n  categories: [pip-cache]\n  twin: static-libraries\n"


MAKERS = {"yaml": yaml, "policy": policies, "rules": rules}
