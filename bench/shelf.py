#!/usr/bin/env python3
"""shelf.py BUILD [ROW…]: the rows of the promises that concern shelves: scan (P1 to P4), P5, P6; prints table lines.

As in bench/run: both sides do the same work in one run, alternated, the first round dropped, the median of ROUNDS.
Needs some 12 GB of free space in the directory FETTLE_BENCH_DIR (default /var/tmp). The client, where there is one:
FETTLE_BENCH_HF="hf"; in a chroot FETTLE_BENCH_HF="chroot DIR hf" with FETTLE_BENCH_HF_ROOT=DIR, FETTLE_BENCH_DIR below.
"""
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("FETTLE_BENCH_ROUNDS", "7"))
MIB = 1 << 20
SCRUB_RATE = 200  # MiB a second, what `fettle shelf scrub` does unless it is told another
FILE_SIZE = int(os.environ.get("FETTLE_BENCH_MIB", "128")) * MIB  # of each file that is verified warm

# What `hf cache verify` does for large files: one after another, 1 MiB at a time.
HASH_LOOP = """
import hashlib, sys
for path in sys.argv[1:]:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    print(found.hexdigest())
"""


def took(command):
    """Seconds on the wall and of processor time of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(commands, before=lambda: None):
    """Medians (wall, processor) of each command, round robin, the order reversed each round."""
    seen = {name: [] for name in commands}
    for turn in range(ROUNDS + 1):
        for name in list(commands) if turn % 2 else reversed(list(commands)):
            before()
            result = took(commands[name])
            if turn:
                seen[name].append(result)
    return {name: tuple(statistics.median(column) for column in zip(*results)) for name, results in seen.items()}


def make_files(folder, count, size):
    """`count` files of random bytes; the first one differs from the rest only in its place."""
    block = os.urandom(8 * MIB)
    paths = []
    for number in range(count):
        path = folder / f"{number:02}"
        with open(path, "wb") as file:
            for at in range(0, size, len(block)):
                file.write(block[: min(len(block), size - at)])
            file.flush()
            os.fsync(file.fileno())
        paths.append(str(path))
    return paths


def drop(paths):
    """Gives the pages of the files back: the next reader has to ask the drive."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def cached():
    for line in open("/proc/meminfo", encoding="utf-8"):
        if line.startswith("Cached:"):
            return int(line.split()[1]) * 1024
    return 0


def verify_warm(build, folder):
    files = make_files(folder, 16, FILE_SIZE)
    gigabytes = 16 * FILE_SIZE / 1e9
    ours = str(build / "bench/hash_files")
    for path in files:
        with open(path, "rb") as file:
            while file.read(8 * MIB):
                pass
    seen = compare({
        "two": [ours, "2", *files], "one": [ours, "1", *files],
        "loop": [sys.executable, "-c", HASH_LOOP, *files], "sum": ["sha256sum", *files],
        "xargs": ["sh", "-c", 'printf "%s\\n" "$@" | xargs -P2 -n1 sha256sum', "-", *files],
        "openssl": ["sh", "-c", 'printf "%s\\n" "$@" | xargs -P2 -n1 openssl dgst -sha256', "-", *files]})
    wall = {name: value[0] for name, value in seen.items()}
    cpu = {name: value[1] / gigabytes for name, value in seen.items()}

    def line(what, peer, promise):
        return ("P5", f"{what}, warm, 2 threads, {gigabytes:.1f} GB", f"{wall['two'] * 1e3:.0f} ms",
                f"{peer} {wall[peer_key[peer]] * 1e3:.0f} ms", f"{wall['two'] / wall[peer_key[peer]]:.2f}", promise)
    peer_key = {"hash loop of hf": "loop", "xargs -P2 sha256sum": "xargs", "xargs -P2 openssl dgst": "openssl"}
    return [line("verify", "hash loop of hf", "<= 0.28"), line("verify", "xargs -P2 sha256sum", "<= 0.65"),
            # Debian 12's sha256sum does not use the processor's instructions; newer ones and openssl do.
            line("verify", "xargs -P2 openssl dgst", "<= 0.65"),
            ("P5", "verify, processor time for 1 GB", f"{cpu['two']:.2f} s", f"openssl dgst {cpu['openssl']:.2f} s",
             f"{cpu['two'] / cpu['openssl']:.2f}", "<= 0.65"),
            ("P5", "verify, processor time for 1 GB", f"{cpu['two']:.2f} s", f"sha256sum {cpu['sum']:.2f} s",
             f"{cpu['two'] / cpu['sum']:.2f}", "<= 0.65"),
            ("P5", "verify, 1 thread to 2", f"{wall['one'] * 1e3:.0f} ms to {wall['two'] * 1e3:.0f} ms", "limit",
             f"{wall['one'] / wall['two']:.2f}", ">= 1.85")]


def verify_cold(build, folder):
    files = make_files(folder, 10, 1024 * MIB)
    ours = [str(build / "bench/hash_files"), "2", *files]
    drop(files)
    before = cached()
    subprocess.run(ours, stdout=subprocess.DEVNULL, check=True)
    growth = max(0, cached() - before)
    rows = [("P6", "verify, cold, growth of the page cache for 10 GiB", f"{growth / MIB:.0f} MiB", "limit", "",
             "<= 256 MiB")]
    four = files[:4]
    commands = {"ours": [str(build / "bench/hash_files"), "2", *four]}
    if shutil.which("fio"):
        commands["fio"] = ["fio", "--name=read", "--rw=read", "--bs=1M", "--direct=1", "--ioengine=libaio",
                           "--iodepth=8", "--readonly", "--filename=" + ":".join(four), "--output-format=terse"]
    commands["dd"] = ["sh", "-c", 'printf "%s\\n" "$@" | xargs -P2 -I@ dd if=@ of=/dev/null bs=4M iflag=direct '
                      'status=none', "-", *four]
    seen = compare(commands, lambda: drop(four))
    speed = {name: 4 * 1024 * MIB / value[0] / 1e9 for name, value in seen.items()}
    for peer in [name for name in commands if name != "ours"]:
        what = {"fio": "fio, 1 MiB, O_DIRECT, depth 8", "dd": "dd, 4 MiB, O_DIRECT, 2 at a time"}[peer]
        rows.append(("P6", "verify, cold, 4 GiB", f"{speed['ours']:.2f} GB/s", f"{what} {speed[peer]:.2f} GB/s",
                     f"{speed['ours'] / speed[peer]:.2f}", ">= 0.95"))
    return rows


def serving(build, folder):
    """P6: what reads of a program that serves lose beside a scrub at its usual rate."""
    if not shutil.which("fio"):
        return [("P6", "reads beside a scrub", "fio missing", "", "", "<= 5 % less")]
    served, scrubbed = (folder / name for name in ("served", "scrubbed"))
    for place in (served, scrubbed):
        place.mkdir()
    read = make_files(served, 4, 512 * MIB)
    other = make_files(scrubbed, 8, 512 * MIB)

    def megabytes():
        """A second: random reads of 256 KiB past the page cache, as weights are paged in."""
        told = subprocess.run(["fio", "--name=serve", "--rw=randread", "--bs=256k", "--direct=1", "--ioengine=libaio", "--iodepth=4",
                               "--readonly", "--time_based", "--runtime=4", "--output-format=json", "--filename=" + ":".join(read)],
                              capture_output=True, text=True, check=True).stdout
        return json.loads(told[told.index("{"):])["jobs"][0]["read"]["bw_bytes"] / 1e6
    seen = {"alone": [], "beside": []}
    for turn in range(ROUNDS + 1):
        for name in ("alone", "beside") if turn % 2 else ("beside", "alone"):
            drop(read + other)
            scrub = None
            if name == "beside":
                scrub = subprocess.Popen([build / "bench/hash_files", f"1:{SCRUB_RATE}", *other], stdout=subprocess.DEVNULL)
            result = megabytes()
            if scrub:
                scrub.kill()
                scrub.wait()
            if turn:
                seen[name].append(result)
    alone, beside = (statistics.median(seen[name]) for name in ("alone", "beside"))
    return [("P6", f"reads of 256 KiB beside a scrub of {SCRUB_RATE} MiB/s", f"{beside:.0f} MB/s", f"alone {alone:.0f} MB/s",
             f"{beside / alone:.2f}", ">= 0.95")]


# Files of each of the 38 repositories: the column NB FILES of the source document, 2,194 together.
FILES = [42, 11, 32, 19, 50, 10, 34, 34, 17, 253, 61, 51, 18, 18, 36, 108, 21, 15, 97, 26, 26, 38, 20, 174, 181, 26, 17,
         68, 36, 80, 27, 8, 82, 101, 55, 101, 101, 100]


def make_cache(node, factor):
    """A cache of sparse files as the client lays it out; gives how many there are."""
    hub = node / "srv/fettle/hf/hub"
    count = 0
    for round_ in range(factor):
        for number, files in enumerate(FILES):
            top = hub / f"models--owner{number}--name{round_}"
            commit = f"{number:04x}{round_:036x}"
            for folder in ("blobs", "refs", f"snapshots/{commit}"):
                (top / folder).mkdir(parents=True)
            (top / "refs/main").write_text(commit)
            for file in range(files):
                blob = f"{number:08x}{round_:08x}{file:048x}"
                with open(top / "blobs" / blob, "wb") as out:
                    out.truncate(4_863_000_000)
                os.symlink(f"../../blobs/{blob}", top / "snapshots" / commit / f"model-{file:05}.safetensors")
                count += 1
    return count


def peak(command):
    """The largest resident memory of one command, in KiB."""
    done = subprocess.run(["python3", "-c", "import resource, subprocess, sys\n"
                           "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
                           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", *command],
                          capture_output=True, text=True, check=True)
    return int(done.stdout)


def scan_of(build, folder, factor):
    rows = []
    node = folder / str(factor)
    (node / "etc/fettle").mkdir(parents=True)
    (node / "usr/share/fettle").mkdir(parents=True)
    shutil.copytree(pathlib.Path(__file__).resolve().parent.parent / "profiles", node / "usr/share/fettle/profiles")
    (node / "etc/fettle/fettle.yaml").write_text(
        "schema: 1\nkind: configuration\nprofile: workstation\ncache: {path: /srv/fettle}\n")
    count = make_cache(node, factor)
    hub = node / "srv/fettle/hf/hub"
    commands = {"list": [str(build / "daemon/fettle"), "--root", str(node), "shelf", "list"],
                "one": [str(build / "bench/scan"), str(node), "1"], "two": [str(build / "bench/scan"), str(node), "2"],
                "du": ["du", "-s", str(hub)]}
    hf = os.environ.get("FETTLE_BENCH_HF", "").split()
    if hf:
        inside = str(node / "srv/fettle/hf").removeprefix(os.environ.get("FETTLE_BENCH_HF_ROOT", ""))
        at = hf.index("hf") if "hf" in hf else len(hf) - 1
        commands["hf"] = [*hf[:at], "env", f"HF_HOME={inside}", "HF_HUB_OFFLINE=1", *hf[at:], "cache", "ls"]
    told = subprocess.run(commands["one"], capture_output=True, text=True, check=True).stdout
    if told.split()[:2] != [str(count), str(count * 4_863_000_000)]:
        return [("P1", f"list, {count:,} files", "void", f"totals differ: {told}", "", "")]
    seen = {name: value[0] for name, value in compare(commands).items()}
    what = f"{len(FILES) * factor:,} repositories, {count:,} files"
    if hf:
        limit = {1: "<= 1/45", 10: "<= 1/25", 100: "<= 1/25"}[factor]
        rows.append(("P1", f"`fettle shelf list`, {what}", f"{seen['list'] * 1e3:.0f} ms",
                     f"`hf cache ls` {seen['hf'] * 1e3:.0f} ms", f"1/{seen['hf'] / seen['list']:.1f}", limit))
    rows.append(("P2", f"scan alone with 1 thread, {what}", f"{seen['one'] * 1e3:.0f} ms",
                 f"`du -s` {seen['du'] * 1e3:.0f} ms", f"{seen['one'] / seen['du']:.2f}", "<= 1.0" if factor == 1 else ""))
    rows.append(("P2", f"scan alone with 2 threads, {what}", f"{seen['two'] * 1e3:.0f} ms",
                 f"`du -s` {seen['du'] * 1e3:.0f} ms", f"{seen['two'] / seen['du']:.2f}", "<= 0.6" if factor > 1 else ""))
    if factor == 100 and hf:
        ours, theirs = peak(commands["list"]), peak(commands["hf"])
        rows.append(("P4", f"memory of the scan, {what}", f"{ours / 1024:.0f} MiB",
                     f"`hf cache ls` {theirs / 1024:.0f} MiB", f"1/{theirs / ours:.1f}", "<= 1/10"))
    if shutil.which("strace"):
        log = folder / "strace"
        subprocess.run(["strace", "-f", "-c", "-o", log, *commands["one"]], capture_output=True, check=False)
        total = next(line for line in log.read_text().splitlines() if line.endswith("total"))
        calls = max(int(field) for field in total.split() if field.isdigit())  # beside it errors and microseconds a call, which is smaller
        limit = 2 * count + 30 * len(FILES) * factor + 400
        rows.append(("P3", f"system calls of a scan, {what}", f"{calls:,}", "limit", "", f"<= {limit:,}"))
    return rows


def scan(build, folder):
    for factor in (1, 10, 100):
        yield from scan_of(build, folder, factor)


ROWS = {"scan": scan, "P5": verify_warm, "P6": verify_cold, "serving": serving}


def rows(build, wanted=()):
    for name, measure in ROWS.items():
        if wanted and name not in wanted:
            continue
        folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("FETTLE_BENCH_DIR", "/var/tmp")))
        try:
            yield from measure(build, folder)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    for row in rows(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]):
        print("| " + " | ".join(row) + " |", flush=True)
