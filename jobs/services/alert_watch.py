"""Looks at what alerts watch, and changes where they stand. Any number of processes may; each look is one's alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec
from django.db import transaction

from jobs import wiring
from jobs.access.alert import Alert
from jobs.backends.overview import Overview
from jobs.domain.alert import LEAST_ATTEMPTS, MAX_WINDOW, AlertRule, AlertState, Metric, Standing, judged
from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from jobs.services.alert_notices import put_notices
from jobs.telemetry.logs import get_logger, log_event

EVERY_S = 10.0
_AT_ONCE = 100
_decode = msgspec.json.Decoder(AlertRule).decode
_log = get_logger("server")


def look(wall: Callable[[], float] = time.time) -> bool:
    """Look at what is due; True when there may be more."""
    now_s = wall()
    # A clock that was set back must not keep anybody from looking.
    due = Alert.objects.exclude(looked_at__gt=now_s - EVERY_S, looked_at__lte=now_s)
    rows = list(due.order_by("looked_at", "id")[:_AT_ONCE])
    readings = _Readings()
    for row in rows:
        if Alert.objects.filter(pk=row.pk, looked_at=row.looked_at).update(looked_at=now_s):
            _judge(row, _decode(row.rule), readings, now_s)
    return len(rows) == _AT_ONCE


def _judge(row: Alert, rule: AlertRule, readings: _Readings, now_s: float) -> None:
    value = readings.value(row.namespace, rule)
    before = Standing(AlertState(row.state), row.since, row.better_since)
    after = judged(rule, before, value, now_s)
    row.value = value
    with transaction.atomic():
        # Only if nobody has set the rule anew in between.
        unchanged = Alert.objects.filter(pk=row.pk, looked_at=now_s, rule=row.rule)
        changes = {"state": after.state.value, "since": after.since, "better_since": after.better_since}
        if not unchanged.update(value=value, **changes):
            return
        event = _event(before.state, after.state)
        if event:
            put_notices(row, rule, event)
    if event:
        log_event(_log, f"alert.{event}", alert=rule.name, namespace=row.namespace, metric=rule.metric, value=value)


def _event(before: AlertState, after: AlertState) -> str:
    if before is after or AlertState.FIRING not in (before, after):
        return ""
    return "firing" if after is AlertState.FIRING else "resolved"


class _Readings:
    """What was read in one round: each number once, and nothing more of a namespace whose store was away."""

    def __init__(self) -> None:
        self._overviews: dict[str, Overview] = {}
        self._workers: dict[str, int] = {}
        self._memory: list[float | None] = []
        self._away: set[str] = set()

    def value(self, namespace: str, rule: AlertRule) -> float | None:
        """Return the number that a rule watches, None where it cannot be had."""
        if namespace in self._away:
            return None
        try:
            return self._read(namespace, rule)
        except Exception as failure:  # noqa: BLE001 - what is damaged or away there keeps no other's rules from being judged
            if not isinstance(failure, BackendUnavailable):
                log_event(_log, "alert.unread", level=logging.ERROR, exception=failure, namespace=namespace)
            self._away.add(namespace)
            return None

    def _read(self, namespace: str, rule: AlertRule) -> float | None:
        if rule.metric is Metric.STORE_MEMORY:
            if not self._memory:
                self._memory.append(_memory_percent())
            return self._memory[0]
        inspector = wiring.backend().inspector(namespace)
        if rule.metric is Metric.WORKERS:
            if namespace not in self._workers:
                self._workers[namespace] = wiring.runner().run(inspector.worker_count())
            return self._workers[namespace]
        if namespace not in self._overviews:
            self._overviews[namespace] = wiring.runner().run(inspector.overview(MAX_WINDOW + 1))
        return _of_overview(self._overviews[namespace], rule)


def _of_overview(seen: Overview, rule: AlertRule) -> float | None:
    if rule.metric is Metric.DEAD_LETTERS:
        return sum(queue.total(Status.DEAD_LETTER) for queue in seen.queues)
    if rule.metric is Metric.OLDEST_AGE:
        waiting = [
            queue.oldest_ready_at
            for queue in seen.queues
            if queue.oldest_ready_at is not None and rule.queue in (None, queue.name)
        ]
        return max(0, seen.server_time - min(waiting)) / 1000 if waiting else 0.0
    minutes = seen.minutes[-rule.window - 1 :]
    failed = sum(minute.failed for minute in minutes)
    attempts = failed + sum(minute.completed for minute in minutes)
    return round(100 * failed / attempts, 2) if attempts >= LEAST_ATTEMPTS else 0.0


def _memory_percent() -> float | None:
    parts = [100 * used / limit for used, limit in wiring.store_memory() if limit]
    return round(max(parts), 2) if parts else None
