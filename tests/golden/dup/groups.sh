# SPDX-License-Identifier: Apache-2.0
# Hard links are one file; empty files save nothing; what only layers have twice is told apart from what is visible.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f lib/one size=1000 seed=1
f lib/two size=1000 seed=1
h lib/three -> lib/one
f lib/other size=1000 seed=2
f empty/a
f empty/b
f big size=5000 seed=3
layer RUN chown
f big size=5000 seed=3 uid=1000
f opt/one size=1000 seed=1
w lib/two
f pair/a size=7 seed=4
f pair/b size=7 seed=4
END
run dup image.tar
run dup --visible image.tar
run dup --min-size 2000 image.tar
run dup --top 1 image.tar
run dup --output csv image.tar
run dup --output json image.tar
run dup --output markdown image.tar
for codec in gzip zstd; do
	python3 "$golden/../lib/mkimage.py" --compress "$codec" --form oci-archive again.tar <<'END'
layer FROM base
f lib/one size=1000 seed=1
f lib/two size=1000 seed=1
END
	run dup again.tar
done
