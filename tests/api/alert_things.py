"""A tenant's alert, and what is asked about it."""

from __future__ import annotations

from jobs.domain.alert import AlertRule, Metric
from jobs.services import alerts
from tests.api.tenant import Tenant

WATCHED = {"metric": "dead_letters", "threshold": 1}


def alert_of(tenant: Tenant, name: str = "theirs") -> str:
    """Return an alert that tells a URL to which nothing is sent."""
    rule = AlertRule(name=name, metric=Metric.DEAD_LETTERS, threshold=1, webhook="https://8.8.8.8/alert")
    alerts.set_alert(tenant.system, rule)
    return name


# What a stranger may not do, for `tests.api.test_isolation`.
ALERTS = {
    ("alert", "GET"): (alert_of, b"", "nobodys"),
    ("alert", "PATCH"): (alert_of, {"threshold": 2}, "nobodys"),
    ("alert-rotate", "POST"): (alert_of, {}, "nobodys"),
    ("alert", "DELETE"): (alert_of, b"", "nobodys"),
    ("alert-test", "POST"): (alert_of, {}, "nobodys"),
}
