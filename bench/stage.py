#!/usr/bin/env python3
"""stage.py BUILD [--client HF] [--xet] [--mib N] [--line MBPS] [--rounds N] [--window S] [ROW…]: P7 and P8, staging through
fettle beside the bare client on the loopback hub; prints table lines.

Both sides get the same repository (four files of N MiB and small ones) with the same settings of the client, alternated, the
first round dropped, medians. --line is what one connection of the hub gives, in MB/s; 0 is as fast as it goes. With --xet the
content comes through the hub's content-addressed storage, which is counted; a run in which it did not is void.

P7        a second repository a quarter as large tells the price of each repository from that of each byte.
shelf     P7 for eight small repositories: fettle stages them as one shelf, the bare client one by one.
P8        every connection is reset or stands still once in the middle, or the client is killed; the bare client then stands in
          a loop of a shell. The fault is over at once, so what is lost beside an undisturbed run is what it costs to come back.
throttle  P8's other half: a server that gives all connections together --line MB/s (5 when none is said) for --window seconds
          (60 for the row that is promised, 20 is enough to try it), fettle beside the bare client with 1, 4 and 16 connections;
          one round, so some 5 windows.
"""
import argparse
import os
import pathlib
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/hub"))

import hub as hubs  # noqa: E402  (needs the path above)
import staging  # noqa: E402

MIB = 1 << 20
FILES = 4
CONNECTIONS = (1, 4, 16)
REPOSITORIES = 8
TICK = os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """What one process costs while it runs: its own processor seconds and its largest resident memory."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.cpu, self.peak, self.over = pid, 0.0, 0, threading.Event()
        self.start()

    def look(self):
        try:
            words = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
            self.cpu = (int(words[11]) + int(words[12])) / TICK
            lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
            self.peak = max(self.peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
        except (OSError, IndexError):
            pass

    def run(self):
        while not self.over.wait(0.05):
            self.look()

    def stop(self):
        self.look()
        self.over.set()


def ran(pid):
    """Processor seconds of the threads that a process has, finer than its clock ticks."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Side:
    """One of the two ways to fetch; a run gives its seconds, its processor seconds, and what its first process used."""

    def __init__(self, node, files, is_ours, connections=None):
        self.node, self.files, self.is_ours, self.connections = node, files, is_ours, connections

    @property
    def command(self):
        return self.download(staging.REPOSITORY)

    def download(self, repository):
        return [self.node.client, "download", repository, "--revision", self.node.hub.revisions[repository], "--format", "json",
                "--max-workers", str(self.connections or 8)]

    def start(self, *more):
        node = self.node
        if self.is_ours:
            return node.start(*more)
        fixed = {"HF_XET_FIXED_DOWNLOAD_CONCURRENCY": str(self.connections)} if self.connections else {}
        one_by_one = " && ".join(shlex.join(self.download(name)) for name in node.repositories)
        command = self.command if len(node.repositories) == 1 else ["sh", "-c", one_by_one]
        return subprocess.Popen(command, env=staging.environment(node, **fixed), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def once(self, xet):
        self.node.clean()
        self.node.hub.forget()
        begin = time.perf_counter()
        process = self.start()
        watch = Watch(process.pid)
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        watch.over.set()
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, said
        assert self.node.wrong_files(self.files) == [], "void: the results differ"
        assert not xet or (self.node.hub.requests("GET /xorbs/") and not self.node.hub.requests("GET /bridge/")), "void: not through xet"
        return wall, used.ru_utime + used.ru_stime, watch.cpu, watch.peak


    def disturbed(self, xet, event, line):
        """Seconds, and the bytes of content that were sent beyond the repository's own."""
        hub = self.node.hub
        where = "GET /xorbs/" if xet else "GET /bridge/"
        self.node.clean()
        hub.forget()
        pace = {"bytes_per_second": line * 1_000_000}
        once = [] if event in ("none", "kill") else [{"match": where, "kind": event, "after": 4 * MIB, "seconds": 3000,
                                                      "times": FILES, **pace}]
        hub.faults([*once, {"match": where, "kind": "slow", **pace}])
        begin = time.perf_counter()
        process = self.start() if self.is_ours else self.in_a_loop()
        if event == "kill":
            while hub.requests(where) < FILES:
                time.sleep(0.05)
            time.sleep(0.5)
            os.kill(child_of(process.pid), signal.SIGKILL)
        said = process.communicate()[0]
        wall = time.perf_counter() - begin
        assert process.returncode == 0, said
        assert self.node.wrong_files(self.files) == [], "void: the results differ"
        large = sum(len(content) for path, content in self.files.items() if path.endswith(".safetensors"))
        return wall, hub.sent(where.split()[1]) - large

    def in_a_loop(self):
        return subprocess.Popen(["sh", "-c", 'until "$@"; do sleep 1; done', "-", *self.command], text=True, start_new_session=True,
                                env=staging.environment(self.node), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def medians(sides, rounds, xet):
    seen = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name in list(sides) if turn % 2 else reversed(list(sides)):
            result = sides[name].once(xet)
            if turn:
                seen[name].append(result)
    return {name: [statistics.median(column) for column in zip(*results)] for name, results in seen.items()}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.daemon = options.build / "daemon/fettled"
        self.line = [] if options.line == 0 else [{"match": "GET /(xorbs|bridge)/", "kind": "slow",
                                                   "bytes_per_second": options.line * 1_000_000}]

    def place(self, name, mib):
        """A hub with FILES files of `mib`, and both sides."""
        folder = self.folder / name
        folder.mkdir()
        files = staging.make_content(folder, [mib * MIB + number for number in range(FILES)])
        hub = hubs.Hub(folder, *(["--xet"] if self.options.xet else []))
        hub.faults(self.line)
        sides = {}
        for side in ("ours", "bare"):
            node = staging.Node(folder / side, hub, self.options.build / "daemon/fettle", self.options.client)
            sides[side] = Side(node, files, side == "ours")
        return hub, sides

    @property
    def how(self):
        line = f"{self.options.line} MB/s a connection" if self.options.line else "as fast as the hub gives"
        return f"{'xet' if self.options.xet else 'HTTP'}, {line}"

    def p7(self):
        """The same bytes through fettle and bare; then what the daemon costs while it looks on."""
        large, small = self.options.mib, max(1, self.options.mib // 4)
        seen = {}
        for name, mib in (("large", large), ("small", small)):
            hub, sides = self.place(name, mib)
            with hub:
                seen[mib] = medians(sides, self.options.rounds, self.options.xet)
                if mib == large:
                    daemon = self.daemon_beside(sides["ours"])
        rows = []
        for number, (what, unit) in enumerate((("wall", 1), ("processor time", 1))):
            ours, bare = seen[large]["ours"][number], seen[large]["bare"][number]
            rows.append(("P7", f"staging {FILES} x {large} MiB ({self.how}), {what}", f"{ours:.2f} s",
                         f"bare `hf download` {bare:.2f} s", f"{ours / bare:.2f}", "<= 1.02"))
            more = FILES * (large - small) * MIB / 1e9
            each = [(seen[large][side][number] - seen[small][side][number]) / more for side in ("ours", "bare")]
            fixed = [seen[large][side][number] - each[at] * FILES * large * MIB / 1e9 for at, side in enumerate(("ours", "bare"))]
            rows.append(("P7", f"the same, for each GB beyond the first, {what}", f"{each[0]:.2f} s",
                         f"bare {each[1]:.2f} s", f"{each[0] / each[1]:.2f}" if each[1] > 0 else "", "<= 1.02"))
            rows.append(("P7", f"the same, for each repository, {what}", f"{fixed[0]:.2f} s", f"bare {fixed[1]:.2f} s", "", ""))
        _, _, own, peak = seen[large]["ours"]
        rows.append(("P7", f"the worker itself, {FILES} x {large} MiB hashed", f"{own:.2f} s of processor, {peak / MIB:.0f} MiB",
                     "limit", "", "<= 64 MiB"))
        return rows + daemon

    def shelf(self):
        """Many small repositories: what each of them costs."""
        folder, names = self.folder / "shelf", [staging.REPOSITORY, *(f"{staging.REPOSITORY}-{n}" for n in range(1, REPOSITORIES))]
        folder.mkdir()
        files = staging.make_content(folder, [MIB])
        for name in names[1:]:
            shutil.copytree(folder / "content" / staging.REPOSITORY, folder / "content" / name)
        with hubs.Hub(folder, *(["--xet"] if self.options.xet else [])) as hub:
            sides = {}
            for side in ("ours", "bare"):
                node = staging.Node(folder / side, hub, self.options.build / "daemon/fettle", self.options.client, names)
                sides[side] = Side(node, files, side == "ours")
            seen = medians(sides, self.options.rounds, self.options.xet)
        return [("P7", f"a shelf of {REPOSITORIES} repositories of 1 MiB, {what}", f"{seen['ours'][at]:.2f} s",
                 f"bare `hf download` one by one {seen['bare'][at]:.2f} s", f"{seen['ours'][at] / seen['bare'][at]:.2f}", "<= 1.02")
                for at, what in enumerate(("wall", "processor time"))]

    def p8(self):
        """What a reset, a stall and a killed client cost beside an undisturbed run."""
        rows, line = [], self.options.line or 20
        hub, sides = self.place("p8", self.options.mib)
        with hub:
            seen = {(name, event): [] for event in ("none", "reset", "kill", "stall") for name in sides}
            for turn in range(self.options.rounds):
                for name in list(sides) if turn % 2 else reversed(list(sides)):
                    for event in ("none", "reset", "kill", "stall"):
                        seen[name, event].append(sides[name].disturbed(self.options.xet, event, line))
                        print(f"{name}, {event}: {seen[name, event][-1][0]:.1f} s", file=sys.stderr, flush=True)
        middle = {key: [statistics.median(column) for column in zip(*runs)] for key, runs in seen.items()}
        how = f"{FILES} x {self.options.mib} MiB, {'xet' if self.options.xet else 'HTTP'}, {line} MB/s a connection"
        for event, what in (("reset", "every connection reset once"), ("kill", "the client killed"),
                            ("stall", "every connection stands still once")):
            lost = {name: middle[name, event][0] - middle[name, "none"][0] for name in sides}
            again = {name: middle[name, event][1] / MIB for name in sides}
            rows.append(("P8", f"{what} ({how}), seconds lost", f"{lost['ours']:.1f} s", f"bare in a loop {lost['bare']:.1f} s",
                         "", "<= 10 s"))
            rows.append(("P8", "the same, fetched again", f"{again['ours']:.0f} MiB", f"bare in a loop {again['bare']:.0f} MiB",
                         "", f"<= {FILES * self.options.mib} MiB"))
        return rows

    def throttle(self):
        """The same bytes from a server that gives all connections together one pace."""
        line, window = self.options.line or 5, self.options.window
        folder = self.folder / "throttle"
        folder.mkdir()
        size = line * 1_000_000 * window // CONNECTIONS[-1]
        files = staging.make_content(folder, [size + number for number in range(CONNECTIONS[-1])])
        seen = {}
        with hubs.Hub(folder, *(["--xet"] if self.options.xet else [])) as hub:
            hub.faults([{"match": "GET /(xorbs|bridge)/", "kind": "slow", "shared_bytes_per_second": line * 1_000_000}])
            for connections in (None, *CONNECTIONS):
                node = staging.Node(folder / str(connections), hub, self.options.build / "daemon/fettle", self.options.client)
                wall = Side(node, files, connections is None, connections).once(self.options.xet)[0]
                seen[connections] = sum(map(len, files.values())) / 1e6 / wall
                node.clean()
        best = max(CONNECTIONS, key=lambda number: seen[number])
        return [("P8", f"a server that gives {line} MB/s in all, {window} s, {'xet' if self.options.xet else 'HTTP'}",
                 f"{seen[None]:.2f} MB/s", f"bare, best of {', '.join(map(str, CONNECTIONS))} connections: {best}, {seen[best]:.2f} MB/s",
                 f"{seen[None] / seen[best]:.2f}", ">= 0.50")]

    def daemon_beside(self, side):
        """fettled itself while a worker stages: the part of its processor that is more than when idle."""
        side.node.clean()
        (side.node.root / "run/fettle").mkdir(parents=True)
        daemon = subprocess.Popen([self.daemon, "--root", side.node.root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 30
            while not (side.node.root / "run/fettle/status.sock").exists() and time.monotonic() < end:
                time.sleep(0.1)
            time.sleep(2)
            watch = Watch(daemon.pid)
            before, begin = ran(daemon.pid), time.monotonic()
            process = side.start()
            said = process.communicate()[0]
            assert process.returncode == 0, said
            watch.stop()
            passed, used = time.monotonic() - begin, ran(daemon.pid) - before
            return [("P7", "fettled itself, while a worker stages", f"{used / passed * 100:.2f} % of a core, "
                     f"{watch.peak / MIB:.0f} MiB", "limit", "", "<= 0.1 %, <= 64 MiB")]
        finally:
            daemon.terminate()
            daemon.wait()


ROWS = {"P7": Bench.p7, "shelf": Bench.shelf, "P8": Bench.p8, "throttle": Bench.throttle}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--client", default=shutil.which("hf"))
    parser.add_argument("--xet", action="store_true")
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--line", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--window", type=int, default=20)
    parser.add_argument("--folder", default=os.environ.get("FETTLE_BENCH_DIR", "/var/tmp"))
    parser.add_argument("rows", nargs="*", help="P7, shelf, P8, throttle; all when none is named")
    options = parser.parse_intermixed_args()
    options.build = options.build.resolve()
    beside = pathlib.Path(sys.executable).parent / "hf"
    options.client = options.client or (str(beside) if beside.exists() else None)
    version, xet = staging.about(options.client)
    if options.xet and not xet:
        print("this client has no hf_xet", file=sys.stderr)
        return 1
    print(f"huggingface_hub {version}, hf_xet {xet or 'none'}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    for name in options.rows or ROWS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for row in ROWS[name](Bench(options, pathlib.Path(folder))):
                print("| " + " | ".join(row) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
