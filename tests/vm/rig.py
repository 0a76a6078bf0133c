"""The virtual node: one QEMU with an NVMe OS disk, NVMe data drives and a line to an agent inside.

    with Machine("example") as machine:
        machine.boot()
        print(machine.must("cat /proc/mdstat"))
        machine.power_off()

`suite image` builds what it boots from. Emulation only: a /dev/kvm that exists may still not work.
"""

import base64
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

from drives import GIB, Drive, Drives
from ports import Agent, Completed, Monitor, RigError

# Four times what an idle machine of two cores takes.
BOOT_SECONDS = 240
COMMAND_SECONDS = 120
SHUT_DOWN_SECONDS = 120
UNPLUG_SECONDS = 60
MONITOR_SECONDS = 60

QEMU = "qemu-system-x86_64"
IMAGE_FILES = ("disk.raw", "vmlinux", "cmdline")
FIRST_SLOT = 4
# What a transcript shows of a file put into the guest: its beginning.
SHORTENED = re.compile(r"^([A-Za-z0-9+/=]{60})[A-Za-z0-9+/=]+$", re.MULTILINE)


def work_folder() -> Path:
    """Where images and runs lie: $FETTLE_VM_DIR, else build/vm of the repository."""
    return Path(os.environ.get("FETTLE_VM_DIR") or Path(__file__).resolve().parents[2] / "build" / "vm").absolute()


def missing_prerequisites(image: str = "node") -> list:
    """One sentence for each thing this machine lacks; empty if the rig can run."""
    programs = {QEMU: "qemu-system-x86", "qemu-img": "qemu-utils", "setpriv": "util-linux"}
    missing = [
        f"no program {program} (package {package})" for program, package in programs.items() if not shutil.which(program)
    ]
    folder = work_folder() / "image" / image
    if not all((folder / name).exists() for name in IMAGE_FILES):
        missing.append(f"no image '{image}' (tests/vm/suite image --name {image} DEB...)")
    return missing


class CommandFailed(RigError):
    """A script that `must` succeed in the guest did not."""

    def __init__(self, script: str, completed: Completed):
        super().__init__(f"exit code {completed.exit_code} of: {script.strip()}\n{completed.out}")
        self.completed = completed


class Machine:
    """A machine that is off until `start` or `boot`; its disks live as long as its folder."""

    def __init__(
        self,
        name: str,
        image: str = "node",
        drives: int = 8,
        drive_size: int = 2 * GIB,
        processors: int = 1,
        memory_mib: int = 1024,
        log=lambda text: None,
    ):
        self.folder = work_folder() / "run" / name
        self.console = self.folder / "console.log"
        self.os_disk_first = True
        # A disk image to read from, as a cloud hands user data to a node; attached at the next start.
        self.seed: Path | None = None
        self._image = work_folder() / "image" / image
        self._processors = processors
        self._memory_mib = memory_mib
        self._log = log
        self._process = None
        self._monitor = None
        self._agent = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.drives = Drives(self.folder, drives, drive_size)
        self.reimage_os()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.power_cut()

    def reimage_os(self, image: str | None = None) -> None:
        """A fresh OS disk, as after reinstalling the node; the data drives stay as they are."""
        if image:
            self._image = self._image.parent / image
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
        command += ["-b", self._image / "disk.raw", self.folder / "os.qcow2"]
        subprocess.run(command, check=True)

    # Power

    def start(self) -> None:
        """Switches the machine on and returns at once."""
        if self.is_on():
            raise RigError("the machine is on already")
        monitor, monitor_far = socket.socketpair()
        agent, agent_far = socket.socketpair()
        fds = (monitor_far.fileno(), agent_far.fileno())
        with open(self.folder / "qemu.log", "ab") as log:
            # QEMU dies with this process, whatever ends it.
            command = ["setpriv", "--pdeathsig", "KILL", *self._qemu_command(*fds)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=fds
            )
        monitor_far.close()
        agent_far.close()
        self._monitor = Monitor(monitor)
        self._agent = Agent(agent)
        try:
            self._monitor.greet(MONITOR_SECONDS)
            self._monitor.execute("cont")
        except RigError as error:
            self.power_cut()
            raise RigError(f"{error}; QEMU said: {(self.folder / 'qemu.log').read_text()}") from error
        self._log("power on")

    def wait_agent(self, timeout: float = BOOT_SECONDS) -> None:
        """Waits for the agent of a new boot: early, long before the boot is over."""
        self._agent.wait_boot(timeout)

    def wait_up(self, timeout: float = BOOT_SECONDS) -> str:
        """Waits until a new boot is over; says how systemd finds it: running, degraded (a unit failed) or,
        after the timeout, still starting."""
        begin = time.monotonic()
        self.wait_agent(timeout)
        state = self.run("systemctl is-system-running --wait", timeout).out.strip() or "starting"
        self._log(f"up after {time.monotonic() - begin:.1f} s: {state}")
        return state

    def boot(self, timeout: float = BOOT_SECONDS) -> str:
        self.start()
        return self.wait_up(timeout)

    def reboot(self, timeout: float = BOOT_SECONDS) -> str:
        """An orderly restart from inside. It goes on in a new QEMU: a second boot in the same one takes twice as long."""
        self._shut_down("reboot", "guest-reset")
        return self.boot(timeout)

    def power_off(self) -> None:
        """An orderly shutdown from inside."""
        self._shut_down("poweroff", "guest-shutdown")

    def power_cut(self) -> None:
        """Off, now. What QEMU had taken for written is on the drives, nothing else."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = self._monitor = self._agent = None
        self._log("power is off")

    def is_on(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _shut_down(self, verb: str, reason: str) -> None:
        self._log(verb)
        self._agent.send(f"systemctl --no-block {verb}", COMMAND_SECONDS)
        self._monitor.wait_event("SHUTDOWN", SHUT_DOWN_SECONDS, reason=reason)
        self._process.wait(SHUT_DOWN_SECONDS)
        self.power_cut()

    # Scripts and files

    def run(self, script: str, timeout: float = COMMAND_SECONDS) -> Completed:
        """Runs a bash script as root in the guest; after the timeout the guest ends it with exit code 124."""
        if not self.is_on():
            raise RigError(f"the machine is off, it cannot run: {script}")
        self._log(f"$ {SHORTENED.sub(lambda found: found[1] + '…', script.strip())}")
        completed = self._agent.run(script, timeout)
        self._log(f"{completed.out}[exit code {completed.exit_code}, {completed.seconds:.1f} s]")
        return completed

    def must(self, script: str, timeout: float = COMMAND_SECONDS) -> str:
        """The output of a script that stops at its first failing command and has to succeed."""
        completed = self.run("set -euo pipefail\n" + script, timeout)
        if completed.exit_code != 0:
            raise CommandFailed(script, completed)
        return completed.out

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Writes a file in the guest; for small files, the port is slow."""
        where = shlex.quote(path)
        text = base64.b64encode(content).decode()
        self.must(f"base64 -d >{where} <<'END'\n{text}\nEND\nchmod {mode:o} {where}")

    def get(self, path: str) -> bytes:
        return base64.b64decode(self.must(f"base64 {shlex.quote(path)}"))

    def console_tail(self, lines: int = 40) -> str:
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    # Drives of a running machine

    def hot_unplug(self, bay: int) -> None:
        """Takes the drive out in the orderly way, as the PCI hot-plug controller asks for it."""
        drive = self.drives[bay]
        self._monitor.execute("device_del", id=drive.device)
        self._monitor.wait_event("DEVICE_DELETED", UNPLUG_SECONDS, device=drive.device)
        self._monitor.execute("blockdev-del", **{"node-name": drive.node})
        drive.present = False
        self._log(f"unplugged {drive.serial} from bay {bay}")

    def hot_plug(self, bay: int) -> None:
        """Puts the bay's drive in; the guest sees it some moments later."""
        drive = self.drives[bay]
        self._monitor.execute("blockdev-add", **drive.blockdev())
        self._monitor.execute("device_add", **drive.controller())
        drive.present = True
        self._log(f"plugged {drive.serial} into bay {bay}")

    def wait_drives(self, count: int, timeout: float = COMMAND_SECONDS) -> None:
        """Waits until the guest shows that many NVMe disks, the OS disk not counted, and udev is done with them."""
        self.must(
            f"until [ $(ls -d /sys/block/nvme*n* | grep -cv 'c[0-9]*n') -eq {count + 1} ]; do sleep 0.2; done\n"
            "udevadm settle",
            timeout,
        )

    # QEMU's command line

    def _qemu_command(self, monitor_fd: int, agent_fd: int) -> list:
        command = [QEMU, "-S", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"]
        # A reset ends QEMU: a guest that panics (panic=-1) is seen, it does not quietly boot again.
        command += ["-action", "reboot=shutdown"]
        command += ["-accel", f"tcg,thread={'multi' if self._processors > 1 else 'single'}"]
        # QEMU 7.2 emulates cmpxchg16b wrongly under load: the guest's allocator oopsed in two of nine boots.
        command += ["-cpu", "Nehalem" if _qemu_major() >= 10 else "Nehalem,-cx16"]
        command += ["-smp", str(self._processors), "-m", str(self._memory_mib)]
        command += ["-kernel", str(self._image / "vmlinux")]
        command += ["-append", (self._image / "cmdline").read_text().strip()]
        command += ["-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"]
        command += ["-chardev", f"socket,id=monitor,fd={monitor_fd}", "-mon", "chardev=monitor,mode=control"]
        command += ["-chardev", f"socket,id=agent,fd={agent_fd}", "-device", "virtio-serial-pci,addr=3"]
        command += ["-device", "virtserialport,chardev=agent,name=fettle.vm"]
        if self.seed:
            command += ["-drive", f"file={self.seed},if=none,id=seed,format=raw,readonly=on"]
            command += ["-device", "virtio-blk-pci,drive=seed,addr=2"]
            # cloud-init decides by this whether it runs at all, before the kernel has the module for that disk.
            command += ["-smbios", "type=1,serial=ds=nocloud"]
        for slot, (blockdev, controller) in enumerate(self._disks(), FIRST_SLOT):
            command += ["-blockdev", json.dumps(blockdev)]
            command += ["-device", json.dumps(controller | {"addr": f"{slot:x}"})]
        return command

    def _disks(self) -> list:
        """Block device and controller of every disk, in the order of their PCI slots."""
        file = {"driver": "file", "filename": str(self.folder / "os.qcow2")}
        blockdev = {"driver": "qcow2", "node-name": "os", "cache": {"no-flush": True}, "file": file}
        os_disk = [(blockdev, {"driver": "nvme", "id": "nvme-os", "serial": "FETTLEOS", "drive": "os"})]
        data = [(drive.blockdev(), drive.controller()) for drive in self.drives if drive.present]
        return os_disk + data if self.os_disk_first else data + os_disk


def _qemu_major() -> int:
    version = subprocess.run([QEMU, "--version"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"version (\d+)", version)[1])
