# SPDX-License-Identifier: Apache-2.0
# Histories that do not fit: instructions without a layer, none at all, more and fewer than there are layers, and a layer
# that is there twice. Only a history that fits says which instruction made which layer.
base() {
	python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer RUN /bin/sh -c one # buildkit
f one size=1
layer COPY --from=build /out /app # buildkit
f two size=20
layer RUN /bin/sh -c one # buildkit
f one size=1
END
}
# history JSON: the configuration gets these records.
history() {
	base
	python3 - "$1" <<'END'
import io, json, sys, tarfile
with tarfile.open("image.tar") as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
manifest = json.loads(files["manifest.json"])
config = json.loads(files[manifest[0]["Config"]])
config["history"] = json.loads(sys.argv[1])
if config["history"] is None:
    del config["history"]
files[manifest[0]["Config"]] = json.dumps(config).encode()
with tarfile.open("image.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(data), 1700000000
        tar.addfile(info, io.BytesIO(data))
END
	run history -q image.tar
	run inspect --output json=inspect.json image.tar
	grep -o 'the history tells.*"' inspect.json
}
history '[{"created_by": "ADD rootfs"}, {"created_by": "CMD [\"sh\"]", "empty_layer": true}, {"created_by": "COPY two"}, {"created_by": "ENV A=b", "empty_layer": true}, {"created_by": "RUN three"}]'
history '[{"created_by": "ADD rootfs"}, {"created_by": "COPY two"}]'
history '[{"created_by": "1"}, {"created_by": "2"}, {"created_by": "3"}, {"created_by": "4"}]'
history '[]'
history null
run history --output json image.tar
