#!/usr/bin/env python3
"""package.py DEB IMAGE: does the package fit Ubuntu 24.04, and what does it leave in an image that is not booted (F37)?

It was built on Debian 13. No Ubuntu archive is needed: the names and versions below are those of 24.04.3.
Ends with `N passed, N failed, N skipped`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Package: the version in Ubuntu 24.04.
UBUNTU = {
    "e2fsprogs": "1.47", "mdadm": "4.3", "systemd": "255.4", "xfsprogs": "6.6", "libarchive13t64": "3.7.2",
    "libblkid1": "2.39.3", "libc6": "2.39", "libgcc-s1": "14", "libsqlite3-0": "3.45.1", "libssl3t64": "3.0.13",
    "libstdc++6": "14", "libsystemd0": "255.4", "libyaml-cpp0.8": "0.8.0",
}
SYMBOLS = {"GLIBC": (2, 39), "GLIBCXX": (3, 4, 33), "LIBSYSTEMD": (255,)}
PROGRAMS = ["usr/bin/fettle", "usr/libexec/fettle/fettled"]
STRIPPED_LIMIT = 5 << 20
# What has to be so at the first boot of the image.
ENABLED = {"fettled.service", "fettle-status.socket", "fettle-control.socket", "fettle-cache.target", "fettle-collect.timer",
           "fettle-trim.timer", "fettle-engine.service", "fettle-images.timer"}


def version(text):
    return tuple(int(number) for number in re.findall(r"\d+", text.split("+")[0].split("~")[0]))


def wrong_depends(deb):
    depends = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], capture_output=True, text=True, check=True).stdout
    for one in depends.strip().split(", "):
        name, _, wanted = one.partition(" ")
        if name not in UBUNTU:
            yield f"depends on {name}, which Ubuntu 24.04 does not have"
        elif wanted and version(wanted) > version(UBUNTU[name]) + (0,) * 4:
            yield f"depends on {one}, Ubuntu 24.04 has {UBUNTU[name]}"


def wrong_bounds(deb):
    """Versions older than those of Debian 12 were never tried."""
    depends = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], capture_output=True, text=True, check=True).stdout
    for name, oldest in (("mdadm", "4.2"), ("xfsprogs", "6.1")):
        if f"{name} (>= {oldest})" not in depends.strip().split(", "):
            yield f"it takes any {name}"


def wrong_symbols(program):
    table = subprocess.run(["objdump", "-T", program], capture_output=True, text=True, check=True).stdout
    for name, number in set(re.findall(r"\b(GLIBC|GLIBCXX|LIBSYSTEMD)_([\d.]+)", table)):
        if version(number) > SYMBOLS[name]:
            yield f"{program.name} needs {name}_{number}"


def wrong_in_image(image):
    """IMAGE is the folder of one into which the package was installed without a running systemd."""
    enabled = {Path(line).name for line in (image / "enabled").read_text(encoding="utf-8").split()}
    for unit in sorted(ENABLED - enabled):
        yield f"{unit} is not enabled"
    for path in (image / "left").read_text(encoding="utf-8").split():
        if not path.startswith("var/lib/dpkg/") and not path.startswith("var/lib/systemd/"):
            yield f"it wrote '{path}'"


def main():
    deb, image = Path(sys.argv[1]), Path(sys.argv[2])
    wrong = {"the package depends only on what Ubuntu 24.04 has": list(wrong_depends(deb))}
    wrong["apt refuses an mdadm or xfsprogs that is too old, by name (F40)"] = list(wrong_bounds(deb))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
        programs = [Path(folder) / name for name in PROGRAMS]
        wrong["no symbol is newer than Ubuntu 24.04"] = [one for program in programs for one in wrong_symbols(program)]
        size = programs[1].stat().st_size
        wrong["fettled is smaller than 5 MiB"] = [f"it has {size} bytes"] if size >= STRIPPED_LIMIT else []
    wrong["in an image it enables its units and leaves nothing of the machine (F37)"] = list(wrong_in_image(image))
    for title, reasons in wrong.items():
        print(f"{'failed' if reasons else 'passed'}: package: {title}{''.join('; ' + reason for reason in reasons)}")
    failed = sum(bool(reasons) for reasons in wrong.values())
    print(f"{len(wrong) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
