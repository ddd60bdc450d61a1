#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a manual page that mandoc or groff complains about.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
if ! command -v mandoc >/dev/null || ! command -v groff >/dev/null; then
	echo 'SKIP: mandoc or groff is not installed'
	exit 77
fi
for page in tools/*.1; do
	mandoc -T lint -W warning "$page"
	# Each warning of groff names the page and the line.
	warnings=$(groff -ww -man -T utf8 -z "$page" 2>&1)
	[ -z "$warnings" ] || {
		printf '%s\n' "$warnings"
		exit 1
	}
done
