#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peel run on a terminal of its own: keys, stops, job control, size and hangup work as if the command ran by itself.

Each case runs a shell on a pseudo-terminal, as a user would, and types. $PEEL is the command.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402

PEEL = os.path.realpath(os.environ.get("PEEL", "peel"))
PATIENCE = 20
PROMPT = "@prompt@ "
# Where a line begins: the prompt may come after the echo of what was typed.
LINE = "^(?:" + re.escape(PROMPT) + ")*"


class Terminal:
    """A program on a terminal: type, and wait for what it writes."""

    def __init__(self, argv, folder):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            # Whoever runs the tests in the background may have these ignored.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.environ.update(PS1=PROMPT, HOME=folder, PEEL=PEEL, XDG_CACHE_HOME=folder + "/cache", TERM="dumb")
            os.execvp(argv[0], argv)

    def read(self, seconds):
        """What comes within that time; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += got.decode(errors="replace").replace("\r", "")
        return bool(got)

    def press(self, key, pattern):
        """Type a key until what it must do is seen: a shell between two commands may miss one."""
        for left in range(PATIENCE, 0, -1):
            self.type(key)
            try:
                return self.expect(pattern, 1 if left > 1 else PATIENCE)
            except AssertionError:
                if left == 1:
                    raise

    def expect(self, pattern, patience=PATIENCE):
        """Wait for a pattern, and drop all up to its end. Gives the match."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            match = re.search(pattern, self.text, re.M)
            if match:
                self.text = self.text[match.end():]
                return match
            if not self.read(0.2):
                break
        raise AssertionError("wanted %r, got %r" % (pattern, self.text))

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def run(self, line):
        self.type(line + "\n")
        self.expect(re.escape(line) + "\n")

    def close(self):
        os.close(self.fd)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def shell(folder):
    terminal = Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], folder)
    terminal.expect(re.escape(PROMPT))
    return terminal


def interrupt(folder):
    """Ctrl-C ends a command, and the status says so."""
    t = shell(folder)
    t.run("$PEEL run image.tar -- sh -c 'echo up; exec sleep 60'; echo status=$?")
    t.expect(LINE + "up\n")
    t.press("\x03", "status=130")
    t.close()


def caught(folder):
    """A command that catches Ctrl-C and goes on is waited for, and gets it once."""
    t = shell(folder)
    t.run("$PEEL run image.tar -- bash -c 'trap \"echo caught\" INT; echo up; sleep 1; sleep 1; echo end; exit 5'; "
          "echo status=$?")
    t.expect(LINE + "up\n")
    t.type("\x03")
    t.expect(LINE + "(\\^C)?caught\n")
    assert "caught" not in t.expect("(?s)(.*)end\nstatus=5").group(1)
    t.close()


def quit_key(folder):
    """Ctrl-backslash too."""
    t = shell(folder)
    t.run("ulimit -c 0; $PEEL run image.tar -- sh -c 'echo up; exec sleep 60'; echo status=$?")
    t.expect(LINE + "up\n")
    t.press("\x1c", "status=131")
    t.close()


def stop_and_continue(folder):
    """Ctrl-Z stops the job, fg continues it in front, bg behind, and it reads the terminal again."""
    t = shell(folder)
    t.run("$PEEL run image.tar -- sh -c 'echo up; read a; echo got $a; read b; echo got $b; exit 4'; echo status=$?")
    t.expect(LINE + "up\n")
    t.type("one\n")
    t.expect(LINE + "got one\n")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("status=148")
    t.run("jobs -l")
    t.expect("Stopped.*peel run|Stopped.*PEEL run")
    t.run("ps -o stat= -p $(jobs -p)")
    t.expect(LINE + "T")
    t.run("fg; echo status=$?")
    t.type("two\n")
    t.expect(LINE + "got two\n")
    t.expect("status=4")
    t.close()


def background(folder):
    """A command behind that reads stops peel (SIGTTIN); in front it goes on. One that writes does not stop."""
    t = shell(folder)
    t.run("$PEEL run image.tar -- sh -c 'read a; echo got $a; exit 6' & sleep 0.1")
    t.expect("Stopped|" + re.escape(PROMPT))
    for _ in range(100):
        t.run("jobs")
        if "Stopped" in t.expect("(?s)(.*?)" + re.escape(PROMPT)).group(1):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("not stopped")
    t.run("fg; echo status=$?")
    t.type("x\n")
    t.expect(LINE + "got x\n")
    t.expect("status=6")
    t.run("$PEEL run image.tar -- echo behind & wait; echo waited")
    t.expect(LINE + "behind\n")
    t.expect(LINE + "waited\n")
    t.close()


def size(folder):
    """The terminal is the command's own: its size, and the signal when that changes."""
    t = shell(folder)
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    t.run("$PEEL run image.tar -- bash -c 'trap \"stty size; exit 9\" WINCH; stty size; "
          "while :; do sleep 0.1; done'; echo status=$?")
    t.expect(LINE + "33 77\n")
    fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
    t.expect(LINE + "44 88\n")
    t.expect("status=9")
    t.close()


def inner_shell(folder):
    """A shell inside has job control of its own, in the image's root, and gives the terminal back."""
    t = shell(folder)
    t.run("$PEEL run image.tar -- bash --norc --noprofile --noediting -i")
    t.expect(re.escape(PROMPT))
    t.run("cat name; echo $PEEL_ROOT $(pwd)")
    t.expect(LINE + "x(/\\S+) \\1$")
    t.run("sh -c 'echo in; exec sleep 60'")
    t.expect(LINE + "in\n")
    t.type("\x1a")
    t.expect("Stopped")
    t.run("bg; jobs; fg")
    t.expect("Running")
    t.type("\x03")
    for way in ("kill -STOP $$", "suspend"):
        t.run(way)
        t.expect("Stopped")
        t.run("fg; echo status=$?")
        t.run("echo inside $PEEL_ROOT")
        t.expect("inside /")
    t.run("exit 8")
    t.expect("status=8")
    t.run("read -r word; echo word=$word")
    t.type("typed\n")
    t.expect("word=typed")
    t.close()


def hangup(folder):
    """When the terminal goes away, command, peel and server do."""
    t = shell(folder)
    t.run("$PEEL run -o fsname=%s image.tar -- sh -c 'echo up; exec sleep 60'" % os.path.basename(folder))
    t.expect(LINE + "up\n")
    t.close()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if subprocess.run(["pgrep", "-f", os.path.basename(folder)], stdout=subprocess.DEVNULL).returncode:
            return
        time.sleep(0.05)
    raise AssertionError("processes are left")


def in_script(folder):
    """In a shell without job control, Ctrl-C reaches the command and the script decides."""
    t = Terminal(["sh", "-c", "trap 'echo script' INT; $PEEL run image.tar -- sh -c 'echo up; exec sleep 60'; echo status=$?"],
                 folder)
    t.expect(LINE + "up\n")
    t.type("\x03")
    t.expect("script\nstatus=130")
    t.close()


CASES = (interrupt, caught, quit_key, stop_and_continue, background, size, inner_shell, in_script, hangup)


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="peel-terminal-") as folder:
        mkimage.build(os.path.join(folder, "image.tar"),
                      [{"instruction": "only", "entries": [{"type": "f", "path": b"name", "data": b"x"}]}], tags=["t:1"])
        first = subprocess.run([PEEL, "run", "--no-cache", folder + "/image.tar", "true"], stderr=subprocess.PIPE)
        if first.returncode == 125:
            print("SKIP: %s" % first.stderr.decode(errors="replace").split("\n")[0])
            return 77
        for number, case in enumerate(CASES, 1):
            try:
                case(folder)
                print("ok %d - %s" % (number, case.__name__))
            except AssertionError as error:
                failed += 1
                print("not ok %d - %s" % (number, case.__name__))
                print("# %s" % error)
    print("1..%d" % len(CASES))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
