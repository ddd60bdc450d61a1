# SPDX-License-Identifier: Apache-2.0
"""Turn what happened to a folder into image layers, straight into a docker-archive.

    layers.py snapshot ROOT STATE              remember what the folder holds
    layers.py layer ROOT STATE ARCHIVE TEXT    append a layer: all that changed since STATE; renew STATE
    layers.py finish ARCHIVE REF               write configuration and manifest.json, close the archive

A change is seen by lstat: inode, mode, owner, size, times. Every name of a changed inode is in the layer, as
an overlay driver would have it. Even layers carry times to the nanosecond, odd ones whole seconds, so that
both kinds of header are there.
"""
import hashlib
import json
import os
import pickle
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tarbytes  # noqa: E402

CHUNK = 1 << 20


def snapshot(root):
    """path → what lstat says, in tree order; the root itself is b''."""
    found = {}
    todo = [b""]
    while todo:
        path = todo.pop()
        full = os.path.join(root, path)
        st = os.lstat(full)
        found[path] = (st.st_mode, st.st_ino, st.st_uid, st.st_gid, st.st_size if not stat.S_ISDIR(st.st_mode) else 0,
                       st.st_mtime_ns, st.st_ctime_ns, st.st_rdev)
        if stat.S_ISDIR(st.st_mode):
            todo.extend(os.path.join(path, name) for name in os.listdir(full))
    return found


def deletions(old, new):
    """Names that are gone, topmost only."""
    gone = set(old) - set(new)
    return sorted(p for p in gone if os.path.dirname(p) not in gone)


class Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, file):
        self.file, self.sha, self.size = file, hashlib.sha256(), 0

    def write(self, data):
        self.file.write(data)
        self.sha.update(data)
        self.size += len(data)


KIND = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c", stat.S_IFBLK: "b",
        stat.S_IFIFO: "p"}


def write_entry(out, root, path, links, precise):
    """One file of the folder as a tar member."""
    full = os.path.join(root, path)
    st = os.lstat(full)
    kind = KIND.get(stat.S_IFMT(st.st_mode))
    if kind is None:
        return
    mtime = st.st_mtime_ns if precise else st.st_mtime_ns // 10 ** 9 * 10 ** 9
    name = path + b"/" if kind == "d" else path
    common = dict(mode=stat.S_IMODE(st.st_mode), uid=st.st_uid, gid=st.st_gid, mtime=mtime)
    if kind != "d" and st.st_nlink > 1:
        if st.st_ino in links:
            out.write(tarbytes.entry(name, "h", link=links[st.st_ino], **common))
            return
        links[st.st_ino] = path
    xattrs = {k.encode(): os.getxattr(full, k, follow_symlinks=False)
              for k in os.listxattr(full, follow_symlinks=False)}
    if kind != "f":
        link = os.readlink(full) if kind == "l" else b""
        rdev = (os.major(st.st_rdev), os.minor(st.st_rdev)) if kind in "cb" else (0, 0)
        out.write(tarbytes.entry(name or b"./", kind, link=link, rdev=rdev, xattrs=xattrs, **common))
        return
    out.write(tarbytes.entry(name, kind, size=st.st_size, xattrs=xattrs, **common))
    with open(full, "rb") as file:
        left = st.st_size
        while left:
            data = file.read(min(left, CHUNK))
            if not data:
                raise OSError("%r became shorter" % full)
            out.write(data)
            left -= len(data)
    out.write(tarbytes.pad(st.st_size))


def write_layer(out, root, old, new, precise):
    """All that changed between two snapshots, parents first."""
    wanted = {p for p in new if old.get(p) != new[p]}
    for path in list(wanted):
        while path:
            path = os.path.dirname(path)
            wanted.add(path)
    gone = deletions(old, new)
    names = sorted([(p, False) for p in wanted if p] + [(p, True) for p in gone])
    links = {}
    for path, deleted in names:
        if deleted:
            folder, base = os.path.split(path)
            out.write(tarbytes.entry(os.path.join(folder, b".wh." + base), "f"))
        else:
            write_entry(out, root, path, links, precise)
    out.write(tarbytes.END)


def layer(root, state, archive, text):
    """Append one layer to the archive; its header is written once digest and size are known."""
    with open(state, "rb") as file:
        old = pickle.load(file)
    new = snapshot(root)
    meta_path = archive + ".json"
    meta = json.load(open(meta_path)) if os.path.exists(meta_path) else []
    with open(archive, "r+b" if meta else "w+b") as file:
        start = file.seek(0, os.SEEK_END)
        file.write(b"\0" * tarbytes.BLOCK)
        out = Hashing(file)
        write_layer(out, root, old, new, len(meta) % 2 == 1)
        file.write(tarbytes.pad(out.size))
        digest = out.sha.hexdigest()
        file.seek(start)
        file.write(tarbytes.header(digest.encode() + b".tar", b"0", 0o644, 0, 0, out.size, 0))
    meta.append({"diff_id": digest, "size": out.size, "text": text})
    json.dump(meta, open(meta_path, "w"))
    with open(state, "wb") as file:
        pickle.dump(new, file)
    print("layer %d: %d bytes, %s" % (len(meta), out.size, text), file=sys.stderr)


def finish(archive, ref):
    """Configuration and manifest, then the end of the archive."""
    meta = json.load(open(archive + ".json"))
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["/bin/bash"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + m["diff_id"] for m in meta]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": m["text"]} for m in meta],
    }).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [ref],
                            "Layers": [m["diff_id"] + ".tar" for m in meta]}]).encode()
    with open(archive, "r+b") as file:
        file.seek(0, os.SEEK_END)
        for member, data in ((name, config), ("manifest.json", manifest)):
            file.write(tarbytes.entry(member.encode(), "f", size=len(data)) + data + tarbytes.pad(len(data)))
        file.write(tarbytes.END)
    os.unlink(archive + ".json")


def main(argv):
    verb = argv[1]
    if verb == "snapshot":
        with open(argv[3], "wb") as file:
            pickle.dump(snapshot(os.fsencode(argv[2])) if argv[2] else {}, file)
    elif verb == "layer":
        layer(os.fsencode(argv[2]), argv[3], argv[4], argv[5])
    elif verb == "finish":
        finish(argv[2], argv[3])
    else:
        raise SystemExit("usage: layers.py snapshot|layer|finish …")


if __name__ == "__main__":
    main(sys.argv)
