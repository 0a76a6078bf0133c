#!/usr/bin/env python3
"""The package's life on a node in use: upgrade, downgrade, remove, reinstall, purge, and a new start after that.

The image carries two versions of the package: the one under test, and the same bytes called NEXT (see `run`).
"""

import node
from scenario import Scenario

NEXT = "99"
# How long apt takes is the machine's matter, so a file holds the unit and not a time.
HELD = "[Service]\nTimeoutStartSec=infinity\nExecStartPre=+/bin/sh -c 'while test -e /run/held; do sleep 1; done'\n"

scenario = Scenario("package-life", image="upgrade")
remembered = {}


def invocation(machine, unit):
    """Which run of the unit this is; it changes with every start."""
    return machine.must(f"systemctl show -P InvocationID {unit}").strip()


def active_state(machine, unit):
    return machine.must(f"systemctl show -P ActiveState {unit}").strip()


def hold(machine, unit):
    """The next start of the unit lasts until it is let go."""
    machine.must(f"touch /run/held; mkdir -p /run/systemd/system/{unit}.d")
    machine.put(f"/run/systemd/system/{unit}.d/held.conf", HELD.encode())
    machine.must("systemctl daemon-reload")


def let_go(machine, unit):
    machine.must(f"rm -r /run/held /run/systemd/system/{unit}.d; systemctl daemon-reload")


def cache_is_kept(machine):
    assert machine.must("findmnt -no FSTYPE /srv/fettle").strip() == "xfs"
    assert machine.must("cat /srv/fettle/file") == "precious\n"


@scenario.step("a node becomes ready with the version under test")
def install(machine):
    machine.boot()
    machine.wait_drives(8)
    versions = machine.must("apt-cache madison fettle | cut -d'|' -f2").split()
    remembered["version"] = next(version for version in versions if version != NEXT)
    machine.must(f"apt-get install -y fettle={remembered['version']}", timeout=400)
    node.configure(machine)
    machine.reboot()
    node.wait_ready(machine)
    machine.must("echo precious >/srv/fettle/file; sync -f /srv/fettle")
    remembered["uuid"] = node.array_uuid(machine)


def install_during_a_run(machine, unit, wish):
    """Installs a version while the unit is at work, and sees that the same run of it goes on."""
    hold(machine, unit)
    machine.must(f"systemctl restart --no-block {unit}; sleep 2")
    before = invocation(machine, unit)
    assert before and active_state(machine, unit) == "activating"
    machine.must(f"apt-get install -y {wish}", timeout=400)
    assert (invocation(machine, unit), active_state(machine, unit)) == (before, "activating")
    let_go(machine, unit)


@scenario.step("an upgrade does not interrupt staging (F38), refuses no client, and brings the new daemon")
def upgrade(machine):
    daemon = invocation(machine, "fettled.service")
    machine.must("while :; do curl -sf --max-time 20 --unix-socket /run/fettle/status.sock http://fettle/v1/status -o /dev/null "
                 "&& echo answered || echo refused; sleep 0.05; done >/run/clients 2>&1 & echo $! >/run/clients.pid")
    install_during_a_run(machine, "fettle-stage@tiny.service", f"fettle={NEXT}")
    machine.must("sleep 2; kill $(cat /run/clients.pid)")
    answers = machine.must("sort /run/clients | uniq -c").split()
    assert "answered" in answers and "refused" not in answers, answers
    assert invocation(machine, "fettled.service") != daemon, "the daemon still runs the old program"
    cache_is_kept(machine)
    machine.must("systemctl restart fettle-stage@tiny.service")
    node.wait_ready(machine)


@scenario.step("a downgrade does not interrupt provisioning, and the older version reads what the newer one wrote")
def downgrade(machine):
    install_during_a_run(machine, "fettle-provision.service", f"--allow-downgrades fettle={remembered['version']}")
    node.wait_ready(machine)
    cache_is_kept(machine)
    assert node.array_uuid(machine) == remembered["uuid"]


@scenario.step("removing it ends its services and leaves cache, configuration and state")
def remove(machine):
    machine.must("apt-get remove -y fettle")
    assert machine.must("systemctl list-units --no-legend --state=running 'fettle*' | wc -l").strip() == "0"
    cache_is_kept(machine)
    machine.must("test -s /etc/fettle/fettle.yaml && test -d /var/lib/fettle")
    machine.must(f"apt-get install -y fettle={remembered['version']}", timeout=400)
    machine.must("systemctl start fettle-cache.target")
    node.wait_ready(machine)
    assert node.array_uuid(machine) == remembered["uuid"]


@scenario.step("purging it says that the cache stays, and leaves nothing else behind (F39)")
def purge(machine):
    said = machine.must("apt-get purge -y fettle 2>&1")
    assert "the cache and the local drives are left as they are" in said, said
    cache_is_kept(machine)
    # The configuration that this test itself put beside the package's.
    machine.must("rm -rf /etc/fettle /usr/share/fettle")
    # systemd's own folders for units that have ended but count as active until the next boot: ending them would end what requires them.
    left = machine.must("find / -xdev -iname '*fettle*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/opt/repository/*' "
                        "-not -path '/var/lib/dpkg/*' -not -path '/var/lib/apt/*' -not -path '/var/log/*' -not -path '/var/cache/*' "
                        "-not -path '/srv/fettle' -not -path '/var/tmp/systemd-private-*' -not -path '/tmp/systemd-private-*'")
    assert left == "", left


@scenario.step("installed anew after a reboot, it knows its array again and keeps the data")
def anew(machine):
    machine.reboot()
    machine.wait_drives(8)
    assert machine.run("findmnt /srv/fettle").exit_code != 0
    machine.must(f"apt-get install -y fettle={remembered['version']}", timeout=400)
    node.configure(machine)
    machine.must("fettle apply", timeout=300)
    node.wait_ready(machine)
    assert node.array_uuid(machine) == remembered["uuid"]
    cache_is_kept(machine)


if __name__ == "__main__":
    scenario.main()
