"""Archives of compiled code: in and out, beside bsdtar and tar with zstd, on the same files, until they are on the drive."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

LARGE = 40  # shared objects of 1 MiB, as AITER builds them
SMALL = 1500  # pairs of small files, as Triton writes them: code and what is known of it


def fill(folder):
    """The same bytes on every machine; neither random nor empty, so that zstd has something to do."""
    rng = random.Random(942)
    words = [rng.randbytes(rng.randint(2, 12)) for _ in range(4096)]

    def text(size):
        return b"".join(rng.choices(words, k=size // 2))[:size]
    for index in range(LARGE):
        (folder / f"object{index:02}").mkdir(parents=True)
        (folder / f"object{index:02}/module.so").write_bytes(text(1 << 20))
    for index in range(SMALL):
        (folder / f"{index:04x}").mkdir()
        (folder / f"{index:04x}/kernel.hsaco").write_bytes(text(rng.randint(2 << 10, 24 << 10)))
        (folder / f"{index:04x}/kernel.json").write_bytes(text(rng.randint(200, 1200)))


def shape(folder):
    return sorted((name, os.path.getsize(os.path.join(where, name))) for where, _, names in os.walk(folder) for name in names)


def run(*command):
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)


def rows(build, pair):
    """P9."""
    program = build / "bench/archive"
    out = []
    with tempfile.TemporaryDirectory(dir=build) as top:
        top = pathlib.Path(top)
        source, target = top / "source", top / "target"
        fill(source)
        wanted = shape(source)

        def timed(*commands):
            def measure():
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir()
                os.sync()
                begin = time.perf_counter()
                for command in commands:
                    run(*command)
                return time.perf_counter() - begin
            return measure

        def row(what, ours, peer, said):
            out.append(("P9", f"{what}, {len(wanted)} files of {sum(size for _, size in wanted) >> 20} MiB",
                        f"{ours * 1e3:.0f} ms", f"{said} {peer * 1e3:.0f} ms", f"{ours / peer:.2f}", "<= 1.10"))
        for peer in ("bsdtar", "tar"):
            if not shutil.which(peer):
                out.append(("P9", "archives", "void", f"{peer} is missing", "", "<= 1.10"))
                continue
            ours, theirs = top / "ours.tar.zst", top / "theirs.tar.zst"
            row("export", *pair(timed([program, "pack", source, ours]),
                                timed([peer, "--zstd", "-cf", theirs, "-C", source, "."], ["sync", theirs])),
                f"{peer} --zstd, sync")
            row("import, all checks on", *pair(timed([program, "unpack", ours, target]),
                                               timed([peer, "--zstd", "-xf", theirs, "-C", target],
                                                     ["sync", "-f", target])), f"{peer} --zstd, sync")
            for archive in ([program, "unpack", ours, target], [peer, "--zstd", "-xf", theirs, "-C", target]):
                timed(archive)()
                if shape(target) != wanted:
                    raise SystemExit(f"void: {archive[0]} gives other files")
    return out
