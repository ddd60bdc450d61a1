# SPDX-License-Identifier: Apache-2.0
# A foreign, an encrypted and an unknown layer. The manifest's own digest is no longer right, so it is a layout's that is remade.
remake() {
	python3 - "$1" "$2" "$3" <<'END'
import hashlib, json, os, sys
folder, old, new = sys.argv[1:]
path = lambda digest: os.path.join(folder, "blobs", *digest.split(":"))
index = json.load(open(os.path.join(folder, "index.json")))
entry = index["manifests"][0]
manifest = json.load(open(path(entry["digest"])))
layer = manifest["layers"][1]
layer["mediaType"] = layer["mediaType"].replace(old, new)
if "foreign" in new:
    os.remove(path(layer["digest"]))
    layer["urls"] = ["https://example.com/layer"]
data = json.dumps(manifest, sort_keys=True).encode()
entry["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
entry["size"] = len(data)
open(path(entry["digest"]), "wb").write(data)
json.dump(index, open(os.path.join(folder, "index.json"), "w"), sort_keys=True)
END
}
for change in 'vnd.oci.image.layer.v1.tar+gzip vnd.docker.image.rootfs.foreign.diff.tar.gzip' 'tar+gzip tar+gzip+encrypted' \
	'application/vnd.oci.image.layer.v1.tar+gzip application/vnd.example.unknown' 'tar+gzip tar+zstd'; do
	echo "-- $change"
	rm -rf dir
	image app dir --form oci --compress gzip
	# shellcheck disable=SC2086
	remake dir $change
	run ls dir
	run inspect dir
	run verify dir
done
