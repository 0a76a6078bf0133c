#!/usr/bin/env python3
"""soak.py BUILD [--seconds N]: a day of fettled's life in minutes. Clients ask, hang up in the middle and flood; drivers come and go,
the configuration breaks and is mended, a shelf is staged again and again. Prints what was done and how the process grew, as
lines for docs/performance.md. Ends with 1 when memory grew by more than 1 MiB after the warm-up, or a descriptor or thread stayed.

An idle day has 5,760 looks; a node that is watched by a monitor each 15 s has as many requests.
"""
import argparse
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/blackbox"))

import node as nodes  # noqa: E402  (needs the path above)

GROWTH_LIMIT = 1 << 20
PATHS = ("/v1/status", "/v1/health", "/metrics", "/v1/facts", "/v1/storage", "/v1/shelves/tiny", "/v1/ledger", "/v1/events",
         "/v1/nothing", "/v1/../x")
BROKEN = "schema: 1\nkind: configuration\nprofile: none-such\n"


def sample(pid):
    """PSS in bytes, descriptors, threads."""
    process = pathlib.Path(f"/proc/{pid}")
    smaps = (process / "smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in smaps.splitlines() if line.startswith("Pss:")) * 1024
    return pss, len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


class Life:
    """What happens to the daemon, and how often it did."""

    def __init__(self, machine, daemon, chance):
        self.machine, self.daemon, self.chance = machine, daemon, chance
        self.counts = {}
        self.good = machine.path("/etc/fettle/fettle.yaml").read_text()
        self.driver = machine.path("/sys/module/amdgpu")

    def count(self, what, times=1):
        self.counts[what] = self.counts.get(what, 0) + times

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(str(self.machine.path("/run/fettle/status.sock")))
        return client

    def get(self, path, **how):
        """Right after a flood the queue of the socket is full: the kernel says so at once, and the next try gets in."""
        end = time.monotonic() + 5
        while True:
            try:
                return self.machine.get(path, **how)
            except BlockingIOError:
                assert time.monotonic() < end, "the socket took nobody for 5 s"
                self.count("times that the queue was full")
                time.sleep(0.05)

    def ask(self):
        for _ in range(50):
            code, _ = self.get(self.chance.choice(PATHS))
            assert code in (200, 304, 400, 404, 503), code
        self.count("requests", 50)

    def hang_up(self):
        self.get("/v1/health")  # there is room for us
        for text in (b"", b"GET /v1/st", b"GET /v1/status HTTP/1.1\r\n", b"\0" * 5000, b"GET / HTTP/1.1\r\nX: " + b"y" * 20000):
            with self.connect() as client:
                try:
                    client.sendall(text)
                except OSError:
                    pass  # it had enough before we had
        self.count("clients that hung up", 5)

    def flood(self):
        clients = []
        try:
            for _ in range(100):
                clients.append(self.connect())
                clients[-1].sendall(b"GET /v1/status HTTP/1.1\r\nHost: fettle\r\n\r\n")
        except OSError:
            pass  # refused: that is what it should do
        for client in clients:
            client.close()
        self.count("floods of 100 clients")

    def look(self):
        code, _ = self.get("/v1/refresh", method="POST", name="control")
        assert code in (202, 503), code
        self.count("looks asked for")

    def lose_driver(self):
        away = self.driver.with_name("amdgpu-away")
        self.driver.rename(away)
        self.look()
        time.sleep(0.3)
        away.rename(self.driver)
        self.look()
        self.count("drivers lost and found")

    def break_configuration(self):
        self.machine.write("/etc/fettle/fettle.yaml", BROKEN)
        self.machine.tell(self.daemon)
        time.sleep(0.3)
        self.machine.write("/etc/fettle/fettle.yaml", self.good)
        self.machine.tell(self.daemon)
        time.sleep(0.3)
        self.count("configurations broken and mended")

    def stage(self):
        self.machine.fettle("stage", "tiny")
        self.count("shelves staged")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    nodes.BINARIES = options.build.resolve() / "daemon"
    with nodes.Node() as machine:
        machine.fettle("provision", "--cache")
        machine.collect()
        machine.fettle("stage", "tiny")
        daemon = machine.start_daemon()
        # It tells each of a thousand changes on its error stream: somebody has to read that.
        reader = subprocess.Popen(["cat"], stdin=daemon.stderr, stdout=subprocess.DEVNULL)
        chance = random.Random(20261128)
        life = Life(machine, daemon, chance)
        deeds = [life.ask] * 6 + [life.hang_up, life.flood, life.look, life.lose_driver, life.break_configuration, life.stage]
        samples = []
        begin = time.monotonic()
        while time.monotonic() - begin < options.seconds:
            chance.choice(deeds)()
            if not samples or time.monotonic() - begin >= len(samples) * options.seconds / 120:
                samples.append(sample(daemon.pid))
        time.sleep(6)  # every deadline of a client is over
        end = sample(daemon.pid)
        code, _ = machine.get("/v1/status")
        assert code == 200 and daemon.poll() is None
        daemon.terminate()
        daemon.wait()
        reader.wait()
    warm = samples[len(samples) // 6: len(samples) // 3]
    before = statistics.median(pss for pss, _, _ in warm)
    after = statistics.median(pss for pss, _, _ in samples[-len(samples) // 6:])
    descriptors, threads = min(fd for _, fd, _ in samples), min(task for _, _, task in samples)
    growth = after - before
    print(", ".join(f"{count:,} {what}" for what, count in sorted(life.counts.items())))
    print(f"| soak | fettled over {options.seconds} s of that: memory, warm and at the end | {before / (1 << 20):.2f}, "
          f"{after / (1 << 20):.2f} MiB | limit | {growth / 1024:+.0f} KiB | <= +1 MiB |")
    print(f"| soak | descriptors and threads, least and at the end | {descriptors}, {end[1]}; {threads}, {end[2]} | limit | | the same |")
    return 0 if growth <= GROWTH_LIMIT and end[1] <= descriptors and end[2] <= threads else 1


sys.exit(main())
