# SPDX-License-Identifier: Apache-2.0
image app gz.tar --form oci-archive --compress gzip
damage gz.tar flip.tar flip:layer1:40
run verify flip.tar
damage gz.tar drop.tar drop:layer1
run verify drop.tar
damage gz.tar cut.tar cut:layer0:1000
run verify cut.tar
image app plain.tar
damage plain.tar flipped.tar flip:layer1:600
run verify flipped.tar
damage plain.tar gone.tar drop:layer2
run verify gone.tar
run verify --output json gone.tar
# The file itself is cut within its last layer, and the manifest stands first: inconclusive, not different.
python3 - <<'PYTHON'
import tarfile
with tarfile.open("plain.tar") as tar, tarfile.open("first.tar", "w") as out:
	members = sorted(tar.getmembers(), key=lambda m: (not m.name.endswith(".json"), m.size))
	for member in members:
		out.addfile(member, tar.extractfile(member) if member.isreg() else None)
PYTHON
head -c 100000 first.tar >short.tar
run verify short.tar
