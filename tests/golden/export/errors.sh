# SPDX-License-Identifier: Apache-2.0
image app app.tar
run export --format zip app.tar
run export --format tar --digest sha256 app.tar
run export --format csv --digest md5 app.tar
run export --layer 9 app.tar
run export app.tar etc
run export nope.tar
run export
# A terminal is no place for a tar.
script -qec "'$PEEL' export app.tar" /dev/null | tr -d '\r'
"$PEEL" export app.tar >/dev/full
echo "status $?"
"$PEEL" export --format csv app.tar >/dev/full
echo "status $?"
(
	trap '' PIPE
	"$PEEL" export app.tar --layer 0 2>err
	echo "status $?" >&2
) | head -c 10 >/dev/null
cat err
