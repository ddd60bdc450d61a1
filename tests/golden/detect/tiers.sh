# SPDX-License-Identifier: Apache-2.0
# Tiers and verdicts: an interpreter under two names and three links, one that is deleted above, bytecode, scripts, a
# dangling link, a package database, the configuration. The formats, the tiers that are asked for, and the status.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
env PATH=/usr/local/bin:/usr/bin
env PYTHON_VERSION=3.11
layer FROM base
d usr/bin
l bin -> usr/bin
f usr/bin/python3.11 mode=755 data="\x7fELF\x02\x01\x01 Fatal Python error: \0PYTHONHOME\0"
h opt/engine -> usr/bin/python3.11
l usr/bin/python3 -> python3.11
l etc/alternatives/python -> /bin/python3.11
l usr/bin/python -> /etc/alternatives/python
f old/python2.7 mode=644 data="\x7fELF\x02\x01\x01 Fatal Python error: \0PYTHONHOME\0 2"
f srv/cache.dat data="\xa7\x0d\r\n\0\0\0\0abcdefgh"
f srv/run mode=755 data="#!/usr/bin/env python3\nprint(1)\n"
f srv/gone mode=755 data="#!/usr/bin/env pypy3\nprint(1)\n"
l venv/bin/python -> /opt/python/bin/python3
f var/lib/dpkg/status data="Package: python3.11-minimal\nStatus: install ok installed\nVersion: 3.11.2-6\nArchitecture: amd64\nDescription: x\n"
f var/lib/dpkg/info/python3.11-minimal.list data="/usr/bin/python3.11\n"
layer RUN rm -rf /old
w old
END
run detect image.tar python
run detect --runtime --tier interpreter,payload image.tar python
run detect --tier declared --tier dependent --output markdown image.tar python
run detect --tier interpreter --output csv image.tar python
run detect --tier embedder image.tar python
run detect --top 1 --tier dependent image.tar python shell
run detect --output json=doc.json image.tar python
python3 - <<'END'
import json
doc = json.load(open("doc.json"))
print(json.dumps({key: doc[key] for key in ("schema", "complete", "detectors", "summary")}))
for one in doc["findings"]:
    print(one["tier"], one["rule"], [name["path"] for name in one["names"]], one["visible"], one.get("hidden_by"), one.get("cause"),
          [tuple(evidence.values()) for evidence in one["evidence"]])
END
