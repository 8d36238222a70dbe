"""The tables of the view. Every text from outside is shown with its control characters escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from jobs.domain.priority import Priority
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.status import Status
from jobs.services.dead_letters import DeadLetterGroup
from jobs.telemetry.log_line import escaped
from jobs.terminal import figures
from jobs.terminal.reading import COUNTERS, Reading

T = TypeVar("T")

SELECTED = "reverse"
HEADING = "bold"
QUIET = "dim"
# From so many columns on there is room for what is good to know.
WIDE = 110
# Below so many columns what can be seen elsewhere is left out.
MIDDLE = 72
_LABELS = {"submitted": "submitted", "completed": "completed", "failed": "failed", "dead": "dead letters"}
_STATUS_STYLES = {"running": "green", "quiet": "yellow", "draining": "yellow"}


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a table are shown: `count` of them from `start` on, `selected` in reverse (-1 for none)."""

    start: int
    count: int
    selected: int = -1

    def of(self, all_rows: Sequence[T]) -> list[tuple[str, T]]:
        """Return the rows that are shown, each with its style."""
        shown = list(enumerate(all_rows))[self.start : self.start + self.count]
        return [(SELECTED if number == self.selected else "", row) for number, row in shown]


def counters(reading: Reading, width: int) -> Table:
    """Return a line for each counter: the total, the rate, and the last minutes as bars."""
    bars = max(0, min(60, width - 40))
    table = _table(("", ""), ("TOTAL", "right"), ("PER SECOND", "right"), (_minutes_title(bars), "bars"))
    for name in COUNTERS:
        total, per_s = reading.totals[name], reading.per_s[name]
        history = [getattr(minute, name) for minute in reading.minutes]
        style = "red" if name in ("failed", "dead") and per_s else ""
        table.add_row(
            Text(_LABELS[name]),
            Text(figures.number(total)),
            Text(figures.rate(per_s), style),
            Text(figures.sparkline(history, bars), "cyan"),
        )
    return table


def queue_table(reading: Reading, rows: Rows, width: int) -> Table:
    """Return the queues: ready jobs in all and by priority, what runs and what comes later, who paused it."""
    has_room = width >= MIDDLE
    title = titled("QUEUES", len(reading.queues), rows)
    table = _table(
        (title, "wide"), ("READY", "right"), *([("C/H/M/L", "right")] if has_room else []), ("RUNNING", "right"),
        ("SCHEDULED", "right"), ("OLDEST", "right"), ("PAUSED BY", "wide"),
    )  # fmt: skip
    for style, queue in rows.of(reading.queues):
        table.add_row(
            Text(escaped(queue.name)),
            Text(figures.number(queue.total(Status.QUEUED))),
            *([Text(_by_priority(queue))] if has_room else []),
            Text(figures.number(queue.total(Status.RUNNING))),
            Text(figures.number(queue.total(Status.SCHEDULED) + queue.total(Status.FAILED))),
            Text(_oldest(queue, reading.server_time)),
            _paused(queue, reading.server_time, width),
            style=style,
        )
    return table


def worker_table(reading: Reading, rows: Rows, width: int) -> Table:
    """Return the workers: what they are at, and when they were last heard."""
    is_wide, has_room = width >= WIDE, width >= MIDDLE
    columns = [(titled("WORKERS", len(reading.workers), rows), "wide"), ("STATUS", ""), ("BUSY", "right")]
    columns += [("MEMORY", "right")] if has_room else []
    columns += [("QUEUES", "wide"), *([("LANGUAGE", "")] if is_wide else []), ("HEARD", "right")]
    table = _table(*columns)
    for style, worker in rows.of(reading.workers):
        cells = [
            Text(escaped(worker.id)),
            Text(escaped(worker.status), _STATUS_STYLES.get(worker.status, "")),
            Text(f"{worker.busy}/{worker.concurrency}"),
            *([Text(figures.size(worker.memory_bytes) if worker.memory_bytes else "")] if has_room else []),
            Text(escaped(",".join(worker.queues))),
            *([Text(escaped(worker.language))] if is_wide else []),
            Text(_heard(worker, reading.server_time)),
        ]
        table.add_row(*cells, style=style)
    return table


def letter_table(reading: Reading, rows: Rows) -> Table:
    """Return the newest dead letters by the type of their error and their kind."""
    groups = reading.letters.groups
    count = f"newest {reading.letters.looked_at}" if reading.letters.is_cut else str(reading.letters.looked_at)
    table = _table(
        (f"DEAD LETTERS {count}", "wide"), ("KIND", "wide"), ("COUNT", "right"), ("LAST", "right"), ("MESSAGE", "wide")
    )
    for style, group in rows.of(groups):
        table.add_row(*_letter_cells(group, reading.server_time), style=style)
    return table


def titled(title: str, total: int, rows: Rows) -> str:
    """Return a title with the number of rows there are, and how many of them are not shown."""
    return f"{title} {total}" + (f" ({total - rows.count} more)" if rows.count < total else "")


def _letter_cells(group: DeadLetterGroup, now_ms: int) -> list[Text]:
    return [
        Text(escaped(group.error_type), "red"),
        Text(escaped(group.kind)),
        Text(figures.number(group.count)),
        Text(f"{figures.age(now_ms - group.last_at)} ago"),
        Text(escaped(group.message)),
    ]


def _table(*columns: tuple[str, str]) -> Table:
    """Return an empty table; a column is a title and how it behaves: `right`, `wide` (may shrink) or neither."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style=HEADING)
    for title, manner in columns:
        is_wide = manner == "wide"
        table.add_column(
            Text(title),
            justify="right" if manner == "right" else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_wide or manner == "bars" else None,
            min_width=None if manner == "bars" else len(title),
        )
    return table


def _minutes_title(bars: int) -> str:
    return f"LAST {bars} MINUTES" if bars >= 15 else ""


def _by_priority(queue: QueueStats) -> str:
    ready = queue.counts.get(Status.QUEUED, {})
    return "/".join(str(ready.get(priority, 0)) for priority in Priority)


def _oldest(queue: QueueStats, now_ms: int) -> str:
    return figures.age(now_ms - queue.oldest_ready_at) if queue.oldest_ready_at is not None else ""


def _paused(queue: QueueStats, now_ms: int, width: int) -> Text:
    if queue.pause is None:
        return Text("")
    since = f", {figures.age(now_ms - queue.pause.at)}" if width >= WIDE else ""
    why = f": {queue.pause.reason}" if width >= WIDE and queue.pause.reason else ""
    return Text(escaped(f"{queue.pause.by}{since}{why}"), "yellow")


def _heard(worker: WorkerRecord, now_ms: int) -> str:
    return f"{figures.age(now_ms - worker.seen_at)} ago" if worker.seen_at else ""
