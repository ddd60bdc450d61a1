# SPDX-License-Identifier: Apache-2.0
"""Places where a command line is run: users, homes, what is forbidden; and the rows of verbs.tsv."""
import functools
import os
import pathlib
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
LIB = HERE.parent / "lib"
IMAGE = HERE.parent / "golden/images/app.txt"
# What may be said beside the answer, and beside why there is none.
REMARKS = ("peel: the index is not kept: ", "peel: owners and groups of files are not shown true",
           "peel: without a mount, from the index: ")
# The user must have a name: fusermount3 asks for it.
STRANGER = pwd.getpwnam("nobody").pw_uid


@dataclass
class Row:
    verb: str
    command: str
    indexes: bool
    writes: bool
    status: int | None
    places: frozenset


@dataclass(frozen=True)
class User:
    name: str
    uid: int


@dataclass
class Place:
    name: str
    # Shell commands that make it, as root in a mount namespace of its own; $HOME is the home.
    setup: str = ""
    # Before the command.
    wrap: list = field(default_factory=list)
    home: bool = True
    # The index cannot be kept here.
    unkept: bool = False
    # Names of verbs.tsv that hold here.
    reasons: frozenset = frozenset()
    # The index is there before.
    filled: bool = False


PLAIN = Place("plain")
HIDE_FUSE = """
mkdir -p "$TOP/dev" && mount -t tmpfs -o mode=755 dev "$TOP/dev" &&
for node in null zero full random urandom tty; do : >"$TOP/dev/$node"; mount --bind "/dev/$node" "$TOP/dev/$node"; done &&
ln -s /proc/self/fd "$TOP/dev/fd" && mount --move "$TOP/dev" /dev && ! [ -e /dev/fuse ]"""
READ_ONLY = 'mount --bind "{0}" "{0}" && mount -o remount,ro,bind "{0}" && ! touch "{0}/x" 2>/dev/null'
PLACES = [
    PLAIN,
    Place("no /dev/fuse", setup=HIDE_FUSE, reasons=frozenset({"fuse"})),
    Place("no namespaces", wrap=[os.environ.get("NOUNSHARE", "nounshare")], reasons=frozenset({"no-namespaces"})),
    Place("read-only home", setup=READ_ONLY.format("$HOME"), unkept=True, reasons=frozenset({"read-only-home"})),
    Place("no home", home=False, unkept=True, reasons=frozenset({"no-home"})),
    Place("no cache folder", setup='rm -rf "$HOME/.cache"'),
    Place("cache folder open to others", setup='chmod 777 "$HOME/.cache/peel"', unkept=True,
          reasons=frozenset({"no-cache"})),
    Place("cache folder of another", setup='chown 54321 "$HOME/.cache/peel"', unkept=True,
          reasons=frozenset({"no-cache"})),
    Place("index at hand in a read-only cache", setup=READ_ONLY.format("$HOME/.cache/peel"), filled=True),
]


def read_rows(path):
    """Rows of verbs.tsv by verb."""
    rows = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            verb, command, marks, status, *places = line.split("\t")
            rows[verb] = Row(verb, command, "index" in marks, "writes" in marks, None if status == "-" else int(status),
                             frozenset(places[0].split() if places else ()))
    return rows


def list_verbs():
    tables = subprocess.run([os.environ["PEEL"], "--help-tables"], capture_output=True, text=True, check=True).stdout
    return {line.split("\t")[1] for line in tables.splitlines() if line.startswith("verb\t")}


class Lab:
    """A folder with the command, an image, and homes."""

    def __init__(self, top):
        self.top = top
        self.count = 0
        self.missing = []
        self.is_root = os.geteuid() == 0
        os.chmod(top, 0o755)
        self.peel = self.copy_command()
        with IMAGE.open() as text:
            subprocess.run([LIB / "mkimage.py", top / "app.tar"], stdin=text, check=True)
        # A file younger than two seconds is not trusted to be the one that was indexed.
        time.sleep(2.2)
        self.private = self.is_root and subprocess.run(
            [LIB / "private.sh", "/bin/true"], capture_output=True).returncode == 0
        self.users = [User("root", 0), User("ordinary user", STRANGER)] if self.is_root else [
            User("ordinary user", os.geteuid())]
        if not self.is_root:
            self.missing.append("not root: nothing is tried as root, nor where that must be prepared by root")
        elif not self.private:
            self.missing.append("no right to mount: only what needs no preparation is tried")

    def copy_command(self):
        """The command where an ordinary user reaches it: the build may lie in somebody's home."""
        built = pathlib.Path(os.environ["PEEL"])
        folder = self.top / "bin"
        folder.mkdir()
        shutil.copy(built, folder / "peel")
        for library in (built.parent.parent / "index").glob("libpeel.so*"):
            if library.is_file():
                shutil.copy(library, folder / library.name)
        return folder / "peel"

    def places(self, user):
        return [place for place in PLACES if not place.setup or self.private]

    def own(self, path, user):
        if self.is_root:
            os.chown(path, user.uid, user.uid)

    def prepare(self, user):
        """A fresh folder with the image, and a fresh home with a cache folder."""
        self.count += 1
        here = self.top / f"here{self.count}"
        home = self.top / f"home{self.count}"
        for folder in (here, home, home / ".cache", home / ".cache/peel"):
            folder.mkdir(mode=0o700)
            self.own(folder, user)
        (here / "app.tar").symlink_to(self.top / "app.tar")
        return here, home

    def drop(self, user):
        if user.uid == os.geteuid():
            return []
        return ["setpriv", f"--reuid={user.uid}", f"--regid={user.uid}", "--clear-groups", "--inh-caps=-all", "--"]

    def run(self, row, place, user, extra=(), kept=None):
        """
        Run a row's command, with more in the environment. Returns status, standard output, standard error; kept is called with the
        folder and the home before they are removed.
        """
        here, home = self.prepare(user)
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC",
               "PEEL": str(self.peel), "LD_LIBRARY_PATH": str(self.peel.parent), "HOME": str(home), "TOP": str(self.top)}
        env |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        env |= dict(extra)
        shell = ["bash", "-o", "pipefail", "-c", row.command]
        if place.filled:
            subprocess.run([*self.drop(user), self.peel, "index", "app.tar"], cwd=here, env=env, check=True,
                           capture_output=True)
        command = [*self.drop(user), *([] if place.home else ["env", "-u", "HOME"]), *place.wrap, *shell]
        if place.setup:
            command = [LIB / "private.sh", "/bin/sh", "-c", f"{{ {place.setup}\n}} >&2 || exit 99\nexec \"$@\"", "-", *command]
        done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=120,
                              errors="backslashreplace")
        if done.returncode == 99:
            raise SystemExit(f"Bail out! cannot prepare {place.name}: {done.stderr}")
        if kept:
            kept(here, home)
        shutil.rmtree(here, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        return done.returncode, done.stdout, done.stderr

    @functools.cache
    def has_namespaces(self, user):
        """Whether a user can have a mount namespace; in a chroot root alone can."""
        return user.uid == 0 or subprocess.run(
            [*self.drop(user), "unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode == 0

    def reasons(self, place, user):
        """The names of verbs.tsv that hold in a place; somewhere /dev/fuse is root's alone."""
        need = 0o600 if user.uid == 0 else 0o006
        fuse = os.path.exists("/dev/fuse") and os.stat("/dev/fuse").st_mode & need == need
        return place.reasons | (set() if fuse else {"fuse"}) | (set() if self.has_namespaces(user) else {"no-namespaces"})
