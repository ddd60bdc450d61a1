# SPDX-License-Identifier: Apache-2.0
# Each limit, lowered until a small image is over it: the message names it, the layer, the place and the option; status 3.
PYTHONPATH=$golden/../lib:$golden/../bombs python3 - <<'PYTHON'
import gzip, io, json, zipfile
import makers, tarbytes
from makers import file_entry, tar_file, with_data
some = [tarbytes.entry(b"a/b/c/", "d"), file_entry(b"a/b/c/d", 0), file_entry(b"last", 0)]
tar_file("deep.tar", *some)
tar_file("long.tar", file_entry(b"short", 0), file_entry(b"a-name-of-more-than-sixteen-bytes", 0), file_entry(b"last", 0))
tar_file("header.tar", file_entry(b"first", 0), file_entry(b"n" * 600, 0))
tar_file("xattr.tar", file_entry(b"first", 0), tarbytes.entry(b"with\033[31m", "f", xattrs={b"user.a": b"12345678"}))
makers.sparse(100, [(0, 1), (10, 1), (20, 1)])("sparse.tar")
with open("zeros.tar.gz", "wb") as file:
	file.write(gzip.compress(file_entry(b"first", 0) + file_entry(b"zeros", 3 << 20) + bytes(3 << 20) + tarbytes.END, mtime=0))
makers.zstd_zeros(1 << 20, 0x78)("window.tar.zst")
tar_file("link.tar", file_entry(b"file", 0), tarbytes.entry(b"one", "l", link=b"file"), tarbytes.entry(b"two", "l", link=b"one"))
makers.layered(makers.plain_layer, 3)("layers.tar")
makers.layered(makers.plain_layer, 1, a={"b": {"c": {"d": {}}}})("deep-json.tar")
makers.layered(makers.plain_layer, 1, a="x" * 1000)("large-json.tar")
item = {"Config": "config.json", "RepoTags": None, "Layers": []}
tar_file("images.tar", with_data(b"config.json", b"{}"), with_data(b"manifest.json", json.dumps([item, item]).encode()))
with open("many.tar", "wb") as file:
	for piece in makers.headers(b"%d" % i for i in range(30000)):
		file.write(piece)
	file.write(tarbytes.END)
bundle = io.BytesIO()
with zipfile.ZipFile(bundle, "w") as jar:
	for i in range(20000):
		jar.writestr(zipfile.ZipInfo("member-%05d" % i), b"")
tar_file("jar.tar", with_data(b"app.jar", bundle.getvalue()))
with open("jar.tar", "rb") as plain, open("jar.tar.gz", "wb") as file:
	file.write(gzip.compress(plain.read(), mtime=0))
PYTHON
run ls -R --limit depth=3 rootfs:deep.tar
run ls --limit entries=2 rootfs:deep.tar
run ls --limit folders=2 rootfs:deep.tar
run ls --limit path-length=16 rootfs:long.tar
run ls --limit header-size=512 rootfs:header.tar
run ls --limit xattr-size=10 rootfs:xattr.tar
run ls --limit sparse-extents=2 rootfs:sparse.tar
run ls --limit layer-bytes=1M rootfs:zeros.tar.gz
run ls --limit total-bytes=1M rootfs:zeros.tar.gz
run ls --limit ratio=100,ratio-from=1M rootfs:zeros.tar.gz
run ls --limit memory=64M rootfs:window.tar.zst
run ls --limit index-size=256K rootfs:many.tar
# Facts count, too, gathered while the layer passes by and from a plain one, at once and for an index at hand.
run packages --limit index-size=256K rootfs:jar.tar.gz
run packages --limit index-size=256K rootfs:jar.tar
run ls --limit index-size=256K rootfs:jar.tar
run packages --no-sandbox --limit index-size=256K rootfs:jar.tar
run stat -L -c %n --limit symlink-hops=1 rootfs:link.tar /one
run stat -L -c %n --limit symlink-hops=1 rootfs:link.tar /two
run stat -L -c %n --limit symlink-hops=2 rootfs:link.tar /two
run ls --limit layers=2 layers.tar
run ls --limit members=2 layers.tar
run ls --limit manifests=1 images.tar
run ls --limit json-depth=4 deep-json.tar
run ls --limit json-depth=4 --limit json-depth=5 deep-json.tar
run ls --limit json-size=1K large-json.tar
mkdir mnt
run mount --limit path-length=16 rootfs:long.tar mnt
run mount -o limit=entries=2 rootfs:long.tar mnt
run verify --limit path-length=16 rootfs:long.tar
cat zeros.tar.gz | run cat --limit spool=1K - /first
