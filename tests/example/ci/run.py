#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the shell lines of the examples for continuous integration, as their runners would, with a docker that only saves.

Each example is held against an image that passes, one that violates the policy, and one that is cut short. Prints TAP."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lib"))
import mkimage  # noqa: E402

DOCKER = """#!/bin/sh
case $1 in
build) ;;
save) case $* in *" -o "*) cp "$IMAGE" "$4" ;; *) cat "$IMAGE" ;; esac ;;
*) exit 1 ;;
esac
"""
DOCKERFILE = "FROM debian\nCOPY serve /app/\nRUN install things\nUSER 1000\nENTRYPOINT [\"/app/serve\"]\n"


def yaml_blocks(name, key):
    """Texts of the blocks "key: |", with their indentation taken away."""
    blocks = []
    depth = None
    for line in open(os.path.join(HERE, name), encoding="utf-8"):
        indent = len(line) - len(line.lstrip())
        if depth is not None and (not line.strip() or indent > depth):
            blocks[-1].append(line)
            continue
        depth = None
        if re.match(r"\s*(- )?%s: \|$" % key, line):
            depth = indent
            blocks.append([])
    return ["".join(line[len(block[0]) - len(block[0].lstrip()):] for line in block) for block in blocks]


def jenkins_blocks(name):
    """What stands between three quotes."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return re.findall(r"'''\n(.*?)'''", file.read(), re.S)


def make_images():
    """By name: the file, and the status that is due."""
    serve = {"type": "f", "path": b"app/serve", "mode": 0o755, "data": b"\x7fELF serve"}
    layers = [{"instruction": "COPY serve /app/ # buildkit", "entries": [serve]}]
    bad = [{"instruction": "RUN install things", "entries": [{"type": "d", "path": b"src/.git"}]}]
    settings = {"User": "1000", "Entrypoint": ["/app/serve"]}
    mkimage.build("good.tar", layers, settings=settings)
    mkimage.build("bad.tar", layers + bad, settings=settings)
    mkimage.build("whole.tar", layers + bad[:0] + [{"instruction": "RUN more", "entries": [
        {"type": "f", "path": b"more", "data": b"x"}]}], settings=settings, compress="gzip", form="oci-archive")
    subprocess.run([sys.executable, os.path.join(HERE, "..", "..", "golden", "damage.py"), "whole.tar", "short.tar", "drop:layer1"],
                   check=True)
    return {"good.tar": 0, "bad.tar": 1, "short.tar": 3}


def run_blocks(blocks, folder, image):
    """The status of the first block that fails, as runners do it."""
    env = dict(os.environ, IMAGE=os.path.join(folder, image), GITHUB_STEP_SUMMARY=os.path.join(folder, "step"),
               PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
    for block in blocks:
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", block], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            return done.returncode, done.stdout.decode()
    return 0, ""


def main():
    examples = {"github.yml": yaml_blocks("github.yml", "run"), "gitlab-ci.yml": yaml_blocks("gitlab-ci.yml", "script"),
                "Jenkinsfile": jenkins_blocks("Jenkinsfile")}
    failed = False
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["HOME"] = folder
        os.environ.pop("XDG_CACHE_HOME", None)
        os.mkdir("bin")
        for name, text in (("bin/docker", DOCKER), ("Dockerfile", DOCKERFILE)):
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod("bin/docker", 0o755)
        os.symlink(os.environ["PEEL"], "bin/peel")
        with open(os.path.join(HERE, "policy.yaml"), encoding="utf-8") as source, open("policy.yaml", "w", encoding="utf-8") as copy:
            copy.write(source.read())
        for image, wanted in make_images().items():
            for name, blocks in examples.items():
                count += 1
                status, output = run_blocks(blocks, folder, image)
                good = blocks and status == wanted
                if good and name == "github.yml":
                    with open("summary.md", encoding="utf-8") as summary, open("step", encoding="utf-8") as step:
                        good = step.read().endswith(summary.read()) and os.path.getsize("peel.sarif") > 0
                        good = good and (wanted != 1 or "file=Dockerfile,line=3" in output)
                elif good:
                    good = ElementTree.parse("peel.xml").getroot().tag == "testsuites"
                failed |= not good
                print("%s %d - %s with %s" % ("ok" if good else "not ok", count, name, image))
                if not good:
                    print("# status %d, not %d\n# %s" % (status, wanted, output.replace("\n", "\n# ")))
        os.chdir("/")
    print("1..%d" % count)
    return failed


if __name__ == "__main__":
    sys.exit(main())
