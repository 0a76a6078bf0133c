"""Hub: the fake hub as a child, for the programs in Python; ends with its `with`."""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Hub:
    """`folder` takes its content (OWNER/NAME/files below content/), faults and log."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.faults([])
        self.log = self.folder / "log"
        self.log.touch()
        self.process = subprocess.Popen(
            [sys.executable, HERE / "fake_hub.py", "--content", self.folder / "content", "--lifetime", "7200", "--faults",
             self.folder / "faults.json", "--log", self.log, *options], stdout=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        self.endpoint, self.revisions = told["endpoint"], told["revisions"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def faults(self, rules):
        """See fake_hub.py; replaced in one step, because the hub may be reading it."""
        new = self.folder / "faults.new"
        new.write_text(json.dumps(rules))
        new.rename(self.folder / "faults.json")

    def lines(self, word):
        return [line for line in self.log.read_text().splitlines() if word in line]

    def requests(self, word):
        return len(self.lines(word))

    def sent(self, word):
        """How many bytes of content went out, of pages whose address has this word."""
        return sum(int(line.split()[2]) for line in self.lines("SENT ") if word in line)

    def forget(self):
        self.log.write_text("")
