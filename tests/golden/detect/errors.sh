# SPDX-License-Identifier: Apache-2.0
# Wrong words, and files of detectors that are wrong, each with its line.
image app app.tar
run detect
run detect app.tar pyhton
run detect app.tar nothing-of-the-kind
run detect --tier interpretor app.tar
run detect nothing.tar
run detect --detectors nothing.yaml app.tar
number=0
wrong() { # RULES...: a file with these lines below a detector's title
	number=$((number + 1))
	{
		printf 'version: 1\ndetectors:\n  x:\n    title: X\n'
		printf '    %s\n' "$@"
	} >"wrong$number.yaml"
	run detect --detectors "wrong$number.yaml" --list
}
wrong 'colour: red'
wrong 'rules: []'
wrong 'rules:' '  - {id: a, tier: interpreter, title: t}'
wrong 'rules:' '  - {id: a, tier: top, title: t, when: {kind: elf}}'
wrong 'rules:' '  - {id: A, tier: payload, title: t, when: {kind: elf}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf}, extra: 1}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: exe}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {kine: elf}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf, not: {}}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {not: {kind: elf}}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {path: usr/bin}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {name: a/b}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {marker: nothing}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {marker: {least: 2, of: [b]}}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {symbol: "a*b"}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {command: sh}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, on: process, when: {command: sh}}'
wrong 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf}}' '  - {id: a, tier: payload, title: t, when: {kind: pe}}'
wrong 'markers: {short: abc}' 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf}}'
wrong 'markers: {odd: {hex: abcdefabcdefa}}' 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf}}'
wrong 'markers: {m: {text: abcdefgh, in: [pictures]}}' 'rules:' '  - {id: a, tier: payload, title: t, when: {kind: elf}}'
printf 'detectors: {}\n' >no-version.yaml
run detect --detectors no-version.yaml --list
printf 'version: 1\nrules: []\n' >no-detectors.yaml
run detect --detectors no-detectors.yaml --list
printf 'version: 1\ndetectors: {Bad Name: {}}\n' >bad-name.yaml
run detect --detectors bad-name.yaml --list
