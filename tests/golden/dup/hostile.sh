# SPDX-License-Identifier: Apache-2.0
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer one
f "esc\x1b[31mred" size=10 seed=1
f "bad\xff\xfeutf8" size=10 seed=1
f "bar|and,comma \"quote\"" size=10 seed=1
f "new\nline" size=10 seed=1
END
run dup image.tar
run dup --output csv image.tar
run dup --output markdown image.tar
run dup --output json image.tar
