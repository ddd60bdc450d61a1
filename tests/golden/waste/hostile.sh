# SPDX-License-Identifier: Apache-2.0
# Names are escaped for people, exact for machines.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer RUN echo "\x1b[31mred" | tee 'a|b'
f "esc\x1b[31mred" size=10 seed=1
f "bad\xff\xfeutf8/x" size=20 seed=2
f "bar|and,comma \"quote\"" size=30 seed=3
f "new\nline" size=40 seed=4
f "a*b_c`d" size=50 seed=5
layer RUN rm -rf /
w "esc\x1b[31mred"
w "bad\xff\xfeutf8"
w "bar|and,comma \"quote\""
w "new\nline"
w "a*b_c`d"
END
run waste image.tar
run waste --output csv image.tar
run waste --output markdown image.tar
run waste --by path --output json image.tar
run waste --dive-compat image.tar
