#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo_image.sh FOLDER OUT: write a small docker archive. Five layers: a base, git and a Python with a package cache,
# an application whose server is a renamed Python, a clean-up that deletes what the second layer brought, and a change
# of mode that copies a file once more.
set -eu
image=$(cd "$1" && pwd)
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
layers=''
diff_ids=''
number=0
python=$(readlink -f /usr/bin/python3)

# Pack tree/ as the next layer. Owner, order and times are fixed, so that every run makes the same digests.
layer() {
	number=$((number + 1))
	name=layer$number.tar
	tar -C "$image/tree" --sort=name --owner=0 --group=0 --numeric-owner --mtime='2024-05-01 10:00:00Z' \
		-cf "$image/$name" .
	digest=$(sha256sum "$image/$name" | cut -d ' ' -f 1)
	layers="$layers${layers:+,}\"$name\""
	diff_ids="$diff_ids${diff_ids:+,}\"sha256:$digest\""
	find "$image/tree" -mindepth 1 -delete
}

mkdir -p "$image/tree"
cd "$image/tree"
mkdir -p etc usr/bin usr/lib var/lib tmp
ln -s usr/bin bin
cp /bin/sh usr/bin/dash
ln -s dash usr/bin/sh
cp /usr/bin/env usr/bin/env
printf 'PRETTY_NAME="A demo"\nID=demo\n' >usr/lib/os-release
ln -s ../usr/lib/os-release etc/os-release
layer

mkdir -p usr/bin usr/share/doc/git var/cache/apt/archives
cp "$python" usr/bin/python3.11
ln -s python3.11 usr/bin/python3
ln -s /usr/bin/python3 usr/bin/python
head -c 3000000 /dev/zero >var/cache/apt/archives/git_2.39.5_amd64.deb
head -c 900000 /dev/zero >usr/bin/git
echo 'much to read' >usr/share/doc/git/README
layer

mkdir -p app/bin app/data
cp "$python" app/bin/serve
head -c 500000 /dev/zero >app/data/model.bin
layer

mkdir -p usr/bin usr/share/doc var/cache/apt
: >usr/bin/.wh.python3.11
: >usr/bin/.wh.python3
: >usr/bin/.wh.python
: >usr/share/doc/.wh.git
: >var/cache/apt/.wh.archives
layer

mkdir -p app/data
head -c 500000 /dev/zero >app/data/model.bin
chmod 600 app/data/model.bin
layer

cd "$image"
rm -rf tree
time=2024-05-01T10:00:00Z
cat >config.json <<EOT
{"architecture":"amd64","os":"linux","created":"$time",
"config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["/app/bin/serve"]},
"rootfs":{"type":"layers","diff_ids":[$diff_ids]},
"history":[
{"created":"$time","created_by":"ADD rootfs.tar.xz / # buildkit"},
{"created":"$time","created_by":"RUN apt-get install -y git python3 # buildkit"},
{"created":"$time","created_by":"ENV PATH=/usr/local/bin:/usr/bin:/bin","empty_layer":true},
{"created":"$time","created_by":"COPY build/app /app # buildkit"},
{"created":"$time","created_by":"RUN apt-get purge -y python3 && rm -rf /var/cache/apt/archives # buildkit"},
{"created":"$time","created_by":"RUN chmod 600 /app/data/model.bin # buildkit"}]}
EOT
config=$(sha256sum config.json | cut -d ' ' -f 1).json
mv config.json "$config"
printf '[{"Config":"%s","RepoTags":["demo:latest"],"Layers":[%s]}]\n' "$config" "$layers" >manifest.json
tar -cf "$out" manifest.json "$config" layer*.tar
rm -f layer*.tar
