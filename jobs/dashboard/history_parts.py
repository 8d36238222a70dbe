"""The queues and the kinds of a stretch of time beside one another: which is slow, which fails, what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobs.domain.history import OTHERS, Buckets, KindMoment, QueueMoment, quantile
from jobs.services.history import History

MOST_ROWS = 20
_PARTS = (0.5, 0.95, 0.99)
_HIGH = 0.95


@dataclass(frozen=True, slots=True)
class Times:
    """Median, 95th and 99th percentile in seconds, None where there is none; `change` of the 95th in per cent."""

    median: float | None
    p95: float | None
    p99: float | None
    change: int | None

    @property
    def css(self) -> str:
        """Return the class that says whether the change is good or bad news."""
        return "worse" if self.change is not None and self.change > 0 else "better"


@dataclass(frozen=True, slots=True)
class PartRow:
    """One queue or kind; `ended` are attempts that completed or failed. Without a name it is all that are not named."""

    name: str
    ended: int
    failed: int
    waits: Times
    runs: Times


def change_of(now: float | None, before: float | None) -> int | None:
    """Return the difference in per cent, None where there is nothing to compare."""
    return round((now - before) * 100 / before) if now is not None and before else None


def queue_rows(found: History) -> list[PartRow]:
    """Return the queues with most attempts in the stretch."""
    return _rows(found.whole.queues, found.before.queues, QueueMoment())


def kind_rows(found: History) -> list[PartRow]:
    """Return the kinds with most attempts in the stretch."""
    return _rows(found.whole.kinds, found.before.kinds, KindMoment())


def _rows(
    now: Mapping[str, QueueMoment] | Mapping[str, KindMoment],
    before: Mapping[str, QueueMoment] | Mapping[str, KindMoment],
    nothing: QueueMoment | KindMoment,
) -> list[PartRow]:
    rows = [_row(name, part, before.get(name, nothing)) for name, part in now.items()]
    busy: Iterable[PartRow] = (row for row in rows if row.ended or row.waits.median is not None)
    return sorted(busy, key=lambda row: (-row.ended, row.name))[:MOST_ROWS]


def _row(name: str, now: QueueMoment | KindMoment, before: QueueMoment | KindMoment) -> PartRow:
    waits, runs = times_of(now.waits, before.waits), times_of(now.runs, before.runs)
    return PartRow("" if name == OTHERS else name, now.completed + now.failed, now.failed, waits, runs)


def times_of(now: Buckets, before: Buckets) -> Times:
    """Return what histograms of a stretch and of the stretch before tell."""
    median, p95, p99 = (quantile(now, part) for part in _PARTS)
    return Times(median, p95, p99, change_of(p95, quantile(before, _HIGH)))
