# SPDX-License-Identifier: Apache-2.0
# What could not be looked at proves nothing: 3 and never 0. What is found is found all the same: 1.
image app app.tar --compress gzip
damage app.tar missing.tar drop:layer1
cat >policy.yaml <<'END'
version: 1
image: {require_complete: true}
limits: {size: 1GB}
forbid:
  - path: /srv/none
  - config: {user: nobody}
require:
  - path: /opt/app
  - path: /usr/bin/other
END
run check -c policy.yaml missing.tar
run check --deny python missing.tar
run check --deny setuid missing.tar
run check --deny python --output junit missing.tar
run check --deny python --output github missing.tar
damage app.tar short.tar cut:layer2:100
run check --deny python -q short.tar
# Files that a content rule is not to search are left out on the policy's word only.
printf 'version: 1\nforbid:\n  - content: {glob: /srv/*, regex: x, max_file: 10}\n' >some.yaml
run check -c some.yaml app.tar
# Archives within the image.
python3 - <<'END'
import os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
inner = mkimage.layer_tar([{"type": "f", "path": b"x", "data": b"x"}])
mkimage.build("nested.tar", [{"instruction": "COPY a.tar /opt", "entries": [{"type": "f", "path": b"opt/a.tar", "data": inner}]}])
END
printf 'version: 1\nimage: {require_expanded: true}\n' >expanded.yaml
run check -c expanded.yaml nested.tar
run check --deny python nested.tar
