# SPDX-License-Identifier: Apache-2.0
# Names and instructions that would be commands to a terminal or a runner are none in any document.
python3 - <<'END'
import os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
names = [b"::error::x", b"a\n::set-output name=a::b", b"##[add-mask]secret", b"##vso[task.complete]", b"%0A::warning::x",
         b"[link](http://example.com)", b"<script>", b"a|b", b"\x1b[31mred", b"bad\xff", b"a:b,c", b"\xef\xbf\xbf", b"]]>&amp;"]
mkimage.build("h.tar", [{"instruction": "RUN echo '\n::error::injected' ##[error] <b>", "entries":
              [{"type": "f", "path": b"opt/" + name, "mode": 0o4755, "data": b"x"} for name in names]}])
END
printf 'version: 1\nforbid:\n  - {name: "::error::n ##[x]", path: {glob: /opt/*}}\n  - detect: setuid\n' >policy.yaml
run check -c policy.yaml h.tar
run check -c policy.yaml --output github h.tar
run check -c policy.yaml --output markdown h.tar
run check -c policy.yaml --output junit h.tar
run check -c policy.yaml --output sarif h.tar
