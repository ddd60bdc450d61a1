# SPDX-License-Identifier: Apache-2.0
# Nothing is proved where a layer is missing, or a package database cannot be read: status 3, and why.
python3 "$golden/../lib/mkimage.py" --form oci layout <<'END'
layer FROM base
f usr/bin/tool data="x"
layer RUN more
f usr/bin/python3 data="x"
END
blob=$(python3 -c 'import json
m = json.load(open("layout/index.json"))["manifests"][0]["digest"][7:]
print(json.load(open("layout/blobs/sha256/" + m))["layers"][1]["digest"][7:])')
rm "layout/blobs/sha256/$blob"
run detect layout python
run detect --output json=doc.json layout python
grep -A 3 complete doc.json
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f var/lib/rpm/rpmdb.sqlite data="SQLite format 3\0 and no more"
END
run detect image.tar python
# An archive that is cut, or has more members than are listed: what is in the rest is not known.
python3 - <<'END'
import io, os, sys, zipfile
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage

def packed(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "")
    return file.getvalue()

whole = packed(["a", "encodings/__init__.py"])
many = packed(["%x" % n for n in range(65537)] + ["encodings/__init__.py"])
mkimage.build("zip.tar", [{"instruction": "COPY . /", "entries": [
    {"type": "f", "path": b"opt/cut\n##[x].zip", "data": whole[:-30]}, {"type": "f", "path": b"opt/many.zip", "data": many},
    {"type": "f", "path": b"opt/whole.zip", "data": packed(["a"])}]}])
END
run detect zip.tar python
run detect -q zip.tar setuid
run check --deny python:payload zip.tar
printf 'version: 1\nforbid:\n  - path: /none\n' >path.yaml
run check -c path.yaml zip.tar
