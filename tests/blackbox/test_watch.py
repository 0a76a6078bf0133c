"""fettle status --watch in a terminal that is none, and in pipes."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import node as support

TAKEN, GIVEN_BACK = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
FRAME_END = b"\x1b[?2026l"


class Watch:
    """The program with a terminal of its own; `seen` is all that it wrote."""

    def __init__(self, node, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.mode = termios.tcgetattr(self.slave)
        self.seen = b""
        # A session of its own with this terminal, so that its keys become signals.
        self.program = subprocess.Popen(
            [support.BINARIES / "fettle", "--root", node.root, "status", "--watch"], stdin=self.slave, stdout=self.slave,
            stderr=self.slave, env={**os.environ, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, wanted):
        """Reads until `wanted` was written after what was read before, and gives what was read."""
        start = len(self.seen)
        end = time.monotonic() + support.DEADLINE
        while wanted not in self.seen[start:]:
            ready, _, _ = select.select([self.master], [], [], end - time.monotonic())
            assert ready, f"{wanted} does not come: {self.seen[start:]}"
            self.seen += os.read(self.master, 65536)
        return self.seen[start:]

    def is_given_back(self):
        return self.seen.endswith(GIVEN_BACK) and termios.tcgetattr(self.slave) == self.mode


def test_watch_quits(node):
    """watch: q ends it with the code of the last page, and the terminal is as it was"""
    node.fettle("provision", "--cache")
    node.fettle("stage", "tiny")
    node.start_daemon()
    node.fettle("wait", "--for", "ready", "--timeout", "30")
    with Watch(node) as watch:
        first = watch.read_until(b"q quits")
        assert TAKEN in first and b"ready" in first and b"\x1b[2J" not in first, first
        assert termios.tcgetattr(watch.slave) != watch.mode
        watch.read_until(FRAME_END)
        os.write(watch.master, b"xq")
        watch.read_until(GIVEN_BACK)
        assert watch.program.wait(support.DEADLINE) == 0, watch.program.returncode
        assert watch.is_given_back(), watch.seen[-80:]


def test_watch_signals(node):
    """watch: whatever signal ends it, the terminal is given back first, and its end is that signal"""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        with Watch(node) as watch:
            watch.read_until(FRAME_END)
            watch.program.send_signal(number)
            watch.read_until(GIVEN_BACK)
            assert watch.program.wait(support.DEADLINE) == -number, (number, watch.program.returncode)
            assert watch.is_given_back(), (number, watch.seen[-80:])


def test_watch_keys(node):
    """watch: Ctrl-C ends it, Ctrl-Z gives the terminal back until it goes on"""
    with Watch(node) as watch:
        watch.read_until(FRAME_END)
        os.write(watch.master, b"\x1a")
        watch.read_until(GIVEN_BACK)
        os.waitid(os.P_PID, watch.program.pid, os.WSTOPPED)
        assert watch.is_given_back(), watch.seen[-80:]
        watch.program.send_signal(signal.SIGCONT)
        watch.read_until(TAKEN)
        watch.read_until(FRAME_END)
        os.write(watch.master, b"\x03")
        watch.read_until(GIVEN_BACK)
        assert watch.program.wait(support.DEADLINE) == -signal.SIGINT
        assert watch.is_given_back()


def test_watch_resize(node):
    """watch: another size of the window is drawn at once, and what the daemon's absence says fits in it"""
    with Watch(node, 80, 24) as watch:
        assert b"\x1b[24;1H" in watch.read_until(FRAME_END)
        watch.resize(50, 9)
        narrow = watch.read_until(b"\x1b[9;1H")
        last = narrow[:narrow.index(b"\x1b[9;1H")].rsplit(b"\x1b[H", 1)[1]
        assert b"retrying each second" in last, last
        assert all(len(line.replace(b"\x1b[35m", b"").replace(b"\x1b[0m", b"").replace(b"\x1b[K", b"")) <= 50
                   for line in last.split(b"\r\n")), last


def test_watch_pipe(node):
    """watch: in a pipe and in a dumb terminal it says why it draws nothing, and prints page below page"""
    node.start_daemon()
    command = [support.BINARIES / "fettle", "--root", node.root, "status", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert "the output is no terminal" in program.stderr.readline()
        lines = [program.stdout.readline()]
        while sum(" looked " in line for line in lines) < 2:
            lines.append(program.stdout.readline())
        program.terminate()
        assert not [line for line in lines if "\x1b" in line], lines
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "TERM": "dumb"}) as program:
        assert "TERM is 'dumb'" in program.stderr.readline()
        assert b"\x1b" not in os.read(master, 65536)
        program.terminate()
    os.close(master)
    os.close(slave)
