"""A real Prometheus scrapes a real server as `deploy/` has it, and every panel and rule finds what it asks for."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.expressions import RULES, Expression, dashboard_expressions, rule_expressions
from tests.deploy.tools import DEPLOY, documents, program
from tests.journeys.api import Api
from tests.processes.running import Running, free_port
from tests.waiting import WAIT_S, until

# What Prometheus puts at each series itself.
OF_THE_SCRAPE = {"job", "instance"}


def labels_in(page: str) -> dict[str, set[str]]:
    """Return the labels of each sample's name on a page of metrics."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def judge(expression: Expression, known: dict[str, set[str]]) -> None:
    """Fail unless each metric is on the page, and each label is one of its own."""
    assert expression.metrics, expression.place
    assert expression.metrics <= known.keys(), expression
    for name, label in expression.matched:
        assert label in known[name] | OF_THE_SCRAPE, (expression.place, name, label)
    labels = set[str]().union(*(known[name] for name in expression.metrics)) | OF_THE_SCRAPE
    assert expression.grouped | expression.shown <= labels, expression
    assert expression.shown <= expression.grouped | {label for _, label in expression.matched} or not expression.grouped


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Api]:
    """Run one with our configuration, that scrapes this server every half second; yields its interface."""
    configuration = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]
    configuration["global"] = dict.fromkeys(configuration["global"], "500ms")
    configuration["rule_files"] = [str(RULES)]
    [job] = configuration["scrape_configs"]
    # A program of this machine needs no key.
    del job["authorization"]
    job["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    argv = [program("prometheus", "prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    argv += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with Running(argv):
        until(lambda: _is_ready(port))
        yield Api(port)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def asked(server: Api, expression: str) -> list[Any]:
    """Return the series that an expression has now."""
    answer = server.ask("GET", f"/api/v1/query?{urlencode({'query': expression})}")
    assert answer.status == 200, (expression, answer.body)
    return list(answer.body["data"]["result"])


def states(server: Api) -> dict[str, tuple[str, str | None]]:
    """Return of each rule whether it could be evaluated, and of each alert whether it fires."""
    groups = server.ask("GET", "/api/v1/rules").body["data"]["groups"]
    return {rule["name"]: (rule["health"], rule.get("state")) for group in groups for rule in group["rules"]}


def traffic(api: Api) -> str:
    """Have a job completed, another tried again, and one die; return its letter."""
    api.completed(api.submit("demo.echo", 1))
    dead = api.submit("demo.fail", {"always": True}, max_retries=0)
    assert api.final(dead)["status"] == "dead_letter"
    api.completed(api.submit("demo.fail", {"times": 1}, backoff={"base_ms": 100, "max_ms": 100}))
    return dead


def test_every_panel_and_rule_finds_what_it_asks_for(api: Api, tmp_path: Path) -> None:
    letters = [traffic(api)]
    api.ask("POST", "/queues/monitored/pause")
    api.submit("demo.echo", 1, queue="monitored")
    assert api.ask("PUT", "/limits/kinds/demo.echo", {"circuit": {"percent": 50}}).status == 201
    with prometheus(tmp_path, f"127.0.0.1:{api.port}") as server:
        until(lambda: bool(asked(server, "ironforge_jobs_dead_total")))
        letters.append(traffic(api))
        until(lambda: bool(asked(server, "rate(ironforge_jobs_failed_total[1m]) > 0")))
        known = labels_in(api.text("/metrics")) | {"up": set()}
        for expression in rule_expressions():
            known.setdefault(expression.place, {"namespace"})
        for expression in (*rule_expressions(), *dashboard_expressions()):
            judge(expression, known)
        for expression in dashboard_expressions():
            # What the last jobs brought comes with the next scrape.
            until(lambda: bool(asked(server, expression.text)))  # noqa: B023
        until(lambda: states(server)["IronForgeDeadLetters"] == ("ok", "firing"))
        # Each is evaluated in its turn.
        until(lambda: {health for health, _ in states(server).values()} == {"ok"})
        others = {name: state for name, state in states(server).items() if name != "IronForgeDeadLetters"}
        assert not [name for name, (_, state) in others.items() if state == "firing"]
    api.ask("POST", "/queues/monitored/purge", {"confirm": "monitored"})
    api.ask("POST", "/queues/monitored/resume")
    api.ask("DELETE", "/limits/kinds/demo.echo")
    assert api.ask("POST", "/bulk-operations", {"action": "discard", "ids": letters}).status == 202
