# SPDX-License-Identifier: Apache-2.0
# Plain layers are indexed by their headers, compressed ones are read: the answers are the same.
image app app.tar
run waste app.tar
for by in cause folder instruction layer path; do
	run waste --by "$by" app.tar
done
run waste --by path --output csv app.tar
run waste --output markdown app.tar
run waste --by instruction --no-trunc app.tar
for codec in gzip zstd; do
	image app "$codec.tar" --form oci-archive --compress "$codec"
	for by in cause folder instruction layer path; do
		"$PEEL" waste --by "$by" "$codec.tar" >"$codec.$by"
		"$PEEL" waste --by "$by" app.tar | diff - "$codec.$by"
	done
done
