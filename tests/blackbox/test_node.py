"""The main job on a captured node in directory mode."""

import json
import stat
import subprocess

import node as support


def make_ready(node):
    node.fettle("provision", "--cache")
    node.fettle("stage", "tiny")
    return node.start_daemon()


def test_ready(node):
    """node: provision, stage, daemon: the node answers ready"""
    make_ready(node)
    node.fettle("wait", "--for", "ready", "--timeout", "30")
    code, health = node.get_json("/v1/health")
    assert code == 200 and health["state"] == "ready", health
    status = node.fettle_json("status")
    assert status["state"] == "ready", status
    assert "ready" in node.fettle("status")


def test_curl(node):
    """node: curl --unix-socket gets status, metrics and a helpful 404"""
    make_ready(node)
    def curl(path):
        return subprocess.run(["curl", "--silent", "--unix-socket", node.path("/run/fettle/status.sock"),
                               "http://fettle" + path], capture_output=True, text=True, timeout=support.DEADLINE,
                              check=True).stdout
    assert json.loads(curl("/v1/status"))["api"] == 1
    assert "fettle_" in curl("/metrics")
    assert "/v1/status" in curl("/v1/none")


def test_ledger_and_events(node):
    """node: the ledger and the events outlive the daemon, and the price is counted"""
    node.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    node.write("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
    node.write("/proc/uptime", "3600.00 1.00\n")
    with node.path("/etc/fettle/fettle.yaml").open("a", encoding="utf-8") as configuration:
        configuration.write('price: {per_hour: "31.2", currency: USD}\n')
    daemon = make_ready(node)
    node.fettle("wait", "--for", "ready", "--timeout", "30")
    node.wait_until(lambda: '"ready"' in json.dumps(node.fettle_json("ledger")), "the ledger")
    ledger = node.fettle_json("ledger")
    stages = {stage["name"]: stage for stage in ledger["boot"]["stages"]}
    assert {"cache", "gpus", "shelf.tiny", "ready"} <= set(stages), stages
    assert 3590 <= stages["ready"]["seconds"] <= 3700 and stages["ready"]["cost_thousandths"] >= 31000, stages
    assert "31." in node.fettle("ledger") and "USD" in node.fettle("ledger")
    told = node.fettle("events")
    assert "node  ready" in told, told
    daemon.terminate()
    daemon.wait(timeout=support.DEADLINE)
    node.start_daemon()
    node.wait_until(lambda: told.splitlines()[0] in node.fettle("events"), "the events of before")
    assert node.fettle_json("ledger")["boot"]["stages"] == ledger["boot"]["stages"]


def test_plan_and_apply(node):
    """node: apply does what plan says, and what is left is the shelf"""
    plan = node.fettle_json("plan")
    assert not plan["empty"] and "make the directory '/srv/fettle/hf'" in plan["steps"], plan
    node.fettle("apply")
    assert node.fettle_json("plan")["steps"] == ["stage the shelf 'tiny'"]
    node.fettle("stage", "tiny")
    assert node.fettle_json("plan")["empty"]
    assert "nothing to do" in node.fettle("plan")


def test_second_run(node):
    """node: a second provisioning changes nothing"""
    node.fettle("provision", "--cache")
    def state():
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
                for top in ("srv", "run/fettle/env") for path in node.path(top).rglob("*")}
    before = state()
    assert before
    node.fettle("provision", "--cache")
    assert state() == before


def test_not_ready_without_shelf(node):
    """node: without its shelf the node is not ready, and says what is missing"""
    node.fettle("provision", "--cache")
    node.start_daemon()
    code, health = node.get_json("/v1/health")
    assert health["state"] != "ready", health
    said = node.fettle("wait", "--for", "shelf=tiny", "--timeout", "1", code=75)
    assert "tiny" in said, said


def test_environment(node):
    """node: the environment reaches a shell and a container file alike"""
    node.fettle("provision", "--cache")
    shell = node.path("/run/fettle/env/fettle.sh")
    home = subprocess.run(["/bin/sh", "-c", f". '{shell}' && printf %s \"$HF_HOME\""], capture_output=True, text=True,
                          check=True, env={}).stdout
    assert home == "/srv/fettle/hf", home
    assert "HF_HOME=/srv/fettle/hf\n" in node.path("/run/fettle/env/container.env").read_text()
    assert "HF_HOME" in node.fettle("env", "explain", "HF_HOME")


def test_drift(node):
    """node: an engine that somebody started by hand lacks what the profile wants; its workers hide their environment."""
    server, worker = 70001, 70002
    for pid, parent, command, variables in ((server, 1, "python3\0vllm\0serve\0", "PATH=/bin\0HF_TOKEN=hf_secret\0HF_HOME=/root/hf\0"),
                                            (worker, server, "VLLM::Worker_TP0", "\0" * 64)):
        node.write(f"proc/{pid}/comm", command.split("\0", maxsplit=1)[0][:15] + "\n")
        node.write(f"proc/{pid}/cmdline", command)
        node.write(f"proc/{pid}/status", f"PPid:\t{parent}\n")
        node.write(f"proc/{pid}/cgroup", "0::/system.slice/docker-01.scope\n")
        node.write(f"proc/{pid}/environ", variables)
    node.path(f"sys/class/kfd/kfd/proc/{worker}").mkdir(parents=True)
    node.collect()
    kept = node.path("run/fettle/collect/gpu-programs.json").read_text(encoding="utf-8")
    assert "/root/hf" in kept and "hf_secret" not in kept
    node.start_daemon()
    [drift] = [each for each in node.get_json("/v1/health")[1]["findings"] if each["id"] == "env.drift"]
    assert drift["status"] == "warn", drift
    assert drift["says"].startswith(f"vllm (pid {server}): HF_HOME is not as the profile wants; "), drift
    assert "VLLM_ROCM_USE_AITER" not in node.fettle("check", "--explain", "env.drift")
    node.fettle("env", "diff", "--pid", str(worker), code=3)
    node.fettle("env", "diff", "--pid", str(server), code=1)


def test_reload_keeps_last_good(node):
    """node: a running daemon keeps its last good configuration and says so"""
    daemon = make_ready(node)
    node.write("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: mi300x\nshelvs: [tiny]\n")
    node.tell(daemon)
    node.wait_until(lambda: "fettle.yaml:4:1" in node.get("/v1/status")[1], "the complaint in the status")
    code, status = node.get_json("/v1/status")
    assert [shelf["name"] for shelf in status["shelves"]] == ["tiny"], status
    node.write("/etc/fettle/fettle.yaml", (support.TESTS / "node/fettle.yaml").read_text())
    node.tell(daemon)
    node.wait_until(lambda: "fettle.yaml:4:1" not in node.get("/v1/status")[1], "the complaint to go")


def test_bad_configuration_at_start(node):
    """node: a bad configuration at start is exit code 78 with the complaint"""
    node.write("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: 7x!\n")
    done = subprocess.run([support.BINARIES / "fettled", "--root", node.root], capture_output=True, text=True,
                          timeout=support.DEADLINE, check=False)
    assert done.returncode == 78 and "fettle.yaml:3" in done.stderr, (done.returncode, done.stderr)


def test_corrupt_shelf(node):
    """node: a flipped byte in a staged file is found"""
    node.fettle("provision", "--cache")
    node.fettle("stage", "tiny")
    blobs = [path for path in node.path("/srv/fettle/hf").rglob("blobs/*") if path.is_file()]
    assert blobs
    victim = max(blobs, key=lambda path: path.stat().st_size)
    victim.chmod(victim.stat().st_mode | stat.S_IWUSR)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    assert victim.name in node.fettle("shelf", "verify", "tiny", code=2)


def test_unreachable_daemon(node):
    """node: without a daemon, status is unknown and wait cannot reach it"""
    assert "hint" in node.fettle("status", code=3)
    node.fettle("wait", "--for", "ready", "--timeout", "1", code=69)


def test_stop(node):
    """node: SIGTERM ends the daemon cleanly"""
    daemon = node.start_daemon()
    daemon.terminate()
    assert daemon.wait(timeout=support.DEADLINE) == 0
