# SPDX-License-Identifier: Apache-2.0
"""Tar headers from byte strings, exactly as asked: what Python's tarfile would tidy up, this writes.

entry(name, …) gives the bytes of one member's headers: a pax header where a field needs one (or where the
caller asks for it), then the ustar header. Names, link targets and xattrs are bytes.
"""

BLOCK = 512
END = b"\0" * (2 * BLOCK)
# typeflags by the letters that peel's index uses
FLAG = {"f": b"0", "h": b"1", "l": b"2", "c": b"3", "b": b"4", "d": b"5", "p": b"6"}


def pad(size):
    """Zero bytes up to the next block."""
    return b"\0" * (-size % BLOCK)


def record(key, value):
    """One pax record: its length counts itself."""
    body = b" " + key + b"=" + value + b"\n"
    size = len(body)
    while len(str(size)) + len(body) != size:
        size = len(str(size)) + len(body)
    return str(size).encode() + body


def octal(value, width):
    """An octal field, or GNU base-256 where it does not fit."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    raw = bytearray((value & (1 << (8 * width)) - 1).to_bytes(width, "big"))
    raw[0] = 0xFF if value < 0 else raw[0] | 0x80
    return bytes(raw)


def header(name, flag, mode, uid, gid, size, mtime, link=b"", major=0, minor=0):
    """One 512-byte ustar header; name and link are cut at 100 bytes."""
    raw = bytearray(BLOCK)

    def put(offset, value):
        raw[offset:offset + len(value)] = value

    put(0, name[:100])
    put(100, octal(mode, 8))
    put(108, octal(uid, 8))
    put(116, octal(gid, 8))
    put(124, octal(size, 12))
    put(136, octal(mtime, 12))
    put(148, b" " * 8)
    put(156, flag)
    put(157, link[:100])
    put(257, b"ustar\x0000")
    put(329, octal(major, 8))
    put(337, octal(minor, 8))
    put(148, b"%06o\0 " % sum(raw))
    return bytes(raw)


def pax(records, flag=b"x"):
    """A pax header member out of (key, value) pairs."""
    body = b"".join(record(k, v) for k, v in records)
    return header(b"PaxHeaders/0", flag, 0o644, 0, 0, len(body), 0) + body + pad(len(body))


def time_text(ns):
    """A pax time: seconds, and a fraction where there is one."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    sec, frac = divmod(ns, 10 ** 9)
    return ("%s%d" % (sign, sec) + (".%09d" % frac).rstrip("0") if frac else "%s%d" % (sign, sec)).encode()


def entry(name, kind, mode=0o644, uid=0, gid=0, size=0, mtime=0, link=b"", rdev=(0, 0), xattrs=None,
          extra=(), flag=None):
    """Headers of one member; mtime is in nanoseconds, size counts the bytes that follow."""
    records = list(extra)
    if len(name) > 100:
        records.append((b"path", name))
    if len(link) > 100:
        records.append((b"linkpath", link))
    if mtime % 10 ** 9 or mtime < 0:
        records.append((b"mtime", time_text(mtime)))
    if size >= 8 ** 11:
        records.append((b"size", b"%d" % size))
    for key, value in ((b"uid", uid), (b"gid", gid)):
        if value >= 8 ** 7:
            records.append((key, b"%d" % value))
    for key in sorted(xattrs or {}):
        records.append((b"SCHILY.xattr." + key, xattrs[key]))
    head = pax(records) if records else b""
    return head + header(name, flag or FLAG[kind], mode, uid if uid < 8 ** 7 else 0, gid if gid < 8 ** 7 else 0,
                         size if size < 8 ** 11 else 0, max(mtime // 10 ** 9, 0), link, *rdev)
