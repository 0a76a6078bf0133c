"""What the scenarios ask of a virtual node that runs fettle."""

import json
import subprocess
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

# Longest time from power-on to ready; an idle machine of two cores needs a fifth of it.
READY_SECONDS = 300

CONFIGURATION = """schema: 1
kind: configuration
profile: vm
shelves: [tiny]
"""


def configure(machine):
    """Gives the node its configuration, the profile of QEMU's drives, and the shelf that ships with the tests."""
    machine.must("mkdir -p /etc/fettle/profiles/shelves /usr/share/fettle/shelves")
    machine.put("/etc/fettle/fettle.yaml", CONFIGURATION.encode())
    machine.put("/etc/fettle/profiles/vm.yaml", (TESTS / "vm/vm.yaml").read_bytes())
    machine.put("/etc/fettle/profiles/shelves/tiny.yaml", (TESTS / "shelf/tiny.yaml").read_bytes())
    machine.put("/usr/share/fettle/shelves/tiny.tar.zst", (TESTS / "shelf/tiny.tar.zst").read_bytes())


def wait_ready(machine):
    machine.must(f"fettle wait --for ready --timeout {READY_SECONDS} || {{ fettle status; fettle storage show; "
                 "journalctl --no-pager -u 'fettle*' -u srv-fettle.mount | tail -n 60; exit 1; }", READY_SECONDS + 60)


def ask(machine, command, code=0):
    """A fettle command's JSON answer; the exit code must be `code`."""
    completed = machine.run(f"fettle {command} --json")
    assert completed.exit_code == code, f"fettle {command} ended with {completed.exit_code}: {completed.out}"
    return json.loads(completed.out)


def get(machine, path):
    """(HTTP code, JSON body) of a request on the status socket, by the curl that an operator would use."""
    answer = machine.must(f"curl -s -w '\\n%{{http_code}}' --unix-socket /run/fettle/status.sock http://fettle{path}")
    body, _, code = answer.rstrip().rpartition("\n")
    return int(code), json.loads(body)


def writes(machine):
    """How many sectors were written to each data drive since power-on, by serial number."""
    text = machine.must(
        "for disk in /sys/block/nvme*n1; do\n"
        '  read -r serial <$disk/device/serial; read -r _ _ _ _ _ _ sectors _ <$disk/stat\n'
        '  case $serial in FETTLEOS) ;; *) echo "$serial $sectors" ;; esac\n'
        "done"
    )
    return dict(line.split() for line in text.splitlines())


def array_uuid(machine):
    detail = machine.must("mdadm --detail --export $(readlink -f /run/fettle/cache)")
    return dict(line.split("=", 1) for line in detail.splitlines())["MD_UUID"]


def generation(machine):
    return json.loads(machine.must("cat /srv/fettle/.fettle-generation.json"))["id"]


def partition_table(machine):
    """The OS disk's own partition table and the content of its partition that nobody mounts.

    Without the disk's name, which a boot may change.
    """
    disk = machine.must("lsblk -dnpo NAME,SERIAL | sed -n 's/ *FETTLEOS$//p'").strip()
    return machine.must(f"sfdisk --dump {disk} | sed 's|{disk}||; /^device/d'; sha256sum <{disk}p2")


def cloud_seed(machine, user_data):
    """A disk with this user data, as cloud-init's NoCloud wants it."""
    files = {"user-data": user_data, "meta-data": "instance-id: second\n", "network-config": "version: 2\nethernets: {}\n"}
    image = machine.folder / "seed.img"
    image.write_bytes(bytes(1 << 20))
    subprocess.run(["/usr/sbin/mkfs.vfat", "-n", "CIDATA", image], check=True, stdout=subprocess.DEVNULL)
    for name, content in files.items():
        subprocess.run(["mcopy", "-i", image, "-", f"::{name}"], input=content, text=True, check=True)
    return image
