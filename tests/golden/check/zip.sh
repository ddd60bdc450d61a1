# SPDX-License-Identifier: Apache-2.0
# A program in an archive is searched whole, and what cannot be unpacked proves nothing. The mark is behind 5 MB.
mkdir root other
python3 - <<'MAKE'
import zipfile
program = b"\x7fELF\2\1\1" + bytes(57) + bytes(range(256)) * 20000
program += b"Fatal Python error: %s" + b"\0" + b"<frozen importlib._bootstrap>" + b"\0" + b"PYTHONHOME" + bytes(100)
with zipfile.ZipFile("root/bundle", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("run", program)
with zipfile.ZipFile("other/bundle", "w", zipfile.ZIP_LZMA) as archive:
    archive.writestr("run", program)
MAKE
tar -C root --owner=0 --group=0 --mtime=@0 --mode=644 -cf root.tar bundle
tar -C other --owner=0 --group=0 --mtime=@0 --mode=644 -cf other.tar bundle
run check --deny python root.tar
run check --deny python other.tar
