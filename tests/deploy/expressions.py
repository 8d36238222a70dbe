"""The expressions of dashboard and alert rules: which metrics and labels they name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.deploy.tools import DEPLOY, documents

RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "ironforge.json"

_METRIC = re.compile(r"\b(?:ironforge[_:][\w:]+|up)\b")
_SELECTOR = re.compile(r"\b(ironforge[_:][\w:]+|up)\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*[=!]~?\s*\"")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, where it stands, and the labels that the text beside it shows."""

    place: str
    text: str
    shown: frozenset[str] = frozenset()

    @property
    def metrics(self) -> set[str]:
        """Return the names of metrics and records."""
        return set(_METRIC.findall(_GROUPING.sub("", self.text)))

    @property
    def matched(self) -> set[tuple[str, str]]:
        """Return which labels are matched of which metric."""
        return {(name, label) for name, inner in _SELECTOR.findall(self.text) for label in _MATCHER.findall(inner)}

    @property
    def grouped(self) -> set[str]:
        """Return the labels of all groupings."""
        return {label.strip() for inner in _GROUPING.findall(self.text) for label in inner.split(",")}


def rules() -> list[dict[str, Any]]:
    """Return all rules of all groups."""
    return [rule for group in documents(RULES)[0]["groups"] for rule in group["rules"]]


def rule_expressions() -> list[Expression]:
    """Return what the rules ask."""
    found = []
    for rule in rules():
        shown = re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {})))
        found.append(Expression(rule.get("alert") or rule["record"], rule["expr"], frozenset(shown)))
    return found


def dashboard_expressions() -> list[Expression]:
    """Return what the panels ask, with a minute for Grafana's interval and all namespaces."""
    found = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m").replace("$namespace", ".*")
            shown = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            found.append(Expression(panel["title"], text, frozenset(shown)))
    return found
