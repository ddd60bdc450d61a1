# SPDX-License-Identifier: Apache-2.0
# Every image of an index, and the worst verdict; one that is listed and not there leaves it open.
python3 - <<'END'
import json, os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
manifests = []
for number, (platform, name) in enumerate([("linux/amd64", b"usr/bin/tool"), ("linux/arm64/v8", b"usr/bin/other")]):
    mkimage.build("part%d" % number, [{"instruction": "COPY", "entries": [{"type": "f", "path": name, "data": b"x", "mode": 0o4755 if number else 0o755}]}],
                  form="oci", platform=platform)
    index = json.load(open("part%d/index.json" % number))
    os_, arch, *variant = platform.split("/")
    item = index["manifests"][0]
    item["platform"] = dict({"os": os_, "architecture": arch}, **({"variant": variant[0]} if variant else {}))
    manifests.append(item)
os.makedirs("all/blobs/sha256")
for number in range(2):
    for blob in os.listdir("part%d/blobs/sha256" % number):
        os.replace("part%d/blobs/sha256/%s" % (number, blob), "all/blobs/sha256/" + blob)
open("all/oci-layout", "w").write('{"imageLayoutVersion": "1.0.0"}')
write = lambda list: json.dump({"schemaVersion": 2, "manifests": list}, open("all/index.json", "w"))
write(manifests)
END
run check --deny setuid all
run check --deny setuid --all-platforms all
run check --deny setuid --platform linux/amd64 all
run check --deny python --all-platforms all
run check --deny setuid --all-platforms --output json all
# A platform that only the index knows.
python3 - <<'END'
import json
index = json.load(open("all/index.json"))
gone = dict(index["manifests"][0], digest="sha256:" + "0" * 64, platform={"os": "linux", "architecture": "s390x"})
json.dump({"schemaVersion": 2, "manifests": index["manifests"] + [gone]}, open("all/index.json", "w"))
END
run check --deny python --all-platforms all
run check --deny setuid --all-platforms --output junit all
# Each image has an index of its own in the cache, which knows how many there are.
sleep 2.2
run check --deny setuid --all-platforms -q all
run check --deny setuid --all-platforms -q all
run detect --all-platforms -q --output json=found.json all setuid
python3 -c 'import json; print([image["image"]["platform"] for image in json.load(open("found.json"))["images"] if "image" in image])'
