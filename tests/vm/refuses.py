#!/usr/bin/env python3
"""What the node must leave alone: no byte is written, the reason is said, the node boots and answers."""

import subprocess

import node
from scenario import Scenario

scenario = Scenario("refuses", image="installed")

# A service that keeps its data on the cache, as systemd/examples/needs-cache.conf says.
CONSUMER = b"""[Unit]
Requires=fettle-cache.target
After=fettle-cache.target
RequiresMountsFor=/srv/fettle
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
"""
HANGS = b"[Service]\nExecStartPre=+/bin/sleep 600\nTimeoutStartSec=15\n"


def is_well_without_cache(machine):
    """The node is there for everybody, except for who needs the cache."""
    assert machine.run("findmnt /srv/fettle").exit_code != 0
    assert machine.must("systemctl is-active multi-user.target fettled.service").split() == ["active", "active"]
    assert machine.run("systemctl is-active consumer.service").out.strip() == "inactive"
    assert machine.run("touch /srv/fettle/nobody-fills-the-root-disk").exit_code != 0


def boots_without_cache(machine, verdict, *words):
    """Boots; demands the refusal with these words, no write to any drive, and a node that is otherwise well."""
    before = {drive.bay: drive.fingerprint() for drive in machine.drives if drive.present}
    machine.boot()
    shown = node.ask(machine, "storage show", code=2)
    assert shown["verdict"] == verdict, shown
    page = machine.run("fettle storage show").out
    for word in words:
        assert word in page, f"'{word}' is not said:\n{page}"
    is_well_without_cache(machine)
    code, health = node.get(machine, "/v1/health")
    assert code == 503 and health["state"] == "failed", health
    machine.power_off()
    assert {drive.bay: drive.fingerprint() for drive in machine.drives if drive.present} == before


@scenario.step("seven of eight drives (F15): provisioning fails, the node boots, who needs the cache does not start (F35)")
def seven(machine):
    machine.boot()
    node.configure(machine)
    machine.put("/etc/systemd/system/consumer.service", CONSUMER)
    machine.must("systemctl enable consumer.service")
    machine.must("systemctl stop 'fettle*'; rm -rf /var/lib/fettle/provision/*")
    machine.power_off()
    machine.drives.blank_all()
    machine.drives[3].present = False
    boots_without_cache(machine, "incomplete", "7", "8", "FETTLE0001")


@scenario.step("a drive with somebody's ext4 on it (F06)")
def foreign(machine):
    drive = machine.drives[3]
    drive.present = True
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", drive.file], check=True)
    boots_without_cache(machine, "foreign", drive.serial, "ext4")


@scenario.step("a drive with a partition table and nothing in it (F07)")
def partitioned(machine):
    drive = machine.drives[3]
    drive.blank()
    subprocess.run(["sfdisk", "--quiet", drive.file], input="label: gpt\nsize=1GiB\n", text=True, check=True)
    boots_without_cache(machine, "foreign", drive.serial, "gpt")


@scenario.step("a drive that cannot be read (F08)")
def unreadable(machine):
    drive = machine.drives[3]
    drive.blank()
    drive.faults = [{"event": "none", "iotype": "read", "errno": 5}]
    boots_without_cache(machine, "foreign", drive.serial)


@scenario.step("with the drive mended the node becomes ready")
def mended(machine):
    machine.drives[3].faults = []
    machine.boot()
    node.wait_ready(machine)
    assert machine.must("systemctl is-active consumer.service").strip() == "active"


@scenario.step("provisioning that hangs ends at its time limit and the node boots (F36); started again it makes the node ready")
def hangs(machine):
    drop_in = "/etc/systemd/system/fettle-provision.service.d"
    machine.must(f"mkdir -p {drop_in}")
    machine.put(f"{drop_in}/hangs.conf", HANGS)
    machine.reboot()
    is_well_without_cache(machine)
    code, health = node.get(machine, "/v1/health")
    assert code == 503 and health["state"] != "ready", health
    machine.must(f"rm -r {drop_in}; systemctl daemon-reload; systemctl start fettle-cache.target", timeout=120)
    node.wait_ready(machine)


@scenario.step("a member missing from our array (F20): nothing is created, the rest is kept")
def member_missing(machine):
    machine.must("echo precious >/srv/fettle/file; sync -f /srv/fettle")
    machine.power_off()
    machine.drives[5].present = False
    boots_without_cache(machine, "incomplete", "FETTLE0005")


@scenario.step("the member is back: the same files")
def member_back(machine):
    machine.drives[5].present = True
    machine.boot()
    node.wait_ready(machine)
    assert machine.must("cat /srv/fettle/file") == "precious\n"


if __name__ == "__main__":
    scenario.main()
