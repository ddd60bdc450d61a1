# SPDX-License-Identifier: Apache-2.0
"""What the tests of export and cp share: the command, TAP, an image with everything in it, unpacking."""
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "oracle"), os.path.join(HERE, "..", "corpus"), os.path.join(HERE, "..", "lib")]
import compare  # noqa: E402
import mkimage  # noqa: E402
import treewalk  # noqa: E402

PEEL = os.environ.get("PEEL", "peel")
SLOW = int(os.environ.get("PEEL_SLOW", "1"))
TIMEOUT = 600 * SLOW
# what no filesystem goes beyond
LONGEST = 4095
LARGEST = 1 << 40
# all that a tree on disk shows of itself; a folder's size and count are its filesystem's affair
FIELDS = ("kind", "mode", "uid", "gid", "size", "mtime", "link", "rdev", "group", "xattrs", "sha256")
UNPACK = ("tar", "--warning=no-timestamp", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-xpf")


class Wrong(Exception):
    """A check that failed, with texts."""


def command(*args, status=0, **options):
    """Run peel; its standard output. Another status than the wanted one is wrong."""
    run = subprocess.run([PEEL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, **options)
    if run.returncode != status:
        raise Wrong("peel %r: status %d, not %d: %s" % (args, run.returncode, status,
                                                        run.stderr.decode(errors="replace").strip()[-500:]))
    return run.stdout


def export(image, *options, status=0):
    """An export of an image, which is a path or a list of arguments."""
    return command("export", "--no-cache", *options, *([image] if isinstance(image, str) else image), status=status)


def unpack(tar, folder):
    """A tar's bytes unpacked by GNU tar into a new folder."""
    os.mkdir(folder)
    run = subprocess.run([*UNPACK, "-", "-C", folder], input=tar, stderr=subprocess.PIPE)
    if run.returncode or run.stderr:
        raise Wrong("tar: status %d: %s" % (run.returncode, run.stderr.decode(errors="replace")[:500]))
    return folder


def can_unpack(tar):
    """Paths, targets and sizes that no filesystem has are in an index all the same, and exported."""
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        return not any(len(m.name) > LONGEST or m.size > LARGEST or (
            m.issym() and not 0 < len(m.linkname) <= LONGEST) for m in archive)


def expect_equal(want, got, what="it"):
    if want != got:
        raise Wrong("%s is %r, not %r" % (what, got, want))


def expect_trees(want, got, fields=FIELDS, skip=lambda path, field: False):
    """Two listings that must be the same."""
    wrong = treewalk.differences(want, got, fields, skip)
    if wrong:
        raise Wrong("; ".join(text[:300] for text in wrong[:5]))


def run_checks(checks):
    """Run (name, function of a scratch folder) one by one, as TAP. @return the exit status."""
    failed = 0
    print("1..%d" % len(checks))
    for number, (name, check) in enumerate(checks, 1):
        folder = tempfile.mkdtemp(prefix="peel-export-")
        try:
            skipped = check(folder)
            print("ok %d - %s%s" % (number, name, " # SKIP %s" % skipped if skipped else ""), flush=True)
        except Exception as error:  # a broken check has failed too, and the others still run
            failed += 1
            print("not ok %d - %s" % (number, name))
            text = str(error) if isinstance(error, Wrong) else traceback.format_exc(limit=-2)
            print("\n".join("# " + line[:600] for line in text.split("\n")), flush=True)
        finally:
            # trees may be deeper than Python's recursion
            subprocess.run(["rm", "-rf", folder])
    return 1 if failed else 0


def need_root():
    """Owners and devices cannot be compared by anybody else."""
    if os.geteuid() != 0:
        print("SKIP: owners and devices need root")
        sys.exit(77)


def entry(kind, path, **values):
    return dict(values, type=kind, path=path)


LONG = b"n" * 255
DEEP = b"/".join([b"d" * 200] * 15)


def everything():
    """Layers that hold whatever a tar can."""
    lower = [
        entry("d", b"etc", mode=0o755, mtime=(1600000000, 1)),
        entry("f", b"etc/old", data=b"replaced later"),
        entry("f", b"gone", data=b"deleted later"),
        entry("f", b"empty"),
        entry("f", b"block", data=b"b" * 512),
        entry("f", b"big", data=bytes(range(256)) * 9000),
        entry("f", b"setuid", mode=0o6755, data=b"#!"),
        entry("f", b"secret", mode=0, uid=4294967294, gid=3000000, data=b"s"),
        entry("f", b"before", mtime=(-2, 500000000)),
        entry("f", b"precise", mtime=(1700000000, 123456789)),
        entry("f", b"tenth", mtime=(1700000000, 100000000)),
        entry("f", b"future", mtime=(9000000000, 1)),
        entry("f", b"attrs", xattrs={b"user.note": b"hello", b"user.empty": b"", b"user.bytes": bytes(range(256)),
                                     b"user.two words": b"a\nb", b"user.n\xc3\xa4me": b"=",
                                     b"trusted.t": b"t" * 3000}),
        entry("f", b"cap", mode=0o755, xattrs={b"security.capability": bytes.fromhex(
            "0100000200200000000000000000000000000000")}),
        entry("d", b"attrs.d", mode=0o1777, xattrs={b"user.d": b"folder"}),
        entry("f", b"acl", mode=0o664, xattrs={b"system.posix_acl_access": bytes.fromhex(
            "0200000001000600ffffffff02000700e803000004000400ffffffff10000600ffffffff20000400ffffffff")}),
        entry("d", b"late.d", mode=0o500, mtime=(1500000000, 500)),
        entry("f", b"late.d/f", data=b"x"),
        entry("f", b"late.d/.dot", data=b"x"),
    ]
    names = [
        entry("f", b"bad\xff\xfe", data=b"1"), entry("f", b"cesu\xed\xa0\x81\xed\xb0\x80", data=b"2"),
        entry("f", "größe".encode(), data=b"3"), entry("f", b"esc\x1b[31m", data=b"4"),
        entry("f", b"line\nend", data=b"5"), entry("f", b" blank ", data=b"6"), entry("f", b"back\\slash\\134", data=b"7"),
        entry("f", b"-rf", data=b"8"), entry("f", b"#comment", data=b"9"), entry("f", b"a=b,c\"d'e;*?[x]", data=b"10"),
        entry("f", b"x" * 100, data=b"11"), entry("f", b"y" * 101, data=b"12"), entry("f", LONG, data=b"13"),
        entry("d", b"z" * 99), entry("d", b"z" * 100), entry("f", DEEP + b"/leaf", data=b"14"),
        entry("f", b"PaxHeaders/x", data=b"15"), entry("f", b"...", data=b"16"),
        entry("l", b"link", link=b"etc/old"), entry("l", b"absolute", link=b"/etc/old"),
        entry("l", b"dangling", link=b"../../nowhere"), entry("l", b"longlink", link=b"t" * 100),
        entry("l", b"longerlink", link=b"/".join([b"t" * 99] * 30)), entry("l", b"badlink", link=b"to\xff\nthere"),
        entry("c", b"null", mode=0o666, major=1, minor=3), entry("b", b"disk", mode=0o660, major=259, minor=1000000),
        entry("p", b"fifo", mode=0o622, uid=7, gid=8),
        entry("h", b"late.d/hard", link=b"setuid", mode=0o6755), entry("h", b"y" * 150, link=LONG),
        entry("h", b"hard of link", link=b"link"), # umoci lets a file take after such a header, and leaves all else as it is
        entry("h", b"hard of fifo", link=b"fifo", mode=0o622, uid=7, gid=8),
    ]
    upper = [
        entry("f", b"etc/old", mode=0o600, uid=1000, gid=1000, data=b"new"),
        entry("w", b"gone"),
        entry("f", b"late.d/new", data=b"n"),
        entry("h", b"third", link=b"setuid", mode=0o6755),
        entry("f", b"holes", size=1 << 24, extents=[(4096, b"a" * 4096), (1 << 20, b"b" * 5000)]),
        entry("f", b"odd pieces", size=1 << 20, extents=[(4096, b"a" * 100), (4700, b"b"), (5200, b"c" * 9), (65540, b"d" * 700)]),
        entry("f", b"odd to the end", extents=[(0, b"a" * 100), (70000, b"b" * 1000)]),
        entry("f", b"hole at the end", size=1 << 20, extents=[(0, b"c" * 8192)]),
        entry("f", b"data at the end", extents=[(1 << 20, b"d" * 4096)]),
        entry("f", b"all hole", size=1 << 24, extents=[(0, b"")]),
        entry("f", b"no hole", size=4096, extents=[(0, b"e" * 4096)]),
        entry("f", b"touching", size=1 << 16, extents=[(0, b"f" * 4096), (4096, b"g" * 4096)]),
        entry("f", b"h" * 120 + b"/sparse with a long way to it", size=1 << 25, extents=[(1 << 24, b"h")]),
        entry("f", b"many holes", size=4 << 20, extents=[(i * 8192, b"%4096d" % i) for i in range(512)]),
    ]
    return [{"instruction": "lower", "entries": lower}, {"instruction": "names", "entries": names},
            {"instruction": "upper", "entries": upper}]


def rich_image(folder, form="docker-archive", compress="none"):
    """The image with everything in it. @return its path."""
    path = os.path.join(folder, "rich." + form)
    if not os.path.exists(path):
        mkimage.build(path, everything(), form=form, compress=compress, tags=["t"])
    return path
