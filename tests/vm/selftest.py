#!/usr/bin/env python3
"""Shows that the rig itself works: drives, reboot, power cut, hot plug, broken drives. Nothing of fettle in it."""

from ports import RigError
from rig import Machine
from scenario import Scenario

scenario = Scenario("selftest")

CREATE_ARRAY = """
mdadm --create /dev/md/selftest --level=0 --chunk=512 --homehost=any --name=selftest --raid-devices=8 \
    $(lsblk -dnpo NAME,SERIAL --sort SERIAL | sed -n 's/ *FETTLE[0-9]*$//p') </dev/null
udevadm settle
mkfs.xfs -q -K -L selftest /dev/md/selftest
mount -o noatime /dev/md/selftest /mnt
"""
MOUNT_ARRAY = "udevadm settle; mount -o noatime LABEL=selftest /mnt"


def serials(machine: Machine) -> list:
    return sorted(machine.must("lsblk -dno SERIAL").split())


@scenario.step("eight blank drives and the OS disk are there after a boot")
def first_boot(machine):
    assert machine.boot() == "running"
    machine.wait_drives(8)
    assert serials(machine) == [f"FETTLE000{bay}" for bay in range(1, 9)] + ["FETTLEOS"]
    assert machine.must("findmnt -no SOURCE /; blkid /dev/nvme[1-8]n1 || true").split() == ["/dev/nvme0n1p1"]


@scenario.step("a script's exit code, output and time limit come back")
def scripts(machine):
    completed = machine.run("echo out; echo err >&2; exit 3")
    assert (completed.exit_code, completed.out) == (3, "out\nerr\n")
    assert machine.run("sleep 60", timeout=2).exit_code == 124
    content = bytes(range(256)) * 40
    machine.put("/root/some file", content, 0o600)
    assert machine.get("/root/some file") == content
    assert machine.must("stat -c %a '/root/some file'") == "600\n"


@scenario.step("RAID-0 over the eight drives with XFS takes a file")
def create(machine):
    machine.must(CREATE_ARRAY)
    machine.must("head -c 50M /dev/urandom >/mnt/file; sha256sum /mnt/file >/root/file.sha256; sync")


@scenario.step("after a reboot the array is assembled and the file is the same")
def reboot(machine):
    assert machine.reboot() == "running"
    machine.must(MOUNT_ARRAY + "; sha256sum --check /root/file.sha256")


@scenario.step("after a power cut, with the drives in other slots, what was synced is there")
def power_cut(machine):
    machine.must("echo synced >/mnt/synced; sync; echo not synced >/mnt/lost")
    machine.power_cut()
    machine.drives.order.reverse()
    machine.os_disk_first = False
    machine.boot()
    assert machine.must("cat /sys/block/nvme0n1/device/serial").strip() == "FETTLE0008"
    assert machine.must(MOUNT_ARRAY + "; cat /mnt/synced") == "synced\n"
    machine.must("sha256sum --check /root/file.sha256")


@scenario.step("an unplugged drive is gone, and writing finds the array broken")
def unplug(machine):
    machine.hot_unplug(3)
    machine.wait_drives(7)
    assert "FETTLE0003" not in serials(machine)
    assert machine.run("head -c 40M /dev/urandom >/mnt/more && sync -f /mnt", timeout=60).exit_code != 0
    assert machine.must("cat /sys/block/md*/md/array_state") == "broken\n"


@scenario.step("a replacement with 4 KiB blocks and an unreadable sector comes in")
def replace(machine):
    drive = machine.drives.replace_blank(3)
    drive.block_size = 4096
    drive.faults = [{"event": "none", "iotype": "read", "errno": 5, "sector": 8192}]
    machine.hot_plug(3)
    machine.wait_drives(8)
    name = machine.must("lsblk -dnpo NAME,SERIAL | sed -n 's/ *FETTLE0009$//p'").strip()
    assert machine.must(f"blockdev --getss {name}") == "4096\n"
    assert machine.run(f"dd if={name} of=/dev/null bs=64K count=1 iflag=direct").exit_code == 0
    completed = machine.run(f"dd if={name} of=/dev/null bs=64K count=1 skip=64 iflag=direct")
    # The kernel's word for a medium error is ENODATA, not EIO.
    assert completed.exit_code == 1 and "No data available" in completed.out


@scenario.step("power off works with a broken array, and only the replacement is blank")
def power_off(machine):
    machine.power_off()
    assert not machine.is_on()
    prints = machine.drives.fingerprints()
    assert len(set(prints.values())) == 8
    blank = machine.drives.replace_blank(3)
    assert blank.serial == "FETTLE0010" and blank.fingerprint() == prints[3]


@scenario.step("asking a machine that is off is an error of the rig")
def asking_when_off(machine):
    try:
        machine.run("true")
    except RigError as error:
        assert "is off" in str(error)
    else:
        raise AssertionError("a machine that is off answered")


if __name__ == "__main__":
    scenario.main()
