"""A test on the virtual node: named steps on one machine, in order, and a transcript of all that was said.

    scenario = Scenario("provision", image="node")

    @scenario.step("the cache is mounted after the first boot")
    def first_boot(machine):
        machine.boot()
        assert "xfs" in machine.must("findmnt -no FSTYPE /srv/fettle")

    if __name__ == "__main__":
        scenario.main()

A step fails by an exception, an assert or a RigError. Steps build on each other, so those after a failed one
are skipped by name. Exit code: 0 passed, 1 failed, 77 skipped because this machine cannot run the rig.
"""

import signal
import sys
import time
import traceback
from pathlib import Path

from ports import RigError
from rig import Machine, missing_prerequisites, work_folder

SKIPPED_EXIT_CODE = 77
FAILURE_LINES = 60


class Skip(Exception):
    """Raised by a step that cannot look here; its text says why."""


class Transcript:
    """Everything the machine was told and answered, in a file; remembers the present step's part."""

    def __init__(self, file: Path):
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = open(file, "w", buffering=1)
        self._begin = time.monotonic()
        self._step = []

    def begin_step(self, name: str) -> None:
        self._step = []
        self.say(f"== {name}")

    def say(self, text: str) -> None:
        entry = f"{time.monotonic() - self._begin:8.1f}  {text}"
        self._step.append(entry)
        print(entry, file=self._stream)

    def step_tail(self) -> str:
        return "\n".join("\n".join(self._step).splitlines()[-FAILURE_LINES:])


class Scenario:
    """Collects steps, then runs them on a machine made with the options given here."""

    def __init__(self, name: str, image: str = "node", **machine_options):
        self.name = name
        self._image = image
        self._machine_options = machine_options
        self._steps = []
        self._counts = {"passed": 0, "failed": 0, "skipped": 0}

    def step(self, sentence: str):
        def add(function):
            self._steps.append((sentence, function))
            return function

        return add

    def main(self) -> None:
        # So that the machine is switched off on the way out.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        missing = missing_prerequisites(self._image)
        if missing:
            for sentence in missing:
                print(f"missing  {self.name}: {sentence}")
            self._skip_all("the rig cannot run here")
            self._finish()
            sys.exit(SKIPPED_EXIT_CODE)
        transcript = Transcript(work_folder() / "transcript" / f"{self.name}.txt")
        machine = Machine(self.name, image=self._image, log=transcript.say, **self._machine_options)
        with machine:
            self._run_steps(machine, transcript)
        self._finish(f", transcript in {transcript.file}")
        sys.exit(1 if self._counts["failed"] else 0)

    def _run_steps(self, machine: Machine, transcript: Transcript) -> None:
        for number, (sentence, function) in enumerate(self._steps):
            transcript.begin_step(sentence)
            begin = time.monotonic()
            try:
                function(machine)
            except Skip as why:
                self._count("skipped", f"{sentence}: {why}")
            except Exception:  # whatever it is, the step has failed and the report must say so
                self._count("failed", sentence, begin)
                _print_failure(
                    {
                        "error": traceback.format_exc(),
                        "transcript of the step": transcript.step_tail(),
                        "guest": _ask_guest(machine),
                        "console": machine.console_tail(),
                    }
                )
                self._skip_all("an earlier step failed", after=number)
                return
            else:
                self._count("passed", sentence, begin)

    def _skip_all(self, why: str, after: int = -1) -> None:
        for sentence, _ in self._steps[after + 1 :]:
            self._count("skipped", f"{sentence}: {why}")

    def _count(self, verdict: str, text: str, begin: float | None = None) -> None:
        self._counts[verdict] += 1
        seconds = f"{time.monotonic() - begin:6.1f} s" if begin else " " * 8
        print(f"{verdict:7} {seconds}  {self.name}: {text}", flush=True)

    def _finish(self, where: str = "") -> None:
        print(", ".join(f"{count} {verdict}" for verdict, count in self._counts.items()) + where, flush=True)


def _ask_guest(machine: Machine) -> str:
    """What the guest itself has to say about a failure, if it still answers."""
    try:
        return machine.run("systemctl --failed --no-legend; journalctl --boot --no-pager --lines=60", 60).out
    except RigError as error:
        return str(error)


def _print_failure(parts: dict) -> None:
    for title, text in parts.items():
        print(f"--- {title}\n{text.rstrip()}")
    print("---", flush=True)
