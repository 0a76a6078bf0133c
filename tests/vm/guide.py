#!/usr/bin/env python3
"""Section 8 of docs/guide.md, "The whole way, once", taken word for word: every command of it, in its order, and what it says that is seen.

A text in quotes behind a command has to be in what the command prints. RIG has what is another here, because a virtual node has
drives of QEMU, no network and no docker.
"""

import re

import node
from prometheus import firing, query, wait_for
from scenario import Scenario

GUIDE = (node.TESTS.parent / "docs/guide.md").read_text(encoding="utf-8")
RIG = [("./fettle_0.1.0_amd64.deb", "--yes ./fettle_*.deb"), ("profile: auto", "profile: vm"), ("demo", "tiny"),
       ("systemctl stop docker", "true")]
JUDGES = ("fettle check",)  # judges: its exit code is the verdict on this machine, which has no GPU
MINUTES = 60

scenario = Scenario("guide", image="guide", memory_mib=2048)


def blocks():
    """The indented lines of each numbered step."""
    text = GUIDE[GUIDE.index("\n## 8. ") : GUIDE.index("\n## 9. ")]
    parts = re.split(r"^\*\*(\d)\. ", text, flags=re.MULTILINE)[1:]
    return {int(number): [line[4:] for line in part.splitlines() if line.startswith("    ")]
            for number, part in zip(parts[::2], parts[1::2])}


def for_rig(text):
    for guide, here in RIG:
        text = text.replace(guide, here)
    return text


def commands(number):
    """(command, what has to be seen) of a step; lines of user data are none."""
    lines = blocks()[number]
    if "#cloud-config" in lines:
        end = next(at for at, line in enumerate(lines) if "[fettle, apply]" in line)
        lines = lines[end + 1 :]
    for line in lines:
        command, _, comment = re.sub(r"\s{2,}# ", "\0", line, count=1).partition("\0")
        if command.strip() and not command.lstrip().startswith("#"):
            yield for_rig(command.strip()), re.findall(r'"([^"]+)"', comment)


def walk(machine, number):
    """Runs the commands of a step; gives what they printed."""
    said = []
    for command, wanted in commands(number):
        done = machine.run(f"cd /opt/repository && {command} 2>&1", 15 * MINUTES)
        print(f"# {command}\n{done.out.rstrip()[-600:]}")
        assert done.exit_code == 0 or command.startswith(JUDGES), f"{command} ended with {done.exit_code}:\n{done.out}"
        for text in wanted:
            assert text in done.out, f"{command} should say {text!r}:\n{done.out}"
        said.append(done.out)
    return said


@scenario.step("1. the package on a blank machine")
def package(machine):
    assert sorted(blocks()) == list(range(1, 9))
    machine.boot()
    machine.wait_drives(8)
    before = node.writes(machine)
    walk(machine, 1)
    assert node.writes(machine) == before


@scenario.step("2. what it should be")
def configuration(machine):
    machine.must("mkdir -p /etc/fettle/profiles/shelves /usr/share/fettle/shelves")
    machine.put("/etc/fettle/profiles/vm.yaml", (node.TESTS / "vm/vm.yaml").read_bytes())
    machine.put("/etc/fettle/profiles/shelves/tiny.yaml", (node.TESTS / "shelf/tiny.yaml").read_bytes())
    machine.put("/usr/share/fettle/shelves/tiny.tar.zst", (node.TESTS / "shelf/tiny.tar.zst").read_bytes())
    walk(machine, 2)


@scenario.step("3. ready")
def ready(machine):
    walk(machine, 3)


@scenario.step("4. the image")
def image(machine):
    walk(machine, 4)
    # "then do what it leaves to you": the reminders, in their own words.
    machine.must("cloud-init clean --logs; rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret "
                 "/etc/ssh/ssh_host_*; truncate --size 0 /etc/machine-id")
    answer = node.ask(machine, "seal --check")
    assert (answer["sealed"], answer["reminders"]) == (True, []), answer
    machine.power_off()


@scenario.step("5. the second node")
def second(machine):
    lines = blocks()[5]
    end = next(at for at, line in enumerate(lines) if "[fettle, apply]" in line)
    for bay in range(1, 9):
        machine.drives.replace_blank(bay)
    machine.seed = node.cloud_seed(machine, "\n".join(lines[lines.index("#cloud-config") : end + 1]) + "\n")
    machine.boot()
    machine.run("cloud-init status --wait", 300)
    walk(machine, 5)
    assert "/etc/fettle/conf.d/50-site.yaml:3" in machine.must("fettle profile show --origin")


@scenario.step("6. the shelf")
def shelf(machine):
    said = walk(machine, 6)
    assert "USD" in said[-1], said[-1]  # the price of the fragment


@scenario.step("7. the figures")
def figures(machine):
    walk(machine, 7)
    # "on the Prometheus, once": here on the node itself, from the examples of the package.
    machine.must("cp /usr/share/doc/fettle/examples/monitoring/fettle.rules.yaml /etc/prometheus/ && "
                 "cp /usr/share/doc/fettle/examples/monitoring/prometheus.yaml /etc/prometheus/prometheus.yml && "
                 "mkdir -p /root/fleet && fettle status --json >/root/fleet/virtual-node.json; "
                 "fettle inventory /root/fleet --as file-sd >/etc/prometheus/fettle.targets.json && "
                 "promtool check config /etc/prometheus/prometheus.yml && "
                 "systemctl restart cron prometheus-node-exporter prometheus && "
                 "for n in $(seq 60); do curl -sf http://127.0.0.1:9090/-/ready && exit 0; sleep 2; done; exit 1", 5 * MINUTES)

    def look():
        seen = query(machine, 'fettle_state{state="ready"}')
        return seen, [value for _, value in seen] == [1]

    wait_for("Prometheus has the node as ready", look, 10 * MINUTES)


@scenario.step("8. an alert, and its end")
def alert(machine):
    stop, *start = list(commands(8))
    [sockets] = re.findall(r"sockets too: (systemctl stop [^\n]+)", "\n".join(blocks()[8]))
    machine.must(f"{sockets}; {stop[0]}")
    wait_for("FettleDaemonDown fires", lambda: (firing(machine), "FettleDaemonDown" in firing(machine)), 15 * MINUTES)
    for command, _ in start:
        machine.must(command)
    wait_for("the alert ends", lambda: (firing(machine), "FettleDaemonDown" not in firing(machine)), 10 * MINUTES)
    node.wait_ready(machine)


if __name__ == "__main__":
    scenario.main()
