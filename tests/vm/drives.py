"""The NVMe drives of the virtual node: sparse raw files with serial numbers, one for each bay."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30
MIB = 1 << 20
HASH_BLOCK = 64 << 10


@dataclass
class Drive:
    """What sits in a bay. Change it only while the machine is off or the drive is unplugged."""

    bay: int
    serial: str
    file: Path
    size: int
    block_size: int = 512
    # Entries of QEMU's blkdebug "inject-error", e.g. {"event": "none", "iotype": "read", "errno": 5, "sector": 0}.
    faults: list = field(default_factory=list)
    present: bool = True

    @property
    def node(self) -> str:
        return f"bay{self.bay}"

    @property
    def device(self) -> str:
        return f"nvme-bay{self.bay}"

    def blockdev(self) -> dict:
        """QEMU's description of the file. No flush: it only costs time, a killed QEMU loses nothing of it."""
        file = {"driver": "file", "filename": str(self.file), "discard": "unmap"}
        if self.faults:
            file = {"driver": "blkdebug", "image": file, "inject-error": self.faults}
        return {"driver": "raw", "node-name": self.node, "discard": "unmap", "cache": {"no-flush": True}, "file": file}

    def controller(self) -> dict:
        """QEMU's description of the NVMe controller in front of it."""
        return {
            "driver": "nvme",
            "id": self.device,
            "serial": self.serial,
            "drive": self.node,
            "logical_block_size": self.block_size,
            "physical_block_size": self.block_size,
        }

    def blank(self) -> None:
        """The same drive with nothing on it, as after a deallocation."""
        with open(self.file, "wb") as file:
            file.truncate(self.size)

    def fingerprint(self) -> str:
        """Changes if, and only if, a byte of the drive does; reads only what the file holds."""
        digest = hashlib.sha256(str(self.size).encode())
        with open(self.file, "rb") as file:
            for offset in _blocks_with_data(file.fileno(), self.size):
                content = os.pread(file.fileno(), HASH_BLOCK, offset)
                if content.strip(b"\0"):
                    digest.update(f"{offset}:".encode() + content)
        return digest.hexdigest()


def _blocks_with_data(descriptor: int, size: int):
    """Offsets of the blocks that lie at least partly in a data extent of a sparse file."""
    offset = 0
    while offset < size:
        try:
            data = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        offset = data - data % HASH_BLOCK
        end = os.lseek(descriptor, data, os.SEEK_HOLE)
        while offset < end:
            yield offset
            offset += HASH_BLOCK


class Drives:
    """The bays, counted from 1 as the serial numbers are: FETTLE0001 comes in bay 1."""

    def __init__(self, folder: Path, count: int = 8, size: int = 2 * GIB):
        self._folder = folder
        self._size = size
        self._made = 0
        self._bays = {}
        for bay in range(1, count + 1):
            self._bays[bay] = self._new(bay)
        # The order on the PCI bus, hence of the kernel's nvme numbers. Change it between two starts.
        self.order = list(self._bays)

    def __getitem__(self, bay: int) -> Drive:
        return self._bays[bay]

    def __iter__(self):
        return (self._bays[bay] for bay in self.order)

    def __len__(self) -> int:
        return len(self._bays)

    def replace_blank(self, bay: int, serial: str | None = None, size: int | None = None) -> Drive:
        """Another drive in this bay: blank, its serial number one that never was here unless one is given."""
        self._bays[bay].file.unlink()
        self._bays[bay] = self._new(bay, serial, size)
        return self._bays[bay]

    def blank_all(self) -> None:
        for drive in self:
            drive.blank()

    def fingerprints(self) -> dict:
        return {drive.bay: drive.fingerprint() for drive in self}

    def _new(self, bay: int, serial: str | None = None, size: int | None = None) -> Drive:
        self._made += 1
        serial = serial or f"FETTLE{self._made:04}"
        drive = Drive(bay, serial, self._folder / f"bay{bay}.raw", size or self._size)
        drive.blank()
        return drive
