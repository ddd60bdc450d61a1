# SPDX-License-Identifier: Apache-2.0
# What happens to a folder above is a step of every path below it.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer first
d opt
f opt/x/y data="1"
f opt/z data="1"
layer deletes the folder
w opt/x
layer adds it again, and hides what was beside it
d opt/x
f opt/x/y data="22"
o opt
layer makes it a file
f opt data="a file now"
END
run why image.tar /opt/x/y
run why image.tar /opt/z
run why image.tar /opt
run why image.tar /
run sql image.tar 'SELECT layer, path, hidden_by, why FROM hidden ORDER BY path, layer'
