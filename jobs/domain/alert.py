"""Alerts: a number that is watched, where it becomes bad, and for how long it must be so."""

from __future__ import annotations

from enum import StrEnum

import msgspec

MAX_RULES = 100
MAX_EMAILS = 10
MAX_FOR_S = 86_400
DEFAULT_FOR_S = 60
MAX_WINDOW = 60
DEFAULT_WINDOW = 5
# A rate of fewer attempts says nothing.
LEAST_ATTEMPTS = 10
MAX_THRESHOLD = 1e12


class Metric(StrEnum):
    """What can be watched. `workers` is bad when it is low, everything else when it is high."""

    OLDEST_AGE = "oldest_age_s"
    FAILURE_RATE = "failure_rate_percent"
    DEAD_LETTERS = "dead_letters"
    WORKERS = "workers"
    STORE_MEMORY = "store_memory_percent"


class AlertState(StrEnum):
    """`pending`: it is bad, but not for long enough yet."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of a namespace. `queue` narrows the oldest age, `window` (minutes) is that of the failure rate.

    It fires when the number has been bad for `for_s` seconds, and is over when it has been good for as long.
    """

    name: str
    metric: Metric
    threshold: float
    for_s: int = DEFAULT_FOR_S
    queue: str | None = None
    window: int = DEFAULT_WINDOW
    emails: tuple[str, ...] = ()
    webhook: str | None = None

    def is_bad(self, value: float) -> bool:
        """Say whether the number is beyond the threshold."""
        return value < self.threshold if self.metric is Metric.WORKERS else value > self.threshold


class Standing(msgspec.Struct, frozen=True):
    """Where an alert is, since when (Unix s), and since when it might be over, if it fires."""

    state: AlertState = AlertState.OK
    since: float = 0.0
    better_since: float | None = None


def judged(rule: AlertRule, before: Standing, value: float | None, now_s: float) -> Standing:
    """Return where an alert is after a look; None is a number that could not be had, which changes nothing."""
    if value is None:
        return before
    if rule.is_bad(value):
        return _worse(rule, before, now_s)
    if before.state is not AlertState.FIRING:
        return Standing(AlertState.OK, before.since if before.state is AlertState.OK else now_s)
    better_since = now_s if before.better_since is None else before.better_since
    if now_s - better_since >= rule.for_s:
        return Standing(AlertState.OK, now_s)
    return Standing(AlertState.FIRING, before.since, better_since)


def _worse(rule: AlertRule, before: Standing, now_s: float) -> Standing:
    if before.state is AlertState.FIRING:
        return Standing(AlertState.FIRING, before.since)
    since = before.since if before.state is AlertState.PENDING else now_s
    if now_s - since >= rule.for_s:
        return Standing(AlertState.FIRING, now_s)
    return Standing(AlertState.PENDING, since)


def in_words(rule: AlertRule, value: float | None) -> str:
    """Say what a rule watches and how it is now: `the oldest job of mail has waited 95 s (more than 60)`."""
    shown, limit = "?" if value is None else f"{round(value, 1):.12g}", f"{rule.threshold:.12g}"
    match rule.metric:
        case Metric.OLDEST_AGE:
            whose = f"the oldest ready job of the queue {rule.queue}" if rule.queue else "the oldest ready job"
            return f"{whose} has waited {shown} s (threshold {limit} s)"
        case Metric.FAILURE_RATE:
            return f"{shown} % of attempts failed within {rule.window} min (threshold {limit} %)"
        case Metric.DEAD_LETTERS:
            return f"{shown} dead letters (threshold {limit})"
        case Metric.WORKERS:
            return f"{shown} workers alive (at least {limit} wanted)"
        case Metric.STORE_MEMORY:
            return f"{shown} % of the store's memory is used (threshold {limit} %)"
