# SPDX-License-Identifier: Apache-2.0
# Nothing is ignored: what cannot be had is refused, before the image is opened.
for word in -exec -execdir -ok -okdir -delete -fls -fprint -fprint0 -fprintf -atime -amin -anewer -ctime -cmin -cnewer \
	-newerat -newercm -newerBB -used -context -fstype -writable -files0-from -help --help -version -newertm -newerxx -such; do
	run find absent.tar "$word"
done
run find absent.tar -D tree
run find absent.tar -O3
run find absent.tar -newermt 'Nov 14 2023'
run find absent.tar -newermt '14.11.2023'
run find absent.tar -newermt ''
run find absent.tar -newermt '2023-11-14 25:00'
run find absent.tar -name
run find absent.tar '(' -name a
run find absent.tar -name a ')'
run find absent.tar -name a b
run find absent.tar -maxdepth 1000000000000
run find absent.tar -size 1T
parentheses=()
for ((i = 0; i <= 500; i++)); do parentheses+=('('); done
"$PEEL" find absent.tar "${parentheses[@]}" -print 2>&1
run find absent.tar
run find
run find --layer 3 absent.tar
image app app.tar
run find --layer 9 app.tar
run find app.tar -user nobody-here
run find app.tar -group nobody-here
run find app.tar -newer /nowhere
run find app.tar -samefile loop -o -samefile bin/tool
