#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail on a function that its header does not explain.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${PEEL_SOURCE:-$here/../..}"
"$here/files.sh" . '*.h' | xargs awk -f "$here/docs.awk"
