# SPDX-License-Identifier: Apache-2.0
image app app.tar
filter='tr -d \r' run export --format csv app.tar
"$PEEL" export --format csv app.tar | grep -vc "$(printf '\r')\$"
run export --format jsonl app.tar
run export --format mtree --digest sha256 app.tar
run export --format ncdu app.tar
run export --format csv --digest sha256 --layer 2 app.tar
