# SPDX-License-Identifier: Apache-2.0
# A root filesystem is one layer: what stands before the cut is shown, with status 3.
python3 "$golden/../lib/mkimage.py" --form rootfs root.tar <<'END'
layer
f first data="1"
f second size=5000 seed=2
f third data="3"
END
mkdir full
: >full/file
for size in 1024 1500 1536 2048 3000 6656 7168 8191; do
	head -c $size root.tar >t
	run ls -l t
	run inspect t
	run mount t full
done
