#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many readers at once, in every form of image: what they read is right.
. "$(dirname "$0")/lib.sh"

{
	echo 'layer COPY'
	for f in {1..40}; do
		echo "f d$((f % 7))/f$f size=$((f * f * 700)) seed=$f"
	done
	echo 'layer COPY again'
	echo 'f big size=6000000 seed=99'
	for f in {1..10}; do
		echo "f d$((f % 7))/f$f size=$((f * 90000)) seed=$((f + 1000))"
	done
} >"$dir/description"
# shellcheck disable=SC2016
reader='import hashlib, os, random, sys
root, seed, wanted = sys.argv[1], int(sys.argv[2]), dict(l.split()[::-1] for l in open(sys.argv[3]))
r = random.Random(seed)
names = sorted(wanted)
r.shuffle(names)
for name in names[:5]:
    path = os.path.join(root, name)
    with open(path, "rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        data = b""
        while len(data) < size:
            piece = os.pread(f.fileno(), r.randrange(1, 300000), len(data))
            if not piece:
                sys.exit(name + ": short")
            data += piece
        if hashlib.sha256(data).hexdigest() != wanted[name]:
            sys.exit(name + ": wrong")
        # Out of the page cache, so that what follows comes from the mount again.
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for _ in range(10):
            at = r.randrange(size)
            if os.pread(f.fileno(), 4096, at) != data[at:at + 4096]:
                sys.exit(name + ": wrong at " + str(at))
'
for form in 'docker-archive' 'oci-archive --compress gzip' 'oci-archive --compress zstd' 'docker-archive --outer gzip'; do
	# shellcheck disable=SC2086
	make_image image.tar --form $form <"$dir/description"
	mount_image image.tar
	[ -e "$dir/wanted" ] || (cd "$mnt" && find . -type f -exec sha256sum {} +) >"$dir/wanted"
	"$PEEL" umount "$mnt" && mount_image image.tar
	pids=()
	for ((i = 0; i < 64; i++)); do
		python3 -c "$reader" "$mnt" "$i" "$dir/wanted" 2>>"$dir/errors" &
		pids+=($!)
	done
	bad=0
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=$((bad + 1))
	done
	is "$form: 64 readers" "$bad $(cat "$dir/errors")" '0 '
	true_that "$form: unmount" unmount
done
is 'every form gives the same, as generated' \
	"$(cd "$dir" && tail -n +1 description | python3 -c '
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import mkimage
files = {}
for layer in mkimage.parse(sys.stdin.read())[0]:
    for e in layer["entries"]:
        files["./" + e["path"].decode()] = hashlib.sha256(e["data"]).hexdigest()
wanted = dict(l.split()[::-1] for l in open("wanted"))
print(files == wanted)' "$here/../lib")" True
done_testing
