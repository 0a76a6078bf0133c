"""A captured node in a temporary directory, and the real programs on it."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
BINARIES = None  # set by `run`
DEADLINE = 60  # seconds; sanitizers on a busy machine are slow


class Skip(Exception):
    """Raised by a case that this machine cannot run, with the reason."""


class Node:
    def __init__(self, captured="baremetal-spx"):
        # Short: the path of a Unix socket has 107 characters.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="fettle-"))
        self.daemons = []
        shutil.copytree(TESTS / "nodes" / captured, self.root, dirs_exist_ok=True)
        for directory in ("etc/fettle/profiles/shelves", "usr/share/fettle/shelves", "run/fettle", "var/lib/fettle", "srv"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        shutil.copytree(TESTS.parent / "profiles", self.root / "usr/share/fettle/profiles")
        # What the package has beside them, made by the same build.
        shutil.copytree(BINARIES.parent / "profiles", self.root / "usr/share/fettle/profiles", dirs_exist_ok=True)
        shutil.copy(TESTS / "shelf/tiny.tar.zst", self.root / "usr/share/fettle/shelves")
        shutil.copy(TESTS / "shelf/tiny.yaml", self.root / "etc/fettle/profiles/shelves")
        shutil.copy(TESTS / "node/fettle.yaml", self.root / "etc/fettle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, name):
        return self.root / name.lstrip("/")

    def write(self, name, text):
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, encoding="utf-8")

    def fettle(self, *arguments, code=0):
        """Runs `fettle`, demands its exit code, and gives what it printed."""
        done = subprocess.run([BINARIES / "fettle", "--root", self.root, *arguments], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        told = f"fettle {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, told
        return done.stdout + done.stderr

    def fettle_json(self, *arguments, code=0):
        return json.loads(self.fettle(*arguments, "--json", code=code))

    def collect(self):
        """What the collector of a running node leaves: a kernel log without anything of note is among it."""
        self.write("proc/uptime", "7200.00 1000.00\n")
        self.write("proc/sys/kernel/random/boot_id", "11111111-2222-4333-8444-555555555555\n")
        self.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        self.write("dev/kmsg", "")
        self.fettle("collect", "--now")

    def start_daemon(self):
        """Starts fettled and waits until it answers."""
        daemon = subprocess.Popen([BINARIES / "fettled", "--root", self.root], stderr=subprocess.PIPE, text=True)
        self.daemons.append(daemon)
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.get("/v1/status")
                return daemon
            except OSError:
                assert daemon.poll() is None, f"fettled ended with {daemon.returncode}: {daemon.stderr.read()}"
                assert time.monotonic() < end, "fettled does not answer"
                time.sleep(0.05)

    def get(self, path, method="GET", name="status"):
        """One request on a socket: (code, body)."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(str(self.path(f"/run/fettle/{name}.sock")))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: fettle\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := client.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def get_json(self, path):
        code, body = self.get(path)
        return code, json.loads(body)

    def wait_until(self, question, what):
        end = time.monotonic() + DEADLINE
        while not question():
            assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
            time.sleep(0.1)

    def tell(self, daemon, number=signal.SIGHUP):
        os.kill(daemon.pid, number)
