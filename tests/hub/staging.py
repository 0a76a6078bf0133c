"""A node of plain files that stages one shelf from a fake hub with a real client, for the trial and the bench."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import time

import tiny_content

TOP = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
REPOSITORY = "fettle-test/trial"

# What fettle gives the client on a node with less than 256 GiB of memory (daemon/shelf/client.cpp).
SETTINGS = {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_XET_TELEMETRY_ENABLED": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_ETAG_TIMEOUT": "30", "HF_HUB_DOWNLOAD_TIMEOUT": "30",
            "HF_XET_CLIENT_READ_TIMEOUT": "60s", "HF_XET_HIGH_PERFORMANCE": "0",
            "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_SIZE": "1gb",
            "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_PERFILE_SIZE": "256mb",
            "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_LIMIT": "2gb", "HF_HUB_USER_AGENT_ORIGIN": "fettle", "NO_COLOR": "1",
            "HF_HUB_DISABLE_SHARED_BLOBS": "1", "HF_HUB_DISABLE_XET": "0"}


def make_content(folder, sizes):
    """One repository: small files, and one of weights for each size in bytes. Gives path: content."""
    files = {"README.md": b"# trial\n", "config.json": b'{"model_type": "llama"}\n',
             "tokenizer/tokenizer.json": random.Random("tokenizer").randbytes(20_000)}
    files |= {f"model-{number:05}-of-{len(sizes):05}.safetensors": tiny_content.weights(f"trial/{number}", size)
              for number, size in enumerate(sizes, 1)}
    for path, content in files.items():
        target = pathlib.Path(folder) / "content" / REPOSITORY / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return files


class Node:
    def __init__(self, folder, hub, fettle, client, repositories=(REPOSITORY,)):
        self.root, self.hub, self.fettle, self.client = pathlib.Path(folder) / "node", hub, fettle, client
        self.repositories = repositories
        self.home = self.root / "srv/fettle/hf"
        self.clean()

    def clean(self):
        """The node as it was before anything was staged."""
        shutil.rmtree(self.root, ignore_errors=True)
        for place in ("etc/fettle/profiles/shelves", "usr/share/fettle", "proc"):
            (self.root / place).mkdir(parents=True)
        self.home.mkdir(parents=True)
        shutil.copytree(TOP / "profiles", self.root / "usr/share/fettle/profiles")
        (self.root / "proc/meminfo").write_text("MemTotal: 67108864 kB\n")
        (self.root / "etc/fettle/fettle.yaml").write_text(
            "schema: 1\nkind: configuration\nprofile: workstation\ncache: {path: /srv/fettle}\nshelves: [trial]\n")
        (self.root / "etc/fettle/profiles/shelves/trial.yaml").write_text(
            f"schema: 1\nkind: shelf\nname: trial\nwhy: a trial\nsource: hub\nendpoint: {self.hub.endpoint}\n"
            "repositories:\n" + "".join(f"  - {{id: {name}, revision: {self.hub.revisions[name]}}}\n" for name in self.repositories))

    def command(self, *words):
        return [str(self.fettle), "--root", str(self.root), *words]

    def stage(self, *more, seconds=600):
        """`fettle stage` to its end: (exit code, all that it said, seconds)."""
        begin = time.monotonic()
        done = subprocess.run(self.command("stage", "trial", "--client", str(self.client), *more), capture_output=True,
                              text=True, timeout=seconds, check=False)
        return done.returncode, (done.stdout + done.stderr).strip(), time.monotonic() - begin

    def start(self, *more):
        return subprocess.Popen(self.command("stage", "trial", "--client", str(self.client), *more),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    @property
    def repository(self):
        return self.folder_of(REPOSITORY)

    def folder_of(self, name):
        return self.home / "hub" / ("models--" + name.replace("/", "--"))

    def snapshot(self, name=REPOSITORY):
        return self.folder_of(name) / "snapshots" / self.hub.revisions[name]

    def wrong_files(self, files):
        return [path for name in self.repositories for path, content in files.items()
                if not (self.snapshot(name) / path).exists() or (self.snapshot(name) / path).read_bytes() != content]

    def unfinished(self):
        return [path.name for path in self.repository.glob("blobs/*.incomplete")]

    def is_published(self):
        return (self.repository / "refs/main").exists()

    def events(self):
        with contextlib.closing(sqlite3.connect(self.root / "var/lib/fettle/stage/shelves.db")) as store:
            return [says for (says,) in store.execute("SELECT says FROM events ORDER BY id")]


def environment(node, **more):
    """The client's, as fettle sets it, but for a home of its own."""
    return {"PATH": os.environ["PATH"], "HF_HOME": str(node.home), "HF_XET_CACHE": str(node.home / "xet"),
            "HF_TOKEN_PATH": str(node.root / "no-token"), "HF_ENDPOINT": node.hub.endpoint, **SETTINGS, **more}


def download(node, seconds=600, **more):
    """Bare `hf download`: (exit code, all that it said, seconds)."""
    begin = time.monotonic()
    done = subprocess.run([node.client, "download", REPOSITORY, "--revision", node.hub.revisions[REPOSITORY], "--format",
                           "json"], env=environment(node, **more), capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, (done.stdout + done.stderr).strip(), time.monotonic() - begin


def about(client):
    """What the client and its half for xet call themselves: ("1.33.0", "1.8.0" or "")."""
    version = json.loads(subprocess.run([client, "version", "--format", "json"], capture_output=True, text=True, check=True)
                         .stdout)["version"]
    told = subprocess.run([client, "env"], capture_output=True, text=True, check=False).stdout
    xet = next((line.split(":")[1].strip() for line in told.splitlines() if "hf_xet" in line and ":" in line), "N/A")
    return version, "" if xet == "N/A" else xet
