#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb, seen by strace(1): no byte of an image is read by a process with rights, and who has none asks for none.

Each row of ../matrix/verbs.tsv is run with every process that it starts. A process is in the cage from its first
seccomp(SECCOMP_SET_MODE_FILTER) on, and whoever it makes is in it, too. Outside, no call may read from the image. Inside,
no program, process or socket is made, and nothing is opened by a name but what the verb may open (ALLOWED). Then the same
with standard input, with two images, with a layout; and with --no-sandbox the opposite, so that what is looked for is seen to be found.

PEEL names the program; prints TAP; exits 77 without strace, and where sanitizers need a wider cage.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "matrix"))
import places  # noqa: E402
from writes import calls, wait_for_tracers  # noqa: E402

CALLS = ("read,pread64,readv,preadv,preadv2,mmap,splice,sendfile,copy_file_range,seccomp,prctl,clone,clone3,fork,vfork,execve,execveat,"
         "socket,connect,ptrace,mount,umount2,kill,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,"
         "rename,renameat,renameat2,unlink,unlinkat,rmdir,truncate,chmod,chown,lchown,setxattr,lsetxattr")
READING = {"read", "pread64", "readv", "preadv", "preadv2", "mmap", "splice", "sendfile", "copy_file_range"}
PROCESSES = {"clone", "clone3", "fork", "vfork"}
NEVER = {"execve", "execveat", "socket", "connect", "ptrace", "mount", "umount2", "kill"}
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(.*)$")
# What libraries ask for and can do without: the number of processors, how memory is promised, a configuration, character sets beside
# those that are built in, chance beside getrandom(2); and the cache folder, made where it is missing.
ASKED = re.compile(r'"/(sys/devices/system/cpu/online|proc/stat|proc/sys/vm/overcommit_memory|dev/urandom)"|openssl\.cnf"|/gconv/|^"/[^"]*", 0700$')


def parse(trace):
    """(pid, name, arguments, result) of each call, in the order in which they ended."""
    for line in calls(trace):
        call = CALL.match(line)
        if call:
            yield int(call[1]), call[2], call[3], call[4], line


class Look:
    """What a trace says."""

    def __init__(self, image, may_open):
        self.image, self.may_open = image, may_open
        self.caged, self.bad, self.read_inside, self.read_outside = {}, [], 0, 0

    def judge_caged(self, name, args, result, line):
        if name in NEVER or (name in PROCESSES and "CLONE_THREAD" not in args and name != "clone3"):
            self.bad.append("in the cage: " + line)
        elif name not in READING | PROCESSES | {"seccomp", "prctl"}:
            if result.startswith("-"):
                if not ASKED.search(args):
                    self.bad.append("refused in the cage: " + line)
            elif not any(allowed.search(line) for allowed in self.may_open):
                self.bad.append("opened in the cage: " + line)

    def take(self, trace):
        made_by = {}
        for pid, name, args, result, _ in parse(trace):
            if name in PROCESSES and result.isdigit() and result != "0":
                made_by[int(result)] = pid
        for pid, name, args, result, line in parse(trace):
            if pid not in self.caged:
                self.caged[pid] = self.caged.get(made_by.get(pid), False)
            if name in PROCESSES and result.isdigit():
                self.caged.setdefault(int(result), self.caged[pid])
            if name == "seccomp" and "SET_MODE_FILTER" in args and "len=" in args and result == "0":
                self.caged[pid] = True
            elif name in READING and self.image.search(args) and result not in ("0", "?") and not result.startswith("-"):
                if self.caged[pid]:
                    self.read_inside += 1
                else:
                    self.read_outside += 1
            elif self.caged[pid]:
                self.judge_caged(name, args, result, line)


class Tracer:
    def __init__(self, lab):
        self.lab, self.traces = lab, lab.top / "traces"
        self.traces.mkdir()

    def look(self, row, options="", image=r"app\.tar>", may_open=()):
        traced = self.lab.top / "bin/traced"
        # One file a command: processes of a mount are in its, too. ASan wants /proc.
        traced.write_text(f'#!/bin/sh\nexec strace -D -f -qq -y -s 256 -e trace={CALLS} -o "{self.traces}/$$" "{self.lab.peel}" "$@" {options}\n')
        traced.chmod(0o755)
        look = Look(re.compile(image), [re.compile(text) for text in may_open])

        def take(here, home):
            wait_for_tracers(self.traces)
            for trace in sorted(self.traces.iterdir()):
                look.take(trace.read_text(errors="backslashreplace"))
                trace.unlink()
        outcome = self.lab.run(row, places.PLAIN, self.lab.users[0], {"PEEL": str(traced)}.items(), take)
        return look, outcome


# What a verb may open or make in the cage, by its line in the trace. Unnamed spools: all. Where standard input may be spooled:
FOLDERS = (r"O_RDONLY\|O_CLOEXEC\|O_DIRECTORY\)",)
SPOOL = r"O_TMPFILE"
ALLOWED = {
    "cp": (r"openat\(|mkdirat\(|linkat\(|renameat\(|unlinkat\(|symlinkat\(|mknodat\(|openat2\(",),
}
MORE = [
    ("ls, standard input", '"$PEEL" ls - <app.tar', r"app\.tar>", FOLDERS),
    ("detect, standard input", '"$PEEL" detect - setuid <app.tar; test $? -le 1', r"app\.tar>", FOLDERS),
    ("diff, two images", '"$PEEL" diff app.tar app.tar', r"app\.tar>", ()),
    ("diff, one of them standard input", '"$PEEL" diff - app.tar <app.tar', r"app\.tar>", FOLDERS),
    ("run, a file as standard input", '"$PEEL" run -q - -- cat etc/passwd <app.tar', r"app\.tar>", ()),
    ("run, standard input", 'cat app.tar | "$PEEL" run -q - -- cat etc/passwd', r"memfd:peel-input|\\.cache/peel/#\d+", ()),
    ("cat, a layout", '"$PEEL" cat oci:"$TOP/layout" /etc/passwd', r"layout/blobs", (r"O_RDONLY",)),
    ("check, a layout", '"$PEEL" check --all-platforms --deny python oci:"$TOP/layout"; test $? -le 1', r"layout/blobs", (r"O_RDONLY",)),
    ("verify, a layout", '"$PEEL" verify oci:"$TOP/layout"', r"layout/blobs", (r"O_RDONLY",)),
    ("inspect, a layout", '"$PEEL" inspect oci:"$TOP/layout"', r"layout/blobs", (r"O_RDONLY",)),
    ("export to a file", '"$PEEL" export -o e.tar app.tar && tar tf e.tar', r"app\.tar>", ()),
    ("report to files", '"$PEEL" report --output json=r.json --output html=r.html app.tar && wc -l <r.json', r"app\.tar>", ()),
    ("du with a list", 'printf "/etc\\0" >list && "$PEEL" du --files0-from list app.tar', r"app\.tar>", ()),
    ("grep with a list", 'echo root >list && "$PEEL" grep -r -f list app.tar', r"app\.tar>", ()),
]


def inherited(lab):
    """What is seen of a descriptor that a verb was started with, once the verb is in its cage and waits for its reader."""
    subprocess.run([places.LIB / "mkimage.py", "--form", "rootfs", lab.top / "big"], input="layer COPY\nf big size=3000000 seed=3\n",
                   text=True, check=True)
    with open(lab.top / "handed", "a") as handed:
        verb = subprocess.Popen([lab.peel, "cat", "--no-cache", f"rootfs:{lab.top}/big", "/big"], stdout=subprocess.PIPE,
                                pass_fds=[handed.fileno()])
        # Its first bytes are there: it is in the cage, and the pipe is too small for the rest.
        verb.stdout.read(1)
        folder = f"/proc/{verb.pid}/fd"
        has = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
        verb.stdout.read()
        return verb.wait(), [name for name in has if name.endswith("/handed")], has


# These read no image, and need no cage.
WITHOUT = {"cache", "completion", "help", "umount"}


def main():
    if os.environ.get("PEEL_INSTRUMENTED"):
        print("1..0 # SKIP a sanitizer needs a wider cage")
        return 77
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        print("1..0 # SKIP strace is not here or may not trace: THE CAGE OF VERBS IS NOT TESTED")
        return 77
    rows = places.read_rows(HERE.parent / "matrix/verbs.tsv")
    cases = failed = 0

    def case(name, good, why=()):
        nonlocal cases, failed
        cases += 1
        failed += not good
        print(f"{'' if good else 'not '}ok {cases} - {name}")
        for text in () if good else list(why)[:12]:
            print("# " + text[:300])

    with tempfile.TemporaryDirectory(prefix="peel-caged.") as name:
        lab = places.Lab(pathlib.Path(name))
        tracer = Tracer(lab)
        with places.IMAGE.open() as text:
            subprocess.run([places.LIB / "mkimage.py", "--form", "oci", "--compress", "gzip", lab.top / "layout"], stdin=text, check=True)
        fuse = os.access("/dev/fuse", os.R_OK | os.W_OK)
        wanted = [(verb, rows[verb].command, r"app\.tar>", ALLOWED.get(verb, ())) for verb in sorted(rows)
                  if verb not in WITHOUT and (fuse or "fuse" not in rows[verb].places)]
        for name, command, image, may_open in wanted + MORE:
            row = places.Row(name, command, True, True, None, frozenset())
            plain, _, _ = lab.run(row, places.PLAIN, lab.users[0])
            look, (status, _, err) = tracer.look(row, image=image, may_open=(SPOOL, *may_open))
            case(f"{name}: reads {look.read_inside} times, in the cage", look.read_inside > 0 and not look.read_outside and not look.bad
                 and status == plain, [f"status {status}, {err!r}", f"{look.read_outside} reads outside", *look.bad])
        row = places.Row("ls", '"$PEEL" ls app.tar', True, True, None, frozenset())
        look, _ = tracer.look(row, options="--no-sandbox")
        case("--no-sandbox: the same reads are outside", look.read_outside > 0 and look.read_inside == 0,
             [f"{look.read_outside} outside, {look.read_inside} inside"])
        status, handed, has = inherited(lab)
        case("what a verb inherits is closed in the cage", status == 0 and has and not handed, [f"status {status}", *has])
    print(f"1..{cases}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
