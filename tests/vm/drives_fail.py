#!/usr/bin/env python3
"""Drives that fail, change hands or hold other people's data, several faults to a boot: never a byte where it must not be."""

import json
import subprocess
import time

import node
from scenario import Scenario

scenario = Scenario("drives-fail", image="installed")
remembered = {}


def leave_blank_drives_to_the_operator(machine):
    text = (node.TESTS / "vm/vm.yaml").read_text()
    assert "    count: 8\n" in text
    machine.put("/etc/fettle/profiles/vm.yaml", text.replace("count: 8\n", "count: 8\n    on_all_blank: report\n").encode())


def name_of(machine, serial):
    return machine.must(f"lsblk -dnpo NAME,SERIAL | sed -n 's/ *{serial}$//p'").strip()


def refused(machine, verdict, *words):
    """The plan is refused with this verdict and these words; no sector is written to any drive."""
    before = node.writes(machine)
    shown = node.ask(machine, "storage plan", code=2)
    assert shown["verdict"] == verdict, shown["verdict"] + ": " + shown["says"]
    page = json.dumps(shown)
    for word in words:
        assert word in page, f"'{word}' is not said: {page}"
    assert machine.run("fettle provision --boot").exit_code == 2
    assert node.writes(machine) == before


def consent(machine, verb):
    """What an operator does: the dry run, then the command line that it prints."""
    page = machine.must(f"fettle storage {verb}")
    command = page.rstrip().splitlines()[-1].strip()
    assert command.startswith(f"fettle storage {verb} --drive "), page
    return command


@scenario.step("drives that others used: XFS, swap, LVM, md, LUKS, two signatures (F05, F06, F09), each is named")
def foreign(machine):
    machine.boot()
    node.configure(machine)
    machine.must("systemctl stop 'fettle*'; rm -rf /var/lib/fettle/provision/*")
    machine.power_off()
    machine.drives.blank_all()
    files = {drive.bay: drive.file for drive in machine.drives}
    subprocess.run(["mkfs.xfs", "-q", "-L", "precious", files[1]], check=True)
    subprocess.run(["mkswap", "-q", files[2]], check=True, stdout=subprocess.DEVNULL)
    put(files[3], 512, lvm_label())
    put(files[4], 0, b"LUKS\xba\xbe\0\1" + bytes(160) + b"11111111-2222-4333-8444-555555555555")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", files[5]], check=True)
    put(files[5], 0, head(files[1]))  # an XFS over an older ext4
    before = machine.drives.fingerprints()
    machine.boot()
    refused(machine, "foreign", "FETTLE0001", "xfs 'precious'", "FETTLE0002", "swap", "FETTLE0003", "LVM2_member",
            "FETTLE0004", "crypto_LUKS", "FETTLE0005", "more than one signature")
    print(machine.run("fettle storage show").out)
    machine.power_off()
    assert machine.drives.fingerprints() == before


def head(file):
    with open(file, "rb") as stream:
        return stream.read(512)


def put(file, offset, content):
    with open(file, "r+b") as stream:
        stream.seek(offset)
        stream.write(content)


def lvm_label():
    """The second sector of an LVM physical volume: its label with the checksum that LVM and libblkid demand."""
    body = (20 + 12).to_bytes(4, "little") + b"LVM2 001" + b"0" * 32
    body += (2 << 30).to_bytes(8, "little") + bytes(512 - 20 - len(body) + 4 - 8)
    body = body[: 512 - 20]
    return b"LABELONE" + (1).to_bytes(8, "little") + lvm_crc(body).to_bytes(4, "little") + body


def lvm_crc(data):
    crc = 0xF597A6CF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


@scenario.step("blank drives that somebody uses are busy: loop device (F13), open file (F14); unequal sizes (F17)")
def busy(machine):
    machine.drives.blank_all()
    machine.drives.replace_blank(8, size=3 << 30)
    machine.boot()
    leave_blank_drives_to_the_operator(machine)
    machine.wait_drives(8)
    machine.must("systemctl stop 'fettle*'")
    assert machine.run("fettle storage plan").exit_code == 2
    drive = name_of(machine, "FETTLE0001")
    machine.must(f"modprobe loop; losetup --find {drive}")
    refused(machine, "foreign", "FETTLE0001", "lies on it")
    machine.must("losetup --detach-all")
    machine.must(f"systemd-run --quiet --unit=holder sh -c 'exec 3<>{drive}; exec sleep 600'; sleep 1")
    refused(machine, "foreign", "FETTLE0001", "(sleep) has it open")
    machine.must("systemctl stop holder")
    completed = machine.run("fettle storage apply")  # not even for an operator
    assert completed.exit_code == 2 and "unequal size" in completed.out, completed.out
    machine.power_off()
    machine.drives.replace_blank(8)


@scenario.step("a read-only drive fails the create, and what mdadm left is taken away again (F25)")
def read_only(machine):
    machine.boot()
    machine.wait_drives(8)
    refused(machine, "all_blank", "on_all_blank: report")
    drive = name_of(machine, machine.drives[5].serial)
    machine.must(f"blockdev --setro {drive}")
    completed = machine.run(consent(machine, "apply"))
    assert completed.exit_code == 2, completed.out
    assert machine.must("udevadm settle; cat /proc/mdstat").count("md1") == 0
    shown = node.ask(machine, "storage show")  # the operator's intent is open: with the drive mended it goes on
    assert shown["verdict"] == "resume", shown
    assert {drive["role"] for drive in shown["drives"] if drive["serial"] != "FETTLEOS"} == {"blank"}, shown
    machine.must(f"blockdev --setrw {drive}")


@scenario.step("an operator applies the plan by its hash; a drive plugged in again makes the plan void (F29)")
def apply(machine):
    command = consent(machine, "apply")
    machine.hot_unplug(6)
    machine.wait_drives(7)
    machine.hot_plug(6)
    machine.wait_drives(8)
    completed = machine.run(command)
    assert completed.exit_code == 2 and "something changed since it was shown" in completed.out, completed.out
    machine.must(consent(machine, "apply"))
    machine.must("fettle apply", timeout=300)
    node.wait_ready(machine)
    remembered["uuid"] = node.array_uuid(machine)
    machine.must("echo precious >/srv/fettle/file; sync -f /srv/fettle")


@scenario.step("a cache in use is not released, whatever the operator says")
def in_use(machine):
    completed = machine.run("fettle storage release")
    assert completed.exit_code == 2 and "systemctl stop srv-fettle.mount" in completed.out, completed.out


@scenario.step("after a change of the hostname it is the same array (F19)")
def hostname(machine):
    machine.must("echo another-name >/etc/hostname")
    machine.reboot()
    node.wait_ready(machine)
    assert machine.must("hostname").strip() == "another-name"
    assert node.array_uuid(machine) == remembered["uuid"]
    assert machine.must("cat /srv/fettle/file") == "precious\n"


@scenario.step("a drive is pulled while the cache is written to (F21): the node answers, and says failed")
def pulled_under_load(machine):
    machine.must("systemd-run --quiet --unit=load sh -c "
                 "'while dd if=/dev/zero of=/srv/fettle/load bs=1M count=64 conv=fsync; do :; done'; sleep 2")
    machine.hot_unplug(4)
    until = time.monotonic() + 90
    while True:
        code, health = node.get(machine, "/v1/health")
        if code == 503 and health["state"] == "failed":
            break
        assert time.monotonic() < until, health
        time.sleep(2)
    shown = node.ask(machine, "storage show", code=2)
    assert shown["verdict"] in ("dead", "incomplete"), shown
    machine.power_cut()


@scenario.step("with the drive back after a reboot the files are there; pulled while idle it is missed (F22)")
def pulled_idle(machine):
    machine.drives[4].present = True
    machine.boot()
    node.wait_ready(machine)
    assert machine.must("cat /srv/fettle/file") == "precious\n"
    machine.must("systemctl stop 'fettle-stage@*' fettle-cache.target srv-fettle.mount fettle-cache.service")
    machine.hot_unplug(4)
    machine.wait_drives(7)
    refused(machine, "incomplete", machine.drives[4].serial)
    machine.power_off()


@scenario.step("one drive replaced by a blank one (F24): nothing is written until the operator recreates the cache")
def replaced(machine):
    old = machine.drives[4].serial
    machine.drives.replace_blank(4)
    before = machine.drives.fingerprints()
    machine.boot()
    refused(machine, "some_replaced", machine.drives[4].serial, old, "fettle storage recreate")
    assert machine.drives.fingerprints() == before
    machine.must(consent(machine, "recreate"), timeout=300)
    machine.must("fettle apply", timeout=300)
    node.wait_ready(machine)
    assert node.array_uuid(machine) != remembered["uuid"]
    assert machine.run("test -e /srv/fettle/file").exit_code != 0


@scenario.step("release leaves eight blank drives")
def release(machine):
    machine.must("systemctl stop 'fettle-stage@*' fettle-cache.target srv-fettle.mount fettle-cache.service")
    machine.must(consent(machine, "release"), timeout=300)
    machine.must("udevadm settle")
    shown = node.ask(machine, "storage show", code=2)  # the profile says on_all_blank: report
    assert shown["verdict"] == "all_blank", shown
    assert {drive["role"] for drive in shown["drives"] if drive["serial"] != "FETTLEOS"} == {"blank"}, shown
    print(machine.must("fettle storage history"))


if __name__ == "__main__":
    scenario.main()
