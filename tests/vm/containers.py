#!/usr/bin/env python3
"""Real container engines on a node: docker on the cache, images by digest from a real registry, compiled code out of an image,
and the lines of `fettle run-line` as docker, docker compose, systemd and podman take them."""

import io
import json
import re
import tarfile
import time

import node
from scenario import Scenario

scenario = Scenario("containers", image="containers", memory_mib=3072)
remembered = {}

REPOSITORY = "localhost:5000/vllm/vllm-openai-rocm"
IMAGE = REPOSITORY + ":v0.11.0"
MODEL = "zai-org/GLM-4.6"
# Debian's own asks for a password that nobody has.
REGISTRY = """version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: ":5000"}
"""
ON_THE_CACHE = """consumers: [docker]
places:
  - {path: /var/lib/docker, cache: docker}
"""
DOCKER_CACHE = """  - name: docker
    mode: "0710"
    why: the data of docker
"""
# The captured node, beside the real one: it has the GPUs, and its cache is a directory.
CAPTURED = "/srv/fettle/captured"
CAPTURED_CONFIGURATION = "schema: 1\nkind: configuration\nprofile: mi300x\ncache:\n  path: /srv/fettle\n"

# Stands for the engine: writes down how it was started, then answers as vLLM does.
ENGINE = r"""#!/usr/bin/python3
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

devices = [path for path in ("/dev/kfd", "/dev/dri/renderD128") if os.path.exists(path)]
told = {"arguments": sys.argv[1:], "environment": dict(os.environ), "groups": os.getgroups(), "devices": devices,
        "cache": sorted(os.listdir("/srv/fettle"))}

def ended(*_):
    os._exit(143)

signal.signal(signal.SIGTERM, ended)

class Engine(BaseHTTPRequestHandler):
    def do_GET(self):
        text = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

HTTPServer(("0.0.0.0", 8000), Engine).serve_forever()
"""

# An image with Python, the engine, ROCm's version and what AITER brings; out of the node's own files.
MAKE_ROOT = r"""set -e
root=/srv/fettle/root
rm -rf $root; mkdir -p $root/usr/bin $root/usr/lib/x86_64-linux-gnu $root/usr/lib64 $root/etc $root/opt/rocm/.info $root/tmp
ln -s usr/bin $root/bin; ln -s usr/lib $root/lib; ln -s usr/lib64 $root/lib64
version=$(readlink /usr/bin/python3)
cp -a /usr/bin/python3 /usr/bin/$version $root/usr/bin/
cp -aL /usr/bin/sh /usr/bin/sleep /usr/bin/env $root/usr/bin/
for library in $(ldd /usr/bin/$version /usr/bin/sleep /usr/bin/sh | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u); do
  cp -L $library $root/usr/lib/x86_64-linux-gnu/
done
cp -L /lib64/ld-linux-x86-64.so.2 $root/usr/lib64/
cp -a /usr/lib/$version $root/usr/lib/
printf 'root:x:0:0:root:/root:/bin/sh\n' >$root/etc/passwd
printf 'root:x:0:\nvideo:x:44:\n' >$root/etc/group
echo 7.0.2-56 >$root/opt/rocm/.info/version
aiter=$root/usr/lib/$version/aiter
mkdir -p $aiter/jit/build/module_norm
echo 'raise SystemExit("importing this looks for GPUs")' >$aiter/__init__.py
head -c 300000 /dev/urandom >$aiter/jit/module_norm.so
echo object >$aiter/jit/build/module_norm/a.o
: >$aiter/jit/build/lock_module_norm
ln -s module_norm.so $aiter/jit/module_same.so
"""


def captured_tree():
    """The captured eight-GPU node with the profiles of this source tree, as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(node.TESTS / "nodes/baremetal-spx", arcname=".")
        tar.add(node.TESTS.parent / "profiles", arcname="usr/share/fettle/profiles")
        for path, text in (("etc/fettle/fettle.yaml", CAPTURED_CONFIGURATION), ("usr/bin/docker", "")):
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def captured(machine, command, code=0):
    done = machine.run(f"fettle --root {CAPTURED} {command}", timeout=300)
    assert done.exit_code == code, f"fettle {command} ended with {done.exit_code}: {done.out}"
    return done.out


def run_line(machine, form="docker"):
    return captured(machine, f"run-line {MODEL} --engine vllm=0.11.0 --image {IMAGE} --tp 8 --format {form}")


def started_as(machine):
    """How the engine says that it was started, once it answers."""
    machine.must("for n in $(seq 60); do curl -fsS -o /tmp/told http://127.0.0.1:8000/ && exit 0; sleep 2; done; exit 1", timeout=300)
    return json.loads(machine.get("/tmp/told"))


def check_start(machine, told):
    assert told["arguments"][:2] == ["serve", MODEL] and told["arguments"][2:4] == ["--tensor-parallel-size", "8"], told["arguments"]
    environment = told["environment"]
    assert environment["VLLM_ROCM_USE_AITER"] == "1" and environment["VLLM_ROCM_USE_AITER_MOE"] == "0", environment
    assert environment["HF_HOME"] == "/srv/fettle/hf" and environment["PYTORCH_TUNABLEOP_FILENAME"].endswith("_%d.csv"), environment
    assert told["devices"] == ["/dev/kfd", "/dev/dri/renderD128"], told["devices"]
    assert "hf" in told["cache"], told["cache"]


def aiter_place(machine):
    """What `fettle jit list` says of the one place of an image."""
    place, = [each for each in json.loads(captured(machine, "jit list --json"))["caches"] if each["cache"] == "aiter"]
    return place


def image_list(*images):
    rows = "".join(f'  - {{image: {name}, tag: {tag}, digest: "{digest}", why: an engine}}\n' for name, tag, digest in images)
    return f"schema: 1\nkind: images\nname: engines\nwhy: what this node serves with\nimages:\n{rows}"


def want_images(machine, *images):
    machine.must("mkdir -p /etc/fettle/profiles/images")
    machine.put("/etc/fettle/profiles/images/engines.yaml", image_list(*images).encode())
    machine.put("/etc/fettle/conf.d/images.yaml", b"schema: 1\nkind: configuration\nimages: [engines]\n")
    machine.must("fettle profile check && systemctl reload fettled")


def states(machine, code):
    told = node.ask(machine, "images list", code=code)
    return [image["state"] for each in told["images"] for image in each["images"]], json.dumps(told)


@scenario.step("docker keeps its data on the cache, starts after it, and the rest of the node does not wait")
def docker_on_the_cache(machine):
    machine.boot()
    node.configure(machine)
    machine.must("systemctl stop docker.socket docker containerd docker-registry podman.socket; rm -rf /var/lib/docker; mkdir -m 0710 /var/lib/docker; mkdir -p /etc/fettle/conf.d",
                 timeout=300)
    machine.put("/etc/fettle/profiles/vm.yaml", (node.TESTS / "vm/vm.yaml").read_text().replace("environment:\n", DOCKER_CACHE + "environment:\n").encode())
    machine.put("/etc/fettle/conf.d/docker.yaml", ("schema: 1\nkind: configuration\n" + ON_THE_CACHE).encode())
    machine.must("fettle profile check; systemctl restart fettled; fettle apply", timeout=400)
    node.wait_ready(machine)
    machine.must("systemctl enable docker docker-registry", timeout=120)
    machine.reboot()
    node.wait_ready(machine)
    machine.must("for n in $(seq 60); do docker version >/dev/null 2>&1 && exit 0; sleep 3; done; exit 1", timeout=400)
    assert machine.must("findmnt -no SOURCE,FSTYPE --target /var/lib/docker").split()[-1] == "xfs"
    assert "xfs" in machine.must("docker info --format '{{.Driver}} {{.DriverStatus}}'", timeout=120)

    def moment(unit, which="ActiveEnterTimestampMonotonic"):
        return int(machine.must(f"systemctl show --value -p {which} {unit}")) / 1e6
    mounted, begun = moment("srv-fettle.mount"), moment("docker.service", "ExecMainStartTimestampMonotonic")
    ssh = moment("ssh.service", "ExecMainStartTimestampMonotonic")
    assert begun > mounted, (begun, mounted)
    before = machine.must("systemctl list-dependencies --after --all --plain ssh.service")
    waited_for = {line.split()[0] for line in before.splitlines() if line.split()} & {
        "srv-fettle.mount", "fettle-provision.service", "fettle-cache.target", "fettle-gpu.target", "fettled.service", "docker.service"}
    assert not waited_for, waited_for
    print(f"after the kernel's start: sshd {ssh:.1f} s, cache {mounted:.1f} s, dockerd begins {begun:.1f} s")


@scenario.step("an image of a real registry, wanted by digest: pulled, checked, tagged; it is here, and a second look pulls nothing")
def by_digest(machine):
    machine.must(MAKE_ROOT, timeout=300)
    machine.put("/srv/fettle/root/usr/bin/vllm", ENGINE.encode(), 0o755)
    machine.put("/etc/docker/registry/config.yml", REGISTRY.encode())
    machine.must("systemctl restart docker-registry; for n in $(seq 30); do curl -fsS http://localhost:5000/v2/ && exit 0; sleep 2; done; exit 1", timeout=200)
    machine.must(f"tar -C /srv/fettle/root -c . | docker import - {IMAGE} && docker push {IMAGE} && rm -r /srv/fettle/root", timeout=600)
    digest = json.loads(machine.must(f"docker image inspect {IMAGE}"))[0]["RepoDigests"][0].split("@")[1]
    machine.must(f"docker image rm {IMAGE}; docker image prune -f", timeout=200)
    want_images(machine, (REPOSITORY, "v0.11.0", digest))
    assert states(machine, 1)[0] == ["wanted"]
    machine.must("systemctl start fettle-images.service", timeout=600)
    assert states(machine, 0)[0] == ["ready"]
    machine.must(f"docker image inspect {IMAGE}")
    node.wait_ready(machine)
    assert re.search(r"engines\s.*ready", machine.must("fettle status")), machine.must("fettle status")
    asked = "journalctl -o cat -u docker-registry | grep -c http.request"
    before = int(machine.must(asked))
    machine.must("fettle images pull", timeout=300)
    assert before > 0 and int(machine.must(asked)) == before, "the registry was asked for what is here"
    remembered["digest"] = digest


@scenario.step("a digest that the registry does not have, and a registry that is away: failed, with what to do; the others stay")
def refusals(machine):
    good = (REPOSITORY, "v0.11.0", remembered["digest"])
    want_images(machine, good, (REPOSITORY, "v9", "sha256:" + "1" * 64))
    machine.run("fettle images pull", timeout=300)
    seen, text = states(machine, 2)
    assert seen == ["ready", "failed"], text
    print(machine.run("fettle images list").out)
    machine.must("systemctl stop docker-registry")
    machine.run("fettle images pull", timeout=300)
    seen, text = states(machine, 2)
    assert seen == ["ready", "failed"] and "is the registry reachable" in text, text
    machine.must("systemctl start docker-registry")
    want_images(machine, good)
    machine.must("fettle images pull", timeout=300)


@scenario.step("compiled code comes out of the real image once; in use while a container has it, and locks nobody holds are found")
def compiled(machine):
    machine.must(f"mkdir -p {CAPTURED}")
    machine.put("/tmp/captured.tar.gz", captured_tree())
    machine.must(f"tar -xzf /tmp/captured.tar.gz -C {CAPTURED} --no-same-owner && mkdir -p {CAPTURED}/srv {CAPTURED}/run/fettle {CAPTURED}/var/lib/fettle", timeout=120)
    captured(machine, "provision --cache")
    print(captured(machine, f"jit seed {IMAGE}"))
    assert "already" in captured(machine, f"jit seed {IMAGE}", code=2)
    place = aiter_place(machine)
    assert place["files"] == 3 and not place["locks"], place
    # What a container compiles there, and its baton; killed, it leaves the baton.
    path = CAPTURED + place["path"]
    machine.must(f"docker run -d --name builder -v {path}:{path} {IMAGE} sh -c 'exec 3>{path}/build/lock_module_moe; exec sleep 600'", timeout=200)
    place = aiter_place(machine)
    assert [lock["use"] for lock in place["locks"]] == ["in use"], place
    machine.must("docker kill builder; docker rm builder", timeout=120)
    place = aiter_place(machine)
    assert [lock["use"] for lock in place["locks"]] == ["idle"], place
    print(captured(machine, "jit list"))
    captured(machine, "jit prune --apply")
    place = aiter_place(machine)
    assert not place["locks"] and place["files"] == 3, place


@scenario.step("docker takes the line of `fettle run-line` as it stands, and the container has just what it should")
def docker_line(machine):
    machine.must("mkdir -p /dev/dri; [ -e /dev/kfd ] || mknod /dev/kfd c 1 3; [ -e /dev/dri/renderD128 ] || mknod /dev/dri/renderD128 c 1 3")
    machine.put("/tmp/line.sh", run_line(machine).replace("docker run --rm", "docker run --detach --rm").encode())
    machine.must("sh /tmp/line.sh", timeout=200)
    told = started_as(machine)
    check_start(machine, told)
    assert 993 in told["groups"], told["groups"]
    page = captured(machine, f"env diff --container glm-4.6 --model {MODEL} --tp 8")
    print(page)
    machine.must("docker stop --time 1 glm-4.6", timeout=120)
    line = "docker run --detach --rm --name glm-4.6 --volume /srv/fettle:/srv/fettle --env VLLM_ROCM_USE_AITER_MOE=1 " + IMAGE + " vllm serve " + MODEL
    machine.must(line, timeout=200)
    page = captured(machine, f"env diff --container glm-4.6 --model {MODEL} --tp 8", code=1)
    assert "VLLM_ROCM_USE_AITER_MOE" in page and "power of 2" in page, page
    machine.must("docker stop --time 1 glm-4.6", timeout=120)


@scenario.step("a container that was started by hand, of another user: the collector in its sandbox reads what it lacks, and nothing else")
def drift(machine):
    machine.must(f"docker run --detach --rm --name by-hand --user 1234 --cap-drop ALL --volume /srv/fettle:/srv/fettle:ro --env HF_TOKEN=hf_secret --env HF_HOME=/tmp/hf {IMAGE} vllm serve {MODEL}", timeout=200)
    pid = machine.must("docker inspect --format '{{.State.Pid}}' by-hand").strip()
    # A driver that says that this process uses a GPU: /sys/class as it is, and beside it KFD's list of processes.
    machine.must(f"mkdir /run/class && cp -a /sys/class/. /run/class/ && mkdir -p /run/class/kfd/kfd/proc/{pid} && mount --bind /run/class /sys/class")
    profile = machine.must("cat /etc/fettle/profiles/vm.yaml")
    machine.put("/etc/fettle/profiles/vm.yaml", (profile + "gpus: {model: MI300X, count: 8}\n").encode())
    machine.must("systemctl reload fettled; systemctl start fettle-collect.service", timeout=300)
    kept = machine.must("cat /run/fettle/collect/gpu-programs.json")
    assert "/tmp/hf" in kept and "hf_secret" not in kept, kept
    for _ in range(20):  # until the daemon has looked again
        found = [each for each in node.get(machine, "/v1/health")[1]["findings"] if each["id"] == "env.drift"]
        if found and found[0]["status"] == "warn":
            break
        time.sleep(3)
    assert found and found[0]["status"] == "warn" and f"vllm (pid {pid}): HF_HOME is not as the profile wants" in found[0]["says"], found
    print(found[0]["says"])
    print(machine.run(f"fettle env diff --pid {pid}").out)
    machine.must("umount /sys/class; rm -r /run/class; docker stop --time 1 by-hand", timeout=120)
    machine.put("/etc/fettle/profiles/vm.yaml", profile.encode())
    machine.must("systemctl reload fettled")
    node.wait_ready(machine)


@scenario.step("docker compose and systemd take theirs")
def other_forms(machine):
    machine.put("/tmp/compose.yaml", run_line(machine, "compose").encode())
    machine.must("docker-compose -f /tmp/compose.yaml config --quiet && docker-compose -f /tmp/compose.yaml up --detach", timeout=300)
    check_start(machine, started_as(machine))
    machine.must("docker-compose -f /tmp/compose.yaml down --timeout 1", timeout=200)
    machine.put("/etc/systemd/system/glm.service", run_line(machine, "systemd").encode())
    machine.must("systemd-analyze verify /etc/systemd/system/glm.service; systemctl daemon-reload; systemctl start glm", timeout=200)
    check_start(machine, started_as(machine))
    machine.must("systemctl stop glm", timeout=120)
    assert machine.run("systemctl is-failed glm").out.strip() == "inactive"
    assert machine.must("docker ps --quiet").strip() == ""


@scenario.step("podman: the same image and line, when docker does not answer")
def podman(machine):
    machine.must("systemctl stop docker.socket docker; systemctl mask --runtime docker.socket docker; systemctl start podman.socket", timeout=300)
    machine.must("mkdir -p /etc/containers/registries.conf.d")
    machine.put("/etc/containers/registries.conf.d/local.conf", b'[[registry]]\nlocation = "localhost:5000"\ninsecure = true\n')
    machine.must("systemctl restart podman.socket podman", timeout=120)
    assert states(machine, 1)[0] == ["wanted"]
    machine.must("systemctl start fettle-images.service", timeout=900)
    seen, text = states(machine, 0)
    assert seen == ["ready"] and "podman" in text, text
    machine.put("/tmp/line.sh", run_line(machine, "podman").replace("podman run --rm", "podman run --detach --rm").encode())
    machine.must("sh /tmp/line.sh", timeout=300)
    check_start(machine, started_as(machine))
    machine.must("podman stop --time 1 glm-4.6", timeout=120)


@scenario.step("deep checks with real rocminfo and amd-smi on a machine without a GPU: never well")
def deep(machine):
    profile = (node.TESTS / "vm/vm.yaml").read_text()
    profile += ("deep:\n  - {name: rocminfo, command: [/usr/bin/rocminfo], why: the runtime sees the GPUs}\n"
                "  - {name: amd-smi, command: [/usr/bin/amd-smi, list], why: the management library sees the GPUs}\n")
    machine.put("/etc/fettle/profiles/vm.yaml", profile.encode())
    machine.must("systemctl reload fettled")
    print(machine.run("fettle check --deep", timeout=300).out)
    for _ in range(20):  # until the daemon has looked again
        rows = {each["id"]: each for each in node.get(machine, "/v1/status")[1]["findings"]}
        if rows.get("deep.amd-smi", {}).get("status") == "fail":
            break
        time.sleep(3)
    for name in ("deep.rocminfo", "deep.amd-smi"):
        assert rows[name]["status"] == "fail" and "[" not in rows[name]["says"], rows[name]


if __name__ == "__main__":
    scenario.main()
