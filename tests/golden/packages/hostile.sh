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
