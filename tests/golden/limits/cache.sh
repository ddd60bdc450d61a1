# SPDX-License-Identifier: Apache-2.0
# An index of the cache serves where building it now would give the same, and is built anew where it would not.
PYTHONPATH=$golden/../lib python3 - <<'PYTHON'
import tarbytes
with open("x.tar", "wb") as file:
	file.write(tarbytes.entry(b"a", "f") + tarbytes.entry(b"a-name-of-twenty-five-byt", "f") + tarbytes.END)
PYTHON
touch -d '2020-01-01' x.tar
sleep 2.1
# built LABEL OPTION...: does the index change?
built() {
	local before after label=$1
	shift
	before=$(stat -c %i "$HOME"/.cache/peel/*.peel 2>/dev/null)
	run ls "$@" rootfs:x.tar
	after=$(stat -c %i "$HOME"/.cache/peel/*.peel)
	if [ "$before" = "$after" ]; then echo "# $label: at hand"; else echo "# $label: built"; fi
}
built new
built again
built 'lowered, but not below what there is' --limit entries=2,path-length=25
built 'raised' --limit entries=20000000,path-length=20000
built 'cut' --limit path-length=20
built 'cut again' --limit path-length=20
built 'cut, and another one raised' --limit path-length=20,entries=20000000
built 'raised after a cut' --limit path-length=24
built 'without'
built 'time and spool say nothing of the image' --limit time=1s,spool=1
run ls --limit entries=1 rootfs:x.tar
built 'what failed left the index alone'
