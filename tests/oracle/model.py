# SPDX-License-Identifier: Apache-2.0
"""A slow, obvious model of how layers stack (DESIGN section 9; semantics.md part (a)).

Every layer is applied on its own to an empty tree, in the order of its entries, as an overlay driver would:

- paths are cleaned lexically and clamped at the root; duplicates: the last wins;
- a parent that is a symlink in the same layer is followed, inside that layer's own tree;
- a parent that is missing is made; below anything else an entry is unreachable;
- whiteouts and opaque markers only note what lower layers lose; they never touch the layer's own tree;
- a hard link binds to the inode that its target has at that moment: in the layer's own tree, else in the merged
  lower tree less this layer's whiteouts; its header sets the inode's metadata. No such inode: not shown.

Then the layer's tree is put over the merged lower tree: whiteouts first, then name by name. A folder that the layer
only implies keeps a lower folder's metadata, replaces a lower symlink, and cannot replace anything else.

merge() also tells what became of every entry, as a set of reasons that are right (the rules sometimes allow two), and
which entries stand where the rules leave the result open: a generator takes those out again.
"""

LINK_MAX = 40
WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"
VISIBLE = frozenset(["visible"])


class Entry:
    """One tar entry. data is bytes for regular files: what a reader sees, holes filled with zeros."""

    def __init__(self, path, kind, mode=0o644, uid=0, gid=0, mtime=0, data=b"", link=b"", rdev=(0, 0), xattrs=None):
        self.path, self.kind, self.mode, self.uid, self.gid = path, kind, mode, uid, gid
        self.mtime, self.data, self.link, self.rdev = mtime, data, link, rdev
        self.xattrs = dict(xattrs or {})
        self.sparse = None  # or a list of (offset, length): how gen.py stores data
        self.layer = self.pos = -1

    def __repr__(self):
        return "<%d.%d %s %r>" % (self.layer, self.pos, self.kind, self.path)


class Inode:
    def __init__(self, entry):
        self.kind, self.data, self.link, self.rdev = entry.kind, entry.data, entry.link, entry.rdev
        # the entry that has the data, and those of hard links to it
        self.names = [entry]
        self.xattrs = {}
        self.set_metadata(entry)

    def set_metadata(self, entry):
        self.mode, self.uid, self.gid, self.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
        self.xattrs.update(entry.xattrs)


class Node:
    """A name in a tree: a leaf has an inode; a folder has children, and an inode where an entry gave it metadata."""

    def __init__(self, entry=None, inode=None, is_dir=False):
        self.entry, self.inode = entry, inode
        self.is_dir = is_dir
        self.children = {}
        self.whiteouts = {}
        self.opaque = None
        # a folder that was made on the way to something, before any entry for it
        self.made = False
        # the layer had something else at this path before
        self.again = False

    @property
    def is_link(self):
        return not self.is_dir and self.inode.kind == "l"

    def explicit(self):
        return not self.is_dir or self.entry is not None

    def real(self):
        """True where the layer has this name, and not only whiteouts below it."""
        return self.explicit() or any(c.real() for c in self.children.values())

    def entries(self):
        """Every entry at and below."""
        if self.entry is not None:
            yield self.entry
        for child in self.children.values():
            yield from child.entries()

    def everything(self):
        """Every entry at and below, whiteouts too."""
        found = list(self.entries())
        todo = [self]
        while todo:
            node = todo.pop()
            found += list(node.whiteouts.values()) + ([node.opaque] if node.opaque else [])
            todo += node.children.values()
        return found


def new_dir():
    return Node(is_dir=True)


def clean(path):
    """Lexical cleaning, clamped at the root: a list of components."""
    out = []
    for part in path.split(b"/"):
        if part == b"..":
            out = out[:-1]
        elif part not in (b"", b"."):
            out.append(part)
    return out


class Unreachable(Exception):
    pass


class Layer:
    """A layer applied to an empty tree; lower is the merged tree below, for hard links."""

    def __init__(self, lower, result):
        self.root, self.lower, self.result = new_dir(), lower, result
        self.white = []
        # the last walk passed a symlink that is a hard link, or something else that drivers may take otherwise
        self.odd = False
        # symlinks that were followed to the entry's parent
        self.followed = []
        # paths of entries that were out of reach
        self.lost = result.lost

    def walk(self, parts, make):
        """The own folder at parts, symlinks followed in the own tree, missing folders made."""
        todo, at, hops = list(parts), [self.root], 0
        while todo:
            part = todo.pop(0)
            if part == b"..":
                # "missing/..": made on the way, or not?
                self.odd |= at[-1].made and not at[-1].real()
                at = at[:-1] or at
                continue
            node = at[-1].children.get(part)
            if node is None:
                if not make:
                    raise Unreachable
                node = at[-1].children[part] = new_dir()
                node.made = True
            if node.is_dir:
                at.append(node)
            elif node.is_link:
                hops += 1
                if hops > LINK_MAX:
                    raise Unreachable
                self.followed.append(node)
                if node.entry.kind == "h":
                    self.odd = True
                if node.inode.link.startswith(b"/"):
                    at = at[:1]
                todo = [p for p in node.inode.link.split(b"/") if p not in (b"", b".")] + todo
            else:
                raise Unreachable
        return at[-1]

    def deleted_later(self, entries, at, parts):
        """Whether a whiteout further on in the layer takes a path: then it depends on the driver what a link finds."""
        for entry in entries[at + 1:]:
            gone = clean(entry.path)
            if gone and gone[-1] == OPAQUE:
                gone = gone[:-1]
            elif gone and gone[-1].startswith(WHITEOUT):
                gone[-1] = gone[-1][len(WHITEOUT):]
            else:
                continue
            if parts[:len(gone)] == gone:
                return True
        return False

    def apply(self, entries):
        for at, entry in enumerate(entries):
            parts = clean(entry.path)
            if entry.kind == "h" and self.deleted_later(entries, at, clean(entry.link)):
                self.result.open_question(entry)
            self.odd, self.followed = False, []
            try:
                self.apply_one(entry, parts)
            except Unreachable:
                self.lost.add(tuple(parts))
                self.result.hide([entry], entry.layer, {"unreachable"})
                # a whiteout below the layer's own file: nothing to say against it taking effect
                self.odd |= parts[-1:] != [] and parts[-1].startswith(WHITEOUT)
            if self.odd:
                self.result.open_question(entry)
        if any(led for _, _, _, led in self.white):
            # did the links before it find what a whiteout that was led elsewhere takes?
            self.result.open += [e for e in entries if e.kind == "h"]
        for entry, parts, node, _ in self.white:
            try:
                if self.walk(parts, False) is not node:
                    self.result.open_question(entry)
            except Unreachable:
                self.result.open_question(entry)

    def apply_one(self, entry, parts):
        if not parts:
            if entry.kind != "d":
                raise Unreachable
            self.drop_duplicate(self.root)
            self.root.entry, self.root.inode = entry, Inode(entry)
            return
        name = parts[-1]
        if name == OPAQUE or name.startswith(WHITEOUT):
            self.whiteout(entry, parts[:-1], name)
            return
        if entry.kind == "h":
            # looked up before anything is made: a link that binds to nothing changes nothing
            inode = self.target(clean(entry.link))
            if inode is None:
                self.result.hide([entry], entry.layer, {"broken-link"})
                try:
                    made = not self.walk(parts[:-1], False).real()
                except Unreachable:
                    made = True
                if made and len(parts) > 1 or self.peek(parts) is not None or tuple(clean(entry.link)) in self.lost:
                    # are the folders on the way to it there? is what it would have replaced?
                    self.result.open_question(entry)
                return
            before = self.peek(parts)
            if clean(entry.link) == parts or before is not None and before.inode is inode:
                self.result.open_question(entry)
            try:
                folder = self.walk(parts[:-1], True)
            except Unreachable:
                # does its header count?
                self.odd = True
                raise
            self.result.bound[(entry.layer, entry.pos)] = (inode.mode, inode.uid, inode.gid, inode.mtime,
                                                           dict(inode.xattrs))
            inode.set_metadata(entry)
            inode.names.append(entry)
            self.put(folder, name, Node(entry, inode))
            return
        folder = self.walk(parts[:-1], True)
        old = folder.children.get(name)
        if entry.kind == "d" and old is not None and old.is_dir:
            self.drop_duplicate(old)
            old.again = old.entry is not None
            old.entry, old.inode = entry, Inode(entry)
            return
        inode = Inode(entry)
        self.result.inodes[(entry.layer, entry.pos)] = inode
        self.put(folder, name, Node(entry, inode, entry.kind == "d"))

    def peek(self, parts):
        try:
            return self.walk(parts[:-1], False).children.get(parts[-1])
        except Unreachable:
            return None

    def drop_duplicate(self, node):
        if node.entry is not None:
            self.result.hide([node.entry], node.entry.layer, {"duplicate"})

    def put(self, folder, name, node):
        old = folder.children.get(name)
        if old is not None:
            # an entry that takes the place of the very link it was reached by
            self.odd |= old in self.followed
            self.drop_duplicate(old)
            below = [e for e in old.entries() if e is not old.entry]
            self.result.hide(below, node.entry.layer, {"duplicate", "replaced"})
            node.again = True
            if node.is_dir:
                # a driver that applies a layer in place has lost the lower folder by now
                self.result.open_question(node.entry)
            if old.is_dir and (old.whiteouts or old.opaque or below):
                self.result.open_question(node.entry)
        folder.children[name] = node

    def whiteout(self, entry, parents, name):
        if name in (WHITEOUT, b".wh..", b".wh..."):
            return
        if name.startswith(b".wh..wh.") and name != OPAQUE:
            self.result.hide([entry], entry.layer, {"marker"})
            if parents:
                self.result.open_question(entry)
            return
        folder = self.walk(parents, True)
        self.white.append((entry, parents, folder, bool(self.followed)))
        if name == OPAQUE:
            folder.opaque = entry
        else:
            folder.whiteouts[name[len(WHITEOUT):]] = entry

    def target(self, parts):
        """The inode at a path of the own tree over the merged lower tree; the last name is not followed."""
        if not parts:
            return None
        todo, at, hops = list(parts), [(self.root, self.lower)], 0
        while True:
            part = todo.pop(0)
            if part == b"..":
                at = at[:-1] or at
                if not todo:
                    return None
                continue
            own, low = at[-1]
            mine = own.children.get(part) if own else None
            below = low.children.get(part) if low else None
            if own and below and (own.opaque or part in own.whiteouts):
                below = None
            # an implied folder gives way to what stands below, unless that is a symlink
            gives_way = mine is not None and mine.is_dir and mine.entry is None and below is not None and not (
                below.is_link or mine.real() and below.is_dir)
            if mine is not None and not gives_way:
                node = mine
            else:
                node = below
            if node is None:
                return None
            if not todo:
                return None if node.is_dir else node.inode
            if node.is_dir:
                at.append((mine if mine is not None and mine.is_dir else None,
                       below if below is not None and below.is_dir else None))
            elif node.is_link:
                hops += 1
                if hops > LINK_MAX:
                    return None
                self.followed.append(node)
                if node.inode.link.startswith(b"/"):
                    at = at[:1]
                todo = [p for p in node.inode.link.split(b"/") if p not in (b"", b".")] + todo
                if not todo:
                    return None
            else:
                return None


class Result:
    """The merged tree, and what became of the entries."""

    def __init__(self):
        self.root = new_dir()
        self.fate = {}
        self.open = []
        # by the entry that has the data: what is no folder, shown or not
        self.inodes = {}
        # hard links: the metadata that their inode had before
        self.bound = {}
        # entries that a driver takes otherwise which applies a layer in place: below a folder that took the place of a
        # lower symlink
        self.differ = []
        # folders' entries that came after what is in them
        self.late = []
        self.lost = set()

    def hide(self, entries, layer, reasons):
        for entry in entries:
            self.fate.setdefault((entry.layer, entry.pos), (layer, frozenset(reasons)))

    def open_question(self, entry):
        self.open.append(entry)

    def remove(self, folder, name, layer, top, below):
        """Take a name out of the merged tree: reasons for the name itself, and for what is below it."""
        node = folder.children.pop(name)
        if node.entry is not None:
            self.hide([node.entry], layer, top)
        self.hide([e for e in node.entries() if e is not node.entry], layer, below)

    def whiteouts(self, own, low, layer):
        """What a layer's whiteouts take out of the merged tree below it."""
        for name in own.whiteouts:
            if name in low.children:
                also = {"opaque"} if own.opaque else set()
                self.remove(low, name, layer, {"deleted"} | also, {"deleted-with-folder"} | also)
        if own.opaque:
            for name in list(low.children):
                self.remove(low, name, layer, {"opaque"}, {"opaque"})
        for name, child in own.children.items():
            below = low.children.get(name)
            if child.is_dir and below is not None and below.is_dir:
                self.whiteouts(child, below, layer)

    def stack(self, own, low, layer):
        """Put a layer's folder over the merged one."""
        if own.entry is not None:
            if low.entry is not None:
                twice = {"identical", "metadata"} if own.again else set()
                self.hide([low.entry], layer, compare(low.entry, low.inode, own.entry, own.inode) | twice)
            low.entry, low.inode = own.entry, own.inode
        for name, child in own.children.items():
            below = low.children.get(name)
            if below is None:
                if child.real():
                    low.children[name] = self.shown(child)
            elif child.is_dir and below.is_dir:
                self.stack(child, below, layer)
            elif child.is_dir and child.entry is None:
                self.over_leaf(child, low, name, layer)
            elif child.is_dir or below.is_dir:
                if child.made:
                    self.late.append(child.entry)
                    # what came before the folder was out of reach for a driver that applies a layer in place
                    self.open += [e for e in child.everything() if e.pos < child.entry.pos] if child.is_dir else []
                twice = {"overwritten", "identical", "metadata", "replaced"} if child.again else set()
                self.remove(low, name, layer, {"replaced"} | twice, {"replaced", "deleted-with-folder"})
                low.children[name] = self.shown(child)
            else:
                # where the layer has the path twice, either may be what the lower entry is compared with
                twice = {"overwritten", "identical", "metadata", "replaced"} if child.again else set()
                self.hide([below.entry], layer, compare(below.entry, below.inode, child.entry, child.inode) | twice)
                low.children[name] = child

    def over_leaf(self, child, low, name, layer):
        """A folder that the layer only implies, over a lower name that is none."""
        if low.children[name].is_link:
            self.differ += child.everything()
            # they were looked up while the symlink was there
            self.open += [e for e in child.entries() if e.kind == "h"]
            self.remove(low, name, layer, {"replaced"}, set())
            low.children[name] = self.shown(child)
            return
        lost = list(child.entries())
        self.lost |= {tuple(clean(e.path)) for e in lost}
        self.hide(lost, layer, {"unreachable"})
        self.open += [e for e in lost if e.kind == "h"]

    def shown(self, node):
        """A copy of an own folder without its whiteouts, and without folders that only whiteouts implied."""
        if not node.is_dir:
            return node
        new = Node(node.entry, node.inode, True)
        new.children = {n: self.shown(c) for n, c in node.children.items() if c.real()}
        return new


def compare(old_entry, old, new_entry, new):
    """Why an entry is hidden by another one with the same name and no change between folder and file."""
    if old.kind != new.kind:
        return {"replaced"}
    if (old.data, old.link, old.rdev) != (new.data, new.link, new.rdev):
        return {"overwritten"}
    def own(entry):
        return (entry.mode, entry.uid, entry.gid, entry.mtime)

    def shown(inode):
        return (inode.mode, inode.uid, inode.gid, inode.mtime)
    # an inode may carry the metadata of another name's header
    if old is new or own(old_entry) != shown(old) or own(new_entry) != shown(new):
        return {"identical", "metadata"}
    return {"identical"} if shown(old) == shown(new) and old.xattrs == new.xattrs else {"metadata"}


def merge(layers):
    """Stack lists of Entry, lowest first."""
    result = Result()
    for number, entries in enumerate(layers):
        for pos, entry in enumerate(entries):
            entry.layer, entry.pos = number, pos
        layer = Layer(result.root, result)
        layer.apply(entries)
        result.whiteouts(layer.root, result.root, number)
        result.stack(layer.root, result.root, number)
    for entries in layers:
        for entry in entries:
            result.fate.setdefault((entry.layer, entry.pos), (None, VISIBLE))
    return result


def owner(uid):
    """An id as engines apply it: 32 bits, and chown(-1) leaves root."""
    return 0 if uid & 0xffffffff == 0xffffffff else uid & 0xffffffff


def listing(result):
    """path → (kind, mode, uid, gid, size, mtime, link, rdev, link group, data, xattrs) of the merged tree with its root.

    The link group is the first path of the inode in byte order.
    """
    found, todo = {}, [(b"", result.root)]
    while todo:
        path, node = todo.pop()
        found[path] = node
        for name, child in node.children.items():
            todo.append((path + b"/" + name if path else name, child))
    groups = {}
    for path in sorted(found):
        if not found[path].is_dir:
            groups.setdefault(id(found[path].inode), path)
    out = {}
    for path, node in found.items():
        i = node.inode
        if node.is_dir:
            meta = (i.mode, owner(i.uid), owner(i.gid), 0, i.mtime) if i else (0o755, 0, 0, 0, 0)
            out[path] = ("d",) + meta + (b"", (0, 0), None, b"", dict(i.xattrs) if i else {})
            continue
        size = len(i.data) if i.kind == "f" else len(i.link) if i.kind == "l" else 0
        mode = 0o777 if i.kind == "l" else i.mode
        out[path] = (i.kind, mode, owner(i.uid), owner(i.gid), size, i.mtime, i.link, i.rdev, groups[id(i)], i.data,
                     dict(i.xattrs))
    return out
