# SPDX-License-Identifier: Apache-2.0
"""Images whose every text is an attack on whoever prints it.

Each channel (names, link targets, labels, packages, …) holds each payload, and behind the payload a marker "Q<letter><number>q":
where a marker is in an output, the bytes before it must be the payload in the form that the output's kind has for it.
make(folder) writes the images and gives a Made.
"""
import base64
import dataclasses
import json
import os
import struct
import sys
import zipfile
import io

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402

PAYLOADS = [
    bytes(range(1, 9)), bytes(range(9, 14)), bytes(range(14, 32)), b"\x7f",
    bytes([0xc2, 0x80]) + bytes([0xc2, 0x85]) + bytes([0xc2, 0x9b]) + b"31m" + bytes([0xc2, 0x9f]),
    b"\x1b[31mred\x1b[2J\x1b[H", b"\x1b]0;title\x07", b"\x1b]8;;http:evil\x1b\\link\x1b]8;;\x1b\\", b"\x1b]52;c;ZXZpbA==\x07",
    b"\x1bP$q\"p\x1b\\", b"\x9b31m", b"a\nb", b"a\r\nb", b"a\rpeel: fine", b"\tx", b"ab\b\bcd", b" \n::error::x",
    "\u202a\u202b\u202c\u202d\u202e".encode(), "\u2066\u2067\u2068\u2069".encode(), "\u200e\u200f\u061c".encode(),
    "\u200b\u200c\u200d\u2060\ufeff\u00ad".encode(), "\U000e0001\U000e0061\U000e007f".encode(), "\u2028\u2029".encode(),
    "\ufffe\uffff".encode(), b"\xff\xfe", b"\xc0\x80\xc1\xbf", b"\xe0\x80\xaf", b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"caf\xe9", b"\\", b"\\x41\\n\\\\", b"C:\\dir\\", b"\\\"", b"'", b"\"",
    b"::error file=a,line=1::x", b"::set-output name=a::b", b"::add-mask::secret", b"::stop-commands::x", "\u00a0::warning::x".encode(),
    b"##[error]x", b"##[add-mask]x", b"##vso[task.complete result=Succeeded;]", b"##teamcity[buildStatus text='x']",
    b"x##[group]y", b"%0A::error::x", b"%0D%0A##[error]", b"section_start:1:evil\r\x1b[0K", b"--- +++ ~~~",
    b"</script><script>window.hit=1</script>", b"<img src=x onerror=window.hit=1>", b"\" onmouseover=\"window.hit=1",
    b"' style='color:red", b"]]>", b"<!--", b"-->", b"&lt;&amp;&#10;&#x1b;", b"<?xml?>", b"<![CDATA[",
    b"a|b|c", b"`code`", b"[l](javascript:x)", b"![i](http:x)", b"<b>bold<b>", b"@everyone", b"http:evil.example", b"#1",
    b"# head", b"* item", b"1. item", b"> quote", b"---", b"~~x~~", b"$(touch hit)", b"`touch hit`", b";touch hit;", b"$HOME",
    b"'; DROP TABLE entry; --", b"\" OR 1=1 --", b"=1+1", b"+1+1", b"-1+1", b"@SUM(A1)", b"\t=1+1", b"\r=1+1", b"=cmd|' C'!A0",
    b"-rf", b"--", b"--help", b"%s%n%d%99999d", b"%{x}", b"peel: fine", b"!! peel", b"0 found", b"*", b"?", b"[a-z]", b"~", b"a,b;c",
    b"a b  c ", b"x" * 180, "\u00e9".encode() * 90, b"y" + "\u00e9".encode() * 90,
]
# What is cut somewhere: made longer where the format has room.
LONG = ("\u00e9".encode() * 90, b"y" + "\u00e9".encode() * 90)

MAIN, OTHER, LAYOUT, ODD = "hostile.tar", "other.tar", "layout", "odd.tar"


def marker(letter, number):
    return b"Q%s%03dq" % (letter.encode(), number)


def words(letter, forbidden=b"", utf8=False, instead=b"~"):
    """Payloads of a channel with their markers: bytes that its format cannot hold replaced."""
    out = []
    for number, payload in enumerate(PAYLOADS):
        if payload in LONG and letter not in "nwxkt":
            payload *= 12
        for byte in forbidden:
            payload = payload.replace(bytes([byte]), instead)
        if utf8:
            payload = payload.decode("utf-8", "replace").encode()
        out.append(payload + marker(letter, number))
    return out


@dataclasses.dataclass
class Made:
    """What was made: the folder, and by marker the bytes that stand before it."""
    folder: str
    known: dict = dataclasses.field(default_factory=dict)

    def take(self, letter, **keys):
        out = words(letter, **keys)
        for word in out:
            mark = word[-len(marker(letter, 0)):]
            self.known[mark] = word[:-len(mark)]
        return out

    def texts(self, letter, **keys):
        return [word.decode() for word in self.take(letter, utf8=True, **keys)]


def elf(needs, soname, symbols):
    """A small shared library: one segment, a dynamic section, symbols that it defines."""
    names = b"\0"
    places = {}
    for text in [soname] + needs + symbols:
        places[text] = len(names)
        names += text + b"\0"
    syms = bytes(24) + b"".join(struct.pack("<IBBHQQ", places[s], 0x12, 0, 1, 0x1000, 1) for s in symbols)
    count = 1 + len(symbols)
    hashes = struct.pack("<III", 1, count, 1 if symbols else 0) + b"".join(
        struct.pack("<I", i + 1 if 0 < i < count - 1 else 0) for i in range(count))
    at = 64 + 2 * 56
    str_at, sym_at = at, (at + len(names) + 7) // 8 * 8
    hash_at = sym_at + len(syms)
    dyn_at = (hash_at + len(hashes) + 7) // 8 * 8
    tags = [(1, places[n]) for n in needs] + [(14, places[soname]), (5, str_at), (10, len(names)), (6, sym_at), (11, 24),
                                               (4, hash_at), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    size = dyn_at + len(dynamic)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    head += struct.pack("<IIQQQQQQ", 2, 4, dyn_at, dyn_at, dyn_at, len(dynamic), len(dynamic), 8)
    out = head + names
    out = out.ljust(sym_at, b"\0") + syms + hashes
    return out.ljust(dyn_at, b"\0") + dynamic


def zipped(names):
    """A ZIP file of empty members with raw names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, name in enumerate(names):
            archive.writestr("m%06d" % i + "x" * (len(name) - 7), b"")
    data = out.getvalue()
    for i, name in enumerate(names):
        data = data.replace(b"m%06d" % i + b"x" * (len(name) - 7), name)
    return data


def file(path, data=b"x", mode=0o644, **keys):
    return dict({"type": "f", "path": path, "data": data, "mode": mode}, **keys)


def packages(made):
    """Databases of dpkg, apk, pip and npm."""
    line = b"\n\r"
    dpkg = b"".join(b"Package: %s\nStatus: install ok installed\nVersion: 1%s\nArchitecture: all\nDescription: %s\n\n" %
                    (p.strip() or b"p", v, p) for p, v in zip(made.take("p", forbidden=line, utf8=True),
                                                              made.take("v", forbidden=line + b" ", utf8=True)))
    apk = b"".join(b"P:%s\nV:1\nT:%s\nF:srv\nR:%s\n\n" % (p, p, p) for p in made.take("P", forbidden=line + b"/"))
    out = [file(b"var/lib/dpkg/status", dpkg), file(b"lib/apk/db/installed", apk)]
    for i, name in enumerate(made.take("i", forbidden=line)):
        base = b"usr/lib/python3/dist-packages/x%d.dist-info/" % i
        out.append(file(base + b"METADATA", b"Metadata-Version: 2.1\nName: %s\nVersion: 1\n\n" % name))
        out.append(file(base + b"RECORD", b"usr/x,,\n"))
    for i, name in enumerate(made.texts("j")):
        out.append(file(b"usr/lib/node_modules/m%d/package.json" % i,
                        json.dumps({"name": name, "version": name}).encode()))
    return out


def users(made):
    rows = made.take("u", forbidden=b":\n")
    groups = made.take("g", forbidden=b":\n")
    return ([file(b"etc/passwd", b"".join(b"%s:x:%d:%d::/:/bin/sh\n" % (u, 2000 + i, 2000 + i) for i, u in enumerate(rows))),
             file(b"etc/group", b"".join(b"%s:x:%d:\n" % (g, 2000 + i) for i, g in enumerate(groups)))])


def tree(made):
    """The first layer's entries."""
    names = made.take("n", forbidden=b"/")
    targets = made.take("t")
    values = made.take("x")
    # pax has '=' behind a name, and NUL is no part of one
    keys = made.take("k", forbidden=b"=")
    out = [{"type": "d", "path": b"n", "mode": 0o755}]
    for i, name in enumerate(names):
        out.append(file(b"n/" + name, b"same content of all, for dup\n" * 400, 0o4755, uid=2000 + i, gid=2000 + i))
        out.append({"type": "l", "path": b"t/%03d" % i, "link": targets[i]})
        out.append(file(b"x/%03d" % i, xattrs={b"user.v": values[i], b"user." + keys[i][:200]: b"v"}))
        out.append(file(b"s/%03d.so" % i, elf([made.take("d", forbidden=b"\0")[i]], made.take("o")[i], [b"evil_" + made.take("s")[i]])))
    out.append(file(b"z/app.zip", zipped(made.take("z"))))
    out.append(file(b"opt/app.pyz", b"#!/usr/bin/env python3\n" + zipped([b"__main__.py"] + made.take("z"))))
    out.append(file(b"c/lines", b"".join(b"%s needle\n" % w for w in made.take("y", forbidden=b"\n"))))
    for i, word in enumerate(made.take("f", forbidden=b"\n")):
        out.append(file(b"f/%03d" % i, b"#!/usr/bin/%s\n" % word, 0o755))
    for i, name in enumerate(made.take("w", forbidden=b"/")):
        out.append(file(b"w/" + name, b"%04d" % i * 2500))
        out.append(file(b"d/" + name, b"deleted"))
    return out + users(made) + packages(made)


def second(made):
    """What the second layer writes over and deletes."""
    names = made.take("w", forbidden=b"/")
    out = [file(b"w/" + name, b"new %04d" % i * 3000) for i, name in enumerate(names)]
    out += [{"type": "w", "path": b"d/" + name} for name in names]
    # findings of all kinds, with names in them
    for name in made.take("n", forbidden=b"/")[:40]:
        out += [file(b"a/" + name), file(b"a/" + name, b"again")]
        out.append({"type": "h", "path": b"h/" + name, "link": b"gone/" + name})
        out.append(file(b"../../b/" + name))
    return out


def settings(made):
    labels = made.texts("l", forbidden=b"\0")
    env = made.texts("e")
    command = made.texts("m")
    return {"Labels": {key: key for key in labels}, "Cmd": command, "Entrypoint": command, "Env": ["PATH=/bin:/n"] + ["E%d=%s" % (i, e) for i, e in enumerate(env)],
            "User": labels[5], "WorkingDir": labels[6], "StopSignal": labels[7], "ExposedPorts": {p: {} for p in labels},
            "Volumes": {p: {} for p in labels}, "Shell": command, "Healthcheck": {"Test": command}, "OnBuild": command}


def config(made, tars):
    """The image's configuration: history, comments, authors, and all of settings()."""
    steps = made.texts("h")
    history = [{"created": mkimage.CREATED, "created_by": step, "comment": comment, "author": author, "empty_layer": True}
               for step, comment, author in zip(steps, made.texts("c"), made.texts("a"))]
    history += [{"created": mkimage.CREATED, "created_by": "RUN " + steps[17] + steps[54]},
                {"created": steps[5], "created_by": steps[38] + steps[60]}]
    return mkimage.json_bytes({
        "architecture": "amd64", "os": "linux", "created": mkimage.CREATED, "author": steps[5], "comment": steps[6],
        "docker_version": steps[7], "config": settings(made), "history": history,
        "rootfs": {"type": "layers", "diff_ids": [mkimage.digest(tar) for tar in tars]}})


def write_tar(path, files):
    with open(path, "wb") as out:
        out.write(mkimage.layer_tar([file(name.encode() if isinstance(name, str) else name, data) for name, data in files.items()]))


def write_odd(made, path):
    """An OCI archive of many images that nobody can choose between: refs, media types, digests and platforms that lie."""
    files = {"oci-layout": mkimage.json_bytes({"imageLayoutVersion": "1.0.0"})}
    refs = made.texts("r")
    layer = mkimage.layer_tar([file(b"a")])
    manifests = []

    def blob(data, media):
        files["blobs/sha256/" + mkimage.digest(data)[7:]] = data
        return {"mediaType": media, "digest": mkimage.digest(data), "size": len(data)}

    for ref in refs:
        conf = blob(mkimage.json_bytes({"architecture": ref, "os": ref, "variant": ref, "rootfs": {"type": "layers", "diff_ids": [
            mkimage.digest(layer)]}, "history": [{"created_by": ref}]}), "application/vnd.oci.image.config.v1+json")
        manifest = blob(mkimage.json_bytes({"schemaVersion": 2, "config": conf, "layers": [blob(layer, ref)], "annotations": {ref: ref}}),
                        "application/vnd.oci.image.manifest.v1+json")
        manifests.append(dict(manifest, annotations={"org.opencontainers.image.ref.name": ref},
                              platform={"os": ref, "architecture": ref, "variant": ref}))
    files["index.json"] = mkimage.json_bytes({"schemaVersion": 2, "manifests": manifests})
    write_tar(path, files)


def write_bad(made, folder):
    """Archives that are refused, with a hostile text in what is said about each."""
    texts = made.texts("b")
    tar = mkimage.layer_tar([file(b"a")])
    conf = mkimage.json_bytes({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [mkimage.digest(tar)]}})
    out = []
    for number, text in enumerate(texts):
        shapes = {
            "config": {"manifest.json": mkimage.json_bytes([{"Config": text, "RepoTags": [text], "Layers": ["l"]}]), "l": tar},
            "layer": {"manifest.json": mkimage.json_bytes([{"Config": "c", "RepoTags": [text], "Layers": [text]}]), "c": conf},
            "key": {"manifest.json": b'[{"Config":"c",%s:1,%s:2}]' % ((json.dumps(text).encode(),) * 2), "c": conf},
            "digest": {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": mkimage.json_bytes(
                {"schemaVersion": 2, "manifests": [{"mediaType": text, "digest": "sha256:" + text, "size": 3}]})},
        }
        kind = list(shapes)[number % len(shapes)]
        out.append("bad%03d.tar" % number)
        write_tar(os.path.join(folder, out[-1]), shapes[kind])
    return out


def write_files(made):
    """A file of detectors and a policy whose own words are hostile too."""
    def quoted(text):
        return '"%s"' % "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "\\U%08x" % ord(c) for c in text)

    titles = made.texts("q")
    with open(os.path.join(made.folder, "detectors.yaml"), "w", encoding="utf-8") as out:
        out.write("version: 1\ndetectors:\n")
        for i, title in enumerate(titles):
            out.write("  evil%d:\n    title: %s\n    rules:\n      - id: r\n        tier: interpreter\n        title: %s\n"
                      "        when: {path: '/s/%03d.so', symbol: 'evil_*'}\n" % (i, quoted(title), quoted(title), i))
        out.write("  members:\n    title: m\n    rules:\n      - id: r\n        tier: payload\n        title: t\n"
                  "        when: {member: ['*Qz*']}\n")
        out.write("  needs:\n    title: n\n    rules:\n      - id: r\n        tier: dependent\n        title: t\n"
                  "        when: {need: ['*Qd*']}\n")
        out.write("  scripts:\n    title: s\n    rules:\n      - id: r\n        tier: dependent\n        title: t\n"
                  "        when: {script: ['*Qf*']}\n")
        out.write("  packages:\n    title: p\n    rules:\n      - id: r\n        on: package\n        tier: declared\n        title: t\n"
                  "        when: {package: ['*Q*']}\n")
    with open(os.path.join(made.folder, "policy.yaml"), "w", encoding="utf-8") as out:
        out.write("version: 1\nforbid:\n")
        for title in made.texts("Z"):
            out.write("  - {name: %s, path: {glob: '/n/*'}}\n" % quoted(title))
        out.write("  - {name: sql, sql: \"SELECT path FROM tree WHERE path LIKE '/n/%'\"}\n"
                  "  - detect: [setuid, python]\n  - detect: evil0\n  - package: {name: ['*', '**'], db: [dpkg, apk, pip, npm], version: '*'}\n"
                  "  - content: {glob: '/c/**', regex: '.* needle'}\n")


def make(folder):
    made = Made(folder)
    tars = [mkimage.layer_tar(tree(made)), mkimage.layer_tar(second(made)[1:])]
    tags = made.texts("r")
    conf = config(made, tars)
    files = {"0/layer.tar": tars[0], "1/layer.tar": tars[1], "c.json": conf}
    files["manifest.json"] = mkimage.json_bytes([{"Config": "c.json", "RepoTags": tags, "Layers": ["0/layer.tar", "1/layer.tar"]}])
    write_tar(os.path.join(folder, MAIN), files)
    with open(os.path.join(folder, "rootfs.tar"), "wb") as out:
        out.write(tars[0])
    mkimage.build(os.path.join(folder, OTHER), [{"instruction": "RUN " + tags[38], "entries": [
        file(b"n/" + name, b"other") for name in made.take("n", forbidden=b"/")[::2]]}], tags=["other"])
    mkimage.build(os.path.join(folder, LAYOUT), [{"instruction": tags[38], "entries": tree(made)}], form="oci", compress="gzip",
                  tags=["ref"], settings=settings(made))
    write_odd(made, os.path.join(folder, ODD))
    write_files(made)
    return made, write_bad(made, folder)


def exact(value, key):
    """A member's bytes: the base64 beside it where it is no UTF-8."""
    if key + "_b64" in value:
        return base64.b64decode(value[key + "_b64"], validate=True)
    return value[key].encode("utf-8", "surrogatepass")
