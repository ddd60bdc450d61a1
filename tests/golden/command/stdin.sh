# SPDX-License-Identifier: Apache-2.0
image app app.tar
for verb in ls history 'why - /opt/app' 'cat - /opt/app' 'stat -c %s - /opt/app' 'which - tool'; do
	# shellcheck disable=SC2086
	case $verb in *' '*) set -- $verb ;; *) set -- "$verb" - ;; esac
	echo "\$ peel $* <app.tar"
	"$PEEL" "$@" <app.tar 2>&1
done
