"""What the scenarios ask of a Prometheus on the virtual node."""

import json
import time
import urllib.parse


def query(machine, expression):
    """What Prometheus answers to an expression: a list of (labels, value)."""
    target = "http://127.0.0.1:9090/api/v1/query?query=" + urllib.parse.quote(expression)
    answer = json.loads(machine.must(f"curl -sS --max-time 30 '{target}'"))
    assert answer["status"] == "success", answer
    return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


def firing(machine):
    answer = json.loads(machine.must("curl -sS --max-time 30 http://127.0.0.1:9090/api/v1/alerts"))
    return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"}


def wait_for(what, look, seconds=300):
    """Until `look` is true; fails with what it saw last."""
    until = time.monotonic() + seconds
    while True:
        seen, is_so = look()
        if is_so:
            return seen
        assert time.monotonic() < until, f"{what}: not within {seconds} s; last seen: {seen}"
        time.sleep(5)


def wait_state(machine, state):
    def look():
        seen = [labels["state"] for labels, value in query(machine, "fettle_state == 1")]
        return seen, seen == [state]

    wait_for(f"Prometheus shows the state {state}", look)
