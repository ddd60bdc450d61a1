# SPDX-License-Identifier: Apache-2.0
# Names of packages, versions and folders are strangers' bytes: escaped for people, exact in JSON.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f var/lib/dpkg/status data="Package: e\x1b[31mvil\nStatus: install ok installed\nVersion: 1\xff\nArchitecture: \x07all\n\n"
f "var/lib/dpkg/info/e\x1b[31mvil.list" data="/\x1b[2J\n"
f "\x1b[2J" size=5
f "o\xffpt/\nx/f" size=6
f "node_modules/\x1b]0;t/package.json" data="{\"name\": \"\\\\u001b]0;title\\\\u0007\", \"version\": \"|<b>\"}"
END
run packages image.tar
run packages --output markdown image.tar
run packages --output json image.tar
run packages --owner "$(printf '/\033[2J')" image.tar
run packages --files "$(printf 'e\033[31mvil')" image.tar

# No spreadsheet takes a name for a formula.
python3 "$golden/../lib/mkimage.py" formula.tar <<'END'
layer =cmd|'/C calc'!A0
f var/lib/dpkg/status data="Package: =cmd|'/C calc'!A0\nStatus: install ok installed\nVersion: @SUM(1,2)\nArchitecture: -\n\n"
f "var/lib/dpkg/info/=cmd|'!A0.list" data="/x\n"
END
run packages --output csv formula.tar
run history --output csv formula.tar
