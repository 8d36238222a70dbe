"""Prometheus takes the rules and the configuration, and each alert has a page that says what to do."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product

from tests.deploy.expressions import DASHBOARD, rules
from tests.deploy.tools import DEPLOY, ROOT, program


def promtool(*arguments: str) -> None:
    """Run it in the folder of the files; it must be content."""
    argv = [program("promtool", "prometheus"), *arguments]
    ended = subprocess.run(argv, cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_takes_rules_and_configuration_and_alerts_fire_when_they_should() -> None:
    promtool("check", "rules", "rules.yml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")
    promtool("test", "rules", "rules_test.yml")


def test_each_alert_is_tested_and_leads_to_a_section_that_says_what_to_do() -> None:
    tested = (DEPLOY / "prometheus" / "rules_test.yml").read_text()
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 9
    for rule in alerts:
        name, notes = rule["alert"], rule["annotations"]
        assert re.search(rf"(alertname: |\"){name}\b", tested), name
        assert {"summary", "description", "runbook"} <= notes.keys()
        document, _, anchor = notes["runbook"].partition("#")
        assert anchor == name.lower()
        assert f"\n### {name}\n" in (ROOT / document).read_text()
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_panels_lie_beside_one_another_and_ask_the_chosen_source() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        across, down = (range(place[start], place[start] + place[size]) for start, size in (("x", "w"), ("y", "h")))
        cells = set(product(across, down))
        assert not cells & taken, panel["title"]
        assert across.stop <= 24
        taken |= cells
        assert {part["datasource"]["uid"] for part in (panel, *panel["targets"])} == {"${datasource}"}
    assert len({panel["id"] for panel in panels}) == len(panels)
