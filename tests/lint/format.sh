#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on C that clang-format would write differently. Version 14, as Debian 12 has it: others disagree with it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
if ! command -v clang-format-14 >/dev/null; then
	echo 'SKIP: clang-format-14 is not installed'
	exit 77
fi
"$here/files.sh" . '*.[ch]' | xargs clang-format-14 --dry-run --Werror
