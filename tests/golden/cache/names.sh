# SPDX-License-Identifier: Apache-2.0
# What has one of our names, followed by whatever bytes: escaped for people, exact for machines; a stranger's file stays.
cache=$HOME/.cache/peel
mkdir -p "$cache"
chmod 700 "$cache"
: >"$cache/.building-"$'\xff\e[31m'
echo mine >"$cache/notes"
echo mine >"$cache/0123.peel"
plain() {
	sed -E -e 's/, [^ ]*\.cache\/peel$//; s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/TIME/' -e 's/  +/  /g'
}
filter=plain
run cache ls
"$PEEL" cache ls --output json | python3 -c '
import base64, json, sys
for file in json.load(sys.stdin)["files"]:
    print(base64.b64decode(file["file_b64"]))'
run cache gc
ls "$cache"
