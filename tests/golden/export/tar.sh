# SPDX-License-Identifier: Apache-2.0
# The merged tree, a layer as stored, and the same bytes whatever the image is packed in.
image app app.tar
list() {
	python3 -c 'import sys, tarfile
for m in tarfile.open(fileobj=sys.stdin.buffer, mode="r|"):
    print(m.name, chr(m.type[0]), oct(m.mode), m.uid, m.gid, m.size, m.linkname, m.mtime, dict(sorted(m.pax_headers.items())))'
}
filter=list run export app.tar
filter=list run export --layer 1 app.tar
"$PEEL" export app.tar >plain.tar
image app app.oci --form oci --compress gzip
"$PEEL" export app.oci | cmp - plain.tar && echo 'the same from a layout'
"$PEEL" export rootfs:plain.tar | cmp - plain.tar && echo 'the same again'
"$PEEL" export --format tar app.tar | cmp - plain.tar && echo 'the same by name'
