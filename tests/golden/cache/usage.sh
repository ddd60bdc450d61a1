# SPDX-License-Identifier: Apache-2.0
plain() {
	sed -E -e "s#$(realpath "$scratch")#TOP#g; s#$scratch#TOP#g"
}
filter=plain
run cache
run cache lss
run cache ls --all
run cache ls gc
run cache gc --limit ten
run cache --output csv ls
PEEL_CACHE_LIMIT=ten run cache ls
PEEL_CACHE_LIMIT=512M run cache ls
PEEL_CACHE_LIMIT=0 run cache ls
PEEL_CACHE_LIMIT=512M run cache gc --limit 1G
PEEL_CACHE_LIMIT=ten run ls --no-cache app.tar
mkdir -m 777 shared
run cache ls --cache-dir shared
: >file
run cache ls --cache-dir file
run cache ls --cache-dir file/below
run cache ls --cache-dir new/folder
stat -c '%a %n' new new/folder
(
	unset HOME
	run cache ls
	run cache gc
)
