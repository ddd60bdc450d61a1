#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Advice is true: an image that follows it is smaller by what was promised.

A fat image is built out of Debian's packages, as an unfortunate Containerfile makes it: packages with what they
recommend, caches left behind, a compiler that builds unstripped programs, a file that a later instruction removes, and a
chown of everything. `peel bloat` says what to change. The Containerfile is then written again as the five largest pieces
of advice say (the instructions change; no file is deleted because peel listed it), built, and the bytes that both images
ship are compared: the difference is the promised sum within 1 %.

    advice.py [--pieces N] [--each]

--each builds the images between, too: the first k pieces together save the sum of theirs, for each k. $PEEL is the command,
$PEEL_BIG the folder for packages and layers. Status 77 where buildah, mmdebstrap, root or the network are missing.
"""
import argparse
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

PEEL = os.environ.get("PEEL", "peel")
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
MIRROR = os.environ.get("PEEL_MIRROR", "http://deb.debian.org/debian")
CACHE = os.path.join(BIG, "advice")
ALLOWED = 0.01

TOOLS = ["git", "mercurial", "imagemagick", "openssh-client"]
COMPILER = ["build-essential"]
NEEDED = ["python3-pip", "python3-numpy", "libgomp1"]
DOCUMENTS = "doc man info gtk-doc help locale i18n lintian linda doc-base"

# A program of many templates: its debug information is many times its code.
PROGRAM = """#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct word { std::map<std::string, std::vector<word<N - 1>>> next; };
template <> struct word<0> { std::string text; };
int main(int argc, char **argv)
{
	word<6> root;
	std::vector<std::string> words(argv, argv + argc);
	std::sort(words.begin(), words.end());
	for (auto &w : words) { std::cout << std::regex_replace(w, std::regex(PATTERN), "$1") << root.next.size(); }
}
"""


class Missing(Exception):
    """Something that the test needs is not here."""


class Keeping(http.server.BaseHTTPRequestHandler):
    """A proxy that keeps what passes, so that every build sees the same packages and the next run needs no network."""

    def do_GET(self):
        kept = os.path.join(CACHE, "http", hashlib.sha256(self.path.encode()).hexdigest())
        if not os.path.exists(kept):
            part = "%s.%d" % (kept, threading.get_ident())
            try:
                with urllib.request.urlopen(self.path, timeout=120) as answer, open(part, "wb") as out:
                    shutil.copyfileobj(answer, out)
            except urllib.error.HTTPError as error:
                self.send_error(error.code)
                return
            os.rename(part, kept)
        self.send_response(200)
        self.send_header("Content-Length", str(os.path.getsize(kept)))
        self.end_headers()
        with open(kept, "rb") as file:
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, *args):
        pass


def containerfile(follow):
    """The image's instructions, with the advice in follow (ids) followed."""
    packages = ([] if "tools" in follow else TOOLS) + ([] if "multi-stage" in follow else COMPILER) + NEEDED
    before, after = [], []
    if "documentation" in follow:
        before.append("{ printf 'path-exclude=/usr/share/%%s/*\\n' %s; echo 'path-include=/usr/share/doc/*/copyright'; } "
                      ">/etc/dpkg/dpkg.cfg.d/nodoc" % DOCUMENTS)
    if "bytecode" in follow:
        after.append("find / -xdev -name __pycache__ -prune -exec rm -rf {} +")
    if "package-manager-cache" in follow:
        after.append("apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old")
    options = " --no-install-recommends" if "recommends" in follow else ""
    install = " && ".join(before + ["apt-get update", "apt-get install -y%s %s" % (options, " ".join(packages))] + after)
    compiling = "for i in 1 2 3 4; do g++ -g -O0 -DPATTERN=\"\\\"($i)\\\"\" -o /srv/app/bin/program$i /srv/app/main.cc; done"
    if "strip" in follow:
        compiling += " && strip /srv/app/bin/*"
    owner = " --chown=1000:1000" if "chown-layer" in follow else ""
    making = "head -c 60000000 /dev/zero >/srv/raw.bin"
    using = "sha256sum /srv/raw.bin >/srv/raw.sum"
    lines = []
    if "multi-stage" in follow:
        lines += ["FROM localhost/base AS build", "RUN apt-get update && apt-get install -y g++",
                  "COPY app /srv/app", "RUN mkdir -p /srv/app/bin && " + compiling]
    lines += ["FROM localhost/base", "RUN " + install]
    if "deleted-later" in follow:
        lines.append("RUN %s && %s && rm /srv/raw.bin" % (making, using))
    else:
        lines += ["RUN " + making, "RUN %s && rm /srv/raw.bin" % using]
    lines.append("COPY%s app /srv/app" % owner)
    if "multi-stage" in follow:
        lines.append("COPY%s --from=build /srv/app/bin /srv/app/bin" % owner)
    else:
        chown = " && chown -R 1000:1000 /srv/app/bin" if "chown-layer" in follow else ""
        lines.append("RUN mkdir -p /srv/app/bin && " + compiling + chown)
    if "chown-layer" not in follow:
        lines.append("RUN chown -R 1000:1000 /srv/app")
    return "\n".join(lines) + "\n"


FOLLOWED = {"bytecode", "chown-layer", "deleted-later", "documentation", "multi-stage", "package-manager-cache",
            "recommends", "strip", "tools"}


class Builder:
    """Images of one folder, with the proxy between them and the mirror."""

    def __init__(self, folder):
        self.folder = folder
        self.context = os.path.join(folder, "context")
        self.store = ["buildah", "--root", os.path.join(folder, "root"), "--runroot", os.path.join(folder, "run"),
                      "--storage-driver", self.driver()]
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeping)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.count = 0
        self.make_context()

    @staticmethod
    def driver():
        return "overlay" if os.geteuid() == 0 and "overlay" in open("/proc/filesystems").read() else "vfs"

    def make_context(self):
        app = os.path.join(self.context, "app")
        os.makedirs(app)
        with open(os.path.join(app, "main.cc"), "w") as file:
            file.write(PROGRAM)
        # Content that is the same in every run, and that no compression makes small.
        block = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(1 << 15))
        with open(os.path.join(app, "weights.dat"), "wb") as file:
            for i in range(40):
                file.write(block[i:] + block[:i])

    def run(self, *command):
        done = subprocess.run(self.store + list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(command), done.stdout.decode(errors="replace")[-4000:]))

    def build_text(self, name, text):
        path = os.path.join(self.folder, "Containerfile")
        with open(path, "w") as file:
            file.write(text)
        self.run("build", "--isolation", "chroot", "--layers", "--network", "host", "--timestamp", "0", "--build-arg",
                 "http_proxy=http://127.0.0.1:%d" % self.server.server_port, "-f", path, "-t", name, self.context)

    def base(self):
        tar = os.path.join(CACHE, "base.tar")
        if not os.path.exists(tar):
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", "bookworm",
                            tar + ".part", MIRROR], check=True)
            os.rename(tar + ".part", tar)
        os.link(tar, os.path.join(self.context, "base.tar"))
        self.build_text("localhost/base", "FROM scratch\nADD base.tar /\nENV DEBIAN_FRONTEND=noninteractive\n")
        os.unlink(os.path.join(self.context, "base.tar"))

    def image(self, follow):
        """Build with advice followed; returns the archive's path."""
        self.count += 1
        self.build_text("localhost/fat%d" % self.count, containerfile(follow))
        path = os.path.join(self.folder, "image%d.tar" % self.count)
        self.run("push", "localhost/fat%d" % self.count, "docker-archive:%s:fat:latest" % path)
        return path

    def close(self):
        self.server.shutdown()
        subprocess.run(self.store + ["rmi", "--all", "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ask(verb, image, cache):
    out = subprocess.run([PEEL, verb, "--cache-dir", cache, "--output", "json", image], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def shipped(image, cache):
    """Apparent bytes of all layers."""
    return ask("waste", image, cache)["total"]["bytes"]


def show(name, promised, got):
    wrong = abs(got - promised) / promised if promised else 1.0
    print("%-44s %13d %13d %+7.2f %%" % (name, promised, got, 100 * (got - promised) / max(promised, 1)), flush=True)
    return wrong <= ALLOWED


def check(folder, pieces, each):
    builder = Builder(folder)
    cache = os.path.join(folder, "cache")
    try:
        builder.base()
        fat = builder.image(set())
        size = shipped(fat, cache)
        advice = ask("bloat", fat, cache)["advice"]
        chosen = advice[:pieces]
        print("fat image ships %d bytes" % size)
        for piece in advice:
            print("  %-28s layer %2d  saves %12d  has a part in %12d  %6d files" % (
                piece["id"], piece["layer"], piece["saves_bytes"], piece["gross_bytes"], piece["files"]))
        unknown = {piece["id"] for piece in chosen} - FOLLOWED
        if unknown:
            print("not ok: no Containerfile follows %s" % ", ".join(sorted(unknown)))
            return 1
        print("%-44s %13s %13s" % ("followed", "promised", "saved"))
        good = True
        for count in range(1 if each else len(chosen), len(chosen) + 1):
            slim = shipped(builder.image({piece["id"] for piece in chosen[:count]}), cache)
            name = "%d: with %s" % (count, chosen[count - 1]["id"])
            good &= show(name, sum(piece["saves_bytes"] for piece in chosen[:count]), size - slim)
        print("ok" if good else "not ok")
        return 0 if good else 1
    finally:
        builder.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pieces", type=int, default=5)
    parser.add_argument("--each", action="store_true")
    args = parser.parse_args()
    missing = [tool for tool in ("buildah", "mmdebstrap") if not shutil.which(tool)]
    if missing or os.geteuid() != 0:
        print("SKIP: %s" % (", ".join(missing) + " is not installed" if missing else "needs root"))
        return 77
    os.makedirs(os.path.join(CACHE, "http"), exist_ok=True)
    folder = tempfile.mkdtemp(prefix="build-", dir=CACHE)
    try:
        return check(folder, args.pieces, args.each)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
