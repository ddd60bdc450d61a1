# SPDX-License-Identifier: Apache-2.0
# Every image of an index: the worst of them is the answer. One that is listed and not there leaves it open.
mode=755
for platform in linux/amd64 linux/arm64; do
	python3 "$golden/../lib/mkimage.py" --form oci --platform "$platform" layout <<END
layer FROM $platform
f usr/bin/tool mode=$mode data="x"
END
	cp layout/index.json "${platform#linux/}.json"
	mode=4755
done
python3 - <<'END'
import json
manifests = [m for name in ("amd64", "arm64") for m in json.load(open(name + ".json"))["manifests"]]
json.dump({"schemaVersion": 2, "manifests": manifests}, open("layout/index.json", "w"))
json.dump({"schemaVersion": 2, "manifests": [manifests[0], dict(manifests[1], digest="sha256:" + "0" * 64)]}, open("half.json", "w"))
END
run detect layout setuid
run detect --platform linux/amd64 layout setuid
run detect --all-platforms layout setuid
run detect --all-platforms --output csv layout setuid
run detect --all-platforms --output markdown layout setuid
run detect --all-platforms --output json=doc.json layout setuid
python3 -c 'import json
for image in json.load(open("doc.json"))["images"]:
    print(image["image"]["platform"], image["complete"], [one["names"] for one in image["findings"]])'
# Old enough for the cache to keep what was indexed: no image is taken for another.
sleep 2.2
run detect --all-platforms --output csv layout setuid
run detect --all-platforms --output csv layout setuid
run detect --all-platforms --platform linux/amd64 layout setuid
cp half.json layout/index.json
run detect --all-platforms layout setuid
# One that is more than a limit allows is told, and the other is looked at.
for platform in linux/amd64 linux/arm64; do
	{
		printf 'layer FROM\nf usr/bin/tool mode=4755 data="x"\n'
		[ "$platform" = linux/amd64 ] || printf 'layer RUN\nf more data=x\nlayer RUN\nf again data=x\n'
	} | python3 "$golden/../lib/mkimage.py" --form oci --platform "$platform" limited
	cp limited/index.json "${platform#linux/}.json"
done
python3 -c 'import json
manifests = [m for name in ("amd64", "arm64") for m in json.load(open(name + ".json"))["manifests"]]
json.dump({"schemaVersion": 2, "manifests": manifests}, open("limited/index.json", "w"))'
run detect --all-platforms --limit layers=2 --output csv limited setuid
run check --deny setuid --all-platforms --limit layers=2 limited
