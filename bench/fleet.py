#!/usr/bin/env python3
"""fleet.py [--check PAGE]: what a hub would be asked for by 1,000 nodes that come up in the same second.

Counts the requests that the nodes would make if nobody refused them: no network, no clock, no chance; the same figures
each time. Prints a table; with --check it ends with 1 when PAGE has another one, or the rule of turns is not the one of
the daemon (tests/golden/shelf-turns.txt, which a test of the daemon compares too).

What a node asks, in what order, was seen of the real client (1.23, with hf_xet) against a stand-in of the hub: to list a
repository two API calls (commit, files), for each run of the client two more, for each small file a HEAD and a GET of the
resolver, for each large one an API call for a token. fettle runs the client twice a repository: small files first.
"""
import collections
import dataclasses
import hashlib
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
NODES = 1000
BIN = 10  # seconds that are counted together
WINDOW = 300 // BIN  # the hub counts calls in windows of five minutes
LIMITS = {"api": 1000, "resolver": 5000}  # of one account without a plan, in such a window
SMALL_FILES = 10  # of each repository: config, tokenizer and the like
QUESTION = 1.0  # seconds of one question or small file: mostly the start of the client
LINE_RATE = 2.5e9  # bytes a second of a node that nothing holds back: 20 Gbit/s
MIB = 1 << 20


def turn(machine, shelf, jitter):
    """Seconds after the boot at which a machine begins: the rule of daemon/shelf/turn.cpp."""
    hashed = 0xCBF29CE484222325
    for byte in f"{machine}/{shelf}".encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % (1 << 64)
    return hashed % jitter if jitter else 0


def machine_id(number):
    return hashlib.sha256(f"node {number}".encode()).hexdigest()[:32]


def repositories():
    """Size and number of files of each repository of the shelf `frontier`, as its file notes them."""
    text = (TOP / "profiles/shelves/frontier.yaml").read_text(encoding="utf-8")
    units = {"MB": 1e6, "GB": 1e9, "TB": 1e12}
    return [(float(size) * units[unit], int(files))
            for size, unit, files in re.findall(r"# ([\d.]+) ([MGT]B), (\d+) files", text)]


@dataclasses.dataclass
class Fleet:
    says: str
    jitter: int = 0
    locked: bool = False
    rate: float = LINE_RATE
    askers: int = NODES  # nodes that ask the hub itself; the others ask something of ours


@dataclasses.dataclass
class Course:
    """What one node asks, by the number of the bin since it began."""
    api: collections.Counter
    resolver: collections.Counter
    seconds: float


def course(fleet):
    api, resolver, now = collections.Counter(), collections.Counter(), 0.0
    wanted = repositories()
    if not fleet.locked:
        for _ in wanted:
            api[int(now // BIN)] += 2
            now += 2 * QUESTION
    for _ in wanted:  # small files
        api[int(now // BIN)] += 2
        resolver[int(now // BIN)] += 2 * SMALL_FILES
        now += 2 * QUESTION
    for size, files in wanted:
        large = max(1, files - SMALL_FILES)
        api[int(now // BIN)] += 2
        resolver[int(now // BIN)] += SMALL_FILES  # they are here: one HEAD each
        now += QUESTION
        for _ in range(large):
            api[int(now // BIN)] += 1
            now += size / large / fleet.rate
    return Course(api, resolver, now)


def busiest(starts, calls):
    """The most calls of all nodes in one window, and how many come in all."""
    each_bin = collections.Counter()
    for start, nodes in starts.items():
        for when, count in calls.items():
            each_bin[start + when] += nodes * count
    window = most = 0
    for when in range(max(each_bin) + 1):
        window += each_bin[when] - each_bin[when - WINDOW]
        most = max(most, window)
    return most, sum(each_bin.values())


def duration(seconds):
    return f"{seconds / 86400:.1f} d" if seconds > 86400 else f"{seconds / 60:.0f} min"


def simulate(fleet):
    own = course(fleet)
    turns = [turn(machine_id(number), "frontier", fleet.jitter) for number in range(fleet.askers)]
    starts = collections.Counter(when // BIN for when in turns)
    together = collections.Counter(when // 60 for when in turns)
    api, api_in_all = busiest(starts, own.api)
    resolver, _ = busiest(starts, own.resolver)
    wanted = sum(size for size, _ in repositories())
    return {"begin in the same minute": f"{max(together.values()):,}",
            "API calls in all": f"{api_in_all:,}",
            "API, busiest 5 min": f"{api:,}",
            "times one account": f"{api / LIMITS['api']:.1f}",
            "resolver, busiest 5 min": f"{resolver:,}",
            "times one account ": f"{resolver / LIMITS['resolver']:.1f}",
            "one account lets them through in": duration(api_in_all / LIMITS["api"] * 300),
            "from the hub": f"{fleet.askers * wanted / 1e15:.2f} PB",
            "last node ready after": f"{(max(turns) + own.seconds) / 3600:.1f} h"}


FLEETS = [
    Fleet("as it comes: no lock, no jitter"),
    Fleet("jitter of an hour", jitter=3600),
    Fleet("lock and jitter of an hour", jitter=3600, locked=True),
    Fleet("the same, 200 MiB a second each", jitter=3600, locked=True, rate=200 * MIB),
    Fleet("one node asks, the others copy from it or from a mirror", locked=True, askers=1),
]


def table():
    rows = [(fleet.says, simulate(fleet)) for fleet in FLEETS]
    heads = list(rows[0][1])
    lines = ["| the fleet | " + " | ".join(head.strip() for head in heads) + " |", "|---|" + "---:|" * len(heads)]
    lines += [f"| {says} | " + " | ".join(found[head] for head in heads) + " |" for says, found in rows]
    return "\n".join(lines)


def differences(page):
    """What does not agree, as sentences."""
    if table() not in page.read_text(encoding="utf-8"):
        yield f"{page} has another table than this program prints"
    seen = (TOP / "tests/golden/shelf-turns.txt").read_text(encoding="utf-8").splitlines()
    if len(seen) < 10:
        yield "there are hardly any turns to compare with"
    for line in seen:
        machine, shelf, jitter, second = line.split()
        if turn(machine, shelf, int(jitter)) != int(second):
            yield f"the daemon begins at another second: {line}"


def main():
    if sys.argv[1:2] == ["--check"] and len(sys.argv) == 3:
        said = list(differences(pathlib.Path(sys.argv[2])))
        print("\n".join(said) or "the page and the rule of turns are those of this program")
        return 1 if said else 0
    if len(sys.argv) > 1:
        print(__doc__, file=sys.stderr)
        return 64
    print(table())
    return 0


sys.exit(main())
