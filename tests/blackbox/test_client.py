"""Clients of the hub beside fettle: one of its own, really made by Python and pip from wheels that are made here; and npm's,
an independent reader of the cache."""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile

import node as nodes

CLIENT = '''import json, hf_xet
def main():
    print(json.dumps({"version": "1.33.0", "xet": hf_xet.NAME}))
'''


def wheel(folder, name, version, files, entry_points=""):
    """Writes one wheel; gives its line for a list with hashes."""
    info = f"{name}-{version}.dist-info"
    content = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
               f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    if entry_points:
        content[f"{info}/entry_points.txt"] = entry_points
    record = "".join(f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
                     f"{len(text)}\n" for path, text in content.items())
    content[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in content.items():
            archive.writestr(zipfile.ZipInfo(inner), text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def make_wheels(machine, client=CLIENT):
    folder = machine.path("/wheels")
    folder.mkdir(exist_ok=True)
    return (wheel(folder, "huggingface_hub", "1.33.0", {"huggingface_hub.py": client},
                  "[console_scripts]\nhf = huggingface_hub:main\n")
            + wheel(folder, "hf_xet", "1.6.0", {"hf_xet.py": 'NAME = "from the wheel"\n'}))


def test_client_from_wheels(machine):
    """a private client comes from a directory of wheels without a network, and one byte more in a wheel is refused"""
    if not importlib.util.find_spec("ensurepip"):
        raise nodes.Skip("this Python cannot make environments")
    machine.write("/usr/bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    machine.path("/usr/bin/python3").chmod(0o755)
    machine.write("/etc/fettle/client/requirements.txt", make_wheels(machine))
    install = ("shelf", "client", "install", "--wheelhouse", "/wheels")
    assert "2 packages" in machine.fettle(*install, "--dry-run")
    assert not machine.path("/opt/fettle/hf").exists()
    assert "installed the client" in machine.fettle(*install)
    shown = machine.fettle_json("shelf", "client", "show")
    assert shown == {"program": str(machine.path("/opt/fettle/hf/bin/hf")), "version": "1.33.0"}, shown
    assert "is installed" in machine.fettle(*install)

    # A list that is wanted and wheels that are not what it names: the client that was there stays.
    before = machine.path("/opt/fettle/hf").readlink()
    listed = make_wheels(machine, CLIENT + "# another one\n")
    machine.write("/etc/fettle/client/requirements.txt", listed)
    make_wheels(machine, CLIENT + "# neither\n")
    said = machine.fettle(*install, code=2)
    assert "what came is not what the list names" in said, said
    assert machine.path("/opt/fettle/hf").readlink() == before
    assert machine.fettle_json("shelf", "client", "show") == shown


def test_witness_reads_the_cache(machine):
    """an independent client finds in the cache what was staged, by commit, and has no complaint"""
    modules = nodes.TESTS.parent / "build/npm/node_modules"
    if not (modules / "@huggingface/hub").exists() or not shutil.which("node"):
        raise nodes.Skip(f"no @huggingface/hub in {modules}, or no node")
    machine.fettle("provision", "--cache")
    machine.fettle("stage", "tiny")
    shelf = machine.fettle_json("shelf", "list")
    done = subprocess.run(["node", nodes.TESTS / "hub/witness.mjs", modules, "-", "--scan", machine.path("/srv/fettle/hf/hub")],
                          capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    assert told["warnings"] == [], told
    ours = {one["id"]: [revision["commit"] for revision in one["revisions"]] for one in shelf["cache"]["repositories"]}
    assert len(ours) == 2 and {one["id"]: one["revisions"] for one in told["repositories"]} == ours, (told, ours)
