# SPDX-License-Identifier: Apache-2.0
# The figures that dive publishes for its own test images come out (wagoodman/dive, version 0.13): the layers here are
# made after their descriptions.
mk() { python3 "$golden/../lib/mkimage.py" "$1"; }

# dive/image/docker/image_archive_analysis_test.go: size 1220598, user 66237, wasted 32025, efficiency
# 0.9844212134184309, user wasted 0.4834911001404049; cli_load_test.snap has the paths.
mk docker.tar <<'END'
layer #(nop) ADD file:ce02 in /
d bin
f bin/[ mode=755 size=1075464 seed=1
h bin/[[ -> bin/[
d etc
f etc/rest size=78897 seed=2
d root mode=700
d tmp mode=1777
layer #(nop) ADD file:139c in /somefile.txt
f somefile.txt size=6405 seed=3
layer mkdir -p /root/example/really/nested
d root mode=700
d root/example
d root/example/really
d root/example/really/nested
layer cp /somefile.txt /root/example/somefile1.txt
d root mode=700
d root/example
f root/example/somefile1.txt size=6405 seed=3
layer chmod 444 /root/example/somefile1.txt
d root mode=700
d root/example
f root/example/somefile1.txt size=6405 seed=3 mode=444
layer cp /somefile.txt /root/example/somefile2.txt
d root mode=700
d root/example
f root/example/somefile2.txt size=6405 seed=3
layer cp /somefile.txt /root/example/somefile3.txt
d root mode=700
d root/example
f root/example/somefile3.txt size=6405 seed=3
layer mv /root/example/somefile3.txt /root/saved.txt
d root mode=700
d root/example
w root/example/somefile3.txt
f root/saved.txt size=6405 seed=3
layer cp /root/saved.txt /root/.saved.txt
d root mode=700
f root/.saved.txt size=6405 seed=3
layer rm -rf /root/example/
d root mode=700
w root/example
layer #(nop) ADD dir:7ec1 in /root/.data/
d root mode=700
d root/.data
f root/.data/tag.sh size=1000 seed=4
f root/.data/test.sh size=1187 seed=5
layer cp /root/saved.txt /tmp/saved.again1.txt
d tmp mode=1777
f tmp/saved.again1.txt size=6405 seed=3
layer cp /root/saved.txt /root/.data/saved.again2.txt
d root mode=700
d root/.data
f root/.data/saved.again2.txt size=6405 seed=3
layer chmod +x /root/saved.txt
d root mode=700
f root/saved.txt size=6405 seed=3 mode=755
END
run waste --dive-compat docker.tar
run waste --dive-compat --output json=dive.json docker.tar
python3 - <<'END'
import json
image = json.load(open("dive.json"))["image"]
assert image["sizeBytes"] == 1220598, image
assert image["inefficientBytes"] == 32025, image
assert image["efficiencyScore"] == 0.9844212134184309, image
user = 1220598 - json.load(open("dive.json"))["layer"][0]["sizeBytes"]
assert user == 66237 and 32025 / user == 0.4834911001404049, user
END

# dive/filetree/efficiency_test.go, TestEfficiency: 0.75, and 7000 bytes at /etc/nginx/nginx.conf. No folder has an entry,
# so what the whiteout takes away counts for nothing.
mk nginx.tar <<'END'
layer one
f etc/nginx/nginx.conf size=2000 seed=1
f etc/nginx/public size=3000 seed=2
layer two
f etc/nginx/nginx.conf size=5000 seed=3
f etc/athing size=10000 seed=4
layer three
w etc/nginx
END
run waste --dive-compat nginx.tar

# The same with entries for the folders: what dive makes of a real tar.
mk real.tar <<'END'
layer one
d etc
d etc/nginx
f etc/nginx/nginx.conf size=2000 seed=1
f etc/nginx/public size=3000 seed=2
layer two
d etc
d etc/nginx
f etc/nginx/nginx.conf size=5000 seed=3
f etc/athing size=10000 seed=4
layer three
d etc
w etc/nginx
END
run waste --dive-compat --output json=real.json real.tar
python3 -c 'import json; print(round(json.load(open("real.json"))["image"]["efficiencyScore"], 4))'

# TestEfficiency_ScratchImage: 1, and no path.
mk scratch.tar <<'END'
layer one
f nothing
layer two
layer three
END
run waste --dive-compat scratch.tar

# cli_ci_test.snap and cli_build_test.snap: 131 bytes, 71.98 %.
mk build.tar <<'END'
layer BusyBox 1.37.0 (glibc), Debian 12
d bin
f bin/busybox mode=755 size=4277894 seed=1
d etc
f etc/passwd
d root mode=700
layer ADD example.md /somefile.txt # buildkit
f somefile.txt size=17 seed=2
layer RUN /bin/sh -c mkdir -p /root/example/really/nested # buildkit
d etc
d root mode=700
d root/example
d root/example/really
d root/example/really/nested
layer RUN /bin/sh -c cp /somefile.txt /root/example/somefile1.txt # buildkit
d etc
d root mode=700
d root/example
f root/example/somefile1.txt size=17 seed=2
layer RUN /bin/sh -c chmod 444 /root/example/somefile1.txt # buildkit
d etc
d root mode=700
d root/example
f root/example/somefile1.txt size=17 seed=2 mode=444
layer RUN /bin/sh -c cp /somefile.txt /root/example/somefile2.txt # buildkit
d etc
d root mode=700
d root/example
f root/example/somefile2.txt size=17 seed=2
layer RUN /bin/sh -c cp /somefile.txt /root/example/somefile3.txt # buildkit
d etc
d root mode=700
d root/example
f root/example/somefile3.txt size=17 seed=2
layer RUN /bin/sh -c mv /root/example/somefile3.txt /root/saved.txt # buildkit
d etc
d root mode=700
d root/example
w root/example/somefile3.txt
f root/saved.txt size=17 seed=2
layer RUN /bin/sh -c cp /root/saved.txt /root/.saved.txt # buildkit
d etc
d root mode=700
f root/.saved.txt size=17 seed=2
layer RUN /bin/sh -c chmod +x /root/saved.txt # buildkit
d etc
d root mode=700
f root/saved.txt size=17 seed=2 mode=755
layer RUN /bin/sh -c chmod 421 /root # buildkit
d etc
d root mode=421
layer RUN /bin/sh -c rm -rf /root/example/ # buildkit
d etc
d root mode=421
w root/example
layer ADD overwrite.md /root/saved.txt # buildkit
d root mode=421
f root/saved.txt size=46 seed=3
END
run waste --dive-compat build.tar
run waste --dive-compat --top 1 build.tar
run waste --dive-compat --by path build.tar
run waste --dive-compat --output csv build.tar
