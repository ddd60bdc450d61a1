# SPDX-License-Identifier: Apache-2.0
"""Everything that a folder tree tells a program, for comparing two of them.

listing(root) gives path (bytes, b"" for the root) → Item. Reads every byte; never follows a link.
"""
import collections
import hashlib
import os
import stat

Item = collections.namedtuple("Item", "kind mode uid gid size mtime link rdev group sha256 xattrs nlink blocks ino")
KIND = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c", stat.S_IFBLK: "b",
        stat.S_IFIFO: "p", stat.S_IFSOCK: "s"}
CHUNK = 1 << 20


def hash_file(path):
    """SHA-256 of a file's bytes, and how many there were."""
    sha, size = hashlib.sha256(), 0
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        while True:
            data = os.read(fd, CHUNK)
            if not data:
                return sha.hexdigest(), size
            sha.update(data)
            size += len(data)
    finally:
        os.close(fd)


def get_xattrs(path):
    """All xattrs of a file itself, as bytes."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return {}
    return {os.fsencode(n): os.getxattr(path, n, follow_symlinks=False) for n in names}


def item(path, content):
    st = os.lstat(path)
    kind = KIND[stat.S_IFMT(st.st_mode)]
    link = os.readlink(path) if kind == "l" else b""
    sha256 = ""
    if kind == "f" and content:
        sha256, size = hash_file(path)
        if size != st.st_size:
            raise OSError("%r: read %d of %d bytes" % (path, size, st.st_size))
    rdev = (os.major(st.st_rdev), os.minor(st.st_rdev)) if kind in "cb" else (0, 0)
    return Item(kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, 0 if kind == "d" else st.st_size, st.st_mtime_ns,
                link, rdev, None, sha256, get_xattrs(path), st.st_nlink, st.st_blocks, st.st_ino)


def listing(root, content=True):
    """The tree below root. group is the first path, in byte order, of a file with several names in the tree."""
    root = os.fsencode(root)
    found, todo, device = {}, [b""], os.lstat(root).st_dev
    while todo:
        path = todo.pop()
        full = os.path.join(root, path) if path else root
        found[path] = item(full, content)
        if found[path].kind == "d":
            if os.lstat(full).st_dev != device:
                raise OSError("%r is on another device" % full)
            # depth first, in the order of the listing: how tools walk, and how a mount likes to be read
            todo += [os.path.join(path, name) for name in reversed(os.listdir(full))]
    groups = {}
    for path in sorted(found):
        if found[path].kind != "d":
            groups.setdefault(found[path].ino, path)
    return {p: i if i.kind == "d" else i._replace(group=groups[i.ino]) for p, i in found.items()}


def differences(want, got, fields, skip=lambda path, field: False):
    """Texts for all that differs between two listings in some fields."""
    out = ["%r: only in the %s" % (p, "first" if p in want else "second") for p in sorted(set(want) ^ set(got))]
    for path in sorted(set(want) & set(got)):
        for field in fields:
            a, b = getattr(want[path], field), getattr(got[path], field)
            if a != b and not skip(path, field):
                if field == "mode":
                    a, b = "%o" % a, "%o" % b
                out.append("%r: %s %r, not %r" % (path, field, b, a))
    return out
