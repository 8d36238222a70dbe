"""The charts of the history page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.dashboard.charts import BACKLOG, FLOW, OLDEST, PERCENTILES, THROUGHPUT, Chart, Column, Drawn, Line
from jobs.domain.history import Buckets, QueueMoment, quantile
from jobs.domain.history_range import Span
from jobs.services.history import History

_PARTS = (0.5, 0.95, 0.99)
_PEAK = "the most of each point"


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its title, and a sentence for those who do not see it."""

    id: str
    title: str
    note: str
    drawn: Drawn
    told: str


def panels_of(found: History, queue: str, *, is_whole: bool) -> list[Panel]:
    """Return the charts of one queue, if one is named, of the whole namespace, or else of a kind."""
    return _of_queue(found, queue) if queue else _of_attempts(found, is_whole=is_whole)


def _of_queue(found: History, name: str) -> list[Panel]:
    mine = [moment.queues.get(name, QueueMoment()) for moment in found.moments]
    flow: list[Column] = [[each.coming for each in mine], [each.gone for each in mine]]
    backlog: list[Column] = [[each.ready for each in mine], [each.running for each in mine]]
    oldest: list[Column] = [[each.oldest_s for each in mine]]
    return [
        _panel(found.span, ("flow", "Flow", _per(found.span)), FLOW, flow),
        _panel(found.span, ("backlog", "Backlog", _PEAK), BACKLOG, backlog),
        _panel(found.span, ("oldest", "Oldest that waits", "the longest of each point"), OLDEST, oldest, unit="s"),
    ]


def _of_attempts(found: History, *, is_whole: bool) -> list[Panel]:
    moments = found.moments
    ends: list[Column] = [[each.completed for each in moments], [each.retried for each in moments]]
    ends.append([each.dead for each in moments])
    runs = _percentiles([moment.runs() for moment in moments])
    panels = [
        _panel(found.span, ("throughput", "Throughput", _per(found.span)), THROUGHPUT, ends, kind="bars"),
        _panel(found.span, ("runs", "Run time", "of attempts"), PERCENTILES, runs, unit="s"),
    ]
    if is_whole:
        waits = _percentiles([moment.waits for moment in moments])
        ready: Column = [sum(queue.ready for queue in each.queues.values()) for each in moments]
        running: Column = [sum(queue.running for queue in each.queues.values()) for each in moments]
        panels.append(_panel(found.span, ("waits", "Wait", "of ready jobs for a worker"), PERCENTILES, waits, unit="s"))
        panels.append(_panel(found.span, ("backlog", "Backlog", _PEAK), BACKLOG, [ready, running]))
    return panels


def _panel(
    span: Span,
    title: tuple[str, str, str],
    lines: tuple[Line, ...],
    columns: Sequence[Column],
    *,
    kind: str = "lines",
    unit: str = "n",
) -> Panel:
    name, words, note = title
    at = [span.start + number * span.step_s for number in range(span.points)]
    chart = Chart(kind, unit, span.step_s, lines, "Nothing in this time")
    told = "; ".join(_told(line.label, column, unit) for line, column in zip(lines, columns, strict=True))
    return Panel(name, words, note, Drawn(chart, (at, *columns)), f"{words}, {note}: {told}.")


def _percentiles(buckets: Sequence[Buckets]) -> list[Column]:
    return [[quantile(each, part) for each in buckets] for part in _PARTS]


def _told(label: str, column: Column, unit: str) -> str:
    highest = max((number for number in column if number is not None), default=None)
    return f"{label} none" if highest is None else f"{label} up to {highest:.4g}{' s' if unit == 's' else ''}"


def _per(span: Span) -> str:
    hours, minutes = span.step_s // 3_600, span.step_s // 60
    if hours:
        return "per hour" if hours == 1 else f"per {hours} hours"
    return "per minute" if minutes == 1 else f"per {minutes} minutes"
