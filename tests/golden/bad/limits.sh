# SPDX-License-Identifier: Apache-2.0
# What nobody would wait for is refused by a limit, and the message says where.
python3 - <<'PYTHON'
import tarfile
with tarfile.open("flips.tar", "w") as tar:
	folder = tarfile.TarInfo("x")
	folder.type = tarfile.DIRTYPE
	for _ in range(4200):
		tar.addfile(folder)
		tar.addfile(tarfile.TarInfo("x"))
PYTHON
run ls rootfs:flips.tar
mkdir mnt
run mount rootfs:flips.tar mnt
python3 - <<'PYTHON'
import tarfile
with tarfile.open("links.tar", "w") as tar:
	for i in range(4200):
		link = tarfile.TarInfo("l%d" % i)
		link.type = tarfile.LNKTYPE
		link.linkname = "nowhere"
		tar.addfile(link)
PYTHON
run ls rootfs:links.tar
