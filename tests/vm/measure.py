#!/usr/bin/env python3
"""What docs/performance.md says of the virtual node: fettle's own share of making the cache, and `fettle storage bench` on md.

A virtual machine under emulation: only ratios within one run mean something. No test, so `run` leaves it out.
"""

import statistics

import node
from scenario import Scenario

scenario = Scenario("measure", image="installed")
ROUNDS = 5

# Stands before a program that makes the cache and notes when that began and ended, in seconds since power-on. Its own
# start counts as fettle's time: the share is an upper bound.
WRAPPER = """#!/bin/sh
read -r begin _ </proc/uptime
{program}.real "$@"
code=$?
read -r end _ </proc/uptime
if [ -d /run/fettle/provision ]; then echo "$begin $end $1" >>/run/fettle/provision/spent; fi
exit $code
"""
MAKING = ("--create", "-K")  # the first words of those that fettle runs; udev runs mdadm too, beside them
shares = []


@scenario.step("a node with the package and no configuration yet; mdadm and mkfs.xfs note their time")
def prepare(machine):
    machine.boot()
    for program in ("/usr/sbin/mdadm", "/usr/sbin/mkfs.xfs"):
        machine.must(f"mv $(readlink -f {program}) {program}.real")
        machine.put(program, WRAPPER.format(program=program).encode(), 0o755)
    machine.must("rm -f /etc/fettle/fettle.yaml; systemctl stop 'fettle*'; rm -rf /var/lib/fettle/provision/*; sync")
    machine.power_off()


def provision(machine):
    """From blank drives on a node that has come to rest."""
    machine.drives.blank_all()
    machine.boot()
    machine.wait_drives(8)
    node.configure(machine)
    machine.must("rm -f /run/fettle/provision/spent; systemctl reset-failed 'fettle*'; sleep 5\n"
                 "systemctl start fettle-provision.service", 300)
    shown = machine.must("systemctl show fettle-provision.service -p ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic")
    begin, end = sorted(int(line.split("=")[1]) / 1e6 for line in shown.split())
    rows = [line.split() for line in machine.must("cat /run/fettle/provision/spent").splitlines()]
    made = [float(row[1]) - float(row[0]) for row in rows if row[2] in MAKING and float(row[0]) >= begin - 0.02]
    assert len(made) == len(MAKING), rows
    shares.append(1 - sum(made) / (end - begin))
    print(f"whole {end - begin:.2f} s, mdadm and mkfs.xfs {sum(made):.2f} s, share {shares[-1]:.2f}: {rows}")
    machine.must("systemctl start fettle-cache.target", 300)
    if len(shares) == ROUNDS:
        return
    machine.must("rm /etc/fettle/fettle.yaml; systemctl stop 'fettle*' srv-fettle.mount || true; rm -rf /var/lib/fettle/provision/*; sync")
    machine.power_off()


for number in range(1, ROUNDS + 1):
    scenario.step(f"blank drives are made into the cache, {number} of {ROUNDS}")(provision)


@scenario.step("the bench on the array that this made")
def bench(machine):
    machine.must("systemctl stop fettle-collect.timer fettle-collect.service 'fettle-stage@*'; sync; sleep 5")
    for _ in range(3):
        print(machine.run("fettle storage bench", 300).out)
    print(f"share of fettle itself: {', '.join(f'{share:.2f}' for share in shares)}; median {statistics.median(shares):.2f}")


if __name__ == "__main__":
    scenario.main()
