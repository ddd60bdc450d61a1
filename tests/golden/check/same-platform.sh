# SPDX-License-Identifier: Apache-2.0
# Two images of one platform are two: by the begin of their digests, in headings, documents and fingerprints.
python3 - <<'END'
import json, os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
manifests = []
for number in range(2):
    mkimage.build("part%d" % number, [{"instruction": "COPY", "entries": [{"type": "f", "path": b"usr/bin/tool", "data": b"%d" % number, "mode": 0o4755}]}],
                  form="oci", platform="linux/amd64", tags=["v%d" % number])
    manifests += json.load(open("part%d/index.json" % number))["manifests"]
os.makedirs("all/blobs/sha256")
for number in range(2):
    for blob in os.listdir("part%d/blobs/sha256" % number):
        os.replace("part%d/blobs/sha256/%s" % (number, blob), "all/blobs/sha256/" + blob)
open("all/oci-layout", "w").write('{"imageLayoutVersion": "1.0.0"}')
json.dump({"schemaVersion": 2, "manifests": manifests}, open("all/index.json", "w"))
END
run check --deny setuid --all-platforms --output text --output sarif=out.sarif --output junit=out.xml all
python3 -c 'import json; print(len({r["partialFingerprints"]["peelRuleAndPath/v1"] for r in json.load(open("out.sarif"))["runs"][0]["results"]}))'
grep -o 'testsuite name="[^"]*"' out.xml
run detect --all-platforms all setuid
