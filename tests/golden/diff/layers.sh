# SPDX-License-Identifier: Apache-2.0
# As many layers as an image may have, half of them the same: pairing them takes seconds of nobody.
python3 - "$golden/../lib" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import mkimage
for name, own in ("a", b"a"), ("b", b"b"):
	layers = [{"instruction": f"RUN {i}", "entries": [{"type": "f", "path": b"f%d" % (i % 512),
		"data": b"%d" % (i // 4) if i % 2 else own * (i + 1)}]} for i in range(1024)]
	mkimage.build(f"{name}.tar", layers, form="oci-archive", compress="gzip")
END
ulimit -t 8
run index --facts a.tar >/dev/null
run index --facts b.tar >/dev/null
run diff --by layer --output json=doc.json a.tar b.tar
python3 - <<'END'
import json
doc = json.load(open("doc.json"))
rows = doc["rows"]
shared = [row for row in rows if "layer_a" in row and "layer_b" in row]
print(len(rows), len(shared), doc["totals"]["shared_layers"], all(row["layer_a"] == row["layer_b"] for row in shared))
for side in "ab":
    assert sum(row[side]["bytes"] for row in rows) == doc["totals"][side]["bytes"]
END
