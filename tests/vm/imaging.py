#!/usr/bin/env python3
"""From a configured node to the image of others: the Ansible role, `fettle seal`, and cloud-init on the second machine."""

import io
import json
import tarfile

import node
from scenario import Scenario

SHIPPED = node.TESTS.parent / "packaging"
PLAY = "ansible-playbook -i localhost, -c local /root/ansible/vm.yml"
VM_PLAY = """- hosts: all
  roles:
    - role: fettle
      vars:
        fettle_package: "{{ lookup('fileglob', '/opt/repository/fettle_*.deb') }}"
        fettle_configuration: {schema: 1, kind: configuration, profile: vm, shelves: [tiny]}
        fettle_profiles: [/root/vm.yaml]
        fettle_shelves: [/root/tiny.yaml]
        fettle_apply: true
"""

scenario = Scenario("imaging", image="imaging")
remembered = {}


def changed(output):
    """How many tasks changed something, by Ansible's own recap."""
    recap = output[output.index("PLAY RECAP") :]
    assert " failed=0 " in recap and " unreachable=0 " in recap, output
    return int(recap.split(" changed=")[1].split()[0])


@scenario.step("the Ansible role in check mode says what it would do, and does nothing")
def check_mode(machine):
    machine.boot()
    machine.wait_drives(8)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(SHIPPED / "imaging/ansible", "ansible")
    machine.put("/root/ansible.tar.gz", packed.getvalue())
    machine.must("tar -xzf /root/ansible.tar.gz -C /root; mkdir -p /usr/share/fettle/shelves")
    machine.put("/root/ansible/vm.yml", VM_PLAY.encode())
    machine.put("/root/vm.yaml", (node.TESTS / "vm/vm.yaml").read_bytes())
    machine.put("/root/tiny.yaml", (node.TESTS / "shelf/tiny.yaml").read_bytes())
    machine.put("/usr/share/fettle/shelves/tiny.tar.zst", (node.TESTS / "shelf/tiny.tar.zst").read_bytes())
    assert changed(machine.must(f"{PLAY} --check", timeout=900)) > 0
    assert machine.run("dpkg -s fettle").exit_code != 0
    assert machine.run("test -e /etc/fettle").exit_code != 0


@scenario.step("the role makes the blank node ready, and a second run changes nothing")
def role(machine):
    assert changed(machine.must(PLAY, timeout=1200)) > 0
    node.wait_ready(machine)
    assert changed(machine.must(PLAY, timeout=900)) == 0
    assert changed(machine.must(f"{PLAY} --check", timeout=900)) == 0
    remembered["machine"] = machine.must("cat /etc/machine-id")
    remembered["generation"] = node.generation(machine)


@scenario.step("a machine whose cache is mounted is not sealed")
def mounted(machine):
    said = machine.run("fettle seal 2>&1")
    assert said.exit_code == 2 and "mounted on '/srv/fettle'" in said.out, said.out
    assert machine.run("fettle seal --check").exit_code == 1
    machine.must("systemctl is-active fettled.service; test -s /var/lib/fettle/provision/storage.json")


@scenario.step("unmounted, it is sealed; what others keep of it is named until that is gone too")
def sealed(machine):
    machine.must("systemctl stop 'fettle-stage@*' fettle-cache.target srv-fettle.mount fettle-cache.service")
    machine.put("/etc/fettle/fettle.yaml", (SHIPPED / "fettle.yaml").read_bytes())
    print(machine.must("fettle seal"))
    reminders = {reminder["path"] for reminder in node.ask(machine, "seal --check")["reminders"]}
    assert "/etc/machine-id" in reminders, reminders
    machine.must("cloud-init clean --logs; rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret "
                 "/etc/ssh/ssh_host_*; truncate --size 0 /etc/machine-id")
    answer = node.ask(machine, "seal --check")
    assert (answer["sealed"], answer["reminders"]) == (True, []), answer
    assert machine.must("find /var/lib/fettle -type f") == ""
    machine.power_off()


def user_data():
    """The shipped user data, with the names of this rig."""
    text = (SHIPPED / "imaging/cloud-init.yaml").read_text()
    assert "profile: mi300x" in text and "[demo]" in text
    return text.replace("profile: mi300x", "profile: vm").replace("[demo]", "[tiny]")


@scenario.step("the second machine of this image, with drives of its own, gets its configuration from cloud-init and is ready")
def second(machine):
    for bay in range(1, 9):
        machine.drives.replace_blank(bay)
    machine.seed = node.cloud_seed(machine, user_data())
    machine.boot()
    machine.run("cloud-init status --wait", 300)
    node.wait_ready(machine)
    assert "profile: vm" in machine.must("cat /etc/fettle/fettle.yaml")
    assert machine.must("cat /etc/machine-id") not in ("", remembered["machine"])
    assert node.generation(machine) != remembered["generation"]
    record = json.loads(machine.must("cat /var/lib/fettle/provision/storage.json"))
    assert record["machine_id"] == machine.must("cat /etc/machine-id").strip(), record


if __name__ == "__main__":
    scenario.main()
