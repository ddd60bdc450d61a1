# SPDX-License-Identifier: Apache-2.0
# Ways in which a rule could hold only because it looked past what it names.
python3 - <<'END'
import os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
PASSWD = b"root:x:0:0::/:\ntoor:x:00:0::/:\nbad:x:zz:0::/:\n ws:x:0:0::/:\nplus:x:+0:1::/:\nshort:x\nok:x:1000:1000::/:\n"
TREE = [{"type": "l", "path": b"bin", "link": b"usr/bin"}, {"type": "l", "path": b"sbin", "link": b"usr/sbin"},
        {"type": "f", "path": b"usr/bin/sh", "mode": 0o755, "data": b"x"}, {"type": "f", "path": b"usr/sbin/{su}", "data": b"x"},
        {"type": "f", "path": b"usr/lib/os-release", "data": b"ID=SECRET\n"},
        {"type": "l", "path": b"etc/os-release", "link": b"../usr/lib/os-release"}, {"type": "l", "path": b"etc/gone", "link": b"none"}]
mkimage.build("links.tar", [{"instruction": "COPY . /", "entries": TREE}])
for number, user in enumerate(["+0", "-0", "toor", "bad", "ws", "plus", "ok", "+1000", "nobody"]):
    mkimage.build("user%d.tar" % number, [{"instruction": "COPY passwd /etc", "entries":
                  [{"type": "f", "path": b"etc/passwd", "data": PASSWD}]}], settings={"User": user})
mkimage.build("large.tar", [{"instruction": "COPY passwd /etc", "entries":
              [{"type": "f", "path": b"etc/passwd", "data": b"#" * (1 << 20) + b"\napp:x:0:0::/:\n"}]}], settings={"User": "app"})
END
# The folders before a wildcard are resolved, each alternative by itself.
printf 'version: 1\nforbid:\n  - path: "/{bin,sbin}/sh"\n  - path: "/{,s}bin/\\\\{su\\\\}"\n' >braces.yaml
run check -c braces.yaml links.tar
# Contents are read through a link that a pattern names.
printf 'version: 1\nforbid:\n  - content: {glob: "/etc/*", regex: SECRET}\n  - content: {glob: "/**", regex: SECRET}\n' >content.yaml
run check -c content.yaml links.tar
printf 'version: 1\nrequire:\n  - content: {glob: /etc/os-release, regex: SECRET}\n' >holds.yaml
run check -c holds.yaml links.tar
# Root by every spelling that a runtime reads as 0; and where /etc/passwd is too large to be read, nobody knows.
printf "version: 1\nrequire:\n  - config: {user: '!root'}\n" >root.yaml
for number in 0 1 2 3 4 5 6 7 8; do
	run check -c root.yaml user$number.tar
done
run check -c root.yaml large.tar
# Rules that could never be violated are no rules.
for rule in 'sql: " ; "' 'package: ""' 'config: {labels: {}}'; do
	printf 'version: 1\nforbid:\n  - %s\n' "$rule" >empty.yaml
	run check -c empty.yaml links.tar
done
# Every name of a file counts: one of a hundred that no exception fits, and each of a file that was deleted.
python3 - <<'END'
import os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
names = [b"opt/ok%d" % n for n in range(99)] + [b"usr/bad"]
mkimage.build("names.tar", [
    {"instruction": "COPY . /", "entries": [{"type": "f", "path": b"opt/ok", "data": b"SECRET"}] +
        [{"type": "h", "path": name, "link": b"opt/ok"} for name in names]},
    {"instruction": "COPY a /srv", "entries": [{"type": "f", "path": b"srv/a", "data": b"HIDDEN"}, {"type": "h", "path": b"srv/b", "link": b"srv/a"}]},
    {"instruction": "RUN rm", "entries": [{"type": "w", "path": b"srv/a"}, {"type": "w", "path": b"srv/b"}]}])
END
cat >names.yaml <<'END'
version: 1
forbid:
  - content: {glob: '/**', regex: SECRET}
  - path: {glob: /srv/b, scope: shipped}
  - content: {glob: /srv/b, regex: HIDDEN, scope: shipped}
allow:
  - {rule: 'forbid[0]', paths: '/opt/*', reason: for the test}
END
run check -c names.yaml names.tar
