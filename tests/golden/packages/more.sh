# SPDX-License-Identifier: Apache-2.0
# apk, distroless status.d, wheels and eggs, Node, Ruby and conda, side by side, in any prefix.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f lib/apk/db/installed data="C:Q1abc\nP:musl\nV:1.2\nA:x86_64\nI:600\no:musl-src\nF:lib\nM:0:0:755\nR:ld.so\na:0:0:755\nZ:Q1abc\nF:\nR:atroot\n\nP:apk-tools\nV:2\nA:x86_64\nI:5\n\n"
f lib/ld.so size=600
f atroot size=6
f var/lib/dpkg/status.d/tzdata data="Package: tzdata\nVersion: 2024a\nArchitecture: all\n"
f var/lib/dpkg/status.d/tzdata.md5sums data="0123456789abcdef0123456789abcdef  usr/share/zoneinfo/UTC\n"
f usr/share/zoneinfo/UTC size=100
layer RUN pip install
f opt/venv/lib/python3.11/site-packages/pkg/a.py size=10
f opt/venv/lib/python3.11/site-packages/pkg/__pycache__/a.cpython-311.pyc size=11
f "opt/venv/lib/python3.11/site-packages/pkg/with, comma" size=12
f opt/venv/bin/pkg size=13
f opt/venv/lib/python3.11/site-packages/pkg-1.0.dist-info/METADATA data="Metadata-Version: 2.1\nName: Pkg\nVersion: 1.0\n\nVersion: 9 in the text\n"
f opt/venv/lib/python3.11/site-packages/pkg-1.0.dist-info/INSTALLER data="pip\n"
f opt/venv/lib/python3.11/site-packages/pkg-1.0.dist-info/RECORD data="pkg/a.py,sha256=x,10\n\"pkg/with, comma\",sha256=x,12\n../../../bin/pkg,sha256=x,13\npkg-1.0.dist-info/METADATA,,\npkg-1.0.dist-info/RECORD,,\n"
f opt/venv/lib/python3.11/site-packages/bare-2.dist-info/METADATA data="Name: bare\nVersion: 2\n"
f opt/venv/lib/python3.11/site-packages/bare-2.dist-info/top_level.txt data="barely\n"
f opt/venv/lib/python3.11/site-packages/barely/deep/x.py size=20
f opt/venv/lib/python3.11/site-packages/old.egg-info/PKG-INFO data="Name: old\nVersion: 3\n"
f opt/venv/lib/python3.11/site-packages/old.egg-info/installed-files.txt data="../old.py\nPKG-INFO\n"
f opt/venv/lib/python3.11/site-packages/old.py size=30
f opt/venv/lib/python3.11/site-packages/old.pyc size=31
f opt/venv/lib/python3.11/site-packages/zipped-4-py3.11.egg size=40
layer RUN npm, gem, conda
f app/node_modules/.package-lock.json data="{}"
f app/node_modules/left/package.json data="{\"name\": \"left\", \"version\": \"1.0.0\", \"Name\": 1, \"x\": {\"name\": \"no\"}}"
f app/node_modules/left/index.js size=50
f app/node_modules/left/node_modules/@s/right/package.json data="\xef\xbb\xbf{\"version\": \"2.0\", \"name\": \"@s/right\"}"
f app/node_modules/left/node_modules/@s/right/lib/i.js size=51
f app/node_modules/.pnpm/p@3/node_modules/p/package.json data="{\"name\": \"p\", \"version\": \"3\"}"
f app/node_modules/.pnpm/p@3/node_modules/p/i.js size=52
l app/node_modules/p -> .pnpm/p@3/node_modules/p
f usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec data="# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n"
f usr/lib/ruby/gems/3.1.0/gems/rake-13.0.6/lib/rake.rb size=60
f usr/lib/ruby/gems/3.1.0/cache/rake-13.0.6.gem size=61
f usr/lib/ruby/gems/3.1.0/extensions/x86_64-linux/3.1.0/rake-13.0.6/rake.so size=62
f usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec data="Gem\n"
f opt/conda/conda-meta/np-1.2-h1_0.json data="{\"build\": \"h1_0\", \"name\": \"np\", \"version\": \"1.2\", \"subdir\": \"linux-64\", \"extracted_package_dir\": \"/opt/conda/pkgs/np-1.2-h1_0\", \"files\": [\"lib/np.so\", \"bin/n\\\\u00e9\"], \"paths_data\": {\"paths\": [{\"_path\": \"lib/np.so\", \"size_in_bytes\": 70}]}}"
f opt/conda/lib/np.so size=70
f opt/conda/bin/né size=71
f opt/conda/pkgs/np-1.2-h1_0/lib/np.so size=70
f opt/conda/pkgs/np-1.2-h1_0/info/index.json data="{\"name\": \"np\", \"version\": \"1.2\"}"
f opt/conda/pkgs/np-1.2-h1_0.conda size=72
f opt/conda/pkgs/left-9-0/info/index.json data="{\"name\": \"left\", \"version\": \"9\", \"subdir\": \"noarch\"}"
f opt/conda/pkgs/left-9-0/f size=73
END
run packages --sort name image.tar
run packages --files np image.tar
run packages --output json image.tar
