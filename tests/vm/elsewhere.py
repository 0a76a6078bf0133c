#!/usr/bin/env python3
"""The cache on another mount point than the package's: moved by a boot and by an operator, never its data; and quotas on it."""

import node
from scenario import Scenario

scenario = Scenario("elsewhere", image="installed")
remembered = {}

STOP = "systemctl stop 'fettle-stage@*' fettle-cache.target {unit} fettle-cache.service"


def configure_at(machine, path, quota=""):
    """Everything as in the other scenarios, but for the path and the quota of the second directory."""
    node.configure(machine)
    cache = f"cache:\n  path: {path}\n  wait_seconds: 20\n  drives: {{models: [\"QEMU NVMe Ctrl\"], count: 8}}\n"
    machine.put("/etc/fettle/fettle.yaml", (node.CONFIGURATION + cache).encode())
    if quota:
        machine.must(f"sed -i 's/^  - name: vllm$/&\\n    quota: {quota}/' /etc/fettle/profiles/vm.yaml")
    machine.must("fettle profile check /etc/fettle/fettle.yaml && fettle profile check /etc/fettle/profiles/vm.yaml")


def is_at(machine, path):
    """Mounted there and nowhere else, with its data, its units and its environment."""
    mounts = machine.must("findmnt -rno TARGET $(readlink -f /run/fettle/cache)").split()
    assert mounts == [path], mounts
    assert machine.must(f"cat {path}/file") == "precious\n"
    assert node.array_uuid(machine) == remembered["uuid"]
    assert f"HF_HOME={path}/hf" in machine.must("cat /run/fettle/env/container.env")
    machine.must(f"test -d {path}/hf/hub; fettle shelf verify tiny; fettle collect --now")
    status = {finding["id"]: finding for finding in node.get(machine, "/v1/status")[1]["findings"]}
    for check in ("cache.mounted", "cache.provisioned", "cache.array", "cache.options", "cache.writes"):
        assert status[check]["status"] == "pass", status[check]


@scenario.step("a node with its cache where the package has it")
def packaged(machine):
    machine.boot()
    machine.wait_drives(8)
    node.configure(machine)
    machine.must("fettle apply; echo precious >/srv/fettle/file; sync -f /srv/fettle", 300)
    node.wait_ready(machine)
    assert machine.run("ls -A /run/systemd/generator | grep -i fettle").exit_code != 0
    remembered["uuid"] = node.array_uuid(machine)


@scenario.step("a new path while the cache is mounted is refused, says how to move it, and changes nothing")
def refused(machine):
    configure_at(machine, "/mnt/nvme")
    said = machine.run("fettle apply")
    print(said.out)
    assert said.exit_code == 2, said.out
    assert "the cache is mounted on '/srv/fettle' instead of '/mnt/nvme'" in said.out, said.out
    assert "fettle-cache.target srv-fettle.mount" in said.out, said.out
    assert machine.must("cat /srv/fettle/file") == "precious\n"


@scenario.step("the next boot mounts it there, with all that is on it")
def moved_by_boot(machine):
    state = machine.reboot()
    node.wait_ready(machine)
    assert state == "running", machine.run("systemctl --failed").out
    is_at(machine, "/mnt/nvme")
    assert machine.must("systemctl show -p ActiveState --value srv-fettle.mount").strip() == "inactive"
    assert machine.run("touch /srv/fettle/nobody-fills-the-root-disk").exit_code != 0
    machine.must("systemd-analyze verify fettle-cache.target mnt-nvme.mount 2>&1 | grep -i fettle && exit 1 || true")


@scenario.step("apply takes the old mount point away, and a second one has nothing to do")
def settled(machine):
    print(machine.must("fettle plan; fettle apply"))
    assert machine.run("test -e /srv/fettle").exit_code != 0
    assert node.ask(machine, "plan")["empty"]
    before = machine.must("stat -c '%n %Y %i' /run/systemd/generator/*nvme* /run/systemd/generator/fettle-*.d/*")
    machine.must("fettle apply")
    assert machine.must("stat -c '%n %Y %i' /run/systemd/generator/*nvme* /run/systemd/generator/fettle-*.d/*") == before


@scenario.step("a directory with somebody's files is refused with its line, before anything is done")
def full(machine):
    machine.must(STOP.format(unit="mnt-nvme.mount"))
    machine.must("mkdir /full; touch /full/file")
    configure_at(machine, "/full")
    said = machine.run("fettle apply")
    print(said.out)
    assert said.exit_code == 2, said.out
    assert "/etc/fettle/fettle.yaml:6:9  the cache cannot be mounted on '/full': it holds 'file'" in said.out, said.out
    assert machine.run("findmnt /full").exit_code != 0
    machine.must("test -e /full/file")


@scenario.step("an operator moves it to the top of the root, with a quota, without a boot")
def moved_by_hand(machine):
    configure_at(machine, "/data", "64 MiB")
    print(machine.must("fettle apply", 300))
    node.wait_ready(machine)
    is_at(machine, "/data")
    assert "prjquota" in machine.must("findmnt -no OPTIONS /data")
    assert machine.run("test -e /mnt/nvme").exit_code != 0


@scenario.step("the quota holds, is shown, and is set once")
def quota(machine):
    limited(machine)
    assert machine.run("dd if=/dev/zero of=/data/vllm/big bs=1M count=80 conv=fsync").exit_code != 0
    assert int(machine.must("stat -c %s /data/vllm/big")) <= 64 << 20
    machine.must("dd if=/dev/zero of=/data/beside bs=1M count=80 conv=fsync; rm /data/beside")
    print(machine.must("COLUMNS=140 fettle storage caches"))
    machine.must("systemctl restart fettled.service; fettle wait --for cache --timeout 60 || true")
    finding = [each for each in node.get(machine, "/v1/status")[1]["findings"] if each["id"] == "cache.quota"][0]
    assert finding["status"] == "warn" and "vllm has" in finding["says"], finding
    machine.must("rm /data/vllm/big; fettle apply")
    limited(machine)


def limited(machine):
    """One directory has the limit, its number does not change, and nothing was set anew after the first time."""
    number = machine.must("lsattr -pd /data/vllm").split()[0]
    assert remembered.setdefault("project", number) == number, number
    assert int(machine.must("stat -fc '%b %S' /data/vllm | { read -r blocks size; echo $((blocks * size)); }")) == 64 << 20
    assert int(machine.must("stat -fc '%b %S' /data/hf | { read -r blocks size; echo $((blocks * size)); }")) > 1 << 30


@scenario.step("after a boot both are as they were; a full mount unit is not left behind when the path goes back")
def back(machine):
    machine.reboot()
    node.wait_ready(machine)
    is_at(machine, "/data")
    limited(machine)
    machine.must(STOP.format(unit="data.mount"))
    node.configure(machine)
    print(machine.must("fettle apply", 300))
    is_at(machine, "/srv/fettle")
    assert machine.run("test -e /data").exit_code != 0
    assert machine.run("ls -A /run/systemd/generator | grep -i fettle").exit_code != 0


if __name__ == "__main__":
    scenario.main()
