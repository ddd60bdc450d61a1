# SPDX-License-Identifier: Apache-2.0
# A layer that ends in the middle of a file: what could be read is told, the rest is said.
python3 - "$golden/../lib" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import mkimage
files = [{"type": "f", "path": b"a", "data": b"#!/bin/sh\n"}, {"type": "f", "path": b"b", "data": b"\x00" * 9000},
	{"type": "f", "path": b"c", "data": b"\x01" * 9000}]
tar = mkimage.layer_tar(files)
layers = [{"instruction": "whole", "entries": files}, {"instruction": "cut", "tar": tar[:512 * 2 + 512 + 4096]}]
for compress in "none", "gzip", "zstd":
	mkimage.build(f"{compress}.tar", layers, form="oci-archive", compress=compress)
END
sleep 2.2
for codec in none gzip zstd; do
	run sql --facts --output tsv $codec.tar 'SELECT entry, kind, looked FROM facts.file'
	run index --facts $codec.tar | grep -E 'facts|layer 1|='
done
