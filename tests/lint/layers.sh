#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on an #include that goes up, or that uses a library outside its files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
"$here/files.sh" . 'fs/*.[ch]' 'include/*.[ch]' 'index/*.[ch]' 'tests/*.[ch]' 'tools/*.[ch]' |
	xargs awk -f "$here/layers.awk" "$here/layers.txt"
