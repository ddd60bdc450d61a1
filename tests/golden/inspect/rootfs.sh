# SPDX-License-Identifier: Apache-2.0
python3 "$golden/../lib/mkimage.py" --form rootfs root.tar <<'END'
layer
f etc/hostname data="h\n"
END
run inspect root.tar
run history root.tar
run inspect --output json root.tar
