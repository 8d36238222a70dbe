"""The body that sets an alert rule, read field by field."""

from __future__ import annotations

import re

from jobs.domain.alert import (
    DEFAULT_FOR_S,
    DEFAULT_WINDOW,
    MAX_EMAILS,
    MAX_FOR_S,
    MAX_THRESHOLD,
    MAX_WINDOW,
    AlertRule,
    Metric,
)
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.naming import QUEUE, is_queue
from jobs.domain.target import MAX_URL

FIELDS = frozenset({"metric", "threshold", "for_s", "queue", "window_minutes", "emails", "webhook", "reason"})
# What browsers take for one (HTML, "valid e-mail address"); whether it exists is known to nobody but its server.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?=.{{1,190}}$){_LABEL}(?:\.{_LABEL})*")


def read_rule(name: str, source: dict[str, object], max_reason: int) -> tuple[AlertRule, str]:
    """Return the rule and the reason. Raises InvalidInput with all problems."""
    problems: list[Problem] = []
    fields = FieldReader(source, "", problems, FIELDS)
    metric = _metric(fields)
    rule = AlertRule(
        name=name,
        metric=metric,
        threshold=_threshold(fields),
        for_s=fields.integer("for_s", 0, MAX_FOR_S, DEFAULT_FOR_S),
        queue=_queue(fields, metric),
        window=fields.integer("window_minutes", 1, MAX_WINDOW, DEFAULT_WINDOW),
        emails=_emails(fields),
        webhook=fields.text("webhook", MAX_URL) or None,
    )
    if fields.has("window_minutes") and metric is not Metric.FAILURE_RATE:
        fields.refuse("window_minutes", "not_allowed", "window_minutes belongs to failure_rate_percent alone.")
    reason = fields.text("reason", max_reason)
    if problems:
        raise InvalidInput(problems)
    return rule, reason


def read_change(rule: AlertRule, changes: dict[str, object], max_reason: int) -> tuple[AlertRule, str]:
    """Return the rule with some fields changed, and the reason; None takes a field back to its default.

    What belongs to the metric alone goes with it. Raises InvalidInput with all problems.
    """
    kept: dict[str, object] = {
        "metric": rule.metric.value,
        "threshold": rule.threshold,
        "for_s": rule.for_s,
        "emails": list(rule.emails),
        "webhook": rule.webhook,
    }
    if changes.get("metric", rule.metric) == rule.metric:
        kept |= {"queue": rule.queue} if rule.queue else {}
        kept |= {"window_minutes": rule.window} if rule.metric is Metric.FAILURE_RATE else {}
    merged = {name: value for name, value in {**kept, **changes}.items() if value is not None}
    return read_rule(rule.name, merged, max_reason)


def _metric(fields: FieldReader) -> Metric:
    if fields.has("metric"):
        return Metric(fields.choice("metric", tuple(Metric), Metric.OLDEST_AGE))
    fields.refuse("metric", "required", f"metric is one of {', '.join(Metric)}.")
    return Metric.OLDEST_AGE


def _threshold(fields: FieldReader) -> float:
    value = fields.value("threshold")
    if isinstance(value, bool) or not isinstance(value, int | float):
        fields.refuse("threshold", "invalid_type", "threshold must be a number.")
        return 0.0
    if not 0 <= value <= MAX_THRESHOLD:
        fields.refuse("threshold", "out_of_range", f"threshold must be 0–{MAX_THRESHOLD:.0f}.")
        return 0.0
    return float(value)


def _queue(fields: FieldReader, metric: Metric) -> str | None:
    if not fields.has("queue"):
        return None
    if metric is not Metric.OLDEST_AGE:
        fields.refuse("queue", "not_allowed", "queue belongs to oldest_age_s alone.")
        return None
    return fields.name("queue", is_queue, f"^{QUEUE.pattern}$", None)


def _emails(fields: FieldReader) -> tuple[str, ...]:
    value = fields.value("emails")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) and _EMAIL.fullmatch(each) for each in value):
        fields.refuse("emails", "invalid_email", "emails must be an array of addresses such as ops@example.com.")
        return ()
    if len(value) > MAX_EMAILS:
        fields.refuse("emails", "too_many", f"A rule has at most {MAX_EMAILS} addresses.")
        return ()
    return tuple(dict.fromkeys(value))
