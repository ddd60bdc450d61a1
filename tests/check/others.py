#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example files of container-structure-test and dive, unchanged, against images that hold what these files ask for.

PEEL_CST_EXAMPLES names a folder with container-structure-test's tests/amd64, PEEL_DIVE_EXAMPLES one with dive's
test-docker-image.tar and its CI files; they are not part of this tree. Without either it exits 77. Prints TAP."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import mkimage  # noqa: E402

# File, image, status with command tests left out, and without that word.
CST = [
    ("ubuntu_22_04_test.yaml", "ubuntu.tar", 0, 3),
    ("ubuntu_22_04_metadata_test.yaml", "metadata.tar", 0, 0),
    ("ubuntu_22_04_metadata_test.yaml", "ubuntu.tar", 1, 1),
    ("ubuntu_22_04_failure_test.yaml", "ubuntu.tar", 1, 1),
    ("ubuntu_22_04_test.yaml", "empty.tar", 1, 1),
    ("ubuntu_22_04_containeropts_test.yaml", "ubuntu.tar", 0, 3),
    ("ubuntu_22_04_containeropts_env_test.yaml", "ubuntu.tar", 0, 3),
    ("ubuntu_22_04_containeropts_envfile_test.yaml", "ubuntu.tar", 0, 3),
    ("ubuntu_22_04_containeropts_user_test.yaml", "ubuntu.tar", 0, 3),
]
# dive's own figures of its image: efficiency 0.9844, 32025 bytes, 48.35 % (dive/image, cli_ci_test.go).
DIVE = [(".dive-ci", 0), ("default-ci-config", 0), ("dive-ci-legacy.yaml", 1), ("dive-enable-ci.yaml", 0)]


def file(path, data=b"", mode=0o644):
    return {"type": "f", "path": path, "data": data, "mode": mode}


def make_images():
    """What the documents of the examples say of Ubuntu 22.04, and of the image that their Dockerfile.metadata makes of it."""
    entries = [file(b"etc/apt/sources.list", b"deb http://archive.ubuntu.com/ubuntu/ jammy main\n"),
               file(b"etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n"), {"type": "l", "path": b"bin", "link": b"usr/bin"},
               file(b"usr/bin/date", b"\x7fELF", 0o755), file(b"etc/hosts"), file(b"etc/machine-id"),
               file(b"usr/share/doc/ubuntu-keyring/copyright", b"GPL\n"), file(b"usr/share/doc/dash/copyright", b"BSD\n")]
    layers = [{"instruction": "ADD file in /", "entries": entries}]
    labels = {"localnet.localdomain.commit_hash": "0123456789abcdef0123456789abcdef01234567",
              "localnet.my-domain.my-label": "my test label", "label-with-empty-val": ""}
    mkimage.build("ubuntu.tar", layers, env=["PATH=/bin"])
    mkimage.build("empty.tar", [{"instruction": "ADD file in /", "entries": [file(b"x")]}], env=["PATH=/bin"])
    mkimage.build("metadata.tar", layers, settings={"Labels": labels},
                  env=["SOME_KEY=SOME_VAL", "EMPTY_VAR=", "FOO_BAR=FOO\\:BAR=BAZ", "REGEX_VAR=test-2.1.8"])


def check(*arguments):
    return subprocess.run([os.environ["PEEL"], "check", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def cases():
    """Name, arguments, status."""
    cst = os.environ.get("PEEL_CST_EXAMPLES")
    dive = os.environ.get("PEEL_DIVE_EXAMPLES")
    for name, image, skipped, whole in CST if cst else []:
        yield name + " of " + image, ["-c", os.path.join(cst, name), "--skip-command-tests", image], skipped
        yield name + " of " + image + ", commands wanted", ["-c", os.path.join(cst, name), image], whole
    for name, status in DIVE if dive else []:
        yield name, ["-c", os.path.join(dive, name), os.path.join(dive, "test-docker-image.tar")], status


def main():
    count = 0
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["HOME"] = folder
        os.environ.pop("XDG_CACHE_HOME", None)
        make_images()
        for name, arguments, status in cases():
            count += 1
            done = check(*arguments)
            print("%s %d - %s" % ("ok" if done.returncode == status else "not ok", count, name))
            if done.returncode != status:
                failed = True
                print("# %d, not %d\n# %s" % (done.returncode, status, done.stdout.decode().replace("\n", "\n# ")))
        os.chdir("/")
    if count == 0:
        print("1..0 # SKIP neither PEEL_CST_EXAMPLES nor PEEL_DIVE_EXAMPLES names a folder")
        return 77
    print("1..%d" % count)
    return failed


if __name__ == "__main__":
    sys.exit(main())
