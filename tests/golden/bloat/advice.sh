# SPDX-License-Identifier: Apache-2.0
# Advice: what packages bring along, what is shipped twice, what overlaps; names of strangers.
# package NAME [FIELD]...: a paragraph of dpkg's status, with escapes for mkimage.py.
package() {
	local name=$1
	shift
	printf 'Package: %s\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 1\\n' "$name"
	[ $# = 0 ] || printf '%s\\n' "$@"
	printf '\\n'
}
# automatic NAME...: what apt notes of packages that nobody asked for.
automatic() {
	printf 'Package: %s\\nArchitecture: amd64\\nAuto-Installed: 1\\n\\n' "$@"
}
evil='e\x1b[31mvil'
status=$(package base
	package git 'Depends: libz' "Recommends: less, $evil"
	package libz
	package less 'Depends: libtinfo'
	package libtinfo
	package gcc 'Depends: libisl'
	package libisl
	package build 'Depends: gcc'
	package "$evil")
states=$(automatic libz less libtinfo gcc libisl "$evil")
python3 "$golden/../lib/mkimage.py" a.tar <<END
layer FROM base
f usr/bin/base size=1000000
f var/lib/dpkg/info/base.list data="/usr/bin/base\n"
layer RUN apt-get install -y git build
f var/lib/dpkg/status data="$status"
f var/lib/apt/extended_states data="$states"
f usr/bin/git size=500000 seed=1
f usr/lib/libz.so size=40000 seed=2
f usr/bin/less size=30000 seed=3
f usr/lib/libtinfo.so size=20000 seed=4
f usr/bin/gcc size=900000 seed=5
f usr/lib/libisl.so size=100000 seed=6
f usr/bin/evil size=7000 seed=7
f var/lib/dpkg/info/git.list data="/usr/bin/git\n"
f var/lib/dpkg/info/libz.list data="/usr/lib/libz.so\n"
f var/lib/dpkg/info/less.list data="/usr/bin/less\n"
f var/lib/dpkg/info/libtinfo.list data="/usr/lib/libtinfo.so\n"
f var/lib/dpkg/info/gcc.list data="/usr/bin/gcc\n"
f var/lib/dpkg/info/libisl.list data="/usr/lib/libisl.so\n"
f var/lib/dpkg/info/build.list data="/.\n"
f "var/lib/dpkg/info/e\x1b[31mvil.list" data="/usr/bin/evil\n"
f var/cache/apt/archives/git_1_amd64.deb size=200000 seed=8
f var/cache/apt/archives/less_1_amd64.deb size=9000 seed=9
layer COPY app /app
f "app/.git/\x1b]0;pack" size=60000 seed=10
f "app/first\x07" size=20000 seed=11
f "app/second\x07" size=20000 seed=11
f app/small size=200 seed=12
f app/same size=200 seed=12
layer RUN chown -R app /app
f "app/.git/\x1b]0;pack" size=60000 seed=10 uid=7
END
run bloat --by advice a.tar
run bloat --by advice --output json a.tar
