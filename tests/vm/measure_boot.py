#!/usr/bin/env python3
"""P18 for docs/performance.md: when sshd starts on a node with its cache, beside the same node with every unit of fettle masked.

A virtual machine under emulation: only ratios within one run mean something. No test, so `run` leaves it out; the image is that
of containers.py.
"""

import statistics

import node
from scenario import Scenario

scenario = Scenario("measure-boot", image="containers", memory_mib=2048)
ROUNDS = 4
UNITS = "$(cd /usr/lib/systemd/system && ls -d fettle*.service fettle*.socket fettle*.target fettle*.timer srv-fettle.mount | grep -v @)"
times = {"with": [], "without": []}


def sshd_started(machine):
    """Seconds after the kernel's start."""
    return int(machine.must("systemctl show --value -p ExecMainStartTimestampMonotonic ssh.service")) / 1e6


@scenario.step("a ready node")
def prepare(machine):
    machine.boot()
    node.configure(machine)
    machine.must("systemctl disable docker.service docker.socket containerd docker-registry; systemctl restart fettled; fettle apply", 400)
    node.wait_ready(machine)


def round_of(machine):
    machine.reboot()
    node.wait_ready(machine)
    times["with"].append(sshd_started(machine))
    machine.must(f"systemctl mask {UNITS}", 120)
    machine.reboot()
    assert machine.run("systemctl is-active fettled srv-fettle.mount").out.split() == ["inactive", "inactive"]
    times["without"].append(sshd_started(machine))
    machine.must(f"systemctl unmask {UNITS}", 120)
    print(", ".join(f"{which} {all_of[-1]:.1f} s" for which, all_of in times.items()))


for number in range(1, ROUNDS + 1):
    scenario.step(f"two boots, {number} of {ROUNDS}")(round_of)


@scenario.step("the medians")
def medians(_machine):
    ours, bare = (statistics.median(times[which]) for which in ("with", "without"))
    print(f"sshd starts after {ours:.1f} s with fettle, {bare:.1f} s without: {ours / bare:.2f}")


if __name__ == "__main__":
    scenario.main()
