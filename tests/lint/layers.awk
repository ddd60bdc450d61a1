# SPDX-License-Identifier: Apache-2.0
# layers.awk TABLE FILE...: fail on an #include that the table of layers does not allow.

function base(path) {
	sub(/.*\//, "", path)
	sub(/\.[ch]$/, "", path)
	return path
}

# The level of a file of index/, -1 where no family claims it.
function level_of(path,    name) {
	name = base(path)
	while (name != "") {
		if (name in level) {
			return level[name]
		}
		if (!sub(/_[^_]*$/, "", name)) {
			return -1
		}
	}
	return -1
}

function may_use(list, path,    count, places, i, rest) {
	count = split(list, places, " ")
	for (i = 1; i <= count; i++) {
		if (index(path, places[i]) == 1) {
			rest = substr(path, length(places[i]) + 1, 1)
			if (places[i] ~ /\/$/ || rest ~ /^[._]?$/) {
				return 1
			}
		}
	}
	return 0
}

function bad(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	failed = 1
}

FILENAME == ARGV[1] {
	if ($1 == "level") {
		for (i = 3; i <= NF; i++) {
			level[$i] = $2
		}
	} else if ($1 == "library") {
		pattern = $2
		$1 = $2 = ""
		library[pattern] = $0
	} else if ($1 == "public") {
		public[$2] = 1
	}
	next
}

FNR == 1 && FILENAME ~ /^index\// && level_of(FILENAME) < 0 {
	bad("belongs to no family of tests/lint/layers.txt")
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	header = $0
	sub(/^[^<"]*[<"]/, "", header)
	sub(/[>"].*$/, "", header)
	own = ($0 ~ /include[ \t]*"/)

	# Our own yaml.h is no library's.
	for (pattern in library) {
		if (!(own && level_of(header) >= 0) && header ~ pattern && !may_use(library[pattern], FILENAME)) {
			bad("<" header "> is for" library[pattern] " only")
		}
	}
	if (FILENAME ~ /^include\//) {
		allowed = 0
		for (pattern in public) {
			allowed = allowed || (!own && header ~ pattern)
		}
		if (!allowed) {
			bad("a public header includes libc types and <peel/…> only, not " header)
		}
	}
	if (FILENAME ~ /^index\// && own && header !~ /_(sql|yaml)\.h$/) {
		if (header ~ /\//) {
			bad("index/ includes its own headers by their bare names: " header)
		} else if (level_of(header) > level_of(FILENAME)) {
			bad("level " level_of(FILENAME) " includes " header " of level " level_of(header))
		}
	}
	if (FILENAME ~ /^index\// && header == "peel/mount.h") {
		bad("the mount is above the library")
	}
	# Texts that are compiled in are headers of the build.
	if (FILENAME ~ /^(fs|tools)\// && own && header !~ /^(completion_[a-z]+|report_page)\.h$/) {
		folder = FILENAME
		sub(/[^\/]*$/, "", folder)
		if (header ~ /\// || (getline line < (folder header)) < 0) {
			bad("fs/ and tools/ use the public headers and their own, not " header)
		}
		close(folder header)
	}
}

END {
	exit failed
}
