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
