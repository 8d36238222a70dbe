"""The history of a namespace as the API shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.domain.history import Moment, quantile
from jobs.domain.history_range import Range
from jobs.domain.instant import instant
from jobs.services.history import History


class HistoryTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch came to. Times in seconds.

    `failed` counts attempts, of which `retried` are tried again; `ready`, `running` and `oldest_s` are the most that
    was seen, once a minute. Percentiles are null where nothing waited or ran. Of one queue alone `dead` is 0, of one
    kind `submitted`, `finished`, `ready`, `running` and `oldest_s` are: they are not counted so.
    """

    submitted: int
    completed: int
    failed: int
    retried: int
    dead: int
    finished: int
    ready: int
    running: int
    oldest_s: float
    wait_p50_s: float | None
    wait_p95_s: float | None
    wait_p99_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None
    run_p99_s: float | None


class HistoryPointShape(HistoryTotals, frozen=True, kw_only=True):
    """One point; `at` is its start."""

    at: str


class HistoryShape(msgspec.Struct, frozen=True, kw_only=True):
    """Points of `step_s` seconds in order, the last not over yet; `before` is the stretch of the same length before."""

    range: str
    queue: str | None
    kind: str | None
    start: str
    end: str
    step_s: int
    points: tuple[HistoryPointShape, ...]
    total: HistoryTotals
    before: HistoryTotals


def history_shape(found: History, wanted: Range, queue: str | None, kind: str | None) -> HistoryShape:
    """Return a history."""
    span = found.span
    return HistoryShape(
        range=wanted.value,
        queue=queue,
        kind=kind,
        start=instant(span.start * 1000),
        end=instant(span.end * 1000),
        step_s=span.step_s,
        points=tuple(
            HistoryPointShape(at=instant((span.start + number * span.step_s) * 1000), **_numbers(moment))
            for number, moment in enumerate(found.moments)
        ),
        total=HistoryTotals(**_numbers(found.whole)),
        before=HistoryTotals(**_numbers(found.before)),
    )


def _numbers(moment: Moment) -> dict[str, Any]:
    runs, queues = moment.runs(), moment.queues.values()
    parts = {
        "wait_p50_s": quantile(moment.waits, 0.5),
        "wait_p95_s": quantile(moment.waits, 0.95),
        "wait_p99_s": quantile(moment.waits, 0.99),
        "run_p50_s": quantile(runs, 0.5),
        "run_p95_s": quantile(runs, 0.95),
        "run_p99_s": quantile(runs, 0.99),
    }
    return {
        "submitted": moment.submitted,
        "completed": moment.completed,
        "failed": moment.failed,
        "retried": moment.retried,
        "dead": moment.dead,
        "finished": sum(queue.gone for queue in queues),
        "ready": sum(queue.ready for queue in queues),
        "running": sum(queue.running for queue in queues),
        "oldest_s": max((queue.oldest_s for queue in queues), default=0.0),
        **{name: None if value is None else round(value, 6) for name, value in parts.items()},
    }
