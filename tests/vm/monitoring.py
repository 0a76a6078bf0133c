#!/usr/bin/env python3
"""What looks at a node shows its true state: Prometheus through node_exporter, NRPE, and the ledger with an engine."""

import json

import node
from prometheus import firing, query, wait_for, wait_state
from scenario import Scenario

scenario = Scenario("monitoring", image="monitoring", memory_mib=2048)

TEXTFILE = "/var/lib/prometheus/node-exporter/fettle.prom"
# As the README of packaging/monitoring gives it to cron.
CRON = f"* * * * * root fettle metrics --textfile {TEXTFILE}\n"
PROMETHEUS = """global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [/etc/prometheus/fettle.rules.yaml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["127.0.0.1:9100"]}]
"""
NRPE = """command[check_fettle]=/usr/bin/fettle check --as nagios
command[check_fettle_state]=/usr/bin/fettle status 2>&1
"""
ENGINE = """
engines:
  - {name: main, url: "http://127.0.0.1:8000", model: stub/model, first_token: true}
"""
# Serves one token ten seconds after its start, as an engine does that has loaded its model.
STUB = r"""
import json, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

ready_at = time.monotonic() + 10

class Engine(BaseHTTPRequestHandler):
    def answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if time.monotonic() < ready_at:
            self.answer(503, {})
        elif self.path == "/v1/models":
            self.answer(200, {"data": [{"id": "stub/model"}]})
        else:
            self.answer(200, {})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["model"] == "stub/model" and asked["max_tokens"] == 1
        self.answer(200 if known else 400, {"choices": [{"text": "!"}]})

HTTPServer(("127.0.0.1", 8000), Engine).serve_forever()
"""


@scenario.step("a ready node, with node_exporter, Prometheus and NRPE set up as the README says")
def set_up(machine):
    machine.boot()
    node.configure(machine)
    machine.must("systemctl restart fettled; fettle apply", timeout=300)
    node.wait_ready(machine)
    machine.put("/etc/cron.d/fettle-metrics", CRON.encode())
    machine.put("/etc/prometheus/prometheus.yml", PROMETHEUS.encode())
    machine.put("/etc/prometheus/fettle.rules.yaml", (node.TESTS.parent / "packaging/monitoring/fettle.rules.yaml").read_bytes())
    machine.put("/etc/nagios/nrpe.d/fettle.cfg", NRPE.encode())
    machine.must("promtool check config /etc/prometheus/prometheus.yml", timeout=120)
    machine.must("systemctl restart cron prometheus-node-exporter nagios-nrpe-server; systemctl restart prometheus", timeout=300)


@scenario.step("Prometheus shows the node ready, nothing fires, and both checks of NRPE are well")
def well(machine):
    wait_for("node_exporter has the file", lambda: (machine.run(f"cat {TEXTFILE}").out, machine.run(f"test -s {TEXTFILE}").exit_code == 0))
    wait_state(machine, "ready")
    assert query(machine, "fettle_up") and query(machine, "fettle_up")[0][1] == 1
    assert query(machine, 'fettle_shelf_ready{shelf="tiny"}')[0][1] == 1
    assert not any(name.startswith("Fettle") for name in firing(machine)), firing(machine)
    plugin = machine.run("/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -t 60 -c check_fettle")
    assert plugin.exit_code in (0, 1) and plugin.out.startswith("FETTLE "), (plugin.exit_code, plugin.out)
    state = machine.run("/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -t 60 -c check_fettle_state")
    assert state.exit_code == 0 and state.out.startswith("ready"), (state.exit_code, state.out)
    print(plugin.out.splitlines()[0])


@scenario.step("an engine starts to serve: its model and its first token are stages of the ledger, with their time and price")
def engine(machine):
    configuration = node.CONFIGURATION + 'price: {per_hour: "31.2", currency: USD}\n' + ENGINE
    machine.put("/etc/fettle/fettle.yaml", configuration.encode())
    machine.put("/root/stub.py", STUB.encode())
    machine.must("fettle apply", timeout=300)
    wait_for("it is not started", lambda: state_of(machine, "silent"))
    machine.must("systemd-run --quiet --unit=stub python3 /root/stub.py")
    wait_for("it serves", lambda: state_of(machine, "serving"))
    names = wait_for("the ledger has the token", lambda: stages(machine, "token.main"))
    assert "served.main" in names, names
    print(machine.must("fettle ledger"))
    wait_for("Prometheus has it", lambda: series(machine, 'fettle_engine_serving{engine="main"}', 1))
    assert query(machine, 'fettle_ledger_stage_seconds{stage="token.main"}')[0][1] > 0
    machine.must("systemctl stop stub")
    wait_for("it is missed", lambda: (node.get(machine, "/v1/health"), node.get(machine, "/v1/health")[1]["state"] == "degraded"))
    wait_for("Prometheus misses it", lambda: series(machine, 'fettle_engine_serving{engine="main"}', 0))
    machine.put("/etc/fettle/fettle.yaml", node.CONFIGURATION.encode())
    machine.must("fettle apply", timeout=300)
    assert machine.run("systemctl is-active fettle-engine").out.strip() == "inactive"
    wait_state(machine, "ready")


def state_of(machine, state):
    engines = json.loads(machine.must("fettle engine --json"))
    return engines, [each["state"] for each in engines] == [state]


def stages(machine, name):
    ledger = json.loads(machine.must("fettle ledger --json"))
    names = [stage["name"] for stage in ledger["boot"]["stages"]]
    return names, name in names


def series(machine, expression, value):
    seen = query(machine, expression)
    return seen, [each for _, each in seen] == [value]


@scenario.step("a drive is pulled: Prometheus shows the node failed, its alerts fire, and NRPE is critical")
def failure(machine):
    machine.hot_unplug(4)
    wait_state(machine, "failed")
    wait_for("the alerts fire", lambda: (firing(machine), {"FettleNodeFailed", "FettleCacheLost"} <= firing(machine)), 600)
    state = machine.run("/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -t 60 -c check_fettle_state")
    assert state.exit_code == 2 and state.out.startswith("failed"), (state.exit_code, state.out)


@scenario.step("the daemon is stopped: that nobody judges the node is an alert of its own, not the last state for ever")
def silence(machine):
    machine.must("systemctl stop fettle-status.socket fettle-control.socket fettled")
    wait_for("fettle_up is 0", lambda: series(machine, "fettle_up", 0))
    assert query(machine, "fettle_state") == []
    machine.must("systemctl start fettle-status.socket fettle-control.socket fettled")


@scenario.step("the drive is back after a reboot: the node is ready, the alerts clear, and NRPE is well")
def recovery(machine):
    machine.drives[4].present = True
    machine.power_cut()
    machine.boot()
    node.wait_ready(machine)
    wait_state(machine, "ready")
    wait_for("the alerts clear", lambda: (firing(machine), not any(name.startswith("Fettle") for name in firing(machine))))
    state = machine.run("/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -t 60 -c check_fettle_state")
    assert state.exit_code == 0 and state.out.startswith("ready"), (state.exit_code, state.out)


if __name__ == "__main__":
    scenario.main()
