# SPDX-License-Identifier: Apache-2.0
# What upper layers hide: once each, from the layer that has it; what is visible comes once too.
run_layers() {
	python3 "$golden/../lib/mkimage.py" "$@" <<'END'
layer ADD base
d etc
f etc/same data="same"
f etc/owner data="owner"
f etc/content data="one"
f etc/gone data="gone"
d opt
d opt/old
f opt/old/a data="a"
f opt/old/b data="b"
d opt/opaque
f opt/opaque/under data="u"
f opt/type data="a file"
f opt/twice data="1"
f opt/twice data="22"
f implied/deep/file data="i"
f linked data="l"
h linked2 -> linked
layer RUN change
f etc/same data="same"
f etc/owner uid=7 data="owner"
f etc/content data="two"
w etc/gone
w opt/old
o opt/opaque
f opt/opaque/over data="o"
d opt/type
w implied/deep
w linked2
layer RUN again
f etc/content data="three"
w opt/opaque
END
}
run_layers --compress gzip image.tar
run find image.tar -hidden -printf '%{layer} %{hidden-by} %-20{why} %p\n'
run find image.tar -hidden
run find image.tar ! -hidden
run find image.tar -hidden -type f -layer 0 -size -3c
run find image.tar etc opt -hidden -depth -name 'o*'
run find image.tar -path ./opt -prune -o -hidden -print
run find image.tar -name old -prune -o -hidden -print
run find image.tar -maxdepth 2 -mindepth 2 -hidden -printf '%d %f %h\n'
run find image.tar -hidden -quit
run find image.tar -hidden -print -quit
run find image.tar opt/old -hidden
run find image.tar opt/old/a opt/opaque/../old /nowhere -hidden
run find image.tar opt/old
run find image.tar -hidden -ls
run find --layer 0 image.tar etc -hidden -printf '%p %{why}\n'
run find --layer 0 image.tar linked linked2 -hidden
run find image.tar -layer 0
run find image.tar -layer +0 -type f
run find image.tar -layer -1 -type f -printf '%{layer} %{hidden-by} %{why} %{kind} %p\n'
run find image.tar implied -printf '%{layer} %p\n'
run find image.tar -layer x
