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
_MINUTE_S, _HOUR_S = 60, 3_600


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

    def watches_as(self, other: AlertRule) -> bool:
        """Tell whether both watch the same number, whatever they make of it and whomever they tell."""
        return (self.metric, self.queue, self.window) == (other.metric, other.queue, other.window)


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
    """Say what a rule watches and how it is now, such as `the oldest ready job has waited 35 min (threshold 2 min)`."""
    sentence, values = sentence_of(rule, value)
    return sentence % values


def sentence_of(rule: AlertRule, value: float | None) -> tuple[str, dict[str, str]]:
    """Return what `in_words` says as a format, by which it can be translated, and its values."""
    limit = _length(rule.threshold) if rule.metric is Metric.OLDEST_AGE else f"{rule.threshold:.12g}"
    values = {"limit": limit, "queue": rule.queue or "", "minutes": str(rule.window)}
    if value is None:
        return f"not looked at yet ({_LIMITS.get(rule.metric, 'threshold %(limit)s')})", values
    values["now"] = _length(value) if rule.metric is Metric.OLDEST_AGE else f"{round(value, 1):.12g}"
    if rule.metric is Metric.OLDEST_AGE and rule.queue:
        return "the oldest ready job of the queue %(queue)s has waited %(now)s (threshold %(limit)s)", values
    return _SENTENCES[rule.metric], values


_LIMITS = {
    Metric.FAILURE_RATE: "threshold %(limit)s %%",
    Metric.WORKERS: "at least %(limit)s wanted",
    Metric.STORE_MEMORY: "threshold %(limit)s %%",
}
_SENTENCES = {
    Metric.OLDEST_AGE: "the oldest ready job has waited %(now)s (threshold %(limit)s)",
    Metric.FAILURE_RATE: "%(now)s %% of attempts failed within %(minutes)s min (threshold %(limit)s %%)",
    Metric.DEAD_LETTERS: "%(now)s dead letters (threshold %(limit)s)",
    Metric.WORKERS: "%(now)s workers alive (at least %(limit)s wanted)",
    Metric.STORE_MEMORY: "%(now)s %% of the store's memory is used (threshold %(limit)s %%)",
}


def _length(seconds: float) -> str:
    """Name a length of time in the units that people would: `95.5 s`, `34 min 50 s`, `2 h 5 min`."""
    if seconds < 2 * _MINUTE_S:
        return f"{round(seconds, 1):.12g} s"
    if seconds < _HOUR_S:
        minutes, rest = divmod(int(seconds), _MINUTE_S)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(int(seconds), _HOUR_S)
    return f"{hours} h {rest // _MINUTE_S} min" if rest >= _MINUTE_S else f"{hours} h"
