# SPDX-License-Identifier: Apache-2.0
# A layer that ends too early, and one that is missing: what can be read, status 3, and no mark of an end.
image app app.tar
ends() {
	if [ "$(tail -c 1024 "$1" | tr -d '\0' | wc -c)" -eq 0 ]; then
		echo 'with an end'
	else
		echo 'without an end'
	fi
}
damage app.tar cut.tar cut:layer0:8500
filter='tr -d \r' run export --format csv cut.tar
filter='tr -d \r' run export --format csv --digest sha256 cut.tar
"$PEEL" export cut.tar >cut.out
echo "status $?"
ends cut.out
tar -tf cut.out
damage app.tar missing.tar drop:layer1
"$PEEL" export missing.tar >missing.out
echo "status $?"
ends missing.out
"$PEEL" export --allow-missing missing.tar >missing.out
echo "status $?"
ends missing.out
run export --format ncdu missing.tar
