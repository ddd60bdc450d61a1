# SPDX-License-Identifier: Apache-2.0
"""Formats of other programs, judged by those; and what is not one document: a page beside its benign twin, mounts, shells."""
import io
import json
import os
import re
import shutil
import subprocess
import tarfile

import hostile
import judges
from judges import Wrong

PEEL = os.path.abspath(os.environ.get("PEEL", "peel"))


def run(words, **keys):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120, **keys)


def contents(data, known, folder):
    """cat: the file's own bytes."""
    del known, folder
    made = hostile.Made("")
    if data != b"".join(b"%s needle\n" % word for word in made.take("y", forbidden=b"\n")):
        raise Wrong("other bytes than the file's")


def script(data, known, folder):
    """A script for a shell knows no image."""
    del folder
    judges.text(data, known)
    if judges.MARK.search(data):
        raise Wrong("a word of an image in a script")


def unvis(text):
    return re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), text)


def mtree(data, known, folder):
    """Octal escapes alone; bsdtar reads the names back."""
    judges.check_plain(data)
    judges.check_obeyed(data)
    for line in data.splitlines():
        for word in line.split(b" "):
            judges.raw(unvis(word), known)
    if shutil.which("bsdtar"):
        path = os.path.join(folder, "x.mtree")
        with open(path, "wb") as out:
            out.write(data)
        done = run(["bsdtar", "-cf", "-", "--format=pax", "--options", "mtree:checkfs=0", "@" + path], cwd=folder)
        # files of a specification have no contents: bsdtar says so and goes on; names are what is asked here
        names = {m.name for m in tarfile.open(fileobj=io.BytesIO(done.stdout), errors="surrogateescape")} if done.stdout else set()
        if names and len(names) < 100:
            raise Wrong("bsdtar read %d names" % len(names))


def ncdu(data, known, folder):
    """JSON in bytes, as ncdu has it; ncdu reads it."""
    judges.check_obeyed(data)
    document = json.loads(data.decode("utf-8", "surrogateescape"))
    for string, _ in judges.strings(document):
        judges.raw(string.encode("utf-8", "surrogateescape"), known)
    if re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data):
        raise Wrong("a control character")
    if shutil.which("ncdu"):
        path = os.path.join(folder, "x.ncdu")
        with open(path, "wb") as out:
            out.write(data)
        done = run(["ncdu", "-f", path, "-o", "-", "-0"], cwd=folder)
        if done.returncode or b"Qn" not in done.stdout:
            raise Wrong("ncdu: %r" % done.stderr[-200:])


def tar(data, known, folder):
    """GNU tar lists the very names."""
    path = os.path.join(folder, "x.tar")
    with open(path, "wb") as out:
        out.write(data)
    done = run(["tar", "--list", "--quoting-style=literal", "--null", "-f", path], env=dict(os.environ, LC_ALL="C"))
    if done.returncode:
        raise Wrong("tar: %r" % done.stderr[-300:])
    judges.raw(done.stdout, known)
    for member in tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape"):
        for text in (member.name, member.linkname):
            judges.raw(text.encode("utf-8", "surrogateescape"), known)


JUDGES = {"bytes": contents, "script": script, "mtree": mtree, "ncdu": ncdu, "tar": tar}


def plain(kind, data):
    """The output with the markers to be seen."""
    return unvis(data) if kind == "mtree" else data


def benign(folder):
    """The hostile image's twin: the same shape, words of no meaning."""
    twin = os.path.join(folder, "twin")
    os.makedirs(twin, exist_ok=True)
    kept = hostile.PAYLOADS
    hostile.PAYLOADS = [b"word%d" % i for i in range(len(kept))]
    try:
        hostile.make(twin)
    finally:
        hostile.PAYLOADS = kept
    return twin


def check_page(made):
    """The page of the hostile image has the elements and attributes of its twin's, and nothing else."""
    twin = benign(made.folder)
    for images in (["hostile.tar"], ["hostile.tar", "other.tar"]):
        pages = [judges.page_of(run([PEEL, "report", "--output", "html", *images], cwd=where).stdout) for where in (made.folder, twin)]
        if not pages[0].shape or pages[0].shape != pages[1].shape:
            raise Wrong("the element tree is another")
        if [text for attrs, text in pages[0].scripts if attrs.get("type") != "application/json"] != \
                [text for attrs, text in pages[1].scripts if attrs.get("type") != "application/json"]:
            raise Wrong("the scripts are others")


def check_mount(made):
    """Names in a mount are the image's own; what mount and the kernel say of it is not."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or not shutil.which("fusermount3"):
        return "no /dev/fuse"
    odd = "a, b\033[31m\n##[x] \\.tar"
    shutil.copy(os.path.join(made.folder, hostile.MAIN), os.path.join(made.folder, odd))
    point = os.path.join(made.folder, "mnt")
    os.makedirs(point, exist_ok=True)
    done = run([PEEL, "mount", odd, "mnt"], cwd=made.folder)
    judges.text(done.stderr, made.known)
    judges.text(done.stdout, made.known)
    if done.returncode:
        raise Wrong("mount: %r" % done.stderr)
    try:
        with open("/proc/self/mountinfo", "rb") as table:
            lines = [line for line in table.read().splitlines() if os.fsencode(point) in line]
        if len(lines) != 1 or b"\033" in lines[0] or len(lines[0].split(b" - ")[1].split(b" ")) != 3:
            raise Wrong("in /proc: %r" % lines)
        names = {os.fsencode(name) for name in os.listdir(os.path.join(point, "n"))}
        wanted = set(hostile.Made("").take("n", forbidden=b"/"))
        if names != wanted:
            raise Wrong("names in the mount differ: %r" % sorted(names ^ wanted)[:4])
        # tools over the mount read the very files
        for name in wanted:
            with open(os.path.join(os.fsencode(point), b"n", name), "rb") as opened:
                if not opened.read().startswith(b"same content"):
                    raise Wrong("%r: other contents" % name)
    finally:
        done = run([PEEL, "umount", "mnt"], cwd=made.folder)
    judges.text(done.stderr, made.known)
    if done.returncode:
        raise Wrong("umount: %r" % done.stderr)
    return None


def check_run(made):
    """A command in a mount is told of no name that would be an option or a command."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no /dev/fuse"
    done = run([PEEL, "run", "hostile.tar", "--", "sh", "-c", "cd n && find . -type f -print0 | xargs -0 stat -c x -- | wc -l"],
               cwd=made.folder)
    if done.returncode or done.stdout.strip() != b"%d" % len(hostile.PAYLOADS):
        raise Wrong("run: %r %r" % (done.stdout, done.stderr))
    return None


def check_completion(made):
    """What bash offers where files and images have hostile names runs none of them."""
    if not shutil.which("bash"):
        return "no bash"
    folder = os.path.join(made.folder, "names")
    os.makedirs(folder, exist_ok=True)
    for payload in hostile.PAYLOADS:
        name = payload.replace(b"/", b"~").replace(b"\0", b"~")
        with open(os.path.join(os.fsencode(folder), name + b".tar"), "wb"):
            pass
    program = """
        eval "$("$PEEL" completion bash)"
        for words in 'peel ls ' 'peel ls ./' 'peel mount ' 'peel check -c ' 'peel ls docker-archive:' 'peel cp hostile.tar '; do
                COMP_LINE=$words COMP_POINT=${#words}
                read -ra COMP_WORDS <<<"$words"
                COMP_WORDS+=("")
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                function=$(complete -p peel | sed 's/.*-F \\([^ ]*\\).*/\\1/')
                COMPREPLY=()
                "$function" peel "" "" 2>/dev/null
                printf '%s\\n' "${COMPREPLY[@]}" >/dev/null
        done
        [ ! -e hit ]"""
    done = run(["bash", "-c", program], cwd=folder, env=dict(os.environ, PATH=os.path.dirname(PEEL) + ":" + os.environ["PATH"]))
    if done.returncode or os.path.exists(os.path.join(folder, "hit")):
        raise Wrong("a name was run: %r" % done.stderr[-200:])
    return None


CASES = [("the page has the elements of its benign twin", check_page), ("names and words of a mount", check_mount),
         ("names under run", check_run), ("names under completion", check_completion)]
