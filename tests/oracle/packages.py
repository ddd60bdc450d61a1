#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which package owns which file, by peel and by the package managers themselves.

    packages.py [PART]...      all but debian without an argument

Each part makes a root filesystem with a package manager's own tools, or takes one of the corpus, and asks these tools
which files each package has. What they list is resolved in the root as the kernel would, links of the root included.
peel must give the same packages, and the same files to them, no more and no less.

    dpkg    packages made by dpkg-deb, installed by dpkg: links of the root into /usr, diversions, an alternative, a
            package taken over, one removed but for its configuration, two architectures, --path-exclude
    rpm     packages made by rpmbuild, installed by rpm: rpm -qa and the files and states that rpm tells; the same headers
            once more in an ndb
    pip     wheels, installed by pip into a folder and into a virtual environment: pip show -f
    npm     packages packed and installed by npm, a nested version among them: npm ls
    apk     Alpine's root filesystems of the corpus, whose database is read here by its description
    debian  the image of tests/big, dpkg-query -L in a chroot of it

A part whose tools are missing is skipped, which is said; where none runs, the status is 77. $PEEL is the command."""
import argparse
import collections
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
PEEL = os.environ.get("PEEL", "peel")
CORPUS = os.path.abspath(os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus")))
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
LISTED = 1
FOLDER = 2
SHOWN = 10

FILES = ("SELECT t.path, p.db, p.name, p.version, p.arch, f.claim FROM tree t"
         " JOIN facts.file f ON f.entry = t.ino JOIN facts.package p ON p.id = f.package")
PACKAGES = "SELECT db, CAST(name AS TEXT) AS name, CAST(version AS TEXT) AS version, arch, layer FROM facts.package"


class Skip(Exception):
    """A part cannot run here."""


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError("%s: %d %s" % (" ".join(command), done.returncode, done.stderr.decode(errors="replace")[-500:]))
    return done.stdout.decode("utf-8", "surrogateescape")


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip("%s is not installed" % tool)


def rows(image, query):
    out = run(PEEL, "sql", "--facts", "--no-cache", "--output", "json", image, query)
    return json.loads(out)["rows"]


def exact(row, key):
    import base64
    if key + "_b64" in row:
        return base64.b64decode(row[key + "_b64"]).decode("utf-8", "surrogateescape")
    return row[key]


class Root:
    """A root filesystem in a folder, and paths as in a chroot of it."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def folder_of(self, path):
        """The real folder of a path, links of the root followed; the last name is not."""
        if path not in self.known:
            real, left, hops = "", [name for name in path.split("/") if name], 0
            while left:
                name = left.pop(0)
                if name == "..":
                    real = os.path.dirname(real)
                    continue
                here = self.folder + real + "/" + name
                if os.path.islink(here) and hops < 40:
                    target = os.readlink(here)
                    real = "" if target.startswith("/") else real
                    left = [part for part in target.split("/") if part and part != "."] + left
                    hops += 1
                else:
                    real += "/" + name
            self.known[path] = real
        return self.known[path]

    def file(self, path):
        """The canonical path of a regular file; None: it is none."""
        folder, name = os.path.split(path)
        real = self.folder_of(folder) + "/" + name
        there = self.folder + real
        return real if os.path.isfile(there) and not os.path.islink(there) else None

    def image(self, out):
        with tarfile.open(out, "w") as tar:
            for name in sorted(os.listdir(self.folder)):
                tar.add(os.path.join(self.folder, name), arcname=name)
        return out


def compare(what, image, packages, files, db, claim=LISTED):
    """packages: set of (name, version, arch); files: path to a set of those. Returns differences."""
    bad = []
    found = {(exact(r, "name"), exact(r, "version"), r["arch"]) for r in rows(image, PACKAGES) if r["db"] == db}
    bad += ["%s: package %s %s" % (what, item, "missing" if item in packages else "too many")
            for item in sorted(found ^ packages)]
    owned = {exact(r, "path"): (exact(r, "name"), exact(r, "version"), r["arch"])
             for r in rows(image, FILES) if r["db"] == db and r["claim"] == claim}
    for path in sorted(set(files) | set(owned)):
        if path not in owned:
            bad.append("%s: %s is nobody's, not %s" % (what, path, sorted(files[path])))
        elif path not in files:
            bad.append("%s: %s is %s's, not nobody's" % (what, path, owned[path]))
        elif owned[path] not in files[path]:
            bad.append("%s: %s is %s's, not %s" % (what, path, owned[path], sorted(files[path])))
    print("%s: %d packages, %d files, %d differences" % (what, len(packages), len(files), len(bad)))
    if not files:
        bad.append("%s: nothing was compared" % what)
    return bad


def write(folder, path, data=None):
    path = os.path.join(folder, path.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(path if data is None else data)


# dpkg -------------------------------------------------------------------------------------------------------------

def make_deb(work, name, paths, arch="all", version="1-1", conffiles=(), **fields):
    tree = os.path.join(work, "deb")
    shutil.rmtree(tree, ignore_errors=True)
    control = {"Package": name, "Version": version, "Architecture": arch, "Maintainer": "x <x@example.org>",
               "Description": "x", "Installed-Size": "7"}
    control.update({key.replace("_", "-"): value for key, value in fields.items()})
    write(tree, "DEBIAN/control", "".join("%s: %s\n" % item for item in control.items()))
    if conffiles:
        write(tree, "DEBIAN/conffiles", "".join(path + "\n" for path in conffiles))
    for path in paths:
        write(tree, path, "%s of %s\n" % (path, name if fields.get("Multi_Arch") != "same" or "common" not in path else "all"))
    out = os.path.join(work, "%s_%s_%s.deb" % (name, version, arch))
    run("dpkg-deb", "--root-owner-group", "--build", tree, out)
    return out


def dpkg_listed(query, packages, root):
    """What dpkg-query -L says, by package, with its diversions. query(*args) runs it."""
    files = collections.defaultdict(set)
    for binary, *package in packages:
        paths = []
        for line in query("-L", binary).splitlines():
            if line.startswith("package diverts others to: "):
                continue
            if line.startswith(("diverted by ", "locally diverted to: ")):
                paths[-1] = line.split(" to: ", 1)[1]
            else:
                paths.append(line)
        for path in paths:
            real = root.file(path)
            if real:
                files[real].add(tuple(package))
    return files


def dpkg_installed(query):
    lines = query("-W", "-f", "${binary:Package}\t${Package}\t${Version}\t${Architecture}\t${Status}\n").splitlines()
    split = [line.split("\t") for line in lines]
    return [item[:4] for item in split if item[4].endswith(" installed")]


def part_dpkg(work):
    need("dpkg", "dpkg-deb", "dpkg-divert", "dpkg-query")
    root = Root(os.path.join(work, "root"))
    for folder in ("usr/bin", "usr/lib", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        os.makedirs(os.path.join(root.folder, folder))
    for name in ("bin", "lib"):
        os.symlink("usr/" + name, os.path.join(root.folder, name))
    write(root.folder, "var/lib/dpkg/status", "")
    force = ["--force-not-root", "--force-bad-path", "--force-depends", "--force-architecture", "--force-script-chrootless",
             "--path-exclude=/usr/share/doc/*", "--root=" + root.folder]
    own = run("dpkg", "--print-architecture").strip()
    other = "i386" if own != "i386" else "amd64"

    def install(*debs):
        run("dpkg", *force, "-i", *debs)

    run("dpkg", *force, "--add-architecture", other)
    install(make_deb(work, "plain", ["/bin/plain", "/lib/p/x", "/usr/share/doc/plain/readme", "/usr/share/p/a b"]))
    install(make_deb(work, "conf", ["/etc/conf.d/kept", "/usr/bin/conf"], conffiles=["/etc/conf.d/kept"]))
    install(make_deb(work, "diverted", ["/bin/tool", "/usr/bin/other"]))
    run("dpkg-divert", "--root", root.folder, "--package", "diverter", "--rename", "--divert", "/bin/tool.real", "--add", "/bin/tool")
    run("dpkg-divert", "--root", root.folder, "--local", "--rename", "--divert", "/usr/bin/other.local", "--add", "/usr/bin/other")
    install(make_deb(work, "diverter", ["/bin/tool"]))
    install(make_deb(work, "before", ["/usr/lib/taken", "/usr/lib/stays"]))
    install(make_deb(work, "after", ["/usr/lib/taken"], Replaces="before"))
    install(make_deb(work, "both", ["/usr/share/both/common", "/usr/lib/both/" + own], own, Multi_Arch="same"))
    install(make_deb(work, "both", ["/usr/share/both/common", "/usr/lib/both/" + other], other, Multi_Arch="same"))
    run("dpkg", *force, "-r", "conf")
    write(root.folder, "usr/lib/nobodys")

    def query(*args):
        return run("dpkg-query", "--root=" + root.folder, *args)

    installed = dpkg_installed(query)
    files = dpkg_listed(query, installed, root)
    image = root.image(os.path.join(work, "image.tar"))
    return compare("dpkg", image, {tuple(item[1:]) for item in installed}, files, "dpkg")


def part_debian(work):
    folder = os.path.join(BIG, "rootfs")
    if not os.path.exists(os.path.join(BIG, "complete")) or os.geteuid() != 0:
        raise Skip("no image of tests/big, or no root")

    def query(*args):
        return run("chroot", folder, "dpkg-query", *args)

    root = Root(folder)
    installed = dpkg_installed(query)
    files = dpkg_listed(query, installed, root)
    # Names that the image's last layers gave to files of packages: one file, one owner.
    links = collections.defaultdict(list)
    for path in files:
        there = os.lstat(folder + path)
        if there.st_nlink > 1:
            links[there.st_ino].append(path)
    for base, _, names in os.walk(os.path.join(folder, "usr/local/bin")):
        for name in names:
            there = os.lstat(os.path.join(base, name))
            for path in links.get(there.st_ino, ()):
                files[os.path.join(base, name)[len(folder):]] = files[path]
    return compare("debian", os.path.join(BIG, "plain.tar"), {tuple(item[1:]) for item in installed}, files, "dpkg")


# rpm --------------------------------------------------------------------------------------------------------------

SPEC = """Name: {name}
Version: 1.3
Release: 2
{epoch}
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{{buildroot}}/usr/bin %{{buildroot}}/usr/share/{name}/sub %{{buildroot}}/etc %{{buildroot}}/shared %{{buildroot}}/var/log
echo {name} >%{{buildroot}}/usr/bin/{name}
ln -s {name} %{{buildroot}}/usr/bin/{name}-link
for i in 1 2 3; do echo $i{name} >%{{buildroot}}/usr/share/{name}/sub/f$i; done
echo conf >%{{buildroot}}/etc/{name}.conf
echo same >%{{buildroot}}/shared/common
mkdir -p %{{buildroot}}/usr/share/doc/{name}
echo doc >%{{buildroot}}/usr/share/doc/{name}/readme
%files
/usr/bin/*
/usr/share/{name}
%config(noreplace) /etc/{name}.conf
/shared/common
%doc /usr/share/doc/{name}/readme
%ghost /var/log/{name}.log
"""


def part_rpm(work):
    need("rpm", "rpmbuild")
    top = os.path.join(work, "top")
    root = Root(os.path.join(work, "root"))
    os.makedirs(root.folder)
    rpms = []
    for name, epoch in (("alpha", ""), ("beta", "Epoch: 7"), ("gamma", "")):
        write(work, name + ".spec", SPEC.format(name=name, epoch=epoch))
        run("rpmbuild", "-bb", "--quiet", "--define", "_topdir " + top, "--define", "__os_install_post %{nil}",
            os.path.join(work, name + ".spec"))
    for base, _, names in os.walk(os.path.join(top, "RPMS")):
        rpms += [os.path.join(base, name) for name in names]
    options = ["--root", root.folder, "--define", "_dbpath /var/lib/rpm"]
    run("rpm", *options, "--initdb")
    run("rpm", *options, "-i", "--nodeps", "--noscripts", "--excludedocs", *sorted(rpms))
    run("rpm", *options, "-e", "--nodeps", "--noscripts", "gamma")
    # As where /bin is a link: the database still has the old name.
    packages, files = set(), collections.defaultdict(set)
    out = run("rpm", *options, "-qa", "--qf",
              "P\t%{NAME}\t%{EVR}\t%{ARCH}\n[F\t%{=NAME}\t%{=EVR}\t%{=ARCH}\t%{FILESTATES}\t%{FILENAMES}\n]")
    for line in out.splitlines():
        kind, *fields = line.split("\t")
        if kind == "P":
            packages.add(tuple(fields))
        elif fields[3] == "0":
            real = root.file(fields[4])
            if real:
                files[real].add(tuple(fields[:3]))
    image = root.image(os.path.join(work, "image.tar"))
    return compare("rpm", image, packages, files, "rpm") + ndb(work, root, packages, files)


def ndb(work, root, packages, files):
    """The same headers in an ndb, written here as its description has it: Debian's rpm makes none."""
    import sqlite3
    import struct
    database = os.path.join(root.folder, "var/lib/rpm/rpmdb.sqlite")
    with sqlite3.connect(database) as db:
        blobs = [bytes(row[0]) for row in db.execute("SELECT blob FROM Packages")]
    db.close()
    for name in os.listdir(os.path.dirname(database)):
        os.unlink(os.path.join(os.path.dirname(database), name))
    slots = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0)
    data, block = b"", 4096 // 16
    for number, blob in enumerate(blobs, 1):
        body = struct.pack("<4sIII", b"BlbS", number, 0, len(blob)) + blob
        body += b"\0" * (-len(body) % 4) + struct.pack("<I", 0) + struct.pack("<I4s", len(blob), b"BlbE")
        body += b"\0" * (-len(body) % 16)
        slots += struct.pack("<4sIII", b"Slot", number, block, len(body) // 16)
        data += body
        block += len(body) // 16
    while len(slots) < 4096:
        slots += struct.pack("<4sIII", b"Slot", 0, 0, 0)
    with open(os.path.join(os.path.dirname(database), "Packages.db"), "wb") as out:
        out.write(slots + data)
    return compare("rpm ndb", root.image(os.path.join(work, "ndb.tar")), packages, files, "rpm")


# pip --------------------------------------------------------------------------------------------------------------

def make_wheel(work, name, version, members):
    stem = "%s-%s" % (name, version)
    out = os.path.join(work, stem + "-py3-none-any.whl")
    info = stem + ".dist-info/"
    members = dict(members)
    members[info + "METADATA"] = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n\nVersion: 0 is in the text.\n" % (name, version)
    members[info + "WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members[info + "entry_points.txt"] = "[console_scripts]\n%s-run = %s:main\n" % (name, name)
    record = "".join('"%s",,\n' % path if "," in path else "%s,,\n" % path for path in members)
    members[info + "RECORD"] = record + info + "RECORD,,\n"
    with zipfile.ZipFile(out, "w") as wheel:
        for path, data in members.items():
            wheel.writestr(path, data)
    return out


def part_pip(work):
    python = next((p for p in ("/usr/bin/python3", sys.executable)
                   if subprocess.run([p, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL).returncode == 0), None)
    if not python:
        raise Skip("no Python with venv and ensurepip")
    root = Root(os.path.join(work, "root"))
    prefix = os.path.join(root.folder, "opt/venv")
    run(python, "-m", "venv", "--copies", prefix)
    pip = os.path.join(prefix, "bin/pip")
    wheels = [make_wheel(work, "one", "1.0", {"one/__init__.py": "def main():\n\tpass\n", "one/deep/data, with comma": "x"}),
              make_wheel(work, "two_parts", "2.0.post1", {"two_parts.py": "x = 1\n", "one_two/__init__.py": ""})]
    run(pip, "install", "-q", "--no-index", "--disable-pip-version-check", *wheels)
    packages, files = set(), collections.defaultdict(set)
    for item in json.loads(run(pip, "list", "--format", "json", "--disable-pip-version-check")):
        package = (item["name"], item["version"], "")
        location, listing = None, False
        for line in run(pip, "show", "-f", item["name"]).splitlines():
            if line.startswith("Location: "):
                location = line[len("Location: "):]
            elif line == "Files:":
                listing = True
            elif listing and line.startswith("  "):
                path = os.path.normpath(os.path.join(location, line.strip()))
                real = root.file(path[len(root.folder):])
                if real:
                    files[real].add(package)
        packages.add(package)
    image = root.image(os.path.join(work, "image.tar"))
    # Names as METADATA spells them: pip list does the same.
    return compare("pip", image, packages, files, "pip")


# npm --------------------------------------------------------------------------------------------------------------

def part_npm(work):
    need("npm", "node")
    root = Root(os.path.join(work, "root"))
    app = os.path.join(root.folder, "app")
    env = dict(os.environ, HOME=work, npm_config_cache=os.path.join(work, "cache"), npm_config_offline="true",
               npm_config_audit="false", npm_config_fund="false", npm_config_update_notifier="false")

    def pack(name, version, files, depends=None):
        folder = os.path.join(work, "src", name.replace("/", "-") + version)
        write(folder, "package.json", json.dumps({"name": name, "version": version, "dependencies": depends or {}}))
        for path in files:
            write(folder, path, "// %s\n" % path)
        out = run("npm", "pack", "--silent", cwd=folder, env=env).split()[-1]
        return "file:" + os.path.join(folder, out)

    old = pack("leaf", "1.0.0", ["index.js", "lib/a.js"])
    new = pack("leaf", "2.0.0", ["index.js"])
    scoped = pack("@scope/branch", "3.1.0", ["index.js", "test/fixtures/package.json"], {"leaf": old})
    write(app, "package.json", json.dumps({"name": "app", "version": "0.0.1", "dependencies": {"leaf": new, "@scope/branch": scoped}}))
    try:
        run("npm", "install", "--silent", cwd=app, env=env)
    except RuntimeError as error:
        raise Skip("npm cannot install without a network: %s" % error) from error
    packages, files = set(), collections.defaultdict(set)
    for path in run("npm", "ls", "--all", "--parseable", "--long", cwd=app, env=env).splitlines():
        folder, spec = path.split(":")[:2]
        if folder == app:
            continue
        name, version = spec.rsplit("@", 1)
        package = (name, version, "")
        packages.add(package)
        for base, folders, names in os.walk(folder):
            folders[:] = [item for item in folders if item != "node_modules"]
            for item in names:
                files[os.path.join(base, item)[len(root.folder):]].add(package)
    image = root.image(os.path.join(work, "image.tar"))
    return compare("npm", image, packages, files, "npm", FOLDER)


# apk --------------------------------------------------------------------------------------------------------------

def apk_records(text):
    """By apk-tools' description of its database: packages, and the paths of each."""
    for paragraph in text.split("\n\n"):
        fields, folder, paths = {}, "", []
        for line in paragraph.splitlines():
            if line[:2] == "F:":
                folder = line[2:]
            elif line[:2] == "R:":
                paths.append("/" + folder + ("/" if folder else "") + line[2:])
            elif line[:1] not in "Ma" and line[:1] not in "Z":
                fields.setdefault(line[0], line[2:])
        if fields:
            yield (fields["P"], fields["V"], fields["A"]), paths


def part_apk(work):
    base = os.path.join(CORPUS, "public", "alpinelinux__docker-alpine")
    images = sorted(os.path.join(folder, name) for folder, _, names in os.walk(base) for name in names if name.endswith(".tar.gz"))
    if not images:
        raise Skip("no Alpine in the corpus")
    bad = []
    for number, image in enumerate(images):
        root = Root(os.path.join(work, "root%d" % number))
        os.makedirs(root.folder)
        with tarfile.open(fileobj=io.BytesIO(gzip.open(image).read())) as tar:
            members = [m for m in tar if m.isreg() or m.issym() or m.isdir() or m.islnk()]
            for member in members:
                member.mode |= 0o700
            tar.extractall(root.folder, members)
        with open(os.path.join(root.folder, "lib/apk/db/installed"), encoding="utf-8") as file:
            records = list(apk_records(file.read()))
        files = collections.defaultdict(set)
        for package, paths in records:
            for path in paths:
                real = root.file(path)
                if real:
                    files[real].add(package)
        bad += compare("apk " + os.path.basename(image), image, {package for package, _ in records}, files, "apk")
    return bad


def main():
    parts = {"dpkg": part_dpkg, "rpm": part_rpm, "pip": part_pip, "npm": part_npm, "apk": part_apk, "debian": part_debian}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[]] + list(parts))
    wanted = parser.parse_args().part or [name for name in parts if name != "debian"]
    bad, ran = [], 0
    for name in wanted:
        with tempfile.TemporaryDirectory() as work:
            try:
                bad += parts[name](os.path.realpath(work))
                ran += 1
            except Skip as why:
                print("%s: skipped: %s" % (name, why))
    for line in bad[:SHOWN]:
        print(line)
    if len(bad) > SHOWN:
        print("and %d more" % (len(bad) - SHOWN))
    return 1 if bad else 0 if ran else 77


if __name__ == "__main__":
    sys.exit(main())
