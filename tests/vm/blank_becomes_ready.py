#!/usr/bin/env python3
"""A blank node becomes ready, stays so over a reboot, and comes back from blank drives."""

import json

import node
from scenario import Scenario

scenario = Scenario("blank-becomes-ready")
remembered = {}


@scenario.step("apt installs the package from a local file, and nothing is provisioned by that")
def install(machine):
    machine.boot()
    machine.wait_drives(8)
    remembered["partition table"] = node.partition_table(machine)
    machine.must("apt-get install -y /opt/repository/fettle_*.deb", timeout=400)
    node.configure(machine)
    machine.must("fettle profile check /etc/fettle/fettle.yaml")
    assert machine.run("findmnt /srv/fettle").exit_code != 0
    assert set(node.writes(machine).values()) == {"0"}
    plan = node.ask(machine, "storage plan")
    assert plan["verdict"] == "all_blank" and len(plan["steps"]) > 0, plan


@scenario.step("the next boot makes the blank node ready without a hand on it")
def first_boot(machine):
    state = machine.reboot()
    node.wait_ready(machine)
    assert state == "running", machine.run("systemctl --failed").out
    assert machine.must("findmnt -no FSTYPE,OPTIONS /srv/fettle").startswith("xfs"), "not XFS"
    assert machine.must("cat /sys/block/md*/md/level").split() == ["raid0"]
    assert machine.must("cat /sys/block/md*/md/raid_disks").split() == ["8"]
    assert "HF_HOME=/srv/fettle/hf" in machine.must("cat /run/fettle/env/container.env")
    assert machine.must("env -i bash -lc 'echo $HF_HOME'").strip() == "/srv/fettle/hf"
    code, health = node.get(machine, "/v1/health")
    assert (code, health["state"]) == (200, "ready"), health
    print(machine.must("COLUMNS=100 fettle status"))
    remembered["uuid"] = node.array_uuid(machine)
    remembered["generation"] = node.generation(machine)
    machine.must("echo precious >/srv/fettle/file; sync -f /srv/fettle")


@scenario.step("the staged shelf is whole and readable by others")
def shelf(machine):
    machine.must("fettle shelf verify tiny")
    machine.must("setpriv --reuid 65534 --regid 65534 --clear-groups "
                 "find -L /srv/fettle/hf/hub -path '*/snapshots/*' -type f -exec cat {} + >/dev/null")


@scenario.step("units can wait for the shelf; a shelf or GPUs that nobody wants end the wait with that reason")
def targets(machine):
    machine.must("systemctl start fettle-shelf@tiny.target")
    assert machine.must("systemctl is-active fettle-shelf@tiny.target").strip() == "active"
    for target, unit, reason in (("fettle-shelf@absent.target", "fettle-wait-shelf@absent", "the profile wants no such shelf"),
                                 ("fettle-gpu.target", "fettle-wait-gpu", "the profile wants none")):
        assert machine.run(f"systemctl start {target}").exit_code != 0, target
        said = machine.must(f"journalctl -b -o cat -u {unit}.service")
        assert reason in said, said


@scenario.step("a second provisioning has an empty plan and writes to no drive")
def second_run(machine):
    # Neither the collector's trial nor XFS's own log write-back must count as ours.
    machine.must("systemctl stop fettle-collect.timer fettle-collect.service; sync; sleep 1")
    before = node.writes(machine)
    plan = node.ask(machine, "storage plan")
    assert (plan["verdict"], plan["steps"]) == ("same", []), plan
    machine.must("fettle provision --boot")
    assert node.writes(machine) == before
    machine.must("systemctl start fettle-collect.timer")


@scenario.step("the daemon restarted, now that the cache is mounted, sees the same ready node")
def restart(machine):
    machine.must("systemctl restart fettled.service")
    node.wait_ready(machine)


ARRANGED = node.CONFIGURATION + """consumers: [docker]
places:
  - {path: /var/lib/models, cache: hf}
  - {path: /opt/hf, cache: hf, as: link}
"""
DROP_IN = "/etc/systemd/system/docker.service.d/50-fettle-cache.conf"


@scenario.step("places lead onto the cache and a consumer waits for it, as `fettle apply` is told; a second apply changes nothing")
def arranged(machine):
    machine.put("/etc/fettle/fettle.yaml", ARRANGED.encode())
    print(machine.must("fettle plan || true; fettle apply"))
    is_arranged(machine)
    assert "RequiresMountsFor=/srv/fettle" in machine.must(f"cat {DROP_IN}")
    assert node.ask(machine, "plan")["empty"]
    node.wait_ready(machine)


def is_arranged(machine):
    """What lies in the cache is seen at both places."""
    machine.must("test -d /srv/fettle/hf/hub && test -d /var/lib/models/hub && test -d /opt/hf/hub; mountpoint -q /var/lib/models")


@scenario.step("after a reboot, drives renumbered, it is the same array with the files still there")
def reboot(machine):
    machine.power_off()
    machine.drives.order.reverse()
    machine.boot()
    node.wait_ready(machine)
    assert node.array_uuid(machine) == remembered["uuid"]
    assert node.generation(machine) == remembered["generation"]
    assert machine.must("cat /srv/fettle/file") == "precious\n"
    is_arranged(machine)


@scenario.step("what nobody asks for any more is taken away, and what lies in the cache stays")
def disarranged(machine):
    machine.put("/etc/fettle/fettle.yaml", node.CONFIGURATION.encode())
    machine.must("fettle apply")
    assert machine.run("mountpoint -q /var/lib/models").exit_code != 0
    assert machine.run(f"test -e {DROP_IN} -o -L /opt/hf").exit_code != 0
    machine.must("test -d /srv/fettle/hf/hub")
    node.wait_ready(machine)


@scenario.step("drives that came back blank are made into a new cache, and the shelf is staged again")
def blank_drives(machine):
    machine.power_off()
    machine.drives.blank_all()
    machine.boot()
    node.wait_ready(machine)
    assert node.array_uuid(machine) != remembered["uuid"]
    assert node.generation(machine) != remembered["generation"]
    assert machine.run("test -e /srv/fettle/file").exit_code != 0


@scenario.step("the OS disk's partition table and its spare partition are as they were")
def os_disk(machine):
    assert node.partition_table(machine) == remembered["partition table"]


@scenario.step("whatever root can look at, the daemon in its sandbox can look at")
def sandbox(machine):
    # The profile with every check; that no GPU is here is no matter.
    machine.put("/etc/fettle/fettle.yaml", b"schema: 1\nkind: configuration\nprofile: mi300x\n")
    machine.must("fettle collect --now; systemctl restart fettled.service")
    seen = {check["id"] for check in json.loads(machine.run("fettle check --json").out)["checks"] if check["status"] != "unknown"}
    assert "host.clock" in seen, seen
    _, answer = node.get(machine, "/v1/status")
    unseen = {finding["id"]: finding["says"] for finding in answer["findings"] if finding["status"] == "unknown"}
    assert not seen & unseen.keys(), {name: unseen[name] for name in seen & unseen.keys()}


if __name__ == "__main__":
    scenario.main()
