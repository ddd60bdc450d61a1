# SPDX-License-Identifier: Apache-2.0
"""What dive says of a stack of layers, the slow and obvious way: a tree a layer, stacked again for every whiteout.

The rules are those of dive 0.13: nodes by cleaned path, whiteouts are nodes of their own, names that begin with
".wh..wh." are none; the size of a whiteout is that of all below the path in the stack of the lower layers, where the
last header there was a folder's; a whiteout of nothing ends the layer.
"""
import math
import posixpath

WHITEOUT = b".wh."
NO_NODE = b".wh..wh."


class Node:
    def __init__(self):
        self.children = {}
        self.size, self.folder = 0, False

    def copy(self):
        new = Node()
        new.size, new.folder = self.size, self.folder
        new.children = {name: child.copy() for name, child in self.children.items()}
        return new

    def total(self):
        return self.size + sum(child.total() for child in self.children.values())


def add(root, parts, size, folder):
    node = root
    for part in parts:
        if part not in node.children:
            if part.startswith(NO_NODE):
                return
            node.children[part] = Node()
        node = node.children[part]
    node.size, node.folder = size, folder


def find(root, parts):
    for part in parts:
        root = root.children.get(part) if root else None
    return root


def visit(node, parts=()):
    """Nodes with their paths, what is below first, names in order; the root is none."""
    for name in sorted(node.children):
        yield from visit(node.children[name], parts + (name,))
    if parts:
        yield parts, node


def shown(parts):
    """A path without the mark of a whiteout."""
    last = parts[-1]
    return parts[:-1] + (last[len(WHITEOUT):] if last.startswith(WHITEOUT) else last,)


def stack(lower, upper):
    for parts, node in list(visit(upper)):
        path = shown(parts)
        if parts[-1].startswith(WHITEOUT):
            folder = find(lower, path[:-1])
            if folder:
                folder.children.pop(path[-1], None)
        else:
            add(lower, path, node.size, node.folder)


def tree(entries):
    root = Node()
    for path, size, folder in entries:
        parts = tuple(p for p in posixpath.normpath(path).strip(b"/").split(b"/") if p not in (b"", b".", b".."))
        if parts:
            add(root, parts, size, folder)
    return root


def whiteout_size(trees, at, path):
    """None: there is nothing to take away."""
    lower = trees[0].copy()
    for one in trees[:at]:
        stack(lower, one)
    node = find(lower, path)
    if node is None:
        return None
    return node.total() if node.folder else 0


def reckon(layers):
    """layers: lists of (path, size, is a folder). Size, user's size, wasted, efficiency, {path: (count, bytes)}."""
    trees = [tree(entries) for entries in layers]
    sizes = [sum(size for _, size, _ in entries) for entries in layers]
    found = {}
    for at, root in enumerate(trees):
        for parts, node in visit(root):
            if node.children:
                continue
            sums = found.setdefault(shown(parts), [])
            size = node.size
            if parts[-1].startswith(WHITEOUT):
                size = whiteout_size(trees, at, shown(parts))
                if size is None:
                    break
            sums.append(size)
    smallest = sum(min(sums) if sums else -1 for sums in found.values())
    everything = sum(sum(sums) for sums in found.values())
    rows = {b"/" + b"/".join(path): (len(sums), sum(sums)) for path, sums in found.items() if len(sums) > 1}
    return (sum(sizes), sum(sizes[1:]), sum(size for _, size in rows.values()),
            smallest / everything if everything else 1.0, rows)


def user_wasted(wasted, user):
    return wasted / user if user else math.inf if wasted else math.nan
