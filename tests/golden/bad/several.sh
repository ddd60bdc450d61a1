# SPDX-License-Identifier: Apache-2.0
# Several images in one file: never a guess.
python3 - <<'END'
import json, os, sys
sys.path.insert(0, os.path.join(os.environ["golden"], "..", "lib"))
import mkimage
entry = lambda data: [{"type": "f", "path": b"who", "data": data}]
a = mkimage.layer_tar(entry(b"a"))
b = mkimage.layer_tar(entry(b"b"))
files, items = {}, []
for tar, tag, platform in ((a, "a:1", "linux/amd64"), (b, "b:1", "linux/arm64")):
    config = mkimage.config_json([{"instruction": tag}], [tar], [], platform)
    part = mkimage.docker_files([tar], config, "none", [tag])
    items += json.loads(part.pop("manifest.json"))
    files.update(part)
files["manifest.json"] = json.dumps(items).encode()
open("two.tar", "wb").write(mkimage.layer_tar([{"type": "f", "path": n.encode(), "data": d} for n, d in files.items()]))
END
run ls two.tar
run inspect two.tar
run verify two.tar
run cat docker-archive:two.tar:b:1 who
run cat docker-archive:two.tar:@0 who
run cat --platform linux/arm64 two.tar who
run ls --platform linux/386 two.tar
run inspect docker-archive:two.tar:@1
