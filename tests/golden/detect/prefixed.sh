# SPDX-License-Identifier: Apache-2.0
# A ZIP file begins where it likes: behind lines of a script or behind a program it holds what it holds.
python3 - <<'END'
import io, os, sys, zipfile
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage

def packed(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    return file.getvalue()

with open("/bin/true", "rb") as file:
    program = file.read()
script = b"#!/bin/sh\nexec unzip $0\n"
mkimage.build("zip.tar", [{"instruction": "COPY . /", "entries": [
    {"type": "f", "path": b"opt/program", "data": program + packed("encodings/__init__.pyc")},
    {"type": "f", "path": b"opt/script", "data": script + packed("encodings/__init__.pyc")},
    {"type": "f", "path": b"opt/wheel", "data": script + packed("x-1.dist-info/WHEEL")},
    {"type": "f", "path": b"opt/none", "data": script + packed("x/y")}]}])
END
run check --deny python:payload zip.tar
