# SPDX-License-Identifier: Apache-2.0
# chown -R copies everything that it touches: all that the lower layer shipped is waste, and all of it has one cause.
python3 - <<'END' >image.txt
print("layer COPY app /app")
for pass_ in range(2):
    print("d app uid=%d" % (1000 * pass_))
    for i in range(40):
        print("f app/file%02d size=%d seed=%d uid=%d" % (i, 100 * (i + 1), i, 1000 * pass_))
        print("h app/link%02d -> app/file%02d uid=%d" % (i, i, 1000 * pass_))
    if not pass_:
        print("layer RUN chown -R 1000 /app")
END
for codec in none gzip; do
	python3 "$golden/../lib/mkimage.py" --compress "$codec" --form oci-archive image.tar <image.txt
	run waste --top 3 image.tar
done
