"""What monitoring sees of a node: the file for node_exporter, and the plugin of Nagios."""

import re
import subprocess

import node as support

PAGE = "/var/lib/node-exporter/fettle.prom"


def nrpe_commands():
    """Name and command line of each line that the README gives to NRPE."""
    text = (support.TESTS.parent / "packaging/monitoring/README.md").read_text(encoding="utf-8")
    return re.findall(r"command\[(\w+)\]=/usr/bin/fettle (.*)", text)


def run_commands(node):
    """As NRPE runs them, by a shell, with nothing of the error stream: exit code and first line, by name."""
    ends = {}
    for name, words in nrpe_commands():
        done = subprocess.run(f"'{support.BINARIES}/fettle' --root '{node.root}' {words}", shell=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=support.DEADLINE, check=False)
        assert done.stdout.strip(), f"{name} prints nothing"
        ends[name] = (done.returncode, done.stdout.splitlines()[0])
    return ends


def test_textfile(node):
    """monitoring: a node whose daemon ends leaves no page behind that says it is ready"""
    node.fettle("provision", "--cache")
    node.path(PAGE).parent.mkdir(parents=True)
    daemon = node.start_daemon()
    node.fettle("metrics", "--textfile", PAGE)
    page = node.path(PAGE).read_text(encoding="utf-8")
    assert "\nfettle_up 1\n" in page and "\nfettle_gpus_seen 8\n" in page, page
    daemon.terminate()
    daemon.wait(timeout=support.DEADLINE)
    assert "hint" in node.fettle("metrics", "--textfile", PAGE, code=69)
    page = node.path(PAGE).read_text(encoding="utf-8")
    assert "\nfettle_up 0\n" in page and "fettle_gpus_seen" not in page, page


def test_nrpe(node):
    """monitoring: the commands for NRPE say on one line how it stands, and end as a plugin does"""
    assert len(nrpe_commands()) == 3, nrpe_commands()
    node.fettle("provision", "--cache")
    node.collect()
    node.fettle("stage", "tiny")
    node.start_daemon()
    node.fettle("wait", "--for", "ready", "--timeout", "30")
    for name, (code, line) in run_commands(node).items():
        assert code in (0, 1) and re.match("FETTLE (OK|WARNING) - .*\\| fail=0 |ready ", line), (name, code, line)


def test_nrpe_blind(node):
    """monitoring: without configuration and daemon each command for NRPE says why it is unknown"""
    node.path("/etc/fettle/fettle.yaml").unlink()
    for name, (code, line) in run_commands(node).items():
        assert code == 3 and ("FETTLE UNKNOWN - " in line or "cannot" in line), (name, code, line)
