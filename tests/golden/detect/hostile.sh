# SPDX-License-Identifier: Apache-2.0
# Names, lines and instructions from strangers never reach a terminal raw; JSON has the exact bytes.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
env PYTHON\x1b[2J=1
layer RUN \x1b]0;title\x07 | <b>`x`</b>
f "opt/\x1b[31mred\nline" mode=755 data="\x7fELF Fatal Python error: \0PYTHONHOME\0"
f "opt/\xff|bar" mode=755 data="#!/usr/bin/env python3\x1b[2J\n"
l "opt/\x1b[32mgreen" -> "\x1b[31mred\nline"
END
run detect image.tar python
run detect --output markdown image.tar python
run detect --output csv image.tar python
run detect --output json=doc.json image.tar python
python3 - <<'END'
import json
doc = json.load(open("doc.json"))
for one in doc["findings"]:
    print(ascii([one["names"], one["evidence"], one.get("instruction")]))
END
