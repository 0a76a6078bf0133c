#!/usr/bin/env python3
"""The power goes at random instants (F48), while drives are made into the cache and while models are staged."""

import random
import time

import node
from scenario import Scenario

scenario = Scenario("power-cut", image="installed")
remembered = {}
# The same instants in each run, so that a failure can be looked at again; another seed finds others.
instants = random.Random(20261125)

WHILE_PROVISIONING = 4
WHILE_STAGING = 3


@scenario.step("a node with the package, its drives blank")
def prepare(machine):
    machine.boot()
    node.configure(machine)
    remembered["partition table"] = node.partition_table(machine)
    machine.must("systemctl stop 'fettle*'; rm -rf /var/lib/fettle/provision/* /var/lib/fettle/stage/*; sync")
    machine.power_off()


def cut_while_provisioning(machine):
    """From blank drives: power on, off again after a while, then a boot that has to end well."""
    machine.drives.blank_all()
    machine.start()
    machine.wait_agent()
    # Provisioning begins some seconds after the agent answers, later on a busy machine, and takes some seconds.
    time.sleep(instants.uniform(2, 14))
    machine.power_cut()
    found = sorted(set(machine.drives.fingerprints().values()))
    print(f"cut: the drives show {len(found)} different contents")
    machine.boot()
    node.wait_ready(machine)
    assert node.ask(machine, "storage show")["verdict"] == "same"
    print(machine.must("fettle storage history | tail -n 2"))
    machine.must("sync")
    machine.power_off()


for number in range(1, WHILE_PROVISIONING + 1):
    scenario.step(f"provisioning is cut off at a random instant, {number} of {WHILE_PROVISIONING}: the next boot is ready")(
        cut_while_provisioning
    )


@scenario.step("models are published, and a file of somebody else's is on the cache")
def published(machine):
    machine.boot()
    node.wait_ready(machine)
    machine.must("fettle shelf verify tiny")
    machine.must("echo precious >/srv/fettle/file; sync -f /srv/fettle")
    remembered["uuid"] = node.array_uuid(machine)


def cut_while_staging(machine):
    """Staging begins from nothing, the power goes, the next boot has all of it; what was there before still is."""
    machine.must("systemctl stop 'fettle-stage@*'; rm -rf /srv/fettle/hf/hub /var/lib/fettle/stage/*; sync\n"
                 "systemctl start --no-block fettle-stage@tiny.service")
    time.sleep(instants.uniform(0, 3))
    machine.power_cut()
    machine.boot()
    node.wait_ready(machine)
    assert node.array_uuid(machine) == remembered["uuid"]
    assert machine.must("cat /srv/fettle/file") == "precious\n"
    machine.must("fettle shelf verify tiny")


for number in range(1, WHILE_STAGING + 1):
    scenario.step(f"staging is cut off at a random instant, {number} of {WHILE_STAGING}: every published file is whole")(
        cut_while_staging
    )


@scenario.step("published files survive a cut while nothing goes on, and no byte went to the OS disk's other partition")
def idle(machine):
    machine.power_cut()
    machine.boot()
    node.wait_ready(machine)
    machine.must("fettle shelf verify tiny")
    assert machine.must("cat /srv/fettle/file") == "precious\n"
    assert node.partition_table(machine) == remembered["partition table"]


if __name__ == "__main__":
    scenario.main()
