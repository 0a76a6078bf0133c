"""The two lines into a running QEMU: its monitor (QMP) and the agent inside the guest."""

import base64
import json
import socket
import time
from dataclasses import dataclass


class RigError(Exception):
    """The rig, not the code under test, did not do what was asked."""


@dataclass(frozen=True)
class Completed:
    """What a script in the guest came to; 124 is the exit code of one that ran past its limit."""

    exit_code: int
    out: str
    seconds: float


class LinePort:
    """Lines over a stream socket, each wait with a deadline."""

    def __init__(self, name, stream: socket.socket):
        self.name = name
        self._stream = stream
        self._pending = b""

    def send_line(self, line: str, deadline: float) -> None:
        try:
            self._stream.settimeout(_left(deadline))
            self._stream.sendall(line.encode() + b"\n")
        except OSError as error:
            raise RigError(f"cannot write to {self.name}: {error}") from error

    def read_line(self, deadline: float) -> str:
        while b"\n" not in self._pending:
            try:
                self._stream.settimeout(_left(deadline))
                part = self._stream.recv(1 << 16)
            except TimeoutError as error:
                raise RigError(f"no answer from {self.name} within its time limit") from error
            except OSError as error:
                raise RigError(f"cannot read from {self.name}: {error}") from error
            if not part:
                raise RigError(f"{self.name} is gone: QEMU has ended")
            self._pending += part
        line, self._pending = self._pending.split(b"\n", 1)
        return line.decode(errors="replace")


def _left(deadline: float) -> float:
    """Seconds until the deadline, never 0, which would mean a socket that does not wait."""
    return max(deadline - time.monotonic(), 0.001)


class Monitor:
    """QEMU's monitor: commands, and the events that come between their answers."""

    def __init__(self, stream: socket.socket):
        self._port = LinePort("QEMU's monitor", stream)
        self._events = []

    def greet(self, timeout: float) -> None:
        self._read(time.monotonic() + timeout, "QMP")
        self.execute("qmp_capabilities", timeout=timeout)

    def execute(self, command: str, timeout: float = 60, **arguments):
        deadline = time.monotonic() + timeout
        self._port.send_line(json.dumps({"execute": command, "arguments": arguments}), deadline)
        answer = self._read(deadline, "return", "error")
        if "error" in answer:
            raise RigError(f"QEMU refused {command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def wait_event(self, name: str, timeout: float, **data) -> None:
        """Waits for an event of that name whose data has these values; a seen event counts once."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self._events:
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    self._events.remove(event)
                    return
            self._events.append(self._read(deadline, "event"))

    def _read(self, deadline: float, *wanted: str) -> dict:
        while True:
            message = json.loads(self._port.read_line(deadline))
            if any(key in message for key in wanted):
                return message
            self._events.append(message)


class Agent:
    """Runs scripts in the guest through the service in agent/, which describes the two kinds of lines."""

    # Beyond the script's own limit: the guest's timeout gives it 5 s to end, the answer has to come back.
    GRACE_SECONDS = 60

    def __init__(self, stream: socket.socket):
        self._port = LinePort("the guest's agent", stream)
        self._number = 0
        self.boot_id = ""

    def wait_boot(self, timeout: float) -> None:
        """Waits until the agent of another boot than the last known one says that it is up."""
        deadline = time.monotonic() + timeout
        while not self._is_new_boot(self._port.read_line(deadline)):
            pass

    def send(self, script: str, timeout: float) -> None:
        """Starts a script whose answer nobody waits for: the next boot, or the end of QEMU, is the answer."""
        self._number += 1
        text = base64.b64encode(script.encode()).decode()
        deadline = time.monotonic() + self.GRACE_SECONDS
        self._port.send_line(f"run {self._number} {timeout:.0f} {text}", deadline)

    def run(self, script: str, timeout: float) -> Completed:
        begin = time.monotonic()
        deadline = begin + timeout + self.GRACE_SECONDS
        self.send(script, timeout)
        while True:
            line = self._port.read_line(deadline)
            if self._is_new_boot(line):
                raise RigError("the guest restarted while a script was running in it")
            match line.split(" "):
                case ["done", number, exit_code, out] if number == str(self._number):
                    output = base64.b64decode(out).decode(errors="replace")
                    return Completed(int(exit_code), output, time.monotonic() - begin)

    def _is_new_boot(self, line: str) -> bool:
        verb, _, boot_id = line.partition(" ")
        if verb != "up" or boot_id == self.boot_id:
            return False
        self.boot_id = boot_id
        return True
