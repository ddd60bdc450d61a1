# SPDX-License-Identifier: Apache-2.0
"""Threats 1, 2, 3 and 5 to 10: what is in the file, from its outer members to one header's number."""
import os
import struct
import subprocess

from common import (PEEL, aged, archive, case, expect, f, findings, folder, hard, image, layout, link, mkimage, parts, peel, refused,  # noqa: F401
                    rootfs, tarbytes)

TAR_END = bytes(1024)


def names(done):
    return set(done.out.decode("utf-8", "replace").split("\n")) - {""}


def manifest(layers=("l",), config="c", **more):
    return mkimage.json_bytes([dict({"Config": config, "RepoTags": None, "Layers": list(layers)}, **more)])


def docker(documents=None, **names_of):
    """Members of a docker archive with one layer."""
    tar, config = parts()
    return [("c", config), ("l", tar), ("manifest.json", documents or manifest(**names_of))]


# ---- 1: paths


@case
def root_symlink():
    """CVE-2021-29136: a layer makes the root itself a symlink that leads out."""
    os.makedirs("outside")
    i = image([f("a")], [link("./", os.path.abspath("outside")), link(".", os.path.abspath("outside")), f("b")])
    os.makedirs("out")
    peel("cp", "-r", i, "/", "out")
    expect(os.listdir("outside") == [], "written outside:", os.listdir("outside"))
    done = peel("ls", i)
    expect(names(done) == {"a", "b"}, done)
    expect("bad-root-entry" in findings(i), findings(i))


@case
def cp_through_symlink():
    """CVE-2018-15664: the target of a copy has become a symlink that leads out."""
    i = image([folder("etc"), f("etc/evil")])
    os.makedirs("outside")
    os.makedirs("out")
    os.symlink("../outside", "out/etc")
    # The cage would hold it too: it is not what is asked here.
    peel("cp", "--no-sandbox", "-r", i, "/etc", "out")
    expect(os.listdir("outside") == [], "written outside:", os.listdir("outside"))


@case
def zip_slip():
    """Zip-slip: names that climb."""
    i = image([f("../../../slip"), f("a/../../slip2"), f("/abs")])
    done = peel("ls", i)
    expect(names(done) == {"slip", "slip2", "abs"}, done)
    expect("path-traversal" in findings(i), findings(i))
    os.makedirs("deep/er/out")
    peel("cp", "-r", i, "/", "deep/er/out")
    expect(not os.path.exists("slip") and not os.path.exists("deep/slip") and not os.path.exists("deep/er/slip"), "written outside")


@case
def breakout():
    """containerd's breakouts: an entry below a symlink that leads out, hard links to what is outside."""
    i = image([folder("in"), link("out", "/in"), f("out/f", b"below"), link("up", "../../../../in"), f("up/g", b"below"),
               hard("passwd", "../../../../etc/passwd")])
    for path in ("/in/f", "/in/g"):
        done = peel("cat", i, path)
        expect(done.status == 0 and done.out == b"below", path, done)
    expect("bad-hardlink" in findings(i), findings(i))


@case
def link_walk():
    """A symlink with more ".." than the image has folders names the image's root, not the machine's."""
    i = image([folder("etc"), f("etc/hostname", b"image"), link("l", "../../../../../../../../etc/hostname")])
    done = peel("cat", i, "/l")
    expect(done.status == 0 and done.out == b"image", done)


# ---- 2: one file, two readings


@case
def tarmageddon():
    """CVE-2025-62518: the pax size counts, not the zero of the header before it."""
    inner = mkimage.layer_tar([f("smuggled", b"evil")])
    tar = tarbytes.entry(b"carrier", "f", size=0, extra=[(b"size", b"%d" % len(inner))]) + inner
    done = peel("ls", rootfs(tar + mkimage.layer_tar([f("after")])))
    expect(names(done) == {"carrier", "after"}, done)


@case
def pax_size_of_extension():
    """CVE-2026-53655: a pax size is the file's, not that of a long name's header that stands between."""
    long_name = b"n" * 150
    tar = tarbytes.pax([(b"size", b"4")]) + tarbytes.header(b"././@LongLink", b"L", 0, 0, 0, len(long_name) + 1, 0) + \
        (long_name + b"\0").ljust(512, b"\0") + tarbytes.header(b"short", b"0", 0o644, 0, 0, 0, 0) + b"data".ljust(512, b"\0")
    r = rootfs(tar + mkimage.layer_tar([f("after")]))
    done = peel("ls", r)
    expect(names(done) == {long_name.decode(), "after"}, done)
    expect(peel("cat", r, "/" + long_name.decode()).out == b"data", "other bytes")


@case
def duplicate_manifest():
    """o01: two manifest.json in one archive are two images."""
    other, config = parts(b"y", "g")
    refused(peel("ls", archive(docker() + [("d", config), ("m", other), ("manifest.json", manifest(layers=["m"], config="d"))])), b"twice")


@case
def duplicate_layer():
    """o06: a member that comes twice with other bytes."""
    other, _ = parts(b"y", "g")
    refused(peel("ls", archive(docker() + [("l", other)])), b"twice")


@case
def duplicate_key():
    """o02: a JSON key twice."""
    refused(peel("ls", archive(docker(b'[{"Config":"c","Layers":["l"],"Layers":[]}]'))), b"twice")


@case
def key_in_two_cases():
    """o03: a JSON key in two spellings of case."""
    refused(peel("ls", archive(docker(b'[{"Config":"c","Layers":["l"],"LAYERS":[]}]'))), b"twice")


@case
def trailing_json():
    """o04: another document behind the document."""
    refused(peel("ls", archive(docker(manifest() + b'[{"Config":"c","Layers":[]}]'))), b"no valid JSON")


@case
def hybrid():
    """o05: an archive that is one image to docker and another to OCI."""
    layout("l")
    members = [("oci-layout", open("l/oci-layout", "rb").read()), ("index.json", open("l/index.json", "rb").read())]
    members += [("blobs/sha256/" + name, open("l/blobs/sha256/" + name, "rb").read()) for name in sorted(os.listdir("l/blobs/sha256"))]
    tar, config = parts(b"other", "g")
    members += [("c", config), ("m", tar), ("manifest.json", manifest(layers=["m"]))]
    refused(peel("ls", archive(members)))


# ---- 3: memory


def changed_index(i, *statements):
    """An index of an image in which a stranger has written."""
    import sqlite3
    expect(peel("ls", "--index", "x.peel", aged(i)).status == 0, "no index")
    with sqlite3.connect("x.peel") as db:
        for statement in statements:
            db.execute(statement)
    return ["--index", "x.peel", i]


@case
def index_past_the_end():
    """squashfuse #158: an index that says that a file is past the end of its layer gets no byte from there."""
    i = image([f("a", b"inside")], [f("b", b"secret of the next" * 100)])
    done = peel("cat", *changed_index(
        i, "UPDATE entry SET size = 100, data = 2048 WHERE name = CAST('a' AS BLOB)"), "/a")
    expect(done.status != 0 and not done.out, done)


@case
def long_names_in_an_index():
    """squashfuse #153: a name longer than a name can be overruns no buffer."""
    i = image([folder("d"), f("d/" + "n" * 250)])
    words = changed_index(i, "UPDATE entry SET name = CAST(replace(hex(zeroblob(9000)), '0', 'n') AS BLOB) WHERE length(name) > 200")
    for verb in (["ls", "-lR"], ["ls", "-lR", "--layer", "0"], ["find"], ["du", "-a"]):
        done = peel(*verb, "--no-sandbox", *words)
        expect(done.status >= 0, verb, "died of signal", -done.status)


@case
def sparse_of_libarchive():
    """libarchive 3.6.2 frees the sparse map of a file that is one extent, and then reads it."""
    text = b"1\n0\n5\n"
    tar = tarbytes.entry(b"GNUSparseFile.0/s", "f", size=517, extra=[
        (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"), (b"GNU.sparse.realsize", b"5")])
    r = rootfs(tar + text.ljust(512, b"\0") + b"whole".ljust(512, b"\0") + TAR_END)
    # What is freed is overwritten, so that reading it shows.
    done = peel("cat", r, "/s", env=dict(os.environ, MALLOC_PERTURB_="165"))
    expect(done.status == 0 and done.out == b"whole" and not done.err, done)
    expect("libarchive-differs" not in findings(r) and not findings(r) - {"implied"}, findings(r))


# ---- 4: the cage


@case
def caged():
    """What reads a stranger's file is a process whose system calls are on a list, without capabilities."""
    i = image([f("n%05d" % n) for n in range(30000)])
    child = subprocess.Popen([PEEL, "index", "--no-cache", i], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    held = set()
    while child.poll() is None:
        for pid in [child.pid] + children_of(child.pid):
            held.add((pid == child.pid, *rights_of(pid)))
    expect(child.returncode == 0, child.returncode)
    expect((False, "2", "0" * 16) in held, "no child that reads in a cage:", held)


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as words:
            return [int(word) for word in words.read().split()]
    except OSError:
        return []


def rights_of(pid):
    """Seccomp's mode, and the capabilities."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as status:
            values = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        return values.get("Seccomp", ""), values.get("CapEff", "")
    except (OSError, ValueError):
        return "", ""


# ---- 5, 6: bombs


def bomb(size=20 << 20, **keys):
    return image([f("zeros", bytes(size))], **keys)


@case
def gzip_bomb():
    """A layer that is mostly zeros, against a ratio that is lower than the default for the test's sake."""
    done = peel("ls", "--limit", "ratio=100", "--limit", "ratio-from=1M", bomb(compress="gzip"))
    expect(done.status == 3 and b"ratio" in done.err, done)


@case
def decoded_bytes():
    """CVE-2017-14992: what is decoded is bounded in all."""
    done = peel("ls", "--limit", "total-bytes=1M", bomb(compress="gzip"))
    expect(done.status == 3 and b"total-bytes" in done.err, done)


@case
def zstd_window():
    """A zstd frame that wants two gigabytes of memory before its first byte."""
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + struct.pack("<I", 1 | 512 << 3)[:3] + bytes(512) + b"\x01\0\0"
    done = peel("ls", rootfs(frame))
    expect(done.status in (2, 3) and b"window" in done.err, done)


@case
def entry_bomb():
    """More entries than a limit that is low for the test's sake."""
    i = image([f("n%04d" % n, b"") for n in range(2000)])
    done = peel("ls", "--limit", "entries=1000", i)
    expect(done.status == 3 and b"entries" in done.err, done)


@case
def deep_tree():
    """A tree deeper than a limit that is low for the test's sake."""
    done = peel("ls", "--limit", "depth=100", image([f("d/" * 200 + "f")]))
    expect(done.status == 3 and b"depth" in done.err, done)


# ---- 7: sparse files


def sparse_one(count):
    """A file with a pax 1.0 map that says it has count extents."""
    text = b"%d\n" % count + b"0\n0\n" * min(count, 100)
    return tarbytes.entry(b"GNUSparseFile.0/s", "f", size=len(text) + -len(text) % 512, extra=[
        (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"), (b"GNU.sparse.realsize", b"5")]) + text + tarbytes.pad(len(text))


@case
def sparse_map_pax():
    """CVE-2025-58183: a pax 1.0 sparse map is bounded before it is read."""
    done = peel("ls", rootfs(sparse_one(1 << 40) + TAR_END))
    expect(done.status == 3 and b"sparse-extents" in done.err, done)


@case
def sparse_map_gnu():
    """CVE-2026-32288: so is an old GNU one, however many blocks it goes on for."""
    blocks = 65536 // 21 + 2
    head = bytearray(tarbytes.header(b"s", b"S", 0o644, 0, 0, 0, 0))
    head[257:265] = b"ustar  \0"
    head[482:483] = b"\1"
    head[483:495] = b"%011o\0" % 0
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    pair = b"%011o\0" % 0 + b"%011o\0" % 0
    body = (pair * 21 + b"\1").ljust(512, b"\0") * blocks
    done = peel("ls", rootfs(bytes(head) + body + TAR_END))
    expect(done.status == 3 and b"sparse-extents" in done.err, done)


@case
def sparse_overlap():
    """Extents that overlap or end past the file make no file."""
    def one(extents):
        records = b"".join(b"%d\n%d\n" % pair for pair in extents)
        text = b"%d\n" % len(extents) + records
        text += tarbytes.pad(len(text))
        data = b"d" * sum(length for _, length in extents)
        return tarbytes.entry(b"GNUSparseFile.0/s", "f", size=len(text) + len(data), extra=[
            (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
            (b"GNU.sparse.realsize", b"100")]) + text + data + tarbytes.pad(len(data))

    for extents in ([(0, 50), (20, 50)], [(90, 50)]):
        r = rootfs(one(extents) + TAR_END)
        expect("bad-sparse" in findings(r), extents, findings(r))
        expect(peel("cat", r, "/s").status != 0, extents, "is shown")


# ---- 8: JSON


@case
def json_size():
    """CVE-2020-1702, and containerd's cap: a manifest of 20 MiB is not read into memory."""
    done = peel("ls", archive(docker(manifest()[:-1] + b" " * (20 << 20) + b"]")))
    expect(done.status == 3 and b"json-size" in done.err, done)


@case
def json_depth():
    """JSON of 100,000 levels."""
    done = peel("ls", archive(docker(b"[" * 100000 + b"]" * 100000)))
    expect(done.status == 3 and b"json-depth" in done.err, done)


# ---- 9: digests


@case
def manifest_and_index():
    """CVE-2021-41190: a document that is a manifest to one reader and an index to the next."""
    refused(peel("ls", "oci:%s:t" % layout(change=lambda d: d["manifest"].update(manifests=[]))), b"CVE-2021-41190")


@case
def digest_path():
    """CVE-2024-3727: a digest that is a path."""
    with open("secret", "wb") as out:
        out.write(b"{}")

    def change(documents):
        documents["late"] = lambda d: d["index"]["manifests"][0].update(digest="sha256:../../../secret", size=2)

    refused(peel("ls", "oci:%s:t" % layout(change=change)), b"is no digest")


@case
def lying_size():
    """A descriptor whose size is not the blob's."""
    def change(documents):
        documents["late"] = lambda d: d["index"]["manifests"][0].update(size=d["index"]["manifests"][0]["size"] + 7)

    refused(peel("ls", "oci:%s:t" % layout(change=change)))


@case
def lying_digest():
    """A blob that has not the digest that it is found by."""
    layout("l")
    path = [name for name in os.listdir("l/blobs/sha256") if b"schemaVersion" in open("l/blobs/sha256/" + name, "rb").read()][0]
    with open("l/blobs/sha256/" + path, "r+b") as out:
        data = out.read().replace(b'"schemaVersion":2', b'"schemaVersion":3')
        out.seek(0)
        out.write(data)
    refused(peel("ls", "oci:l:t"), b"digest")


# ---- 10: owners


@case
def uid_becomes_root():
    """CVE-2024-40635, CVE-2024-46680: an owner over 32 bits, which a runtime cuts to root."""
    r = rootfs(tarbytes.entry(b"a", "f", uid=1 << 32) + tarbytes.entry(b"b", "f", gid=(1 << 32) - 1) + TAR_END)
    expect("uid-becomes-root" in findings(r), findings(r))
