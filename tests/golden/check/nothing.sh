# SPDX-License-Identifier: Apache-2.0
# A rule that looks at nothing would pass whatever there is: it is an error.
image app app.tar
printf 'version: 1\nforbid:\n  - sql: "-- SELECT path FROM tree\\n /* nor this */ ;"\n' >policy.yaml
run check -c policy.yaml app.tar
printf 'schemaVersion: 2.0.0\nlicenseTests: [{}]\n' >licence.yaml
run check -c licence.yaml app.tar
printf 'schemaVersion: 2.0.0\nlicenseTests: [{debian: false}]\n' >licence.yaml
run check -c licence.yaml app.tar
# Compressed files are not looked into, whatever their name; an exception may name them.
python3 "$golden/../lib/mkimage.py" z.tar <<'END'
layer FROM base
f srv/data.gz data="\\x1f\\x8b\\x08\\x00\\x00\\x00\\x00\\x00\\x00\\x03\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
END
printf 'version: 1\nimage: {require_expanded: true}\n' >expanded.yaml
run check -c expanded.yaml z.tar
printf 'version: 1\nimage: {require_expanded: true}\nallow:\n  - {rule: image.require_expanded, paths: [/srv/data.gz], reason: "sums"}\n' >expanded.yaml
run check -c expanded.yaml z.tar
