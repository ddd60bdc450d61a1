# SPDX-License-Identifier: Apache-2.0
# All documents in one run; complaints at the line of the Dockerfile that made their layer.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer /bin/sh -c #(nop) ADD file:0123 in /
f bin/base mode=4755 data="x"
layer RUN /bin/sh -c apt-get update && apt-get install -y tool # buildkit
f usr/bin/tool mode=4755 data="x"
layer COPY --chown=0 app /opt/app # buildkit
f opt/app mode=4755 data="x"
layer RUN |1 VERSION=2 /bin/sh -c set -e\nchmod u+s /opt/$VERSION\n # buildkit
f opt/2 mode=4755 data="x"
layer RUN rm /opt/2
w opt/2
END
cat >Dockerfile <<'END'
# syntax=docker/dockerfile:1
FROM golang AS build
RUN go build

FROM debian
RUN apt-get update && \
    # what it needs
    apt-get install -y tool
COPY --from=build --chown=0 \
  app /opt/app
ARG VERSION
RUN <<EOF
set -e
chmod u+s /opt/$VERSION
EOF
RUN rm /opt/2
CMD ["/opt/app"]
END
run check --deny setuid --dockerfile Dockerfile --output text --output json=out.json --output sarif=out.sarif \
	--output junit=out.xml --output github=out.github --output markdown=out.md image.tar
cat out.github
cat out.sarif
cat out.md
grep dockerfile_line out.json
# A Dockerfile of another image has no line in common.
printf 'FROM x\nEXPOSE 1\n' >Other
run check --deny setuid --dockerfile Other --output github image.tar
