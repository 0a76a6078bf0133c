#!/usr/bin/env python3
"""recipes.py DEB: the recipes of packaging/imaging, run for real against chroots: mmdebstrap's, and Packer's provisioners over SSH.

Needs root, a Debian mirror, mmdebstrap, packer and ssh-keygen. Ends with `N passed, N failed, N skipped`.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
IMAGING = TOP / "packaging/imaging"
SUITE = os.environ.get("FETTLE_VM_RELEASE", "trixie")
CONFIGURATION = "schema: 1\nkind: configuration\nprofile: mi300x\n"
PORT = 2922
# The same build, only that the machine is one that is there: Packer's word for it is null.
SOURCE = """source "null" "node" {{
  ssh_host             = "127.0.0.1"
  ssh_port             = {port}
  ssh_username         = "root"
  ssh_private_key_file = "{key}"
}}
"""


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    return done.stdout


def check_sealed(root):
    """Nothing of one machine, and nothing that was probed, lies in the tree; the service is there to start."""
    run("chroot", root, "fettle", "seal", "--check")
    assert (root / "etc/fettle/fettle.yaml").read_text() == CONFIGURATION
    machine = root / "etc/machine-id"
    assert not machine.exists() or machine.read_text().strip() in ("", "uninitialized"), machine.read_text()
    for folder in ("run/fettle", "var/lib/fettle/provision", "var/lib/fettle/daemon"):
        left = [path for path in (root / folder).rglob("*") if path.is_file()] if (root / folder).exists() else []
        assert not left, left
    assert (root / "etc/systemd/system/multi-user.target.wants/fettled.service").is_symlink()


def mmdebstrap(folder, deb):
    """packaging/imaging/rootfs makes a sealed root file system"""
    out = folder / "root.tar"
    run(IMAGING / "rootfs", SUITE, deb, folder / "fettle.yaml", out)
    root = folder / "unpacked"
    root.mkdir()
    run("tar", "-xf", out, "-C", root)
    check_sealed(root)


def refused(folder, deb):
    """... and none with a configuration that has mistakes, whose place is told"""
    (folder / "wrong.yaml").write_text(CONFIGURATION.replace("profile: mi300x", "profile: nonesuch"))
    done = subprocess.run([IMAGING / "rootfs", SUITE, deb, folder / "wrong.yaml", folder / "wrong.tar"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode != 0, "made"
    assert re.search(r"fettle\.yaml:3:\d+ .*nonesuch", done.stdout), done.stdout[-2000:]


@contextlib.contextmanager
def machine(folder):
    """A chroot that answers SSH on loopback, as a machine that Packer started would."""
    root = folder / "machine"
    run("mmdebstrap", "--variant=apt", "--include=systemd-sysv,udev,ca-certificates,cloud-init,openssh-server,openssh-sftp-server", SUITE, root)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(folder / "key.pub", root / "root/.ssh/authorized_keys")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "run/sshd").mkdir(parents=True, exist_ok=True)
    mounts = [("proc", "proc"), ("devpts", "dev/pts")]
    for kind, where in mounts:
        (root / where).mkdir(parents=True, exist_ok=True)
        run("mount", "-t", kind, kind, root / where)
    server = subprocess.Popen(["chroot", root, "/usr/sbin/sshd", "-D", "-e", "-p", str(PORT), "-o", "ListenAddress=127.0.0.1",
                               "-o", "PermitRootLogin=prohibit-password", "-o", "UsePAM=no"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        assert server.poll() is None, "sshd did not start"
        yield root
    finally:
        server.terminate()
        server.wait()
        for _, where in reversed(mounts):
            subprocess.run(["umount", "--lazy", root / where], check=False)


def packer(folder, deb):
    """the build of packaging/imaging/fettle.pkr.hcl: installed, configured, checked, sealed"""
    text = (IMAGING / "fettle.pkr.hcl").read_text()
    source = re.search(r'^source "qemu" "node" \{.*?^\}\n', text, re.MULTILINE | re.DOTALL)
    assert source and text.count("source.qemu.node") == 1
    text = text.replace(source.group(0), SOURCE.format(port=PORT, key=folder / "key")).replace("source.qemu.node", "source.null.node")
    (folder / "packer").mkdir()
    template = folder / "packer/fettle.pkr.hcl"
    template.write_text(text)
    with machine(folder) as root:
        print(run("packer", "build", "-var", "base=none", "-var", f"package={deb}", "-var", f"configuration={folder / 'fettle.yaml'}", template,
                  env={**os.environ, "CHECKPOINT_DISABLE": "1", "PACKER_CONFIG_DIR": str(folder)})[-600:])
        check_sealed(root)
        assert not list((root / "etc/ssh").glob("ssh_host_*"))


def main():
    deb = pathlib.Path(sys.argv[1]).resolve()
    missing = [name for name in ("mmdebstrap", "packer", "ssh-keygen") if not shutil.which(name)]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="fettle-recipes-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "fettle.yaml").write_text(CONFIGURATION)
        for case in (mmdebstrap, refused, packer):
            if missing or os.geteuid() != 0:
                counts["skipped"] += 1
                print(f"skipped  {case.__doc__}: {'needs root' if not missing else 'missing: ' + ', '.join(missing)}")
                continue
            begin = time.monotonic()
            try:
                case(folder, deb)
                end = "passed"
            except AssertionError as error:
                end = "failed"
                print(error)
            counts[end] += 1
            print(f"{end}  {time.monotonic() - begin:5.0f} s  {case.__doc__}", flush=True)
    print(", ".join(f"{count} {end}" for end, count in counts.items()))
    return 1 if counts["failed"] else 0


sys.exit(main())
