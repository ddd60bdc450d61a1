# SPDX-License-Identifier: Apache-2.0
"""Mounts of tests: what they mount is nobody else's, and what is mounted."""
import os
import sys

PRIVATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "private.sh")
ENTERED = "PEEL_TEST_NAMESPACE"


def enter_private():
    """As root, run this program anew where nobody sees what it mounts (private.sh); for others, and there, do nothing."""
    if os.geteuid() == 0 and not os.environ.get(ENTERED):
        os.environ[ENTERED] = "1"
        os.execv(PRIVATE, [PRIVATE, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])


def is_mounted(point):
    with open("/proc/self/mounts", "rb") as file:
        return any(line.split()[1] == os.fsencode(point) for line in file)
